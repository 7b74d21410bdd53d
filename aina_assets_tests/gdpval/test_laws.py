"""Laws of conservation: the sample and the mirror obey each, and each finds its own breach.

Whatever is planted here leaves a table that its own rules may well pass: what is wrong shows only
beside the table it was made from, or beside what was decided.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.gdpval import stages
from aina_assets.gdpval.laws import LAWS
from aina_assets.warehouse.laws import Law, judge_laws
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.conftest import build_into
from aina_assets_tests.gdpval.chain import STAGES, Chain

Rows = list[dict[str, Any]]


def broken(chain: Chain, stage: str, **others: pa.Table) -> set[str]:
    """Laws of ``stage`` that do not hold; ``others`` stand in for stages of those names."""
    given = chain.inputs() | {table_name(STAGES[name]): table for name, table in others.items()}
    table = others.get(stage, chain.made[stage])
    found = judge_laws(table, LAWS[STAGES[stage]], given)
    return {item.rule for item in found if not item.passed}


def changed(table: pa.Table, change: Callable[[Rows], Any]) -> pa.Table:
    rows = table.to_pylist()
    change(rows)
    return pa.Table.from_pylist(rows, schema=table.schema)


def first(rows: Rows, **where: Any) -> dict[str, Any]:
    return next(row for row in rows if where.items() <= row.items())


# ----------------------------------------------------------------------------------- they all hold


def test_every_stage_has_a_law_and_all_hold(decided: Chain, undecided: Chain) -> None:
    assert set(STAGES.values()) == set(LAWS)
    for chain in (decided, undecided):
        assert {stage: found for stage in STAGES if (found := broken(chain, stage))} == {}


def test_a_law_compares_with_another_table_or_a_document(decided: Chain) -> None:
    for model, laws in LAWS.items():
        assert laws
        for law in laws:
            assert table_name(model) not in law.inputs
            assert set(law.inputs) <= set(decided.inputs())


# ------------------------------------------------------------------------ each finds its own breach


def _lose(rows: Rows) -> None:
    rows.pop()


def _slip_in(rows: Rows) -> None:
    rows.append(rows[-1] | {"task_id": "slipped-in"})


def _twice(rows: Rows) -> None:
    rows.append(dict(rows[-1]))


def _recount(rows: Rows) -> None:
    """As many rows as are said to have come in: the table by itself shows nothing."""
    for row in rows:
        row["items_in"] = sum(other["cohort"] == row["cohort"] for other in rows)


CONSERVED = [stage for stage in STAGES if stage not in ("hold", "pack", "backlog", "batch")]


@pytest.mark.parametrize("stage", CONSERVED)
@pytest.mark.parametrize("plant", [_lose, _slip_in, _twice])
def test_an_item_that_is_lost_or_slipped_in_is_found_beside_the_stage_before(
    decided: Chain, stage: str, plant: Callable[[Rows], None]
) -> None:
    def both(rows: Rows) -> None:
        plant(rows)
        _recount(rows)

    table = changed(decided.made[stage], both)
    assert "items_are_conserved" in broken(decided, stage, **{stage: table})


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        # Approved here, and held by the stage before: by its own rules the row is consistent.
        ("resolution", {"upstream_state": "confirmation_gate"}),
        ("batch_practice", {"upstream_state": "redraft_admitted"}),
        ("revision", {"cohort": "backlog_batch_001"}),
        ("candidates", {"decision_ids": ["0" * 32]}),
        ("review", {"upstream_state": None}),
        ("outcome", {"upstream_edit_count": 0, "edit_count": 0}),
        ("bridge", {"items_in": 2}),
    ],
)
def test_what_a_row_says_of_the_stage_before_is_looked_up_there(
    decided: Chain, stage: str, said: Mapping[str, Any]
) -> None:
    def differs(row: Mapping[str, Any]) -> bool:
        return any(row[name] != value for name, value in said.items())

    table = changed(
        decided.made[stage], lambda rows: next(row for row in rows if differs(row)).update(said)
    )
    assert "items_are_conserved" in broken(decided, stage, **{stage: table})


def _renamed(rows: Rows) -> None:
    rows[0]["task_id"] = "nobody-published"


PLANTED: list[tuple[str, str, Callable[[Rows], Any]]] = [
    ("hold", "selected_from_tasks", _renamed),
    ("hold", "selected_from_tasks", lambda rows: rows[0].update(role_families=["astronauts"])),
    (
        "hold",
        "selected_from_tasks",
        lambda rows: rows[0].update(role_families=rows[1]["role_families"]),
    ),
    ("pack", "taken_once", _renamed),
    ("backlog", "taken_once", _twice),
    ("backlog", "shared_out_with_pack", _lose),
    ("backlog", "shared_out_with_pack", lambda rows: rows[0].update(place=1)),
    ("batch", "drawn_from_backlog", _lose),
    ("batch", "drawn_from_backlog", _slip_in),
    ("batch", "drawn_from_backlog", lambda rows: rows[0].update(eligible_count=99)),
    # Review: states and edits that no decision has.
    ("review", "state_was_decided", lambda rows: first(rows, state="revise").update(state="held")),
    (
        "review",
        "state_was_decided",
        lambda rows: first(rows, state="revise").update(state="approved"),
    ),
    (
        "batch_review",
        "state_was_decided",
        lambda rows: first(rows, state="approved").update(decision_ids=[]),
    ),
    ("domain", "state_was_decided", lambda rows: rows[0].update(decision_ids=[])),
    ("calibration", "state_was_decided", lambda rows: rows[0].update(state="approved")),
    (
        "review",
        "edits_were_asked_for",
        lambda rows: first(rows, state="revise")["required_edits"].pop(),
    ),
    (
        "review",
        "edits_were_asked_for",
        lambda rows: first(rows, state="revise")["required_edits"][0].update(edit_id="mine"),
    ),
    (
        "batch_review",
        "edits_were_asked_for",
        lambda rows: first(rows, state="revise")["required_edits"][0].update(is_closed=True),
    ),
    ("payload", "payload_was_said", lambda rows: rows[0].update(found=[])),
    ("payload", "payload_was_said", lambda rows: rows[0]["found"][0].update(is_bound=False)),
    # Resolution: edits and admissions that the review does not have.
    (
        "resolution",
        "edits_are_those_opened",
        lambda rows: first(rows, state="redraft_open")["edits"].pop(),
    ),
    (
        "revision",
        "edits_are_those_opened",
        lambda rows: first(rows, state="redraft_admitted")["edits"][0].update(edit_id="mine"),
    ),
    (
        "outcome",
        "edits_are_those_opened",
        lambda rows: first(rows, state="revision_redraft").update(required_edits=[]),
    ),
    (
        "resolution",
        "admitted_was_approved",
        lambda rows: first(rows, state="held_out").update(state="admitted"),
    ),
    (
        "revision",
        "admitted_was_approved",
        lambda rows: first(rows, state="redraft_admitted").update(state="admitted"),
    ),
    (
        "resolution",
        "admitted_was_approved",
        lambda rows: first(rows, state="redraft_open").update(state="redraft_admitted"),
    ),
    # After resolution: practice, previews and inventory of what was not let through.
    (
        "batch_practice",
        "edits_stay_resolved",
        lambda rows: first(rows, state="source_file_review", upstream_state="redraft_open").update(
            open_edit_count=0
        ),
    ),
    (
        "batch_practice",
        "practised_was_admitted",
        lambda rows: first(rows, state="held_out").update(state="passed"),
    ),
    (
        "batch_practice",
        "practised_was_admitted",
        lambda rows: first(rows, state="passed").update(state="pending", cases=[]),
    ),
    ("candidates", "practised_was_admitted", lambda rows: rows[0]["cases"].pop()),
    ("practice", "practised_was_admitted", lambda rows: rows[0].update(draft_digest="0" * 64)),
    ("bridge", "previews_are_of_practice", lambda rows: rows[0]["previews"].pop()),
    (
        "bridge",
        "previews_are_of_practice",
        lambda rows: rows[0]["previews"][0].update(outcome="fail"),
    ),
    ("candidates", "previews_are_of_scenarios", lambda rows: rows[0]["previews"].pop()),
    (
        "candidates",
        "previews_are_of_scenarios",
        lambda rows: rows[0]["previews"].append(rows[0]["previews"][0]),
    ),
    (
        "candidates",
        "inventory_was_let_through",
        lambda rows: rows[0].update(decision_ids=["0" * 32]),
    ),
    ("intake", "inventory_was_let_through", lambda rows: rows[0].update(decision_ids=["0" * 32])),
]


@pytest.mark.parametrize(
    ("stage", "law", "plant"), PLANTED, ids=[f"{item[0]}-{item[1]}" for item in PLANTED]
)
def test_a_planted_breach_is_found_by_its_law(
    decided: Chain, stage: str, law: str, plant: Callable[[Rows], Any]
) -> None:
    table = changed(decided.made[stage], plant)
    assert law in broken(decided, stage, **{stage: table})


def test_every_law_of_every_stage_has_a_breach_planted_for_it() -> None:
    planted = {law for _, law, _ in PLANTED} | {"items_are_conserved"}
    assert planted == {law.name for laws in LAWS.values() for law in laws}


@pytest.mark.parametrize(
    ("stage", "upstream", "law", "plant"),
    [
        # What is taken back upstream may not go on downstream, however whole the rows are there.
        (
            "intake",
            "practice",
            "inventory_was_let_through",
            lambda rows: rows[0].update(state="failed"),
        ),
        (
            "candidates",
            "revision",
            "inventory_was_let_through",
            lambda rows: rows[0].update(state="redraft_open"),
        ),
        (
            "bridge",
            "practice",
            "previews_are_of_practice",
            lambda rows: rows[0].update(state="failed"),
        ),
        (
            "practice",
            "replaced",
            "practised_was_admitted",
            lambda rows: rows[0].update(state="redraft_open"),
        ),
        (
            "resolution",
            "batch_review",
            "admitted_was_approved",
            lambda rows: [row.update(state="held") for row in rows],
        ),
    ],
)
def test_a_later_stage_shows_no_more_than_an_earlier_one_allows(
    decided: Chain, stage: str, upstream: str, law: str, plant: Callable[[Rows], Any]
) -> None:
    less = changed(decided.made[upstream], plant)
    assert law in broken(decided, stage, **{upstream: less})


def test_previews_are_what_is_practised_times_the_scenarios(decided: Chain) -> None:
    scenarios = len(decided.rules.practice.cases)
    assert scenarios == 5
    for stage, practice in (("candidates", "candidates"), ("bridge", "practice")):
        passed = decided.states(practice)["passed"]
        assert decided.total(stage, "preview_count") == passed * scenarios


# ------------------------------------------------------------------------------------ in the graph


def test_a_stage_that_loses_an_item_is_not_stored(
    sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its law is an asset check that blocks: the former table stays, what stands on it waits."""
    home = tmp_path / "home"
    shutil.copytree(sample_home, home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    name = table_name(STAGES["revision"])
    before = Store(UPath(home)).record(name)
    whole = stages.resolved

    def lose_and_recount(rows: Rows) -> None:
        _lose(rows)
        _recount(rows)

    def losing(*args: Any) -> pa.Table:
        return changed(whole(*args), lose_and_recount)

    monkeypatch.setattr(stages, "resolved", losing)
    outcome = build_into(home, select=name, full=True)

    assert not outcome.is_good
    assert name in outcome.failed
    store = Store(UPath(home))
    assert store.record(name) == before
    refusal = store.refusal(name)
    assert refusal is not None
    broken_rules = {item["rule"] for item in refusal.findings if not item["passed"]}
    assert broken_rules == {"items_are_conserved", "expected_figures"}
    assert f"{name}: items_are_conserved" in outcome.checks_failed


def test_a_law_that_breaks_down_does_not_hold(decided: Chain) -> None:
    def cannot(table: pa.Table, other: pa.Table) -> list[Mapping[str, Any]]:
        raise KeyError("task_id")

    law = Law("cannot", "it can be told", ("modules",), cannot)
    (found,) = judge_laws(decided.made["hold"], [law], decided.inputs())
    assert not found.passed
    assert "KeyError" in found.detail
