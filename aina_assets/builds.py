"""A build: plan from digests, run the stale assets in waves, report what happened.

Belongs here: the meeting of plan and Dagster, used by the command line and the schedule. Stays out:
how it looks on a terminal (``cli``).
"""

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
import pyarrow as pa
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster_shared.error import SerializableErrorInfo

from aina_assets.contracts.errors import AinaError, WarehouseError
from aina_assets.release.assets import (
    FULL_VALIDATION,
    RELEASE,
    VALIDATION,
    declared,
    validated_of,
)
from aina_assets.release.configuration import configured
from aina_assets.release.contents import check_results, manifest, receipts_table
from aina_assets.release.publish import is_served
from aina_assets.release.tables import CheckResults, FullValidation, Manifest, Receipts
from aina_assets.release.validation import (
    Declared,
    full_validation,
    receipt_standing,
    snapshot_standing,
)
from aina_assets.sources.assets import Sources
from aina_assets.sources.ledger import source_files
from aina_assets.sources.tables import SourceFiles
from aina_assets.warehouse.assets import WATCHING
from aina_assets.warehouse.build_lock import exclusive_writer
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.plan import Node, next_wave
from aina_assets.warehouse.receipts import read_receipt, tables_behind_receipts
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Table

BUILD_TAG = "aina/build"

# Lies in the warehouse while a build has runs open; one that was killed leaves it behind.
UNFINISHED = "build.unfinished"

MADE_OF_RECORDS: Mapping[str, tuple[type[Table], Callable[[list[Record]], pa.Table]]] = {
    "source_files": (SourceFiles, source_files),
    "check_results": (CheckResults, check_results),
    "manifest": (Manifest, manifest),
}

RECEIPTS = "receipts"

# The event log keeps everything; what a person sees is up to the caller.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Step:
    """What became of one asset, as reported while the build runs.

    Attributes:
        asset: its key, ``/``-joined.
        outcome: ``started``, ``done`` or ``failed``.
        rows: rows stored, for tables.
        seconds: time since the asset's step started.
        message: why it failed.
    """

    asset: str
    outcome: str
    rows: int | None = None
    seconds: float = 0.0
    message: str = ""


