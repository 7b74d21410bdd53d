"""The lanes over the sample's requests and knowledge base, table by table, in one process.

Belongs here: the tables of the sample, decisions on what stands at gates, and running every table
of the lanes in the order of its inputs. Stays out: what is asserted of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from aina_assets.authoring.contracts import canonical
from aina_assets.authoring.knowledge_tables import KB_TABLES, OTHER_FORMS, AuthoringRequests
from aina_assets.authoring.lane_steps import GATES, TRANSFORMS
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.review import tables as review_tables
from aina_assets.review.policy import ReviewGates
from aina_assets.review.tables import DecisionRows
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.warehouse.digests import digest_of_table, sha256_of_file
from aina_assets.warehouse.gate import conform, judge
from aina_assets.warehouse.tables import Table, arrow_schema, table_name
from aina_assets_tests.authoring.drafted import SAMPLE, Documents, config, knowledge, request, rules

Decision = dict[str, Any]
Asked = Callable[[Mapping[str, Any]], Decision | None]
"""What is decided on a subject: a verdict with texts, or nothing."""

PROVENANCE = {"source_row": 1, "source_class": "internal", "allowed_use": "open"}


@cache
def gates() -> ReviewGates:
    return ReviewGates.load()


def sources(requests: Iterable[Documents] | None = None) -> dict[str, pa.Table]:
    """The tables that the lanes start from: of the sample, or of other requests."""
    found: dict[str, pa.Table] = {}
    for name, model in KB_TABLES.items():
        schema = arrow_schema(model)
        rows = []
        for row in getattr(knowledge(), name):
            said = {key: row.get(key) for key in schema.names} | PROVENANCE
            for field in schema:
                if field.type == OTHER_FORMS:
                    forms = said[field.name] or {}
                    said[field.name] = [{"where": k, "form": v} for k, v in forms.items()]
            rows.append(said)
        found[table_name(model)] = pa.Table.from_pylist(rows, schema=schema)
    asked = [request()] if requests is None else list(requests)
    found["authoring_requests"] = pa.Table.from_pylist(
        [
            {
                "chapter_id": one["chapter_id"],
                "chapter_title": one["chapter_title"],
                "grade": one["grade"],
                "target_curriculum": one["curricula"]["target"]["id"],
                "document": canonical(one),
                "request_file": f"lms/{one['chapter_id']}.yaml",
                **PROVENANCE,
            }
            for one in asked
        ],
        schema=arrow_schema(AuthoringRequests),
    )
    return found


@cache
def of_the_sample() -> dict[str, pa.Table]:
    return sources()


@cache
def storyboards() -> SourceFiles:
    """The storyboards of the sample, as the graph reads them."""
    return SourceFiles(
        "authoring_storyboards",
        tuple(
            SourceFile(
                path, path.name, sha256_of_file(path)[0], "authoring_requests", "sample",
                SourceClass.INTERNAL, AllowedUse.OPEN,
            )
            for path in sorted((SAMPLE / "lms").glob("*.pptx"))
        ),
    )  # fmt: skip


@cache
def model_of(name: str) -> type[Table]:
    return next(model for model in TRANSFORMS if table_name(model) == name)


@cache
def order() -> list[str]:
    """Tables of the lanes, each after those it reads."""
    waiting = {table_name(model): model for model in TRANSFORMS}
    done: list[str] = []
    while waiting:
        ready = [
            name
            for name, model in waiting.items()
            if not set(inspect.signature(TRANSFORMS[model]).parameters) & waiting.keys()
        ]
        assert ready, f"tables that wait for each other: {sorted(waiting)}"
        for name in ready:
            done.append(name)
            del waiting[name]
    return done


def decisions_table(gate: str, rows: Sequence[Decision] = ()) -> pa.Table:
    model = next(
        item
        for item in vars(review_tables).values()
        if isinstance(item, type)
        and issubclass(item, DecisionRows)
        and item.__key__
        and table_name(item) == f"{gate}_decisions"
    )
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(model))


class Desk:
    """Decisions in the order they were made, as the slices of gates have them."""

    def __init__(self) -> None:
        self.rows: list[Decision] = []

    def decide(
        self,
        subject: Mapping[str, Any],
        verdict: str,
        *edits: str,
        reviewer: str = "pat",
        kind: str = "person",
    ) -> str:
        """Record a decision on a row of a table of subjects; its id."""
        number = len(self.rows) + 1
        decision_id = f"{number:032x}"
        self.rows.append(
            {
                "decision_id": decision_id,
                "ordinal": number,
                "origin": "ledger",
                **{
                    key: subject[key]
                    for key in ("gate", "subject_kind", "subject_key", "subject_digest")
                },
                "verdict": verdict,
                "reasons": [f"{verdict}, said {reviewer}"],
                "required_edits": [
                    {"edit_id": f"e{place}", "kind": "rework", "argument": "", "text": text}
                    for place, text in enumerate(edits, 1)
                ],
                "evidence": [],
                "reviewer_id": reviewer,
                "reviewer_kind": kind,
                "responsible_id": reviewer,
                "decided_at": "2026-11-22T00:00:00.000000+00:00",
                "expires_at": None,
                "supersedes": [],
                "standing": "in_force",
                "refusal_reason": None,
                "is_sample": False,
                "document": "{}",
            }
        )
        return decision_id

    def slice_of(self, gate: str) -> pa.Table:
        return decisions_table(gate, [row for row in self.rows if row["gate"] == gate])


_MADE: dict[tuple[str, ...], pa.Table] = {}
_VERSIONS: dict[int, tuple[pa.Table, str]] = {}


def version(table: pa.Table) -> str:
    # Kept with its table: another one may not come to lie at the same place.
    if id(table) not in _VERSIONS:
        _VERSIONS[id(table)] = (table, digest_of_table(table))
    return _VERSIONS[id(table)][1]


def made(name: str, function: Callable[..., pa.Table], given: Mapping[str, Any]) -> pa.Table:
    """What ``function`` makes of ``given``, held against its model's rules; made once for each."""
    key = (
        name,
        *(version(one) for one in given.values() if isinstance(one, pa.Table)),
        *(one.model_dump_json() for one in given.values() if isinstance(one, AuthoringRules)),
    )
    if key not in _MADE:
        table = function(**given)
        failed = [one for one in judge(table, model_of(name), ()) if not one.passed]
        assert not failed, (name, failed)
        _MADE[key] = conform(table, model_of(name))
    return _MADE[key]


