"""Drafts of research by rule: what the knowledge base has for an objective, chosen and read.

Belongs here: the synthesis of all three scopes. It says what the evidence says and names what is
missing; what a question with fractions is about is computed (``fraction_tasks``), nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.answers import objective_of
from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.fraction_tasks import (
    believed,
    fits,
    printed_in,
    sort_of,
    tasks_of,
)
from aina_assets.authoring.phrases import clause, lower, sentence, shortened
from aina_assets.authoring.rules import AuthoringRules

Inputs = Mapping[str, Any]

CORRECT, TEMPTING = " Correct: ", " Tempting: "
"""What stands before the answers of a diagnostic item."""

_NEAR = 10
"""Likeness within which two components are about equally near."""

_LEAST_ALIKE = 40
"""Below it words alone do not say that a misconception belongs to a component."""

_TRIED = 3
"""Tasks of a component on which a belief is tried."""

_STAGES = ["orient", "predict", "act", "observe", "generalise", "check"]


def synthesis(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The synthesis for a builder who does not see the knowledge base."""
    scope, evidence = inputs["scope"], inputs["kb_evidence"]
    context = inputs["curriculum_context"]
    lo, components = objective_of(inputs)
    brief = inputs.get("module_lo_brief_enriched") or {}
    planned = brief.get("planned", {})
    wrong = evidence["misconceptions"]
    parts, narrowed = _parts(brief, components, scope)
    codes = _codes(context)
    struck = own_misconceptions(wrong, planned.get("misconception_ids", ()), parts, codes, scope)
    own = [(row, narrowed.index(place)) for row, place in struck if place in narrowed]
    models = _models(evidence["visual_models"], planned.get("pedagogical_models", ()))
    terms = _terms(evidence["vocabulary"], planned.get("vocabulary_terms"), context["grade"])
    bindings = _bindings(components, evidence["interactive_landscape"], models, own)
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
                "good_for_denominators": list(row.get("good_for_denominators") or ()),
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
        "gaps": _gaps(scope, components, own, models, bindings, terms)
        + _not_posed(wrong, planned.get("misconception_ids", ()), struck, scope),
        "synthesis_narrative": _narrative(lo, components, own, models, evidence),
        "textbook_references": [
            {key: row[key] for key in ("textbook_ref_id", "pages", "treats", "lo_codes")}
            for row in evidence["textbook_references"]
        ],
        "vocabulary_status": terms,
        "lo_components_enrichment": []
        if scope == "chapter"
        else [
            _enrichment(place, part, models, own, bindings[place])
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
                    f"\n\nOn a screen: {sentence(pattern['fits_because'])} The student acts before"
                    " the model answers, and says what the answer shows."
                )
    return made


def answers_of(diagnostic_item: str) -> tuple[str, str, str]:
    """Task, correct answer and tempting answer of a diagnostic item; empty where it has none."""
    task, _, rest = diagnostic_item.partition(CORRECT)
    correct, _, tempting = rest.partition(TEMPTING)
    return task.strip(), correct.strip().rstrip("."), tempting.strip().rstrip(".")


