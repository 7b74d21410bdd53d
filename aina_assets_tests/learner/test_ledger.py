"""What is recorded stays as it was recorded, once, in order, on either database."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError, LedgerTampered
from aina_assets.contracts.learner import EventType, LearnerEvent
from aina_assets.learner import ledger as ledger_module
from aina_assets.learner.ledger import Ledger
from aina_assets.warehouse import journal as journal_module
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.journal import SCHEMA_VERSION, Head
from aina_assets_tests.conftest import NewUrl
from aina_assets_tests.learner.cluster import Cluster
from aina_assets_tests.learner.databases import database, execute, without_triggers
from aina_assets_tests.learner.samples import LEARNER, START, as_payload, event, profile

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("añ\x00", max_size=3), inner)
    ),
    max_leaves=12,
)


class Clock:
    """Tells the times it is given, one each time it is asked, and then stands still."""

    def __init__(self, *times: datetime) -> None:
        self._times = [*reversed(times)]

    def __call__(self) -> datetime:
        return self._times.pop() if len(self._times) > 1 else self._times[0]


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


# ---------------------------------------------------------------------------------------- recording


def test_what_is_recorded_is_read_back_in_order(ledger: Ledger) -> None:
    first = ledger.append(
        event(0, event_type=EventType.ASSESSMENT_COMPLETED, payload=as_payload(profile=profile()))
    )
    rest = ledger.append_many(event(number, scores={"x": number / 3}) for number in range(1, 5))

    assert [record.position for record in (first, *rest)] == [1, 2, 3, 4, 5]
    assert list(ledger.events()) == [first, *rest]
    assert [record.event for record in rest] == [
        event(number, scores={"x": number / 3}) for number in range(1, 5)
    ]
    assert ledger.head() == (5, rest[-1].digest)
    assert ledger.verify() == ledger.head()


def test_an_empty_ledger_has_a_head_and_verifies(ledger: Ledger) -> None:
    assert ledger.head() == ledger.verify() == Head(0, None)
    assert list(ledger.events()) == []
    assert ledger.append_many([]) == []


def test_each_digest_is_of_the_record_and_the_digest_before_it(ledger: Ledger) -> None:
    before = None
    for number in range(3):
        record = ledger.append(event(number, payload={"words": "Größe ✓"}))
        assert record.previous_digest == before
        assert record.digest == digest_of_json(
            {
                "position": number + 1,
                "stream": LEARNER,
                "entry_key": digest_of_json([LEARNER, f"event {number}"]),
                "recorded_at": record.recorded_at.isoformat(timespec="microseconds"),
                "entry": ledger_module._canonical(record.event),
                "previous_digest": before,
            }
        )
        before = record.digest


def test_both_databases_hold_the_same_to_the_letter(cluster: Cluster, sqlite_path: Path) -> None:
    zone = timezone(timedelta(hours=-7, minutes=-30))
    events = [
        event(number, occurred_at=(START + minutes(number)).astimezone(zone), scores={"a": 1e-7})
        for number in range(20)
    ]
    heads: list[Head] = []
    held: list[object] = []
    for url in (f"sqlite:///{sqlite_path}", cluster.new_database()):
        with Ledger.open(url, clock=Clock(START + minutes(60))) as ledger:
            ledger.append_many(events)
            heads.append(ledger.verify())
        with database(url) as connection:
            held.append(connection.exec_driver_sql("SELECT * FROM learner_events").all())

    assert heads[0] == heads[1]
    assert held[0] == held[1]


@given(payload=st.dictionaries(st.text("ab\x00ü", max_size=4), JSON, max_size=4))
@settings(max_examples=40)
def test_any_payload_comes_back_as_it_was_and_is_known_again(
    long_ledger: Ledger, payload: dict[str, Any]
) -> None:
    said = event(0, payload=payload, idempotency_key=f"\x00{uuid4()}")

    record = long_ledger.append(said)

    assert record.event == said
    assert long_ledger.append(said) == record
    found = list(long_ledger.events(after_position=record.position - 1))
    assert found == [record]
    # Equal in Python are also 1 and true; in JSON they are not.
    assert digest_of_json(found[0].event.payload) == digest_of_json(said.payload)
    assert long_ledger.verify().position == record.position


@pytest.mark.parametrize(
    "changes",
    [
        {"scores": {"a": float("nan")}},
        {"payload": {"a": float("inf")}},
        {"payload": {"a": "\ud800"}},
    ],
    ids=["no number", "infinite", "half a character"],
)
def test_what_json_cannot_hold_is_refused_and_nothing_recorded(
    ledger: Ledger, changes: dict[str, Any]
) -> None:
    refused = event(1).model_copy(update=changes)

    with pytest.raises(LedgerError) as caught:
        ledger.append_many([event(0), refused])

    assert refused.event_id in caught.value.where
    assert ledger.head() == Head(0, None)


def test_an_event_that_its_contract_refuses_is_not_recorded(ledger: Ledger) -> None:
    refused = event(0).model_copy(update={"learner_id": "Ms Example"})

    with pytest.raises(LedgerError, match="learner_id") as caught:
        ledger.append(refused)

    assert "Example" not in str(caught.value)
    assert ledger.head() == Head(0, None)


# -------------------------------------------------------------------------------------- idempotency


def test_the_same_event_is_recorded_once(ledger: Ledger) -> None:
    first = ledger.append(event(0))

    again = ledger.append(event(0))
    elsewhere = event(0).occurred_at.astimezone(timezone(timedelta(hours=5)))
    in_another_zone = ledger.append(event(0, occurred_at=elsewhere))
    among_others = ledger.append_many([event(1), event(0), event(2), event(1)])

    assert again == in_another_zone == among_others[1] == first
    assert [record.position for record in among_others] == [2, 1, 3, 2]
    assert ledger.verify().position == 3


def test_an_event_is_found_by_its_key(ledger: Ledger) -> None:
    record = ledger.append(event(0, idempotency_key="a\x00b"))

    assert ledger.find(LEARNER, "a\x00b") == record
    assert ledger.find(LEARNER, "a") is None
    assert ledger.find("learner-0002", "a\x00b") is None


def test_more_events_at_once_than_are_looked_up_at_once(ledger: Ledger) -> None:
    events = [event(number) for number in range(2 * journal_module._KEYS_AT_ONCE + 3)]
    first = ledger.append_many(events)

    assert ledger.append_many(reversed(events)) == first[::-1]
    assert ledger.head().position == len(events)


def test_another_learner_may_use_the_same_key(ledger: Ledger) -> None:
    ours = ledger.append(event(0))
    theirs = ledger.append(event(0, learner_id="learner-0002"))

    assert (ours.position, theirs.position) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"payload": {"a": True}}, "payload"),
        ({"occurred_at": START + minutes(1)}, "occurred_at"),
        ({"event_type": EventType.MODULE_EXPOSED, "scores": {"b": 1}}, "event_type, scores"),
    ],
)
def test_another_event_under_a_taken_key_is_refused_with_all_that_came_with_it(
    ledger: Ledger, changes: dict[str, Any], named: str
) -> None:
    taken = ledger.append(event(0, payload={"a": 1}))
    other = event(0, **{"payload": {"a": 1}, **changes})

    with pytest.raises(IdempotencyConflict) as caught:
        ledger.append_many([event(1), other])

    assert caught.value.found.endswith(f"differs in {named}")
    assert LEARNER in caught.value.where
    assert repr("event 0") in caught.value.where
    assert list(ledger.events()) == [taken]


def test_two_events_of_one_batch_under_one_key_are_refused(ledger: Ledger) -> None:
    with pytest.raises(IdempotencyConflict):
        ledger.append_many([event(0), event(0, scores={"a": 1})])

    assert ledger.head() == Head(0, None)


# -------------------------------------------------------------------------------------- append-only

COLUMNS = "position, stream, entry_key, recorded_at, entry, previous_digest, digest"


INSERTED = (
    f"INTO learner_events ({COLUMNS}) SELECT {{position}}, stream, {{key}}, recorded_at, entry,"
    " digest, 'd' FROM learner_events WHERE position = {after}"
)
EITHER = [
    "UPDATE learner_events SET entry = entry",
    "UPDATE learner_events SET stream = 'other' WHERE position = 2",
    "DELETE FROM learner_events",
    "DELETE FROM learner_events WHERE position = 2",
    "INSERT " + INSERTED.format(position=4, key="'new'", after=2),
    "INSERT " + INSERTED.format(position=3, key="'new'", after=1),
    "INSERT " + INSERTED.format(position=0, key="'new'", after=2),
]
SQLITE = [
    "INSERT OR REPLACE " + INSERTED.format(position=2, key="'new'", after=1),
    "INSERT OR REPLACE " + INSERTED.format(position=3, key="entry_key", after=2),
    "UPDATE OR REPLACE learner_events SET position = 1 WHERE position = 2",
]
POSTGRESQL = [
    "TRUNCATE learner_events",
    "INSERT "
    + INSERTED.format(position=2, key="entry_key", after=2)
    + " ON CONFLICT (position) DO UPDATE SET entry = ''",
]


def test_the_database_itself_refuses_every_change(ledger: Ledger, url: str) -> None:
    before = ledger.append_many([event(0), event(1)])

    for statement in EITHER + (SQLITE if url.startswith("sqlite") else POSTGRESQL):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            execute(url, statement)

    assert list(ledger.events()) == before
    assert ledger.append(event(2)).position == 3
    ledger.verify()


# ---------------------------------------------------------------------------------------- tampering

SET = "UPDATE learner_events SET"
OTHER_TIME = "'2999-03-01T00:00:00.000000+00:00'"


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        (f"{SET} entry = replace(entry, 'lesson_started', 'module_exposed') WHERE position = 4", 4),
        (f"{SET} entry = entry || ' ' WHERE position = 1", 1),
        (f"{SET} recorded_at = {OTHER_TIME} WHERE position = 5", 5),
        (f"{SET} recorded_at = {OTHER_TIME} WHERE position = 6", 6),
        (f"{SET} stream = 'learner-0002' WHERE position = 2", 2),
        (f"{SET} entry_key = 'free again' WHERE position = 3", 3),
        (f"{SET} digest = previous_digest WHERE position = 6", 6),
        (f"{SET} previous_digest = digest WHERE position = 3", 3),
        (f"{SET} previous_digest = NULL WHERE position = 4", 4),
        ("DELETE FROM learner_events WHERE position = 4", 4),
        ("DELETE FROM learner_events WHERE position < 3", 1),
        (f"{SET} position = 8 WHERE position = 6", 6),
    ],
)
def test_a_changed_row_is_named(ledger: Ledger, url: str, statement: str, position: int) -> None:
    ledger.append_many(event(number) for number in range(6))
    without_triggers(url)
    execute(url, statement)

    for batch in (1, 2, 1000):
        with pytest.raises(LedgerTampered) as caught:
            ledger.verify(batch=batch)
        assert caught.value.where.startswith(f"position {position} of ")


@pytest.mark.parametrize(
    "value", ["x'ff'", "cast(x'22ff22' AS TEXT)"], ids=["bytes", "broken text"]
)
def test_damaged_text_in_a_file_is_named(sqlite_path: Path, value: str) -> None:
    url = f"sqlite:///{sqlite_path}"
    with Ledger.open(url) as ledger:
        ledger.append_many(event(number) for number in range(3))
        without_triggers(url)
        execute(url, f"{SET} entry = {value} WHERE position = 2")

        with pytest.raises(LedgerTampered, match="position 2 of "):
            ledger.verify()
        with pytest.raises(LedgerError, match="position 2"):
            list(ledger.events())


def test_a_tail_cut_off_shows_against_a_head_noted_before(ledger: Ledger, url: str) -> None:
    ledger.append_many(event(number) for number in range(6))
    head = ledger.head()
    without_triggers(url)
    execute(url, "DELETE FROM learner_events WHERE position > 4")

    assert ledger.verify().position == 4
    with pytest.raises(LedgerTampered, match="position 5 of "):
        ledger.verify(head)


def test_everything_deleted_shows_against_a_head_noted_before(ledger: Ledger, url: str) -> None:
    head = ledger.append(event(0))
    without_triggers(url)
    execute(url, "DELETE FROM learner_events")

    with pytest.raises(LedgerTampered, match="position 1 of "):
        ledger.verify((head.position, head.digest))


def test_a_chain_made_anew_shows_against_a_head_noted_before(new_url: NewUrl) -> None:
    heads = []
    for words in ("as it was", "as someone wants it"):
        with Ledger.open(new_url(), clock=Clock(START)) as ledger:
            ledger.append_many(
                event(number, payload={"words": words if number == 2 else "same"})
                for number in range(6)
            )
            heads.append(ledger.head())
            assert ledger.verify(heads[-1]) == heads[-1]
            if len(heads) == 2:
                with pytest.raises(LedgerTampered, match="position 6 of "):
                    ledger.verify(heads[0])


def test_a_ledger_that_grew_still_holds_an_earlier_head(ledger: Ledger) -> None:
    ledger.append_many(event(number) for number in range(3))
    earlier = ledger.head()
    ledger.append_many(event(number) for number in range(3, 6))

    assert ledger.verify(earlier) == ledger.head()
    assert ledger.verify((0, None)) == ledger.head()


# ------------------------------------------------------------------------------------------ reading


def test_events_by_learner_time_and_position(url: str) -> None:
    clock = Clock(*(START + minutes(number) for number in range(10)))
    with Ledger.open(url, clock=clock) as ledger:
        learners = [f"learner-000{number % 2}" for number in range(8)]
        records = [
            ledger.append(event(number, learner_id=learner))
            for number, learner in enumerate(learners)
        ]

        for batch in (1, 2, 3, 1000):
            read = _positions_read(ledger, batch)
            assert read() == [1, 2, 3, 4, 5, 6, 7, 8]
            assert read(learner_id="learner-0001") == [2, 4, 6, 8]
            assert read(learner_id="nobody-here") == []
            assert read(until=5) == [1, 2, 3, 4, 5]
            assert read(until=0) == []
            assert read(until=99) == [1, 2, 3, 4, 5, 6, 7, 8]
            assert read(after_position=6) == [7, 8]
            assert read(learner_id="learner-0000", until=6, after_position=1) == [3, 5]
            moment = records[3].recorded_at
            assert read(until=moment) == [1, 2, 3, 4]
            assert read(until=moment.astimezone(timezone(minutes(-90)))) == [1, 2, 3, 4]
            assert read(until=moment - timedelta(microseconds=1)) == [1, 2, 3]
            assert read(learner_id="learner-0000", until=moment) == [1, 3]
            assert read(until=START - minutes(1)) == []


def _positions_read(ledger: Ledger, batch: int) -> Callable[..., list[int]]:
    return lambda **which: [record.position for record in ledger.events(**which, batch=batch)]


def test_what_is_recorded_meanwhile_is_not_read(ledger: Ledger) -> None:
    ledger.append_many(event(number) for number in range(4))
    read = []
    for record in ledger.events(batch=1):
        ledger.append(event(100 + record.position))
        read.append(record.position)

    assert read == [1, 2, 3, 4]
    assert ledger.verify().position == 8


def test_reading_holds_a_batch_and_no_more(long_ledger: Ledger) -> None:
    words = "x" * 2000
    start = long_ledger.head().position
    long_ledger.append_many(
        event(number, idempotency_key=str(uuid4()), payload={"words": words})
        for number in range(1500)
    )
    tracemalloc.start()
    try:
        count = sum(1 for _ in long_ledger.events(after_position=start, batch=50))
        long_ledger.verify(batch=50)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 1500
    assert peak_bytes < 1500 * len(words) / 4


def test_times_of_recording_never_fall(url: str) -> None:
    clock = Clock(START, START - minutes(60), START + minutes(1))
    with Ledger.open(url, clock=clock) as ledger:
        records = [ledger.append(event(number)) for number in range(3)]

        assert [record.recorded_at - START for record in records] == [
            minutes(0),
            minutes(0),
            minutes(1),
        ]
        assert len(list(ledger.events(until=START))) == 2
        ledger.verify()


@pytest.mark.parametrize(
    "which", [{"until": datetime(2026, 3, 1)}, {"batch": 0}], ids=["no zone", "no batch"]
)
def test_a_question_without_an_answer_is_refused(ledger: Ledger, which: dict[str, Any]) -> None:
    ledger.append(event(0))

    with pytest.raises(LedgerError, match=next(iter(which))):
        list(ledger.events(**which))


# ------------------------------------------------------------------------------------------ opening


def test_a_ledger_outlives_whoever_opened_it(url: str) -> None:
    for number in range(3):
        with Ledger.open(url) as ledger:
            assert ledger.append(event(number)).position == number + 1
            assert ledger.verify().position == number + 1
    with database(url) as connection:
        versions = connection.exec_driver_sql("SELECT version FROM learner_events_schema").all()
    assert versions == [(SCHEMA_VERSION,)]


def test_a_ledger_of_a_newer_version_is_refused(url: str) -> None:
    Ledger.open(url).close()
    execute(url, "UPDATE learner_events_schema SET version = version + 1")

    with pytest.raises(LedgerError, match="a newer version of aina-assets") as caught:
        Ledger.open(url)

    assert caught.value.expected == f"a ledger of schema {SCHEMA_VERSION}"
    assert caught.value.found == f"schema {SCHEMA_VERSION + 1}"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://someone:secret@localhost/ledger",
        "ledger.db",
        "postgresql+psycopg://someone:secret@/ledger?host=/nowhere",
        "sqlite:////dev/null/ledger.db",
    ],
)
def test_what_cannot_hold_a_ledger_is_refused(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url)

    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(sqlite_path: Path) -> None:
    sqlite_path.write_text("a letter, and not a short one\n" * 100)

    with pytest.raises(LedgerError, match="not a database"):
        Ledger.open(f"sqlite:///{sqlite_path}")

    assert sqlite_path.read_text().startswith("a letter")


def test_folders_of_a_file_are_made(sqlite_path: Path) -> None:
    path = sqlite_path.parent / "a" / "b" / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.append(event(0))

    assert path.exists()


def test_a_file_is_written_through_before_a_commit_is_acknowledged(sqlite_path: Path) -> None:
    """What SQLite promises under these settings is SQLite's to keep."""
    with (
        Ledger.open(f"sqlite:///{sqlite_path}") as ledger,
        ledger._journal._writing() as connection,
    ):
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


