"""Decisions stay as they were made, and whatever is done to them behind the ledger's back shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aina_assets.contracts.errors import (
    IdempotencyConflict,
    LedgerError,
    LedgerTampered,
    ReviewError,
)
from aina_assets.review.checkpoints import Checkpoint, Checkpoints
from aina_assets.review.ledger import JOURNAL, DecisionLedger
from aina_assets.review.policy import Reviewers
from aina_assets.review.signing import ReviewerKey
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.journal import Head, canonical_json
from aina_assets_tests.learner.databases import database, execute, tables
from aina_assets_tests.review.world import KEYS, SOFT, reviewers, signed

RECORDS = 6
ANA = KEYS["ana"]


def filled(ledger: DecisionLedger, count: int = RECORDS) -> None:
    """Decisions one after the other, each sealed."""
    for number in range(count):
        name = ("ana", "ben")[number % 2]
        ledger.record(signed(name, subject_key=f"s{number}"), KEYS[name], reviewers())


def lines(checkpoints: Path) -> list[str]:
    return checkpoints.read_text().splitlines()


def is_refused(ledger: DecisionLedger, match: str = "") -> None:
    """Nothing can be read off it, recorded in it or sealed."""
    head, sealed = ledger.head(), ledger.checkpoints.path
    before = sealed.read_bytes() if sealed.exists() else None
    with pytest.raises(LedgerTampered, match=match):
        ledger.verify(reviewers())
    with pytest.raises(LedgerTampered, match=match):
        ledger.record(signed(subject_key="new"), ANA, reviewers())
    with pytest.raises(LedgerTampered, match=match):
        ledger.seal(ANA, reviewers())
    assert ledger.head() == head
    assert (sealed.read_bytes() if sealed.exists() else None) == before


# ---------------------------------------------------------------------------------------- recording


def test_what_is_recorded_is_read_back_in_order_and_sealed(ledger: DecisionLedger) -> None:
    first = ledger.record(signed("ana"), ANA, reviewers())
    rest = ledger.record_many(
        [signed("ben", subject_key="b"), signed("ben", gate=SOFT)], KEYS["ben"], reviewers()
    )

    assert [*ledger.records()] == [first, *rest]
    assert [*ledger.records(gate=SOFT)] == [rest[1]]
    assert [*ledger.records(after=1, until=2)] == [rest[0]]
    found = ledger.verify(reviewers())
    assert found.head == ledger.head() == Head(3, rest[1].digest)
    sealed = ledger.checkpoints.read()
    assert [(item.position, item.signer_id) for item in sealed] == [
        (0, "ana"),
        (1, "ana"),
        (3, "ben"),
    ]
    assert found.sealed == sealed[-1].position


def test_a_decision_is_recorded_once(ledger: DecisionLedger) -> None:
    made = signed()
    first = ledger.record(made, ANA, reviewers())

    assert ledger.record(made, ANA, reviewers()) == first
    assert ledger.head().position == 1
    other = signed(decision_id=made.decision.decision_id, reasons=("Otherwise.",))
    with pytest.raises(IdempotencyConflict):
        ledger.record(other, ANA, reviewers())


def test_what_is_not_signed_by_its_reviewer_is_not_recorded(ledger: DecisionLedger) -> None:
    by_another = signed("ana").model_copy(update={"signature": signed("ben").signature})

    with pytest.raises(ReviewError, match="another signature"):
        ledger.record_many([signed(), by_another], ANA, reviewers())
    with pytest.raises(ReviewError, match="public half"):
        ledger.record(signed(), KEYS["stranger"], reviewers())
    assert ledger.head() == Head(0, None)
    assert not ledger.checkpoints.path.exists()


@pytest.mark.parametrize("field", ["decided_at", "expires_at"])
def test_a_moment_that_no_clock_tells_is_not_recorded(ledger: DecisionLedger, field: str) -> None:
    moments = {"decided_at": "1969-12-31T23:59:59Z", "expires_at": "9999-12-31T23:59:59-12:00"}

    with pytest.raises(ReviewError, match="moments from 1970 to 9000"):
        ledger.record_many([signed(), signed(**{field: moments[field]})], ANA, reviewers())
    assert ledger.head() == Head(0, None)


def test_looking_for_a_ledger_makes_none(url: str, checkpoints: Path) -> None:
    assert DecisionLedger.existing(url, checkpoints) is None
    assert not checkpoints.parent.exists()
    if url.startswith("sqlite"):
        assert not Path(url.removeprefix("sqlite:///")).exists()
    else:
        assert tables(url) == set()


def test_a_seal_vouches_for_what_others_decided(ledger: DecisionLedger) -> None:
    filled(ledger)

    sealed = ledger.seal(KEYS["dora"], reviewers())

    assert (sealed.position, sealed.signer_id) == (RECORDS, "dora")
    assert ledger.verify(reviewers()).checkpoints == RECORDS + 2
    # Whoever sealed before may leave.
    only_dora = Reviewers(reviewers=(reviewers().by_id["dora"],))
    assert ledger.verify(only_dora).head.position == RECORDS


@pytest.mark.parametrize("key", [None, KEYS["stranger"].public_key])
def test_who_sealed_last_and_is_gone_comes_back_until_another_sealed(
    ledger: DecisionLedger, key: str | None
) -> None:
    """No copy verifies then: every one of them ends with their signature, or before a decision."""
    ledger.record(signed("dora"), KEYS["dora"], reviewers())
    changed = reviewers(dora={"public_key": key} if key else {}).reviewers
    gone = Reviewers(reviewers=tuple(one for one in changed if key or one.id != "dora"))

    for act in (
        lambda: ledger.verify(gone),
        lambda: ledger.seal(KEYS["ben"], gone),
        lambda: ledger.record(signed("ben", subject_key="b"), KEYS["ben"], gone),
    ):
        with pytest.raises(LedgerTampered) as refused:
            act()
        assert "put them or the old key back" in refused.value.remedy
        assert "aina review seal" in refused.value.remedy

    ledger.seal(KEYS["ben"], reviewers())
    assert ledger.verify(gone).sealed == 1


# ------------------------------------------------------------------------ tampering with the ledger


@pytest.fixture
def open_database(ledger: DecisionLedger, url: str) -> str:
    """The database of a filled ledger, with nothing that stands in the way of changes."""
    filled(ledger)
    if url.startswith("sqlite"):
        execute(url, *(f"DROP TRIGGER {JOURNAL}_{name}" for name in ("update", "delete", "insert")))
    else:
        execute(url, f"ALTER TABLE {JOURNAL} DISABLE TRIGGER USER")
    return url


def reworded(url: str, position: int, old: str, new: str) -> None:
    said = f"entry = replace(entry, '{old}', '{new}')"
    execute(url, f"UPDATE {JOURNAL} SET {said} WHERE position = {position}")


def edit(url: str) -> None:
    reworded(url, 3, "approve", "reject")


def one_byte(url: str) -> None:
    reworded(url, 1, "holds.", "holds,")


def reorder(url: str) -> None:
    execute(
        url,
        f"UPDATE {JOURNAL} SET position = 100 WHERE position = 2",
        f"UPDATE {JOURNAL} SET position = 2 WHERE position = 3",
        f"UPDATE {JOURNAL} SET position = 3 WHERE position = 100",
    )


def cut_off(url: str) -> None:
    execute(url, f"DELETE FROM {JOURNAL} WHERE position > 4")


def cut_out(url: str) -> None:
    rewritten(url, lambda rows: rows[:2] + rows[3:])


def put_in(url: str) -> None:
    made = signed("ana", subject_key="put in")
    rewritten(url, lambda rows: [*rows[:3], row_of(made.model_dump(mode="json")), *rows[3:]])


def suffix_made_anew(url: str) -> None:
    """With genuine signatures, as whoever holds a reviewer's key could."""
    made = signed("ana", "reject", subject_key="s4")
    rewritten(url, lambda rows: [*rows[:4], row_of(made.model_dump(mode="json")), *rows[5:]])


