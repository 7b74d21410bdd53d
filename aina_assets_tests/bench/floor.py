"""The floor: one DuckDB script that reads the same files and writes the same tables, and no more.

No hash, no check, no snapshot, no lineage, no orchestration. What DuckDB cannot read without an
extension (workbooks, the request trees) is read by the library the project uses, and handed over.

    python -m aina_assets_tests.bench.floor LOCK CACHE OUT.duckdb
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from openpyxl import load_workbook

from aina_assets.sources import tables
from aina_assets.sources.lockfile import SourcesLock, read_lock
from aina_assets.warehouse.sql import MACROS
from aina_assets.warehouse.tables import Table, arrow_schema, columns_of, table_name
from aina_assets.work_graph import audits, maps

_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}
_MAPS = (
    maps.task_exposure,
    maps.legacy_signals,
    maps.gdpval_task_map,
    maps.gdpval_soc_map,
    maps.soc_map,
    maps.exposure_measures,
    maps.exposure_agreement,
    audits.soc_join_report,
    audits.published_findings,
    audits.hf_ingest_summary,
)


def main(lock_path: Path, cache: Path, out: Path) -> None:
    """Write every table of the lock at ``lock_path`` into the database ``out``."""
    lock = read_lock(lock_path)
    out.unlink(missing_ok=True)
    with duckdb.connect(str(out)) as con:
        con.execute(MACROS)
        for item in vars(tables).values():
            if isinstance(item, type) and issubclass(item, Table) and item.__key__:
                _source_table(con, lock, cache, item)
        for function in _MAPS:
            names = [name for name in inspect.signature(function).parameters if name != "con"]
            frames = {name: con.sql(f'FROM "{name}"').to_arrow_table() for name in names}
            _store(con, function.__name__, function(con, **frames))


def _store(con: duckdb.DuckDBPyConnection, name: str, frame: pa.Table) -> None:
    con.register("frame", frame)
    con.execute(f'CREATE TABLE "{name}" AS FROM frame')
    con.unregister("frame")


def _source_table(
    con: duckdb.DuckDBPyConnection, lock: SourcesLock, cache: Path, model: type[Table]
) -> None:
    name = table_name(model)
    special = _SPECIAL.get(name)
    inputs = [parent.table.removeprefix("upstream/") for parent in model.__parents__]
    paths = [
        cache / file.path
        for input_name in inputs
        for _, _, file in lock.files_for(input_name)
        if (cache / file.path).exists()
    ]
    if special is not None:
        _store(con, name, pa.Table.from_pylist(special(paths, lock)))
        return
    selects = [_select(model, path, number) for number, path in enumerate(paths)]
    if name == "working_with_ai_weights":
        selects = [
            f"""SELECT "SOC Code" AS soc_code, iwa_id, weight, 1 AS source_row,
                'research' AS source_class, 'attribution' AS allowed_use
                FROM (UNPIVOT (FROM read_csv('{paths[0]}')) ON COLUMNS(* EXCLUDE "SOC Code")
                      INTO NAME iwa_id VALUE weight) WHERE weight > 0"""
        ]
    if name == "gdpval_tasks":
        selects = [
            f"""SELECT task_id, sector, occupation, prompt, to_json(reference_files)::VARCHAR,
                to_json(deliverable_files)::VARCHAR, len(reference_files),
                len(deliverable_files), len(reference_files) > 0 AS has_reference_files,
                len(deliverable_files) > 0 AS has_deliverables, rubric_json,
                json_array_length(rubric_json)::BIGINT AS rubric_item_count,
                list_sum([greatest(x::BIGINT, 0) FOR x IN rubric_json->>'$[*].score'])::BIGINT
                  AS rubric_points, 1 AS source_row,
                'benchmark' AS source_class, 'internal_only' AS allowed_use
                FROM read_parquet('{paths[0]}')"""
        ]
    if not selects:
        _store(con, name, arrow_schema(model).empty_table())
        return
    con.execute(f'CREATE TABLE "{name}" AS {" UNION ALL ".join(selects)}')


def _select(model: type[Table], path: Path, number: int) -> str:
    if table_name(model) == "title_rows" and path.suffix == ".txt":
        return f"""SELECT '{path.name}' AS title_list, title, NULL::BIGINT AS title_count,
                   row_number() OVER () AS source_row FROM read_csv('{path}', header = false,
                   columns = {{'title': 'VARCHAR'}}, delim = '\t', quote = '', escape = '')"""
    if table_name(model) == "title_rows":
        return f"""SELECT '{path.name}', COLUMNS(*)[1], 0, row_number() OVER ()
                   FROM read_csv('{path}', all_varchar = true)""".replace(
            "COLUMNS(*)[1]", _first_column(path)
        )
    if table_name(model) == "soc_crosswalks":
        crosswalk = (
            "soc_2010_to_soc_2018",
            "onet_soc_2010_to_onet_soc_2019",
            "onet_soc_2019_to_soc_2018",
        )[number]
        first = _header(path)
        columns = ", ".join(
            f'"{header}" AS {name}'
            for header, name in zip(
                first, ("from_code", "from_title", "to_code", "to_title"), strict=True
            )
        )
        return f"SELECT '{crosswalk}' AS crosswalk, {columns} FROM {_reader(path)}"
    columns = ", ".join(
        _cell(name, item, arrow_schema(model).field(name).type)
        for name, item in columns_of(model).items()
        if item.metadata and "header" in item.metadata
    )
    release = ""
    if table_name(model) == "economic_index_usage":
        release = f", '{('2025-02-10', '2025-03-27')[number]}' AS release"
    return f"""SELECT {columns}{release}, row_number() OVER () AS source_row,
               'canonical' AS source_class, 'open' AS allowed_use FROM {_reader(path)}"""


def _cell(name: str, item: Any, kind: pa.DataType) -> str:
    text = f'"{item.metadata["header"]}"'
    for token in ("n/a", *item.metadata["null_tokens"]):
        text = f"nullif({text}, '{token}')"
    if str(kind) == "bool":
        text = f"{text} IN ('Y', 'True')"
    elif str(kind) == "int64":
        text = f"{text}::DOUBLE::BIGINT"
    return f"{text}::{_TYPES[str(kind)]} AS {name}"


def _reader(path: Path) -> str:
    if path.suffix == ".txt":
        return f"read_csv('{path}', delim = '\t', quote = '', escape = '', all_varchar = true)"
    delimiter = "\t" if path.suffix == ".tsv" else ","
    return f"""read_csv('{path}', delim = '{delimiter}', quote = '"', all_varchar = true)"""


def _header(path: Path) -> list[str]:
    return path.open(encoding="utf-8").readline().rstrip("\n").split(",")


def _first_column(path: Path) -> str:
    return f'"{_header(path)[0]}"'


def _soc_groups(paths: list[Path], _lock: SourcesLock) -> list[dict[str, Any]]:
    rows = []
    above: dict[int, str] = {}
    for cells in load_workbook(paths[0], read_only=True).worksheets[0].iter_rows(values_only=True):
        place = next((at for at, cell in enumerate(cells[:4]) if cell and "-" in str(cell)), None)
        if place is not None and len(str(cells[place])) == 7:
            above[place] = str(cells[place])
            rows.append(
                {
                    "soc_code": cells[place],
                    "level": ("major", "minor", "broad", "detailed")[place],
                    "title": cells[4],
                    "major_code": above[0],
                    "minor_code": above.get(1),
                    "broad_code": above.get(2),
                    "source_class": "canonical",
                    "allowed_use": "open",
                }
            )
    return rows


def _bls_wages(paths: list[Path], _lock: SourcesLock) -> list[dict[str, Any]]:
    rows = load_workbook(paths[0], read_only=True).worksheets[0].iter_rows(values_only=True)
    header = [str(cell) for cell in next(rows)]
    return [
        {
            "soc_code": cells[header.index("OCC_CODE")],
            "occupation_level": cells[header.index("O_GROUP")],
            **{name: str(cells[place]) for place, name in enumerate(header)},
        }
        for cells in rows
    ]


def _requests(paths: list[Path], _lock: SourcesLock) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def walk(nodes: list[dict[str, Any]], above: str) -> None:
        for node in nodes:
            rows.append({**node, "children": None, "path": above + node["cluster_name"]})
            walk(node["children"], rows[-1]["path"])

    for path in paths:
        walk(json.loads(path.read_text(encoding="utf-8"))["request_hierarchy"], "")
    return rows


def _ledger(_paths: list[Path], lock: SourcesLock) -> list[dict[str, Any]]:
    return [{"source": name, "licence": source.licence} for name, source in lock.sources.items()]


def _files(_paths: list[Path], lock: SourcesLock) -> list[dict[str, Any]]:
    return [
        {"source": name, "status": "present", "size_bytes": file.size_bytes}
        for name, source in lock.sources.items()
        for file in source.files
    ]


def _intake(paths: list[Path], _lock: SourcesLock) -> list[dict[str, Any]]:
    return [{"title_list": path.name} for path in paths]


_SPECIAL = {
    "soc_groups": _soc_groups,
    "bls_wages": _bls_wages,
    "economic_index_requests": _requests,
    "source_ledger": _ledger,
    "source_files": _files,
    "title_intake": _intake,
}


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
