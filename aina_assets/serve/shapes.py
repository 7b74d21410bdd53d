"""What the API takes and gives, where it is not a contract as it stands.

Belongs here: requests and answers. Stays out: the contracts they are made of (``contracts``).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue

from aina_assets.contracts.curriculum import (
    Criterion,
    CurriculumModule,
    Exercise,
    HitlCheckpoint,
    Lesson,
    ModuleId,
    Rubric,
)
from aina_assets.contracts.learner import (
    CurriculumInputPacket,
    EventType,
    FallbackStep,
    Goal,
    LearnerId,
    Level,
    ReadinessSnapshot,
    ShortText,
)
from aina_assets.contracts.practice import Digest, SandboxScenario, ScenarioCriterion
from aina_assets.contracts.work import (
    Contract,
    Count,
    RiskTier,
    RoleId,
    Share,
    SocCode,
    Text,
    WorkflowId,
)
from aina_assets.learner.service import Assessment

SUBMISSION_CHARACTERS = 200_000
SHOWN_CRITERIA = 5
"""Of a published rubric, those that give most."""


class KnownWorkflow(Contract):
    """A workflow of the learner's role."""

    workflow_id: WorkflowId
    title: Text
    rank: Annotated[int, Field(ge=1)]


class PacketSummary(Contract):
    """What the planner is given, in short.

    Attributes:
        role_title: of the role served; null where none is.
        candidate_count: modules, each on a workflow, among which it will choose.
    """

    packet_id: Digest
    release_id: Text
    role_id: RoleId | None
    role_title: Text | None
    role_family: Text | None
    fallback_tier: Text
    title_confidence: Share
    title_reasons: tuple[Text, ...]
    workflows: tuple[KnownWorkflow, ...]
    candidate_count: Count
    risk_tier: RiskTier | None
    risk_rules: tuple[Text, ...]
    quality_flags: tuple[Text, ...]

    @classmethod
    def of(cls, packet: CurriculumInputPacket) -> Self:
        """``packet`` in short."""
        role = packet.role
        return cls(
            packet_id=packet.packet_id,
            release_id=packet.release_id,
            role_id=role.role_id if role is not None else None,
            role_title=role.canonical_title if role is not None else None,
            role_family=packet.role_family,
            fallback_tier=packet.fallback_tier,
            title_confidence=packet.title_confidence,
            title_reasons=packet.title_reasons,
            workflows=tuple(
                KnownWorkflow(
                    workflow_id=workflow.workflow_id,
                    title=workflow.workflow_title,
                    rank=workflow.rank,
                )
                for workflow in packet.workflows
            ),
            candidate_count=len(packet.candidate_modules),
            risk_tier=packet.risk_tier,
            risk_rules=packet.risk_rules,
            quality_flags=packet.quality_flags,
        )


class AssessmentResult(Contract):
    """Where a learner stands, and how their title was read."""

    readiness: ReadinessSnapshot
    packet: PacketSummary
    fallback_path: tuple[FallbackStep, ...]

    @classmethod
    def of(cls, assessment: Assessment) -> Self:
        """``assessment`` as an answer."""
        return cls(
            readiness=assessment.readiness,
            packet=PacketSummary.of(assessment.packet),
            fallback_path=assessment.packet.fallback_path,
        )


class ForLearner(Contract):
    """A request about one learner."""

    learner_id: LearnerId


class SubmissionRequest(ForLearner):
    """Work handed in for a module."""

    module_id: ModuleId
    text: Annotated[str, Field(min_length=1, max_length=SUBMISSION_CHARACTERS)]


class _Reported(Contract):
    """Something that a learner, or a page for one, reports."""


class LessonStarted(_Reported):
    """A lesson was opened."""

    event_type: Literal[EventType.LESSON_STARTED]
    module_id: ModuleId


class ModuleExposed(_Reported):
    """A module was shown, without its answer."""

    event_type: Literal[EventType.MODULE_EXPOSED]
    module_id: ModuleId


class ReadinessReportViewed(_Reported):
    """The readiness report was read."""

    event_type: Literal[EventType.READINESS_REPORT_VIEWED]


class ConfidenceUpdated(_Reported):
    """The learner rates their confidence anew."""

    event_type: Literal[EventType.CONFIDENCE_UPDATED]
    confidence: Annotated[int, Field(ge=1, le=5)]


class GoalUpdated(_Reported):
    """The learner wants something else."""

    event_type: Literal[EventType.GOAL_UPDATED]
    goals: Annotated[tuple[Goal, ...], Field(min_length=1, max_length=len(Goal))]


class ToolStackUpdated(_Reported):
    """The learner has other tools."""

    event_type: Literal[EventType.TOOL_STACK_UPDATED]
    tools: Annotated[tuple[ShortText, ...], Field(max_length=30)]


ReportedEvent = Annotated[
    LessonStarted
    | ModuleExposed
    | ReadinessReportViewed
    | ConfidenceUpdated
    | GoalUpdated
    | ToolStackUpdated,
    Field(discriminator="event_type"),
]


class RecordedReport(Contract):
    """A reported event, as the ledger has it."""

    event_id: Digest
    event_type: EventType
    position: Annotated[int, Field(ge=1)]


class CriterionSummary(Contract):
    """What a criterion asks for, without its checks."""

    id: Text
    points: Annotated[int, Field(ge=1)]
    observable: Text


