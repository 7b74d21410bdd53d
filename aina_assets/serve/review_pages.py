"""The review pages: what waits, a subject beside its evidence and its history, and deciding on it.

Belongs here: what a signed-in reviewer sees, and reading what they fill in. Stays out: who may
decide and what counts (``review``, as for command line and panel), their key (``review_keys``).

Every form carries the digest of the document it was shown with, and that is what is signed: where
the subject is another by then, nothing is recorded. There is no script on these pages.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from upath import UPath

from aina_assets.authoring.lane_tables import CODE, GateSubjects
from aina_assets.contracts.errors import IdempotencyConflict, ReviewError
from aina_assets.contracts.review import (
    OBJECTIONS,
    GateState,
    RequiredEdit,
    ReviewerKind,
    ReviewVerdict,
    SignedDecision,
    Vote,
)
from aina_assets.gdpval.policy import GdpvalCohorts
from aina_assets.review.checkpoints import checkpoints_path
from aina_assets.review.desk import Case, ReviewDesk, Subject
from aina_assets.review.gates import Row
from aina_assets.review.ledger import holder_of
from aina_assets.review.policy import Reviewer, Reviewers, ReviewGates
from aina_assets.review.reading import DECISIONS, may_not_decide
from aina_assets.review.signing import ReviewerKey
from aina_assets.review.tables import REFUSED
from aina_assets.serve import documents
from aina_assets.serve import review_words as words
from aina_assets.serve.boundary import REVIEW, Admission, is_reachable, too_many
from aina_assets.serve.problems import Problem, problem_of_status
from aina_assets.serve.review_keys import SESSION_SECONDS, KeyRing, session_of
from aina_assets.serve.sessions import Sessions
from aina_assets.warehouse.settings import ledger_url
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table

COOKIE = "aina_review"
PAGES_PER_MINUTE = 240
SIGN_INS_PER_MINUTE = 10
ROWS_PER_PAGE = 50
EDIT_ROWS = 2
MAX_EDITS = 40
EVERY = "every"
_WAITS = "waiting"
_MAX_FIELDS = 400
_BRIEF = 48
_DRAFTS = "gdpval_draft"
_SAME_UNIT = (("unit_id", "unit_id"),)
_DECISION_ID = re.compile(r"[0-9a-f]{32}")

Form = Mapping[str, Sequence[str]]
Models = Callable[[], Mapping[str, type[Table]]]


class LiveDesk:
    """The desk over the warehouse at ``home``, its gates and reviewers as they are on file now.

    Args:
        home: the warehouse root.
        models: every table's model by name.
        reviewers: the document of who may decide.
        clock: tells an aware time.
    """

    def __init__(
        self,
        home: Path,
        models: Models,
        reviewers: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home = home
        self._models = models
        self._reviewers = reviewers
        self._clock = clock
        self._store = Store(UPath(home))
        self._desk: ReviewDesk | None = None

    def __call__(self) -> ReviewDesk:
        """The desk.

        Raises:
            AuthoredDocumentError: a document cannot be read.
        """
        gates, reviewers = ReviewGates.load(), Reviewers.load(self._reviewers)
        desk = self._desk
        if desk is None or (desk.gates, desk.reviewers) != (gates, reviewers):
            desk = self._desk = ReviewDesk(
                self._store,
                self._models(),
                gates=gates,
                reviewers=reviewers,
                ledger=ledger_url(self._home),
                checkpoints=checkpoints_path(self._home),
                clock=self._clock,
            )
        return desk

    def made(self, subject: Subject) -> Row | None:
        """The row of a lane that holds the document of ``subject``; none where it has none.

        Where code compiled it, ``from`` has those who wrote what it was compiled of.
        """
        models = self._models()
        if not issubclass(models[subject.table], GateSubjects):
            return None
        for parent in models[subject.table].__parents__:
            for row in self._rows(parent.table, "document_id", subject.row["document_id"]):
                written = {
                    other["maker"]
                    for above in models[parent.table].__parents__
                    if row["maker"] == CODE and above.on == _SAME_UNIT
                    for other in self._rows(above.table, "unit_id", row["unit_id"])
                    if other["is_current"] and other["maker"]
                }
                return {**row, "from": sorted(written - {CODE})}
        return None

    def _rows(self, table: str, column: str, value: str) -> list[dict[str, Any]]:
        record = self._store.record(table)
        if record is None:
            return []
        rows = self._store.open_snapshot(record)
        found: list[dict[str, Any]] = rows.filter(pc.equal(rows[column], value)).to_pylist()
        return found

    def dependents(self, gate: str) -> list[str]:
        """Assets that were made of decisions at ``gate``, directly or not, by name."""
        inputs = {record.asset: set(record.inputs) for record in self._store.records()}
        others = {f"{name}_decisions" for name in self().gates.by_id if name != gate}
        found, new = set[str](), {DECISIONS}
        while new:
            found |= new
            new = {name for name, needs in inputs.items() if needs & new} - found - others
        return sorted(found & inputs.keys())


@dataclass(frozen=True)
class Visit:
    """A request of a reviewer who is signed in.

    Attributes:
        token: of the session.
        desk: the desk, as it is for the whole request.
        form: what was filled in, by field; of a request without a form, the query.
    """

    request: Request
    token: str
    key: ReviewerKey
    reviewer: Reviewer
    desk: ReviewDesk
    form: Form = field(default_factory=dict)

    def said(self, name: str) -> str:
        """The field's value; nothing where it has none."""
        return next(iter(self.form.get(name, ())), "").strip()

    def lines(self, name: str) -> list[str]:
        """The field's lines, those without words left out."""
        return [line for text in self.said(name).splitlines() if (line := text.strip())]


