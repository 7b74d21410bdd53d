"""Which GDPval tasks: one for each family of the curriculum, then the candidates in order.

Belongs here: selection and ranking by the authored rules, and what a person is given to calibrate.
Stays out: drafts (``drafts``), what is decided on them (``stages``). Files are named, never opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.gdpval.drafts import draft, kept_criteria, sample_criterion, weightiest
from aina_assets.gdpval.policy import Cohort, CohortKind, GdpvalCohorts, SortKey
from aina_assets.gdpval.stages import draft_subject, first_stage, next_stage, sources, table_of
from aina_assets.gdpval.tables import (
    GdpvalCalibrationPacket,
    GdpvalHoldCloseout,
    GdpvalReplacementCandidateBacklog,
    GdpvalReplacementCandidatePack,
    GdpvalReplacementCandidateReviewBatch,
    State,
)
from aina_assets.review.subjects import subject
from aina_assets.warehouse.digests import digest_of_json

Row = Mapping[str, Any]

PACKET_KIND = "calibration_packet"


def _facts(task: Row, scenario: Row) -> dict[str, Any]:
    """What selection goes by, and where a task is from."""
    return {
        "task_id": task["task_id"],
        "occupation": task["occupation"],
        "is_complete": task["has_both"],
        "criterion_count": task["rubric_item_count"],
        "points": task["rubric_points"],
        "reference_uris": scenario["reference_uris"],
        "deliverable_uris": scenario["deliverable_uris"],
        "reference_file_count": task["reference_file_count"],
        "deliverable_file_count": task["deliverable_file_count"],
        "source_digest": digest_of_json(dict(task)),
        "source_row": task["source_row"],
        "source_class": scenario["source_class"],
        "allowed_use": scenario["allowed_use"],
    }


def _in_order(rows: Iterable[dict[str, Any]], order: Sequence[SortKey]) -> list[dict[str, Any]]:
    found = list(rows)
    # Sorting is stable: the last key first, so that the first one decides.
    for key in reversed(order):
        found.sort(key=itemgetter(key.by), reverse=key.most_first)
    return found


# ------------------------------------------------------------------------------ for every family


def hold_closeout(
    modules: pa.Table, tasks: pa.Table, scenarios: pa.Table, rules: GdpvalCohorts
) -> pa.Table:
    """Rows of ``GdpvalHoldCloseout``: the task of every family that has any, in order of ids."""
    facts = [_facts(*found) for found in sources(tasks, scenarios).values()]
    chosen: dict[str, list[str]] = defaultdict(list)
    for family, occupations in _occupations(modules).items():
        theirs = _in_order(
            (row for row in facts if row["occupation"] in occupations), rules.selection.order
        )
        if theirs:
            chosen[theirs[0]["task_id"]].append(family)
    (cohort,) = rules.of_kind(CohortKind.REPLACEMENT)
    rows = []
    for row in sorted(facts, key=lambda row: str(row["task_id"])):
        if row["task_id"] in chosen:
            state, reason = _closed_out(row, rules)
            common = first_stage(
                row | {"cohort": cohort.id}, items_in=len(chosen), state=state, reason=reason
            )
            rows.append(row | common | {"role_families": chosen[row["task_id"]]})
    return table_of(GdpvalHoldCloseout, rows)


def _occupations(modules: pa.Table) -> dict[str, set[str]]:
    """Occupations that the modules of each family name, by family, in order."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in modules.select(["role_family", "gdpval_occupations"]).to_pylist():
        found[row["role_family"]].update(row["gdpval_occupations"])
    return dict(sorted(found.items()))


def _closed_out(row: Row, rules: GdpvalCohorts) -> tuple[State, str]:
    size = f"{row['criterion_count']} criteria, {row['points']} points"
    limits = f"{rules.calibration.max_criteria} criteria and {rules.calibration.max_points} points"
    files = f"{row['reference_file_count']} reference, {row['deliverable_file_count']} deliverable"
    if not row["is_complete"]:
        return State.FILE_BLOCKED, f"no complete task of these occupations; files: {files}"
    if rules.calibration.holds(row["criterion_count"], row["points"]):
        return State.CALIBRATION_HOLD, f"{size}: beyond {limits}"
    return State.READY, f"{size}; files: {files}"


def calibration_packet(closeout: pa.Table, scenarios: pa.Table, rules: GdpvalCohorts) -> pa.Table:
    """Rows of ``GdpvalCalibrationPacket``: what a person is given for each calibration hold."""
    rubrics = {row["task_id"]: row["rubric"] for row in scenarios.to_pylist()}
    held = closeout.filter(pc.equal(closeout["state"], str(State.CALIBRATION_HOLD)))
    calibration = rules.calibration

    def make(row: Row) -> dict[str, Any]:
        sample = [
            {"points": item["points"], "text": sample_criterion(item["text"], rules.drafts)}
            for _, item in weightiest(rubrics[row["task_id"]])[: calibration.sample_criteria]
        ]
        shown = {name: row[name] for name in _SHOWN} | {
            "sample_criteria": sample,
            "actions": list(calibration.actions),
            "boundary": list(calibration.boundary),
        }
        return {
            **{name: row[name] for name in (*_SHOWN, "source_digest", "source_row")},
            **shown,
            "state": str(State.FOR_REVIEW),
            "reason": row["reason"],
            **subject(
                calibration.gate,
                PACKET_KIND,
                row["task_id"],
                title=f"{row['occupation']}: {row['reason']}",
                content=shown | {"source_row": row["source_row"]},
                evidence={f"gdpval_tasks:{row['task_id']}": row["source_digest"]},
            ),
        }

    return next_stage(GdpvalCalibrationPacket, held, make)


