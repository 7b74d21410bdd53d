"""A build killed at a random moment: readers see no error, and the next build completes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aina_assets_tests.conftest import build_into
from aina_assets_tests.crash.ground import (
    Ground,
    answer,
    assert_records_hold,
    build_command,
    copied,
    environment,
    events_behind,
    leftovers,
    read_release,
    release_id,
    run_build,
    unfinished_runs,
    versions,
)

SEED = int(os.environ.get("AINA_TEST_SEED", "20261122"))


@dataclass(frozen=True)
class Reference:
    """What an undisturbed build of a lock ends with, and the seconds its work took."""

    lock: Path
    versions: dict[str, str]
    release: str
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which ``references`` builds both locks, the first one last."""
    return ground.copy_home(tmp_path_factory.mktemp("undisturbed") / "home")


@pytest.fixture(scope="module")
def references(ground: Ground, undisturbed: Path) -> tuple[Reference, Reference]:
    """Both locks, built without disturbance."""
    home = undisturbed
    found = []
    for lock in (ground.world.second, ground.world.first):
        outcome = build_into(home, lock=lock, cache=lock.parent)
        assert outcome.is_good, outcome.failed
        found.append(Reference(lock, versions(home), str(release_id(home)), outcome.seconds))
    second, first = found
    assert first.versions == versions(ground.home)
    assert first.release != second.release
    return first, second


@contextmanager
def reading(home: Path, stop: Path) -> Iterator[subprocess.Popen[str]]:
    """A reader at work in a process of its own."""
    command = [sys.executable, "-m", "aina_assets_tests.crash.reader", str(home), str(stop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            stop.touch()


def killed(home: Path, lock: Path, delay: float, *arguments: str) -> bool:
    """Start a build, kill its process group ``delay`` seconds after it took the lock.

    Returns:
        Whether it was killed; False where it had come to its end before.
    """
    holder = home / "build.lock.json"
    holder.unlink(missing_ok=True)
    with subprocess.Popen(
        build_command(lock, *arguments),
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while not holder.exists() and process.poll() is None:
            time.sleep(0.01)
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def check_settled(home: Path, reference: Reference) -> None:
    """The warehouse is what an undisturbed build leaves."""
    assert versions(home) == reference.versions
    assert release_id(home) == reference.release == read_release(home)
    assert_records_hold(home)
    assert leftovers(home) == []
    assert unfinished_runs(home) == []


def kill_often(
    home: Path, references: tuple[Reference, Reference], kills: int, seed: int, stop: Path
) -> dict[str, int]:
    """Kill ``kills`` builds of one lock or the other; what was done, in numbers.

    In the suite a build completes after the third and the last kill, in a soak after every one.
    """
    chance = random.Random(seed)  # noqa: S311
    known = {reference.release for reference in references}
    count = {"killed": 0, "completed before the kill": 0, "recoveries": 0, "reads": 0}
    is_soak = kills > 5
    target = 1
    seconds = 0.9 * min(reference.seconds for reference in references)
    with reading(home, stop) as reader:
        while count["killed"] < kills:
            reference = references[target]
            is_full = is_soak and chance.random() < 0.2
            delay = chance.uniform(0, seconds * (4 if is_full else 1))
            was_killed = killed(home, reference.lock, delay, *(["--full"] if is_full else []))
            print(f"kill after {delay:.2f} s of work on lock {target}: {was_killed}")
            assert_records_hold(home)
            assert read_release(home) in known
            if not was_killed:
                count["completed before the kill"] += 1
                target = 1 - target
                continue
            count["killed"] += 1
            if not is_soak and count["killed"] not in (3, kills):
                continue
            recovered = references[chance.randrange(2)] if is_soak else reference
            done = run_build(home, recovered.lock)
            assert done.returncode == 0, done.stdout + done.stderr
            check_settled(home, recovered)
            print(f"behind in Dagster's log: {events_behind(home)}")
            count["recoveries"] += 1
            target = 1 - references.index(recovered)
        stop.touch()
        seen = json.loads(reader.communicate()[0])
    assert seen["errors"] == []
    assert seen["seen"].keys() <= known
    return count | {"reads": sum(seen["seen"].values())}


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.soak)])
@pytest.mark.timeout(5400)
def test_killed_builds_leave_whole_tables_and_the_next_build_completes(
    kills: int, ground: Ground, references: tuple[Reference, Reference], tmp_path: Path
) -> None:
    print(f"seed {SEED} (AINA_TEST_SEED)")
    home = ground.copy_home(tmp_path / "home")
    count = kill_often(home, references, kills, SEED, tmp_path / "stop")
    print(count)
    assert count["killed"] == kills
    assert count["reads"] > 0


def test_a_build_killed_in_an_empty_warehouse_publishes_nothing_partial(
    ground: Ground, references: tuple[Reference, Reference], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert killed(home, ground.world.first, references[0].seconds / 2)
    assert_records_hold(home)
    assert release_id(home) is None


def test_a_killed_swap_is_noticed_when_the_former_lock_comes_back(
    references: tuple[Reference, Reference], undisturbed: Path, tmp_path: Path
) -> None:
    """Killed between the swap and the record: the link shows the second release, no record does."""
    first, second = references
    home = copied(undisturbed, tmp_path / "home")
    link = home / "releases" / "current"
    link.unlink()
    link.symlink_to(second.release)

    done = run_build(home, first.lock)
    assert done.returncode == 0, done.stderr
    assert answer(done)["assets_run"] == 1
    check_settled(home, first)
