"""What code decides after scorers: who was asked what, totals, verdicts, gates, suspension, order.

Belongs here: every figure and verdict of a review. Stays out: what scorers found (a model's or the
drafter's), and what people decide at gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aina_assets.authoring.config import GateSet, Pitfalls, Rubric
from aina_assets.authoring.contracts import Document

_RANK = {"high": 2, "medium": 1, "low": 0}
_PRIORITY = {"must": 0, "should": 1, "could": 2}


# ------------------------------------------------------------------------------------------- rubric


@dataclass(frozen=True)
class DomainScore:
    """A domain's result.

    Attributes:
        document: the whole of ``score_rubric_domain_result``; none: no criterion applies, and the
            domain is not assessed.
        total: of 25 (what the rubric has), scaled over the criteria that apply and were assessed;
            none: there is none.
        verdict: the rubric's band.
        raw: points of these criteria.
        applicable_maximum: the most that criteria that apply can have.
        assessed_maximum: the most that those can have which were assessed.
        left_out: criteria that do not apply.
        not_assessed: criteria that apply, and to which the scorer gave no level.
        overrides: where code decided otherwise than the scorer, and why.
    """

    document: Document | None
    total: int | None
    verdict: str | None
    raw: int
    applicable_maximum: int
    assessed_maximum: int
    left_out: tuple[str, ...]
    not_assessed: tuple[str, ...]
    overrides: tuple[str, ...]


def scored(result: Mapping[str, Any], rubric: Rubric) -> DomainScore:
    """A scorer's answer with its total and verdict.

    Applicability is that of the rubric for the content type, and points are those of a level,
    whatever the scorer wrote. A criterion without points is not assessed: it is in no total.
    """
    given = {entry["id"]: entry for entry in result["criteria"]}
    content_type = result["content_type"]
    entries, overrides = [], []
    for criterion in rubric.criteria:
        entry = dict(given[criterion.id])
        applies = criterion.applies_to(content_type)
        if entry["applicable"] != applies:
            said = "applicable" if entry["applicable"] else "not applicable"
            overrides.append(f"{criterion.id}: called {said}; for {content_type} it is not so")
        entry["applicable"] = applies
        if not applies:
            entry |= {"points": None, "evidence": []}
            entry |= {"reason": f"not applicable to {content_type}", "recommendation": None}
        elif entry["points"] is None:
            entry |= {"level_when": "", "recommendation": None}
        else:
            points = entry["points"]
            level = next(
                (one for one in criterion.levels if one.points <= points), criterion.levels[-1]
            )
            if level.points != entry["points"]:
                overrides.append(
                    f"{criterion.id}: {entry['points']} is no level, {level.points} is"
                )
            entry |= {"points": level.points, "level_when": level.when}
        entries.append(entry)
    pairs = [
        (entry["points"], criterion.points)
        for entry, criterion in zip(entries, rubric.criteria, strict=True)
        if entry["applicable"]
    ]
    counted = [(points, maximum) for points, maximum in pairs if points is not None]
    raw, most = sum(points for points, _ in counted), sum(points for _, points in counted)
    applicable = sum(maximum for _, maximum in pairs)
    left_out = tuple(entry["id"] for entry in entries if not entry["applicable"])
    open_ = tuple(
        entry["id"] for entry in entries if entry["applicable"] and entry["points"] is None
    )
    if not most:
        return DomainScore(None, None, None, 0, applicable, 0, left_out, open_, tuple(overrides))
    total = scaled(raw, most, rubric.points)
    verdict = verdict_of(total, rubric)
    document = {**result, "criteria": entries, "domain_total": total, "domain_verdict": verdict}
    return DomainScore(
        document, total, verdict, raw, applicable, most, left_out, open_, tuple(overrides)
    )


def scaled(raw: int, maximum: int, points: int) -> int:
    """``raw`` of ``maximum`` as points of ``points``; halves go up."""
    return (2 * raw * points + maximum) // (2 * maximum)


def verdict_of(total: int, rubric: Rubric) -> str:
    """The band that a total is in."""
    bands = sorted(rubric.verdicts, key=lambda band: -band.min)
    return next(band.verdict for band in bands if total >= band.min)


# -------------------------------------------------------------------------------------------- gates


@dataclass(frozen=True)
class GateResult:
    """A gate's result.

    Attributes:
        finding: the scorer's, or what code computed in its place.
        state: ``pass``; ``fail``: a blocking gate is not met; ``enhancement``: an advisory one is
            not; ``not_shown``.
        is_computed: code made the finding.
    """

    id: str
    title: str
    severity: str
    finding: str
    state: str
    evidence: tuple[Mapping[str, Any], ...]
    missing: str
    fix: str
    is_computed: bool


def gate_results(
    result: Mapping[str, Any], gates: GateSet, computed: Mapping[str, Sequence[str]] | None = None
) -> list[GateResult]:
    """Findings of a scorer as passes and fails.

    Args:
        result: ``score_gates_result``.
        gates: the gate set.
        computed: gates about sums, by id: what is wrong, nothing where it is met.
    """
    given = {entry["id"]: entry for entry in result["gates"]}
    made = []
    for gate in gates.gates:
        entry = dict(given[gate.id])
        faults = (computed or {}).get(gate.id)
        if faults is not None:
            entry |= {"finding": "not_met" if faults else "met", "missing": "; ".join(faults)}
            entry |= {} if faults else {"fix": ""}
        made.append(
            GateResult(
                gate.id,
                gate.title,
                gate.severity,
                entry["finding"],
                gate_state(entry["finding"], gate.severity),
                tuple(entry["evidence"]),
                entry["missing"],
                entry["fix"],
                faults is not None,
            )
        )
    return made


def gate_state(finding: str, severity: str) -> str:
    """What a finding comes to."""
    if finding == "not_shown":
        return "not_shown"
    if finding == "not_met":
        return "fail" if severity == "blocking" else "enhancement"
    return "pass"


def is_passed(results: Sequence[GateResult]) -> bool:
    """Whether no blocking gate fails or could not be shown."""
    return not any(
        one.severity == "blocking" and one.state in ("fail", "not_shown") for one in results
    )


# ----------------------------------------------------------------------------------------- pitfalls


@dataclass(frozen=True)
class Violation:
    """A pitfall that was found, after suspension.

    Attributes:
        where: slides or screens on which it stands.
        suspended: places at which a role suspends it, with the role.
    """

    id: str
    severity: str
    where: tuple[int, ...]
    suspended: tuple[tuple[int, str], ...]
    evidence: str
    harm_here: str
    fix: str
    confidence: str

    @property
    def is_kept(self) -> bool:
        """Whether a place is left, or it never was about places."""
        return bool(self.where) or not self.suspended


def violations(
    result: Mapping[str, Any],
    pitfalls: Pitfalls,
    content: Mapping[str, Any],
    scope: str,
    others: Sequence[Mapping[str, Any]] = (),
) -> list[Violation]:
    """Pitfalls found, with the places at which an observed role suspends them.

    Args:
        result: ``scan_design_pitfalls_result``.
        pitfalls: the list.
        content: the blueprint or the screens.
        scope: ``module`` or ``applet``; pitfalls of the other are left out.
        others: role observations of other passes.
    """
    by_id = {one.id: one for one in pitfalls.pitfalls}
    roles = (
        {screen["screen_no"]: (screen["ias_stage"], "high") for screen in content["screens"]}
        if scope == "applet"
        else _observed([*result["slide_role_observations"], *others])
    )
    planned = {slide["slide_no"]: slide["slide_role"] for slide in content.get("slides", ())}
    made = []
    for entry in result["violations"]:
        pitfall = by_id.get(entry["id"])
        if pitfall is None or scope not in pitfall.applies_to:
            continue
        suspended = [
            (place, role)
            for place in entry["where"]
            if (role := _suspending(place, pitfall.suspended_by, roles, planned)) is not None
        ]
        gone = {place for place, _ in suspended}
        made.append(
            Violation(
                entry["id"],
                pitfall.severity,
                tuple(place for place in entry["where"] if place not in gone),
                tuple(suspended),
                entry["evidence"],
                entry["harm_here"],
                entry["fix"],
                entry["confidence"],
            )
        )
    return made


def _observed(entries: Sequence[Mapping[str, Any]]) -> dict[int, tuple[str, str]]:
    """Role of each slide: of the higher confidence; of two that are equal and differ, none."""
    best: dict[int, tuple[str, str]] = {}
    torn: set[int] = set()
    for entry in entries:
        place, seen = entry["slide_no"], (entry["observed_role"], entry["confidence"])
        known = best.get(place)
        if known is None or _RANK[seen[1]] > _RANK[known[1]]:
            best[place] = seen
            torn.discard(place)
        elif _RANK[seen[1]] == _RANK[known[1]] and seen[0] != known[0]:
            torn.add(place)
    return {place: seen for place, seen in best.items() if place not in torn}


def _suspending(
    place: int,
    suspended_by: Sequence[str],
    roles: Mapping[int, tuple[str, str]],
    planned: Mapping[int, str],
) -> str | None:
    role, confidence = roles.get(place, ("", "low"))
    if role not in suspended_by or confidence == "low":
        return None
    return role if confidence == "high" or planned.get(place) == role else None


# ---------------------------------------------------------------------------------- recommendations


@dataclass(frozen=True)
class Recommendation:
    """One change that is asked for.

    Attributes:
        priority: ``must``, ``should`` or ``could``, by harm and not by whoever asked.
        where: slides or screens; none: the whole.
        because: gate, pitfall or criterion.
        change: what to do.
    """

    priority: str
    where: tuple[int, ...]
    because: str
    change: str


def recommendations(
    gates: Sequence[GateResult], found: Sequence[Violation], domains: Sequence[DomainScore]
) -> list[Recommendation]:
    """What to change, in the order of harm: gates, pitfalls, criteria; then by place."""
    every = [*_of_gates(gates), *_of_pitfalls(found), *_of_criteria(domains)]
    kind = {id(one): place for place, one in enumerate(every)}
    return sorted(
        every,
        key=lambda one: (_PRIORITY[one.priority], min(one.where, default=0), kind[id(one)]),
    )


def _of_gates(gates: Sequence[GateResult]) -> Iterator[Recommendation]:
    for gate in gates:
        if gate.state in ("fail", "enhancement"):
            places = {
                place for one in gate.evidence if isinstance(place := one.get("where"), int)
            } - {0}
            yield Recommendation(
                "must" if gate.state == "fail" else "could",
                tuple(sorted(places)),
                gate.id,
                gate.fix or gate.missing or gate.title,
            )


def _of_pitfalls(found: Sequence[Violation]) -> Iterator[Recommendation]:
    for one in found:
        if one.is_kept:
            priority = "should" if one.severity == "major" else "could"
            yield Recommendation(priority, one.where, one.id, one.fix)


def _of_criteria(domains: Sequence[DomainScore]) -> Iterator[Recommendation]:
    for domain in domains:
        for entry in (domain.document or {"criteria": ()})["criteria"]:
            asked = entry["recommendation"]
            if entry["points"] is not None and isinstance(asked, Mapping):
                place = asked.get("where")
                yield Recommendation(
                    "should" if entry["points"] == 0 else "could",
                    (place,) if isinstance(place, int) and place else (),
                    f"{(domain.document or {})['domain_code']}:{entry['id']}",
                    str(asked.get("change") or entry["reason"]),
                )
