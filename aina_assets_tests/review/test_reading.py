"""Whether a decision counts: whose it is, where it was found, and at what moment."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from upath import UPath

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import SignedDecision
from aina_assets.review import assets, tables
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import (
    DECISIONS,
    LEDGER,
    RECORDED,
    Found,
    decisions,
    from_lines,
    has_expired,
    of_gate,
)
from aina_assets.review.signing import sign
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import conform, judge
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import arrow_schema
from aina_assets_tests.review.world import (
    KEYS,
    SOFT,
    START,
    decision,
    gates,
    reviewers,
    signed,
)


def read(
    made: SignedDecision,
    origin: str = LEDGER,
    at: datetime = START,
    recorded_at: datetime | None = START,
    who: Reviewers | None = None,
) -> dict[str, Any]:
    found = Found(made, origin, made.model_dump_json(), recorded_at)
    (row,) = decisions([found], gates(), who or reviewers(), at).to_pylist()
    return dict(row)


def by_key_of(signer: str, made: str, **fields: Any) -> SignedDecision:
    """A decision in the name of one, signed by another."""
    return sign(decision(made, **fields), KEYS[signer])


@pytest.mark.parametrize(
    ("made", "origin", "reason"),
    [
        (signed(gate="nowhere"), LEDGER, "there is no gate nowhere"),
        (signed(verdict="hold", gate=SOFT), LEDGER, "hold is no verdict of gate lesson"),
        (by_key_of("stranger", "ana", reviewer_id="eve"), LEDGER, "not on file"),
        (signed("dora", gate=SOFT), LEDGER, "dora may not decide at gate lesson"),
        (signed(reviewer_kind="delegated"), LEDGER, "made as delegated, but ana is person"),
        (by_key_of("ben", "ana"), LEDGER, "the signature is not that of ana"),
        (signed("sample_ana"), LEDGER, "decides on bundled sample data alone"),
        (signed("ana"), RECORDED, "others belong in the ledger"),
        (signed("ana", is_sample=True), RECORDED, "agree on whether it is a sample"),
        (signed("sample_ana", is_sample=False), LEDGER, "agree on whether it is a sample"),
    ],
)
def test_what_may_not_count_is_refused_with_the_reason(
    made: SignedDecision, origin: str, reason: str
) -> None:
    row = read(made, origin)

    assert row["standing"] == "refused"
    assert reason in row["refusal_reason"]


@pytest.mark.parametrize(
    ("made", "origin", "responsible"),
    [
        (signed("ana"), LEDGER, "ana"),
        (signed("cleo"), LEDGER, "ana"),
        (signed("panel"), LEDGER, "ben"),
        (signed("ana", "withdraw", supersedes=("a" * 32,)), LEDGER, "ana"),
        (signed("sample_ana"), RECORDED, "sample_ana"),
    ],
)
def test_what_may_count_is_in_force(made: SignedDecision, origin: str, responsible: str) -> None:
    row = read(made, origin)

    assert (row["standing"], row["refusal_reason"]) == ("in_force", None)
    assert row["responsible_id"] == responsible
    assert SignedDecision.model_validate_json(row["document"]) == made


@pytest.mark.parametrize(
    ("made", "origin", "standing"),
    [
        (signed("ana", "reject"), LEDGER, "orphaned"),
        (signed("ana", "hold", supersedes=("a" * 32,)), LEDGER, "orphaned"),
        (signed("ana", "withdraw", supersedes=("a" * 32,)), LEDGER, "refused"),
        (signed("ana", "reject"), RECORDED, "refused"),
        (signed("ana", "reject", is_sample=True), LEDGER, "refused"),
        (signed("ana", "reject", gate="nowhere"), LEDGER, "refused"),
        (signed("ana", "hold", gate=SOFT), LEDGER, "refused"),
    ],
)
def test_of_who_left_only_what_the_ledger_took_as_an_objection_goes_on_closing(
    made: SignedDecision, origin: str, standing: str
) -> None:
    others = Reviewers(reviewers=(reviewers().by_id["ben"],))
    row = read(made, origin, who=others)

    assert row["standing"] == standing
    assert row["refusal_reason"]
    frame = pa.Table.from_pylist([row], schema=decisions([], gates(), others, START).schema)
    assert all(finding.passed for finding in judge(frame, tables.Decisions, ()))


def test_who_left_or_changed_their_key_approves_no_more() -> None:
    new_key = reviewers(ana={"public_key": KEYS["stranger"].public_key})
    others = Reviewers(reviewers=(reviewers().by_id["ben"],))

    assert read(signed("ana"))["standing"] == "in_force"
    assert read(signed("ana"), who=new_key)["standing"] == "refused"
    assert read(signed("ana"), who=others)["standing"] == "refused"
    assert read(signed("ana"), who=others)["responsible_id"] is None


@pytest.mark.parametrize(
    ("own", "days"), [(None, 30), (timedelta(days=7), 7), (timedelta(days=90), 30)]
)
def test_an_approval_expires_at_its_own_date_or_its_gates_whichever_is_first(
    own: timedelta | None, days: int
) -> None:
    made = signed(expires_at=START + own if own else None)
    until = START + timedelta(days=days)

    assert read(made, at=until - timedelta(microseconds=1))["standing"] == "in_force"
    assert read(made, at=until)["standing"] == "expired"
    assert datetime.fromisoformat(read(made)["expires_at"]) == until


def test_dating_a_decision_later_does_not_make_it_last_longer() -> None:
    made = signed(decided_at=START + timedelta(days=1000))

    assert read(made, at=START + timedelta(days=31))["standing"] == "expired"


def test_objections_never_expire() -> None:
    made = signed(verdict="reject", expires_at=START + timedelta(days=1))
    row = read(made, at=START + timedelta(days=10_000))

    assert (row["standing"], row["expires_at"]) == ("in_force", None)


def test_recorded_ones_come_first() -> None:
    sample, own = signed("sample_ana"), signed("ana", gate=SOFT)
    lines = [{"source_row": 1, "document": sample.model_dump_json()}]
    found = [*from_lines(lines), Found(own, LEDGER, own.model_dump_json(), START)]
    rows = decisions(found, gates(), reviewers(), START)

    assert rows["origin"].to_pylist() == ["recorded", "ledger"]
    assert rows["ordinal"].to_pylist() == [1, 2]
    assert of_gate(rows, SOFT)["ordinal"].to_pylist() == [2]


def test_the_later_of_two_with_one_id_is_refused_and_takes_nothing_of_the_first() -> None:
    """The ledger does not know the recorded ones, so there it can happen; it keeps what it took."""
    sample = signed("sample_ana")
    name = sample.decision.decision_id
    again = [signed("ana", decision_id=name), signed("ben", "reject", decision_id=name)]
    found = [Found(sample, RECORDED, sample.model_dump_json())]
    found += [Found(item, LEDGER, item.model_dump_json(), START) for item in (again[0], *again)]
    rows = decisions(found, gates(), reviewers(), START).to_pylist()

    assert [row["standing"] for row in rows] == ["in_force", "refused", "refused", "refused"]
    assert {row["refusal_reason"] for row in rows[1:]} == {
        f"an earlier decision has its id, {name}"
    }
    assert rows[0]["decision_id"] == name
    assert len({row["decision_id"] for row in rows}) == len(rows)
    assert [row["document"] for row in rows] == [item.document for item in found]
    accept = conform(pa.Table.from_pylist(rows, arrow_schema(tables.Decisions)), tables.Decisions)
    assert all(finding.passed for finding in judge(accept, tables.Decisions, ()))


@pytest.mark.parametrize(
    ("moments", "said", "shown"),
    [
        ({"decided_at": "0001-01-01T00:00:00+14:00"}, "0001-01-01T00:00:00+14:00", "0001-01-01T00"),
        ({"decided_at": "1969-12-31T23:59:59Z"}, "1969-12-31T23:59:59+00:00", "1969-12-31T23"),
        ({"decided_at": "9999-12-31T23:59:59-12:00"}, "9999-12-31", "9999-12-31T23"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "9999-12-31", "2026-03-02T09"),
    ],
)
def test_a_decision_of_moments_that_no_clock_tells_is_refused_and_breaks_nothing(
    moments: dict[str, str], said: str, shown: str
) -> None:
    for recorded_at in (START, None):
        row = read(signed(**moments), recorded_at=recorded_at)

        assert row["standing"] == "refused"
        assert f"no clock tells {said}" in row["refusal_reason"]
        assert row["decided_at"].startswith(shown)
        assert len(row["decided_at"]) == len("2026-03-02T09:00:00.000000+00:00")


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "9000-01-01T00:00:00Z"])
def test_the_first_and_the_last_moment_that_may_be_named(moment: str) -> None:
    assert read(signed(decided_at=moment), recorded_at=None)["refusal_reason"] is None


def stored(root: Path, frame: pa.Table) -> Store:
    store = Store(UPath(root))
    store.commit_table(Record(DECISIONS, digest_of_table(frame), "code", "settings", {}), frame)
    return store


def test_a_build_asks_whether_anything_that_counts_has_expired(tmp_path: Path) -> None:
    """Of a gate that is no longer configured nothing counts, so nothing expires."""
    made = [signed("ana"), signed("ben", gate="nowhere", expires_at=START + timedelta(days=1))]
    found = [Found(item, LEDGER, item.model_dump_json(), START) for item in made]
    store = stored(tmp_path, decisions(found, gates(), reviewers(), START))

    assert not has_expired(store, START + timedelta(days=29))
    assert has_expired(store, START + timedelta(days=30))


def test_a_table_that_does_not_tell_what_expired_is_made_anew(tmp_path: Path) -> None:
    store = stored(tmp_path, pa.table({"standing": ["in_force"]}))
    assert has_expired(store, START)
    record = store.record(DECISIONS)
    assert record is not None
    (tmp_path / str(record.snapshot)).write_bytes(b"no table")
    assert has_expired(store, START)


@pytest.mark.parametrize("document", ["{}", "nothing", json.dumps({"decision": 1})])
def test_a_line_that_is_no_decision_is_named(document: str) -> None:
    with pytest.raises(ReviewError, match="line 7 of"):
        list(from_lines([{"source_row": 7, "document": document}]))


# ------------------------------------------------------------------------------- gates and slices


def test_every_gate_has_its_slice_and_no_slice_lacks_a_gate() -> None:
    slices = {
        tables.gate_of(model)
        for model in vars(tables).values()
        if isinstance(model, type)
        and issubclass(model, tables.DecisionRows)
        and model not in (tables.DecisionRows, tables.Decisions)
    }
    made = {name.removesuffix("_decisions") for name in vars(assets) if name.endswith("_decisions")}

    assert slices == made == set(ReviewGates.load().by_id)


def test_reviewers_on_file_may_decide_at_gates_that_there_are() -> None:
    known = set(ReviewGates.load().by_id)

    assert all(set(reviewer.gates) <= known for reviewer in Reviewers.load().reviewers)


def test_only_the_sample_has_recorded_decisions() -> None:
    data = Path(__file__).parents[2] / "data"
    locks = [data / "upstream" / "sources.lock.yaml", data / "sample" / "sources.lock.yaml"]
    locks.append(Path(__file__).parents[1] / "upstream_mirror.lock.yaml")
    with_some = [
        path.parent.name
        for path in locks
        for source in yaml.safe_load(path.read_text())["sources"].values()
        for file in source["files"]
        if file["input"] == "recorded_decisions"
    ]

    assert with_some == ["sample"]
