"""What every origin of files offers, and how it says no.

Belongs here: the few words that fetching and the protocols share. Stays out: the protocols
themselves (``transport``, ``hub``, ``archives``) and what an absence means for a build (``fetch``).
"""

from __future__ import annotations

from typing import BinaryIO, Protocol

from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import LockedFile


class Origin(Protocol):
    """A place that has files. Its methods raise ``CannotBeHad`` for a file it does not give."""

    def address(self, file: LockedFile) -> str:
        """Where the file is, for a person to read."""

    def look_up(self, file: LockedFile) -> int | None:
        """The size it announces, in bytes; None where it does not say. Fetches nothing."""

    def download(self, file: LockedFile, out: BinaryIO) -> None:
        """Write the file's bytes to ``out``."""


class CannotBeHad(Exception):
    """The file is not to be had: an error if it is required, otherwise zero rows and a reason."""

    def __init__(self, reason: AbsenceReason, found: str, remedy: str) -> None:
        super().__init__(found)
        self.reason = reason
        self.found = found
        self.remedy = remedy


def check_cap(file: LockedFile, size: int, where: str) -> None:
    """Refuse ``file`` if ``size`` bytes, as seen ``where``, are more than its cap.

    Raises:
        CannotBeHad: they are.
    """
    if size > file.byte_cap:
        raise CannotBeHad(
            AbsenceReason.OVER_CAP,
            f"{size} bytes {where}, over the file's cap of {file.byte_cap}",
            "raise byte_cap in the lock if so large a file is wanted",
        )
