"""The code location: every asset, resource and schedule, put together once.

Belongs here: wiring. A fresh, overridable set of definitions for the UI, the command line, tests.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster_duckdb import DuckDBResource

from aina_assets import automation
from aina_assets.authoring import assets as authoring
from aina_assets.authoring import bridge_tables as authoring_bridge_tables
from aina_assets.authoring import knowledge_tables as authoring_knowledge_tables
from aina_assets.authoring import lane_tables as authoring_lane_tables
from aina_assets.authoring import policy as authoring_policy
from aina_assets.authoring import report_assets_of_authoring as authoring_reports
from aina_assets.authoring import rules as authoring_rules
from aina_assets.authoring import tables as authoring_tables
from aina_assets.builds import nodes_of
from aina_assets.contracts.errors import AinaError
from aina_assets.curriculum import assets as curriculum
from aina_assets.curriculum import policy as curriculum_policy
from aina_assets.curriculum import tables as curriculum_tables
from aina_assets.gdpval import assets as gdpval
from aina_assets.gdpval import policy as gdpval_policy
from aina_assets.gdpval import tables as gdpval_tables
from aina_assets.learner import assets as learner
from aina_assets.learner import policy as learner_policy
from aina_assets.learner import tables as learner_tables
from aina_assets.packets import assets as packets
from aina_assets.packets import policy as packet_policy
from aina_assets.packets import tables as packet_tables
from aina_assets.practice import assets as practice
from aina_assets.practice import policy as practice_policy
from aina_assets.practice import tables as practice_tables
from aina_assets.release import assets as release
from aina_assets.release import policy as release_policy
from aina_assets.release import report_assets_of_release as release_reports
from aina_assets.release import report_tables as release_report_tables
from aina_assets.release import tables as release_tables
from aina_assets.review import assets as review
from aina_assets.review import policy as review_policy
from aina_assets.review import tables as review_tables
from aina_assets.review import votes as review_votes
from aina_assets.sources import assets as sources
from aina_assets.sources import tables as source_tables
from aina_assets.sources.catalog import INPUTS
from aina_assets.titles import adjudication_tables as title_adjudication_tables
from aina_assets.titles import assets as titles
from aina_assets.titles import policy as title_policy
from aina_assets.titles import tables as title_tables
from aina_assets.warehouse.authored import AuthoredDocument
from aina_assets.warehouse.authored_assets import authored_assets
from aina_assets.warehouse.ledger_assets import ledger_asset
from aina_assets.warehouse.ledgers import LEDGER_GROUP, LedgerSpec
from aina_assets.warehouse.plan import Node
from aina_assets.warehouse.resources import TABLE_IO_MANAGER, SnapshotIOManager, Warehouse
from aina_assets.warehouse.settings import AUTHORED, home
from aina_assets.warehouse.sql import connection_config
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table, table_name
from aina_assets.work_graph import assets as work_graph
from aina_assets.work_graph import policy as work_graph_policy
from aina_assets.work_graph import tables as work_graph_tables

LEDGERS = (
    LedgerSpec("learner_events", "What happened to learners, as it was recorded."),
    LedgerSpec("decisions", "What reviewers decided, as it was recorded.", is_walked=True),
)
"""Ledgers that the graph reads."""

INSTANCE_SETTINGS = {
    "storage": {
        "custom": {
            "module": "aina_assets.warehouse.instance",
            "class": "WarehouseDagsterStorage",
            "config": {},
        }
    },
    "telemetry": {"enabled": False},
    # The command line shows progress itself; capturing a process's output would swallow it.
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
}


def models() -> dict[str, type[Table]]:
    """The published tables' models by table name, room by room."""
    return {
        table_name(item): item
        for room in (
            review_tables,
            source_tables,
            work_graph_tables,
            title_tables,
            title_adjudication_tables,
            curriculum_tables,
            packet_tables,
            practice_tables,
            gdpval_tables,
            release_tables,
            release_report_tables,
            learner_tables,
            authoring_bridge_tables,
            authoring_knowledge_tables,
            authoring_lane_tables,
            authoring_tables,
        )
        for item in vars(room).values()
        if isinstance(item, type)
        and issubclass(item, Table)
        and item.__key__
        and item not in release_tables.DESCRIBING
    }


def all_models() -> dict[str, type[Table]]:
    """Every table's model by name, those that describe the release included."""
    return models() | {table_name(item): item for item in release_tables.DESCRIBING}


