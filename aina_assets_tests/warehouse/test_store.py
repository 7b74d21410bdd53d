"""The store: whole snapshots or none, one current record, and no reading of what was refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from aina_assets.contracts.errors import SnapshotCorrupt, SnapshotMissing, UpstreamRejected
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.store import Record, Store, finding_fields

FIRST = pa.table({"code": ["a", "b"], "count": pa.array([1, 2], pa.int64())})
SECOND = pa.table({"code": ["a", "b"], "count": pa.array([1, 3], pa.int64())})
BROKEN = Finding("key", False, 2, 2, "expected unique: (code); found 2 row(s)", ({"code": "a"},))
HELD = Finding("schema", True, 2, 0, "as declared")


def record_of(table: pa.Table, asset: str = "jobs") -> Record:
    return Record(
        asset=asset,
        data_version=digest_of_table(table),
        code_version="code",
        settings_version="settings",
        inputs={"upstream/files": "1"},
        findings=(finding_fields(HELD),),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(UPath(tmp_path / "home"))


def files_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_was_stored_is_read_back(store: Store) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)

    assert store.read("jobs").equals(FIRST)
    assert stored == store.record("jobs") == store.require("jobs")
    assert stored.row_count == 2
    assert stored.snapshot == f"snapshots/jobs/{digest_of_table(FIRST)}.parquet"
    assert stored.findings == (finding_fields(HELD),)


def test_nothing_is_stored_yet(store: Store) -> None:
    assert store.record("jobs") is None
    assert store.refusal("jobs") is None
    assert list(store.records()) == []
    with pytest.raises(SnapshotMissing, match="build it first") as caught:
        store.read("jobs")
    assert isinstance(caught.value, LookupError)


def test_a_new_version_leaves_the_old_snapshot_as_it_is(store: Store) -> None:
    first = store.commit_table(record_of(FIRST), FIRST)

    store.commit_table(record_of(SECOND), SECOND)

    assert store.read("jobs").equals(SECOND)
    assert store.open_snapshot(first).equals(FIRST)


def test_the_same_content_is_not_written_again(store: Store) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)
    path = Path(str(store.root / str(stored.snapshot)))
    before = path.stat()

    store.commit_table(dataclasses.replace(record_of(FIRST), code_version="other"), FIRST)

    assert path.stat() == before
    assert store.require("jobs").code_version == "other"


@pytest.mark.parametrize("damage", [b"", b"PAR1 not a parquet file PAR1"])
def test_a_damaged_snapshot_is_not_read_and_a_rebuild_mends_it(store: Store, damage: bytes) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)
    path = store.root / str(stored.snapshot)
    path.write_bytes(damage)

    with pytest.raises(SnapshotCorrupt, match="--full") as caught:
        store.read("jobs")

    assert str(stored.snapshot_sha256) in caught.value.expected
    assert str(path) in caught.value.where
    store.commit_table(record_of(FIRST), FIRST)
    assert store.read("jobs").equals(FIRST)


def test_one_flipped_bit_is_seen(store: Store) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)
    path = store.root / str(stored.snapshot)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(SnapshotCorrupt):
        store.read("jobs")


def test_a_snapshot_that_is_gone(store: Store) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)
    (store.root / str(stored.snapshot)).unlink()

    with pytest.raises(SnapshotCorrupt, match="no file"):
        store.read("jobs")


def test_a_record_that_is_no_json_says_so(store: Store) -> None:
    store.commit_table(record_of(FIRST), FIRST)
    store.record_path("jobs").write_text('{"asset": "jo')

    with pytest.raises(SnapshotCorrupt, match=r"state/jobs\.json") as caught:
        store.read("jobs")

    assert "build again" in caught.value.remedy


def test_a_refusal_leaves_record_and_snapshot_and_keeps_the_frame(store: Store) -> None:
    stored = store.commit_table(record_of(FIRST), FIRST)
    root = Path(str(store.root))
    before = {name: (root / name).read_bytes() for name in files_below(root)}

    refusal = store.refuse("jobs", (HELD, BROKEN), SECOND)

    assert {name: (root / name).read_bytes() for name in before} == before
    assert store.record("jobs") == stored
    assert [item["rule"] for item in refusal.findings] == ["key"], "only what failed"
    assert store.refusal("jobs") == refusal
    assert pq.read_table(root / str(refusal.quarantined)).equals(SECOND)
    document = json.loads((root / "refusals" / "jobs.json").read_text())
    assert document["findings"][0]["sample"] == [{"code": "a"}]


def test_nobody_reads_what_was_refused_until_it_passes(store: Store) -> None:
    store.commit_table(record_of(FIRST), FIRST)
    store.refuse("jobs", (BROKEN,), SECOND)

    for attempt in (store.read, store.require):
        with pytest.raises(UpstreamRejected, match="key: expected unique") as caught:
            attempt("jobs")
        assert caught.value.where == "jobs"
        assert "aina build" in caught.value.remedy

    store.commit_table(record_of(SECOND), SECOND)
    assert store.refusal("jobs") is None
    assert store.read("jobs").equals(SECOND)


def test_a_refusal_without_a_frame(store: Store) -> None:
    refusal = store.refuse("upstream/files", (BROKEN,))

    assert refusal.quarantined is None
    assert store.refusal("upstream/files") == refusal
    assert not (store.root / "quarantine").exists()


def test_records_come_in_key_order(store: Store) -> None:
    for asset in ("jobs", "upstream/b", "areas", "upstream/a"):
        store.commit(dataclasses.replace(record_of(FIRST), asset=asset))

    assert [record.asset for record in store.records()] == [
        "areas",
        "jobs",
        "upstream/a",
        "upstream/b",
    ]


def test_a_write_that_fails_leaves_what_was_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit_table(record_of(FIRST), FIRST)
    root = Path(str(store.root))
    before = {name: (root / name).read_bytes() for name in files_below(root)}

    def fail_half_way(table: pa.Table, stream: object, **_: object) -> None:
        stream.write(b"PAR1 half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail_half_way)
    with pytest.raises(OSError, match="No space left"):
        store.commit_table(record_of(SECOND), SECOND)

    assert {name: (root / name).read_bytes() for name in files_below(root)} == before
    assert store.read("jobs").equals(FIRST)


def test_a_record_comes_after_its_snapshot(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the two, the former version is still the current one."""

    def stop(_record: Record) -> None:
        raise KeyboardInterrupt

    store.commit_table(record_of(FIRST), FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            store.commit_table(record_of(SECOND), SECOND)

    assert store.read("jobs").equals(FIRST)
    store.commit_table(record_of(SECOND), SECOND)
    assert store.read("jobs").equals(SECOND)


def test_no_file_of_the_warehouse_depends_on_the_clock(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        store = Store(UPath(tmp_path / name))
        store.commit_table(record_of(FIRST), FIRST)
        store.refuse("areas", (BROKEN,), SECOND)
        root = tmp_path / name
        contents.append({file: (root / file).read_bytes() for file in files_below(root)})

    assert contents[0] == contents[1]


def test_a_warehouse_that_is_not_on_a_disk() -> None:
    """Snapshots, records and refusals work on any fsspec location."""
    store = Store(UPath("memory://test_store/home"))

    store.commit_table(record_of(FIRST), FIRST)
    store.commit_table(record_of(FIRST, "upstream/files"), FIRST)
    assert store.read("jobs").equals(FIRST)
    assert [record.asset for record in store.records()] == ["jobs", "upstream/files"]

    store.refuse("jobs", (BROKEN,), SECOND)
    with pytest.raises(UpstreamRejected):
        store.read("jobs")
    store.commit_table(record_of(SECOND), SECOND)
    assert store.read("jobs").equals(SECOND)
    assert store.record("nothing") is None
