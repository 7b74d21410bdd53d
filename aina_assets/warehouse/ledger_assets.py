"""One asset per ledger: its chain verified, its head recorded.

Belongs here: the declaration. How a ledger is looked into is elsewhere (``ledgers``), what it says
in its room.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from aina_assets.contracts.errors import AinaError, LedgerTampered
from aina_assets.contracts.vocabulary import AllowedUse, FileStatus, SourceClass
from aina_assets.warehouse import ledgers
from aina_assets.warehouse.assets import OWNERS, check_result, fail
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.ledgers import LEDGER_GROUP as LEDGER_GROUP
from aina_assets.warehouse.ledgers import WALKED, LedgerSpec
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, finding_fields

CHAIN_HOLDS = "chain_holds"
_CODE_VERSION = code_version_of([__name__])

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("position", "int", description="Of the last entry; 0 before the first."),
        dg.TableColumn("digest", "string", description="Of the last entry, and so of all."),
    ]
)


def ledger_asset(ledger: LedgerSpec) -> dg.AssetsDefinition:
    """The asset ``ledger/<name>``, whose data version is the digest of the ledger's last entry."""
    name = ledger.name
    key = dg.AssetKey([LEDGER_GROUP, name])
    asset = "/".join(key.path)

    @dg.asset(
        key=key,
        description=ledger.description,
        group_name=LEDGER_GROUP,
        owners=OWNERS,
        kinds={"ledger"},
        tags={WALKED: "true"} if ledger.is_walked else None,
        code_version=_CODE_VERSION,
        metadata={"dagster/column_schema": _COLUMNS},
        check_specs=[
            dg.AssetCheckSpec(
                CHAIN_HOLDS,
                asset=key,
                blocking=True,
                description="every entry is as it was recorded, up to the head recorded last",
            )
        ],
        output_required=False,
        required_resource_keys={"warehouse"},
    )
    def look(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        store = warehouse.store
        try:
            # All of it, each time: a head that is still there says nothing of an entry before it
            # that was changed without its digest, and dependents read them all.
            head = ledgers.verified_head(name, ledgers.head_in(store.record(asset)))
        except LedgerTampered as error:
            detail = (
                f"{error}; or, where another ledger is meant to be here, remove state/{asset}.json"
                " below the warehouse and build again"
            )
            finding = Finding(CHAIN_HOLDS, False, 0, 1, detail)
            store.refuse(asset, (finding,))
            yield check_result(finding, key)
            return
        except AinaError as error:
            raise fail(warehouse, asset, error) from error
        position, digest = head
        said = f"head at position {position}" if position else ledgers.NOTHING_RECORDED
        finding = Finding(CHAIN_HOLDS, True, position, 0, said)
        version = ledgers.version_of(head)
        entry = {
            "path": asset,
            "status": str(FileStatus.PRESENT if position else FileStatus.ABSENT),
            "sha256": digest,
            "source_class": str(SourceClass.INTERNAL),
            "allowed_use": str(AllowedUse.INTERNAL_ONLY),
            "detail": said,
        }
        store.commit(
            Record(
                asset=asset,
                data_version=version,
                code_version=_CODE_VERSION,
                settings_version=version,
                inputs={},
                findings=(finding_fields(finding),),
                details={"position": position, "digest": digest, "files": [entry]},
            )
        )
        yield check_result(finding, key)
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(version), metadata={"entries": position, "found": said}
        )

    return look
