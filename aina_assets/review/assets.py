"""Assets of the review room: every decision, and a slice of them for each gate.

Belongs here: declarations. A room that waits for a gate takes that gate's slice, so that a decision
makes stale what stands on it and nothing else.
"""

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from aina_assets.review import ledger, reading, tables
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.ledgers import RecordedEntries

GROUP = "review"

_table = partial(table_asset, group=GROUP)


@_table(tables.Decisions)
def decisions(
    recorded_decisions: pa.Table,
    decisions: RecordedEntries,
    review_gates: ReviewGates,
    reviewers: Reviewers,
) -> pa.Table:
    """Rows of ``Decisions`` as of now.

    Raises:
        LedgerTampered: the ledger is not what its checkpoints say.
        ReviewError: a recorded decision is not one.
    """
    ledger.require_sealed(reviewers)
    found = [
        *reading.from_lines(recorded_decisions.to_pylist()),
        *reading.from_ledger(map(ledger.decision_in, decisions)),
    ]
    return reading.decisions(found, review_gates, reviewers, reading.now())


def _slice(model: type[tables.DecisionRows]) -> Callable[..., pa.Table]:
    def of_gate(decisions: pa.Table) -> pa.Table:
        return reading.of_gate(decisions, tables.gate_of(model))

    return of_gate


gdpval_calibration_decisions = _table(tables.GdpvalCalibrationDecisions)(
    _slice(tables.GdpvalCalibrationDecisions)
)
gdpval_replacement_decisions = _table(tables.GdpvalReplacementDecisions)(
    _slice(tables.GdpvalReplacementDecisions)
)
gdpval_candidate_decisions = _table(tables.GdpvalCandidateDecisions)(
    _slice(tables.GdpvalCandidateDecisions)
)
title_adjudication_decisions = _table(tables.TitleAdjudicationDecisions)(
    _slice(tables.TitleAdjudicationDecisions)
)
rubric_approval_decisions = _table(tables.RubricApprovalDecisions)(
    _slice(tables.RubricApprovalDecisions)
)
production_boundary_decisions = _table(tables.ProductionBoundaryDecisions)(
    _slice(tables.ProductionBoundaryDecisions)
)
chapter_lo_brief_decisions = _table(tables.ChapterLoBriefDecisions)(
    _slice(tables.ChapterLoBriefDecisions)
)
chapter_module_sequence_decisions = _table(tables.ChapterModuleSequenceDecisions)(
    _slice(tables.ChapterModuleSequenceDecisions)
)
chapter_kb_synthesis_decisions = _table(tables.ChapterKbSynthesisDecisions)(
    _slice(tables.ChapterKbSynthesisDecisions)
)
module_lo_brief_decisions = _table(tables.ModuleLoBriefDecisions)(
    _slice(tables.ModuleLoBriefDecisions)
)
module_kb_synthesis_decisions = _table(tables.ModuleKbSynthesisDecisions)(
    _slice(tables.ModuleKbSynthesisDecisions)
)
reference_module_blueprint_decisions = _table(tables.ReferenceModuleBlueprintDecisions)(
    _slice(tables.ReferenceModuleBlueprintDecisions)
)
applet_kb_synthesis_decisions = _table(tables.AppletKbSynthesisDecisions)(
    _slice(tables.AppletKbSynthesisDecisions)
)
reference_applet_screens_decisions = _table(tables.ReferenceAppletScreensDecisions)(
    _slice(tables.ReferenceAppletScreensDecisions)
)
curriculum_entry_decisions = _table(tables.CurriculumEntryDecisions)(
    _slice(tables.CurriculumEntryDecisions)
)