def model_for(
    component: Mapping[str, Any], models: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The model that a component's brief names, else the first; ``None`` where there is none."""
    wanted = str(component.get("visual_treatment") or "").casefold()
    named = (row for row in models if row["name"].casefold() in wanted)
    return next(named, models[0] if models else None)


def own_misconceptions(
    rows: Sequence[Mapping[str, Any]],
    planned: Sequence[str],
    components: Sequence[Mapping[str, Any]],
    codes: Mapping[str, str],
    scope: str,
) -> list[tuple[Mapping[str, Any], int]]:
    """Misconceptions that strike at this very objective, each with a component of its own.

    The best match comes first. A question that is not of a component's sort never goes to it:
    1/6 against 1/4 is no comparison of fractions with the same denominator.

    Args:
        rows: misconceptions of the evidence.
        planned: ids that the chapter planned; without them, every one but at module scope.
        components: of the objective.
        codes: objective of each component, by its statement.
        scope: chapter, module or applet.
    """
    chosen = [row for row in rows if row["misconception_id"] in planned]
    if not chosen and scope != "module":
        chosen = list(rows)
    pairs = [
        (worth, -number, -place)
        for number, row in enumerate(chosen)
        for place, part in enumerate(components)
        if (worth := _worth(row, str(part["statement"]), codes)) is not None
    ]
    found: dict[int, int] = {}
    for _, number, place in sorted(pairs, reverse=True):
        if -number not in found and -place not in found.values():
            found[-number] = -place
    return [(chosen[number], place) for number, place in sorted(found.items())]


def _worth(row: Mapping[str, Any], statement: str, codes: Mapping[str, str]) -> float | None:
    """How well a misconception suits a component; ``None``: its question is of another sort.

    What counts most is that its question is of the component's sort, and that who holds it answers
    the component's own tasks wrongly; then how alike the words are.
    """
    code = codes.get(statement)
    if code is not None and code not in row["lo_codes"]:
        return None
    suits = fits(sort_of(statement), printed_in(row["probe"]))
    if suits is False:
        return None
    is_struck = any(believed(row["belief"], task) for task in tasks_of(statement, _TRIED))
    computed = bool(suits) + is_struck
    likeness = _alike(f"{row['belief']} {row['probe']}", statement)
    return likeness + 100 * computed if computed or likeness >= _LEAST_ALIKE else None


def _parts(
    brief: Mapping[str, Any], components: Sequence[Mapping[str, Any]], scope: str
) -> tuple[Sequence[Mapping[str, Any]], list[int]]:
    """The components among which misconceptions are shared out, and which of them are one's own.

    Of an applet they are its module's: what strikes at another component is not the applet's.
    """
    parent = (brief.get("derived") or {}).get("lo_components") or ()
    stated = [part["statement"] for part in parent]
    if scope == "applet" and components and all(one["statement"] in stated for one in components):
        return parent, [stated.index(one["statement"]) for one in components]
    return components, list(range(len(components)))


def _codes(context: Mapping[str, Any]) -> dict[str, str]:
    return {
        part["statement"]: one["lo_code"]
        for one in context["learning_objectives"]
        for part in one["components"]
    }


def _not_posed(
    rows: Sequence[Mapping[str, Any]],
    planned: Sequence[str],
    struck: Sequence[tuple[Mapping[str, Any], int]],
    scope: str,
) -> list[Document]:
    """Planned misconceptions for whose question no component has a place."""
    met = {row["misconception_id"] for row, _ in struck}
    return [
        _gap(
            "misconception",
            row["belief"],
            "it was planned here, and no component asks a question on which it answers wrongly",
            "confront it in a module whose tasks ask that question",
        )
        for row in rows
        if scope == "module"
        and row["misconception_id"] in planned
        and row["misconception_id"] not in met
    ]


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
    components: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    own: Sequence[tuple[Mapping[str, Any], int]],
) -> list[list[Document]]:
    """Interactives by component; surest where the interaction is about that very component."""
    leading = {row["vir_id"] for row in models[:2]}
    struck = {place for _, place in own}
    order = {"high": 0, "medium": 1, "low": 2}
    found: list[list[Document]] = [[] for _ in components]
    for row in rows:
        serves = bool(leading & set(row["vir_ids"]))
        likeness = [_alike(row["interaction"], part["statement"]) for part in components]
        # Of components that are about equally near, one with a wrong idea to meet gains most.
        near = [place for place, one in enumerate(likeness) if one >= max(likeness) - _NEAR]
        best = next((place for place in near if place in struck), near[0] if near else 0)
        for place, part in enumerate(components):
            value = (
                f"{row['interaction']} For the component “{part['statement']}” the student causes"
                " several cases one after the other, sees at once what each does to the model, and"
                " has to say which feature of the case made the difference."
            )
            is_own = row["kind"] == "applet" and place == best
            found[place].append(
                {
                    "interactive_id": row["interactive_id"],
                    "url": row["url"],
                    "activity_title": row["title"],
                    "pedagogical_value": value,
                    "confidence": ("high" if is_own else "medium") if serves else "low",
                }
            )
    return [sorted(some, key=lambda one: order[one["confidence"]])[:3] for some in found]


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
        f"The objective is: {clause(lo)}.",
        "Everything before the pivotal slide makes the question necessary, and nothing before it"
        " gives the answer away.",
    ]
    for place, (row, _) in enumerate(own[:2]):
        which = "The pivotal difficulty" if place == 0 else "A second difficulty"
        parts.append(
            f"{which} is the idea that {clause(row['belief'])}. {sentence(row['why'])} A task on"
            f" which it gives another answer: “{sentence(row['probe'])}”"
            f" {sentence(row['response'])}"
        )
    if not own:
        parts.append(
            "The evidence has no misconception that strikes here, so the turning point is the"
            " first case that does not fit what the cases before it suggest."
        )
    parts += [
        f"{sentence(row['name'])[:-1]} carries the idea: {clause(row['shows'])}. Where it misleads:"
        f" {clause(row['misleads_when'])}."
        for row in models[:2]
    ]
    if len(models) > 1:
        parts.append(
            f"Students get from the {lower(models[0]['name'])} to the {lower(models[1]['name'])} by"
            " showing one case on both and saying which part of the one is which part of the other."
        )
    if components:
        steps = "; then ".join(clause(part["statement"]) for part in components)
        parts.append(f"The route is: {steps}.")
    parts.append(
        "Keep the whole and the model fixed, change one number first, and bring in the case that"
        " breaks the easy pattern before anybody works alone. Each component begins on a thing or"
        " picture, is written beside it in symbols, and ends with a task that can be done without"
        " the picture and checked on it. Words are named on the slide after the idea was worked"
        " on, defined on a case and a case that only looks like one, and needed in an answer."
    )
    told = "; ".join(clause(row["treats"]) for row in evidence["textbook_references"][:3])
    parts.append(f"The textbook treats: {told}." if told else "No textbook passage was given.")
    parts.append(
        "What the evidence lacks stands among the gaps, with what to do meanwhile; nothing was"
        " filled in from elsewhere."
    )
    return shortened(" ".join(parts), 500)


