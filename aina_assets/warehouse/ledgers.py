"""Ledgers as inputs of the graph: which one, how far it goes, and what is in it up to there.

Belongs here: what the one asset of each ledger (``ledger/<name>``) and its dependents need, without
ever making a ledger. Stays out: how entries are kept (``journal``), what any ledger says.

A ledger's version is the digest of its last entry. Each entry carries the digest of the one before
it, so whoever walks the chain up to that digest has proved every entry. The digest alone proves
none: an entry edited in the database, its own digest left as it was, shows only when it is walked.

===========================  =======================================================================
who looks                    at what
===========================  =======================================================================
the asset, when it is made   the whole chain, against the head recorded last
plan and full validation     of a ledger declared ``is_walked``: the same; of another, which may
                             hold millions of entries: its head, and the entry recorded last
===========================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from aina_assets.contracts.errors import LedgerError, LedgerTampered
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.settings import ledger_url, may_have_ledger
from aina_assets.warehouse.store import Record

if TYPE_CHECKING:
    from aina_assets.warehouse.journal import Entry, Journal

LEDGER_GROUP = "ledger"
NOTHING_RECORDED = "nothing recorded yet"
WALKED = "aina/walked"
"""Tag of the asset of a ledger that is walked whenever somebody plans or validates."""
NOT_AS_RECORDED = "not as it was recorded"
UNREADABLE = "unreadable"

Head = tuple[int, str | None]
_NO_HEAD: Head = (0, None)


@dataclass(frozen=True)
class LedgerSpec:
    """A ledger that the graph reads.

    Attributes:
        name: of its journal.
        description: what it holds.
        is_walked: every entry is looked at whenever somebody plans or validates. For a ledger on
            whose every entry something hangs, and that stays small enough to be read each time.
    """

    name: str
    description: str
    is_walked: bool = False


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


def configured(name: str, recorded: Head, *, is_walked: bool) -> Configured:
    """What ledger ``name`` is now: its version (a word where it has none) and what is wrong.

    Args:
        name: of the ledger.
        recorded: the head as its asset recorded it; a ledger that goes further has grown.
        is_walked: look at every entry; else at the last one and at the one that was recorded last.
    """
    try:
        head = verified_head(name, recorded) if is_walked else _head_beyond(name, recorded)
    except LedgerTampered as error:
        return Configured(NOT_AS_RECORDED, fault=str(error))
    except LedgerError as error:
        return Configured(UNREADABLE, fault=str(error))
    return Configured(version_of(head), is_growing=True)


def _head_beyond(name: str, recorded: Head) -> Head:
    """The head of ledger ``name``, if the entry that was recorded last is still there.

    Raises:
        LedgerTampered: it is not, or is another.
        LedgerError: the database does not answer.
    """
    position, digest = recorded
    head, found = _NO_HEAD, None
    journal = existing(name)
    if journal is not None:
        with journal:
            head = journal.head()
            if head == recorded or not position:
                return head
            last = journal.entries(after_position=position - 1, until=position)
            found = next((entry.digest for entry in last), None)
    if found != digest:
        raise _not_as_recorded(name, position, f"digest {digest}", str(found or "no record"))
    return head


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
