"""Files of a source, present and verified in a cache, or absent with a reason.

Belongs here: byte caps, downloading, resuming, verifying and recording what was fetched.
Stays out: what a file means (the readers) and what a lock may say (``lockfile``).

What holds after ``obtain``:

- a name in the cache holds either a whole file that passed its checks or what was there before;
- every file was hashed, and one whose bytes are not the pinned ones is an error, required or not;
- no byte was fetched of a file, or for a dataset, that metadata showed to be over its cap;
- a file that cannot be had is an error when required, otherwise absent with the reason.

The cache root also holds four names of our own: ``.aina-manifest.json`` (what was fetched, from
where, with which digest), ``.aina-locks`` (one fetcher of a source at a time), ``.archives`` and
``.huggingface`` (the hub client's working folder, empty between runs). Nothing is written when
nothing is fetched.
"""

from __future__ import annotations

import email.utils
import errno
import functools
import gzip
import json
import os
import shutil
import ssl
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, assert_never
from urllib.parse import quote, unquote, urlsplit

import httpx
import httpx2
import huggingface_hub
import huggingface_hub.constants
import huggingface_hub.errors
import tenacity
from filelock import FileLock

from aina_assets.contracts.errors import (
    SourceError,
    SourceFormatError,
    SourceHashMismatch,
    SourceOverCap,
    SourceUnavailable,
)
from aina_assets.contracts.vocabulary import AbsenceReason, FileStatus
from aina_assets.sources.lockfile import (
    CHUNK_BYTES,
    ArchiveOrigin,
    GithubOrigin,
    HuggingFaceOrigin,
    LocalOrigin,
    LockedFile,
    Source,
    UrlOrigin,
    sha256_of_file,
)

_MANIFEST_NAME = ".aina-manifest.json"
_USER_AGENT = "aina-assets (public work data; honours Retry-After)"


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
        size_bytes: size on disk, or as announced by the origin; None when unknown.
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
    wanted = [file for file in source.files if inputs is None or file.input in inputs]
    job = _Job(source_name, source, cache, _Manifest(cache))
    on_disk_bytes = sum(_bytes_on_disk(cache / file.path) for file in source.files)
    results: dict[str, FileState | SourceError] = {}
    missing: list[LockedFile] = []
    for file in wanted:
        if not os.path.lexists(cache / file.path):
            missing.append(file)
        elif on_disk_bytes > source.byte_cap:
            over = _dataset_over_cap(job, on_disk_bytes, "on disk")
            results[file.path] = _settled(job, file, over)
        else:
            results[file.path] = _attempted(job, file, functools.partial(_from_disk, job, file))
    if missing:
        results |= _fetched(job, missing, on_disk_bytes, offline=offline)
    return {file.path: results[file.path] for file in wanted}


# ---------------------------------------------------------------------------------------------
# One file: what is asked for, what came of it


@dataclass(frozen=True)
class _Job:
    source_name: str
    source: Source
    cache: Path
    manifest: _Manifest


@dataclass(frozen=True)
class _Wanted:
    """Bytes to be had: a locked file, or the archive that holds several."""

    path: str
    at_origin: str
    sha256: str | None
    size_bytes: int | None
    byte_cap: int
    compression: str | None = None

    @classmethod
    def of(cls, file: LockedFile) -> _Wanted:
        return cls(
            path=file.path,
            at_origin=file.at_origin,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            byte_cap=file.byte_cap,
            compression=file.compression,
        )


@dataclass(frozen=True)
class _Remote:
    """What an origin says of a file before it is fetched."""

    size: int | None
    etag: str | None = None
    commit: str | None = None


class _CannotBeHad(Exception):
    """The origin does not give the file: an error only when the file is required."""

    def __init__(self, reason: AbsenceReason, found: str, remedy: str, size: int | None = None):
        super().__init__(found)
        self.reason = reason
        self.found = found
        self.remedy = remedy
        self.size = size


class _Passing(_CannotBeHad):
    """A fault that may pass: worth another attempt."""

    def __init__(self, found: str, retry_after_seconds: float | None = None):
        super().__init__(
            AbsenceReason.UNREACHABLE, found, "build again later, or place the file by hand"
        )
        self.retry_after_seconds = retry_after_seconds


