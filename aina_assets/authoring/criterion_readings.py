"""How far a plan meets each criterion of the rubrics, as far as its fields tell.

Belongs here: faults of a plan by criterion. None is the highest level, one or two the next, more or
a fatal one the lowest. Stays out: points and totals (``scoring``); what only a picture shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from aina_assets.authoring.gate_readings import gate_faults
from aina_assets.authoring.pitfall_readings import Content, pitfall_faults
from aina_assets.authoring.reading import (
    Fault,
    Faults,
    asks,
    of_component,
    sentences,
    variants_of,
    word_count,
)
from aina_assets.authoring.rules import AuthoringRules

Reading = Callable[[Content], Faults]

_SUPPORT = ("full", "partial", "guided", "independent")
_STAGES = ("orient", "predict", "act", "observe", "generalise", "check")
_LEVELS = ("entry", "developing", "proficient", "extending")
_EMPTY_LINK = re.compile(r"^(next|now|let us|then)\b.{0,40}$", re.IGNORECASE)
_HOW = re.compile(r"\b(how (can|do|does) (you|one|we|they)|why|reason|explain|because)\b", re.I)


def criterion_faults(
    scope: str, code: str, criterion: str, content: Content, rules: AuthoringRules
) -> list[Fault] | None:
    """Faults of a plan by one criterion; ``None`` where no reading of it is known."""
    reading = READINGS.get(f"{scope}_{code}:{criterion}")
    if reading is None:
        return None
    if isinstance(reading, str):
        kind, _, name = reading.partition(":")
        return (
            gate_faults(name, content, rules) if kind == "gate" else pitfall_faults(name, content)
        )
    return list(reading(content))


def level_index(faults: list[Fault], levels: int) -> int:
    """Which level so many faults come to, from the highest."""
    if not faults:
        return 0
    return (
        levels - 1 if len(faults) > 2 or any(one.is_fatal for one in faults) else min(1, levels - 1)
    )


def _fault(content: Content, entry: Mapping[str, Any], field: str, what: str) -> Fault:
    said = entry.get(field, "")
    return Fault(content.number(entry), field, said if isinstance(said, str) else str(said), what)


# ------------------------------------------------------------------------------------------- module


def _md1(content: Content) -> Faults:
    yield from _untaught(content)
    for slide in content.entries:
        if not slide["component_indexes"] and slide["slide_role"] != "title":
            yield _fault(content, slide, "title", "it serves no component")


def _untaught(content: Content) -> Faults:
    """Components that are not taught, worked with and checked."""
    for index in range(content.component_count):
        roles = {slide["slide_role"] for slide in of_component(content.entries, index)}
        lacking = [
            name
            for name, some in (
                ("taught", {"concept_development", "worked_example", "misconception_probe"}),
                ("practised", {"guided_practice", "independent_practice"}),
                ("checked", {"independent_practice", "exit_question"}),
            )
            if not roles & some
        ]
        if lacking:
            yield Fault(
                0, "slides", f"component {index}", f"not {' or '.join(lacking)}", is_fatal=not roles
            )


def _md2(content: Content) -> Faults:
    summary = content.document["cpa_summary"]
    for phase in ("concrete", "pictorial", "abstract", "bridge"):
        real = [content.number(one) for one in content.entries if one["cpa_phase"] == phase]
        if sorted(summary[phase]) != real:
            yield Fault(
                0,
                "cpa_summary",
                f"{phase}: {summary[phase]}",
                f"the slides say {real}",
                is_fatal=bool(summary[phase]) and not real,
            )
    yield from pitfall_faults("symbol_before_model", content)
    abstract = [content.number(one) for one in content.entries if one["cpa_phase"] == "abstract"]
    after = [
        one
        for one in content.entries
        if abstract and content.number(one) > abstract[0] and one["cpa_phase"] != "abstract"
    ]
    if abstract and not after:
        yield Fault(abstract[0], "cpa_phase", "abstract", "no way back from symbol to model")


def _md3(content: Content) -> Faults:
    for index in range(content.component_count):
        roles = [slide["slide_role"] for slide in of_component(content.entries, index)]
        for role in ("worked_example", "guided_practice", "independent_practice"):
            if role not in roles:
                yield Fault(0, "slides", f"component {index}", f"no {role}")


def _md4(content: Content) -> Faults:
    yield from pitfall_faults("two_new_things", content)
    for slide in content.entries:
        if len(sentences(slide["major_idea_per_slide"])) > 2:
            yield _fault(content, slide, "major_idea_per_slide", "more than one idea")


def _md5(content: Content) -> Faults:
    yield from pitfall_faults("unframed_applet", content)
    for place in content.document["applet_placements"]:
        if word_count(place["why_interactive"]) < 5:
            yield Fault(
                place["slide_no"],
                "applet_placements",
                place["why_interactive"],
                "it does not say what students cause",
            )


def _md6(content: Content) -> Faults:
    there = {one["textbook_ref_id"]: one for one in content.document["textbook_alignment"]}
    for one in content.synthesis["textbook_references"]:
        entry = there.get(one["textbook_ref_id"])
        if entry is None or (entry["state"] == "left_out" and not entry["reason"].strip()):
            yield Fault(
                0,
                "textbook_alignment",
                one["textbook_ref_id"],
                "no slide and no reason",
                is_fatal=entry is None,
            )


def _md7(content: Content) -> Faults:
    for slide in content.entries:
        link = slide["transition_from_previous"]
        if word_count(link) < 4 or _EMPTY_LINK.match(link):
            yield _fault(content, slide, "transition_from_previous", "it only announces")


def _ml1(content: Content) -> Faults:
    grade = content.facts.get("grade")
    most = 15 if not isinstance(grade, int) or grade <= 5 else 20
    for slide in content.entries:
        for sentence in sentences(slide["on_slide_text"]):
            if word_count(sentence) > most:
                yield Fault(content.number(slide), "on_slide_text", sentence, "too long a sentence")


def _ml2(content: Content) -> Faults:
    yield from pitfall_faults("term_in_passing", content)
    states = {
        (state.get("term"), state.get("level")): state
        for slide in content.entries
        for state in slide["vocabulary_on_this_slide"].get("terms") or []
        if isinstance(state, Mapping)
    }
    for term in content.document["vocabulary_introduction_plan"]:
        wanted = term["target_level"] in ("defined", "used")
        state = states.get((term["term"], "defined"))
        if wanted and (state is None or not str(state.get("definition", "")).strip()):
            yield Fault(
                term["first_slide"],
                "vocabulary_on_this_slide",
                term["term"],
                "no definition on any slide",
            )


def _ml4(content: Content) -> Faults:
    for slide in content.entries:
        if slide["vir_id"] and "whole" not in slide["visual_model_description"].lower():
            yield _fault(content, slide, "visual_model_description", "it does not name the whole")


def _ml5(content: Content) -> Faults:
    for slide in content.entries:
        notes = " ".join(slide["dev_notes"]).lower()
        if slide["vir_id"] and not ("4.5 to 1" in notes and "3 to 1" in notes and "24" in notes):
            yield _fault(content, slide, "dev_notes", "contrast or size is not asked for")


def _ml6(content: Content) -> Faults:
    notes = {content.number(one): " ".join(one["dev_notes"]).lower() for one in content.entries}
    for place in content.document["video_placements"]:
        said = notes.get(place["slide_no"], "")
        if not all(word in said for word in ("caption", "transcript", "descri")):
            yield Fault(
                place["slide_no"],
                "video_placements",
                place["purpose"],
                "captions, transcript or description is missing",
            )


def _ml7(content: Content) -> Faults:
    for slide in content.entries:
        if slide["slide_role"] in ("independent_practice", "exit_question"):
            notes = slide["teacher_action"].lower()
            ways = sum(word in notes for word in ("oral", "drawn", "written", "built", "pointed"))
            if ways < 2:
                yield _fault(content, slide, "teacher_action", "one way to answer only")


def _ml8(content: Content) -> Faults:
    there = {one["convention_id"] for one in content.document["convention_requirements"]}
    for one in content.synthesis["conventions_flags"]:
        if one["convention_id"] not in there:
            yield Fault(
                0,
                "convention_requirements",
                one["convention_id"],
                "it is not mentioned",
                is_fatal=True,
            )


def _mp1(content: Content) -> Faults:
    for one in content.synthesis["lo_misconceptions"]:
        slides = [
            slide
            for slide in content.entries
            if one["misconception_id"] in slide["misconception_ids"]
            and slide["section"] == "development"
        ]
        roles = [slide["slide_role"] for slide in slides]
        if not slides:
            yield Fault(0, "slides", one["misconception_id"], "it is not met", is_fatal=True)
        elif "misconception_probe" not in roles or len(slides) < 3:
            yield _fault(
                content, slides[0], "on_slide_text", "no commitment, conflict, second case"
            )


def _mp2(content: Content) -> Faults:
    needed = content.synthesis.get("prerequisites_to_reactivate") or []
    called = [slide for slide in content.entries if slide["slide_role"] == "retrieval"]
    if needed and not called:
        yield Fault(0, "slides", needed[0]["what"], "nothing calls it up", is_fatal=True)
    for slide in called:
        if "cannot" not in slide["teacher_action"]:
            yield _fault(content, slide, "teacher_action", "no way forward for who cannot")


def _mp3(content: Content) -> Faults:
    yield from pitfall_faults("everything_varies", content)
    for index in range(content.component_count):
        varied = " ".join(
            part for one in of_component(content.entries, index) for part in variants_of(one)
        ).lower()
        if not re.search(r"edge|boundary|range|non-example|not", varied):
            yield Fault(0, "variation", varied, f"component {index}: no boundary case")


def _mp4(content: Content) -> Faults:
    asked = [one for one in content.entries if asks(one["on_slide_text"])]
    why = [one for one in asked if _HOW.search(one["on_slide_text"] + one["student_action"])]
    if len(why) * 3 < len(asked):
        yield Fault(
            0,
            "slides",
            f"{len(why)} of {len(asked)} questions",
            "few ask how one knows",
            is_fatal=not why,
        )


def _mp5(content: Content) -> Faults:
    roles = [one["slide_role"] for one in content.entries]
    alone = roles.index("independent_practice") if "independent_practice" in roles else len(roles)
    probes = [
        one
        for one in content.entries[:alone]
        if one["slide_role"] in ("misconception_probe", "guided_practice")
    ]
    if not probes:
        yield Fault(0, "slides", "", "the first check is the last slide", is_fatal=True)
    elif not any(re.search(r"goes? back|slide \d", one["teacher_action"]) for one in probes):
        yield _fault(content, probes[0], "teacher_action", "no next step for a wrong answer")


def _mp6(content: Content) -> Faults:
    models = content.document["visual_models"]
    if len(models) < 2:
        yield Fault(0, "visual_models", f"{len(models)}", "one model throughout", is_fatal=True)
    elif not any(one["linked_to"] for one in models):
        yield Fault(0, "visual_models", models[1]["name"], "the models are not matched")


def _mp7(content: Content) -> Faults:
    for index in range(content.component_count):
        levels = [
            _SUPPORT.index(one["scaffolding_level_per_slide"])
            for one in of_component(content.entries, index)
            if one["section"] == "development"
        ]
        if _SUPPORT.index("independent") not in levels:
            yield Fault(
                0,
                "scaffolding_level_per_slide",
                f"component {index}",
                "it never reaches independent",
            )
        if any(b - a > 1 for a, b in pairwise(levels)):
            yield Fault(0, "scaffolding_level_per_slide", f"component {index}", "a step is skipped")


def _mp8(content: Content) -> Faults:
    if not any("mixed" in " ".join(variants_of(one)) for one in content.entries):
        yield Fault(0, "variation", "", "nothing is mixed", is_fatal=True)
    if not any("earlier" in one["on_slide_text"].lower() for one in content.entries):
        yield Fault(0, "on_slide_text", "", "nothing earlier returns")


def _mx1(content: Content) -> Faults:
    first = content.entries[:2]
    hooks = [one for one in first if one["slide_role"] == "hook"]
    if not hooks:
        yield _fault(content, first[0], "on_slide_text", "it opens without a question")
    elif "?" not in hooks[0]["on_slide_text"]:
        yield _fault(content, hooks[0], "on_slide_text", "nothing is asked")


def _mx4(content: Content) -> Faults:
    numbers = {content.number(one) for one in content.entries}
    for trope, use in content.document["trope_map"].items():
        said = {part for part in ("plant", "pay_off") if use.get(part)}
        if len(said) < 2:
            yield Fault(0, "trope_map", trope, "planted and not paid off")
        marked = [one for one in content.entries if trope in one["tropes"]]
        if not marked:
            yield Fault(min(numbers), "tropes", trope, "no slide carries it")


def _mx6(content: Content) -> Faults:
    for slide in content.entries:
        if asks(slide["on_slide_text"]) and word_count(slide["teacher_action"]) < 8:
            yield _fault(content, slide, "teacher_action", "no prompts")


def _mx7(content: Content) -> Faults:
    exits = [one for one in content.entries if one["slide_role"] == "exit_question"]
    if not exits:
        yield Fault(0, "slides", "", "no exit question", is_fatal=True)
    elif not re.search(
        r"slide 1\b|opening|first question|back to", exits[0]["on_slide_text"], re.I
    ):
        yield _fault(content, exits[0], "on_slide_text", "the opening question is not taken up")


# ------------------------------------------------------------------------------------------- applet


def _each_notes(*words: str) -> Reading:
    """Every screen's dev notes say something with each of these words."""

    def reading(content: Content) -> Faults:
        for screen in content.entries:
            notes = " ".join(str(one) for one in screen["screen_zones"].get("dev_notes") or [])
            if not all(re.search(word, notes, re.IGNORECASE) for word in words):
                yield Fault(content.number(screen), "screen_zones", notes, f"nothing on {words[0]}")

    return reading


