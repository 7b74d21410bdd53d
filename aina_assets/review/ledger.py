"""The decision ledger: what reviewers decided, in a journal of its own, sealed by checkpoints.

Belongs here: recording signed decisions, reading them back, and proving that nothing was edited,
moved, put in, cut off or deleted. Stays out: whether a decision counts (``reading``, ``gates``) and
whether it may be made (``desk``).

A hash chain alone does not show that its tail was cut off or made anew, so checkpoints outside the
database say where it ended. A ledger that is not what they say takes nothing more: no decision, no
checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from aina_assets.contracts.errors import LedgerMoved, LedgerTampered, ReviewError
from aina_assets.contracts.review import (
    EARLIEST,
    LATEST,
    Decision,
    RecordedDecision,
    SignedDecision,
)
from aina_assets.review.checkpoints import Checkpoint, Checkpoints, checkpoints_path
from aina_assets.review.policy import Reviewer, Reviewers
from aina_assets.review.signing import ReviewerKey, verify
from aina_assets.warehouse.journal import Entry, Head, Journal, NewEntry, canonical_json
from aina_assets.warehouse.settings import ledger_url

JOURNAL = "decisions"

_ATTEMPTS = 20


@dataclass(frozen=True)
class Verified:
    """A ledger that was walked and found to be what its checkpoints say.

    Attributes:
        head: its last record.
        checkpoints: how many there are.
        sealed: the last checkpoint's position.
    """

    head: Head
    checkpoints: int
    sealed: int


class DecisionLedger:
    """An open ledger and its checkpoints; threads may share it, processes open their own."""

    def __init__(
        self, journal: Journal, checkpoints: Checkpoints, clock: Callable[[], datetime]
    ) -> None:
        self._journal = journal
        self.checkpoints = checkpoints
        self._clock = clock

    @classmethod
    def open(
        cls,
        url: str = "",
        checkpoints: Path | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """The ledger at ``url``, made where there is none.

        Args:
            url: ``sqlite:///path`` or ``postgresql+psycopg://…``; by default the warehouse's.
            checkpoints: the file of checkpoints; by default the warehouse's.
            clock: tells an aware time.

        Raises:
            LedgerError: no such database, it cannot be opened, or a newer version made it.
        """
        journal = Journal.open(url or ledger_url(), JOURNAL, clock=clock)
        return cls(journal, Checkpoints(checkpoints or checkpoints_path()), clock)

    @classmethod
    def existing(cls, url: str = "", checkpoints: Path | None = None) -> Self | None:
        """The ledger at ``url``; none where nothing was ever decided, and none is made.

        Raises:
            LedgerTampered: checkpoints tell of decisions, and there is no ledger.
            LedgerError: as ``open``.
        """
        place = url or ledger_url()
        file = Checkpoints(checkpoints or checkpoints_path())
        sealed = file.read()
        journal = Journal.existing(place, JOURNAL)
        if journal is not None:
            return cls(journal, file, lambda: datetime.now(UTC))
        if sealed and sealed[-1].position:
            raise LedgerTampered(
                expected=f"a ledger of {sealed[-1].position} record(s), as {file.path} says",
                found="none",
                where=JOURNAL,
                remedy="restore the ledger from a copy that verifies",
            )
        return None

    def close(self) -> None:
        """Let go of the database."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(
        self, signed: SignedDecision, key: ReviewerKey, reviewers: Reviewers
    ) -> RecordedDecision:
        """Record ``signed``, or find it recorded; see ``record_many``."""
        return self.record_many([signed], key, reviewers)[0]

    def record_many(
        self, signed: Sequence[SignedDecision], key: ReviewerKey, reviewers: Reviewers
    ) -> list[RecordedDecision]:
        """Record all of ``signed`` in order, or none, and seal the ledger with ``key``.

        On disk, checkpoint included, when this returns. Where the machine stops in between, the
        decisions are recorded and the next checkpoint covers them.

        Raises:
            ReviewError: one is not signed by the reviewer it names, or names a moment that no
                clock tells, or ``key`` is nobody's.
            LedgerTampered: the ledger is not what its checkpoints say.
            IdempotencyConflict: an id is taken by another decision.
            LedgerError: the database or the file refused; to record them again is safe.
        """
        sealer = holder_of(key, reviewers)
        for item in signed:
            _require_signed(item, reviewers)
            _require_dated(item.decision)
        new = [
            NewEntry(
                item.decision.gate,
                item.decision.decision_id,
                canonical_json(item.model_dump(mode="json")),
            )
            for item in signed
        ]
        # Others on other machines may record between our look and our entry.
        for attempt in Retrying(
            retry=retry_if_exception_type(LedgerMoved),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random(0, 0.1),
            reraise=True,
        ):
            with attempt, self._sealing(reviewers) as before:
                if not before.checkpoints:
                    self._seal(before.head, sealer, key)
                entries = self._journal.append_many(new, require_head=before.head)
                heads = [Head(entry.position, entry.digest) for entry in entries]
                head = max([before.head, *heads], key=lambda head: head.position)
                if head.position > before.sealed:
                    self._seal(head, sealer, key)
        return [decision_in(entry) for entry in entries]

    def seal(self, key: ReviewerKey, reviewers: Reviewers) -> Checkpoint:
        """Vouch with ``key`` for the ledger as it is: a checkpoint of its head.

        Raises:
            ReviewError: ``key`` is nobody's.
            LedgerTampered: the ledger is not what its checkpoints say.
        """
        sealer = holder_of(key, reviewers)
        with self._sealing(reviewers) as found:
            return self._seal(found.head, sealer, key)

    def head(self) -> Head:
        """The last record's position and digest."""
        return self._journal.head()

    def records(
        self, gate: str | None = None, after: int = 0, until: datetime | int | None = None
    ) -> Iterator[RecordedDecision]:
        """What is recorded, in order.

        Args:
            gate: at this gate alone.
            after: only at later positions.
            until: no further than this position, or this time of recording.

        Raises:
            LedgerTampered: a record is not a decision.
        """
        return map(decision_in, self._journal.entries(gate, until, after))

    def verify(self, reviewers: Reviewers) -> Verified:
        """Walk the whole chain and hold it against the checkpoints.

        Raises:
            LedgerTampered: a record was edited, moved, put in or removed, the ledger is behind its
                checkpoints or other than they say, or a checkpoint was altered.
        """
        # In this order: the first checkpoint is written before the first decision.
        is_used = self._journal.head().position > 0
        sealed = self.checkpoints.verify(reviewers)
        if not sealed:
            if is_used:
                raise LedgerTampered(
                    expected=f"checkpoints, as of every ledger, in {self.checkpoints.path}",
                    found="none, although there are decisions",
                    where=JOURNAL,
                    remedy="restore the checkpoints from a copy, or name their file in"
                    " AINA_CHECKPOINTS",
                )
            return Verified(Head(0, None), 0, 0)
        # Each record's digest is of the one before it too, so the last checkpoint's covers all.
        last = sealed[-1].head
        head = self._journal.verify(last)
        for record in self.records(after=last.position, until=head.position):
            # Nobody vouched for these yet; whoever seals next does.
            try:
                _require_signed(record.signed, reviewers)
            except ReviewError as error:
                raise LedgerTampered(
                    expected=error.expected,
                    found=error.found,
                    where=f"position {record.position} of {JOURNAL}",
                    remedy="have the reviewer entered again, or restore the ledger from a copy",
                ) from error
        return Verified(head, len(sealed), last.position)

    @contextmanager
    def _sealing(self, reviewers: Reviewers) -> Iterator[Verified]:
        with self.checkpoints.lock():
            yield self.verify(reviewers)

    def _seal(self, head: Head, sealer: Reviewer, key: ReviewerKey) -> Checkpoint:
        return self.checkpoints.add(head, self._clock(), sealer.id, key)


