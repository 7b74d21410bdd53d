"""The loop: what happens leaves events, and what happened changes the next plan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aina_assets.contracts.errors import IdempotencyConflict
from aina_assets.contracts.learner import EventType, LearnerProfile, PersonalizationDecision
from aina_assets.contracts.practice import NextStep, Outcome
from aina_assets.learner.service import (
    LearnerService,
    LearnerUnknown,
    ModuleUnknown,
    SyntheticOnly,
)
from aina_assets.learner.view import ReleaseView
from aina_assets_tests.loop.learners import LEARNER
from aina_assets_tests.loop.submissions import whole_submission


def assessed(service: LearnerService, learner_id: str, **answers: Any) -> LearnerProfile:
    profile = LearnerProfile(
        **LEARNER | {"learner_id": learner_id, "role_title": "Marketing Managers"} | answers
    )
    service.assess(profile, key="assess")
    return profile


def first_module(decision: PersonalizationDecision) -> str:
    return decision.chosen_path[0].module_id


def events_of(service: LearnerService, learner_id: str) -> list[EventType]:
    return [recorded.event.event_type for recorded in service.ledger.events(learner_id)]


def test_the_loop_end_to_end(service: LearnerService, view: ReleaseView) -> None:
    learner = "loop-1"
    assessed(service, learner)
    plan = service.plan(learner, key="plan-1")
    module = first_module(plan)
    service.note(learner, EventType.LESSON_STARTED, "start", module)

    failed = service.submit(learner, module, "Nothing much.", key="try-1")
    after_failing = service.plan(learner, key="plan-2")
    passed = service.submit(learner, module, whole_submission(view.modules[module]), key="try-2")
    after_passing = service.plan(learner, key="plan-3")

    assert failed.outcome is Outcome.FAIL
    assert failed.next_recommendation is not NextStep.ADVANCE
    assert first_module(after_failing) == module
    assert passed.outcome is Outcome.PASS
    assert passed.counts_for_mastery
    assert first_module(after_passing) != module
    assert module in {one.module_id for one in after_passing.excluded}
    assert after_passing.changed_by, "the plan names what changed it"
    by_id = {recorded.event.event_id: recorded.event for recorded in service.ledger.events(learner)}
    changes = [by_id[event_id] for event_id in after_passing.changed_by]
    assert {event.event_type for event in changes} <= {
        EventType.EVALUATOR_COMPLETED,
        EventType.MASTERY_GATE_PASSED,
    }
    assert set(after_passing.changed_by) <= set(after_passing.basis_events)
    assert set(service.state(learner).mastered) == {module}
    assert events_of(service, learner) == [
        EventType.ASSESSMENT_STARTED,
        EventType.ASSESSMENT_COMPLETED,
        EventType.CURRICULUM_PLAN_CREATED,
        EventType.LESSON_STARTED,
        EventType.PRACTICE_SUBMITTED,
        EventType.EVALUATOR_COMPLETED,
        EventType.MASTERY_GATE_FAILED,
        EventType.CURRICULUM_PLAN_CREATED,
        EventType.PRACTICE_SUBMITTED,
        EventType.EVALUATOR_COMPLETED,
        EventType.MASTERY_GATE_PASSED,
        EventType.CURRICULUM_PLAN_CREATED,
    ]


def test_nothing_new_changes_nothing(service: LearnerService) -> None:
    learner = "same-1"
    assessed(service, learner)
    first = service.plan(learner, key="plan-1")

    second = service.plan(learner, key="plan-2")

    assert second.decision_id == first.decision_id
    assert second.changed_by == ()


def test_an_answer_that_was_shown_never_proves_mastery(
    service: LearnerService, view: ReleaseView
) -> None:
    learner = "shown-1"
    assessed(service, learner)
    module = first_module(service.plan(learner, key="plan-1"))
    service.note(learner, EventType.MODULE_EXPOSED, "shown", module, answer_shown=True)

    redone = service.submit(learner, module, whole_submission(view.modules[module]), key="try-1")

    assert redone.outcome is Outcome.PASS
    assert not redone.counts_for_mastery
    assert service.state(learner).mastered == {}
    assert first_module(service.plan(learner, key="plan-2")) == module


def test_a_request_repeated_leaves_no_second_event(
    service: LearnerService, view: ReleaseView
) -> None:
    learner = "again-1"
    profile = assessed(service, learner)
    service.assess(profile, key="assess")
    plan = service.plan(learner, key="plan")
    assert service.plan(learner, key="plan") == plan
    module = first_module(plan)
    text = whole_submission(view.modules[module])
    result = service.submit(learner, module, text, key="try")
    count = len(events_of(service, learner))

    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: service.submit(learner, module, text, "try"), range(16)))

    assert set(again) == {result}
    assert len(events_of(service, learner)) == count


def test_many_at_once_with_one_key_are_one(service: LearnerService) -> None:
    learner = "crowd-1"
    assessed(service, learner)

    with ThreadPoolExecutor(8) as pool:
        plans = list(pool.map(lambda _: service.plan(learner, "plan"), range(16)))

    assert len({plan.decision_id for plan in plans}) == 1
    assert events_of(service, learner).count(EventType.CURRICULUM_PLAN_CREATED) == 1


def test_a_key_used_for_something_else_is_refused(service: LearnerService) -> None:
    learner = "conflict-1"
    assessed(service, learner)
    module = first_module(service.plan(learner, key="plan"))
    service.submit(learner, module, "One text.", key="try")
    before = service.ledger.head()

    with pytest.raises(IdempotencyConflict):
        service.submit(learner, module, "Another text.", key="try")
    with pytest.raises(IdempotencyConflict):
        assessed(service, learner, weekly_minutes=45)

    assert service.ledger.head() == before


def test_proof_comes_from_the_ledger_alone(service: LearnerService) -> None:
    learner = "claims-1"
    assessed(service, learner, evidence=("marketing_growth_map_your_work",))

    state = service.state(learner)

    assert state.mastered == {}
    assert state.profile is not None
    assert state.profile.evidence == ()


def test_answers_that_change_change_the_plan(service: LearnerService) -> None:
    learner = "goals-1"
    assessed(service, learner, ai_usage="daily", confidence=5, goals=("save_time",))
    before = service.plan(learner, key="plan-1")

    service.note(learner, EventType.CONFIDENCE_UPDATED, "doubt", confidence=1)
    after = service.plan(learner, key="plan-2")

    assert after.chosen_path != before.chosen_path
    (changed,) = after.changed_by
    event = next(
        recorded.event
        for recorded in service.ledger.events(learner)
        if recorded.event.event_id == changed
    )
    assert event.event_type is EventType.CONFIDENCE_UPDATED


def test_who_is_real_who_is_unknown_what_is_missing(service: LearnerService) -> None:
    with pytest.raises(SyntheticOnly):
        assessed(service, "real-1", is_synthetic=False)
    with pytest.raises(LearnerUnknown):
        service.plan("nobody-1", key="plan")
    with pytest.raises(LearnerUnknown):
        service.state("nobody-1")
    assessed(service, "lost-1")
    with pytest.raises(ModuleUnknown):
        service.submit("lost-1", "no_such_module", "text", key="try")
    assert list(service.ledger.events("real-1")) == []
    assert list(service.ledger.events("nobody-1")) == []
    assert len(events_of(service, "lost-1")) == 2


def test_the_state_at_a_moment_is_the_replay_until_then(
    service: LearnerService, view: ReleaseView
) -> None:
    learner = "past-1"
    assessed(service, learner)
    module = first_module(service.plan(learner, key="plan"))
    before = service.ledger.head().position
    service.submit(learner, module, whole_submission(view.modules[module]), key="try")

    assert service.state(learner, until=before).mastered == {}
    assert set(service.state(learner).mastered) == {module}
