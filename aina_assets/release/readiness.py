"""Where what is held waits, and what is known to be closed before anything is deployed.

Belongs here: routing of holds, and statements about the graph's own output, each with how it is
known. Stays out: opening anything (``boundary``).

A statement stands on what does not follow from the statement: where files lie, what rows say, and
what the decisions on its boundary come to by the gate as it is authored. Where decisions open a
boundary as they must, the statement names them; where one is open in any other way, it is broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.contracts.vocabulary import AllowedUse, RuntimeEligibility
from aina_assets.gdpval.tables import State
from aina_assets.release.boundary import GATE, KIND, PERSONS, without_sample_approvals
from aina_assets.release.policy import Domain
from aina_assets.release.tables import (
    APPROVED,
    BLOCKED,
    BROKEN,
    DISCLOSED,
    HOLDS,
    OUTSIDE_BETA,
    REVIEW_REQUIRED,
    WAITS,
    DeploymentReadiness,
)
from aina_assets.review.gates import find, persons_among
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import arrow_schema

Row = dict[str, Any]

_STATES = (APPROVED, REVIEW_REQUIRED, BLOCKED, OUTSIDE_BETA, DISCLOSED)
"""What an item of admission may be: admitted to the internal synthetic beta, or to nothing."""


def deployment_readiness(
    beta_admission: pa.Table,
    rubric_depth: pa.Table,
    gdpval_hold_closeout: pa.Table,
    source_ledger: pa.Table,
    title_intake: pa.Table,
    production_boundary_decisions: pa.Table,
    review_gates: ReviewGates,
    receipts: Mapping[str, Receipt],
    store: Store,
) -> pa.Table:
    """Rows of ``DeploymentReadiness``: what is held, then what is closed.

    Args:
        beta_admission: families, with what they wait for.
        rubric_depth: rules of rubrics, module by module.
        gdpval_hold_closeout: benchmark tasks of families, with those that are held.
        source_ledger: sources, with what they may be used for.
        title_intake: title lists, with what was refused.
        production_boundary_decisions: what was decided on boundaries.
        review_gates: the gates, with what it takes at each.
        receipts: findings that it stands on, by gate.
        store: where the tables lie that it stands on.
    """
    rows = [
        *_held_modules(rubric_depth),
        *_held_tasks(gdpval_hold_closeout),
        *_held_receipts(receipts),
        *_held_families(beta_admission),
        *_statements(
            beta_admission,
            source_ledger,
            title_intake,
            openings(production_boundary_decisions, review_gates),
            receipts,
            places_outside(store, _tables_behind(receipts)),
        ),
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(DeploymentReadiness))


def _held_modules(rubric_depth: pa.Table) -> list[Row]:
    held = defaultdict(list)
    for row in rubric_depth.to_pylist():
        if row["verdict"] == "hold":
            held[row["module_id"]].append(f"{row['rule']}: {row['found']}")
    return [
        _waits(f"module:{name}", "; ".join(found), "rubric_approval", "rubric_depth_gate_v1")
        for name, found in sorted(held.items())
    ]


def _held_tasks(gdpval_hold_closeout: pa.Table) -> list[Row]:
    places = {
        str(State.CALIBRATION_HOLD): "gdpval_calibration",
        str(State.FILE_BLOCKED): "a task with files",
    }
    return [
        _waits(
            f"task:{row['task_id']}",
            f"{row['occupation']} ({', '.join(row['role_families'])}): {row['reason']}",
            places[row["state"]],
            "gdpval_hold_closeout_v1",
        )
        for row in gdpval_hold_closeout.to_pylist()
        if row["state"] in places
    ]


def _held_receipts(receipts: Mapping[str, Receipt]) -> list[Row]:
    return [
        _waits(
            f"receipt:{gate}",
            ", ".join(f"{count} {name}" for name, count in sorted(receipt.counts.items())),
            receipt.items_table,
            f"verdict of {gate}",
        )
        for gate, receipt in sorted(receipts.items())
        if receipt.verdict is Verdict.HOLD
    ]


def _held_families(beta_admission: pa.Table) -> list[Row]:
    return [
        _waits(
            f"family:{row['item_id']}",
            "; ".join(row["reasons"]),
            "outside the beta" if row["state"] == OUTSIDE_BETA else "review of the family",
            "beta_admission_v1",
        )
        for row in beta_admission.to_pylist()
        if row["item_kind"] == "family" and row["state"] != APPROVED
    ]


def _waits(name: str, statement: str, waits_at: str, known_by: str) -> Row:
    return {
        "item_kind": "held",
        "item_id": name,
        "state": WAITS,
        "statement": statement,
        "waits_at": waits_at,
        "value": 0,
        "known_by": known_by,
        "opened_by": [],
    }


@dataclass(frozen=True)
class Opening:
    """How a boundary is open, as the decisions on it and its gate come to.

    Attributes:
        decision_ids: approvals that count.
        person_count: persons among who made them; who answers for another's is none of these.
    """

    decision_ids: tuple[str, ...]
    person_count: int

    @property
    def is_proper(self) -> bool:
        """Whether as many persons approve as it takes."""
        return self.person_count >= PERSONS


def openings(decisions: pa.Table, review_gates: ReviewGates) -> dict[Domain, list[Opening]]:
    """How each boundary is open as decisions found it, or to what nobody decided on.

    The present subject stands on readiness itself, so every digest that decisions name is asked
    about: approvals are disclosed as long as they are in force on any. Those of the sample's
    made-up reviewers open nothing, here as at the boundary. Where nobody decided, a boundary is
    open if its gate is soft.
    """
    gate = review_gates.gate(GATE)
    found: dict[Domain, list[Opening]] = {domain: [] for domain in Domain}
    made: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in without_sample_approvals(decisions).sort_by("ordinal").to_pylist():
        if (row["gate"], row["subject_kind"]) == (GATE, KIND):
            made[row["subject_key"]].append(row)
    for domain in Domain:
        rows = made[str(domain)]
        for digest in sorted({row["subject_digest"] for row in rows}) or [""]:
            finding = find(gate, digest, (), rows)
            if finding.is_open(gate):
                names = tuple(row["decision_id"] for row in finding.approvals)
                found[domain].append(Opening(names, len(persons_among(finding.approvals))))
    return found


def places_outside(store: Store, tables: Iterable[str]) -> list[str]:
    """Of ``tables``, those whose bytes lie outside the warehouse, links followed; or nowhere."""
    root = store.root.resolve()

    def is_below(record: Record | None) -> bool:
        if record is None or record.snapshot is None:
            return False
        return (store.root / record.snapshot).resolve().is_relative_to(root)

    return [name for name in tables if not is_below(store.record(name))]


def _tables_behind(receipts: Mapping[str, Receipt]) -> list[str]:
    return sorted({receipt.items_table for receipt in receipts.values()})


def _statements(
    beta_admission: pa.Table,
    source_ledger: pa.Table,
    title_intake: pa.Table,
    opened: Mapping[Domain, Sequence[Opening]],
    receipts: Mapping[str, Receipt],
    outside: Sequence[str],
) -> list[Row]:
    unlocking = [gate for gate, receipt in sorted(receipts.items()) if receipt.unlocks]
    personal = [
        row
        for row in title_intake.to_pylist()
        if row["verdict"] != "accepted" or row["forbidden_columns"]
    ]
    admissions = beta_admission.to_pylist()
    admitted = [row for row in admissions if row["state"] == APPROVED]
    elsewhere = [
        row
        for row in admissions
        if row["state"] not in _STATES or (row["state"] == APPROVED and row["unmet_rules"])
    ]
    sources = source_ledger.to_pylist()
    internal = [row["source"] for row in sources if row["allowed_use"] == AllowedUse.INTERNAL_ONLY]
    leaking = [
        row["source"]
        for row in sources
        if row["allowed_use"] == AllowedUse.INTERNAL_ONLY
        and row["runtime_eligibility"] == RuntimeEligibility.ELIGIBLE
    ]
    places = len(_tables_behind(receipts))
    return [
        _stated(
            "no_public_runtime",
            "Nothing opens a public runtime but approvals that are named here.",
            len(unlocking),
            f"unlocks of {len(receipts)} receipts: {', '.join(unlocking) or 'none'}",
            opened[Domain.PUBLIC_RUNTIME],
        ),
        _stated(
            "no_external_writes",
            "Everything that deployment stands on was written below the warehouse, nowhere else.",
            len(outside),
            f"where {places} tables lie, links followed; outside: {', '.join(outside) or 'none'}",
            opened[Domain.EXTERNAL_WRITES],
        ),
        _stated(
            "no_real_user_data",
            "No list of titles with columns about persons was taken in.",
            len(personal),
            f"title_intake: columns of {title_intake.num_rows} lists",
            opened[Domain.REAL_USER_DATA],
        ),
        _stated(
            "external_beta_blocked",
            "Families are admitted to the internal synthetic beta alone, and by its rules.",
            len(elsewhere),
            f"beta_admission: {len(admitted)} admissions; to anything else, or against a rule:"
            f" {', '.join(sorted(row['item_id'] for row in elsewhere)) or 'none'}",
            opened[Domain.DEPLOYMENT_PROMOTION],
        ),
        _stated(
            "public_release_blocked",
            "No source for internal use alone is marked fit for learners at large.",
            len(leaking),
            f"source_ledger: {len(internal)} of {len(sources)} sources are for internal use"
            f" ({', '.join(sorted(internal)) or 'none'})",
            opened[Domain.DEPLOYMENT_PROMOTION],
        ),
    ]


def _stated(name: str, statement: str, value: int, known_by: str, opened: Sequence[Opening]) -> Row:
    improper = [item for item in opened if not item.is_proper]
    named = sorted({name for item in opened if item.is_proper for name in item.decision_ids})
    count = value + len(improper)
    return {
        "item_kind": "statement",
        "item_id": name,
        "state": BROKEN if count else HOLDS,
        "statement": statement,
        "waits_at": None,
        "value": count,
        "known_by": f"{known_by}; {_boundary(improper, named)}",
        "opened_by": named,
    }


def _boundary(improper: Sequence[Opening], named: Sequence[str]) -> str:
    if improper:
        return f"its boundary is open {len(improper)} time(s) without {PERSONS} persons"
    if named:
        return f"approvals in force open its boundary, as it was then: {', '.join(named)}"
    return f"its boundary is closed by the gate {GATE}"
