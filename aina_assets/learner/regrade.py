"""A corrected rubric grades again what was handed in before: by replay, and by new events alone.

Belongs here: finding submissions whose last evaluation was by another rubric than the release has
now, grading them anew and recording that. What was found before stays in the ledger; state follows
the latest evaluation (``replay``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aina_assets.contracts.learner import RecordedEvent
from aina_assets.learner.artifacts import Submissions
from aina_assets.learner.replay import replay
from aina_assets.learner.service import LearnerService
from aina_assets.warehouse.digests import digest_of_json


@dataclass(frozen=True)
class Regraded:
    """What grading again came to.

    Attributes:
        graded: submissions graded anew.
        changed: of these, those whose outcome is another one now.
        unkept: submissions whose text is not there to be graded: what was found in them stands.
    """

    graded: int
    changed: int
    unkept: int


def regrade(
    service: LearnerService, submissions: Submissions, module_id: str | None = None
) -> Regraded:
    """Grade again, by the current release, every submission graded by another rubric.

    Done twice it is done once: the second time there is nothing to grade.

    Args:
        service: with the release and the ledger.
        submissions: texts that were kept.
        module_id: this module alone.
    """
    view = service.view()
    graded = changed = unkept = 0
    for learner_id, state in sorted(replay(service.ledger.events()).items()):
        for name, handed_in in sorted(state.submissions.items()):
            module = view.modules.get(name)
            if module is None or module_id not in (None, name):
                continue
            digest = digest_of_json(module.rubric.model_dump(mode="json"))
            graded_by = _rubrics_of(service, learner_id, name)
            for submission in handed_in:
                before = graded_by.get(submission.digest)
                if before is None or before[0] == digest:
                    continue
                text = submissions.find(submission.digest)
                if text is None:
                    unkept += 1
                    continue
                after = service.grade_again(learner_id, name, text, submission)
                graded += 1
                changed += after.outcome != before[1]
    return Regraded(graded, changed, unkept)


def _rubrics_of(
    service: LearnerService, learner_id: str, module_id: str
) -> dict[str, tuple[str, str]]:
    """Of each submission, by which rubric it was last graded, and with which outcome."""
    found = {}
    for recorded in service.ledger.events(learner_id):
        evaluation = _evaluation(recorded)
        if recorded.event.module_id == module_id and evaluation is not None:
            found[str(evaluation["submission_digest"])] = (
                str(evaluation["provenance"]["rubric_digest"]),
                str(evaluation["outcome"]),
            )
    return found


def _evaluation(recorded: RecordedEvent) -> dict[str, Any] | None:
    found = recorded.event.payload.get("evaluation")
    return found if isinstance(found, dict) else None
