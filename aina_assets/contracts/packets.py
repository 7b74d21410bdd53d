"""Contracts of the packets room: what a planner is handed for a title, and what is said about it.

Belongs here: the shape of a row of ``packets``, field by field, and the words its columns hold.
Stays out: how a packet is made or reviewed (``packets``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from aina_assets.contracts.work import (
    CodeLevel,
    Contract,
    Count,
    RiskTier,
    RoleId,
    Seniority,
    Share,
    SocCode,
    Text,
    WorkflowId,
)

PacketId = Annotated[str, Field(pattern=r"^.+:[1-9][0-9]*$")]


class QualityFlag(StrEnum):
    """What a reader of a packet must know before relying on it; what each says is authored."""

    GROUP_ROLE = "group_role"
    MODEL_RUNG = "model_rung"
    FUZZY_MATCH = "fuzzy_match"
    FAMILY_FROM_TITLE = "family_from_title"
    FAMILY_STRADDLES = "family_straddles"
    NO_WORKFLOWS = "no_workflows"
    FEW_WORKFLOWS = "few_workflows"
    NO_USAGE_EVIDENCE = "no_usage_evidence"
    NO_AFFORDANCE_EVIDENCE = "no_affordance_evidence"
    MEASURES_DISAGREE = "measures_disagree"


class MissingUsage(StrEnum):
    """Why a packet names no Economic Index usage line."""

    ROLE_HAS_NO_TASKS = "role_has_no_tasks"
    NO_USAGE_OBSERVED_ON_TASKS = "no_usage_observed_on_tasks"
    USAGE_ONLY_OUTSIDE_TOP_WORKFLOWS = "usage_only_outside_top_workflows"


class MissingGdpval(StrEnum):
    """Why a packet names no GDPval task."""

    ROLE_HAS_NO_TASKS = "role_has_no_tasks"
    OCCUPATION_NOT_IN_GDPVAL = "occupation_not_in_gdpval"
    NO_GDPVAL_TASK_LIKE_ITS_TASKS = "no_gdpval_task_like_its_tasks"
    GDPVAL_ONLY_OUTSIDE_TOP_WORKFLOWS = "gdpval_only_outside_top_workflows"


class PacketVerdict(StrEnum):
    """What the semantic review says of a packet; nothing of how good it is."""

    STRUCTURALLY_SERVICEABLE = "structurally_serviceable"
    INCONSISTENT = "inconsistent"


class PacketWorkflow(Contract):
    """One top workflow of the role, as in ``workflows``."""

    workflow_id: WorkflowId
    workflow_title: Text
    rank: Annotated[int, Field(ge=1)]
    task_ids: Annotated[tuple[int, ...], Field(min_length=1)]
    economic_index_tasks: Annotated[tuple[Text, ...], Field(max_length=5)]
    economic_index_task_count: Count
    usage_release: Text | None
    gdpval_task_ids: tuple[Text, ...]
    has_affordance: bool


class RolePacket(Contract):
    """A row of ``packets``: what is known about the work behind one title."""

    packet_id: PacketId
    title_list: Text
    source_row: Annotated[int, Field(ge=1)]
    title: str
    role_id: RoleId
    role_family: Text
    code: RoleId
    code_level: CodeLevel
    rung: Text
    fallback_tier: Literal["exact", "alias", "normalised", "function", "archetype"]
    confidence: Annotated[Share, Field(gt=0)]
    service_tier: Literal["serve_now", "serve_with_fallback"]
    canonical_title: Text
    family_of_role: Text
    role_function: Text | None
    seniority: Seniority
    workflows: tuple[PacketWorkflow, ...]
    workflow_ids: tuple[WorkflowId, ...]
    risk_tier: RiskTier | None
    risk_rules: tuple[Text, ...]
    economic_index_ref_count: Count
    economic_index_soc_codes: tuple[SocCode, ...]
    gdpval_ref_count: Count
    has_hf_refs: bool
    has_gdpval_refs: bool
    missing_usage_reason: MissingUsage | None
    missing_gdpval_reason: MissingGdpval | None
    quality_flags: tuple[QualityFlag, ...]
    source_refs: Annotated[tuple[Text, ...], Field(min_length=2)]
    source_class: Text
    allowed_use: Text


_PACKETS = TypeAdapter(list[RolePacket])


def role_packets(rows: Iterable[Mapping[str, Any]]) -> list[RolePacket]:
    """Rows of ``packets`` (as dicts) as contracts.

    Raises:
        pydantic.ValidationError: a row is not what the contract says; the error names it.
    """
    return _PACKETS.validate_python(list(rows))
