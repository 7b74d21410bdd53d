"""Stages of review: what a gate is found to be, where that leads, and what became of its edits.

Belongs here: rows of one stage made from those of the stage before. Stays out: whose decisions
count (``review.gates``), making and proving edits (``edits``), practice and previews.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.review import GateState, ReviewVerdict
from aina_assets.gdpval.drafts import Draft, banned_terms, draft, kept_criteria
from aina_assets.gdpval.edits import resolve
from aina_assets.gdpval.policy import Cohort, CohortKind, GdpvalCohorts, OnApproval
from aina_assets.gdpval.tables import Stage, State
from aina_assets.review.gates import find, gate_states
from aina_assets.review.policy import ReviewGates
from aina_assets.review.subjects import subject
from aina_assets.warehouse.tables import arrow_schema

Row = Mapping[str, Any]

DRAFT_KIND = "gdpval_draft"

_CARRIED = ("cohort", "task_id", "occupation", "source_class", "allowed_use", "decision_ids")
_STATE_OF_GATE = {
    GateState.APPROVED: State.APPROVED,
    GateState.REVISE: State.REVISE,
    GateState.HELD: State.HELD,
    GateState.REJECTED: State.REJECTED,
    # Decided once, and no longer: as if nobody had.
    GateState.PENDING: State.PENDING,
    GateState.EXPIRED: State.PENDING,
    GateState.STALE: State.PENDING,
}
_DOMAIN_REVIEW = {
    State.APPROVED: State.INTERNAL_ONLY,
    State.REVISE: State.REVISION_REQUIRED,
    State.HELD: State.REVIEW_HELD,
    State.REJECTED: State.REVIEW_REJECTED,
    State.PENDING: State.REVIEW_PENDING,
}


def next_stage(
    model: type[Stage], upstream: pa.Table, make: Callable[[Row], dict[str, Any]]
) -> pa.Table:
    """Rows of ``model``: every item of ``upstream``, in order, with what ``make`` finds of it.

    Args:
        model: the stage.
        upstream: rows of the stage before.
        make: ``state`` and ``reason`` of an item, and whatever else its stage has.
    """
    rows = upstream.to_pylist()
    sizes = Counter(row["cohort"] for row in rows)
    made = []
    for row in rows:
        edits = {name: row[name] for name in ("closed_edit_count", "open_edit_count")}
        found = {name: row[name] for name in _CARRIED} | edits | make(row)
        found |= {
            "items_in": sizes[row["cohort"]],
            "upstream_state": row["state"],
            "upstream_edit_count": found.get("upstream_edit_count", row["edit_count"]),
            "edit_count": found["closed_edit_count"] + found["open_edit_count"],
            "unlocks": 0,
        }
        made.append(found)
    return table_of(model, made)


def first_stage(row: Row, *, items_in: int, state: State, reason: str) -> dict[str, Any]:
    """The columns of ``Stage`` for an item that no stage had before."""
    return {name: row.get(name) for name in _CARRIED} | {
        "decision_ids": [],
        "items_in": items_in,
        "upstream_state": None,
        "state": str(state),
        "reason": reason,
        "upstream_edit_count": None,
        "edit_count": 0,
        "closed_edit_count": 0,
        "open_edit_count": 0,
        "unlocks": 0,
    }


def table_of(model: type[Stage], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """``rows`` as a table of ``model``; columns that it does not have are left out."""
    schema = arrow_schema(model)
    return pa.Table.from_pylist(
        [{name: row[name] for name in schema.names} for row in rows], schema=schema
    )


# ------------------------------------------------------------------------------------ what is found


def reviewed(
    model: type[Stage], subjects: pa.Table, decisions: pa.Table, review_gates: ReviewGates
) -> pa.Table:
    """Rows of ``model``: what the gate of each subject is found to be, and the edits asked for."""
    found = _found(subjects, decisions, review_gates)

    def make(row: Row) -> dict[str, Any]:
        return _as_found(row, found[row["task_id"]])

    return next_stage(model, subjects, make)


def _found(
    subjects: pa.Table, decisions: pa.Table, review_gates: ReviewGates
) -> dict[str, dict[str, Any]]:
    """What each subject's gate is found to be, by its key, with the edits of what counts."""
    made: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in decisions.sort_by("ordinal").to_pylist():
        made[row["gate"], row["subject_kind"], row["subject_key"]].append(row)
    authors = dict(
        zip(
            subjects["subject_key"].to_pylist(),
            subjects["subject_authors"].to_pylist(),
            strict=True,
        )
    )
    states = gate_states([subjects], decisions, review_gates).to_pylist()
    return {
        row["subject_key"]: row
        | {
            "required_edits": _required(
                row,
                authors[row["subject_key"]],
                made[row["gate"], row["subject_kind"], row["subject_key"]],
                review_gates,
            )
        }
        for row in states
    }


