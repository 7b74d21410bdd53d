"""A real server in a process of its own, for tests and benchmarks that need one.

Belongs here: starting ``aina serve`` over a warehouse, waiting until it answers, and ending it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from aina_assets.warehouse.settings import PROJECT_ROOT

PROGRAM = ("-c", "from aina_assets.cli import app; app()", "serve")
START_SECONDS = 180.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: where it answers.
        process: it.
        out: its standard output, a file.
        err: its standard error, a file.
    """

    url: str
    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Ask it to stop, and wait until it has."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


def start(
    home: Path,
    logs: Path,
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    **environment: str,
) -> Server:
    """A server over the warehouse at ``home``, once it answers."""
    logs.mkdir(parents=True, exist_ok=True)
    number = len(list(logs.glob("*.out")))
    out, err = logs / f"{number}.out", logs / f"{number}.err"
    command = [sys.executable, *program, *arguments]
    if "--port" not in arguments:
        command += ["--port", "0"]
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            command,
            env={**os.environ, "AINA_HOME": str(home), **environment},
            cwd=PROJECT_ROOT,
            stdout=to_out,
            stderr=to_err,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for line in out.read_text(encoding="utf-8").splitlines():
            if line.startswith("serving on "):
                url = line.split()[2]
                httpx2.get(f"{url}/health", timeout=START_SECONDS)
                return Server(url, process, out, err)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"the server did not start:\n{err.read_text()}{out.read_text()}")


@contextmanager
def running(
    home: Path,
    logs: Path,
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    **environment: str,
) -> Iterator[Server]:
    """A server that is gone afterwards."""
    server = start(home, logs, *arguments, program=program, **environment)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
