"""The lifecycle by plain calls: every stage in order, on tables of a warehouse and decisions.

Belongs here: what the tests of this room share. The order in the graph is tried on a built sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa
import yaml

from aina_assets.gdpval import practice, previews, selection, stages, tables
from aina_assets.gdpval.policy import GdpvalCohorts
from aina_assets.practice.policy import PracticeRules
from aina_assets.review.policy import ReviewGates
from aina_assets.review.tables import DecisionRows
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.tables import arrow_schema, table_name

SAMPLE_DECISIONS = AUTHORED / "sample" / "review" / "gdpval.yaml"
KINDS = {"sample_cleo": "delegated", "sample_panel": "panel"}
ANSWERS = {"sample_cleo": "sample_ana", "sample_panel": "sample_ben"}


@cache
def rules() -> GdpvalCohorts:
    return GdpvalCohorts.load()


@cache
def review_gates() -> ReviewGates:
    return ReviewGates.load()


@cache
def practice_rules() -> PracticeRules:
    return PracticeRules.load()


def sample_decisions() -> list[dict[str, Any]]:
    """The sample's decisions as authored."""
    found: list[dict[str, Any]] = yaml.safe_load(SAMPLE_DECISIONS.read_text(encoding="utf-8"))
    return found


def decisions(authored: Iterable[Mapping[str, Any]], *subjects: pa.Table) -> pa.Table:
    """Rows of decisions on ``subjects`` as they are; those on others are left out."""
    digests = {
        (row["gate"], row["subject_kind"], row["subject_key"]): row["subject_digest"]
        for table in subjects
        for row in table.to_pylist()
    }
    rows = []
    for number, item in enumerate(authored, 1):
        digest = digests.get((item["gate"], item["subject_kind"], item["subject_key"]))
        if digest is not None:
            rows.append(decision({"subject_digest": digest} | dict(item), number))
    return pa.Table.from_pylist(rows, schema=arrow_schema(DecisionRows))


def decision(item: Mapping[str, Any], number: int) -> dict[str, Any]:
    """One row of decisions."""
    reviewer = item.get("reviewer_id", "sample_ana")
    return {
        "decision_id": hashlib.sha256(str(number).encode()).hexdigest()[:32],
        "ordinal": number,
        "origin": "recorded",
        "gate": item["gate"],
        "subject_kind": item["subject_kind"],
        "subject_key": item["subject_key"],
        "subject_digest": item["subject_digest"],
        "verdict": item["verdict"],
        "reasons": item.get("reasons", ["because"]),
        "required_edits": [
            {"argument": ""} | dict(edit) for edit in item.get("required_edits", [])
        ],
        "evidence": [],
        "reviewer_id": reviewer,
        "reviewer_kind": KINDS.get(reviewer, "person"),
        "responsible_id": ANSWERS.get(reviewer, reviewer),
        "decided_at": "2026-11-20T10:00:00Z",
        "expires_at": None,
        "supersedes": item.get("supersedes", []),
        "standing": item.get("standing", "in_force"),
        "refusal_reason": item.get("refusal_reason"),
        "is_sample": True,
        "document": "{}",
    }


STAGES: dict[str, type[tables.Stage]] = {
    "hold": tables.GdpvalHoldCloseout,
    "packet": tables.GdpvalCalibrationPacket,
    "calibration": tables.GdpvalCalibrationDecision,
    "closeout": tables.GdpvalReplacementCloseout,
    "drafts": tables.GdpvalReplacementDrafts,
    "payload": tables.GdpvalReplacementReviewerPayload,
    "domain": tables.GdpvalReplacementDomainReview,
    "replaced": tables.GdpvalReplacementRevisionCloseout,
    "practice": tables.GdpvalReplacementPractice,
    "bridge": tables.GdpvalReplacementReplayBridge,
    "intake": tables.GdpvalReplacementApprovedIntake,
    "pack": tables.GdpvalReplacementCandidatePack,
    "review": tables.GdpvalReplacementCandidateReview,
    "revision": tables.GdpvalReplacementCandidateRevisionCloseout,
    "candidates": tables.GdpvalReplacementCandidatePractice,
    "backlog": tables.GdpvalReplacementCandidateBacklog,
    "batch": tables.GdpvalReplacementCandidateReviewBatch,
    "batch_review": tables.GdpvalReplacementCandidateBatchReview,
    "outcome": tables.GdpvalReplacementCandidateBatchOutcome,
    "resolution": tables.GdpvalReplacementCandidateBatchResolution,
    "batch_practice": tables.GdpvalReplacementCandidateBatchPractice,
}
"""Models of the stages by the names that the tests give them."""


