"""Decisions: subjects, gates, reviewers, and the ledger of what was decided.

Belongs here: the mechanism, which knows no domain. Stays out: what any gate guards; rooms declare
subjects and read states.
"""
