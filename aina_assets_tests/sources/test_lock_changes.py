"""What changes between two locks, and refreshing a lock from files on disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from aina_assets.contracts.errors import LockError
from aina_assets.contracts.vocabulary import FileStatus
from aina_assets.sources.fetch import FileState, obtain
from aina_assets.sources.lock_changes import LockChange, diff_locks, refresh_lock
from aina_assets.sources.lockfile import SourcesLock, read_lock

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("AINA_TEST_MIRROR", ROOT.parent / "shared" / "upstream"))
ORIGIN = {"kind": "huggingface", "repository": "acme/world", "revision": "a" * 40}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source(*files: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "title": "World",
        "publisher": "Acme",
        "owner": "data",
        "release": "1",
        "source_class": "research",
        "licence": "MIT",
        "licence_url": None,
        "allowed_use": "open",
        "runtime_eligibility": "eligible",
        "origin": ORIGIN,
        "byte_cap": 1000,
        "files": files,
        **fields,
    }


def file(path: str, **fields: Any) -> dict[str, Any]:
    return {"input": "wages", "path": path, "byte_cap": 100, **fields}


def lock_of(name: str = "world", **sources: dict[str, Any]) -> SourcesLock:
    return SourcesLock.model_validate({"name": name, "sources": sources})


def test_equal_locks_differ_in_nothing() -> None:
    lock = lock_of(world=source(file("a.csv")))
    assert diff_locks(lock, lock) == []


def test_every_kind_of_change_in_a_stable_order() -> None:
    before = lock_of(
        world=source(file("b.csv", sha256="1" * 64), file("gone.csv", sha256="2" * 64)),
        old=source(file("old.csv"), title="Old"),
    )
    after = lock_of(
        "other",
        world=source(
            file("new.csv", sha256="3" * 64),
            file("b.csv", sha256="4" * 64, required=False),
            release="2",
            origin=ORIGIN | {"revision": "b" * 40},
        ),
        fresh=source(file("fresh.csv"), title="Fresh"),
    )
    assert diff_locks(before, after) == [
        LockChange("changed", None, None, "name", "world", "other"),
        LockChange("added", "fresh", None, None, None, "Fresh"),
        LockChange("added", "fresh", "fresh.csv", None, None, None),
        LockChange("removed", "old", None, None, "Old", None),
        LockChange("removed", "old", "old.csv", None, None, None),
        LockChange("changed", "world", None, "release", "1", "2"),
        LockChange("changed", "world", None, "origin.revision", "a" * 40, "b" * 40),
        LockChange("changed", "world", "b.csv", "sha256", "1" * 64, "4" * 64),
        LockChange("changed", "world", "b.csv", "required", True, False),
        LockChange("removed", "world", "gone.csv", None, "2" * 64, None),
        LockChange("added", "world", "new.csv", None, None, "3" * 64),
    ]


def test_another_kind_of_origin_shows_its_fields_come_and_go() -> None:
    before = lock_of(world=source())
    after = lock_of(world=source(origin={"kind": "url", "base_url": "https://example.org"}))
    assert [(change.kind, change.field) for change in diff_locks(before, after)] == [
        ("changed", "origin.kind"),
        ("removed", "origin.repository"),
        ("removed", "origin.revision"),
        ("added", "origin.base_url"),
    ]


def test_the_order_of_sources_and_files_does_not_matter() -> None:
    one, two = source(file("a.csv"), file("b.csv")), source(file("c.csv"))
    turned = source(file("b.csv"), file("a.csv"))
    assert diff_locks(lock_of(x=one, y=two), lock_of(y=two, x=turned)) == []


def test_refreshing_hashes_what_is_there_and_reports_the_rest(tmp_path: Path) -> None:
    for path, content in {
        "same.csv": b"same",
        "changed.csv": b"now",
        "first.csv": b"first",
        "elsewhere/moved.csv": b"moved",
        "big.csv": b"x" * 101,
        "stray.csv": b"stray",
        ".huggingface/blob": b"not ours",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    missing = file("missing.csv", sha256="5" * 64, size_bytes=5, required=False)
    template = lock_of(
        world=source(
            file("same.csv", sha256=digest(b"same"), size_bytes=4),
            file("changed.csv", sha256="1" * 64, size_bytes=9),
            file("first.csv"),
            file("data/moved.csv", sha256=digest(b"moved"), size_bytes=5),
            file("big.csv", sha256=digest(b"x" * 101), size_bytes=101),
            missing,
        )
    )
    refreshed, notes = refresh_lock(template, tmp_path)
    files = {entry.path: entry for entry in refreshed.sources["world"].files}
    assert files["same.csv"] == template.sources["world"].files[0]
    assert (files["changed.csv"].sha256, files["changed.csv"].size_bytes) == (digest(b"now"), 3)
    assert files["first.csv"].sha256 == digest(b"first")
    assert files["elsewhere/moved.csv"].at_origin == "data/moved.csv"
    assert files["missing.csv"] == template.sources["world"].files[5]
    assert notes == [
        "found: 5 of 6 files",
        "found under another path: elsewhere/moved.csv",
        "other bytes than were pinned: changed.csv",
        "over the byte cap: big.csv",
        "not found, entry kept: missing.csv",
        "unknown, no entry names it: stray.csv",
    ]
    assert refresh_lock(refreshed, tmp_path)[0] == refreshed


def test_a_lock_written_anew_holds_what_is_there_and_what_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "sources.lock.yaml").touch()
    template = lock_of(
        "upstream",
        world=source(file("data/a.csv"), file("b.csv", required=False), file("c.csv")),
        gone=source(file("d.csv")),
    )
    lock, notes = refresh_lock(template, tmp_path, name="mine")
    assert (lock.name, list(lock.sources)) == ("mine", ["world"])
    world = lock.sources["world"]
    assert (world.origin.kind, world.licence) == ("local", "MIT")
    assert "acme/world" in (world.note or "")
    assert [(entry.path, entry.sha256) for entry in world.files] == [
        ("a.csv", digest(b"a")),
        ("b.csv", None),
    ]
    states = obtain("world", world, cache=tmp_path, offline=True)
    assert [state.status for state in states.values() if isinstance(state, FileState)] == [
        FileStatus.PRESENT,
        FileStatus.ABSENT,
    ]
    assert notes == [
        "found: 1 of 4 files",
        "found under another path: a.csv",
        "not found, required, left out: c.csv, d.csv",
        "not found, entry kept: b.csv",
    ]


def test_a_long_list_of_files_is_cut_short(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.csv").touch()
    _, notes = refresh_lock(lock_of(), tmp_path)
    assert notes[1] == "unknown, no entry names it: 0.csv, 1.csv, 2.csv, 3.csv and 2 more"


def test_a_base_name_that_is_not_unique_is_not_guessed(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_bytes(b"a")
    template = lock_of(world=source(file("data/a.csv")))
    refreshed, notes = refresh_lock(template, tmp_path)
    assert refreshed == template
    assert notes[1:] == [
        "not found, entry kept: data/a.csv",
        "unknown, no entry names it: x/a.csv, y/a.csv",
    ]


def test_refreshing_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(LockError):
        refresh_lock(lock_of(), tmp_path / "nowhere")


def test_the_mirror_refreshes_to_its_own_lock() -> None:
    if not MIRROR.is_dir():
        pytest.skip(f"no mirror at {MIRROR}; set AINA_TEST_MIRROR to its folder")
    lock = read_lock(ROOT / "aina_assets_tests" / "upstream_mirror.lock.yaml")
    refreshed, notes = refresh_lock(lock, MIRROR)
    assert diff_locks(lock, refreshed) == []
    kinds = [note.partition(":")[0] for note in notes]
    assert kinds == ["found", "not found, entry kept", "unknown, no entry names it"]