def _ad1(content: Content) -> Faults:
    yield from pitfall_faults("solvable_by_trying", content)
    for screen in content.entries:
        if word_count(screen["student_thinks"]) < 5:
            yield _fault(content, screen, "student_thinks", "no decision is stated")


def _ad2(content: Content) -> Faults:
    stages = [screen["ias_stage"] for screen in content.entries]
    for stage in _STAGES:
        if stage not in stages:
            yield Fault(0, "screens", stage, "the stage has no screen", is_fatal=True)
    if [_STAGES.index(one) for one in stages] != sorted(_STAGES.index(one) for one in stages):
        yield Fault(0, "screens", ", ".join(stages), "a stage is out of order")
    labels = [screen["screen_label"] for screen in content.entries]
    if len(set(labels)) < len(labels):
        yield Fault(0, "screen_label", ", ".join(labels), "two screens have one label")


def _ad3(content: Content) -> Faults:
    yield from pitfall_faults("everything_varies", content)
    yield from pitfall_faults("only_standard_cases", content)


def _ad4(content: Content) -> Faults:
    if word_count(content.document["scaffolding_arc"]) < 10:
        yield Fault(
            0,
            "scaffolding_arc",
            content.document["scaffolding_arc"],
            "it does not say what is removed where",
        )
    yield from pitfall_faults("scaffold_cliff", content)


