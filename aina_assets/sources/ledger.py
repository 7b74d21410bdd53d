"""The source truth ledger and the intake receipt.

Belongs here: the lock and the outcome of fetching it, as tables.
"""

from __future__ import annotations

import pyarrow as pa

from aina_assets.sources.files import LockedSources
from aina_assets.sources.tables import SourceFiles, SourceLedger
from aina_assets.warehouse.store import Record
from aina_assets.warehouse.tables import arrow_schema, columns_of


def source_ledger(sources_lock: LockedSources) -> pa.Table:
    """Rows of ``SourceLedger``: one per source of the lock."""
    rows = []
    for name, source in sources_lock.lock.sources.items():
        document = source.model_dump(mode="json", exclude={"origin", "files"})
        document |= {
            "source": name,
            "pin": source.origin.describe(),
            "file_count": len(source.files),
        }
        rows.append(document)
    return pa.Table.from_pylist(rows, schema=arrow_schema(SourceLedger))


def source_files(records: list[Record]) -> pa.Table:
    """Rows of ``SourceFiles``: one per file of every input, from the fetch steps' records."""
    wanted = list(columns_of(SourceFiles))
    rows = [
        {"input": record.asset.rpartition("/")[2], **item}
        for record in records
        for item in record.details["files"]
    ]
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in wanted} for row in rows],
        schema=arrow_schema(SourceFiles),
    )
