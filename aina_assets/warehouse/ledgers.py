"""Ledgers as inputs of the graph: which one, how far it goes, and what is in it up to there.

Belongs here: what the one asset of each ledger (``ledger/<name>``) and its dependents need, without
ever making a ledger. Stays out: how entries are kept (``journal``), what any ledger says.

A ledger's version is the digest of its last entry: since each entry carries the digest of the one
before it, no entry can be another while that digest is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from aina_assets.contracts.errors import LedgerError, LedgerTampered
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.settings import ledger_url, may_have_ledger
from aina_assets.warehouse.store import Record

if TYPE_CHECKING:
    from aina_assets.warehouse.journal import Entry, Journal

LEDGER_GROUP = "ledger"
NOTHING_RECORDED = "nothing recorded yet"

Head = tuple[int, str | None]
_NO_HEAD: Head = (0, None)


def existing(name: str) -> Journal | None:
    """The journal of ledger ``name``; none where there is none.

    Raises:
        LedgerError: the database does not answer.
    """
    if not may_have_ledger():
        return None
    # Every command plans; most have no ledger to look into, and SQLAlchemy takes its time.
    from aina_assets.warehouse.journal import Journal

    return Journal.existing(ledger_url(), name)


def verified_head(name: str, recorded: Head = _NO_HEAD) -> Head:
    """The head of ledger ``name``, of which every entry was looked at.

    Args:
        name: of the ledger.
        recorded: the head as it was recorded last.

    Raises:
        LedgerTampered: names the first position that is not as it was recorded.
        LedgerError: the database does not answer.
    """
    journal = existing(name)
    if journal is not None:
        with journal:
            return journal.verify(recorded)
    if recorded != _NO_HEAD:
        raise _not_as_recorded(name, 1, f"records up to {recorded[0]}", "no ledger")
    return _NO_HEAD


def version_of(head: Head) -> str:
    """The version of a ledger with this head."""
    return head[1] or digest_of_json(NOTHING_RECORDED)


def settings_version(name: str) -> str:
    """The version of ledger ``name`` as it is now; a word where it does not say."""
    try:
        journal = existing(name)
        if journal is None:
            return version_of(_NO_HEAD)
        with journal:
            return version_of(journal.head())
    except LedgerError:
        return "unreadable"


@dataclass(frozen=True)
class RecordedEntries:
    """Entries of a ledger up to the head that its asset recorded.

    As the annotation of a table function's argument it makes the ledger of that argument's name an
    input of the table.

    Attributes:
        name: of the ledger.
        head: as the asset recorded it.
    """

    name: str
    head: Head

    @staticmethod
    def asset_path(argument: str) -> tuple[str, ...]:
        """The key of the asset of the ledger named ``argument``."""
        return (LEDGER_GROUP, argument)

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The entries that the asset recorded."""
        return cls(record.asset.rpartition("/")[2], head_in(record))

    def __iter__(self) -> Iterator[Entry]:
        """The entries in order, read in batches.

        Raises:
            LedgerTampered: the last of them is not the one recorded.
            LedgerError: the database does not answer.
        """
        position, digest = self.head
        last = None
        journal = existing(self.name) if position else None
        if journal is not None:
            with journal:
                for entry in journal.entries(until=position):
                    last = entry.digest
                    yield entry
        if last != digest:
            raise _not_as_recorded(self.name, position, f"digest {digest}", str(last))


def head_in(record: Record | None) -> Head:
    """The head that ``record`` of a ledger's asset holds; that of an empty one where none does."""
    if record is None:
        return _NO_HEAD
    return record.details["position"], record.details["digest"]


def _not_as_recorded(name: str, position: int, expected: str, found: str) -> LedgerTampered:
    return LedgerTampered(
        expected=expected,
        found=found,
        where=f"position {position} of {name}",
        remedy="restore the ledger from a copy that verifies",
    )
