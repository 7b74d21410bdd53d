"""The planner: every candidate scored in the open, the next steps chosen, all of it explained.

Belongs here: scoring, exclusion and sequencing; a pure function of packet, rules and history. Stays
out: what is known of the learner's work (``packets.curriculum_input``), keeping what happened
(``ledger``).

The score of a module on a workflow is the weighted sum of seven parts less the weighted risk. Ties
go to the lower level, then to the more important workflow, then by id. Two promises are held by
construction, and tested: more risk never raises a candidate's rank, for risk enters its score alone
and only downwards; evidence that is missing never raises confidence, for it only multiplies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from aina_assets.contracts.learner import (
    CandidateModule,
    CandidateScore,
    Constraint,
    CurriculumInputPacket,
    EventType,
    Exclusion,
    PathStep,
    PersonalizationDecision,
    ScoreParts,
    WorkStatus,
)
from aina_assets.contracts.work import AIAffordancePack, EvidenceState, RiskTier, WorkflowProfile
from aina_assets.learner.policy import PlannerRules, TierRules
from aina_assets.titles.vocabulary import FallbackTier
from aina_assets.warehouse.digests import digest_of_json

PLANNER = "planner_v0.1"
_UNNAMED = "0" * 32
DIGITS = 4
"""Of a score; the rest is noise."""
_RISK = list(RiskTier)
_WORD = re.compile(r"[^\W\d_]{4,}")
_REQUIRED_EVENTS = (
    EventType.MODULE_EXPOSED,
    EventType.LESSON_STARTED,
    EventType.PRACTICE_SUBMITTED,
    EventType.EVALUATOR_COMPLETED,
)


@dataclass(frozen=True)
class History:
    """What happened before, as far as a decision stands on it.

    Attributes:
        mastered: modules mastered, from the ledger.
        failed: modules whose last evaluation did not pass.
        basis_events: ids of the events that say so, in order.
    """

    mastered: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    basis_events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scored:
    """A candidate with its parts."""

    candidate: CandidateModule
    parts: dict[str, float]
    score: float
    reasons: tuple[str, ...]
    order: tuple[float | int | str, ...]


def decide(
    packet: CurriculumInputPacket,
    rules: PlannerRules,
    history: History | None = None,
    changed_by: Collection[str] = (),
) -> PersonalizationDecision:
    """The path for ``packet``'s learner.

    Args:
        packet: what is known.
        rules: weights, tiers and closures.
        history: what happened before.
        changed_by: events that made this decision differ from the one before it.
    """
    past = history or History()
    tier = FallbackTier(packet.fallback_tier)
    allowed = rules.tiers[tier]
    scored = sorted(_scores(packet, rules, allowed, past), key=lambda one: one.order)
    closed = _closed(packet, rules, allowed, tier, past)
    open_now = [one for one in scored if one.candidate.module_id not in closed]
    path, waiting = _sequence(open_now, packet, rules, past)
    reachable = {step.module_id for step in path} | {
        one.candidate.module_id
        for one in open_now
        if not _unmet(one.candidate, past.mastered, packet.readiness.level)
    }
    excluded = closed | {name: reason for name, reason in waiting.items() if name not in reachable}
    candidates = tuple(
        CandidateScore(
            rank=rank,
            module_id=one.candidate.module_id,
            workflow_id=one.candidate.workflow_id,
            parts=ScoreParts(**one.parts),
            score=one.score,
            reasons=one.reasons,
        )
        for rank, one in enumerate(open_now, start=1)
    )
    first = next(
        (
            one
            for one in open_now
            if path
            and (one.candidate.module_id, one.candidate.workflow_id)
            == (path[0].module_id, path[0].workflow_id)
        ),
        None,
    )
    fields: dict[str, Any] = {
        "learner_id": packet.learner.learner_id,
        "packet_id": packet.packet_id,
        "planner": PLANNER,
        "weights_digest": _digest_of_rules(rules),
        "chosen_path": path,
        "candidates": candidates,
        "excluded": tuple(
            Exclusion(module_id=name, reason=reason) for name, reason in sorted(excluded.items())
        ),
        "rationale": _rationale(packet, first, allowed, past),
        "confidence": round(first.parts["confidence"], DIGITS) if first is not None else 0.0,
        "fallback_tier": packet.fallback_tier,
        "confirmation_questions": _questions(packet, rules, allowed),
        "required_events": _REQUIRED_EVENTS if path else (),
        "basis_events": past.basis_events,
        "changed_by": tuple(changed_by),
    }
    decision = PersonalizationDecision(decision_id=_UNNAMED, **fields)
    digest = hashlib.sha256(decision.model_dump_json().encode()).hexdigest()
    return decision.model_copy(update={"decision_id": digest[: len(_UNNAMED)]})


# ------------------------------------------------------------------------------------- scoring


@dataclass(frozen=True)
class _Work:
    """What a workflow brings to the score of every module on it."""

    workflow: WorkflowProfile | None
    importance: float
    applicability: float
    confidence: float
    risk: float
    names_pain: bool
    reasons: tuple[str, ...]


def _works(
    packet: CurriculumInputPacket, rules: PlannerRules, allowed: TierRules
) -> dict[str | None, _Work]:
    """Every workflow, and none."""
    packs = {pack.workflow_id: pack for pack in packet.affordances}
    pains = frozenset(
        word.casefold() for pain in packet.learner.pains for word in _WORD.findall(pain)
    )
    factor = 1.0
    for constraint in packet.learner.constraints:
        factor *= rules.risk_constraints.get(constraint, 1.0)
    found = {}
    for workflow in (None, *packet.workflows):
        name = workflow.workflow_id if workflow is not None else None
        pack = packs.get(name or "")
        reasons: list[str] = []
        names_pain = workflow is not None and _names_pain(workflow, pains)
        if names_pain:
            reasons.append("pain_named")
        found[name] = _Work(
            workflow,
            round(_importance(workflow, rules, reasons), DIGITS),
            round(_applicability(pack, rules, reasons), DIGITS),
            round(_confidence(packet, pack, allowed, rules, reasons), DIGITS),
            round(_risk(pack, factor, rules, reasons), DIGITS),
            names_pain,
            tuple(reasons),
        )
    return found


def _scores(
    packet: CurriculumInputPacket, rules: PlannerRules, allowed: TierRules, past: History
) -> list[Scored]:
    works = _works(packet, rules, allowed)
    weights = rules.weights
    values = {
        level: max(rules.goal_value[goal][level] for goal in packet.learner.goals)
        for level in {candidate.level for candidate in packet.candidate_modules}
    }
    found = []
    for candidate in packet.candidate_modules:
        work = works[candidate.workflow_id]
        match, basis = _match(candidate, work.names_pain, allowed, rules)
        ease, footing = _ease(candidate, packet.readiness.level, past)
        parts = {
            "match": round(match, DIGITS),
            "importance": work.importance,
            "applicability": work.applicability,
            "value": values[candidate.level],
            "affordability": round(
                min(1.0, packet.learner.weekly_minutes / candidate.minutes), DIGITS
            ),
            "ease": round(ease, DIGITS),
            "confidence": work.confidence,
            "risk_penalty": work.risk,
        }
        score = round(
            weights.match * parts["match"]
            + weights.importance * parts["importance"]
            + weights.applicability * parts["applicability"]
            + weights.value * parts["value"]
            + weights.affordability * parts["affordability"]
            + weights.ease * parts["ease"]
            + weights.confidence * parts["confidence"]
            - weights.risk_penalty * parts["risk_penalty"],
            DIGITS,
        )
        order = (
            -score,
            candidate.level,
            work.workflow.rank if work.workflow is not None else 0,
            candidate.module_id,
            candidate.workflow_id or "",
        )
        found.append(Scored(candidate, parts, score, (basis, *footing, *work.reasons), order))
    return found


def _match(
    candidate: CandidateModule, names_pain: bool, allowed: TierRules, rules: PlannerRules
) -> tuple[float, str]:
    """How well a module fits the work: the less the role is trusted, the broader the better fit."""
    if candidate.link_basis == "words":
        match, basis = candidate.link_strength * allowed.trust, "module_for_this_workflow"
    else:
        match = max(candidate.link_strength, 1 - allowed.trust)
        basis = "module_for_the_whole_family"
    return min(1.0, match + rules.pain_bonus * names_pain), basis


def _names_pain(workflow: WorkflowProfile, pains: frozenset[str]) -> bool:
    if not pains:
        return False
    said = " ".join((workflow.workflow_title, *workflow.pain_points)).casefold()
    return any(word in said for word in pains)


def _importance(workflow: WorkflowProfile | None, rules: PlannerRules, reasons: list[str]) -> float:
    if workflow is None or workflow.importance is None:
        reasons.append("importance_unknown")
        return rules.unknown.importance
    return workflow.importance / 100


def _applicability(pack: AIAffordancePack | None, rules: PlannerRules, reasons: list[str]) -> float:
    """How far AI was seen, or rated, to apply: the mean of the measures there are."""
    if pack is None or pack.evidence_state is EvidenceState.NO_EVIDENCE:
        reasons.append("no_evidence_of_use")
        return rules.unknown.applicability
    measured = [
        figure
        for figure in (
            pack.economic_index_exposure,
            pack.working_with_ai_exposure,
            pack.gpts_exposure,
        )
        if figure is not None
    ]
    if pack.measures_disagree:
        reasons.append("measures_disagree")
    if not measured:
        return rules.unknown.applicability
    return sum(measured) / len(measured) / 100


def _ease(
    candidate: CandidateModule, standing: int, past: History
) -> tuple[float, tuple[str, ...]]:
    """1 for the next step up; less for each step beyond, and for what one stands above."""
    if candidate.module_id in past.failed:
        return 1.0, ("to_be_redone",)
    distance = candidate.level - standing - 1
    if distance < 0:
        return 0.4**-distance, ("below_standing",)
    return 0.35**distance, ()


def _confidence(
    packet: CurriculumInputPacket,
    pack: AIAffordancePack | None,
    allowed: TierRules,
    rules: PlannerRules,
    reasons: list[str],
) -> float:
    """How sure the choice can be: role, tier and evidence multiply; none of them can add."""
    sure = packet.title_confidence * allowed.trust
    if pack is None or pack.evidence_state is EvidenceState.NO_EVIDENCE:
        return sure * rules.no_evidence_confidence
    reasons.append("evidence_of_use")
    return sure


def _risk(
    pack: AIAffordancePack | None, factor: float, rules: PlannerRules, reasons: list[str]
) -> float:
    if pack is None:
        return 0.0
    if pack.risk_tier is not RiskTier.LOW:
        reasons.append(f"risk:{pack.risk_tier}")
    return min(1.0, rules.risk_penalty[pack.risk_tier] * factor)


# ----------------------------------------------------------------------------- closing, sequencing


def _closed(
    packet: CurriculumInputPacket,
    rules: PlannerRules,
    allowed: TierRules,
    tier: FallbackTier,
    past: History,
) -> dict[str, str]:
    """Modules that are no candidates whatever their score, with the reason."""
    shut: dict[int, str] = {}
    circumstances: list[Constraint | WorkStatus] = [
        *packet.learner.constraints,
        packet.learner.status,
    ]
    for circumstance in circumstances:
        for level in rules.closed_levels.get(circumstance, ()):
            kind = "constraint" if isinstance(circumstance, Constraint) else "status"
            shut.setdefault(level, f"{kind}:{circumstance}")
    is_guarded = (
        packet.risk_tier is not None
        and _RISK.index(packet.risk_tier) >= _RISK.index(rules.guarded_risk)
        and tier in rules.guarded_tiers
    )
    closed = {}
    for candidate in packet.candidate_modules:
        name, level = candidate.module_id, candidate.level
        if name in past.mastered:
            closed[name] = "already_mastered"
        elif level in shut:
            closed[name] = shut[level]
        elif level > allowed.max_level:
            closed[name] = f"tier:{tier}_supports_level_{allowed.max_level}"
        elif is_guarded and level > 1:
            closed[name] = f"risk:{packet.risk_tier}_on_a_role_only_guessed_at"
    return closed


def _unmet(candidate: CandidateModule, mastered: Collection[str], standing: int) -> tuple[str, ...]:
    """Modules it requires that are neither mastered nor below the learner's standing."""
    if candidate.level <= standing + 1:
        return ()
    return tuple(name for name in candidate.requires if name not in mastered)


