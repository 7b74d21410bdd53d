"""A signature is of one key, over one decision, for one purpose."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import ReviewVerdict, SignedDecision
from aina_assets.review.signing import ReviewerKey, is_signed, sign, verify
from aina_assets_tests.review.world import KEYS, decision, signed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_a_key_is_read_back_from_its_text() -> None:
    key = ReviewerKey.new()

    assert key.text.startswith("aina-rk-")
    assert ReviewerKey.parse(f" {key.text}\n").public_key == key.public_key
    assert ReviewerKey.new().public_key != key.public_key
    assert key.text not in repr(key)


@pytest.mark.parametrize(
    "text", ["", "aina-rk-", "aina-rk-AAAA", KEYS["ana"].text[8:], KEYS["ana"].text + "A", "é"]
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ReviewError) as caught:
        ReviewerKey.parse(text)
    assert KEYS["ana"].text[8:-4] not in str(caught.value)


@given(
    reasons=st.lists(TEXTS, min_size=1),
    key=TEXTS,
    offset=st.integers(-720, 720),
    microsecond=st.integers(0, 999_999),
)
def test_a_signature_outlives_its_way_through_json(
    reasons: list[str], key: str, offset: int, microsecond: int
) -> None:
    zone = timezone(timedelta(minutes=offset))
    at = datetime(2026, 5, 4, 3, 2, 1, microsecond, tzinfo=zone)
    made = signed("panel", reasons=reasons, subject_key=key, decided_at=at)

    again = SignedDecision.model_validate_json(made.model_dump_json())

    assert again == made
    assert verify(again, KEYS["panel"].public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": ReviewVerdict.REJECT},
        {"subject_digest": "0" * 64},
        {"reasons": ("It holds!",)},
        {"reviewer_id": "ben"},
        {"is_sample": True},
        {"gate": "lesson"},
    ],
)
def test_a_changed_decision_is_not_signed(change: dict[str, Any]) -> None:
    made = decision()
    genuine = sign(made, KEYS["ana"])
    changed = SignedDecision(decision=made.model_copy(update=change), signature=genuine.signature)

    assert verify(genuine, KEYS["ana"].public_key)
    assert not verify(genuine, KEYS["ben"].public_key)
    assert not verify(changed, KEYS["ana"].public_key)


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    key = KEYS["ana"]
    signature = key.sign("decision 1", {"a": 1})

    assert is_signed("decision 1", {"a": 1}, signature, key.public_key)
    assert not is_signed("checkpoint 1", {"a": 1}, signature, key.public_key)
    assert not is_signed("decision 1", {"a": 1}, "not base64", key.public_key)