def _attempted(
    job: _Job, file: LockedFile, call: Callable[[], FileState]
) -> FileState | SourceError:
    try:
        return call()
    except _CannotBeHad as absent:
        return _settled(job, file, absent)
    except SourceError as error:
        return error
    except OSError as error:
        return _disk_error(job, file, error)


def _settled(job: _Job, file: LockedFile, absent: _CannotBeHad) -> FileState | SourceError:
    where = str(job.cache / file.path)
    if file.required:
        if absent.reason is AbsenceReason.OVER_CAP:
            return SourceOverCap(
                expected=f"at most {file.byte_cap} bytes a file and {job.source.byte_cap} bytes"
                f" for {job.source_name}",
                found=absent.found,
                where=where,
                remedy=absent.remedy,
            )
        return SourceUnavailable(
            expected=f"the file, from {job.source.origin.describe()}",
            found=absent.found,
            where=where,
            remedy=absent.remedy,
        )
    return FileState(
        input=file.input,
        source=job.source_name,
        path=file.path,
        local_path=None,
        status=FileStatus.ABSENT,
        sha256=None,
        size_bytes=absent.size,
        is_pinned=file.sha256 is not None,
        reason=absent.reason,
        detail=f"{absent.found}; not required, so it counts as zero rows",
        fetched=False,
    )


def _disk_error(job: _Job, file: LockedFile, error: OSError) -> SourceError:
    return SourceUnavailable(
        expected="a file that can be read, or written when it is missing",
        found=f"{type(error).__name__}: {error}",
        where=str(job.cache / file.path),
        remedy="check the disk and the permissions of the cache, then build again",
    )


def _present(
    job: _Job, file: LockedFile, sha256: str, size: int, detail: str, *, fetched: bool
) -> FileState:
    return FileState(
        input=file.input,
        source=job.source_name,
        path=file.path,
        local_path=job.cache / file.path,
        status=FileStatus.PRESENT,
        sha256=sha256,
        size_bytes=size,
        is_pinned=file.sha256 is not None,
        reason=None,
        detail=detail,
        fetched=fetched,
    )


def _from_disk(job: _Job, file: LockedFile) -> FileState:
    sha256, size = _verified_on_disk(job, _Wanted.of(file))
    if file.sha256 is not None:
        detail = "on disk, as pinned"
    elif job.manifest.digest_of(file.path) is not None:
        detail = "on disk, not pinned, as recorded when it was fetched"
    else:
        detail = "on disk, not pinned"
    return _present(job, file, sha256, size, detail, fetched=False)


