"""What a gate is found to be: subjects as they are now against the decisions that were made.

Belongs here: which decisions count, and the state that follows. Stays out: reading decisions and
proving whose they are (``ledger``); what a gate guards.

Rules, in order:

- A decision binds the digest it names. On any other digest it is a former one and counts for
  nothing; the gate is closed again.
- A refused decision never counts; an expired one no longer approves. Expiry never approves: an
  objection does not expire. Nor does it end with its maker's leave to decide: an
  orphaned one closes until a person ends it, unless its maker had ended it before.
- A decision ends those it supersedes: its reviewer's own, and a person's anyone's, unless it was
  ended itself. Of one reviewer's several judgements only the last can count.
- One standing objection closes the gate, whatever was approved: reject before hold before revise.
- Approvals count once per person who answers for them, so that nobody is a quorum alone. Who had a
  part in the subject is not counted, nor whoever answers to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aina_assets.contracts.review import (
    OBJECTIONS,
    STATE_OF_OBJECTION,
    GateState,
    ReviewVerdict,
    Strictness,
)
from aina_assets.review.policy import Gate, ReviewGates
from aina_assets.review.tables import EXPIRED, IN_FORCE, ORPHANED, REFUSED, GateStates
from aina_assets.warehouse.tables import arrow_schema

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a gate is found to be for one subject.

    Attributes:
        approvals: rows of decisions that approve and count.
        objections: rows of decisions that object and count.
        former: decisions on the subject as it was.
        reason: why, in words.
    """

    state: GateState
    approvals: tuple[Row, ...] = ()
    objections: tuple[Row, ...] = ()
    former: int = 0
    valid_until: str | None = None
    reason: str = ""

    def is_open(self, gate: Gate) -> bool:
        """Whether what comes after ``gate`` may go on."""
        if self.state is GateState.APPROVED:
            return True
        return gate.strictness is Strictness.SOFT and not self.objections


def gate_states(
    subjects: Sequence[pa.Table], decisions: pa.Table, review_gates: ReviewGates
) -> pa.Table:
    """Rows of ``GateStates``: every subject of ``subjects``, by gate, kind and key.

    Args:
        subjects: tables with the columns of ``SubjectTable``.
        decisions: rows of ``Decisions``, or of one gate.
        review_gates: the gates.

    Raises:
        ReviewError: a subject names a gate that there is not.
    """
    by_subject: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in decisions.sort_by("ordinal").to_pylist():
        by_subject[row["gate"], row["subject_kind"], row["subject_key"]].append(row)
    rows = []
    for table in subjects:
        for item in table.select(_OF_SUBJECT).to_pylist():
            gate = review_gates.gate(item["gate"])
            made = by_subject.get((item["gate"], item["subject_kind"], item["subject_key"]), ())
            found = find(gate, item["subject_digest"], item["subject_authors"], made)
            rows.append(_row(gate, item, found))
    rows.sort(key=lambda row: (row["gate"], row["subject_kind"], row["subject_key"]))
    return pa.Table.from_pylist(rows, schema=arrow_schema(GateStates))


