"""Threads of a plan, walked in order: the nine of ``trace_guide``.

Belongs here: one walk a thread and scope. A step counts where a slide or screen truly refers to the
thing, by its id, its role, its name or its words; what a plan claims and no slide bears out is a
break. A thread that a plan cannot have is named with the reason. Stays out: points and advice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aina_assets.authoring.contracts import Document
from aina_assets.authoring.coverage import statement_of
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.reading import (
    answer_in,
    follows,
    is_question,
    names_term,
    of_component,
    sentences,
    tests_component,
)

Entry = Mapping[str, Any]

_LEVELS = ("informal", "named", "defined", "used")
_PHASES = ("concrete", "pictorial", "bridge", "abstract")
_SUPPORT = ("full", "partial", "guided", "independent")
_DIFFICULTY = ("entry", "developing", "proficient", "extending")
_TAUGHT = ("concept_development", "worked_example", "misconception_probe", "vocabulary")
_WORKED = ("guided_practice", "misconception_probe")
_CHECKED = ("independent_practice", "exit_question")
_BUILT = ("act", "observe", "generalise")
_ACTS = re.compile(
    r"\b(draw|mark|move|fold|set|build|change|complete|cut|place|lay|write|point|show|compare)"
    r"(s|ing)?\b",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"\bgo(es)? (back|on)\b|\bback to slide|\blikeliest error:|\b(slow|fast):"
    r"|\bwho (cannot|is|has|says)\b|\bdo not correct",
    re.IGNORECASE,
)
_SETTLED = re.compile(
    r"\b(false|true|wrong|right|holds?|hold good|untrue|does not follow|not so|answer|settled"
    r"|disagree|agree)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Thread:
    """One thread of one subject.

    Attributes:
        subject: what is followed.
        steps: places at which it is, with what happens to it there.
        breaks: where it does not hold.
        gap: why there is nothing to walk; none: it was walked.
    """

    subject: str
    steps: tuple[tuple[int, str], ...] = ()
    breaks: tuple[str, ...] = ()
    gap: str | None = None


@dataclass
class _Walk:
    subject: str
    steps: list[tuple[int, str]] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)

    def unless(self, holds: object, said: str) -> None:
        if not holds:
            self.breaks.append(said)

    @property
    def thread(self) -> Thread:
        return Thread(self.subject, tuple(self.steps), tuple(self.breaks))


Walk = Callable[[Content], Iterator[Thread]]


def write_trace(content: Content) -> list[Document]:
    """Every thread of a plan from first to last: steps with places, breaks, or why there is none.

    Returns:
        ``thread`` (a rule of ``trace_guide``), ``subject``, ``steps`` of ``where`` and ``what``,
        ``breaks``, and ``gap``, which is null where the thread was walked.
    """
    return [
        {
            "thread": name,
            "subject": one.subject,
            "steps": [{"where": place, "what": what} for place, what in one.steps],
            "breaks": list(one.breaks),
            "gap": one.gap,
        }
        for name, walks in WALKS.items()
        for one in walks[content.scope](content)
    ]


def _gap(subject: str, why: str) -> Walk:
    def walk(_: Content) -> Iterator[Thread]:
        yield Thread(subject, gap=why)

    return walk


def _or_gap(walk: Walk, subject: str, why: str) -> Walk:
    """A walk that says why there is nothing to follow, where there is nothing."""

    def walked(content: Content) -> Iterator[Thread]:
        found = list(walk(content))
        yield from found or [Thread(subject, gap=why)]

    return walked


# --------------------------------------------------------------------------------------- of modules


def _statement(content: Content, index: int) -> str:
    return statement_of(content, index) or f"component {index}"


def _texts(slide: Entry) -> str:
    names = ("title", "on_slide_text", "student_action", "major_idea_per_slide")
    return " ".join(str(slide[name]) for name in (*names, "visual_model_description"))


def _knowledge(content: Content) -> Iterator[Thread]:
    slides = content.entries
    teaching = [one["slide_no"] for one in slides if one["slide_role"] in _TAUGHT]
    for one in content.synthesis.get("prerequisites_to_reactivate") or []:
        walk = _Walk(str(one["what"]))
        walk.steps += [
            (slide["slide_no"], "called up")
            for slide in slides
            if slide["slide_role"] == "retrieval" and _calls_up(slide, one)
        ]
        walk.unless(walk.steps, "never called up")
        if walk.steps and teaching and walk.steps[0][0] > teaching[0]:
            walk.breaks.append(
                f"needed on slide {teaching[0]}, called up on slide {walk.steps[0][0]}"
            )
        yield walk.thread
    for index in range(content.component_count):
        walk = _Walk(_statement(content, index))
        own = of_component(slides, index)
        for roles, what in ((_TAUGHT, "taught"), (_WORKED, "worked with"), (_CHECKED, "checked")):
            there = [
                slide["slide_no"]
                for slide in own
                if slide["slide_role"] in roles
                and (roles is not _CHECKED or tests_component(slide, index, walk.subject))
            ]
            walk.steps += [(there[0], what)] if there else []
            walk.unless(there, f"never {what}")
        walk.steps.sort()
        places = {what: place for place, what in walk.steps}
        if places.get("checked", 10**6) < places.get("taught", 0):
            walk.breaks.append(
                f"checked on slide {places['checked']}, taught on slide {places['taught']}"
            )
        yield walk.thread


def _calls_up(slide: Entry, prerequisite: Entry) -> bool:
    code = prerequisite.get("lo_code")
    is_tagged = bool(code) and slide["tags"].get("retrieval_of") == code
    return is_tagged or str(prerequisite["what"]).casefold() in slide["on_slide_text"].casefold()


def _representation(content: Content) -> Iterator[Thread]:
    models = content.document["visual_models"]
    for place, model in enumerate(models):
        walk = _Walk(f"{model['name']} ({model['vir_id']})")
        own = [slide for slide in content.entries if slide["vir_id"] == model["vir_id"]]
        for slide in own:
            acts = _ACTS.search(slide["student_action"])
            walk.steps.append((slide["slide_no"], "used by students" if acts else "shown"))
        walk.unless(own, "no slide shows it")
        numbers = {slide["slide_no"] for slide in own}
        walk.breaks += [
            f"slide {number} is planned for it and shows another"
            for number in model["slides"]
            if number not in numbers
        ]
        walk.unless(not own or any(what.startswith("used") for _, what in walk.steps),
                    "students never use it")  # fmt: skip
        if place:
            before = [other["name"] for other in models[:place]]
            linked = [
                slide["slide_no"]
                for slide in content.entries
                if names_term(_texts(slide), model["name"])
                and any(names_term(_texts(slide), name) for name in before)
            ]
            walk.unless(model["linked_to"] in before, "not linked to the model before")
            walk.unless(linked, "no slide has it beside the model before")
            walk.steps += [(number, "linked") for number in linked[:1]]
        yield walk.thread


def _cpa(content: Content) -> Iterator[Thread]:
    for index in range(content.component_count):
        walk = _Walk(_statement(content, index))
        own = [
            slide
            for slide in of_component(content.entries, index)
            if slide["section"] not in ("opening", "retrieval")
        ]
        walk.steps += [(slide["slide_no"], slide["cpa_phase"]) for slide in own]
        ranks = [_PHASES.index(phase) for _, phase in walk.steps]
        symbols = len(_PHASES) - 1
        walk.unless(not ranks or ranks[0] != symbols, "it begins in symbols")
        if symbols not in ranks:
            walk.unless(content.document["cpa_summary"]["absent_because"],
                        "it never comes to symbols")  # fmt: skip
            yield walk.thread
            continue
        first = ranks.index(symbols)
        for (one, was), (other, now) in pairwise(
            (number, rank)
            for (number, _), rank in zip(walk.steps[: first + 1], ranks, strict=False)
        ):
            if now < was:
                walk.breaks.append(f"a step back between slides {one} and {other}")
        walk.unless(any(rank < symbols for rank in ranks[first:]), "no way back from symbols")
        yield walk.thread


def _vocabulary(content: Content) -> Iterator[Thread]:
    by_number = {slide["slide_no"]: slide for slide in content.entries}
    for term in content.document["vocabulary_introduction_plan"]:
        walk = _Walk(str(term["term"]))
        steps = [
            (step["slide_no"], str(step.get("level")))
            for step in term["steps"]
            if isinstance(step.get("slide_no"), int)
        ]
        for number, level in steps:
            slide = by_number.get(number)
            if slide is not None and (level == "informal" or _has(slide, term["term"], level)):
                walk.steps.append((number, level))
            else:
                walk.breaks.append(f"slide {number} does not have it as {level}")
        ranks = [_LEVELS.index(level) for _, level in walk.steps if level in _LEVELS]
        walk.unless(all(0 <= b - a <= 1 for a, b in pairwise(ranks)), "a level is jumped")
        if term["target_level"] == "used":
            asked = [
                number
                for number in term["checked_on"]
                if number in by_number and names_term(_texts(by_number[number]), term["term"])
            ]
            walk.steps += [(number, "asked for") for number in asked]
            walk.unless(asked, "no check asks for it")
            walk.breaks += [
                f"slide {number} is planned to ask for it and does not"
                for number in term["checked_on"]
                if number not in asked
            ]
        yield walk.thread


def _has(slide: Entry, term: str, level: str) -> bool:
    return any(
        isinstance(state, Mapping) and (state.get("term"), state.get("level")) == (term, level)
        for state in slide["vocabulary_on_this_slide"].get("terms") or []
    )


def _misconception(content: Content) -> Iterator[Thread]:
    for one in content.synthesis["lo_misconceptions"]:
        walk = _Walk(str(one["misconception_id"]))
        own = [
            slide
            for slide in content.entries
            if one["misconception_id"] in slide["misconception_ids"]
        ]
        walk.steps += [(slide["slide_no"], slide["slide_role"]) for slide in own]
        probes = [slide for slide in own if slide["slide_role"] == "misconception_probe"]
        walk.unless(probes, "no commitment before the answer")
        after = [slide for slide in own if probes and slide["slide_no"] > probes[0]["slide_no"]]
        conflicts = [
            slide for slide in after if slide["vir_id"] and slide["slide_role"] not in _CHECKED
        ]
        checks = [slide for slide in own if slide["slide_role"] in _CHECKED]
        walk.unless(conflicts or not probes, "no conflict on a model after it")
        walk.unless(checks, "not checked again")
        if conflicts and checks and checks[-1]["slide_no"] - conflicts[-1]["slide_no"] < 2:
            walk.breaks.append(
                f"checked on slide {checks[-1]['slide_no']}, straight after the answer of"
                f" slide {conflicts[-1]['slide_no']}"
            )
        yield walk.thread


def _support(content: Content) -> Iterator[Thread]:
    for index in range(content.component_count):
        walk = _Walk(_statement(content, index))
        own = [
            slide
            for slide in of_component(content.entries, index)
            if slide["section"] == "development"
        ]
        walk.steps += [(slide["slide_no"], slide["scaffolding_level_per_slide"]) for slide in own]
        seen: set[str] = set()
        for one, other in pairwise(own):
            seen.add(one["vir_id"])
            a, b = (_SUPPORT.index(slide["scaffolding_level_per_slide"]) for slide in (one, other))
            between = f"between slides {one['slide_no']} and {other['slide_no']}"
            walk.unless(b - a < 2, f"more than a step {between}")
            walk.unless(b >= a or other["vir_id"] not in seen, f"support rises {between}")
        walk.unless("independent" in [what for _, what in walk.steps], "never independent")
        yield walk.thread


def _question(content: Content) -> Iterator[Thread]:
    hooks = [one for one in content.entries if one["slide_role"] == "hook"]
    if not hooks or "?" not in hooks[0]["on_slide_text"]:
        yield Thread("the opening question", breaks=("no question opens the module",))
        return
    hook = hooks[0]
    number = hook["slide_no"]
    said = sentences(hook["on_slide_text"])
    place = next(place for place, part in enumerate(said) if is_question(part))
    claim = said[place - 1] if place and said[place - 1].startswith("“") else ""
    walk = _Walk(f"{claim} {said[place]}".strip(), [(number, "opened")])
    walk.unless(not answer_in(hook["teacher_action"]), f"answered on slide {number}")
    later = [one for one in content.entries if one["slide_no"] > number]
    narrowed = [
        one
        for one in later
        if one["section"] != "close" and _refers(one, hook, ("transition_from_previous",))
    ]
    walk.steps += [(one["slide_no"], "narrowed") for one in narrowed]
    walk.unless(narrowed, "not taken up on the way")
    closing = [one for one in later if one["section"] == "close" and _refers(one, hook, ())]
    answered = [one for one in closing if _tells(one, hook)]
    walk.steps += [
        (one["slide_no"], "answered" if one in answered else "asked again") for one in closing
    ]
    walk.unless(answered, "not answered at the end")
    yield walk.thread


def _tells(slide: Entry, hook: Entry) -> bool:
    """Whether the teacher's part says what came of the opening: that it holds, or the answer."""
    opening = re.compile(
        rf"\bslide {hook['slide_no']}\b|\bclaim|\bopening\b|\bfirst question\b", re.IGNORECASE
    )
    claims = re.findall(r"“([^”]+)”", hook["on_slide_text"])
    return any(
        not is_question(part)
        and _SETTLED.search(part)
        and (opening.search(part) or any(claim.rstrip(".") in part for claim in claims))
        for part in sentences(slide["teacher_action"])
    )


