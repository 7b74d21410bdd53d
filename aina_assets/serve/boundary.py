"""The boundary: what every request passes through before anything looks at what it says.

Belongs here: who may come in, how much a body may hold, headers every response carries, the access
log, and an end for errors that nobody expected. Stays out: what any route does.

A request from beyond this machine takes the boundary public_runtime, asked anew each time: where
its approvals expire while the server runs, the next such request is refused.

The access log has the route's template, never a path, a query, a header's value or a body.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aina_assets.release.policy import Domain
from aina_assets.serve.desk import Desk
from aina_assets.serve.keys import KeyFile, Pace
from aina_assets.serve.problems import Problem, problem_of_status, response_of

BODY_BYTES = 1 << 20
"""Of a request. The longest submission has 200,000 bytes; escaped in JSON, six times as many."""
IDEMPOTENCY_HEADER = "Idempotency-Key"
IDEMPOTENCY_PATTERN = r"^[!-~]{1,128}$"
"""What a key may be made of: visible ASCII."""
PAGES = "/beta"
REVIEW = "/review"
STATIC = "/static"
OPEN_PATHS = ("/", "/health", "/openapi.json", "/favicon.ico", PAGES, REVIEW)
"""Paths that need no API key; those below ``PAGES``, ``REVIEW`` and ``STATIC`` need none either."""
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

# Nothing from elsewhere, nothing inline. Referrers stay here: with none at all, browsers would send
# forms with the origin "null".
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
        " 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

access_log = logging.getLogger("aina.serve.access")
_log = logging.getLogger("aina.serve")
_LOGGED_FRAMES = 12
"""The innermost."""
_IDEMPOTENCY = re.compile(IDEMPOTENCY_PATTERN)
_PORT = re.compile(r":\d+$")
_OPEN_FOLDERS = (f"{PAGES}/", f"{REVIEW}/", f"{STATIC}/")


@dataclass(frozen=True)
class Admission:
    """Who may ask.

    Attributes:
        keys: API keys; none where everyone on this machine may ask.
        pace: counts requests.
    """

    keys: KeyFile | None
    pace: Pace


class Boundary:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, admission: Admission, desk: Desk) -> None:
        self.app = app
        self.admission = admission
        self.desk = desk
        self.telemetry = desk.telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = secrets.token_hex(8)
        idempotency_key = _idempotency_key(scope, headers)
        status = 0

        async def send_complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    said[name] = value
                said["X-Aina-Boundary"] = self.desk.boundary()
                said["X-Request-Id"] = request_id
                said.setdefault("Cache-Control", "no-store")
                if idempotency_key is not None:
                    said[IDEMPOTENCY_HEADER] = idempotency_key
            await send(message)

        caller = "-"
        try:
            caller, refusal = self._admit(scope, headers)
            if refusal is not None:
                problem, extra = refusal
                await response_of(problem, extra)(scope, receive, send_complete)
            else:
                await self.app(scope, _limited(headers, receive), send_complete)
        except Exception as error:
            told = self.telemetry.report(error, _route(scope))
            where = [f"{frame.filename}:{frame.lineno} {frame.function}" for frame in told.frames]
            places = " < ".join(where[: -_LOGGED_FRAMES - 1 : -1])
            _log.error("%s: unexpected %s at %s", request_id, told.kind, places)
            if status:
                raise _AlreadyAnswered from None
            problem = problem_of_status(500, f"unexpected; in the log as {request_id}")
            await response_of(problem)(scope, receive, send_complete)
        finally:
            line = {
                "request": request_id,
                "method": scope["method"] if scope["method"] in _METHODS else "other",
                "route": _route(scope),
                "status": status,
                "ms": round(1000 * (time.perf_counter() - started), 1),
                "caller": caller,
            }
            access_log.info(json.dumps(line))

    def _admit(
        self, scope: Scope, headers: Headers
    ) -> tuple[str, tuple[Problem, Mapping[str, str]] | None]:
        """The caller's name, and the problem where they may not come in."""
        if _is_from_beyond(scope):
            standing = self.desk.standing(Domain.PUBLIC_RUNTIME)
            if not standing.is_open:
                problem = problem_of_status(
                    HTTPStatus.FORBIDDEN,
                    "only this machine is served: the boundary public_runtime is closed",
                    expected="a request from this machine",
                    found=standing.reason,
                    remedy="ask from this machine, or have reviewers open the boundary",
                )
                return "-", (problem, {"Connection": "close"})
        keys = self.admission.keys
        if keys is None:
            host = _PORT.sub("", headers.get("host", ""))
            # A page elsewhere could have its own name resolve to this machine.
            if host not in LOCAL_HOSTS:
                problem = problem_of_status(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    "without API keys, only this machine is served, under its own name",
                    expected=f"a host of {', '.join(sorted(LOCAL_HOSTS))}",
                )
                return "-", (problem, {})
            return "local", None
        path = scope["path"]
        if path in OPEN_PATHS or path.startswith(_OPEN_FOLDERS):
            return "-", None
        key = keys.holder_of(_presented(headers))
        if key is None:
            problem = problem_of_status(
                HTTPStatus.UNAUTHORIZED,
                "no API key on file was given",
                expected="Authorization: Bearer KEY, or X-API-Key: KEY",
                remedy="ask whoever runs this server for a key (aina serve keys add)",
            )
            return "-", (problem, {"WWW-Authenticate": 'Bearer realm="aina"'})
        wait = self.admission.pace.admit(f"key:{key.name}", key.requests_per_minute)
        if wait:
            return key.name, (too_many(key.requests_per_minute), {"Retry-After": str(wait)})
        return key.name, None


