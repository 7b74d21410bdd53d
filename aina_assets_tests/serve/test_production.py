"""What production boundaries keep closed, and what bound approvals open, as long as they last."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.review import SignedDecision
from aina_assets.learner.service import LearnerService
from aina_assets.location import all_models
from aina_assets.release import ledger_watch
from aina_assets.release.boundary import RECEIPT
from aina_assets.release.publish import DOCUMENT, current_release, publish
from aina_assets.review.checkpoints import checkpoints_path
from aina_assets.review.ledger import JOURNAL, DecisionLedger
from aina_assets.review.policy import Reviewers
from aina_assets.serve.app import create_app
from aina_assets.serve.boundary import is_reachable
from aina_assets.serve.run import application
from aina_assets.warehouse.digests import digest_of_json, digest_of_table, sha256_of_file
from aina_assets.warehouse.files import write_json
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.settings import LEDGER_SETTING, ledger_url
from aina_assets.warehouse.store import Store
from aina_assets_tests.learner.databases import execute
from aina_assets_tests.release.world import (
    KEYS,
    NOW,
    approval,
    both,
    days,
    decided,
    reviewers,
    rows_of,
    with_cell,
)
from aina_assets_tests.review.world import Clock
from aina_assets_tests.serve.releases import swap
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.test_api import problem_of
from aina_assets_tests.serve.test_releases import wait_until

APPROVAL = "production_deployment_approval"
BEYOND = ("192.0.2.7", 50000)


@pytest.fixture
def home(served_home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(served_home, copy, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    return copy


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reviewers on file are those of the tests."""
    monkeypatch.setattr(Reviewers, "load", lambda: reviewers())


@contextmanager
def served(home: Path, clock: Clock, **how: Any) -> Iterator[FastAPI]:
    url = f"sqlite:///{home / 'ledger.sqlite'}"
    with application(home, url, dict, is_local=True, clock=clock, **how) as app:
        yield app


def client_of(app: FastAPI, **how: Any) -> TestClient:
    return TestClient(app, base_url="http://localhost", **how)


def approve(home: Path, *domains: str, expires_after: timedelta) -> list[SignedDecision]:
    """Publish the release with boundaries opened by both persons, until some time after NOW."""
    store = Store(UPath(home))
    subjects = store.read("production_domains")
    made = [
        item
        for domain in domains
        for item in both(subjects, domain, expires_at=NOW + expires_after)
    ]
    record(home, made)
    publish_decided(home, made)
    return made


def record(home: Path, made: Sequence[SignedDecision]) -> None:
    """Record ``made`` in the warehouse's ledger, each sealed by who decided."""
    checkpoints = checkpoints_path(home)
    with DecisionLedger.open(ledger_url(home), checkpoints, clock=lambda: NOW) as ledger:
        for item in made:
            ledger.record(item, KEYS[item.decision.reviewer_id], reviewers())


def publish_decided(home: Path, made: Sequence[SignedDecision]) -> None:
    """Publish what a build at NOW makes where ``made`` is in the ledger."""
    store = Store(UPath(home))
    models = all_models()
    before = current_release(home)
    assert before is not None
    records = {name: store.require(name) for name in before.tables}
    frames = {
        "production_boundary_decisions": rows_of(made),
        APPROVAL: approval(store.read("production_domains"), made),
    }
    version = digest_of_table(conform(frames[APPROVAL], models[APPROVAL]))
    receipts = store.read("receipts")
    row = receipts["gate"].to_pylist().index(RECEIPT)
    opened = frames[APPROVAL]["is_open"].to_pylist().count(True)
    receipts = with_cell(receipts, row, "items_version", version)
    frames["receipts"] = with_cell(receipts, row, "unlocks", opened)
    manifest = store.read("manifest")
    row = manifest["table_name"].to_pylist().index(APPROVAL)
    frames["manifest"] = with_cell(manifest, row, "data_version", version)
    for name, frame in frames.items():
        kept = conform(frame, models[name])
        records[name] = store.commit_table(
            dataclasses.replace(records[name], data_version=digest_of_table(kept)), kept
        )
    versions = sorted((name, record.data_version) for name, record in records.items())
    described = dataclasses.replace(records["manifest"], data_version=digest_of_json(versions))
    publish(store, described, records.values(), models)


def intake(client: TestClient, name: str) -> int:
    return client.post("/assess", json=profile(name, is_synthetic=False)).status_code


