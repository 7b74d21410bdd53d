"""Chains of numbers that a text states, and those that do not come out.

Belongs here: reading ``6/8 = 3/4 > 1/2`` and the like, and computing them exactly. A side that is
not all there (a letter, an empty box, words such as ``of`` before or after it) is compared with
nothing. Stays out: whether a text claims a chain or denies it (``gate_readings``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_PLUS, _MINUS, _TIMES, _BY = "+", "-\u2212\u2013", "\u00d7*\u00b7\u22c5", "\u00f7"
_TOKEN = re.compile(
    r"(?P<number>\d++(?:\.\d++)?+(?:\s*/\s*\d++)?+(?!\s*/)%?)"
    rf"|(?P<sign>[+\-{_MINUS[1:]}{_TIMES}{_BY}()])"
    r"|(?P<relation>[=<>\u2264\u2265\u2260])"
)
_RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "\u2264": operator.le,
    "\u2265": operator.ge,
    "\u2260": operator.ne,
}
_WORD_BEFORE = re.compile(
    r"(\b(of|times|plus|minus|by|over|from)\s*|[\w/\]_\u25a1])$", re.IGNORECASE
)
_WORD_AFTER = re.compile(
    r"\s*(\b(of|times|plus|minus|by|over|remainder|rest|r)\b|[/\[_\u25a1]|\.\.\.|\u2026)|\w",
    re.IGNORECASE,
)


class _Unread(Exception):
    """A side that is no whole expression."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def false_chains(text: str) -> list[str]:
    """Chains of a text that do not come out, as they stand there."""
    return [chain for chain, holds in _chains(text) if not holds]


def _chains(text: str) -> Iterator[tuple[str, bool]]:
    for run in _runs(text):
        relations = [place for place, one in enumerate(run) if one.kind == "relation"]
        if not relations:
            continue
        cuts = [-1, *relations, len(run)]
        sides = [run[a + 1 : b] for a, b in pairwise(cuts)]
        values = [_values(side, is_first=not place) for place, side in enumerate(sides)]
        if _WORD_BEFORE.search(text[: run[0].start]):
            values[0] = set()
        if _WORD_AFTER.match(text[run[-1].end :]):
            values[-1] = set()
        holds = all(
            not left or not right or any(_holds(a, run[at].text, b) for a in left for b in right)
            for at, (left, right) in zip(relations, pairwise(values), strict=True)
        )
        yield text[run[0].start : run[-1].end], holds


def _runs(text: str) -> Iterator[list[_Token]]:
    """Tokens that stand next to each other, with nothing but space between them."""
    run: list[_Token] = []
    for found in _TOKEN.finditer(text):
        token = _Token(str(found.lastgroup), found.group(), found.start(), found.end())
        if run and text[run[-1].end : token.start].strip():
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _holds(left: Fraction | None, relation: str, right: Fraction | None) -> bool:
    """Whether a relation holds; what is divided by nought has no value, and holds to nothing."""
    return left is not None and right is not None and _RELATIONS[relation](left, right)


def _values(side: list[_Token], *, is_first: bool) -> set[Fraction | None]:
    """What a side may come to; nothing: it cannot be read. None: it divides by nought."""
    if not side or (is_first and side[0].kind == "sign" and side[0].text != "("):
        return set()
    found: set[Fraction | None] = set()
    for tokens in _as_mixed(side):
        try:
            reader = _Reader(tokens)
            value = reader.sum()
            if reader.rest:
                continue
            found.add(value)
        except ZeroDivisionError:
            found.add(None)
        except _Unread:
            continue
    return found


def _as_mixed(side: list[_Token]) -> Iterator[list[_Token | Fraction]]:
    """A side; with a whole number before a fraction also as a mixed number, or without it."""
    yield list(side)
    for place, (one, other) in enumerate(pairwise(side)):
        if one.kind == other.kind == "number" and one.text.isdigit() and "/" in other.text:
            yield [*side[:place], _number(one.text) + _number(other.text), *side[place + 2 :]]
            if not place:
                yield list(side[1:])


def _number(text: str) -> Fraction:
    plain = text.rstrip("%")
    top, _, bottom = plain.partition("/")
    value = Fraction(top.strip()) / (Fraction(bottom.strip()) if bottom else 1)
    return value / 100 if text.endswith("%") else value


class _Reader:
    """Reads sums of products of numbers and brackets, from left to right."""

    def __init__(self, tokens: list[_Token | Fraction]) -> None:
        self.rest = list(tokens)

    def sum(self) -> Fraction:
        value = self._product()
        while self._next_is(_PLUS + _MINUS):
            sign = self._taken()
            term = self._product()
            value = value + term if sign in _PLUS else value - term
        return value

    def _product(self) -> Fraction:
        value = self._factor()
        while self._next_is(_TIMES + _BY):
            sign = self._taken()
            factor = self._factor()
            value = value * factor if sign in _TIMES else value / factor
        return value

    def _factor(self) -> Fraction:
        if not self.rest:
            raise _Unread
        if self._next_is(_MINUS):
            self._taken()
            return -self._factor()
        if self._next_is("("):
            self._taken()
            value = self.sum()
            if not self._next_is(")"):
                raise _Unread
            self._taken()
            return value
        one = self.rest.pop(0)
        if isinstance(one, Fraction):
            return one
        if one.kind != "number":
            raise _Unread
        return _number(one.text)

    def _next_is(self, signs: str) -> bool:
        one = self.rest[0] if self.rest else None
        return isinstance(one, _Token) and one.kind == "sign" and one.text in signs

    def _taken(self) -> str:
        one = self.rest.pop(0)
        return one.text if isinstance(one, _Token) else ""
