"""A process that decides, for the tests that need several, or that kill one.

``python -m aina_assets_tests.review.decider URL CHECKPOINTS REVIEWER COUNT`` prints ``ready``,
waits for a line on standard input, and records COUNT decisions one by one, printing each one's id
and position once it is acknowledged.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aina_assets.review.ledger import DecisionLedger
from aina_assets_tests.review.world import KEYS, reviewers, signed


def main(url: str, checkpoints: str, name: str, count: str) -> None:
    """Wait to be let go, open the ledger, and decide."""
    on_file = reviewers()
    print("ready", flush=True)
    sys.stdin.readline()
    with DecisionLedger.open(url, Path(checkpoints)) as ledger:
        for number in range(int(count)):
            made = signed(name, subject_key=f"{name} {number}")
            record = ledger.record(made, KEYS[name], on_file)
            print(made.decision.decision_id, record.position, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
