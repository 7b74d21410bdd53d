"""A build on a disk that is too small, in a mount namespace of its own.

Run below ``unshare --user --map-root-user --mount`` as ``python -m
aina_assets_tests.crash.small_disk HOME LOCK MOUNT FREE_KIB``: copies the warehouse HOME to a tmpfs
at MOUNT that has FREE_KIB left, builds LOCK there, then gives it room and builds again. Prints one
JSON object. The mount goes with the namespace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from aina_assets_tests.crash.ground import (
    fingerprints,
    leftovers,
    release_id,
    run_build,
    unfinished_runs,
    versions,
)

ROOMY_KIB = 400_000


def mount(place: Path, size_kib: int, *options: str) -> None:
    """Mount a tmpfs of a size, or give the mounted one another size."""
    settings = ",".join([*options, f"size={size_kib}k"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", settings, "tmpfs", str(place)], check=True)


def main(origin: Path, lock: Path, place: Path, free_kib: int) -> dict[str, Any]:
    """What happened on the small disk, and after it had room again."""
    mount(place, ROOMY_KIB)
    home = place / "home"
    shutil.copytree(origin, home, symlinks=True)
    used = shutil.disk_usage(place).used // 1024
    before = fingerprints(home)
    mount(place, used + free_kib, "remount")
    full = run_build(home, lock)
    after = fingerprints(home)
    mount(place, ROOMY_KIB, "remount")
    roomy = run_build(home, lock)
    return {
        "full": [full.returncode, full.stdout, full.stderr],
        "kept": [before.items() <= after.items(), before["releases/current"]],
        "changed": sorted(name for name, digest in before.items() if after.get(name) != digest),
        "roomy": [roomy.returncode, roomy.stdout, roomy.stderr],
        "versions": versions(home),
        "release": release_id(home),
        "leftovers": leftovers(home),
        "unfinished": unfinished_runs(home),
    }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    origin, lock, place, free = sys.argv[1:]
    report = main(Path(origin), Path(lock), Path(place), int(free))
    sys.stdout.write(json.dumps(report))
