"""Fixtures of the crash tests."""

from collections.abc import Iterator

import pytest

from aina_assets_tests.crash.ground import ground
from aina_assets_tests.crash.toy_drivers import ToyDrivers, toy_drivers

__all__ = ["ground", "toys"]


@pytest.fixture(scope="session")
def toys() -> Iterator[ToyDrivers]:
    """Drivers of the toy pipeline."""
    with toy_drivers() as drivers:
        yield drivers
