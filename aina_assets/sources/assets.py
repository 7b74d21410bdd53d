"""Assets of the upstream room: one fetch step per dataset, one table per kind of file.

Belongs here: declarations. What a file means is in the module named after its publisher.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.vocabulary import AbsenceReason, FileStatus
from aina_assets.sources import (
    bls,
    economic_index,
    gdpval,
    ledger,
    reading,
    research,
    soc,
    tables,
    titles,
)
from aina_assets.sources.catalog import BY_NAME, INPUTS, Input
from aina_assets.sources.fetch import FileState, obtain
from aina_assets.sources.files import UPSTREAM, LockedSources, SourceFiles
from aina_assets.sources.lockfile import SourcesLock, read_lock, sha256_of_file
from aina_assets.sources.reading import CSV, ONET_TEXT, TSV
from aina_assets.warehouse.assets import OWNERS, check_result, table_asset
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.settings import AUTHORED, home
from aina_assets.warehouse.store import Record, finding_fields

GROUP = "sources"
LOCK_INPUT = "sources_lock"
INTACT = "intact"
_CODE_VERSION = code_version_of(["aina_assets.sources.fetch"])


class Sources(dg.ConfigurableResource[Any]):
    """Which lock is built and where its files lie.

    Empty settings mean the bundled sample lock, and as the place of files: beside the lock where
    all its files are local, else ``cache`` below the warehouse root.
    """

    lock_path: str = ""
    cache_path: str = ""
    offline: bool = False

    @property
    def lock_file(self) -> Path:
        """The lock being built."""
        return Path(self.lock_path or AUTHORED / "sample" / "sources.lock.yaml").resolve()

    @cached_property
    def lock(self) -> SourcesLock:
        """The lock, read once."""
        return read_lock(self.lock_file)

    @cached_property
    def cache(self) -> Path:
        """Where the files of the lock lie."""
        if self.cache_path:
            return Path(self.cache_path).resolve()
        if all(source.origin.kind == "local" for source in self.lock.sources.values()):
            return self.lock_file.parent
        return home() / "cache"

    def settings_version(self, input_name: str) -> str:
        """Digest of the lock's entries for an input and of the bytes now on disk for it."""
        if input_name == LOCK_INPUT:
            return digest_of_json(self.lock.model_dump(mode="json"))[:16]
        entries = []
        for _, source, file in self.lock.files_for(input_name):
            path = self.cache / file.path
            found = sha256_of_file(path)[0] if path.is_file() else None
            provenance = source.model_dump(mode="json", exclude={"files", "note", "title"})
            entries.append([provenance, file.model_dump(mode="json"), str(path), found])
        return digest_of_json(entries)[:16]


def obtain_input(sources: Sources, declared: list[Input]) -> dict[str, list[Any]]:
    """For each input of one dataset: ``FileState`` or ``SourceError`` of each of its files."""
    wanted = {item.name for item in declared}
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    for source_name, source in sources.lock.sources.items():
        files = {file.path: file for file in source.files if file.input in wanted}
        if files:
            outcome = obtain(
                source_name, source, cache=sources.cache, inputs=wanted, offline=sources.offline
            )
            for path, result in sorted(outcome.items()):
                found[files[path].input].append(result)
    return found


def _details(sources: Sources, state: FileState) -> dict[str, Any]:
    source = sources.lock.sources[state.source]
    return {
        "path": state.path,
        "local_path": str(state.local_path) if state.local_path else None,
        "source": state.source,
        "status": str(state.status),
        "sha256": state.sha256,
        "size_bytes": state.size_bytes,
        "is_pinned": state.is_pinned,
        "reason": str(state.reason) if state.reason else None,
        "detail": state.detail,
        "release": source.release,
        "source_class": str(source.source_class),
        "allowed_use": str(source.allowed_use),
    }


_NOT_PINNED: dict[str, Any] = {
    "path": "",
    "local_path": None,
    "source": None,
    "status": str(FileStatus.ABSENT),
    "sha256": None,
    "size_bytes": None,
    "is_pinned": False,
    "reason": str(AbsenceReason.NOT_PINNED),
    "detail": "the lock names no file for this input",
}


