"""Answers are checked from the words of the question: wrong ones fall, other questions are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aina_assets.authoring.answer_check import choice_of, is_right, offers_choice
from aina_assets_tests.authoring.drafted import applet_input, drafted, module_input
from aina_assets_tests.authoring.test_findings import blueprint, findings, screen

Sample = dict[str, Any]
Change = Callable[[Sample], Any]


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Which is greater, 3/10 or 2/10?", "3/10", "2/10"),
        ("Strip A is 1/2 of 10 cm. Strip B is 1/4 of 16 cm. Which strip is longer?",
         "strip A", "strip B"),
        ("Is 3/4 less than, equal to or greater than 1/2?", "greater than 1/2", "less than 1/2"),
        ("Can 1/2 decide which is greater, 7/10 or 7/12?", "no, both are greater than 1/2",
         "no, both are less than 1/2"),
        ("Look at 8/12. Which whole numbers divide both 8 and 12?", "1, 2, 4", "1, 2"),
        ("Can 8/12 be written with smaller numbers?", "yes, as 2/3", "yes, as 4/6"),
        ("Can 5/12 be written with smaller numbers?", "no", "yes"),
        ("Where does 8/5 lie on a line from 0 to 2?", "3 of 5 equal steps beyond 1",
         "3 of 5 equal steps from 0"),
        ("Name the amount 1/4 by a fraction with the denominator 8.", "2/8", "1/4"),
        ("Which number goes above 9 to make a fraction equal to 2/3?", "6", "many"),
    ],
)  # fmt: skip
def test_an_answer_is_told_right_from_wrong(question: str, right: str, wrong: str) -> None:
    assert is_right(question, right) is True
    assert is_right(question, wrong) is False
    assert is_right(question, "") is False


def test_a_question_that_no_rule_reads_is_neither_right_nor_wrong() -> None:
    assert is_right("Is 3/4 of an hour longer than 40 minutes?", "yes") is None
    assert is_right("Write 3/4 as a decimal.", "0.75") is None
    assert not offers_choice("Which is greater, 3/10 or 2/10?")
    assert offers_choice("Can 5/12 be written with smaller numbers?")
    assert [choice_of(one) for one in ("no, both are less", "No.", "greater than 1/2")] == [
        "no", "no", "greater than",
    ]  # fmt: skip


# --------------------------------------------------------------------------------- in the two gates


def solved(sample: Sample) -> Sample:
    """The first slide of the development that has a computed task."""
    found: Sample = next(
        one
        for one in blueprint(sample)["slides"]
        if one["section"] == "development"
        and any(task["source"] == "computed" for task in one.get("worked_solutions") or ())
    )
    return found


def false_step(sample: Sample) -> None:
    solved(sample)["worked_solutions"][0]["steps"][0]["step"] = "1/2 = 3/4."


def wrong_answer(sample: Sample) -> None:
    solved(sample)["worked_solutions"][0]["answer"] = "1/99"


def told_otherwise(sample: Sample) -> None:
    slide = solved(sample)
    answer = slide["worked_solutions"][0]["answer"]
    slide["teacher_action"] = slide["teacher_action"].replace(f"Answer: {answer}", "Answer: 2/99")


@pytest.mark.parametrize("change", [false_step, wrong_answer, told_otherwise])
def test_what_is_wrong_in_a_worked_solution_is_no_right_mathematics(change: Change) -> None:
    sample = module_input(4)
    change(sample)
    assert findings("module", sample)["module_mathematics_correct"] == "not_met"


def false_task_step(sample: Sample) -> None:
    screen(sample, 1)["task"]["steps"][0]["step"] = "1/2 = 3/4."


def wrong_task_answer(sample: Sample) -> None:
    task = screen(sample, 1)["task"]
    task["answer"] = task["answer"] + "7"


def right_called_wrong(sample: Sample) -> None:
    one = screen(sample, 2)
    one["feedback"]["on_misconception"][0]["trigger"] = f"the answer is: {one['task']['answer']}"


@pytest.mark.parametrize("change", [false_task_step, wrong_task_answer, right_called_wrong])
def test_what_is_wrong_in_the_task_of_a_screen_is_no_right_mathematics(change: Change) -> None:
    sample = applet_input(2)
    assert findings("applet", sample)["applet_mathematics_correct"] == "met"
    change(sample)
    assert findings("applet", sample)["applet_mathematics_correct"] == "not_met"


def not_solved(sample: Sample) -> None:
    solved(sample)["worked_solutions"][0] |= {"source": "not_computed", "steps": [], "answer": ""}


def of_no_form(sample: Sample) -> None:
    solved(sample)["worked_solutions"][0]["statement"] = "Which ratio is simpler?"


@pytest.mark.parametrize("change", [not_solved, of_no_form])
def test_a_task_that_nobody_can_check_is_left_open_and_named(change: Change) -> None:
    sample = module_input(4)
    change(sample)
    number = solved(sample)["slide_no"] if change is of_no_form else 3
    result = drafted("score_gates", "mod_review", sample)
    (gate,) = (one for one in result["gates"] if one["id"] == "module_mathematics_correct")
    assert gate["finding"] == "not_shown"
    assert f"slide {number}: " in gate["missing"]


def test_a_worked_example_without_steps_is_none() -> None:
    def points(sample: Sample) -> int | None:
        result = drafted("score_rubric_domain", "mod_review", sample | {"domain_code": "D"})
        found: int | None = next(one["points"] for one in result["criteria"] if one["id"] == "D3")
        return found

    sound, broken = module_input(2), module_input(2)
    for slide in blueprint(broken)["slides"]:
        for one in slide.get("worked_solutions") or ():
            one["steps"] = []
    before, after = points(sound), points(broken)
    assert before is not None
    assert after is not None
    assert after < before
