"""Models of the tables that reports take their figures from.

Belongs here: counts of what other tables say, made so that they leave a receipt.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa

from aina_assets.contracts.review import GateState
from aina_assets.warehouse.tables import Parent, Table

STATES = tuple(str(state) for state in GateState)
SUBJECTS = "subjects"
WAITING = "waiting"
"""The one figure of no gate: subjects that wait at hard gates. It is there where there are any."""


class ReviewProgress(
    Table,
    key=("figure",),
    parents=(
        Parent("gate_states", (("gate", "gate"),)),
        Parent("decisions", (("gate", "gate"),)),
        Parent("authored/review_gates"),
    ),
):
    """How far review is: subjects and decisions of every gate, by state."""

    figure: str = pap.Field(description="`<gate>.<measure>`, or `waiting`, which is of all gates.")
    gate: str = pap.Field(nullable=True, description="The gate; null: all of them.")
    measure: str = pap.Field(description="What is counted.")
    value: int = pap.Field(ge=0, description="The count.")
    definition: str = pap.Field(description="How it is counted.")

    @pap.dataframe_check(description="every subject of a gate is in exactly one state")
    def subjects_add_up(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether states add up to the subjects; else the row of the subjects fails."""
        names = data.table["figure"].to_pylist()
        figures = [(name or "").split(".") for name in names]
        values = data.table["value"].to_pylist()
        # A null breaks ``schema``; what it would add up to cannot be said.
        is_unknown = None in values or None in names
        total: Counter[str] = Counter()
        for (gate, *measure), value in zip(figures, values, strict=True):
            if measure and measure[0] in STATES:
                total[gate] += value or 0
        holds = [
            measure != [SUBJECTS] or value == total[gate] or is_unknown
            for (gate, *measure), value in zip(figures, values, strict=True)
        ]
        return pa.chunked_array([holds], pa.bool_())
