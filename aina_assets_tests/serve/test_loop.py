"""The loop end to end over HTTP, on a real server: what happens changes the plan, which says why."""

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


def test_assess_plan_learn_fail_plan_pass_plan_and_replay(
    served_home: Path,
    key: str,
    view: ReleaseView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    monkeypatch.setenv("AINA_HOME", str(served_home))
    with (
        running(served_home, tmp_path / "logs", "--ledger", url) as server,
        httpx2.Client(base_url=server.url, headers={"X-API-Key": key}, timeout=60) as client,
    ):

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        # A habit of use that is then put in doubt: what changed can be told apart.
        assessed = post("/assess", profile(LEARNER, ai_usage="weekly", confidence=4))
        first = post("/curriculum", {"learner_id": LEARNER})
        module = first["chosen_path"][0]["module_id"]
        lesson = client.get(f"/modules/{module}").json()
        post(f"/learners/{LEARNER}/events", {"event_type": "lesson_started", "module_id": module})
        failed = post("/submit", {"learner_id": LEARNER, "module_id": module, "text": "Words."})
        doubt = post(
            f"/learners/{LEARNER}/events", {"event_type": "confidence_updated", "confidence": 1}
        )
        second = post("/curriculum", {"learner_id": LEARNER})
        redo = second["chosen_path"][0]["module_id"]
        passed = post(
            "/submit",
            {
                "learner_id": LEARNER,
                "module_id": redo,
                "text": whole_submission(view.modules[redo]),
            },
        )
        third = post("/curriculum", {"learner_id": LEARNER})
        state = client.get(f"/learners/{LEARNER}/state")
        position = client.get("/health").json()["ledger"]["position"]
        assert server.stop() == -signal.SIGTERM

    assert assessed["readiness"]["level"] == 1
    assert lesson["lesson"]["explain"]
    assert (failed["outcome"], passed["outcome"]) == ("fail", "pass")
    assert first["changed_by"] == []
    assert second["chosen_path"] != first["chosen_path"]
    assert second["changed_by"][-1] == doubt["event_id"]
    assert third["chosen_path"][0]["module_id"] != redo
    with Ledger.open(url) as ledger:
        assert ledger.verify().position == position
        by_id = {one.event.event_id: one.event for one in ledger.events(LEARNER)}
    changed = {by_id[event_id].event_type for event_id in third["changed_by"]}
    assert changed
    assert changed <= {EventType.EVALUATOR_COMPLETED, EventType.MASTERY_GATE_PASSED}

    runner = CliRunner()
    arguments = ["learner", "replay", LEARNER, "--ledger", url, "--json"]
    assert json.loads(runner.invoke(cli.app, arguments).stdout) == state.json()
    assert set(state.json()["mastered"]) == {redo}
    early = runner.invoke(cli.app, [*arguments, "--until", str(doubt["position"])])
    assert json.loads(early.stdout)["mastered"] == {}
    assert json.loads(early.stdout)["last_decision_id"] == first["decision_id"]
    shown = runner.invoke(cli.app, arguments[:-1])
    assert shown.exit_code == 0
    assert redo in shown.stdout


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
