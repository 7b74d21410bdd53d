"""The code location: every asset, resource and schedule, put together once.

Belongs here: wiring. A fresh, overridable set of definitions for the UI, the command line, tests.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

from aina_assets.builds import nodes_of, stale_assets
from aina_assets.contracts.errors import AinaError
from aina_assets.release.assets import release_assets
from aina_assets.sources import assets as sources
from aina_assets.sources import tables as source_tables
from aina_assets.sources.catalog import INPUTS
from aina_assets.warehouse.resources import TABLE_IO_MANAGER, SnapshotIOManager, Warehouse
from aina_assets.warehouse.settings import AUTHORED, home
from aina_assets.warehouse.sql import connection_config
from aina_assets.warehouse.tables import Table, table_name
from aina_assets.work_graph import assets as work_graph
from aina_assets.work_graph import tables as work_graph_tables

REBUILD_CRON = "0 4 * * *"


def models() -> dict[str, type[Table]]:
    """The published tables' models by table name, room by room."""
    return {
        table_name(item): item
        for room in (source_tables, work_graph_tables)
        for item in vars(room).values()
        if isinstance(item, type) and issubclass(item, Table) and item.__key__
    }


def all_assets() -> list[dg.AssetsDefinition]:
    """Every asset of the graph, with its lineage and checks."""
    datasets = dict.fromkeys(declared.source for declared in INPUTS)
    upstream = [sources.upstream_assets(dataset) for dataset in datasets]
    tables = [
        item
        for room in (sources, work_graph)
        for item in vars(room).values()
        if isinstance(item, dg.AssetsDefinition)
    ]
    return [*upstream, *tables, *release_assets(models(), sources.UPSTREAM_KEYS)]


def resources(
    *, lock_path: str = "", cache_path: str = "", offline: bool = False, wait_seconds: float = 60.0
) -> dict[str, Any]:
    """Resources for a build of one lock; empty settings come from the environment.

    ``AINA_LOCK`` names the lock, ``AINA_CACHE`` where its files lie, ``AINA_HOME`` the warehouse.
    """
    chosen = sources.Sources(
        lock_path=lock_path or os.environ.get("AINA_LOCK", ""),
        cache_path=cache_path or os.environ.get("AINA_CACHE", ""),
        offline=offline,
    )
    try:
        expectations = str(AUTHORED / "expectations" / f"{chosen.lock.name}.csv")
    except AinaError:
        # A broken lock fails the assets that read it, with its message; the graph still loads.
        expectations = ""
    warehouse = Warehouse(expectations_path=expectations, wait_seconds=wait_seconds)
    return {
        "sources": chosen,
        "warehouse": warehouse,
        "duckdb": DuckDBResource(
            database=":memory:", connection_config=connection_config(home() / "spill")
        ),
        TABLE_IO_MANAGER: SnapshotIOManager(warehouse=warehouse),
    }


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """A fresh code location.

    Args:
        resource_overrides: resources to use instead of those of ``resources()``.
    """
    assets = all_assets()
    bound = {**resources(), **(resource_overrides or {})}

    @dg.schedule(
        name="rebuild_stale",
        target=dg.AssetSelection.all(),
        cron_schedule=REBUILD_CRON,
        description="Every night: build what is stale, by the plan `aina build` makes.",
    )
    def rebuild_stale() -> Iterator[dg.RunRequest | dg.SkipReason]:
        reasons = stale_assets(nodes_of(assets, bound), bound)
        if not reasons:
            yield dg.SkipReason("nothing is stale")
        else:
            keys = [dg.AssetKey(name.split("/")) for name in reasons]
            yield dg.RunRequest(asset_selection=keys)

    return dg.Definitions(
        assets=assets,
        resources=bound,
        schedules=[rebuild_stale],
        executor=dg.in_process_executor,
    )
