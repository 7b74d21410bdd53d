"""Each thread of the guide is walked, or said not to be there; a planted break is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.traces import WALKS, write_trace
from aina_assets_tests.authoring.drafted import applet_input, config, module_input
from aina_assets_tests.authoring.test_findings import (
    applet,
    blueprint,
    every_slide_of,
    screen,
    slide,
    slides_of,
)

Sample = dict[str, Any]
Change = Callable[[Sample], Any]


def sample_of(scope: str) -> Sample:
    if scope == "applet":
        return applet_input(3)
    sample = module_input(3)
    slides_of(sample, "exit_question")[0]["teacher_action"] += " The claim of slide 1 is false."
    return sample


def threads(sample: Sample, name: str) -> list[Sample]:
    return [one for one in write_trace(content_of(sample)) if one["thread"] == name]


def breaks(sample: Sample, name: str) -> list[str]:
    return [said for one in threads(sample, name) for said in one["breaks"]]


def nothing_from_memory(sample: Sample) -> None:
    """The prerequisite's words stand there, and its code does not: a like topic is no link."""
    for one in slides_of(sample, "retrieval"):
        one["tags"] = {"retrieval_of": "SMF.4.NF.9"}
        one["on_slide_text"] = "From memory: What is a number that is missing in fractions?"


def taught_nowhere(sample: Sample) -> None:
    every_slide_of(sample, 1, slide_role="guided_practice")


def shown_in_words_only(sample: Sample) -> None:
    slide(sample, 5)["vir_id"] = ""


def beside_nothing(sample: Sample) -> None:
    """It is said to be linked, and no slide has both models."""
    for one in blueprint(sample)["slides"]:
        if one["vir_id"] == "VIR-FR-03":
            one["major_idea_per_slide"] = "Another picture."


def symbols_at_once(sample: Sample) -> None:
    slide(sample, 7)["cpa_phase"] = "abstract"


def back_and_forth(sample: Sample) -> None:
    slide(sample, 9)["cpa_phase"] = "concrete"


def state_of_another_term(sample: Sample) -> None:
    slide(sample, 5)["vocabulary_on_this_slide"]["terms"][0]["term"] = "common factor"


def term_asked_for_nowhere(sample: Sample) -> None:
    slide(sample, 6)["on_slide_text"] = "Choose new numbers and name what they share."
    blueprint(sample)["vocabulary_introduction_plan"][0]["checked_on"] = [6]
    slide(sample, 6)["title"] = slide(sample, 6)["major_idea_per_slide"] = "Alone."


def no_commitment(sample: Sample) -> None:
    for one in slides_of(sample, "misconception_probe"):
        one["slide_role"] = "discussion"


def no_second_case(sample: Sample) -> None:
    slide(sample, 10)["misconception_ids"] = []


def one_check_does_not_ask(sample: Sample) -> None:
    """Another check asks for the term; the plan promises this one, too."""
    blueprint(sample)["vocabulary_introduction_plan"][0]["checked_on"] = [6, 12]


def exit_without_its_task(sample: Sample) -> None:
    """Only the task of the first component is left; the slide still claims all of them."""
    (last,) = slides_of(sample, "exit_question")
    del last["worked_solutions"][1:]


def off_the_cliff(sample: Sample) -> None:
    slide(sample, 4)["scaffolding_level_per_slide"] = "independent"


def help_comes_back(sample: Sample) -> None:
    slide(sample, 5)["scaffolding_level_per_slide"] = "full"


def question_dropped(sample: Sample) -> None:
    """The last slides speak of slides and of claims, and not of the one that opened."""
    for one in blueprint(sample)["slides"]:
        if one["section"] == "close":
            one["on_slide_text"] = "Was the claim of slide 14 right?"


def asked_and_not_told(sample: Sample) -> None:
    """The last slide asks once more, and nobody ever says."""
    for one in blueprint(sample)["slides"]:
        if one["section"] == "close":
            one["teacher_action"] = "Wait until everyone has written. Was the claim right?"


def settled_at_once(sample: Sample) -> None:
    slide(sample, 1)["teacher_action"] += " Answer: No."


def ceremony(sample: Sample) -> None:
    slide(sample, 10)["teacher_action"] = "Wait until everyone has written. Praise them."


def unasked(sample: Sample) -> None:
    for number in (7, 8, 9):
        slide(sample, number)["response_mode"] = ""


MODULE: dict[str, list[tuple[Change, str]]] = {
    "knowledge_trace": [(nothing_from_memory, "never called up"), (taught_nowhere, "never taught")],
    "representation_trace": [
        (shown_in_words_only, "slide 5 is planned for it and shows another"),
        (beside_nothing, "no slide has it beside the model before"),
    ],
    "cpa_trace": [
        (symbols_at_once, "it begins in symbols"),
        (back_and_forth, "a step back between slides 8 and 9"),
    ],
    "vocabulary_trace": [
        (state_of_another_term, "slide 5 does not have it as defined"),
        (term_asked_for_nowhere, "no check asks for it"),
        (one_check_does_not_ask, "slide 12 is planned to ask for it and does not"),
    ],
    "misconception_trace": [
        (no_commitment, "no commitment before the answer"),
        (no_second_case, "not checked again"),
    ],
    "support_trace": [
        (off_the_cliff, "more than a step between slides 3 and 4"),
        (help_comes_back, "support rises between slides 4 and 5"),
    ],
    "question_trace": [
        (question_dropped, "not answered at the end"),
        (asked_and_not_told, "not answered at the end"),
        (settled_at_once, "answered on slide 1"),
    ],
    "evidence_trace": [
        (ceremony, "nothing is done with what slide 10 shows"),
        (unasked, "no response before the check"),
        (exit_without_its_task, "slide 20 is planned to check it and has no task of it"),
    ],
}


