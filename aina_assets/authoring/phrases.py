"""Sentences out of phrases of the knowledge base: its entries end and begin as their authors liked.

Belongs here: case, full stops, lists, and shortening. Stays out: what is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLOSING = "”\N{RIGHT SINGLE QUOTATION MARK}\"')"
_OPENING = "“\N{LEFT SINGLE QUOTATION MARK}\"'("
_ENDS = re.compile(f"[.?!…][{_CLOSING}]*$")


def sentence(*phrases: str) -> str:
    """The phrases as one sentence: a capital first, one stop at the end; empty where all are."""
    text = " ".join(" ".join(phrases).split())
    if not text:
        return ""
    text = capital(text)
    return text if _ENDS.search(text) else f"{text.rstrip(',;:')}."


def clause(phrase: str) -> str:
    """A sentence as part of another: without its stop, its first word in lower case."""
    return lower(" ".join(phrase.split()).rstrip(". "))


def lower(phrase: str) -> str:
    """The phrase with its first word in lower case, unless that is an abbreviation or a letter."""
    first = re.match(r"[\w'-]+", phrase)
    if first is None or first[0] == "I" or any(one.isupper() for one in first[0][1:]):
        return phrase
    return phrase[:1].lower() + phrase[1:]


def capital(phrase: str) -> str:
    """The phrase with its first letter, quotation marks aside, as a capital."""
    place = next((i for i, one in enumerate(phrase) if one not in _OPENING), 0)
    return phrase[:place] + phrase[place : place + 1].upper() + phrase[place + 1 :]


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def cut(text: str, characters: int) -> str:
    """At most so many characters: whole words and an ellipsis where there are more."""
    if len(text) <= characters:
        return text
    kept = text[: characters - 1]
    if not text[characters - 1].isspace():
        kept = kept.rsplit(maxsplit=1)[0] if len(kept.split()) > 1 else kept
    return kept.rstrip().rstrip(",;:.") + "…"


def shortened(text: str, words: int) -> str:
    """At most so many words: whole sentences where some fit, else whole words and an ellipsis."""
    every = text.split()
    if len(every) <= words:
        return text
    kept = every[:words]
    ends = [place for place, word in enumerate(kept, 1) if _ENDS.search(word)]
    if ends:
        return " ".join(kept[: ends[-1]])
    return " ".join(kept).rstrip(",;:.") + "…"
