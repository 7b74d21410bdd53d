"""A new release is picked up while requests go on; a broken one changes nothing."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.testclient import TestClient

from aina_assets.contracts.errors import AinaError
from aina_assets.learner.view import ReleaseView
from aina_assets.release.ledger_watch import LedgerWatch
from aina_assets.release.publish import Release, current_release
from aina_assets.serve.releases import ReleaseHolder
from aina_assets.serve.run import application
from aina_assets_tests.serve.releases import MODULE, publish_titled, spoil, swap

PATIENCE = 180.0


@pytest.fixture
def home(sample_home: Path, tmp_path: Path) -> Path:
    """A warehouse of one's own, whose release may change."""
    mine = tmp_path / "home"
    shutil.copytree(sample_home, mine, symlinks=True)
    return mine


@pytest.fixture
def clock() -> list[float]:
    """The holder's clock; a test moves it."""
    return [0.0]


@pytest.fixture
def holder(home: Path, clock: list[float]) -> Iterator[ReleaseHolder]:
    held = ReleaseHolder(home, clock=lambda: clock[0])
    yield held
    held.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def title_of(holder: ReleaseHolder) -> str:
    with holder.lease() as view:
        return view.modules[MODULE].title


def settled(holder: ReleaseHolder) -> bool:
    return not holder.status().is_loading


def test_a_new_release_is_served_without_a_restart_and_who_is_at_work_keeps_the_old_one(
    home: Path, holder: ReleaseHolder, clock: list[float]
) -> None:
    before = title_of(holder)
    with holder.lease() as old:
        published = publish_titled(home, "Another title")
        clock[0] += 1.0
        wait_until(lambda: title_of(holder) == "Another title")

        assert old.modules[MODULE].title == before
        assert old.rows("SELECT title FROM modules WHERE module_id = ?", MODULE) == [
            {"title": before}
        ]
        assert old.route("Marketing Managers")["role_id"] == "11-2021.00"
        assert holder.status().release_id == published.release_id

    with pytest.raises(duckdb.Error):
        old.rows("SELECT 1")


def test_the_link_is_looked_at_once_a_second_at_most(
    home: Path, holder: ReleaseHolder, clock: list[float]
) -> None:
    before = title_of(holder)
    publish_titled(home, "Another title")
    clock[0] += 0.9

    for _ in range(20):
        assert title_of(holder) == before
        assert settled(holder)

    clock[0] += 0.1
    wait_until(lambda: title_of(holder) == "Another title")


@pytest.mark.parametrize("what", ["bytes", "document", "database"])
def test_a_broken_release_leaves_the_old_one_serving_and_shows(
    home: Path, holder: ReleaseHolder, clock: list[float], what: str
) -> None:
    before = holder.status()
    title = title_of(holder)

    broken = spoil(home, what)
    clock[0] += 1.0
    wait_until(lambda: holder.status().refused is not None)

    status = holder.status()
    assert status.release_id == before.release_id
    assert status.refused is not None
    assert status.refused.release_id == broken
    assert title_of(holder) == title

    swap(home, before.release_id)
    mended = publish_titled(home, f"Mended after {what}")
    clock[0] += 1.0
    wait_until(lambda: title_of(holder) == f"Mended after {what}")
    assert holder.status().release_id == mended.release_id
    assert holder.status().refused is None


def test_a_broken_release_is_not_tried_over_and_over(
    home: Path, holder: ReleaseHolder, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aina_assets.serve import releases

    tried: list[Release] = []
    really = releases._open

    def counted(release: Release, watch: LedgerWatch) -> ReleaseView:
        tried.append(release)
        return really(release, watch)

    monkeypatch.setattr(releases, "_open", counted)
    spoil(home, "bytes")
    for _ in range(20):
        clock[0] += 1.0
        wait_until(lambda: settled(holder))
    assert len(tried) == 1

    clock[0] += 30.0
    wait_until(lambda: settled(holder))

    assert len(tried) == 2


def test_a_link_to_nothing_leaves_the_old_one_serving_until_it_is_back(
    home: Path, holder: ReleaseHolder, clock: list[float]
) -> None:
    served = holder.status().release_id
    swap(home, "nothing")
    clock[0] += 1.0
    wait_until(lambda: holder.status().refused is not None)
    assert title_of(holder)

    swap(home, served)
    clock[0] += 1.0

    wait_until(lambda: holder.status().refused is None)
    assert holder.status().release_id == served


def test_many_at_once_see_one_release_each_while_it_changes_under_them(
    home: Path, holder: ReleaseHolder, clock: list[float]
) -> None:
    titles = {title_of(holder), "One", "Two"}
    seen: set[str] = set()
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            with holder.lease() as view:
                title = view.modules[MODULE].title
                (row,) = view.rows("SELECT title FROM modules WHERE module_id = ?", MODULE)
                assert row["title"] == title
                seen.add(title)
            time.sleep(0.01)

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask) for _ in range(6)]
        try:
            for title in ("One", "Two"):
                publish_titled(home, title)
                clock[0] += 1.0
                wait_until(lambda: title in seen)  # noqa: B023
        finally:
            is_over.set()
        for answer in asked:
            answer.result()

    assert seen <= titles


def test_over_http_a_new_release_is_answered_from_and_a_broken_one_shows(
    home: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with (
        application(home, url, dict, is_local=True) as app,
        TestClient(app, base_url="http://127.0.0.1") as client,
    ):

        def lesson() -> str:
            return str(client.get(f"/modules/{MODULE}").json()["title"])

        def health() -> dict[str, Any]:
            found: dict[str, Any] = client.get("/health").json()
            return found

        before = health()
        broken = spoil(home, "bytes")
        wait_until(lambda: health()["status"] == "degraded")
        refused = health()
        title = lesson()
        swap(home, before["release"]["release_id"])
        published = publish_titled(home, "Over HTTP")
        wait_until(lambda: lesson() == "Over HTTP")
        after = health()

    assert refused["refused_release"]["release_id"] == broken
    assert refused["release"] == before["release"]
    assert title != "Over HTTP"
    assert after["status"] == "ok"
    assert after["refused_release"] is None
    assert after["release"]["release_id"] == published.release_id


def test_without_a_release_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(AinaError) as refused:
        ReleaseHolder.open(tmp_path)

    assert "aina build" in refused.value.remedy


def test_a_release_that_is_spoilt_is_not_served_at_all(home: Path) -> None:
    spoil(home, "bytes")

    with pytest.raises(AinaError) as refused:
        ReleaseHolder.open(home)

    assert "sha256" in refused.value.expected
    assert current_release(home) is not None
