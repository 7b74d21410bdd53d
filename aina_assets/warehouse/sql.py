"""SQL over Arrow frames: the in-memory DuckDB that transforms run on.

Belongs here: connection settings and the macros every derived table needs. No transform shares a
``.duckdb`` file with another: such a file admits one process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

MACROS = """
-- The classes of several sources, each named once, in order: 'canonical+research'.
CREATE OR REPLACE MACRO joined_classes(classes) AS
  array_to_string(list_sort(list_distinct(string_split(array_to_string(classes, '+'), '+'))), '+');
-- The most restrictive of several allowed uses.
CREATE OR REPLACE MACRO strictest_use(uses) AS CASE
  WHEN list_contains(uses, 'internal_only') THEN 'internal_only'
  WHEN list_contains(uses, 'attribution') THEN 'attribution'
  ELSE 'open' END;
"""


def connection_config(spill_directory: Path) -> dict[str, Any]:
    """DuckDB settings: bounded memory, two threads, a place to spill, no extension downloads."""
    return {
        "memory_limit": "1GB",
        "threads": 2,
        "temp_directory": str(spill_directory),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def query(con: duckdb.DuckDBPyConnection, statement: str, **frames: pa.Table) -> pa.Table:
    """The result of ``statement`` over ``frames``, each visible under its argument's name.

    Float sums depend on the order of addition: round them in the statement, or two runs differ.
    """
    cursor = con.cursor()
    try:
        cursor.execute(MACROS)
        for name, frame in frames.items():
            cursor.register(name, frame)
        return cursor.sql(statement).to_arrow_table()
    finally:
        cursor.close()
