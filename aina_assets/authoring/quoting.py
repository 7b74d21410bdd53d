"""Quotes from a plan: word for word, and from which field.

Belongs here: paths into a plan, and evidence made of them. A path such as
``screen_zones.dev_notes[1]`` starts at the slide or screen that evidence names, or at the plan
where it names none (``lo_components[2].statement``). Stays out: what a quote is evidence of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.reading import Fault

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MOST_WORDS = 25


def text_at(content: Content, where: int, path: str) -> str | None:
    """The text at a path, of a slide or screen or (``where`` 0) of the plan; none: there is none.

    A path of a slide that only the plan has (``applet_placements[0]``) is the plan's.
    """
    found = _value_at(content, where, path)
    return found if isinstance(found, str) else None


def evidence_of(fault: Fault, content: Content) -> dict[str, Any]:
    """A fault as a scorer quotes it: what stands at its field, or nothing where nothing does.

    ``quote`` is empty where something is missing and no text of that field could be quoted.
    """
    value = _value_at(content, fault.where, fault.field)
    texts = list(_texts(value, fault.field))
    if fault.quote:
        for path, text in texts:
            if fault.quote in text:
                return _evidence(fault.where, path, fault.quote)
        texts = [(path, text) for path, text in texts if text and text in fault.quote] or texts
    if not texts or (isinstance(value, list) and fault.field in ("slides", "screens")):
        return _evidence(fault.where, fault.field, "")
    return _evidence(fault.where, *texts[0])


def seen(fields: Sequence[str], content: Content) -> list[dict[str, Any]]:
    """The fields that were read without a fault; nothing of them is quoted, since no words decide.

    A finding that was made at certain places quotes those instead: ``words_at``.
    """
    there = [
        name
        for name in fields
        if name in content.document or any(name in entry for entry in content.entries)
    ]
    return [_evidence(0, name, "") for name in there or fields]


def words_at(content: Content, places: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    """What stands at each place and path that a reading says it looked at, as evidence."""
    return [
        _evidence(where, path, text)
        for where, path in places
        if (text := text_at(content, where, path)) is not None
    ]


def quote_of(content: Content, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a slide or screen says to students, as evidence."""
    path = "on_slide_text" if content.scope == "module" else "screen_zones.action_instruction"
    number = content.number(entry)
    return _evidence(number, path, text_at(content, number, path) or "")


def is_verbatim(content: Content, evidence: Mapping[str, Any]) -> bool:
    """Whether a quote stands where it is said to stand; an empty one claims nothing."""
    said = str(evidence.get("quote") or "")
    where = evidence.get("where")
    if not said:
        return True
    found = text_at(content, where if isinstance(where, int) else 0, str(evidence.get("field")))
    return found is not None and said in found


def _evidence(where: int, path: str, text: str) -> dict[str, Any]:
    words = re.match(rf"\s*(\S+(?:\s+\S+){{0,{_MOST_WORDS - 1}}})", text)
    return {"where": where, "field": path, "quote": words.group(1) if words else ""}


def _value_at(content: Content, where: int, path: str) -> Any:
    entry = next((one for one in content.entries if content.number(one) == where), None)
    for root in (entry, content.document):
        if root is not None:
            found = _walked(root, path)
            if found is not None:
                return found
    return None


def _walked(value: Any, path: str) -> Any:
    for name, index in _STEP.findall(path):
        if name and isinstance(value, Mapping):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text below a path, each with its own."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{place}]")
