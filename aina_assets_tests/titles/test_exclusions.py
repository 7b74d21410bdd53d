"""A title is excluded by an authored rule, by the first that fires, and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.titles.exclusions import TitleExclusions
from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.policy import TitleWords
from aina_assets.work_graph.policy import Icp, IcpTitle

NORMALISER = Normaliser(TitleWords.load())
EXCLUSIONS = TitleExclusions.of(Icp.load())


def reasons(titles: list[str], exclusions: TitleExclusions = EXCLUSIONS) -> list[str | None]:
    table = NORMALISER(titles)
    return exclusions.reasons(table["key"].to_pylist(), table["cleaned"].to_pylist())


@pytest.mark.parametrize(
    "title",
    [
        # Beginners
        "Junior Marketing Coordinator", "Entry level sales development representative",
        "Marketing intern", "Student Affairs Director", "Student Success Coach",
        "International Student Advisor", "Dean of Students", "Student-Union Consultant",
        # Operators
        "Operations Manager", "Revenue operations manager", "Forklift operator",
        # Founders
        "Founder", "Co-Founder & CEO", "Solopreneur", "Owner", "Self employed", "Freelancer",
        # Words that only resemble a rule's
        "Retirement Plan Consultant", "Semi-Retired Consultant", "Retiree Benefits Specialist",
        "Volunteer Coordinator", "Homemaker Aide", "Job Seeker Services Coordinator",
        "Former Tender", "Crown Former", "Test Engineer", "Police Sergeant", "Veterans Counselor",
        "Sales Rep @ Acme", "C++ Developer", "CEO", "QA", "\u533b\u751f",
    ],
)  # fmt: skip
def test_work_is_not_excluded(title: str) -> None:
    assert reasons([title]) == [None]


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("Retired accountant", "retired"),
        ("Retired, former VP of Sales", "retired"),
        ("retired", "retired"),
        ("Professor Emeritus", "retired"),
        ("Former VP of Sales", "former"),
        ("Ex-Google Engineer", "former"),
        ("Student", "student"),
        ("PhD student", "student"),
        ("Student at State University", "student"),
        ("MBA Candidate", "student"),
        ("Unemployed", "out_of_work"),
        ("Seeking new opportunities", "out_of_work"),
        ("Stay-at-home mom", "homemaker"),
        ("Housewife", "homemaker"),
        ("Mother", "family_member"),
        ("Volunteer", "volunteer"),
        ("Inmate", "in_custody"),
        ("Lieutenant Colonel", "military_rank"),
        ("", "no_text"),
        ("---", "no_text"),
        ("12345", "no_text"),
        ("x", "no_text"),
        ("\U0001f4a5", "no_text"),
        ("N/A", "placeholder"),
        ("none", "placeholder"),
        ("asdf", "placeholder"),
        ("someone@example.com", "contact_details"),
        ("https://example.com/me", "contact_details"),
        ("Tel. 555 0100 200", "contact_details"),
    ],
)
def test_what_is_no_work_is_excluded_by_its_rule(title: str, rule: str) -> None:
    assert reasons([title]) == [rule]


def test_every_rule_says_why() -> None:
    assert all(len(rule.reason.split()) > 1 for rule in EXCLUSIONS.rules)


def test_whole_and_contained_values_are_keys() -> None:
    for rule in EXCLUSIONS.rules:
        phrases = rule.unless if rule.kind == "regex" else (*rule.values, *rule.unless)
        assert [NORMALISER.key(phrase) for phrase in phrases] == list(phrases)


def test_the_first_rule_that_fires_decides_and_the_document_says_which() -> None:
    rules = (
        IcpTitle(id="cats", kind="contains", values=("cat",), reason="cats", unless=("cat food",)),
        IcpTitle(id="cat_sitter", kind="whole", values=("cat sitter",), reason="sitters"),
        IcpTitle(id="bang", kind="regex", values=("!$",), reason="shouting"),
    )
    titles = ["Cat Sitter", "Cat Food Tester!", "Category Manager", "Cat!"]
    assert reasons(titles, TitleExclusions(rules)) == ["cats", "bang", None, "cats"]
    assert reasons(titles, TitleExclusions(rules[1:])) == ["cat_sitter", "bang", None, "bang"]
    assert reasons(titles, TitleExclusions(())) == [None] * 4


def test_a_malformed_expression_names_its_rule() -> None:
    rule = IcpTitle(id="broken", kind="regex", values=("(",), reason="broken")
    with pytest.raises(AuthoredDocumentError, match="title rule broken"):
        TitleExclusions((rule,))


@settings(max_examples=300)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_titles_are_answered_each(titles: list[str]) -> None:
    ids = {rule.id for rule in EXCLUSIONS.rules} | {None}
    found = reasons(titles)
    assert len(found) == len(titles)
    assert set(found) <= ids
