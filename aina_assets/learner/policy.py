"""The documents of the learner loop: how a path is chosen, and what may be told of learners.

Belongs here: their models and what must hold within them. Stays out: applying them (``readiness``,
``planner``, ``activity``).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from aina_assets.contracts.learner import AiUsage, Constraint, Goal, ScoreParts, WorkStatus
from aina_assets.contracts.work import Contract, RiskTier, Share, Text
from aina_assets.titles.vocabulary import FallbackTier
from aina_assets.warehouse.authored import AuthoredDocument

LevelNumber = Annotated[int, Field(ge=1, le=4)]


class ReadinessWeights(Contract):
    """Weights of the parts of a readiness score; they sum to 1."""

    usage: Share
    confidence: Share
    tools: Share
    proven: Share


class ReadinessRules(Contract):
    """How an intake becomes a standing on the ladder."""

    usage_level: dict[AiUsage, Annotated[int, Field(ge=0, le=4)]]
    usage_score: dict[AiUsage, Share]
    doubtful_confidence: Annotated[int, Field(ge=1, le=5)]
    weights: ReadinessWeights
    tools_for_full_score: Annotated[int, Field(ge=1)]


class TierRules(Contract):
    """What a fallback tier allows.

    Attributes:
        trust: how far the role is trusted, 0 to 1.
        max_level: the highest level that may be built on it.
        questions: what is asked first, by id.
    """

    trust: Share
    max_level: LevelNumber
    questions: tuple[Text, ...]


class UnknownFigures(Contract):
    """Values of parts where nothing is known."""

    importance: Share
    applicability: Share


class PlannerRules(AuthoredDocument, document="planner_rules"):
    """Weights, tiers, closures and questions of the planner."""

    readiness: ReadinessRules
    weights: ScoreParts
    goal_value: dict[Goal, dict[LevelNumber, Share]]
    tiers: dict[FallbackTier, TierRules]
    questions: dict[str, Text]
    unknown: UnknownFigures
    no_evidence_confidence: Share
    pain_bonus: Share
    risk_penalty: dict[RiskTier, Share]
    risk_constraints: dict[Constraint, Annotated[float, Field(ge=1, le=2)]]
    closed_levels: dict[Constraint | WorkStatus, tuple[LevelNumber, ...]]
    guarded_risk: RiskTier
    guarded_tiers: tuple[FallbackTier, ...]
    max_steps: Annotated[int, Field(ge=1)]
    top_workflows: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for name, said, all_of in (
            ("goal_value", self.goal_value, Goal),
            ("tiers", self.tiers, FallbackTier),
            ("risk_penalty", self.risk_penalty, RiskTier),
            ("readiness.usage_level", self.readiness.usage_level, AiUsage),
            ("readiness.usage_score", self.readiness.usage_score, AiUsage),
        ):
            missing = [str(item) for item in all_of if item not in said]
            if missing:
                raise ValueError(f"{name} says nothing of: {', '.join(missing)}")
        asked = {question for tier in self.tiers.values() for question in tier.questions}
        if unknown := sorted(asked - self.questions.keys()):
            raise ValueError(f"tiers ask questions that are not written: {', '.join(unknown)}")
        order = [self.risk_penalty[tier] for tier in RiskTier]
        if order != sorted(order):
            raise ValueError("risk_penalty falls where the risk rises")
        trust = [self.tiers[tier].trust for tier in FallbackTier]
        if trust != sorted(trust, reverse=True):
            raise ValueError("a lower tier is trusted more than a higher one")
        return self


class ActivityRules(AuthoredDocument, document="activity_rules"):
    """What may be told of what learners did.

    Attributes:
        min_learners: no count of what fewer did is told.
    """

    min_learners: Annotated[int, Field(ge=2)]
