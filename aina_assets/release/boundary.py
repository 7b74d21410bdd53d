"""Boundaries of production: what a reviewer is shown, and whether approvals open one.

Belongs here: the five subjects, their state by the decisions made on them, and what a published
release says of them at a moment. Stays out: what each boundary keeps closed (``serve``,
``learner``).

A boundary's document holds what opening it means and, of every receipt it stands on, verdict and
counts. So an approval outlives a rebuild that finds the same, and ends with one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.receipts import Receipt
from aina_assets.contracts.review import GateState, SignedDecision
from aina_assets.release.policy import Domain, ReleaseRules
from aina_assets.release.tables import ProductionDeploymentApproval, ProductionDomains
from aina_assets.review.gates import gate_states
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import Found, decisions
from aina_assets.review.subjects import subject
from aina_assets.review.tables import REFUSED
from aina_assets.warehouse.digests import digest_of_json, digest_of_table
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.tables import arrow_schema

GATE = "production_boundary"
KIND = "production_domain"
RECEIPT = "production_deployment_approval_v1"
CLOSED = tuple(str(item) for item in GateState if item is not GateState.APPROVED)


def production_domains(receipts: Mapping[str, Receipt], release_rules: ReleaseRules) -> pa.Table:
    """Rows of ``ProductionDomains``, by key.

    Args:
        receipts: findings that any of them stands on, by gate.
        release_rules: the boundaries.

    Raises:
        AuthoredDocumentError: one stands on a receipt that is not among ``receipts``.
    """
    found = {gate: finding_of(receipt) for gate, receipt in receipts.items()}
    rows = []
    for domain in sorted(release_rules.domains, key=lambda item: item.id):
        unknown = sorted(set(domain.stands_on) - found.keys())
        if unknown:
            raise AuthoredDocumentError(
                expected=f"gates among {', '.join(sorted(found))}",
                found=", ".join(unknown),
                where=f"{ReleaseRules.path()}: {domain.id}: stands_on",
                remedy="name one of them, or have production_domains read the receipt",
            )
        stands_on = {gate: found[gate] for gate in sorted(domain.stands_on)}
        rows.append(
            subject(
                GATE,
                KIND,
                domain.id,
                title=domain.title,
                content={
                    "opening_means": domain.opening_means,
                    "enforced_by": domain.enforced_by,
                    "stands_on": stands_on,
                },
                evidence={gate: digest_of_json(said) for gate, said in stands_on.items()},
            )
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(ProductionDomains))


def finding_of(receipt: Receipt) -> dict[str, Any]:
    """What a receipt found, without the versions it found it on."""
    return {
        "verdict": str(receipt.verdict),
        "counts": dict(receipt.counts),
        "unlocks": receipt.unlocks,
    }


def production_deployment_approval(
    production_domains: pa.Table,
    production_boundary_decisions: pa.Table,
    review_gates: ReviewGates,
    release_rules: ReleaseRules,
) -> pa.Table:
    """Rows of ``ProductionDeploymentApproval``, by domain."""
    states = gate_states([production_domains], production_boundary_decisions, review_gates)
    enforced_by = {str(domain.id): domain.enforced_by for domain in release_rules.domains}
    rows = [
        {
            "domain": row["subject_key"],
            "state": row["state"],
            "is_open": row["is_open"],
            "valid_until": row["valid_until"],
            "approval_count": row["approval_count"],
            "quorum": row["quorum"],
            "subject_digest": row["subject_digest"],
            "decision_ids": row["decision_ids"],
            "reason": row["reason"],
            "enforced_by": enforced_by[row["subject_key"]],
        }
        for row in states.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(ProductionDeploymentApproval))


@dataclass(frozen=True)
class Standing:
    """Whether a boundary is open at a moment, and why."""

    is_open: bool
    reason: str


class Boundaries:
    """The boundaries of one published release, judged anew whenever one is asked for.

    A row that says it is open is not believed: it must be the receipt's, and the signed decisions
    in the release must still open it, at that moment, by the gates and reviewers given here.

    Args:
        tables: the release's tables by name: those of ``TABLES``. Where one is missing, nothing
            is open.
        gates: the gates.
        reviewers: who may decide, with their keys.
    """

    TABLES = (
        "production_deployment_approval",
        "production_domains",
        "production_boundary_decisions",
        "receipts",
        "manifest",
    )

    def __init__(
        self, tables: Mapping[str, pa.Table], gates: ReviewGates, reviewers: Reviewers
    ) -> None:
        self._gates = gates
        self._reviewers = reviewers
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._fault = _why_not_its_own(tables)
        if self._fault is None:
            self._rows = {
                row["domain"]: row for row in tables["production_deployment_approval"].to_pylist()
            }
            self._domains = tables["production_domains"]
            self._found = [
                Found(SignedDecision.model_validate_json(row["document"]), row["origin"], "")
                for row in tables["production_boundary_decisions"].to_pylist()
                if row["standing"] != REFUSED
            ]

    def standing(self, domain: Domain, at: datetime) -> Standing:
        """Whether ``domain`` is open at a moment."""
        row = self._rows.get(domain)
        if row is None:
            return Standing(False, self._fault or f"the release says nothing of {domain}")
        if not row["is_open"]:
            return Standing(False, f"{row['state']}: {row['reason']}")
        if row["valid_until"] is not None and datetime.fromisoformat(row["valid_until"]) <= at:
            return Standing(False, f"its approvals expired at {row['valid_until']}; decide again")
        made = decisions(self._found, self._gates, self._reviewers, at)
        for state in gate_states([self._domains], made, self._gates).to_pylist():
            if state["subject_key"] == domain:
                return Standing(state["is_open"], f"{state['state']}: {state['reason']}")
        return Standing(False, f"the release has no subject {domain}")

    def open_domains(self, at: datetime) -> tuple[Domain, ...]:
        """Boundaries that are open at a moment, in order."""
        return tuple(domain for domain in Domain if self.standing(domain, at).is_open)


def _why_not_its_own(tables: Mapping[str, pa.Table]) -> str | None:
    """Why the rows about boundaries are not the release's own finding; none where they are."""
    missing = [name for name in Boundaries.TABLES if name not in tables]
    if missing:
        return f"the release has no table {missing[0]}"
    items = tables["production_deployment_approval"]
    receipts = [row for row in tables["receipts"].to_pylist() if row["gate"] == RECEIPT]
    if len(receipts) != 1:
        return f"the release has no receipt {RECEIPT}"
    version = digest_of_table(conform(items, ProductionDeploymentApproval))
    recorded = {
        row["data_version"]
        for row in tables["manifest"].to_pylist()
        if row["table_name"] == receipts[0]["items_table"]
    }
    if recorded != {version} or receipts[0]["items_version"] != version:
        return f"the rows of the release are not those of its receipt {RECEIPT}"
    opened = items["is_open"].to_pylist().count(True)
    if receipts[0]["unlocks"] != opened:
        return f"{RECEIPT} unlocks {receipts[0]['unlocks']}, {opened} row(s) say they are open"
    return None
