"""Packet quality: measured shares against authored thresholds, family by family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.packets import PacketVerdict
from aina_assets.contracts.receipts import Verdict
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.quality import MEASURES, packet_quality, require_measures
from aina_assets.packets.tables import SERVED
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.policy import Families
from aina_assets_tests.packets.conftest import Frames

RULES = PacketRules.load()


def with_thresholds(**thresholds: float) -> PacketRules:
    measures = tuple(
        item.model_copy(update={"threshold": thresholds.get(item.id, item.threshold)})
        for item in RULES.quality
    )
    return RULES.model_copy(update={"quality": measures})


def sound(packets: pa.Table, but: frozenset[str] = frozenset()) -> pa.Table:
    """Reviews in which every packet is serviceable, those in ``but`` aside."""
    ids = packets["packet_id"].to_pylist()
    verdicts = [
        str(PacketVerdict.INCONSISTENT if name in but else PacketVerdict.STRUCTURALLY_SERVICEABLE)
        for name in ids
    ]
    return pa.table({"packet_id": ids, "verdict": verdicts})


def measured(
    con: duckdb.DuckDBPyConnection,
    made: Frames,
    rules: PacketRules = RULES,
    reviews: pa.Table | None = None,
) -> dict[tuple[str, str], dict[str, Any]]:
    frame = packet_quality(
        con,
        made["packets"],
        sound(made["packets"]) if reviews is None else reviews,
        made["title_coverage"],
        made["affordances"],
        rules,
        Families.load(),
    )
    return {(row["role_family"], row["measure"]): row for row in frame.to_pylist()}


BY_HAND: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "observed_usage": lambda row: row["economic_index_ref_count"] > 0,
    "one_occupation": lambda row: row["code_level"] in ("onet_soc", "detailed"),
    "enough_workflows": lambda row: len(row["workflow_ids"]) >= RULES.few_workflows,
    "risk_is_known": lambda row: row["risk_tier"] is not None,
    "measures_agree": lambda row: "measures_disagree" not in row["quality_flags"],
    "archetype_only": lambda row: row["fallback_tier"] == "archetype",
    "predicted_titles": lambda row: row["rung"] == "model",
}


def test_shares_are_those_of_the_packets(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    found = measured(con, by_hand)
    rows = by_hand["packets"].to_pylist()
    evident = {
        row["workflow_id"]
        for row in by_hand["affordances"].to_pylist()
        if row["evidence_state"] == "evidence"
    }
    coverage = by_hand["title_coverage"].to_pylist()
    assert {measure for _, measure in found} == MEASURES
    for (family, measure), item in found.items():
        mine = [row for row in rows if row["role_family"] == family]
        assert item["packet_count"] == len(mine)
        if measure in BY_HAND:
            part, whole = sum(map(BY_HAND[measure], mine)), len(mine)
        elif measure == "supported_workflows":
            listed = [name for row in mine for name in row["workflow_ids"]]
            part, whole = sum(name in evident for name in listed), len(listed)
        else:
            asked = [
                row
                for row in coverage
                if row["role_family"] == family and row["service_tier"] != "exclude_or_not_icp"
            ]
            part, whole = sum(row["service_tier"] in SERVED for row in asked), len(asked)
        assert item["base_count"] == whole
        assert item["value"] == (round(part / whole, 6) if whole else None), (family, measure)


def test_all_twelve_families_are_there_even_without_packets(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    none = {**by_hand, "packets": by_hand["packets"].slice(0, 0)}
    none["title_coverage"] = by_hand["title_coverage"].slice(0, 0)

    found = measured(con, none)

    families = {family.id for family in Families.load().families}
    assert len(families) == 12
    assert {family for family, _ in found} == families
    assert {row["verdict"] for row in found.values()} == {"not_measured"}
    assert {row["value"] for row in found.values()} == {None}


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_each_measure_passes_and_holds_at_its_threshold(
    con: duckdb.DuckDBPyConnection, by_hand: Frames, measure: str
) -> None:
    direction = next(item.direction for item in RULES.quality if item.id == measure)
    before = {key: row for key, row in measured(con, by_hand).items() if key[1] == measure}
    key, row = next((key, row) for key, row in sorted(before.items()) if row["value"] is not None)
    reached = row["value"]
    assert measured(con, by_hand, with_thresholds(**{measure: reached}))[key]["verdict"] == "pass"
    missed = reached + 0.001 if direction == "at_least" else reached - 0.001
    found = measured(con, by_hand, with_thresholds(**{measure: missed}))[key]
    assert found["verdict"] == "hold"
    assert found["threshold"] == missed


def test_an_inconsistent_packet_measures_nothing(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    first = by_hand["packets"].slice(0, 1).to_pylist()[0]
    reviews = sound(by_hand["packets"], frozenset([first["packet_id"]]))

    before = measured(con, by_hand)
    after = measured(con, by_hand, reviews=reviews)

    key = (first["role_family"], "observed_usage")
    assert after[key]["packet_count"] == before[key]["packet_count"] - 1


def test_an_unknown_measure_stops_the_audit() -> None:
    less = RULES.model_copy(update={"quality": RULES.quality[1:]})
    with pytest.raises(AuthoredDocumentError, match=RULES.quality[0].id):
        require_measures(less)
    extra = RULES.quality[0].model_copy(update={"id": "charm"})
    with pytest.raises(AuthoredDocumentError, match="charm"):
        require_measures(RULES.model_copy(update={"quality": (*RULES.quality, extra)}))


def test_the_receipt_holds_while_a_family_holds(sample: Store) -> None:
    receipt = read_receipt(sample, "packet_quality_v1")
    assert receipt is not None
    held = {"hold", "not_measured"} & receipt.counts.keys()
    assert receipt.verdict == (Verdict.HOLD if held else Verdict.PASS)
    assert receipt.unlocks == 0
    assert sum(receipt.counts.values()) == sample.read("packet_quality").num_rows
