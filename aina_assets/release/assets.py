"""Assets of the release room: what is admitted and what stays closed, validation, the release.

Belongs here: declarations, and the release itself, which is no table.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.receipts import Receipt
from aina_assets.release import (
    admission,
    authority,
    boundary,
    configuration,
    contents,
    readiness,
    tables,
    validation,
)
from aina_assets.release.publish import publish
from aina_assets.release.validation import Declared
from aina_assets.review import gates as review_gates_of
from aina_assets.review.policy import ReviewGates
from aina_assets.review.subjects import SubjectTable
from aina_assets.review.tables import GateStates
from aina_assets.sources.assets import Sources
from aina_assets.warehouse.assets import (
    OWNERS,
    PUBLISHED,
    check_result,
    fail,
    receipt_spec_of,
    table_asset,
)
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import Finding, conform
from aina_assets.warehouse.ledgers import WALKED
from aina_assets.warehouse.receipts import ReceiptSpec, Unlocks
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, Store, finding_fields
from aina_assets.warehouse.tables import Table, table_name

GROUP = "release"
RELEASE = "release"
FULL_VALIDATION = table_name(tables.FullValidation)
VALIDATION = ReceiptSpec("full_validation_v1", counted="status", holds=validation.NOT_GREEN)

_table = partial(table_asset, group=GROUP)

source_authority = _table(
    tables.SourceAuthority,
    # Not the tables that readers of several files share: those are counted by the first.
    deps=sorted(
        {name for names in authority.tables_by_input().values() for name in names}
        - {"source_ledger"}
    ),
    receipt=ReceiptSpec(
        "source_authority_beta_wedge_audit_v1",
        counted="state",
        holds=(tables.ABSENT, tables.FLATTENED),
        upstream=("source_intake_v1", "title_intake_v1"),
    ),
)(authority.source_authority)
beta_admission = _table(
    tables.BetaAdmission,
    receipt=ReceiptSpec(
        "beta_admission_v1",
        counted="state",
        holds=(tables.REVIEW_REQUIRED, tables.BLOCKED),
        upstream=(
            "source_authority_beta_wedge_audit_v1",
            "content_coverage_v1",
            "authored_lesson_depth_v1",
            "rubric_depth_gate_v1",
            "packet_quality_v1",
        ),
    ),
)(admission.beta_admission)

# Receipts with the tables of their items: whoever reads the one depends on the other.
_READINESS = {
    "source_authority_beta_wedge_audit_v1": "source_authority",
    "beta_admission_v1": "beta_admission",
    "source_intake_v1": "source_files",
    "title_intake_v1": "title_intake",
    "content_coverage_v1": "content_coverage",
    "authored_lesson_depth_v1": "lesson_depth",
    "rubric_depth_gate_v1": "rubric_depth",
    "semantic_review_v1": "packet_reviews",
    "packet_quality_v1": "packet_quality",
    "hf_runtime_map_v1": "hf_runtime_map",
    "gdpval_hold_closeout_v1": "gdpval_hold_closeout",
    "gdpval_replacement_candidate_practice_v1": "gdpval_replacement_candidate_practice",
    "gdpval_replacement_candidate_batch_practice_v1": "gdpval_replacement_candidate_batch_practice",
}
_LOADED = {
    *("beta_admission", "rubric_depth", "gdpval_hold_closeout", "source_ledger", "title_intake"),
}
deployment_readiness = _table(
    tables.DeploymentReadiness,
    deps=sorted(set(_READINESS.values()) - _LOADED),
    receipts=tuple(_READINESS),
    receipt=ReceiptSpec(
        "deployment_readiness_v1",
        counted="state",
        holds=(tables.WAITS, tables.BROKEN),
        upstream=tuple(_READINESS),
    ),
)(readiness.deployment_readiness)

_DOMAINS = {
    "deployment_readiness_v1": "deployment_readiness",
    **{
        gate: _READINESS[gate]
        for gate in (
            "source_authority_beta_wedge_audit_v1",
            "beta_admission_v1",
            "title_intake_v1",
            "semantic_review_v1",
            "packet_quality_v1",
            "hf_runtime_map_v1",
        )
    },
}
production_domains = _table(
    tables.ProductionDomains, deps=sorted(_DOMAINS.values()), receipts=tuple(_DOMAINS)
)(boundary.production_domains)
production_deployment_approval = _table(
    tables.ProductionDeploymentApproval,
    receipt=ReceiptSpec(
        boundary.RECEIPT,
        counted="state",
        holds=boundary.CLOSED,
        upstream=("deployment_readiness_v1",),
        unlocks=Unlocks(
            gate=boundary.GATE,
            key="domain",
            subjects="production_domains",
            decisions="production_boundary_decisions",
            at_least=boundary.PERSONS,
        ),
    ),
)(boundary.production_deployment_approval)


def release_assets(
    models: Mapping[str, type[Table]],
    upstream: Sequence[str],
    above: Sequence[dg.AssetsDefinition],
) -> list[dg.AssetsDefinition]:
    """The assets that collect, validate and publish every table of ``models``.

    Args:
        models: published tables by name.
        upstream: keys of the upstream files and ledgers whose checks count too.
        above: every other asset; those that stand on validation themselves are not validated by it.
    """
    names = sorted(models)
    gate_states = _gate_states(models)
    check_results = table_asset(tables.CheckResults, group=GROUP, deps=[*names, *upstream])(
        contents.check_results
    )
    looked_at = [*above, gate_states, check_results]
    validated = validated_of(looked_at)
    full_validation = _full_validation(validated)
    receipts = _receipts([*validated, *declared([full_validation])])
    manifest = table_asset(
        tables.Manifest,
        group=GROUP,
        deps=[*names, "check_results", FULL_VALIDATION, "receipts"],
    )(contents.manifest)
    published = dict(models) | {table_name(model): model for model in tables.DESCRIBING}
    release = _release(published, validated)
    return [gate_states, check_results, full_validation, receipts, manifest, release]


_AFTER = frozenset({FULL_VALIDATION, "receipts", "manifest", RELEASE})


def validated_of(definitions: Sequence[dg.AssetsDefinition]) -> list[Declared]:
    """What full validation looks at among ``definitions``: all that does not stand on it."""
    return declared(definitions, but=_AFTER)


def declared(
    definitions: Sequence[dg.AssetsDefinition], *, but: frozenset[str] = frozenset()
) -> list[Declared]:
    """What ``definitions`` declare, without ``but`` and whatever stands on one of those."""
    specs = {"/".join(spec.key.path): spec for item in definitions for spec in item.specs}
    inputs = {
        name: tuple(sorted("/".join(dep.asset_key.path) for dep in spec.deps))
        for name, spec in specs.items()
    }
    below = set(but)
    while grown := {name for name in specs if below.intersection(inputs[name])} - below:
        below |= grown
    rules: dict[str, list[str]] = {name: [] for name in specs}
    for item in definitions:
        for check in item.check_specs:
            rules["/".join(check.asset_key.path)].append(check.name)
    return [
        Declared(
            name,
            str(spec.code_version),
            inputs[name],
            tuple(sorted(rules[name])),
            spec.tags.get(PUBLISHED) == "true" and name != RELEASE,
            receipt_spec_of(spec),
            WALKED in spec.tags,
        )
        for name, spec in sorted(specs.items())
        if name not in below
    ]


def _gate_states(models: Mapping[str, type[Table]]) -> dg.AssetsDefinition:
    subjects = sorted(name for name, model in models.items() if issubclass(model, SubjectTable))

    def gate_states(
        frames: Mapping[str, pa.Table], decisions: pa.Table, review_gates: ReviewGates
    ) -> pa.Table:
        return review_gates_of.gate_states(list(frames.values()), decisions, review_gates)

    return _table(GateStates, deps=subjects)(gate_states)


def _full_validation(validated: Sequence[Declared]) -> dg.AssetsDefinition:
    def full_validation(store: Store, sources: Sources, warehouse: Warehouse) -> pa.Table:
        now = configuration.configured(validated, sources, warehouse)
        return validation.full_validation(store, validated, now)

    return _table(
        tables.FullValidation,
        deps=[item.asset for item in validated],
        receipt=VALIDATION,
        resources=("sources", "warehouse"),
    )(full_validation)


def _receipts(leaving: Sequence[Declared]) -> dg.AssetsDefinition:
    items = {item.receipt.gate: item.asset for item in leaving if item.receipt is not None}

    def receipts_of(receipts: Mapping[str, Receipt], records: list[Record]) -> pa.Table:
        return contents.receipts_table(receipts, records)

    return _table(tables.Receipts, deps=sorted(items.values()), receipts=tuple(sorted(items)))(
        receipts_of
    )


def _release(
    models: Mapping[str, type[Table]], validated: Sequence[Declared]
) -> dg.AssetsDefinition:
    names = sorted(models)
    code_version = code_version_of(
        ["aina_assets.release.publish", "aina_assets.release.validation"]
    )
    specs = {
        "consistent": "every table was made from the versions of its inputs that are current",
        "fully_validated": "every declared check, table and receipt is in order, now as when"
        " full_validation looked",
    }

    @dg.asset(
        name=RELEASE,
        deps=names,
        group_name=GROUP,
        description="Every published table in one DuckDB file, swapped in when all of it is valid.",
        owners=OWNERS,
        kinds={"duckdb", "release"},
        tags={"aina/published": "true"},
        code_version=code_version,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(name, "table") for name in names]
            )
        },
        check_specs=[
            dg.AssetCheckSpec(name, asset=RELEASE, blocking=True, description=description)
            for name, description in specs.items()
        ],
        output_required=False,
        required_resource_keys={"warehouse", "sources"},
    )
    def release(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        store = warehouse.store
        try:
            records = [store.require(name) for name in names]
            now = configuration.configured(validated, context.resources.sources, warehouse)
            findings = (_consistent(store.record, records), _validated(store, validated, now))
            yield from (check_result(finding) for finding in findings)
            if not all(finding.passed for finding in findings):
                store.refuse(RELEASE, findings)
                return
            manifest = store.require("manifest")
            published = publish(store, manifest, records, models)
        except AinaError as error:
            raise fail(warehouse, RELEASE, error) from error
        store.commit(
            Record(
                asset=RELEASE,
                data_version=published.release_id,
                code_version=code_version,
                settings_version=warehouse.settings_version(RELEASE),
                inputs={record.asset: record.data_version for record in records},
                findings=tuple(finding_fields(finding) for finding in findings),
                details={"path": str(published.path)},
            )
        )
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(published.release_id),
            metadata={
                "release_id": published.release_id,
                "path": dg.MetadataValue.path(str(published.path)),
                "tables": len(records),
                "rows": sum(published.tables.values()),
            },
        )

    return release


def _consistent(record_of: Any, records: Sequence[Record]) -> Finding:
    behind = [
        f"{record.asset} was made from another version of {name}"
        for record in records
        for name, version in record.inputs.items()
        if (current := record_of(name)) is None or current.data_version != version
    ]
    detail = "; ".join(behind) or "every input is the current one"
    return Finding("consistent", not behind, len(records), len(behind), detail)


def _validated(
    store: Store, validated: Sequence[Declared], now: Mapping[str, Configured]
) -> Finding:
    """Whether validation is green, and still says what is so at this moment."""
    found = validation.full_validation(store, validated, now, hashes_all=False)
    problems = validation.problems_of(found) or validation.problems_of(store.read(FULL_VALIDATION))
    version = digest_of_table(conform(found, tables.FullValidation))
    if not problems and version != store.require(FULL_VALIDATION).data_version:
        problems = ["full_validation is about what was stored before; build again"]
    detail = "; ".join(problems) or f"{found.num_rows} checks, tables and receipts are in order"
    return Finding("fully_validated", not problems, found.num_rows, len(problems), detail)
