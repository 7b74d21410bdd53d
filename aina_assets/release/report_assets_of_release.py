"""Assets of the release room that are reports, and the tables their figures come from.

Belongs here: declarations only; what the reports say is in ``reports``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import dagster as dg
import pyarrow as pa

from aina_assets.contracts.receipts import Receipt
from aina_assets.curriculum import tables as curriculum_tables
from aina_assets.gdpval import assets as gdpval
from aina_assets.gdpval import tables as gdpval_tables
from aina_assets.packets import tables as packet_tables
from aina_assets.practice import tables as practice_tables
from aina_assets.release import progress, report_tables, reports
from aina_assets.release import tables as release_tables
from aina_assets.release.assets import FULL_VALIDATION, RELEASE
from aina_assets.release.assets import GROUP as RELEASE_GROUP
from aina_assets.release.authority import tables_by_input
from aina_assets.release.policy import ReleaseRules
from aina_assets.review import tables as review_tables
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.sources import tables as source_tables
from aina_assets.titles import adjudication_tables as title_adjudication_tables
from aina_assets.titles import tables as title_tables
from aina_assets.warehouse.assets import receipt_spec_of, table_asset
from aina_assets.warehouse.receipts import ReceiptSpec
from aina_assets.warehouse.report_assets import report_asset
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table, table_name
from aina_assets.work_graph import tables as work_graph_tables

TEMPLATES = Path(__file__).parent / "templates"

_ROOMS = (
    *(source_tables, work_graph_tables, title_tables, title_adjudication_tables),
    *(curriculum_tables, packet_tables, practice_tables, gdpval_tables, review_tables),
    release_tables,
)
_report = partial(report_asset, templates=TEMPLATES)

_STAGES = {
    spec.gate: (name, str(asset.get_asset_spec().description))
    for name, asset in vars(gdpval).items()
    if isinstance(asset, dg.AssetsDefinition)
    and (spec := receipt_spec_of(asset.get_asset_spec())) is not None
}
"""Stages of the GDPval chain, by gate in the order of their declaration: table, and what it is."""


review_progress = table_asset(
    report_tables.ReviewProgress,
    group=RELEASE_GROUP,
    receipt=ReceiptSpec(
        reports.PROGRESS,
        counted="figure",
        valued="value",
        holds=(report_tables.WAITING,),
    ),
)(progress.review_progress)


@_report(
    {
        "review_dashboard.html": "The report as one page.",
        "review_dashboard.json": "Everything the page says.",
    },
    receipts=(reports.PROGRESS, reports.ADJUDICATION, reports.BOUNDARY, *_STAGES),
    deps=("review_progress", *(table for table, _ in _STAGES.values())),
)
def review_dashboard(
    gate_states: pa.Table,
    decisions: pa.Table,
    title_adjudication: pa.Table,
    production_deployment_approval: pa.Table,
    review_gates: ReviewGates,
    reviewers: Reviewers,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """What waits for whom at every gate, what was decided, and what is open."""
    document = reports.review_document(
        gate_states,
        decisions,
        title_adjudication,
        production_deployment_approval,
        review_gates,
        reviewers,
        receipts,
        {gate: text for gate, (_, text) in _STAGES.items()},
        versions,
    )
    return reports.report_files(document, templates)


@_report(
    {
        "beta_feedback_dashboard.html": "The report as one page.",
        "beta_feedback_dashboard.json": "Everything the page says.",
    },
    receipts=(reports.FEEDBACK, reports.ADMISSION, reports.READINESS),
    deps=("beta_feedback",),
)
def beta_feedback_dashboard(
    learner_activity: pa.Table,
    beta_admission: pa.Table,
    deployment_readiness: pa.Table,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Which families the internal beta has, what blocks the others, and what learners did."""
    document = reports.beta_document(
        learner_activity, beta_admission, deployment_readiness, receipts, versions
    )
    return reports.report_files(document, templates)


@_report(
    {
        "source_provenance_report.html": "The report as one page.",
        "source_provenance_report.json": "Everything the page says.",
    },
    receipts=(reports.INTAKE, reports.AUTHORITY),
)
def source_provenance_report(
    source_authority: pa.Table,
    source_files: pa.Table,
    source_ledger: pa.Table,
    release_rules: ReleaseRules,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Every source with its licence, files and digests, and what stands on it."""
    document = reports.source_document(
        source_authority,
        source_files,
        source_ledger,
        release_rules,
        tables_by_input(),
        standing_on,
        receipts,
        versions,
    )
    return reports.report_files(document, templates)


def standing_on(tables: Sequence[str]) -> list[str]:
    """Tables that stand on any of ``tables``, directly or not, by name."""
    below: dict[str, set[str]] = defaultdict(set)
    for room in _ROOMS:
        for model in vars(room).values():
            if isinstance(model, type) and issubclass(model, Table) and model.__key__:
                for parent in model.__parents__:
                    below[parent.table].add(table_name(model))
    found: set[str] = set()
    waiting = list(tables)
    while waiting:
        more = below[waiting.pop()] - found
        found |= more
        waiting += more
    return sorted(found - set(tables))


@_report(
    {
        "full_validation_report.html": "The report as one page.",
        "full_validation_report.json": "Everything the page says.",
    },
    receipts=(reports.VALIDATION,),
    deps=(RELEASE,),
)
def full_validation_report(
    full_validation: pa.Table,
    store: Store,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Every check, stored table and receipt of the graph, and what is wrong with it."""
    document = reports.validation_document(full_validation, receipts, *_release_of(store), versions)
    return reports.report_files(document, templates)


def _release_of(store: Store) -> tuple[str | None, str | None]:
    """The release of the validation that is stored now, or else the last one before it."""
    release, validation = store.record(RELEASE), store.record(FULL_VALIDATION)
    if release is None or validation is None:
        return None, None
    is_of_it = release.inputs.get(FULL_VALIDATION) == validation.data_version
    return (release.data_version, None) if is_of_it else (None, release.data_version)


_OF_INDEX = {
    reports.VALIDATION: FULL_VALIDATION,
    reports.PROGRESS: "review_progress",
    reports.BOUNDARY: "production_deployment_approval",
    reports.ADMISSION: "beta_admission",
    reports.INTAKE: "source_files",
    reports.ADJUDICATION: "title_adjudication",
    "packet_quality_v1": "packet_quality",
}


@_report(
    {"index.html": "The report as one page.", "index.json": "Everything the page says."},
    receipts=tuple(_OF_INDEX),
    deps=(*_OF_INDEX.values(), RELEASE, *(item.name for item in reports.REPORTS)),
)
def report_index(
    store: Store,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Every report, with its result in a line."""
    there = [item.name for item in reports.REPORTS if store.record(item.name) is not None]
    document = reports.index_document(receipts, there, *_release_of(store), versions)
    return reports.report_files(document, templates, page="index")
