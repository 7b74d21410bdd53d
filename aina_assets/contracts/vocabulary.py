"""The controlled vocabulary: words that are data, spelled once.

Belongs here: enumerations that are stored in tables or authored in files.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class SourceClass(StrEnum):
    """What kind of truth a source can support. Classes are never flattened into one."""

    CANONICAL = "canonical"
    RESEARCH = "research"
    BENCHMARK = "benchmark"
    MARKET_SIGNAL = "market_signal"
    INTERNAL = "internal"


class AllowedUse(StrEnum):
    """What a source's licence allows, from least to most restrictive."""

    OPEN = "open"
    ATTRIBUTION = "attribution"
    INTERNAL_ONLY = "internal_only"

    @classmethod
    def strictest(cls, uses: Iterable[AllowedUse]) -> AllowedUse:
        """The most restrictive of ``uses``: what a row derived from all of them allows."""
        order = list(cls)
        return max(uses, key=order.index)


class RuntimeEligibility(StrEnum):
    """Whether rows of a source may reach a learner."""

    ELIGIBLE = "eligible"
    INTERNAL_ONLY = "internal_only"
    NOT_ELIGIBLE = "not_eligible"


class FileStatus(StrEnum):
    """What became of one pinned file."""

    PRESENT = "present"
    """On disk, bytes as pinned."""
    ABSENT = "absent"
    """Not to be had, and the lock does not require it: zero rows, with the reason."""


class AbsenceReason(StrEnum):
    """Why a file that is not required is absent."""

    NOT_ON_DISK = "not_on_disk"
    """The lock names no origin to fetch from and the file is not in the cache."""
    NOT_PINNED = "not_pinned"
    """The lock does not name this input at all."""
    NOT_FOUND = "not_found"
    """The origin answered that it has no such file."""
    UNREACHABLE = "unreachable"
    """The origin did not answer."""
    OVER_CAP = "over_cap"
    """Larger than the byte cap, known from metadata before a byte was fetched."""

    @property
    def is_worth_retrying(self) -> bool:
        """True where the next build may have better luck without any change to the lock."""
        return self in (AbsenceReason.NOT_FOUND, AbsenceReason.UNREACHABLE)


def joined_classes(classes: Iterable[str]) -> str:
    """Source classes, each once, in order (``canonical+research``), as the SQL macro does."""
    return "+".join(sorted({part for item in classes for part in item.split("+")}))


def strictest_use(uses: Iterable[str]) -> str:
    """The most restrictive of ``uses``."""
    return str(AllowedUse.strictest(AllowedUse(item) for item in uses))
