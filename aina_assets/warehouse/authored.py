"""Authored documents: policy that people write and review, read by the graph like any other input.

Belongs here: the base of every document's model and the one asset each document has
(``authored/<name>``), so that a changed rule makes stale exactly what stands on it and an auditor
sees which version of a rule decided. Stays out: what any document says.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import dagster as dg
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Record, finding_fields

AUTHORED_GROUP = "authored"
WELL_FORMED = "well_formed"
_CODE_VERSION = code_version_of([__name__])


class AuthoredDocument(BaseModel):
    """A YAML file of ``data/``, named by the class argument ``document`` (without its suffix).

    As the annotation of a table function's argument it makes the document an input of that table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    __document__: ClassVar[str]

    def __init_subclass__(cls, *, document: str = "", **kwargs: Any) -> None:
        if document:
            cls.__document__ = document
        super().__init_subclass__(**kwargs)

    @classmethod
    def path(cls) -> Path:
        """Where the document lies."""
        return AUTHORED / f"{cls.__document__}.yaml"

    @classmethod
    def asset_path(cls, argument: str) -> tuple[str, ...]:  # noqa: ARG003 - one document a class
        """The key of the asset that holds the document."""
        return (AUTHORED_GROUP, cls.__document__)

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The document as the asset recorded it.

        Raises:
            AuthoredDocumentError: it changed since, or is malformed.
        """
        (entry,) = record.details["files"]
        found, _ = sha256_of_file(cls.path())
        if found != entry["sha256"]:
            raise AuthoredDocumentError(
                expected=f"sha256 {entry['sha256']}, as recorded when the build began",
                found=f"sha256 {found}",
                where=str(cls.path()),
                remedy="build again: the document changed while the build was at work",
            )
        return cls.load()

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The document at ``path`` (its own place by default), validated.

        Raises:
            AuthoredDocumentError: not there, not YAML, or not what the model says.
        """
        place = path or cls.path()
        try:
            return cls.model_validate(yaml.safe_load(place.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise AuthoredDocumentError(
                expected=f"a document as {cls.__name__} describes it",
                found=str(error),
                where=str(place),
                remedy="mend the document; the last good version is in the history",
            ) from error


def settings_version(name: str) -> str:
    """Digest of the bytes now on disk for document ``name``."""
    path = AUTHORED / f"{name}.yaml"
    return sha256_of_file(path)[0][:16] if path.is_file() else "no file"


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
                owners=["team:data-engineering"],
                kinds={"file", "yaml"},
                code_version=_CODE_VERSION,
                skippable=True,
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
        warehouse.store.refuse(name, (Finding(WELL_FORMED, False, 0, 0, str(error)),))
        yield dg.AssetCheckResult(
            passed=False, check_name=WELL_FORMED, asset_key=key, metadata={"detail": str(error)}
        )
        return
    digest, size = sha256_of_file(document.path())
    finding = Finding(WELL_FORMED, True, 0, 0, f"{document.path().name}: sha256 {digest}")
    entry = {
        "path": f"data/{document.path().name}",
        "status": "present",
        "sha256": digest,
        "size_bytes": size,
        "source_class": str(SourceClass.INTERNAL),
        "allowed_use": str(AllowedUse.OPEN),
        "detail": "authored in this project",
    }
    record = Record(
        asset=name,
        data_version=digest,
        code_version=_CODE_VERSION,
        settings_version=settings_version(document.__document__),
        inputs={},
        findings=(finding_fields(finding),),
        details={"files": [entry]},
    )
    warehouse.store.commit(record)
    yield dg.AssetCheckResult(
        passed=True, check_name=WELL_FORMED, asset_key=key, metadata={"detail": finding.detail}
    )
    yield dg.MaterializeResult(
        asset_key=key, data_version=dg.DataVersion(digest), metadata={"size_bytes": size}
    )
