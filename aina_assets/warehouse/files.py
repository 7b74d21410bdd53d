"""Writing so that a reader never sees half a file.

Belongs here: the only code that creates, replaces or removes files of the warehouse. On a local
disk a write goes to a temporary name, is flushed to the device, and takes its final name by one
rename; on an object store the object appears when its upload completes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from upath import UPath

TEMPORARY_PREFIX = ".writing-"


def is_local(path: UPath) -> bool:
    """True where ``path`` is on a local disk (rename and fsync exist)."""
    return path.protocol in ("", "file", "local")


def write_atomically(path: UPath, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a new file and give it the name ``path`` only when it is whole.

    Raises:
        OSError: the disk is full or failing. ``path`` is then as it was before.
    """
    if not is_local(path):
        with path.open("wb") as stream:
            write(stream)
        return
    target = Path(str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{target.name}"
    try:
        with temporary.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(target.parent)


def write_json(path: UPath, document: object) -> None:
    """``document`` as sorted, indented JSON at ``path``, atomically."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomically(path, lambda stream: _write_all(stream, text.encode()))


def _write_all(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)


def sync_directory(directory: Path) -> None:
    """Flush a directory's entries, so that a rename survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flush a file that another library wrote."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def swap_link(link: Path, target_name: str) -> None:
    """Point the symbolic link ``link`` at its sibling ``target_name`` in one step."""
    temporary = link.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{link.name}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target_name)
    temporary.replace(link)
    sync_directory(link.parent)


def remove_leftovers(root: Path) -> int:
    """Remove what killed writers left under ``root``; the caller holds the build lock.

    Returns:
        How many files and folders were removed.
    """
    leftovers = [
        path
        for path in root.rglob(f"{TEMPORARY_PREFIX}*")
        if "cache" not in path.relative_to(root).parts
    ]
    for path in leftovers:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(leftovers)
