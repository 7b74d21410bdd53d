"""The learner loop: assess, plan, practise, evaluate, plan again; every step an event.

Belongs here: the order of things, and which event each leaves. Stays out: HTTP (``serve``), keeping
events (``ledger``), every judgement (``readiness``, ``planner``, ``practice.evaluator``).

Each request carries a key of its caller's; with the same key it is the same request, and leaves no
second event.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import JsonValue

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.errors import AinaError, IdempotencyConflict
from aina_assets.contracts.learner import (
    Actor,
    CurriculumInputPacket,
    EventType,
    LearnerEvent,
    LearnerProfile,
    PersonalizationDecision,
    ReadinessSnapshot,
    RecordedEvent,
)
from aina_assets.contracts.practice import EvaluationResult, Outcome
from aina_assets.learner.artifacts import Submissions
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.planner import History, decide
from aina_assets.learner.readiness import readiness_of
from aina_assets.learner.replay import LearnerState, Submission, fold
from aina_assets.learner.resolver import resolve
from aina_assets.learner.view import ReleaseView
from aina_assets.packets.curriculum_input import RouteFinding, curriculum_input
from aina_assets.practice.evaluator import evaluate
from aina_assets.practice.judge import Judge
from aina_assets.release.policy import Domain
from aina_assets.warehouse.digests import digest_of_json

# After these a plan may come out otherwise.
_MOVING = frozenset(
    {
        EventType.ASSESSMENT_COMPLETED,
        EventType.EVALUATOR_COMPLETED,
        EventType.MASTERY_GATE_PASSED,
        EventType.MASTERY_GATE_FAILED,
        EventType.CONFIDENCE_UPDATED,
        EventType.GOAL_UPDATED,
        EventType.TOOL_STACK_UPDATED,
    }
)

_GATES = frozenset({EventType.MASTERY_GATE_PASSED, EventType.MASTERY_GATE_FAILED})
_GATE = "mastery_gate"


class LearnerUnknown(AinaError, LookupError):
    """No assessment of this learner is in the ledger."""


class ModuleUnknown(AinaError, LookupError):
    """The release has no such module."""


class SyntheticOnly(AinaError, PermissionError):
    """The profile is of a real person, and the boundary real_user_data is closed."""


KEPT_LEARNERS = 4096
KEPT_ASSESSMENTS = 1024

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class _Kept(Generic[_K, _V]):
    """The values used last, so many; threads may share it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._values: dict[_K, _V] = {}
        self._lock = threading.Lock()

    def get(self, key: _K) -> _V | None:
        with self._lock:
            value = self._values.pop(key, None)
            if value is not None:
                self._values[key] = value
        return value

    def put(self, key: _K, value: _V) -> None:
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > self._count:
                del self._values[next(iter(self._values))]


@dataclass(frozen=True)
class _Course:
    """A learner's events so far, as far as plans depend on them.

    Attributes:
        basis: ids of the events after which a plan may come out otherwise.
        planned: the state at the last plan, and how much of ``basis`` it knew; none before one.
        waiting: states after each such event since that plan, and how much of ``basis`` they know.
    """

    state: LearnerState
    basis: tuple[str, ...] = ()
    planned: tuple[LearnerState, int] | None = None
    waiting: tuple[tuple[LearnerState, int], ...] = ()

    def after(self, recorded: RecordedEvent) -> _Course:
        """The course after one more event."""
        state, event = fold(self.state, recorded), recorded.event
        if event.event_type is EventType.CURRICULUM_PLAN_CREATED:
            return _Course(state, self.basis, (state, len(self.basis)))
        if event.event_type in _MOVING:
            basis = (*self.basis, event.event_id)
            return _Course(state, basis, self.planned, (*self.waiting, (state, len(basis))))
        return _Course(state, self.basis, self.planned, self.waiting)


class Memory:
    """What was worked out before, so that it need not be again; never more than the ledger says.

    A course is followed on from its last event; assessments and plans are kept under everything
    that they follow from.
    """

    def __init__(self) -> None:
        self.courses: _Kept[str, _Course] = _Kept(KEPT_LEARNERS)
        self.assessments: _Kept[Hashable, Assessment] = _Kept(KEPT_ASSESSMENTS)
        self.plans: _Kept[str, tuple[Hashable, PersonalizationDecision]] = _Kept(KEPT_ASSESSMENTS)


