"""Models of the derived maps.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

import functools
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table
from aina_assets.work_graph.policy import replacement_pattern

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


# ----------------------------------------------------------------------------- roles and their work

CLAIMS = pa.list_(pa.struct([("claim", pa.string()), ("evidence_ref", pa.string())]))
"""What is said, and what it stands on: ``table:key`` or ``authored/<document>#<rule>``."""

CLAIM_COLUMNS = (
    "grants",
    "blocks",
    "human_owned",
    "hitl_checkpoints",
    "tool_patterns",
    "failure_modes",
)

TEXTS = pa.list_(pa.string())
NUMBERS = pa.list_(pa.int64())

CODE_LEVELS = ["onet_soc", "detailed", "broad", "minor", "major"]
TIERS_OF_ROLES = ["exact", "function", "archetype"]
NO_FAMILY = ["several", "not_icp"]
SENIORITIES = ["executive", "manager", "supervisor", "professional", "associate", "entry", "mixed"]
RISK_TIERS = ["low", "medium", "high", "critical"]
ROLE_ID = r"^\d{2}-\d{4}(\.\d{2})?$"
WORKFLOW_ID = r"^\d{2}-\d{4}(\.\d{2})?:[0-9a-f]{8}$"
ALL_USAGE = "all usage, not this workflow"
TOP = 5
"""Workflows of a role that are top workflows."""