def _ad5(content: Content) -> Faults:
    for screen in content.entries:
        said = " ".join(str(one.get("if", "")) for one in screen["intermediate_states"]).lower()
        if len(screen["intermediate_states"]) < 3 or "reset" not in said:
            yield _fault(content, screen, "screen_label", "a state is left to the developer")


def _ad6(content: Content) -> Faults:
    for screen in content.entries:
        link = screen["transition_from_previous"]
        if not all(
            str(link.get(key) or "").strip()
            for key in ("previous_end_state", "transition_purpose", "this_screen_entry_state")
        ):
            yield _fault(content, screen, "screen_label", "states do not follow")


def _al6(content: Content) -> Faults:
    for screen in content.entries:
        told = str(screen["screen_zones"].get("action_instruction", ""))
        if len(sentences(told)) != 1 or word_count(told) > 15:
            yield Fault(content.number(screen), "screen_zones", told, "not one short sentence")


def _al7(content: Content) -> Faults:
    for screen in content.entries:
        every = f"{screen['feedback']} {screen['intermediate_states']}".lower()
        if found := re.search(r"countdown|time limit|speed|auto-advance|hurry", every):
            yield Fault(
                content.number(screen),
                "feedback",
                found.group(0),
                "thinking is timed",
                is_fatal=True,
            )


