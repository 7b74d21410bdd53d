"""Writing back: what a chapter, module or applet adds to the knowledge base, as events.

Belongs here: which events a document comes to, and what the base is once they are replayed. Stays
out: when a lane is far enough (``lanes``), how rows get into the base at first (``knowledge``).

====================================  ============================================================
what a document says of a component   what becomes of it
====================================  ============================================================
nothing that its row does not say     no event
something new, or something else      one event, with the fields that differ
it is not in the base                 one event that inserts it with what identifies it
another verb, statement or code       an event that is refused by name; the row stays as it is
====================================  ============================================================

No event changes another, and what identifies a row (``identity_fields`` of the contract
``kb_write_agent``) never changes. Like every table of the lanes the log follows from the decisions
as they are (``docs/decisions/0010-knowledge-events-are-a-fold.md``): what a gate sent back adds
nothing, and a unit's writes come after those before it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aina_assets.authoring.answers import objective_of
from aina_assets.authoring.config import EntryPoint, FieldContract
from aina_assets.authoring.contracts import Document, canonical
from aina_assets.authoring.joining import KnowledgeBase
from aina_assets.authoring.knowledge import knowledge_of
from aina_assets.authoring.knowledge_tables import (
    APPENDED,
    COMPONENTS,
    ENRICH,
    INSERT,
    KB_TABLES,
    MOMENTS,
    REFUSED,
    KbEnriched,
    KbEnrichmentEvents,
)
from aina_assets.authoring.policy import Authoring
from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.tables import arrow_schema, table_name

SINK = "kb_write_agent"
"""The contract that says what is written when."""
KEY = "component_id"
PLACEMENTS = "placements"
"""What a chapter adds to a component: where it is taught."""
_STEP = ("master_lo_code", "statement", "bloom_verb")
_Origin = tuple[str, str, str, str]
_ECHO = ("component_index", "component_statement")


@dataclass(frozen=True)
class Event:
    """One write to one row of the base: the fields of ``KbEnrichmentEvents`` but its place.

    Attributes:
        before: of the fields that differ, those the row had.
        after: what they are from then on.
    """

    moment: str
    unit_id: str
    document: str
    document_sha256: str
    row_key: str
    kind: str
    before: Document
    after: Document
    status: str = APPENDED
    reason: str | None = None
    kb_table: str = COMPONENTS

    @property
    def event_id(self) -> str:
        """Digest of what it says."""
        return digest_of_json(dataclasses.asdict(self))


@dataclass(frozen=True)
class _Said:
    """What a document says of one component.

    Attributes:
        codes: objectives that it may be a step of.
        fields: what is said of it; of what identifies it only what the document repeats.
        fault: why nothing can be made of it.
    """

    codes: Sequence[str]
    statement: str
    bloom_verb: str
    fields: Document
    fault: str | None = None


def events_of(
    moment: str,
    unit_id: str,
    documents: Mapping[str, Document],
    knowledge: KnowledgeBase,
    sink: FieldContract,
) -> list[Event]:
    """What a chapter, module or applet adds to the base.

    Args:
        moment: ``chapter`` (at finalize), ``module`` or ``applet`` (after research).
        unit_id: of the chapter, module or applet.
        documents: of its lane, by contract or artefact: the one that the entry point of ``sink``
            reads, and at module and applet scope those that research was given
            (``module_lo_brief_enriched`` or ``derive_applet_lo``, and ``approved_objective``).
        knowledge: the base as it is before.
        sink: the contract ``kb_write_agent``.

    Raises:
        AinaError: there is no such moment.
    """
    entry = _entry_point(moment, sink)
    source = documents[entry.reads]
    said = (
        _planned(unit_id, source[entry.field])
        if moment == MOMENTS[0]
        else _researched(source[entry.field], documents)
    )
    identity = (KEY, *sink.identity_fields)
    origin = (moment, unit_id, entry.reads, digest_of_json(source))
    rows = {row[KEY]: dict(row) for row in knowledge.components}
    known = {row["lo_code"] for row in knowledge.learning_objectives}
    found: dict[str, tuple[_Said, Document | None]] = {}
    for one in said:
        row = _row_of(one, rows.values())
        key = row[KEY] if row else _new_key(one)
        if key in found:
            one = _joined(found[key][0], one)
        found[key] = (one, row)
    events = (_event(origin, key, one, row, known, identity) for key, (one, row) in found.items())
    return [event for event in events if event is not None]


def replay(knowledge: KnowledgeBase, events: Iterable[Event], sink: FieldContract) -> KnowledgeBase:
    """The base with what ``events`` add, in their order; refused ones add nothing.

    Raises:
        AinaError: an event changes what identifies a row, inserts one that is there, or says of a
            row that it was what it is not.
    """
    rows: dict[str, Document] = {row[KEY]: dict(row) for row in knowledge.components}
    identity = {KEY, *sink.identity_fields}
    for event in events:
        if event.status == REFUSED:
            continue
        row = rows.get(event.row_key, {})
        where = f"event {event.event_id[:12]} of {event.moment} {event.unit_id}"
        if (event.kind == INSERT) == bool(row):
            raise AinaError(
                expected="a row that is not in the base" if row else "a row of the base",
                found=event.row_key,
                where=where,
                remedy="replay events over the base that they were made from, in their order",
            )
        if not row and (lacking := [name for name in (KEY, *_STEP) if not event.after.get(name)]):
            raise AinaError(
                expected=f"what identifies {event.row_key}",
                found=f"no {', '.join(lacking)}",
                where=where,
                remedy="insert it with all of these",
            )
        if row and (frozen := sorted(identity & event.after.keys())):
            raise AinaError(
                expected=f"{', '.join(frozen)} of {event.row_key} as it was inserted",
                found=", ".join(f"{name}: {event.after[name]!r}" for name in frozen),
                where=where,
                remedy="leave out what identifies the row; another step is another component",
            )
        if (was := {name: row[name] for name in event.after if name in row}) != event.before:
            raise AinaError(
                expected=f"{event.row_key} with {canonical(event.before)[:200]}",
                found=canonical(was)[:200],
                where=where,
                remedy="replay events over the base that they were made from, in their order",
            )
        rows[event.row_key] = row | event.after
    return dataclasses.replace(knowledge, components=list(rows.values()))


# -------------------------------------------------------------------------- what documents say


def _planned(chapter_id: str, sequence: Iterable[Mapping[str, Any]]) -> Iterator[_Said]:
    """Of each component, where the chapter teaches it."""
    for module in sequence:
        place = {
            "chapter_id": chapter_id,
            **{key: module[key] for key in ("position", "module_title", "cpa_phase")},
        }
        for part in module["lo_components"]:
            yield _Said(
                module["lo_codes"], part["statement"], part["bloom_verb"], {PLACEMENTS: [place]}
            )


def _researched(
    entries: Iterable[Mapping[str, Any]], documents: Mapping[str, Document]
) -> Iterator[_Said]:
    """Of each component, what research found. An applet's narrow those of its module."""
    components = objective_of(documents)[1]
    parents = list(documents["approved_objective"]["lo_components"])
    derived = [
        documents.get("derive_applet_lo"),
        documents.get("module_lo_brief_enriched", {}).get("derived"),
    ]
    codes = list(dict.fromkeys(code for one in derived if one for code in one["lo_codes"]))
    for entry in entries:
        index, echoed = (entry[name] for name in _ECHO)
        fields = {key: value for key, value in entry.items() if key not in _ECHO}
        fault = None
        if index not in range(len(components)):
            fault = f"component_index: there is no component {index}, only {len(components)}"
            yield _Said(codes, echoed, "", fields, fault)
            continue
        part = components[index]
        if echoed != part["statement"]:
            fault = f"statement: {echoed!r} is said of component {index}, {part['statement']!r}"
            fields["statement"] = echoed
        parent = part.get("parent_index")
        if isinstance(parent, int) and parent in range(len(parents)):
            part = parents[parent]
        yield _Said(codes, part["statement"], part["bloom_verb"], fields, fault)


