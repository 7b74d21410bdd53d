"""One decorator makes a table asset of a pure function: inputs, gate, checks, lineage, metadata.

Belongs here: everything that is the same for every table asset. Stays out: any particular asset.

=========================  =========================================================================
what happens               what it does
=========================  =========================================================================
all rules hold             snapshot and record are written, then the materialization is reported
a rule fails               its check is FAILED, nothing is stored, the frame goes to quarantine, the
                           former snapshot stays, dependents are skipped, other branches build
an input cannot be read    the step fails with expected, found, where, remedy; otherwise as above
an input was refused       the step refuses to read it
=========================  =========================================================================
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from aina_assets.contracts.errors import AinaError
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import Finding, conform, judge
from aina_assets.warehouse.laws import Law, judge_laws
from aina_assets.warehouse.lineage import column_sources
from aina_assets.warehouse.receipts import RULES as RECEIPT_RULES
from aina_assets.warehouse.receipts import (
    ReceiptSpec,
    Unlocks,
    judge_receipt,
    receipt_of,
    require_receipt,
)
from aina_assets.warehouse.resources import TABLE_IO_MANAGER, Accepted, Warehouse
from aina_assets.warehouse.store import Record, finding_fields
from aina_assets.warehouse.tables import (
    Table,
    arrow_schema,
    columns_of,
    describe,
    rules_of,
    table_name,
)

OWNERS = ["team:data-engineering"]
KIND_TABLE = "table"
PUBLISHED = "aina/published"
WATCHING = "aina/watching"
"""Tag of a report about what is stored: made when nothing it looks at is about to change."""
RECEIPT = "aina/receipt"
"""Metadata of an asset that leaves a receipt: how its rows become one."""

Transform = Callable[..., pa.Table]


def table_asset(
    model: type[Table],
    *,
    group: str,
    kinds: Sequence[str] = ("duckdb",),
    deps: Sequence[str] = (),
    receipt: ReceiptSpec | None = None,
    receipts: Sequence[str] = (),
    laws: Sequence[Law] = (),
    tags: Mapping[str, str] | None = None,
    resources: Sequence[str] = (),
) -> Callable[[Transform], dg.AssetsDefinition]:
    """Declare a function's result as the table of ``model``; the function itself stays as it is.

    The function's arguments are its inputs: a ``pa.Table`` argument is the table of that name; an
    argument whose annotation has ``asset_path`` and ``from_record`` is made from the record of the
    asset that ``asset_path`` names. Five names are served by the warehouse: ``con`` is an in-memory
    DuckDB connection, ``records`` holds the records of ``deps``, ``frames`` their tables by name,
    ``receipts`` the receipts by gate. ``store`` is the warehouse's store itself: for a table about
    what is stored, which is made even where some of ``deps`` failed or is missing.

    Args:
        model: the table's model; the asset is named after it.
        group: the asset group.
        kinds: kinds shown in the graph, beside ``table`` and ``parquet``.
        deps: assets that must be current but are not loaded.
        receipt: how its rows become a receipt, where they are the items of one.
        receipts: gates whose receipts it reads; their items must be among its inputs.
        laws: rules between the table and its inputs; tables they alone need are inputs as well.
        tags: more tags.
        resources: resources that it takes as arguments of their names.
    """
    name = table_name(model)

    def decorate(function: Transform) -> dg.AssetsDefinition:
        arguments = inspect.signature(function, eval_str=True).parameters
        ins, from_records = inputs_of(function)
        beside = [item for law in laws for item in law.inputs if item not in arguments]
        ins |= {item: dg.AssetIn(key=item) for item in beside}
        all_deps = [*(key for key, _ in from_records.values()), *deps]
        of_inputs = [law.rule for law in laws]
        rules = [*rules_of(model), *of_inputs, *(RECEIPT_RULES if receipt else ())]
        lineage = _column_lineage(model)

        @dg.asset(
            name=name,
            ins=ins,
            deps=[dg.AssetKey(dep.split("/")) for dep in all_deps],
            group_name=group,
            description=describe(model),
            owners=OWNERS,
            kinds={KIND_TABLE, "parquet", *kinds},
            tags={PUBLISHED: "true", **(tags or {})},
            metadata=_definition_metadata(model) | _receipt_metadata(receipt),
            code_version=code_version_of(
                [
                    *(function.__module__, model.__module__, __name__),
                    *{law.breaches.__module__ for law in laws},
                ],
                declaration=repr((rules, str(arrow_schema(model)), receipt, receipts)),
            ),
            check_specs=[
                dg.AssetCheckSpec(
                    rule.name, asset=name, blocking=True, description=rule.description
                )
                for rule in rules
            ],
            output_required=False,
            io_manager_key=TABLE_IO_MANAGER,
            required_resource_keys={"warehouse", "duckdb", *resources},
            dagster_type=dg.Any,
        )
        def compute(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[Any]:
            warehouse: Warehouse = context.resources.warehouse
            try:
                for argument_name, (key, argument) in from_records.items():
                    record = warehouse.store.require(key)
                    inputs[argument_name] = argument.annotation.from_record(record)
                if "records" in arguments:
                    inputs["records"] = [warehouse.store.require(dep) for dep in deps]
                if "frames" in arguments:
                    inputs["frames"] = {dep: warehouse.store.read(dep) for dep in deps}
                if "receipts" in arguments:
                    found = {gate: require_receipt(warehouse.store, gate) for gate in receipts}
                    inputs["receipts"] = found
                if "store" in arguments:
                    inputs["store"] = warehouse.store
                inputs |= {key: getattr(context.resources, key) for key in resources}
                own = {item: value for item, value in inputs.items() if item not in beside}
                frame = _call(function, context, own, "con" in arguments)
            except AinaError as error:
                raise fail(warehouse, name, error) from error
            except Exception as error:
                # A bug, or a full disk: Dagster shows the stack; dependents must see the refusal.
                warehouse.store.refuse(name, (Finding("made", False, 0, 0, repr(error)),))
                raise
            findings = judge(frame, model, warehouse.expectations(name))
            # Of a frame that has other columns than its model's, nothing more can be said.
            if all(finding.passed for finding in findings if finding.rule == "schema"):
                findings += judge_laws(frame, laws, inputs)
            document = None
            if all(finding.passed for finding in findings):
                frame = conform(frame, model)
                record = Record(
                    asset=name,
                    data_version=digest_of_table(frame),
                    code_version=str(context.assets_def.get_asset_spec().code_version),
                    settings_version=warehouse.settings_version(name),
                    inputs=input_versions(context, warehouse, as_stored="store" in arguments),
                )
                if receipt is not None:
                    document = receipt_of(receipt, frame, record)
                    findings += judge_receipt(document, receipt, frame, warehouse.store)
            yield from (check_result(finding) for finding in findings)
            if not all(finding.passed for finding in findings):
                warehouse.store.refuse(name, tuple(findings), frame)
                return
            kept = tuple(finding_fields(finding) for finding in findings)
            yield dg.MaterializeResult(
                value=Accepted(frame, dataclasses.replace(record, findings=kept), document),
                data_version=dg.DataVersion(record.data_version),
                metadata={"dagster/row_count": frame.num_rows, **lineage},
            )

        return compute

    return decorate


def inputs_of(
    function: Callable[..., Any],
) -> tuple[dict[str, dg.AssetIn], dict[str, tuple[str, inspect.Parameter]]]:
    """What the arguments of ``function`` ask for: tables, and assets whose record is read."""
    arguments = inspect.signature(function, eval_str=True).parameters.values()
    tables = {
        argument.name: dg.AssetIn(key=argument.name)
        for argument in arguments
        if argument.annotation is pa.Table
    }
    from_records = {
        argument.name: ("/".join(argument.annotation.asset_path(argument.name)), argument)
        for argument in arguments
        if hasattr(argument.annotation, "asset_path")
    }
    return tables, from_records


def _call(
    function: Transform, context: dg.AssetExecutionContext, inputs: dict[str, Any], wants_sql: bool
) -> pa.Table:
    if not wants_sql:
        return function(**inputs)
    with context.resources.duckdb.get_connection() as con:
        return function(con=con, **inputs)


def fail(warehouse: Warehouse, asset: str, error: AinaError) -> dg.Failure:
    """Record that ``asset`` could not be made; the failure to raise, with all four parts."""
    warehouse.store.refuse(asset, (Finding("readable", False, 0, 0, str(error)),))
    return dg.Failure(
        description=str(error),
        metadata={
            "expected": error.expected,
            "found": error.found,
            "where": error.where,
            "remedy": error.remedy,
        },
        allow_retries=False,
    )


def check_result(finding: Finding, asset_key: dg.AssetKey | None = None) -> dg.AssetCheckResult:
    """``finding`` as Dagster's check result."""
    metadata: dict[str, Any] = {
        "checked_rows": finding.checked_rows,
        "failing_rows": finding.failing_rows,
        "detail": finding.detail,
    }
    if finding.sample:
        metadata["sample"] = dg.MetadataValue.json([dict(row) for row in finding.sample])
    return dg.AssetCheckResult(
        passed=finding.passed, check_name=finding.rule, asset_key=asset_key, metadata=metadata
    )


