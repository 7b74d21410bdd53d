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
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aina_assets.contracts.errors import SourceError, SourceOverCap, SourceUnavailable
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
        status: present or absent.
        is_pinned: the lock pins the digest.
        detail: what became of it, for a person to read.
        local_path: the verified file; None when absent.
        sha256: digest of the bytes on disk; None when absent.
        size_bytes: size on disk; None when absent.
        reason: why it is absent; None when present.
        fetched: this call downloaded or extracted it.
    """

    input: str
    source: str
    path: str
    status: FileStatus
    is_pinned: bool
    detail: str
    local_path: Path | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    reason: AbsenceReason | None = None
    fetched: bool = False


_Outcomes = dict[str, FileState | SourceError]
_FAULTS = (CannotBeHad, SourceError, OSError)


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
        except _FAULTS as fault:
            results = {file.path: _settled(job, file, fault) for file in _missing(job, wanted)}
    on_disk_bytes = job.cache.size_bytes(source.files)
    for file in [file for file in wanted if file.path not in results]:
        with _settling(job, file, results):
            _check_dataset_cap(job, on_disk_bytes)
            results[file.path] = _present(job, file, "on disk")
    return {file.path: results[file.path] for file in wanted}


def _missing(job: _Job, files: Sequence[LockedFile]) -> list[LockedFile]:
    return [file for file in files if not job.cache.path(file).exists()]


@contextmanager
def _settling(job: _Job, file: LockedFile, results: _Outcomes) -> Iterator[None]:
    """Whatever goes wrong with ``file`` inside becomes its outcome."""
    try:
        yield
    except _FAULTS as fault:
        results[file.path] = _settled(job, file, fault)


def _fetched(job: _Job, origin: Origin, files: Sequence[LockedFile]) -> _Outcomes:
    """Every size is looked up before any file is fetched, so that the dataset's cap can hold.

    An origin that did not answer for one file, after all retries, is not asked for the next.
    """
    results: _Outcomes = {}
    silence: CannotBeHad | None = None
    total = job.cache.size_bytes(job.source.files)
    for file in files:
        with _settling(job, file, results):
            if silence is not None:
                raise silence
            try:
                announced = origin.look_up(file)
            except CannotBeHad as fault:
                silence = fault if fault.reason is AbsenceReason.UNREACHABLE else None
                raise
            check_cap(file, announced or 0, "announced")
            total += _stored_bytes(file, announced)
    for file in [file for file in files if file.path not in results]:
        with _settling(job, file, results):
            _check_dataset_cap(job, total)
            results[file.path] = _downloaded(job, origin, file)
    return results


def _stored_bytes(file: LockedFile, announced: int | None) -> int:
    """What the file will take on disk: as pinned, as announced, or its cap where nobody says."""
    if file.size_bytes is not None:
        return file.size_bytes
    return file.byte_cap if announced is None or file.compression else announced


def _check_dataset_cap(job: _Job, total_bytes: int) -> None:
    if total_bytes > job.source.byte_cap:
        raise CannotBeHad(
            AbsenceReason.OVER_CAP,
            f"{total_bytes} bytes in all of {job.source_name}, over its cap of"
            f" {job.source.byte_cap}",
            "raise the source's byte_cap in the lock if so large a dataset is wanted",
        )


def _downloaded(job: _Job, origin: Origin, file: LockedFile) -> FileState:
    from aina_assets.sources.archives import check_zip, gunzip

    address = origin.address(file)

    def fill(out: BinaryIO) -> None:
        if file.compression is None:
            origin.download(file, out)
        else:
            packed = io.BytesIO()
            origin.download(file, packed)
            gunzip(packed, out, file, address)
        if file.path.endswith(".zip"):
            out.flush()
            check_zip(Path(out.name), address)

    job.cache.admit(file, address, fill)
    return _present(job, file, f"fetched from {address}", fetched=True)


def _origin(job: _Job) -> Origin:
    """Where the missing files are to be had. Protocols are imported only when one is needed."""
    match job.source.origin:
        case LocalOrigin():
            found = "not in the cache, and the lock names no origin to fetch it from"
            raise CannotBeHad(AbsenceReason.NOT_ON_DISK, found, "place the file there")
        case ArchiveOrigin() as origin:
            from aina_assets.sources.archives import ZipMembers

            return ZipMembers(origin.url, _archive(job, origin))
        case _ if job.offline:
            found = "not in the cache, and fetching is switched off"
            remedy = "build once without --offline, or place the file there"
            raise CannotBeHad(AbsenceReason.UNREACHABLE, found, remedy)
        case HuggingFaceOrigin() as origin:
            from aina_assets.sources.hub import Hub

            return Hub(origin, job.cache.root / ".huggingface")
        case GithubOrigin() as origin:
            base_url = f"{origin.base_url}/{origin.repository}/{origin.revision}"
        case UrlOrigin() as origin:
            base_url = origin.base_url
    from aina_assets.sources.transport import Web

    return Web(base_url)


def _archive(job: _Job, origin: ArchiveOrigin) -> Path:
    """The whole archive on disk, obtained as a source with one file."""
    base_url, _, name = origin.url.rpartition("/")
    file = LockedFile(
        input="archive",
        path=f".archives/{name}",
        remote_path=name,
        sha256=origin.sha256,
        byte_cap=origin.byte_cap,
        required=False,
    )
    at_url = UrlOrigin(kind="url", base_url=base_url)
    alone = {"origin": at_url, "byte_cap": origin.byte_cap, "files": (file,)}
    source = job.source.model_copy(update=alone)
    (state,) = obtain(job.source_name, source, cache=job.cache.root, offline=job.offline).values()
    if isinstance(state, SourceError):
        raise state
    path = job.cache.path(file)
    if state.reason is not None:
        raise CannotBeHad(state.reason, state.detail, f"place the archive at {path}")
    return path


def _present(job: _Job, file: LockedFile, detail: str, *, fetched: bool = False) -> FileState:
    sha256, size_bytes = job.cache.verified(file)
    return FileState(
        input=file.input,
        source=job.source_name,
        path=file.path,
        status=FileStatus.PRESENT,
        is_pinned=file.sha256 is not None,
        detail=f"{detail}, {'as pinned' if file.sha256 else 'not pinned'}",
        local_path=job.cache.path(file),
        sha256=sha256,
        size_bytes=size_bytes,
        fetched=fetched,
    )


def _settled(
    job: _Job, file: LockedFile, fault: CannotBeHad | SourceError | OSError
) -> FileState | SourceError:
    """What ``fault`` means for the file: an error, or its absence where that is allowed."""
    if isinstance(fault, SourceError):
        return fault
    where = str(job.cache.path(file))
    if isinstance(fault, OSError):
        return SourceUnavailable(
            expected="a file that can be read, or written when it is missing",
            found=f"{type(fault).__name__}: {fault}",
            where=where,
            remedy="check the disk and the permissions of the cache, then build again",
        )
    if file.required:
        kind: type[SourceError] = SourceUnavailable
        expected = f"the file, from {job.source.origin.describe()}"
        if fault.reason is AbsenceReason.OVER_CAP:
            kind = SourceOverCap
            expected = f"at most {file.byte_cap} bytes, {job.source.byte_cap} in all of the source"
        return kind(expected=expected, found=fault.found, where=where, remedy=fault.remedy)
    return FileState(
        input=file.input,
        source=job.source_name,
        path=file.path,
        status=FileStatus.ABSENT,
        is_pinned=file.sha256 is not None,
        detail=fault.found,
        reason=fault.reason,
    )
