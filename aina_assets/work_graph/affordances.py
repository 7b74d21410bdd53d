"""Affordances: what AI grants and blocks in a top workflow, what stays with people, at what risk.

Belongs here: putting evidence and authored rules together, each claim with its reference. Stays
out: the sentences (``data/work_rules.yaml``) and the workflows. Nothing is claimed without a row or
a rule behind it, and a grant only for tasks whose use of AI was observed or rated.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.contracts.vocabulary import SourceClass, joined_classes, strictest_use
from aina_assets.contracts.work import CodeLevel, EvidenceState, RiskTier
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import RiskRule, WorkRules
from aina_assets.work_graph.tables import ALL_USAGE, Affordances
from aina_assets.work_graph.workflows import fired, placed_usage

Connection = duckdb.DuckDBPyConnection

MOST_GRANTS = 4
_DOCUMENT = "authored/work_rules"
_MEASURES = {
    "economic_index": "economic_index_exposure",
    "working_with_ai": "working_with_ai_exposure",
    "gpts_are_gpts": "gpts_exposure",
}
_AUTOMATION = ("directive", "feedback loop")

Claim = dict[str, str]


def affordances(
    con: Connection,
    roles: pa.Table,
    workflows: pa.Table,
    occupation_tasks: pa.Table,
    task_work_activities: pa.Table,
    work_activities: pa.Table,
    task_exposure: pa.Table,
    gpts_tasks: pa.Table,
    exposure_measures: pa.Table,
    economic_index_interactions: pa.Table,
    work_rules: WorkRules,
) -> pa.Table:
    """Rows of ``Affordances``: one a top workflow."""
    activities = _activity_titles(task_work_activities, work_activities)
    facts = _Facts(con, occupation_tasks, activities, task_exposure, gpts_tasks, work_rules)
    measured = _Measures(roles, exposure_measures)
    mix = _interaction_mix(economic_index_interactions)
    shared = {
        "gpts": _provenance(gpts_tasks),
        "measures": _provenance(exposure_measures),
        "mix": _provenance(economic_index_interactions),
    }
    rows = []
    for flow in workflows.to_pylist():
        if not flow["is_top"]:
            continue
        ranks, soc_codes, spread = measured.of(flow["role_id"])
        disagree = spread is not None and spread >= work_rules.disagreement_rank_spread
        used = flow["usage_pct"] is not None
        pack = facts.pack(flow, disagree=disagree)
        sources = [
            (flow["source_class"], flow["allowed_use"]),
            *([shared["gpts"]] if pack["gpts_task_ids"] else []),
            *([shared["measures"]] if soc_codes else []),
            *([shared["mix"]] if used and mix else []),
        ]
        rows.append(
            {
                **{name: flow[name] for name in ("workflow_id", "role_id", "workflow_title")},
                **pack,
                "usage_pct": flow["usage_pct"],
                **ranks,
                "soc_codes": soc_codes,
                "rank_spread": spread,
                "measures_disagree": disagree,
                "automation_share_pct": mix if used else None,
                "augmentation_share_pct": round(100 - mix, 9) if used and mix else None,
                "interaction_basis": ALL_USAGE if used and mix else None,
                "gdpval_task_count": len(flow["gdpval_task_ids"]),
                "source_class": joined_classes(
                    [*(item for item, _ in sources), SourceClass.INTERNAL]
                ),
                "allowed_use": strictest_use(item for _, item in sources),
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(Affordances))


def _activity_titles(task_work_activities: pa.Table, work_activities: pa.Table) -> dict[int, str]:
    """Titles of a task's detailed activities, in order of their ids, by task."""
    titles = {row["dwa_id"]: row["dwa_title"] for row in work_activities.to_pylist()}
    found: dict[int, list[str]] = {}
    for row in sorted(task_work_activities.to_pylist(), key=lambda item: str(item["dwa_id"])):
        if row["dwa_id"] in titles:
            found.setdefault(row["task_id"], []).append(titles[row["dwa_id"]])
    return {task_id: " ".join(items) for task_id, items in found.items()}


def _provenance(frame: pa.Table) -> tuple[str, str]:
    classes = [item for item in frame["source_class"].unique().to_pylist() if item]
    uses = [item for item in frame["allowed_use"].unique().to_pylist() if item]
    return joined_classes(classes), strictest_use(uses) if uses else "open"


