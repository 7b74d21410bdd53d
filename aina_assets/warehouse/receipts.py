"""Receipts in the warehouse: made from an accepted table, held to three rules more, kept as JSON.

Belongs here: counting items, the rules that every receipt obeys, and where documents lie
(``receipts/<gate>.json``). Stays out: what any gate looks at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
from pydantic import ValidationError

from aina_assets.contracts.errors import SnapshotMissing
from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.warehouse.files import write_json
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Rule

RULES = (
    Rule("receipt_inputs", None, "the digests of its inputs are those stored now"),
    Rule("receipt_upstream", None, "receipts it stands on are there and about what is stored now"),
    Rule("receipt_unlocks", None, "it unlocks what decisions bound to its items open, no more"),
)


@dataclass(frozen=True)
class Unlocks:
    """How rows of a receipt's items may be open: by approvals on subjects, and nothing else.

    The rows have ``is_open`` and ``decision_ids``. An approval counts where it is in force, bound
    to the digest that the subject has now, and made by a person, who is no made-up reviewer of the
    sample.

    Attributes:
        gate: the gate of the approvals.
        key: the column of items that has the subject's key.
        subjects: the table of the subjects, an input of the items.
        decisions: the table of the decisions, an input of the items.
        at_least: persons it takes at the least, whatever the gate's quorum says.
    """

    gate: str
    key: str
    subjects: str
    decisions: str
    at_least: int


@dataclass(frozen=True)
class ReceiptSpec:
    """How a table of items becomes a receipt.

    Attributes:
        gate: name of the gate, with its version.
        counted: the column whose values are counted.
        valued: the column that holds the count, where each item is a count already.
        summed: columns of numbers whose sums are counted too, under their own names.
        holds: values of the counted column that make the verdict ``hold``, where any is counted.
        upstream: gates whose receipts it stands on.
        unlocks: how its items may be open; None: a receipt that unlocks nothing, ever.
    """

    gate: str
    counted: str
    valued: str | None = None
    summed: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    unlocks: Unlocks | None = None

    @property
    def columns(self) -> list[str]:
        """The columns of items that a receipt is made of."""
        opened = [] if self.unlocks is None else ["is_open", "decision_ids", self.unlocks.key]
        return [self.counted, *([self.valued] if self.valued else []), *self.summed, *opened]


def receipt_of(spec: ReceiptSpec, items: pa.Table, record: Record) -> Receipt:
    """The receipt for ``items``, stored under ``record``."""
    named = items[spec.counted].to_pylist()
    counts = (
        Counter(named)
        if spec.valued is None
        else dict(zip(named, items[spec.valued].to_pylist(), strict=True))
    )
    is_held = any(counts.get(name) for name in spec.holds)
    sums = {name: sum(items[name].to_pylist()) for name in spec.summed}
    return Receipt(
        gate=spec.gate,
        verdict=Verdict.HOLD if is_held else Verdict.PASS,
        counts=dict(sorted((counts | sums).items())),
        items_table=record.asset,
        items_version=record.data_version,
        inputs=record.inputs,
        unlocks=items["is_open"].to_pylist().count(True) if spec.unlocks else 0,
    )


def judge_receipt(
    receipt: Receipt, spec: ReceiptSpec, items: pa.Table, store: Store
) -> list[Finding]:
    """Findings for the rules that every receipt obeys beyond those of its items."""
    moved = [
        name
        for name, version in receipt.inputs.items()
        if (record := store.record(name)) is None or record.data_version != version
    ]
    missing = [gate for gate in spec.upstream if not _is_valid(read_receipt(store, gate), store)]
    broken = {
        "receipt_inputs": moved,
        "receipt_upstream": missing,
        "receipt_unlocks": unlock_faults(receipt, spec, items, store),
    }
    return [
        Finding(
            rule.name,
            not broken[rule.name],
            len(receipt.inputs),
            len(broken[rule.name]),
            f"expected: {rule.description}; found: {', '.join(broken[rule.name]) or 'so'}",
        )
        for rule in RULES
    ]


def unlock_faults(receipt: Receipt, spec: ReceiptSpec, items: pa.Table, store: Store) -> list[str]:
    """Why what ``receipt`` unlocks is not what decisions open; empty where it is."""
    rule = spec.unlocks
    if rule is None:
        return [f"{receipt.unlocks} unlock(s), which nothing could open"] if receipt.unlocks else []
    opened = [row for row in items.select(spec.columns).to_pylist() if row["is_open"]]
    faults = []
    if receipt.unlocks != len(opened):
        faults.append(f"{receipt.unlocks} unlock(s), {len(opened)} open row(s)")
    if not opened:
        return faults
    if not {rule.subjects, rule.decisions} <= receipt.inputs.keys():
        return [*faults, f"it is not made from {rule.subjects} and {rule.decisions}"]
    digest_of = {
        row["subject_key"]: row["subject_digest"]
        for row in store.read(rule.subjects).to_pylist()
        if row["gate"] == rule.gate
    }
    counting = {
        row["decision_id"]: row
        for row in store.read(rule.decisions).to_pylist()
        if (row["gate"], row["verdict"], row["standing"]) == (rule.gate, "approve", "in_force")
        and row["subject_digest"] == digest_of.get(row["subject_key"])
        and row["reviewer_kind"] == "person"
        and not row["is_sample"]
    }
    for row in opened:
        persons = {
            counting[name]["responsible_id"]
            for name in row["decision_ids"]
            if name in counting and counting[name]["subject_key"] == row[rule.key]
        }
        if len(persons) < rule.at_least:
            faults.append(f"{row[rule.key]} is open by {len(persons)} person(s) of {rule.at_least}")
    return faults


def _is_valid(receipt: Receipt | None, store: Store) -> bool:
    if receipt is None:
        return False
    record = store.record(receipt.items_table)
    return record is not None and record.data_version == receipt.items_version


def tables_behind_receipts(store: Store, gates: Iterable[str]) -> set[str]:
    """Tables whose record is not the one their receipt is about: a build was killed in between.

    Args:
        store: the warehouse.
        gates: those that there are. What a gate left that is gone, or has another name by now, is
            nobody's receipt and no build would write it anew.
    """
    behind = set()
    for gate in gates:
        receipt = read_receipt(store, gate)
        record = store.record(receipt.items_table) if receipt is not None else None
        if record is not None and receipt is not None:
            stored = (record.data_version, dict(record.inputs))
            if stored != (receipt.items_version, dict(receipt.inputs)):
                behind.add(record.asset)
    return behind


def write_receipt(store: Store, receipt: Receipt) -> None:
    """Keep ``receipt`` as the current one of its gate."""
    write_json(store.root / "receipts" / f"{receipt.gate}.json", receipt.model_dump(mode="json"))


def read_receipt(store: Store, gate: str) -> Receipt | None:
    """The current receipt of ``gate``; None where there is none, or none that can be read."""
    path = store.root / "receipts" / f"{gate}.json"
    try:
        return Receipt.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def valid_receipt(store: Store, gate: str) -> Receipt | None:
    """The current receipt of ``gate``, about the items stored now; None where there is none."""
    receipt = read_receipt(store, gate)
    return receipt if _is_valid(receipt, store) else None


def require_receipt(store: Store, gate: str) -> Receipt:
    """The current receipt of ``gate``, about the items stored now.

    Raises:
        SnapshotMissing: there is none, or it is about other items.
    """
    receipt = read_receipt(store, gate)
    if receipt is None or not _is_valid(receipt, store):
        raise SnapshotMissing(
            expected=f"a receipt of {gate} about the items stored now",
            found="none" if receipt is None else f"one about version {receipt.items_version}",
            where=f"receipts/{gate}.json",
            remedy="build again: the table behind the receipt writes it",
        )
    return receipt
