"""A disk that is full or failing leaves the last good state, and says which asset was at work.

Errors of the kernel: ENOSPC on a small tmpfs (needs a mount, so a user namespace; skips without),
EFBIG under a limit on the size of files. Injected: EIO at every write point of the toy pipeline.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aina_assets.warehouse.files import write_atomically
from aina_assets_tests.conftest import build_into
from aina_assets_tests.crash.ground import (
    Ground,
    answer,
    build_command,
    environment,
    fingerprints,
    leftovers,
    release_id,
    run_build,
    unfinished_runs,
    versions,
)
from aina_assets_tests.crash.toy_drivers import ToyDrivers

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def second_versions(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Data versions after an undisturbed build of the second lock."""
    home = ground.copy_home(tmp_path_factory.mktemp("second") / "home")
    outcome = build_into(home, lock=ground.world.second, cache=ground.world.root)
    assert outcome.is_good, outcome.failed
    return versions(home)


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Files of ``before`` that are gone or other than they were."""
    return sorted(name for name, digest in before.items() if after.get(name) != digest)


def assert_kept(before: dict[str, str], after: dict[str, str]) -> None:
    """Every snapshot and the release are there, byte for byte; records only moved forward."""
    assert all(name.startswith("state/") for name in changed(before, after))


def can_mount(place: Path) -> bool:
    """Whether a tmpfs can be mounted in a user namespace."""
    if shutil.which("unshare") is None:
        return False
    trial = [*NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("free_kib", "at_work", "message"),
    [
        pytest.param(4_000, "", "disk", id="not-even-the-log-fits", marks=pytest.mark.soak),
        pytest.param(None, "release", "No space left on device", id="the-release-does-not-fit"),
    ],
)
def test_a_full_disk(
    free_kib: int | None,
    at_work: str,
    message: str,
    ground: Ground,
    second_versions: dict[str, str],
    tmp_path: Path,
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    if not can_mount(place):
        pytest.skip("a tmpfs cannot be mounted here: no user namespaces")
    if free_kib is None:
        database = ground.home / "releases" / "current" / "aina.duckdb"
        free_kib = 14_000 + database.stat().st_size // 1024 // 2
    done = subprocess.run(
        [
            *NAMESPACE,
            *[sys.executable, "-m", "aina_assets_tests.crash.small_disk"],
            *[str(ground.home), str(ground.world.second), str(place), str(free_kib)],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    status, out, err = report["full"]
    assert status != 0
    said = err if not out else json.loads(out)["failures"][at_work]
    assert message in said, out + err
    assert at_work or "(warehouse " in said
    assert all(name.startswith("state/") for name in report["changed"])

    assert report["roomy"][0] == 0, report["roomy"]
    assert report["versions"] == second_versions
    assert report["release"] == second_versions["release"]
    assert report["leftovers"] == []
    assert report["unfinished"] == []


def limited_build(home: Path, lock: Path, limit_bytes: int) -> subprocess.CompletedProcess[str]:
    """`aina build` that may write no file longer than ``limit_bytes``."""
    program = (
        "import os, resource, sys;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, {limit_bytes}));"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *build_command(lock)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_file_that_may_not_grow(
    ground: Ground, second_versions: dict[str, str], tmp_path: Path
) -> None:
    home = ground.copy_home(tmp_path / "home")
    before = fingerprints(home)
    log = max(path.stat().st_size for path in (home / "dagster").rglob("*.db"))
    database = (home / "releases" / "current" / "aina.duckdb").stat().st_size
    limit = (log + database) // 2
    assert log * 1.2 < limit < database * 0.9, "no limit stops the release and spares the log"

    done = limited_build(home, ground.world.second, limit)
    assert done.returncode == 1, done.stderr
    assert "File too large" in answer(done)["failures"]["release"]
    assert_kept(before, fingerprints(home))
    assert release_id(home) == before["releases/current"]

    done = limited_build(home, ground.world.second, 40_000)
    assert done.returncode == 2, done.stdout
    assert "(warehouse " in done.stderr
    assert "expected" in done.stderr
    assert "what to do" in done.stderr
    assert_kept(before, fingerprints(home))
    assert release_id(home) == before["releases/current"]

    done = run_build(home, ground.world.second)
    assert done.returncode == 0, done.stderr
    assert versions(home) == second_versions
    assert leftovers(home) == []
    assert unfinished_runs(home) == []


def test_a_snapshot_that_cannot_be_written_names_its_asset(
    ground: Ground,
    second_versions: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = ground.copy_home(tmp_path / "home")
    before = fingerprints(home)
    real = write_atomically

    def on_a_full_disk(path: Any, write: Any) -> None:
        if "snapshots/work_activities/" in str(path):
            raise OSError(28, "No space left on device", str(path))
        real(path, write)

    with monkeypatch.context() as patch:
        patch.setattr("aina_assets.warehouse.store.write_atomically", on_a_full_disk)
        outcome = build_into(home, lock=ground.world.second, cache=ground.world.root)
    assert set(outcome.failed) == {"work_activities"}
    assert "No space left on device" in outcome.failed["work_activities"]
    assert "release" in outcome.blocked
    assert "technology_skills" in outcome.run
    assert_kept(before, fingerprints(home))
    assert versions(home)["work_activities"] == versions(ground.home)["work_activities"]

    outcome = build_into(home, lock=ground.world.second, cache=ground.world.root)
    assert outcome.is_good
    assert versions(home) == second_versions


@pytest.mark.parametrize(
    "name",
    ["next", *(pytest.param(name, marks=pytest.mark.soak) for name in ("refused", "damaged"))],
)
def test_an_io_error_at_any_write_point(name: str, toys: ToyDrivers) -> None:
    points = toys.points(name)["disturbed"]
    jobs = [{"name": name, "at": at} for at in range(1, len(points) + 1)]
    answers = toys.ask_all("break_disk", jobs)
    silent = [
        (what, place)
        for (what, place), answer in zip(points, answers, strict=True)
        if "Input/output error" not in answer["message"]
    ]
    # Saying who holds the lock and removing old releases are courtesies: they stop no build.
    of_lock = [what for what, place in silent if place.endswith("/build.lock.json")]
    of_prune = [what for what, place in silent if not place.startswith("/") or what == "rmdir"]
    assert len(of_lock) + len(of_prune) == len(silent), silent
    assert set(of_prune) <= {"unlink", "rmdir"}
