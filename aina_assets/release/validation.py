"""Full validation: every check, stored table and receipt that was declared, as it stands now.

Belongs here: what is wrong with what is stored. Stays out: what is declared (``assets`` reads it
off the definitions), and refusing to publish (the release).

What an asset was made from and would be made from now is compared as the plan compares it
(``configuration``): an authored file, a source file, the lock or a figure that changed since makes
what stands on it stale; a ledger that grew does not, one that is not as recorded fails.

The bytes of every table are hashed when the table of findings is made. A plan asks for the same
findings many times and hashes only files that were written after the record that names them: no
build writes one then. Receipts are made anew from their items each time; that costs little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from aina_assets.contracts.errors import AinaError
from aina_assets.release.tables import FullValidation
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.files import TEMPORARY_PREFIX, is_local
from aina_assets.warehouse.receipts import (
    ReceiptSpec,
    read_receipt,
    receipt_of,
    unlock_faults,
)
from aina_assets.warehouse.store import Record, Refusal, Store
from aina_assets.warehouse.tables import arrow_schema


class Status(StrEnum):
    """How something declared stands."""

    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    STALE = "stale"
    OTHER_BUILD = "other_build"


NOT_GREEN = tuple(str(item) for item in Status if item is not Status.PASSED)


class Standing(NamedTuple):
    """How something stands, and what is wrong."""

    status: Status
    problem: str | None = None

    @property
    def is_passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.status is Status.PASSED


PASSED = Standing(Status.PASSED)


@dataclass(frozen=True)
class Declared:
    """An asset as it is declared.

    Attributes:
        asset: its key, ``/``-joined.
        code_version: of its code now.
        inputs: keys of its direct inputs.
        rules: its checks.
        is_table: whether it stores a table.
        receipt: how its rows become a receipt, where they do.
        is_walked: whether it is a ledger of which every entry is looked at.
    """

    asset: str
    code_version: str
    inputs: tuple[str, ...]
    rules: tuple[str, ...]
    is_table: bool
    receipt: ReceiptSpec | None
    is_walked: bool = False


def full_validation(
    store: Store,
    declared: Sequence[Declared],
    now: Mapping[str, Configured],
    *,
    hashes_all: bool = True,
) -> pa.Table:
    """Rows of ``FullValidation``: checks, tables and receipts of ``declared``, by asset.

    Args:
        store: the warehouse.
        declared: every asset that is looked at.
        now: what each of them would be configured with now.
        hashes_all: hash every stored table, not only those written since their record.
    """
    records: dict[str, Record | None] = {}
    unreadable: dict[str, str] = {}
    for item in declared:
        try:
            records[item.asset] = store.record(item.asset)
        except AinaError as error:
            records[item.asset] = None
            unreadable[item.asset] = str(error)
    rows = []
    for item in sorted(declared, key=lambda one: one.asset):
        record = records[item.asset]
        refusal = store.refusal(item.asset)
        standing = _standing(
            item, record, refusal, records, unreadable.get(item.asset), now[item.asset]
        )
        rows += [
            _row("check", item.asset, rule, _check(rule, record, refusal, standing))
            for rule in item.rules
        ]
        if item.is_table:
            found = snapshot_standing(store, record, hashes_all=hashes_all)
            rows.append(_row("snapshot", item.asset, item.asset, found))
        if item.receipt is not None:
            found = standing
            if standing.is_passed and record is not None:
                found = receipt_standing(store, item.receipt, record)
            rows.append(_row("receipt", item.asset, item.receipt.gate, found))
        if not (item.rules or item.is_table or item.receipt):
            rows.append(_row("asset", item.asset, item.asset, standing))
    known = {item.receipt.gate for item in declared if item.receipt is not None}
    rows += [_row("receipt", "", gate, found) for gate, found in _undeclared(store, known)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(FullValidation))


def problems_of(found: pa.Table) -> list[str]:
    """What is wrong in ``found``, in words; empty where it is green."""
    return [
        f"{row['asset'] or 'no asset'}: {row['name']}: {row['status']}: {row['problem']}"
        for row in found.to_pylist()
        if row["status"] != Status.PASSED
    ]


def _standing(
    item: Declared,
    record: Record | None,
    refusal: Refusal | None,
    records: Mapping[str, Record | None],
    unreadable: str | None,
    now: Configured,
) -> Standing:
    """How an asset stands as a whole."""
    if unreadable is not None:
        return Standing(Status.FAILED, unreadable)
    if record is None:
        return Standing(Status.MISSING, "it was never built")
    if refusal is not None:
        failed = "; ".join(f"{entry['rule']}: {entry['detail']}" for entry in refusal.findings)
        return Standing(Status.STALE, f"of an earlier attempt; the latest failed: {failed}")
    if record.code_version != item.code_version:
        return Standing(Status.OTHER_BUILD, "made by other code than is there now")
    if now.fault is not None:
        return Standing(Status.FAILED, now.fault)
    change = now.change_since(record)
    if change is not None:
        return Standing(Status.STALE, change)
    for name in item.inputs:
        made_from = record.inputs.get(name)
        # What is not looked at here has no version to compare.
        if name not in records:
            continue
        current = records[name]
        if current is None or made_from != current.data_version:
            return Standing(Status.STALE, f"made from another version of {name}")
    return PASSED


def _check(
    rule: str, record: Record | None, refusal: Refusal | None, standing: Standing
) -> Standing:
    if refusal is not None:
        for entry in refusal.findings:
            if entry["rule"] == rule:
                return Standing(Status.FAILED, str(entry["detail"]))
    if not standing.is_passed or record is None:
        return standing
    for entry in record.findings:
        if entry["rule"] == rule:
            return PASSED if entry["passed"] else Standing(Status.FAILED, str(entry["detail"]))
    return Standing(Status.MISSING, "it was not checked when the asset was made")


def snapshot_standing(store: Store, record: Record | None, *, hashes_all: bool) -> Standing:
    """Whether the stored table is the one on record.

    Args:
        store: the warehouse.
        record: of the table.
        hashes_all: hash it in any case, not only where it was written since its record.
    """
    if record is None or record.snapshot is None:
        return Standing(Status.MISSING, "nothing is stored")
    path = store.root / record.snapshot
    if not path.exists():
        return Standing(Status.MISSING, f"{record.snapshot} is gone")
    if not hashes_all and is_local(store.root):
        written = store.record_path(record.asset).stat().st_mtime_ns
        if path.stat().st_mtime_ns <= written:
            return PASSED
    found = (
        sha256_of_file(path)[0] if hashes_all or is_local(store.root) else record.snapshot_sha256
    )
    if found != record.snapshot_sha256:
        return Standing(
            Status.FAILED,
            f"{record.snapshot}: expected sha256 {record.snapshot_sha256}, found {found}; rebuild"
            f" it: aina build --full --select 'key:\"{record.asset}\"'",
        )
    return PASSED


def receipt_standing(store: Store, spec: ReceiptSpec, record: Record) -> Standing:
    """Whether the receipt on disk is the one that its items make."""
    place = f"receipts/{spec.gate}.json"
    if not (store.root / place).exists():
        return Standing(Status.MISSING, f"{place} is gone")
    receipt = read_receipt(store, spec.gate)
    if receipt is None:
        return Standing(Status.FAILED, f"{place} cannot be read as a receipt")
    if (receipt.items_version, dict(receipt.inputs)) != (record.data_version, dict(record.inputs)):
        return Standing(Status.OTHER_BUILD, f"{place} is about another version of {record.asset}")
    try:
        with (store.root / str(record.snapshot)).open("rb") as stream:
            items = pq.read_table(stream, columns=list(dict.fromkeys(spec.columns)))
    except (OSError, pa.ArrowException) as error:
        return Standing(Status.FAILED, f"its items cannot be read: {type(error).__name__}")
    expected = receipt_of(spec, items, record).model_dump(mode="json")
    said = receipt.model_dump(mode="json")
    wrong = [
        f"{name} is {said[name]}, its items say {expected[name]}"
        for name in expected
        if said[name] != expected[name]
    ]
    try:
        wrong += unlock_faults(receipt, spec, items, store)
    except AinaError as error:
        wrong.append(str(error))
    return Standing(Status.FAILED, f"{place}: {'; '.join(wrong)}") if wrong else PASSED


def _undeclared(store: Store, known: Iterable[str]) -> Iterator[tuple[str, Standing]]:
    """Receipts that nothing above leaves and that claim to unlock something."""
    known = set(known)
    for path in sorted((store.root / "receipts").glob("*.json"), key=str):
        if path.name.startswith(TEMPORARY_PREFIX) or path.stem in known:
            continue
        receipt = read_receipt(store, path.stem)
        if receipt is not None and receipt.unlocks:
            said = f"it says it unlocks {receipt.unlocks}, which nothing lets it; remove it"
            yield path.stem, Standing(Status.FAILED, said)


def _row(kind: str, asset: str, name: str, found: Standing) -> dict[str, Any]:
    return {
        "kind": kind,
        "asset": asset,
        "name": name,
        "status": str(found.status),
        "problem": found.problem,
    }
