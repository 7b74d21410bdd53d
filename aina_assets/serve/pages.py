"""The beta pages: assessment, readiness, next step, lesson, practice, and round again.

Belongs here: what a person sees, and reading what they fill in. Stays out: what happens then
(``desk``), how it looks (``static``), its words (``words``).

Every step works as a plain form; where htmx runs, a graded exercise appears in the page instead of
a new one. What a learner writes is shown to them alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from aina_assets.contracts.learner import (
    EventType,
    LearnerProfile,
    PersonalizationDecision,
)
from aina_assets.contracts.practice import EvaluationResult, Outcome
from aina_assets.learner.replay import LearnerState
from aina_assets.learner.service import LearnerUnknown
from aina_assets.learner.view import ReleaseView
from aina_assets.serve import words
from aina_assets.serve.boundary import PAGES, Admission, too_many
from aina_assets.serve.desk import Desk
from aina_assets.serve.markdown import rendered
from aina_assets.serve.problems import Problem, problem_of_status
from aina_assets.serve.sessions import Sessions, new_learner_id
from aina_assets.serve.shapes import LessonStarted, ModuleExposed, ReadinessReportViewed

PAGES_PER_MINUTE = 120
SIGN_INS_PER_MINUTE = 10
_MAX_FIELDS = 200

STEPS = ("assessment", "readiness", "next step", "lesson", "practice")

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Visit:
    """A request of someone who may see the pages.

    Attributes:
        learner_id: of the session.
        is_new: the session begins with this response.
        form: what was filled in, by field.
    """

    request: Request
    learner_id: str
    is_new: bool
    form: Form = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    def said(self, name: str) -> str:
        """The field's value; nothing where it has none."""
        return next(iter(self.form.get(name, ())), "").strip()


@dataclass(frozen=True)
class Change:
    """An event that changed a plan, in words."""

    what: str
    module_title: str | None
    outcome: str | None


Handler = Callable[[Visit], Response]


