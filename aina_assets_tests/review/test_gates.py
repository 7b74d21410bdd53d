"""No way into a gate but by decisions that count, and never no way at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import GateState, SignedDecision
from aina_assets.review.gates import Finding, find, gate_states
from aina_assets.review.policy import Gate, Reviewers
from aina_assets.review.reading import LEDGER, Found, decisions
from aina_assets.review.signing import sign
from aina_assets.review.subjects import digest_of, subject
from aina_assets.review.tables import EXPIRED, IN_FORCE, Decisions
from aina_assets.warehouse.gate import judge
from aina_assets_tests.review.world import (
    HARD,
    KEYS,
    SOFT,
    START,
    decision,
    gates,
    reviewers,
    signed,
)

NAMES = ("ana", "ben", "cleo", "dora", "panel")
VERDICTS = ("approve", "revise", "hold", "reject")


def rows_of(
    made: Sequence[SignedDecision], days: float = 0, who: Reviewers | None = None
) -> list[dict[str, Any]]:
    """Rows of decisions as they are read ``days`` after the first."""
    found = [Found(item, LEDGER, item.model_dump_json(), item.decision.decided_at) for item in made]
    table = decisions(found, gates(), who or reviewers(), START + timedelta(days=days))
    return list(table.to_pylist())


def found_at(
    made: Sequence[SignedDecision],
    digest: str = digest_of("a"),
    authors: Sequence[str] = (),
    days: float = 0,
    gate: str = HARD,
    who: Reviewers | None = None,
) -> Finding:
    return find(gates().gate(gate), digest, authors, rows_of(made, days, who))


def state_of(*made: SignedDecision, **how: Any) -> GateState:
    return found_at(made, **how).state


def id_of(made: SignedDecision) -> str:
    return made.decision.decision_id


# --------------------------------------------------------------------------------------- one by one


def test_nothing_is_approved_by_default() -> None:
    assert state_of() is GateState.PENDING
    assert not found_at([]).is_open(gates().gate(HARD))
    assert found_at([], gate=SOFT).is_open(gates().gate(SOFT))


def test_two_who_answer_for_themselves_are_a_quorum_and_one_with_a_delegate_is_none() -> None:
    ana, ben, cleo = signed("ana"), signed("ben"), signed("cleo")

    assert state_of(ana) is GateState.PENDING
    assert state_of(ana, cleo) is GateState.PENDING
    assert state_of(ana, signed("ana")) is GateState.PENDING
    assert state_of(ana, ben) is GateState.APPROVED
    assert state_of(cleo, ben) is GateState.APPROVED


def test_a_panel_may_object_where_it_may_not_approve() -> None:
    assert state_of(signed("panel"), signed("ana")) is GateState.PENDING
    assert state_of(signed("ana"), signed("ben"), signed("panel", "hold")) is GateState.HELD
    assert state_of(signed("panel", gate=SOFT), gate=SOFT) is GateState.APPROVED


@pytest.mark.parametrize("author", ["ana", "ben"])
def test_who_had_a_part_in_it_is_not_counted_nor_whoever_answers_to_them(author: str) -> None:
    made = [signed("ana"), signed("cleo"), signed("ben")]

    assert state_of(*made) is GateState.APPROVED
    assert state_of(*made, authors=[author]) is GateState.PENDING


def test_an_author_does_not_object_to_their_own() -> None:
    made = [signed("ana"), signed("ben"), signed("dora", "reject")]

    assert state_of(*made) is GateState.REJECTED
    assert state_of(*made, authors=["dora"]) is GateState.APPROVED


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        (("revise",), GateState.REVISE),
        (("revise", "hold"), GateState.HELD),
        (("hold", "revise", "reject"), GateState.REJECTED),
    ],
)
def test_the_strongest_objection_is_the_state(verdicts: tuple[str, ...], state: GateState) -> None:
    by = ("ana", "ben", "dora")
    made = [signed(name, verdict) for name, verdict in zip(by, verdicts, strict=False)]

    assert state_of(*made) is state


def test_of_ones_judgements_the_last_counts() -> None:
    made = [signed("ana"), signed("ben"), signed("ben", "reject")]

    assert state_of(*made) is GateState.REJECTED
    assert state_of(*made, signed("ben")) is GateState.APPROVED


def test_a_withdrawn_approval_leaves_what_was_there_without_it() -> None:
    ana, ben = signed("ana"), signed("ben")
    taken_back = signed("ben", "withdraw", supersedes=(id_of(ben),))

    assert state_of(ana, ben, taken_back) is GateState.PENDING


def test_a_delegate_ends_nobody_elses_decision_and_a_person_anyones() -> None:
    objection = signed("ben", "reject")
    made = [signed("ana"), signed("dora"), objection]
    by_delegate = signed("cleo", "withdraw", supersedes=(id_of(objection),))
    by_person = signed("ana", "withdraw", supersedes=(id_of(objection),))

    assert state_of(*made, by_delegate) is GateState.REJECTED
    assert state_of(*made, by_person) is GateState.APPROVED
    ended = signed("ben", "withdraw", supersedes=(id_of(by_person),))
    assert state_of(*made, by_person, ended) is GateState.REJECTED


def test_another_digest_closes_the_gate_again() -> None:
    made = [signed("ana"), signed("ben")]

    assert state_of(*made, digest=digest_of("a ")) is GateState.STALE
    assert found_at(made, digest=digest_of("a ")).former == 2
    again = [signed(name, subject_digest=digest_of("a ")) for name in ("ana", "ben")]
    assert state_of(*made, *again, digest=digest_of("a ")) is GateState.APPROVED


def test_approvals_expire_and_objections_do_not() -> None:
    made = [signed("ana"), signed("ben")]

    assert state_of(*made, days=29.99) is GateState.APPROVED
    assert found_at(made).valid_until == "2026-04-01T09:00:00.000000+00:00"
    assert state_of(*made, days=30) is GateState.EXPIRED
    assert state_of(*made, signed("dora", "hold"), days=10_000) is GateState.HELD
    assert state_of(signed("ana"), days=30) is GateState.PENDING


def without(name: str) -> Reviewers:
    return Reviewers(reviewers=tuple(item for item in reviewers().reviewers if item.id != name))


@pytest.mark.parametrize("verdict", ["reject", "hold", "revise"])
def test_an_objection_outlives_its_makers_leave_to_decide(verdict: str) -> None:
    objection = signed("dora", verdict)
    made = [signed("ana"), signed("ben"), objection]
    found = found_at(made, who=without("dora"))

    assert found.state is state_of(*made)
    assert found.objections
    assert "until a person supersedes it" in found.reason
    assert state_of(*made, signed("panel", "hold"), who=without("dora")) is not GateState.APPROVED
    by_panel = signed("panel", "withdraw", supersedes=(id_of(objection),))
    assert state_of(*made, by_panel, who=without("dora")) is found.state
    by_person = signed("ana", "approve", supersedes=(id_of(objection),))
    assert state_of(*made, by_person, who=without("dora")) is GateState.APPROVED


def test_who_may_not_decide_any_more_approves_nothing_and_ends_nobodys_objection() -> None:
    ana, ben, objection = signed("ana"), signed("ben"), signed("panel", "hold")
    other = signed("dora", "reject", supersedes=(id_of(objection),))
    ended = signed("ana", "withdraw", supersedes=(id_of(other),))

    assert state_of(ana, signed("dora"), who=without("dora")) is GateState.PENDING
    by_dora = signed("dora", "withdraw", supersedes=(id_of(objection),))
    assert state_of(ana, ben, objection, by_dora) is GateState.APPROVED
    assert state_of(ana, ben, objection, by_dora, who=without("dora")) is GateState.HELD
    found = found_at([ana, ben, objection, other], who=without("dora"))
    assert [row["decision_id"] for row in found.objections] == [id_of(other), id_of(objection)]
    assert state_of(ana, ben, objection, other, ended, who=without("dora")) is GateState.HELD


def test_what_its_maker_took_back_does_not_come_again_when_they_leave() -> None:
    objection = signed("dora", "reject")
    made = [signed("ana"), signed("ben"), objection]
    taken_back = signed("dora", "withdraw", supersedes=(id_of(objection),))
    after_all = signed("dora", "withdraw", supersedes=(id_of(taken_back),))

    for who in (None, without("dora")):
        assert state_of(*made, taken_back, who=who) is GateState.APPROVED
        assert state_of(*made, signed("dora"), who=who) is GateState.APPROVED
        assert state_of(*made, taken_back, after_all, who=who) is GateState.REJECTED
        assert state_of(*made, signed("dora", "hold"), who=who) is GateState.HELD
    before = signed("dora")
    assert state_of(before, *made, who=without("dora")) is GateState.REJECTED


def test_a_maker_with_another_key_ends_their_objection_themselves() -> None:
    """What they signed with the key they had goes on closing until then."""
    new = reviewers(dora={"public_key": KEYS["stranger"].public_key})
    objection = signed("dora", "reject")
    made = [signed("ana"), signed("ben"), objection]
    again = decision("dora", "withdraw", supersedes=(id_of(objection),))

    assert state_of(*made, who=new) is GateState.REJECTED
    assert state_of(*made, sign(again, KEYS["stranger"]), who=new) is GateState.APPROVED
    assert state_of(*made, sign(again, KEYS["dora"]), who=new) is GateState.APPROVED


def test_hard_gates_open_by_approval_alone_and_soft_ones_close_by_objection_alone() -> None:
    table = pa.Table.from_pylist(
        [
            subject(HARD, "domain", "a", title="A", content={"x": 1}),
            subject(SOFT, "lesson", "l", title="L", content={"x": 1}),
            subject(SOFT, "lesson", "m", title="M", content={"x": 1}),
        ]
    )
    digests = dict(
        zip(table["subject_key"].to_pylist(), table["subject_digest"].to_pylist(), strict=True)
    )
    made = [
        signed(
            "ana",
            "reject",
            gate=SOFT,
            subject_kind="lesson",
            subject_key="m",
            subject_digest=digests["m"],
        )
    ]
    schema = decisions([], gates(), reviewers(), START).schema
    states = gate_states([table], pa.Table.from_pylist(rows_of(made), schema=schema), gates())

    assert [
        (row["subject_key"], row["state"], row["is_open"], row["is_unreviewed"])
        for row in states.to_pylist()
    ] == [
        ("a", "pending", False, False),
        ("l", "pending", True, True),
        ("m", "rejected", False, False),
    ]


def test_a_subject_of_no_gate_is_refused() -> None:
    table = pa.Table.from_pylist([subject("nowhere", "x", "a", title="A", content={})])

    with pytest.raises(ReviewError, match="nowhere"):
        gate_states([table], decisions([], gates(), reviewers(), START), gates())


# ------------------------------------------------------------------------------- from every state


class Gatekeeping(RuleBasedStateMachine):
    """People deciding, taking back, being overruled, and the subject and time going on."""

    @initialize(gate=st.sampled_from([HARD, SOFT]), author=st.sampled_from([None, "dora", "cleo"]))
    def begin(self, gate: str, author: str | None) -> None:
        self.gate: Gate = gates().gate(gate)
        self.authors = [author] if author else []
        self.made: list[SignedDecision] = []
        self.version = self.latest = 0
        self.days = 0.0

    @property
    def digest(self) -> str:
        return digest_of(str(self.version))

    def decide(self, name: str, verdict: str, supersedes: Sequence[str] = ()) -> SignedDecision:
        return signed(
            name,
            verdict,
            gate=self.gate.id,
            subject_kind=self.gate.subject_kind,
            subject_digest=self.digest,
            decided_at=START + timedelta(days=self.days),
            supersedes=tuple(supersedes),
        )

    def found(self, *more: SignedDecision, later: float = 0) -> Finding:
        rows = rows_of([*self.made, *more], self.days + later)
        return find(self.gate, self.digest, self.authors, rows)

    @rule(name=st.sampled_from(NAMES), verdict=st.sampled_from(VERDICTS), data=st.data())
    def somebody_decides(self, name: str, verdict: str, data: st.DataObject) -> None:
        supersedes = data.draw(self.some_ids())
        self.made.append(self.decide(name, verdict, supersedes))

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def somebody_withdraws(self, name: str, data: st.DataObject) -> None:
        supersedes = data.draw(self.some_ids())
        if supersedes:
            self.made.append(self.decide(name, "withdraw", supersedes))

    @rule()
    def the_subject_changes(self) -> None:
        before = self.found()
        self.version = self.latest = self.latest + 1
        now = self.found()
        assert now.state in (GateState.PENDING, GateState.STALE)
        assert not now.approvals
        assert now.former >= before.former

    @rule()
    def the_subject_is_as_it_was(self) -> None:
        self.version = max(0, self.version - 1)

    @rule(days=st.sampled_from([1.0, 29.0, 31.0]))
    def time_passes(self, days: float) -> None:
        self.days += days

    def some_ids(self) -> st.SearchStrategy[list[str]]:
        if not self.made:
            return st.just([])
        return st.lists(
            st.sampled_from([id_of(item) for item in self.made]), max_size=2, unique=True
        )

    @invariant()
    def a_way_in_a_way_out_and_a_way_back(self) -> None:
        bound = [id_of(item) for item in self.made if item.decision.subject_digest == self.digest]
        persons = [name for name in ("ana", "ben", "dora") if self.may_decide(name)]
        rejected = self.found(self.decide(persons[0], "reject"))
        assert rejected.state is GateState.REJECTED
        assert not rejected.is_open(self.gate)

        approved = self.found(*(self.decide(name, "approve", bound) for name in persons))
        assert approved.state is GateState.APPROVED
        assert approved.is_open(self.gate)

        if bound:
            taken_back = self.found(self.decide(persons[0], "withdraw", bound))
            assert taken_back.state in (GateState.PENDING, GateState.STALE)
            assert not taken_back.approvals
            assert not taken_back.objections

    def may_decide(self, name: str) -> bool:
        return name not in self.authors and self.gate.id in reviewers().by_id[name].gates

    @invariant()
    def it_is_approved_by_a_quorum_and_nothing_else(self) -> None:
        now = self.found()
        by_id = reviewers().by_id
        counted = [row for row in now.approvals if row["standing"] == IN_FORCE]
        assert len(counted) == len(now.approvals)
        responsible = {
            by_id[row["reviewer_id"]].answers_for or row["reviewer_id"] for row in counted
        }
        persons = {row["reviewer_id"] for row in counted if row["reviewer_kind"] == "person"}
        is_enough = len(responsible) >= self.gate.quorum and len(persons) >= self.gate.min_persons
        assert (now.state is GateState.APPROVED) == (is_enough and not now.objections)
        for row in (*now.approvals, *now.objections):
            assert row["subject_digest"] == self.digest
            assert not {row["reviewer_id"], row["responsible_id"]} & set(self.authors)

    @invariant()
    def waiting_approves_nothing(self) -> None:
        now = self.found()
        for days in (0.5, 29.5, 100.0):
            later = self.found(later=days)
            assert {row["decision_id"] for row in later.approvals} <= {
                row["decision_id"] for row in now.approvals
            }
            assert [row["decision_id"] for row in later.objections] == [
                row["decision_id"] for row in now.objections
            ]
            if later.state is GateState.APPROVED:
                assert now.state is GateState.APPROVED


Gatekeeping.TestCase.settings = settings(max_examples=60, stateful_step_count=12)
TestGatekeeping = Gatekeeping.TestCase


def test_rows_of_decisions_pass_the_gate() -> None:
    made = [
        signed("ana"),
        signed("panel", "hold"),
        signed("ben", "revise"),
        signed("sample_ana"),
        signed("dora", gate=SOFT),
    ]
    found = [Found(item, LEDGER, item.model_dump_json()) for item in made]
    rows = decisions(found, gates(), reviewers(), START + timedelta(days=31))

    assert all(finding.passed for finding in judge(rows, Decisions, ()))
    assert rows["standing"].to_pylist()[:1] == [EXPIRED]
