"""Ledgers in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aina_assets.learner.ledger import Ledger
from aina_assets_tests.conftest import NewUrl


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
