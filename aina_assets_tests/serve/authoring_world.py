"""The sample chapter's lanes, at their gates, behind the review pages: no build, no release.

Belongs here: tables of the lanes in a store, and the pages over it. Stays out: running the lanes
(``authoring.lanes_world``), reviewers and their keys (``review_world``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import uvicorn
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from upath import UPath

from aina_assets.authoring import lane_tables
from aina_assets.serve.app import STATIC_FOLDER
from aina_assets.serve.boundary import Admission
from aina_assets.serve.keys import Pace
from aina_assets.serve.review_keys import KeyRing
from aina_assets.serve.review_pages import LiveDesk, ReviewPages
from aina_assets.serve.sessions import Sessions
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Table, table_name
from aina_assets_tests.serve.review_world import write_reviewers


def models() -> dict[str, type[Table]]:
    """Tables of the lanes by name."""
    return {
        table_name(item): item
        for item in vars(lane_tables).values()
        if isinstance(item, type) and issubclass(item, Table) and item.__key__
    }


def put(home: Path, name: str, table: pa.Table) -> None:
    """Make ``table`` what is current for ``name``."""
    record = Record(name, digest_of_table(table), "code", "settings", {})
    Store(UPath(home)).commit_table(record, table)


def room_of(home: Path, tables: Mapping[str, pa.Table]) -> FastAPI:
    """The review pages over ``tables`` in a store at ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    for name in models().keys() & tables.keys():
        put(home, name, tables[name])
    reviewers = write_reviewers(home.parent / "reviewers.yaml")
    live = LiveDesk(home, models, reviewers)
    keys = KeyRing(lambda: datetime.now(UTC).timestamp())
    pages = ReviewPages(live, Admission(None, Pace()), Sessions(b"secret of a test"), keys)
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER))
    app.include_router(pages.router())
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Where ``app`` is served on this machine, as long as the block lasts."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
