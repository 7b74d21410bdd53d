"""Reviews in figures, and approved modules as candidates for the curriculum."""

from __future__ import annotations

import inspect
import json
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.authoring import bridge
from aina_assets.authoring.bridge_tables import (
    AuthoringReviews,
    CurriculumCandidates,
    CurriculumEntries,
)
from aina_assets.authoring.lane_steps import GATES
from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.warehouse.gate import judge
from aina_assets_tests.authoring.drafted import rules
from aina_assets_tests.authoring.lanes_world import Desk, World, gates


@cache
def approved() -> World:
    """Every gate approved."""
    return World(approves=GATES)


@cache
def unreviewed() -> World:
    """Soft gates passed unreviewed."""
    return World(approves=[gate.id for gate in gates().gates if gate.strictness == "hard"])


def made(function: Any, model: Any, world: World, **more: Any) -> pa.Table:
    given = {"review_gates": gates(), "authoring_rules": rules(), **more}
    for name in inspect.signature(function).parameters:
        if name not in given:
            is_slice = name.endswith("_decisions")
            given[name] = (
                world.desk.slice_of(name.removesuffix("_decisions"))
                if is_slice
                else world.tables[name]
            )
    names = inspect.signature(function).parameters
    table = function(**{name: given[name] for name in names})
    failed = [one for one in judge(table, model, ()) if not one.passed]
    assert not failed, failed
    return table


def candidates(world: World) -> pa.Table:
    return made(bridge.curriculum_candidates, CurriculumCandidates, world)


def entries(world: World, desk: Desk) -> list[dict[str, Any]]:
    found = bridge.curriculum_entries(candidates(world), desk.slice_of("curriculum_entry"), gates())
    assert not [one for one in judge(found, CurriculumEntries, ()) if not one.passed]
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def test_every_figure_is_the_reviews_own() -> None:
    world = approved()
    rows = made(bridge.authoring_reviews, AuthoringReviews, world).to_pylist()
    units = {row["unit_id"] for row in world.rows("mod_review_module_intake")}
    units |= {row["unit_id"] for row in world.rows("app_review_applet_intake")}
    assert {row["unit_id"] for row in rows} == units
    for row in rows:
        source = world.current(f"{row['lane']}_compile_review", row["unit_id"])
        report = json.loads(source["document"])
        states = [gate["state"] for gate in report["gates"]]
        assert row["gates_open"] == sum(state in ("fail", "not_shown") for state in states)
        assert row["gates_met"] + row["gates_open"] == len(states)
        totals = [(one["domain"], one["total"]) for one in report["domains"]]
        assert [(one["domain"], one["total"]) for one in row["domains"]] == totals
        assert row["pitfalls_kept"] + row["pitfalls_suspended"] == len(report["pitfalls"])
        for name in ("is_ready", "verdict", "points_assessed", "points_applicable", "not_assessed"):
            assert row[name] == report[name]
        assert row["review_sha256"] == source["document_sha256"]
        assert row["written_by"] == "deterministic_draft"
        assert row["scored_by"] == ["deterministic_draft"]


def test_without_decisions_a_review_waits_and_has_no_figures() -> None:
    rows = made(bridge.authoring_reviews, AuthoringReviews, World()).to_pylist()
    for row in rows:
        assert row["status"] == "waiting"
        assert row["domains"] is None
        assert row["reason"]


def test_an_approved_blueprint_is_a_candidate_and_an_unreviewed_one_is_none() -> None:
    world = approved()
    found = candidates(world)
    modules = world.tables["mod_review_module_intake"]["unit_id"].to_pylist()
    assert sorted(found["subject_key"].to_pylist()) == sorted(set(modules))
    assert unreviewed().current("mod_review_compile_review", modules[0])["status"] == "made"
    assert candidates(unreviewed()).num_rows == 0


def test_a_candidate_says_what_it_brings_and_what_it_lacks() -> None:
    world = approved()
    for row in candidates(world).to_pylist():
        content = json.loads(row["subject_document"])["content"]
        blueprint = json.loads(
            world.current("mod_review_compile_blueprint", row["subject_key"])["document"]
        )
        assert content["outcome"] == blueprint["lo"]
        assert content["minutes"] == sum(slide["minutes"] for slide in blueprint["slides"])
        brought = {slide["slide_no"] for part in content["lesson"].values() for slide in part}
        assert brought <= {slide["slide_no"] for slide in blueprint["slides"]}
        for part, slides in content["lesson"].items():
            assert (f"lesson.{part}" in content["lacks"]) == (not slides)
        lacking = {name for name in content["lacks"] if "." not in name}
        assert lacking <= set(CurriculumModule.model_fields)
        assert {"family", "level", "rubric", "exercise"} <= lacking


def test_a_candidate_enters_by_its_own_gate_alone() -> None:
    world = approved()
    desk = Desk()
    first, second, *_ = candidates(world).to_pylist()
    assert not any(row["is_admitted"] for row in entries(world, desk))
    desk.decide(first, "approve")
    desk.decide(second, "hold")
    by_unit = {row["unit_id"]: row for row in entries(world, desk)}
    assert by_unit[first["subject_key"]]["is_admitted"]
    assert by_unit[second["subject_key"]]["state"] == "held"
    assert [row["unit_id"] for row in by_unit.values() if row["is_admitted"]] == [
        first["subject_key"]
    ]


def test_an_approval_of_what_the_candidate_was_does_not_let_it_in() -> None:
    world = approved()
    desk = Desk()
    (first, *_) = candidates(world).to_pylist()
    desk.decide({**first, "subject_digest": "0" * 64}, "approve")
    (row,) = (row for row in entries(world, desk) if row["unit_id"] == first["subject_key"])
    assert (row["is_admitted"], row["state"]) == (False, "stale")


@pytest.mark.parametrize(
    ("title", "module_id"),
    [
        ("Two Names, One Amount", "two_names_one_amount"),
        ("1/2 and 2/4", "module_1_2_and_2_4"),
        ("x" * 90, "x" * 60),
    ],
)
def test_an_id_is_of_the_curriculums_kind(title: str, module_id: str) -> None:
    assert bridge.module_id_of(title) == module_id
