"""Assets of the packets room: declarations only."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from aina_assets.contracts.packets import PacketVerdict
from aina_assets.contracts.receipts import Receipt
from aina_assets.packets import coverage_report as coverage
from aina_assets.packets import packets as role_packets
from aina_assets.packets import policies, quality, quality_report, references, review, tables
from aina_assets.packets.policy import PacketRules
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec
from aina_assets.warehouse.report_assets import report_asset
from aina_assets.work_graph.policy import Families, Icp

TEMPLATES = Path(__file__).parent / "templates"

_table = partial(table_asset, group="packets")

packets = _table(tables.Packets)(role_packets.packets)
packet_reviews = _table(
    tables.PacketReviews,
    receipt=ReceiptSpec(
        "semantic_review_v1", counted="verdict", holds=(str(PacketVerdict.INCONSISTENT),)
    ),
)(review.packet_reviews)
packet_review_rules = _table(tables.PacketReviewRules)(review.packet_review_rules)
hf_runtime_map = _table(
    tables.HfRuntimeMap,
    deps=("hf_ingest_summary", "packet_reviews"),
    receipt=ReceiptSpec(
        "hf_runtime_map_v1",
        counted="figure",
        valued="value",
        holds=(references.BELOW_FLOOR,),
        upstream=("hf_ingest_v1", "semantic_review_v1"),
    ),
)(references.hf_runtime_map)
packet_quality = _table(
    tables.PacketQuality,
    receipt=ReceiptSpec(
        "packet_quality_v1",
        counted="verdict",
        holds=("hold", "not_measured"),
        upstream=("semantic_review_v1",),
    ),
)(quality.packet_quality)
runtime_policies = _table(tables.RuntimePolicies)(policies.runtime_policies)


@report_asset(
    {
        "title_coverage_report.html": "The report as one page.",
        "title_coverage_report.md": "The report as text.",
        "title_coverage_report.json": "Every number of the report.",
        "adjudication_inputs.jsonl": "What reviewers are given, a line a title row.",
    },
    templates=TEMPLATES,
    receipts=(coverage.ADJUDICATION,),
)
def title_coverage_report(
    con: duckdb.DuckDBPyConnection,
    title_coverage: pa.Table,
    title_evidence: pa.Table,
    title_thresholds: pa.Table,
    title_model_evaluation: pa.Table,
    roles: pa.Table,
    source_ledger: pa.Table,
    title_adjudication: pa.Table,
    families: Families,
    icp: Icp,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Who AINA can serve today, with a fallback, and not yet; why, and how sure that is."""
    document = coverage.coverage_document(
        con,
        title_coverage,
        title_evidence,
        title_thresholds,
        title_model_evaluation,
        roles,
        source_ledger,
        title_adjudication,
        families,
        icp,
        receipts,
        versions,
    )
    lines = coverage.adjudication_lines(title_coverage)
    return coverage.coverage_files(document, lines, templates)


@report_asset(
    {
        "packet_quality_report.html": "The report as one page.",
        "packet_quality_report.md": "The report as text.",
        "packet_quality_report.json": "Every number of the report.",
        "packet_quality_report.jsonl": "A line a family and measure.",
        "inconsistent_packets.jsonl": "Packets that fail a rule of the review, a line each.",
    },
    templates=TEMPLATES,
    receipts=("semantic_review_v1", "hf_runtime_map_v1", "packet_quality_v1"),
)
def packet_quality_report(
    con: duckdb.DuckDBPyConnection,
    packets: pa.Table,
    packet_reviews: pa.Table,
    packet_review_rules: pa.Table,
    packet_quality: pa.Table,
    hf_runtime_map: pa.Table,
    packet_rules: PacketRules,
    families: Families,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """Whether packets are consistent, how far the evidence reaches, which families hold."""
    document = quality_report.quality_document(
        con,
        packets,
        packet_reviews,
        packet_review_rules,
        packet_quality,
        hf_runtime_map,
        packet_rules,
        families,
        receipts,
        versions,
    )
    lines = quality_report.inconsistent_lines(packet_reviews)
    return quality_report.quality_files(document, lines, templates)
