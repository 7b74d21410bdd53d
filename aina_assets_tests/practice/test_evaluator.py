"""From a submission to its outcome: points, gates, conditions, feedback, and what is never said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.errors import AinaError, AuthoredDocumentError
from aina_assets.contracts.practice import EvaluationResult, NextStep, Outcome
from aina_assets.curriculum.modules import read_module
from aina_assets.practice.evaluator import evaluate
from aina_assets.practice.policy import PracticeRules
from aina_assets.practice.submission import words_of
from aina_assets_tests.practice.handed_in import (
    ADDRESS,
    CHANGES,
    CLAIMS,
    CURRICULUM,
    DRAFT,
    FAILING,
    OF_EVERY_KIND,
    PARTIAL,
    PASSING,
    UNSAFE,
    module,
    roomy_rules,
)
from aina_assets_tests.practice.test_submission import ANYTHING, MARKDOWN

RULES = PracticeRules.load()
MODULE = module()


def evaluated(submission: str, **options: Any) -> EvaluationResult:
    return evaluate(MODULE, submission, RULES, **options)


def points(result: EvaluationResult) -> dict[str, int]:
    return {score.criterion_id: score.points for score in result.scores}


def changed(**rubric: Any) -> CurriculumModule:
    """The module with another rubric, validated as its author's would be."""
    document = MODULE.model_dump()
    return CurriculumModule.model_validate({**document, "rubric": {**document["rubric"], **rubric}})


# ------------------------------------------------------------------------------------- the outcomes


def test_good_work_passes() -> None:
    result = evaluated(PASSING)

    assert result.outcome is Outcome.PASS
    assert result.points == result.points_possible == MODULE.rubric.points
    assert result.passed_gates == ("claims_are_checked",)
    assert result.failed_gates == result.fail_conditions == result.unsafe_conditions == ()
    assert result.next_recommendation is NextStep.ADVANCE
    assert result.counts_for_mastery
    assert result.feedback == ("Every criterion is met in full: 20 points.",)


def test_work_with_gaps_is_partial_and_says_which() -> None:
    result = evaluated(PARTIAL)

    assert result.outcome is Outcome.PARTIAL
    assert points(result) == {"brief": 4, "sources": 0, "claim_check": 6, "draft": 0, "changes": 0}
    assert result.failed_gates == ("claims_are_checked",)
    assert result.next_recommendation is NextStep.REVISE
    assert not result.counts_for_mastery
    sources, draft, changes = result.feedback
    assert sources.startswith("Sources, 0 of 5 points: expected at least 3 sources in 'Sources'")
    assert "(found: 2 sources); and at least 3 list items in 'Sources' (found: 2 list" in sources
    assert "Next: name what you opened" in sources
    assert draft.startswith("Draft, 0 of 3 points: expected at least 150 words")
    assert changes.startswith("Changes, 0 of 2 points: ")


def test_an_empty_form_fails() -> None:
    result = evaluated(FAILING)

    assert result.outcome is Outcome.FAIL
    assert result.points == 0
    assert result.fail_conditions == ("nothing_changed",)
    assert result.next_recommendation is NextStep.REDO
    assert result.feedback[0].startswith("The machine's draft was handed in as it came.")
    assert len(result.feedback) == 1 + len(MODULE.rubric.criteria)


def test_a_fail_condition_fails_whatever_the_points() -> None:
    result = evaluated(PASSING.split(CHANGES)[0])

    assert result.points == 18
    assert result.outcome is Outcome.FAIL
    assert result.passed_gates == ("claims_are_checked",)
    assert result.fail_conditions == ("nothing_changed",)


def test_a_closed_gate_keeps_enough_points_from_passing() -> None:
    without_sources_named = PASSING.replace("`contract_list.xlsx`", "the list of contracts")
    result = evaluated(without_sources_named)

    assert result.points == 17
    assert result.points >= result.points_to_pass
    assert result.failed_gates == ("claims_are_checked",)
    assert result.outcome is Outcome.PARTIAL


@pytest.mark.parametrize(
    ("held", "expected"),
    [(("brief", "claim_check"), Outcome.PARTIAL), (("claim_check",), Outcome.FAIL)],
)
def test_fewer_than_half_of_the_points_to_pass_fail(
    held: tuple[str, ...], expected: Outcome
) -> None:
    one_item = f"{CHANGES}\n\n- One sentence about waiting went out, since nobody measured it\n"
    text = PASSING.split(CHANGES)[0].replace(DRAFT, "## Text").replace("## Sources", "## Links")
    if "brief" not in held:
        text = text.replace("## Brief", "## Begin")
    result = evaluated(text.replace("`", "") + one_item)

    assert sum(points(result).values()) == result.points == (10 if len(held) == 2 else 6)
    assert result.fail_conditions == ()
    assert result.outcome is expected


