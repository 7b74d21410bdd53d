"""A workflow leads to the modules whose words it has, then to the general ones, always the same."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.curriculum.links import (
    FIRST_WORD_STRENGTH,
    GENERAL_STRENGTH,
    Link,
    is_word,
    links_of,
    words_of_workflow,
)

Row = dict[str, Any]


def workflow(title: str, *deliverables: str) -> Row:
    """A row of ``workflows``, as far as links look at it."""
    return {"workflow_title": title, "deliverables": list(deliverables)}


def module(name: str, *words: str, level: int = 1) -> Row:
    """A row of ``modules``, as far as links look at it; general where it has no words."""
    return {"module_id": name, "level": level, "is_general": not words, "words": list(words)}


def matched(flow: Row, *words: str) -> tuple[str, ...]:
    """Which of ``words`` the workflow has."""
    return tuple(
        word for link in links_of(flow, [module("m", *words)]) for word in link.matched_words
    )


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Prepare budgets.", "budget"),
        ("Prepare a budget.", "budgets"),
        ("PREPARE BUDGETS", "budget"),
        ("Prepare budgets", "Budget"),
        ("Maintain SQL databases", "sql"),
        ("Arrange follow-up visits", "follow-up"),
        ("Plan (quarterly) budgets/forecasts", "forecast"),
        ("Review the client's file", "client"),
    ],
)
def test_a_word_is_found_in_any_case_and_as_a_plural(title: str, word: str) -> None:
    assert matched(workflow(title), word) == (word,)


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Prepare budgetary statements", "budget"),
        ("Prepare budgets", "bud"),
        ("Arrange follow-up visits", "follow"),
        ("Read gas meters", "ga"),
        ("Prepare budgets", "forecast"),
    ],
)
def test_a_part_of_a_word_is_no_word(title: str, word: str) -> None:
    assert matched(workflow(title), word) == ()


def test_deliverables_have_words_too() -> None:
    flow = workflow("Talk to clients", "Signed contracts", "Minutes")

    assert matched(flow, "contract", "minutes", "client", "budget") == (
        "contract",
        "minutes",
        "client",
    )
    assert words_of_workflow(flow) >= {"contracts", "contract", "minutes", "clients", "client"}


def test_the_more_words_the_stronger_and_never_certain() -> None:
    words = ["plan", "budget", "staff", "travel", "audit"]
    flow = workflow(" ".join(words))

    strengths = [
        links_of(flow, [module("m", *words[:count])])[0].strength
        for count in range(1, len(words) + 1)
    ]

    assert strengths[0] == FIRST_WORD_STRENGTH
    assert strengths == sorted(set(strengths))
    for before, after in itertools.pairwise(strengths):
        assert 1 - after == pytest.approx((1 - before) / 2)


def test_two_forms_of_one_word_are_one_word() -> None:
    flow = workflow("Serve customers")

    both = links_of(flow, [module("m", "customer", "customers")])

    assert both == links_of(flow, [module("m", "customer")])
    assert both[0].matched_words == ("customer",)


def test_a_general_module_is_for_every_workflow_and_comes_last() -> None:
    flow = workflow("Prepare budgets")

    links = links_of(flow, [module("general"), module("budgets", "budget", level=3)])

    assert links == (
        Link("budgets", 3, "words", ("budget",), FIRST_WORD_STRENGTH),
        Link("general", 1, "general", (), GENERAL_STRENGTH),
    )
    assert GENERAL_STRENGTH < FIRST_WORD_STRENGTH


def test_a_module_for_other_words_is_no_link() -> None:
    assert links_of(workflow("Prepare budgets"), [module("travel", "travel")]) == ()
    assert links_of(workflow("Prepare budgets"), []) == ()


def test_of_equal_strength_the_lower_level_goes_first_then_the_id() -> None:
    modules = [
        module("b", "budget", level=2),
        module("z", "budget", level=1),
        module("a", "budget", level=2),
        module("strong", "budget", "plan", level=4),
    ]

    links = links_of(workflow("Plan budgets"), modules)

    assert [link.module_id for link in links] == ["strong", "z", "a", "b"]


WORDS = st.text("abcs", min_size=1, max_size=5)
MODULES = st.lists(
    st.tuples(st.sampled_from("pqrst"), st.lists(WORDS, max_size=4), st.integers(1, 4)),
    max_size=5,
    unique_by=lambda one: one[0],
).map(lambda rows: [module(name, *words, level=level) for name, words, level in rows])


@given(titles=st.lists(WORDS, min_size=1, max_size=6), modules=MODULES, data=st.data())
def test_links_do_not_depend_on_the_order_of_modules_or_words(
    titles: list[str], modules: list[Row], data: st.DataObject
) -> None:
    flow = workflow(" ".join(titles))
    shuffled = data.draw(st.permutations(modules))
    mixed = data.draw(st.permutations(titles))

    links = links_of(flow, modules)

    assert links == links_of(flow, shuffled)
    assert links == links_of(workflow(mixed[0], *mixed[1:]), modules)
    assert all(0 < link.strength < 1 for link in links)
    assert len({link.module_id for link in links}) == len(links)
    assert list(links) == sorted(links, key=lambda link: -link.strength)


@pytest.mark.parametrize("text", ["budget", "follow-up", "SQL", "caf\u00e9", "3d"])
def test_a_single_word(text: str) -> None:
    assert is_word(text)
    assert matched(workflow(f"Of {text} and more"), text) == (text,)


@pytest.mark.parametrize("text", ["", "price list", "what's", "a_b", "-", "x-"])
def test_no_single_word(text: str) -> None:
    assert not is_word(text)
    assert matched(workflow(f"Of {text} and more"), text) == ()
