"""A local HTTP server that speaks the Hugging Face hub's download protocol, with faults on demand.

Belongs here: the protocol as the client sees it (``resolve`` with ``X-Repo-Commit``, ``ETag``,
``Content-Length`` and ranges), plain files by URL, and switchable faults.
Stays out: what the project does about them (``test_fetch``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote


@dataclass
class Fault:
    """What goes wrong with one path.

    Attributes:
        status: answer every request with this status.
        error_code: ``X-Error-Code`` of such an answer.
        busy: answer the next N requests with 429.
        retry_after: ``Retry-After`` of those.
        cuts: close the connection half way through the next N downloads.
        wrong_bytes: send these bytes instead, with a correct length.
        no_length: send no ``Content-Length``.
        no_ranges: ignore ``Range``.
        next_bytes: the content after the first cut, under another ``ETag``.
        commit: claim this commit.
    """

    status: int | None = None
    error_code: str | None = None
    busy: int = 0
    retry_after: str | None = None
    cuts: int = 0
    wrong_bytes: bytes | None = None
    no_length: bool = False
    no_ranges: bool = False
    next_bytes: bytes | None = None
    commit: str | None = None


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    range: str | None


@dataclass(frozen=True)
class _Served:
    content: bytes | Path
    commit: str | None

    def read(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass
class FakeHub:
    """A running server: ``url``, what it ``serves``, its ``faults`` and what it has ``seen``."""

    url: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    _served: dict[str, _Served] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def serve_dataset(
        self, repository: str, revision: str, files: Mapping[str, bytes | Path]
    ) -> None:
        """Serve ``files`` as the dataset ``repository`` at the commit ``revision``."""
        for path, content in files.items():
            self._served[self.resolve_path(repository, revision, path)] = _Served(content, revision)

    def serve(self, path: str, content: bytes | Path) -> None:
        """Serve ``content`` at the plain path ``path``."""
        self._served[path] = _Served(content, None)

    @staticmethod
    def resolve_path(repository: str, revision: str, path: str) -> str:
        """Where the hub has a dataset's file."""
        return f"/datasets/{repository}/resolve/{revision}/{path}"

    def methods(self, path: str | None = None) -> list[str]:
        """Methods of the requests seen, of ``path`` or of all."""
        return [seen.method for seen in self.seen if path in (None, seen.path)]

    def ranges(self, path: str) -> list[str | None]:
        """``Range`` of each GET of ``path``."""
        return [seen.range for seen in self.seen if seen.path == path and seen.method == "GET"]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Write the answer to ``request``."""
        path = unquote(request.path)
        with self._lock:
            self.seen.append(Seen(request.command, path, request.headers.get("Range")))
            fault = self.faults.get(path, Fault())
            is_busy, fault.busy = fault.busy > 0, max(0, fault.busy - 1)
            is_cut = fault.cuts > 0 and request.command == "GET"
            fault.cuts -= int(is_cut)
        served = self._served.get(path)
        if is_busy:
            extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            _send(request, 429, extra)
        elif fault.status is not None:
            _send(request, fault.status, {"X-Error-Code": fault.error_code or ""})
        elif served is None:
            _send(request, 404, {"X-Error-Code": "EntryNotFound"})
        else:
            _send_file(request, served, fault, is_cut=is_cut)
            if is_cut and fault.next_bytes is not None:
                fault.wrong_bytes = fault.next_bytes


def _send(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": "0", **headers, "Connection": "close"}.items():
        request.send_header(name, value)
    request.end_headers()
    request.close_connection = True


def _send_file(
    request: BaseHTTPRequestHandler, served: _Served, fault: Fault, *, is_cut: bool
) -> None:
    content = served.read() if fault.wrong_bytes is None else fault.wrong_bytes
    etag = f'"{hashlib.sha256(content).hexdigest()[:40]}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    commit = fault.commit or served.commit
    if commit:
        headers["X-Repo-Commit"] = commit
    status, body = 200, content
    asked = request.headers.get("Range")
    is_same = request.headers.get("If-Range", etag) == etag
    if asked and is_same and not fault.no_ranges:
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        status, body = 206, content[start:]
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    if not fault.no_length:
        headers["Content-Length"] = str(len(body))
    request.send_response(status)
    for name, value in {**headers, "Connection": "close"}.items():
        request.send_header(name, value)
    request.end_headers()
    request.close_connection = True
    if request.command == "GET":
        request.wfile.write(body[: len(body) // 2] if is_cut else body)


@contextmanager
def running() -> Iterator[FakeHub]:
    """A hub on a free local port, shut down afterwards."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client may hang up early; that is for the tests to judge."""

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
