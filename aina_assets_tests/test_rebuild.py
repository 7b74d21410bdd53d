"""Unchanged means no work; a change runs what depends on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from upath import UPath

from aina_assets.sources.lockfile import dump_lock, read_lock
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import assert_ran_what_changed, build_into, versions

SAMPLE = AUTHORED / "sample"


@pytest.fixture
def home(sample_home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(sample_home, copy, symlinks=True)
    return copy


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    return copy


def relock(sample: Path, relative: str) -> Path:
    """The sample's lock with the hash of the one file as it is now."""
    from aina_assets.sources.lock_changes import refresh_lock

    path = sample / "sources.lock.yaml"
    refreshed, _ = refresh_lock(read_lock(path), sample)
    path.write_text(dump_lock(refreshed), encoding="utf-8")
    assert any(relative == file.path for item in refreshed.sources.values() for file in item.files)
    return path


def test_the_second_build_runs_nothing(home: Path) -> None:
    again = build_into(home)
    assert again.run == {}
    assert again.is_good


def test_touching_a_file_without_changing_it_runs_nothing(home: Path, sample: Path) -> None:
    lock = sample / "sources.lock.yaml"
    build_into(home, lock=lock)
    for path in sample.rglob("*.txt"):
        os.utime(path, (1, 1))
    assert build_into(home, lock=lock).run == {}


def test_a_changed_file_runs_only_what_depends_on_it(home: Path, sample: Path) -> None:
    lock = sample / "sources.lock.yaml"
    assert all(name.startswith("upstream/") for name in build_into(home, lock=lock).run)
    relative = "onet/db_sample_text/Job Zones.txt"
    path = sample / relative
    lines = path.read_text(encoding="utf-8").splitlines()
    code, zone, *rest = lines[1].split("\t")
    lines[1] = "\t".join([code, str(int(zone) % 5 + 1), *rest])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = versions(home)
    rebuilt = build_into(home, lock=relock(sample, relative))
    assert_ran_what_changed(before, versions(home), rebuilt.run, "upstream/onet_job_zones")
    assert {"job_zones", "roles", "release"} <= set(rebuilt.run)
    assert {"title_model", "title_evidence", "soc_map"}.isdisjoint(rebuilt.run)
    after = versions(home)
    changed = {name for name in after if before[name] != after[name]}
    assert "job_zones" in changed
    assert "source_ledger" not in changed
    assert "hf_ingest_summary" not in changed


def test_a_change_that_alters_no_table_stops_there(home: Path, sample: Path) -> None:
    lock = sample / "sources.lock.yaml"
    build_into(home, lock=lock)
    relative = "bls/soc/soc2010_to_soc2018.csv"
    path = sample / relative
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    widened = [f"{header},remark", *(f"{line},new" for line in lines)]
    path.write_text("\n".join(widened) + "\n", encoding="utf-8")
    before = versions(home)
    rebuilt = build_into(home, lock=relock(sample, relative))
    assert "soc_crosswalks" in rebuilt.run
    assert "task_exposure" not in rebuilt.run
    assert "legacy_signals" not in rebuilt.run
    assert versions(home)["soc_crosswalks"] == before["soc_crosswalks"]


def test_a_table_that_lost_its_snapshot_is_built_again(home: Path) -> None:
    record = Store(UPath(home)).record("job_zones")
    assert record is not None
    (home / str(record.snapshot)).unlink()
    assert set(build_into(home).run) == {"job_zones"}
    assert build_into(home).run == {}


def test_the_sample_lock_is_as_the_sample_world_makes_it(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "aina_assets_tests.sample_world", str(tmp_path)], check=True
    )
    locked = yaml.safe_load((SAMPLE / "sources.lock.yaml").read_text(encoding="utf-8"))
    pinned = {
        file["path"]
        for source in locked["sources"].values()
        for file in source["files"]
        if "sha256" in file
    }
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    for path in sorted(made & pinned):
        assert (tmp_path / path).read_bytes() == (SAMPLE / path).read_bytes(), path
    by_hand = {path.partition("/")[0] for path in pinned - made}
    assert by_hand <= {"review", "authoring"}
    assert made & pinned
