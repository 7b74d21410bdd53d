"""What a submission is read as: its sections, items, tables, figures and sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.practice.submission import (
    cleaned,
    folded,
    marked,
    parse,
    piece,
    sentences,
    words_of,
)

ASKED = ("Brief", "What I changed")

ANYTHING = st.text(st.characters(exclude_categories=()))
"""Any string Python can hold, lone surrogates included."""
BITS = (
    *("# ", "## Brief", "**Brief.**", "\n", "\n\n", "- ", "1. ", "> ", "| ", "|---|", "```", "~~~"),
    *("<!--", "-->", "<script>", "`", "``", "[", "](", ")", "[a]: ", "&amp;", "\t", "    ", "==="),
    *("---", "https://a.example/b", "word", "What I changed", "12,5 %", "\u200b", "\ue000", "é"),
)
MARKDOWN = st.lists(st.sampled_from(BITS), max_size=60).map("".join)


def words_below(text: str, name: str = "Brief") -> str:
    section = parse(text, ASKED).section(name)
    lines = (line for passage in section.passages for line in passage.lines)
    return " ".join(word for line in lines for word in piece(marked(line)).words)


def items_below(text: str, name: str = "Brief") -> list[str]:
    section = parse(text, ASKED).section(name)
    return [" ".join(item.lines) for item in section.passages if item.kind == "item"]


@pytest.mark.parametrize(
    "heading",
    [
        "# Brief",
        "###### Brief",
        "## brief ##",
        "## BRIEF:",
        "## **Brief**",
        "## 1. Brief",
        "## 2) Brief",
        "## Brief (second version)",
        "## Brief: the spring mail",
        "## Brief - the spring mail",
        "Brief\n=====",
        "Brief\n-----",
        "**Brief**",
        "**Brief.**",
        "__Brief__",
        "**Brief**:",
        "## Br\u200bief",
        "## Ｂｒｉｅｆ",  # noqa: RUF001 - full-width letters, as meant
    ],
)
def test_a_section_begins_at_its_heading_however_it_is_written(heading: str) -> None:
    submission = parse(f"before\n\n{heading}\n\nafter it", ASKED)

    assert submission.section("Brief").is_there
    assert words_below(f"before\n\n{heading}\n\nafter it") == "after it"
    assert not submission.section("What I changed").is_there


@pytest.mark.parametrize(
    "text",
    [
        "## Briefing\n\nafter",
        "## My brief\n\nafter",
        "## Brief-case\n\nafter",
        "```\n## Brief\n\nafter\n```",
        "~~~ markdown\n**Brief**\nafter\n~~~",
        "<!--\n## Brief\n-->\nafter",
        "<!-- never closed\n\n## Brief\n\nafter",
        "- ## Brief\n  after",
        "> ## Brief\n> after",
        "**Brief** was what we called it then",
        "a line that names the **Brief.**",
        "Brief\n\nafter",
    ],
)
def test_what_only_looks_like_a_heading_begins_no_section(text: str) -> None:
    assert not parse(text, ASKED).section("Brief").is_there


def test_text_may_follow_a_name_in_bold_on_its_line() -> None:
    text = "**Brief.** one two\nthree\n**What I changed:** four\n\nfive"

    assert words_below(text) == "one two three"
    assert words_below(text, "What I changed") == "four five"


def test_headings_that_were_not_asked_for_are_part_of_the_text_they_stand_in() -> None:
    text = (
        "## Brief\n\none\n\n# A headline\n\ntwo\n\n### Deeper\n\nthree\n\n## What I changed\n\nfour"
    )

    assert words_below(text) == "one a headline two deeper three"
    assert words_below(text, "What I changed") == "four"


def test_a_name_that_comes_twice_goes_on_where_it_was_left() -> None:
    text = "## Brief\n\none\n\n## What I changed\n\ntwo\n\n## Brief\n\nthree"

    assert words_below(text) == "one three"
    assert parse(text, ASKED).section("brief").source == "## Brief\n\none\n\n## Brief\n\nthree"


def test_comments_are_no_text_and_stay_in_the_source() -> None:
    text = "## Brief\n\nseen <!-- hidden --> seen\n\n<!-- hidden\n\nhidden -->\n"

    assert words_below(text) == "seen seen"
    assert "hidden" in parse(text, ASKED).section("Brief").source


@pytest.mark.parametrize("tag", ["script", "style", "template"])
def test_what_a_page_never_shows_is_no_text(tag: str) -> None:
    assert words_below(f"## Brief\n\n<{tag}>\nhidden\n</{tag}>\n\nseen") == "seen"
    assert words_below(f"## Brief\n\n<{tag}>\nhidden, never closed\n") == ""


def test_a_code_block_is_text_without_items_or_tables() -> None:
    text = "## Brief\n\n```\n- one\n| a | b |\n|---|---|\n| c | d |\n```\n"
    section = parse(text, ASKED).section("Brief")

    assert [passage.kind for passage in section.passages] == ["code"]
    assert section.tables == ()
    assert words_below(text) == "one a b c d"


def test_items_are_those_of_lists_nested_ones_apart_and_of_pasted_bullets() -> None:
    assert items_below("## Brief\n\n- one\n  - two\n- [x] three\n\n1. four\n\n• five\n◦ six") == [
        "two",
        "one",
        "three",
        "four",
        "five",
        "six",
    ]


def test_a_table_is_read_cell_by_cell() -> None:
    text = "## Brief\n\n| Claim | Source |\n|:--|--:|\n| a \\| b | `c` |\n| d |\n"
    (table,) = parse(text, ASKED).section("Brief").tables

    assert table.columns == ("Claim", "Source")
    assert table.rows == (("a | b", "`c`"), ("d", ""))


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("see [the plan](https://a.example/plan.pdf)", ["https://a.example/plan.pdf"]),
        ('see [the plan](files/plan.pdf "its title")', ["files/plan.pdf"]),
        ("see https://a.example/x?y=1.", ["https://a.example/x?y=1"]),
        ("see <https://A.example/>, www.b.example", ["https://a.example", "www.b.example"]),
        ("`plan.pdf` and ``minutes `of` May``", ["plan.pdf", "minutes `of` may"]),
        ("[1]: https://a.example/plan", ["https://a.example/plan"]),
        ("[here](#top), [mail](mailto:x), `...`, [ ]( )", []),
        ("no closing ` tick", []),
        ("`plan.pdf`, `Plan.pdf`, `plan.pdf`", ["plan.pdf"]),
    ],
)
def test_sources_are_links_and_what_stands_in_backticks(text: str, references: list[str]) -> None:
    assert list(piece(marked(text)).references) == references


def test_a_link_may_be_defined_anywhere() -> None:
    submission = parse("## Brief\n\n[the plan][1] and [notes]\n\n## What I changed\n\n"
                       "- x\n\n[1]: https://a.example/p\n[notes]: n.md\n", ASKED)  # fmt: skip

    assert submission.links == {"1": "https://a.example/p", "notes": "n.md"}
    found = piece(marked("[the plan][1] and [notes]", submission.links))
    assert found.references == ("https://a.example/p", "n.md")


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("12,500 EUR, 7.5 % and 2026-03-09", ["12,500", "7.5", "2026-03-09"]),
        ("€400k of 3 in 12", ["400", "3", "12"]),
        ("１２ of ٤", ["12", "4"]),  # noqa: RUF001 - other digits, as meant
        ("Q3, v2 and b12", []),
        ("`report_2026.xlsx`, https://a.example/2026/03", []),
        ("5 and 5 and 5", ["5"]),
    ],
)
def test_figures_are_numbers_outside_of_code_and_links(text: str, figures: list[str]) -> None:
    assert list(piece(marked(text)).figures) == figures


def test_sentences_do_not_end_within_code_or_links() -> None:
    text = "One `a. b` two. Three https://a.example/b.c?d four! Five"

    assert [piece(item).words for item in sentences(marked(text))] == [
        ("one", "a", "b", "two"),
        ("three", "four"),
        ("five",),
    ]


def test_what_cannot_be_seen_is_gone() -> None:
    assert cleaned("a\u200bb\u00adc\u202ed\ufe0fe\x00f\u2800g") == "abcdefg"
    assert cleaned("a\r\nb\rc\u2028d\x0be") == "a\nb\nc\nd\ne"
    assert cleaned("\ud800a") == "\ufffda"
    assert words_of("a&#8203;b &nbsp; c") != ()
    assert piece(marked("to&#8203;ken &amp; &nbsp;")).words == ("token",)


def test_folding_makes_digits_and_dashes_plain() -> None:
    assert folded("１２–٣４") == "12-34"  # noqa: RUF001 - other digits, as meant


def test_marks_of_its_own_cannot_be_brought_along() -> None:
    assert piece(marked("\ue000made up\ue001 &#xE002;x&#xE003;")).references == ()


@given(MARKDOWN | ANYTHING)
def test_every_line_is_in_exactly_one_section(text: str) -> None:
    whole = parse(text, ()).opening.source
    parts = parse(text, ASKED).parts()

    lines = [line for part in parts for line in part.source.split("\n") if line]
    assert sorted(lines) == sorted(line for line in whole.split("\n") if line)


@given(MARKDOWN | ANYTHING)
def test_any_string_can_be_read(text: str) -> None:
    submission = parse(text, ASKED)

    for part in submission.parts():
        for passage in part.passages:
            for sentence in sentences(marked("\n".join(passage.lines), submission.links)):
                assert all(word == word.casefold() for word in piece(sentence).words)


@pytest.mark.parametrize(
    "unit", ["*", "|", "#", "_", "`", "~", ">", "<", "<!--", "](", "&", "[", "\\", "\u0301\u0316"]
)
def test_a_megabyte_of_one_mark_is_read(unit: str) -> None:
    submission = parse(unit * (1_000_000 // len(unit)), ASKED)

    for part in submission.parts():
        for passage in part.passages:
            assert piece(marked("\n".join(passage.lines), submission.links)).references == ()


@pytest.mark.parametrize("deep", ["[" * 500_000 + "]" * 500_000, "(" * 500_000 + ")" * 500_000])
def test_a_megabyte_of_nested_brackets_is_read(deep: str) -> None:
    submission = parse(f"## Brief\n\n{deep}", ASKED)

    (passage,) = submission.section("Brief").passages
    assert piece(marked(passage.lines[0])).words == ()
