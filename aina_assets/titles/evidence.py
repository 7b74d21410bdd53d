"""Evidence: what the router says of titles whose codes are known and were withheld from it.

Belongs here: training with something withheld, the ranker, the rows of ``title_evidence``, and the
thresholds and figures drawn from them. Stays out: serving.

================== ============================ ===================== ==========================
evaluation         titles                       lexicon without       networks without
================== ============================ ===================== ==========================
cross_fit          O*NET, folds 1 and 2         folds 0 and its own   folds 0 and its own, labelled
without_labelled   labelled, folds 3-9          labelled titles       folds 0 and 2, labelled
without_reported   reported, folds 3-9          reported titles       folds 0 and 2, labelled
without_alternate  alternate, folds 3-9         alternate and short   alternate and short
held_out           O*NET, fold 0                fold 0                fold 0
================== ============================ ===================== ==========================

The ranker learns from folds 1 and 2 alone; in ``cross_fit`` each of them is ranked by what was
learnt from the other. Thresholds come from the first four; ``held_out`` is only ever measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.titles import ranking
from aina_assets.titles.answers import Answer, Answerer
from aina_assets.titles.calibration import Curve
from aina_assets.titles.lexicon import HELD_OUT, RANKING, Lexicon
from aina_assets.titles.model import Documents, TitleModel
from aina_assets.titles.network import Floats
from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.policy import TitleWords
from aina_assets.titles.ranking import Ranker
from aina_assets.titles.tables import TitleEvidence, TitleRanker
from aina_assets.titles.tree import OccupationTree
from aina_assets.titles.vocabulary import LEVELS
from aina_assets.warehouse.digests import digest_of_json, digest_of_table
from aina_assets.warehouse.tables import arrow_schema

CHOOSING = ("cross_fit", "without_alternate", "without_labelled", "without_reported")
MOST_TITLES = 8000
"""Titles of one evaluation; more would say little more and take its time."""


@dataclass(frozen=True)
class Material:
    """What models are trained and tried on.

    Attributes:
        lexicon: rows of ``title_lexicon``.
        tree: occupations.
        documents: what is said of them.
        words: how titles are read.
    """

    lexicon: pa.Table
    tree: OccupationTree
    documents: Documents
    words: TitleWords

    @classmethod
    def of(
        cls,
        title_lexicon: pa.Table,
        occupations: pa.Table,
        occupation_tasks: pa.Table,
        soc_groups: pa.Table,
        words: TitleWords,
    ) -> Material:
        """The material in its tables."""
        tree = OccupationTree.of(occupations, soc_groups)
        fold = Normaliser(words).key
        documents = Documents.of(occupations, occupation_tasks, title_lexicon, tree, fold)
        return cls(title_lexicon, tree, documents, words)

    @property
    def digest(self) -> str:
        """Of everything a model learns from."""
        said = [self.documents.texts, self.documents.positions, self.tree.above]
        return digest_of_table(self.lexicon) + digest_of_json(said)

    def normaliser(self, lexicon: pa.Table) -> Normaliser:
        """Reads titles by the words of ``lexicon``'s titles alone."""
        return Normaliser(self.words, frozenset(lexicon["title_key"].to_pylist()))


@dataclass(frozen=True)
class Stage:
    """The networks beneath the ranker, the ranker, and its curves.

    Attributes:
        ranker: learnt from folds 1 and 2, each as placed by networks that had not seen it.
        by_fold: for each of these folds, the networks that had not seen it (nor fold 0, nor any
            labelled title), with a ranker that learnt from the other fold.
        curves: calibration by level, from the cross-fitted scores.
    """

    ranker: Ranker
    by_fold: Mapping[int, TitleModel]
    curves: Mapping[str, Curve]


def _stage(held: Material) -> Stage:
    fold, origin = held.lexicon["fold"], held.lexicon["origin"]
    open_to_all = pc.and_(pc.not_equal(fold, HELD_OUT), pc.not_equal(origin, "labelled"))
    models, cases, placed, right = {}, {}, {}, {}
    for one in RANKING:
        seen = held.lexicon.filter(pc.and_(open_to_all, pc.not_equal(fold, one)))
        models[one] = TitleModel.trained(seen, held.documents, held.tree)
        cases[one] = cases_of(held.lexicon, held.tree, [one])
        placed[one] = models[one].candidates([case.text for case in cases[one]])
        right[one] = np.array(
            [
                [held.tree.codes[place] in case.codes for place in row]
                for row, case in zip(placed[one][1], cases[one], strict=True)
            ]
        )
    by_fold, ranked = {}, []
    for one, other in (RANKING, RANKING[::-1]):
        ranker = Ranker.trained(placed[other][2], right[other])
        by_fold[one] = replace(models[one], ranker=ranker)
        ranked.append(ranker.rerank(*placed[one]))
    ranker = Ranker.trained(
        np.concatenate([placed[one][2] for one in RANKING]),
        np.concatenate([right[one] for one in RANKING]),
    )
    tried = [case for one in RANKING for case in cases[one]]
    return Stage(ranker, by_fold, _curves(np.vstack(ranked), tried, held.tree))


