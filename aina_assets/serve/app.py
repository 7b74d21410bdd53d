"""The application: boundary, API, pages and problems, put together.

Belongs here: wiring, and the OpenAPI document. Stays out: starting a server (``run``).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from aina_assets.contracts.errors import AinaError
from aina_assets.serve import api, pages
from aina_assets.serve.boundary import (
    BODY_BYTES,
    OPEN_PATHS,
    PAGES,
    REVIEW,
    STATIC,
    Admission,
    Boundary,
)
from aina_assets.serve.desk import Desk
from aina_assets.serve.problems import (
    MEDIA_TYPE,
    Problem,
    problem_of,
    problem_of_faults,
    problem_of_status,
    response_of,
)
from aina_assets.serve.review_keys import SWEEP_SECONDS
from aina_assets.serve.review_pages import ReviewPages
from aina_assets.serve.sessions import Sessions

THREADS = 4
"""Requests at work at once. Python runs one; more than wait for the disk wait for each other."""
STATIC_FOLDER = Path(__file__).parent / "static"

_log = logging.getLogger("aina.serve")
_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR

# The framework can trace what requests hold, and what is wrong with it. None of that here.
_NO_TRACING: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(
    desk: Desk, admission: Admission, sessions: Sessions, review: ReviewPages | None = None
) -> FastAPI:
    """The application over ``desk``.

    Args:
        desk: what requests ask for.
        admission: who may ask.
        sessions: of the pages.
        review: the review pages, where they are shown.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with anyio.create_task_group() as tasks:
            if review is not None:
                tasks.start_soon(_sweep, review)
            yield
            tasks.cancel_scope.cancel()

    app = FastAPI(
        title="AINA learner loop",
        version=version("aina-assets"),
        description="Internal beta over a published release; synthetic learners only.",
        docs_url=None,  # Its page loads scripts from elsewhere.
        redoc_url=None,
        lifespan=lifespan,
        telemetry=_NO_TRACING,
    )
    api.add_routes(app, desk)
    shown = pages.Pages(desk, admission, sessions)
    app.include_router(shown.router())
    if review is not None:
        app.include_router(review.router())
    app.mount(STATIC, StaticFiles(directory=STATIC_FOLDER), name="static")
    app.add_middleware(Boundary, admission=admission, desk=desk)

    document = _openapi(app)
    app.openapi = lambda: document  # type: ignore[method-assign]
    known = _names(document)

    def answer(
        request: Request, problem: Problem, headers: Mapping[str, str] | None = None
    ) -> Response:
        if request.url.path == PAGES or request.url.path.startswith(f"{PAGES}/"):
            return shown.problem(request, problem, headers)
        if review is not None and request.url.path.startswith(REVIEW):
            return review.problem(request, problem, headers)
        return response_of(problem, headers)

    @app.exception_handler(AinaError)
    async def of_ours(request: Request, error: AinaError) -> Response:
        problem = problem_of(error)
        if problem.status >= _SERVER_ERROR:
            _log.error("%s: %s: found %s", type(error).__name__, error.where, error.found)
        return answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def of_contract(request: Request, error: RequestValidationError) -> Response:
        return answer(request, problem_of_faults(error.errors(), known))

    @app.exception_handler(HTTPException)
    async def of_status(request: Request, error: HTTPException) -> Response:
        fields: dict[str, Any] = {}
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            fields["expected"] = f"a body of at most {BODY_BYTES:,} bytes"
        # Not the error's own words: they may quote a form.
        return answer(request, problem_of_status(error.status_code, **fields), error.headers)

    return app


async def _sweep(review: ReviewPages) -> None:
    """Drop keys of sessions that are over, also where nobody asks for anything."""
    while True:
        await anyio.sleep(SWEEP_SECONDS)
        review.keys.sweep()


_EVERYWHERE = {400: "The request cannot be read.", 422: "The request breaks its contract."}
_GUARDED = {401: "No API key on file was given.", 429: "More requests than the key may make."}
_STATUS_WORDS = {
    403: "The learner is not synthetic, or the caller is not on this machine.",
    404: "There is no such thing.",
    409: "The idempotency key was used for another request.",
    413: "The body is too large.",
    500: "The server failed; what happened is in its log.",
    503: "The ledger, the warehouse or a turn cannot be had now.",
}


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The schema, with every problem as what it is."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= shape.pop("$defs", {})
    schemas["Problem"] = shape
    # Keys are checked at the boundary, before a body is read; here they are named.
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path not in OPEN_PATHS:
                operation["security"] = [{"bearer": []}, {"apiKey": []}]
            responses = operation["responses"]
            said = {int(status) for status in responses if int(status) >= HTTPStatus.BAD_REQUEST}
            said |= {*_EVERYWHERE, 500, 503}
            if "security" in operation:
                said |= set(_GUARDED)
            if method == "post":
                said.add(413)
            words = _EVERYWHERE | _GUARDED | _STATUS_WORDS
            for status in sorted(said):
                responses[str(status)] = {"description": words[status], "content": content}
    return document


def _names(document: object) -> frozenset[str]:
    """Every name a fault may say: those the schema has, so none that a request made up."""
    found = {"body", "query", "path", "header"}

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict):
                found.update(part["properties"])
            if isinstance(part.get("in"), str):
                found.add(str(part["name"]))
            found.update(item for item in part.get("enum", ()) if isinstance(item, str))
            if isinstance(part.get("const"), str):
                found.add(part["const"])
            for item in part.values():
                walk(item)
        elif isinstance(part, list):
            for item in part:
                walk(item)

    walk(document)
    return frozenset(found)
