"""Recording together: many threads, one transaction, and every promise of the ledger kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError
from aina_assets.contracts.learner import RecordedEvent
from aina_assets.serve.commits import SharedLedger
from aina_assets_tests.learner.samples import event

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
        ledger._engine,
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
