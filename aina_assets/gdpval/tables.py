"""Models of the tables about GDPval work: one row an item at every stage, and what must hold there.

Belongs here: one model per stage, the states it knows, and the laws between a stage and the one
before. Stays out: how a state is found (``selection``, ``stages``, ``practice``, ``previews``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.practice import NextStep, Outcome
from aina_assets.review.subjects import DIGEST, TEXTS, SubjectTable
from aina_assets.warehouse.tables import Parent, ProvenancedTable


class State(StrEnum):
    """Where an item stands at a stage."""

    READY = "ready"
    FILE_BLOCKED = "file_blocked"
    """Its reference or deliverable files are not there."""
    CALIBRATION_HOLD = "calibration_hold"
    FOR_REVIEW = "for_review"
    IN_BACKLOG = "in_backlog"

    PENDING = "pending"
    """Waits for a decision, here or at a stage before."""
    APPROVED = "approved"
    REVISE = "revise"
    HELD = "held"
    REJECTED = "rejected"
    HELD_OUT = "held_out"
    """Goes no further."""

    DRAFTED = "drafted"
    NOT_DRAFTABLE = "not_draftable"
    """Too few of its criteria are within the limits of a draft."""
    RECORDED = "recorded"
    INTERNAL_ONLY = "domain_review_approved_internal_only"
    REVISION_REQUIRED = "domain_review_revision_required"
    REVIEW_HELD = "domain_review_held"
    REVIEW_REJECTED = "domain_review_rejected"
    REVIEW_PENDING = "domain_review_pending"

    CONFIRMATION = "confirmation_gate"
    REDRAFT = "revision_redraft"
    ADMITTED = "admitted"
    """Approved as it is."""
    REDRAFT_ADMITTED = "redraft_admitted"
    """Every required edit is proved."""
    REDRAFT_OPEN = "redraft_open"
    """Edits are open: they need a source file, or somebody who may approve."""
    CONFIRMATION_OPEN = "confirmation_open"
    """Approved, once somebody has opened its source files."""

    PASSED = "passed"
    FAILED = "failed"
    SOURCE_FILE_REVIEW = "source_file_review"
    PREVIEWED = "previewed"
    INVENTORIED = "inventoried"


Row = Mapping[str, Any]
Follows = Mapping[State | None, tuple[State, ...]]
"""States of an item at a stage, by its state at the one before; None: there is none."""

# Within a decision every edit has an id of its own: the two together are the edit's. Backed is an
# edit whose reviewer's approval would count instead; no other can be closed.
EDITS = pa.list_(
    pa.struct(
        [
            ("edit_id", pa.string()),
            ("kind", pa.string()),
            ("argument", pa.string()),
            ("text", pa.string()),
            ("decision_id", pa.string()),
            ("is_backed", pa.bool_()),
            ("is_closed", pa.bool_()),
            ("reason", pa.string()),
        ]
    )
)
CRITERIA = pa.list_(pa.struct([("points", pa.int64()), ("text", pa.string())]))
FOUND_DECISIONS = pa.list_(
    pa.struct(
        [
            ("decision_id", pa.string()),
            ("verdict", pa.string()),
            ("reviewer_id", pa.string()),
            ("reviewer_kind", pa.string()),
            ("standing", pa.string()),
            ("is_bound", pa.bool_()),
        ]
    )
)
CASES = pa.list_(
    pa.struct(
        [
            ("case", pa.string()),
            ("expected", pa.string()),
            ("outcome", pa.string()),
            ("points", pa.int64()),
            ("points_possible", pa.int64()),
            ("points_to_pass", pa.int64()),
            ("feedback", TEXTS),
            ("next_step", pa.string()),
            ("evaluation_id", pa.string()),
        ]
    )
)
PREVIEWS = pa.list_(
    pa.struct(
        [
            ("case", pa.string()),
            ("outcome", pa.string()),
            ("points", pa.int64()),
            ("points_possible", pa.int64()),
            ("feedback", TEXTS),
            ("next_step", pa.string()),
            ("event_types", TEXTS),
        ]
    )
)
_ZERO: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 0}}


def _count(description: str, **options: Any) -> Any:
    return pap.Field(description=description, **options)


def _of(*tables: str) -> tuple[Parent, ...]:
    return tuple(Parent(table, (("task_id", "task_id"),)) for table in tables)


def _decided_at(gate: str) -> tuple[Parent, ...]:
    return (Parent(f"{gate}_decisions", (("task_id", "subject_key"),)), _GATES)


_COHORTS = Parent("authored/gdpval_cohorts")
_GATES = Parent("authored/review_gates")
_PRACTICE = Parent("authored/practice_rules")


class Stage(ProvenancedTable):
    """Base of every stage: one row an item, so that nothing is lost and nothing comes in between.

    ``follows`` (a class argument) says which states may follow which of the stage before.
    """

    __follows__: ClassVar[Follows] = {}

    def __init_subclass__(cls, *, follows: Follows | None = None, **kwargs: Any) -> None:
        if follows is not None:
            cls.__follows__ = follows
        super().__init_subclass__(**kwargs)

    cohort: str = pap.Field(description="Cohort it goes through the lifecycle with.")
    task_id: str = pap.Field(
        description="GDPval task.",
    )
    occupation: str = pap.Field(
        description="Its occupation.",
    )
    items_in: int = _count("Items of its cohort that came to this stage.")
    upstream_state: str = pap.Field(
        nullable=True, description="Its state at the stage before; null at the first."
    )
    state: str = pap.Field(
        description="Where it stands after this stage; `follows_from_upstream` says what may be."
    )
    reason: str = pap.Field(description="Why, in words.")
    decision_ids: TEXTS = pap.Field(description="Decisions that count in this, so far.")
    upstream_edit_count: int = pap.Field(
        nullable=True, description="Required edits by the stage before; null where it has none."
    )
    edit_count: int = _count("Edits that reviewers required.")
    closed_edit_count: int = _count("Of these, proved made.")
    open_edit_count: int = _count("Of these, not.")
    unlocks: int = pap.Field(**_ZERO, description="Boundaries it opens: none.")

    @pap.dataframe_check(description="every item that came in is in exactly one state")
    def nothing_is_lost(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a cohort has as many rows as items came in."""
        found = _rows_of_cohorts(data.table)
        return _each(
            data.table, ("cohort", "items_in"), lambda row: row["items_in"] == found[row["cohort"]]
        )

    @pap.dataframe_check(description="no item is further than the stage before allows")
    def follows_from_upstream(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether each state may follow that of the stage before."""
        return _each(
            data.table,
            ("state",),
            lambda row: row["state"] in cls.__follows__.get(row["upstream_state"], ()),
            ("upstream_state",),
        )

    @pap.dataframe_check(description="edits are closed or open, as many as the stage before had")
    def edits_add_up(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether no edit appears or vanishes."""
        return _each(data.table, _EDIT_COUNTS, _adds_up, ("upstream_edit_count",))


_EDIT_COUNTS = ("edit_count", "closed_edit_count", "open_edit_count")


def _adds_up(row: Row) -> bool:
    total, closed, still_open = (row[name] for name in _EDIT_COUNTS)
    is_kept = row["upstream_edit_count"] in (None, total)
    return is_kept and min(closed, still_open) >= 0 and closed + still_open == total


def _rows_of_cohorts(table: Any) -> dict[str, int]:
    found = Counter(table["cohort"].to_pylist())
    # A row without a cohort breaks the schema; it is no reason to say that another is lost.
    return {name: count + found[None] for name, count in found.items() if name is not None}


def _each(
    table: Any,
    needed: Sequence[str],
    holds: Callable[[Row], bool],
    may_be_null: Sequence[str] = (),
) -> pa.ChunkedArray:
    """Whether each row obeys; neither yes nor no where it lacks what is needed."""
    answers = [
        None if any(row[name] is None for name in needed) else holds(row)
        for row in table.select([*needed, *may_be_null]).to_pylist()
    ]
    return pa.chunked_array([pa.array(answers, pa.bool_())])


# --------------------------------------------------------------------------- what states may follow

_SELECTED: Follows = {None: (State.READY, State.FILE_BLOCKED, State.CALIBRATION_HOLD)}
_OFFERED: Follows = {
    State.CALIBRATION_HOLD: (State.FOR_REVIEW,),
    State.IN_BACKLOG: (State.FOR_REVIEW,),
    State.DRAFTED: (State.FOR_REVIEW,),
    None: (State.FOR_REVIEW,),
}
_REVIEWED: Follows = {
    State.FOR_REVIEW: (State.PENDING, State.APPROVED, State.REVISE, State.HELD, State.REJECTED)
}
_REPLACED: Follows = {
    State.HELD: (State.DRAFTED, State.NOT_DRAFTABLE),
    State.PENDING: (State.PENDING,),
    State.APPROVED: (State.HELD_OUT,),
    State.REJECTED: (State.HELD_OUT,),
}
_STAYS: Follows = {
    State.PENDING: (State.PENDING,),
    State.HELD_OUT: (State.HELD_OUT,),
}
_RECORDED: Follows = {
    State.DRAFTED: (State.RECORDED, State.PENDING),
    State.NOT_DRAFTABLE: (State.HELD_OUT,),
    **_STAYS,
}
_DOMAIN_REVIEWED: Follows = {
    State.RECORDED: (
        State.INTERNAL_ONLY,
        State.REVISION_REQUIRED,
        State.REVIEW_HELD,
        State.REVIEW_REJECTED,
        State.REVIEW_PENDING,
    ),
    State.PENDING: (State.REVIEW_PENDING,),
    State.HELD_OUT: (State.HELD_OUT,),
}
_ROUTED: Follows = {
    State.APPROVED: (State.CONFIRMATION, State.ADMITTED),
    State.REVISE: (State.REDRAFT,),
    State.HELD: (State.HELD_OUT,),
    State.REJECTED: (State.HELD_OUT,),
    State.PENDING: (State.PENDING,),
}
_RESOLVED: Follows = {
    State.APPROVED: (State.ADMITTED, State.CONFIRMATION_OPEN),
    State.ADMITTED: (State.ADMITTED,),
    State.CONFIRMATION: (State.CONFIRMATION_OPEN,),
    State.REVISE: (State.REDRAFT_ADMITTED, State.REDRAFT_OPEN),
    State.REDRAFT: (State.REDRAFT_ADMITTED, State.REDRAFT_OPEN),
    State.HELD: (State.HELD_OUT,),
    State.REJECTED: (State.HELD_OUT,),
    State.INTERNAL_ONLY: (State.ADMITTED, State.CONFIRMATION_OPEN),
    State.REVISION_REQUIRED: (State.REDRAFT_ADMITTED, State.REDRAFT_OPEN),
    State.REVIEW_HELD: (State.HELD_OUT,),
    State.REVIEW_REJECTED: (State.HELD_OUT,),
    State.REVIEW_PENDING: (State.PENDING,),
    **_STAYS,
}
_PRACTISED: Follows = {
    State.ADMITTED: (State.PASSED, State.FAILED),
    State.REDRAFT_ADMITTED: (State.PASSED, State.FAILED),
    State.CONFIRMATION_OPEN: (State.SOURCE_FILE_REVIEW,),
    State.REDRAFT_OPEN: (State.SOURCE_FILE_REVIEW,),
    **_STAYS,
}
_PREVIEWED: Follows = {
    State.PASSED: (State.PREVIEWED,),
    State.FAILED: (State.HELD_OUT,),
    State.SOURCE_FILE_REVIEW: (State.PENDING,),
    **_STAYS,
}
_INVENTORIED: Follows = {State.PREVIEWED: (State.INVENTORIED,), **_STAYS}


# ------------------------------------------------------------------------------ what stages share


class Sources(Stage):
    """Base of stages that show where a task is from, and how large it is."""

    source_digest: str = pap.Field(
        str_matches=DIGEST, description="Digest of the task's row as it was read."
    )
    criterion_count: int = _count("Criteria of the published rubric.", ge=1)
    points: int = _count("Points of the published rubric.", ge=1)
    reference_uris: TEXTS = pap.Field(
        description="Where the publisher keeps the reference files; never fetched."
    )
    deliverable_uris: TEXTS = pap.Field(
        description="Where the publisher keeps an expert's files; never fetched."
    )
    reference_file_count: int = _count("Reference files.")
    deliverable_file_count: int = _count("Deliverable files.")
    source_row: int = pap.Field(
        description="Row of the task in the published file, from 1.",
    )

    @pap.dataframe_check(description="as many files are counted as are named")
    def files_are_counted(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether counts of files are those of their URIs."""
        table = data.table
        same = [
            pc.equal(table[f"{kind}_file_count"], pc.list_value_length(table[f"{kind}_uris"]))
            for kind in ("reference", "deliverable")
        ]
        return pc.and_(*same)


class Ranked(Sources):
    """Base of what is taken from the candidates in order."""

    place: int = pap.Field(ge=1, description="Place among all candidates, from 1.")
    eligible_count: int = _count("Tasks that were there to take.")
    elsewhere_count: int = _count("Of these, not taken here.")

    @pap.dataframe_check(description="what is taken here and what is not are all that was there")
    def taken_and_left_add_up(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether no candidate is counted twice, or not at all."""
        taken = _rows_of_cohorts(data.table)
        return _each(
            data.table,
            ("cohort", "eligible_count", "elsewhere_count"),
            lambda row: 0 <= row["elsewhere_count"] == row["eligible_count"] - taken[row["cohort"]],
        )


class Practised(Stage):
    """Base of stages that run drafts through the evaluator."""

    draft_digest: str = pap.Field(
        nullable=True, str_matches=DIGEST, description="Digest of the draft that was practised."
    )
    cases: CASES = pap.Field(  # type: ignore[valid-type]
        description="Synthetic submissions, what must come of each and what did."
    )
    case_count: int = _count("Synthetic submissions.")
    matched_case_count: int = _count("Of these, with the outcome that must be.")

    @pap.dataframe_check(
        description="passed is what tells every case apart; only what was admitted has cases"
    )
    def passed_tells_apart(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether states say what the cases do."""
        return _each(data.table, _OF_CASES, _is_as_found)


_OF_CASES = ("state", "cases", "case_count", "matched_case_count")
_OUTCOMES, _NEXT_STEPS = set(map(str, Outcome)), set(map(str, NextStep))


def _is_as_found(row: Row) -> bool:
    cases = row["cases"]
    matched = sum(case["outcome"] == case["expected"] for case in cases)
    return (
        all(case["outcome"] in _OUTCOMES and case["next_step"] in _NEXT_STEPS for case in cases)
        and (row["case_count"], row["matched_case_count"]) == (len(cases), matched)
        and (row["state"] == State.PASSED) == (bool(cases) and matched == len(cases))
        and (not cases or row["state"] in (State.PASSED, State.FAILED))
    )


class Previewed(Stage):
    """Base of stages that show what a learner would see."""

    previews: PREVIEWS = pap.Field(  # type: ignore[valid-type]
        description="What a learner would be told, and the events that would be written."
    )
    preview_count: int = _count("Previews.")
    event_log_writes: int = pap.Field(
        **_ZERO, description="Events written to the ledger of learners: none."
    )

    @pap.dataframe_check(description="previews are counted, and only of what passed practice")
    def previews_are_of_passed(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether exactly what passed has previews."""
        return _each(
            data.table,
            ("state", "previews", "preview_count"),
            lambda row: (
                row["preview_count"] == len(row["previews"])
                and bool(row["previews"]) == (row["state"] in (State.PASSED, State.PREVIEWED))
            ),
        )


class Inventoried(Stage):
    """Base of stages that list what the reviewed chain let through."""

    is_inventoried: bool = pap.Field(description="Whether it is in the intake inventory.")
    new_approvals: int = pap.Field(**_ZERO, description="Approvals that this makes: none.")

    @pap.dataframe_check(description="the inventory is what passed, on decisions that are named")
    def inventory_is_reviewed(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether nothing is listed that nobody decided on."""
        return _each(
            data.table,
            ("state", "decision_ids", "is_inventoried"),
            lambda row: (
                row["is_inventoried"]
                == (bool(row["decision_ids"]) and row["state"] in (State.PASSED, State.INVENTORIED))
            ),
        )


class EditsRequired(Stage):
    """Base of stages that say which edits reviewers require."""

    required_edits: EDITS = pap.Field(description="Edits asked for.")  # type: ignore[valid-type]


class Resolved(Stage):
    """Base of stages at which required edits are made and proved."""

    edits: EDITS = pap.Field(  # type: ignore[valid-type]
        description="Required edits, each with whether it is proved, and why not."
    )
    draft: str = pap.Field(
        nullable=True, description="The draft as it is now, JSON; null where there is none."
    )
    banned_terms: TEXTS = pap.Field(description="Wording in it that reviewers do not allow.")

    @pap.dataframe_check(description="what is closed is proved; what is admitted has nothing open")
    def closed_means_proved(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether counts and states are those of the edits."""
        return _each(
            data.table, ("edits", "closed_edit_count", "open_edit_count", "state"), _is_as_proved
        )

    @pap.dataframe_check(description="no draft has wording that reviewers do not allow")
    def no_banned_terms(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether no banned term was found."""
        return pc.equal(pc.list_value_length(data.table["banned_terms"]), 0)


def _is_as_proved(row: Row) -> bool:
    closed = sum(bool(edit["is_closed"]) for edit in row["edits"])
    still_open = len(row["edits"]) - closed
    is_admitted = row["state"] in (State.ADMITTED, State.REDRAFT_ADMITTED)
    if any(edit["is_closed"] and not edit["is_backed"] for edit in row["edits"]):
        return False
    return (closed, still_open) == (row["closed_edit_count"], row["open_edit_count"]) and not (
        is_admitted and still_open
    )


# --------------------------------------------------------------------------- the calibrated task


class GdpvalHoldCloseout(
    Sources,
    key=("task_id",),
    follows=_SELECTED,
    parents=(
        *_of("gdpval_tasks", "sandbox_scenarios"),
        Parent("modules"),
        _COHORTS,
    ),
):
    """The task of each family of the curriculum: its files, and whether its rubric is held.

    Held is a rubric so large that a person calibrates it first.
    """

    role_families: TEXTS = pap.Field(description="Families whose task it is.")


class GdpvalCalibrationPacket(
    SubjectTable,
    Sources,
    key=("task_id",),
    follows=_OFFERED,
    parents=(*_of("gdpval_hold_closeout", "sandbox_scenarios"), _COHORTS),
):
    """What a person is given to calibrate a large rubric.

    Where the files are, how large it is, a redacted sample of its criteria, what to do, and what
    stays shut.
    """

    sample_criteria: CRITERIA = pap.Field(  # type: ignore[valid-type]
        description="Its weightiest criteria, without figures, quotations and files."
    )
    actions: TEXTS = pap.Field(description="What the reviewer is asked.")
    boundary: TEXTS = pap.Field(description="What stays shut.")


class GdpvalCalibrationDecision(
    Stage,
    key=("task_id",),
    follows=_REVIEWED,
    parents=(*_of("gdpval_calibration_packet"), *_decided_at("gdpval_calibration")),
):
    """What the gate of calibration is found to be: held means kept held and replaced."""

    is_replacement_required: bool = pap.Field(
        description="Whether a simpler draft takes its place."
    )


class GdpvalReplacementCloseout(
    Resolved,
    key=("task_id",),
    follows=_REPLACED,
    parents=(
        *_of("gdpval_calibration_decision", "gdpval_tasks", "sandbox_scenarios"),
        _COHORTS,
    ),
):
    """The simplified draft of each task that is kept held, traced to its source row."""


class GdpvalReplacementDrafts(
    SubjectTable,
    Stage,
    key=("task_id",),
    follows=_OFFERED,
    parents=(*_of("gdpval_replacement_closeout"), _COHORTS),
):
    """Replacement drafts as subjects of review."""


class GdpvalReplacementReviewerPayload(
    Stage,
    key=("task_id",),
    follows=_RECORDED,
    parents=(
        *_of("gdpval_replacement_closeout", "gdpval_replacement_drafts"),
        *_decided_at("gdpval_replacement")[:1],
    ),
):
    """What reviewers said of each replacement draft, as recorded.

    Whether it counts is the next stage's matter.
    """

    found: FOUND_DECISIONS = pap.Field(  # type: ignore[valid-type]
        description="Decisions on it, oldest first; bound where they are about it as it is."
    )


class GdpvalReplacementDomainReview(
    EditsRequired,
    key=("task_id",),
    follows=_DOMAIN_REVIEWED,
    parents=(
        *_of("gdpval_replacement_reviewer_payload", "gdpval_replacement_drafts"),
        *_decided_at("gdpval_replacement"),
    ),
):
    """What the gate of replacement is found to be."""


class GdpvalReplacementRevisionCloseout(
    Resolved,
    key=("task_id",),
    follows=_RESOLVED,
    parents=(
        *_of("gdpval_replacement_domain_review", "gdpval_replacement_drafts"),
        _COHORTS,
    ),
):
    """Required edits of a replacement, made where the draft can prove them; others stay open."""


class GdpvalReplacementPractice(
    Practised,
    key=("task_id",),
    follows=_PRACTISED,
    parents=(*_of("gdpval_replacement_revision_closeout"), _COHORTS, _PRACTICE),
):
    """The admitted replacement, practised with synthetic submissions."""


class GdpvalReplacementReplayBridge(
    Previewed,
    key=("task_id",),
    follows=_PREVIEWED,
    parents=_of("gdpval_replacement_practice"),
):
    """What learners would be told of each synthetic case, in a lane of its own."""


class GdpvalReplacementApprovedIntake(
    Inventoried,
    key=("task_id",),
    follows=_INVENTORIED,
    parents=_of("gdpval_replacement_replay_bridge"),
):
    """What of the replacements the reviewed chain let through; it approves nothing."""


# --------------------------------------------------------------------------------- the candidates


class GdpvalReplacementCandidatePack(
    SubjectTable,
    Ranked,
    key=("task_id",),
    follows=_OFFERED,
    parents=(
        *_of("gdpval_tasks", "sandbox_scenarios"),
        Parent("modules"),
        Parent("gdpval_hold_closeout"),
        _COHORTS,
    ),
):
    """The first of the candidates, drafted for review."""


class GdpvalReplacementCandidateBacklog(
    Ranked,
    key=("task_id",),
    follows={None: (State.IN_BACKLOG,)},
    parents=(
        *_of("gdpval_tasks", "sandbox_scenarios"),
        Parent("modules"),
        Parent("gdpval_hold_closeout"),
        Parent("gdpval_replacement_candidate_pack"),
        _COHORTS,
    ),
):
    """The other candidates, in order."""


class GdpvalReplacementCandidateReviewBatch(
    SubjectTable,
    Ranked,
    key=("task_id",),
    follows=_OFFERED,
    parents=(
        *_of("gdpval_replacement_candidate_backlog", "gdpval_tasks", "sandbox_scenarios"),
        _COHORTS,
    ),
):
    """Batches of the backlog, drafted for review."""


class GdpvalReplacementCandidateBatchReview(
    EditsRequired,
    key=("task_id",),
    follows=_REVIEWED,
    parents=(
        *_of("gdpval_replacement_candidate_review_batch"),
        *_decided_at("gdpval_candidate"),
    ),
):
    """What the gate of candidates is found to be for each draft of a batch."""


class GdpvalReplacementCandidateBatchOutcome(
    EditsRequired,
    key=("task_id",),
    follows=_ROUTED,
    parents=(*_of("gdpval_replacement_candidate_batch_review"), _COHORTS),
):
    """Where each reviewed draft of a batch goes: confirmation, redraft, or out."""


class GdpvalReplacementCandidateBatchResolution(
    Resolved,
    key=("task_id",),
    follows=_RESOLVED,
    parents=(
        *_of(
            "gdpval_replacement_candidate_batch_outcome",
            "gdpval_replacement_candidate_review_batch",
        ),
        _COHORTS,
    ),
):
    """Required edits of a batch, made where the draft can prove them; the others stay open."""


class GdpvalReplacementCandidateBatchPractice(
    Practised,
    key=("task_id",),
    follows=_PRACTISED,
    parents=(*_of("gdpval_replacement_candidate_batch_resolution"), _COHORTS, _PRACTICE),
):
    """Redrafts of a batch with nothing open, practised with synthetic submissions."""


class GdpvalReplacementCandidateReview(
    EditsRequired,
    key=("task_id",),
    follows=_REVIEWED,
    parents=(*_of("gdpval_replacement_candidate_pack"), *_decided_at("gdpval_candidate")),
):
    """What the gate of candidates is found to be for each draft of the pack."""


class GdpvalReplacementCandidateRevisionCloseout(
    Resolved,
    key=("task_id",),
    follows=_RESOLVED,
    parents=(
        *_of("gdpval_replacement_candidate_review", "gdpval_replacement_candidate_pack"),
        _COHORTS,
    ),
):
    """Required edits of the pack, made where the draft can prove them; the others stay open."""


class GdpvalReplacementCandidatePractice(
    Practised,
    Previewed,
    Inventoried,
    key=("task_id",),
    follows=_PRACTISED,
    parents=(*_of("gdpval_replacement_candidate_revision_closeout"), _COHORTS, _PRACTICE),
):
    """Admitted drafts of the pack, practised, with previews and the intake inventory."""


def stages() -> Iterable[type[Stage]]:
    """Models of all stages that are stored."""
    return [
        item
        for item in globals().values()
        if isinstance(item, type) and issubclass(item, Stage) and item.__key__
    ]