def _intake(
    context: dg.AssetExecutionContext, name: str, outcomes: list[Any], sources: Sources
) -> Iterator[Any]:
    """The check and, where every file is in order, the record of one input."""
    warehouse: Warehouse = context.resources.warehouse
    key = dg.AssetKey([UPSTREAM, name])
    asset = f"{UPSTREAM}/{name}"
    errors = [outcome for outcome in outcomes if isinstance(outcome, AinaError)]
    if errors:
        finding = Finding(INTACT, False, 0, 0, "; ".join(str(error) for error in errors))
        warehouse.store.refuse(asset, (finding,))
        yield check_result(finding, key)
        return
    files = [_details(sources, state) for state in outcomes] or [_NOT_PINNED]
    detail = "; ".join(f"{item['path'] or name}: {item['detail']}" for item in files)
    finding = Finding(INTACT, True, 0, 0, detail)
    yield check_result(finding, key)
    content = [
        {field: value for field, value in item.items() if field not in ("local_path", "detail")}
        for item in files
    ]
    record = Record(
        asset=asset,
        data_version=digest_of_json(content),
        code_version=_CODE_VERSION,
        settings_version=sources.settings_version(name),
        inputs={},
        findings=(finding_fields(finding),),
        details={"files": files},
    )
    warehouse.store.commit(record)
    present = [item for item in files if item["status"] == FileStatus.PRESENT]
    yield dg.MaterializeResult(
        asset_key=key,
        data_version=dg.DataVersion(record.data_version),
        metadata={
            "status": f"{len(present)} of {len(files)} file(s) present",
            "detail": detail,
            "size_bytes": sum(item["size_bytes"] or 0 for item in present),
            "files": dg.MetadataValue.json(content),
        },
    )


def _spec(declared: Input) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[UPSTREAM, declared.name],
        description=declared.description,
        group_name=UPSTREAM,
        owners=OWNERS,
        kinds={"file", declared.layout},
        code_version=_CODE_VERSION,
        skippable=True,
        tags={"aina/dataset": declared.source},
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn("path", "string", description="File in the lock."),
                    dg.TableColumn("sha256", "string", description="Digest of its bytes."),
                    dg.TableColumn("status", "string", description="Present, or absent and why."),
                ]
            )
        },
    )


def _intact_check(declared: Input) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        INTACT,
        asset=dg.AssetKey([UPSTREAM, declared.name]),
        blocking=True,
        description="every file is there (or may be absent), within its cap, with the pinned bytes",
    )


def upstream_assets(dataset: str) -> dg.AssetsDefinition:
    """The fetch step of ``dataset``: one asset per declared input, checked on its own."""
    declared = [item for item in INPUTS if item.source == dataset]

    @dg.multi_asset(
        name=f"fetch_{dataset}",
        specs=[_spec(item) for item in declared],
        check_specs=[_intact_check(item) for item in declared],
        can_subset=True,
        required_resource_keys={"warehouse", "sources"},
    )
    def fetch(context: dg.AssetExecutionContext) -> Iterator[Any]:
        sources: Sources = context.resources.sources
        selected = [
            item
            for item in declared
            if dg.AssetKey([UPSTREAM, item.name]) in context.selected_asset_keys
        ]
        for name, outcomes in obtain_input(sources, selected).items():
            yield from _intake(context, name, outcomes, sources)

    return fetch


@dg.asset(
    key=[UPSTREAM, LOCK_INPUT],
    group_name=UPSTREAM,
    description="The lock being built: every upstream file with its licence, pin and cap.",
    owners=OWNERS,
    kinds={"file", "yaml"},
    tags={"aina/dataset": "lock"},
    code_version=_CODE_VERSION,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn("sources", "map", description="Sources by name.")]
        )
    },
    required_resource_keys={"warehouse", "sources"},
)
def sources_lock(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    sources: Sources = context.resources.sources
    document = sources.lock.model_dump(mode="json")
    record = Record(
        asset=f"{UPSTREAM}/{LOCK_INPUT}",
        data_version=digest_of_json(document),
        code_version=_CODE_VERSION,
        settings_version=sources.settings_version(LOCK_INPUT),
        inputs={},
        details={"lock": document, "path": str(sources.lock_file)},
    )
    context.resources.warehouse.store.commit(record)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.data_version),
        metadata={"lock": sources.lock.name, "path": str(sources.lock_file)},
    )


