"""The learner event ledger: what happened to learners, in a journal of its own.

Belongs here: events as entries of a journal and back, and when an event is the same as one that is
recorded. Stays out: how entries are kept and proved unaltered (``warehouse.journal``), where the
ledger is (``warehouse.settings``), what the events amount to (``replay``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Self

from pydantic import ValidationError

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError
from aina_assets.contracts.learner import LearnerEvent, LearnerId, RecordedEvent
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.journal import (
    BATCH,
    Entry,
    Head,
    Journal,
    NewEntry,
    canonical_json,
)

JOURNAL = "learner_events"


class Ledger:
    """An open ledger; threads may share it, processes open their own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """The ledger at ``url``, made where there is none.

        Args:
            url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
            clock: tells an aware time, for ``recorded_at``.

        Raises:
            LedgerError: no such database, it cannot be opened, or a newer version made the ledger.
        """
        return cls(Journal.open(url, JOURNAL, clock=clock))

    def close(self) -> None:
        """Let go of the database."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, event: LearnerEvent) -> RecordedEvent:
        """Record ``event``, or find it recorded; it is on disk when this returns.

        Raises:
            IdempotencyConflict: the learner's key is taken by an event with other content.
            LedgerError: it cannot be kept as JSON, or the database refused. After the latter it is
                unknown whether it was recorded; to append it again is safe.
        """
        return self.append_many([event])[0]

    def append_many(self, events: Iterable[LearnerEvent]) -> list[RecordedEvent]:
        """Record all of ``events`` in order, or none of them; see ``append``."""
        wanted = [_as_recorded_text(event) for event in events]
        entries = self._journal.append_many(
            (
                NewEntry(event.learner_id, _key_of(event.learner_id, event.idempotency_key), text)
                for event, text in wanted
            ),
            same=_is_same,
        )
        return [
            recorded_event(entry, event if entry.text == text else None)
            for entry, (event, text) in zip(entries, wanted, strict=True)
        ]

    def find(self, learner_id: LearnerId, idempotency_key: str) -> RecordedEvent | None:
        """What the learner has recorded under a key; none where it is free.

        Raises:
            LedgerError: the record cannot be read.
        """
        entry = self._journal.find(_key_of(learner_id, idempotency_key))
        return recorded_event(entry) if entry is not None else None

    def head(self) -> Head:
        """The last record's position and digest."""
        return self._journal.head()

    def events(
        self,
        learner_id: LearnerId | None = None,
        until: datetime | int | None = None,
        after_position: int = 0,
        batch: int = BATCH,
    ) -> Iterator[RecordedEvent]:
        """What is recorded when the first event is asked for, in order.

        Args:
            learner_id: of this learner alone.
            until: no further than this time of recording, or this position.
            after_position: only later ones.
            batch: events held in memory at once.

        Raises:
            LedgerError: ``until`` has no time zone, ``batch`` is none, or a record cannot be read.
        """
        return map(recorded_event, self._journal.entries(learner_id, until, after_position, batch))

    def verify(
        self, expected_head: tuple[int, str | None] | None = None, batch: int = BATCH
    ) -> Head:
        """Walk the whole chain; see ``Journal.verify``.

        Raises:
            LedgerTampered: names the first position that is not as it was recorded.
        """
        return self._journal.verify(expected_head, batch)


def _as_recorded_text(event: LearnerEvent) -> tuple[LearnerEvent, str]:
    """``event`` in UTC as it will be read back, and its canonical JSON."""
    try:
        text = _canonical(event)
        return LearnerEvent.model_validate_json(text.encode()), text
    except ValueError as error:
        found = str(error)
        if isinstance(error, ValidationError):
            fault = error.errors()[0]
            found = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        # Not from the error: pydantic's quotes what the event says.
        raise LedgerError(
            expected="an event that JSON can hold: finite figures, text in Unicode",
            found=found,
            where=f"event {event.event_id}",
            remedy="mend the event; nothing was recorded",
        ) from None


def _canonical(event: LearnerEvent) -> str:
    in_utc = event.model_copy(update={"occurred_at": event.occurred_at.astimezone(UTC)})
    return canonical_json(in_utc.model_dump(mode="json"))


def _key_of(learner_id: str, idempotency_key: str) -> str:
    return digest_of_json([learner_id, idempotency_key])


def recorded_event(entry: Entry, event: LearnerEvent | None = None) -> RecordedEvent:
    """``entry`` as the event it holds.

    Args:
        entry: of the journal.
        event: what its text says, where that is at hand.

    Raises:
        LedgerError: the text is no event.
    """
    try:
        return RecordedEvent(
            position=entry.position,
            event=event or LearnerEvent.model_validate_json(entry.text),
            recorded_at=datetime.fromisoformat(entry.recorded_at),
            previous_digest=entry.previous_digest,
            digest=entry.digest,
        )
    except ValueError as error:
        raise LedgerError(
            expected="an event as its contract describes",
            found=type(error).__name__,
            where=f"position {entry.position}",
            remedy="verify the ledger; if it is whole, a newer version of aina-assets wrote this",
        ) from None


def _is_same(entry: Entry, new: NewEntry) -> bool:
    if entry.text == new.text:
        return True
    # Of the record as it is read today: a field that the contract has gained is no difference.
    recorded = recorded_event(entry).event
    ours, theirs = json.loads(new.text), json.loads(_canonical(recorded))
    differing = [
        name for name in ours if digest_of_json(ours[name]) != digest_of_json(theirs[name])
    ]
    if not differing:
        return True
    raise IdempotencyConflict(
        expected=f"event {recorded.event_id} again, as recorded at position {entry.position}",
        found=f"event {ours['event_id']}, which differs in {', '.join(differing)}",
        where=f"learner {new.stream}, idempotency key {ours['idempotency_key']!r}",
        remedy="repeat an event unchanged; give another event a key of its own",
    )