def _ap4(content: Content) -> Faults:
    stages = [screen["ias_stage"] for screen in content.entries]
    if "predict" not in stages:
        yield Fault(0, "screens", "", "nothing is predicted", is_fatal=True)
    elif not any(
        "prediction" in str(screen["intermediate_states"]).lower()
        or "expected" in screen["student_does"].lower()
        for screen in content.entries
    ):
        yield Fault(0, "intermediate_states", "", "the prediction is not kept")


def _ap5(content: Content) -> Faults:
    order = [_LEVELS.index(screen["difficulty_level"]) for screen in content.entries]
    for screen, (a, b) in zip(content.entries[1:], pairwise(order), strict=False):
        if b < a:
            yield _fault(content, screen, "difficulty_level", "it falls")
    for screen in content.entries:
        said = screen["difficulty_rationale"]
        if word_count(said) < 4 or re.search(r"larger numbers|more items|less time", said, re.I):
            yield _fault(content, screen, "difficulty_rationale", "no structure is named")


def _ap6(content: Content) -> Faults:
    if not any(screen["ias_stage"] == "generalise" for screen in content.entries):
        yield Fault(0, "screens", "", "nothing is generalised", is_fatal=True)


def _ap7(content: Content) -> Faults:
    for screen in content.entries:
        replies = screen["feedback"].get("on_misconception") or []
        triggers = [str(one.get("trigger")) for one in replies if isinstance(one, Mapping)]
        if len(set(triggers)) < len(triggers):
            yield _fault(content, screen, "screen_label", "two causes share an answer")


