"""Every task of the sample is worked out: its answer is computed here once more, its steps hold."""

from __future__ import annotations

import copy
import re
from collections import Counter
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
    choice_of,
    denominators_of,
    fits,
    printed_in,
    sort_of,
    tasks_of,
)
from aina_assets.authoring.phrases import clause
from aina_assets.authoring.reading import names_term
from aina_assets_tests.authoring.drafted import applet, drafted, knowledge, module

POSITIONS = range(1, 8)
APPLETS = (2, 3, 4, 6)
SAME_DENOMINATOR = "Compare two fractions with the same denominator by the number of parts"
SAME_NUMERATOR = "Compare two fractions with the same numerator by the size of the parts"
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


METHODS = {
    "Generate equivalent fractions of a given fraction by multiplying": "by multiplying",
    "Simplify a fraction by dividing numerator and denominator by a common factor":
        "by dividing numerator and denominator by a common factor",
    SAME_DENOMINATOR: "by the number of parts",
    SAME_NUMERATOR: "by the size of the parts",
    "Compare two fractions by rewriting one or both with a common denominator":
        "by rewriting one or both with a common denominator",
    "Justify a comparison of two fractions by the parts that are missing to 1":
        "by the parts that are missing to 1",
}  # fmt: skip
"""Components whose words name a method; “by n” and “by two fractions” name none."""


@pytest.mark.parametrize("position", POSITIONS)
def test_an_example_works_by_the_method_of_its_component(position: int) -> None:
    made = module(position)
    stated = [one["statement"] for one in made["approved_objective"]["lo_components"]]
    methods = [METHODS.get(statement, clause(statement)) for statement in stated]
    seen = set()
    for slide, solution in solutions_of(position):
        if slide["section"] == "development" and solution["source"] == "computed":
            (place,) = slide["component_indexes"]
            assert solution["method"] == methods[place]
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
        if position in APPLETS:
            screens = applet(position)["build_applet_screens"]["screens"]
            tasks = " ".join(screen["task"]["statement"] for screen in screens)
            assert not own & set(re.findall(r"\d+/\d+", tasks))


@pytest.mark.parametrize("position", POSITIONS)
def test_an_exit_question_has_a_task_of_every_component(position: int) -> None:
    blueprint = module(position)["build_module_blueprint"]
    last = blueprint["slides"][-1]
    places = list(range(len(blueprint["lo_components"])))
    assert last["component_indexes"] == last["tags"]["checks"] == places
    assert len(last["worked_solutions"]) == len(places)
    terms = blueprint["vocabulary_introduction_plan"]
    for slide in blueprint["slides"]:
        tasks = [one for one in slide.get("worked_solutions") or () if one["source"] == "computed"]
        assert all(one["statement"] in slide["on_slide_text"] for one in tasks)
        for term in terms:
            if slide["slide_no"] in term["checked_on"]:
                assert names_term(slide["on_slide_text"], term["term"])


def test_what_the_exit_question_has_no_room_for_is_a_gap() -> None:
    made = copy.deepcopy(module(1))
    derived = made["module_lo_brief_enriched"]["derived"]
    parts = derived["lo_components"] * 2
    derived["lo_components"] = parts[:4]
    spine = drafted("build_spine", "mod_review", made)
    last = spine["slides"][-1]
    assert last["component_indexes"] == last["tags"]["checks"] == [0, 1, 2]
    assert len(last["worked_solutions"]) == 3
    (gap,) = [one for one in spine["kb_gaps"] if one["kind"] == "component"]
    assert (gap["subject"], gap["where"]) == (parts[3]["statement"], [last["slide_no"]])
    (alone,) = [
        slide["slide_no"]
        for slide in spine["slides"]
        if slide["slide_role"] == "independent_practice" and slide["component_indexes"] == [3]
    ]
    assert f"slide {alone};" in gap["provisional_choice"]


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


@pytest.mark.parametrize(
    "statement",
    [
        "Simplify an expression by collecting like terms",
        "Compare decimals with the same whole number part",
        "Simplify a ratio",
        "Classify triangles whose area is 1/2 of a rectangle",
        "Decide whether a proof is in simplest form",
        "Compare two masses with the same whole number of grams",
        "Simplify a decimal fraction given as a percentage",
        "Explain why cutting every part of a speech makes it clearer",
        "Locate a whole number by counting equal intervals from 0",
    ],
)
def test_other_mathematics_is_no_task_with_fractions(statement: str) -> None:
    assert sort_of(statement) is None
    assert tasks_of(statement, 3) == []


CHOICES = ("same_whole", "against_benchmark", "benchmark_settles", "simplest_form")


@pytest.mark.parametrize("sort", CHOICES)
def test_answers_that_are_a_choice_take_turns(sort: str) -> None:
    (statement,) = [
        row["statement"] for row in knowledge().components if sort_of(row["statement"]) == sort
    ]
    for count in (2, 3, 6):
        answers = Counter(choice_of(task) for task in tasks_of(statement, count))
        assert len(answers) > 1
        assert max(answers.values()) - min(answers.values()) <= 1 or len(answers) == count
    made = [module(position)["blueprint_spine"]["slides"] for position in POSITIONS]
    statements = {one.statement: one for one in tasks_of(statement, 200)}
    for slides in made:
        own = [
            choice_of(statements[one["statement"]])
            for slide in slides
            if slide["section"] == "development"
            for one in slide.get("worked_solutions") or ()
            if one["statement"] in statements
        ]
        assert len(own) < 2 or len(set(own)) > 1


def test_what_is_drawn_has_numbers_that_its_model_can_show() -> None:
    statement = "Represent one amount of a whole by two fractions with different denominators"
    for some in ((2, 3, 4, 6, 8, 12), (2, 4, 5, 10, 20)):
        tasks = tasks_of(statement, 3, some)
        assert len({task.statement for task in tasks}) == 3
        assert all(denominators_of(task) <= set(some) for task in tasks)
    good = {
        row["vir_id"]: set(row["good_for_denominators"])
        for row in knowledge().visual_representations
    }
    # The rectangle of module 6 can show two comparisons only; the others are over its range.
    for position in (1, 2, 3, 4, 5, 7):
        for slide, solution in solutions_of(position):
            if slide["vir_id"] and solution["source"] == "computed":
                told = [solution["statement"], solution["answer"]]
                told += [one["step"] for one in solution["steps"]]
                drawn = {one.denominator for text in told for one in printed_in(text)}
                assert drawn <= good[slide["vir_id"]], (position, slide["slide_no"])


def test_steps_speak_of_what_the_task_is_about() -> None:
    line = "Locate two equivalent fractions at the same point of a number line"
    for task in tasks_of(line, 6):
        told = " ".join(f"{step} {reason}" for step, reason in task.steps)
        assert not re.search(r"marked|outline|part", told)
    for row in knowledge().components:
        for task in tasks_of(row["statement"], 8):
            told = " ".join(f"{step} {reason}" for step, reason in task.steps)
            assert "the 1 " not in told
            assert "marked length" not in told


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
