"""Reports about review, beta, sources and validation, and the index of all reports.

Belongs here: the documents that the reports show, and rendering them. Stays out: finding anything.

A number on a page is a figure or stands in a listing. A figure is a count, or the unlocks, of a
receipt, or a sum of such, and names what it is taken from. A listing has rows of one table, which
is the table of a receipt's items or one that the receipt was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from aina_assets.contracts.receipts import Receipt
from aina_assets.contracts.review import ReviewerKind, Strictness
from aina_assets.gdpval.tables import State
from aina_assets.release.policy import ReleaseRules
from aina_assets.release.progress import WAITING_STATES
from aina_assets.release.report_tables import STATES, SUBJECTS, WAITING
from aina_assets.release.tables import (
    APPROVED,
    BLOCKED,
    BROKEN,
    DISCLOSED,
    HOLDS,
    OUTSIDE_BETA,
    REVIEW_REQUIRED,
    WAITS,
)
from aina_assets.release.validation import NOT_GREEN, Status
from aina_assets.review.policy import Gate, Reviewers, ReviewGates
from aina_assets.titles.adjudication_tables import OUTCOMES
from aina_assets.warehouse.reports import environment, json_bytes

SHOWN_SUBJECTS = 12
SHOWN_DECISIONS = 60

PROGRESS = "review_progress_v1"
FEEDBACK = "beta_feedback_v1"
ADJUDICATION = "title_adjudication_v1"
BOUNDARY = "production_deployment_approval_v1"
AUTHORITY = "source_authority_beta_wedge_audit_v1"
INTAKE = "source_intake_v1"
ADMISSION = "beta_admission_v1"
READINESS = "deployment_readiness_v1"
VALIDATION = "full_validation_v1"

Document = dict[str, Any]
Figure = dict[str, Any]
Row = Mapping[str, Any]
COUNTS = ":counts."
UNLOCKS = ":unlocks"


# ------------------------------------------------------------------------- figures and listings


class Figures:
    """Figures of receipts, each with the places it is taken from."""

    def __init__(self, receipts: Mapping[str, Receipt]) -> None:
        self._receipts = receipts

    def count(self, gate: str, *names: str) -> Figure:
        """The sum of the counts ``names`` of ``gate``; its value is null without a receipt."""
        receipt = self._receipts.get(gate)
        value = None if receipt is None else sum(receipt.counts.get(name, 0) for name in names)
        return {"value": value, "of": [f"{gate}{COUNTS}{name}" for name in names]}

    def unlocks(self, *gates: str) -> Figure:
        """The sum of what ``gates`` unlock; its value is null where a receipt is missing."""
        found = [self._receipts.get(gate) for gate in gates]
        there = [receipt.unlocks for receipt in found if receipt is not None]
        value = sum(there) if len(there) == len(found) else None
        return {"value": value, "of": [f"{gate}{UNLOCKS}" for gate in gates]}

    def names(self, gate: str) -> list[str]:
        """Names of the counts of ``gate``."""
        receipt = self._receipts.get(gate)
        return [] if receipt is None else list(receipt.counts)

    def found(self, gate: str) -> Document:
        """What ``gate`` found, for the list of receipts of a page."""
        receipt = self._receipts.get(gate)
        if receipt is None:
            return {"gate": gate, "verdict": "missing", "unlocks": self.unlocks(gate)}
        return {
            "gate": gate,
            "verdict": str(receipt.verdict),
            "unlocks": self.unlocks(gate),
            "items_table": receipt.items_table,
            "items_version": receipt.items_version,
        }

    def all_found(self) -> list[Document]:
        """What every receipt found."""
        return [self.found(gate) for gate in sorted(self._receipts)]


@dataclass(frozen=True)
class Column:
    """A column of a listing: ``kind`` is text, code, long code, or state."""

    name: str
    heading: str
    kind: str = "text"


def listing(
    table: str,
    caption: str,
    rows: Iterable[Row],
    columns: Sequence[Column],
    *,
    limit: int | None = None,
) -> Document:
    """Rows of ``table`` to show, in the columns given, at most ``limit``."""
    found = list(rows)
    return {
        "table": table,
        "caption": caption,
        "columns": [vars(column) for column in columns],
        "rows": [[row[column.name] for column in columns] for row in found[:limit]],
        "is_cut": limit is not None and len(found) > limit,
    }


# ----------------------------------------------------------------------------- the review dashboard


def review_document(
    gate_states: pa.Table,
    decisions: pa.Table,
    title_adjudication: pa.Table,
    production_deployment_approval: pa.Table,
    review_gates: ReviewGates,
    reviewers: Reviewers,
    receipts: Mapping[str, Receipt],
    stages: Mapping[str, str],
    versions: Mapping[str, str],
) -> Document:
    """Everything the review dashboard says.

    Args:
        gate_states: what gates are found to be.
        decisions: every decision.
        title_adjudication: what became of titles.
        production_deployment_approval: boundaries of production.
        review_gates: the gates.
        reviewers: who may decide.
        receipts: by gate.
        stages: gates of the GDPval chain in order, each with what its stage is.
        versions: data versions of what it is made from.
    """
    figures = Figures(receipts)
    gates = review_gates.gates
    waiting = [row for row in gate_states.to_pylist() if row["state"] in WAITING_STATES]
    made = decisions.sort_by([("ordinal", "descending")]).to_pylist()
    return {
        "report": "review_dashboard",
        "totals": {
            "waiting": figures.count(PROGRESS, WAITING),
            "approved": _over(figures, gates, "approved"),
            "objected": figures.count(
                PROGRESS,
                *(f"{gate.id}.{state}" for gate in gates for state in _OBJECTED),
            ),
            "lapsed": figures.count(
                PROGRESS,
                *(f"{gate.id}.{state}" for gate in gates for state in ("expired", "stale")),
            ),
            "decisions": _over(figures, gates, "decisions_in_force"),
            "sample_decisions": _over(figures, gates, "decisions_sample"),
            "open_boundaries": figures.unlocks(BOUNDARY),
        },
        "states": STATES,
        "gates": [_gate(gate, figures, reviewers, waiting) for gate in gates],
        "stages": [_stage(gate, text, figures) for gate, text in stages.items()],
        "adjudication": {
            "queue": figures.count(ADJUDICATION, "queue"),
            "outcomes": [
                {"name": name, "text": text, "count": figures.count(ADJUDICATION, name)}
                for name, text in OUTCOMES.items()
            ],
            "listing": listing(
                "title_adjudication",
                "Titles that the rules left open, and what the votes on them are worth",
                title_adjudication.to_pylist(),
                (
                    Column("figure", "Figure", "code"),
                    Column("value", "Count"),
                    Column("measure", "Measure"),
                    Column("unit", "Unit"),
                    Column("definition", "How it is counted"),
                ),
            ),
        },
        "boundaries": listing(
            "production_deployment_approval",
            "Boundaries of production",
            production_deployment_approval.to_pylist(),
            (
                Column("domain", "Boundary", "code"),
                Column("state", "State", "state"),
                Column("is_open", "Open"),
                Column("approval_count", "Approvals"),
                Column("quorum", "Takes"),
                Column("valid_until", "Until"),
                Column("reason", "Why"),
                Column("enforced_by", "What keeps it closed"),
            ),
        ),
        "decisions": listing(
            "decisions",
            "Decisions, latest first",
            made,
            (
                Column("gate", "Gate", "code"),
                Column("subject_key", "Subject", "long"),
                Column("verdict", "Verdict"),
                Column("reviewer_id", "Reviewer", "code"),
                Column("reviewer_kind", "Kind"),
                Column("is_sample", "Sample decision"),
                Column("standing", "Standing"),
                Column("decided_at", "When"),
                Column("reasons", "Reasons"),
            ),
            limit=SHOWN_DECISIONS,
        ),
        "receipts": figures.all_found(),
        "made_from": dict(sorted(versions.items())),
    }


_OBJECTED = ("revise", "held", "rejected")


def _over(figures: Figures, gates: Iterable[Gate], measure: str) -> Figure:
    return figures.count(PROGRESS, *(f"{gate.id}.{measure}" for gate in gates))


def _gate(gate: Gate, figures: Figures, reviewers: Reviewers, waiting: Iterable[Row]) -> Document:
    def count(measure: str) -> Figure:
        return figures.count(PROGRESS, f"{gate.id}.{measure}")

    return {
        "gate": gate.id,
        "title": gate.title,
        "is_hard": gate.strictness is Strictness.HARD,
        "approvers": [_WORDS[kind] for kind in gate.approvers],
        "reviewers": [
            {"id": reviewer.id, "kind": str(reviewer.kind), "is_sample": reviewer.is_sample}
            for reviewer in reviewers.reviewers
            if gate.id in reviewer.gates and reviewer.kind in gate.approvers
        ],
        "subjects": count(SUBJECTS),
        "states": {state: count(state) for state in STATES},
        "open": count("open"),
        "unreviewed": count("unreviewed"),
        "required_edits": count("required_edits"),
        "waits": figures.count(PROGRESS, *(f"{gate.id}.{state}" for state in WAITING_STATES)),
        "waiting": listing(
            "gate_states",
            f"What waits at {gate.title[:1].lower()}{gate.title[1:]}",
            (row for row in waiting if row["gate"] == gate.id),
            (
                Column("subject_key", "Subject", "long"),
                Column("subject_title", "Title"),
                Column("state", "State", "state"),
                Column("approval_count", "Approvals"),
                Column("quorum", "Takes"),
                Column("reason", "Why"),
            ),
            limit=SHOWN_SUBJECTS,
        ),
    }


_WORDS = {
    ReviewerKind.PERSON: "a person",
    ReviewerKind.DELEGATED: "somebody a person answers for",
    ReviewerKind.PANEL: "a panel",
}
_ITEM_STATES = {str(state) for state in State}
_EDITS = ("edit_count", "closed_edit_count", "open_edit_count")


def _stage(gate: str, text: str, figures: Figures) -> Document:
    names = figures.names(gate)
    states = [str(state) for state in State if state in names]
    sums = [name for name in names if name not in _ITEM_STATES]
    return figures.found(gate) | {
        "text": text,
        "item_count": figures.count(gate, *(states or [str(State.PENDING)])),
        "states": [{"state": state, "count": figures.count(gate, state)} for state in states],
        "edits": {name: figures.count(gate, name) for name in _EDITS if name in sums},
        "others": [
            {"name": name, "count": figures.count(gate, name)}
            for name in sums
            if name not in _EDITS
        ],
    }


# ------------------------------------------------------------------------------- the beta dashboard


def beta_document(
    learner_activity: pa.Table,
    beta_admission: pa.Table,
    deployment_readiness: pa.Table,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
) -> Document:
    """Everything the beta feedback dashboard says."""
    figures = Figures(receipts)
    held, statements = (
        [row for row in deployment_readiness.to_pylist() if row["item_kind"] == kind]
        for kind in ("held", "statement")
    )
    admitted = beta_admission.to_pylist()
    return {
        "report": "beta_feedback_dashboard",
        "admission": {
            "approved": figures.count(ADMISSION, APPROVED),
            "review_required": figures.count(ADMISSION, REVIEW_REQUIRED),
            "blocked": figures.count(ADMISSION, BLOCKED),
            "outside": figures.count(ADMISSION, OUTSIDE_BETA),
            "gaps": figures.count(ADMISSION, DISCLOSED),
            "listing": listing(
                "beta_admission",
                "Families, and layers of sources with a gap",
                admitted,
                (
                    Column("title", "Family or layer"),
                    Column("state", "State", "state"),
                    Column("unmet_rules", "Rules that do not hold", "code"),
                    Column("reasons", "What was found"),
                ),
            ),
        },
        "events": _named(figures, "events."),
        "evaluations": _named(figures, "evaluations."),
        "total_events": _total(figures, "events."),
        "total_evaluations": _total(figures, "evaluations."),
        "hidden": figures.count(FEEDBACK, "hidden_groups"),
        "activity": listing(
            "learner_activity",
            "What was done, by type, module and outcome",
            learner_activity.to_pylist(),
            (
                Column("event_type", "Event", "code"),
                Column("module_id", "Module", "code"),
                Column("outcome", "Outcome", "state"),
                Column("event_count", "Events"),
                Column("learner_count", "Learners"),
                Column("is_hidden", "Hidden"),
                Column("min_learners", "Told from"),
            ),
        ),
        "waits": figures.count(READINESS, WAITS),
        "holds": figures.count(READINESS, HOLDS),
        "broken": figures.count(READINESS, BROKEN),
        "held": listing(
            "deployment_readiness",
            "What is held, and where it waits",
            held,
            (
                Column("item_id", "What", "long"),
                Column("statement", "Why"),
                Column("waits_at", "Waits for"),
            ),
        ),
        "statements": listing(
            "deployment_readiness",
            "What is known to be closed",
            statements,
            (
                Column("statement", "Statement"),
                Column("state", "State", "state"),
                Column("value", "Against it"),
                Column("known_by", "How it is known"),
            ),
        ),
        "receipts": figures.all_found(),
        "made_from": dict(sorted(versions.items())),
    }


def _starting(figures: Figures, start: str) -> list[str]:
    return [name for name in figures.names(FEEDBACK) if name.startswith(start)]


def _total(figures: Figures, start: str) -> Figure | None:
    names = _starting(figures, start)
    return figures.count(FEEDBACK, *names) if names else None


def _named(figures: Figures, start: str) -> list[Document]:
    return [
        {"name": name.removeprefix(start), "count": figures.count(FEEDBACK, name)}
        for name in _starting(figures, start)
    ]


# ------------------------------------------------------------------------------ the source report


def source_document(
    source_authority: pa.Table,
    source_files: pa.Table,
    source_ledger: pa.Table,
    release_rules: ReleaseRules,
    read_from: Mapping[str, Sequence[str]],
    standing_on: Callable[[Sequence[str]], Sequence[str]],
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
) -> Document:
    """Everything the source-provenance report says.

    Args:
        source_authority: layers and families.
        source_files: every file of the lock.
        source_ledger: every source of the lock.
        release_rules: the layers, with their inputs.
        read_from: tables read straight from each input.
        standing_on: tables that stand on any of some tables, these left out.
        receipts: by gate.
        versions: data versions of what it is made from.
    """
    figures = Figures(receipts)
    layers, families = (
        [row for row in source_authority.to_pylist() if row["item_kind"] == kind]
        for kind in ("layer", "family")
    )
    sources = source_ledger.to_pylist()
    files = source_files.to_pylist()
    inputs: dict[str, list[str]] = {row["source"]: [] for row in sources}
    for row in files:
        if row["source"] is not None and row["input"] not in inputs[row["source"]]:
            inputs[row["source"]].append(row["input"])
    uses = []
    for name, of_source in inputs.items():
        tables = sorted({table for item in of_source for table in read_from.get(item, ())})
        uses.append({"source": name, "read": tables, "standing": list(standing_on(tables))})
    return {
        "report": "source_provenance_report",
        "files": {state: figures.count(INTAKE, state) for state in ("present", "absent")},
        "layers": {
            state: figures.count(AUTHORITY, state)
            for state in ("verified", "gap", "absent", "flattened")
        },
        "cached_only": [
            {
                "title": layer.title,
                "layer": listing(
                    "source_authority",
                    layer.title,
                    (row for row in layers if row["item_id"] == layer.id),
                    _LAYER_COLUMNS,
                ),
                "files": listing(
                    "source_files",
                    f"{layer.title}: files",
                    (row for row in files if row["input"] in layer.inputs),
                    _FILE_COLUMNS,
                ),
            }
            for layer in release_rules.layers
            if layer.is_cached_only
        ],
        "layer_listing": listing("source_authority", "Layers of sources", layers, _LAYER_COLUMNS),
        "family_listing": listing(
            "source_authority",
            "Families of the beta, and the classes of source their packets draw on",
            families,
            (
                Column("title", "Family"),
                Column("state", "State", "state"),
                Column("source_classes", "Classes"),
                Column("row_count", "Packets"),
                Column("research_row_count", "Draw on research"),
                Column("benchmark_row_count", "On a benchmark"),
                Column("market_row_count", "On market signal"),
                Column("flattened_row_count", "Mixed"),
                Column("problems", "What is wrong"),
            ),
        ),
        "licences": listing(
            "source_ledger",
            "What each source may be used for",
            sources,
            (
                Column("source", "Source", "code"),
                Column("title", "Title"),
                Column("source_class", "Class"),
                Column("licence", "Licence"),
                Column("allowed_use", "Allowed use"),
                Column("runtime_eligibility", "Learners"),
                Column("attribution", "Attribution"),
            ),
        ),
        "pins": listing(
            "source_ledger",
            "What each source is pinned to",
            sources,
            (
                Column("source", "Source", "code"),
                Column("publisher", "Publisher"),
                Column("release", "Release"),
                Column("file_count", "Files"),
                Column("byte_cap", "Byte cap"),
                Column("pin", "Pin", "long"),
                Column("note", "Note"),
            ),
        ),
        "file_listing": listing(
            "source_files",
            "Files, as they were found",
            files,
            _FILE_COLUMNS,
        ),
        "uses": uses,
        "receipts": figures.all_found(),
        "made_from": dict(sorted(versions.items())),
    }


_FILE_COLUMNS = (
    Column("path", "File", "long"),
    Column("input", "Input", "code"),
    Column("source", "Source", "code"),
    Column("status", "Status", "state"),
    Column("size_bytes", "Bytes"),
    Column("reason", "Reason", "code"),
    Column("detail", "In words"),
    Column("sha256", "Digest", "long"),
)
_LAYER_COLUMNS = (
    Column("title", "Layer"),
    Column("state", "State", "state"),
    Column("source_classes", "Class"),
    Column("sources", "Sources", "code"),
    Column("file_count", "Files"),
    Column("verified_file_count", "Verified"),
    Column("verified_bytes", "Bytes"),
    Column("row_count", "Rows"),
    Column("problems", "What is missing"),
)


# ------------------------------------------------------------------------------ the validation page


def validation_document(
    full_validation: pa.Table,
    receipts: Mapping[str, Receipt],
    release_id: str | None,
    former_id: str | None,
    versions: Mapping[str, str],
) -> Document:
    """Everything the full-validation page says.

    Args:
        full_validation: every check, stored table and receipt.
        receipts: by gate.
        release_id: the release that this validation is of; None where nothing was made of it.
        former_id: the last release that there is, where it is another one.
        versions: data versions of what it is made from.
    """
    figures = Figures(receipts)
    rows = full_validation.to_pylist()
    return {
        "report": "full_validation_report",
        "verdict": figures.found(VALIDATION)["verdict"],
        "validation_id": versions.get("full_validation"),
        "release_id": release_id,
        "former_id": former_id,
        "total": figures.count(VALIDATION, *(str(status) for status in Status)),
        "wrong": figures.count(VALIDATION, *NOT_GREEN),
        "statuses": [
            {"status": str(status), "text": text, "count": figures.count(VALIDATION, str(status))}
            for status, text in _STATUSES.items()
        ],
        "problems": listing(
            "full_validation",
            "What is wrong",
            (row for row in rows if row["status"] != Status.PASSED),
            (
                Column("asset", "Asset", "code"),
                Column("kind", "Kind"),
                Column("name", "Name", "code"),
                Column("status", "Status", "state"),
                Column("problem", "What is wrong"),
            ),
        ),
        "kinds": [
            {
                "kind": kind,
                "heading": heading,
                "listing": listing(
                    "full_validation",
                    heading,
                    (row for row in rows if row["kind"] == kind),
                    (
                        Column("asset", "Asset", "code"),
                        Column("name", "Name", "code"),
                        Column("status", "Status", "state"),
                        Column("problem", "What is wrong"),
                    ),
                ),
            }
            for kind, heading in _KINDS.items()
        ],
        "receipts": figures.all_found(),
        "made_from": dict(sorted(versions.items())),
    }


_STATUSES = {
    Status.PASSED: "in order",
    Status.FAILED: "a rule does not hold, or bytes are others",
    Status.MISSING: "not there",
    Status.STALE: "an input, a file or a setting is another now",
    Status.OTHER_BUILD: "made by other code, or about another version",
}
_KINDS = {
    "receipt": "Receipts",
    "snapshot": "Stored tables",
    "check": "Checks",
    "asset": "Assets without checks",
}


# ---------------------------------------------------------------------------------------- the index


@dataclass(frozen=True)
class Listed:
    """A report of the index.

    Attributes:
        name: its asset.
        title: its name, for people.
        text: what it answers.
        result: figures, each with the words after it; as many make the line of the result. A report
            that no receipt is about has none.
    """

    name: str
    title: str
    text: str
    result: Callable[[Figures], Sequence[tuple[Figure, str]]] = lambda _: ()


REPORTS = (
    Listed(
        "full_validation_report",
        "Full validation",
        "Whether every check, stored table and receipt of the graph is in order.",
        lambda figures: (
            (figures.count(VALIDATION, str(Status.PASSED)), "in order"),
            (figures.count(VALIDATION, *NOT_GREEN), "not"),
        ),
    ),
    Listed(
        "review_dashboard",
        "Review dashboard",
        "What waits for whom at every gate, what was decided, and what is open.",
        lambda figures: (
            (figures.count(PROGRESS, WAITING), "subjects wait at hard gates"),
            (figures.unlocks(BOUNDARY), "boundaries of production open"),
        ),
    ),
    Listed(
        "beta_feedback_dashboard",
        "Beta feedback dashboard",
        "Which families the internal beta has, what blocks the others, what learners did.",
        lambda figures: (
            (figures.count(ADMISSION, APPROVED), "families approved"),
            (figures.count(ADMISSION, REVIEW_REQUIRED), "under review"),
            (figures.count(ADMISSION, BLOCKED), "blocked"),
        ),
    ),
    Listed(
        "source_provenance_report",
        "Source provenance",
        "Every source with its licence, files and digests, and what stands on it.",
        lambda figures: (
            (figures.count(INTAKE, "present"), "files present"),
            (figures.count(INTAKE, "absent"), "absent, each with a reason"),
        ),
    ),
    Listed(
        "title_coverage_report",
        "Title coverage",
        "Who is served today, with a fallback and not yet, and why.",
        lambda figures: (
            (figures.count(ADJUDICATION, "queue"), "titles left open by the rules"),
            (figures.count(ADJUDICATION, "promoted"), "promoted by a decision"),
        ),
    ),
    Listed(
        "packet_quality_report",
        "Packet quality",
        "Whether packets are consistent, how far the evidence reaches, which families hold.",
        lambda figures: (
            (figures.count("packet_quality_v1", "pass"), "measures pass"),
            (figures.count("packet_quality_v1", "hold"), "on hold"),
            (figures.count("packet_quality_v1", "not_measured"), "not measured"),
        ),
    ),
    Listed(
        "pipeline_flow",
        "Pipeline flow",
        "How content is written and reviewed: lanes, gates, rubrics, rules, prompts, contracts.",
    ),
    Listed(
        "authoring_review_pages",
        "Reviews of modules and applets",
        "Final reviews of the authoring lanes, and what keeps the others from having one.",
    ),
)
"""Every report in the order of the index."""


def index_document(
    receipts: Mapping[str, Receipt],
    made: Iterable[str],
    release_id: str | None,
    former_id: str | None,
    versions: Mapping[str, str],
) -> Document:
    """Everything the index says.

    Args:
        receipts: those that there are, by gate.
        made: reports that are there.
        release_id: the release that the validation is of; None where nothing was made of it.
        former_id: the last release that there is, where it is another one.
        versions: data versions of what it is made from.
    """
    figures = Figures(receipts)
    there = set(made)
    return {
        "report": "report_index",
        "verdict": figures.found(VALIDATION)["verdict"],
        "release_id": release_id,
        "former_id": former_id,
        "reports": [
            {
                "name": item.name,
                "title": item.title,
                "text": item.text,
                "path": f"../{item.name}/{item.name}.html" if item.name in there else None,
                "result": [{"count": count, "text": text} for count, text in item.result(figures)],
            }
            for item in REPORTS
        ],
        "receipts": figures.all_found(),
        "made_from": dict(sorted(versions.items())),
    }


# ---------------------------------------------------------------------------------------- the files


def report_files(document: Mapping[str, Any], templates: Path, page: str = "") -> dict[str, bytes]:
    """The report's files: the document, and its page.

    Args:
        document: what the page shows.
        templates: folder of the templates.
        page: name of the page, where it is not the report's.
    """
    name = document["report"]
    template = environment(templates).get_template(f"{name}.html.j2")
    return {
        f"{page or name}.json": json_bytes(document),
        f"{page or name}.html": template.render(document=document).encode(),
    }