@dataclass(frozen=True)
class Assessment:
    """What an intake came to."""

    readiness: ReadinessSnapshot
    packet: CurriculumInputPacket


@dataclass(frozen=True)
class LearnerService:
    """The loop over one release and one ledger.

    Attributes:
        view: the release; asked anew for each request, so that a new one is picked up.
        ledger: where events are kept.
        judge: grades beside the deterministic engine; none by default.
        submissions: where texts are kept, to be graded again; by default they are not.
        clock: the time.
        memory: what was worked out before.
    """

    view: Callable[[], ReleaseView]
    ledger: Ledger
    judge: Judge | None = None
    submissions: Submissions | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    memory: Memory = field(default_factory=Memory, repr=False)

    def assess(self, profile: LearnerProfile, key: str) -> Assessment:
        """Take an intake: where the learner stands, and what is known of their work.

        Raises:
            SyntheticOnly: a real person's, while the boundary real_user_data is closed.
        """
        view = self.view()
        if not profile.is_synthetic:
            standing = view.boundaries.standing(Domain.REAL_USER_DATA, self.clock())
            if not standing.is_open:
                raise SyntheticOnly(
                    expected="a synthetic learner: the boundary real_user_data is closed"
                    f" ({standing.reason})",
                    found="is_synthetic: false",
                    where="LearnerProfile",
                    remedy="use synthetic learners until decisions open the boundary",
                )
        # Proof comes from the ledger, never from the intake.
        mastered = tuple(sorted(self._course(profile.learner_id).state.mastered))
        profile = profile.model_copy(update={"evidence": mastered})
        made = self._assessment(view, profile)
        make = partial(self._event, profile.learner_id, actor=Actor.LEARNER, key=key)
        self._record(
            [
                make(EventType.ASSESSMENT_STARTED),
                make(
                    EventType.ASSESSMENT_COMPLETED,
                    packet_id=made.packet.packet_id,
                    scores={
                        "readiness": made.readiness.score,
                        "level": float(made.readiness.level),
                    },
                    payload={
                        "profile": profile.model_dump(mode="json"),
                        "readiness": made.readiness.model_dump(mode="json"),
                    },
                ),
            ]
        )
        return made

    def plan(self, learner_id: str, key: str) -> PersonalizationDecision:
        """The next steps, and the events that made them differ from the last plan.

        Raises:
            LearnerUnknown: never assessed.
        """
        view = self.view()
        decision = self._decide(view, learner_id)
        event = self._event(
            learner_id,
            EventType.CURRICULUM_PLAN_CREATED,
            Actor.PLANNER,
            key,
            packet_id=decision.packet_id,
            artifact_refs=(f"decision:{decision.decision_id}",),
            scores={"confidence": decision.confidence},
            payload={"decision": decision.model_dump(mode="json")},
        )
        (recorded,) = self._record([event])
        if recorded.event.artifact_refs == event.artifact_refs:
            return decision
        return PersonalizationDecision.model_validate(recorded.event.payload["decision"])

    def packet(self, learner_id: str) -> CurriculumInputPacket:
        """What a plan for the learner would be made of now.

        Raises:
            LearnerUnknown: never assessed.
        """
        return self._assessment(self.view(), self._profile(self.state(learner_id))).packet

    def note(
        self,
        learner_id: str,
        event_type: EventType,
        key: str,
        module_id: str | None = None,
        **payload: JsonValue,
    ) -> RecordedEvent:
        """Record what a learner did: a module shown, a lesson begun, an answer changed.

        Raises:
            LearnerUnknown: never assessed.
            ModuleUnknown: of a module that the release does not have.
        """
        self.state(learner_id)
        if module_id is not None:
            self._module(self.view(), module_id)
        event = self._event(
            learner_id, event_type, Actor.LEARNER, key, module_id=module_id, payload=payload
        )
        return self._record([event])[0]

    def submit(self, learner_id: str, module_id: str, text: str, key: str) -> EvaluationResult:
        """Grade a submission and record what it proves; the text itself is no part of an event.

        Raises:
            LearnerUnknown: never assessed.
            ModuleUnknown: of a module that the release does not have.
            IdempotencyConflict: the key was used for another submission.
        """
        view = self.view()
        module = self._module(view, module_id)
        state = self.state(learner_id)
        result = evaluate(
            module,
            text,
            view.practice,
            answer_was_shown=module_id in state.answers_shown,
            judge=self.judge,
        )
        submitted: dict[str, JsonValue] = {"submission_digest": result.submission_digest}
        # A text with something unsafe in it is not kept either.
        kept: tuple[str, ...] = ()
        if self.submissions is not None and result.outcome is not Outcome.UNSAFE:
            kept = (self.submissions.keep(result.submission_digest, text),)
        make = partial(self._event, learner_id, key=key, module_id=module_id)
        handed_in = make(
            EventType.PRACTICE_SUBMITTED, Actor.LEARNER, artifact_refs=kept, payload=submitted
        )
        recorded = self._record([handed_in, *self._graded(learner_id, module_id, result, key)])
        # Asked again with the same key, what was found then stands, whatever the rules say now.
        return EvaluationResult.model_validate(recorded[1].event.payload["evaluation"])

    def grade_again(
        self, learner_id: str, module_id: str, text: str, submission: Submission
    ) -> EvaluationResult:
        """Grade what was handed in before by the module as it is now."""
        view = self.view()
        result = evaluate(
            self._module(view, module_id),
            text,
            view.practice,
            # As it was when the text was handed in: what was shown later takes nothing away.
            answer_was_shown=submission.is_after_answer,
            judge=self.judge,
        )
        key = f"regrade:{submission.digest[:32]}:{submission.evaluated_at}"
        self._record(self._graded(learner_id, module_id, result, key))
        return result

    def _graded(
        self, learner_id: str, module_id: str, result: EvaluationResult, key: str
    ) -> list[LearnerEvent]:
        """The events of an evaluation: what was found, and the gate it opens or shuts."""
        submitted: dict[str, JsonValue] = {"submission_digest": result.submission_digest}
        refs = (f"evaluation:{result.evaluation_id}",)
        points = {"points": result.points, "points_possible": result.points_possible}
        is_proof = result.outcome is Outcome.PASS and result.counts_for_mastery
        gate = EventType.MASTERY_GATE_PASSED if is_proof else EventType.MASTERY_GATE_FAILED
        make = partial(self._event, learner_id, key=key, module_id=module_id)
        return [
            make(
                EventType.EVALUATOR_COMPLETED,
                Actor.EVALUATOR,
                artifact_refs=refs,
                scores={name: float(figure) for name, figure in points.items()},
                payload={"evaluation": result.model_dump(mode="json")},
            ),
            make(gate, Actor.EVALUATOR, artifact_refs=refs, payload=submitted),
        ]

    def state(self, learner_id: str, until: int | datetime | None = None) -> LearnerState:
        """What the ledger says of a learner, now or at a moment.

        Raises:
            LearnerUnknown: never assessed by then.
        """
        if until is not None:
            return state_of(self.ledger, learner_id, until)
        found = self._course(learner_id).state
        self._profile(found)
        return found

    def _course(self, learner_id: str) -> _Course:
        """The learner's events until now; those known before are not read again."""
        course = self.memory.courses.get(learner_id)
        if course is None:
            course = _Course(LearnerState(learner_id=learner_id))
        for recorded in self.ledger.events(learner_id, after_position=course.state.last_position):
            course = course.after(recorded)
        if course.state.event_count:
            self.memory.courses.put(learner_id, course)
        return course

    def _decide(self, view: ReleaseView, learner_id: str) -> PersonalizationDecision:
        """The plan after every event, and which of those since the last plan changed it."""
        course = self._course(learner_id)
        changed: list[str] = []
        if course.waiting and course.planned is not None and course.planned[0].profile is not None:
            planned, known = course.planned
            path = self._plan_of(view, planned, course.basis[:known]).chosen_path
            for then, known in course.waiting:
                after = self._plan_of(view, then, course.basis[:known]).chosen_path
                if after != path:
                    changed.append(course.basis[known - 1])
                    path = after
        return self._plan_of(view, course.state, course.basis, tuple(changed))

    def _plan_of(
        self,
        view: ReleaseView,
        state: LearnerState,
        basis: tuple[str, ...],
        changed: tuple[str, ...] = (),
    ) -> PersonalizationDecision:
        packet = self._assessment(view, self._profile(state)).packet
        failed = frozenset(
            name
            for name, result in state.evaluations.items()
            if result.outcome is not Outcome.PASS and name not in state.mastered
        )
        history = History(frozenset(state.mastered), failed, basis)
        given = (packet.packet_id, history, changed)
        kept = self.memory.plans.get(state.learner_id)
        if kept is not None and kept[0] == given:
            return kept[1]
        decision = decide(packet, view.rules, history, changed)
        self.memory.plans.put(state.learner_id, (given, decision))
        return decision

    def _assessment(self, view: ReleaseView, profile: LearnerProfile) -> Assessment:
        given = (view.release_id, profile)
        kept = self.memory.assessments.get(given)
        if kept is not None:
            return kept
        readiness = readiness_of(profile, view.level_of, view.rules)
        resolved = resolve(profile.role_title, profile.status, view.route, view.module_rows)
        material = view.material(resolved.role_id) if resolved.role_id is not None else None
        route = RouteFinding(
            resolved.role_family,
            str(resolved.tier),
            resolved.confidence,
            tuple(resolved.routed["reasons"]),
            resolved.path,
        )
        packet = curriculum_input(
            view.release_id, profile, readiness, route, material, view.module_rows
        )
        made = Assessment(readiness, packet)
        self.memory.assessments.put(given, made)
        return made

    def _profile(self, state: LearnerState) -> LearnerProfile:
        if state.profile is None:
            raise _unknown(state.learner_id)
        return state.profile

    def _module(self, view: ReleaseView, module_id: str) -> CurriculumModule:
        module = view.modules.get(module_id)
        if module is None:
            raise ModuleUnknown(
                expected="a module of the current release",
                found=module_id,
                where=f"release {view.release_id}",
                remedy="take a module of the learner's plan",
            )
        return module

    def _event(
        self, learner_id: str, event_type: EventType, actor: Actor, key: str, **fields: Any
    ) -> LearnerEvent:
        # Passed or failed, it is the same gate: a request can close it only once.
        own_key = f"{key}:{_GATE if event_type in _GATES else event_type}"
        return LearnerEvent(
            event_id=digest_of_json([learner_id, own_key])[:32],
            event_type=event_type,
            actor=actor,
            learner_id=learner_id,
            idempotency_key=own_key,
            occurred_at=self.clock(),
            **fields,
        )

    def _record(self, events: Sequence[LearnerEvent]) -> list[RecordedEvent]:
        """A learner's events as recorded, in one transaction; those under known keys as then.

        Raises:
            IdempotencyConflict: a key was used for something else.
        """
        try:
            return self.ledger.append_many(events)
        except IdempotencyConflict:
            pass  # Made at another time, the same request is another event.
        before = [self.ledger.find(event.learner_id, event.idempotency_key) for event in events]
        for event, recorded in zip(events, before, strict=True):
            if recorded is not None:
                _require_same(event, recorded.event)
        missing = [event for event, old in zip(events, before, strict=True) if old is None]
        new = iter(self.ledger.append_many(missing))
        return [old if old is not None else next(new) for old in before]


