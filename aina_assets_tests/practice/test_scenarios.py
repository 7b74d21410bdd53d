"""Scenarios: every task becomes one, every top workflow has a scenario or a reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.practice import SandboxScenario
from aina_assets.practice.policy import NoScenario, PracticeRules
from aina_assets.practice.scenarios import sandbox_scenarios, scenario_links
from aina_assets.practice.tables import SandboxScenarios, ScenarioLinks
from aina_assets.sources.tables import GdpvalTasks
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table, arrow_schema
from aina_assets.work_graph.tables import GdpvalSocMap, GdpvalTaskMap

RULES = PracticeRules.load()
GUIDANCE = RULES.scenarios

Row = dict[str, Any]

RUBRIC = [
    {"score": 3, "criterion": "The total is right.", "rubric_item_id": "first"},
    {"score": 2, "criterion": "The total is explained."},
    {"score": -4, "criterion": "A wrong account was used."},
]


def task(task_id: str = "t1", **values: Any) -> Row:
    rubric = values.pop("rubric", RUBRIC)
    files = {name: values.pop(name, []) for name in ("reference_files", "deliverable_files")}
    return {
        "task_id": task_id,
        "sector": "Wholesale Trade",
        "occupation": "Bell Founders",
        "prompt": "Add up what was cast.",
        **{name: json.dumps(paths) for name, paths in files.items()},
        "reference_file_count": len(files["reference_files"]),
        "deliverable_file_count": len(files["deliverable_files"]),
        "has_reference_files": bool(files["reference_files"]),
        "has_deliverables": bool(files["deliverable_files"]),
        "has_both": all(files.values()),
        "rubric": json.dumps(rubric),
        "rubric_item_count": len(rubric),
        "negative_item_count": sum(item["score"] < 0 for item in rubric),
        "rubric_points": sum(item["score"] for item in rubric if item["score"] > 0),
        "source_row": 1,
        "source_class": "benchmark",
        "allowed_use": "internal_only",
    } | values


def placed(task_id: str, soc_code: str | None) -> Row:
    return {
        "task_id": task_id,
        "occupation": "Bell Founders",
        "sector": "Wholesale Trade",
        "soc_code": soc_code,
        "soc_match": "detailed" if soc_code else "unmatched",
        "has_reference_files": False,
        "has_deliverables": False,
        "rubric_item_count": 3,
        "rubric_points": 5,
        "source_class": "benchmark+canonical",
        "allowed_use": "internal_only",
    }


def group(soc_code: str, detailed_codes: str) -> Row:
    return {
        "soc_code": soc_code,
        "occupation": "Bell Founders",
        "sector": "Wholesale Trade",
        "soc_match": "detailed",
        "detailed_codes": detailed_codes,
        "task_count": 1,
        "reference_task_count": 0,
        "deliverable_task_count": 0,
        "source_class": "benchmark+canonical",
        "allowed_use": "internal_only",
    }


def frame(rows: list[Row], model: type[Table]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(model))


def made(
    tasks: list[Row],
    places: dict[str, str | None] | None = None,
    groups: dict[str, str] | None = None,
) -> pa.Table:
    frames = (
        frame(tasks, GdpvalTasks),
        frame([placed(*item) for item in (places or {}).items()], GdpvalTaskMap),
        frame([group(*item) for item in (groups or {}).items()], GdpvalSocMap),
    )
    found = sandbox_scenarios(*frames, RULES)
    assert_sound(found, SandboxScenarios)
    return found


def one(**values: Any) -> SandboxScenario:
    (row,) = made([task(**values)]).to_pylist()
    return SandboxScenario.model_validate(row)


def assert_sound(found: pa.Table, model: type[Table]) -> None:
    assert [item.rule for item in judge(found, model, ()) if not item.passed] == []


# ---------------------------------------------------------------------------------------- scenarios


def test_a_task_becomes_a_scenario() -> None:
    scenario = one(
        reference_files=["reference_files/a b.xlsx"], deliverable_files=["deliverable_files/c.pdf"]
    )

    assert scenario.scenario_id == "gdpval:t1"
    assert scenario.prompt == "Add up what was cast."
    assert scenario.reference_uris == ("hf://datasets/openai/gdpval/reference_files/a b.xlsx",)
    assert scenario.deliverable_uris == ("hf://datasets/openai/gdpval/deliverable_files/c.pdf",)
    assert scenario.points == 5
    assert [(item.criterion_id, item.points) for item in scenario.rubric] == [
        ("first", 3),
        ("item-2", 2),
        ("item-3", -4),
    ]
    assert (scenario.source_class, scenario.allowed_use) == ("benchmark", "internal_only")


@pytest.mark.parametrize(
    ("paths", "described"),
    [
        ([], GUIDANCE.no_files),
        (["x/a.PDF"], "One document (pdf)."),
        (["x/a.docx", "x/b.pdf", "x/c.pdf"], "3 documents (docx, pdf)."),
        (["x/a.zip", "x/b.csv", "x/c.docx"], "One document (docx), one spreadsheet (csv) and one"
         " archive of files (zip)."),
        (["x/a.bell"], "One other file (bell)."),
        (["x/a.bell", "x/b"], "2 other files (bell)."),
    ],
)  # fmt: skip
def test_the_deliverable_is_described_by_kinds_of_files(paths: list[str], described: str) -> None:
    assert one(deliverable_files=paths).deliverable == described


def test_guidance_is_general_then_the_sectors_then_the_files() -> None:
    scenario = one(deliverable_files=["x/a.xlsx", "x/b.py", "x/c.xlsx"])
    parts = [
        GUIDANCE.general,
        GUIDANCE.sectors["Wholesale Trade"],
        GUIDANCE.deliverables["spreadsheet"],
        GUIDANCE.deliverables["program"],
    ]

    for name in ("allowed_tools", "hitl_checkpoints", "failure_modes"):
        expected = [item for part in parts for item in getattr(part, name)]
        assert list(getattr(scenario, name)) == list(dict.fromkeys(expected))


def test_an_unknown_sector_has_the_general_guidance() -> None:
    scenario = one(sector="Bell Casting")

    assert scenario.allowed_tools == GUIDANCE.general.allowed_tools
    assert scenario.hitl_checkpoints == GUIDANCE.general.hitl_checkpoints


def test_occupations_are_the_members_of_the_group_the_task_is_placed_in() -> None:
    rows = made(
        [task("t3"), task("t1"), task("t2")],
        {"t1": "51-4070", "t2": None},
        {"51-4070": "51-4071,51-4072"},
    ).to_pylist()

    assert [row["scenario_id"] for row in rows] == ["gdpval:t1", "gdpval:t2", "gdpval:t3"]
    assert [row["soc_codes"] for row in rows] == [["51-4071", "51-4072"], [], []]
    assert [row["source_class"] for row in rows] == [
        "benchmark+canonical",
        "benchmark+canonical",
        "benchmark",
    ]


def test_a_task_that_cannot_be_one_is_named() -> None:
    with pytest.raises(AinaError, match="task_id t1") as raised:
        made([task(sector="")])
    assert raised.value.found.startswith("sector: ")


# -------------------------------------------------------------------------------------------- links

SCENARIOS = made(
    [task("t1"), task("t2"), task("t3")],
    {"t1": "51-4071", "t2": "51-4071", "t3": "51-4072"},
    {"51-4071": "51-4071", "51-4072": "51-4072"},
)


def linked(role_id: str, level: str, members: list[str], *flows: Row) -> list[Row]:
    roles = pa.Table.from_pylist(
        [{"role_id": role_id, "code_level": level, "onet_soc_codes": members}]
    )
    listed: list[Row] = [
        {
            "workflow_id": f"{role_id}:{number:08x}",
            "role_id": role_id,
            "is_top": True,
            "gdpval_task_ids": [],
            "source_class": "canonical",
            "allowed_use": "open",
        }
        | flow
        for number, flow in enumerate(flows)
    ]
    schema = [("gdpval_task_ids", pa.list_(pa.string()))]
    workflows = pa.Table.from_pylist(listed)
    for name, kind in schema:
        at = workflows.schema.get_field_index(name)
        workflows = workflows.set_column(at, name, workflows[name].cast(kind))
    found = scenario_links(workflows, roles, SCENARIOS)
    assert_sound(found, ScenarioLinks)
    rows: list[Row] = found.to_pylist()
    return rows


def test_a_workflow_is_practised_on_the_tasks_that_are_like_it() -> None:
    rows = linked("51-4071.00", "onet_soc", ["51-4071.00"], {"gdpval_task_ids": ["t2", "t3"]})

    assert [(row["position"], row["scenario_id"], row["basis"]) for row in rows] == [
        (1, "gdpval:t2", "task"),
        (2, "gdpval:t3", "task"),
    ]
    assert {row["source_class"] for row in rows} == {"benchmark+canonical"}
    assert {row["allowed_use"] for row in rows} == {"internal_only"}


@pytest.mark.parametrize(
    ("role_id", "level", "members", "scenarios"),
    [
        ("51-4071.00", "onet_soc", ["51-4071.00"], ["gdpval:t1", "gdpval:t2"]),
        ("51-4071", "detailed", ["51-4071.00", "51-4071.01"], ["gdpval:t1", "gdpval:t2"]),
        ("51-4070", "broad", ["51-4071.00", "51-4072.00"], ["gdpval:t1", "gdpval:t2", "gdpval:t3"]),
    ],
)
def test_else_on_tasks_of_its_occupation(
    role_id: str, level: str, members: list[str], scenarios: list[str]
) -> None:
    rows = linked(role_id, level, members, {})

    assert [row["scenario_id"] for row in rows] == scenarios
    assert {row["basis"] for row in rows} == {"occupation"}


@pytest.mark.parametrize(
    ("role_id", "level", "members", "reason"),
    [
        ("51-4081.00", "onet_soc", ["51-4081.00"], NoScenario.OCCUPATION_NOT_IN_GDPVAL),
        ("51-4000", "minor", ["51-4071.00", "51-4081.00"], NoScenario.ROLE_IS_WIDE_GROUP),
        ("51-0000", "major", ["51-4072.00"], NoScenario.ROLE_IS_WIDE_GROUP),
        ("53-0000", "major", ["53-1041.00"], NoScenario.OCCUPATION_NOT_IN_GDPVAL),
    ],
)
def test_else_one_row_says_why_there_is_none(
    role_id: str, level: str, members: list[str], reason: NoScenario
) -> None:
    (row,) = linked(role_id, level, members, {})

    assert (row["scenario_id"], row["basis"]) == (None, None)
    assert row["no_match_reason"] == reason
    assert row["source_class"] == "canonical"


def test_a_wide_group_is_linked_where_a_task_is_like_its_workflow() -> None:
    (row,) = linked("51-4000", "minor", ["51-4071.00"], {"gdpval_task_ids": ["t1"]})

    assert (row["scenario_id"], row["basis"]) == ("gdpval:t1", "task")


def test_only_top_workflows_are_linked() -> None:
    rows = linked("51-4072.00", "onet_soc", ["51-4072.00"], {}, {"is_top": False}, {})

    assert [row["workflow_id"][-1] for row in rows] == ["0", "2"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"scenario_id": None, "basis": None}, "scenario_or_reason"),
        ({"no_match_reason": "role_is_wide_group"}, "scenario_or_reason"),
        ({"basis": None}, "scenario_or_reason"),
        (
            {"scenario_id": None, "basis": None, "no_match_reason": "role_is_wide_group"},
            "scenario_or_reason",
        ),
        ({"basis": "guess"}, "basis_allowed_values"),
    ],
)
def test_a_link_without_scenario_or_reason_is_refused(change: Row, rule: str) -> None:
    first, second = linked("51-4071.00", "onet_soc", ["51-4071.00"], {})

    broken = judge(frame([first, second | change], ScenarioLinks), ScenarioLinks, ())
    assert [item.rule for item in broken if not item.passed] == [rule]


def test_tables_without_rows_are_sound() -> None:
    assert made([]).num_rows == 0
    assert linked("51-4071.00", "onet_soc", ["51-4071.00"], {"is_top": False}) == []


# ------------------------------------------------------------------------------------------- sample


def test_the_samples_tasks_and_top_workflows_are_all_covered(sample_home: Path) -> None:
    store = Store(UPath(sample_home))
    tasks = store.read("gdpval_tasks")
    scenarios = sandbox_scenarios(
        tasks, store.read("gdpval_task_map"), store.read("gdpval_soc_map"), RULES
    )
    links = scenario_links(store.read("workflows"), store.read("roles"), scenarios)

    assert_sound(scenarios, SandboxScenarios)
    assert_sound(links, ScenarioLinks)
    assert scenarios["task_id"].to_pylist() == sorted(tasks["task_id"].to_pylist())
    for row in scenarios.to_pylist():
        SandboxScenario.model_validate(row)
    top = {row["workflow_id"] for row in store.read("workflows").to_pylist() if row["is_top"]}
    assert set(links["workflow_id"].to_pylist()) == top
    assert {"task", "occupation", None} == set(links["basis"].to_pylist())
    by_task = Counter(row["workflow_id"] for row in links.to_pylist() if row["basis"] == "task")
    for flow in store.read("workflows").to_pylist():
        if flow["is_top"]:
            assert by_task[flow["workflow_id"]] == len(flow["gdpval_task_ids"])
