"""One asset per authored document, checked for being what its model says.

Belongs here: the declaration. What a document is, and what it says, is elsewhere (``authored``).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.warehouse.assets import OWNERS, check_result
from aina_assets.warehouse.authored import (
    AUTHORED_GROUP,
    AuthoredDocument,
    digest_of_files,
    files_of,
    version_of,
)
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, finding_fields

WELL_FORMED = "well_formed"
_CODE_VERSION = code_version_of([__name__])


_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("path", "string", description="Where the document lies."),
        dg.TableColumn("sha256", "string", description="Digest of its bytes."),
    ]
)


def authored_assets(documents: Sequence[type[AuthoredDocument]]) -> dg.AssetsDefinition:
    """One asset per document, checked for being what its model says."""
    by_key = {dg.AssetKey(list(item.asset_path(""))): item for item in documents}

    @dg.multi_asset(
        name="read_authored_documents",
        specs=[
            dg.AssetSpec(
                key=key,
                description=(document.__doc__ or "").strip(),
                group_name=AUTHORED_GROUP,
                owners=OWNERS,
                kinds={"file", "yaml"},
                code_version=_CODE_VERSION,
                skippable=True,
                metadata={"dagster/column_schema": _COLUMNS},
            )
            for key, document in by_key.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(
                WELL_FORMED, asset=key, blocking=True, description="the document is as modelled"
            )
            for key in by_key
        ],
        can_subset=True,
        required_resource_keys={"warehouse"},
    )
    def read(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        for key in sorted(context.selected_asset_keys):
            yield from _read(warehouse, key, by_key[key])

    return read


def _read(
    warehouse: Warehouse, key: dg.AssetKey, document: type[AuthoredDocument]
) -> Iterator[Any]:
    name = "/".join(key.path)
    try:
        document.load()
    except AuthoredDocumentError as error:
        finding = Finding(WELL_FORMED, False, 0, 0, str(error))
        warehouse.store.refuse(name, (finding,))
        yield check_result(finding, key)
        return
    files = files_of(document.path())
    digest = digest_of_files(files)
    said = f"{document.path().name}: sha256 {digest}, {len(files)} file(s)"
    finding = Finding(WELL_FORMED, True, 0, 0, said)
    entries = [
        {
            "path": f"data/{file.path}",
            "status": "present",
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "source_class": str(SourceClass.INTERNAL),
            "allowed_use": str(AllowedUse.OPEN),
            "detail": "authored in this project",
        }
        for file in files
    ]
    record = Record(
        asset=name,
        data_version=digest,
        code_version=_CODE_VERSION,
        settings_version=version_of(files),
        inputs={},
        findings=(finding_fields(finding),),
        details={"files": entries},
    )
    warehouse.store.commit(record)
    yield check_result(finding, key)
    yield dg.MaterializeResult(
        asset_key=key,
        data_version=dg.DataVersion(digest),
        metadata={"size_bytes": sum(file.size_bytes for file in files), "files": len(files)},
    )
