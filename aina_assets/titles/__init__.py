"""Raw title -> normalised -> role with a visible tier -> service tier.

Belongs here: reading job titles, the model that places unseen ones, how sure it may be, and what
may be served for each. Stays out: what a role's work is (``work_graph``), packets (``packets``).
"""
