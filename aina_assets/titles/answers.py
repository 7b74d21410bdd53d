"""What can be said of a title: the first rung that knows it, and what the model holds.

Belongs here: putting look-up and model side by side, level by level, each with its score. Stays
out: which of it is good enough to be served (``decisions``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from aina_assets.titles import ranking
from aina_assets.titles.lexicon import AS_WRITTEN, Known, Lexicon
from aina_assets.titles.model import BATCH_TITLES, TitleModel
from aina_assets.titles.network import Floats
from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.tree import OccupationTree
from aina_assets.titles.vocabulary import LEVELS

SHOWN_CANDIDATES = 5
_KEYS = ("key", "core_key", "expanded_key", "inverted_key", "level_cut_key", "sorted_key", "rules")

# Whose codes are the title's own; the others only suggest.
LITERAL_RUNGS = frozenset({"exact", "alias", "core", "expanded", "inverted", "reordered"})

Groups = tuple[str | None, ...]


@dataclass(frozen=True)
class Answer:
    """What is known and thought of one title.

    Attributes:
        rung: the first rung that knows the title; null where none does.
        known: what that rung knows.
        groups: the group, at every level of ``LEVELS``, that holds all its codes; null where they
            part.
        scores: what the model holds of each of these groups, 1 where the title is known as
            written; 0 where there is none.
        model_groups: the group the model holds likeliest, at every level; null where it was not
            asked.
        model_scores: how likely; 0 likewise.
        candidates: SOC-6 codes, the likeliest first, with their probability; those of the title's
            own codes before all others.
    """

    rung: str | None
    known: Known | None
    groups: Groups
    scores: tuple[float, ...]
    model_groups: Groups
    model_scores: tuple[float, ...]
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Answerer:
    """Asks lexicon and model.

    Attributes:
        normaliser: reads titles.
        lexicon: known titles.
        model: places the others.
    """

    normaliser: Normaliser
    lexicon: Lexicon
    model: TitleModel

    def __call__(self, parsed: pa.Table, *, known_settles: bool = False) -> list[Answer]:
        """Answers to ``parsed`` titles (``normalise.PARSED_SCHEMA``), row by row.

        Args:
            parsed: the titles.
            known_settles: whether a title that is known, as written, to name one occupation needs
                no opinion of the model.
        """
        rows = parsed.select(list(_KEYS)).to_pylist()
        made: dict[int, Answer] = {}
        found = [self.lexicon.find(row) for row in rows]
        by_reading: dict[tuple[str, str], list[int]] = {}
        for place, row in enumerate(rows):
            certain = self._certain(found[place]) if known_settles else None
            if certain is not None:
                made[place] = certain
            else:
                by_reading.setdefault(_readings(row), []).append(place)
        asked = list(by_reading)
        for start in range(0, len(asked), BATCH_TITLES):
            batch = asked[start : start + BATCH_TITLES]
            opinions = _Opinions.of(self._probabilities(batch), self.model.tree)
            for at, reading in enumerate(batch):
                for place in by_reading[reading]:
                    made[place] = opinions.answer(at, found[place])
        return [made[place] for place in range(len(rows))]

    def _certain(self, found: Mapping[str, Known]) -> Answer | None:
        """The answer to a title that is known, as written, to name one occupation."""
        rung, known = next(iter(found.items()), (None, None))
        if rung not in AS_WRITTEN or known is None:
            return None
        groups = self.model.tree.common(known.codes)
        if groups[1] is None:
            return None
        scores = tuple(float(group is not None) for group in groups)
        unasked: Groups = (None,) * len(LEVELS)
        return Answer(
            rung, known, groups, scores, unasked, (0.0,) * len(LEVELS), ((groups[1], 1.0),)
        )

    def _probabilities(self, readings: Sequence[tuple[str, str]]) -> Floats:
        """Titles x codes: the mean of what the model holds of a title's two readings."""
        held = self.model.probabilities([first for first, _ in readings])
        twofold = [at for at, (first, second) in enumerate(readings) if first != second]
        if twofold:
            held[twofold] += self.model.probabilities([readings[at][1] for at in twofold])
            held[twofold] /= 2
        return held


def _readings(row: Mapping[str, Any]) -> tuple[str, str]:
    """The two forms in which the model is asked about a title; mostly the same one.

    Words in brackets stay where nothing else was cut: they say which of several is meant.
    """
    rules = set(row["rules"])
    first = row["core_key"] if rules & _CUTS else row["key"]
    second = row["expanded_key"] if rules & _WRITTEN_OUT else first
    return first, second


_CUTS = frozenset({"company", "employment", "level", "location", "noise", "requisition", "salary"})
_WRITTEN_OUT = frozenset({"abbreviation", "gender", "plural", "spelling"})


@dataclass(frozen=True)
class _Opinions:
    """What the model holds of a batch: probabilities of codes and of the groups of every level."""

    tree: OccupationTree
    by_level: tuple[Floats, ...]
    best: tuple[np.ndarray[Any, Any], ...]
    best_scores: tuple[np.ndarray[Any, Any], ...]
    first: np.ndarray[Any, Any]

    @classmethod
    def of(cls, probabilities: Floats, tree: OccupationTree) -> _Opinions:
        by_level = ranking.by_level(probabilities, tree)
        best = tuple(found.argmax(axis=1) for found in by_level)
        rows = np.arange(len(probabilities))
        scores = tuple(found[rows, place] for found, place in zip(by_level, best, strict=True))
        detailed = by_level[1]
        first = ranking.first_candidates(detailed, SHOWN_CANDIDATES)
        return cls(tree, by_level, best, scores, first)

    def answer(self, row: int, found: dict[str, Known]) -> Answer:
        rung, known = next(iter(found.items()), (None, None))
        groups: Groups = (None,) * len(LEVELS)
        if known is not None:
            groups = self.tree.common(known.codes)
        # Whoever finds a title as written needs no second opinion.
        is_certain = rung in AS_WRITTEN
        scores = tuple(
            0.0 if group is None else 1.0 if is_certain else self._score(row, level, group)
            for level, group in enumerate(groups)
        )
        return Answer(
            rung,
            known,
            groups,
            scores,
            tuple(self.tree.groups[level][self.best[level][row]] for level in range(len(LEVELS))),
            tuple(_round(self.best_scores[level][row]) for level in range(len(LEVELS))),
            self._candidates(row, known.codes if known and rung in LITERAL_RUNGS else ()),
        )

    def _score(self, row: int, level: int, group: str) -> float:
        # The model knows no group without occupations.
        place = self.tree.places[level].get(group)
        return 0.0 if place is None else _round(self.by_level[level][row, place])

    def _candidates(self, row: int, codes: Sequence[str]) -> tuple[tuple[str, float], ...]:
        own = {code[:7] for code in codes if code in self.tree.ancestors}
        ranked = sorted(
            ((code, self._score(row, 1, code)) for code in own),
            key=lambda item: (-item[1], item[0]),
        )
        names = self.tree.groups[1]
        likeliest = (names[place] for place in self.first[row])
        others = [(code, self._score(row, 1, code)) for code in likeliest if code not in own]
        return tuple((ranked + others)[:SHOWN_CANDIDATES])


def _round(score: Any) -> float:
    # Batches of other sizes add in another order: the last bits of a score mean nothing.
    return min(1.0, round(float(score), 5))
