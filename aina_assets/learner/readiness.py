"""Readiness: from an intake, and what is proven, to a standing on the ladder.

Belongs here: deriving the snapshot, and the questionnaire's fields. Stays out: what is chosen for
it (``planner``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aina_assets.contracts.learner import Constraint, LearnerProfile, ReadinessSnapshot, WorkStatus
from aina_assets.learner.policy import PlannerRules

REQUIRED = ("role_title", "ai_usage", "confidence", "goals", "weekly_minutes")
OPTIONAL = ("industry", "seniority", "pains", "tools")
"""Answers that sharpen a plan, and whose absence is said."""


def readiness_of(
    profile: LearnerProfile, levels: Mapping[str, int], rules: PlannerRules
) -> ReadinessSnapshot:
    """Where ``profile`` stands.

    What is proven counts for more than what is said: a mastered module's level is a standing,
    a habit of use only suggests one.

    Args:
        profile: the intake; its ``evidence`` are mastered modules.
        levels: level of every module, by id.
        rules: of the planner.
    """
    said = rules.readiness
    proven = proven_level(profile.evidence, levels)
    suggested = said.usage_level[profile.ai_usage]
    flags = []
    if profile.confidence <= said.doubtful_confidence and suggested:
        suggested -= 1
        flags.append("doubts_own_use")
    level = max(proven, suggested)
    if suggested > proven:
        flags.append("standing_is_said_not_proven")
    flags += [f"constraint:{item}" for item in profile.constraints]
    if profile.status is not WorkStatus.WORKING:
        flags.append(f"status:{profile.status}")
    if Constraint.NO_AI_TOOLS_ALLOWED in profile.constraints:
        flags.append("practice_without_tools")
    parts = {
        "usage": said.usage_score[profile.ai_usage],
        "confidence": (profile.confidence - 1) / 4,
        "tools": min(1.0, len(set(profile.tools)) / said.tools_for_full_score),
        "proven": proven / max(levels.values(), default=1),
    }
    weights = said.weights.model_dump()
    return ReadinessSnapshot(
        level=level,
        score=round(sum(weights[name] * part for name, part in parts.items()), 4),
        parts=parts,
        flags=tuple(flags),
        missing=tuple(name for name in OPTIONAL if not getattr(profile, name)),
    )


def proven_level(mastered: Collection[str], levels: Mapping[str, int]) -> int:
    """The highest level of the modules mastered."""
    return max((levels[name] for name in mastered if name in levels), default=0)
