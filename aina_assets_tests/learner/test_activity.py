"""What learners did is counted, and nobody can be found in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.learner import EventType, LearnerEvent
from aina_assets.contracts.practice import Outcome
from aina_assets.learner import tables
from aina_assets.learner.activity import activity_of
from aina_assets.warehouse.gate import judge
from aina_assets_tests.learner.samples import MODULE, as_payload, evaluation, event, submission

MODULES = frozenset({MODULE, "check_a_draft"})
LEAST = 3
EVALUATED = str(EventType.EVALUATOR_COMPLETED)

Key = tuple[str, str | None, str | None]


def learner(number: int) -> str:
    return f"learner-{number:04d}"


def evaluated(number: int, outcome: Outcome = Outcome.PASS, module: str = MODULE) -> LearnerEvent:
    """That the ``number``-th learner was evaluated."""
    found = evaluation(submission("a"), outcome, module_id=module)
    return event(
        number,
        event_type=EventType.EVALUATOR_COMPLETED,
        learner_id=learner(number),
        module_id=module,
        payload=as_payload(evaluation=found),
    )


def rows(*events: LearnerEvent, modules: frozenset[str] = MODULES) -> dict[Key, dict[str, Any]]:
    found = activity_of(events, modules, LEAST)
    assert all(finding.passed for finding in judge(found, tables.LearnerActivity))
    return {(row["event_type"], row["module_id"], row["outcome"]): row for row in found.to_pylist()}


def counts(row: dict[str, Any]) -> tuple[int | None, int | None, bool]:
    return row["event_count"], row["learner_count"], row["is_hidden"]


def test_events_are_counted_by_type_and_evaluations_by_module_and_outcome() -> None:
    started = [event(number, learner_id=learner(number % 4)) for number in range(8)]
    passed = [evaluated(number) for number in range(5)]
    failed = [evaluated(number, Outcome.FAIL) for number in range(3)]

    found = rows(*started, *passed, *failed)

    assert {key: counts(row) for key, row in found.items()} == {
        ("lesson_started", None, None): (8, 4, False),
        (EVALUATED, None, None): (8, 5, False),
        (EVALUATED, MODULE, "pass"): (5, 5, False),
        (EVALUATED, MODULE, "fail"): (3, 3, False),
    }


def test_what_few_did_is_not_told() -> None:
    found = rows(*(event(number, learner_id=learner(number % 2)) for number in range(9)))

    assert counts(found["lesson_started", None, None]) == (None, None, True)


def test_what_few_did_cannot_be_had_by_subtraction() -> None:
    many = [evaluated(number) for number in range(9)]
    some = [evaluated(number, Outcome.PARTIAL) for number in range(5)]
    few = [evaluated(0, Outcome.UNSAFE)]

    found = rows(*many, *some, *few)

    assert counts(found[EVALUATED, None, None]) == (15, 9, False)
    assert counts(found[EVALUATED, MODULE, "pass"]) == (9, 9, False)
    assert counts(found[EVALUATED, MODULE, "partial"]) == (None, None, True)
    assert counts(found[EVALUATED, MODULE, "unsafe"]) == (None, None, True)


EVALUATIONS = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.sampled_from(sorted(Outcome)),
        st.sampled_from([*sorted(MODULES), "unknown_module"]),
    ),
    max_size=40,
)


@given(said=EVALUATIONS)
@settings(max_examples=150)
def test_behind_whatever_is_not_told_stand_enough_learners(
    said: list[tuple[int, Outcome, str]],
) -> None:
    found = rows(*(evaluated(*each) for each in said))

    learners: dict[Key, set[int]] = defaultdict(set)
    for number, outcome, module in said:
        shown = module if module in MODULES else None
        learners[EVALUATED, shown, str(outcome)].add(number)
    parts = {key: row for key, row in found.items() if key[2] is not None}
    assert parts.keys() == learners.keys()
    for key, row in parts.items():
        assert row["is_hidden"] or len(learners[key]) == row["learner_count"] >= LEAST
    behind = {number for key, row in parts.items() if row["is_hidden"] for number in learners[key]}
    if said and not found[EVALUATED, None, None]["is_hidden"]:
        assert not behind or len(behind) >= LEAST


def test_a_module_that_the_curriculum_does_not_hold_is_not_named() -> None:
    found = rows(*(evaluated(number, module="ms_example_of_10_high_street") for number in range(5)))

    assert set(found) == {(EVALUATED, None, None), (EVALUATED, None, "pass")}


def test_an_evaluation_that_says_no_outcome_is_counted_as_such() -> None:
    def without(number: int) -> Iterator[LearnerEvent]:
        for payload in ({}, {"evaluation": "all is well, Ms Example"}):
            yield evaluated(number).model_copy(update={"payload": payload})

    found = rows(*(each for number in range(4) for each in without(number)))

    assert counts(found[EVALUATED, MODULE, tables.OUTCOME_UNKNOWN]) == (8, 4, False)


def test_nothing_recorded_is_no_rows() -> None:
    assert rows() == {}
