"""Models of the tables about learners, all of whom stay unnamed.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.learner import EventType
from aina_assets.contracts.practice import Outcome
from aina_assets.warehouse.tables import Parent, Table

OUTCOME_UNKNOWN = "unknown"
OUTCOMES = [*(str(item) for item in Outcome), OUTCOME_UNKNOWN]


class LearnerActivity(
    Table,
    key=("event_type", "module_id", "outcome"),
    parents=(
        Parent("ledger/learner_events"),
        Parent("modules", (("module_id", "module_id"),)),
        Parent("authored/activity_rules"),
    ),
):
    """What learners did, counted: one row a type of event, and one a module and outcome evaluated.

    Nobody is in it: no id, no text, no time. Counts of what fewer learners did than
    ``min_learners`` are null, and so are those from which these could be had by subtraction.
    """

    event_type: str = pap.Field(
        isin=[str(item) for item in EventType], description="What happened."
    )
    module_id: str = pap.Field(
        nullable=True,
        str_matches=r"^[a-z][a-z0-9_]*$",
        description="Module that was evaluated; null in rows of a type, and of a module that the"
        " curriculum does not hold.",
        metadata={"from": ["modules.module_id"]},
    )
    outcome: str = pap.Field(
        nullable=True,
        isin=OUTCOMES,
        description="What evaluations found; null in rows of a type of event.",
    )
    event_count: int = pap.Field(nullable=True, description="Events; null where hidden.")
    learner_count: int = pap.Field(
        nullable=True, description="Learners to whom they happened; null where hidden."
    )
    is_hidden: bool = pap.Field(description="Whether the counts are hidden.")
    min_learners: int = pap.Field(ge=2, description="No count of what fewer learners did is told.")

    @pap.dataframe_check(description="small groups are hidden, and others counted")
    def small_groups_are_hidden(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether counts are null where hidden and those of at least ``min_learners`` elsewhere."""
        columns = data.table
        events, learners = columns["event_count"], columns["learner_count"]
        # A bar that is null breaks ``schema``, and no count falls below it.
        enough = pc.greater_equal(
            pc.fill_null(learners, -1), pc.fill_null(columns["min_learners"], 0)
        )
        as_many = pc.greater_equal(pc.fill_null(events, -1), pc.fill_null(learners, 0))
        shown = pc.and_(enough, as_many)
        hidden = pc.and_(pc.is_null(events), pc.is_null(learners))
        return pc.if_else(columns["is_hidden"], hidden, shown)


class BetaFeedback(Table, key=("figure",), parents=(Parent("learner_activity"),)):
    """What learners did in the beta, one figure a row, as far as `learner_activity` tells it.

    What is hidden there is not in any figure; a figure that is not here is hidden, or nothing.
    """

    figure: str = pap.Field(
        description="`events.<type>`, `evaluations.<outcome>`, or `hidden_groups`."
    )
    value: int = pap.Field(ge=0, description="The count.")
    definition: str = pap.Field(description="How it is counted.")
