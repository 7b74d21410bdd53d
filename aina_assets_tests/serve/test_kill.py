"""A server killed under load: nothing it acknowledged is lost, and nothing is there twice.

Clients do what clients do: what got no answer they send again, with the same key, to the server
that comes up next over the same ledger.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aina_assets.contracts.learner import EventType
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.replay import replay
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.server import Server, start

CLIENTS = 6
PATIENCE = 120.0
MODULE = "marketing_growth_map_your_work"


@dataclass
class Acknowledged:
    """What one client was told is recorded.

    Attributes:
        reports: position of each event, by its id, as the server said.
        plans: decision ids, as often as they were given.
        submissions: how many were graded.
    """

    learner_id: str
    reports: dict[str, int] = field(default_factory=dict)
    plans: list[str] = field(default_factory=list)
    submissions: int = 0
    retries: int = 0


class Place:
    """Where the server of now is."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_over = threading.Event()


def persist(
    place: Place,
    client: httpx2.Client,
    told: Acknowledged,
    key: str,
    path: str,
    body: dict[str, Any],
) -> Any:
    """Send a request with one key until it is answered."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = client.post(
                place.server.url + path, json=body, headers={"Idempotency-Key": key}
            )
        except httpx2.TransportError:
            told.retries += 1
            time.sleep(0.2)
            continue
        assert answer.status_code == 200, answer.text
        return answer.json()
    raise AssertionError("never answered")


def live(place: Place, number: int, seed: int) -> Acknowledged:
    """A client's days: reports, plans and submissions, one after the other."""
    with httpx2.Client(timeout=10) as client:
        return _live(place, client, number, seed)


def _live(place: Place, client: httpx2.Client, number: int, seed: int) -> Acknowledged:
    told = Acknowledged(f"killed-{seed}-{number}")
    chosen = random.Random(f"{seed}-{number}")  # noqa: S311 - a repeatable choice
    persist(place, client, told, "begin", "/assess", profile(told.learner_id))
    step = 0
    while not place.is_over.is_set():
        step += 1
        key = f"step-{step}"
        match chosen.choice(("report", "report", "plan", "submit")):
            case "report":
                body = {"event_type": "confidence_updated", "confidence": chosen.randint(1, 5)}
                answer = persist(
                    place, client, told, key, f"/learners/{told.learner_id}/events", body
                )
                told.reports[answer["event_id"]] = answer["position"]
            case "plan":
                body = {"learner_id": told.learner_id}
                told.plans.append(
                    persist(place, client, told, key, "/curriculum", body)["decision_id"]
                )
            case _:
                body = {
                    "learner_id": told.learner_id,
                    "module_id": MODULE,
                    "text": f"Words of step {step}.",
                }
                persist(place, client, told, key, "/submit", body)
                told.submissions += 1
    return told


def rounds_of_killing(home: Path, folder: Path, rounds: int, seed: int) -> Iterator[str]:
    """Kill the server ``rounds`` times under load, and hold the ledger against what was told."""
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    arguments = ("--insecure-local", "--ledger", url)
    chosen = random.Random(seed)  # noqa: S311 - a repeatable choice
    place = Place(start(home, folder / "logs", *arguments))
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(live, place, number, seed) for number in range(CLIENTS)]
            try:
                for number in range(rounds):
                    time.sleep(chosen.uniform(0.2, 1.2))
                    place.server.kill()
                    place.server = start(home, folder / "logs", *arguments)
                    yield f"round {number + 1}"
                time.sleep(0.5)
            finally:
                place.is_over.set()
            told = [client.result() for client in clients]
    finally:
        if place.server.process.poll() is None:
            place.server.kill()
    assert_kept(url, told)
    assert sum(one.retries for one in told) >= rounds, "nobody was ever cut off"


def assert_kept(url: str, told: list[Acknowledged]) -> None:
    with Ledger.open(url) as ledger:
        ledger.verify()
        recorded = list(ledger.events())
    by_id = {one.event.event_id: one for one in recorded}
    assert len(by_id) == len(recorded), "no event twice"
    keys = Counter((one.event.learner_id, one.event.idempotency_key) for one in recorded)
    assert set(keys.values()) == {1}, "no request twice"
    states = replay(recorded)
    for one in told:
        own = [record.event for record in recorded if record.event.learner_id == one.learner_id]
        kinds = Counter(event.event_type for event in own)
        for event_id, position in one.reports.items():
            assert by_id[event_id].position == position, "acknowledged and lost"
        assert kinds[EventType.CONFIDENCE_UPDATED] == len(one.reports)
        plans = [
            event.payload["decision"]["decision_id"]  # type: ignore[index, call-overload]
            for event in own
            if event.event_type is EventType.CURRICULUM_PLAN_CREATED
        ]
        assert plans == one.plans
        for kind in (
            EventType.PRACTICE_SUBMITTED,
            EventType.EVALUATOR_COMPLETED,
            EventType.MASTERY_GATE_FAILED,
        ):
            assert kinds[kind] == one.submissions, kind
        assert states[one.learner_id].event_count == len(own)


def test_killed_under_load_it_loses_and_doubles_nothing(served_home: Path, tmp_path: Path) -> None:
    assert len(list(rounds_of_killing(served_home, tmp_path, rounds=3, seed=1))) == 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_fifty_times_it_loses_and_doubles_nothing(served_home: Path, tmp_path: Path) -> None:
    assert len(list(rounds_of_killing(served_home, tmp_path, rounds=50, seed=2))) == 50
