"""Reading a pinned file into Arrow by column name, with no silent cast.

Belongs here: one reader per physical layout (delimited text, workbook). What is read, and under
which header, is declared by the table's model; columns a model does not declare are left out.
Stays out: what a particular publisher's file means.

An absent input is an empty table: zero rows, with the reason kept in ``source_files``.
"""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from aina_assets.contracts.errors import SourceFormatError
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.warehouse.tables import Table, arrow_schema, columns_of

_REMEDY = (
    "compare the file with the publisher's layout; if the publisher changed it, adapt the table's"
    " model, otherwise restore the pinned file"
)
_BLOCK_BYTES = 1 << 20
_BOOLEANS = {"Y": True, "N": False, "True": True, "False": False}
_UNREADABLE_WORKBOOK = (
    # What openpyxl lets through when the zip container or the XML inside it is damaged.
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
)


def column(header: str, description: str, **field_options: Any) -> Any:
    """A model column that is read from the file column ``header``.

    Args:
        header: the column's name in the file.
        description: what it holds, with its unit.
        field_options: pandera field options, and ``null_tokens`` (texts that mean null) or
            ``whole_float`` (integers the publisher wrote as 8823.0).
    """
    metadata = {
        "header": header,
        "null_tokens": field_options.pop("null_tokens", ()),
        "whole_float": field_options.pop("whole_float", False),
    }
    return pap.Field(description=description, metadata=metadata, **field_options)


@dataclass(frozen=True)
class Delimited:
    """A delimited text layout.

    Attributes:
        delimiter: between cells.
        quote: the quote character, doubled inside quotes; None where quotes are literal.
        null_tokens: texts that mean null in every column.
    """

    delimiter: str = ","
    quote: str | None = '"'
    null_tokens: tuple[str, ...] = ("",)


ONET_TEXT = Delimited(delimiter="\t", quote=None, null_tokens=("n/a", ""))
CSV = Delimited()
TSV = Delimited(delimiter="\t")


def read_delimited(source: SourceFiles, model: type[Table], layout: Delimited) -> pa.Table:
    """The rows of ``source`` as a frame of ``model`` (before the gate).

    Raises:
        SourceFormatError: a declared column is missing, a row has too few or too many cells, the
            bytes are not UTF-8, or a cell is not of its column's type.
    """
    frames = [
        typed(read_strings(file, layout, wanted_headers(model)), model, file, layout.null_tokens)
        for file in source.files
    ]
    return pa.concat_tables(frames) if frames else arrow_schema(model).empty_table()


def wanted_headers(model: type[Table]) -> list[str]:
    """The file columns that ``model`` declares, in order."""
    return [
        item.metadata["header"]
        for item in columns_of(model).values()
        if item.metadata and "header" in item.metadata
    ]


def read_strings(file: SourceFile, layout: Delimited, headers: Sequence[str] | None) -> pa.Table:
    """The cells of ``file`` as text: the columns ``headers``, or all where None.

    Raises:
        SourceFormatError: see ``read_delimited``.
    """
    path = file.verified_path()
    found = header_of(file, layout)
    if headers is not None:
        require_headers(file, found, headers)
    misshapen: list[pa_csv.InvalidRow] = []

    def keep_first(row: pa_csv.InvalidRow) -> str:
        misshapen.append(row)
        return "skip"

    try:
        table = pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=layout.quote is not None,
                invalid_row_handler=keep_first,
                ignore_empty_lines=False,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(found, pa.string()),
                include_columns=list(headers or found),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise format_error(file, "rows of text in UTF-8", str(error)) from error
    if misshapen:
        first = misshapen[0]
        raise format_error(
            file,
            f"{first.expected_columns} cells in every row",
            f"{len(misshapen)} misshapen row(s), the first with {first.actual_columns} cell(s):"
            f" {first.text[:120]!r}",
        )
    return table


def header_of(file: SourceFile, layout: Delimited) -> list[str]:
    """The column names in the first line of ``file``.

    Raises:
        SourceFormatError: the file is empty, not UTF-8, or names a column twice.
    """
    _require_utf8(file)
    try:
        with file.local_path.open("rb") as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(use_threads=False, block_size=1 << 16),
                parse_options=pa_csv.ParseOptions(
                    delimiter=layout.delimiter,
                    quote_char=layout.quote or False,
                    newlines_in_values=layout.quote is not None,
                    invalid_row_handler=lambda _: "skip",
                ),
            )
            names: list[str] = reader.schema.names
    except pa.ArrowInvalid as error:
        raise format_error(file, "a header line and rows below it", str(error)) from error
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise format_error(file, "every column named once", f"repeated: {', '.join(repeated)}")
    return names


def _require_utf8(file: SourceFile) -> None:
    # The parser looks at the columns it converts only, and cannot show a bad row it cannot decode.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.local_path.open("rb") as stream:
            while chunk := stream.read(_BLOCK_BYTES):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise format_error(file, "text in UTF-8", str(error)) from error


