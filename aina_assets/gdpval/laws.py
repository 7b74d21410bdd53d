"""Laws of conservation: each stage held against the stage before, and against what was decided.

Belongs here: what must hold between two tables of the lifecycle, and which items break it. Stays
out: rules of one table (``tables``). Nothing here uses what made the rows: a law counts for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from aina_assets.contracts.review import ReviewVerdict
from aina_assets.gdpval import tables
from aina_assets.gdpval.drafts import Draft
from aina_assets.gdpval.policy import CohortKind, GdpvalCohorts
from aina_assets.gdpval.tables import State
from aina_assets.review.policy import ReviewGates
from aina_assets.review.tables import IN_FORCE, REFUSED
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.laws import Law

Row = Mapping[str, Any]
Breaches = list[dict[str, Any]]

ADMITTED = (State.ADMITTED, State.REDRAFT_ADMITTED)


def _breach(task_id: Any, problem: str) -> dict[str, Any]:
    return {"task_id": task_id, "problem": problem}


def _by_task(table: pa.Table) -> dict[str, Row]:
    return {row["task_id"]: row for row in table.to_pylist()}


def _once(found: Iterable[str], came: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What is lost, slipped in or there twice."""
    counts, due = Counter(found), set(came)
    for task_id in sorted(due - counts.keys()):
        yield _breach(task_id, "lost")
    for task_id, count in sorted(counts.items()):
        if task_id not in due:
            yield _breach(task_id, "came from nowhere")
        elif count > 1:
            yield _breach(task_id, f"there {count} times")


# ------------------------------------------------------------------------------- what is selected


def selected(tasks: str, modules: str) -> Law:
    """Selection against the published tasks and the curriculum."""

    def breaches(table: pa.Table, tasks: pa.Table, modules: pa.Table) -> Breaches:
        known, families = set(tasks["task_id"].to_pylist()), set(modules["role_family"].to_pylist())
        rows = table.to_pylist()
        found = [
            *_once((row["task_id"] for row in rows), known & {row["task_id"] for row in rows}),
        ]
        named = Counter(family for row in rows for family in row["role_families"])
        for row in rows:
            theirs = row["role_families"]
            if not theirs or any(named[name] > 1 or name not in families for name in theirs):
                found.append(_breach(row["task_id"], f"for families {', '.join(theirs) or 'none'}"))
        return found

    return Law(
        "selected_from_tasks",
        "a published task each, once, for families of the curriculum; no family has two",
        (tasks, modules),
        breaches,
    )


def disjoint(tasks: str, *others: str) -> Law:
    """Candidates against the tasks there are, and those that a stage before took."""

    def breaches(table: pa.Table, tasks: pa.Table, *taken: pa.Table) -> Breaches:
        ids = table["task_id"].to_pylist()
        elsewhere = {task_id for other in taken for task_id in other["task_id"].to_pylist()}
        return [
            *_once(ids, set(tasks["task_id"].to_pylist()) & set(ids)),
            *(_breach(name, "taken elsewhere as well") for name in ids if name in elsewhere),
        ]

    return Law(
        "taken_once",
        f"a published task each, once, and none of {', '.join(others)}",
        (tasks, *others),
        breaches,
    )


def shared_out(pack: str) -> Law:
    """The backlog against the pack: together they are all candidates, in their places."""

    def breaches(table: pa.Table, pack: pa.Table) -> Breaches:
        rows = [*pack.to_pylist(), *table.to_pylist()]
        places = sorted(row["place"] for row in rows)
        found = [
            _breach(row["task_id"], f"says {row['eligible_count']} candidates, not {len(rows)}")
            for row in rows
            if row["eligible_count"] != len(rows)
        ]
        if places != list(range(1, len(rows) + 1)):
            found.append(_breach(None, f"places are {', '.join(map(str, places))}"))
        last = max((row["place"] for row in pack.to_pylist()), default=0)
        return found + [
            _breach(row["task_id"], f"place {row['place']} is left, {last} was taken")
            for row in table.to_pylist()
            if row["place"] < last
        ]

    return Law(
        "shared_out_with_pack",
        "pack and backlog are all candidates, each in a place of its own, the pack the first",
        (pack,),
        breaches,
    )


