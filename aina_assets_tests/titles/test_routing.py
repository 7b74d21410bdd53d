"""Routing: every title gets one tier, nothing is claimed that the evidence does not carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.titles.decisions import Bar, Bars
from aina_assets.titles.explain import explain
from aina_assets.titles.routing import ROUTE_SCHEMA, Router
from aina_assets.titles.vocabulary import LEVELS, LOOKUP_RUNGS, RUNGS
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.store import Store

Frames = dict[str, pa.Table]
DETAILED = ("onet_soc", "detailed")


def rows(router: Router, titles: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = router.route(titles).to_pylist()
    return found


def is_supported(router: Router, row: dict[str, Any]) -> bool:
    """Whether the bar of the rung at the level the row is served at is cleared by its score."""
    (answer,) = router.answerer(router.answerer.normaliser([row["title"]]))
    depth = LEVELS.index(row["code_level"])
    scores = answer.model_scores if row["rung"] == "model" else answer.scores
    return router.bars.clears(row["rung"], row["code_level"], scores[depth])


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
@settings(max_examples=60)
def test_any_text_is_routed_and_never_beyond_its_evidence(
    router: Router, titles: list[str]
) -> None:
    found = rows(router, titles)

    assert [row["title"] for row in found] == titles
    for row in found:
        assert row["reasons"]
        if row["code"] is None:
            assert (row["code_level"], row["confidence"]) == ("none", 0.0)
            assert row["service_tier"] in {"multi_llm_adjudication_required", "exclude_or_not_icp"}
        else:
            assert is_supported(router, row)


def test_with_no_bar_cleared_nothing_is_served(router: Router, store: Store) -> None:
    closed = {(rung, level): Bar(None, 0.0) for rung in RUNGS for level in LEVELS}
    shut = dataclasses.replace(router, bars=Bars(closed, router.bars.curves))
    titles = store.read("title_rows")["title"].to_pylist()[:500]

    found = rows(shut, titles)

    assert {row["code"] for row in found} == {None}
    assert {row["fallback_tier"] for row in found} == {"unresolved"}


def test_where_known_titles_are_not_served_the_model_is_asked(router: Router) -> None:
    """Aliases shut, the model open: what it then serves bears its own score, not look-up's."""
    bars = {(rung, level): Bar(None, 0.0) for rung in RUNGS for level in LEVELS}
    bars |= {("model", level): Bar(0.0, 0.9) for level in LEVELS}
    only_model = dataclasses.replace(router, bars=Bars(bars, router.bars.curves))
    title = "Accountants and Auditors"
    (settled,) = rows(router, [title])
    assert settled["rung"] == "exact"
    assert explain(router, title)["model"] == []

    (found,) = rows(only_model, [title])

    assert found["rung"] == "model"
    assert "statistical_match" in found["reasons"]
    said = {item["level"]: item["score"] for item in explain(only_model, title)["model"]}
    assert 0 < said[found["code_level"]] < 1
    curve = router.bars.curves[found["code_level"]]
    assert found["confidence"] == pytest.approx(
        curve(np.array([said[found["code_level"]]]))[0], abs=1e-4
    )


def test_an_ambiguous_title_is_never_settled(router: Router, tables: Frames) -> None:
    """Every known title that names several occupations is served where they meet, or not at all."""
    lexicon = tables["title_lexicon"]
    codes: dict[str, set[str]] = {}
    said: dict[str, str] = {}
    for row in lexicon.to_pylist():
        codes.setdefault(row["title_key"], set()).add(row["code"])
        said.setdefault(row["title_key"], row["title"])
    # An occupation's own name, also in the singular, is its own.
    own = lexicon.filter(pc.equal(lexicon["origin"], "occupation"))
    official = {*own["title_key"].to_pylist(), *own["expanded_key"].to_pylist()}
    ambiguous = {
        key
        for key, found in codes.items()
        if len({code[:7] for code in found}) > 1 and key not in official
    }
    assert len(ambiguous) >= 10, "the sample has ambiguous titles"

    for row in rows(router, [said[key] for key in sorted(ambiguous)]):
        named = codes[row["title_key"]]
        assert row["code_level"] not in DETAILED
        assert row["service_tier"] != "serve_now"
        if row["code"] is not None:
            depth = LEVELS.index(row["code_level"])
            assert {router.tree.ancestors[code][depth] for code in named} == {row["code"]}
        elif row["service_tier"] == "multi_llm_adjudication_required":
            candidates = {item["code"] for item in row["candidates"]}
            assert candidates & {code[:7] for code in named}


