"""Assets of the release room: check results, manifest, and the release itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from aina_assets.contracts.errors import AinaError
from aina_assets.release import contents, tables
from aina_assets.release.publish import publish
from aina_assets.warehouse.assets import OWNERS, check_result, fail, table_asset
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, finding_fields
from aina_assets.warehouse.tables import Table

GROUP = "release"
RELEASE = "release"


def release_assets(
    models: Mapping[str, type[Table]], upstream: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """The assets that collect and publish every table of ``models``.

    Args:
        models: published tables by name.
        upstream: keys of the upstream files whose checks count too.
    """
    names = sorted(models)

    check_results = table_asset(tables.CheckResults, group=GROUP, deps=[*names, *upstream])(
        contents.check_results
    )
    manifest = table_asset(tables.Manifest, group=GROUP, deps=[*names, "check_results"])(
        contents.manifest
    )
    published = dict(models) | {"check_results": tables.CheckResults, "manifest": tables.Manifest}
    return [check_results, manifest, _release(published)]


def _release(models: Mapping[str, type[Table]]) -> dg.AssetsDefinition:
    names = sorted(models)
    code_version = code_version_of(["aina_assets.release.publish"])
    specs = {
        "consistent": "every table was made from the versions of its inputs that are current",
        "all_checks_passed": "no rule of any table failed",
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
        required_resource_keys={"warehouse"},
    )
    def release(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        store = warehouse.store
        try:
            records = [store.require(name) for name in names]
            findings = (_consistent(store.record, records), _all_passed(records))
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


def _all_passed(records: Sequence[Record]) -> Finding:
    failed = [
        f"{record.asset}: {finding['rule']}"
        for record in records
        for finding in record.findings
        if not finding["passed"]
    ]
    detail = "; ".join(failed) or "no rule failed"
    return Finding("all_checks_passed", not failed, len(records), len(failed), detail)
