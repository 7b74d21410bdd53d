"""The toy pipeline, killed at every write point in turn, and again during the recovery.

To be killed at two points between which the disk did not change is the same, so the suite takes
every point at which the disk is as at no point before; the soak takes every one.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from aina_assets.warehouse.files import TEMPORARY_PREFIX
from aina_assets_tests.crash.toy import SCENARIOS
from aina_assets_tests.crash.toy_drivers import ToyDrivers

SEED = int(os.environ.get("AINA_TEST_SEED", "20261122"))
PAIRS_IN_SUITE = 110


def pairs_of(name: str, points: dict[str, Any]) -> list[dict[str, Any]]:
    """Every pair of telling points of scenario ``name`` and of its recovery.

    Undisturbed, the way back does nothing; after a kill it has about as many points as the way
    there.
    """
    seconds = points["telling"] if name == "back" else points["telling_then"]
    return [
        {"name": name, "first": first, "second": second}
        for first in points["telling"]
        for second in seconds
    ]


@pytest.mark.parametrize(
    "name",
    [
        # Of these the suite sees the double kills.
        pytest.param(name, marks=pytest.mark.soak if name in ("back", "mended") else ())
        for name in SCENARIOS
    ],
)
def test_killed_at_any_write_point_the_next_build_ends_where_it_should(
    name: str, toys: ToyDrivers
) -> None:
    points = toys.points(name)
    jobs = [{"name": name, "first": point} for point in points["telling"]]
    answers = toys.ask_all("kill", jobs)
    print(f"{name}: killed at {len(jobs)} of {len(points['disturbed'])} write points")
    assert len(jobs) > 10
    assert all(answer["killed"] == [True] for answer in answers)


def test_killed_again_during_the_recovery(toys: ToyDrivers) -> None:
    print(f"seed {SEED} (AINA_TEST_SEED)")
    every = [pair for name in SCENARIOS for pair in pairs_of(name, toys.points(name))]
    chosen = random.Random(SEED).sample(every, PAIRS_IN_SUITE)  # noqa: S311
    answers = toys.ask_all("kill", sorted(chosen, key=str))
    twice = sum(answer["killed"] == [True, True] for answer in answers)
    print(f"{len(chosen)} of {len(every)} pairs, killed twice in {twice}")
    assert all(answer["killed"][0] for answer in answers)
    assert twice > PAIRS_IN_SUITE / 3


def after(points: dict[str, Any], what: str, place: str) -> int:
    """The first telling point after the write point ``what`` on a path with this end."""
    (index,) = [
        index
        for index, (kind, path) in enumerate(points["disturbed"], start=1)
        if kind == what and path.endswith(place)
    ]
    return int(min(point for point in points["telling"] if point > index))


def test_a_way_back_that_is_killed_too_does_not_stop_half_way(toys: ToyDrivers) -> None:
    """Killed after the release (the receipt) was swapped in and before its record was.

    Then the former generation comes back and is killed when its tables are there again: by records
    alone everything is fresh, and yet readers would open the other generation.
    """
    points = toys.points("back")
    firsts = [
        after(points, "replace", "/releases/current"),
        after(points, "replace", "/receipts/toy_intake_v1.json"),
    ]
    jobs = [
        {"name": "back", "first": first, "second": second}
        for first in firsts
        for second in points["telling"][::2]
    ]
    answers = toys.ask_all("kill", jobs)
    assert sum(answer["killed"] == [True, True] for answer in answers) > len(jobs) / 3


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_every_point_and_every_pair(name: str, toys: ToyDrivers) -> None:
    points = toys.points(name)
    every = range(1, len(points["disturbed"]) + 1)
    singles = toys.ask_all("kill", [{"name": name, "first": point} for point in every])
    assert all(answer["killed"] == [True] for answer in singles)
    pairs = pairs_of(name, points)
    doubles = toys.ask_all("kill", pairs)
    assert all(answer["killed"][0] for answer in doubles)
    print(f"{name}: {len(singles)} single and {len(doubles)} double kills")


def test_a_build_writes_by_the_points_that_are_watched(toys: ToyDrivers) -> None:
    """The audit events of the interpreter know of no other mutation than the watched ones."""
    for name in ("next", "refused", "damaged"):
        found = toys.drivers[0].ask("audit", name=name)
        assert found["unseen"] == []
        assert found["seen"] > 10


def test_bytes_reach_the_device_before_their_name_does(toys: ToyDrivers) -> None:
    """What a power cut would need: fsync of a file before its rename, of its folder after it."""
    trace = [tuple(point) for point in toys.points("next")["disturbed"]]
    renames = [
        (index, *place.split(" -> "))
        for index, (what, place) in enumerate(trace)
        if what in ("replace", "rename")
    ]
    assert len(renames) > 10
    for index, source, target in renames:
        flushed = {place for what, place in trace[:index] if what == "fsync"}
        if not source.endswith("-current"):  # a link has no bytes of its own
            assert source in flushed, source
        folder = target.rpartition("/")[0]
        later = [place for what, place in trace[index + 1 : index + 3] if what == "fsync"]
        assert folder in later, target


def test_names_of_half_written_files_are_told_apart(toys: ToyDrivers) -> None:
    trace = toys.points("next")["disturbed"]
    opened = [place for what, place in trace if what == "open"]
    unmarked = [place for place in opened if f"/{TEMPORARY_PREFIX}" not in place]
    assert {place.rpartition("/")[2] for place in unmarked} == {"build.lock.json"}
