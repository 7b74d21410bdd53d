"""The planner: golden learners, and the promises that hold for every packet."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.learner import (
    AiUsage,
    Constraint,
    CurriculumInputPacket,
    Goal,
    LearnerProfile,
    PersonalizationDecision,
    WorkStatus,
)
from aina_assets.contracts.work import AIAffordancePack, EvidenceState, RiskTier
from aina_assets.learner.planner import History, decide
from aina_assets.learner.service import LearnerService
from aina_assets.learner.view import ReleaseView
from aina_assets.warehouse.digests import digest_of_json
from aina_assets_tests.loop.learners import LEARNER


def packet_of(service: LearnerService, **answers: Any) -> CurriculumInputPacket:
    profile = LearnerProfile(**LEARNER | answers)
    return service.assess(profile, key=digest_of_json(answers)).packet


def plan_of(
    service: LearnerService, view: ReleaseView, **answers: Any
) -> tuple[CurriculumInputPacket, PersonalizationDecision]:
    packet = packet_of(service, **answers)
    return packet, decide(packet, view.rules)


def levels_of(decision: PersonalizationDecision) -> list[int]:
    return [step.level for step in decision.chosen_path]


# ------------------------------------------------------------------------------- golden learners


def test_a_beginner_begins_with_a_map_of_the_own_work(
    service: LearnerService, view: ReleaseView
) -> None:
    packet, decision = plan_of(
        service,
        view,
        role_title="Marketing Managers",
        ai_usage="never",
        confidence=1,
        goals=("understand",),
    )

    assert packet.fallback_tier == "exact"
    assert levels_of(decision)[0] == 1
    assert levels_of(decision) == sorted(levels_of(decision))
    assert decision.chosen_path[0].module_id == "marketing_growth_map_your_work"
    assert decision.confirmation_questions == ()


def test_an_operator_who_uses_ai_weekly_goes_on_to_checked_work(
    service: LearnerService, view: ReleaseView
) -> None:
    packet, decision = plan_of(
        service,
        view,
        role_title="General and Operations Managers",
        ai_usage="weekly",
        confidence=4,
    )

    assert packet.readiness.level == 1
    assert "standing_is_said_not_proven" in packet.readiness.flags
    assert packet.role_family == "operations_adjacent"
    assert levels_of(decision)[0] == 2


def test_a_founder_who_leads_others_is_not_sent_back_to_the_start(
    service: LearnerService, view: ReleaseView
) -> None:
    packet, decision = plan_of(
        service,
        view,
        role_title="Chief Executives",
        seniority="founder",
        ai_usage="daily",
        confidence=4,
        goals=("lead_others",),
    )

    assert packet.role_family == "founder_executive"
    assert levels_of(decision)[0] == 3
    assert levels_of(decision)[-1] == 4


def test_a_retired_professional_practises_on_finished_cases_only(
    service: LearnerService, view: ReleaseView
) -> None:
    packet, decision = plan_of(
        service,
        view,
        role_title="Retired accountant",
        status="retired",
        goals=("understand",),
    )

    assert packet.fallback_path[0].tier == "former_title"
    assert packet.role is not None
    assert packet.role_family == "finance_and_accounting"
    assert max(levels_of(decision)) <= 2
    assert {exclusion.reason for exclusion in decision.excluded} == {"status:retired"}
    assert any("finished case" in question for question in decision.confirmation_questions)


@pytest.fixture(scope="session")
def by_family(view: ReleaseView) -> dict[str, str]:
    """One served role of each family, by its own title."""
    rows = view.rows(
        "SELECT role_family, min(canonical_title) AS title FROM roles"
        " WHERE is_icp AND code_level = 'onet_soc' AND task_count > 0 GROUP BY role_family"
    )
    return {row["role_family"]: row["title"] for row in rows}


def test_every_family_of_the_release_is_led_up_its_own_ladder(
    service: LearnerService, view: ReleaseView, by_family: dict[str, str]
) -> None:
    taught = set(view.module_rows)
    assert len(taught) == 12
    found = {family: title for family, title in by_family.items() if family in taught}
    assert len(found) >= 8, "the sample has roles of most families"
    for family, title in found.items():
        packet, decision = plan_of(service, view, role_title=title)

        assert packet.role_family == family, title
        assert levels_of(decision)[0] == 1
        assert levels_of(decision) == sorted(levels_of(decision))
        chosen = [view.modules[step.module_id] for step in decision.chosen_path]
        assert {module.family for module in chosen} == {family}
        assert len({module.id for module in chosen}) == len(chosen)


def test_without_a_role_nothing_is_claimed(service: LearnerService, view: ReleaseView) -> None:
    packet, decision = plan_of(service, view, role_title="Chief Happiness Wizard")

    assert (packet.role, packet.workflows, packet.title_confidence) == (None, (), 0)
    assert [step.tier for step in packet.fallback_path if step.is_used] == ["unresolved"]
    assert any(step.tier == "llm" and not step.is_used for step in packet.fallback_path)
    assert decision.confidence == 0
    assert decision.confirmation_questions


# ------------------------------------------------------------------------------------ exclusions


def test_where_tools_are_forbidden_nothing_is_practised_with_them(
    service: LearnerService, view: ReleaseView
) -> None:
    _, decision = plan_of(
        service, view, role_title="Marketing Managers", constraints=("no_ai_tools_allowed",)
    )

    assert set(levels_of(decision)) == {1}
    assert "constraint:no_ai_tools_allowed" in {one.reason for one in decision.excluded}


def test_what_is_mastered_is_no_candidate(service: LearnerService, view: ReleaseView) -> None:
    packet = packet_of(service, role_title="Marketing Managers")
    first = decide(packet, view.rules).chosen_path[0].module_id

    after = decide(packet, view.rules, History(mastered=frozenset({first})))

    assert first not in {candidate.module_id for candidate in after.candidates}
    assert ("already_mastered") in {one.reason for one in after.excluded if one.module_id == first}


def test_what_was_failed_comes_first_again(service: LearnerService, view: ReleaseView) -> None:
    packet = packet_of(service, role_title="Marketing Managers", ai_usage="daily", confidence=4)
    failed = "marketing_growth_map_your_work"
    assert decide(packet, view.rules).chosen_path[0].module_id != failed

    after = decide(packet, view.rules, History(failed=frozenset({failed})))

    redone = next(one for one in after.candidates if one.module_id == failed)
    assert "to_be_redone" in redone.reasons
    assert redone.parts.ease == 1


def test_a_lower_tier_is_broader_asks_more_and_is_less_sure(
    service: LearnerService, view: ReleaseView
) -> None:
    packet = packet_of(service, role_title="Marketing Managers")
    order = ["exact", "alias", "normalised", "function", "archetype"]
    found = [
        decide(packet.model_copy(update={"fallback_tier": tier}), view.rules) for tier in order
    ]

    for higher, lower in itertools.pairwise(found):
        assert lower.confidence < higher.confidence
        assert len(lower.confirmation_questions) >= len(higher.confirmation_questions)
    general = {
        row["module_id"] for _, row in view.module_rows["marketing_growth"] if row["is_general"]
    }
    best = [decision.candidates[0].module_id in general for decision in (found[0], found[-1])]
    assert best[-1]
    assert max(levels_of(found[-1])) < max(levels_of(found[0]))


# ------------------------------------------------------------------------------------ properties


@pytest.fixture(scope="session")
def packets(
    service: LearnerService, view: ReleaseView, by_family: dict[str, str]
) -> list[CurriculumInputPacket]:
    taught = [title for family, title in sorted(by_family.items()) if family in view.module_rows]
    return [packet_of(service, role_title=title) for title in taught]


answers = st.fixed_dictionaries(
    {
        "ai_usage": st.sampled_from(AiUsage),
        "confidence": st.integers(1, 5),
        "goals": st.lists(st.sampled_from(Goal), min_size=1, max_size=3).map(tuple),
        "weekly_minutes": st.integers(15, 1200),
        "constraints": st.lists(st.sampled_from(Constraint), max_size=2, unique=True).map(tuple),
        "status": st.sampled_from(WorkStatus),
    }
)


def changed(packet: CurriculumInputPacket, said: dict[str, Any]) -> CurriculumInputPacket:
    return packet.model_copy(update={"learner": packet.learner.model_copy(update=said)})


def with_pack(packet: CurriculumInputPacket, place: int, **fields: Any) -> CurriculumInputPacket:
    packs = list(packet.affordances)
    packs[place] = packs[place].model_copy(update=fields)
    return packet.model_copy(update={"affordances": tuple(packs)})


@settings(max_examples=60)
@given(data=st.data(), said=answers)
def test_more_risk_never_raises_a_rank(
    packets: list[CurriculumInputPacket],
    view: ReleaseView,
    data: st.DataObject,
    said: dict[str, Any],
) -> None:
    packet = changed(data.draw(st.sampled_from(packets)), said)
    place = data.draw(st.integers(0, len(packet.affordances) - 1))
    pack: AIAffordancePack = packet.affordances[place]
    riskier = data.draw(st.sampled_from(list(RiskTier)[list(RiskTier).index(pack.risk_tier) :]))

    before = decide(packet, view.rules)
    after = decide(with_pack(packet, place, risk_tier=riskier), view.rules)

    ranks = {(one.module_id, one.workflow_id): one.rank for one in before.candidates}
    for one in after.candidates:
        if one.workflow_id == pack.workflow_id:
            assert one.rank >= ranks[one.module_id, one.workflow_id]


@settings(max_examples=60)
@given(data=st.data(), said=answers)
def test_no_evidence_never_raises_confidence(
    packets: list[CurriculumInputPacket],
    view: ReleaseView,
    data: st.DataObject,
    said: dict[str, Any],
) -> None:
    packet = changed(data.draw(st.sampled_from(packets)), said)
    places = data.draw(st.sets(st.integers(0, len(packet.affordances) - 1), min_size=1))
    bare = packet
    for place in places:
        bare = with_pack(
            bare,
            place,
            evidence_state=EvidenceState.NO_EVIDENCE,
            economic_index_exposure=None,
            working_with_ai_exposure=None,
            gpts_exposure=None,
        )

    before, after = decide(packet, view.rules), decide(bare, view.rules)

    assert after.confidence <= before.confidence
    held = {(one.module_id, one.workflow_id): one.parts.confidence for one in before.candidates}
    for one in after.candidates:
        assert one.parts.confidence <= held[one.module_id, one.workflow_id]


@settings(max_examples=60)
@given(data=st.data(), said=answers)
def test_a_decision_is_whole_and_the_same_every_time(
    packets: list[CurriculumInputPacket],
    view: ReleaseView,
    data: st.DataObject,
    said: dict[str, Any],
) -> None:
    packet = changed(data.draw(st.sampled_from(packets)), said)

    decision = decide(packet, view.rules)
    shuffled = packet.model_copy(
        update={"candidate_modules": tuple(reversed(packet.candidate_modules))}
    )

    assert decide(packet, view.rules) == decision
    assert decide(shuffled, view.rules).candidates == decision.candidates
    assert PersonalizationDecision.model_validate(decision.model_dump()) == decision
    assert decision.rationale
    named = {one.module_id for one in decision.candidates} | {
        one.module_id for one in decision.excluded
    }
    assert named == {one.module_id for one in packet.candidate_modules}
    assert [one.rank for one in decision.candidates] == list(range(1, len(decision.candidates) + 1))
    for earlier, later in itertools.pairwise(decision.candidates):
        assert earlier.score >= later.score
    weights = view.rules.weights.model_dump()
    for one in decision.candidates:
        parts = one.parts.model_dump()
        said_score = sum(
            -weight * parts[name] if name == "risk_penalty" else weight * parts[name]
            for name, weight in weights.items()
        )
        assert one.score == pytest.approx(said_score, abs=1e-3)
