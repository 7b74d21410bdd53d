"""The code location as Dagster loads it, but its runs wait seconds for a writer, not a minute.

Loaded by the server of ``test_two_builds``.
"""

from aina_assets.location import build_defs, resources
from aina_assets_tests.crash.dagster_server import PATIENCE_SECONDS

defs = build_defs(resource_overrides=resources(wait_seconds=PATIENCE_SECONDS))
