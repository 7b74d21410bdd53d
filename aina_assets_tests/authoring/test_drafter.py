"""Drafts by rule are sensible for the sample, the same each time, and change as a reviewer asks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from aina_assets.authoring.answers import unknown_ids
from aina_assets.authoring.feedback import Feedback
from aina_assets.authoring.joining import codes_of_chapter, join_curriculum
from aina_assets.contracts.errors import AinaError
from aina_assets.warehouse.settings import AUTHORED
from aina_assets_tests.authoring.drafted import (
    applet,
    chapter,
    config,
    knowledge,
    module,
    request,
    rules,
    runner,
)

Sample = dict[str, Any]


def modules() -> list[Sample]:
    found: list[Sample] = chapter()["derive_module_sequence"]["module_sequence"]
    return found


def test_a_chapter_s_codes_are_those_of_its_passages_and_what_they_rest_on() -> None:
    codes = codes_of_chapter(knowledge(), request())
    by_code = {row["lo_code"]: row for row in knowledge().learning_objectives}
    assert {"SMF.4.NF.7", "SIS.5.FRA.4", "SMF.3.NF.1"} <= set(codes)
    assert all(set(by_code[code]["depends_on"]) <= set(codes) for code in codes)


def test_a_code_that_is_not_in_the_knowledge_base_is_refused() -> None:
    with pytest.raises(AinaError, match=r"SMF\.9\.XX"):
        join_curriculum(knowledge(), request(), ["SMF.9.XX"])


def test_a_brief_places_every_code_once() -> None:
    context = chapter()["curriculum_context"]
    surfaced = chapter()["derive_lo_brief"]["surfaced_lo_codes"]
    assert sorted(one["lo_code"] for one in surfaced) == sorted(
        one["lo_code"] for one in context["learning_objectives"]
    )


def test_a_chapter_that_the_knowledge_base_knows_nothing_of_is_refused_in_a_sentence() -> None:
    made = dict(chapter())
    made["curriculum_context"] = {**made["curriculum_context"], "learning_objectives": []}
    output = runner().run("derive_lo_brief", "ch_research", made)
    assert output.status == "failed"
    assert output.reason.startswith("CH-G4-FR-EQ: expected a learning objective")
    assert "found none" in output.reason
    assert "Error" not in output.reason


def test_a_sequence_keeps_the_bounds_the_request_and_dependence() -> None:
    wanted = request()["modules_wanted"]
    assert wanted["min"] <= len(modules()) <= wanted["max"]
    place = {code: one["position"] for one in modules() for code in one["lo_codes"]}
    by_code = {row["lo_code"]: row for row in knowledge().learning_objectives}
    for code, position in place.items():
        needed = [place[other] for other in by_code[code]["depends_on"] if other in place]
        together = {place[other] for other in modules()[position - 1]["lo_codes"]}
        assert all(one < position or one in together for one in needed)
    bounds = rules().bounds
    for one in modules():
        assert len(one["lo_components"]) <= bounds.max_components
        assert len(one["vocabulary_terms"]) <= bounds.max_new_terms
        assert len(one["module_title"].split()) <= 8
        assert any(flag.startswith(("pivotal_difficulty", "kb_gap")) for flag in one["flags"])


def test_every_core_code_has_one_owner_and_every_misconception_and_term_one_module() -> None:
    sequence = chapter()["derive_module_sequence"]
    owners = [row for row in sequence["reconciliation_map"] if row["role"] == "owner"]
    core = {
        one["lo_code"]
        for one in chapter()["derive_lo_brief"]["surfaced_lo_codes"]
        if one["class"] == "core"
    }
    assert core <= {row["lo_code"] for row in owners}
    for name in ("misconception_ids", "vocabulary_terms", "lo_codes"):
        every = [item for one in modules() for item in one[name]]
        assert len(every) == len(set(every)), name


def test_simplest_form_comes_after_generating_whatever_the_book_says() -> None:
    place = {code: one["position"] for one in modules() for code in one["lo_codes"]}
    assert place["SMF.4.NF.2"] < place["SMF.4.NF.3"]
    changes = chapter()["derive_module_sequence"]["textbook_validation"]["order_changes"]
    assert any("TXB-NT4-04" in one["what"] for one in changes)


@pytest.mark.parametrize("position", range(1, 8))
def test_a_module_is_a_lesson_with_a_route_for_each_component(position: int) -> None:
    made = module(position)
    blueprint = made["build_module_blueprint"]
    slides, bounds = blueprint["slides"], rules().bounds
    assert bounds.min_slides <= len(slides) <= bounds.max_slides
    assert [slide["slide_no"] for slide in slides] == list(range(1, len(slides) + 1))
    assert sum("pivotal" in slide["tags"] for slide in slides) == 1
    *before, last = slides
    assert all(len(slide["on_slide_text"].split()) <= 45 for slide in before)
    assert len(last["on_slide_text"].split()) <= 60
    for index in range(len(blueprint["lo_components"])):
        levels = [
            slide["scaffolding_level_per_slide"]
            for slide in slides
            if slide["section"] == "development" and index in slide["component_indexes"]
        ]
        assert levels == ["full", "partial", "guided", "independent"]
    assert made["module_lo_brief_enriched"]["scope_drift_flags"] == []


@pytest.mark.parametrize("position", range(1, 8))
def test_research_cites_the_input_and_names_what_is_missing(position: int) -> None:
    made = module(position)
    synthesis = made["research_deep_synthesis"]
    assert unknown_ids(synthesis, made) == []
    assert 200 <= len(synthesis["synthesis_narrative"].split()) <= 500
    struck = {one["component_index"] for one in synthesis["lo_misconceptions"]}
    missing = {gap["subject"] for gap in synthesis["gaps"] if gap["kind"] == "misconception"}
    for index, part in enumerate(made["approved_objective"]["lo_components"]):
        assert (index in struck) is not (part["statement"] in missing)
    for one in synthesis["lo_components_enrichment"]:
        assert len(one["visual_treatment_reference"].split("\n\n")) >= 3


def test_without_evidence_there_are_gaps_and_no_ids() -> None:
    made = dict(module(2))
    made["kb_evidence"] = {name: [] for name in made["kb_evidence"]}
    output = runner().run("research_deep", "mod_review", made)
    assert output.status == "made"
    synthesis = output.value
    kinds = {gap["kind"] for gap in synthesis["gaps"]}
    assert {"visual_model", "vocabulary", "misconception", "interactive"} <= kinds
    assert synthesis["misconceptions"] == synthesis["visual_models"] == []
    assert len(synthesis["synthesis_narrative"].split()) >= 150


def test_an_applet_narrows_its_module_and_has_every_stage() -> None:
    made = applet(3)
    parent = made["module_lo_brief_enriched"]["derived"]
    assert made["derive_applet_lo"]["applet_lo"] in {
        one["statement"] for one in parent["lo_components"]
    }
    screens = made["build_applet_screens"]["screens"]
    assert [one["ias_stage"] for one in screens] == list(config().enums["ias_stage"])
    assert len({str(one["time_estimate"]) for one in screens}) > 1


def test_drafts_are_the_same_each_time() -> None:
    first = runner().run("build_blueprint", "mod_review", module(4))
    second = runner().run("build_blueprint", "mod_review", copy.deepcopy(dict(module(4))))
    assert first.digest == second.digest


# ------------------------------------------------------------------------------------------- rework


def reworked(skill: str, lane: str, made: Sample, text: str, previous: Sample) -> Sample:
    output = runner().run(skill, lane, made, Feedback.parse(text), previous)
    assert output.status == "made", output.reason
    return output.value


def test_a_rework_carries_out_what_it_can_and_keeps_the_rest_word_for_word() -> None:
    made = module(3)
    before = made["build_module_blueprint"]
    after = reworked(
        "build_blueprint", "mod_review", made, 'On slide 8 replace "Eva" by "Mina".', before
    )
    assert "Mina ate 6/8" in after["slides"][7]["on_slide_text"]
    assert "Changed as asked" in after["slides"][7]["teaching_sufficiency_note"]
    untouched = [one for one in before["slides"] if one["slide_no"] in (2, 5, 12)]
    assert all(
        {key: value for key, value in one.items() if key != "asset_context_role"} in after["slides"]
        for one in untouched
    )


def test_what_no_rule_can_carry_out_is_said_to_be_left() -> None:
    made = module(3)
    after = reworked(
        "build_blueprint", "mod_review", made, "Slide 5 is dull.", made["build_module_blueprint"]
    )
    assert "left for a person" in after["slides"][4]["teaching_sufficiency_note"]


@pytest.mark.parametrize(
    ("skill", "lane", "name", "field"),
    [
        ("derive_lo_brief", "ch_research", "derive_lo_brief", "notes"),
        ("derive_module_lo", "mod_review", "derive_module_lo", "notes"),
        ("research_deep", "mod_review", "research_deep_synthesis", "synthesis_narrative"),
        ("derive_applet_lo", "app_review", "derive_applet_lo", "notes"),
    ],
)
def test_a_rework_is_visible_in_the_field_for_notes(
    skill: str, lane: str, name: str, field: str
) -> None:
    documents = {
        "ch_research": chapter(), "mod_review": module(3), "app_review": applet(3)
    }[lane]  # fmt: skip
    after = reworked(skill, lane, documents, "Say more about thirds.", documents[name])
    assert "Say more about thirds." in after[field]
    assert {key: value for key, value in after.items() if key != field} == {
        key: value for key, value in documents[name].items() if key != field
    }


def test_a_rework_of_a_sequence_and_of_screens_is_visible_where_it_was_asked() -> None:
    sequence = chapter()["derive_module_sequence"]
    after = reworked(
        "derive_module_sequence", "ch_research", chapter(), "module 2 is too early", sequence
    )
    assert "module 2 is too early" in after["module_sequence"][1]["flags"][-1]
    assert after["module_sequence"][2:] == sequence["module_sequence"][2:]
    made = applet(3)
    screens = reworked(
        "build_blueprint", "app_review", made, "screen 4 is unclear", made["build_applet_screens"]
    )
    assert "screen 4 is unclear" in screens["screens"][3]["teaching_sufficiency_note"]


def test_one_entry_is_rewritten_and_the_others_stay() -> None:
    made = module(3)
    before = made["build_module_blueprint"]
    output = runner().run(
        "build_blueprint",
        "mod_review",
        made,
        Feedback.parse('refine_entry slides 8: replace "Eva" with "Mina"'),
        before,
    )
    assert output.status == "made", output.reason
    assert (output.contract, output.answer_contract) == (
        "build_module_blueprint", "refine_gate_entry",
    )  # fmt: skip
    slides = output.value["slides"]
    assert "Mina" in slides[7]["on_slide_text"]
    assert slides[:7] + slides[8:] == before["slides"][:7] + before["slides"][8:]


def test_an_entry_that_no_rule_can_change_says_so_in_the_document() -> None:
    made = module(3)
    before = made["build_module_blueprint"]
    noted = {}
    for text in ("students cut each part", 'replace "Eva" by "Mina"', 'replace "Zoe" by "Mina"'):
        output = runner().run(
            *("build_blueprint", "mod_review", made),
            Feedback.parse(f"refine_entry slides 8: {text}"),
            before,
        )
        slide = output.value["slides"][7]
        assert text in slide["teaching_sufficiency_note"]
        told = slide["teaching_sufficiency_note"].partition("Asked at the gate. ")[2]
        noted[text] = told.partition(":")[0]
    assert list(noted.values()) == [
        "Not changed by rule; left for a person to carry out",
        "Changed as asked",
        "Not changed by rule; left for a person to carry out",
    ]


def test_what_the_sample_s_reviewer_asks_for_is_carried_out_before_it_is_approved() -> None:
    path = AUTHORED / "sample" / "review" / "authoring.yaml"
    decisions = yaml.safe_load(path.read_text(encoding="utf-8"))
    (asked,) = [one for one in decisions if one["id"] == "slides_multiplying_first"]
    (edit,) = asked["required_edits"]
    made = module(2)
    before = made["build_module_blueprint"]["slides"][2]
    after = reworked(
        "build_blueprint", "mod_review", made, edit["text"], made["build_module_blueprint"]
    )["slides"][2]
    assert "Follow each step." in before["on_slide_text"]
    assert "Cut each part yourself" in after["on_slide_text"]
    assert "Changed as asked" in after["teaching_sufficiency_note"]


def test_an_entry_that_is_not_there_fails_by_name() -> None:
    made = module(3)
    output = runner().run(
        "build_blueprint",
        "mod_review",
        made,
        Feedback.parse("refine_entry slides 99: shorter"),
        made["build_module_blueprint"],
    )
    assert (output.status, output.document) == ("failed", None)


def test_reworks_add_up() -> None:
    made = module(3)
    first = reworked(
        "build_blueprint", "mod_review", made, 'replace "Eva" by "Mina"',
        made["build_module_blueprint"],
    )  # fmt: skip
    second = reworked("build_blueprint", "mod_review", made, 'replace "oats" by "corn"', first)
    assert "Mina ate 6/8 of a bar of corn" in second["slides"][7]["on_slide_text"]
