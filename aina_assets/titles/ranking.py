"""Re-ranking: features of a title and a candidate that name the usual errors.

Belongs here: what a ranker may look at, and the ranker itself. Stays out: how candidates are come
by (``model``), how sure a score may be (``calibration``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from aina_assets.titles.network import Floats, softmax
from aina_assets.titles.tree import OccupationTree
from aina_assets.titles.vocabulary import LEVELS

CANDIDATES = 20
TREES = 150
SMALL_ROWS = 50_000
COMMON_WORD_TITLES = 1000
DIGITS = 4
"""Of a feature; the rest is noise."""
_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "seed": 20261122,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}

FEATURES = (
    "log_probability",
    "rank",
    "behind_first",
    *(f"log_probability_{level}" for level in LEVELS[1:]),
    *(f"share_within_{level}" for level in LEVELS[1:]),
    "log_minor_network",
    "log_major_network",
    "entropy",
    "task_similarity",
    "official_title_similarity",
    "title_similarity",
    "neighbour_sum",
    "neighbour_share",
    "known_word_share",
    "usual_word_share",
    "head_noun_to_code",
    "code_to_head_noun",
    "log_title_count",
    "word_count",
    "unknown_word_count",
)

_BY_WORD = {
    "task_similarity": False,
    "official_title_similarity": False,
    "known_word_share": True,
    "usual_word_share": True,
}
"""Features that are sums over a title's words; whether their weights sum, or square, to 1."""

Integers = np.ndarray[Any, np.dtype[np.int64]]


def _tokens(text: str) -> list[str]:
    return text.split()


@dataclass(frozen=True)
class WordStatistics:
    """How words go with occupations among known titles, tasks and official titles.

    Attributes:
        vectoriser: counts the words known titles are made of.
        weight: inverse document frequency of each word.
        by_word: words x (``_BY_WORD`` x codes): what a word says of a code, dense.
        heads: position of a head noun's row in ``head_counts``.
        head_counts: head nouns x codes.
        titles: known titles of each code.
        known: known titles x words, unit rows, but for the words that so many titles share that
            they make no neighbours.
        codes: known titles x codes, 1 where a title has the code.
        centroids: codes x the networks' features, unit rows: the mean title of a code.
    """

    vectoriser: CountVectorizer
    weight: Floats
    by_word: Floats
    heads: Mapping[str, int]
    head_counts: sp.csr_matrix
    titles: Floats
    known: sp.csr_matrix
    codes: sp.csr_matrix
    centroids: sp.csr_matrix

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        features: sp.csr_matrix,
        codes: sp.csr_matrix,
        tasks: Mapping[int, str],
        official: Sequence[str],
    ) -> WordStatistics:
        """Statistics of known titles.

        Args:
            texts: the titles, as the networks learn from them.
            features: their features.
            codes: titles x codes, non-zero where a title has the code.
            tasks: the words of each code's tasks, by its position.
            official: expanded key of each code's own title.
        """
        vectoriser = CountVectorizer(analyzer=_tokens, binary=True, dtype=np.float32)
        present = vectoriser.fit_transform(texts)
        has = (codes > 0).astype(np.float32)
        frequency = np.asarray(present.sum(axis=0)).ravel()
        weight = (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32)
        last = [text.split()[-1] if text else "" for text in texts]
        heads = {head: place for place, head in enumerate(sorted(set(last)))}
        ends = sp.csr_matrix(
            (np.ones(len(last), np.float32), (range(len(last)), [heads[head] for head in last])),
            shape=(len(last), len(heads)),
        )
        occurring = CountVectorizer(
            analyzer=_tokens, vocabulary=vectoriser.vocabulary_, dtype=np.float32
        )
        of_tasks = occurring.transform([tasks.get(place, "") for place in range(has.shape[1])])
        of_tasks.data = np.log1p(of_tasks.data)
        scale = sp.diags(weight)
        titles = np.asarray(has.sum(axis=0), np.float32).ravel()
        # Filled in place: four of these side by side are large enough.
        by_word = np.empty((len(weight), len(_BY_WORD), len(titles)), np.float32)
        counts = (present.T @ has).toarray()
        said: dict[str, Callable[[], Any]] = {
            "task_similarity": lambda: normalize(of_tasks @ scale).T.toarray(),
            "official_title_similarity": lambda: normalize(
                vectoriser.transform(official) @ scale
            ).T.toarray(),
            "known_word_share": lambda: counts > 0,
            "usual_word_share": lambda: counts / np.maximum(titles, 1),
        }
        for place, name in enumerate(_BY_WORD):
            by_word[:, place] = said[name]()
        return cls(
            vectoriser,
            weight,
            by_word.reshape(len(weight), -1),
            heads,
            (ends.T @ has).tocsr(),
            titles,
            _of_rare_words(normalize(present @ scale), frequency),
            has.tocsr(),
            normalize((has.T @ features).tocsr()),
        )


