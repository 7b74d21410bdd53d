"""Recording a million learner events and replaying them.

python -m aina_assets_tests.bench.ledger [--events 1000000] [--url URL]

Without ``URL`` the ledger is a SQLite file in a temporary folder; with it, an empty place in
PostgreSQL, or a file. Events are a loop of the kind that a learner goes through, payloads and all,
for a hundred events a learner; making them is not timed.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from aina_assets.contracts.learner import EventType, LearnerEvent
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.replay import replay
from aina_assets.warehouse.digests import digest_of_json
from aina_assets_tests.learner.samples import (
    MODULE,
    as_payload,
    decision,
    evaluation,
    event,
    profile,
    submission,
)

BATCH = 1000
SINGLE = 5000
EVENTS_A_LEARNER = 100

Kind = tuple[EventType, dict[str, Any]]


def happenings(learner_id: str) -> list[Kind]:
    """What a learner goes through, first once and then over and over."""
    found = evaluation(submission("a"))
    return [
        (EventType.ASSESSMENT_COMPLETED, as_payload(profile=profile(learner_id))),
        (EventType.CURRICULUM_PLAN_CREATED, as_payload(decision=decision(learner_id=learner_id))),
        (EventType.MODULE_EXPOSED, {}),
        (EventType.LESSON_STARTED, {}),
        (EventType.PRACTICE_SUBMITTED, {"submission_digest": found.submission_digest}),
        (EventType.EVALUATOR_COMPLETED, as_payload(evaluation=found)),
        (EventType.MASTERY_GATE_PASSED, {}),
        (EventType.CONFIDENCE_UPDATED, {"confidence": 3}),
    ]


def events(prefix: str) -> Iterator[LearnerEvent]:
    """Events of one learner after another, without end."""
    learner = 0
    while True:
        learner += 1
        learner_id = f"{prefix}-{learner:07}"
        kinds = happenings(learner_id)
        for number in range(EVENTS_A_LEARNER):
            kind, payload = kinds[number % len(kinds)]
            # Few modules, each tried a few times, as people do.
            module = f"{MODULE}_{number // (2 * len(kinds))}"
            if kind is EventType.EVALUATOR_COMPLETED:
                said = evaluation(submission(f"{module} {number}"), module_id=module)
                payload = as_payload(evaluation=said)
            elif kind is EventType.PRACTICE_SUBMITTED:
                payload = {"submission_digest": submission(f"{module} {number + 1}")}
            yield event(
                number,
                event_type=kind,
                event_id=digest_of_json([learner_id, number]),
                learner_id=learner_id,
                module_id=module,
                payload=payload,
            )


class Watch:
    """Sums the time between ``with`` and its end."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.processor_seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic() - self._started[0]
        self.processor_seconds += time.process_time() - self._started[1]

    def report(self, name: str, count: int) -> None:
        """Print one line of figures."""
        print(
            f"{name:<22} {count:>9,} events {self.seconds:>8.2f} s wall"
            f" {self.processor_seconds:>8.2f} s processor {count / self.seconds:>8,.0f} a second"
        )


def measure(url: str, count: int) -> None:
    """Print what recording, verifying and replaying take."""
    source = events("bulk")
    with Ledger.open(url) as ledger:
        if ledger.head().position:
            raise SystemExit(f"{url} holds events already: give an empty place")
        left, watch = count, Watch()
        while left:
            some = list(islice(source, min(BATCH, left)))
            left -= len(some)
            with watch:
                ledger.append_many(some)
        watch.report(f"append_many by {BATCH}", count)

        some = list(islice(events("single"), SINGLE))
        for name in ("append", "append again"):
            with (watch := Watch()):
                for each in some:
                    ledger.append(each)
            watch.report(name, SINGLE)

        total = ledger.head().position
        with (watch := Watch()):
            ledger.verify()
        watch.report("verify", total)
        with (watch := Watch()):
            for _ in ledger.events():
                pass
        watch.report("read", total)
        before = peak_megabytes()
        with (watch := Watch()):
            states = replay(ledger.events())
        watch.report("replay", total)
        after = peak_megabytes()
        learner_id = next(reversed(states))
        with (watch := Watch()):
            replay(ledger.events(learner_id))
        watch.report("replay of one learner", states[learner_id].event_count)
    print(f"peak memory            {before:.0f} MB; {after:.0f} MB with {len(states):,} states")


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure with the arguments of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        measure(options.url or f"sqlite:///{path}", options.events)
        if path.exists():
            print(f"file                   {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
