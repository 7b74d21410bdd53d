"""Fixtures of the crash tests."""

from aina_assets_tests.crash.ground import ground

__all__ = ["ground"]
