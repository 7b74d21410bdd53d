"""How well graders agree: two people with one another, and a grader with people.

Belongs here: the models of labels and of agreement, and computing one from the other. Stays out:
where labels come from, and what a grader does (``evaluator``).

The two are published side by side: how far a grader agrees with people says little without how far
people agree with one another on the same work.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.practice import Outcome
from aina_assets.practice.policy import AgreementRules, PracticeRules
from aina_assets.warehouse.tables import Table, arrow_schema

Floats = npt.NDArray[np.float64]

OUTCOME = "_outcome"
"""As ``criterion_id``: a rater's outcome and sum of points. No criterion can be called so."""
ALL_CRITERIA = "_all"
"""As ``criterion_id`` of an agreement: all criteria, each as none, some or all of its points."""
PERSON = "person"

_UNIT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_KAPPA: dict[str, Any] = {"nullable": True, "in_range": {"min_value": -1, "max_value": 1}}


class GradedSubmissions(Table, key=("submission_id", "criterion_id", "rater_id")):
    """What raters gave for submissions: a row a criterion, and one for the outcome."""

    submission_id: str = pap.Field(description="Digest of the submission.")
    criterion_id: str = pap.Field(
        description="Criterion, of several modules '<module>:<criterion>'; '_outcome' for the"
        " outcome and the sum of points."
    )
    rater_id: str = pap.Field(description="Who rated; of a grader its engine or judge.")
    rater_kind: str = pap.Field(isin=[PERSON, "grader"], description="Person or grader.")
    points: int = pap.Field(ge=0, description="Points given.")
    points_possible: int = pap.Field(ge=1, description="Points that can be had.")
    outcome: str = pap.Field(
        nullable=True,
        isin=[str(item) for item in Outcome],
        description="Outcome, in the row for it; else null.",
    )

    @pap.dataframe_check(
        name="points_can_be_had", description="no more points were given than can be had"
    )
    def _points_can_be_had(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.less_equal(data.table["points"], data.table["points_possible"])

    @pap.dataframe_check(
        name="outcome_has_its_row", description="the row for the outcome has one, no other has"
    )
    def _outcome_has_its_row(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        is_for_it = pc.equal(data.table["criterion_id"], OUTCOME)
        return pc.equal(is_for_it, data.table["outcome"].is_valid())


class GraderAgreement(Table, key=("criterion_id", "rater")):
    """Agreement on each criterion and on the outcome, of people and of graders with people.

    Kappas are null where only one answer was ever given: chance agreement is then complete.
    Intervals hold for the submissions at hand; few labels make them wide, not the figure wrong.
    """

    criterion_id: str = pap.Field(
        description="Criterion; '_all' for all of them, each as none, some or all of its points;"
        " '_outcome' for the outcome."
    )
    rater: str = pap.Field(description="Who is compared with people: 'person', or the grader's id.")
    comparison: str = pap.Field(
        isin=["person_person", "grader_person"], description="Whose agreement it is."
    )
    submission_count: int = pap.Field(ge=1, description="Submissions that both rated.")
    pair_count: int = pap.Field(ge=1, description="Pairs of ratings compared.")
    exact_count: int = pap.Field(ge=0, description="Pairs that are equal.")
    exact_share: float = pap.Field(**_UNIT, description="Their share, 0-1.")
    exact_lower: float = pap.Field(**_UNIT, description="Its lower bound (Wilson, two-sided).")
    exact_upper: float = pap.Field(**_UNIT, description="Its upper bound, likewise.")
    kappa: float = pap.Field(**_KAPPA, description="Cohen's kappa.")
    kappa_lower: float = pap.Field(
        **_KAPPA, description="Its lower bound, by resampling submissions."
    )
    kappa_upper: float = pap.Field(**_KAPPA, description="Its upper bound, likewise.")
    weighted_kappa: float = pap.Field(
        **_KAPPA, description="Kappa that weighs a difference by its square."
    )
    weighted_kappa_lower: float = pap.Field(
        **_KAPPA, description="Its lower bound, by resampling submissions."
    )
    weighted_kappa_upper: float = pap.Field(**_KAPPA, description="Its upper bound, likewise.")


@dataclass(frozen=True)
class _Pair:
    """Two ratings of one thing, as places in an order."""

    submission: str
    first: int
    second: int


def grader_agreement(graded_submissions: pa.Table, practice_rules: PracticeRules) -> pa.Table:
    """Rows of ``GraderAgreement``; none where nothing was rated twice (``no_agreement_reason``).

    Raises:
        AinaError: raters disagree about how many points a criterion of a submission can have.
    """
    rules = practice_rules.agreement
    rows = [
        _agreement(criterion, rater, pairs, rules)
        for (criterion, rater), pairs in sorted(_pairs(graded_submissions).items())
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(GraderAgreement))


def no_agreement_reason(graded_submissions: pa.Table) -> str | None:
    """Why there is no agreement to publish; None where there is."""
    if graded_submissions.num_rows == 0:
        return "No submission has been labelled by a person yet."
    if PERSON not in graded_submissions["rater_kind"].to_pylist():
        return "Only graders rated; nothing says whether a person would agree."
    if not _pairs(graded_submissions):
        return "No submission was rated by two people, or by a grader and a person."
    return None


def _pairs(graded: pa.Table) -> dict[tuple[str, str], list[_Pair]]:
    """Pairs of ratings by criterion and rater, the second of each pair a person's."""
    by_thing: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in graded.to_pylist():
        by_thing[row["submission_id"], row["criterion_id"]].append(row)
    pairs: dict[tuple[str, str], list[_Pair]] = defaultdict(list)
    for (submission, criterion), rows in sorted(by_thing.items()):
        if len({row["points_possible"] for row in rows}) > 1:
            raise AinaError(
                expected="one number of points that a criterion can have",
                found=", ".join(sorted({str(row["points_possible"]) for row in rows})),
                where=f"graded_submissions, submission {submission}, {criterion}",
                remedy="compare ratings of one version of a rubric only",
            )
        for rater, first, second in _compared(sorted(rows, key=lambda row: str(row["rater_id"]))):
            if criterion == OUTCOME:
                order = list(Outcome)
                one, two = (order.index(Outcome(row["outcome"])) for row in (first, second))
            else:
                one, two = first["points"], second["points"]
                pairs[ALL_CRITERIA, rater].append(
                    _Pair(submission, _extent(first), _extent(second))
                )
            pairs[criterion, rater].append(_Pair(submission, one, two))
    return pairs


def _compared(
    rows: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    people = [row for row in rows if row["rater_kind"] == PERSON]
    for first, second in itertools.combinations(people, 2):
        yield PERSON, first, second
    for grader in rows:
        if grader["rater_kind"] != PERSON:
            yield from ((grader["rater_id"], grader, person) for person in people)


def _extent(row: Mapping[str, Any]) -> int:
    """None, some or all of the points."""
    points: int = row["points"]
    return 0 if points == 0 else 2 if points >= row["points_possible"] else 1


def _agreement(
    criterion: str, rater: str, pairs: Sequence[_Pair], rules: AgreementRules
) -> dict[str, Any]:
    exact = sum(pair.first == pair.second for pair in pairs)
    bounds = binomtest(exact, len(pairs)).proportion_ci(rules.interval, method="wilson")
    kappa = _interval(pairs, None, rules)
    weighted = _interval(pairs, "quadratic", rules)
    return {
        "criterion_id": criterion,
        "rater": rater,
        "comparison": "person_person" if rater == PERSON else "grader_person",
        "submission_count": len({pair.submission for pair in pairs}),
        "pair_count": len(pairs),
        "exact_count": exact,
        "exact_share": exact / len(pairs),
        "exact_lower": max(0.0, float(bounds.low)),
        "exact_upper": min(1.0, float(bounds.high)),
        "kappa": kappa[0],
        "kappa_lower": kappa[1],
        "kappa_upper": kappa[2],
        "weighted_kappa": weighted[0],
        "weighted_kappa_lower": weighted[1],
        "weighted_kappa_upper": weighted[2],
    }


_Weights = Literal["quadratic"] | None


def _interval(
    pairs: Sequence[_Pair], weights: _Weights, rules: AgreementRules
) -> tuple[float | None, float | None, float | None]:
    """Kappa with the bounds of its bootstrap interval.

    Submissions are resampled, not pairs: ratings of one submission are not independent. Where half
    of the resamples or more have no kappa, the interval is null.
    """
    places = [place for pair in pairs for place in (pair.first, pair.second)]
    lowest, size = min(places), max(places) - min(places) + 1
    if size == 1:
        return None, None, None
    # Every step between two labels weighs, also one that nobody gave.
    kappa = cohen_kappa_score(
        [pair.first for pair in pairs],
        [pair.second for pair in pairs],
        labels=range(lowest, lowest + size),
        weights=weights,
    )
    submissions = sorted({pair.submission for pair in pairs})
    counts = np.zeros((len(submissions), size, size))
    for pair in pairs:
        at = bisect_left(submissions, pair.submission)
        counts[at, pair.first - lowest, pair.second - lowest] += 1
    random = np.random.default_rng(rules.seed)
    share = np.full(len(submissions), 1 / len(submissions))
    drawn = random.multinomial(len(submissions), share, rules.resamples)
    again = _kappas(np.tensordot(drawn, counts, axes=1), weights)
    again = again[np.isfinite(again)]
    if 2 * len(again) <= rules.resamples:
        return float(kappa), None, None
    outside = (1 - rules.interval) / 2
    lower, upper = np.quantile(again, [outside, 1 - outside])
    return float(kappa), float(lower), float(upper)


def _kappas(counts: Floats, weights: _Weights) -> Floats:
    """Cohen's kappa of each of many tables of counts, NaN where it has none.

    scikit-learn's takes one at a time, and seconds for the resamples of one figure.
    """
    size = counts.shape[-1]
    apart = np.subtract.outer(np.arange(size), np.arange(size)).astype(float)
    cost = apart**2 if weights == "quadratic" else (apart != 0).astype(float)
    total = counts.sum(axis=(1, 2))
    by_chance = counts.sum(axis=2)[:, :, None] * counts.sum(axis=1)[:, None, :]
    observed = (counts * cost).sum(axis=(1, 2)) * total
    expected = (by_chance * cost).sum(axis=(1, 2))
    apart_share = np.full(len(counts), np.nan)
    np.divide(observed, expected, out=apart_share, where=expected > 0)
    kappas: Floats = np.clip(1 - apart_share, -1.0, 1.0)
    return kappas
