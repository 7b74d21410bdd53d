"""Drafts of research by rule: what the knowledge base has for an objective, chosen and read.

Belongs here: the synthesis of all three scopes. It says what the evidence says and names what is
missing; it knows no mathematics of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.answers import objective_of
from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.rules import AuthoringRules

Inputs = Mapping[str, Any]

CORRECT, TEMPTING = " Correct: ", " Tempting: "
"""What stands before the answers of a diagnostic item."""

_STAGES = ["orient", "predict", "act", "observe", "generalise", "check"]


def synthesis(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The synthesis for a builder who does not see the knowledge base."""
    scope, evidence = inputs["scope"], inputs["kb_evidence"]
    context = inputs["curriculum_context"]
    lo, components = objective_of(inputs)
    brief = inputs.get("module_lo_brief_enriched") or {}
    planned = brief.get("planned", {})
    wrong = evidence["misconceptions"]
    own = _own(wrong, planned.get("misconception_ids", ()), components, scope)
    models = _models(evidence["visual_models"], planned.get("pedagogical_models", ()))
    terms = _terms(evidence["vocabulary"], planned.get("vocabulary_terms"), context["grade"])
    bindings = [_bindings(part, evidence["interactive_landscape"], models) for part in components]
    made: Document = {
        "scope": scope,
        "lo": lo,
        "lo_misconceptions": [
            {
                "misconception_id": row["misconception_id"],
                "why_here": f"Who holds it answers wrongly here: {row['example_error']}",
                "component_index": place,
            }
            for row, place in own
        ],
        "misconceptions": [_misconception(row) for row in wrong],
        "visual_models": [
            {
                "vir_id": row["vir_id"],
                "name": row["name"],
                "cpa_phase": row["cpa_phase"],
                "shows": row["shows"],
                "breaks_down_when": row["misleads_when"],
            }
            for row in models
        ],
        "conventions_flags": [
            {
                "convention_id": row["convention_id"],
                "kind": row["kind"],
                "delivery_form": row["delivery_form"],
                "other_forms": [f"{where}: {form}" for where, form in row["other_forms"].items()],
                "risk": row["risk"],
            }
            for row in evidence["conventions"]
        ],
        "gaps": _gaps(scope, components, own, models, bindings, terms),
        "synthesis_narrative": _narrative(lo, components, own, models, evidence),
        "textbook_references": [
            {key: row[key] for key in ("textbook_ref_id", "pages", "treats", "lo_codes")}
            for row in evidence["textbook_references"]
        ],
        "vocabulary_status": terms,
        "lo_components_enrichment": []
        if scope == "chapter"
        else [
            _enrichment(place, part, models, wrong, own, bindings[place])
            for place, part in enumerate(components)
        ],
    }
    if context.get("second_language"):
        made["translation_notes"] = _translations(evidence["vocabulary"], terms, context)
    if scope == "module":
        made["prerequisites_to_reactivate"] = _prerequisites(context, brief)
    if scope == "applet":
        made["ias_patterns"] = _patterns(evidence["ias_patterns"])
        for pattern in made["ias_patterns"][:1]:
            for entry in made["lo_components_enrichment"]:
                entry["visual_treatment_reference"] += (
                    f"\n\nOn a screen: {_sentence(pattern['fits_because'])} The student acts before"
                    " the model answers, and says what the answer shows."
                )
    return made


def answers_of(diagnostic_item: str) -> tuple[str, str, str]:
    """Task, correct answer and tempting answer of a diagnostic item; empty where it has none."""
    task, _, rest = diagnostic_item.partition(CORRECT)
    correct, _, tempting = rest.partition(TEMPTING)
    return task.strip(), correct.strip().rstrip("."), tempting.strip().rstrip(".")


def _own(
    rows: Sequence[Mapping[str, Any]],
    planned: Sequence[str],
    components: Sequence[Mapping[str, Any]],
    scope: str,
) -> list[tuple[Mapping[str, Any], int]]:
    """Misconceptions that strike at this very objective, each with a component of its own."""
    chosen = [row for row in rows if row["misconception_id"] in planned]
    if not chosen and scope != "module":
        chosen = list(rows)
    free = list(range(len(components)))
    found = []
    for row in chosen:
        if not free:
            break
        text = f"{row['belief']} {row['probe']}"
        place = max(free, key=lambda i: (_alike(text, components[i]["statement"]), -i))
        free.remove(place)
        found.append((row, place))
    return found


def _alike(one: str, other: str) -> float:
    return fuzz.token_set_ratio(one.casefold(), other.casefold())


