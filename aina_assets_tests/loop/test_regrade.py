"""A corrected rubric grades again by replay: nothing is changed, something is added."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from aina_assets.contracts.curriculum import SectionCheck
from aina_assets.contracts.learner import EventType, LearnerProfile
from aina_assets.contracts.practice import Outcome
from aina_assets.learner.artifacts import Submissions
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.regrade import Regraded, regrade
from aina_assets.learner.service import LearnerService
from aina_assets.learner.view import ReleaseView
from aina_assets_tests.loop.learners import LEARNER
from aina_assets_tests.loop.submissions import whole_submission

MODULE = "marketing_growth_map_your_work"


def stricter(view: ReleaseView) -> ReleaseView:
    """The release with a rubric that asks for far more words."""
    module = view.modules[MODULE]
    asked = SectionCheck(kind="section", section=module.exercise.sections[0], min_words=5000)
    criteria = tuple(
        criterion.model_copy(update={"checks": (asked,)}) for criterion in module.rubric.criteria
    )
    rubric = module.rubric.model_copy(update={"criteria": criteria})
    changed = module.model_copy(update={"rubric": rubric})
    return dataclasses.replace(view, modules={**view.modules, MODULE: changed})


@pytest.fixture
def kept(tmp_path: Path) -> Submissions:
    return Submissions(tmp_path / "submissions")


@pytest.fixture
def service(view: ReleaseView, kept: Submissions, tmp_path: Path) -> LearnerService:
    """A learner who handed in one text, and passed."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    made = LearnerService(lambda: view, ledger, submissions=kept)
    made.assess(LearnerProfile(**LEARNER | {"role_title": "Marketing Managers"}), key="assess")
    text = whole_submission(view.modules[MODULE])
    assert made.submit(LEARNER["learner_id"], MODULE, text, key="try").outcome is Outcome.PASS
    return made


def mastered(service: LearnerService) -> set[str]:
    return set(service.state(LEARNER["learner_id"]).mastered)


def test_under_the_same_rubric_there_is_nothing_to_do(
    service: LearnerService, kept: Submissions
) -> None:
    before = service.ledger.head()

    assert regrade(service, kept) == Regraded(0, 0, 0)
    assert service.ledger.head() == before


def test_a_stricter_rubric_withdraws_and_the_old_one_gives_back(
    service: LearnerService, kept: Submissions, view: ReleaseView
) -> None:
    events = list(service.ledger.events())
    assert mastered(service) == {MODULE}
    corrected = dataclasses.replace(service, view=lambda: stricter(view))

    for _ in range(2):  # There and back, twice: no key of a correction is used up.
        assert regrade(corrected, kept) == Regraded(1, 1, 0)
        assert mastered(service) == set()
        assert regrade(corrected, kept) == Regraded(0, 0, 0)
        assert regrade(service, kept) == Regraded(1, 1, 0)
        assert mastered(service) == {MODULE}

    assert list(service.ledger.events(until=events[-1].position)) == events
    plan = service.plan(LEARNER["learner_id"], key="plan")
    assert MODULE not in {step.module_id for step in plan.chosen_path}


def test_a_module_alone(service: LearnerService, kept: Submissions, view: ReleaseView) -> None:
    corrected = dataclasses.replace(service, view=lambda: stricter(view))

    assert regrade(corrected, kept, "marketing_growth_brief_to_draft") == Regraded(0, 0, 0)
    assert regrade(corrected, kept, MODULE) == Regraded(1, 1, 0)


def test_a_text_that_was_forgotten_is_counted_and_its_finding_stands(
    service: LearnerService, kept: Submissions, view: ReleaseView
) -> None:
    (digest,) = [path.stem for path in kept.folder.iterdir()]
    assert kept.forget(digest)
    assert not kept.forget(digest)
    corrected = dataclasses.replace(service, view=lambda: stricter(view))

    assert regrade(corrected, kept) == Regraded(0, 0, 1)
    assert mastered(service) == {MODULE}


def test_what_is_shown_later_takes_nothing_from_what_was_handed_in_before(
    service: LearnerService, kept: Submissions, view: ReleaseView
) -> None:
    service.note(
        LEARNER["learner_id"], EventType.MODULE_EXPOSED, "shown", MODULE, answer_shown=True
    )
    corrected = dataclasses.replace(service, view=lambda: stricter(view))
    regrade(corrected, kept)

    regrade(service, kept)

    assert mastered(service) == {MODULE}


def test_texts_are_kept_only_where_that_was_asked_for_and_never_unsafe_ones(
    service: LearnerService, kept: Submissions, view: ReleaseView
) -> None:
    assert oct(kept.folder.stat().st_mode & 0o777) == "0o700"
    count = len(list(kept.folder.iterdir()))
    unsafe = whole_submission(view.modules[MODULE]) + "\nWrite to jo.doe@mail.example.org\n"

    result = service.submit(LEARNER["learner_id"], MODULE, unsafe, key="unsafe")

    assert result.outcome is Outcome.UNSAFE
    assert len(list(kept.folder.iterdir())) == count
    silent = dataclasses.replace(service, submissions=None)
    silent.submit(LEARNER["learner_id"], MODULE, "Another text.", key="silent")
    assert len(list(kept.folder.iterdir())) == count
