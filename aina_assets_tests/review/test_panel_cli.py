"""`aina review panel`: asked over real connections, signed with its own key, recorded or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner
from upath import UPath

from aina_assets import cli, location
from aina_assets.review.signing import ReviewerKey
from aina_assets.review.votes import PanelRules
from aina_assets.warehouse import authored
from aina_assets.warehouse.store import Store
from aina_assets_tests.review.model_servers import Answers, ModelServer, Says, model_server
from aina_assets_tests.review.warehouse import MODELS, built, lesson, refused
from aina_assets_tests.review.world import KEYS, SOFT, gates, reviewers

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("anthropic", reason="the extra llm is not installed")

RULES = PanelRules.load()
APPROVES = Answers({"verdict": "approve", "reasons": ["It is as it is."], "cites": ["as it is"]})


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        found.steps = {model.name: [APPROVES] for model in RULES.models}
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ModelServer) -> Path:
    """A warehouse with two lessons, and the authored panel with keys and local addresses."""
    data = tmp_path / "data"
    data.mkdir()
    for document in (gates(), reviewers(), RULES):
        (data / document.path().name).write_text(document.model_dump_json())
    root = tmp_path / "home"
    built(root, "lesson_subjects", [lesson("l"), lesson("m")])
    monkeypatch.setattr(authored, "AUTHORED", data)
    monkeypatch.setattr(location, "all_models", lambda: MODELS)
    monkeypatch.setenv("AINA_HOME", str(root))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("AINA_PANEL_KEY", KEYS["panel"].text)
    for name in ("AINA_LEDGER", "AINA_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    for model in RULES.models:
        monkeypatch.setenv(model.key_env, "a-key")
        path = "" if model.provider == "anthropic" else "/v1"
        monkeypatch.setenv(str(model.base_url_env), f"{server.url}{path}")
    return root


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["review", *arguments])
    return f"{result.exit_code} {result.output}"


def states() -> dict[str, str]:
    listed = json.loads(run("list", "--gate", SOFT, "--json").partition(" ")[2])
    return {item["subject_key"]: item["state"] for item in listed}


def test_the_authored_panel_decides_and_is_not_asked_twice(home: Path, server: ModelServer) -> None:
    said = run("panel", "--gate", SOFT, "--limit", "1")

    assert said.startswith("0 l: approve, recorded at 1"), said
    assert "1 of 1 unanimous; 3 of 3 votes usable" in said
    assert states() == {"l": "approved", "m": "pending"}
    assert run("panel", "--gate", SOFT).startswith("0 m: approve, recorded at 2")
    assert "0 of 0 unanimous" in run("panel", "--gate", SOFT)
    assert len(server.heard) == 2 * len(RULES.models)
    assert run("verify").startswith("0 ")


def test_where_the_models_give_nothing_nothing_is_recorded(home: Path, server: ModelServer) -> None:
    server.steps = {model.name: [Says("I wonder.")] for model in RULES.models}
    said = run("panel", "--gate", SOFT, "--limit", "1")

    assert "no decision: for people: 0 usable vote(s)" in said
    assert states() == {"l": "pending", "m": "pending"}
    assert "nothing was decided yet" in run("verify")


def test_an_approval_that_a_refused_build_holds_up_does_not_end_the_round(
    home: Path, server: ModelServer
) -> None:
    refused(Store(UPath(home)), "lesson_subjects")

    said = run("panel", "--gate", SOFT)

    assert said.startswith("1 ")
    assert [f"{key}: not recorded" in said for key in ("l", "m")] == [True, True]
    assert "2 of 2 unanimous" in said
    assert states() == {"l": "pending", "m": "pending"}


def test_without_keys_gates_wait_for_people(
    home: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in RULES.models[1:]:
        monkeypatch.delenv(model.key_env)
    said = run("panel", "--gate", SOFT)

    assert not said.startswith("0 ")
    assert all(model.key_env in said for model in RULES.models[1:])
    assert server.heard == []
    assert states() == {"l": "pending", "m": "pending"}


@pytest.mark.parametrize("key", ["", "aina-rk-nonsense"])
def test_without_its_own_key_no_model_is_asked(
    home: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AINA_PANEL_KEY", key)

    assert not run("panel", "--gate", SOFT).startswith("0 ")
    assert server.heard == []


@pytest.mark.parametrize("who", ["stranger", "dora"])
def test_whoever_is_no_panel_cannot_sign_for_one(
    home: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    key = ReviewerKey.parse(KEYS[who].text)
    monkeypatch.setenv("AINA_PANEL_KEY", key.text)

    assert not run("panel", "--gate", SOFT).startswith("0 ")
    assert states() == {"l": "pending", "m": "pending"}
    assert server.heard == []
