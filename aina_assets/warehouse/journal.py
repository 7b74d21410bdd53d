"""A journal: entries of text in the order they were recorded, once each, never changed.

Belongs here: recording entries, reading them back, and proving that nothing was altered. A journal
lives in a SQLite file or in PostgreSQL, beside others if need be, in tables named after it. Writers
enter one at a time, so positions have no gaps; each entry carries the digest of the one before it;
triggers refuse any change, whoever asks the database for it. Stays out: what an entry says.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from aina_assets.contracts.errors import (
    IdempotencyConflict,
    LedgerError,
    LedgerMoved,
    LedgerTampered,
)
from aina_assets.warehouse.digests import digest_of_json

SCHEMA_VERSION = 1
BUSY_SECONDS = 30
"""How long a writer waits for the others."""
CONNECT_SECONDS = 10
"""How long a PostgreSQL server has to answer a connection, unless the URL says otherwise."""
BATCH = 1000

_KEYS_AT_ONCE = 500
# Names derived from it must stay below the 63 bytes that PostgreSQL keeps of one.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

# INSERT OR REPLACE deletes without asking the trigger on DELETE, so the one on INSERT looks for
# whatever it would replace.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER {name}_update BEFORE UPDATE ON {name} BEGIN
      SELECT raise(ABORT, '{name} is append-only: UPDATE refused');
    END
    """,
    """
    CREATE TRIGGER {name}_delete BEFORE DELETE ON {name} BEGIN
      SELECT raise(ABORT, '{name} is append-only: DELETE refused');
    END
    """,
    """
    CREATE TRIGGER {name}_insert BEFORE INSERT ON {name}
    WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM {name})
      OR NEW.previous_digest IS NOT (SELECT digest FROM {name} ORDER BY position DESC LIMIT 1)
      OR EXISTS (SELECT 1 FROM {name} WHERE entry_key = NEW.entry_key)
    BEGIN
      SELECT raise(ABORT, '{name} is append-only: not the next record, INSERT refused');
    END
    """,
)
_POSTGRES_TRIGGERS = (
    """
    CREATE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION USING MESSAGE = '{name} is append-only: ' || TG_OP || ' refused';
    END $$
    """,
    """
    CREATE TRIGGER {name}_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse()
    """,
    """
    CREATE FUNCTION {name}_require_next() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      last record;
    BEGIN
      SELECT position, digest INTO last FROM {name} ORDER BY position DESC LIMIT 1;
      IF NEW.position <> coalesce(last.position, 0) + 1
        OR NEW.previous_digest IS DISTINCT FROM last.digest
      THEN
        RAISE EXCEPTION '{name} is append-only: not the next record, INSERT refused';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER {name}_insert BEFORE INSERT ON {name}
    FOR EACH ROW EXECUTE FUNCTION {name}_require_next()
    """,
)
# Whatever the server's defaults are: wait for a lock so long and no longer, and acknowledge a
# commit only when it is on disk.
_POSTGRES_ENTER = sa.text(
    """
    SELECT set_config('lock_timeout', :milliseconds, true),
      CASE WHEN current_setting('synchronous_commit') = 'off'
        THEN set_config('synchronous_commit', 'on', true) END,
      pg_advisory_xact_lock(:lock)
    """
)


class Head(NamedTuple):
    """The last entry: its position and digest; ``(0, None)`` before the first."""

    position: int
    digest: str | None


class NewEntry(NamedTuple):
    """Something to record.

    Attributes:
        stream: whose history it belongs to; what is read back alone.
        key: a digest that is the same for the same entry and for no other of the journal.
        text: what it says, as canonical JSON.
    """

    stream: str
    key: str
    text: str


class Entry(NamedTuple):
    """An entry as the journal holds it.

    Attributes:
        recorded_at: in UTC and of one width, so that texts sort as times do.
        digest: of all the others.
    """

    position: int
    stream: str
    key: str
    recorded_at: str
    text: str
    previous_digest: str | None
    digest: str


_COLUMNS = (
    "position",
    "stream",
    "entry_key",
    "recorded_at",
    "entry",
    "previous_digest",
    "digest",
)
Same = Callable[[Entry, NewEntry], bool]
"""Whether an entry that is recorded and a new one of the same key are the same."""