def input_versions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, *, as_stored: bool = False
) -> dict[str, str]:
    """Data version of every direct input of the running asset, by key.

    Args:
        context: of the running asset.
        warehouse: the warehouse.
        as_stored: take inputs as they lie, whatever became of the latest attempt at them; those
            that were never built are left out.
    """
    names = ["/".join(dep.asset_key.path) for dep in context.assets_def.get_asset_spec().deps]
    read = warehouse.store.record if as_stored else warehouse.store.require
    found = {name: read(name) for name in sorted(names)}
    return {name: record.data_version for name, record in found.items() if record is not None}


def receipt_spec_of(spec: dg.AssetSpec) -> ReceiptSpec | None:
    """How the rows of an asset become a receipt; None where it leaves none."""
    kept = spec.metadata.get(RECEIPT)
    if kept is None:
        return None
    said: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list | tuple) else value
        for name, value in kept.value.items()
    }
    unlocks = said.pop("unlocks")
    return ReceiptSpec(**said, unlocks=Unlocks(**unlocks) if unlocks else None)


def _receipt_metadata(receipt: ReceiptSpec | None) -> dict[str, Any]:
    return {RECEIPT: dg.MetadataValue.json(dataclasses.asdict(receipt))} if receipt else {}


def _definition_metadata(model: type[Table]) -> dict[str, Any]:
    schema = arrow_schema(model)
    columns = columns_of(model)
    return {
        "dagster/table_name": table_name(model),
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    field.name,
                    str(field.type),
                    description=columns[field.name].description,
                    constraints=dg.TableColumnConstraints(
                        nullable=field.nullable, unique=(field.name,) == model.__key__
                    ),
                )
                for field in schema
            ]
        ),
        **_column_lineage(model),
    }


def _column_lineage(model: type[Table]) -> dict[str, Any]:
    deps = {
        name: [_column_dep(source) for source in sources]
        for name, sources in column_sources(model).items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {}


def _column_dep(source: str) -> dg.TableColumnDep:
    # Assets' names have no dot; a file's header may.
    asset, _, column = source.partition(".")
    return dg.TableColumnDep(asset_key=dg.AssetKey(asset.split("/")), column_name=column)
