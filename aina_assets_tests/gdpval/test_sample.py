"""What the lifecycle comes to on the sample: with its decisions, without any, and in the graph."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
from upath import UPath

from aina_assets.contracts.receipts import Verdict
from aina_assets.gdpval.tables import Practised, stages
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.gdpval.chain import Chain, sample_decisions

EDITS = ("edit_count", "closed_edit_count", "open_edit_count")


def edits(chain: Chain, stage: str) -> tuple[int, ...]:
    return tuple(chain.total(stage, name) for name in EDITS)


def test_the_one_hold_is_kept_held_and_replaced(decided: Chain) -> None:
    assert decided.states("hold") == {"calibration_hold": 1, "ready": 6}
    assert decided.states("packet") == {"for_review": 1}
    assert decided.states("calibration") == {"held": 1}
    assert decided.made["calibration"]["is_replacement_required"].to_pylist() == [True]
    assert decided.states("closeout") == {"drafted": 1}
    assert decided.made["closeout"]["banned_terms"].to_pylist() == [[]]
    assert decided.states("payload") == {"recorded": 1}
    assert decided.states("domain") == {"domain_review_approved_internal_only": 1}
    assert decided.states("replaced") == {"admitted": 1}
    assert decided.states("practice") == {"passed": 1}
    assert decided.states("bridge") == {"previewed": 1}
    assert decided.total("bridge", "preview_count") == 5
    assert decided.total("bridge", "event_log_writes") == 0
    assert decided.states("intake") == {"inventoried": 1}
    assert decided.total("intake", "new_approvals") == 0


def test_the_pack_ends_with_five_that_pass(decided: Chain) -> None:
    assert decided.states("review") == {"approved": 2, "revise": 3}
    assert edits(decided, "review") == (6, 0, 6)
    assert decided.states("revision") == {"admitted": 2, "redraft_admitted": 3}
    assert edits(decided, "revision") == (6, 6, 0)
    assert decided.states("candidates") == {"passed": 5}
    assert decided.total("candidates", "preview_count") == 25
    assert decided.total("candidates", "event_log_writes") == 0
    assert decided.total("candidates", "is_inventoried") == 5


def test_the_batch_goes_three_ways(decided: Chain) -> None:
    assert decided.states("batch_review") == {"approved": 3, "held": 2, "revise": 5}
    assert decided.states("outcome") == {
        "confirmation_gate": 3,
        "held_out": 2,
        "revision_redraft": 5,
    }
    assert edits(decided, "outcome") == (27, 0, 27)
    assert decided.states("resolution") == {
        "confirmation_open": 3,
        "held_out": 2,
        "redraft_admitted": 2,
        "redraft_open": 3,
    }
    assert edits(decided, "resolution") == (27, 12, 15)
    assert decided.states("batch_practice") == {
        "held_out": 2,
        "passed": 2,
        "source_file_review": 6,
    }
    assert edits(decided, "batch_practice") == (27, 12, 15)


def test_without_decisions_everything_waits_and_says_so(undecided: Chain) -> None:
    waiting = ("calibration", "closeout", "payload", "replaced", "practice", "bridge", "intake")
    for stage in waiting:
        assert undecided.states(stage) == {"pending": 1}
    assert undecided.states("domain") == {"domain_review_pending": 1}
    for stage in ("review", "revision", "candidates"):
        assert undecided.states(stage) == {"pending": 5}
    for stage in ("batch_review", "outcome", "resolution", "batch_practice"):
        assert undecided.states(stage) == {"pending": 10}
    assert undecided.made["drafts"].num_rows == 0
    for stage, made in undecided.made.items():
        assert all(reason for reason in made["reason"].to_pylist())
        assert edits(undecided, stage) == (0, 0, 0)


def test_no_stage_loses_or_gains_an_item_or_unlocks_anything(
    decided: Chain, undecided: Chain
) -> None:
    for chain in (decided, undecided):
        of_pack = set(chain.made["pack"]["task_id"].to_pylist())
        of_batch = set(chain.made["batch"]["task_id"].to_pylist())
        for stage in ("review", "revision", "candidates"):
            assert set(chain.made[stage]["task_id"].to_pylist()) == of_pack
        for stage in ("batch_review", "outcome", "resolution", "batch_practice"):
            assert set(chain.made[stage]["task_id"].to_pylist()) == of_batch
        assert not of_pack & of_batch
        for stage in chain.made:
            assert chain.total(stage, "unlocks") == 0


def test_every_edit_is_about_something_of_that_task(decided: Chain) -> None:
    """Files that an edit names are the task's own; so is the draft it is required of."""
    files = {
        row["task_id"]: row["reference_uris"] + row["deliverable_uris"]
        for row in decided.made["batch"].to_pylist()
    }
    for row in decided.made["resolution"].to_pylist():
        for edit in row["edits"]:
            if edit["kind"] == "inspect_source_file" and "." in edit["argument"]:
                assert any(edit["argument"] in uri for uri in files[row["task_id"]]), edit


