"""Lanes as tables: each step's documents for every unit, version by version.

Belongs here: how a step runs for a table of units, what holds a unit up, and rework as a fold over
the decisions of a gate. Stays out: which steps there are (``lane_steps``), where units come from
(``lane_units``), what a gate is found to be (``review.gates``).

====================================  ============================================================
what happens                          what becomes of the row
====================================  ============================================================
all it reads is made, gates let pass  ``made``
a soft gate lets pass unreviewed      ``made``, and says so
a gate is closed                      ``waiting``, with gate, unit and state
something it reads is not made        ``waiting``, with what that waits for, or how it failed
no answer, or none in its contract    ``failed``, ``invalid``
``revise`` on the digest of version n  one more version, from the feedback; version n is kept
the rework came to nothing            ``failed`` or ``invalid``; version n goes on standing
====================================  ============================================================
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
from upath import UPath

from aina_assets.authoring.cache import AnswerCache
from aina_assets.authoring.contracts import Document, canonical
from aina_assets.authoring.feedback import MODULE_OPERATIONS, Feedback, parsed
from aina_assets.authoring.lane_tables import CODE, FAILED, INVALID, MADE, WAITING, LaneDocuments
from aina_assets.authoring.models import SkillModel
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.runner import SkillOutput, SkillRunner
from aina_assets.contracts.errors import AinaError, ReviewError
from aina_assets.contracts.review import GateState, ReviewVerdict
from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.review.gates import find
from aina_assets.review.policy import Gate, ReviewGates
from aina_assets.review.subjects import subject
from aina_assets.warehouse.settings import home
from aina_assets.warehouse.tables import arrow_schema, table_name

Row = Mapping[str, Any]
Tables = Mapping[str, pa.Table]

_OF_INPUT = (AinaError, KeyError, IndexError, TypeError, ValueError)
"""What a document that lacks something leads to; it costs its own unit and no other."""


@dataclass(frozen=True)
class Unit:
    """A chapter, module or applet.

    Attributes:
        parent_id: of a module its chapter, of an applet its module.
    """

    unit_id: str
    parent_id: str | None
    source_class: str
    allowed_use: str

    @classmethod
    def of(cls, row: Row) -> Unit:
        """The unit of a row."""
        return cls(row["unit_id"], row["parent_id"], row["source_class"], row["allowed_use"])


@dataclass(frozen=True)
class Made:
    """What a step came to for one unit.

    Attributes:
        contract: contract or artefact of the document.
        status: of ``LaneDocuments``.
        spent: the columns of ``LaneDocuments`` about whoever was asked.
    """

    contract: str
    status: str
    reason: str | None = None
    document: Document | None = None
    maker: str | None = None
    spent: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def by_skill(cls, output: SkillOutput) -> Made:
        """What a run of a skill came to."""
        return cls(
            output.contract,
            output.status,
            output.reason or None,
            output.value if output.status == MADE else None,
            output.maker,
            {
                "prompt_sha256": output.prompt_digest,
                "inputs_sha256": output.input_digest,
                "input_tokens": output.input_tokens,
                "output_tokens": output.output_tokens,
                "cost_usd": output.cost_usd,
            },
        )

    @classmethod
    def by_code(
        cls, contract: str, inputs: Mapping[str, Any], compute: Callable[[], Document]
    ) -> Made:
        """What a computation came to; a document that lacks something makes it fail."""
        spent = {"inputs_sha256": _sha256(canonical(inputs))}
        try:
            return cls(contract, MADE, None, compute(), CODE, spent)
        except _OF_INPUT as error:
            told = str(error) if isinstance(error, AinaError) else _told(error)
            return cls(contract, FAILED, told[:600], None, CODE, spent)


def waiting(contract: str, reason: str) -> Made:
    """What is held up."""
    return Made(contract, WAITING, reason)


# --------------------------------------------------------------------------------------- a step


@dataclass(frozen=True)
class Place:
    """Where rows belong.

    Attributes:
        model: their table.
        lane: lane of the step.
        step: its name in ``lanes.yaml``.
        contract: what it makes.
    """

    model: type[LaneDocuments]
    lane: str
    step: str
    contract: str

    @property
    def name(self) -> str:
        """Name of the table."""
        return table_name(self.model)


@dataclass(frozen=True)
class Step(Place):
    """A step that is run unit by unit.

    Attributes:
        run: what it does for a unit; of parts, a document each.
        reads: tables it reads; the first is of its own lane and says which units there are.
        optional: those of them that may have nothing for a unit.
        behind: gates that it waits for, hard or soft.
        gate: gate at which a rework of it is asked for.
        presents: what stands at that gate, from a document of this step; itself by default.
        parts: parts, where it makes a document for each.
        follows: it makes a version for each that the first table it reads has.
    """

    run: Callable[[Work], Made]
    reads: tuple[str, ...]
    optional: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    gate: str | None = None
    presents: Callable[[Work, Document], Document] | None = None
    parts: tuple[str | None, ...] = (None,)
    follows: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every table it takes, those of its gates included."""
        gates = [f"{gate}_{kind}" for gate in self.behind for kind in ("subjects", "decisions")]
        own = [f"{self.gate}_decisions"] if self.gate else []
        return tuple(dict.fromkeys([*self.reads, *gates, *own]))


