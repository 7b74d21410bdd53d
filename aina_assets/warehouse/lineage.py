"""Lineage: from one row back to the rows, files, hashes and licences it came from.

Belongs here: walking the parents that table models declare (``tables.Parent``) over what the store
holds, and the same knowledge as OpenLineage events for other catalogues. Stays out: any particular
table, and how a trace looks (``cli_render``).

What a record holds is read as plain data: the record of ``upstream/<input>`` lists its files under
``details["files"]``, that of ``upstream/sources_lock`` has the lock under ``details["lock"]``.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.errors import AinaError, SnapshotMissing
from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.store import Record, Store
from aina_assets.warehouse.tables import Parent, Table, arrow_schema, columns_of, describe

UPSTREAM_PREFIX = "upstream/"
AUTHORED_PREFIX = "authored/"
LEDGER_PREFIX = "ledger/"
LOCK_ASSET = "upstream/sources_lock"
SOURCE_ROW = "source_row"
SHOWN_KEYS = 5

PRODUCER = "urn:aina:aina-assets"
_SPEC = "https://openlineage.io/spec"
_RUN_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    # facet: (version of its schema, its name there)
    "schema": ("1-1-1", "SchemaDatasetFacet"),
    "dataSource": ("1-0-1", "DatasourceDatasetFacet"),
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
    "documentation": ("1-0-1", "DocumentationDatasetFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "tags": ("1-0-0", "TagsDatasetFacet"),
    "jobTags": ("1-0-0", "TagsJobFacet"),
}


# ------------------------------------------------------------------------------------- the trace


@dataclass(frozen=True)
class TracedField:
    """One value of a row.

    Attributes:
        name: the column.
        value: what it holds.
        sources: the columns it came from, ``table.column`` or ``upstream/<input>.<file column>``.
    """

    name: str
    value: Any
    sources: tuple[str, ...]


@dataclass(frozen=True)
class TracedFile:
    """One upstream file that a row came from.

    Attributes:
        input: the declared input it feeds.
        path: its path in the lock; empty where the lock names none.
        status: whether it is there.
        sha256: digest of its bytes.
        size_bytes: its size.
        source: name of its source in the lock.
        publisher: who publishes it.
        release: the publisher's version.
        licence: as declared; None where none is declared (or the source is unknown, see ``note``).
        licence_url: where the licence is stated.
        source_class: what kind of truth it can support.
        allowed_use: what its licence allows.
        pin: what the lock pins it to.
        detail: how it was had, or why it is absent.
        source_row: the row's number in it, from 1; None for tables that do not keep it.
        is_other_version: the table was made from another version of this input.
        note: what could not be told.
    """

    input: str
    path: str
    status: str
    sha256: str | None
    size_bytes: int | None
    source: str | None
    publisher: str | None
    release: str | None
    licence: str | None
    licence_url: str | None
    source_class: str | None
    allowed_use: str | None
    pin: str | None
    detail: str | None
    source_row: int | None
    is_other_version: bool
    note: str | None = None


@dataclass(frozen=True)
class TracedRow:
    """One row, and what it came from.

    Attributes:
        key: values of its key columns, joined by ``|``.
        fields: its values, in column order.
        parents: the rows of upstream tables it came from, one trace a declared parent.
        files: the upstream files it came from.
        is_followed_above: it stands further up in the trace, with its parents; here without.
    """

    key: str
    fields: tuple[TracedField, ...]
    parents: tuple[Trace, ...]
    files: tuple[TracedFile, ...]
    is_followed_above: bool = False


@dataclass(frozen=True)
class TracedInput:
    """One direct input of a table, as its record names it.

    Attributes:
        asset: the input.
        data_version: the version the table was made from.
        is_current: whether that is the version stored now.
    """

    asset: str
    data_version: str
    is_current: bool


@dataclass(frozen=True)
class Trace:
    """Rows of one table, and what each of them came from.

    Attributes:
        table: the table.
        key_columns: the columns that identify a row.
        data_version: content digest of its current snapshot.
        code_version: digest of the code that made it.
        snapshot: the snapshot file, below the warehouse root.
        snapshot_sha256: digest of that file; its bytes were verified.
        matched: how the rows were found.
        row_count: how many there are.
        rows: the first of them.
        inputs: everything the table was made from.
        is_whole_table: the table counts as a whole; no single row is behind the row below.
        is_other_version: the table below was made from another version of this one.
        is_refused: the latest attempt to rebuild it failed; this is its last accepted version.
    """

    table: str
    key_columns: tuple[str, ...]
    data_version: str
    code_version: str
    snapshot: str | None
    snapshot_sha256: str | None
    matched: str
    row_count: int
    rows: tuple[TracedRow, ...]
    inputs: tuple[TracedInput, ...]
    is_whole_table: bool = False
    is_other_version: bool = False
    is_refused: bool = False


def trace(
    store: Store,
    models: Mapping[str, type[Table]],
    table: str,
    key: str,
    *,
    rows_per_parent: int = 5,
) -> Trace:
    """Where the rows of ``table`` with ``key`` came from, down to files.

    A parent is found by the columns its model declares, so a trace names every row that could have
    contributed; rows are those of the current snapshots, and what was made from an older one says
    so. Tables that declare no parents are made from whole tables: their ``inputs`` name these.

    Args:
        store: the warehouse.
        models: every table's model, by table name.
        table: the table.
        key: values of its key columns, joined by ``|`` or ``/``; nothing stands for null.
        rows_per_parent: how many rows of each table are followed; ``row_count`` has them all.

    Raises:
        AinaError: there is no such table, no such row, or the key has another number of parts.
        SnapshotMissing: the table, or one it was made from, was never built.
        SnapshotCorrupt: stored bytes are not the recorded ones.
    """
    model = _model_named(table, models)
    tracer = _Tracer(store, models, rows_per_parent)
    frame = tracer.frame(table)
    found = _rows_with_key(frame, model, key)
    if not found.num_rows:
        raise _no_such_row(frame, model, table, key)
    return tracer.trace(table, found, f"{'|'.join(model.__key__)} = {key}")


def trace_document(trace: Trace) -> dict[str, Any]:
    """``trace`` as plain JSON values."""
    document: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(trace)))
    return document


def column_sources(model: type[Table]) -> dict[str, tuple[str, ...]]:
    """The columns each column of ``model`` came from; columns that name none are left out.

    A column computed from tables names ``table.column``; one read from a file names
    ``upstream/<input>.<file column>`` for every input the table is read from.
    """
    inputs = dict.fromkeys(item.table for item in model.__parents__ if _is_file(item))
    sources: dict[str, tuple[str, ...]] = {}
    for name, column in columns_of(model).items():
        options = column.metadata or {}
        named = list(options.get("from", ()))
        if "header" in options:
            named += [f"{asset}.{options['header']}" for asset in inputs]
        if named:
            sources[name] = tuple(named)
    return sources


class _Tracer:
    """One walk: every record and snapshot is read, and verified, once."""

    def __init__(
        self, store: Store, models: Mapping[str, type[Table]], rows_per_parent: int
    ) -> None:
        self.store = store
        self.models = models
        self.rows_per_parent = rows_per_parent
        self._records: dict[str, Record | None] = {}
        self._frames: dict[str, pa.Table] = {}
        self._followed: set[tuple[str, str]] = set()

    def record(self, asset: str) -> Record:
        found = self._current(asset)
        if found is None:
            raise SnapshotMissing(
                expected="a stored snapshot",
                found="none",
                where=asset,
                remedy=f"build it first: aina build --select 'key:\"{asset}\"'",
            )
        return found

    def _current(self, asset: str) -> Record | None:
        if asset not in self._records:
            self._records[asset] = self.store.record(asset)
        return self._records[asset]

    def frame(self, table: str) -> pa.Table:
        if table not in self._frames:
            self._frames[table] = self.store.open_snapshot(self.record(table))
        return self._frames[table]

    def trace(
        self, table: str, found: pa.Table, matched: str, below: Record | None = None
    ) -> Trace:
        """The rows ``found`` of ``table``; ``below`` is the table that was made from it."""
        model = _model_named(table, self.models)
        record = self.record(table)
        shown = found.slice(0, self.rows_per_parent)
        keys = _key_texts(shown, model, "|").to_pylist()
        values = shown.to_pylist()
        rows = [self._row(model, record, *item) for item in zip(keys, values, strict=True)]
        return self._described(record, matched, found.num_rows, tuple(rows), below)

    def _whole(self, table: str, below: Record) -> Trace:
        record = self.record(table)
        row_count = record.row_count or 0
        described = self._described(record, "the whole table", row_count, (), below)
        return dataclasses.replace(described, is_whole_table=True)

    def _described(
        self,
        record: Record,
        matched: str,
        row_count: int,
        rows: tuple[TracedRow, ...],
        below: Record | None,
    ) -> Trace:
        return Trace(
            table=record.asset,
            key_columns=_model_named(record.asset, self.models).__key__,
            data_version=record.data_version,
            code_version=record.code_version,
            snapshot=record.snapshot,
            snapshot_sha256=record.snapshot_sha256,
            matched=matched,
            row_count=row_count,
            rows=rows,
            inputs=tuple(
                TracedInput(asset, version, self._is_current(asset, version))
                for asset, version in sorted(record.inputs.items())
            ),
            is_other_version=_made_from_another(below, record),
            is_refused=self.store.refusal(record.asset) is not None,
        )

    def _is_current(self, asset: str, version: str) -> bool:
        current = self._current(asset)
        return current is not None and current.data_version == version

    def _row(
        self, model: type[Table], record: Record, key: str, values: dict[str, Any]
    ) -> TracedRow:
        apart = [item for item in model.__parents__ if not _applies(item, values)]
        others = {item.table for item in model.__parents__ if item not in apart}
        silent = {item.table for item in apart} - others
        sources = column_sources(model)
        fields = tuple(
            TracedField(
                name,
                value,
                tuple(
                    source
                    for source in sources.get(name, ())
                    if source.partition(".")[0] not in silent
                ),
            )
            for name, value in values.items()
        )
        # Paths to a row multiply with every table between; one of them says what is above it.
        place = (record.asset, key)
        is_followed = place in self._followed
        self._followed.add(place)
        parents, files = [], []
        for parent in model.__parents__:
            if parent in apart:
                continue
            if _is_file(parent):
                files += self._files(parent, values, record)
            elif is_followed:
                continue
            elif parent.on:
                found = _matching(self.frame(parent.table), parent, values)
                matched = _sentence(parent)
                parents.append(self.trace(parent.table, found, matched, record))
            else:
                parents.append(self._whole(parent.table, record))
        return TracedRow(key, fields, tuple(parents), tuple(files), is_followed)

    def _files(self, parent: Parent, values: Mapping[str, Any], below: Record) -> list[TracedFile]:
        record = self.record(parent.table)
        entries = [
            entry
            for entry in _file_entries(record)
            if all(
                values[column] is not None and str(entry.get(field)) == str(values[column])
                for column, field in parent.on
            )
        ]
        # A file that is absent gave no row; where none is there, it says why.
        there = [entry for entry in entries if entry["status"] == "present"]
        is_other = _made_from_another(below, record)
        lock = self._current(LOCK_ASSET)
        row = values.get(SOURCE_ROW)
        return [
            _traced_file(record, entry, lock, row, is_other_version=is_other)
            for entry in there or entries
        ]


def _is_file(parent: Parent) -> bool:
    return parent.table.startswith((UPSTREAM_PREFIX, AUTHORED_PREFIX, LEDGER_PREFIX))


def _applies(parent: Parent, values: Mapping[str, Any]) -> bool:
    return all(
        values[column] is not None and str(values[column]) == value
        for column, value in parent.where
    )


def _made_from_another(below: Record | None, record: Record) -> bool:
    if below is None:
        return False
    return below.inputs.get(record.asset, record.data_version) != record.data_version


def _matching(frame: pa.Table, parent: Parent, values: Mapping[str, Any]) -> pa.Table:
    """The rows of ``frame`` that ``parent`` says a row with ``values`` came from."""
    for name, text in parent.only:
        frame = frame.filter(pc.equal(_texts(frame, parent.table, name), text))
    for column, target in parent.on:
        value = values[column]
        if value is None:
            return frame.slice(0, 0)
        how, _, name = target.rpartition(":")
        texts = _texts(frame, parent.table, name)
        if how == "prefix":
            keep = pc.starts_with(texts, pattern=str(value))
        elif how == "in":
            wanted = value if isinstance(value, list) else str(value).split(",")
            keep = pc.is_in(texts, value_set=pa.array([str(item) for item in wanted], pa.string()))
        else:
            keep = pc.equal(_column(frame, parent.table, name), value)
        frame = frame.filter(keep)
    return frame


def _sentence(parent: Parent) -> str:
    """How rows of ``parent`` are found, in words; "its" is the row they are found for."""
    ways = {"prefix": "starts with", "in": "is one of", "": "="}
    parts = []
    for column, target in parent.on:
        how, _, name = target.rpartition(":")
        parts.append(f"the same {name}" if column == target else f"{name} {ways[how]} its {column}")
    parts += [f"{name} = '{text}'" for name, text in parent.only]
    return " and ".join(parts)


def _texts(frame: pa.Table, table: str, name: str) -> pa.ChunkedArray:
    return pc.cast(_column(frame, table, name), pa.string())


def _column(frame: pa.Table, table: str, name: str) -> pa.ChunkedArray:
    if name not in frame.column_names:
        raise AinaError(
            expected=f"a column {name!r}, which a model declares as the origin of its rows",
            found=f"the columns {', '.join(frame.column_names)}",
            where=table,
            remedy="the models are newer than the snapshots: run `aina build`",
        )
    return frame[name]


# --------------------------------------------------------------------------------------- the key


def _model_named(table: str, models: Mapping[str, type[Table]]) -> type[Table]:
    if table not in models:
        close = difflib.get_close_matches(table, models, n=3)
        raise AinaError(
            expected="a table of the warehouse",
            found=f"{table!r}",
            where="trace",
            remedy=f"did you mean {', '.join(close)}?"
            if close
            else f"name one of {', '.join(sorted(models))}",
        )
    return models[table]


def _key_texts(frame: pa.Table, model: type[Table], separator: str) -> pa.ChunkedArray:
    parts = [pc.fill_null(pc.cast(frame[name], pa.string()), "") for name in model.__key__]
    return pc.binary_join_element_wise(*parts, separator)


def _rows_with_key(frame: pa.Table, model: type[Table], key: str) -> pa.Table:
    # Key values may hold a separator themselves (paths do), so texts are joined, not split.
    for separator in "|/":
        found = frame.filter(pc.equal(_key_texts(frame, model, separator), key))
        if found.num_rows:
            return found
    return frame.slice(0, 0)


def _no_such_row(frame: pa.Table, model: type[Table], table: str, key: str) -> AinaError:
    columns = "|".join(model.__key__)
    wanted = len(model.__key__)
    counts = [key.count(separator) + 1 for separator in "|/"]
    examples = _keys_like(_key_texts(frame, model, "|"), key)
    remedy = f"keys of {table} ({columns}) look like {', '.join(map(repr, examples))}"
    if not examples:
        remedy = f"{table} has no rows"
    if wanted > 1 and wanted not in counts:
        return AinaError(
            expected=f"a key of {wanted} parts, {columns}",
            found=f"{max(counts)} part{'s' if max(counts) > 1 else ''}, {key!r}",
            where=table,
            remedy=remedy,
        )
    return AinaError(
        expected=f"a row whose {columns} is {key!r}",
        found=f"none among {frame.num_rows:,} rows",
        where=table,
        remedy=remedy,
    )


def _keys_like(keys: pa.ChunkedArray, key: str) -> list[str]:
    """A few existing keys, those that share the longest beginning with ``key``."""
    for length in range(len(key), -1, -1):
        alike = keys.filter(pc.starts_with(keys, pattern=key[:length]))
        if len(alike):
            shown: list[str] = alike.slice(0, SHOWN_KEYS).to_pylist()
            return shown
    return []


# ----------------------------------------------------------------------------------------- files


def _file_entries(record: Record) -> list[Mapping[str, Any]]:
    """The files behind ``record``; a record without a list is about one file, the lock."""
    entries = record.details.get("files")
    if entries is None:
        return [{"path": str(record.details.get("path", "")), "status": "present"}]
    return list(entries)


def _traced_file(
    record: Record,
    entry: Mapping[str, Any],
    lock: Record | None,
    source_row: int | None,
    *,
    is_other_version: bool,
) -> TracedFile:
    source = entry.get("source")
    known = lock.details.get("lock", {}).get("sources", {}) if lock else {}
    declared = known.get(source, {})
    note = None
    if source and not declared:
        note = f"the lock stored now does not name {source}: publisher, licence and pin are unknown"
    return TracedFile(
        input=record.asset.removeprefix(UPSTREAM_PREFIX),
        path=entry["path"],
        status=entry["status"],
        sha256=entry.get("sha256"),
        size_bytes=entry.get("size_bytes"),
        source=source,
        publisher=declared.get("publisher"),
        release=entry.get("release", declared.get("release")),
        licence=declared.get("licence"),
        licence_url=declared.get("licence_url"),
        source_class=entry.get("source_class"),
        allowed_use=entry.get("allowed_use"),
        pin=_pin(declared["origin"]) if "origin" in declared else None,
        detail=entry.get("detail"),
        source_row=source_row if entry["status"] == "present" else None,
        is_other_version=is_other_version,
        note=note,
    )


def _pin(origin: Mapping[str, Any]) -> str:
    """What an origin pins its files to, in one line: its kind, place and revision."""
    place = origin.get("repository") or origin.get("url") or origin.get("base_url")
    if place is None:
        return "files on disk"
    revision = f"@{origin['revision']}" if origin.get("revision") else ""
    return f"{origin.get('kind', '')} {place}{revision}".strip()


# ----------------------------------------------------------------------------------- OpenLineage


def openlineage_events(
    store: Store,
    models: Mapping[str, type[Table]],
    *,
    namespace: str,
    event_time: datetime.datetime,
    job_version: str | None = None,
) -> list[dict[str, Any]]:
    """One OpenLineage run event (spec 2-0-2) for every current record, in key order.

    Datasets are assets, named by their key; the upstream files are datasets ``file/<path>``. The
    run id follows from the record: what did not change is the same run in every export.

    Args:
        store: the warehouse.
        models: every table's model, by table name.
        namespace: namespace of all jobs and datasets.
        event_time: when the events are said to have happened, with its time zone.
        job_version: version of the project, as a tag of every job.
    """
    lock = store.record(LOCK_ASSET)
    return [
        {
            "eventType": "COMPLETE",
            "eventTime": event_time.isoformat(),
            "producer": PRODUCER,
            "schemaURL": _RUN_EVENT,
            "run": {"runId": _run_id(namespace, record)},
            "job": _job(namespace, record, job_version),
            "inputs": list(_input_datasets(namespace, record, lock)),
            "outputs": [_output_dataset(namespace, record, models.get(record.asset))],
        }
        for record in store.records()
    ]


def _run_id(namespace: str, record: Record) -> str:
    made = digest_of_json(
        [record.data_version, record.code_version, record.settings_version, dict(record.inputs)]
    )
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}/{namespace}/{record.asset}/{made}"))


def _facet(kind: str, **content: Any) -> dict[str, Any]:
    version, name = _FACETS[kind]
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}",
        **content,
    }


def _tags(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"key": key, "value": str(value), "source": "aina"}
        for key, value in values.items()
        if value is not None
    ]


def _job(namespace: str, record: Record, job_version: str | None) -> dict[str, Any]:
    tags = {
        "code_version": record.code_version,
        "settings_version": record.settings_version,
        "job_version": job_version,
    }
    facets = {"tags": _facet("jobTags", tags=_tags(tags))}
    return {"namespace": namespace, "name": record.asset, "facets": facets}


def _dataset(namespace: str, name: str, version: str | None, **facets: Any) -> dict[str, Any]:
    if version is not None:
        facets["version"] = _facet("version", datasetVersion=version)
    return {"namespace": namespace, "name": name, "facets": facets}


def _input_datasets(
    namespace: str, record: Record, lock: Record | None
) -> Iterator[dict[str, Any]]:
    for asset, version in sorted(record.inputs.items()):
        yield _dataset(namespace, asset, version)
    for entry in record.details.get("files", ()):
        if entry["status"] != "present":
            continue
        file = _traced_file(record, entry, lock, None, is_other_version=False)
        tags = {
            "source": file.source,
            "release": file.release,
            "licence": file.licence if file.licence or file.note else "none declared",
            "licence_url": file.licence_url,
            "source_class": file.source_class,
            "allowed_use": file.allowed_use,
            "pin": file.pin,
        }
        yield _dataset(
            namespace,
            f"file/{file.path}",
            file.sha256,
            dataSource=_facet("dataSource", name=str(file.source)),
            tags=_facet("tags", tags=_tags(tags)),
        )


def _output_dataset(namespace: str, record: Record, model: type[Table] | None) -> dict[str, Any]:
    facets: dict[str, Any] = {"dataSource": _facet("dataSource", name=namespace)}
    if model is not None:
        facets["documentation"] = _facet("documentation", description=describe(model))
        facets["schema"] = _facet("schema", fields=_schema_fields(model))
        sources = column_sources(model)
        if sources:
            lineage = {
                name: {"inputFields": [_input_field(namespace, item) for item in items]}
                for name, items in sources.items()
            }
            facets["columnLineage"] = _facet("columnLineage", fields=lineage)
    dataset = _dataset(namespace, record.asset, record.data_version, **facets)
    if record.row_count is not None:
        statistics = _facet("outputStatistics", rowCount=record.row_count)
        dataset["outputFacets"] = {"outputStatistics": statistics}
    return dataset


def _schema_fields(model: type[Table]) -> Sequence[dict[str, str]]:
    columns = columns_of(model)
    return [
        {
            "name": field.name,
            "type": str(field.type),
            "description": columns[field.name].description or "",
        }
        for field in arrow_schema(model)
    ]


def _input_field(namespace: str, source: str) -> dict[str, str]:
    dataset, _, field = source.partition(".")
    return {"namespace": namespace, "name": dataset, "field": field}
