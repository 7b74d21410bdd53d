"""Assets of the work graph: declarations only; what they compute is in the pure modules beside."""

from functools import partial

from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec
from aina_assets.work_graph import affordances as packs
from aina_assets.work_graph import audits, maps, tables
from aina_assets.work_graph import roles as role_profiles
from aina_assets.work_graph import workflows as flows

_table = partial(table_asset, group="work_graph")

task_exposure = _table(tables.TaskExposure)(maps.task_exposure)
legacy_signals = _table(tables.LegacySignals)(maps.legacy_signals)
gdpval_task_map = _table(tables.GdpvalTaskMap)(maps.gdpval_task_map)
gdpval_soc_map = _table(tables.GdpvalSocMap)(maps.gdpval_soc_map)
soc_map = _table(tables.SocMap)(maps.soc_map)
exposure_measures = _table(tables.ExposureMeasures)(maps.exposure_measures)
exposure_agreement = _table(tables.ExposureAgreement)(maps.exposure_agreement)
soc_join_report = _table(tables.SocJoinReport)(audits.soc_join_report)
published_findings = _table(tables.PublishedFindings)(audits.published_findings)
hf_ingest_summary = _table(
    tables.HfIngestSummary,
    receipt=ReceiptSpec(
        "hf_ingest_v1", counted="figure", valued="value", upstream=("source_intake_v1",)
    ),
)(audits.hf_ingest_summary)

roles = _table(tables.Roles)(role_profiles.roles)
workflows = _table(tables.Workflows)(flows.workflows)
affordances = _table(tables.Affordances)(packs.affordances)
