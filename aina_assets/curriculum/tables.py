"""Models of the tables about the curriculum.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.review.subjects import SubjectTable
from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table

MODULE_ID = r"^[a-z][a-z0-9_]*$"
TEXTS = pa.list_(pa.string())
LINKS = pa.list_(
    pa.struct(
        [
            ("module_id", pa.string()),
            ("level", pa.int64()),
            ("basis", pa.string()),
            ("matched_words", TEXTS),
            ("strength", pa.float64()),
            ("deliverable", pa.string()),
            ("criterion_count", pa.int64()),
        ]
    )
)
"""Modules for a workflow, the strongest link first: with the exercise and rubric they lead to."""

VERDICTS = ["met", "hold", "not_measured"]
AUTHORED_CLASS = str(SourceClass.INTERNAL)
AUTHORED_USE = str(AllowedUse.OPEN)

_CURRICULUM = Parent("authored/curriculum")
_RULES = Parent("authored/curriculum_rules")


def _count(description: str, **options: Any) -> Any:
    return pap.Field(description=description, **({"ge": 0} | options))


def _verdict() -> Any:
    return pap.Field(isin=VERDICTS, description="Whether the rule is met; hold where it is not.")


class CapabilityLevels(ProvenancedTable, key=("level",), parents=(_CURRICULUM,)):
    """The capability ladder."""

    level: int = pap.Field(ge=1, description="Step of the ladder, from 1.")
    level_id: str = pap.Field(str_matches=MODULE_ID, description="Id of the step.")
    name: str = pap.Field(description="Name of the step.")
    description: str = pap.Field(description="Who stands on it.")
    evidence: str = pap.Field(description="What a learner shows who stands on it.")


class Modules(
    ProvenancedTable, key=("module_id",), parents=(_CURRICULUM, Parent("authored/families"))
):
    """Modules, each with its lesson, exercise and rubric whole.

    Nobody has approved a rubric here: approvals are decisions, and live in their ledger.
    """

    module_id: str = pap.Field(str_matches=MODULE_ID, description="Id of the module.")
    role_family: str = pap.Field(str_matches=MODULE_ID, description="Role family it is for.")
    level: int = pap.Field(ge=1, description="Step of the ladder it leads to.")
    title: str = pap.Field(description="Title of the module.")
    outcome: str = pap.Field(description="What the learner can do afterwards.")
    minutes: int = pap.Field(ge=1, description="Learner's time, lesson and exercise, in minutes.")
    requires: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Modules to be mastered before."
    )
    is_general: bool = pap.Field(description="Whether it is for every workflow of its family.")
    words: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Or for those that have one of these words."
    )
    sources: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Sources of the ledger that it stands on."
    )
    deliverable: str = pap.Field(description="What is handed in.")
    criterion_count: int = _count("Criteria of the rubric.", ge=1)
    points: int = _count("Points of the rubric.", ge=1)
    points_to_pass: int = _count("Points that pass.", ge=1)
    gdpval_occupations: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Occupations whose GDPval tasks enrich it, as GDPval names them."
    )
    gdpval_rationale: str = pap.Field(description="Why they fit, or why none does.")
    digest: str = pap.Field(
        str_matches=r"^[0-9a-f]{64}$", description="Digest of the module as a contract."
    )
    document: str = pap.Field(description="The module as a contract (CurriculumModule), JSON.")


class RubricCriteria(ProvenancedTable, key=("module_id", "criterion_id"), parents=(_CURRICULUM,)):
    """Criteria of every rubric, in order."""

    module_id: str = pap.Field(str_matches=MODULE_ID, description="The module.")
    criterion_id: str = pap.Field(str_matches=MODULE_ID, description="Id within the rubric.")
    position: int = _count("Place in the rubric, from 1.", ge=1)
    points: int = _count("Points it gives.", ge=1)
    observable: str = pap.Field(description="What a reader looks for.")
    check_kinds: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Kinds of the checks that need no reader, in order."
    )
    is_gate: bool = pap.Field(description="Whether a pass gate asks for it in full.")


class WorkflowModules(
    ProvenancedTable,
    key=("workflow_id",),
    parents=(
        Parent("workflows", (("workflow_id", "workflow_id"),)),
        Parent("roles", (("role_id", "role_id"),)),
        Parent("modules", (("role_family", "role_family"),)),
    ),
):
    """Every top workflow with the modules for it, or the reason why there is none."""

    workflow_id: str = pap.Field(
        description="The workflow.", metadata={"from": ["workflows.workflow_id"]}
    )
    role_id: str = pap.Field(description="Its role.", metadata={"from": ["workflows.role_id"]})
    role_family: str = pap.Field(
        description="The role's family.", metadata={"from": ["roles.role_family"]}
    )
    workflow_title: str = pap.Field(
        description="Its title.", metadata={"from": ["workflows.workflow_title"]}
    )
    links: LINKS = pap.Field(  # type: ignore[valid-type]
        description="Modules for it, the strongest link first.",
        metadata={"from": ["modules.words", "workflows.workflow_title"]},
    )
    specific_count: int = _count("Of these, those whose words it has.")
    gap: str = pap.Field(
        nullable=True,
        isin=["only_general_modules", "family_outside_curriculum"],
        description="What is missing; null: nothing.",
    )

    @pap.dataframe_check(
        name="gap_is_stated", description="a workflow without links of its own says so"
    )
    def _gap_is_stated(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        specific = pc.greater(data.table["specific_count"], 0)
        return pc.equal(specific, data.table["gap"].is_null())


class ContentCoverage(
    Table,
    key=("role_family", "level"),
    parents=(
        Parent("modules", (("role_family", "role_family"), ("level", "level"))),
        Parent("workflow_modules", (("role_family", "role_family"),)),
        Parent("authored/families"),
    ),
):
    """Families against the ladder: what is taught, exercised and graded at each step."""

    role_family: str = pap.Field(str_matches=MODULE_ID, description="Role family.")
    level: int = pap.Field(ge=1, description="Step of the ladder.")
    module_count: int = _count("Modules there.")
    exercise_count: int = _count("Of these, with an exercise.")
    rubric_count: int = _count("Of these, with a rubric.")
    linked_workflow_count: int = _count("Top workflows that lead to one of them by their words.")
    workflow_count: int = _count("Top workflows of the family.")
    verdict: str = _verdict()


class LessonDepth(
    Table,
    key=("module_id", "measure"),
    parents=(Parent("modules", (("module_id", "module_id"),)), _RULES),
):
    """How deep each lesson goes, against the authored least: words of its parts, steps, questions.

    Depth is not quality: what meets it is long enough to teach, no more is said.
    """

    module_id: str = pap.Field(str_matches=MODULE_ID, description="The module.")
    measure: str = pap.Field(description="What is counted.")
    value: int = _count("How many.")
    minimum: int = _count("At least so many.", ge=1)
    verdict: str = _verdict()


class RubricDepth(
    Table,
    key=("module_id", "rule"),
    parents=(
        Parent("modules", (("module_id", "module_id"),)),
        Parent("source_ledger"),
        Parent("source_files"),
        Parent("gdpval_tasks"),
        _RULES,
    ),
):
    """Whether each rubric is actionable, sourced and enriched, rule by rule."""

    module_id: str = pap.Field(str_matches=MODULE_ID, description="The module.")
    rule: str = pap.Field(
        isin=[
            "criteria_are_actionable",
            "criteria_are_enough",
            "refs_are_recorded",
            "refs_are_resolved",
            "usage_is_considered",
            "gdpval_enriches",
            "people_decide",
        ],
        description="The rule.",
    )
    verdict: str = _verdict()
    found: str = pap.Field(description="What was found.")


class RubricSubjects(
    SubjectTable,
    key=("subject_key",),
    parents=(Parent("modules", (("subject_key", "module_id"),)),),
):
    """Rubrics as reviewers see them: outcome, exercise and rubric of every module."""

    role_family: str = pap.Field(
        str_matches=MODULE_ID,
        description="Role family it is for.",
        metadata={"from": ["modules.role_family"]},
    )
