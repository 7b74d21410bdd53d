"""Events to record, and the contracts in their payloads.

Belongs here: valid ones; a test changes what it is about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue

from aina_assets.contracts.learner import (
    Actor,
    AiUsage,
    EventType,
    Goal,
    LearnerEvent,
    LearnerProfile,
    PersonalizationDecision,
)
from aina_assets.contracts.practice import (
    EvaluationResult,
    EvaluatorProvenance,
    NextStep,
    Outcome,
)
from aina_assets.warehouse.digests import digest_of_json

LEARNER = "learner-0001"
MODULE = "map_your_work"
START = datetime(2026, 3, 1, 9, 30, 0, 250, tzinfo=UTC)


def event(number: int, **changes: Any) -> LearnerEvent:
    """The ``number``-th event of a learner; a lesson that was started if not said otherwise."""
    fields: dict[str, Any] = {
        "event_type": EventType.LESSON_STARTED,
        "actor": Actor.LEARNER,
        "learner_id": LEARNER,
        "module_id": MODULE,
        "idempotency_key": f"event {number}",
        "occurred_at": START + timedelta(minutes=number),
    }
    fields |= changes
    fields.setdefault("event_id", digest_of_json([fields["learner_id"], number]))
    return LearnerEvent(**fields)


def profile(learner_id: str = LEARNER, **changes: Any) -> LearnerProfile:
    """A learner's profile."""
    fields: dict[str, Any] = {
        "learner_id": learner_id,
        "is_synthetic": True,
        "role_title": "Sales manager",
        "ai_usage": AiUsage.TRIED,
        "confidence": 2,
        "goals": (Goal.SAVE_TIME,),
        "tools": ("spreadsheet",),
        "weekly_minutes": 90,
    }
    return LearnerProfile(**fields | changes)


def evaluation(
    submission: str, outcome: Outcome = Outcome.PASS, rubric: str = "first", **changes: Any
) -> EvaluationResult:
    """What an evaluation of ``submission`` under ``rubric`` found."""
    fields: dict[str, Any] = {
        "evaluation_id": digest_of_json([submission, rubric]),
        "submission_digest": submission,
        "module_id": MODULE,
        "outcome": outcome,
        "points": 9 if outcome is Outcome.PASS else 3,
        "points_possible": 12,
        "points_to_pass": 8,
        "scores": (),
        "passed_gates": (),
        "failed_gates": (),
        "fail_conditions": (),
        "unsafe_conditions": (),
        "feedback": ("Name the source of each figure.",),
        "next_recommendation": NextStep.ADVANCE,
        "counts_for_mastery": True,
        "provenance": EvaluatorProvenance(
            engine="rubric 1",
            judge_model=None,
            rubric_digest=digest_of_json(rubric),
            limits="Says nothing of the work itself.",
        ),
    }
    return EvaluationResult(**fields | changes)


def decision(name: str = "first", learner_id: str = LEARNER) -> PersonalizationDecision:
    """A decision of the planner, without a path."""
    return PersonalizationDecision(
        decision_id=digest_of_json(name),
        learner_id=learner_id,
        packet_id=digest_of_json("packet"),
        planner="planner 1",
        weights_digest=digest_of_json("weights"),
        chosen_path=(),
        candidates=(),
        excluded=(),
        rationale=("Nothing is left to learn.",),
        confidence=0.5,
        fallback_tier="exact",
        confirmation_questions=(),
        required_events=(),
        basis_events=(),
        changed_by=(),
    )


def submission(name: str) -> str:
    """The digest of the text called ``name``."""
    return digest_of_json(["text", name])


def as_payload(**contracts: Any) -> dict[str, JsonValue]:
    """A payload that holds each contract as JSON."""
    return {name: contract.model_dump(mode="json") for name, contract in contracts.items()}
