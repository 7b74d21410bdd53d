"""Assets of the practice room: declarations only; what they compute is in ``scenarios``."""

from functools import partial

from aina_assets.practice import scenarios, tables
from aina_assets.warehouse.assets import table_asset

_table = partial(table_asset, group="practice")

sandbox_scenarios = _table(tables.SandboxScenarios)(scenarios.sandbox_scenarios)
scenario_links = _table(tables.ScenarioLinks)(scenarios.scenario_links)
