"""The pooled event log is Dagster's own log, only quicker: what one writes the other reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from aina_assets.location import INSTANCE_SETTINGS, Location, resources
from aina_assets.warehouse.instance import PooledSqliteEventLog, WarehouseDagsterStorage
from aina_assets.warehouse.settings import PROJECT_ROOT

RULES = ("schema", "key")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(
    check_specs=[dg.AssetCheckSpec(rule, asset="things", blocking=True) for rule in RULES],
    output_required=False,
)
def things() -> Iterator[Any]:
    for rule in RULES:
        yield dg.AssetCheckResult(passed=True, check_name=rule)
    yield dg.MaterializeResult(data_version=dg.DataVersion("abc"), metadata={"rows": 3})


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("AINA_HOME", str(tmp_path))
    with Location(resources()).instance() as opened:
        yield opened


def run_things(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = dg.Definitions([things]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, run_config=QUIET)


def test_dagsters_own_log_reads_what_the_pooled_one_wrote(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    result = run_things(instance)
    log = instance.event_log_storage
    assert isinstance(log, PooledSqliteEventLog)
    plain = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    plain.register_instance(instance)
    ours = [record.event_log_entry for record in log.get_records_for_run(result.run_id).records]
    theirs = [record.event_log_entry for record in plain.get_records_for_run(result.run_id).records]
    assert ours == theirs
    assert plain.get_latest_materialization_events([dg.AssetKey("things")]) == (
        log.get_latest_materialization_events([dg.AssetKey("things")])
    )
    for rule in RULES:
        key = dg.AssetCheckKey(dg.AssetKey("things"), rule)
        (execution,) = plain.get_asset_check_execution_history(key, limit=5)
        assert execution.status.value == "SUCCEEDED"
    plain.dispose()


def test_one_engine_serves_all_events_of_a_database(instance: dg.DagsterInstance) -> None:
    result = run_things(instance)
    log = instance.event_log_storage
    assert isinstance(log, PooledSqliteEventLog)
    assert set(log._engines) == {"index", result.run_id}
    before = dict(log._engines)
    log.get_records_for_run(result.run_id)
    assert log._engines == before


def test_two_processes_worth_of_instances_share_the_log(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with Location(resources()).instance() as other:
        first = run_things(instance)
        second = run_things(other)
        assert {run.run_id for run in instance.get_runs()} == {first.run_id, second.run_id}


def test_dagster_dev_uses_the_same_storage_as_the_command_line() -> None:
    document = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert document["storage"] == INSTANCE_SETTINGS["storage"]
    named = document["storage"]["custom"]
    assert (named["module"], named["class"]) == (
        WarehouseDagsterStorage.__module__,
        WarehouseDagsterStorage.__name__,
    )