class World:
    """Every table of the lanes, as of the decisions of a desk.

    Args:
        given: tables that the lanes start from.
        desk: decisions; more may be made between runs.
        approves: gates at which whatever stands there is approved at once.
        by: limits, and the model that is asked; those of ``data/`` by default.
    """

    def __init__(
        self,
        given: Mapping[str, pa.Table] | None = None,
        desk: Desk | None = None,
        approves: Iterable[str] = (),
        by: AuthoringRules | None = None,
    ) -> None:
        self._rules = by or rules()
        self._given = dict(given or of_the_sample())
        self.desk = desk or Desk()
        self._approves = set(approves)
        self.tables: dict[str, pa.Table] = {}
        self.run()

    def run(self) -> None:
        """Make every table as of now."""
        documents: dict[str, Any] = {
            "authoring_storyboards": storyboards(),
            "authoring": config(),
            "authoring_rules": self._rules,
            "review_gates": gates(),
        }
        self.tables = dict(self._given)
        for name in order():
            function = TRANSFORMS[model_of(name)]
            given: dict[str, Any] = {}
            for argument in inspect.signature(function).parameters:
                if argument in documents:
                    given[argument] = documents[argument]
                elif argument in self.tables:
                    given[argument] = self.tables[argument]
                else:
                    given[argument] = self.desk.slice_of(argument.removesuffix("_decisions"))
            self.tables[name] = table = made(name, function, given)
            gate = name.removesuffix("_subjects")
            if gate in GATES and gate in self._approves:
                decided = {row["subject_digest"] for row in self.desk.rows if row["gate"] == gate}
                for subject in table.to_pylist():
                    if subject["subject_digest"] not in decided:
                        self.desk.decide(subject, "approve")

    def rows(self, name: str, unit: str | None = None) -> list[Documents]:
        found = self.tables[name].to_pylist()
        return [row for row in found if unit is None or row["unit_id"] == unit]

    def current(self, name: str, unit: str) -> Documents:
        (row,) = (row for row in self.rows(name, unit) if row["is_current"])
        return row

    def subject(self, gate: str, unit: str) -> Documents:
        found: list[Documents] = self.tables[f"{gate}_subjects"].to_pylist()
        (row,) = (row for row in found if row["subject_key"] == unit)
        return row
