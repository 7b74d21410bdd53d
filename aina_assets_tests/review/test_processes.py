"""Many deciding at once, and some killed on the way: nothing is lost, and the chain holds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aina_assets.review.ledger import DecisionLedger
from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets_tests.learner.processes import SEED
from aina_assets_tests.review.world import KEYS, reviewers, signed

EACH = 10


def start(output: Path, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "aina_assets_tests.review.decider", *map(str, arguments)]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.PIPE, cwd=PROJECT_ROOT
        )
    while not output.stat().st_size and process.poll() is None:
        time.sleep(0.01)
    return process


def begin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


def told(output: Path) -> dict[str, int]:
    """Positions that were acknowledged, by decision; a line without an end was not."""
    lines = output.read_text().split("\n")[1:-1]
    return {name: int(position) for name, position in map(str.split, lines)}


def check(url: str, checkpoints: Path, acknowledged: dict[str, int]) -> int:
    """How much there is: all that was acknowledged, where it was said to be, and sealed."""
    with DecisionLedger.open(url, checkpoints) as ledger:
        found = ledger.verify(reviewers())
        recorded = {item.signed.decision.decision_id: item.position for item in ledger.records()}
    assert sorted(recorded.values()) == list(range(1, found.head.position + 1))
    assert acknowledged.items() <= recorded.items()
    assert found.sealed >= max(acknowledged.values(), default=0)
    return found.head.position


def test_many_decide_at_once(url: str, checkpoints: Path, tmp_path: Path) -> None:
    names = ("ana", "ben", "cleo", "dora")
    outputs = [tmp_path / name for name in names]
    processes = [
        start(output, url, checkpoints, name, EACH)
        for output, name in zip(outputs, names, strict=True)
    ]
    for process in processes:
        begin(process)
    for process in processes:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said.decode()

    acknowledged: dict[str, int] = {}
    for output in outputs:
        acknowledged |= told(output)
    assert check(url, checkpoints, acknowledged) == len(acknowledged) == EACH * len(names)
    with DecisionLedger.open(url, checkpoints) as ledger:
        sealed = [item.position for item in ledger.checkpoints.read()]
    assert sealed == list(range(EACH * len(names) + 1))


def test_deciders_from_several_machines_do_not_overtake_each_other(
    url: str, tmp_path: Path
) -> None:
    """Each with a copy of the checkpoints of its own, and so with no lock in common."""
    places = [tmp_path / name / "checkpoints.jsonl" for name in ("one", "two")]
    with DecisionLedger.open(url, places[0]) as ledger:
        ledger.record(signed("ana", subject_key="first"), KEYS["ana"], reviewers())
    places[1].parent.mkdir()
    places[1].write_bytes(places[0].read_bytes())
    outputs = [tmp_path / "ana", tmp_path / "ben"]
    processes = [
        start(output, url, place, output.name, EACH)
        for output, place in zip(outputs, places, strict=True)
    ]
    for process in processes:
        begin(process)
    for process in processes:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said.decode()

    for output, place in zip(outputs, places, strict=True):
        assert check(url, place, told(output)) == 2 * EACH + 1


@pytest.mark.parametrize("rounds", [4])
def test_a_killed_decider_loses_nothing_it_was_told(
    url: str, checkpoints: Path, tmp_path: Path, rounds: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - tests, not secrets
    acknowledged: dict[str, int] = {}
    for number in range(rounds):
        output = tmp_path / f"round{number}"
        process = start(output, url, checkpoints, "ana", 100_000)
        begin(process)
        while not told(output) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        acknowledged |= told(output)
        check(url, checkpoints, acknowledged)
    assert len(acknowledged) >= rounds
