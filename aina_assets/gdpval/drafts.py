"""Drafts: a GDPval task made simpler, in authored words, with the weightiest of its criteria.

Belongs here: the shape of a draft, making one from a source row, and wording that is not allowed.
Stays out: changing a draft as reviewers ask (``edits``), practising on it (``practice``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from aina_assets.contracts.curriculum import HitlCheckpoint, LocalId, Positive
from aina_assets.contracts.work import Contract, Text
from aina_assets.gdpval.policy import DraftRules, whole_word
from aina_assets.warehouse.digests import digest_of_json

Row = Mapping[str, Any]

_QUOTED = re.compile(r"[\"\u201c][^\"\u201c\u201d\n]{1,200}[\"\u201d]")
_FILE = re.compile(r"\b[\w.-]+\.(?:[a-z]{3,4})\b", re.IGNORECASE)
_FIGURE = re.compile(r"[$\u20ac\u00a3]?\d[\d.,:/%-]*")


class DraftCriterion(Contract):
    """A criterion of the source that a draft keeps.

    Attributes:
        source_item: its place in the published rubric, from 1.
        points: as published, or as many as one criterion of a draft may count.
        text: as published, without banned wording.
    """

    criterion_id: LocalId
    source_item: Positive
    points: Positive
    text: Text


class Draft(Contract):
    """A simplified task.

    Attributes:
        source_row: its row in the published file, from 1.
        source_digest: of that row as it was read.
        reference_uris: where the publisher keeps the files; nobody fetched them.
    """

    cohort: LocalId
    task_id: Text
    source_row: Positive
    source_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    occupation: Text
    sector: Text
    task: Text
    deliverable: Text
    criteria: tuple[DraftCriterion, ...]
    checkpoints: Annotated[tuple[HitlCheckpoint, ...], Field(min_length=1)]
    boundary: Annotated[tuple[Text, ...], Field(min_length=1)]
    reference_uris: tuple[Text, ...]
    deliverable_uris: tuple[Text, ...]

    @property
    def points(self) -> int:
        """The sum of its criteria."""
        return sum(criterion.points for criterion in self.criteria)

    def texts(self) -> list[str]:
        """All wording of the draft's own."""
        return [
            self.task,
            self.deliverable,
            *(criterion.text for criterion in self.criteria),
            *(text for item in self.checkpoints for text in item.model_dump().values()),
            *self.boundary,
        ]


def draft(cohort: str, scenario: Row, task: Row, rules: DraftRules) -> Draft:
    """The draft of a task for a cohort.

    Args:
        cohort: its id.
        scenario: the task's row of ``sandbox_scenarios``.
        task: its row of ``gdpval_tasks``.
        rules: limits and wording.
    """
    deliverable = redacted(scenario["deliverable"], rules)
    occupation = redacted(scenario["occupation"], rules)
    sector = redacted(scenario["sector"], rules)
    return Draft(
        cohort=cohort,
        task_id=task["task_id"],
        source_row=task["source_row"],
        source_digest=digest_of_json(dict(task)),
        occupation=scenario["occupation"],
        sector=scenario["sector"],
        task=rules.task.format(
            occupation=occupation,
            sector=sector,
            deliverable=deliverable,
            source_row=task["source_row"],
        ),
        deliverable=deliverable,
        criteria=tuple(
            DraftCriterion(
                criterion_id=f"c{number}",
                source_item=place,
                points=min(item["points"], rules.most_points),
                text=redacted(item["text"], rules),
            )
            for number, (place, item) in enumerate(kept_criteria(scenario["rubric"], rules), 1)
        ),
        checkpoints=rules.checkpoints,
        boundary=rules.boundary,
        reference_uris=scenario["reference_uris"],
        deliverable_uris=scenario["deliverable_uris"],
    )


def kept_criteria(rubric: Sequence[Row], rules: DraftRules) -> list[tuple[int, Row]]:
    """Criteria within the limits, with their place from 1: weightiest first, then as published.

    What takes points away is left out: a draft says what to do.
    """
    kept: list[tuple[int, Row]] = []
    points = 0
    for place, item in weightiest(rubric):
        counts = min(item["points"], rules.most_points)
        if len(kept) < rules.max_criteria and points + counts <= rules.max_points:
            kept.append((place, item))
            points += counts
    return sorted(kept, key=lambda found: found[0])


def weightiest(rubric: Sequence[Row]) -> list[tuple[int, Row]]:
    """Criteria that give points, with their place from 1, most points first."""
    giving = [(place, item) for place, item in enumerate(rubric, 1) if item["points"] > 0]
    return sorted(giving, key=lambda found: (-found[1]["points"], found[0]))


def redacted(text: str, rules: DraftRules) -> str:
    """``text`` with what is allowed in place of banned terms."""
    for item in rules.banned_terms:
        text = whole_word(item.term).sub(item.instead, text)
    return text


def sample_criterion(text: str, rules: DraftRules) -> str:
    """A criterion as a reviewer is shown it: no figure, quotation or file of the source."""
    for pattern, instead in ((_QUOTED, "[quoted]"), (_FILE, "[file]"), (_FIGURE, "[figure]")):
        text = pattern.sub(instead, text)
    return redacted(text, rules)


def banned_terms(texts: Iterable[str], rules: DraftRules) -> list[str]:
    """Banned terms that any of ``texts`` has."""
    return rules.banned_in("\n".join(texts))