@dataclass(frozen=True)
class Ranker:
    """A trained ranker: for every candidate of a title, how likely it is right."""

    booster: lgb.Booster

    @classmethod
    def trained(cls, features: Floats, is_right: np.ndarray[Any, Any]) -> Ranker:
        """Fitted to candidates (titles x candidates x ``FEATURES``) and which of them are right."""
        width = features.shape[2]
        data = lgb.Dataset(
            features.reshape(-1, width),
            is_right.ravel().astype(np.float32),
            feature_name=list(FEATURES),
        )
        # On few rows a second thread costs more than it brings; the trees are the same.
        threads = 1 if features.shape[0] * features.shape[1] < SMALL_ROWS else 2
        return cls(lgb.train(_PARAMETERS | {"num_threads": threads}, data, TREES))

    @classmethod
    def of(cls, text: str) -> Ranker:
        """The ranker whose text ``text`` is."""
        return cls(lgb.Booster(model_str=text))

    @property
    def text(self) -> str:
        """The model as LightGBM writes it."""
        return str(self.booster.model_to_string())

    def rerank(self, probabilities: Floats, candidates: Integers, features: Floats) -> Floats:
        """``probabilities`` (titles x codes) with the mass of the candidates shared out anew."""
        width = features.shape[2]
        raw = self.booster.predict(features.reshape(-1, width), raw_score=True, num_threads=1)
        shares = softmax(np.asarray(raw, np.float32).reshape(candidates.shape))
        rows = np.arange(len(candidates))[:, None]
        mass = probabilities[rows, candidates].sum(axis=1, keepdims=True)
        ranked = probabilities.copy()
        ranked[rows, candidates] = shares * mass
        return ranked


def first_candidates(probabilities: Floats, count: int = CANDIDATES) -> Integers:
    """Positions of the ``count`` likeliest codes of each row, the likeliest first."""
    count = min(count, probabilities.shape[1])
    best = np.argpartition(-probabilities, count - 1, axis=1)[:, :count]
    # Ties go to the lower code, whatever the partition left first.
    best.sort(axis=1)
    rows = np.arange(len(best))[:, None]
    order = np.argsort(-probabilities[rows, best], axis=1, kind="stable")
    return best[rows, order]


