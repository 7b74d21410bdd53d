"""What can be counted to see whether the maps are right: joins, published findings, ingest.

Belongs here: figures about tables, never figures typed in. What they should be is recorded per lock
in ``data/expectations``.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from aina_assets.warehouse.sql import query

Connection = duckdb.DuckDBPyConnection

# (table, code column, route): how a table's codes reach a detailed SOC 2018 group.
_CODED = (
    ("occupations", "onet_soc_code", "onet_soc_2019"),
    ("economic_index_exposure", "soc_code", "soc_2018"),
    ("economic_index_wages", "onet_soc_2010_code", "onet_soc_2010"),
    ("economic_index_tasks", "onet_soc_2010_code", "onet_soc_2010"),
    ("working_with_ai_scores", "soc_code", "soc_2018"),
    ("gpts_occupations", "onet_soc_code", "onet_soc_2019"),
    ("bls_wages", "soc_code", "soc_2018"),
    ("gdpval_soc_map", "soc_code", "soc_2018"),
)


def soc_join_report(
    con: Connection,
    soc_groups: pa.Table,
    soc_crosswalks: pa.Table,
    occupations: pa.Table,
    economic_index_exposure: pa.Table,
    economic_index_wages: pa.Table,
    economic_index_tasks: pa.Table,
    working_with_ai_scores: pa.Table,
    gpts_occupations: pa.Table,
    bls_wages: pa.Table,
    gdpval_soc_map: pa.Table,
) -> pa.Table:
    """Rows of ``SocJoinReport``: one per table of ``_CODED``.

    Of ``bls_wages`` only detailed occupations (and those of no stated level) are asked for.
    """
    selects = [
        f"SELECT '{table}' AS table_name, '{column}' AS code_column, '{route}' AS route,"  # noqa: S608
        f" {column} AS code FROM {table}"
        + (" WHERE occupation_level IN ('detailed', 'unstated')" if table == "bls_wages" else "")
        for table, column, route in _CODED
    ]
    return query(
        con,
        f"""
        WITH coded AS ({" UNION ".join(selects)}),
        detailed AS (SELECT soc_code FROM soc_groups WHERE level = 'detailed'),
        reached AS (
          SELECT c.*, CASE route
            WHEN 'soc_2018' THEN code IN (FROM detailed)
            WHEN 'onet_soc_2019' THEN code IN (
              SELECT from_code FROM soc_crosswalks
              WHERE crosswalk = 'onet_soc_2019_to_soc_2018' AND to_code IN (FROM detailed))
            ELSE code IN (
              SELECT first.from_code FROM soc_crosswalks first
              JOIN soc_crosswalks second ON second.from_code = first.to_code
              WHERE first.crosswalk = 'onet_soc_2010_to_onet_soc_2019'
                AND second.crosswalk = 'onet_soc_2019_to_soc_2018'
                AND second.to_code IN (FROM detailed))
            END AS is_joined
          FROM coded c
        )
        SELECT table_name, code_column, any_value(route) AS route, count(*) AS code_count,
               count(*) FILTER (is_joined) AS joined_count,
               count(*) FILTER (NOT is_joined) AS unmatched_count,
               coalesce(array_to_string(list_sort(list(code) FILTER (NOT is_joined)), ','), '')
                 AS unmatched_codes
        FROM reached GROUP BY table_name, code_column
        """,  # noqa: S608
        soc_groups=soc_groups,
        soc_crosswalks=soc_crosswalks,
        occupations=occupations,
        economic_index_exposure=economic_index_exposure,
        economic_index_wages=economic_index_wages,
        economic_index_tasks=economic_index_tasks,
        working_with_ai_scores=working_with_ai_scores,
        gpts_occupations=gpts_occupations,
        bls_wages=bls_wages,
        gdpval_soc_map=gdpval_soc_map,
    )


def published_findings(
    con: Connection,
    economic_index_tasks: pa.Table,
    task_exposure: pa.Table,
    economic_index_interactions: pa.Table,
    economic_index_penetration: pa.Table,
    working_with_ai_activities: pa.Table,
    working_with_ai_occupations: pa.Table,
    working_with_ai_scores: pa.Table,
    working_with_ai_weights: pa.Table,
    gpts_occupations: pa.Table,
    gpts_tasks: pa.Table,
) -> pa.Table:
    """Rows of ``PublishedFindings``.

    Sources of the definitions: the Economic Index report of 2025-02-10 (tasks with any usage, per
    O*NET occupation; automation = directive + feedback loop); the README of
    microsoft/working-with-ai (score = weighted mean over activities of completion x scope where the
    activity's share exceeds 0.0005, user and AI side averaged); "GPTs are GPTs" (core tasks weigh
    one, others a half).
    """
    return query(
        con,
        """
        WITH adoption AS (
          SELECT t.onet_soc_2010_code, count(*) AS tasks, count(x.task_id) AS used
          FROM economic_index_tasks t LEFT JOIN task_exposure x USING (task_id) GROUP BY 1
        ),
        patterns AS (
          SELECT fsum(usage_pct) FILTER (interaction_type IN ('directive', 'feedback loop'))
                   AS auto,
                 fsum(usage_pct) FILTER (interaction_type <> 'none') AS classified
          FROM economic_index_interactions
        ),
        sides AS (
          SELECT w.soc_code,
            coalesce(sum(w.weight * i.completion_user * i.impact_scope_user)
              FILTER (i.share_user > 0.0005), 0) / sum(w.weight) AS user_side,
            coalesce(sum(w.weight * i.completion_ai * i.impact_scope_ai)
              FILTER (i.share_ai > 0.0005), 0) / sum(w.weight) AS ai_side
          FROM working_with_ai_weights w JOIN working_with_ai_activities i USING (iwa_id)
          GROUP BY w.soc_code
        ),
        scores AS (
          SELECT greatest(abs(s.applicability - (user_side + ai_side) / 2),
                          abs(o.applicability_user - user_side),
                          abs(o.applicability_ai - ai_side)) AS error
          FROM working_with_ai_scores s
          JOIN working_with_ai_occupations o USING (soc_code) JOIN sides USING (soc_code)
        ),
        labels AS (
          SELECT onet_soc_code, CASE WHEN task_type = 'Core' THEN 1.0 ELSE 0.5 END AS weight,
            unnest([{'who': 'model', 'label': model_exposure},
                    {'who': 'human', 'label': human_exposure}], recursive := true)
          FROM gpts_tasks
        ),
        rated AS (
          SELECT onet_soc_code, who, sum(weight * (label = 'E1')::INT) / sum(weight) AS alpha,
            sum(weight * CASE label WHEN 'E1' THEN 1 WHEN 'E2' THEN 0.5 ELSE 0 END) / sum(weight)
              AS beta,
            sum(weight * (label <> 'E0')::INT) / sum(weight) AS gamma
          FROM labels GROUP BY 1, 2
        ),
        exposures AS (
          SELECT greatest(
            abs(o.model_alpha - m.alpha), abs(o.model_beta - m.beta), abs(o.model_gamma - m.gamma),
            abs(o.human_alpha - h.alpha), abs(o.human_beta - h.beta), abs(o.human_gamma - h.gamma)
          ) AS error
          FROM gpts_occupations o
          JOIN rated m ON m.onet_soc_code = o.onet_soc_code AND m.who = 'model'
          JOIN rated h ON h.onet_soc_code = o.onet_soc_code AND h.who = 'human'
        ),
        findings AS (
          SELECT 'ai_use_in_quarter_of_tasks_pct' AS finding,
                 100.0 * count(*) FILTER (4 * used >= tasks) / nullif(count(*), 0) AS value,
                 'percent' AS unit,
                 'O*NET-SOC 2010 occupations with usage in at least 25% of their tasks'
                   AS definition
          FROM adoption
          UNION ALL SELECT 'ai_use_in_three_quarters_of_tasks_pct',
                 100.0 * count(*) FILTER (4 * used >= 3 * tasks) / nullif(count(*), 0), 'percent',
                 'the same with at least 75%' FROM adoption
          UNION ALL SELECT 'automation_pct', 100 * auto / classified, 'percent',
                 'directive and feedback loop, of the five classified patterns' FROM patterns
          UNION ALL SELECT 'augmentation_pct', 100 - 100 * auto / classified, 'percent',
                 'task iteration, learning and validation, of the same' FROM patterns
          UNION ALL SELECT 'computer_and_mathematical_usage_pct',
                 fsum(usage_pct) FILTER (left(onet_soc_2010_code, 2) = '15'), 'percent',
                 'usage placed in major group 15; shared texts split equally' FROM task_exposure
          UNION ALL SELECT 'task_penetration_zero_rows',
                 count(*) FILTER (penetration = 0), 'rows', 'rows with penetration 0'
          FROM economic_index_penetration
          UNION ALL SELECT 'applicability_occupations_recomputed', count(*), 'occupations',
                 'occupations whose published score could be recomputed' FROM scores
          UNION ALL SELECT 'applicability_largest_error', max(error), 'score',
                 'largest difference of published and recomputed score, each side and both'
          FROM scores
          UNION ALL SELECT 'llm_exposure_occupations_recomputed', count(*), 'occupations',
                 'occupations whose six published ratings could be recomputed' FROM exposures
          UNION ALL SELECT 'llm_exposure_largest_error', max(error), 'rating',
                 'largest difference of published and recomputed rating' FROM exposures
        )
        SELECT finding, round(value, 10) AS value, unit, definition FROM findings
        """,
        economic_index_tasks=economic_index_tasks,
        task_exposure=task_exposure,
        economic_index_interactions=economic_index_interactions,
        economic_index_penetration=economic_index_penetration,
        working_with_ai_activities=working_with_ai_activities,
        working_with_ai_occupations=working_with_ai_occupations,
        working_with_ai_scores=working_with_ai_scores,
        working_with_ai_weights=working_with_ai_weights,
        gpts_occupations=gpts_occupations,
        gpts_tasks=gpts_tasks,
    )


def hf_ingest_summary(
    con: Connection,
    source_ledger: pa.Table,
    source_files: pa.Table,
    economic_index_exposure: pa.Table,
    legacy_signals: pa.Table,
    gdpval_task_map: pa.Table,
    gdpval_soc_map: pa.Table,
    soc_map: pa.Table,
    task_exposure: pa.Table,
) -> pa.Table:
    """Rows of ``HfIngestSummary``: files and bytes of the two datasets, and what they became."""
    return query(
        con,
        """
        WITH hub AS (
          SELECT f.* FROM source_files f JOIN source_ledger l ON l.source = f.source
          WHERE l.source IN ('economic_index', 'gdpval')
        )
        SELECT 'files_present' AS figure, count(*) FILTER (status = 'present') AS value,
               'files' AS unit, 'files of both datasets, on disk and as pinned' AS definition
        FROM hub
        UNION ALL SELECT 'files_absent', count(*) FILTER (status = 'absent'), 'files',
               'files of both datasets that are not to be had; source_files says why' FROM hub
        UNION ALL SELECT 'bytes', coalesce(sum(size_bytes), 0)::BIGINT, 'bytes',
               'size of the files present' FROM hub
        UNION ALL SELECT 'exposure_soc_rows', count(*), 'rows', 'economic_index_exposure'
        FROM economic_index_exposure
        UNION ALL SELECT 'legacy_signal_soc_rows', count(*), 'rows', 'legacy_signals'
        FROM legacy_signals
        UNION ALL SELECT 'gdpval_tasks', count(*), 'rows', 'gdpval_task_map' FROM gdpval_task_map
        UNION ALL SELECT 'gdpval_soc_groups', count(*), 'rows', 'gdpval_soc_map' FROM gdpval_soc_map
        UNION ALL SELECT 'mapped_soc_entries', count(*), 'rows', 'soc_map' FROM soc_map
        UNION ALL SELECT 'mapped_soc_entries_with_legacy_signal',
               count(*) FILTER (has_legacy_signal), 'rows', 'soc_map' FROM soc_map
        UNION ALL SELECT 'used_tasks', count(*), 'rows', 'task_exposure' FROM task_exposure
        """,
        source_ledger=source_ledger,
        source_files=source_files,
        economic_index_exposure=economic_index_exposure,
        legacy_signals=legacy_signals,
        gdpval_task_map=gdpval_task_map,
        gdpval_soc_map=gdpval_soc_map,
        soc_map=soc_map,
        task_exposure=task_exposure,
    )
