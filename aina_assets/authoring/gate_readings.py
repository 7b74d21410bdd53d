"""What a plan shows at each gate of a gate set, as far as its fields tell.

Belongs here: one reading a gate of ``module_gates`` and ``applet_gates``. A reading gives faults,
none where the gate is met; ``None`` where the input does not show it. Stays out: what a finding
comes to (``scoring``), and gates of data that no reading here knows: they are not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from aina_assets.authoring.answer_check import is_right
from aina_assets.authoring.arithmetic import false_chains
from aina_assets.authoring.pacing import applet_time_faults, minutes_faults
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.reading import (
    COMPUTED,
    NOT_COMPUTED,
    Fault,
    answers_in,
    content_words,
    gives_answer,
    names_term,
    solutions_of,
    tests_component,
    texts_in,
    words_of,
)
from aina_assets.authoring.rules import AuthoringRules

Reading = Callable[[Content, AuthoringRules], list[Fault] | None]

_TEACHES = (
    "concept_development",
    "worked_example",
    "misconception_probe",
    "guided_practice",
    "vocabulary",
)
_CHECKS = ("independent_practice", "exit_question", "guided_practice")
_DENIED = re.compile(r"\?|\bnot\b|\bwrong\b|tempting|\bclaim|agree|says|\bif\b", re.IGNORECASE)
_STEP = ("step", "reason")
_FOOD = re.compile(
    r"\b(pizza|cake|pie|chocolate|flatbread|bread|apple|biscuit|sandwich|oats|jug|juice)\w*", re.I
)
_SETTINGS = {
    "food": _FOOD,
    "length": re.compile(r"\b(ribbon|rope|path|walk|track|run|road|strip of cloth)\w*", re.I),
    "time": re.compile(r"\b(hour|minute|bus|train|clock|school day)\w*", re.I),
    "garden": re.compile(r"\b(garden|field|bed of|plant|fence)\w*", re.I),
    "things": re.compile(r"\b(marble|card|book|ball|counter|coin)\w*", re.I),
}


def gate_faults(gate: str, content: Content, rules: AuthoringRules) -> list[Fault] | None:
    """What is wrong at a gate; ``None`` where the input does not allow a finding."""
    reading = READINGS.get(gate)
    return reading(content, rules) if reading is not None else None


def left_open(gate: str, content: Content) -> list[str]:
    """What a gate could not read though it stands there; none where nothing stands there."""
    return unchecked(content) if READINGS.get(gate) is _mathematics_correct else []


def looked_at(gate: str, content: Content) -> list[tuple[int, str]]:
    """Places and paths that decided a finding; none where the gate was read from whole fields."""
    places = _LOOKED_AT.get(gate)
    return list(places(content)) if places is not None else []


def computed_gates(content: Content, rules: AuthoringRules) -> dict[str, list[str]]:
    """Gates about sums, which are code's whoever scored: what is wrong, by gate."""
    made: dict[str, list[str]] = {}
    for gate in ("module_minutes_fit", "applet_time_fits"):
        if gate.startswith(content.scope):
            faults = gate_faults(gate, content, rules)
            if faults is not None:
                made[gate] = [fault.what for fault in faults]
    return made


def _brief(content: Content) -> Mapping[str, Any] | None:
    found = content.facts.get("module_lo_brief_enriched")
    return found if isinstance(found, Mapping) else None


# ------------------------------------------------------------------------------------------- module


def _module_lo_unchanged(content: Content, _: AuthoringRules) -> list[Fault] | None:
    brief, document = _brief(content), content.document
    if brief is not None:
        derived = brief["derived"]
        pairs = [
            ("lo", document["lo"], derived["module_lo"]),
            ("lo_components", document["lo_components"], derived["lo_components"]),
        ]
    else:
        echoed = [
            one["component_statement"] for one in content.synthesis["lo_components_enrichment"]
        ]
        stated = [one["statement"] for one in document["lo_components"]]
        pairs = [("lo", document["lo"], content.synthesis["lo"]), ("lo_components", stated, echoed)]
    return [
        Fault(0, field, str(one), "it differs from what was approved")
        for field, one, other in pairs
        if one != other
    ]


