"""How far the two Hugging Face datasets reach into the packets.

Belongs here: counting packets and workflows with and without references, and why. Stays out: making
the references (``work_graph``, ``packets``).
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.packets.policy import PacketRules
from aina_assets.packets.tables import HfRuntimeMap
from aina_assets.warehouse.sql import query
from aina_assets.warehouse.tables import arrow_schema

Connection = duckdb.DuckDBPyConnection

HUB_SOURCES = ("economic_index", "gdpval")
"""Sources of the lock that are on Hugging Face."""

_COUNTS = """
WITH listed AS (
  SELECT unnest(workflows, recursive := true) FROM packets
),
top AS (SELECT * FROM workflows WHERE is_top AND role_id IN (SELECT role_id FROM packets)),
hub AS (SELECT status FROM source_files WHERE source IN ({sources}))
SELECT
  (SELECT count(*) FROM packets) AS packets_checked,
  (SELECT count(*) FROM packets WHERE has_hf_refs) AS packets_with_hf_refs,
  (SELECT count(*) FROM packets WHERE economic_index_ref_count > 0)
    AS packets_with_economic_index_usage,
  (SELECT count(*) FROM packets WHERE len(economic_index_soc_codes) > 0)
    AS packets_with_economic_index_exposure,
  (SELECT count(*) FROM packets WHERE has_gdpval_refs) AS packets_with_gdpval_refs,
  (SELECT count(*) FROM listed) AS workflows_in_packets,
  (SELECT count(*) FROM listed WHERE len(economic_index_tasks) > 0)
    AS workflows_in_packets_with_economic_index_usage,
  (SELECT count(*) FROM listed WHERE len(gdpval_task_ids) > 0)
    AS workflows_in_packets_with_gdpval_refs,
  (SELECT count(*) FROM top) AS workflows,
  (SELECT count(*) FROM top WHERE len(economic_index_tasks) > 0)
    AS workflows_with_economic_index_usage,
  (SELECT count(*) FROM top WHERE len(gdpval_task_ids) > 0) AS workflows_with_gdpval_refs,
  (SELECT count(*) FROM soc_map) AS soc_entries,
  (SELECT count(*) FROM soc_map WHERE has_legacy_signal) AS soc_entries_with_legacy_signals,
  (SELECT count(*) FROM hub) AS hub_files,
  (SELECT count(*) FROM hub WHERE status = 'present') AS hub_files_verified
"""

# figure: (unit, what it is a share of, definition)
_FIGURES: dict[str, tuple[str, str | None, str]] = {
    "packets_checked": ("packets", None, "all packets"),
    "packets_with_hf_refs": (
        "packets",
        "packets_checked",
        "packets that name an Economic Index usage line, an Economic Index exposure of their"
        " occupation, or a GDPval task",
    ),
    "packets_with_economic_index_usage": (
        "packets",
        "packets_checked",
        "packets that name an Economic Index usage line of a top workflow",
    ),
    "packets_with_economic_index_exposure": (
        "packets",
        "packets_checked",
        "packets of which an occupation has an Economic Index exposure",
    ),
    "packets_with_gdpval_refs": (
        "packets",
        "packets_checked",
        "packets that name a GDPval task of a top workflow",
    ),
    "workflows_in_packets": ("workflows", None, "top workflows, counted in every packet"),
    "workflows_in_packets_with_economic_index_usage": (
        "workflows",
        "workflows_in_packets",
        "of these, with an Economic Index usage line",
    ),
    "workflows_in_packets_with_gdpval_refs": (
        "workflows",
        "workflows_in_packets",
        "of these, with a GDPval task",
    ),
    "workflows": ("workflows", None, "top workflows of the packets' roles, each once"),
    "workflows_with_economic_index_usage": (
        "workflows",
        "workflows",
        "of these, with an Economic Index usage line",
    ),
    "workflows_with_gdpval_refs": ("workflows", "workflows", "of these, with a GDPval task"),
    "soc_entries": ("SOC codes", None, "rows of soc_map"),
    "soc_entries_with_legacy_signals": (
        "SOC codes",
        "soc_entries",
        "of these, with wage, employment or task signals of the first Economic Index release",
    ),
    "hub_files": ("files", None, "files of the two datasets that the lock names"),
    "hub_files_verified": ("files", "hub_files", "of these, on disk with the pinned bytes"),
}

_REASONS = """
SELECT 'packets_without_usage:' || missing_usage_reason AS figure, missing_usage_reason AS reason,
  'usage' AS of, count(*) AS value
FROM packets WHERE missing_usage_reason IS NOT NULL GROUP BY ALL
UNION ALL
SELECT 'packets_without_gdpval:' || missing_gdpval_reason, missing_gdpval_reason, 'gdpval', count(*)
FROM packets WHERE missing_gdpval_reason IS NOT NULL GROUP BY ALL
ORDER BY figure
"""

BELOW_FLOOR = "floors_missed"
"""The figure that is there only where a share is below its floor; it makes the receipt hold."""


def hf_runtime_map(
    con: Connection,
    packets: pa.Table,
    workflows: pa.Table,
    soc_map: pa.Table,
    source_files: pa.Table,
    packet_rules: PacketRules,
) -> pa.Table:
    """Rows of ``HfRuntimeMap``: counts, then packets that lack references, by reason."""
    needed = packets.select(
        [
            *("role_id", "workflows", "economic_index_ref_count", "economic_index_soc_codes"),
            *("has_hf_refs", "has_gdpval_refs", "missing_usage_reason", "missing_gdpval_reason"),
        ]
    )
    sources = ", ".join(f"'{name}'" for name in HUB_SOURCES)
    (counted,) = query(
        con,
        _COUNTS.format(sources=sources),
        packets=needed,
        workflows=workflows,
        soc_map=soc_map,
        source_files=source_files,
    ).to_pylist()
    floors = {
        name.removesuffix("_pct"): floor for name, floor in packet_rules.floors.model_dump().items()
    }
    rows = []
    for figure, (unit, whole, definition) in _FIGURES.items():
        share = _share(counted[figure], counted[whole]) if whole else None
        rows.append(_row(figure, counted[figure], share, floors.get(figure), unit, definition))
    said = {
        "usage": {str(key): text for key, text in packet_rules.missing_usage.items()},
        "gdpval": {str(key): text for key, text in packet_rules.missing_gdpval.items()},
    }
    for item in query(con, _REASONS, packets=needed).to_pylist():
        sentence = said[item["of"]][item["reason"]]
        share = _share(item["value"], counted["packets_checked"])
        rows.append(_row(item["figure"], item["value"], share, None, "packets", sentence))
    missed = sum(
        row["share_pct"] is not None
        and row["floor_pct"] is not None
        and row["share_pct"] < row["floor_pct"]
        for row in rows
    )
    if missed:
        definition = "shares of packets below their authored floor"
        rows.append(_row(BELOW_FLOOR, missed, None, None, "shares", definition))
    return pa.Table.from_pylist(rows, schema=arrow_schema(HfRuntimeMap))


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 4) if whole else None


def _row(
    figure: str,
    value: int,
    share_pct: float | None,
    floor_pct: float | None,
    unit: str,
    definition: str,
) -> dict[str, Any]:
    return {
        "figure": figure,
        "value": value,
        "share_pct": share_pct,
        "floor_pct": floor_pct,
        "unit": unit,
        "definition": definition,
    }