def _curves(ranked: Floats, cases: Sequence[Case], tree: OccupationTree) -> dict[str, Curve]:
    """Calibration curves, by level, of cross-fitted scores."""
    curves = {}
    for level, by_group in enumerate(ranking.by_level(ranked, tree)):
        groups = tree.groups[level]
        best = by_group.argmax(axis=1)
        hits = [
            groups[place] in case.groups[level] for place, case in zip(best, cases, strict=True)
        ]
        scores = by_group[np.arange(len(cases)), best].astype(np.float64)
        curves[LEVELS[level]] = Curve.fitted(scores, np.array(hits, np.float64))
    return curves


_STAGES: dict[str, Stage] = {}


def stage_of(material: Material) -> Stage:
    """The stage of ``material``: trained once, though two tables are made of it."""
    key = material.digest
    if key not in _STAGES:
        _STAGES.clear()  # two models each: never more than one stage
        _STAGES[key] = _stage(material)
    return _STAGES[key]


@dataclass(frozen=True)
class Case:
    """A title whose codes are known.

    Attributes:
        title: as its source has it.
        text: its key as written.
        fold: its fold.
        codes: its O*NET codes (those below a SOC code, where it has that), as right answers.
        groups: at each level the groups that are right; none where its source does not say.
    """

    title: str
    text: str
    fold: int
    codes: frozenset[str]
    groups: tuple[frozenset[str], ...]


def cases_of(
    lexicon: pa.Table,
    tree: OccupationTree,
    folds: Iterable[int],
    origins: Sequence[str] = ("occupation", "alternate", "short", "reported"),
) -> list[Case]:
    """One case a split key: the first title of it, with the codes of all of them."""
    wanted = lexicon.filter(
        pc.and_(
            pc.is_in(lexicon["fold"], value_set=pa.array(list(folds), pa.int64())),
            pc.is_in(lexicon["origin"], value_set=pa.array(list(origins))),
        )
    )
    first: dict[str, dict[str, Any]] = {}
    codes: dict[str, set[str]] = {}
    for row in wanted.select(["title", "title_key", "split_key", "fold", "code"]).to_pylist():
        if row["code"] in tree.members:
            first.setdefault(row["split_key"], row)
            codes.setdefault(row["split_key"], set()).add(row["code"])
    cases = []
    for key, row in first.items():
        lines = [tree.ancestors[code] for code in codes[key]]
        groups = tuple(
            frozenset(group for line in lines if (group := line[level]) is not None)
            for level in range(len(LEVELS))
        )
        below = frozenset(tree.codes[place] for code in codes[key] for place in tree.members[code])
        cases.append(Case(row["title"], row["title_key"], row["fold"], below, groups))
    return cases


def title_ranker(
    title_lexicon: pa.Table,
    occupations: pa.Table,
    occupation_tasks: pa.Table,
    soc_groups: pa.Table,
    title_words: TitleWords,
) -> pa.Table:
    """Rows of ``TitleRanker``."""
    stage = stage_of(
        Material.of(title_lexicon, occupations, occupation_tasks, soc_groups, title_words)
    )
    training = {"folds": list(RANKING), "features": list(ranking.FEATURES)}
    rows = [
        _ranker_row("booster", 0, text=stage.ranker.text),
        _ranker_row("training", 0, text=json.dumps(training, sort_keys=True)),
    ]
    for level, curve in stage.curves.items():
        knots = zip(curve.scores, curve.confidences, strict=True)
        rows += [
            _ranker_row(f"calibration:{level}", place, score=score, confidence=confidence)
            for place, (score, confidence) in enumerate(knots)
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleRanker))


def _ranker_row(part: str, ordinal: int, **values: Any) -> dict[str, Any]:
    return {
        "part": part,
        "ordinal": ordinal,
        "text": None,
        "score": None,
        "confidence": None,
    } | values