def require_headers(file: SourceFile, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a file that lacks a wanted column.

    Raises:
        SourceFormatError: names the missing columns and those found.
    """
    missing = [name for name in wanted if name not in found]
    if missing:
        raise format_error(
            file,
            f"the columns {', '.join(wanted)}",
            f"no column {', '.join(missing)} among {', '.join(found)}",
        )


def typed(
    texts: pa.Table,
    model: type[Table],
    file: SourceFile,
    null_tokens: Sequence[str] = ("",),
) -> pa.Table:
    """Cells of ``file`` as text -> the declared columns of ``model`` in their types.

    Adds ``source_row``, ``source_class`` and ``allowed_use``.

    Raises:
        SourceFormatError: a cell is not of its column's type; names row, column and text.
    """
    schema = arrow_schema(model)
    arrays = {}
    for name, item in columns_of(model).items():
        options = item.metadata or {}
        if "header" in options:
            tokens = [*null_tokens, *options["null_tokens"]]
            arrays[name] = _cast(
                texts[options["header"]], schema.field(name), file, tokens, options
            )
    row_count = texts.num_rows
    arrays |= provenance_columns(file, row_count)
    return pa.table(arrays)


def provenance_columns(file: SourceFile, row_count: int) -> dict[str, pa.Array]:
    """``source_row``, ``source_class`` and ``allowed_use`` for ``row_count`` rows of ``file``."""
    return {
        "source_row": pa.array(range(1, row_count + 1), pa.int64()),
        "source_class": pa.repeat(pa.scalar(str(file.source_class)), row_count),
        "allowed_use": pa.repeat(pa.scalar(str(file.allowed_use)), row_count),
    }


def _cast(
    texts: pa.ChunkedArray,
    target: pa.Field,
    file: SourceFile,
    null_tokens: Sequence[str],
    options: dict[str, Any],
) -> pa.ChunkedArray:
    is_null = pc.is_in(texts, value_set=pa.array(null_tokens, pa.string()))
    cells = pc.if_else(is_null, pa.scalar(None, pa.string()), texts)
    if pa.types.is_string(target.type):
        return cells
    convert: Callable[[pa.ChunkedArray], pa.ChunkedArray]
    if pa.types.is_boolean(target.type):
        known = pa.array(list(_BOOLEANS))
        meanings = pa.array(list(_BOOLEANS.values()))

        def convert(values: pa.ChunkedArray) -> pa.ChunkedArray:
            places = pc.index_in(values, value_set=known)
            if pc.sum(places.is_null()).as_py() != pc.sum(values.is_null()).as_py():
                raise pa.ArrowInvalid("not a yes/no word")
            return pa.chunked_array([meanings.take(places.combine_chunks())])
    elif options["whole_float"]:

        def convert(values: pa.ChunkedArray) -> pa.ChunkedArray:
            return values.cast(pa.float64()).cast(target.type, safe=True)
    else:

        def convert(values: pa.ChunkedArray) -> pa.ChunkedArray:
            return values.cast(target.type)

    try:
        return convert(cells)
    except pa.ArrowInvalid:
        row, text = _first_refused(cells, convert)
        raise format_error(
            file,
            f"{target.type} in column {options['header']!r}",
            f"{text!r}",
            row=row,
        ) from None


def _first_refused(
    cells: pa.ChunkedArray, convert: Callable[[pa.ChunkedArray], pa.ChunkedArray]
) -> tuple[int, str]:
    for index, text in enumerate(cells.to_pylist()):
        try:
            convert(pa.chunked_array([pa.array([text], pa.string())]))
        except pa.ArrowInvalid:
            return index + 1, text
    return 0, "?"


@dataclass(frozen=True)
class Sheet:
    """The cells of one worksheet: header names and rows of plain values."""

    headers: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)


def read_sheet(file: SourceFile, first_header: str) -> Sheet:
    """The first worksheet of a workbook, from the row whose first cell is ``first_header``.

    Raises:
        SourceFormatError: not a workbook, or no such header row.
    """
    # Only the two workbooks need it, and it takes a tenth of a second that every command would pay.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    path = file.verified_path()
    try:
        with path.open("rb") as stream:  # openpyxl leaves a damaged file open
            workbook = load_workbook(stream, read_only=True, data_only=True)
            rows = list(workbook.worksheets[0].iter_rows(values_only=True))
    except (InvalidFileException, *_UNREADABLE_WORKBOOK) as error:
        raise format_error(file, "an Excel workbook (.xlsx)", repr(error)) from error
    for index, row in enumerate(rows):
        if row and row[0] == first_header:
            headers = tuple("" if cell is None else str(cell) for cell in row)
            return Sheet(headers, [tuple(cells) for cells in rows[index + 1 :]])
    first = next((row for row in rows if any(row)), ())
    raise format_error(
        file, f"a header row that starts with {first_header!r}", f"first row {list(first)[:6]}"
    )


def format_error(
    file: SourceFile,
    expected: str,
    found: str,
    row: int | None = None,
    remedy: str = _REMEDY,
) -> SourceFormatError:
    """The error for a file that is not in its layout; ``row`` counts data rows from 1."""
    place = f"{file.path}, data row {row}" if row else file.path
    return SourceFormatError(
        expected=expected,
        found=re.sub(r"\s+", " ", found),
        where=f"{place} ({file.source} {file.release}, {Path(file.local_path)})",
        remedy=remedy,
    )
