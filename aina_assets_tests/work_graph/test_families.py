"""Every ICP occupation is in exactly one family, and titles fall where a reader would put them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.families import FamilyRules, require_placed, title_key, unplaced
from aina_assets.work_graph.policy import Families, Icp

BETA = {"marketing_growth", "paid_media", "sales", "operations_adjacent", "founder_executive"}
OTHERS = {
    "software_and_data",
    "finance_and_accounting",
    "people_and_learning",
    "legal_and_policy",
    "design_and_content",
    "science_and_engineering",
    "health_and_care_professionals",
}


@pytest.fixture(scope="module")
def rules() -> FamilyRules:
    return FamilyRules(Families.load(), Icp.load())


def test_there_are_twelve_families_and_five_are_beta() -> None:
    families = Families.load().families
    assert {family.id for family in families} == BETA | OTHERS
    assert {family.id for family in families if family.is_beta} == BETA


def detailed(store: Store) -> list[str]:
    rows = store.read("soc_groups").to_pylist()
    return [row["soc_code"] for row in rows if row["level"] == "detailed"]


def test_every_detailed_icp_occupation_of_the_soc_is_in_a_family(
    rules: FamilyRules, real: Store
) -> None:
    codes = detailed(real)
    assert len(codes) == 867
    assert unplaced(rules, codes) == []
    outside = [code for code in codes if not rules.is_icp(code)]
    assert {rules.family_of_soc(code) for code in outside} == {None}
    assert len(codes) - len(outside) == 425


def test_every_major_group_is_decided(real: Store) -> None:
    occupations = Icp.load().occupations
    named = [group.code for group in (*occupations.major_groups_in, *occupations.major_groups_out)]
    assert sorted(named) == sorted({code[:2] for code in detailed(real)})


def test_every_rule_is_about_a_code_that_exists(real: Store) -> None:
    codes = [row["soc_code"] for row in real.read("soc_groups").to_pylist()]
    families = Families.load().families
    rules = [code for family in families for code in family.soc]
    rules += [code for family in families for item in family.functions for code in item.soc]
    rules += [code for family in families for item in family.titles for code in item.over]
    rules += [item.code for item in Icp.load().occupations.exceptions]
    assert [rule for rule in rules if not any(code.startswith(rule) for code in codes)] == []


def test_an_occupation_in_no_family_is_an_error() -> None:
    families = Families.load()
    without_law = families.model_copy(
        update={
            "families": tuple(
                family.model_copy(update={"soc": ("11-1031",)})
                if family.id == "legal_and_policy"
                else family
                for family in families.families
            )
        }
    )
    with pytest.raises(AuthoredDocumentError, match="1 in none: 23-1011"):
        require_placed(FamilyRules(without_law, Icp.load()), ["23-1011", "11-2021"])


def test_two_families_with_the_same_rule_are_an_error() -> None:
    document = Families.load().model_dump()
    document["families"][0]["soc"] = ("15-1252",)
    document["families"][1]["soc"] = ("15-1252",)
    with pytest.raises(ValidationError, match="SOC rule more than once: 15-1252"):
        Families.model_validate(document)


@pytest.mark.parametrize(
    ("title", "family"),
    [
        ("Growth Marketing Manager", "marketing_growth"),
        ("Head of Growth", "marketing_growth"),
        ("Product Marketing Manager", "marketing_growth"),
        ("Social Media Manager", "marketing_growth"),
        ("PPC Specialist", "paid_media"),
        ("Paid Search Analyst", "paid_media"),
        ("Senior Media Buyer", "paid_media"),
        ("Programmatic Trader", "paid_media"),
        ("Performance Marketing Manager", "paid_media"),
        ("SEM Manager", "paid_media"),
        ("Account Executive", "sales"),
        ("Sales Development Representative", "sales"),
        ("Customer Success Manager", "sales"),
        ("Operations Manager", "operations_adjacent"),
        ("Revenue Operations Manager", "operations_adjacent"),
        ("Project Managers", "operations_adjacent"),
        ("Founder & CEO", "founder_executive"),
        ("Co-Founder", "founder_executive"),
        ("Chief of Staff", "founder_executive"),
        ("Small Business Owner", "founder_executive"),
        ("Data Engineer", "software_and_data"),
        ("Product Owner", "software_and_data"),
        ("Chief Financial Officer", "finance_and_accounting"),
        ("HR Business Partner", "people_and_learning"),
        ("General Counsel", "legal_and_policy"),
        ("UX Researcher", "design_and_content"),
        ("Mechanical Engineer", "science_and_engineering"),
        ("Nurse Manager", "health_and_care_professionals"),
        ("Wizard", None),
        ("Seminar Leader", None),
    ],
)
def test_a_title_without_a_code_has_the_family_of_its_words(
    rules: FamilyRules, title: str, family: str | None
) -> None:
    assert rules.family_of_title(title_key(title), None) == family


def test_words_overrule_a_code_only_where_that_is_authored(rules: FamilyRules) -> None:
    assert rules.family_of_title("ppc specialist", "13-1161") == "paid_media"
    assert rules.family_of_title("owner", "11-1021") == "founder_executive"
    assert rules.family_of_title("sales nurse", "29-1141") == "health_and_care_professionals"
    assert rules.family_of_title("software engineer", "13-2011") == "finance_and_accounting"


def test_no_words_bring_an_occupation_into_the_icp(rules: FamilyRules) -> None:
    assert rules.family_of_title("marketing manager", "35-2014") is None
    assert rules.family_of_title("founder", "41-2011") is None


def test_of_a_group_only_the_words_say_a_family(rules: FamilyRules) -> None:
    assert rules.family_of_title("marketing lead", "11-2000") == "marketing_growth"
    assert rules.family_of_title("lead", "11-2000") is None


def test_functions_and_seniority(rules: FamilyRules) -> None:
    assert rules.function_of("paid_media", "senior media buyer", "13-1161") == (
        "Media planning and buying"
    )
    assert rules.function_of("sales", "agent", "41-9022") == "Real estate sales"
    assert rules.function_of("not_icp", "cook", "35-2014") is None
    standing: dict[str, Any] = {
        "chief executives": "executive",
        "marketing managers": "manager",
        "first-line supervisors of non-retail sales workers": "supervisor",
        "executive secretaries and executive administrative assistants": "associate",
        "paralegals and legal assistants": "associate",
    }
    assert {title: str(rules.seniority_of(title, 4)) for title in standing} == standing
    assert rules.seniority_of("accountants", 4) == "professional"
    assert rules.seniority_of("typists", 2) == "entry"
    assert rules.seniority_of("generals", None) == "mixed"
