"""Role packets: what a planner gets for a title, and how good it is.

Belongs here: putting a title's role, workflows and affordances together, the consistency review of
every packet, quality by family, and the reports people read. Stays out: how a title got its role.
"""
