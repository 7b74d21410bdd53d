"""From answers to what may be served: the deepest level whose evidence clears its bar.

Belongs here: the rule by which a code, its level, its tier and its confidence are chosen. An
ambiguous title is never settled: where its own codes part, nothing deeper is served, whatever the
model holds. Stays out: whether the occupation is one AINA serves (``coverage``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from aina_assets.titles.answers import Answer
from aina_assets.titles.calibration import Curve
from aina_assets.titles.vocabulary import LEVELS, FallbackTier


@dataclass(frozen=True)
class Bar:
    """From which score a rung's answers at a level are served.

    Attributes:
        min_score: null: never.
        precision: how often such answers were right.
    """

    min_score: float | None
    precision: float


@dataclass(frozen=True)
class Bars:
    """Bars by rung and level, and how sure the model's scores are."""

    by_answer: Mapping[tuple[str, str], Bar]
    curves: Mapping[str, Curve]

    @classmethod
    def of(cls, thresholds: pa.Table, ranker: pa.Table) -> Bars:
        """The tables ``title_thresholds`` and ``title_ranker``."""
        bars = {
            (row["rung"], row["code_level"]): Bar(row["min_score"], row["precision"] or 0.0)
            for row in thresholds.to_pylist()
        }
        return cls(bars, curves_of(ranker))

    def clears(self, rung: str, level: str, score: float) -> bool:
        """Whether an answer is served."""
        bar = self.by_answer.get((rung, level))
        return bar is not None and bar.min_score is not None and score >= bar.min_score


def curves_of(ranker: pa.Table) -> dict[str, Curve]:
    """The calibration curves of ``title_ranker``, by level."""
    knots: dict[str, list[tuple[float, float]]] = {}
    for row in ranker.sort_by([("part", "ascending"), ("ordinal", "ascending")]).to_pylist():
        part, _, level = row["part"].partition(":")
        if part == "calibration":
            knots.setdefault(level, []).append((row["score"], row["confidence"]))
    return {
        level: Curve(tuple(x for x, _ in found), tuple(y for _, y in found))
        for level, found in knots.items()
    }


@dataclass(frozen=True)
class Decision:
    """What a title is served as.

    Attributes:
        rung: how it was come by; null where nothing is served.
        code: the group; null likewise.
        level: its level, or ``none``.
        tier: how far from an exact title.
        confidence: calibrated probability that the code is right; 0 without one.
        reasons: reason codes, in order.
    """

    rung: str | None
    code: str | None
    level: str
    tier: FallbackTier
    confidence: float
    reasons: tuple[str, ...]


def decide(answers: Sequence[Answer], bars: Bars) -> list[Decision]:
    """A decision for each answer."""
    chosen = [_choose(answer, bars) for answer in answers]
    # All confidences of a level at once: the curve is asked five times, not once a title.
    sure = [0.0] * len(answers)
    for depth, level in enumerate(LEVELS):
        places = [
            at for at, (rung, found, _) in enumerate(chosen) if rung == "model" and found == depth
        ]
        scores = np.array([answers[at].model_scores[depth] for at in places])
        curve = bars.curves.get(level)
        if places and curve is not None:
            for at, confidence in zip(places, curve(scores), strict=True):
                sure[at] = round(float(confidence), 4)
    return [
        _decision(answer, rung, depth, reasons, bars, confidence)
        for answer, (rung, depth, reasons), confidence in zip(answers, chosen, sure, strict=True)
    ]


def _choose(answer: Answer, bars: Bars) -> tuple[str | None, int, tuple[str, ...]]:
    reasons: list[str] = []
    is_known = answer.rung is not None
    if is_known:
        reasons.append(f"known_title:{answer.rung}")
        if answer.groups[1] is None:
            reasons.append("ambiguous_title")
    else:
        reasons.append("unknown_title")
    for depth, level in enumerate(LEVELS):
        group = answer.groups[depth]
        if answer.rung is not None:
            if group is None:
                continue
            if bars.clears(answer.rung, level, answer.scores[depth]):
                return answer.rung, depth, tuple(reasons)
            if group != answer.model_groups[depth]:
                continue
        if bars.clears("model", level, answer.model_scores[depth]):
            return "model", depth, tuple(reasons)
    if is_known and all(group is None for group in answer.groups):
        reasons.append("no_common_group")
    elif is_known and answer.groups[-1] != answer.model_groups[-1]:
        reasons.append("known_title_and_model_disagree")
    else:
        reasons.append("below_every_threshold")
    return None, len(LEVELS), tuple(reasons)


def _decision(
    answer: Answer,
    rung: str | None,
    depth: int,
    reasons: tuple[str, ...],
    bars: Bars,
    model_confidence: float,
) -> Decision:
    if rung is None:
        return Decision(None, None, "none", FallbackTier.UNRESOLVED, 0.0, reasons)
    level = LEVELS[depth]
    if rung == "model":
        code, confidence = answer.model_groups[depth], model_confidence
    else:
        code = answer.groups[depth]
        confidence = round(bars.by_answer[rung, level].precision, 4)
    return Decision(
        rung,
        code,
        level,
        tier_of(rung, level),
        confidence,
        (*reasons, f"served_at:{level}", *(("statistical_match",) if rung == "model" else ())),
    )


def tier_of(rung: str, level: str) -> FallbackTier:
    """The fallback tier of an answer: neither a group nor a statistical match is an identity."""
    if level == "major":
        return FallbackTier.ARCHETYPE
    if rung == "model" or level in ("broad", "minor"):
        return FallbackTier.FUNCTION
    return {"exact": FallbackTier.EXACT, "alias": FallbackTier.ALIAS}.get(
        rung, FallbackTier.NORMALISED
    )
