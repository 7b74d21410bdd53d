"""Assets of the work graph: declarations only; what they compute is in ``maps`` and ``audits``."""

import duckdb
import pyarrow as pa

from aina_assets.warehouse.assets import table_asset
from aina_assets.work_graph import audits, maps, tables

GROUP = "work_graph"

Connection = duckdb.DuckDBPyConnection


@table_asset(tables.TaskExposure, group=GROUP)
def task_exposure(
    con: Connection,
    economic_index_tasks: pa.Table,
    economic_index_usage: pa.Table,
    soc_crosswalks: pa.Table,
) -> pa.Table:
    return maps.task_exposure(con, economic_index_tasks, economic_index_usage, soc_crosswalks)


@table_asset(tables.LegacySignals, group=GROUP)
def legacy_signals(
    con: Connection,
    economic_index_wages: pa.Table,
    economic_index_employment: pa.Table,
    economic_index_tasks: pa.Table,
    task_exposure: pa.Table,
    soc_groups: pa.Table,
    soc_crosswalks: pa.Table,
) -> pa.Table:
    return maps.legacy_signals(
        con,
        economic_index_wages,
        economic_index_employment,
        economic_index_tasks,
        task_exposure,
        soc_groups,
        soc_crosswalks,
    )


@table_asset(tables.GdpvalTaskMap, group=GROUP)
def gdpval_task_map(con: Connection, gdpval_tasks: pa.Table, soc_groups: pa.Table) -> pa.Table:
    return maps.gdpval_task_map(con, gdpval_tasks, soc_groups)


@table_asset(tables.GdpvalSocMap, group=GROUP)
def gdpval_soc_map(con: Connection, gdpval_task_map: pa.Table, soc_groups: pa.Table) -> pa.Table:
    return maps.gdpval_soc_map(con, gdpval_task_map, soc_groups)


@table_asset(tables.SocMap, group=GROUP)
def soc_map(
    con: Connection,
    economic_index_exposure: pa.Table,
    legacy_signals: pa.Table,
    gdpval_soc_map: pa.Table,
    soc_groups: pa.Table,
) -> pa.Table:
    return maps.soc_map(con, economic_index_exposure, legacy_signals, gdpval_soc_map, soc_groups)


@table_asset(tables.ExposureMeasures, group=GROUP)
def exposure_measures(
    con: Connection,
    economic_index_exposure: pa.Table,
    working_with_ai_scores: pa.Table,
    gpts_occupations: pa.Table,
) -> pa.Table:
    return maps.exposure_measures(
        con, economic_index_exposure, working_with_ai_scores, gpts_occupations
    )


@table_asset(tables.ExposureAgreement, group=GROUP)
def exposure_agreement(con: Connection, exposure_measures: pa.Table) -> pa.Table:
    return maps.exposure_agreement(con, exposure_measures)


@table_asset(tables.SocJoinReport, group=GROUP)
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
    return audits.soc_join_report(
        con,
        soc_groups,
        soc_crosswalks,
        occupations=occupations,
        economic_index_exposure=economic_index_exposure,
        economic_index_wages=economic_index_wages,
        economic_index_tasks=economic_index_tasks,
        working_with_ai_scores=working_with_ai_scores,
        gpts_occupations=gpts_occupations,
        bls_wages=bls_wages,
        gdpval_soc_map=gdpval_soc_map,
    )


@table_asset(tables.PublishedFindings, group=GROUP)
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
    return audits.published_findings(
        con,
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


@table_asset(tables.HfIngestSummary, group=GROUP)
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
    return audits.hf_ingest_summary(
        con,
        source_ledger=source_ledger,
        source_files=source_files,
        economic_index_exposure=economic_index_exposure,
        legacy_signals=legacy_signals,
        gdpval_task_map=gdpval_task_map,
        gdpval_soc_map=gdpval_soc_map,
        soc_map=soc_map,
        task_exposure=task_exposure,
    )
