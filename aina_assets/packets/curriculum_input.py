"""The packet a planner is given: learner, role, workflows, what AI grants and blocks, candidates.

Belongs here: putting it together from what is known, and nothing beyond. Stays out: choosing
(``learner.planner``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.learner import (
    CandidateModule,
    CurriculumInputPacket,
    FallbackStep,
    LearnerProfile,
    ReadinessSnapshot,
)
from aina_assets.contracts.packets import QualityFlag
from aina_assets.contracts.work import (
    AIAffordancePack,
    EvidenceClaim,
    EvidenceState,
    RiskTier,
    RoleProfile,
    WorkflowProfile,
)
from aina_assets.curriculum.links import links_of

PACKET_DIGITS = 32
_UNNAMED = "0" * PACKET_DIGITS


@dataclass(frozen=True)
class RoleMaterial:
    """What a release says of one role.

    Attributes:
        workflows: its top workflows, by rank.
        affordances: of these, in the same order, as far as there are any.
    """

    role: RoleProfile
    workflows: tuple[WorkflowProfile, ...]
    affordances: tuple[AIAffordancePack, ...]


@dataclass(frozen=True)
class RouteFinding:
    """How the role was come by.

    Attributes:
        family: the family the title's words, or its role, say.
        tier: fallback tier.
        confidence: calibrated probability that the role is right.
    """

    family: str | None
    tier: str
    confidence: float
    reasons: tuple[str, ...]
    path: tuple[FallbackStep, ...]


def curriculum_input(
    release_id: str,
    learner: LearnerProfile,
    readiness: ReadinessSnapshot,
    route: RouteFinding,
    material: RoleMaterial | None,
    modules: Mapping[str, Sequence[tuple[CurriculumModule, Mapping[str, Any]]]],
) -> CurriculumInputPacket:
    """The packet of one learner.

    Args:
        release_id: the release all of it is from.
        learner: who learns.
        readiness: where they stand.
        route: how the role was come by.
        material: what is known of the role; none where there is no role.
        modules: by family, modules with their rows of the table ``modules``.
    """
    family = route.family
    if family not in modules:
        family = material.role.role_family if material is not None else None
    offered = modules.get(family or "", ())
    workflows = material.workflows if material is not None else ()
    packs = material.affordances if material is not None else ()
    fields: dict[str, Any] = {
        "release_id": release_id,
        "learner": learner,
        "readiness": readiness,
        "role": material.role if material is not None else None,
        "role_family": family,
        "fallback_tier": route.tier,
        "title_confidence": route.confidence,
        "title_reasons": route.reasons,
        "fallback_path": route.path,
        "workflows": workflows,
        "affordances": packs,
        "opportunities": _claims(packs, "grants"),
        "boundaries": (*_claims(packs, "blocks"), *_claims(packs, "human_owned")),
        "candidate_modules": _candidates(offered, workflows),
        "coverage_requirements": _requirements(offered),
        "risk_tier": max((pack.risk_tier for pack in packs), key=_RISK.index, default=None),
        "risk_rules": tuple(sorted({rule for pack in packs for rule in pack.risk_rules})),
        "quality_flags": _flags(material, route, family),
    }
    packet = CurriculumInputPacket(packet_id=_UNNAMED, **fields)
    digest = hashlib.sha256(packet.model_dump_json().encode()).hexdigest()
    return packet.model_copy(update={"packet_id": digest[:PACKET_DIGITS]})


_RISK = list(RiskTier)


def _claims(packs: Sequence[AIAffordancePack], name: str) -> tuple[EvidenceClaim, ...]:
    return tuple(dict.fromkeys(claim for pack in packs for claim in getattr(pack, name)))


def _candidates(
    offered: Sequence[tuple[CurriculumModule, Mapping[str, Any]]],
    workflows: Sequence[WorkflowProfile],
) -> tuple[CandidateModule, ...]:
    """Modules with each workflow they are for; without workflows, the modules alone."""
    by_id = {module.id: module for module, _ in offered}
    rows = [row for _, row in offered]

    def candidate(
        name: str, workflow_id: str | None, basis: str, strength: float
    ) -> CandidateModule:
        module = by_id[name]
        return CandidateModule(
            module_id=name,
            family=module.family,
            level=module.level,
            minutes=module.minutes,
            requires=module.requires,
            workflow_id=workflow_id,
            link_basis=basis,
            link_strength=strength,
        )

    if not workflows:
        return tuple(candidate(name, None, "no_workflow", 0.0) for name in by_id)
    return tuple(
        candidate(link.module_id, workflow.workflow_id, link.basis, link.strength)
        for workflow in workflows
        for link in links_of(
            {"workflow_title": workflow.workflow_title, "deliverables": workflow.deliverables},
            rows,
        )
    )


def _requirements(offered: Sequence[tuple[CurriculumModule, Mapping[str, Any]]]) -> tuple[str, ...]:
    levels = sorted({module.level for module, _ in offered})
    return tuple(f"a mastered module at level {level}" for level in levels)


def _flags(
    material: RoleMaterial | None, route: RouteFinding, family: str | None
) -> tuple[str, ...]:
    flags = []
    if family is None:
        flags.append("no_family")
    if material is None:
        return (*flags, "no_role")
    if any(reason == "statistical_match" for reason in route.reasons):
        flags.append(str(QualityFlag.FUZZY_MATCH))
    if material.role.code_level not in ("onet_soc", "detailed"):
        flags.append(str(QualityFlag.GROUP_ROLE))
    if family != material.role.role_family:
        flags.append(str(QualityFlag.FAMILY_FROM_TITLE))
    if not material.workflows:
        flags.append(str(QualityFlag.NO_WORKFLOWS))
    if not any(pack.evidence_state is EvidenceState.EVIDENCE for pack in material.affordances):
        flags.append(str(QualityFlag.NO_AFFORDANCE_EVIDENCE))
    if any(pack.measures_disagree for pack in material.affordances):
        flags.append(str(QualityFlag.MEASURES_DISAGREE))
    return tuple(flags)