def _bytes_on_disk(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _verified_on_disk(job: _Job, wanted: _Wanted) -> tuple[str, int]:
    path = job.cache / wanted.path
    if not path.is_file():
        raise SourceUnavailable(
            expected="a regular file",
            found="a folder, a broken link or another kind of file",
            where=str(path),
            remedy="move it away; it is fetched or can be placed again",
        )
    size = path.stat().st_size
    if size > wanted.byte_cap:
        raise _over_cap(wanted, size, "on disk")
    sha256, size = sha256_of_file(path)
    _check_digest(
        job,
        wanted,
        sha256,
        size,
        where=str(path),
        remedy="the bytes were left alone: restore or delete the file, or accept it with"
        " `aina sources lock`",
    )
    return sha256, size


def _check_digest(
    job: _Job, wanted: _Wanted, sha256: str, size: int, *, where: str, remedy: str
) -> None:
    recorded = None if wanted.sha256 else job.manifest.digest_of(wanted.path)
    expected = wanted.sha256 or recorded
    if expected is not None and sha256 != expected:
        kind = "pinned" if wanted.sha256 else f"recorded in {_MANIFEST_NAME}"
        raise SourceHashMismatch(
            expected=f"sha256 {expected} ({kind})",
            found=f"sha256 {sha256} ({size} bytes)",
            where=where,
            remedy=remedy,
        )
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        raise SourceHashMismatch(
            expected=f"{wanted.size_bytes} bytes (pinned)",
            found=f"{size} bytes, sha256 {sha256}",
            where=where,
            remedy=remedy,
        )


def _over_cap(wanted: _Wanted, size: int, where: str) -> _CannotBeHad:
    return _CannotBeHad(
        AbsenceReason.OVER_CAP,
        f"{size} bytes {where}, over the file's cap of {wanted.byte_cap}",
        "raise byte_cap in the lock if so large a file is wanted",
        size,
    )


def _dataset_over_cap(job: _Job, total: int, where: str) -> _CannotBeHad:
    return _CannotBeHad(
        AbsenceReason.OVER_CAP,
        f"{total} bytes {where} in all of {job.source_name}, over its cap of {job.source.byte_cap}",
        "raise the source's byte_cap in the lock if so large a dataset is wanted",
    )


# ---------------------------------------------------------------------------------------------
# Missing files: look up sizes, keep the caps, download, verify, admit


def _fetched(
    job: _Job, missing: Sequence[LockedFile], on_disk_bytes: int, *, offline: bool
) -> dict[str, FileState | SourceError]:
    origin = job.source.origin
    if isinstance(origin, LocalOrigin):
        absent = _CannotBeHad(
            AbsenceReason.NOT_ON_DISK,
            "not in the cache, and the lock names no origin to fetch it from",
            "place the file there",
        )
        return {file.path: _settled(job, file, absent) for file in missing}
    is_local = isinstance(origin, ArchiveOrigin) and (job.cache / _archive_path(origin)).is_file()
    if offline and not is_local:
        absent = _CannotBeHad(
            AbsenceReason.UNREACHABLE,
            "not in the cache, and fetching is switched off",
            "build once without offline, or place the file there",
        )
        return {file.path: _settled(job, file, absent) for file in missing}

    results: dict[str, FileState | SourceError] = {}
    try:
        with _only_fetcher(job):
            job.manifest.forget()
            remaining: list[LockedFile] = []
            for file in missing:
                if os.path.lexists(job.cache / file.path):  # another process was faster
                    call = functools.partial(_from_disk, job, file)
                    results[file.path] = _attempted(job, file, call)
                    on_disk_bytes += _bytes_on_disk(job.cache / file.path)
                else:
                    remaining.append(file)
            if isinstance(origin, ArchiveOrigin):
                fetch = functools.partial(_from_archive, origin=origin)
            else:
                fetch = functools.partial(_from_origin, origin=origin)
            results |= fetch(job, remaining, on_disk_bytes)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            lost = {file.path: _disk_error(job, file, error) for file in missing}
            return {**lost, **results}
        absent = _CannotBeHad(
            AbsenceReason.UNREACHABLE,
            f"not in the cache, and the cache cannot be written ({error.strerror})",
            "build with a cache that can be written, or place the file there",
        )
        refused = {file.path: _settled(job, file, absent) for file in missing}
        return {**refused, **results}
    return results


@contextmanager
def _only_fetcher(job: _Job) -> Iterator[None]:
    folder = job.cache / ".aina-locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{job.source_name}.lock"):
        yield


class _Client(Protocol):
    """How files come from one kind of origin. Both methods make one attempt."""

    def look_up(self, wanted: _Wanted) -> _Remote: ...

    def download(self, wanted: _Wanted, remote: _Remote, part: Path, limit: int) -> None:
        """Bring the bytes to ``part``, continuing what is there; stop beyond ``limit`` bytes."""

    def address(self, wanted: _Wanted) -> str: ...


def _from_origin(
    job: _Job,
    files: Sequence[LockedFile],
    on_disk_bytes: int,
    *,
    origin: UrlOrigin | GithubOrigin | HuggingFaceOrigin,
) -> dict[str, FileState | SourceError]:
    results: dict[str, FileState | SourceError] = {}
    planned: list[tuple[LockedFile, _Remote]] = []
    with _client_for(job, origin) as client:
        for file in files:
            try:
                planned.append((file, _looked_up(job, client, _Wanted.of(file))))
            except (_CannotBeHad, SourceError, OSError) as error:
                results[file.path] = _attempted(job, file, functools.partial(_raise, error))
        total = on_disk_bytes + sum(
            _planned_bytes(_Wanted.of(file), remote) for file, remote in planned
        )
        if total > job.source.byte_cap:
            over = _dataset_over_cap(job, total, "on disk and announced")
            return results | {file.path: _settled(job, file, over) for file, _ in planned}
        for file, remote in planned:
            call = functools.partial(_download_file, job, client, file, remote)
            results[file.path] = _attempted(job, file, call)
    return results


def _raise(error: Exception) -> FileState:
    raise error


