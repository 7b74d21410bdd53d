"""SOC structure and crosswalks.

Belongs here: the layouts of the SOC 2018 structure workbook and of the crosswalk files.
"""

from __future__ import annotations

import pyarrow as pa

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import (
    CSV,
    format_error,
    provenance_columns,
    read_sheet,
    read_strings,
)
from aina_assets.sources.tables import SocCrosswalks, SocGroups
from aina_assets.warehouse.tables import arrow_schema

LEVELS = ("major", "minor", "broad", "detailed")

_CROSSWALK_HEADERS = {
    "soc_2010_to_soc_2018": ("soc2010", "soc2010_title", "soc2018", "soc2018_title"),
    "onet_soc_2010_to_onet_soc_2019": (
        "O*NET-SOC 2010 Code",
        "O*NET-SOC 2010 Title",
        "O*NET-SOC 2019 Code",
        "O*NET-SOC 2019 Title",
    ),
    "onet_soc_2019_to_soc_2018": (
        "O*NET-SOC 2019 Code",
        "O*NET-SOC 2019 Title",
        "2018 SOC Code",
        "2018 SOC Title",
    ),
}


def soc_groups(soc_structure: SourceFiles) -> pa.Table:
    """Rows of ``SocGroups`` from the structure workbook.

    The workbook has one code a row, in the column of its level, and the title in a fifth column
    without a header.

    Raises:
        SourceFormatError: the workbook is not in that layout.
    """
    frames = [_groups_of(file) for file in soc_structure.files]
    return pa.concat_tables(frames) if frames else arrow_schema(SocGroups).empty_table()


def _groups_of(file: SourceFile) -> pa.Table:
    sheet = read_sheet(file, "Major Group")
    expected = ("Major Group", "Minor Group", "Broad Group", "Detailed Occupation")
    if sheet.headers[:4] != expected:
        raise format_error(file, f"the columns {', '.join(expected)}", ", ".join(sheet.headers))
    current: dict[str, str | None] = dict.fromkeys(LEVELS)
    rows = []
    for number, cells in enumerate(sheet.rows, start=1):
        codes = [str(cell).strip() if cell else "" for cell in cells[:4]]
        stated = [index for index, code in enumerate(codes) if code]
        if not stated and not any(cells):
            continue
        if len(stated) != 1 or len(cells) < 5 or not cells[4]:
            raise format_error(
                file, "one code and a title in every row", f"{list(cells[:5])}", row=number
            )
        level = stated[0]
        current.update(dict.fromkeys(LEVELS[level:]))
        current[LEVELS[level]] = codes[level]
        rows.append(
            {
                "soc_code": codes[level],
                "level": LEVELS[level],
                "title": str(cells[4]).strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
                "major_code": current["major"],
                "minor_code": current["minor"],
                "broad_code": current["broad"],
                "source_row": number,
                "source_class": str(file.source_class),
                "allowed_use": str(file.allowed_use),
            }
        )
    return pa.Table.from_pylist(rows, schema=_nullable(arrow_schema(SocGroups)))


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def soc_crosswalks(
    soc_2010_to_2018: SourceFiles,
    onet_soc_2010_to_2019: SourceFiles,
    onet_soc_2019_to_soc_2018: SourceFiles,
) -> pa.Table:
    """Rows of ``SocCrosswalks`` from the three crosswalk files.

    Raises:
        SourceFormatError: a file is not in its layout.
    """
    inputs = (soc_2010_to_2018, onet_soc_2010_to_2019, onet_soc_2019_to_soc_2018)
    frames = []
    for (crosswalk, headers), source in zip(_CROSSWALK_HEADERS.items(), inputs, strict=True):
        for file in source.files:
            cells = read_strings(file, CSV, headers)
            names = ["from_code", "from_title", "to_code", "to_title"]
            columns = dict(zip(names, cells.columns, strict=True))
            columns["crosswalk"] = pa.repeat(pa.scalar(crosswalk), cells.num_rows)
            columns |= provenance_columns(file, cells.num_rows)
            frames.append(pa.table(columns))
    return pa.concat_tables(frames) if frames else arrow_schema(SocCrosswalks).empty_table()
