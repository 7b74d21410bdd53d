"""Practice of drafts: the deterministic evaluator on submissions made by rule from the draft.

Belongs here: turning a draft into something the evaluator can grade, the submissions, and whether
the rubric tells them apart. Stays out: grading (``practice``), what a learner would see
(``previews``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from aina_assets.contracts.curriculum import (
    Applies,
    Criterion,
    CurriculumModule,
    Exercise,
    FailCondition,
    GdpvalFit,
    Lesson,
    PassGate,
    ReferencesCheck,
    Rubric,
    SectionCheck,
    TermsCheck,
    UnsafeCondition,
)
from aina_assets.contracts.practice import EvaluationResult
from aina_assets.gdpval.drafts import Draft
from aina_assets.gdpval.policy import DraftPractice, GdpvalCohorts, PracticeCase
from aina_assets.gdpval.previews import shown
from aina_assets.gdpval.stages import next_stage
from aina_assets.gdpval.tables import Stage, State
from aina_assets.practice.evaluator import evaluate
from aina_assets.practice.policy import PracticeRules
from aina_assets.practice.submission import words_of
from aina_assets.warehouse.digests import digest_of_json

Row = Mapping[str, Any]

RESULT, SOURCES, REVIEW = "Result", "Sources", "Human review"

_ADMITTED = (State.ADMITTED, State.REDRAFT_ADMITTED)
_OTHERS = {
    State.CONFIRMATION_OPEN: State.SOURCE_FILE_REVIEW,
    State.REDRAFT_OPEN: State.SOURCE_FILE_REVIEW,
    State.HELD_OUT: State.HELD_OUT,
    State.PENDING: State.PENDING,
}


class NotPractisable(Exception):
    """Why no rubric can be made of a draft."""


def practised(
    model: type[Stage],
    upstream: pa.Table,
    rules: GdpvalCohorts,
    practice_rules: PracticeRules,
) -> pa.Table:
    """Rows of a ``Practised`` stage: what was admitted, with its synthetic cases.

    Args:
        model: the stage.
        upstream: rows of the stage that admits, with their drafts as they are then.
        rules: cases, and how a draft becomes a rubric.
        practice_rules: what counts in a submission.
    """

    def make(row: Row) -> dict[str, Any]:
        found = tried(row)
        return found | shown(found["state"], found["cases"], row["decision_ids"])

    def tried(row: Row) -> dict[str, Any]:
        nothing: dict[str, Any] = {
            "draft_digest": None,
            "cases": [],
            "case_count": 0,
            "matched_case_count": 0,
        }
        if row["state"] not in _ADMITTED:
            state = _OTHERS[State(row["state"])]
            return {"state": str(state), "reason": row["reason"], **nothing}
        made = Draft.model_validate_json(row["draft"])
        digest = digest_of_json(made.model_dump(mode="json"))
        try:
            cases = [case_row(*item) for item in cases_of(made, rules.practice, practice_rules)]
        except NotPractisable as why:
            return {**nothing, "state": str(State.FAILED), "reason": str(why)}
        wrong = [
            f"{case['case']} came out {case['outcome']}, not {case['expected']}"
            for case in cases
            if case["outcome"] != case["expected"]
        ]
        return {
            "draft_digest": digest,
            "cases": cases,
            "case_count": len(cases),
            "matched_case_count": len(cases) - len(wrong),
            "state": str(State.FAILED if wrong else State.PASSED),
            "reason": "; ".join(wrong) or f"the rubric tells all {len(cases)} cases apart",
        }

    return next_stage(model, upstream, make)


def cases_of(
    draft: Draft, rules: DraftPractice, practice_rules: PracticeRules
) -> Iterator[tuple[PracticeCase, EvaluationResult]]:
    """Every case with what came of it.

    Raises:
        NotPractisable: no rubric can be made of the draft.
    """
    module = module_of(draft, rules)
    for case in rules.cases:
        yield case, evaluate(module, submission(draft, case, rules), practice_rules)


def case_row(case: PracticeCase, result: EvaluationResult) -> dict[str, Any]:
    """A case as tables hold it."""
    return {
        "case": case.case,
        "expected": str(case.expects),
        "outcome": str(result.outcome),
        "points": result.points,
        "points_possible": result.points_possible,
        "points_to_pass": result.points_to_pass,
        "feedback": list(result.feedback),
        "next_step": str(result.next_recommendation),
        "evaluation_id": result.evaluation_id,
    }


# ------------------------------------------------------------------------------------- the rubric


def terms_of(draft: Draft, rules: DraftPractice) -> dict[str, tuple[str, ...]]:
    """Words by which each criterion is looked for: its own, or those that fewest others have.

    Raises:
        NotPractisable: a criterion has too few.
    """
    said = {item.criterion_id: _telling(item.text, rules) for item in draft.criteria}
    shared = Counter(word for words in said.values() for word in words)
    found = {}
    for name, words in said.items():
        ranked = sorted(words, key=lambda word: (shared[word], -len(word), word))
        own = sum(shared[word] == 1 for word in ranked)
        # A word of two criteria tells neither: it stands in only where there are too few others.
        most = min(max(own, rules.terms_needed), rules.terms_per_criterion)
        found[name] = tuple(ranked[:most])
        if len(found[name]) < rules.terms_needed:
            raise NotPractisable(f"criterion {name} has too few words that a check can look for")
    return found


def _telling(text: str, rules: DraftPractice) -> set[str]:
    return {
        word
        for word in words_of(text)
        if (len(word) > 3 or word.isdigit()) and word not in rules.common_words
    }


def module_of(draft: Draft, rules: DraftPractice) -> CurriculumModule:
    """The draft as a module that the evaluator grades by.

    Raises:
        NotPractisable: its criteria make no rubric.
    """
    terms = terms_of(draft, rules)
    criteria = [
        Criterion(
            id=item.criterion_id,
            points=item.points,
            observable=f"The result shows: {item.text}",
            checks=(
                TermsCheck(
                    kind="terms",
                    section=RESULT,
                    any_of=terms[item.criterion_id],
                    min_count=rules.terms_needed,
                ),
            ),
        )
        for item in draft.criteria
    ]
    criteria += [
        Criterion(
            id="sources",
            points=rules.sources_points,
            observable="The material that the result stands on is named as a file or link.",
            checks=(ReferencesCheck(kind="references", section=SOURCES, min_count=1),),
        ),
        Criterion(
            id="human_review",
            points=rules.review_points,
            observable="It is said what a person checked, and what that person decided.",
            checks=(SectionCheck(kind="section", section=REVIEW, min_words=rules.review_words),),
        ),
    ]
    total = sum(item.points for item in criteria)
    try:
        return CurriculumModule(
            id=f"gdpval_{digest_of_json(draft.task_id)[:16]}",
            family="gdpval_practice",
            level=1,
            title=f"{draft.occupation}: row {draft.source_row}",
            outcome="You can do this task on invented material and show each point of its rubric.",
            minutes=60,
            applies_to=Applies(is_general=True),
            sources=("gdpval",),
            gdpval=GdpvalFit(
                occupations=(draft.occupation,), rationale="It is drafted from that task."
            ),
            hitl_checkpoints=draft.checkpoints,
            lesson=Lesson(
                # What a module says itself is no answer when it is handed in again.
                explain="\n".join(f"- {item.text}" for item in draft.criteria),
                worked_example="None.",
                guided_try="None.",
                reflection="None.",
            ),
            exercise=Exercise(
                text="\n\n".join((draft.task, *draft.boundary)),
                deliverable=draft.deliverable,
                sections=(RESULT, SOURCES, REVIEW),
            ),
            rubric=Rubric(
                criteria=tuple(criteria),
                points_to_pass=math.ceil(rules.share_to_pass * total),
                pass_gates=(
                    PassGate(
                        id="reviewed",
                        text="Sources are named, and a person has checked the result.",
                        criteria=("sources", "human_review"),
                    ),
                ),
                fail_conditions=(
                    FailCondition(
                        id="no_result",
                        text="There is no result to look at.",
                        unless=(
                            SectionCheck(
                                kind="section", section=RESULT, min_words=rules.min_result_words
                            ),
                        ),
                    ),
                ),
                unsafe_conditions=(
                    UnsafeCondition(
                        id="leaves_the_exercise",
                        text="Something real was used, or left the exercise.",
                        detectors=rules.detectors,
                        terms=rules.unsafe_terms,
                    ),
                ),
            ),
        )
    except ValidationError as error:
        found = "; ".join(item["msg"] for item in error.errors())
        raise NotPractisable(f"its criteria make no rubric: {found}") from error


# -------------------------------------------------------------------------------- the submissions


def submission(draft: Draft, case: PracticeCase, rules: DraftPractice) -> str:
    """A synthetic submission that earns at most the case's share of the draft's points.

    Raises:
        NotPractisable: a criterion has nothing to be looked for.
    """
    terms = terms_of(draft, rules)
    lines = [
        f"- Entry {number}, row {number * 3}: {' and '.join(terms[name])}, worked out on paper."
        for number, name in enumerate(_earned(draft, case), 1)
    ]
    if case.adds:
        lines += ["", case.adds]
    parts = {RESULT: lines, SOURCES: [], REVIEW: []}
    if case.share > 0:
        parts[SOURCES] = ["- `invented_material.xlsx`, made up for this exercise"]
        parts[REVIEW] = [
            "The team lead opened two entries, recomputed both by hand, asked for one correction"
            " and then accepted what is here."
        ]
    return "\n\n".join("\n".join((f"## {name}", "", *content)) for name, content in parts.items())


def _earned(draft: Draft, case: PracticeCase) -> Iterator[str]:
    """Criteria that a case's submission answers: weightiest first, up to its share."""
    left = math.floor(draft.points * case.share)
    for item in sorted(draft.criteria, key=lambda item: (-item.points, item.source_item)):
        if item.points <= left:
            left -= item.points
            yield item.criterion_id
