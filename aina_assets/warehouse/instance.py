"""Dagster's own bookkeeping, kept under the warehouse root and made quick enough for many checks.

Belongs here: the one adapter over Dagster's SQLite event log. Dagster opens a new SQLAlchemy engine
for every event it stores; keeping one engine per database file makes a run of 40 assets with 280
checks three times faster (``docs/decisions/0003-event-log.md``). Stays out: anything about tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from aina_assets.warehouse.settings import home


class PooledSqliteEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log with one pooled engine per database file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables_seen: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
            # In WAL mode NORMAL cannot corrupt; a power cut may lose the last log lines only.
            sqlalchemy.event.listen(
                engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=NORMAL")
            )
            self._engines[shard] = engine
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index database has the table; asked for every check event, so remembered."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def dispose(self) -> None:
        """Close every pooled connection."""
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


class WarehouseDagsterStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage at ``<warehouse root>/dagster``, with the pooled event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage.dispose()
        self._event_log_storage = PooledSqliteEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def config_type(cls) -> Any:
        """No settings: the place follows ``AINA_HOME``."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Any,  # noqa: ARG003
    ) -> "WarehouseDagsterStorage":
        """The storage at ``<warehouse root>/dagster``."""
        base_dir = home() / "dagster"
        base_dir.mkdir(parents=True, exist_ok=True)
        return cls(str(base_dir), inst_data=inst_data)