def ranker_of(rows: pa.Table) -> Ranker:
    """The ranker that rows of ``title_ranker`` hold."""
    (text,) = rows.filter(pc.equal(rows["part"], "booster"))["text"].to_pylist()
    return Ranker.of(text)


def title_evidence(
    title_lexicon: pa.Table,
    occupations: pa.Table,
    occupation_tasks: pa.Table,
    soc_groups: pa.Table,
    title_ranker: pa.Table,
    title_words: TitleWords,
) -> pa.Table:
    """Rows of ``TitleEvidence``, evaluation by evaluation (see the table in this module)."""
    material = Material.of(title_lexicon, occupations, occupation_tasks, soc_groups, title_words)
    stage = stage_of(material)
    ranker = ranker_of(title_ranker)
    rows: list[dict[str, Any]] = []
    fold, origin = title_lexicon["fold"], title_lexicon["origin"]
    later = range(max(RANKING) + 1, 10)

    for one in RANKING:
        kept = title_lexicon.filter(pc.and_(pc.not_equal(fold, HELD_OUT), pc.not_equal(fold, one)))
        cases = cases_of(title_lexicon, material.tree, [one])
        rows += _tried("cross_fit", cases, kept, stage.by_fold[one], material)

    # Networks that saw no labelled title, and every title of these folds that O*NET has.
    model = replace(stage.by_fold[RANKING[-1]], ranker=ranker)
    for withheld in ("labelled", "reported"):
        kept = title_lexicon.filter(pc.not_equal(origin, withheld))
        cases = cases_of(title_lexicon, material.tree, later, [withheld])
        rows += _tried(f"without_{withheld}", cases, kept, model, material)

    # One file holds alternate and short titles: whoever lacks it lacks both.
    file_origins = pa.array(["alternate", "short"])
    kept = title_lexicon.filter(pc.invert(pc.is_in(origin, value_set=file_origins)))
    cases = cases_of(title_lexicon, material.tree, later, ["alternate"])
    if cases and kept.num_rows:
        model = TitleModel.trained(kept, material.documents, material.tree, ranker)
        rows += _tried("without_alternate", cases, kept, model, material)

    kept = title_lexicon.filter(pc.not_equal(fold, HELD_OUT))
    model = TitleModel.trained(kept, material.documents, material.tree, ranker)
    rows += _tried(
        "held_out", cases_of(title_lexicon, material.tree, [HELD_OUT]), kept, model, material
    )
    _STAGES.clear()  # nothing after this asks for it
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleEvidence))


def _tried(
    evaluation: str, cases: list[Case], known: pa.Table, model: TitleModel, material: Material
) -> list[dict[str, Any]]:
    chosen = sorted(cases, key=lambda case: (case.fold, case.text, case.title))
    step = -(-len(chosen) // MOST_TITLES) or 1
    chosen = chosen[::step]
    normaliser = material.normaliser(known)
    answerer = Answerer(normaliser, Lexicon.of(known), model)
    answers = answerer(normaliser([case.title for case in chosen]))
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for case, answer in zip(chosen, answers, strict=True):
        for row in _rows_of(evaluation, case, answer):
            rows.setdefault((row["lexicon_title"], row["rung"]), row)
    return list(rows.values())


def _rows_of(evaluation: str, case: Case, answer: Answer) -> Iterable[dict[str, Any]]:
    truth = case.groups[1]
    rank = next(
        (place for place, (code, _) in enumerate(answer.candidates, start=1) if code in truth), None
    )
    common = {
        "evaluation": evaluation,
        "lexicon_title": case.title,
        "codes": sorted(case.codes),
        "rank_of_truth": rank,
    }
    if answer.rung is not None:
        yield common | {
            "rung": answer.rung,
            "is_first": True,
            "answers": _answers(case, answer.groups, answer.scores),
        }
    yield common | {
        "rung": "model",
        "is_first": answer.rung is None,
        "answers": _answers(case, answer.model_groups, answer.model_scores),
    }


def _answers(
    case: Case, groups: Sequence[str | None], scores: Sequence[float]
) -> list[dict[str, Any]]:
    return [
        {"level": level, "code": group, "score": score, "is_right": group in case.groups[depth]}
        for depth, (level, group, score) in enumerate(zip(LEVELS, groups, scores, strict=True))
        if group is not None and case.groups[depth]
    ]
