"""Writers in processes of their own, all at once or killed on the way.

Belongs here: starting and killing them, and what must be true of the ledger afterwards.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aina_assets.learner.ledger import Ledger
from aina_assets.warehouse.settings import PROJECT_ROOT

SEED = int(os.environ.get("AINA_TEST_SEED", "20261122"))
_OVERLAP = 5
"""So many events are sent again by whoever goes on after a killed writer."""


@dataclass
class Writer:
    """A writer, and the file it prints to."""

    process: subprocess.Popen[bytes]
    output: Path

    def acknowledged(self) -> dict[int, int]:
        """Positions that it was told, by event; a line without an end was not printed yet."""
        lines = self.output.read_text().split("\n")[1:-1]
        return {int(number): int(position) for number, position in map(str.split, lines)}

    def wait_until_ready(self) -> None:
        """Wait until all it has left to do is to open the ledger and write."""
        while not self.output.stat().st_size and self.process.poll() is None:
            time.sleep(0.002)

    def begin(self) -> None:
        """Let it write."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()


def start_writer(output: Path, *arguments: object) -> Writer:
    """A writer that will wait until it is told to begin; see ``writer``."""
    command = [sys.executable, "-m", "aina_assets_tests.learner.writer", *map(str, arguments)]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.PIPE, cwd=PROJECT_ROOT
        )
    return Writer(process, output)


def run_together(folder: Path, arguments: Sequence[Sequence[object]]) -> list[dict[int, int]]:
    """What writers were told that began at the same moment, each with its own arguments."""
    writers = [start_writer(folder / f"writer{at}", *each) for at, each in enumerate(arguments)]
    for writer in writers:
        writer.wait_until_ready()
    for writer in writers:
        writer.begin()
    for writer in writers:
        _, said = writer.process.communicate(timeout=240)
        assert writer.process.returncode == 0, said.decode()
    return [writer.acknowledged() for writer in writers]


def interrupt_often(
    url: str, folder: Path, rounds: int, interrupt: Callable[[Writer], None], seed: int = SEED
) -> int:
    """Interrupt writers at random moments; each goes on a little before the last one's end.

    Returns:
        How many events were acknowledged.
    """
    chance = random.Random(seed)  # noqa: S311 - tests, not secrets
    told: dict[int, int] = {}
    recorded = 0
    for number in range(rounds):
        batch = chance.choice((1, 1, 7))
        first = max(0, recorded - _OVERLAP)
        writer = start_writer(folder / f"round{number}", url, "event", first, 1_000_000, batch)
        try:
            writer.wait_until_ready()
            writer.begin()
            while not writer.acknowledged() and writer.process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.4))
            interrupt(writer)
        finally:
            writer.process.kill()
            _, said = writer.process.communicate()
        again = writer.acknowledged()
        assert again, said.decode()
        # Whoever is told twice is told the same.
        assert told | again == again | told
        told |= again
        before, recorded = recorded, check_recorded(url, told)
        assert recorded == before or (recorded - first) % batch == 0, "half a batch"
    return len(told)


def kill(writer: Writer) -> None:
    """End a writer without its knowing."""
    writer.process.send_signal(signal.SIGKILL)
    assert writer.process.wait() == -signal.SIGKILL


def check_recorded(url: str, told: dict[int, int]) -> int:
    """All that was acknowledged is recorded where it was said to be; nothing is there twice.

    Returns:
        How many events are recorded.
    """
    with Ledger.open(url) as ledger:
        head = ledger.verify()
        recorded = {
            record.position: int(record.event.idempotency_key.removeprefix("event "))
            for record in ledger.events()
        }
    assert list(recorded) == list(range(1, head.position + 1))
    assert sorted(recorded.values()) == list(range(head.position))
    assert {number: position for position, number in recorded.items()} | told == {
        number: position for position, number in recorded.items()
    }
    return head.position
