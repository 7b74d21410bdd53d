"""A boundary is closed until enough persons approve it as it is; it closes by itself again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pytest

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.receipts import Verdict
from aina_assets.contracts.review import ReviewerKind, SignedDecision, Strictness
from aina_assets.release.boundary import (
    GATE,
    Boundaries,
    Look,
    Standing,
    production_deployment_approval,
    production_domains,
)
from aina_assets.release.policy import Domain
from aina_assets.release.tables import ProductionDeploymentApproval
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import Found, decisions
from aina_assets.warehouse.gate import judge
from aina_assets_tests.release.world import (
    ANYBODY,
    GATES,
    KEYS,
    NOW,
    RULES,
    approval,
    both,
    boundaries,
    days,
    decided,
    described,
    domains,
    look_at,
    published,
    receipt,
    receipts,
    reviewers,
    rows_of,
    softened,
    states,
    with_cell,
)

ALL_PENDING = {str(domain): "pending" for domain in Domain}
REAL = Domain.REAL_USER_DATA


# ------------------------------------------------------------------------------------ subjects


def test_a_reviewer_sees_what_opening_means_and_what_it_stands_on() -> None:
    for row in domains().to_pylist():
        document = json.loads(row["subject_document"])
        (rule,) = (item for item in RULES.domains if item.id == row["subject_key"])
        assert document["content"]["opening_means"] == rule.opening_means
        assert set(document["content"]["stands_on"]) == set(rule.stands_on)
        assert set(document["evidence"]) == set(rule.stands_on)


def test_another_build_with_the_same_finding_leaves_a_boundary_as_it_is() -> None:
    again = receipt("deployment_readiness_v1", items_version="b" * 64, inputs={"x": "2"})

    assert domains(deployment_readiness_v1=again).equals(domains())


@pytest.mark.parametrize(
    "finding", [{"verdict": Verdict.PASS}, {"counts": {"held": 2}}, {"unlocks": 1}]
)
def test_another_finding_changes_exactly_what_stands_on_it(finding: dict[str, object]) -> None:
    changed = receipt("title_intake_v1", **finding)  # type: ignore[arg-type]
    before, after = domains(), domains(title_intake_v1=changed)

    moved = {
        new["subject_key"]
        for old, new in zip(before.to_pylist(), after.to_pylist(), strict=True)
        if old["subject_digest"] != new["subject_digest"]
    }

    assert moved == {item.id for item in RULES.domains if "title_intake_v1" in item.stands_on}


def test_standing_on_a_receipt_that_is_not_read_is_refused() -> None:
    some = receipts()
    del some["title_intake_v1"]

    with pytest.raises(AuthoredDocumentError, match="title_intake_v1"):
        production_domains(some, RULES)


# -------------------------------------------------------------------------------------- states


def test_without_decisions_all_five_wait() -> None:
    found = approval(domains(), [])

    assert states(found) == ALL_PENDING
    assert not any(found["is_open"].to_pylist())


def test_two_persons_open_the_one_they_approve_and_no_other() -> None:
    subjects = domains()

    found = approval(subjects, both(subjects, REAL))

    assert states(found) == ALL_PENDING | {REAL: "approved"}
    (row,) = (row for row in found.to_pylist() if row["is_open"])
    assert row["domain"] == REAL
    assert row["valid_until"] == (NOW + days(90)).isoformat(timespec="microseconds")
    assert len(row["decision_ids"]) == 2


def test_one_person_their_delegate_and_a_panel_are_not_two_persons() -> None:
    subjects = domains()

    for others in (["ana"], ["cleo"], ["panel"], ["cleo", "panel"]):
        made = [decided(subjects, REAL, who) for who in ("ana", *others)]
        assert states(approval(subjects, made))[REAL] == "pending", others


def test_an_objection_closes_whatever_was_approved() -> None:
    subjects = domains()
    made = [*both(subjects, REAL), decided(subjects, REAL, "panel", "hold")]

    assert states(approval(subjects, made))[REAL] == "held"


def test_approvals_expire_and_nothing_else_opens() -> None:
    subjects = domains()
    made = both(subjects, REAL, expires_at=NOW + days(10))

    assert states(approval(subjects, made, NOW + days(9)))[REAL] == "approved"
    assert states(approval(subjects, made, NOW + days(10)))[REAL] == "expired"


def test_a_boundary_that_changed_after_its_approval_is_stale() -> None:
    before = domains()
    after = domains(packet_quality_v1=receipt("packet_quality_v1", counts={"held": 9}))

    found = states(approval(after, both(before, REAL)))

    assert found[REAL] == "stale"


def test_made_up_reviewers_of_the_sample_open_nothing_and_close_what_they_object_to() -> None:
    """Their keys are made with the sample: whoever makes it anew approves in their name."""
    subjects = domains()
    made = [decided(subjects, REAL, who, is_sample=True) for who in ("ana", "ben")]
    sample = Reviewers(
        reviewers=tuple(
            item.model_copy(update={"is_sample": True})
            for item in reviewers("ana", "ben").reviewers
        )
    )
    found = [Found(item, "recorded", item.model_dump_json()) for item in made]
    rows = decisions(found, GATES, sample, NOW)
    assert rows["standing"].to_pylist() == ["in_force"] * 2

    approved = production_deployment_approval(subjects, rows, GATES, RULES)
    tables = described(subjects, opened_by_hand(subjects), rows)
    look = Look(tuple(found), GATES, sample)

    assert states(approved) == ALL_PENDING
    assert Boundaries(tables, GATES, sample, lambda: look).open_domains(NOW) == ()
    objected = decided(subjects, REAL, "ana", "reject", is_sample=True)
    found.append(Found(objected, "recorded", objected.model_dump_json()))
    rows = decisions(found, GATES, sample, NOW)
    closed = production_deployment_approval(subjects, rows, GATES, RULES)
    assert states(closed)[REAL] == "rejected"


def test_a_signature_of_another_key_counts_for_nothing() -> None:
    subjects = domains()
    made = [decided(subjects, REAL, "ana"), decided(subjects, REAL, "ben", key="stranger")]

    assert states(approval(subjects, made))[REAL] == "pending"


def test_an_open_row_without_approvals_is_no_row_of_the_table() -> None:
    frame = with_cell(approval(domains(), []), 0, "is_open", True)

    failed = {item.rule for item in judge(frame, ProductionDeploymentApproval) if not item.passed}

    assert failed == {"open_means_approved"}


# ------------------------------------------------------------------------ what a release opens


def test_a_release_opens_what_was_approved_until_it_expires_without_a_build() -> None:
    subjects = domains()
    found = boundaries(published(subjects, both(subjects, REAL, expires_at=NOW + days(10))))

    assert found.standing(REAL, NOW).is_open
    assert found.open_domains(NOW) == (REAL,)
    assert found.standing(REAL, NOW + days(9.99)).is_open
    shut = found.standing(REAL, NOW + days(10))
    assert not shut.is_open
    assert "expired" in shut.reason
    assert found.open_domains(NOW + days(10)) == ()


def test_a_reviewer_who_is_no_longer_on_file_opens_nothing() -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))

    assert boundaries(tables).standing(REAL, NOW).is_open
    assert not boundaries(tables, reviewers("ana")).standing(REAL, NOW).is_open


def opened_by_hand(subjects: pa.Table) -> pa.Table:
    """Rows that say the boundary is open, with decisions named that nobody made."""
    frame = approval(subjects, [])
    row = frame["domain"].to_pylist().index(REAL)
    forged = {
        "state": "approved",
        "is_open": True,
        "approval_count": 2,
        "decision_ids": ["0" * 32, "1" * 32],
    }
    for column, value in forged.items():
        frame = with_cell(frame, row, column, value)
    return frame


def test_a_row_edited_in_the_release_opens_nothing() -> None:
    subjects = domains()
    tables = published(subjects, [])
    tables["production_deployment_approval"] = opened_by_hand(subjects)

    found = boundaries(tables).standing(REAL, NOW)

    assert not found.is_open
    assert "not those of its receipt" in found.reason


def test_rows_receipt_and_manifest_edited_alike_open_nothing() -> None:
    subjects = domains()
    tables = described(subjects, opened_by_hand(subjects), rows_of([]))

    assert not boundaries(tables).standing(REAL, NOW).is_open


def test_decisions_that_nobody_signed_open_nothing() -> None:
    """All of it forged, decisions included: their signatures are not those of the reviewers."""
    subjects = domains()
    forged = [decided(subjects, REAL, who, key="stranger") for who in ("ana", "ben")]
    rows = rows_of(forged)
    for column, value in {"standing": "in_force", "refusal_reason": None}.items():
        for row in range(rows.num_rows):
            rows = with_cell(rows, row, column, value)
    tables = described(subjects, opened_by_hand(subjects), rows)

    assert not boundaries(tables).standing(REAL, NOW).is_open


def test_a_receipt_that_unlocks_more_than_its_rows_opens_nothing() -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))
    tables["receipts"] = with_cell(tables["receipts"], 0, "unlocks", 2)

    assert not boundaries(tables).standing(REAL, NOW).is_open


@pytest.mark.parametrize("table", Boundaries.TABLES)
def test_a_release_that_lacks_a_table_opens_nothing(table: str) -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))
    del tables[table]

    found = boundaries(tables).standing(REAL, NOW)

    assert not found.is_open
    assert table in found.reason


def test_a_subject_swapped_after_the_approval_opens_nothing() -> None:
    before = domains()
    tables = published(before, both(before, REAL))
    changed = receipt("packet_quality_v1", counts={"held": 9})
    tables["production_domains"] = domains(packet_quality_v1=changed)

    assert not boundaries(tables).standing(REAL, NOW).is_open


# ---------------------------------------------------------------- what the ledger of now takes back


@pytest.mark.parametrize("verdict", ["reject", "hold"])
@pytest.mark.parametrize("who", ["ana", "cleo", "panel"])
def test_an_objection_made_since_closes_what_the_release_opens(who: str, verdict: str) -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))
    objection = decided(subjects, REAL, who, verdict)

    found = boundaries(tables, since=[objection]).standing(REAL, NOW)

    assert not found.is_open
    assert who in found.reason
    assert boundaries(tables, since=[objection]).open_domains(NOW) == ()


def test_an_objection_to_what_came_later_closes_a_former_release_too() -> None:
    """The release is an older one: reviewers were shown another document when they objected."""
    before, after = domains(), domains(packet_quality_v1=receipt("packet_quality_v1", counts={}))
    tables = published(before, both(before, REAL))
    objection = decided(after, REAL, "cleo", "reject")

    found = boundaries(tables, since=[objection]).standing(REAL, NOW)

    assert not found.is_open
    assert "rejected since: cleo" in found.reason
    withdrawn = decided(after, REAL, "ana", "withdraw", supersedes=[objection.decision.decision_id])
    assert boundaries(tables, since=[objection, withdrawn]).standing(REAL, NOW).is_open


def test_an_objection_that_the_release_knew_of_does_not_close_it() -> None:
    """To a document before the one that was approved: the build found it to count no more."""
    before, after = domains(), domains(packet_quality_v1=receipt("packet_quality_v1", counts={}))
    made = [decided(before, REAL, "cleo", "reject"), *both(after, REAL)]

    assert boundaries(published(after, made)).standing(REAL, NOW).is_open


def test_an_approval_that_is_taken_back_closes_what_the_release_opens() -> None:
    subjects = domains()
    made = both(subjects, REAL)
    tables = published(subjects, made)
    withdrawn = decided(
        subjects, REAL, "ben", "withdraw", supersedes=[made[1].decision.decision_id]
    )

    assert not boundaries(tables, since=[withdrawn]).standing(REAL, NOW).is_open
    again = decided(subjects, REAL, "ben")
    assert boundaries(tables, since=[withdrawn, again]).standing(REAL, NOW).is_open


def test_who_took_back_a_later_approval_approves_no_former_state() -> None:
    before, after = domains(), domains(packet_quality_v1=receipt("packet_quality_v1", counts={}))
    tables = published(before, both(before, REAL))
    later = both(after, REAL)
    withdrawn = decided(after, REAL, "ben", "withdraw", supersedes=[later[1].decision.decision_id])

    assert boundaries(tables, since=later).standing(REAL, NOW).is_open
    found = boundaries(tables, since=[*later, withdrawn]).standing(REAL, NOW)

    assert not found.is_open
    assert "taken back since by ben" in found.reason


def test_a_ledger_that_lacks_a_decision_of_the_release_closes_what_it_decided() -> None:
    subjects = domains()
    made = [*both(subjects, REAL), *both(subjects, Domain.PUBLIC_RUNTIME)]
    tables = published(subjects, made)

    look = look_at(made[1:])
    found = Boundaries(tables, GATES, reviewers(), lambda: look)

    assert found.open_domains(NOW) == (Domain.PUBLIC_RUNTIME,)
    assert made[0].decision.decision_id in found.standing(REAL, NOW).reason


def test_a_decision_signed_anew_is_not_the_one_of_the_release() -> None:
    subjects = domains()
    made = both(subjects, REAL)
    other = decided(subjects, REAL, decision_id=made[0].decision.decision_id, reasons=("So.",))
    look = look_at([other, made[1]])

    found = Boundaries(published(subjects, made), GATES, reviewers(), lambda: look)

    assert not found.standing(REAL, NOW).is_open


def test_an_approval_that_nobody_on_file_signed_ends_no_objection() -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))
    objection = decided(subjects, REAL, "ben", "reject")
    ended = [objection.decision.decision_id]
    forged = decided(subjects, REAL, "ana", key="stranger", supersedes=ended)

    assert not boundaries(tables, since=[objection, forged]).standing(REAL, NOW).is_open


def edited(who: str, **fields: object) -> Reviewers:
    """The list of reviewers, with ``who`` entered otherwise."""
    return Reviewers(
        reviewers=tuple(
            item.model_copy(update=fields) if item.id == who else item
            for item in reviewers().reviewers
        )
    )


LISTS = {
    "off file": reviewers("ana", "ben"),
    "off the gate": edited("cleo", gates=("curriculum_entry",)),
    "with another key": edited("cleo", public_key=KEYS["stranger"].public_key),
    "a sample": edited("cleo", is_sample=True),
    "a person now": edited("cleo", kind=ReviewerKind.PERSON, answers_for=None),
}


@pytest.mark.parametrize("known", LISTS.values(), ids=LISTS)
def test_an_objection_goes_on_closing_whatever_becomes_of_its_maker(known: Reviewers) -> None:
    """Whoever edits the list of reviewers ends no objection; any person who may decide does."""
    subjects = domains()
    made = both(subjects, REAL)
    objection = decided(subjects, REAL, "cleo", "reject")
    tables = published(subjects, made)

    shut = boundaries(tables, known, since=[objection]).standing(REAL, NOW)
    built = production_deployment_approval(
        subjects, rows_of([*made, objection], known=known), GATES, RULES
    )

    assert "rejected: cleo: It holds." in shut.reason
    assert not shut.is_open
    assert "until a person supersedes it" in shut.reason
    assert states(built)[REAL] == "rejected"

    ended = decided(subjects, REAL, "ben", "withdraw", supersedes=[objection.decision.decision_id])
    rows = rows_of([*made, objection, ended], known=known)
    items = production_deployment_approval(subjects, rows, GATES, RULES)
    assert states(items)[REAL] == "approved"
    assert boundaries(tables, known, since=[objection, ended]).standing(REAL, NOW).is_open
    again = described(subjects, items, rows)
    assert boundaries(again, known).standing(REAL, NOW).is_open


def test_what_its_maker_ended_before_they_left_stays_ended_in_a_release() -> None:
    """Their own end of it is refused in the release's table like all they said."""
    subjects = domains()
    objection = decided(subjects, REAL, "cleo", "reject")
    ended = decided(subjects, REAL, "cleo", "withdraw", supersedes=[objection.decision.decision_id])
    made = [objection, ended, *both(subjects, REAL)]
    left = reviewers("ana", "ben")
    rows = rows_of(made, known=left)
    items = production_deployment_approval(subjects, rows, GATES, RULES)
    assert rows["standing"].to_pylist() == ["orphaned", "refused", "in_force", "in_force"]

    assert boundaries(described(subjects, items, rows), left).standing(REAL, NOW).is_open


