"""The documents a release runs by, kept in the release.

Belongs here: keeping them. Stays out: what they say (``learner.policy``, ``practice.policy``).
"""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from aina_assets.packets.tables import RuntimePolicies
from aina_assets.warehouse.authored import AuthoredText
from aina_assets.warehouse.tables import arrow_schema


def runtime_policies(planner_rules: AuthoredText, practice_rules: AuthoredText) -> pa.Table:
    """Rows of ``RuntimePolicies``."""
    rows = [dataclasses.asdict(document) for document in (planner_rules, practice_rules)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(RuntimePolicies))
