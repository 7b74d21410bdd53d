"""Where what is held waits, and what is known to be closed before anything is deployed.

Belongs here: routing of holds, and statements about the graph's own output, each with how it is
known. Stays out: opening anything (``boundary``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.contracts.vocabulary import AllowedUse, RuntimeEligibility
from aina_assets.gdpval.tables import State
from aina_assets.release.tables import (
    APPROVED,
    BROKEN,
    HOLDS,
    OUTSIDE_BETA,
    WAITS,
    DeploymentReadiness,
)
from aina_assets.warehouse.store import Record
from aina_assets.warehouse.tables import arrow_schema

Row = dict[str, Any]

CLOSED_BY = "the gate production_boundary, where nothing is open without approvals"


def deployment_readiness(
    beta_admission: pa.Table,
    rubric_depth: pa.Table,
    gdpval_hold_closeout: pa.Table,
    source_ledger: pa.Table,
    title_intake: pa.Table,
    receipts: Mapping[str, Receipt],
    records: Sequence[Record],
) -> pa.Table:
    """Rows of ``DeploymentReadiness``: what is held, then what is closed.

    Args:
        beta_admission: families, with what they wait for.
        rubric_depth: rules of rubrics, module by module.
        gdpval_hold_closeout: benchmark tasks of families, with those that are held.
        source_ledger: sources, with what they may be used for.
        title_intake: title lists, with what was refused.
        receipts: findings that it stands on, by gate.
        records: of all that it stands on.
    """
    rows = [
        *_held_modules(rubric_depth),
        *_held_tasks(gdpval_hold_closeout),
        *_held_receipts(receipts),
        *_held_families(beta_admission),
        *_statements(beta_admission, source_ledger, title_intake, receipts, records),
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
    }


def _statements(
    beta_admission: pa.Table,
    source_ledger: pa.Table,
    title_intake: pa.Table,
    receipts: Mapping[str, Receipt],
    records: Sequence[Record],
) -> list[Row]:
    unlocks = sum(receipt.unlocks for receipt in receipts.values())
    asked = f"unlocks of {len(receipts)} receipts: {', '.join(sorted(receipts))}"
    outside = [
        record.asset
        for record in records
        if record.snapshot is None or not record.snapshot.startswith(f"snapshots/{record.asset}/")
    ]
    personal = [
        row
        for row in title_intake.to_pylist()
        if row["verdict"] != "accepted" or row["forbidden_columns"]
    ]
    states = beta_admission["state"].to_pylist()
    sources = source_ledger.to_pylist()
    internal = [row["source"] for row in sources if row["allowed_use"] == AllowedUse.INTERNAL_ONLY]
    leaking = [
        row["source"]
        for row in sources
        if row["allowed_use"] == AllowedUse.INTERNAL_ONLY
        and row["runtime_eligibility"] == RuntimeEligibility.ELIGIBLE
    ]
    return [
        _stated(
            "no_public_runtime",
            "Nothing that deployment stands on opens a public runtime.",
            unlocks,
            f"{asked}; closed by {CLOSED_BY}",
        ),
        _stated(
            "no_external_writes",
            "Everything that deployment stands on was written below the warehouse, nowhere else.",
            len(outside),
            f"places on record of {len(records)} tables",
        ),
        _stated(
            "no_real_user_data",
            "No list of titles with columns about persons was taken in.",
            len(personal),
            f"title_intake: columns of {title_intake.num_rows} lists; intakes of persons are"
            f" closed by {CLOSED_BY}",
        ),
        _stated(
            "external_beta_blocked",
            "Families are admitted to the internal synthetic beta alone.",
            unlocks,
            f"{states.count(APPROVED)} admissions of beta_admission, none to anything else;"
            f" {asked}",
        ),
        _stated(
            "public_release_blocked",
            "No source for internal use alone is marked fit for learners at large.",
            len(leaking),
            f"source_ledger: {len(internal)} of {len(sources)} sources are for internal use"
            f" ({', '.join(sorted(internal)) or 'none'}); closed by {CLOSED_BY}",
        ),
    ]


def _stated(name: str, statement: str, value: int, known_by: str) -> Row:
    return {
        "item_kind": "statement",
        "item_id": name,
        "state": BROKEN if value else HOLDS,
        "statement": statement,
        "waits_at": None,
        "value": value,
        "known_by": known_by,
    }
