"""A ledger's database, as anyone who has its URL could open it.

Belongs here: what goes behind the ledger's back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def database(url: str) -> Iterator[sa.Connection]:
    """The database itself, as anyone could open it; what is done there is committed."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def execute(url: str, *statements: str) -> None:
    with database(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def without_triggers(url: str, ledger: str = "learner_events") -> None:
    """Take away what stands between the records and whoever wants to change them."""
    if url.startswith("sqlite"):
        names = ["update", "delete", "insert"]
        execute(url, *(f"DROP TRIGGER {ledger}_{name}" for name in names))
    else:
        execute(url, f"ALTER TABLE {ledger} DISABLE TRIGGER USER")


def tables(url: str) -> set[str]:
    """Names of the tables there are."""
    with database(url) as connection:
        return set(sa.inspect(connection).get_table_names())
