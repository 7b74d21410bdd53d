"""Fixtures that more than one folder needs: a built sample, the mirror, and databases.

The mirror of real upstream files is outside the repository: ``AINA_TEST_MIRROR``, or
``../shared/upstream`` beside the project. Tests that need it skip, and say so, where it is absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from upath import UPath

from aina_assets.builds import Outcome, build
from aina_assets.location import Location, all_assets, resources
from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets.warehouse.store import Store
from aina_assets_tests.learner.cluster import Cluster, programs, running_cluster

MIRROR_LOCK = Path(__file__).parent / "upstream_mirror.lock.yaml"

Builder = Callable[..., Outcome]

NewUrl = Callable[[], str]

# Tables on a terminal are as wide as it is; a worker of the tests has none.
os.environ["COLUMNS"] = "160"

# No test asserts a time: a machine that does other things as well is slow at anything.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@contextmanager
def home_set_to(home: Path) -> Iterator[None]:
    """``AINA_HOME`` set to ``home`` for a while."""
    before = os.environ.get("AINA_HOME")
    os.environ["AINA_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["AINA_HOME"]
        else:
            os.environ["AINA_HOME"] = before


def build_into(
    home: Path,
    *,
    lock: Path | str = "",
    cache: Path | str = "",
    select: str = "*",
    full: bool = False,
) -> Outcome:
    """Build ``lock`` (the sample if not given) into ``home``, in this process, fetching nothing."""
    with home_set_to(home):
        location = Location(
            resources(lock_path=str(lock), cache_path=str(cache), offline=True, wait_seconds=0)
        )
        return build(location, selected=location.select(select), full=full)


def launched(home: Path, *assets: str) -> dg.ExecuteInProcessResult:
    """The job that the UI launches, with nothing but ``assets`` selected; no plan is asked."""
    with home_set_to(home), dg.instance_for_test() as instance:
        return Location(resources(offline=True, wait_seconds=0)).job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name.split("/")) for name in assets],
            raise_on_error=False,
        )


def versions(home: Path) -> dict[str, str]:
    """Data version of every asset in ``home``."""
    return {record.asset: record.data_version for record in Store(UPath(home)).records()}


def assert_ran_what_changed(
    before: Mapping[str, str], after: Mapping[str, str], run: Collection[str], changed: str
) -> None:
    """``run`` is what stands on ``changed``, down to where nothing changed any more, and no more.

    Tables made of records, and the release, also answer to checks and file facts.
    """
    deps = {
        "/".join(spec.key.path): {"/".join(dep.asset_key.path) for dep in spec.deps}
        for definition in all_assets()
        for spec in definition.specs
    }
    moved = {name for name in after if before.get(name) != after[name]}
    of_records = {"source_files", "check_results", "manifest", "release"}
    of_records |= {"full_validation", "receipts"}
    roots = {changed, "upstream/sources_lock"}
    assert roots <= set(run)
    for name in set(deps) - roots - of_records:
        assert (name in run) == bool(deps[name] & moved), name


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A warehouse with the sample built, once for all workers. Copy it before you change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    home = shared / "sample_home"
    built = shared / "sample_home.built"
    with FileLock(shared / "sample_home.lock"):
        if not built.exists():
            outcome = build_into(home)
            assert outcome.is_good, outcome.failed
            built.touch()
    return home


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder with real upstream files; skips where there is none."""
    path = Path(os.environ.get("AINA_TEST_MIRROR") or PROJECT_ROOT.parent / "shared" / "upstream")
    if not (path / "PROVENANCE.csv").exists():
        pytest.skip(f"no mirror of upstream files at {path}: set AINA_TEST_MIRROR")
    return path.resolve()


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
