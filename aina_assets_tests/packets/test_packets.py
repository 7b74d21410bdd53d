"""Packets: one for every served title, no surer than its title, and traced to tasks and usage."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import duckdb
import pyarrow as pa
import pydantic
import pytest

from aina_assets.contracts.packets import MissingGdpval, MissingUsage, QualityFlag, role_packets
from aina_assets.location import all_models
from aina_assets.packets.packets import packets
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.tables import SERVED, Packets
from aina_assets.titles.vocabulary import FallbackTier
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.lineage import trace, trace_document
from aina_assets.warehouse.store import Store
from aina_assets_tests.packets import frames
from aina_assets_tests.packets.conftest import Frames

Rows = list[dict[str, Any]]


def packets_of(con: duckdb.DuckDBPyConnection, made: Frames, **changed: pa.Table) -> pa.Table:
    used = {**made, **changed}
    return packets(
        con,
        used["title_coverage"],
        used["roles"],
        used["workflows"],
        used["affordances"],
        used["economic_index_exposure"],
        used["gdpval_soc_map"],
        PacketRules.load(),
    )


def test_every_row_of_the_sample_is_a_packet_by_contract(sample: Store) -> None:
    frame = sample.read("packets")
    found = sum(len(role_packets(batch.to_pylist())) for batch in frame.to_batches())
    assert found == frame.num_rows > 0


def test_every_row_made_by_hand_passes_gate_and_contract(by_hand: Frames) -> None:
    frame = by_hand["packets"]
    assert [item for item in judge(frame, Packets) if not item.passed] == []
    assert len(role_packets(frame.to_pylist())) == frame.num_rows
    assert {row["fallback_tier"] for row in frame.to_pylist()} == set(FallbackTier) - {
        FallbackTier.UNRESOLVED
    }


def test_a_packet_with_another_tier_is_none_by_contract(by_hand: Frames) -> None:
    row = by_hand["packets"].slice(0, 1).to_pylist()[0]
    for column, value in (
        ("fallback_tier", "unresolved"),
        ("service_tier", "exclude_or_not_icp"),
        ("confidence", 0.0),
        ("quality_flags", ["splendid"]),
        ("source_refs", []),
    ):
        with pytest.raises(pydantic.ValidationError, match=column):
            role_packets([{**row, column: value}])


@pytest.mark.parametrize("which", ["sample", "by_hand"])
def test_every_served_row_has_one_packet_and_no_tier_is_dropped(
    which: str, request: pytest.FixtureRequest
) -> None:
    made = request.getfixturevalue(which)
    read = made.read if isinstance(made, Store) else made.__getitem__
    kept = (
        *("title", "title_list", "source_row", "fallback_tier", "rung", "confidence", "code"),
        *("code_level", "role_id", "service_tier"),
    )

    served = {
        row["title_id"]: [row[name] for name in kept]
        for row in read("title_coverage").to_pylist()
        if row["service_tier"] in SERVED
    }
    found = {row["packet_id"]: [row[name] for name in kept] for row in read("packets").to_pylist()}

    assert found == served


def test_the_parts_of_a_packet_are_those_of_its_role(by_hand: Frames) -> None:
    top: dict[str, Rows] = {}
    for row in by_hand["workflows"].to_pylist():
        if row["is_top"]:
            top.setdefault(row["role_id"], []).append(row)
    packs = {row["workflow_id"]: row for row in by_hand["affordances"].to_pylist()}
    tiers = ["low", "medium", "high", "critical"]
    for packet in by_hand["packets"].to_pylist():
        flows = sorted(top[packet["role_id"]], key=lambda row: int(row["rank"]))
        assert packet["workflow_ids"] == [row["workflow_id"] for row in flows]
        assert [item["task_ids"] for item in packet["workflows"]] == [
            row["task_ids"] for row in flows
        ]
        mine = [packs[name] for name in packet["workflow_ids"]]
        assert packet["risk_tier"] == max((row["risk_tier"] for row in mine), key=tiers.index)
        assert packet["risk_rules"] == sorted({rule for row in mine for rule in row["risk_rules"]})
        lines = {name for row in flows for name in row["economic_index_tasks"]}
        assert packet["economic_index_ref_count"] == len(lines)
        tasks = {name for row in flows for name in row["gdpval_task_ids"]}
        assert packet["gdpval_ref_count"] == len(tasks)


def test_flags_say_how_the_title_was_matched(by_hand: Frames) -> None:
    for packet in by_hand["packets"].to_pylist():
        flags = set(packet["quality_flags"])
        assert (QualityFlag.MODEL_RUNG in flags) == (packet["rung"] == "model")
        assert (QualityFlag.GROUP_ROLE in flags) == (
            packet["code_level"] in ("broad", "minor", "major")
        )
        assert (QualityFlag.FUZZY_MATCH in flags) == (
            packet["rung"] in ("inverted", "reordered", "level_cut")
        )
        assert (QualityFlag.FAMILY_STRADDLES in flags) == (packet["role_family"] == "several")


def one_role(by_hand: Frames) -> tuple[dict[str, Any], pa.Table]:
    """A role with workflows and coverage of one title that is served it."""
    with_work = set(by_hand["workflows"]["role_id"].to_pylist())
    role = next(
        row
        for row in by_hand["roles"].to_pylist()
        if row["is_icp"] and row["code_level"] == "onet_soc" and row["role_id"] in with_work
    )
    row = frames.served(role["canonical_title"], role, FallbackTier.EXACT, "exact")
    return role, frames.coverage([row])


def workflows_with(by_hand: Frames, role_id: str, **values: Any) -> pa.Table:
    """The workflows, those of ``role_id`` with other values; a callable makes one of the row."""
    rows = by_hand["workflows"].to_pylist()
    for row in rows:
        if row["role_id"] == role_id:
            row |= {
                name: value(row) if callable(value) else value for name, value in values.items()
            }
    return pa.Table.from_pylist(rows, schema=by_hand["workflows"].schema)


def test_a_role_without_work_says_so(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    role, coverage = one_role(by_hand)
    rows = [row for row in by_hand["workflows"].to_pylist() if row["role_id"] != role["role_id"]]
    without = pa.Table.from_pylist(rows, schema=by_hand["workflows"].schema)

    (packet,) = packets_of(con, by_hand, title_coverage=coverage, workflows=without).to_pylist()

    assert packet["workflows"] == []
    assert packet["risk_tier"] is None
    assert packet["missing_usage_reason"] == MissingUsage.ROLE_HAS_NO_TASKS
    assert packet["missing_gdpval_reason"] == MissingGdpval.ROLE_HAS_NO_TASKS
    assert {
        QualityFlag.NO_WORKFLOWS,
        QualityFlag.FEW_WORKFLOWS,
        QualityFlag.NO_USAGE_EVIDENCE,
        QualityFlag.NO_AFFORDANCE_EVIDENCE,
    } <= set(packet["quality_flags"])


@pytest.mark.parametrize(
    ("is_top_only", "reason"),
    [
        (False, MissingUsage.NO_USAGE_OBSERVED_ON_TASKS),
        (True, MissingUsage.USAGE_ONLY_OUTSIDE_TOP_WORKFLOWS),
    ],
)
def test_missing_usage_has_its_reason(
    con: duckdb.DuckDBPyConnection, by_hand: Frames, is_top_only: bool, reason: MissingUsage
) -> None:
    role, coverage = one_role(by_hand)
    last = max(
        row["rank"] for row in by_hand["workflows"].to_pylist() if row["role_id"] == role["role_id"]
    )
    changed = workflows_with(
        by_hand,
        role["role_id"],
        economic_index_tasks=lambda row: ["a line"] if is_top_only and row["rank"] == last else [],
        is_top=lambda row: row["rank"] != last,
    )

    (packet,) = packets_of(con, by_hand, title_coverage=coverage, workflows=changed).to_pylist()

    assert packet["economic_index_ref_count"] == 0
    assert packet["missing_usage_reason"] == reason
    assert packet["has_hf_refs"] == bool(
        packet["economic_index_soc_codes"] or packet["gdpval_ref_count"]
    )


@pytest.mark.parametrize(
    ("linked", "in_gdpval", "reason"),
    [
        (False, False, MissingGdpval.OCCUPATION_NOT_IN_GDPVAL),
        (False, True, MissingGdpval.NO_GDPVAL_TASK_LIKE_ITS_TASKS),
        (True, True, MissingGdpval.GDPVAL_ONLY_OUTSIDE_TOP_WORKFLOWS),
    ],
)
def test_missing_gdpval_has_its_reason(
    con: duckdb.DuckDBPyConnection,
    by_hand: Frames,
    linked: bool,
    in_gdpval: bool,
    reason: MissingGdpval,
) -> None:
    role, coverage = one_role(by_hand)
    last = max(
        row["rank"] for row in by_hand["workflows"].to_pylist() if row["role_id"] == role["role_id"]
    )
    changed = workflows_with(
        by_hand,
        role["role_id"],
        gdpval_task_ids=lambda row: ["g1"] if linked and row["rank"] == last else [],
        is_top=lambda row: row["rank"] != last,
    )
    groups = by_hand["gdpval_soc_map"].slice(0, 1).to_pylist()
    groups[0]["detailed_codes"] = role["soc_code"] if in_gdpval else "99-9999"
    gdpval = pa.Table.from_pylist(groups, schema=by_hand["gdpval_soc_map"].schema)

    (packet,) = packets_of(
        con, by_hand, title_coverage=coverage, workflows=changed, gdpval_soc_map=gdpval
    ).to_pylist()

    assert packet["missing_gdpval_reason"] == reason


def test_the_strictest_use_and_every_class_travel(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    role, coverage = one_role(by_hand)
    changed = workflows_with(
        by_hand, role["role_id"], allowed_use="internal_only", source_class="benchmark"
    )

    (packet,) = packets_of(con, by_hand, title_coverage=coverage, workflows=changed).to_pylist()

    assert packet["allowed_use"] == "internal_only"
    assert {"benchmark", "canonical", "internal", "market_signal"} <= set(
        packet["source_class"].split("+")
    )


def test_a_packet_is_walked_back_to_tasks_and_usage_lines(sample: Store) -> None:
    rows = sample.read("packets").to_pylist()
    packet = next(
        row for row in rows if row["economic_index_ref_count"] and row["service_tier"] == SERVED[0]
    )

    found = trace(sample, all_models(), "packets", packet["packet_id"], rows_per_parent=5)

    (row,) = found.rows
    above = {parent.table: parent for parent in row.parents}
    assert above["title_coverage"].row_count == 1
    assert above["roles"].row_count == 1
    assert above["workflows"].row_count == len(packet["workflow_ids"])
    assert above["affordances"].row_count == len(packet["workflow_ids"])
    tasks: set[str] = set()
    lines: set[str] = set()
    for flow in above["workflows"].rows:
        for parent in flow.parents:
            if parent.table == "occupation_tasks":
                tasks |= {item.key for item in parent.rows}
            if parent.table == "task_exposure":
                for used in parent.rows:
                    for origin in used.parents:
                        if origin.table == "economic_index_usage":
                            lines |= {item.key for item in origin.rows}
    listed = Counter(task for item in packet["workflows"] for task in item["task_ids"])
    assert tasks
    assert tasks <= {str(task) for task in listed}
    assert lines
    text = json.dumps(trace_document(found))
    assert all(part in text for part in ("sha256", "upstream/", "licence"))
