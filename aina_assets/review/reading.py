"""Decisions as they stand: every one that was recorded, and whether it counts, at a moment.

Belongs here: from signed decisions to rows of ``Decisions``. Stays out: what a gate makes of them
(``gates``) and whether their ledger is whole (``ledger``).

The moment is an argument: an approval expires although nothing was recorded.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import (
    OBJECTIONS,
    Decision,
    RecordedDecision,
    ReviewVerdict,
    SignedDecision,
)
from aina_assets.review.policy import Gate, Reviewer, Reviewers, ReviewGates
from aina_assets.review.signing import verify
from aina_assets.review.tables import EXPIRED, IN_FORCE, ORPHANED, REFUSED, Decisions
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import arrow_schema, table_name

DECISIONS = table_name(Decisions)
LEDGER = "ledger"
RECORDED = "recorded"
_PART = 1000
"""Decisions that a thread reads at a time."""


@dataclass(frozen=True)
class Found:
    """A signed decision where it was found.

    Attributes:
        origin: the ledger, or the recorded decisions that the lock names.
        document: it, as JSON, as it was found.
        recorded_at: when the ledger took it; none elsewhere.
        stands_as: the id that its row has, where an earlier decision has its own; see
            ``told_apart``.
    """

    signed: SignedDecision
    origin: str
    document: str
    recorded_at: datetime | None = None
    stands_as: str | None = None


def from_lines(lines: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """The decisions of a recorded file.

    Args:
        lines: rows of ``recorded_decisions``.

    Raises:
        ReviewError: a line is not a signed decision.
    """
    for row in lines:
        try:
            signed = SignedDecision.model_validate_json(row["document"])
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            raise ReviewError(
                expected="a signed decision",
                found=f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}",
                where=f"line {row['source_row']} of the recorded decisions",
                remedy="write the file again: python -m aina_assets_tests.sign_samples",
            ) from None
        yield Found(signed, RECORDED, row["document"])


def from_ledger(records: Iterable[RecordedDecision]) -> Iterator[Found]:
    """The decisions of the ledger."""
    for record in records:
        yield Found(record.signed, LEDGER, record.signed.model_dump_json(), record.recorded_at)


def decisions(
    found: Iterable[Found], gates: ReviewGates, reviewers: Reviewers, at: datetime
) -> pa.Table:
    """Rows of ``Decisions``, in the order of ``found``.

    Args:
        found: recorded ones first, then those of the ledger by position.
        gates: the gates.
        reviewers: who may decide.
        at: the moment at which they are read; an approval that has expired by then counts no more.
    """
    numbered = list(enumerate(told_apart(found), start=1))

    def rows_of(part: list[tuple[int, Found]]) -> list[dict[str, Any]]:
        return [row_of(ordinal, item, gates, reviewers, at) for ordinal, item in part]

    parts = [numbered[start : start + _PART] for start in range(0, len(numbered), _PART)]
    # Signatures are most of the work, and are verified outside of the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(itertools.chain.from_iterable(pool.map(rows_of, parts)))
    return pa.Table.from_pylist(rows, schema=arrow_schema(Decisions))


def told_apart(found: Iterable[Found]) -> Iterator[Found]:
    """``found``, in which no two go by one id: whoever comes later with an id that is taken.

    It is refused, and its row stands under an id of its own, so that nothing that names the
    earlier one is ever about the later. An id of the recorded decisions can be used again in the
    ledger, which does not know them.
    """
    taken: set[str] = set()
    for item in found:
        name, count = item.signed.decision.decision_id, 0
        if name in taken:
            while name in taken:
                count += 1
                name = sha256(f"{count} {item.document}".encode()).hexdigest()[:32]
            yield replace(item, stands_as=name)
        else:
            yield item
        taken.add(name)


def row_of(
    ordinal: int, found: Found, gates: ReviewGates, reviewers: Reviewers, at: datetime
) -> dict[str, Any]:
    """The row of ``Decisions`` for the decision found in place ``ordinal``, told apart."""
    decision = found.signed.decision
    reviewer = reviewers.by_id.get(decision.reviewer_id)
    # Who dates a decision later than it was recorded does not make it last longer.
    made_at = min(decision.decided_at, found.recorded_at or decision.decided_at)
    expiry = expires_at(decision, gates.by_id.get(decision.gate), made_at)
    reason = refusal_reason(found, gates, reviewers)
    standing = IN_FORCE
    if reason is not None:
        standing = ORPHANED if outlives_its_maker(found, gates) else REFUSED
    elif expiry is not None and expiry <= at:
        standing = EXPIRED
    return {
        "decision_id": found.stands_as or decision.decision_id,
        "ordinal": ordinal,
        "origin": found.origin,
        "gate": decision.gate,
        "subject_kind": decision.subject_kind,
        "subject_key": decision.subject_key,
        "subject_digest": decision.subject_digest,
        "verdict": str(decision.verdict),
        "reasons": list(decision.reasons),
        "required_edits": [edit.model_dump() for edit in decision.required_edits],
        "evidence": list(decision.evidence),
        "reviewer_id": decision.reviewer_id,
        "reviewer_kind": str(decision.reviewer_kind),
        "responsible_id": (reviewer.answers_for or reviewer.id) if reviewer else None,
        "decided_at": in_utc(decision.decided_at),
        "expires_at": in_utc(expiry) if expiry is not None else None,
        "supersedes": list(decision.supersedes),
        "standing": standing,
        "refusal_reason": reason,
        "is_sample": decision.is_sample,
        "document": found.document,
    }


def of_gate(rows: pa.Table, gate: str) -> pa.Table:
    """The rows of ``Decisions`` at ``gate``."""
    return rows.filter(pc.equal(rows["gate"], gate))


def refusal_reason(found: Found, gates: ReviewGates, reviewers: Reviewers) -> str | None:
    """Why a decision never counts; none where it may."""
    decision = found.signed.decision
    if found.stands_as is not None:
        return f"an earlier decision has its id, {decision.decision_id}"
    if decision.moment_beyond is not None:
        return f"no clock tells {decision.moment_beyond.isoformat()}"
    gate = gates.by_id.get(decision.gate)
    if gate is None:
        return f"there is no gate {decision.gate}"
    reason = may_not_decide(gate, reviewers.by_id.get(decision.reviewer_id), decision.verdict)
    if reason is not None:
        return reason
    reviewer = reviewers.by_id[decision.reviewer_id]
    if decision.reviewer_kind is not reviewer.kind:
        return f"made as {decision.reviewer_kind}, but {reviewer.id} is {reviewer.kind}"
    if decision.is_sample != reviewer.is_sample:
        return "it and its reviewer do not agree on whether it is a sample"
    if reviewer.is_sample and found.origin != RECORDED:
        return f"{reviewer.id} decides on bundled sample data alone"
    if not reviewer.is_sample and found.origin == RECORDED:
        return "recorded decisions are samples; others belong in the ledger"
    if not _is_genuine(found.signed, reviewer.public_key):
        return f"the signature is not that of {reviewer.id}"
    return None


def outlives_its_maker(found: Found, gates: ReviewGates) -> bool:
    """Whether a decision goes on closing its gate, should its maker not decide there any more.

    An objection that the ledger took: it proved the signature then, and its chain and checkpoints
    vouch for the record since. Whoever edits the list of reviewers does not end it.
    """
    decision = found.signed.decision
    gate = gates.by_id.get(decision.gate)
    return (
        found.origin == LEDGER
        and found.stands_as is None
        and decision.moment_beyond is None
        and not decision.is_sample
        and decision.verdict in OBJECTIONS
        and gate is not None
        and decision.verdict in gate.verdicts
    )


def may_not_decide(gate: Gate, reviewer: Reviewer | None, verdict: ReviewVerdict) -> str | None:
    """Why ``reviewer`` cannot say ``verdict`` at ``gate``; none where they can."""
    if verdict is not ReviewVerdict.WITHDRAW and verdict not in gate.verdicts:
        return f"{verdict} is no verdict of gate {gate.id}"
    if reviewer is None:
        return "the reviewer is not on file"
    if gate.id not in reviewer.gates:
        return f"{reviewer.id} may not decide at gate {gate.id}"
    return None


def expires_at(decision: Decision, gate: Gate | None, made_at: datetime) -> datetime | None:
    """From when ``decision`` counts no more: an approval by its own date and its gate's.

    Args:
        decision: any decision; only approvals expire.
        gate: its gate, if there is one.
        made_at: when it was made, as far as that is proved.
    """
    if decision.verdict is not ReviewVerdict.APPROVE:
        return None
    moments = [decision.expires_at] if decision.expires_at is not None else []
    if gate is not None and gate.valid_days is not None:
        # Past the last moment that there is, it is as good as for ever.
        with suppress(OverflowError):
            moments.append(made_at + timedelta(days=gate.valid_days))
    return min(moments, default=None)


def has_expired(store: Store, at: datetime) -> bool:
    """Whether an approval that counts in the stored table of decisions has expired by ``at``.

    A table that does not tell is as good as expired: it is made anew.
    """
    record = store.record(DECISIONS)
    if record is None or not (store.root / str(record.snapshot)).exists():
        return False
    try:
        with (store.root / str(record.snapshot)).open("rb") as stream:
            rows = pq.read_table(stream).select(["standing", "expires_at"])
    except (OSError, KeyError, pa.ArrowException):
        return True
    is_past = pc.and_(
        pc.equal(rows["standing"], IN_FORCE), pc.less_equal(rows["expires_at"], in_utc(at))
    )
    return bool(pc.any(is_past).as_py())


def now() -> datetime:
    """The moment at which a build reads decisions."""
    return datetime.now(UTC)


@functools.lru_cache(maxsize=1 << 16)
def _is_genuine(signed: SignedDecision, public_key: str) -> bool:
    # A page that is open all day reads the same decisions again and again.
    return verify(signed, public_key)


def in_utc(moment: datetime) -> str:
    """``moment`` as the tables have it: in UTC and of one width, so that texts sort as times do."""
    try:
        there = moment.astimezone(UTC)
    except OverflowError:
        # Only within a day of the first or the last moment that there is.
        there = (datetime.min if moment.year == 1 else datetime.max).replace(tzinfo=UTC)
    return there.isoformat(timespec="microseconds")
