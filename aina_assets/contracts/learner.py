"""Contracts of the learner loop: who learns, what a planner is given and chose, what happened.

Belongs here: shapes and their words. Stays out: how a route is chosen, where events are kept
(``learner``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, JsonValue

from aina_assets.contracts.curriculum import ModuleId
from aina_assets.contracts.practice import Digest
from aina_assets.contracts.work import (
    AIAffordancePack,
    Contract,
    EvidenceClaim,
    RiskTier,
    RoleProfile,
    Share,
    Text,
    WorkflowId,
    WorkflowProfile,
)

LearnerId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{3,63}$")]
"""An opaque id. Never a name, an address, or anything that says who it is."""
ShortText = Annotated[str, Field(min_length=1, max_length=300)]
Level = Annotated[int, Field(ge=0, le=4)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class AiUsage(StrEnum):
    """How a learner uses AI at work today."""

    NEVER = "never"
    TRIED = "tried"
    WEEKLY = "weekly"
    DAILY = "daily"
    BUILDS = "builds"


class Goal(StrEnum):
    """What a learner wants of it."""

    UNDERSTAND = "understand"
    SAVE_TIME = "save_time"
    RAISE_QUALITY = "raise_quality"
    REDESIGN_WORK = "redesign_work"
    LEAD_OTHERS = "lead_others"
    CHANGE_ROLE = "change_role"


class Constraint(StrEnum):
    """What stands in the way."""

    NO_AI_TOOLS_ALLOWED = "no_ai_tools_allowed"
    APPROVED_TOOLS_ONLY = "approved_tools_only"
    CONFIDENTIAL_MATERIAL = "confidential_material"
    REGULATED_WORK = "regulated_work"
    NO_BUDGET = "no_budget"
    SHARED_DEVICE = "shared_device"


class WorkStatus(StrEnum):
    """Whether a learner has work to practise on."""

    WORKING = "working"
    SEEKING = "seeking"
    RETIRED = "retired"
    STUDYING = "studying"


class LearnerSeniority(StrEnum):
    """Where a learner stands in an organisation."""

    ENTRY = "entry"
    PROFESSIONAL = "professional"
    MANAGER = "manager"
    EXECUTIVE = "executive"
    FOUNDER = "founder"


class EventType(StrEnum):
    """What can happen to a learner."""

    ASSESSMENT_STARTED = "assessment_started"
    ASSESSMENT_COMPLETED = "assessment_completed"
    READINESS_REPORT_VIEWED = "readiness_report_viewed"
    CURRICULUM_PLAN_CREATED = "curriculum_plan_created"
    MODULE_EXPOSED = "module_exposed"
    LESSON_STARTED = "lesson_started"
    PRACTICE_SUBMITTED = "practice_submitted"
    EVALUATOR_COMPLETED = "evaluator_completed"
    MASTERY_GATE_PASSED = "mastery_gate_passed"
    MASTERY_GATE_FAILED = "mastery_gate_failed"
    CONFIDENCE_UPDATED = "confidence_updated"
    GOAL_UPDATED = "goal_updated"
    TOOL_STACK_UPDATED = "tool_stack_updated"


class Actor(StrEnum):
    """Who made it happen."""

    LEARNER = "learner"
    PLANNER = "planner"
    EVALUATOR = "evaluator"
    REVIEWER = "reviewer"
    SYSTEM = "system"


class LearnerProfile(Contract):
    """Who a learner is, as far as the next step depends on it.

    Attributes:
        confidence: own rating, 1 (none) to 5.
        weekly_minutes: time for learning.
        evidence: modules already mastered, from the ledger alone, never claimed.
    """

    schema_version: ClassVar[int] = 1

    learner_id: LearnerId
    is_synthetic: bool
    role_title: ShortText
    industry: ShortText | None = None
    seniority: LearnerSeniority | None = None
    status: WorkStatus = WorkStatus.WORKING
    ai_usage: AiUsage
    confidence: Annotated[int, Field(ge=1, le=5)]
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]
    pains: Annotated[tuple[ShortText, ...], Field(max_length=10)] = ()
    tools: Annotated[tuple[ShortText, ...], Field(max_length=30)] = ()
    constraints: tuple[Constraint, ...] = ()
    weekly_minutes: Annotated[int, Field(ge=15, le=1200)]
    evidence: tuple[ModuleId, ...] = ()


class ReadinessSnapshot(Contract):
    """What an intake says about where to start.

    Attributes:
        level: of the ladder on which the learner stands; 0 before the first.
        parts: what it was derived from.
        missing: optional answers that would sharpen it.
    """

    level: Level
    score: Share
    parts: dict[str, Finite]
    flags: tuple[Text, ...]
    missing: tuple[Text, ...]


class FallbackStep(Contract):
    """One step of the resolver: what was tried, and why it went on or stopped."""

    tier: Text
    is_used: bool
    found: Text
    reason: Text


class CandidateModule(Contract):
    """A module that may be the next step, and the workflow it would be practised on."""

    module_id: ModuleId
    family: Text
    level: Level
    minutes: Annotated[int, Field(ge=1)]
    requires: tuple[ModuleId, ...]
    workflow_id: WorkflowId | None
    link_basis: Text
    link_strength: Share


class CurriculumInputPacket(Contract):
    """What the planner is given.

    Attributes:
        packet_id: digest of everything else here.
        role: the role served; null where none is, and the path is then general.
        title_confidence: calibrated probability that the role is right.
        fallback_path: how the role was come by, step by step.
    """

    schema_version: ClassVar[int] = 1

    packet_id: Digest
    release_id: Text
    learner: LearnerProfile
    readiness: ReadinessSnapshot
    role: RoleProfile | None
    role_family: Text | None
    fallback_tier: Text
    title_confidence: Share
    title_reasons: tuple[Text, ...]
    fallback_path: Annotated[tuple[FallbackStep, ...], Field(min_length=1)]
    workflows: tuple[WorkflowProfile, ...]
    affordances: tuple[AIAffordancePack, ...]
    opportunities: tuple[EvidenceClaim, ...]
    boundaries: tuple[EvidenceClaim, ...]
    candidate_modules: tuple[CandidateModule, ...]
    coverage_requirements: tuple[Text, ...]
    risk_tier: RiskTier | None
    risk_rules: tuple[Text, ...]
    quality_flags: tuple[Text, ...]


class ScoreParts(Contract):
    """Parts of a candidate's score, each 0 to 1; the penalty is subtracted."""

    match: Share
    importance: Share
    applicability: Share
    value: Share
    affordability: Share
    ease: Share
    confidence: Share
    risk_penalty: Share


