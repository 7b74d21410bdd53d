"""Two builds at once, from the command line or from Dagster's UI: one waits or refuses clearly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aina_assets.warehouse.build_lock import exclusive_writer
from aina_assets_tests.crash.dagster_server import Server, served, wait_until
from aina_assets_tests.crash.ground import (
    Ground,
    answer,
    assert_records_hold,
    build_command,
    environment,
    events_behind,
    fingerprints,
    leftovers,
    read_release,
    release_id,
    run_build,
    unfinished_runs,
    versions,
)


def started(home: Path, lock: Path, *arguments: str) -> subprocess.Popen[str]:
    """`aina build`, at work."""
    return subprocess.Popen(
        build_command(lock, *arguments),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def holder_of(home: Path) -> int | None:
    """The process that says it holds the warehouse."""
    try:
        who: int = json.loads((home / "build.lock.json").read_text(encoding="utf-8"))["pid"]
    except (OSError, ValueError):
        return None
    return who


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def assert_clear(message: str, pid: int, home: Path) -> None:
    """A refusal says who is at work, where, and what to do."""
    flat = " ".join(message.split())
    assert "WarehouseBusy" in flat
    assert f"process {pid} " in flat
    assert "expected no other build at work" in flat
    assert "found" in flat
    assert "--wait SECONDS" in flat
    assert str(home) in message.replace("\n", "")


def test_of_two_builds_one_refuses_or_waits(ground: Ground, tmp_path: Path) -> None:
    home = ground.copy_home(tmp_path / "home")
    lock = ground.world.second
    with started(home, lock) as first:
        wait_until(lambda: holder_of(home) == first.pid, 240, "the first build to hold the lock")
        with stopped(first.pid):
            refused = run_build(home, lock)
            waiting = started(home, lock, "--wait", "240")
        out, err = first.communicate(timeout=300)
    assert refused.returncode == 2
    assert_clear(refused.stderr, first.pid, home)
    assert refused.stdout == ""

    assert first.returncode == 0, err
    assert json.loads(out)["assets_run"] > 5
    with waiting:
        out, err = waiting.communicate(timeout=300)
    assert waiting.returncode == 0, err
    assert json.loads(out)["assets_run"] == 0

    assert_records_hold(home)
    assert release_id(home) == read_release(home)
    assert leftovers(home) == []
    assert unfinished_runs(home) == []


def test_a_lock_is_free_once_its_holder_is_gone(tmp_path: Path) -> None:
    for _ in range(2):
        with exclusive_writer(tmp_path):
            assert holder_of(tmp_path) == os.getpid()
            with exclusive_writer(tmp_path):
                pass
            assert holder_of(tmp_path) == os.getpid()
        assert holder_of(tmp_path) is None


@pytest.fixture(scope="module")
def home(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse that the server and the command line share."""
    return ground.copy_home(tmp_path_factory.mktemp("shared") / "home")


@pytest.fixture(scope="module")
def server(
    ground: Ground, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A web server on that warehouse and the first lock."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with served(home, ground.world, ground.world.first, log) as running:
        yield running


def test_what_the_command_line_built_is_in_the_ui(server: Server, home: Path) -> None:
    built = versions(home)
    runs = server.runs()
    for asset in ("upstream/onet_job_zones", "job_zones", "soc_map", "release"):
        version, run_id = server.data_version(asset)
        assert version == built[asset]
        assert runs[run_id]["status"] == "SUCCESS"
        assert runs[run_id]["aina/build"] == "cli"


def test_a_run_from_the_ui_waits_for_the_command_line(server: Server, home: Path) -> None:
    before = versions(home)
    with exclusive_writer(home):
        run_id = server.launch("job_zones")
        server.wait_for(run_id, "STARTED")
        time.sleep(1)
        assert server.status(run_id) == "STARTED"
    assert server.wait_for(run_id, "FAILURE", "SUCCESS") == "SUCCESS", server.messages(run_id)
    assert versions(home) == before
    assert server.data_version("job_zones") == (before["job_zones"], run_id)


def test_a_run_from_the_ui_gives_up_with_a_clear_message(server: Server, home: Path) -> None:
    before = fingerprints(home)
    with exclusive_writer(home):
        run_id = server.launch("job_zones")
        assert server.wait_for(run_id, "FAILURE", "SUCCESS") == "FAILURE"
    message = server.messages(run_id)
    assert "WarehouseBusy" in message
    assert f"{home}: expected no other build at work" in message
    assert f"found a build by process {os.getpid()} " in message
    assert "What to do: wait for it to end" in message
    assert fingerprints(home) == before


def test_the_command_line_refuses_or_waits_while_the_ui_builds(
    server: Server, ground: Ground, home: Path
) -> None:
    before = versions(home)
    run_id = server.launch("job_zones", "occupations", "work_activities", "task_ratings")
    wait_until(lambda: holder_of(home) is not None, 240, "the run to hold the lock")
    pid = holder_of(home)
    assert pid is not None
    with stopped(pid):
        refused = run_build(home, ground.world.first)
        waiting = started(home, ground.world.first, "--wait", "240")
    assert refused.returncode == 2
    assert_clear(refused.stderr, pid, home)
    with waiting:
        out, err = waiting.communicate(timeout=300)
    assert waiting.returncode == 0, err
    assert json.loads(out)["assets_run"] == 0
    assert server.wait_for(run_id, "FAILURE", "SUCCESS") == "SUCCESS", server.messages(run_id)

    assert versions(home) == before
    assert_records_hold(home)
    assert leftovers(home) == []
    assert events_behind(home) == []


def test_a_build_of_the_command_line_appears_in_the_running_ui(
    server: Server, ground: Ground, home: Path
) -> None:
    done = run_build(home, ground.world.second)
    assert done.returncode == 0, done.stderr
    assert answer(done)["assets_run"] > 5
    built = versions(home)
    runs = server.runs()
    for asset in ("technology_skills", "release"):
        version, run_id = server.data_version(asset)
        assert version == built[asset]
        assert runs[run_id]["status"] == "SUCCESS"
