"""Fixtures that more than one folder needs: a built sample and the mirror.

The mirror of real upstream files is outside the repository: ``AINA_TEST_MIRROR``, or
``../shared/upstream`` beside the project. Tests that need it skip, and say so, where it is absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from upath import UPath

from aina_assets.builds import Outcome, build
from aina_assets.location import Location, all_assets, resources
from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets.warehouse.store import Store

MIRROR_LOCK = Path(__file__).parent / "upstream_mirror.lock.yaml"

Builder = Callable[..., Outcome]


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
    roots = {changed, "upstream/sources_lock"}
    assert roots <= set(run)
    for name in set(deps) - roots - of_records:
        assert (name in run) == bool(deps[name] & moved), name


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the sample built. Read it; copy it before you change it."""
    home = tmp_path_factory.mktemp("sample_home")
    outcome = build_into(home)
    assert outcome.is_good, outcome.failed
    return home


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder with real upstream files; skips where there is none."""
    path = Path(os.environ.get("AINA_TEST_MIRROR") or PROJECT_ROOT.parent / "shared" / "upstream")
    if not (path / "PROVENANCE.csv").exists():
        pytest.skip(f"no mirror of upstream files at {path}: set AINA_TEST_MIRROR")
    return path.resolve()
