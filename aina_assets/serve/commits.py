"""A ledger that many threads of one server share: they record together, and read little twice.

Belongs here: gathering what several threads record into one transaction, and remembering the last
events of learners who are here. Stays out: what a ledger is, and every promise it makes
(``learner.ledger``): each request still has its own events recorded all or not at all, on disk when
it is answered; and whoever else writes to the same ledger is seen at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from aina_assets.contracts.errors import IdempotencyConflict
from aina_assets.contracts.learner import LearnerEvent, LearnerId, RecordedEvent
from aina_assets.learner.ledger import Ledger
from aina_assets.warehouse.journal import BATCH, Journal

KEPT_LEARNERS = 1024
KEPT_EVENTS = 4
"""Of a learner; enough for one who comes back before others push them out."""


@dataclass
class _Group:
    """Events of one request, and what became of them."""

    events: list[LearnerEvent]
    records: list[RecordedEvent] = field(default_factory=list)
    error: Exception | None = None
    is_done: bool = False


class _Tail(NamedTuple):
    """All events of a learner after a position."""

    after: int
    records: tuple[RecordedEvent, ...]

    def then(self, record: RecordedEvent) -> _Tail:
        """With one more; the oldest may go."""
        records = (*self.records, record)
        if len(records) <= KEPT_EVENTS:
            return _Tail(self.after, records)
        return _Tail(records[0].position, records[1:])


class SharedLedger(Ledger):
    """A ledger for the threads of one server."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._door = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Group] = []
        # Tails are whole up to this position; what anyone else wrote after it makes them void.
        self._known_to = 0
        self._tails: dict[str, _Tail] = {}

    def append_many(self, events: Iterable[LearnerEvent]) -> list[RecordedEvent]:
        """Record all of ``events`` in order, or none of them; see ``Ledger.append_many``.

        Whoever's turn it is records for everyone who came in the meantime.
        """
        group = _Group(list(events))
        with self._door:
            self._waiting.append(group)
        with self._turn:
            if not group.is_done:
                with self._door:
                    groups, self._waiting = self._waiting, []
                self._record(groups)
        if group.error is not None:
            raise group.error
        return group.records

    def events(
        self,
        learner_id: LearnerId | None = None,
        until: datetime | int | None = None,
        after_position: int = 0,
        batch: int = BATCH,
    ) -> Iterator[RecordedEvent]:
        """What is recorded when the first event is asked for, in order; see ``Ledger.events``."""
        if learner_id is None or until is not None:
            return super().events(learner_id, until, after_position, batch)
        return self._events_after(learner_id, after_position, batch)

    def _events_after(self, learner_id: str, after: int, batch: int) -> Iterator[RecordedEvent]:
        head = self.head().position
        if head > self._known_to:
            # It may be one of ours, just recorded and not remembered yet.
            with self._turn:
                pass
        with self._door:
            if head > self._known_to:
                self._forget(head)
            tail = self._tails.get(learner_id)
        if tail is not None and tail.after <= after:
            yield from (record for record in tail.records if record.position > after)
            return
        last: deque[RecordedEvent] = deque(maxlen=KEPT_EVENTS + 1)
        for record in super().events(learner_id, None, after, batch):
            last.append(record)
            yield record
        records = tuple(last)
        if len(records) > KEPT_EVENTS:
            after, records = records[0].position, records[1:]
        with self._door:
            # Where the ledger has grown since, one of the new events may be the learner's.
            if self._known_to == head and (not records or records[-1].position <= head):
                self._keep(learner_id, _Tail(after, records))

    def _record(self, groups: list[_Group]) -> None:
        try:
            records = iter(super().append_many(one for group in groups for one in group.events))
            for group in groups:
                group.records = [next(records) for _ in group.events]
            self._remember([record for group in groups for record in group.records])
        except IdempotencyConflict as error:
            if len(groups) == 1:
                groups[0].error = error
            else:
                # None of them was recorded, and only some are to blame.
                for group in groups:
                    self._record([group])
        except Exception as error:
            for group in groups:
                group.error = error
        finally:
            for group in groups:
                group.is_done = True

    def _remember(self, records: list[RecordedEvent]) -> None:
        """What was just recorded follows on what is known, unless others recorded in between."""
        with self._door:
            for record in sorted(records, key=lambda record: record.position):
                if record.position <= self._known_to:
                    continue
                if record.position > self._known_to + 1:
                    self._forget(record.position - 1)
                learner = record.event.learner_id
                tail = self._tails.get(learner) or _Tail(record.position - 1, ())
                self._keep(learner, tail.then(record))
                self._known_to = record.position

    def _keep(self, learner_id: str, tail: _Tail) -> None:
        self._tails.pop(learner_id, None)
        self._tails[learner_id] = tail
        if len(self._tails) > KEPT_LEARNERS:
            del self._tails[next(iter(self._tails))]

    def _forget(self, known_to: int) -> None:
        self._tails.clear()
        self._known_to = known_to
