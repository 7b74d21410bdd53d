"""What every asset would be configured with now: files, lock, figures, ledgers, the time of day.

Belongs here: the one place that asks for it. The plan compares the versions with those on record
and builds what differs; full validation and the release name what is no longer as recorded, so a
file that changed on disk is seen whoever looks. Every file is hashed once in a look.
"""

from __future__ import annotations

from collections.abc import Iterable

from aina_assets.contracts.errors import AinaError
from aina_assets.release.validation import Declared
from aina_assets.review import ledger, reading
from aina_assets.review.policy import Reviewers
from aina_assets.sources.assets import Sources
from aina_assets.sources.files import UPSTREAM
from aina_assets.warehouse import authored, ledgers
from aina_assets.warehouse.authored import AUTHORED_GROUP
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.ledgers import LEDGER_GROUP
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.store import Record, Store

EXPIRED = "an approval expired"


def configured(
    declared: Iterable[Declared], sources: Sources, warehouse: Warehouse
) -> dict[str, Configured]:
    """What each of ``declared`` would be configured with now.

    Raises:
        LockError: the lock cannot be read.
        AinaError: the recorded figures cannot be read.
    """
    return {item.asset: _configured(item, sources, warehouse) for item in declared}


def _configured(item: Declared, sources: Sources, warehouse: Warehouse) -> Configured:
    group, _, name = item.asset.rpartition("/")
    if group == UPSTREAM:
        return sources.configured(name)
    if group == AUTHORED_GROUP:
        return authored.configured(name)
    if group == LEDGER_GROUP:
        recorded = ledgers.head_in(_record(warehouse.store, item.asset))
        return ledgers.configured(name, recorded, is_walked=item.is_walked)
    if item.asset == reading.DECISIONS:
        return _of_decisions(warehouse)
    return warehouse.configured(item.asset)


def _of_decisions(warehouse: Warehouse) -> Configured:
    """Of the table of decisions: its ledger's checkpoints, and the time, belong to it too."""
    try:
        ledger.require_sealed(Reviewers.load())
    except AinaError as error:
        return Configured(ledgers.NOT_AS_RECORDED, fault=str(error))
    if reading.has_expired(warehouse.store, reading.now()):
        return Configured(EXPIRED, "an approval that it counts expired since it was made")
    return warehouse.configured(reading.DECISIONS)


def _record(store: Store, asset: str) -> Record | None:
    try:
        return store.record(asset)
    except AinaError:
        # Validation names it; a plan stops at it.
        return None
