"""Scenarios: GDPval tasks as something to practise on, and the workflows they are practice for.

Belongs here: making the two tables. Stays out: what goes with a sector or kind of file (authored),
how tasks were placed in occupations and workflows (``work_graph``).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.practice import SandboxScenario, ScenarioCriterion
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.contracts.work import CodeLevel
from aina_assets.practice.policy import Guidance, NoScenario, PracticeRules, ScenarioRules
from aina_assets.practice.tables import SandboxScenarios, ScenarioLinks
from aina_assets.warehouse.tables import arrow_schema

Row = Mapping[str, Any]

_WIDE = (CodeLevel.MINOR, CodeLevel.MAJOR)


def sandbox_scenarios(
    gdpval_tasks: pa.Table,
    gdpval_task_map: pa.Table,
    gdpval_soc_map: pa.Table,
    practice_rules: PracticeRules,
) -> pa.Table:
    """Rows of ``SandboxScenarios``: one for each GDPval task, in order of their ids.

    Raises:
        AinaError: a task cannot become a scenario; names it.
    """
    placed = {row["task_id"]: row for row in gdpval_task_map.to_pylist()}
    members = {row["soc_code"]: row for row in gdpval_soc_map.to_pylist()}
    rows = []
    for task in sorted(gdpval_tasks.to_pylist(), key=lambda row: str(row["task_id"])):
        place = placed.get(task["task_id"])
        group = members.get(place["soc_code"]) if place is not None else None
        rows.append(_scenario(task, place, group, practice_rules.scenarios))
    return pa.Table.from_pylist(rows, schema=arrow_schema(SandboxScenarios))


def _scenario(
    task: Row, place: Row | None, group: Row | None, rules: ScenarioRules
) -> dict[str, Any]:
    deliverables = json.loads(task["deliverable_files"])
    kinds = _kinds(deliverables, rules)
    parts: list[Guidance] = [
        rules.general,
        rules.sectors.get(task["sector"], Guidance()),
        *(item for name, item in rules.deliverables.items() if name in kinds),
    ]
    of = [row for row in (task, place, group) if row is not None]
    try:
        scenario = SandboxScenario(
            scenario_id=f"gdpval:{task['task_id']}",
            task_id=task["task_id"],
            sector=task["sector"],
            occupation=task["occupation"],
            soc_codes=tuple(group["detailed_codes"].split(",")) if group else (),
            prompt=task["prompt"],
            reference_uris=_uris(json.loads(task["reference_files"]), rules),
            deliverable=_described(kinds, rules),
            deliverable_uris=_uris(deliverables, rules),
            rubric=tuple(_criteria(json.loads(task["rubric"]))),
            points=task["rubric_points"],
            allowed_tools=_once(part.allowed_tools for part in parts),
            hitl_checkpoints=_once(part.hitl_checkpoints for part in parts),
            failure_modes=_once(part.failure_modes for part in parts),
            source_class=joined_classes(row["source_class"] for row in of),
            allowed_use=strictest_use(row["allowed_use"] for row in of),
        )
    except ValidationError as error:
        raise AinaError(
            expected="a task with prompt, rubric and positive points",
            found="; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
            ),
            where=f"gdpval_tasks, task_id {task['task_id']}",
            remedy="compare the row with the published file; the contract is SandboxScenario",
        ) from error
    return scenario.model_dump(mode="json")


def _criteria(items: Sequence[Row]) -> Iterator[ScenarioCriterion]:
    """The published items in order; where they carry no id, their place is one."""
    for number, item in enumerate(items, start=1):
        yield ScenarioCriterion(
            criterion_id=item.get("rubric_item_id") or f"item-{number}",
            points=item["score"],
            text=item["criterion"],
        )


def _uris(paths: Iterable[str], rules: ScenarioRules) -> tuple[str, ...]:
    return tuple(f"{rules.dataset}/{path}" for path in paths)


def _kinds(paths: Iterable[str], rules: ScenarioRules) -> dict[str, list[str]]:
    """Kind of deliverable -> suffixes of its files; '' for files of no authored kind."""
    kind_of = {name: kind for kind, item in rules.deliverables.items() for name in item.extensions}
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        suffix = PurePosixPath(path).suffix.removeprefix(".").lower()
        found[kind_of.get(suffix, "")].append(suffix)
    return dict(found)


def _described(kinds: Mapping[str, Sequence[str]], rules: ScenarioRules) -> str:
    parts = []
    for kind in (*rules.deliverables, ""):
        if kind not in kinds:
            continue
        suffixes = kinds[kind]
        if len(suffixes) == 1:
            what = rules.deliverables[kind].name if kind else rules.other_file
        else:
            plural = rules.deliverables[kind].plural if kind else rules.other_files
            what = f"{len(suffixes)} {plural}"
        named = [suffix for suffix, _ in Counter(suffixes).most_common() if suffix]
        parts.append(f"{what} ({', '.join(sorted(named))})" if named else what)
    if not parts:
        return rules.no_files
    joined = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{joined[0].upper()}{joined[1:]}."


def _once(parts: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    found: list[Any] = []
    for part in parts:
        found += [item for item in part if item not in found]
    return tuple(found)


def scenario_links(workflows: pa.Table, roles: pa.Table, sandbox_scenarios: pa.Table) -> pa.Table:
    """Rows of ``ScenarioLinks``: at least one for each top workflow, in order of the workflows."""
    scenarios = {
        row["scenario_id"]: row
        for row in sandbox_scenarios.select(
            ["scenario_id", "soc_codes", "source_class", "allowed_use"]
        ).to_pylist()
    }
    by_code: dict[str, list[str]] = defaultdict(list)
    for scenario_id, row in sorted(scenarios.items()):
        for code in row["soc_codes"]:
            by_code[code].append(scenario_id)
    role_of = {
        row["role_id"]: row
        for row in roles.select(["role_id", "code_level", "onet_soc_codes"]).to_pylist()
    }
    rows: list[dict[str, Any]] = []
    for flow in workflows.to_pylist():
        if flow["is_top"]:
            role = role_of[flow["role_id"]]
            rows += _links(flow, role, scenarios, by_code)
    return pa.Table.from_pylist(rows, schema=arrow_schema(ScenarioLinks))


def _links(
    flow: Row, role: Row, scenarios: Mapping[str, Row], by_code: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    basis: str | None = "task"
    reason: NoScenario | None = None
    names = [f"gdpval:{task_id}" for task_id in flow["gdpval_task_ids"]]
    found = [name for name in names if name in scenarios]
    if not found:
        codes = sorted({code[:7] for code in role["onet_soc_codes"]})
        of_occupation = sorted({name for code in codes for name in by_code.get(code, ())})
        if of_occupation and role["code_level"] not in _WIDE:
            basis, found = "occupation", of_occupation
        else:
            basis = None
            reason = (
                NoScenario.ROLE_IS_WIDE_GROUP
                if of_occupation
                else NoScenario.OCCUPATION_NOT_IN_GDPVAL
            )
    for position, name in enumerate(found or [None], start=1):
        of = [flow] if name is None else [flow, scenarios[name]]
        yield {
            "workflow_id": flow["workflow_id"],
            "role_id": flow["role_id"],
            "position": position,
            "scenario_id": name,
            "basis": basis,
            "no_match_reason": None if reason is None else str(reason),
            "source_class": joined_classes(row["source_class"] for row in of),
            "allowed_use": strictest_use(row["allowed_use"] for row in of),
        }
