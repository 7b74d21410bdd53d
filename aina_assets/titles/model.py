"""Placing titles nobody knows: networks that propose occupations, a ranker that orders them.

Belongs here: training on known titles, asking, and the rows a model is stored as. Stays out: what
is known already (``lexicon``), how sure a score may be (``calibration``), what is served.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from aina_assets.titles import ranking
from aina_assets.titles.features import Features
from aina_assets.titles.network import Floats, Network, train
from aina_assets.titles.ranking import Ranker, WordStatistics
from aina_assets.titles.tables import TitleModel as TitleModelTable
from aina_assets.titles.tree import OccupationTree
from aina_assets.titles.vocabulary import LEVELS
from aina_assets.warehouse.tables import arrow_schema


@dataclass(frozen=True)
class NetworkPlan:
    """One network of a model.

    Attributes:
        name: its name in the stored model.
        level: the level of its classes.
        width: numbers in an embedding.
        seed: of its training.
        has_documents: whether it also learns from descriptions and tasks.
    """

    name: str
    level: str
    width: int
    seed: int
    has_documents: bool


NETWORKS = (
    NetworkPlan("titles_1", "onet_soc", 128, 1, has_documents=False),
    NetworkPlan("titles_2", "onet_soc", 128, 2, has_documents=False),
    NetworkPlan("documents", "onet_soc", 128, 3, has_documents=True),
    NetworkPlan("minor", "minor", 32, 4, has_documents=True),
    NetworkPlan("major", "major", 32, 5, has_documents=True),
)
PROPOSING = tuple(plan.name for plan in NETWORKS if plan.level == "onet_soc")

DESCRIPTION_WEIGHT = 0.15
TASK_WEIGHT = 0.075
BATCH_TITLES = 4096
WORKERS = 2


@dataclass(frozen=True)
class Documents:
    """What is said of occupations beyond their titles.

    Attributes:
        texts: descriptions and tasks, folded.
        positions: position in the tree of each text's occupation.
        weights: importance of each text beside a title's 1.
        tasks: all task words of an occupation, by its position.
        official: each occupation's own title, expanded, in the order of the tree.
    """

    texts: tuple[str, ...]
    positions: tuple[int, ...]
    weights: tuple[float, ...]
    tasks: Mapping[int, str]
    official: tuple[str, ...]

    @classmethod
    def of(
        cls,
        occupations: pa.Table,
        occupation_tasks: pa.Table,
        lexicon: pa.Table,
        tree: OccupationTree,
        fold: Callable[[str], str],
    ) -> Documents:
        """Documents of ``tree``'s occupations; ``fold`` makes the key of a text."""
        said: list[tuple[str, int, float]] = []
        tasks: dict[int, list[str]] = {}
        for row in occupations.select(["onet_soc_code", "description"]).to_pylist():
            place = tree.index[row["onet_soc_code"]]
            said.append((fold(row["description"]), place, DESCRIPTION_WEIGHT))
        ordered = occupation_tasks.select(["onet_soc_code", "task"]).to_pylist()
        for row in ordered:
            if row["onet_soc_code"] in tree.index:
                place = tree.index[row["onet_soc_code"]]
                text = fold(row["task"])
                said.append((text, place, TASK_WEIGHT))
                tasks.setdefault(place, []).append(text)
        own = lexicon.filter(pc.equal(lexicon["origin"], "occupation"))
        named = dict(zip(own["code"].to_pylist(), own["expanded_key"].to_pylist(), strict=True))
        texts, positions, weights = zip(*said, strict=True)
        return cls(
            texts,
            positions,
            weights,
            {place: " ".join(found) for place, found in tasks.items()},
            tuple(named.get(code, "") for code in tree.codes),
        )


