"""A shared ledger: many threads, one transaction, little read twice, every promise kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError
from aina_assets.contracts.learner import LearnerEvent, RecordedEvent
from aina_assets.learner.ledger import Ledger
from aina_assets.serve.commits import SharedLedger
from aina_assets_tests.learner.samples import LEARNER, event

THREADS = 16


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SharedLedger]:
    with SharedLedger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        yield opened


def record(ledger: SharedLedger, learner: int, gate: threading.Barrier) -> list[RecordedEvent]:
    gate.wait()
    found = []
    for number in range(20):
        pair = [
            event(number, learner_id=f"learner-{learner:04d}", idempotency_key=f"{number} {part}")
            for part in "ab"
        ]
        found += ledger.append_many(pair)
    return found


def test_what_many_threads_record_is_there_once_in_order_and_whole(ledger: SharedLedger) -> None:
    gate = threading.Barrier(THREADS)

    with ThreadPoolExecutor(THREADS) as pool:
        recorded = list(pool.map(lambda learner: record(ledger, learner, gate), range(THREADS)))

    assert ledger.verify().position == THREADS * 40
    for learner, own in enumerate(recorded):
        assert list(ledger.events(f"learner-{learner:04d}")) == own
        positions = [one.position for one in own]
        pairs = zip(positions[::2], positions[1::2], strict=True)
        assert all(second == first + 1 for first, second in pairs), "a request's events together"


def test_threads_share_transactions(ledger: SharedLedger) -> None:
    commits = []
    sa.event.listen(
        ledger._journal._engine,
        "commit",
        lambda connection: commits.append(
            connection.get_execution_options().get("is_writing", False)
        ),
    )
    gate = threading.Barrier(THREADS)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda learner: record(ledger, learner, gate), range(THREADS)))

    assert 0 < sum(commits) < THREADS * 20


def test_a_conflict_is_the_fault_of_one_and_costs_no_other(ledger: SharedLedger) -> None:
    ledger.append(event(1, learner_id="learner-0000", idempotency_key="taken"))
    gate = threading.Barrier(THREADS)

    def append(learner: int) -> RecordedEvent | IdempotencyConflict:
        gate.wait()
        mine = event(2, learner_id=f"learner-{learner:04d}", idempotency_key="taken")
        try:
            return ledger.append(mine)
        except IdempotencyConflict as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(append, range(THREADS)))

    assert isinstance(found[0], IdempotencyConflict)
    assert all(isinstance(one, RecordedEvent) for one in found[1:])
    assert ledger.verify().position == THREADS


def test_the_same_event_from_many_threads_is_one_record(ledger: SharedLedger) -> None:
    gate = threading.Barrier(THREADS)

    def append(_: int) -> RecordedEvent:
        gate.wait()
        return ledger.append(event(1))

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(append, range(THREADS)))

    assert all(one == found[0] for one in found)
    assert ledger.head().position == 1


def test_where_the_database_fails_everyone_is_told(ledger: SharedLedger, tmp_path: Path) -> None:
    ledger.append(event(1))
    with sa.create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}").begin() as connection:
        connection.exec_driver_sql("ALTER TABLE learner_events RENAME TO elsewhere")
    gate = threading.Barrier(4)

    def append(learner: int) -> type[Exception] | None:
        gate.wait()
        try:
            ledger.append(event(2, learner_id=f"learner-{learner:04d}"))
        except LedgerError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(append, range(4))) == [LedgerError] * 4
    assert ledger.append_many([]) == []


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_long_history_is_whole_from_wherever_it_is_asked_for(
    ledger: SharedLedger, tmp_path: Path, is_ours: bool
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as plain:
        (ledger if is_ours else plain).append_many(event(number) for number in range(1, 13))

        for _ in range(2):
            for after in range(13):
                found = [one.position for one in ledger.events(LEARNER, after_position=after)]
                assert found == list(range(after + 1, 13))


class Shared(RuleBasedStateMachine):
    """A shared ledger among other writers: it finds what a plain ledger finds, whoever recorded."""

    learners = st.sampled_from(["learner-0000", "learner-0001"])

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        url = f"sqlite:///{self._folder.name}/ledger.sqlite"
        self.plain, self.shared = Ledger.open(url), SharedLedger.open(url)
        self.number = 0

    def new_event(self, learner: str) -> LearnerEvent:
        self.number += 1
        return event(self.number, learner_id=learner)

    @rule(learner=learners, count=st.sampled_from([1, 1, 1, 6]))
    def record(self, learner: str, count: int) -> None:
        self.shared.append_many([self.new_event(learner) for _ in range(count)])

    @rule(learner=learners)
    def others_record(self, learner: str) -> None:
        self.plain.append(self.new_event(learner))

    @rule(learner=learners, known=st.integers(0, 3))
    def record_again_what_is_there(self, learner: str, known: int) -> None:
        recorded = [one.event for one in self.plain.events()]
        self.shared.append_many([*recorded[-known:], self.new_event(learner), *recorded[:1]])

    @rule(learner=learners, back=st.integers(0, 12))
    def read(self, learner: str, back: int) -> None:
        after = max(0, self.plain.head().position - back)
        found = list(self.shared.events(learner, after_position=after))
        assert found == list(self.plain.events(learner, after_position=after))

    @rule(learner=learners)
    def break_off(self, learner: str) -> None:
        next(self.shared.events(learner), None)

    def teardown(self) -> None:
        self.plain.close()
        self.shared.close()
        self._folder.cleanup()


TestShared = Shared.TestCase
TestShared.settings = settings(
    max_examples=40, stateful_step_count=40, derandomize=True, database=None
)


def test_readers_see_all_while_many_record(ledger: SharedLedger, tmp_path: Path) -> None:
    other = SharedLedger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    gate, is_over = threading.Barrier(9), threading.Event()

    def write(writer: int) -> None:
        gate.wait()
        for number in range(25):
            mine = event(number, learner_id="learner-0000", idempotency_key=f"{writer} {number}")
            (ledger if writer % 2 else other).append(mine)

    def follow(_: int) -> list[int]:
        gate.wait()
        seen: list[int] = []
        while len(seen) < 150 and not is_over.is_set():
            after = seen[-1] if seen else 0
            seen += [one.position for one in ledger.events("learner-0000", after_position=after)]
        return seen

    with ThreadPoolExecutor(9) as pool:
        writers = [pool.submit(write, number) for number in range(6)]
        readers = [pool.submit(follow, number) for number in range(3)]
        for writer in writers:
            writer.result()
        is_over.wait(0.5)
        is_over.set()
        seen = [reader.result() for reader in readers]
    other.close()

    assert all(positions == list(range(1, 151)) for positions in seen)