def _ax1(content: Content) -> Faults:
    for screen in content.entries:
        if not any(str(one.get("visual_cue", "")).strip() for one in screen["affordances"]):
            yield _fault(content, screen, "screen_label", "nothing shows what can be moved")


def _ax2(content: Content) -> Faults:
    for screen in content.entries:
        zones = [
            str(screen["screen_zones"].get(one, ""))
            for one in ("action_instruction", "scaffolding_text")
        ]
        if zones[0] == zones[1]:
            yield _fault(content, screen, "screen_label", "zones overlap")


def _ax3(content: Content) -> Faults:
    for screen in content.entries:
        if not re.search(
            r"submi|asks|when asked|on request",
            str(screen["feedback"].get("timing")),
            re.IGNORECASE,
        ):
            yield Fault(
                content.number(screen),
                "feedback",
                str(screen["feedback"].get("timing")),
                "judgement is not apart from the reaction",
            )


def _ax4(content: Content) -> Faults:
    for screen in content.entries:
        every = f"{screen['intermediate_states']} {screen['affordances']}".lower()
        if "reset" not in every or "undo" not in every:
            yield _fault(content, screen, "screen_label", "no undo or no reset")


def _ax5(content: Content) -> Faults:
    spans = [
        tuple(
            screen["time_estimate"].get(part)
            for part in ("thinking_seconds", "interaction_seconds", "feedback_seconds")
        )
        for screen in content.entries
    ]
    if len(set(spans)) == 1 and len(spans) > 1:
        yield Fault(0, "time_estimate", str(spans[0]), "identical on all screens", is_fatal=True)
    short = [
        one
        for one in spans
        if not isinstance(one[0], int) or not isinstance(one[1], int) or one[0] < one[1]
    ]
    if len(short) * 2 > len(spans):
        yield Fault(0, "time_estimate", "", "interaction outweighs thinking")


