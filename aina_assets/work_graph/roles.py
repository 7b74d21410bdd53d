"""Roles: one for every node of the occupation tree.

Belongs here: what is said about a node from its occupations, titles and the authored documents.
Stays out: its work (``workflows``), and titles nobody has published (room ``titles``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aina_assets.contracts.vocabulary import AllowedUse, SourceClass, joined_classes, strictest_use
from aina_assets.contracts.work import CodeLevel, RoleTier, Seniority
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.families import FamilyRules, require_placed, title_key
from aina_assets.work_graph.policy import Families, Icp
from aina_assets.work_graph.tables import Roles

_LEVELS = [CodeLevel.DETAILED, CodeLevel.BROAD, CodeLevel.MINOR, CodeLevel.MAJOR]

_TIER = {
    CodeLevel.ONET_SOC: RoleTier.EXACT,
    CodeLevel.DETAILED: RoleTier.EXACT,
    CodeLevel.BROAD: RoleTier.FUNCTION,
    CodeLevel.MINOR: RoleTier.FUNCTION,
    CodeLevel.MAJOR: RoleTier.ARCHETYPE,
}


@dataclass(frozen=True)
class _Node:
    """A node of the tree and the detailed groups and occupations below (or at) it."""

    role_id: str
    level: CodeLevel
    title: str
    soc_code: str
    detailed: tuple[str, ...]
    members: tuple[str, ...]
    minor_title: str | None


def roles(
    occupations: pa.Table,
    soc_groups: pa.Table,
    soc_crosswalks: pa.Table,
    job_zones: pa.Table,
    alternate_titles: pa.Table,
    reported_titles: pa.Table,
    occupation_tasks: pa.Table,
    families: Families,
    icp: Icp,
) -> pa.Table:
    """Rows of ``Roles``.

    Raises:
        AuthoredDocumentError: an occupation of the ICP is in no family.
    """
    rules = FamilyRules(families, icp)
    nodes = _nodes(occupations, soc_groups, soc_crosswalks)
    require_placed(rules, (node.soc_code for node in nodes if node.level is CodeLevel.DETAILED))
    zones = dict(
        zip(job_zones["onet_soc_code"].to_pylist(), job_zones["job_zone"].to_pylist(), strict=True)
    )
    task_counts = Counter(occupation_tasks["onet_soc_code"].to_pylist())
    named = _named_titles(occupations, alternate_titles, reported_titles)
    titles = _titles_by_node(nodes, named)
    standing = {
        node.role_id: rules.seniority_of(title_key(node.title), zones.get(node.role_id))
        for node in nodes
        if node.level is CodeLevel.ONET_SOC
    }
    frames = (occupations, soc_groups, soc_crosswalks, job_zones, alternate_titles, reported_titles)
    provenance = {
        "source_class": joined_classes([_first(frames, "source_class"), SourceClass.INTERNAL]),
        "allowed_use": strictest_use([_first(frames, "allowed_use"), AllowedUse.OPEN]),
    }
    rows = []
    for node in nodes:
        family, is_icp, confidence = _family(node, rules)
        key = title_key(node.title)
        code = node.soc_code if node.level is CodeLevel.ONET_SOC else node.role_id
        member_zones = {zones.get(member) for member in node.members}
        ranks = {standing[member] for member in node.members}
        aliases, ambiguous = titles.get(node.role_id, ((), 0))
        rows.append(
            {
                "role_id": node.role_id,
                "code_level": str(node.level),
                "canonical_title": node.title,
                "soc_code": node.soc_code,
                "onet_soc_codes": node.members,
                "role_family": family,
                "is_icp": is_icp,
                "role_function": rules.function_of(family, key, code) or node.minor_title,
                "seniority": str(ranks.pop() if len(ranks) == 1 else Seniority.MIXED),
                "job_zone": member_zones.pop() if len(member_zones) == 1 else None,
                "aliases": aliases,
                "ambiguous_alias_count": ambiguous,
                "task_count": sum(task_counts[member] for member in node.members),
                "fallback_tier": str(_TIER[node.level]),
                "confidence": confidence,
                **provenance,
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(Roles))


def _first(frames: Iterable[pa.Table], column: str) -> str:
    """The joined value of a provenance column over whole frames: it is one per source file."""
    join = joined_classes if column == "source_class" else strictest_use
    return join(
        value for frame in frames for value in sorted(set(frame[column].unique().to_pylist()))
    )


def _nodes(occupations: pa.Table, soc_groups: pa.Table, soc_crosswalks: pa.Table) -> list[_Node]:
    """Every node, in order of its id. An occupation reaches its detailed group by crosswalk."""
    detailed_of: dict[str, str] = {
        row["from_code"]: row["to_code"]
        for row in soc_crosswalks.to_pylist()
        if row["crosswalk"] == "onet_soc_2019_to_soc_2018"
    }
    groups = {row["soc_code"]: row for row in soc_groups.to_pylist()}
    members: dict[str, list[str]] = defaultdict(list)
    nodes = []
    for row in occupations.to_pylist():
        code = row["onet_soc_code"]
        soc_code = detailed_of.get(code, "")
        if soc_code not in groups:
            continue  # soc_join_report lists codes that do not join
        members[soc_code].append(code)
        minor = groups.get(groups[soc_code]["minor_code"])
        title = minor and minor["title"]
        nodes.append(
            _Node(code, CodeLevel.ONET_SOC, row["title"], soc_code, (soc_code,), (code,), title)
        )
    below: dict[str, list[str]] = defaultdict(list)
    for code, group in sorted(groups.items()):
        if group["level"] == CodeLevel.DETAILED:
            holders = {code, *(group[f"{level}_code"] for level in ("broad", "minor", "major"))}
            for holder in sorted(holders - {None}):
                below[holder].append(code)
    for code, group in groups.items():
        minor = groups.get(group["minor_code"] or "")
        nodes.append(
            _Node(
                role_id=code,
                level=CodeLevel(group["level"]),
                title=group["title"],
                soc_code=code,
                detailed=tuple(below[code]),
                members=tuple(sorted(item for soc in below[code] for item in members[soc])),
                minor_title=minor and minor["title"],
            )
        )
    return sorted(nodes, key=lambda node: node.role_id)


def _family(node: _Node, rules: FamilyRules) -> tuple[str, bool, float]:
    """Family, whether in the ICP, and confidence of ``node``."""
    if node.level is CodeLevel.ONET_SOC:
        family = rules.family_of_title(title_key(node.title), node.soc_code)
        return family or "not_icp", family is not None, 1.0
    if node.level is CodeLevel.DETAILED:
        family = rules.family_of_soc(node.soc_code)
        return family or "not_icp", family is not None, 1.0
    found = [rules.family_of_soc(code) for code in node.detailed]
    held = {family for family in found if family is not None}
    if not held:
        return "not_icp", False, 1.0
    counted = [rules.family_of_soc(member[:7]) for member in node.members] or found
    by_family = Counter(family for family in counted if family is not None)
    share = max(by_family.values(), default=0) / len(counted)
    return (held.pop() if len(held) == 1 else "several"), True, round(share, 6)


def _named_titles(
    occupations: pa.Table, alternate_titles: pa.Table, reported_titles: pa.Table
) -> dict[str, dict[str, set[str]]]:
    """Title key -> spelling -> occupations it names, in any of the three tables."""
    named: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for frame, columns in (
        (occupations, ("title",)),
        (alternate_titles, ("alternate_title", "short_title")),
        (reported_titles, ("reported_title",)),
    ):
        codes = frame["onet_soc_code"].to_pylist()
        for column in columns:
            for code, title in zip(codes, frame[column].to_pylist(), strict=True):
                if title:
                    named[title_key(title)][title].add(code)
    return named


def _titles_by_node(
    nodes: list[_Node], named: Mapping[str, Mapping[str, set[str]]]
) -> dict[str, tuple[tuple[str, ...], int]]:
    """Aliases and number of ambiguous titles by node, judged level by level."""
    spelling = {key: min(sorted(spellings)) for key, spellings in named.items()}
    codes = {key: set().union(*spellings.values()) for key, spellings in named.items()}
    found: dict[str, tuple[tuple[str, ...], int]] = {}
    for level in CodeLevel:
        here = [node for node in nodes if node.level is level]
        node_of = {member: node.role_id for node in here for member in node.members}
        own = {node.role_id: title_key(node.title) for node in here}
        aliases: dict[str, list[str]] = defaultdict(list)
        ambiguous: Counter[str] = Counter()
        for key, members in codes.items():
            holders = {node_of[code] for code in members if code in node_of}
            if len(holders) == 1:
                (holder,) = holders
                if own[holder] != key:
                    aliases[holder].append(spelling[key])
            else:
                ambiguous.update(holders)
        for node in here:
            names = tuple(sorted(aliases[node.role_id], key=lambda name: (name.casefold(), name)))
            found[node.role_id] = (names, ambiguous[node.role_id])
    return found


def rows_by(frame: pa.Table, column: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows of ``frame`` as dicts, by the value of ``column``, in stored order."""
    grouped: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in frame.to_pylist():
        grouped[row[column]].append(row)
    return dict(grouped)
