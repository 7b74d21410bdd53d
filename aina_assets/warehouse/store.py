"""The store: immutable snapshots, one current record per asset, and the latest refusal.

Belongs here: where things lie below the warehouse root and the order in which they are written.
Stays out: judging frames (``gate``), deciding what to build (``plan``), Dagster.

::

    snapshots/<table>/<data version>.parquet   immutable; named by content
    state/<asset>.json                         the record: what is current, made from what
    refusals/<asset>.json                      the latest failed attempt; gone when one passes
    quarantine/<table>/                        the latest refused frame and its failing rows
    releases/<id>/  releases/current           what readers open (``release``)

A snapshot is written before the record that names it, and a record replaces the one before in one
rename: whoever reads at any moment sees a whole table, the old or the new one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from aina_assets.contracts.errors import SnapshotCorrupt, SnapshotMissing, UpstreamRejected
from aina_assets.warehouse.digests import digest_of_table, sha256_of_file
from aina_assets.warehouse.files import TEMPORARY_PREFIX, write_atomically, write_json
from aina_assets.warehouse.gate import Finding

PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "write_statistics": True,
    "store_schema": True,
    "version": "2.6",
}


@dataclass(frozen=True)
class Record:
    """What is current for one asset, and what it was made from. No field depends on the clock.

    Attributes:
        asset: the asset's key, ``/``-joined.
        data_version: content digest of what it holds.
        code_version: digest of the code that made it.
        settings_version: digest of what it was configured with (lock entries, expectations).
        inputs: data version of every direct input, by asset.
        row_count: rows, for tables.
        snapshot: the Parquet file below the root, for tables.
        snapshot_sha256: digest of that file's bytes.
        findings: what the gate found, one entry a rule.
        details: anything else worth keeping (files read, reasons for absence).
    """

    asset: str
    data_version: str
    code_version: str
    settings_version: str
    inputs: Mapping[str, str]
    row_count: int | None = None
    snapshot: str | None = None
    snapshot_sha256: str | None = None
    findings: tuple[Mapping[str, Any], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """The latest attempt to build an asset, where it failed.

    Attributes:
        asset: the asset's key, ``/``-joined.
        findings: the failed rules.
        quarantined: the refused frame below the root, if there was one.
    """

    asset: str
    findings: tuple[Mapping[str, Any], ...]
    quarantined: str | None = None


class Store:
    """The warehouse at ``root``: a local folder or any fsspec location.

    Args:
        root: where everything a build writes goes.
    """

    def __init__(self, root: UPath) -> None:
        self.root = root

    def record_path(self, asset: str) -> UPath:
        """Where the record of ``asset`` lies."""
        return self.root / "state" / f"{asset}.json"

    def record(self, asset: str) -> Record | None:
        """The current record of ``asset``; None before its first success."""
        document = _read_json(self.record_path(asset))
        if document is None:
            return None
        document["findings"] = tuple(document["findings"])
        return Record(**document)

    def records(self) -> Iterator[Record]:
        """Every current record, in key order."""
        state = self.root / "state"
        if not state.exists():
            return
        for path in sorted(state.rglob("*.json"), key=str):
            if path.name.startswith(TEMPORARY_PREFIX):
                continue
            asset = str(path.relative_to(state)).removesuffix(".json")
            record = self.record(asset)
            if record is not None:
                yield record

    def refusal(self, asset: str) -> Refusal | None:
        """The latest failed attempt at ``asset``; None where the latest attempt passed."""
        document = _read_json(self.root / "refusals" / f"{asset}.json")
        if document is None:
            return None
        document["findings"] = tuple(document["findings"])
        return Refusal(**document)

    def refused(self) -> frozenset[str]:
        """Assets whose latest attempt failed."""
        refusals = self.root / "refusals"
        if not refusals.exists():
            return frozenset()
        return frozenset(
            str(path.relative_to(refusals)).removesuffix(".json")
            for path in refusals.rglob("*.json")
            if not path.name.startswith(TEMPORARY_PREFIX)
        )

    def commit_table(self, record: Record, table: pa.Table) -> Record:
        """Store an accepted ``table`` as the current snapshot of ``record.asset``.

        Args:
            record: the record to complete; its file fields are filled in here.
            table: the frame in its stored form (``gate.conform``), of which ``record.data_version``
                is the digest.

        Returns:
            The record as stored.

        Raises:
            OSError: the disk is full or failing; the former snapshot is still the current one.
        """
        relative = f"snapshots/{record.asset}/{record.data_version}.parquet"
        path = self.root / relative
        if not self._holds(path, record.data_version):
            write_atomically(path, lambda stream: pq.write_table(table, stream, **PARQUET_OPTIONS))
        stored = dataclasses.replace(
            record,
            row_count=table.num_rows,
            snapshot=relative,
            snapshot_sha256=sha256_of_file(path)[0],
        )
        self.commit(stored)
        return stored

    def commit(self, record: Record) -> None:
        """Make ``record`` the current one of its asset and forget an earlier refusal."""
        write_json(self.record_path(record.asset), dataclasses.asdict(record))
        (self.root / "refusals" / f"{record.asset}.json").unlink(missing_ok=True)

    def refuse(
        self, asset: str, findings: tuple[Finding, ...], table: pa.Table | None = None
    ) -> Refusal:
        """Record a failed attempt and keep the refused frame for inspection.

        The current record and its snapshot are left as they are.
        """
        quarantined = None
        if table is not None:
            quarantined = f"quarantine/{asset}/refused.parquet"
            write_atomically(
                self.root / quarantined,
                lambda stream: pq.write_table(table, stream, **PARQUET_OPTIONS),
            )
        failed = tuple(finding_fields(finding) for finding in findings if not finding.passed)
        refusal = Refusal(asset, failed, quarantined)
        write_json(self.root / "refusals" / f"{asset}.json", dataclasses.asdict(refusal))
        return refusal

    def require(self, asset: str) -> Record:
        """The current record of ``asset``, fit to be read by a dependent.

        Raises:
            SnapshotMissing: it was never built.
            UpstreamRejected: its latest attempt failed a blocking check.
        """
        refusal = self.refusal(asset)
        if refusal is not None:
            failed = "; ".join(f"{item['rule']}: {item['detail']}" for item in refusal.findings)
            raise UpstreamRejected(
                expected="an input whose latest blocking checks passed",
                found=f"a failed attempt ({failed})",
                where=asset,
                remedy=f"mend the input and build it first: aina build --select 'key:\"{asset}\"'",
            )
        record = self.record(asset)
        if record is None:
            raise SnapshotMissing(
                expected="a stored snapshot",
                found="none",
                where=asset,
                remedy=f"build it first: aina build --select 'key:\"{asset}\"'",
            )
        return record

    def read(self, asset: str) -> pa.Table:
        """The current snapshot of table ``asset``, its bytes verified.

        Raises:
            SnapshotMissing: it was never built.
            UpstreamRejected: its latest attempt failed a blocking check.
            SnapshotCorrupt: the stored bytes are not the recorded ones.
        """
        return self.open_snapshot(self.require(asset))

    def open_snapshot(self, record: Record) -> pa.Table:
        """The table that ``record`` names, its bytes verified.

        Raises:
            SnapshotCorrupt: the stored bytes are missing or not the recorded ones.
        """
        path = self.root / str(record.snapshot)
        found = sha256_of_file(path)[0] if path.exists() else "no file"
        if found != record.snapshot_sha256:
            raise SnapshotCorrupt(
                expected=f"sha256 {record.snapshot_sha256}",
                found=found,
                where=str(path),
                remedy=f"rebuild it: aina build --full --select 'key:\"{record.asset}\"'",
            )
        with path.open("rb") as stream:
            return pq.read_table(stream)

    def _holds(self, path: UPath, data_version: str) -> bool:
        """Whether the snapshot at ``path`` still has the content its name says."""
        try:
            with path.open("rb") as stream:
                return digest_of_table(pq.read_table(stream)) == data_version
        except (OSError, pa.ArrowException):
            return False


def finding_fields(finding: Finding) -> dict[str, Any]:
    """``finding`` as plain JSON values."""
    document = dataclasses.asdict(finding)
    document["sample"] = [dict(row) for row in finding.sample]
    return document


def _read_json(path: UPath) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SnapshotCorrupt(
            expected="a JSON document, as it was written",
            found=str(error),
            where=str(path),
            remedy="remove the file and build again: it is made anew",
        ) from error
    return document
