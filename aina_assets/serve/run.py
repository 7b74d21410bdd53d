"""Starting the server: one process over one release, one ledger and the keys on file.

Belongs here: putting the parts together from the warehouse root, and what refuses to start. Stays
out: the command line (``cli``), what is served (``app``).
"""

from __future__ import annotations

import ipaddress
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from upath import UPath

from aina_assets.contracts.errors import AinaError
from aina_assets.learner.artifacts import Submissions
from aina_assets.learner.service import LearnerService
from aina_assets.learner.view import ReleaseView
from aina_assets.release.policy import Domain
from aina_assets.serve.app import create_app
from aina_assets.serve.boundary import Admission
from aina_assets.serve.commits import SharedLedger
from aina_assets.serve.desk import Desk, Tracer
from aina_assets.serve.keys import KeyFileError, Pace, key_file, secret_of
from aina_assets.serve.releases import ReleaseHolder
from aina_assets.serve.review_keys import KeyRing
from aina_assets.serve.review_pages import LiveDesk, ReviewPages
from aina_assets.serve.sessions import Sessions
from aina_assets.serve.telemetry import SETTING, Telemetry, sink_of
from aina_assets.warehouse.settings import ledger_url
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table

DEFAULT_PORT = 8321
SWITCH_SECONDS = 0.001
KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 10

Models = Callable[[], Mapping[str, type[Table]]]


class ServeError(AinaError):
    """The server refuses to start."""


def default_submissions(home: Path) -> Submissions:
    """Where the warehouse at ``home`` keeps texts that learners handed in."""
    return Submissions(home / "learner" / "submissions")


@contextmanager
def application(
    home: Path,
    ledger_url: str,
    models: Models,
    *,
    is_local: bool,
    is_public: bool = False,
    keeps_submissions: bool = False,
    telemetry: str = "",
    reviewers: Path | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[FastAPI]:
    """The application over the warehouse at ``home``, as long as the block lasts.

    Args:
        home: the warehouse root.
        ledger_url: of the learner event ledger.
        models: every table's model by name, for traces.
        is_local: no API keys; only this machine is served.
        is_public: others can reach it, which takes the boundary public_runtime.
        keeps_submissions: whether texts handed in are kept beside the ledger, to be graded again.
        telemetry: the setting of the sink.
        reviewers: document of who may decide; where it is given, the review pages are shown.
        clock: the time, by which boundaries of production shut.

    Raises:
        AinaError: no release, no ledger, no key on file, no such sink, or a boundary is closed.
    """
    keys = key_file(home)
    if not is_local and not keys.read():
        raise KeyFileError(
            expected="at least one API key",
            found="none",
            where=str(keys.path),
            remedy="make one (aina serve keys add NAME), or serve this machine alone"
            " (aina serve --insecure-local)",
        )
    secret = secret_of(home / "serve" / "secret")
    releases = ReleaseHolder.open(home)
    try:
        with releases.lease() as view:
            now = clock()
            reach = view.boundaries.standing(Domain.PUBLIC_RUNTIME, now)
            told = view.boundaries.standing(Domain.PRODUCTION_TELEMETRY, now)
        if is_public and not reach.is_open:
            raise ServeError(
                expected="127.0.0.1, while the boundary public_runtime is closed",
                found=f"an address that others can reach; {reach.reason}",
                where="--host",
                remedy="leave --host out; reviewers open the boundary: docs/release.md",
            )
        sink = sink_of(telemetry, told)
        with SharedLedger.open(ledger_url) as ledger:
            desk = Desk(
                releases,
                LearnerService(
                    _unleased,
                    ledger,
                    submissions=default_submissions(home) if keeps_submissions else None,
                    clock=clock,
                ),
                Telemetry(sink, secret),
                Tracer(Store(UPath(home)), models),
            )
            admission = Admission(None if is_local else keys, Pace())
            sessions = Sessions(secret)
            review = None
            if reviewers is not None:
                live = _review_desk(LiveDesk(home, models, reviewers, clock))
                keys_held = KeyRing(lambda: clock().timestamp())
                review = ReviewPages(live, admission, sessions, keys_held)
            yield create_app(desk, admission, sessions, review)
    finally:
        releases.close()


def serve(
    home: Path,
    models: Models,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    ledger: str = "",
    is_local: bool = False,
    keeps_submissions: bool = False,
    reviewers: Path | None = None,
    started: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until the process is asked to stop.

    Args:
        home: the warehouse root.
        models: every table's model by name.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        ledger: its URL; that of ``settings.ledger_url`` if not given.
        is_local: no API keys; only this machine is served.
        keeps_submissions: whether texts handed in are kept.
        reviewers: document of who may decide; where it is given, the review pages are shown.
        started: told the URL once requests are answered.

    Raises:
        AinaError: as ``application``, for an address that others can reach while the boundary
            public_runtime is closed too; or ``is_local`` and such an address, or one that cannot
            be listened on.
    """
    if is_local and not _is_loopback(host):
        raise ServeError(
            expected="127.0.0.1, where no API keys are asked for",
            found=host,
            where="--host",
            remedy="leave --host out, or leave --insecure-local out and make a key",
        )
    _log_to_stderr()
    # Threads that come back from the ledger wait this long for a turn, not five times as long.
    sys.setswitchinterval(SWITCH_SECONDS)
    url = ledger or ledger_url(home)
    setting = os.environ.get(SETTING, "")
    with (
        _listening(host, port) as listener,
        application(
            home,
            url,
            models,
            is_local=is_local,
            is_public=not _is_loopback(host),
            keeps_submissions=keeps_submissions,
            telemetry=setting,
            reviewers=reviewers,
        ) as app,
    ):
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,  # Ours has no paths.
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        name = f"[{host}]" if ":" in host else host
        server = _Server(config, lambda: started(f"http://{name}:{listener.getsockname()[1]}"))
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that says when it is there."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


def _review_desk(live: LiveDesk) -> LiveDesk:
    """``live``, where there is something to decide on and somebody who may."""
    desk = live()
    if all(reviewer.is_sample for reviewer in desk.reviewers.reviewers):
        raise ServeError(
            expected="a reviewer on file who is no sample",
            found=f"{len(desk.reviewers.reviewers)} sample reviewer(s)",
            where="--review",
            remedy="make a key (aina review keygen) and enter its public half in"
            " data/reviewers.yaml",
        )
    if not desk.states().num_rows:
        raise ServeError(
            expected="a warehouse with subjects of review",
            found="none",
            where="--review",
            remedy="build first (aina build): a release alone has none; or leave --review out",
        )
    # A crash must not write keys from memory to a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return live


def _unleased() -> ReleaseView:
    raise AssertionError("a request asks its own lease for the release")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, taken before anything costly is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ServeError(
                expected="an address and port to listen on",
                found=error.strerror or type(error).__name__,
                where=f"{host}:{port}",
                remedy="name another with --host and --port; 0 takes a free port",
            ) from error
        yield listener
    finally:
        listener.close()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name, level in (("aina", logging.INFO), ("aina_assets", logging.INFO), ("uvicorn", 30)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
