"""What a workflow can be practised on.

Belongs here: reading a release's scenarios for one workflow. Stays out: which scenario goes with
which workflow, and why some have none (``practice``).
"""

from __future__ import annotations

from typing import Any

from aina_assets.contracts.practice import SandboxScenario
from aina_assets.learner.view import ReleaseView
from aina_assets.practice.policy import NoScenario
from aina_assets.serve.problems import WorkflowUnknown
from aina_assets.serve.shapes import NoMatch, Scenario, WorkflowSandbox

SHOWN_SCENARIOS = 10
NOT_A_TOP_WORKFLOW = "not_a_top_workflow"


def sandbox_of(view: ReleaseView, workflow_id: str) -> WorkflowSandbox:
    """Scenarios that ``view`` links to a workflow, the closest first.

    Raises:
        WorkflowUnknown: the release has no such workflow.
    """
    found = view.rows("SELECT workflow_title FROM workflows WHERE workflow_id = ?", workflow_id)
    if not found:
        raise WorkflowUnknown(
            expected="a workflow of the current release",
            found=workflow_id,
            where=f"release {view.release_id}",
            remedy="take a workflow of the learner's plan",
        )
    links = view.rows(
        "SELECT scenario_id, basis, no_match_reason FROM scenario_links"
        " WHERE workflow_id = ? ORDER BY position",
        workflow_id,
    )
    linked = {row["scenario_id"]: row["basis"] for row in links if row["scenario_id"] is not None}
    return WorkflowSandbox(
        workflow_id=workflow_id,
        workflow_title=found[0]["workflow_title"],
        release_id=view.release_id,
        scenario_count=len(linked),
        scenarios=tuple(
            Scenario.of(scenario, linked[scenario.scenario_id])
            for scenario in _scenarios(view, list(linked)[:SHOWN_SCENARIOS])
        ),
        no_match=None if linked else _no_match(view, links),
    )


def _scenarios(view: ReleaseView, ids: list[str]) -> list[SandboxScenario]:
    rows = view.rows("SELECT * FROM sandbox_scenarios WHERE scenario_id IN (SELECT unnest(?))", ids)
    known = {row["scenario_id"]: SandboxScenario.model_validate(row) for row in rows}
    return [known[name] for name in ids]


def _no_match(view: ReleaseView, links: list[dict[str, Any]]) -> NoMatch:
    if not links:
        return NoMatch(
            reason=NOT_A_TOP_WORKFLOW,
            rationale="Scenarios are linked to the first workflows of a role; this is a later one.",
        )
    reason = NoScenario(links[0]["no_match_reason"])
    return NoMatch(reason=reason, rationale=view.practice.scenarios.no_scenario[reason])
