"""Raw job-title lists: market signal, kept at the door until their header is clean.

Belongs here: the wedge format and the columns that are never let in. A list is one title a line
(``.txt``) or a CSV with ``title``, optionally ``count`` and ``source``, and any further columns.
A list with a column that names or reaches a person is refused on its header alone: no row of it is
read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import (
    CSV,
    format_error,
    header_of,
    provenance_columns,
    read_strings,
)
from aina_assets.sources.tables import TitleIntake, TitleRows
from aina_assets.warehouse.tables import arrow_schema

_TITLE = ("title", "job_title")
_COUNT = ("count", "n_applications")
_SOURCE = ("source",)
_FORBIDDEN = (
    r"(^|_)(first|last|full|middle|given|family|sur|maiden|person|people|employee|candidate|member|"
    r"contact|user|applicant)?_?name(s)?$"
    r"|e_?mail|phone|mobile|telephone|fax|(^|_)(url|urls|link|links|website|profile|linkedin|github|"
    r"twitter|handle|username)($|_)|(^|_)(company|companies|employer|employers|organi[sz]ation)($|_)"
    r"|(^|_)(address|street|zip|postcode|ssn|passport|dob|birth|birthday|birthdate|age|gender|"
    r"photo|avatar)($|_)"
    # Words that are harmless as a part of a longer name.
    r"|^([fml]_?name|first|last|initials|tel|cell|mail|contact|contact_?info|person|people|candidate|"
    r"applicant|employee|user|(person|candidate|applicant|employee|user|slack)_?id|homepage|"
    r"instagram|facebook|whatsapp|org|firm|workplace|resume|cv|headshot|ip)$"
)


@dataclass(frozen=True)
class Screening:
    """What the door found in one list's header.

    Attributes:
        columns: column names as they stand; empty for a plain list.
        forbidden: those that name or reach a person.
    """

    columns: tuple[str, ...]
    forbidden: tuple[str, ...]


def forbidden_columns(columns: list[str]) -> list[str]:
    """Those of ``columns`` that name or reach a person, or tie one to an employer."""
    return [
        name
        for name in columns
        # LinkedIn and GitHub spell themselves with a capital within.
        if _is_forbidden(snake(name)) or _is_forbidden(snake(name).replace("_", ""))
    ]


def refuse_people(file: SourceFile, headers: Sequence[str]) -> None:
    """Refuse a file on its header alone.

    Raises:
        SourceFormatError: a column names or reaches a person.
    """
    forbidden = ", ".join(forbidden_columns(list(headers)))
    if forbidden:
        raise format_error(
            file,
            "no column that names or reaches a person",
            f"the columns {forbidden}",
            remedy=f"remove the columns {forbidden} and lock the file again",
        )


def _is_forbidden(name: str) -> bool:
    # Compiled on first use (and kept by ``re``): it takes longer than importing most modules.
    return re.search(_FORBIDDEN, name) is not None


def snake(name: str) -> str:
    """A column's name in snake case, however it is written."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def screen(file: SourceFile) -> Screening:
    """Look at the header of ``file`` and at nothing below it.

    Raises:
        SourceFormatError: a CSV without a header.
    """
    if file.path.endswith(".txt"):
        return Screening((), ())
    columns = header_of(file, CSV)
    return Screening(tuple(columns), tuple(forbidden_columns(columns)))


def title_intake(title_lists: SourceFiles) -> pa.Table:
    """Rows of ``TitleIntake``: one per present list."""
    rows = []
    for file in title_lists.files:
        screening = screen(file)
        seen = ", ".join(screening.columns)
        refused = ", ".join(screening.forbidden)
        rows.append(
            {
                "title_list": file.path,
                "source": file.source,
                "verdict": "refused" if refused else "accepted",
                "columns_seen": seen,
                "forbidden_columns": refused,
                "detail": f"refused: remove the columns {refused} and lock the list again"
                if refused
                else (seen or "one title a line"),
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleIntake))


def title_rows(title_lists: SourceFiles) -> pa.Table:
    """Rows of ``TitleRows`` from every list that is let in.

    Raises:
        SourceFormatError: an accepted list is not in the wedge format.
    """
    accepted = [file for file in title_lists.files if not screen(file).forbidden]
    frames = [_plain(file) if file.path.endswith(".txt") else _table(file) for file in accepted]
    return pa.concat_tables(frames) if frames else arrow_schema(TitleRows).empty_table()


def _plain(file: SourceFile) -> pa.Table:
    try:
        lines = file.verified_path().read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise format_error(file, "text in UTF-8", str(error)) from error
    titles = pa.array(lines, pa.string())
    nothing = pa.nulls(len(titles), pa.string())
    return _frame(file, titles, pa.nulls(len(titles), pa.int64()), nothing, nothing)


def _table(file: SourceFile) -> pa.Table:
    cells = read_strings(file, CSV, None)
    columns = {snake(name): name for name in cells.column_names}
    title = next((columns[name] for name in _TITLE if name in columns), None)
    if title is None:
        raise format_error(file, "a column 'title'", ", ".join(cells.column_names))
    count = next((columns[name] for name in _COUNT if name in columns), None)
    origin = next((columns[name] for name in _SOURCE if name in columns), None)
    rest = [name for name in cells.column_names if name not in (title, count, origin)]
    row_count = cells.num_rows
    return _frame(
        file,
        cells[title],
        _counts(file, cells, count) if count else pa.nulls(row_count, pa.int64()),
        _filled(cells[origin]) if origin else pa.nulls(row_count, pa.string()),
        _extra(cells.select(rest)) if rest else pa.nulls(row_count, pa.string()),
    )


def _counts(file: SourceFile, cells: pa.Table, column: str) -> pa.ChunkedArray:
    try:
        return _filled(cells[column]).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise format_error(file, f"whole numbers in {column!r}", str(error)) from error


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _extra(cells: pa.Table) -> pa.Array:
    documents = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in cells.to_pylist())
    return pa.array(documents, pa.string())


def _frame(file: SourceFile, title: Any, count: Any, origin: Any, extra: Any) -> pa.Table:
    row_count = len(title)
    return pa.table(
        {
            "title_list": pa.repeat(pa.scalar(file.path), row_count),
            "title": title,
            "title_count": count,
            "title_source": origin,
            "extra": extra,
            **provenance_columns(file, row_count),
        }
    )
