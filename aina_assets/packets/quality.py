"""Quality of the packets by role family: measured shares against authored thresholds.

Belongs here: how each measure of ``data/packet_rules.yaml`` is counted. Stays out: thresholds
(authored), consistency (``review``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.packets import PacketVerdict, QualityFlag
from aina_assets.packets.policy import PacketRules, QualityMeasure
from aina_assets.packets.tables import SERVED, PacketQuality
from aina_assets.titles.vocabulary import RUNGS, FallbackTier, ServiceTier
from aina_assets.warehouse.sql import query
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import Families

Connection = duckdb.DuckDBPyConnection


def _without(flag: QualityFlag) -> str:
    return f"count(*) FILTER (NOT list_contains(quality_flags, '{flag}'))"


_PACKETS = "count(*)"
_OF_PACKETS: Mapping[str, tuple[str, str]] = {
    "observed_usage": ("count(*) FILTER (economic_index_ref_count > 0)", _PACKETS),
    "supported_workflows": ("sum(supported_count)", "sum(len(workflow_ids))"),
    "one_occupation": ("count(*) FILTER (code_level IN ('onet_soc', 'detailed'))", _PACKETS),
    "enough_workflows": (_without(QualityFlag.FEW_WORKFLOWS), _PACKETS),
    "risk_is_known": ("count(risk_tier)", _PACKETS),
    "measures_agree": (_without(QualityFlag.MEASURES_DISAGREE), _PACKETS),
    "archetype_only": (
        f"count(*) FILTER (fallback_tier = '{FallbackTier.ARCHETYPE}')",
        _PACKETS,
    ),
    "predicted_titles": (f"count(*) FILTER (rung = '{RUNGS[-1]}')", _PACKETS),
}
"""Measures over the packets of a family: how many are so, of how many."""

SERVED_TITLES = "served_titles"
MEASURES = frozenset((*_OF_PACKETS, SERVED_TITLES))
"""Every measure that is computed."""


def packet_quality(
    con: Connection,
    packets: pa.Table,
    packet_reviews: pa.Table,
    title_coverage: pa.Table,
    affordances: pa.Table,
    packet_rules: PacketRules,
    families: Families,
) -> pa.Table:
    """Rows of ``PacketQuality``: one a family and measure.

    Only packets that the review found serviceable count; an inconsistent one measures nothing.

    Raises:
        AuthoredDocumentError: a measure is authored that nothing computes, or the other way round.
    """
    require_measures(packet_rules)
    sums = ", ".join(
        f"{part} AS {name}_part, {whole} AS {name}_whole"
        for name, (part, whole) in _OF_PACKETS.items()
    )
    measured = {
        row["role_family"]: row
        for row in query(
            con,
            f"""
            WITH sound AS (
              SELECT p.* FROM packets p JOIN reviews r USING (packet_id)
              WHERE r.verdict = '{PacketVerdict.STRUCTURALLY_SERVICEABLE}'
            ),
            supported AS (
              SELECT role_id, count(*) AS supported_count FROM affordances
              WHERE evidence_state = 'evidence' GROUP BY role_id
            )
            SELECT role_family, count(*) AS packet_count, {sums}
            FROM (SELECT s.*, coalesce(x.supported_count, 0) AS supported_count
                  FROM sound s LEFT JOIN supported x USING (role_id))
            GROUP BY role_family
            """,  # noqa: S608
            packets=packets.select(_NEEDED),
            reviews=packet_reviews.select(["packet_id", "verdict"]),
            affordances=affordances.select(["role_id", "evidence_state"]),
        ).to_pylist()
    }
    covered = {
        row["role_family"]: row
        for row in query(
            con,
            f"""
            SELECT role_family, count(*) FILTER (service_tier IN {tuple(SERVED)}) AS part,
              count(*) AS whole
            FROM coverage WHERE service_tier <> '{ServiceTier.EXCLUDED}'
              AND role_family IS NOT NULL
            GROUP BY role_family
            """,  # noqa: S608
            coverage=title_coverage.select(["role_family", "service_tier"]),
        ).to_pylist()
    }
    names = [family.id for family in families.families]
    names += sorted((measured.keys() | covered.keys()) - set(names))
    rows = []
    for family in names:
        of_packets, of_titles = measured.get(family, {}), covered.get(family, {})
        for measure in packet_rules.quality:
            if measure.id == SERVED_TITLES:
                part, whole = of_titles.get("part"), of_titles.get("whole")
            else:
                part = of_packets.get(f"{measure.id}_part")
                whole = of_packets.get(f"{measure.id}_whole")
            count = int(of_packets.get("packet_count", 0))
            rows.append(_row(family, measure, count, int(part or 0), int(whole or 0)))
    return pa.Table.from_pylist(rows, schema=arrow_schema(PacketQuality))


_NEEDED = [
    *("packet_id", "role_id", "role_family", "code_level", "rung", "fallback_tier"),
    *("risk_tier", "economic_index_ref_count", "workflow_ids", "quality_flags"),
]


def require_measures(rules: PacketRules) -> None:
    """Every authored measure is computed, and every computed one authored.

    Raises:
        AuthoredDocumentError: otherwise.
    """
    authored = {measure.id for measure in rules.quality}
    if authored != MEASURES:
        raise AuthoredDocumentError(
            expected=f"the quality measures {', '.join(sorted(MEASURES))}",
            found=f"not computed: {', '.join(sorted(authored - MEASURES)) or 'none'}; not"
            f" authored: {', '.join(sorted(MEASURES - authored)) or 'none'}",
            where=f"{PacketRules.path()}: quality",
            remedy="add the measure to packets/quality.py, or to the document",
        )


def _row(
    family: str, measure: QualityMeasure, packet_count: int, part: int, whole: int
) -> dict[str, Any]:
    value = round(part / whole, 6) if whole else None
    return {
        "role_family": family,
        "measure": measure.id,
        "dimension": measure.dimension,
        "packet_count": packet_count,
        "base_count": whole,
        "value": value,
        "direction": measure.direction,
        "threshold": measure.threshold,
        "verdict": _verdict(value, measure),
    }


def _verdict(value: float | None, measure: QualityMeasure) -> str:
    if value is None:
        return "not_measured"
    if measure.direction == "at_least":
        return "pass" if value >= measure.threshold else "hold"
    return "pass" if value <= measure.threshold else "hold"
