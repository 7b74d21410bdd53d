"""Every task of the sample is worked out: its answer is computed here once more, its steps hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.authoring import answer_check
from aina_assets.authoring.draft_research import own_misconceptions
from aina_assets.authoring.fraction_tasks import (
    NOT_COMPUTED,
    Printed,
    Task,
    believed,
    fits,
    printed_in,
    sort_of,
    tasks_of,
)
from aina_assets_tests.authoring.drafted import applet, drafted, knowledge, module

POSITIONS = range(1, 8)
APPLETS = (2, 3, 4, 6)
Solution = dict[str, Any]

_FRACTION = r"(\d+)/(\d+)"


def values(text: str) -> list[Fraction]:
    return [Fraction(int(a), int(b)) for a, b in re.findall(_FRACTION, text)]


def is_right(question: str, answer: str) -> bool:
    """Whether an answer is right, found from the words of the question alone."""
    found = answer_check.is_right(question, answer)
    assert found is not None, f"no way to check {question!r}"
    return found


_TERM = r"\d+(?:/\d+)?(?: [×÷-] \d+)?"  # noqa: RUF001
_CHAIN = re.compile(rf"(?<![\d/×÷-] ){_TERM}(?: [<=>] {_TERM})+")  # noqa: RUF001


def value(term: str) -> Fraction:
    left, _, right = re.sub(r" ([×÷-]) ", r"|\1|", term).partition("|")  # noqa: RUF001
    if not right:
        return Fraction(left)
    sign, other = right.split("|")
    a, b = Fraction(left), Fraction(other)
    return a * b if sign == "\N{MULTIPLICATION SIGN}" else a / b if sign == "÷" else a - b


def false_claims(text: str) -> Iterator[str]:
    """Equalities and inequalities of a text that do not hold."""
    for found in _CHAIN.finditer(text):
        parts = re.split(r" ([<=>]) ", found[0])
        for left, sign, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            a, b = value(left), value(right)
            if not {"<": a < b, "=": a == b, ">": a > b}[sign]:
                yield found[0]


def test_the_checker_of_this_file_tells_wrong_from_right() -> None:
    assert not is_right("Which is greater, 3/8 or 5/8?", "3/8")
    assert not is_right("Write 8/12 with the smallest possible numbers.", "4/6")
    assert list(false_claims("First 3 × 4 = 13. Then 1/2 < 2/3 < 3/5."))  # noqa: RUF001
    assert not list(false_claims("5 × 2 = 10, so 5/6 = 10/12 and 1/10 > 1/12."))  # noqa: RUF001


# --------------------------------------------------------------------------------------- the sample


def solutions_of(position: int) -> list[tuple[Solution, Solution]]:
    """Slides of a module with each of their solutions."""
    slides = module(position)["build_module_blueprint"]["slides"]
    return [(slide, one) for slide in slides for one in slide.get("worked_solutions") or ()]


def require_sound(solution: Solution) -> None:
    assert solution["statement"]
    if solution["source"] == "not_computed":
        assert (solution["steps"], solution["answer"]) == ([], "")
        assert solution["method"] == NOT_COMPUTED
        return
    assert solution["answer"]
    assert solution["steps"]
    for step in solution["steps"]:
        assert step["step"]
        assert step["reason"]
    if solution["source"] == "computed":
        assert is_right(solution["statement"], solution["answer"]), solution
        told = " ".join(f"{one['step']} {one['reason']}" for one in solution["steps"])
        assert not list(false_claims(told)), told


@pytest.mark.parametrize("position", POSITIONS)
def test_every_example_and_every_task_of_a_module_is_worked_out(position: int) -> None:
    slides = module(position)["build_module_blueprint"]["slides"]
    working = ("worked_example", "guided_practice", "independent_practice", "misconception_probe")
    for slide in slides:
        if slide["slide_role"] in (*working, "exit_question"):
            assert slide["worked_solutions"], slide["slide_no"]
    for slide, solution in solutions_of(position):
        require_sound(solution)
        if solution["source"] == "computed":
            assert solution["statement"] in slide["on_slide_text"]
            assert solution["answer"] in slide["teacher_action"]
            assert all(one["step"] in slide["teacher_action"] for one in solution["steps"])


@pytest.mark.parametrize("position", POSITIONS)
def test_an_example_works_by_the_method_of_its_component(position: int) -> None:
    made = module(position)
    stated = [one["statement"] for one in made["approved_objective"]["lo_components"]]
    methods = [statement.partition(" by ")[2] for statement in stated]
    seen = set()
    for slide, solution in solutions_of(position):
        if slide["section"] == "development" and solution["source"] == "computed":
            (place,) = slide["component_indexes"]
            if methods[place]:
                assert solution["method"] == f"by {methods[place]}"
            seen.add(place)
    assert seen == set(range(len(stated)))


def test_the_numbers_of_a_module_do_not_come_again_in_its_exit_question() -> None:
    for position in POSITIONS:
        *before, last = module(position)["build_module_blueprint"]["slides"]
        own = set(re.findall(r"\d+/\d+", last["on_slide_text"])) - {"1/2"}
        assert own
        assert not own & {
            one for slide in before for one in re.findall(r"\d+/\d+", slide["on_slide_text"])
        }


@pytest.mark.parametrize("position", APPLETS)
def test_every_screen_of_an_applet_has_a_task_that_is_worked_out(position: int) -> None:
    for screen in applet(position)["build_applet_screens"]["screens"]:
        require_sound(screen["task"])
        assert screen["task"]["statement"] in screen["student_sees"]


@pytest.mark.parametrize("row", knowledge().components, ids=lambda row: row["component_id"])
def test_tasks_of_a_component_of_the_knowledge_base_hold(row: dict[str, Any]) -> None:
    made = tasks_of(row["statement"], 6)
    assert bool(made) is (sort_of(row["statement"]) is not None)
    assert len({task.statement for task in made}) == len(made)
    for task in made:
        assert is_right(task.statement, task.answer), task
        for step, reason in task.steps:
            assert not list(false_claims(f"{step} {reason}"))


def test_what_cannot_be_computed_is_said_and_not_pretended() -> None:
    assert tasks_of("Describe how a poem is built", 3) == []
    made = dict(module(2))
    parts = [dict(one) for one in made["module_lo_brief_enriched"]["derived"]["lo_components"]]
    parts[1]["statement"] = "Describe how a poem is built"
    brief = made["module_lo_brief_enriched"]
    made["module_lo_brief_enriched"] = {
        **brief, "derived": {**brief["derived"], "lo_components": parts}
    }  # fmt: skip
    made["blueprint_spine"] = drafted("build_spine", "mod_review", made)
    slides = drafted("build_blueprint", "mod_review", made)["slides"]
    poem = [one for one in slides if one["component_indexes"] == [1]]
    assert {one["source"] for slide in poem for one in slide["worked_solutions"]} == {
        "not_computed"
    }
    assert all(NOT_COMPUTED in slide["teacher_action"] for slide in poem)
    assert all("no solution yet" in slide["teaching_sufficiency_note"] for slide in poem)


# ------------------------------------------------------------------------------ any pair of numbers

PAIRS = st.tuples(
    st.integers(1, 11), st.integers(2, 12), st.integers(1, 11), st.integers(2, 12)
).filter(lambda pair: pair[0] < pair[1] and pair[2] < pair[3])

SAME_DENOMINATOR = "Compare two fractions with the same denominator by the number of parts"
SAME_NUMERATOR = "Compare two fractions with the same numerator by the size of the parts"


def owner(a: int, b: int, c: int, d: int) -> str | None:
    """The component to which a question about these two fractions goes."""
    row = {
        "misconception_id": "M",
        "belief": "The fraction with the larger denominator is the larger fraction.",
        "probe": f"Ana takes {a}/{b} of a ribbon, Ben takes {c}/{d} of it. Who has more?",
        "lo_codes": ["X"],
    }
    parts = [{"statement": SAME_DENOMINATOR}, {"statement": SAME_NUMERATOR}]
    found = own_misconceptions([row], ["M"], parts, {}, "module")
    return str(parts[found[0][1]]["statement"]) if found else None


def test_one_sixth_against_one_quarter_is_no_matter_of_one_denominator() -> None:
    assert owner(1, 6, 1, 4) == SAME_NUMERATOR
    assert owner(1, 6, 5, 6) == SAME_DENOMINATOR
    assert owner(2, 5, 3, 7) is None


@given(PAIRS)
def test_a_question_goes_where_its_two_fractions_belong(pair: tuple[int, int, int, int]) -> None:
    a, b, c, d = pair
    expected = SAME_DENOMINATOR if b == d else SAME_NUMERATOR if a == c else None
    assert owner(*pair) == expected
    both = [Printed(b, a), Printed(d, c)]
    assert printed_in(f"{a}/{b} or {c}/{d}") == both
    assert fits("same_denominator", both) is (b == d)


BELIEFS = [row["belief"] for row in knowledge().misconceptions]


@given(PAIRS)
def test_what_a_belief_answers_is_wrong_for_any_pair(pair: tuple[int, int, int, int]) -> None:
    a, b, c, d = pair
    one, other = Printed(b, a), Printed(d, c)
    if one.value == other.value:
        return
    greater = max(one, other, key=lambda f: f.value)
    told = f"Which is greater, {one} or {other}?"
    task = Task("shared_parts", told, (("", ""),), str(greater), (one, other))
    for belief in BELIEFS:
        answer = believed(belief, task)
        if answer is not None:
            assert not is_right(told, answer) or values(answer) == [], (belief, answer)
            assert answer != str(greater)


@pytest.mark.parametrize("row", knowledge().components, ids=lambda row: row["component_id"])
def test_what_a_belief_answers_to_a_task_is_no_right_answer(row: dict[str, Any]) -> None:
    for task in tasks_of(row["statement"], 8):
        for belief in BELIEFS:
            answer = believed(belief, task)
            if answer is not None:
                claims = [*false_claims(f"{answer} ".replace(" is less than ", " < "))]
                said = values(answer)
                if len(said) == 2:
                    assert said[0] == said[1], "it calls two equal amounts unequal"
                    assert claims or "more" in answer or "times" in answer
                else:
                    assert not is_right(task.statement, answer), (belief, task, answer)
