"""Fetching: what is downloaded is what was pinned, within its caps, or absent with a reason.

Every test talks to a server on this machine, through the real clients.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from aina_assets.contracts.errors import (
    SourceError,
    SourceFormatError,
    SourceHashMismatch,
    SourceOverCap,
    SourceUnavailable,
)
from aina_assets.contracts.vocabulary import (
    AbsenceReason,
    AllowedUse,
    FileStatus,
    RuntimeEligibility,
    SourceClass,
)
from aina_assets.sources import cache
from aina_assets.sources.fetch import FileState, obtain
from aina_assets.sources.lockfile import LockedFile, Source, read_lock
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets_tests.sources.fake_hub import FakeHub, Fault, running

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("AINA_TEST_MIRROR", ROOT.parent / "shared" / "upstream"))
REPOSITORY, REVISION = "acme/world", "a" * 40
WAGES = b"soc_code,wage\n" + b"".join(b"11-%04d,%d\n" % (n, n * 7) for n in range(20_000))
TASKS = b"task,pct\nwrite a plan,0.5\n"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that ``HF_ENDPOINT`` names, serving a small dataset."""
    with running() as server:
        server.serve_dataset(REPOSITORY, REVISION, {"data/wages.csv": WAGES, "tasks.csv": TASKS})
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture(autouse=True, scope="module")
def _no_connection_is_left_open() -> Iterator[None]:
    yield
    huggingface_hub.close_session()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between attempts, noted and not slept."""
    noted: list[float] = []
    monkeypatch.setattr(time, "sleep", noted.append)
    return noted


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def locked(path: str, content: bytes | None = None, **fields: Any) -> LockedFile:
    """A file of the lock, pinned to ``content`` if given."""
    pin = {} if content is None else {"sha256": digest(content), "size_bytes": len(content)}
    return LockedFile(**{"input": "wages", "path": path, "byte_cap": 1_000_000, **pin, **fields})


def source_of(origin: dict[str, Any], *files: LockedFile, byte_cap: int = 10_000_000) -> Source:
    return Source.model_validate(
        {
            "title": "World",
            "publisher": "Acme",
            "owner": "data",
            "release": "1",
            "source_class": SourceClass.RESEARCH,
            "licence": "MIT",
            "licence_url": None,
            "allowed_use": AllowedUse.OPEN,
            "runtime_eligibility": RuntimeEligibility.ELIGIBLE,
            "origin": origin,
            "byte_cap": byte_cap,
            "files": files,
        }
    )


HUB_ORIGIN = {"kind": "huggingface", "repository": REPOSITORY, "revision": REVISION}
hub_source = functools.partial(source_of, HUB_ORIGIN)
resolve = functools.partial(FakeHub.resolve_path, REPOSITORY, REVISION)


def state(results: dict[str, FileState | SourceError], path: str) -> FileState:
    found = results[path]
    assert isinstance(found, FileState), found
    return found


def error(results: dict[str, FileState | SourceError], path: str) -> SourceError:
    found = results[path]
    assert isinstance(found, SourceError), found
    assert found.expected
    assert found.found
    assert found.where
    assert found.remedy
    return found


def final_files(cache: Path) -> set[str]:
    """Files below ``cache`` that are not fetching's own, temporary names included."""
    private = (".aina-lock", ".aina-manifest.json")
    found = (path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    return {path for path in found if not path.startswith(private)}


def manifest(cache: Path) -> dict[str, dict[str, Any]]:
    files: dict[str, dict[str, Any]] = json.loads((cache / ".aina-manifest.json").read_text())
    return files


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Name to ``(mtime, size)`` of everything below ``root``."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in [root, *root.rglob("*")]
    }


# Hugging Face


