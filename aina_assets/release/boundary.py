"""Boundaries of production: what a reviewer is shown, and whether approvals open one.

Belongs here: the five subjects, their state by the decisions made on them, and what a published
release says of them at a moment. Stays out: what each boundary keeps closed (``serve``,
``learner``).

A boundary's document holds what opening it means and, of every receipt it stands on, verdict and
counts. So an approval outlives a rebuild that finds the same, and ends with one that does not.

A release says what was decided when it was built. What was decided since is in the ledger, and may
only close, and so may what the boundary came to be since: see ``Look``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.receipts import Receipt
from aina_assets.contracts.review import GateState, ReviewVerdict, SignedDecision, Strictness
from aina_assets.release.policy import Domain, ReleaseRules
from aina_assets.release.tables import ProductionDeploymentApproval, ProductionDomains
from aina_assets.review.gates import closed_since, gate_states
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import LEDGER, Found, decisions, in_utc
from aina_assets.review.subjects import digest_of, subject
from aina_assets.review.tables import IN_FORCE, REFUSED
from aina_assets.warehouse.digests import digest_of_json, digest_of_table
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.tables import arrow_schema

GATE = "production_boundary"
KIND = "production_domain"
RECEIPT = "production_deployment_approval_v1"
PERSONS = 2
"""Persons whose own approvals it takes to open a boundary, whatever the gate says."""
CLOSED = tuple(str(item) for item in GateState if item is not GateState.APPROVED)

_log = logging.getLogger(__name__)


def production_domains(receipts: Mapping[str, Receipt], release_rules: ReleaseRules) -> pa.Table:
    """Rows of ``ProductionDomains``, by key.

    Args:
        receipts: findings that any of them stands on, by gate.
        release_rules: the boundaries.

    Raises:
        AuthoredDocumentError: one stands on a receipt that is not among ``receipts``.
    """
    found = {gate: finding_of(receipt) for gate, receipt in receipts.items()}
    rows = []
    for domain in sorted(release_rules.domains, key=lambda item: item.id):
        unknown = sorted(set(domain.stands_on) - found.keys())
        if unknown:
            raise AuthoredDocumentError(
                expected=f"gates among {', '.join(sorted(found))}",
                found=", ".join(unknown),
                where=f"{ReleaseRules.path()}: {domain.id}: stands_on",
                remedy="name one of them, or have production_domains read the receipt",
            )
        stands_on = {gate: found[gate] for gate in sorted(domain.stands_on)}
        rows.append(
            subject(
                GATE,
                KIND,
                domain.id,
                title=domain.title,
                content={
                    "opening_means": domain.opening_means,
                    "enforced_by": domain.enforced_by,
                    "stands_on": stands_on,
                },
                evidence={gate: digest_of_json(said) for gate, said in stands_on.items()},
            )
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(ProductionDomains))


def finding_of(receipt: Receipt) -> dict[str, Any]:
    """What a receipt found, without the versions it found it on."""
    return {
        "verdict": str(receipt.verdict),
        "counts": dict(receipt.counts),
        "unlocks": receipt.unlocks,
    }


def production_deployment_approval(
    production_domains: pa.Table,
    production_boundary_decisions: pa.Table,
    review_gates: ReviewGates,
    release_rules: ReleaseRules,
) -> pa.Table:
    """Rows of ``ProductionDeploymentApproval``, by domain.

    Made-up reviewers of the sample may object, and what they once approved is shown; nothing is
    open by them.
    """
    may_open = without_sample_approvals(production_boundary_decisions)
    states = gate_states([production_domains], may_open, review_gates)
    enforced_by = {str(domain.id): domain.enforced_by for domain in release_rules.domains}
    rows = [
        {
            "domain": row["subject_key"],
            "state": row["state"],
            "is_open": row["is_open"],
            "valid_until": row["valid_until"],
            "approval_count": row["approval_count"],
            "quorum": row["quorum"],
            "subject_digest": row["subject_digest"],
            "decision_ids": row["decision_ids"],
            "reason": row["reason"],
            "enforced_by": enforced_by[row["subject_key"]],
        }
        for row in states.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(ProductionDeploymentApproval))


def without_sample_approvals(decisions: pa.Table) -> pa.Table:
    """Rows of ``decisions`` but for approvals in force that no person made."""
    counts = pc.and_(
        pc.equal(decisions["verdict"], str(ReviewVerdict.APPROVE)),
        pc.equal(decisions["standing"], IN_FORCE),
    )
    return decisions.filter(pc.invert(pc.and_(decisions["is_sample"], counts)))


@dataclass(frozen=True)
class Standing:
    """Whether a boundary is open at a moment, and why."""

    is_open: bool
    reason: str


@dataclass(frozen=True)
class Look:
    """What is decided at the boundaries as of now, by the ledger itself.

    Attributes:
        found: every decision at their gate: recorded ones, then those of the ledger.
        gates: the gates of now.
        reviewers: who may decide now.
        subjects: digest of each boundary as the warehouse has it now, by key; none where it has no
            record of them, as where only releases were copied to.
        fault: why it cannot be told; none where it can.
    """

    found: tuple[Found, ...] = ()
    gates: ReviewGates | None = None
    reviewers: Reviewers | None = None
    subjects: Mapping[str, str] | None = None
    fault: str | None = None


def nobody_looks() -> Look:
    """The look of whoever has no ledger to look into: nothing is open by it."""
    return Look(fault="nobody looks into the review ledger")


@dataclass(frozen=True)
class _Judged:
    """What a look was found to say of a boundary, until something expires."""

    look: Look
    until: str | None
    reason: str | None


class Boundaries:
    """The boundaries of one published release, judged anew whenever one is asked for.

    A row that says it is open is not believed: it must be the receipt's, and the signed decisions
    in the release must still open it, at that moment, by the gates and reviewers given here. What
    the release opens, the ledger of now must not take back: it is asked only then.

    Args:
        tables: the release's tables by name: those of ``TABLES``. Where one is missing, nothing
            is open.
        gates: the gates.
        reviewers: who may decide, with their keys.
        look: what the ledger of now says; without one nothing is open.
    """

    TABLES = (
        "production_deployment_approval",
        "production_domains",
        "production_boundary_decisions",
        "receipts",
        "manifest",
    )

    def __init__(
        self,
        tables: Mapping[str, pa.Table],
        gates: ReviewGates,
        reviewers: Reviewers,
        look: Callable[[], Look] = nobody_looks,
    ) -> None:
        self._gates = gates
        self._reviewers = reviewers
        self._look = look
        self._judged: dict[str, _Judged] = {}
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._fault = _why_not_its_own(tables)
        if self._fault is None:
            self._rows = {
                row["domain"]: row for row in tables["production_deployment_approval"].to_pylist()
            }
            self._domains = tables["production_domains"]
            self._found = list(_readable(tables["production_boundary_decisions"].to_pylist()))

    @property
    def needs_a_look(self) -> bool:
        """Whether a row says it is open, so that the ledger of now has a say."""
        return any(row["is_open"] for row in self._rows.values())

    def standing(self, domain: Domain, at: datetime) -> Standing:
        """Whether ``domain`` is open at a moment."""
        released = self._released(domain, at)
        if not released.is_open:
            return released
        reason = self._closed_since(domain, at)
        return released if reason is None else Standing(False, reason)

    def open_domains(self, at: datetime) -> tuple[Domain, ...]:
        """Boundaries that are open at a moment, in order."""
        return tuple(domain for domain in Domain if self.standing(domain, at).is_open)

    def _released(self, domain: Domain, at: datetime) -> Standing:
        """What the release alone says of ``domain``."""
        row = self._rows.get(domain)
        if row is None:
            return Standing(False, self._fault or f"the release says nothing of {domain}")
        if not row["is_open"]:
            return Standing(False, f"{row['state']}: {row['reason']}")
        if row["valid_until"] is not None and datetime.fromisoformat(row["valid_until"]) <= at:
            return Standing(False, f"its approvals expired at {row['valid_until']}; decide again")
        made = decisions(self._found, self._gates, self._reviewers, at)
        may_open = without_sample_approvals(made)
        gates = _never_weaker(self._gates)
        for state in gate_states([self._domains], may_open, gates).to_pylist():
            if state["subject_key"] == domain:
                return Standing(state["is_open"], f"{state['state']}: {state['reason']}")
        return Standing(False, f"the release has no subject {domain}")

    def _closed_since(self, domain: Domain, at: datetime) -> str | None:
        """Why the ledger of now closes what the release opens; none where it does not."""
        look = self._look()
        if look.fault is not None:
            return look.fault
        judged = self._judged.get(domain)
        if judged is None or judged.look is not look or not _lasts(judged.until, at):
            try:
                until, reason = self._judge(domain, look, at)
            except Exception as error:
                _log.error("%s is closed, its decisions cannot be judged: %s", domain, error)
                until, reason = None, f"its decisions cannot be judged: {type(error).__name__}"
            judged = self._judged[domain] = _Judged(look, until, reason)
        return judged.reason

    def _judge(self, domain: Domain, look: Look, at: datetime) -> tuple[str | None, str | None]:
        """Until when ``look`` says the same of ``domain``, and why it closes it, if it does."""
        if look.gates is None or look.reviewers is None:
            return None, "it is not known who may decide"
        # Of two with one id the first has it.
        there = {
            (item.origin, item.signed.decision.decision_id): item for item in reversed(look.found)
        }
        known = set()
        for item in self._found:
            decision = item.signed.decision
            if (decision.subject_kind, decision.subject_key) != (KIND, domain):
                continue
            known.add(decision.decision_id)
            now = there.get((item.origin, decision.decision_id))
            if now is None or now.signed != item.signed:
                place = "the review ledger" if item.origin == LEDGER else "the recorded decisions"
                return None, f"{place} of now does not have decision {decision.decision_id}"
        there_now = decisions(look.found, look.gates, look.reviewers, at)
        made = [
            row
            for row in without_sample_approvals(there_now).to_pylist()
            if (row["subject_kind"], row["subject_key"]) == (KIND, domain)
        ]
        (subject,) = (row for row in self._domains.to_pylist() if row["subject_key"] == domain)
        if digest_of(subject["subject_document"]) != subject["subject_digest"]:
            return None, "its document in the release is not the one that was decided on"
        if look.subjects is not None and look.subjects.get(domain) != subject["subject_digest"]:
            return None, "it changed since; decide on it as it is now, and publish"
        reason = closed_since(
            _never_weaker(look.gates).gate(GATE),
            subject["subject_digest"],
            subject["subject_authors"],
            made,
            known,
        )
        ends = [row["expires_at"] for row in made if row["standing"] == IN_FORCE]
        return min(filter(None, ends), default=None), reason


def _readable(rows: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """The decisions of ``rows``. Of refused ones those of the ledger: they may end an objection."""
    for row in rows:
        if row["standing"] == REFUSED and row["origin"] != LEDGER:
            continue
        try:
            signed = SignedDecision.model_validate_json(row["document"])
        except ValidationError:
            if row["standing"] != REFUSED:
                raise
            continue
        yield Found(signed, row["origin"], "")


def _never_weaker(gates: ReviewGates) -> ReviewGates:
    """``gates``, where that of boundaries takes what it has to, however it was softened.

    At a soft gate what nobody approved is open; a boundary never is.
    """
    gate = gates.gate(GATE)
    least = {
        "strictness": Strictness.HARD,
        "quorum": max(gate.quorum, PERSONS),
        "min_persons": max(gate.min_persons, PERSONS),
    }
    mended = gate.model_copy(update=least)
    return ReviewGates(gates=tuple(mended if item is gate else item for item in gates.gates))


def _lasts(until: str | None, at: datetime) -> bool:
    return until is None or in_utc(at) < until


def _why_not_its_own(tables: Mapping[str, pa.Table]) -> str | None:
    """Why the rows about boundaries are not the release's own finding; none where they are."""
    missing = [name for name in Boundaries.TABLES if name not in tables]
    if missing:
        return f"the release has no table {missing[0]}"
    items = tables["production_deployment_approval"]
    receipts = [row for row in tables["receipts"].to_pylist() if row["gate"] == RECEIPT]
    if len(receipts) != 1:
        return f"the release has no receipt {RECEIPT}"
    version = digest_of_table(conform(items, ProductionDeploymentApproval))
    recorded = {
        row["data_version"]
        for row in tables["manifest"].to_pylist()
        if row["table_name"] == receipts[0]["items_table"]
    }
    if recorded != {version} or receipts[0]["items_version"] != version:
        return f"the rows of the release are not those of its receipt {RECEIPT}"
    opened = items["is_open"].to_pylist().count(True)
    if receipts[0]["unlocks"] != opened:
        return f"{RECEIPT} unlocks {receipts[0]['unlocks']}, {opened} row(s) say they are open"
    return None
