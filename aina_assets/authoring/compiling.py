"""What code writes into documents: drift, neighbours, roles of slides, operations on a sequence.

Belongs here: the deterministic steps between skills. Each takes documents and gives one back; none
asks a model. Stays out: time (``pacing``), scores and verdicts (``scoring``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.contracts import Document
from aina_assets.authoring.rules import Bounds
from aina_assets.contracts.errors import ReviewError

_PLANNED = (
    "position",
    "module_title",
    "content_type",
    "lo_components",
    "cpa_phase",
    "lo_codes",
    "vocabulary_terms",
    "misconception_ids",
    "pedagogical_models",
    "flags",
)
_CONDENSED = (
    "position",
    "module_title",
    "lo_components",
    "content_type",
    "cpa_phase",
    "vocabulary_terms",
    "misconception_ids",
)
_DERIVED = (
    "module_lo",
    "lo_components",
    "prerequisite_chain",
    "content_type",
    "lo_codes",
    "notes",
)

LEGACY_ROLES = {"context": "content", "placeholder": "applet_placement", "consolidation": "summary"}
"""Roles that older documents have: read as these, never written."""


# ------------------------------------------------------------------------------------ module brief


def compile_module_brief(
    derived: Mapping[str, Any], planned: Sequence[Mapping[str, Any]], position: int, bounds: Bounds
) -> Document:
    """MODULE_LO_BRIEF: the derived brief beside what the chapter planned, and how they differ.

    Args:
        derived: answer of ``derive_module_lo``.
        planned: the approved sequence's modules.
        position: the module's place in it.
        bounds: from where on two statements say the same.

    Raises:
        ReviewError: the sequence has no module there.
    """
    by_position = {entry["position"]: entry for entry in planned}
    if position not in by_position:
        raise ReviewError(
            expected=f"a module at one of {sorted(by_position)}",
            found=str(position),
            where="module brief",
            remedy="take the position from the approved sequence",
        )
    own = by_position[position]
    brief: Document = {
        "derived": {"notes": "", **{key: derived[key] for key in _DERIVED if key in derived}},
        "planned": {key: own[key] for key in _PLANNED},
        "scope_drift_flags": drift_flags(
            derived, own, [by_position.get(position - 1), by_position.get(position + 1)], bounds
        ),
    }
    for name, place in (("predecessor", position - 1), ("successor", position + 1)):
        if place in by_position:
            brief[name] = {key: by_position[place][key] for key in _CONDENSED}
    return brief


def drift_flags(
    derived: Mapping[str, Any],
    planned: Mapping[str, Any],
    neighbours: Sequence[Mapping[str, Any] | None],
    bounds: Bounds,
) -> list[Document]:
    """Differences between derived and planned, and overlap with a neighbour."""
    return list(_drift(derived, planned, neighbours, bounds))


def _drift(
    derived: Mapping[str, Any],
    planned: Mapping[str, Any],
    neighbours: Sequence[Mapping[str, Any] | None],
    bounds: Bounds,
) -> Iterator[Document]:
    own = [part["statement"] for part in derived["lo_components"]]
    meant = [part["statement"] for part in planned["lo_components"]]
    apart = [text for text in own if not _is_among(text, meant, bounds)]
    missing = [text for text in meant if not _is_among(text, own, bounds)]
    if apart or missing:
        detail = f"{len(apart)} derived and not planned, {len(missing)} planned and not derived"
        yield _flag("lo_components_overlap", detail, missing, apart)
    for neighbour in neighbours:
        if neighbour is None:
            continue
        theirs = [part["statement"] for part in neighbour["lo_components"]]
        shared = [text for text in own if _is_among(text, theirs, bounds)]
        if shared:
            where = f"module {neighbour['position']}, {neighbour['module_title']}"
            yield _flag("lo_components_overlap", f"also planned for {where}", theirs, shared)
    if derived["content_type"] != planned["content_type"]:
        yield _flag(
            "content_type_mismatch",
            f"planned as {planned['content_type']}, derived as {derived['content_type']}",
            [planned["content_type"]],
            [derived["content_type"]],
        )
    codes, meant_codes = set(derived["lo_codes"]), set(planned["lo_codes"])
    if codes != meant_codes:
        yield _flag(
            "lo_codes_delta",
            f"{len(codes - meant_codes)} added, {len(meant_codes - codes)} dropped",
            sorted(meant_codes - codes),
            sorted(codes - meant_codes),
        )


def _flag(kind: str, detail: str, planned: list[str], derived: list[str]) -> Document:
    return {"kind": kind, "detail": detail, "planned": planned, "derived": derived}


def _is_among(text: str, others: Sequence[str], bounds: Bounds) -> bool:
    return any(is_alike(text, other, bounds.alike_from) for other in others)


def is_alike(one: str, other: str, alike_from: int) -> bool:
    """Whether two statements say the same, whatever the order of their words."""
    return fuzz.token_sort_ratio(one.casefold(), other.casefold()) >= alike_from


# --------------------------------------------------------------------------------------- blueprint


def merged_slides(*parts: Mapping[str, Any]) -> list[Document]:
    """Slides of the spine with what each enrichment adds; slides the spine lacks are left out."""
    spine, *others = parts
    slides = {slide["slide_no"]: dict(slide) for slide in spine["slides"]}
    for part in others:
        for slide in part["slides"]:
            if slide["slide_no"] in slides:
                slides[slide["slide_no"]] |= slide
    return list(slides.values())


def compile_blueprint(answer: Mapping[str, Any]) -> Document:
    """The blueprint with the role of every slide in its surroundings."""
    role_of = _roles(answer)
    slides = [slide | {"asset_context_role": role_of(slide)} for slide in answer["slides"]]
    return {**answer, "slides": slides}


def _roles(answer: Mapping[str, Any]) -> Any:
    placed: dict[int, str] = {}
    for kind in ("video", "applet"):
        for place in answer[f"{kind}_placements"]:
            placed[place["lead_in_slide"]] = f"{kind}_lead_in"
            placed[place["debrief_slide"]] = f"{kind}_debrief"
    for kind in ("video", "applet"):
        for place in answer[f"{kind}_placements"]:
            placed[place["slide_no"]] = f"{kind}_placement"

    def role(slide: Mapping[str, Any]) -> str:
        """Placements first, then roles that stand for themselves, then tropes, then the section."""
        own = slide["slide_role"]
        if slide["slide_no"] in placed:
            return placed[slide["slide_no"]]
        if own in ("exit_question", "summary", "worked_example"):
            return str(own)
        if own in ("applet_placeholder", "video_placeholder"):
            return f"{own.removesuffix('_placeholder')}_placement"
        for trope in ("snapshot", "debate", "callback"):
            if trope in slide["tropes"]:
                return f"trope_{trope}"
        return "summary" if slide["section"] == "close" else "content"

    return role


def role_read(value: str) -> str:
    """A role as it is written today."""
    return LEGACY_ROLES.get(value, value)


def reference_faults(blueprint: Mapping[str, Any]) -> list[str]:
    """References to slides, and numbers of slides, that do not hold."""
    return list(_reference_faults(blueprint))


def _reference_faults(blueprint: Mapping[str, Any]) -> Iterator[str]:
    numbers = [slide["slide_no"] for slide in blueprint["slides"]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield "slides are not numbered 1, 2, 3 without gaps"
    known, count = set(numbers), len(blueprint["lo_components"])
    for slide in blueprint["slides"]:
        if out := [index for index in slide["component_indexes"] if not 0 <= index < count]:
            yield f"slides: slide {slide['slide_no']} names components {out}"
    for place, number in _references(blueprint):
        if number not in known:
            yield f"{place}: there is no slide {number}"


def _references(blueprint: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for kind in ("applet_placements", "video_placements"):
        for entry in blueprint[kind]:
            for key in ("slide_no", "lead_in_slide", "debrief_slide"):
                yield f"{kind}.{key}", entry[key]
    for name in ("visual_models", "textbook_alignment", "convention_requirements"):
        for entry in blueprint[name]:
            yield from ((name, number) for number in entry["slides"])
    for model in blueprint["visual_models"]:
        yield "visual_models.first_slide", model["first_slide"]
    for term in blueprint["vocabulary_introduction_plan"]:
        yield "vocabulary_introduction_plan.first_slide", term["first_slide"]
        yield from (
            ("vocabulary_introduction_plan.steps", step["slide_no"])
            for step in term["steps"]
            if isinstance(step.get("slide_no"), int)
        )
        yield from (("vocabulary_introduction_plan.checked_on", one) for one in term["checked_on"])
    for phase in ("concrete", "pictorial", "abstract", "bridge"):
        yield from ((f"cpa_summary.{phase}", one) for one in blueprint["cpa_summary"][phase])


# ---------------------------------------------------------------------------------------- sequence


def with_modules(
    sequence: Mapping[str, Any], operation: str, positions: Sequence[int], modules: Sequence[Any]
) -> Document:
    """The sequence after an operation on modules; positions and owners are code's.

    Args:
        sequence: of ``derive_module_sequence``.
        operation: refine, split, merge or insert.
        positions: modules that the reviewer named; of insert, the one it follows.
        modules: what the operation answered.

    Raises:
        ReviewError: a position is not in the sequence, or there is nothing to put there.
    """
    old = sequence["module_sequence"]
    there = {entry["position"] for entry in old} | ({0} if operation == "insert" else set())
    if not modules or not positions or set(positions) - there:
        raise ReviewError(
            expected=f"modules for positions of {sorted(there)}",
            found=f"{len(modules)} modules for {list(positions)}",
            where=f"{operation} of modules",
            remedy="name positions of the sequence that stands at the gate",
        )
    if operation == "insert":
        answered = {entry["module_title"]: entry for entry in modules}
        (after,) = positions
        kept = [answered.pop(entry["module_title"], entry) for entry in old]
        new = kept[:after] + list(answered.values()) + kept[after:]
    else:
        first = min(positions)
        before = [entry for entry in old if entry["position"] < first]
        behind = [
            entry
            for entry in old
            if entry["position"] > first and entry["position"] not in positions
        ]
        new = before + list(modules) + behind
    numbered = [entry | {"position": place} for place, entry in enumerate(new, 1)]
    return {
        **sequence,
        "module_sequence": numbered,
        "reconciliation_map": _reconciled(sequence["reconciliation_map"], numbered),
    }


def _reconciled(
    before: Sequence[Mapping[str, Any]], modules: Sequence[Mapping[str, Any]]
) -> list[Document]:
    """Each code's owner again: the first module that has it; a code that fell out is not placed."""
    owner: dict[str, int] = {}
    for entry in modules:
        for code in entry["lo_codes"]:
            owner.setdefault(code, entry["position"])
    placed = []
    for row in before:
        place = owner.get(row["lo_code"])
        if place is not None:
            placed.append(dict(row) | {"position": place, "role": "owner"})
        elif row["role"] == "owner":
            reason = "no module has it after the change at the gate"
            placed.append(dict(row) | {"position": None, "role": "not_placed", "reason": reason})
        else:
            known = row["position"] is None or row["position"] <= len(modules)
            placed.append(dict(row) if known else {**row, "position": len(modules)})
    return placed


def with_entry(
    document: Mapping[str, Any], array: str, number: int, entry: Mapping[str, Any]
) -> Document:
    """The document with one entry of an array replaced.

    Raises:
        ReviewError: there is no such entry.
    """
    entries = document.get(array)
    if not isinstance(entries, list) or not 1 <= number <= len(entries):
        raise ReviewError(
            expected="an entry of what stands at the gate",
            found=f"{array} {number}",
            where="refine_entry",
            remedy="name an array of the document and an entry of it, from 1",
        )
    return {**document, array: [*entries[: number - 1], dict(entry), *entries[number:]]}
