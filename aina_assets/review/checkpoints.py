"""Checkpoints: where the decision ledger ended, signed, in a file outside its database.

Belongs here: the file's lines, adding one, and proving that nobody altered the file. Each line
carries the digest of the one before it and a reviewer's signature, so whoever signed the last line
vouches for all. Stays out: whether a ledger is what the checkpoints say (``ledger``).

A last line without its end is one that was being written when the power went, and is as good as
not there. The first line is written before the first decision and says that there was none, so
that decisions without checkpoints are never taken for a new ledger.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import AwareDatetime, ValidationError

from aina_assets.contracts.errors import LedgerError, LedgerTampered
from aina_assets.contracts.review import ReviewerId, SubjectDigest
from aina_assets.contracts.work import Contract, Count
from aina_assets.review.policy import Reviewers
from aina_assets.review.signing import ReviewerKey, is_signed
from aina_assets.warehouse.files import sync_directory
from aina_assets.warehouse.journal import Head, canonical_json
from aina_assets.warehouse.settings import home

SETTING = "AINA_CHECKPOINTS"
"""The environment variable that names another file than the one of the warehouse."""

_PURPOSE = "checkpoint 1"
_RESTORE = "restore the file from a copy that verifies"


class Checkpoint(Contract):
    """A line of the file.

    Attributes:
        position: the ledger's last record at the time; 0 before the first.
        head_digest: that record's digest.
        previous_digest: digest of the line before.
        signer_id: the reviewer who vouches for it and for all before it.
    """

    position: Count
    head_digest: SubjectDigest | None
    previous_digest: SubjectDigest | None
    sealed_at: AwareDatetime
    signer_id: ReviewerId
    signature: str

    @property
    def head(self) -> Head:
        """The ledger's head as it was."""
        return Head(self.position, self.head_digest)


@dataclass(frozen=True)
class _Line:
    text: str
    checkpoint: Checkpoint

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def checkpoints_path(root: Path | None = None) -> Path:
    """The file: of ``AINA_CHECKPOINTS``, else that of the warehouse at ``root``."""
    setting = os.environ.get(SETTING)
    return Path(setting) if setting else (root or home()) / "review" / "checkpoints.jsonl"


class Checkpoints:
    """The file of checkpoints at ``path``, which may not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lock(self) -> FileLock:
        """What a writer holds from looking at the ledger until the checkpoint is written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock")

    def read(self) -> list[Checkpoint]:
        """Every checkpoint, in order; none where there is no file.

        Raises:
            LedgerTampered: a line is not one, was altered, moved or removed.
        """
        return [line.checkpoint for line in self._lines()]

    def verify(self, reviewers: Reviewers) -> list[Checkpoint]:
        """Every checkpoint, the last one's signature proved: it vouches for those before it.

        Raises:
            LedgerTampered: as ``read``, or the last is not signed by a reviewer on file.
        """
        found = self.read()
        if found:
            last = found[-1]
            signer = reviewers.by_id.get(last.signer_id)
            if signer is None:
                raise self._tampered(
                    len(found),
                    "a signature of a reviewer on file",
                    f"one of {last.signer_id}",
                    _signer_gone(last.signer_id),
                )
            if not is_signed(_PURPOSE, _content(last), last.signature, signer.public_key):
                raise self._tampered(
                    len(found),
                    f"the signature of {signer.id}, by the key on file",
                    "a signature that is not theirs",
                    _signer_gone(signer.id),
                )
        return found

    def add(self, head: Head, at: datetime, signer_id: str, key: ReviewerKey) -> Checkpoint:
        """Write that the ledger ends at ``head``; on disk when this returns. Hold ``lock``.

        Raises:
            LedgerTampered: as ``read``.
            LedgerError: the file cannot be written.
        """
        lines = self._lines()
        unsigned = {
            "position": head.position,
            "head_digest": head.digest,
            "previous_digest": lines[-1].digest if lines else None,
            "sealed_at": at.isoformat(timespec="microseconds"),
            "signer_id": signer_id,
        }
        # As it will be read back, so that what is signed is what is proved.
        made = Checkpoint.model_validate({**unsigned, "signature": ""})
        signed = made.model_copy(update={"signature": key.sign(_PURPOSE, _content(made))})
        text = canonical_json(signed.model_dump(mode="json"))
        size = sum(len(line.text.encode()) + 1 for line in lines)
        try:
            is_new = not self.path.exists()
            with self.path.open("r+b" if not is_new else "xb") as stream:
                # Whatever is there after the last whole line was never acknowledged.
                stream.truncate(size)
                stream.seek(size)
                stream.write(f"{text}\n".encode())
                stream.flush()
                os.fsync(stream.fileno())
            if is_new:
                sync_directory(self.path.parent)
        except OSError as error:
            raise LedgerError(
                expected="a file of checkpoints that takes another line",
                found=str(error),
                where=str(self.path),
                remedy="mend the disk, then seal the ledger: aina review seal",
            ) from error
        return signed

    def _lines(self) -> list[_Line]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LedgerError(
                expected="a file of checkpoints",
                found=str(error),
                where=str(self.path),
                remedy="let the user who builds and decides read it",
            ) from error
        lines: list[_Line] = []
        for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
            try:
                text = raw.decode()
                line = _Line(text, Checkpoint.model_validate(json.loads(text)))
            except (ValueError, ValidationError, RecursionError):
                raise self._tampered(number, "a checkpoint", "something else") from None
            before = lines[-1] if lines else None
            digest = before.digest if before else None
            if line.checkpoint.previous_digest != digest:
                raise self._tampered(
                    number,
                    f"a line that follows one of digest {digest}",
                    f"one that follows {line.checkpoint.previous_digest}",
                )
            if line.checkpoint.position < (before.checkpoint.position if before else 0):
                raise self._tampered(number, "a position as high as before", "a lower one")
            lines.append(line)
        return lines

    def _tampered(
        self, number: int, expected: str, found: str, remedy: str = _RESTORE
    ) -> LedgerTampered:
        return LedgerTampered(
            expected=expected,
            found=found,
            where=f"line {number} of {self.path}",
            remedy=f"{remedy}; the ledger takes nothing till then",
        )


def _signer_gone(name: str) -> str:
    """What to do where nobody on file vouches for the last line: as a rule, it was good before."""
    return (
        f"if {name} was taken off data/reviewers.yaml or given another key there, put them or the"
        " old key back, have another reviewer seal (aina review seal), then take them off again;"
        f" if nobody did that, {_RESTORE}"
    )


def _content(checkpoint: Checkpoint) -> dict[str, Any]:
    return checkpoint.model_dump(mode="json", exclude={"signature"})