def _sequence(
    ranked: Sequence[Scored], packet: CurriculumInputPacket, rules: PlannerRules, past: History
) -> tuple[tuple[PathStep, ...], dict[str, str]]:
    """The path, greedily: each step the best that is open once those before it are mastered."""
    mastered = set(past.mastered)
    standing = packet.readiness.level
    steps: list[PathStep] = []
    spent = 0
    left = list(ranked)
    while left and len(steps) < rules.max_steps:
        chosen = next(
            (
                one
                for one in left
                if not _unmet(one.candidate, mastered, standing)
                and (not steps or one.candidate.level >= steps[-1].level)
            ),
            None,
        )
        if chosen is None:
            break
        candidate = chosen.candidate
        steps.append(
            PathStep(
                position=len(steps) + 1,
                module_id=candidate.module_id,
                workflow_id=candidate.workflow_id,
                level=candidate.level,
                minutes=candidate.minutes,
                week=spent // packet.learner.weekly_minutes + 1,
            )
        )
        spent += candidate.minutes
        mastered.add(candidate.module_id)
        standing = max(standing, candidate.level)
        left = [one for one in left if one.candidate.module_id != candidate.module_id]
    waiting = {
        one.candidate.module_id: "requires:" + ",".join(unmet)
        for one in left
        if (unmet := _unmet(one.candidate, mastered, standing))
    }
    return tuple(steps), waiting


