"""The fallback resolver: how a learner's title got its role, step by step, in the open.

Belongs here: the account of a routed title as steps, and what a former title is read as. Stays out:
routing (``titles.routing``), what a tier allows (``data/planner_rules.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aina_assets.contracts.learner import FallbackStep, WorkStatus
from aina_assets.titles.vocabulary import FallbackTier, ServiceTier

Routed = Mapping[str, Any]
"""A row of ``titles.routing.ROUTE_SCHEMA``."""

LLM = "llm"
_FORMER = re.compile(r"^\W*(?:retired|former|ex)\b[\s,:-]*|[\s,(-]+(?:retired|ret\.?)\W*$", re.I)


@dataclass(frozen=True)
class Resolved:
    """A learner's title with its role, or without.

    Attributes:
        routed: the routed title.
        tier: what the planner may lean on; unresolved where the title is not served.
        role_id: the role served; null where none is.
        path: how it came to that.
    """

    routed: Routed
    tier: FallbackTier
    role_id: str | None
    path: tuple[FallbackStep, ...]

    @property
    def confidence(self) -> float:
        """Calibrated probability that the role is right; 0 without one."""
        return float(self.routed["confidence"]) if self.role_id is not None else 0.0

    @property
    def role_family(self) -> str | None:
        """The family that the title's words or its role say."""
        family = self.routed["role_family"]
        return str(family) if family is not None else None


def resolve(
    title: str, status: WorkStatus, route: Callable[[str], Routed], families: Collection[str]
) -> Resolved:
    """``title`` as a role, by the first tier that supports one.

    A retired learner's title is that of the work they did: ``Retired accountant`` is read as
    ``accountant``, and the path says so.

    Args:
        title: as the learner gave it.
        status: whether it is current work.
        route: routes one title.
        families: families that something is taught for: where no role is sure, the family that the
            title's words name is an archetype still, without a role and without its confidence.
    """
    read = _FORMER.sub("", title).strip() if status is WorkStatus.RETIRED else title
    routed = route(read or title)
    tier = FallbackTier(routed["fallback_tier"])
    is_served = routed["service_tier"] in (
        ServiceTier.SERVE_NOW,
        ServiceTier.SERVE_WITH_FALLBACK,
    )
    family = routed["role_family"]
    is_excluded = routed["service_tier"] == ServiceTier.EXCLUDED
    by_family = not is_served and not is_excluded and family is not None and family in families
    used = tier if is_served else FallbackTier.UNRESOLVED
    if by_family:
        used = FallbackTier.ARCHETYPE
    steps = []
    if read != title and read:
        steps.append(
            FallbackStep(
                tier="former_title",
                is_used=True,
                found=read,
                reason="the learner is retired: read as the work they did",
            )
        )
    reasons = ", ".join(routed["reasons"])
    for step in FallbackTier:
        if step is FallbackTier.UNRESOLVED:
            break
        if step is tier:
            steps.append(
                FallbackStep(
                    tier=str(step),
                    is_used=is_served,
                    found=f"{routed['code']} ({routed['code_level']})",
                    reason=reasons if is_served else f"not served: {reasons}",
                )
            )
            break
        steps.append(FallbackStep(tier=str(step), is_used=False, found="none", reason=_NONE[step]))
    if by_family:
        steps.append(
            FallbackStep(
                tier=str(FallbackTier.ARCHETYPE),
                is_used=True,
                found=f"family {family}, no role",
                reason=f"the title's words name the family; no occupation is sure: {reasons}",
            )
        )
    elif not is_served:
        steps += [
            FallbackStep(
                tier=LLM, is_used=False, found="not asked", reason="no model is configured for it"
            ),
            FallbackStep(
                tier=str(FallbackTier.UNRESOLVED),
                is_used=True,
                found="no role",
                reason=f"{routed['service_tier']}: {reasons}",
            ),
        ]
    return Resolved(routed, used, str(routed["role_id"]) if is_served else None, tuple(steps))


_NONE = {
    FallbackTier.EXACT: "no occupation has this title of its own",
    FallbackTier.ALIAS: "no known title, as written, names one occupation",
    FallbackTier.NORMALISED: "nor does one once it is cut, written out or turned round",
    FallbackTier.FUNCTION: "no group that shares a function is sure enough",
    FallbackTier.ARCHETYPE: "no major group is sure enough",
}
