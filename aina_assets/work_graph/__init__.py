"""From source tables to derived maps: what several sources say about one occupation or task.

Belongs here: joins across sources, each keeping who said what and in which SOC vintage.
Stays out: reading files, titles as people write them, anything about a learner.
"""
