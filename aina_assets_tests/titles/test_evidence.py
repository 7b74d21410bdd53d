"""Evidence is drawn from what was withheld; a fall of precision stops everything after it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from aina_assets.titles.evidence import cases_of
from aina_assets.titles.lexicon import HELD_OUT, RANKING, fold_of, split_key
from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.policy import TitleWords
from aina_assets.titles.tables import TitleModelEvaluation
from aina_assets.titles.thresholds import title_model_evaluation, title_thresholds
from aina_assets.titles.tree import OccupationTree
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.store import Store

Frames = dict[str, pa.Table]


@pytest.fixture(scope="session")
def evidence(store: Store) -> pa.Table:
    return store.read("title_evidence")


def test_inversions_stay_on_one_side_of_the_split() -> None:
    normaliser = Normaliser(TitleWords.load())
    titles = ["Accountant, Tax", "tax accountant", "Tax Accountants", "TAX/ACCOUNTANT"]

    keys = {split_key(normaliser.key(title), normaliser.singular) for title in titles}

    assert keys == {"accountant tax"}
    assert len({fold_of(key) for key in keys}) == 1


def test_what_is_held_out_is_of_its_fold_alone(tables: Frames, evidence: pa.Table) -> None:
    folds: dict[str, set[int]] = {}
    for row in tables["title_lexicon"].to_pylist():
        folds.setdefault(row["title"], set()).add(row["fold"])
    for row in evidence.to_pylist():
        allowed = {
            "held_out": {HELD_OUT},
            "cross_fit": set(RANKING),
        }.get(row["evaluation"], set(range(3, 10)))
        assert folds[row["lexicon_title"]] <= allowed


def test_a_case_has_the_codes_of_all_titles_of_its_words(tables: Frames) -> None:
    tree = OccupationTree.of(tables["occupations"], tables["soc_groups"])
    lexicon = tables["title_lexicon"]
    onet = lexicon.filter(pc.not_equal(lexicon["origin"], "labelled"))
    by_key: dict[str, set[str]] = {}
    for row in onet.to_pylist():
        by_key.setdefault(row["split_key"], set()).add(row["code"])

    cases = cases_of(lexicon, tree, range(10))

    assert len(cases) == len(by_key)
    assert sorted(map(sorted, (case.codes for case in cases))) == sorted(
        map(sorted, by_key.values())
    )


def test_held_out_titles_choose_no_threshold(evidence: pa.Table, tables: Frames) -> None:
    without = evidence.filter(pc.not_equal(evidence["evaluation"], "held_out"))
    lexicon = tables["title_lexicon"]

    assert title_thresholds(without, lexicon).equals(title_thresholds(evidence, lexicon))


def wrong(answers: list[dict[str, object]]) -> list[dict[str, object]]:
    return [answer | {"is_right": False} for answer in answers]


def test_the_check_fails_when_held_out_precision_drops(evidence: pa.Table, tables: Frames) -> None:
    """The bars stand; the same titles, answered wrongly, fail the asset's own check."""
    held_out = [
        row | ({"answers": wrong(row["answers"])} if row["evaluation"] == "held_out" else {})
        for row in evidence.to_pylist()
    ]
    worse = pa.Table.from_pylist(held_out, schema=evidence.schema)

    for frame, passes in ((evidence, True), (worse, False)):
        made = title_model_evaluation(frame, tables["title_thresholds"], tables["title_ranker"])
        findings = {item.rule: item for item in judge(made, TitleModelEvaluation)}
        assert findings["held_out_precision_holds"].passed is passes
    failing = findings["held_out_precision_holds"].sample
    assert all(str(row["measure"]).startswith("held_out.served_precision") for row in failing)
