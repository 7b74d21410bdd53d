"""Assets of the upstream room: one fetch step per dataset, one table per kind of file.

Belongs here: declarations. What a file means is in the module named after its publisher.
"""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property, partial
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
    grades,
    ledger,
    reading,
    recorded,
    research,
    soc,
    tables,
    title_labels,
    titles,
)
from aina_assets.sources.catalog import BY_NAME, INPUTS, Input
from aina_assets.sources.fetch import FileState, obtain
from aina_assets.sources.files import UPSTREAM, SourceFiles
from aina_assets.sources.lockfile import SourcesLock, read_lock
from aina_assets.sources.reading import CSV, ONET_TEXT, TSV, Delimited
from aina_assets.warehouse.assets import OWNERS, check_result, table_asset
from aina_assets.warehouse.code_versions import code_version_of
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_json, sha256_of_file
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.receipts import ReceiptSpec
from aina_assets.warehouse.resources import Warehouse
from aina_assets.warehouse.settings import AUTHORED, home
from aina_assets.warehouse.store import Record, finding_fields
from aina_assets.warehouse.tables import Table

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
        return self.configured(input_name).version

    def configured(self, input_name: str) -> Configured:
        """The lock's entries for an input, and the bytes now on disk for it."""
        lock = self.lock_file.name
        if input_name == LOCK_INPUT:
            version = digest_of_json(self.lock.model_dump(mode="json"))[:16]
            return Configured(version, f"the lock {lock} changed since it was made")
        entries = []
        files: dict[str, str | None] = {}
        for _, source, file in self.lock.files_for(input_name):
            path = self.cache / file.path
            found = sha256_of_file(path)[0] if path.is_file() else None
            provenance = source.model_dump(mode="json", exclude={"files", "note", "title"})
            entries.append([provenance, file.model_dump(mode="json"), str(path), found])
            files[file.path] = found
        said = f"its entry in the lock {lock}, or its place, changed since it was made"
        return Configured(digest_of_json(entries)[:16], said, files)


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
        "retry": state.reason is not None and state.reason.is_worth_retrying,
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
    "retry": False,
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
        {
            field: value
            for field, value in item.items()
            if field not in ("local_path", "detail", "retry")
        }
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


FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=180), fail_window=timedelta(days=400)
)
"""Of a snapshot of upstream files: the slowest publisher here releases once a year."""


def _spec(declared: Input) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[UPSTREAM, declared.name],
        description=declared.description,
        group_name=UPSTREAM,
        owners=OWNERS,
        kinds={"file", declared.layout},
        code_version=_CODE_VERSION,
        skippable=True,
        freshness_policy=FRESHNESS,
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
    """Record the lock, for the ledger and for tracing."""
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


_table = partial(table_asset, group=GROUP)


def _file_table(model: type[Table], layout: Delimited) -> dg.AssetsDefinition:
    """The table of ``model``, whose rows are the rows of one delimited input."""
    (parent,) = model.__parents__
    input_name = parent.table.removeprefix(f"{UPSTREAM}/")

    def read(**inputs: SourceFiles) -> pa.Table:
        return reading.read_delimited(inputs[input_name], model, layout)

    argument = inspect.Parameter(input_name, inspect.Parameter.KEYWORD_ONLY, annotation=SourceFiles)
    read.__signature__ = inspect.Signature([argument])  # type: ignore[attr-defined]
    return _table(model)(read)


source_ledger = _table(tables.SourceLedger, kinds=("yaml",))(ledger.source_ledger)
source_files = _table(
    tables.SourceFiles,
    deps=UPSTREAM_KEYS,
    receipt=ReceiptSpec("source_intake_v1", counted="status"),
)(ledger.source_files)

occupations = _file_table(tables.Occupations, ONET_TEXT)
occupation_tasks = _file_table(tables.OccupationTasks, ONET_TEXT)
task_ratings = _file_table(tables.TaskRatings, ONET_TEXT)
alternate_titles = _file_table(tables.AlternateTitles, ONET_TEXT)
reported_titles = _file_table(tables.ReportedTitles, ONET_TEXT)
work_activities = _file_table(tables.WorkActivities, ONET_TEXT)
work_activity_groups = _file_table(tables.WorkActivityGroups, ONET_TEXT)
task_work_activities = _file_table(tables.TaskWorkActivities, ONET_TEXT)
technology_skills = _file_table(tables.TechnologySkills, ONET_TEXT)
job_zones = _file_table(tables.JobZones, ONET_TEXT)
related_occupations = _file_table(tables.RelatedOccupations, ONET_TEXT)

soc_groups = _table(tables.SocGroups)(soc.soc_groups)
soc_crosswalks = _table(tables.SocCrosswalks)(soc.soc_crosswalks)

economic_index_usage = _table(tables.EconomicIndexUsage)(economic_index.economic_index_usage)
economic_index_tasks = _file_table(tables.EconomicIndexTasks, CSV)
economic_index_interactions = _file_table(tables.EconomicIndexInteractions, CSV)
economic_index_employment = _file_table(tables.EconomicIndexEmployment, CSV)
economic_index_wages = _file_table(tables.EconomicIndexWages, CSV)
economic_index_exposure = _file_table(tables.EconomicIndexExposure, CSV)
economic_index_penetration = _file_table(tables.EconomicIndexPenetration, CSV)
economic_index_requests = _table(tables.EconomicIndexRequests)(
    economic_index.economic_index_requests
)

gdpval_tasks = _table(tables.GdpvalTasks)(gdpval.gdpval_tasks)
bls_wages = _table(tables.BlsWages)(bls.bls_wages)

working_with_ai_activities = _file_table(tables.WorkingWithAiActivities, CSV)
working_with_ai_occupations = _file_table(tables.WorkingWithAiOccupations, CSV)
working_with_ai_scores = _file_table(tables.WorkingWithAiScores, CSV)
working_with_ai_weights = _table(tables.WorkingWithAiWeights)(research.working_with_ai_weights)
gpts_occupations = _file_table(tables.GptsOccupations, CSV)
gpts_tasks = _file_table(tables.GptsTasks, TSV)

title_intake = _table(
    tables.TitleIntake,
    receipt=ReceiptSpec("title_intake_v1", counted="verdict", holds=("refused",)),
)(titles.title_intake)
title_rows = _table(tables.TitleRows)(titles.title_rows)
labelled_titles = _table(tables.LabelledTitles)(title_labels.labelled_titles)
graded_submissions = _table(tables.GradedSubmissions)(grades.graded_submissions)
recorded_decisions = _table(tables.RecordedDecisions)(recorded.recorded_decisions)