@dataclass(frozen=True)
class Work:
    """What a step is given for one unit.

    Attributes:
        rows: current rows of what it reads, by table: those that are made.
        part: the part to be made.
        feedback: what a reviewer asks for, with ``previous``, the version it is about.
    """

    step: Step
    unit: Unit
    rows: Mapping[str, Sequence[Row]]
    runner: SkillRunner
    part: str | None = None
    feedback: Feedback | None = None
    previous: Document | None = None

    @cached_property
    def known(self) -> Document:
        """Contracts and artefacts by name."""
        found: Document = {}
        for rows in self.rows.values():
            for row in rows:
                found |= artefacts_in(row)
        return found

    def documents(self, table: str) -> list[Document]:
        """Documents of a table, one for each part."""
        return [json.loads(row["document"]) for row in self.rows.get(table, ())]

    def skill(self, **own: Any) -> Made:
        """Run the step's skill on what its prompt reads; ``own`` are words of its input."""
        config = self.runner.config
        (step,) = (
            one for one in config.lane_by_name[self.step.lane].steps if one.step == self.step.step
        )
        reads = config.reads(self.step.lane, step)
        given = {name: self.known[name] for name in reads if name in self.known} | own
        return Made.by_skill(
            self.runner.run(self.step.step, self.step.lane, given, self.feedback, self.previous)
        )

    def code(self, *reads: str, compute: Callable[[Document], Document], **own: Any) -> Made:
        """Compute what the step makes from contracts and artefacts by name, and from ``own``."""
        given = {name: self.known[name] for name in reads if name in self.known} | own
        return Made.by_code(self.step.contract, given, lambda: compute(given))


def artefacts_in(row: Row) -> Document:
    """Contracts and artefacts that a made row holds, by name."""
    document = json.loads(row["document"])
    contract = row["contract"]
    if contract == CURRICULUM:
        return dict(document)
    found = {contract: document}
    # What a gate makes: the objective as it stands behind it.
    if contract == "derive_lo_brief":
        found["approved_objective"] = {"lo": document["chapter_lo"], "lo_components": []}
    elif contract == "module_lo_brief_enriched":
        derived = document["derived"]
        found["approved_objective"] = {
            "lo": derived["module_lo"],
            "lo_components": derived["lo_components"],
        }
    return found


CURRICULUM = "curriculum_context, kb_evidence"
"""Contract of the join: one document with both."""


# ------------------------------------------------------------------------------------ all units


