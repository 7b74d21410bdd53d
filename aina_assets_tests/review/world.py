"""Reviewers with keys, two gates, and decisions at them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from aina_assets.contracts.review import (
    Decision,
    RequiredEdit,
    ReviewerKind,
    ReviewVerdict,
    SignedDecision,
    Vote,
)
from aina_assets.review.policy import Gate, Reviewer, Reviewers, ReviewGates
from aina_assets.review.signing import PREFIX, ReviewerKey, sign
from aina_assets.review.subjects import digest_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HARD, SOFT = "boundary", "lesson"
# The same in every process of a test.
KEYS = {
    name: ReviewerKey.parse(
        PREFIX + urlsafe_b64encode(sha256(name.encode()).digest()).decode().rstrip("=")
    )
    for name in ("ana", "ben", "cleo", "dora", "panel", "sample_ana", "stranger")
}
PERSONS = ("ana", "ben", "dora")


def gates() -> ReviewGates:
    """A hard gate of two, whose approvals expire, and a soft gate of one."""
    return ReviewGates(
        gates=(
            Gate(
                id=HARD,
                title="Opening a boundary",
                subject_kind="domain",
                strictness="hard",
                quorum=2,
                min_persons=1,
                approvers=("person", "delegated"),
                objectors=("person", "delegated", "panel"),
                verdicts=("approve", "revise", "hold", "reject"),
                valid_days=30,
            ),
            Gate(
                id=SOFT,
                title="A lesson",
                subject_kind="lesson",
                strictness="soft",
                approvers=("person", "panel"),
                objectors=("person", "panel"),
                verdicts=("approve", "reject"),
            ),
        )
    )


def reviewers(**changed: dict[str, Any]) -> Reviewers:
    """Three persons, a delegate and a panel of theirs, and a sample person."""
    kinds = {"cleo": ("delegated", "ana"), "panel": ("panel", "ben")}
    people = []
    for name in ("ana", "ben", "cleo", "dora", "panel", "sample_ana"):
        kind, answers_for = kinds.get(name, ("person", None))
        fields = {
            "id": name,
            "name": name.title(),
            "kind": kind,
            "gates": (HARD,) if name == "dora" else (HARD, SOFT),
            "public_key": KEYS[name].public_key,
            "answers_for": answers_for,
            "is_sample": name.startswith("sample"),
        }
        people.append(Reviewer.model_validate(fields | changed.get(name, {})))
    return Reviewers(reviewers=tuple(people))


def decision(reviewer: str = "ana", verdict: str = "approve", **fields: Any) -> Decision:
    """A decision on the subject `a` of the hard gate."""
    kind = {"cleo": ReviewerKind.DELEGATED, "panel": ReviewerKind.PANEL}.get(
        reviewer, ReviewerKind.PERSON
    )
    return Decision.model_validate(
        {
            "decision_id": uuid4().hex,
            "gate": HARD,
            "subject_kind": "domain",
            "subject_key": "a",
            "subject_digest": digest_of("a"),
            "verdict": verdict,
            "reasons": ("It holds.",),
            "required_edits": (edit(),) if verdict == ReviewVerdict.REVISE else (),
            "reviewer_id": reviewer,
            "reviewer_kind": kind,
            "decided_at": START,
            "votes": votes() if kind is ReviewerKind.PANEL else (),
            "is_sample": reviewer.startswith("sample"),
        }
        | fields
    )


def signed(reviewer: str = "ana", verdict: str = "approve", **fields: Any) -> SignedDecision:
    """A decision with its reviewer's signature."""
    return sign(decision(reviewer, verdict, **fields), KEYS[reviewer])


def edit(edit_id: str = "e1", text: str = "Name the file.") -> RequiredEdit:
    return RequiredEdit(edit_id=edit_id, kind="manual", argument="", text=text)


def votes() -> tuple[Vote, ...]:
    return (Vote(model="one", verdict=ReviewVerdict.APPROVE, reasons=("It holds.",)),)


class Clock:
    """Tells the time it is set to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)
