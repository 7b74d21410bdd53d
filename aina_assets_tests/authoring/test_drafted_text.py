"""What drafts say is grammatical, and an applet's arc is what its screens hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.authoring.draft_applet import SUPPORTS
from aina_assets.authoring.phrases import clause, lower, sentence, shortened
from aina_assets.authoring.reading import names_term
from aina_assets_tests.authoring.drafted import applet, chapter, drafted, knowledge, module

POSITIONS = range(1, 8)
APPLETS = (2, 3, 4, 6)
PHASES = ("concrete", "pictorial", "bridge", "abstract")

# ---------------------------------------------------------------------------------- sentences

_TOLD = (
    "on_slide_text teacher_action student_action major_idea_per_slide transition_from_previous"
    " teaching_sufficiency_note synthesis_narrative visual_treatment visual_treatment_reference"
    " student_sees student_does student_thinks visual_model_description visual_model_purpose"
    " on_correct on_incorrect on_partial say action_instruction scaffolding_text scaffolding_arc"
    " difficulty_rationale transition_purpose pedagogical_value why_interactive why_here notes"
    " rationale faster slower step response diagnostic_item dev_notes how"
)
_SENTENCES = frozenset(_TOLD.split())
"""Fields that are told in sentences."""

_FAULTS = {
    "two stops": r"(?<!\.)\.\.(?!\.)|[?!]\.|\.[?!]|[,;:][.,;:]|\.[”’]\.",  # noqa: RUF001
    "a space before a stop": r"\s[.,;!](?!\w)|\s\?(?!\w|/)|\(\s|\s\)",
    "a word twice": r"\b(?!that\b|had\b)([A-Za-z]+) \1\b",
    "a for an": r"(?<![Ss]trip )\b[Aa] (?=[aeio](?!ne\b|nce\b))",
    "an for a": r"\b[Aa]n (?=[bcdfgjklmnpqrstvwxyz])",
    "nothing put in": r"\bNone\b|\{\w*\}|\[\]|  ",
    "a small letter first": r"[a-z)][.?!]” [a-z]|(?<=[a-z)][.?!]) [a-z]",
}


def faults(text: str, *, is_told: bool) -> Iterator[str]:
    """What is wrong with a text: in any, then in one that is told in sentences."""
    for name, expression in _FAULTS.items():
        if found := re.search(expression, text):
            yield f"{name}: …{text[max(0, found.start() - 30) : found.end() + 20]}…"
    if text.count("“") != text.count("”"):
        yield f"a quotation without an end: {text}"
    if is_told and text and text != "none":
        first = text.lstrip("“(")[:1]
        if first.islower():
            yield f"it begins small: {text[:60]}"
        if text.rstrip("”)")[-1:] not in ".?!…":
            yield f"it has no end: …{text[-60:]}"


def told_in(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document that is in words, with its key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from told_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from told_in(inner, key)
    elif isinstance(value, str) and " " in value:
        yield key, value


DRAFTS = (
    "derive_lo_brief", "derive_module_sequence", "derive_module_lo", "research_deep_synthesis",
    "build_module_blueprint", "derive_applet_lo", "build_applet_screens",
)  # fmt: skip


def require_grammar(made: Mapping[str, Any]) -> None:
    found = [
        f"{name}.{key}: {fault}"
        for name in DRAFTS
        if name in made
        for key, text in told_in(made[name])
        for paragraph in text.split("\n\n")
        for fault in faults(paragraph, is_told=key in _SENTENCES)
    ]
    assert not found, "\n".join(sorted(set(found)))


def test_every_text_of_the_chapter_is_grammatical() -> None:
    require_grammar(chapter())


@pytest.mark.parametrize("position", POSITIONS)
def test_every_text_of_a_module_is_grammatical(position: int) -> None:
    require_grammar(module(position))


@pytest.mark.parametrize("position", APPLETS)
def test_every_text_of_an_applet_is_grammatical(position: int) -> None:
    require_grammar(applet(position))


@pytest.mark.parametrize(
    "text",
    [
        "It holds.. Always.", "Does it hold?.", "It is a a case.", "This is a example.",
        "It ends . Here.", "One ends. another begins.", "it begins small.", "It has no end",
        "He says “yes.", "The model is None.",
    ],
)  # fmt: skip
def test_a_text_that_is_not_grammatical_is_found(text: str) -> None:
    assert list(faults(text, is_told=True))


def test_phrases_become_sentences() -> None:
    assert sentence("the whole stays") == "The whole stays."
    assert sentence("Does it?") == "Does it?"
    assert sentence("“it holds.”") == "“It holds.”"
    assert sentence("", " ") == ""
    assert clause("The whole stays.") == "the whole stays"
    assert lower("LCM of both") == "LCM of both"
    assert shortened("One two. Three four five", 4) == "One two."
    assert shortened("One two three, four", 3) == "One two three…"
    assert shortened("One two", 2) == "One two"


@given(st.text("ab ,.?“” ", max_size=60), st.integers(1, 8))
def test_what_is_shortened_ends_at_a_word(text: str, words: int) -> None:
    short = shortened(text, words)
    assert len(short.split()) <= words or short == text
    if short != text:
        assert short[-1] in "…”.?"
        kept = short.rstrip("…").split()
        assert [one.rstrip(",.") for one in kept] == [
            one.rstrip(",.") for one in text.split()[: len(kept)]
        ]


def test_a_passage_is_said_to_be_covered_only_where_its_objective_is_taught() -> None:
    by_id = {row["textbook_ref_id"]: row for row in knowledge().textbook_references}
    for position in POSITIONS:
        made = module(position)
        codes = set(made["derive_module_lo"]["lo_codes"])
        parts = made["approved_objective"]["lo_components"]
        for one in made["build_module_blueprint"]["textbook_alignment"]:
            beyond = set(by_id[one["textbook_ref_id"]]["lo_codes"]) - codes
            assert one["state"] == ("partly" if beyond else "covered")
            assert all(code in one["reason"] for code in beyond)
            assert codes & set(by_id[one["textbook_ref_id"]]["lo_codes"])
            assert one["slides"]
            if not codes <= set(by_id[one["textbook_ref_id"]]["lo_codes"]):
                slides = made["build_module_blueprint"]["slides"]
                worked = {i for n in one["slides"] for i in slides[n - 1]["component_indexes"]}
                assert len(worked) < len(parts)
    made = copy.deepcopy(module(2))
    made["research_deep_synthesis"]["textbook_references"][0]["lo_codes"] = ["SMF.3.NF.1"]
    (first, *_) = drafted("build_blueprint", "mod_review", made)["textbook_alignment"]
    assert (first["state"], first["slides"]) == ("left_out", [])


# --------------------------------------------------------------------------- what belongs to what


@pytest.mark.parametrize("position", POSITIONS)
def test_each_component_keeps_the_model_that_was_planned_for_it(position: int) -> None:
    made = module(position)
    planned = chapter()["derive_module_sequence"]["module_sequence"][position - 1]
    names = {row["vir_id"]: row["name"] for row in knowledge().visual_representations}
    slides = made["build_module_blueprint"]["slides"]
    for place, part in enumerate(made["derive_module_lo"]["lo_components"]):
        named = [one for one in planned["pedagogical_models"] if lower(one) in lower_all(part)]
        assert len(named) == 1, part["visual_treatment"]
        used = {
            names[slide["vir_id"]]
            for slide in slides
            if slide["section"] == "development"
            and slide["component_indexes"] == [place]
            and slide["vir_id"]
        }
        assert used == set(named)


def lower_all(part: Mapping[str, Any]) -> str:
    return str(part["visual_treatment"]).casefold()


def test_a_model_that_the_creator_names_at_the_gate_is_kept() -> None:
    made = copy.deepcopy(module(3))
    derived = made["module_lo_brief_enriched"]["derived"]
    derived["lo_components"][2]["visual_treatment"] = "Show it on the bar cut in place."
    made["blueprint_spine"] = drafted("build_spine", "mod_review", made)
    models = {
        slide["vir_id"]
        for slide in made["blueprint_spine"]["slides"]
        if slide["section"] == "development" and slide["component_indexes"] == [2]
    }
    assert models - {""} == {"VIR-FR-03"}


def test_a_model_belongs_to_the_objective_of_its_component() -> None:
    made = module(7)
    (*_, last) = made["derive_module_lo"]["lo_components"]
    assert "circle sectors" in last["visual_treatment"]
    assert "number line" in made["derive_module_lo"]["lo_components"][0]["visual_treatment"]


def test_terms_and_misconceptions_stand_at_the_component_they_are_about() -> None:
    blueprint = module(4)["build_module_blueprint"]
    (term,) = blueprint["vocabulary_introduction_plan"]
    slides = blueprint["slides"]
    stated = blueprint["lo_components"][slides[term["first_slide"] - 1]["component_indexes"][0]]
    assert "same numerator" in stated["statement"]
    struck = {
        one["misconception_id"]: one["component_index"]
        for one in module(4)["research_deep_synthesis"]["lo_misconceptions"]
    }
    assert struck == {"MIS-FR-01": 1, "MIS-FR-09": 2}
    gaps = [one["subject"] for one in module(4)["research_deep_synthesis"]["gaps"]]
    rows = {row["misconception_id"]: row["belief"] for row in knowledge().misconceptions}
    assert rows["MIS-FR-11"] in gaps
    for position in POSITIONS:
        for one in module(position)["research_deep_synthesis"]["lo_components_enrichment"]:
            own = {
                row["misconception_id"]
                for row in module(position)["research_deep_synthesis"]["lo_misconceptions"]
                if row["component_index"] == one["component_index"]
            }
            cited = {entry["kb_id"] for entry in one["derivation_evidence"]}
            assert {kb_id for kb_id in cited if kb_id.startswith("MIS")} == own


# ------------------------------------------------------------------------------------ applet's arc


@pytest.mark.parametrize("position", APPLETS)
def test_the_arc_of_an_applet_is_what_its_screens_hold(position: int) -> None:
    document = applet(position)["build_applet_screens"]
    screens = document["screens"]
    said = re.findall(
        r"Screen (\d+): (\w+), with ([^.]+)\.", document["scaffolding_arc"]
    )  # fmt: skip
    assert [int(number) for number, _, _ in said] == [one["screen_no"] for one in screens]
    for (_, phase, support), screen in zip(said, screens, strict=True):
        assert screen["representation"] == phase
        named = [] if support == "no support" else re.split(r", | and ", support)
        assert [one.replace(" ", "_") for one in named] == screen["support"]
        for name, seen in SUPPORTS.items():
            assert (seen in screen["student_sees"]) is (name in screen["support"]), name
    assert screens[0]["support"] == list(SUPPORTS)
    assert screens[-1]["support"] == []


@pytest.mark.parametrize("position", APPLETS)
def test_support_goes_down_and_representation_up(position: int) -> None:
    screens = applet(position)["build_applet_screens"]["screens"]
    for one, other in pairwise(screens):
        assert set(other["support"]) < set(one["support"])
        assert PHASES.index(one["representation"]) <= PHASES.index(other["representation"])
    assert screens[0]["representation"] != "abstract"
    assert screens[-1]["representation"] == "abstract"
    for name in ("screen_no", "screen_label"):
        assert len({one[name] for one in screens}) == len(screens)


@pytest.mark.parametrize("position", APPLETS)
def test_a_screen_answers_the_right_answer_and_the_misconception(position: int) -> None:
    made = applet(position)
    document = made["build_applet_screens"]
    own = {one["misconception_id"] for one in made["research_deep_synthesis"]["lo_misconceptions"]}
    target = document["misconception_targeted"]
    assert own == ({target} - {"none"})
    for screen in document["screens"]:
        reply = screen["feedback"]
        assert screen["task"]["answer"] in reply["on_correct"]
        assert screen["task"]["answer"] not in reply["on_incorrect"]
        assert {one["misconception_id"] for one in reply["on_misconception"]} == own
        for one in reply["on_misconception"]:
            tempting = one["trigger"].partition(" is: ")[2]
            assert tempting
            assert tempting != screen["task"]["answer"]


def test_an_applet_stands_on_the_model_and_the_component_of_its_slide() -> None:
    for position in APPLETS:
        blueprint = module(position)["build_module_blueprint"]
        (place,) = blueprint["applet_placements"]
        slide = blueprint["slides"][place["slide_no"] - 1]
        document = applet(position)["build_applet_screens"]
        assert {one["vir_id"] for one in document["screens"]} == {slide["vir_id"]}
        assert all(
            one["component_indexes"] == slide["component_indexes"] for one in document["screens"]
        )
        assert names_term(place["applet_lo"], document["lo"])


@pytest.mark.parametrize("position", APPLETS)
def test_a_screen_promises_only_what_it_has_or_has_lost(position: int) -> None:
    for screen in applet(position)["build_applet_screens"]["screens"]:
        states = {one["if"]: one["then"] for one in screen["intermediate_states"]}
        back = states["two answers were wrong"]
        for name in ("grid", "drawing"):
            assert (name in back) is (name not in screen["support"])
        is_typed = screen["representation"] == "abstract"
        assert any("hint" in then for then in states.values()) is not is_typed
        (handle, _) = screen["affordances"]
        assert ("parts" in handle["element"]) is not is_typed
        assert "set the set" not in screen["screen_zones"]["action_instruction"].lower()


@pytest.mark.parametrize("position", POSITIONS)
def test_a_convention_stands_where_it_applies_and_in_the_notes_there(position: int) -> None:
    blueprint = module(position)["build_module_blueprint"]
    for one in blueprint["convention_requirements"]:
        noted = [
            slide["slide_no"]
            for slide in blueprint["slides"]
            if any(one["convention_id"] in note for note in slide["dev_notes"])
        ]
        assert one["slides"] == noted
        if one["convention_id"] == "CNV-FR-01":
            assert noted == [
                slide["slide_no"]
                for slide in blueprint["slides"]
                if re.search(r"\d/\d", slide["on_slide_text"])
            ]


def test_the_teacher_is_told_at_the_end_whether_the_claim_of_slide_1_holds() -> None:
    for position in POSITIONS:
        hook, *_, last = module(position)["build_module_blueprint"]["slides"]
        if hook["misconception_ids"]:
            claim = re.findall(r"“([^”]+?)\.?”", hook["on_slide_text"])[0]
            assert f"The claim of slide 1, “{claim}”, is false." in last["teacher_action"]
        else:
            (solution,) = hook["worked_solutions"]
            assert f"slide 1 is {solution['answer']}." in last["teacher_action"]
