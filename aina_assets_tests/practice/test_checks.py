"""Each kind of check, and what does not count towards any of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from aina_assets.contracts.curriculum import Check
from aina_assets.contracts.practice import CheckFinding
from aina_assets.practice.checks import Counted, Counting, finding
from aina_assets.practice.policy import PracticeRules
from aina_assets.practice.submission import parse
from aina_assets_tests.practice.handed_in import module

RULES = PracticeRules.load().evaluation
MODULE = module()
COUNTING = Counting(MODULE, RULES)

SENTENCES = (
    "The desk moves north in March.",
    "Owners of vans hear it first.",
    "Nobody promised them shorter waiting.",
    "We measured the new barrier twice.",
    "A colleague from security opened it.",
)


def counted(text: str, section: str = "Brief") -> Counted:
    return COUNTING.counted(parse(text, MODULE.exercise.sections), section)


def found(text: str, **check: Any) -> CheckFinding:
    asked: Check = TypeAdapter(Check).validate_python({"section": "Brief", **check})
    return finding(asked, counted(f"## Brief\n\n{text}"), RULES)


def words(text: str) -> int:
    return counted(f"## Brief\n\n{text}").word_count


def items(text: str) -> int:
    return counted(f"## Brief\n\n{text}").item_count


# ----------------------------------------------------------------------------------- kinds of check


def test_a_section_has_so_many_words() -> None:
    text = " ".join(SENTENCES[:2])

    assert found(text, kind="section", min_words=12).holds
    short = found(text, kind="section", min_words=13)
    assert not short.holds
    assert (short.expected, short.found) == (
        "at least 13 words below the heading 'Brief'",
        "12 words",
    )


def test_a_section_without_its_heading_holds_no_check() -> None:
    asked: Check = TypeAdapter(Check).validate_python({"kind": "section", "section": "Brief"})

    result = finding(asked, counted(" ".join(SENTENCES)), RULES)
    assert (result.holds, result.found) == (False, "no heading 'Brief'")


def test_items_are_counted() -> None:
    text = "\n".join(f"- {sentence}" for sentence in SENTENCES[:3])

    assert found(text, kind="items", min_items=3).holds
    short = found(text, kind="items", min_items=4)
    assert (short.holds, short.found) == (False, "3 list items")


TABLE = """\
| Claim | Its source | Verdicts |
|---|---|---|
| moves in March | `plan.pdf` | stands |
| for vans | https://a.example/vans | cut |
"""


def test_a_table_has_its_columns_and_so_many_full_rows() -> None:
    columns = ["verdict", "Claim", "Source"]

    assert found(TABLE, kind="table", columns=columns, min_rows=2).holds
    short = found(TABLE, kind="table", columns=columns, min_rows=3)
    assert (short.holds, short.found) == (False, "2 full rows")


@pytest.mark.parametrize("columns", [["Claim", "Owner"], ["Claim", "Claim"], ["Claims made"]])
def test_a_table_without_one_of_the_columns_does_not_do(columns: list[str]) -> None:
    result = found(TABLE, kind="table", columns=columns, min_rows=1)

    assert (result.holds, result.found) == (False, "no table with all of these columns")


def test_without_a_table_there_is_none() -> None:
    result = found("Claim, Source, Verdict", kind="table", columns=["Claim"], min_rows=1)

    assert (result.holds, result.found) == (False, "no table")


def test_rows_of_two_tables_with_the_columns_add_up_but_not_the_same_row_twice() -> None:
    text = f"{TABLE}\n\nand\n\n{TABLE}| at seven | the site | stands |\n"

    result = found(text, kind="table", columns=["Claim", "Source", "Verdict"], min_rows=3)
    assert (result.holds, result.found) == (True, "3 full rows")


def test_figures_are_counted_once_a_sentence_or_cell() -> None:
    text = "From 12 to 7, then 7 and 7 again. On 2026-03-09 it was 7."
    assert counted(f"## Brief\n\n{text}").figure_count == 4

    grid = "| Run | Before | After |\n|---|---|---|\n| one | 7 | 7 |\n| two | 7 | 5 |\n"
    assert counted(f"## Brief\n\n{grid}").figure_count == 4


def test_sources_are_counted_once() -> None:
    text = "`plan.pdf`, [the plan](plan.pdf), `notes.md`, and `notes.md` once more"

    assert found(text, kind="references", min_count=2).holds
    assert found(text, kind="references", min_count=3).found == "2 sources"


def test_terms_are_whole_words_in_any_case_each_once() -> None:
    text = "It was CUT. It was cut again, and not yet\nconfirmed; nothing was uncorrected."
    terms = ["cut", "not yet confirmed", "corrected"]

    assert found(text, kind="terms", any_of=terms, min_count=2).holds
    result = found(text, kind="terms", any_of=terms, min_count=3)
    assert (result.holds, result.found) == (False, "2 of them")
    assert (
        found("We cut\n\nthe rest", kind="terms", any_of=["cut the rest"]).found == "none of them"
    )


def test_a_term_in_a_heading_of_the_table_is_no_answer() -> None:
    text = "| Claim | cut or corrected |\n|---|---|\n| moves | stands |\n"

    assert not found(text, kind="terms", any_of=["cut", "corrected"]).holds


# ---------------------------------------------------------------------------------- padding is vain


@pytest.mark.parametrize(
    "padding",
    [
        SENTENCES[0],
        "\n".join([SENTENCES[0]] * 40),
        " ".join([SENTENCES[0]] * 40),
        "\n\n".join([SENTENCES[0].upper()] * 40),
        "\n".join([f"- {SENTENCES[0]}"] * 40),
        "\n".join(["the desk moves north in march"] * 40),
        "<!-- " + " ".join(SENTENCES) + " -->",
        "todo " * 40,
        "TBD\n\nN/A\n\n...\n\n- - -",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit. Duis aute irure dolor esse.",
        "xxxxxxxx aaaa zzzzzz " * 20,
        "&nbsp; &#8203; " * 40,
        "\u200b\u2060\u3164 " * 40,
        "<b></b><i></i>" * 40,
        "[//]: # (hidden words that nobody sees)",
    ],
)
def test_padding_adds_no_words(padding: str) -> None:
    before = words(SENTENCES[0])

    # 'sit' is a word of English too.
    assert words(f"{SENTENCES[0]}\n\n{padding}") - before in (0, 1)


@pytest.mark.parametrize("unit", ["one two three ", "the quick brown fox jumps over the lazy dog "])
def test_a_few_words_over_and_over_are_too_little_variety(unit: str) -> None:
    result = found(unit * 60, kind="section", min_words=60)

    assert not result.holds
    assert "differ where at least 30% must" in result.found


def test_more_text_does_not_count_against_a_section() -> None:
    long = " ".join(
        f"In week {number} the {place} desk sent {number * 7} parts to {owner} and noted {why}."
        for number, (place, owner, why) in enumerate(
            zip(
                ["north", "south", "river", "yard", "tower"] * 40,
                ["Anna", "the mill", "a bakery", "two farms", "our own crew", "the school"] * 34,
                ["rust", "a torn belt", "nothing odd", "late pickup"] * 50,
                strict=False,
            )
        )
    )

    assert found(long, kind="section", min_words=150).holds


@pytest.mark.parametrize(
    "item",
    [
        "- ",
        "- ...",
        "- -",
        "- n/a",
        "- N.A.",
        "- todo",
        "- TBD.",
        "- none",
        "- No changes",
        "- x",
        "- xxx",
        "- lorem ipsum",
        "- Change 1",
        "- item 12",
        "- [ ] ",
        "- <!-- one -->",
        "- **",
        "- The desk moves north in March.",
        "- the desk moves north in march",
        "- Which claim would you have let through without the table, and what made it believable?",
    ],
)
def test_what_only_looks_like_an_item_is_none(item: str) -> None:
    assert items(f"- {SENTENCES[0]}\n{item}") == 1


@pytest.mark.parametrize(
    "item",
    [
        "- Payroll",
        "- [the plan](plan.pdf)",
        "- `plan.pdf`",
        "- Case 1: twelve minutes",
        "- Invoice 1042",
        "- 12,500",
        "- 价格",
        "- [x] done with Anna",
    ],
)
def test_a_short_item_that_says_something_counts(item: str) -> None:
    assert items(f"- {SENTENCES[0]}\n{item}") == 2


@pytest.mark.parametrize(
    "cell", ["", " ", "...", "-", "\u2013", "n/a", "N/A.", "todo", "tbd", "lorem ipsum", "x"]
)
def test_a_cell_left_open_leaves_the_row_out(cell: str) -> None:
    text = f"{TABLE}| at seven | {cell} | stands |\n"

    result = found(text, kind="table", columns=["Claim", "Source", "Verdict"], min_rows=3)
    assert (result.holds, result.found) == (False, "2 full rows and 1 with a cell left open")


@pytest.mark.parametrize("cell", ["none", "0", "no", "`a`", "[a](b)", "yes"])
def test_a_short_cell_is_filled(cell: str) -> None:
    text = f"{TABLE}| at seven | {cell} | stands |\n"

    assert found(text, kind="table", columns=["Claim", "Source", "Verdict"], min_rows=3).holds


def test_a_column_that_was_not_asked_for_may_stay_empty() -> None:
    text = "| Claim | Note | Source |\n|---|---|---|\n| a claim | | the plan |\n"

    assert found(text, kind="table", columns=["Claim", "Source"], min_rows=1).holds


# -------------------------------------------------------------------------------- the module's text


@pytest.mark.parametrize(
    "own",
    [
        MODULE.lesson.explain,
        MODULE.lesson.worked_example,
        MODULE.lesson.guided_try,
        MODULE.lesson.reflection,
        "\n\n".join(criterion.observable for criterion in MODULE.rubric.criteria),
        # As it is copied from a page: every paragraph on one line.
        "\n\n".join(" ".join(part.split()) for part in MODULE.lesson.explain.split("\n\n")),
        "\n".join(f"> {line}" for line in MODULE.lesson.explain.splitlines()),
        "\n".join(f"- {line}" for line in MODULE.lesson.explain.split(". ")),
        MODULE.lesson.explain.upper(),
        "```\n" + MODULE.lesson.explain + "\n```",
    ],
)
def test_the_modules_own_text_is_not_the_learners(own: str) -> None:
    result = counted(f"## Brief\n\n{own}")

    assert result.word_count < 20, result.text
    assert result.item_count == 0


def test_a_sentence_of_ones_own_counts_beside_copied_ones() -> None:
    first, *_ = MODULE.lesson.explain.split("\n\n")

    assert words(f"{first} {SENTENCES[1]}") == words(SENTENCES[1])
    assert words(f"{SENTENCES[1]}\n{first}") == words(SENTENCES[1])


def test_a_copied_term_is_not_used() -> None:
    assert not found(MODULE.lesson.worked_example, kind="terms", any_of=["corrected", "cut"]).holds


# ----------------------------------------------------------------------------------------- findings


def test_a_finding_has_no_word_of_the_submission() -> None:
    text = "- zanzibar\n- zanzibar\n\n| zanzibar |\n|---|\n| zanzibar |\n\nzanzibar `zanzibar` 4711"
    checks: list[dict[str, Any]] = [
        {"kind": "section", "min_words": 99},
        {"kind": "items", "min_items": 99},
        {"kind": "table", "columns": ["Claim"], "min_rows": 99},
        {"kind": "figures", "min_count": 99},
        {"kind": "references", "min_count": 99},
        {"kind": "terms", "any_of": ["cut"]},
    ]

    for check in checks:
        said = found(text, **check).model_dump_json()
        assert "zanzibar" not in said
        assert "4711" not in said
