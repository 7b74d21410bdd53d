"""Load of ``POST /curriculum``, beside an empty FastAPI endpoint, and the planner alone.

python -m aina_assets_tests.bench.serve --home HOME [--seconds 20] [--learners 500] [--rate 200]

``HOME`` is a warehouse with a published release. Every request is a new plan: it is made, recorded
in a ledger on disk, and answered; learners take turns at random, and are as many as asked for. The
load comes from ``wrk`` where it is installed, else from a client in Python, which takes a share of
the processors itself.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from aina_assets.contracts.learner import AiUsage, Goal, LearnerProfile
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.planner import decide
from aina_assets.learner.service import LearnerService
from aina_assets.learner.view import ReleaseView
from aina_assets.release.publish import current_release
from aina_assets_tests.serve.server import running

AIM_RATE = 200
AIM_P99_MS = 50.0
CONNECTIONS = 20
ANSWER_MS = 10
"""What an answer takes, roughly: a connection that waits so much less keeps the rate."""
PLANNER_SECONDS = 5.0

_LUA = """
math.randomseed(os.time())
function request()
  local body = string.format('{"learner_id":"bench-%%04d"}', math.random(0, %d))
  return wrk.format("POST", "/curriculum", {["Content-Type"] = "application/json"}, body)
end
%s
"""
# Each connection waits, on average as long as the rate leaves it, before it asks again.
_LUA_DELAY = "function delay() return math.random(0, %d) end\n"


class _Empty(BaseModel):
    learner_id: str


@dataclass(frozen=True)
class Load:
    """What a load came to."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int

    def __str__(self) -> str:
        figures = (
            f"{self.per_second:8.0f} /s   p50 {self.p50_ms:7.2f} ms   p99 {self.p99_ms:7.2f} ms"
        )
        return figures + (f"   {self.errors} ERRORS" if self.errors else "")


def profiles(view: ReleaseView, count: int) -> list[LearnerProfile]:
    """Synthetic learners with the titles of the release's occupations, in turn."""
    titles = [row["title"] for row in view.rows("SELECT title FROM occupations ORDER BY title")]
    chosen = random.Random(7)  # noqa: S311 - a repeatable choice
    return [
        LearnerProfile(
            learner_id=f"bench-{number:04d}",
            is_synthetic=True,
            role_title=titles[number % len(titles)],
            ai_usage=chosen.choice(list(AiUsage)),
            confidence=chosen.randint(1, 5),
            goals=(chosen.choice(list(Goal)),),
            weekly_minutes=chosen.choice((30, 90, 240)),
        )
        for number in range(count)
    ]


def planner_rate(view: ReleaseView, folder: Path, learners: list[LearnerProfile]) -> float:
    """Decisions a second of the planner alone, on packets of real roles."""
    with Ledger.open(f"sqlite:///{folder / 'packets.sqlite'}") as ledger:
        service = LearnerService(lambda: view, ledger)
        packets = [
            service.assess(profile, f"bench {number}").packet
            for number, profile in enumerate(learners[:100])
        ]
    decided, started = 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < PLANNER_SECONDS:
        for packet in packets:
            decide(packet, view.rules)
        decided += len(packets)
    return decided / seconds


def prepare(url: str, learners: list[LearnerProfile]) -> None:
    """Assess every learner, and plan once."""
    with httpx2.Client(base_url=url, timeout=60) as client:
        for profile in learners:
            client.post("/assess", json=profile.model_dump(mode="json")).raise_for_status()
            client.post("/curriculum", json={"learner_id": profile.learner_id}).raise_for_status()


def loaded(url: str, seconds: int, learner_count: int, rate: int | None) -> Load:
    """The load of ``seconds``, at ``rate`` requests a second or flat out."""
    if shutil.which("wrk"):
        return _by_wrk(url, seconds, learner_count, rate)
    return asyncio.run(_by_client(url, seconds, learner_count, rate))