def _joined(first: _Said, second: _Said) -> _Said:
    """Both as one: a row is written to once, in however many places a document speaks of it."""
    fields = dict(first.fields)
    for name, value in second.fields.items():
        had = fields.get(name)
        if isinstance(had, list) and isinstance(value, list):
            fields[name] = [*had, *(item for item in value if item not in had)]
        elif isinstance(had, str) and isinstance(value, str) and had != value:
            fields[name] = f"{had}\n\n{value}"
        else:
            fields[name] = value
    fault = first.fault or second.fault
    if fault is None and first.bloom_verb != second.bloom_verb:
        verbs = f"{first.bloom_verb!r} and {second.bloom_verb!r}"
        fault = f"bloom_verb: {verbs} are said of {first.statement!r}"
        fields["bloom_verb"] = second.bloom_verb
    return dataclasses.replace(first, fields=fields, fault=fault)


def _event(
    origin: _Origin,
    key: str,
    said: _Said,
    row: Document | None,
    known: set[str],
    identity: Sequence[str],
) -> Event | None:
    """What becomes of ``said``; None: its row says so already."""
    fault = said.fault
    if row is None:
        code = next((code for code in said.codes if code in known), None)
        if fault is None and code is None:
            fault = f"master_lo_code: the base has none of {', '.join(said.codes) or 'no codes'}"
        after = {
            **said.fields,
            KEY: key,
            "master_lo_code": code,
            "statement": said.statement,
            "bloom_verb": said.bloom_verb,
        }
        return _made(origin, key, INSERT, {}, after, fault)
    after = {"bloom_verb": said.bloom_verb, **said.fields}
    if PLACEMENTS in after:
        others = (one for one in row.get(PLACEMENTS, ()) if one["chapter_id"] != origin[1])
        after[PLACEMENTS] = [*others, *after[PLACEMENTS]]
    after = {name: value for name, value in after.items() if row.get(name, _ABSENT) != value}
    if not after:
        return None
    if fault is None and (frozen := [name for name in after if name in identity]):
        fault = "; ".join(
            f"{name} of {key} never changes: it is {row.get(name)!r}, not {after[name]!r}"
            for name in frozen
        )
    before = {name: row[name] for name in after if name in row}
    return _made(origin, key, ENRICH, before, after, fault)


