"""One title, explained: every step from the raw text to what may be served.

Belongs here: the account of a routing, as plain data. Stays out: how it looks (``cli_render``).
"""

from __future__ import annotations

from typing import Any

from aina_assets.titles.normalise import RUNGS
from aina_assets.titles.routing import Router
from aina_assets.titles.vocabulary import LEVELS

SHOWN_TITLES = 5


def explain(router: Router, title: str) -> dict[str, Any]:
    """How ``router`` comes to its answer.

    Returns:
        ``reading`` (the steps of normalisation), ``keys``, ``known`` (each rung that knows it, with
        its codes), ``model`` (its likeliest group and score by level; none where it was not asked),
        ``bars`` (from which scores the rungs are served), and ``result``, the routed row.
    """
    parsed = router.answerer.normaliser.parse(title)
    (row,) = router.route([title]).to_pylist()
    table = router.answerer.normaliser([title])
    (answer,) = router.answers(table)
    (keys,) = table.to_pylist()
    known = router.answerer.lexicon.find(keys)
    named = router.tree.titles
    is_asked = any(group is not None for group in answer.model_groups)
    rungs = [rung for rung in (answer.rung, "model" if is_asked else None) if rung is not None]
    return {
        "title": title,
        "reading": [
            {"rule": rule, "what": what, "after": after} for rule, what, after in parsed.steps
        ],
        "keys": {rung: getattr(parsed, rung) for rung in RUNGS},
        "known": [
            {
                "rung": rung,
                "codes": [
                    {"code": code, "title": named.get(code, "")}
                    for code in found.codes[:SHOWN_TITLES]
                ],
                "code_count": len(found.codes),
            }
            for rung, found in known.items()
        ],
        "model": [
            {"level": level, "code": code, "title": named.get(str(code), ""), "score": score}
            for level, code, score in zip(
                LEVELS, answer.model_groups, answer.model_scores, strict=True
            )
            if code is not None
        ],
        "bars": [
            {
                "rung": rung,
                "level": level,
                "score": _score(answer, rung, depth),
                "min_score": bar.min_score,
                "precision": bar.precision if bar.min_score is not None else None,
            }
            for rung in rungs
            for depth, level in enumerate(LEVELS)
            if (bar := router.bars.by_answer.get((rung, level))) is not None
        ],
        "result": row,
        "code_title": named.get(str(row["code"])),
    }


def _score(answer: Any, rung: str, depth: int) -> float | None:
    if rung == "model":
        return float(answer.model_scores[depth])
    return float(answer.scores[depth]) if answer.groups[depth] is not None else None
