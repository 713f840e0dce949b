"""Databases with many tickets stored, filled by their own SQL: each ticket with its home, caller, arrival, events and
deadline, nearly all of them closed. Five million take minutes, not hours.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import JSON, Boolean, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

# Foreign keys reach across the folders: all tables must be known.
import dispatch.tables  # noqa: F401
import ivr_flows.tables  # noqa: F401
import providers.tables  # noqa: F401
import residents.tables  # noqa: F401
from foundation import migrations
from foundation.tables import Base, Instant

PER_HOME = 20
"""Tickets of one home, however many are stored: the city grows, a household does not."""
PER_DAY = 3000
"""Calls a day of 81890 in 2012; ticket numbers run from 1 on each day."""
OPEN = 300
"""Open tickets, the newest ones: as many as a busy day leaves, however many are stored."""
COMMUNITIES = 100
FILLED = ("homes", "people", "home_members", "arrivals", "tickets", "arrival_tickets", "ticket_events", "deadlines")

_FASTEST = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY")
"""Nothing is kept of a filling that did not come to its end."""

Say = Callable[[str], None]


class Sql:
    """The two databases' ways of saying the same."""

    def __init__(self, dialect: str, now: datetime) -> None:
        self.lite = dialect == "sqlite"
        self.now = int(now.timestamp())

    def digits(self, number: str, width: int) -> str:
        """A number as text of so many digits."""
        return f"printf('%0{width}d', {number})" if self.lite else f"lpad(({number})::text, {width}, '0')"

    def moment(self, seconds: str) -> str:
        """The instant so many seconds before now."""
        if self.lite:
            return f"strftime('%Y-%m-%d %H:%M:%S.000000', {self.now} - ({seconds}), 'unixepoch')"
        return f"to_timestamp({self.now} - ({seconds}))"

    def day(self, seconds: str) -> str:
        """Its local day as eight digits."""
        if self.lite:
            return f"strftime('%Y%m%d', {self.now + 28800} - ({seconds}), 'unixepoch')"
        return f"to_char(to_timestamp({self.now} - ({seconds})) AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD')"

    def numbers(self, count: int) -> str:
        """The numbers from 1 as `n(i)`."""
        if self.lite:
            return (
                f"(WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < {count}) "
                "SELECT i FROM c) AS n"
            )
        return f"generate_series(1, {count}) AS n(i)"

    def insert(self, table: Table, values: Mapping[str, str], source: str) -> str:
        """Rows of `table` from `source`; columns nobody names are null, or what stands for nothing."""
        told = dict(values)
        for column in table.columns:
            if column.name not in told and not column.nullable and column.server_default is None:
                told[column.name] = self._nothing(column)
        names = ", ".join(f'"{name}"' for name in told)
        return f'INSERT INTO "{table.name}" ({names}) SELECT {", ".join(told.values())} FROM {source}'

    def _nothing(self, column: object) -> str:
        kind, default = column.type, column.default  # type: ignore[attr-defined]
        if default is not None and default.is_scalar:
            value = default.arg
            if isinstance(value, bool):
                return self.truth(value)
            return str(value) if isinstance(value, int | float) else f"'{value}'"
        if isinstance(kind, Boolean):
            return self.truth(False)
        if isinstance(kind, JSON):
            return "'{}'"
        if isinstance(kind, Instant):
            return self.moment("0")
        return "0" if kind.python_type in (int, float) else "''"

    def truth(self, value: bool) -> str:
        """A boolean literal."""
        return ("1" if value else "0") if self.lite else str(value).lower()


