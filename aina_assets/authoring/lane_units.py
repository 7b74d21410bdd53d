"""Units of the lanes and what hangs on the whole of one: intake, joins, the plan, writing back.

Belongs here: which chapters, modules and applets there are, and what the knowledge base has for
each. Stays out: steps that are run unit by unit (``lane_steps``).

A module is called by its chapter and title, so that what was decided on it holds when others are
inserted, merged or moved; an applet by its module and its place among the module's applets.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from aina_assets.authoring.config import FieldContract
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.joining import KnowledgeBase, codes_of_chapter, join_curriculum
from aina_assets.authoring.knowledge import knowledge_of
from aina_assets.authoring.knowledge_tables import KB_TABLES
from aina_assets.authoring.lane_tables import (
    APP_REVIEW,
    CH_RESEARCH,
    MADE,
    MOD_REVIEW,
    AppReviewAppletIntake,
    ChResearchChapterIntake,
    GateSubjects,
    ModReviewModuleIntake,
    ModReviewReadStoryboard,
)
from aina_assets.authoring.lanes import (
    Made,
    Passages,
    Place,
    Row,
    Unit,
    Work,
    as_table,
    by_unit,
    gate_subject,
    row_of,
    title_in,
    waiting,
)
from aina_assets.authoring.lanes import artefacts_in as artefacts
from aina_assets.authoring.loopback import SINK, Accepted, events_in, replay, write
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.storyboard import read_storyboard
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.review.policy import ReviewGates
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.warehouse.tables import arrow_schema, table_name

_OF_MODULE = ("grade", "lesson_minutes", "curricula", "language")
"""What a module's request has from its chapter's."""

KB_NAMES = tuple(table_name(model) for model in KB_TABLES.values())


CHAPTER_INTAKE = Place(ChResearchChapterIntake, CH_RESEARCH, "chapter_intake", "chapter_request")
MODULE_INTAKE = Place(ModReviewModuleIntake, MOD_REVIEW, "module_intake", "module_request")
STORYBOARDS = Place(ModReviewReadStoryboard, MOD_REVIEW, "read_storyboard", "storyboard_extract")
APPLET_INTAKE = Place(AppReviewAppletIntake, APP_REVIEW, "applet_intake", "applet_request")


# --------------------------------------------------------------------------------------- intake


def chapter_intake(authoring_requests: pa.Table) -> pa.Table:
    """Rows of ``ChResearchChapterIntake``: every chapter that was asked for."""
    rows = []
    for row in authoring_requests.to_pylist():
        unit = Unit(row["chapter_id"], None, row["source_class"], row["allowed_use"])
        made = Made.by_code("chapter_request", {}, partial(json.loads, row["document"]))
        rows.append(row_of(CHAPTER_INTAKE, unit, made))
    return as_table(CHAPTER_INTAKE.model, rows)


def module_intake(
    ch_research_chapter_intake: pa.Table, ch_research_finalize_chapter_researcher: pa.Table
) -> pa.Table:
    """Rows of ``ModReviewModuleIntake``: the modules of every plan that passed its gates."""
    requests = _made(ch_research_chapter_intake)
    rows = []
    for chapter_id, plan in _made(ch_research_finalize_chapter_researcher).items():
        request = artefacts(requests[chapter_id])["chapter_request"]
        for unit_id, planned in modules_of(chapter_id, artefacts(plan)["chapter_plan"]):
            given = {
                "title": planned["module_title"],
                "lo_codes": planned["lo_codes"],
                "pedagogical_models": planned["pedagogical_models"],
                **{key: request[key] for key in _OF_MODULE},
            }
            unit = Unit(unit_id, chapter_id, plan["source_class"], plan["allowed_use"])
            made = Made.by_code("module_request", given, partial(dict, given))
            rows.append(row_of(MODULE_INTAKE, unit, made))
    return as_table(MODULE_INTAKE.model, rows)


def modules_of(chapter_id: str, plan: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    """Modules of a plan by id, in order."""
    seen: dict[str, int] = {}
    for planned in plan["module_sequence"]:
        name = _slug(planned["module_title"]) or "module"
        seen[name] = seen.get(name, 0) + 1
        twice = f"-{seen[name]}" if seen[name] > 1 else ""
        yield f"{chapter_id}.{name}{twice}", planned


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def applet_intake(
    ch_research_chapter_intake: pa.Table,
    ch_research_finalize_chapter_researcher: pa.Table,
    mod_review_module_intake: pa.Table,
    mod_review_compile_blueprint: pa.Table,
    reference_module_blueprint_subjects: pa.Table,
    reference_module_blueprint_decisions: pa.Table,
    review_gates: ReviewGates,
) -> pa.Table:
    """Rows of ``AppReviewAppletIntake``: placements of blueprints, as many as the chapter wants.

    They are given out in the order of the chapter's plan. Where a module before has no blueprint
    yet that may be worked from, it is not known how many are left; a placement then waits.
    """
    passages = Passages(
        "reference_module_blueprint",
        reference_module_blueprint_subjects,
        reference_module_blueprint_decisions,
        review_gates,
    )
    blueprints = _made(mod_review_compile_blueprint)
    wanted = {
        chapter_id: artefacts(row)["chapter_request"]["applets_wanted"]
        for chapter_id, row in _made(ch_research_chapter_intake).items()
    }
    given_out: dict[str, int] = dict.fromkeys(wanted, 0)
    behind: dict[str, str] = {}
    modules = _made(mod_review_module_intake)
    in_order = [
        (module_id, modules[module_id])
        for chapter_id, plan in _made(ch_research_finalize_chapter_researcher).items()
        for module_id, _ in modules_of(chapter_id, artefacts(plan)["chapter_plan"])
        if module_id in modules
    ]
    rows = []
    for module_id, module in in_order:
        chapter_id = str(module["parent_id"])
        passage = passages.of(module_id)
        if module_id not in blueprints or not passage.is_open:
            behind.setdefault(chapter_id, module_id)
            continue
        blueprint = artefacts(blueprints[module_id])["build_module_blueprint"]
        for number, placed in enumerate(blueprint["applet_placements"], 1):
            place = applet_request_of(blueprint, placed)
            if given_out[chapter_id] >= wanted[chapter_id]:
                break
            given_out[chapter_id] += 1
            made = Made.by_code("applet_request", place, partial(dict, place))
            if first := behind.get(chapter_id):
                told = f"{first} comes before it and has no blueprint yet"
                made = waiting("applet_request", told)
            elif passage.said:
                made = replace(made, reason=passage.said)
            unit = Unit(
                f"{module_id}.A{number}", module_id, module["source_class"], module["allowed_use"]
            )
            rows.append(row_of(APPLET_INTAKE, unit, made))
    return as_table(APPLET_INTAKE.model, rows)


def applet_request_of(blueprint: Mapping[str, Any], place: Mapping[str, Any]) -> Document:
    """``applet_request``: a placement, with the tasks that its module keeps for the exit."""
    return {
        **place,
        "exit_tasks": [
            solution["statement"]
            for slide in blueprint["slides"]
            if slide["slide_role"] == "exit_question"
            for solution in slide.get("worked_solutions") or ()
        ],
    }


def placeholder_of(blueprint: Mapping[str, Any], place: Mapping[str, Any]) -> Document:
    """``module_placeholder``: what a blueprint plans for an applet, on its slide and around it."""
    slides = {slide["slide_no"]: slide for slide in blueprint["slides"]}
    slide = slides[place["slide_no"]]
    names = {model["vir_id"]: model["name"] for model in blueprint["visual_models"]}
    return {
        **place,
        "title": slide["title"],
        "vir_id": slide.get("vir_id") or "",
        "visual_model": names.get(slide.get("vir_id"), ""),
        "terms": slide["vocabulary_on_this_slide"].get("terms", []),
        "lead_in": slides[place["lead_in_slide"]]["on_slide_text"],
        "debrief": slides[place["debrief_slide"]]["on_slide_text"],
    }


def read_storyboards(
    mod_review_module_intake: pa.Table, authoring_storyboards: SourceFiles
) -> pa.Table:
    """Rows of ``ModReviewReadStoryboard``: storyboards that are called as a module is.

    A file that is no storyboard makes its own row fail; one that no module is called as waits.
    """
    modules = _made(mod_review_module_intake)
    rows = []
    for file in authoring_storyboards.files:
        module_id = PurePosixPath(file.path).stem
        module = modules.get(module_id)
        classes, uses = [str(file.source_class)], [str(file.allowed_use)]
        if module is None:
            parent_id = module_id.rpartition(".")[0] or None
            made = waiting(STORYBOARDS.contract, f"no module is called as {file.path} is")
        else:
            parent_id = module["parent_id"]
            classes, uses = [*classes, module["source_class"]], [*uses, module["allowed_use"]]
            made = Made.by_code(
                STORYBOARDS.contract, {"sha256": file.sha256}, partial(_extract, file)
            )
        unit = Unit(module_id, parent_id, joined_classes(classes), strictest_use(uses))
        rows.append(row_of(STORYBOARDS, unit, made))
    return as_table(STORYBOARDS.model, rows)


def _extract(file: SourceFile) -> Document:
    return read_storyboard(file.verified_path().read_bytes(), file.path)


# ------------------------------------------------------------------------------------ curriculum


def join_of_chapter(work: Work, base: KnowledgeBase) -> Document:
    """What the knowledge base has for a chapter."""
    request = work.known["chapter_request"]
    return _joined(base, request, codes_of_chapter(base, request))


def join_of_module(work: Work, base: KnowledgeBase) -> Document:
    """What it has for a module."""
    request = work.known["module_request"]
    return _joined(base, request, request["lo_codes"])


def join_of_applet(work: Work, base: KnowledgeBase) -> Document:
    """What it has for an applet: for the codes of its module."""
    codes = work.known["module_lo_brief_enriched"]["derived"]["lo_codes"]
    return _joined(base, work.known["module_request"], codes)


def _joined(base: KnowledgeBase, request: Mapping[str, Any], codes: Sequence[str]) -> Document:
    context, evidence = join_curriculum(base, request, codes)
    return {"curriculum_context": context, "kb_evidence": evidence}


def knowledge_with(given: Mapping[str, Any], *events: str) -> KnowledgeBase:
    """The knowledge base of ``given``, with what the tables ``events`` added to it."""
    base = knowledge_of({name: given[name] for name in KB_NAMES})
    if not events:
        return base
    return replay(base, events_in(*(given[name] for name in events)), sink_of(given["authoring"]))


def sink_of(authoring: Authoring) -> FieldContract:
    """The contract by which the knowledge base is written to."""
    return authoring.contract_by_name[SINK]


# ----------------------------------------------------------------------------------- writing back


def accepted(
    tables: Sequence[pa.Table], passages: Passages | None, above: Sequence[pa.Table] = ()
) -> Iterator[Accepted]:
    """Units whose documents may be written back, with these, in the order of the first table.

    Args:
        tables: of the unit's lane; a unit needs a made row in each.
        passages: of the gate that stands before; None: what is in ``tables`` passed it.
        above: of the lane above; a unit takes its parent's rows.
    """
    own, parents = [_made(table) for table in tables], [_made(table) for table in above]
    for unit_id, row in own[0].items():
        rows = [rows.get(unit_id) for rows in own]
        rows += [rows.get(str(row["parent_id"])) for rows in parents]
        found = [one for one in rows if one is not None]
        if len(found) < len(rows) or (passages and not passages.of(unit_id).is_open):
            continue
        documents: Document = {}
        for one in found:
            documents |= artefacts(one)
        kept = {key: row[key] for key in ("source_class", "allowed_use")}
        yield Accepted(unit_id, documents, kept)


def written(
    moment: str, units: Iterator[Accepted], given: Mapping[str, Any], *events: str
) -> pa.Table:
    """Rows of ``KbEnrichmentEvents``: what ``units`` add to the knowledge base."""
    return write(moment, units, knowledge_with(given, *events), sink_of(given["authoring"]))


# ---------------------------------------------------------------------------------------- gates


def subjects_of(
    model: type[GateSubjects], gate_id: str, producer: str, intake: str
) -> Callable[..., pa.Table]:
    """What makes rows of ``model``: the current documents of ``producer``, as reviewers see them.

    Args:
        model: the table.
        gate_id: the gate.
        producer: table of the step whose documents stand there.
        intake: table with the requests, from which titles are taken.
    """

    def rows(given: Mapping[str, Any]) -> pa.Table:
        gate = given["review_gates"].gate(gate_id)
        requests = _made(given[intake])
        found = [
            gate_subject(
                gate,
                unit_id,
                row["version"],
                title_in(artefacts(requests[unit_id])),
                json.loads(row["document"]),
            )
            | {"document_id": row["document_id"]}
            for unit_id, row in _made(given[producer]).items()
        ]
        return pa.Table.from_pylist(found, schema=arrow_schema(model))

    return rows


def _made(table: pa.Table) -> dict[str, Row]:
    """Current rows that are made, by unit."""
    return {
        unit_id: row
        for unit_id, rows in by_unit(table).items()
        for row in rows
        if row["is_current"] and row["status"] == MADE
    }
