"""Packets: a title's role, its top workflows, the risks, and what all of it stands on.

Belongs here: putting rows of other tables together, by role once and by title in Arrow batches.
Stays out: whether the result is consistent (``review``) or good (``quality``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.packets import MissingGdpval, MissingUsage, QualityFlag
from aina_assets.contracts.vocabulary import SourceClass, joined_classes, strictest_use
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.tables import SERVED, USAGE_LINES, Packets
from aina_assets.titles.vocabulary import RUNGS
from aina_assets.warehouse.sql import query
from aina_assets.warehouse.tables import arrow_schema

Connection = duckdb.DuckDBPyConnection

BATCH_ROWS = 16_384

_OF_TITLE = ("title_list", "source_row", "title", "role_id", "code", "code_level", "rung")
_TIERS = ("fallback_tier", "confidence", "service_tier")
_OF_ROLE = (
    "canonical_title",
    "family_of_role",
    "role_function",
    "seniority",
    "workflows",
    "workflow_ids",
    "risk_tier",
    "risk_rules",
    "economic_index_ref_count",
    "economic_index_soc_codes",
    "gdpval_ref_count",
    "has_hf_refs",
    "has_gdpval_refs",
    "missing_usage_reason",
    "missing_gdpval_reason",
)

# What every packet of a role shares. Ranks start at 1; a role without workflows has empty lists.
_ROLE_PARTS = f"""
WITH top AS (
  SELECT w.role_id, w.workflow_id, w.rank,
    {{'workflow_id': w.workflow_id, 'workflow_title': w.workflow_title, 'rank': w.rank,
      'task_ids': w.task_ids,
      'economic_index_tasks': w.economic_index_tasks[1:{USAGE_LINES}],
      'economic_index_task_count': len(w.economic_index_tasks)::BIGINT,
      'usage_release': w.usage_release, 'gdpval_task_ids': w.gdpval_task_ids,
      'has_affordance': a.workflow_id IS NOT NULL}} AS workflow,
    w.economic_index_tasks, w.usage_release, w.gdpval_task_ids,
    a.risk_tier, coalesce(a.risk_rules, []) AS risk_rules,
    a.evidence_state = 'evidence' AS is_evident, a.measures_disagree,
    [w.source_class, coalesce(a.source_class, w.source_class)] AS classes,
    [w.allowed_use, coalesce(a.allowed_use, w.allowed_use)] AS uses
  FROM workflows w LEFT JOIN affordances a USING (workflow_id)
  WHERE w.is_top
),
work AS (
  SELECT role_id, list(workflow ORDER BY rank) AS workflows,
    list(workflow_id ORDER BY rank) AS workflow_ids,
    ['low', 'medium', 'high', 'critical'][
      max(list_position(['low', 'medium', 'high', 'critical'], risk_tier))] AS risk_tier,
    list_sort(list_distinct(flatten(list(risk_rules)))) AS risk_rules,
    len(list_distinct(flatten(list(
      list_transform(economic_index_tasks, lambda x: usage_release || '|' || x))))) AS usage_count,
    len(list_distinct(flatten(list(gdpval_task_ids)))) AS gdpval_count,
    coalesce(bool_or(is_evident), false) AS is_evident,
    coalesce(bool_or(measures_disagree), false) AS disagree,
    joined_classes(flatten(list(classes))) AS work_classes,
    strictest_use(flatten(list(uses))) AS work_use
  FROM top GROUP BY role_id
),
anywhere AS (
  SELECT role_id, bool_or(len(economic_index_tasks) > 0) AS is_used,
    bool_or(len(gdpval_task_ids) > 0) AS is_linked
  FROM workflows GROUP BY role_id
),
soc_of AS (
  SELECT unnest(onet_soc_codes) AS onet_soc_code, soc_code FROM roles WHERE code_level = 'onet_soc'
),
spelled AS (
  SELECT role_id, unnest(onet_soc_codes) AS onet_soc_code FROM roles
),
stands_for AS (
  SELECT s.role_id, o.soc_code FROM spelled s JOIN soc_of o USING (onet_soc_code)
  UNION SELECT role_id, soc_code FROM roles WHERE code_level = 'detailed'
),
exposed AS (
  SELECT s.role_id, list(DISTINCT s.soc_code ORDER BY s.soc_code) AS soc_codes,
    joined_classes(list(e.source_class)) AS classes, strictest_use(list(e.allowed_use)) AS use
  FROM stands_for s JOIN economic_index_exposure e USING (soc_code) GROUP BY s.role_id
),
in_gdpval AS (
  SELECT DISTINCT s.role_id FROM stands_for s
  WHERE s.soc_code IN (SELECT unnest(string_split(detailed_codes, ',')) FROM gdpval_soc_map)
)
SELECT r.role_id,
  r.canonical_title, r.role_family AS family_of_role, r.role_function, r.seniority,
  r.code_level AS level_of_role,
  coalesce(w.workflows, []) AS workflows, coalesce(w.workflow_ids, []) AS workflow_ids,
  w.risk_tier, coalesce(w.risk_rules, []) AS risk_rules,
  coalesce(w.usage_count, 0) AS economic_index_ref_count,
  coalesce(x.soc_codes, []) AS economic_index_soc_codes,
  coalesce(w.gdpval_count, 0) AS gdpval_ref_count,
  economic_index_ref_count > 0 OR gdpval_ref_count > 0 OR len(economic_index_soc_codes) > 0
    AS has_hf_refs,
  gdpval_ref_count > 0 AS has_gdpval_refs,
  CASE WHEN economic_index_ref_count > 0 THEN NULL
    WHEN w.role_id IS NULL THEN '{MissingUsage.ROLE_HAS_NO_TASKS}'
    WHEN n.is_used THEN '{MissingUsage.USAGE_ONLY_OUTSIDE_TOP_WORKFLOWS}'
    ELSE '{MissingUsage.NO_USAGE_OBSERVED_ON_TASKS}' END AS missing_usage_reason,
  CASE WHEN gdpval_ref_count > 0 THEN NULL
    WHEN w.role_id IS NULL THEN '{MissingGdpval.ROLE_HAS_NO_TASKS}'
    WHEN n.is_linked THEN '{MissingGdpval.GDPVAL_ONLY_OUTSIDE_TOP_WORKFLOWS}'
    WHEN g.role_id IS NULL THEN '{MissingGdpval.OCCUPATION_NOT_IN_GDPVAL}'
    ELSE '{MissingGdpval.NO_GDPVAL_TASK_LIKE_ITS_TASKS}' END AS missing_gdpval_reason,
  coalesce(w.is_evident, false) AS is_evident, coalesce(w.disagree, false) AS disagree,
  joined_classes([r.source_class, coalesce(w.work_classes, r.source_class),
                  coalesce(x.classes, r.source_class), '{SourceClass.INTERNAL}']) AS classes,
  strictest_use([r.allowed_use, coalesce(w.work_use, r.allowed_use),
                 coalesce(x.use, r.allowed_use)]) AS use
