"""The evaluator: a module's rubric applied to a submission.

Belongs here: from what checks, detectors and a judge found to points, gates, outcome and feedback.
Stays out: what counts and what a check finds (``checks``), what must not be there (``detectors``).

===========  =====================================================================================
outcome      when
===========  =====================================================================================
``unsafe``   an unsafe condition fires; nothing is graded, no judge sees the text
``fail``     else: a fail condition fires, or fewer than half of the points to pass
``pass``     else: enough points, and every pass gate's criteria in full
``partial``  else
===========  =====================================================================================

The same submission, module, rules and judge's answers give the same result, byte by byte. Nothing
of the submission's text is in a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from aina_assets.contracts.curriculum import (
    Check,
    Criterion,
    CurriculumModule,
    FailCondition,
    UnsafeCondition,
)
from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.practice import (
    CheckFinding,
    CriterionScore,
    EvaluationResult,
    EvaluatorProvenance,
    NextStep,
    Outcome,
)
from aina_assets.practice.checks import Counted, Counting, finding
from aina_assets.practice.detectors import detected, readable, require_detectors
from aina_assets.practice.judge import Judge, JudgedPoints
from aina_assets.practice.policy import EvaluationRules, PracticeRules
from aina_assets.practice.submission import Section, Submission, parse, words_of
from aina_assets.warehouse.digests import digest_of_json

ENGINE = "aina-practice 1"
"""Name and version: raised with every change that can change a result."""
DETERMINISTIC = "deterministic"

_REASON_LETTERS = 300
_QUOTED_WORDS = 5


def evaluate(
    module: CurriculumModule,
    submission: str,
    rules: PracticeRules,
    *,
    answer_was_shown: bool = False,
    judge: Judge | None = None,
) -> EvaluationResult:
    """What ``submission`` proves by the rubric of ``module``.

    Args:
        module: what was asked.
        submission: Markdown; any string.
        rules: what counts.
        answer_was_shown: whether the learner had seen a solution; it then proves nothing.
        judge: a second reader, who can lower points.

    Raises:
        AinaError: the submission is larger than the rules allow.
        AuthoredDocumentError: the module names a detector that does not exist.
    """
    _require_size(submission, rules.evaluation)
    require_detectors(
        {name for condition in module.rubric.unsafe_conditions for name in condition.detectors},
        rules.evaluation.detectors,
        where=f"module {module.id}, unsafe_conditions",
    )
    counting = Counting(module, rules.evaluation)
    handed_in = parse(submission, module.exercise.sections)
    unsafe = _unsafe(module, handed_in, counting, rules.evaluation)
    if unsafe:
        graded = _Graded(unsafe_conditions=tuple(dict.fromkeys(item.condition for item in unsafe)))
        told = _told_unsafe(unsafe)
    else:
        graded = _graded(module, handed_in, counting, rules.evaluation, judge)
        told = _told(module, graded, answer_was_shown=answer_was_shown)
    outcome = _outcome(module, graded)
    provenance = _provenance(module, rules.evaluation, judge, graded)
    submission_digest = _digest_of_text(submission)
    identity = [
        *(module.id, digest_of_json(module.model_dump(mode="json"))),
        *(submission_digest, answer_was_shown, provenance.engine, provenance.judge_model),
        [[score.criterion_id, score.points, score.grader] for score in graded.scores],
        list(graded.unanswered),
    ]
    return EvaluationResult(
        evaluation_id=digest_of_json(identity),
        submission_digest=submission_digest,
        module_id=module.id,
        outcome=outcome,
        points=graded.points,
        points_possible=module.rubric.points,
        points_to_pass=module.rubric.points_to_pass,
        scores=graded.scores,
        passed_gates=graded.passed_gates,
        failed_gates=graded.failed_gates,
        fail_conditions=tuple(item.condition.id for item in graded.failures),
        unsafe_conditions=graded.unsafe_conditions,
        feedback=told,
        next_recommendation=_next(outcome, answer_was_shown=answer_was_shown),
        counts_for_mastery=outcome is Outcome.PASS and not answer_was_shown,
        provenance=provenance,
    )


def _require_size(submission: str, rules: EvaluationRules) -> None:
    size = len(submission.encode("utf-8", "surrogatepass"))
    if size > rules.submission_max_bytes:
        raise AinaError(
            expected=f"at most {rules.submission_max_bytes:,} bytes of text",
            found=f"{size:,} bytes",
            where="submission",
            remedy="hand in the sections that the exercise asks for, and link to what is longer",
        )


def _digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# -------------------------------------------------------------------------------------- unsafe text


@dataclass(frozen=True)
class _Found:
    """Text that must go: by which condition, of what kind, where."""

    condition: str
    what: str
    place: str


def _unsafe(
    module: CurriculumModule, handed_in: Submission, counting: Counting, rules: EvaluationRules
) -> list[_Found]:
    parts = [(part, readable(part.source)) for part in handed_in.parts() if part.source]
    found = []
    for condition in module.rubric.unsafe_conditions:
        for part, text in parts:
            place = "before the first section" if part.name is None else f"in '{part.name}'"
            found += [
                _Found(condition.id, f"what looks like {rules.detectors[name].label}", place)
                for name in detected(condition.detectors, text)
            ]
            if _says(condition, part, text, counting):
                what = f"the wording that this exercise rules out ({condition.text.rstrip('.')})"
                found.append(_Found(condition.id, what, place))
    return found


def _says(condition: UnsafeCondition, part: Section, text: str, counting: Counting) -> bool:
    """Whether one of the terms stands in a part, sentences of the module itself left aside."""
    terms = {words for term in condition.terms if (words := words_of(term))}
    if not terms:
        return False
    said = _spelled(words_of(text))
    for own in sorted(set(counting.copied_words(part)), key=len, reverse=True):
        said = said.replace(_spelled(own), " | ")
    return any(_spelled(term) in said for term in terms)


def _spelled(words: Sequence[str]) -> str:
    # A blank on both sides of every word: neighbours do not share one.
    return f" {'  '.join(words)} "


def _told_unsafe(found: Sequence[_Found]) -> tuple[str, ...]:
    places: dict[str, list[str]] = {}
    for item in found:
        places.setdefault(item.what, []).append(item.place)
    return tuple(
        f"Remove {what}: {' and '.join(dict.fromkeys(where))}. Then hand in again; nothing was"
        " graded."
        for what, where in places.items()
    )


# ------------------------------------------------------------------------------------------- points


@dataclass(frozen=True)
class _Failure:
    condition: FailCondition
    checks: tuple[CheckFinding, ...]


@dataclass(frozen=True)
class _Graded:
    """What grading gave.

    Attributes:
        reasons: why a judge gave fewer points, by criterion.
        unanswered: criteria for which the judge had no answer.
    """

    scores: tuple[CriterionScore, ...] = ()
    passed_gates: tuple[str, ...] = ()
    failed_gates: tuple[str, ...] = ()
    failures: tuple[_Failure, ...] = ()
    unsafe_conditions: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        return sum(score.points for score in self.scores)


def _graded(
    module: CurriculumModule,
    handed_in: Submission,
    counting: Counting,
    rules: EvaluationRules,
    judge: Judge | None,
) -> _Graded:
    counted = {
        name.casefold(): counting.counted(handed_in, name) for name in module.exercise.sections
    }
    scores: list[CriterionScore] = []
    reasons: list[tuple[str, str]] = []
    unanswered: list[str] = []
    for criterion in module.rubric.criteria:
        score = _score(criterion, counted, rules)
        if judge is not None and score.points:
            answer = _asked(judge, criterion, handed_in)
            if answer is None:
                unanswered.append(criterion.id)
            elif answer.points < score.points:
                changes = {"points": answer.points, "grader": f"judge:{judge.model}"}
                score = score.model_copy(update=changes)
                reasons.append((criterion.id, _safe_reason(answer.reason, handed_in, rules)))
        scores.append(score)
    full = {score.criterion_id for score in scores if score.points == score.points_possible}
    gates = {gate.id: set(gate.criteria) <= full for gate in module.rubric.pass_gates}
    failures = []
    for condition in module.rubric.fail_conditions:
        findings = _findings(condition.unless, counted, rules)
        if not any(item.holds for item in findings):
            failures.append(_Failure(condition, findings))
    return _Graded(
        scores=tuple(scores),
        passed_gates=tuple(name for name, is_open in gates.items() if is_open),
        failed_gates=tuple(name for name, is_open in gates.items() if not is_open),
        failures=tuple(failures),
        reasons=tuple(reasons),
        unanswered=tuple(unanswered),
    )


def _score(
    criterion: Criterion, counted: Mapping[str, Counted], rules: EvaluationRules
) -> CriterionScore:
    findings = _findings(criterion.checks, counted, rules)
    held = sum(item.holds for item in findings)
    return CriterionScore(
        criterion_id=criterion.id,
        points=criterion.points * held // len(findings),
        points_possible=criterion.points,
        checks=findings,
        grader=DETERMINISTIC,
    )


def _findings(
    checks: Iterable[Check], counted: Mapping[str, Counted], rules: EvaluationRules
) -> tuple[CheckFinding, ...]:
    return tuple(finding(check, counted[check.section.casefold()], rules) for check in checks)


def _asked(judge: Judge, criterion: Criterion, handed_in: Submission) -> JudgedPoints | None:
    names = dict.fromkeys(check.section for check in criterion.checks)
    try:
        return judge.grade(criterion, {name: handed_in.section(name).source for name in names})
    except Exception:
        # Whatever a judge fails with, the deterministic points stand; provenance says so.
        return None


def _safe_reason(reason: str, handed_in: Submission, rules: EvaluationRules) -> str:
    """A judge's reason, where it quotes nothing of the submission; else empty."""
    reason = " ".join(reason.split())
    words = words_of(reason)
    if not words or len(reason) > _REASON_LETTERS or detected(rules.detectors, readable(reason)):
        return ""
    said = _spelled(words_of("\n".join(part.source for part in handed_in.parts())))
    runs = (words[at : at + _QUOTED_WORDS] for at in range(len(words) - _QUOTED_WORDS + 1))
    return "" if any(_spelled(run) in said for run in runs) else reason