_SHOWN = (
    "occupation",
    "criterion_count",
    "points",
    "reference_uris",
    "deliverable_uris",
    "reference_file_count",
    "deliverable_file_count",
)


# ---------------------------------------------------------------------------------- candidates


def candidates(
    modules: pa.Table,
    tasks: pa.Table,
    scenarios: pa.Table,
    closeout: pa.Table,
    rules: GdpvalCohorts,
) -> list[dict[str, Any]]:
    """Complete tasks that no family took, can be drafted and need no calibration, in order."""
    named = set().union(*_occupations(modules).values())
    taken = set(closeout["task_id"].to_pylist())
    eligible = []
    for task, scenario in sources(tasks, scenarios).values():
        row = _facts(task, scenario)
        kept = kept_criteria(scenario["rubric"], rules.drafts)
        if (
            row["is_complete"]
            and row["occupation"] in named
            and row["task_id"] not in taken
            and not rules.calibration.holds(row["criterion_count"], row["points"])
            and len(kept) >= rules.drafts.min_criteria
        ):
            eligible.append(row)
    seen: dict[str, int] = defaultdict(int)
    placed = []
    for row in _in_order(eligible, rules.candidates.within_occupation):
        seen[row["occupation"]] += 1
        placed.append({**row, "place_in_occupation": seen[row["occupation"]]})
    ranked = _in_order(placed, rules.candidates.order)
    return [{**row, "place": place} for place, row in enumerate(ranked, 1)]


def candidate_pack(
    modules: pa.Table,
    tasks: pa.Table,
    scenarios: pa.Table,
    closeout: pa.Table,
    rules: GdpvalCohorts,
) -> pa.Table:
    """Rows of ``GdpvalReplacementCandidatePack``: the first candidates, drafted."""
    (cohort,) = rules.of_kind(CohortKind.PACK)
    ranked = candidates(modules, tasks, scenarios, closeout, rules)
    taken = ranked[: cohort.size]
    rows = [
        row
        | _taken(row, cohort.id, State.FOR_REVIEW, len(taken), len(ranked))
        | _drafted(row, cohort, sources(tasks, scenarios), rules)
        for row in taken
    ]
    return table_of(GdpvalReplacementCandidatePack, rows)


def candidate_backlog(
    modules: pa.Table,
    tasks: pa.Table,
    scenarios: pa.Table,
    closeout: pa.Table,
    pack: pa.Table,
    rules: GdpvalCohorts,
) -> pa.Table:
    """Rows of ``GdpvalReplacementCandidateBacklog``: the candidates that the pack left."""
    ranked = candidates(modules, tasks, scenarios, closeout, rules)
    in_pack = set(pack["task_id"].to_pylist())
    left = [row for row in ranked if row["task_id"] not in in_pack]
    rows = [
        row
        | _taken(row, BACKLOG, State.IN_BACKLOG, len(ranked) - len(in_pack), len(ranked))
        | {"elsewhere_count": len(in_pack)}
        for row in left
    ]
    return table_of(GdpvalReplacementCandidateBacklog, rows)


BACKLOG = "backlog"


def review_batch(
    backlog: pa.Table, tasks: pa.Table, scenarios: pa.Table, rules: GdpvalCohorts
) -> pa.Table:
    """Rows of ``GdpvalReplacementCandidateReviewBatch``: each batch takes what is next."""
    # Tables are stored in order of their keys.
    left = sorted(backlog.to_pylist(), key=itemgetter("place"))
    by_task = sources(tasks, scenarios)
    rows: list[dict[str, Any]] = []
    for cohort in rules.of_kind(CohortKind.BATCH):
        taken, there, left = left[: cohort.size], len(left), left[cohort.size :]
        rows += [
            row
            | _taken(row, cohort.id, State.FOR_REVIEW, len(taken), there)
            | {"upstream_state": str(State.IN_BACKLOG)}
            | _drafted(row, cohort, by_task, rules)
            for row in taken
        ]
    return table_of(GdpvalReplacementCandidateReviewBatch, rows)


def _taken(row: Row, cohort: str, state: State, count: int, eligible: int) -> dict[str, Any]:
    reason = f"{row['criterion_count']} criteria, place {row['place']} among the candidates"
    found = first_stage({**row, "cohort": cohort}, items_in=count, state=state, reason=reason)
    return found | {"eligible_count": eligible, "elsewhere_count": eligible - count}


def _drafted(
    row: Row, cohort: Cohort, by_task: Mapping[str, tuple[Row, Row]], rules: GdpvalCohorts
) -> dict[str, Any]:
    task, scenario = by_task[row["task_id"]]
    return draft_subject(cohort, draft(cohort.id, scenario, task, rules.drafts))
