"""The migrations make exactly the tables that the code declares, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateIndex

import dispatch.tables
import ivr_flows.tables
import providers.tables
import residents.tables
from foundation.database import Database
from foundation.tables import Base

ROOMS = (dispatch.tables, ivr_flows.tables, providers.tables, residents.tables)


def test_the_migrated_database_is_what_the_tables_declare(database: Database) -> None:
    with database.write_engine.begin() as connection:
        opts = {"target_metadata": Base.metadata, "compare_type": True, "include_object": _ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_every_check_and_partial_index_is_there(database: Database) -> None:
    """Alembic does not compare CHECKs and the conditions of indexes; these are the last guard, so they are counted."""
    with database.write_engine.begin() as connection:
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            declared = {c.name for c in table.constraints if c.__visit_name__ == "check_constraint"}
            there = {check["name"] for check in found.get_check_constraints(table.name)}
            assert {str(name) for name in declared} <= there, table.name
            for index in table.indexes:
                wanted = str(CreateIndex(index).compile(dialect=connection.dialect))
                assert ("WHERE" in wanted) == _is_partial(connection, str(index.name)), index.name


def _ours(_thing: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    """Everything but the engine's own word index over articles, which only `dispatch.article_index` knows."""
    return not (kind in ("table", "index") and (name or "").removeprefix("ix_").startswith("article_words"))


def _is_partial(connection: Any, name: str) -> bool:
    if connection.dialect.name == "sqlite":
        statement = "SELECT sql FROM sqlite_master WHERE name = :name"
    else:
        statement = "SELECT indexdef FROM pg_indexes WHERE indexname = :name"
    return " WHERE " in connection.execute(text(statement), {"name": name}).scalar_one()


def test_only_one_place_assigns_the_state_of_a_ticket() -> None:
    root = Path(__file__).parents[2]
    assigned = [
        f"{file.name}: {line.strip()}"
        for room in ("dispatch", "callcenter")
        for file in (root / room).rglob("*.py")
        for line in file.read_text().splitlines()
        if "ticket.state = " in line
    ]
    assert assigned == ["tickets.py: ticket.state = following"]
