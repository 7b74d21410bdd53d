"""Problems: every error as ``application/problem+json`` (RFC 9457), and none quotes a learner.

Belongs here: the shape, which status an error has, and how a fault in a request is told without
repeating what the request said. Stays out: raising errors, how a problem looks on a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from aina_assets.contracts.errors import (
    AinaError,
    IdempotencyConflict,
    LedgerError,
    ReviewError,
    SnapshotMissing,
    WarehouseError,
)
from aina_assets.learner.service import LearnerUnknown, ModuleUnknown, SyntheticOnly

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aina:problem:"
RETRY_SECONDS = 1
_SHOWN_FAULTS = 20


class WorkflowUnknown(AinaError, LookupError):
    """The release has no such workflow."""


class RowUnknown(AinaError, LookupError):
    """The warehouse has no such table or row."""


class SubmissionTooLarge(AinaError, ValueError):
    """The submission has more text than the rules of practice allow."""


class Fault(BaseModel):
    """One thing wrong with a request; never the value itself."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(description="Place in the request, such as `body.confidence`.")
    rule: str = Field(description="The rule that does not hold.")
    expected: str = Field(description="What should be there.")


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Kind of problem, as a URI.")
    title: str = Field(description="The kind in words; the same for every problem of it.")
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    detail: str = Field(description="What went wrong this time.")
    expected: str | None = Field(None, description="What should have been there.")
    found: str | None = Field(None, description="What was there instead.")
    where: str | None = Field(None, description="Where.")
    remedy: str | None = Field(None, description="What to do about it.")
    faults: tuple[Fault, ...] | None = Field(None, description="All faults of a request.")


# Of several classes an error is of, the first.
_KINDS: Sequence[tuple[type[AinaError], int, str]] = (
    (SyntheticOnly, 403, "Only synthetic learners are served"),
    (LearnerUnknown, 404, "No such learner"),
    (ModuleUnknown, 404, "No such module"),
    (WorkflowUnknown, 404, "No such workflow"),
    (RowUnknown, 404, "No such row"),
    (SnapshotMissing, 404, "Nothing is stored there yet"),
    (SubmissionTooLarge, 413, "The submission is too long"),
    (IdempotencyConflict, 409, "The idempotency key was used for another request"),
    (ReviewError, 409, "The review desk refuses"),
    (LedgerError, 503, "The ledger does not answer"),
    (WarehouseError, 503, "The warehouse does not answer"),
)

# What is said of a fault, by pydantic's name for it. Where a name is not here, its message might
# quote the request.
_SAFE_RULES = frozenset(
    {
        *("missing", "extra_forbidden", "json_invalid", "union_tag_not_found"),
        *("string_type", "string_unicode", "string_too_short", "string_too_long"),
        *("string_pattern_mismatch", "enum", "literal_error", "bool_type", "bool_parsing"),
        *("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
        *("float_type", "float_parsing", "finite_number"),
        *("greater_than_equal", "less_than_equal", "too_long", "too_short"),
        *("tuple_type", "list_type", "model_type", "model_attributes_type", "dict_type"),
    }
)


def problem_of(error: AinaError) -> Problem:
    """The problem that ``error`` is.

    Where the server is at fault, the place it names (a path, a database) stays in the log.
    """
    status, title, slug = 500, "The server failed", "server-error"
    for kind, of_kind, words in _KINDS:
        if isinstance(error, kind):
            status, title, slug = of_kind, words, _slug(type(error).__name__)
            break
    where = error.where if status < HTTPStatus.INTERNAL_SERVER_ERROR else "this server"
    return Problem(
        type=TYPE_PREFIX + slug,
        title=title,
        status=status,
        detail=f"{where}: expected {error.expected}; found {error.found}.",
        expected=error.expected,
        found=error.found,
        where=where,
        remedy=error.remedy,
    )


def problem_of_status(status: int, detail: str = "", **fields: Any) -> Problem:
    """A problem that is no more than its status, with what else is known."""
    title = HTTPStatus(status).phrase
    return Problem(
        type=TYPE_PREFIX + _slug(title),
        title=title,
        status=status,
        detail=detail or HTTPStatus(status).description or title,
        **fields,
    )


def problem_of_faults(errors: Iterable[Mapping[str, Any]], known: frozenset[str]) -> Problem:
    """A request that is not what its contract says.

    Args:
        errors: as pydantic lists them.
        known: names of all fields there are; a name that a request made up is not repeated.
    """
    faults = tuple(_fault(error, known) for error in errors)[:_SHOWN_FAULTS]
    first = faults[0] if faults else Fault(where="request", rule="invalid", expected="another")
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return Problem(
        type=TYPE_PREFIX + "invalid-request",
        title="The request is not what its contract says",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=f"{first.where}: {first.expected}{more}",
        expected=first.expected,
        found="something else",
        where=first.where,
        remedy="compare the request with /openapi.json; nothing was recorded",
        faults=faults,
    )


def response_of(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """``problem`` as a response."""
    headers = dict(headers or {})
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _fault(error: Mapping[str, Any], known: frozenset[str]) -> Fault:
    rule = str(error["type"])
    parts = [str(part) for part in error["loc"] if _is_said(part, known)]
    if rule == "extra_forbidden":
        expected = "no fields beside those of the contract"
    elif rule == "json_invalid":
        parts, expected = ["body"], "a JSON document"
    elif rule in _SAFE_RULES:
        expected = str(error["msg"])
    else:
        expected = "a value as the contract says"
    return Fault(where=".".join(parts) or "request", rule=rule, expected=expected)


def _is_said(part: object, known: frozenset[str]) -> bool:
    return isinstance(part, int) or (isinstance(part, str) and part in known)


def _slug(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", words.casefold()).strip("-")
