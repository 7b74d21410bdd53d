"""Routing a list from a file to a file, with the router a release holds.

Belongs here: reading a CSV by batches, writing Parquet whole or not at all. Memory is that of the
model and one batch, however long the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.titles.routing import (
    BATCH_ROWS,
    ROUTE_SCHEMA,
    ROUTED,
    TABLES,
    Promotion,
    Router,
)
from aina_assets.titles.vocabulary import PROMOTED
from aina_assets.warehouse.files import write_atomically

TITLE = "title"
_BLOCK_BYTES = 1 << 20
_PROMOTED = """
SELECT DISTINCT title_key, list_last(reasons)[len($1) + 1:], code, code_level, rung, fallback_tier,
  confidence
FROM title_coverage WHERE starts_with(list_last(reasons), $1)
"""


def router_of(database: Path) -> Router:
    """The router that the release in ``database`` holds, with what was decided on open titles.

    Raises:
        AinaError: the release was made before titles were routed, or cannot be opened.
    """
    try:
        with duckdb.connect(str(database), read_only=True) as con:
            tables = {name: con.table(name).to_arrow_table() for name in TABLES}
            promoted = con.execute(_PROMOTED, [PROMOTED]).fetchall()
    except duckdb.Error as error:
        raise AinaError(
            expected=f"a release with the tables {', '.join([*TABLES, 'title_coverage'])}",
            found=str(error).splitlines()[0],
            where=str(database),
            remedy="publish a release: aina build",
        ) from error
    promotions = {key: Promotion(*found) for key, *found in promoted}
    return replace(Router.of(tables), promotions=promotions)


def route_file(router: Router, source: Path, target: Path, *, has_candidates: bool = False) -> int:
    """Route every row of ``source``, in order, into ``target``.

    Args:
        router: routes titles.
        source: a CSV in UTF-8 with a column ``title``; other columns are not read.
        target: a Parquet file of the columns ``ROUTED``, replaced as a whole.
        has_candidates: whether to add the column ``candidates``.

    Returns:
        Rows routed.

    Raises:
        AinaError: no such file, no column ``title``, or not CSV; ``target`` stays as it was.
    """
    columns = [*ROUTED, *(["candidates"] if has_candidates else [])]
    schema = pa.schema([ROUTE_SCHEMA.field(name) for name in columns])
    counted = 0

    def write(stream: BinaryIO) -> None:
        nonlocal counted
        with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
            for routed in router.routed(_in_batches(_titles(source))):
                writer.write_batch(routed.select(columns))
                counted += routed.num_rows

    write_atomically(UPath(target), write)
    return counted


def _in_batches(blocks: Iterable[list[str]]) -> Iterator[list[str]]:
    waiting: list[str] = []
    for block in blocks:
        waiting += block
        while len(waiting) >= BATCH_ROWS:
            yield waiting[:BATCH_ROWS]
            waiting = waiting[BATCH_ROWS:]
    if waiting:
        yield waiting


def _titles(source: Path) -> Iterator[list[str]]:
    try:
        reader = pcsv.open_csv(
            source,
            read_options=pcsv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pcsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pcsv.ConvertOptions(
                include_columns=[TITLE], column_types={TITLE: pa.string()}
            ),
        )
        for batch in reader:
            yield batch.column(0).to_pylist()
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise AinaError(
            expected=f"a CSV in UTF-8 with a column {TITLE!r}",
            found=str(error).strip("'"),
            where=str(source),
            remedy="give the list a header line with the column 'title'",
        ) from error