# ----------------------------------------------------------------------------- outcome and feedback


def _outcome(module: CurriculumModule, graded: _Graded) -> Outcome:
    if graded.unsafe_conditions:
        return Outcome.UNSAFE
    to_pass = module.rubric.points_to_pass
    if graded.failures or 2 * graded.points < to_pass:
        return Outcome.FAIL
    if graded.points >= to_pass and not graded.failed_gates:
        return Outcome.PASS
    return Outcome.PARTIAL


def _next(outcome: Outcome, *, answer_was_shown: bool) -> NextStep:
    match outcome:
        case Outcome.PASS:
            return NextStep.REDO if answer_was_shown else NextStep.ADVANCE
        case Outcome.PARTIAL:
            return NextStep.REVISE
        case Outcome.FAIL:
            return NextStep.REDO
        case Outcome.UNSAFE:
            return NextStep.REMOVE_UNSAFE_TEXT
        case _:
            assert_never(outcome)


# What to do where a check of that kind does not hold.
_TO_DO = {
    "section": "write what is missing",
    "items": "list what is missing, one a line",
    "table": "fill the table, every cell of every row",
    "figures": "say how much, how many or when",
    "references": "name what you opened, as a link or in backticks",
    "terms": "say which of these it was",
}


def _told(module: CurriculumModule, graded: _Graded, *, answer_was_shown: bool) -> tuple[str, ...]:
    reasons = dict(graded.reasons)
    told = [_told_failure(item) for item in graded.failures]
    for criterion, score in zip(module.rubric.criteria, graded.scores, strict=True):
        if score.points < score.points_possible:
            told.append(_told_score(criterion, score, reasons.get(criterion.id)))
    if not told:
        told.append(f"Every criterion is met in full: {graded.points} points.")
    if answer_was_shown:
        told.append(
            "The answer was shown before: this does not count as mastered. Do the exercise again on"
            " another piece of your own work."
        )
    return tuple(told)


