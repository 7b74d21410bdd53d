"""Tables, the write gate, snapshots, planning, publishing primitives and lineage. Knows no domain.

Belongs here: everything that would be the same if the tables were about something else.
Stays out: SOC codes, titles, sources, and every rule that only one table has.
"""
