"""Placing unseen titles: this project's router against three usual ways, on the same titles.

python -m aina_assets_tests.bench.titles --home HOME [--titles N]

``HOME`` is a warehouse in which the mirror was built. The known titles are those outside fold 0,
the titles to place are those of fold 0; nothing else differs between the contenders. Every
contender is given its known titles beforehand; what is timed is placing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import TfidfVectorizer
from upath import UPath

from aina_assets.titles.answers import Answerer
from aina_assets.titles.evidence import Case, Material, cases_of, ranker_of
from aina_assets.titles.lexicon import HELD_OUT, Lexicon
from aina_assets.titles.model import TitleModel
from aina_assets.titles.policy import TitleWords
from aina_assets.warehouse.store import Store

NEIGHBOURS = 10
FUZZY_TITLES = 400
"""RapidFuzz is asked about these alone: all of them would take minutes."""

Codes = list[str | None]
Place = Callable[[Sequence[str]], Codes]


def router(material: Material, known: pa.Table, ranker: pa.Table) -> Place:
    model = TitleModel.trained(known, material.documents, material.tree, ranker_of(ranker))
    normaliser = material.normaliser(known)
    answerer = Answerer(normaliser, Lexicon.of(known), model)

    def place(titles: Sequence[str]) -> Codes:
        return [answer.candidates[0][0] for answer in answerer(normaliser(titles))]

    return place


def nearest(known: pa.Table) -> Place:
    """TF-IDF of words and characters; the codes of the ten nearest vote by similarity."""
    keys = known["title_key"].to_pylist()
    codes = [code[:7] for code in known["code"].to_pylist()]
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    rows = vectoriser.fit_transform(keys).astype(np.float32)

    def place(titles: Sequence[str]) -> Codes:
        found: Codes = []
        for start in range(0, len(titles), 256):
            asked = vectoriser.transform([title.lower() for title in titles[start : start + 256]])
            similar = (asked.astype(np.float32) @ rows.T).toarray()
            best = np.argpartition(-similar, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
            for line, places in zip(similar, best, strict=True):
                votes: dict[str, float] = {}
                for at in sorted(places):
                    votes[codes[at]] = votes.get(codes[at], 0.0) + float(line[at])
                found.append(max(votes, key=votes.__getitem__))
        return found

    return place


def fuzzy(known: pa.Table) -> Place:
    """RapidFuzz: the known title with the highest token sort ratio."""
    keys = known["title_key"].to_pylist()
    codes = [code[:7] for code in known["code"].to_pylist()]

    def place(titles: Sequence[str]) -> Codes:
        return [
            codes[process.extractOne(title.lower(), keys, scorer=fuzz.token_sort_ratio)[2]]
            for title in titles
        ]

    return place


def cascade(material: Material, known: pa.Table) -> Place:
    """DuckDB: joins on ever looser keys, the commonest code of the first that answers."""
    con = duckdb.connect()
    con.register("known", known)
    normaliser = material.normaliser(known)

    def place(titles: Sequence[str]) -> Codes:
        parsed = normaliser(titles)
        con.register("asked", parsed.append_column("n", pa.array(range(len(titles)))))
        rows = con.sql(
            """
            WITH hits AS (
              SELECT n, 1 AS step, left(code, 7) AS code FROM asked JOIN known
                ON title_key = key
              UNION ALL SELECT n, 2, left(code, 7) FROM asked JOIN known
                ON title_key = core_key
              UNION ALL SELECT n, 3, left(code, 7) FROM asked JOIN known
                ON known.expanded_key = asked.expanded_key
              UNION ALL SELECT n, 4, left(code, 7) FROM asked JOIN known
                ON known.expanded_key = asked.inverted_key
              UNION ALL SELECT n, 5, left(code, 7) FROM asked JOIN known
                ON known.sorted_key = asked.sorted_key
              UNION ALL SELECT n, 6, left(code, 7) FROM asked JOIN known
                ON known.expanded_key = asked.level_cut_key
            ), first AS (SELECT n, min(step) AS step FROM hits GROUP BY n)
            SELECT n, code FROM hits JOIN first USING (n, step)
            GROUP BY n, code
            QUALIFY row_number() OVER (PARTITION BY n ORDER BY count(*) DESC, code) = 1
            """
        ).fetchall()
        by_title = dict(rows)
        return [by_title.get(n) for n in range(len(titles))]

    return place


def right_share(found: Codes, cases: Sequence[Case]) -> float:
    hits = [code in case.groups[1] for code, case in zip(found, cases, strict=True)]
    return sum(hits) / len(hits)


def main() -> None:
    """Print a row a contender: SOC-6 accuracy and titles per second of processor time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--titles", type=int, default=0, help="how many; all if not given")
    options = parser.parse_args()
    store = Store(UPath(options.home))
    read = {
        name: store.read(name)
        for name in ("title_lexicon", "occupations", "occupation_tasks", "soc_groups")
    }
    material = Material.of(**read, words=TitleWords.load())
    lexicon = read["title_lexicon"]
    known = lexicon.filter(pc.not_equal(lexicon["fold"], HELD_OUT))
    cases = cases_of(lexicon, material.tree, [HELD_OUT])
    cases = cases[: options.titles or len(cases)]
    contenders: dict[str, tuple[Place, Sequence[Case]]] = {
        "router": (router(material, known, store.read("title_ranker")), cases),
        "TF-IDF kNN": (nearest(known), cases),
        "DuckDB join cascade": (cascade(material, known), cases),
        "RapidFuzz": (fuzzy(known), cases[:: -(-len(cases) // FUZZY_TITLES)]),
    }
    for name, (place, asked) in contenders.items():
        titles = [case.title for case in asked]
        place(titles[:64])
        started = time.process_time()
        found = place(titles)
        seconds = time.process_time() - started
        share = right_share(found, asked)
        print(
            f"{name:<22} {len(titles):>6} titles  SOC-6 {share:.3f}"
            f"  {len(titles) / seconds:>9,.0f} titles a core-second"
        )
    few = contenders["RapidFuzz"][1]
    found = contenders["router"][0]([case.title for case in few])
    print(f"router on the {len(few)} titles of RapidFuzz: SOC-6 {right_share(found, few):.3f}")


if __name__ == "__main__":
    main()