def _misconception(row: Mapping[str, Any]) -> Document:
    item = f"{row['probe']}{CORRECT}{row['probe_answer']}.{TEMPTING}{row['wrong_answer']}."
    return {
        "misconception_id": row["misconception_id"],
        "statement": row["belief"],
        "origin": row["why"],
        "diagnostic_item": item,
        "response": row["response"],
    }


def _models(rows: Sequence[Mapping[str, Any]], planned: Sequence[str]) -> list[Mapping[str, Any]]:
    order = {name: place for place, name in enumerate(planned)}
    return sorted(rows, key=lambda row: order.get(row["name"], len(order)))


def _terms(
    rows: Sequence[Mapping[str, Any]], planned: Sequence[str] | None, grade: int
) -> list[Document]:
    found = []
    for row in rows:
        is_new = row["introduced_in_grade"] >= grade if planned is None else row["term"] in planned
        variant = next(iter(row["other_forms"].values()), None)
        status = "kb_exact" if is_new else "kb_prerequisite"
        action = (
            "use the definition as it stands"
            if is_new
            else "use without teaching; retrieve once before first need"
        )
        found.append(
            {
                "term": row["term"],
                "status": status,
                "vocabulary_id": row["vocabulary_id"],
                "definition": row["definition"],
                "action": f"{action}; elsewhere called {variant}" if variant else action,
            }
        )
    return found


def _bindings(
    component: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
) -> list[Document]:
    leading = {row["vir_id"] for row in models[:2]}
    found = []
    for row in rows:
        serves = bool(leading & set(row["vir_ids"]))
        value = (
            f"{row['interaction']} For the component “{component['statement']}” the student causes"
            " several cases one after the other, sees at once what each does to the model, and has"
            " to say which feature of the case made the difference."
        )
        found.append(
            {
                "interactive_id": row["interactive_id"],
                "url": row["url"],
                "activity_title": row["title"],
                "pedagogical_value": value,
                "confidence": ("high" if row["kind"] == "applet" else "medium")
                if serves
                else "low",
            }
        )
    order = {"high": 0, "medium": 1, "low": 2}
    return sorted(found, key=lambda one: order[one["confidence"]])[:3]


def _gaps(
    scope: str,
    components: Sequence[Mapping[str, Any]],
    own: Sequence[tuple[Mapping[str, Any], int]],
    models: Sequence[Any],
    bindings: Sequence[Sequence[Any]],
    terms: Sequence[Any],
) -> list[Document]:
    gaps = []
    if not models:
        gaps.append(
            _gap(
                "visual_model",
                "this objective",
                "nothing carries the idea",
                "use a plain drawing and describe it in full",
            )
        )
    if not terms:
        gaps.append(
            _gap(
                "vocabulary",
                "this objective",
                "no definition can be quoted",
                "use everyday words and name nothing",
            )
        )
    if scope != "chapter":
        struck = {place for _, place in own}
        for place, part in enumerate(components):
            if place not in struck:
                gaps.append(
                    _gap(
                        "misconception",
                        part["statement"],
                        "no wrong idea is known to set against it",
                        "let students look for a case that does not fit",
                    )
                )
            if not bindings[place]:
                gaps.append(
                    _gap(
                        "interactive",
                        part["statement"],
                        "it is practised on paper",
                        "leave the placement out",
                    )
                )
    return gaps


def _gap(kind: str, subject: str, effect: str, instruction: str) -> Document:
    return {"kind": kind, "subject": subject, "effect": effect, "instruction": instruction}