def _ax6(content: Content) -> Faults:
    praise = re.compile(r"\b(well done|great|super|clever|good job|stars?|points|lives)\b", re.I)
    for screen in content.entries:
        if found := praise.search(str(screen["feedback"])):
            yield Fault(
                content.number(screen), "feedback", found.group(0), "praise without content"
            )


def _ax7(content: Content) -> Faults:
    models = [screen["vir_id"] for screen in content.entries]
    for screen, (one, other) in zip(content.entries[1:], pairwise(models), strict=False):
        said = str(screen["transition_from_previous"].get("transition_purpose", ""))
        if one != other and word_count(said) < 4:
            yield _fault(content, screen, "vir_id", "the model changes without a reason")


READINGS: dict[str, Reading | str] = {
    "module_D:D1": _md1,
    "module_D:D2": _md2,
    "module_D:D3": _md3,
    "module_D:D4": _md4,
    "module_D:D5": _md5,
    "module_D:D6": _md6,
    "module_D:D7": _md7,
    "module_L:L1": _ml1,
    "module_L:L2": _ml2,
    "module_L:L3": "pitfall:colour_only_meaning",
    "module_L:L4": _ml4,
    "module_L:L5": _ml5,
    "module_L:L6": _ml6,
    "module_L:L7": _ml7,
    "module_L:L8": _ml8,
    "module_P:P1": _mp1,
    "module_P:P2": _mp2,
    "module_P:P3": _mp3,
    "module_P:P4": _mp4,
    "module_P:P5": _mp5,
    "module_P:P6": _mp6,
    "module_P:P7": _mp7,
    "module_P:P8": _mp8,
    "module_X:X1": _mx1,
    "module_X:X2": "pitfall:passive_run",
    "module_X:X3": "pitfall:wall_of_text",
    "module_X:X4": _mx4,
    "module_X:X5": "gate:module_context_varied",
    "module_X:X6": _mx6,
    "module_X:X7": _mx7,
    "applet_D:D1": _ad1,
    "applet_D:D2": _ad2,
    "applet_D:D3": _ad3,
    "applet_D:D4": _ad4,
    "applet_D:D5": _ad5,
    "applet_D:D6": _ad6,
    "applet_D:D7": "gate:applet_mathematics_correct",
    "applet_L:L1": "gate:applet_operable_without_dragging",
    "applet_L:L2": "pitfall:colour_only_meaning",
    "applet_L:L3": _each_notes(r"4\.5 to 1", "3 to 1"),
    "applet_L:L4": _each_notes("announced|status text|alternative text"),
    "applet_L:L5": _each_notes(r"\b(24|44)\b", "pixel"),
    "applet_L:L6": _al6,
    "applet_L:L7": _al7,
    "applet_L:L8": _each_notes("focus", "after"),
    "applet_L:L9": _each_notes("spoken form"),
    "applet_P:P1": "gate:applet_misconception_answered",
    "applet_P:P2": "pitfall:verdict_only_feedback",
    "applet_P:P3": "pitfall:symbol_before_model",
    "applet_P:P4": _ap4,
    "applet_P:P5": _ap5,
    "applet_P:P6": _ap6,
    "applet_P:P7": _ap7,
    "applet_X:X1": _ax1,
    "applet_X:X2": _ax2,
    "applet_X:X3": _ax3,
    "applet_X:X4": _ax4,
    "applet_X:X5": _ax5,
    "applet_X:X6": _ax6,
    "applet_X:X7": _ax7,
    "applet_X:X8": _each_notes(r"360 pixel"),
}
