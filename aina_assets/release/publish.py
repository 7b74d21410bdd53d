"""Publish by swap: build a release beside the one being read, then change one link.

Belongs here: the release folder. ``releases/<id>/`` holds ``aina.duckdb`` (every published table,
opened read-only) and ``release.json``; ``releases/current`` is a symbolic link to one of them. The
id is the digest of the manifest: the same data is the same release.

A reader that has the former release open keeps it; the last few releases stay on disk.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.files import (
    TEMPORARY_PREFIX,
    is_local,
    swap_link,
    sync_directory,
    sync_file,
    write_json,
)
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Table, columns_of, describe

DATABASE = "aina.duckdb"
DOCUMENT = "release.json"
KEPT_RELEASES = 5


@dataclass(frozen=True)
class Release:
    """A published release.

    Attributes:
        release_id: its id.
        path: its database.
        tables: rows by table.
    """

    release_id: str
    path: Path
    tables: Mapping[str, int]


def release_id_of(manifest: Record) -> str:
    """The id of the release that ``manifest`` describes."""
    return manifest.data_version[:16]


def current_release(root: Path) -> Release | None:
    """The release that readers open now; None before the first."""
    link = root / "releases" / "current"
    try:
        document = json.loads((link / DOCUMENT).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Release(document["release_id"], link / DATABASE, document["tables"])


def is_served(store: Store, asset: str) -> bool:
    """Whether readers open the release that ``asset`` has on record.

    They do not where a build was killed between the swap and its record, or a hand moved the link
    or changed document or database.
    """
    if not is_local(store.root):
        return True
    record = store.record(asset)
    try:
        current = current_release(Path(str(store.root)))
    except (ValueError, KeyError):
        return False
    if record is None or current is None:
        return False
    if current.release_id != record.data_version or not current.path.exists():
        return False
    # The document is written after the database, the record last: what is newer than what comes
    # after it was touched by somebody else.
    document = (current.path.parent / DOCUMENT).stat().st_mtime_ns
    written = store.record_path(asset).stat().st_mtime_ns
    if current.path.stat().st_mtime_ns <= document <= written:
        return True
    found = [store.record(name) for name in record.inputs]
    rows = {item.asset: int(item.row_count or 0) for item in found if item is not None}
    return _is_intact(current.path.parent, record.data_version, rows)


def publish(
    store: Store, manifest: Record, records: Iterable[Record], models: Mapping[str, type[Table]]
) -> Release:
    """Make the tables of ``records`` the current release.

    Args:
        store: the warehouse; on a local disk.
        manifest: the record of the manifest, which names the release.
        records: records of every table to publish.
        models: the tables' models by name, for comments in the database.

    Raises:
        AinaError: the warehouse is not on a local disk, or a snapshot does not have the recorded
            rows. The former release stays.
    """
    if not is_local(store.root):
        raise AinaError(
            expected="a warehouse on a local disk",
            found=str(store.root),
            where="publish",
            remedy="publish from a machine that has the warehouse on disk",
        )
    releases = Path(str(store.root)) / "releases"
    release_id = release_id_of(manifest)
    final = releases / release_id
    releases.mkdir(parents=True, exist_ok=True)
    tables = {record.asset: int(record.row_count or 0) for record in records}
    if not _is_intact(final, release_id, tables):
        building = releases / f"{TEMPORARY_PREFIX}{os.getpid()}-{release_id}"
        building.mkdir()
        try:
            _write_database(building / DATABASE, store, records, models)
            document = _document_of(building / DATABASE, release_id, tables)
            write_json(UPath(building / DOCUMENT), document)
            sync_directory(building)
            if final.exists():
                final.rename(releases / f"{TEMPORARY_PREFIX}damaged-{os.getpid()}-{release_id}")
            building.rename(final)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        sync_directory(releases)
    swap_link(releases / "current", release_id)
    _prune(releases, release_id)
    return Release(release_id, final / DATABASE, tables)


def _write_database(
    path: Path, store: Store, records: Iterable[Record], models: Mapping[str, type[Table]]
) -> None:
    with duckdb.connect(str(path)) as con:
        for record in records:
            con.register("snapshot", store.open_snapshot(record))
            name = record.asset
            con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM snapshot')  # noqa: S608
            con.unregister("snapshot")
            stored = con.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608
            if stored is None or stored[0] != record.row_count:
                raise AinaError(
                    expected=f"{record.row_count} rows",
                    found=f"{stored[0] if stored else 0} rows",
                    where=f"{name} in the release",
                    remedy=f"rebuild it: aina build --full --select 'key:\"{name}\"'",
                )
            _comment(con, name, models[name])
        con.execute("CHECKPOINT")
    sync_file(path)


def _comment(con: duckdb.DuckDBPyConnection, name: str, model: type[Table]) -> None:
    con.execute(f'COMMENT ON TABLE "{name}" IS {_literal(describe(model))}')
    for column, item in columns_of(model).items():
        con.execute(f'COMMENT ON COLUMN "{name}"."{column}" IS {_literal(item.description or "")}')


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _document_of(database: Path, release_id: str, tables: Mapping[str, int]) -> dict[str, Any]:
    """What is written beside ``database`` about it."""
    sha256, size_bytes = sha256_of_file(database)
    return {
        "release_id": release_id,
        "database_sha256": sha256,
        "size_bytes": size_bytes,
        "tables": dict(tables),
    }


def _is_intact(release: Path, release_id: str, tables: Mapping[str, int]) -> bool:
    """Whether the document says what is so of the database beside it."""
    try:
        document = json.loads((release / DOCUMENT).read_text(encoding="utf-8"))
        return bool(document == _document_of(release / DATABASE, release_id, tables))
    except (OSError, ValueError):
        return False


def _prune(releases: Path, current: str) -> None:
    """Remove the oldest releases beyond the kept ones, never the current."""
    former = [
        path
        for path in releases.iterdir()
        if path.is_dir()
        and not path.is_symlink()
        and path.name != current
        and not path.name.startswith(TEMPORARY_PREFIX)
    ]
    former.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in former[KEPT_RELEASES - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
