"""The watch: looks into the review ledger of now, for whoever serves a release made earlier.

Belongs here: reading what is decided at the boundaries of production, and what they are by now,
again and again, without anybody waiting for it. Stays out: what a look closes (``boundary``).

The looks are made in a thread of their own. A database that hangs hangs that thread alone: a look
that does not end says nothing any more, nor does the one before it, and what nobody can look up is
closed. A look walks the whole ledger, and takes as long as that takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from upath import UPath

from aina_assets.contracts.errors import LedgerTampered
from aina_assets.release.boundary import GATE, KIND, Look
from aina_assets.review.checkpoints import checkpoints_path
from aina_assets.review.ledger import JOURNAL, DecisionLedger
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import Found, from_ledger, from_lines
from aina_assets.warehouse.journal import Head
from aina_assets.warehouse.settings import ledger_url
from aina_assets.warehouse.store import Store

LOOK_SECONDS = 5.0
"""From the end of a look to the next."""
ANSWER_SECONDS = 5.0
"""How long whoever asks first waits for the first look."""
HANG_SECONDS = 30.0
"""How long a look may take: one that takes longer is taken to hang."""

_RECORDED = "recorded_decisions"
_DOMAINS = "production_domains"
_NO_HEAD = Head(0, None)

_log = logging.getLogger(__name__)


class LedgerWatch:
    """What the review ledger says now, for any number of threads; a call is a ``Look``.

    Nothing is read before the first call, which waits for the first look; no call after it waits.

    Args:
        root: the warehouse root.
        url: of the ledger that the graph reads; by default the warehouse's.
        checkpoints: their file; by default the warehouse's.
        look_seconds: from the end of a look to the next; by default ``LOOK_SECONDS``.
        answer_seconds: that the first call waits; by default ``ANSWER_SECONDS``.
        hang_seconds: for one look; by default ``HANG_SECONDS``.
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
        hang_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = Store(UPath(root))
        self._url = url or ledger_url(root)
        self._checkpoints = checkpoints or checkpoints_path(root)
        self._look_seconds = LOOK_SECONDS if look_seconds is None else look_seconds
        self._answer_seconds = ANSWER_SECONDS if answer_seconds is None else answer_seconds
        self._hang_seconds = HANG_SECONDS if hang_seconds is None else hang_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: tuple[float, Look] | None = None
        # Of the thread alone.
        self._seen = _NO_HEAD
        self._recorded: tuple[str, tuple[Found, ...]] = ("", ())
        self._domains: tuple[str, Mapping[str, str]] = ("", {})
        self._fault: str | None = None

    def __call__(self) -> Look:
        """The last look, if the one after it is not overdue."""
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
        if last is None:
            return Look(fault="the review ledger gave no answer yet: the first look goes on")
        if self._clock() - last[0] > self._look_seconds + self._hang_seconds:
            return Look(fault=f"the review ledger gave no answer in {self._hang_seconds:g} s")
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
            look = self._look()
            # From its end: what a look takes is for the size of the ledger to say.
            self._last = (self._clock(), look)
            self._answered.set()
            self._stop.wait(self._look_seconds)

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
        subjects = self._subjects()
        ledger = DecisionLedger.existing(self._url, self._checkpoints)
        if ledger is None:
            if self._seen != _NO_HEAD:
                raise _shrunk(self._seen, "no ledger")
            return Look(found, gates, reviewers, subjects)
        with ledger:
            head = ledger.verify(reviewers).head
            self._require_grown(ledger, head)
            made = from_ledger(ledger.records(GATE, until=head.position))
            look = Look((*found, *made), gates, reviewers, subjects)
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

    def _subjects(self) -> Mapping[str, str] | None:
        """Digests of the boundaries as the last build found them; none where nothing was built."""
        record = self._store.record(_DOMAINS)
        if record is None:
            return None
        if self._domains[0] != record.data_version:
            rows = self._store.open_snapshot(record).to_pylist()
            digests = {
                row["subject_key"]: row["subject_digest"]
                for row in rows
                if (row["gate"], row["subject_kind"]) == (GATE, KIND)
            }
            self._domains = (record.data_version, digests)
        return self._domains[1]

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
