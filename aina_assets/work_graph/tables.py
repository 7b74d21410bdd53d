"""Models of the derived maps.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table

SOC_CODE = r"^\d{2}-\d{4}$"
ONET_SOC_CODE = r"^\d{2}-\d{4}\.\d{2}$"

_UNIT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_PERCENT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 100}}


def mapped(description: str, *sources: str, **options: Any) -> Any:
    """A column computed from ``sources`` (``table.column``)."""
    return pap.Field(description=description, metadata={"from": list(sources)}, **options)


class TaskExposure(
    ProvenancedTable,
    key=("task_id",),
    parents=(
        Parent("economic_index_tasks", (("task_id", "task_id"),)),
        Parent("economic_index_usage", (("task_name", "task_name"), ("usage_release", "release"))),
        Parent(
            "soc_crosswalks",
            (("onet_soc_2010_code", "from_code"),),
            only=(("crosswalk", "onet_soc_2010_to_onet_soc_2019"),),
        ),
    ),
):
    """Economic Index usage of each O*NET 20.1 task that people were seen to bring to AI.

    Usage is released by task text; where several occupations share a text it is split equally.
    """

    task_id: int = mapped("O*NET task id (20.1).", "economic_index_tasks.task_id")
    onet_soc_2010_code: str = mapped(
        "O*NET-SOC 2010 code.",
        "economic_index_tasks.onet_soc_2010_code",
        str_matches=ONET_SOC_CODE,
    )
    task_name: str = mapped("Task text in lower case.", "economic_index_tasks.task")
    usage_release: str = mapped("Release the usage is from.", "economic_index_usage.release")
    text_usage_pct: float = mapped(
        "Share of conversations about this text, percent.",
        "economic_index_usage.usage_pct",
        **_PERCENT,
    )
    shared_by: int = mapped(
        "Tasks that share the text; the usage is split among them.",
        "economic_index_tasks.task",
        ge=1,
    )
    usage_pct: float = mapped(
        "This task's part of it, percent of usage that could be placed.",
        "economic_index_usage.usage_pct",
        "economic_index_tasks.task",
        **_PERCENT,
    )
    onet_soc_2019_codes: str = mapped(
        "O*NET-SOC 2019 codes of the occupation, comma-separated; empty where none.",
        "soc_crosswalks.to_code",
    )
    onet_soc_2019_count: int = mapped(
        "How many codes that is; above one the occupation was split.",
        "soc_crosswalks.to_code",
        ge=0,
    )


class LegacySignals(
    ProvenancedTable,
    key=("soc_2010_code",),
    parents=(
        Parent("economic_index_wages", (("soc_2010_code", "prefix:onet_soc_2010_code"),)),
        Parent("economic_index_employment", (("major_group_title", "major_group_title"),)),
        Parent("soc_groups", (("major_group_title", "title"),), only=(("level", "major"),)),
        Parent("economic_index_tasks", (("soc_2010_code", "prefix:onet_soc_2010_code"),)),
        Parent("task_exposure", (("soc_2010_code", "prefix:onet_soc_2010_code"),)),
        Parent(
            "soc_crosswalks",
            (("soc_2010_code", "prefix:from_code"),),
            only=(("crosswalk", "onet_soc_2010_to_onet_soc_2019"),),
        ),
        Parent(
            "soc_crosswalks",
            (("soc_2018_codes", "in:to_code"),),
            only=(("crosswalk", "onet_soc_2019_to_soc_2018"),),
        ),
    ),
):
    """Wage, employment and task signals released with the Economic Index, by SOC 2010 code."""

    soc_2010_code: str = mapped(
        "SOC 2010 code (a few are broad groups).",
        "economic_index_wages.onet_soc_2010_code",
        str_matches=SOC_CODE,
    )
    title: str = mapped("Occupation title.", "economic_index_wages.title")
    occupation_count: int = mapped(
        "O*NET occupations behind the row.", "economic_index_wages.onet_soc_2010_code", ge=1
    )
    median_salary_usd: float = mapped(
        "Median pay, USD per salary_unit.", "economic_index_wages.median_salary", gt=0
    )
    salary_unit: str = mapped(
        "year or hour. The release does not say: below 500 it can only be an hour's.",
        "economic_index_wages.median_salary",
        isin=["year", "hour"],
    )
    job_forecast: int = mapped("Projected job openings.", "economic_index_wages.job_forecast")
    automation_chance_pct: float = mapped(
        "Published chance of automation, percent; a claim of that source only.",
        "economic_index_wages.automation_chance_pct",
        nullable=True,
        **_PERCENT,
    )
    major_group_title: str = mapped(
        "SOC major group.", "economic_index_employment.major_group_title", nullable=True
    )
    major_group_employment: int = mapped(
        "Employment of the whole major group, May 2023.",
        "economic_index_employment.employment",
        nullable=True,
        ge=0,
    )
    task_count: int = mapped("O*NET 20.1 tasks.", "economic_index_tasks.task_id", ge=0)
    used_task_count: int = mapped("Tasks with AI usage.", "task_exposure.task_id", ge=0)
    usage_pct: float = mapped(
        "Share of placed AI usage, percent.", "task_exposure.usage_pct", **_PERCENT
    )
    soc_2018_codes: str = mapped(
        "SOC 2018 codes it became, comma-separated; empty where none.", "soc_crosswalks.to_code"
    )

    @pap.dataframe_check(name="used_tasks_exist", description="no more tasks with usage than tasks")
    def _used_tasks(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.less_equal(data.table["used_task_count"], data.table["task_count"])


class GdpvalTaskMap(
    ProvenancedTable,
    key=("task_id",),
    parents=(
        Parent("gdpval_tasks", (("task_id", "task_id"),)),
        Parent("soc_groups", (("soc_code", "soc_code"),)),
    ),
):
    """GDPval tasks placed in the SOC by the exact title of their occupation."""

    task_id: str = mapped("GDPval task id.", "gdpval_tasks.task_id")
    occupation: str = mapped("Occupation, as GDPval names it.", "gdpval_tasks.occupation")
    sector: str = mapped("Sector, as GDPval names it.", "gdpval_tasks.sector")
    soc_code: str = mapped(
        "SOC 2018 group of that title; null where no title matches.",
        "soc_groups.soc_code",
        nullable=True,
        str_matches=SOC_CODE,
    )
    soc_match: str = mapped(
        "Level of the group whose title matched, or unmatched.",
        "soc_groups.level",
        isin=["detailed", "broad", "unmatched"],
    )
    has_reference_files: bool = mapped("Has reference files.", "gdpval_tasks.has_reference_files")
    has_deliverables: bool = mapped("Has deliverables.", "gdpval_tasks.has_deliverables")
    rubric_item_count: int = mapped("Rubric items.", "gdpval_tasks.rubric_item_count", ge=1)
    rubric_points: int = mapped("Sum of positive scores.", "gdpval_tasks.rubric_points", ge=1)

    @pap.dataframe_check(
        name="match_has_code", description="a matched task has a code, an unmatched one has none"
    )
    def _match_has_code(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        unmatched = pc.equal(data.table["soc_match"], "unmatched")
        return pc.equal(unmatched, data.table["soc_code"].is_null())


class GdpvalSocMap(
    ProvenancedTable,
    key=("soc_code",),
    parents=(
        Parent("gdpval_task_map", (("soc_code", "soc_code"),)),
        Parent(
            "soc_groups",
            (("soc_code", "broad_code"), ("detailed_codes", "in:soc_code")),
            where=(("soc_match", "broad"),),
        ),
    ),
):
    """SOC groups that GDPval has tasks for."""

    soc_code: str = mapped("SOC 2018 group.", "gdpval_task_map.soc_code", str_matches=SOC_CODE)
    occupation: str = mapped("Occupation, as GDPval names it.", "gdpval_task_map.occupation")
    sector: str = mapped("Sectors, joined by '; '.", "gdpval_task_map.sector")
    soc_match: str = mapped(
        "Level of the group.", "gdpval_task_map.soc_match", isin=["detailed", "broad"]
    )
    detailed_codes: str = mapped(
        "Detailed SOC 2018 occupations it stands for, comma-separated; above one it is ambiguous.",
        "gdpval_task_map.soc_code",
        "soc_groups.soc_code",
    )
    task_count: int = mapped("Tasks.", "gdpval_task_map.task_id", ge=1)
    reference_task_count: int = mapped(
        "Tasks with reference files.", "gdpval_task_map.has_reference_files", ge=0
    )
    deliverable_task_count: int = mapped(
        "Tasks with deliverables.", "gdpval_task_map.has_deliverables", ge=0
    )


class SocMap(
    ProvenancedTable,
    key=("soc_code",),
    parents=(
        Parent("economic_index_exposure", (("soc_code", "soc_code"),)),
        Parent("legacy_signals", (("soc_code", "soc_2010_code"),)),
        Parent("gdpval_soc_map", (("soc_code", "soc_code"),)),
        Parent("soc_groups", (("soc_code", "soc_code"),)),
    ),
):
    """Every SOC code that a source speaks of, as that source writes it: the union of three.

    Exposure and GDPval use SOC 2018 codes, the legacy signals SOC 2010. A code is never translated
    silently: ``soc_vintage`` says which vintage it is valid in, ``soc_2018_codes`` what it became.
    """

    soc_code: str = mapped(
        "SOC code as the sources write it.",
        "economic_index_exposure.soc_code",
        "legacy_signals.soc_2010_code",
        "gdpval_soc_map.soc_code",
        str_matches=SOC_CODE,
    )
    title: str = mapped(
        "Title of the first source that has one: SOC 2018, then legacy.",
        "soc_groups.title",
        "legacy_signals.title",
        "economic_index_exposure.title",
        "gdpval_soc_map.occupation",
    )
    soc_vintage: str = mapped(
        "Vintage the code exists in: 2018 (also where 2010 had it too) or 2010 only.",
        "soc_groups.soc_code",
        "economic_index_exposure.soc_code",
        "gdpval_soc_map.soc_code",
        isin=["2018", "2010"],
    )
    soc_2018_codes: str = mapped(
        "SOC 2018 codes it stands for, comma-separated; empty where no crosswalk knows it.",
        "legacy_signals.soc_2018_codes",
        "gdpval_soc_map.detailed_codes",
        "soc_groups.soc_code",
        "economic_index_exposure.soc_code",
    )
    has_exposure: bool = mapped("Has an observed exposure.", "economic_index_exposure.soc_code")
    has_legacy_signal: bool = mapped("Has legacy signals.", "legacy_signals.soc_2010_code")
    has_gdpval: bool = mapped("Has GDPval tasks.", "gdpval_soc_map.soc_code")
    observed_exposure: float = mapped(
        "Observed exposure, 0-1.",
        "economic_index_exposure.observed_exposure",
        nullable=True,
        **_UNIT,
    )
    gdpval_task_count: int = mapped("GDPval tasks.", "gdpval_soc_map.task_count", ge=0)

    @pap.dataframe_check(
        name="spoken_of", description="at least one of the three sources has the code"
    )
    def _spoken_of(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        flags = (data.table[name] for name in ("has_exposure", "has_legacy_signal", "has_gdpval"))
        first, second, third = flags
        return pc.or_(pc.or_(first, second), third)

    @pap.dataframe_check(
        name="exposure_has_value", description="has_exposure says whether there is a value"
    )
    def _exposure_has_value(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.equal(data.table["has_exposure"], data.table["observed_exposure"].is_valid())


_MEASURED = (
    "economic_index_exposure.observed_exposure",
    "working_with_ai_scores.applicability",
    "gpts_occupations.model_beta",
)


class ExposureMeasures(
    ProvenancedTable,
    key=("soc_code", "measure"),
    parents=(
        Parent("economic_index_exposure", (("soc_code", "soc_code"),)),
        Parent("working_with_ai_scores", (("soc_code", "soc_code"),)),
        Parent("gpts_occupations", (("soc_code", "prefix:onet_soc_code"),)),
    ),
):
    """Three independent measures of where AI may help, side by side, one row a measure.

    They measure different things on different scales and are never averaged: ``rank_pct`` places an
    occupation within its own measure, ``rank_spread`` says how far the measures disagree.
    """

    soc_code: str = mapped(
        "SOC 2018 (or OEWS) code.",
        "economic_index_exposure.soc_code",
        "working_with_ai_scores.soc_code",
        "gpts_occupations.onet_soc_code",
        str_matches=SOC_CODE,
    )
    measure: str = pap.Field(
        isin=["economic_index", "working_with_ai", "gpts_are_gpts"],
        description="Whose measure: observed exposure, AI applicability, or LLM exposure (beta).",
    )
    value: float = mapped("The measure's own value, 0-1.", *_MEASURED, **_UNIT)
    occupation_count: int = mapped(
        "Published rows behind the value; their plain mean where above one.",
        "gpts_occupations.onet_soc_code",
        ge=1,
    )
    rank_pct: float = mapped(
        "Share of the measure's occupations with a lower value, percent.",
        *_MEASURED,
        **_PERCENT,
    )
    measure_count: int = mapped(
        "Measures that speak of the occupation.",
        "economic_index_exposure.soc_code",
        "working_with_ai_scores.soc_code",
        "gpts_occupations.onet_soc_code",
        ge=1,
    )
    rank_spread: float = mapped(
        "Largest difference of rank_pct among them; null where only one speaks.",
        *_MEASURED,
        nullable=True,
        **_PERCENT,
    )


class ExposureAgreement(
    ProvenancedTable,
    key=("measure", "other_measure"),
    parents=(
        Parent("exposure_measures", (("measure", "measure"),)),
        Parent("exposure_measures", (("other_measure", "measure"),)),
    ),
):
    """How far each two of the exposure measures agree."""

    measure: str = mapped("One measure.", "exposure_measures.measure")
    other_measure: str = mapped("The other.", "exposure_measures.measure")
    occupation_count: int = mapped("Occupations both speak of.", "exposure_measures.soc_code", ge=0)
    rank_correlation: float = mapped(
        "Spearman rank correlation over them.",
        "exposure_measures.value",
        nullable=True,
        in_range={"min_value": -1, "max_value": 1},
    )


class SocJoinReport(Table, key=("table_name", "code_column")):
    """How the codes of each table join the SOC 2018 structure, and which do not."""

    table_name: str = pap.Field(description="Table.")
    code_column: str = pap.Field(description="Its code column.")
    route: str = pap.Field(description="How its codes get to SOC 2018.")
    code_count: int = pap.Field(ge=0, description="Distinct codes.")
    joined_count: int = pap.Field(ge=0, description="Codes that reach a detailed SOC 2018 group.")
    unmatched_count: int = pap.Field(ge=0, description="Codes that do not.")
    unmatched_codes: str = pap.Field(description="Those codes, comma-separated.")

    @pap.dataframe_check(name="all_counted", description="joined and unmatched add up")
    def _all_counted(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        total = pc.add(data.table["joined_count"], data.table["unmatched_count"])
        return pc.equal(total, data.table["code_count"])


class PublishedFindings(
    Table,
    key=("finding",),
    figures=(
        "ai_use_in_quarter_of_tasks_pct",
        "ai_use_in_three_quarters_of_tasks_pct",
        "automation_pct",
        "augmentation_pct",
        "computer_and_mathematical_usage_pct",
        "task_penetration_zero_rows",
        "applicability_occupations_recomputed",
        "applicability_largest_error",
        "llm_exposure_occupations_recomputed",
        "llm_exposure_largest_error",
    ),
):
    """Findings the publishers report, recomputed from the stored tables.

    Each is an asset check, with its tolerance in ``data/expectations/<lock>.csv``: a wrong join
    shows as a wrong finding.
    """

    finding: str = pap.Field(description="Name of the finding.")
    value: float = pap.Field(nullable=True, description="Recomputed value; null without its data.")
    unit: str = pap.Field(description="Unit of the value.")
    definition: str = pap.Field(description="How it is computed.")


class HfIngestSummary(Table, key=("figure",)):
    """What came in from Hugging Face and what was derived from it."""

    figure: str = pap.Field(description="What is counted.")
    value: int = pap.Field(ge=0, description="The count.")
    unit: str = pap.Field(description="Files, bytes or rows.")
    definition: str = pap.Field(description="How it is counted.")
