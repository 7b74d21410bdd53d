"""Coverage: what was planned against what was met, counted by code from the states.

Belongs here: which items are audited, their counts, and what stands at the places that a component
was found at. Stays out: the states, which an assessor gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aina_assets.authoring.contracts import Document
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.quoting import quote_of

_LEVELS = ("informal", "named", "defined", "used")
_MET = {
    "components": ("taught_and_checked",),
    "misconceptions": ("confronted",),
    "visual_models": ("worked_with",),
}


def audited(content: Mapping[str, Any], synthesis: Mapping[str, Any], scope: str) -> Document:
    """The items to be audited, by list: what was planned, and of an applet only what is its own."""
    if scope == "applet":
        target = content["misconception_targeted"]
        on_screens = {index for one in content["screens"] for index in one["component_indexes"]}
        return {
            "components": sorted(on_screens),
            "misconceptions": [] if target == "none" else [target],
            "vocabulary": [],
            "visual_models": [one["vir_id"] for one in content["visual_models_referenced"]],
        }
    return {
        "components": list(range(len(content["lo_components"]))),
        "misconceptions": [one["misconception_id"] for one in synthesis["lo_misconceptions"]],
        "vocabulary": [one["term"] for one in content["vocabulary_introduction_plan"]],
        "visual_models": [one["vir_id"] for one in content["visual_models"]],
    }


def counted(
    result: Mapping[str, Any], content: Mapping[str, Any], synthesis: Mapping[str, Any], scope: str
) -> Document:
    """``assess_learning_coverage_result`` with its counts, and what the audit found wanting."""
    estimate = result["mastery_estimate"]
    wanted = audited(content, synthesis, scope)
    keys = {
        "components": "component_index",
        "misconceptions": "misconception_id",
        "vocabulary": "term",
        "visual_models": "vir_id",
    }
    coverage: Document = {}
    for name, key in keys.items():
        entries = {entry[key]: entry for entry in estimate[name]}
        here = [entries[item] for item in wanted[name] if item in entries]
        met = sum(_is_met(name, entry) for entry in here)
        coverage[name] = {
            "planned": len(wanted[name]),
            "met": met,
            "states": dict(sorted(Counter(_state(name, entry) for entry in here).items())),
            "not_judged": [item for item in wanted[name] if item not in entries],
            "not_planned": [item for item in entries if item not in wanted[name]],
        }
    coverage["faults"] = [*_faults(estimate), *_elsewhere(estimate, content, scope)]
    return {**result, "mastery_estimate": {**estimate, "coverage": coverage}}


def _state(name: str, entry: Mapping[str, Any]) -> str:
    return str(entry["reached_level"] if name == "vocabulary" else entry["state"])


def _is_met(name: str, entry: Mapping[str, Any]) -> bool:
    if name == "vocabulary":
        return _LEVELS.index(entry["reached_level"]) >= _LEVELS.index(entry["planned_level"])
    return entry["state"] in _MET[name]


def _faults(estimate: Mapping[str, Any]) -> Iterator[str]:
    """States that cannot stand: met somewhere, and no place is named."""
    for name in ("components", "misconceptions", "visual_models"):
        for entry in estimate[name]:
            if entry["state"] != "absent" and not entry["where"]:
                yield f"{name}: {entry['state']} without a place"
    for entry in estimate["vocabulary"]:
        if not _is_met("vocabulary", entry):
            yield f"vocabulary: {entry['term']} reached {entry['reached_level']} only"


def _elsewhere(
    estimate: Mapping[str, Any], content: Mapping[str, Any], scope: str
) -> Iterator[str]:
    """Places given for a component that do not work on it."""
    kind, key = ("slide", "slides") if scope == "module" else ("screen", "screens")
    indexes = {one[f"{kind}_no"]: one["component_indexes"] for one in content[key]}
    for entry in estimate["components"]:
        for place in entry["where"]:
            if entry["component_index"] not in indexes.get(place, ()):
                yield f"components: {kind} {place} is not on component {entry['component_index']}"


def statement_of(content: Content, index: int) -> str | None:
    """The words of a component; none: the plan and its synthesis have none of that index."""
    if content.scope == "module":
        parts = content.document["lo_components"]
        return str(parts[index]["statement"]) if 0 <= index < len(parts) else None
    # Screens count components as the module does; research names those that the applet is about.
    brief = content.facts.get("module_lo_brief_enriched")
    if isinstance(brief, Mapping):
        parts = brief["derived"]["lo_components"]
        return str(parts[index]["statement"]) if 0 <= index < len(parts) else None
    return next(
        (
            str(one["component_statement"])
            for one in content.synthesis["lo_components_enrichment"]
            if one["component_index"] == index
        ),
        None,
    )


def places_of(content: Content, index: int, where: Iterable[int]) -> list[Document]:
    """What students read at each of these places that works on a component, as evidence."""
    wanted = set(where)
    return [
        quote_of(content, entry)
        for entry in content.entries
        if content.number(entry) in wanted and index in entry["component_indexes"]
    ]
