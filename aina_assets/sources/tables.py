"""Models of the source tables: what each upstream file says, typed and named.

Belongs here: one model per table this room stores. A column read from a file names its header
(``reading.column``). Stays out: anything computed from two sources.
"""

from __future__ import annotations

import functools
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.practice import Outcome
from aina_assets.contracts.vocabulary import (
    AbsenceReason,
    AllowedUse,
    FileStatus,
    RuntimeEligibility,
    SourceClass,
)
from aina_assets.sources.reading import column
from aina_assets.warehouse.tables import Parent, SourceTable, Table

SOC_CODE = r"^\d{2}-\d{4}$"
ONET_SOC_CODE = r"^\d{2}-\d{4}\.\d{2}$"
DETAILED_CODE = r"^\d{2}-\d{3}[1-9](\.\d{2})?$"
"""A detailed SOC 2018 code, or an O*NET-SOC code: the last digit of a broader group is 0."""
IWA_ID = r"^\d\.[A-Z]\.\d\.[a-z]\.\d\.I\d{2}$"
DWA_ID = r"^\d\.[A-Z]\.\d\.[a-z]\.\d\.I\d{2}\.D\d{2}$"
SHA256 = r"^[0-9a-f]{64}$"

_UNIT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_PERCENT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 100}}
_JOB_ZONE: dict[str, Any] = {"in_range": {"min_value": 1, "max_value": 5}}


def upstream(*inputs: str) -> tuple[Parent, ...]:
    """Parents for a table that is read straight from ``inputs``."""
    return tuple(Parent(f"upstream/{name}") for name in inputs)


def _onet_soc_code() -> Any:
    return column("O*NET-SOC Code", "O*NET-SOC 2019 code.", str_matches=ONET_SOC_CODE)


def _task_id(**options: Any) -> Any:
    return column("Task ID", "O*NET task id.", ge=1, **options)


def _task_type() -> Any:
    return column(
        "Task Type",
        "Core or Supplemental; null where not rated.",
        nullable=True,
        isin=["Core", "Supplemental"],
    )


# ----------------------------------------------------------------------------------- the ledger


