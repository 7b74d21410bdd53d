"""No path to an unlock but decisions bound to the subjects as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.contracts.review import SignedDecision
from aina_assets.location import all_assets
from aina_assets.release.assets import declared
from aina_assets.release.boundary import PERSONS, RECEIPT, production_deployment_approval
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.receipts import ReceiptSpec, judge_receipt, receipt_of, write_receipt
from aina_assets.warehouse.store import Record, Store
from aina_assets_tests.release.world import (
    ANYBODY,
    NOW,
    RULES,
    approval,
    both,
    days,
    decided,
    domains,
    receipt,
    rows_of,
    softened,
    states,
    with_cell,
)

SPECS = {item.receipt.gate: item.receipt for item in declared(all_assets()) if item.receipt}
DOMAIN = "real_user_data"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(UPath(tmp_path))


def kept(store: Store, name: str, frame: pa.Table, **inputs: str) -> Record:
    record = Record(name, digest_of_table(frame), "code", "settings", inputs)
    return store.commit_table(record, frame)


def unlock_is_passed(
    store: Store,
    subjects: pa.Table,
    made: Sequence[SignedDecision],
    items: pa.Table,
    spec: ReceiptSpec | None = None,
    decisions: pa.Table | None = None,
    **inputs: str,
) -> bool:
    """Whether a receipt on ``items`` passes the rule on unlocks, with these tables stored."""
    stored = {
        "production_domains": kept(store, "production_domains", subjects).data_version,
        "production_boundary_decisions": kept(
            store,
            "production_boundary_decisions",
            rows_of(made) if decisions is None else decisions,
        ).data_version,
    }
    spec = spec or SPECS[RECEIPT]
    record = kept(store, "production_deployment_approval", items, **(inputs or stored))
    findings = judge_receipt(receipt_of(spec, items, record), spec, items, store)
    (finding,) = (item for item in findings if item.rule == "receipt_unlocks")
    return finding.passed


def test_only_one_receipt_of_the_graph_can_unlock_and_only_at_its_gate() -> None:
    able = {gate: spec.unlocks for gate, spec in SPECS.items() if spec.unlocks is not None}

    assert set(able) == {RECEIPT}
    assert able[RECEIPT].gate == "production_boundary"
    assert able[RECEIPT].at_least == PERSONS == 2


@pytest.mark.parametrize("gate", sorted(set(SPECS) - {RECEIPT}))
def test_no_other_receipt_passes_with_an_unlock(store: Store, gate: str) -> None:
    spec = SPECS[gate]
    frame = pa.table({name: pa.array([], pa.string()) for name in spec.columns})

    made = receipt_of(spec, frame, Record("items", "a" * 64, "code", "settings", {}))
    assert made.unlocks == 0
    found = judge_receipt(made.model_copy(update={"unlocks": 1}), spec, frame, store)

    assert "receipt_unlocks" in {item.rule for item in found if not item.passed}


def test_what_two_persons_approved_may_unlock(store: Store) -> None:
    subjects = domains()
    made = both(subjects, DOMAIN)
    items = approval(subjects, made)

    assert unlock_is_passed(store, subjects, made, items)
    assert receipt_of(SPECS[RECEIPT], items, Record("x", "0" * 64, "c", "s", {})).unlocks == 1


def test_an_open_row_needs_decisions_that_count_now(store: Store) -> None:
    subjects = domains()
    made = both(subjects, DOMAIN)
    items = approval(subjects, made)
    ana, _ = made
    other = domains(packet_quality_v1=receipt("packet_quality_v1", counts={"held": 7}))
    attempts = {
        "nobody decided": (subjects, []),
        "one of them": (subjects, [ana]),
        "on another boundary": (subjects, both(subjects, "public_runtime")),
        "on the boundary as it was": (other, made),
        "one objected": (subjects, [ana, decided(subjects, DOMAIN, "ben", "reject")]),
        "one is forged": (subjects, [ana, decided(subjects, DOMAIN, "ben", key="stranger")]),
    }

    for name, (stored, decisions) in attempts.items():
        assert not unlock_is_passed(store, stored, decisions, items), name
    # And at another time than the one it was made at.
    expiring = both(subjects, DOMAIN, expires_at=NOW + days(1))
    opened = approval(subjects, expiring)
    kept(store, "production_domains", subjects)
    kept(store, "production_boundary_decisions", rows_of(expiring, NOW + days(2)))
    spec = SPECS[RECEIPT]
    inputs = {"production_domains": "x", "production_boundary_decisions": "y"}
    record = kept(store, "production_deployment_approval", opened, **inputs)
    found = judge_receipt(receipt_of(spec, opened, record), spec, opened, store)
    assert "receipt_unlocks" in {item.rule for item in found if not item.passed}


def test_approvals_of_the_sample_unlock_nothing(store: Store) -> None:
    subjects = domains()
    made = both(subjects, DOMAIN)
    items = approval(subjects, made)
    assert unlock_is_passed(store, subjects, made, items)
    sample = with_cell(rows_of(made), 0, "is_sample", True)
    record = store.require("production_deployment_approval")
    kept(store, "production_boundary_decisions", sample)

    spec = SPECS[RECEIPT]
    found = judge_receipt(receipt_of(spec, items, record), spec, items, store)

    assert "receipt_unlocks" in {item.rule for item in found if not item.passed}


@pytest.mark.parametrize(
    ("approvers", "unlocks"),
    [
        (("ana", "ben"), True),
        (("ana", "ben", "cleo", "panel"), True),
        (("cleo", "panel"), False),
        (("ana", "panel"), False),
        (("cleo", "ben"), False),
    ],
)
def test_delegates_and_panels_are_no_persons_whatever_the_gate_says(
    store: Store, approvers: Sequence[str], unlocks: bool
) -> None:
    """The build opens by the gate as it is edited; the receipt refuses the table."""
    subjects = domains()
    rows = rows_of([decided(subjects, DOMAIN, who) for who in approvers], gates=ANYBODY)
    items = production_deployment_approval(subjects, rows, ANYBODY, RULES)
    assert states(items)[DOMAIN] == "approved"

    assert unlock_is_passed(store, subjects, [], items, decisions=rows) is unlocks


def test_one_person_unlocks_nothing_at_a_gate_of_one(store: Store) -> None:
    subjects = domains()
    alone = softened(quorum=1, min_persons=1)
    made = [decided(subjects, DOMAIN)]
    items = production_deployment_approval(subjects, rows_of(made, gates=alone), alone, RULES)
    assert states(items)[DOMAIN] == "approved"

    assert not unlock_is_passed(store, subjects, made, items)


def test_decisions_named_twice_are_not_two_persons(store: Store) -> None:
    subjects = domains()
    ana, ben = both(subjects, DOMAIN)
    items = approval(subjects, [ana, ben])
    row = items["is_open"].to_pylist().index(True)
    twice = with_cell(items, row, "decision_ids", [ana.decision.decision_id] * 2)

    assert not unlock_is_passed(store, subjects, [ana, ben], twice)


def test_a_table_that_is_not_made_from_decisions_unlocks_nothing(store: Store) -> None:
    subjects = domains()
    made = both(subjects, DOMAIN)

    assert not unlock_is_passed(
        store, subjects, made, approval(subjects, made), production_domains="a"
    )


def test_a_receipt_counts_no_more_than_its_open_rows(store: Store) -> None:
    subjects = domains()
    made = both(subjects, DOMAIN)
    items = approval(subjects, made)
    assert unlock_is_passed(store, subjects, made, items)
    spec = SPECS[RECEIPT]
    record = store.require("production_deployment_approval")
    said = receipt_of(spec, items, record).model_copy(update={"unlocks": 2})
    write_receipt(store, said)

    found = judge_receipt(said, spec, items, store)

    assert "receipt_unlocks" in {item.rule for item in found if not item.passed}
