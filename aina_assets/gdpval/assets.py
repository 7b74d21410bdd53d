"""Assets of the gdpval room: each stage with its receipt; order and lineage are the graph's.

Belongs here: declarations only.
"""
# ruff: noqa: D103 - an asset is described by its table

from collections.abc import Callable

import dagster as dg
import pyarrow as pa

from aina_assets.gdpval import practice, previews, selection, stages, tables
from aina_assets.gdpval.laws import LAWS
from aina_assets.gdpval.policy import GdpvalCohorts
from aina_assets.gdpval.tables import State
from aina_assets.practice.policy import PracticeRules
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.assets import Transform, table_asset
from aina_assets.warehouse.receipts import ReceiptSpec
from aina_assets.warehouse.tables import table_name

_EDITS = ("edit_count", "closed_edit_count", "open_edit_count")
_FILES = ("reference_file_count", "deliverable_file_count")
_HOLDS = (
    *(State.FILE_BLOCKED, State.CALIBRATION_HOLD, State.PENDING, State.REVISE, State.HELD),
    *(State.REJECTED, State.HELD_OUT, State.NOT_DRAFTABLE, State.REVISION_REQUIRED),
    *(State.REVIEW_HELD, State.REVIEW_REJECTED, State.REVIEW_PENDING, State.CONFIRMATION),
    *(State.REDRAFT, State.REDRAFT_OPEN, State.CONFIRMATION_OPEN, State.FAILED),
    State.SOURCE_FILE_REVIEW,
)


def gate_of(model: type[tables.Stage]) -> str:
    """Name of the receipt of a stage."""
    return f"{table_name(model)}_v1"


def _stage(
    model: type[tables.Stage],
    *upstream: type[tables.Stage],
    summed: tuple[str, ...] = (),
) -> Callable[[Transform], dg.AssetsDefinition]:
    return table_asset(
        model,
        group="gdpval",
        receipt=ReceiptSpec(
            gate_of(model),
            counted="state",
            summed=summed,
            holds=tuple(map(str, _HOLDS)),
            upstream=tuple(map(gate_of, upstream)),
        ),
        laws=LAWS[model],
    )