def holds_match(claims: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """For each list of claims whether one of them matches ``pattern``, whatever its case."""
    lists = claims.combine_chunks()
    texts = pc.struct_field(pc.list_flatten(lists), "claim")
    parents = pc.list_parent_indices(lists)
    matching = parents.filter(pc.match_substring_regex(texts, pattern, ignore_case=True))
    places = pa.array(range(len(lists)), parents.type)
    return pa.chunked_array([pc.is_in(places, value_set=matching)])


class Roles(
    ProvenancedTable,
    key=("role_id",),
    parents=(
        Parent("occupations", (("onet_soc_codes", "in:onet_soc_code"),)),
        Parent("soc_groups", (("soc_code", "soc_code"),)),
        Parent("job_zones", (("role_id", "onet_soc_code"),)),
        Parent("alternate_titles", (("onet_soc_codes", "in:onet_soc_code"),)),
        Parent("reported_titles", (("onet_soc_codes", "in:onet_soc_code"),)),
        Parent("occupation_tasks", (("onet_soc_codes", "in:onet_soc_code"),)),
        Parent(
            "soc_crosswalks",
            (("onet_soc_codes", "in:from_code"),),
            only=(("crosswalk", "onet_soc_2019_to_soc_2018"),),
        ),
        Parent("authored/families"),
        Parent("authored/icp"),
    ),
):
    """One role for every node of the occupation tree: O*NET-SOC occupations and SOC 2018 groups.

    A title that names several occupations is served by the deepest group that holds them all: that
    group is a role of its own, which says how well one role stands for its members.
    """

    role_id: str = mapped(
        "O*NET-SOC 2019 code of an occupation, SOC 2018 code of a group.",
        "occupations.onet_soc_code",
        "soc_groups.soc_code",
        str_matches=ROLE_ID,
    )
    code_level: str = mapped("Level in the tree.", "soc_groups.level", isin=CODE_LEVELS)
    canonical_title: str = mapped("Title.", "occupations.title", "soc_groups.title")
    soc_code: str = mapped(
        "SOC 2018 group: of an occupation its detailed one, by crosswalk; of a group its own.",
        "soc_crosswalks.to_code",
        "soc_groups.soc_code",
        str_matches=SOC_CODE,
    )
    onet_soc_codes: TEXTS = mapped(  # type: ignore[valid-type]
        "Its member occupations, sorted; empty where O*NET has none.",
        "occupations.onet_soc_code",
        "soc_crosswalks.from_code",
    )
    role_family: str = mapped(
        "One of the twelve families; 'several' for a group whose ICP occupations are of more than"
        " one, 'not_icp' outside of the ICP.",
        "soc_groups.soc_code",
    )
    is_icp: bool = mapped(
        "Knowledge work AINA is for (data/icp.yaml); of a group: any of its members.",
        "soc_groups.soc_code",
    )
    role_function: str = mapped(
        "What the role does within its family (data/families.yaml), else its minor group's title.",
        "soc_groups.title",
        nullable=True,
    )
    seniority: str = mapped(
        "From authored words of the title, else the job zone; 'mixed' for groups of several.",
        "occupations.title",
        "job_zones.job_zone",
        isin=SENIORITIES,
    )
    job_zone: int = mapped(
        "O*NET job zone, 1 to 5; of a group: where all members share it.",
        "job_zones.job_zone",
        nullable=True,
        in_range={"min_value": 1, "max_value": 5},
    )
    aliases: TEXTS = mapped(  # type: ignore[valid-type]
        "O*NET titles that name this node and no other of its level; one a casefolded form.",
        "alternate_titles.alternate_title",
        "alternate_titles.short_title",
        "reported_titles.reported_title",
    )
    ambiguous_alias_count: int = mapped(
        "O*NET titles that name this node and others of its level: no alias of any.",
        "alternate_titles.alternate_title",
        "alternate_titles.short_title",
        "reported_titles.reported_title",
        ge=0,
    )
    task_count: int = mapped("O*NET tasks of its members.", "occupation_tasks.task_id", ge=0)
    fallback_tier: str = pap.Field(
        isin=TIERS_OF_ROLES,
        description="exact for an occupation, function for broad and minor, archetype for major.",
    )
    confidence: float = mapped(
        "How well one role stands for all it covers: 1 for an occupation, a detailed group and a"
        " group out of the ICP; of any other the share of its member occupations that are in its"
        " most common family (those out of the ICP are in none).",
        "soc_groups.soc_code",
        **_UNIT,
    )

    @pap.dataframe_check(
        name="family_says_icp", description="outside of the ICP is the family not_icp, and only it"
    )
    def _family_says_icp(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        outside = pc.equal(data.table["role_family"], "not_icp")
        return pc.xor(outside, data.table["is_icp"])


class Workflows(
    ProvenancedTable,
    key=("workflow_id",),
    parents=(
        Parent("roles", (("role_id", "role_id"),)),
        Parent("occupation_tasks", (("task_ids", "in:task_id"),)),
        Parent("task_work_activities", (("task_ids", "in:task_id"),)),
        Parent("work_activities", (("work_activity_ids", "in:dwa_id"),)),
        Parent("work_activity_groups", (("work_activity_ids", "in:iwa_id"),)),
        Parent("task_ratings", (("task_ids", "in:task_id"),)),
        Parent("task_exposure", (("economic_index_tasks", "in:task_name"),)),
        Parent("gdpval_tasks", (("gdpval_task_ids", "in:task_id"),)),
        Parent("gdpval_task_map", (("gdpval_task_ids", "in:task_id"),)),
        Parent("authored/work_rules"),
    ),
):
    """Recurring workflows of a role: its tasks brought together through their work activities.

    ``rank`` orders the workflows of a role by importance, frequency and AI usage, as far as there
    is evidence for each; ``*_basis`` says what each figure stands on.
    """

    workflow_id: str = mapped(
        "The role and eight hex digits over the activities or tasks it was made from.",
        "roles.role_id",
        "task_work_activities.dwa_id",
        str_matches=WORKFLOW_ID,
    )
    role_id: str = mapped("The role.", "roles.role_id", str_matches=ROLE_ID)
    rank: int = mapped("Place among the role's, from 1.", "occupation_tasks.task_id", ge=1)
    is_top: bool = mapped("One of the role's first five.", "occupation_tasks.task_id")
    workflow_title: str = mapped(
        "Title of the work activity that holds most of its tasks.",
        "work_activities.dwa_title",
        "work_activity_groups.iwa_title",
        "occupation_tasks.task",
    )
    cluster_basis: str = mapped(
        "What its tasks have in common: a detailed work activity (DWA), an intermediate one (IWA),"
        " an element of the content model that holds several of these, the group the element is"
        " in; or nothing, where a task has no activity.",
        "task_work_activities.dwa_id",
        "work_activities.iwa_id",
        "work_activities.element_id",
        isin=["dwa", "iwa", "element", "element_group", "task"],
    )
    work_activity_ids: TEXTS = mapped(  # type: ignore[valid-type]
        "DWA or IWA ids it was made from, sorted.",
        "task_work_activities.dwa_id",
        "work_activities.iwa_id",
    )
    task_ids: NUMBERS = mapped(  # type: ignore[valid-type]
        "O*NET task ids, sorted; of a group's workflow the most important ones, bounded.",
        "occupation_tasks.task_id",
    )
    task_count: int = mapped(
        "All its tasks, also those a bounded list leaves out.", "occupation_tasks.task_id", ge=1
    )
    core_task_count: int = mapped("Of these, Core tasks.", "occupation_tasks.task_type", ge=0)
    member_count: int = mapped(
        "Member occupations of the role that do it.", "occupation_tasks.onet_soc_code", ge=1
    )
    importance: float = mapped(
        "Importance, 0-100; null where no task is rated or typed.",
        "task_ratings.data_value",
        "occupation_tasks.task_type",
        nullable=True,
        **_PERCENT,
    )
    importance_basis: str = mapped(
        "task_ratings: mean importance rescaled from 1-5; task_type: share of Core tasks; members:"
        " share of member occupations that do it; no evidence.",
        "task_ratings.data_value",
        "occupation_tasks.task_type",
        isin=["task_ratings", "task_type", "members", "no evidence"],
    )
    frequency: float = mapped(
        "Expected times a year that a worker does its most frequent task; null without ratings.",
        "task_ratings.data_value",
        nullable=True,
        ge=0,
    )
    frequency_basis: str = mapped(
        "What the frequency stands on.",
        "task_ratings.data_value",
        isin=["task_ratings", "no evidence"],
    )
    usage_pct: float = mapped(
        "Economic Index usage of its tasks, percent of usage that could be placed; null where no"
        " usage is placed on any of them.",
        "task_exposure.usage_pct",
        nullable=True,
        **_PERCENT,
    )
    usage_release: str = mapped(
        "Economic Index release of the usage.", "task_exposure.usage_release", nullable=True
    )
    economic_index_tasks: TEXTS = mapped(  # type: ignore[valid-type]
        "Task texts in economic_index_usage, sorted: the evidence of the usage.",
        "task_exposure.task_name",
    )
    gdpval_task_ids: TEXTS = mapped(  # type: ignore[valid-type]
        "GDPval tasks of the role's occupations that share enough words with its tasks, sorted.",
        "gdpval_task_map.task_id",
    )
    deliverables: TEXTS = mapped(  # type: ignore[valid-type]
        "What it produces, by authored rules on its tasks' words; empty where none applies.",
        "occupation_tasks.task",
    )
    pain_points: TEXTS = mapped(  # type: ignore[valid-type]
        "What commonly hurts in it, likewise.", "occupation_tasks.task"
    )
    human_accountability: str = mapped(
        "What a person stays answerable for, by authored rules on its tasks' words.",
        "occupation_tasks.task",
    )
    score: float = mapped(
        "What the rank orders by, 0-1; weights are authored.",
        "task_ratings.data_value",
        "occupation_tasks.task_type",
        "task_exposure.usage_pct",
        **_UNIT,
    )
    evidence_refs: TEXTS = mapped(  # type: ignore[valid-type]
        "Rows it stands on, as table:key: its listed tasks, its usage lines, its GDPval tasks.",
        "occupation_tasks.task_id",
        "task_exposure.task_name",
        "gdpval_task_map.task_id",
    )

    @pap.dataframe_check(name="top_is_first_five", description="is_top says whether rank <= 5")
    def _top(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.equal(data.table["is_top"], pc.less_equal(data.table["rank"], TOP))

    @pap.dataframe_check(
        name="usage_has_lines", description="usage has a release and lines, and only usage has"
    )
    def _usage_has_lines(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        used = data.table["usage_pct"].is_valid()
        lines = pc.greater(pc.list_value_length(data.table["economic_index_tasks"]), 0)
        released = data.table["usage_release"].is_valid()
        return pc.and_(pc.equal(used, lines), pc.equal(used, released))

    @pap.dataframe_check(
        name="tasks_are_listed", description="at least one task is named, and no more than counted"
    )
    def _tasks_are_listed(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        listed = pc.list_value_length(data.table["task_ids"])
        return pc.and_(pc.greater(listed, 0), pc.less_equal(listed, data.table["task_count"]))


class Affordances(
    ProvenancedTable,
    key=("workflow_id",),
    parents=(
        Parent("workflows", (("workflow_id", "workflow_id"),)),
        Parent("exposure_measures", (("soc_codes", "in:soc_code"),)),
        Parent("economic_index_interactions", where=(("interaction_basis", ALL_USAGE),)),
        Parent("gpts_tasks", (("gpts_task_ids", "in:task_id"),)),
        Parent("authored/work_rules"),
    ),
):
    """What AI grants and blocks in a top workflow, what stays with people, and at what risk.

    Everything is derived from evidence or from an authored rule, and says which: no evidence is
    ``no_evidence`` and no grant. Nothing here says that AI stands in for a person.
    """

    workflow_id: str = mapped("The workflow.", "workflows.workflow_id", str_matches=WORKFLOW_ID)
    role_id: str = mapped("Its role.", "workflows.role_id", str_matches=ROLE_ID)
    workflow_title: str = mapped("Its title.", "workflows.workflow_title")
    evidence_state: str = mapped(
        "Whether any use of AI in it was observed or rated.",
        "workflows.usage_pct",
        "workflows.gdpval_task_ids",
        "gpts_tasks.model_exposure",
        isin=["evidence", "no_evidence"],
    )
    risk_tier: str = mapped(
        "The highest tier among the authored risk rules that fired; low where none did.",
        "workflows.task_ids",
        isin=RISK_TIERS,
    )
    risk_rules: TEXTS = mapped(  # type: ignore[valid-type]
        "Ids of the authored risk rules that fired, sorted.", "workflows.task_ids"
    )
    grants: CLAIMS = mapped(  # type: ignore[valid-type]
        "What AI can help with.", "workflows.usage_pct", "gpts_tasks.model_exposure"
    )
    blocks: CLAIMS = mapped(  # type: ignore[valid-type]
        "What AI must not be trusted with, or cannot do.", "workflows.task_ids"
    )
    human_owned: CLAIMS = mapped(  # type: ignore[valid-type]
        "What stays with people.", "workflows.human_accountability"
    )
    hitl_checkpoints: CLAIMS = mapped(  # type: ignore[valid-type]
        "Where a person must look before work goes on; at least one.", "workflows.task_ids"
    )
    tool_patterns: CLAIMS = mapped(  # type: ignore[valid-type]
        "Ways of working with AI that fit.", "workflows.task_ids"
    )
    failure_modes: CLAIMS = mapped(  # type: ignore[valid-type]
        "What commonly goes wrong.", "workflows.task_ids", "exposure_measures.rank_spread"
    )
    usage_pct: float = mapped(
        "As in the workflow.", "workflows.usage_pct", nullable=True, **_PERCENT
    )
    economic_index_exposure: float = mapped(
        "Rank of observed exposure within its measure, percent; of several occupations the median.",
        "exposure_measures.rank_pct",
        nullable=True,
        **_PERCENT,
    )
    working_with_ai_exposure: float = mapped(
        "Rank of AI applicability, likewise.",
        "exposure_measures.rank_pct",
        nullable=True,
        **_PERCENT,
    )
    gpts_exposure: float = mapped(
        "Rank of rated LLM exposure, likewise.",
        "exposure_measures.rank_pct",
        nullable=True,
        **_PERCENT,
    )
    soc_codes: TEXTS = mapped(  # type: ignore[valid-type]
        "SOC codes whose measures these are, sorted.", "exposure_measures.soc_code"
    )
    rank_spread: float = mapped(
        "Largest difference of the ranks, percentage points; null where fewer than two speak.",
        "exposure_measures.rank_pct",
        nullable=True,
        **_PERCENT,
    )
    measures_disagree: bool = mapped(
        "Whether rank_spread reaches the authored threshold.", "exposure_measures.rank_pct"
    )
    automation_share_pct: float = mapped(
        "Directive and feedback-loop share of classified conversations, percent; see"
        " interaction_basis.",
        "economic_index_interactions.usage_pct",
        nullable=True,
        **_PERCENT,
    )
    augmentation_share_pct: float = mapped(
        "Task iteration, learning and validation share, likewise.",
        "economic_index_interactions.usage_pct",
        nullable=True,
        **_PERCENT,
    )
    interaction_basis: str = mapped(
        "What the two shares are about: released for all usage together, never for a workflow."
        " Null where the workflow has no usage.",
        "economic_index_interactions.interaction_type",
        nullable=True,
        isin=[ALL_USAGE],
    )
    gpts_task_ids: NUMBERS = mapped(  # type: ignore[valid-type]
        "Its tasks that 'GPTs are GPTs' has labelled, sorted.", "gpts_tasks.task_id"
    )
    gdpval_task_count: int = mapped(
        "GDPval tasks linked to the workflow.", "workflows.gdpval_task_ids", ge=0
    )

    @pap.dataframe_check(
        name="no_evidence_no_grant", description="without evidence nothing is granted"
    )
    def _no_evidence_no_grant(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        evident = pc.equal(data.table["evidence_state"], "evidence")
        return pc.or_(evident, pc.equal(pc.list_value_length(data.table["grants"]), 0))

    @pap.dataframe_check(
        name="has_checkpoint", description="every pack has a checkpoint where a person looks"
    )
    def _has_checkpoint(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.greater(pc.list_value_length(data.table["hitl_checkpoints"]), 0)

    @pap.dataframe_check(
        name="no_replacement_wording",
        description="no claim says that AI takes the place of people (data/work_rules.yaml)",
    )
    def _no_replacement_wording(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        found = [holds_match(data.table[column], replacement_pattern()) for column in CLAIM_COLUMNS]
        return pc.invert(functools.reduce(pc.or_kleene, found))