def never_checked(sample: Sample) -> None:
    for one in applet(sample)["screens"]:
        if one["ias_stage"] == "check":
            one["ias_stage"] = "act"


def another_model(sample: Sample) -> None:
    screen(sample, 4)["vir_id"] = "VIR-FR-03"


def without_trigger(sample: Sample) -> None:
    screen(sample, 3)["feedback"]["on_misconception"][0]["trigger"] = " "


def too_steep(sample: Sample) -> None:
    screen(sample, 3)["difficulty_level"] = "extending"


def asked_and_left(sample: Sample) -> None:
    for number in (4, 5):
        screen(sample, number)["student_sees"] = "One set of counters, whole outlined."


def no_reply(sample: Sample) -> None:
    screen(sample, 3)["feedback"]["on_incorrect"] = ""


def swept_clean(sample: Sample) -> None:
    screen(sample, 4)["transition_from_previous"]["this_screen_entry_state"] = "An uncut strip now."


APPLET: dict[str, list[tuple[Change, str]]] = {
    "knowledge_trace": [(never_checked, "never checked")],
    "representation_trace": [
        (another_model, "screen 4 is planned for it and shows another"),
        (another_model, "not planned"),
    ],
    "misconception_trace": [(without_trigger, "screen 3: nothing brings the answer out")],
    "support_trace": [(too_steep, "more than a step between screens 2 and 3")],
    "question_trace": [(asked_and_left, "it is not settled on a screen")],
    "evidence_trace": [(no_reply, "nothing follows a wrong answer on screen 3")],
    "screen_state_trace": [(swept_clean, "screen 4 starts from another state than was left")],
}

CASES = [
    (scope, name, change, said)
    for scope, planted in (("module", MODULE), ("applet", APPLET))
    for name, cases in planted.items()
    for change, said in cases
]


def test_the_threads_are_those_of_the_guide() -> None:
    assert list(WALKS) == [one.id for one in config().rubric_by_name["trace_guide"].entries]


@pytest.mark.parametrize("scope", ["module", "applet"])
def test_every_thread_is_walked_or_says_why_there_is_none(scope: str) -> None:
    traces = write_trace(content_of(sample_of(scope)))
    assert {one["thread"] for one in traces} == set(WALKS)
    planted = MODULE if scope == "module" else APPLET
    for one in traces:
        assert (one["gap"] is None) is (one["thread"] in planted)
        assert bool(one["steps"]) is (one["gap"] is None)


@pytest.mark.parametrize(
    ("scope", "name", "change", "said"),
    CASES,
    ids=[f"{name}-{change.__name__}-{said[:12]}" for _, name, change, said in CASES],
)
def test_a_thread_breaks_where_it_was_cut(scope: str, name: str, change: Change, said: str) -> None:
    sound, broken = sample_of(scope), sample_of(scope)
    change(broken)
    assert said not in breaks(sound, name)
    assert said in breaks(broken, name)


def test_without_anything_to_follow_a_thread_says_so() -> None:
    sample = module_input(3)
    blueprint(sample)["vocabulary_introduction_plan"] = []
    sample["research_deep_synthesis"]["lo_misconceptions"] = []
    (terms,) = threads(sample, "vocabulary_trace")
    (ideas,) = threads(sample, "misconception_trace")
    assert (terms["gap"], ideas["gap"]) == (
        "no term is planned", "the synthesis names no misconception",
    )  # fmt: skip
    other = applet_input(3)
    applet(other)["misconception_targeted"] = "none"
    assert threads(other, "misconception_trace")[0]["gap"] == "no misconception is targeted"


def test_what_came_before_the_first_screen_is_no_state_that_was_left() -> None:
    sample = applet_input(3)
    screen(sample, 1)["transition_from_previous"] = {
        "previous_end_state": "slide 16, with the folded paper put away",
        "this_screen_entry_state": "An uncut strip.",
    }
    assert breaks(sample, "screen_state_trace") == []


def test_the_opening_question_is_told_with_its_claim_and_answered_only_where_it_is_told() -> None:
    (told,) = threads(sample_of("module"), "question_trace")
    hook = slides_of(sample_of("module"), "hook")[0]["on_slide_text"]
    assert told["subject"] in hook
    assert told["subject"].startswith("\N{LEFT DOUBLE QUOTATION MARK}")
    assert told["subject"].endswith("?")
    (last,) = slides_of(sample_of("module"), "exit_question")
    assert {"where": last["slide_no"], "what": "answered"} in told["steps"]
    silent = sample_of("module")
    asked_and_not_told(silent)
    (asked,) = threads(silent, "question_trace")
    assert {"where": last["slide_no"], "what": "asked again"} in asked["steps"]
    assert "answered" not in {one["what"] for one in asked["steps"]}