def test_a_reviewer_who_is_off_the_list_of_now_opens_nothing() -> None:
    """The release was opened while they were on it."""
    subjects = domains()
    made = both(subjects, REAL)
    look = look_at(made, reviewers("ana"))

    found = Boundaries(published(subjects, made), GATES, reviewers(), lambda: look)

    assert not found.standing(REAL, NOW).is_open


def test_the_same_look_says_closed_once_an_approval_expired() -> None:
    """By the gates of now, at which approvals last shorter than when the release was made."""
    short = ReviewGates(
        gates=tuple(
            gate.model_copy(update={"valid_days": 10}) if gate.id == GATE else gate
            for gate in GATES.gates
        )
    )
    subjects = domains()
    made = both(subjects, REAL)
    look = Look(look_at(made).found, short, reviewers())
    found = Boundaries(published(subjects, made), GATES, reviewers(), lambda: look)

    assert found.standing(REAL, NOW + days(9)).is_open
    shut = found.standing(REAL, NOW + days(10))
    assert not shut.is_open
    assert "expired" in shut.reason


@pytest.mark.parametrize(
    "look", [Look(fault="it burned"), Look(), look_at([]), Look(gates=GATES, reviewers=reviewers())]
)
def test_a_look_that_tells_nothing_closes_everything(look: Look) -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))

    assert Boundaries(tables, GATES, reviewers(), lambda: look).open_domains(NOW) == ()


