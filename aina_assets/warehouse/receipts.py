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

from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.warehouse.files import TEMPORARY_PREFIX, write_json
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Rule

RULES = (
    Rule("receipt_inputs", None, "the digests of its inputs are those stored now"),
    Rule("receipt_upstream", None, "receipts it stands on are there and about what is stored now"),
    Rule("receipt_unlocks", None, "it unlocks nothing: no decision says otherwise"),
)


@dataclass(frozen=True)
class ReceiptSpec:
    """How a table of items becomes a receipt.

    Attributes:
        gate: name of the gate, with its version.
        counted: the column whose values are counted.
        valued: the column that holds the count, where each item is a count already.
        holds: values of that column that make the verdict ``hold``.
        upstream: gates whose receipts it stands on.
    """

    gate: str
    counted: str
    valued: str | None = None
    holds: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()


def receipt_of(spec: ReceiptSpec, items: pa.Table, record: Record) -> Receipt:
    """The receipt for ``items``, stored under ``record``."""
    named = items[spec.counted].to_pylist()
    counts = (
        Counter(named)
        if spec.valued is None
        else dict(zip(named, items[spec.valued].to_pylist(), strict=True))
    )
    is_held = bool(counts.keys() & set(spec.holds))
    return Receipt(
        gate=spec.gate,
        verdict=Verdict.HOLD if is_held else Verdict.PASS,
        counts=dict(sorted(counts.items())),
        items_table=record.asset,
        items_version=record.data_version,
        inputs=record.inputs,
    )


def judge_receipt(receipt: Receipt, upstream: Iterable[str], store: Store) -> list[Finding]:
    """Findings for the rules that every receipt obeys beyond those of its items."""
    moved = [
        name
        for name, version in receipt.inputs.items()
        if (record := store.record(name)) is None or record.data_version != version
    ]
    missing = [gate for gate in upstream if not _is_valid(read_receipt(store, gate), store)]
    broken = {
        "receipt_inputs": moved,
        "receipt_upstream": missing,
        "receipt_unlocks": [f"{receipt.unlocks} unlock(s)"] if receipt.unlocks else [],
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


def _is_valid(receipt: Receipt | None, store: Store) -> bool:
    if receipt is None:
        return False
    record = store.record(receipt.items_table)
    return record is not None and record.data_version == receipt.items_version


def tables_behind_receipts(store: Store) -> set[str]:
    """Tables whose record is not the one their receipt is about: a build was killed in between."""
    behind = set()
    for path in (store.root / "receipts").glob("*.json"):
        if path.name.startswith(TEMPORARY_PREFIX):
            continue
        receipt = read_receipt(store, path.stem)
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
