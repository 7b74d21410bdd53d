"""The bars, and how good the router is by them: tables drawn from ``title_evidence`` alone.

Belongs here: rows of ``title_thresholds`` and ``title_model_evaluation``. Stays out: training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.titles.answers import Answer
from aina_assets.titles.calibration import Threshold, calibration_error, choose, wilson
from aina_assets.titles.decisions import Bars, decide
from aina_assets.titles.evidence import CHOOSING
from aina_assets.titles.tables import TitleModelEvaluation, TitleThresholds
from aina_assets.titles.vocabulary import LEVELS, RUNGS
from aina_assets.warehouse.tables import arrow_schema

TARGET = 0.95
"""Precision asked of whatever is served, at every level."""

Rows = Sequence[Mapping[str, Any]]


def title_thresholds(title_evidence: pa.Table, title_lexicon: pa.Table) -> pa.Table:
    """Rows of ``TitleThresholds``: every rung and level.

    That an occupation's own title names it is no finding but a definition: the rung ``exact`` is
    served at every level, its count that of the titles it holds for.
    """
    own = title_lexicon.filter(pc.equal(title_lexicon["origin"], "occupation"))
    definitions = pc.count_distinct(own["title_key"]).as_py()
    found: dict[tuple[str, str], dict[str, list[tuple[float, bool]]]] = {}
    for row in title_evidence.to_pylist():
        if row["evaluation"] in CHOOSING and row["is_first"]:
            for answer in row["answers"]:
                by_source = found.setdefault((row["rung"], answer["level"]), {})
                scored = (answer["score"], answer["is_right"])
                by_source.setdefault(row["evaluation"], []).append(scored)
    rows = []
    for rung in RUNGS:
        for level in LEVELS:
            if rung == "exact":
                rows.append(_row_of(rung, level, _by_definition(definitions)))
                continue
            by_source = found.get((rung, level), {})
            bar = choose(
                {
                    name: (
                        np.array([score for score, _ in scored], np.float64),
                        np.array([right for _, right in scored], np.float64),
                    )
                    for name, scored in by_source.items()
                },
                TARGET,
            )
            rows.append(_row_of(rung, level, bar))
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleThresholds))


def _by_definition(count: int) -> Threshold:
    evidence = f"by definition: {count} canonical titles"
    return Threshold(0.0 if count else None, count, count, count, evidence)


def _row_of(rung: str, level: str, bar: Threshold) -> dict[str, Any]:
    served = bar.min_score is not None
    lower = wilson(bar.right_count, bar.title_count)[0]
    return {
        "rung": rung,
        "code_level": level,
        "target": TARGET,
        "min_score": bar.min_score,
        "title_count": bar.title_count,
        "right_count": bar.right_count,
        "precision": round(bar.right_count / bar.title_count, 6) if served else None,
        "wilson_lower": round(lower, 6) if served else None,
        "answered_count": bar.answered_count,
        "evidence": bar.evidence,
    }


def title_model_evaluation(
    title_evidence: pa.Table, title_thresholds: pa.Table, title_ranker: pa.Table
) -> pa.Table:
    """Rows of ``TitleModelEvaluation``: each evaluation by itself.

    ``top_1``: the model's likeliest group is right. ``top_5``: a right SOC-6 code is among the
    first five candidates. ``calibration_error``: expected, over fifteen bins. ``router_top_1``:
    the first candidate is right, known titles included. ``served_precision``: of what is served
    at the level or deeper, the share that is right at the level; ``served_share``: how much that
    is of all titles.
    """
    bars = Bars.of(title_thresholds, title_ranker)
    by_evaluation: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in title_evidence.to_pylist():
        titles = by_evaluation.setdefault(row["evaluation"], {})
        titles.setdefault(row["lexicon_title"], []).append(row)
    rows = [
        figure
        for name, titles in sorted(by_evaluation.items())
        for figure in _figures(name, list(titles.values()), bars)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleModelEvaluation))


def _figures(evaluation: str, titles: Sequence[Rows], bars: Bars) -> Iterable[dict[str, Any]]:
    models = [next(row for row in rows if row["rung"] == "model") for rows in titles]
    unknown = [row for row in models if row["is_first"]]

    def share(
        figure: str, level: str | None, hits: Sequence[bool], bar: float | None = None
    ) -> Any:
        right, total = sum(hits), len(hits)
        lower, upper = wilson(right, total)
        return _row(
            evaluation,
            figure,
            level,
            total,
            round(right / total, 6) if total else None,
            (round(lower, 6), round(upper, 6)) if total else (None, None),
            bar,
        )

    for scope, rows in (("", models), ("_unknown_titles", unknown)):
        for level in LEVELS:
            said = [answer for row in rows if (answer := _at(row, level)) is not None]
            hits = [answer["is_right"] for answer in said]
            yield share(f"top_1{scope}", level, hits)
            curve = bars.curves.get(level)
            if curve is not None and said:
                sure = curve(np.array([answer["score"] for answer in said]))
                error = calibration_error(sure, np.array(hits, np.float64))
                yield _row(
                    evaluation, f"calibration_error{scope}", level, len(said), round(error, 6)
                )
    ranks = [row["rank_of_truth"] for row in models]
    yield share("top_5", "detailed", [rank is not None for rank in ranks])
    yield share("router_top_1", "detailed", [rank == 1 for rank in ranks])

    truths = [_truth(rows) for rows in titles]
    decisions = decide([_answer(rows) for rows in titles], bars)
    for level in ("onet_soc", "detailed", "major"):
        depth = LEVELS.index(level)
        served = [
            (decision, truth)
            for decision, truth in zip(decisions, truths, strict=True)
            if decision.rung is not None
            and LEVELS.index(decision.level) <= depth
            and truth.get((decision.rung, level)) is not None
        ]
        hits = [bool(truth[str(decision.rung), level]) for decision, truth in served]
        yield share("served_precision", level, hits, TARGET)
        yield share(
            "served_share", level, [True] * len(served) + [False] * (len(titles) - len(served))
        )


def _at(row: Mapping[str, Any], level: str) -> dict[str, Any] | None:
    return next((answer for answer in row["answers"] if answer["level"] == level), None)


def _truth(rows: Rows) -> dict[tuple[str, str], bool]:
    return {
        (row["rung"], answer["level"]): answer["is_right"]
        for row in rows
        for answer in row["answers"]
    }


def _answer(rows: Rows) -> Answer:
    """The answer as it was, but for what evidence does not keep."""
    groups: dict[bool, list[str | None]] = {}
    scores: dict[bool, list[float]] = {}
    first = next((row["rung"] for row in rows if row["rung"] != "model"), None)
    for row in rows:
        found = [_at(row, level) for level in LEVELS]
        is_model = row["rung"] == "model"
        groups[is_model] = [answer["code"] if answer else None for answer in found]
        scores[is_model] = [answer["score"] if answer else 0.0 for answer in found]
    nothing: list[str | None] = [None] * len(LEVELS)
    return Answer(
        first,
        None,
        tuple(groups.get(False, nothing)),
        tuple(scores.get(False, [0.0] * len(LEVELS))),
        tuple(groups[True]),
        tuple(scores[True]),
        (),
    )


def _row(
    evaluation: str,
    figure: str,
    level: str | None,
    total: int,
    value: float | None,
    bounds: tuple[float | None, float | None] = (None, None),
    bar: float | None = None,
) -> dict[str, Any]:
    return {
        "measure": ".".join(part for part in (evaluation, figure, level) if part),
        "evaluation": evaluation,
        "figure": figure,
        "code_level": level,
        "title_count": total,
        "value": value,
        "wilson_lower": bounds[0],
        "wilson_upper": bounds[1],
        "bar": bar,
    }
