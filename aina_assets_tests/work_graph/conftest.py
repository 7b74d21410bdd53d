"""Roles, workflows and affordances as built: of the sample, and of the mirror where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import MIRROR_LOCK, build_into

ROOM = '+key:"affordances"'
"""The last table of the room, with everything it is made from."""


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What the sample became."""
    home = tmp_path_factory.mktemp("sample_work")
    outcome = build_into(home, select=ROOM)
    assert outcome.is_good, outcome.failed
    return Store(UPath(home))


@pytest.fixture(scope="session")
def real(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What the mirror became."""
    home = tmp_path_factory.mktemp("real_work")
    outcome = build_into(home, lock=MIRROR_LOCK, cache=mirror, select=ROOM)
    assert outcome.is_good, outcome.failed
    return Store(UPath(home))