_ABSENT = object()


def _made(
    origin: _Origin,
    key: str,
    kind: str,
    before: Document,
    after: Document,
    fault: str | None,
) -> Event:
    status = REFUSED if fault else APPENDED
    return Event(*origin, key, kind, before, after, status, fault)


def _row_of(said: _Said, rows: Iterable[Document]) -> Document | None:
    """The row of a component: one of its objectives' steps that says the same."""
    wanted = _plain(said.statement)
    return next(
        (
            row
            for row in rows
            if row["master_lo_code"] in said.codes and _plain(row["statement"]) == wanted
        ),
        None,
    )


def _new_key(said: _Said) -> str:
    """A key for a component that the base does not have: the same for the same step, ever."""
    code = said.codes[0] if said.codes else "NONE"
    return f"CMP-{code}-{digest_of_json([code, _plain(said.statement)])[:8]}"


def _plain(statement: str) -> str:
    return " ".join(statement.casefold().rstrip(". ").split())


def _entry_point(moment: str, sink: FieldContract) -> EntryPoint:
    wanted = f"run_kb_write_{moment}"
    for entry in sink.entry_points:
        if entry.name == wanted:
            return entry
    raise AinaError(
        expected=f"one of {', '.join(entry.name for entry in sink.entry_points)}",
        found=wanted,
        where=f"contract {sink.name}",
        remedy="name an entry point of the contract, or add one to field_contracts.yaml",
    )


# --------------------------------------------------------------------------------------- tables


def knowledge_after(
    tables: Mapping[str, pa.Table], sink: FieldContract, *events: pa.Table
) -> KnowledgeBase:
    """The base of the tables ``kb_*`` with what tables of ``KbEnrichmentEvents`` add.

    Raises:
        AinaError: see ``replay``.
    """
    return replay(knowledge_of(tables), events_in(*events), sink)


@dataclass(frozen=True)
class Accepted:
    """A unit whose documents may be written back.

    Attributes:
        documents: as ``events_of`` is given them.
        provenance: ``source_class`` and ``allowed_use`` of what they were made from.
    """

    unit_id: str
    documents: Mapping[str, Document]
    provenance: Mapping[str, str]


