"""Bounds, thresholds and curves: the arithmetic every promise of precision rests on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.titles.calibration import (
    Curve,
    calibration_error,
    choose,
    smallest_score,
    wilson,
)

ANSWERS = st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=300)


def arrays(answers: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([score / 100 for score, _ in answers], np.float64)
    return scores, np.array([right for _, right in answers], np.float64)


def test_the_bounds_are_wilsons() -> None:
    # By hand: 95 of 100, z = 1.6449: centre 0.93816, half width 0.03663.
    lower, upper = wilson(95, 100)
    assert lower == pytest.approx(0.9013, abs=5e-4)
    assert upper == pytest.approx(0.9753, abs=5e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(52, 52)[0] > 0.95 > wilson(51, 51)[0]


@given(ANSWERS, st.sampled_from([0.5, 0.8, 0.95]))
def test_a_threshold_clears_its_target_and_no_smaller_score_does(
    answers: list[tuple[int, bool]], target: float
) -> None:
    scores, right = arrays(answers)

    cut = smallest_score(scores, right, target)

    clearing = [
        score
        for score in set(scores.tolist())
        if wilson(int(right[scores >= score].sum()), int((scores >= score).sum()))[0] >= target
    ]
    assert cut == (min(clearing) if clearing else None)


def test_sources_are_judged_together_and_named_apart() -> None:
    good = (np.full(100, 0.9), np.ones(100))
    bad = (np.full(100, 0.4), np.zeros(100))

    bar = choose({"without_reported": good, "without_alternate": bad}, 0.95)

    assert bar.min_score == 0.9
    assert (bar.right_count, bar.title_count, bar.answered_count) == (100, 100, 200)
    assert bar.evidence == "without_alternate 0/0, without_reported 100/100"


def test_nothing_clears_without_enough_evidence() -> None:
    bar = choose({"cross_fit": (np.full(40, 0.99), np.ones(40))}, 0.95)

    assert bar.min_score is None
    assert bar.title_count == 0
    assert "cross_fit 40/40 (all answers)" in bar.evidence


def test_a_curve_never_falls_and_says_what_was_right() -> None:
    rng = np.random.default_rng(7)
    scores = rng.random(20_000)
    right = (rng.random(20_000) < scores**2).astype(np.float64)

    curve = Curve.fitted(scores, right)

    asked = np.linspace(0, 1, 50)
    assert (np.diff(curve(asked)) >= 0).all()
    assert curve(np.array([0.5]))[0] == pytest.approx(0.25, abs=0.05)
    assert calibration_error(curve(scores), right) < 0.01
    assert calibration_error(scores, right) > 0.1