def test_of_two_decisions_of_one_id_in_a_look_the_first_has_it() -> None:
    subjects = domains()
    made = both(subjects, REAL)
    tables = published(subjects, made)

    assert boundaries(tables, since=made[:1]).standing(REAL, NOW).is_open


def test_whoever_looks_into_no_ledger_opens_nothing() -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))

    assert Boundaries(tables, GATES, reviewers()).open_domains(NOW) == ()


def test_where_the_release_opens_nothing_the_ledger_is_not_asked() -> None:
    def asked() -> Look:
        raise AssertionError("nobody needs it")

    found = Boundaries(published(domains(), []), GATES, reviewers(), asked)

    assert not found.needs_a_look
    assert found.open_domains(NOW) == ()


def test_a_document_swapped_under_its_digest_opens_nothing() -> None:
    subjects = domains()
    tables = published(subjects, both(subjects, REAL))
    place = subjects["subject_key"].to_pylist().index(REAL)
    tables["production_domains"] = with_cell(subjects, place, "subject_document", "{}")

    assert not boundaries(tables).standing(REAL, NOW).is_open


def test_a_gate_made_soft_opens_nothing_that_nobody_approved() -> None:
    soft = ReviewGates(
        gates=tuple(
            gate.model_copy(update={"strictness": Strictness.SOFT}) if gate.id == GATE else gate
            for gate in GATES.gates
        )
    )
    subjects = domains()
    tables = described(subjects, opened_by_hand(subjects), rows_of([]))
    look = Look((), soft, reviewers())

    assert Boundaries(tables, soft, reviewers(), lambda: look).open_domains(NOW) == ()


