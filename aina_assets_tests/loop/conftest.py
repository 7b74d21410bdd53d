"""The loop over the built sample, opened once."""

from __future__ import annotations

from pathlib import Path

import pytest

from aina_assets.learner.ledger import Ledger
from aina_assets.learner.service import LearnerService
from aina_assets.learner.view import ReleaseView
from aina_assets.release.publish import current_release


@pytest.fixture(scope="session")
def view(sample_home: Path) -> ReleaseView:
    """What the sample release says."""
    release = current_release(sample_home)
    assert release is not None
    return ReleaseView.open(release.release_id, release.path)


@pytest.fixture(scope="session")
def service(view: ReleaseView, tmp_path_factory: pytest.TempPathFactory) -> LearnerService:
    """The loop over the built sample and a ledger of its own."""
    place = tmp_path_factory.mktemp("loop") / "ledger.sqlite"
    return LearnerService(lambda: view, Ledger.open(f"sqlite:///{place}"))
