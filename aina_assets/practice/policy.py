"""The document that people author about practice.

Belongs here: the model of ``data/practice_rules.yaml`` and what must hold within it. Stays out:
applying it (``checks``, ``evaluator``, ``judge``, ``agreement``, ``scenarios``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aina_assets.contracts.curriculum import HitlCheckpoint, LocalId
from aina_assets.contracts.work import Share, Text
from aina_assets.warehouse.authored import AuthoredDocument
from aina_assets.warehouse.digests import digest_of_json

Sentence = Annotated[str, Field(min_length=8)]
Positive = Annotated[int, Field(ge=1)]


class NoScenario(StrEnum):
    """Why a workflow has no scenario."""

    OCCUPATION_NOT_IN_GDPVAL = "occupation_not_in_gdpval"
    ROLE_IS_WIDE_GROUP = "role_is_wide_group"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DetectorRule(_Part):
    """What a detector is for; how it finds that is in ``practice.detectors``.

    Attributes:
        label: what was found, as feedback names it.
        finds: what it finds and what it leaves alone.
    """

    label: Text
    finds: Sentence


class EvaluationRules(_Part):
    """How a submission is read and what in it counts.

    Attributes:
        submission_max_bytes: of the text in UTF-8.
        min_copied_words: a sentence of the module's own text counts as copied from here on.
        distinct_word_window: words over which their variety is measured.
        min_distinct_word_share: mean share of different words in such a window.
        placeholders: words, or whole items and cells, that stand for text not written.
        empty_answers: items that say that there is none.
        addresses_grader: expressions (any case) of lines that speak to whoever grades.
        limits: what an outcome does not say.
    """

    submission_max_bytes: Positive
    min_copied_words: Positive
    distinct_word_window: Positive
    min_distinct_word_share: Share
    placeholders: Annotated[tuple[str, ...], Field(min_length=1)]
    empty_answers: Annotated[tuple[str, ...], Field(min_length=1)]
    addresses_grader: Annotated[tuple[str, ...], Field(min_length=1)]
    detectors: dict[LocalId, DetectorRule]
    limits: Sentence

    @property
    def digest(self) -> str:
        """Digest of these rules: which of their versions an evaluation was made by."""
        return digest_of_json(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        for expression in self.addresses_grader:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"addresses_grader: {expression!r}: {error}") from error
        return self


class JudgeRules(_Part):
    """The optional judge.

    Attributes:
        model: as pydantic-ai names it (``provider:model``); null: there is no judge.
        timeout_seconds: for one criterion.
        families: words by which a model's name shows whose it is.
    """

    model: Text | None = None
    timeout_seconds: Annotated[float, Field(gt=0)]
    families: dict[LocalId, tuple[Text, ...]]


class AgreementRules(_Part):
    """How intervals of agreement are drawn.

    Attributes:
        resamples: of the submissions.
        seed: of the resampling, so that the same labels give the same interval.
        interval: share of the resamples within the interval.
    """

    resamples: Positive
    seed: Annotated[int, Field(ge=0)]
    interval: Annotated[float, Field(gt=0, lt=1)]


class Guidance(_Part):
    """What holds for practising on a task."""

    allowed_tools: tuple[Text, ...] = ()
    hitl_checkpoints: tuple[HitlCheckpoint, ...] = ()
    failure_modes: tuple[Text, ...] = ()


class DeliverableKind(Guidance):
    """A kind of file that is handed in.

    Attributes:
        name: one of them, with its article.
        plural: several.
        extensions: of the files' names, lower case.
    """

    name: Text
    plural: Text
    extensions: Annotated[tuple[Text, ...], Field(min_length=1)]


class ScenarioRules(_Part):
    """What goes with every scenario, and what its sector and deliverables add.

    Attributes:
        dataset: where the publisher keeps the files.
        other_file, other_files: a file, files of no authored kind.
        no_files: the deliverable of a task for which no file was published.
        sectors: by the publisher's name of the sector.
        no_scenario: what each reason means.
    """

    dataset: Annotated[str, Field(pattern=r"^hf://.+[^/]$")]
    other_file: Text
    other_files: Text
    no_files: Sentence
    general: Guidance
    sectors: dict[str, Guidance]
    deliverables: dict[LocalId, DeliverableKind]
    no_scenario: dict[NoScenario, Sentence]

    @model_validator(mode="after")
    def _decides(self) -> Self:
        for part in Guidance.model_fields:
            if not getattr(self.general, part):
                raise ValueError(f"general has no {part}: every scenario needs some")
        _no_repeats(
            "extension",
            (name for kind in self.deliverables.values() for name in kind.extensions),
        )
        unsaid = sorted(set(NoScenario) - set(self.no_scenario))
        if unsaid:
            raise ValueError(f"no sentence for {', '.join(unsaid)}")
        return self


class PracticeRules(AuthoredDocument, document="practice_rules"):
    """Rules on practice: evaluation, judge, agreement of graders, scenarios."""

    evaluation: EvaluationRules
    judge: JudgeRules
    agreement: AgreementRules
    scenarios: ScenarioRules


def _no_repeats(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} more than once: {', '.join(twice)}")