def test_even_a_certain_model_does_not_settle_it(router: Router, tables: Frames) -> None:
    """With every bar at zero the model may serve anything; but not below where the codes part."""
    wide = {(rung, level): Bar(0.0, 1.0) for rung in RUNGS for level in LEVELS}
    open_router = dataclasses.replace(router, bars=Bars(wide, router.bars.curves))
    lexicon = tables["title_lexicon"]
    codes: dict[str, set[str]] = {}
    for row in lexicon.to_pylist():
        codes.setdefault(row["title_key"], set()).add(row["code"])

    for row in rows(open_router, lexicon["title"].to_pylist()):
        if row["rung"] in LOOKUP_RUNGS[1:] and len(codes[row["title_key"]]) > 1:
            depth = LEVELS.index(row["code_level"])
            above = {router.tree.ancestors[code][depth] for code in codes[row["title_key"]]}
            assert above - {None} == {row["code"]}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_same_answer_in_any_company(router: Router, store: Store, size: int) -> None:
    titles = store.read("title_rows")["title"].to_pylist()[:300]
    whole = router.route(titles)

    parts = [router.route(titles[start : start + size]) for start in range(0, 300, size)]

    assert digest_of_table(pa.Table.from_batches(parts)) == digest_of_table(
        pa.Table.from_batches([whole])
    )


def test_no_titles_are_no_rows(router: Router) -> None:
    assert router.route([]).schema == ROUTE_SCHEMA
    assert router.route([]).num_rows == 0


Expected = Callable[[dict[str, Any]], bool]


def served(code: str) -> Expected:
    return lambda row: (
        row["service_tier"] in {"serve_now", "serve_with_fallback"}
        and str(row["code"]).startswith(code)
    )


def excluded(reason: str) -> Expected:
    return lambda row: (
        row["service_tier"] == "exclude_or_not_icp" and reason in " ".join(row["reasons"])
    )


def not_excluded(row: dict[str, Any]) -> bool:
    return bool(row["service_tier"] != "exclude_or_not_icp")


GOLDEN: dict[str, Expected] = {
    # Operators, founders, professionals of the beta families.
    "Marketing Managers": served("11-2021"),
    "Chief Executives": served("11-1011"),
    "General and Operations Managers": served("11-1021"),
    "Sales Managers": served("11-2022"),
    "Advertising and Promotions Managers": served("11-2011"),
    "Founder & CEO": not_excluded,
    "Founder": not_excluded,
    "Solopreneur": not_excluded,
    "Revenue Operations Manager": not_excluded,
    "Paid Media Manager": not_excluded,
    # Beginners are served like anyone else.
    "Marketing Intern": not_excluded,
    "Junior Marketing Coordinator": not_excluded,
    "Entry Level SDR": not_excluded,
    # People who no longer, or do not yet, do the work.
    "Retired accountant": excluded("excluded_title:"),
    "Retired, former VP of Sales": excluded("excluded_title:"),
    "Student": excluded("excluded_title:"),
    "n/a": excluded("excluded_title:"),
    "12345": excluded("excluded_title:"),
    # Alike in words only.
    "Retirement Plan Consultant": not_excluded,
    "Student Affairs Director": not_excluded,
}


@pytest.mark.parametrize("title", GOLDEN)
def test_the_beta_golden_list(router: Router, title: str) -> None:
    (row,) = rows(router, [title])

    assert GOLDEN[title](row), row


def test_every_row_of_the_universe_is_accounted_for(store: Store) -> None:
    universe, coverage = store.read("title_rows"), store.read("title_coverage")

    keys = ["title_list", "source_row", "title"]
    order = [(key, "ascending") for key in keys]
    assert coverage.select(keys).sort_by(order).equals(universe.select(keys).sort_by(order))
    assert coverage["service_tier"].null_count == 0


def test_all_four_tiers_occur(store: Store) -> None:
    found = set(store.read("title_coverage")["service_tier"].to_pylist())

    assert found == {
        "serve_now",
        "serve_with_fallback",
        "multi_llm_adjudication_required",
        "exclude_or_not_icp",
    }


def test_an_exclusion_always_names_its_rule(store: Store) -> None:
    for row in store.read("title_coverage").to_pylist():
        if row["service_tier"] == "exclude_or_not_icp":
            assert any(ref.startswith("authored/icp#") for ref in row["source_refs"])


def test_a_statistical_match_says_so(store: Store) -> None:
    for row in store.read("title_coverage").to_pylist():
        is_model = row["rung"] == "model"
        assert ("statistical_match" in row["reasons"]) == is_model
        if is_model:
            assert row["fallback_tier"] in {"function", "archetype"}
            assert row["service_tier"] != "serve_now"


def test_codes_that_part_share_only_what_is_above_them(router: Router) -> None:
    tree = router.tree
    onet = tree.codes[0]
    detailed, major = tree.above[0][1], tree.above[0][4]
    elsewhere = next(line[1] for line in tree.above if line[4] != major)

    assert tree.common([onet, detailed]) == tree.above[0]
    assert tree.common([detailed]) == (None, *tree.above[0][1:])
    assert tree.common([onet, elsewhere]) == (None,) * 5
    assert tree.common([onet, "99-9999"]) == (None,) * 5