def table_of(
    step: Step, given: Mapping[str, Any], runner: SkillRunner, beside: Sequence[pa.Table] = ()
) -> pa.Table:
    """The table of ``step``.

    Args:
        step: the step.
        given: tables by name, with ``review_gates`` where it has to do with gates.
        runner: runs skills.
        beside: tables that are not of a lane, whose classes its rows have too.
    """
    held = Holds(step, given)
    gates: ReviewGates | None = given.get("review_gates")
    units = [provenance_of(unit, beside) for unit in held.units]
    made = [row for unit in units for row in _rows_of(step, unit, held, gates, runner)]
    return as_table(step.model, made)


def as_table(model: type[LaneDocuments], rows: Sequence[Row]) -> pa.Table:
    """Rows as a table of ``model``."""
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(model))


class Holds:
    """What a step reads for each unit, and what holds it up."""

    def __init__(self, step: Step, given: Mapping[str, Any]) -> None:
        self._step = step
        self._rows = {name: by_unit(given[name]) for name in step.reads}
        self._gates = {
            gate: Passages(
                gate,
                given[f"{gate}_subjects"],
                given[f"{gate}_decisions"],
                given["review_gates"],
            )
            for gate in step.behind
        }
        self.decisions = (
            by_subject(given[f"{step.gate}_decisions"]) if step.gate is not None else {}
        )
        first = self._rows[step.reads[0]]
        self.units = [Unit.of(rows[0]) for rows in first.values()]

    def of(self, unit: Unit) -> tuple[dict[str, list[Row]], str | None, str | None]:
        """Current rows by table, why it has to wait, and what passed unreviewed."""
        found: dict[str, list[Row]] = {}
        for name, rows in self._rows.items():
            own = [row for row in rows.get(self._key(name, unit), ()) if row["is_current"]]
            if name in self._step.optional:
                own = [row for row in own if row["status"] == MADE]
            elif reason := _held_up(name, own):
                return {}, reason, None
            found[name] = own
        notes = []
        for passages in self._gates.values():
            passage = passages.of(unit.unit_id)
            if not passage.is_open:
                return {}, passage.said, None
            notes += [passage.said] if passage.said else []
        return found, None, "; ".join(notes) or None

    def versions(self, unit: Unit) -> list[Row]:
        """Every version of what the first table has for ``unit``."""
        return self._rows[self._step.reads[0]].get(unit.unit_id, [])

    def _key(self, table: str, unit: Unit) -> str:
        is_own = table.startswith(self._step.lane)
        return unit.unit_id if is_own else str(unit.parent_id)


