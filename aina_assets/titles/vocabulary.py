"""Words of this room that are data: levels, rungs, tiers.

Belongs here: enumerations the room's tables hold, spelled once, in order of preference.
"""

from __future__ import annotations

from enum import StrEnum

LEVELS = ("onet_soc", "detailed", "broad", "minor", "major")
"""Levels of the occupation tree, the deepest first."""

LOOKUP_RUNGS = (
    "exact",
    "alias",
    "core",
    "expanded",
    "inverted",
    "reordered",
    "level_cut",
    "bracketless",
)
"""Ways to find a title among known ones, the most literal first.

``bracketless`` is whatever is found only after words in brackets were left out: they often say
which of several occupations is meant.
"""

RUNGS = (*LOOKUP_RUNGS, "model")


class FallbackTier(StrEnum):
    """How a title got its role, from the surest."""

    EXACT = "exact"
    """It is an occupation's own title."""
    ALIAS = "alias"
    """It is a known title of one occupation, as written."""
    NORMALISED = "normalised"
    """It is a known title once read: cut, written out, turned round."""
    FUNCTION = "function"
    """A group of occupations that share a function, a statistical match, or what reviewers made of
    a title: never an identity."""
    ARCHETYPE = "archetype"
    """A major group, no more."""
    UNRESOLVED = "unresolved"
    """No role."""


class ServiceTier(StrEnum):
    """What may be served for a title."""

    SERVE_NOW = "serve_now"
    SERVE_WITH_FALLBACK = "serve_with_fallback"
    ADJUDICATION_REQUIRED = "multi_llm_adjudication_required"
    EXCLUDED = "exclude_or_not_icp"


PROMOTED = "promoted_by_decision:"
"""What the reason code of a promotion begins with; the decision's id follows."""
