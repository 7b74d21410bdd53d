"""What learners hand in, kept apart from the ledger: texts can be forgotten, events cannot.

Belongs here: keeping a text under its digest, finding it again, forgetting it. Stays out: whether
texts are kept at all (whoever serves decides; by default they are not).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from upath import UPath

from aina_assets.warehouse.files import write_atomically

_OWNER_ONLY = 0o700
_WRITING = Lock()


@dataclass(frozen=True)
class Submissions:
    """A folder of submissions, readable by its owner alone.

    Attributes:
        folder: where they lie, ``<digest>.md`` each.
    """

    folder: Path

    def keep(self, digest: str, text: str) -> str:
        """Keep ``text``; its reference, for an event."""
        self.folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        place = self._place(digest)
        with _WRITING:
            if not place.exists():
                write_atomically(UPath(place), lambda stream: _write(stream, text))
        return f"submission:{digest}"

    def find(self, digest: str) -> str | None:
        """The text; None where it was never kept, or was forgotten."""
        try:
            return self._place(digest).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def forget(self, digest: str) -> bool:
        """Remove the text; whether there was one. What was found in it stays in the ledger."""
        try:
            self._place(digest).unlink()
        except FileNotFoundError:
            return False
        return True

    def _place(self, digest: str) -> Path:
        return self.folder / f"{digest}.md"


def _write(stream: BinaryIO, text: str) -> None:
    stream.write(text.encode())
