"""Titles that name no job: the title rules of ``data/icp.yaml``, applied.

Belongs here: which rule fires on a title, and nothing about why it stands. Stays out: occupations
outside the ICP (``work_graph``), and scores: a title is excluded by a rule or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.work_graph.policy import Icp, IcpTitle

_Holds = Callable[[str, str], bool]


@dataclass(frozen=True)
class TitleExclusions:
    """Rules on titles, asked in their order.

    Attributes:
        rules: as authored; ``whole`` values are keys of titles, ``contains`` values words in a key,
            ``regex`` values are searched in the cleaned title, any case; ``unless`` are words in a
            key.

    Raises:
        AuthoredDocumentError: a regular expression does not compile.
    """

    rules: tuple[IcpTitle, ...]
    _whole: frozenset[str] = field(init=False, repr=False, compare=False)
    _starts: frozenset[str] = field(init=False, repr=False, compare=False)
    _any_pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _holds: tuple[tuple[_Holds, re.Pattern[str] | None], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        holds = tuple((_test(rule), _words(rule.unless)) for rule in self.rules)
        whole: set[str] = set()
        starts: set[str] = set()
        patterns: list[str] = []
        for rule in self.rules:
            for value in rule.values:
                if rule.kind == "whole":
                    whole.add(value)
                elif rule.kind == "contains":
                    starts.add(value.split()[0])
                else:
                    patterns.append(f"(?:{value})")
        pattern = re.compile("|".join(patterns), re.I) if patterns else None
        object.__setattr__(self, "_whole", frozenset(whole))
        object.__setattr__(self, "_starts", frozenset(starts))
        object.__setattr__(self, "_any_pattern", pattern)
        object.__setattr__(self, "_holds", holds)

    @classmethod
    def of(cls, icp: Icp) -> TitleExclusions:
        """The title rules of ``icp``."""
        return cls(icp.titles)

    def reasons(self, keys: Sequence[str], cleaned: Sequence[str]) -> list[str | None]:
        """The id of the first rule that fires on each title, or null.

        Args:
            keys: ``key`` of the normalised titles.
            cleaned: ``cleaned`` of the same titles.

        Raises:
            ValueError: the two differ in length.
        """
        return [self._reason(key, text) for key, text in zip(keys, cleaned, strict=True)]

    def _reason(self, key: str, text: str) -> str | None:
        # Almost every title is let through by these three questions alone.
        if (
            key not in self._whole
            and self._starts.isdisjoint(key.split())
            and (self._any_pattern is None or not self._any_pattern.search(text))
        ):
            return None
        for rule, (holds, unless) in zip(self.rules, self._holds, strict=True):
            if holds(key, text) and not (unless and unless.search(key)):
                return rule.id
        return None


def _test(rule: IcpTitle) -> _Holds:
    if rule.kind == "whole":
        values = frozenset(rule.values)
        return lambda key, _: key in values
    if rule.kind == "contains":
        words = _words(rule.values)
        return lambda key, _: words is not None and words.search(key) is not None
    try:
        pattern = re.compile("|".join(f"(?:{value})" for value in rule.values), re.I)
    except re.error as error:
        raise AuthoredDocumentError(
            expected="regular expressions",
            found=str(error),
            where=f"{Icp.path()}: title rule {rule.id}",
            remedy="mend the expression",
        ) from error
    return lambda _, text: pattern.search(text) is not None


def _words(phrases: Iterable[str]) -> re.Pattern[str] | None:
    listed = "|".join(re.escape(phrase) for phrase in phrases)
    return re.compile(rf"(?<![^\s/])(?:{listed})(?![^\s/])") if listed else None