def _refers(slide: Entry, hook: Entry, also: Sequence[str]) -> bool:
    """Whether a slide names the opening slide, repeats its claim, or works on its misconception."""
    told = " ".join(str(slide[name]) for name in ("on_slide_text", "student_action", *also))
    claims = re.findall(r"“([^”]+)”", hook["on_slide_text"])
    return (
        re.search(rf"\bslide {hook['slide_no']}\b", told) is not None
        or any(claim in told for claim in claims)
        or bool(set(hook["misconception_ids"]) & set(slide["misconception_ids"]))
    )


def _evidence(content: Content) -> Iterator[Thread]:
    for index in range(content.component_count):
        walk = _Walk(_statement(content, index))
        own = of_component(content.entries, index)
        planned = [one for one in own if one["slide_role"] in _CHECKED]
        checks = [one for one in planned if tests_component(one, index, walk.subject)]
        walk.breaks += [
            f"slide {one['slide_no']} is planned to check it and has no task of it"
            for one in planned
            if one not in checks
        ]
        first = checks[0]["slide_no"] if checks else 10**6
        early = [
            one
            for one in own
            if one["section"] == "development" and one["slide_no"] < first and one["response_mode"]
        ]
        walk.steps += [(one["slide_no"], f"response: {one['response_mode']}") for one in early]
        walk.steps += [(one["slide_no"], "check") for one in checks]
        walk.unless(early, "no response before the check")
        walk.unless(checks, "no check")
        walk.unless(
            not early or any(_CONSEQUENCE.search(one["teacher_action"]) for one in early),
            "nothing is done with a response before the check",
        )
        walk.breaks += [
            f"nothing is done with what slide {one['slide_no']} shows"
            for one in checks
            if not _CONSEQUENCE.search(one["teacher_action"])
        ]
        yield walk.thread