def _download_file(job: _Job, client: _Client, file: LockedFile, remote: _Remote) -> FileState:
    sha256, size = _download(job, client, _Wanted.of(file), remote)
    pin = "as pinned" if file.sha256 else "not pinned: its digest is now recorded"
    detail = f"fetched from {client.address(_Wanted.of(file))}, {pin}"
    return _present(job, file, sha256, size, detail, fetched=True)


def _looked_up(job: _Job, client: _Client, wanted: _Wanted) -> _Remote:
    remote: _Remote = _retrying()(client.look_up, wanted)
    if remote.size is None:
        return remote
    if remote.size > wanted.byte_cap:
        raise _over_cap(wanted, remote.size, "announced")
    if wanted.compression is None and wanted.size_bytes not in (None, remote.size):
        raise SourceHashMismatch(
            expected=f"{wanted.size_bytes} bytes (pinned)",
            found=f"{remote.size} bytes announced by {client.address(wanted)}; nothing was fetched",
            where=str(job.cache / wanted.path),
            remedy="the origin no longer has the pinned bytes: place the file by hand, or pin the"
            " new one with `aina sources lock`",
        )
    return remote


def _planned_bytes(wanted: _Wanted, remote: _Remote) -> int:
    """What the file counts for before it is fetched; its cap where nobody says."""
    if wanted.size_bytes is not None:
        return wanted.size_bytes
    if remote.size is None or wanted.compression is not None:
        return wanted.byte_cap
    return remote.size


def _download(
    job: _Job,
    client: _Client,
    wanted: _Wanted,
    remote: _Remote,
    check: Callable[[Path], None] | None = None,
) -> tuple[str, int]:
    """Fetch, verify and admit ``wanted``; its digest and size."""
    target = job.cache / wanted.path
    with _part_beside(target) as part:
        announced = remote.size if remote.size is not None else wanted.byte_cap
        _retrying()(client.download, wanted, remote, part, announced)
        received = part.stat().st_size
        if remote.size is not None and received != remote.size:
            raise _lying_size(client.address(wanted), remote.size, f"{received} bytes", target)
        if wanted.compression == "gzip":
            _gunzip(part, wanted, target)
        return _admit(job, wanted, part, client.address(wanted), remote, check)


def _admit(
    job: _Job,
    wanted: _Wanted,
    part: Path,
    address: str,
    remote: _Remote,
    check: Callable[[Path], None] | None = None,
) -> tuple[str, int]:
    """Give ``part`` its final name, once it is proven. The record is written first."""
    target = job.cache / wanted.path
    sha256, size = sha256_of_file(part)
    _check_digest(
        job,
        wanted,
        sha256,
        size,
        where=str(target),
        remedy=f"nothing was kept: compare with {address}; accept other bytes with"
        f" `aina sources lock`, or by removing the file's entry from {_MANIFEST_NAME}",
    )
    if check is not None:
        check(part)
    _fsync(part)
    job.manifest.record(
        wanted.path,
        {
            "sha256": sha256,
            "size_bytes": size,
            "origin": address,
            "etag": remote.etag,
            "commit": remote.commit,
        },
    )
    part.replace(target)
    _fsync(target.parent)
    return sha256, size