def test_points_are_given_in_part_rounded_down() -> None:
    result = evaluated(PASSING.replace("- `contract_list.xlsx`", "- the list of contracts"))

    (score,) = (score for score in result.scores if score.criterion_id == "sources")
    assert [check.holds for check in score.checks] == [False, True]
    assert (score.points, score.points_possible) == (2, 5)
    assert score.grader == "deterministic"


def test_an_answer_that_was_shown_proves_nothing() -> None:
    result = evaluated(PASSING, answer_was_shown=True)

    assert result.outcome is Outcome.PASS
    assert not result.counts_for_mastery
    assert result.next_recommendation is NextStep.REDO
    assert "does not count as mastered" in result.feedback[-1]
    assert result.evaluation_id != evaluated(PASSING).evaluation_id


# -------------------------------------------------------------------------------------- unsafe text


class NeverAsked:
    """A judge that must not see the text."""

    model = "never-asked"

    def grade(self, criterion: object, section_texts: object) -> Any:
        raise AssertionError(f"asked about {criterion}")


def test_unsafe_text_stops_everything() -> None:
    result = evaluated(UNSAFE, judge=NeverAsked())

    assert result.outcome is Outcome.UNSAFE
    assert result.points == 0
    assert result.scores == ()
    assert result.passed_gates == result.failed_gates == ()
    assert result.unsafe_conditions == ("personal_data",)
    assert result.next_recommendation is NextStep.REMOVE_UNSAFE_TEXT
    assert result.feedback == (
        "Remove what looks like an e-mail address: in 'Draft'. Then hand in again; nothing was"
        " graded.",
    )
    assert ADDRESS not in result.model_dump_json()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("before the first section", f"{ADDRESS}\n\n{PASSING}"),
        ("in 'What I changed'", f"{PASSING}\n- {ADDRESS}"),
        ("in 'Claim check'", PASSING.replace("| stands |", f"| {ADDRESS} |", 1)),
        ("in 'Brief'", PASSING.replace("We tell", f"<!-- {ADDRESS} -->\n\nWe tell", 1)),
        ("in 'Brief'", PASSING.replace("We tell", f"```\n{ADDRESS}\n```\n\nWe tell", 1)),
        ("in 'Draft'", PASSING.replace(DRAFT, f"{DRAFT}: {ADDRESS}")),
        ("in 'Draft'", UNSAFE.replace("@", "&#64;")),
        ("in 'Draft'", UNSAFE.replace("@", "\u200b@\u200b")),
        ("in 'Draft'", UNSAFE.replace("@", "<b>@</b>")),
        ("in 'Draft'", UNSAFE.replace("@", "＠")),  # noqa: RUF001 - full-width, as meant
    ],
)
def test_unsafe_text_is_found_wherever_it_stands(place: str, text: str) -> None:
    result = evaluated(text)

    assert result.outcome is Outcome.UNSAFE
    assert result.feedback == (
        f"Remove what looks like an e-mail address: {place}. Then hand in again; nothing was"
        " graded.",
    )


def test_every_kind_and_place_is_told_once() -> None:
    result = evaluated(f"{UNSAFE}\n- {ADDRESS} or +49 170 1234567\n- {ADDRESS}")

    assert result.feedback == (
        "Remove what looks like an e-mail address: in 'Draft' and in 'What I changed'. Then hand in"
        " again; nothing was graded.",
        "Remove what looks like a phone number: in 'What I changed'. Then hand in again; nothing"
        " was graded.",
    )


@pytest.mark.parametrize(
    "wording",
    [
        "a FAKE  testimonial",
        "an *invented* statistic",
        "a fake\ntestimonial",
        "<!-- fake review -->",
    ],
)
def test_terms_of_a_condition_are_unsafe(wording: str) -> None:
    result = evaluated(PASSING.replace("your contacts", wording))

    assert result.unsafe_conditions == ("invented_proof",)
    assert "fake" not in result.feedback[0]
    assert "in 'Draft'" in result.feedback[0]


def test_a_term_in_a_sentence_of_the_module_is_not_the_learners() -> None:
    warning = "Never ask a machine for a fake testimonial of a customer."
    document = MODULE.model_dump()
    document["lesson"]["explain"] += f"\n\n{warning}"
    warned = CurriculumModule.model_validate(document)

    assert evaluate(warned, f"{PASSING}\n\n{warning}", RULES).outcome is Outcome.PASS
    own = evaluate(warned, f"{PASSING}\n\n{warning}\n\nI made a fake testimonial.", RULES)
    assert own.outcome is Outcome.UNSAFE
    assert evaluate(MODULE, f"{PASSING}\n\n{warning}", RULES).outcome is Outcome.UNSAFE


def test_a_detector_that_does_not_exist_is_an_error() -> None:
    condition = {"id": "odd", "text": "Nothing odd.", "detectors": ["shoe_size"]}

    with pytest.raises(AuthoredDocumentError, match="shoe_size") as raised:
        evaluate(changed(unsafe_conditions=[condition]), PASSING, RULES)
    assert MODULE.id in raised.value.where