ALONE = softened(quorum=1, min_persons=1)


def test_a_gate_softened_since_leaves_open_what_two_persons_approve_and_no_less() -> None:
    subjects = domains()
    made = both(subjects, REAL)
    tables = published(subjects, made)
    withdrawn = decided(
        subjects, REAL, "ana", "withdraw", supersedes=[made[0].decision.decision_id]
    )
    for gates in (GATES, ALONE, ANYBODY):

        def served(found: Sequence[SignedDecision], gates: ReviewGates = gates) -> Standing:
            look = Look(look_at(found).found, gates, reviewers())
            return Boundaries(tables, gates, reviewers(), lambda: look).standing(REAL, NOW)

        assert served(made).is_open
        shut = served([*made, withdrawn])
        assert not shut.is_open
        assert "waits for 1 more approval(s) of 2" in shut.reason


@pytest.mark.parametrize(
    ("gates", "approvers"),
    [
        (ALONE, ("ana",)),
        (ANYBODY, ("cleo", "panel")),
        (ANYBODY, ("ana", "panel")),
        (ANYBODY, ("cleo", "ben")),
    ],
)
def test_a_release_made_at_a_softened_gate_opens_nothing_without_two_persons(
    gates: ReviewGates, approvers: tuple[str, ...]
) -> None:
    """Receipt and manifest agree with rows that say it is open."""
    subjects = domains()
    made = [decided(subjects, REAL, who) for who in approvers]
    rows = rows_of(made, gates=gates)
    items = production_deployment_approval(subjects, rows, gates, RULES)
    assert states(items)[REAL] == "approved"
    look = Look(look_at(made).found, gates, reviewers())

    served = Boundaries(described(subjects, items, rows), gates, reviewers(), lambda: look)

    assert served.needs_a_look
    assert served.open_domains(NOW) == ()
