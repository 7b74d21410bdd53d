"""What changes between two locks, and a lock brought up to date with files on disk.

Belongs here: comparing locks entry by entry, and hashing files to write new pins.
Stays out: fetching (``fetch``), the lock's schema and its file form (``lockfile``), printing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aina_assets.contracts.errors import LockError
from aina_assets.sources.lockfile import (
    PRIVATE_NAMES,
    LocalOrigin,
    LockedFile,
    Source,
    SourcesLock,
    sha256_of_file,
)

ChangeKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class LockChange:
    """One difference between two locks.

    Attributes:
        kind: added, removed or changed.
        source: the source's name; None for a field of the lock itself.
        file: the file's path; None for a field of the source.
        field: what differs, dotted for the origin (``origin.revision``); None when the whole
            source or file was added or removed.
        before: the value in the first lock; a removed source's title, a removed file's sha256.
        after: the value in the second lock, likewise.
    """

    kind: ChangeKind
    source: str | None
    file: str | None
    field: str | None
    before: object
    after: object


def diff_locks(before: SourcesLock, after: SourcesLock) -> list[LockChange]:
    """What changes from ``before`` to ``after``: the lock, then sources and files by name."""
    changes = _changed_fields(None, None, _lock_fields(before), _lock_fields(after))
    for name in sorted(before.sources.keys() | after.sources.keys()):
        changes += _source_changes(name, before.sources.get(name), after.sources.get(name))
    return changes


def _source_changes(name: str, old: Source | None, new: Source | None) -> list[LockChange]:
    if old is None or new is None:
        changes = [_whole(name, None, old and old.title, new and new.title, is_new=old is None)]
    else:
        changes = _changed_fields(name, None, _source_fields(old), _source_fields(new))
    old_files = {file.path: file for file in old.files} if old else {}
    new_files = {file.path: file for file in new.files} if new else {}
    for path in sorted(old_files.keys() | new_files.keys()):
        was, now = old_files.get(path), new_files.get(path)
        if was is None or now is None:
            changes.append(
                _whole(name, path, was and was.sha256, now and now.sha256, is_new=was is None)
            )
        else:
            changes += _changed_fields(name, path, was.model_dump(), now.model_dump())
    return changes


def _whole(
    source: str, file: str | None, before: object, after: object, *, is_new: bool
) -> LockChange:
    return LockChange("added" if is_new else "removed", source, file, None, before, after)


def _changed_fields(
    source: str | None, file: str | None, old: Mapping[str, object], new: Mapping[str, object]
) -> list[LockChange]:
    return [
        LockChange(
            "changed" if field in old and field in new else "added" if field in new else "removed",
            source,
            file,
            field,
            old.get(field),
            new.get(field),
        )
        for field in dict.fromkeys([*old, *new])
        if old.get(field) != new.get(field) or (field in old) != (field in new)
    ]


def _lock_fields(lock: SourcesLock) -> dict[str, Any]:
    return lock.model_dump(mode="json", exclude={"sources"})


def _source_fields(source: Source) -> dict[str, Any]:
    fields = source.model_dump(mode="json", exclude={"files"})
    origin = fields.pop("origin")
    return fields | {f"origin.{field}": value for field, value in origin.items()}


def refresh_lock(
    template: SourcesLock, root: Path, name: str | None = None
) -> tuple[SourcesLock, list[str]]:
    """``template`` with the digests and sizes of the files that lie under ``root``.

    A file is looked for at its ``path``, then by its base name where exactly one unnamed file and
    one missing entry have it; then ``path`` follows it. An entry that is not found stays as it is.

    Args:
        template: provenance, licences, origins and caps to keep.
        root: folder of files.
        name: the new lock's name; the template's by default.

    Returns:
        The new lock, and one line for each thing a person should know: entries not found, renamed,
        with other bytes than pinned or over their cap, and files that no entry names.

    Raises:
        LockError: ``root`` is not a folder.
    """
    if not root.is_dir():
        raise LockError(
            expected="a folder of upstream files",
            found="no folder",
            where=str(root),
            remedy="give the folder that the lock's paths are relative to",
        )
    on_disk = _files_below(root)
    named = {file.path for source in template.sources.values() for file in source.files}
    homeless = on_disk - named
    moved = _moved_by_base_name(named - on_disk, homeless)
    notes: list[str] = []
    sources: dict[str, Any] = {}
    for source_name, source in template.sources.items():
        files = tuple(
            _refreshed(file, source, root, moved.get(file.path, file.path), notes)
            for file in source.files
        )
        sources[source_name] = source.model_copy(update={"files": files})
    unnamed = sorted(homeless - set(moved.values()))
    notes += [f"{path}: on disk, but no entry names it" for path in unnamed]
    update = {"sources": sources} | ({} if name is None else {"name": name})
    refreshed = template.model_copy(update=update)
    return SourcesLock.model_validate(refreshed.model_dump()), notes


def _files_below(root: Path) -> set[str]:
    relative = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {path.as_posix() for path in relative if path.parts[0] not in PRIVATE_NAMES}


def _moved_by_base_name(missing: set[str], homeless: set[str]) -> dict[str, str]:
    """Missing path to found path, where the base name is unique on both sides."""
    moved = {}
    for path in missing:
        base = path.rsplit("/", 1)[-1]
        found = [other for other in homeless if other.rsplit("/", 1)[-1] == base]
        rivals = [other for other in missing if other.rsplit("/", 1)[-1] == base]
        if len(found) == len(rivals) == 1:
            moved[path] = found[0]
    return moved


def _refreshed(
    file: LockedFile, source: Source, root: Path, path: str, notes: list[str]
) -> LockedFile:
    if not (root / path).is_file():
        kind = "required" if file.required else "not required"
        notes.append(f"{file.path}: not on disk ({kind}), entry kept unchanged")
        return file
    sha256, size = sha256_of_file(root / path)
    update: dict[str, Any] = {"path": path, "sha256": sha256, "size_bytes": size}
    if path != file.path:
        notes.append(f"{file.path}: found at {path}")
        if not isinstance(source.origin, LocalOrigin):
            update["remote_path"] = file.at_origin
    if file.sha256 is None:
        notes.append(f"{path}: pinned for the first time, sha256 {sha256}")
    elif file.sha256 != sha256:
        notes.append(f"{path}: other bytes, sha256 {sha256} instead of {file.sha256}")
    if size > file.byte_cap:
        notes.append(f"{path}: {size} bytes, over its cap of {file.byte_cap}")
    return file.model_copy(update=update)
