"""Lanes: what stands behind a gate waits and says why, decisions move it on, rework is kept."""

from __future__ import annotations

import copy
import inspect
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.authoring.contracts import canonical
from aina_assets.authoring.lane_steps import GATES, STEPS, TRANSFORMS
from aina_assets.authoring.lane_tables import LaneDocuments
from aina_assets.authoring.lane_units import modules_of, read_storyboards
from aina_assets.authoring.lanes import artefacts_in
from aina_assets.sources.files import SourceFiles
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.authoring import lanes_world
from aina_assets_tests.authoring.drafted import (
    Documents,
    config,
    module,
    request,
)
from aina_assets_tests.authoring.lanes_world import Desk, World, sources, storyboards

CHAPTER = "CH-G4-FR-EQ"
SECOND = f"{CHAPTER}.multiplying-numerator-and-denominator"
THIRD = f"{CHAPTER}.dividing-by-common-factors"
HARD = ("chapter_module_sequence", "module_lo_brief", "reference_applet_screens")
LANE_TABLES = {table_name(model): model for model in TRANSFORMS if issubclass(model, LaneDocuments)}


@cache
def through() -> World:
    """The sample with all that stands at a hard gate approved; not to be run again."""
    return World(approves=HARD)


@cache
def untouched() -> World:
    """The sample without a decision; not to be run again."""
    return World()


def document(row: Documents) -> Documents:
    found: Documents = json.loads(row["document"])
    return found


def titles(world: World) -> list[str]:
    row = world.current("ch_research_derive_module_sequence", CHAPTER)
    return [entry["module_title"] for entry in document(row)["module_sequence"]]


def units(world: World, table: str) -> list[str]:
    return [row["unit_id"] for row in world.rows(table) if row["is_current"]]


def planned(world: World) -> list[str]:
    """Ids of the modules of the chapter's sequence, in its order."""
    sequence = document(world.current("ch_research_derive_module_sequence", CHAPTER))
    return [unit for unit, _ in modules_of(CHAPTER, sequence)]


# ------------------------------------------------------------------------------------- the wiring


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_is_given_all_that_its_lane_says_it_reads(step: Any) -> None:
    (said,) = (
        one
        for one in config().lane_by_name[step.lane].steps
        if one.step == step.step and step.contract in (*one.makes, *config().makes(step.lane, one))
    )
    reads = {
        name
        for name in config().reads(step.lane, said)
        if not (name in config().artefacts and config().artefacts[name].is_optional)
    }
    given: set[str] = set()
    for table in step.reads:
        for row in through().rows(table):
            if row["status"] == "made":
                given |= set(artefacts_in(row))
    # Made out of the blueprint, for the one placement.
    given |= {"module_placeholder"} if step.step == "extract_applet_summary" else set()
    # That there is one is what counts.
    given |= {"blueprint_spine", "enrichment_concepts"} if step.step == "pace" else set()
    assert reads <= given, step.name


def test_every_step_of_every_lane_has_its_table() -> None:
    made = {(row["lane"], row["step"]) for name in LANE_TABLES for row in through().rows(name)}
    there = {
        (lane.lane, step.step)
        for lane in config().flow.lanes
        for step in lane.steps
        if step.kind not in ("gate", "operation", "render") and step.step != "kb_write_agent"
    }
    assert made - {("ch_research", "finalize_chapter_researcher")} == there
    assert {gate for gate, *_ in GATES.items()} == {
        step.step for lane in config().flow.lanes for step in lane.steps if step.kind == "gate"
    }


def test_rows_come_from_tables_that_the_function_takes() -> None:
    for model, function in TRANSFORMS.items():
        taken = set(inspect.signature(function).parameters)
        assert {parent.table for parent in model.__parents__} <= taken, table_name(model)


# ---------------------------------------------------------------------------------------- waiting


def test_a_chapter_stops_at_its_first_hard_gate_and_says_where() -> None:
    world = untouched()
    for name in ("research_deep", "finalize_chapter_researcher"):
        (row,) = world.rows(f"ch_research_{name}")
        assert (row["status"], row["document"], row["maker"]) == ("waiting", None, None)
        assert "hard gate chapter_module_sequence is pending" in row["reason"]
        assert CHAPTER in row["reason"]
    assert units(world, "mod_review_module_intake") == []
    assert world.subject("chapter_module_sequence", CHAPTER)["subject_kind"] == "module_sequence"
    assert world.tables["ch_research_kb_write_agent"].num_rows == 0


