"""Titles are read the same way each time, whatever they are, and by the words of the document."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.titles.normalise import PARSED_SCHEMA, RUNGS, Normaliser
from aina_assets.titles.policy import TitleWords

GOLDEN = list(
    csv.DictReader((Path(__file__).parent / "golden_titles.csv").read_text("utf-8").splitlines())
)
WORDS = TitleWords.load()
NORMALISER = Normaliser(WORDS)
KEYS = (*RUNGS, "sorted_key")

# Scraps of which odd titles are made: separators, cuts and abbreviations in any order.
ODDMENTS = (
    "sr mgr director of and & / - ( ) , | manager ii 3 level #123 r d .net c++ remote at acme in"
    " chicago tx it u.s. jr's a b s associate senior III Ⅲ ß ﬀ ñ ' \" @ -- vice president"
    " accountants staff lead full-time part time ﷺ 中文 हिन्दी \x00 💥 &amp; req id: 4411"
)
SCRAPS = st.sampled_from(ODDMENTS.split(" "))
TITLES = st.one_of(
    st.text(max_size=80),
    st.lists(SCRAPS, max_size=14).map(" ".join),
    st.lists(SCRAPS, max_size=14).map("".join),
)


def changed(path: tuple[str, ...], value: Any) -> Normaliser:
    """The normaliser by the document with one entry put in or replaced."""
    document = WORDS.model_dump()
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return Normaliser(TitleWords.model_validate(document))


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["title"])
def test_a_title_of_the_golden_table_reads_as_recorded(row: dict[str, str]) -> None:
    parsed = NORMALISER.parse(row["title"])
    columns = [name for name in row if name not in ("family", "title")]
    assert {name: getattr(parsed, name) or "" for name in columns} == {
        name: row[name] for name in columns
    }


def test_the_golden_table_covers_the_beta_families() -> None:
    assert {row["family"] for row in GOLDEN} == {
        "marketing and growth",
        "paid media",
        "sales",
        "operations",
        "founder and executive",
        "messy",
    }


def test_every_step_is_told() -> None:
    parsed = NORMALISER.parse("Sr. Growth Mktg Mgr (Remote) - Acme")
    assert parsed.steps == (
        ("employment", "remote", "sr growth mktg mgr acme"),
        ("company", "acme", "sr growth mktg mgr"),
        ("abbreviation", "sr, mktg, mgr", "sr growth mktg mgr"),
        ("seniority", "senior", "growth marketing manager"),
    )
    assert parsed.rules == ("employment", "company", "abbreviation", "seniority")
    assert parsed.modifiers == ("senior", "growth", "marketing")
    assert parsed.sorted_key == "growth manager marketing senior"


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("  data \t scientist\u00a0", "data scientist"),
        ("Re\u0301sume\u0301 Writer", "resume writer"),
        ("\ufb01nancial analyst", "financial analyst"),
        ("Children&#39;s Librarian", "childrens librarian"),
        ("Women\u2019s Health Nurse", "womens health nurse"),
        ("Marketing \u2013 Manager", "marketing manager"),
        ("R &AMP; D Engineer", "r&d engineer"),
        ("R and D Engineer", "r&d engineer"),
        ("FP & A Manager", "fp&a manager"),
        ("Sales & Marketing", "sales and marketing"),
        ("C++/.NET Developer, C#", "c++/.net developer c#"),
        ("U.S. Sales Rep.", "us sales rep"),
        ("Waiter / Waitress", "waiter/waitress"),
        ("Manager\x00\u200b\ud800", "manager"),
        ("", ""),
        ("\U0001f4a5\U0001f525", ""),
    ],
)
def test_a_key_folds_how_a_title_is_written(title: str, key: str) -> None:
    assert NORMALISER.parse(title).key == key


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("nurses", "nurse"),
        ("secretaries", "secretary"),
        ("salespeople", "salesperson"),
        ("analysts", "analyst"),
        ("coaches", "coach"),
        ("bosses", "boss"),
        ("bus", "bus"),
        ("sales", "sales"),
        ("operations", "operations"),
        ("chefs", "chef"),
        ("manager", "manager"),
    ],
)
def test_singulars(plural: str, singular: str) -> None:
    assert NORMALISER.singular(plural) == singular


def test_an_inversion_shares_its_sorted_key_with_what_it_inverts() -> None:
    for one, other in [
        ("Director of Sales", "Sales Director"),
        ("Accountant, Tax", "Tax Accountants"),
        ("Manager, Sales and Marketing", "Sales & Marketing Mgr"),
    ]:
        assert NORMALISER.parse(one).sorted_key == NORMALISER.parse(other).sorted_key


@settings(max_examples=400)
@given(st.lists(TITLES, max_size=8))
def test_any_titles_give_one_row_each_in_order(titles: list[str]) -> None:
    table = NORMALISER(titles)
    assert table.schema.equals(PARSED_SCHEMA)
    assert table.num_rows == len(titles)
    assert table["key"].to_pylist() == [NORMALISER.parse(title).key for title in titles]


@settings(max_examples=600)
@given(TITLES)
def test_every_key_is_its_own_key(title: str) -> None:
    parsed = NORMALISER.parse(title)
    for name in KEYS:
        key = getattr(parsed, name)
        if key is None:
            continue
        assert NORMALISER.key(key) == key
        assert key == key.casefold()
        assert all(character.isprintable() for character in key)
        assert len(key) <= WORDS.max_length


@settings(max_examples=200)
@given(TITLES)
def test_rows_do_not_depend_on_their_neighbours(title: str) -> None:
    alone = NORMALISER([title]).to_pylist()
    assert NORMALISER(["Sr. Mgr - Acme", title]).slice(1).to_pylist() == alone


@pytest.mark.parametrize(
    "scrap",
    ["a", "a ", "(", "sr ", "- ", "&amp;", "1-", "\ufdfa", "#1", "a.b.", "\x00", "remote ", "a1"],
)
def test_a_title_of_any_length_is_read_by_its_beginning(scrap: str) -> None:
    long = NORMALISER.parse(scrap * 10_000)
    longer = NORMALISER.parse(scrap * 20_000)
    assert long == longer
    assert all(len(getattr(long, name) or "") <= WORDS.max_length for name in KEYS)


def test_a_null_reads_as_no_text() -> None:
    assert NORMALISER([None, ""])["key"].to_pylist() == ["", ""]


def test_no_titles_give_no_rows() -> None:
    assert NORMALISER([]).schema.equals(PARSED_SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "title", "column", "before", "after"),
    [
        (("abbreviations", "zmgr"), "manager", "Zmgr", "expanded_key", "zmgr", "manager"),
        (("spellings", "co pilot"), "copilot", "Co-Pilot", "expanded_key", "co pilot", "copilot"),
        (("gendered", "lineman"), "line worker", "Lineman", "expanded_key", "lineman",
         "line worker"),
        (("levels", "xi"), "11", "Clerk XI", "core_key", "clerk xi", "clerk"),
        (("level_markers",), (), "Sales Level 2", "core_key", "sales", "sales level 2"),
        (("locations", "codes"), (), "Account Executive, TX", "core_key", "account executive",
         "account executive tx"),
        (("company_max_words",), 0, "Marketing Manager - Acme", "core_key", "marketing manager",
         "marketing manager acme"),
        (("company_prepositions",), (), "Engineer at Acme", "core_key", "engineer",
         "engineer at acme"),
        (("of_heads",), (), "Director of Sales", "inverted_key", "sales director", None),
        (("leaders",), (), "Manager Marketing", "inverted_key", "marketing manager", None),
        (("ranks",), (), "VP - Risk Analyst", "level_cut_key", "risk analyst", None),
        (("seniority",), (), "Senior Analyst", "level_cut_key", "analyst", None),
        (("max_length",), 32, "Associate Director of Product Marketing", "key",
         "associate director of product marketing", "associate director of product"),
    ],
)  # fmt: skip
def test_the_document_decides(
    path: tuple[str, ...], value: object, title: str, column: str, before: str, after: str | None
) -> None:
    assert getattr(NORMALISER.parse(title), column) == before
    assert getattr(changed(path, value).parse(title), column) == after


def test_employment_and_noise_are_the_documents() -> None:
    without = Normaliser(WORDS.model_copy(update={"employment": (), "noise": ()}))
    title = "Part-Time Cashier (Weekends)"
    assert NORMALISER.parse(title).core_key == "cashier"
    assert without.parse(title).core_key == "part time cashier"
    assert without.parse(title).employment_type is None


def test_words_of_known_titles_are_neither_employers_nor_strange() -> None:
    vocabulary = frozenset({"frob wrangler", "spoon wrangler", "chief wrangler"})
    knowing = Normaliser(WORDS, vocabulary)
    assert NORMALISER.parse("Analyst - Frob").company == "frob"
    assert knowing.parse("Analyst - Frob").company is None
    assert knowing.parse("Wrangler, Cattle").inverted_key == "cattle wrangler"
    assert NORMALISER.parse("Wrangler, Cattle").inverted_key is None


def test_titles_that_only_look_like_what_is_cut_stay_whole() -> None:
    for title in [
        "Contract Manager",
        "Remote Sensing Scientist",
        "Attorney at Law",
        "Senior Living Director",
        "Lead Generation Specialist",
        "US Customs Officer",
        "Manager - Marketing",
        "Sales",
        "Remote",
        "911 Operator",
        "3D Artist",
    ]:
        parsed = NORMALISER.parse(title)
        assert parsed.core_key == parsed.key