def too_many(per_minute: int) -> Problem:
    """The problem of a caller who asks too often."""
    return problem_of_status(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"more than {per_minute} requests in a minute",
        expected=f"at most {per_minute} requests in a minute",
        remedy="wait as long as Retry-After says; with the same Idempotency-Key nothing doubles",
    )


class _AlreadyAnswered(Exception):
    """A response broke off half-way; the server closes the connection."""


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _idempotency_key(scope: Scope, headers: Headers) -> str | None:
    """The request's key, or a new one; none where the request has none, or one that is no key."""
    if scope["method"] != "POST":
        return None
    given = headers.get(IDEMPOTENCY_HEADER)
    if given is not None and not _IDEMPOTENCY.match(given):
        return None
    key = given or secrets.token_hex(16)
    scope.setdefault("state", {})["idempotency_key"] = key
    return key


def _presented(headers: Headers) -> bytes:
    """What the caller shows; where both headers are there, ``Authorization`` alone counts."""
    authorization = headers.get("authorization")
    if authorization is None:
        return headers.get("x-api-key", "").encode("latin-1")
    scheme, _, credentials = authorization.partition(" ")
    return credentials.strip().encode("latin-1") if scheme.casefold() == "bearer" else b""


def _limited(headers: Headers, receive: Receive) -> Receive:
    """``receive`` that stops at ``BODY_BYTES``, whatever length a request declares."""
    received = 0
    declared = headers.get("content-length", "")

    async def receive_within() -> Message:
        nonlocal received
        if declared.isdecimal() and int(declared[:20]) > BODY_BYTES:
            raise _too_large()
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_BYTES:
            raise _too_large()
        return message

    return receive_within


def _too_large() -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"a request's body has at most {BODY_BYTES:,} bytes",
        {"Connection": "close"},
    )


def _is_from_beyond(scope: Scope) -> bool:
    """Whether either end of the connection is an address that other machines have."""
    ends = (scope.get("client"), scope.get("server"))
    return any(end is not None and is_reachable(end[0]) for end in ends)


def is_reachable(address: str) -> bool:
    """Whether ``address`` is one that other machines can have or reach; a name is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return not (mapped or found).is_loopback


def _route(scope: Mapping[str, Any]) -> str:
    """The template of the route that was taken."""
    route = scope.get("route")
    if route is not None:
        return str(getattr(route, "path", "-"))
    return STATIC if scope["path"].startswith(f"{STATIC}/") else "-"
