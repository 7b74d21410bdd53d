"""The review desk: what waits for a decision, one subject with its history, and deciding on it.

Belongs here: what the command line, the page and a panel do alike, over the warehouse as it is now.
Stays out: how it is shown, and whether a decision counts: ``reading`` and ``gates`` hold whatever
was recorded, through this desk or past it, to the same rules.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import (
    OBJECTIONS,
    Decision,
    GateState,
    RecordedDecision,
    RequiredEdit,
    ReviewerKind,
    ReviewVerdict,
    Vote,
)
from aina_assets.review.checkpoints import Checkpoint
from aina_assets.review.gates import Finding, Row, find, gate_states
from aina_assets.review.ledger import DecisionLedger, Verified, holder_of
from aina_assets.review.policy import Gate, Reviewer, Reviewers, ReviewGates
from aina_assets.review.reading import (
    LEDGER,
    Found,
    expires_at,
    from_ledger,
    from_lines,
    in_utc,
    may_not_decide,
    row_of,
    told_apart,
)
from aina_assets.review.signing import ReviewerKey, sign, verify
from aina_assets.review.subjects import SubjectTable
from aina_assets.review.tables import IN_FORCE, Decisions
from aina_assets.warehouse.journal import Head
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table, arrow_schema

_RECORDED = "recorded_decisions"
_Made = dict[tuple[str, str, str], list[tuple[int, Found]]]


@dataclass(frozen=True)
class Subject:
    """A subject as it is now.

    Attributes:
        table: the table it is a row of.
        document: all of it that a reviewer is shown, as JSON.
        row: its whole row, the room's own columns included.
    """

    table: str
    gate: Gate
    kind: str
    key: str
    digest: str
    title: str
    authors: tuple[str, ...]
    document: str
    row: Row

    @property
    def content(self) -> dict[str, Any]:
        """What is decided on."""
        found: dict[str, Any] = json.loads(self.document)["content"]
        return found

    @property
    def evidence(self) -> dict[str, str]:
        """References that the reviewer may open, each with its digest or version."""
        found: dict[str, str] = json.loads(self.document)["evidence"]
        return found


@dataclass(frozen=True)
class Case:
    """A subject, what its gate is found to be, and every decision on it.

    Attributes:
        history: rows of ``Decisions``, oldest first, former and refused ones included.
        held_up_by: assets whose last build was refused, of its table and what that stands on,
            nearest first. While there are any, what is shown is the last good subject, and nobody
            can approve it.
    """

    subject: Subject
    finding: Finding
    history: tuple[Row, ...]
    held_up_by: tuple[str, ...] = ()

    @property
    def is_held_up(self) -> bool:
        """Whether a refused build stands between it and an approval."""
        return bool(self.held_up_by)

    @property
    def state(self) -> GateState:
        """What the gate is found to be."""
        return self.finding.state

    @property
    def is_open(self) -> bool:
        """Whether what comes after the gate may go on."""
        return self.finding.is_open(self.subject.gate)


@dataclass(frozen=True)
class Verification:
    """What a walk through the ledger found.

    Attributes:
        ledger: the chain and its checkpoints, which hold.
        unknown: positions of decisions by reviewers who are not on file any more.
        forged: positions of decisions whose signature is not their reviewer's, as on file.
    """

    ledger: Verified
    unknown: tuple[int, ...]
    forged: tuple[int, ...]


class ReviewDesk:
    """The desk over one warehouse and its ledger.

    Args:
        store: the warehouse.
        models: every table's model by name; those of subjects are picked out.
        gates: by default those of ``data/review_gates.yaml``.
        reviewers: by default those of ``data/reviewers.yaml``.
        ledger: URL of the ledger; by default the warehouse's.
        checkpoints: their file; by default the warehouse's.
        clock: tells an aware time.
    """

    def __init__(
        self,
        store: Store,
        models: Mapping[str, type[Table]],
        *,
        gates: ReviewGates | None = None,
        reviewers: Reviewers | None = None,
        ledger: str = "",
        checkpoints: Path | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.gates = gates or ReviewGates.load()
        self.reviewers = reviewers or Reviewers.load()
        self._store = store
        self._tables = sorted(
            name for name, model in models.items() if issubclass(model, SubjectTable)
        )
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._clock = clock
        self._snapshots: dict[str, tuple[str, pa.Table]] = {}
        self._known: tuple[tuple[str | None, Head | None], _Made] = ((None, None), {})
        self._blank: tuple[object, pa.Table] = (None, None)
        self._states: tuple[object, str | None, pa.Table] = (None, None, None)

    def states(self) -> pa.Table:
        """Rows of ``GateStates``: all subjects as they stand, made anew where anything changed.

        Raises:
            LedgerError: as ``queue``.
        """
        made = self._made()
        tables = [table for name in self._tables if (table := self._snapshot(name)).num_rows]
        built = sorted((name, version) for name, (version, _) in self._snapshots.items())
        version, at = (built, self._known[0]), self._clock()
        known, until, rows = self._states
        if known == version and (until is None or in_utc(at) < until):
            return rows
        schema = arrow_schema(Decisions)
        if self._blank[0] != built:
            self._blank = (built, gate_states(tables, schema.empty_table(), self.gates))
        decided = [
            row_of(place, found, self.gates, self.reviewers, at)
            for place, found in sorted(itertools.chain(*made.values()), key=lambda item: item[0])
        ]
        # What nobody decided on, tens of thousands, is not looked at again.
        keys = pa.array({key for _, _, key in made}, pa.string())
        rest = self._blank[1].filter(pc.invert(pc.is_in(self._blank[1]["subject_key"], keys)))
        among = [table.filter(pc.is_in(table["subject_key"], keys)) for table in tables]
        found = gate_states(among, pa.Table.from_pylist(decided, schema=schema), self.gates)
        order = [(name, "ascending") for name in ("gate", "subject_kind", "subject_key")]
        rows = pa.concat_tables([rest, found]).sort_by(order)
        ends = [row["expires_at"] for row in decided if row["standing"] == IN_FORCE]
        self._states = (version, min(filter(None, ends), default=None), rows)
        return rows

    def queue(self, gate: str | None = None, state: GateState | None = None) -> list[Case]:
        """Subjects as they stand, by gate and key.

        Args:
            gate: at this gate alone.
            state: in this state alone.

        Raises:
            ReviewError: there is no such gate.
        """
        if gate is not None:
            self.gates.gate(gate)
        made = self._made()
        subjects = list(self._subjects(gate))
        held_up = self._held_up({subject.table for subject in subjects})
        cases = [self._case(subject, made, held_up) for subject in subjects]
        cases.sort(key=lambda case: (case.subject.gate.id, case.subject.key))
        return [case for case in cases if state is None or case.state is state]

    def case(self, gate: str, subject_key: str) -> Case:
        """One subject.

        Raises:
            ReviewError: there is no such gate or subject, or several tables have it, each another.
        """
        subject = self._subject(gate, subject_key)
        return self._case(subject, self._made(), self._held_up({subject.table}))

    def decide(
        self,
        key: ReviewerKey,
        gate: str,
        subject_key: str,
        shown_digest: str,
        verdict: ReviewVerdict,
        reasons: Sequence[str],
        required_edits: Sequence[RequiredEdit] = (),
        evidence: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        votes: Sequence[Vote] = (),
    ) -> RecordedDecision:
        """Decide as the reviewer whose ``key`` it is; see ``prepare`` and ``record``."""
        decision = self.prepare(
            holder_of(key, self.reviewers),
            gate,
            subject_key,
            shown_digest,
            verdict,
            reasons,
            required_edits,
            evidence,
            supersedes,
            votes,
        )
        return self.record([decision], key)[0]

    def withdraw(
        self,
        key: ReviewerKey,
        gate: str,
        subject_key: str,
        supersedes: Sequence[str],
        reasons: Sequence[str],
    ) -> RecordedDecision:
        """Take back decisions on a subject as it is now; see ``decide``."""
        digest = self._subject(gate, subject_key).digest
        return self.decide(
            key,
            gate,
            subject_key,
            digest,
            ReviewVerdict.WITHDRAW,
            reasons,
            supersedes=supersedes,
        )

    def prepare(
        self,
        reviewer: Reviewer,
        gate: str,
        subject_key: str,
        shown_digest: str,
        verdict: ReviewVerdict,
        reasons: Sequence[str],
        required_edits: Sequence[RequiredEdit] = (),
        evidence: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        votes: Sequence[Vote] = (),
    ) -> Decision:
        """A decision that may be made, not yet signed.

        Args:
            reviewer: who decides.
            gate: at which gate.
            subject_key: on which subject.
            shown_digest: digest of the document that the reviewer was shown.
            verdict: what they say.
            reasons: why.
            required_edits: of a ``revise``, what has to change.
            evidence: what it stands on, beyond the subject.
            supersedes: ids of decisions on the subject that are to count no more.
            votes: of a panel, every model's.

        Raises:
            ReviewError: the subject is another by now; a refused build holds it up, and what they
                say might open its gate; the reviewer may not decide so; what they say is not
                complete.
        """
        case = self.case(gate, subject_key)
        subject = case.subject
        where = f"{subject.gate.id}, {subject.kind} {subject.key}"
        if subject.digest != shown_digest:
            raise ReviewError(
                expected=f"digest {subject.digest}, which the subject has now",
                found=f"{shown_digest}, as shown",
                where=where,
                remedy="look at the subject as it is now, then decide",
            )
        self._require_may_decide(reviewer, subject, verdict, where)
        for decision_id in supersedes:
            _require_theirs(reviewer, case, decision_id, where)
        _require_closing(reviewer, case, verdict, supersedes, where)
        decided_at = self._clock()
        fields = {
            "decision_id": uuid4().hex,
            "gate": subject.gate.id,
            "subject_kind": subject.kind,
            "subject_key": subject.key,
            "subject_digest": subject.digest,
            "verdict": verdict,
            "reasons": tuple(text for reason in reasons if (text := reason.strip())),
            "required_edits": tuple(required_edits),
            "evidence": tuple(evidence),
            "reviewer_id": reviewer.id,
            "reviewer_kind": reviewer.kind,
            "decided_at": decided_at,
            "supersedes": tuple(supersedes),
            "votes": tuple(votes),
        }
        try:
            decision = Decision.model_validate(fields)
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            raise ReviewError(
                expected="a complete decision",
                found=": ".join(filter(None, [".".join(map(str, fault["loc"])), fault["msg"]])),
                where=where,
                remedy="complete it and decide again; nothing was recorded",
            ) from None
        expiry = expires_at(decision, subject.gate, decided_at)
        return decision.model_copy(update={"expires_at": expiry})

    def record(self, made: Sequence[Decision], key: ReviewerKey) -> list[RecordedDecision]:
        """Sign and record all of ``made``, or none; on disk and sealed when this returns.

        Raises:
            ReviewError: the key is not that of the reviewer who decided, or a decision that the
                lock names has the id.
            LedgerTampered: the ledger is not what its checkpoints say; it takes nothing more.
            LedgerError: the database refused.
        """
        known = {found.signed.decision.decision_id for found in self._recorded()}
        for decision in made:
            if decision.decision_id in known:
                raise ReviewError(
                    expected="an id that no decision has",
                    found=f"{decision.decision_id}, which a recorded decision has",
                    where=f"{decision.gate}, {decision.subject_kind} {decision.subject_key}",
                    remedy="decide again, under another id; nothing was recorded",
                )
        signed = [sign(decision, key) for decision in made]
        with DecisionLedger.open(self._ledger, self._checkpoints, clock=self._clock) as ledger:
            return ledger.record_many(signed, key, self.reviewers)

    def verify(self) -> Verification | None:
        """Walk ledger, checkpoints and signatures; none where nothing was ever decided.

        Raises:
            LedgerTampered: the ledger is not what its checkpoints say.
        """
        ledger = DecisionLedger.existing(self._ledger, self._checkpoints)
        if ledger is None:
            return None
        with ledger:
            found = ledger.verify(self.reviewers)
            unknown, forged = [], []
            for record in ledger.records(until=found.head.position):
                reviewer = self.reviewers.by_id.get(record.signed.decision.reviewer_id)
                if reviewer is None:
                    unknown.append(record.position)
                elif not verify(record.signed, reviewer.public_key):
                    forged.append(record.position)
        return Verification(found, tuple(unknown), tuple(forged))

    def seal(self, key: ReviewerKey) -> Checkpoint:
        """Vouch for the ledger as it is; see ``DecisionLedger.seal``."""
        with DecisionLedger.open(self._ledger, self._checkpoints, clock=self._clock) as ledger:
            return ledger.seal(key, self.reviewers)

    def _require_may_decide(
        self, reviewer: Reviewer, subject: Subject, verdict: ReviewVerdict, where: str
    ) -> None:
        reason = may_not_decide(subject.gate, self.reviewers.by_id.get(reviewer.id), verdict)
        if reviewer.is_sample:
            reason = f"{reviewer.id} decides on bundled sample data alone"
        had_part = {reviewer.id, reviewer.answers_for} & set(subject.authors)
        if reason is None and had_part:
            reason = f"{' and '.join(sorted(filter(None, had_part)))} had a part in it"
        if reason is not None:
            raise ReviewError(
                expected="somebody who may decide on it, and a verdict of its gate",
                found=reason,
                where=where,
                remedy="see data/review_gates.yaml and data/reviewers.yaml; nothing was recorded",
            )

    def _subject(self, gate: str, subject_key: str) -> Subject:
        self.gates.gate(gate)
        found = {(item.kind, item.digest): item for item in self._subjects(gate, subject_key)}
        if len(found) != 1:
            raise ReviewError(
                expected="one subject of that key",
                found=f"{len(found)} in {', '.join(self._tables) or 'no table of subjects'}",
                where=f"{gate}, {subject_key}",
                remedy="see what there is: aina review list; or build first: aina build",
            )
        return next(iter(found.values()))

    def _subjects(self, gate: str | None, subject_key: str | None = None) -> Iterator[Subject]:
        for name in self._tables:
            rows = self._snapshot(name)
            if gate is not None:
                rows = rows.filter(pc.equal(rows["gate"], gate))
            if subject_key is not None:
                rows = rows.filter(pc.equal(rows["subject_key"], subject_key))
            for row in rows.to_pylist():
                yield Subject(
                    table=name,
                    gate=self.gates.gate(row["gate"]),
                    kind=row["subject_kind"],
                    key=row["subject_key"],
                    digest=row["subject_digest"],
                    title=row["subject_title"],
                    authors=tuple(row["subject_authors"]),
                    document=row["subject_document"],
                    row=row,
                )

    def _snapshot(self, table: str) -> pa.Table:
        """The current snapshot of ``table``; no rows where it was never built."""
        record = self._store.record(table)
        if record is None:
            self._snapshots.pop(table, None)
            return pa.table({"gate": pa.array([], pa.string()), "subject_key": []})
        version, rows = self._snapshots.get(table, ("", None))
        if version != record.data_version:
            rows = self._store.open_snapshot(record)
            self._snapshots[table] = (record.data_version, rows)
        return rows

    def _held_up(self, tables: Set[str]) -> dict[str, tuple[str, ...]]:
        """By table, itself and what it was made of where the last build was refused."""
        refused = self._store.refused()
        if not refused:
            return {}
        return {table: tuple(self._refused_below(table, refused)) for table in tables}

    def _refused_below(self, table: str, refused: Set[str]) -> Iterator[str]:
        waiting, seen = deque([table]), {table}
        while waiting:
            asset = waiting.popleft()
            if asset in refused:
                yield asset
            record = self._store.record(asset)
            made_of = [] if record is None else [name for name in record.inputs if name not in seen]
            seen.update(made_of)
            waiting.extend(made_of)

    def _case(self, subject: Subject, made: _Made, held_up: Mapping[str, tuple[str, ...]]) -> Case:
        at = self._clock()
        history = tuple(
            row_of(ordinal, found, self.gates, self.reviewers, at)
            for ordinal, found in made.get((subject.gate.id, subject.kind, subject.key), [])
        )
        finding = find(subject.gate, subject.digest, subject.authors, history)
        return Case(subject, finding, history, held_up.get(subject.table, ()))

    def _recorded(self) -> list[Found]:
        """Decisions that the lock names."""
        record = self._store.record(_RECORDED)
        if record is None:
            return []
        return list(from_lines(self._store.open_snapshot(record).to_pylist()))

    def _made(self) -> _Made:
        """Every decision in its order, by what it is about; read again where there is more."""
        record = self._store.record(_RECORDED)
        ledger = DecisionLedger.existing(self._ledger, self._checkpoints)
        with ledger or nullcontext():
            head = ledger.head() if ledger is not None else None
            version = (record.data_version if record is not None else None, head)
            known, made = self._known
            if known != version:
                everything = self._recorded()
                if ledger is not None and head is not None:
                    everything += from_ledger(ledger.records(until=head.position))
                made = {}
                for ordinal, found in enumerate(told_apart(everything), start=1):
                    decision = found.signed.decision
                    place = (decision.gate, decision.subject_kind, decision.subject_key)
                    made.setdefault(place, []).append((ordinal, found))
                self._known = (version, made)
        return made


def _require_theirs(reviewer: Reviewer, case: Case, decision_id: str, where: str) -> None:
    """One's own decision on the subject, or anyone's where a person ends it."""
    made_by = {row["decision_id"]: row["reviewer_id"] for row in case.history}.get(decision_id)
    if made_by is None or (made_by != reviewer.id and reviewer.kind is not ReviewerKind.PERSON):
        raise ReviewError(
            expected="a decision on this subject: one's own, or anyone's where a person ends it",
            found=f"{decision_id}, made by {made_by}" if made_by else f"none with id {decision_id}",
            where=where,
            remedy="see its history: aina review show; nothing was recorded",
        )


def _require_closing(
    reviewer: Reviewer,
    case: Case,
    verdict: ReviewVerdict,
    supersedes: Sequence[str],
    where: str,
) -> None:
    """Nothing that could open the gate, where a refused build holds the subject up.

    An objection is always safe. So is taking an approval back, unless others count again for it;
    ending an objection is not, unless by one that counts in its place. What the gate would be found
    to be says the rest, however it came about: an end of an end brings back what was ended.
    """
    if not case.is_held_up:
        return
    objects = verdict in OBJECTIONS and reviewer.kind in case.subject.gate.objectors
    objections = {row["decision_id"] for row in case.history if row["verdict"] in OBJECTIONS}
    ended = objections & set(supersedes)
    if verdict is ReviewVerdict.APPROVE:
        said: str | None = "an approval"
    elif ended and not objects:
        said = f"the end of objection {min(ended)}"
    else:
        said = _brought_nearer(reviewer, case, verdict, supersedes)
    if said is None:
        return
    first, *others = case.held_up_by
    more = f" and {len(others)} more" if others else ""
    raise ReviewError(
        expected=f"an objection, while what {case.subject.table} stands on was refused",
        found=f"{said}; the last build of {first}{more} was refused",
        where=where,
        remedy="mend what was refused and build again (aina build), or object; nothing was"
        " recorded",
    )


def _brought_nearer(
    reviewer: Reviewer, case: Case, verdict: ReviewVerdict, supersedes: Sequence[str]
) -> str | None:
    """What would bring the gate nearer to open if ``reviewer`` said so; none where nothing does.

    Nearer is whatever ends the last objection, or has an approval count that does not now.
    """
    gate, subject, before = case.subject.gate, case.subject, case.finding
    row = {
        "decision_id": "",
        "ordinal": 1 + max((row["ordinal"] for row in case.history), default=0),
        "origin": LEDGER,
        "subject_digest": subject.digest,
        "verdict": str(verdict),
        "reasons": [""],
        "reviewer_id": reviewer.id,
        "reviewer_kind": str(reviewer.kind),
        "responsible_id": reviewer.answers_for or reviewer.id,
        "expires_at": None,
        "supersedes": list(supersedes),
        "standing": IN_FORCE,
        "refusal_reason": None,
    }
    after = find(gate, subject.digest, subject.authors, [*case.history, row])
    if after.objections:
        return None
    if before.objections:
        return f"the end of objection {before.objections[0]['decision_id']}"
    known = {row["decision_id"] for row in before.approvals}
    back = [row["decision_id"] for row in after.approvals if row["decision_id"] not in known]
    return f"what makes approval {', '.join(back)} count again" if back else None
