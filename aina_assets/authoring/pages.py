"""The page of the pipeline: its lanes, step by step, and everything by which they are configured.

Belongs here: the document that the page shows, made of the live configuration, the gates and the
names of the graph's assets; where its steps stand; rendering it. Stays out: what a lane made of any
chapter (``review_pages``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from aina_assets.authoring import registry, tables
from aina_assets.authoring.config import (
    AnyRubric,
    FieldContract,
    GateSet,
    Guide,
    Lane,
    Pitfalls,
    Rubric,
    Step,
    Template,
)
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.review_pages import REVIEWS
from aina_assets.contracts.review import Strictness
from aina_assets.review.policy import Gate, ReviewGates
from aina_assets.warehouse.reports import environment, json_bytes

FLOW = "pipeline_flow"

KINDS: Mapping[str, tuple[str, str]] = {
    "lms": ("User or LMS", "Takes a request in."),
    "preflight": ("Preflight", "Joins a request with the knowledge base, or stops."),
    "skill": ("LLM skill", "A model answers by contract; without one, drafted by rule."),
    "tool": ("Tool", "Computes, without a model."),
    "operation": ("Gate operation", "What a reviewer may ask for beside a plain rework."),
    "soft_gate": ("Soft gate", "Lets pass what nobody objects to, and says: unreviewed."),
    "hard_gate": ("Hard gate", "Nothing behind it before it is approved as it is."),
    "render": ("Render", "Makes pages, or closes a lane."),
}
"""Kinds of step: what each is called, and what it means."""

STRICTNESS: Mapping[Strictness, str] = {
    Strictness.HARD: (
        "Blocks what follows until it is approved on its current digest. Feedback reruns the"
        " producing skill as a new version."
    ),
    Strictness.SOFT: (
        "What follows goes on unreviewed, and says so; an objection stops it. Feedback reruns the"
        " producing skill as a new version."
    ),
}

Document = dict[str, Any]


def flow_document(
    authoring: Authoring,
    review_gates: ReviewGates,
    assets: Collection[str],
    versions: Mapping[str, str],
) -> Document:
    """Everything that the page of the pipeline says.

    Args:
        authoring: the configuration.
        review_gates: gates by which reviews are decided.
        assets: names of the graph's assets.
        versions: data versions of what it is made from.
    """
    lanes = [_lane(authoring, review_gates, lane, assets) for lane in authoring.flow.lanes]
    steps = [step for lane in lanes for step in lane["steps"]]
    known = registry.authoring_registry(authoring, review_gates).to_pylist()
    kinds = Counter(step["kind"] for step in steps)
    return {
        "report": FLOW,
        "kinds": [
            {"kind": kind, "name": name, "text": text, "count": kinds[kind]}
            for kind, (name, text) in KINDS.items()
        ],
        "lanes": lanes,
        "bridges": list(_bridges(authoring, lanes)),
        "counts": dict(Counter(row["kind"] for row in known)),
        "gates": [
            _gate(review_gates.gate(row["name"]), row, lanes) for row in _of(tables.GATE, known)
        ],
        "rubrics": [
            _rubric(authoring.rubric_by_name[row["name"]], row) for row in _of(tables.RUBRIC, known)
        ],
        "rules": [
            row
            | {
                "text": authoring.rule_by_name[row["name"]].text,
                "declared": _replaced(authoring, row["name"]),
            }
            for row in _of(tables.RULE, known)
        ],
        "templates": [
            _template(authoring.template_by_name[row["name"]], row)
            for row in _of(tables.TEMPLATE, known)
        ],
        "contracts": [
            _contract(authoring.contract_by_name[row["name"]], row)
            for row in _of(tables.CONTRACT, known)
        ],
        "artefacts": [
            {"name": name, **one.model_dump(mode="json")}
            for name, one in authoring.artefacts.items()
        ],
        "variables": {
            name: one.source for name, one in authoring.field_contracts.variables.items()
        },
        "operations": {
            name: one.model_dump(mode="json")
            for name, one in authoring.field_contracts.operations.items()
        },
        "enums": {name: list(words) for name, words in authoring.enums.items()},
        "shared": dict(authoring.shared),
        "made_from": dict(sorted(versions.items())),
    }


def _of(kind: str, known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(row) for row in known if row["kind"] == kind]


# ------------------------------------------------------------------------------------ lanes, steps


def _lane(
    config: Authoring, gates: ReviewGates, lane: Lane, assets: Collection[str]
) -> dict[str, Any]:
    seen: Counter[str] = Counter()
    steps: list[dict[str, Any]] = []
    for place, step in enumerate(lane.steps):
        seen[step.step] += 1
        again = f"-{seen[step.step]}" if seen[step.step] > 1 else ""
        steps.append(
            {
                "id": f"step-{lane.lane}-{step.step}{again}",
                "lane": lane.lane,
                "name": step.step,
                "place": place,
                **_step(config, gates, lane, step, place),
                "asset": _asset(lane.lane, step, config.makes(lane.lane, step), assets),
            }
        )
    return {"lane": lane.lane, "title": lane.title, "unit": lane.unit, "steps": steps}


def _step(
    config: Authoring, gates: ReviewGates, lane: Lane, step: Step, place: int
) -> dict[str, Any]:
    reads, makes = config.reads(lane.lane, step), config.makes(lane.lane, step)
    found: dict[str, Any] = {
        "kind": step.kind,
        "what": config.flow.steps.get(step.step, ""),
        "reads": [_passed(config, name) for name in reads],
        "makes": [_passed(config, name) for name in makes],
        "schemas": _schemas(config, makes),
        "rubrics": list(step.rubrics),
        "rules": [],
        "template": None,
        "skill": None,
        "rework": None,
    }
    if step.kind == "skill":
        template = config.template_by_name[step.step]
        skill = template.skill(lane.lane)
        rules = config.rules_for(skill) if "domain_rules" in template.variables else ()
        return found | {
            "what": template.title,
            "template": template.name,
            "skill": skill,
            "rules": [{"name": rule.name, "tier": rule.tier} for rule in rules],
            "rubrics": list(template.rubrics.get(lane.lane, ()))
            + [name for name in template.variables if name in config.rubric_by_name],
        }
    if step.kind == "operation":
        operation = config.field_contracts.operations[step.step]
        return found | {"what": operation.note, "template": operation.prompt}
    if step.kind == "gate":
        gate = gates.gate(step.step)
        return found | {
            "kind": f"{gate.strictness}_gate",
            "what": gate.title,
            "schemas": _schemas(config, reads),
            "rework": _reworked(config, lane, step, place),
        }
    return found


def _passed(config: Authoring, name: str) -> dict[str, str]:
    kind = "contract" if name in config.contract_by_name else "artefact"
    return {"name": name, "kind": kind}


def _schemas(config: Authoring, names: Sequence[str]) -> list[dict[str, Any]]:
    """Contracts of ``names``, each with its fields; of a part of one, only that part's."""
    found = []
    for name in names:
        contract, artefact = config.contract_of(name), config.artefacts.get(name)
        if contract is not None:
            every = [field.name for field in contract.fields]
            own = [field for field in every if artefact is None or field in artefact.fields]
            found.append({"name": name, "contract": contract.name, "fields": own})
    return found