def test_a_soft_gate_lets_pass_and_says_that_nobody_looked() -> None:
    row = untouched().current("ch_research_derive_module_sequence", CHAPTER)
    assert (row["status"], row["reason"]) == ("made", "passed chapter_lo_brief unreviewed")
    desk = Desk()
    desk.decide(untouched().subject("chapter_lo_brief", CHAPTER), "approve")
    row = World(desk=desk).current("ch_research_derive_module_sequence", CHAPTER)
    assert (row["status"], row["reason"]) == ("made", None)


@pytest.mark.parametrize(("verdict", "state"), [("hold", "held"), ("reject", "rejected")])
def test_an_objection_closes_a_soft_gate(verdict: str, state: str) -> None:
    desk = Desk()
    desk.decide(untouched().subject("chapter_lo_brief", CHAPTER), verdict)
    row = World(desk=desk).current("ch_research_derive_module_sequence", CHAPTER)
    assert row["status"] == "waiting"
    assert f"soft gate chapter_lo_brief is {state}" in row["reason"]


def test_decisions_lead_on_to_the_next_gate() -> None:
    world = World(approves=["chapter_module_sequence"])
    assert len(units(world, "mod_review_module_intake")) == len(titles(world))
    assert {row["status"] for row in world.rows("mod_review_compile_module_brief")} == {"made"}
    for row in world.rows("mod_review_compile_review"):
        assert row["status"] == "waiting"
        assert f"module_lo_brief is pending for {row['unit_id']}" in row["reason"]
    world.desk.decide(world.subject("module_lo_brief", SECOND), "approve")
    world.run()
    assert world.current("mod_review_compile_review", SECOND)["status"] == "made"
    assert world.current("mod_review_compile_review", THIRD)["status"] == "waiting"


def test_reports_end_the_lanes() -> None:
    world = through()
    for lane, count in (("mod_review", len(titles(world))), ("app_review", 2)):
        rows = world.rows(f"{lane}_compile_review")
        assert [row["status"] for row in rows] == ["made"] * count
        for row in rows:
            report = document(row)
            assert (row["contract"], row["maker"]) == ("review_report", "code")
            assert report["verdict"] == "not_fully_assessed"
            assert {one.partition(":")[0] for one in report["not_assessed"]} <= set("DLPX")
            assert not set("DLPX") & set(report["not_assessed"])
            assert [one["domain"] for one in report["domains"]] == ["D", "L", "P", "X"]
            assert report["texts"]["summary_blurb"]
            assert report["traces"]
    gates = {one["id"]: one["state"] for one in document(rows[0])["gates"]}
    assert "not_shown" not in gates.values()


def test_the_lesson_is_known_to_whoever_scores() -> None:
    report = document(through().current("mod_review_compile_review", THIRD))
    states = {one["id"]: one["state"] for one in report["gates"]}
    assert states["module_minutes_fit"] == "pass"
    assert states["module_neighbours_respected"] == "pass"


def test_a_module_is_drafted_as_step_by_step() -> None:
    (_, second, *_) = planned(through())
    by_hand = module(2)
    for step, name in (
        ("derive_module_lo", "derive_module_lo"),
        ("compile_module_brief", "module_lo_brief_enriched"),
        ("pace", "pacing_state"),
        ("compile_blueprint", "build_module_blueprint"),
    ):
        assert document(through().current(f"mod_review_{step}", second)) == by_hand[name], step


# ----------------------------------------------------------------------------------------- rework


def at_sequence(*edits: str) -> World:
    """The sample after these edits of its sequence, with what came of them approved."""
    desk = Desk()
    desk.decide(untouched().subject("chapter_module_sequence", CHAPTER), "revise", *edits)
    return World(desk=desk, approves=["chapter_module_sequence"])


