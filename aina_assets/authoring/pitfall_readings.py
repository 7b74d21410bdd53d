"""Which design pitfalls a plan shows, as far as its fields tell.

Belongs here: one reading a pitfall of ``design_pitfalls.yaml``, by its ``check``. A pitfall without
a reading here is for eyes other than code's. Stays out: suspension (``scoring``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from aina_assets.authoring.pacing import passive_runs
from aina_assets.authoring.reading import (
    Fault,
    Faults,
    answer_in,
    asks,
    colour_alone,
    content_words,
    gives_answer,
    invariants_of,
    of_component,
    sentences,
    variants_of,
    word_count,
)

_MAX_TEXT, _MAX_INSTRUCTION, _MAX_SCAFFOLD = 60, 25, 40
_MIN_REPLY, _MAX_NAMED, _MIN_KEYED = 6, 2, 5


@dataclass(frozen=True)
class Content:
    """What is reviewed.

    Attributes:
        scope: ``module`` or ``applet``.
        document: the blueprint, or the screens.
        synthesis: research that it was built on.
        facts: whatever else the input has: the brief, the lesson's minutes, the grade.
    """

    scope: str
    document: Mapping[str, Any]
    synthesis: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        """Slides or screens."""
        found: list[Mapping[str, Any]] = self.document[
            "slides" if self.scope == "module" else "screens"
        ]
        return found

    def number(self, entry: Mapping[str, Any]) -> int:
        """Number of a slide or screen."""
        return int(entry["slide_no" if self.scope == "module" else "screen_no"])

    def told(self, entry: Mapping[str, Any]) -> str:
        """What a student reads there."""
        if self.scope == "module":
            return str(entry["on_slide_text"])
        zones = entry["screen_zones"]
        return f"{entry['student_sees']} {zones.get('action_instruction', '')}"

    def act(self, entry: Mapping[str, Any]) -> str:
        """What a student does and thinks there."""
        if self.scope == "module":
            read = ("student_action", "on_slide_text", "major_idea_per_slide")
            return " ".join(str(entry[field]) for field in read)
        return f"{entry['student_does']} {entry['student_thinks']}"

    @property
    def component_count(self) -> int:
        """How many components there are."""
        if self.scope == "module":
            return len(self.document["lo_components"])
        return 1 + max(
            (max(one["component_indexes"], default=0) for one in self.entries), default=0
        )


def pitfall_faults(pitfall: str, content: Content) -> list[Fault]:
    """Places at which a plan shows a pitfall; none where no reading of it is known."""
    reading = READINGS.get(pitfall)
    return list(reading(content)) if reading is not None else []


def _symbol_before_model(content: Content) -> Faults:
    if content.scope == "applet":
        for screen in content.entries:
            if not screen["vir_id"] and re.search(
                r"\d\s*[/=+<>\u00d7]\s*\d", screen["student_sees"]
            ):
                yield Fault(
                    content.number(screen),
                    "student_sees",
                    screen["student_sees"],
                    "a symbol stands on a screen without a model",
                )
            if screen["vir_id"]:
                return
        return
    if content.document["cpa_summary"]["absent_because"] and not (
        content.document["cpa_summary"]["concrete"]
        or content.document["cpa_summary"]["pictorial"]
        or content.document["cpa_summary"]["bridge"]
    ):
        return
    for index in range(content.component_count):
        phases = [
            (slide["cpa_phase"], slide)
            for slide in of_component(content.entries, index)
            if slide["slide_role"] not in ("title", "retrieval", "hook")
        ]
        if phases and phases[0][0] == "abstract":
            slide = phases[0][1]
            yield Fault(
                content.number(slide),
                "cpa_phase",
                slide["on_slide_text"],
                f"component {index} begins in symbols",
            )


def _decorative_visual(content: Content) -> Faults:
    for entry in content.entries:
        shown = entry["visual_model_description"]
        has_one = bool(entry["vir_id"]) or shown.strip().lower() not in ("", "none")
        if has_one and not content_words(shown) & content_words(content.act(entry)):
            yield Fault(
                content.number(entry),
                "visual_model_description",
                shown,
                "no act or sentence refers to the figure",
            )


def _answer_before_thinking(content: Content) -> Faults:
    before = ""
    for entry in content.entries:
        told = content.told(entry)
        answer = (
            answer_in(entry["teacher_action"])
            if content.scope == "module"
            else str(entry["feedback"].get("answer") or answer_in(_reply(entry, "on_correct")))
        )
        if answer and (gives_answer(told, answer) or gives_answer(before, answer)):
            yield Fault(
                content.number(entry),
                "on_slide_text" if content.scope == "module" else "student_sees",
                told,
                f"the answer “{answer}” is told",
            )
        before = told
    if content.scope == "applet":
        stages = [screen["ias_stage"] for screen in content.entries]
        if "predict" in stages and "observe" in stages[: stages.index("predict")]:
            place = content.entries[stages.index("predict")]
            yield Fault(
                content.number(place),
                "screens",
                place["student_sees"],
                "the result was observed before it is predicted",
            )


def _two_new_things(content: Content) -> Faults:
    plan = content.document["vocabulary_introduction_plan"]
    named: dict[int, list[str]] = {}
    for term in plan:
        for step in term["steps"]:
            if step.get("level") == "named" and isinstance(step.get("slide_no"), int):
                named.setdefault(step["slide_no"], []).append(term["term"])
    first = {one["first_slide"] for one in content.document["visual_models"]}
    for place, terms in named.items():
        if place in first or len(terms) > _MAX_NAMED:
            what = "a term and a model are new" if place in first else "three terms are named"
            yield Fault(place, "vocabulary_introduction_plan", ", ".join(terms), what)


_OTHER_CASE = re.compile(
    r"shape|position|whole|range|rotat|tilt|orient|edge|size|kind|represent", re.IGNORECASE
)


def _only_standard_cases(content: Content) -> Faults:
    for index in range(content.component_count):
        entries = of_component(content.entries, index)
        models = {entry["vir_id"] for entry in entries if entry["vir_id"]}
        varied = " ".join(part for entry in entries for part in variants_of(entry))
        if len(models) == 1 and not _OTHER_CASE.search(varied):
            yield Fault(
                content.number(entries[0]),
                "variation",
                varied,
                f"all cases of component {index} look alike",
            )


def _everything_varies(content: Content) -> Faults:
    for entry in content.entries:
        variants = variants_of(entry)
        is_mixed = any("mixed" in part for part in variants)
        if not is_mixed and (len(variants) > 1 or (variants and not invariants_of(entry))):
            yield Fault(
                content.number(entry),
                "variation",
                "; ".join(variants),
                "several things change, or nothing stays",
            )


_TRICK = re.compile(
    r"cross[- ]multipl|butterfly|\btrick\b|always bigger|bigger bottom|key ?word"
    r"|do the same to (the )?(top|numerator) and (the )?(bottom|denominator)(?!.*factor)",
    re.IGNORECASE,
)


def _trick_instead_of_reason(content: Content) -> Faults:
    for entry in content.entries:
        told = (
            f"{entry['on_slide_text']} {entry['teacher_action']}"
            if content.scope == "module"
            else " ".join([*_replies(entry), str(entry["screen_zones"].get("scaffolding_text"))])
        )
        if found := _TRICK.search(told):
            yield Fault(
                content.number(entry),
                "on_slide_text" if content.scope == "module" else "feedback",
                found.group(0),
                "a shortcut stands for the reason",
            )


def _term_in_passing(content: Content) -> Faults:
    for term in content.document["vocabulary_introduction_plan"]:
        levels = {step.get("level") for step in term["steps"]}
        target = term["target_level"]
        is_short = target in ("defined", "used") and target not in levels
        if is_short or (target == "used" and not term["checked_on"]):
            yield Fault(
                term["first_slide"],
                "vocabulary_introduction_plan",
                term["term"],
                f"it never becomes {target}",
            )


def _verdict_only_feedback(content: Content) -> Faults:
    for screen in content.entries:
        things = content_words(screen["visual_model_description"])
        replies = [_reply(screen, "on_incorrect"), *_says(screen)]
        for reply in replies:
            if (
                word_count(reply) < _MIN_REPLY
                or replies.count(reply) > 1
                or not content_words(reply) & things
            ):
                yield Fault(
                    content.number(screen), "feedback", reply or "nothing", "the reply only judges"
                )
                break


def _colour_only_meaning(content: Content) -> Faults:
    for entry in content.entries:
        for field in ("on_slide_text", "visual_model_description"):
            if (text := entry.get(field)) and (found := colour_alone(text)):
                yield Fault(content.number(entry), field, found, "a colour stands alone")
        zones = entry.get("screen_zones") or {}
        if found := colour_alone(str(zones.get("action_instruction", ""))):
            yield Fault(content.number(entry), "screen_zones", found, "a colour stands alone")


def _wall_of_text(content: Content) -> Faults:
    for entry in content.entries:
        if content.scope == "module":
            if word_count(entry["on_slide_text"]) > _MAX_TEXT:
                yield Fault(
                    content.number(entry),
                    "on_slide_text",
                    entry["on_slide_text"],
                    "too long to read before the task",
                )
            continue
        zones = entry["screen_zones"]
        for name, most in (
            ("action_instruction", _MAX_INSTRUCTION),
            ("scaffolding_text", _MAX_SCAFFOLD),
        ):
            if word_count(str(zones.get(name, ""))) > most:
                yield Fault(
                    content.number(entry), "screen_zones", str(zones[name]), f"{name} is too long"
                )


def _passive_run(content: Content) -> Faults:
    for run in passive_runs(content.entries):
        if len(run) > 3:
            for place in run:
                yield Fault(place, "student_action", "", "a run without an act of every student")


_TAKEN_UP = re.compile(r"result|found|predict|compare|applet|film|video|saw|outcome", re.IGNORECASE)


def _unframed_applet(content: Content) -> Faults:
    numbers = {content.number(slide): slide for slide in content.entries}
    for kind in ("applet_placements", "video_placements"):
        for place in content.document[kind]:
            debrief = numbers.get(place["debrief_slide"])
            if place["lead_in_slide"] not in numbers or debrief is None:
                yield Fault(place["slide_no"], kind, "", "lead-in or debrief is missing")
            elif not _TAKEN_UP.search(debrief["student_action"]):
                yield Fault(
                    place["debrief_slide"],
                    "student_action",
                    debrief["student_action"],
                    "what was found is not used",
                )


_SNAPS = re.compile(r"\b(snaps?|lights? up|turns? green|locks?)\b", re.IGNORECASE)


def _solvable_by_trying(content: Content) -> Faults:
    for screen in content.entries:
        for state in screen["intermediate_states"]:
            if _SNAPS.search(str(state.get("then", ""))):
                yield Fault(
                    content.number(screen),
                    "intermediate_states",
                    str(state["then"]),
                    "right places announce themselves",
                )
                break
        else:
            sees = screen["student_sees"]
            few = re.search(r"\b(two|three|2|3) (choices|options|buttons|answers)\b", sees, re.I)
            if few and "each" in str(screen["feedback"].get("timing", "")).lower():
                yield Fault(
                    content.number(screen), "feedback", few.group(0), "few choices, judged at once"
                )


_WORKING = (
    "concept_development",
    "worked_example",
    "guided_practice",
    "independent_practice",
    "misconception_probe",
    "vocabulary",
    "discussion",
)
_LEVELS = ("entry", "developing", "proficient", "extending")


def _scaffold_cliff(content: Content) -> Faults:
    if content.scope == "applet":
        for one, other in pairwise(content.entries):
            up = _LEVELS.index(other["difficulty_level"]) - _LEVELS.index(one["difficulty_level"])
            if one["difficulty_level"] == "entry" and up > 1:
                yield Fault(
                    content.number(other),
                    "difficulty_level",
                    other["difficulty_level"],
                    "from entry in one step",
                )
        return
    for index in range(content.component_count):
        slides = [
            slide
            for slide in of_component(content.entries, index)
            if slide["slide_role"] in _WORKING
        ]
        for one, other in pairwise(slides):
            if (one["scaffolding_level_per_slide"], other["scaffolding_level_per_slide"]) == (
                "full",
                "independent",
            ):
                yield Fault(
                    content.number(other),
                    "scaffolding_level_per_slide",
                    other["on_slide_text"],
                    "full support, then none",
                )


_KEYED = re.compile(r"\b(legend|key)\b", re.IGNORECASE)
_EARLIER = re.compile(
    r"\b(figure|drawing|picture|diagram)\b[^.?!]*\b(of|on|from) (the )?(last|previous|slide \d+)",
    re.IGNORECASE,
)


def _split_attention(content: Content) -> Faults:
    for entry in content.entries:
        shown = entry["visual_model_description"]
        parts = len(set(re.findall(r"\blabelled?\b|\bpart [a-z]\b", shown, re.IGNORECASE)))
        asked = " ".join(part for part in sentences(content.told(entry)) if asks(part))
        if (found := _KEYED.search(shown)) and parts < _MIN_KEYED:
            yield Fault(
                content.number(entry),
                "visual_model_description",
                found.group(0),
                "a legend stands away from few parts",
            )
        elif found := _EARLIER.search(asked):
            yield Fault(
                content.number(entry),
                "on_slide_text" if content.scope == "module" else "student_sees",
                found.group(0),
                "the figure is on another slide",
            )


def _reply(screen: Mapping[str, Any], key: str) -> str:
    return str(screen["feedback"].get(key) or "")


def _says(screen: Mapping[str, Any]) -> list[str]:
    said = screen["feedback"].get("on_misconception")
    return [str(one.get("say", "")) for one in said or [] if isinstance(one, Mapping)]


def _replies(screen: Mapping[str, Any]) -> Iterator[str]:
    for key in ("on_correct", "on_incorrect", "on_partial"):
        yield _reply(screen, key)
    yield from _says(screen)


READINGS: dict[str, Callable[[Content], Faults]] = {
    "symbol_before_model": _symbol_before_model,
    "decorative_visual": _decorative_visual,
    "answer_before_thinking": _answer_before_thinking,
    "two_new_things": _two_new_things,
    "only_standard_cases": _only_standard_cases,
    "everything_varies": _everything_varies,
    "trick_instead_of_reason": _trick_instead_of_reason,
    "term_in_passing": _term_in_passing,
    "verdict_only_feedback": _verdict_only_feedback,
    "colour_only_meaning": _colour_only_meaning,
    "wall_of_text": _wall_of_text,
    "passive_run": _passive_run,
    "unframed_applet": _unframed_applet,
    "solvable_by_trying": _solvable_by_trying,
    "scaffold_cliff": _scaffold_cliff,
    "split_attention": _split_attention,
}
