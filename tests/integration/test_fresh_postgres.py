"""No test finds what the one before it left, rows or tables."""

from __future__ import annotations

import psycopg
import pytest

from tests.integration.fresh_postgres import FreshPostgres
from tools.postgres import PostgresServer


@pytest.fixture
def url_of(postgres_server: PostgresServer, fresh_postgres: FreshPostgres) -> str:
    return postgres_server.conninfo(fresh_postgres.take())


def test_rows_go_sequences_begin_again_and_what_the_migrations_wrote_is_back(
    url_of: str, fresh_postgres: FreshPostgres
) -> None:
    seat = "INSERT INTO staff_tasks (kind, subject, text, number, created_at) VALUES ('call_back', 'x', 'x', '', now())"
    with psycopg.connect(url_of, autocommit=True) as connection:
        connection.execute(seat)
        first = connection.execute("SELECT min(id) FROM staff_tasks").fetchone()
        connection.execute("DELETE FROM alembic_version")
    fresh_postgres.give_back()
    fresh_postgres.take()
    with psycopg.connect(url_of, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM staff_tasks").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        connection.execute(seat)
        assert connection.execute("SELECT min(id) FROM staff_tasks").fetchone() == first
    fresh_postgres.give_back()


@pytest.mark.parametrize(
    "change",
    ["CREATE TABLE extra (id int)", "ALTER TABLE staff_tasks DROP COLUMN text", "DROP INDEX ix_offers_phone"],
)
def test_a_database_whose_shape_was_changed_is_made_anew(
    url_of: str, fresh_postgres: FreshPostgres, change: str
) -> None:
    with psycopg.connect(url_of, autocommit=True) as connection:
        connection.execute(change)
    fresh_postgres.give_back()
    assert f"dbname={fresh_postgres.take()} " not in url_of
    fresh_postgres.give_back()