def require_sealed(reviewers: Reviewers) -> None:
    """Hold the warehouse's ledger against its checkpoints, where there is one.

    Raises:
        LedgerTampered: it is not what they say.
    """
    ledger = DecisionLedger.existing()
    if ledger is not None:
        with ledger:
            ledger.verify(reviewers)


def holder_of(key: ReviewerKey, reviewers: Reviewers) -> Reviewer:
    """The reviewer whose key it is.

    Raises:
        ReviewError: nobody's.
    """
    for reviewer in reviewers.reviewers:
        if reviewer.public_key == key.public_key:
            return reviewer
    raise ReviewError(
        expected="the key of a reviewer",
        found=f"a key whose public half is {key.public_key}",
        where="data/reviewers.yaml",
        remedy="have the public key entered there, with the gates its holder may decide at",
    )


def _require_signed(signed: SignedDecision, reviewers: Reviewers) -> None:
    decision = signed.decision
    reviewer = reviewers.by_id.get(decision.reviewer_id)
    if reviewer is None or not verify(signed, reviewer.public_key):
        raise ReviewError(
            expected=f"a decision signed by {decision.reviewer_id}, a reviewer on file",
            found="no such reviewer" if reviewer is None else "another signature",
            where=f"decision {decision.decision_id}",
            remedy="sign it with the key whose public half is in data/reviewers.yaml",
        )


def _require_dated(decision: Decision) -> None:
    if decision.moment_beyond is not None:
        raise ReviewError(
            expected=f"moments from {EARLIEST:%Y} to {LATEST:%Y}",
            found=decision.moment_beyond.isoformat(),
            where=f"decision {decision.decision_id}",
            remedy="set the clock, then decide again; nothing was recorded",
        )


def decision_in(entry: Entry) -> RecordedDecision:
    """The decision that ``entry`` of the ledger's journal is.

    Raises:
        LedgerTampered: it is none.
    """
    try:
        signed = SignedDecision.model_validate_json(entry.text)
        if (entry.stream, entry.key) != (signed.decision.gate, signed.decision.decision_id):
            raise ValueError("filed under another gate or id")
        return RecordedDecision(
            position=entry.position,
            signed=signed,
            recorded_at=datetime.fromisoformat(entry.recorded_at),
            previous_digest=entry.previous_digest,
            digest=entry.digest,
        )
    except ValueError as error:
        raise LedgerTampered(
            expected="a signed decision, filed under its gate and id",
            found=type(error).__name__,
            where=f"position {entry.position} of {JOURNAL}",
            remedy="verify the ledger: aina review verify; where it is whole, a newer version of"
            " aina-assets wrote this",
        ) from None
