"""Models of the tables about practice: scenarios, what is practised on them, graders and people.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.practice.policy import NoScenario
from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table

SCENARIO_ID = r"^gdpval:.+$"
TEXTS = pa.list_(pa.string())
RUBRIC = pa.list_(
    pa.struct([("criterion_id", pa.string()), ("points", pa.int64()), ("text", pa.string())])
)
CHECKPOINTS = pa.list_(
    pa.struct([("when", pa.string()), ("who", pa.string()), ("decides", pa.string())])
)


_UNIT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_KAPPA: dict[str, Any] = {"nullable": True, "in_range": {"min_value": -1, "max_value": 1}}


class Compared(StrEnum):
    """Whether grading of a module was compared with people, or why not."""

    COMPARED = "compared"
    NOT_RATED = "not_rated"
    """Nobody rated a submission."""
    NO_PERSON = "no_person"
    """Only graders rated; nothing says whether a person would agree."""
    NOT_RATED_TWICE = "not_rated_twice"
    """No submission was rated by a person and someone else."""
    NO_SECOND_PERSON = "no_second_person"
    """No submission was rated by two people: a grader's agreement has nothing beside it."""
    NO_GRADER = "no_grader"
    """People rated what no grader did."""


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


class GraderAgreement(
    ProvenancedTable,
    key=("module_id", "criterion_id", "rater"),
    parents=(
        Parent(
            "graded_submissions", (("module_id", "module_id"), ("criterion_id", "criterion_id"))
        ),
        Parent("authored/practice_rules"),
    ),
):
    """Agreement on each criterion and on the outcome, of people and of graders with people.

    Kappas are null where only one answer was ever given: chance agreement is then complete.
    Intervals hold for the submissions at hand; few labels make them wide, not the figure wrong.
    """

    module_id: str = mapped("The module; '_all' for all of them.", "graded_submissions.module_id")
    criterion_id: str = mapped(
        "Criterion; '_all' for all of them, each as none, some or all of its points; '_outcome' for"
        " the outcome.",
        "graded_submissions.criterion_id",
    )
    rater: str = mapped(
        "Who is compared with people: 'person', or the grader's id.",
        "graded_submissions.rater_id",
        "graded_submissions.rater_kind",
    )
    comparison: str = pap.Field(
        isin=["person_person", "grader_person"], description="Whose agreement it is."
    )
    submission_count: int = pap.Field(ge=1, description="Submissions that both rated.")
    pair_count: int = pap.Field(ge=1, description="Pairs of ratings compared.")
    exact_count: int = pap.Field(ge=0, description="Pairs that are equal.")
    exact_share: float = mapped(
        "Their share, 0-1.", "graded_submissions.points", "graded_submissions.outcome", **_UNIT
    )
    exact_lower: float = pap.Field(
        **_UNIT, description="Its lower bound (Wilson, two-sided), a submission counted as one."
    )
    exact_upper: float = pap.Field(**_UNIT, description="Its upper bound, likewise.")
    kappa: float = pap.Field(**_KAPPA, description="Cohen's kappa.")
    kappa_lower: float = pap.Field(
        **_KAPPA, description="Its lower bound, by resampling submissions."
    )
    kappa_upper: float = pap.Field(**_KAPPA, description="Its upper bound, likewise.")
    weighted_kappa: float = pap.Field(
        **_KAPPA, description="Kappa that weighs a difference by its square."
    )
    weighted_kappa_lower: float = pap.Field(
        **_KAPPA, description="Its lower bound, by resampling submissions."
    )
    weighted_kappa_upper: float = pap.Field(**_KAPPA, description="Its upper bound, likewise.")


class GraderCoverage(
    Table,
    key=("module_id",),
    parents=(
        Parent("modules", (("module_id", "module_id"),)),
        Parent("graded_submissions", (("module_id", "module_id"),)),
    ),
):
    """Every module, and whether its grading was compared with people, or why not.

    ``not_rated``: nobody rated a submission. ``no_person``: only graders did. ``not_rated_twice``:
    no submission was rated by a person and someone else. ``no_second_person``: none by two people,
    so a grader's agreement has nothing beside it. ``no_grader``: people rated what no grader did.
    """

    module_id: str = mapped("The module.", "modules.module_id")
    submission_count: int = mapped("Submissions rated.", "graded_submissions.submission_id", ge=0)
    two_people_count: int = mapped(
        "Of these, rated by two people or more.", "graded_submissions.rater_kind", ge=0
    )
    grader_and_person_count: int = mapped(
        "Of these, rated by a grader and a person.", "graded_submissions.rater_kind", ge=0
    )
    verdict: str = pap.Field(
        isin=[str(item) for item in Compared], description="Whether it was compared, or why not."
    )

    @pap.dataframe_check(
        name="compared_was_counted",
        description="what was compared was rated by two people, and by a grader and a person",
    )
    def _compared_was_counted(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        both = pc.and_(
            pc.greater(data.table["two_people_count"], 0),
            pc.greater(data.table["grader_and_person_count"], 0),
        )
        return pc.equal(both, pc.equal(data.table["verdict"], str(Compared.COMPARED)))
