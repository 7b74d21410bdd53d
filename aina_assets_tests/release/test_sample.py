"""Tampering with a built warehouse: the next check names it, and nothing is published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from upath import UPath

from aina_assets import location
from aina_assets.builds import Outcome
from aina_assets.contracts.review import GateState
from aina_assets.release.assets import FULL_VALIDATION, RELEASE
from aina_assets.release.boundary import RECEIPT
from aina_assets.release.validation import problems_of
from aina_assets.sources import assets as source_assets
from aina_assets.warehouse import authored
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import build_into, launched

JOB_ZONES = "onet/db_sample_text/Job Zones.txt"


@pytest.fixture
def home(sample_home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(sample_home, copy, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    return copy


def current(home: Path) -> str:
    return (home / "releases" / "current").readlink().name


def refused_by(home: Path) -> tuple[Outcome, str]:
    """What a build does, and why it did not publish."""
    before = current(home)
    outcome = build_into(home)
    assert current(home) == before
    return outcome, outcome.failed[RELEASE]


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def unlocking(home: Path) -> None:
    path = home / "receipts" / f"{RECEIPT}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"unlocks": 5, "verdict": "pass"}))


def test_the_sample_is_green_and_unlocks_nothing(sample_home: Path) -> None:
    store = Store(UPath(sample_home))

    assert problems_of(store.read(FULL_VALIDATION)) == []
    rows = store.read("receipts").to_pylist()
    assert {"full_validation_v1", RECEIPT, "beta_admission_v1"} <= {row["gate"] for row in rows}
    assert sum(row["unlocks"] for row in rows) == 0
    assert not any(store.read("production_deployment_approval")["is_open"].to_pylist())


def test_the_sample_shows_every_state_of_a_gate(sample_home: Path) -> None:
    states = Store(UPath(sample_home)).read("gate_states")["state"].to_pylist()
    assert set(states) == set(map(str, GateState))


def test_a_receipt_written_by_hand_stops_the_release_and_is_named(home: Path) -> None:
    unlocking(home)

    outcome, why = refused_by(home)

    assert FULL_VALIDATION in outcome.run
    assert f"receipts/{RECEIPT}.json: " in why
    assert "unlocks is 5, its items say 0" in why
    said = read_receipt(Store(UPath(home)), "full_validation_v1")
    assert said is not None
    assert (said.verdict, said.counts["failed"]) == ("hold", 1)
    mended = build_into(home, select='key:"production_deployment_approval"', full=True)
    assert mended.is_good
    assert build_into(home).is_good


def test_a_launch_from_the_ui_refuses_alike(home: Path) -> None:
    """The job that the UI launches, with nothing but the release selected."""
    unlocking(home)
    before = current(home)

    assert RECEIPT in str(refused_to_launch(home))
    assert current(home) == before


def refused_to_launch(home: Path) -> str | None:
    """Why a release that is launched alone is refused; None where it is published."""
    (check,) = (
        item
        for item in launched(home, RELEASE).get_asset_check_evaluations()
        if item.check_name == "fully_validated"
    )
    return None if check.passed else str(check.metadata["detail"].value)


def validated(home: Path) -> list[str]:
    """What full validation finds when it is launched alone."""
    assert launched(home, FULL_VALIDATION).success
    return problems_of(Store(UPath(home)).read(FULL_VALIDATION))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's data in its place."""
    copy = tmp_path / "data"
    shutil.copytree(AUTHORED, copy, ignore=shutil.ignore_patterns("local"))
    for module in (authored, location, source_assets):
        monkeypatch.setattr(module, "AUTHORED", copy)
    return copy


CHANGED_ON_DISK = [
    ("reviewers.yaml", "reviewers:", "reviewers: ", "data/reviewers.yaml"),
    ("authoring/lanes.yaml", "\n", "\n\n", "data/authoring/lanes.yaml"),
    ("expectations/sample.csv", ",0,", ",1,", "its figures in expectations/sample.csv"),
    ("sample/sources.lock.yaml", "title: ", "title: A ", "the lock sources.lock.yaml"),
    (f"sample/{JOB_ZONES}", "1", "2", JOB_ZONES),
]
"""Files below ``data``, a change of each, and how it is named."""


def test_what_changed_on_disk_is_named_by_a_validation_that_is_launched_alone(
    home: Path, data: Path
) -> None:
    """No plan compares anything there: the record says what it was made from."""
    assert build_into(home).is_good
    assert validated(home) == []
    before = current(home)
    for file, old, new, _ in CHANGED_ON_DISK:
        path = data / file
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))

    why = str(refused_to_launch(home))
    problems = validated(home)

    assert current(home) == before
    for *_, said in CHANGED_ON_DISK:
        assert f": stale: {said} changed since it was made" in why
        assert any(said in problem for problem in problems), said
    assert all(any(said in item for *_, said in CHANGED_ON_DISK) for item in problems), problems


def test_a_changed_byte_of_a_table_stops_the_release_and_is_named(home: Path) -> None:
    record = Store(UPath(home)).record("job_zones")
    assert record is not None
    flip_a_byte(home / str(record.snapshot))

    _, why = refused_by(home)

    assert "job_zones" in why
    assert str(record.snapshot_sha256) in why


def test_a_changed_byte_of_what_stands_on_validation_is_stored_anew(home: Path) -> None:
    """Validation comes before these and does not look at them."""
    store = Store(UPath(home))
    names = {FULL_VALIDATION, "receipts", "manifest"}
    records = [store.require(name) for name in names]
    for record in records:
        flip_a_byte(home / str(record.snapshot))

    assert names <= set(build_into(home).run)

    for record in records:
        assert store.open_snapshot(record).num_rows == record.row_count
    assert build_into(home).run == {}


@pytest.mark.parametrize("changed", ["aina.duckdb", "release.json"])
def test_a_changed_byte_of_the_release_is_published_anew(home: Path, changed: str) -> None:
    flip_a_byte(home / "releases" / "current" / changed)

    assert set(build_into(home).run) == {RELEASE}
    assert build_into(home).run == {}


def test_where_a_table_fails_validation_says_so_at_once(home: Path, tmp_path: Path) -> None:
    """Although it comes after what failed, it is made: a green finding does not outlive it."""
    sample = tmp_path / "sample"
    shutil.copytree(AUTHORED / "sample", sample)
    lock = sample / "sources.lock.yaml"
    build_into(home, lock=lock)
    path = sample / "onet" / "db_sample_text" / "Job Zones.txt"
    path.write_bytes(path.read_bytes() + b"spoiled\n")

    outcome = build_into(home, lock=lock)

    assert not outcome.is_good
    assert FULL_VALIDATION in outcome.run
    said = read_receipt(Store(UPath(home)), "full_validation_v1")
    assert said is not None
    assert said.verdict == "hold"
    assert RELEASE in outcome.blocked
