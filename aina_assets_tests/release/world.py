"""Receipts, boundaries, and reviewers with keys who decide on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa

from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.contracts.review import Decision, SignedDecision, Vote
from aina_assets.release.boundary import (
    GATE,
    KIND,
    RECEIPT,
    Boundaries,
    Look,
    production_deployment_approval,
    production_domains,
)
from aina_assets.release.contents import receipts_table
from aina_assets.release.policy import ReleaseRules
from aina_assets.release.tables import Manifest, ProductionDeploymentApproval
from aina_assets.review.policy import Reviewer, Reviewers, ReviewGates
from aina_assets.review.reading import Found, decisions
from aina_assets.review.signing import ReviewerKey, sign
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.store import Record
from aina_assets.warehouse.tables import arrow_schema

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEYS = {name: ReviewerKey.new() for name in ("ana", "ben", "cleo", "panel", "stranger")}
KINDS = {"cleo": ("delegated", "ana"), "panel": ("panel", "ben")}
GATES = ReviewGates.load()
RULES = ReleaseRules.load()


def reviewers(*names: str) -> Reviewers:
    """Two persons, a delegate of the one and a panel of the other; or those named."""
    people = []
    for name in names or ("ana", "ben", "cleo", "panel"):
        kind, answers_for = KINDS.get(name, ("person", None))
        people.append(
            Reviewer.model_validate(
                {
                    "id": name,
                    "name": name.title(),
                    "kind": kind,
                    "gates": (GATE,),
                    "public_key": KEYS[name].public_key,
                    "answers_for": answers_for,
                }
            )
        )
    return Reviewers(reviewers=tuple(people))


def receipt(gate: str, verdict: Verdict = Verdict.HOLD, **fields: Any) -> Receipt:
    items = gate.rpartition("_v")[0]
    said = {"counts": {"held": 1}, "items_table": items, "items_version": "a" * 64, "inputs": {}}
    return Receipt(gate=gate, verdict=verdict, **(said | fields))


def receipts(**changed: Receipt) -> dict[str, Receipt]:
    """Every receipt that a boundary stands on."""
    gates = sorted({gate for domain in RULES.domains for gate in domain.stands_on})
    return {gate: receipt(gate) for gate in gates} | changed


def domains(**changed: Receipt) -> pa.Table:
    return production_domains(receipts(**changed), RULES)


def decided(
    subjects: pa.Table,
    domain: str,
    who: str = "ana",
    verdict: str = "approve",
    key: str | None = None,
    **fields: Any,
) -> SignedDecision:
    """A decision on ``domain`` as it is in ``subjects``, signed by ``who``."""
    digests = dict(
        zip(
            subjects["subject_key"].to_pylist(), subjects["subject_digest"].to_pylist(), strict=True
        )
    )
    kind = KINDS.get(who, ("person", None))[0]
    made = Decision.model_validate(
        {
            "decision_id": uuid4().hex,
            "gate": GATE,
            "subject_kind": KIND,
            "subject_key": domain,
            "subject_digest": digests[domain],
            "verdict": verdict,
            "reasons": ("It holds.",),
            "reviewer_id": who,
            "reviewer_kind": kind,
            "decided_at": NOW,
            "votes": (Vote(model="one", verdict="hold"),) if kind == "panel" else (),
        }
        | fields
    )
    return sign(made, KEYS[key or who])


def both(subjects: pa.Table, domain: str, **fields: Any) -> list[SignedDecision]:
    """Approvals of both persons."""
    return [decided(subjects, domain, who, **fields) for who in ("ana", "ben")]


def rows_of(
    made: Sequence[SignedDecision],
    at: datetime = NOW,
    known: Reviewers | None = None,
    gates: ReviewGates = GATES,
) -> pa.Table:
    found = [Found(item, "ledger", item.model_dump_json(), NOW) for item in made]
    return decisions(found, gates, known or reviewers(), at)


def softened(**fields: Any) -> ReviewGates:
    """The gates, where somebody edited that of boundaries."""
    return ReviewGates.model_validate(
        {"gates": [gate.model_dump() | (fields if gate.id == GATE else {}) for gate in GATES.gates]}
    )


ANYBODY = softened(approvers=["person", "delegated", "panel"], quorum=2, min_persons=0)
"""Delegates and panels approve at it, and nobody asks for a person."""


def approval(subjects: pa.Table, made: Sequence[SignedDecision], at: datetime = NOW) -> pa.Table:
    return production_deployment_approval(subjects, rows_of(made, at), GATES, RULES)


def states(frame: pa.Table) -> dict[str, str]:
    return dict(zip(frame["domain"].to_pylist(), frame["state"].to_pylist(), strict=True))


def published(
    subjects: pa.Table, made: Sequence[SignedDecision], at: datetime = NOW
) -> dict[str, pa.Table]:
    """Tables of a release about its boundaries, as a build at ``at`` makes them."""
    items = conform(approval(subjects, made, at), ProductionDeploymentApproval)
    return described(subjects, items, rows_of(made, at))


def described(subjects: pa.Table, items: pa.Table, made: pa.Table) -> dict[str, pa.Table]:
    """``items`` with the receipt and manifest that fit them."""
    version = digest_of_table(conform(items, ProductionDeploymentApproval))
    table = "production_deployment_approval"
    left = receipt(
        RECEIPT,
        items_table=table,
        items_version=version,
        unlocks=items["is_open"].to_pylist().count(True),
    )
    kept = [Record(table, version, "code", "settings", {}, row_count=items.num_rows)]
    manifest = [
        {
            "table_name": table,
            "data_version": version,
            "row_count": items.num_rows,
            "code_version": "code",
            "inputs": json.dumps({}),
        }
    ]
    return {
        table: items,
        "production_domains": subjects,
        "production_boundary_decisions": made,
        "receipts": receipts_table({RECEIPT: left}, kept),
        "manifest": pa.Table.from_pylist(manifest, schema=arrow_schema(Manifest)),
    }


def boundaries(
    tables: Mapping[str, pa.Table],
    known: Reviewers | None = None,
    since: Sequence[SignedDecision] = (),
) -> Boundaries:
    """Boundaries of a release, where the ledger has its decisions and ``since``, and no more."""
    rows = tables.get("production_boundary_decisions")
    made = [
        SignedDecision.model_validate_json(row["document"])
        for row in (rows.to_pylist() if rows is not None else ())
    ]
    look = look_at([*made, *since], known)
    return Boundaries(tables, GATES, known or reviewers(), lambda: look)


def look_at(made: Sequence[SignedDecision], known: Reviewers | None = None) -> Look:
    """What a ledger that holds ``made`` says."""
    found = tuple(Found(item, "ledger", item.model_dump_json(), NOW) for item in made)
    return Look(found, GATES, known or reviewers())


def days(count: float) -> timedelta:
    return timedelta(days=count)


def with_cell(frame: pa.Table, row: int, column: str, value: Any) -> pa.Table:
    """``frame`` with another value in one cell."""
    cells = frame[column].to_pylist()
    cells[row] = value
    place = frame.column_names.index(column)
    field = frame.schema.field(column)
    return frame.set_column(place, field, [pa.array(cells, field.type)])
