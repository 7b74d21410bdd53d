"""Previews: what a learner would be told of each synthetic case, and the inventory of intake.

Belongs here: a lane of its own beside the ledger of learners. Stays out: that ledger; this room
cannot import it, and names the events that would be written instead of writing any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from aina_assets.contracts.learner import EventType
from aina_assets.contracts.practice import Outcome
from aina_assets.gdpval.stages import next_stage
from aina_assets.gdpval.tables import Stage, State

Row = Mapping[str, Any]


def preview(case: Row) -> dict[str, Any]:
    """What a learner would be told of a case, and the events that would be written."""
    gate = (
        EventType.MASTERY_GATE_PASSED
        if case["outcome"] == Outcome.PASS
        else EventType.MASTERY_GATE_FAILED
    )
    events = (EventType.PRACTICE_SUBMITTED, EventType.EVALUATOR_COMPLETED, gate)
    told = ("case", "outcome", "points", "points_possible", "feedback", "next_step")
    return {name: case[name] for name in told} | {"event_types": [str(event) for event in events]}


def shown(state: str, cases: Iterable[Row], decision_ids: Sequence[str]) -> dict[str, Any]:
    """The columns of ``Previewed`` and ``Inventoried`` for an item after practice."""
    passed = state == State.PASSED
    found = [preview(case) for case in cases] if passed else []
    return {
        "previews": found,
        "preview_count": len(found),
        "event_log_writes": 0,
        "is_inventoried": passed and bool(decision_ids),
        "new_approvals": 0,
    }


def bridged(model: type[Stage], practice: pa.Table) -> pa.Table:
    """Rows of ``GdpvalReplacementReplayBridge``: previews of what passed practice."""
    after = {
        State.PASSED: State.PREVIEWED,
        State.FAILED: State.HELD_OUT,
        State.SOURCE_FILE_REVIEW: State.PENDING,
    }

    def make(row: Row) -> dict[str, Any]:
        state = State(row["state"])
        found = shown(row["state"], row["cases"], row["decision_ids"])
        return {"state": str(after.get(state, state)), "reason": row["reason"], **found}

    return next_stage(model, practice, make)


def inventoried(model: type[Stage], bridge: pa.Table) -> pa.Table:
    """Rows of ``GdpvalReplacementApprovedIntake``: what was previewed, and no more."""

    def make(row: Row) -> dict[str, Any]:
        is_in = row["state"] == State.PREVIEWED and bool(row["decision_ids"])
        state = State.INVENTORIED if is_in else State(row["state"])
        return {
            "state": str(state),
            "reason": row["reason"],
            "is_inventoried": is_in,
            "new_approvals": 0,
        }

    return next_stage(model, bridge, make)
