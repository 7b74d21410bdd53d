"""The derived maps, one function a table, SQL over Arrow frames.

Belongs here: joins and their treatment of vintages, shared texts and missing values.
Float sums are rounded to twelve decimals: the order of addition must not change a data version.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from aina_assets.warehouse.sql import query

Connection = duckdb.DuckDBPyConnection


def task_exposure(
    con: Connection,
    economic_index_tasks: pa.Table,
    economic_index_usage: pa.Table,
    soc_crosswalks: pa.Table,
) -> pa.Table:
    """Rows of ``TaskExposure``: tasks whose text has usage in release 2025-02-10.

    A text's usage is split equally over the tasks that share it, ``none`` is left out, and the rest
    is scaled to the usage that found a task.
    """
    return query(
        con,
        """
        WITH codes AS (
          SELECT from_code, list_sort(list(DISTINCT to_code)) AS codes
          FROM soc_crosswalks WHERE crosswalk = 'onet_soc_2010_to_onet_soc_2019' GROUP BY from_code
        ),
        joined AS (
          SELECT t.task_id, t.onet_soc_2010_code, lower(trim(t.task)) AS task_name,
                 u.release AS usage_release, u.usage_pct AS text_usage_pct,
                 count(*) OVER (PARTITION BY lower(trim(t.task))) AS shared_by,
                 joined_classes([t.source_class, u.source_class]) AS source_class,
                 strictest_use([t.allowed_use, u.allowed_use]) AS allowed_use
          FROM economic_index_tasks t
          JOIN economic_index_usage u
            ON u.task_name = lower(trim(t.task)) AND u.release = '2025-02-10'
           AND u.task_name <> 'none'
        )
        SELECT task_id, onet_soc_2010_code, task_name, usage_release, text_usage_pct, shared_by,
               round(100 * (text_usage_pct / shared_by)
                 / (SELECT fsum(text_usage_pct / shared_by) FROM joined), 12) AS usage_pct,
               coalesce(array_to_string(codes, ','), '') AS onet_soc_2019_codes,
               coalesce(len(codes), 0)::BIGINT AS onet_soc_2019_count,
               source_class, allowed_use
        FROM joined LEFT JOIN codes ON from_code = onet_soc_2010_code
        """,
        economic_index_tasks=economic_index_tasks,
        economic_index_usage=economic_index_usage,
        soc_crosswalks=soc_crosswalks,
    )


def legacy_signals(
    con: Connection,
    economic_index_wages: pa.Table,
    economic_index_employment: pa.Table,
    economic_index_tasks: pa.Table,
    task_exposure: pa.Table,
    soc_groups: pa.Table,
    soc_crosswalks: pa.Table,
) -> pa.Table:
    """Rows of ``LegacySignals``: O*NET occupations brought to their SOC 2010 code.

    Within a SOC code the release states one salary and one forecast; were there several, the gate
    would see a code twice. A code reaches SOC 2018 through O*NET-SOC 2019.
    """
    return query(
        con,
        """
        WITH wages AS (
          SELECT DISTINCT left(onet_soc_2010_code, 7) AS soc_2010_code,
                 median_salary, job_forecast, source_class, allowed_use
          FROM economic_index_wages
        ),
        described AS (
          SELECT left(onet_soc_2010_code, 7) AS soc_2010_code,
                 arg_min(title, onet_soc_2010_code) AS title,
                 count(*) AS occupation_count, max(automation_chance_pct) AS automation_chance_pct
          FROM economic_index_wages GROUP BY 1
        ),
        became AS (
          SELECT left(first.from_code, 7) AS soc_2010_code,
                 list_sort(list(DISTINCT second.to_code)) AS codes
          FROM soc_crosswalks first
          JOIN soc_crosswalks second ON second.from_code = first.to_code
           AND second.crosswalk = 'onet_soc_2019_to_soc_2018'
          WHERE first.crosswalk = 'onet_soc_2010_to_onet_soc_2019'
          GROUP BY 1
        ),
        tasks AS (
          SELECT left(onet_soc_2010_code, 7) AS soc_2010_code, count(*) AS task_count
          FROM economic_index_tasks GROUP BY 1
        ),
        used AS (
          SELECT left(onet_soc_2010_code, 7) AS soc_2010_code, count(*) AS used_task_count,
                 round(fsum(usage_pct), 10) AS usage_pct
          FROM task_exposure GROUP BY 1
        ),
        employed AS (
          SELECT g.major_code, e.major_group_title, e.employment
          FROM economic_index_employment e
          JOIN soc_groups g ON g.title = e.major_group_title AND g.level = 'major'
        )
        SELECT w.soc_2010_code, d.title, d.occupation_count,
               w.median_salary AS median_salary_usd,
               CASE WHEN w.median_salary < 500 THEN 'hour' ELSE 'year' END AS salary_unit,
               w.job_forecast, d.automation_chance_pct,
               e.major_group_title, e.employment AS major_group_employment,
               coalesce(t.task_count, 0) AS task_count,
               coalesce(u.used_task_count, 0) AS used_task_count,
               coalesce(u.usage_pct, 0.0) AS usage_pct,
               coalesce(array_to_string(b.codes, ','), '') AS soc_2018_codes,
               w.source_class, w.allowed_use
        FROM wages w
        JOIN described d USING (soc_2010_code)
        LEFT JOIN tasks t USING (soc_2010_code)
        LEFT JOIN used u USING (soc_2010_code)
        LEFT JOIN became b USING (soc_2010_code)
        LEFT JOIN employed e ON e.major_code = left(w.soc_2010_code, 2) || '-0000'
        """,
        economic_index_wages=economic_index_wages,
        economic_index_employment=economic_index_employment,
        economic_index_tasks=economic_index_tasks,
        task_exposure=task_exposure,
        soc_groups=soc_groups,
        soc_crosswalks=soc_crosswalks,
    )


def gdpval_task_map(con: Connection, gdpval_tasks: pa.Table, soc_groups: pa.Table) -> pa.Table:
    """Rows of ``GdpvalTaskMap``: occupation title = detailed SOC title, else = broad SOC title."""
    return query(
        con,
        """
        SELECT t.task_id, t.occupation, t.sector,
               coalesce(d.soc_code, b.soc_code) AS soc_code,
               CASE WHEN d.soc_code IS NOT NULL THEN 'detailed'
                    WHEN b.soc_code IS NOT NULL THEN 'broad' ELSE 'unmatched' END AS soc_match,
               t.has_reference_files, t.has_deliverables, t.rubric_item_count, t.rubric_points,
               joined_classes([t.source_class, d.source_class, b.source_class]) AS source_class,
               strictest_use([t.allowed_use, d.allowed_use, b.allowed_use]) AS allowed_use
        FROM gdpval_tasks t
        LEFT JOIN soc_groups d ON d.title = t.occupation AND d.level = 'detailed'
        LEFT JOIN soc_groups b ON b.title = t.occupation AND b.level = 'broad'
        """,
        gdpval_tasks=gdpval_tasks,
        soc_groups=soc_groups,
    )


def gdpval_soc_map(con: Connection, gdpval_task_map: pa.Table, soc_groups: pa.Table) -> pa.Table:
    """Rows of ``GdpvalSocMap``: matched tasks by SOC group. A broad group keeps all its members."""
    return query(
        con,
        """
        WITH members AS (
          SELECT coalesce(m.broad_code, m.soc_code) AS soc_code, list(m.soc_code) AS codes
          FROM soc_groups m WHERE m.level = 'detailed' GROUP BY 1
        )
        SELECT t.soc_code, any_value(t.occupation) AS occupation,
               array_to_string(list_sort(list(DISTINCT t.sector)), '; ') AS sector,
               any_value(t.soc_match) AS soc_match,
               CASE any_value(t.soc_match) WHEN 'detailed' THEN t.soc_code
                 ELSE coalesce(array_to_string(list_sort(any_value(m.codes)), ','), '') END
                 AS detailed_codes,
               count(*) AS task_count,
               count(*) FILTER (t.has_reference_files) AS reference_task_count,
               count(*) FILTER (t.has_deliverables) AS deliverable_task_count,
               joined_classes(list(t.source_class)) AS source_class,
               strictest_use(list(t.allowed_use)) AS allowed_use
        FROM gdpval_task_map t LEFT JOIN members m USING (soc_code)
        WHERE t.soc_code IS NOT NULL
        GROUP BY t.soc_code
        """,
        gdpval_task_map=gdpval_task_map,
        soc_groups=soc_groups,
    )


def soc_map(
    con: Connection,
    economic_index_exposure: pa.Table,
    legacy_signals: pa.Table,
    gdpval_soc_map: pa.Table,
    soc_groups: pa.Table,
) -> pa.Table:
    """Rows of ``SocMap``: the union of the codes of exposure, legacy signals and GDPval."""
    return query(
        con,
        """
        WITH codes AS (
          SELECT soc_code FROM economic_index_exposure
          UNION SELECT soc_2010_code FROM legacy_signals
          UNION SELECT soc_code FROM gdpval_soc_map
        )
        SELECT c.soc_code,
               coalesce(s.title, l.title, e.title, g.occupation) AS title,
               CASE WHEN s.soc_code IS NOT NULL OR e.soc_code IS NOT NULL OR g.soc_code IS NOT NULL
                 THEN '2018' ELSE '2010' END AS soc_vintage,
               coalesce(l.soc_2018_codes, g.detailed_codes, s.soc_code, e.soc_code)
                 AS soc_2018_codes,
               e.soc_code IS NOT NULL AS has_exposure,
               l.soc_2010_code IS NOT NULL AS has_legacy_signal,
               g.soc_code IS NOT NULL AS has_gdpval,
               e.observed_exposure,
               coalesce(g.task_count, 0) AS gdpval_task_count,
               joined_classes([e.source_class, l.source_class, g.source_class, s.source_class])
                 AS source_class,
               strictest_use([e.allowed_use, l.allowed_use, g.allowed_use, s.allowed_use])
                 AS allowed_use
        FROM codes c
        LEFT JOIN economic_index_exposure e USING (soc_code)
        LEFT JOIN legacy_signals l ON l.soc_2010_code = c.soc_code
        LEFT JOIN gdpval_soc_map g ON g.soc_code = c.soc_code
        LEFT JOIN soc_groups s ON s.soc_code = c.soc_code
        """,
        economic_index_exposure=economic_index_exposure,
        legacy_signals=legacy_signals,
        gdpval_soc_map=gdpval_soc_map,
        soc_groups=soc_groups,
    )


def exposure_measures(
    con: Connection,
    economic_index_exposure: pa.Table,
    working_with_ai_scores: pa.Table,
    gpts_occupations: pa.Table,
) -> pa.Table:
    """Rows of ``ExposureMeasures``: each measure on its own scale, ranked within itself.

    "GPTs are GPTs" rates O*NET occupations; those of one SOC code are brought together by their
    plain mean (``occupation_count`` says how many).
    """
    return query(
        con,
        """
        WITH measured AS (
          SELECT soc_code, 'economic_index' AS measure, observed_exposure AS value,
                 1::BIGINT AS occupation_count, source_class, allowed_use
          FROM economic_index_exposure
          UNION ALL
          SELECT soc_code, 'working_with_ai', applicability, 1::BIGINT, source_class, allowed_use
          FROM working_with_ai_scores
          UNION ALL
          SELECT left(onet_soc_code, 7), 'gpts_are_gpts', round(fsum(model_beta) / count(*), 12),
                 count(*), joined_classes(list(source_class)), strictest_use(list(allowed_use))
          FROM gpts_occupations GROUP BY 1
        ),
        ranked AS (
          SELECT *, round(100 * percent_rank() OVER (PARTITION BY measure ORDER BY value), 10)
                   AS rank_pct
          FROM measured
        )
        SELECT soc_code, measure, value, occupation_count, rank_pct,
               count(*) OVER occupation AS measure_count,
               CASE WHEN count(*) OVER occupation > 1 THEN
                 round(max(rank_pct) OVER occupation - min(rank_pct) OVER occupation, 10) END
                 AS rank_spread,
               source_class, allowed_use
        FROM ranked
        WINDOW occupation AS (PARTITION BY soc_code)
        """,
        economic_index_exposure=economic_index_exposure,
        working_with_ai_scores=working_with_ai_scores,
        gpts_occupations=gpts_occupations,
    )


def exposure_agreement(con: Connection, exposure_measures: pa.Table) -> pa.Table:
    """Rows of ``ExposureAgreement``: Spearman's rho (Pearson over mean ranks) of every pair."""
    return query(
        con,
        """
        WITH pairs AS (
          SELECT a.measure, b.measure AS other_measure, a.value AS value, b.value AS other_value,
                 a.source_class, b.source_class AS other_class, a.allowed_use,
                 b.allowed_use AS other_use
          FROM exposure_measures a
          JOIN exposure_measures b ON a.soc_code = b.soc_code AND a.measure < b.measure
        ),
        ranked AS (
          SELECT *,
            rank() OVER (PARTITION BY measure, other_measure ORDER BY value)
              + (count(*) OVER (PARTITION BY measure, other_measure, value) - 1) / 2 AS r,
            rank() OVER (PARTITION BY measure, other_measure ORDER BY other_value)
              + (count(*) OVER (PARTITION BY measure, other_measure, other_value) - 1) / 2 AS s
          FROM pairs
        )
        SELECT measure, other_measure, count(*) AS occupation_count,
               CASE WHEN count(DISTINCT r) > 1 AND count(DISTINCT s) > 1
                 THEN round(corr(r, s), 9) END AS rank_correlation,
               joined_classes(list(source_class) || list(other_class)) AS source_class,
               strictest_use(list(allowed_use) || list(other_use)) AS allowed_use
        FROM ranked GROUP BY measure, other_measure
        """,
        exposure_measures=exposure_measures,
    )