def _interaction_mix(economic_index_interactions: pa.Table) -> float | None:
    """Automation share of classified conversations, percent; None without data."""
    shares = {
        row["interaction_type"]: row["usage_pct"]
        for row in economic_index_interactions.to_pylist()
        if row["interaction_type"] != "none"
    }
    if not shares:
        return None
    automated = math.fsum(shares.get(name, 0) for name in _AUTOMATION)
    return round(100 * automated / math.fsum(shares.values()), 9)


class _Measures:
    """The three exposure measures by role: of one SOC occupation its ranks, of more the medians."""

    def __init__(self, roles: pa.Table, exposure_measures: pa.Table) -> None:
        self._rank = {
            (row["soc_code"], row["measure"]): row["rank_pct"]
            for row in exposure_measures.to_pylist()
        }
        listed = roles.select(["role_id", "code_level", "soc_code", "onet_soc_codes"]).to_pylist()
        soc_of = {
            row["role_id"]: row["soc_code"]
            for row in listed
            if row["code_level"] == CodeLevel.ONET_SOC
        }
        self._codes = {
            row["role_id"]: sorted({soc_of[member] for member in row["onet_soc_codes"]})
            for row in listed
        }

    def of(self, role_id: str) -> tuple[dict[str, float | None], list[str], float | None]:
        """Rank by column, the SOC codes that have any, and the spread of the ranks."""
        codes = self._codes[role_id]
        ranks: dict[str, float | None] = {}
        for measure, column in _MEASURES.items():
            found = [self._rank[code, measure] for code in codes if (code, measure) in self._rank]
            ranks[column] = round(statistics.median(found), 9) if found else None
        stated = [rank for rank in ranks.values() if rank is not None]
        spread = round(max(stated) - min(stated), 9) if len(stated) > 1 else None
        spoken = [code for code in codes if any((code, name) in self._rank for name in _MEASURES)]
        return ranks, spoken, spread


@dataclass(frozen=True)
class _Evidence:
    """What shows that AI is or can be used in a task: the reference, and how strong it is."""

    ref: str
    usage_pct: float


