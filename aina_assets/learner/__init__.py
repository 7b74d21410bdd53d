"""Intake -> the next step, with reasons -> what happened -> a better next step.

Belongs here: reading an intake, choosing a path, the append-only ledger of what learners did, and
what follows from it. Stays out: what a packet holds (``packets``), how a submission is graded
(``practice``).
"""