@dataclass
class Outcome:
    """What a build did.

    Attributes:
        run: assets built.
        failed: assets that failed, with the message.
        fresh: assets that needed nothing.
        blocked: assets not tried because an input failed.
        checks_passed: checks that passed.
        checks_failed: checks that failed, ``asset: check``.
        seconds: wall time.
    """

    run: dict[str, int | None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    checks_passed: int = 0
    checks_failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Nothing failed and nothing was held up."""
        return not (self.failed or self.blocked or self.checks_failed)


def nodes_of(
    assets: Sequence[dg.AssetsDefinition], resources: Mapping[str, Any]
) -> dict[str, Node]:
    """The graph as plain nodes, with the versions it would be built with now."""
    sources: Sources = resources["sources"]
    warehouse: Warehouse = resources["warehouse"]
    leaving = declared(assets)
    gates = [item.receipt.gate for item in leaving if item.receipt is not None]
    behind = tables_behind_receipts(warehouse.store, gates)
    now = configured(leaving, sources, warehouse)
    about_the_store = _behind_store(warehouse.store, validated_of(assets), leaving, now)
    nodes = {}
    for definition in assets:
        for spec in definition.specs:
            name = "/".join(spec.key.path)
            settings = now[name].version
            if name == RELEASE and not is_served(warehouse.store, name):
                settings = "not published"
            elif name in behind:
                settings = "its receipt is about another version"
            deps = tuple("/".join(dep.asset_key.path) for dep in spec.deps)
            if name in MADE_OF_RECORDS and _is_behind_records(warehouse.store, name, deps):
                settings = "records of its inputs changed"
            if name in about_the_store:
                settings = "what is stored is not what it says"
            is_watching = name == FULL_VALIDATION or WATCHING in spec.tags
            nodes[name] = Node(name, deps, str(spec.code_version), settings, is_watching)
    return nodes


def _behind_store(
    store: Store,
    validated: Sequence[Declared],
    leaving: Sequence[Declared],
    now: Mapping[str, Configured],
) -> set[str]:
    """Tables about receipts and validation that say otherwise than what is stored now.

    And those that stand on validation, whose bytes it therefore does not look at, where they are
    not the recorded ones.
    """
    behind = set()
    stored = store.record(FULL_VALIDATION)
    if stored is not None:
        found = full_validation(store, validated, now, hashes_all=False)
        if (
            digest_of_table(conform(found, FullValidation)) != stored.data_version
            or not receipt_standing(store, VALIDATION, stored).is_passed
        ):
            behind.add(FULL_VALIDATION)
    stored = store.record(RECEIPTS)
    if stored is not None:
        items = {item.receipt.gate: item.asset for item in leaving if item.receipt is not None}
        receipts = {gate: read_receipt(store, gate) for gate in items}
        records = [store.record(name) for name in items.values()]
        if all(receipts.values()) and all(records):
            rows = receipts_table(receipts, records)  # type: ignore[arg-type]
            if digest_of_table(conform(rows, Receipts)) != stored.data_version:
                behind.add(RECEIPTS)
    for name in {item.asset for item in leaving if item.is_table} - {
        item.asset for item in validated
    }:
        stored = store.record(name)
        if stored is not None and not snapshot_standing(store, stored, hashes_all=False).is_passed:
            behind.add(name)
    return behind


def _is_behind_records(store: Store, name: str, deps: Sequence[str]) -> bool:
    """Whether the records of ``deps`` now make other rows than table ``name`` has.

    Findings, code versions and inputs are in records, not in the data: they change while every
    data version stays.
    """
    model, rows = MADE_OF_RECORDS[name]
    stored = store.record(name)
    records = [record for dep in deps if (record := store.record(dep)) is not None]
    if stored is None or len(records) < len(deps):
        return False
    return digest_of_table(conform(rows(records), model)) != stored.data_version


class Buildable(Protocol):
    """What a build needs of a code location. Costly parts are made only when something is stale."""

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse it writes."""

    @property
    def job(self) -> dg.JobDefinition:
        """The job that can run any of its assets."""

    def nodes(self) -> dict[str, Node]:
        """The graph with the versions of this moment (files may appear during a build)."""

    def instance(self) -> AbstractContextManager[dg.DagsterInstance]:
        """Where Dagster keeps its log."""


def build(
    location: Buildable,
    *,
    selected: Collection[str],
    full: bool = False,
    report: Callable[[Step, int], None] = lambda _step, _total: None,
) -> Outcome:
    """Build what is stale among ``selected``.

    Args:
        location: the code location; its warehouse is held for writing throughout.
        selected: assets that may be built.
        full: build them all, stale or not.
        report: called for every step with the number of steps known so far.

    Raises:
        WarehouseBusy: another build is at work.
    """
    outcome = Outcome()
    started = time.monotonic()
    warehouse = location.warehouse
    root = Path(str(warehouse.store.root))
    remaining = set(selected)
    total = 0
    at = "planning"

    def follow(step: Step, steps: int) -> None:
        nonlocal at
        at = step.asset
        report(step, steps)

    with exclusive_writer(root, warehouse.wait_seconds), ExitStack() as stack:
        try:
            instance: dg.DagsterInstance | None = None
            unfinished = root / UNFINISHED
            if unfinished.exists():
                instance = stack.enter_context(location.instance())
                close_abandoned_runs(instance)
            nodes = location.nodes()
            while wave := next_wave(
                nodes,
                warehouse.store,
                selected=remaining,
                done=outcome.run.keys() | outcome.failed.keys(),
                failed=outcome.failed.keys(),
                forced=full,
            ):
                if instance is None:
                    instance = stack.enter_context(location.instance())
                unfinished.touch()
                total += len(wave)
                _run(location.job, instance, list(wave), outcome, follow, total)
                remaining -= wave.keys() - outcome.run.keys() - outcome.failed.keys()
                nodes = location.nodes()
            unfinished.unlink(missing_ok=True)
        except AinaError:
            raise
        except _disk_errors() as error:
            raise WarehouseError(
                expected="a disk that takes what the build writes",
                found=f"{type(error).__name__}: {_first_line(error)}",
                where=f"{at} (warehouse {root})",
                remedy="free space or mend the disk, then build again: nothing that was stored is"
                " lost or built twice",
            ) from error
    below_failed = _below(nodes, set(outcome.failed)) & set(selected)
    outcome.blocked = sorted(below_failed - outcome.run.keys() - outcome.failed.keys())
    touched = outcome.run.keys() | outcome.failed.keys() | set(outcome.blocked)
    outcome.fresh = sorted(set(selected) - touched)
    outcome.seconds = time.monotonic() - started
    return outcome


def _cause(error: SerializableErrorInfo | None) -> str:
    """The message at the bottom of ``error``; its whole stack is in Dagster's log."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "failed"


def _disk_errors() -> tuple[type[Exception], ...]:
    """What a full disk looks like, to us and to Dagster's log; asked only when something raised."""
    from sqlalchemy.exc import SQLAlchemyError

    return (OSError, SQLAlchemyError)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _below(nodes: Mapping[str, Node], above: set[str]) -> set[str]:
    reached = set(above)
    grown = True
    while grown:
        further = {name for name, node in nodes.items() if reached.intersection(node.deps)}
        grown = not further <= reached
        reached |= further
    return reached - above


def _run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    wave: list[str],
    outcome: Outcome,
    report: Callable[[Step, int], None],
    total: int,
) -> None:
    run_id = str(uuid.uuid4())
    follower = _Follower(set(wave), outcome, report, total)
    instance.add_event_listener(run_id, follower.see)
    result = job.execute_in_process(
        instance=instance,
        run_id=run_id,
        asset_selection=[dg.AssetKey(name.split("/")) for name in wave],
        run_config=_QUIET,
        tags={BUILD_TAG: "cli"},
        raise_on_error=False,
    )
    if not result.success:
        follower.blame_run()