def _by_wrk(url: str, seconds: int, learner_count: int, rate: int | None) -> Load:
    delay = _LUA_DELAY % (2 * (round(1000 * CONNECTIONS / rate) - ANSWER_MS)) if rate else ""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA % (learner_count - 1, delay))
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s"]
        said = subprocess.run(
            [*command, script.name, url], capture_output=True, text=True, check=True
        ).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = [int(count) for count in re.findall(r"(?:connect|read|write|timeout) (\d+)", said)]
    return Load(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        _milliseconds(_found(r"50%\s+(\S+)", said)),
        _milliseconds(_found(r"99%\s+(\S+)", said)),
        sum(broken) + (int(failed.group(1)) if failed else 0),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk said something else:\n{text}")
    return match.group(1)


def _milliseconds(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"wrk said {text!r} of a latency")


async def _by_client(url: str, seconds: int, learner_count: int, rate: int | None) -> Load:
    latencies: list[float] = []
    errors = 0
    ends = time.perf_counter() + seconds
    chosen = random.Random(11)  # noqa: S311 - a repeatable choice

    async def ask(client: httpx2.AsyncClient) -> None:
        nonlocal errors
        while time.perf_counter() < ends:
            if rate:
                await asyncio.sleep(chosen.uniform(0, 2 * CONNECTIONS / rate))
            started = time.perf_counter()
            body = {"learner_id": f"bench-{chosen.randrange(learner_count):04d}"}
            answer = await client.post("/curriculum", json=body)
            latencies.append(1000 * (time.perf_counter() - started))
            errors += answer.status_code != 200

    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(ask(client) for _ in range(CONNECTIONS)))
    latencies.sort()
    return Load(
        len(latencies) / seconds,
        latencies[len(latencies) // 2],
        latencies[int(len(latencies) * 0.99)],
        errors,
    )


@contextmanager
def empty_endpoint() -> Iterator[str]:
    """FastAPI with one route that reads the same body and does nothing, in its own process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = "aina_assets_tests.bench.serve"
    process = subprocess.Popen([sys.executable, "-m", module, "--empty", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx2.post(f"{url}/curriculum", json={"learner_id": "x"}).raise_for_status()
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


def serve_empty(port: int) -> None:
    """Be that process."""
    app = FastAPI()

    @app.post("/curriculum")
    def curriculum(request: _Empty) -> dict[str, str]:
        return {}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def main() -> None:
    """Print a line a contender, and whether the aim is met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--learners", type=int, default=500)
    parser.add_argument("--rate", type=int, default=AIM_RATE)
    parser.add_argument("--empty", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.empty:
        serve_empty(options.empty)
        return
    release = current_release(options.home)
    if release is None:
        raise SystemExit(f"no release in {options.home}: aina build")
    view = ReleaseView.open(release.release_id, release.path)
    learners = profiles(view, options.learners)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rate = planner_rate(view, folder, learners)
        print(f"planner alone        {rate:8.0f} decisions /s")
        view.close()
        with empty_endpoint() as url:
            floor = loaded(url, options.seconds, options.learners, None)
            print(f"empty, flat out      {floor}")
        ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
        with running(options.home, folder, "--insecure-local", "--ledger", ledger) as server:
            prepare(server.url, learners)
            steady = loaded(server.url, options.seconds, options.learners, options.rate)
            print(f"plans, at {options.rate:4d} /s    {steady}")
            full = loaded(server.url, options.seconds, options.learners, None)
            print(f"plans, flat out      {full}")
            head = httpx2.get(f"{server.url}/health").json()["ledger"]["position"]
    share = floor.per_second / full.per_second
    print(f"empty to plans       {share:8.1f} times; {head:,} events in the ledger")
    met = steady.p99_ms < AIM_P99_MS and not steady.errors and steady.per_second > 0.9 * AIM_RATE
    verdict = "met" if met else "missed"
    print(f"aim                  p99 < {AIM_P99_MS:.0f} ms at {AIM_RATE} /s: {verdict}")


if __name__ == "__main__":
    main()
