"""The API: one route for each thing a machine can ask for.

Belongs here: paths, what they take and give, and which problems they may answer with. Stays out:
what happens (``desk``), who may ask (``boundary``).

Handlers are plain functions: they wait for the ledger, so each runs in a thread of the pool.
"""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from pydantic import BaseModel

from aina_assets.contracts.curriculum import ModuleId
from aina_assets.contracts.learner import LearnerId, LearnerProfile, PersonalizationDecision
from aina_assets.contracts.practice import EvaluationResult
from aina_assets.contracts.work import WorkflowId
from aina_assets.learner.replay import LearnerState
from aina_assets.serve.boundary import IDEMPOTENCY_HEADER, IDEMPOTENCY_PATTERN
from aina_assets.serve.desk import TRACE_ROWS, Desk
from aina_assets.serve.shapes import (
    AssessmentResult,
    ForLearner,
    Health,
    ModuleAnswer,
    ModuleLesson,
    RecordedReport,
    ReportedEvent,
    SubmissionRequest,
    TraceDocument,
    WorkflowSandbox,
)

# Two walks at a time get a thread of their own: one that walks, one that is told to come back.
_TRACE_THREADS = 2

Problems = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Problems:
    """Problems a route may answer with; their shape is added where the schema is made."""
    return {status: {"description": ""} for status in statuses}


async def _key(
    request: Request,
    _given: Annotated[
        str | None,
        Header(
            alias=IDEMPOTENCY_HEADER,
            pattern=IDEMPOTENCY_PATTERN,
            description="Names this request: with the same key it is recorded once, however often"
            " it is sent. One is made, and returned, where none is given.",
        ),
    ] = None,
) -> str:
    return str(request.state.idempotency_key)


Key = Annotated[str, Depends(_key)]
"""The idempotency key of a request."""


def _json(document: BaseModel, status: int = 200) -> Response:
    """``document`` as it stands: it is a contract, so it needs no second validation."""
    return Response(document.model_dump_json(), status, media_type="application/json")


def add_routes(api: FastAPI, desk: Desk) -> None:
    """Give ``api`` the routes over ``desk``; a router between would cost every request."""
    trace_limiter: list[anyio.CapacityLimiter] = []

    @api.get("/health", response_model=Health, responses=problems(503), tags=["server"])
    def health() -> Response:
        """Which release is served, and how far the ledger goes."""
        return _json(desk.health())

    @api.post("/assess", response_model=AssessmentResult, responses=problems(403, 409))
    def assess(profile: LearnerProfile, key: Key) -> Response:
        """Take a learner's intake: where they stand, and how their title was read."""
        return _json(AssessmentResult.of(desk.assess(profile, key)))

    @api.post("/curriculum", response_model=PersonalizationDecision, responses=problems(404, 409))
    def curriculum(request: ForLearner, key: Key) -> Response:
        """The learner's next steps, why, and which events changed them."""
        return _json(desk.plan(request.learner_id, key))

    @api.get(
        "/workflow/{workflow_id}/sandbox", response_model=WorkflowSandbox, responses=problems(404)
    )
    def sandbox(workflow_id: Annotated[WorkflowId, Path()]) -> Response:
        """Scenarios to practise a workflow on, or why there are none."""
        return _json(desk.sandbox(workflow_id))

    @api.post("/submit", response_model=EvaluationResult, responses=problems(404, 409))
    def submit(submission: SubmissionRequest, key: Key) -> Response:
        """Hand in work for a module: it is graded, and kept only by a server that was told to."""
        return _json(desk.submit(submission.learner_id, submission.module_id, submission.text, key))

    @api.get("/modules/{module_id}", response_model=ModuleLesson, responses=problems(404))
    def module(module_id: Annotated[ModuleId, Path()]) -> Response:
        """A module's lesson and exercise, without the checks it is graded by."""
        return _json(desk.lesson(module_id))

    @api.post(
        "/modules/{module_id}/answer", response_model=ModuleAnswer, responses=problems(404, 409)
    )
    def answer(module_id: Annotated[ModuleId, Path()], request: ForLearner, key: Key) -> Response:
        """The checks in full. From then on the module proves nothing for this learner."""
        return _json(desk.answer(request.learner_id, module_id, key))

    @api.post(
        "/learners/{learner_id}/events",
        response_model=RecordedReport,
        responses=problems(404, 409),
    )
    def events(
        learner_id: Annotated[LearnerId, Path()], event: ReportedEvent, key: Key
    ) -> Response:
        """Record what a learner did or changed."""
        return _json(desk.report(learner_id, event, key))

    @api.get("/learners/{learner_id}/state", response_model=LearnerState, responses=problems(404))
    def state(learner_id: Annotated[LearnerId, Path()]) -> Response:
        """What the ledger says of a learner: the replay of their events."""
        return _json(desk.state(learner_id))

    @api.get("/trace/{table}/{key:path}", response_model=TraceDocument, responses=problems(404))
    async def trace(
        table: Annotated[str, Path(max_length=80)],
        key: Annotated[str, Path(max_length=400)],
        rows: Annotated[int, Query(ge=1, le=TRACE_ROWS)] = 1,
    ) -> Response:
        """Walk a row back to the rows, files, hashes and licences it came from."""
        if not trace_limiter:
            trace_limiter.append(anyio.CapacityLimiter(_TRACE_THREADS))
        document = await anyio.to_thread.run_sync(
            desk.trace, table, key, rows, limiter=trace_limiter[0]
        )
        return Response(document, media_type="application/json")
