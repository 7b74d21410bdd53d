"""Agreement of graders: counted right, with honest intervals, and nothing without labels."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.receipts import Verdict
from aina_assets.practice.agreement import ALL, _kappas, grader_agreement, grader_coverage
from aina_assets.practice.policy import PracticeRules
from aina_assets.practice.tables import GraderAgreement, GraderCoverage
from aina_assets.sources.tables import OUTCOME, PERSON, GradedSubmissions
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import arrow_schema
from aina_assets_tests.practice.rated import SUBMISSIONS, grader_rows

RULES = PracticeRules.load()
GRADER = "aina-practice 1"
MODULE = "sales_offer"

Row = dict[str, Any]


def rating(submission: str, rater: str, points: int, **values: Any) -> Row:
    return {
        "submission_id": submission,
        "module_id": MODULE,
        "criterion_id": "brief",
        "rater_id": rater,
        "rater_kind": "grader" if rater == GRADER else PERSON,
        "points": points,
        "points_possible": 4,
        "outcome": None,
        "source_class": "internal",
        "allowed_use": "open",
    } | values


def digest(submission: str) -> str:
    return hashlib.sha256(submission.encode()).hexdigest()


def graded(rows: list[Row]) -> pa.Table:
    numbered = [
        row | {"submission_id": digest(row["submission_id"]), "source_row": number}
        for number, row in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(numbered, schema=arrow_schema(GradedSubmissions))


def agreement(rows: list[Row]) -> dict[tuple[str, str], Row]:
    frame = grader_agreement(graded(rows), RULES)
    assert all(finding.passed for finding in judge(frame, GraderAgreement, ()))
    rows = frame.to_pylist()
    assert {row["module_id"] for row in rows if row["criterion_id"] in (ALL, OUTCOME)} <= {ALL}
    return {(row["criterion_id"], row["rater"]): row for row in rows}


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
        (criterion, rater) for criterion in ("brief", ALL) for rater in (PERSON, GRADER)
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
    assert made[ALL, PERSON]["pair_count"] == 5
    assert made[ALL, PERSON]["exact_count"] == 4


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
    first = agreement(apart)[ALL, PERSON]
    second = agreement(together)[ALL, PERSON]

    assert first["kappa"] == pytest.approx(second["kappa"])
    assert (first["submission_count"], second["submission_count"]) == (10, 2)
    bounds = ("kappa_lower", "kappa_upper")
    assert [first[name] for name in bounds] != [second[name] for name in bounds]


def test_the_same_labels_give_the_same_rows_in_any_order() -> None:
    rows = rated()

    assert grader_agreement(graded(rows), RULES).equals(grader_agreement(graded(rows[::-1]), RULES))


def test_a_criterion_is_its_modules_own() -> None:
    other = [row | {"module_id": "sales_other", "points": 4} for row in rated()]
    frame = grader_agreement(graded([*rated(), *other]), RULES).to_pylist()

    counted = {
        (row["module_id"], row["exact_count"], row["submission_count"])
        for row in frame
        if row["rater"] == PERSON
    }
    assert counted == {(MODULE, 6, 10), ("sales_other", 10, 10), (ALL, 17, 20)}


def test_many_criteria_of_one_submission_do_not_narrow_its_interval() -> None:
    one = agreement(rated())[ALL, PERSON]
    wide = [row | {"criterion_id": f"c{number}"} for number in range(5) for row in rated()]
    five = agreement(wide)[ALL, PERSON]

    assert five["pair_count"] == 5 * one["pair_count"]
    assert (five["exact_lower"], five["exact_upper"]) == (one["exact_lower"], one["exact_upper"])
    bounds = binomtest(one["exact_count"], 10).proportion_ci(0.95, method="wilson")
    assert (one["exact_lower"], one["exact_upper"]) == pytest.approx((bounds.low, bounds.high))


def test_the_strictest_use_of_a_label_is_that_of_the_figures() -> None:
    frame = graded(rated())
    uses = pa.array(["internal_only", *["open"] * (frame.num_rows - 1)])
    frame = frame.set_column(frame.column_names.index("allowed_use"), "allowed_use", uses)

    made = grader_agreement(frame, RULES)
    assert set(made["allowed_use"].to_pylist()) == {"internal_only"}
    assert set(made["source_class"].to_pylist()) == {"internal"}


def test_where_only_one_answer_was_given_there_is_no_kappa() -> None:
    rows = [rating(f"s{number}", rater, 4) for number in range(3) for rater in ("anna", "ben")]
    row = agreement(rows)["brief", PERSON]

    assert row["exact_share"] == 1.0
    assert row["exact_lower"] < 1.0
    assert [row[name] for name in row if "kappa" in name] == [None] * 6


JUDGE = {"rater_kind": "grader"}


@pytest.mark.parametrize(
    ("rows", "verdict", "counts"),
    [
        ([], "not_rated", (0, 0, 0)),
        ([rating("s0", GRADER, 4), rating("s0", "judge:a", 4, **JUDGE)], "no_person", (1, 0, 0)),
        (
            [rating("s0", "anna", 4), rating("s1", GRADER, 4), rating("s1", "judge:a", 4, **JUDGE)],
            "not_rated_twice",
            (2, 0, 0),
        ),
        ([rating("s0", "anna", 4), rating("s0", GRADER, 4)], "no_second_person", (1, 0, 1)),
        ([rating("s0", "anna", 4), rating("s0", "ben", 4)], "no_grader", (1, 1, 0)),
        (rated(), "compared", (10, 10, 10)),
    ],
)
def test_every_module_says_whether_it_was_compared_or_why_not(
    rows: list[Row], verdict: str, counts: tuple[int, int, int]
) -> None:
    modules = pa.table({"module_id": ["sales_other", MODULE]})
    frame = grader_coverage(graded(rows), modules)

    assert all(finding.passed for finding in judge(frame, GraderCoverage, ()))
    one, other = frame.to_pylist()
    assert tuple(one.values()) == (MODULE, *counts, verdict)
    assert tuple(other.values()) == ("sales_other", 0, 0, 0, "not_rated")
    is_paired = verdict in ("no_second_person", "no_grader", "compared")
    assert bool(agreement(rows)) == is_paired


def test_ratings_by_two_versions_of_a_rubric_are_refused() -> None:
    rows = [rating("s0", "anna", 4), rating("s0", "ben", 4, points_possible=5)]

    with pytest.raises(AinaError, match=f"submission {digest('s0')}, {MODULE}, brief"):
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
        ("rater_id_format", {"rater_id": "Anna Moll"}),
        ("rater_id_format", {"rater_id": "anna@workshop.example"}),
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


# --------------------------------------------------------------------------------------- the sample


def test_the_samples_labels_are_what_the_evaluator_gives() -> None:
    path = AUTHORED / "sample" / "practice" / "graded_submissions.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    by_grader = [row for row in rows if row["rater_kind"] == "grader"]

    made = [row for _, row in grader_rows()]
    assert by_grader == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in made
    ]
    ids = {digest(text) for _, text in SUBMISSIONS.values()}
    raters = {row["rater_id"] for row in rows if row["rater_kind"] == PERSON}
    assert raters == {"sample-rater-1", "sample-rater-2"}
    for rater in raters:
        assert {row["submission_id"] for row in rows if row["rater_id"] == rater} == ids


def test_the_sample_shows_where_graders_and_people_part(sample_home: Path) -> None:
    store = Store(UPath(sample_home))
    rows = {
        (row["criterion_id"], row["rater"]): row
        for row in store.read("grader_agreement").to_pylist()
        if row["module_id"] == ALL
    }

    for criterion in (ALL, OUTCOME):
        grader, people = rows[criterion, GRADER], rows[criterion, PERSON]
        assert grader["submission_count"] == people["submission_count"] == len(SUBMISSIONS)
        assert 0 < grader["exact_share"] < people["exact_share"] < 1


def test_the_receipt_holds_until_every_module_was_compared(sample_home: Path) -> None:
    store = Store(UPath(sample_home))
    receipt = read_receipt(store, "grader_agreement_v1")

    assert receipt is not None
    assert receipt.verdict is Verdict.HOLD
    compared = {module.id for module, _ in SUBMISSIONS.values()}
    modules = store.read("modules").num_rows
    assert receipt.counts == {"compared": len(compared), "not_rated": modules - len(compared)}