class Pages:
    """The pages over ``desk``."""

    def __init__(self, desk: Desk, admission: Admission, sessions: Sessions) -> None:
        self._desk = desk
        self._admission = admission
        self._sessions = sessions
        self._templates = Environment(
            loader=PackageLoader("aina_assets.serve"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "words": words,
            "markdown": rendered,
            "steps": STEPS,
            "keeps_submissions": desk.service.submissions is not None,
        }

    def router(self) -> APIRouter:
        """The routes of all pages."""
        routes = APIRouter(include_in_schema=False)

        @routes.get("/")
        async def root() -> Response:
            return RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)

        def page(path: str, handler: Handler, *, is_form: bool = False) -> None:
            async def endpoint(request: Request) -> Response:
                return await self._answer(request, handler, is_form=is_form)

            endpoint.__name__ = handler.__name__
            routes.add_api_route(f"{PAGES}{path}", endpoint, methods=["POST" if is_form else "GET"])

        routes.add_api_route(f"{PAGES}/enter", self._enter, methods=["POST"])
        page("", self._start)
        page("/assess", self._assess, is_form=True)
        page("/leave", self._leave, is_form=True)
        page("/readiness", self._readiness)
        page("/plan", self._plan, is_form=True)
        page("/next", self._next)
        page("/lessons/{module_id}", self._begin_lesson, is_form=True)
        page("/lessons/{module_id}", self._lesson)
        page("/practice/{module_id}", self._practice)
        page("/practice/{module_id}", self._submit, is_form=True)
        page("/answers/{module_id}", self._answer_shown, is_form=True)
        return routes

    def problem(
        self, request: Request, problem: Problem, headers: Mapping[str, str] | None = None
    ) -> Response:
        """``problem`` as a page, or as a part of one."""
        is_partial = request.headers.get("hx-request") == "true"
        learner_id = self._sessions.learner_of(request)
        return self._page(
            "_problem" if is_partial else "problem",
            learner_id,
            problem.status,
            headers,
            problem=problem,
            step=None,
        )

    # ---------------------------------------------------------------------------- who may see them

    async def _answer(self, request: Request, handler: Handler, *, is_form: bool) -> Response:
        learner_id = self._sessions.learner_of(request)
        is_new = learner_id is None
        form = _fields(await request.form(max_fields=_MAX_FIELDS)) if is_form else {}
        if is_form and not self._is_own_form(request, learner_id, form):
            return self.problem(request, _FOREIGN)
        if learner_id is None:
            if self._admission.keys is not None:
                return self._sign_in(request)
            learner_id = new_learner_id()
        wait = self._admission.pace.admit(f"page:{learner_id}", PAGES_PER_MINUTE)
        if wait:
            problem = too_many(PAGES_PER_MINUTE)
            return self.problem(request, problem, {"Retry-After": str(wait)})
        visit = Visit(request, learner_id, is_new, form)
        response = await run_in_threadpool(handler, visit)
        if is_new:
            self._sessions.begin(request, response, learner_id)
        return response

    def _is_own_form(self, request: Request, learner_id: str | None, form: Form) -> bool:
        token = next(iter(form.get("csrf", ())), "")
        return self._sessions.is_own_form(request, learner_id, token)

    def _sign_in(self, request: Request, *, is_refused: bool = False) -> Response:
        if request.method != "GET" and not is_refused:
            return RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        status = HTTPStatus.UNAUTHORIZED if is_refused else HTTPStatus.OK
        return self._page("enter", None, status, is_refused=is_refused, step=None)

    async def _enter(self, request: Request) -> Response:
        """An API key, given once, begins a session; the key itself is not kept."""
        form = _fields(await request.form(max_fields=_MAX_FIELDS))
        if not self._is_own_form(request, self._sessions.learner_of(request), form):
            return self.problem(request, _FOREIGN)
        address = request.client.host if request.client is not None else "-"
        wait = self._admission.pace.admit(f"enter:{address}", SIGN_INS_PER_MINUTE)
        if wait:
            problem = too_many(SIGN_INS_PER_MINUTE)
            return self.problem(request, problem, {"Retry-After": str(wait)})
        presented = next(iter(form.get("key", ())), "").strip()
        keys = self._admission.keys
        if keys is not None and keys.holder_of(presented.encode()) is None:
            return self._sign_in(request, is_refused=True)
        response = RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        self._sessions.begin(request, response, new_learner_id())
        return response

    def _leave(self, visit: Visit) -> Response:
        """The next visit is of another learner."""
        response = RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        self._sessions.begin(visit.request, response, new_learner_id())
        return response

    # ---------------------------------------------------------------------------- the steps

    def _start(self, visit: Visit) -> Response:
        return self._assessment_form(visit, {}, {})

    def _assessment_form(
        self, visit: Visit, form: Form, faults: Mapping[str, str], status: int = HTTPStatus.OK
    ) -> Response:
        return self._page(
            "assess",
            visit.learner_id,
            status,
            step="assessment",
            form=form,
            faults=faults,
            is_assessed=self._state(visit) is not None,
        )

    def _assess(self, visit: Visit) -> Response:
        profile, faults = _profile_of(visit)
        if profile is None:
            return self._assessment_form(visit, visit.form, faults, HTTPStatus.UNPROCESSABLE_ENTITY)
        self._desk.assess(profile, _request_key(visit))
        return RedirectResponse(f"{PAGES}/readiness", HTTPStatus.SEE_OTHER)

    def _readiness(self, visit: Visit) -> Response:
        state = self._state(visit)
        if state is None:
            return RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        with self._desk.loop() as (service, view):
            packet = service.packet(visit.learner_id)
            levels = view.levels
        # However often the page is loaded, the report of one assessment is read once.
        viewed = ReadinessReportViewed(event_type=EventType.READINESS_REPORT_VIEWED)
        self._desk.report(visit.learner_id, viewed, f"viewed:{packet.packet_id}")
        return self._page(
            "readiness", visit.learner_id, step="readiness", packet=packet, levels=levels
        )

    def _plan(self, visit: Visit) -> Response:
        self._desk.plan(visit.learner_id, _request_key(visit))
        return RedirectResponse(f"{PAGES}/next", HTTPStatus.SEE_OTHER)

    def _next(self, visit: Visit) -> Response:
        state = self._state(visit)
        if state is None:
            return RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        with self._desk.loop() as (_, view):
            decision, changes = self._last_plan(visit, view)
            if decision is None:
                return RedirectResponse(f"{PAGES}/readiness", HTTPStatus.SEE_OTHER)
            return self._page(
                "next",
                visit.learner_id,
                step="next step",
                decision=decision,
                changes=changes,
                modules=view.modules,
                workflow_titles=_workflow_titles(view, decision),
                mastered=[
                    view.modules[name].title for name in state.mastered if name in view.modules
                ],
                first=decision.candidates and _first(decision),
            )

    def _begin_lesson(self, visit: Visit) -> Response:
        module_id, key = _module_id(visit), _request_key(visit)
        shown = ModuleExposed(event_type=EventType.MODULE_EXPOSED, module_id=module_id)
        started = LessonStarted(event_type=EventType.LESSON_STARTED, module_id=module_id)
        self._desk.report(visit.learner_id, shown, key)
        self._desk.report(visit.learner_id, started, key)
        return RedirectResponse(f"{PAGES}/lessons/{module_id}", HTTPStatus.SEE_OTHER)

    def _lesson(self, visit: Visit) -> Response:
        lesson = self._desk.lesson(_module_id(visit))
        return self._page("lesson", visit.learner_id, step="lesson", lesson=lesson)

    def _practice(self, visit: Visit) -> Response:
        state = self._state(visit)
        if state is None:
            return RedirectResponse(PAGES, HTTPStatus.SEE_OTHER)
        module_id = _module_id(visit)
        lesson = self._desk.lesson(module_id)
        text = "".join(f"## {section}\n\n\n" for section in lesson.exercise.sections)
        return self._practice_page(visit, text, None)

    def _submit(self, visit: Visit) -> Response:
        module_id = _module_id(visit)
        text = next(iter(visit.form.get("text", ())), "")
        if not text.strip():
            if visit.is_partial:
                return self.problem(visit.request, _EMPTY)
            return self._practice_page(visit, text, None, HTTPStatus.UNPROCESSABLE_ENTITY)
        result = self._desk.submit(visit.learner_id, module_id, text, _request_key(visit))
        if visit.is_partial:
            return self._page(
                "_evaluation", visit.learner_id, step=None, result=result, is_partial=True
            )
        return self._practice_page(visit, text, result)

    def _practice_page(
        self, visit: Visit, text: str, result: EvaluationResult | None, status: int = HTTPStatus.OK
    ) -> Response:
        module_id = _module_id(visit)
        state = self._state(visit)
        with self._desk.loop() as (_, view):
            decision, _ = self._last_plan(visit, view)
        workflow_id = next(
            (
                step.workflow_id
                for step in (decision.chosen_path if decision is not None else ())
                if step.module_id == module_id
            ),
            None,
        )
        return self._page(
            "practice",
            visit.learner_id,
            status,
            step="practice",
            lesson=self._desk.lesson(module_id),
            sandbox=self._desk.sandbox(workflow_id) if workflow_id is not None else None,
            text=text,
            result=result,
            is_empty=status != HTTPStatus.OK,
            is_answer_shown=state is not None and module_id in state.answers_shown,
        )

    def _answer_shown(self, visit: Visit) -> Response:
        module_id = _module_id(visit)
        answer = self._desk.answer(visit.learner_id, module_id, _request_key(visit))
        if visit.is_partial:
            return self._page(
                "_answer", visit.learner_id, step=None, answer=answer, is_partial=True
            )
        lesson = self._desk.lesson(module_id)
        return self._page("answer", visit.learner_id, step="practice", answer=answer, lesson=lesson)

    # ---------------------------------------------------------------------------- what they show

    def _state(self, visit: Visit) -> LearnerState | None:
        try:
            return self._desk.state(visit.learner_id)
        except LearnerUnknown:
            return None

    def _last_plan(
        self, visit: Visit, view: ReleaseView
    ) -> tuple[PersonalizationDecision | None, list[Change]]:
        """The last plan that was made, and the events that changed it."""
        recorded = {
            one.event.event_id: one.event
            for one in self._desk.service.ledger.events(visit.learner_id)
        }
        plans = [
            event
            for event in recorded.values()
            if event.event_type is EventType.CURRICULUM_PLAN_CREATED
        ]
        if not plans:
            return None, []
        decision = PersonalizationDecision.model_validate(plans[-1].payload["decision"])
        changes = []
        for event_id in decision.changed_by:
            event = recorded[event_id]
            module = view.modules.get(event.module_id or "")
            evaluation = event.payload.get("evaluation")
            outcome = evaluation.get("outcome") if isinstance(evaluation, dict) else None
            changes.append(
                Change(
                    words.EVENTS[event.event_type],
                    module.title if module is not None else None,
                    words.OUTCOMES[Outcome(str(outcome))] if outcome is not None else None,
                )
            )
        return decision, changes

    def _page(
        self,
        template: str,
        learner_id: str | None,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        html = self._templates.get_template(f"{template}.html.j2").render(
            csrf=self._sessions.token(learner_id),
            learner_id=learner_id,
            new_key=_new_key,
            Outcome=Outcome,
            **context,
        )
        return HTMLResponse(html, status, headers)


_FOREIGN = problem_of_status(
    HTTPStatus.FORBIDDEN,
    "the form was not sent from a page of this server in the last hours, or the session changed",
    remedy="open the page again and send the form from there; nothing was recorded",
)

_EMPTY = problem_of_status(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "nothing was handed in",
    remedy="write something under each heading, then hand it in",
)


def _fields(form: FormData) -> Form:
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _new_key() -> str:
    return secrets.token_hex(16)


def _request_key(visit: Visit) -> str:
    """The form's own key: sent twice, it is one request."""
    key = visit.said("request_key")
    return key if key.isalnum() and len(key) <= 64 else _new_key()


def _module_id(visit: Visit) -> str:
    return str(visit.request.path_params["module_id"])


_FAULTS = {
    "role_title": "Give a job title, of at most 300 characters.",
    "ai_usage": "Say how you use AI today.",
    "confidence": "Say how sure you are.",
    "goals": "Choose at least one goal.",
    "weekly_minutes": "Give a number of minutes from 15 to 1200.",
    "industry": "Give an industry of at most 300 characters, or none.",
    "seniority": "Choose one from the list, or leave it open.",
    "status": "Choose one from the list.",
    "pains": "At most 10 lines, of at most 300 characters each.",
    "tools": "At most 30 lines, of at most 300 characters each.",
    "constraints": "Choose from the list.",
    "is_synthetic": "Confirm that the person is made up: nobody else is served here.",
}


def _profile_of(visit: Visit) -> tuple[LearnerProfile | None, dict[str, str]]:
    """The intake as filled in, or what is wrong with it, by field."""
    answers: dict[str, Any] = {
        "learner_id": visit.learner_id,
        "is_synthetic": visit.said("is_synthetic") == "yes",
        "role_title": visit.said("role_title"),
        "industry": visit.said("industry") or None,
        "seniority": visit.said("seniority") or None,
        "status": visit.said("status") or "working",
        "ai_usage": visit.said("ai_usage"),
        "confidence": visit.said("confidence"),
        "goals": visit.form.get("goals", ()),
        "pains": _lines(visit.said("pains")),
        "tools": _lines(visit.said("tools")),
        "constraints": visit.form.get("constraints", ()),
        "weekly_minutes": visit.said("weekly_minutes"),
    }
    faults = {}
    if not answers["is_synthetic"]:
        faults["is_synthetic"] = _FAULTS["is_synthetic"]
    try:
        profile = LearnerProfile.model_validate(answers)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(fault["loc"][0])
            faults[name] = _FAULTS.get(name, "Choose another.")
        profile = None
    return (None if faults else profile), {name: faults[name] for name in _FAULTS if name in faults}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _first(decision: PersonalizationDecision) -> Any:
    """The scored candidate that is the first step; none where nothing is open."""
    if not decision.chosen_path:
        return None
    step = decision.chosen_path[0]
    return next(
        (
            candidate
            for candidate in decision.candidates
            if (candidate.module_id, candidate.workflow_id) == (step.module_id, step.workflow_id)
        ),
        None,
    )


def _workflow_titles(view: ReleaseView, decision: PersonalizationDecision) -> dict[str, str]:
    ids = [step.workflow_id for step in decision.chosen_path if step.workflow_id is not None]
    rows = view.rows(
        "SELECT workflow_id, workflow_title FROM workflows WHERE workflow_id IN (SELECT unnest(?))",
        ids,
    )
    return {row["workflow_id"]: row["workflow_title"] for row in rows}