class ModuleLesson(Contract):
    """A module as a learner sees it before handing anything in."""

    module_id: ModuleId
    release_id: Text
    family: Text
    level: Level
    title: Text
    outcome: Text
    minutes: Annotated[int, Field(ge=1)]
    requires: tuple[ModuleId, ...]
    sources: tuple[Text, ...]
    lesson: Lesson
    exercise: Exercise
    criteria: tuple[CriterionSummary, ...]
    points_possible: Annotated[int, Field(ge=1)]
    points_to_pass: Annotated[int, Field(ge=1)]
    hitl_checkpoints: tuple[HitlCheckpoint, ...]

    @classmethod
    def of(cls, module: CurriculumModule, release_id: str) -> Self:
        """``module`` without what would give its answer away."""
        return cls(
            module_id=module.id,
            release_id=release_id,
            family=module.family,
            level=module.level,
            title=module.title,
            outcome=module.outcome,
            minutes=module.minutes,
            requires=module.requires,
            sources=module.sources,
            lesson=module.lesson,
            exercise=module.exercise,
            criteria=tuple(_summary(criterion) for criterion in module.rubric.criteria),
            points_possible=module.rubric.points,
            points_to_pass=module.rubric.points_to_pass,
            hitl_checkpoints=module.hitl_checkpoints,
        )


def _summary(criterion: Criterion) -> CriterionSummary:
    return CriterionSummary(
        id=criterion.id, points=criterion.points, observable=criterion.observable
    )


class ModuleAnswer(Contract):
    """How a module is graded, in full. Once shown, the module proves nothing for this learner."""

    module_id: ModuleId
    rubric: Rubric
    event: RecordedReport
    counts_for_mastery: Literal[False] = False


class RubricSummary(Contract):
    """A published rubric in short.

    Attributes:
        points: sum of the positive criteria.
        penalties: criteria that take points away.
        weightiest: criteria that give most.
    """

    criterion_count: Annotated[int, Field(ge=1)]
    points: Annotated[int, Field(ge=1)]
    penalties: Count
    weightiest: tuple[ScenarioCriterion, ...]


class SandboxSetup(Contract):
    """Whose work a scenario is, and how it was come by for this workflow."""

    sector: Text
    occupation: Text
    soc_codes: tuple[SocCode, ...]
    task_id: Text
    link_basis: Literal["task", "occupation"]


class Scenario(Contract):
    """A scenario to practise on. Files are named where their publisher keeps them.

    Attributes:
        allowed_use: what the licences of its sources allow.
    """

    scenario_id: Text
    setup: SandboxSetup
    prompt: Text
    reference_uris: tuple[Text, ...]
    deliverable: Text
    rubric: RubricSummary
    allowed_tools: tuple[Text, ...]
    hitl_checkpoints: tuple[HitlCheckpoint, ...]
    failure_modes: tuple[Text, ...]
    source_class: Text
    allowed_use: Text

    @classmethod
    def of(cls, scenario: SandboxScenario, link_basis: Literal["task", "occupation"]) -> Self:
        """``scenario`` as it is practised on, without an expert's deliverable."""
        ranked = sorted(scenario.rubric, key=lambda one: (-one.points, one.criterion_id))
        return cls(
            scenario_id=scenario.scenario_id,
            setup=SandboxSetup(
                sector=scenario.sector,
                occupation=scenario.occupation,
                soc_codes=scenario.soc_codes,
                task_id=scenario.task_id,
                link_basis=link_basis,
            ),
            prompt=scenario.prompt,
            reference_uris=scenario.reference_uris,
            deliverable=scenario.deliverable,
            rubric=RubricSummary(
                criterion_count=len(scenario.rubric),
                points=scenario.points,
                penalties=sum(one.points < 0 for one in scenario.rubric),
                weightiest=tuple(ranked[:SHOWN_CRITERIA]),
            ),
            allowed_tools=scenario.allowed_tools,
            hitl_checkpoints=scenario.hitl_checkpoints,
            failure_modes=scenario.failure_modes,
            source_class=scenario.source_class,
            allowed_use=scenario.allowed_use,
        )


class NoMatch(Contract):
    """Why a workflow has no scenario."""

    reason: Text
    rationale: Text


class WorkflowSandbox(Contract):
    """What a workflow can be practised on: scenarios, or why there are none.

    Attributes:
        scenario_count: how many there are; the first of them are here.
    """

    workflow_id: WorkflowId
    workflow_title: Text
    release_id: Text
    scenario_count: Count
    scenarios: tuple[Scenario, ...]
    no_match: NoMatch | None


class ServedRelease(Contract):
    """The release that is served."""

    release_id: Text
    is_loading_another: bool


class RefusedRelease(Contract):
    """A newer release that could not be opened."""

    release_id: Text
    expected: Text
    found: Text


class LedgerHead(Contract):
    """How far the ledger goes."""

    position: Count
    digest: Digest | None


class Health(Contract):
    """Whether the server can do its work.

    Attributes:
        status: ``degraded`` where a newer release is published that cannot be served.
        boundary: ``internal-synthetic``, and which boundaries of production are open, if any.
    """

    status: Literal["ok", "degraded"]
    boundary: Text
    version: Text
    release: ServedRelease
    refused_release: RefusedRelease | None
    ledger: LedgerHead


TraceDocument = dict[str, JsonValue]
