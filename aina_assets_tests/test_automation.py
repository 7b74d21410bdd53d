"""What the daemon does by itself: rebuilding after decisions, in waves, and telling of failures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import pytest
from upath import UPath

from aina_assets.automation import (
    ALERT_URL,
    alert_on_failure,
    below_ledgers,
    rebuild_after_ledgers,
)
from aina_assets.builds import nodes_of
from aina_assets.learner.ledger import Ledger
from aina_assets.location import Location, build_defs, definitions_of, resources
from aina_assets.warehouse.plan import Node, stale
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.settings import AUTHORED, ledger_url
from aina_assets.warehouse.store import Record, Store
from aina_assets_tests.learner.samples import event


@pytest.fixture
def home(sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(sample_home, copy, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    monkeypatch.setenv("AINA_HOME", str(copy))
    return copy


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """What the sensor asks for now, or why it asks for nothing."""
    sensor = build_defs().resolve_sensor_def("rebuild_after_ledgers")
    with dg.build_sensor_context(instance=instance) as context:
        found = sensor.evaluate_tick(context)
    if not found.run_requests:
        return str(found.skip_message)
    (request,) = found.run_requests
    return request


def test_nothing_is_asked_for_while_no_ledger_grew(home: Path) -> None:
    (home / "state" / "gdpval_soc_map.json").unlink()

    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(instance) == "nothing below a ledger is stale"


def test_a_process_that_is_up_for_days_sees_what_changed_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs read lock and figures anew; so does whoever asks whether a run is due."""
    figures = tmp_path / "sample.csv"
    shutil.copy(AUTHORED / "expectations" / "sample.csv", figures)
    lock = tmp_path / "sources.lock.yaml"
    shutil.copy(AUTHORED / "sample" / "sources.lock.yaml", lock)
    bound = resources(lock_path=str(lock), cache_path=str(AUTHORED / "sample"), offline=True)
    bound["warehouse"] = Warehouse(expectations_path=str(figures))
    nightly = definitions_of(Location(bound).assets, bound).resolve_schedule_def("rebuild_stale")

    def due() -> set[str]:
        with dg.build_schedule_context() as context:
            (request,) = nightly.evaluate_tick(context).run_requests or [dg.RunRequest()]
        return {"/".join(key.path) for key in request.asset_selection or ()}

    assert due() == set()
    lock.write_text(lock.read_text().replace("title: ", "title: A ", 1))
    assert "upstream/sources_lock" in due()
    assert "job_zones" not in due()
    figures.write_text(figures.read_text().replace("\njob_zones,", "\nno_such_table,"))
    assert "job_zones" in due()


def test_a_receipt_of_another_gate_than_those_there_are_makes_nothing_stale(home: Path) -> None:
    kept = home / "receipts" / "beta_admission_v1.json"
    left = json.loads(kept.read_text()) | {"items_version": "0" * 64}
    left_by = kept.with_name("beta_admission_v9.json")
    left_by.write_text(json.dumps(left | {"gate": "beta_admission_v9"}))
    location = Location(resources())

    assert stale(location.nodes(), location.warehouse.store) == {}
    kept.write_text(json.dumps(left))
    assert left["items_table"] in stale(location.nodes(), location.warehouse.store)


def test_an_event_is_followed_by_waves_until_nothing_is_stale(home: Path) -> None:
    with Ledger.open(ledger_url()) as ledger:
        ledger.append(event(1))
    seen: list[set[str]] = []
    location = Location(resources())

    with location.instance() as instance:
        while not isinstance(request := tick(instance), str):
            wave = {"/".join(key.path) for key in request.asset_selection or ()}
            assert wave not in seen, "a wave that was built is not asked for again"
            seen.append(wave)
            result = location.job.execute_in_process(
                instance=instance, asset_selection=request.asset_selection, raise_on_error=False
            )
            assert result.success

    built = set().union(*seen)
    assert {"ledger/learner_events", "learner_activity", "release"} <= built
    assert built < below_ledgers(location.nodes()), "it stops where a rerun changed nothing"
    assert request == "nothing below a ledger is stale"


def test_a_run_at_work_is_waited_for_and_a_wave_is_asked_for_once(home: Path) -> None:
    with Ledger.open(ledger_url()) as ledger:
        ledger.append(event(1))

    with dg.DagsterInstance.ephemeral() as instance:
        first, second = tick(instance), tick(instance)
        assert isinstance(first, dg.RunRequest)
        assert isinstance(second, dg.RunRequest)
        assert first.run_key == second.run_key, "the daemon launches one run a key"
        job = Location(resources()).job
        run = instance.create_run_for_job(job)
        assert tick(instance) == f"run {run.run_id} is at work"


def test_a_wave_is_asked_for_anew_when_it_was_built_in_between(tmp_path: Path) -> None:
    """Of one ledger approvals expire one after the other; nothing is recorded meanwhile."""
    store = Store(UPath(tmp_path))

    def build(version: str) -> None:
        store.commit(Record("decisions", version, "", "in time", {"ledger/decisions": "1"}))

    def asked() -> str | None:
        nodes = {
            "ledger/decisions": Node("ledger/decisions", (), "", ""),
            "decisions": Node("decisions", ("ledger/decisions",), "", "one expired"),
        }
        sensor = rebuild_after_ledgers(lambda: nodes, lambda: store)
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance) as context,
        ):
            (request,) = sensor.evaluate_tick(context).run_requests or ()
        assert request.asset_selection == [dg.AssetKey("decisions")]
        return request.run_key

    store.commit(Record("ledger/decisions", "1", "", "", {}))
    never = asked()
    build("all in force")
    first = asked()
    assert asked() == first, "a run that failed is not asked for again"
    build("one expired")

    assert len({never, first, asked()}) == 3


def test_what_stands_on_a_ledger_is_found_through_any_number_of_tables() -> None:
    def node(asset: str, *deps: str) -> Node:
        return Node(asset, deps, "", "")

    nodes = {
        name: node(name, *deps)
        for name, deps in {
            "ledger/events": (),
            "far": ("near",),
            "near": ("ledger/events",),
            "apart": ("upstream/file",),
            "upstream/file": (),
        }.items()
    }

    assert below_ledgers(nodes) == {"ledger/events", "near", "far"}


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a server, and what was posted to it."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", received
    server.shutdown()
    server.server_close()


def test_a_failed_run_is_told_to_whoever_is_named(
    home: Path,
    told: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    address, received = told
    monkeypatch.setenv(ALERT_URL, address)
    lock = tmp_path / "sources.lock.yaml"
    shutil.copy(Path("data/sample/sources.lock.yaml").resolve(), lock)
    location = Location(resources(lock_path=str(lock), cache_path=str(tmp_path), offline=True))

    with location.instance() as instance:
        result = location.job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["upstream", "soc_structure"]), dg.AssetKey("soc_groups")],
            raise_on_error=False,
        )
        assert not result.success
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_on_failure",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        alert_on_failure()(context)

    (message,) = received
    assert message["run_id"] == result.run_id
    assert message["failed_steps"]


def test_the_location_has_them(home: Path) -> None:
    bound = resources()
    assets = Location(bound).assets
    definitions = definitions_of(assets, bound)

    assert {sensor.name for sensor in definitions.sensors or ()} == {
        "rebuild_after_ledgers",
        "alert_on_failure",
    }
    assert below_ledgers(nodes_of(assets, bound))
