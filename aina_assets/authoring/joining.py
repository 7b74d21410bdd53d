"""The curriculum of a request: what the knowledge base has for its codes, as skills are given it.

Belongs here: the join behind ``curriculum_context`` and ``kb_evidence``. Stays out: how the
knowledge base is stored and what is written back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from aina_assets.authoring.contracts import Document
from aina_assets.contracts.errors import AinaError

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class KnowledgeBase:
    """Rows of the knowledge base, with the fields of ``data/sample/authoring/kb``."""

    learning_objectives: Rows
    components: Rows
    misconceptions: Rows
    visual_representations: Rows
    vocabulary: Rows
    conventions: Rows
    textbook_references: Rows
    interactives: Rows
    modules: Rows

    @classmethod
    def of(cls, tables: Mapping[str, Rows]) -> KnowledgeBase:
        """The rows by table name; a table that is not there has none."""
        return cls(**{field.name: list(tables.get(field.name, ())) for field in fields(cls)})


def codes_of_chapter(kb: KnowledgeBase, request: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes that a chapter's textbook passages treat, and those that these rest on.

    Codes that the knowledge base does not have come last; ``join_curriculum`` refuses them by name.
    """
    asked = {entry["textbook_ref_id"] for entry in request["textbook"]["chapters"]}
    passages = [row for row in kb.textbook_references if row["textbook_ref_id"] in asked]
    codes = {code for row in passages for code in row["lo_codes"]}
    by_code = {row["lo_code"]: row for row in kb.learning_objectives}
    waiting = sorted(codes)
    while waiting:
        row = by_code.get(waiting.pop())
        more = set(row["depends_on"]) - codes if row else set()
        codes |= more
        waiting += sorted(more)
    known = [row["lo_code"] for row in kb.learning_objectives if row["lo_code"] in codes]
    return (*known, *sorted(codes - by_code.keys()))


def join_curriculum(
    kb: KnowledgeBase, request: Mapping[str, Any], codes: Iterable[str]
) -> tuple[Document, Document]:
    """``curriculum_context`` and ``kb_evidence`` of a request.

    Args:
        kb: the knowledge base.
        request: of the chapter: grade, curricula, language, textbook.
        codes: learning objectives that the chapter, module or applet is about.

    Raises:
        AinaError: a code is not in the knowledge base.
    """
    by_code = {row["lo_code"]: row for row in kb.learning_objectives}
    own = list(dict.fromkeys(codes))
    if unknown := [code for code in own if code not in by_code]:
        raise AinaError(
            expected="codes of the knowledge base",
            found=", ".join(unknown),
            where="join_curriculum",
            remedy="mend the request, or add the objectives to the knowledge base",
        )
    before = [code for code in _needed(own, by_code) if code not in own]
    both = {*own, *before}
    context: Document = {
        "grade": request["grade"],
        "target_curriculum": request["curricula"]["target"]["id"],
        "curricula": [
            request["curricula"]["target"]["id"],
            *(one["id"] for one in request["curricula"].get("sisters", ())),
        ],
        "delivery_language": request["language"]["delivery_language"],
        "second_language": request["language"].get("second_language"),
        "learning_objectives": [_objective(by_code[code], kb) for code in own],
        "prerequisites": [_objective(by_code[code], kb) for code in before],
        "textbook_references": _about(kb.textbook_references, own),
        "modules_before": _serving(kb.modules, own, "before"),
        "modules_after": _serving(kb.modules, own, "after"),
        "vocabulary": _some(
            _about(kb.vocabulary, both), "vocabulary_id term formality introduced_in_grade lo_codes"
        ),
        "misconceptions": _some(_about(kb.misconceptions, own), "misconception_id belief lo_codes"),
        "visual_representations": _some(
            _about(kb.visual_representations, own), "vir_id name cpa_phase lo_codes"
        ),
        "interactives": _some(_about(kb.interactives, own), "interactive_id title kind lo_codes"),
    }
    evidence: Document = {
        "misconceptions": _about(kb.misconceptions, own),
        "visual_models": _about(kb.visual_representations, own),
        "vocabulary": _about(kb.vocabulary, both),
        "conventions": _about(kb.conventions, own),
        "textbook_references": _about(kb.textbook_references, own),
        "interactive_landscape": _about(kb.interactives, own),
        "ias_patterns": _some(
            [row for row in _about(kb.interactives, own) if row.get("ias_archetype")],
            "interactive_id ias_archetype interaction lo_codes",
        ),
    }
    return context, evidence


def _needed(own: Sequence[str], by_code: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What these codes rest on directly, nearest first."""
    found: dict[str, None] = {}
    for code in own:
        found |= dict.fromkeys(reversed(by_code[code]["depends_on"]))
    return [code for code in found if code in by_code]


def _objective(row: Mapping[str, Any], kb: KnowledgeBase) -> Document:
    parts = [part for part in kb.components if part["master_lo_code"] == row["lo_code"]]
    return {
        **_only(row, "lo_code target_code sister_codes statement bloom_verb grade depends_on"),
        "class": row["class_in_chapter"],
        "components": [
            {key: value for key, value in part.items() if key != "master_lo_code"} for part in parts
        ],
    }


def _about(rows: Rows, codes: Iterable[str]) -> list[Document]:
    wanted = set(codes)
    return [dict(row) for row in rows if wanted & set(row["lo_codes"])]


def _serving(rows: Rows, codes: Sequence[str], relation: str) -> list[Document]:
    return [
        dict(row)
        for row in rows
        if row["relation"] == relation and set(codes) & set(row["serves_lo_codes"])
    ]


def _some(rows: Iterable[Mapping[str, Any]], keys: str) -> list[Document]:
    return [_only(row, keys) for row in rows]


def _only(row: Mapping[str, Any], keys: str) -> Document:
    return {key: row[key] for key in keys.split()}
