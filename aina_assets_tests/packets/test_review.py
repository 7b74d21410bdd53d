"""The semantic review: silent on sound packets, and every rule fires on a packet broken for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.packets.policy import PacketRules, ReviewRule
from aina_assets.packets.review import (
    SAMPLE_PACKETS,
    packet_review_rules,
    packet_reviews,
    require_conditions,
)
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.policy import Families, WorkRules
from aina_assets_tests.packets.conftest import Frames

RULES = {rule.id: rule for rule in PacketRules.load().review}

Row = dict[str, Any]


def reviewed(
    con: duckdb.DuckDBPyConnection,
    made: Mapping[str, pa.Table],
    rules: PacketRules | None = None,
) -> dict[str, Row]:
    frame = packet_reviews(
        con,
        made["packets"],
        made["title_coverage"],
        made["roles"],
        made["workflows"],
        made["affordances"],
        made["occupation_tasks"],
        made["economic_index_usage"],
        made["economic_index_exposure"],
        made["gdpval_tasks"],
        made["gdpval_soc_map"],
        rules or PacketRules.load(),
        Families.load(),
        WorkRules.load(),
    )
    return {row["packet_id"]: row for row in frame.to_pylist()}


# ------------------------------------------------------------------------------- breaking a packet


def chosen(made: Frames) -> Row:
    """The packet that is broken: exact, of one occupation, with usage lines and GDPval tasks."""
    return next(
        row
        for row in made["packets"].to_pylist()
        if row["fallback_tier"] == "exact"
        and row["economic_index_ref_count"]
        and row["gdpval_ref_count"]
    )


def with_rows(
    frame: pa.Table, holds: Callable[[Row], bool], change: Callable[[Row], Mapping[str, Any] | None]
) -> pa.Table:
    """``frame`` with the rows where ``holds`` changed, or gone where ``change`` gives none."""
    rows = []
    for row in frame.to_pylist():
        values = change(row) if holds(row) else row
        if values is not None:
            rows.append({**row, **values})
    return pa.Table.from_pylist(rows, schema=frame.schema)


def packet(change: Callable[[Row], Mapping[str, Any] | None]) -> Callable[[Frames], Frames]:
    """Change the chosen packet."""

    def broken(made: Frames) -> Frames:
        name = chosen(made)["packet_id"]
        frame = with_rows(made["packets"], lambda row: row["packet_id"] == name, change)
        return {**made, "packets": frame}

    return broken


def cells(**values: Any) -> Callable[[Frames], Frames]:
    return packet(lambda _row: values)


def of_role(table: str, **values: Any) -> Callable[[Frames], Frames]:
    """Change rows of another table that are about the chosen packet's role."""

    def broken(made: Frames) -> Frames:
        role_id = chosen(made)["role_id"]
        frame = with_rows(made[table], lambda row: row["role_id"] == role_id, lambda _row: values)
        return {**made, table: frame}

    return broken


def without(table: str, column: str, part: str) -> Callable[[Frames], Frames]:
    """Remove the rows of ``table`` that the chosen packet's workflows name under ``part``."""

    def broken(made: Frames) -> Frames:
        named = {value for flow in chosen(made)["workflows"] for value in flow[part]}
        frame = with_rows(made[table], lambda row: row[column] in named, lambda _row: None)
        return {**made, table: frame}

    return broken


def first_flow(change: Callable[[Row], Mapping[str, Any]]) -> Callable[[Frames], Frames]:
    """Change the first workflow within the packet."""
    return packet(
        lambda row: {
            "workflows": [
                {**row["workflows"][0], **change(row["workflows"][0])},
                *row["workflows"][1:],
            ]
        }
    )


def another_title(made: Frames) -> Frames:
    """The title of an exact packet is another one, in its title row too."""
    name = chosen(made)["packet_id"]
    coverage = with_rows(
        made["title_coverage"],
        lambda row: row["title_id"] == name,
        lambda _row: {"title": "Head of Everything", "title_key": "head of everything"},
    )
    return {**cells(title="Head of Everything")(made), "title_coverage": coverage}


def workflows_of_another(made: Frames) -> Frames:
    mine = chosen(made)
    other = next(
        row
        for row in made["packets"].to_pylist()
        if row["workflow_ids"] and row["role_id"] != mine["role_id"]
    )
    return cells(workflows=other["workflows"], workflow_ids=other["workflow_ids"])(made)


