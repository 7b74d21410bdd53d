"""Affordances: every claim has its evidence, no evidence grants nothing, nobody is written off."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from aina_assets.contracts.work import affordance_packs
from aina_assets.location import all_models
from aina_assets.warehouse.lineage import trace
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.policy import WorkRules, replacement_pattern
from aina_assets.work_graph.tables import ALL_USAGE, CLAIM_COLUMNS, RISK_TIERS


def packs(store: Store) -> dict[str, dict[str, Any]]:
    return {row["workflow_id"]: row for row in store.read("affordances").to_pylist()}


@pytest.mark.parametrize("which", ["sample", "real"])
def test_every_row_is_a_pack(which: str, request: pytest.FixtureRequest) -> None:
    rows = request.getfixturevalue(which).read("affordances").to_pylist()
    assert len(affordance_packs(rows)) == len(rows)


@pytest.mark.parametrize("which", ["sample", "real"])
def test_every_top_workflow_has_one_with_risk_and_checkpoints(
    which: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(which)
    top = {row["workflow_id"] for row in store.read("workflows").to_pylist() if row["is_top"]}
    found = packs(store)
    assert found.keys() == top
    for row in found.values():
        assert row["hitl_checkpoints"]
        assert row["human_owned"]
        assert row["blocks"]
        assert row["risk_tier"] in RISK_TIERS


@pytest.mark.parametrize("which", ["sample", "real"])
def test_every_claim_refers_to_a_row_or_rule_that_is_there(
    which: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(which)
    document = WorkRules.load()
    rules = {
        rule.id for rule in (*document.accountability, *document.capabilities, *document.risks)
    }
    rules |= set(type(document.always).model_fields)
    keys = {
        "economic_index_usage": {
            f"{row['release']}|{row['task_name']}"
            for row in store.read("economic_index_usage").to_pylist()
        },
        "gpts_tasks": {str(key) for key in store.read("gpts_tasks")["task_id"].to_pylist()},
        "gdpval_tasks": set(store.read("gdpval_tasks")["task_id"].to_pylist()),
    }
    for row in packs(store).values():
        for column in CLAIM_COLUMNS:
            for claim in row[column]:
                place, _, rule = claim["evidence_ref"].partition("#")
                if place == "authored/work_rules":
                    assert rule in rules
                else:
                    table, _, key = claim["evidence_ref"].partition(":")
                    assert key in keys[table]


def test_a_grant_stands_on_observed_or_rated_use(real: Store) -> None:
    labels = {
        str(row["task_id"]): (row["model_exposure"], row["human_exposure"])
        for row in real.read("gpts_tasks").to_pylist()
    }
    for row in packs(real).values():
        for claim in row["grants"]:
            table, _, key = claim["evidence_ref"].partition(":")
            assert table in ("economic_index_usage", "gpts_tasks", "gdpval_tasks")
            if table == "gpts_tasks":
                assert "E0" not in labels[key]


def test_no_evidence_says_so_and_grants_nothing(real: Store) -> None:
    silent = [row for row in packs(real).values() if row["evidence_state"] == "no_evidence"]
    assert silent
    unproven = WorkRules.load().always.unproven
    for row in silent:
        assert row["usage_pct"] is None
        assert not row["grants"] + row["tool_patterns"]
        assert unproven in [claim["claim"] for claim in row["blocks"]]


def test_the_mix_is_of_all_usage_and_says_so(real: Store) -> None:
    for row in packs(real).values():
        used = row["usage_pct"] is not None
        assert (row["interaction_basis"] == ALL_USAGE) == used
        assert (row["automation_share_pct"] is not None) == used
        if used:
            assert row["automation_share_pct"] == pytest.approx(42.55, abs=0.01)
            total = row["automation_share_pct"] + row["augmentation_share_pct"]
            assert total == pytest.approx(100)


def test_measures_stay_apart_and_their_disagreement_shows(real: Store) -> None:
    threshold = WorkRules.load().disagreement_rank_spread
    spreads: dict[str, set[float | None]] = defaultdict(set)
    for row in packs(real).values():
        ranks = [
            row[name]
            for name in ("economic_index_exposure", "working_with_ai_exposure", "gpts_exposure")
            if row[name] is not None
        ]
        spread = max(ranks) - min(ranks) if len(ranks) > 1 else None
        assert row["rank_spread"] == (spread if spread is None else pytest.approx(spread))
        assert row["measures_disagree"] == (spread is not None and spread >= threshold)
        spreads[row["role_id"]].add(row["rank_spread"])
    assert {len(found) for found in spreads.values()} == {1}


@pytest.mark.parametrize(
    ("role_id", "tiers"),
    [
        ("29-1141.00", {"high", "critical"}),
        ("29-1215.00", {"high", "critical"}),
        ("23-1011.00", {"high", "critical"}),
    ],
)
def test_regulated_work_is_never_low_risk(real: Store, role_id: str, tiers: set[str]) -> None:
    found = {row["risk_tier"] for row in packs(real).values() if row["role_id"] == role_id}
    assert found <= tiers


def test_deciding_about_people_is_a_high_risk(real: Store) -> None:
    """What marketing managers and HR specialists do with people is theirs to decide."""
    for role_id in ("11-2021.00", "13-1071.00"):
        rows = [row for row in packs(real).values() if row["role_id"] == role_id]
        assert any("r_people_decisions" in row["risk_rules"] for row in rows)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("words", "replacement_wording"):
                yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def test_no_authored_text_says_that_people_are_replaced() -> None:
    pattern = re.compile(replacement_pattern(), re.IGNORECASE)
    assert [text for text in texts(WorkRules.load().model_dump()) if pattern.search(text)] == []


@pytest.mark.parametrize(
    "claim",
    [
        "AI replaces junior accountants, so you need fewer people.",
        "This automates the role away.",
        "Fully automates the workflow.",
        "Cuts headcount in the team.",
        "Eliminates two positions.",
        "You no longer need a copywriter or other staff.",
        "Makes analysts obsolete.",
        "Takes over the jobs of clerks.",
        "Use it instead of hiring.",
        "Workers can be replaced.",
        "Reduces staff by half.",
    ],
)
def test_wording_of_replacement_is_found(claim: str) -> None:
    assert re.search(replacement_pattern(), claim, re.IGNORECASE)


@pytest.mark.parametrize(
    "claim",
    [
        "Replace worn parts of the machine.",
        "Reduces the time to a first draft.",
        "People stay in charge of the result.",
        "Substitute another ingredient.",
        "Remove names before use.",
        "Automate the backup of files.",
    ],
)
def test_ordinary_wording_is_left_alone(claim: str) -> None:
    assert not re.search(replacement_pattern(), claim, re.IGNORECASE)


def test_a_pack_is_walked_back_to_measures_usage_and_rules(sample: Store) -> None:
    row = next(row for row in packs(sample).values() if row["usage_pct"] is not None)
    (traced,) = trace(sample, all_models(), "affordances", row["workflow_id"]).rows
    parents = {parent.table: parent for parent in traced.parents}
    assert parents["workflows"].row_count == 1
    assert parents["exposure_measures"].row_count >= 1
    assert parents["economic_index_interactions"].row_count >= 1
    assert [file.path for file in traced.files] == ["data/work_rules.yaml"]
