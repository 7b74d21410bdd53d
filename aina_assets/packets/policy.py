"""Documents that people author about packets.

Belongs here: the model of ``data/packet_rules.yaml`` and what must hold within it. Stays out:
applying it (``packets``, ``review``, ``references``, ``quality``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aina_assets.contracts.packets import MissingGdpval, MissingUsage, QualityFlag
from aina_assets.contracts.work import RiskTier
from aina_assets.warehouse.authored import AuthoredDocument

RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Sentence = Annotated[str, Field(min_length=8)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReviewRule(_Part):
    """One rule of the semantic review.

    Attributes:
        id: its name; what it compares is in ``packets.review``.
        subject: what it is about.
        statement: what must agree, for people.
        severity: ``hold`` makes a packet inconsistent, ``note`` is only counted.
    """

    id: RuleId
    subject: RuleId
    statement: Sentence
    severity: Literal["hold", "note"] = "hold"


class QualityMeasure(_Part):
    """One measure of quality by role family.

    Attributes:
        id: its name; how it is measured is in ``packets.quality``.
        dimension: side of quality it measures.
        statement: what the share is, for people.
        direction: on which side of the threshold is good.
        threshold: the share to reach, or not to pass.
        why: why it stands there.
    """

    id: RuleId
    dimension: Literal["evidence", "specificity", "risk", "fallback", "coverage"]
    statement: Sentence
    direction: Literal["at_least", "at_most"]
    threshold: Share
    why: Sentence


class Floors(_Part):
    """Shares of packets that an earlier engine reached, percent."""

    packets_with_hf_refs_pct: Percent
    packets_with_gdpval_refs_pct: Percent


class PacketRules(AuthoredDocument, document="packet_rules"):
    """Rules on packets: flags, reasons, the semantic review, quality thresholds."""

    fuzzy_rungs: tuple[str, ...]
    few_workflows: Annotated[int, Field(ge=1)]
    flags: dict[QualityFlag, Sentence]
    missing_usage: dict[MissingUsage, Sentence]
    missing_gdpval: dict[MissingGdpval, Sentence]
    risk_tiers: dict[RiskTier, Sentence]
    floors: Floors
    review: Annotated[tuple[ReviewRule, ...], Field(min_length=1)]
    quality: Annotated[tuple[QualityMeasure, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _decides(self) -> Self:
        _no_repeats("review rule", (rule.id for rule in self.review))
        _no_repeats("quality measure", (measure.id for measure in self.quality))
        for named, words in (
            (self.flags, QualityFlag),
            (self.missing_usage, MissingUsage),
            (self.missing_gdpval, MissingGdpval),
            (self.risk_tiers, RiskTier),
        ):
            unsaid = sorted(set(words) - set(named))
            if unsaid:
                raise ValueError(f"no sentence for {', '.join(unsaid)}")
        return self


def _no_repeats(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} more than once: {', '.join(twice)}")
