"""Which families the internal beta with synthetic learners may use, by declared rules.

Belongs here: applying the rules of admission to what other gates found. Stays out: the thresholds
(``data/release_rules.yaml``), and any admission beyond the internal synthetic beta.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.work import RiskTier
from aina_assets.release.policy import AdmissionRule, ReleaseRules
from aina_assets.release.tables import (
    APPROVED,
    BLOCKED,
    DISCLOSED,
    OUTSIDE_BETA,
    REVIEW_REQUIRED,
    VERIFIED,
    BetaAdmission,
)
from aina_assets.titles.vocabulary import ServiceTier
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import Families

Row = Mapping[str, Any]
Answer = tuple[bool, str]


@dataclass(frozen=True)
class Evidence:
    """What other gates found about one family.

    Attributes:
        authority: its row of ``source_authority``; empty where it is outside the beta.
        steps: its rows of ``content_coverage``.
        lessons: rows of ``lesson_depth`` of its modules.
        rubrics: rows of ``rubric_depth`` of its modules.
        quality: its rows of ``packet_quality``.
        tiers: its title rows by service tier.
        risks: its packets by risk tier.
    """

    authority: Row
    steps: list[Row] = field(default_factory=list)
    lessons: list[Row] = field(default_factory=list)
    rubrics: list[Row] = field(default_factory=list)
    quality: list[Row] = field(default_factory=list)
    tiers: Mapping[str, int] = field(default_factory=dict)
    risks: Mapping[str | None, int] = field(default_factory=dict)


def beta_admission(
    source_authority: pa.Table,
    content_coverage: pa.Table,
    modules: pa.Table,
    lesson_depth: pa.Table,
    rubric_depth: pa.Table,
    packet_quality: pa.Table,
    title_coverage: pa.Table,
    packets: pa.Table,
    release_rules: ReleaseRules,
    families: Families,
) -> pa.Table:
    """Rows of ``BetaAdmission``: families of the beta, families outside it, layers with a gap."""
    authority = source_authority.to_pylist()
    of_family = {row["item_id"]: row for row in authority if row["item_kind"] == "family"}
    family_of = dict(
        zip(modules["module_id"].to_pylist(), modules["role_family"].to_pylist(), strict=True)
    )
    steps = _grouped(content_coverage.to_pylist(), lambda row: row["role_family"])
    lessons = _grouped(lesson_depth.to_pylist(), lambda row: family_of[row["module_id"]])
    rubrics = _grouped(rubric_depth.to_pylist(), lambda row: family_of[row["module_id"]])
    quality = _grouped(packet_quality.to_pylist(), lambda row: row["role_family"])
    tiers = _counted(title_coverage, "service_tier")
    risks = _counted(packets, "risk_tier")
    title = {family.id: family.name for family in families.families}
    rows = []
    for name in release_rules.beta_families:
        evidence = Evidence(
            of_family[name],
            steps[name],
            lessons[name],
            rubrics[name],
            quality[name],
            tiers[name],
            risks[name],
        )
        rows.append(_family(name, title[name], evidence, release_rules.admission))
    rows += [
        _row("family", item.id, title[item.id], OUTSIDE_BETA, [], [item.why])
        for item in release_rules.outside_beta
    ]
    rows += [
        _row("layer", row["item_id"], row["title"], DISCLOSED, [], row["problems"])
        for row in authority
        if row["item_kind"] == "layer" and row["state"] != VERIFIED
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(BetaAdmission))


def _family(
    name: str, title: str, evidence: Evidence, rules: Iterable[AdmissionRule]
) -> dict[str, Any]:
    answers = {rule.id: (rule, *answer(rule, evidence)) for rule in rules}
    unmet = [rule for rule, is_met, _ in answers.values() if not is_met]
    if not unmet:
        state = APPROVED
    else:
        state = BLOCKED if any(rule.effect == BLOCKED for rule in unmet) else REVIEW_REQUIRED
    told = [
        f"{rule.id}: {found}" for rule, is_met, found in answers.values() if not (unmet and is_met)
    ]
    return _row("family", name, title, state, [rule.id for rule in unmet], told)


def answer(rule: AdmissionRule, evidence: Evidence) -> Answer:
    """Whether ``rule`` is met, and what was found.

    Raises:
        AuthoredDocumentError: no code computes the rule.
    """
    computed = RULES.get(rule.id)
    if computed is None:
        raise AuthoredDocumentError(
            expected=f"one of the rules {', '.join(RULES)}",
            found=rule.id,
            where=f"{ReleaseRules.path()}: admission",
            remedy="add the rule to release/admission.py, or take it out",
        )
    return computed(rule, evidence)


def _sources_are_apart(_: AdmissionRule, evidence: Evidence) -> Answer:
    row = evidence.authority
    found = "; ".join(row["problems"]) or f"classes apart in {row['row_count']} packets"
    return row["state"] == VERIFIED, found


def _has_packets(rule: AdmissionRule, evidence: Evidence) -> Answer:
    count = evidence.authority["row_count"]
    return count >= (rule.at_least or 0), f"{count} packets, {rule.at_least:g} asked"


def _content_is_complete(_: AdmissionRule, evidence: Evidence) -> Answer:
    held = [f"step {row['level']}" for row in evidence.steps if row["verdict"] != "met"]
    is_met = bool(evidence.steps) and not held
    return is_met, f"{len(evidence.steps) - len(held)} of {len(evidence.steps)} steps are taught"


def _lessons_are_deep(_: AdmissionRule, evidence: Evidence) -> Answer:
    return _none_held(evidence.lessons, "measure")


def _rubrics_are_deep(_: AdmissionRule, evidence: Evidence) -> Answer:
    return _none_held(evidence.rubrics, "rule")


def _benchmark_is_considered(_: AdmissionRule, evidence: Evidence) -> Answer:
    unknown = [row for row in evidence.rubrics if row["verdict"] == "not_measured"]
    found = "; ".join(f"{row['module_id']}: {row['found']}" for row in unknown)
    return not unknown, found or "every module's is looked up, or none fits"


def _packets_are_good(_: AdmissionRule, evidence: Evidence) -> Answer:
    held = [_measured(row) for row in evidence.quality if row["verdict"] != "pass"]
    is_met = bool(evidence.quality) and not held
    return is_met, "; ".join(held) or f"{len(evidence.quality)} measures pass"


def _titles_are_served(rule: AdmissionRule, evidence: Evidence) -> Answer:
    return _share(rule, evidence.tiers, ServiceTier.SERVE_NOW, "title rows", _NOT_ICP)


def _risk_is_bounded(rule: AdmissionRule, evidence: Evidence) -> Answer:
    return _share(rule, evidence.risks, RiskTier.CRITICAL, "packets")


RULES = {
    "sources_are_apart": _sources_are_apart,
    "has_packets": _has_packets,
    "content_is_complete": _content_is_complete,
    "lessons_are_deep": _lessons_are_deep,
    "rubrics_are_deep": _rubrics_are_deep,
    "benchmark_is_considered": _benchmark_is_considered,
    "packets_are_good": _packets_are_good,
    "titles_are_served": _titles_are_served,
    "risk_is_bounded": _risk_is_bounded,
}
_NOT_ICP = str(ServiceTier.EXCLUDED)


def _none_held(rows: list[Row], of: str) -> Answer:
    held = [f"{row['module_id']}: {row[of]}" for row in rows if row["verdict"] == "hold"]
    return bool(rows) and not held, "; ".join(held) or f"none of {len(rows)} findings is held"


def _measured(row: Row) -> str:
    if row["value"] is None:
        return f"{row['measure']} has nothing to measure"
    side = row["direction"].replace("_", " ")
    return f"{row['measure']} is {row['value']:.3f}, {side} {row['threshold']:g} asked"


def _share(
    rule: AdmissionRule, counts: Mapping[Any, int], part: str, of: str, without: str = ""
) -> Answer:
    whole = sum(count for name, count in counts.items() if name != without)
    if not whole:
        return False, f"no {of} to take a share of"
    share = counts.get(str(part), 0) / whole
    is_met = (rule.at_least is None or share >= rule.at_least) and (
        rule.at_most is None or share <= rule.at_most
    )
    asked = f"at least {rule.at_least:g}" if rule.at_most is None else f"at most {rule.at_most:g}"
    return is_met, f"{share:.3f} of {whole} {of}, {asked} asked"


def _row(
    kind: str, name: str, title: str, state: str, unmet: list[str], reasons: list[str]
) -> dict[str, Any]:
    return {
        "item_kind": kind,
        "item_id": name,
        "title": title,
        "state": state,
        "unmet_rules": unmet,
        "reasons": reasons,
    }


def _grouped(rows: Iterable[Row], key: Any) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _counted(table: pa.Table, column: str) -> dict[str, dict[Any, int]]:
    """Rows by family, and by value of ``column``."""
    found: dict[str, dict[Any, int]] = defaultdict(dict)
    counts = table.select(["role_family", column]).group_by(["role_family", column])
    for row in counts.aggregate([([], "count_all")]).to_pylist():
        found[row["role_family"]][row[column]] = row["count_all"]
    return found
