"""A learner's state is what the ledger says, at any moment, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from aina_assets.contracts.errors import LedgerError
from aina_assets.contracts.learner import EventType, Goal, LearnerEvent, RecordedEvent
from aina_assets.contracts.practice import NextStep, Outcome
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.replay import LearnerState, Proof, fold, replay
from aina_assets.warehouse.digests import digest_of_json
from aina_assets_tests.learner.samples import (
    LEARNER,
    MODULE,
    as_payload,
    decision,
    evaluation,
    event,
    profile,
    submission,
)

OTHER_MODULE = "customer_answer"
NO_DIGEST = "0" * 64

Step = tuple[EventType, dict[str, Any]]


def recorded(events: Iterable[LearnerEvent]) -> list[RecordedEvent]:
    """Events as a ledger would hold them; replay does not look at digests."""
    return [
        RecordedEvent(
            position=position,
            event=each,
            recorded_at=datetime(2026, 3, 1, tzinfo=UTC),
            previous_digest=None,
            digest=NO_DIGEST,
        )
        for position, each in enumerate(events, start=1)
    ]


def state_after(*steps: Step) -> LearnerState:
    """The state of a learner to whom this happened."""
    events = [
        event(number, event_type=kind, **changes) for number, (kind, changes) in enumerate(steps)
    ]
    return replay(recorded(events))[LEARNER] if events else LearnerState(learner_id=LEARNER)


def assessed(**changes: Any) -> Step:
    said = as_payload(profile=profile(**changes)) | {"readiness": {"level": 1}}
    return EventType.ASSESSMENT_COMPLETED, {"payload": said}


def changed(kind: EventType, **payload: JsonValue) -> Step:
    return kind, {"payload": payload}


def exposed(**payload: JsonValue) -> Step:
    return EventType.MODULE_EXPOSED, {"payload": payload}


def submitted(name: str, module: str = MODULE) -> Step:
    payload = {"submission_digest": submission(name)}
    return EventType.PRACTICE_SUBMITTED, {"payload": payload, "module_id": module}


def evaluated(
    name: str, outcome: Outcome = Outcome.PASS, rubric: str = "first", **fields: Any
) -> Step:
    found = evaluation(submission(name), outcome, rubric, **fields)
    refs = (f"evaluation:{found.evaluation_id}",)
    return EventType.EVALUATOR_COMPLETED, {
        "payload": as_payload(evaluation=found),
        "artifact_refs": refs,
        "module_id": found.module_id,
    }


def gate(is_passed: bool, name: str | None = None, rubric: str = "first") -> Step:
    kind = EventType.MASTERY_GATE_PASSED if is_passed else EventType.MASTERY_GATE_FAILED
    refs = () if name is None else (f"evaluation:{digest_of_json([submission(name), rubric])}",)
    return kind, {"artifact_refs": ("decision:first", *refs)}


def proof(number: int, name: str) -> dict[str, Proof]:
    """The module proven by the event with this number."""
    return {
        MODULE: Proof(
            event_id=event(number).event_id,
            position=number + 1,
            submission_digest=submission(name),
        )
    }


# -------------------------------------------------------------------------------------- the profile


def test_before_any_event_there_is_nothing() -> None:
    assert replay([]) == {}


def test_the_last_assessment_and_what_was_changed_since() -> None:
    state = state_after(
        assessed(confidence=1),
        assessed(confidence=2, industry="retail"),
        changed(EventType.CONFIDENCE_UPDATED, confidence=4),
        changed(EventType.GOAL_UPDATED, goals=["lead_others", "save_time"]),
        changed(EventType.TOOL_STACK_UPDATED, tools=[], note="all of them were withdrawn"),
    )

    assert state.profile == profile(
        confidence=4, industry="retail", goals=(Goal.LEAD_OTHERS, Goal.SAVE_TIME), tools=()
    )
    assert state.readiness == {"level": 1}
    assert (state.event_count, state.last_position) == (5, 5)


def test_a_change_before_the_first_assessment_changes_nothing() -> None:
    state = state_after(changed(EventType.CONFIDENCE_UPDATED, confidence=4))

    assert state.profile is None
    assert state.event_count == 1


def test_evidence_is_what_is_mastered_and_never_what_is_claimed() -> None:
    claims = assessed(evidence=(OTHER_MODULE,))
    proven = (submitted("a"), evaluated("a"), gate(True))

    for steps, evidence in (
        ((claims,), ()),
        ((claims, *proven), (MODULE,)),
        ((*proven, claims), (MODULE,)),
        ((claims, *proven, evaluated("a", Outcome.FAIL, "second")), ()),
    ):
        state = state_after(*steps)
        assert state.profile is not None
        assert state.profile.evidence == evidence == tuple(state.mastered)


def test_the_last_decision_and_how_often_modules_were_shown_and_tried() -> None:
    state = state_after(
        changed(EventType.CURRICULUM_PLAN_CREATED, **as_payload(decision=decision("first"))),
        changed(EventType.CURRICULUM_PLAN_CREATED, **as_payload(decision=decision("second"))),
        exposed(),
        exposed(answer_shown=False),
        exposed(answer_shown=True),
        exposed(answer_shown=True),
        submitted("a"),
        submitted("a"),
        submitted("b", OTHER_MODULE),
        (EventType.LESSON_STARTED, {}),
        (EventType.READINESS_REPORT_VIEWED, {"module_id": None}),
    )

    assert state.last_decision_id == decision("second").decision_id
    assert state.exposures == {MODULE: 4}
    assert state.answers_shown == {MODULE: 5}
    assert state.attempts == {MODULE: 2, OTHER_MODULE: 1}
    assert state.event_count == 11


# ------------------------------------------------------------------------------------------ mastery


def test_a_gate_passed_is_mastery_and_names_its_event() -> None:
    assert state_after(submitted("a"), evaluated("a")).mastered == {}
    for named in (None, "a"):
        steps = (submitted("a"), evaluated("a"), gate(True, named))
        assert state_after(*steps).mastered == proof(2, "a")


def test_no_mastery_without_a_submission() -> None:
    assert state_after(gate(True)).mastered == {}
    assert state_after(submitted("a"), evaluated("a"), gate(True, "b")).mastered == {}


def test_a_person_may_pass_what_no_evaluator_saw() -> None:
    assert state_after(submitted("a"), submitted("b"), gate(True)).mastered == proof(2, "b")


def test_an_answer_shown_before_the_submission_forbids_mastery() -> None:
    shown = exposed(answer_shown=True)
    passed = (evaluated("a"), gate(True))

    assert state_after(shown, submitted("a"), *passed).mastered == {}
    assert state_after(shown, submitted("a"), gate(True)).mastered == {}
    assert state_after(shown, *passed).mastered == {}
    assert state_after(submitted("a"), shown, *passed).mastered == proof(3, "a")
    assert state_after(submitted("a"), *passed, shown).mastered == proof(2, "a")
    assert state_after(exposed(), submitted("a"), *passed).mastered == proof(3, "a")
    elsewhere = (shown[0], shown[1] | {"module_id": OTHER_MODULE})
    assert state_after(elsewhere, submitted("a"), *passed).mastered == proof(3, "a")


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.FAIL, Outcome.UNSAFE])
def test_what_the_evaluator_did_not_pass_proves_nothing(outcome: Outcome) -> None:
    assert state_after(submitted("a"), evaluated("a", outcome), gate(True)).mastered == {}


def test_what_may_not_count_proves_nothing() -> None:
    found = evaluated("a", counts_for_mastery=False)
    assert state_after(submitted("a"), found, gate(True)).mastered == {}


def test_handing_in_the_same_text_after_the_answer_takes_nothing_away() -> None:
    state = state_after(
        submitted("a"),
        evaluated("a"),
        gate(True, "a"),
        exposed(answer_shown=True),
        submitted("a"),
        evaluated("a", counts_for_mastery=False),
        gate(False, "a"),
    )

    assert state.mastered == proof(2, "a")
    assert [each.is_after_answer for each in state.submissions[MODULE]] == [False, True]


def test_a_worse_one_later_takes_nothing_away() -> None:
    state = state_after(
        submitted("a"),
        evaluated("a"),
        gate(True, "a"),
        submitted("b"),
        evaluated("b", Outcome.FAIL),
        gate(False, "b"),
    )

    assert state.mastered == proof(2, "a")
    assert state.evaluations[MODULE].outcome is Outcome.FAIL


def test_a_second_proof_leaves_the_first_and_takes_its_place_when_it_falls() -> None:
    twice = (
        *(submitted("a"), evaluated("a"), gate(True, "a")),
        *(submitted("b"), evaluated("b"), gate(True, "b")),
    )

    assert state_after(*twice).mastered == proof(2, "a")
    fallen = state_after(*twice, evaluated("a", Outcome.FAIL, "second"))
    assert fallen.mastered == proof(5, "b")
    assert fallen.evaluations[MODULE].submission_digest == submission("b")


# ---------------------------------------------------------------------------------------- re-grades


def test_a_regrade_withdraws_mastery_and_gives_it_back() -> None:
    passed = (submitted("a"), evaluated("a"), gate(True, "a"))
    failed = (evaluated("a", Outcome.FAIL, "second"), gate(False, "a", "second"))
    again = (evaluated("a", Outcome.PASS, "third"), gate(True, "a", "third"))

    assert state_after(*passed).mastered == proof(2, "a")
    assert state_after(*passed, failed[0]).mastered == {}
    assert state_after(*passed, *failed).mastered == {}
    assert state_after(*passed, *failed, again[0]).mastered == {}
    assert state_after(*passed, *failed, *again).mastered == proof(6, "a")


def test_a_gate_that_fails_withdraws_mastery_though_the_evaluation_stands() -> None:
    passed = (submitted("a"), evaluated("a"), gate(True, "a"))
    assert state_after(*passed, gate(False, "a")).mastered == {}


def test_a_regrade_that_passes_again_leaves_mastery() -> None:
    steps = (submitted("a"), evaluated("a"), gate(True, "a"))
    regraded = evaluated("a", rubric="second", next_recommendation=NextStep.REVISE)
    state = state_after(*steps, regraded)

    assert state.mastered == proof(2, "a")
    assert state.evaluations[MODULE].next_recommendation is NextStep.REVISE
    assert state.attempts == {MODULE: 1}


def test_a_regrade_of_one_leaves_the_evaluation_of_a_later_one() -> None:
    state = state_after(
        submitted("a"),
        evaluated("a", Outcome.FAIL),
        submitted("b"),
        evaluated("b", Outcome.PARTIAL),
        evaluated("a", Outcome.PASS, "second"),
        gate(True),
    )

    assert state.evaluations[MODULE].submission_digest == submission("b")
    assert state.mastered == proof(5, "a")


def test_a_regrade_is_of_the_same_text_however_often_it_was_handed_in() -> None:
    state = state_after(
        *(submitted("a"), evaluated("a"), gate(True, "a")),
        *(submitted("a"), evaluated("a"), gate(True, "a")),
        evaluated("a", Outcome.FAIL, "second"),
    )

    assert state.mastered == {}


def test_a_verdict_on_an_evaluation_that_was_superseded_says_nothing() -> None:
    graded = (submitted("a"), evaluated("a", Outcome.FAIL), evaluated("a", rubric="second"))

    assert state_after(*graded, gate(True, "a", "first")).mastered == {}
    passed = (*graded, gate(True, "a", "second"))
    assert state_after(*passed, gate(False, "a", "first")).mastered == proof(3, "a")


# ---------------------------------------------------------------------------------------- malformed


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (changed(EventType.ASSESSMENT_COMPLETED), "payload.profile"),
        (changed(EventType.ASSESSMENT_COMPLETED, profile={"learner_id": "x"}), "payload.profile."),
        (
            changed(EventType.ASSESSMENT_COMPLETED, **as_payload(profile=profile("learner-0002"))),
            "payload.profile.learner_id",
        ),
        (changed(EventType.CONFIDENCE_UPDATED, confidence=6), "payload.confidence"),
        (changed(EventType.GOAL_UPDATED, goals=[]), "payload.goals"),
        (changed(EventType.GOAL_UPDATED, goals=["rule"]), "payload.goals.0"),
        (changed(EventType.TOOL_STACK_UPDATED), "payload.tools"),
        (changed(EventType.CURRICULUM_PLAN_CREATED, decision={}), "payload.decision."),
        (
            changed(
                EventType.CURRICULUM_PLAN_CREATED,
                **as_payload(decision=decision(learner_id="learner-0002")),
            ),
            "payload.decision.learner_id",
        ),
        (exposed(answer_shown="perhaps"), "payload.answer_shown"),
        ((EventType.MODULE_EXPOSED, {"module_id": None}), "module_id"),
        ((EventType.PRACTICE_SUBMITTED, {}), "payload.submission_digest"),
        (
            changed(EventType.PRACTICE_SUBMITTED, submission_digest="My own words"),
            "payload.submission_digest",
        ),
        (changed(EventType.EVALUATOR_COMPLETED, evaluation="My own words"), "payload.evaluation"),
        (
            (evaluated("a")[0], evaluated("a")[1] | {"module_id": OTHER_MODULE}),
            "payload.evaluation.module_id",
        ),
        ((EventType.MASTERY_GATE_PASSED, {"module_id": None}), "module_id"),
        ((EventType.MASTERY_GATE_FAILED, {"module_id": None}), "module_id"),
    ],
)
def test_a_malformed_event_is_named_and_not_quoted(step: Step, named: str) -> None:
    for before in ((), (assessed(), submitted("a"))):
        with pytest.raises(LedgerError) as caught:
            state_after(*before, step)

        assert caught.value.expected.startswith(named)
        position = len(before) + 1
        assert caught.value.where == f"position {position}, event {event(position - 1).event_id}"
        assert "My own words" not in str(caught.value)
        # Nor is it in what a traceback shows.
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_events_out_of_order_or_of_another_learner_are_refused() -> None:
    first, second = recorded([event(0), event(1)])
    state = fold(LearnerState(learner_id=LEARNER), second)

    for wrong in (first, second):
        with pytest.raises(LedgerError, match="in order of position"):
            fold(state, wrong)
    with pytest.raises(LedgerError, match="learner-0002"):
        fold(LearnerState(learner_id="learner-0002"), first)


# --------------------------------------------------------------------------------------- any moment

names = st.sampled_from("abc")
rubrics = st.sampled_from(["first", "second"])
steps = st.one_of(
    st.builds(assessed, confidence=st.integers(1, 5)),
    st.builds(lambda n: changed(EventType.CONFIDENCE_UPDATED, confidence=n), st.integers(1, 5)),
    st.builds(lambda: changed(EventType.GOAL_UPDATED, goals=["lead_others"])),
    st.builds(lambda: changed(EventType.TOOL_STACK_UPDATED, tools=["notebook"])),
    st.builds(lambda shown: exposed(answer_shown=shown), st.booleans()),
    st.builds(submitted, names, st.sampled_from([MODULE, OTHER_MODULE])),
    st.builds(evaluated, names, st.sampled_from(Outcome), rubrics),
    st.builds(gate, st.booleans(), st.none() | names, rubrics),
    st.just((EventType.LESSON_STARTED, {})),
)


@given(drawn=st.lists(st.tuples(st.integers(1, 2), steps), min_size=1, max_size=30))
@settings(max_examples=60)
def test_the_state_at_any_moment_is_the_replay_until_it(
    long_ledger: Ledger, drawn: list[tuple[int, Step]]
) -> None:
    # Learners nobody had before: the ledger is that of all examples.
    run = str(uuid4())
    events = []
    for number, (learner, (kind, changes)) in enumerate(drawn):
        learner_id = f"learner-{learner}-{run}"
        if kind is EventType.ASSESSMENT_COMPLETED:
            changes = {"payload": as_payload(profile=profile(learner_id))}
        events.append(event(number, event_type=kind, learner_id=learner_id, **changes))
    records = long_ledger.append_many(events)

    states: dict[str, LearnerState] = {}
    for record in records:
        learner_id = record.event.learner_id
        before = states.get(learner_id, LearnerState(learner_id=learner_id))
        kept = before.model_dump_json()
        states[learner_id] = fold(before, record)
        assert before.model_dump_json() == kept

        span = long_ledger.events(until=record.position, after_position=records[0].position - 1)
        assert replay(span) == states
        alone = long_ledger.events(learner_id, until=record.position)
        assert replay(alone) == {learner_id: states[learner_id]}

    for learner_id, state in states.items():
        own = [record for record in records if record.event.learner_id == learner_id]
        assert state == reduce(fold, own, LearnerState(learner_id=learner_id))
        assert state.event_count == len(own)
        assert LearnerState.model_validate_json(state.model_dump_json()) == state
        for module, found in state.mastered.items():
            came = next(each for each in own if each.position == found.position).event
            assert (came.event_id, came.module_id) == (found.event_id, module)
            assert came.event_type is EventType.MASTERY_GATE_PASSED
            shown_at = state.answers_shown.get(module)
            handed_in = [
                each.position
                for each in state.submissions[module]
                if each.digest == found.submission_digest
            ]
            assert shown_at is None or min(handed_in) < shown_at


def test_replaying_twice_is_identical(ledger: Ledger) -> None:
    happened = (assessed(), submitted("a"), evaluated("a"), gate(True), exposed(answer_shown=True))
    ledger.append_many(
        event(number, event_type=kind, **changes) for number, (kind, changes) in enumerate(happened)
    )

    first, second = replay(ledger.events()), replay(ledger.events(batch=1))

    assert first == second
    assert first[LEARNER].model_dump_json() == second[LEARNER].model_dump_json()
    assert first[LEARNER].mastered == proof(3, "a")
