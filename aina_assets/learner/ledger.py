"""The learner event ledger: what happened, in the order it was recorded, never changed.

Belongs here: recording events once each, reading them back, and proving that nothing was altered.
It lives in a SQLite file or in PostgreSQL. Writers enter one at a time, so positions have no gaps;
each record carries the digest of the one before it; triggers refuse any change, whoever asks the
database for it. Stays out: what the events amount to (``replay``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from aina_assets.contracts.errors import IdempotencyConflict, LedgerError, LedgerTampered
from aina_assets.contracts.learner import LearnerEvent, LearnerId, RecordedEvent
from aina_assets.warehouse.digests import digest_of_json

SCHEMA_VERSION = 1
BUSY_SECONDS = 30
"""How long a writer waits for the others."""
BATCH = 1000

_KEYS_AT_ONCE = 500
# Of advisory locks of the whole PostgreSQL database, so any number that nothing else uses.
_POSTGRES_LOCK = 0x61696E61_6C656467

_METADATA = sa.MetaData()
_SCHEMA = sa.Table(
    "learner_ledger_schema",
    _METADATA,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)
_EVENTS = sa.Table(
    "learner_events",
    _METADATA,
    sa.Column(
        "position",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.CheckConstraint("position >= 1"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("learner_id", sa.Text, nullable=False),
    # A digest of learner and idempotency key: a key may hold characters that PostgreSQL refuses.
    sa.Column("event_key", sa.Text, nullable=False, unique=True),
    # Text, because both databases keep it to the letter, and digests are taken of it.
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("previous_digest", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Index("learner_events_by_learner", "learner_id", "position"),
)
_AT = _EVENTS.c.position
_BY_KEY = sa.select(_EVENTS).where(_EVENTS.c.event_key.in_(sa.bindparam("keys", expanding=True)))
_LAST = sa.select(_AT, _EVENTS.c.digest, _EVENTS.c.recorded_at).order_by(_AT.desc()).limit(1)

# INSERT OR REPLACE deletes without asking the trigger on DELETE, so the one on INSERT looks for
# whatever it would replace.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER learner_events_update BEFORE UPDATE ON learner_events BEGIN
      SELECT raise(ABORT, 'learner_events is append-only: UPDATE refused');
    END
    """,
    """
    CREATE TRIGGER learner_events_delete BEFORE DELETE ON learner_events BEGIN
      SELECT raise(ABORT, 'learner_events is append-only: DELETE refused');
    END
    """,
    """
    CREATE TRIGGER learner_events_insert BEFORE INSERT ON learner_events
    WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM learner_events)
      OR NEW.previous_digest IS NOT
        (SELECT digest FROM learner_events ORDER BY position DESC LIMIT 1)
      OR EXISTS (SELECT 1 FROM learner_events WHERE event_key = NEW.event_key)
    BEGIN
      SELECT raise(ABORT, 'learner_events is append-only: not the next record, INSERT refused');
    END
    """,
)
_POSTGRES_TRIGGERS = (
    """
    CREATE FUNCTION learner_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION USING MESSAGE = 'learner_events is append-only: ' || TG_OP || ' refused';
    END $$
    """,
    """
    CREATE TRIGGER learner_events_change BEFORE UPDATE OR DELETE OR TRUNCATE ON learner_events
    FOR EACH STATEMENT EXECUTE FUNCTION learner_events_refuse()
    """,
    """
    CREATE FUNCTION learner_events_require_next() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      last record;
    BEGIN
      SELECT position, digest INTO last FROM learner_events ORDER BY position DESC LIMIT 1;
      IF NEW.position <> coalesce(last.position, 0) + 1
        OR NEW.previous_digest IS DISTINCT FROM last.digest
      THEN
        RAISE EXCEPTION 'learner_events is append-only: not the next record, INSERT refused';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER learner_events_insert BEFORE INSERT ON learner_events
    FOR EACH ROW EXECUTE FUNCTION learner_events_require_next()
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
    """The last record: its position and digest; ``(0, None)`` before the first."""

    position: int
    digest: str | None


class Ledger:
    """An open ledger; threads may share it, processes open their own."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._writer = engine.execution_options(is_writing=True)
        self._clock = clock
        self._where = engine.url.render_as_string(hide_password=True)

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """The ledger at ``url``, made where there is none.

        Args:
            url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
            clock: tells an aware time, for ``recorded_at``.

        Raises:
            LedgerError: no such database, it cannot be opened, or a newer version made the ledger.
        """
        ledger = cls(_engine(url), clock)
        try:
            ledger._prepare()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, event: LearnerEvent) -> RecordedEvent:
        """Record ``event``, or find it recorded; it is on disk when this returns.

        Raises:
            IdempotencyConflict: the learner's key is taken by an event with other content.
            LedgerError: it cannot be kept as JSON, or the database refused. After the latter it is
                unknown whether it was recorded; to append it again is safe.
        """
        return self.append_many([event])[0]

    def append_many(self, events: Iterable[LearnerEvent]) -> list[RecordedEvent]:
        """Record all of ``events`` in order, or none of them; see ``append``."""
        wanted = [_as_recorded_text(event) for event in events]
        if not wanted:
            return []
        keys = [_key_of(event.learner_id, event.idempotency_key) for event, _ in wanted]
        with self._writing() as connection:
            known = _records_by_key(connection, keys)
            last = connection.execute(_LAST).first()
            position, digest, earliest = last or (0, None, "")
            # A clock that was set back must not put an event before those it followed.
            recorded_at = max(_as_text(self._clock()), earliest)
            rows = []
            for key, (event, text) in zip(keys, wanted, strict=True):
                if key in known:
                    _require_same(known[key], event, text)
                    continue
                previous, position = digest, position + 1
                digest = _digest(position, previous, recorded_at, text)
                rows.append(
                    {
                        "position": position,
                        "learner_id": event.learner_id,
                        "event_key": key,
                        "recorded_at": recorded_at,
                        "event": text,
                        "previous_digest": previous,
                        "digest": digest,
                    }
                )
                known[key] = RecordedEvent(
                    position=position,
                    event=event,
                    recorded_at=datetime.fromisoformat(recorded_at),
                    previous_digest=previous,
                    digest=digest,
                )
            if rows:
                connection.execute(_EVENTS.insert(), rows)
        return [known[key] for key in keys]

    def find(self, learner_id: LearnerId, idempotency_key: str) -> RecordedEvent | None:
        """What the learner has recorded under a key; none where it is free.

        Raises:
            LedgerError: the record cannot be read.
        """
        key = _key_of(learner_id, idempotency_key)
        with self._reading() as connection:
            return _records_by_key(connection, [key]).get(key)

    def head(self) -> Head:
        """The last record's position and digest."""
        with self._reading() as connection:
            last = connection.execute(_LAST).first()
        return Head(last.position, last.digest) if last else Head(0, None)

    def events(
        self,
        learner_id: LearnerId | None = None,
        until: datetime | int | None = None,
        after_position: int = 0,
        batch: int = BATCH,
    ) -> Iterator[RecordedEvent]:
        """What is recorded when the first event is asked for, in order.

        Args:
            learner_id: of this learner alone.
            until: no further than this time of recording, or this position.
            after_position: only later ones.
            batch: events held in memory at once.

        Raises:
            LedgerError: ``until`` has no time zone, ``batch`` is none, or a record cannot be read.
        """
        if isinstance(until, datetime) and until.utcoffset() is None:
            raise LedgerError(
                expected="a time with its zone",
                found=until.isoformat(),
                where="until",
                remedy="give it a tzinfo, such as datetime.UTC",
            )
        return self._events(learner_id, until, after_position, batch)

    def verify(
        self, expected_head: tuple[int, str | None] | None = None, batch: int = BATCH
    ) -> Head:
        """Walk the whole chain.

        Without ``expected_head`` a chain whose tail was cut off, or which was made anew from some
        record on, is as good as any other.

        Args:
            expected_head: a head noted earlier, outside the database. The ledger may have grown.
            batch: records held in memory at once.

        Returns:
            The head that was reached.

        Raises:
            LedgerTampered: names the first position that is not as it was recorded.
        """
        expected = Head(*expected_head) if expected_head is not None else Head(0, None)
        head = Head(0, None)
        recorded_at = ""
        for row in self._rows(None, self.head().position, 0, batch):
            place = head.position + 1
            if row.position != place:
                raise self._tampered(place, "a record", f"none; the next is {row.position}")
            if row.previous_digest != head.digest:
                raise self._tampered(
                    place, f"previous digest {head.digest}", str(row.previous_digest)
                )
            try:
                digest = _digest(place, row.previous_digest, row.recorded_at, row.event)
            except (TypeError, ValueError):
                raise self._tampered(place, "text in UTF-8", "something else") from None
            if row.digest != digest:
                raise self._tampered(place, f"content with digest {row.digest}", digest)
            if (row.learner_id, row.event_key) != _columns_of(row.event):
                raise self._tampered(place, "learner and key of its event", "others")
            if row.recorded_at < recorded_at:
                raise self._tampered(place, f"recorded at {recorded_at} or later", row.recorded_at)
            if place == expected.position and digest != expected.digest:
                raise self._tampered(place, f"digest {expected.digest}", digest)
            head, recorded_at = Head(place, digest), row.recorded_at
        if head.position < expected.position:
            raise self._tampered(
                head.position + 1,
                f"records up to {expected.position}",
                f"the last is {head.position}",
            )
        return head

    def _prepare(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with self._translated():
                Path(str(self._engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with self._reading() as connection:
            version = _version_of(connection)
        if version is None:
            with self._writing() as connection:
                version = _version_of(connection)
                if version is None:
                    version = _create(connection)
        if version != SCHEMA_VERSION:
            raise LedgerError(
                expected=f"a ledger of schema {SCHEMA_VERSION}",
                found=f"schema {version}",
                where=self._where,
                remedy="a newer version of aina-assets made this ledger: use that version",
            )

    def _events(
        self, learner_id: str | None, until: datetime | int | None, after: int, batch: int
    ) -> Iterator[RecordedEvent]:
        last = self.head().position
        latest = None
        if isinstance(until, datetime):
            latest = _as_text(until)
        elif until is not None:
            last = min(last, until)
        for row in self._rows(learner_id, last, after, batch):
            # Times of recording never fall, so what is past the first later one is later too.
            if latest is not None and row.recorded_at > latest:
                return
            yield _recorded(row)

    def _rows(
        self, learner_id: str | None, last: int, after: int, batch: int
    ) -> Iterator[sa.Row[tuple[object, ...]]]:
        """Rows of a span of positions, each batch in a transaction of its own."""
        if batch < 1:
            raise LedgerError(
                expected="at least 1", found=str(batch), where="batch", remedy="ask for more"
            )
        span = sa.select(_EVENTS).where(sa.bindparam("last") >= _AT).order_by(_AT).limit(batch)
        if learner_id is not None:
            span = span.where(_EVENTS.c.learner_id == learner_id)
        span = span.where(sa.bindparam("after") < _AT)
        while True:
            with self._reading() as connection:
                rows = connection.execute(span, {"after": after, "last": last}).all()
            yield from rows
            if len(rows) < batch:
                return
            after = rows[-1].position

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
                    {"milliseconds": str(1000 * BUSY_SECONDS), "lock": _POSTGRES_LOCK},
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
                remedy="see to the database, then try again: no event is recorded twice",
            ) from error

    def _tampered(self, position: int, expected: str, found: str) -> LedgerTampered:
        return LedgerTampered(
            expected=expected,
            found=found,
            where=f"position {position} of {self._where}",
            remedy="trust nothing from there on; restore the ledger from a copy that verifies",
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
        try:
            return sa.create_engine(
                place.set(drivername="postgresql+psycopg"),
                # A stricter one would not see what was recorded while it waited for the lock.
                isolation_level="READ COMMITTED",
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


def _version_of(connection: sa.Connection) -> int | None:
    """The version of the schema; none where there is no ledger yet."""
    if not sa.inspect(connection).has_table(_SCHEMA.name):
        return None
    return connection.scalar(sa.select(sa.func.coalesce(sa.func.max(_SCHEMA.c.version), 0)))


def _create(connection: sa.Connection) -> int:
    _METADATA.create_all(connection)
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE_TRIGGERS if is_sqlite else _POSTGRES_TRIGGERS:
        connection.exec_driver_sql(statement)
    connection.execute(_SCHEMA.insert(), {"version": SCHEMA_VERSION})
    return SCHEMA_VERSION


def _as_recorded_text(event: LearnerEvent) -> tuple[LearnerEvent, str]:
    """``event`` in UTC as it will be read back, and its canonical JSON."""
    try:
        text = _canonical(event)
        return LearnerEvent.model_validate_json(text.encode()), text
    except ValueError as error:
        found = str(error)
        if isinstance(error, ValidationError):
            fault = error.errors()[0]
            found = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        # Not from the error: pydantic's quotes what the event says.
        raise LedgerError(
            expected="an event that JSON can hold: finite figures, text in Unicode",
            found=found,
            where=f"event {event.event_id}",
            remedy="mend the event; nothing was recorded",
        ) from None


def _canonical(event: LearnerEvent) -> str:
    in_utc = event.model_copy(update={"occurred_at": event.occurred_at.astimezone(UTC)})
    return json.dumps(
        in_utc.model_dump(mode="json"),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _digest(position: int, previous_digest: str | None, recorded_at: str, text: str) -> str:
    return digest_of_json(
        {
            "position": position,
            "previous_digest": previous_digest,
            "recorded_at": recorded_at,
            "event": text,
        }
    )


def _key_of(learner_id: str, idempotency_key: str) -> str:
    return digest_of_json([learner_id, idempotency_key])


def _columns_of(text: str) -> tuple[str, str] | None:
    """Learner and key of the event in ``text``; none where it is no event."""
    try:
        event = json.loads(text)
        return event["learner_id"], _key_of(event["learner_id"], event["idempotency_key"])
    except (ValueError, TypeError, KeyError):
        return None


def _as_text(moment: datetime) -> str:
    """In UTC and of one width, so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _recorded(row: sa.Row[tuple[object, ...]]) -> RecordedEvent:
    try:
        return RecordedEvent(
            position=row.position,
            event=LearnerEvent.model_validate_json(row.event),
            recorded_at=datetime.fromisoformat(row.recorded_at),
            previous_digest=row.previous_digest,
            digest=row.digest,
        )
    except ValueError as error:
        raise LedgerError(
            expected="an event as its contract describes",
            found=type(error).__name__,
            where=f"position {row.position}",
            remedy="verify the ledger; if it is whole, a newer version of aina-assets wrote this",
        ) from None


def _records_by_key(connection: sa.Connection, keys: list[str]) -> dict[str, RecordedEvent]:
    found: dict[str, RecordedEvent] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        rows = connection.execute(_BY_KEY, {"keys": some})
        found |= {row.event_key: _recorded(row) for row in rows}
    return found


def _require_same(record: RecordedEvent, event: LearnerEvent, text: str) -> None:
    # Of the record as it is read today: a field that the contract has gained is no difference.
    recorded = _canonical(record.event)
    if recorded == text:
        return
    ours, theirs = json.loads(text), json.loads(recorded)
    differing = [
        name for name in ours if digest_of_json(ours[name]) != digest_of_json(theirs[name])
    ]
    raise IdempotencyConflict(
        expected=f"event {record.event.event_id} again, as recorded at position {record.position}",
        found=f"event {event.event_id}, which differs in {', '.join(differing)}",
        where=f"learner {event.learner_id}, idempotency key {event.idempotency_key!r}",
        remedy="repeat an event unchanged; give another event a key of its own",
    )
