"""How far review is: what gates are found to be and what was decided at them, counted.

Belongs here: the figures of ``review_progress``. Stays out: what a gate is found to be
(``review.gates``), and showing it (``reports``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from aina_assets.contracts.review import Strictness
from aina_assets.release.report_tables import STATES, SUBJECTS, WAITING, ReviewProgress
from aina_assets.review.policy import ReviewGates
from aina_assets.review.tables import EXPIRED, IN_FORCE, ORPHANED, REFUSED
from aina_assets.warehouse.tables import arrow_schema

WAITING_STATES = ("pending", "expired", "stale")
"""States that end with a decision; the others end with another subject, or not at all."""

_OPEN = "open subjects: what comes after them may go on"
_OF_DECISIONS = {
    IN_FORCE: "decisions that count",
    EXPIRED: "approvals that expired",
    REFUSED: "decisions that do not count",
    ORPHANED: "objections that count, though their makers may not decide any more",
}


def review_progress(
    gate_states: pa.Table, decisions: pa.Table, review_gates: ReviewGates
) -> pa.Table:
    """Rows of ``ReviewProgress``: gates in order, then what waits."""
    subjects = gate_states.select(_OF_SUBJECTS).to_pylist()
    decided = decisions.select(["gate", "standing", "is_sample"]).to_pylist()
    rows = []
    for gate in review_gates.gates:
        found = [row for row in subjects if row["gate"] == gate.id]
        made = [row for row in decided if row["gate"] == gate.id]
        rows += [_row(gate.id, *figure) for figure in _figures(found, made)]
    waiting = sum(
        row["strictness"] == Strictness.HARD and row["state"] in WAITING_STATES for row in subjects
    )
    if waiting:
        rows.append(_row(None, WAITING, waiting, "subjects that wait at hard gates"))
    return pa.Table.from_pylist(rows, schema=arrow_schema(ReviewProgress))


_OF_SUBJECTS = ["gate", "strictness", "state", "is_open", "is_unreviewed", "required_edits"]


def _figures(
    subjects: list[dict[str, Any]], decided: list[dict[str, Any]]
) -> Iterable[tuple[str, int, str]]:
    states = Counter(row["state"] for row in subjects)
    standings = Counter(row["standing"] for row in decided)
    yield SUBJECTS, len(subjects), "subjects of the gate"
    for state in STATES:
        yield state, states[state], f"subjects found to be {state}"
    yield "open", sum(row["is_open"] for row in subjects), _OPEN
    unreviewed = sum(row["is_unreviewed"] for row in subjects)
    yield "unreviewed", unreviewed, "of these, open because the gate is soft, not approved"
    edits = sum(len(row["required_edits"]) for row in subjects)
    yield "required_edits", edits, "edits that objections ask for, as they stand"
    for standing, text in _OF_DECISIONS.items():
        yield f"decisions_{standing}", standings[standing], text
    samples = sum(row["is_sample"] for row in decided)
    yield "decisions_sample", samples, "sample decisions about sample data, whatever they count for"


def _row(gate: str | None, measure: str, value: int, definition: str) -> dict[str, Any]:
    return {
        "figure": measure if gate is None else f"{gate}.{measure}",
        "gate": gate,
        "measure": measure,
        "value": value,
        "definition": definition,
    }
