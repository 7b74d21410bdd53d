"""Drafts of a review by rule: gate findings, levels of criteria, pitfalls, coverage, short texts.

Belongs here: putting what readings found into the scorers' contracts. Nothing is added up and no
gate is decided here. Rules see no pictures: of a criterion of vision they find faults of the plan,
and where they find none it is not assessed. Quotes stand word for word at the field that is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aina_assets.authoring.answers import rubric_of
from aina_assets.authoring.config import Configuration, Criterion, GateSet, Pitfalls
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.coverage import audited, statement_of
from aina_assets.authoring.criterion_readings import (
    criterion_faults,
    level_index,
    shows_faults_only,
)
from aina_assets.authoring.gate_readings import gate_faults, left_open, looked_at
from aina_assets.authoring.pitfall_readings import Content, pitfall_faults
from aina_assets.authoring.quoting import evidence_of, quote_of, seen, words_at
from aina_assets.authoring.reading import Fault, of_component, tests_component
from aina_assets.authoring.rules import AuthoringRules

Inputs = Mapping[str, Any]

_ACTIONS = {
    "hook": ("introduce", "moderate"),
    "retrieval": ("reactivate", "strong"),
    "concept_development": ("develop", "moderate"),
    "misconception_probe": ("contrast", "strong"),
    "worked_example": ("develop", "strong"),
    "guided_practice": ("contrast", "strong"),
    "independent_practice": ("apply", "strong"),
    "discussion": ("formalise", "moderate"),
    "summary": ("formalise", "moderate"),
    "exit_question": ("check", "strong"),
}
_DOMAINS = {"D": "Instructional Design", "L": "Accessibility", "P": "Pedagogy", "X": "Experience"}


def content_of(inputs: Inputs) -> Content:
    """What is reviewed, out of a scorer's input; lesson and grade are in the module's request."""
    scope = "applet" if "build_applet_screens" in inputs else "module"
    name = "build_applet_screens" if scope == "applet" else "build_module_blueprint"
    facts = {**inputs.get("module_request", {}), **inputs}
    return Content(scope, inputs[name], inputs["research_deep_synthesis"], facts)


def gates(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:
    """A finding for every gate of the set."""
    content = content_of(inputs)
    name = f"{content.scope}_gates"
    questions = config.rubric_by_name[name]
    assert isinstance(questions, GateSet)  # noqa: S101 - the configuration's check has seen to it
    return {
        "gate_set": name,
        "content_type": inputs["content_type"],
        "gates": [
            _gate(gate, gate_faults(gate.id, content, rules), content) for gate in questions.gates
        ],
    }


def _gate(gate: Any, faults: list[Fault] | None, content: Content) -> Document:
    if faults is None:
        open_ = left_open(gate.id, content)
        missing = (
            f"a person must check: {'; '.join(open_[:4])}"
            + (f" and {len(open_) - 4} more" if len(open_) > 4 else "")
            if open_
            else f"the input has nothing on: {', '.join(gate.evidence)}"
        )
        return {"id": gate.id, "finding": "not_shown", "evidence": [], "missing": missing,
                "fix": "", "confidence": "low"}  # fmt: skip
    if not faults:
        evidence = words_at(content, looked_at(gate.id, content)) or seen(gate.evidence, content)
        return {"id": gate.id, "finding": "met", "evidence": evidence,
                "missing": "", "fix": "", "confidence": "medium"}  # fmt: skip
    return {
        "id": gate.id,
        "finding": "not_met",
        "evidence": [evidence_of(fault, content) for fault in faults[:4]],
        "missing": "; ".join(f"{_place(one, content)}: {one.what}" for one in faults[:4]),
        "fix": f"{_place(faults[0], content)}, {_named(faults[0].field)}: {gate.must}",
        "confidence": "medium",
    }


def rubric_domain(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:
    """A level for every criterion of one domain's rubric."""
    content, code = content_of(inputs), inputs["domain_code"]
    rubric = rubric_of(config, content.scope, code)
    if rubric is None:
        raise ValueError(f"there is no rubric {content.scope}_{code}")
    made: Document = {
        "domain": _DOMAINS[code],
        "domain_code": code,
        "scope": content.scope,
        "content_type": inputs["content_type"],
        "criteria": [
            _criterion(one, content, code, inputs["content_type"], rules) for one in rubric.criteria
        ],
    }
    if code == "P" and content.scope == "module":
        made["concepts_on_slide"] = list(_concepts(content))
    return made