# --------------------------------------------------------------------------------------- of applets


def _screen_knowledge(content: Content) -> Iterator[Thread]:
    for index in sorted({index for one in content.entries for index in one["component_indexes"]}):
        walk = _Walk(_statement(content, index))
        own = of_component(content.entries, index)
        for stages, what in ((_BUILT, "worked with"), (("check",), "checked")):
            there = [one["screen_no"] for one in own if one["ias_stage"] in stages]
            walk.steps += [(there[0], what)] if there else []
            walk.unless(there, f"never {what}")
        yield walk.thread


def _screen_representation(content: Content) -> Iterator[Thread]:
    planned = {one["vir_id"]: one for one in content.document["visual_models_referenced"]}
    for vir_id, model in planned.items():
        walk = _Walk(str(vir_id))
        own = [one for one in content.entries if one["vir_id"] == vir_id]
        for one in own:
            acts = _ACTS.search(one["student_does"])
            walk.steps.append((one["screen_no"], "used by students" if acts else "shown"))
        walk.unless(own, "no screen shows it")
        numbers = {one["screen_no"] for one in own}
        walk.breaks += [
            f"screen {number} is planned for it and shows another"
            for number in model["screens"]
            if number not in numbers
        ]
        yield walk.thread
    for one in content.entries:
        if one["vir_id"] and one["vir_id"] not in planned:
            yield Thread(one["vir_id"], ((one["screen_no"], "shown"),), ("not planned",))