def _reworked(config: Authoring, lane: Lane, gate: Step, place: int) -> int | None:
    """The place of the step that is run again on feedback: the last producer before the gate."""
    for before in range(place - 1, -1, -1):
        step = lane.steps[before]
        template = config.template_by_name.get(step.step) if step.kind == "skill" else None
        if template and gate.producer in (template.name, template.skill(lane.lane)):
            return before
    return None


_PAGES = {"render_review": REVIEWS}
"""Steps whose assets are reports, by name."""


def _asset(lane: str, step: Step, makes: Sequence[str], assets: Collection[str]) -> str | None:
    """The asset that a step is: called by what it makes, where a step stands twice, or itself."""
    if step.kind == "gate":
        named = [f"{step.step}_decisions"]
    else:
        named = [*(f"{lane}_{made}" for made in makes), f"{lane}_{step.step}"]
        named += [_PAGES[step.step]] if step.step in _PAGES else []
    return next((name for name in named if name in assets), None)


def _bridges(config: Authoring, lanes: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What passes between lanes: from the step that makes it to the first that reads it."""
    by_lane = {lane["lane"]: lane for lane in lanes}
    for bridge in config.flow.bridges:
        for name in bridge.carries:
            makers = _touching(by_lane[bridge.source], "makes", name)
            readers = _touching(by_lane[bridge.target], "reads", name)
            if makers and readers:
                yield {
                    "source": bridge.source,
                    "target": bridge.target,
                    "carries": name,
                    "made_by": makers[-1]["id"],
                    "maker": makers[-1]["name"],
                    "read_by": readers[0]["id"],
                    "reader": readers[0]["name"],
                    "from": makers[-1]["place"],
                    "to": readers[0]["place"],
                }


def _touching(lane: Mapping[str, Any], how: str, name: str) -> list[dict[str, Any]]:
    return [step for step in lane["steps"] if any(one["name"] == name for one in step[how])]


# ------------------------------------------------------------------------------------------ tables


def _gate(gate: Gate, row: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    (step,) = (
        step
        for lane in lanes
        if lane["lane"] in row["lanes"]
        for step in lane["steps"]
        if step["kind"].endswith("_gate") and step["name"] == gate.id
    )
    return {
        **row,
        "text": STRICTNESS[gate.strictness],
        "subject_kind": gate.subject_kind,
        "quorum": gate.quorum,
        "min_persons": gate.min_persons,
        "approvers": [str(kind) for kind in gate.approvers],
        "objectors": [str(kind) for kind in gate.objectors],
        "verdicts": [str(verdict) for verdict in gate.verdicts],
        "shows": [one["name"] for one in step["reads"]],
        "step": step["id"],
    }


def _rubric(one: AnyRubric, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        **row,
        "purpose": getattr(one, "purpose", ""),
        "verdicts": [],
        "verbs": None,
    }
    if isinstance(one, Rubric):
        found["verdicts"] = [band.model_dump(mode="json") for band in one.verdicts]
        found |= {"heading": "criteria", "domain": one.domain}
    elif isinstance(one, GateSet):
        found |= {"heading": "questions"}
    elif isinstance(one, Pitfalls):
        found |= {"heading": "pitfalls", "purpose": f"{one.purpose} {one.roles}"}
    elif isinstance(one, Guide):
        found |= {"heading": "rules", "verbs": one.verbs and one.verbs.model_dump(mode="json")}
    return found | {"entries": [entry.model_dump(mode="json") for entry in one.entries]}


def _replaced(config: Authoring, name: str) -> list[dict[str, str]]:
    """Consumers that a rule was first written for, each with who takes its place."""
    return [
        {"name": was, "by": found.by, "reads": found.reads}
        for was, found in config.rule_by_name[name].resolution.items()
    ]


def _template(one: Template, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "line_count": len(one.body.splitlines()),
        "body": one.body,
        "speaks_for": [{"lane": lane, "skill": one.skill(lane)} for lane in one.lanes],
        "operations": list(one.operations),
        "produces": sorted(set(one.produces.values())),
    }


def _contract(one: FieldContract, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "is_sink": one.kind == "sink",
        "fields": [field.model_dump(mode="json") for field in one.fields],
        "polymorphic_on": one.polymorphic_on,
        "identity_fields": list(one.identity_fields),
        "entry_points": [entry.model_dump(mode="json") for entry in one.entry_points],
    }


# ---------------------------------------------------------------------------------------- drawing

_REM = 16
_HEAD, _PITCH, _NODE = 5.5, 4.25, 3.4
_LEFT, _COLUMN, _GUTTER = 1.5, 13.75, 5.25


def drawing(document: Mapping[str, Any]) -> Document:
    """Where lanes stand on a wide page, in rem, and the paths drawn between their steps.

    Paths are in sixteenths of a rem: bridges between lanes, and the ways back from gates.
    """
    lefts = {
        lane["lane"]: _LEFT + place * (_COLUMN + _GUTTER)
        for place, lane in enumerate(document["lanes"])
    }
    height = _HEAD + _PITCH * max(len(lane["steps"]) for lane in document["lanes"])
    tracks = {lane: count() for lane in lefts}
    bridges = []
    for bridge in document["bridges"]:
        start, end = lefts[bridge["source"]] + _COLUMN, lefts[bridge["target"]]
        above, below = sorted((_middle(bridge["from"]), _middle(bridge["to"])))
        track = start + 1.05 + 1.15 * next(tracks[bridge["source"]])
        points = [
            (start, _middle(bridge["from"])),
            (track, _middle(bridge["from"])),
            (track, _middle(bridge["to"])),
            (end - 0.3, _middle(bridge["to"])),
        ]
        bridges.append(
            bridge | {"path": _path(points), "x": _px(track - 0.24), "y": _px((above + below) / 2)}
        )
    reworks = []
    for lane in document["lanes"]:
        for step in lane["steps"]:
            if step["rework"] is not None:
                left = lefts[lane["lane"]]
                points = [
                    (left, _middle(step["place"]) + 0.6),
                    (left - 0.9, _middle(step["place"]) + 0.6),
                    (left - 0.9, _middle(step["rework"]) + 0.6),
                    (left - 0.3, _middle(step["rework"]) + 0.6),
                ]
                reworks.append({"gate": step["name"], "path": _path(points)})
    width = _LEFT + len(lefts) * _COLUMN + (len(lefts) - 1) * _GUTTER
    return {
        "width": width,
        "height": height,
        "view": f"0 0 {_px(width)} {_px(height)}",
        "head": _HEAD,
        "pitch": _PITCH,
        "node": _NODE,
        "left": _LEFT,
        "column": _COLUMN,
        "gutter": _GUTTER,
        "bridges": bridges,
        "reworks": reworks,
    }


def _middle(place: int) -> float:
    return _HEAD + place * _PITCH + _NODE / 2


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{_px(x)} {_px(y)}" for x, y in points)


def _px(rem: float) -> int:
    return round(rem * _REM)


def flow_files(document: Mapping[str, Any], templates: Path) -> dict[str, bytes]:
    """The page of the pipeline, and the document it shows."""
    page = environment(templates).get_template(f"{FLOW}.html.j2")
    html = page.render(
        document=document,
        drawing=drawing(document),
        contract_by_name={one["name"]: one for one in document["contracts"]},
        template_by_name={one["name"]: one for one in document["templates"]},
    )
    return {f"{FLOW}.json": json_bytes(document), f"{FLOW}.html": html.encode()}
