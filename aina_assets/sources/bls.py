"""BLS OEWS national wages: the workbook and the time-series file, read only where present.

Belongs here: the two published layouts and their markers. Wage facts are cached-only: with neither
file there are zero rows, and ``source_files`` says why. The workbook wins where both are present.

Workbook markers: ``*`` wage not available, ``**`` employment not available, ``#`` at or above the
top of the scale (115.00 USD an hour, 239,200 USD a year in 2024), ``~`` fewer than 0.5% reporting.
Series file (oe.data.0.Current): tab-separated series_id, year, period, value, footnote_codes; a
series id is OE + U + area type (1) + area (7) + industry (6) + occupation (6) + data type (2).
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import (
    Delimited,
    format_error,
    read_sheet,
    read_strings,
    require_headers,
)
from aina_assets.sources.tables import BlsWages
from aina_assets.warehouse.tables import arrow_schema

_MEASURES = {
    # workbook column: (series data type, our column)
    "TOT_EMP": ("01", "employment"),
    "EMP_PRSE": ("02", "employment_prse_pct"),
    "H_MEAN": ("03", "hourly_mean_usd"),
    "A_MEAN": ("04", "annual_mean_usd"),
    "MEAN_PRSE": ("05", "wage_prse_pct"),
    "H_PCT10": ("06", "hourly_p10_usd"),
    "H_PCT25": ("07", "hourly_p25_usd"),
    "H_MEDIAN": ("08", "hourly_median_usd"),
    "H_PCT75": ("09", "hourly_p75_usd"),
    "H_PCT90": ("10", "hourly_p90_usd"),
    "A_PCT10": ("11", "annual_p10_usd"),
    "A_PCT25": ("12", "annual_p25_usd"),
    "A_MEDIAN": ("13", "annual_median_usd"),
    "A_PCT75": ("14", "annual_p75_usd"),
    "A_PCT90": ("15", "annual_p90_usd"),
}
_COLUMN_OF_DATA_TYPE = dict(_MEASURES.values())
_NOT_AVAILABLE = {"*", "**", "~", "-", ""}
_TOP_CODE = "#"
_TOP_HOURLY_USD = 115.0
_TOP_ANNUAL_USD = 239_200.0
# Footnote 5 of the series files: "This is equal to or greater than" the top of the scale.
_TOP_CODE_FOOTNOTE = "5"
_SERIES_ID = re.compile(r"^OEU(?P<area>\w{8})(?P<industry>\w{6})(?P<soc>\d{6})(?P<type>\d{2})$")
_NATIONAL = "N0000000"
_ALL_INDUSTRIES = "000000"
_SERIES_LAYOUT = Delimited(delimiter="\t", quote=None, null_tokens=("",))


def bls_wages(bls_oews_national: SourceFiles, bls_oews_series: SourceFiles) -> pa.Table:
    """Rows of ``BlsWages``: from the workbook where present, else from the series file.

    Raises:
        SourceFormatError: a present file is not in its published layout.
    """
    rows = [row for file in bls_oews_national.files for row in _workbook_rows(file)]
    if not rows:
        rows = [row for file in bls_oews_series.files for row in _series_rows(file)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(BlsWages))


def _workbook_rows(file: SourceFile) -> list[dict[str, Any]]:
    sheet = read_sheet(file, "AREA")
    wanted = ["OCC_CODE", "OCC_TITLE", "O_GROUP", "I_GROUP", *_MEASURES]
    require_headers(file, sheet.headers, wanted)
    places = {name: sheet.headers.index(name) for name in wanted}
    rows = []
    for number, cells in enumerate(sheet.rows, start=1):
        if not any(cells):
            continue
        values = {name: cells[place] for name, place in places.items()}
        if values["I_GROUP"] != "cross-industry":
            continue
        row = {
            "soc_code": values["OCC_CODE"],
            "occupation_level": values["O_GROUP"],
            "title": values["OCC_TITLE"],
            "reference_period": file.release,
            "source_row": number,
            "source_class": str(file.source_class),
            "allowed_use": str(file.allowed_use),
        }
        top_coded = []
        for header, (_, name) in _MEASURES.items():
            row[name], is_top = _measure(file, number, name, values[header])
            if is_top:
                top_coded.append(name)
        row["top_coded"] = ",".join(top_coded)
        rows.append(row)
    return rows


def _measure(file: SourceFile, number: int, name: str, cell: Any) -> tuple[float | None, bool]:
    """``(value, whether it is a lower bound)``."""
    text = "" if cell is None else str(cell).strip()
    if text == _TOP_CODE:
        return (_TOP_HOURLY_USD if name.startswith("hourly") else _TOP_ANNUAL_USD), True
    if text in _NOT_AVAILABLE:
        return None, False
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        raise format_error(
            file, f"a number or one of * ** # ~ in {name}", repr(text), row=number
        ) from None
    return (int(value) if name == "employment" else value), False


def _series_rows(file: SourceFile) -> list[dict[str, Any]]:
    # The published header pads its names with blanks.
    cells = read_strings(file, _SERIES_LAYOUT, None)
    cells = cells.rename_columns([name.strip() for name in cells.column_names])
    wanted = ["series_id", "year", "period", "value", "footnote_codes"]
    require_headers(file, cells.column_names, wanted)
    by_occupation: dict[tuple[str, str], dict[str, Any]] = {}
    for number, line in enumerate(cells.select(wanted).to_pylist(), start=1):
        found = _SERIES_ID.match(line["series_id"].strip())
        if found is None:
            raise format_error(
                file, "series ids like OEUN000000000000015125204", line["series_id"], row=number
            )
        name = _COLUMN_OF_DATA_TYPE.get(found["type"])
        is_national = found["area"] == _NATIONAL and found["industry"] == _ALL_INDUSTRIES
        if name is None or not is_national:
            continue
        soc_code = f"{found['soc'][:2]}-{found['soc'][2:]}"
        row = by_occupation.setdefault(
            (soc_code, line["year"].strip()),
            {
                "soc_code": soc_code,
                "occupation_level": "unstated",
                "title": None,
                "reference_period": f"{line['period'].strip()} {line['year'].strip()}",
                "top_coded": "",
                "source_row": number,
                "source_class": str(file.source_class),
                "allowed_use": str(file.allowed_use),
            },
        )
        if name in row:
            raise format_error(
                file, "one value per series and year", f"{line['series_id']} twice", row=number
            )
        row[name], _ = _measure(file, number, name, line["value"])
        if _TOP_CODE_FOOTNOTE in line["footnote_codes"].split(",") and row[name] is not None:
            row["top_coded"] = ",".join(filter(None, [row["top_coded"], name]))
    latest = max((year for _, year in by_occupation), default=None)
    return [row for (_, year), row in by_occupation.items() if year == latest]