def drawn(backlog: str) -> Law:
    """Batches against the backlog: its first places, cohort after cohort, each taken once."""

    def breaches(table: pa.Table, backlog: pa.Table, rules: GdpvalCohorts) -> Breaches:
        left = sorted(backlog.to_pylist(), key=lambda row: int(row["place"]))
        rows = table.to_pylist()
        due: dict[str, tuple[str, int]] = {}
        for cohort in rules.of_kind(CohortKind.BATCH):
            taken, there, left = left[: cohort.size], len(left), left[cohort.size :]
            due |= {row["task_id"]: (cohort.id, there) for row in taken}
        found = [*_once((row["task_id"] for row in rows), due)]
        found += [
            _breach(row["task_id"], f"in {row['cohort']}, of {row['eligible_count']} to take")
            for row in rows
            if due.get(row["task_id"], ()) not in ((), (row["cohort"], row["eligible_count"]))
        ]
        return found

    return Law(
        "drawn_from_backlog",
        "each batch is what comes next in the backlog, and nothing else",
        (backlog, "gdpval_cohorts"),
        breaches,
    )


# --------------------------------------------------------------------------- from stage to stage


def conserved(
    upstream: str, *, only: State | None = None, decides: bool = False, edits: bool = True
) -> Law:
    """A stage against the one before it.

    Args:
        upstream: the stage before.
        only: items in this state alone go on.
        decides: decisions are added here; else they are those of the stage before.
        edits: edits go on; else they begin here.
    """

    def breaches(table: pa.Table, upstream: pa.Table) -> Breaches:
        came = {
            task_id: row
            for task_id, row in _by_task(upstream).items()
            if only is None or row["state"] == only
        }
        sizes = Counter(row["cohort"] for row in came.values())
        rows = table.to_pylist()
        found = [*_once((row["task_id"] for row in rows), came)]
        for row in rows:
            above = came.get(row["task_id"])
            if above is not None:
                found += [
                    _breach(row["task_id"], f"{name} is {row[name]}, not {wanted}")
                    for name, wanted in carried(row, above, sizes)
                    if row[name] != wanted
                ]
        return found

    def carried(row: Row, above: Row, sizes: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
        yield "cohort", above["cohort"]
        yield "occupation", above["occupation"]
        yield "items_in", sizes[above["cohort"]]
        yield "upstream_state", above["state"]
        kept = row["decision_ids"][: len(above["decision_ids"])] if decides else row["decision_ids"]
        if kept != above["decision_ids"]:
            yield "decision_ids", above["decision_ids"]
        if edits:
            yield "upstream_edit_count", above["edit_count"]
            yield "edit_count", above["edit_count"]

    which = "every item" if only is None else f"every item that is {only}"
    return Law(
        "items_are_conserved",
        f"{which} of {upstream} once and no other, with the state, decisions"
        f"{' and edits' if edits else ''} that it has there",
        (upstream,),
        breaches,
    )


def edits_stay_resolved(upstream: str) -> Law:
    """A stage after resolution against it: what was closed there, and nothing since."""

    def breaches(table: pa.Table, upstream: pa.Table) -> Breaches:
        before = _by_task(upstream)
        counted = ("closed_edit_count", "open_edit_count")
        return [
            _breach(row["task_id"], f"{name} is {row[name]}, not {above[name]}")
            for row in table.to_pylist()
            if (above := before.get(row["task_id"])) is not None
            for name in counted
            if row[name] != above[name]
        ]

    return Law(
        "edits_stay_resolved",
        f"as many edits are closed and open as in {upstream}",
        (upstream,),
        breaches,
    )


# ---------------------------------------------------------------------------------- what was said

_SAYS = {
    State.APPROVED: ReviewVerdict.APPROVE,
    State.INTERNAL_ONLY: ReviewVerdict.APPROVE,
    State.REVISE: ReviewVerdict.REVISE,
    State.REVISION_REQUIRED: ReviewVerdict.REVISE,
    State.HELD: ReviewVerdict.HOLD,
    State.REVIEW_HELD: ReviewVerdict.HOLD,
    State.REJECTED: ReviewVerdict.REJECT,
    State.REVIEW_REJECTED: ReviewVerdict.REJECT,
}
"""The verdict that a state of review takes at the least."""


def decided(subjects: str, decisions: str) -> Law:
    """A stage of review against the decisions: nobody's word is invented, or of another draft."""

    def breaches(
        table: pa.Table, subjects: pa.Table, decisions: pa.Table, review_gates: ReviewGates
    ) -> Breaches:
        offered, made = _by_task(subjects), _by_id(decisions)
        found = []
        for row in table.to_pylist():
            subject = offered.get(row["task_id"])
            heard = [made[name] for name in row["decision_ids"] if name in made]
            binding = [item for item in heard if subject and _binds(item, subject)]
            if len(binding) < len(heard):
                found.append(_breach(row["task_id"], "counts a decision that does not bind it"))
            verdict = _SAYS.get(State(row["state"]))
            said = [item for item in binding if item["verdict"] == verdict]
            if verdict is ReviewVerdict.APPROVE and subject:
                gate = review_gates.gate(subject["gate"])
                said = [
                    item
                    for item in said
                    if item["standing"] == IN_FORCE and item["reviewer_kind"] in gate.approvers
                ]
                if any(item["verdict"] != verdict for item in binding):
                    found.append(_breach(row["task_id"], "approved against an objection"))
                if 0 < len({item["responsible_id"] for item in said}) < gate.quorum:
                    found.append(_breach(row["task_id"], f"fewer than {gate.quorum} approve it"))
            if verdict is not None and not said:
                found.append(_breach(row["task_id"], f"{row['state']}, and nobody said {verdict}"))
        return found

    return Law(
        "state_was_decided",
        f"each state has a decision of {decisions} that says so, bound to the subject as it is",
        (subjects, decisions, "review_gates"),
        breaches,
    )


def _by_id(decisions: pa.Table) -> dict[str, Row]:
    return {row["decision_id"]: row for row in decisions.to_pylist()}


def _binds(decision: Row, subject: Row) -> bool:
    named = ("gate", "subject_kind", "subject_key", "subject_digest")
    return decision["standing"] != REFUSED and all(
        decision[name] == subject[name] for name in named
    )


Asked = tuple[str, str, str, str]
"""An edit: the decision, its id there, kind and argument."""


def _asked(edit: Row, decision_id: str) -> Asked:
    return decision_id, edit["edit_id"], edit["kind"], edit["argument"]


def _edits(edits: Iterable[Row]) -> Counter[Asked]:
    return Counter(_asked(edit, edit["decision_id"]) for edit in edits)


def _differences(task_id: str, found: Counter[Asked], due: Counter[Asked]) -> Breaches:
    return [
        *(_breach(task_id, f"edit {item[1]} of {item[0]} is lost") for item in due - found),
        *(_breach(task_id, f"edit {item[1]} of {item[0]} was not asked") for item in found - due),
    ]


def edits_asked_for(decisions: str) -> Law:
    """Edits that a stage of review opens against those in the decisions that it counts."""

    def breaches(table: pa.Table, decisions: pa.Table, review_gates: ReviewGates) -> Breaches:
        made = _by_id(decisions)
        found = []
        for row in table.to_pylist():
            heard = [made[name] for name in row["decision_ids"] if name in made]
            due = Counter(
                _asked(edit, item["decision_id"])
                for item in heard
                for edit in item["required_edits"]
            )
            found += _differences(row["task_id"], _edits(row["required_edits"]), due)
            if row["edit_count"] != due.total():
                found.append(_breach(row["task_id"], f"counts {row['edit_count']} edits"))
            for edit in row["required_edits"]:
                item = made.get(edit["decision_id"])
                may = item is not None and _may_close(item, review_gates)
                if edit["is_closed"] or (edit["is_backed"] and not may):
                    what = "closed" if edit["is_closed"] else "backed"
                    found.append(_breach(row["task_id"], f"edit {edit['edit_id']} is {what}"))
        return found

    return Law(
        "edits_were_asked_for",
        f"edits opened are those of the decisions that count, by id; backed are only edits of who"
        f" may approve, in force ({decisions})",
        (decisions, "review_gates"),
        breaches,
    )


def _may_close(decision: Row, review_gates: ReviewGates) -> bool:
    gate = review_gates.gate(decision["gate"])
    return decision["standing"] == IN_FORCE and decision["reviewer_kind"] in gate.approvers


def edits_listed(review: str, column: str) -> Law:
    """Edits that a later stage lists in ``column`` against those that the review opened."""

    def breaches(table: pa.Table, review: pa.Table) -> Breaches:
        opened = _by_task(review)
        found = []
        for row in table.to_pylist():
            above = opened.get(row["task_id"])
            due = _edits(above["required_edits"]) if above is not None else Counter()
            found += _differences(row["task_id"], _edits(row[column]), due)
            if row["closed_edit_count"] + row["open_edit_count"] != due.total():
                found.append(_breach(row["task_id"], f"of {due.total()} edits opened"))
            backed = {
                _asked(edit, edit["decision_id"])
                for edit in (above["required_edits"] if above is not None else ())
                if edit["is_backed"]
            }
            found += [
                _breach(row["task_id"], f"edit {edit['edit_id']} is closed and was never backed")
                for edit in row[column]
                if edit["is_closed"] and _asked(edit, edit["decision_id"]) not in backed
            ]
        return found

    return Law(
        "edits_are_those_opened",
        f"edits closed and open are those that {review} opened, by id; closed are backed ones",
        (review,),
        breaches,
    )


# ------------------------------------------------------------------------ what is let through, when

_AS_IT_IS = (State.APPROVED, State.INTERNAL_ONLY)
_TO_REVISE = (State.REVISE, State.REVISION_REQUIRED)


def admitted(review: str) -> Law:
    """Resolution against the review: approved, or revised with every edit of it closed."""

    def breaches(table: pa.Table, review: pa.Table) -> Breaches:
        reviewed = _by_task(review)
        found = []
        for row in table.to_pylist():
            above = reviewed.get(row["task_id"], {"state": None, "required_edits": []})
            if row["state"] == State.ADMITTED and above["state"] not in _AS_IT_IS:
                found.append(_breach(row["task_id"], f"admitted, and {above['state']} at review"))
            if row["state"] == State.REDRAFT_ADMITTED:
                closed = _edits(edit for edit in row["edits"] if edit["is_closed"])
                left = _edits(above["required_edits"]) - closed
                if above["state"] not in _TO_REVISE or left or not closed:
                    problem = f"admitted, {above['state']} at review, {left.total()} edits left"
                    found.append(_breach(row["task_id"], problem))
        return found

    return Law(
        "admitted_was_approved",
        f"admitted is what {review} approved, or what it revised with every edit of it closed",
        (review,),
        breaches,
    )


def practised(resolution: str) -> Law:
    """Practice against resolution: what was admitted, that draft, every authored case once."""

    def breaches(table: pa.Table, resolution: pa.Table, rules: GdpvalCohorts) -> Breaches:
        before = _by_task(resolution)
        cases = Counter(case.case for case in rules.practice.cases)
        found = []
        for row in table.to_pylist():
            above = before.get(row["task_id"])
            is_admitted = above is not None and above["state"] in ADMITTED
            is_tried = row["state"] in (State.PASSED, State.FAILED) or bool(row["cases"])
            if is_tried != is_admitted:
                state = None if above is None else above["state"]
                found.append(_breach(row["task_id"], f"{row['state']}, and {state} before"))
            if row["cases"] and Counter(case["case"] for case in row["cases"]) != cases:
                found.append(_breach(row["task_id"], f"{len(row['cases'])} of {len(cases)} cases"))
            if row["cases"] and above is not None and row["draft_digest"] != _digest(above):
                found.append(_breach(row["task_id"], "another draft was practised"))
        return found

    return Law(
        "practised_was_admitted",
        f"practised is exactly what {resolution} admitted, that very draft, with every authored"
        " case once",
        (resolution, "gdpval_cohorts"),
        breaches,
    )


def _digest(row: Row) -> str | None:
    if row["draft"] is None:
        return None
    return digest_of_json(Draft.model_validate_json(row["draft"]).model_dump(mode="json"))


_TOLD = ("case", "outcome", "points", "points_possible", "next_step")


def previewed(practice: str) -> Law:
    """Previews against practice: one of every case of what passed, and no other."""

    def breaches(table: pa.Table, practice: pa.Table) -> Breaches:
        before = _by_task(practice)
        found = []
        for row in table.to_pylist():
            above = before.get(row["task_id"])
            passed = above is not None and above["state"] == State.PASSED
            due = [_told(case) for case in above["cases"]] if above is not None and passed else []
            if [_told(item) for item in row["previews"]] != due:
                problem = f"{len(row['previews'])} previews of {len(due)} cases that passed"
                found.append(_breach(row["task_id"], problem))
        return found

    return Law(
        "previews_are_of_practice",
        f"one preview of every case of what passed in {practice}, as it came out",
        (practice,),
        breaches,
    )


def _told(item: Row) -> tuple[Any, ...]:
    return tuple(item[name] for name in _TOLD)


def previewed_of_admitted(resolution: str) -> Law:
    """Previews against what was admitted and the authored scenarios: as many as both allow."""

    def breaches(table: pa.Table, resolution: pa.Table, rules: GdpvalCohorts) -> Breaches:
        before = _by_task(resolution)
        scenarios = [case.case for case in rules.practice.cases]
        found = []
        for row in table.to_pylist():
            above = before.get(row["task_id"])
            is_admitted = above is not None and above["state"] in ADMITTED
            due = scenarios if is_admitted and row["state"] == State.PASSED else []
            if sorted(item["case"] for item in row["previews"]) != sorted(due):
                problem = f"{len(row['previews'])} previews of {len(due)} scenarios"
                found.append(_breach(row["task_id"], problem))
        return found

    return Law(
        "previews_are_of_scenarios",
        f"previews are of what {resolution} admitted and what passed, times the authored scenarios",
        (resolution, "gdpval_cohorts"),
        breaches,
    )


def inventoried(stage: str, *states: State) -> Law:
    """The inventory against a stage before: only what stood in one of ``states`` there."""

    def breaches(table: pa.Table, stage: pa.Table) -> Breaches:
        before = _by_task(stage)
        found = []
        for row in table.to_pylist():
            if not row["is_inventoried"]:
                continue
            above = before.get(row["task_id"])
            if above is None or above["state"] not in states:
                state = None if above is None else above["state"]
                found.append(_breach(row["task_id"], f"listed, and {state} in {which}"))
            elif not above["decision_ids"] or row["decision_ids"] != above["decision_ids"]:
                found.append(_breach(row["task_id"], "listed on other decisions"))
        return found

    which = stage
    return Law(
        "inventory_was_let_through",
        f"listed is only what is {' or '.join(states)} in {stage}, on the decisions named there",
        (stage,),
        breaches,
    )


def recorded(drafts: str, decisions: str) -> Law:
    """The payload against the decisions: everything that was said of each draft, once."""

    def breaches(table: pa.Table, drafts: pa.Table, decisions: pa.Table) -> Breaches:
        offered = _by_task(drafts)
        said: dict[str, set[tuple[str, bool]]] = {name: set() for name in offered}
        for row in decisions.to_pylist():
            subject = offered.get(row["subject_key"])
            if subject is not None and row["subject_kind"] == subject["subject_kind"]:
                is_bound = row["subject_digest"] == subject["subject_digest"]
                said[row["subject_key"]].add((row["decision_id"], is_bound))
        found = []
        for row in table.to_pylist():
            due = Counter(said.get(row["task_id"], set()))
            listed = Counter((item["decision_id"], item["is_bound"]) for item in row["found"])
            if row["task_id"] in offered and listed != due:
                found.append(_breach(row["task_id"], f"{listed.total()} of {due.total()} said"))
            if row["state"] == State.RECORDED and not due:
                found.append(_breach(row["task_id"], "recorded, and nobody said anything"))
        return found

    return Law(
        "payload_was_said",
        f"what is recorded of a draft is what {decisions} has on it, all of it",
        (drafts, decisions),
        breaches,
    )


# ------------------------------------------------------------------------------ which hold where

LAWS: Mapping[type[tables.Stage], tuple[Law, ...]] = {
    tables.GdpvalHoldCloseout: (selected("gdpval_tasks", "modules"),),
    tables.GdpvalCalibrationPacket: (
        conserved("gdpval_hold_closeout", only=State.CALIBRATION_HOLD),
    ),
    tables.GdpvalCalibrationDecision: (
        conserved("gdpval_calibration_packet", decides=True, edits=False),
        decided("gdpval_calibration_packet", "gdpval_calibration_decisions"),
    ),
    tables.GdpvalReplacementCloseout: (conserved("gdpval_calibration_decision"),),
    tables.GdpvalReplacementDrafts: (conserved("gdpval_replacement_closeout", only=State.DRAFTED),),
    tables.GdpvalReplacementReviewerPayload: (
        conserved("gdpval_replacement_closeout"),
        recorded("gdpval_replacement_drafts", "gdpval_replacement_decisions"),
    ),
    tables.GdpvalReplacementDomainReview: (
        conserved("gdpval_replacement_reviewer_payload", decides=True, edits=False),
        decided("gdpval_replacement_drafts", "gdpval_replacement_decisions"),
        edits_asked_for("gdpval_replacement_decisions"),
    ),
    tables.GdpvalReplacementRevisionCloseout: (
        conserved("gdpval_replacement_domain_review"),
        edits_listed("gdpval_replacement_domain_review", "edits"),
        admitted("gdpval_replacement_domain_review"),
    ),
    tables.GdpvalReplacementPractice: (
        conserved("gdpval_replacement_revision_closeout"),
        edits_stay_resolved("gdpval_replacement_revision_closeout"),
        practised("gdpval_replacement_revision_closeout"),
    ),
    tables.GdpvalReplacementReplayBridge: (
        conserved("gdpval_replacement_practice"),
        edits_stay_resolved("gdpval_replacement_practice"),
        previewed("gdpval_replacement_practice"),
    ),
    tables.GdpvalReplacementApprovedIntake: (
        conserved("gdpval_replacement_replay_bridge"),
        edits_stay_resolved("gdpval_replacement_replay_bridge"),
        inventoried("gdpval_replacement_practice", State.PASSED),
    ),
    tables.GdpvalReplacementCandidatePack: (disjoint("gdpval_tasks", "gdpval_hold_closeout"),),
    tables.GdpvalReplacementCandidateBacklog: (
        disjoint("gdpval_tasks", "gdpval_hold_closeout", "gdpval_replacement_candidate_pack"),
        shared_out("gdpval_replacement_candidate_pack"),
    ),
    tables.GdpvalReplacementCandidateReviewBatch: (drawn("gdpval_replacement_candidate_backlog"),),
    tables.GdpvalReplacementCandidateBatchReview: (
        conserved("gdpval_replacement_candidate_review_batch", decides=True, edits=False),
        decided("gdpval_replacement_candidate_review_batch", "gdpval_candidate_decisions"),
        edits_asked_for("gdpval_candidate_decisions"),
    ),
    tables.GdpvalReplacementCandidateBatchOutcome: (
        conserved("gdpval_replacement_candidate_batch_review"),
        edits_listed("gdpval_replacement_candidate_batch_review", "required_edits"),
    ),
    tables.GdpvalReplacementCandidateBatchResolution: (
        conserved("gdpval_replacement_candidate_batch_outcome"),
        edits_listed("gdpval_replacement_candidate_batch_review", "edits"),
        admitted("gdpval_replacement_candidate_batch_review"),
    ),
    tables.GdpvalReplacementCandidateBatchPractice: (
        conserved("gdpval_replacement_candidate_batch_resolution"),
        edits_stay_resolved("gdpval_replacement_candidate_batch_resolution"),
        practised("gdpval_replacement_candidate_batch_resolution"),
    ),
    tables.GdpvalReplacementCandidateReview: (
        conserved("gdpval_replacement_candidate_pack", decides=True, edits=False),
        decided("gdpval_replacement_candidate_pack", "gdpval_candidate_decisions"),
        edits_asked_for("gdpval_candidate_decisions"),
    ),
    tables.GdpvalReplacementCandidateRevisionCloseout: (
        conserved("gdpval_replacement_candidate_review"),
        edits_listed("gdpval_replacement_candidate_review", "edits"),
        admitted("gdpval_replacement_candidate_review"),
    ),
    tables.GdpvalReplacementCandidatePractice: (
        conserved("gdpval_replacement_candidate_revision_closeout"),
        edits_stay_resolved("gdpval_replacement_candidate_revision_closeout"),
        practised("gdpval_replacement_candidate_revision_closeout"),
        previewed_of_admitted("gdpval_replacement_candidate_revision_closeout"),
        inventoried("gdpval_replacement_candidate_revision_closeout", *ADMITTED),
    ),
}
"""Laws of every stage: checks of its asset."""
