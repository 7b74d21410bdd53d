"""`dagster dev`, headless, on a warehouse of its own; and the few questions asked of it.

Belongs here: starting and stopping the server, launching runs, reading what the UI shows.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets_tests.crash.ground import World

PATIENCE_SECONDS = 3.0

_WORKSPACE = """
load_from:
  - python_module:
      module_name: aina_assets_tests.crash.impatient
      location_name: aina
"""
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message stack }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
_RUN = """
query ($id: ID!) {
  runOrError(runId: $id) { ... on Run { status tags { key value } } }
}
"""
_EVENTS = """
query ($id: ID!) {
  logsForRun(runId: $id) {
    ... on EventConnection {
      events { __typename ... on MessageEvent { message }
        ... on RunFailureEvent { error { message causes { message } } }
        ... on ExecutionStepFailureEvent { error { message causes { message } } } }
    }
  }
}
"""
_RUNS = "{ runsOrError(limit: 50) { ... on Runs { results { runId status tags { key value } } } } }"
_MATERIALIZATIONS = """
query ($keys: [AssetKeyInput!]!) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetMaterializations(limit: 1) { runId tags { key value } }
  }
}
"""


class Server:
    """A running web server.

    Attributes:
        url: its GraphQL address.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer."""
        response = httpx.post(self.url, json={"query": query, "variables": variables}, timeout=60)
        document = response.json()
        assert "errors" not in document, document["errors"]
        data: dict[str, Any] = document["data"]
        return data

    def launch(self, *assets: str) -> str:
        """Launch a run of ``assets`` as the UI does; its id."""
        params = {
            "selector": {
                "repositoryName": "__repository__",
                "repositoryLocationName": "aina",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": asset.split("/")} for asset in assets],
            },
            "runConfigData": {},
            "mode": "default",
        }
        answer = self.ask(_LAUNCH, params=params)["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run_id: str = answer["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """The run's status now."""
        found: str = self.ask(_RUN, id=run_id)["runOrError"]["status"]
        return found

    def wait_for(self, run_id: str, *states: str, seconds: float = 300) -> str:
        """The run's status, once it is one of ``states``."""
        wait_until(lambda: self.status(run_id) in states, seconds, f"run to be {states}")
        return self.status(run_id)

    def messages(self, run_id: str) -> str:
        """Everything the run's log says, errors and their causes included."""
        events = self.ask(_EVENTS, id=run_id)["logsForRun"]["events"]
        errors = [event["error"] for event in events if event.get("error")]
        texts = [event.get("message") or "" for event in events]
        texts += [error["message"] for error in errors]
        texts += [cause["message"] for error in errors for cause in error["causes"]]
        return "\n".join(texts)

    def runs(self) -> dict[str, dict[str, str]]:
        """Runs the UI lists: status and tags by id."""
        listed = self.ask(_RUNS)["runsOrError"]["results"]
        return {
            run["runId"]: {"status": run["status"]}
            | {tag["key"]: tag["value"] for tag in run["tags"]}
            for run in listed
        }

    def data_version(self, asset: str) -> tuple[str, str]:
        """Data version and run of the asset's latest materialization, as the UI shows it."""
        (node,) = self.ask(_MATERIALIZATIONS, keys=[{"path": asset.split("/")}])["assetNodes"]
        (latest,) = node["assetMaterializations"]
        tags = {tag["key"]: tag["value"] for tag in latest["tags"]}
        return tags["dagster/data_version"], latest["runId"]


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``is_so``.

    Raises:
        AssertionError: it is not after ``seconds``.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _heeds_interrupts() -> None:
    """Shells start what they put in the background with interrupts ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def served(home: Path, world: World, lock: Path, log: Path) -> Iterator[Server]:
    """`dagster dev` (web server, daemon, code server) on ``home`` and ``lock`` of ``world``."""
    port = free_port()
    dagster_home = log.parent / "dagster_home"
    dagster_home.mkdir()
    shutil.copy(PROJECT_ROOT / "dagster.yaml", dagster_home)
    workspace = dagster_home / "workspace.yaml"
    workspace.write_text(_WORKSPACE, encoding="utf-8")
    environment = {
        **os.environ,
        "AINA_HOME": str(home),
        "AINA_LOCK": str(lock),
        "AINA_CACHE": str(world.root),
        "DAGSTER_HOME": str(dagster_home),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-w", str(workspace)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_heeds_interrupts,
        ) as process,
    ):
        try:
            server = Server(f"http://127.0.0.1:{port}/graphql")

            def is_up() -> bool:
                """The server answers and has loaded the code location."""
                assert process.poll() is None, log.read_text()
                try:
                    answer = server.ask("{ workspaceOrError { __typename } }")
                except httpx.TransportError:
                    return False
                return bool(answer["workspaceOrError"]["__typename"] == "Workspace")

            wait_until(is_up, 300, "the web server")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            finally:
                # What it started is in its group; nothing of it may outlive the test, nor, where a
                # shell in the background had it ignore the interrupt, may the test wait for it.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
