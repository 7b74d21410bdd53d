"""Each criterion of the eight rubrics has a sound plan that meets it and a defect that lowers it.

Where fields can show a fault and never that there is none, a sound plan is not assessed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from aina_assets.authoring.answers import rubric_of
from aina_assets.authoring.config import Criterion
from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.quoting import is_verbatim, text_at
from aina_assets.authoring.review import compile_review
from aina_assets.authoring.scoring import DomainScore, scored
from aina_assets_tests.authoring.drafted import (
    applet_input,
    config,
    drafted,
    module_input,
    rules,
)
from aina_assets_tests.authoring.test_findings import (
    all_food,
    applet,
    applet_cliff,
    applet_red,
    blueprint,
    component_left_out,
    drag_only,
    elephant,
    false_screen,
    no_trigger,
    nobody_acts,
    only_a_cross,
    red_parts,
    screen,
    several_change,
    slide,
    slides_of,
    snapping,
    term_and_model_at_once,
)

Sample = dict[str, Any]
Change = Callable[[Sample], Any]


@cache
def _module() -> Sample:
    """A drafted module, mended where the draft itself falls short of a criterion."""
    sample = module_input(3)
    slide(sample, 7)["slide_role"] = "worked_example"
    slide(sample, 5)["teacher_action"] += " Who is wrong goes back to slide 3."
    slide(sample, 14)["variation"] = {"invariant": "the relation", "variant": "mixed cases, range"}
    slide(sample, 14)["on_slide_text"] = (
        "Which is in simplest form? How can you tell? Use an earlier one."
    )
    slide(sample, 20)["on_slide_text"] = (
        "Choose numbers that no slide has used. Simplify a fraction. How can you tell?"
        " Was the claim of slide 1 right?"
    )
    for one in blueprint(sample)["convention_requirements"]:
        for number in one["slides"]:
            slide(sample, number)["dev_notes"].append(f"{one['convention_id']}: {one['show']}.")
    slide(sample, 13)["worked_solutions"][0] |= {
        "statement": "Can 8/12 be written with smaller numbers?", "answer": "yes, as 2/3",
    }  # fmt: skip
    return sample


@cache
def _applet() -> Sample:
    sample = applet_input(3)
    for one in applet(sample)["screens"]:
        one["screen_zones"]["dev_notes"].append("Focus after reset goes to the first part.")
    return sample


def sound(scope: str) -> Sample:
    return copy.deepcopy(_module() if scope == "module" else _applet())


def criteria() -> list[tuple[str, str, Criterion]]:
    return [
        (scope, code, one)
        for scope in ("module", "applet")
        for code in "DLPX"
        if (rubric := rubric_of(config(), scope, code)) is not None
        for one in rubric.criteria
    ]


def score(scope: str, code: str, criterion: Criterion, sample: Sample) -> DomainScore:
    """A domain's score, as code has it, for a kind of content to which the criterion applies."""
    if not criterion.applies_to(sample["content_type"]):
        sample["content_type"] = criterion.applicable_to[0]
    lane = "mod_review" if scope == "module" else "app_review"
    rubric = rubric_of(config(), scope, code)
    assert rubric is not None
    return scored(drafted("score_rubric_domain", lane, sample | {"domain_code": code}), rubric)


def entry(found: DomainScore, criterion: Criterion) -> Sample:
    assert found.document is not None
    return next(one for one in found.document["criteria"] if one["id"] == criterion.id)


# ------------------------------------------------------------------------------------------- module


def symbols_throughout(sample: Sample) -> None:
    blueprint(sample)["cpa_summary"]["abstract"] = []


def no_guidance(sample: Sample) -> None:
    slide(sample, 9)["slide_role"] = "discussion"


def placed_without_question(sample: Sample) -> None:
    (place,) = blueprint(sample)["applet_placements"]
    slide(sample, place["lead_in_slide"])["on_slide_text"] = "Get the tablets."


def reference_left_out(sample: Sample) -> None:
    blueprint(sample)["textbook_alignment"][0] |= {"state": "left_out", "reason": " "}


def only_next(sample: Sample) -> None:
    slide(sample, 9)["transition_from_previous"] = "Now the next one."


def long_sentence(sample: Sample) -> None:
    slide(sample, 9)["on_slide_text"] = "Look at " + "the whole and " * 8 + "say why?"


