"""The runtime map: how far the Hugging Face data reaches, and why it does not reach the rest."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.contracts.receipts import Verdict
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.references import BELOW_FLOOR, HUB_SOURCES, hf_runtime_map
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.store import Store
from aina_assets_tests.packets.conftest import Frames


def figures(
    con: duckdb.DuckDBPyConnection, made: Frames, packets: pa.Table | None = None
) -> dict[str, dict[str, Any]]:
    frame = hf_runtime_map(
        con,
        made["packets"] if packets is None else packets,
        made["workflows"],
        made["soc_map"],
        made["source_files"],
        PacketRules.load(),
    )
    return {row["figure"]: row for row in frame.to_pylist()}


def test_figures_are_counted_from_the_tables(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    found = {name: row["value"] for name, row in figures(con, by_hand).items()}
    rows = by_hand["packets"].to_pylist()
    flows = [flow for row in rows for flow in row["workflows"]]
    distinct = {flow["workflow_id"]: flow for flow in flows}
    files = [row for row in by_hand["source_files"].to_pylist() if row["source"] in HUB_SOURCES]
    assert found["packets_checked"] == len(rows)
    assert found["packets_with_hf_refs"] == sum(row["has_hf_refs"] for row in rows)
    assert found["packets_with_gdpval_refs"] == sum(row["has_gdpval_refs"] for row in rows)
    assert found["workflows_in_packets"] == len(flows)
    assert found["workflows"] == len(distinct)
    assert found["workflows_with_economic_index_usage"] == sum(
        bool(flow["economic_index_tasks"]) for flow in distinct.values()
    )
    assert found["workflows_in_packets_with_gdpval_refs"] == sum(
        bool(flow["gdpval_task_ids"]) for flow in flows
    )
    assert found["soc_entries_with_legacy_signals"] == sum(
        by_hand["soc_map"]["has_legacy_signal"].to_pylist()
    )
    assert found["hub_files"] == len(files)
    assert found["hub_files_verified"] == sum(row["status"] == "present" for row in files)


def test_what_lacks_references_is_counted_by_reason(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    found = figures(con, by_hand)
    for what, figure in (
        ("usage", "packets_with_economic_index_usage"),
        ("gdpval", "packets_with_gdpval_refs"),
    ):
        reasons = [
            row["value"]
            for name, row in found.items()
            if name.startswith(f"packets_without_{what}:")
        ]
        assert sum(reasons) == found["packets_checked"]["value"] - found[figure]["value"]


def test_a_missed_floor_is_a_figure_of_its_own(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    rows = by_hand["packets"].to_pylist()
    without = [row for row in rows if not row["has_gdpval_refs"]]
    with_some = [row for row in rows if row["has_gdpval_refs"]]
    enough = pa.Table.from_pylist(
        [*with_some, *without[: len(with_some)]], schema=by_hand["packets"].schema
    )
    none = pa.Table.from_pylist(without, schema=by_hand["packets"].schema)

    assert BELOW_FLOOR not in figures(con, by_hand, enough)
    assert figures(con, by_hand, none)[BELOW_FLOOR]["value"] == 1


def test_no_packets_is_no_share(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    found = figures(con, by_hand, by_hand["packets"].slice(0, 0))
    assert found["packets_with_hf_refs"]["share_pct"] is None


def test_the_receipt_has_the_figures(sample: Store) -> None:
    receipt = read_receipt(sample, "hf_runtime_map_v1")
    assert receipt is not None
    rows = sample.read("hf_runtime_map").to_pylist()
    assert receipt.counts == {row["figure"]: row["value"] for row in rows}
    assert receipt.verdict == (Verdict.HOLD if BELOW_FLOOR in receipt.counts else Verdict.PASS)
