"""Only a decision bound to a title as it is promotes it, and never further than a fallback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from aina_assets.contracts.receipts import Verdict
from aina_assets.contracts.review import Decision, SignedDecision, Vote
from aina_assets.location import build_defs
from aina_assets.review.policy import ReviewGates
from aina_assets.review.subjects import digest_of
from aina_assets.review.tables import EXPIRED, IN_FORCE, REFUSED, TitleAdjudicationDecisions
from aina_assets.review.votes import PanelRules
from aina_assets.titles import adjudication, assets
from aina_assets.titles.adjudication_tables import (
    OUTCOMES,
    TitleAdjudication,
    TitleAdjudicationSubjects,
    TitleCoverage,
)
from aina_assets.warehouse.assets import receipt_spec_of
from aina_assets.warehouse.code_versions import _closure
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.receipts import read_receipt, receipt_of
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import arrow_schema

Frames = dict[str, pa.Table]
Row = dict[str, Any]

GATES, PANEL = ReviewGates.load(), PanelRules.load()
WAITS = "multi_llm_adjudication_required"
MODELS = ("gpt-a", "claude-b", "mistral-c")


@pytest.fixture(scope="module")
def frames(store: Store) -> Frames:
    names = ("title_routing", "title_lexicon", "roles", "occupations")
    return {name: store.read(name) for name in names}


@pytest.fixture(scope="module")
def subjects(frames: Frames) -> pa.Table:
    return subjects_of(frames)


def subjects_of(frames: Frames) -> pa.Table:
    return adjudication.title_adjudication_subjects(
        duckdb.connect(), *(frames[name] for name in frames)
    )


@pytest.fixture(scope="module")
def title(subjects: pa.Table) -> Row:
    """A title of several rows, with an occupation and a major group on offer."""
    rows = [row for row in subjects.to_pylist() if row["row_count"] > 1]
    return next(row for row in rows if {"detailed", "major"} <= levels(row).keys())


def levels(row: Row) -> dict[str, Row]:
    """What is on offer by level, the likeliest of each."""
    grants = json.loads(row["subject_document"])["content"]["grants"]
    return {grant["code_level"]: grant for grant in reversed(grants)}


def role(row: Row, level: str = "detailed") -> str:
    return str(levels(row)[level]["role"])


def votes(*said: str | None) -> tuple[Vote, ...]:
    """A vote a model: the role it approves, a verdict, or none."""
    made = []
    for name, item in zip(MODELS, said, strict=False):
        fields: Row = {"model": name, "verdict": item}
        if item is None:
            fields["error"] = "timeout"
        elif item.startswith("roles:"):
            fields |= {"verdict": "approve", "cites": (item,)}
        made.append(Vote.model_validate(fields))
    return tuple(made)


def decided(row: Row, *, standing: str = IN_FORCE, **fields: Any) -> Row:
    """A decision about ``row``: unless fields say more, a person approves its likeliest role."""
    kind = "panel" if "votes" in fields else "person"
    ordinal = fields.pop("ordinal", 1)
    said: Row = {
        "decision_id": f"{ordinal:032x}",
        "gate": "title_adjudication",
        "subject_kind": "title",
        "subject_key": row["subject_key"],
        "subject_digest": row["subject_digest"],
        "verdict": "approve",
        "reasons": ("It is that.",),
        "evidence": (role(row),),
        "reviewer_id": f"{kind}_{ordinal}",
        "reviewer_kind": kind,
        "decided_at": "2026-11-20T10:00:00Z",
    } | fields
    decision = Decision.model_validate(said)
    document = SignedDecision(decision=decision, signature="A" * 86 + "==").model_dump_json()
    plain = decision.model_dump(mode="json")
    own = {
        "ordinal": ordinal,
        "origin": "ledger",
        "responsible_id": said["reviewer_id"],
        "standing": standing,
        "refusal_reason": "forged" if standing == REFUSED else None,
        "document": document,
    }
    names = arrow_schema(TitleAdjudicationDecisions).names
    return {name: own[name] if name in own else plain[name] for name in names}


def table(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(TitleAdjudicationDecisions))


def coverage(frames: Frames, subjects: pa.Table, *rows: Row) -> pa.Table:
    return adjudication.title_coverage(
        frames["title_routing"], subjects, table(rows), frames["roles"], GATES, PANEL
    )


def figures(subjects: pa.Table, *rows: Row) -> dict[str, tuple[int, float | None]]:
    found = adjudication.title_adjudication(subjects, table(rows), GATES, PANEL)
    assert_passes(found, TitleAdjudication)
    return {row["figure"]: (row["value"], row["measure"]) for row in found.to_pylist()}


def assert_passes(frame: pa.Table, model: type[Any]) -> None:
    assert [item for item in judge(frame, model, ()) if not item.passed] == []


def of(frame: pa.Table, title: Row) -> list[Row]:
    return [row for row in frame.to_pylist() if row["title_key"] == title["subject_key"]]


# -------------------------------------------------------------------------------------- subjects


def test_every_open_title_is_one_subject_with_all_its_rows(
    frames: Frames, subjects: pa.Table
) -> None:
    assert_passes(subjects, TitleAdjudicationSubjects)
    waiting = [
        row["title_key"]
        for row in frames["title_routing"].to_pylist()
        if row["service_tier"] == WAITS
    ]
    assert sorted(set(waiting)) == subjects["subject_key"].to_pylist()
    counted = dict(
        zip(subjects["subject_key"].to_pylist(), subjects["row_count"].to_pylist(), strict=True)
    )
    assert counted == {key: waiting.count(key) for key in set(waiting)}
    assert len(waiting) > len(counted), "the sample has a title in several rows"


def test_what_is_on_offer_is_in_the_field_and_never_an_identity(
    frames: Frames, subjects: pa.Table
) -> None:
    roles = {row["role_id"]: row for row in frames["roles"].to_pylist()}
    for row in subjects.to_pylist():
        content = json.loads(row["subject_document"])["content"]
        shown = {item["code"] for item in content["candidates"]}
        assert content["options"] == [f"roles:{code}" for code in row["role_ids"]]
        for grant in content["grants"]:
            named = roles[grant["role"].removeprefix("roles:")]
            assert named["is_icp"]
            assert (named["code_level"], named["canonical_title"]) == (
                grant["code_level"],
                grant["title"],
            )
            assert grant["service_tier"] == "serve_with_fallback"
            is_major = grant["code_level"] == "major"
            assert grant["fallback_tier"] == ("archetype" if is_major else "function")
            held = {code[:7] for code in named["onet_soc_codes"]} & shown
            assert len(held) >= (1 if grant["code_level"] == "detailed" else 2)


@pytest.mark.parametrize("column", ["reasons", "candidates", "title_list", "title"])
def test_a_changed_title_is_another_subject(
    frames: Frames, subjects: pa.Table, title: Row, column: str
) -> None:
    changed = subjects_of(frames | {"title_routing": with_change(frames, title, column)})

    before, after = (
        dict(zip(item["subject_key"].to_pylist(), item["subject_digest"].to_pylist(), strict=True))
        for item in (subjects, changed)
    )
    assert {key for key in before if before[key] != after[key]} == {title["subject_key"]}


def with_change(frames: Frames, title: Row, column: str) -> pa.Table:
    """Routing in which the evidence of ``title`` is another."""
    new: Mapping[str, Any] = {
        "reasons": ["below_every_threshold"],
        "candidates": [],
        "title_list": "titles/another.csv",
        "title": "spelt otherwise",
    }
    routing = frames["title_routing"]
    rows = routing.to_pylist()
    for row in rows:
        if row["title_key"] == title["subject_key"]:
            row[column] = new[column]
    return pa.Table.from_pylist(rows, schema=routing.schema)


# ------------------------------------------------------------------------------------- promotion


def test_without_decisions_coverage_is_the_routing(frames: Frames, subjects: pa.Table) -> None:
    found = coverage(frames, subjects)

    assert found.to_pylist() == frames["title_routing"].to_pylist()
    counted = figures(subjects)
    assert counted["waiting"] == counted["queue"] == (subjects.num_rows, None)
    assert counted["promoted_rows"] == (0, None)


@pytest.mark.parametrize("level", ["detailed", "major"])
@pytest.mark.parametrize("by", ["person", "panel"])
def test_a_bound_decision_promotes_all_rows_of_the_title_and_no_other(
    frames: Frames, subjects: pa.Table, title: Row, level: str, by: str
) -> None:
    named = role(title, level)
    fields: Row = {"evidence": (named,)} | ({"votes": votes(*[named] * 3)} if by == "panel" else {})
    found = coverage(frames, subjects, decided(title, **fields))

    assert_passes(found, TitleCoverage)
    before = frames["title_routing"].to_pylist()
    after = found.to_pylist()
    changed = [row for old, row in zip(before, after, strict=True) if old != row]
    assert {row["title_key"] for row in changed} == {title["subject_key"]}
    assert len(changed) == title["row_count"]
    for row in changed:
        assert row["service_tier"] == "serve_with_fallback"
        assert row["fallback_tier"] == ("archetype" if level == "major" else "function")
        assert f"roles:{row['role_id']}" == named
        assert row["reasons"][-1] == f"promoted_by_decision:{1:032x}"
        assert f"decisions:{1:032x}" in row["source_refs"]
        assert "internal" in row["source_class"].split("+")
        assert (row["question"], row["promotion_rule"]) == (None, None)
    counted = figures(subjects, decided(title, **fields))
    assert counted["promoted"] == (1, None)
    assert counted["promoted_rows"] == (title["row_count"], None)


def no_promotion(title: Row) -> dict[str, tuple[str, list[Row]]]:
    """Decisions that promote nothing, with the outcome they have instead."""
    one, other = role(title), role(title, "major")
    person = {"reviewer_id": "ana"}
    return {
        "on another digest": ("stale", [decided(title, subject_digest=digest_of("before"))]),
        "of another title": ("waiting", [decided(title, subject_key="nobody")]),
        "at another gate": ("waiting", [decided(title, gate="gdpval_candidate")]),
        "of another kind": ("waiting", [decided(title, subject_kind="module")]),
        "refused": ("waiting", [decided(title, standing=REFUSED)]),
        "expired": ("expired", [decided(title, standing=EXPIRED)]),
        "withdrawn": (
            "waiting",
            [
                decided(title, **person),
                decided(
                    title,
                    ordinal=2,
                    verdict="withdraw",
                    evidence=(),
                    supersedes=(f"{1:032x}",),
                    **person,
                ),
            ],
        ),
        "held": ("held", [decided(title, verdict="hold")]),
        "rejected": ("rejected", [decided(title, verdict="reject")]),
        "approved and held": (
            "disagreed",
            [decided(title), decided(title, ordinal=2, verdict="hold")],
        ),
        "delegated": ("waiting", [decided(title, reviewer_kind="delegated")]),
        "naming no role": ("unproven", [decided(title, evidence=())]),
        "naming two roles": ("unproven", [decided(title, evidence=(one, other))]),
        "naming a role not on offer": ("unproven", [decided(title, evidence=("roles:99-9999",))]),
        "naming the role in words": ("unproven", [decided(title, evidence=(one.upper(),))]),
        "two people, two roles": (
            "disagreed",
            [decided(title), decided(title, ordinal=2, evidence=(other,))],
        ),
        "a panel whose votes part": ("unproven", [decided(title, votes=votes(one, one, other))]),
        "a panel of one vote": ("unproven", [decided(title, votes=votes(one, None, None))]),
        "a panel of one family": (
            "unproven",
            [
                decided(
                    title,
                    votes=tuple(
                        vote.model_copy(update={"model": f"gpt-{at}"})
                        for at, vote in enumerate(votes(one, one, one))
                    ),
                )
            ],
        ),
        "a panel that voted for another role": (
            "unproven",
            [decided(title, votes=votes(other, other, other))],
        ),
        "a panel that voted to hold": ("unproven", [decided(title, votes=votes(*["hold"] * 3))]),
        "a split panel": (
            "disagreed",
            [decided(title, verdict="hold", evidence=(), votes=votes(one, other, "hold"))],
        ),
        "a panel and a person who part": (
            "disagreed",
            [
                decided(title),
                decided(title, ordinal=2, evidence=(other,), votes=votes(*[other] * 3)),
            ],
        ),
    }


CASES = (
    *("on another digest", "of another title", "at another gate", "of another kind", "refused"),
    *("expired", "withdrawn", "held", "rejected", "approved and held", "delegated"),
    *("naming no role", "naming two roles", "naming a role not on offer"),
    *("naming the role in words", "two people, two roles", "a panel whose votes part"),
    *("a panel of one vote", "a panel of one family", "a panel that voted for another role"),
    *("a panel that voted to hold", "a split panel", "a panel and a person who part"),
)


@pytest.mark.parametrize("case", CASES)
def test_nothing_else_promotes(frames: Frames, subjects: pa.Table, title: Row, case: str) -> None:
    cases = no_promotion(title)
    assert set(cases) == set(CASES)
    outcome, rows = cases[case]

    assert coverage(frames, subjects, *rows).to_pylist() == frames["title_routing"].to_pylist()
    made = adjudication.rulings(subjects, table(rows), GATES, PANEL)
    assert [ruling for ruling in made if ruling.grant or ruling.decision_id] == []
    counted = figures(subjects, *rows)
    assert counted["promoted"] == counted["promoted_rows"] == (0, None)
    others = {name: counted[name][0] for name in OUTCOMES if name not in (outcome, "waiting")}
    assert set(others.values()) == {0}
    waiting = subjects.num_rows - (0 if outcome == "waiting" else 1)
    assert (counted[outcome][0] > 0, counted["waiting"][0]) == (True, waiting)


def test_a_decision_on_a_title_that_the_rules_serve_changes_nothing(
    frames: Frames, subjects: pa.Table, title: Row
) -> None:
    """Somebody may have decided before the rules learnt better: then there is no such subject."""
    served = next(
        row for row in frames["title_routing"].to_pylist() if row["service_tier"] == "serve_now"
    )
    row = decided(title, subject_key=served["title_key"])

    assert coverage(frames, subjects, row).to_pylist() == frames["title_routing"].to_pylist()


@pytest.mark.parametrize("column", ["reasons", "candidates", "title_list"])
def test_a_promotion_lapses_when_the_title_changes(
    frames: Frames, subjects: pa.Table, title: Row, column: str
) -> None:
    row = decided(title)
    assert {item["service_tier"] for item in of(coverage(frames, subjects, row), title)} == {
        "serve_with_fallback"
    }
    changed = frames | {"title_routing": with_change(frames, title, column)}
    after = subjects_of(changed)

    assert {item["service_tier"] for item in of(coverage(changed, after, row), title)} == {WAITS}
    assert figures(after, row)["stale"] == (1, None)


def test_stricter_rules_for_the_panel_end_what_they_would_not_have_let_pass(
    frames: Frames, subjects: pa.Table, title: Row
) -> None:
    row = decided(title, votes=votes(role(title), role(title)))
    strict = PANEL.model_copy(
        update={"agreement": PANEL.agreement.model_copy(update={"min_votes": 3})}
    )
    asked = (frames["title_routing"], subjects, table([row]), frames["roles"], GATES)

    assert of(adjudication.title_coverage(*asked, PANEL), title)[0]["role_id"]
    assert of(adjudication.title_coverage(*asked, strict), title)[0]["role_id"] is None


def test_a_person_overrules_a_panel(frames: Frames, subjects: pa.Table, title: Row) -> None:
    panel = decided(title, verdict="hold", evidence=(), votes=votes(*["hold"] * 3))
    person = decided(title, ordinal=2, supersedes=(panel["decision_id"],))

    (found, *_) = of(coverage(frames, subjects, panel, person), title)
    assert found["reasons"][-1] == f"promoted_by_decision:{2:032x}"


# --------------------------------------------------------------------------------------- figures


def test_what_votes_cost_and_are_worth_is_counted(subjects: pa.Table, title: Row) -> None:
    named = role(title)
    cast = tuple(
        vote.model_copy(update={"input_tokens": 100, "output_tokens": 10, "cost_usd": cost})
        for vote, cost in zip(votes(named, named, None), (0.5, 0.25, None), strict=True)
    )
    person = decided(title, ordinal=2)
    counted = figures(subjects, decided(title, votes=cast), person)

    assert counted["panel_titles"] == (1, None)
    assert counted["panel_unanimous"] == (1, 1.0)
    assert (counted["votes"][0], counted["usable_votes"][0]) == (3, 2)
    assert counted["cost_usd"] == (2, 0.75)
    assert (counted["input_tokens"][0], counted["output_tokens"][0]) == (300, 30)
    assert counted["agreement_with_people"] == (1, None)
    assert counted["decided"] == (1, None)


def test_agreement_with_people_counts_superseded_judgements(subjects: pa.Table) -> None:
    rows = [row for row in subjects.to_pylist() if row["role_ids"]][:4]
    made = []
    for at, row in enumerate(rows):
        said = "hold" if at % 2 else "reject"
        panel = decided(
            row, ordinal=2 * at + 1, verdict=said, evidence=(), votes=votes(*[said] * 3)
        )
        supersedes = (panel["decision_id"],)
        person = decided(row, ordinal=2 * at + 2, verdict=said, evidence=(), supersedes=supersedes)
        made += [panel, person]
    counted = figures(subjects, *made)

    assert counted["agreement_with_people"] == (4, 1.0)
    assert counted["effective_votes"] == (3, 1.0)


# ------------------------------------------------------------------------------------- the graph


def test_a_decision_routes_and_trains_nothing_again() -> None:
    graph = build_defs().resolve_asset_graph()
    decisions = next(
        key for key in graph.get_all_asset_keys() if key.path == ["title_adjudication_decisions"]
    )
    below: set[Any] = set()
    waiting = [decisions]
    while waiting:
        for key in graph.get(waiting.pop()).child_keys - below:
            below.add(key)
            waiting.append(key)
    names = {key.path[-1] for key in below}

    assert {"title_coverage", "title_adjudication", "packets"} <= names
    trained = {"title_model", "title_ranker", "title_evidence", "title_lexicon", "title_routing"}
    assert not names & {*trained, "title_thresholds", "title_adjudication_subjects"}


def test_what_trains_and_routes_does_not_stand_on_adjudication() -> None:
    trained = _closure(frozenset({"aina_assets.titles.coverage", "aina_assets.titles.tables"}))

    assert not {name for name in trained if "adjudication" in name or ".review" in name}


# ------------------------------------------------------------------------------------ the receipt


def verdict(subjects: pa.Table, *rows: Row) -> Verdict:
    """Verdict of the receipt, as the asset declares it."""
    spec = receipt_spec_of(assets.title_adjudication.get_asset_spec())
    assert spec is not None
    made = adjudication.title_adjudication(subjects, table(rows), GATES, PANEL)
    record = Record("title_adjudication", "0" * 64, "code", "settings", {})
    return receipt_of(spec, made, record).verdict


def test_the_receipt_passes_when_the_queue_is_settled_and_not_before(
    subjects: pa.Table, title: Row
) -> None:
    one = subjects.filter(pc.equal(subjects["subject_key"], title["subject_key"]))
    approved, rejected = decided(title), decided(title, verdict="reject", evidence=())

    assert verdict(one) is Verdict.HOLD
    assert verdict(one, approved) is Verdict.PASS
    assert verdict(one, rejected) is Verdict.PASS
    assert verdict(one.slice(0, 0)) is Verdict.PASS
    assert verdict(subjects, approved) is Verdict.HOLD, "the other titles wait"


@pytest.mark.parametrize("case", CASES)
def test_the_receipt_holds_while_a_title_is_neither_promoted_nor_rejected(
    subjects: pa.Table, title: Row, case: str
) -> None:
    outcome, rows = no_promotion(title)[case]
    one = subjects.filter(pc.equal(subjects["subject_key"], title["subject_key"]))
    assert verdict(one, *rows) is (Verdict.PASS if outcome == "rejected" else Verdict.HOLD)


# ------------------------------------------------------------------------------- the built sample


def test_the_sample_shows_every_outcome_it_says(store: Store) -> None:
    counted = {row["figure"]: row["value"] for row in store.read("title_adjudication").to_pylist()}
    coverage = store.read("title_coverage")
    promoted = [
        row
        for row in coverage.to_pylist()
        if any(reason.startswith("promoted_by_decision:") for reason in row["reasons"])
    ]

    assert counted["promoted"] == 3
    assert counted["disagreed"] == 2
    assert (counted["held"], counted["rejected"]) == (1, 1)
    assert counted["promoted_rows"] == len(promoted)
    receipt = read_receipt(store, "title_adjudication_v1")
    assert receipt is not None
    assert receipt.verdict is Verdict.HOLD, "most titles wait"
    known = set(store.read("decisions")["decision_id"].to_pylist())
    for row in promoted:
        assert row["reasons"][-1].partition(":")[2] in known


def test_cites_of_the_sample_panel_are_in_what_it_was_shown(store: Store) -> None:
    shown = {
        row["subject_key"]: row["subject_document"]
        for row in store.read("title_adjudication_subjects").to_pylist()
    }
    panels = [
        SignedDecision.model_validate_json(row["document"]).decision
        for row in store.read("title_adjudication_decisions").to_pylist()
        if row["reviewer_kind"] == "panel"
    ]
    assert panels
    for decision in panels:
        cites = [cite for vote in decision.votes for cite in vote.cites]
        assert all(cite in shown[decision.subject_key] for cite in cites)