@contextmanager
def _part_beside(target: Path) -> Iterator[Path]:
    """A name beside ``target`` for bytes not yet proven, empty at first and gone afterwards.

    The name is fixed, so what a killed process left is overwritten by the next one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _gunzip(part: Path, wanted: _Wanted, target: Path) -> None:
    plain = part.with_name(part.name + ".plain")
    try:
        with gzip.open(part, "rb") as packed, plain.open("wb") as out:
            _copy(packed, out, wanted.byte_cap, lambda size: _over_cap(wanted, size, "unpacked"))
        plain.replace(part)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceFormatError(
            expected="a whole gzip file",
            found=f"{type(error).__name__}: {error}",
            where=str(target),
            remedy="compare with the origin; nothing was kept",
        ) from error
    finally:
        plain.unlink(missing_ok=True)


def _copy(
    source: IO[bytes] | gzip.GzipFile,
    out: IO[bytes],
    limit: int,
    beyond: Callable[[int], Exception],
) -> None:
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise beyond(size)
        out.write(chunk)


def _lying_size(address: str, announced: int, found: str, target: Path) -> SourceHashMismatch:
    return SourceHashMismatch(
        expected=f"{announced} bytes, as {address} announced",
        found=found,
        where=str(target),
        remedy="nothing was kept: the origin contradicts itself; build again later, or place the"
        " file by hand",
    )


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------------------------------
# Archives


def _archive_path(origin: ArchiveOrigin) -> str:
    name = unquote(PurePosixPath(urlsplit(origin.url).path).name) or "archive.zip"
    return f".archives/{PurePosixPath(name).name}"


def _from_archive(
    job: _Job, files: Sequence[LockedFile], on_disk_bytes: int, *, origin: ArchiveOrigin
) -> dict[str, FileState | SourceError]:
    wanted = _Wanted(
        path=_archive_path(origin),
        at_origin=origin.url,
        sha256=origin.sha256,
        size_bytes=None,
        byte_cap=origin.byte_cap,
    )
    archive_path = job.cache / wanted.path
    check = functools.partial(_check_zip, where=str(archive_path))
    try:
        if archive_path.is_file():
            _verified_on_disk(job, wanted)
        else:
            with _HttpClient(lambda _: origin.url) as client:
                _download(job, client, wanted, _looked_up(job, client, wanted), check)
        check(archive_path)
        with zipfile.ZipFile(archive_path) as archive:
            return _extracted(job, files, on_disk_bytes, archive, origin)
    except (_CannotBeHad, SourceError, OSError) as error:
        call = functools.partial(_raise, error)
        return {file.path: _attempted(job, file, call) for file in files}


def _check_zip(path: Path, *, where: str) -> None:
    try:
        with zipfile.ZipFile(path):
            pass
    except zipfile.BadZipFile as error:
        raise SourceFormatError(
            expected="a whole zip archive",
            found=f"{path.stat().st_size} bytes that are none: {error}",
            where=where,
            remedy="delete it if it is there, and build again; compare with the origin",
        ) from error


def _extracted(
    job: _Job,
    files: Sequence[LockedFile],
    on_disk_bytes: int,
    archive: zipfile.ZipFile,
    origin: ArchiveOrigin,
) -> dict[str, FileState | SourceError]:
    """Members by name, each to the path its lock entry gives: a member's own name is never used."""
    results: dict[str, FileState | SourceError] = {}
    planned: list[tuple[LockedFile, zipfile.ZipInfo]] = []
    for file in files:
        try:
            planned.append((file, _member(job, file, archive)))
        except (_CannotBeHad, SourceError) as error:
            results[file.path] = _attempted(job, file, functools.partial(_raise, error))
    total = on_disk_bytes + sum(info.file_size for _, info in planned)
    if total > job.source.byte_cap:
        over = _dataset_over_cap(job, total, "on disk and in the archive")
        return results | {file.path: _settled(job, file, over) for file, _ in planned}
    for file, info in planned:
        call = functools.partial(_extract, job, file, archive, info, origin)
        results[file.path] = _attempted(job, file, call)
    return results


