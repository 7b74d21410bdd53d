"""Drafts: within their limits, traced to their row, without wording that reviewers do not allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aina_assets.gdpval.drafts import (
    Draft,
    banned_terms,
    draft,
    kept_criteria,
    redacted,
    sample_criterion,
)
from aina_assets.gdpval.policy import DraftRules
from aina_assets.warehouse.digests import digest_of_json
from aina_assets_tests.gdpval.chain import rules

LIMITS = rules().drafts

TEXTS = (
    "The stock count lists every shelf with its shortfall.",
    "Reorder quantities follow from weekly demand and delivery time.",
    "The attached price sheet is used without typed numbers.",
    "Slow articles are named with months on hand.",
    "A supplier change gives savings and a guarantee.",
)


def task(texts: tuple[str, ...] = TEXTS, points: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row of scenarios and one of tasks, for a shop that does not exist."""
    rubric = [
        {"criterion_id": f"item-{number}", "points": points, "text": text}
        for number, text in enumerate(texts, 1)
    ]
    scenario = {
        "occupation": "Order Clerks",
        "sector": "Retail Trade",
        "deliverable": "One spreadsheet (xlsx).",
        "rubric": rubric,
        "reference_uris": ["hf://somewhere/stock.xlsx"],
        "deliverable_uris": ["hf://somewhere/order.xlsx"],
    }
    return scenario, {"task_id": "t-1", "source_row": 7, "prompt": "Count and reorder."}


def made(texts: tuple[str, ...] = TEXTS, points: int = 2) -> Draft:
    return draft("candidate_pack", *task(texts, points), LIMITS)


@given(st.lists(st.integers(min_value=-10, max_value=30), max_size=40))
def test_criteria_stay_within_the_limits(points: list[int]) -> None:
    rubric = [{"points": number, "text": f"Point {number}."} for number in points]

    kept = kept_criteria(rubric, LIMITS)

    assert len(kept) <= LIMITS.max_criteria
    assert sum(min(item["points"], LIMITS.most_points) for _, item in kept) <= LIMITS.max_points
    assert all(item["points"] > 0 for _, item in kept)
    assert [place for place, _ in kept] == sorted(place for place, _ in kept)
    giving = sum(number > 0 for number in points)
    assert len(kept) >= min(giving, LIMITS.min_criteria)


def test_a_draft_is_traced_to_its_row_and_names_files_only() -> None:
    scenario, row = task()

    found = draft("candidate_pack", scenario, row, LIMITS)

    assert (found.task_id, found.source_row) == ("t-1", 7)
    assert found.source_digest == digest_of_json(row)
    assert [item.source_item for item in found.criteria] == [1, 2, 3, 4, 5]
    assert found.reference_uris == ("hf://somewhere/stock.xlsx",)
    assert row["prompt"] not in "\n".join(found.texts())
    assert "row 7" in found.task
    assert "Order Clerks" in found.task


def test_another_row_of_the_source_is_another_draft() -> None:
    scenario, row = task()
    other = draft("candidate_pack", scenario, row | {"prompt": "Count again."}, LIMITS)
    assert other.source_digest != made().source_digest


def test_banned_wording_is_replaced_and_looked_for() -> None:
    assert banned_terms(TEXTS, LIMITS) == ["attached", "guarantee"]
    assert banned_terms(made().texts(), LIMITS) == []
    assert "supplied price sheet" in made().criteria[2].text


def test_only_whole_words_are_banned() -> None:
    assert redacted("Deliveries by Livia, live.", LIMITS) == "Deliveries by Livia, working."
    assert redacted("GUARANTEED", LIMITS) == "stated"


def test_a_sample_criterion_keeps_no_figure_quotation_or_file() -> None:
    text = 'Cell B7 of plan.xlsx says "net 1,250.00" on 3/4.'
    assert sample_criterion(text, LIMITS) == ("Cell B[figure] of [file] says [quoted] on [figure]")


def test_the_documents_own_wording_may_not_be_banned() -> None:
    authored = LIMITS.model_dump(mode="json") | {"boundary": ["Nothing live is touched."]}
    with pytest.raises(ValidationError, match="banned terms: live"):
        DraftRules.model_validate(authored)