def write(
    moment: str, units: Iterable[Accepted], knowledge: KnowledgeBase, sink: FieldContract
) -> pa.Table:
    """Events of ``units`` in turn, each written over what those before it added.

    Returns:
        Rows of ``KbEnrichmentEvents``.
    """
    rows: list[Document] = []
    for unit in units:
        events = events_of(moment, unit.unit_id, unit.documents, knowledge, sink)
        knowledge = replay(knowledge, events, sink)
        rows += (
            {
                **dataclasses.asdict(event),
                "event_id": event.event_id,
                "sequence": number,
                "fields": sorted(event.after),
                "before": canonical(event.before),
                "after": canonical(event.after),
                **unit.provenance,
            }
            for number, event in enumerate(events, start=len(rows) + 1)
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(KbEnrichmentEvents))


def events_in(*tables: pa.Table) -> list[Event]:
    """Events of tables of ``KbEnrichmentEvents``, in the order in which they were made."""
    names = [field.name for field in dataclasses.fields(Event)]
    return [
        Event(**{**{name: row[name] for name in names}, **_loaded(row)})
        for row in _in_order(*tables)
    ]


def _in_order(*tables: pa.Table) -> list[Document]:
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(rows, key=lambda row: (MOMENTS.index(row["moment"]), row["sequence"]))


def _loaded(row: Mapping[str, Any]) -> dict[str, Document]:
    return {name: json.loads(row[name]) for name in ("before", "after")}


def kb_enrichment_events(
    ch_research_kb_write_agent: pa.Table,
    mod_review_kb_write_agent: pa.Table,
    app_review_kb_write_agent: pa.Table,
) -> pa.Table:
    """Rows of ``KbEnrichmentEvents``: those of all moments."""
    return pa.concat_tables(
        [ch_research_kb_write_agent, mod_review_kb_write_agent, app_review_kb_write_agent]
    )


def enriched(tables: Mapping[str, pa.Table], events: pa.Table, sink: FieldContract) -> pa.Table:
    """Rows of ``KbEnriched``: the base of the tables ``kb_*``, with ``events`` replayed.

    Raises:
        AinaError: see ``replay``.
    """
    said_first = knowledge_of(tables)
    after = replay(said_first, events_in(events), sink)
    told = [row for row in _in_order(events) if row["status"] == APPENDED]
    rows = []
    for name, model in KB_TABLES.items():
        (key,) = model.__key__
        stored = tables[table_name(model)].to_pylist()
        said_of = zip(stored, getattr(said_first, name), strict=True)
        base = {row[key]: (row, said) for row, said in said_of}
        own: dict[str, list[Document]] = {}
        for event in told:
            if event["kb_table"] == name:
                own.setdefault(event["row_key"], []).append(event)
        for row in getattr(after, name):
            changes = own.get(row[key], [])
            authored, said = base.get(row[key], (None, None))
            sources = [*changes, *([authored] if authored else [])]
            rows.append(
                {
                    "kb_table": name,
                    "row_key": row[key],
                    "base": canonical(said) if said else None,
                    "enriched": canonical(row),
                    "changes": [{part: one[part] for part in _CHANGE} for one in changes],
                    "event_count": len(changes),
                    "source_class": joined_classes(one["source_class"] for one in sources),
                    "allowed_use": strictest_use(one["allowed_use"] for one in sources),
                }
            )
    return pa.Table.from_pylist(rows, schema=arrow_schema(KbEnriched))


_CHANGE = ("event_id", "before", "after")


def kb_enriched(
    kb_learning_objectives: pa.Table,
    kb_components: pa.Table,
    kb_misconceptions: pa.Table,
    kb_vocabulary: pa.Table,
    kb_visual_representations: pa.Table,
    kb_textbook_references: pa.Table,
    kb_interactives: pa.Table,
    kb_conventions: pa.Table,
    kb_modules: pa.Table,
    kb_enrichment_events: pa.Table,
    authoring: Authoring,
) -> pa.Table:
    """Rows of ``KbEnriched``."""
    tables = {
        "kb_learning_objectives": kb_learning_objectives,
        "kb_components": kb_components,
        "kb_misconceptions": kb_misconceptions,
        "kb_vocabulary": kb_vocabulary,
        "kb_visual_representations": kb_visual_representations,
        "kb_textbook_references": kb_textbook_references,
        "kb_interactives": kb_interactives,
        "kb_conventions": kb_conventions,
        "kb_modules": kb_modules,
    }
    return enriched(tables, kb_enrichment_events, authoring.contract_by_name[SINK])
