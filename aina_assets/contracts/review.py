"""Contracts of review: a decision, who may make one, and what a gate is found to be.

Belongs here: the shapes that ledger, command line, pages and the graph exchange. Stays out: how a
state is found (``review.gates``) and where decisions are kept (``review.ledger``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from aina_assets.contracts.work import Contract, Count, Text

GateId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ReviewerId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
DecisionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
SubjectDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
EditId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class ReviewVerdict(StrEnum):
    """What a reviewer says of a subject."""

    APPROVE = "approve"
    REVISE = "revise"
    """Not as it is: the required edits come first; what proves them made is up to the gate."""
    HOLD = "hold"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    """Takes back what it supersedes and says nothing of the subject."""


OBJECTIONS = (ReviewVerdict.REJECT, ReviewVerdict.HOLD, ReviewVerdict.REVISE)
"""Verdicts that close a gate, strongest first."""


class ReviewerKind(StrEnum):
    """Who decides."""

    PERSON = "person"
    DELEGATED = "delegated"
    """Somebody, or something, that a person answers for."""
    PANEL = "panel"
    """Several language models under an agreement rule."""


class Strictness(StrEnum):
    """What a gate does to what comes after it."""

    HARD = "hard"
    """Nothing passes until it is approved."""
    SOFT = "soft"
    """What nobody decided on passes, and says so; what was objected to does not."""


class GateState(StrEnum):
    """What a gate is found to be for a subject as it is now."""

    PENDING = "pending"
    """Too few decisions on it, or none."""
    APPROVED = "approved"
    REVISE = "revise"
    HELD = "held"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Approvals would do, had they not expired."""
    STALE = "stale"
    """Decided on as it was; it has changed since."""


STATE_OF_OBJECTION = {
    ReviewVerdict.REJECT: GateState.REJECTED,
    ReviewVerdict.HOLD: GateState.HELD,
    ReviewVerdict.REVISE: GateState.REVISE,
}


class RequiredEdit(Contract):
    """A change without which a subject is not approved.

    Attributes:
        kind: which rule can prove it made; the domain knows its kinds.
        argument: what the rule needs.
        text: the edit in words.
    """

    edit_id: EditId
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    argument: str = ""
    text: Text


class Vote(Contract):
    """What one model of a panel said.

    Attributes:
        verdict: null where it gave no usable answer; ``error`` says why.
        cites: evidence it named, each found in the subject.
        cost_usd: null where its price is not known.
    """

    model: Text
    verdict: ReviewVerdict | None
    reasons: tuple[Text, ...] = ()
    cites: tuple[Text, ...] = ()
    input_tokens: Count = 0
    output_tokens: Count = 0
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    error: str | None = None


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Between the two is every moment that a decision may name: no clock tells another, and one that
names another is neither recorded nor counted."""


class Decision(Contract):
    """One judgement, bound to the digest of exactly what was judged.

    Of its fields together: ``revise`` alone has required edits, each id once; ``withdraw``
    supersedes something; nothing supersedes itself or expires before it is made; a panel alone
    has votes.

    Attributes:
        decision_id: chosen by whoever decides; recorded once.
        subject_digest: digest of the subject's document as the reviewer saw it.
        reasons: why; at least one.
        required_edits: of a ``revise``, at least one; of others none.
        evidence: what it stands on, beyond the subject: references with their digests.
        expires_at: from then on an approval counts no more; an objection never expires.
        supersedes: decisions on the same gate and subject that count no more.
        votes: of a panel, every model's.
        is_sample: made to show the chain on bundled data; binds nothing else.
    """

    schema_version: ClassVar[int] = 1

    decision_id: DecisionId
    gate: GateId
    subject_kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    subject_key: Text
    subject_digest: SubjectDigest
    verdict: ReviewVerdict
    reasons: Annotated[tuple[Text, ...], Field(min_length=1)]
    required_edits: tuple[RequiredEdit, ...] = ()
    evidence: tuple[Text, ...] = ()
    reviewer_id: ReviewerId
    reviewer_kind: ReviewerKind
    decided_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    supersedes: tuple[DecisionId, ...] = ()
    votes: tuple[Vote, ...] = ()
    is_sample: bool = False

    @property
    def moment_beyond(self) -> datetime | None:
        """A moment it names that is before ``EARLIEST`` or after ``LATEST``; none as a rule."""
        named = filter(None, (self.decided_at, self.expires_at))
        return next((moment for moment in named if not EARLIEST <= moment <= LATEST), None)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        edits = [edit.edit_id for edit in self.required_edits]
        if (self.verdict is ReviewVerdict.REVISE) != bool(edits):
            raise ValueError("required edits belong to the verdict revise, which needs one")
        if len(set(edits)) < len(edits):
            raise ValueError("two required edits have one id")
        if self.verdict is ReviewVerdict.WITHDRAW and not self.supersedes:
            raise ValueError("withdraw needs a decision to take back, in supersedes")
        if self.decision_id in self.supersedes:
            raise ValueError("a decision cannot supersede itself")
        if self.expires_at is not None and self.expires_at <= self.decided_at:
            raise ValueError("it would expire before it was made")
        if bool(self.votes) != (self.reviewer_kind is ReviewerKind.PANEL):
            raise ValueError("votes belong to a panel, which has some")
        return self


class SignedDecision(Contract):
    """A decision and its reviewer's Ed25519 signature over its canonical JSON, in base64."""

    decision: Decision
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class RecordedDecision(Contract):
    """A signed decision in its place in the ledger.

    Attributes:
        position: counts from 1, without gaps.
        digest: of this record, with the digest of the one before it.
    """

    position: Annotated[int, Field(ge=1)]
    signed: SignedDecision
    recorded_at: datetime
    previous_digest: str | None
    digest: str
