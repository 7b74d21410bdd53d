"""Receipts: what a gate found, as one document beside the table of its items.

Belongs here: the document. Stays out: how a gate comes to its finding, and where it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """What a receipt says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    """Nothing stands in the way."""
    HOLD = "hold"
    """Something does; the counts and the items say what."""


class Receipt(BaseModel):
    """A gate's recorded finding.

    Attributes:
        gate: name of the gate, with its version: ``source_intake_v1``.
        verdict: pass or hold.
        counts: items by the state they are in.
        items_table: the table that lists the items.
        items_version: its data version.
        inputs: data versions of what was looked at, by asset.
        unlocks: boundaries this receipt opens. Zero, unless a decision bound to exactly these
            inputs says otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: str = Field(pattern=r"^[a-z][a-z0-9_]*_v[1-9][0-9]*$")
    verdict: Verdict
    counts: Mapping[str, int]
    items_table: str
    items_version: str
    inputs: Mapping[str, str]
    unlocks: int = Field(default=0, ge=0)
