"""One role for every node of the occupation tree; what it says is what its members say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aina_assets.contracts.work import role_profiles
from aina_assets.warehouse.store import Store
from aina_assets.work_graph.families import title_key


def by_id(store: Store) -> dict[str, dict[str, Any]]:
    return {row["role_id"]: row for row in store.read("roles").to_pylist()}


def test_every_row_is_a_role_profile(sample: Store, real: Store) -> None:
    for store in (sample, real):
        rows = store.read("roles").to_pylist()
        assert len(role_profiles(rows)) == len(rows)
    with pytest.raises(ValidationError, match="confidence"):
        role_profiles([{**rows[0], "confidence": 1.5}])


@pytest.mark.parametrize("which", ["sample", "real"])
def test_every_node_is_a_role_and_none_is_there_twice(
    which: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(which)
    roles = by_id(store)
    occupations = set(store.read("occupations")["onet_soc_code"].to_pylist())
    groups = {row["soc_code"]: row["level"] for row in store.read("soc_groups").to_pylist()}
    assert roles.keys() == occupations | groups.keys()
    assert {code: roles[code]["code_level"] for code in groups} == groups
    assert {roles[code]["code_level"] for code in occupations} == {"onet_soc"}


def test_a_group_holds_the_occupations_below_it(real: Store) -> None:
    roles = by_id(real)
    majors = [row for row in roles.values() if row["code_level"] == "major"]
    assert sum(len(row["onet_soc_codes"]) for row in majors) == 1016
    assert roles["13-1161"]["onet_soc_codes"] == ["13-1161.00", "13-1161.01"]
    assert set(roles["13-1161"]["onet_soc_codes"]) < set(roles["13-1000"]["onet_soc_codes"])
    assert roles["13-1161"]["task_count"] == sum(
        roles[code]["task_count"] for code in roles["13-1161"]["onet_soc_codes"]
    )


def test_tier_and_confidence_fall_with_the_level(real: Store) -> None:
    roles = by_id(real)
    tiers = {(row["code_level"], row["fallback_tier"]) for row in roles.values()}
    assert tiers == {
        ("onet_soc", "exact"),
        ("detailed", "exact"),
        ("broad", "function"),
        ("minor", "function"),
        ("major", "archetype"),
    }
    exact = [row for row in roles.values() if row["fallback_tier"] == "exact"]
    assert {row["confidence"] for row in exact} == {1.0}
    assert roles["11-2000"]["role_family"] == "several"
    assert roles["11-2000"]["confidence"] == 0.6
    assert roles["23-0000"]["role_family"] == "legal_and_policy"
    # Three of its ten occupations are in the ICP: the role stands for few of them.
    assert roles["33-3000"]["is_icp"]
    assert roles["33-3000"]["confidence"] == 0.3


def test_a_family_of_an_occupation_may_be_finer_than_its_group(real: Store) -> None:
    roles = by_id(real)
    assert roles["13-1161"]["role_family"] == "marketing_growth"
    assert roles["13-1161.01"]["role_family"] == "paid_media"
    assert roles["11-2011"]["role_family"] == "paid_media"
    assert roles["35-2014"]["role_family"] == "not_icp"


@pytest.mark.parametrize("level", ["onet_soc", "detailed", "broad", "minor", "major"])
def test_an_alias_names_one_node_of_its_level(real: Store, level: str) -> None:
    names = [
        title_key(alias)
        for row in by_id(real).values()
        if row["code_level"] == level
        for alias in row["aliases"]
    ]
    assert len(names) == len(set(names))


def test_a_title_of_two_occupations_is_an_alias_of_the_group_that_holds_both(real: Store) -> None:
    titles: dict[str, set[str]] = {}
    for row in real.read("alternate_titles").to_pylist():
        titles.setdefault(title_key(row["alternate_title"]), set()).add(row["onet_soc_code"])
    roles = by_id(real)
    aliases = {code: {title_key(name) for name in row["aliases"]} for code, row in roles.items()}
    both = {"13-1161.00", "13-1161.01"}
    shared = [title for title, codes in titles.items() if codes == both]
    assert shared, "the two occupations share titles"
    for title in shared:
        assert title not in aliases["13-1161.00"] | aliases["13-1161.01"]
        assert title in aliases["13-1161"]
    assert roles["13-1161.00"]["ambiguous_alias_count"] >= len(shared)


def test_the_sample_has_occupations_of_every_beta_family(sample: Store) -> None:
    found = {
        row["role_family"] for row in by_id(sample).values() if row["code_level"] == "onet_soc"
    }
    assert {
        "marketing_growth",
        "paid_media",
        "sales",
        "operations_adjacent",
        "founder_executive",
    } <= found
