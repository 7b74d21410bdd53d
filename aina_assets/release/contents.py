"""The tables that describe a release, made from the records of the tables in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

from aina_assets.contracts.receipts import Receipt
from aina_assets.release.tables import CheckResults, Manifest, Receipts
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


def receipts_table(receipts: Mapping[str, Receipt], records: list[Record]) -> pa.Table:
    """Rows of ``Receipts``, by gate.

    Args:
        receipts: every receipt.
        records: of their items, among others.
    """
    counted = {record.asset: record.row_count for record in records}
    rows = [
        {
            "gate": gate,
            "verdict": str(receipt.verdict),
            "item_count": counted[receipt.items_table],
            "counts": json.dumps(dict(receipt.counts), sort_keys=True),
            "unlocks": receipt.unlocks,
            "items_table": receipt.items_table,
            "items_version": receipt.items_version,
            "inputs": json.dumps(dict(receipt.inputs), sort_keys=True),
            "document": json.dumps(receipt.model_dump(mode="json"), sort_keys=True),
        }
        for gate, receipt in sorted(receipts.items())
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(Receipts))