class _Follower:
    """Turns Dagster's events of one run into steps and counts."""

    def __init__(
        self,
        wave: set[str],
        outcome: Outcome,
        report: Callable[[Step, int], None],
        total: int,
    ) -> None:
        self.wave = wave
        self.outcome = outcome
        self.report = report
        self.total = total
        self.started: dict[str, float] = {}
        self.assets_of: dict[str, set[str]] = {}
        self.run_error = "failed"

    def see(self, entry: EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        step = event.step_key or ""
        kind = event.event_type
        if kind is DagsterEventType.STEP_START:
            self.started[step] = time.monotonic()
            self.report(Step(step, "started"), self.total)
        elif kind is DagsterEventType.ASSET_MATERIALIZATION_PLANNED and event.asset_key is not None:
            # A fetch step makes several assets and is named after none of them.
            self.assets_of.setdefault(step, set()).add("/".join(event.asset_key.path))
        elif kind is DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
            name = "/".join(event.asset_key.path)
            rows = event.materialization.metadata.get("dagster/row_count")
            count = int(str(rows.value)) if rows is not None else None
            self.outcome.run[name] = count
            self.report(Step(name, "done", count, self._seconds(step)), self.total)
        elif kind is DagsterEventType.ASSET_CHECK_EVALUATION:
            self._see_check(event.asset_check_evaluation_data, step)
        elif kind is DagsterEventType.STEP_FAILURE:
            failure = event.step_failure_data
            described = failure.user_failure_data
            message = (described.description if described else None) or _cause(failure.error)
            for name in sorted(self.assets_of.get(step, set()) - self.outcome.run.keys()):
                self._fail(name, message, step)
        elif kind is DagsterEventType.RUN_FAILURE:
            self.run_error = _cause(event.job_failure_data.error)

    def blame_run(self) -> None:
        """A run that failed outside its steps made nothing: no asset of it may count as fresh."""
        if self.outcome.failed.keys() & self.wave:
            return
        for name in sorted(self.wave - self.outcome.run.keys()):
            self._fail(name, self.run_error, name)

    def _see_check(self, check: Any, step: str) -> None:
        name = "/".join(check.asset_key.path)
        if check.passed:
            self.outcome.checks_passed += 1
            return
        self.outcome.checks_failed.append(f"{name}: {check.check_name}")
        detail = check.metadata.get("detail")
        message = f"{check.check_name}: {detail.value if detail else 'failed'}"
        if "What to do:" not in message:
            message += f". What to do: {_remedy(name)}"
        self._fail(name, message, step)

    def _fail(self, name: str, message: str, step: str) -> None:
        if name in self.outcome.failed:
            return
        self.outcome.failed[name] = message
        self.report(Step(name, "failed", None, self._seconds(step), message), self.total)

    def _seconds(self, step: str) -> float:
        return time.monotonic() - self.started.get(step, time.monotonic())


def _remedy(asset: str) -> str:
    if asset == RELEASE:
        return "build again: `aina status` says what is behind"
    return (
        f"compare quarantine/{asset}/refused.parquet below the warehouse with the rules in"
        " docs/data_dictionary.md; mend the input, or the rule if the publisher changed the data"
    )


def close_abandoned_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs of killed builds as failed; the caller holds the writer lock."""
    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
        ],
        tags={BUILD_TAG: "cli"},
    )
    for run in instance.get_runs(unfinished):
        instance.report_run_failed(run, "the build's process ended without finishing")
