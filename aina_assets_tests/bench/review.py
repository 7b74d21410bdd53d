"""Evaluating a hundred thousand subjects with three hundred thousand decisions.

python -m aina_assets_tests.bench.review [--subjects 100000] [--decisions 300000]

Decisions are signed by four reviewers at a hard gate of two, some of them on
former digests, some expired. Making them is not timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from aina_assets.contracts.review import SignedDecision
from aina_assets.review.gates import gate_states
from aina_assets.review.ledger import DecisionLedger
from aina_assets.review.reading import decisions, from_ledger
from aina_assets.review.subjects import digest_of, subject
from aina_assets_tests.review.world import HARD, KEYS, START, gates, reviewers, signed

VERDICTS = ("approve", "approve", "approve", "hold", "reject", "revise")
BATCH = 100_000


@contextmanager
def timed(name: str, count: int) -> Iterator[None]:
    """Print what the block takes."""
    started = time.monotonic(), time.process_time()
    yield
    wall, processor = time.monotonic() - started[0], time.process_time() - started[1]
    print(f"{name:<28} {count:>9,} {wall:>8.2f} s wall {processor:>8.2f} s processor")


def made(number: int, subjects: pa.Table, count: int) -> SignedDecision:
    """Decision ``number``: the reviewers take turns, going through the subjects again and again."""
    at = number % count
    digest = subjects["subject_digest"][at].as_py()
    return signed(
        ("ana", "ben", "cleo", "dora")[number // count % 4],
        VERDICTS[number % len(VERDICTS)],
        subject_key=str(at),
        subject_digest=digest_of("former") if number % 17 == 0 else digest,
        expires_at=START + timedelta(days=1 + number % 60),
    )


def main() -> None:
    """Measure with the arguments of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=300_000)
    options = parser.parse_args()
    subjects = pa.Table.from_pylist(
        [
            subject(HARD, "domain", str(number), title=f"Subject {number}", content={"x": number})
            for number in range(options.subjects)
        ]
    )
    on_file = reviewers()
    with (
        tempfile.TemporaryDirectory() as folder,
        DecisionLedger.open(
            f"sqlite:///{folder}/ledger.db", Path(folder) / "checkpoints.jsonl"
        ) as ledger,
    ):
        for start in range(0, options.decisions, BATCH):
            batch = range(start, min(start + BATCH, options.decisions))
            some = [made(number, subjects, options.subjects) for number in batch]
            if start + BATCH >= options.decisions:
                with timed("verify, record, seal", len(some)):
                    ledger.record_many(some, KEYS["ana"], on_file)
            else:
                ledger.record_many(some, KEYS["ana"], on_file)
        with timed("verify the ledger", options.decisions):
            ledger.verify(on_file)
        with timed("read", options.decisions):
            found = list(from_ledger(ledger.records()))
        with timed("rows, signatures verified", options.decisions):
            rows = decisions(found, gates(), on_file, START + timedelta(days=20))
        with timed("gate_states", options.subjects):
            states = gate_states([subjects], rows, gates())
    print(states["state"].value_counts().to_pylist())


if __name__ == "__main__":
    main()
