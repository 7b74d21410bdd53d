"""What stands at a gate of authoring, laid out to be read: briefs, sequences, slides, screens.

Belongs here: which parts of a contract's document are shown how, and what a reviewer may ask for
there. Whatever a layout does not know is shown as it is: nothing of a document is left out. Stays
out: markup (``templates``), reading what was asked for (``authoring.feedback``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aina_assets.authoring.feedback import MODULE_OPERATIONS, Feedback
from aina_assets.contracts.errors import ReviewError

DRAFT = "deterministic_draft"
SEQUENCE = "module_sequence"
_BRIEF = "module_brief"
_WIDEST = 5
_SHORT = 160


@dataclass(frozen=True)
class Layout:
    """How entries of an array stand as cards.

    Attributes:
        number: the key that numbers them.
        title: keys of the heading, one after the other.
        tags: keys of words that stand beside the heading.
        first: keys that are read first; the others follow, folded.
    """

    number: str
    title: tuple[str, ...]
    tags: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


CARDS: Mapping[str, Layout] = {
    "slides": Layout(
        "slide_no",
        ("title",),
        (
            "section", "slide_role", "cpa_phase", "minutes", "response_mode",
            "scaffolding_level_per_slide", "tgar_role_per_slide", "asset_context_role", "vir_id",
        ),
        (
            "on_slide_text", "teacher_action", "student_action", "major_idea_per_slide",
            "visual_model_description", "transition_from_previous", "teaching_sufficiency_note",
        ),
    ),
    "screens": Layout(
        "screen_no",
        ("ias_stage",),
        ("screen_label", "difficulty_level", "vir_id"),
        (
            "student_sees", "student_does", "student_thinks", "screen_zones", "feedback",
            "time_estimate", "teaching_sufficiency_note",
        ),
    ),
    SEQUENCE: Layout(
        "position",
        ("module_title",),
        ("content_type", "cpa_phase"),
        (
            "lo_components", "lo_codes", "vocabulary_terms", "misconception_ids",
            "pedagogical_models", "flags",
        ),
    ),
}  # fmt: skip
"""Arrays whose entries are read one by one."""

LEADS: Mapping[str, tuple[str, ...]] = {
    "chapter_brief": ("chapter_lo", "surfaced_lo_codes", "curriculum_alignment"),
    SEQUENCE: (SEQUENCE, "reconciliation_map", "textbook_validation"),
    "chapter_synthesis": ("lo", "synthesis_narrative", "gaps"),
    _BRIEF: ("derived",),
    "module_synthesis": ("lo", "synthesis_narrative", "gaps", "lo_components_enrichment"),
    "module_blueprint": ("lo", "content_type", "lo_components", "slides"),
    "applet_synthesis": ("lo", "synthesis_narrative", "gaps", "lo_components_enrichment"),
    "applet_screens": (
        "lo", "primary_ias_archetype", "misconception_targeted", "scaffolding_arc", "screens",
    ),
}  # fmt: skip
"""Kinds of subject that are laid out, and what of each is read first."""


@dataclass(frozen=True)
class Card:
    """An entry of an array.

    Attributes:
        name: how a reviewer names it: its array, and its number in it from 1.
        title: its own number and heading.
    """

    name: str
    title: str
    tags: Mapping[str, Any]
    first: Mapping[str, Any]
    rest: Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """A part of a document, and how it is shown.

    Attributes:
        kind: ``text``, ``cards``, ``table``, ``compare``, ``drift`` or ``part``.
        name: the field.
        value: of ``text`` and ``part``, what it holds; of ``drift``, its flags.
        columns: of ``table``, keys; of ``compare``, what is beside what.
        rows: of ``table``, values by column; of ``compare``, key and values.
    """

    kind: str
    name: str
    value: Any = None
    cards: tuple[Card, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Reading:
    """What stands at a gate, for people.

    Attributes:
        about: what the subject says beside the document, such as its version.
    """

    blocks: tuple[Block, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


def reading_of(kind: str, content: Mapping[str, Any]) -> Reading | None:
    """How the subject's content is read; none where it is of no lane of authoring."""
    document = content.get("document")
    if kind not in LEADS or not isinstance(document, dict):
        return None
    about = {name: value for name, value in content.items() if name != "document"}
    return Reading(tuple(_blocks(kind, document)), about)


def _blocks(kind: str, document: Mapping[str, Any]) -> Iterator[Block]:
    left = dict(document)
    if kind == _BRIEF:
        yield from _brief(left)
    for name in (*LEADS[kind], *document):
        if name in left:
            yield _block(name, left.pop(name))


def _block(name: str, value: Any) -> Block:
    if _are_entries(value):
        layout = CARDS.get(name)
        if layout is not None:
            cards = (_card(name, place, entry, layout) for place, entry in enumerate(value, 1))
            return Block("cards", name, cards=tuple(cards))
        columns = tuple(dict.fromkeys(key for entry in value for key in entry))
        if len(columns) <= _WIDEST and all(_is_cell(v) for e in value for v in e.values()):
            rows = tuple(tuple(entry.get(key) for key in columns) for entry in value)
            return Block("table", name, columns=columns, rows=rows)
        layout = Layout("", ())
        cards = (_card(name, place, entry, layout) for place, entry in enumerate(value, 1))
        return Block("cards", name, cards=tuple(cards))
    return Block("text" if isinstance(value, str) else "part", name, value)


