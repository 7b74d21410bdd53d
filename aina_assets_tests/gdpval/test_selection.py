"""Which tasks are selected: on the mirror the hold that is known, by rule; ranking and cohorts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.curriculum.content import modules as module_rows
from aina_assets.curriculum.policy import Curriculum
from aina_assets.gdpval.policy import GdpvalCohorts
from aina_assets.gdpval.tables import GdpvalReplacementCandidateBacklog
from aina_assets.practice.scenarios import sandbox_scenarios
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.gdpval import gdpval_tasks
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.gate import judge
from aina_assets.work_graph.policy import Families
from aina_assets_tests.gdpval.chain import STAGES, Chain, practice_rules, rules
from aina_assets_tests.gdpval.test_laws import broken


def changed(**values: Any) -> GdpvalCohorts:
    """The rules as authored, but for ``values``."""
    return GdpvalCohorts.model_validate(rules().model_dump(mode="json") | values)


def test_a_family_takes_the_task_with_most_to_hand_in(decided: Chain) -> None:
    rows = {
        family: row for row in decided.made["hold"].to_pylist() for family in row["role_families"]
    }

    held = rows["finance_and_accounting"]

    assert held["state"] == "calibration_hold"
    assert rows["founder_executive"] == held
    assert (held["criterion_count"], held["points"]) == (84, 121)
    assert held["deliverable_file_count"] == 2
    assert "sales" not in rows, "no task of its occupations is in the sample"


def test_a_family_without_a_complete_task_is_blocked(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    modules, tasks, scenarios = sample_tables
    incomplete = tasks.filter(pc.invert(tasks["has_both"]))

    chain = Chain(modules, incomplete, scenarios).run()

    assert set(chain.made["hold"]["state"].to_pylist()) == {"file_blocked"}
    assert chain.made["pack"].num_rows == 0


def test_both_limits_hold_a_rubric_and_neither_alone() -> None:
    limits = rules().calibration
    much, little = limits.max_criteria + 1, limits.max_criteria
    assert limits.holds(much, limits.max_points + 1)
    assert not limits.holds(little, limits.max_points + 1)
    assert not limits.holds(much, limits.max_points)


def test_the_packet_shows_no_figure_of_the_source(decided: Chain) -> None:
    (row,) = decided.made["packet"].to_pylist()
    assert len(row["sample_criteria"]) == rules().calibration.sample_criteria
    for item in row["sample_criteria"]:
        assert not any(character.isdigit() for character in item["text"])
    assert all(uri.startswith("hf://") for uri in row["reference_uris"] + row["deliverable_uris"])
    assert json.loads(row["subject_document"])["content"]["boundary"] == row["boundary"]


def test_candidates_are_ranked_the_same_in_whatever_order_they_come(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table], decided: Chain
) -> None:
    modules, tasks, scenarios = sample_tables
    backwards = tasks.take(list(range(tasks.num_rows))[::-1])

    again = Chain(modules, backwards, scenarios, decided.authored).run()

    for stage in ("pack", "batch"):
        assert again.made[stage]["task_id"] == decided.made[stage]["task_id"]


def test_occupations_take_turns(decided: Chain) -> None:
    assert len(set(decided.made["pack"]["occupation"].to_pylist())) == 5


def test_pack_backlog_and_batches_share_out_all_that_is_eligible(
    sample_tables: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    cohorts = [cohort.model_dump(mode="json") for cohort in rules().cohorts]
    second = cohorts[-1] | {"id": "backlog_batch_002", "size": 4}
    chain = Chain(*sample_tables, rules=changed(cohorts=[*cohorts, second])).run()
    pack, backlog, batch = (chain.made[name] for name in ("pack", "backlog", "batch"))

    eligible = set(pack["eligible_count"].to_pylist() + backlog["eligible_count"].to_pylist())
    assert eligible == {pack.num_rows + backlog.num_rows}
    taken: dict[str, set[str]] = {
        name: set() for name in ("backlog_batch_001", "backlog_batch_002")
    }
    for row in batch.to_pylist():
        taken[row["cohort"]].add(row["task_id"])
    assert [len(found) for found in taken.values()] == [10, 4]
    assert not taken["backlog_batch_001"] & taken["backlog_batch_002"]
    left = {row["cohort"]: row["elsewhere_count"] for row in batch.to_pylist()}
    assert left == {"backlog_batch_001": 6, "backlog_batch_002": 2}


def test_a_candidate_that_gets_lost_is_noticed(decided: Chain) -> None:
    """The backlog is counted against what is eligible and what the pack took, not by itself."""
    backlog = decided.made["backlog"]

    findings = judge(backlog.slice(1), GdpvalReplacementCandidateBacklog)

    broken = {finding.rule for finding in findings if not finding.passed}
    assert broken == {"nothing_is_lost", "taken_and_left_add_up"}


# ----------------------------------------------------------------------------------- on the mirror


@pytest.fixture(scope="module")
def on_the_mirror(mirror: Path) -> Chain:
    """The lifecycle on the real tasks and the curriculum as authored; nobody decided anything."""
    tasks = real_tasks(mirror)
    nowhere = pa.table(
        {"task_id": pa.array([], pa.string()), "soc_code": pa.array([], pa.string())}
    )
    scenarios = sandbox_scenarios(tasks, nowhere, nowhere, practice_rules())
    return Chain(module_rows(Curriculum.load(), Families.load()), tasks, scenarios).run()


def real_tasks(mirror: Path) -> pa.Table:
    """The published tasks, read as a build reads them."""
    path = "huggingface/openai/gdpval/data/train-00000-of-00001.parquet"
    file = SourceFile(
        local_path=mirror / path,
        path=path,
        sha256=sha256_of_file(mirror / path)[0],
        source="gdpval",
        release="220 tasks, train split",
        source_class=SourceClass.BENCHMARK,
        allowed_use=AllowedUse.INTERNAL_ONLY,
    )
    return gdpval_tasks(SourceFiles("gdpval_train", (file,), ()))


def test_the_rule_finds_the_known_hold_and_no_other(on_the_mirror: Chain) -> None:
    rows = on_the_mirror.made["hold"].to_pylist()
    assert on_the_mirror.states("hold") == {"calibration_hold": 1, "ready": len(rows) - 1}

    (held,) = (row for row in rows if row["state"] == "calibration_hold")

    assert held["occupation"] == "Accountants and Auditors"
    assert (held["criterion_count"], held["points"]) == (67, 121)
    assert (held["reference_file_count"], held["deliverable_file_count"]) == (15, 2)
    assert held["role_families"] == ["finance_and_accounting"]
    (packet,) = on_the_mirror.made["packet"].to_pylist()
    assert len(packet["reference_uris"]) == 15
    assert len(packet["deliverable_uris"]) == 2


def test_the_mirror_has_a_pack_and_a_batch_and_all_of_it_waits(on_the_mirror: Chain) -> None:
    made = on_the_mirror.made
    assert (made["pack"].num_rows, made["batch"].num_rows) == (5, 10)
    assert made["backlog"].num_rows == made["pack"]["eligible_count"][0].as_py() - 5
    for stage in ("calibration", "closeout", "review", "revision", "candidates", "batch_review"):
        assert set(on_the_mirror.states(stage)) == {"pending"}
    for stage in ("replaced", "practice", "bridge", "intake"):
        assert set(on_the_mirror.states(stage)) == {"pending"}
    for stage in ("outcome", "resolution", "batch_practice"):
        assert set(on_the_mirror.states(stage)) == {"pending"}
    assert on_the_mirror.total("candidates", "is_inventoried") == 0


def test_every_law_holds_on_the_mirror(on_the_mirror: Chain) -> None:
    assert on_the_mirror.made["drafts"].num_rows == 0
    assert {stage: found for stage in STAGES if (found := broken(on_the_mirror, stage))} == {}
