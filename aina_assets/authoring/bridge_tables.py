"""Models of the tables at the end of the lanes: reviews in figures, the way into the curriculum.

Belongs here: what a row is, and where it comes from. Stays out: making it (``bridge``).
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.authoring.lane_tables import STATUSES, GateSubjects
from aina_assets.authoring.review import READY, VERDICTS
from aina_assets.contracts.review import GateState
from aina_assets.warehouse.tables import Parent, ProvenancedTable

TEXTS = pa.list_(pa.string())
DOMAINS = pa.list_(
    pa.struct(
        [
            ("domain", pa.string()),
            ("total", pa.float64()),
            ("verdict", pa.string()),
            ("assessed_maximum", pa.int64()),
            ("applicable_maximum", pa.int64()),
        ]
    )
)
"""Rubric domains with their totals out of 25, and of how many points they were given of how many
that apply; what could not be scored has no total and no verdict."""

_STATES = [str(state) for state in GateState]
_REVIEWS = ("mod_review_compile_review", "app_review_compile_review")
_CONTENT = ("mod_review_build_blueprint", "app_review_build_blueprint")
_SCORES = tuple(
    f"{lane}_score_{what}"
    for lane in ("mod_review", "app_review")
    for what in ("gates", "rubric_domain")
)


def _count(description: str) -> Any:
    return pap.Field(nullable=True, description=f"{description}; null where there is no review.")


class AuthoringReviews(
    ProvenancedTable,
    key=("unit_id",),
    parents=(
        *(
            Parent(name, (("review_id", "document_id"), ("unit_id", "unit_id")))
            for name in _REVIEWS
        ),
        *(Parent(name, (("unit_id", "unit_id"),)) for name in (*_CONTENT, *_SCORES)),
    ),
):
    """The review of each module and applet in figures, with whoever wrote and scored it.

    A unit that has no review has a row that says what it waits for.
    """

    unit_id: str = pap.Field(description="Module or applet.")
    parent_id: str = pap.Field(description="Its chapter or module.")
    lane: str = pap.Field(isin=["mod_review", "app_review"], description="Lane.")
    status: str = pap.Field(isin=list(STATUSES), description="Whether there is a review.")
    reason: str = pap.Field(
        nullable=True, description="What it waits for, or what passed unreviewed on the way."
    )
    review_id: str = pap.Field(description="Row of the lane's `compile_review`.")
    review_sha256: str = pap.Field(nullable=True, description="Digest of the review.")
    content_id: str = pap.Field(nullable=True, description="Version of the plan it is about.")
    written_by: str = pap.Field(nullable=True, description="Maker of the plan.")
    scored_by: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Makers of the scorers' findings: `deterministic_draft` or models."
    )
    content_type: str = pap.Field(nullable=True, description="Kind of content.")
    is_ready: bool = pap.Field(
        nullable=True,
        description="Whether no blocking gate question fails and all that is asked was assessed.",
    )
    verdict: str = pap.Field(
        nullable=True,
        isin=list(VERDICTS),
        description="`not_ready`: a blocking question fails; `not_fully_assessed`: none does, and "
        "`not_assessed` says what nobody looked at.",
    )
    points_assessed: int = _count("Points of the rubrics that could be given, by what was assessed")
    points_applicable: int = _count("Points of the rubrics for this kind of content")
    gates_met: int = _count("Named gates that are met or do not apply")
    gates_open: int = _count("Named gates that are not met or not shown")
    domains: DOMAINS = pap.Field(  # type: ignore[valid-type]
        nullable=True, description="Rubric domains with their totals and verdicts."
    )
    pitfalls_kept: int = _count("Design pitfalls that were found")
    pitfalls_suspended: int = _count("Findings that code set aside, with the reason in the review")
    recommendations: int = _count("Things to do")
    not_assessed: TEXTS = pap.Field(  # type: ignore[valid-type]
        nullable=True,
        description="Scorers that came to nothing, and criteria (`D:D4`), gate questions and items "
        "of coverage without a finding.",
    )

    @pap.dataframe_check(description="nothing is ready of which something was not assessed")
    def ready_is_assessed(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a review is ready just where its verdict says so, with nothing left open."""
        table = data.table
        is_ready = pc.fill_null(table["is_ready"], False)
        said = pc.fill_null(pc.equal(table["verdict"], READY), False)
        whole = pc.and_(
            pc.fill_null(pc.equal(pc.list_value_length(table["not_assessed"]), 0), False),
            pc.fill_null(pc.equal(table["points_assessed"], table["points_applicable"]), False),
        )
        return pc.and_(pc.equal(is_ready, said), pc.or_(pc.invert(is_ready), whole))

    @pap.dataframe_check(description="figures are there exactly where a review is")
    def figures_come_from_reviews(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a row has figures where it was made, and none elsewhere."""
        is_made = pc.equal(data.table["status"], "made")
        names = (
            *("review_sha256", "is_ready", "verdict", "points_assessed", "points_applicable"),
            *("gates_met", "gates_open", "domains", "pitfalls_kept"),
        )
        answers = [pc.equal(data.table[name].is_valid(), is_made) for name in names]
        whole = answers[0]
        for answer in answers[1:]:
            whole = pc.and_(whole, answer)
        return whole


class CurriculumCandidates(
    GateSubjects,
    key=("subject_key",),
    parents=(
        Parent("mod_review_compile_blueprint", (("document_id", "document_id"),)),
        *(
            Parent(f"mod_review_{step}", (("subject_key", "unit_id"),))
            for step in ("module_intake", "build_blueprint", "compile_review")
        ),
        *(
            Parent(f"reference_module_blueprint_{kind}", (("subject_key", "subject_key"),))
            for kind in ("subjects", "decisions")
        ),
    ),
):
    """Modules whose blueprint a person has approved as it is, on their way into the curriculum.

    One that only passed its soft gate unreviewed is none.
    """


class CurriculumEntries(
    ProvenancedTable,
    key=("module_id",),
    parents=(
        Parent("curriculum_candidates", (("unit_id", "subject_key"),)),
        Parent("curriculum_entry_decisions", (("unit_id", "subject_key"),)),
    ),
):
    """Candidates at the gate `curriculum_entry`, and which of them may enter.

    Entering is not publishing: what a module of the curriculum has and a blueprint lacks is listed,
    and is written in `data/curriculum` by somebody.
    """

    module_id: str = pap.Field(
        str_matches=r"^[a-z][a-z0-9_]*$", description="Its id in the curriculum."
    )
    unit_id: str = pap.Field(description="The module, as the lanes call it.")
    title: str = pap.Field(description="Title.")
    state: str = pap.Field(isin=_STATES, description="What the gate is found to be.")
    is_admitted: bool = pap.Field(description="Whether it may enter.")
    reason: str = pap.Field(nullable=True, description="Why it is found to be that.")
    lacks: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Fields of `CurriculumModule` that no blueprint holds."
    )
    subject_digest: str = pap.Field(description="Digest of the candidate.")
    document: str = pap.Field(description="What it brings along, JSON.")

    @pap.dataframe_check(description="nothing enters that is not approved")
    def entering_is_approved(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether exactly what is approved is admitted."""
        approved = pc.equal(data.table["state"], str(GateState.APPROVED))
        return pc.equal(data.table["is_admitted"], approved)