def features_of(
    texts: Sequence[str],
    features: sp.csr_matrix,
    probabilities: Floats,
    groups: Mapping[str, Floats],
    candidates: Integers,
    statistics: WordStatistics,
    tree: OccupationTree,
) -> Floats:
    """Titles x candidates x ``FEATURES``.

    Args:
        texts: the titles.
        features: of the titles, as the networks see them.
        probabilities: titles x codes.
        groups: titles x groups of the networks for groups, by level.
        candidates: titles x candidates, positions of codes.
        statistics: of the titles the networks were trained on.
        tree: of the codes.
    """
    rows = np.arange(len(texts))[:, None]
    shape = candidates.shape
    logs = np.log(probabilities + np.float32(1e-9))
    own = logs[rows, candidates]
    made = {
        "log_probability": own,
        "rank": np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape),
        "behind_first": own - own[:, :1],
        "entropy": _spread(-(probabilities * logs).sum(axis=1), shape),
    }
    for level, total in enumerate(by_level(probabilities, tree)[1:], start=1):
        name, position = LEVELS[level], tree.group_of[level]
        group = np.log(total + np.float32(1e-9))[rows, position[candidates]]
        made[f"log_probability_{name}"] = group
        made[f"share_within_{name}"] = own - group
        if name in groups:
            network = np.log(groups[name] + np.float32(1e-6))
            made[f"log_{name}_network"] = network[rows, position[candidates]]

    present = statistics.vectoriser.transform(texts)
    words = [text.split() for text in texts]
    distinct = np.array([len(set(found)) for found in words], np.float32)
    unknown = distinct - np.asarray(present.sum(axis=1), np.float32).ravel()
    weighted = (present @ sp.diags(statistics.weight)).tocsr()
    # A word nobody knows weighs as much as the rarest known one.
    rarest = float(statistics.weight.max()) if len(statistics.weight) else 1.0
    total_weight = np.asarray(weighted.sum(axis=1), np.float32).ravel() + unknown * rarest
    squares = np.asarray(weighted.multiply(weighted).sum(axis=1), np.float32).ravel()
    length = np.sqrt(squares + unknown * rarest**2)
    to_unit = 1 / np.maximum(length, 1e-6)[:, None]
    to_share = 1 / np.maximum(total_weight, 1e-6)[:, None]
    by_word = (weighted @ statistics.by_word).reshape(len(texts), len(_BY_WORD), -1)
    for place, (name, is_share) in enumerate(_BY_WORD.items()):
        made[name] = by_word[rows, place, candidates] * (to_share if is_share else to_unit)
    made["title_similarity"] = _dense(features @ statistics.centroids.T)[rows, candidates]
    # The eighth power leaves the few nearest titles of each code.
    near = (sp.diags(to_unit.ravel()) @ weighted @ statistics.known.T).tocsr()
    near.data **= 8
    neighbours = _dense(near @ statistics.codes)
    made["neighbour_sum"] = neighbours[rows, candidates]
    total_near = neighbours.sum(axis=1, keepdims=True)
    made["neighbour_share"] = made["neighbour_sum"] / np.maximum(total_near, 1e-6)

    heads = np.array([statistics.heads.get(found[-1], -1) if found else -1 for found in words])
    of_head = np.zeros((len(texts), probabilities.shape[1]), np.float32)
    known = heads >= 0
    of_head[known] = _dense(statistics.head_counts[heads[known]])
    made["head_noun_to_code"] = of_head[rows, candidates] / np.maximum(
        of_head.sum(axis=1, keepdims=True), 1
    )
    titles = statistics.titles[candidates]
    made["code_to_head_noun"] = of_head[rows, candidates] / np.maximum(titles, 1)
    made["log_title_count"] = np.log1p(titles)
    made["word_count"] = _spread(distinct, shape)
    made["unknown_word_count"] = _spread(unknown, shape)
    # Batches of other sizes add in another order; no tree may split on what that leaves.
    return np.stack([np.asarray(made[name], np.float32) for name in FEATURES], axis=2).round(DIGITS)


def by_level(probabilities: Floats, tree: OccupationTree) -> tuple[Floats, ...]:
    """``probabilities`` of codes summed by the groups of each of ``LEVELS``; rows x groups each."""
    found = [probabilities]
    for level in range(1, len(LEVELS)):
        # A group's members lie together at every level, for codes are sorted.
        position = tree.group_of[level]
        starts = np.searchsorted(position, np.arange(len(tree.groups[level])))
        finer = tree.group_of[level - 1][starts]
        found.append(np.asarray(np.add.reduceat(found[-1], finer, axis=1), np.float32))
    return tuple(found)


def indicator(position: np.ndarray[Any, Any], groups: int) -> sp.csr_matrix:
    """Codes x groups: 1 where the code is in the group."""
    ones = np.ones(len(position), np.float32)
    return sp.csr_matrix((ones, (np.arange(len(position)), position)), (len(position), groups))


def _of_rare_words(rows: sp.spmatrix, frequency: np.ndarray[Any, Any]) -> sp.csr_matrix:
    is_rare = (frequency <= COMMON_WORD_TITLES).astype(np.float32)
    kept = (rows @ sp.diags(is_rare)).tocsr()
    kept.eliminate_zeros()
    return kept


def _spread(values: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.broadcast_to(values[:, None], shape)


def _dense(matrix: sp.spmatrix) -> Floats:
    return np.asarray(matrix.toarray(), np.float32)
