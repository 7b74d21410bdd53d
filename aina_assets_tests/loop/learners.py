"""A synthetic learner's answers, to be varied."""

from __future__ import annotations

from typing import Any

LEARNER: dict[str, Any] = {
    "learner_id": "synthetic-1",
    "is_synthetic": True,
    "ai_usage": "tried",
    "confidence": 3,
    "goals": ("save_time",),
    "weekly_minutes": 120,
}
