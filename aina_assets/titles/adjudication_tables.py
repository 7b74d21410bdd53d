"""Models of the tables about decisions on titles: subjects, the coverage that follows, the figures.

Belongs here: one model per table of ``adjudication``. In a module of its own: what trains the model
and routes titles does not stand on it, so a change here does neither again.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.review.subjects import SubjectTable
from aina_assets.titles.tables import RoutedTitles
from aina_assets.titles.vocabulary import PROMOTED, FallbackTier, ServiceTier
from aina_assets.warehouse.tables import Parent, Table


class TitleAdjudicationSubjects(
    SubjectTable,
    key=("gate", "subject_kind", "subject_key"),
    parents=(
        Parent("title_routing", (("subject_key", "title_key"),)),
        Parent("title_lexicon", (("lexicon_ids", "in:lexicon_id"),)),
        Parent("roles", (("role_ids", "in:role_id"),)),
        Parent("occupations"),
    ),
):
    """Titles that the rules left open, as reviewers are shown them: one a folded title.

    Equal titles of several lists, and of several spellings, are one subject. Where a title's
    candidates, reasons or counts change, so does its digest, and what was decided lapses.
    """

    row_count: int = pap.Field(ge=1, description="Rows of title_routing that wait for it.")
    lexicon_ids: pa.list_(pa.string()) = pap.Field(  # type: ignore[valid-type]
        description="Known titles its rows matched."
    )
    role_ids: pa.list_(pa.string()) = pap.Field(  # type: ignore[valid-type]
        description="Roles on offer: an approval names one."
    )


class TitleCoverage(
    RoutedTitles,
    key=("title_list", "source_row"),
    parents=(
        Parent("title_routing", (("title_list", "title_list"), ("source_row", "source_row"))),
        Parent("title_adjudication_subjects", (("title_key", "subject_key"),)),
        Parent("title_adjudication_decisions", (("title_key", "subject_key"),)),
        Parent("roles", (("role_id", "role_id"),)),
        Parent("authored/review_gates"),
        Parent("authored/panel"),
    ),
):
    """Every row of the title universe with the one service tier it gets, and why.

    What ``title_routing`` says, and what was decided since: a row that waited for adjudication is
    served with a fallback where a decision bound to its title as it is now names a role. Such a row
    has the reason ``promoted_by_decision:<id>``. Being served means structurally serviceable; it is
    no approval.
    """

    @pap.dataframe_check(
        description="what a decision promoted is served with a fallback that claims no identity,"
        " and names the decision"
    )
    def promotion_is_decided(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether promoted rows are of the one tier they may get and refer to their decision."""
        table = data.table
        reasons = pc.binary_join(table["reasons"], " ")
        is_promoted = pc.match_substring(reasons, PROMOTED)
        modest = pc.and_(
            pc.equal(table["service_tier"], str(ServiceTier.SERVE_WITH_FALLBACK)),
            pc.is_in(
                table["fallback_tier"],
                value_set=pa.array([FallbackTier.FUNCTION, FallbackTier.ARCHETYPE]),
            ),
        )
        refers = pc.match_substring(pc.binary_join(table["source_refs"], " "), "decisions:")
        return pc.and_(pc.or_(pc.invert(is_promoted), modest), pc.equal(is_promoted, refers))


class TitleAdjudication(
    Table,
    key=("figure",),
    parents=(
        Parent("title_adjudication_subjects"),
        Parent("title_adjudication_decisions"),
        Parent("authored/review_gates"),
        Parent("authored/panel"),
    ),
):
    """What became of the titles that need a decision, and what the panel's votes are worth.

    Its receipt passes where the queue is settled: every title promoted on a role that its approvals
    cite, or rejected. While any waits, parts its reviewers, or is approved without proof, it holds.
    """

    figure: str = pap.Field(description="What is counted or measured.")
    value: int = pap.Field(ge=0, description="The count; of a measure, what it is measured on.")
    measure: float = pap.Field(
        nullable=True, ge=-1, description="The measure; null where it is a count, or not defined."
    )
    unit: str = pap.Field(
        isin=["titles", "rows", "votes", "models", "tokens"], description="What is counted."
    )
    definition: str = pap.Field(description="How it is counted or measured.")

    @pap.dataframe_check(description="every title of the queue is in exactly one state")
    def titles_add_up(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether the outcomes add up to the queue; else the queue's row fails."""
        figures = data.table["figure"].to_pylist()
        values = dict(zip(figures, data.table["value"].to_pylist(), strict=True))
        total = sum(values.get(outcome, 0) for outcome in OUTCOMES)
        return pa.chunked_array(
            [[name != "queue" or values[name] == total for name in figures]], pa.bool_()
        )


OUTCOMES = {
    "waiting": "titles nobody decided on",
    "promoted": "titles a decision promoted",
    "disagreed": "titles whose reviewers, or whose panel's models, part",
    "unproven": "titles whose approval names no role on offer, or whose votes do not carry it",
    "held": "titles on hold",
    "rejected": "titles of no role on offer",
    "expired": "titles whose approval expired",
    "stale": "titles that changed since they were decided on",
}
"""What may become of a title, with its meaning."""

SETTLED = ("promoted", "rejected")
UNSETTLED = tuple(outcome for outcome in OUTCOMES if outcome not in SETTLED)
"""Outcomes that leave the queue open: somebody has to decide, to agree, or to cite a role."""
