"""The packet quality report: what was reviewed, what holds, family by family.

Belongs here: the document that the report shows, and rendering it. Stays out: measuring
(``quality``), reviewing (``review``), counting references (``references``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.contracts.packets import PacketVerdict
from aina_assets.contracts.receipts import Receipt
from aina_assets.contracts.work import RiskTier
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.tables import RESOLVED
from aina_assets.warehouse import charts
from aina_assets.warehouse.reports import environment, json_bytes, jsonl_bytes, percentage
from aina_assets.warehouse.sql import query
from aina_assets.work_graph.policy import Families

Connection = duckdb.DuckDBPyConnection
Rows = list[dict[str, Any]]

DIMENSIONS = ("evidence", "specificity", "risk", "fallback", "coverage")

_FALLBACK_COLOURS = dict(
    zip(
        RESOLVED,
        (charts.BLUE, charts.SKY, charts.GREEN, charts.ORANGE, charts.GREY),
        strict=True,
    )
)
_NO_RISK = "not known"
_RISK_COLOURS = {
    str(RiskTier.LOW): charts.SKY,
    str(RiskTier.MEDIUM): charts.BLUE,
    str(RiskTier.HIGH): charts.ORANGE,
    str(RiskTier.CRITICAL): charts.RED,
    _NO_RISK: charts.GREY,
}


def quality_document(
    con: Connection,
    packets: pa.Table,
    packet_reviews: pa.Table,
    packet_review_rules: pa.Table,
    packet_quality: pa.Table,
    hf_runtime_map: pa.Table,
    packet_rules: PacketRules,
    families: Families,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Everything the report says, as plain JSON values; shares are percent with one decimal."""
    names = {family.id: family.name for family in families.families}
    names |= {"several": "Several families"}
    measures = {measure.id: measure for measure in packet_rules.quality}
    order = {rule.id: place for place, rule in enumerate(packet_rules.review)}
    needed = packets.select(["role_family", "fallback_tier", "risk_tier", "quality_flags"])
    total = packets.num_rows
    verdicts = {str(verdict): 0 for verdict in PacketVerdict}
    for row in packet_reviews["verdict"].value_counts().to_pylist():
        verdicts[row["values"]] = row["counts"]
    flags = {
        row["flag"]: row["packets"]
        for row in query(
            con,
            "SELECT flag, count(*) AS packets FROM"
            " (SELECT unnest(quality_flags) AS flag FROM packets) GROUP BY flag",
            packets=needed,
        ).to_pylist()
    }
    by_family = _families(packet_quality, names, measures)
    return {
        "report": "packet_quality_report",
        "meaning": "Passing the review means structurally serviceable: the parts of a packet agree"
        " with the tables they are from. It says nothing about how deep or how good it is.",
        "made_from": dict(sorted(versions.items())),
        "totals": {
            "packets": total,
            "families": sum(1 for row in by_family if row["packets"]),
            "verdicts": verdicts,
            "families_on_hold": sum(1 for row in by_family if row["verdict"] != "pass"),
            "rules": packet_review_rules.num_rows,
        },
        "receipts": [
            {
                "gate": gate,
                "verdict": str(receipt.verdict),
                "unlocks": receipt.unlocks,
                "items_table": receipt.items_table,
                "items_version": receipt.items_version,
            }
            for gate, receipt in sorted(receipts.items())
        ],
        "families": by_family,
        "measures": [
            {
                "measure": measure.id,
                "dimension": measure.dimension,
                "statement": measure.statement,
                "direction": measure.direction.replace("_", " "),
                "threshold_pct": round(100 * measure.threshold, 1),
                "why": measure.why,
            }
            for measure in packet_rules.quality
        ],
        "review_rules": sorted(
            packet_review_rules.to_pylist(), key=lambda row: order[row["rule_id"]]
        ),
        "references": hf_runtime_map.to_pylist(),
        "flags": sorted(
            (
                {
                    "flag": str(flag),
                    "meaning": text,
                    "packets": flags.get(str(flag), 0),
                    "share_pct": percentage(flags.get(str(flag), 0), total),
                }
                for flag, text in packet_rules.flags.items()
            ),
            key=lambda row: (-int(row["packets"] or 0), row["flag"]),
        ),
        "fallback_mix": _mix(con, needed, "fallback_tier", RESOLVED, names),
        "risk_mix": _mix(
            con, needed, f"coalesce(risk_tier, '{_NO_RISK}')", list(_RISK_COLOURS), names
        ),
        "risk_tiers": [
            {"risk_tier": str(tier), "meaning": text}
            for tier, text in packet_rules.risk_tiers.items()
        ],
    }


