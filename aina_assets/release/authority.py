"""What each layer of sources can be evidence of, and what each beta family draws on.

Belongs here: the audit of layers against the lock's files, and of families against their packets.
Stays out: admitting a family (``admission``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.vocabulary import FileStatus, SourceClass
from aina_assets.release.policy import Layer, ReleaseRules
from aina_assets.release.tables import ABSENT, FLATTENED, GAP, VERIFIED, SourceAuthority
from aina_assets.sources import tables as source_tables
from aina_assets.sources.catalog import INPUTS
from aina_assets.warehouse.store import Record
from aina_assets.warehouse.tables import Table, arrow_schema, table_name
from aina_assets.work_graph.policy import Families

UPSTREAM_PREFIX = "upstream/"

Row = Mapping[str, Any]


def tables_by_input() -> dict[str, tuple[str, ...]]:
    """Tables that are read from each input, as their models say."""
    found: dict[str, list[str]] = defaultdict(list)
    for model in vars(source_tables).values():
        if isinstance(model, type) and issubclass(model, Table) and model.__key__:
            for parent in model.__parents__:
                if parent.table.startswith(UPSTREAM_PREFIX):
                    found[parent.table.removeprefix(UPSTREAM_PREFIX)].append(table_name(model))
    return {name: tuple(sorted(set(tables))) for name, tables in found.items()}


def source_authority(
    source_ledger: pa.Table,
    source_files: pa.Table,
    packets: pa.Table,
    release_rules: ReleaseRules,
    families: Families,
    records: list[Record],
) -> pa.Table:
    """Rows of ``SourceAuthority``: layers in order, then beta families.

    Args:
        source_ledger: the sources, with their class.
        source_files: every file of the lock, with what became of it.
        packets: what each family is served.
        release_rules: layers and beta families.
        families: all families.
        records: of the tables read from upstream files.

    Raises:
        AuthoredDocumentError: an input or a family is in no list.
    """
    require_places(release_rules, families)
    class_of = {row["source"]: row["source_class"] for row in source_ledger.to_pylist()}
    files: dict[str, list[Row]] = defaultdict(list)
    for row in source_files.to_pylist():
        files[row["input"]].append(row)
    rows_of = {record.asset: int(record.row_count or 0) for record in records}
    read_from = tables_by_input()
    rows = []
    for layer in release_rules.layers:
        tables = {name for item in layer.inputs for name in read_from.get(item, ())}
        of_layer = [row for item in layer.inputs for row in files[item]]
        rows.append(_layer(layer, of_layer, class_of, sum(rows_of.get(name, 0) for name in tables)))
    source_of = {row["path"]: row["source"] for of_input in files.values() for row in of_input}
    packets_of = defaultdict(list)
    for row in packets.select(_OF_PACKETS).to_pylist():
        packets_of[row["role_family"]].append(row)
    title = {family.id: family.name for family in families.families}
    rows += [
        _family(name, title[name], packets_of[name], source_of, class_of)
        for name in release_rules.beta_families
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SourceAuthority))


_OF_PACKETS = [
    *("role_family", "title_list", "source_class", "economic_index_ref_count"),
    *("economic_index_soc_codes", "gdpval_ref_count"),
]


def require_places(rules: ReleaseRules, families: Families) -> None:
    """Every input is in a layer and every family in the beta, or outside for a reason.

    Raises:
        AuthoredDocumentError: one is not, or one is named that there is not.
    """
    placed = {name for layer in rules.layers for name in layer.inputs}
    placed |= {item.id for item in rules.outside_layers}
    listed = {*rules.beta_families, *(item.id for item in rules.outside_beta)}
    for what, named, known in (
        ("inputs", placed, {declared.name for declared in INPUTS}),
        ("families", listed, {family.id for family in families.families}),
    ):
        if named != known:
            raise AuthoredDocumentError(
                expected=f"every one of the {what} there are, in a list or outside for a reason",
                found=f"left out: {', '.join(sorted(known - named)) or 'none'}; not known:"
                f" {', '.join(sorted(named - known)) or 'none'}",
                where=str(ReleaseRules.path()),
                remedy="place what is left out, take out what is not known",
            )


def _layer(
    layer: Layer, files: Iterable[Row], class_of: Mapping[str, str], row_count: int
) -> dict[str, Any]:
    files = list(files)
    present = [row for row in files if row["status"] == FileStatus.PRESENT]
    classes = {class_of.get(row["source"], "unknown") for row in present}
    strange = [row for row in present if class_of.get(row["source"]) != layer.source_class]
    problems = [
        f"{row['path']}: class {class_of.get(row['source'], 'unknown')}, not {layer.source_class}"
        for row in strange
    ]
    problems += [
        f"{row['path'] or row['input']}: {row['reason']}: {row['detail']}"
        for row in files
        if row["status"] != FileStatus.PRESENT
    ]
    if strange:
        state = FLATTENED
    elif not present:
        state = ABSENT
    else:
        state = GAP if problems else VERIFIED
    return _ROW | {
        "item_kind": "layer",
        "item_id": layer.id,
        "title": layer.title,
        "state": state,
        "source_classes": sorted(classes),
        "sources": sorted({row["source"] for row in present}),
        "file_count": len(files),
        "verified_file_count": len(present),
        "verified_bytes": sum(row["size_bytes"] or 0 for row in present),
        "row_count": row_count,
        "flattened_row_count": len(strange),
        "problems": sorted(problems),
    }


_ROW: dict[str, Any] = dict.fromkeys(
    (
        *("file_count", "verified_file_count", "verified_bytes", "row_count"),
        *("research_row_count", "benchmark_row_count", "market_row_count", "flattened_row_count"),
    ),
    0,
)


def _family(
    family: str,
    title: str,
    packets: list[Row],
    source_of: Mapping[str, str],
    class_of: Mapping[str, str],
) -> dict[str, Any]:
    drawn: Counter[str] = Counter()
    unnamed: Counter[str] = Counter()
    named: set[str] = set()
    flattened = 0
    for row in packets:
        says = set(row["source_class"].split("+"))
        draws = _drawn_on(row) | {class_of[source_of[row["title_list"]]]}
        drawn.update(draws)
        unnamed.update(draws - says)
        named |= says
        flattened += bool(draws - says)
    problems = [
        f"{count} packet(s) draw on {name} and do not say so" for name, count in unnamed.items()
    ]
    state = FLATTENED if flattened else VERIFIED
    if not packets:
        state, problems = ABSENT, ["no title of the family has a packet"]
    return _ROW | {
        "item_kind": "family",
        "item_id": family,
        "title": title,
        "state": state,
        "source_classes": sorted(named),
        "sources": sorted({source_of[row["title_list"]] for row in packets}),
        "row_count": len(packets),
        "research_row_count": drawn[SourceClass.RESEARCH],
        "benchmark_row_count": drawn[SourceClass.BENCHMARK],
        "market_row_count": drawn[SourceClass.MARKET_SIGNAL],
        "flattened_row_count": flattened,
        "problems": sorted(problems),
    }


def _drawn_on(packet: Row) -> set[str]:
    """Classes of the research and benchmark that the packet refers to."""
    drawn = set()
    if packet["economic_index_ref_count"] or packet["economic_index_soc_codes"]:
        drawn.add(str(SourceClass.RESEARCH))
    if packet["gdpval_ref_count"]:
        drawn.add(str(SourceClass.BENCHMARK))
    return drawn