def test_a_rework_makes_a_version_and_keeps_the_one_before() -> None:
    desk = Desk()
    approved = desk.decide(untouched().subject("chapter_module_sequence", CHAPTER), "approve")
    asked = desk.decide(
        untouched().subject("chapter_module_sequence", CHAPTER),
        "revise",
        'rework: replace "Common denominators" by "Denominators in common"',
        reviewer="kim",
    )
    world = World(desk=desk)
    first, second = world.rows("ch_research_derive_module_sequence")
    assert (
        first["document"] == untouched().rows("ch_research_derive_module_sequence")[0]["document"]
    )
    assert (first["version"], first["is_current"], first["decision_id"]) == (1, False, None)
    assert (second["version"], second["is_current"], second["decision_id"]) == (2, True, asked)
    assert "asked for by kim" in second["reason"]
    assert "Denominators in common" in titles(world)
    # The approval was of version 1: it counts for nothing now.
    row = world.current("ch_research_research_deep", CHAPTER)
    assert row["status"] == "waiting"
    assert "chapter_module_sequence is stale" in row["reason"]
    assert approved not in row["reason"]
    world.desk.decide(world.subject("chapter_module_sequence", CHAPTER), "approve")
    world.run()
    assert world.current("ch_research_research_deep", CHAPTER)["status"] == "made"


def test_a_rework_of_a_rework_and_several_edits_at_once() -> None:
    world = at_sequence("merge_modules 1, 2: one lesson", "insert_module after 1: Practice of both")
    assert [row["version"] for row in world.rows("ch_research_derive_module_sequence")] == [1, 2]
    desk = Desk()
    desk.rows = [row for row in world.desk.rows if row["verdict"] == "revise"]
    desk.decide(
        world.subject("chapter_module_sequence", CHAPTER), "revise", "split_module 1: in two"
    )
    world = World(desk=desk)
    rows = world.rows("ch_research_derive_module_sequence")
    assert [(row["version"], row["is_current"]) for row in rows] == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip


def test_a_rework_that_changes_nothing_is_decided_on_anew() -> None:
    """The same words asked for again must not lead round and round."""
    desk = Desk()
    edit = 'refine_entry module_sequence 1: replace "no such words" by "others"'
    for _ in range(3):
        world = World(desk=desk)
        desk.decide(world.subject("chapter_module_sequence", CHAPTER), "revise", edit)
    world = World(desk=desk)
    rows = world.rows("ch_research_derive_module_sequence")
    assert [row["version"] for row in rows] == [1, 2, 3, 4]
    assert len({row["decision_id"] for row in rows}) == 4


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        ("merge_modules 4, 6: one comparison", -1),
        ("split_module 7: three fractions first", 1),
        ("insert_module after 2: Practice of generating", 1),
        ("refine_module 3: rename it to 'Joining parts'", 0),
    ],
)
def test_operations_on_modules_change_the_modules_of_the_next_lane(edit: str, change: int) -> None:
    before = through()
    world = at_sequence(edit)
    assert len(titles(world)) == len(titles(before)) + change
    found = units(world, "mod_review_module_intake")
    assert sorted(found) == sorted(planned(world))
    assert set(found) != set(planned(before))
    assert {row["status"] for row in world.rows("mod_review_compile_module_brief")} == {"made"}


def test_what_was_decided_on_a_module_holds_when_others_are_inserted() -> None:
    """A synthesis is about its own module: an insertion elsewhere leaves it as it was."""
    found = planned(through())
    moved = planned(at_sequence("insert_module after 2: Practice of generating"))
    assert [unit for unit in moved if unit in found] == found


def test_a_rework_of_a_brief_runs_what_derived_it_and_compiles_it_again() -> None:
    world = World(approves=["chapter_module_sequence"])
    statement = document(world.current("mod_review_derive_module_lo", SECOND))["module_lo"]
    desk = world.desk
    desk.decide(
        world.subject("module_lo_brief", SECOND),
        "revise",
        f'rework: replace "{statement}" by "Generate equivalent fractions by multiplying"',
    )
    world.run()
    rows = world.rows("mod_review_compile_module_brief", SECOND)
    assert [(row["version"], row["is_current"]) for row in rows] == [(1, False), (2, True)]
    assert rows[1]["decision_id"] == desk.rows[-1]["decision_id"]
    derived = document(rows[1])["derived"]
    assert derived["module_lo"] == "Generate equivalent fractions by multiplying"
    desk.decide(world.subject("module_lo_brief", SECOND), "approve")
    world.run()
    synthesis = document(world.current("mod_review_research_deep", SECOND))
    assert synthesis["lo"] == derived["module_lo"]


