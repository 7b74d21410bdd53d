"""GDPval work as internal practice: one lifecycle over cohorts that are declared as data.

Belongs here: selection, drafts, edits, practice and previews of GDPval tasks, and the receipt of
each step. Stays out: who may decide and what counts as decided (``review``), grading
(``practice``), and the ledger of learners, which nothing here can reach.
"""