def test_as_built_nothing_is_open(home: Path) -> None:
    with served(home, Clock(NOW)) as app:
        client = client_of(app)
        health = client.get("/health")
        assert health.json()["boundary"] == "internal-synthetic"
        assert health.headers["X-Aina-Boundary"] == "internal-synthetic"
        problem = problem_of(
            client.post("/assess", json=profile("real-1", is_synthetic=False)), 403
        )
        assert "real_user_data is closed" in problem["expected"]


def test_real_learners_are_taken_while_the_approvals_last_and_no_longer(home: Path) -> None:
    approve(home, "real_user_data", expires_after=days(5))
    clock = Clock(NOW)
    with served(home, clock) as app:
        client = client_of(app)
        assert intake(client, "real-1") == 200
        said = client.get("/health").json()["boundary"]
        assert said == "internal-synthetic; open: real_user_data"
        clock.now = NOW + days(5)
        problem = problem_of(
            client.post("/assess", json=profile("real-2", is_synthetic=False)), 403
        )
        assert "expired" in problem["expected"]
        assert client.get("/health").json()["boundary"] == "internal-synthetic"
        assert client.post("/assess", json=profile("made-up-1")).status_code == 200


def test_another_boundary_that_is_open_lets_no_real_learner_in(home: Path) -> None:
    approve(home, "public_runtime", "production_telemetry", expires_after=days(5))
    with served(home, Clock(NOW)) as app:
        assert intake(client_of(app), "real-1") == 403


def test_whoever_is_beyond_this_machine_is_refused_and_let_in_by_the_boundary(home: Path) -> None:
    with served(home, Clock(NOW)) as app:
        problem = problem_of(client_of(app, client=BEYOND).get("/health"), 403)
        assert "public_runtime" in problem["detail"]
        assert client_of(app, client=("127.0.0.1", 1)).get("/health").status_code == 200
        assert client_of(app, client=("::1", 1)).get("/health").status_code == 200
    approve(home, "public_runtime", expires_after=days(5))
    clock = Clock(NOW)
    with served(home, clock, is_public=True) as app:
        client = client_of(app, client=BEYOND)
        assert client.get("/health").status_code == 200
        clock.now = NOW + days(6)
        problem_of(client.get("/health"), 403)
        problem_of(client.get("/beta"), 403)


def test_an_address_is_reachable_unless_it_is_this_machines_own() -> None:
    for own in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "testclient"):
        assert not is_reachable(own)
    for other in ("192.0.2.1", "10.0.0.1", "0.0.0.0", "::", "::ffff:192.0.2.1"):  # noqa: S104
        assert is_reachable(other)


def test_it_does_not_start_for_others_while_the_boundary_is_closed_or_has_expired(
    home: Path,
) -> None:
    with (
        pytest.raises(AinaError, match="public_runtime is closed"),
        served(home, Clock(NOW), is_public=True),
    ):
        pass
    approve(home, "public_runtime", expires_after=days(5))
    with served(home, Clock(NOW), is_public=True) as app:
        assert app
    with (
        pytest.raises(AinaError, match="expired"),
        served(home, Clock(NOW + days(5)), is_public=True),
    ):
        pass


def test_telemetry_that_would_leave_this_machine_does_not_start(home: Path) -> None:
    with (
        pytest.raises(AinaError, match="production_telemetry is closed"),
        served(home, Clock(NOW), telemetry="https://collector.example"),
    ):
        pass


def test_a_row_edited_in_the_releases_database_opens_nothing(home: Path) -> None:
    """The document is made to fit, so that the release is served at all."""
    link = home / "releases" / "current"
    database = link.resolve() / "aina.duckdb"
    with duckdb.connect(str(database)) as con:
        con.execute(f"UPDATE {APPROVAL} SET is_open = true, state = 'approved'")
        con.execute(f"UPDATE receipts SET unlocks = 5 WHERE gate = '{RECEIPT}'")
    document = json.loads((link / DOCUMENT).read_text())
    document["database_sha256"] = sha256_of_file(database)[0]
    write_json(UPath(link.resolve() / DOCUMENT), document)

    with served(home, Clock(NOW)) as app:
        client = client_of(app)
        assert intake(client, "real-1") == 403
        assert client.get("/health").json()["boundary"] == "internal-synthetic"


# --------------------------------------------------------------------------- the ledger of now