def cut_off_and_grown_again(url: str) -> None:
    more = [signed("ana", subject_key=f"more {number}") for number in range(5)]
    new = [row_of(made.model_dump(mode="json")) for made in more]
    rewritten(url, lambda rows: [*rows[:4], *new])


def all_made_anew(url: str) -> None:
    rewritten(url, lambda rows: list(reversed(rows)))


def emptied(url: str) -> None:
    execute(url, f"DELETE FROM {JOURNAL}")


def unsigned_tail(url: str) -> None:
    """A decision nobody made, in a chain that holds."""
    forged = signed("ben", subject_key="forged").model_dump(mode="json")
    forged["decision"]["reviewer_id"] = "ana"
    rewritten(url, lambda rows: [*rows, row_of(forged)])


def no_decision(url: str) -> None:
    rewritten(url, lambda rows: [*rows, row_of({"decision": {"gate": "x", "decision_id": "y"}})])


Row = dict[str, Any]


def row_of(document: Row) -> Row:
    said = document["decision"]
    return {
        "stream": said["gate"],
        "entry_key": said["decision_id"],
        "entry": canonical_json(document),
        "recorded_at": "2030-01-01T00:00:00.000000+00:00",
    }


def rewritten(url: str, change: Callable[[list[Row]], list[Row]]) -> None:
    """The ledger with other records, in a chain that holds."""
    with database(url) as connection:
        table = sa.Table(JOURNAL, sa.MetaData(), autoload_with=connection)
        rows = [
            dict(row._mapping) for row in connection.execute(table.select().order_by("position"))
        ]
        connection.execute(table.delete())
        previous, earliest = None, ""
        for position, row in enumerate(change(rows), start=1):
            earliest = max(earliest, row["recorded_at"])
            content = {
                "position": position,
                "stream": row["stream"],
                "entry_key": row["entry_key"],
                "recorded_at": earliest,
                "entry": row["entry"],
                "previous_digest": previous,
            }
            previous = digest_of_json(content)
            connection.execute(table.insert(), content | {"digest": previous})


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (edit, "position 3 of"),
        (one_byte, "position 1 of"),
        (reorder, "position 2 of"),
        (cut_off, "position 5 of"),
        (cut_off_and_grown_again, "position 6 of"),
        (cut_out, "position 6 of"),
        (put_in, "position 6 of"),
        (suffix_made_anew, "position 6 of"),
        (all_made_anew, "position 6 of"),
        (emptied, "position 1 of"),
        (unsigned_tail, "position 7 of"),
        (no_decision, "position 7 of"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_tampered_ledger_is_named_and_takes_nothing_more(
    ledger: DecisionLedger, open_database: str, tamper: Callable[[str], None], where: str
) -> None:
    assert ledger.verify(reviewers()).head.position == RECORDS

    tamper(open_database)

    is_refused(ledger, where)


def test_a_ledger_that_is_gone_is_named_and_none_takes_its_place(
    ledger: DecisionLedger, url: str, checkpoints: Path
) -> None:
    filled(ledger)
    ledger.close()
    if url.startswith("sqlite"):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("ledger.db*"):
            path.unlink()
    else:
        execute(url, f"DROP TABLE {JOURNAL}, {JOURNAL}_schema CASCADE")
        execute(url, f"DROP FUNCTION {JOURNAL}_refuse, {JOURNAL}_require_next")

    with pytest.raises(LedgerTampered, match="restore the ledger"):
        DecisionLedger.existing(url, checkpoints)
    with DecisionLedger.open(url, checkpoints) as anew:
        is_refused(anew, "position 1 of")


# ------------------------------------------------------------------- tampering with the checkpoints


def test_checkpoints_that_are_gone_are_missed(ledger: DecisionLedger, checkpoints: Path) -> None:
    filled(ledger, 2)
    kept = checkpoints.read_bytes()
    checkpoints.unlink()

    is_refused(ledger, "none, although there are decisions")

    checkpoints.write_bytes(kept)
    assert ledger.verify(reviewers()).sealed == 2


def resigned(line: str, key: ReviewerKey, **changed: Any) -> str:
    """A line as someone else would have written it."""
    made = Checkpoint.model_validate(json.loads(line) | changed)
    content = made.model_dump(mode="json", exclude={"signature"})
    signature = key.sign("checkpoint 1", content)
    return canonical_json({**content, "signature": signature})


def other_digest(found: list[str]) -> list[str]:
    return [*found[:2], found[2].replace('"position":2', '"position":1'), *found[3:]]


def left_out(found: list[str]) -> list[str]:
    return [*found[:2], *found[3:]]


def first_left_out(found: list[str]) -> list[str]:
    return found[1:]


def swapped(found: list[str]) -> list[str]:
    return [found[0], found[2], found[1], *found[3:]]


def signed_by_another(found: list[str]) -> list[str]:
    return [*found[:2], resigned(found[2], KEYS["ana"], signer_id="ana"), *found[3:]]


def last_of_a_stranger(found: list[str]) -> list[str]:
    return [*found[:-1], resigned(found[-1], KEYS["stranger"], signer_id="stranger")]


def last_forged(found: list[str]) -> list[str]:
    return [*found[:-1], resigned(found[-1], KEYS["stranger"])]


def last_changed(found: list[str]) -> list[str]:
    return [*found[:-1], found[-1].replace('"position":4', '"position":3')]


def last_of_another_ledger(found: list[str]) -> list[str]:
    return [*found[:-1], resigned(found[-1], KEYS["ben"], head_digest="0" * 64)]


def beyond_the_end(found: list[str]) -> list[str]:
    return [*found[:-1], resigned(found[-1], KEYS["ben"], position=9)]


def lower_again(found: list[str]) -> list[str]:
    return [*found[:-1], resigned(found[-1], KEYS["ben"], position=1)]


def no_json(found: list[str]) -> list[str]:
    return [*found[:2], "nothing", *found[3:]]


def nested_too_deeply(found: list[str]) -> list[str]:
    return [*found[:2], "[" * 100_000 + "]" * 100_000, *found[3:]]


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (other_digest, "line 4 of"),
        (left_out, "line 3 of"),
        (first_left_out, "line 1 of"),
        (swapped, "line 2 of"),
        (signed_by_another, "line 4 of"),
        (last_of_a_stranger, "line 5 of"),
        (last_forged, "line 5 of"),
        (last_changed, "line 5 of"),
        (last_of_another_ledger, "position 4 of"),
        (beyond_the_end, "position 5 of"),
        (lower_again, "line 5 of"),
        (no_json, "line 3 of"),
        (nested_too_deeply, "line 3 of"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_tampered_checkpoint_is_named_and_nothing_is_added(
    ledger: DecisionLedger,
    checkpoints: Path,
    tamper: Callable[[list[str]], list[str]],
    where: str,
) -> None:
    filled(ledger, 4)
    found = lines(checkpoints)
    changed = tamper(found)
    assert changed != found
    checkpoints.write_text("".join(f"{line}\n" for line in changed))

    is_refused(ledger, where)


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_torn_last_line_costs_only_itself(
    ledger: DecisionLedger, checkpoints: Path, kept: int
) -> None:
    filled(ledger, 3)
    whole = lines(checkpoints)
    checkpoints.write_text("".join(f"{line}\n" for line in whole[:-1]) + (whole[-1] + "\n")[:kept])

    found = ledger.verify(reviewers())
    assert (found.head.position, found.sealed) == (3, 2)

    ledger.record(signed(subject_key="next"), ANA, reviewers())
    assert [item.position for item in ledger.checkpoints.read()] == [0, 1, 2, 4]
    assert ledger.verify(reviewers()).sealed == 4


def test_what_was_recorded_when_the_power_went_is_covered_by_the_next_checkpoint(
    ledger: DecisionLedger, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(ledger, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "add", _power_cut)
        with pytest.raises(LedgerError, match="power"):
            ledger.record(signed(subject_key="unsealed"), ANA, reviewers())
    assert ledger.verify(reviewers()).sealed == 1

    sealed = ledger.seal(KEYS["ben"], reviewers())

    assert sealed.position == ledger.head().position == 2


def _power_cut(*_: object) -> None:
    raise LedgerError(expected="power", found="none", where="here", remedy="wait")


def test_checkpoints_that_cannot_be_written_are_an_error(
    ledger: DecisionLedger, checkpoints: Path
) -> None:
    filled(ledger, 1)
    checkpoints.unlink()
    checkpoints.mkdir()

    with pytest.raises(LedgerError, match="checkpoints"):
        ledger.record(signed(subject_key="b"), ANA, reviewers())
    assert ledger.head().position == 1
