"""The databases that the integration tests lean on."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text

from foundation.database import Database


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
