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
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aina_assets.contracts.curriculum import CurriculumModule, Lesson, Rubric
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
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")

_NOT_IN_FRONT = {
    "lesson": "is no field; it stands under its headings",
    "exercise": "is no field; it stands under its heading",
    "rubric": "is no field; what it holds stands beside the other fields",
}
_MISSING_IN_EXERCISE = {
    "deliverable": "no sentence that says 'Hand in ...'",
    "sections": "fewer than two lines begin with a name in bold and a full stop: **Answer.**",
}

Place = tuple[int | str, ...]


def read_module(path: Path) -> CurriculumModule:
    """The module in the file at ``path``.

    Raises:
        AuthoredDocumentError: not in the layout, or not what the contract says; the error names the
            line of every fault.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _fault(path, line, str(error), "a text file in UTF-8") from error
    except OSError as error:
        raise _fault(path, 1, str(error), "a text file in UTF-8") from error
    front, first_line = _front_matter(path, lines)
    texts = _texts(path, lines, first_line)
    try:
        tree, said = read_yaml("\n".join(front))
    except yaml.YAMLError as error:
        line, found = _yaml_fault(error, "\n".join(front))
        raise _fault(path, line, found, "YAML") from error
    if tree is None or not isinstance(said, dict):
        raise _fault(path, 2, type(said).__name__, "front matter with fields")
    for name, why in _NOT_IN_FRONT.items():
        if name in said:
            raise _fault(path, _line_of(tree, (name,)), f"{name}: {why}", "fields of a module")
    try:
        return CurriculumModule.model_validate(
            _document(said, {part: text for part, (_, text) in texts.items()})
        )
    except ValidationError as error:
        headings = {part: line for part, (line, _) in texts.items()}
        faults = [_fault_of(item, tree, headings) for item in _own_faults(error.errors())]
        said_all = "; ".join(f"line {line}: {name}: {message}" for line, name, message in faults)
        raise _fault(path, faults[0][0], said_all, "a module as its contract describes") from error


class _Loader(yaml.SafeLoader):
    """YAML in which no field stands twice, and in which every fault has its line.

    PyYAML itself takes the last of two, and breaks down on values that their tag does not allow,
    such as the date 2026-99-99.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                self._refuse(f"{key.value} stands twice", key)
            seen.add(key.value)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            said = str(node.value)[:40]
            self._refuse(f"{said!r} cannot be read as {node.tag.rpartition(':')[2]}", node, error)

    def _refuse(self, problem: str, node: yaml.Node, cause: Exception | None = None) -> NoReturn:
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from cause


def read_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """What ``text`` says, with the tree that knows the lines; null and null where it is empty.

    Raises:
        yaml.YAMLError: not YAML, a field twice, or a value that its tag does not allow.
    """
    loader = _Loader(text)
    try:
        tree = loader.get_single_node()
        return tree, None if tree is None else loader.construct_document(tree)
    except RecursionError as error:
        raise yaml.YAMLError("nested too deeply") from error
    finally:
        loader.dispose()


def _yaml_fault(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line (from 1) of the file, and what is wrong there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        found = error.problem or "no YAML"
        if error.context and error.context_mark is not None:
            found = f"{error.context} of line {error.context_mark.line + 2}: {found}"
        return error.problem_mark.line + 2, found
    position = getattr(error, "position", 0)
    return text[:position].count("\n") + 2, " ".join(str(error).split())


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


def _texts(path: Path, lines: list[str], start: int) -> dict[str, tuple[int, str]]:
    """The line of the heading and the text of every part, by its name."""
    at: list[tuple[str, int, list[str]]] = []
    for number, line in enumerate(lines[start:], start=start + 1):
        heading = _HEADING.match(line)
        if heading is not None:
            at.append((heading.group(1), number, []))
        elif at:
            at[-1][2].append(line)
        elif line.strip():
            raise _fault(path, number, repr(line[:40]), "the heading '## Explain' first")
    names = [name for name, _, _ in at]
    wanted = list(HEADINGS)
    if names != wanted:
        first = next((i for i, name in enumerate(names) if wanted[i : i + 1] != [name]), None)
        wrong = len(lines) if first is None else at[first][1]
        in_order = ", ".join(f"## {name}" for name in wanted)
        raise _fault(path, wrong, ", ".join(names) or "no heading", f"in this order: {in_order}")
    return {HEADINGS[name]: (line, "\n".join(text).strip()) for name, line, text in at}


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


def _own_faults(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without those that only follow from others: a list is short by its malformed entries."""
    return [
        item
        for item in found
        if item["type"] != "too_short"
        or not any(
            other["loc"][: len(item["loc"])] == item["loc"] for other in found if other is not item
        )
    ]


def _fault_of(
    item: ErrorDetails, tree: yaml.Node, headings: dict[str, int]
) -> tuple[int, str, str]:
    """Line, name and message of one fault the contract found."""
    place: Place = tuple(part for part in item["loc"] if part != "rubric")
    message = item["msg"].removeprefix("Value error, ")
    if not place:
        return _line_of_rule(tree, message), "module", message
    name = ".".join(str(part) for part in place)
    if place[0] == "lesson":
        return headings[str(place[1])], name, message
    if place[0] == "exercise":
        part = str(place[1])
        return headings["exercise"], name, _MISSING_IN_EXERCISE.get(part, message)
    return _line_of(tree, place), name, message


def _line_of(tree: yaml.Node, place: Place) -> int:
    """The line (from 1) of the file on which the innermost part that is there begins."""
    *_, node = _walk(tree, place)
    return node.start_mark.line + 2


def _walk(node: yaml.Node, place: Place) -> Iterator[yaml.Node]:
    yield node
    is_item = False
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = {
                key.value: (key, value)
                for key, value in node.value
                if isinstance(key, yaml.ScalarNode)
            }
            # The kind of a check stands in its place, where it may also be the name of a field.
            is_kind = is_item and "kind" in pairs and pairs["kind"][1].value == part
            is_item = False
            if not is_kind and str(part) in pairs:
                key, node = pairs[str(part)]
                yield key
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            is_item = True
            yield node


def _line_of_rule(tree: yaml.Node, message: str) -> int:
    """The line of what a rule across fields is about: it has no place, but says a name.

    It quotes the name, or begins with it; of several quoted, the last is the one at fault.
    """
    quoted = [one or other for one, other in _QUOTED.findall(message)]
    scalars = list(_scalars(tree))
    for name in (*reversed(quoted), message.partition(" ")[0]):
        for scalar in scalars:
            if scalar.value == name:
                return scalar.start_mark.line + 2
    return tree.start_mark.line + 2


def _scalars(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Every name and value, in order of the file."""
    seen = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            pairs = isinstance(node, yaml.MappingNode)
            inner = [one for pair in node.value for one in pair] if pairs else node.value
            waiting += reversed(inner)