def rejection(home: Path, domain: str) -> SignedDecision:
    return decided(Store(UPath(home)).read("production_domains"), domain, "ben", "reject")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is looked into all the time."""
    monkeypatch.setattr(ledger_watch, "LOOK_SECONDS", 0.05)


@pytest.mark.usefixtures("quick")
def test_a_rejection_closes_every_door_without_a_build(home: Path) -> None:
    approve(home, "real_user_data", "public_runtime", expires_after=days(5))
    with served(home, Clock(NOW), is_public=True) as app:
        client, beyond = client_of(app), client_of(app, client=BEYOND)
        assert intake(client, "real-1") == 200
        assert beyond.get("/health").status_code == 200

        record(home, [rejection(home, "real_user_data"), rejection(home, "public_runtime")])
        wait_until(lambda: beyond.get("/health").status_code == 403)

        said = client.post("/assess", json=profile("real-2", is_synthetic=False))
        assert "rejected: ben" in problem_of(said, 403)["expected"]
        health = client.get("/health")
        assert health.json()["boundary"] == "internal-synthetic"
        assert health.headers["X-Aina-Boundary"] == "internal-synthetic"


def test_what_was_rejected_since_does_not_start(home: Path) -> None:
    """Neither for others nor with a sink that would send telemetry away."""
    approve(home, "public_runtime", "production_telemetry", expires_after=days(5))
    record(home, [rejection(home, "public_runtime"), rejection(home, "production_telemetry")])

    with (
        pytest.raises(AinaError, match="rejected: ben"),
        served(home, Clock(NOW), is_public=True),
    ):
        pass
    with (
        pytest.raises(AinaError, match="production_telemetry is closed"),
        served(home, Clock(NOW), telemetry="https://collector.example"),
    ):
        pass


@pytest.mark.usefixtures("quick")
def test_the_pointer_turned_back_to_a_release_that_was_open_opens_nothing(home: Path) -> None:
    made = approve(home, "real_user_data", expires_after=days(5))
    former = current_release(home)
    assert former is not None
    rejected = rejection(home, "real_user_data")
    record(home, [rejected])
    publish_decided(home, [*made, rejected])

    with served(home, Clock(NOW)) as app:
        client = client_of(app)
        assert intake(client, "real-1") == 403
        swap(home, former.release_id)
        wait_until(lambda: released(client) == former.release_id)

        assert intake(client, "real-1") == 403
        assert client.get("/health").json()["boundary"] == "internal-synthetic"
    with served(home, Clock(NOW)) as app:
        assert released(client_of(app)) == former.release_id
        assert intake(client_of(app), "real-1") == 403


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["removed", "edited", "checkpoints removed"])
def test_a_ledger_that_is_not_what_was_recorded_lets_no_real_learner_in(
    home: Path, how: str
) -> None:
    approve(home, "real_user_data", expires_after=days(5))
    with served(home, Clock(NOW)) as app:
        client = client_of(app)
        assert intake(client, "real-1") == 200
        if how == "removed":
            (home / "learner").rename(home / "elsewhere")
        elif how == "edited":
            url = ledger_url(home)
            execute(url, f"DROP TRIGGER {JOURNAL}_update")
            execute(url, f"UPDATE {JOURNAL} SET stream = 'elsewhere' WHERE position = 2")
        else:
            checkpoints_path(home).unlink()
        wait_until(lambda: intake(client, "real-2") == 403)
        assert client.get("/health").json()["boundary"] == "internal-synthetic"


def test_a_review_ledger_that_is_silent_closes_and_the_server_answers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(home, "real_user_data", expires_after=days(5))
    monkeypatch.setattr(ledger_watch, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv(LEDGER_SETTING, f"postgresql+psycopg://me@127.0.0.1:{port}/x")
        with served(home, Clock(NOW)) as app:
            client = client_of(app)
            said = client.post("/assess", json=profile("real-1", is_synthetic=False))
            assert "no answer" in problem_of(said, 403)["expected"]
            assert client.post("/assess", json=profile("made-up-1")).status_code == 200
            assert client.get("/health").json()["boundary"] == "internal-synthetic"


def test_where_nothing_is_open_the_review_ledger_is_not_looked_into(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("nobody needs it")

    monkeypatch.setattr(ledger_watch.LedgerWatch, "_read", looked)
    with served(home, Clock(NOW)) as app:
        assert intake(client_of(app), "real-1") == 403
        assert "ledger-watch" not in {thread.name for thread in threading.enumerate()}


def released(client: TestClient) -> str:
    found: str = client.get("/health").json()["release"]["release_id"]
    return found


def test_no_argument_of_the_application_lets_real_learners_in() -> None:
    """What decides is in the release; nothing in the program has a switch for it."""
    for callable_ in (application, create_app, LearnerService):
        assert not {
            name
            for name in inspect.signature(callable_).parameters
            if "real" in name or "production" in name
        }
