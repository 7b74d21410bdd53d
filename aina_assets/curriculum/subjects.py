"""Rubrics as subjects of review: what somebody who teaches or does the work is asked to approve.

Belongs here: the document of each rubric. Stays out: what was decided on it (``review``).
"""

from __future__ import annotations

import pyarrow as pa

from aina_assets.curriculum import tables
from aina_assets.curriculum.depth import modules_of
from aina_assets.review.subjects import subject
from aina_assets.warehouse.tables import arrow_schema

GATE = "rubric_approval"
KIND = "module"


def rubric_subjects(modules: pa.Table) -> pa.Table:
    """Rows of ``RubricSubjects``: one a module.

    The lesson is no part of it: a rubric stays approved while only the lesson changes.
    """
    rows = []
    for module in modules_of(modules):
        said = module.model_dump(mode="json")
        row = subject(
            GATE,
            KIND,
            module.id,
            title=module.title,
            content={
                "role_family": module.family,
                "level": module.level,
                "outcome": module.outcome,
                "exercise": said["exercise"],
                "rubric": said["rubric"],
                "hitl_checkpoints": said["hitl_checkpoints"],
                "sources": sorted(module.sources),
            },
        )
        rows.append(row | {"role_family": module.family})
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.RubricSubjects))