def state_of(ledger: Ledger, learner_id: str, until: int | datetime | None = None) -> LearnerState:
    """What ``ledger`` says of a learner, now or at a moment: the replay of their events.

    Raises:
        LearnerUnknown: never assessed by then.
    """
    found = _folded(ledger, learner_id, until)
    if found.profile is None:
        raise _unknown(learner_id)
    return found


def _folded(ledger: Ledger, learner_id: str, until: int | datetime | None) -> LearnerState:
    state = LearnerState(learner_id=learner_id)
    for recorded in ledger.events(learner_id, until=until):
        state = fold(state, recorded)
    return state


_BROUGHT = ("submission_digest", "answer_shown", "confidence", "goals", "tools")


def _asked(event: LearnerEvent) -> dict[str, Any]:
    """What a request brought along; the rest of a payload is what it came to."""
    profile = event.payload.get("profile")
    said = dict(profile) if isinstance(profile, dict) else {}
    said.pop("evidence", None)  # From the ledger, not from the request.
    return {"profile": said} | {name: event.payload.get(name) for name in _BROUGHT}


def _require_same(event: LearnerEvent, before: LearnerEvent) -> None:
    now, then = _asked(event), _asked(before)
    if event.module_id != before.module_id or now != then:
        raise IdempotencyConflict(
            expected=f"the request that made event {before.event_id}, again",
            found="another one",
            where=f"idempotency key {event.idempotency_key!r}",
            remedy="give each request a key of its own",
        )


def _unknown(learner_id: str) -> LearnerUnknown:
    return LearnerUnknown(
        expected="a learner who was assessed",
        found="no assessment in the ledger",
        where=f"learner {learner_id}",
        remedy="assess the learner first",
    )