def _card(array: str, place: int, entry: Mapping[str, Any], layout: Layout) -> Card:
    heading = [entry[key] for key in (layout.number, *layout.title) if _is_word(entry.get(key))]
    tags = {key: entry[key] for key in layout.tags if _is_word(entry.get(key))}
    used = {key for key in (layout.number, *layout.title) if _is_word(entry.get(key))} | set(tags)
    others = {key: value for key, value in entry.items() if key not in used}
    first = {key: others.pop(key) for key in layout.first if key in others}
    if not layout.first:
        first, others = others, {}
    return Card(f"{array} {place}", " · ".join(map(str, heading)), tags, first, others)


def _brief(left: dict[str, Any]) -> Iterator[Block]:
    """A module's brief: what drifted, and what was derived beside what was planned."""
    flags = left.get("scope_drift_flags")
    if isinstance(flags, list):
        yield Block("drift", "scope_drift_flags", left.pop("scope_drift_flags"))
    derived, planned = left.get("derived"), left.get("planned")
    if isinstance(derived, dict) and isinstance(planned, dict):
        if isinstance(derived.get("module_lo"), str):
            derived = dict(derived)
            yield Block("text", "module_lo", derived.pop("module_lo"))
        both = [key for key in derived if key in planned]
        yield Block(
            "compare",
            "derived_beside_planned",
            columns=("derived", "planned"),
            rows=tuple((key, derived[key], planned[key]) for key in both),
        )
        left["derived"] = {key: value for key, value in derived.items() if key not in both}
        left["planned"] = {key: value for key, value in planned.items() if key not in both}


def _are_entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(e, dict) for e in value)


def _is_word(value: Any) -> bool:
    """Whether it stands in a heading or tag: a number, or a few words."""
    is_text = isinstance(value, str) and bool(value) and len(value) <= _SHORT
    return is_text or (isinstance(value, int) and not isinstance(value, bool))


def _is_cell(value: Any) -> bool:
    """Whether it has its place in a table: no fields of its own, and no entries."""
    if isinstance(value, list):
        return all(not isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict)


# ------------------------------------------------------------------------- what may be asked for


@dataclass(frozen=True)
class Offer:
    """An operation that a reviewer may ask for.

    Attributes:
        kind: as ``Feedback`` calls it.
        title: what it does.
        which: what is to be named, with an example; nothing where it is about the whole.
    """

    kind: str
    title: str
    which: str = ""


_OF_MODULES = (
    Offer("refine_module", "Refine: rewrite one module", "its position, such as 3"),
    Offer("split_module", "Split: one module becomes two", "its position, such as 3"),
    Offer("merge_modules", "Merge: several modules become one", "their positions, such as 3, 4"),
    Offer(
        "insert_module",
        "Insert a module",
        "the position that it follows, 0 where it is first",
    ),
)
REWORK = Offer("rework", "Rework: write the whole again")


def offers_of(kind: str, content: Mapping[str, Any]) -> tuple[Offer, ...]:
    """What may be asked for at the gate of a kind of subject; nothing where it is of no lane."""
    if reading_of(kind, content) is None:
        return ()
    found = [REWORK, *(_OF_MODULES if kind == SEQUENCE else ())]
    arrays = arrays_of(kind, content)
    if arrays:
        example = next((name for name in arrays if name in CARDS), next(iter(arrays)))
        which = f"its array and number, such as {example} 1"
        found.append(Offer("refine_entry", "Refine one entry", which))
    return tuple(found)


def arrays_of(kind: str, content: Mapping[str, Any]) -> dict[str, int]:
    """Arrays whose entries can be asked to be refined, each with how many there are."""
    document: Any = content.get("document")
    if kind == _BRIEF and isinstance(document, dict):
        # What stands there is compiled; what is written again is what was derived.
        document = document.get("derived")
    if not isinstance(document, dict):
        return {}
    return {name: len(value) for name, value in document.items() if _are_entries(value)}


def asked_for(
    kind: str, content: Mapping[str, Any], operation: str, which: str, words: str
) -> Feedback:
    """What was filled in, as whoever carries it out will read it.

    Raises:
        ReviewError: it is not offered here, names what is not there, or says nothing.
    """
    offered = {offer.kind: offer for offer in offers_of(kind, content)}
    if operation not in offered:
        raise _fault(f"one of {', '.join(offered)}", operation)
    if not words.strip():
        raise _fault("what to do, in words", "none")
    which = which.replace(":", " ").strip() if offered[operation].which else ""
    found = Feedback.parse(_text(operation, which, words))
    if found.kind != operation or found.text != words.strip():
        raise _fault(f"which: {offered[operation].which}", which or "nothing")
    if operation in MODULE_OPERATIONS:
        document = content["document"]
        modules = document.get(SEQUENCE) if isinstance(document, dict) else None
        first, last = int(operation != "insert_module"), len(modules or ())
        if not all(first <= position <= last for position in found.targets):
            raise _fault(f"positions of {first} to {last}", which)
    elif operation == "refine_entry":
        arrays = arrays_of(kind, content)
        if not 1 <= found.targets[0] <= arrays.get(str(found.array), 0):
            told = ", ".join(f"{name} 1 to {count}" for name, count in arrays.items())
            raise _fault(f"an entry of {told}", which)
    return found


def edit_text(feedback: Feedback) -> str:
    """The text of a required edit that is read as ``feedback``."""
    named = ", ".join(map(str, feedback.targets))
    which = {"insert_module": f"after {named}", "refine_entry": f"{feedback.array} {named}"}
    return _text(feedback.kind, which.get(feedback.kind, named), feedback.text)


def _text(operation: str, which: str, words: str) -> str:
    return f"{operation}{f' {which}' if which else ''}: {words.strip()}"


def _fault(expected: str, found: str) -> ReviewError:
    return ReviewError(
        expected=expected,
        found=found[:120],
        where="a required edit",
        remedy="name it as it stands in the document",
    )