def statements(sql: Sql, count: int) -> list[tuple[str, str]]:
    """What fills a database with `count` tickets, table by table."""
    tables = Base.metadata.tables
    homes = max(50, count // PER_HOME)
    home = f"(((i % {homes}) * 7919) % {homes}) + 1"
    community = f"'330203001' || {sql.digits(f'(({home}) % {COMMUNITIES}) + 1', 3)}"
    phone = f"'+86138' || {sql.digits(home, 8)}"
    ago = f"(({count} - i) * {86400 // PER_DAY})"
    # Seven of ten calls are inquiries, three are requests; one of a hundred tickets is an emergency or a complaint.
    kind = (
        f"CASE WHEN i > {count - OPEN} THEN 'service_request' WHEN i % 100 = 50 THEN 'emergency' "
        "WHEN i % 100 = 51 THEN 'complaint' WHEN i % 10 < 7 THEN 'inquiry' ELSE 'service_request' END"
    )
    is_open = f"i > {count - OPEN}"
    everyone = sql.numbers(count)
    in_homes = sql.numbers(homes)
    of_home = {"changed_at": sql.moment("0"), "created_at": sql.moment("0")}

    def when(then: str, otherwise: str) -> str:
        return f"CASE WHEN {is_open} THEN {then} ELSE {otherwise} END"

    ticket = {
        "id": "i", "number": f"{sql.day(ago)} || '-' || {sql.digits('i', 7)}", "kind": kind,
        "state": when("'registered'", "'closed'"), "owner": when("'desk'", "''"), "item": "'0302'",
        "summary": f"'厨房水龙头漏水，第 ' || {sql.digits('i', 7)} || ' 件'", "caller": phone,
        "caller_name": "'示范居民'", "home_id": home, "arrival_id": "i", "district": "'330203'", "community": community,
        "address": f"'示范路 ' || {sql.digits(home, 6)} || ' 号'", "outcome": when("NULL", "'served'"),
        "household": f"'home:' || {sql.digits(home, 8)}", "policy": "'{\"mode\": \"sequential\"}'",
        "opened_at": sql.moment(ago), "opened_by": "'user:op1'", "closed_at": when("NULL", sql.moment(ago)),
        "next_deadline_at": when(sql.moment("-3600"), "NULL"), "round": "1", "urgency": "'normal'",
    }  # fmt: skip
    arrival = {
        "id": "i", "source": "'call'", "external_id": f"'node1-' || {sql.digits('i', 10)}", "kind": "'service'",
        "state": "'ended'", "caller": phone, "caller_raw": f"'138' || {sql.digits(home, 8)}", "home_id": home,
        "arrived_at": sql.moment(ago), "recorded_at": sql.moment(ago), "disposition": "'ticket'",
        "disposition_reason": "'opened'", "disposed_at": sql.moment(ago), "disposed_by": "'user:op1'",
    }  # fmt: skip
    event = {
        "at": sql.moment(ago), "actor": "'user:op1'", "audience": "'staff'", "ticket_id": "i", "arrival_id": "i",
        "detail": "'{\"state\": \"registered\", \"owner\": \"desk\"}'",
    }  # fmt: skip
    deadline = {
        "id": "i", "kind": "'ticket.registered'", "subject": "'ticket:' || i", "ticket_id": "i",
        "due_at": sql.moment(f"{ago} - 3600"), "reason": "'登记后 2 分钟内须派单或答复 / registered'",
        "urgent": sql.truth(False), "state": when("'open'", "'withdrawn'"), "attempts": "0",
        "created_at": sql.moment(ago),
    }  # fmt: skip
    home_row = {"id": "i", "division_code": f"'330203001' || {sql.digits(f'(i % {COMMUNITIES}) + 1', 3)}",
                "address": f"'示范路 ' || {sql.digits('i', 6)} || ' 号'"} | of_home  # fmt: skip
    person = {"id": "i", "name": "'示范居民'", "phone": f"'+86138' || {sql.digits('i', 8)}", "tags": "'[]'"} | of_home
    made = [
        ("homes", home_row, in_homes), ("people", person, in_homes),
        ("home_members", {"home_id": "i", "person_id": "i", "relation": "'户主'"}, in_homes),
        ("arrivals", arrival, everyone), ("tickets", ticket, everyone),
        ("arrival_tickets", {"arrival_id": "i", "ticket_id": "i", "how": "'opened'"}, everyone),
        ("ticket_events", event | {"id": "2 * i - 1", "kind": "'ticket.opened'"}, everyone),
        ("ticket_events", event | {"id": "2 * i", "kind": "'ticket.state_changed'"}, everyone),
        ("deadlines", deadline, everyone),
    ]  # fmt: skip
    division = (
        "INSERT INTO divisions (code, name, name_en, level, parent_code, valid_from, note) SELECT '330203001' || "
        f"{sql.digits('i', 3)}, '示范社区', '', 'community', NULL, '2020-01-01', '' FROM {sql.numbers(COMMUNITIES)}"
    )
    return [("divisions", division), *((name, sql.insert(tables[name], row, source)) for name, row, source in made)]


def fill_sqlite(file: Path, count: int, say: Say = print) -> None:
    """Make a migrated database at `file` with `count` tickets. It is of no use until this has returned."""
    migrations.upgrade(f"sqlite:///{file}")
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in _FASTEST:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    marks = ", ".join("?" * len(FILLED))
    indexes = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",
        FILLED,
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    for name, statement in statements(Sql("sqlite", datetime.now(UTC)), count):
        began = time.perf_counter()
        connection.execute(statement)
        say(f"  {name}: {time.perf_counter() - began:.0f} s")
    connection.execute("COMMIT")
    began = time.perf_counter()
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("ANALYZE")
    say(f"  indexes: {time.perf_counter() - began:.0f} s")
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.close()


def fill_postgresql(conninfo: str, url: str, count: int, say: Say = print) -> None:
    """The same in the empty database that both addresses name."""
    migrations.upgrade(url)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET session_replication_role = replica")  # foreign keys hold by the way rows are made
        indexes = [index for name in FILLED for index in Base.metadata.tables[name].indexes]
        for index in indexes:
            connection.execute(f'DROP INDEX IF EXISTS "{index.name}"')  # type: ignore[arg-type]
        for name, statement in statements(Sql("postgresql", datetime.now(UTC)), count):
            began = time.perf_counter()
            connection.execute(statement)  # type: ignore[arg-type]
            say(f"  {name}: {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        for index in indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())))  # type: ignore[arg-type, no-untyped-call]
        for name in FILLED:
            if "id" in Base.metadata.tables[name].columns:
                connection.execute(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))")  # type: ignore[arg-type]
        connection.execute("VACUUM ANALYZE")
        say(f"  indexes and statistics: {time.perf_counter() - began:.0f} s")
