"""Worked chains are computed exactly; what is not all there is compared with nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.authoring.arithmetic import false_chains
from aina_assets_tests.authoring.drafted import drafted
from aina_assets_tests.authoring.test_findings import (
    applet_sample,
    findings,
    module_sample,
    screen,
    slide,
)

MINUS, TIMES, BY = "\u2212", "\u00d7", "\u00f7"


@pytest.mark.parametrize(
    "text",
    [
        "6/8 = 3/4",
        f"3/4 = (3 {TIMES} 2)/(4 {TIMES} 2) = 6/8",
        "2/3 + 1/6 = 4/6 + 1/6 = 5/6 < 1",
        f"1 {MINUS} 1/4 = 3/4 > 1/2",
        f"12 {BY} 3 {TIMES} 2 = 8",
        "1 3/4 = 7/4",
        "Slide 8 3/4 = 6/8",
        "1/2 = 0.5 = 50%",
        f"2 {TIMES} (3 + 4) = 14",
        f"3 {MINUS} 5 = {MINUS}2",
        # Not all there: nothing is compared.
        "3/4 = 6/\u25a1 and \u25a1/8 = 1/2",
        "3/4 of 12 = 9",
        "9 = 3/4 of 12",
        "1/2 hour = 30 minutes",
        "n + 2 = 5 and 6 = 2n",
        f"13 {BY} 5 = 2 remainder 3",
        "pages 144\u2013147, contrast 4.5 to 1",
        "Is it < or >?",
        "2/3/4 = 5",
        "7 = 123/4/5",
    ],
)
def test_what_holds_or_is_not_all_there_is_let_be(text: str) -> None:
    assert false_chains(text) == []


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("So 6/8 = 4/5.", "6/8 = 4/5"),
        ("We get 2/3 + 1/6 = 3/9 = 1/3 of it.", "2/3 + 1/6 = 3/9 = 1/3"),
        ("1/2 < 3/8 on the line", "1/2 < 3/8"),
        (f"3/4 = 3 {TIMES} 2 + 1 = 7", f"3/4 = 3 {TIMES} 2 + 1 = 7"),
        ("1 3/4 = 13/4", "1 3/4 = 13/4"),
        ("3/0 = 3", "3/0 = 3"),
        (f"2 {TIMES} (3 + 4) = 10", f"2 {TIMES} (3 + 4) = 10"),
        ("1/4 = 40%", "1/4 = 40%"),
        (f"5 {MINUS} 2 \u2260 3", f"5 {MINUS} 2 \u2260 3"),
        ("2/3 = 4/6 = 6/8 = 3/4", "2/3 = 4/6 = 6/8 = 3/4"),
    ],
)
def test_a_false_chain_is_told_as_it_stands(text: str, chain: str) -> None:
    assert false_chains(text) == [chain]


@given(
    st.fractions(min_value=0, max_value=20, max_denominator=24),
    st.fractions(min_value=0, max_value=20, max_denominator=24),
)
def test_a_sum_is_false_just_where_it_does_not_come_out(a: Fraction, b: Fraction) -> None:
    def said(value: Fraction) -> str:
        return f"{value.numerator}/{value.denominator}"

    assert false_chains(f"{said(a)} + {said(b)} = {said(a + b)}") == []
    assert false_chains(f"{said(a)} + {said(b)} = {said(a + b + 1)}") != []
    assert bool(false_chains(f"{said(a)} < {said(b)}")) is not (a < b)


@pytest.mark.parametrize(
    ("field", "text", "chain"),
    [
        ("major_idea_per_slide", "It shows 2/3 + 1/6 = 3/9 = 1/3.", "2/3 + 1/6 = 3/9 = 1/3"),
        ("teacher_action", f"Say: 3/4 = 3 {TIMES} 2/8.", f"3/4 = 3 {TIMES} 2/8"),
        ("student_action", "Write 1/2 < 3/8 beside it.", "1/2 < 3/8"),
    ],
)
def test_a_wrong_chain_fails_the_gate_of_a_module_and_is_quoted(
    field: str, text: str, chain: str
) -> None:
    sample = module_sample()
    if chain.endswith("2/8"):
        text, chain = text.replace("3/4", "5/8"), chain.replace("3/4", "5/8")
    slide(sample, 9)[field] = text
    result = drafted("score_gates", "mod_review", sample)
    (gate,) = (one for one in result["gates"] if one["id"] == "module_mathematics_correct")
    assert gate["finding"] == "not_met"
    assert gate["evidence"] == [{"where": 9, "field": field, "quote": chain}]


def test_a_wrong_chain_fails_the_gate_of_an_applet_and_is_quoted() -> None:
    sample = applet_sample()
    screen(sample, 5)["feedback"]["on_correct"] = "Joined in pairs, 6/8 = 3/4 = 2/3."
    result = drafted("score_gates", "app_review", sample)
    (gate,) = (one for one in result["gates"] if one["id"] == "applet_mathematics_correct")
    assert gate["finding"] == "not_met"
    assert gate["evidence"] == [
        {"where": 5, "field": "feedback.on_correct", "quote": "6/8 = 3/4 = 2/3"}
    ]


def test_what_is_denied_or_asked_is_no_claim() -> None:
    sample = module_sample()
    slide(sample, 9)["teacher_action"] = "It is wrong that 6/8 = 4/5. Is 1/2 < 3/8?"
    assert findings("module", sample)["module_mathematics_correct"] == "met"
