"""What an answer must be true of beside its form: ids from the input, copies, completeness.

Belongs here: checks that code can make of any answer, drafted or asked for. Stays out: its form
(``contracts``), and whether it is any good, which scorers and people say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from aina_assets.authoring.config import Configuration, GateSet, Rubric
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.rules import AuthoringRules

_ID_KEYS = frozenset(
    [
        "misconception_id",
        "misconception_ids",
        "vir_id",
        "vocabulary_id",
        "convention_id",
        "textbook_ref_id",
        "interactive_id",
        "lo_code",
        "lo_codes",
        "url",
        "covered",
        "misconception_targeted",
    ]
)
_NO_ID = frozenset({"", "none"})


def answer_problems(
    contract: str,
    answer: Document,
    inputs: Mapping[str, Any],
    config: Configuration,
    rules: AuthoringRules,
) -> list[str]:
    """What is wrong with an answer that has its contract's form; at most 12."""
    found = [
        *_too_much(answer, rules),
        *unknown_ids(answer, inputs),
        *_copies(contract, answer, inputs),
        *_complete(contract, answer, inputs, config),
    ]
    return found[:12]


def unknown_ids(answer: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
    """Ids and codes of an answer that its input does not have."""
    cited = {value: place for place, value in _cited(answer) if value not in _NO_ID}
    if not cited:
        return []
    known = set(_texts(inputs))
    return [
        f"{place}: {value[:80]!r} is not in the input"
        for value, place in cited.items()
        if value not in known
    ]


def _too_much(answer: Document, rules: AuthoringRules) -> Iterator[str]:
    text = json.dumps(answer, ensure_ascii=False)
    if len(text) > rules.max_answer_chars:
        yield f"the answer has {len(text)} characters; at most {rules.max_answer_chars}"
    elif said := _refused(rules.refused_texts).search(text):
        yield f"it speaks to whoever reads it next: {said.group(0)[:60]!r}"


@lru_cache(maxsize=4)
def _refused(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{item})" for item in expressions) or r"(?!)", re.IGNORECASE)


def _copies(contract: str, answer: Document, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Fields that are copied, and entries that stand for those of the input."""
    for name in ("scope", "content_type", "domain_code"):
        is_copied = contract.endswith(("_result", "_synthesis")) and name in answer
        if is_copied and name in inputs and answer[name] != inputs[name]:
            yield f"{name}: copy {inputs[name]!r} from the input"
    if contract == "research_deep_synthesis":
        yield from _enrichment(answer, inputs)
    brief = inputs.get("module_lo_brief_enriched")
    if contract in ("build_module_blueprint", "blueprint_spine") and brief:
        derived = brief["derived"]
        if answer["lo"] != derived["module_lo"]:
            yield "lo: copy the approved objective word for word"
        if answer["lo_components"] != derived["lo_components"]:
            yield "lo_components: copy the approved components, all of them, in order"


def _enrichment(answer: Document, inputs: Mapping[str, Any]) -> Iterator[str]:
    components = objective_of(inputs)[1]
    if answer["scope"] == "chapter":
        return
    echoed = [entry["component_statement"] for entry in answer["lo_components_enrichment"]]
    if components and echoed != [part["statement"] for part in components]:
        yield "lo_components_enrichment: one entry for each component of the input, in its order"
    for entry in answer["lo_components_enrichment"]:
        for binding in entry["resource_bindings"]:
            if len(binding["pedagogical_value"]) < 120:
                yield "resource_bindings: pedagogical_value has fewer than 120 characters"


def objective_of(inputs: Mapping[str, Any]) -> tuple[str, list[Document]]:
    """Objective and components that research is about: an applet's narrow its parent's."""
    approved = inputs.get("approved_objective") or {}
    components = list(approved.get("lo_components", ()))
    applet = inputs.get("derive_applet_lo")
    if applet is None:
        return str(approved.get("lo", "")), components
    return applet["applet_lo"], list(applet.get("lo_components") or components)


def _complete(
    contract: str, answer: Document, inputs: Mapping[str, Any], config: Configuration
) -> Iterator[str]:
    """Scorers leave nothing out and add nothing."""
    if contract == "score_gates_result":
        gates = config.rubric_by_name.get(answer["gate_set"])
        if not isinstance(gates, GateSet):
            yield f"gate_set: {answer['gate_set'][:60]!r} is none"
        else:
            yield from _same("gates", answer["gates"], [one.id for one in gates.gates])
    elif contract == "score_rubric_domain_result":
        rubric = rubric_of(config, answer["scope"], answer["domain_code"])
        if rubric is None:
            yield "domain_code: there is no such rubric"
        else:
            yield from _same("criteria", answer["criteria"], [one.id for one in rubric.criteria])
    elif contract == "scan_design_pitfalls_result":
        known = {one.id for one in config.rubric_by_name["design_pitfalls"].entries}
        for one in answer["violations"]:
            if one["id"] not in known:
                yield f"violations: there is no pitfall {one['id'][:60]!r}"
    elif contract == "derive_module_sequence":
        surfaced = [one["lo_code"] for one in inputs["derive_lo_brief"]["surfaced_lo_codes"]]
        mapped = {one["lo_code"] for one in answer["reconciliation_map"]}
        if missing := [code for code in surfaced if code not in mapped]:
            yield f"reconciliation_map: {', '.join(missing)} has no entry"


def rubric_of(config: Configuration, scope: str, domain_code: str) -> Rubric | None:
    """The scoring rubric of a domain at a scope."""
    found = config.rubric_by_name.get(f"{scope}_{domain_code}")
    return found if isinstance(found, Rubric) else None


def _same(name: str, entries: Sequence[Mapping[str, Any]], ids: list[str]) -> Iterator[str]:
    if [entry["id"] for entry in entries] != ids:
        yield f"{name}: one entry for each of {', '.join(ids)}, in this order"


def _cited(value: Any, key: str = "", place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _cited(inner, name, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _cited(inner, key, place)
    elif isinstance(value, str) and key in _ID_KEYS:
        yield place, value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
