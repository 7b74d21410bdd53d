"""The authored rules on practice: as they stand they hold together, and broken ones are refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.practice.policy import NoScenario, PracticeRules
from aina_assets_tests.practice.handed_in import roomy_rules

RULES = PracticeRules.load()


def document() -> Any:
    return yaml.safe_load(PracticeRules.path().read_text())


def parsed(broken: Any) -> PracticeRules:
    return PracticeRules.parse(yaml.safe_dump(broken), "there")


def test_every_reason_and_every_part_of_the_general_guidance_is_said() -> None:
    assert set(RULES.scenarios.no_scenario) == set(NoScenario)
    general = RULES.scenarios.general
    assert all((general.allowed_tools, general.hitl_checkpoints, general.failure_modes))


def test_the_digest_follows_what_decides_an_evaluation() -> None:
    other = document()
    other["scenarios"]["other_file"] = "a further file"

    assert parsed(document()).evaluation.digest == RULES.evaluation.digest
    assert parsed(other).evaluation.digest == RULES.evaluation.digest
    assert roomy_rules().evaluation.digest != RULES.evaluation.digest


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("evaluation", "addresses_grader"), ["(unclosed"], r"addresses_grader: '\(unclosed'"),
        (("evaluation", "submission_max_bytes"), 0, "submission_max_bytes"),
        (("evaluation", "min_distinct_word_share"), 30, "min_distinct_word_share"),
        (("evaluation", "detectors", "secret"), {"label": "a secret"}, "finds"),
        (("judge", "timeout_seconds"), 0, "timeout_seconds"),
        (("agreement", "interval"), 1.0, "interval"),
        (("scenarios", "general", "failure_modes"), [], "general has no failure_modes"),
        (("scenarios", "no_scenario"), {}, "no sentence for occupation_not_in_gdpval"),
        (("scenarios", "deliverables", "image", "extensions"), ["pdf"], "extension more than once"),
        (("scenarios", "dataset"), "https://somewhere.example", "dataset"),
        (("scenarios", "unheard_of"), 1, "unheard_of"),
    ],
)
def test_a_broken_document_is_refused(path: tuple[str, ...], value: Any, says: str) -> None:
    broken = part = document()
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value

    with pytest.raises(AuthoredDocumentError, match=says):
        parsed(broken)
