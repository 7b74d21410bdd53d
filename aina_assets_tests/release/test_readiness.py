"""Statements about what is closed: each holds on the sample, and is broken by what it denies."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from aina_assets.contracts.receipts import Receipt
from aina_assets.contracts.review import Strictness
from aina_assets.release import assets
from aina_assets.release.boundary import production_deployment_approval
from aina_assets.release.policy import Domain
from aina_assets.release.readiness import deployment_readiness
from aina_assets.release.tables import DeploymentReadiness
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.assets import receipt_spec_of
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.receipts import require_receipt
from aina_assets.warehouse.store import Store
from aina_assets_tests.release.world import (
    ANYBODY,
    GATES,
    NOW,
    RULES,
    both,
    days,
    decided,
    domains,
    rows_of,
    with_cell,
)

TABLES = ("beta_admission", "rubric_depth", "gdpval_hold_closeout", "source_ledger", "title_intake")
STATEMENTS = {
    "no_public_runtime": Domain.PUBLIC_RUNTIME,
    "no_external_writes": Domain.EXTERNAL_WRITES,
    "no_real_user_data": Domain.REAL_USER_DATA,
    "external_beta_blocked": Domain.DEPLOYMENT_PROMOTION,
    "public_release_blocked": Domain.DEPLOYMENT_PROMOTION,
}
Inputs = dict[str, Any]


@pytest.fixture(scope="module")
def given(sample_home: Path) -> Inputs:
    """Everything that readiness is made from in the sample, where nobody decided on boundaries."""
    store = Store(UPath(sample_home))
    spec = receipt_spec_of(assets.deployment_readiness.get_asset_spec())
    assert spec is not None
    return {
        **{name: store.read(name) for name in TABLES},
        "production_boundary_decisions": rows_of([]),
        "review_gates": GATES,
        "receipts": {gate: require_receipt(store, gate) for gate in spec.upstream},
        "store": store,
    }


def statements(given: Mapping[str, Any], **changed: Any) -> dict[str, dict[str, Any]]:
    made = deployment_readiness(**{**given, **changed})
    assert all(finding.passed for finding in judge(made, DeploymentReadiness))
    return {row["item_id"]: row for row in made.to_pylist() if row["item_kind"] == "statement"}


def broken(found: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    return {name: row["value"] for name, row in found.items() if row["state"] == "broken"}


def test_every_statement_holds_on_the_sample(given: Inputs) -> None:
    found = statements(given)
    assert set(found) == set(STATEMENTS)
    assert broken(found) == {}
    assert all(row["opened_by"] == [] for row in found.values())


def test_the_sample_as_built_says_so(sample_home: Path, given: Inputs) -> None:
    store = Store(UPath(sample_home))
    decisions = store.read("production_boundary_decisions")
    again = deployment_readiness(**given | {"production_boundary_decisions": decisions})
    key = [("item_kind", "ascending"), ("item_id", "ascending")]
    assert store.read("deployment_readiness").sort_by(key).equals(again.sort_by(key))


# --------------------------------------------------------------------------------- what breaks them


def test_a_receipt_with_an_unlock_breaks_no_public_runtime(given: Inputs) -> None:
    gate, receipt = next(iter(given["receipts"].items()))
    opened: dict[str, Receipt] = given["receipts"] | {
        gate: receipt.model_copy(update={"unlocks": 2})
    }
    found = statements(given, receipts=opened)
    assert broken(found) == {"no_public_runtime": 1}
    assert gate in found["no_public_runtime"]["known_by"]


def test_a_table_that_a_link_leads_out_of_the_warehouse_breaks_no_external_writes(
    given: Inputs, sample_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home / "state", home / "state")
    shutil.copytree(sample_home / "snapshots", home / "snapshots")
    assert broken(statements(given, store=Store(UPath(home)))) == {}

    elsewhere = tmp_path / "elsewhere"
    (home / "snapshots" / "beta_admission").rename(elsewhere)
    (home / "snapshots" / "beta_admission").symlink_to(elsewhere)

    # The record says what it said: only where the link leads tells.
    found = statements(given, store=Store(UPath(home)))
    assert broken(found) == {"no_external_writes": 1}
    assert "outside: beta_admission" in found["no_external_writes"]["known_by"]


def test_a_warehouse_that_is_itself_behind_a_link_holds(
    given: Inputs, sample_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "home").symlink_to(sample_home)
    assert broken(statements(given, store=Store(UPath(tmp_path / "home")))) == {}


def test_a_list_with_columns_about_persons_breaks_no_real_user_data(given: Inputs) -> None:
    lists = with_cell(given["title_intake"], 0, "forbidden_columns", "email")
    assert broken(statements(given, title_intake=lists)) == {"no_real_user_data": 1}


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "approved_external"), ("unmet_rules", ["lessons_are_deep"])],
)
def test_an_admission_to_anything_else_breaks_external_beta_blocked(
    given: Inputs, column: str, value: Any
) -> None:
    admission = with_cell(given["beta_admission"], 0, "state", "approved_internal_synthetic")
    admission = with_cell(admission, 0, "unmet_rules", [])
    assert broken(statements(given, beta_admission=admission)) == {}
    admission = with_cell(admission, 0, column, value)
    found = statements(given, beta_admission=admission)
    assert broken(found) == {"external_beta_blocked": 1}


def test_an_internal_source_that_learners_may_see_breaks_public_release_blocked(
    given: Inputs,
) -> None:
    uses = given["source_ledger"]["allowed_use"].to_pylist()
    ledger = with_cell(
        given["source_ledger"], uses.index("internal_only"), "runtime_eligibility", "eligible"
    )
    assert broken(statements(given, source_ledger=ledger)) == {"public_release_blocked": 1}


# ------------------------------------------------------------------------ how a boundary is opened


def gates(**weaker: Any) -> ReviewGates:
    """The gates, where that of boundaries is weaker."""
    return ReviewGates(
        gates=tuple(
            gate.model_copy(update=weaker) if gate.id == "production_boundary" else gate
            for gate in GATES.gates
        )
    )


def breaks(domain: Domain) -> dict[str, int]:
    return {name: 1 for name, of in STATEMENTS.items() if of is domain}


@pytest.mark.parametrize("domain", sorted(set(STATEMENTS.values())))
def test_approvals_of_two_persons_are_disclosed_and_break_nothing(
    given: Inputs, domain: Domain
) -> None:
    made = both(domains(), domain)
    found = statements(given, production_boundary_decisions=rows_of(made))
    assert broken(found) == {}
    ids = sorted(item.decision.decision_id for item in made)
    for name, of in STATEMENTS.items():
        assert found[name]["opened_by"] == (ids if of is domain else [])
        assert all(item in found[name]["known_by"] for item in ids) == (of is domain)


def test_counts_do_not_move_when_a_boundary_is_opened(given: Inputs) -> None:
    """What a reviewer approved stands on them: opening it must not close it again."""
    opened = rows_of(both(domains(), "public_runtime"))
    before, after = (
        [row["state"] for row in deployment_readiness(**{**given, **made}).to_pylist()]
        for made in ({}, {"production_boundary_decisions": opened})
    )
    assert before == after


@pytest.mark.parametrize("domain", sorted(set(STATEMENTS.values())))
def test_a_boundary_that_one_person_opens_breaks_its_statements(
    given: Inputs, domain: Domain
) -> None:
    alone = rows_of([decided(domains(), domain)])
    assert broken(statements(given, production_boundary_decisions=alone)) == {}
    found = statements(
        given,
        production_boundary_decisions=alone,
        review_gates=gates(quorum=1, min_persons=1),
    )
    assert broken(found) == breaks(domain)
    assert all(row["opened_by"] == [] for row in found.values())


@pytest.mark.parametrize("approvers", [("cleo", "panel"), ("ana", "panel"), ("cleo", "ben")])
def test_delegates_and_panels_are_no_persons(given: Inputs, approvers: tuple[str, ...]) -> None:
    """Whoever answers for them did not approve."""
    made = [decided(domains(), "real_user_data", who) for who in approvers]
    found = statements(
        given,
        production_boundary_decisions=rows_of(made, gates=ANYBODY),
        review_gates=ANYBODY,
    )
    assert broken(found) == breaks(Domain.REAL_USER_DATA)
    assert all(row["opened_by"] == [] for row in found.values())


def test_a_soft_gate_breaks_every_statement(given: Inputs) -> None:
    found = statements(given, review_gates=gates(strictness=Strictness.SOFT))
    assert broken(found) == dict.fromkeys(STATEMENTS, 1)


def test_approvals_that_expired_open_nothing(given: Inputs) -> None:
    late = rows_of(both(domains(), "public_runtime"), NOW + days(91))
    found = statements(given, production_boundary_decisions=late)
    assert found["no_public_runtime"]["opened_by"] == []


def test_approvals_of_the_sample_open_nothing_here_as_at_the_boundary(given: Inputs) -> None:
    subjects = domains()
    made = rows_of(both(subjects, "public_runtime"))
    for row in range(made.num_rows):
        made = with_cell(made, row, "is_sample", True)
    at_boundary = production_deployment_approval(subjects, made, GATES, RULES)
    assert not any(at_boundary["is_open"].to_pylist())

    found = statements(given, production_boundary_decisions=made)

    assert found["no_public_runtime"]["opened_by"] == []
    assert "is closed by the gate" in found["no_public_runtime"]["known_by"]
    # Nor are they the second person, where the gate of now asks for one alone.
    mixed = with_cell(made, 0, "is_sample", False)
    alone = gates(quorum=1, min_persons=1)
    found = statements(given, production_boundary_decisions=mixed, review_gates=alone)
    assert broken(found) == breaks(Domain.PUBLIC_RUNTIME)


def test_an_objection_closes_what_two_persons_opened(given: Inputs) -> None:
    made = [
        *both(domains(), "public_runtime"),
        decided(domains(), "public_runtime", "cleo", "hold"),
    ]
    found = statements(given, production_boundary_decisions=rows_of(made))
    assert found["no_public_runtime"]["opened_by"] == []
