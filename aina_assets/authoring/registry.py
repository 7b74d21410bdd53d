"""The registry: every gate, rubric, rule, template and contract by name, with what it holds.

Belongs here: rows that say what is configured. Stays out: whether it fits (``check``).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from aina_assets.authoring import tables
from aina_assets.authoring.check import faults_of_gates
from aina_assets.authoring.config import (
    CONTRACTS,
    DOMAIN_RULES,
    LANES,
    PROMPTS,
    RUBRICS,
    AnyRubric,
    Configuration,
    DomainRule,
    FieldContract,
    Rubric,
    Step,
    Template,
)
from aina_assets.authoring.policy import Authoring
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.tables import arrow_schema

_FOLDER = "data/authoring"


def authoring_registry(authoring: Authoring, review_gates: ReviewGates) -> pa.Table:
    """Rows of ``AuthoringRegistry``: gates, rubrics, rules, templates, contracts.

    Raises:
        AuthoredDocumentError: a lane has a gate at which nobody can decide.
    """
    if faults := faults_of_gates(authoring, review_gates):
        raise AuthoredDocumentError(
            expected="lanes whose gates are those of data/review_gates.yaml",
            found="; ".join(map(str, faults)),
            where=f"{_FOLDER}/{LANES}",
            remedy="declare the gate there, or take it out of the lane",
        )
    rows = [
        *(
            _gate(lane.lane, step, review_gates)
            for lane in authoring.flow.lanes
            for step in lane.steps
            if step.kind == "gate"
        ),
        *(_rubric(authoring, one) for one in authoring.rubrics),
        *(_rule(authoring, one) for one in authoring.rules),
        *(_template(one) for one in authoring.templates),
        *(_contract(authoring, one) for one in authoring.field_contracts.contracts),
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.AuthoringRegistry))


def _row(kind: str, name: str, title: str, path: str, **own: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "title": title,
        "path": f"{_FOLDER}/{path}",
        "lanes": [],
        "variables": [],
        "producers": [],
        "consumers": [],
        "source_class": str(SourceClass.INTERNAL),
        "allowed_use": str(AllowedUse.OPEN),
        **own,
    }


def _gate(lane: str, step: Step, review_gates: ReviewGates) -> dict[str, Any]:
    gate = review_gates.gate(step.step)
    return _row(
        tables.GATE,
        gate.id,
        gate.title,
        LANES,
        lanes=[lane],
        strictness=str(gate.strictness),
        producers=[step.producer],
    )


def _rubric(config: Configuration, one: AnyRubric) -> dict[str, Any]:
    using = [
        (lane, template.name)
        for template in config.templates
        for lane in template.lanes
        if one.name in template.rubrics.get(lane, ()) or one.name in template.variables
    ]
    using += [
        (lane.lane, step.step)
        for lane in config.flow.lanes
        for step in lane.steps
        if one.name in step.rubrics
    ]
    is_scored = isinstance(one, Rubric)
    return _row(
        tables.RUBRIC,
        one.name,
        one.title,
        f"{RUBRICS}/{one.name}.yaml",
        lanes=_once(lane for lane, _ in using),
        scope=one.scope,
        entry_count=len(one.entries),
        criterion_count=len(one.entries) if is_scored else None,
        points=one.points if isinstance(one, Rubric) else None,
        consumers=_once(name for _, name in using),
    )


def _rule(config: Configuration, one: DomainRule) -> dict[str, Any]:
    return _row(
        tables.RULE,
        one.name,
        one.description,
        f"{DOMAIN_RULES}/{one.name}.{one.format}",
        lanes=_once(lane for lane, skill in config.template_by_skill if skill in one.consumers),
        tier=one.tier,
        format=one.format,
        consumers=list(one.consumers),
    )


def _template(one: Template) -> dict[str, Any]:
    return _row(
        tables.TEMPLATE,
        one.name,
        one.title,
        f"{PROMPTS}/{one.name}.md",
        lanes=list(one.lanes),
        variables=list(one.variables),
        consumers=_once(one.skill(lane) for lane in one.lanes),
    )


def _contract(config: Configuration, one: FieldContract) -> dict[str, Any]:
    return _row(
        tables.CONTRACT,
        one.name,
        one.note,
        CONTRACTS,
        lanes=[
            lane.lane
            for lane in config.flow.lanes
            if any(
                one.name in (*config.reads(lane.lane, step), *config.makes(lane.lane, step))
                or one.name == step.step
                for step in lane.steps
            )
        ],
        field_count=len(one.fields),
        required_count=sum(field.required for field in one.fields),
        producers=list(one.producers),
        consumers=list(one.consumed_by),
    )


def _once(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
