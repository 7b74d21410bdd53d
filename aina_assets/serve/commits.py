"""Recording together: requests that record at the same moment wait for the disk once.

Belongs here: gathering what several threads record into one transaction. Stays out: what a ledger
is, and every promise it makes (``learner.ledger``): each request still has its own events recorded
all or not at all, and on disk when it is answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from aina_assets.contracts.errors import IdempotencyConflict
from aina_assets.contracts.learner import LearnerEvent, RecordedEvent
from aina_assets.learner.ledger import Ledger


@dataclass
class _Group:
    """Events of one request, and what became of them."""

    events: list[LearnerEvent]
    records: list[RecordedEvent] = field(default_factory=list)
    error: Exception | None = None
    is_done: bool = False


class SharedLedger(Ledger):
    """A ledger whose threads record together."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        super().__init__(engine, clock)
        self._door = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Group] = []

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

    def _record(self, groups: list[_Group]) -> None:
        try:
            records = iter(super().append_many(one for group in groups for one in group.events))
            for group in groups:
                group.records = [next(records) for _ in group.events]
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
