"""Where the files of a lock lie, the record of what was fetched, and how a file arrives.

Belongs here: paths, verification of the bytes on disk, atomic arrival, the lock between processes.
Stays out: origins and policy (``fetch``).

The root also holds names of our own, all hidden: ``.aina-manifest.json`` (what was fetched, from
where, with which digest: what an unpinned file is held to), ``.aina-lock``, ``.archives`` and
``.huggingface``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock
from upath import UPath

from aina_assets.contracts.errors import SourceFormatError, SourceHashMismatch
from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import LockedFile
from aina_assets.sources.origins import CannotBeHad, check_cap
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.files import TEMPORARY_PREFIX, write_atomically, write_json


@dataclass(frozen=True)
class Cache:
    """The files below one folder, which need not be writable while nothing is fetched."""

    root: Path

    def path(self, file: LockedFile) -> Path:
        """Where ``file`` lies or will lie."""
        return self.root / file.path

    def size_bytes(self, files: Iterable[LockedFile]) -> int:
        """Bytes on disk of those of ``files`` that are there."""
        return sum(self.path(file).stat().st_size for file in files if self.path(file).exists())

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Wait until no other process fetches into this cache, then keep others out."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            held = FileLock(self.root / ".aina-lock").acquire()
        except OSError as error:
            raise CannotBeHad(
                AbsenceReason.UNREACHABLE,
                f"not in the cache, and the cache cannot be written ({error})",
                "build with a cache that can be written, or place the file there",
            ) from error
        with held:
            yield

    def verified(self, file: LockedFile) -> tuple[str, int]:
        """``(sha256, size in bytes)`` of ``file`` on disk, hashed now.

        Raises:
            CannotBeHad: it is over its cap.
            SourceHashMismatch: the bytes are not the pinned or recorded ones.
            OSError: it cannot be read.
        """
        check_cap(file, self.path(file).stat().st_size, "on disk")
        return self._verified(file, self.path(file))

    def admit(self, file: LockedFile, address: str, fill: Callable[[BinaryIO], None]) -> None:
        """Give the bytes that ``fill`` writes their place, once they are proven and recorded.

        Raises:
            SourceHashMismatch: the bytes are not the pinned or recorded ones. Nothing is kept.
            OSError: the disk is full or failing. Nothing is kept.
        """

        def write(stream: BinaryIO) -> None:
            fill(stream)
            stream.flush()
            sha256, size = self._verified(file, Path(stream.name))
            entry = {"sha256": sha256, "size_bytes": size, "origin": address}
            write_json(UPath(self._manifest), self._recorded() | {file.path: entry})

        target = self.path(file)
        for killed in target.parent.glob(f"{TEMPORARY_PREFIX}*-{target.name}"):
            killed.unlink()
        write_atomically(UPath(target), write)

    def _verified(self, file: LockedFile, content: Path) -> tuple[str, int]:
        sha256, size = sha256_of_file(content)
        pin = file.sha256 or self._recorded().get(file.path, {}).get("sha256", sha256)
        if sha256 != pin or file.size_bytes not in (None, size):
            kind = "pinned" if file.sha256 else f"recorded in {self._manifest.name}"
            raise SourceHashMismatch(
                expected=f"{file.size_bytes} bytes" if sha256 == pin else f"sha256 {pin} ({kind})",
                found=f"sha256 {sha256} ({size} bytes)",
                where=str(self.path(file)),
                remedy="no file was changed: put the right bytes there, or the new ones and accept"
                " them with `aina sources lock`",
            )
        return sha256, size

    @property
    def _manifest(self) -> Path:
        return self.root / ".aina-manifest.json"

    def _recorded(self) -> dict[str, dict[str, Any]]:
        try:
            return dict(json.loads(self._manifest.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            raise SourceFormatError(
                expected="the record of fetched files, as JSON",
                found=f"{type(error).__name__}: {error}",
                where=str(self._manifest),
                remedy="restore it, or delete it to trust the files as they are now",
            ) from error
