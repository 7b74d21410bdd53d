"""The tables that describe a release, made from the records of the tables in it."""

from __future__ import annotations

import json

import pyarrow as pa

from aina_assets.release.tables import CheckResults, Manifest
from aina_assets.warehouse.store import Record
from aina_assets.warehouse.tables import arrow_schema


def check_results(records: list[Record]) -> pa.Table:
    """Rows of ``CheckResults``: the findings kept in ``records``."""
    rows = [
        {
            "asset": record.asset,
            "rule": finding["rule"],
            "is_passed": finding["passed"],
            "checked_row_count": finding["checked_rows"],
            "failing_row_count": finding["failing_rows"],
            "detail": finding["detail"],
        }
        for record in records
        for finding in record.findings
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(CheckResults))


def manifest(records: list[Record]) -> pa.Table:
    """Rows of ``Manifest``: one per table among ``records``."""
    rows = [
        {
            "table_name": record.asset,
            "data_version": record.data_version,
            "row_count": record.row_count,
            "code_version": record.code_version,
            "inputs": json.dumps(record.inputs, sort_keys=True),
        }
        for record in records
        if record.snapshot is not None
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(Manifest))