def _module_components_covered(content: Content, _: AuthoringRules) -> list[Fault]:
    faults = []
    for index in range(content.component_count):
        slides = [one for one in content.entries if index in one["component_indexes"]]
        taught = [content.number(one) for one in slides if one["slide_role"] in _TEACHES]
        said = str(content.document["lo_components"][index]["statement"])
        checked = [
            content.number(one)
            for one in slides
            if one["slide_role"] in _CHECKS and tests_component(one, index, said)
        ]
        if not taught or not checked or min(taught) >= max(checked) or min(checked) < min(taught):
            what = "not taught before it is checked" if taught and checked else "not both"
            faults.append(
                Fault(
                    0,
                    f"lo_components[{index}].statement",
                    said,
                    f"component {index}: taught on {taught}, checked on {checked}: {what}",
                )
            )
    return faults


def _mathematics(content: Content) -> Iterator[Fault]:
    """Chains that a plan states and that do not come out; denials and questions aside."""
    for entry in content.entries:
        for field in (
            "on_slide_text",
            "teacher_action",
            "student_action",
            "student_does",
            "screen_zones",
            "major_idea_per_slide",
            "visual_model_description",
            "student_sees",
            "feedback",
        ):
            for text in texts_in(entry.get(field, "")):
                for sentence in re.split(r"(?<=[.!?])\s", text):
                    if _DENIED.search(sentence):
                        continue
                    for chain in false_chains(sentence):
                        yield Fault(
                            content.number(entry), field, chain, f"“{chain}” does not come out"
                        )
        for path, solution in solutions_of(entry):
            yield from _of_solution(content.number(entry), path, solution)
            yield from _as_told(entry, content.number(entry), solution)


def _of_solution(number: int, path: str, solution: Mapping[str, Any]) -> Iterator[Fault]:
    """Steps that do not come out, and an answer that is wrong."""
    told = [(f"{path}.answer", str(solution.get("answer") or ""))]
    for place, one in enumerate(solution.get("steps") or ()):
        told += [(f"{path}.steps[{place}].{key}", str(one.get(key) or "")) for key in _STEP]
    for field, text in told:
        for chain in false_chains(text):
            if field.endswith(".step") or not _DENIED.search(text):
                yield Fault(number, field, chain, f"“{chain}” does not come out")
    if solution.get("source") == COMPUTED and answer_holds(solution) is False:
        answer = str(solution["answer"])
        what = f"“{answer}” is no answer to “{solution['statement']}”"
        yield Fault(number, f"{path}.answer", answer, what)


def _as_told(entry: Mapping[str, Any], number: int, solution: Mapping[str, Any]) -> Iterator[Fault]:
    """Where the teacher's part or the feedback gives another answer than the solution."""
    if solution.get("source") != COMPUTED:
        return
    answer = str(solution.get("answer") or "").strip().rstrip(".")
    given = answers_in(str(entry.get("teacher_action", "")))
    if given and answer not in given:
        what = f"the teacher's part does not give “{answer}”"
        yield Fault(number, "teacher_action", f"Answer: {given[0]}", what)
    replies = entry.get("feedback") or {}
    right = str(replies.get("on_correct") or "")
    has_number = re.search(r"\d+/\d+", right)
    if has_number and answer not in right and not false_chains(right):
        yield Fault(number, "feedback.on_correct", right, f"it does not give “{answer}”")
    for place, reply in enumerate(replies.get("on_misconception") or ()):
        trigger = str(reply.get("trigger") or "") if isinstance(reply, Mapping) else ""
        said = trigger.partition("the answer is:")[2].strip()
        if said and is_right(str(solution["statement"]), said):
            yield Fault(
                number,
                f"feedback.on_misconception[{place}].trigger",
                said,
                f"“{said}” is right, and it is answered as wrong",
            )