UPSTREAM_KEYS = tuple(f"{UPSTREAM}/{name}" for name in BY_NAME)


@table_asset(tables.SourceLedger, group=GROUP, kinds=("yaml",))
def source_ledger(sources_lock: LockedSources) -> pa.Table:
    return ledger.source_ledger(sources_lock)


@table_asset(tables.SourceFiles, group=GROUP, deps=UPSTREAM_KEYS)
def source_files(records: list[Record]) -> pa.Table:
    return ledger.source_files(records)


@table_asset(tables.Occupations, group=GROUP)
def occupations(onet_occupation_data: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_occupation_data, tables.Occupations, ONET_TEXT)


@table_asset(tables.OccupationTasks, group=GROUP)
def occupation_tasks(onet_task_statements: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_task_statements, tables.OccupationTasks, ONET_TEXT)


@table_asset(tables.TaskRatings, group=GROUP)
def task_ratings(onet_task_ratings: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_task_ratings, tables.TaskRatings, ONET_TEXT)


@table_asset(tables.AlternateTitles, group=GROUP)
def alternate_titles(onet_alternate_titles: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_alternate_titles, tables.AlternateTitles, ONET_TEXT)


@table_asset(tables.ReportedTitles, group=GROUP)
def reported_titles(onet_reported_titles: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_reported_titles, tables.ReportedTitles, ONET_TEXT)


@table_asset(tables.WorkActivities, group=GROUP)
def work_activities(onet_dwa_reference: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_dwa_reference, tables.WorkActivities, ONET_TEXT)


@table_asset(tables.WorkActivityGroups, group=GROUP)
def work_activity_groups(onet_iwa_reference: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_iwa_reference, tables.WorkActivityGroups, ONET_TEXT)


@table_asset(tables.TaskWorkActivities, group=GROUP)
def task_work_activities(onet_task_dwas: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_task_dwas, tables.TaskWorkActivities, ONET_TEXT)


@table_asset(tables.TechnologySkills, group=GROUP)
def technology_skills(onet_technology_skills: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_technology_skills, tables.TechnologySkills, ONET_TEXT)


@table_asset(tables.JobZones, group=GROUP)
def job_zones(onet_job_zones: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_job_zones, tables.JobZones, ONET_TEXT)


@table_asset(tables.RelatedOccupations, group=GROUP)
def related_occupations(onet_related_occupations: SourceFiles) -> pa.Table:
    return reading.read_delimited(onet_related_occupations, tables.RelatedOccupations, ONET_TEXT)


@table_asset(tables.SocGroups, group=GROUP)
def soc_groups(soc_structure: SourceFiles) -> pa.Table:
    return soc.soc_groups(soc_structure)


@table_asset(tables.SocCrosswalks, group=GROUP)
def soc_crosswalks(
    soc_2010_to_2018: SourceFiles,
    onet_soc_2010_to_2019: SourceFiles,
    onet_soc_2019_to_soc_2018: SourceFiles,
) -> pa.Table:
    return soc.soc_crosswalks(soc_2010_to_2018, onet_soc_2010_to_2019, onet_soc_2019_to_soc_2018)


@table_asset(tables.EconomicIndexUsage, group=GROUP)
def economic_index_usage(
    economic_index_task_usage: SourceFiles, economic_index_task_usage_v2: SourceFiles
) -> pa.Table:
    return economic_index.economic_index_usage(
        economic_index_task_usage, economic_index_task_usage_v2
    )


@table_asset(tables.EconomicIndexTasks, group=GROUP)
def economic_index_tasks(economic_index_task_statements: SourceFiles) -> pa.Table:
    return reading.read_delimited(economic_index_task_statements, tables.EconomicIndexTasks, CSV)


