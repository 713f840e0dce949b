"""The rehearsal at a start leaves nothing behind, and leaves nothing to be made ready for the first press."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from dispatch import arrivals, rehearsal
from foundation.database import Database
from foundation.tables import Base
from tests.integration.dispatch_support import Town, press, service_call


def _everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: sorted(map(repr, session.execute(select(table)))) for table in tables}


async def test_nothing_of_a_rehearsal_stays(database: Database) -> None:
    town = Town(database)
    town.call(arrivals.record_steps, [*press("node1-1"), *service_call("node1-2")])
    before = _everything(database)
    heard: list[object] = []
    town.writer.on_commit(heard.extend)
    await rehearsal.press(town.writer)
    assert _everything(database) == before
    assert heard == []
    town.writer.close()


async def test_after_a_rehearsal_the_first_press_finds_every_statement_ready(database: Database) -> None:
    town = Town(database)
    await rehearsal.press(town.writer)
    ready = len(database.write_engine._compiled_cache)
    town.call(arrivals.record_steps, press("node1-1")[:1])
    town.call(arrivals.record_steps, press("node1-1", ("took", 25, {"who": "seat-op1"}), ("ended", 90, {}))[1:])
    town.call(arrivals.record_steps, service_call("node1-2", ("ended", 20, {"cause": "16"})))
    new = len(database.write_engine._compiled_cache) - ready
    assert new <= 3, f"{new} statements were made ready only now"  # of a known home, which the rehearsal has not
    town.writer.close()