def find(gate: Gate, digest: str, authors: Iterable[str], decisions: Iterable[Row]) -> Finding:
    """What ``gate`` is found to be for a subject.

    Args:
        gate: the gate.
        digest: the subject's present digest.
        authors: reviewers who had a part in it.
        decisions: decisions on the subject, oldest first.
    """
    had_part = set(authors)
    made = list(decisions)
    genuine = _genuine(made, had_part)
    former = sum(row["subject_digest"] != digest for row in made)
    # An approval once taken back stays so, should the subject ever be again what it was.
    taken_back = {
        other["decision_id"]
        for row in genuine
        if row["subject_digest"] != digest
        for other in genuine
        if other["verdict"] == ReviewVerdict.APPROVE and _ends(row, other)
    }
    standing = [
        row
        for row in _standing([row for row in genuine if row["subject_digest"] == digest])
        if row["decision_id"] not in taken_back
    ]
    objections = tuple(
        row
        for verdict in OBJECTIONS
        for row in standing
        if row["verdict"] == verdict and row["reviewer_kind"] in gate.objectors
    )
    approving = [
        row
        for row in standing
        if row["verdict"] == ReviewVerdict.APPROVE and row["reviewer_kind"] in gate.approvers
    ]
    approvals = tuple(row for row in approving if row["standing"] == IN_FORCE)
    expired = [row for row in approving if row["standing"] == EXPIRED]
    if objections:
        state = STATE_OF_OBJECTION[ReviewVerdict(objections[0]["verdict"])]
        reason = _said(objections[0])
        return Finding(state, approvals, objections, former, reason=reason)
    if is_quorate(gate, approvals):
        reason = f"approved by {', '.join(row['reviewer_id'] for row in approvals)}"
        until = _valid_until(gate, approvals)
        return Finding(GateState.APPROVED, approvals, (), former, until, reason)
    if is_quorate(gate, [*approvals, *expired]):
        reason = f"{len(expired)} approval(s) expired; decide again"
        return Finding(GateState.EXPIRED, approvals, (), former, reason=reason)
    if former and not standing:
        reason = f"decided on {former} time(s) before it changed; decide on it as it is now"
        return Finding(GateState.STALE, approvals, (), former, reason=reason)
    missing = gate.quorum - len(_responsible(approvals))
    reason = (
        f"{missing} more approval(s) of {gate.quorum}"
        if missing > 0
        else f"approval by {gate.min_persons} person(s)"
    )
    return Finding(GateState.PENDING, approvals, (), former, reason=f"waits for {reason}")


def closed_since(
    gate: Gate,
    digest: str,
    authors: Iterable[str],
    decisions: Iterable[Row],
    known: Container[str],
) -> str | None:
    """Why approvals found earlier do not open ``gate`` any more; none where they still do.

    Stricter than ``find``: an objection made since closes whatever state of the subject it was made
    on, and who took their last approval back approves no former state either. Whoever turns back to
    a former subject does not turn back what was said.

    Args:
        gate: the gate.
        digest: the subject's digest then.
        authors: reviewers who had a part in it.
        decisions: decisions on the subject as they are now, oldest first.
        known: ids of those that were found then.
    """
    made = list(decisions)
    found = find(gate, digest, authors, made)
    if found.state is not GateState.APPROVED:
        return f"{found.state}: {found.reason}"
    last = {row["reviewer_id"]: row for row in _standing(_genuine(made, set(authors)))}
    approvers = {row["reviewer_id"] for row in found.approvals}
    for row in last.values():
        objects = row["verdict"] in OBJECTIONS and row["decision_id"] not in known
        if objects and (row["reviewer_kind"] in gate.objectors or row["reviewer_id"] in approvers):
            state = STATE_OF_OBJECTION[ReviewVerdict(row["verdict"])]
            return f"{state} since: {_said(row)}"
    approving = {name for name, row in last.items() if row["verdict"] == ReviewVerdict.APPROVE}
    if not is_quorate(gate, [row for row in found.approvals if row["reviewer_id"] in approving]):
        return f"taken back since by {', '.join(sorted(approvers - approving))}"
    return None


def is_quorate(gate: Gate, approvals: Sequence[Row]) -> bool:
    """Whether so many approve, as rows of decisions, and so many persons among them."""
    return (
        len(_responsible(approvals)) >= gate.quorum
        and len(persons_among(approvals)) >= gate.min_persons
    )


def persons_among(approvals: Iterable[Row]) -> set[str]:
    """The persons who made ``approvals`` themselves, by nobody who answers to them."""
    return _responsible(row for row in approvals if row["reviewer_kind"] == "person")


def _genuine(rows: Sequence[Row], had_part: set[str]) -> list[Row]:
    """Those of ``rows`` that may count: not refused, by nobody who had a part in the subject.

    Of orphaned objections those that their makers did not take back.
    """
    return [
        row
        for row in rows
        if row["standing"] != REFUSED
        and not had_part & {row["reviewer_id"], row["responsible_id"]}
        and not (row["standing"] == ORPHANED and _was_taken_back(row, rows))
    ]


