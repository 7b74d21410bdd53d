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
    LocalOrigin,
    LockedFile,
    Source,
    SourcesLock,
)
from aina_assets.warehouse.digests import sha256_of_file

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
    one missing entry have it; then ``path`` follows it.

    Args:
        template: provenance, licences, origins and caps.
        root: folder of files.
        name: of a lock written anew, for the files in ``root`` as they are: its origins are local,
            and a required entry that was not found is left out. Without a name the template is
            refreshed: origins stay, and so does an entry that was not found.

    Returns:
        The lock, and a line for each thing a person should know: what was found, moved, changed,
        over its cap, not found, and on disk without an entry.

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
    entries = {file.path: file for source in template.sources.values() for file in source.files}
    moved = _moved_by_base_name(entries.keys() - on_disk, on_disk - entries.keys())
    places = {path: path for path in entries.keys() & on_disk} | moved
    found = {path: _pinned(entries[path], root, place) for path, place in places.items()}
    sources = {}
    for source_name, source in template.sources.items():
        files = tuple(found.get(file.path, file) for file in source.files)
        if name is None:
            sources[source_name] = source.model_copy(update={"files": files})
        elif kept := [file for file in files if file.path in on_disk or not file.required]:
            sources[source_name] = _as_on_disk(source, kept)
    update: dict[str, Any] = {"sources": sources}
    if name is not None:
        update |= {"name": name, "note": "Files on disk, as they were when this was written."}
    lock = SourcesLock.model_validate(template.model_copy(update=update).model_dump())
    return lock, _notes(entries, found, moved, on_disk, is_new=name is not None)


def _files_below(root: Path) -> set[str]:
    """Paths of the files that a lock could name: not hidden, and not the lock itself."""
    relative = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    visible = {path.as_posix() for path in relative if not path.parts[0].startswith(".")}
    return visible - {"sources.lock.yaml"}


def _moved_by_base_name(missing: set[str], homeless: set[str]) -> dict[str, str]:
    """Missing path to found path, where the base name is unique on both sides."""
    wanted, offered = _by_base_name(missing), _by_base_name(homeless)
    return {
        wanted[base][0]: offered[base][0]
        for base in wanted.keys() & offered.keys()
        if len(wanted[base]) == len(offered[base]) == 1
    }


def _by_base_name(paths: set[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(path.rpartition("/")[2], []).append(path)
    return names


def _pinned(file: LockedFile, root: Path, path: str) -> LockedFile:
    sha256, size = sha256_of_file(root / path)
    remote_path = file.remote_path if path == file.path else file.at_origin
    update = {"path": path, "remote_path": remote_path, "sha256": sha256, "size_bytes": size}
    return file.model_copy(update=update)


def _as_on_disk(source: Source, files: list[LockedFile]) -> Source:
    """``source`` with ``files``, read from disk only; the note keeps the official place."""
    if isinstance(source.origin, LocalOrigin):
        note = source.note
    else:
        note = f"Official place: {source.origin.describe()}"
    local = {"remote_path": None, "compression": None}
    update = {
        "origin": LocalOrigin(kind="local"),
        "note": note,
        "files": tuple(file.model_copy(update=local) for file in files),
    }
    return source.model_copy(update=update)


def _notes(
    entries: Mapping[str, LockedFile],
    found: Mapping[str, LockedFile],
    moved: Mapping[str, str],
    on_disk: set[str],
    *,
    is_new: bool,
) -> list[str]:
    """One line for each thing worth knowing."""
    absent = [file for path, file in entries.items() if path not in found]
    left_out = [file.path for file in absent if is_new and file.required]
    kept = [file.path for file in absent if file.path not in left_out]
    other = [
        now.path for path, now in found.items() if entries[path].sha256 not in (None, now.sha256)
    ]
    lines = {
        "found under another path": list(moved.values()),
        "other bytes than were pinned": other,
        "over the byte cap": [
            now.path for now in found.values() if (now.size_bytes or 0) > now.byte_cap
        ],
        "not found, required, left out": left_out,
        "not found, entry kept": kept,
        "unknown, no entry names it": list(on_disk - entries.keys() - set(moved.values())),
    }
    return [f"found: {len(found)} of {len(entries)} files"] + [
        f"{label}: {_some(paths)}" for label, paths in lines.items() if paths
    ]


def _some(paths: list[str]) -> str:
    shown, rest = sorted(paths)[:4], len(paths) - 4
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
