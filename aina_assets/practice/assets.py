"""Assets of the practice room: declarations only."""

from functools import partial

from aina_assets.practice import agreement, scenarios, tables
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec

_table = partial(table_asset, group="practice")

sandbox_scenarios = _table(tables.SandboxScenarios)(scenarios.sandbox_scenarios)
scenario_links = _table(tables.ScenarioLinks)(scenarios.scenario_links)
grader_agreement = _table(tables.GraderAgreement)(agreement.grader_agreement)
grader_coverage = _table(
    tables.GraderCoverage,
    receipt=ReceiptSpec(
        "grader_agreement_v1",
        counted="verdict",
        holds=tuple(item for item in tables.Compared if item is not tables.Compared.COMPARED),
    ),
)(agreement.grader_coverage)
