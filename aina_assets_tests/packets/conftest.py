"""What packets are tried on: the sample as built, and coverage of every tier made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from upath import UPath

from aina_assets.packets.packets import packets
from aina_assets.packets.policy import PacketRules
from aina_assets.warehouse.store import Store
from aina_assets_tests.packets import frames

Frames = dict[str, pa.Table]

_OF_SAMPLE = (
    *("roles", "workflows", "affordances", "occupation_tasks", "economic_index_usage"),
    *("economic_index_exposure", "gdpval_tasks", "gdpval_soc_map", "soc_map", "source_files"),
    *("source_ledger", "title_adjudication"),
)


@pytest.fixture(scope="session")
def sample(sample_home: Path) -> Store:
    """What the sample became."""
    return Store(UPath(sample_home))


@pytest.fixture(scope="session")
def by_hand(sample: Store) -> Frames:
    """The sample's tables, with coverage of every tier made by hand and the packets of it."""
    made = {name: sample.read(name) for name in _OF_SAMPLE}
    linked = [
        row["role_id"]
        for row in made["workflows"].to_pylist()
        if row["is_top"] and row["gdpval_task_ids"] and "." in row["role_id"]
    ]
    others = [name for name in made["roles"]["role_id"].to_pylist() if "." in name][::12]
    made["title_coverage"] = frames.every_tier(made["roles"], {*linked[:3], *others})
    with duckdb.connect() as con:
        made["packets"] = packets(
            con,
            made["title_coverage"],
            made["roles"],
            made["workflows"],
            made["affordances"],
            made["economic_index_exposure"],
            made["gdpval_soc_map"],
            PacketRules.load(),
        )
    return made


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database."""
    with duckdb.connect() as connection:
        yield connection
