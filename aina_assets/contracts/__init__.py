"""What crosses a boundary: the errors people read, the controlled vocabulary, receipts.

Belongs here: types that two or more rooms exchange and that mean something outside the code.
Stays out: storage, Dagster, and anything that reads a file.
"""
