"""The document that people author about GDPval cohorts.

Belongs here: the model of ``data/gdpval_cohorts.yaml`` and what must hold within it. Stays out:
applying it (``selection``, ``drafts``, ``edits``, ``practice``).
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aina_assets.contracts.curriculum import HitlCheckpoint, LocalId, Positive
from aina_assets.contracts.practice import Outcome
from aina_assets.contracts.review import GateId
from aina_assets.contracts.work import Share, Text
from aina_assets.warehouse.authored import AuthoredDocument


class CohortKind(StrEnum):
    """How a cohort gets its tasks."""

    REPLACEMENT = "replacement"
    """Tasks held at calibration, each replaced by a draft."""
    PACK = "pack"
    """The first candidates."""
    BATCH = "batch"
    """The first of the backlog."""


class OnApproval(StrEnum):
    """What an approval leads to."""

    PRACTICE = "practice"
    CONFIRMATION = "confirmation"
    """Somebody has to open the source files first."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SortKey(_Part):
    """A column to order tasks by."""

    by: Literal[
        "is_complete",
        "deliverable_file_count",
        "reference_file_count",
        "criterion_count",
        "points",
        "place_in_occupation",
        "task_id",
    ]
    most_first: bool = False


Order = Annotated[tuple[SortKey, ...], Field(min_length=1)]


class Ordered(_Part):
    """What decides who comes first."""

    order: Order


class CandidateRules(Ordered):
    """How candidates are ranked.

    Attributes:
        within_occupation: gives each its ``place_in_occupation``.
    """

    within_occupation: Order


class CalibrationRules(_Part):
    """Which rubrics a person calibrates, and what is put before that person.

    Attributes:
        max_criteria: held beyond this and beyond ``max_points``.
        sample_criteria: so many, redacted, are shown.
        actions: what the reviewer is asked to do.
        boundary: what stays shut meanwhile.
    """

    gate: GateId
    max_criteria: Positive
    max_points: Positive
    sample_criteria: Positive
    actions: Annotated[tuple[Text, ...], Field(min_length=1)]
    boundary: Annotated[tuple[Text, ...], Field(min_length=1)]

    def holds(self, criteria: int, points: int) -> bool:
        """Whether a rubric of that size is held."""
        return criteria > self.max_criteria and points > self.max_points


class Cohort(_Part):
    """Tasks that go through the lifecycle together."""

    id: LocalId
    kind: CohortKind
    gate: GateId
    on_approval: OnApproval
    size: Positive | None = None

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if (self.kind is CohortKind.REPLACEMENT) != (self.size is None):
            raise ValueError(f"{self.id}: packs and batches have a size, a replacement has none")
        return self


class BannedTerm(_Part):
    """A wording that no draft may have, and what stands in its place."""

    term: Text
    instead: Text


class DraftRules(_Part):
    """How a draft is made.

    Attributes:
        task: with the fields occupation, sector, deliverable and source_row.
        boundary: what the draft is not for.
    """

    min_criteria: Positive
    max_criteria: Positive
    max_points: Positive
    task: Text
    checkpoints: Annotated[tuple[HitlCheckpoint, ...], Field(min_length=1)]
    boundary: Annotated[tuple[Text, ...], Field(min_length=1)]
    banned_terms: Annotated[tuple[BannedTerm, ...], Field(min_length=1)]

    @property
    def most_points(self) -> int:
        """What one criterion counts at most, so that enough of them fit."""
        return self.max_points // self.min_criteria

    @model_validator(mode="after")
    def _own_words_are_allowed(self) -> Self:
        asked = [text for item in self.checkpoints for text in item.model_dump().values()]
        said = [self.task, *self.boundary, *asked, *(item.instead for item in self.banned_terms)]
        if found := self.banned_in("\n".join(said)):
            raise ValueError(f"the document's own wording has banned terms: {', '.join(found)}")
        if not self.min_criteria <= self.max_criteria or not self.most_points:
            raise ValueError("drafts: the limits leave no room for min_criteria")
        self.task.format(occupation="", sector="", deliverable="", source_row=1)
        return self

    def banned_in(self, text: str) -> list[str]:
        """Banned terms that ``text`` has, as whole words in any case."""
        return [item.term for item in self.banned_terms if whole_word(item.term).search(text)]


class EditKind(_Part):
    """A kind of edit that a reviewer can require.

    Attributes:
        proved_by: the draft itself, or a source file that nobody fetched.
        argument: what it needs, for people.
    """

    kind: LocalId
    proved_by: Literal["draft", "source_file"]
    argument: Text
    example: Text


class PracticeCase(_Part):
    """A synthetic submission and what must come of it.

    Attributes:
        share: of the draft's points that it earns, at most.
        adds: a sentence put into its result.
    """

    case: LocalId
    expects: Outcome
    share: Share
    adds: str = ""


class DraftPractice(_Part):
    """How drafts are practised.

    Attributes:
        terms_per_criterion: words by which a criterion is looked for.
        terms_needed: so many of them must be used.
        sources_points: for naming a source; ``review_points``: for what a person checked.
        common_words: say nothing about any one criterion.
    """

    terms_per_criterion: Positive
    terms_needed: Positive
    share_to_pass: Annotated[float, Field(ge=0.5, lt=1)]
    sources_points: Positive
    review_points: Positive
    review_words: Positive
    min_result_words: Positive
    detectors: tuple[LocalId, ...]
    unsafe_terms: Annotated[tuple[Text, ...], Field(min_length=1)]
    common_words: frozenset[str]
    cases: Annotated[tuple[PracticeCase, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _tells_apart(self) -> Self:
        expected = {case.expects for case in self.cases}
        if not {Outcome.PASS, Outcome.FAIL} <= expected:
            raise ValueError("cases: at least one must pass and one must fail")
        if len({case.case for case in self.cases}) < len(self.cases):
            raise ValueError("cases: two have one name")
        return self


class GdpvalCohorts(AuthoredDocument, document="gdpval_cohorts"):
    """Cohorts of GDPval tasks, and the rules of their lifecycle."""

    selection: Ordered
    calibration: CalibrationRules
    candidates: CandidateRules
    cohorts: Annotated[tuple[Cohort, ...], Field(min_length=1)]
    drafts: DraftRules
    edit_kinds: Annotated[tuple[EditKind, ...], Field(min_length=1)]
    practice: DraftPractice

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.by_id) < len(self.cohorts):
            raise ValueError("two cohorts have one id")
        for kind in (CohortKind.REPLACEMENT, CohortKind.PACK):
            if len(self.of_kind(kind)) != 1:
                raise ValueError(f"there is one {kind}")
        placed = {key.by for key in (*self.selection.order, *self.candidates.within_occupation)}
        if "place_in_occupation" in placed:
            raise ValueError("place_in_occupation orders candidates only")
        return self

    @cached_property
    def by_id(self) -> dict[str, Cohort]:
        """Cohorts by id."""
        return {cohort.id: cohort for cohort in self.cohorts}

    def of_kind(self, kind: CohortKind) -> tuple[Cohort, ...]:
        """Cohorts of that kind, in order."""
        return tuple(cohort for cohort in self.cohorts if cohort.kind is kind)


def whole_word(term: str) -> re.Pattern[str]:
    """``term`` as words of their own, in any case."""
    return re.compile(rf"(?<![\w-]){re.escape(term)}(?![\w-])", re.IGNORECASE)
