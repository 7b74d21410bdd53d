"""Packed files: members of a zip archive on disk, and gzip.

Belongs here: unpacking, and refusing what is damaged. Stays out: how an archive got on disk
(``fetch`` obtains it like any other file).
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import LockedFile
from aina_assets.sources.origins import CannotBeHad, check_cap


@dataclass(frozen=True)
class ZipMembers:
    """Members, each for the path its lock entry gives: a member's own name is never used.

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
        """The member's unpacked size. ``zipfile`` never unpacks more."""
        try:
            with _whole("zip archive", self.url), zipfile.ZipFile(self.path) as archive:
                return archive.getinfo(file.at_origin).file_size
        except KeyError:
            raise CannotBeHad(
                AbsenceReason.NOT_FOUND,
                f"the archive has no member {file.at_origin!r}",
                "compare remote_path with the archive's listing",
            ) from None

    def download(self, file: LockedFile, out: BinaryIO) -> None:
        """Extract the member to ``out``."""
        with (
            _whole("archive member", self.address(file)),
            zipfile.ZipFile(self.path) as archive,
            archive.open(file.at_origin) as member,
        ):
            shutil.copyfileobj(member, out)


def check_zip(path: Path, address: str) -> None:
    """Raise ``SourceFormatError`` for what is no archive, such as an error page sent as one."""
    with _whole("zip archive", address), zipfile.ZipFile(path):
        pass


def gunzip(packed: BinaryIO, out: BinaryIO, file: LockedFile, address: str) -> None:
    """Unpack ``packed`` to ``out``; ``CannotBeHad`` when that is more than the file's cap."""
    packed.seek(0)
    with _whole("gzip file", address), gzip.GzipFile(fileobj=packed) as stream:
        content = stream.read(file.byte_cap + 1)
    check_cap(file, len(content), "and more unpacked")
    out.write(content)


@contextmanager
def _whole(expected: str, where: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise SourceFormatError(
            expected=f"a whole {expected}",
            found=f"{type(error).__name__}: {error}",
            where=where,
            remedy="compare with the origin; if the archive is in the cache, delete it",
        ) from error
