"""A place for a ledger and its checkpoints, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aina_assets.review.ledger import DecisionLedger


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Where checkpoints go."""
    return tmp_path / "review" / "checkpoints.jsonl"


@pytest.fixture
def ledger(url: str, checkpoints: Path) -> Iterator[DecisionLedger]:
    """An empty ledger."""
    with DecisionLedger.open(url, checkpoints) as opened:
        yield opened
