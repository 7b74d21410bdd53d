"""The watch: looks into the review ledger of now, for whoever serves a release made earlier.

Belongs here: reading what is decided at the boundaries of production, again and again, without
anybody waiting for it. Stays out: what a look closes (``boundary``).

The looks are made in a thread of their own. A database that hangs hangs that thread alone: a look
that is too old says nothing any more, and what nobody can look up is closed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from upath import UPath

from aina_assets.contracts.errors import LedgerTampered
from aina_assets.release.boundary import GATE, Look
from aina_assets.review.checkpoints import checkpoints_path
from aina_assets.review.ledger import JOURNAL, DecisionLedger
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import Found, from_ledger, from_lines
from aina_assets.warehouse.journal import Head
from aina_assets.warehouse.settings import ledger_url
from aina_assets.warehouse.store import Store

LOOK_SECONDS = 5.0
"""How often the ledger is looked into, at most."""
ANSWER_SECONDS = 5.0
"""How long a look may take."""

_RECORDED = "recorded_decisions"
_NO_HEAD = Head(0, None)

_log = logging.getLogger(__name__)


class LedgerWatch:
    """What the review ledger says now, for any number of threads; a call is a ``Look``.

    Nothing is read before the first call, which waits for the first look; no call after it waits.

    Args:
        root: the warehouse root.
        url: of the ledger that the graph reads; by default the warehouse's.
        checkpoints: their file; by default the warehouse's.
        look_seconds: from one look to the next; by default ``LOOK_SECONDS``.
        answer_seconds: for one look; by default ``ANSWER_SECONDS``.
        clock: tells seconds that only rise.
    """

    def __init__(
        self,
        root: Path,
        *,
        url: str = "",
        checkpoints: Path | None = None,
        look_seconds: float | None = None,
        answer_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = Store(UPath(root))
        self._url = url or ledger_url(root)
        self._checkpoints = checkpoints or checkpoints_path(root)
        self._look_seconds = LOOK_SECONDS if look_seconds is None else look_seconds
        self._answer_seconds = ANSWER_SECONDS if answer_seconds is None else answer_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: tuple[float, Look] | None = None
        # Of the thread alone.
        self._seen = _NO_HEAD
        self._recorded: tuple[str, tuple[Found, ...]] = ("", ())
        self._fault: str | None = None

    def __call__(self) -> Look:
        """The last look, if it is not too old to say anything."""
        if self._stop.is_set():
            return Look(fault="the review ledger is not looked into any more")
        with self._lock:
            is_first = self._thread is None
            if is_first:
                self._thread = threading.Thread(target=self._run, name="ledger-watch", daemon=True)
                self._thread.start()
        if is_first:
            self._answered.wait(self._answer_seconds)
        last = self._last
        if last is None or self._clock() - last[0] > self._look_seconds + self._answer_seconds:
            return Look(fault=f"the review ledger gave no answer in {self._answer_seconds:g} s")
        return last[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; one that hangs in a database is left behind and keeps nothing alive."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join(self._answer_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = self._clock()
            look = self._look()
            self._last = (began, look)
            self._answered.set()
            self._stop.wait(max(0.0, began + self._look_seconds - self._clock()))

    def _look(self) -> Look:
        try:
            look = self._read()
        except Exception as error:
            # Neither places nor messages: whoever asks from elsewhere is told this.
            kind = type(error).__name__
            is_tampered = isinstance(error, LedgerTampered)
            look = Look(
                fault="the review ledger is not what was recorded"
                if is_tampered
                else f"the review ledger cannot be read: {kind}"
            )
            said = f"{kind}: {error}"
            if said != self._fault:
                _log.error("every boundary is closed, no look into the ledger: %s", said)
            self._fault = said
        else:
            if self._fault is not None:
                _log.info("the review ledger can be looked into again")
            self._fault = None
        return look

    def _read(self) -> Look:
        gates, reviewers = ReviewGates.load(), Reviewers.load()
        found = self._of_sample()
        ledger = DecisionLedger.existing(self._url, self._checkpoints)
        if ledger is None:
            if self._seen != _NO_HEAD:
                raise _shrunk(self._seen, "no ledger")
            return Look(found, gates, reviewers)
        with ledger:
            head = ledger.verify(reviewers).head
            self._require_grown(ledger, head)
            made = from_ledger(ledger.records(GATE, until=head.position))
            look = Look((*found, *made), gates, reviewers)
        self._seen = head
        return look

    def _of_sample(self) -> tuple[Found, ...]:
        """Decisions that are recorded in a file, as the last build took them in."""
        record = self._store.record(_RECORDED)
        if record is None:
            return ()
        if self._recorded[0] != record.data_version:
            rows = self._store.open_snapshot(record).to_pylist()
            found = tuple(item for item in from_lines(rows) if item.signed.decision.gate == GATE)
            self._recorded = (record.data_version, found)
        return self._recorded[1]

    def _require_grown(self, ledger: DecisionLedger, head: Head) -> None:
        """Of two looks the later one sees all that the earlier one saw."""
        if self._seen == _NO_HEAD:
            return
        at = self._seen.position
        if head.position < at:
            raise _shrunk(self._seen, f"the last is at {head.position}")
        (record,) = ledger.records(after=at - 1, until=at)
        if record.digest != self._seen.digest:
            raise _shrunk(self._seen, f"digest {record.digest} there")


def _shrunk(seen: Head, found: str) -> LedgerTampered:
    return LedgerTampered(
        expected=f"a ledger with the record of digest {seen.digest} at position {seen.position}",
        found=found,
        where=JOURNAL,
        remedy="restore the ledger from a copy that verifies",
    )
