"""The API: what each route takes and gives, and what it says when something is wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from aina_assets.contracts.learner import EventType, PersonalizationDecision
from aina_assets.contracts.practice import EvaluationResult
from aina_assets.learner.replay import LearnerState
from aina_assets.learner.view import ReleaseView
from aina_assets.serve.desk import TRACE_ROWS
from aina_assets.serve.problems import MEDIA_TYPE
from aina_assets.serve.shapes import (
    AssessmentResult,
    Health,
    ModuleAnswer,
    ModuleLesson,
    WorkflowSandbox,
)
from aina_assets_tests.loop.submissions import whole_submission
from aina_assets_tests.serve.samples import new_learner, planned, profile


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """The problem in ``answer``, which is one in every respect."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    for name in ("type", "title", "detail"):
        assert problem[name]
    return problem


def submit(
    client: TestClient, learner_id: str, module_id: str, text: str, **headers: str
) -> EvaluationResult:
    body = {"learner_id": learner_id, "module_id": module_id, "text": text}
    answer = client.post("/submit", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return EvaluationResult.model_validate(answer.json())


# ---------------------------------------------------------------------------------------- the loop


def test_an_assessment_says_where_a_learner_stands_and_how_the_title_was_read(
    client: TestClient, view: ReleaseView
) -> None:
    answer = client.post("/assess", json=profile("assess-1", ai_usage="weekly", confidence=4))

    found = AssessmentResult.model_validate(answer.json())
    assert found.readiness.level == 1
    assert found.packet.release_id == view.release_id
    assert found.packet.role_title == "Marketing Managers"
    assert found.packet.workflows
    assert found.packet.candidate_count > 0
    assert [step.tier for step in found.fallback_path if step.is_used] == ["exact"]


def test_a_title_nobody_knows_is_left_open_and_says_so(client: TestClient) -> None:
    body = profile("assess-2", role_title="Zzyzx quorble")
    answer = client.post("/assess", json=body)

    found = AssessmentResult.model_validate(answer.json())
    assert found.packet.role_id is None
    assert found.packet.fallback_tier == "unresolved"
    assert found.fallback_path[-1].is_used
    assert planned(client, "assess-2")["chosen_path"] == []


def test_failing_and_passing_change_the_plan_and_the_plan_names_the_events(
    client: TestClient, view: ReleaseView
) -> None:
    learner = new_learner(client)
    first = PersonalizationDecision.model_validate(planned(client, learner))
    module = first.chosen_path[0].module_id

    failed = submit(client, learner, module, "Nothing much.")
    redo = PersonalizationDecision.model_validate(planned(client, learner))
    passed = submit(client, learner, module, whole_submission(view.modules[module]))
    onward = PersonalizationDecision.model_validate(planned(client, learner))

    assert (failed.outcome, passed.outcome) == ("fail", "pass")
    assert redo.chosen_path[0].module_id == module
    assert onward.chosen_path[0].module_id != module
    assert onward.changed_by
    assert set(onward.changed_by) <= set(onward.basis_events)
    state = LearnerState.model_validate(client.get(f"/learners/{learner}/state").json())
    assert set(state.mastered) == {module}
    assert state.last_decision_id == onward.decision_id


def test_an_evaluation_never_holds_the_learners_words(client: TestClient) -> None:
    learner = new_learner(client)
    module = planned(client, learner)["chosen_path"][0]["module_id"]
    body = {"learner_id": learner, "module_id": module, "text": "A distinctive plumcot sentence."}

    answer = client.post("/submit", json=body)

    assert answer.status_code == 200
    assert "plumcot" not in answer.text


def test_a_lesson_holds_no_checks_and_the_answer_all_of_them(
    client: TestClient, view: ReleaseView
) -> None:
    learner = new_learner(client)
    module_id = planned(client, learner)["chosen_path"][0]["module_id"]
    module = view.modules[module_id]

    lesson = client.get(f"/modules/{module_id}")
    shown = client.post(f"/modules/{module_id}/answer", json={"learner_id": learner})

    assert ModuleLesson.model_validate(lesson.json()).lesson == module.lesson
    assert '"checks":' not in lesson.text
    answer = ModuleAnswer.model_validate(shown.json())
    assert answer.rubric == module.rubric
    assert answer.event.event_type is EventType.MODULE_EXPOSED
    redone = submit(client, learner, module_id, whole_submission(module))
    assert redone.outcome == "pass"
    assert not redone.counts_for_mastery
    state = client.get(f"/learners/{learner}/state").json()
    assert state["mastered"] == {}
    assert module_id in state["answers_shown"]


def test_what_a_learner_reports_is_recorded_and_counts(client: TestClient) -> None:
    learner = new_learner(client, ai_usage="daily", confidence=5)
    before = planned(client, learner)
    module = before["chosen_path"][0]["module_id"]
    reports: list[dict[str, Any]] = [
        {"event_type": "readiness_report_viewed"},
        {"event_type": "module_exposed", "module_id": module},
        {"event_type": "lesson_started", "module_id": module},
        {"event_type": "goal_updated", "goals": ["understand", "change_role"]},
        {"event_type": "tool_stack_updated", "tools": ["Spreadsheet"]},
        {"event_type": "confidence_updated", "confidence": 1},
    ]

    answers = [client.post(f"/learners/{learner}/events", json=report) for report in reports]

    assert [answer.json()["event_type"] for answer in answers] == [
        report["event_type"] for report in reports
    ]
    positions = [answer.json()["position"] for answer in answers]
    assert positions == sorted(positions)
    state = client.get(f"/learners/{learner}/state").json()
    assert state["profile"]["goals"] == ["understand", "change_role"]
    assert state["profile"]["tools"] == ["Spreadsheet"]
    assert state["profile"]["confidence"] == 1
    assert state["exposures"] == {module: 1}
    assert state["answers_shown"] == {}
    after = planned(client, learner)
    assert after["chosen_path"] != before["chosen_path"]
    assert after["changed_by"]


def test_no_report_may_be_of_an_event_that_only_the_server_makes(client: TestClient) -> None:
    learner = new_learner(client)
    module = planned(client, learner)["chosen_path"][0]["module_id"]

    for event_type in ("mastery_gate_passed", "evaluator_completed", "practice_submitted"):
        report = {"event_type": event_type, "module_id": module}
        problem_of(client.post(f"/learners/{learner}/events", json=report), 422)
    shown = {"event_type": "module_exposed", "module_id": module, "answer_shown": True}
    problem_of(client.post(f"/learners/{learner}/events", json=shown), 422)


# ---------------------------------------------------------------------------------------- sandbox


@pytest.mark.parametrize("basis", ["task", "occupation"])
def test_a_workflow_with_scenarios_has_all_that_practice_needs(
    client: TestClient, view: ReleaseView, basis: str
) -> None:
    links = view.rows(
        "SELECT workflow_id, scenario_id FROM scenario_links WHERE basis = ?"
        " ORDER BY workflow_id, position",
        basis,
    )
    workflow_id = links[0]["workflow_id"]

    answer = client.get(f"/workflow/{workflow_id}/sandbox")

    sandbox = WorkflowSandbox.model_validate(answer.json())
    linked = [row["scenario_id"] for row in links if row["workflow_id"] == workflow_id]
    assert [one.scenario_id for one in sandbox.scenarios] == linked[: len(sandbox.scenarios)]
    assert sandbox.scenario_count == len(linked)
    assert sandbox.no_match is None
    for scenario in sandbox.scenarios:
        assert scenario.setup.link_basis == basis
        assert scenario.prompt
        assert scenario.allowed_tools
        assert scenario.hitl_checkpoints
        assert scenario.failure_modes
        assert scenario.rubric.criterion_count >= len(scenario.rubric.weightiest) > 0
        for uri in scenario.reference_uris:
            assert uri.startswith("hf://")


def test_no_experts_deliverable_is_given_away(client: TestClient, view: ReleaseView) -> None:
    rows = view.rows(
        "SELECT workflow_id, deliverable_uris FROM scenario_links JOIN sandbox_scenarios"
        " USING (scenario_id) WHERE len(deliverable_uris) > 0 LIMIT 5"
    )
    assert rows
    for row in rows:
        said = client.get(f"/workflow/{row['workflow_id']}/sandbox").text
        assert not any(uri in said for uri in row["deliverable_uris"])


def test_a_workflow_without_scenarios_says_why(client: TestClient, view: ReleaseView) -> None:
    reasons = {
        row["no_match_reason"]: row["workflow_id"]
        for row in view.rows(
            "SELECT no_match_reason, min(workflow_id) AS workflow_id FROM scenario_links"
            " WHERE no_match_reason IS NOT NULL GROUP BY 1"
        )
    }
    (later,) = view.rows("SELECT workflow_id FROM workflows WHERE NOT is_top LIMIT 1")
    assert reasons

    for reason, workflow_id in {**reasons, "not_a_top_workflow": later["workflow_id"]}.items():
        sandbox = WorkflowSandbox.model_validate(
            client.get(f"/workflow/{workflow_id}/sandbox").json()
        )
        assert sandbox.scenarios == ()
        assert sandbox.no_match is not None
        assert sandbox.no_match.reason == reason
        assert sandbox.no_match.rationale.endswith(".")


# ---------------------------------------------------------------------------------------- trace


def test_a_row_is_traced_to_its_files(client: TestClient) -> None:
    answer = client.get("/trace/occupations/11-2021.00")

    assert answer.status_code == 200
    trace = answer.json()
    assert trace["table"] == "occupations"
    (row,) = trace["rows"]
    assert row["key"] == "11-2021.00"
    assert row["files"][0]["sha256"]
    assert row["files"][0]["licence"]


def test_a_trace_follows_no_more_rows_than_it_may(client: TestClient) -> None:
    (workflow,) = planned(client, new_learner(client))["chosen_path"][:1]
    path = f"/trace/workflows/{quote(workflow['workflow_id'], safe='')}"

    one = client.get(path)
    most = client.get(path, params={"rows": TRACE_ROWS})

    assert len(most.content) > len(one.content)
    problem_of(client.get(path, params={"rows": TRACE_ROWS + 1}), 422)


@pytest.mark.parametrize(
    "path",
    ["/trace/no_such_table/1", "/trace/occupations/99-9999.00", "/trace/title_rows/only-one-part"],
)
def test_what_is_not_there_cannot_be_traced(client: TestClient, path: str) -> None:
    problem = problem_of(client.get(path), 404)

    assert problem["expected"]
    assert problem["remedy"]


# ---------------------------------------------------------------------------------------- problems


def test_only_synthetic_learners_are_served(client: TestClient) -> None:
    answer = client.post("/assess", json=profile("real-1", is_synthetic=False))

    problem = problem_of(answer, 403)
    assert problem["type"].endswith("synthetic-only")
    problem_of(client.get("/learners/real-1/state"), 404)


def test_who_and_what_is_unknown_is_not_found(client: TestClient) -> None:
    learner = new_learner(client)
    module = planned(client, learner)["chosen_path"][0]["module_id"]
    text = {"text": "Words."}

    for answer in (
        client.post("/curriculum", json={"learner_id": "nobody-1"}),
        client.get("/learners/nobody-1/state"),
        client.post("/learners/nobody-1/events", json={"event_type": "readiness_report_viewed"}),
        client.post(f"/modules/{module}/answer", json={"learner_id": "nobody-1"}),
        client.post("/submit", json={"learner_id": "nobody-1", "module_id": module} | text),
        client.post("/submit", json={"learner_id": learner, "module_id": "no_module"} | text),
        client.post("/modules/no_module/answer", json={"learner_id": learner}),
        client.get("/modules/no_module"),
        client.get("/workflow/11-1111.00:00000000/sandbox"),
        client.get("/nowhere"),
    ):
        problem = problem_of(answer, 404)
        assert problem["type"].startswith("urn:aina:problem:")


def test_a_method_that_is_not_there_says_which_is(client: TestClient) -> None:
    answer = client.get("/assess")

    problem_of(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_a_fault_is_told_by_place_and_rule_and_never_quotes(client: TestClient) -> None:
    body = profile("plumcot Learner", confidence="plumcot", goals=["plumcot"], plumcot="plumcot")

    answer = client.post("/assess", json=body)

    problem = problem_of(answer, 422)
    assert "plumcot" not in answer.text
    places = {fault["where"] for fault in problem["faults"]}
    assert places >= {"body.learner_id", "body.confidence", "body.goals.0", "body"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"plumcot', 422),
        (b"", 422),
        (b"plumcot", 422),
        (b"[" * 100_000, 400),
        (b"\xff\xfe\x00plumcot", 422),
        (b'{"confidence": 1' + b"0" * 5000 + b"}", 400),
        (b'{"learner_id": "\\ud800plumcot"}', 422),
        (b'{"confidence": NaN}', 422),
    ],
)
def test_what_is_no_request_is_refused_without_being_quoted(
    client: TestClient, content: bytes, status: int
) -> None:
    answer = client.post("/assess", content=content, headers={"Content-Type": "application/json"})

    problem_of(answer, status)
    assert "plumcot" not in answer.text


def test_a_form_is_no_json(client: TestClient) -> None:
    problem_of(client.post("/curriculum", data={"learner_id": "learner-1"}), 422)


def test_a_submission_over_the_limit_of_practice_is_too_large(
    client: TestClient, view: ReleaseView
) -> None:
    learner = new_learner(client)
    module = planned(client, learner)["chosen_path"][0]["module_id"]
    limit = view.practice.evaluation.submission_max_bytes
    body = {"learner_id": learner, "module_id": module, "text": "é" * (limit // 2 + 1)}

    problem = problem_of(client.post("/submit", json=body), 413)

    assert f"{limit:,}" in problem["expected"]
    body["text"] = "é" * (limit // 2)
    assert client.post("/submit", json=body).status_code == 200


# ---------------------------------------------------------------------------------------- once each


def test_a_key_is_made_and_returned_where_none_is_given(client: TestClient) -> None:
    first = client.post("/assess", json=profile("keys-1"))
    second = client.post("/assess", json=profile("keys-1"))
    refused = client.post("/curriculum", json={"learner_id": "nobody-1"})

    keys = [answer.headers["idempotency-key"] for answer in (first, second, refused)]
    assert all(keys)
    assert len(set(keys)) == 3


def test_the_same_key_is_the_same_request_on_every_route(
    client: TestClient, view: ReleaseView
) -> None:
    learner = "keys-2"
    module = "marketing_growth_map_your_work"
    text = whole_submission(view.modules[module])
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/assess", profile(learner)),
        ("/curriculum", {"learner_id": learner}),
        ("/submit", {"learner_id": learner, "module_id": module, "text": text}),
        (f"/modules/{module}/answer", {"learner_id": learner}),
        (f"/learners/{learner}/events", {"event_type": "confidence_updated", "confidence": 2}),
    ]
    headers = {"Idempotency-Key": "one-key"}

    first = [client.post(path, json=body, headers=headers) for path, body in requests]
    count = client.get(f"/learners/{learner}/state").json()["event_count"]
    again = [client.post(path, json=body, headers=headers) for path, body in requests]

    assert {answer.status_code for answer in first} == {200}
    assert {answer.headers["idempotency-key"] for answer in (*first, *again)} == {"one-key"}
    # An assessment answers from what is known now, the others from what was recorded then.
    assert [answer.json() for answer in again[1:]] == [answer.json() for answer in first[1:]]
    assert client.get(f"/learners/{learner}/state").json()["event_count"] == count


def test_a_key_taken_by_another_request_is_a_conflict(client: TestClient) -> None:
    learner = new_learner(client)
    module = planned(client, learner)["chosen_path"][0]["module_id"]
    headers = {"Idempotency-Key": "taken"}
    for path, body, other in (
        ("/assess", profile(learner), profile(learner, weekly_minutes=45)),
        (
            "/submit",
            {"learner_id": learner, "module_id": module, "text": "One."},
            {"learner_id": learner, "module_id": module, "text": "Two."},
        ),
        (
            f"/learners/{learner}/events",
            {"event_type": "confidence_updated", "confidence": 2},
            {"event_type": "confidence_updated", "confidence": 3},
        ),
    ):
        assert client.post(path, json=body, headers=headers).status_code == 200
        problem_of(client.post(path, json=other, headers=headers), 409)


@pytest.mark.parametrize("name", ["", "with space", "x" * 129, "t\xe4st"])
def test_what_is_no_key_is_refused_and_not_returned(client: TestClient, name: str) -> None:
    headers = {b"Idempotency-Key": name.encode("latin-1")}

    answer = client.post("/curriculum", json={"learner_id": "nobody-1"}, headers=headers)

    problem = problem_of(answer, 422)
    assert problem["where"] == "header.Idempotency-Key"
    assert "idempotency-key" not in answer.headers


def test_health_says_what_is_served_and_no_secret(
    client: TestClient, anonymous: TestClient, view: ReleaseView, key: str
) -> None:
    before = Health.model_validate(anonymous.get("/health").json())
    new_learner(client)
    answer = anonymous.get("/health")

    after = Health.model_validate(answer.json())
    assert after.status == "ok"
    assert after.release.release_id == view.release_id
    assert after.ledger.position == before.ledger.position + 2
    assert after.ledger.digest != before.ledger.digest
    assert key not in answer.text
    assert "/" not in answer.text.replace("://", "")
