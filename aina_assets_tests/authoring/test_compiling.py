"""Drift, neighbours, roles, pacing and operations on modules are code's."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aina_assets.authoring.compiling import (
    compile_blueprint,
    compile_module_brief,
    drift_flags,
    reference_faults,
    role_read,
    with_entry,
    with_modules,
)
from aina_assets.authoring.feedback import Feedback
from aina_assets.authoring.pacing import pacing_state, shared_minutes
from aina_assets.contracts.errors import ReviewError
from aina_assets_tests.authoring.drafted import chapter, config, module, rules, runner

Sample = dict[str, Any]


def planned() -> list[Sample]:
    found: list[Sample] = chapter()["derive_module_sequence"]["module_sequence"]
    return copy.deepcopy(found)


def derived(position: int = 2) -> Sample:
    found: Sample = module(position)["derive_module_lo"]
    return copy.deepcopy(found)


def kinds(flags: list[Sample]) -> list[str]:
    return [flag["kind"] for flag in flags]


def flags(changed: Sample, position: int = 2) -> list[Sample]:
    sequence = planned()
    return drift_flags(
        changed,
        sequence[position - 1],
        [sequence[position - 2], sequence[position]],
        rules().bounds,
    )


def test_what_was_derived_as_planned_has_no_flag() -> None:
    assert flags(derived()) == []


def test_word_order_and_case_are_no_drift() -> None:
    same = derived()
    words = same["lo_components"][0]["statement"].split()
    same["lo_components"][0]["statement"] = " ".join([*words[1:], words[0].upper()])
    assert flags(same) == []


def test_a_component_that_was_not_planned_is_flagged_with_both_sides() -> None:
    other = derived()
    gone = other["lo_components"][0]["statement"]
    other["lo_components"][0]["statement"] = "Add decimals with regrouping"
    (flag,) = flags(other)
    assert flag["kind"] == "lo_components_overlap"
    assert flag["planned"] == [gone]
    assert flag["derived"] == ["Add decimals with regrouping"]


def test_a_neighbour_s_component_is_flagged_with_the_neighbour() -> None:
    other = derived()
    theirs = planned()[2]["lo_components"][0]["statement"]
    other["lo_components"].append({"statement": theirs, "bloom_verb": "x", "visual_treatment": ""})
    found = flags(other)
    assert kinds(found) == ["lo_components_overlap", "lo_components_overlap"]
    assert planned()[2]["module_title"] in found[1]["detail"]


def test_type_and_codes_are_compared() -> None:
    other = derived()
    other["content_type"] = "review"
    other["lo_codes"] = ["SMF.4.NF.3"]
    found = flags(other)
    assert kinds(found) == ["content_type_mismatch", "lo_codes_delta"]
    assert (found[1]["planned"], found[1]["derived"]) == (["SMF.4.NF.2"], ["SMF.4.NF.3"])


@pytest.mark.parametrize(
    ("position", "has"), [(1, (False, True)), (4, (True, True)), (7, (True, False))]
)
def test_a_brief_has_its_neighbours_and_is_whole(position: int, has: tuple[bool, bool]) -> None:
    brief = compile_module_brief(derived(position), planned(), position, rules().bounds)
    assert ("predecessor" in brief, "successor" in brief) == has
    assert "derivation_evidence" not in brief["derived"]
    runner().contracts.require("module_lo_brief_enriched", brief)


def test_a_position_that_is_not_in_the_sequence_is_refused() -> None:
    with pytest.raises(ReviewError, match="99"):
        compile_module_brief(derived(), planned(), 99, rules().bounds)


# ---------------------------------------------------------------------------------------- blueprint


def answer(position: int = 3) -> Sample:
    found: Sample = copy.deepcopy(module(position)["build_module_blueprint"])
    for slide in found["slides"]:
        del slide["asset_context_role"]
    return found


def roles(blueprint: Sample) -> dict[int, str]:
    return {
        slide["slide_no"]: slide["asset_context_role"]
        for slide in compile_blueprint(blueprint)["slides"]
    }


def test_every_one_of_the_13_roles_is_given_by_rule_and_no_other() -> None:
    blueprint = answer()
    for number, trope in ((3, "snapshot"), (5, "debate"), (9, "callback")):
        blueprint["slides"][number - 1]["tropes"] = [trope]
    blueprint["video_placements"] = [
        {"slide_no": 12, "purpose": "x", "watch_for": "x", "lead_in_slide": 11,
         "debrief_slide": 13, "seconds": None}
    ]  # fmt: skip
    found = roles(blueprint)
    assert set(found.values()) == set(config().enums["asset_context_role"])
    assert (found[11], found[12], found[13]) == (
        "video_lead_in",
        "video_placement",
        "video_debrief",
    )
    assert (found[3], found[5], found[9]) == ("trope_snapshot", "trope_debate", "trope_callback")


def test_a_placement_goes_before_a_trope_and_a_role_before_a_section() -> None:
    blueprint = answer()
    (place,) = blueprint["applet_placements"]
    blueprint["slides"][place["lead_in_slide"] - 1]["tropes"] = ["debate"]
    blueprint["slides"][-1]["tropes"] = ["callback"]
    found = roles(blueprint)
    assert found[place["lead_in_slide"]] == "applet_lead_in"
    assert found[len(blueprint["slides"])] == "exit_question"


def test_roles_of_older_documents_are_read_and_never_written() -> None:
    legacy = config().enums["asset_context_role_legacy"]
    today = config().enums["asset_context_role"]
    assert {role_read(role) for role in legacy} <= set(today)
    assert all(role_read(role) == role for role in today)


def test_references_to_slides_that_are_not_there_are_named() -> None:
    blueprint = answer()
    assert reference_faults(blueprint) == []
    blueprint["visual_models"][0]["slides"].append(77)
    blueprint["slides"][4]["component_indexes"] = [9]
    blueprint["applet_placements"][0]["debrief_slide"] = 50
    del blueprint["slides"][1]
    found = "; ".join(reference_faults(blueprint))
    for told in (
        "slide 77",
        "components [9]",
        "debrief_slide: there is no slide 50",
        "not numbered",
    ):
        assert told in found


# ------------------------------------------------------------------------------------------- pacing


def touched(slides: list[Sample], lesson: int = 45) -> dict[str, list[int]]:
    state = pacing_state(slides, lesson, rules().pacing)
    return {one["guardrail"]: one["slides"] for one in state["touched"]}


def test_a_drafted_module_touches_no_guardrail() -> None:
    slides = answer()["slides"]
    state = pacing_state(slides, 45, rules().pacing)
    assert state["touched"] == []
    assert state["minutes_so_far"] == sum(slide["minutes"] for slide in slides)


def test_guardrails_name_the_slides_that_touch_them() -> None:
    slides = answer()["slides"]
    slides[2]["minutes"] = 30
    slides[3]["minutes"] = 0
    for slide in slides[4:8]:
        slide["student_action"] = "Watch the teacher."
    found = touched(slides)
    assert found["slide_too_long"] == [3]
    assert found["no_minutes"] == [4]
    assert found["passive_run"] == [5, 6, 7, 8]
    assert "over_the_lesson" in found
    assert "under_the_lesson" in touched(answer()["slides"], lesson=90)


@pytest.mark.parametrize("count", [12, 16, 20, 60])
def test_minutes_are_whole_at_least_one_and_fill_the_plan(count: int) -> None:
    names = ["hook", *["guided_practice"] * (count - 2), "applet_placeholder"]
    minutes = shared_minutes(names, 45, rules().pacing)
    assert min(minutes) >= 1
    assert sum(minutes) == max(count, int(rules().pacing.planned_share * 45))


# --------------------------------------------------------------------------------------- operations


def sequence() -> Sample:
    found: Sample = chapter()["derive_module_sequence"]
    return copy.deepcopy(found)


def titles(document: Sample) -> list[str]:
    return [entry["module_title"] for entry in document["module_sequence"]]


def operated(text: str) -> Sample:
    output = runner().run(
        "derive_module_sequence", "ch_research", chapter(), Feedback.parse(text), sequence()
    )
    assert output.status == "made", output.reason
    found = output.value
    runner().contracts.require("derive_module_sequence", found)
    positions = [entry["position"] for entry in found["module_sequence"]]
    assert positions == list(range(1, len(positions) + 1))
    return found


def owner(document: Sample, code: str) -> int | None:
    (row,) = (one for one in document["reconciliation_map"] if one["lo_code"] == code)
    position: int | None = row["position"]
    return position


def test_a_split_leaves_the_others_word_for_word_and_moves_positions_and_owners() -> None:
    before, after = sequence(), operated("split_module 3: two difficulties in one lesson")
    assert len(after["module_sequence"]) == len(before["module_sequence"]) + 1
    assert titles(after)[:2] == titles(before)[:2]
    assert titles(after)[4:] == titles(before)[3:]
    parts = [one["lo_components"] for one in after["module_sequence"][2:4]]
    assert parts[0] + parts[1] == before["module_sequence"][2]["lo_components"]
    assert owner(after, "SMF.4.NF.3") == 4
    assert owner(after, "SMF.4.NF.7") == 8


def test_a_merge_keeps_every_component_and_flags_what_is_too_much() -> None:
    before, after = sequence(), operated("merge_modules 1, 2: one lesson")
    merged = after["module_sequence"][0]
    assert len(after["module_sequence"]) == len(before["module_sequence"]) - 1
    assert merged["lo_components"] == [
        part for one in before["module_sequence"][:2] for part in one["lo_components"]
    ]
    assert any(flag.startswith("constraint_not_met") for flag in merged["flags"])
    assert owner(after, "SMF.4.NF.2") == 1


@pytest.mark.parametrize(("after_which", "place"), [(0, 1), (3, 4), (7, 8)])
def test_an_inserted_module_stands_where_it_was_asked_for(after_which: int, place: int) -> None:
    before = sequence()
    after = operated(f"insert_module after {after_which}: Mixed practice of comparing")
    assert titles(after)[place - 1] == "Mixed practice of comparing"
    assert [one for one in titles(after) if one != "Mixed practice of comparing"] == titles(before)
    assert owner(after, "SMF.4.NF.7") == (7 if place > 7 else 8)


def test_a_refined_module_says_what_was_asked() -> None:
    after = operated('refine_module 4: call it "Same size of parts, same number of parts"')
    assert titles(after)[3] == "Same size of parts, same number of parts"
    assert titles(after)[4] == titles(sequence())[4]


def test_a_position_that_is_not_there_fails_by_name() -> None:
    with pytest.raises(ReviewError, match="positions"):
        with_modules(sequence(), "split", [12], [{}])
    with pytest.raises(ReviewError, match="slides 99"):
        with_entry(answer(), "slides", 99, {})
    output = runner().run(
        "derive_module_sequence",
        "ch_research",
        chapter(),
        Feedback.parse("split_module 12: x"),
        sequence(),
    )
    assert output.status == "failed"
    assert output.document is None


@pytest.mark.parametrize(
    "text",
    ["split_module: no number", "merge_modules 1: one", "refine_entry 3: what", "split_module 2:"],
)
def test_an_operation_without_its_entries_is_refused(text: str) -> None:
    with pytest.raises(ReviewError, match="required edit"):
        Feedback.parse(text)


def test_any_other_text_is_a_rework() -> None:
    assert Feedback.parse("Say more about thirds.") == Feedback("rework", "Say more about thirds.")
    assert Feedback.parse("rework: shorter").text == "shorter"
    entry = Feedback.parse("refine_entry slides 7: shorter text")
    assert (entry.kind, entry.targets, entry.array) == ("refine_entry", (7,), "slides")
