"""Models of the tables about decisions: what was decided, and what each gate is found to be.

Belongs here: one model per table of decisions. Stays out: tables of subjects, which are the rooms'.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.review import GateState, ReviewerKind, ReviewVerdict, Strictness
from aina_assets.review.subjects import DIGEST, GATE, TEXTS
from aina_assets.warehouse.tables import Parent, Table, table_name

EDITS = pa.list_(
    pa.struct(
        [
            ("edit_id", pa.string()),
            ("kind", pa.string()),
            ("argument", pa.string()),
            ("text", pa.string()),
        ]
    )
)
DECISION_ID = r"^[0-9a-f]{32}$"
IN_FORCE = "in_force"
EXPIRED = "expired"
REFUSED = "refused"
ORPHANED = "orphaned"
"""Of an objection whose maker may not decide any more: it goes on closing, and opens nothing."""


class DecisionRows(Table):
    """Base of tables of decisions, whole or of one gate."""

    decision_id: str = pap.Field(str_matches=DECISION_ID, description="The decision.")
    ordinal: int = pap.Field(ge=1, description="Place among all decisions, oldest first.")
    origin: str = pap.Field(
        isin=["ledger", "recorded"],
        description="Ledger, or recorded decisions that the lock names.",
    )
    gate: str = pap.Field(str_matches=GATE, description="Gate.")
    subject_kind: str = pap.Field(description="Kind of subject.")
    subject_key: str = pap.Field(description="Which one of its kind.")
    subject_digest: str = pap.Field(
        str_matches=DIGEST, description="Digest of the subject as it was decided on."
    )
    verdict: str = pap.Field(
        isin=[str(item) for item in ReviewVerdict], description="What was said."
    )
    reasons: TEXTS = pap.Field(description="Why.")
    required_edits: EDITS = pap.Field(  # type: ignore[valid-type]
        description="Changes without which it is not approved."
    )
    evidence: TEXTS = pap.Field(description="What it stands on.")
    reviewer_id: str = pap.Field(description="Who decided.")
    reviewer_kind: str = pap.Field(
        isin=[str(item) for item in ReviewerKind], description="Person, delegated or panel."
    )
    responsible_id: str = pap.Field(
        nullable=True,
        description="The person who answers for it; null where the reviewer is not known.",
    )
    decided_at: str = pap.Field(description="When, ISO 8601 in UTC.")
    expires_at: str = pap.Field(
        nullable=True, description="Until when an approval counts; null: for ever."
    )
    supersedes: TEXTS = pap.Field(description="Decisions that count no more because of it.")
    standing: str = pap.Field(
        isin=[IN_FORCE, EXPIRED, REFUSED, ORPHANED],
        description="Whether it counts: an expired approval and a refused decision do not; an"
        " orphaned objection does, though its maker may not decide any more.",
    )
    refusal_reason: str = pap.Field(
        nullable=True, description="Why it was refused or orphaned; null where not."
    )
    is_sample: bool = pap.Field(description="Made on bundled sample data, to show the chain.")
    document: str = pap.Field(description="The signed decision, as JSON.")

    @pap.dataframe_check(description="what was refused or orphaned says why, and nothing else does")
    def refusals_have_reasons(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a reason is there exactly where it is needed."""
        is_refused = pc.is_in(data.table["standing"], value_set=pa.array([REFUSED, ORPHANED]))
        return pc.equal(is_refused, data.table["refusal_reason"].is_valid())


class Decisions(
    DecisionRows,
    key=("decision_id",),
    parents=(
        Parent(
            "recorded_decisions", on=(("document", "document"),), where=(("origin", "recorded"),)
        ),
        Parent("ledger/decisions", where=(("origin", "ledger"),)),
        Parent("authored/review_gates"),
        Parent("authored/reviewers"),
    ),
):
    """Every decision, as recorded, with whether it counts when this was made."""


_OF_DECISIONS = (Parent("decisions", on=(("decision_id", "decision_id"),)),)


class GdpvalCalibrationDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `gdpval_calibration`."""


class GdpvalReplacementDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `gdpval_replacement`."""


class GdpvalCandidateDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `gdpval_candidate`."""


class TitleAdjudicationDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `title_adjudication`."""


class RubricApprovalDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `rubric_approval`."""


class ProductionBoundaryDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `production_boundary`."""


class ChapterLoBriefDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `chapter_lo_brief`."""


class ChapterModuleSequenceDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `chapter_module_sequence`."""


class ChapterKbSynthesisDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `chapter_kb_synthesis`."""


class ModuleLoBriefDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `module_lo_brief`."""


class ModuleKbSynthesisDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `module_kb_synthesis`."""


class ReferenceModuleBlueprintDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `reference_module_blueprint`."""


class AppletKbSynthesisDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `applet_kb_synthesis`."""


class ReferenceAppletScreensDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `reference_applet_screens`."""


class CurriculumEntryDecisions(DecisionRows, key=("decision_id",), parents=_OF_DECISIONS):
    """Decisions at the gate `curriculum_entry`."""


def gate_of(model: type[DecisionRows]) -> str:
    """The gate whose decisions are the rows of ``model``."""
    return table_name(model).removesuffix("_decisions")


class GateStates(Table, key=("gate", "subject_kind", "subject_key")):
    """What each gate is found to be for each subject as it is now.

    A decision counts only where it is bound to the subject's present digest, in force, signed by a
    reviewer who may decide there and had no part in the subject, and not superseded.
    """

    gate: str = pap.Field(str_matches=GATE, description="Gate.")
    strictness: str = pap.Field(
        isin=[str(item) for item in Strictness], description="Hard or soft."
    )
    subject_kind: str = pap.Field(description="Kind of subject.")
    subject_key: str = pap.Field(description="Which one of its kind.")
    subject_digest: str = pap.Field(str_matches=DIGEST, description="Its present digest.")
    subject_title: str = pap.Field(description="Its name, for people.")
    state: str = pap.Field(
        isin=[str(item) for item in GateState], description="What the gate is found to be."
    )
    is_open: bool = pap.Field(description="Whether what comes after it may go on.")
    is_unreviewed: bool = pap.Field(
        description="It is open because it is soft, not because it is approved."
    )
    approval_count: int = pap.Field(ge=0, description="Approvals that count.")
    quorum: int = pap.Field(ge=1, description="Approvals it takes.")
    decision_ids: TEXTS = pap.Field(description="Decisions that count: approvals and objections.")
    former_decision_count: int = pap.Field(
        ge=0, description="Decisions on it as it was before it changed."
    )
    required_edits: EDITS = pap.Field(  # type: ignore[valid-type]
        description="Edits asked for by objections that count."
    )
    valid_until: str = pap.Field(
        nullable=True,
        description="When too few approvals are left; null: never, or it is not approved.",
    )
    reason: str = pap.Field(description="Why it is in that state, in words.")

    @pap.dataframe_check(description="hard gates are open where approved and nowhere else")
    def hard_means_approved(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether no hard gate is open without approvals enough."""
        table = data.table
        is_approved = pc.and_(
            pc.equal(table["state"], str(GateState.APPROVED)),
            pc.greater_equal(table["approval_count"], table["quorum"]),
        )
        is_hard = pc.equal(table["strictness"], str(Strictness.HARD))
        return pc.if_else(
            is_hard,
            pc.equal(table["is_open"], is_approved),
            pc.equal(table["is_unreviewed"], pc.and_not(table["is_open"], is_approved)),
        )
