"""What the crash tests stand on: a world with two variants, a built warehouse, and its invariants.

Belongs here: making variants of the sample's lock, running `aina` as a process, and what must be
true of a warehouse at every moment. Stays out: any particular way of breaking a build.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from filelock import FileLock
from upath import UPath

from aina_assets.location import INSTANCE_SETTINGS
from aina_assets.release.publish import current_release
from aina_assets.warehouse.digests import digest_of_table, sha256_of_file
from aina_assets.warehouse.files import TEMPORARY_PREFIX
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import home_set_to

AINA = Path(sysconfig.get_path("scripts")) / "aina"

SKILLS = "onet/db_sample_text/Technology Skills.txt"
ACTIVITIES = "onet/db_sample_text/DWA Reference.txt"

# A clock 400 days ahead for every library of a process, ours or native.
_CLOCK_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#define AHEAD (400L * 86400L)
int clock_gettime(clockid_t which, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(which, now);
  if (which == CLOCK_REALTIME) now->tv_sec += AHEAD;
  return result;
}
time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}
"""

# The command line with other numbers of threads than usual.
_OTHER_THREADS = """
import sys
import pyarrow
import aina_assets.location as location
from aina_assets.cli import app
pyarrow.set_cpu_count(1)
usual = location.connection_config
location.connection_config = lambda spill: usual(spill) | {"threads": 5}
app(args=sys.argv[1:], prog_name="aina")
"""

Edit = Callable[[str], str]


@dataclass(frozen=True)
class World:
    """Files of the sample in a folder of their own, with locks that name them.

    Attributes:
        root: the folder; the cache of every lock of this world.
        first: a lock that pins what the sample pins.
        second: the same, with other words for some software and activities.
    """

    root: Path
    first: Path
    second: Path

    @classmethod
    def at(cls, root: Path) -> World:
        """The world that ``make_world`` made at ``root``."""
        return cls(root, root / "sources.lock.yaml", root / "second.lock.yaml")


def make_world(root: Path) -> World:
    """A copy of the sample with two locks."""
    shutil.copytree(AUTHORED / "sample", root)
    world = World.at(root)
    second = variant(
        world.first,
        world.second.name.removesuffix(".lock.yaml"),
        {
            SKILLS: lambda text: text.replace("Presentation software", "Slide software"),
            ACTIVITIES: lambda text: text.replace("Question clients", "Ask clients"),
        },
    )
    assert second == world.second
    return world


def variant(lock: Path, name: str, edits: Mapping[str, Edit]) -> Path:
    """A lock beside ``lock`` in which the files of ``edits`` are edited, under new paths."""
    document = yaml.safe_load(lock.read_text(encoding="utf-8"))
    waiting = dict(edits)
    for source in document["sources"].values():
        for file in source["files"]:
            if edit := waiting.pop(file["path"], None):
                before = (lock.parent / file["path"]).read_text(encoding="utf-8")
                after = edit(before)
                assert after != before, file["path"]
                file["path"] = f"{name}/{file['path']}"
                repin(lock.parent, file, after)
    assert not waiting
    target = lock.parent / f"{name}.lock.yaml"
    target.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return target