def test_hub_files_arrive_byte_identical_from_the_pinned_commit(
    hub: FakeHub, tmp_path: Path
) -> None:
    source = hub_source(
        locked("economic/wages.csv", WAGES, remote_path="data/wages.csv"),
        locked("tasks.csv", TASKS, input="tasks"),
    )
    results = obtain("economic", source, cache=tmp_path)
    assert list(results) == ["economic/wages.csv", "tasks.csv"]
    wages = state(results, "economic/wages.csv")
    assert wages.status is FileStatus.PRESENT
    assert wages.fetched
    assert wages.is_pinned
    assert wages.local_path == tmp_path / "economic/wages.csv"
    assert wages.local_path.read_bytes() == WAGES
    assert (wages.sha256, wages.size_bytes) == (digest(WAGES), len(WAGES))
    assert (tmp_path / "tasks.csv").read_bytes() == TASKS
    assert final_files(tmp_path) == {"economic/wages.csv", "tasks.csv"}
    assert manifest(tmp_path)["economic/wages.csv"] == {
        "sha256": digest(WAGES),
        "size_bytes": len(WAGES),
        "origin": f"hf://datasets/{REPOSITORY}@{REVISION}/data/wages.csv",
    }
    assert all(seen.path in {resolve("data/wages.csv"), resolve("tasks.csv")} for seen in hub.seen)


def test_the_mirror_through_the_hub_protocol(hub: FakeHub, tmp_path: Path) -> None:
    if not MIRROR.is_dir():
        pytest.skip(f"no mirror at {MIRROR}; set AINA_TEST_MIRROR to its folder")
    lock = read_lock(ROOT / "aina_assets_tests" / "upstream_mirror.lock.yaml")
    source = lock.sources["economic_index"]
    assert source.origin.kind == "huggingface"
    served = {file.at_origin: MIRROR / file.path for file in source.files}
    hub.serve_dataset(source.origin.repository, source.origin.revision, served)
    results = obtain("economic_index", source, cache=tmp_path)
    assert len(results) == len(source.files) > 5
    for file in source.files:
        assert state(results, file.path).sha256 == sha256_of_file(MIRROR / file.path)[0]
        assert (tmp_path / file.path).read_bytes() == (MIRROR / file.path).read_bytes()


def test_the_second_run_asks_nothing_even_with_the_server_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hub_source(locked("data/wages.csv", WAGES), locked("tasks.csv"))
    with running() as hub:
        hub.serve_dataset(REPOSITORY, REVISION, {"data/wages.csv": WAGES, "tasks.csv": TASKS})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        first = obtain("economic", source, cache=tmp_path)
        hub.seen.clear()
        second = obtain("economic", source, cache=tmp_path)
        assert hub.seen == []
    before = tree(tmp_path)
    third = obtain("economic", source, cache=tmp_path)
    offline = obtain("economic", source, cache=tmp_path, offline=True)
    assert second == third == offline
    assert [state(first, path).fetched for path in first] == [True, True]
    assert [state(third, path).fetched for path in third] == [False, False]
    assert tree(tmp_path) == before


def test_offline_opens_no_connection_and_inputs_not_asked_for_are_left_out(
    hub: FakeHub, tmp_path: Path
) -> None:
    source = hub_source(
        locked("tasks.csv", TASKS),
        locked("data/wages.csv", WAGES, required=False),
        locked("other.csv", input="not_asked_for"),
    )
    results = obtain("economic", source, cache=tmp_path, offline=True, inputs={"wages"})
    assert list(results) == ["tasks.csv", "data/wages.csv"]
    assert isinstance(error(results, "tasks.csv"), SourceUnavailable)
    assert state(results, "data/wages.csv").reason is AbsenceReason.UNREACHABLE
    assert hub.seen == []
    assert list(tmp_path.iterdir()) == []


