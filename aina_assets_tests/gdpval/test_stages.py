"""Stages of review, and the laws between them: each is broken here, and found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.gdpval import assets, stages, tables
from aina_assets.gdpval.laws import LAWS
from aina_assets.gdpval.tables import State
from aina_assets.review.tables import DecisionRows
from aina_assets.warehouse.assets import receipt_spec_of
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.laws import judge_laws
from aina_assets.warehouse.tables import Table, arrow_schema, table_name
from aina_assets_tests.gdpval.chain import (
    STAGES,
    Chain,
    decision,
    decisions,
    review_gates,
    sample_decisions,
)
from aina_assets_tests.gdpval.test_laws import broken as broken_laws

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
    ("verdict", "domain"), [("hold", "domain_review_held"), ("reject", "domain_review_rejected")]
)
def test_an_objection_stops_the_replacement(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table], verdict: str, domain: str
) -> None:
    chain = Chain(*sample_tables, said_of_replacement(verdict=verdict)).run()
    assert chain.states("payload") == {"recorded": 1}
    assert chain.states("domain") == {domain: 1}
    for stage in ("replaced", "practice", "bridge", "intake"):
        assert chain.states(stage) == {"held_out": 1}


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


def said_of_replacement(**said: Any) -> list[dict[str, Any]]:
    """The sample's decisions, where something else was said of the replacement."""
    return [
        item | (said if item["gate"] == "gdpval_replacement" else {}) for item in sample_decisions()
    ]


# --------------------------------------------------------------- edits that the replacement has

TIMES = {"edit_id": "six", "kind": "limit_criteria", "argument": "6", "text": "Keep six points."}
BRANCH = {
    "edit_id": "no-branch",
    "kind": "state_boundary",
    "argument": "No real branch is named.",
    "text": "Rule out real branches.",
}


