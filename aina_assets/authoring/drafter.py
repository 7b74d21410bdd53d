"""Drafts by rule from the knowledge base, where no model is asked.

Belongs here: which rule writes which answer, and what a rework does to one. A draft keeps to its
contract and to the input's ids; it is a beginning for people, and its maker's name says so. Stays
out: what the drafts of chapters, research, modules, applets and reviews say (``draft_*``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from aina_assets.authoring import (
    draft_applet,
    draft_chapter,
    draft_module,
    draft_research,
    draft_review,
)
from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.feedback import MODULE_OPERATIONS, Feedback
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.contracts.errors import AuthoredDocumentError

Inputs = Mapping[str, Any]

_DRAFTS: dict[str, Callable[[Inputs, Configuration, AuthoringRules], Document]] = {
    "derive_lo_brief": draft_chapter.lo_brief,
    "derive_module_sequence": draft_chapter.module_sequence,
    "research_deep": draft_research.synthesis,
    "derive_module_lo": draft_module.module_lo,
    "build_spine": draft_module.spine,
    "enrich_concepts": draft_module.concepts,
    "enrich_engagement": draft_module.engagement,
    "enrich_experience": draft_module.experience,
    "build_blueprint": draft_module.blueprint,
    "derive_applet_lo": draft_applet.applet_lo,
    "score_gates": draft_review.gates,
    "score_rubric_domain": draft_review.rubric_domain,
    "scan_design_pitfalls": draft_review.pitfalls,
    "assess_learning_coverage": draft_review.coverage,
    "extract_applet_summary": draft_applet.applet_summary,
    "generate_action_summaries": draft_review.action_summaries,
}


def deterministic_draft(
    skill: str,
    lane: str,
    inputs: Inputs,
    config: Configuration,
    rules: AuthoringRules,
    feedback: Feedback | None = None,
) -> Document:
    """The answer that the rules write for a skill; the same for the same input.

    Args:
        skill: name of the prompt.
        lane: lane in which it is sent.
        inputs: as ``SkillRunner.run`` has them, ``previous`` on rework included.
        config: rubrics and contracts.
        rules: bounds.
        feedback: one thing that a reviewer asks for.

    Raises:
        AuthoredDocumentError: no rule drafts that skill.
        LookupError, TypeError, ValueError: the input lacks what a draft is made of.
    """
    if feedback is not None:
        return _reworked(inputs["previous"], feedback, rules, config)
    if skill == "build_blueprint" and lane == "app_review":
        return draft_applet.screens(inputs, config, rules)
    if skill not in _DRAFTS:
        raise AuthoredDocumentError(
            expected=f"one of {', '.join(sorted(_DRAFTS))}",
            found=skill,
            where="deterministic draft",
            remedy="name a model in data/authoring_rules.yaml, or write the rule that drafts it",
        )
    return _DRAFTS[skill](inputs, config, rules)


def _reworked(
    previous: Document,
    feedback: Feedback,
    rules: AuthoringRules,
    config: Configuration,
) -> Document:
    if feedback.kind in MODULE_OPERATIONS:
        return draft_chapter.operation(previous, feedback, rules)
    replaced = _replacer(feedback.text)
    if feedback.kind == "refine_entry":
        array, number = str(feedback.array), feedback.targets[0]
        before = _without_code_fields(previous, config)[array][number - 1]
        entry = replaced(before)
        told = _answered(feedback.text, entry != before)
        return {"entry_type": array, "entry": _noted(entry, told), "reasoning": told}
    draft = replaced(_without_code_fields(previous, config))
    return _with_note(draft, feedback.text, draft != _without_code_fields(previous, config))


def _replacer(text: str) -> Callable[[Any], Any]:
    """Carries out every ``replace "this" by "that"`` of the reviewer's words."""
    pairs = re.findall(
        r"replace\s+[\"“'](.+?)[\"”']\s+(?:by|with)\s+[\"“'](.*?)[\"”']", text, re.IGNORECASE
    )

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in pairs:
                value = value.replace(old, new)
            return value
        if isinstance(value, Mapping):
            return {key: replaced(inner) for key, inner in value.items()}
        return [replaced(inner) for inner in value] if isinstance(value, list) else value

    return replaced


def _answered(text: str, is_changed: bool) -> str:
    done = (
        "Changed as asked" if is_changed else "Not changed by rule; left for a person to carry out"
    )
    return f"{done}: {text}"


_NOTES = ("notes", "synthesis_narrative", "scaffolding_arc", "reasoning", "summary_blurb")
_ENTRY_NOTES = ("teaching_sufficiency_note", "reason", "notes", "detail", "instruction", "why_here")


def _with_note(draft: Document, text: str, is_changed: bool) -> Document:
    """The draft saying what was asked: at the place named, or in the field that is for notes."""
    told = _answered(text, is_changed)
    for array in ("slides", "screens"):
        entries = draft.get(array)
        if entries and isinstance(entries[0], dict):
            named = {
                int(number) for number in re.findall(rf"{array[:-1]}s? (\d{{1,3}})", text.lower())
            }
            places = named & set(range(1, len(entries) + 1)) or {1}
            return draft | {
                array: [
                    _noted(entry, told) if place in places else entry
                    for place, entry in enumerate(entries, 1)
                ]
            }
    if "module_sequence" in draft:
        modules = [dict(entry) for entry in draft["module_sequence"]]
        named = {int(number) for number in re.findall(r"modules? (\d{1,3})", text.lower())}
        for place in named & set(range(1, len(modules) + 1)) or {1}:
            entry = modules[place - 1]
            entry["flags"] = [*entry["flags"], f"asked_at_gate: {told}"]
        return draft | {"module_sequence": modules}
    for name in _NOTES:
        if isinstance(draft.get(name), str) or (name == "notes" and "derivation_evidence" in draft):
            return draft | {name: f"{draft.get(name, '')} {told}".strip()}
    return draft


def _noted(entry: Document, told: str) -> Document:
    for name in _ENTRY_NOTES:
        if isinstance(entry.get(name), str):
            return entry | {name: f"{entry[name]} Asked at the gate. {told}".strip()}
    if isinstance(entry.get("flags"), list):
        return entry | {"flags": [*entry["flags"], f"asked_at_gate: {told}"]}
    return entry


def _without_code_fields(document: Document, config: Configuration) -> Document:
    """The document as a skill may answer it: without what code sets."""
    by_code = {
        (field.level, field.name)
        for contract in config.field_contracts.contracts
        for field in contract.fields
        if field.set_by == "code"
    }
    plain = {key: value for key, value in document.items() if (None, key) not in by_code}
    for level in ("slide", "screen"):
        entries = plain.get(f"{level}s")
        if isinstance(entries, list):
            plain[f"{level}s"] = [
                {key: value for key, value in entry.items() if (level, key) not in by_code}
                if isinstance(entry, dict)
                else entry
                for entry in entries
            ]
    return plain
