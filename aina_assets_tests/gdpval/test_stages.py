"""Stages of review, and the laws between them: each is broken here, and found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.gdpval import stages, tables
from aina_assets.gdpval.tables import State
from aina_assets.review.tables import DecisionRows
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.tables import Table, arrow_schema
from aina_assets_tests.gdpval.chain import (
    Chain,
    decision,
    decisions,
    review_gates,
    sample_decisions,
)

RESOLUTION = tables.GdpvalReplacementCandidateBatchResolution
REVIEW = tables.GdpvalReplacementCandidateReview


def with_first(table: pa.Table, where: Mapping[str, Any], **values: Any) -> pa.Table:
    """``table`` with other values in the first row that is as ``where`` says."""
    rows = table.to_pylist()
    row = next(row for row in rows if where.items() <= row.items())
    row |= values
    return pa.Table.from_pylist(rows, schema=table.schema)


def broken(table: pa.Table, model: type[Table]) -> set[str]:
    return {finding.rule for finding in judge(table, model) if not finding.passed}


def on(subject: Mapping[str, Any], *decided: Mapping[str, Any]) -> pa.Table:
    """Decisions on one subject."""
    names = ("gate", "subject_kind", "subject_key", "subject_digest")
    about = {name: subject[name] for name in names}
    rows = [decision(about | dict(item), number) for number, item in enumerate(decided, 1)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(DecisionRows))


def state_of(chain: Chain, *decided: Mapping[str, Any]) -> dict[str, Any]:
    """How the first draft of the pack stands after these decisions on it."""
    pack = chain.made["pack"]
    subject = pack.to_pylist()[0]
    found = stages.reviewed(REVIEW, pack, on(subject, *decided), review_gates()).to_pylist()
    return next(row for row in found if row["task_id"] == subject["task_id"])


ASKED = [{"edit_id": "e1", "kind": "confirm_figure", "text": "Confirm it."}]


@pytest.mark.parametrize(
    ("decided", "state"),
    [
        ([], State.PENDING),
        ([{"verdict": "approve"}], State.APPROVED),
        ([{"verdict": "approve", "standing": "expired"}], State.PENDING),
        ([{"verdict": "approve", "subject_digest": "0" * 64}], State.PENDING),
        ([{"verdict": "approve", "reviewer_id": "sample_panel"}], State.PENDING),
        ([{"verdict": "hold"}], State.HELD),
        ([{"verdict": "reject"}], State.REJECTED),
        ([{"verdict": "revise", "required_edits": ASKED}], State.REVISE),
        ([{"verdict": "approve"}, {"verdict": "hold", "reviewer_id": "sample_ben"}], State.HELD),
    ],
)
def test_a_stage_says_what_the_gate_is_found_to_be(
    undecided: Chain, decided: list[dict[str, Any]], state: State
) -> None:
    row = state_of(undecided, *decided)
    assert row["state"] == state
    assert row["reason"]
    assert bool(row["decision_ids"]) == (state is not State.PENDING)


def test_a_replacement_waits_until_its_task_is_held(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    for verdict, state in (("approve", "held_out"), ("reject", "held_out")):
        authored = [
            item | ({"verdict": verdict} if item["gate"] == "gdpval_calibration" else {})
            for item in sample_decisions()
        ]
        chain = Chain(*sample_tables, authored).run()
        assert chain.made["drafts"].num_rows == 0
        for stage in ("closeout", "payload", "domain", "practice", "bridge", "intake"):
            assert chain.states(stage) == {state: 1}


@pytest.mark.parametrize(
    ("verdict", "domain", "after"),
    [
        ("revise", "domain_review_revision_required", "pending"),
        ("hold", "domain_review_held", "held_out"),
        ("reject", "domain_review_rejected", "held_out"),
    ],
)
def test_an_objection_stops_the_replacement(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table], verdict: str, domain: str, after: str
) -> None:
    authored = [
        item | ({"verdict": verdict, "required_edits": ASKED if verdict == "revise" else []})
        if item["gate"] == "gdpval_replacement"
        else item
        for item in sample_decisions()
    ]
    chain = Chain(*sample_tables, authored).run()
    assert chain.states("payload") == {"recorded": 1}
    assert chain.states("domain") == {domain: 1}
    for stage in ("practice", "bridge", "intake"):
        assert chain.states(stage) == {after: 1}


def test_a_changed_draft_closes_its_gate(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    """Decisions are bound to the draft as it was; a changed source row is another draft."""
    modules, tasks, scenarios = sample_tables
    before = Chain(modules, tasks, scenarios, sample_decisions()).run()
    said = stages.reviewed(
        REVIEW, before.made["pack"], decisions_on(before.made["pack"]), review_gates()
    )
    assert set(said["state"].to_pylist()) == {"approved", "revise"}

    changed = with_first(
        before.made["pack"], {"place": 1}, subject_digest="0" * 64, subject_document="{}"
    )
    again = stages.reviewed(REVIEW, changed, decisions_on(before.made["pack"]), review_gates())

    closed = {row["task_id"]: row for row in again.to_pylist()}[changed["task_id"][0].as_py()]
    assert closed["state"] == "pending"
    assert "before it changed" in closed["reason"]


def decisions_on(pack: pa.Table) -> pa.Table:
    return decisions(sample_decisions(), pack)


# ---------------------------------------------------------------------------------------- the laws


def test_an_item_cannot_be_lost_or_slipped_in(decided: Chain) -> None:
    for stage, model in (("resolution", RESOLUTION), ("review", REVIEW)):
        table = decided.made[stage]
        assert broken(table, model) == set()
        assert "nothing_is_lost" in broken(table.slice(1), model)
        twice = with_first(table.slice(0, 1), {}, task_id="another")
        assert "nothing_is_lost" in broken(pa.concat_tables([table, twice]), model)


@pytest.mark.parametrize("further", ["admitted", "redraft_admitted", "passed"])
def test_a_held_item_cannot_go_on(decided: Chain, further: str) -> None:
    table = with_first(decided.made["resolution"], {"state": "held_out"}, state=further)
    assert "follows_from_upstream" in broken(table, RESOLUTION)


def test_nothing_pending_can_pass_practice(undecided: Chain, decided: Chain) -> None:
    passed = decided.made["candidates"].to_pylist()[0]
    names = ("state", "cases", "case_count", "matched_case_count")
    forged = {name: passed[name] for name in names}
    table = with_first(undecided.made["candidates"], {}, **forged)
    found = broken(table, tables.GdpvalReplacementCandidatePractice)
    assert "follows_from_upstream" in found


def test_an_edit_cannot_vanish_or_be_closed_by_hand(decided: Chain) -> None:
    table = decided.made["resolution"]
    row = next(row for row in table.to_pylist() if row["state"] == "redraft_open")
    of_row = {"task_id": row["task_id"]}
    one_less = {"edits": row["edits"][1:], "closed_edit_count": row["closed_edit_count"] - 1}
    assert "edits_add_up" in broken(with_first(table, of_row, **one_less), RESOLUTION)
    forgotten = one_less | {"edit_count": row["edit_count"] - 1}
    assert "edits_add_up" in broken(with_first(table, of_row, **forgotten), RESOLUTION)
    by_hand = {"closed_edit_count": row["edit_count"], "open_edit_count": 0}
    assert "closed_means_proved" in broken(with_first(table, of_row, **by_hand), RESOLUTION)


def test_what_has_an_open_edit_cannot_be_admitted(decided: Chain) -> None:
    table = with_first(
        decided.made["resolution"], {"state": "redraft_open"}, state="redraft_admitted"
    )
    assert broken(table, RESOLUTION) == {"closed_means_proved"}


def test_practice_cannot_pass_what_it_did_not_tell_apart(decided: Chain) -> None:
    model = tables.GdpvalReplacementCandidateBatchPractice
    table = decided.made["batch_practice"]
    row = next(row for row in table.to_pylist() if row["state"] == "passed")
    cases = [case | {"outcome": "pass"} for case in row["cases"]]
    forgeries: list[dict[str, Any]] = [
        {"cases": cases},
        {"cases": cases, "matched_case_count": 1},
        {"cases": []},
    ]
    for forged in forgeries:
        assert "passed_tells_apart" in broken(
            with_first(table, {"task_id": row["task_id"]}, **forged), model
        )


def test_nothing_unlocks_writes_events_or_approves(decided: Chain) -> None:
    forgeries = (
        ("resolution", RESOLUTION, "unlocks"),
        ("bridge", tables.GdpvalReplacementReplayBridge, "event_log_writes"),
        ("intake", tables.GdpvalReplacementApprovedIntake, "new_approvals"),
    )
    for stage, model, column in forgeries:
        table = with_first(decided.made[stage], {}, **{column: 1})
        assert broken(table, model) == {f"{column}_range"}


def test_an_inventory_without_a_decision_is_refused(decided: Chain) -> None:
    table = with_first(decided.made["intake"], {}, decision_ids=[])
    assert broken(table, tables.GdpvalReplacementApprovedIntake) == {"inventory_is_reviewed"}


def test_banned_wording_in_a_draft_is_refused(decided: Chain) -> None:
    table = with_first(decided.made["closeout"], {}, banned_terms=["live"])
    assert broken(table, tables.GdpvalReplacementCloseout) == {"no_banned_terms"}