def test_one_slide_is_rewritten_and_all_others_stay() -> None:
    desk = Desk()
    desk.rows = list(through().desk.rows)
    edit = 'refine_entry slides 3: replace "the" by "this"'
    desk.decide(through().subject("reference_module_blueprint", SECOND), "revise", edit)
    world = World(desk=desk)
    first, second = (
        document(row)["slides"] for row in world.rows("mod_review_compile_blueprint", SECOND)
    )
    assert [one for one, other in zip(first, second, strict=True) if one != other] == [first[2]]
    assert all(slide["asset_context_role"] for slide in second)
    row = world.current("mod_review_score_gates", SECOND)
    assert row["status"] == "made"
    assert "reference_module_blueprint unreviewed" in row["reason"]


@pytest.mark.parametrize(
    ("edit", "status", "told"),
    [
        ("split_module: which", "failed", "an operation with its entries"),
        ("refine_entry no_such_array 1: words", "failed", "no_such_array"),
        ("refine_entry module_sequence 99: words", "failed", "IndexError"),
        ("merge_modules 1, 99: words", "failed", "99"),
    ],
)
def test_a_rework_that_comes_to_nothing_leaves_the_version_before(
    edit: str, status: str, told: str
) -> None:
    desk = Desk()
    desk.decide(untouched().subject("chapter_module_sequence", CHAPTER), "revise", edit)
    world = World(desk=desk)
    first, second = world.rows("ch_research_derive_module_sequence")
    assert (first["is_current"], second["is_current"]) == (True, False)
    assert (second["status"], second["document"]) == (status, None)
    assert told in second["reason"]
    # The objection stands till its reviewer takes it back, or asks for something that can be done.
    waits = world.current("ch_research_research_deep", CHAPTER)["reason"]
    assert "chapter_module_sequence is revise" in waits
    desk.decide(world.subject("chapter_module_sequence", CHAPTER), "approve")
    world.run()
    (only,) = world.rows("ch_research_derive_module_sequence")
    assert only["version"] == 1
    assert world.current("ch_research_research_deep", CHAPTER)["status"] == "made"


def test_operations_on_modules_belong_to_sequences() -> None:
    desk = Desk()
    desk.decide(untouched().subject("chapter_lo_brief", CHAPTER), "revise", "split_module 1: words")
    _, second = World(desk=desk).rows("ch_research_derive_lo_brief")
    assert second["status"] == "failed"
    assert "split_module is for sequences" in second["reason"]


def test_a_decision_on_a_digest_that_nothing_has_does_nothing() -> None:
    desk = Desk()
    subject = untouched().subject("chapter_module_sequence", CHAPTER)
    desk.decide(subject | {"subject_digest": "0" * 64}, "revise", "rework: all of it")
    world = World(desk=desk)
    (row,) = world.rows("ch_research_derive_module_sequence")
    assert row["version"] == 1
    assert "is stale" in world.current("ch_research_research_deep", CHAPTER)["reason"]


def test_a_reject_prevails_over_a_rework() -> None:
    desk = Desk()
    subject = untouched().subject("chapter_module_sequence", CHAPTER)
    desk.decide(subject, "revise", "rework: all of it")
    desk.decide(subject, "reject", reviewer="kim")
    world = World(desk=desk)
    assert len(world.rows("ch_research_derive_module_sequence")) == 1
    assert "is rejected" in world.current("ch_research_research_deep", CHAPTER)["reason"]


# ---------------------------------------------------------------------------------------- applets


def test_applets_are_as_many_as_the_chapter_wants_in_the_order_of_modules() -> None:
    assert set(units(through(), "app_review_applet_intake")) == {f"{SECOND}.A1", f"{THIRD}.A1"}
    wants_none = World(sources([request() | {"applets_wanted": 0}]), approves=HARD)
    assert units(wants_none, "app_review_applet_intake") == []


