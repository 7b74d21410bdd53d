"""Models of the tables of authoring.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.review import Strictness
from aina_assets.warehouse.tables import Parent, ProvenancedTable

TEXTS = pa.list_(pa.string())
GATE = "gate"
RUBRIC = "rubric"
RULE = "rule"
TEMPLATE = "template"
CONTRACT = "contract"

_OF_KIND = {
    GATE: ("strictness",),
    RUBRIC: ("scope", "entry_count"),
    RULE: ("tier", "format"),
    TEMPLATE: (),
    CONTRACT: ("field_count", "required_count"),
}
"""Columns that rows of each kind have and no others do."""


def _names(description: str) -> Any:
    return pap.Field(description=f"{description}; empty where that kind has none.")


class AuthoringRegistry(
    ProvenancedTable,
    key=("kind", "name"),
    parents=(Parent("authored/authoring"), Parent("authored/review_gates")),
):
    """Everything by which content is written and reviewed.

    That is its gates, rubrics, domain rules, prompt templates and field contracts.
    """

    kind: str = pap.Field(isin=list(_OF_KIND), description="What it is.")
    name: str = pap.Field(str_matches=r"^[a-z][A-Za-z0-9_]*$", description="Its name.")
    title: str = pap.Field(description="What it is for, in words.")
    path: str = pap.Field(str_matches=r"^data/", description="File it stands in.")
    lanes: TEXTS = _names("Lanes in which it is used")  # type: ignore[valid-type]
    strictness: str = pap.Field(
        isin=[str(item) for item in Strictness],
        nullable=True,
        description="Of a gate: whether what follows waits.",
    )
    scope: str = pap.Field(
        isin=["module", "applet", "shared", "guide"],
        nullable=True,
        description="Of a rubric: what it is for.",
    )
    tier: str = pap.Field(isin=["A", "B"], nullable=True, description="Of a rule: its tier.")
    format: str = pap.Field(
        isin=["md", "json"], nullable=True, description="Of a rule: how it is written."
    )
    entry_count: int = pap.Field(
        ge=1,
        nullable=True,
        description="Of a rubric: its criteria, questions, pitfalls or rules.",
    )
    criterion_count: int = pap.Field(
        ge=1, nullable=True, description="Of a rubric that scores: its criteria."
    )
    points: int = pap.Field(ge=1, nullable=True, description="Of a rubric that scores: its points.")
    field_count: int = pap.Field(ge=0, nullable=True, description="Of a contract: its fields.")
    required_count: int = pap.Field(
        ge=0, nullable=True, description="Of a contract: fields that must be there."
    )
    variables: TEXTS = _names("Of a template: its variables")  # type: ignore[valid-type]
    producers: TEXTS = _names("Who makes it, or what it decides on")  # type: ignore[valid-type]
    consumers: TEXTS = _names("Who is told it, or reads it")  # type: ignore[valid-type]

    @pap.dataframe_check(description="each kind has its own columns filled, and those of no other")
    def columns_are_of_the_kind(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether each row fills what its kind has."""
        table = data.table
        answers = [
            pc.equal(pc.equal(table["kind"], kind), table[column].is_valid())
            for kind, columns in _OF_KIND.items()
            for column in columns
        ]
        scores = pc.equal(table["points"].is_valid(), table["criterion_count"].is_valid())
        return reduce(pc.and_, answers, scores)
