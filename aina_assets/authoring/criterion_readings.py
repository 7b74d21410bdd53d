"""How far a plan meets each criterion of the rubrics, as far as its fields tell.

Belongs here: faults of a plan by criterion. None is the highest level, one or two the next, more or
a fatal one the lowest; of some criteria fields show faults only, and without one nothing is said.
Stays out: points and totals (``scoring``); what only a picture shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from aina_assets.authoring.answer_check import choice_of, offers_choice
from aina_assets.authoring.config import Criterion
from aina_assets.authoring.gate_readings import gate_faults
from aina_assets.authoring.pitfall_readings import Content, pitfall_faults
from aina_assets.authoring.reading import (
    COMPUTED,
    NOT_COMPUTED,
    Fault,
    Faults,
    answer_in,
    asks,
    colour_alone,
    content_words,
    follows,
    gives_answer,
    names_term,
    of_component,
    sentences,
    solutions_of,
    texts_in,
    variants_of,
    word_count,
)
from aina_assets.authoring.rules import AuthoringRules

Reading = Callable[[Content], Faults]

_SUPPORT = ("full", "partial", "guided", "independent")
_STAGES = ("orient", "predict", "act", "observe", "generalise", "check")
_LEVELS = ("entry", "developing", "proficient", "extending")
_DECIDES = re.compile(
    r"\b(decide|choose|whether|which|what|how|why|compare|explain|expect|if|use)\b", re.IGNORECASE
)
_EMPTY_LINK = re.compile(r"^(next|now|let us|then)\b.{0,40}$", re.IGNORECASE)
_HOW = re.compile(r"\b(how (can|do|does) (you|one|we|they)|why|reason|explain|because)\b", re.I)


def criterion_faults(
    scope: str, code: str, criterion: str, content: Content, rules: AuthoringRules
) -> list[Fault] | None:
    """Faults of a plan by one criterion; ``None`` where no reading of it is known."""
    parts = READINGS.get(f"{scope}_{code}:{criterion}")
    if parts is None:
        return None
    found = [
        _read(part, content, rules) for part in (parts if isinstance(parts, tuple) else (parts,))
    ]
    if all(faults is None for faults in found):
        return None
    return [fault for faults in found for fault in faults or ()]


def shows_faults_only(scope: str, code: str, criterion: Criterion) -> bool:
    """Whether fields can show that a criterion is missed, and never that it is met."""
    return criterion.vision or f"{scope}_{code}:{criterion.id}" in _FAULTS_ONLY


def _read(part: Reading | str, content: Content, rules: AuthoringRules) -> list[Fault] | None:
    if not isinstance(part, str):
        return list(part(content))
    kind, _, name = part.partition(":")
    return gate_faults(name, content, rules) if kind == "gate" else pitfall_faults(name, content)


def level_index(faults: list[Fault], levels: int) -> int:
    """Which level so many faults come to, from the highest."""
    if not faults:
        return 0
    return (
        levels - 1 if len(faults) > 2 or any(one.is_fatal for one in faults) else min(1, levels - 1)
    )


def _of_component(content: Content, index: int, what: str, *, is_fatal: bool = False) -> Fault:
    """A fault of a component: it is quoted, since no slide has what is missing."""
    said = str(content.document["lo_components"][index]["statement"])
    field = f"lo_components[{index}].statement"
    return Fault(0, field, said, f"component {index}: {what}", is_fatal)


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
            yield _of_component(content, index, f"not {' or '.join(lacking)}", is_fatal=not roles)


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
        own = of_component(content.entries, index)
        roles = [slide["slide_role"] for slide in own if not _is_unworked(slide)]
        steps = ("worked_example", "guided_practice", "independent_practice")
        for role in steps:
            if role not in roles:
                yield _of_component(content, index, f"no {role}")
        first = [roles.index(role) for role in steps if role in roles]
        if first != sorted(first):
            yield _of_component(content, index, "own work comes before what it rests on")


def _is_unworked(slide: Mapping[str, Any]) -> bool:
    """Whether it is called a worked example and its plan works nothing out."""
    return (
        slide["slide_role"] == "worked_example"
        and slide.get("worked_solutions") is not None
        and (not any(one.get("steps") for _, one in solutions_of(slide)))
    )


def _md4(content: Content) -> Faults:
    yield from pitfall_faults("two_new_things", content)
    for slide in content.entries:
        if len(sentences(slide["major_idea_per_slide"])) > 2:
            yield _fault(content, slide, "major_idea_per_slide", "more than one idea")


def _md5(content: Content) -> Faults:
    yield from pitfall_faults("unframed_applet", content)
    numbers = {content.number(slide): slide for slide in content.entries}
    for place in (
        *content.document["applet_placements"],
        *content.document["video_placements"],
    ):
        lead = numbers.get(place["lead_in_slide"])
        if lead is not None and not asks(lead["on_slide_text"]):
            yield _fault(content, lead, "on_slide_text", "nothing is asked before the placement")
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
    known = {one["textbook_ref_id"] for one in content.synthesis["textbook_references"]}
    for reference in there:
        if reference not in known:
            yield Fault(
                0, "textbook_alignment", reference, "not in the knowledge base", is_fatal=True
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
        said = slide["visual_model_description"]
        if slide["vir_id"] and "whole" not in said.lower():
            yield _fault(content, slide, "visual_model_description", "it does not name the whole")
        if gives_answer(said, answer_in(slide["teacher_action"])):
            yield Fault(
                content.number(slide),
                "visual_model_description",
                said,
                "the description solves the task",
                is_fatal=True,
            )


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


def _shows_convention(slide: Mapping[str, Any], convention: Mapping[str, Any]) -> bool:
    """Whether a slide names a convention, or has half of the words of its form."""
    fields = ("title", "on_slide_text", "teacher_action", "visual_model_description")
    every = [*(slide[name] for name in fields), slide["dev_notes"]]
    told = " ".join(texts_in([*every, slide["vocabulary_on_this_slide"]]))
    # Every slide has notes on its text: that word shows nothing.
    form = content_words(str(convention["show"])) - {"text"}
    is_there = bool(form) and len(form & content_words(told)) * 2 >= len(form)
    return convention["convention_id"] in told or is_there


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
    for at, one in enumerate(content.document["convention_requirements"]):
        if not one["slides"]:
            yield Fault(
                0, f"convention_requirements[{at}]", one["convention_id"], "it stands on no slide"
            )
        bare = [
            number
            for number in one["slides"]
            if not any(
                content.number(slide) == number and _shows_convention(slide, one)
                for slide in content.entries
            )
        ]
        if bare:
            yield Fault(
                bare[0],
                "dev_notes",
                one["convention_id"],
                "neither its form nor a note on it stands there",
            )
    flagged = {
        state.get("term")
        for slide in content.entries
        for state in slide["vocabulary_on_this_slide"].get("terms") or []
        if isinstance(state, Mapping) and str(state.get("false_friend_warning") or "").strip()
    }
    friends = {
        note["term"]
        for note in content.synthesis.get("translation_notes") or []
        if note.get("false_friend")
    }
    for at, term in enumerate(content.document["vocabulary_introduction_plan"]):
        if term["term"] in friends - flagged:
            yield Fault(
                0,
                f"vocabulary_introduction_plan[{at}].term",
                term["term"],
                "its false friend is not flagged",
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
        own = of_component(content.entries, index)
        varied = " ".join(
            part for one in own if not _is_unsolved(one) for part in variants_of(one)
        ).lower()
        if not re.search(r"\b(edges?|boundary|range|non-examples?|not)\b", varied):
            yield _of_component(content, index, "no boundary case")
        answers = [
            choice_of(str(one["answer"]))
            for slide in own
            if slide["section"] == "development"
            for _, one in solutions_of(slide)
            if one.get("source") == COMPUTED and offers_choice(str(one["statement"]))
        ]
        if len(answers) > 1 and len(set(answers)) == 1:
            what = f"every task has the answer “{answers[0]}”"
            yield _of_component(content, index, what, is_fatal=True)


def _is_unsolved(slide: Mapping[str, Any]) -> bool:
    """Whether none of its tasks has a solution yet."""
    solutions = [one for _, one in solutions_of(slide)]
    return bool(solutions) and all(one.get("source") == NOT_COMPUTED for one in solutions)


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
            yield _of_component(content, index, "it never reaches independent")
        if any(b - a > 1 for a, b in pairwise(levels)):
            yield _of_component(content, index, "a step is skipped")


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
        return
    if "?" not in hooks[0]["on_slide_text"]:
        yield _fault(content, hooks[0], "on_slide_text", "nothing is asked")
    for term in content.document["vocabulary_introduction_plan"]:
        if names_term(hooks[0]["on_slide_text"], term["term"]):
            yield _fault(content, hooks[0], "on_slide_text", f"“{term['term']}” is a new term")
    if not asks(hooks[0]["student_action"]):
        yield _fault(content, hooks[0], "student_action", "nobody commits to an answer")


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
            missing = [one for one in words if not re.search(one, _notes(screen), re.IGNORECASE)]
            if missing:
                yield Fault(
                    content.number(screen), "screen_zones.dev_notes", "", f"nothing on {missing[0]}"
                )

    return reading


def _notes(screen: Mapping[str, Any]) -> str:
    return " ".join(str(one) for one in screen["screen_zones"].get("dev_notes") or [])


def _ad1(content: Content) -> Faults:
    yield from pitfall_faults("solvable_by_trying", content)
    for screen in content.entries:
        said = screen["student_thinks"]
        if word_count(said) < 5 or not _DECIDES.search(said):
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
    asked: dict[tuple[str, str], int] = {}
    for screen in content.entries:
        told = (screen["ias_stage"], str(screen["screen_zones"].get("action_instruction", "")))
        if told in asked:
            yield Fault(
                content.number(screen), "screen_zones", told[1], f"screen {asked[told]} again"
            )
        asked.setdefault(told, content.number(screen))


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
    helps = [str(one["screen_zones"].get("scaffolding_text", "")) for one in content.entries]
    if len(helps) > 1 and helps[-1] == helps[0]:
        yield Fault(
            content.number(content.entries[-1]),
            "screen_zones.scaffolding_text",
            helps[-1],
            "the last screen has the help of the first",
            is_fatal=len(set(helps)) == 1,
        )


def _ad5(content: Content) -> Faults:
    for screen in content.entries:
        states = screen["intermediate_states"]
        said = " ".join(str(one.get("if", "")) for one in states).lower()
        kinds = (r"nothing|untouched|before|opens", r"half|part|some|not all", r"reset")
        is_blank = any(
            not str(one.get(key) or "").strip() for one in states for key in ("if", "then")
        )
        if is_blank or not all(re.search(kind, said) for kind in kinds):
            yield Fault(
                content.number(screen),
                "intermediate_states",
                "",
                "a state is left to the developer",
                is_fatal=not states,
            )


def _ad6(content: Content) -> Faults:
    for screen in content.entries[1:]:
        link = screen["transition_from_previous"]
        if not all(
            str(link.get(key) or "").strip()
            for key in ("previous_end_state", "transition_purpose", "this_screen_entry_state")
        ):
            yield Fault(
                content.number(screen), "transition_from_previous", "", "a state is not given"
            )
        elif not follows(link["previous_end_state"], link["this_screen_entry_state"]):
            yield Fault(
                content.number(screen),
                "transition_from_previous.this_screen_entry_state",
                link["this_screen_entry_state"],
                "it does not follow from the state before",
            )


def _al2(content: Content) -> Faults:
    yield from pitfall_faults("colour_only_meaning", content)
    for screen in content.entries:
        for field in ("student_sees", "feedback", "intermediate_states"):
            for text in texts_in(screen[field]):
                if found := colour_alone(text):
                    yield Fault(content.number(screen), field, found, "a colour stands alone")


_PALE = re.compile(r"yellow on white|grey on grey|gray on gray|white on yellow", re.IGNORECASE)


def _al3(content: Content) -> Faults:
    for screen in content.entries:
        if found := _PALE.search(" ".join(texts_in(screen))):
            yield Fault(
                content.number(screen),
                "visual_model_description",
                found.group(0),
                "no ratio can be met",
                is_fatal=True,
            )


def _al8(content: Content) -> Faults:
    lacking = [
        screen for screen in content.entries
        if not re.search(r"after[^.]*\breset", _notes(screen), re.IGNORECASE)
    ]  # fmt: skip
    if lacking:
        notes = [str(one) for one in lacking[0]["screen_zones"].get("dev_notes") or []]
        said = next((note for note in notes if "focus" in note.lower()), "")
        yield Fault(
            content.number(lacking[0]),
            "screen_zones.dev_notes",
            said,
            "no place of focus after reset",
        )


def _al9(content: Content) -> Faults:
    lacking = [
        screen for screen in content.entries
        if not re.search(r"spoken form[^.]*\bsign", _notes(screen), re.IGNORECASE)
    ]  # fmt: skip
    if lacking:
        yield Fault(
            content.number(lacking[0]), "screen_zones.dev_notes", "", "no spoken form of signs"
        )


def _al6(content: Content) -> Faults:
    for screen in content.entries:
        told = str(screen["screen_zones"].get("action_instruction", ""))
        if len(sentences(told)) != 1 or word_count(told) > 15 or re.search(r"\bthen\b", told):
            yield Fault(content.number(screen), "screen_zones", told, "not one short sentence")


_TIMED = re.compile(r"countdown|time limit|speed score|auto-advance|hurry|seconds left", re.I)
_MOVES = re.compile(r"\banimat\w+|\bplays by itself\b", re.IGNORECASE)
_STILL = re.compile(r"\bstill\b|\bpaused?\b|reduced motion", re.IGNORECASE)


def _al7(content: Content) -> Faults:
    for screen in content.entries:
        for field in ("student_sees", "screen_zones", "feedback", "intermediate_states"):
            every = " ".join(texts_in(screen[field]))
            if found := _TIMED.search(every):
                yield Fault(
                    content.number(screen),
                    field,
                    found.group(0),
                    "thinking is timed",
                    is_fatal=True,
                )
            if (found := _MOVES.search(every)) and not _STILL.search(every + _notes(screen)):
                yield Fault(
                    content.number(screen), field, found.group(0), "motion without a still equal"
                )


def _ap2(content: Content) -> Faults:
    yield from pitfall_faults("verdict_only_feedback", content)
    for screen in content.entries:
        reply = screen["feedback"]
        answer = str(reply.get("answer") or answer_in(str(reply.get("on_correct") or "")))
        said = [
            str(reply.get("on_incorrect") or ""),
            *(
                str(one.get("say", ""))
                for one in reply.get("on_misconception") or []
                if isinstance(one, Mapping)
            ),
        ]
        for text in said:
            if gives_answer(text, answer):
                yield Fault(
                    content.number(screen), "feedback", text, "the answer comes on the first error"
                )


_SYMBOL = re.compile(r"\d\s*[/=+<>\u00d7]\s*\d")
_BUILDS = re.compile(r"\b(build|draw|set|show|move|mark|place|lay)s?\b", re.IGNORECASE)


def _ap3(content: Content) -> Faults:
    yield from pitfall_faults("symbol_before_model", content)
    with_symbol = [one for one in content.entries if _SYMBOL.search(one["student_sees"])]
    if with_symbol:
        first = content.number(with_symbol[0])
        later = [one for one in content.entries if content.number(one) > first]
        if not any(_BUILDS.search(one["student_does"]) for one in later):
            yield _fault(
                content, with_symbol[0], "student_sees", "no later screen asks for the model"
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
        return
    claims = [screen for screen in content.entries if screen["ias_stage"] == "generalise"]
    told = " ".join(f"{one['student_does']} {one['student_thinks']}" for one in claims)
    if not re.search(r"\b(tests?|cases?|breaks?|false|counter-?example)\b", told, re.IGNORECASE):
        yield _fault(content, claims[0], "student_does", "no case tests the claim")


def _ap7(content: Content) -> Faults:
    for screen in content.entries:
        replies = screen["feedback"].get("on_misconception") or []
        triggers = [str(one.get("trigger")) for one in replies if isinstance(one, Mapping)]
        if len(set(triggers)) < len(triggers):
            yield Fault(
                content.number(screen), "feedback", triggers[0], "two causes share an answer"
            )
        for one in replies:
            if not str(one.get("misconception_id") or one.get("slip") or "").strip():
                yield Fault(
                    content.number(screen),
                    "feedback",
                    str(one.get("trigger") or ""),
                    "a wrong answer without a cause",
                )
    if not any(screen["feedback"].get("on_misconception") for screen in content.entries):
        yield Fault(0, "screens", "", "no wrong answer is linked to a cause", is_fatal=True)


def _ax1(content: Content) -> Faults:
    for screen in content.entries:
        if not any(str(one.get("visual_cue", "")).strip() for one in screen["affordances"]):
            yield Fault(
                content.number(screen), "affordances", "", "nothing shows what can be moved"
            )


def _ax2(content: Content) -> Faults:
    yield from pitfall_faults("decorative_visual", content)
    for screen in content.entries:
        zones = [
            str(screen["screen_zones"].get(one, ""))
            for one in ("action_instruction", "scaffolding_text")
        ]
        if zones[0] == zones[1]:
            yield Fault(content.number(screen), "screen_zones", zones[0], "zones overlap")


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
        if not any(str(one.get("then") or "").strip() for one in screen["intermediate_states"]):
            yield Fault(
                content.number(screen), "intermediate_states", "", "a move has no visible effect"
            )


def _ax4(content: Content) -> Faults:
    for screen in content.entries:
        every = f"{screen['intermediate_states']} {screen['affordances']}".lower()
        if "reset" not in every or "undo" not in every:
            yield Fault(content.number(screen), "affordances", "", "no undo or no reset")


def _ax5(content: Content) -> Faults:
    spans = [
        tuple(
            screen["time_estimate"].get(part)
            for part in ("thinking_seconds", "interaction_seconds", "feedback_seconds")
        )
        for screen in content.entries
    ]
    if len(set(spans)) == 1 and len(spans) > 1:
        yield Fault(
            content.number(content.entries[0]),
            "time_estimate",
            "",
            "identical on all screens",
            is_fatal=True,
        )
    short = [
        one
        for one in spans
        if not isinstance(one[0], int) or not isinstance(one[1], int) or one[0] < one[1]
    ]
    if len(short) * 2 > len(spans):
        yield Fault(0, "screens", "", "interaction outweighs thinking")


def _ax6(content: Content) -> Faults:
    praise = re.compile(r"\b(well done|great|super|clever|good job|stars?|points|lives)\b", re.I)
    blame = re.compile(r"\b(careless|too slow|silly|not trying|you lose|wrong again)\b", re.I)
    for screen in content.entries:
        for text in texts_in(screen["feedback"]):
            if found := praise.search(text):
                yield Fault(
                    content.number(screen), "feedback", found.group(0), "praise without content"
                )
            if found := blame.search(text):
                yield Fault(
                    content.number(screen), "feedback", found.group(0), "it shames", is_fatal=True
                )


def _ax7(content: Content) -> Faults:
    models = [screen["vir_id"] for screen in content.entries]
    for screen, (one, other) in zip(content.entries[1:], pairwise(models), strict=False):
        said = str(screen["transition_from_previous"].get("transition_purpose", ""))
        if one != other and word_count(said) < 4:
            yield _fault(content, screen, "vir_id", "the model changes without a reason")


READINGS: dict[str, Reading | str | tuple[Reading | str, ...]] = {
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
    "module_X:X2": ("pitfall:passive_run", "gate:module_minutes_fit"),
    "module_X:X3": ("pitfall:wall_of_text", "pitfall:decorative_visual"),
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
    "applet_L:L2": _al2,
    "applet_L:L3": (_each_notes(r"4\.5 to 1", "3 to 1", "line", "tick", "outline"), _al3),
    "applet_L:L4": _each_notes("announced|status text", "entry state", "each change|each state"),
    "applet_L:L5": _each_notes(r"\b44\b", "pixel", "hit area"),
    "applet_L:L6": _al6,
    "applet_L:L7": _al7,
    "applet_L:L8": (_each_notes("focus", "after feedback"), _al8),
    "applet_L:L9": (_each_notes("spoken form"), _al9),
    "applet_P:P1": "gate:applet_misconception_answered",
    "applet_P:P2": _ap2,
    "applet_P:P3": _ap3,
    "applet_P:P4": _ap4,
    "applet_P:P5": _ap5,
    "applet_P:P6": _ap6,
    "applet_P:P7": _ap7,
    "applet_X:X1": _ax1,
    "applet_X:X2": _ax2,
    "applet_X:X3": _ax3,
    "applet_X:X4": _ax4,
    "applet_X:X5": (_ax5, "gate:applet_time_fits"),
    "applet_X:X6": _ax6,
    "applet_X:X7": _ax7,
    "applet_X:X8": _each_notes(r"360 pixel"),
}

_FAULTS_ONLY = frozenset({"module_X:X5"})
"""Beside those of vision. Whether a context is believable and open to all, no field says."""