def _required(
    state: Row, authors: Sequence[str], made: Sequence[Row], review_gates: ReviewGates
) -> list[dict[str, Any]]:
    """Edits of the decisions that count, each reviewer's beside the others', oldest first.

    Whoever asks for edits lets a draft pass once they are made. So they count as backed where the
    gate would be found approved, had those who ask approved instead, and theirs were among the
    approvals.
    """
    counting = set(state["decision_ids"])
    asking = [
        row
        for row in made
        if row["decision_id"] in counting and row["verdict"] == ReviewVerdict.REVISE
    ]
    asked = {row["decision_id"] for row in asking}
    instead = [
        {**row, "verdict": str(ReviewVerdict.APPROVE)} if row["decision_id"] in asked else row
        for row in made
    ]
    gate = review_gates.gate(state["gate"])
    had_they = find(gate, state["subject_digest"], authors, instead)
    backed = (
        {row["decision_id"] for row in had_they.approvals}
        if had_they.state is GateState.APPROVED
        else set()
    )
    return [
        {
            **edit,
            "decision_id": row["decision_id"],
            "is_backed": row["decision_id"] in backed,
            "is_closed": False,
            "reason": _NOT_YET
            if row["decision_id"] in backed
            else f"{row['reviewer_id']} could not approve at {gate.id}: somebody who may decides",
        }
        for row in asking
        for edit in row["required_edits"]
    ]


_NOT_YET = "nobody has made it yet"


def _as_found(row: Row, state: Row) -> dict[str, Any]:
    """The columns of a stage of review for an item whose gate is found to be in ``state``."""
    outcome = _STATE_OF_GATE[GateState(state["state"])]
    return {
        "state": str(outcome),
        "reason": state["reason"],
        "decision_ids": [*row["decision_ids"], *state["decision_ids"]],
        "required_edits": state["required_edits"],
        "open_edit_count": len(state["required_edits"]),
        # Edits begin here.
        "upstream_edit_count": None,
        "is_replacement_required": outcome is State.HELD,
    }


def recorded(
    model: type[Stage], closeout: pa.Table, drafts: pa.Table, decisions: pa.Table
) -> pa.Table:
    """Rows of ``GdpvalReplacementReviewerPayload``: what was said of each draft."""
    digests = dict(
        zip(drafts["task_id"].to_pylist(), drafts["subject_digest"].to_pylist(), strict=True)
    )
    said: dict[str, list[Row]] = defaultdict(list)
    for row in decisions.sort_by("ordinal").to_pylist():
        if row["subject_kind"] == DRAFT_KIND:
            said[row["subject_key"]].append(row)

    def make(row: Row) -> dict[str, Any]:
        digest = digests.get(row["task_id"])
        found = [
            {name: item.get(name) for name in _OF_DECISION}
            | {"is_bound": item["subject_digest"] == digest}
            for item in said[row["task_id"]]
        ]
        state, reason = State(row["state"]), row["reason"]
        if state is State.NOT_DRAFTABLE:
            state = State.HELD_OUT
        elif state is State.DRAFTED:
            state = State.RECORDED if found else State.PENDING
            verdicts = ", ".join(f"{item['reviewer_id']}: {item['verdict']}" for item in found)
            reason = verdicts or "nobody has decided on the draft"
        return {"state": str(state), "reason": reason, "found": found}

    return next_stage(model, closeout, make)


_OF_DECISION = ("decision_id", "verdict", "reviewer_id", "reviewer_kind", "standing")


