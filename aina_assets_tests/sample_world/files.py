"""Writers whose output depends on the rows only: the same rows give the same bytes.

Nothing is compressed, so that the bytes do not depend on the version of a compressor.
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

# openpyxl writes other bytes where lxml is installed, and decides when it is first imported.
os.environ["OPENPYXL_LXML"] = "False"

from openpyxl import Workbook

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = Sequence[Cell]

AUTHORED_ON = datetime(2025, 1, 1)
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def write_onet(path: Path, header: str, rows: Iterable[Row]) -> None:
    """Tab-delimited O*NET text: no quoting, absent values as `n/a`."""
    written = ("\t".join("n/a" if cell is None else str(cell) for cell in row) for row in rows)
    write_text(path, "\n".join([header.replace(",", "\t"), *written]) + "\n")


def write_delimited(path: Path, header: Row, rows: Iterable[Row], delimiter: str = ",") -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def write_json(path: Path, document: object) -> None:
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False))


def write_parquet(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="none", store_schema=False)


def write_workbook(path: Path, sheets: Mapping[str, Iterable[Row]]) -> None:
    """An xlsx file with fixed document dates and fixed zip member dates."""
    workbook = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    workbook.properties.creator = "aina sample world"
    workbook.properties.created = AUTHORED_ON
    buffer = io.BytesIO()
    workbook.save(buffer)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            body = source.read(name)
            if name == "docProps/core.xml":
                body = _with_fixed_modified_date(body)
            target.writestr(zipfile.ZipInfo(name, ZIP_DATE), body)


def _with_fixed_modified_date(core: bytes) -> bytes:
    head, rest = core.split(b"<dcterms:modified", 1)
    attributes, tail = rest.split(b">", 1)
    date = AUTHORED_ON.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return head + b"<dcterms:modified" + attributes + b">" + date + tail[tail.index(b"<") :]
