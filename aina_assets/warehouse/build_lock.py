"""One writer at a time: the lock that a build holds on its warehouse.

Belongs here: taking and releasing the lock and saying who has it. The lock is the operating
system's: it goes with the process, so a killed build leaves nothing to clean up.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from aina_assets.contracts.errors import WarehouseBusy
from aina_assets.warehouse.files import remove_leftovers

# Characters of a holder's command that are kept, to say who it is.
LONGEST_COMMAND = 120

_held: dict[Path, int] = {}


@contextmanager
def exclusive_writer(root: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the warehouse at ``root`` for writing; re-entrant within a process.

    What killed writers left half-written is removed once the lock is held.

    Args:
        root: the warehouse root.
        wait_seconds: how long to wait for another writer; 0 refuses at once.

    Raises:
        WarehouseBusy: another process still holds it after that time.
    """
    root = root.resolve()
    if _held.get(root):
        _held[root] += 1
        try:
            yield
        finally:
            _held[root] -= 1
        return
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / "build.lock")
    holder = root / "build.lock.json"
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise WarehouseBusy(
            expected="no other build at work",
            found=_describe(holder),
            where=str(root),
            remedy="wait for it to end (aina build --wait SECONDS waits for you), or stop it",
        ) from None
    _held[root] = 1
    try:
        _announce(holder)
        remove_leftovers(root)
        yield
    finally:
        _held[root] = 0
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _announce(holder: Path) -> None:
    """Say who holds the lock: a courtesy to whoever is refused, so a full disk does not matter."""
    # A run of the UI has its whole configuration as arguments: kilobytes, and perhaps passwords.
    command = " ".join(" ".join(sys.argv).split())[:LONGEST_COMMAND]
    who = {"pid": os.getpid(), "host": socket.gethostname(), "command": command}
    with suppress(OSError):
        holder.write_text(json.dumps(who))


def _describe(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text())
    except (OSError, ValueError):
        return "another build (it has not said which)"
    return f"a build by process {who['pid']} on {who['host']}: {who['command']}"
