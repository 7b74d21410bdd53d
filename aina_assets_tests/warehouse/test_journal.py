"""What journals promise beyond the learner's ledger, which is one: neighbours, and a head required.

All that holds for one journal is tried where events of learners are (``learner/test_ledger.py``).
"""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest
import sqlalchemy as sa

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError, LedgerMoved
from aina_assets.warehouse import journal
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.journal import Head, Journal, NewEntry, canonical_json
from aina_assets_tests.learner.databases import execute, tables


def entry(number: int, stream: str = "gate", **said: object) -> NewEntry:
    return NewEntry(stream, digest_of_json([stream, number]), canonical_json({"at": number} | said))


def positions(journal: Journal, **which: object) -> list[int]:
    return [one.position for one in journal.entries(**which)]  # type: ignore[arg-type]


def test_journals_in_one_database_do_not_disturb_each_other(url: str) -> None:
    with Journal.open(url, "decisions") as decisions, Journal.open(url, "events") as events:
        decisions.append_many([entry(0), entry(1)])
        # The same keys: each journal has its own.
        events.append_many([entry(0), entry(1), entry(2, "other")])

        assert (decisions.head().position, events.head().position) == (2, 3)
        assert positions(events, stream="gate") == [1, 2]
        assert positions(decisions, stream="other") == []
        assert decisions.verify() == decisions.head()
        assert events.verify() == events.head()
        for name in ("decisions", "events"):
            with pytest.raises(sa.exc.DBAPIError, match=f"{name} is append-only"):
                execute(url, f"DELETE FROM {name}")


def test_one_journal_is_made_beside_another_that_is_written(url: str) -> None:
    with Journal.open(url, "decisions") as decisions:

        def write(number: int) -> int:
            decisions.append_many([entry(number)])
            with Journal.open(url, f"journal_{number % 3}") as other:
                return other.append_many([entry(number)])[0].position

        with ThreadPoolExecutor(6) as pool:
            told = list(pool.map(write, range(6)))

        assert sorted(told) == [1, 1, 1, 2, 2, 2]
        assert decisions.verify().position == 6


def test_looking_for_a_journal_makes_none(url: str) -> None:
    assert Journal.existing(url, "decisions") is None
    with Journal.open(url, "events") as events:
        events.append_many([entry(0)])

    assert Journal.existing(url, "decisions") is None
    assert tables(url) == {"events", "events_schema"}
    found = Journal.existing(url, "events")
    assert found is not None
    with found:
        assert found.verify().position == 1


def test_looking_for_a_journal_makes_no_file(tmp_path: Path) -> None:
    assert Journal.existing(f"sqlite:///{tmp_path / 'folder' / 'ledger.db'}", "decisions") is None
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_moved_refuses_what_was_decided_before(url: str) -> None:
    with Journal.open(url, "decisions") as journal:
        journal.append_many([entry(0)], require_head=(0, None))
        seen = journal.head()
        journal.append_many([entry(1)], require_head=seen)

        with pytest.raises(LedgerMoved) as caught:
            journal.append_many([entry(2), entry(3)], require_head=seen)
        with pytest.raises(LedgerMoved):
            journal.append_many([entry(2)], require_head=Head(2, seen.digest))

        assert (caught.value.found, journal.head().position) == ("the last at position 2", 2)
        # To repeat what was recorded is safe, whoever recorded since.
        again = journal.append_many([entry(1)], require_head=seen)
        assert [one.position for one in again] == [2]


def test_of_writers_that_saw_one_head_one_records(url: str) -> None:
    with Journal.open(url, "decisions") as journal:
        seen = journal.head()

        def decide(number: int) -> bool:
            try:
                journal.append_many([entry(number)], require_head=seen)
            except LedgerMoved:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(decide, range(8))) == [False] * 7 + [True]
        assert journal.head().position == 1


def test_what_is_the_same_is_for_the_caller_to_say(url: str) -> None:
    with Journal.open(url, "decisions") as journal:
        [first] = journal.append_many([entry(0)])
        reworded = entry(0, note="again")

        with pytest.raises(IdempotencyConflict, match="position 1"):
            journal.append_many([reworded])
        found = journal.append_many([reworded], same=lambda _recorded, _new: True)

        assert found == [first]
        assert list(journal.entries()) == [first]


def test_half_a_character_is_refused_and_not_repeated(url: str) -> None:
    with Journal.open(url, "decisions") as journal:
        with pytest.raises(LedgerError, match="Unicode") as caught:
            journal.append_many([entry(0), NewEntry("gate", "key", "secret \ud800")])
        assert "secret" not in str(caught.value)
        assert journal.head() == Head(0, None)


@pytest.mark.parametrize("name", ["", "Decisions", "a; DROP TABLE a", "a" * 41])
def test_a_name_that_is_no_tables_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="name of the ledger"):
        Journal.open(f"sqlite:///{tmp_path / 'ledger.db'}", name)


# A server that takes the connection and says nothing must not hold a build up for ever. The other
# end hangs up in the end, so that a client without a limit of its own is told apart.
@pytest.mark.parametrize("own", ["", "?connect_timeout=1"])
def test_a_database_that_is_silent_is_given_up(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "CONNECT_SECONDS", 600 if own else 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hang_up = Timer(30, silent.close)
        hang_up.start()

        url = f"postgresql+psycopg://me:secret@127.0.0.1:{port}/x{own}"
        with pytest.raises(LedgerError, match="timeout") as caught:
            Journal.open(url, "decisions")
        with pytest.raises(LedgerError, match="timeout"):
            Journal.existing(url, "decisions")

        hang_up.cancel()
    assert "see to the database" in str(caught.value)
    assert "secret" not in str(caught.value)