def documents() -> list[type[AuthoredDocument]]:
    """Every document that people author, room by room."""
    return [
        item
        for room in (
            review_policy,
            review_votes,
            work_graph_policy,
            title_policy,
            curriculum_policy,
            packet_policy,
            practice_policy,
            gdpval_policy,
            release_policy,
            learner_policy,
            authoring_policy,
            authoring_rules,
        )
        for item in vars(room).values()
        if isinstance(item, type)
        and issubclass(item, AuthoredDocument)
        and item.__module__ == room.__name__
    ]


def all_assets() -> list[dg.AssetsDefinition]:
    """Every asset of the graph, with its lineage and checks."""
    datasets = dict.fromkeys(declared.source for declared in INPUTS)
    upstream = [sources.upstream_assets(dataset) for dataset in datasets]
    tables = [
        item
        for room in (
            *(review, sources, work_graph, titles, curriculum, packets, practice),
            *(gdpval, release, learner, authoring, authoring_reports, release_reports),
        )
        for item in vars(room).values()
        if isinstance(item, dg.AssetsDefinition)
    ]
    authored = [authored_assets(documents())] if documents() else []
    ledgers = [ledger_asset(ledger) for ledger in LEDGERS]
    checked = [
        *sources.UPSTREAM_KEYS,
        *("/".join(document.asset_path("")) for document in documents()),
        *(f"{LEDGER_GROUP}/{ledger.name}" for ledger in LEDGERS),
    ]
    above = [*upstream, *authored, *ledgers, *tables]
    return [*above, *release.release_assets(models(), checked, above)]


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


class Location:
    """A code location bound to resources, and what a build needs of it."""

    def __init__(self, bound: Mapping[str, Any]) -> None:
        self.resources = bound
        self.assets = all_assets()

    @cached_property
    def job(self) -> dg.JobDefinition:
        """The job that can run any of its assets."""
        return definitions_of(self.assets, self.resources).resolve_implicit_global_asset_job_def()

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse it writes."""
        return cast("Warehouse", self.resources["warehouse"])

    @property
    def sources(self) -> sources.Sources:
        """The lock it reads."""
        return cast("sources.Sources", self.resources["sources"])

    def nodes(self) -> dict[str, Node]:
        """The graph with the versions of this moment."""
        return nodes_of(self.assets, self.resources)

    def select(self, selection: str) -> set[str]:
        """Assets of ``selection`` (Dagster's selection syntax), as ``/``-joined keys.

        Raises:
            AinaError: the selection does not parse or names nothing.
        """
        if selection == "*":
            return {"/".join(spec.key.path) for item in self.assets for spec in item.specs}
        try:
            keys = dg.AssetSelection.from_string(selection).resolve(self.assets)
        except dg.DagsterError as error:
            keys, found = set(), str(error)
        else:
            found = "no asset"
        if not keys:
            raise AinaError(
                expected="a selection in Dagster's syntax that names an asset of the graph",
                found=found,
                where=f"--select {selection!r}",
                remedy="try 'key:\"soc_map\"', '+key:\"soc_map\"', 'group:\"sources\"' or '*'",
            )
        return {"/".join(key.path) for key in keys}

    def instance(self) -> dg.DagsterInstance:
        """Dagster's bookkeeping of this warehouse, shared with `dagster dev`."""
        base = home() / "dagster"
        base.mkdir(parents=True, exist_ok=True)
        return dg.DagsterInstance.from_ref(
            InstanceRef.from_dir(str(base), overrides=INSTANCE_SETTINGS)
        )


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """A fresh code location.

    Args:
        resource_overrides: resources to use instead of those of ``resources()``.
    """
    return definitions_of(all_assets(), {**resources(), **(resource_overrides or {})})


def definitions_of(
    assets: Sequence[dg.AssetsDefinition], bound: Mapping[str, Any]
) -> dg.Definitions:
    """``assets`` with their resources, what the daemon does by itself, and the executor."""

    def nodes() -> dict[str, Node]:
        # Who asks is up for days, and a run reads lock and figures anew: so must the plan.
        unread = {name: bound[name] for name in ("sources", "warehouse")}
        anew = {name: type(item)(**item.model_dump()) for name, item in unread.items()}
        return nodes_of(assets, {**bound, **anew})

    def stored() -> Store:
        return cast("Warehouse", bound["warehouse"]).store

    return dg.Definitions(
        assets=assets,
        resources=bound,
        schedules=[automation.rebuild_stale(nodes, stored)],
        sensors=[automation.rebuild_after_ledgers(nodes, stored), automation.alert_on_failure()],
        executor=dg.in_process_executor,
    )