def _screen_misconception(content: Content) -> Iterator[Thread]:
    target = content.document["misconception_targeted"]
    if target == "none":
        return
    walk = _Walk(str(target))
    for screen in content.entries:
        for reply in screen["feedback"].get("on_misconception") or []:
            if isinstance(reply, Mapping) and reply.get("misconception_id") == target:
                has_cause = str(reply.get("trigger") or "").strip()
                number = screen["screen_no"]
                walk.steps.append((number, f"answered while students {screen['ias_stage']}"))
                walk.unless(has_cause, f"screen {number}: nothing brings the answer out")
    walk.unless(walk.steps, "no screen answers it")
    checks = {one["screen_no"] for one in content.entries if one["ias_stage"] == "check"}
    walk.unless(not walk.steps or checks & {place for place, _ in walk.steps}, "not checked again")
    yield walk.thread


def _screen_support(content: Content) -> Iterator[Thread]:
    walk = _Walk("difficulty and help")
    walk.steps += [(one["screen_no"], one["difficulty_level"]) for one in content.entries]
    for one, other in pairwise(content.entries):
        a, b = (_DIFFICULTY.index(screen["difficulty_level"]) for screen in (one, other))
        between = f"between screens {one['screen_no']} and {other['screen_no']}"
        walk.unless(b - a < 2, f"more than a step {between}")
        walk.unless(b >= a, f"it gets easier {between}")
    helps = [one["screen_zones"].get("scaffolding_text") for one in content.entries]
    walk.unless(len(helps) < 2 or helps[0] != helps[-1], "the help of the first screen stays")
    yield walk.thread


