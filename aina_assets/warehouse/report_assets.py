"""One decorator makes a report asset of a pure function: inputs, files, record, data version.

Belongs here: everything that is the same for every report asset. Stays out: what any report says,
and what its files look like (``reports``).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import dagster as dg

from aina_assets.contracts.errors import AinaError
from aina_assets.warehouse.assets import (
    OWNERS,
    WATCHING,
    check_result,
    fail,
    input_versions,
    inputs_of,
)
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.receipts import require_receipt, valid_receipt
from aina_assets.warehouse.reports import (
    digest_of_files,
    digest_of_templates,
    loads_from_elsewhere,
    write_report,
)
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, finding_fields

GROUP = "reports"
KIND_REPORT = "report"
RULES = {
    "complete": "the declared files are made, and no others",
    "self_contained": "its pages load nothing from elsewhere",
}

Render = Callable[..., Mapping[str, bytes]]


def report_asset(
    files: Mapping[str, str],
    *,
    templates: Path,
    receipts: Sequence[str] = (),
    deps: Sequence[str] = (),
) -> Callable[[Render], dg.AssetsDefinition]:
    """Declare a function's result, files by name, as a report named after the function.

    The function's arguments are its inputs, as those of ``table_asset``: tables, authored
    documents and ``con``. Four names are served here: ``receipts`` has the receipts by gate,
    ``versions`` the data version of every input, ``templates`` the folder of its templates.
    ``store`` is the warehouse's store itself: for a report about what is stored, which is made even
    where some of its inputs failed or are missing; its ``receipts`` are those that there are.

    Args:
        files: the report's files, each with what is in it; a name with ``*`` stands for any number.
        templates: folder of its templates; they count as its code.
        receipts: gates whose receipts it shows; their items must be among its inputs.
        deps: assets that must be current but are not loaded.
    """

    def decorate(function: Render) -> dg.AssetsDefinition:
        name = function.__name__
        arguments = inspect.signature(function, eval_str=True).parameters
        ins, from_records = inputs_of(function)
        all_deps = [*(key for key, _ in from_records.values()), *deps]
        is_watching = "store" in arguments

        @dg.asset(
            name=name,
            ins=ins,
            deps=[dg.AssetKey(key.split("/")) for key in all_deps],
            group_name=GROUP,
            description=inspect.cleandoc(function.__doc__ or ""),
            owners=OWNERS,
            kinds={KIND_REPORT, *(Path(item).suffix.lstrip(".") for item in files)},
            tags={WATCHING: "true"} if is_watching else None,
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(item, Path(item).suffix.lstrip("."), description=said)
                        for item, said in files.items()
                    ]
                )
            },
            code_version=code_version_of(
                [function.__module__, __name__],
                declaration=repr((dict(files), receipts, digest_of_templates(templates))),
            ),
            check_specs=[
                dg.AssetCheckSpec(rule, asset=name, blocking=True, description=description)
                for rule, description in RULES.items()
            ],
            output_required=False,
            required_resource_keys={"warehouse", "duckdb"},
        )
        def compute(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[Any]:
            warehouse: Warehouse = context.resources.warehouse
            store = warehouse.store
            try:
                versions = input_versions(context, warehouse, as_stored=is_watching)
                served: dict[str, Any] = {
                    "versions": versions,
                    "templates": templates,
                    "store": store,
                }
                if "receipts" in arguments:
                    read = valid_receipt if is_watching else require_receipt
                    found = {gate: read(store, gate) for gate in receipts}
                    served["receipts"] = {gate: item for gate, item in found.items() if item}
                inputs |= {key: served[key] for key in served if key in arguments}
                for argument_name, (key, argument) in from_records.items():
                    record = store.require(key)
                    inputs[argument_name] = argument.annotation.from_record(record)
                if "con" in arguments:
                    with context.resources.duckdb.get_connection() as con:
                        made = function(con=con, **inputs)
                else:
                    made = function(**inputs)
            except AinaError as error:
                raise fail(warehouse, name, error) from error
            except Exception as error:
                store.refuse(name, (Finding("made", False, 0, 0, repr(error)),))
                raise
            findings = judge_report(made, files)
            yield from (check_result(finding) for finding in findings)
            if not all(finding.passed for finding in findings):
                store.refuse(name, tuple(findings))
                return
            entries = write_report(store.root, name, made)
            digest = digest_of_files(made)
            store.commit(
                Record(
                    asset=name,
                    data_version=digest,
                    code_version=str(context.assets_def.get_asset_spec().code_version),
                    settings_version=warehouse.settings_version(name),
                    inputs=versions,
                    findings=tuple(finding_fields(finding) for finding in findings),
                    details={"files": entries},
                )
            )
            yield dg.MaterializeResult(
                data_version=dg.DataVersion(digest),
                metadata={
                    Path(entry["path"]).name: dg.MetadataValue.path(str(store.root / entry["path"]))
                    for entry in entries
                },
            )

        return compute

    return decorate


def judge_report(made: Mapping[str, bytes], files: Mapping[str, str]) -> list[Finding]:
    """Findings for the rules of every report: what was made against what is declared."""
    wrong = sorted(
        [
            *(name for name in files if "*" not in name and name not in made),
            *(name for name in made if not any(fnmatchcase(name, item) for item in files)),
        ]
    )
    pages = [name for name in made if name.endswith(".html")]
    loaded = [f"{name}: {item}" for name in pages for item in loads_from_elsewhere(made[name])]
    return [
        Finding(
            "complete",
            not wrong,
            len(files),
            len(wrong),
            f"expected {', '.join(sorted(files))}; found {', '.join(sorted(made))}",
        ),
        Finding(
            "self_contained",
            not loaded,
            len(pages),
            len(loaded),
            f"expected {RULES['self_contained']}; found {', '.join(loaded) or 'so'}",
        ),
    ]