def _enrichment(
    place: int,
    component: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    own: Sequence[tuple[Mapping[str, Any], int]],
    bindings: list[Document],
) -> Document:
    main = model_for(component, models)
    second = next((row for row in models[:2] if row is not main), None)
    struck = [row for row, index in own if index == place]
    paragraphs = [
        f"Opening picture: {sentence(main['description'])}"
        if main
        else "Opening picture: a plain drawing of the whole, described in full: no model is known.",
        f"The move that carries the idea: students {clause(component['statement'])}. The"
        " whole stays in view and keeps its size; what changes is marked by pattern and label.",
        "Order of cases: a case that can be seen at a glance; the same with one number changed; a"
        " case at the edge of the range; one that looks alike and is not.",
    ]
    paragraphs += [
        f"Likeliest misreading: {sentence(row['belief'])} The picture answers it:"
        f" {sentence(row['response'])}"
        for row in struck[:1]
    ]
    paragraphs.append(
        f"From picture to symbols: show one case on the {lower(second['name'])} beside it, mark"
        " what corresponds, and write the symbols as the record of what was done."
        if second
        else "From picture to symbols: write the symbols beside the picture as the record of what"
        " was done, then ask for the picture from the symbols."
    )
    used = [row["vir_id"] for row in (main, second) if row is not None] + [
        row["misconception_id"] for row in struck[:1]
    ]
    return {
        "component_index": place,
        "component_statement": component["statement"],
        "visual_treatment_reference": "\n\n".join(paragraphs),
        "resource_bindings": bindings,
        "derivation_evidence": [{"kb_id": one} for one in used],
        "rationale": "The first model is the one that the brief has for the component, the second"
        " the next of the plan.",
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
                "how": f"From memory, before slide 3: {clause(what)}, on a case of one's own.",
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