def by_unit(table: pa.Table) -> dict[str, list[Row]]:
    """Rows by unit, in their order."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        found[row["unit_id"]].append(row)
    return dict(found)


def _held_up(table: str, rows: Sequence[Row]) -> str | None:
    if not rows:
        return f"{table} has nothing for it"
    for row in rows:
        if row["status"] == WAITING:
            return str(row["reason"])
        if row["status"] != MADE:
            return f"{table} {row['status']}: {row['reason']}"
    return None


def _rows_of(
    step: Step, unit: Unit, held: Holds, gates: ReviewGates | None, runner: SkillRunner
) -> Iterator[Document]:
    rows, reason, note = held.of(unit)
    if reason is not None:
        for part in step.parts:
            yield row_of(step, unit, waiting(step.contract, reason), part=part)
        return
    if step.follows:
        first = step.reads[0]
        for former in held.versions(unit):
            if former["status"] == MADE:
                work = Work(step, unit, {**rows, first: [former]}, runner)
                own = {key: former[key] for key in ("version", "is_current", "decision_id")}
                yield row_of(step, unit, _noted(step.run(work), note), **own)
        return
    for part in step.parts:
        work = Work(step, unit, rows, runner, part)
        if step.gate is None or gates is None:
            yield row_of(step, unit, _noted(step.run(work), note), part=part)
        else:
            gate = gates.gate(step.gate)
            decided = held.decisions.get((gate.subject_kind, unit.unit_id), [])
            yield from reworked(work, gate, decided, note)


def row_of(
    step: Place,
    unit: Unit,
    made: Made,
    *,
    part: str | None = None,
    version: int = 1,
    is_current: bool = True,
    decision_id: str | None = None,
) -> Document:
    """The row of ``LaneDocuments`` for what a step came to."""
    text, made = _text_of(made)
    return {
        "document_id": f"{unit.unit_id}{f':{part}' if part else ''}@{version}",
        "lane": step.lane,
        "step": step.step,
        "unit_id": unit.unit_id,
        "parent_id": unit.parent_id,
        "part": part,
        "version": version,
        "is_current": is_current,
        "status": made.status,
        "reason": made.reason,
        "contract": made.contract,
        "document": text,
        "document_sha256": _sha256(text) if text is not None else None,
        "maker": made.maker,
        "prompt_sha256": None,
        "inputs_sha256": None,
        "decision_id": decision_id,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": None,
        **made.spent,
        "source_class": unit.source_class,
        "allowed_use": unit.allowed_use,
    }


def _text_of(made: Made) -> tuple[str | None, Made]:
    if made.document is None:
        return None, made
    text = canonical(made.document)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return None, replace(made, status=INVALID, reason=_told(error), document=None)
    return text, made


def _noted(made: Made, note: str | None) -> Made:
    if note is None or made.status != MADE:
        return made
    return replace(made, reason=f"{made.reason}; {note}" if made.reason else note)


# --------------------------------------------------------------------------------------- rework


def reworked(
    work: Work, gate: Gate, decisions: Sequence[Row], note: str | None
) -> Iterator[Document]:
    """Every version of a step that stands at a gate, from the decisions in force alone.

    Version 1 is what the step makes of its input. Where the gate is found at ``revise`` for version
    n, version n + 1 is what its edits come to, one after the other. A decision bound to a digest
    that no version has does nothing.
    """
    step, unit = work.step, work.unit
    versions: list[tuple[Made, str | None]] = [(_noted(step.run(work), note), None)]
    current = 1
    while (document := versions[-1][0].document) is not None:
        current = len(versions)
        try:
            stands = step.presents(work, document) if step.presents else document
            shown = gate_subject(gate, unit.unit_id, current, title_in(work.known), stands)
        except _OF_INPUT as error:
            made = replace(versions[-1][0], status=INVALID, reason=_told(error), document=None)
            versions[-1] = (made, versions[-1][1])
            current = max(current - 1, 1)
            break
        found = find(gate, shown["subject_digest"], (), decisions)
        if found.state is not GateState.REVISE:
            break
        asking = [row for row in found.objections if row["verdict"] == ReviewVerdict.REVISE]
        ids = ", ".join(row["reviewer_id"] for row in asking)
        made = _noted(_rework(work, document, asking), f"asked for by {ids}")
        versions.append((_noted(made, note), asking[0]["decision_id"]))
    for number, (made, decision_id) in enumerate(versions, 1):
        yield row_of(
            step, unit, made,
            version=number, is_current=number == current, decision_id=decision_id,
        )  # fmt: skip


def _rework(work: Work, previous: Document, asking: Sequence[Row]) -> Made:
    """What every edit that is asked for comes to, in their order; it stops where one fails."""
    contract = work.step.contract
    try:
        asked = parsed(edit["text"] for row in asking for edit in row["required_edits"])
    except ReviewError as error:
        return Made(contract, FAILED, str(error))
    made = Made(contract, FAILED, "nothing was asked for")
    for feedback in asked:
        if feedback.kind in MODULE_OPERATIONS and contract != "derive_module_sequence":
            told = f"{feedback.kind} is for sequences of modules, not for {contract}"
            return Made(contract, FAILED, told)
        try:
            made = work.step.run(replace(work, feedback=feedback, previous=previous))
        except _OF_INPUT as error:
            return Made(contract, FAILED, _told(error))
        if made.document is None:
            return made
        previous = made.document
    return made


# ---------------------------------------------------------------------------------------- gates


def gate_subject(gate: Gate, unit_id: str, version: int, title: str, stands: Document) -> Document:
    """The columns of ``SubjectTable`` for a document at a gate.

    The version is part of what is decided on: a rework that changes nothing is decided on anew.

    Raises:
        ReviewError: the document holds words of decisions.
    """
    content = {"version": version, "document": stands}
    return subject(gate.id, gate.subject_kind, unit_id, title=title, content=content)


def title_in(known: Mapping[str, Any]) -> str:
    """Title of a unit, from its request."""
    for request, key in (
        ("applet_request", "applet_lo"),
        ("module_request", "title"),
        ("chapter_request", "chapter_title"),
    ):
        if request in known:
            return str(known[request][key])
    raise KeyError("no request")


def by_subject(decisions: pa.Table) -> dict[tuple[str, str], list[Row]]:
    """Decisions by kind and key of their subject, oldest first."""
    made: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in decisions.sort_by("ordinal").to_pylist():
        made[row["subject_kind"], row["subject_key"]].append(row)
    return made


@dataclass(frozen=True)
class Passage:
    """Whether a gate lets a unit pass, and what is to be said of it."""

    is_open: bool
    said: str | None


class Passages:
    """What a gate is found to be for each unit.

    Args:
        gate_id: the gate.
        subjects: what stands there.
        decisions: of that gate.
        review_gates: the gates.
    """

    def __init__(
        self, gate_id: str, subjects: pa.Table, decisions: pa.Table, review_gates: ReviewGates
    ) -> None:
        self._gate = review_gates.gate(gate_id)
        made = by_subject(decisions)
        columns = ("subject_kind", "subject_key", "subject_digest", "subject_authors")
        self._found = {
            row["subject_key"]: find(
                self._gate,
                row["subject_digest"],
                row["subject_authors"],
                made.get((row["subject_kind"], row["subject_key"]), ()),
            )
            for row in subjects.select(columns).to_pylist()
        }

    def of(self, unit_id: str | None) -> Passage:
        """Whether the gate lets ``unit_id`` pass."""
        gate, found = self._gate, self._found.get(str(unit_id))
        if found is None:
            return Passage(False, f"nothing of {unit_id} stands at gate {gate.id}")
        if found.state is GateState.APPROVED:
            return Passage(True, None)
        if found.is_open(gate):
            return Passage(True, f"passed {gate.id} unreviewed")
        said = f"{gate.strictness} gate {gate.id} is {found.state} for {unit_id}: {found.reason}"
        return Passage(False, said)


# --------------------------------------------------------------------------------------- skills


@contextmanager
def runner_of(authoring: Authoring, rules: AuthoringRules) -> Iterator[SkillRunner]:
    """A runner by the configuration: the model where one is named and has its key, or the drafter.

    Answers of a model are kept below ``$AINA_HOME``.
    """
    model = SkillModel.of_rules(rules)
    cache = AnswerCache.of_home(UPath(home())) if model is not None else None
    try:
        yield SkillRunner(authoring, rules, model, cache)
    finally:
        if model is not None:
            model.close()


def provenance_of(unit: Unit, tables: Iterable[pa.Table]) -> Unit:
    """``unit`` with the classes of ``tables`` joined to its own, and the strictest use of all."""
    classes, uses = [unit.source_class], [unit.allowed_use]
    for table in tables:
        classes += table["source_class"].unique().to_pylist()
        uses += table["allowed_use"].unique().to_pylist()
    return replace(unit, source_class=joined_classes(classes), allowed_use=strictest_use(uses))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:600]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
