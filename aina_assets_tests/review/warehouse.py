"""A small warehouse with a table of subjects, as a build would leave it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
from upath import UPath

from aina_assets.review.subjects import SubjectTable, subject
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import Finding, conform, judge
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Table
from aina_assets_tests.review.world import HARD, SOFT


class BoundarySubjects(SubjectTable, key=("subject_key",)):
    """What is to be opened."""

    size: int = pap.Field(description="How large it is.")


class LessonSubjects(SubjectTable, key=("subject_key",)):
    """What is to be taught."""


MODELS: Mapping[str, type[Table]] = {
    "boundary_subjects": BoundarySubjects,
    "lesson_subjects": LessonSubjects,
}


def boundary(key: str, text: str = "as it is", **fields: Any) -> dict[str, Any]:
    evidence = {"table:soc_map": "0" * 64}
    made = {"title": f"Boundary {key}", "content": {"text": text}, "evidence": evidence}
    return subject(HARD, "domain", key, **(made | fields)) | {"size": 1}


def lesson(key: str, text: str = "as it is", **fields: Any) -> dict[str, Any]:
    made = {"title": f"Lesson {key}", "content": {"text": text}}
    return subject(SOFT, "lesson", key, **(made | fields))


def built(root: Path, table: str, rows: list[dict[str, Any]]) -> Store:
    """The warehouse at ``root`` with ``rows`` as the current snapshot of ``table``."""
    store = Store(UPath(root))
    model = MODELS[table]
    order = list(model.to_schema().columns)
    frame = pa.table({name: [row[name] for row in rows] for name in order})
    assert all(finding.passed for finding in judge(conform(frame, model), model, ()))
    frame = conform(frame, model)
    store.commit_table(Record(table, digest_of_table(frame), "code", "settings", {}), frame)
    return store


def refused(store: Store, table: str) -> None:
    """The last build of ``table`` failed."""
    store.refuse(table, (Finding("key", False, 1, 1, "twice"),))
