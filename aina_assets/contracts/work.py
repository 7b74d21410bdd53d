"""Contracts of the work graph: what a role is, what its work is, what AI grants and blocks in it.

Belongs here: the shapes that packets, planner and API exchange. A row of ``roles``, ``workflows``
and ``affordances`` is one of each, field by field: ``role_profiles`` and its siblings read them.
Stays out: how a row is made (``work_graph``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

RoleId = Annotated[str, Field(pattern=r"^\d{2}-\d{4}(\.\d{2})?$")]
WorkflowId = Annotated[str, Field(pattern=r"^\d{2}-\d{4}(\.\d{2})?:[0-9a-f]{8}$")]
SocCode = Annotated[str, Field(pattern=r"^\d{2}-\d{4}$")]
OnetSocCode = Annotated[str, Field(pattern=r"^\d{2}-\d{4}\.\d{2}$")]
Text = Annotated[str, Field(min_length=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
EvidenceRef = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*:.+|authored/[a-z_]+#[a-z0-9_]+)$")]
"""``table:key`` or ``authored/<document>#<rule id>``."""


class CodeLevel(StrEnum):
    """Levels of the occupation tree, deepest first."""

    ONET_SOC = "onet_soc"
    DETAILED = "detailed"
    BROAD = "broad"
    MINOR = "minor"
    MAJOR = "major"


class Seniority(StrEnum):
    """Where in an organisation a role usually stands."""

    EXECUTIVE = "executive"
    MANAGER = "manager"
    SUPERVISOR = "supervisor"
    PROFESSIONAL = "professional"
    ASSOCIATE = "associate"
    ENTRY = "entry"
    MIXED = "mixed"
    """A group whose members stand in several places."""


class RoleTier(StrEnum):
    """How precise it is to be served this role: the tier of a title's fallback it can be."""

    EXACT = "exact"
    FUNCTION = "function"
    ARCHETYPE = "archetype"


class ClusterBasis(StrEnum):
    """What the tasks of a workflow have in common, closest first."""

    DWA = "dwa"
    IWA = "iwa"
    ELEMENT = "element"
    ELEMENT_GROUP = "element_group"
    TASK = "task"


class RiskTier(StrEnum):
    """How much harm a wrong result can do, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class EvidenceState(StrEnum):
    """Whether any use of AI was observed or rated."""

    EVIDENCE = "evidence"
    NO_EVIDENCE = "no_evidence"


class Contract(BaseModel):
    """Base: immutable, and nothing beside what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceClaim(Contract):
    """One statement and what it stands on."""

    claim: Text
    evidence_ref: EvidenceRef


class RoleProfile(Contract):
    """A node of the occupation tree as a role; a row of ``roles``."""

    schema_version: ClassVar[int] = 1

    role_id: RoleId
    code_level: CodeLevel
    canonical_title: Text
    soc_code: SocCode
    onet_soc_codes: tuple[OnetSocCode, ...]
    role_family: Text
    is_icp: bool
    role_function: Text | None
    seniority: Seniority
    job_zone: Annotated[int, Field(ge=1, le=5)] | None
    aliases: tuple[Text, ...]
    ambiguous_alias_count: Count
    task_count: Count
    fallback_tier: RoleTier
    confidence: Share
    source_class: Text
    allowed_use: Text


class WorkflowProfile(Contract):
    """A recurring workflow of a role; a row of ``workflows``. Units are those of the table."""

    schema_version: ClassVar[int] = 1

    workflow_id: WorkflowId
    role_id: RoleId
    rank: Annotated[int, Field(ge=1)]
    is_top: bool
    workflow_title: Text
    cluster_basis: ClusterBasis
    work_activity_ids: tuple[Text, ...]
    task_ids: Annotated[tuple[int, ...], Field(min_length=1)]
    task_count: Annotated[int, Field(ge=1)]
    core_task_count: Count
    member_count: Annotated[int, Field(ge=1)]
    importance: Percent | None
    importance_basis: Text
    frequency: Annotated[float, Field(ge=0)] | None
    frequency_basis: Text
    usage_pct: Percent | None
    usage_release: Text | None
    economic_index_tasks: tuple[Text, ...]
    gdpval_task_ids: tuple[Text, ...]
    deliverables: tuple[Text, ...]
    pain_points: tuple[Text, ...]
    human_accountability: Text
    score: Share
    evidence_refs: Annotated[tuple[EvidenceRef, ...], Field(min_length=1)]
    source_class: Text
    allowed_use: Text


class AIAffordancePack(Contract):
    """What AI grants and blocks in one workflow; a row of ``affordances``."""

    schema_version: ClassVar[int] = 1

    workflow_id: WorkflowId
    role_id: RoleId
    workflow_title: Text
    evidence_state: EvidenceState
    risk_tier: RiskTier
    risk_rules: tuple[Text, ...]
    grants: tuple[EvidenceClaim, ...]
    blocks: Annotated[tuple[EvidenceClaim, ...], Field(min_length=1)]
    human_owned: Annotated[tuple[EvidenceClaim, ...], Field(min_length=1)]
    hitl_checkpoints: Annotated[tuple[EvidenceClaim, ...], Field(min_length=1)]
    tool_patterns: tuple[EvidenceClaim, ...]
    failure_modes: tuple[EvidenceClaim, ...]
    usage_pct: Percent | None
    economic_index_exposure: Percent | None
    working_with_ai_exposure: Percent | None
    gpts_exposure: Percent | None
    soc_codes: tuple[SocCode, ...]
    rank_spread: Percent | None
    measures_disagree: bool
    automation_share_pct: Percent | None
    augmentation_share_pct: Percent | None
    interaction_basis: Text | None
    gpts_task_ids: tuple[int, ...]
    gdpval_task_count: Count
    source_class: Text
    allowed_use: Text


Rows = Iterable[Mapping[str, Any]]

_ROLES = TypeAdapter(list[RoleProfile])
_WORKFLOWS = TypeAdapter(list[WorkflowProfile])
_PACKS = TypeAdapter(list[AIAffordancePack])


def role_profiles(rows: Rows) -> list[RoleProfile]:
    """Rows of ``roles`` (as dicts) as profiles.

    Raises:
        pydantic.ValidationError: a row is not what the contract says; the error names it.
    """
    return _ROLES.validate_python(list(rows))


def workflow_profiles(rows: Rows) -> list[WorkflowProfile]:
    """Rows of ``workflows`` as profiles; raises as ``role_profiles`` does."""
    return _WORKFLOWS.validate_python(list(rows))


def affordance_packs(rows: Rows) -> list[AIAffordancePack]:
    """Rows of ``affordances`` as packs; raises as ``role_profiles`` does."""
    return _PACKS.validate_python(list(rows))
