"""Both databases: a SQLite file, and a PostgreSQL server of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aina_assets.learner.ledger import Ledger
from aina_assets_tests.learner.cluster import Cluster, programs, running_cluster

NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server; skips where none is installed."""
    binaries = programs()
    if binaries is None:
        pytest.skip("no PostgreSQL server: neither /usr/lib/postgresql/*/bin nor pg_ctl on PATH")
    with running_cluster(binaries) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Makes the URL of an empty place, of one kind and then of the other."""
    if request.param == "postgresql":
        running: Cluster = request.getfixturevalue("cluster")
        return running.new_schema
    return lambda: f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}"


@pytest.fixture
def url(new_url: NewUrl) -> str:
    """A place for a ledger."""
    return new_url()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def long_ledger(new_url: NewUrl) -> Iterator[Ledger]:
    """A ledger that the tests of a module fill one after the other."""
    with Ledger.open(new_url()) as opened:
        yield opened


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where a test that is about SQLite alone keeps its ledger."""
    return tmp_path / "ledger.db"
