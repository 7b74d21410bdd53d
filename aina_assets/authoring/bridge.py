"""The end of the lanes: reviews in figures, and approved modules as candidates for the curriculum.

Belongs here: what of a review is published as figures, what of a blueprint a module of the
curriculum can take over, which of them enter. Stays out: the reviews themselves (``review``), the
curriculum (``curriculum``): a candidate that entered is still written there by somebody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from aina_assets.authoring.bridge_tables import (
    AuthoringReviews,
    CurriculumCandidates,
    CurriculumEntries,
)
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.lane_tables import MADE
from aina_assets.authoring.lanes import Passages, Row, by_subject, by_unit
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.contracts.curriculum import LESSON_PARTS, CurriculumModule
from aina_assets.review.gates import find
from aina_assets.review.policy import ReviewGates
from aina_assets.review.subjects import subject
from aina_assets.warehouse.tables import arrow_schema

GATE = "curriculum_entry"
_TAKEN_OVER = ("id", "title", "outcome", "minutes", "lesson")
_OPEN = ("fail", "not_shown")
_OF_DOMAIN = ("domain", "total", "verdict", "assessed_maximum", "applicable_maximum")
_WHOLE = ("is_ready", "verdict", "points_assessed", "points_applicable")


def authoring_reviews(
    mod_review_compile_review: pa.Table,
    mod_review_build_blueprint: pa.Table,
    mod_review_score_gates: pa.Table,
    mod_review_score_rubric_domain: pa.Table,
    app_review_compile_review: pa.Table,
    app_review_build_blueprint: pa.Table,
    app_review_score_gates: pa.Table,
    app_review_score_rubric_domain: pa.Table,
) -> pa.Table:
    """Rows of ``AuthoringReviews``: modules, then applets."""
    rows = [
        *_figures(
            mod_review_compile_review,
            mod_review_build_blueprint,
            (mod_review_score_gates, mod_review_score_rubric_domain),
        ),
        *_figures(
            app_review_compile_review,
            app_review_build_blueprint,
            (app_review_score_gates, app_review_score_rubric_domain),
        ),
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(AuthoringReviews))


def _figures(reviews: pa.Table, plans: pa.Table, scores: tuple[pa.Table, ...]) -> list[Document]:
    plan_of = _current(plans)
    makers: dict[str, set[str]] = {}
    for table in scores:
        for row in table.to_pylist():
            if row["is_current"] and row["maker"]:
                makers.setdefault(row["unit_id"], set()).add(row["maker"])
    return [
        _figures_of(row, plan_of.get(unit_id), sorted(makers.get(unit_id, ())))
        for unit_id, row in _standing(reviews).items()
    ]


def _figures_of(row: Row, plan: Row | None, scored_by: list[str]) -> Document:
    figures: Document = {
        "unit_id": row["unit_id"],
        "parent_id": row["parent_id"],
        "lane": row["lane"],
        "status": row["status"],
        "reason": row["reason"],
        "review_id": row["document_id"],
        "review_sha256": row["document_sha256"],
        "content_id": plan["document_id"] if plan else None,
        "written_by": plan["maker"] if plan else None,
        "scored_by": scored_by,
        "source_class": row["source_class"],
        "allowed_use": row["allowed_use"],
    }
    if row["status"] != MADE:
        return figures
    report = json.loads(row["document"])
    unmet = [gate for gate in report["gates"] if gate["state"] in _OPEN]
    kept = [one for one in report["pitfalls"] if one["is_kept"]]
    return figures | {
        "content_type": report["content_type"],
        **{name: report[name] for name in _WHOLE},
        "gates_met": len(report["gates"]) - len(unmet),
        "gates_open": len(unmet),
        "domains": [{name: one[name] for name in _OF_DOMAIN} for one in report["domains"]],
        "pitfalls_kept": len(kept),
        "pitfalls_suspended": len(report["pitfalls"]) - len(kept),
        "recommendations": len(report["recommendations"]),
        "not_assessed": report["not_assessed"],
    }


# ------------------------------------------------------------------------------------ candidates


def curriculum_candidates(
    mod_review_module_intake: pa.Table,
    mod_review_build_blueprint: pa.Table,
    mod_review_compile_blueprint: pa.Table,
    mod_review_compile_review: pa.Table,
    reference_module_blueprint_subjects: pa.Table,
    reference_module_blueprint_decisions: pa.Table,
    review_gates: ReviewGates,
    authoring_rules: AuthoringRules,
) -> pa.Table:
    """Rows of ``CurriculumCandidates``: approved blueprints that have their review."""
    requests = _current(mod_review_module_intake)
    written = _current(mod_review_build_blueprint)
    reviews = _current(mod_review_compile_review)
    passages = Passages(
        "reference_module_blueprint",
        reference_module_blueprint_subjects,
        reference_module_blueprint_decisions,
        review_gates,
    )
    gate = review_gates.gate(GATE)
    rows = []
    for unit_id, row in _current(mod_review_compile_blueprint).items():
        review, passage = reviews.get(unit_id), passages.of(unit_id)
        is_approved = passage.is_open and passage.said is None
        if review is None or not is_approved:
            continue
        title = json.loads(requests[unit_id]["document"])["title"]
        evidence = {
            f"mod_review_compile_blueprint:{row['document_id']}": row["document_sha256"],
            f"mod_review_compile_review:{review['document_id']}": review["document_sha256"],
        }
        content = candidate_of(
            json.loads(row["document"]),
            json.loads(review["document"]),
            authoring_rules.lesson_parts,
        )
        content |= {
            "module_id": module_id_of(title),
            "chapter": row["parent_id"],
            "written_by": written[unit_id]["maker"],
            "source_class": row["source_class"],
            "allowed_use": row["allowed_use"],
        }
        made = subject(
            GATE, gate.subject_kind, unit_id, title=title, content=content, evidence=evidence
        )
        rows.append(made | {"document_id": row["document_id"]})
    return pa.Table.from_pylist(rows, schema=arrow_schema(CurriculumCandidates))


def candidate_of(
    blueprint: Mapping[str, Any], review: Mapping[str, Any], parts: Mapping[str, tuple[str, ...]]
) -> Document:
    """What a module of the curriculum takes over from a blueprint, and what it lacks.

    Args:
        blueprint: `build_module_blueprint`, compiled.
        review: its `review_report`.
        parts: by part of a lesson, the roles of slides that go there.

    Returns:
        ``outcome``, ``minutes``, ``lesson`` (texts of slides by part), ``review`` (what it found),
        and ``lacks``: fields of ``CurriculumModule``, and parts of the lesson with no slide.
    """
    lesson = {
        part: [
            {
                "slide_no": slide["slide_no"],
                "title": slide["title"],
                "text": slide["on_slide_text"],
                "learner_does": slide["student_action"],
            }
            for slide in blueprint["slides"]
            if slide["slide_role"] in parts[part]
        ]
        for part in LESSON_PARTS
    }
    required = [
        name for name, field in CurriculumModule.model_fields.items() if field.is_required()
    ]
    lacks = [name for name in required if name not in _TAKEN_OVER]
    lacks += [f"lesson.{part}" for part, slides in lesson.items() if not slides]
    return {
        "outcome": blueprint["lo"],
        "minutes": sum(slide["minutes"] for slide in blueprint["slides"]),
        "lesson": lesson,
        "review": {
            **{name: review[name] for name in _WHOLE},
            "domains": [{name: one[name] for name in _OF_DOMAIN} for one in review["domains"]],
            "gates_open": [gate["id"] for gate in review["gates"] if gate["state"] in _OPEN],
            "pitfalls": [one["id"] for one in review["pitfalls"] if one["is_kept"]],
            "not_assessed": review["not_assessed"],
        },
        "lacks": lacks,
    }


def module_id_of(title: str) -> str:
    """An id of the curriculum's kind for a title."""
    words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return (words if words[:1].isalpha() else f"module_{words}")[:60].rstrip("_")


