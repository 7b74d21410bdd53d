"""Upstream data, pinned: from a lock file to checked source tables.

Belongs here: the lock, fetching and verifying files, one reader per published layout, and the
tables that say the same as a file and no more.
Stays out: anything that joins two sources (that is ``work_graph``).
"""
