"""The databases of the integration tests: each test has its own, on SQLite and on PostgreSQL, by the real migrations.

The migrations run once for each engine; a test gets a copy of the file, or a database emptied after the test before.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

# Foreign keys reach across the folders: all tables must be known before a row of any is written.
import dispatch.tables  # noqa: F401
import ivr_flows.tables  # noqa: F401
import providers.tables  # noqa: F401
import residents.tables  # noqa: F401
from foundation.database import Database
from foundation.migrations import upgrade
from tests.integration.fresh_postgres import FreshPostgres
from tools import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL of this test run's own."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def fresh_postgres(postgres_server: postgres.PostgresServer) -> FreshPostgres:
    """Gives one test after another a database as the migrations leave it."""
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    upgrade(postgres_server.url("migrated"))
    return FreshPostgres(postgres_server, "migrated")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    file = tmp_path_factory.mktemp("template") / "migrated.sqlite"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite database that only this test uses."""
    file = tmp_path / "callcenter.sqlite"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: postgres.PostgresServer, fresh_postgres: FreshPostgres) -> Iterator[str]:
    """The address of a migrated PostgreSQL database that only this test uses."""
    yield postgres_server.url(fresh_postgres.take())
    fresh_postgres.give_back()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database that only this test uses; the test runs once on each engine."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """That database, open."""
    opened = Database(database_url)
    yield opened
    opened.dispose()
