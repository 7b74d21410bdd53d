"""Processes that stop the toy pipeline at its write points, and the jobs given to them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

WORKERS = 2


class ToyDriver:
    """One driver process (``toy``): asks and waits for the answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, do: str, **job: Any) -> Any:
        """The driver's answer.

        Raises:
            AssertionError: something that must hold did not; the message is the driver's.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **job}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{do} {job}\n{answer.get('error')}"
        return answer["value"]


class ToyDrivers:
    """Several drivers that share the jobs."""

    def __init__(self, drivers: Sequence[ToyDriver]) -> None:
        self.drivers = drivers
        self._points: dict[str, dict[str, Any]] = {}

    def points(self, name: str) -> dict[str, Any]:
        """Write points of scenario ``name``, learned by every driver."""
        if name not in self._points:
            with ThreadPoolExecutor(len(self.drivers)) as pool:
                first, *others = pool.map(
                    lambda driver: driver.ask("points", name=name), self.drivers
                )
            assert all(other["telling"] == first["telling"] for other in others)
            self._points[name] = first
        return self._points[name]

    def ask_all(self, do: str, jobs: Sequence[dict[str, Any]]) -> list[Any]:
        """Answers to ``jobs``, in their order."""
        shares = [range(start, len(jobs), len(self.drivers)) for start in range(len(self.drivers))]

        def work(driver: ToyDriver, share: range) -> list[tuple[int, Any]]:
            return [(index, driver.ask(do, **jobs[index])) for index in share]

        with ThreadPoolExecutor(len(self.drivers)) as pool:
            answers = [pair for part in pool.map(work, self.drivers, shares) for pair in part]
        return [answer for _, answer in sorted(answers, key=lambda pair: pair[0])]


@contextmanager
def toy_drivers() -> Iterator[ToyDrivers]:
    """Drivers at work in a folder in memory, where there is one: they sync a great deal."""
    memory = Path("/dev/shm")  # noqa: S108
    base = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="aina-toy-", dir=base))
    command = [sys.executable, "-m", "aina_assets_tests.crash.toy"]
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    subprocess.Popen(
                        [*command, str(folder / str(number))],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                        env={**os.environ, **single},
                    )
                )
                for number in range(WORKERS)
            ]
            yield ToyDrivers([ToyDriver(process) for process in processes])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
