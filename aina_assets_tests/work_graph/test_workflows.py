"""Workflows: a partition of an occupation's tasks, three at least, each with its evidence."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from aina_assets.contracts.work import ClusterBasis, workflow_profiles
from aina_assets.location import all_models
from aina_assets.warehouse.lineage import trace
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.policy import WorkRules
from aina_assets.work_graph.workflows import (
    MOST_IN_GROUP,
    MOST_TASKS_LISTED,
    Task,
    cluster,
    fired,
    placed_usage,
    short_title,
)

SNAPSHOT = Path(__file__).parent / "beta_workflows_snapshot.json"
BETA_ROLES = (
    "11-1011.00",
    "11-1021.00",
    "11-2011.00",
    "11-2021.00",
    "11-2022.00",
    "13-1081.00",
    "13-1082.00",
    "13-1161.00",
    "13-1161.01",
    "41-3091.00",
)

Rows = list[dict[str, Any]]


def by_role(store: Store) -> dict[str, Rows]:
    found: dict[str, Rows] = defaultdict(list)
    for row in store.read("workflows").to_pylist():
        found[row["role_id"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: int(row["rank"]))
    return found


def tasks_of(store: Store) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in store.read("occupation_tasks").to_pylist():
        found[row["onet_soc_code"]].add(row["task_id"])
    return found


@pytest.mark.parametrize("which", ["sample", "real"])
def test_every_row_is_a_workflow_profile(which: str, request: pytest.FixtureRequest) -> None:
    rows = request.getfixturevalue(which).read("workflows").to_pylist()
    assert len(workflow_profiles(rows)) == len(rows)


@pytest.mark.parametrize(("which", "occupations"), [("sample", 62), ("real", 923)])
def test_every_occupation_with_tasks_has_three_workflows_or_more(
    which: str, occupations: int, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(which)
    workflows = by_role(store)
    with_tasks = tasks_of(store)
    assert len(with_tasks) == occupations
    assert {code for code in with_tasks if len(workflows[code]) < 3} == set()


@pytest.mark.parametrize("which", ["sample", "real"])
def test_an_occupations_tasks_are_each_in_exactly_one_workflow(
    which: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(which)
    workflows = by_role(store)
    for code, task_ids in tasks_of(store).items():
        assert sorted(item for row in workflows[code] for item in row["task_ids"]) == sorted(
            task_ids
        )


def test_neither_one_task_a_workflow_nor_one_workflow_of_all(real: Store) -> None:
    workflows = by_role(real)
    sizes = [row["task_count"] for code, rows in workflows.items() if "." in code for row in rows]
    assert sum(sizes) == 18796
    assert len(sizes) < 18796 / 2
    assert sum(size == 1 for size in sizes) / len(sizes) < 0.35
    top = [row for code, rows in workflows.items() if "." in code for row in rows[:5]]
    assert sum(row["task_count"] == 1 for row in top) / len(top) < 0.25
    largest = {
        code: max(row["task_count"] for row in rows) / sum(row["task_count"] for row in rows)
        for code, rows in workflows.items()
        if "." in code
    }
    assert max(largest.values()) < 0.7
    assert sum(share > 0.5 for share in largest.values()) < 20


def test_ranks_count_from_one_and_the_first_five_are_top(real: Store) -> None:
    for rows in by_role(real).values():
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
        assert [row["is_top"] for row in rows] == [row["rank"] <= 5 for row in rows]
        scores = [row["score"] for row in rows]
        assert scores == sorted(scores, reverse=True)


def test_a_group_ranks_what_its_occupations_have_in_common(real: Store) -> None:
    roles = {row["role_id"]: row for row in real.read("roles").to_pylist()}
    workflows = by_role(real)
    for code, rows in workflows.items():
        members = [item for item in roles[code]["onet_soc_codes"] if item in workflows]
        if len(members) == 1:
            assert [row["workflow_title"] for row in rows] == [
                row["workflow_title"] for row in workflows[members[0]]
            ]
            continue
        assert 3 <= len(rows) <= MOST_IN_GROUP
        for row in rows:
            assert row["importance_basis"] == "members"
            assert row["importance"] == pytest.approx(100 * row["member_count"] / len(members))
            assert len(row["task_ids"]) == min(row["task_count"], MOST_TASKS_LISTED)


def test_without_ratings_importance_is_the_core_share_and_frequency_unknown(real: Store) -> None:
    occupations = [rows for code, rows in by_role(real).items() if "." in code]
    rows = [row for group in occupations for row in group]
    assert {row["frequency_basis"] for row in rows} == {"no evidence"}
    assert {row["frequency"] for row in rows} == {None}
    basis = Counter(row["importance_basis"] for row in rows)
    assert set(basis) == {"task_type", "no evidence"}
    assert all(
        (row["importance"] is None) == (row["importance_basis"] == "no evidence") for row in rows
    )


def test_with_ratings_both_stand_on_them(sample: Store) -> None:
    rows = [row for code, rows in by_role(sample).items() if "." in code for row in rows]
    rated = [row for row in rows if row["importance_basis"] == "task_ratings"]
    assert len(rated) > 0.9 * len(rows)
    assert all(row["frequency"] > 0 for row in rated)


def test_usage_is_what_was_placed_on_the_tasks(real: Store) -> None:
    rows = [row for code, rows in by_role(real).items() if "." in code for row in rows]
    placed = sum(row["usage_pct"] or 0 for row in rows)
    assert placed == pytest.approx(87.9112, abs=1e-3)
    lines = set(
        zip(
            *(real.read("economic_index_usage")[n].to_pylist() for n in ("release", "task_name")),
            strict=True,
        )
    )
    for row in rows:
        assert {(row["usage_release"], name) for name in row["economic_index_tasks"]} <= lines


def test_usage_follows_an_id_or_an_unchanged_text_and_nothing_else() -> None:
    shared = {"source_class": "research", "allowed_use": "attribution"}
    now = pa.Table.from_pylist(
        [
            {"task_id": 1, "onet_soc_code": "11-1011.00", "task": "Reworded since."},
            {"task_id": 12, "onet_soc_code": "13-2011.00", "task": "Check ledgers."},
            {"task_id": 13, "onet_soc_code": "13-2011.01", "task": "Check ledgers."},
            {"task_id": 14, "onet_soc_code": "43-3031.00", "task": "Check ledgers."},
        ]
    )

    def then(task_id: int, name: str, codes: str, usage: float) -> dict[str, Any]:
        return {
            "task_id": task_id,
            "task_name": name,
            "onet_soc_2019_codes": codes,
            "usage_pct": usage,
            "usage_release": "2025-02-10",
            **shared,
        }

    exposure = pa.Table.from_pylist(
        [
            then(1, "worded otherwise.", "11-1011.00", 1.0),
            then(2, "check ledgers.", "13-2011.00,13-2011.01", 4.0),
            then(3, "a task that is gone.", "11-1011.00", 8.0),
            then(14, "of another occupation.", "11-1011.00", 16.0),
        ]
    )
    with duckdb.connect() as con:
        rows = placed_usage(con, now, exposure).to_pylist()
    assert {row["task_id"]: row["usage_pct"] for row in rows} == {1: 1.0, 12: 2.0, 13: 2.0}


def task(task_id: int, *dwas: str) -> Task:
    """A task of DWAs written as ``element.iwa.dwa``; elements as ``group-element``."""
    return Task(
        task_id=task_id,
        onet_soc_code="11-1011.00",
        text=f"Task {task_id}.",
        said=f"Task {task_id}.",
        task_type=None,
        importance=None,
        times_a_year=None,
        usage_pct=None,
        usage_names=(),
        ties={
            ClusterBasis.DWA: frozenset(dwas),
            ClusterBasis.IWA: frozenset(item.rpartition(".")[0] for item in dwas),
            ClusterBasis.ELEMENT: frozenset(item.split(".")[0] for item in dwas),
            ClusterBasis.ELEMENT_GROUP: frozenset(item.split("-")[0] for item in dwas),
        },
        provenance=(("canonical",), ("open",)),
    )


def shapes(*tasks: Task) -> dict[str, list[list[int]]]:
    found: dict[str, list[list[int]]] = defaultdict(list)
    for item in cluster(tasks):
        found[str(item.basis)].append([task.task_id for task in item.tasks])
    return dict(found)


def test_the_closest_tie_that_enough_tasks_share_makes_a_workflow() -> None:
    found = shapes(
        *(task(number, "a-1.i.d") for number in (1, 2, 3)),
        *(task(number, f"b-1.i.{number}") for number in (4, 5)),
        *(task(number, f"c-1.{number}.d") for number in (6, 7)),
        *(task(number, f"d-{number}.i.d") for number in (8, 9)),
        task(10),
    )
    assert found == {
        "dwa": [[1, 2, 3]],
        "iwa": [[4, 5]],
        "element": [[6, 7]],
        "element_group": [[8, 9]],
        "task": [[10]],
    }


def test_where_ties_would_leave_fewer_than_three_the_widest_is_left_out() -> None:
    found = shapes(*(task(number, f"a-1.{number}.d") for number in (1, 2, 3, 4)))
    assert found == {"dwa": [[1], [2], [3], [4]]}


def test_fewer_than_three_tasks_are_fewer_than_three_workflows() -> None:
    assert shapes(task(1, "a-1.i.d"), task(2, "a-1.i.d")) == {"dwa": [[1], [2]]}
    assert cluster([]) == []


def test_deliverables_are_only_what_a_rule_says(real: Store, sample: Store) -> None:
    document = WorkRules.load()
    known = {rule.text for rule in document.deliverables}
    pains = {rule.text for rule in document.pain_points}
    owners = {rule.text for rule in document.accountability} | {document.always.own_result}
    for store in (real, sample):
        rows = store.read("workflows").to_pylist()
        assert {text for row in rows for text in row["deliverables"]} <= known
        assert {text for row in rows for text in row["pain_points"]} <= pains
        assert {row["human_accountability"] for row in rows} <= owners
        assert any(not row["deliverables"] for row in rows), "no match is an empty list"


def test_a_rule_looks_at_whole_words_and_at_the_occupation_it_names() -> None:
    (rule,) = (item for item in WorkRules.load().risks if item.id == "r_legal_practice")
    words = WorkRules.load().deliverables[2].model_copy(update={"words": ("budgets?",)})
    said = [(1, "23-1011.00", "Budgeted."), (2, "13-2031.00", "Write BUDGETS.")]
    assert fired([words, rule], said) == {words.id: {2}, rule.id: {1}}


def test_a_long_title_ends_at_a_word() -> None:
    assert short_title("Short enough.") == "Short enough"
    assert short_title("word " * 40).endswith("word ...")
    assert len(short_title("word " * 40)) <= 84


def test_gdpval_tasks_are_linked_within_their_occupation(real: Store) -> None:
    placed = {row["task_id"]: row["soc_code"] for row in real.read("gdpval_task_map").to_pylist()}
    linked: dict[str, set[str]] = defaultdict(set)
    for code, rows in by_role(real).items():
        for row in rows:
            for name in row["gdpval_task_ids"]:
                assert row["allowed_use"] == "internal_only"
                if "." in code:
                    linked[name].add(code)
    for name, codes in linked.items():
        soc_code = placed[name]
        stem = soc_code[:6] if soc_code.endswith("0") else soc_code
        assert {code.startswith(stem) for code in codes} == {True}
    assert len(linked) >= 0.9 * len(placed)


def test_workflows_of_ten_beta_roles_are_as_reviewed(sample: Store) -> None:
    """Of the authored sample only. After a change that was meant: write it anew, review it."""
    workflows = by_role(sample)
    found = {
        code: [
            {
                name: row[name]
                for name in (
                    "workflow_id",
                    "workflow_title",
                    "cluster_basis",
                    "task_ids",
                    "importance",
                    "frequency",
                    "usage_pct",
                    "deliverables",
                    "pain_points",
                    "human_accountability",
                    "score",
                )
            }
            for row in workflows[code]
        ]
        for code in BETA_ROLES
    }
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_a_workflow_is_walked_back_to_its_tasks_usage_and_rules(sample: Store) -> None:
    row = next(
        row
        for rows in by_role(sample).values()
        for row in rows
        if row["economic_index_tasks"] and row["gdpval_task_ids"]
    )
    found = trace(sample, all_models(), "workflows", row["workflow_id"])
    (traced,) = found.rows
    parents = {parent.table: parent for parent in traced.parents}
    assert parents["occupation_tasks"].row_count == len(row["task_ids"])
    (*_, used) = parents["task_exposure"].rows
    assert "economic_index_usage" in {origin.table for origin in used.parents}
    assert parents["gdpval_tasks"].row_count == len(row["gdpval_task_ids"])
    assert [file.path for file in traced.files] == ["data/work_rules.yaml"]