def repin(root: Path, file: dict[str, Any], text: str) -> None:
    """Write ``text`` to the file of a lock entry and pin it."""
    path = root / file["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    content = text.encode()
    file |= {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def aina_command(*arguments: str) -> list[str]:
    """The command line as a person runs it."""
    return [str(AINA), *arguments]


def build_command(lock: Path, *arguments: str) -> list[str]:
    """`aina build` of a lock of a world, offline, with one JSON object as its answer."""
    return aina_command(
        "build", "--lock", str(lock), "--cache", str(lock.parent), "--offline", "--json", *arguments
    )


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment with ``AINA_HOME``."""
    return {**os.environ, "AINA_HOME": str(home), **more}


def run_build(
    home: Path, lock: Path, *arguments: str, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    """`aina build` to its end."""
    return subprocess.run(
        build_command(lock, *arguments),
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def build_elsewhere(
    home: Path, lock: Path, *, scratch: Path, has_other_clock: bool
) -> subprocess.CompletedProcess[str]:
    """`aina build` under another clock, time zone, hash seed, locale, folder and thread count."""
    more = {
        "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "4711",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
    if has_other_clock:
        source = scratch / "clock.c"
        library = scratch / "clock.so"
        source.write_text(_CLOCK_SHIM, encoding="utf-8")
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
        )
        more["LD_PRELOAD"] = str(library)
    command = build_command(lock)[1:]
    return subprocess.run(
        [sys.executable, "-c", _OTHER_THREADS, *command],
        env=environment(home, **more),
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@dataclass(frozen=True)
class Ground:
    """A world and a warehouse in which its first lock is built. Copy the warehouse to change it."""

    world: World
    home: Path

    def copy_home(self, target: Path) -> Path:
        """A warehouse of one's own, the first lock built."""
        return copied(self.home, target)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Ground:
    """A world with two locks, the first of them built, once for all workers.

    Built far from where the sample's own warehouse is: another folder, AINA_HOME, clock, time zone,
    hash seed, locale and thread count. That no data version depends on these is tested in
    ``test_rebuild_elsewhere``.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "ground"
    home, built = folder / "warehouse", folder / "built"
    with FileLock(folder.with_suffix(".lock")):
        if not built.exists():
            folder.mkdir()
            world = make_world(folder / "world")
            done = build_elsewhere(
                home, world.first, scratch=folder, has_other_clock=shutil.which("cc") is not None
            )
            assert done.returncode == 0, done.stdout + done.stderr
            built.touch()
    return Ground(World.at(folder / "world"), home)


def copied(home: Path, target: Path) -> Path:
    """A copy of the warehouse ``home``."""
    shutil.copytree(home, target, symlinks=True)
    return target


def versions(home: Path) -> dict[str, str]:
    """Data version of every asset on record."""
    return {record.asset: record.data_version for record in Store(UPath(home)).records()}


def release_id(home: Path) -> str | None:
    """Id of the release that readers open."""
    release = current_release(home)
    return release.release_id if release else None


def leftovers(home: Path) -> list[str]:
    """What a killed writer left half-written."""
    return sorted(str(path.relative_to(home)) for path in home.rglob(f"{TEMPORARY_PREFIX}*"))


def fingerprints(home: Path) -> dict[str, str]:
    """sha256 of every snapshot, record and released file, and where the link points."""
    found = {
        str(path.relative_to(home)): sha256_of_file(path)[0]
        for folder in ("snapshots", "state", "releases")
        for path in sorted((home / folder).rglob("*"))
        if path.is_file() and "current" not in path.parts
    }
    return found | {"releases/current": str((home / "releases" / "current").readlink())}


def assert_records_hold(home: Path) -> None:
    """Every record names a snapshot with the recorded bytes and content."""
    store = Store(UPath(home))
    for record in store.records():
        if record.snapshot is not None:
            assert sha256_of_file(home / record.snapshot)[0] == record.snapshot_sha256, record.asset
            assert digest_of_table(store.open_snapshot(record)) == record.data_version, record.asset


def read_release(home: Path) -> str:
    """Open the current release as a reader does and look at all of it; its id.

    Raises:
        AssertionError: a table of the manifest is missing or has other rows than it says.
    """
    path = home / "releases" / "current" / "aina.duckdb"
    with duckdb.connect(str(path), read_only=True) as con:
        manifest = con.sql("SELECT * FROM manifest").to_arrow_table()
        for row in manifest.to_pylist():
            counted = con.execute(f'SELECT count(*) FROM "{row["table_name"]}"').fetchone()
            assert counted is not None
            assert counted[0] == row["row_count"], row["table_name"]
    return digest_of_table(manifest)[:16]


def unfinished_runs(home: Path) -> list[str]:
    """Ids of Dagster runs that are neither over nor waiting in a queue."""
    states = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
    with dagster_instance(home) as instance:
        return [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=states))]


def events_behind(home: Path) -> list[str]:
    """Assets whose latest materialization in Dagster is not of the version on record."""
    with dagster_instance(home) as instance:
        return [
            asset
            for asset, version in versions(home).items()
            if version != _materialized(instance, dg.AssetKey(asset.split("/")))
        ]


def _materialized(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    entry = instance.get_latest_materialization_event(key)
    materialization = entry.asset_materialization if entry else None
    tags = (materialization.tags if materialization else None) or {}
    return tags.get("dagster/data_version")


@contextmanager
def dagster_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's bookkeeping of the warehouse ``home``."""
    with home_set_to(home):
        place = InstanceRef.from_dir(str(home / "dagster"), overrides=INSTANCE_SETTINGS)
        with dg.DagsterInstance.from_ref(place) as instance:
            yield instance


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object that a build printed."""
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document
