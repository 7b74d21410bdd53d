"""Tables of the built sample and of the mirror for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.warehouse.store import Store
from aina_assets_tests.gdpval.chain import Chain, sample_decisions

Run = Callable[[Sequence[Mapping[str, Any]]], Chain]


@pytest.fixture(scope="session")
def sample_tables(sample_home: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Modules, tasks and scenarios of the sample."""
    store = Store(UPath(sample_home))
    modules, tasks, scenarios = (
        store.read(name) for name in ("modules", "gdpval_tasks", "sandbox_scenarios")
    )
    return modules, tasks, scenarios


@pytest.fixture(scope="session")
def undecided(sample_tables: tuple[pa.Table, pa.Table, pa.Table]) -> Chain:
    """Every stage on the sample, where nobody decided anything."""
    return Chain(*sample_tables).run()


@pytest.fixture(scope="session")
def decided(sample_tables: tuple[pa.Table, pa.Table, pa.Table]) -> Chain:
    """Every stage on the sample, with the sample's decisions."""
    return Chain(*sample_tables, sample_decisions()).run()
