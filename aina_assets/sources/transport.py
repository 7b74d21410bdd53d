"""Plain HTTP: files by URL, tried again when a fault may pass, resumed when cut.

Belongs here: requests, what a status or a broken connection means, and how often to try.
Stays out: the hub's own protocol (``hub``) and what is done with the bytes (``fetch``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpx2
import tenacity

from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import LockedFile
from aina_assets.sources.origins import CannotBeHad, check_cap

_SETTINGS: dict[str, Any] = {
    "timeout": 30.0,
    "follow_redirects": True,
    "verify": httpx2.create_ssl_context(),  # once: it takes longer than a request
}
_HEADERS = {"User-Agent": "aina-assets (public work data)", "Accept-Encoding": "identity"}


class _Passing(CannotBeHad):
    """A fault that may pass."""

    def __init__(self, found: str, retry_after_seconds: float = 0.0) -> None:
        remedy = "build again later, or place the file by hand"
        super().__init__(AbsenceReason.UNREACHABLE, found, remedy)
        self.retry_after_seconds = retry_after_seconds


def _wait_seconds(state: tenacity.RetryCallState) -> float:
    """1, 2, 4 s, or longer if the server asks for it; bounded."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.retry_after_seconds if isinstance(fault, _Passing) else 0.0
    return min(max(asked, 2.0 ** (state.attempt_number - 1)), 30.0)


attempted = tenacity.retry(
    stop=tenacity.stop_after_attempt(4),
    wait=_wait_seconds,
    retry=tenacity.retry_if_exception_type(_Passing),
    reraise=True,
)
"""Decorator: call again, a few times, while a fault may pass."""


@contextmanager
def faults(address: str, *not_reached: type[Exception]) -> Iterator[None]:
    """Around a request for ``address``: turns the client's errors into ``CannotBeHad``."""
    kinds: tuple[type[Exception], ...] = (httpx2.HTTPError, *not_reached)
    try:
        yield
    except kinds as error:
        response = getattr(error, "response", None)
        if response is not None:
            raise _refusal(response, address) from error
        raise _Passing(f"{type(error).__name__} from {address}: {error}") from error


def _refusal(response: httpx2.Response, address: str) -> CannotBeHad:
    found = f"HTTP {response.status_code} from {address}"
    if response.status_code in (408, 425, 429) or response.status_code >= 500:
        asked = response.headers.get("Retry-After", "")
        return _Passing(found, float(asked) if asked.isdigit() else 0.0)
    if response.status_code in (404, 410):
        remedy = "check repository, revision and remote_path in the lock"
        return CannotBeHad(AbsenceReason.NOT_FOUND, found, remedy)
    remedy = "fetch the file by hand and place it there; its digest is checked all the same"
    return CannotBeHad(AbsenceReason.UNREACHABLE, found, remedy)


@dataclass(frozen=True)
class Web:
    """Files below one URL."""

    base_url: str

    def address(self, file: LockedFile) -> str:
        """Its URL."""
        return f"{self.base_url.rstrip('/')}/{file.at_origin}"

    @attempted
    def look_up(self, file: LockedFile) -> int | None:
        """``Content-Length``, by a HEAD request."""
        url = self.address(file)
        with faults(url):
            response = httpx2.head(url, headers=_HEADERS, **_SETTINGS).raise_for_status()
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdigit() else None

    def download(self, file: LockedFile, out: BinaryIO) -> None:
        """Write the file to ``out``, at most its cap. A cut download goes on where it stopped."""
        self._download(file, out, {})

    @attempted
    def _download(self, file: LockedFile, out: BinaryIO, resume: dict[str, str]) -> None:
        """One attempt; leaves in ``resume`` what lets the next one go on in the same file."""
        url = self.address(file)
        if resume:
            resume["Range"] = f"bytes={out.tell()}-"
        with (
            faults(url),
            httpx2.stream("GET", url, headers=_HEADERS | resume, **_SETTINGS) as response,
        ):
            response.raise_for_status()
            if response.status_code != 206:  # the whole file, from its start
                out.seek(0)
                out.truncate()
            etag = response.headers.get("ETag", "")
            if etag.startswith('"'):  # a weak one does not prove equal bytes
                resume["If-Range"] = etag
            for chunk in response.iter_bytes():
                check_cap(file, out.tell() + len(chunk), "and more sent")
                out.write(chunk)
