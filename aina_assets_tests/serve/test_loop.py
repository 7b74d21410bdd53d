"""The loop end to end over HTTP, on a real server: what happens changes the plan, which says it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from aina_assets import cli
from aina_assets.contracts.learner import EventType
from aina_assets.learner.ledger import Ledger
from aina_assets.learner.view import ReleaseView
from aina_assets_tests.loop.submissions import whole_submission
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.server import running

LEARNER = "loop-http-1"
MODULE = "marketing_growth_map_your_work"


def test_assess_plan_learn_fail_plan_pass_plan_and_replay(
    served_home: Path,
    key: str,
    view: ReleaseView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    monkeypatch.setenv("AINA_HOME", str(served_home))
    monkeypatch.setenv("COLUMNS", "200")
    with (
        running(served_home, tmp_path / "logs", "--ledger", url) as server,
        httpx2.Client(base_url=server.url, headers={"X-API-Key": key}, timeout=60) as client,
    ):

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        # They stand above the first level by what they say, and then fail at it.
        assessed = post("/assess", profile(LEARNER, ai_usage="daily", goals=["understand"]))
        first = post("/curriculum", {"learner_id": LEARNER})
        lesson = client.get(f"/modules/{MODULE}").json()
        started = post(
            f"/learners/{LEARNER}/events", {"event_type": "lesson_started", "module_id": MODULE}
        )
        failed = post("/submit", {"learner_id": LEARNER, "module_id": MODULE, "text": "Words."})
        second = post("/curriculum", {"learner_id": LEARNER})
        text = whole_submission(view.modules[MODULE])
        passed = post("/submit", {"learner_id": LEARNER, "module_id": MODULE, "text": text})
        third = post("/curriculum", {"learner_id": LEARNER})
        state = client.get(f"/learners/{LEARNER}/state")
        position = client.get("/health").json()["ledger"]["position"]
        assert server.stop() in (0, -signal.SIGTERM)

    assert assessed["readiness"]["level"] == 2
    assert lesson["lesson"]["explain"]
    assert (failed["outcome"], passed["outcome"]) == ("fail", "pass")
    assert first["changed_by"] == []
    assert first["chosen_path"][0]["module_id"] != MODULE
    assert second["chosen_path"][0]["module_id"] == MODULE
    assert third["chosen_path"][0]["module_id"] == first["chosen_path"][0]["module_id"]
    with Ledger.open(url) as ledger:
        assert ledger.verify().position == position
        by_id = {one.event.event_id: one.event for one in ledger.events(LEARNER)}
    for plan, outcome in ((second, "fail"), (third, "pass")):
        graded = by_id[plan["changed_by"][0]]
        assert graded.event_type is EventType.EVALUATOR_COMPLETED
        assert graded.payload["evaluation"]["outcome"] == outcome  # type: ignore[index, call-overload]

    runner = CliRunner()
    arguments = ["learner", "replay", LEARNER, "--ledger", url, "--json"]
    assert json.loads(runner.invoke(cli.app, arguments).stdout) == state.json()
    assert set(state.json()["mastered"]) == {MODULE}
    early = runner.invoke(cli.app, [*arguments, "--until", str(started["position"])])
    assert json.loads(early.stdout)["mastered"] == {}
    assert json.loads(early.stdout)["last_decision_id"] == first["decision_id"]
    shown = runner.invoke(cli.app, arguments[:-1])
    assert shown.exit_code == 0
    assert MODULE in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody-1"], "assess the learner first"),
        (["nobody-1", "--until", "soon"], "a position"),
        (["nobody-1", "--until", "2026-03-01T09:30:00"], "zone"),
    ],
)
def test_a_replay_that_cannot_be_says_why(tmp_path: Path, arguments: list[str], says: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"

    done = CliRunner().invoke(cli.app, ["learner", "replay", *arguments, "--ledger", url])

    assert done.exit_code == 2
    assert says in done.output


def test_the_ledger_lies_beside_the_release_unless_told_otherwise(
    served_home: Path, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AINA_HOME", str(served_home))
    with running(served_home, tmp_path) as server:
        answer = httpx2.post(
            f"{server.url}/assess", json=profile("beside-1"), headers={"X-API-Key": key}, timeout=60
        )
        assert answer.status_code == 200

    assert (served_home / "learner" / "ledger.sqlite").exists()
    done = CliRunner().invoke(cli.app, ["learner", "replay", "beside-1", "--json"])
    assert json.loads(done.stdout)["learner_id"] == "beside-1"
