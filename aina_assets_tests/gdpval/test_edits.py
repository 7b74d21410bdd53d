"""Required edits: made by rule, proved on the redraft, open for a reason where they cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.gdpval.drafts import Draft
from aina_assets.gdpval.edits import KINDS, Resolution, resolve
from aina_assets.gdpval.policy import GdpvalCohorts
from aina_assets_tests.gdpval.chain import rules
from aina_assets_tests.gdpval.test_drafts import made


def edit(kind: str, argument: str = "", name: str = "e1") -> dict[str, str]:
    return {"edit_id": name, "kind": kind, "argument": argument, "text": "Please."}


def one(kind: str, argument: str) -> tuple[Draft, Resolution]:
    redraft, (found,) = resolve(made(), [edit(kind, argument)], rules())
    return redraft, found


CHANGES: dict[str, tuple[str, Callable[[Draft], bool]]] = {
    "limit_criteria": ("4", lambda draft: len(draft.criteria) == 4),
    "drop_term": (
        "shortfall -> gap",
        lambda draft: "gap" in draft.criteria[0].text and "shortfall" not in str(draft),
    ),
    "remove_criterion": (
        "c2",
        lambda draft: [item.criterion_id for item in draft.criteria] == ["c1", "c3", "c4", "c5"],
    ),
    "add_checkpoint": (
        "Before ordering | The buyer | Whether to order",
        lambda draft: draft.checkpoints[-1].who == "The buyer",
    ),
    "name_deliverable": (
        "One page as text.",
        lambda draft: draft.deliverable == "One page as text." and draft.deliverable in draft.task,
    ),
    "state_boundary": ("No supplier sees it.", lambda draft: "No supplier" in draft.boundary[-1]),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_provable_edit_is_made_and_closed(kind: str) -> None:
    argument, is_made = CHANGES[kind]
    assert not is_made(made())

    redraft, found = one(kind, argument)

    assert is_made(redraft)
    assert found.is_closed


@pytest.mark.parametrize("kind", ["inspect_source_file", "confirm_figure"])
def test_what_needs_a_source_file_stays_open(kind: str) -> None:
    redraft, found = one(kind, "stock.xlsx")
    assert redraft == made()
    assert not found.is_closed
    assert "source file" in found.reason


@pytest.mark.parametrize(
    ("kind", "argument", "reason"),
    [
        ("rewrite_all", "", "no rule knows"),
        ("limit_criteria", "many", "not as the rule reads it"),
        ("limit_criteria", "-1", "not as the rule reads it"),
        ("limit_criteria", "2", "leaves 2 of at least 4"),
        ("drop_term", "shortfall", "not as the rule reads it"),
        ("drop_term", "stock -> stock level", "not as the rule reads it"),
        ("drop_term", "rhubarb -> fruit", "names nothing"),
        ("drop_term", "shortfall -> live gap", "banned wording: live"),
        ("remove_criterion", "c99", "names nothing"),
        ("add_checkpoint", "Somebody looks at it", "not as the rule reads it"),
        ("add_checkpoint", "Before | | Whether", "not as the rule reads it"),
        ("name_deliverable", "  ", "not as the rule reads it"),
        ("state_boundary", "It is perfect.", "banned wording: perfect"),
    ],
)
def test_what_cannot_be_made_stays_open_and_says_why(kind: str, argument: str, reason: str) -> None:
    redraft, found = one(kind, argument)
    assert redraft == made()
    assert not found.is_closed
    assert reason in found.reason


def test_an_edit_that_another_undoes_is_open() -> None:
    edits = [
        edit("name_deliverable", "One page as text."),
        edit("name_deliverable", "Two pages as text.", "e2"),
    ]
    _, (first, second) = resolve(made(), edits, rules())
    assert not first.is_closed
    assert "undone" in first.reason
    assert second.is_closed


def test_a_term_that_a_later_edit_brings_back_is_open() -> None:
    edits = [
        edit("drop_term", "shortfall -> gap"),
        edit("state_boundary", "No shortfall is invented.", "e2"),
    ]
    _, (first, second) = resolve(made(), edits, rules())
    assert (first.is_closed, second.is_closed) == (False, True)


def test_every_edit_is_answered_once_and_in_order() -> None:
    edits = [edit("confirm_figure", "", f"e{number}") for number in range(4)]
    edits.insert(2, edit("remove_criterion", "c1", "e9"))
    _, found = resolve(made(), edits, rules())
    assert [item.edit for item in found] == edits


def test_a_kind_that_nothing_computes_is_refused() -> None:
    authored = rules().model_dump(mode="json")
    authored["edit_kinds"].append(
        {"kind": "rhyme", "proved_by": "draft", "argument": "a rhyme", "example": "moon"}
    )
    with pytest.raises(AuthoredDocumentError, match="rhyme"):
        resolve(made(), [], GdpvalCohorts.model_validate(authored))
