"""Full validation names what is missing, stale, failed, tampered with or from another build."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.release.tables import FullValidation
from aina_assets.release.validation import Declared, full_validation, problems_of
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import Finding, judge
from aina_assets.warehouse.receipts import ReceiptSpec, receipt_of, write_receipt
from aina_assets.warehouse.store import Record, Store, finding_fields

Settings = Mapping[str, Configured]

NOW = Configured("settings")
SPEC = ReceiptSpec("door_v1", counted="state", holds=("shut",))
ITEMS = pa.table({"state": ["open", "shut", "shut"]})
PASSED = finding_fields(Finding("schema", True, 3, 0, "so"))

DECLARED = (
    Declared("file", "code", (), ("intact",), False, None),
    Declared("items", "code", ("file",), ("schema",), True, SPEC),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(UPath(tmp_path))
    intact = finding_fields(Finding("intact", True, 0, 0, "so"))
    store.commit(Record("file", "1", "code", "settings", {}, findings=(intact,)))
    made = Record("items", digest_of_table(ITEMS), "code", "settings", {"file": "1"})
    stored = store.commit_table(replace(made, findings=(PASSED,)), ITEMS)
    write_receipt(store, receipt_of(SPEC, ITEMS, stored))
    return store


def looked(
    store: Store, *declared: Declared, hashes_all: bool = True, now: Settings = MappingProxyType({})
) -> pa.Table:
    """What validation finds where the settings of all but ``now`` are those on record."""
    items = declared or DECLARED
    settings = {item.asset: now.get(item.asset, NOW) for item in items}
    return full_validation(store, items, settings, hashes_all=hashes_all)


def found(
    store: Store, *declared: Declared, hashes_all: bool = True, now: Settings = MappingProxyType({})
) -> dict[str, str]:
    """Whatever is not passed, by kind and name."""
    frame = looked(store, *declared, hashes_all=hashes_all, now=now)
    assert len(problems_of(frame)) == frame.num_rows - frame["status"].to_pylist().count("passed")
    return {
        f"{row['kind']} {row['name']}": row["status"]
        for row in frame.to_pylist()
        if row["status"] != "passed"
    }


def changed(store: Store, asset: str, **fields: object) -> None:
    record = store.record(asset)
    assert record is not None
    store.commit(replace(record, **fields))  # type: ignore[arg-type]


def receipt_path(store: Store) -> UPath:
    return store.root / "receipts" / "door_v1.json"


def flip_a_byte(path: UPath) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def snapshot_of(store: Store) -> UPath:
    record = store.record("items")
    assert record is not None
    return store.root / str(record.snapshot)


def test_what_is_in_order_is_green_and_a_receipt_that_holds_is_valid(store: Store) -> None:
    frame = looked(store)

    assert frame.num_rows == 4
    assert problems_of(frame) == []
    assert json.loads(receipt_path(store).read_text())["verdict"] == "hold"


def refuse(store: Store) -> None:
    store.refuse("items", (Finding("schema", False, 3, 1, "expected this, found that"),))


def fail_otherwise(store: Store) -> None:
    store.refuse("items", (Finding("readable", False, 0, 0, "no such file"),))


def rewrite_receipt(**fields: object) -> Callable[[Store], None]:
    def rewrite(store: Store) -> None:
        path = receipt_path(store)
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return rewrite


OF_ITEMS = ("check schema", "receipt door_v1")

WRONG: dict[str, tuple[Callable[[Store], object], dict[str, str]]] = {
    "a rule failed": (refuse, {"check schema": "failed", "receipt door_v1": "stale"}),
    "it could not be made": (fail_otherwise, dict.fromkeys(OF_ITEMS, "stale")),
    "an input was made anew": (
        lambda store: changed(store, "file", data_version="2"),
        dict.fromkeys(OF_ITEMS, "stale"),
    ),
    "its code changed": (
        lambda store: changed(store, "items", code_version="other"),
        dict.fromkeys(OF_ITEMS, "other_build"),
    ),
    "it was never built": (
        lambda store: store.record_path("items").unlink(),
        dict.fromkeys((*OF_ITEMS, "snapshot items"), "missing"),
    ),
    "a check vanished": (
        lambda store: changed(store, "file", findings=()),
        {"check intact": "missing"},
    ),
    "a check on record failed": (
        lambda store: changed(store, "items", findings=(PASSED | {"passed": False},)),
        {"check schema": "failed"},
    ),
    "the record is no JSON": (
        lambda store: store.record_path("file").write_text("{"),
        {"check intact": "failed", **dict.fromkeys(OF_ITEMS, "stale")},
    ),
    "the table is gone": (
        lambda store: snapshot_of(store).unlink(),
        {"snapshot items": "missing", "receipt door_v1": "failed"},
    ),
    "the receipt is gone": (
        lambda store: receipt_path(store).unlink(),
        {"receipt door_v1": "missing"},
    ),
    "the receipt is no receipt": (
        lambda store: receipt_path(store).write_text("{}"),
        {"receipt door_v1": "failed"},
    ),
    "the receipt passes what holds": (
        rewrite_receipt(verdict="pass"),
        {"receipt door_v1": "failed"},
    ),
    "the receipt counts otherwise": (
        rewrite_receipt(counts={"open": 3}),
        {"receipt door_v1": "failed"},
    ),
    "the receipt unlocks": (rewrite_receipt(unlocks=1), {"receipt door_v1": "failed"}),
    "the receipt is about other items": (
        rewrite_receipt(items_version="0" * 64),
        {"receipt door_v1": "other_build"},
    ),
    "the receipt is of other inputs": (
        rewrite_receipt(inputs={"file": "0"}),
        {"receipt door_v1": "other_build"},
    ),
}


@pytest.mark.parametrize("hashes_all", [True, False])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named(store: Store, wrong: str, hashes_all: bool) -> None:
    do, expected = WRONG[wrong]
    do(store)

    assert found(store, hashes_all=hashes_all) == expected


@pytest.mark.parametrize("hashes_all", [True, False])
def test_a_changed_byte_of_a_table_is_named_with_both_digests(
    store: Store, hashes_all: bool
) -> None:
    record = store.record("items")
    assert record is not None
    flip_a_byte(snapshot_of(store))

    assert found(store, hashes_all=hashes_all)["snapshot items"] == "failed"
    (said,) = (
        problem
        for problem in problems_of(looked(store, hashes_all=hashes_all))
        if "sha256" in problem
    )
    assert str(record.snapshot_sha256) in said
    assert "aina build --full --select" in said


def test_a_changed_byte_with_its_old_time_is_found_when_all_is_hashed(store: Store) -> None:
    path = snapshot_of(store)
    times = path.stat()
    flip_a_byte(path)
    os.utime(str(path), ns=(times.st_atime_ns, times.st_mtime_ns))

    assert found(store)["snapshot items"] == "failed"


def test_a_file_that_was_touched_and_not_changed_is_in_order(store: Store) -> None:
    os.utime(str(snapshot_of(store)))

    assert found(store, hashes_all=False) == {}


def test_a_check_that_nobody_declares_any_more_is_not_asked_for(store: Store) -> None:
    file, items = DECLARED

    assert found(store, file, replace(items, rules=())) == {}
    assert found(store, file, replace(items, rules=("schema", "key"))) == {"check key": "missing"}


def test_an_input_that_was_not_declared_when_it_was_made_is_stale(store: Store) -> None:
    file, items = DECLARED
    another = replace(file, asset="another", rules=())
    store.commit(Record("another", "1", "code", "settings", {}))

    assert set(found(store, file, another, replace(items, inputs=("another", "file")))) == set(
        OF_ITEMS
    )


FILE_CHANGED = Configured("other", files={"data/a.yaml": "2", "data/b.yaml": "1"})
CONFIGURED: dict[str, tuple[dict[str, Configured], dict[str, str], str]] = {
    "a file that it was made of": (
        {"file": FILE_CHANGED},
        {"check intact": "stale"},
        "file: intact: stale: data/a.yaml changed since it was made",
    ),
    "a file more than it was made of": (
        {"file": replace(FILE_CHANGED, files={"data/a.yaml": "1", "data/b.yaml": "1", "c": "1"})},
        {"check intact": "stale"},
        "file: intact: stale: c changed since it was made",
    ),
    "a figure that it is held to": (
        {"items": Configured("other", "its figures in expectations/x.csv changed")},
        dict.fromkeys(OF_ITEMS, "stale"),
        "items: schema: stale: its figures in expectations/x.csv changed",
    ),
    "a ledger that was altered": (
        {"file": Configured("a word", fault="position 2 of x: expected this, found that")},
        {"check intact": "failed"},
        "file: intact: failed: position 2 of x: expected this, found that",
    ),
    "a ledger that has grown": ({"file": Configured("other", is_growing=True)}, {}, ""),
}


@pytest.mark.parametrize("case", CONFIGURED)
def test_what_it_would_be_made_from_now_is_another(store: Store, case: str) -> None:
    files = [{"path": f"data/{name}.yaml", "sha256": "1"} for name in ("a", "b")]
    changed(store, "file", details={"files": files})
    now, expected, said = CONFIGURED[case]

    assert found(store, now=now) == expected
    assert said in [*problems_of(looked(store, now=now)), ""]


def test_an_asset_without_checks_is_looked_at_too(store: Store) -> None:
    lock, items = replace(DECLARED[0], rules=()), DECLARED[1]

    assert found(store, lock, items) == {}
    assert found(store, lock, items, now={"file": FILE_CHANGED}) == {"asset file": "stale"}


def test_a_receipt_written_by_hand_that_unlocks_is_named(store: Store) -> None:
    said = json.loads(receipt_path(store).read_text()) | {"gate": "rogue_v1", "unlocks": 5}
    receipt_path(store).with_name("rogue_v1.json").write_text(json.dumps(said))

    assert found(store) == {"receipt rogue_v1": "failed"}


def test_findings_pass_their_own_gate(store: Store) -> None:
    refuse(store)
    flip_a_byte(snapshot_of(store))

    assert all(item.passed for item in judge(looked(store), FullValidation))