def unchecked(content: Content) -> list[str]:
    """Tasks whose answer nobody wrote yet, or that no rule can check, by slide or screen.

    What the knowledge base answers was approved with it, and is not computed again.
    """
    kind = "slide" if content.scope == "module" else "screen"
    return list(
        dict.fromkeys(
            f"{kind} {content.number(entry)}: “{solution.get('statement')}” {why}"
            for entry in content.entries
            for _, solution in solutions_of(entry)
            if (why := _why_unchecked(solution))
        )
    )


def _why_unchecked(solution: Mapping[str, Any]) -> str:
    if solution.get("source") == NOT_COMPUTED:
        return "has no solution yet"
    if solution.get("source") == COMPUTED and answer_holds(solution) is None:
        return "has an answer that no rule can check"
    return ""


def answer_holds(solution: Mapping[str, Any]) -> bool | None:
    """Whether a solution's answer is right; ``None`` where no rule reads its question."""
    return is_right(str(solution.get("statement") or ""), str(solution.get("answer") or ""))


def _mathematics_correct(content: Content, _: AuthoringRules) -> list[Fault] | None:
    faults = list(_mathematics(content))
    return faults if faults or not unchecked(content) else None


_ID_KEYS = (
    "misconception_ids",
    "misconception_id",
    "vir_id",
    "convention_id",
    "vocabulary_id",
    "textbook_ref_id",
    "misconception_targeted",
)


def _kb_grounded(content: Content, _: AuthoringRules) -> list[Fault]:
    known = set(texts_in(content.synthesis)) | set(content.facts.get("kb_ids", ()))
    cited = dict(_ids(content.document))
    faults = [
        Fault(0, key, one, "no id of the knowledge base")
        for one, key in cited.items()
        if one not in known and one not in ("", "none")
    ]
    for entry in content.entries:
        shown = str(entry["visual_model_description"]).strip().lower()
        if (
            shown not in ("", "none")
            and not entry["vir_id"]
            and not any(gap["kind"] == "visual_model" for gap in content.document["kb_gaps"])
        ):
            faults.append(
                Fault(
                    content.number(entry),
                    "vir_id",
                    shown,
                    "a model without an id and without a gap",
                )
            )
    return faults


