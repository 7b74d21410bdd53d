"""Drafts of a chapter by rule: its brief, its sequence, and operations on modules.

Belongs here: placing codes, one module a code along dependence, what is confronted and named where.
Stays out: what is asked at a gate and by whom (``feedback``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.feedback import Feedback
from aina_assets.authoring.rules import AuthoringRules, Bounds
from aina_assets.contracts.errors import AuthoredDocumentError

Inputs = Mapping[str, Any]

_PROCEDURES = frozenset({"generate", "simplify", "calculate", "complete"})
_PROBLEMS = frozenset({"order", "construct", "justify", "pose"})
_TITLE_WORDS = 8


def lo_brief(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """CHAPTER_LO_BRIEF: the objective, every code placed, what students bring."""
    request, context = inputs["chapter_request"], inputs["curriculum_context"]
    target = context["target_curriculum"]
    every = context["learning_objectives"]
    needed = [one for one in every if one["class"] == "prerequisite"]
    core = [one for one in every if one["class"] == "core"]
    if not core:
        raise AuthoredDocumentError(
            expected="a learning objective of the knowledge base for the chapter to teach",
            found=f"{len(every)} that it rests on, and none of its own" if every else "none",
            where=str(request.get("chapter_id") or request["chapter_title"]),
            remedy="name passages in the request that the knowledge base has, with their codes",
        )
    title = request["chapter_title"].rstrip(".")
    last = core[-1]
    surfaced = [
        {
            "lo_code": one["lo_code"],
            "curriculum": target if one["target_code"] else context["curricula"][-1],
            "class": one["class"],
            "reason": _reason(one, request["grade"]),
        }
        for one in every
    ]
    alignment = [
        {
            "curriculum": name,
            "lo_codes": [one["lo_code"] for one in every if one["target_code"]]
            if name == target
            else [code for one in every for code in one["sister_codes"]],
            "fit": "full" if name == target else "partial",
            "difference": "none" if name == target else _difference(every, request["grade"]),
        }
        for name in context["curricula"]
    ]
    chain = [
        {
            "lo_code": one["lo_code"],
            "what": one["components"][0]["statement"] if one["components"] else one["statement"],
            "grade": str(one["grade"]),
        }
        for one in reversed(needed)
    ]
    return {
        "chapter_lo": f"{last['bloom_verb'].capitalize()} what belongs to “{title}”:"
        f" {_lower(last['statement'])}",
        "prerequisite_chain": chain,
        "curriculum_alignment": alignment,
        "surfaced_lo_codes": surfaced,
        "notes": "Drafted by rule from the codes that the textbook passages of the request treat.",
    }


def module_sequence(
    inputs: Inputs,
    config: Configuration,  # noqa: ARG001 - every draft has these three
    rules: AuthoringRules,
) -> Document:
    """CHAPTER_MODULE_SEQUENCE: one module a core code, along dependence."""
    brief, context = inputs["derive_lo_brief"], inputs["curriculum_context"]
    request = inputs["chapter_request"]
    classes = {one["lo_code"]: one["class"] for one in brief["surfaced_lo_codes"]}
    by_code = {one["lo_code"]: one for one in context["learning_objectives"]}
    core = _in_order([code for code, kind in classes.items() if kind == "core"], by_code)
    groups = _fitted([[code] for code in core], by_code, request, rules.bounds)
    not_placed: dict[str, str] = {}
    for code in (code for code, kind in classes.items() if kind == "extension"):
        place = _place_of_extension(code, groups, by_code, rules.bounds)
        if place is None:
            not_placed[code] = "every module that could take it is full"
        else:
            groups[place].append(code)
    seen = _Seen(context, rules.bounds)
    modules = [
        seen.module(place, codes, by_code, is_last=place == len(groups))
        for place, codes in enumerate(groups, 1)
    ]
    wanted = request["modules_wanted"]
    if not wanted["min"] <= len(modules) <= wanted["max"]:
        modules[0]["flags"].append(
            f"constraint_not_met: {len(modules)} modules, the request has {wanted['min']}"
            f" to {wanted['max']}"
        )
    owner = {code: place for place, codes in enumerate(groups, 1) for code in codes}
    return {
        "module_sequence": modules,
        "textbook_validation": _textbook(context, owner),
        "reconciliation_map": [
            {
                "lo_code": code,
                "class": kind,
                "position": owner.get(code, 1 if kind == "prerequisite" else None),
                "role": _role(code, kind, owner),
                "reason": not_placed.get(code) or _why_placed(kind),
            }
            for code, kind in classes.items()
        ],
    }


def operation(previous: Document, feedback: Feedback, rules: AuthoringRules) -> Document:
    """What an operation on modules answers: the modules concerned, and why they are so."""
    modules = {entry["position"]: entry for entry in previous["module_sequence"]}
    text, first = feedback.text, feedback.targets[0]
    if feedback.kind == "insert_module":
        before, behind = modules.get(first), modules.get(first + 1)
        new = _inserted(text, before or behind or {})
        around = [entry for entry in (before, new, behind) if entry is not None]
        why = "It mixes what stands before it and takes nothing over."
        return {"modules": around, "reasoning": f"Asked: {text}. {why}"}
    chosen = [dict(modules[place]) for place in feedback.targets]
    if feedback.kind == "split_module":
        return {
            "modules": _split(chosen[0]),
            "reasoning": f"Asked: {text}. The components were divided in their order; the codes go"
            " with the half that completes them.",
        }
    if feedback.kind == "merge_modules":
        return {
            "modules": [_merged(chosen, rules.bounds)],
            "reasoning": f"Asked: {text}. Components, codes and terms of"
            f" {', '.join(entry['module_title'] for entry in chosen)} stand in one module.",
        }
    (entry,) = chosen
    title = re.search(r"(?:title|call it|rename (?:it )?to)[:\s]+[\"“'](.+?)[\"”']", text)
    entry["module_title"] = title.group(1) if title else entry["module_title"]
    entry["flags"] = [*entry["flags"], f"asked_at_gate: {text}"]
    kept = "Components and codes are kept."
    return {"modules": [entry], "reasoning": f"Asked: {text}. {kept}"}


# ----------------------------------------------------------------------------------------- modules


class _Seen:
    """What earlier modules of the sequence have brought already."""

    def __init__(self, context: Mapping[str, Any], bounds: Bounds) -> None:
        self._context, self._bounds = context, bounds
        self._ids: set[str] = set()
        self._terms: set[str] = set()
        known = {vir for one in context["modules_before"] for vir in one["visual_models"]}
        self._models: set[str] = known

    def module(
        self, position: int, codes: Sequence[str], by_code: Mapping[str, Any], *, is_last: bool
    ) -> Document:
        """The planned entry of one module."""
        context = self._context
        head = by_code[codes[0]]
        wrong = [
            one
            for one in _about(context["misconceptions"], codes)
            if one["misconception_id"] not in self._ids
        ]
        terms = [
            one["term"]
            for one in _about(context["vocabulary"], codes)
            if one["introduced_in_grade"] >= context["grade"]
            and one["formality"] != "everyday"
            and one["term"] not in self._terms
            and not any(one["term"] in earlier["terms"] for earlier in context["modules_before"])
        ][: self._bounds.max_new_terms]
        models = _about(context["visual_representations"], codes)
        new = [one for one in models if one["vir_id"] not in self._models][:1]
        old = [one for one in models if one["vir_id"] in self._models][:1]
        parts = [part for code in codes for part in by_code[code]["components"]]
        # A module confronts as many misconceptions as it has components to confront them on.
        wrong = wrong[: max(1, len(parts))]
        self._ids |= {one["misconception_id"] for one in wrong}
        self._terms |= set(terms)
        self._models |= {one["vir_id"] for one in new}
        return {
            "position": position,
            "module_title": self._title(codes[0], head),
            "content_type": content_type(head["bloom_verb"]),
            "lo_components": [
                {"statement": part["statement"], "bloom_verb": part["bloom_verb"]} for part in parts
            ],
            "lo_codes": list(codes),
            "cpa_phase": "bridge" if head["bloom_verb"] in _PROCEDURES else "pictorial",
            "vocabulary_terms": terms,
            "misconception_ids": [one["misconception_id"] for one in wrong],
            "pedagogical_models": [one["name"] for one in (*new, *old)],
            "flags": list(self._flags(codes, wrong, parts, is_last)),
        }

    def _title(self, code: str, objective: Mapping[str, Any]) -> str:
        own = [one for one in self._context["textbook_references"] if one["lo_codes"] == [code]]
        said = own[0]["treats"] if own else objective["statement"]
        return _short_title(said)

    def _flags(
        self,
        codes: Sequence[str],
        wrong: Sequence[Mapping[str, Any]],
        parts: Sequence[Any],
        is_last: bool,
    ) -> Iterable[str]:
        if wrong:
            yield f"pivotal_difficulty: {wrong[0]['belief']}"
        else:
            yield "kb_gap: no misconception is known that an earlier module does not confront"
        if len(parts) == 1:
            yield "single_component: the knowledge base has one for these codes"
        if _about(self._context["interactives"], codes):
            yield "applet_candidate: the knowledge base has an interactive for these codes"
        if is_last:
            yield "constraint_not_met: the last module still brings a new component"


def content_type(verb: str) -> str:
    """What students mostly do in a module whose objective has this verb."""
    if verb in _PROCEDURES:
        return "procedure"
    return "problem_solving" if verb in _PROBLEMS else "concept"


def _in_order(codes: Sequence[str], by_code: Mapping[str, Any]) -> list[str]:
    """Codes so that what one rests on comes before it; else in their own order."""
    done: list[str] = []
    waiting = list(codes)
    while waiting:
        free = [
            code for code in waiting if not set(by_code[code]["depends_on"]) & set(waiting) - {code}
        ]
        done.append((free or waiting)[0])
        waiting.remove(done[-1])
    return done


def _fitted(
    groups: list[list[str]], by_code: Mapping[str, Any], request: Mapping[str, Any], bounds: Bounds
) -> list[list[str]]:
    """Neighbours joined where there are too many modules and both fit into one."""
    while len(groups) > request["modules_wanted"]["max"]:
        sizes = [
            (_size(groups[place] + groups[place + 1], by_code), place)
            for place in range(len(groups) - 1)
        ]
        size, place = min(sizes)
        if size > bounds.max_components:
            return groups
        groups[place : place + 2] = [groups[place] + groups[place + 1]]
    return groups


def _size(codes: Iterable[str], by_code: Mapping[str, Any]) -> int:
    return sum(len(by_code[code]["components"]) for code in codes)


def _place_of_extension(
    code: str, groups: Sequence[Sequence[str]], by_code: Mapping[str, Any], bounds: Bounds
) -> int | None:
    """The least full module at or behind all that it rests on."""
    needs = set(by_code[code]["depends_on"])
    first = max((i for i, codes in enumerate(groups) if needs & set(codes)), default=0)
    size, place = min((_size([*groups[i], code], by_code), -i) for i in range(first, len(groups)))
    return -place if size <= bounds.max_components else None


def _textbook(context: Mapping[str, Any], owner: Mapping[str, int]) -> Document:
    covered, extended, missing, changes = [], [], [], []
    latest = 0
    for row in context["textbook_references"]:
        places = [owner[code] for code in row["lo_codes"] if code in owner]
        if not places:
            reason = "its codes are prerequisites and are retrieved"
            missing.append({"textbook_ref_id": row["textbook_ref_id"], "reason": reason})
            continue
        covered.append(row["textbook_ref_id"])
        if max(places) < latest:
            changes.append(
                {
                    "what": f"{row['textbook_ref_id']} comes in module {max(places)}",
                    "reason": "a passage before it in the book rests on what it treats",
                }
            )
        latest = max(latest, *places)
    treated = {code for row in context["textbook_references"] for code in row["lo_codes"]}
    extended = [code for code in owner if code not in treated]
    return {
        "covered": covered,
        "extended": extended,
        "not_covered": missing,
        "order_changes": changes,
    }


def _role(code: str, kind: str, owner: Mapping[str, int]) -> str:
    if code in owner:
        return "owner"
    return "revisit" if kind == "prerequisite" else "not_placed"


def _why_placed(kind: str) -> str:
    return {
        "core": "the module is built on it",
        "extension": "the least full module behind all that it rests on",
        "prerequisite": "called up where it is first needed",
    }[kind]


# -------------------------------------------------------------------------------------- operations


def _split(entry: Document) -> list[Document]:
    parts = entry["lo_components"]
    middle = max(1, len(parts) // 2)
    halves = (parts[:middle], parts[middle:] or parts[-1:])
    terms, wrong = entry["vocabulary_terms"], entry["misconception_ids"]
    ends = (len(terms) + 1) // 2, (len(wrong) + 1) // 2
    made = []
    for place, half in enumerate(halves):
        one = slice(None, ends[0]) if place == 0 else slice(ends[0], None)
        two = slice(None, ends[1]) if place == 0 else slice(ends[1], None)
        flags = [] if len(half) > 1 else ["single_component: split at the gate"]
        made.append(
            entry
            | {
                "module_title": _short_title(half[0]["statement"]),
                "lo_components": half,
                "lo_codes": entry["lo_codes"] if place else [],
                "vocabulary_terms": terms[one],
                "misconception_ids": wrong[two],
                "flags": [*flags, *(entry["flags"] if place else [])],
            }
        )
    return made


def _merged(entries: Sequence[Document], bounds: Bounds) -> Document:
    def joined(name: str) -> list[Any]:
        every: list[Any] = []
        for entry in entries:
            every += [item for item in entry[name] if item not in every]
        return every

    parts, terms = joined("lo_components"), joined("vocabulary_terms")
    flags = joined("flags")
    if len(parts) > bounds.max_components or len(terms) > bounds.max_new_terms:
        flags.append(
            f"constraint_not_met: {len(parts)} components and {len(terms)} new terms in one module"
        )
    return entries[0] | {
        "lo_components": parts,
        "lo_codes": joined("lo_codes"),
        "vocabulary_terms": terms,
        "misconception_ids": joined("misconception_ids"),
        "pedagogical_models": joined("pedagogical_models"),
        "flags": flags,
    }


def _inserted(text: str, beside: Mapping[str, Any]) -> Document:
    statement = f"Decide which method a task needs: {_lower(text)}"
    return {
        "position": beside.get("position", 1),
        "module_title": _short_title(text),
        "content_type": "practice",
        "lo_components": [{"statement": statement, "bloom_verb": "decide"}],
        "lo_codes": [],
        "cpa_phase": beside.get("cpa_phase", "abstract"),
        "vocabulary_terms": [],
        "misconception_ids": [],
        "pedagogical_models": list(beside.get("pedagogical_models", ())),
        "flags": ["single_component: a module of mixed practice", f"asked_at_gate: {text}"],
    }


# ------------------------------------------------------------------------------------------- words


def _short_title(text: str) -> str:
    """At most eight words, ending where a phrase ends."""
    words = re.split(r"[;:.]", text)[0].split()
    if len(words) > _TITLE_WORDS:
        words = words[:_TITLE_WORDS]
        breaks = [i for i, word in enumerate(words) if word in ("and", "with", "by", "which", "in")]
        words = words[: max((i for i in breaks if i >= 3), default=len(words))]
        while words[-1] in ("and", "with", "by", "which", "in", "the"):
            words.pop()
    return " ".join(words).rstrip(",")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _reason(objective: Mapping[str, Any], grade: int) -> str:
    kind = objective["class"]
    if kind == "prerequisite":
        return f"taught in grade {objective['grade']}; students use it on the first day"
    if kind == "extension":
        return "the chapter reaches it; the target curriculum does not ask for it here"
    return f"an objective of grade {grade} that the chapter's passages treat"


def _difference(objectives: Sequence[Mapping[str, Any]], grade: int) -> str:
    own = [one["lo_code"] for one in objectives if one["target_code"] is None]
    later = [code for one in objectives for code in one["sister_codes"] if f".{grade}." not in code]
    said = f"asks for {', '.join(own)} besides; " if own else ""
    return f"{said}has {', '.join(later) or 'nothing'} in another grade"


def _about(rows: Iterable[Mapping[str, Any]], codes: Iterable[str]) -> list[Mapping[str, Any]]:
    wanted = set(codes)
    return [row for row in rows if wanted & set(row["lo_codes"])]
