"""The error tree. Every error says what was expected, what was found, where, and what to do.

::

    AinaError
    ├── SourceError                 an upstream file cannot be used
    │   ├── LockError               (ValueError)         the lock file itself is wrong
    │   ├── SourceUnavailable       (FileNotFoundError)  missing, unreachable or not found upstream
    │   ├── SourceOverCap           (ValueError)         larger than its byte cap; nothing was read
    │   ├── SourceHashMismatch      (ValueError)         the bytes are not the pinned ones
    │   └── SourceFormatError       (ValueError)         not in the published layout
    ├── AuthoredDocumentError       (ValueError)         a file of ``data/`` is malformed
    ├── ReviewError                 (ValueError)         a decision cannot be made as asked
    ├── LedgerError                 a ledger cannot do what was asked
    │   ├── IdempotencyConflict     (ValueError)         its key is taken by another entry
    │   ├── LedgerMoved             (RuntimeError)       others recorded since it was looked at
    │   └── LedgerTampered          (ValueError)         a record is not what was recorded
    └── WarehouseError              the warehouse cannot do what was asked
        ├── SnapshotMissing         (LookupError)        nothing stored yet under that name
        ├── SnapshotCorrupt         (ValueError)         stored bytes are not the recorded ones
        ├── UpstreamRejected        (RuntimeError)       the input's latest blocking check failed
        └── WarehouseBusy           (TimeoutError)       another build holds the warehouse
"""

from __future__ import annotations


class AinaError(Exception):
    """Root of every error this project raises on purpose.

    Args:
        expected: what should have been there.
        found: what was there instead.
        where: file, table, column or row.
        remedy: what the reader can do about it.
    """

    def __init__(self, *, expected: str, found: str, where: str, remedy: str) -> None:
        super().__init__(expected, found, where, remedy)
        self.expected = expected
        self.found = found
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return (
            f"{self.where}: expected {self.expected}; found {self.found}. What to do: {self.remedy}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.expected, self.found, self.where, self.remedy))


def _rebuild(
    kind: type[AinaError], expected: str, found: str, where: str, remedy: str
) -> AinaError:
    return kind(expected=expected, found=found, where=where, remedy=remedy)


class SourceError(AinaError):
    """An upstream file cannot be used."""


class LockError(SourceError, ValueError):
    """The lock file is malformed or contradicts itself."""


class SourceUnavailable(SourceError, FileNotFoundError):
    """The file is neither on disk nor to be had from its origin."""


class SourceOverCap(SourceError, ValueError):
    """The file or its dataset is larger than the byte cap. No byte was fetched or read."""


class SourceHashMismatch(SourceError, ValueError):
    """The bytes on disk are not the pinned ones."""


class SourceFormatError(SourceError, ValueError):
    """The file is not in its published layout."""


class AuthoredDocumentError(AinaError, ValueError):
    """A document that people author is missing or malformed."""


class ReviewError(AinaError, ValueError):
    """A subject, a gate or a decision is not as it must be; nothing was recorded."""


class LedgerError(AinaError):
    """A ledger cannot do what was asked."""


class IdempotencyConflict(LedgerError, ValueError):
    """The idempotency key is taken by an entry with other content."""


class LedgerMoved(LedgerError, RuntimeError):
    """Something was recorded since the ledger was looked at; nothing more was."""


class LedgerTampered(LedgerError, ValueError):
    """A record of a ledger is missing or is not what was recorded."""


class WarehouseError(AinaError):
    """The warehouse cannot do what was asked."""


class SnapshotMissing(WarehouseError, LookupError):
    """Nothing is stored under that name yet."""


class SnapshotCorrupt(WarehouseError, ValueError):
    """The stored bytes are not the recorded ones."""


class UpstreamRejected(WarehouseError, RuntimeError):
    """The latest attempt to build an input failed a blocking check."""


class WarehouseBusy(WarehouseError, TimeoutError):
    """Another build holds the warehouse."""
