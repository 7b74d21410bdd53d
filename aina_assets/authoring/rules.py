"""Rules by which code works here: whom skills ask, what no answer may say, how a module is paced.

Belongs here: the model of ``data/authoring_rules.yaml``. Stays out: what skills are told.
"""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from aina_assets.contracts.curriculum import LESSON_PARTS
from aina_assets.contracts.work import Contract, Share, Text
from aina_assets.review.votes import PanelModel
from aina_assets.warehouse.authored import AuthoredDocument
from aina_assets.warehouse.digests import digest_of_json

Positive = Annotated[float, Field(gt=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


class PacingRules(Contract):
    """How a module's minutes stand to the lesson's.

    Attributes:
        planned_share: what a draft aims at.
        max_passive_run: slides in a row without an act of every student.
        weights: how long slides of a role take, as against each other.
    """

    min_share: Share
    max_share: Share
    planned_share: Share
    max_slide_minutes: AtLeastOne
    max_passive_run: AtLeastOne
    weights: dict[Text, AtLeastOne]


class AppletTime(Contract):
    """Seconds of an applet's screens."""

    min_seconds: AtLeastOne
    max_seconds: AtLeastOne
    max_screen_seconds: AtLeastOne


class Bounds(Contract):
    """Bounds of a sequence and a module; from ``alike_from`` on two statements say the same."""

    max_components: AtLeastOne
    max_new_terms: AtLeastOne
    min_slides: AtLeastOne
    max_slides: AtLeastOne
    alike_from: Annotated[int, Field(ge=1, le=100)]


class AuthoringRules(AuthoredDocument, document="authoring_rules"):
    """The document says what each part is for."""

    model: PanelModel | None
    max_attempts: Annotated[int, Field(ge=1, le=10)]
    timeout_seconds: Positive
    max_wait_seconds: Positive
    max_output_tokens: Annotated[int, Field(ge=100)]
    max_answer_chars: Annotated[int, Field(ge=1_000)]
    refused_texts: tuple[str, ...]
    pacing: PacingRules
    applet_time: AppletTime
    bounds: Bounds
    lesson_parts: dict[Text, tuple[Text, ...]]

    @model_validator(mode="after")
    def _parts_are_those_of_a_lesson(self) -> Self:
        if set(self.lesson_parts) != set(LESSON_PARTS):
            raise ValueError(f"lesson_parts: expected {', '.join(LESSON_PARTS)}")
        return self

    @model_validator(mode="after")
    def _can_be_searched(self) -> Self:
        for expression in self.refused_texts:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"refused_texts: {expression!r}: {error}") from error
        return self

    @property
    def digest(self) -> str:
        """Digest of these rules."""
        return digest_of_json(self.model_dump(mode="json"))
