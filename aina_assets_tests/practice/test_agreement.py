"""Agreement of graders: counted right, with honest intervals, and nothing without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import cohen_kappa_score

from aina_assets.contracts.errors import AinaError
from aina_assets.practice.agreement import (
    ALL_CRITERIA,
    OUTCOME,
    PERSON,
    GradedSubmissions,
    GraderAgreement,
    _kappas,
    grader_agreement,
    no_agreement_reason,
)
from aina_assets.practice.policy import PracticeRules
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.tables import arrow_schema

RULES = PracticeRules.load()
GRADER = "aina-practice 1"

Row = dict[str, Any]


def rating(submission: str, rater: str, points: int, **values: Any) -> Row:
    return {
        "submission_id": submission,
        "criterion_id": "brief",
        "rater_id": rater,
        "rater_kind": "grader" if rater == GRADER else PERSON,
        "points": points,
        "points_possible": 4,
        "outcome": None,
    } | values


def graded(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(GradedSubmissions))


def agreement(rows: list[Row]) -> dict[tuple[str, str], Row]:
    frame = grader_agreement(graded(rows), RULES)
    assert all(finding.passed for finding in judge(frame, GraderAgreement, ()))
    return {(row["criterion_id"], row["rater"]): row for row in frame.to_pylist()}


ANNA = [4, 4, 2, 0, 1, 3, 4, 0, 2, 2]
BEN = [4, 3, 2, 0, 2, 3, 4, 1, 2, 0]
MACHINE = [4, 4, 4, 0, 4, 4, 4, 0, 0, 4]


def rated() -> list[Row]:
    return [
        rating(f"s{number}", rater, points)
        for rater, given in (("anna", ANNA), ("ben", BEN), (GRADER, MACHINE))
        for number, points in enumerate(given)
    ]


def test_people_agree_as_scikit_learn_says() -> None:
    row = agreement(rated())["brief", PERSON]

    labels = range(5)
    assert row["comparison"] == "person_person"
    assert (row["submission_count"], row["pair_count"], row["exact_count"]) == (10, 10, 6)
    assert row["exact_share"] == pytest.approx(0.6)
    assert row["kappa"] == pytest.approx(cohen_kappa_score(ANNA, BEN, labels=labels))
    assert row["weighted_kappa"] == pytest.approx(
        cohen_kappa_score(ANNA, BEN, labels=labels, weights="quadratic")
    )


def test_a_grader_is_compared_with_every_person() -> None:
    row = agreement(rated())["brief", GRADER]

    assert row["comparison"] == "grader_person"
    assert (row["submission_count"], row["pair_count"]) == (10, 20)
    people, machine = [*ANNA, *BEN], [*MACHINE, *MACHINE]
    assert row["exact_count"] == sum(a == b for a, b in zip(people, machine, strict=True))
    assert row["kappa"] == pytest.approx(cohen_kappa_score(machine, people, labels=range(5)))


def test_both_stand_side_by_side_for_every_criterion() -> None:
    made = agreement(rated())

    assert set(made) == {
        (criterion, rater) for criterion in ("brief", ALL_CRITERIA) for rater in (PERSON, GRADER)
    }


def test_all_criteria_together_are_none_some_or_all() -> None:
    rows = [
        *(rating(f"s{n}", who, points) for n in range(3) for who, points in (("a", 1), ("b", 3))),
        rating("s0", "a", 0, criterion_id="draft", points_possible=7),
        rating("s0", "b", 0, criterion_id="draft", points_possible=7),
        rating("s1", "a", 7, criterion_id="draft", points_possible=7),
        rating("s1", "b", 6, criterion_id="draft", points_possible=7),
    ]
    made = agreement(rows)

    assert made["brief", PERSON]["exact_count"] == 0
    assert made[ALL_CRITERIA, PERSON]["pair_count"] == 5
    assert made[ALL_CRITERIA, PERSON]["exact_count"] == 4


def test_outcomes_are_compared_in_their_order() -> None:
    def outcomes(other: str) -> Row:
        rows = []
        for number in range(6):
            first = "pass" if number % 2 else "partial"
            for rater, word in (("anna", first), (GRADER, first if number < 4 else other)):
                points = 15 if word == "pass" else 9
                values = {"criterion_id": OUTCOME, "points_possible": 20, "outcome": word}
                rows.append(rating(f"s{number}", rater, points, **values))
        made = agreement(rows)
        assert set(made) == {(OUTCOME, GRADER)}
        return made[OUTCOME, GRADER]

    near, far = outcomes("fail"), outcomes("unsafe")
    assert near["exact_count"] == far["exact_count"] == 4
    assert near["weighted_kappa"] > far["weighted_kappa"]


def test_intervals_hold_the_figure_and_narrow_with_more_labels() -> None:
    few = agreement(rated())["brief", PERSON]
    many = agreement(
        [
            row | {"submission_id": f"{row['submission_id']}-{n}"}
            for n in range(9)
            for row in rated()
        ]
    )["brief", PERSON]

    for figure in ("exact_share", "kappa", "weighted_kappa"):
        name = figure.removesuffix("_share")
        widths = []
        for row in (few, many):
            assert row[f"{name}_lower"] <= row[figure] <= row[f"{name}_upper"]
            widths.append(row[f"{name}_upper"] - row[f"{name}_lower"])
        assert widths[1] < widths[0]


def test_ratings_of_one_submission_are_not_taken_for_independent() -> None:
    apart = [row | {"criterion_id": "brief"} for row in rated() if row["rater_id"] != GRADER]
    # The same pairs, five of them of each of two submissions.
    together = [
        row | {"submission_id": f"t{int(row['submission_id'][1:]) % 2}",
               "criterion_id": f"c{row['submission_id']}"}
        for row in apart
    ]  # fmt: skip
    first = agreement(apart)[ALL_CRITERIA, PERSON]
    second = agreement(together)[ALL_CRITERIA, PERSON]

    assert first["kappa"] == pytest.approx(second["kappa"])
    assert (first["submission_count"], second["submission_count"]) == (10, 2)
    bounds = ("kappa_lower", "kappa_upper")
    assert [first[name] for name in bounds] != [second[name] for name in bounds]


def test_the_same_labels_give_the_same_rows_in_any_order() -> None:
    rows = rated()

    assert grader_agreement(graded(rows), RULES).equals(grader_agreement(graded(rows[::-1]), RULES))


def test_where_only_one_answer_was_given_there_is_no_kappa() -> None:
    rows = [rating(f"s{number}", rater, 4) for number in range(3) for rater in ("anna", "ben")]
    row = agreement(rows)["brief", PERSON]

    assert row["exact_share"] == 1.0
    assert row["exact_lower"] < 1.0
    assert [row[name] for name in row if "kappa" in name] == [None] * 6


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "No submission has been labelled by a person yet."),
        ([rating("s0", GRADER, 4)], "Only graders rated"),
        (
            [rating("s0", "anna", 4), rating("s1", GRADER, 4), rating("s1", "judge", 4)
             | {"rater_kind": "grader"}],
            "No submission was rated by two people, or by a grader and a person.",
        ),
    ],
)  # fmt: skip
def test_without_labels_there_are_no_rows_and_a_reason(rows: list[Row], reason: str) -> None:
    assert agreement(rows) == {}
    said = no_agreement_reason(graded(rows))
    assert said is not None
    assert said.startswith(reason)


def test_with_labels_there_is_no_reason() -> None:
    assert no_agreement_reason(graded(rated())) is None


def test_ratings_by_two_versions_of_a_rubric_are_refused() -> None:
    rows = [rating("s0", "anna", 4), rating("s0", "ben", 4, points_possible=5)]

    with pytest.raises(AinaError, match="submission s0, brief"):
        grader_agreement(graded(rows), RULES)


@pytest.mark.parametrize("weights", [None, "quadratic"])
def test_kappas_of_many_tables_are_those_of_each(weights: Any) -> None:
    random = np.random.default_rng(4)
    tables = random.integers(0, 9, (40, 4, 4)).astype(float)
    tables[0] = 0
    tables[0, 2, 2] = 5

    kappas = _kappas(tables, weights)
    assert np.isnan(kappas[0])
    for table, kappa in zip(tables[1:], kappas[1:], strict=True):
        pairs = [(a, b) for a in range(4) for b in range(4) for _ in range(int(table[a, b]))]
        first, second = zip(*pairs, strict=True)
        expected = cohen_kappa_score(first, second, labels=range(4), weights=weights)
        assert kappa == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("rater_kind_allowed_values", {"rater_kind": "machine"}),
        ("points_minimum", {"points": -1}),
        ("points_can_be_had", {"points": 5}),
        ("outcome_has_its_row", {"outcome": "pass"}),
        ("outcome_has_its_row", {"criterion_id": OUTCOME}),
    ],
)
def test_labels_are_held_to_their_model(rule: str, values: Row) -> None:
    sound = judge(graded(rated()), GradedSubmissions, ())
    broken = judge(graded([*rated(), rating("s99", "anna", 1) | values]), GradedSubmissions, ())

    assert all(finding.passed for finding in sound)
    assert [finding.rule for finding in broken if not finding.passed] == [rule]
