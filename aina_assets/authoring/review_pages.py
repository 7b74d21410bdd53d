"""Pages of final reviews: one for each module and applet, and the list of them all.

Belongs here: the documents that the pages show, made of ``review_report`` and of what it stands on,
beside what the rubrics, gate sets and pitfalls say, of an applet its screens in full; rendering
them. Every figure is one of a report, of a row, or of a rubric: nothing is counted here. Stays out:
what is decided (``review``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aina_assets.authoring.answers import rubric_of
from aina_assets.authoring.config import Configuration, GateSet, Pitfalls, Rubric
from aina_assets.warehouse.reports import environment, json_bytes

REVIEWS = "authoring_review_pages"
UNIT_PAGES = "*-review.html"
"""The pages of single units, by the pattern of their names."""

DRAFT = "deterministic_draft"
REPORT = "review_report"
_STORYBOARD = "build_applet_screens"
_SCORES = "score_rubric_domain_result"
_SHOWN = (
    "step", "part", "version", "status", "reason", "contract", "maker", "document_sha256",
    "decision_id", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip

Document = dict[str, Any]
Row = Mapping[str, Any]


def unit_document(report: Row, below: Sequence[Row], config: Configuration) -> Document:
    """Everything that the page of one review says.

    Args:
        report: row of the lane whose document is the ``review_report``.
        below: current rows of the steps that it stands on, for the same unit.
        config: rubrics, gate sets, pitfalls.
    """
    found = json.loads(report["document"])
    scores = {
        one["domain_code"]: one
        for row in below
        if row["contract"] == _SCORES and row["document"] is not None
        for one in (json.loads(row["document"]),)
    }
    storyboards = [
        json.loads(row["document"])
        for row in below
        if row["contract"] == _STORYBOARD and row["document"]
    ]
    gate_set = config.rubric_by_name.get(f"{found['scope']}_gates")
    pitfalls = config.rubric_by_name.get("design_pitfalls")
    questions = {one.id: one for one in gate_set.gates} if isinstance(gate_set, GateSet) else {}
    known = {one.id: one for one in pitfalls.pitfalls} if isinstance(pitfalls, Pitfalls) else {}
    makers = [row["maker"] for row in below if row["maker"]]
    return {
        "unit_id": report["unit_id"],
        "parent_id": report["parent_id"],
        "lane": report["lane"],
        "version": report["version"],
        "maker": report["maker"],
        "document_sha256": report["document_sha256"],
        "reason": report["reason"],
        "makers": sorted(set(makers)),
        "is_draft": DRAFT in makers,
        "screens": [
            _in_order(screen, config)
            for document in storyboards[-1:]
            for screen in document["screens"]
        ],
        "stands_on": [{name: row[name] for name in _SHOWN} for row in below],
        **found,
        "gates": [
            gate | {"must": questions[gate["id"]].must if gate["id"] in questions else None}
            for gate in found["gates"]
        ],
        "domains": [
            _domain(domain, scores.get(domain["domain"]), rubric_of(config, *_place(found, domain)))
            for domain in found["domains"]
        ],
        "pitfalls": [
            one | {"title": known[one["id"]].title if one["id"] in known else one["id"]}
            for one in found["pitfalls"]
        ],
    }


def _in_order(screen: Document, config: Configuration) -> Document:
    """A screen with its fields in the order of their contract, and then the rest."""
    contract = config.contract_by_name.get(_STORYBOARD)
    first = [field.name for field in contract.fields if field.name in screen] if contract else []
    return {name: screen[name] for name in (*first, *(one for one in screen if one not in first))}


def _place(report: Row, domain: Row) -> tuple[str, str]:
    return report["scope"], domain["domain"]


def _domain(domain: Row, score: Row | None, rubric: Rubric | None) -> Document:
    """A domain's result with what its rubric asks, and the evidence of its scorer."""
    said = {one["id"]: one for one in score["criteria"]} if score else {}
    asked = {one.id: one for one in rubric.criteria} if rubric else {}
    criteria = []
    for entry in domain["criteria"]:
        criterion, given = asked.get(entry["id"]), said.get(entry["id"], {})
        criteria.append(
            {
                **entry,
                "title": criterion.title if criterion else entry["id"],
                "maximum": criterion.points if criterion else None,
                "levels": [level.model_dump(mode="json") for level in criterion.levels]
                if criterion
                else [],
                "evidence": list(entry.get("evidence") or given.get("evidence") or ()),
                "recommendation": given.get("recommendation"),
            }
        )
    return {
        **domain,
        "title": rubric.title if rubric else domain["domain"],
        "points": rubric.points if rubric else None,
        "rubric": rubric.name if rubric else None,
        "criteria": criteria,
    }


def pages_document(
    rows: Iterable[Row], config: Configuration, versions: Mapping[str, str]
) -> Document:
    """Every review: those that are there with their pages, and why others are not.

    Args:
        rows: current rows of the steps of both reviewing lanes.
        config: rubrics, gate sets, pitfalls.
        versions: data versions of what it is made from.
    """
    below: dict[tuple[str, str], list[Row]] = {}
    last: dict[tuple[str, str], Row] = {}
    for row in rows:
        if not row["is_current"]:
            continue
        unit = (row["lane"], row["unit_id"])
        if row["contract"] == REPORT:
            last[unit] = row
        else:
            below.setdefault(unit, []).append(row)
    units = []
    for unit, row in sorted(last.items()):
        is_made = row["document"] is not None
        units.append(
            {
                "lane": row["lane"],
                "unit_id": row["unit_id"],
                "parent_id": row["parent_id"],
                "status": row["status"],
                "reason": row["reason"],
                "page": _page_name(*unit) if is_made else None,
                "review": unit_document(row, below.get(unit, ()), config) if is_made else None,
            }
        )
    return {"report": REVIEWS, "units": units, "made_from": dict(sorted(versions.items()))}


def _page_name(lane: str, unit_id: str) -> str:
    """A file's name for a unit: readable, and another for every unit."""
    readable = re.sub(r"[^a-z0-9]+", "-", f"{lane}-{unit_id}".lower())[:60].strip("-")
    own = hashlib.sha256(f"{lane}/{unit_id}".encode()).hexdigest()[:8]
    return f"{readable}-{own}-review.html"


def page_files(document: Mapping[str, Any], templates: Path) -> dict[str, bytes]:
    """The list of reviews, its document, and a page for each review that there is."""
    made = environment(templates)
    unit_page = made.get_template("authoring_review.html.j2")
    files = {
        unit["page"]: unit_page.render(
            review=unit["review"], versions=document["made_from"]
        ).encode()
        for unit in document["units"]
        if unit["page"] is not None
    }
    page = made.get_template(f"{REVIEWS}.html.j2").render(document=document)
    return {
        **files,
        f"{REVIEWS}.json": json_bytes(document),
        f"{REVIEWS}.html": page.encode(),
    }
