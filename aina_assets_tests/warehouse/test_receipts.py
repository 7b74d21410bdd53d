"""A receipt says what was counted, obeys three rules more, and unlocks nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.sources.catalog import BY_NAME
from aina_assets.sources.lockfile import read_lock
from aina_assets.warehouse.receipts import (
    RULES,
    ReceiptSpec,
    judge_receipt,
    read_receipt,
    receipt_of,
    tables_behind_receipts,
    write_receipt,
)
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Record, Store

ITEMS = pa.table({"item": ["a", "b", "c"], "status": ["in", "in", "out"], "count": [3, 4, 5]})
SPEC = ReceiptSpec("door_v1", counted="status", holds=("out",))


def record(asset: str, version: str, **inputs: str) -> Record:
    return Record(asset, version, "code", "settings", inputs)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(UPath(tmp_path))
    store.commit(record("files", "1"))
    store.commit(record("items", "2", files="1"))
    return store


def failed(receipt: Receipt, store: Store, *upstream: str) -> list[str]:
    spec = ReceiptSpec("door_v1", counted="status", holds=("out",), upstream=upstream)
    findings = judge_receipt(receipt, spec, ITEMS, store)
    assert [finding.rule for finding in findings] == [rule.name for rule in RULES]
    return [finding.rule for finding in findings if not finding.passed]


def test_items_are_counted_and_a_held_item_holds_the_receipt(store: Store) -> None:
    receipt = receipt_of(SPEC, ITEMS, record("items", "2", files="1"))
    assert receipt.counts == {"in": 2, "out": 1}
    assert receipt.verdict is Verdict.HOLD
    assert receipt.unlocks == 0
    without = receipt_of(SPEC, ITEMS.slice(0, 2), record("items", "2", files="1"))
    assert without.verdict is Verdict.PASS


def test_items_that_are_counts_already_keep_their_values() -> None:
    spec = ReceiptSpec("door_v1", counted="item", valued="count")
    assert receipt_of(spec, ITEMS, record("items", "2")).counts == {"a": 3, "b": 4, "c": 5}


@pytest.mark.parametrize(("count", "verdict"), [(0, Verdict.PASS), (1, Verdict.HOLD)])
def test_a_figure_holds_the_receipt_where_it_counts_something(count: int, verdict: Verdict) -> None:
    spec = ReceiptSpec("door_v1", counted="item", valued="count", holds=("waiting",))
    items = pa.table({"item": ["queue", "waiting"], "count": [3, count]})
    assert receipt_of(spec, items, record("items", "2")).verdict is verdict


def test_a_receipt_about_other_inputs_than_those_stored_is_refused(store: Store) -> None:
    good = receipt_of(SPEC, ITEMS, record("items", "2", files="1"))
    assert failed(good, store) == []
    stale = good.model_copy(update={"inputs": {"files": "0"}})
    assert failed(stale, store) == ["receipt_inputs"]


def test_a_receipt_that_unlocks_without_a_decision_is_refused(store: Store) -> None:
    good = receipt_of(SPEC, ITEMS, record("items", "2", files="1"))
    assert failed(good.model_copy(update={"unlocks": 1}), store) == ["receipt_unlocks"]


def test_a_receipt_stands_only_on_receipts_about_what_is_stored_now(store: Store) -> None:
    below = receipt_of(SPEC, ITEMS, record("items", "2", files="1"))
    above = receipt_of(ReceiptSpec("next_v1", "status"), ITEMS, record("next", "3", items="2"))
    assert failed(above, store, "door_v1") == ["receipt_upstream"]
    write_receipt(store, below)
    assert read_receipt(store, "door_v1") == below
    assert failed(above, store, "door_v1") == []
    store.commit(record("items", "9", files="1"))
    assert failed(above, store, "door_v1") == ["receipt_inputs", "receipt_upstream"]


def test_an_unreadable_document_is_no_receipt(store: Store) -> None:
    path = store.root / "receipts" / "door_v1.json"
    path.parent.mkdir()
    path.write_text("{}")
    assert read_receipt(store, "door_v1") is None


def test_what_a_gate_that_is_gone_left_makes_no_table_stale(store: Store) -> None:
    """No build would write it anew, so its table would be built again and again."""
    current = receipt_of(SPEC, ITEMS, record("items", "2", files="1"))
    left = current.model_copy(update={"gate": "old_door_v1", "items_version": "1"})
    write_receipt(store, current)
    write_receipt(store, left)

    assert tables_behind_receipts(store, ["door_v1", "unheard_v1"]) == set()
    assert tables_behind_receipts(store, ["door_v1", "old_door_v1"]) == {"items"}
    store.commit(record("items", "3", files="1"))
    assert tables_behind_receipts(store, ["door_v1"]) == {"items"}


def test_the_sample_has_its_receipts(sample_home: Path) -> None:
    store = Store(UPath(sample_home))
    intake = read_receipt(store, "source_intake_v1")
    assert intake is not None
    sources = read_lock(AUTHORED / "sample" / "sources.lock.yaml").sources.values()
    files = [file for source in sources for file in source.files]
    present = [file for file in files if file.sha256]
    absent = len(files) - len(present) + len(set(BY_NAME) - {file.input for file in files})
    assert intake.counts == {"absent": absent, "present": len(present)}
    titles = read_receipt(store, "title_intake_v1")
    assert titles is not None
    assert titles.verdict is Verdict.PASS
    hub = read_receipt(store, "hf_ingest_v1")
    assert hub is not None
    assert hub.counts["files_present"] == 11
