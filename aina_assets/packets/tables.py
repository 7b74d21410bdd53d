"""Models of the tables about packets: the packets, their review, their references, their quality.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.packets import MissingGdpval, MissingUsage, PacketVerdict
from aina_assets.contracts.work import CodeLevel, RiskTier, Seniority
from aina_assets.titles.vocabulary import RUNGS, FallbackTier, ServiceTier
from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table

CODE = r"^\d{2}-\d{4}(\.\d{2})?$"
SERVED = [str(ServiceTier.SERVE_NOW), str(ServiceTier.SERVE_WITH_FALLBACK)]
SENIORITIES = [str(item) for item in Seniority]
RESOLVED = [str(item) for item in FallbackTier if item is not FallbackTier.UNRESOLVED]

TEXTS = pa.list_(pa.string())

USAGE_LINES = 5
"""Usage lines of a workflow that a packet lists; ``workflows`` has them all."""

WORKFLOWS = pa.list_(
    pa.struct(
        [
            ("workflow_id", pa.string()),
            ("workflow_title", pa.string()),
            ("rank", pa.int64()),
            ("task_ids", pa.list_(pa.int64())),
            ("economic_index_tasks", TEXTS),
            ("economic_index_task_count", pa.int64()),
            ("usage_release", pa.string()),
            ("gdpval_task_ids", TEXTS),
            ("has_affordance", pa.bool_()),
        ]
    )
)
"""The role's top workflows as they stand in ``workflows``, by rank; usage lines bounded."""

_SHARE: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_PERCENT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 100}}


def mapped(description: str, *sources: str, **options: Any) -> Any:
    """A column computed from ``sources`` (``table.column``)."""
    return pap.Field(description=description, metadata={"from": list(sources)}, **options)


