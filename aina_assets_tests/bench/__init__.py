"""Benchmarks, run by hand: ``python -m aina_assets_tests.bench``. Tests never time anything.

Belongs here: contenders to hold the build against, each a whole process. Figures go to
``docs/benchmarks.md`` with the command that made them.
"""
