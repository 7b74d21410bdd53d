"""Files of a source, present and verified in a cache, or absent with a reason.

Belongs here: policy. What is fetched, in which order it is asked for, the caps, what required
means, and the outcome of each file. Stays out: protocols (``transport``, ``hub``, ``archives``),
the files' places and proofs (``cache``), what a file means (the readers).

What holds after ``obtain``:

- a name in the cache holds either a whole file that passed its checks or what was there before;
- every file was hashed, and one whose bytes are not the pinned ones is an error, required or not;
- no byte was fetched of a file, or for a dataset, that metadata showed to be over its cap;
- a file that cannot be had is an error when required, otherwise absent with the reason;
- nothing was written unless something was fetched.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from aina_assets.contracts.errors import (
    SourceError,
    SourceOverCap,
    SourceUnavailable,
)
from aina_assets.contracts.vocabulary import AbsenceReason, FileStatus
from aina_assets.sources.cache import Cache
from aina_assets.sources.lockfile import (
    ArchiveOrigin,
    GithubOrigin,
    HuggingFaceOrigin,
    LocalOrigin,
    LockedFile,
    Source,
    UrlOrigin,
)
from aina_assets.sources.origins import CannotBeHad, Origin, check_cap


@dataclass(frozen=True)
class FileState:
    """What became of one file of a lock.

    Attributes:
        input: the declared input it feeds.
        source: the source's name in the lock.
        path: where it lies below the cache root, POSIX, relative.
        local_path: the verified file; None when absent.
        status: present or absent.
        sha256: digest of the bytes on disk; None when absent.
        size_bytes: size on disk; None when absent.
        is_pinned: the lock pins the digest.
        reason: why it is absent; None when present.
        detail: the same for a person to read.
        fetched: this call downloaded or extracted it.
    """

    input: str
    source: str
    path: str
    local_path: Path | None
    status: FileStatus
    sha256: str | None
    size_bytes: int | None
    is_pinned: bool
    reason: AbsenceReason | None
    detail: str
    fetched: bool


_Outcomes = dict[str, FileState | SourceError]
_Fault = CannotBeHad | SourceError | OSError


@dataclass(frozen=True)
class _Job:
    source_name: str
    source: Source
    cache: Cache
    offline: bool


def obtain(
    source_name: str,
    source: Source,
    *,
    cache: Path,
    inputs: Collection[str] | None = None,
    offline: bool = False,
) -> dict[str, FileState | SourceError]:
    """The state of each file of ``source``, fetching what the cache lacks.

    Args:
        source_name: its name in the lock.
        source: the source.
        cache: root of the files. Need not be writable when nothing is to be fetched.
        inputs: only files that feed one of these; None for all.
        offline: never open a connection.

    Returns:
        By file path, in lock order: a ``FileState``, or the error that keeps that file from being
        used. One file's error does not keep the others from being obtained.
    """
    job = _Job(source_name, source, Cache(cache), offline)
    wanted = [file for file in source.files if inputs is None or file.input in inputs]
    results: _Outcomes = {}
    if _missing(job, wanted):
        try:
            origin = _origin(job)
            with job.cache.only_writer():
                results = _fetched(job, origin, _missing(job, wanted))
        except _Fault as fault:
            results = {file.path: _settled(job, file, fault) for file in _missing(job, wanted)}
    on_disk = [file for file in wanted if file.path not in results]
    total = job.cache.size_bytes(source.files)
    results |= _each(job, on_disk, partial(_on_disk, job, total))
    return {file.path: results[file.path] for file in wanted}


def _missing(job: _Job, files: Sequence[LockedFile]) -> list[LockedFile]:
    return [file for file in files if not job.cache.path(file).exists()]


def _on_disk(job: _Job, dataset_bytes: int, file: LockedFile) -> FileState:
    _check_dataset_cap(job, dataset_bytes)
    return _present(job, file, "on disk")


def _fetched(job: _Job, origin: Origin, files: Sequence[LockedFile]) -> _Outcomes:
    """Every size is looked up before any file is fetched, so that the dataset's cap can hold."""
    announced: dict[str, int] = {}

    def look_up(file: LockedFile) -> None:
        size = origin.look_up(file)
        check_cap(file, size or 0, "announced")
        is_stored_so = size is not None and file.compression is None
        announced[file.path] = file.size_bytes or (size if is_stored_so else None) or file.byte_cap

    refused = {}
    for file in files:
        try:
            look_up(file)
        except _Fault as fault:
            refused[file.path] = _settled(job, file, fault)
    total = job.cache.size_bytes(job.source.files) + sum(announced.values())
    admitted = [file for file in files if file.path in announced]
    return refused | _each(job, admitted, partial(_download, job, origin, total))