class CandidateScore(Contract):
    """One candidate, scored; the first of them is the next step."""

    rank: Annotated[int, Field(ge=1)]
    module_id: ModuleId
    workflow_id: WorkflowId | None
    parts: ScoreParts
    score: Finite
    reasons: tuple[Text, ...]


class Exclusion(Contract):
    """A module that is no candidate, and why."""

    module_id: ModuleId
    reason: Text


class PathStep(Contract):
    """A module on the chosen path."""

    position: Annotated[int, Field(ge=1)]
    module_id: ModuleId
    workflow_id: WorkflowId | None
    level: Level
    minutes: Annotated[int, Field(ge=1)]
    week: Annotated[int, Field(ge=1)]


class PersonalizationDecision(Contract):
    """The path chosen, and everything it was chosen by.

    Attributes:
        decision_id: digest of everything else here.
        basis_events: events that it took into account, the latest last.
        changed_by: the events that made it differ from the decision before; empty for a first.
    """

    schema_version: ClassVar[int] = 1

    decision_id: Digest
    learner_id: LearnerId
    packet_id: Digest
    planner: Text
    weights_digest: Digest
    chosen_path: tuple[PathStep, ...]
    candidates: tuple[CandidateScore, ...]
    excluded: tuple[Exclusion, ...]
    rationale: Annotated[tuple[Text, ...], Field(min_length=1)]
    confidence: Share
    fallback_tier: Text
    confirmation_questions: tuple[Text, ...]
    required_events: tuple[EventType, ...]
    basis_events: tuple[Text, ...]
    changed_by: tuple[Text, ...]


class LearnerEvent(Contract):
    """Something that happened; once recorded it is never changed.

    Attributes:
        idempotency_key: the same key of the same learner is the same event, recorded once.
        artifact_refs: ``kind:key`` of what it is about (``evaluation:…``, ``decision:…``).
        scores: figures by name.
        payload: a contract as JSON, where replay needs it whole (profile, evaluation, decision).
        occurred_at: when it happened, with its zone.
    """

    schema_version: ClassVar[int] = 1

    event_id: Digest
    event_type: EventType
    actor: Actor
    learner_id: LearnerId
    packet_id: Digest | None = None
    module_id: ModuleId | None = None
    artifact_refs: tuple[Text, ...] = ()
    scores: dict[str, Finite] = Field(default_factory=dict)
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)]
    occurred_at: AwareDatetime


class RecordedEvent(Contract):
    """An event as the ledger holds it.

    Attributes:
        position: in the ledger; it only grows.
        previous_digest: of the record before it; the first has none.
        digest: of the event, its position and ``previous_digest``.
    """

    position: Annotated[int, Field(ge=1)]
    event: LearnerEvent
    recorded_at: AwareDatetime
    previous_digest: Digest | None
    digest: Digest
