"""One database, SQLite or PostgreSQL: an engine that writes and an engine that only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.orm import Session

_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Seconds, the last in milliseconds (libpq, "Parameter Key Words"): a server that falls silent is an error that can be
told and tried again, not a writer that waits for ever."""


class Database:
    """The engines of one database.

    Writes go through `foundation.writer.Writer` alone. Reads take `with database.read() as session` in any thread;
    what they load is detached afterwards and cannot be written back.

    SQLite runs in WAL with `synchronous=FULL` (a commit survives a power cut) and `BEGIN IMMEDIATE` (a read inside a
    write transaction is never stale; with the driver's default it is, and updates are lost without an error).
    """

    def __init__(self, url: str, *, writers: int = 4) -> None:
        parsed = make_url(url)
        self.url = url
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise ValueError("the database needs a file: reads and writes use connections of their own")
            self.writers = 1
            self.write_engine = create_engine(url, pool_size=1, max_overflow=1, connect_args={"timeout": 30})
            self.read_engine = create_engine(url, pool_size=8, max_overflow=16, connect_args={"timeout": 30})
            event.listen(self.write_engine, "connect", _prepare_sqlite_writer)
            event.listen(self.write_engine, "begin", _begin_immediate)
            event.listen(self.read_engine, "connect", _prepare_sqlite_reader)
            event.listen(self.read_engine, "begin", _begin_deferred)
        elif self.dialect == "postgresql":
            self.writers = writers
            told: dict[str, Any] = {"pool_pre_ping": True, "connect_args": _PATIENCE}
            self.write_engine = create_engine(url, pool_size=writers + 2, **told)
            self.read_engine = create_engine(url, pool_size=8, max_overflow=8, **told).execution_options(
                postgresql_readonly=True,
                isolation_level="REPEATABLE READ",  # every statement of one read sees the same state, as on SQLite
            )
        else:
            raise ValueError(f"database.url names {self.dialect!r}; this software knows sqlite and postgresql+psycopg")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state and never writes."""
        with Session(self.read_engine, expire_on_commit=False, autoflush=False) as session:
            yield session  # closing detaches what was loaded; a rollback would expire it as well

    def dispose(self) -> None:
        """Close every connection."""
        self.write_engine.dispose()
        self.read_engine.dispose()


def _prepare_sqlite_writer(connection: Any, _record: object) -> None:
    raw: sqlite3.Connection = connection
    raw.isolation_level = None  # SQLAlchemy says BEGIN itself; the driver must not
    mode = raw.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise RuntimeError(f"SQLite refused WAL (it says {mode!r}): the database must lie on a local disk")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=ON")


def _prepare_sqlite_reader(connection: Any, _record: object) -> None:
    raw: sqlite3.Connection = connection
    raw.isolation_level = None
    raw.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
