"""The curriculum as tables: levels, modules, criteria, and the modules of every workflow.

Belongs here: rows made of authored modules. Stays out: whether they go deep enough (``depth``).
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.curriculum import tables
from aina_assets.curriculum.links import links_of
from aina_assets.curriculum.policy import Curriculum
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import Families

_AUTHORED = {"source_class": tables.AUTHORED_CLASS, "allowed_use": tables.AUTHORED_USE}


def capability_levels(curriculum: Curriculum) -> pa.Table:
    """Rows of ``CapabilityLevels``."""
    rows = [
        {**level.model_dump(exclude={"id"}), "level_id": level.id, **_AUTHORED}
        for level in curriculum.levels
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.CapabilityLevels))


def modules(curriculum: Curriculum, families: Families) -> pa.Table:
    """Rows of ``Modules``.

    Raises:
        AuthoredDocumentError: a module is for a family that there is not.
    """
    known = {family.id for family in families.families}
    lost = sorted(module.id for module in curriculum.modules if module.family not in known)
    if lost:
        raise AuthoredDocumentError(
            expected=f"modules of the families {', '.join(sorted(known))}",
            found=f"of others: {', '.join(lost)}",
            where=str(Curriculum.path()),
            remedy="move the modules to a family of data/families.yaml, or add the family there",
        )
    ordered = sorted(curriculum.modules, key=lambda one: (one.family, one.level, one.id))
    rows = [_module_row(module) for module in ordered]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.Modules))


def _module_row(module: CurriculumModule) -> dict[str, Any]:
    return {
        "module_id": module.id,
        "role_family": module.family,
        "level": module.level,
        "title": module.title,
        "outcome": module.outcome,
        "minutes": module.minutes,
        "requires": list(module.requires),
        "is_general": module.applies_to.is_general,
        "words": list(module.applies_to.words),
        "sources": list(module.sources),
        "deliverable": module.exercise.deliverable,
        "criterion_count": len(module.rubric.criteria),
        "points": module.rubric.points,
        "points_to_pass": module.rubric.points_to_pass,
        "gdpval_occupations": list(module.gdpval.occupations),
        "gdpval_rationale": module.gdpval.rationale,
        "digest": digest_of_json(module.model_dump(mode="json")),
        "document": module.model_dump_json(),
        **_AUTHORED,
    }


def rubric_criteria(curriculum: Curriculum) -> pa.Table:
    """Rows of ``RubricCriteria``."""
    rows = []
    for module in sorted(curriculum.modules, key=lambda one: one.id):
        gated = {name for gate in module.rubric.pass_gates for name in gate.criteria}
        rows += [
            {
                "module_id": module.id,
                "criterion_id": criterion.id,
                "position": position,
                "points": criterion.points,
                "observable": criterion.observable,
                "check_kinds": [check.kind for check in criterion.checks],
                "is_gate": criterion.id in gated,
                **_AUTHORED,
            }
            for position, criterion in enumerate(module.rubric.criteria, start=1)
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.RubricCriteria))


def workflow_modules(
    workflows: pa.Table, roles: pa.Table, modules: pa.Table, families: Families
) -> pa.Table:
    """Rows of ``WorkflowModules``: one a top workflow."""
    family_of = dict(
        zip(roles["role_id"].to_pylist(), roles["role_family"].to_pylist(), strict=True)
    )
    by_family: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_id = {}
    for row in modules.drop_columns(["document"]).to_pylist():
        by_family[row["role_family"]].append(row)
        by_id[row["module_id"]] = row
    taught = {family.id for family in families.families}
    rows = []
    top = workflows.filter(pc.equal(workflows["is_top"], True))
    needed = ["workflow_id", "role_id", "workflow_title", "deliverables", "rank"]
    for workflow in top.select([*needed, "source_class", "allowed_use"]).to_pylist():
        family = family_of[workflow["role_id"]]
        found = links_of(workflow, by_family[family]) if family in taught else ()
        specific = sum(link.basis == "words" for link in found)
        gap = None
        if not specific:
            gap = "only_general_modules" if found else "family_outside_curriculum"
        classes = [workflow["source_class"]]
        uses = [workflow["allowed_use"]]
        if found:
            classes.append(tables.AUTHORED_CLASS)
            uses.append(tables.AUTHORED_USE)
        rows.append(
            {
                "workflow_id": workflow["workflow_id"],
                "role_id": workflow["role_id"],
                "role_family": family,
                "workflow_title": workflow["workflow_title"],
                "links": [
                    {
                        **dataclasses.asdict(link),
                        "deliverable": by_id[link.module_id]["deliverable"],
                        "criterion_count": by_id[link.module_id]["criterion_count"],
                    }
                    for link in found
                ],
                "specific_count": specific,
                "gap": gap,
                "source_class": joined_classes(classes),
                "allowed_use": strictest_use(uses),
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.WorkflowModules))


def content_coverage(
    modules: pa.Table,
    workflow_modules: pa.Table,
    capability_levels: pa.Table,
    families: Families,
) -> pa.Table:
    """Rows of ``ContentCoverage``: every family and level."""
    at: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in modules.drop_columns(["document"]).to_pylist():
        at[row["role_family"], row["level"]].append(row)
    workflow_count: dict[str, int] = defaultdict(int)
    linked: dict[tuple[str, int], int] = defaultdict(int)
    for row in workflow_modules.select(["role_family", "links"]).to_pylist():
        workflow_count[row["role_family"]] += 1
        for level in {link["level"] for link in row["links"] if link["basis"] == "words"}:
            linked[row["role_family"], level] += 1
    rows = []
    for family in families.families:
        for level in sorted(capability_levels["level"].to_pylist()):
            there = at[family.id, level]
            exercises = sum(bool(row["deliverable"]) for row in there)
            rubrics = sum(row["criterion_count"] > 0 for row in there)
            is_whole = bool(there) and exercises == rubrics == len(there)
            rows.append(
                {
                    "role_family": family.id,
                    "level": level,
                    "module_count": len(there),
                    "exercise_count": exercises,
                    "rubric_count": rubrics,
                    "linked_workflow_count": linked[family.id, level],
                    "workflow_count": workflow_count[family.id],
                    "verdict": "met" if is_whole else "hold",
                }
            )
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.ContentCoverage))