@_stage(tables.GdpvalHoldCloseout, summed=_FILES)
def gdpval_hold_closeout(
    modules: pa.Table,
    gdpval_tasks: pa.Table,
    sandbox_scenarios: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return selection.hold_closeout(modules, gdpval_tasks, sandbox_scenarios, gdpval_cohorts)


@_stage(
    tables.GdpvalCalibrationPacket,
    tables.GdpvalHoldCloseout,
    summed=("criterion_count", "points", *_FILES),
)
def gdpval_calibration_packet(
    gdpval_hold_closeout: pa.Table, sandbox_scenarios: pa.Table, gdpval_cohorts: GdpvalCohorts
) -> pa.Table:
    return selection.calibration_packet(gdpval_hold_closeout, sandbox_scenarios, gdpval_cohorts)


@_stage(tables.GdpvalCalibrationDecision, tables.GdpvalCalibrationPacket)
def gdpval_calibration_decision(
    gdpval_calibration_packet: pa.Table,
    gdpval_calibration_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    return stages.reviewed(
        tables.GdpvalCalibrationDecision,
        gdpval_calibration_packet,
        gdpval_calibration_decisions,
        review_gates,
    )


@_stage(tables.GdpvalReplacementCloseout, tables.GdpvalCalibrationDecision)
def gdpval_replacement_closeout(
    gdpval_calibration_decision: pa.Table,
    gdpval_tasks: pa.Table,
    sandbox_scenarios: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return stages.replaced(
        tables.GdpvalReplacementCloseout,
        gdpval_calibration_decision,
        gdpval_tasks,
        sandbox_scenarios,
        gdpval_cohorts,
    )


@table_asset(
    tables.GdpvalReplacementDrafts, group="gdpval", laws=LAWS[tables.GdpvalReplacementDrafts]
)
def gdpval_replacement_drafts(
    gdpval_replacement_closeout: pa.Table, gdpval_cohorts: GdpvalCohorts
) -> pa.Table:
    return stages.offered(
        tables.GdpvalReplacementDrafts, gdpval_replacement_closeout, gdpval_cohorts
    )


@_stage(tables.GdpvalReplacementReviewerPayload, tables.GdpvalReplacementCloseout)
def gdpval_replacement_reviewer_payload(
    gdpval_replacement_closeout: pa.Table,
    gdpval_replacement_drafts: pa.Table,
    gdpval_replacement_decisions: pa.Table,
) -> pa.Table:
    return stages.recorded(
        tables.GdpvalReplacementReviewerPayload,
        gdpval_replacement_closeout,
        gdpval_replacement_drafts,
        gdpval_replacement_decisions,
    )


@_stage(
    tables.GdpvalReplacementDomainReview, tables.GdpvalReplacementReviewerPayload, summed=_EDITS
)
def gdpval_replacement_domain_review(
    gdpval_replacement_reviewer_payload: pa.Table,
    gdpval_replacement_drafts: pa.Table,
    gdpval_replacement_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    return stages.domain_reviewed(
        tables.GdpvalReplacementDomainReview,
        gdpval_replacement_reviewer_payload,
        gdpval_replacement_drafts,
        gdpval_replacement_decisions,
        review_gates,
    )


@_stage(
    tables.GdpvalReplacementRevisionCloseout,
    tables.GdpvalReplacementDomainReview,
    summed=_EDITS,
)
def gdpval_replacement_revision_closeout(
    gdpval_replacement_domain_review: pa.Table,
    gdpval_replacement_drafts: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return stages.resolved(
        tables.GdpvalReplacementRevisionCloseout,
        gdpval_replacement_domain_review,
        gdpval_replacement_drafts,
        gdpval_cohorts,
    )


@_stage(
    tables.GdpvalReplacementPractice,
    tables.GdpvalReplacementRevisionCloseout,
    summed=("case_count", "matched_case_count", *_EDITS),
)
def gdpval_replacement_practice(
    gdpval_replacement_revision_closeout: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
    practice_rules: PracticeRules,
) -> pa.Table:
    return practice.practised(
        tables.GdpvalReplacementPractice,
        gdpval_replacement_revision_closeout,
        gdpval_cohorts,
        practice_rules,
    )


@_stage(
    tables.GdpvalReplacementReplayBridge,
    tables.GdpvalReplacementPractice,
    summed=("preview_count", "event_log_writes"),
)
def gdpval_replacement_replay_bridge(gdpval_replacement_practice: pa.Table) -> pa.Table:
    return previews.bridged(tables.GdpvalReplacementReplayBridge, gdpval_replacement_practice)


@_stage(
    tables.GdpvalReplacementApprovedIntake,
    tables.GdpvalReplacementReplayBridge,
    summed=("new_approvals",),
)
def gdpval_replacement_approved_intake(gdpval_replacement_replay_bridge: pa.Table) -> pa.Table:
    return previews.inventoried(
        tables.GdpvalReplacementApprovedIntake, gdpval_replacement_replay_bridge
    )


@_stage(tables.GdpvalReplacementCandidatePack, tables.GdpvalHoldCloseout)
def gdpval_replacement_candidate_pack(
    modules: pa.Table,
    gdpval_tasks: pa.Table,
    sandbox_scenarios: pa.Table,
    gdpval_hold_closeout: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return selection.candidate_pack(
        modules, gdpval_tasks, sandbox_scenarios, gdpval_hold_closeout, gdpval_cohorts
    )


@_stage(tables.GdpvalReplacementCandidateBacklog, tables.GdpvalReplacementCandidatePack)
def gdpval_replacement_candidate_backlog(
    modules: pa.Table,
    gdpval_tasks: pa.Table,
    sandbox_scenarios: pa.Table,
    gdpval_hold_closeout: pa.Table,
    gdpval_replacement_candidate_pack: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return selection.candidate_backlog(
        modules,
        gdpval_tasks,
        sandbox_scenarios,
        gdpval_hold_closeout,
        gdpval_replacement_candidate_pack,
        gdpval_cohorts,
    )


@_stage(tables.GdpvalReplacementCandidateReviewBatch, tables.GdpvalReplacementCandidateBacklog)
def gdpval_replacement_candidate_review_batch(
    gdpval_replacement_candidate_backlog: pa.Table,
    gdpval_tasks: pa.Table,
    sandbox_scenarios: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return selection.review_batch(
        gdpval_replacement_candidate_backlog, gdpval_tasks, sandbox_scenarios, gdpval_cohorts
    )


@_stage(
    tables.GdpvalReplacementCandidateBatchReview,
    tables.GdpvalReplacementCandidateReviewBatch,
    summed=_EDITS,
)
def gdpval_replacement_candidate_batch_review(
    gdpval_replacement_candidate_review_batch: pa.Table,
    gdpval_candidate_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    return stages.reviewed(
        tables.GdpvalReplacementCandidateBatchReview,
        gdpval_replacement_candidate_review_batch,
        gdpval_candidate_decisions,
        review_gates,
    )


@_stage(
    tables.GdpvalReplacementCandidateBatchOutcome,
    tables.GdpvalReplacementCandidateBatchReview,
    summed=_EDITS,
)
def gdpval_replacement_candidate_batch_outcome(
    gdpval_replacement_candidate_batch_review: pa.Table, gdpval_cohorts: GdpvalCohorts
) -> pa.Table:
    return stages.routed(
        tables.GdpvalReplacementCandidateBatchOutcome,
        gdpval_replacement_candidate_batch_review,
        gdpval_cohorts,
    )


@_stage(
    tables.GdpvalReplacementCandidateBatchResolution,
    tables.GdpvalReplacementCandidateBatchOutcome,
    summed=_EDITS,
)
def gdpval_replacement_candidate_batch_resolution(
    gdpval_replacement_candidate_batch_outcome: pa.Table,
    gdpval_replacement_candidate_review_batch: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return stages.resolved(
        tables.GdpvalReplacementCandidateBatchResolution,
        gdpval_replacement_candidate_batch_outcome,
        gdpval_replacement_candidate_review_batch,
        gdpval_cohorts,
    )


@_stage(
    tables.GdpvalReplacementCandidateBatchPractice,
    tables.GdpvalReplacementCandidateBatchResolution,
    summed=("case_count", "matched_case_count", *_EDITS),
)
def gdpval_replacement_candidate_batch_practice(
    gdpval_replacement_candidate_batch_resolution: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
    practice_rules: PracticeRules,
) -> pa.Table:
    return practice.practised(
        tables.GdpvalReplacementCandidateBatchPractice,
        gdpval_replacement_candidate_batch_resolution,
        gdpval_cohorts,
        practice_rules,
    )


@_stage(
    tables.GdpvalReplacementCandidateReview,
    tables.GdpvalReplacementCandidatePack,
    summed=_EDITS,
)
def gdpval_replacement_candidate_review(
    gdpval_replacement_candidate_pack: pa.Table,
    gdpval_candidate_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    return stages.reviewed(
        tables.GdpvalReplacementCandidateReview,
        gdpval_replacement_candidate_pack,
        gdpval_candidate_decisions,
        review_gates,
    )


@_stage(
    tables.GdpvalReplacementCandidateRevisionCloseout,
    tables.GdpvalReplacementCandidateReview,
    summed=_EDITS,
)
def gdpval_replacement_candidate_revision_closeout(
    gdpval_replacement_candidate_review: pa.Table,
    gdpval_replacement_candidate_pack: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
) -> pa.Table:
    return stages.resolved(
        tables.GdpvalReplacementCandidateRevisionCloseout,
        gdpval_replacement_candidate_review,
        gdpval_replacement_candidate_pack,
        gdpval_cohorts,
    )


@_stage(
    tables.GdpvalReplacementCandidatePractice,
    tables.GdpvalReplacementCandidateRevisionCloseout,
    summed=(
        *("case_count", "matched_case_count", "preview_count", "event_log_writes"),
        *("is_inventoried", "new_approvals"),
    ),
)
def gdpval_replacement_candidate_practice(
    gdpval_replacement_candidate_revision_closeout: pa.Table,
    gdpval_cohorts: GdpvalCohorts,
    practice_rules: PracticeRules,
) -> pa.Table:
    return practice.practised(
        tables.GdpvalReplacementCandidatePractice,
        gdpval_replacement_candidate_revision_closeout,
        gdpval_cohorts,
        practice_rules,
    )
