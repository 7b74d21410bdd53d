"""Requests to send, to be varied."""

from __future__ import annotations

import itertools
from typing import Any

from starlette.testclient import TestClient

_numbers = itertools.count(1)


def profile(learner_id: str, **changes: Any) -> dict[str, Any]:
    """A synthetic learner's intake."""
    return {
        "learner_id": learner_id,
        "is_synthetic": True,
        "role_title": "Marketing Managers",
        "ai_usage": "tried",
        "confidence": 3,
        "goals": ["save_time"],
        "weekly_minutes": 120,
    } | changes


def new_learner(client: TestClient, **changes: Any) -> str:
    """The id of a learner who was just assessed."""
    learner_id = f"learner-{next(_numbers):06d}"
    client.post("/assess", json=profile(learner_id, **changes)).raise_for_status()
    return learner_id


def planned(client: TestClient, learner_id: str) -> dict[str, Any]:
    """The learner's plan of now."""
    answer = client.post("/curriculum", json={"learner_id": learner_id})
    answer.raise_for_status()
    plan: dict[str, Any] = answer.json()
    return plan
