"""The databases that the integration tests lean on."""

from __future__ import annotations

import socket
import threading

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from foundation.database import Database
from tests.waiting import wait_until


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_a_database_of_its_own(database: Database, turn: str) -> None:
    with database.write_engine.begin() as connection:
        # Fails in the second turn when the first one's database is still there.
        connection.execute(text("CREATE TABLE only_here (id INTEGER)"))
    assert "only_here" in inspect(database.read_engine).get_table_names()


def test_a_database_has_been_migrated(database: Database) -> None:
    assert "alembic_version" in inspect(database.read_engine).get_table_names()


def test_postgres_keeps_what_it_committed_through_a_power_cut(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as session:
        settings = {name: session.scalar(text(f"SHOW {name}")) for name in ("fsync", "synchronous_commit")}
    database.dispose()
    assert settings == {"fsync": "on", "synchronous_commit": "on"}


def test_a_postgresql_server_that_falls_silent_is_an_error_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = Database(f"postgresql+psycopg://centre@127.0.0.1:{port}/centre?sslmode=disable")
        found: list[BaseException] = []

        def ask() -> None:
            try:
                with database.read() as session:
                    session.execute(text("SELECT 1"))
            except OperationalError as error:
                found.append(error)

        threading.Thread(target=ask, daemon=True).start()
        wait_until(lambda: found, 15, "the error is told")
        database.dispose()
