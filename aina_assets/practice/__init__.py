"""Practice: scenarios to practise on, and the evaluator that says what a submission proves.

Belongs here: reading a submission, checking it against a module's rubric, finding text that must
not be there, an optional judge, how well graders agree, and GDPval tasks as scenarios. Stays out:
the modules themselves (``curriculum``), recording what a learner did (``learner``).
"""
