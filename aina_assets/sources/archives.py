"""Packed files: members of a zip archive on disk, and gzip.

Belongs here: unpacking, and refusing what is damaged. Stays out: how an archive got on disk
(``fetch`` obtains it like any other file).
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import LockedFile
from aina_assets.sources.origins import CannotBeHad, check_cap

_DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)


@dataclass(frozen=True)
class ZipMembers:
    """Members by name, each for the path its lock entry gives: a member's own name is never used.

    Attributes:
        url: where the archive came from.
        path: where it lies.
    """

    url: str
    path: Path

    def address(self, file: LockedFile) -> str:
        """URL of the archive, name of the member."""
        return f"{self.url}!/{file.at_origin}"

    def look_up(self, file: LockedFile) -> int:
        """The member's unpacked size."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.getinfo(file.at_origin).file_size
        except KeyError:
            raise CannotBeHad(
                AbsenceReason.NOT_FOUND,
                f"the archive has no member {file.at_origin!r}",
                "compare remote_path with the archive's listing",
            ) from None
        except _DAMAGED as error:
            raise _damaged("a whole zip archive", error, str(self.path)) from error

    def download(self, file: LockedFile, out: BinaryIO) -> None:
        """Extract the member to ``out``. ``zipfile`` never writes more than the size it states."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(file.at_origin) as member:
                shutil.copyfileobj(member, out)
        except _DAMAGED as error:
            raise _damaged("a whole member", error, self.address(file)) from error


def check_zip(path: Path, address: str) -> None:
    """Refuse what is no zip archive, such as an error page sent as one.

    Raises:
        SourceFormatError: it is none.
    """
    if not zipfile.is_zipfile(path):
        found = EOFError(f"{path.stat().st_size} bytes without a zip directory")
        raise _damaged("a whole zip archive", found, address)


def gunzip(packed: BinaryIO, out: BinaryIO, file: LockedFile, address: str) -> None:
    """Unpack ``packed`` from its start to ``out``, unless that is more than the file's cap.

    Raises:
        SourceFormatError: it is no whole gzip file.
        CannotBeHad: it is over the cap.
    """
    packed.seek(0)
    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            content = stream.read(file.byte_cap + 1)
    except _DAMAGED as error:
        raise _damaged("a whole gzip file", error, address) from error
    check_cap(file, len(content), "and more unpacked")
    out.write(content)


def _damaged(expected: str, error: Exception, where: str) -> SourceFormatError:
    return SourceFormatError(
        expected=expected,
        found=f"{type(error).__name__}: {error}",
        where=where,
        remedy="compare with the origin; delete the archive if it is in the cache, and build again",
    )