# ---------------------------------------------------------------------------------- explaining


def _rationale(
    packet: CurriculumInputPacket, first: Scored | None, allowed: TierRules, past: History
) -> tuple[str, ...]:
    said = [f"title:{packet.fallback_tier}", f"standing:{packet.readiness.level}"]
    if packet.role is not None:
        said.append(f"role:{packet.role.role_id}")
    if packet.role_family is None:
        said.append("no_family:nothing_to_choose_from")
    if past.failed:
        said.append(f"not_passed:{','.join(sorted(past.failed))}")
    if past.mastered:
        said.append(f"mastered:{','.join(sorted(past.mastered))}")
    if allowed.trust < 1:
        said.append(f"role_trusted_to:{allowed.trust}")
    if first is None:
        said.append("no_module_is_open")
        return tuple(said)
    parts = sorted(first.parts.items(), key=lambda item: (-item[1], item[0]))
    said.append(f"first_step:{first.candidate.module_id}")
    said.append("strongest:" + ",".join(name for name, _ in parts[:3] if name != "risk_penalty"))
    return (*said, *first.reasons)


def _questions(
    packet: CurriculumInputPacket, rules: PlannerRules, allowed: TierRules
) -> tuple[str, ...]:
    role = packet.role.canonical_title if packet.role is not None else packet.learner.role_title
    asked = list(allowed.questions)
    if packet.learner.status is not WorkStatus.WORKING:
        asked.append("which_case_can_you_use")
    return tuple(rules.questions[name].replace("{role}", role) for name in asked)


_DIGESTS: dict[int, tuple[PlannerRules, str]] = {}


def _digest_of_rules(rules: PlannerRules) -> str:
    """Digest of the rules; remembered, for rules are asked a thousand times."""
    held = _DIGESTS.get(id(rules))
    if held is None or held[0] is not rules:
        digest = digest_of_json(rules.model_dump(mode="json"))
        held = _DIGESTS[id(rules)] = (rules, digest)
    return held[1]
