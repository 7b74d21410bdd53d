"""Whole lanes written by a model over real connections, gate by gate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aina_assets.authoring.drafter import deterministic_draft
from aina_assets.authoring.lane_steps import TRANSFORMS
from aina_assets.authoring.lane_tables import CODE, LaneDocuments
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.runner import DRAFTER, PACING_STATE
from aina_assets.authoring.wording import prompt
from aina_assets.review.votes import PanelModel
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.authoring.drafted import config, rules
from aina_assets_tests.authoring.lanes_world import World
from aina_assets_tests.authoring.test_lanes import CHAPTER, HARD, through
from aina_assets_tests.review.model_servers import (
    INPUT_TOKENS,
    ModelServer,
    Status,
    Writes,
    model_server,
)

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("anthropic", reason="the extra llm is not installed")

DOCUMENTS = [table_name(model) for model in TRANSFORMS if issubclass(model, LaneDocuments)]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A server whose address and key the environment names, and a warehouse to keep answers in."""
    with model_server() as found:
        monkeypatch.setenv("AINA_HOME", str(tmp_path))
        monkeypatch.setenv("K_TRIED", "key")
        monkeypatch.setenv("U_TRIED", f"{found.url}/v1")
        yield found


def asking(name: str) -> AuthoringRules:
    """The rules with a model that the environment has a key of."""
    model = PanelModel.model_validate(
        {"name": name, "provider": "openai", "key_env": "K_TRIED", "base_url_env": "U_TRIED"}
    )
    return rules().model_copy(update={"model": model, "max_wait_seconds": 0.1, "max_attempts": 2})


@cache
def told(skill: str, lane: str, domain: str | None, pacing: str) -> str | None:
    """The prompt of a skill; nothing where it has none of this domain."""
    if lane not in config().template_by_name[skill].lanes:
        return None
    return prompt(config(), skill, lane, domain_code=domain, values={PACING_STATE: pacing})


def as_the_drafter(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the drafter makes of a request, found by its prompt and its block of input.

    Where two lanes send a skill the same prompt, the drafter makes the same of either.
    """
    instructions, material = (message["content"] for message in body["messages"][:2])
    first, _, rest = material.partition("--- input ")[2].partition("\n")
    given = json.loads(rest.partition(f"\n--- end {first}")[0])
    pacing = json.dumps(given.get(PACING_STATE) or {}, ensure_ascii=False, sort_keys=True)
    found = next(
        (template.name, lane)
        for template in config().templates
        for lane in template.produces
        if told(template.name, lane, given.get("domain_code"), pacing) == instructions
    )
    return deterministic_draft(*found, given, config(), rules())


def test_a_model_writes_the_lanes_to_their_reports_and_is_asked_once(server: ModelServer) -> None:
    server.steps = {"gpt-whole": [Writes(as_the_drafter)]}

    world = World(approves=HARD, by=asking("gpt-whole"))

    asked = len(server.heard)
    for name in DOCUMENTS:
        rows, drafted = world.rows(name), through().rows(name)
        assert [row["document"] for row in rows] == [row["document"] for row in drafted], name
        for row, draft in zip(rows, drafted, strict=True):
            by_skill = draft["maker"] == DRAFTER
            assert row["maker"] == ("gpt-whole" if by_skill else draft["maker"]), name
            assert (row["input_tokens"] >= INPUT_TOKENS) == by_skill
    makers = {row["maker"] for name in DOCUMENTS for row in world.rows(name)}
    assert makers <= {"gpt-whole", CODE, None}
    assert world.rows("mod_review_compile_review")
    assert asked == len({json.dumps(heard.body, sort_keys=True) for heard in server.heard})

    again = World(approves=HARD, by=asking("gpt-whole").model_copy(update={"max_attempts": 3}))

    assert len(server.heard) == asked, "answers are kept by what was asked"
    for name in DOCUMENTS:
        assert again.rows(name) == world.rows(name)


def test_where_the_model_is_away_the_lane_stands_and_says_so(server: ModelServer) -> None:
    server.steps = {"gpt-away": [Status(503)]}

    world = World(approves=HARD, by=asking("gpt-away"))

    brief = world.current("ch_research_derive_lo_brief", CHAPTER)
    assert (brief["status"], brief["document"]) == ("failed", None)
    assert "not available" in brief["reason"]
    (sequence,) = world.rows("ch_research_derive_module_sequence")
    assert sequence["status"] == "waiting"
    assert world.rows("mod_review_derive_module_lo") == []
