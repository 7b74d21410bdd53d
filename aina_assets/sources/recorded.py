"""Recorded decisions: signed decisions that a lock names, one JSON document a line.

Belongs here: letting the file in, line by line. Stays out: what a decision says and whether it
counts (``review``). Only the bundled sample has such a file; on other data decisions are made.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import format_error
from aina_assets.sources.tables import RecordedDecisions
from aina_assets.warehouse.tables import arrow_schema


def recorded_decisions(recorded_decisions: SourceFiles) -> pa.Table:
    """Rows of ``RecordedDecisions``.

    Raises:
        SourceFormatError: not UTF-8, or a line is not a JSON object.
    """
    rows = [row for file in recorded_decisions.files for row in _lines(file)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(RecordedDecisions))


def _lines(file: SourceFile) -> list[dict[str, Any]]:
    remedy = "write the file again: python -m aina_assets_tests.sign_samples"
    rows = []
    for number, raw in enumerate(file.verified_path().read_bytes().splitlines(), start=1):
        try:
            text = raw.decode()
            if not isinstance(json.loads(text), dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise format_error(
                file, "a JSON object in every line", str(error), number, remedy
            ) from error
        rows.append(
            {
                "document": text,
                "source_row": number,
                "source_class": str(file.source_class),
                "allowed_use": str(file.allowed_use),
            }
        )
    return rows