@dataclass(frozen=True)
class Entry:
    """A decision of a subject's history, as it is shown.

    Attributes:
        counts: whether the gate's state stands on it.
        why_not: otherwise, why it does not.
        votes: of a panel.
    """

    row: Row
    counts: bool
    why_not: str
    votes: Sequence[Vote]


@dataclass(frozen=True)
class Filled:
    """The decision form as somebody filled it in."""

    form: Form = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    edit_rows: int = EDIT_ROWS

    def said(self, name: str) -> str:
        """What a field held, its line breaks kept."""
        return next(iter(self.form.get(name, ())), "")

    def has(self, name: str, value: str) -> bool:
        """Whether a choice was taken."""
        return value in self.form.get(name, ())


Handler = Callable[[Visit], Response]


class ReviewPages:
    """The pages over ``live``.

    Args:
        live: the desk.
        admission: counts requests.
        sessions: signs the tokens of forms.
        keys: of reviewers who are signed in.
    """

    def __init__(
        self, live: LiveDesk, admission: Admission, sessions: Sessions, keys: KeyRing
    ) -> None:
        self.keys = keys
        self._live = live
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
            "href": _href,
            "V": ReviewVerdict,
            "DRAFT": documents.DRAFT,
        }
        self._templates.tests["brief"] = _is_brief
        self._templates.filters |= {"shown": words.shown, "label": words.label}

    def router(self) -> APIRouter:
        """The routes of all pages."""
        routes = APIRouter(include_in_schema=False)

        def page(path: str, handler: Handler, *, is_form: bool = False) -> None:
            async def endpoint(request: Request) -> Response:
                return await self._answer(request, handler, is_form=is_form)

            endpoint.__name__ = handler.__name__
            method = "POST" if is_form else "GET"
            routes.add_api_route(f"{REVIEW}{path}", endpoint, methods=[method])

        routes.add_api_route(f"{REVIEW}/enter", self._enter, methods=["POST"])
        page("", self._queue)
        page("/subject", self._subject)
        page("/decide", self._decide, is_form=True)
        page("/leave", self._leave, is_form=True)
        return routes

    def problem(
        self, request: Request, problem: Problem, headers: Mapping[str, str] | None = None
    ) -> Response:
        """``problem`` as a page."""
        token = request.cookies.get(COOKIE, "")
        return self._page("review_problem", token, problem.status, headers, problem=problem)

    # ---------------------------------------------------------------------------- who may see them

    async def _answer(self, request: Request, handler: Handler, *, is_form: bool) -> Response:
        if _is_in_clear(request):
            return self.problem(request, _IN_CLEAR)
        token = request.cookies.get(COOKIE, "")
        form = await _form_of(request) if is_form else _query_of(request)
        if is_form and not self._is_own_form(request, token, form):
            return self.problem(request, _FOREIGN)
        key = self.keys.key_of(token)
        caller = _caller(request) if key is None else session_of(token)
        wait = self._admission.pace.admit(f"review:{caller}", PAGES_PER_MINUTE)
        if wait:
            return self._too_many(request, PAGES_PER_MINUTE, wait)
        if key is None:
            return self._sign_in(token, form if is_form else {}, has_ended=bool(token))
        return await run_in_threadpool(self._visit, request, token, key, form, handler)

    def _visit(
        self, request: Request, token: str, key: ReviewerKey, form: Form, handler: Handler
    ) -> Response:
        desk = self._live()
        try:
            reviewer = holder_of(key, desk.reviewers)
        except ReviewError:
            # Taken off the list since: a key that is nobody's is not kept.
            self.keys.end(token)
            return self._sign_in(token, form if request.method == "POST" else {}, has_ended=True)
        try:
            return handler(Visit(request, token, key, reviewer, desk, form))
        except ReviewError as error:
            problem = problem_of_status(
                HTTPStatus.NOT_FOUND,
                f"{error.where}: expected {error.expected}; found {error.found}",
                remedy=error.remedy,
            )
            return self.problem(request, problem)

    def _is_own_form(self, request: Request, token: str, form: Form) -> bool:
        given = next(iter(form.get("csrf", ())), "")
        return self._sessions.is_own_form(request, _form_id(token), given)

    def _sign_in(
        self, token: str, form: Form, *, has_ended: bool = False, is_refused: bool = False
    ) -> Response:
        """The page to sign in on; what somebody had typed when their session ended is on it."""
        typed = [text for name in _TYPED for text in form.get(name, ()) if text.strip()]
        status = HTTPStatus.UNAUTHORIZED if is_refused or form else HTTPStatus.OK
        return self._page(
            "review_enter",
            token,
            status,
            has_ended=has_ended,
            is_refused=is_refused,
            typed="\n\n".join(typed),
        )

    async def _enter(self, request: Request) -> Response:
        """A private key, given once, begins a session."""
        if _is_in_clear(request):
            return self.problem(request, _IN_CLEAR)
        form = await _form_of(request)
        token = request.cookies.get(COOKIE, "")
        if not self._is_own_form(request, token, form):
            return self.problem(request, _FOREIGN)
        wait = self._admission.pace.admit(f"review-enter:{_caller(request)}", SIGN_INS_PER_MINUTE)
        if wait:
            return self._too_many(request, SIGN_INS_PER_MINUTE, wait)
        try:
            key = ReviewerKey.parse(next(iter(form.get("key", ())), ""))
            holder_of(key, (await run_in_threadpool(self._live)).reviewers)
        except ReviewError:
            return self._sign_in(token, {}, is_refused=True)
        self.keys.end(token)
        response = RedirectResponse(REVIEW, HTTPStatus.SEE_OTHER)
        response.set_cookie(
            COOKIE,
            self.keys.begin(key),
            max_age=SESSION_SECONDS,
            path=REVIEW,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    def _leave(self, visit: Visit) -> Response:
        self.keys.end(visit.token)
        response = RedirectResponse(REVIEW, HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, path=REVIEW, httponly=True, samesite="strict")
        return response

    # ---------------------------------------------------------------------------- the pages

    def _queue(self, visit: Visit) -> Response:
        gate, state, search = visit.said("gate"), visit.said("state") or _WAITS, visit.said("q")
        states = visit.desk.states()
        rows = states
        if gate:
            rows = rows.filter(pc.equal(rows["gate"], visit.desk.gates.gate(gate).id))
        if state == _WAITS:
            rows = rows.filter(pc.is_in(rows["state"], pa.array(map(str, words.WAITING))))
        elif state != EVERY:
            rows = rows.filter(pc.equal(rows["state"], state))
        if search:
            named = [
                pc.match_substring(rows[name], search, ignore_case=True)
                for name in ("subject_title", "subject_key")
            ]
            rows = rows.filter(pc.or_(*named))
        pages = max(1, math.ceil(rows.num_rows / ROWS_PER_PAGE))
        number = visit.said("page")
        page = min(max(int(number[:9]), 1), pages) if number.isdecimal() else 1
        return self._page(
            "review_queue",
            visit.token,
            reviewer=visit.reviewer,
            gates=visit.desk.gates.gates,
            counts=_counts(states),
            may_decide={
                item.id: may_not_decide(item, visit.reviewer, ReviewVerdict.APPROVE) is None
                for item in visit.desk.gates.gates
            },
            gate=gate,
            state=state,
            search=search,
            rows=rows.slice((page - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE).to_pylist(),
            total=rows.num_rows,
            first=(page - 1) * ROWS_PER_PAGE + 1,
            page=page,
            pages=pages,
        )

    def _subject(self, visit: Visit) -> Response:
        case = visit.desk.case(visit.said("gate"), visit.said("key"))
        made = [
            row
            for row in case.history
            if row["decision_id"] == visit.said("recorded")
            and row["reviewer_id"] == visit.reviewer.id
        ]
        return self._case_page(visit, case, Filled(), recorded=made[0] if made else None)

    def _decide(self, visit: Visit) -> Response:
        case = visit.desk.case(visit.said("gate"), visit.said("key"))
        rows = min(_edit_rows(visit.form) + (EDIT_ROWS if "more" in visit.form else 0), MAX_EDITS)
        edits, faults = _edits_of(visit, case, rows)
        verdict = _verdict_of(visit)
        if case.subject.digest != visit.said("digest") or "more" in visit.form:
            return self._case_page(visit, case, Filled(visit.form, {}, rows))
        faults = _faults_of(visit, case, verdict, edits, faults)
        if verdict is None or faults:
            return self._case_page(visit, case, Filled(visit.form, faults, rows))
        option = visit.said("option") if verdict is ReviewVerdict.APPROVE else ""
        try:
            decision = visit.desk.prepare(
                visit.reviewer,
                case.subject.gate.id,
                case.subject.key,
                visit.said("digest"),
                verdict,
                visit.lines("reasons"),
                edits,
                [*filter(None, [option]), *visit.lines("evidence")],
                visit.form.get("supersedes", ()),
            )
            # The form's own id: sent twice, it is one decision.
            given = visit.said("decision_id")
            if _DECISION_ID.fullmatch(given):
                decision = decision.model_copy(update={"decision_id": given})
            visit.desk.record([decision], visit.key)
        except IdempotencyConflict:
            case = visit.desk.case(case.subject.gate.id, case.subject.key)
            made = {row["decision_id"]: row["reviewer_id"] for row in case.history}
            if made.get(decision.decision_id) != visit.reviewer.id:
                raise
        except ReviewError as error:
            case = visit.desk.case(case.subject.gate.id, case.subject.key)
            faults = {"": f"Expected {error.expected}; found {error.found}. {error.remedy}."}
            return self._case_page(visit, case, Filled(visit.form, faults, rows))
        place = _href(
            "/subject",
            gate=case.subject.gate.id,
            key=case.subject.key,
            recorded=decision.decision_id,
        )
        return RedirectResponse(place, HTTPStatus.SEE_OTHER)

    def _case_page(
        self, visit: Visit, case: Case, filled: Filled, recorded: Row | None = None
    ) -> Response:
        gate = case.subject.gate
        shown = filled.said("digest")
        is_changed = bool(shown) and shown != case.subject.digest
        status = HTTPStatus.OK
        if is_changed:
            status = HTTPStatus.CONFLICT
        elif filled.faults:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        counting = [*case.finding.approvals, *case.finding.objections]
        return self._page(
            "review_subject",
            visit.token,
            status,
            reviewer=visit.reviewer,
            case=case,
            gate=gate,
            why_not=_why_not(visit, case),
            entries=list(_entries(case))[::-1],
            endable=[
                row
                for row in counting
                if row["reviewer_id"] == visit.reviewer.id
                or visit.reviewer.kind is ReviewerKind.PERSON
            ],
            options=_options(case),
            reading=documents.reading_of(case.subject.kind, case.subject.content),
            offers=documents.offers_of(case.subject.kind, case.subject.content),
            arrays=documents.arrays_of(case.subject.kind, case.subject.content),
            made=self._live.made(case.subject),
            edit_kinds=GdpvalCohorts.load().edit_kinds if gate.subject_kind == _DRAFTS else (),
            filled=filled,
            is_changed=is_changed,
            shown_digest=shown,
            recorded=recorded,
            dependents=self._live.dependents(gate.id) if recorded else [],
            following=_following(visit, case),
            decision_id=secrets.token_hex(16),
            refused=_refused(case) if case.is_held_up else "",
        )

    def _too_many(self, request: Request, per_minute: int, wait: int) -> Response:
        return self.problem(request, too_many(per_minute), {"Retry-After": str(wait)})

    def _page(
        self,
        template: str,
        token: str,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        *,
        reviewer: Reviewer | None = None,
        **context: Any,
    ) -> Response:
        html = self._templates.get_template(f"{template}.html.j2").render(
            csrf=self._sessions.token(_form_id(token)),
            is_signed_in=self.keys.key_of(token) is not None,
            reviewer=reviewer,
            **context,
        )
        return HTMLResponse(html, status, headers)


_TYPED = ("reasons", "evidence", *(f"edit-{number}-text" for number in range(1, MAX_EDITS + 1)))

_FOREIGN = problem_of_status(
    HTTPStatus.FORBIDDEN,
    "the form was not sent from a page of this server in the last hours, or the session changed",
    remedy="open the page again and send the form from there; nothing was recorded",
)
_IN_CLEAR = problem_of_status(
    HTTPStatus.FORBIDDEN,
    "a reviewer's key does not travel unencrypted",
    remedy="open the pages on the machine that serves them, or through a proxy with TLS",
)


def _href(path: str = "", **query: object) -> str:
    """The address of a page; what a query leaves open is not in it."""
    said = urlencode({name: str(value) for name, value in query.items() if value != ""})
    return f"{REVIEW}{path}?{said}" if said else f"{REVIEW}{path}"


def _is_brief(value: object) -> bool:
    """Whether a part of a document has its place beside its name: a word, or a few."""
    if isinstance(value, list | tuple):
        return all(not isinstance(item, list | tuple | dict) and _is_brief(item) for item in value)
    return not isinstance(value, dict) and len(str(value)) <= _BRIEF


def _form_id(token: str) -> str | None:
    return f"review-{session_of(token)}" if token else None


def _caller(request: Request) -> str:
    return request.client.host if request.client is not None else "-"


def _is_in_clear(request: Request) -> bool:
    return is_reachable(_caller(request)) and request.url.scheme != "https"


async def _form_of(request: Request) -> Form:
    found: dict[str, list[str]] = {}
    for name, value in (await request.form(max_fields=_MAX_FIELDS)).multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _query_of(request: Request) -> Form:
    return {name: request.query_params.getlist(name) for name in request.query_params}


def _counts(states: pa.Table) -> dict[str, dict[GateState, int]]:
    """Subjects by gate and state."""
    counted = states.group_by(["gate", "state"]).aggregate([([], "count_all")]).to_pylist()
    found: dict[str, dict[GateState, int]] = {}
    for row in counted:
        found.setdefault(row["gate"], {})[GateState(row["state"])] = row["count_all"]
    return {gate: dict(sorted(by.items())) for gate, by in found.items()}


def _following(visit: Visit, case: Case) -> Row | None:
    """The next subject that waits at the same gate; the first one after the last."""
    states = visit.desk.states()
    waits = pc.is_in(states["state"], pa.array(map(str, words.WAITING)))
    rows = states.filter(pc.and_(waits, pc.equal(states["gate"], case.subject.gate.id)))
    rows = rows.filter(pc.not_equal(rows["subject_key"], case.subject.key))
    after = rows.filter(pc.greater(rows["subject_key"], case.subject.key))
    return next(iter((after if after.num_rows else rows).slice(0, 1).to_pylist()), None)


def _why_not(visit: Visit, case: Case) -> str | None:
    """Why the reviewer cannot decide on it; none where they can: asked by preparing a decision.

    An approval, or where a refused build holds it up, what they may still say: an objection.
    """
    verdict, edits = ReviewVerdict.APPROVE, []
    if case.is_held_up:
        verdict = next((item for item in OBJECTIONS if item in case.subject.gate.verdicts), verdict)
    if verdict is ReviewVerdict.REVISE:
        edits = [RequiredEdit(edit_id="e1", kind="manual", argument="", text="-")]
    try:
        visit.desk.prepare(
            visit.reviewer,
            case.subject.gate.id,
            case.subject.key,
            case.subject.digest,
            verdict,
            ["-"],
            edits,
        )
    except ReviewError as error:
        return error.found
    return None


def _refused(case: Case) -> str:
    """What holds the case up, in few words."""
    first, *others = case.held_up_by
    return f"{first} and {len(others)} more" if others else first


def _entries(case: Case) -> Iterator[Entry]:
    """The history, oldest first."""
    counting = {row["decision_id"] for row in (*case.finding.approvals, *case.finding.objections)}
    ended_by = {ended: row["reviewer_id"] for row in case.history for ended in row["supersedes"]}
    for place, row in enumerate(case.history):
        later = [other["reviewer_id"] for other in case.history[place + 1 :]]
        if row["subject_digest"] != case.subject.digest:
            why_not = "former: it was made on the subject as it was then"
        elif row["standing"] == REFUSED:
            why_not = f"refused: {row['refusal_reason']}"
        elif row["standing"] == "expired":
            why_not = "expired"
        elif row["decision_id"] in ended_by:
            why_not = f"ended by {ended_by[row['decision_id']]}"
        elif row["verdict"] == ReviewVerdict.WITHDRAW:
            why_not = "ends others"
        elif row["reviewer_id"] in later:
            why_not = "the same reviewer judged again"
        else:
            why_not = "does not count at this gate"
        votes: Sequence[Vote] = ()
        if row["reviewer_kind"] == ReviewerKind.PANEL:
            votes = SignedDecision.model_validate_json(row["document"]).decision.votes
        yield Entry(row, row["decision_id"] in counting, why_not, votes)


def _options(case: Case) -> dict[str, str]:
    """What an approval has to choose from, each with the title it has in the document, if any."""
    titles: dict[str, str] = {}

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("title"), str):
                titles.update({v: part["title"] for v in part.values() if isinstance(v, str)})
            for item in part.values():
                walk(item)
        elif isinstance(part, list):
            for item in part:
                walk(item)

    walk(case.subject.content)
    offered = case.subject.content.get("options", ())
    return {str(option): titles.get(str(option), "") for option in offered}


# ------------------------------------------------------------------------------ what was filled in


def _verdict_of(visit: Visit) -> ReviewVerdict | None:
    try:
        return ReviewVerdict(visit.said("verdict"))
    except ValueError:
        return None


def _edit_rows(form: Form) -> int:
    numbers = [int(name.split("-")[1]) for name in form if re.fullmatch(r"edit-\d{1,3}-kind", name)]
    return max([EDIT_ROWS, *numbers])


def _edits_of(visit: Visit, case: Case, rows: int) -> tuple[list[RequiredEdit], dict[str, str]]:
    """The edits that were filled in, and what is wrong with those that are none, by row."""
    edits, faults = [], {}
    kind_of, content = case.subject.kind, case.subject.content
    offers = documents.offers_of(kind_of, content)
    for number in range(1, rows + 1):
        kind, argument, text = (
            visit.said(f"edit-{number}-{part}") for part in ("kind", "argument", "text")
        )
        if not kind + argument + text:
            continue
        if offers:
            kind = kind or documents.REWORK.kind
            try:
                asked = documents.asked_for(kind_of, content, kind, argument, text)
            except ReviewError as error:
                faults[f"edit-{number}"] = (
                    f"Edit {number}: expected {error.expected}; found {error.found}."
                )
                continue
            argument, text = "", documents.edit_text(asked)
        try:
            edits.append(
                RequiredEdit(edit_id=f"e{number}", kind=kind, argument=argument, text=text)
            )
        except ValidationError:
            faults[f"edit-{number}"] = (
                f"Edit {number} needs its kind, in small letters and _, and the edit in words."
            )
    return edits, faults


def _faults_of(
    visit: Visit,
    case: Case,
    verdict: ReviewVerdict | None,
    edits: Sequence[RequiredEdit],
    edit_faults: Mapping[str, str],
) -> dict[str, str]:
    """What is missing, by field, in the order of the form."""
    faults = {}
    if verdict is None:
        faults["verdict"] = "Choose a verdict."
    if verdict is ReviewVerdict.APPROVE and case.is_held_up:
        faults["verdict"] = f"Nobody can approve it now: the last build of {_refused(case)} failed."
    elif verdict is ReviewVerdict.APPROVE:
        options = _options(case)
        if options and visit.said("option") not in options:
            faults["option"] = "Choose what you approve: it offers several."
    if not visit.lines("reasons"):
        faults["reasons"] = "Give at least one reason."
    faults |= edit_faults
    if verdict is ReviewVerdict.REVISE and not edits and not edit_faults:
        faults["edits"] = "Say at least one edit that it needs."
    if verdict not in (None, ReviewVerdict.REVISE) and edits:
        faults["edits"] = "Edits go with the verdict revise alone: choose it, or empty them."
    if verdict is ReviewVerdict.WITHDRAW and not visit.form.get("supersedes"):
        faults["supersedes"] = "Tick what you take back."
    return faults