def test_wrong_bytes_after_a_download_are_an_error_and_leave_nothing(
    hub: FakeHub, tmp_path: Path
) -> None:
    wrong = TASKS.replace(b"0.5", b"0.6")
    hub.faults[resolve("tasks.csv")] = Fault(wrong_bytes=wrong)
    source = hub_source(locked("tasks.csv", TASKS, required=False), locked("data/wages.csv", WAGES))
    results = obtain("economic", source, cache=tmp_path)
    found = error(results, "tasks.csv")
    assert isinstance(found, SourceHashMismatch)
    assert digest(TASKS) in found.expected
    assert digest(wrong) in found.found
    assert "tasks.csv" in found.where
    assert final_files(tmp_path) == {"data/wages.csv"}
    del hub.faults[resolve("tasks.csv")]
    assert state(obtain("economic", source, cache=tmp_path), "tasks.csv").fetched


def test_another_commit_than_pinned_is_an_error_before_a_byte_is_fetched(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.faults[resolve("tasks.csv")] = Fault(commit="b" * 40)
    source = hub_source(locked("tasks.csv", TASKS, required=False))
    found = error(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert REVISION in found.expected
    assert "b" * 40 in found.found
    assert hub.methods() == ["HEAD"]


def test_a_file_over_its_cap_costs_one_head_and_no_get(hub: FakeHub, tmp_path: Path) -> None:
    source = hub_source(
        locked("data/wages.csv", byte_cap=len(WAGES) - 1, required=False),
        locked("tasks.csv", byte_cap=len(TASKS) - 1),
    )
    results = obtain("economic", source, cache=tmp_path)
    wages = state(results, "data/wages.csv")
    assert (wages.status, wages.reason) == (FileStatus.ABSENT, AbsenceReason.OVER_CAP)
    assert wages.local_path is None
    assert str(len(WAGES)) in wages.detail
    found = error(results, "tasks.csv")
    assert isinstance(found, SourceOverCap)
    assert f"at most {len(TASKS) - 1} bytes" in found.expected
    assert str(len(TASKS)) in found.found
    assert hub.methods(resolve("data/wages.csv")) == ["HEAD"]
    assert hub.methods(resolve("tasks.csv")) == ["HEAD"]
    assert final_files(tmp_path) == set()


def test_a_dataset_over_its_cap_is_not_fetched_at_all(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "on_disk.csv").write_bytes(TASKS)
    files = (
        locked("on_disk.csv", TASKS),
        locked("data/wages.csv", WAGES),
        locked("tasks.csv", TASKS, required=False),
    )
    total = 2 * len(TASKS) + len(WAGES)
    results = obtain("economic", hub_source(*files, byte_cap=total - 1), cache=tmp_path)
    assert state(results, "on_disk.csv").status is FileStatus.PRESENT
    found = error(results, "data/wages.csv")
    assert isinstance(found, SourceOverCap)
    assert str(total) in found.found
    assert state(results, "tasks.csv").reason is AbsenceReason.OVER_CAP
    assert set(hub.methods()) == {"HEAD"}

    results = obtain("economic", hub_source(*files, byte_cap=total), cache=tmp_path)
    assert [state(results, path).status for path in results] == [FileStatus.PRESENT] * 3


@pytest.mark.parametrize("code", ["EntryNotFound", "RevisionNotFound", None])
def test_not_found(hub: FakeHub, tmp_path: Path, code: str | None) -> None:
    fault = Fault(status=404, error_code=code)
    hub.faults = {resolve("tasks.csv"): fault, resolve("data/wages.csv"): fault}
    source = hub_source(locked("tasks.csv", TASKS), locked("data/wages.csv", WAGES, required=False))
    results = obtain("economic", source, cache=tmp_path)
    assert isinstance(error(results, "tasks.csv"), SourceUnavailable)
    assert isinstance(error(results, "tasks.csv"), FileNotFoundError)
    absent = state(results, "data/wages.csv")
    assert absent.reason is AbsenceReason.NOT_FOUND
    assert "404" in absent.detail
    assert hub.methods(resolve("tasks.csv")) == ["HEAD"]


def test_busy_answers_are_retried_after_the_time_asked_for(
    hub: FakeHub, tmp_path: Path, waits: list[float]
) -> None:
    hub.faults[resolve("tasks.csv")] = Fault(busy=2, retry_after="7")
    results = obtain("economic", hub_source(locked("tasks.csv", TASKS)), cache=tmp_path)
    assert state(results, "tasks.csv").fetched
    assert waits == [7.0, 7.0]


@pytest.mark.parametrize("fault", [Fault(busy=99), Fault(status=503)])
def test_attempts_and_waits_are_bounded(
    hub: FakeHub, tmp_path: Path, waits: list[float], fault: Fault
) -> None:
    hub.faults[resolve("tasks.csv")] = fault
    fault.retry_after = "3600"
    source = hub_source(locked("tasks.csv", TASKS, required=False))
    absent = state(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert absent.reason is AbsenceReason.UNREACHABLE
    assert len(hub.seen) == 4
    assert len(waits) == 3
    assert max(waits) <= 30


def test_a_hub_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    source = hub_source(locked("tasks.csv", TASKS), locked("data/wages.csv", required=False))
    results = obtain("economic", source, cache=tmp_path)
    assert isinstance(error(results, "tasks.csv"), SourceUnavailable)
    assert state(results, "data/wages.csv").reason is AbsenceReason.UNREACHABLE
    assert waits == [1.0, 2.0, 4.0], "silent for the first file, so not asked for the second"


@pytest.mark.parametrize("cuts", [1, 3])
def test_a_hub_download_cut_half_way_is_resumed(hub: FakeHub, tmp_path: Path, cuts: int) -> None:
    hub.faults[resolve("data/wages.csv")] = Fault(cuts=cuts)
    results = obtain("economic", hub_source(locked("data/wages.csv", WAGES)), cache=tmp_path)
    assert (tmp_path / "data/wages.csv").read_bytes() == WAGES
    assert state(results, "data/wages.csv").fetched
    first, *resumed = hub.ranges(resolve("data/wages.csv"))
    assert first is None
    assert len(resumed) == cuts
    assert all(asked and asked != "bytes=0-" for asked in resumed)


# Plain HTTP: a URL, and a repository's raw files


def url_source(hub: FakeHub, *files: LockedFile, byte_cap: int = 10_000_000) -> Source:
    return source_of({"kind": "url", "base_url": f"{hub.url}/dl"}, *files, byte_cap=byte_cap)


@pytest.fixture
def served(hub: FakeHub) -> FakeHub:
    hub.serve("/dl/wages.csv", WAGES)
    hub.serve("/dl/tasks v1.csv?fmt=csv", TASKS)
    return hub


def test_url_files(served: FakeHub, tmp_path: Path) -> None:
    source = url_source(
        served,
        locked("wages.csv", WAGES),
        locked("soc/tasks.csv", TASKS, remote_path="tasks v1.csv?fmt=csv"),
    )
    results = obtain("soc", source, cache=tmp_path)
    assert [state(results, path).fetched for path in results] == [True, True]
    assert (tmp_path / "wages.csv").read_bytes() == WAGES
    assert (tmp_path / "soc/tasks.csv").read_bytes() == TASKS
    served.seen.clear()
    assert not state(obtain("soc", source, cache=tmp_path), "wages.csv").fetched
    assert served.seen == []


def test_github_files_at_a_commit(hub: FakeHub, tmp_path: Path) -> None:
    hub.serve(f"/acme/code/{REVISION}/data/wages.csv", WAGES)
    origin = {
        "kind": "github",
        "repository": "acme/code",
        "revision": REVISION,
        "base_url": hub.url,
    }
    file = locked("github/wages.csv", WAGES, remote_path="data/wages.csv")
    results = obtain("code", source_of(origin, file), cache=tmp_path)
    assert state(results, "github/wages.csv").sha256 == digest(WAGES)
    assert set(hub.methods(f"/acme/code/{REVISION}/data/wages.csv")) == {"HEAD", "GET"}


@pytest.mark.parametrize("no_ranges", [False, True])
def test_a_plain_download_cut_half_way_is_resumed(
    served: FakeHub, tmp_path: Path, no_ranges: bool
) -> None:
    served.faults["/dl/wages.csv"] = Fault(cuts=1, no_ranges=no_ranges)
    obtain("soc", url_source(served, locked("wages.csv", WAGES)), cache=tmp_path)
    assert (tmp_path / "wages.csv").read_bytes() == WAGES
    first, second = served.ranges("/dl/wages.csv")
    assert first is None
    assert second == f"bytes={len(WAGES) // 2}-"


def test_a_file_that_changed_between_two_attempts_is_fetched_anew(
    served: FakeHub, tmp_path: Path
) -> None:
    later = WAGES.replace(b"11-", b"12-")
    served.faults["/dl/wages.csv"] = Fault(cuts=1, next_bytes=later)
    results = obtain("soc", url_source(served, locked("wages.csv")), cache=tmp_path)
    assert state(results, "wages.csv").sha256 == digest(later)


def test_plain_faults(served: FakeHub, tmp_path: Path, waits: list[float]) -> None:
    served.serve("/dl/forbidden.csv", TASKS)
    served.faults = {
        "/dl/wages.csv": Fault(busy=2, retry_after="7"),
        "/dl/forbidden.csv": Fault(status=403),
    }
    source = url_source(
        served,
        locked("wages.csv", WAGES),
        locked("gone.csv", required=False),
        locked("forbidden.csv", required=False),
    )
    results = obtain("soc", source, cache=tmp_path)
    assert state(results, "wages.csv").fetched
    assert state(results, "gone.csv").reason is AbsenceReason.NOT_FOUND
    assert state(results, "forbidden.csv").reason is AbsenceReason.UNREACHABLE
    assert "403" in state(results, "forbidden.csv").detail
    assert waits == [7.0, 7.0]


def test_an_unannounced_size_counts_as_the_cap_and_stops_at_it(
    served: FakeHub, tmp_path: Path
) -> None:
    served.faults["/dl/wages.csv"] = Fault(no_length=True)
    small = locked("wages.csv", byte_cap=len(WAGES) - 1)
    found = error(obtain("soc", url_source(served, small), cache=tmp_path), "wages.csv")
    assert isinstance(found, SourceOverCap)
    assert final_files(tmp_path) == set()
    served.seen.clear()
    enough = locked("wages.csv", byte_cap=len(WAGES))
    tight = url_source(served, enough, byte_cap=len(WAGES) - 1)
    assert isinstance(error(obtain("soc", tight, cache=tmp_path), "wages.csv"), SourceOverCap)
    assert served.methods() == ["HEAD"]
    assert state(obtain("soc", url_source(served, enough), cache=tmp_path), "wages.csv").fetched


def test_gzip_is_stored_unpacked_and_pinned_as_stored(hub: FakeHub, tmp_path: Path) -> None:
    hub.serve("/dl/wages.csv.gz", gzip.compress(WAGES))
    file = locked("wages.csv", WAGES, remote_path="wages.csv.gz", compression="gzip")
    assert state(
        obtain("soc", url_source(hub, file), cache=tmp_path), "wages.csv"
    ).sha256 == digest(WAGES)
    assert (tmp_path / "wages.csv").read_bytes() == WAGES


@pytest.mark.parametrize(
    ("packed", "cap", "expected"),
    [
        (gzip.compress(bytes(5_000_000)), 100_000, SourceOverCap),
        (gzip.compress(WAGES)[:-20], 1_000_000, SourceFormatError),
        (b"no gzip at all", 1_000_000, SourceFormatError),
    ],
)
def test_gzip_that_swells_or_is_broken(
    hub: FakeHub, tmp_path: Path, packed: bytes, cap: int, expected: type
) -> None:
    hub.serve("/dl/x.gz", packed)
    file = locked("x.csv", remote_path="x.gz", compression="gzip", byte_cap=cap)
    assert isinstance(
        error(obtain("soc", url_source(hub, file), cache=tmp_path), "x.csv"), expected
    )
    assert final_files(tmp_path) == set()


# Archives


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def archive_source(
    hub: FakeHub, *files: LockedFile, sha256: str | None = None, byte_cap: int = 1_000_000
) -> Source:
    origin = {
        "kind": "archive",
        "url": f"{hub.url}/db.zip",
        "sha256": sha256,
        "byte_cap": byte_cap,
    }
    return source_of(origin, *files)


def test_members_of_an_archive_fetched_once(hub: FakeHub, tmp_path: Path) -> None:
    packed = zipped({"db/Wages Data.txt": WAGES, "db/Tasks.txt": TASKS, "../../evil.txt": b"x"})
    hub.serve("/db.zip", packed)
    source = archive_source(
        hub,
        locked("onet/wages.txt", WAGES, remote_path="db/Wages Data.txt"),
        locked("onet/tasks.txt", remote_path="db/Tasks.txt"),
        locked("onet/ratings.txt", remote_path="db/Ratings.txt", required=False),
        sha256=digest(packed),
    )
    results = obtain("onet", source, cache=tmp_path / "cache")
    assert (tmp_path / "cache/onet/wages.txt").read_bytes() == WAGES
    assert (tmp_path / "cache/onet/tasks.txt").read_bytes() == TASKS
    assert state(results, "onet/ratings.txt").reason is AbsenceReason.NOT_FOUND
    assert hub.methods("/db.zip") == ["HEAD", "GET"]
    assert final_files(tmp_path / "cache") == {
        ".archives/db.zip",
        "onet/wages.txt",
        "onet/tasks.txt",
    }
    assert not list(tmp_path.rglob("evil.txt"))
    assert set(manifest(tmp_path / "cache")) == {
        ".archives/db.zip",
        "onet/wages.txt",
        "onet/tasks.txt",
    }

    (tmp_path / "cache/onet/tasks.txt").unlink()
    again = obtain("onet", source, cache=tmp_path / "cache", offline=True)
    assert state(again, "onet/tasks.txt").fetched
    assert len(hub.seen) == 2


def test_caps_hold_for_the_archive_its_members_and_their_sum(hub: FakeHub, tmp_path: Path) -> None:
    hub.serve("/db.zip", zipped({"big.txt": bytes(500_000), "tasks.txt": TASKS}))
    files = (locked("big.txt", byte_cap=1000), locked("tasks.txt", TASKS, required=False))
    results = obtain("onet", archive_source(hub, *files, byte_cap=10), cache=tmp_path)
    assert {state(results, "tasks.txt").reason} == {AbsenceReason.OVER_CAP}
    assert hub.methods() == ["HEAD"]

    source = archive_source(hub, *files)
    tight = source.model_copy(update={"byte_cap": len(TASKS) - 1})
    absent = state(obtain("onet", tight, cache=tmp_path), "tasks.txt")
    assert absent.reason is AbsenceReason.OVER_CAP
    results = obtain("onet", source, cache=tmp_path)
    assert isinstance(error(results, "big.txt"), SourceOverCap)
    assert state(results, "tasks.txt").fetched
    assert not (tmp_path / "big.txt").exists()


def test_what_is_no_archive_or_not_the_pinned_one_is_an_error_and_is_not_kept(
    hub: FakeHub, tmp_path: Path
) -> None:
    packed = zipped({"wages.txt": WAGES})
    hub.serve("/db.zip", packed[: len(packed) // 2])
    source = archive_source(hub, locked("wages.txt", required=False))
    found = error(obtain("onet", source, cache=tmp_path), "wages.txt")
    assert isinstance(found, SourceFormatError)
    hub.serve("/db.zip", packed)
    source = archive_source(hub, locked("wages.txt", required=False), sha256="0" * 64)
    found = error(obtain("onet", source, cache=tmp_path), "wages.txt")
    assert isinstance(found, SourceHashMismatch)
    assert digest(packed) in found.found
    assert final_files(tmp_path) == set()


def test_a_damaged_member_is_an_error_and_the_others_go_on(hub: FakeHub, tmp_path: Path) -> None:
    packed = bytearray(zipped({"wages.txt": WAGES, "tasks.txt": TASKS}))
    packed[200:260] = bytes(60)
    hub.serve("/db.zip", bytes(packed))
    source = archive_source(hub, locked("wages.txt"), locked("tasks.txt", TASKS))
    results = obtain("onet", source, cache=tmp_path)
    assert isinstance(error(results, "wages.txt"), SourceFormatError)
    assert state(results, "tasks.txt").fetched
    assert not (tmp_path / "wages.txt").exists()


# The cache


def test_a_file_on_disk_with_other_bytes_is_an_error_and_left_alone(
    hub: FakeHub, tmp_path: Path
) -> None:
    edited = TASKS.replace(b"0.5", b"0.6")
    (tmp_path / "tasks.csv").write_bytes(edited)
    source = hub_source(locked("tasks.csv", TASKS, required=False))
    found = error(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert isinstance(found, SourceHashMismatch)
    assert digest(TASKS) in found.expected
    assert digest(edited) in found.found
    assert str(tmp_path / "tasks.csv") in found.where
    assert (tmp_path / "tasks.csv").read_bytes() == edited
    assert hub.seen == []


def test_a_file_on_disk_over_its_cap_is_not_even_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed(path: Path) -> tuple[str, int]:
        raise AssertionError(f"hashed {path}")

    monkeypatch.setattr(cache, "sha256_of_file", hashed)
    (tmp_path / "tasks.csv").write_bytes(TASKS)
    (tmp_path / "wages.csv").write_bytes(WAGES)
    local = {"kind": "local"}
    source = source_of(
        local,
        locked("tasks.csv", byte_cap=3),
        locked("wages.csv", WAGES, byte_cap=3, required=False),
    )
    results = obtain("bls", source, cache=tmp_path)
    assert isinstance(error(results, "tasks.csv"), SourceOverCap)
    assert state(results, "wages.csv").reason is AbsenceReason.OVER_CAP
    whole = source_of(local, locked("tasks.csv"), locked("wages.csv"), byte_cap=len(WAGES))
    assert isinstance(error(obtain("bls", whole, cache=tmp_path), "wages.csv"), SourceOverCap)


def test_a_local_file_that_is_not_there(tmp_path: Path) -> None:
    source = source_of({"kind": "local"}, locked("a.csv"), locked("b.csv", required=False))
    results = obtain("bls", source, cache=tmp_path)
    assert isinstance(error(results, "a.csv"), SourceUnavailable)
    absent = state(results, "b.csv")
    assert (absent.reason, absent.sha256) == (AbsenceReason.NOT_ON_DISK, None)
    assert absent.detail
    assert list(tmp_path.iterdir()) == []


def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    source = source_of({"kind": "local"}, locked("a.csv", required=False))
    assert isinstance(error(obtain("bls", source, cache=tmp_path), "a.csv"), SourceUnavailable)


def test_trust_on_first_use_is_recorded_and_held_to(hub: FakeHub, tmp_path: Path) -> None:
    source = hub_source(locked("tasks.csv"))
    first = state(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert (first.is_pinned, first.sha256) == (False, digest(TASKS))
    assert manifest(tmp_path)["tasks.csv"]["sha256"] == digest(TASKS)
    assert not state(obtain("economic", source, cache=tmp_path), "tasks.csv").fetched

    (tmp_path / "tasks.csv").write_bytes(WAGES)
    found = error(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert isinstance(found, SourceHashMismatch)
    assert digest(TASKS) in found.expected
    assert digest(WAGES) in found.found

    (tmp_path / "tasks.csv").unlink()
    hub.faults[resolve("tasks.csv")] = Fault(wrong_bytes=WAGES)
    found = error(obtain("economic", source, cache=tmp_path), "tasks.csv")
    assert isinstance(found, SourceHashMismatch)


def test_a_broken_manifest_stops_only_what_needs_it(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / ".aina-manifest.json").write_text("{")
    (tmp_path / "tasks.csv").write_bytes(TASKS)
    (tmp_path / "free.csv").write_bytes(TASKS)
    source = hub_source(locked("tasks.csv", TASKS), locked("free.csv"))
    results = obtain("economic", source, cache=tmp_path)
    assert state(results, "tasks.csv").status is FileStatus.PRESENT
    assert isinstance(error(results, "free.csv"), SourceFormatError)


def test_nothing_is_written_when_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "tasks.csv").write_bytes(TASKS)
    source = hub_source(locked("tasks.csv", TASKS))
    before = tree(tmp_path)
    tmp_path.chmod(0o555)
    try:
        assert state(obtain("economic", source, cache=tmp_path), "tasks.csv").sha256
    finally:
        tmp_path.chmod(0o755)
    assert tree(tmp_path) == before


def test_a_cache_that_cannot_be_written(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    source = hub_source(locked("tasks.csv", TASKS), locked("data/wages.csv", required=False))
    results = obtain("economic", source, cache=tmp_path)
    assert isinstance(error(results, "tasks.csv"), SourceUnavailable)
    assert "cannot be written" in state(results, "data/wages.csv").detail
    assert hub.seen == []


def test_a_full_disk_is_an_error_also_for_what_is_not_required(
    served: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    source = url_source(served, locked("wages.csv", WAGES, required=False))
    found = error(obtain("soc", source, cache=tmp_path), "wages.csv")
    assert "No space left" in found.found
    assert final_files(tmp_path) == set()


def test_what_a_killed_fetch_leaves_is_neither_used_nor_kept(
    served: FakeHub, tmp_path: Path
) -> None:
    (tmp_path / ".writing-1-wages.csv").write_bytes(WAGES[:100])
    results = obtain("soc", url_source(served, locked("wages.csv", WAGES)), cache=tmp_path)
    assert state(results, "wages.csv").fetched
    assert final_files(tmp_path) == {"wages.csv"}


def test_two_processes_fetch_once(served: FakeHub, tmp_path: Path) -> None:
    source = url_source(served, locked("wages.csv", WAGES))
    script = (
        "import sys, pathlib; from aina_assets.sources.fetch import obtain;"
        "from aina_assets.sources.lockfile import Source;"
        "found = obtain('soc', Source.model_validate_json(sys.argv[1]),"
        " cache=pathlib.Path(sys.argv[2]));"
        "print(found['wages.csv'].fetched)"
    )
    command = [sys.executable, "-c", script, source.model_dump_json(), str(tmp_path)]
    running_now = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=300)[0].strip() for process in running_now)
    assert said == ["False", "True"]
    assert served.methods("/dl/wages.csv") == ["HEAD", "GET"]


def test_reading_what_is_there_loads_no_client(tmp_path: Path) -> None:
    (tmp_path / "tasks.csv").write_bytes(TASKS)
    script = (
        "import sys, pathlib; from aina_assets.sources.fetch import obtain;"
        "from aina_assets.sources.lockfile import Source;"
        "obtain('x', Source.model_validate_json(sys.argv[1]), cache=pathlib.Path(sys.argv[2]));"
        "print([name for name in ('httpx2', 'huggingface_hub') if name in sys.modules])"
    )
    source = hub_source(locked("tasks.csv", TASKS)).model_dump_json()
    command = [sys.executable, "-c", script, source, str(tmp_path)]
    assert subprocess.check_output(command, text=True, cwd=ROOT).strip() == "[]"
