"""Frames made by hand: coverage of every tier over the roles of a warehouse, and title figures.

Belongs here: valid rows of ``title_coverage`` and of the title model's tables that say exactly what
a test wants, whatever the router says of the sample's titles today.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa

from aina_assets.titles.adjudication_tables import TitleCoverage
from aina_assets.titles.tables import TitleEvidence, TitleModelEvaluation, TitleThresholds
from aina_assets.titles.vocabulary import LOOKUP_RUNGS, FallbackTier, ServiceTier
from aina_assets.warehouse.tables import arrow_schema

TITLE_LIST = "titles/by_hand.csv"

Row = dict[str, Any]


def coverage(rows: Iterable[Row]) -> pa.Table:
    """Rows, numbered in order, as a frame of ``title_coverage``."""
    numbered = []
    for number, row in enumerate(rows, start=1):
        title_list = row.get("title_list", TITLE_LIST)
        numbered.append(
            {
                **row,
                "title_list": title_list,
                "source_row": number,
                "title_id": f"{title_list}:{number}",
                "source_refs": [f"title_rows:{title_list}|{number}", *row["source_refs"]],
            }
        )
    return pa.Table.from_pylist(numbered, schema=arrow_schema(TitleCoverage))


def title_row(title: str, **values: Any) -> Row:
    """A row that is resolved to nothing and needs adjudication, unless ``values`` say more."""
    return {
        "title": title,
        "title_count": None,
        "title_key": title.casefold(),
        "core_key": title.casefold(),
        "expanded_key": title.casefold(),
        "seniority": None,
        "employment_type": None,
        "location": None,
        "company": None,
        "requisition_id": None,
        "head_noun": title.casefold().split()[-1],
        "modifiers": title.casefold().split()[:-1],
        "rung": None,
        "fallback_tier": str(FallbackTier.UNRESOLVED),
        "code": None,
        "code_level": "none",
        "confidence": 0.0,
        "role_id": None,
        "role_family": None,
        "service_tier": str(ServiceTier.ADJUDICATION_REQUIRED),
        "reasons": ["below_every_threshold"],
        "lexicon_ids": [],
        "candidates": [],
        "source_refs": [],
        "safe_today": "Nothing is served before a decision.",
        "question": f"Which occupation does '{title}' name?",
        "promotion_rule": "Two reviewers name the same occupation.",
        "source_class": "market_signal",
        "allowed_use": "open",
    } | values


def served(
    title: str, role: Mapping[str, Any], tier: FallbackTier, rung: str, **values: Any
) -> Row:
    """A row that is served ``role``: now where the tier and level allow it, else as a fallback."""
    looked_up = tier in (FallbackTier.EXACT, FallbackTier.ALIAS, FallbackTier.NORMALISED)
    one = role["code_level"] in ("onet_soc", "detailed")
    tier_of_service = (
        ServiceTier.SERVE_NOW if looked_up and one else ServiceTier.SERVE_WITH_FALLBACK
    )
    return (
        title_row(
            title,
            rung=rung,
            fallback_tier=str(tier),
            code=role["role_id"],
            code_level=role["code_level"],
            confidence=0.97 if looked_up else 0.91,
            role_id=role["role_id"],
            role_family=role["role_family"],
            service_tier=str(tier_of_service),
            reasons=[f"rung_{rung}"],
            safe_today="Serve the role.",
            question=None,
            promotion_rule=None,
            source_class="canonical+market_signal",
        )
        | values
    )


def excluded(title: str, reason: str) -> Row:
    """A row that a rule excludes."""
    return title_row(
        title,
        service_tier=str(ServiceTier.EXCLUDED),
        reasons=[reason],
        safe_today="Nothing: it names no job of the ICP.",
        question=None,
        promotion_rule=None,
    )


def every_tier(roles: pa.Table, occupations: Collection[str]) -> pa.Table:
    """Coverage with every fallback tier, level, rung and service tier over the ICP's ``roles``.

    Args:
        roles: the table.
        occupations: its occupations that have titles.
    """
    icp = sorted(
        (row for row in roles.to_pylist() if row["is_icp"]), key=lambda row: row["role_id"]
    )
    by_level: dict[str, list[Row]] = {}
    for row in icp:
        by_level.setdefault(row["code_level"], []).append(row)
    rows: list[Row] = []
    for role in (row for row in by_level["onet_soc"] if row["role_id"] in occupations):
        rows.append(served(role["canonical_title"], role, FallbackTier.EXACT, "exact"))
        rows += [served(a, role, FallbackTier.ALIAS, "alias") for a in role["aliases"][:2]]
        rows += [
            served(f"{role['canonical_title']} ({rung})", role, FallbackTier.NORMALISED, rung)
            for rung in LOOKUP_RUNGS[2:]
        ]
        rows.append(
            served(f"Likely {role['canonical_title']}", role, FallbackTier.FUNCTION, "model")
        )
    for level in ("broad", "minor"):
        rows += [
            served(f"Any of {role['canonical_title']}", role, FallbackTier.FUNCTION, "alias")
            for role in by_level[level]
        ]
    rows += [
        served(f"Some {role['canonical_title']}", role, FallbackTier.ARCHETYPE, "model")
        for role in by_level["major"]
    ]
    candidates = [
        {"code": role["role_id"], "title": role["canonical_title"], "confidence": 0.3}
        for role in by_level["onet_soc"][:3]
    ]
    rows += [title_row(f"Machine operator {number}", candidates=candidates) for number in range(9)]
    rows += [excluded(f"Student {number}", "icp_student") for number in range(4)]
    rows += [excluded(f"Roofer {number}", "icp_major_group_47") for number in range(3)]
    return coverage(rows)


def evidence(titles: int = 400) -> pa.Table:
    """Withheld titles with scores that are right as often as they say, at two levels."""
    rows = []
    for number in range(titles):
        for evaluation in ("held_out", "without_reported"):
            score = (number % 100 + 0.5) / 100
            is_right = (number * 37 % 100) / 100 < score
            rows.append(
                {
                    "evaluation": evaluation,
                    "lexicon_title": f"title {number}",
                    "rung": "model" if number % 3 else "alias",
                    "is_first": True,
                    "codes": ["11-2021.00"],
                    "answers": [
                        {
                            "level": "detailed",
                            "code": "11-2021",
                            "score": score,
                            "is_right": is_right,
                        },
                        {
                            "level": "major",
                            "code": "11-0000",
                            "score": min(1.0, score + 0.1),
                            "is_right": is_right or number % 2 == 0,
                        },
                    ],
                    "rank_of_truth": 1 if is_right else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleEvidence))


def thresholds() -> pa.Table:
    """A served and an unserved bar."""
    rows = [
        {
            "rung": "alias",
            "code_level": "detailed",
            "target": 0.95,
            "min_score": 0.9,
            "title_count": 200,
            "right_count": 196,
            "precision": 0.98,
            "wilson_lower": 0.957,
            "answered_count": 240,
            "evidence": "held_out 100/102",
        },
        {
            "rung": "model",
            "code_level": "onet_soc",
            "target": 0.95,
            "min_score": None,
            "title_count": 0,
            "right_count": 0,
            "precision": None,
            "wilson_lower": None,
            "answered_count": 150,
            "evidence": "held_out 70/150",
        },
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleThresholds))


def evaluation() -> pa.Table:
    """A figure with a bar and one without."""
    rows = [
        {
            "measure": "held_out.served_detailed",
            "evaluation": "held_out",
            "figure": "served_precision",
            "code_level": "detailed",
            "title_count": 812,
            "value": 0.968,
            "wilson_lower": 0.957,
            "wilson_upper": 0.976,
            "bar": 0.95,
        },
        {
            "measure": "held_out.top_1",
            "evaluation": "held_out",
            "figure": "top_1",
            "code_level": "detailed",
            "title_count": 1031,
            "value": 0.64,
            "wilson_lower": 0.616,
            "wilson_upper": 0.664,
            "bar": None,
        },
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleModelEvaluation))
