"""How sure a score may be, and from which score an answer is served.

Belongs here: calibration curves, Wilson bounds, the choice of thresholds, calibration error. Stays
out: where scores come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

Z_95_ONE_SIDED = 1.6448536269514722
BINS = 15
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Curve:
    """A rising line from raw score to the share of right answers, by its knots."""

    scores: tuple[float, ...]
    confidences: tuple[float, ...]

    @classmethod
    def fitted(cls, scores: Floats, is_right: Floats) -> Curve:
        """The isotonic curve through answers and whether they were right."""
        if not len(scores):
            return cls((0.0, 1.0), (0.0, 0.0))
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        fit.fit(scores, is_right)
        return cls(
            tuple(round(float(x), 6) for x in fit.X_thresholds_),
            tuple(round(float(y), 6) for y in fit.y_thresholds_),
        )

    def __call__(self, scores: Floats) -> Floats:
        """Confidences at ``scores``."""
        return np.interp(scores, self.scores, self.confidences)


def wilson(right: int, total: int) -> tuple[float, float]:
    """One-sided 95% bounds of a share, lower and upper (Wilson 1927, score interval)."""
    if total == 0:
        return 0.0, 1.0
    z = Z_95_ONE_SIDED
    share = right / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def smallest_score(scores: Floats, is_right: Floats, target: float) -> float | None:
    """The smallest score from which the lower bound of precision clears ``target``, or null."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    right = np.cumsum(is_right[order])
    total = np.arange(1, len(order) + 1)
    share = right / total
    z = Z_95_ONE_SIDED
    spread = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    lower = (share + z * z / (2 * total) - spread) / (1 + z * z / total)
    # Equal scores are served together: only the last of them is a place to cut.
    last = np.append(ranked[1:] != ranked[:-1], True) if len(ranked) else np.array([], bool)
    places = np.flatnonzero((lower >= target) & last)
    return float(ranked[places[-1]]) if len(places) else None


@dataclass(frozen=True)
class Threshold:
    """From which score an answer is served, and on what evidence.

    Attributes:
        min_score: null where nothing clears the target.
        title_count, right_count: withheld titles served at that score, and those right.
        answered_count: withheld titles answered at all.
        evidence: right of served, source by source.
    """

    min_score: float | None
    title_count: int
    right_count: int
    answered_count: int
    evidence: str


def choose(by_source: Mapping[str, tuple[Floats, Floats]], target: float) -> Threshold:
    """The threshold from which the answers of all sources together clear ``target``.

    Args:
        by_source: scores and whether each was right (0 or 1), by what was withheld.
        target: precision asked for.
    """
    scores = np.concatenate([found for found, _ in by_source.values()] or [np.array([])])
    right = np.concatenate([found for _, found in by_source.values()] or [np.array([])])
    cut = smallest_score(scores, right, target)
    served = scores >= cut if cut is not None else np.zeros(len(scores), bool)
    total, hits = int(served.sum()), int(right[served].sum())
    return Threshold(cut, total, hits, len(scores), _summary(by_source, cut))


def _summary(by_source: Mapping[str, tuple[Floats, Floats]], cut: float | None) -> str:
    said = []
    for name, (scores, right) in sorted(by_source.items()):
        served = scores >= cut if cut is not None else np.ones(len(scores), bool)
        said.append(f"{name} {int(right[served].sum())}/{int(served.sum())}")
    return ", ".join(said) + ("" if cut is not None else " (all answers)")


def calibration_error(confidences: Sequence[float] | Floats, is_right: Floats) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015), 0-1."""
    sure = np.asarray(confidences, np.float64)
    if not len(sure):
        return 0.0
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    error = 0.0
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            error += inside.mean() * abs(sure[inside].mean() - is_right[inside].mean())
    return float(error)
