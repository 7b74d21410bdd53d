"""The fallback resolver: every step in the open, nothing claimed that is not served."""

from __future__ import annotations

from typing import Any

import pytest

from aina_assets.contracts.learner import WorkStatus
from aina_assets.learner.resolver import LLM, Resolved, resolve
from aina_assets.titles.vocabulary import FallbackTier, ServiceTier

FAMILIES = ("paid_media", "sales")
ROUTED: dict[str, Any] = {
    "fallback_tier": "alias",
    "code": "11-2011.00",
    "code_level": "onet_soc",
    "confidence": 0.97,
    "role_id": "11-2011.00",
    "role_family": "paid_media",
    "service_tier": "serve_now",
    "reasons": ["known_title:alias", "served_at:onet_soc"],
}
UNSERVED: dict[str, Any] = {
    "fallback_tier": "unresolved",
    "code": None,
    "code_level": "none",
    "confidence": 0.0,
    "role_id": None,
    "service_tier": str(ServiceTier.ADJUDICATION_REQUIRED),
    "reasons": ["unknown_title", "below_every_threshold"],
}


def resolved(status: WorkStatus = WorkStatus.WORKING, title: str = "x", **said: Any) -> Resolved:
    return resolve(title, status, lambda _: ROUTED | said, FAMILIES)


@pytest.mark.parametrize("tier", ["exact", "alias", "normalised", "function", "archetype"])
def test_a_served_title_is_used_at_its_tier_and_says_what_was_tried_before(tier: str) -> None:
    found = resolved(fallback_tier=tier)

    assert found.tier == tier
    assert found.role_id == ROUTED["role_id"]
    assert found.confidence == ROUTED["confidence"]
    assert [step.tier for step in found.path] == [
        item for item in FallbackTier if list(FallbackTier).index(item) <= _index(tier)
    ]
    assert [step.is_used for step in found.path] == [False] * _index(tier) + [True]


def _index(tier: str) -> int:
    return list(FallbackTier).index(FallbackTier(tier))


def test_the_words_of_a_title_are_an_archetype_without_a_role() -> None:
    found = resolved(**UNSERVED)

    assert (found.tier, found.role_id, found.confidence) == (FallbackTier.ARCHETYPE, None, 0.0)
    assert found.role_family == "paid_media"
    assert found.path[-1].is_used
    assert "no role" in found.path[-1].found


@pytest.mark.parametrize("family", [None, "several", "not_icp"])
def test_without_a_family_that_is_taught_nothing_is_resolved(family: str | None) -> None:
    found = resolved(**UNSERVED | {"role_family": family})

    assert (found.tier, found.role_id, found.confidence) == (FallbackTier.UNRESOLVED, None, 0.0)
    assert [step.tier for step in found.path if step.is_used] == ["unresolved"]
    assert [step.reason for step in found.path if step.tier == LLM] == [
        "no model is configured for it"
    ]


def test_what_is_outside_is_not_served_though_its_code_is_known() -> None:
    found = resolved(service_tier=str(ServiceTier.EXCLUDED), reasons=["occupation_outside_icp"])

    assert (found.tier, found.role_id, found.confidence) == (FallbackTier.UNRESOLVED, None, 0.0)
    assert any("not served" in step.reason for step in found.path)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Retired Accountant", "Accountant"),
        ("retired - accountant", "accountant"),
        ("Accountant (retired)", "Accountant"),
        ("Accountant, ret.", "Accountant"),
        ("Former Head of Sales", "Head of Sales"),
        ("Retired", "Retired"),
        ("Retirement Specialist", "Retirement Specialist"),
        ("Exporter", "Exporter"),
    ],
)
def test_a_retired_title_is_read_as_the_work_it_was(said: str, read: str) -> None:
    asked: list[str] = []

    def route(title: str) -> dict[str, Any]:
        asked.append(title)
        return ROUTED

    while_retired = resolve(said, WorkStatus.RETIRED, route, FAMILIES)
    while_working = resolve(said, WorkStatus.WORKING, route, FAMILIES)

    assert asked == [read, said]
    assert ("former_title" in [step.tier for step in while_retired.path]) == (read != said)
    assert "former_title" not in [step.tier for step in while_working.path]
