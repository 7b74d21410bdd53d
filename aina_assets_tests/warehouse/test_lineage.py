"""A row is walked back to its rows, files, hashes and licences; catalogues get the same as events.

The world here: two price lists (one file each, told apart by ``currency``) and one list of shops in
several files feed ``prices`` and ``shops``; ``offers`` joins them, ``summary`` counts offers.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pytest
from rich.console import Console
from upath import UPath

from aina_assets.cli_render import trace_tree
from aina_assets.contracts.errors import AinaError, SnapshotCorrupt, SnapshotMissing
from aina_assets.location import all_assets, all_models
from aina_assets.warehouse.digests import digest_of_json, digest_of_table
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.lineage import (
    PRODUCER,
    Trace,
    TracedFile,
    column_sources,
    openlineage_events,
    trace,
    trace_document,
)
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Parent, Table, arrow_schema, columns_of, table_name

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


def cell(header: str, description: str, **options: Any) -> Any:
    return pap.Field(description=description, metadata={"header": header}, **options)


def made(description: str, *sources: str, **options: Any) -> Any:
    return pap.Field(description=description, metadata={"from": list(sources)}, **options)


class Prices(
    Table,
    key=("item", "currency"),
    parents=(
        Parent("upstream/euro_prices", where=(("currency", "EUR"),)),
        Parent("upstream/dollar_prices", where=(("currency", "USD"),)),
    ),
):
    """Prices as listed."""

    item: str = cell("Item No.", "Item.")
    currency: str = pap.Field(description="Currency.")
    price: float = cell("Price", "Price.")
    source_row: int = pap.Field(description="Row.")


class Shops(
    Table,
    key=("shop_list", "shop"),
    parents=(Parent("upstream/shop_lists", (("shop_list", "path"),)),),
):
    """Shops as listed."""

    shop_list: str = pap.Field(description="Path of the list.")
    shop: str = pap.Field(description="Shop.")
    region: str = pap.Field(description="Region.", nullable=True)
    source_row: int = pap.Field(description="Row.")


class Offers(
    Table,
    key=("offer",),
    parents=(
        Parent("prices", (("group", "prefix:item"),), only=(("currency", "EUR"),)),
        Parent("shops", (("shops", "in:shop"), ("region", "region"))),
    ),
):
    """Offers of groups of items."""

    offer: int = pap.Field(description="Offer.")
    group: str = made("Group of items.", "prices.item")
    shops: str = made("Shops, comma-separated.", "shops.shop")
    region: str = made("Region.", "shops.region", nullable=True)


class Totals(Table, key=("total",), parents=(Parent("offers"),)):
    """Totals over all offers."""

    total: str = pap.Field(description="What is counted.")
    count: int = pap.Field(description="The count.")


class Summary(Table, key=("figure",)):
    """Counts of everything."""

    figure: str = pap.Field(description="What is counted.")
    count: int = pap.Field(description="The count.")


MODELS: dict[str, type[Table]] = {
    table_name(model): model for model in (Prices, Shops, Offers, Totals, Summary)
}


def entry(path: str, source: str, **fields: Any) -> dict[str, Any]:
    return {
        "path": path,
        "source": source,
        "status": "present",
        "sha256": digest_of_json(path),
        "size_bytes": 10,
        "release": "2025",
        "source_class": "research",
        "allowed_use": "open",
        "detail": "on disk, as pinned",
        **fields,
    }


def put(store: Store, name: str, rows: list[dict[str, Any]], *inputs: str) -> Record:
    """Store ``rows`` as the table ``name``, made from the current versions of ``inputs``."""
    frame = pa.Table.from_pylist(rows, schema=arrow_schema(MODELS[name]))
    record = Record(name, digest_of_table(frame), "c0de", "5e7", inputs=versions(store, *inputs))
    return store.commit_table(record, frame)


def versions(store: Store, *inputs: str) -> Mapping[str, str]:
    found = {name: store.record(name) for name in inputs}
    return {name: record.data_version for name, record in found.items() if record}


def put_files(store: Store, name: str, *files: dict[str, Any]) -> None:
    details = {"files": list(files)}
    store.commit(Record(f"upstream/{name}", digest_of_json(details), "f", "s", {}, details=details))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(UPath(tmp_path))
    github = {"kind": "github", "repository": "acme/prices", "revision": "a" * 40}
    sources = {
        "acme": {
            "publisher": "Acme",
            "licence": "MIT",
            "licence_url": "https://acme.example/licence",
            "origin": github,
        },
        "guild": {"publisher": "Guild", "licence": None, "origin": {"kind": "local"}},
    }
    details = {"lock": {"sources": sources}, "path": "lock.yaml"}
    store.commit(Record("upstream/sources_lock", "1", "f", "s", {}, details=details))
    put_files(store, "euro_prices", entry("prices/eur.csv", "acme"))
    put_files(store, "dollar_prices", entry("prices/usd.csv", "acme"))
    put_files(store, "shop_lists", entry("shops/a.txt", "guild"), entry("shops/b.txt", "gone"))
    prices = [
        {"item": f"A{number}", "currency": currency, "price": 1.5, "source_row": number}
        for currency in ("EUR", "USD")
        for number in range(1, 9)
    ]
    put(store, "prices", prices, "upstream/euro_prices", "upstream/dollar_prices")
    shops: list[dict[str, Any]] = [
        {"shop_list": "shops/a.txt", "shop": "north", "region": "n", "source_row": 1},
        {"shop_list": "shops/a.txt", "shop": "south", "region": "n", "source_row": 2},
        {"shop_list": "shops/b.txt", "shop": "south", "region": None, "source_row": 1},
    ]
    put(store, "shops", shops, "upstream/shop_lists")
    offers = [
        {"offer": 1, "group": "A", "shops": "north,south", "region": "n"},
        {"offer": 2, "group": "A3", "shops": "south", "region": None},
    ]
    put(store, "offers", offers, "prices", "shops")
    put(store, "totals", [{"total": "offers", "count": 2}], "offers")
    put(store, "summary", [{"figure": "rows", "count": 5}], "offers", "prices", "shops")
    return store


def parents_of(found: Trace) -> dict[str, Trace]:
    [row] = found.rows
    return {parent.table: parent for parent in row.parents}


def files_of(found: Trace) -> list[TracedFile]:
    return [file for row in found.rows for file in row.files]


# ------------------------------------------------------------------------------------- the rows


def test_a_row_is_shown_with_its_values_and_the_columns_they_came_from(store: Store) -> None:
    [row] = trace(store, MODELS, "offers", "1").rows
    fields = {field.name: (field.value, field.sources) for field in row.fields}
    assert row.key == "1"
    assert fields["offer"] == (1, ())
    assert fields["group"] == ("A", ("prices.item",))


def test_a_trace_names_the_version_and_the_verified_snapshot(store: Store) -> None:
    record = store.record("offers")
    found = trace(store, MODELS, "offers", "1")
    assert record is not None
    assert (found.data_version, found.code_version) == (record.data_version, "c0de")
    assert (found.snapshot, found.snapshot_sha256) == (record.snapshot, record.snapshot_sha256)


def test_parents_are_matched_by_prefix_by_list_and_by_value(store: Store) -> None:
    parents = parents_of(trace(store, MODELS, "offers", "1"))
    assert parents["prices"].row_count == 8
    assert [row.key for row in parents["shops"].rows] == ["shops/a.txt|north", "shops/a.txt|south"]


def test_rows_the_parent_says_play_no_part_are_left_out(store: Store) -> None:
    prices = parents_of(trace(store, MODELS, "offers", "2"))["prices"]
    assert [row.key for row in prices.rows] == ["A3|EUR"]
    assert prices.matched == "item starts with its group and currency = 'EUR'"


def test_a_null_matches_nothing(store: Store) -> None:
    shops = parents_of(trace(store, MODELS, "offers", "2"))["shops"]
    assert (shops.row_count, shops.rows) == (0, ())


def test_no_more_rows_are_followed_than_asked_for_and_all_are_counted(store: Store) -> None:
    prices = parents_of(trace(store, MODELS, "offers", "1", rows_per_parent=3))["prices"]
    assert (len(prices.rows), prices.row_count) == (3, 8)


def test_a_parent_without_columns_is_the_whole_table(store: Store) -> None:
    offers = parents_of(trace(store, MODELS, "totals", "offers"))["offers"]
    assert offers.is_whole_table
    assert (offers.row_count, offers.rows) == (2, ())
    assert [item.asset for item in offers.inputs] == ["prices", "shops"]


def test_a_table_without_parents_names_what_it_was_made_from(store: Store) -> None:
    found = trace(store, MODELS, "summary", "rows")
    assert [item.asset for item in found.inputs] == ["offers", "prices", "shops"]
    assert all(item.is_current for item in found.inputs)


# ------------------------------------------------------------------------------------ the files


def test_a_file_is_shown_with_hash_release_licence_pin_and_row(store: Store) -> None:
    [file] = files_of(trace(store, MODELS, "prices", "A7|USD"))
    assert file == TracedFile(
        input="dollar_prices",
        path="prices/usd.csv",
        status="present",
        sha256=digest_of_json("prices/usd.csv"),
        size_bytes=10,
        source="acme",
        publisher="Acme",
        release="2025",
        licence="MIT",
        licence_url="https://acme.example/licence",
        source_class="research",
        allowed_use="open",
        pin=f"github acme/prices@{'a' * 40}",
        detail="on disk, as pinned",
        source_row=7,
        is_other_version=False,
    )


def test_only_the_file_the_row_is_from_is_shown(store: Store) -> None:
    euro = trace(store, MODELS, "prices", "A1|EUR")
    listed = trace(store, MODELS, "shops", "shops/a.txt|north")
    assert [file.path for file in files_of(euro)] == ["prices/eur.csv"]
    assert [file.path for file in files_of(listed)] == ["shops/a.txt"]


def test_a_column_read_from_files_names_only_the_file_the_row_is_from(store: Store) -> None:
    [row] = trace(store, MODELS, "prices", "A1|EUR").rows
    assert row.fields[0].sources == ("upstream/euro_prices.Item No.",)
    assert column_sources(Prices)["item"] == (
        "upstream/euro_prices.Item No.",
        "upstream/dollar_prices.Item No.",
    )


def test_a_source_the_lock_no_longer_names_is_said_to_be_unknown(store: Store) -> None:
    [file] = files_of(trace(store, MODELS, "shops", "shops/b.txt|south"))
    assert file.pin is None
    assert file.note is not None
    assert "gone" in file.note


def test_where_every_file_is_absent_the_trace_says_why(store: Store) -> None:
    absent = entry("prices/usd.csv", "acme", status="absent", sha256=None, detail="not on disk")
    put_files(store, "dollar_prices", absent)
    [file] = files_of(trace(store, MODELS, "prices", "A7|USD"))
    assert (file.status, file.detail, file.source_row) == ("absent", "not on disk", None)


# ---------------------------------------------------------------------------------- what is stale


def test_a_parent_of_another_version_than_recorded_is_flagged(store: Store) -> None:
    shops = [{"shop_list": "shops/a.txt", "shop": "north", "region": "n", "source_row": 1}]
    put(store, "shops", shops, "upstream/shop_lists")
    found = trace(store, MODELS, "offers", "1")
    parents = parents_of(found)
    assert parents["shops"].is_other_version
    assert not parents["prices"].is_other_version
    assert {item.asset: item.is_current for item in found.inputs} == {
        "prices": True,
        "shops": False,
    }
    assert "made from another version" in rendered(found)


def test_a_file_of_another_version_than_recorded_is_flagged(store: Store) -> None:
    put_files(store, "euro_prices", entry("prices/eur.csv", "acme", sha256="b" * 64))
    [file] = files_of(trace(store, MODELS, "prices", "A1|EUR"))
    assert file.is_other_version


def test_a_table_whose_rebuild_failed_is_traced_in_its_last_good_version(store: Store) -> None:
    store.refuse("offers", (Finding("key", False, 2, 1, "twice"),))
    found = trace(store, MODELS, "offers", "1")
    assert found.is_refused
    assert "last good version" in rendered(found)


def test_damaged_bytes_are_not_traced(store: Store) -> None:
    record = store.record("prices")
    assert record is not None
    (store.root / str(record.snapshot)).write_bytes(b"damaged")
    with pytest.raises(SnapshotCorrupt):
        trace(store, MODELS, "offers", "1")


def test_a_table_never_built_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="aina build"):
        trace(Store(UPath(tmp_path)), MODELS, "offers", "1")


# ---------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize("key", ["shops/a.txt|north", "shops/a.txt/north"])
def test_parts_of_a_key_are_joined_by_a_bar_or_a_slash(store: Store, key: str) -> None:
    [row] = trace(store, MODELS, "shops", key).rows
    assert row.key == "shops/a.txt|north"


def test_an_unknown_table_names_those_like_it(store: Store) -> None:
    with pytest.raises(AinaError, match="did you mean offers"):
        trace(store, MODELS, "offer", "1")


def test_a_table_like_none_names_them_all(store: Store) -> None:
    with pytest.raises(AinaError, match="offers, prices, shops, summary, totals"):
        trace(store, MODELS, "zzz", "1")


def test_a_key_no_row_has_shows_the_nearest(store: Store) -> None:
    with pytest.raises(AinaError) as caught:
        trace(store, MODELS, "prices", "A7|GBP")
    assert caught.value.found == "none among 16 rows"
    assert caught.value.remedy.endswith("'A7|EUR', 'A7|USD'")


def test_a_key_with_too_few_parts_says_which_it_needs(store: Store) -> None:
    with pytest.raises(AinaError) as caught:
        trace(store, MODELS, "prices", "A7")
    assert caught.value.expected == "a key of 2 parts, item|currency"
    assert caught.value.found == "1 part, 'A7'"


def test_an_empty_table_says_so(store: Store) -> None:
    put(store, "totals", [], "offers")
    with pytest.raises(AinaError, match="totals has no rows"):
        trace(store, MODELS, "totals", "offers")


# ------------------------------------------------------------------------------------ how it looks


def rendered(found: Trace) -> str:
    console = Console(width=100, record=True, force_terminal=False, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    with console.file:
        console.print(trace_tree(found))
    return console.export_text()


def test_the_tree_tells_values_files_hashes_and_licences_within_100_columns(store: Store) -> None:
    text = rendered(trace(store, MODELS, "offers", "1"))
    for told in (
        "from prices.item",
        "8 rows, item starts with its group",
        "and 3 more",
        digest_of_json("prices/eur.csv"),
        "MIT",
        "https://acme.example/licence",
        "none declared",
        f"github acme/prices@{'a' * 40}",
    ):
        assert told in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_tree_describes_a_file_once(store: Store) -> None:
    text = rendered(trace(store, MODELS, "offers", "1"))
    assert text.count(digest_of_json("prices/eur.csv")) == 1


def test_the_tree_of_a_table_without_parents_lists_its_inputs(store: Store) -> None:
    text = rendered(trace(store, MODELS, "summary", "rows"))
    assert "made from the whole of" in text
    assert all(f"{name}@" in text for name in ("offers", "prices", "shops"))


def test_the_document_is_plain_json_and_complete(store: Store) -> None:
    found = trace(store, MODELS, "offers", "1")
    document = trace_document(found)
    assert json.loads(json.dumps(document)) == document
    assert document["rows"][0]["fields"][1] == {
        "name": "group",
        "value": "A",
        "sources": ["prices.item"],
    }
    assert document["rows"][0]["parents"][0]["rows"][0]["files"][0]["licence"] == "MIT"


# ------------------------------------------------------------------------------------ OpenLineage


def events(store: Store, **options: Any) -> dict[str, dict[str, Any]]:
    found = openlineage_events(store, MODELS, namespace="aina", event_time=NOON, **options)
    return {event["job"]["name"]: event for event in found}


def test_every_record_is_one_complete_run_event(store: Store) -> None:
    found = events(store)
    assert found.keys() == {record.asset for record in store.records()}
    for event in found.values():
        assert event["eventType"] == "COMPLETE"
        assert event["eventTime"] == "2026-01-02T12:00:00+00:00"
        assert event["producer"] == PRODUCER
        assert event["schemaURL"].endswith("/2-0-2/OpenLineage.json#/$defs/RunEvent")
        assert uuid.UUID(event["run"]["runId"]).version == 5
    assert json.loads(json.dumps(found)) == found


def test_every_facet_names_its_producer_and_schema(store: Store) -> None:
    def facets(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for item in value for found in facets(item)]
        if not isinstance(value, dict):
            return []
        own = [*value.get("facets", {}).values(), *value.get("outputFacets", {}).values()]
        return own + [found for item in value.values() for found in facets(item)]

    found = facets(list(events(store).values()))
    assert found
    for facet in found:
        assert facet["_producer"] == PRODUCER
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")


def test_an_event_says_what_was_made_of_what(store: Store) -> None:
    event = events(store)["offers"]
    record = store.record("offers")
    assert record is not None
    assert {
        item["name"]: item["facets"]["version"]["datasetVersion"] for item in event["inputs"]
    } == record.inputs
    [output] = event["outputs"]
    facets = output["facets"]
    assert facets["version"]["datasetVersion"] == record.data_version
    assert [item["name"] for item in facets["schema"]["fields"]] == list(columns_of(Offers))
    assert facets["columnLineage"]["fields"]["group"] == {
        "inputFields": [{"namespace": "aina", "name": "prices", "field": "item"}]
    }
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2


def test_an_event_of_an_input_names_its_files_and_their_licences(store: Store) -> None:
    [file] = events(store)["upstream/euro_prices"]["inputs"]
    tags = {tag["key"]: tag["value"] for tag in file["facets"]["tags"]["tags"]}
    assert file["name"] == "file/prices/eur.csv"
    assert file["facets"]["version"]["datasetVersion"] == digest_of_json("prices/eur.csv")
    assert file["facets"]["dataSource"]["name"] == "acme"
    assert (tags["licence"], tags["release"]) == ("MIT", "2025")


def test_an_event_says_where_no_licence_is_declared_and_where_none_is_known(store: Store) -> None:
    files = events(store)["upstream/shop_lists"]["inputs"]
    tags = {
        file["name"]: {tag["key"]: tag["value"] for tag in file["facets"]["tags"]["tags"]}
        for file in files
    }
    assert tags["file/shops/a.txt"]["licence"] == "none declared"
    assert "licence" not in tags["file/shops/b.txt"]


def test_a_header_with_a_full_stop_is_one_column(store: Store) -> None:
    fields = events(store)["prices"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert fields["item"]["inputFields"][0] == {
        "namespace": "aina",
        "name": "upstream/euro_prices",
        "field": "Item No.",
    }


def test_what_did_not_change_is_the_same_run(store: Store) -> None:
    before = {name: event["run"]["runId"] for name, event in events(store).items()}
    record = store.record("summary")
    assert record is not None
    store.commit(dataclasses.replace(record, code_version="other"))
    after = {name: event["run"]["runId"] for name, event in events(store).items()}
    assert [name for name in before if before[name] != after[name]] == ["summary"]
    assert len(set(after.values())) == len(after)


def test_the_version_of_the_project_is_a_tag_of_every_job(store: Store) -> None:
    for event in events(store, job_version="0.1.0").values():
        tags = event["job"]["facets"]["tags"]["tags"]
        assert {"key": "job_version", "value": "0.1.0", "source": "aina"} in tags


# ---------------------------------------------------------------------------- the declared lineage


def test_every_declared_origin_is_a_dependency_with_that_column() -> None:
    models = all_models()
    deps = {
        "/".join(spec.key.path): {"/".join(dep.asset_key.path) for dep in spec.deps}
        for definition in all_assets()
        for spec in definition.specs
    }
    wrong = []
    for name, model in models.items():
        columns = columns_of(model)
        for parent in model.__parents__:
            if parent.table not in deps[name]:
                wrong.append(f"{name} is not made from {parent.table}")
            own = [column for column, _ in (*parent.on, *parent.where)]
            wrong += [f"{name} has no {column}" for column in own if column not in columns]
            if parent.table in models:
                theirs = [target.rpartition(":")[2] for _, target in parent.on]
                theirs += [column for column, _ in parent.only]
                there = columns_of(models[parent.table])
                wrong += [f"{parent.table} has no {item}" for item in theirs if item not in there]
        declared = {parent.table for parent in model.__parents__}
        for sources in column_sources(model).values():
            for source in sources:
                table, _, column = source.partition(".")
                if table not in declared:
                    wrong.append(f"{name}: {source} is of no parent")
                if table in models and column not in columns_of(models[table]):
                    wrong.append(f"{name}: no column {source}")
    assert wrong == []


def test_every_table_of_the_sample_is_traced_to_files_or_inputs(sample_home: Path) -> None:
    store, models = Store(UPath(sample_home)), all_models()
    for name, model in models.items():
        record = store.record(name)
        assert record is not None, name
        frame = store.open_snapshot(record).slice(0, 1)
        for values in frame.to_pylist():
            parts = ["" if values[column] is None else values[column] for column in model.__key__]
            texts = [str(part).lower() if isinstance(part, bool) else str(part) for part in parts]
            found = trace(store, models, name, "|".join(texts), rows_per_parent=1)
            assert ends_of(found), name
            assert not any(item.is_other_version for item in walk(found)), name
            assert rendered(found)


def walk(found: Trace) -> list[Trace]:
    below = [parent for row in found.rows for parent in row.parents]
    return [found, *(item for parent in below for item in walk(parent))]


def ends_of(found: Trace) -> list[str]:
    """Where the walk ends: files, or the inputs of tables made from whole tables."""
    files = [file.path for item in walk(found) for file in files_of(item)]
    return files or [item.asset for item in found.inputs]
