"""The same data on another day, in another place, by another way: the same versions and release.

``ground`` is built by a process with another clock, time zone, hash seed, locale, working folder,
``AINA_HOME``, folder of sources, and number of DuckDB and Arrow threads than ``sample_home``.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from upath import UPath

from aina_assets.location import Location, resources
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import build_into, home_set_to
from aina_assets_tests.crash.ground import (
    Ground,
    answer,
    dagster_instance,
    fingerprints,
    ground,
    release_id,
    run_build,
    versions,
)

__all__ = ["ground"]


def differing(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """Names that the two do not have in common with the same digest."""
    names = first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))


def below(asset: str) -> set[str]:
    """Assets downstream of ``asset``."""
    nodes = Location(resources()).nodes()
    found = {asset}
    while more := {name for name, node in nodes.items() if found.intersection(node.deps)} - found:
        found |= more
    return found - {asset}


def test_no_version_depends_on_the_day_or_the_place(ground: Ground, sample_home: Path) -> None:
    assert differing(versions(sample_home), versions(ground.home)) == []
    assert release_id(sample_home) == release_id(ground.home)


def test_no_recorded_field_depends_on_the_day_or_the_place(
    ground: Ground, sample_home: Path
) -> None:
    """But that a record of a file, or of the release, says where that lies."""
    there = {record.asset: record for record in Store(UPath(ground.home)).records()}
    for record in Store(UPath(sample_home)).records():
        twin = there[record.asset]
        if record.asset.startswith("upstream/"):
            record = replace(record, settings_version=twin.settings_version, details=twin.details)
        elif record.asset == "release":
            record = replace(record, details=twin.details)
        assert twin == record


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to make another clock with")
def test_elsewhere_it_was_another_day(ground: Ground) -> None:
    with dagster_instance(ground.home) as instance:
        first = instance.get_run_records(limit=1, ascending=True)[0]
    assert first.start_time is not None
    assert first.start_time > time.time() + 300 * 86400


def test_what_the_plan_compares_is_the_same_in_every_process(ground: Ground) -> None:
    lock = ground.world.first
    with home_set_to(ground.home):
        location = Location(resources(lock_path=str(lock), cache_path=str(lock.parent)))
        for name, node in location.nodes().items():
            record = location.warehouse.store.record(name)
            assert record is not None
            stored = (record.code_version, record.settings_version)
            assert stored == (node.code_version, node.settings_version), name


def test_a_second_build_writes_nothing(ground: Ground, tmp_path: Path) -> None:
    home = ground.copy_home(tmp_path / "home")
    before = fingerprints(home)
    done = run_build(home, ground.world.first)
    assert done.returncode == 0, done.stderr
    found = answer(done)
    assert (found["assets_run"], found["assets_failed"]) == (0, 0)
    assert found["assets_skipped"] == len(versions(home))
    assert fingerprints(home) == before


def test_step_by_step_ends_where_building_everything_does(ground: Ground, tmp_path: Path) -> None:
    """Two files change and the lock is renamed, so no figure is recorded for it: first only what is
    stale is built, then everything; data, findings and release are the same.
    """
    home = ground.copy_home(tmp_path / "home")
    before = versions(home)
    lock = ground.world.second.with_name("renamed.lock.yaml")
    text = ground.world.second.read_text(encoding="utf-8")
    lock.write_text(text.replace("name: sample\n", "name: renamed\n"), encoding="utf-8")

    outcome = build_into(home, lock=lock, cache=lock.parent)
    assert outcome.is_good, outcome.failed
    changed = {"upstream/onet_technology_skills", "upstream/onet_dwa_reference"}
    after = versions(home)
    moved = set(differing(before, after))
    assert moved >= changed | {"technology_skills", "work_activities", "check_results", "release"}
    downstream = set().union(*(below(asset) for asset in changed), below("upstream/sources_lock"))
    assert moved <= changed | downstream | {"upstream/sources_lock", "check_results"}

    outcome = build_into(home, lock=lock, cache=lock.parent, full=True)
    assert outcome.run.keys() == after.keys()
    assert differing(after, versions(home)) == []
    assert build_into(home, lock=lock, cache=lock.parent).run == {}