def test_a_placement_waits_for_modules_before_it() -> None:
    world = World(approves=["chapter_module_sequence"])
    world.desk.decide(world.subject("module_lo_brief", THIRD), "approve")
    world.run()
    row = world.current("app_review_applet_intake", f"{THIRD}.A1")
    assert row["status"] == "waiting"
    assert f"{planned(world)[0]} comes before it" in row["reason"]


def test_what_is_written_back_reaches_the_next_lane() -> None:
    world = through()
    assert world.tables["ch_research_kb_write_agent"].num_rows > 0
    assert {row["unit_id"] for row in world.tables["mod_review_kb_write_agent"].to_pylist()} == set(
        units(world, "mod_review_module_intake")
    )
    desk = Desk()
    desk.rows = list(world.desk.rows)
    desk.decide(world.subject("module_kb_synthesis", SECOND), "hold")
    held = World(desk=desk)
    written = {row["unit_id"] for row in held.tables["mod_review_kb_write_agent"].to_pylist()}
    assert SECOND not in written
    assert held.current("mod_review_build_spine", SECOND)["status"] == "waiting"


# --------------------------------------------------------------------------------- faults of a unit


def test_a_chapter_that_cannot_be_joined_stops_alone() -> None:
    other = copy.deepcopy(request()) | {"chapter_id": "CH-OTHER"}
    other["textbook"]["chapters"] = [{"textbook_ref_id": "TXB-NONE"}]
    given = sources([request(), other])
    # A passage that treats a code which the base does not have.
    passages = given["kb_textbook_references"].to_pylist()
    passages.append(passages[0] | {"textbook_ref_id": "TXB-NONE", "lo_codes": ["NO.SUCH"]})
    given["kb_textbook_references"] = pa.Table.from_pylist(
        passages, schema=given["kb_textbook_references"].schema
    )
    world = World(given)
    joined = world.current("ch_research_join_curriculum", "CH-OTHER")
    assert joined["status"] == "failed"
    assert "NO.SUCH" in joined["reason"]
    assert world.current("ch_research_derive_lo_brief", CHAPTER)["status"] == "made"
    brief = world.current("ch_research_derive_lo_brief", "CH-OTHER")
    assert brief["status"] == "waiting"
    assert "ch_research_join_curriculum failed" in brief["reason"]
    assert "NO.SUCH" in brief["reason"]


def test_a_storyboard_is_summed_up_in_its_modules_review(tmp_path: Any) -> None:
    world = through()
    row = world.current("mod_review_extract_applet_summary", THIRD)
    summary = document(row)
    assert summary["alignment"]["same_lo"] == "yes"
    reports = {
        row["unit_id"]: document(row)["applet_summary"]
        for row in world.rows("mod_review_compile_review")
    }
    assert reports.pop(THIRD) == summary
    assert set(reports.values()) == {None}

    damaged = tmp_path / f"{THIRD}.pptx"
    damaged.write_bytes(b"no storyboard")
    stranger = tmp_path / f"{CHAPTER}.no-such-module.pptx"
    stranger.write_bytes(b"no matter")
    (real,) = storyboards().files
    files = [
        replace(real, local_path=path, path=path.name, sha256=sha256_of_file(path)[0])
        for path in (damaged, stranger)
    ]
    found = read_storyboards(
        world.tables["mod_review_module_intake"],
        SourceFiles("authoring_storyboards", tuple(files)),
    ).to_pylist()
    assert [(row["unit_id"], row["status"]) for row in found] == [
        (THIRD, "failed"),
        (f"{CHAPTER}.no-such-module", "waiting"),
    ]
    assert "PPTX" in found[0]["reason"]


def test_rows_repeat_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_world, "_MADE", {})
    again = World(desk=through().desk)
    for name, table in through().tables.items():
        assert table.equals(again.tables[name]), name


def test_documents_are_canonical() -> None:
    for name in LANE_TABLES:
        for row in through().rows(name):
            if row["document"] is not None:
                assert canonical(json.loads(row["document"])) == row["document"]
