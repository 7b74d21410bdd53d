"""Rows made of modules say what the modules say, and every top workflow has its links or a gap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.curriculum import content, tables
from aina_assets.curriculum.links import FIRST_WORD_STRENGTH, GENERAL_STRENGTH, links_of
from aina_assets.curriculum.policy import Curriculum
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.tables import Table
from aina_assets.work_graph.policy import Families
from aina_assets_tests.curriculum.written import MODULE, changed, module, write

Row = dict[str, Any]

FAMILIES = Families.load()
COMMITTED = Curriculum.load()
GENERAL = changed(module("map", level=1), ("{words: [quote, prices]}", "{is_general: true}"))


@pytest.fixture
def small(tmp_path: Path) -> Curriculum:
    """A general module and one with words, both of sales."""
    return Curriculum.load(write(tmp_path, sales__map=GENERAL, sales__quote_check=MODULE))


def refused_rules(table: pa.Table, model: type[Table]) -> list[str]:
    """Rules of the write gate that ``table`` breaks."""
    findings = judge(table, model)
    assert findings
    return [finding.rule for finding in findings if not finding.passed]


def flow(role_id: str, number: int, title: str, **values: Any) -> Row:
    """A row of ``workflows``, as far as modules look at it."""
    return {
        "workflow_id": f"{role_id}:{number:08x}",
        "role_id": role_id,
        "rank": number,
        "is_top": True,
        "workflow_title": title,
        "deliverables": ["Notes"],
        "source_class": "canonical",
        "allowed_use": "attribution",
    } | values


ROLES = pa.table(
    {
        "role_id": ["41-3091.00", "11-2021.00", "47-2181.00"],
        "role_family": ["sales", "marketing_growth", "not_icp"],
    }
)
WORKFLOWS = pa.Table.from_pylist(
    [
        flow("41-3091.00", 1, "Explain prices"),
        flow("41-3091.00", 2, "Prepare a quote of prices"),
        flow("41-3091.00", 3, "Train staff", source_class="canonical+research"),
        flow("41-3091.00", 4, "Drive to customers", allowed_use="internal_only"),
        flow("41-3091.00", 6, "Quote prices of little weight", is_top=False),
        flow("11-2021.00", 1, "Explain prices"),
        flow("47-2181.00", 1, "Estimate prices of roofs"),
    ]
)


def linked(curriculum: Curriculum) -> dict[str, Row]:
    """Rows of ``workflow_modules`` over the workflows above, by id."""
    table = content.workflow_modules(
        WORKFLOWS, ROLES, content.modules(curriculum, FAMILIES), FAMILIES
    )
    assert refused_rules(table, tables.WorkflowModules) == []
    return {row["workflow_id"]: row for row in table.to_pylist()}


# --------------------------------------------------------------------------- levels and modules


def test_levels_are_those_of_the_ladder(small: Curriculum) -> None:
    table = content.capability_levels(small)

    assert refused_rules(table, tables.CapabilityLevels) == []
    assert [(row["level"], row["level_id"], row["evidence"]) for row in table.to_pylist()] == [
        (level.level, level.id, level.evidence) for level in small.levels
    ]


def test_a_module_is_a_row_and_the_row_holds_it_whole(small: Curriculum) -> None:
    rows = content.modules(small, FAMILIES).to_pylist()

    assert [row["module_id"] for row in rows] == ["sales_map", "sales_quote_check"]
    row, written = rows[1], small.by_id["sales_quote_check"]
    assert CurriculumModule.model_validate_json(row["document"]) == written
    assert (row["is_general"], row["words"]) == (False, ["quote", "prices"])
    assert (row["points"], row["points_to_pass"], row["criterion_count"]) == (10, 6, 4)
    assert row["deliverable"] == "Hand in one document with these headings"
    assert (rows[0]["is_general"], rows[0]["words"]) == (True, [])


def test_the_order_of_files_changes_no_row(small: Curriculum) -> None:
    turned = small.model_copy(update={"modules": small.modules[::-1]})

    assert content.modules(turned, FAMILIES).equals(content.modules(small, FAMILIES))
    assert content.rubric_criteria(turned).equals(content.rubric_criteria(small))


def test_the_digest_is_that_of_what_is_said(tmp_path: Path) -> None:
    def digest(name: str, text: str) -> str:
        found = Curriculum.load(write(tmp_path / name, sales__quote_check=text))
        return str(content.modules(found, FAMILIES)["digest"][0])

    as_written = digest("one", MODULE)

    assert digest("two", MODULE.replace("[quote, prices]", "[ quote,  prices ]")) == as_written
    assert digest("three", changed(MODULE, ("have missed?", "have seen?"))) != as_written


def test_criteria_are_rows_in_the_order_of_the_rubric(small: Curriculum) -> None:
    rows = [
        row
        for row in content.rubric_criteria(small).to_pylist()
        if row["module_id"] == "sales_quote_check"
    ]

    assert [(row["criterion_id"], row["position"]) for row in rows] == [
        ("request", 1),
        ("prices", 2),
        ("faults", 3),
        ("release", 4),
    ]
    assert [row["is_gate"] for row in rows] == [False, True, False, False]
    assert rows[1]["check_kinds"] == ["table", "references"]


@pytest.mark.parametrize(
    ("make", "model"),
    [
        (content.capability_levels, tables.CapabilityLevels),
        (lambda found: content.modules(found, FAMILIES), tables.Modules),
        (content.rubric_criteria, tables.RubricCriteria),
    ],
)
def test_the_committed_curriculum_passes_the_write_gate(make: Any, model: type[Table]) -> None:
    table = make(COMMITTED)

    assert table.num_rows > 0
    assert refused_rules(table, model) == []
    assert make(COMMITTED).equals(table)


# ----------------------------------------------------------------------------------------- links


def test_every_top_workflow_has_a_row_and_no_other(small: Curriculum) -> None:
    top = {row["workflow_id"] for row in WORKFLOWS.to_pylist() if row["is_top"]}

    assert set(linked(small)) == top


def test_a_workflow_leads_to_modules_by_its_words_then_to_general_ones(small: Curriculum) -> None:
    row = linked(small)["41-3091.00:00000001"]

    assert [link["module_id"] for link in row["links"]] == ["sales_quote_check", "sales_map"]
    specific, general = row["links"]
    assert specific == {
        "module_id": "sales_quote_check",
        "level": 2,
        "basis": "words",
        "matched_words": ["prices"],
        "strength": FIRST_WORD_STRENGTH,
        "deliverable": "Hand in one document with these headings",
        "criterion_count": 4,
    }
    assert (general["basis"], general["strength"]) == ("general", GENERAL_STRENGTH)
    assert (row["specific_count"], row["gap"]) == (1, None)


def test_a_row_says_what_the_one_rule_of_linking_says(small: Curriculum) -> None:
    rows = content.modules(small, FAMILIES).to_pylist()
    flows = {row["workflow_id"]: row for row in WORKFLOWS.to_pylist()}

    for name, row in linked(small).items():
        if row["role_family"] == "sales":
            found = [(link["module_id"], link["strength"]) for link in row["links"]]
            assert found == [
                (link.module_id, link.strength) for link in links_of(flows[name], rows)
            ]


def test_a_workflow_without_links_of_its_own_says_so(small: Curriculum) -> None:
    rows = linked(small)

    only_general = rows["41-3091.00:00000003"]
    assert [link["module_id"] for link in only_general["links"]] == ["sales_map"]
    assert (only_general["gap"], only_general["specific_count"]) == ("only_general_modules", 0)
    for name in ("11-2021.00:00000001", "47-2181.00:00000001"):
        assert rows[name]["links"] == []
        assert rows[name]["gap"] == "family_outside_curriculum"


def test_a_link_makes_a_row_also_internal_and_no_freer(small: Curriculum) -> None:
    found = {name: (row["source_class"], row["allowed_use"]) for name, row in linked(small).items()}

    assert found == {
        "11-2021.00:00000001": ("canonical", "attribution"),
        "41-3091.00:00000001": ("canonical+internal", "attribution"),
        "41-3091.00:00000002": ("canonical+internal", "attribution"),
        "41-3091.00:00000003": ("canonical+internal+research", "attribution"),
        "41-3091.00:00000004": ("canonical+internal", "internal_only"),
        "47-2181.00:00000001": ("canonical", "attribution"),
    }


# -------------------------------------------------------------------------------------- coverage


def coverage(curriculum: Curriculum) -> dict[tuple[str, int], Row]:
    """Rows of ``content_coverage``, by family and level."""
    modules = content.modules(curriculum, FAMILIES)
    table = content.content_coverage(
        modules,
        content.workflow_modules(WORKFLOWS, ROLES, modules, FAMILIES),
        content.capability_levels(curriculum),
        FAMILIES,
    )
    assert refused_rules(table, tables.ContentCoverage) == []
    return {(row["role_family"], row["level"]): row for row in table.to_pylist()}


def test_coverage_holds_where_a_family_has_no_module_at_a_level(small: Curriculum) -> None:
    rows = coverage(small)

    assert set(rows) == {
        (family.id, level.level) for family in FAMILIES.families for level in small.levels
    }
    met = {place for place, row in rows.items() if row["verdict"] == "met"}
    assert met == {("sales", 1), ("sales", 2)}
    assert {row["verdict"] for row in rows.values()} == {"met", "hold"}
    there = rows["sales", 2]
    assert (there["module_count"], there["exercise_count"], there["rubric_count"]) == (1, 1, 1)
    assert (there["linked_workflow_count"], there["workflow_count"]) == (2, 4)
    assert rows["sales", 1]["linked_workflow_count"] == 0, "general modules are no links by words"


def test_the_committed_curriculum_is_covered_until_a_module_is_taken_away() -> None:
    whole = coverage(COMMITTED)
    gone = COMMITTED.modules[-1]
    less = coverage(COMMITTED.model_copy(update={"modules": COMMITTED.modules[:-1]}))

    assert {row["verdict"] for row in whole.values()} == {"met"}
    assert {place for place, row in less.items() if row["verdict"] != "met"} == {
        (gone.family, gone.level)
    }


@pytest.mark.parametrize(("column", "empty"), [("deliverable", ""), ("criterion_count", 0)])
def test_a_module_that_lacks_exercise_or_rubric_holds(column: str, empty: str | int) -> None:
    """No contract lets one in; the gate does not rely on that."""
    modules = content.modules(COMMITTED, FAMILIES)
    first = modules.slice(0, 1).to_pylist()[0]
    place = modules.schema.get_field_index(column)
    values = [empty, *modules[column].to_pylist()[1:]]
    lacking = modules.set_column(place, modules.schema.field(place), pa.array(values))

    table = content.content_coverage(
        lacking,
        content.workflow_modules(WORKFLOWS, ROLES, modules, FAMILIES),
        content.capability_levels(COMMITTED),
        FAMILIES,
    )

    held = [row for row in table.to_pylist() if row["verdict"] == "hold"]
    assert [(row["role_family"], row["level"]) for row in held] == [
        (first["role_family"], first["level"])
    ]


def test_a_module_of_a_family_that_there_is_not_is_refused() -> None:
    module = COMMITTED.modules[0].model_copy(update={"family": "alchemy"})
    lost = Curriculum.model_construct(levels=COMMITTED.levels, modules=(module,))

    with pytest.raises(AuthoredDocumentError, match=module.id):
        content.modules(lost, FAMILIES)
