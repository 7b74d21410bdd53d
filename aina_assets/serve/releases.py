"""The release being served: a new one is picked up while requests go on.

Belongs here: noticing that ``releases/current`` changed, opening the new release aside, swapping,
and closing the former one when its last request is done. Stays out: publishing
(``release.publish``), what a view holds (``learner.view``).

A release that cannot be opened changes nothing: the one before goes on being served, and ``status``
says what was wrong with the new one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aina_assets.contracts.errors import AinaError
from aina_assets.learner.view import ReleaseView
from aina_assets.release.ledger_watch import LedgerWatch
from aina_assets.release.publish import DOCUMENT, Release, current_release
from aina_assets.warehouse.digests import sha256_of_file

LOOK_SECONDS = 1.0
"""How often the link is looked at, at most."""
RETRY_SECONDS = 30.0
"""How soon a release that could not be opened is tried again, unless its document changes."""

_log = logging.getLogger(__name__)

Stamp = tuple[str, int]


class ReleaseBroken(AinaError):
    """A published release cannot be served."""


@dataclass(frozen=True)
class Refused:
    """A release that was tried and not taken.

    Attributes:
        release_id: its id, as far as it could be read.
    """

    release_id: str
    expected: str
    found: str


@dataclass(frozen=True)
class ReleaseStatus:
    """Which release is served, and what stands in the way of a newer one."""

    release_id: str
    is_loading: bool
    refused: Refused | None


class _Held:
    """A view and the requests that use it."""

    def __init__(self, view: ReleaseView) -> None:
        self.view = view
        self.leases = 0
        self.is_retired = False


class ReleaseHolder:
    """The view of the current release, for any number of threads.

    Args:
        root: the warehouse root.
        clock: tells seconds that only rise.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._lock = threading.Lock()
        self._next_look = clock() + LOOK_SECONDS
        self._refused: Refused | None = None
        self._refused_stamp: Stamp | None = None
        self._retry_at = 0.0
        self._opening: threading.Thread | None = None
        self._is_closed = False
        # One for whatever release is held: it is asked where one opens a boundary.
        self._watch = LedgerWatch(root)
        self._held = _Held(_open(_current(root), self._watch))

    @classmethod
    def open(cls, root: Path) -> Self:
        """The release that is current below ``root``.

        Raises:
            AinaError: there is none, or it cannot be opened.
        """
        return cls(root)

    @contextmanager
    def lease(self) -> Iterator[ReleaseView]:
        """The release of now, the same one until the end of the block."""
        self._look()
        with self._lock:
            held = self._held
            held.leases += 1
        try:
            yield held.view
        finally:
            with self._lock:
                held.leases -= 1
                is_done = held.is_retired and not held.leases
            if is_done:
                held.view.close()

    def status(self) -> ReleaseStatus:
        """What is served now."""
        self._look()
        opening = self._opening
        with self._lock:
            return ReleaseStatus(
                self._held.view.release_id,
                opening is not None and opening.is_alive(),
                self._refused,
            )

    def close(self) -> None:
        """Close the release; requests that still use it close it when they are done."""
        opening = self._opening
        if opening is not None:
            opening.join()
        with self._lock:
            self._is_closed = True
        self._watch.close()
        self._retire(self._held)

    def _look(self) -> None:
        """Start opening a new release, if one is published; never waits for it."""
        now = self._clock()
        with self._lock:
            is_busy = self._opening is not None and self._opening.is_alive()
            if now < self._next_look or is_busy or self._is_closed:
                return
            self._next_look = now + LOOK_SECONDS
            stamp = _stamp(self._root)
            if stamp[0] == self._held.view.release_id:
                self._refused = self._refused_stamp = None
                return
            if stamp == self._refused_stamp and now < self._retry_at:
                return
            self._opening = threading.Thread(
                target=self._open_new, args=(stamp,), name="open-release", daemon=True
            )
            self._opening.start()

    def _open_new(self, stamp: Stamp) -> None:
        try:
            view = _open(_current(self._root), self._watch)
        except Exception as error:
            if not isinstance(error, AinaError):
                _log.error("release %s could not be opened: %s", stamp[0], type(error).__name__)
            refused = Refused(
                stamp[0],
                getattr(error, "expected", "a release that can be opened"),
                getattr(error, "found", type(error).__name__),
            )
            with self._lock:
                self._refused, self._refused_stamp = refused, stamp
                self._retry_at = self._clock() + RETRY_SECONDS
            _log.error("release %s is not served: expected %s", stamp[0], refused.expected)
            return
        with self._lock:
            former, self._held = self._held, _Held(view)
            self._refused = self._refused_stamp = None
        _log.info("release %s is served now", view.release_id)
        self._retire(former)

    def _retire(self, held: _Held) -> None:
        with self._lock:
            is_done = not held.is_retired and not held.leases
            held.is_retired = True
        if is_done:
            held.view.close()


def _stamp(root: Path) -> Stamp:
    """The id that the link names, and when its document was written; both cheap to read."""
    link = root / "releases" / "current"
    try:
        return link.readlink().name, (link / DOCUMENT).stat().st_mtime_ns
    except OSError:
        return "none", 0


def _current(root: Path) -> Release:
    try:
        release = current_release(root)
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseBroken(
            expected=f"a release with its {DOCUMENT}",
            found=type(error).__name__,
            where=str(root / "releases" / "current"),
            remedy="publish it again: aina build",
        ) from None
    if release is None:
        raise AinaError(
            expected="a published release", found="none", where=str(root), remedy="aina build"
        )
    return release


def _open(release: Release, watch: LedgerWatch) -> ReleaseView:
    """The view of ``release``, whose bytes are those that were published.

    Where it opens a boundary, the first look into the ledger is waited for here, by nobody's
    request.

    Raises:
        AinaError: they are not, or a table that learners need is not in it.
    """
    # DuckDB keeps one database a path: through the link, a new release would be the old one.
    path = release.path.resolve()
    try:
        published = json.loads((path.parent / DOCUMENT).read_text(encoding="utf-8"))
        found = sha256_of_file(path)[0]
    except (OSError, ValueError) as error:
        raise _broken(release, "its database and document", type(error).__name__) from None
    if published["release_id"] != release.release_id or found != published["database_sha256"]:
        raise _broken(release, f"sha256 {published['database_sha256']}", found)
    view = ReleaseView.open(release.release_id, path, watch)
    try:
        _try_out(view)
    except Exception as error:
        view.close()
        raise _broken(release, "tables that learners need", str(error).splitlines()[0]) from None
    if view.boundaries.needs_a_look:
        watch()
    return view


def _try_out(view: ReleaseView) -> None:
    """Ask everything once that a learner's request asks."""
    view.route("accountant")
    for row in view.rows("SELECT role_id FROM roles LIMIT 1"):
        view.material(row["role_id"])
    view.rows("SELECT * FROM sandbox_scenarios LIMIT 1")
    view.rows("SELECT * FROM scenario_links LIMIT 1")


def _broken(release: Release, expected: str, found: str) -> ReleaseBroken:
    return ReleaseBroken(
        expected=expected,
        found=found,
        where=f"release {release.release_id}",
        remedy="publish it again: aina build",
    )