def domain_reviewed(
    model: type[Stage],
    payload: pa.Table,
    drafts: pa.Table,
    decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    """Rows of ``GdpvalReplacementDomainReview``: what the gate of each draft is found to be."""
    found = _found(drafts, decisions, review_gates)
    nothing: dict[str, Any] = {"required_edits": []}

    def make(row: Row) -> dict[str, Any]:
        if row["state"] == State.HELD_OUT:
            return {"state": row["state"], "reason": row["reason"], **nothing}
        if row["state"] != State.RECORDED:
            return {"state": str(State.REVIEW_PENDING), "reason": row["reason"], **nothing}
        seen = _as_found(row, found[row["task_id"]])
        return seen | {"state": str(_DOMAIN_REVIEW[State(seen["state"])])}

    return next_stage(model, payload, make)


# --------------------------------------------------------------------------- drafts as subjects


def replaced(
    model: type[Stage],
    calibration: pa.Table,
    tasks: pa.Table,
    scenarios: pa.Table,
    rules: GdpvalCohorts,
) -> pa.Table:
    """Rows of ``GdpvalReplacementCloseout``: a draft of every task that is kept held."""
    (cohort,) = rules.of_kind(CohortKind.REPLACEMENT)
    by_task = sources(tasks, scenarios)

    def make(row: Row) -> dict[str, Any]:
        nothing: dict[str, Any] = {
            "draft": None,
            "banned_terms": [],
            "edits": [],
            "cohort": cohort.id,
        }
        if row["state"] != State.HELD:
            waits = row["state"] == State.PENDING
            state = State.PENDING if waits else State.HELD_OUT
            what = "calibration is pending" if waits else "no replacement is needed"
            return {"state": str(state), "reason": f"{what}: {row['reason']}", **nothing}
        task, scenario = by_task[row["task_id"]]
        if len(kept_criteria(scenario["rubric"], rules.drafts)) < rules.drafts.min_criteria:
            reason = f"fewer than {rules.drafts.min_criteria} criteria are within the limits"
            return {"state": str(State.NOT_DRAFTABLE), "reason": reason, **nothing}
        made = draft(cohort.id, scenario, task, rules.drafts)
        of = f"{len(made.criteria)} of {len(scenario['rubric'])} criteria"
        return {
            **nothing,
            "state": str(State.DRAFTED),
            "reason": f"drafted from row {made.source_row} of the source: {of}",
            "draft": made.model_dump_json(),
            "banned_terms": banned_terms(made.texts(), rules.drafts),
        }

    return next_stage(model, calibration, make)


def sources(tasks: pa.Table, scenarios: pa.Table) -> dict[str, tuple[Row, Row]]:
    """Rows of ``gdpval_tasks`` and ``sandbox_scenarios`` by the task's id, where both are there."""
    by_task = {row["task_id"]: row for row in scenarios.to_pylist()}
    return {
        row["task_id"]: (row, by_task[row["task_id"]])
        for row in tasks.to_pylist()
        if row["task_id"] in by_task
    }


def offered(model: type[Stage], closeout: pa.Table, rules: GdpvalCohorts) -> pa.Table:
    """Rows of ``GdpvalReplacementDrafts``: what was drafted, as subjects of review."""
    drafted = closeout.filter(pc.equal(closeout["state"], str(State.DRAFTED)))

    def make(row: Row) -> dict[str, Any]:
        made = Draft.model_validate_json(row["draft"])
        return {
            "state": str(State.FOR_REVIEW),
            "reason": "waits for a person",
            **draft_subject(rules.by_id[made.cohort], made),
        }

    return next_stage(model, drafted, make)


def draft_subject(cohort: Cohort, made: Draft) -> dict[str, Any]:
    """The columns of ``SubjectTable`` for a draft."""
    return subject(
        cohort.gate,
        DRAFT_KIND,
        made.task_id,
        title=f"{made.occupation}: {made.deliverable}",
        content=made.model_dump(mode="json") | {"leads_to": str(cohort.on_approval)},
        evidence={f"gdpval_tasks:{made.task_id}": made.source_digest},
    )


def draft_of(document: str) -> Draft:
    """The draft in a subject's document."""
    content = json.loads(document)["content"]
    return Draft.model_validate({name: content[name] for name in Draft.model_fields})


# ------------------------------------------------------------------------------ routes and edits


def routed(model: type[Stage], review: pa.Table, rules: GdpvalCohorts) -> pa.Table:
    """Rows of ``GdpvalReplacementCandidateBatchOutcome``: where each reviewed draft goes."""

    def make(row: Row) -> dict[str, Any]:
        state = _ROUTES[State(row["state"])]
        if row["state"] == State.APPROVED:
            state = _APPROVED[rules.by_id[row["cohort"]].on_approval]
        return {
            "state": str(state),
            "reason": row["reason"],
            "required_edits": row["required_edits"],
        }

    return next_stage(model, review, make)


_ROUTES = {
    State.APPROVED: State.ADMITTED,
    State.REVISE: State.REDRAFT,
    State.HELD: State.HELD_OUT,
    State.REJECTED: State.HELD_OUT,
    State.PENDING: State.PENDING,
}
_APPROVED = {
    OnApproval.PRACTICE: State.ADMITTED,
    OnApproval.CONFIRMATION: State.CONFIRMATION,
}


def resolved(
    model: type[Stage], routes: pa.Table, subjects: pa.Table, rules: GdpvalCohorts
) -> pa.Table:
    """Rows of a ``Resolved`` stage: redrafts, with what became of each required edit.

    Args:
        model: the stage.
        routes: rows of the review, or of where it led.
        subjects: the drafts that were reviewed.
        rules: cohorts, limits and kinds of edit.
    """
    documents = dict(
        zip(subjects["task_id"].to_pylist(), subjects["subject_document"].to_pylist(), strict=True)
    )

    def make(row: Row) -> dict[str, Any]:
        route = State(row["state"])
        if route in (State.APPROVED, State.INTERNAL_ONLY):
            route = _APPROVED[rules.by_id[row["cohort"]].on_approval]
        document = documents.get(row["task_id"])
        made = None if document is None else draft_of(document)
        edits = row["required_edits"]
        state, reason = _UNCHANGED.get(route, route), row["reason"]
        if route in _TO_REDRAFT and made is not None:
            made, edits = _redrafted(made, edits, rules)
            closed = sum(edit["is_closed"] for edit in edits)
            state = State.REDRAFT_ADMITTED if closed == len(edits) else State.REDRAFT_OPEN
            reason = f"{closed} of {len(edits)} required edits are proved"
        return {
            "state": str(state),
            "reason": reason,
            "edits": edits,
            "draft": None if made is None else made.model_dump_json(),
            "banned_terms": [] if made is None else banned_terms(made.texts(), rules.drafts),
            **_edit_counts(edits),
        }

    return next_stage(model, routes, make)


def _redrafted(
    made: Draft, edits: Sequence[Row], rules: GdpvalCohorts
) -> tuple[Draft, list[dict[str, Any]]]:
    """``made`` with what is backed made in order; every edit with what became of it."""
    redraft, found = resolve(made, [edit for edit in edits if edit["is_backed"]], rules)
    answers = iter(found)
    answered = []
    for edit in edits:
        if edit["is_backed"]:
            item = next(answers)
            answered.append({**edit, "is_closed": item.is_closed, "reason": item.reason})
        else:
            answered.append(dict(edit))
    return redraft, answered


_TO_REDRAFT = (State.REVISE, State.REDRAFT, State.REVISION_REQUIRED)
_UNCHANGED = {
    State.CONFIRMATION: State.CONFIRMATION_OPEN,
    State.HELD: State.HELD_OUT,
    State.REJECTED: State.HELD_OUT,
    State.REVIEW_HELD: State.HELD_OUT,
    State.REVIEW_REJECTED: State.HELD_OUT,
    State.REVIEW_PENDING: State.PENDING,
}


def _edit_counts(edits: Iterable[Row]) -> dict[str, int]:
    found = Counter(bool(edit["is_closed"]) for edit in edits)
    return {"closed_edit_count": found[True], "open_edit_count": found[False]}