def test_edits_of_the_replacement_are_made_and_it_goes_on(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    authored = said_of_replacement(verdict="revise", required_edits=[TIMES, BRANCH])
    chain = Chain(*sample_tables, authored).run()

    assert chain.states("domain") == {"domain_review_revision_required": 1}
    assert edit_counts(chain, "domain") == (2, 0, 2)
    assert chain.states("replaced") == {"redraft_admitted": 1}
    assert edit_counts(chain, "replaced") == (2, 2, 0)
    assert "No real branch is named." in chain.made["replaced"]["draft"][0].as_py()
    assert chain.states("practice") == {"passed": 1}
    assert chain.states("bridge") == {"previewed": 1}
    assert chain.states("intake") == {"inventoried": 1}
    for stage in ("practice", "bridge", "intake"):
        assert edit_counts(chain, stage) == (2, 2, 0)
    assert all(broken_laws(chain, stage) == set() for stage in STAGES)


def test_an_open_edit_of_the_replacement_keeps_it_from_practice(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    authored = said_of_replacement(verdict="revise", required_edits=[TIMES, *ASKED])
    chain = Chain(*sample_tables, authored).run()

    assert chain.states("replaced") == {"redraft_open": 1}
    assert chain.states("practice") == {"source_file_review": 1}
    for stage in ("bridge", "intake"):
        assert chain.states(stage) == {"pending": 1}
    assert chain.total("bridge", "preview_count") == chain.total("intake", "is_inventoried") == 0
    for stage in ("replaced", "practice", "bridge", "intake"):
        assert edit_counts(chain, stage) == (2, 1, 1)
    assert all(broken_laws(chain, stage) == set() for stage in STAGES)


def test_receipts_of_the_replacement_count_its_edits() -> None:
    for asset in (
        assets.gdpval_replacement_domain_review,
        assets.gdpval_replacement_revision_closeout,
        assets.gdpval_replacement_practice,
    ):
        receipt = receipt_spec_of(asset.get_asset_spec())
        assert receipt is not None
        assert {"edit_count", "closed_edit_count", "open_edit_count"} <= set(receipt.summed)


def edit_counts(chain: Chain, stage: str) -> tuple[int, ...]:
    names = ("edit_count", "closed_edit_count", "open_edit_count")
    return tuple(chain.total(stage, name) for name in names)


# ------------------------------------------------------------------------------ whose edits count


def edit(name: str, argument: str = "") -> dict[str, str]:
    """An edit that the draft can prove: a sentence of its own in the boundary."""
    stated = argument or f"Nothing of {name} is used."
    return {"edit_id": name, "kind": "state_boundary", "argument": stated, "text": "State it."}


def revise(*edits: Mapping[str, str], **said: Any) -> dict[str, Any]:
    return {"verdict": "revise", "required_edits": list(edits), **said}


def resolved_after(chain: Chain, *decided: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of the first draft of the pack after these decisions on it, and its laws."""
    pack = chain.made["pack"]
    subject = pack.to_pylist()[0]
    said = on(subject, *decided)
    review = stages.reviewed(REVIEW, pack, said, review_gates())
    closed = stages.resolved(
        tables.GdpvalReplacementCandidateRevisionCloseout, review, pack, chain.rules
    )
    given = chain.inputs() | {
        "gdpval_candidate_decisions": said,
        table_name(REVIEW): review,
    }
    for stage, table in (("review", review), ("revision", closed)):
        found = judge_laws(table, LAWS[STAGES[stage]], given)
        assert [item.detail for item in found if not item.passed] == []
        assert broken(table, STAGES[stage]) == set()
    return dict(next(row for row in closed.to_pylist() if row["task_id"] == subject["task_id"]))


def asked_and_closed(row: Mapping[str, Any]) -> dict[str, bool]:
    return {item["edit_id"]: item["is_closed"] for item in row["edits"]}


def test_edits_of_several_reviewers_unite(undecided: Chain) -> None:
    row = resolved_after(
        undecided,
        revise(edit("rates"), reviewer_id="sample_ana"),
        revise(edit("names"), reviewer_id="sample_ben"),
        revise(edit("rooms"), reviewer_id="sample_cleo"),
    )
    assert asked_and_closed(row) == {"rates": True, "names": True, "rooms": True}
    assert (row["state"], row["edit_count"]) == ("redraft_admitted", 3)
    assert len({item["decision_id"] for item in row["edits"]}) == 3


def test_two_reviewers_may_give_different_edits_one_id(undecided: Chain) -> None:
    row = resolved_after(
        undecided,
        revise(edit("first", "No rate is used."), reviewer_id="sample_ana"),
        revise(edit("first", "No name is used."), reviewer_id="sample_ben"),
    )
    assert [item["argument"] for item in row["edits"]] == ["No rate is used.", "No name is used."]
    assert row["closed_edit_count"] == 2


def test_what_a_reviewer_says_later_takes_the_place_of_their_earlier_edits(
    undecided: Chain,
) -> None:
    row = resolved_after(undecided, revise(edit("rates"), *ASKED), revise(edit("names")))
    assert asked_and_closed(row) == {"names": True}
    assert row["state"] == "redraft_admitted"
    row = resolved_after(undecided, revise(*ASKED), {"verdict": "approve"})
    assert (row["state"], row["edits"]) == ("admitted", [])


def test_edits_of_who_may_not_approve_there_stay_open(undecided: Chain) -> None:
    """A panel may object to a candidate, and approve none: its edits let nothing pass."""
    row = resolved_after(undecided, revise(edit("rates"), reviewer_id="sample_panel"))
    assert asked_and_closed(row) == {"rates": False}
    assert row["state"] == "redraft_open"
    assert "sample_panel could not approve at gdpval_candidate" in row["edits"][0]["reason"]
    assert "Nothing of rates is used." not in row["draft"]

    row = resolved_after(
        undecided,
        revise(edit("rates"), reviewer_id="sample_panel"),
        revise(edit("names"), reviewer_id="sample_ana"),
    )
    assert asked_and_closed(row) == {"rates": False, "names": True}
    assert row["state"] == "redraft_open"


def test_a_person_may_put_their_edits_in_the_place_of_a_panels(undecided: Chain) -> None:
    panel = revise(edit("rates"), reviewer_id="sample_panel")
    its_id = decision_ids(panel)[0]
    row = resolved_after(
        undecided, panel, revise(edit("names"), reviewer_id="sample_ana", supersedes=[its_id])
    )
    assert asked_and_closed(row) == {"names": True}
    assert row["state"] == "redraft_admitted"


def test_edits_of_a_delegate_let_no_replacement_pass(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    """At that gate a person has to approve; a delegate may object."""
    authored = said_of_replacement(
        verdict="revise", required_edits=[BRANCH], reviewer_id="sample_cleo"
    )
    chain = Chain(*sample_tables, authored).run()
    assert chain.states("replaced") == {"redraft_open": 1}
    assert chain.states("practice") == {"source_file_review": 1}


def test_edits_of_an_expired_decision_stay_open(undecided: Chain) -> None:
    row = resolved_after(undecided, revise(edit("rates"), standing="expired"))
    assert asked_and_closed(row) == {"rates": False}
    assert row["state"] == "redraft_open"


@pytest.mark.parametrize(
    "said", [{"standing": "refused", "refusal_reason": "no such key"}, {"subject_digest": "0" * 64}]
)
def test_edits_of_a_refused_or_stale_decision_are_nobodys(
    undecided: Chain, said: dict[str, Any]
) -> None:
    row = resolved_after(
        undecided,
        revise(edit("names"), reviewer_id="sample_ben"),
        revise(edit("rates"), reviewer_id="sample_ana", **said),
    )
    assert asked_and_closed(row) == {"names": True}
    assert resolved_after(undecided, revise(edit("rates"), **said))["state"] == "pending"


def test_edits_of_a_decision_that_is_taken_back_are_nobodys(undecided: Chain) -> None:
    first = revise(edit("rates"))
    its_id = decision_ids(first)[0]
    row = resolved_after(undecided, first, {"verdict": "withdraw", "supersedes": [its_id]})
    assert (row["state"], row["edits"]) == ("pending", [])


def decision_ids(*decided: Mapping[str, Any]) -> list[str]:
    """Ids that ``on`` gives to decisions in these places."""
    nothing = {"gate": "", "subject_kind": "", "subject_key": "", "subject_digest": ""}
    return [
        str(decision(nothing | dict(item), number)["decision_id"])
        for number, item in enumerate(decided, 1)
    ]


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
