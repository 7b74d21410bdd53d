"""Policy of review as people write it: which gates there are, and who may decide at them.

Belongs here: the models of ``data/review_gates.yaml`` and ``data/reviewers.yaml``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import (
    GateId,
    ReviewerId,
    ReviewerKind,
    ReviewVerdict,
    Strictness,
)
from aina_assets.contracts.work import Contract, Text
from aina_assets.warehouse.authored import AuthoredDocument


class Gate(Contract):
    """One gate.

    Attributes:
        quorum: different reviewers whose approval it takes.
        min_persons: how many of them must be persons.
        approvers: kinds of reviewer whose approval counts.
        objectors: kinds of reviewer whose objection closes it.
        verdicts: what may be said at it, ``withdraw`` aside, which always may.
        valid_days: for how long an approval counts; null: for ever.
    """

    id: GateId
    title: Text
    subject_kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    strictness: Strictness
    quorum: Annotated[int, Field(ge=1)] = 1
    min_persons: Annotated[int, Field(ge=0)] = 0
    approvers: Annotated[tuple[ReviewerKind, ...], Field(min_length=1)]
    objectors: Annotated[tuple[ReviewerKind, ...], Field(min_length=1)]
    verdicts: Annotated[tuple[ReviewVerdict, ...], Field(min_length=2)]
    valid_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _can_be_passed(self) -> Self:
        if ReviewVerdict.APPROVE not in self.verdicts:
            raise ValueError(f"{self.id}: nobody could ever approve")
        if self.min_persons > self.quorum:
            raise ValueError(f"{self.id}: min_persons is more than the quorum")
        if self.min_persons and ReviewerKind.PERSON not in self.approvers:
            raise ValueError(f"{self.id}: persons are needed and may not approve")
        return self


class ReviewGates(AuthoredDocument, document="review_gates"):
    """The gates at which people, or a panel, decide."""

    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if len(self.by_id) < len(self.gates):
            raise ValueError("two gates have one id")
        return self

    @cached_property
    def by_id(self) -> dict[str, Gate]:
        """Gates by id."""
        return {gate.id: gate for gate in self.gates}

    def gate(self, gate_id: str) -> Gate:
        """The gate of that id.

        Raises:
            ReviewError: there is none.
        """
        if gate_id not in self.by_id:
            raise ReviewError(
                expected=f"one of {', '.join(sorted(self.by_id))}",
                found=repr(gate_id),
                where="gate",
                remedy="name a gate of data/review_gates.yaml",
            )
        return self.by_id[gate_id]


class Reviewer(Contract):
    """Somebody who may decide.

    Attributes:
        gates: gates at which they may.
        public_key: Ed25519, 32 bytes in base64; what they decide is signed with the other half.
        answers_for: of a delegated reviewer or a panel, the person who answers for it.
        is_sample: of the bundled decisions about sample data; may decide on nothing else.
    """

    id: ReviewerId
    name: Text
    kind: ReviewerKind
    gates: Annotated[tuple[GateId, ...], Field(min_length=1)]
    public_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    answers_for: ReviewerId | None = None
    is_sample: bool = False

    @model_validator(mode="after")
    def _somebody_answers(self) -> Self:
        if (self.kind is ReviewerKind.PERSON) != (self.answers_for is None):
            raise ValueError(f"{self.id}: a person answers for anyone else, and for themselves")
        return self


class Reviewers(AuthoredDocument, document="reviewers"):
    """Who may decide, at which gates, and the keys by which their decisions are known."""

    reviewers: tuple[Reviewer, ...]

    @model_validator(mode="after")
    def _each_is_someone(self) -> Self:
        if len(self.by_id) < len(self.reviewers):
            raise ValueError("two reviewers have one id")
        if len({reviewer.public_key for reviewer in self.reviewers}) < len(self.reviewers):
            raise ValueError("two reviewers have one key: they would count as two")
        for reviewer in self.reviewers:
            person = self.by_id.get(reviewer.answers_for or reviewer.id)
            if person is None or person.kind is not ReviewerKind.PERSON:
                raise ValueError(f"{reviewer.id}: {reviewer.answers_for} is no person of this list")
        return self

    @cached_property
    def by_id(self) -> dict[str, Reviewer]:
        """Reviewers by id."""
        return {reviewer.id: reviewer for reviewer in self.reviewers}
