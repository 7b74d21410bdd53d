"""The application over the built sample, with keys and a ledger of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from aina_assets.learner.view import ReleaseView
from aina_assets.location import all_models
from aina_assets.release.publish import current_release
from aina_assets.serve.keys import key_file
from aina_assets.serve.run import application

MANY = 1_000_000
"""A rate that no test reaches."""


@pytest.fixture(scope="session")
def served_home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the sample's release and store, to be served; nobody changes its release."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(sample_home, home, symlinks=True)
    return home


@pytest.fixture(scope="session")
def view(sample_home: Path) -> ReleaseView:
    """What the sample release says."""
    release = current_release(sample_home)
    assert release is not None
    return ReleaseView.open(release.release_id, release.path.resolve())


@pytest.fixture(scope="session")
def key(served_home: Path) -> str:
    """An API key on file."""
    return key_file(served_home).add("tests", MANY)


@pytest.fixture(scope="session")
def app(served_home: Path, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application, with keys."""
    ledger = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.sqlite'}"
    models = all_models()
    with application(served_home, ledger, lambda: models, is_local=False) as application_:
        yield application_


@pytest.fixture(scope="session")
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    """A client without a key."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient, app: FastAPI, key: str) -> TestClient:
    """A client with a key. Its application is the one that ``anonymous`` started."""
    return TestClient(app, headers={"X-API-Key": key})
