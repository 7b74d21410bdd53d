"""The router of the built sample, opened once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.titles.routing import TABLES, Router
from aina_assets.warehouse.store import Store

Frames = dict[str, pa.Table]


@pytest.fixture(scope="session")
def store(sample_home: Path) -> Store:
    return Store(UPath(sample_home))


@pytest.fixture(scope="session")
def tables(store: Store) -> Frames:
    return {name: store.read(name) for name in TABLES}


@pytest.fixture(scope="session")
def router(tables: Frames) -> Router:
    return Router.of(tables)