class Packets(
    ProvenancedTable,
    key=("packet_id",),
    parents=(
        Parent("title_coverage", (("title_list", "title_list"), ("source_row", "source_row"))),
        Parent("roles", (("role_id", "role_id"),)),
        Parent("workflows", (("workflow_ids", "in:workflow_id"),)),
        Parent("affordances", (("workflow_ids", "in:workflow_id"),)),
        Parent("economic_index_exposure", (("economic_index_soc_codes", "in:soc_code"),)),
        Parent("gdpval_soc_map"),
        Parent("authored/packet_rules"),
    ),
):
    """One packet for every title row that is served: its role, top workflows, risks, references.

    Tier, confidence and code are those of ``title_coverage``, unchanged: a packet claims no more
    than its title's evidence. ``quality_flags`` say what to know before relying on it.
    """

    packet_id: str = mapped(
        "The title row: '<title_list>:<source_row>'.", "title_coverage.title_id"
    )
    title_list: str = mapped("The list, as in the lock.", "title_coverage.title_list")
    source_row: int = mapped(
        "Row of the list, from 1, header not counted.", "title_coverage.source_row"
    )
    title: str = mapped("The title as it stands.", "title_coverage.title")
    role_id: str = mapped("The role it is served.", "title_coverage.role_id", str_matches=CODE)
    role_family: str = mapped(
        "Family of the title: by its own words, else its role's.",
        "title_coverage.role_family",
        "roles.role_family",
    )
    code: str = mapped("Deepest code supported.", "title_coverage.code", str_matches=CODE)
    code_level: str = mapped(
        "Its level.", "title_coverage.code_level", isin=[str(item) for item in CodeLevel]
    )
    rung: str = mapped("How the code was come by.", "title_coverage.rung", isin=list(RUNGS))
    fallback_tier: str = mapped(
        "How far from an exact title.", "title_coverage.fallback_tier", isin=RESOLVED
    )
    confidence: float = mapped(
        "Calibrated probability that the code is right, 0-1.", "title_coverage.confidence", **_SHARE
    )
    service_tier: str = mapped("What may be served.", "title_coverage.service_tier", isin=SERVED)
    canonical_title: str = mapped("The role's title.", "roles.canonical_title")
    family_of_role: str = mapped("The role's own family.", "roles.role_family")
    role_function: str = mapped(
        "What the role does within its family.", "roles.role_function", nullable=True
    )
    seniority: str = mapped("The role's seniority.", "roles.seniority", isin=SENIORITIES)
    workflows: WORKFLOWS = mapped(  # type: ignore[valid-type]
        "The role's top workflows as they stand in workflows, by rank. Of the usage lines the first"
        " five in order, and how many there are.",
        "workflows.workflow_id",
        "workflows.task_ids",
        "workflows.economic_index_tasks",
        "workflows.gdpval_task_ids",
        "affordances.workflow_id",
    )
    workflow_ids: TEXTS = mapped(  # type: ignore[valid-type]
        "Ids of these workflows, in order.", "workflows.workflow_id"
    )
    risk_tier: str = mapped(
        "Highest risk tier of the workflows; null where there is none.",
        "affordances.risk_tier",
        nullable=True,
        isin=[str(item) for item in RiskTier],
    )
    risk_rules: TEXTS = mapped(  # type: ignore[valid-type]
        "Ids of the risk rules that fired on any of them, sorted.", "affordances.risk_rules"
    )
    economic_index_ref_count: int = mapped(
        "Distinct Economic Index usage lines behind the workflows.",
        "workflows.economic_index_tasks",
        ge=0,
    )
    economic_index_soc_codes: TEXTS = mapped(  # type: ignore[valid-type]
        "SOC codes of the role that have an Economic Index exposure, sorted.",
        "roles.onet_soc_codes",
        "economic_index_exposure.soc_code",
    )
    gdpval_ref_count: int = mapped(
        "Distinct GDPval tasks behind the workflows.", "workflows.gdpval_task_ids", ge=0
    )
    has_hf_refs: bool = mapped(
        "Whether anything of the two Hugging Face datasets speaks of it: a usage line, an exposure"
        " of its occupation, or a GDPval task.",
        "workflows.economic_index_tasks",
        "economic_index_exposure.soc_code",
        "workflows.gdpval_task_ids",
    )
    has_gdpval_refs: bool = mapped("Whether it names a GDPval task.", "workflows.gdpval_task_ids")
    missing_usage_reason: str = mapped(
        "Why it names no usage line; null where it does.",
        "workflows.economic_index_tasks",
        nullable=True,
        isin=[str(item) for item in MissingUsage],
    )
    missing_gdpval_reason: str = mapped(
        "Why it names no GDPval task; null where it does.",
        "workflows.gdpval_task_ids",
        "gdpval_soc_map.detailed_codes",
        nullable=True,
        isin=[str(item) for item in MissingGdpval],
    )
    quality_flags: TEXTS = mapped(  # type: ignore[valid-type]
        "What to know before relying on it, sorted; data/packet_rules.yaml says what each means.",
        "title_coverage.rung",
        "roles.role_family",
        "workflows.workflow_id",
        "affordances.evidence_state",
    )
    source_refs: TEXTS = mapped(  # type: ignore[valid-type]
        "Rows it stands on, as table:key.",
        "title_coverage.source_refs",
        "roles.role_id",
        "workflows.workflow_id",
    )

    @pap.dataframe_check(
        name="refs_are_counted", description="the two flags say whether there is a reference"
    )
    def _refs_are_counted(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        gdpval = pc.greater(data.table["gdpval_ref_count"], 0)
        usage = pc.greater(data.table["economic_index_ref_count"], 0)
        exposed = pc.greater(pc.list_value_length(data.table["economic_index_soc_codes"]), 0)
        found = pc.or_(pc.or_(gdpval, usage), exposed)
        return pc.and_(
            pc.equal(data.table["has_gdpval_refs"], gdpval),
            pc.equal(data.table["has_hf_refs"], found),
        )

    @pap.dataframe_check(
        name="missing_refs_have_a_reason",
        description="without a usage line, or a GDPval task, there is a reason; with one, none",
    )
    def _missing_refs_have_a_reason(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        without_usage = pc.equal(data.table["economic_index_ref_count"], 0)
        without_gdpval = pc.equal(data.table["gdpval_ref_count"], 0)
        return pc.and_(
            pc.equal(without_usage, data.table["missing_usage_reason"].is_valid()),
            pc.equal(without_gdpval, data.table["missing_gdpval_reason"].is_valid()),
        )

    @pap.dataframe_check(
        name="risk_comes_with_work",
        description="a packet with workflows has a risk tier, one without has none",
    )
    def _risk_comes_with_work(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        works = pc.greater(pc.list_value_length(data.table["workflow_ids"]), 0)
        return pc.equal(works, data.table["risk_tier"].is_valid())


class PacketReviews(
    Table,
    key=("packet_id",),
    parents=(
        Parent("packets", (("packet_id", "packet_id"),)),
        Parent("authored/packet_rules"),
        Parent("authored/work_rules"),
    ),
):
    """The semantic review of every packet: whether its parts agree with the tables they are from.

    Passing means structurally serviceable. It says nothing about how deep or how good a packet is.
    """

    packet_id: str = mapped("The packet.", "packets.packet_id")
    verdict: str = pap.Field(
        isin=[str(item) for item in PacketVerdict],
        description="inconsistent where a rule of severity hold failed.",
    )
    failed_rules: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Ids of the rules that failed, those that only note something included."
    )

    @pap.dataframe_check(
        name="inconsistent_names_a_rule", description="what is inconsistent names a failed rule"
    )
    def _inconsistent_names_a_rule(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        sound = pc.not_equal(data.table["verdict"], str(PacketVerdict.INCONSISTENT))
        return pc.or_(sound, pc.greater(pc.list_value_length(data.table["failed_rules"]), 0))


class PacketReviewRules(
    Table,
    key=("rule_id",),
    parents=(Parent("packet_reviews"), Parent("authored/packet_rules")),
):
    """The rules of the semantic review, each with how many packets it was held against and failed.

    All packets are checked. Passing every rule means structurally serviceable, no more.
    """

    rule_id: str = pap.Field(description="Rule, as authored.")
    subject: str = pap.Field(description="What it is about.")
    statement: str = pap.Field(description="What must agree.")
    severity: str = pap.Field(
        isin=["hold", "note"], description="Whether a failure makes the packet inconsistent."
    )
    checked_count: int = mapped("Packets checked.", "packet_reviews.packet_id", ge=0)
    failed_count: int = mapped("Packets that fail it.", "packet_reviews.failed_rules", ge=0)
    sample_packet_ids: TEXTS = mapped(  # type: ignore[valid-type]
        "The first few that fail it.", "packet_reviews.packet_id"
    )

    @pap.dataframe_check(
        name="failures_are_counted",
        description="no more fail than were checked, and samples are there where any fail",
    )
    def _failures_are_counted(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        within = pc.less_equal(data.table["failed_count"], data.table["checked_count"])
        sampled = pc.greater(pc.list_value_length(data.table["sample_packet_ids"]), 0)
        failing = pc.greater(data.table["failed_count"], 0)
        return pc.and_(within, pc.equal(failing, sampled))


class HfRuntimeMap(
    Table,
    key=("figure",),
    parents=(
        Parent("packets"),
        Parent("workflows"),
        Parent("soc_map"),
        Parent("source_files"),
        Parent("authored/packet_rules"),
    ),
):
    """How far the Hugging Face data reaches into the packets, and why it does not reach the rest.

    ``floor_pct`` is what an earlier engine reached on its own packets: to be matched, not a target.
    """

    figure: str = pap.Field(description="What is counted.")
    value: int = mapped(
        "The count.", "packets.packet_id", "soc_map.soc_code", "source_files.path", ge=0
    )
    share_pct: float = pap.Field(
        nullable=True, **_PERCENT, description="Share of what it is counted among, percent."
    )
    floor_pct: float = pap.Field(
        nullable=True, **_PERCENT, description="Authored floor of the share; null: none."
    )
    unit: str = pap.Field(description="Packets, workflows, SOC codes or files.")
    definition: str = pap.Field(description="How it is counted.")


class PacketQuality(
    Table,
    key=("role_family", "measure"),
    parents=(
        Parent("packets", (("role_family", "role_family"),)),
        Parent("title_coverage", (("role_family", "role_family"),)),
        Parent("authored/packet_rules"),
        Parent("authored/families"),
    ),
):
    """Quality of the packets by role family: measured shares against authored thresholds.

    What passes met its thresholds; whether the content teaches anything is not measured here.
    """

    role_family: str = mapped(
        "Family, or 'several' for titles that are of more than one.", "packets.role_family"
    )
    measure: str = pap.Field(description="Measure, as authored.")
    dimension: str = pap.Field(
        isin=["evidence", "specificity", "risk", "fallback", "coverage"],
        description="Side of quality it measures.",
    )
    packet_count: int = mapped("Packets of the family.", "packets.packet_id", ge=0)
    base_count: int = mapped(
        "What the share is of: packets, their workflows or title rows.", "packets.packet_id", ge=0
    )
    value: float = pap.Field(
        nullable=True, **_SHARE, description="Measured share, 0-1; null: nothing to measure."
    )
    direction: str = pap.Field(
        isin=["at_least", "at_most"], description="On which side of the threshold is good."
    )
    threshold: float = pap.Field(**_SHARE, description="Authored threshold, 0-1.")
    verdict: str = pap.Field(
        isin=["pass", "hold", "not_measured"],
        description="not_measured where there is nothing to measure: no pass.",
    )

    @pap.dataframe_check(
        name="measured_has_value", description="a verdict, pass or hold, has a measured value"
    )
    def _measured_has_value(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        unmeasured = pc.equal(data.table["verdict"], "not_measured")
        return pc.equal(unmeasured, data.table["value"].is_null())


class RuntimePolicies(
    Table,
    key=("document",),
    parents=(Parent("authored/planner_rules"), Parent("authored/practice_rules")),
):
    """The authored documents planner and evaluator stand on, whole: a release runs by its own."""

    document: str = pap.Field(description="Name of the document below data/.")
    sha256: str = pap.Field(str_matches=r"^[0-9a-f]{64}$", description="Digest of its bytes.")
    content: str = pap.Field(description="The document, as YAML.")
