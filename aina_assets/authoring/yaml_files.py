"""YAML files that people write, read with errors that name file, line and fix.

Belongs here: parsing such a file and holding it against a model. Stays out: what any file is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from aina_assets.contracts.errors import AuthoredDocumentError


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which no field stands twice; PyYAML itself takes the last of two."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


class Lines:
    """Where in its file each part of what was read stands."""

    def __init__(self, path: Path, tree: yaml.Node, before: int = 0) -> None:
        self.path = path
        self._tree = tree
        self._before = before

    def of(self, place: Iterable[int | str]) -> int:
        """The line (from 1) of the innermost part of ``place`` that is there."""
        *_, node = self._walk(place)
        return node.start_mark.line + 1 + self._before

    def below(self, name: str) -> Lines:
        """Lines of what stands in field ``name``."""
        *_, node = self._walk((name,), is_value=True)
        return Lines(self.path, node, self._before)

    def _walk(self, place: Iterable[int | str], *, is_value: bool = False) -> Iterator[yaml.Node]:
        node = self._tree
        yield node
        for part in place:
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                        node = value
                        yield value if is_value else key
            elif isinstance(node, yaml.SequenceNode) and part in range(len(node.value)):
                node = node.value[part]
                yield node


def text_of(path: Path) -> str:
    """What the file says.

    Raises:
        AuthoredDocumentError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path, 1, str(error), "a text file in UTF-8") from error


def fields_of(path: Path, text: str, before: int = 0) -> tuple[Lines, dict[str, Any]]:
    """The fields that ``text`` gives, and where they stand; ``before``: lines of the file above it.

    Raises:
        AuthoredDocumentError: it is not YAML, not fields with values, or gives a field twice.
    """
    loader = _Loader(text)
    try:
        tree = loader.get_single_node()
        said = None if tree is None else loader.construct_document(tree)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = (mark.line if mark else 0) + 1 + before
        said_so = getattr(error, "problem", None) or " ".join(str(error).split())
        raise fault(path, line, said_so, "YAML") from error
    finally:
        loader.dispose()
    if tree is None or not isinstance(said, dict):
        raise fault(path, 1 + before, type(said).__name__, "fields with their values")
    return Lines(path, tree, before), said


_Model = TypeVar("_Model", bound=BaseModel)


def valid(model: type[_Model], lines: Lines, said: Mapping[str, Any], **own: Any) -> _Model:
    """``said`` with what is not in the fields, as ``model``.

    Raises:
        AuthoredDocumentError: it is no such model; every fault has its line.
    """
    twice = sorted(set(said) & set(own))
    if twice:
        raise fault(lines.path, lines.of(twice), f"{twice[0]}: is no field", "fields as modelled")
    try:
        return model.model_validate({**said, **own})
    except ValidationError as error:
        told = []
        for item in error.errors():
            name = ".".join(map(str, item["loc"])) or model.__name__
            message = item["msg"].removeprefix("Value error, ")
            told.append((lines.of(item["loc"]), f"{name}: {message}"))
        first = told[0][0]
        all_told = "; ".join(f"line {line}: {text}" for line, text in told)
        raise fault(lines.path, first, all_told, f"a {model.__name__} as modelled") from error


def fault(path: Path, line: int, found: str, expected: str) -> AuthoredDocumentError:
    """The error for what stands in ``line`` (from 1) of the file."""
    return AuthoredDocumentError(
        expected=expected,
        found=found,
        where=f"{path}:{line}",
        remedy="mend these lines; docs/authoring.md says what each file holds",
    )