BREAKERS: Mapping[str, Callable[[Frames], Frames]] = {
    "served_row_has_packet": packet(lambda _row: None),
    "title_row_exists": cells(title="Another title"),
    "row_is_served": cells(service_tier="serve_with_fallback"),
    "tier_is_preserved": cells(confidence=0.999),
    "code_is_preserved": cells(code="11-0000"),
    "tier_fits_level": cells(code_level="major"),
    "exact_is_own_title": another_title,
    "role_exists": cells(code_level="detailed"),
    "role_is_as_profiled": cells(canonical_title="Another role"),
    "role_is_icp": of_role("roles", is_icp=False),
    "family_is_known": cells(role_family="astrologers"),
    "family_agrees": packet(
        lambda row: {"role_family": "sales" if row["role_family"] != "sales" else "paid_media"}
    ),
    "workflows_belong": workflows_of_another,
    "workflows_are_complete": packet(lambda row: {"workflows": row["workflows"][1:]}),
    "workflows_are_as_profiled": first_flow(lambda _flow: {"rank": 9}),
    "affordances_belong": first_flow(lambda flow: {"has_affordance": not flow["has_affordance"]}),
    "risk_is_highest": packet(
        lambda row: {"risk_tier": "low" if row["risk_tier"] != "low" else "high"}
    ),
    "risk_rules_are_named": packet(lambda row: {"risk_rules": [*row["risk_rules"], "r_zeal"]}),
    "people_stay_accountable": of_role("affordances", hitl_checkpoints=[]),
    "tasks_exist": without("occupation_tasks", "task_id", "task_ids"),
    "usage_lines_exist": without("economic_index_usage", "task_name", "economic_index_tasks"),
    "gdpval_tasks_exist": without("gdpval_tasks", "task_id", "gdpval_task_ids"),
    "refs_are_counted": packet(
        lambda row: {"economic_index_ref_count": row["economic_index_ref_count"] + 1}
    ),
    "missing_refs_are_explained": cells(missing_usage_reason="role_has_no_tasks"),
    "source_refs_name_its_rows": packet(lambda row: {"source_refs": row["source_refs"][1:]}),
    "flags_say_what_is_so": packet(
        lambda row: {"quality_flags": [*row["quality_flags"], "model_rung"]}
    ),
    "sources_are_named": cells(source_class="internal"),
    "use_is_strict_enough": cells(allowed_use="open"),
    "no_replacement_wording": first_flow(
        lambda _flow: {"workflow_title": "Let AI replace your team"}
    ),
    "has_workflows": cells(workflows=[], workflow_ids=[]),
}
"""How to break a packet, or what it stands on, for each rule."""


def test_sound_packets_break_no_rule(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    found = reviewed(con, by_hand)
    assert len(found) == by_hand["packets"].num_rows
    assert {tuple(row["failed_rules"]) for row in found.values()} == {()}
    assert {row["verdict"] for row in found.values()} == {"structurally_serviceable"}


def test_every_rule_has_a_breaker() -> None:
    assert set(BREAKERS) == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_broken_packet_fails_the_rule(
    con: duckdb.DuckDBPyConnection, by_hand: Frames, rule: str
) -> None:
    name = chosen(by_hand)["packet_id"]
    broken = BREAKERS[rule](by_hand)

    found = reviewed(con, broken)

    assert rule in found[name]["failed_rules"]
    if RULES[rule].severity == "hold":
        assert found[name]["verdict"] == "inconsistent"
    role_id = chosen(by_hand)["role_id"]
    of_other_roles = {
        row["packet_id"] for row in by_hand["packets"].to_pylist() if row["role_id"] != role_id
    }
    if broken["packets"] is not by_hand["packets"]:
        assert {item for item in of_other_roles if found[item]["failed_rules"]} == set()


def test_a_note_alone_leaves_a_packet_serviceable(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    rules = PacketRules.load()
    noted = tuple(ReviewRule(**{**rule.model_dump(), "severity": "note"}) for rule in rules.review)
    broken = BREAKERS["risk_is_highest"](by_hand)

    found = reviewed(con, broken, rules.model_copy(update={"review": noted}))

    (row,) = [row for row in found.values() if row["failed_rules"]]
    assert row["failed_rules"] == ["risk_is_highest"]
    assert row["verdict"] == "structurally_serviceable"


def test_an_unknown_rule_stops_the_review() -> None:
    rules = PacketRules.load()
    extra = ReviewRule(id="feels_right", subject="title", statement="It feels right to everybody.")
    with pytest.raises(AuthoredDocumentError, match="feels_right"):
        require_conditions(rules.model_copy(update={"review": (*rules.review, extra)}))
    less = tuple(rule for rule in rules.review if rule.id != "title_row_exists")
    with pytest.raises(AuthoredDocumentError, match="title_row_exists"):
        require_conditions(rules.model_copy(update={"review": less}))


def test_rules_are_counted_over_all_packets_with_bounded_samples() -> None:
    names = [f"list:{number}" for number in range(1, 10)]
    failed = [["risk_is_highest"]] * 7 + [[], ["has_workflows", "risk_is_highest"]]
    reviews = pa.table(
        {
            "packet_id": names,
            "verdict": [
                "inconsistent" if rules else "structurally_serviceable" for rules in failed
            ],
            "failed_rules": failed,
        }
    )

    rows = {
        row["rule_id"]: row for row in packet_review_rules(reviews, PacketRules.load()).to_pylist()
    }

    assert set(rows) == set(RULES)
    assert {row["checked_count"] for row in rows.values()} == {9}
    assert rows["risk_is_highest"]["failed_count"] == 8
    assert rows["risk_is_highest"]["sample_packet_ids"] == names[:SAMPLE_PACKETS]
    assert rows["has_workflows"]["sample_packet_ids"] == ["list:9"]
    assert rows["role_is_icp"]["failed_count"] == 0


def test_every_packet_of_the_sample_is_reviewed_and_serviceable(sample: Store) -> None:
    reviews = sample.read("packet_reviews").to_pylist()
    assert {row["packet_id"] for row in reviews} == set(
        sample.read("packets")["packet_id"].to_pylist()
    )
    assert {row["verdict"] for row in reviews} == {"structurally_serviceable"}