def without_definition(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        for state in one["vocabulary_on_this_slide"]["terms"]:
            state["definition"] = ""


def figure_without_amounts(sample: Sample) -> None:
    slide(sample, 9)["visual_model_description"] = "A set of counters."


def no_contrast(sample: Sample) -> None:
    slide(sample, 9)["dev_notes"] = ["Print version: the same drawing."]


def silent_film(sample: Sample) -> None:
    blueprint(sample)["video_placements"] = [
        {"slide_no": 17, "lead_in_slide": 16, "debrief_slide": 18, "purpose": "cases in a row"}
    ]


def written_only(sample: Sample) -> None:
    slide(sample, 10)["teacher_action"] = "Wait until everyone has written the numbers on paper."


def convention_forgotten(sample: Sample) -> None:
    del blueprint(sample)["convention_requirements"][0]


def convention_claimed(sample: Sample) -> None:
    """It is said to stand on a slide that has neither its form nor a note."""
    blueprint(sample)["convention_requirements"][0]["slides"] = [1]


def only_warned(sample: Sample) -> None:
    for one in slides_of(sample, "misconception_probe"):
        one["misconception_ids"] = []


def nothing_called_up(sample: Sample) -> None:
    for one in slides_of(sample, "retrieval"):
        one["slide_role"] = "discussion"


def answers_only(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        one["on_slide_text"], one["student_action"] = "Is it so? Write yes or no.", "Write it."


def no_way_back(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        if one["slide_role"] in ("misconception_probe", "guided_practice"):
            one["teacher_action"] = "Ask what changed and what stayed, and how one can tell."


def models_side_by_side(sample: Sample) -> None:
    for one in blueprint(sample)["visual_models"]:
        one["linked_to"] = ""


def support_stays(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        if one["component_indexes"] == [1]:
            one["scaffolding_level_per_slide"] = "guided"


def blocked(sample: Sample) -> None:
    slide(sample, 14)["variation"]["variant"] = "range"


def plain_opening(sample: Sample) -> None:
    slide(sample, 1)["on_slide_text"] = "Today we simplify fractions."


def loose_end(sample: Sample) -> None:
    blueprint(sample)["trope_map"] = {"mystery": {"plant": 3, "why": "it stays open"}}


def no_prompts(sample: Sample) -> None:
    slide(sample, 9)["teacher_action"] = "Ask it."


def opening_dropped(sample: Sample) -> None:
    slide(sample, 20)["on_slide_text"] = "Simplify a fraction. How can you tell?"


def overfull(sample: Sample) -> None:
    slide(sample, 3)["on_slide_text"] = "Look at the whole. What stays? " * 12


# ------------------------------------------------------------------------------------------- applet


def stage_missing(sample: Sample) -> None:
    screen(sample, 2)["ias_stage"] = "orient"


def two_features(sample: Sample) -> None:
    screen(sample, 3)["variants_and_invariants"] = {"variants": ["top", "bottom"], "invariants": []}


def no_reset_state(sample: Sample) -> None:
    one = screen(sample, 3)
    one["intermediate_states"] = [
        state for state in one["intermediate_states"] if "reset" not in state["if"]
    ]


def torn_states(sample: Sample) -> None:
    screen(sample, 4)["transition_from_previous"]["this_screen_entry_state"] = "An empty desk."


def colour_verdict(sample: Sample) -> None:
    screen(sample, 3)["intermediate_states"][1]["then"] = "Pieces turn red and green."


def without_note(word: str) -> Change:
    """Dev notes of every screen say no longer what is wanted."""

    def change(sample: Sample) -> None:
        for one in applet(sample)["screens"]:
            zones = one["screen_zones"]
            zones["dev_notes"] = [note for note in zones["dev_notes"] if word not in note]

    return change


def two_actions(sample: Sample) -> None:
    screen(sample, 3)["screen_zones"]["action_instruction"] = "Move a part, then name the whole."


def against_the_clock(sample: Sample) -> None:
    screen(sample, 3)["student_sees"] += " A countdown runs above the model."


def one_answer_throughout(sample: Sample) -> None:
    for one in blueprint(sample)["slides"]:
        for task in one.get("worked_solutions") or ():
            if task["statement"].startswith("Can "):
                task |= {"statement": "Can 5/12 be written with smaller numbers?", "answer": "no"}


def nothing_solved(sample: Sample) -> None:
    """The slides still say that they go to the edge; no task of theirs is there."""
    for one in blueprint(sample)["slides"]:
        for task in one.get("worked_solutions") or ():
            task |= {"source": "not_computed", "answer": "", "steps": []}


def never_back_to_the_model(sample: Sample) -> None:
    for one in applet(sample)["screens"][1:]:
        one["student_does"] = "Types a number by keyboard or taps it."


def prediction_lost(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        one["student_does"] = "Taps a part."
        for state in one["intermediate_states"]:
            state["then"] = "the model follows"


def larger_numbers(sample: Sample) -> None:
    screen(sample, 3)["difficulty_rationale"] = "It has larger numbers than before."


def claim_untested(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        if one["ias_stage"] == "generalise":
            one["student_does"] = "Completes a sentence."
            one["student_thinks"] = "I say what holds and how I know it."


def shared_cause(sample: Sample) -> None:
    replies = screen(sample, 3)["feedback"]["on_misconception"]
    replies.append(dict(replies[0]))


def nothing_looks_movable(sample: Sample) -> None:
    screen(sample, 3)["affordances"] = [{"element": "undo and reset", "visual_cue": ""}]


def judged_at_once(sample: Sample) -> None:
    screen(sample, 3)["feedback"]["timing"] = "each move is judged"


def no_undo(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        one["affordances"] = one["affordances"][:1]


def hurried(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        one["time_estimate"]["thinking_seconds"] = 10


def praised(sample: Sample) -> None:
    screen(sample, 3)["feedback"]["on_correct"] = "Well done, clever!"


def model_swapped(sample: Sample) -> None:
    screen(sample, 3)["vir_id"] = "VIR-FR-03"
    screen(sample, 3)["transition_from_previous"]["transition_purpose"] = "Go on."


def no_decision(sample: Sample) -> None:
    screen(sample, 3)["student_thinks"] = "I move the parts around until they light."


DEFECTS: dict[str, list[Change]] = {
    "module_D:D1": [component_left_out],
    "module_D:D2": [symbols_throughout],
    "module_D:D3": [no_guidance],
    "module_D:D4": [term_and_model_at_once],
    "module_D:D5": [placed_without_question],
    "module_D:D6": [reference_left_out],
    "module_D:D7": [only_next],
    "module_L:L1": [long_sentence],
    "module_L:L2": [without_definition],
    "module_L:L3": [red_parts],
    "module_L:L4": [figure_without_amounts],
    "module_L:L5": [no_contrast],
    "module_L:L6": [silent_film],
    "module_L:L7": [written_only],
    "module_L:L8": [convention_claimed, convention_forgotten],
    "module_P:P1": [only_warned],
    "module_P:P2": [nothing_called_up],
    "module_P:P3": [several_change, one_answer_throughout, nothing_solved],
    "module_P:P4": [answers_only],
    "module_P:P5": [no_way_back],
    "module_P:P6": [models_side_by_side],
    "module_P:P7": [support_stays],
    "module_P:P8": [blocked],
    "module_X:X1": [plain_opening],
    "module_X:X2": [nobody_acts],
    "module_X:X3": [overfull],
    "module_X:X4": [loose_end],
    "module_X:X5": [all_food],
    "module_X:X6": [no_prompts],
    "module_X:X7": [opening_dropped],
    "applet_D:D1": [snapping, no_decision],
    "applet_D:D2": [stage_missing],
    "applet_D:D3": [two_features],
    "applet_D:D4": [applet_cliff],
    "applet_D:D5": [no_reset_state],
    "applet_D:D6": [torn_states],
    "applet_D:D7": [false_screen],
    "applet_L:L1": [drag_only],
    "applet_L:L2": [applet_red, colour_verdict],
    "applet_L:L3": [without_note("Contrast")],
    "applet_L:L4": [without_note("announced")],
    "applet_L:L5": [without_note("44 by 44")],
    "applet_L:L6": [two_actions],
    "applet_L:L7": [against_the_clock],
    "applet_L:L8": [without_note("after reset"), without_note("Focus")],
    "applet_L:L9": [without_note("Spoken form")],
    "applet_P:P1": [no_trigger],
    "applet_P:P2": [only_a_cross],
    "applet_P:P3": [never_back_to_the_model],
    "applet_P:P4": [prediction_lost],
    "applet_P:P5": [larger_numbers],
    "applet_P:P6": [claim_untested],
    "applet_P:P7": [shared_cause],
    "applet_X:X1": [nothing_looks_movable],
    "applet_X:X2": [elephant],
    "applet_X:X3": [judged_at_once],
    "applet_X:X4": [no_undo],
    "applet_X:X5": [hurried],
    "applet_X:X6": [praised],
    "applet_X:X7": [model_swapped],
    "applet_X:X8": [without_note("360 pixels")],
}

FAULTS_ONLY = {
    *("module_D:D4", "module_X:X3", "module_X:X5"),
    *("applet_D:D7", "applet_X:X1", "applet_X:X2", "applet_X:X7", "applet_X:X8"),
}
"""What only a picture or a person can find met: fields can show that it is missed."""


def test_every_criterion_has_its_defects() -> None:
    assert [f"{scope}_{code}:{one.id}" for scope, code, one in criteria()] == list(DEFECTS)
    assert len(DEFECTS) == 61


@pytest.mark.parametrize("name", DEFECTS)
def test_a_sound_plan_meets_a_criterion_and_a_defect_lowers_it_and_the_total(name: str) -> None:
    scope, code, criterion = next(
        one for one in criteria() if f"{one[0]}_{one[1]}:{one[2].id}" == name
    )
    before = score(scope, code, criterion, sound(scope))
    met = entry(before, criterion)
    if name in FAULTS_ONLY:
        assert (met["points"], met["level_when"]) == (None, "")
        assert criterion.id in before.not_assessed
        assert met["reason"].startswith("Not assessed")
    else:
        assert met["points"] == criterion.points, met["reason"]
        assert criterion.id not in before.not_assessed
    for defect in DEFECTS[name]:
        broken = sound(scope)
        defect(broken)
        after = score(scope, code, criterion, broken)
        found = entry(after, criterion)
        assert found["points"] is not None, defect.__name__
        assert found["points"] < criterion.points, defect.__name__
        place, _, change = found["recommendation"]["change"].partition(": ")
        assert change
        assert "_" not in place, "a field is named in words"
        assert before.total is not None
        assert after.total is not None
        assert after.total < before.total, defect.__name__
        content = content_of(broken)
        assert found["evidence"]
        assert all(is_verbatim(content, one) for one in found["evidence"])


# ------------------------------------------------------------------------------------------- quotes


def quotes_of(sample: Sample) -> tuple[Content, list[Sample]]:
    """Every quote of a whole review: of criteria, gates and components."""
    is_module = "build_module_blueprint" in sample
    lane = "mod_review" if is_module else "app_review"
    domains = [
        drafted("score_rubric_domain", lane, sample | {"domain_code": code}) for code in "DLPX"
    ]
    results = {
        "score_gates_result": drafted("score_gates", lane, sample),
        "assess_learning_coverage_result": drafted("assess_learning_coverage", lane, sample),
        "score_rubric_domain_result": domains,
    }
    digest = compile_review(sample, results, config(), rules())
    entries = [
        *(entry for domain in domains for entry in domain["criteria"]),
        *digest["gates"],
        *digest["mastery"]["components"],
    ]
    return content_of(sample), [one for entry in entries for one in entry["evidence"]]


SAMPLES = [*(f"module {position}" for position in range(1, 8)), "applet 3"]


def input_of(name: str) -> Sample:
    scope, _, position = name.partition(" ")
    return module_input(int(position)) if scope == "module" else applet_input(int(position))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_quote_stands_word_for_word_at_the_field_that_is_named(name: str) -> None:
    content, quotes = quotes_of(input_of(name))
    assert len(quotes) > 30
    for one in quotes:
        if one["quote"]:
            said = text_at(content, one["where"], one["field"])
            assert said is not None, one
            assert one["quote"] in said
    # What passes names the fields that were read; what decided it at a place is quoted.
    assert all(one["where"] == 0 for one in quotes if not one["quote"])
    assert any(one["quote"] for one in quotes)


@pytest.mark.parametrize("scope", ["module", "applet"])
def test_quotes_of_a_spoilt_plan_stand_too(scope: str) -> None:
    sample = sound(scope)
    for name, defects in DEFECTS.items():
        for defect in defects if name.startswith(scope) else ():
            defect(sample)
    content, quotes = quotes_of(sample)
    assert [one for one in quotes if not is_verbatim(content, one)] == []
    assert sum(bool(one["quote"]) for one in quotes) > 30


def test_a_quote_of_another_field_place_or_wording_is_none() -> None:
    content, _ = quotes_of(module_input(3))
    path = "on_slide_text"
    one = {"where": 8, "field": path, "quote": "Has the amount changed?"}
    assert is_verbatim(content, one)
    assert not is_verbatim(content, one | {"field": "teacher_action"})
    assert not is_verbatim(content, one | {"field": "dev_notes[0]"})
    assert not is_verbatim(content, one | {"field": "dev_notes[99]"})
    assert not is_verbatim(content, one | {"where": 9})
    assert not is_verbatim(content, one | {"quote": "Has the amount  changed?"})


@pytest.mark.parametrize("name", ["module 3", "applet 3"])
def test_a_component_has_its_own_words_and_quotes_of_its_own_places(name: str) -> None:
    sample = input_of(name)
    lane = "mod_review" if name.startswith("module") else "app_review"
    audit = drafted("assess_learning_coverage", lane, sample)
    results = {"assess_learning_coverage_result": audit}
    digest = compile_review(sample, results, config(), rules())
    stated = [
        one["statement"] for one in sample["module_lo_brief_enriched"]["derived"]["lo_components"]
    ]
    content = content_of(sample)
    for one in digest["mastery"]["components"]:
        index = one["component_index"]
        assert one["statement"] == stated[index]
        assert {quote["where"] for quote in one["evidence"]} == set(one["where"])
        own = {
            content.number(entry)
            for entry in content.entries
            if index in entry["component_indexes"]
        }
        assert set(one["where"]) <= own
    if lane == "mod_review":
        audit["mastery_estimate"]["components"][0]["where"] = [7]
        digest = compile_review(sample, results, config(), rules())
        assert digest["mastery"]["components"][0]["evidence"] == []
        assert "components: slide 7 is not on component 0" in digest["coverage"]["faults"]