def _was_taken_back(row: Row, rows: Sequence[Row]) -> bool:
    """Whether the maker of an orphaned objection ended it, while they could decide.

    What they said then is refused now like all they said, but for objections.
    """
    same = ("reviewer_id", "subject_digest", "origin", "is_sample")
    later = [
        other
        for other in rows
        if other["standing"] == REFUSED
        and other["ordinal"] > row["ordinal"]
        and all(other[name] == row[name] for name in same)
    ]
    ended = {name for other in rows for name in other["supersedes"]}
    return any(
        other["verdict"] == ReviewVerdict.APPROVE
        or (row["decision_id"] in other["supersedes"] and other["decision_id"] not in ended)
        for other in later
    )


def _said(row: Row) -> str:
    """Who objects, and why; and how it ends, where they cannot end it themselves."""
    said = f"{row['reviewer_id']}: {row['reasons'][0]}"
    if row["standing"] != ORPHANED:
        return said
    return f"{said} ({row['refusal_reason']}; it closes until a person supersedes it)"


def _standing(rows: Sequence[Row]) -> list[Row]:
    """The last judgement of each reviewer, where no later decision ended it, oldest first."""
    last: dict[str, Row] = {}
    ended: set[str] = set()
    # Newest first: what was itself ended ends nothing.
    for row in reversed(rows):
        if row["verdict"] != ReviewVerdict.WITHDRAW:
            last.setdefault(row["reviewer_id"], row)
        if row["decision_id"] not in ended:
            ended |= {other["decision_id"] for other in rows if _ends(row, other)}
    standing = [row for row in last.values() if row["decision_id"] not in ended]
    return sorted(standing, key=lambda row: int(row["ordinal"]))


def _ends(row: Row, other: Row) -> bool:
    """Whether ``row`` ends ``other``: one's own, or anyone's where a person says so.

    An orphaned objection ends no other's objection: it may close and nothing more.
    """
    if row["standing"] == ORPHANED and other["verdict"] in OBJECTIONS:
        is_theirs = other["reviewer_id"] == row["reviewer_id"]
    else:
        is_theirs = other["reviewer_id"] == row["reviewer_id"] or row["reviewer_kind"] == "person"
    return (
        other["decision_id"] in row["supersedes"]
        and other["ordinal"] < row["ordinal"]
        and is_theirs
    )


def _responsible(approvals: Iterable[Row]) -> set[str]:
    return {row["responsible_id"] for row in approvals}


def _valid_until(gate: Gate, approvals: Sequence[Row]) -> str | None:
    """The first moment at which so many approvals have expired that too few are left."""
    moments = sorted({row["expires_at"] for row in approvals if row["expires_at"] is not None})
    for moment in moments:
        left = [row for row in approvals if row["expires_at"] is None or row["expires_at"] > moment]
        if not is_quorate(gate, left):
            return str(moment)
    return None


_OF_SUBJECT = [
    "gate",
    "subject_kind",
    "subject_key",
    "subject_digest",
    "subject_title",
    "subject_authors",
]


def _row(gate: Gate, item: Row, found: Finding) -> dict[str, Any]:
    is_open = found.is_open(gate)
    return {
        "gate": gate.id,
        "strictness": str(gate.strictness),
        "subject_kind": item["subject_kind"],
        "subject_key": item["subject_key"],
        "subject_digest": item["subject_digest"],
        "subject_title": item["subject_title"],
        "state": str(found.state),
        "is_open": is_open,
        "is_unreviewed": is_open and found.state is not GateState.APPROVED,
        "approval_count": len(_responsible(found.approvals)),
        "quorum": gate.quorum,
        "decision_ids": [row["decision_id"] for row in (*found.approvals, *found.objections)],
        "former_decision_count": found.former,
        "required_edits": [edit for row in found.objections for edit in row["required_edits"]],
        "valid_until": found.valid_until,
        "reason": found.reason,
    }