def _criterion(
    criterion: Criterion,
    content: Content,
    code: str,
    content_type: str,
    rules: AuthoringRules,
) -> Document:
    base: Document = {"id": criterion.id, "evidence": [], "dev_notes": []}
    if not criterion.applies_to(content_type):
        return base | {
            "applicable": False,
            "points": None,
            "level_when": "",
            "reason": f"not applicable to {content_type}",
            "recommendation": None,
        }
    faults = criterion_faults(content.scope, code, criterion.id, content, rules)
    if faults is None or (not faults and shows_faults_only(content.scope, code, criterion)):
        why = (
            "no rule reads it"
            if faults is None
            else "no fault was read; pictures decide, and were not seen"
            if criterion.vision
            else "no fault was read; no field says that it is met"
        )
        return base | {
            "applicable": True,
            "points": None,
            "level_when": "",
            "evidence": seen(criterion.evidence, content),
            "reason": f"Not assessed: {why}. A person must say.",
            "recommendation": None,
        }
    level = criterion.levels[level_index(faults, len(criterion.levels))]
    told = "; ".join(f"{_place(one, content)}: {one.what}" for one in faults[:3])
    blind = " Pictures not seen." if criterion.vision else ""
    recommendation = None
    if level is not criterion.levels[0]:
        first = faults[0]
        place = f"{_place(first, content)}, {_named(first.field)}"
        recommendation = {
            "where": first.where,
            "field": first.field,
            "change": f"{place}: {criterion.levels[0].when}",
            "keep": "the order of slides" if content.scope == "module" else "the order of screens",
            "priority": "should" if level is criterion.levels[-1] else "could",
        }
    return base | {
        "applicable": True,
        "points": level.points,
        "level_when": level.when,
        "evidence": [evidence_of(one, content) for one in faults[:3]]
        or seen(criterion.evidence, content),
        "reason": (
            told
            or "No fault was found by reading the fields; how it works on students is not read."
        )
        + blind,
        "recommendation": recommendation,
    }


def _concepts(content: Content) -> Iterator[Document]:
    for slide in content.entries:
        action = _ACTIONS.get(slide["slide_role"])
        if action is None:
            continue
        indexes = slide["component_indexes"]
        is_retrieval = slide["slide_role"] == "retrieval"
        yield {
            "slide_no": slide["slide_no"],
            "concept": " ".join(slide["major_idea_per_slide"].split()[:8]),
            "component_index": None if is_retrieval or not indexes else indexes[0],
            "action": action[0],
            "evidence_strength": action[1],
            "quote": _start(quote_of(content, slide)["quote"], 15),
        }