def _told_failure(failure: _Failure) -> str:
    unmet = "; or ".join(_unmet(item) for item in failure.checks)
    return f"{failure.condition.text} Whatever the points, this fails until there is {unmet}."


def _told_score(criterion: Criterion, score: CriterionScore, reason: str | None) -> str:
    lead = f"{criterion.id.replace('_', ' ').capitalize()}, {score.points} of"
    lead += f" {score.points_possible} points: "
    unmet = [item for item in score.checks if not item.holds]
    parts = []
    if unmet:
        to_do = " and ".join(dict.fromkeys(_TO_DO[item.kind] for item in unmet))
        parts.append(f"expected {'; and '.join(_unmet(item) for item in unmet)}. Next: {to_do}.")
    if reason is not None:
        parts.append(f"a second reader found it met in part{f': {reason}' if reason else '.'}")
    return f"{lead}{' '.join(parts)} What a reader looks for: {criterion.observable}"


def _unmet(item: CheckFinding) -> str:
    return f"{item.expected} (found: {item.found})"


# --------------------------------------------------------------------------------------- provenance


def _provenance(
    module: CurriculumModule, rules: EvaluationRules, judge: Judge | None, graded: _Graded
) -> EvaluatorProvenance:
    limits = rules.limits.strip()
    if graded.unsafe_conditions:
        limits += " Nothing was graded: the submission holds text that must not be in one."
    elif graded.unanswered:
        limits += (
            f" The judge gave no answer on {', '.join(graded.unanswered)}; there the deterministic"
            " points stand."
        )
    return EvaluatorProvenance(
        engine=f"{ENGINE}, rules {rules.digest[:16]}",
        judge_model=None if judge is None else judge.model,
        rubric_digest=digest_of_json(module.rubric.model_dump(mode="json")),
        limits=limits,
    )