def _member(job: _Job, file: LockedFile, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(file.at_origin)
    except KeyError:
        raise _CannotBeHad(
            AbsenceReason.NOT_FOUND,
            f"the archive has no member {file.at_origin!r}",
            "compare remote_path with the archive's listing",
        ) from None
    if info.file_size > file.byte_cap:
        raise _over_cap(_Wanted.of(file), info.file_size, "in the archive")
    if file.size_bytes not in (None, info.file_size):
        raise SourceHashMismatch(
            expected=f"{file.size_bytes} bytes (pinned)",
            found=f"{info.file_size} bytes in the archive; nothing was extracted",
            where=str(job.cache / file.path),
            remedy="the archive does not hold the pinned bytes: pin the new ones with"
            " `aina sources lock`",
        )
    return info


def _extract(
    job: _Job,
    file: LockedFile,
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    origin: ArchiveOrigin,
) -> FileState:
    address = f"{origin.url}!/{info.filename}"
    target = job.cache / file.path
    with _part_beside(target) as part:
        try:
            with archive.open(info) as member, part.open("wb") as out:
                _copy(
                    member,
                    out,
                    info.file_size,
                    lambda size: _lying_size(address, info.file_size, f"{size} bytes", target),
                )
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as bad:
            raise SourceFormatError(
                expected=f"a readable member {info.filename!r} of {info.file_size} bytes",
                found=f"{type(bad).__name__}: {bad}",
                where=str(target),
                remedy="delete the archive and build again; compare with the origin",
            ) from bad
        if part.stat().st_size != info.file_size:
            found = f"{part.stat().st_size} bytes"
            raise _lying_size(address, info.file_size, found, target)
        sha256, size = _admit(job, _Wanted.of(file), part, address, _Remote(size=info.file_size))
    pin = "as pinned" if file.sha256 else "not pinned: its digest is now recorded"
    return _present(job, file, sha256, size, f"extracted from {address}, {pin}", fetched=True)


# ---------------------------------------------------------------------------------------------
# The manifest: what was fetched, and the digest first seen where the lock pins none


class _Manifest:
    """``.aina-manifest.json`` of one cache. Read when first needed, rewritten whole."""

    def __init__(self, cache: Path) -> None:
        self._path = cache / _MANIFEST_NAME
        self._files: dict[str, dict[str, Any]] | None = None

    def digest_of(self, path: str) -> str | None:
        if self._files is None:
            self._files = self._read()
        entry = self._files.get(path)
        return None if entry is None else str(entry["sha256"])

    def forget(self) -> None:
        """Read again before the next answer: another process may have written."""
        self._files = None

    def record(self, path: str, entry: dict[str, Any]) -> None:
        lock = self._path.with_name(".aina-locks") / "manifest.lock"
        with FileLock(lock):
            files = self._read()
            if files.get(path) != entry:
                files[path] = entry
                self._write(files)
            self._files = files

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            files = json.loads(text)["files"]
            if not all(isinstance(entry["sha256"], str) for entry in files.values()):
                raise TypeError("an entry has no digest")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceFormatError(
                expected="the record of fetched files, as JSON",
                found=f"{type(error).__name__}: {error}",
                where=str(self._path),
                remedy="restore it, or delete it to trust the files as they are now",
            ) from error
        return dict(files)

    def _write(self, files: dict[str, dict[str, Any]]) -> None:
        document = {"version": 1, "files": files}
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        part = self._path.with_name(f"{_MANIFEST_NAME}.part")
        part.write_text(text, encoding="utf-8")
        _fsync(part)
        part.replace(self._path)
        _fsync(self._path.parent)


# ---------------------------------------------------------------------------------------------
# Attempts


@dataclass(frozen=True)
class _RetryPolicy:
    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def wait_seconds(self, state: tenacity.RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.retry_after_seconds if isinstance(fault, _Passing) else None
        own = self.first_wait_seconds * 2 ** (state.attempt_number - 1)
        return min(own if asked is None else asked, self.longest_wait_seconds)


_RETRY = _RetryPolicy()


def _retrying() -> tenacity.Retrying:
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_RETRY.attempts),
        wait=_RETRY.wait_seconds,
        retry=tenacity.retry_if_exception_type(_Passing),
        sleep=_RETRY.sleep,
        reraise=True,
    )


