"""Labelled titles: job titles to which independent coders gave a SOC code.

Belongs here: the accepted layouts. A list is a CSV with a title column (``title`` or
``direct_match_title``), a code column (``soc_code``, ``soc_2018`` or ``onet_soc_code``) and
optionally ``illustrative_example`` (``x`` or empty), or the workbook in which BLS publishes the SOC
2018 direct match titles. Further columns are left out; a column that names or reaches a person is
an error on the header alone. Stays out: what a title means, and raw lists (``titles``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import (
    CSV,
    format_error,
    header_of,
    read_sheet,
    read_strings,
    require_headers,
)
from aina_assets.sources.tables import DETAILED_CODE, LabelledTitles
from aina_assets.sources.titles import refuse_people, snake
from aina_assets.warehouse.tables import arrow_schema

_TITLE = ("title", "direct_match_title")
_CODE = ("soc_code", "soc_2018", "onet_soc_code")
_ILLUSTRATIVE = "illustrative_example"
_WORKBOOK_HEADERS = (
    "2018 SOC Code",
    "2018 SOC Title",
    "2018 SOC Direct Match Title",
    "Illustrative Example",
)
_MARKS = {"x": True, "X": True, "": False}


class _Label(NamedTuple):
    row: int
    title: str
    code: str
    mark: str | None
    """None where the list has no column for it."""


def labelled_titles(labelled_titles: SourceFiles) -> pa.Table:
    """Rows of ``LabelledTitles`` from every list.

    Raises:
        SourceFormatError: a list is in neither layout, has a column that names or reaches a
            person, or a row without a title or with a code that is none.
    """
    frames = [_frame(file) for file in labelled_titles.files]
    return pa.concat_tables(frames) if frames else arrow_schema(LabelledTitles).empty_table()


def _frame(file: SourceFile) -> pa.Table:
    labels = _workbook(file) if file.path.endswith(".xlsx") else _csv(file)
    rows = [
        {
            "labelled_list": file.path,
            "title": _titled(file, label),
            "code": _coded(file, label),
            "code_level": "onet_soc" if "." in label.code else "detailed",
            "is_illustrative": _marked(file, label),
            "source": file.source,
            "source_row": label.row,
            "source_class": str(file.source_class),
            "allowed_use": str(file.allowed_use),
        }
        for label in labels
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(LabelledTitles))


def _csv(file: SourceFile) -> Iterable[_Label]:
    found = header_of(file, CSV)
    refuse_people(file, found)
    names = {snake(name): name for name in found}
    title = names[_the_one_of(file, names, _TITLE)]
    code = names[_the_one_of(file, names, _CODE)]
    mark = [names[_ILLUSTRATIVE]] if _ILLUSTRATIVE in names else []
    columns = read_strings(file, CSV, [title, code, *mark]).to_pydict()
    marks: Sequence[str | None] = columns[mark[0]] if mark else [None] * len(columns[title])
    for row, cells in enumerate(zip(columns[title], columns[code], marks, strict=True), start=1):
        yield _Label(row, *cells)


def _the_one_of(file: SourceFile, names: Iterable[str], wanted: Sequence[str]) -> str:
    present = [name for name in wanted if name in names]
    if len(present) != 1:
        raise format_error(
            file,
            f"one column of {', '.join(wanted)}",
            f"{', '.join(present) or 'none'} among {', '.join(names)}",
        )
    return present[0]


def _workbook(file: SourceFile) -> Iterable[_Label]:
    sheet = read_sheet(file, _WORKBOOK_HEADERS[0])
    refuse_people(file, sheet.headers)
    require_headers(file, sheet.headers, _WORKBOOK_HEADERS)
    places = [sheet.headers.index(name) for name in _WORKBOOK_HEADERS]
    for row, cells in enumerate(sheet.rows, start=1):
        if not any(cells):
            continue
        texts = ["" if cell is None else str(cell) for cell in cells]
        texts += [""] * (len(sheet.headers) - len(texts))
        code, _, title, mark = (texts[place] for place in places)
        title = title.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        yield _Label(row, title, code.strip(), mark.strip())


def _titled(file: SourceFile, label: _Label) -> str:
    if not label.title.strip():
        raise format_error(file, "a title in every row", repr(label.title), row=label.row)
    return label.title


def _coded(file: SourceFile, label: _Label) -> str:
    if not re.fullmatch(DETAILED_CODE, label.code):
        raise format_error(
            file,
            "a detailed SOC 2018 code (NN-NNNN) or an O*NET-SOC code (NN-NNNN.NN)",
            repr(label.code),
            row=label.row,
        )
    return label.code


def _marked(file: SourceFile, label: _Label) -> bool | None:
    if label.mark is None:
        return None
    if label.mark not in _MARKS:
        raise format_error(
            file, f"'x' or nothing in column {_ILLUSTRATIVE!r}", repr(label.mark), row=label.row
        )
    return _MARKS[label.mark]
