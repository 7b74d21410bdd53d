"""The warehouse as Dagster sees it: a resource for the gate and an IO manager for snapshots.

Belongs here: handing frames between Dagster and the store, and the guard on every input.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import PrivateAttr
from upath import UPath

from aina_assets.contracts.receipts import Receipt
from aina_assets.warehouse.build_lock import exclusive_writer
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.expectations import Expectation, read_expectations
from aina_assets.warehouse.files import is_local
from aina_assets.warehouse.receipts import write_receipt
from aina_assets.warehouse.settings import home
from aina_assets.warehouse.store import Record, Store

TABLE_IO_MANAGER = "snapshots"


@dataclass(frozen=True)
class Accepted:
    """A frame that passed the gate, in its stored form, with what is stored beside it."""

    table: pa.Table
    record: Record
    receipt: Receipt | None = None


class Warehouse(dg.ConfigurableResource[Any]):
    """The warehouse a run reads and writes.

    A run holds the warehouse's writer lock from its first step to its last, whoever launched it.
    """

    root: str = ""
    expectations_path: str = ""
    wait_seconds: float = 60.0

    _by_table: dict[str, tuple[Expectation, ...]] | None = PrivateAttr(default=None)

    @cached_property
    def store(self) -> Store:
        """The store at ``root`` (``$AINA_HOME`` where none is set)."""
        return Store(UPath(self.root or home()))

    def expectations(self, table: str) -> tuple[Expectation, ...]:
        """Figures recorded for ``table`` under the lock being built."""
        if self._by_table is None:
            path = self.expectations_path
            self._by_table = read_expectations(Path(path)) if path else {}
        return self._by_table.get(table, ())

    def settings_version(self, table: str) -> str:
        """Digest of what the gate is configured with for ``table``."""
        return digest_of_json([vars(item) for item in self.expectations(table)])[:16]

    def configured(self, table: str) -> Configured:
        """What the gate is configured with for ``table`` now."""
        place = f"expectations/{Path(self.expectations_path).name}"
        return Configured(
            self.settings_version(table), f"its figures in {place} changed since it was made"
        )

    @contextmanager
    def yield_for_execution(
        self,
        context: dg.InitResourceContext,  # noqa: ARG002 - Dagster's signature
    ) -> Iterator["Warehouse"]:
        """Hold the writer lock while a run (or one step of a multiprocess run) is at work."""
        if not is_local(self.store.root):
            yield self
            return
        with exclusive_writer(Path(str(self.store.root)), self.wait_seconds):
            yield self


class SnapshotIOManager(dg.ConfigurableIOManager):
    """Stores accepted frames and loads current snapshots, verified and guarded."""

    warehouse: dg.ResourceDependency[Warehouse]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the accepted frame; the record that names it comes last."""
        if not isinstance(obj, Accepted):
            raise TypeError(f"expected a frame that passed the gate, found {type(obj).__name__}")
        if obj.receipt is not None:
            write_receipt(self.warehouse.store, obj.receipt)
            context.add_output_metadata({"receipt": obj.receipt.model_dump(mode="json")})
        stored = self.warehouse.store.commit_table(obj.record, obj.table)
        context.add_output_metadata({"snapshot": str(stored.snapshot)})

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """The current snapshot of the upstream table.

        Raises:
            UpstreamRejected: the latest attempt at it failed.
        """
        return self.warehouse.store.read("/".join(context.asset_key.path))
