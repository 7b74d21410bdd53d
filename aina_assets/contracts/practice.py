"""Contracts of practice: a scenario to practise on, and what an evaluation found.

Belongs here: the shapes that evaluator, ledger and API exchange. Stays out: how a rubric is applied
(``practice``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from aina_assets.contracts.curriculum import HitlCheckpoint, LocalId, ModuleId
from aina_assets.contracts.work import Contract, Count, SocCode, Text

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]


class ScenarioCriterion(Contract):
    """One line of a published rubric; negative points are taken away when it holds."""

    criterion_id: Text
    points: int
    text: Text


class SandboxScenario(Contract):
    """A GDPval task as practice; a row of ``sandbox_scenarios``.

    Attributes:
        reference_uris: where the publisher keeps the files; they are never downloaded.
        deliverable_uris: where the publisher keeps an expert's deliverable, likewise.
        points: sum of the positive criteria.
    """

    schema_version: ClassVar[int] = 1

    scenario_id: Annotated[str, Field(pattern=r"^gdpval:.+$")]
    task_id: Text
    sector: Text
    occupation: Text
    soc_codes: tuple[SocCode, ...]
    prompt: Text
    reference_uris: tuple[Text, ...]
    deliverable: Text
    deliverable_uris: tuple[Text, ...]
    rubric: Annotated[tuple[ScenarioCriterion, ...], Field(min_length=1)]
    points: Annotated[int, Field(ge=1)]
    allowed_tools: Annotated[tuple[Text, ...], Field(min_length=1)]
    hitl_checkpoints: Annotated[tuple[HitlCheckpoint, ...], Field(min_length=1)]
    failure_modes: Annotated[tuple[Text, ...], Field(min_length=1)]
    source_class: Text
    allowed_use: Text


class Outcome(StrEnum):
    """What an evaluation says of a submission, worst last."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    PARTIAL = "partial"
    FAIL = "fail"
    UNSAFE = "unsafe"


class NextStep(StrEnum):
    """What the evaluator recommends."""

    ADVANCE = "advance"
    REVISE = "revise"
    REDO = "redo"
    REMOVE_UNSAFE_TEXT = "remove_unsafe_text"


class CheckFinding(Contract):
    """What one check found; never the learner's words."""

    kind: Text
    section: Text
    holds: bool
    expected: Text
    found: Text


class CriterionScore(Contract):
    """Points for one criterion, and who gave them.

    Attributes:
        grader: ``deterministic``, or the lower of it and ``judge:<model>``.
    """

    criterion_id: LocalId
    points: Count
    points_possible: Annotated[int, Field(ge=1)]
    checks: tuple[CheckFinding, ...]
    grader: Text


class EvaluatorProvenance(Contract):
    """Who evaluated, and what that can and cannot say.

    Attributes:
        engine: name and version of the deterministic engine.
        judge_model: the judge, where one was configured.
        rubric_digest: of exactly the rubric that was applied.
        limits: what the outcome does not say.
    """

    engine: Text
    judge_model: Text | None
    rubric_digest: Digest
    limits: Text


class EvaluationResult(Contract):
    """What an evaluation found; deterministic given submission, rubric and judge.

    Attributes:
        evaluation_id: digest of submission, rubric, engine and judge.
        submission_digest: of the text; the text itself is not kept here.
        counts_for_mastery: false after the answer was shown, whatever the outcome.
    """

    schema_version: ClassVar[int] = 1

    evaluation_id: Digest
    submission_digest: Digest
    module_id: ModuleId
    outcome: Outcome
    points: Count
    points_possible: Annotated[int, Field(ge=1)]
    points_to_pass: Annotated[int, Field(ge=1)]
    scores: tuple[CriterionScore, ...]
    passed_gates: tuple[LocalId, ...]
    failed_gates: tuple[LocalId, ...]
    fail_conditions: tuple[LocalId, ...]
    unsafe_conditions: tuple[LocalId, ...]
    feedback: Annotated[tuple[Text, ...], Field(min_length=1)]
    next_recommendation: NextStep
    counts_for_mastery: bool
    provenance: EvaluatorProvenance