def _families(
    packet_quality: pa.Table, names: Mapping[str, str], measures: Mapping[str, Any]
) -> Rows:
    found: dict[str, dict[str, Any]] = {}
    order = list(measures)
    rows = sorted(packet_quality.to_pylist(), key=lambda row: order.index(row["measure"]))
    for row in rows:
        family = found.setdefault(
            row["role_family"],
            {
                "family": row["role_family"],
                "name": names.get(row["role_family"], row["role_family"]),
                "packets": row["packet_count"],
                "measures": [],
            },
        )
        family["measures"].append(
            {
                "measure": row["measure"],
                "dimension": row["dimension"],
                "base_count": row["base_count"],
                "value_pct": None if row["value"] is None else round(100 * row["value"], 1),
                "verdict": row["verdict"],
            }
        )
    places = list(names)
    for family in found.values():
        family["dimensions"] = {
            dimension: _together(
                item["verdict"] for item in family["measures"] if item["dimension"] == dimension
            )
            for dimension in DIMENSIONS
        }
        family["verdict"] = _together(family["dimensions"].values())
    return sorted(
        found.values(),
        key=lambda row: places.index(row["family"]) if row["family"] in names else len(places),
    )


def _together(verdicts: Iterable[str]) -> str:
    said = set(verdicts)
    if "hold" in said:
        return "hold"
    return "not_measured" if "not_measured" in said else "pass"


def _mix(
    con: Connection,
    packets: pa.Table,
    expression: str,
    values: list[str],
    names: Mapping[str, str],
) -> Rows:
    rows = query(
        con,
        f"SELECT role_family, {expression} AS value, count(*) AS packets FROM packets"  # noqa: S608
        " GROUP BY ALL",
        packets=packets,
    ).to_pylist()
    counted = {(row["role_family"], row["value"]): row["packets"] for row in rows}
    families = [name for name in names if any(family == name for family, _ in counted)]
    mixed = []
    for family in families:
        total = sum(counted.get((family, value), 0) for value in values)
        mixed.append(
            {
                "family": family,
                "name": names[family],
                "packets": total,
                "parts": [
                    {
                        "value": value,
                        "packets": counted.get((family, value), 0),
                        "share_pct": percentage(counted.get((family, value), 0), total),
                    }
                    for value in values
                ],
            }
        )
    return mixed


# ------------------------------------------------------------------------------------- the files


def quality_charts(document: Mapping[str, Any]) -> dict[str, str]:
    """The report's charts with their legends, as HTML, by name."""
    return {
        "fallback": _bars(
            document["fallback_mix"],
            _FALLBACK_COLOURS,
            "fallback-mix",
            "Fallback tiers by role family",
            "One bar a family, parted by how far its titles are from an exact one.",
        ),
        "risk": _bars(
            document["risk_mix"],
            _RISK_COLOURS,
            "risk-mix",
            "Risk tiers by role family",
            "One bar a family, parted by the highest risk tier of each packet's workflows.",
        ),
    }


def _bars(mix: Rows, colours: dict[str, str], name: str, title: str, description: str) -> str:
    rows = [
        {"family": item["name"], "series": part["value"], "share_pct": part["share_pct"]}
        for item in mix
        for part in item["parts"]
    ]
    drawn = charts.stacked_bars(
        rows, category="family", categories=[item["name"] for item in mix], series=colours
    )
    return charts.legend(colours) + charts.svg(
        drawn,
        name=name,
        title=title,
        description=f"{description} The table beside it has the numbers.",
    )


def inconsistent_lines(packet_reviews: pa.Table) -> Iterable[dict[str, Any]]:
    """One line for every inconsistent packet: its id and the rules it fails."""
    for batch in packet_reviews.to_batches(max_chunksize=8_192):
        for row in batch.to_pylist():
            if row["verdict"] == PacketVerdict.INCONSISTENT:
                yield row


def quality_files(
    document: Mapping[str, Any], inconsistent: Iterable[dict[str, Any]], templates: Path
) -> dict[str, bytes]:
    """The report's files: the document, its lines, its pages, and what is inconsistent."""
    from markupsafe import Markup

    pages = environment(templates)
    drawn = {name: Markup(text) for name, text in quality_charts(document).items()}  # noqa: S704
    shown = {"document": document, "dimensions": DIMENSIONS}
    lines = (
        {"family": family["family"], "packets": family["packets"], **measure}
        for family in document["families"]
        for measure in family["measures"]
    )
    return {
        "packet_quality_report.json": json_bytes(document),
        "packet_quality_report.jsonl": jsonl_bytes(lines),
        "packet_quality_report.html": pages.get_template("packet_quality_report.html.j2")
        .render(charts=drawn, **shown)
        .encode(),
        "packet_quality_report.md": pages.get_template("packet_quality_report.md.j2")
        .render(**shown)
        .encode(),
        "inconsistent_packets.jsonl": jsonl_bytes(inconsistent),
    }
