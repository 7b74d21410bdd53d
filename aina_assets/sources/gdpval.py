"""OpenAI GDPval: the train parquet only.

Belongs here: the layout of the gold tasks. Reference and deliverable files stay where they are:
their paths are kept, their bytes are never fetched.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import format_error, require_headers
from aina_assets.sources.tables import GdpvalTasks
from aina_assets.warehouse.tables import arrow_schema

_COLUMNS = [
    "task_id",
    "sector",
    "occupation",
    "prompt",
    "reference_files",
    "deliverable_files",
    "rubric_json",
]


def gdpval_tasks(gdpval_train: SourceFiles) -> pa.Table:
    """Rows of ``GdpvalTasks`` from the train parquet.

    Raises:
        SourceFormatError: not a parquet file, a column is missing, or a rubric is not a JSON list
            of items with ``score`` and ``criterion``.
    """
    rows = [row for file in gdpval_train.files for row in _tasks(file)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(GdpvalTasks))


def _tasks(file: SourceFile) -> list[dict[str, Any]]:
    try:
        table = pq.ParquetFile(file.verified_path()).read()
        table.validate(full=True)  # Parquet has no checksum: text may have become something else
    except (pa.ArrowException, OSError) as error:
        raise format_error(file, "a Parquet file", str(error)) from error
    require_headers(file, table.column_names, _COLUMNS)
    return [
        _task(file, number, row)
        for number, row in enumerate(table.select(_COLUMNS).to_pylist(), start=1)
    ]


def _task(file: SourceFile, number: int, row: dict[str, Any]) -> dict[str, Any]:
    scores = _scores(file, number, row["rubric_json"])
    references = row["reference_files"] or []
    deliverables = row["deliverable_files"] or []
    return {
        "task_id": row["task_id"],
        "sector": row["sector"],
        "occupation": row["occupation"],
        "prompt": row["prompt"],
        "reference_files": json.dumps(references, ensure_ascii=False),
        "deliverable_files": json.dumps(deliverables, ensure_ascii=False),
        "reference_file_count": len(references),
        "deliverable_file_count": len(deliverables),
        "has_reference_files": bool(references),
        "has_deliverables": bool(deliverables),
        "has_both": bool(references and deliverables),
        "rubric": row["rubric_json"],
        "rubric_item_count": len(scores),
        "negative_item_count": sum(score < 0 for score in scores),
        "rubric_points": sum(score for score in scores if score > 0),
        "source_row": number,
        "source_class": str(file.source_class),
        "allowed_use": str(file.allowed_use),
    }


def _scores(file: SourceFile, number: int, text: str | None) -> list[int]:
    try:
        items = json.loads(text or "")
        # A criterion must be there, though only the scores are summed up here.
        return [int(item["score"]) for item in items if item["criterion"]]
    except (ValueError, KeyError, TypeError) as error:
        raise format_error(
            file, "rubric_json: a list of items with score and criterion", repr(error), row=number
        ) from error