@table_asset(tables.EconomicIndexInteractions, group=GROUP)
def economic_index_interactions(economic_index_interaction_types: SourceFiles) -> pa.Table:
    return reading.read_delimited(
        economic_index_interaction_types, tables.EconomicIndexInteractions, CSV
    )


@table_asset(tables.EconomicIndexEmployment, group=GROUP)
def economic_index_employment(economic_index_employment: SourceFiles) -> pa.Table:
    return reading.read_delimited(economic_index_employment, tables.EconomicIndexEmployment, CSV)


@table_asset(tables.EconomicIndexWages, group=GROUP)
def economic_index_wages(economic_index_wages: SourceFiles) -> pa.Table:
    return reading.read_delimited(economic_index_wages, tables.EconomicIndexWages, CSV)


@table_asset(tables.EconomicIndexExposure, group=GROUP)
def economic_index_exposure(economic_index_job_exposure: SourceFiles) -> pa.Table:
    return reading.read_delimited(economic_index_job_exposure, tables.EconomicIndexExposure, CSV)


@table_asset(tables.EconomicIndexPenetration, group=GROUP)
def economic_index_penetration(economic_index_task_penetration: SourceFiles) -> pa.Table:
    return reading.read_delimited(
        economic_index_task_penetration, tables.EconomicIndexPenetration, CSV
    )


@table_asset(tables.EconomicIndexRequests, group=GROUP)
def economic_index_requests(
    economic_index_requests_claude_ai: SourceFiles, economic_index_requests_api: SourceFiles
) -> pa.Table:
    return economic_index.economic_index_requests(
        economic_index_requests_claude_ai, economic_index_requests_api
    )


@table_asset(tables.GdpvalTasks, group=GROUP)
def gdpval_tasks(gdpval_train: SourceFiles) -> pa.Table:
    return gdpval.gdpval_tasks(gdpval_train)


@table_asset(tables.BlsWages, group=GROUP)
def bls_wages(bls_oews_national: SourceFiles, bls_oews_series: SourceFiles) -> pa.Table:
    return bls.bls_wages(bls_oews_national, bls_oews_series)


@table_asset(tables.WorkingWithAiActivities, group=GROUP)
def working_with_ai_activities(working_with_ai_iwa: SourceFiles) -> pa.Table:
    return reading.read_delimited(working_with_ai_iwa, tables.WorkingWithAiActivities, CSV)


@table_asset(tables.WorkingWithAiOccupations, group=GROUP)
def working_with_ai_occupations(working_with_ai_soc: SourceFiles) -> pa.Table:
    return reading.read_delimited(working_with_ai_soc, tables.WorkingWithAiOccupations, CSV)


@table_asset(tables.WorkingWithAiScores, group=GROUP)
def working_with_ai_scores(working_with_ai_scores: SourceFiles) -> pa.Table:
    return reading.read_delimited(working_with_ai_scores, tables.WorkingWithAiScores, CSV)


@table_asset(tables.WorkingWithAiWeights, group=GROUP)
def working_with_ai_weights(working_with_ai_weights: SourceFiles) -> pa.Table:
    return research.working_with_ai_weights(working_with_ai_weights)


@table_asset(tables.GptsOccupations, group=GROUP)
def gpts_occupations(gpts_occupations: SourceFiles) -> pa.Table:
    return reading.read_delimited(gpts_occupations, tables.GptsOccupations, CSV)


@table_asset(tables.GptsTasks, group=GROUP)
def gpts_tasks(gpts_tasks: SourceFiles) -> pa.Table:
    return reading.read_delimited(gpts_tasks, tables.GptsTasks, TSV)


@table_asset(tables.TitleIntake, group=GROUP)
def title_intake(title_lists: SourceFiles) -> pa.Table:
    return titles.title_intake(title_lists)


@table_asset(tables.TitleRows, group=GROUP)
def title_rows(title_lists: SourceFiles) -> pa.Table:
    return titles.title_rows(title_lists)
