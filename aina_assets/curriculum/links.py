"""Which modules a workflow leads to: those whose words it has, then the general ones.

Belongs here: the one rule of linking, for the table and, with a title's own family, at run time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GENERAL_STRENGTH = 0.25
"""Of a link to a module that is for every workflow of its family."""
FIRST_WORD_STRENGTH = 0.6
"""Of a link by one word; each further word closes half of what is left."""

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True)
class Link:
    """A module for a workflow.

    Attributes:
        basis: ``words`` or ``general``.
        matched_words: the module's words that the workflow has.
        strength: 0 to 1.
    """

    module_id: str
    level: int
    basis: str
    matched_words: tuple[str, ...]
    strength: float


def is_word(text: str) -> bool:
    """Whether ``text`` is a single word, as a workflow can have it."""
    return _WORD.fullmatch(text) is not None


def words_of_workflow(workflow: Mapping[str, Any]) -> frozenset[str]:
    """The words that say what a workflow is about: its title's and its deliverables'."""
    texts = [workflow["workflow_title"], *workflow["deliverables"]]
    return frozenset(
        word for text in texts for token in _WORD.findall(text) for word in _forms(token)
    )


def _forms(token: str) -> Iterable[str]:
    word = token.casefold()
    yield word
    if word.endswith("s") and len(word) > 3:
        yield word[:-1]


def links_of(workflow: Mapping[str, Any], modules: Sequence[Mapping[str, Any]]) -> tuple[Link, ...]:
    """Links of a workflow to ``modules`` (rows of ``modules``, of one family), strongest first."""
    said = words_of_workflow(workflow)
    found = []
    for module in modules:
        matched = _matched(module["words"], said)
        if matched:
            strength = 1 - (1 - FIRST_WORD_STRENGTH) * 0.5 ** (len(matched) - 1)
            found.append(Link(module["module_id"], module["level"], "words", matched, strength))
        elif module["is_general"]:
            found.append(
                Link(module["module_id"], module["level"], "general", (), GENERAL_STRENGTH)
            )
    return tuple(sorted(found, key=lambda link: (-link.strength, link.level, link.module_id)))


def _matched(words: Iterable[str], said: frozenset[str]) -> tuple[str, ...]:
    """Of ``words`` those that were ``said``; of two forms of one word the first."""
    found: dict[str, str] = {}
    for word in words:
        *_, shortest = forms = tuple(_forms(word))
        if not said.isdisjoint(forms):
            found.setdefault(shortest, word)
    return tuple(found.values())
