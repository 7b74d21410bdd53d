"""What events amount to: a learner's state, folded from the ledger and from nothing else.

Belongs here: the fold, and what it reads in an event's payload. It is pure, so the state at any
moment is the replay until that moment, and a rule that is corrected here is corrected for the past
too. Stays out: where events are kept (``ledger``), what to do next (the planner).

Mastery is proven by a submission, not by a module's last event: a submission proves its module
while the latest verdict of its gate is a pass, its latest evaluation is one too, and the module's
answer had not been shown when it was handed in. A worse one later on changes nothing about that; a
re-grade of the same one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from aina_assets.contracts.curriculum import ModuleId
from aina_assets.contracts.errors import LedgerError
from aina_assets.contracts.learner import (
    EventType,
    Goal,
    LearnerId,
    LearnerProfile,
    PersonalizationDecision,
    RecordedEvent,
    ShortText,
)
from aina_assets.contracts.practice import Digest, EvaluationResult, Outcome
from aina_assets.contracts.work import Contract, Count

EVALUATION_REF = "evaluation:"
"""How an artifact reference begins that names an evaluation."""


class Proof(Contract):
    """The event by which a module counts as mastered.

    Attributes:
        position: of that event.
    """

    event_id: Digest
    position: Count
    submission_digest: Digest


class Submission(Contract):
    """One handing-in of a text, and how it stands.

    Attributes:
        digest: of the text; handed in twice, it is two submissions.
        position: where it was handed in; where it was first evaluated, if that is all there is.
        is_after_answer: the module's answer had been shown before that.
        evaluation_id: of the latest evaluation, which supersedes those before it.
        evaluated_at: position of that one; 0 before the first.
        is_passing: that one is a pass that may count for mastery.
        passed_by: the event that passed its mastery gate; null where the latest verdict is no pass.
        passed_at: position of that event.
    """

    digest: Digest
    position: Count
    is_after_answer: bool
    evaluation_id: Digest | None = None
    evaluated_at: Count = 0
    is_passing: bool = False
    passed_by: Digest | None = None
    passed_at: Count = 0

    @property
    def proof(self) -> Proof | None:
        """The proof that it is, if any."""
        is_refuted = self.evaluation_id is not None and not self.is_passing
        if self.passed_by is None or self.is_after_answer or is_refuted:
            return None
        return Proof(
            event_id=self.passed_by, position=self.passed_at, submission_digest=self.digest
        )


class LearnerState(Contract):
    """A learner, as of the last event that was folded in.

    Attributes:
        profile: of the last assessment, with what was changed since. Its evidence is ``mastered``,
            whatever an assessment claims.
        readiness: of the last assessment, as it was recorded.
        mastered: modules, each with its earliest proof that stands.
        attempts: how often something was handed in, by module.
        answers_shown: position at which the answer was first shown, by module.
        exposures: how often it was shown, by module.
        evaluations: by module, of the latest submission that was evaluated, its latest evaluation.
        submissions: by module, in the order of their positions.
        last_position: of the last event, in the ledger.
    """

    learner_id: LearnerId
    profile: LearnerProfile | None = None
    readiness: JsonValue = None
    mastered: dict[ModuleId, Proof] = Field(default_factory=dict)
    attempts: dict[ModuleId, int] = Field(default_factory=dict)
    answers_shown: dict[ModuleId, int] = Field(default_factory=dict)
    exposures: dict[ModuleId, int] = Field(default_factory=dict)
    last_decision_id: Digest | None = None
    evaluations: dict[ModuleId, EvaluationResult] = Field(default_factory=dict)
    submissions: dict[ModuleId, tuple[Submission, ...]] = Field(default_factory=dict)
    event_count: Count = 0
    last_position: Count = 0


def replay(events: Iterable[RecordedEvent]) -> dict[LearnerId, LearnerState]:
    """The state of every learner who occurs in ``events``, which are in order of position.

    Raises:
        LedgerError: as ``fold``.
    """
    states: dict[LearnerId, LearnerState] = {}
    for recorded in events:
        learner = recorded.event.learner_id
        state = states.get(learner) or LearnerState(learner_id=learner)
        states[learner] = fold(state, recorded)
    return states


def fold(state: LearnerState, recorded: RecordedEvent) -> LearnerState:
    """``state`` after one more event.

    Changes to a profile before the first assessment find none, and are as good as not made.

    Raises:
        LedgerError: the payload is not what its event type says, or the event is another learner's
            or not later than the last one.
    """
    event = recorded.event
    if event.learner_id != state.learner_id or recorded.position <= state.last_position:
        raise LedgerError(
            expected=f"a later event than {state.last_position} of learner {state.learner_id}",
            found=f"one of learner {event.learner_id}",
            where=_place(recorded),
            remedy="fold each learner's events in order of position, each once",
        )
    read = _READERS.get(event.event_type)
    changes = read(state, recorded) if read is not None else {}
    changes["event_count"] = state.event_count + 1
    changes["last_position"] = recorded.position
    profile = changes.get("profile", state.profile)
    if profile is not None:
        evidence = tuple(changes.get("mastered", state.mastered))
        if profile.evidence != evidence:
            changes["profile"] = profile.model_copy(update={"evidence": evidence})
    return state.model_copy(update=changes)


class _Payload(BaseModel):
    """What replay needs of a payload; it may hold more."""

    model_config = ConfigDict(frozen=True)


class _Assessed(_Payload):
    profile: LearnerProfile
    readiness: JsonValue = None


class _Confidence(_Payload):
    confidence: Annotated[int, Field(ge=1, le=5)]


class _Goals(_Payload):
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]


class _Tools(_Payload):
    tools: Annotated[tuple[ShortText, ...], Field(max_length=30)]


class _Planned(_Payload):
    decision: PersonalizationDecision


class _Exposed(_Payload):
    answer_shown: bool = False


class _Submitted(_Payload):
    submission_digest: Digest


class _Evaluated(_Payload):
    evaluation: EvaluationResult


_Changes = dict[str, Any]
_P = TypeVar("_P", bound=_Payload)


def _assessed(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    said = _payload(_Assessed, recorded)
    _require_equal(recorded, "profile.learner_id", said.profile.learner_id, state.learner_id)
    return {"profile": said.profile, "readiness": said.readiness}


def _profile_changed(kind: type[_Payload]) -> Callable[[LearnerState, RecordedEvent], _Changes]:
    def read(state: LearnerState, recorded: RecordedEvent) -> _Changes:
        said = dict(_payload(kind, recorded))
        return {"profile": state.profile.model_copy(update=said)} if state.profile else {}

    return read


def _planned(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    decision = _payload(_Planned, recorded).decision
    _require_equal(recorded, "decision.learner_id", decision.learner_id, state.learner_id)
    return {"last_decision_id": decision.decision_id}


def _exposed(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    module = _module(recorded)
    changes: _Changes = {"exposures": _counted(state.exposures, module)}
    if _payload(_Exposed, recorded).answer_shown and module not in state.answers_shown:
        changes["answers_shown"] = {**state.answers_shown, module: recorded.position}
    return changes


def _submitted(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    module = _module(recorded)
    submission = _handed_in(
        state, recorded, module, _payload(_Submitted, recorded).submission_digest
    )
    return {
        "attempts": _counted(state.attempts, module),
        **_settled(state, module, [submission]),
    }


def _evaluated(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    evaluation = _payload(_Evaluated, recorded).evaluation
    module = evaluation.module_id
    if recorded.event.module_id is not None:
        _require_equal(recorded, "evaluation.module_id", module, recorded.event.module_id)
    result = {
        "evaluation_id": evaluation.evaluation_id,
        "evaluated_at": recorded.position,
        "is_passing": evaluation.outcome is Outcome.PASS and evaluation.counts_for_mastery,
    }
    subjects = [
        each.model_copy(update=result)
        for each in _subjects(state, recorded, module, evaluation.submission_digest)
    ]
    changes = _settled(state, module, subjects)
    latest = [each for each in changes["submissions"][module] if each.evaluation_id is not None][-1]
    if latest.evaluated_at == recorded.position:
        changes["evaluations"] = {**state.evaluations, module: evaluation}
    return changes


def _subjects(
    state: LearnerState, recorded: RecordedEvent, module: ModuleId, digest: Digest
) -> list[Submission]:
    """The submissions of one text that an evaluation is of.

    The first that waits for one. Where none does it is a re-grade, of all of them.
    """
    same = [each for each in state.submissions.get(module, ()) if each.digest == digest]
    waiting = [each for each in same if each.evaluation_id is None]
    return waiting[:1] or same or [_handed_in(state, recorded, module, digest)]


def _gate_passed(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    return _judged(
        state, recorded, {"passed_by": recorded.event.event_id, "passed_at": recorded.position}
    )


def _gate_failed(state: LearnerState, recorded: RecordedEvent) -> _Changes:
    return _judged(state, recorded, {"passed_by": None, "passed_at": 0})


def _judged(state: LearnerState, recorded: RecordedEvent, verdict: _Changes) -> _Changes:
    module = _module(recorded)
    graded = _graded(state, recorded, module)
    judged = [each.model_copy(update=verdict) for each in graded]
    return _settled(state, module, judged) if judged else {}


def _graded(state: LearnerState, recorded: RecordedEvent, module: ModuleId) -> list[Submission]:
    """The submissions that a gate is about.

    Those of the evaluation that the event names, unless it was superseded; where it names none,
    those evaluated last; where none was, the one handed in last. A verdict on nothing says nothing.
    """
    named = {
        ref.removeprefix(EVALUATION_REF)
        for ref in recorded.event.artifact_refs
        if ref.startswith(EVALUATION_REF)
    }
    candidates = [
        each
        for each in state.submissions.get(module, ())
        if not named or each.evaluation_id in named
    ]
    evaluated_at = max((each.evaluated_at for each in candidates), default=0)
    if not evaluated_at:
        return candidates[-1:]
    return [each for each in candidates if each.evaluated_at == evaluated_at]


def _handed_in(
    state: LearnerState, recorded: RecordedEvent, module: ModuleId, digest: Digest
) -> Submission:
    return Submission(
        digest=digest,
        position=recorded.position,
        is_after_answer=module in state.answers_shown,
    )


def _settled(state: LearnerState, module: ModuleId, changed: Iterable[Submission]) -> _Changes:
    """Submissions with these as they are now, and what is mastered by them."""
    known = {each.position: each for each in state.submissions.get(module, ())}
    known |= {each.position: each for each in changed}
    mastered = {name: proof for name, proof in state.mastered.items() if name != module}
    proofs = [each.proof for each in known.values() if each.proof is not None]
    if proofs:
        mastered[module] = min(proofs, key=lambda proof: proof.position)
    return {
        "submissions": {**state.submissions, module: tuple(known.values())},
        "mastered": dict(sorted(mastered.items())),
    }


def _counted(counts: dict[ModuleId, int], module: ModuleId) -> dict[ModuleId, int]:
    return {**counts, module: counts.get(module, 0) + 1}


def _payload(kind: type[_P], recorded: RecordedEvent) -> _P:
    try:
        return kind.model_validate(recorded.event.payload)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        # Not from the error: it quotes what the payload says.
        raise _malformed(recorded, f"payload.{place}", fault["msg"]) from None


def _module(recorded: RecordedEvent) -> ModuleId:
    if recorded.event.module_id is None:
        raise _malformed(recorded, "module_id", "none")
    return recorded.event.module_id


def _require_equal(recorded: RecordedEvent, name: str, found: str, expected: str) -> None:
    if found != expected:
        raise _malformed(recorded, f"payload.{name}", f"{found!r}, not {expected!r}")


def _malformed(recorded: RecordedEvent, name: str, found: str) -> LedgerError:
    return LedgerError(
        expected=f"{name} as an event {recorded.event.event_type} has it",
        found=found,
        where=_place(recorded),
        remedy="mend whatever records such events; up to there, replay until the position before",
    )


def _place(recorded: RecordedEvent) -> str:
    return f"position {recorded.position}, event {recorded.event.event_id}"


_READERS: dict[EventType, Callable[[LearnerState, RecordedEvent], _Changes]] = {
    EventType.ASSESSMENT_COMPLETED: _assessed,
    EventType.CONFIDENCE_UPDATED: _profile_changed(_Confidence),
    EventType.GOAL_UPDATED: _profile_changed(_Goals),
    EventType.TOOL_STACK_UPDATED: _profile_changed(_Tools),
    EventType.CURRICULUM_PLAN_CREATED: _planned,
    EventType.MODULE_EXPOSED: _exposed,
    EventType.PRACTICE_SUBMITTED: _submitted,
    EventType.EVALUATOR_COMPLETED: _evaluated,
    EventType.MASTERY_GATE_PASSED: _gate_passed,
    EventType.MASTERY_GATE_FAILED: _gate_failed,
}
