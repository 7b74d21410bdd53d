"""Figures a lock is known to produce: recorded in a CSV, reviewed as a diff, held by the gate.

Belongs here: reading ``data/expectations/<lock>.csv`` and comparing a table with it.
Columns: ``table``, ``figure``, ``expected``, ``tolerance``, ``source``. A figure is ``row_count``,
``distinct:<column>``, ``true:<column>`` (rows where a boolean is true), or
``<key>:<value column>`` (one cell of a table with a one-column key).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.errors import AinaError

COLUMNS = ["table", "figure", "expected", "tolerance", "source"]


@dataclass(frozen=True)
class Expectation:
    """One recorded figure.

    Attributes:
        table: the table it is about.
        figure: what to compute from the table (see the module).
        expected: the recorded value.
        tolerance: largest absolute difference that still counts as reproduced.
        source: where the value comes from, for auditors.
    """

    table: str
    figure: str
    expected: float
    tolerance: float
    source: str

    def miss(self, table: pa.Table) -> str | None:
        """How ``table`` misses the figure; None where it reproduces it."""
        found = figure_of(table, self.figure)
        if found is not None and abs(found - self.expected) <= self.tolerance:
            return None
        shown = "no such figure" if found is None else f"{found:.6g}"
        margin = f" ± {self.tolerance:g}" if self.tolerance else ""
        return f"{self.figure}: expected {self.expected:.6g}{margin}, found {shown}"


def figure_of(table: pa.Table, figure: str) -> float | None:
    """``figure`` of ``table`` (see the module); None where the table has no such figure."""
    if figure == "row_count":
        return float(table.num_rows)
    subject, _, column = figure.partition(":")
    if column not in table.column_names:
        return None
    if subject == "distinct":
        return float(pc.count_distinct(table[column]).as_py())
    if subject == "true":
        return float(pc.sum(table[column]).as_py() or 0)
    cells = table.filter(pc.equal(table.column(0), subject))[column]
    return float(cells[0].as_py()) if len(cells) == 1 and cells[0].is_valid else None


def read_expectations(path: Path) -> dict[str, tuple[Expectation, ...]]:
    """Expectations by table from the CSV at ``path``; empty where there is no such file.

    Raises:
        AinaError: the file is not in its layout.
    """
    if not path.exists():
        return {}
    by_table: dict[str, list[Expectation]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != COLUMNS:
            raise AinaError(
                expected=f"the columns {', '.join(COLUMNS)}",
                found=", ".join(reader.fieldnames or ["an empty file"]),
                where=str(path),
                remedy="correct the header; git log shows the last good version",
            )
        for row in reader:
            try:
                item = Expectation(
                    row["table"],
                    row["figure"],
                    float(row["expected"]),
                    float(row["tolerance"]),
                    row["source"],
                )
            except (TypeError, ValueError) as error:
                raise AinaError(
                    expected="numbers in expected and tolerance",
                    found=str(error),
                    where=f"{path}, line {reader.line_num}",
                    remedy="correct the line",
                ) from error
            by_table.setdefault(item.table, []).append(item)
    return {table: tuple(items) for table, items in by_table.items()}
