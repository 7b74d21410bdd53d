"""A reader that opens the current release over and over while builds are killed.

Run as ``python -m aina_assets_tests.crash.reader HOME STOP_FILE``: reads until STOP_FILE exists,
then prints how often it saw which release, and every error, as one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from aina_assets_tests.crash.ground import read_release

PAUSE_SECONDS = 0.15


def watch(home: Path, stop: Path) -> dict[str, object]:
    """Releases seen (by id, with counts) and errors met until ``stop`` exists."""
    seen: Counter[str] = Counter()
    errors: list[str] = []
    while not stop.exists():
        try:
            seen[read_release(home)] += 1
        except Exception as error:  # every error is what this reader is here to see
            errors.append(f"{type(error).__name__}: {error}")
        time.sleep(PAUSE_SECONDS)
    return {"seen": seen, "errors": errors}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(watch(Path(sys.argv[1]), Path(sys.argv[2]))))