def examples(lexicon: pa.Table, tree: OccupationTree) -> tuple[list[str], sp.csr_matrix]:
    """Distinct texts of ``lexicon`` and, row by row, the distribution over their codes.

    A title is there as written and, where that differs, expanded: queries come in both forms. Its
    codes are those of every title of the same split key; a SOC code stands for its O*NET
    occupations alike.
    """
    split_keys = lexicon["split_key"].to_pylist()
    codes: dict[str, set[int]] = {}
    for key, code in zip(split_keys, lexicon["code"].to_pylist(), strict=True):
        codes.setdefault(key, set()).update(tree.members.get(code, ()))
    texts: dict[str, str] = {}
    for form in ("title_key", "expanded_key"):
        for text, key in zip(lexicon[form].to_pylist(), split_keys, strict=True):
            if text and codes[key]:
                texts.setdefault(text, key)
    rows, columns, shares = [], [], []
    for row, key in enumerate(texts.values()):
        places = sorted(codes[key])
        rows += [row] * len(places)
        columns += places
        shares += [1 / len(places)] * len(places)
    targets = sp.csr_matrix(
        (np.array(shares, np.float32), (rows, columns)), (len(texts), len(tree.codes))
    )
    return list(texts), targets


@dataclass(frozen=True)
class TitleModel:
    """Networks over a vocabulary, and the ranker over what they propose.

    Attributes:
        tree: occupations, the classes.
        features: the vocabulary.
        networks: by name, as ``NETWORKS`` plans them.
        statistics: of the titles the networks were trained on.
        ranker: orders candidates; none while it is still to be trained.
    """

    tree: OccupationTree
    features: Features
    networks: Mapping[str, Network]
    statistics: WordStatistics
    ranker: Ranker | None = None

    @classmethod
    def trained(
        cls,
        lexicon: pa.Table,
        documents: Documents,
        tree: OccupationTree,
        ranker: Ranker | None = None,
    ) -> TitleModel:
        """A model of the titles in ``lexicon``."""
        texts, targets = examples(lexicon, tree)
        features = Features.fitted(texts)
        titles = features(texts)
        said = features.words_only(documents.texts)
        own = sp.csr_matrix(
            (
                np.ones(len(documents.texts), np.float32),
                (range(len(documents.texts)), documents.positions),
            ),
            (len(documents.texts), len(tree.codes)),
        )
        ones = np.ones(len(texts), np.float32)
        with_documents = (
            sp.vstack([titles, said], format="csr"),
            sp.vstack([targets, own], format="csr"),
            np.concatenate([ones, np.asarray(documents.weights, np.float32)]),
        )

        def network(plan: NetworkPlan) -> Network:
            rows, wanted, weight = with_documents if plan.has_documents else (titles, targets, ones)
            level = LEVELS.index(plan.level)
            if level:
                position = tree.group_of[level]
                wanted = (wanted @ ranking.indicator(position, len(tree.groups[level]))).tocsr()
            return train(rows, wanted, weight, width=plan.width, seed=plan.seed)

        # One thread a network: what it learns must not depend on how many cores there are.
        with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:
            made = pool.map(network, NETWORKS)
            networks = {plan.name: found for plan, found in zip(NETWORKS, made, strict=True)}
        statistics = WordStatistics.of(texts, titles, targets, documents.tasks, documents.official)
        return cls(tree, features, networks, statistics, ranker)

    def proposed(self, rows: sp.csr_matrix) -> tuple[Floats, dict[str, Floats]]:
        """Probabilities of codes, and of groups by level, before ranking."""
        total = sum(self.networks[name].probabilities(rows) for name in PROPOSING)
        groups = {
            plan.level: self.networks[plan.name].probabilities(rows)
            for plan in NETWORKS
            if plan.name not in PROPOSING
        }
        return np.asarray(total, np.float32) / np.float32(len(PROPOSING)), groups

    def candidates(self, texts: Sequence[str]) -> tuple[Floats, ranking.Integers, Floats]:
        """Probabilities, candidates and their features, for a ranker."""
        rows = self.features(texts)
        probabilities, groups = self.proposed(rows)
        first = ranking.first_candidates(probabilities)
        made = ranking.features_of(
            texts, rows, probabilities, groups, first, self.statistics, self.tree
        )
        return probabilities, first, made

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Titles x codes, ranked; rows sum to 1."""
        probabilities, first, made = self.candidates(texts)
        if self.ranker is None:
            return probabilities
        return self.ranker.rerank(probabilities, first, made)

    def rows(self, training: Mapping[str, Any]) -> pa.Table:
        """Rows of the table ``title_model``, but for the ranker's.

        Args:
            training: what it was trained from, kept as JSON.
        """
        names, weights = [], []
        parts: list[str] = []
        ordinals: list[int] = []
        embeddings = np.hstack([self.networks[plan.name].embeddings for plan in NETWORKS])
        start = 0
        for part, (found, frequencies) in self.features.parts().items():
            stop = start + len(found)
            parts += [part] * len(found)
            ordinals += range(len(found))
            names += found
            weights.append(np.hstack([frequencies[:, None], embeddings[start:stop]]))
            start = stop
        flat = [block.ravel() for block in weights]
        sizes = [block.shape[1] for block in weights for _ in range(block.shape[0])]
        for plan in NETWORKS:
            network = self.networks[plan.name]
            classes = self.tree.groups[LEVELS.index(plan.level)]
            block = np.hstack([network.bias[:, None], network.weights.T])
            parts += [f"network:{plan.name}"] * len(classes)
            ordinals += range(len(classes))
            names += classes
            flat.append(block.ravel())
            sizes += [block.shape[1]] * len(classes)
        parts.append("training")
        ordinals.append(0)
        names.append("training")
        sizes.append(0)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        text = [None] * (len(parts) - 1) + [json.dumps(training, sort_keys=True)]
        return pa.Table.from_arrays(
            [
                pa.array(parts),
                pa.array(ordinals, pa.int64()),
                pa.array(names),
                pa.ListArray.from_arrays(
                    pa.array(offsets), pa.array(np.concatenate(flat).astype(np.float32))
                ),
                pa.array(text, pa.string()),
            ],
            schema=arrow_schema(TitleModelTable),
        )

    @classmethod
    def of(
        cls,
        rows: pa.Table,
        lexicon: pa.Table,
        documents: Documents,
        tree: OccupationTree,
        ranker: Ranker,
    ) -> TitleModel:
        """The model that ``rows`` of ``title_model`` hold, trained on all of ``lexicon``."""
        blocks = {}
        for part in ("word", "characters", *(f"network:{plan.name}" for plan in NETWORKS)):
            blocks[part] = _block(rows, part)
        vocabulary = {
            part: (blocks[part][0], blocks[part][1][:, 0]) for part in ("word", "characters")
        }
        networks = {}
        start = 1
        for plan in NETWORKS:
            block = blocks[f"network:{plan.name}"][1]
            own = slice(start, start + plan.width)
            networks[plan.name] = Network(
                np.vstack([blocks["word"][1][:, own], blocks["characters"][1][:, own]]),
                np.ascontiguousarray(block[:, 1:].T),
                np.ascontiguousarray(block[:, 0]),
            )
            start += plan.width
        texts, targets = examples(lexicon, tree)
        features = Features.of(vocabulary)
        statistics = WordStatistics.of(
            texts, features(texts), targets, documents.tasks, documents.official
        )
        return cls(tree, features, networks, statistics, ranker)


def _block(rows: pa.Table, part: str) -> tuple[list[str], Floats]:
    """Names and numbers of one part of a stored model, by their ordinals."""
    found = rows.filter(pc.equal(rows["part"], part))
    ordinals = found["ordinal"].to_numpy()
    names = found["name"].to_pylist()
    numbers = pc.list_flatten(found["weights"]).combine_chunks().to_numpy()
    block = numbers.reshape(len(names), -1)
    if (np.diff(ordinals) > 0).all():
        return names, block
    order = np.argsort(ordinals)
    return [names[place] for place in order], block[order]