def pitfalls(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """Every pitfall that the fields show, with the roles of the slides it names."""
    content = content_of(inputs)
    known = config.rubric_by_name["design_pitfalls"]
    assert isinstance(known, Pitfalls)  # noqa: S101 - the configuration's check has seen to it
    found = []
    for pitfall in known.pitfalls:
        if content.scope not in pitfall.applies_to:
            continue
        faults = pitfall_faults(pitfall.id, content)
        if not faults:
            continue
        where = sorted({fault.where for fault in faults})
        first = faults[0]
        found.append(
            {
                "id": pitfall.id,
                "where": where,
                "evidence": evidence_of(first, content)["quote"] or first.what,
                "harm_here": f"{first.what}. {pitfall.why_it_harms}",
                "fix": f"{_place(first, content)}, {_named(first.field)}: {pitfall.fix}",
                "confidence": "medium",
            }
        )
    places = {place for one in found for place in one["where"]}
    roles = [
        {
            "slide_no": slide["slide_no"],
            "observed_role": slide["slide_role"],
            "confidence": "medium",
            "cue": "read from the plan; pictures not seen",
            "planned_role": slide["slide_role"],
        }
        for slide in content.document.get("slides", ())
        if slide["slide_no"] in places
    ]
    return {
        "pattern_set": "design_pitfalls",
        "violations": found,
        "slide_role_observations": roles,
    }


# ----------------------------------------------------------------------------------------- coverage


def coverage(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """States of every component and audited item, each with its places."""
    content = content_of(inputs)
    wanted = audited(content.document, content.synthesis, content.scope)
    return {
        "content_type": inputs["content_type"],
        "mastery_estimate": {
            "components": [_component(index, content) for index in wanted["components"]],
            "misconceptions": [_confronted(one, content) for one in wanted["misconceptions"]],
            "vocabulary": [
                _term(one, content)
                for one in content.document.get("vocabulary_introduction_plan", ())
            ],
            "visual_models": [_model(one, content) for one in wanted["visual_models"]],
            "unplanned": [
                {"what": one, "where": places}
                for one, places in _unplanned(content, wanted["visual_models"]).items()
            ],
            "blocked_by": [
                {"what": gap["subject"], "why": f"gap of kind {gap['kind']}"}
                for gap in content.document["kb_gaps"][:8]
            ],
        },
    }


def _component(index: int, content: Content) -> Document:
    entries = of_component(content.entries, index)
    if content.scope == "module":
        built = [
            one
            for one in entries
            if one["slide_role"]
            in ("concept_development", "worked_example", "misconception_probe", "guided_practice")
        ]
        said = statement_of(content, index) or ""
        checks = [
            one
            for one in entries
            if one["slide_role"] in ("independent_practice", "exit_question")
            and tests_component(one, index, said)
        ]
    else:
        built = [one for one in entries if one["ias_stage"] in ("act", "observe", "generalise")]
        checks = [one for one in entries if one["ias_stage"] == "check"]
    numbers = [content.number(one) for one in (*built, *checks)]
    later = bool(built and checks) and content.number(checks[-1]) > content.number(built[0])
    state = (
        "taught_and_checked" if later
        else "taught_only" if built
        else "checked_only" if checks
        else "touched" if entries
        else "absent"
    )  # fmt: skip
    return {
        "component_index": index,
        "state": state,
        "where": numbers[:3] + numbers[-1:]
        if len(numbers) > 3
        else numbers or [content.number(one) for one in entries][:4],
        "reason": f"built on {len(built)}, checked on {len(checks)} places of the plan",
    }


def _confronted(one: str, content: Content) -> Document:
    if content.scope == "module":
        slides = [slide for slide in content.entries if one in slide["misconception_ids"]]
        probed = [slide for slide in slides if slide["slide_role"] == "misconception_probe"]
        state = "confronted" if probed and len(slides) > 1 else "mentioned" if slides else "absent"
        places = [content.number(slide) for slide in (*probed, *slides)]
    else:
        screens = [
            screen
            for screen in content.entries
            if any(
                isinstance(reply, Mapping) and reply.get("misconception_id") == one
                for reply in screen["feedback"].get("on_misconception") or []
            )
        ]
        state = "confronted" if screens else "absent"
        places = [content.number(screen) for screen in screens]
    return {"misconception_id": one, "state": state, "where": list(dict.fromkeys(places))[:4]}


def _term(term: Mapping[str, Any], content: Content) -> Document:
    levels = ("informal", "named", "defined", "used")
    shown = {
        str(state["level"]): content.number(slide)
        for slide in content.entries
        for state in slide["vocabulary_on_this_slide"].get("terms") or []
        if isinstance(state, Mapping)
        and state.get("term") == term["term"]
        and state.get("level") in levels
    }
    reached = next((level for level in reversed(levels) if level in shown), "informal")
    return {
        "term": term["term"],
        "planned_level": term["target_level"],
        "reached_level": reached,
        "where": list(shown.values())[-4:] or [term["first_slide"]],
    }


def _model(vir_id: str, content: Content) -> Document:
    entries = [one for one in content.entries if one["vir_id"] == vir_id]
    acts = ("draw", "mark", "move", "fold", "set", "build", "change", "complete", "cut", "place")
    worked = [one for one in entries if any(word in content.act(one).lower() for word in acts)]
    state = "worked_with" if worked else "shown" if entries else "absent"
    places = [content.number(one) for one in worked or entries]
    return {"vir_id": vir_id, "state": state, "where": places[:4]}


def _unplanned(content: Content, planned: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in content.entries:
        if one["vir_id"] and one["vir_id"] not in planned:
            found.setdefault(f"model {one['vir_id']}", []).append(content.number(one))
    return found


# -------------------------------------------------------------------------------------------- texts


def action_summaries(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The short texts at the head of a report, out of the digest and nothing else."""
    digest = inputs["review_digest"]
    asked = digest["recommendations"]
    failed = [one["title"] for one in digest["gates"] if one["state"] == "fail"]
    open_ = [one["title"] for one in digest["gates"] if one["state"] == "not_shown"]
    verdicts = ", ".join(
        f"{one['domain']} {one['verdict'] or 'not assessed'}"
        + (" in part" if one["verdict"] and one["not_assessed"] else "")
        for one in digest["domains"]
    )
    broken = [one for one in digest["traces"] if one["breaks"]]
    gaps = digest["mastery"].get("blocked_by") or []
    blocked = list(dict.fromkeys(str(one["what"]).rstrip(".") for one in gaps))
    lead = (
        asked[0]["change"] if asked
        else _threads(broken) if broken
        else f"the gap on {blocked[0]}" if blocked
        else "nothing that the reading of fields could find"
    )  # fmt: skip
    missing = [
        f"{name.replace('_', ' ')}: {one['planned'] - one['met']} of {one['planned']}"
        for name, one in digest["coverage"].items()
        if isinstance(one, Mapping) and one.get("planned", 0) > one.get("met", 0)
    ]
    by_place: dict[int, list[Mapping[str, Any]]] = {}
    for one in asked:
        for place in one["where"] or [0]:
            by_place.setdefault(place, []).append(one)
    return {
        "summary_blurb": _words(f"{_whole(digest)} {verdicts}. In its way: {lead}", 60),
        "gate_summary": _words(
            ("Failed: " + "; ".join(failed) if failed else "No gate failed")
            + (f". Not shown: {'; '.join(open_)}" if open_ else "")
            + ".",
            40,
        ),
        "recommendation_summary": _words(
            (" ".join(f"{one['change']}" for one in asked[:3])
             or "No criterion, question or pitfall asks for a change.")
            + (f" Mend also {_threads(broken)}." if broken else ""), 60),
        "mastery_narrative": _words(
            (f"Not fully met: {'; '.join(missing)}." if missing
             else "Every planned component, idea, term and model is met.")
            + (f" Blocked by {_count(len(blocked), 'gap')}: {'; '.join(blocked)}."
               if blocked else ""), 60),
        "mastery_action_line": _words(f"Mend first: {lead}", 60),
        "slide_actions": [
            {
                "where": place,
                "action": _words(some[0]["change"], 40),
                "because": [one["because"] for one in some],
                "priority": some[0]["priority"],
            }
            for place, some in sorted(by_place.items())
        ],
    }  # fmt: skip


def _threads(broken: Sequence[Mapping[str, Any]]) -> str:
    """How many threads break, and the first of them."""
    first = broken[0]
    name = first["thread"].replace("_", " ")
    subject = _words(first["subject"].rstrip("."), 12)
    count = _count(len(broken), "broken thread")
    return f"{count}, first {name} of “{subject}”: {first['breaks'][0]}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _whole(digest: Mapping[str, Any]) -> str:
    """What the review says of the whole, and how much of it was looked at."""
    points = f"{digest['points_assessed']} of {digest['points_applicable']} points assessed"
    open_ = digest["not_assessed"]
    if not open_:
        return f"{digest['verdict'].replace('_', ' ').capitalize()}; {points}."
    named = ", ".join(open_[:8]) + (f" and {len(open_) - 8} more" if len(open_) > 8 else "")
    return f"{digest['verdict'].replace('_', ' ').capitalize()}; {points}, not {named}."


def _words(text: str, most: int) -> str:
    words = text.split()
    return " ".join(words[:most]) + (" …" if len(words) > most else "")


def _start(text: str, most: int) -> str:
    """The first words of a text, as they stand there."""
    words = re.match(rf"\S+(?:\s+\S+){{0,{most - 1}}}", text)
    return words.group(0) if words else ""


def _place(fault: Fault, content: Content) -> str:
    if not fault.where:
        return "The whole"
    return f"{'Slide' if content.scope == 'module' else 'Screen'} {fault.where}"


def _named(field: str) -> str:
    """A field's path in words: ``screen_zones.dev_notes[0]`` is screen zones, dev notes 1."""
    numbered = re.sub(r"\[(\d+)\]", lambda place: f" {int(place.group(1)) + 1}", field)
    return numbered.replace(".", ", ").replace("_", " ")