FROM roles r
LEFT JOIN work w USING (role_id) LEFT JOIN anywhere n USING (role_id)
LEFT JOIN exposed x USING (role_id) LEFT JOIN in_gdpval g USING (role_id)
ORDER BY r.role_id
"""  # noqa: S608


def packets(
    con: Connection,
    title_coverage: pa.Table,
    roles: pa.Table,
    workflows: pa.Table,
    affordances: pa.Table,
    economic_index_exposure: pa.Table,
    gdpval_soc_map: pa.Table,
    packet_rules: PacketRules,
) -> pa.Table:
    """Rows of ``Packets``: one a title row that is served."""
    parts = RoleParts.of(
        query(
            con,
            _ROLE_PARTS,
            roles=roles,
            workflows=workflows,
            affordances=affordances,
            economic_index_exposure=economic_index_exposure,
            gdpval_soc_map=gdpval_soc_map,
        ),
        packet_rules,
    )
    rows = title_coverage.select(_NEEDED)
    return pa.Table.from_batches(_batches(rows, parts), schema=arrow_schema(Packets))


_NEEDED = [
    *("title_id", *_OF_TITLE, *_TIERS, "role_family", "source_refs"),
    *("source_class", "allowed_use"),
]


def _batches(rows: pa.Table, parts: RoleParts) -> Iterator[pa.RecordBatch]:
    for batch in rows.to_batches(max_chunksize=BATCH_ROWS):
        made = packets_of(batch, parts)
        if made.num_rows:
            yield made


@dataclass(frozen=True)
class RoleParts:
    """What packets of a role share, one row a role, and what each title adds to it.

    Attributes:
        table: role id, the columns of a packet that a role decides, its provenance.
        flags: the flags a role raises, by row.
        refs: its references, by row.
        fuzzy_rungs: rungs that are no literal match.
    """

    table: pa.Table
    flags: tuple[tuple[str, ...], ...]
    refs: tuple[tuple[str, ...], ...]
    fuzzy_rungs: frozenset[str]

    @classmethod
    def of(cls, table: pa.Table, rules: PacketRules) -> RoleParts:
        """Parts made of the rows of ``table`` by ``rules``."""
        rows = table.drop_columns(["workflows"]).to_pylist()
        return cls(
            table,
            tuple(_flags_of_role(row, rules) for row in rows),
            tuple(
                (f"roles:{row['role_id']}", *(f"workflows:{item}" for item in row["workflow_ids"]))
                for row in rows
            ),
            frozenset(rules.fuzzy_rungs),
        )


def _flags_of_role(row: Mapping[str, Any], rules: PacketRules) -> tuple[str, ...]:
    count = len(row["workflow_ids"])
    raised = {
        QualityFlag.GROUP_ROLE: row["level_of_role"] in ("broad", "minor", "major"),
        QualityFlag.NO_WORKFLOWS: not count,
        QualityFlag.FEW_WORKFLOWS: count < rules.few_workflows,
        QualityFlag.NO_USAGE_EVIDENCE: not row["economic_index_ref_count"],
        QualityFlag.NO_AFFORDANCE_EVIDENCE: not row["is_evident"],
        QualityFlag.MEASURES_DISAGREE: row["disagree"],
    }
    return tuple(str(flag) for flag, is_so in raised.items() if is_so)


def packets_of(coverage: pa.RecordBatch, parts: RoleParts) -> pa.RecordBatch:
    """Packets of the rows of ``coverage`` that are served, in their order.

    A pure step from batch to batch: any engine that has the role parts can map it.

    Args:
        coverage: rows of ``title_coverage``, those columns that a packet is made of.
        parts: every role's parts.
    """
    served = coverage.filter(
        pc.is_in(coverage["service_tier"], value_set=pa.array(SERVED, pa.string()))
    )
    places = pc.index_in(served["role_id"], value_set=parts.table["role_id"].combine_chunks())
    # A role that is not there has no packet: the review counts such rows, the key rule finds none.
    served = served.filter(pc.is_valid(places))
    places = pc.drop_null(places)
    of_role = parts.table.take(places).combine_chunks()
    index = places.to_pylist()
    family = pc.coalesce(served["role_family"], _one(of_role["family_of_role"]))
    columns: dict[str, Any] = {"packet_id": served["title_id"], "role_family": family}
    columns |= {name: served[name] for name in (*_OF_TITLE, *_TIERS)}
    columns |= {name: _one(of_role[name]) for name in _OF_ROLE}
    columns["quality_flags"] = _flags(served, family, _one(of_role["family_of_role"]), index, parts)
    columns["source_refs"] = [
        [*own, *parts.refs[place]]
        for own, place in zip(served["source_refs"].to_pylist(), index, strict=True)
    ]
    columns["source_class"], columns["allowed_use"] = _provenance(served, of_role)
    schema = arrow_schema(Packets)
    arrays = [
        pa.array(columns[field.name], field.type)
        if isinstance(columns[field.name], list)
        else columns[field.name].cast(field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _flags(
    served: pa.RecordBatch,
    family: pa.Array,
    of_role: pa.Array,
    index: Sequence[int],
    parts: RoleParts,
) -> list[list[str]]:
    several = pc.equal(family, "several").to_pylist()
    own = pc.not_equal(family, of_role).to_pylist()
    last = RUNGS[-1]
    flags = []
    for place, rung, straddles, is_own in zip(
        index, served["rung"].to_pylist(), several, own, strict=True
    ):
        raised = [*parts.flags[place]]
        if rung == last:
            raised.append(str(QualityFlag.MODEL_RUNG))
        if rung in parts.fuzzy_rungs:
            raised.append(str(QualityFlag.FUZZY_MATCH))
        if straddles:
            raised.append(str(QualityFlag.FAMILY_STRADDLES))
        if is_own:
            raised.append(str(QualityFlag.FAMILY_FROM_TITLE))
        flags.append(sorted(raised))
    return flags


def _provenance(served: pa.RecordBatch, of_role: pa.Table) -> tuple[list[str], list[str]]:
    """Classes and strictest use of title and role together; few pairs, many rows."""
    classes: dict[tuple[str, str], str] = {}
    uses: dict[tuple[str, str], str] = {}
    joined, strictest = [], []
    for pair, both in zip(
        zip(served["source_class"].to_pylist(), of_role["classes"].to_pylist(), strict=True),
        zip(served["allowed_use"].to_pylist(), of_role["use"].to_pylist(), strict=True),
        strict=True,
    ):
        if pair not in classes:
            classes[pair] = joined_classes(pair)
        if both not in uses:
            uses[both] = strictest_use(both)
        joined.append(classes[pair])
        strictest.append(uses[both])
    return joined, strictest
