"""Reading modules as their authors write them: YAML front matter, then Markdown under headings.

Belongs here: the layout of a file, and errors that name file, line and fix. Stays out: what a
module must say (``contracts.curriculum``), how deep it must go (``depth``).

::

    ---
    id: sales_customer_answer          front matter: all fields of CurriculumModule but those below;
    points_to_pass: 14                 the rubric's fields stand beside the module's own
    ---
    ## Explain                         the lesson, then the exercise, under five headings
    ## Worked example
    ## Guided try
    ## Reflection
    ## Exercise                        "Hand in ..." is the deliverable; a line that begins with
    **Answer.** What belongs there.    a name in bold, and a full stop, is a section of it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from aina_assets.contracts.curriculum import CurriculumModule, Exercise, Lesson, Rubric
from aina_assets.contracts.errors import AuthoredDocumentError

HEADINGS = {
    "Explain": "explain",
    "Worked example": "worked_example",
    "Guided try": "guided_try",
    "Reflection": "reflection",
    "Exercise": "exercise",
}
"""Headings of a module, in order, and the part each holds."""

_FENCE = "---"
_HEADING = re.compile(r"^## +(.+?) *$")
_SECTION = re.compile(r"^\*\*([^*]+)\.\*\*", re.MULTILINE)
_HAND_IN = re.compile(r"\bHand in\b[^.:]+[.:]")


def read_module(path: Path) -> CurriculumModule:
    """The module in the file at ``path``.

    Raises:
        AuthoredDocumentError: not in the layout, or not what the contract says; the error names the
            line of every fault.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, 1, str(error), "a text file in UTF-8") from error
    front, first_line = _front_matter(path, lines)
    texts = _texts(path, lines, first_line)
    try:
        tree = yaml.compose("\n".join(front), yaml.SafeLoader)
        said = yaml.safe_load("\n".join(front))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark is not None else 2
        raise _fault(path, line, str(error).replace("\n", " "), "YAML") from error
    if not isinstance(said, dict):
        raise _fault(path, 2, f"{type(said).__name__}", "front matter with fields")
    try:
        return CurriculumModule.model_validate(_document(said, texts))
    except ValidationError as error:
        faults = [
            (_line_of(tree, item["loc"]), _name_of(item["loc"]), item["msg"])
            for item in error.errors()
        ]
        said_all = "; ".join(f"line {line}: {name}: {message}" for line, name, message in faults)
        raise _fault(path, faults[0][0], said_all, "a module as its contract describes") from error


def _fault(path: Path, line: int, found: str, expected: str) -> AuthoredDocumentError:
    return AuthoredDocumentError(
        expected=expected,
        found=found,
        where=f"{path}:{line}",
        remedy="mend these lines; docs/curriculum.md describes every field",
    )


def _front_matter(path: Path, lines: list[str]) -> tuple[list[str], int]:
    """Lines of the front matter, and the number (from 0) of the first line after it."""
    if lines[0].rstrip() != _FENCE:
        raise _fault(path, 1, repr(lines[0][:40]), "front matter that opens with ---")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return lines[1:number], number + 1
    raise _fault(path, 1, "no second ---", "front matter that closes with ---")


def _texts(path: Path, lines: list[str], start: int) -> dict[str, str]:
    """The text of every part, by its name."""
    found: dict[str, list[str]] = {}
    at: list[tuple[str, int]] = []
    for number, line in enumerate(lines[start:], start=start + 1):
        heading = _HEADING.match(line)
        if heading is not None:
            at.append((heading.group(1), number))
            found[heading.group(1)] = []
        elif at:
            found[at[-1][0]].append(line)
        elif line.strip():
            raise _fault(path, number, repr(line[:40]), "the heading '## Explain' first")
    names = [name for name, _ in at]
    if names != list(HEADINGS):
        wrong = next((line for name, line in at if name not in HEADINGS), start + 1)
        wanted = ", ".join(f"## {name}" for name in HEADINGS)
        raise _fault(path, wrong, ", ".join(names) or "no heading", f"in this order: {wanted}")
    return {HEADINGS[name]: "\n".join(text).strip() for name, text in found.items()}


def _document(said: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """The module as the contract nests it."""
    rubric = {name: said[name] for name in Rubric.model_fields if name in said}
    own = {name: value for name, value in said.items() if name not in rubric}
    handed_in = _HAND_IN.search(texts["exercise"])
    return {
        **own,
        "lesson": {name: texts[name] for name in Lesson.model_fields},
        "exercise": {
            "text": texts["exercise"],
            "deliverable": " ".join(handed_in.group().rstrip(".:").split()) if handed_in else "",
            "sections": _SECTION.findall(texts["exercise"]),
        },
        "rubric": rubric,
    }


_TEXTS = {"lesson", "exercise", *Lesson.model_fields, *Exercise.model_fields}


def _name_of(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc if part != "rubric") or "module"


def _line_of(tree: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) of the file on which the innermost part of ``loc`` that is there begins."""
    if tree is None:
        return 2
    *_, node = _walk(tree, [part for part in loc if part != "rubric"])
    return int(node.start_mark.line) + 2


def _walk(node: yaml.Node, loc: list[int | str]) -> Iterator[yaml.Node]:
    yield node
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if part not in pairs:
                continue  # a variant's tag, a field that is missing
            key, node = pairs[part]
            yield key
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            yield node
