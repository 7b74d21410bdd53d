"""Full build against the floor, as whole processes, alternating; medians and their ratio.

python -m aina_assets_tests.bench --cache MIRROR [--lock LOCK] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aina_assets_tests.conftest import MIRROR_LOCK

AIM_RATIO = 3.0
AIM_SECONDS_PER_STEP = 0.1
AIM_MEGABYTES = 2048


def measured(command: list[str], home: Path) -> tuple[float, float, str]:
    """``(wall seconds, processor seconds, standard output)`` of one run of ``command``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(
        command,
        env={**os.environ, "AINA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, spent, done.stdout


def main() -> None:
    """Print one line a contender, the ratio, and whether the aims are met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--lock", type=Path, default=MIRROR_LOCK)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    place = ["--lock", str(options.lock), "--cache", str(options.cache)]
    build = [sys.executable, "-m", "aina_assets.cli", "build", "--offline", "--json", *place]
    module = [sys.executable, "-m"]
    figures: dict[str, list[tuple[float, float]]] = {
        "floor": [],
        "full build": [],
        "second build": [],
        "idle graph": [],
    }
    steps, idle_seconds, idle_steps = 0, [], 1
    with tempfile.TemporaryDirectory() as folder:
        floor_out = Path(folder) / "floor.duckdb"
        floor = [*module, "aina_assets_tests.bench.floor", str(options.lock), str(options.cache)]
        for run in range(options.runs):
            home = Path(folder) / f"home{run}"
            seconds, spent, _ = measured([*floor, str(floor_out)], home)
            figures["floor"].append((seconds, spent))
            seconds, spent, text = measured(build, home)
            figures["full build"].append((seconds, spent))
            steps = json.loads(text)["assets_run"]
            seconds, spent, text = measured(build, home)
            figures["second build"].append((seconds, spent))
            if json.loads(text)["assets_run"]:
                raise SystemExit("the second build ran something")
            idle = [*module, "aina_assets_tests.bench.skeleton"]
            seconds, spent, text = measured(idle, Path(folder) / f"idle{run}")
            figures["idle graph"].append((seconds, spent))
            idle_steps, idle_run = int(text.split()[0]), float(text.split()[1])
            idle_seconds.append(idle_run)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    medians = {}
    for name, runs in figures.items():
        medians[name] = statistics.median(seconds for seconds, _ in runs)
        spent = statistics.median(processor for _, processor in runs)
        spread = f"{min(runs)[0]:.2f}-{max(runs)[0]:.2f}"
        print(f"{name:<14} {medians[name]:6.2f} s wall ({spread}), {spent:6.2f} s processor")
    share = statistics.median(idle_seconds) / idle_steps
    allowed = AIM_RATIO * medians["floor"] + AIM_SECONDS_PER_STEP * idle_steps
    ratio = medians["full build"] / medians["floor"]
    print(f"ratio          {ratio:6.2f} full build to floor ({steps} assets in {idle_steps} steps)")
    print(f"Dagster        {1000 * share:6.0f} ms a step (idle graph, checks and event log)")
    print(f"peak memory    {peak:6.0f} MB (largest of all processes)")
    met = medians["full build"] <= allowed and peak < AIM_MEGABYTES
    print(f"aim            {allowed:6.2f} s, < {AIM_MEGABYTES} MB: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