def _retry_after_seconds(value: str | None) -> float | None:
    """``Retry-After`` in seconds, whether it is a number or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _refused(status: int, retry_after: str | None, address: str) -> _CannotBeHad:
    """What an HTTP status other than success means for the file."""
    found = f"HTTP {status} from {address}"
    if status in (408, 425, 429) or status >= 500:
        return _Passing(found, _retry_after_seconds(retry_after))
    if status in (404, 410):
        remedy = "check repository, revision and remote_path in the lock"
        return _CannotBeHad(AbsenceReason.NOT_FOUND, found, remedy)
    remedy = "fetch the file by hand and place it there; its digest is checked all the same"
    return _CannotBeHad(AbsenceReason.UNREACHABLE, found, remedy)


def _client_for(
    job: _Job, origin: UrlOrigin | GithubOrigin | HuggingFaceOrigin
) -> AbstractContextManager[_Client]:
    match origin:
        case UrlOrigin():
            base = origin.base_url.rstrip("/")
            return _HttpClient(lambda wanted: f"{base}/{wanted.at_origin}")
        case GithubOrigin():
            root = f"{origin.base_url.rstrip('/')}/{origin.repository}/{origin.revision}"
            return _HttpClient(lambda wanted: f"{root}/{quote(wanted.at_origin)}")
        case HuggingFaceOrigin():
            return _HubClient(origin, job.cache / ".huggingface" / job.source_name)
        case _:
            assert_never(origin)


# ---------------------------------------------------------------------------------------------
# Plain HTTP


class _HttpClient:
    """Files by URL. A cut download goes on where it stopped, if the origin lets it."""

    def __init__(self, url_of: Callable[[_Wanted], str]) -> None:
        self._url_of = url_of

    def __enter__(self) -> _HttpClient:
        self._http = httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(30.0, connect=10.0),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            verify=_tls_context(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def address(self, wanted: _Wanted) -> str:
        return self._url_of(wanted)

    def look_up(self, wanted: _Wanted) -> _Remote:
        url = self.address(wanted)
        with _httpx_faults(url):
            response = self._http.head(url)
        if response.status_code in (405, 501):  # no HEAD here: the caps bound the download alone
            return _Remote(size=None)
        if not response.is_success:
            raise _refused(response.status_code, response.headers.get("Retry-After"), url)
        return _Remote(size=_content_length(response), etag=response.headers.get("ETag"))

    def download(self, wanted: _Wanted, remote: _Remote, part: Path, limit: int) -> None:
        url = self.address(wanted)
        start = part.stat().st_size if part.exists() else 0
        headers = {}
        if start:
            headers["Range"] = f"bytes={start}-"
            if remote.etag and not remote.etag.startswith("W/"):
                headers["If-Range"] = remote.etag
        with (
            _httpx_faults(url),
            self._http.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == 416:
                part.unlink()
                raise _Passing(f"HTTP 416 from {url} on resuming at byte {start}")
            if response.status_code not in (200, 206):
                raise _refused(response.status_code, response.headers.get("Retry-After"), url)
            resumed = response.status_code == 206
            if resumed and not response.headers.get("Content-Range", "").startswith(
                f"bytes {start}-"
            ):
                part.unlink()
                raise _Passing(f"another range than asked for from {url}")
            size = start if resumed else 0
            with part.open("ab" if resumed else "wb") as out:
                for chunk in response.iter_bytes():
                    size += len(chunk)
                    if size > limit:
                        raise self._beyond(wanted, remote, size, part)
                    out.write(chunk)

    def _beyond(self, wanted: _Wanted, remote: _Remote, size: int, part: Path) -> Exception:
        if remote.size is None:
            return _over_cap(wanted, size, "received, the size not announced,")
        target = part.with_name(PurePosixPath(wanted.path).name)
        return _lying_size(self.address(wanted), remote.size, f"at least {size} bytes", target)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _content_length(response: httpx.Response) -> int | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


@contextmanager
def _httpx_faults(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, httpx.TooManyRedirects) as error:
        raise _Passing(f"{type(error).__name__} from {url}: {error}") from error
    except httpx.DecodingError as error:
        raise _Passing(f"bytes that cannot be decoded from {url}: {error}") from error


# ---------------------------------------------------------------------------------------------
# The Hugging Face hub


class _HubClient:
    """Files of a dataset repository at a commit, through ``huggingface_hub``.

    The client resumes a cut connection within a call, checks the size only after the bytes came,
    and no digest at all: the caps, the commit and the digest are checked here.
    """

    def __init__(self, origin: HuggingFaceOrigin, folder: Path) -> None:
        self._origin = origin
        self._folder = folder
        # Read at every call: the library reads it once, on import.
        default = "https://huggingface.co"
        self._endpoint = (os.environ.get("HF_ENDPOINT") or default).rstrip("/")

    def __enter__(self) -> _HubClient:
        self.__exit__()
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the working folder: what is proven was moved out, what a kill left is of no use."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def address(self, wanted: _Wanted) -> str:
        return f"{self._origin.describe()}/{wanted.at_origin}"

    def look_up(self, wanted: _Wanted) -> _Remote:
        with _hub_call(self.address(wanted)):
            url = huggingface_hub.hf_hub_url(
                self._origin.repository,
                wanted.at_origin,
                repo_type="dataset",
                revision=self._origin.revision,
                endpoint=self._endpoint,
            )
            found = huggingface_hub.get_hf_file_metadata(url, endpoint=self._endpoint)
        if found.commit_hash != self._origin.revision:
            raise SourceHashMismatch(
                expected=f"commit {self._origin.revision} (pinned)",
                found=f"commit {found.commit_hash or 'not stated'} served by {self._endpoint}",
                where=self.address(wanted),
                remedy="nothing was fetched: check HF_ENDPOINT and the revision in the lock",
            )
        return _Remote(size=found.size, etag=found.etag, commit=found.commit_hash)

    def download(self, wanted: _Wanted, remote: _Remote, part: Path, limit: int) -> None:
        beyond = _lying_size(
            self.address(wanted),
            limit if remote.size is None else remote.size,
            f"more than {limit} bytes",
            part.with_name(PurePosixPath(wanted.path).name),
        )
        with _hub_call(self.address(wanted)):
            try:
                pointer = Path(
                    huggingface_hub.hf_hub_download(
                        self._origin.repository,
                        wanted.at_origin,
                        repo_type="dataset",
                        revision=self._origin.revision,
                        cache_dir=self._folder,
                        endpoint=self._endpoint,
                        tqdm_class=_meter(limit, beyond),
                    )
                )
            except OSError as error:
                if "Consistency check failed" not in str(error):
                    raise
                raise beyond from error
        shutil.move(pointer.resolve(), part)


_HUB_LOCK = threading.RLock()

_HUB_SETTINGS: dict[str, object] = {
    "HF_HUB_DISABLE_XET": True,  # a Xet transfer has no way back to plain HTTP
    "HF_HUB_DISABLE_TELEMETRY": True,
    "DOWNLOAD_CHUNK_SIZE": 1 << 16,  # what a cut connection loses; 10 MB would lose whole files
}


@contextmanager
def _hub_call(address: str) -> Iterator[None]:
    """Around one call of the hub client: our settings during it, our faults out of it.

    The library reads its settings from module constants, so they are set for the length of the
    call, one call at a time. Its own retries wait as long as a server asks; a response hook hands
    refusals to ours instead.
    """
    constants = huggingface_hub.constants
    owner = threading.get_ident()

    def hand_over(response: httpx2.Response) -> None:
        passing = response.status_code in (408, 425, 429) or response.status_code >= 500
        if passing and threading.get_ident() == owner:
            retry_after = response.headers.get("Retry-After")
            raise _refused(response.status_code, retry_after, address)

    with _HUB_LOCK:
        before = {name: getattr(constants, name) for name in _HUB_SETTINGS}
        _set(constants, _HUB_SETTINGS)
        session = huggingface_hub.get_session()
        hooks = session.event_hooks
        session.event_hooks = {**hooks, "response": [*hooks.get("response", []), hand_over]}
        try:
            with _hub_faults(address):
                yield
        finally:
            session.event_hooks = hooks
            _set(constants, before)


def _set(module: object, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(module, name, value)


@contextmanager
def _hub_faults(address: str) -> Iterator[None]:
    errors = huggingface_hub.errors
    try:
        yield
    except errors.GatedRepoError as error:
        raise _CannotBeHad(
            AbsenceReason.UNREACHABLE,
            f"{address} is gated",
            "ask for access, then set HF_TOKEN",
        ) from error
    except (
        errors.RemoteEntryNotFoundError,
        errors.RevisionNotFoundError,
        errors.RepositoryNotFoundError,
    ) as error:
        raise _refused(404, None, address) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise _refused(status, error.response.headers.get("Retry-After"), address) from error
    except errors.OfflineModeIsEnabled as error:
        raise _CannotBeHad(
            AbsenceReason.UNREACHABLE,
            "not in the cache, and HF_HUB_OFFLINE forbids fetching",
            "unset HF_HUB_OFFLINE, or place the file there",
        ) from error
    except errors.LocalEntryNotFoundError as error:
        cause = error.__cause__ or error
        raise _Passing(f"{type(cause).__name__} from {address}: {cause}") from error
    except httpx2.HTTPError as error:
        raise _Passing(f"{type(error).__name__} from {address}: {error}") from error


def _meter(limit: int, beyond: Exception) -> type:
    """A silent progress bar that stops the transfer after ``limit`` bytes."""

    class Meter:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.received = initial

        def __enter__(self) -> Meter:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: float | None = 1) -> None:
            self.received += int(count or 0)
            if self.received > limit:
                raise beyond

    return Meter