def test_decisions_of_the_sample_are_each_about_a_subject(decided: Chain) -> None:
    subjects = {
        (row["gate"], row["subject_key"])
        for stage in ("packet", "drafts", "pack", "batch")
        for row in decided.made[stage].to_pylist()
    }
    said = [(item["gate"], item["subject_key"]) for item in sample_decisions()]
    assert set(said) == subjects
    assert len(said) == len(set(said))


# ------------------------------------------------------------------------------------ in the graph


def built(sample_home: Path) -> dict[str, pa.Table]:
    store = Store(UPath(sample_home))
    return {table_name(model): store.read(table_name(model)) for model in stages()}


def test_the_built_sample_shows_the_same(sample_home: Path, decided: Chain) -> None:
    """The graph's order and the recorded, signed decisions come to what plain calls come to."""
    made = [standing(table) for table in built(sample_home).values()]
    assert sorted(made) == sorted(standing(table) for table in decided.made.values())


def standing(table: pa.Table) -> list[tuple[str, ...]]:
    """Where every item of a stage stands, in order of their keys, and what that stage has."""
    columns = ("task_id", "upstream_state", "state", "open_edit_count")
    rows = [tuple(str(row[name]) for name in columns) for row in table.to_pylist()]
    return [tuple(table.column_names), *sorted(rows)]


def test_every_stage_has_its_receipt(sample_home: Path) -> None:
    store = Store(UPath(sample_home))
    for model in stages():
        name = table_name(model)
        receipt = read_receipt(store, f"{name}_v1")
        if name == "gdpval_replacement_drafts":
            assert receipt is None
            continue
        assert receipt is not None
        found = Counter(store.read(name)["state"].to_pylist())
        assert found.items() <= receipt.counts.items()
        assert receipt.unlocks == 0
    resolution = read_receipt(store, "gdpval_replacement_candidate_batch_resolution_v1")
    assert resolution is not None
    assert resolution.verdict is Verdict.HOLD
    assert [resolution.counts[name] for name in EDITS] == [27, 12, 15]


def test_rules_hold_on_every_stage(decided: Chain, undecided: Chain) -> None:
    models = {table_name(model): model for model in stages()}
    for chain in (decided, undecided):
        for table in chain.made.values():
            fitting = [
                model
                for model in models.values()
                if all(finding.passed for finding in judge(table, model))
            ]
            assert fitting


def test_subjects_hold_no_decision_and_no_text_of_the_request(decided: Chain) -> None:
    prompts = [row["prompt"] for row in decided.tasks.to_pylist()]
    for stage in ("packet", "drafts", "pack", "batch"):
        for row in decided.made[stage].to_pylist():
            content = json.dumps(json.loads(row["subject_document"])["content"])
            for prompt in prompts:
                assert not any(line and line in content for line in prompt.splitlines())
    assert any(issubclass(model, Practised) for model in stages())
