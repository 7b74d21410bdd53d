"""How well graders agree: two people with one another, and a grader with people.

Belongs here: computing agreement from labels, and which modules have none. Stays out: where labels
come from (``sources``), and what a grader does (``evaluator``).

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
import pyarrow as pa
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.practice import Outcome
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.practice.policy import AgreementRules, PracticeRules
from aina_assets.practice.tables import Compared, GraderAgreement, GraderCoverage
from aina_assets.sources.tables import OUTCOME, PERSON
from aina_assets.warehouse.tables import arrow_schema

Floats = npt.NDArray[np.float64]

ALL = "_all"
"""As ``module_id`` all modules; as ``criterion_id`` all criteria, each as none, some or all of its
points."""

_Ratings = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Pair:
    """Two ratings of one thing, as places in an order."""

    submission: str
    first: int
    second: int


def grader_agreement(graded_submissions: pa.Table, practice_rules: PracticeRules) -> pa.Table:
    """Rows of ``GraderAgreement``; none where nothing was rated twice (``grader_coverage``).

    Raises:
        AinaError: raters disagree about how many points a criterion of a submission can have.
    """
    rules = practice_rules.agreement
    ratings = graded_submissions.to_pylist()
    provenance = {
        "source_class": joined_classes(row["source_class"] for row in ratings),
        "allowed_use": strictest_use(row["allowed_use"] for row in ratings) if ratings else "",
    }
    rows = [
        _agreement(thing, pairs, rules) | provenance
        for thing, pairs in sorted(_pairs(ratings).items())
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(GraderAgreement))


def grader_coverage(graded_submissions: pa.Table, modules: pa.Table) -> pa.Table:
    """Rows of ``GraderCoverage``: one a module, in the order of their ids."""
    by_module: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for row in graded_submissions.to_pylist():
        rater = (row["rater_kind"], row["rater_id"])
        by_module[row["module_id"]][row["submission_id"]].add(rater)
    rows = [_coverage(name, by_module[name]) for name in sorted(modules["module_id"].to_pylist())]
    return pa.Table.from_pylist(rows, schema=arrow_schema(GraderCoverage))


def _coverage(module_id: str, raters: Mapping[str, set[tuple[str, str]]]) -> dict[str, Any]:
    people = {
        submission: sum(kind == PERSON for kind, _ in rated) for submission, rated in raters.items()
    }
    with_person = sum(0 < people[name] < len(raters[name]) for name in raters)
    with_two = sum(count > 1 for count in people.values())
    match (with_two > 0, with_person > 0):
        case (True, True):
            verdict = Compared.COMPARED
        case (True, False):
            verdict = Compared.NO_GRADER
        case (False, True):
            verdict = Compared.NO_SECOND_PERSON
        case _ if any(people.values()):
            verdict = Compared.NOT_RATED_TWICE
        case _:
            verdict = Compared.NO_PERSON if raters else Compared.NOT_RATED
    return {
        "module_id": module_id,
        "submission_count": len(raters),
        "two_people_count": with_two,
        "grader_and_person_count": with_person,
        "verdict": str(verdict),
    }


def _pairs(ratings: _Ratings) -> dict[tuple[str, str, str], list[_Pair]]:
    """Pairs of ratings by module, criterion and rater, the second of each pair a person's."""
    by_thing: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in ratings:
        by_thing[row["submission_id"], row["module_id"], row["criterion_id"]].append(row)
    pairs: dict[tuple[str, str, str], list[_Pair]] = defaultdict(list)
    for (submission, module, criterion), rows in sorted(by_thing.items()):
        if len({row["points_possible"] for row in rows}) > 1:
            raise AinaError(
                expected="one number of points that a criterion can have",
                found=", ".join(sorted({str(row["points_possible"]) for row in rows})),
                where=f"graded_submissions, submission {submission}, {module}, {criterion}",
                remedy="compare ratings of one version of a rubric only",
            )
        # The same text may be handed in for two modules.
        handed_in = f"{submission} {module}"
        for rater, first, second in _compared(sorted(rows, key=lambda row: str(row["rater_id"]))):
            if criterion == OUTCOME:
                order = list(Outcome)
                one, two = (order.index(Outcome(row["outcome"])) for row in (first, second))
                pairs[ALL, OUTCOME, rater].append(_Pair(handed_in, one, two))
            else:
                extents = _Pair(handed_in, _extent(first), _extent(second))
                pairs[ALL, ALL, rater].append(extents)
                pairs[module, criterion, rater].append(
                    _Pair(handed_in, first["points"], second["points"])
                )
    return pairs


def _compared(
    rows: _Ratings,
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
    thing: tuple[str, str, str], pairs: Sequence[_Pair], rules: AgreementRules
) -> dict[str, Any]:
    module, criterion, rater = thing
    exact = sum(pair.first == pair.second for pair in pairs)
    submission_count = len({pair.submission for pair in pairs})
    lower, upper = _wilson(exact / len(pairs), submission_count, rules.interval)
    kappa = _interval(pairs, None, rules)
    weighted = _interval(pairs, "quadratic", rules)
    return {
        "module_id": module,
        "criterion_id": criterion,
        "rater": rater,
        "comparison": "person_person" if rater == PERSON else "grader_person",
        "submission_count": submission_count,
        "pair_count": len(pairs),
        "exact_count": exact,
        "exact_share": exact / len(pairs),
        "exact_lower": lower,
        "exact_upper": upper,
        "kappa": kappa[0],
        "kappa_lower": kappa[1],
        "kappa_upper": kappa[2],
        "weighted_kappa": weighted[0],
        "weighted_kappa_lower": weighted[1],
        "weighted_kappa_upper": weighted[2],
    }


def _wilson(share: float, count: int, interval: float) -> tuple[float, float]:
    """Wilson's bounds of a share, as if every submission had been one answer.

    Ratings of one submission are not independent, and what they say together is at least that much.
    """
    z = float(norm.ppf((1 + interval) / 2))
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


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