def canonical_json(value: object) -> str:
    """``value`` as JSON of which equal values have one form.

    Raises:
        ValueError: a figure is not finite.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def same_text(recorded: Entry, new: NewEntry) -> bool:
    """Whether the two say the same to the letter."""
    return recorded.text == new.text


class Journal:
    """An open journal; threads may share it, processes open their own."""

    def __init__(self, engine: sa.Engine, name: str, clock: Callable[[], datetime]) -> None:
        if not _NAME.fullmatch(name):
            raise LedgerError(
                expected=f"a name of the form {_NAME.pattern}",
                found=repr(name),
                where="name of the ledger",
                remedy="name it by small letters, digits and underscores",
            )
        self._engine = engine
        self._writer = engine.execution_options(is_writing=True)
        self._tables = _Tables(name)
        self._clock = clock
        self._where = f"{name} in {engine.url.render_as_string(hide_password=True)}"

    @classmethod
    def open(
        cls, url: str, name: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Self:
        """The journal ``name`` at ``url``, made where there is none.

        Args:
            url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
            name: of its table; small letters, digits and underscores.
            clock: tells an aware time, for ``recorded_at``.

        Raises:
            LedgerError: no such database, it cannot be opened, or a newer version made the journal.
        """
        journal = cls(_engine(url), name, clock)
        try:
            journal._prepare()
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def existing(cls, url: str, name: str) -> Self | None:
        """The journal ``name`` at ``url``; none where there is none, and none is made.

        Raises:
            LedgerError: as ``open``.
        """
        engine = _engine(url)
        if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
            return None
        journal = cls(engine, name, lambda: datetime.now(UTC))
        try:
            version = journal._version()
            if version is not None:
                journal._require_known(version)
                return journal
        except BaseException:
            journal.close()
            raise
        journal.close()
        return None

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append_many(
        self,
        entries: Iterable[NewEntry],
        *,
        same: Same = same_text,
        require_head: tuple[int, str | None] | None = None,
    ) -> list[Entry]:
        """Record all of ``entries`` in order, or none of them; on disk when this returns.

        An entry whose key is recorded already is found, not recorded again.

        Args:
            entries: what to record.
            same: whether it is the same as what is recorded under its key; may raise an
                ``IdempotencyConflict`` of its own.
            require_head: record only where this is still the last entry; what is recorded already
                is found wherever the head is.

        Raises:
            IdempotencyConflict: a key is taken by an entry that is not the same.
            LedgerMoved: something was recorded after ``require_head``.
            LedgerError: the database refused. It is unknown then whether they were recorded; to
                append them again is safe.
        """
        wanted = list(entries)
        if not wanted:
            return []
        with self._writing() as connection:
            known = self._by_key(connection, [new.key for new in wanted])
            position, digest, earliest = connection.execute(self._tables.last).first() or (
                *Head(0, None),
                "",
            )
            head = Head(position, digest)
            # A clock that was set back must not put an entry before those it followed.
            recorded_at = max(as_text(self._clock()), earliest)
            rows = []
            for new in wanted:
                if new.key in known:
                    if not same(known[new.key], new):
                        raise _conflict(known[new.key], new)
                    continue
                previous, position = digest, position + 1
                digest = _digest(position, new.stream, new.key, recorded_at, new.text, previous)
                entry = Entry(
                    position, new.stream, new.key, recorded_at, new.text, previous, digest
                )
                known[new.key] = entry
                rows.append(dict(zip(_COLUMNS, entry, strict=True)))
            if rows and require_head is not None and head != Head(*require_head):
                raise LedgerMoved(
                    expected=f"its last record at position {require_head[0]}, as when you looked",
                    found=f"the last at position {head.position}",
                    where=self._where,
                    remedy="read what was recorded since, decide anew; nothing was recorded",
                )
            if rows:
                connection.execute(self._tables.entries.insert(), rows)
        return [known[new.key] for new in wanted]

    def find(self, key: str) -> Entry | None:
        """What is recorded under ``key``; none where it is free."""
        with self._reading() as connection:
            return self._by_key(connection, [key]).get(key)

    def head(self) -> Head:
        """The last entry's position and digest."""
        with self._reading() as connection:
            last = connection.execute(self._tables.last).first()
        return Head(last.position, last.digest) if last else Head(0, None)

    def entries(
        self,
        stream: str | None = None,
        until: datetime | int | None = None,
        after_position: int = 0,
        batch: int = BATCH,
    ) -> Iterator[Entry]:
        """What is recorded when the first entry is asked for, in order.

        Args:
            stream: of this stream alone.
            until: no further than this time of recording, or this position.
            after_position: only later ones.
            batch: entries held in memory at once.

        Raises:
            LedgerError: ``until`` has no time zone, or ``batch`` is none.
        """
        if isinstance(until, datetime) and until.utcoffset() is None:
            raise LedgerError(
                expected="a time with its zone",
                found=until.isoformat(),
                where="until",
                remedy="give it a tzinfo, such as datetime.UTC",
            )
        return self._entries(stream, until, after_position, batch)

    def verify(
        self, expected_head: tuple[int, str | None] | None = None, batch: int = BATCH
    ) -> Head:
        """Walk the whole chain.

        Without ``expected_head`` a chain whose tail was cut off, or which was made anew from some
        entry on, is as good as any other.

        Args:
            expected_head: a head noted earlier, outside the database. The journal may have grown.
            batch: entries held in memory at once.

        Returns:
            The head that was reached.

        Raises:
            LedgerTampered: names the first position that is not as it was recorded.
        """
        expected = Head(*expected_head) if expected_head is not None else Head(0, None)
        head = Head(0, None)
        recorded_at = ""
        for entry in self._span(None, self.head().position, 0, batch):
            place = head.position + 1
            if entry.position != place:
                raise self._tampered(place, "a record", f"none; the next is {entry.position}")
            if entry.previous_digest != head.digest:
                raise self._tampered(
                    place, f"previous digest {head.digest}", str(entry.previous_digest)
                )
            try:
                digest = _digest(*entry[:-1])
            except (TypeError, ValueError):
                raise self._tampered(place, "text in UTF-8", "something else") from None
            if entry.digest != digest:
                raise self._tampered(place, f"content with digest {entry.digest}", digest)
            if entry.recorded_at < recorded_at:
                raise self._tampered(
                    place, f"recorded at {recorded_at} or later", entry.recorded_at
                )
            if place == expected.position and digest != expected.digest:
                raise self._tampered(place, f"digest {expected.digest}", digest)
            head, recorded_at = Head(place, digest), entry.recorded_at
        if head.position < expected.position:
            raise self._tampered(
                head.position + 1,
                f"records up to {expected.position}",
                f"the last is {head.position}" if head.position else "none",
            )
        return head

    def _prepare(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with self._translated():
                Path(str(self._engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
        version = self._version()
        if version is None:
            with self._writing() as connection:
                version = self._tables.version(connection)
                if version is None:
                    version = self._tables.create(connection)
        self._require_known(version)

    def _version(self) -> int | None:
        with self._reading() as connection:
            return self._tables.version(connection)

    def _require_known(self, version: int) -> None:
        if version != SCHEMA_VERSION:
            raise LedgerError(
                expected=f"a ledger of schema {SCHEMA_VERSION}",
                found=f"schema {version}",
                where=self._where,
                remedy="a newer version of aina-assets made this ledger: use that version",
            )

    def _entries(
        self, stream: str | None, until: datetime | int | None, after: int, batch: int
    ) -> Iterator[Entry]:
        last = self.head().position
        latest = None
        if isinstance(until, datetime):
            latest = as_text(until)
        elif until is not None:
            last = min(last, until)
        for entry in self._span(stream, last, after, batch):
            # Times of recording never fall, so what is past the first later one is later too.
            if latest is not None and entry.recorded_at > latest:
                return
            yield entry

    def _span(self, stream: str | None, last: int, after: int, batch: int) -> Iterator[Entry]:
        """Entries of a span of positions, each batch in a transaction of its own."""
        if batch < 1:
            raise LedgerError(
                expected="at least 1", found=str(batch), where="batch", remedy="ask for more"
            )
        table = self._tables.entries
        at = table.c.position
        span = sa.select(table).where(sa.bindparam("last") >= at).order_by(at).limit(batch)
        if stream is not None:
            span = span.where(table.c.stream == stream)
        span = span.where(sa.bindparam("after") < at)
        while True:
            with self._reading() as connection:
                rows = connection.execute(span, {"after": after, "last": last}).all()
            yield from map(Entry._make, rows)
            if len(rows) < batch:
                return
            after = rows[-1].position

    def _by_key(self, connection: sa.Connection, keys: list[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            rows = connection.execute(self._tables.by_key, {"keys": some})
            found |= {row.entry_key: Entry._make(row) for row in rows}
        return found

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer shares; on disk when it ends well."""
        with self._translated(), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    _POSTGRES_ENTER,
                    {"milliseconds": str(1000 * BUSY_SECONDS), "lock": self._tables.lock},
                )
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()
            raise LedgerError(
                expected="a database that does what it is asked",
                found=said[0] if said else type(error).__name__,
                where=self._where,
                remedy="see to the database, then try again: nothing is recorded twice",
            ) from error
        except UnicodeEncodeError:
            # Not from the error, which quotes what the entry says.
            raise LedgerError(
                expected="text in Unicode",
                found="half a character",
                where=self._where,
                remedy="mend the entry; nothing was recorded",
            ) from None

    def _tampered(self, position: int, expected: str, found: str) -> LedgerTampered:
        return LedgerTampered(
            expected=expected,
            found=found,
            where=f"position {position} of {self._where}",
            remedy="trust nothing from there on; restore the ledger from a copy that verifies",
        )


class _Tables:
    """The two tables of a journal, and what is asked of them again and again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._metadata = sa.MetaData()
        self._schema = sa.Table(
            f"{name}_schema",
            self._metadata,
            sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        )
        self.entries = sa.Table(
            name,
            self._metadata,
            sa.Column(
                "position",
                sa.BigInteger().with_variant(sa.Integer, "sqlite"),
                sa.CheckConstraint("position >= 1"),
                primary_key=True,
                autoincrement=False,
            ),
            sa.Column("stream", sa.Text, nullable=False),
            # A digest: what it is taken of may hold characters that PostgreSQL refuses.
            sa.Column("entry_key", sa.Text, nullable=False, unique=True),
            # Text, because both databases keep it to the letter, and digests are taken of it.
            sa.Column("recorded_at", sa.Text, nullable=False),
            sa.Column("entry", sa.Text, nullable=False),
            sa.Column("previous_digest", sa.Text),
            sa.Column("digest", sa.Text, nullable=False),
            sa.Index(f"{name}_by_stream", "stream", "position"),
        )
        columns = self.entries.c
        at = columns.position
        self.last = sa.select(at, columns.digest, columns.recorded_at).order_by(at.desc()).limit(1)
        self.by_key = sa.select(self.entries).where(
            columns.entry_key.in_(sa.bindparam("keys", expanding=True))
        )

    @cached_property
    def lock(self) -> int:
        """Of the advisory locks of a whole PostgreSQL database, one that nothing else uses."""
        digest = hashlib.sha256(f"aina ledger {self._name}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    def version(self, connection: sa.Connection) -> int | None:
        """The version of the schema; none where there is no journal yet."""
        if not sa.inspect(connection).has_table(self._schema.name):
            return None
        return connection.scalar(
            sa.select(sa.func.coalesce(sa.func.max(self._schema.c.version), 0))
        )

    def create(self, connection: sa.Connection) -> int:
        """Make the tables, and what keeps them from being changed; their version."""
        self._metadata.create_all(connection)
        is_sqlite = connection.dialect.name == "sqlite"
        for statement in _SQLITE_TRIGGERS if is_sqlite else _POSTGRES_TRIGGERS:
            connection.exec_driver_sql(statement.format(name=self._name))
        connection.execute(self._schema.insert(), {"version": SCHEMA_VERSION})
        return SCHEMA_VERSION


def as_text(moment: datetime) -> str:
    """``moment`` in UTC and of one width, so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _digest(
    position: int,
    stream: str,
    key: str,
    recorded_at: str,
    text: str,
    previous_digest: str | None,
) -> str:
    return digest_of_json(
        {
            "position": position,
            "stream": stream,
            "entry_key": key,
            "recorded_at": recorded_at,
            "entry": text,
            "previous_digest": previous_digest,
        }
    )


def _conflict(recorded: Entry, new: NewEntry) -> IdempotencyConflict:
    return IdempotencyConflict(
        expected=f"the entry again, as recorded at position {recorded.position}",
        found="an entry with other content",
        where=f"stream {new.stream}, key {new.key}",
        remedy="repeat an entry unchanged; give another entry a key of its own",
    )


def _engine(url: str) -> sa.Engine:
    try:
        place = sa.make_url(url)
    except ArgumentError:
        raise _no_such_database("something else") from None
    backend = place.get_backend_name()
    if backend == "sqlite":
        if place.database in (None, "", ":memory:"):
            raise _no_such_database("a database in memory, which keeps nothing")
        engine = sa.create_engine(
            place, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        waits = {} if "connect_timeout" in place.query else {"connect_timeout": CONNECT_SECONDS}
        try:
            return sa.create_engine(
                place.set(drivername="postgresql+psycopg"),
                # A stricter one would not see what was recorded while it waited for the lock.
                isolation_level="READ COMMITTED",
                connect_args=waits,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except ModuleNotFoundError as error:
            raise LedgerError(
                expected="the driver psycopg",
                found=str(error),
                where=place.render_as_string(hide_password=True),
                remedy="install aina-assets with the extra postgres",
            ) from error
    raise _no_such_database(backend)


def _no_such_database(found: str) -> LedgerError:
    return LedgerError(
        expected="sqlite:///path or postgresql+psycopg://…",
        found=found,
        where="URL of the ledger",
        remedy="give the URL of a database of one of these kinds",
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes too late and takes no lock; see _begin_sqlite.
    connection.isolation_level = None
    # Damaged text must reach whoever can say where it lies, not end the query.
    connection.text_factory = _decoded
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
        # SQLite does not wait for others when it changes the journal.
        for attempt in Retrying(
            retry=retry_if_exception(_is_busy),
            stop=stop_after_delay(BUSY_SECONDS),
            wait=wait_random(0.01, 0.1),
            reraise=True,
        ):
            with attempt:
                cursor.execute("PRAGMA journal_mode = WAL")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _is_busy(error: BaseException) -> bool:
    # The low byte, as there are several ways of being busy.
    code = error.sqlite_errorcode if isinstance(error, sqlite3.Error) else 0
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _begin_sqlite(connection: sa.Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
