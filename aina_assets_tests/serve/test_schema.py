"""The API against its own schema: whatever is sent, what comes back is what the schema says.

Schemathesis draws requests from the OpenAPI document, valid and broken in every way it knows, and
sends them to a real server over the sample release: once with whatever names it draws, once with
those of learners, modules, workflows and rows that are there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from aina_assets.learner.view import ReleaseView
from aina_assets.serve.problems import MEDIA_TYPE
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.server import Server, running

EXAMPLES = 25
SEED = 20261122
LEARNER = "learner-000001"
MODULE = "marketing_growth_map_your_work"


@pytest.fixture(scope="module")
def server(
    served_home: Path, key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with keys, and a learner who was assessed."""
    folder = tmp_path_factory.mktemp("server")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    with running(served_home, folder, "--ledger", ledger) as started:
        answer = httpx2.post(
            f"{started.url}/assess", json=profile(LEARNER), headers={"X-API-Key": key}
        )
        answer.raise_for_status()
        yield started


@pytest.mark.parametrize("names", ["drawn", "there"])
def test_whatever_is_sent_the_answer_is_what_the_schema_says(
    server: Server, key: str, view: ReleaseView, tmp_path: Path, names: str
) -> None:
    config = f'headers = {{ X-API-Key = "{key}" }}\n'
    if names == "there":
        (linked,) = view.rows("SELECT workflow_id FROM scenario_links WHERE basis = 'task' LIMIT 1")
        config += f"""
[parameters]
"path.learner_id" = "{LEARNER}"
"path.module_id" = "{MODULE}"
"path.workflow_id" = "{linked["workflow_id"]}"
"path.table" = "occupations"
"path.key" = "11-2021.00"
"""
        bodies = {
            "/curriculum": {"learner_id": LEARNER},
            "/submit": {"learner_id": LEARNER, "module_id": MODULE},
            "/modules/{module_id}/answer": {"learner_id": LEARNER},
        }
        for path, fields in bodies.items():
            config += f'[[operations]]\ninclude-path = "{path}"\n'
            given = ", ".join(f'"body.{name}" = "{value}"' for name, value in fields.items())
            config += f"parameters = {{ {given} }}\n"
    (tmp_path / "schemathesis.toml").write_text(config)

    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("run", f"{server.url}/openapi.json", "--checks", "all", "--no-color"),
            *("--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES), "--seed", str(SEED)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 selected / 10 total" in done.stdout
    assert server.process.poll() is None
    said = server.err.read_text()
    assert "unexpected" not in said
    answered = [json.loads(line[line.index("{") :]) for line in said.splitlines() if "{" in line]
    assert max(line["status"] for line in answered) < 500
    if names == "there":
        assert len({line["route"] for line in answered if line["status"] == 200}) >= 10


def test_everything_the_schema_names_is_there(app: FastAPI, anonymous: TestClient) -> None:
    document = anonymous.get("/openapi.json").json()

    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        "POST /assess",
        "POST /curriculum",
        "GET /workflow/{workflow_id}/sandbox",
        "POST /submit",
        "GET /modules/{module_id}",
        "POST /modules/{module_id}/answer",
        "POST /learners/{learner_id}/events",
        "GET /learners/{learner_id}/state",
        "GET /health",
        "GET /trace/{table}/{key}",
    }
    for name, operation in operations.items():
        is_open = name == "GET /health"
        assert ("security" in operation) != is_open, name
        headers = {
            item["name"] for item in operation.get("parameters", ()) if item["in"] == "header"
        }
        assert headers == ({"Idempotency-Key"} if name.startswith("POST") else set())
        for status, response in operation["responses"].items():
            media = set(response["content"])
            assert media == ({"application/json"} if status == "200" else {MEDIA_TYPE}), name
