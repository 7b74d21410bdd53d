"""A process that writes to a ledger, for the tests that need several, or that kill one.

``python -m aina_assets_tests.learner.writer URL NAME FIRST COUNT [BATCH]`` prints ``ready``,
waits for a line on standard input, and appends events ``FIRST`` and the ``COUNT - 1`` after it,
whose keys begin with ``NAME``. It prints ``number position`` once each is acknowledged.
"""

from __future__ import annotations

import sys

from aina_assets.learner.ledger import Ledger
from aina_assets_tests.learner.samples import event


def main(url: str, name: str, first: str, count: str, batch: str = "1") -> None:
    """Wait to be let go, open the ledger, and write."""
    print("ready", flush=True)
    sys.stdin.readline()
    with Ledger.open(url) as ledger:
        numbers = range(int(first), int(first) + int(count))
        for start in range(0, len(numbers), int(batch)):
            some = numbers[start : start + int(batch)]
            records = ledger.append_many(
                event(number, idempotency_key=f"{name} {number}") for number in some
            )
            lines = [
                f"{number} {record.position}\n"
                for number, record in zip(some, records, strict=True)
            ]
            print("".join(lines), end="", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
