"""Each pitfall and each gate has a sample that shows it and one that does not; both are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aina_assets.authoring.config import Pitfalls
from aina_assets_tests.authoring.drafted import (
    applet_input,
    config,
    drafted,
    module,
    module_input,
)

Sample = dict[str, Any]
Change = Callable[[Sample], Any]

APPLET_POSITION = 3
MODULE_WITH_APPLET = 3


def module_sample() -> Sample:
    return module_input(MODULE_WITH_APPLET)


def applet_sample() -> Sample:
    return applet_input(APPLET_POSITION)


def slide(sample: Sample, number: int) -> Sample:
    found: Sample = sample["build_module_blueprint"]["slides"][number - 1]
    return found


def slides_of(sample: Sample, role: str) -> list[Sample]:
    return [one for one in sample["build_module_blueprint"]["slides"] if one["slide_role"] == role]


def blueprint(sample: Sample) -> Sample:
    found: Sample = sample["build_module_blueprint"]
    return found


def applet(sample: Sample) -> Sample:
    found: Sample = sample["build_applet_screens"]
    return found


def screen(sample: Sample, number: int) -> Sample:
    found: Sample = applet(sample)["screens"][number - 1]
    return found


def every_slide_of(sample: Sample, index: int, **changed: Any) -> None:
    for one in blueprint(sample)["slides"]:
        if index in one["component_indexes"]:
            one.update(changed)


def found_pitfalls(scope: str, sample: Sample) -> dict[str, list[int]]:
    lane = "mod_review" if scope == "module" else "app_review"
    result = drafted("scan_design_pitfalls", lane, sample)
    return {one["id"]: one["where"] for one in result["violations"]}


def findings(scope: str, sample: Sample) -> dict[str, str]:
    lane = "mod_review" if scope == "module" else "app_review"
    result = drafted("score_gates", lane, sample)
    return {one["id"]: one["finding"] for one in result["gates"]}


# ---------------------------------------------------------------------------------------- pitfalls


def symbols_first(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        if one["section"] == "development" and one["component_indexes"] == [1]:
            one["cpa_phase"] = "abstract"


def told_first(sample: Sample) -> None:
    (probe, *_) = slides_of(sample, "misconception_probe")
    probe["on_slide_text"] = "The answer is No. Has the amount changed?"
    probe["teacher_action"] = "Ask all. Answer: No."


def picture_without_use(sample: Sample) -> None:
    one = slide(sample, 3)
    one["visual_model_description"] = "A smiling elephant beside the heading."
    one["student_action"] = "Copy the date."
    one["on_slide_text"], one["major_idea_per_slide"] = "Ready?", "Getting going."


def term_and_model_at_once(sample: Sample) -> None:
    named = blueprint(sample)["vocabulary_introduction_plan"][0]["steps"][1]["slide_no"]
    blueprint(sample)["visual_models"][1]["first_slide"] = named


def one_look(sample: Sample) -> None:
    model = blueprint(sample)["visual_models"][0]["vir_id"]
    every_slide_of(
        sample, 0, vir_id=model, variation={"invariant": "the model", "variant": "the numbers"}
    )


def several_change(sample: Sample) -> None:
    slide(sample, 5)["variation"] = {"invariant": "", "variant": "numerator, denominator"}


def trick(sample: Sample) -> None:
    slide(sample, 9)["teacher_action"] = "Show the butterfly: multiply across and compare."


def never_used(sample: Sample) -> None:
    term = blueprint(sample)["vocabulary_introduction_plan"][0]
    term["steps"], term["checked_on"] = term["steps"][:2], []


def red_parts(sample: Sample) -> None:
    slide(sample, 3)["on_slide_text"] = "Look at the red ones. What do they tell?"


def long_text(sample: Sample) -> None:
    slide(sample, 3)["on_slide_text"] = "Here is one more sentence to read. " * 9 + "What stays?"


def nobody_acts(sample: Sample) -> None:
    for number in range(3, 7):
        slide(sample, number)["student_action"] = "Listen to the explanation."


def no_debrief(sample: Sample) -> None:
    (place,) = blueprint(sample)["applet_placements"]
    slide(sample, place["debrief_slide"])["student_action"] = "Pack up the tablets."


def cliff(sample: Sample) -> None:
    slide(sample, 4)["scaffolding_level_per_slide"] = "full"
    slide(sample, 5)["scaffolding_level_per_slide"] = "independent"


def far_key(sample: Sample) -> None:
    slide(sample, 3)["visual_model_description"] += " A legend at the bottom names two shades."


MODULE_PITFALLS: dict[str, Change] = {
    "symbol_before_model": symbols_first,
    "decorative_visual": picture_without_use,
    "answer_before_thinking": told_first,
    "two_new_things": term_and_model_at_once,
    "only_standard_cases": one_look,
    "everything_varies": several_change,
    "trick_instead_of_reason": trick,
    "term_in_passing": never_used,
    "colour_only_meaning": red_parts,
    "wall_of_text": long_text,
    "passive_run": nobody_acts,
    "unframed_applet": no_debrief,
    "scaffold_cliff": cliff,
    "split_attention": far_key,
}


def bare_symbol(sample: Sample) -> None:
    one = screen(sample, 1)
    one["vir_id"], one["student_sees"] = "", "The line 6/8 = 3/4 stands in the middle."


def elephant(sample: Sample) -> None:
    one = screen(sample, 3)
    one["visual_model_description"] = "A smiling elephant holds a balloon."


def result_first(sample: Sample) -> None:
    screens = applet(sample)["screens"]
    screens[1]["ias_stage"], screens[3]["ias_stage"] = "observe", "predict"


def same_cases(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        one["variants_and_invariants"] = {"variants": ["the numbers"], "invariants": ["the model"]}


def all_change(sample: Sample) -> None:
    screen(sample, 3)["variants_and_invariants"] = {"variants": ["top", "bottom"], "invariants": []}


def applet_trick(sample: Sample) -> None:
    screen(sample, 3)["screen_zones"]["scaffolding_text"] = "Use the trick with the butterfly."


def only_a_cross(sample: Sample) -> None:
    screen(sample, 3)["feedback"]["on_incorrect"] = "Try again."


def applet_red(sample: Sample) -> None:
    screen(sample, 3)["screen_zones"]["action_instruction"] = "Move the red ones."


def applet_wall(sample: Sample) -> None:
    screen(sample, 3)["screen_zones"]["action_instruction"] = "Move it and then look " * 8


def snapping(sample: Sample) -> None:
    screen(sample, 3)["intermediate_states"].append(
        {"if": "a piece is near its place", "then": "it snaps in and turns green"}
    )


def applet_cliff(sample: Sample) -> None:
    screen(sample, 3)["difficulty_level"] = "proficient"


def applet_key(sample: Sample) -> None:
    screen(sample, 3)["visual_model_description"] += " A key at the edge explains two shades."


APPLET_PITFALLS: dict[str, Change] = {
    "symbol_before_model": bare_symbol,
    "decorative_visual": elephant,
    "answer_before_thinking": result_first,
    "only_standard_cases": same_cases,
    "everything_varies": all_change,
    "trick_instead_of_reason": applet_trick,
    "verdict_only_feedback": only_a_cross,
    "colour_only_meaning": applet_red,
    "wall_of_text": applet_wall,
    "solvable_by_trying": snapping,
    "scaffold_cliff": applet_cliff,
    "split_attention": applet_key,
}


@pytest.mark.parametrize("name", MODULE_PITFALLS)
def test_a_pitfall_of_a_module_is_found_where_it_is(name: str) -> None:
    sound, broken = module_sample(), module_sample()
    MODULE_PITFALLS[name](broken)
    assert name not in found_pitfalls("module", sound)
    assert found_pitfalls("module", broken)[name]


@pytest.mark.parametrize("name", APPLET_PITFALLS)
def test_a_pitfall_of_an_applet_is_found_where_it_is(name: str) -> None:
    sound, broken = applet_sample(), applet_sample()
    APPLET_PITFALLS[name](broken)
    assert name not in found_pitfalls("applet", sound)
    assert found_pitfalls("applet", broken)[name]


def test_every_pitfall_has_its_samples() -> None:
    known = config().rubric_by_name["design_pitfalls"]
    assert isinstance(known, Pitfalls)
    for scope, samples in (("module", MODULE_PITFALLS), ("applet", APPLET_PITFALLS)):
        assert {one.id for one in known.pitfalls if scope in one.applies_to} == set(samples)


# ------------------------------------------------------------------------------------------- gates


def other_lo(sample: Sample) -> None:
    blueprint(sample)["lo_components"][0]["bloom_verb"] = "recall"


def component_left_out(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        one["component_indexes"] = [index for index in one["component_indexes"] if index != 1]


def false_equality(sample: Sample) -> None:
    slide(sample, 9)["major_idea_per_slide"] = "Joining shows that 6/8 = 4/5."


def invented_id(sample: Sample) -> None:
    slide(sample, 9)["misconception_ids"] = ["MIS-FR-99"]


def term_too_early(sample: Sample) -> None:
    slide(sample, 1)["on_slide_text"] = "Is 3/4 the simplest form? Write yes or no."


def two_exits(sample: Sample) -> None:
    slide(sample, 14)["slide_role"] = "exit_question"


def numbers_again(sample: Sample) -> None:
    (*_, exit_slide) = slides_of(sample, "exit_question")
    exit_slide["on_slide_text"] = "Simplify 6/8. How can you tell?"


def reasons_in_name_only(sample: Sample) -> None:
    """The label says the verb; the tasks below it ask for numbers alone."""
    blueprint(sample)["lo"] = "Explain why both fractions name one amount."
    (*_, exit_slide) = slides_of(sample, "exit_question")
    exit_slide["on_slide_text"] = "Your task: explain. (a) Write 22/24 with the smallest numbers."


def frame_away(sample: Sample) -> None:
    blueprint(sample)["applet_placements"][0]["lead_in_slide"] = 2


def neighbours_work(sample: Sample) -> None:
    theirs = sample["module_lo_brief_enriched"]["successor"]["lo_components"][0]["statement"]
    slide(sample, 9)["major_idea_per_slide"] = f"{theirs}."


def overtime(sample: Sample) -> None:
    slide(sample, 9)["minutes"] = 30


def all_food(sample: Sample) -> None:
    for number, dish in ((3, "cake"), (7, "pizza"), (11, "chocolate")):
        slide(sample, number)["on_slide_text"] = f"Three friends share a {dish}. Who gets most?"


MODULE_GATES: dict[str, list[Change]] = {
    "module_lo_unchanged": [other_lo],
    "module_components_covered": [component_left_out],
    "module_mathematics_correct": [false_equality],
    "module_kb_grounded": [invented_id],
    "module_prior_terms_only": [term_too_early],
    "module_exit_question": [two_exits, numbers_again, reasons_in_name_only],
    "module_placement_framed": [frame_away],
    "module_neighbours_respected": [neighbours_work],
    "module_minutes_fit": [overtime],
    "module_context_varied": [all_food],
}


def another_objective(sample: Sample) -> None:
    applet(sample)["lo"] = "Add decimals with regrouping."


def false_screen(sample: Sample) -> None:
    screen(sample, 5)["feedback"]["on_correct"] = "Both show the same: 6/8 = 3/5."


def no_states(sample: Sample) -> None:
    screen(sample, 2)["intermediate_states"] = []


def no_trigger(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        for reply in one["feedback"]["on_misconception"]:
            reply["trigger"] = ""


def unknown_model(sample: Sample) -> None:
    screen(sample, 2)["vir_id"] = "VIR-FR-99"


def told_on_screen(sample: Sample) -> None:
    screen(sample, 3)["student_sees"] += " A readout shows the value."


def drag_only(sample: Sample) -> None:
    one = screen(sample, 3)
    one["student_does"] = "Drags each piece to its place."
    one["screen_zones"]["dev_notes"] = ["Pieces follow the finger."]


def strange_model(sample: Sample) -> None:
    (model,) = applet(sample)["visual_models_referenced"]
    model["same_as_module"] = False
    screen(sample, 1)["ias_stage"] = "predict"


def too_long(sample: Sample) -> None:
    screen(sample, 3)["time_estimate"]["thinking_seconds"] = 400


APPLET_GATES: dict[str, list[Change]] = {
    "applet_lo_within_module": [another_objective],
    "applet_mathematics_correct": [false_screen],
    "applet_screen_complete": [no_states],
    "applet_misconception_answered": [no_trigger],
    "applet_kb_grounded": [unknown_model],
    "applet_no_answer_in_view": [told_on_screen],
    "applet_operable_without_dragging": [drag_only],
    "applet_model_kept_from_module": [strange_model],
    "applet_time_fits": [too_long],
}


@pytest.mark.parametrize("name", MODULE_GATES)
def test_a_gate_of_a_module_is_met_by_one_sample_and_not_by_the_other(name: str) -> None:
    assert findings("module", module_sample())[name] == "met"
    for change in MODULE_GATES[name]:
        broken = module_sample()
        change(broken)
        assert findings("module", broken)[name] == "not_met", change.__name__


@pytest.mark.parametrize("name", APPLET_GATES)
def test_a_gate_of_an_applet_is_met_by_one_sample_and_not_by_the_other(name: str) -> None:
    assert findings("applet", applet_sample())[name] == "met"
    for change in APPLET_GATES[name]:
        broken = applet_sample()
        change(broken)
        assert findings("applet", broken)[name] == "not_met", change.__name__


def test_every_gate_has_its_samples() -> None:
    for name, samples in (("module_gates", MODULE_GATES), ("applet_gates", APPLET_GATES)):
        assert {one.id for one in config().rubric_by_name[name].entries} == set(samples)


def test_what_the_input_lacks_is_not_shown_and_not_guessed() -> None:
    sample = module_sample()
    del sample["lesson_minutes"], sample["module_lo_brief_enriched"]
    found = findings("module", sample)
    assert found["module_minutes_fit"] == "not_shown"
    assert found["module_neighbours_respected"] == "not_shown"
    assert found["module_lo_unchanged"] == "met"


def test_reasons_are_asked_for_by_asking_how_one_can_tell() -> None:
    sample = module_sample()
    reasons_in_name_only(sample)
    (*_, exit_slide) = slides_of(sample, "exit_question")
    exit_slide["on_slide_text"] += " How can you tell?"
    assert findings("module", sample)["module_exit_question"] == "met"


def test_a_component_whose_task_the_exit_dropped_is_not_said_to_be_checked_there() -> None:
    def checks(sample: Sample) -> list[list[int]]:
        result = drafted("assess_learning_coverage", "mod_review", sample)
        return [one["where"] for one in result["mastery_estimate"]["components"]]

    sample = module_sample()
    (last,) = slides_of(sample, "exit_question")
    assert all(last["slide_no"] in places for places in checks(sample))
    del last["worked_solutions"][1:]
    assert [last["slide_no"] in places for places in checks(sample)] == [True, False, False]


def test_what_passes_quotes_the_place_that_decided_it_or_names_what_was_read() -> None:
    def evidence(sample: Sample) -> dict[str, list[Sample]]:
        result = drafted("score_gates", "mod_review", sample)
        return {one["id"]: one["evidence"] for one in result["gates"]}

    found = evidence(module_sample())
    (last,) = slides_of(module_sample(), "exit_question")
    (quote,) = found["module_exit_question"]
    assert (quote["where"], quote["field"]) == (last["slide_no"], "on_slide_text")
    assert last["on_slide_text"].startswith(quote["quote"])
    (place,) = blueprint(module_sample())["applet_placements"]
    framed = [one["where"] for one in found["module_placement_framed"]]
    assert framed == [place["lead_in_slide"], place["debrief_slide"]]
    without = module_sample()
    blueprint(without)["applet_placements"] = []
    assert {one["quote"] for one in evidence(without)["module_placement_framed"]} == {""}


# ---------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize("position", range(1, 8))
def test_a_drafted_module_passes_its_own_gates_and_has_no_pitfall(position: int) -> None:
    assert module(position)["build_module_blueprint"]["slides"]
    sample = module_input(position)
    assert set(findings("module", sample).values()) == {"met"}
    assert found_pitfalls("module", sample) == {}


@pytest.mark.parametrize("scope", ["module", "applet"])
@pytest.mark.parametrize("code", ["D", "L", "P", "X"])
def test_every_criterion_is_read_and_a_broken_plan_scores_lower(scope: str, code: str) -> None:
    lane = "mod_review" if scope == "module" else "app_review"
    sample = module_sample() if scope == "module" else applet_sample()
    sound = drafted("score_rubric_domain", lane, sample | {"domain_code": code})
    assert not any("no rule reads it" in one["reason"] for one in sound["criteria"])
    broken = module_sample() if scope == "module" else applet_sample()
    everything = [
        *MODULE_PITFALLS.values(),
        *(one for some in MODULE_GATES.values() for one in some),
    ]
    if scope == "applet":
        everything = [
            *APPLET_PITFALLS.values(), *(one for some in APPLET_GATES.values() for one in some)
        ]  # fmt: skip
    for change in everything:
        change(broken)
    poor = drafted("score_rubric_domain", lane, broken | {"domain_code": code})

    def points(result: Sample) -> int:
        return sum(one["points"] or 0 for one in result["criteria"])

    assert points(poor) < points(sound)
    lower = [one for one in poor["criteria"] if one["recommendation"] is not None]
    assert lower
    assert all(one["recommendation"]["change"] and one["evidence"] for one in lower)