class SourceLedger(Table, key=("source",), parents=upstream("sources_lock")):
    """Every source of this build: publisher, licence, allowed use, eligibility and pin."""

    source: str = pap.Field(description="Name of the source in the lock.")
    title: str = pap.Field(description="What the source is called.")
    publisher: str = pap.Field(description="Who publishes it.")
    owner: str = pap.Field(description="Who answers for it in this project.")
    release: str = pap.Field(description="The publisher's version.")
    source_class: str = pap.Field(
        isin=[str(item) for item in SourceClass], description="What kind of truth it can support."
    )
    licence: str = pap.Field(nullable=True, description="Licence as declared; null: none declared.")
    licence_url: str = pap.Field(nullable=True, description="Where the licence is stated.")
    allowed_use: str = pap.Field(
        isin=[str(item) for item in AllowedUse], description="What the licence allows."
    )
    runtime_eligibility: str = pap.Field(
        isin=[str(item) for item in RuntimeEligibility],
        description="Whether its rows may reach a learner.",
    )
    attribution: str = pap.Field(nullable=True, description="Attribution the licence asks for.")
    pin: str = pap.Field(description="Repository and commit, or URL, the files are pinned to.")
    file_count: int = pap.Field(ge=0, description="Files the lock names.")
    byte_cap: int = pap.Field(gt=0, description="Largest sum of file sizes accepted, in bytes.")
    note: str = pap.Field(nullable=True, description="What a user must know.")

    @pap.dataframe_check(
        name="no_licence_internal_only",
        description="a source with no licence is for internal use only",
    )
    def _no_licence(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        internal = pc.equal(data.table["allowed_use"], str(AllowedUse.INTERNAL_ONLY))
        eligible = pc.equal(data.table["runtime_eligibility"], str(RuntimeEligibility.ELIGIBLE))
        return pc.or_(data.table["licence"].is_valid(), pc.and_(internal, pc.invert(eligible)))


class SourceFiles(Table, key=("input", "path")):
    """The intake receipt: every file of the lock, whether it is there, and why not where it is not.

    An input that the lock does not name has one row with an empty path.
    """

    input: str = pap.Field(description="The declared input the file feeds.")
    path: str = pap.Field(description="Path below the cache root; empty where nothing is pinned.")
    source: str = pap.Field(nullable=True, description="Name of the source in the lock.")
    status: str = pap.Field(
        isin=[str(item) for item in FileStatus], description="Whether the file is there."
    )
    sha256: str = pap.Field(nullable=True, str_matches=SHA256, description="Digest of its bytes.")
    size_bytes: int = pap.Field(nullable=True, ge=0, description="Size in bytes.")
    is_pinned: bool = pap.Field(description="Whether the lock states the digest.")
    reason: str = pap.Field(
        nullable=True,
        isin=[str(item) for item in AbsenceReason],
        description="Why the file is absent.",
    )
    detail: str = pap.Field(description="The same, for people.")

    @pap.dataframe_check(
        name="absence_has_reason", description="absent files have a reason, present ones a digest"
    )
    def _absence(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        absent = pc.equal(data.table["status"], str(FileStatus.ABSENT))
        has_reason = data.table["reason"].is_valid()
        return pc.and_(
            pc.equal(absent, has_reason), pc.xor(absent, data.table["sha256"].is_valid())
        )


# ---------------------------------------------------------------------------------------- O*NET


class Occupations(SourceTable, key=("onet_soc_code",), parents=upstream("onet_occupation_data")):
    """O*NET occupations."""

    onet_soc_code: str = _onet_soc_code()
    title: str = column("Title", "Occupation title.")
    description: str = column("Description", "What the occupation does.")


class OccupationTasks(SourceTable, key=("task_id",), parents=upstream("onet_task_statements")):
    """O*NET tasks, one row a task of an occupation."""

    task_id: int = _task_id()
    onet_soc_code: str = _onet_soc_code()
    task: str = column("Task", "The task statement.")
    task_type: str = _task_type()
    incumbents_responding: int = column(
        "Incumbents Responding", "Incumbents who rated the task.", nullable=True, ge=0
    )
    date: str = column("Date", "Month of the data, MM/YYYY.", str_matches=r"^\d{2}/\d{4}$")
    domain_source: str = column("Domain Source", "Who supplied the data.")


class TaskRatings(
    SourceTable,
    key=("onet_soc_code", "task_id", "scale_id", "category"),
    parents=upstream("onet_task_ratings"),
):
    """O*NET task ratings, where the release has them: importance, relevance, frequency."""

    onet_soc_code: str = _onet_soc_code()
    task_id: int = _task_id()
    scale_id: str = column(
        "Scale ID",
        "IM importance 1-5, RT relevance 0-100 %, FT frequency, % in a category.",
        isin=["IM", "RT", "FT"],
    )
    category: int = column(
        "Category",
        "Frequency category 1-7; null for the other scales.",
        nullable=True,
        in_range={"min_value": 1, "max_value": 7},
    )
    data_value: float = column("Data Value", "The rating, on its scale.", **_PERCENT)
    respondent_count: int = column("N", "Respondents.", nullable=True, ge=0)
    is_suppress_recommended: bool = column(
        "Recommend Suppress", "Whether O*NET advises against use (low precision).", nullable=True
    )


class AlternateTitles(
    SourceTable,
    key=("onet_soc_code", "alternate_title", "short_title"),
    parents=upstream("onet_alternate_titles"),
):
    """O*NET alternate (lay) titles."""

    onet_soc_code: str = _onet_soc_code()
    alternate_title: str = column("Alternate Title", "The alternate title.")
    short_title: str = column("Short Title", "Its short form, where it has one.", nullable=True)
    title_sources: str = column("Source(s)", "O*NET codes of where the title was seen.")


class ReportedTitles(
    SourceTable, key=("onet_soc_code", "reported_title"), parents=upstream("onet_reported_titles")
):
    """Titles that job incumbents reported to O*NET."""

    onet_soc_code: str = _onet_soc_code()
    reported_title: str = column("Reported Job Title", "The reported title.")
    is_shown: bool = column("Shown in My Next Move", "Whether My Next Move shows it.")


class WorkActivities(SourceTable, key=("dwa_id",), parents=upstream("onet_dwa_reference")):
    """O*NET detailed work activities (DWA)."""

    dwa_id: str = column("DWA ID", "Detailed work activity id.", str_matches=DWA_ID)
    dwa_title: str = column("DWA Title", "What is done.")
    iwa_id: str = column("IWA ID", "Intermediate work activity id.", str_matches=IWA_ID)
    element_id: str = column("Element ID", "Element of the O*NET content model.")


class WorkActivityGroups(SourceTable, key=("iwa_id",), parents=upstream("onet_iwa_reference")):
    """O*NET intermediate work activities (IWA)."""

    iwa_id: str = column("IWA ID", "Intermediate work activity id.", str_matches=IWA_ID)
    iwa_title: str = column("IWA Title", "What is done.")
    element_id: str = column("Element ID", "Element of the O*NET content model.")


class TaskWorkActivities(
    SourceTable, key=("task_id", "dwa_id"), parents=upstream("onet_task_dwas")
):
    """O*NET tasks linked to detailed work activities."""

    task_id: int = _task_id()
    dwa_id: str = column("DWA ID", "Detailed work activity id.", str_matches=DWA_ID)
    onet_soc_code: str = _onet_soc_code()


class TechnologySkills(
    SourceTable, key=("onet_soc_code", "example"), parents=upstream("onet_technology_skills")
):
    """Software and tools by occupation."""

    onet_soc_code: str = _onet_soc_code()
    example: str = column("Example", "The product.")
    commodity_code: int = column("Commodity Code", "UNSPSC commodity code.", ge=0)
    commodity_title: str = column("Commodity Title", "UNSPSC commodity title.")
    is_hot: bool = column("Hot Technology", "Often asked for in job postings.")
    is_in_demand: bool = column("In Demand", "Often asked for in this occupation's postings.")


class JobZones(SourceTable, key=("onet_soc_code",), parents=upstream("onet_job_zones")):
    """O*NET job zone by occupation."""

    onet_soc_code: str = _onet_soc_code()
    job_zone: int = column("Job Zone", "Preparation needed: 1 little to 5 extensive.", **_JOB_ZONE)


class RelatedOccupations(
    SourceTable,
    key=("onet_soc_code", "related_onet_soc_code"),
    parents=upstream("onet_related_occupations"),
):
    """O*NET related occupations."""

    onet_soc_code: str = _onet_soc_code()
    related_onet_soc_code: str = column(
        "Related O*NET-SOC Code", "The related occupation.", str_matches=ONET_SOC_CODE
    )
    relatedness_tier: str = column(
        "Relatedness Tier", "How close.", isin=["Primary-Short", "Primary-Long", "Supplemental"]
    )
    rank: int = column("Index", "Rank among the related occupations.", ge=1)


# ------------------------------------------------------------------------------------------ SOC


class SocGroups(SourceTable, key=("soc_code",), parents=upstream("soc_structure")):
    """The SOC 2018 structure: every group with its level and the groups it belongs to."""

    soc_code: str = pap.Field(str_matches=SOC_CODE, description="SOC 2018 code.")
    level: str = pap.Field(
        isin=["major", "minor", "broad", "detailed"], description="Level in the structure."
    )
    title: str = pap.Field(description="Group title, apostrophes as ASCII.")
    major_code: str = pap.Field(str_matches=SOC_CODE, description="Major group.")
    minor_code: str = pap.Field(
        nullable=True, str_matches=SOC_CODE, description="Minor group; null for major groups."
    )
    broad_code: str = pap.Field(
        nullable=True, str_matches=SOC_CODE, description="Broad group; null above it."
    )


class SocCrosswalks(
    SourceTable,
    key=("crosswalk", "from_code", "to_code"),
    parents=(
        Parent("upstream/soc_2010_to_2018", where=(("crosswalk", "soc_2010_to_soc_2018"),)),
        Parent(
            "upstream/onet_soc_2010_to_2019",
            where=(("crosswalk", "onet_soc_2010_to_onet_soc_2019"),),
        ),
        Parent(
            "upstream/onet_soc_2019_to_soc_2018",
            where=(("crosswalk", "onet_soc_2019_to_soc_2018"),),
        ),
    ),
):
    """Crosswalks between SOC vintages, one row a pair of codes. Join on codes, never on titles."""

    crosswalk: str = pap.Field(
        isin=[
            "soc_2010_to_soc_2018",
            "onet_soc_2010_to_onet_soc_2019",
            "onet_soc_2019_to_soc_2018",
        ],
        description="Which crosswalk the pair is from.",
    )
    from_code: str = pap.Field(str_matches=r"^\d{2}-\d{4}(\.\d{2})?$", description="Older code.")
    from_title: str = pap.Field(description="Its title.")
    to_code: str = pap.Field(str_matches=r"^\d{2}-\d{4}(\.\d{2})?$", description="Newer code.")
    to_title: str = pap.Field(description="Its title.")


# ------------------------------------------------------------------------------- Economic Index


class EconomicIndexUsage(
    SourceTable,
    key=("release", "task_name"),
    parents=(
        Parent("upstream/economic_index_task_usage", where=(("release", "2025-02-10"),)),
        Parent("upstream/economic_index_task_usage_v2", where=(("release", "2025-03-27"),)),
    ),
):
    """Share of Claude conversations by task text, one release after another."""

    release: str = pap.Field(
        isin=["2025-02-10", "2025-03-27"], description="Economic Index release."
    )
    task_name: str = column("task_name", "Task text in lower case, or 'none'.")
    usage_pct: float = column("pct", "Share of conversations, percent.", **_PERCENT)


class EconomicIndexTasks(
    SourceTable, key=("task_id",), parents=upstream("economic_index_task_statements")
):
    """The O*NET 20.1 tasks that Economic Index usage refers to. Codes are O*NET-SOC 2010."""

    task_id: int = _task_id()
    onet_soc_2010_code: str = column(
        "O*NET-SOC Code", "O*NET-SOC 2010 code.", str_matches=ONET_SOC_CODE
    )
    occupation_title: str = column("Title", "Occupation title of that time.")
    task: str = column("Task", "The task statement.")
    task_type: str = _task_type()


class EconomicIndexInteractions(
    SourceTable, key=("interaction_type",), parents=upstream("economic_index_interaction_types")
):
    """How people work with AI: share of conversations by pattern. The shares do not sum to 100."""

    interaction_type: str = column(
        "interaction_type",
        "Pattern of collaboration; 'none' is unclassified.",
        isin=["directive", "feedback loop", "task iteration", "learning", "validation", "none"],
    )
    usage_pct: float = column("pct", "Share of conversations, percent.", **_PERCENT)


class EconomicIndexEmployment(
    SourceTable, key=("major_group_title",), parents=upstream("economic_index_employment")
):
    """Employment by SOC major group, May 2023, as released with the Economic Index."""

    major_group_title: str = column("SOC or O*NET-SOC 2019 Title", "Major group, by title only.")
    employment: int = column("bls_distribution", "Employed persons.", ge=0, whole_float=True)


class EconomicIndexWages(
    SourceTable, key=("onet_soc_2010_code",), parents=upstream("economic_index_wages")
):
    """Legacy wage, outlook and automation signals by O*NET occupation. -1 is read as null."""

    onet_soc_2010_code: str = column("SOCcode", "O*NET-SOC 2010 code.", str_matches=ONET_SOC_CODE)
    title: str = column("JobName", "Occupation title.")
    job_family: str = column("JobFamily", "Job family.")
    job_zone: int = column("JobZone", "Job zone.", nullable=True, **_JOB_ZONE, null_tokens=("-1",))
    median_salary: float = column(
        "MedianSalary", "Median pay in USD: a year's, or an hour's where below 500.", gt=0
    )
    job_forecast: int = column("JobForecast", "Projected job openings.")
    automation_chance_pct: float = column(
        "ChanceAuto",
        "Published chance of automation, percent.",
        nullable=True,
        **_PERCENT,
        null_tokens=("-1.0", "-1"),
    )


class EconomicIndexExposure(
    SourceTable, key=("soc_code",), parents=upstream("economic_index_job_exposure")
):
    """Observed exposure by SOC 2018 occupation."""

    soc_code: str = column("occ_code", "SOC 2018 code.", str_matches=SOC_CODE)
    title: str = column("title", "Occupation title.")
    observed_exposure: float = column("observed_exposure", "Observed exposure, 0-1.", **_UNIT)


class EconomicIndexPenetration(
    SourceTable, key=("source_row",), parents=upstream("economic_index_task_penetration")
):
    """Observed penetration by task text. Texts repeat: the file has no key of its own."""

    task: str = column("task", "Task text.")
    penetration: float = column("penetration", "Observed penetration, 0-1.", **_UNIT)


class EconomicIndexRequests(
    SourceTable,
    key=("channel", "cluster_path"),
    parents=(
        Parent("upstream/economic_index_requests_claude_ai", where=(("channel", "claude_ai"),)),
        Parent("upstream/economic_index_requests_api", where=(("channel", "api"),)),
    ),
):
    """Clusters of requests people make, three levels deep. The release has no counts for them."""

    channel: str = pap.Field(isin=["claude_ai", "api"], description="Where the requests were made.")
    cluster_path: str = pap.Field(description="Names from the top level down, joined by ' > '.")
    level: int = pap.Field(
        in_range={"min_value": 0, "max_value": 2}, description="2 is the top, 0 the finest."
    )
    cluster_name: str = pap.Field(description="Name of the cluster.")
    cluster_description: str = pap.Field(description="What its requests have in common.")


# --------------------------------------------------------------------------------------- GDPval


class GdpvalTasks(SourceTable, key=("task_id",), parents=upstream("gdpval_train")):
    """GDPval gold tasks. Reference and deliverable files are named, never downloaded."""

    task_id: str = pap.Field(description="GDPval task id.")
    sector: str = pap.Field(description="Sector of the economy.")
    occupation: str = pap.Field(description="Occupation, by title only.")
    prompt: str = pap.Field(description="The task as given to a professional.")
    reference_files: str = pap.Field(description="Paths of the reference files, a JSON list.")
    deliverable_files: str = pap.Field(description="Paths of the deliverables, a JSON list.")
    reference_file_count: int = pap.Field(ge=0, description="Reference files.")
    deliverable_file_count: int = pap.Field(ge=0, description="Deliverable files.")
    has_reference_files: bool = pap.Field(description="Whether it has reference files.")
    has_deliverables: bool = pap.Field(description="Whether it has deliverables.")
    has_both: bool = pap.Field(description="Whether it has both.")
    rubric: str = pap.Field(description="Rubric items as published, a JSON list.")
    rubric_item_count: int = pap.Field(ge=1, description="Rubric items.")
    negative_item_count: int = pap.Field(ge=0, description="Rubric items that take points away.")
    rubric_points: int = pap.Field(ge=1, description="Sum of the positive scores.")


# ----------------------------------------------------------------------------------------- OEWS

_USD: dict[str, Any] = {"nullable": True}


class BlsWages(
    SourceTable,
    key=("soc_code", "occupation_level"),
    parents=(
        *upstream("bls_oews_national"),
        Parent("upstream/bls_oews_series", where=(("occupation_level", "unstated"),)),
    ),
):
    """National employment and wages (BLS OEWS), all industries. Zero rows where no file is had."""

    soc_code: str = pap.Field(str_matches=SOC_CODE, description="OEWS occupation code.")
    occupation_level: str = pap.Field(
        isin=["total", "major", "minor", "broad", "detailed", "unstated"],
        description="Level as published; the series file does not state it.",
    )
    title: str = pap.Field(nullable=True, description="Occupation title; not in the series file.")
    reference_period: str = pap.Field(description="Period of the estimates.")
    employment: int = pap.Field(nullable=True, ge=0, description="Employed persons.")
    employment_prse_pct: float = pap.Field(
        nullable=True, ge=0, description="Relative standard error of employment, percent."
    )
    wage_prse_pct: float = pap.Field(
        nullable=True, ge=0, description="Relative standard error of the mean wage, percent."
    )
    hourly_mean_usd: float = pap.Field(**_USD, description="Mean hourly wage, USD.")
    hourly_p10_usd: float = pap.Field(**_USD, description="10th percentile hourly wage, USD.")
    hourly_p25_usd: float = pap.Field(**_USD, description="25th percentile hourly wage, USD.")
    hourly_median_usd: float = pap.Field(**_USD, description="Median hourly wage, USD.")
    hourly_p75_usd: float = pap.Field(**_USD, description="75th percentile hourly wage, USD.")
    hourly_p90_usd: float = pap.Field(**_USD, description="90th percentile hourly wage, USD.")
    annual_mean_usd: float = pap.Field(**_USD, description="Mean annual wage, USD.")
    annual_p10_usd: float = pap.Field(**_USD, description="10th percentile annual wage, USD.")
    annual_p25_usd: float = pap.Field(**_USD, description="25th percentile annual wage, USD.")
    annual_median_usd: float = pap.Field(**_USD, description="Median annual wage, USD.")
    annual_p75_usd: float = pap.Field(**_USD, description="75th percentile annual wage, USD.")
    annual_p90_usd: float = pap.Field(**_USD, description="90th percentile annual wage, USD.")
    top_coded: str = pap.Field(
        description="Columns published as 'at or above' the value, comma-separated; else empty."
    )

    @pap.dataframe_check(name="wages_positive", description="a stated wage is above zero")
    def _wages_positive(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        stated = [
            pc.fill_null(pc.greater(data.table[name], 0), True)
            for name in data.table.column_names
            if name.endswith("_usd")
        ]
        return functools.reduce(pc.and_, stated)


# ----------------------------------------------------------------------------- research exposure


class WorkingWithAiActivities(
    SourceTable, key=("iwa_id",), parents=upstream("working_with_ai_iwa")
):
    """AI usage metrics by work activity: as the user's goal and as the AI's action."""

    iwa_id: str = column("IWA", "Intermediate work activity id.", str_matches=IWA_ID)
    title: str = column("title", "What is done.")
    share_user: float = column("share_user", "Share of conversations, as user goal.", **_UNIT)
    share_ai: float = column("share_ai", "Share of conversations, as AI action.", **_UNIT)
    completion_user: float = column(
        "completion_user", "Task completion rate, user goal.", nullable=True, **_UNIT
    )
    completion_ai: float = column(
        "completion_ai", "Task completion rate, AI action.", nullable=True, **_UNIT
    )
    impact_scope_user: float = column(
        "impact_scope_user", "Scope of impact, user goal.", nullable=True, **_UNIT
    )
    impact_scope_ai: float = column(
        "impact_scope_ai", "Scope of impact, AI action.", nullable=True, **_UNIT
    )


class WorkingWithAiOccupations(
    SourceTable, key=("soc_code",), parents=upstream("working_with_ai_soc")
):
    """AI usage metrics by occupation. Some codes are OEWS combinations of SOC codes."""

    soc_code: str = column("SOC Code", "SOC 2018 or OEWS code.", str_matches=SOC_CODE)
    title: str = column("title", "Occupation title.")
    coverage_user: float = column("coverage_user", "Covered share of work, user.", **_UNIT)
    coverage_ai: float = column("coverage_ai", "Covered share of work, AI.", **_UNIT)
    applicability_user: float = column(
        "ai_applicability_score_user", "AI applicability, user goal.", **_UNIT
    )
    applicability_ai: float = column(
        "ai_applicability_score_ai", "AI applicability, AI action.", **_UNIT
    )


class WorkingWithAiScores(
    SourceTable, key=("soc_code",), parents=upstream("working_with_ai_scores")
):
    """The published AI applicability score by occupation: the mean of user and AI side."""

    soc_code: str = column("SOC Code", "SOC 2018 or OEWS code.", str_matches=SOC_CODE)
    title: str = column("title", "Occupation title.")
    applicability: float = column("ai_applicability_score", "AI applicability, 0-1.", **_UNIT)


class WorkingWithAiWeights(
    SourceTable, key=("soc_code", "iwa_id"), parents=upstream("working_with_ai_weights")
):
    """Weight of each work activity in an occupation; activities of weight zero have no row."""

    soc_code: str = pap.Field(str_matches=SOC_CODE, description="SOC 2018 or OEWS code.")
    iwa_id: str = pap.Field(str_matches=IWA_ID, description="Intermediate work activity id.")
    weight: float = pap.Field(gt=0, description="Weight, not normalised.")


class GptsOccupations(SourceTable, key=("onet_soc_code",), parents=upstream("gpts_occupations")):
    """LLM exposure of occupations: alpha direct, beta half-credit with tools, gamma full credit."""

    onet_soc_code: str = _onet_soc_code()
    title: str = column("Title", "Occupation title.")
    model_alpha: float = column("dv_rating_alpha", "Rated by GPT-4, direct.", **_UNIT)
    model_beta: float = column("dv_rating_beta", "Rated by GPT-4, half credit.", **_UNIT)
    model_gamma: float = column("dv_rating_gamma", "Rated by GPT-4, full credit.", **_UNIT)
    human_alpha: float = column("human_rating_alpha", "Rated by people, direct.", **_UNIT)
    human_beta: float = column("human_rating_beta", "Rated by people, half credit.", **_UNIT)
    human_gamma: float = column("human_rating_gamma", "Rated by people, full credit.", **_UNIT)


class GptsTasks(SourceTable, key=("task_id",), parents=upstream("gpts_tasks")):
    """LLM exposure labels of tasks: E0 none, E1 direct, E2 with tools."""

    task_id: int = _task_id(whole_float=True)
    onet_soc_code: str = _onet_soc_code()
    task: str = column("Task", "The task statement.")
    task_type: str = _task_type()
    model_exposure: str = column("gpt4_exposure", "Label by GPT-4.", isin=["E0", "E1", "E2"])
    human_exposure: str = column("human_exposure_agg", "Label by people.", isin=["E0", "E1", "E2"])


# --------------------------------------------------------------------------------------- titles


class TitleIntake(
    Table,
    key=("title_list",),
    parents=(Parent("upstream/title_lists", (("title_list", "path"),)),),
):
    """The door of the title lists: what each file's header held, and whether it was let in."""

    title_list: str = pap.Field(description="Path of the list in the lock.")
    source: str = pap.Field(description="Name of the source in the lock.")
    verdict: str = pap.Field(isin=["accepted", "refused"], description="Whether it was read.")
    columns_seen: str = pap.Field(description="Columns of the file, comma-separated.")
    forbidden_columns: str = pap.Field(
        description="Columns that name or reach a person, comma-separated; empty where accepted."
    )
    detail: str = pap.Field(description="The same, for people.")

    @pap.dataframe_check(
        name="forbidden_is_refused", description="a list with a forbidden column is refused"
    )
    def _refused(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        clean = pc.equal(data.table["forbidden_columns"], "")
        return pc.equal(clean, pc.equal(data.table["verdict"], "accepted"))


class TitleRows(
    SourceTable,
    key=("title_list", "source_row"),
    parents=(Parent("upstream/title_lists", (("title_list", "path"),)),),
):
    """Raw job titles as found, one row a row of a list. Market signal, never canonical truth."""

    title_list: str = pap.Field(description="Path of the list in the lock.")
    title: str = pap.Field(description="The title as it stands, untrimmed.")
    title_count: int = pap.Field(nullable=True, ge=0, description="How often the list saw it.")
    title_source: str = pap.Field(nullable=True, description="Where the list says it is from.")
    extra: str = pap.Field(nullable=True, description="Further columns of the list, a JSON object.")


class LabelledTitles(
    SourceTable,
    key=("labelled_list", "source_row"),
    parents=(Parent("upstream/labelled_titles", (("labelled_list", "path"),)),),
):
    """Titles to which independent coders gave a SOC code, one row a label. A title may have two."""

    labelled_list: str = pap.Field(description="Path of the list in the lock.")
    title: str = pap.Field(description="The title as it stands.")
    code: str = pap.Field(
        str_matches=DETAILED_CODE, description="The code it was given, SOC 2018 or O*NET-SOC 2019."
    )
    code_level: str = pap.Field(
        isin=["detailed", "onet_soc"],
        description="Which of the two: a detailed SOC occupation, or an O*NET-SOC one.",
    )
    is_illustrative: bool = pap.Field(
        nullable=True,
        description="Whether the list gives it as an example of the occupation; null: not said.",
    )
    source: str = pap.Field(description="Name of the source in the lock.")

    @pap.dataframe_check(
        name="code_has_level", description="an O*NET-SOC code, and no other, has that level"
    )
    def _level(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        is_onet_soc = pc.equal(data.table["code_level"], "onet_soc")
        return pc.equal(is_onet_soc, pc.match_substring(data.table["code"], "."))


# ----------------------------------------------------------------------------- graded submissions

OUTCOME = "_outcome"
"""As ``criterion_id``: a rater's outcome and sum of points. No criterion can be called so."""
PERSON = "person"


class GradedSubmissions(
    SourceTable,
    key=("submission_id", "module_id", "criterion_id", "rater_id"),
    parents=upstream("graded_submissions"),
):
    """What raters gave for submissions: a row a criterion, and one for the outcome.

    Texts are not kept, nor who wrote them.
    """

    submission_id: str = column("submission_id", "SHA-256 of the text.", str_matches=SHA256)
    module_id: str = column(
        "module_id", "Module it was handed in for.", str_matches=r"^[a-z][a-z0-9_]*$"
    )
    criterion_id: str = column(
        "criterion_id", "Criterion; '_outcome' for the outcome and the sum of points."
    )
    rater_id: str = column(
        "rater_id",
        "Who rated: of a person a code, never a name or address; of a grader its engine or judge.",
        str_matches=r"^[a-z0-9][a-z0-9:._/-]*( [0-9.]+)?$",
    )
    rater_kind: str = column("rater_kind", "Person or grader.", isin=[PERSON, "grader"])
    points: int = column("points", "Points given.", ge=0)
    points_possible: int = column("points_possible", "Points that can be had.", ge=1)
    outcome: str = column(
        "outcome",
        "Outcome, in the row for it; else null.",
        nullable=True,
        isin=[str(item) for item in Outcome],
    )

    @pap.dataframe_check(
        name="points_can_be_had", description="no more points were given than can be had"
    )
    def _points_can_be_had(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.less_equal(data.table["points"], data.table["points_possible"])

    @pap.dataframe_check(
        name="outcome_has_its_row", description="the row for the outcome has one, no other has"
    )
    def _outcome_has_its_row(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        is_for_it = pc.equal(data.table["criterion_id"], OUTCOME)
        return pc.equal(is_for_it, data.table["outcome"].is_valid())


# ------------------------------------------------------------------------------ recorded decisions


class RecordedDecisions(SourceTable, key=("source_row",), parents=upstream("recorded_decisions")):
    """Signed decisions that the lock names, a line each; only the bundled sample has some."""

    document: str = pap.Field(description="The signed decision, as JSON.")
