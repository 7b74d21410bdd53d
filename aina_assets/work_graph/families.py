"""Which family and function a title or an occupation is of, and whether it is in the ICP.

Belongs here: applying ``data/families.yaml`` and ``data/icp.yaml``. Stays out: what they say.
A rule's code covers every SOC code that starts with it; the longest such rule decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.work import Seniority
from aina_assets.work_graph.policy import Families, Icp

T = TypeVar("T")

_SPACE = re.compile(r"\s+")


def title_key(title: str) -> str:
    """``title`` as rules look at it: casefolded, one blank between words."""
    return _SPACE.sub(" ", title).strip().casefold()


def is_group(code: str) -> bool:
    """Whether ``code`` is a SOC group above the detailed level."""
    return len(code) == 7 and code.endswith("0")


def decided_by(rules: Mapping[str, T], code: str) -> T | None:
    """What the longest of ``rules`` that ``code`` starts with says; None where there is none."""
    for length in range(len(code), 0, -1):
        if code[:length] in rules:
            return rules[code[:length]]
    return None


class _Phrases(Generic[T]):
    """Phrases, each with what it says; one compiled expression finds all that a title has."""

    def __init__(self, said: Mapping[str, T]) -> None:
        self._said = dict(said)
        longest_first = sorted(self._said, key=lambda phrase: (-len(phrase), phrase))
        body = "|".join(re.escape(phrase) for phrase in longest_first)
        # A look-ahead finds phrases that overlap; a plural is the same word.
        self._pattern = re.compile(rf"(?<![\w])(?=({body})s?(?!\w))") if body else None

    def found(self, key: str) -> list[tuple[str, T]]:
        """Phrases of ``key`` with what they say, longest (in words, then letters) first."""
        if self._pattern is None:
            return []
        phrases = {match.group(1) for match in self._pattern.finditer(key)}
        order = sorted(phrases, key=lambda item: (-len(item.split()), -len(item), item))
        return [(phrase, self._said[phrase]) for phrase in order]


@dataclass(frozen=True)
class _Claim:
    """Families that claim a phrase, each with the codes it may overrule."""

    over: tuple[tuple[str, tuple[str, ...]], ...]


class FamilyRules:
    """The rules of both documents, compiled once."""

    def __init__(self, families: Families, icp: Icp) -> None:
        self._soc = {code: item.id for item in families.families for code in item.soc}
        claims: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for item in families.families:
            for rule in item.titles:
                for phrase in rule.phrases:
                    claims.setdefault(phrase, []).append((item.id, rule.over))
        self._titles = _Phrases({phrase: _Claim(tuple(over)) for phrase, over in claims.items()})
        self._functions = {
            item.id: (
                _Phrases({p: rule.function for rule in item.functions for p in rule.phrases}),
                {code: rule.function for rule in item.functions for code in rule.soc},
            )
            for item in families.families
        }
        ranked = list(enumerate(families.seniority))
        self._seniority = _Phrases(
            {phrase: (place, rule.seniority) for place, rule in ranked for phrase in rule.phrases}
        )
        self._seniority_of_zone = families.seniority_of_job_zone
        occupations = icp.occupations
        self._icp = {group.code: True for group in occupations.major_groups_in}
        self._icp |= {group.code: False for group in occupations.major_groups_out}
        self._icp |= {item.code: item.is_in for item in occupations.exceptions}

    def is_icp(self, soc_code: str) -> bool:
        """Whether a detailed SOC occupation is in the ICP; an unnamed major group is out."""
        return bool(decided_by(self._icp, soc_code))

    def family_of_soc(self, soc_code: str) -> str | None:
        """The family of a detailed SOC occupation; None where it is out of the ICP."""
        return decided_by(self._soc, soc_code) if self.is_icp(soc_code) else None

    def family_of_title(self, key: str, soc_code: str | None) -> str | None:
        """The family of a title.

        Args:
            key: the title, casefolded (``title_key``).
            soc_code: the SOC or O*NET-SOC code the title was placed at, if any. A group above the
                detailed level leaves the family to the title's words: what the group itself says
                is ``roles.role_family``.

        Returns:
            A family id; None where neither words nor code say one, or the occupation is out of the
            ICP (no words bring it in).
        """
        settled = soc_code is not None and not is_group(soc_code)
        if settled and not self.is_icp(str(soc_code)):
            return None
        said: list[tuple[int, int, str]] = []
        for phrase, claim in self._titles.found(key):
            said += [
                (len(phrase.split()), len(phrase), family)
                for family, over in claim.over
                if not settled or any(str(soc_code).startswith(code) for code in over)
            ]
        if said:
            longest = max(said)[:2]
            families = {family for *length, family in said if tuple(length) == longest}
            if len(families) == 1:
                return families.pop()
        return self.family_of_soc(str(soc_code)) if settled else None

    def function_of(self, family: str, key: str, soc_code: str | None) -> str | None:
        """What a role does within ``family``: by words of its title, else by code, else None."""
        if family not in self._functions:
            return None
        phrases, codes = self._functions[family]
        found = phrases.found(key)
        if found:
            return found[0][1]
        return decided_by(codes, soc_code) if soc_code else None

    def seniority_of(self, key: str, job_zone: int | None) -> Seniority:
        """Where a title stands: the first rule with a phrase in it, else its zone, else mixed."""
        found = self._seniority.found(key)
        if found:
            return min(item for _, item in found)[1]
        return Seniority.MIXED if job_zone is None else self._seniority_of_zone[job_zone]


def unplaced(rules: FamilyRules, soc_codes: Iterable[str]) -> list[str]:
    """Detailed SOC codes of the ICP that no family has, sorted. None should be."""
    return sorted(
        code for code in soc_codes if rules.is_icp(code) and rules.family_of_soc(code) is None
    )


def require_placed(rules: FamilyRules, soc_codes: Iterable[str]) -> None:
    """Hold that every detailed occupation of the ICP is in a family.

    Raises:
        AuthoredDocumentError: some are in none.
    """
    missing = unplaced(rules, soc_codes)
    if missing:
        raise AuthoredDocumentError(
            expected="every detailed SOC occupation of the ICP in exactly one family",
            found=f"{len(missing)} in none: {', '.join(missing[:5])}",
            where="data/families.yaml",
            remedy="add a soc rule to the family they belong to, or take them out in data/icp.yaml",
        )
