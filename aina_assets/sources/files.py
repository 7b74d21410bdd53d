"""A source file as a reader gets it: where it lies, whose it is, and what it allows.

Belongs here: the value that travels from a fetch step to a reader, and the check of the bytes on
every read. Stays out: fetching (``fetch``) and layouts (``reading``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aina_assets.contracts.errors import SourceHashMismatch, SourceUnavailable
from aina_assets.contracts.vocabulary import AbsenceReason, AllowedUse, FileStatus, SourceClass
from aina_assets.sources.lockfile import SourcesLock
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.store import Record

UPSTREAM = "upstream"


@dataclass(frozen=True)
class SourceFile:
    """One file that is present.

    Attributes:
        local_path: where it lies now.
        path: its path in the lock.
        sha256: the digest its bytes must have.
        source: the source's name in the lock.
        release: the publisher's release.
        source_class: what kind of truth it can support.
        allowed_use: what its licence allows.
    """

    local_path: Path
    path: str
    sha256: str
    source: str
    release: str
    source_class: SourceClass
    allowed_use: AllowedUse

    def verified_path(self) -> Path:
        """``local_path``, after its bytes were hashed and found to be the pinned ones.

        Raises:
            SourceUnavailable: the file is gone.
            SourceHashMismatch: the bytes changed since they were accepted.
        """
        remedy = "restore the file, or accept the new one with `aina sources lock` and build again"
        try:
            found, _ = sha256_of_file(self.local_path)
        except OSError as error:
            raise SourceUnavailable(
                expected=f"sha256 {self.sha256}",
                found=str(error),
                where=str(self.local_path),
                remedy=remedy,
            ) from error
        if found != self.sha256:
            raise SourceHashMismatch(
                expected=f"sha256 {self.sha256}",
                found=f"sha256 {found}",
                where=str(self.local_path),
                remedy=remedy,
            )
        return self.local_path


@dataclass(frozen=True)
class Absence:
    """One file that is not to be had, and why."""

    path: str
    reason: AbsenceReason
    detail: str


@dataclass(frozen=True)
class SourceFiles:
    """What a declared input holds: its present files in path order, and what is absent.

    Attributes:
        input: the input's name.
        files: present files.
        absences: files that are absent, each with its reason.
    """

    input: str
    files: tuple[SourceFile, ...]
    absences: tuple[Absence, ...] = ()

    @staticmethod
    def asset_path(argument: str) -> tuple[str, ...]:
        """The key of the asset that holds the input named ``argument``."""
        return (UPSTREAM, argument)

    @classmethod
    def from_record(cls, record: Record) -> SourceFiles:
        """The input as the fetch step recorded it (``to_details``)."""
        files, absences = [], []
        for item in record.details["files"]:
            if item["status"] == FileStatus.PRESENT:
                files.append(
                    SourceFile(
                        local_path=Path(item["local_path"]),
                        path=item["path"],
                        sha256=item["sha256"],
                        source=item["source"],
                        release=item["release"],
                        source_class=SourceClass(item["source_class"]),
                        allowed_use=AllowedUse(item["allowed_use"]),
                    )
                )
            else:
                absences.append(
                    Absence(item["path"], AbsenceReason(item["reason"]), item["detail"])
                )
        return cls(record.asset.rpartition("/")[2], tuple(files), tuple(absences))


@dataclass(frozen=True)
class LockedSources:
    """The lock a build was made from, as recorded."""

    lock: SourcesLock

    @staticmethod
    def asset_path(argument: str) -> tuple[str, ...]:
        """The key of the asset that holds the lock."""
        return (UPSTREAM, argument)

    @classmethod
    def from_record(cls, record: Record) -> LockedSources:
        """The lock as the lock step recorded it."""
        return cls(SourcesLock.model_validate(record.details["lock"]))
