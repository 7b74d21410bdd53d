"""Models of the tables about practice: scenarios, and which workflow is practised on which.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.practice.policy import NoScenario
from aina_assets.warehouse.tables import Parent, ProvenancedTable

SCENARIO_ID = r"^gdpval:.+$"
TEXTS = pa.list_(pa.string())
RUBRIC = pa.list_(
    pa.struct([("criterion_id", pa.string()), ("points", pa.int64()), ("text", pa.string())])
)
CHECKPOINTS = pa.list_(
    pa.struct([("when", pa.string()), ("who", pa.string()), ("decides", pa.string())])
)


def mapped(description: str, *sources: str, **options: Any) -> Any:
    """A column computed from ``sources`` (``table.column``)."""
    return pap.Field(description=description, metadata={"from": list(sources)}, **options)


class SandboxScenarios(
    ProvenancedTable,
    key=("scenario_id",),
    parents=(
        Parent("gdpval_tasks", (("task_id", "task_id"),)),
        Parent("gdpval_task_map", (("task_id", "task_id"),)),
        Parent("gdpval_soc_map"),
        Parent("authored/practice_rules"),
    ),
):
    """GDPval tasks as practice: what is asked, handed in, looked for, and where a person decides.

    Files are named where the publisher keeps them and never fetched. Rubrics are the publisher's;
    tools, checkpoints and failure modes are authored, by sector and kind of deliverable.
    """

    scenario_id: str = mapped(
        "'gdpval:' and the task's id.", "gdpval_tasks.task_id", str_matches=SCENARIO_ID
    )
    task_id: str = mapped("GDPval task id.", "gdpval_tasks.task_id")
    sector: str = mapped("Sector, as GDPval names it.", "gdpval_tasks.sector")
    occupation: str = mapped("Occupation, as GDPval names it.", "gdpval_tasks.occupation")
    soc_codes: TEXTS = mapped(  # type: ignore[valid-type]
        "Detailed SOC 2018 occupations of that title; of a broad group all its members; empty where"
        " no title matches.",
        "gdpval_task_map.soc_code",
        "gdpval_soc_map.detailed_codes",
    )
    prompt: str = mapped("The task as given to a professional.", "gdpval_tasks.prompt")
    reference_uris: TEXTS = mapped(  # type: ignore[valid-type]
        "Where the publisher keeps the reference files.", "gdpval_tasks.reference_files"
    )
    deliverable: str = mapped(
        "What is handed in, by the kinds of an expert's files.", "gdpval_tasks.deliverable_files"
    )
    deliverable_uris: TEXTS = mapped(  # type: ignore[valid-type]
        "Where the publisher keeps an expert's files.", "gdpval_tasks.deliverable_files"
    )
    rubric: RUBRIC = mapped(  # type: ignore[valid-type]
        "The published rubric, in order; negative points are taken away.", "gdpval_tasks.rubric"
    )
    points: int = mapped("Sum of the positive points.", "gdpval_tasks.rubric_points", ge=1)
    allowed_tools: TEXTS = mapped(  # type: ignore[valid-type]
        "What may be used, authored.", "gdpval_tasks.sector", "gdpval_tasks.deliverable_files"
    )
    hitl_checkpoints: CHECKPOINTS = mapped(  # type: ignore[valid-type]
        "Where a person decides, authored.",
        "gdpval_tasks.sector",
        "gdpval_tasks.deliverable_files",
    )
    failure_modes: TEXTS = mapped(  # type: ignore[valid-type]
        "What commonly goes wrong, authored.",
        "gdpval_tasks.sector",
        "gdpval_tasks.deliverable_files",
    )

    @pap.dataframe_check(
        name="has_guidance",
        description="every scenario has a rubric, tools, checkpoints and failure modes",
    )
    def _has_guidance(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        columns = ("rubric", "allowed_tools", "hitl_checkpoints", "failure_modes")
        first, *others = (pc.greater(pc.list_value_length(data.table[name]), 0) for name in columns)
        for item in others:
            first = pc.and_(first, item)
        return first


class ScenarioLinks(
    ProvenancedTable,
    key=("workflow_id", "position"),
    parents=(
        Parent("workflows", (("workflow_id", "workflow_id"),)),
        Parent("roles", (("role_id", "role_id"),)),
        Parent("sandbox_scenarios", (("scenario_id", "scenario_id"),)),
    ),
):
    """Scenarios on which each top workflow of a role is practised, or the reason why there is none.

    ``task``: the GDPval task is like the workflow's own tasks. ``occupation``: it is of the role's
    occupation and of other work in it, a weaker link; taken only where there is none by task.
    """

    workflow_id: str = mapped("A workflow, of its role's first five.", "workflows.workflow_id")
    role_id: str = mapped("Its role.", "workflows.role_id", "roles.role_id")
    position: int = pap.Field(ge=1, description="Place among the workflow's rows, from 1.")
    scenario_id: str = mapped(
        "The scenario; null where there is none.",
        "sandbox_scenarios.scenario_id",
        nullable=True,
        str_matches=SCENARIO_ID,
    )
    basis: str = mapped(
        "What the link stands on; null where there is none.",
        "workflows.gdpval_task_ids",
        "roles.onet_soc_codes",
        "sandbox_scenarios.soc_codes",
        nullable=True,
        isin=["task", "occupation"],
    )
    no_match_reason: str = mapped(
        "Why there is none; null where there is one.",
        "roles.onet_soc_codes",
        "sandbox_scenarios.soc_codes",
        nullable=True,
        isin=[str(item) for item in NoScenario],
    )

    @pap.dataframe_check(
        name="scenario_or_reason",
        description="a row has a scenario with its basis, or as the workflow's only row a reason",
    )
    def _scenario_or_reason(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        linked = data.table["scenario_id"].is_valid()
        reasoned = data.table["no_match_reason"].is_valid()
        based = data.table["basis"].is_valid()
        alone = pc.is_in(data.table["workflow_id"], value_set=_of_one_row(data.table))
        sound = pc.and_(pc.xor(linked, reasoned), pc.equal(linked, based))
        return pc.and_(sound, pc.or_(linked, alone))


def _of_one_row(links: pa.Table) -> pa.Array:
    counted = pc.value_counts(links["workflow_id"].combine_chunks())
    return counted.field("values").filter(pc.equal(counted.field("counts"), 1))
