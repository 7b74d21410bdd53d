"""Room 4: authored modules, their depth, and what links them to workflows.

Modules are written by people (``data/curriculum``); everything here is derived from them.
"""