@pytest.mark.parametrize(
    ("default", "used"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_no_default_of_a_server_makes_a_commit_less_safe(
    cluster: Cluster, default: str, used: str
) -> None:
    url = cluster.new_database()
    name = sa.make_url(url).database
    cluster.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = {default}')
    cluster.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    with Ledger.open(url) as ledger, ledger._journal._writing() as connection:
        shown = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
        isolation = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()

    assert (shown, isolation) == (used, "read committed")


def test_a_writer_waits_for_another_and_then_says_so(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(event(0))
    monkeypatch.setattr(journal_module, "BUSY_SECONDS", 0.2)
    with Ledger.open(url) as impatient, ledger._journal._writing():
        with pytest.raises(LedgerError, match="lock"):
            impatient.append(event(1))
        assert [record.position for record in impatient.events()] == [1]
    with Ledger.open(url) as impatient:
        assert impatient.append(event(1)).position == 2


def test_readers_do_not_wait_for_a_writer(url: str, ledger: Ledger) -> None:
    ledger.append(event(0))
    with ledger._journal._writing(), Ledger.open(url) as other:
        assert other.verify().position == 1


# -------------------------------------------------------------------------------------- at one time


def test_a_file_that_another_program_is_writing_is_waited_for(sqlite_path: Path) -> None:
    """SQLite itself does not wait when it changes the journal of such a file."""
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
        other.execute("CREATE TABLE notes (words)")
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(Ledger.open, f"sqlite:///{sqlite_path}")
            with pytest.raises(TimeoutError):
                opening.result(timeout=0.3)
            other.execute("COMMIT")
            with opening.result() as ledger:
                assert ledger.append(event(0)).position == 1


def test_threads_share_a_ledger(ledger: Ledger) -> None:
    def write(thread: int) -> list[LearnerEvent]:
        own = [event(number, idempotency_key=f"{thread} {number}") for number in range(15)]
        common = [event(number) for number in range(15)]
        for mine, ours in zip(own, common, strict=True):
            ledger.append(mine)
            ledger.append(ours)
        return own

    with ThreadPoolExecutor(8) as pool:
        written = [each for events in pool.map(write, range(8)) for each in events]

    recorded = [record.event.idempotency_key for record in ledger.events()]
    assert ledger.verify().position == len(recorded) == 9 * 15
    assert len(set(recorded)) == 9 * 15
    assert {each.idempotency_key for each in written} < set(recorded)


def test_a_ledger_may_be_made_by_several_at_once(new_url: NewUrl) -> None:
    for _ in range(5):
        url = new_url()

        def write(number: int, url: str = url) -> int:
            with Ledger.open(url) as ledger:
                return ledger.append(event(number)).position

        with ThreadPoolExecutor(6) as pool:
            positions = list(pool.map(write, range(6)))
        assert sorted(positions) == [1, 2, 3, 4, 5, 6]
        with Ledger.open(url) as ledger:
            assert ledger.verify().position == 6
