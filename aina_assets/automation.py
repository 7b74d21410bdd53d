"""What the daemon does by itself: the nightly rebuild, rebuilding after decisions, and alerts.

Belongs here: schedule and sensors. Stays out: what is stale and in which order it is built
(``warehouse.plan``), which is the same as for `aina build`.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping

import dagster as dg
import httpx2

from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.ledgers import LEDGER_GROUP
from aina_assets.warehouse.plan import Node, next_wave, stale
from aina_assets.warehouse.store import Store

REBUILD_CRON = "0 4 * * *"
SENSOR_SECONDS = 30
ALERT_URL = "AINA_ALERT_URL"
ALERT_SECONDS = 10

Nodes = Callable[[], Mapping[str, Node]]
Stored = Callable[[], Store]


def rebuild_stale(nodes: Nodes, stored: Stored) -> dg.ScheduleDefinition:
    """Every night: build what is stale."""

    @dg.schedule(
        name="rebuild_stale",
        target=dg.AssetSelection.all(),
        cron_schedule=REBUILD_CRON,
        description="Every night: build what is stale, by the plan `aina build` makes.",
    )
    def nightly() -> Iterator[dg.RunRequest | dg.SkipReason]:
        reasons = stale(nodes(), stored())
        if not reasons:
            yield dg.SkipReason("nothing is stale")
        else:
            yield dg.RunRequest(asset_selection=_keys(reasons))

    return nightly


def rebuild_after_ledgers(nodes: Nodes, stored: Stored) -> dg.SensorDefinition:
    """After a decision or an event: build what stands on it, a wave at a time."""

    @dg.sensor(
        name="rebuild_after_ledgers",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=SENSOR_SECONDS,
        description="Builds what stands on the ledgers when they have grown: a wave of the plan at"
        " a time, so that it stops where a rerun changed nothing.",
    )
    def after_ledgers(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        graph, store = nodes(), stored()
        below = below_ledgers(graph)
        # What is stale for another reason waits for the night, and what stands on it too.
        others = stale(graph, store).keys() - below
        wave = next_wave(graph, store, selected=below, failed=others)
        # What only watches has nothing of a ledger's to see while others are stale.
        if not wave or (others and all(graph[name].is_watching for name in wave)):
            return dg.SkipReason("nothing below a ledger is stale")
        running = context.instance.get_runs(dg.RunsFilter(statuses=_ACTIVE), limit=1)
        if running:
            return dg.SkipReason(f"run {running[0].run_id} is at work")
        # A wave that failed is not tried again before something about it has changed.
        state = [[name, wave[name], _state_of(graph[name], store)] for name in sorted(wave)]
        return dg.RunRequest(run_key=digest_of_json(state), asset_selection=_keys(wave))

    return after_ledgers


def alert_on_failure() -> dg.SensorDefinition:
    """When a run fails: tell whoever ``AINA_ALERT_URL`` names."""

    @dg.run_failure_sensor(
        name="alert_on_failure",
        minimum_interval_seconds=SENSOR_SECONDS,
        description=f"Posts a failed run as JSON to the URL in {ALERT_URL}; without one, logs it.",
    )
    def alert(context: dg.RunFailureSensorContext) -> None:
        failed = [event.step_key for event in context.get_step_failure_events()]
        told = {
            "run_id": context.dagster_run.run_id,
            "job": context.dagster_run.job_name,
            "failed_steps": sorted(step for step in failed if step),
            "message": context.failure_event.message,
        }
        url = os.environ.get(ALERT_URL, "")
        if url:
            httpx2.post(url, json=told, timeout=ALERT_SECONDS).raise_for_status()
        else:
            context.log.error("run failed: %s", json.dumps(told, sort_keys=True))

    return alert


def below_ledgers(nodes: Mapping[str, Node]) -> set[str]:
    """Ledgers and everything that stands on one, directly or not."""
    reached = {name for name in nodes if name.startswith(f"{LEDGER_GROUP}/")}
    size = 0
    while len(reached) > size:
        size = len(reached)
        reached |= {name for name, node in nodes.items() if reached.intersection(node.deps)}
    return reached


_ACTIVE = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def _state_of(node: Node, store: Store) -> list[str]:
    """What a build of ``node`` would be made from now, and what the last one made.

    What was built in between is due anew, even where all that changed is the time: of one ledger
    one approval expires after the other.
    """
    inputs = [(name, store.record(name)) for name in (node.asset, *node.deps)]
    versions = [f"{name} {record.data_version if record else '-'}" for name, record in inputs]
    return [node.code_version, node.settings_version, *versions]


def _keys(names: Mapping[str, str]) -> list[dg.AssetKey]:
    return [dg.AssetKey(name.split("/")) for name in names]
