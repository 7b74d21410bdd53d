"""AINA's data and runtime engine: public work data as a checked, traceable Dagster asset graph.

The rooms, in the order in which they may import each other (import-linter holds them to it):
``contracts``, ``warehouse``, ``sources``, ``work_graph``, ``release``, and ``cli`` above them all.
"""
