"""Votes come to a verdict by the rule alone; figures say what their agreement is worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aina_assets.contracts.review import ReviewVerdict, Vote
from aina_assets.review.votes import PanelRules, agreement_of, panel_figures

RULES = PanelRules.load()
OPTIONS = ("roles:11-1011", "roles:11-1021")
NAMES = ("gpt-a", "claude-b", "mistral-c", "gpt-d")


def vote(model: str, verdict: str | None, *cites: str, **more: Any) -> Vote:
    return Vote(
        model=model,
        verdict=None if verdict is None else ReviewVerdict(verdict),
        cites=cites,
        error=None if verdict else "timeout",
        **more,
    )


_VOTES = st.lists(
    st.builds(
        vote,
        st.sampled_from(NAMES),
        st.sampled_from([None, "approve", "hold", "reject"]),
        st.sampled_from([*OPTIONS, "some words"]),
    ),
    max_size=7,
)


@given(_VOTES)
def test_a_verdict_is_what_enough_of_several_families_say(votes: list[Vote]) -> None:
    found = agreement_of(votes, OPTIONS, RULES)

    if found.verdict is None:
        assert found.option is None
        return
    said = {item.model: item for item in votes if item.verdict is not None}
    agreeing = {
        name
        for name, item in said.items()
        if item.verdict is found.verdict and (found.option is None or item.cites[0] == found.option)
    }
    rule = RULES.agreement
    assert len(agreeing) >= rule.min_share * found.usable
    assert found.usable >= rule.min_votes
    assert len({RULES.family_of(name) for name in agreeing}) >= rule.min_families
    assert (found.option in OPTIONS) == (found.verdict is ReviewVerdict.APPROVE)


@given(_VOTES)
def test_order_does_not_decide(votes: list[Vote]) -> None:
    once = {item.model: item for item in votes}.values()

    forward, back = (
        agreement_of(items, OPTIONS, RULES) for items in (list(once), list(once)[::-1])
    )
    assert (forward.verdict, forward.option) == (back.verdict, back.option)


def test_one_model_is_one_voice_however_often_it_speaks() -> None:
    assert agreement_of([vote("gpt-a", "hold")] * 5, (), RULES).verdict is None


def test_models_of_no_known_family_are_of_none() -> None:
    votes = [vote("oracle", "hold"), vote("gpt-a", "hold")]
    assert agreement_of(votes, (), RULES).verdict is None


# ---------------------------------------------------------------------------------------- figures


def cast(*columns: str) -> list[list[Vote]]:
    """Subjects by what each model says of them: one letter a subject."""
    words = {"a": "approve", "h": "hold", "r": "reject"}
    return [
        [vote(NAMES[at], words.get(letter), *OPTIONS[:1]) for at, letter in enumerate(letters)]
        for letters in zip(*columns, strict=True)
    ]


def test_copies_of_one_model_count_as_one() -> None:
    figures = panel_figures(cast("aharh", "aharh", "aharh"))

    assert figures.correlation == pytest.approx(1)
    assert figures.effective_votes == pytest.approx(1)
    assert (figures.subjects, figures.unanimous) == (5, 5)


def test_models_that_err_apart_count_in_full() -> None:
    figures = panel_figures(cast("aahh", "ahah"))

    assert figures.correlation == pytest.approx(0)
    assert figures.effective_votes == pytest.approx(2)
    assert figures.unanimous == 2


def test_half_correlated_models_count_as_the_formula_says() -> None:
    figures = panel_figures(cast("aaaahhhh", "aaahhhha"))

    assert figures.correlation == pytest.approx(0.5)
    assert figures.effective_votes == pytest.approx(2 / 1.5)


def test_votes_that_never_vary_say_nothing_of_how_many_they_are() -> None:
    figures = panel_figures(cast("aaaa", "aaaa"))

    assert (figures.correlation, figures.effective_votes) == (None, None)
    assert panel_figures([]).effective_votes is None


def test_a_missing_vote_is_counted_as_asked_for_and_no_more() -> None:
    figures = panel_figures(cast("ah-", "ah-"))

    assert (figures.votes, figures.usable, figures.unanimous) == (6, 4, 2)


def test_agreement_with_people_is_kappa() -> None:
    both = [("hold ", "hold "), ("reject ", "reject "), ("hold ", "reject "), ("reject ", "hold ")]

    assert panel_figures([], both).kappa == pytest.approx(0)
    assert panel_figures([], both[:2]).kappa == pytest.approx(1)
    assert panel_figures([], both[:1]).kappa is None


def test_cost_is_of_the_votes_whose_price_is_known() -> None:
    votes = [vote("gpt-a", "hold", cost_usd=0.25, input_tokens=7), vote("claude-b", "hold")]
    figures = panel_figures([votes])

    assert (figures.cost_usd, figures.unpriced, figures.input_tokens) == (0.25, 1, 7)


# ------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    "changed",
    [
        {"models": RULES.models[:1]},
        {"models": (RULES.models[0], RULES.models[0])},
        {"families": {"openai": ("gpt",), "anthropic": ("claude",)}},
        {"families": {"all": ("gpt", "claude", "mistral")}},
        {"agreement": {"min_votes": 2, "min_share": 0.5, "min_families": 2}},
        {"agreement": {"min_votes": 2, "min_share": 0.9, "min_families": 1}},
        {"agreement": {"min_votes": 4, "min_share": 0.9, "min_families": 2}},
        {"addresses_reviewer": ("(",)},
    ],
)
def test_a_panel_that_could_not_decide_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PanelRules.model_validate({**RULES.model_dump(), **changed})