def _ids(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _ids(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner, key)
    elif isinstance(value, str) and key in _ID_KEYS:
        yield value, key


def _module_prior_terms_only(content: Content, _: AuthoringRules) -> list[Fault]:
    plan = content.document["vocabulary_introduction_plan"]
    named_on = {
        term["term"]: min(
            (
                step["slide_no"]
                for step in term["steps"]
                if step.get("level") != "informal" and isinstance(step.get("slide_no"), int)
            ),
            default=None,
        )
        for term in plan
    }
    known = {
        one["term"]
        for one in content.synthesis["vocabulary_status"]
        if one["status"] == "kb_prerequisite"
    }
    strange = (
        {one["term"] for one in content.synthesis["vocabulary_status"]} - known - set(named_on)
    )
    faults = []
    for slide in content.entries:
        number, text = content.number(slide), slide["on_slide_text"]
        covering = [term for term in known if names_term(text, term)]
        for term, place in named_on.items():
            if (
                names_term(text, term)
                and (place is None or number < place)
                and not any(term in longer and term != longer for longer in covering)
            ):
                faults.append(Fault(number, "on_slide_text", text, f"“{term}” before it is named"))
        faults += [
            Fault(number, "on_slide_text", text, f"“{term}” is never named")
            for term in strange
            if names_term(text, term)
        ]
    return faults


def _module_exit_question(content: Content, _: AuthoringRules) -> list[Fault]:
    exits = [one for one in content.entries if one["slide_role"] == "exit_question"]
    if len(exits) != 1:
        return [Fault(0, "slides", f"{len(exits)} exit questions", "exactly one is needed")]
    (slide,) = exits
    number, text = content.number(slide), slide["on_slide_text"]
    faults = []
    verb = (words_of(content.document["lo"]) or [""])[0]
    if not _asks_to(verb, text):
        faults.append(Fault(number, "on_slide_text", text, f"it does not ask to {verb}"))
    used = {
        fraction
        for one in content.entries
        if content.number(one) < number
        for fraction in re.findall(r"\d+\s*/\s*\d+", one["on_slide_text"])
    }
    # Numbers of the objective itself, such as a benchmark, are not the question's.
    own = set(re.findall(r"\d+\s*/\s*\d+", content.document["lo"]))
    again = set(re.findall(r"\d+\s*/\s*\d+", text)) & used - own
    if again:
        faults.append(Fault(number, "on_slide_text", ", ".join(sorted(again)), "worked before"))
    return faults


_LABEL = re.compile(r"\byour task: [\w ,]+\.", re.IGNORECASE)
_REASONING = ("explain", "justify", "argue", "describe", "prove", "reason", "discuss", "interpret")
_GIVES_REASON = re.compile(
    r"\bhow (can|do|does) (you|one|we|they)\b|\bwhy\b|\breasons?\b|\bbecause\b", re.IGNORECASE
)


def _asks_to(verb: str, text: str) -> bool:
    """Whether a text asks for a verb: a label before other tasks asks for no reasons."""
    asked = _LABEL.sub(" ", text)
    if verb in words_of(asked):
        return True
    if verb in _REASONING:
        return _GIVES_REASON.search(asked) is not None
    return verb in words_of(text)


def _module_placement_framed(content: Content, _: AuthoringRules) -> list[Fault]:
    numbers = {content.number(one) for one in content.entries}
    faults, used = [], set[int]()
    for kind in ("applet_placements", "video_placements"):
        for place in content.document[kind]:
            at, lead, debrief = place["slide_no"], place["lead_in_slide"], place["debrief_slide"]
            frame = {lead, debrief}
            if lead != at - 1 or debrief != at + 1 or not frame | {at} <= numbers or frame & used:
                faults.append(
                    Fault(
                        at,
                        kind,
                        f"lead-in {lead}, debrief {debrief}",
                        "not next to the placement, missing, or shared",
                    )
                )
            used |= frame
    return faults


def _module_neighbours_respected(content: Content, _: AuthoringRules) -> list[Fault] | None:
    brief = _brief(content)
    if brief is None:
        return None
    faults = [
        Fault(0, "scope_drift_flags", flag["detail"], "it stands without a reason")
        for flag in brief["scope_drift_flags"]
        if flag["kind"] == "lo_components_overlap" and "also planned" in flag["detail"]
    ]
    own = " ".join(one["statement"] for one in content.document["lo_components"]).casefold()
    for name in ("predecessor", "successor"):
        for part in (brief.get(name) or {}).get("lo_components", ()):
            statement = str(part.get("statement", ""))
            for slide in content.entries:
                idea = slide["major_idea_per_slide"]
                if (
                    statement
                    and statement.casefold() not in own
                    and slide["slide_role"] != "retrieval"
                    and statement.casefold() in idea.casefold()
                ):
                    faults.append(
                        Fault(
                            content.number(slide),
                            "major_idea_per_slide",
                            idea,
                            f"work of the {name}",
                        )
                    )
    return faults


def _module_minutes_fit(content: Content, rules: AuthoringRules) -> list[Fault] | None:
    minutes = content.facts.get("lesson_minutes")
    if not isinstance(minutes, int):
        return None
    return [
        Fault(0, "slides", "minutes", what)
        for what in minutes_faults(content.entries, minutes, rules.pacing)
    ]


def _module_context_varied(content: Content, _: AuthoringRules) -> list[Fault]:
    stories: list[set[str]] = []
    for slide in content.entries:
        found = {name for name, words in _SETTINGS.items() if words.search(slide["on_slide_text"])}
        if found:
            stories.append(found)
    if len(stories) < 3:
        return []
    food = sum("food" in one for one in stories)
    kinds = set().union(*stories)
    if len(kinds) > 1 and food * 2 <= len(stories):
        return []
    return [
        Fault(0, "slides", f"{food} of {len(stories)} contexts are food", "one kind of setting")
    ]


# ------------------------------------------------------------------------------------------- applet


def _applet_lo_within_module(content: Content, _: AuthoringRules) -> list[Fault]:
    brief = _brief(content)
    parts = (
        [one["statement"] for one in brief["derived"]["lo_components"]]
        if brief is not None
        else [one["component_statement"] for one in content.synthesis["lo_components_enrichment"]]
    )
    faults = []
    lo = content.document["lo"]
    inside = any(
        len(content_words(lo) & content_words(part)) * 2 >= len(content_words(lo)) for part in parts
    )
    if parts and not inside:
        faults.append(Fault(0, "lo", lo, "no component of the module has it"))
    # Without the brief only those that were researched are known, and an index may be of the rest.
    count = len(parts) if brief is not None else None
    for screen in content.entries:
        indexes = screen["component_indexes"]
        if not indexes or min(indexes) < 0 or (count is not None and max(indexes) >= count):
            faults.append(
                Fault(
                    content.number(screen),
                    "component_indexes",
                    str(indexes),
                    "no component, or none of the module",
                )
            )
    return faults


def _applet_screen_complete(content: Content, _: AuthoringRules) -> list[Fault]:
    faults = []
    for screen in content.entries:
        zones, reply = screen["screen_zones"], screen["feedback"]
        missing = [
            name
            for name in ("student_sees", "student_does", "student_thinks")
            if not screen[name].strip()
        ]
        missing += [
            name
            for name in ("action_instruction", "scaffolding_text", "dev_notes")
            if not zones.get(name)
        ]
        missing += [one for one in ("on_correct", "on_incorrect") if not reply.get(one)]
        if len(screen["intermediate_states"]) < 2:
            missing.append("intermediate_states")
        if not screen["time_estimate"]:
            missing.append("time_estimate")
        if zones.get("action_instruction") == zones.get("scaffolding_text"):
            missing.append("zones of their own")
        if missing:
            faults.append(Fault(content.number(screen), "screens", ", ".join(missing), "missing"))
    return faults


def _applet_misconception_answered(content: Content, _: AuthoringRules) -> list[Fault]:
    target = content.document["misconception_targeted"]
    if target == "none":
        if any(gap["kind"] == "misconception" for gap in content.document["kb_gaps"]):
            return []
        return [Fault(0, "misconception_targeted", target, "no reason in kb_gaps")]
    if target not in {one["misconception_id"] for one in content.synthesis["misconceptions"]}:
        return [Fault(0, "misconception_targeted", target, "unknown")]
    for screen in content.entries:
        for reply in screen["feedback"].get("on_misconception") or []:
            if not isinstance(reply, Mapping) or reply.get("misconception_id") != target:
                continue
            if all(str(reply.get(key) or "").strip() for key in ("trigger", "say")):
                return []
    return [Fault(0, "feedback", target, "no screen answers it, or no trigger causes the answer")]


def _applet_no_answer_in_view(content: Content, _: AuthoringRules) -> list[Fault]:
    faults = []
    for screen in content.entries:
        found = re.search(
            r"answer[: ]+is[: ]+([^.]+)|answer:\s*([^.]+)",
            f"{screen['feedback'].get('on_correct', '')} ",
            re.IGNORECASE,
        )
        answer = (found.group(1) or found.group(2)).strip() if found else ""
        shown = f"{screen['student_sees']} {screen['screen_zones'].get('scaffolding_text', '')}"
        told = re.search(r"\b(the answer is|readout shows the (value|answer))\b", shown, re.I)
        if screen["ias_stage"] != "orient" and (told or (answer and gives_answer(shown, answer))):
            faults.append(
                Fault(content.number(screen), "student_sees", shown, "the answer is told")
            )
    return faults


_BY_KEYS = re.compile(r"keyboard|arrow keys?|tab\b|enter\b|types?\b|press(es)? (space|enter)", re.I)
_BY_TAPS = re.compile(r"\btaps?\b|single[- ]tap|tap-only|click", re.I)


def _applet_operable_without_dragging(content: Content, _: AuthoringRules) -> list[Fault]:
    faults = []
    for screen in content.entries:
        notes = screen["screen_zones"].get("dev_notes") or []
        ways = " ".join([screen["student_does"], *(str(note) for note in notes)])
        if not _BY_KEYS.search(ways) or not _BY_TAPS.search(ways):
            faults.append(
                Fault(
                    content.number(screen),
                    "student_does",
                    screen["student_does"],
                    "no keyboard way, or none by taps",
                )
            )
    return faults


def _applet_model_kept_from_module(content: Content, _: AuthoringRules) -> list[Fault]:
    first: dict[str, Mapping[str, Any]] = {}
    for screen in content.entries:
        if screen["vir_id"]:
            first.setdefault(screen["vir_id"], screen)
    faults = []
    for model in content.document["visual_models_referenced"]:
        shown = first.get(model["vir_id"])
        if shown is not None and not model["same_as_module"] and shown["ias_stage"] != "orient":
            faults.append(
                Fault(
                    content.number(shown),
                    "visual_models_referenced",
                    model["vir_id"],
                    "new, and not introduced on an orient screen",
                )
            )
    return faults


def _applet_time_fits(content: Content, rules: AuthoringRules) -> list[Fault]:
    return [
        Fault(0, "time_estimate", "seconds", what)
        for what in applet_time_faults(content.entries, rules.applet_time)
    ]


READINGS: dict[str, Reading] = {
    "module_lo_unchanged": _module_lo_unchanged,
    "module_components_covered": _module_components_covered,
    "module_mathematics_correct": _mathematics_correct,
    "module_kb_grounded": _kb_grounded,
    "module_prior_terms_only": _module_prior_terms_only,
    "module_exit_question": _module_exit_question,
    "module_placement_framed": _module_placement_framed,
    "module_neighbours_respected": _module_neighbours_respected,
    "module_minutes_fit": _module_minutes_fit,
    "module_context_varied": _module_context_varied,
    "applet_lo_within_module": _applet_lo_within_module,
    "applet_mathematics_correct": _mathematics_correct,
    "applet_screen_complete": _applet_screen_complete,
    "applet_misconception_answered": _applet_misconception_answered,
    "applet_kb_grounded": _kb_grounded,
    "applet_no_answer_in_view": _applet_no_answer_in_view,
    "applet_operable_without_dragging": _applet_operable_without_dragging,
    "applet_model_kept_from_module": _applet_model_kept_from_module,
    "applet_time_fits": _applet_time_fits,
}


def _exits(content: Content) -> Iterator[tuple[int, str]]:
    for one in content.entries:
        if one["slide_role"] == "exit_question":
            yield content.number(one), "on_slide_text"


def _frames(content: Content) -> Iterator[tuple[int, str]]:
    for kind in ("applet_placements", "video_placements"):
        for place in content.document[kind]:
            yield place["lead_in_slide"], "on_slide_text"
            yield place["debrief_slide"], "on_slide_text"


def _answers(content: Content) -> Iterator[tuple[int, str]]:
    found = (
        (content.number(entry), f"{path}.answer")
        for entry in content.entries
        for path, solution in solutions_of(entry)
        if solution.get("source") == COMPUTED
    )
    yield from islice(found, 3)


_LOOKED_AT: dict[str, Callable[[Content], Iterator[tuple[int, str]]]] = {
    "module_lo_unchanged": lambda _: iter([(0, "lo")]),
    "module_mathematics_correct": _answers,
    "module_exit_question": _exits,
    "module_placement_framed": _frames,
    "applet_lo_within_module": lambda _: iter([(0, "lo")]),
    "applet_mathematics_correct": _answers,
}