# --------------------------------------------------------------------------------------- provenance


def test_the_same_submission_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "from aina_assets.practice.evaluator import evaluate\n"
        "from aina_assets.practice.policy import PracticeRules\n"
        "from aina_assets_tests.practice.handed_in import OF_EVERY_KIND, UNSAFE, module\n"
        "for text in (*OF_EVERY_KIND.values(), UNSAFE):\n"
        "    print(evaluate(module(), text, PracticeRules.load()).model_dump_json())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).stdout.decode()
        for seed in ("1", "2")
    ]

    here = [evaluated(text).model_dump_json() for text in (*OF_EVERY_KIND.values(), UNSAFE)]
    assert said[0] == said[1] == "\n".join(here) + "\n"


def test_the_id_follows_submission_rubric_and_rules() -> None:
    other_rules = roomy_rules(RULES.evaluation.submission_max_bytes + 1)
    results = [
        evaluated(PASSING),
        evaluated(PASSING + " "),
        evaluate(changed(points_to_pass=15), PASSING, RULES),
        evaluate(MODULE, PASSING, other_rules),
    ]

    assert len({result.evaluation_id for result in results}) == len(results)
    assert len({result.submission_digest for result in results}) == 2
    assert len({result.provenance.rubric_digest for result in results}) == 2
    assert len({result.provenance.engine for result in results}) == 2


def test_provenance_says_what_the_outcome_does_not() -> None:
    provenance = evaluated(PASSING).provenance

    assert provenance.judge_model is None
    assert provenance.limits == RULES.evaluation.limits.strip()
    assert "Nothing was graded" in evaluated(UNSAFE).provenance.limits


@pytest.mark.parametrize("kind", OF_EVERY_KIND)
def test_a_result_quotes_nothing_of_the_submission(kind: str) -> None:
    result = evaluated(OF_EVERY_KIND[kind])
    said = " ".join(words_of(json.dumps(result.model_dump(mode="json"), ensure_ascii=False)))
    own = " ".join(words_of(MODULE.model_dump_json()))

    words = words_of(OF_EVERY_KIND[kind])
    runs = {" ".join(words[at : at + 4]) for at in range(len(words) - 3)}
    assert not [run for run in runs if run in said and run not in own]


# ------------------------------------------------------------------------------------------- bounds


def test_a_submission_over_the_cap_is_refused() -> None:
    cap = RULES.evaluation.submission_max_bytes
    evaluated("é" * (cap // 2))

    with pytest.raises(AinaError, match=f"at most {cap:,} bytes") as raised:
        evaluated("é" * (cap // 2) + "a")
    assert raised.value.found == f"{cap + 1:,} bytes"


@given(MARKDOWN | ANYTHING)
def test_any_string_is_evaluated(text: str) -> None:
    result = evaluated(text)

    assert EvaluationResult.model_validate_json(result.model_dump_json()) == result
    assert 0 <= result.points <= result.points_possible
    assert result.outcome is not Outcome.PASS


@pytest.mark.parametrize("mark", ["*", "|", "#", "[]"])
def test_a_megabyte_of_marks_changes_nothing(mark: str) -> None:
    marks = "".join(character * (1_000_000 // len(mark)) for character in mark)

    result = evaluate(MODULE, f"{PASSING}\n\n{marks}", roomy_rules())
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("unit", ["a ", "@", "a@", "1 ", "+1 ", "ignore ", "- a\n", "|a|\n|-|\n"])
def test_as_much_as_the_cap_allows_is_evaluated(unit: str) -> None:
    room = RULES.evaluation.submission_max_bytes - len(PASSING.encode()) - 2

    result = evaluated(f"{PASSING}\n\n{unit * (room // len(unit))}")
    assert result.outcome is Outcome.PASS


# ------------------------------------------------------------------------------------- every module


@pytest.mark.parametrize("path", sorted(CURRICULUM.glob("*/*.md")), ids=lambda path: path.stem)
def test_no_module_is_passed_with_its_own_words(path: Path) -> None:
    each = read_module(path)
    lesson, exercise = each.lesson, each.exercise
    own = (
        "",
        exercise.text,
        "\n\n".join(lesson.model_dump().values()),
        "\n\n".join(criterion.observable for criterion in each.rubric.criteria),
    )

    for text in own:
        below_each = "\n\n".join(f"## {name}\n\n{text}" for name in exercise.sections)
        result = evaluate(each, below_each, RULES)
        assert result.outcome is Outcome.FAIL
        assert result.points <= each.rubric.points // 5


def test_claims_without_their_table_are_no_claim_check() -> None:
    start, rest = PASSING.split(CLAIMS)
    result = evaluated(f"{start}{CLAIMS}\n\nAll of them stand; one was cut.\n\n{CHANGES}"
                       f"{rest.split(CHANGES)[1]}")  # fmt: skip

    assert points(result)["claim_check"] == 3
    assert result.outcome is Outcome.PARTIAL