class _Facts:
    """Evidence by task, and the authored rules that fire on it."""

    def __init__(
        self,
        con: Connection,
        occupation_tasks: pa.Table,
        activities: Mapping[int, str],
        task_exposure: pa.Table,
        gpts_tasks: pa.Table,
        work_rules: WorkRules,
    ) -> None:
        said = occupation_tasks.select(["task_id", "onet_soc_code", "task"]).to_pylist()
        code_of = {row["task_id"]: row["onet_soc_code"] for row in said}
        self._rules = work_rules
        stated = [(row["task_id"], row["onet_soc_code"], row["task"]) for row in said]
        with_activities = [
            (task_id, code, f"{text} {activities.get(task_id, '')}")
            for task_id, code, text in stated
        ]
        self._fired = fired(work_rules.capabilities, with_activities)
        self._fired |= fired(work_rules.risks, stated)
        self._accountability = {rule.text: rule.id for rule in work_rules.accountability}
        self._accountability[work_rules.always.own_result] = "own_result"
        self._used = {
            row["task_id"]: _Evidence(
                f"economic_index_usage:{row['usage_release']}|{row['names'][0]}", row["usage_pct"]
            )
            for row in placed_usage(con, occupation_tasks, task_exposure).to_pylist()
        }
        self._labels = {
            row["task_id"]: (row["model_exposure"], row["human_exposure"])
            for row in gpts_tasks.to_pylist()
            if code_of.get(row["task_id"]) == row["onet_soc_code"]
        }

    def pack(self, flow: Mapping[str, Any], *, disagree: bool) -> dict[str, Any]:
        """The claims about a workflow, its risk and the labelled tasks it stands on."""
        task_ids: Sequence[int] = flow["task_ids"]
        labelled = [task_id for task_id in task_ids if task_id in self._labels]
        unhelped = [task_id for task_id in labelled if self._labels[task_id] == ("E0", "E0")]
        evident = self._evident(flow)
        general = evident.get(None)
        by_task = {task_id: item for task_id, item in evident.items() if task_id is not None}
        granted = self._granted(by_task)
        risks = self._risks(task_ids)
        always = self._rules.always
        grants = [_claim(rule.grant, item.ref) for rule, item in granted]
        if evident and not grants:
            best = _strongest([*by_task.values(), *([general] if general else [])])
            rated = best.ref.startswith("gpts_tasks:")
            grants = [_claim(always.rated_helpful if rated else always.used_in_practice, best.ref)]
        blocks = [_claim(risk.block, _rule(risk.id)) for risk in risks]
        if unhelped and 2 * len(unhelped) >= len(labelled):
            blocks.append(_claim(always.not_rated_helpful, f"gpts_tasks:{unhelped[0]}"))
        if not evident:
            blocks.append(_claim(always.unproven, _rule("unproven")))
        blocks.append(_claim(always.unchecked_facts, _rule("unchecked_facts")))
        owner = flow["human_accountability"]
        checkpoints = [_claim(always.review_before_use, _rule("review_before_use"))]
        checkpoints += [_claim(risk.checkpoint, _rule(risk.id)) for risk in risks]
        if disagree:
            checkpoints.append(_claim(always.measures_disagree, _rule("measures_disagree")))
        failures = [_claim(rule.failure_mode, _rule(rule.id)) for rule, _ in granted]
        failures += [_claim(risk.failure_mode, _rule(risk.id)) for risk in risks]
        if grants:
            failures += [
                _claim(always.unsupported_facts, _rule("unsupported_facts")),
                _claim(always.used_as_is, _rule("used_as_is")),
            ]
        tiers = list(RiskTier)
        return {
            "evidence_state": str(EvidenceState.EVIDENCE if evident else EvidenceState.NO_EVIDENCE),
            "risk_tier": str(max((risk.tier for risk in risks), key=tiers.index, default=tiers[0])),
            "risk_rules": sorted(risk.id for risk in risks),
            "grants": grants,
            "blocks": blocks,
            "human_owned": [
                _claim(owner, _rule(self._accountability[owner])),
                *(_claim(risk.human_owned, _rule(risk.id)) for risk in risks),
            ],
            "hitl_checkpoints": checkpoints,
            "tool_patterns": [_claim(rule.tool_pattern, _rule(rule.id)) for rule, _ in granted],
            "failure_modes": failures,
            "gpts_task_ids": sorted(labelled),
        }

    def _evident(self, flow: Mapping[str, Any]) -> dict[int | None, _Evidence]:
        """Evidence by task; under None the workflow's own, where only that is known."""
        found: dict[int | None, _Evidence] = {}
        for task_id in flow["task_ids"]:
            if task_id in self._used:
                found[task_id] = self._used[task_id]
            elif "E0" not in self._labels.get(task_id, ("E0",)):
                found[task_id] = _Evidence(f"gpts_tasks:{task_id}", 0.0)
        if flow["gdpval_task_ids"]:
            found[None] = _Evidence(f"gdpval_tasks:{flow['gdpval_task_ids'][0]}", 0.0)
        return found

    def _granted(self, evident: Mapping[int, _Evidence]) -> list[tuple[Any, _Evidence]]:
        """Capabilities that fire on tasks with evidence, those on most tasks first, bounded."""
        found = []
        for rule in self._rules.capabilities:
            shown = [item for task_id, item in evident.items() if task_id in self._fired[rule.id]]
            if shown:
                found.append((len(shown), rule, _strongest(shown)))
        found.sort(key=lambda item: -item[0])
        return [(rule, item) for _, rule, item in found[:MOST_GRANTS]]

    def _risks(self, task_ids: Sequence[int]) -> list[RiskRule]:
        """Risk rules that fire on enough of the tasks, the highest tier first."""
        least = self._rules.risk_task_share * len(task_ids)
        found = []
        for rule in self._rules.risks:
            count = sum(task_id in self._fired[rule.id] for task_id in task_ids)
            if count and count >= least:
                found.append(rule)
        tiers = list(RiskTier)
        return sorted(found, key=lambda rule: -tiers.index(rule.tier))


def _strongest(items: Iterable[_Evidence]) -> _Evidence:
    return min(items, key=lambda item: (-item.usage_pct, item.ref))


def _claim(claim: str, ref: str) -> Claim:
    return {"claim": claim, "evidence_ref": ref}


def _rule(rule_id: str) -> str:
    return f"{_DOCUMENT}#{rule_id}"