@dataclass
class Chain:
    """Every stage made so far, by name of its table, and what it is made from."""

    modules: pa.Table
    tasks: pa.Table
    scenarios: pa.Table
    authored: Sequence[Mapping[str, Any]] = ()
    rules: GdpvalCohorts = field(default_factory=rules)
    made: dict[str, pa.Table] = field(default_factory=dict)

    def run(self) -> Chain:
        """Every stage, in order."""
        made, rules = self.made, self.rules
        from_source = (self.tasks, self.scenarios, rules)
        hold = made["hold"] = selection.hold_closeout(self.modules, *from_source)
        packet = selection.calibration_packet(hold, self.scenarios, rules)
        made["packet"] = packet
        calibrated = decisions(self.authored, packet)
        made["calibration"] = stages.reviewed(
            tables.GdpvalCalibrationDecision, packet, calibrated, review_gates()
        )
        closeout = made["closeout"] = stages.replaced(
            tables.GdpvalReplacementCloseout, made["calibration"], *from_source
        )
        drafts = stages.offered(tables.GdpvalReplacementDrafts, closeout, rules)
        made["drafts"] = drafts
        said = decisions(self.authored, drafts)
        made["payload"] = stages.recorded(
            tables.GdpvalReplacementReviewerPayload, closeout, drafts, said
        )
        made["domain"] = stages.domain_reviewed(
            tables.GdpvalReplacementDomainReview, made["payload"], drafts, said, review_gates()
        )
        made["replaced"] = stages.resolved(
            tables.GdpvalReplacementRevisionCloseout, made["domain"], drafts, rules
        )
        made["practice"] = practice.practised(
            tables.GdpvalReplacementPractice, made["replaced"], rules, practice_rules()
        )
        made["bridge"] = previews.bridged(tables.GdpvalReplacementReplayBridge, made["practice"])
        made["intake"] = previews.inventoried(
            tables.GdpvalReplacementApprovedIntake, made["bridge"]
        )
        self._pack(hold)
        self._batch(hold)
        return self

    def _pack(self, hold: pa.Table) -> None:
        made, rules = self.made, self.rules
        pack = made["pack"] = selection.candidate_pack(
            self.modules, self.tasks, self.scenarios, hold, rules
        )
        made["review"] = stages.reviewed(
            tables.GdpvalReplacementCandidateReview,
            pack,
            decisions(self.authored, pack),
            review_gates(),
        )
        model = tables.GdpvalReplacementCandidateRevisionCloseout
        closed = made["revision"] = stages.resolved(model, made["review"], pack, rules)
        made["candidates"] = practice.practised(
            tables.GdpvalReplacementCandidatePractice, closed, rules, practice_rules()
        )

    def _batch(self, hold: pa.Table) -> None:
        made, rules = self.made, self.rules
        made["backlog"] = selection.candidate_backlog(
            self.modules, self.tasks, self.scenarios, hold, made["pack"], rules
        )
        batch = selection.review_batch(made["backlog"], self.tasks, self.scenarios, rules)
        made["batch"] = batch
        made["batch_review"] = stages.reviewed(
            tables.GdpvalReplacementCandidateBatchReview,
            batch,
            decisions(self.authored, batch),
            review_gates(),
        )
        made["outcome"] = stages.routed(
            tables.GdpvalReplacementCandidateBatchOutcome, made["batch_review"], rules
        )
        model = tables.GdpvalReplacementCandidateBatchResolution
        found = made["resolution"] = stages.resolved(model, made["outcome"], batch, rules)
        made["batch_practice"] = practice.practised(
            tables.GdpvalReplacementCandidateBatchPractice, found, rules, practice_rules()
        )

    def inputs(self) -> dict[str, Any]:
        """Everything a law may name: tables and documents, by the names they have in the graph."""
        made = self.made
        return {
            **{table_name(STAGES[stage]): table for stage, table in made.items()},
            "modules": self.modules,
            "gdpval_tasks": self.tasks,
            "gdpval_calibration_decisions": decisions(self.authored, made["packet"]),
            "gdpval_replacement_decisions": decisions(self.authored, made["drafts"]),
            "gdpval_candidate_decisions": decisions(self.authored, made["pack"], made["batch"]),
            "gdpval_cohorts": self.rules,
            "review_gates": review_gates(),
        }

    def states(self, stage: str) -> dict[str, int]:
        """Items of a stage by their state."""
        found = self.made[stage]["state"].to_pylist()
        return {state: found.count(state) for state in sorted(set(found))}

    def total(self, stage: str, column: str) -> int:
        """Sum of a column."""
        return sum(self.made[stage][column].to_pylist())