def _screen_question(content: Content) -> Iterator[Thread]:
    asked = [
        (screen["screen_no"], asking[-1])
        for screen in content.entries
        if (asking := [part for part in sentences(screen["student_sees"]) if _asks_there(part)])
    ]
    if not asked:
        return
    # The first screen may try the model out; the question is the one that is kept.
    every = [part for _, part in asked]
    number, question = next((one for one in asked if every.count(one[1]) > 1), asked[0])
    walk = _Walk(question)
    there = [one for one in content.entries if question in one["student_sees"]]
    walk.steps += [
        (one["screen_no"], "opened" if one["screen_no"] == number else "still in view")
        for one in there
    ]
    walk.unless(len(there) > 1, f"screen {number} asks it and no other screen has it")
    ends = [one for one in there if one["ias_stage"] in ("observe", "generalise")]
    walk.unless(ends, "it is not settled on a screen")
    yield walk.thread


def _asks_there(sentence: str) -> bool:
    return is_question(sentence) or sentence.startswith("The task:")


def _screen_evidence(content: Content) -> Iterator[Thread]:
    walk = _Walk("answers of students")
    for screen in content.entries:
        number, reply = screen["screen_no"], screen["feedback"]
        if str(reply.get("on_incorrect") or "").strip():
            walk.steps.append((number, "answered"))
        else:
            walk.breaks.append(f"nothing follows a wrong answer on screen {number}")
    walk.unless(any(one["ias_stage"] == "check" for one in content.entries), "no check")
    yield walk.thread


def _screen_state(content: Content) -> Iterator[Thread]:
    walk = _Walk("objects, values and names")
    walk.steps += [(one["screen_no"], one["ias_stage"]) for one in content.entries]
    for screen in content.entries[1:]:
        link = screen["transition_from_previous"]
        number = screen["screen_no"]
        before, entry = (
            str(link.get(key) or "").strip()
            for key in ("previous_end_state", "this_screen_entry_state")
        )
        if not entry:
            walk.breaks.append(f"screen {number} does not say from which state it starts")
        elif not follows(before, entry):
            walk.breaks.append(f"screen {number} starts from another state than was left")
    yield walk.thread


_NONE = "none"

WALKS: Mapping[str, Mapping[str, Walk]] = {
    "knowledge_trace": {"module": _knowledge, "applet": _screen_knowledge},
    "representation_trace": {
        "module": _or_gap(_representation, _NONE, "no model is planned"),
        "applet": _or_gap(_screen_representation, _NONE, "no model is planned"),
    },
    "cpa_trace": {
        "module": _cpa,
        "applet": _gap("phases", "screens have no phase; the slides of the module have"),
    },
    "vocabulary_trace": {
        "module": _or_gap(_vocabulary, _NONE, "no term is planned"),
        "applet": _gap("terms", "a storyboard plans no terms; its module does"),
    },
    "misconception_trace": {
        "module": _or_gap(_misconception, _NONE, "the synthesis names no misconception"),
        "applet": _or_gap(_screen_misconception, _NONE, "no misconception is targeted"),
    },
    "support_trace": {"module": _support, "applet": _screen_support},
    "question_trace": {
        "module": _question,
        "applet": _or_gap(_screen_question, "the question", "no screen asks one in its picture"),
    },
    "evidence_trace": {"module": _evidence, "applet": _screen_evidence},
    "screen_state_trace": {
        "module": _gap("screens", "a module has slides; its applets have screens"),
        "applet": _screen_state,
    },
}
"""The walk of every thread, by scope; in the order of ``trace_guide``."""