def curriculum_entries(
    curriculum_candidates: pa.Table,
    curriculum_entry_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    """Rows of ``CurriculumEntries``, by candidate."""
    gate = review_gates.gate(GATE)
    decisions = by_subject(curriculum_entry_decisions)
    rows = []
    for row in curriculum_candidates.to_pylist():
        key = (row["subject_kind"], row["subject_key"])
        found = find(gate, row["subject_digest"], row["subject_authors"], decisions.get(key, ()))
        content = json.loads(row["subject_document"])["content"]
        rows.append(
            {
                "module_id": content["module_id"],
                "unit_id": row["subject_key"],
                "title": row["subject_title"],
                "state": str(found.state),
                "is_admitted": found.is_open(gate),
                "reason": found.reason,
                "lacks": content["lacks"],
                "subject_digest": row["subject_digest"],
                "document": json.dumps(content, sort_keys=True, ensure_ascii=False),
                "source_class": content["source_class"],
                "allowed_use": content["allowed_use"],
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(CurriculumEntries))


def _standing(table: pa.Table) -> dict[str, Row]:
    """The current row of every unit, made or not."""
    return {
        unit_id: row
        for unit_id, rows in by_unit(table).items()
        for row in rows
        if row["is_current"]
    }


def _current(table: pa.Table) -> dict[str, Row]:
    """Current rows that are made, by unit."""
    return {unit_id: row for unit_id, row in _standing(table).items() if row["status"] == MADE}