def _narrative(
    lo: str,
    components: Sequence[Mapping[str, Any]],
    own: Sequence[tuple[Mapping[str, Any], int]],
    models: Sequence[Mapping[str, Any]],
    evidence: Mapping[str, Any],
) -> str:
    """From 200 words on: the idea, the pivot, the models, what to vary, where it ends."""
    parts = [
        f"The objective is: {_sentence(lo)}",
        "Everything before the pivotal slide makes the question necessary, and nothing before it"
        " gives the answer away.",
    ]
    for row, _ in own[:2]:
        parts.append(
            f"The pivotal difficulty is the idea that {_lower(row['belief'])} It comes from"
            f" experience: {_sentence(_lower(row['why']))} It is met by a task on which it gives"
            f" another answer, {_sentence('“' + row['probe'] + '”')} {_sentence(row['response'])}"
        )
    if not own:
        parts.append(
            "The evidence has no misconception that strikes here, so the turning point is the"
            " first case that does not fit what the cases before it suggest."
        )
    parts += [
        f"{row['name']} carries the idea: {_sentence(_lower(row['shows']))} It stops helping"
        f" when {_sentence(_lower(row['misleads_when']))}"
        for row in models[:2]
    ]
    if len(models) > 1:
        parts.append(
            f"Students get from {_lower(models[0]['name'])} to {_lower(models[1]['name'])} by"
            " showing one case on both and saying which part of the one is which part of the other."
        )
    if components:
        steps = "; then ".join(_lower(part["statement"]) for part in components)
        parts.append(f"The route is: {_sentence(steps)}")
    parts.append(
        "Keep the whole and the model fixed, change one number first, and bring in the case that"
        " breaks the easy pattern before anybody works alone. Each component begins on a thing or"
        " picture, is written beside it in symbols, and ends with a task that can be done without"
        " the picture and checked on it. Words are named on the slide after the idea was worked"
        " on, defined on a case and a case that only looks like one, and needed in an answer."
    )
    told = "; ".join(row["treats"] for row in evidence["textbook_references"][:3])
    parts.append(
        f"The textbook treats: {_sentence(told)}" if told else "No textbook passage was given."
    )
    parts.append(
        "What the evidence lacks stands among the gaps, with what to do meanwhile; nothing was"
        " filled in from elsewhere."
    )
    text = " ".join(parts)
    return " ".join(text.split()[:500])


def _enrichment(
    place: int,
    component: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    wrong: Sequence[Mapping[str, Any]],
    own: Sequence[tuple[Mapping[str, Any], int]],
    bindings: list[Document],
) -> Document:
    main = models[0] if models else None
    second = models[1] if len(models) > 1 else None
    struck = [row for row, index in own if index == place] or list(wrong[:1])
    paragraphs = [
        f"Opening picture: {_sentence(main['description'])}"
        if main
        else "Opening picture: a plain drawing of the whole, described in full: no model is known.",
        f"The move that carries the idea: students {_sentence(_lower(component['statement']))} The"
        " whole stays in view and keeps its size; what changes is marked by pattern and label.",
        "Order of cases: a case that can be seen at a glance; the same with one number changed; a"
        " case at the edge of the range; one that looks alike and is not.",
    ]
    paragraphs += [
        f"Likeliest misreading: {_sentence(row['belief'])} The picture answers it:"
        f" {_sentence(row['response'])}"
        for row in struck[:1]
    ]
    paragraphs.append(
        f"From picture to symbols: show one case on {_lower(second['name'])} beside it, mark what"
        " corresponds, and write the symbols as the record of what was done."
        if second
        else "From picture to symbols: write the symbols beside the picture as the record of what"
        " was done, then ask for the picture from the symbols."
    )
    used = [row["vir_id"] for row in models[:2]] + [row["misconception_id"] for row in struck[:1]]
    return {
        "component_index": place,
        "component_statement": component["statement"],
        "visual_treatment_reference": "\n\n".join(paragraphs),
        "resource_bindings": bindings,
        "derivation_evidence": [{"kb_id": one} for one in used],
        "rationale": "The first model is the one the plan names, the second the next of them.",
    }


def _translations(
    rows: Iterable[Mapping[str, Any]],
    terms: Sequence[Mapping[str, Any]],
    context: Mapping[str, Any],
) -> list[Document]:
    language = context["second_language"]
    new = {one["term"] for one in terms if one["status"] != "kb_prerequisite"}
    return [
        {
            "term": row["term"],
            "delivery_term": row["term"],
            "false_friend": "; ".join(row["false_friends"]),
            "note": f"{language}: {row[language]}",
        }
        for row in rows
        if row["term"] in new and row.get(language)
    ]


def _prerequisites(context: Mapping[str, Any], brief: Mapping[str, Any]) -> list[Document]:
    planned = brief.get("planned", {})
    earlier = brief.get("predecessor") or {}
    found = []
    for one in context["prerequisites"]:
        what = one["components"][-1]["statement"] if one["components"] else one["statement"]
        place = earlier.get("position") if one["grade"] == context["grade"] else None
        found.append(
            {
                "lo_code": one["lo_code"],
                "what": what,
                "how": f"From memory, before slide 3: {_lower(what)}, on a case of one's own.",
                "taught_in_position": place if place != planned.get("position") else None,
            }
        )
    return found


def _patterns(rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    return [
        {
            "ias_archetype": row["ias_archetype"],
            "fits_because": row["interaction"],
            "stages": _STAGES,
            "interactive_id": row["interactive_id"],
        }
        for row in rows
    ]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _sentence(text: str) -> str:
    return text if text[-1:] in ".?!”" else f"{text}."
