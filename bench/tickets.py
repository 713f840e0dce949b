"""Whole tickets: a service request opened, offered twice, accepted, arrived, done, followed up and closed.

What is measured. With the demo district loaded, one ticket after another goes its whole way by eight commands of the
writer, each committed before the next is submitted; tickets a second, on SQLite (`synchronous=FULL`) and on PostgreSQL.

The floor. The very statements of those commands, recorded with their parameters, in the same transactions, by the
bare driver (`sqlite3`, `psycopg`) in one thread that is handed one transaction after another as the writer's is, on a
copy of the same database. What the product takes more is everything above the driver: the rules, matching, SQLAlchemy.
Blocks of both alternate, each from the same state; medians.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event, select

from bench.place import district_database
from bench.results import Section, median, verdict
from callcenter.demo.district import make_district
from callcenter.demo.load import load
from dispatch import answers, deadlines, follow_up, service_requests, visits
from dispatch.limits import LOCAL
from foundation import migrations
from foundation.clock import MovableClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import Deadline
from foundation.writer import Writer
from tests.cast import small_district
from tools import postgres

GOAL = 0.35
ITEM = "1301"
"""助餐: offered to one provider after another, and many of the district's offer it."""
COMMANDS = ("open", "offer", "decline, next offer", "accept", "arrived", "done", "ask", "grade, close")
EARLY, LATE = 6, 2
"""Commands until the work is done, and the next day's."""
WARMING = 3
"""Tickets at the beginning of each block that fill the caches of both sides and do not count."""
_NOT_COUNTED = ("BEGIN", "SAVEPOINT", "RELEASE")


@dataclass
class Script:
    """What the product said to its driver: transactions of (statement, parameters, many)."""

    transactions: list[list[tuple[str, Any, bool]]] = field(default_factory=list)

    @property
    def tickets(self) -> int:
        """How many tickets it is about, those that only warm the caches among them."""
        return len(self.transactions) // len(COMMANDS)

    def command(self, number: int) -> str:
        """Which command a transaction is: first all tickets are worked on, and the next day all are followed up."""
        worked = EARLY * self.tickets
        return COMMANDS[number % EARLY] if number < worked else COMMANDS[EARLY + (number - worked) % LATE]

    def warms(self, number: int) -> bool:
        """Whether a transaction belongs to the tickets that do not count."""
        worked = EARLY * self.tickets
        return number < EARLY * WARMING or worked <= number < worked + LATE * WARMING

    def statements(self) -> dict[str, float]:
        """Statements a ticket by command, without the transaction's own words."""
        counts = dict.fromkeys(COMMANDS, 0.0)
        for number, transaction in enumerate(self.transactions):
            said = sum(not sql.startswith(_NOT_COUNTED) for sql, _, _ in transaction)
            counts[self.command(number)] += said / self.tickets
        return counts


@dataclass(frozen=True)
class Engine:
    """One database engine: a fresh copy of the district to work on, and the bare driver beside it."""

    name: str
    copies: Callable[[], Any]
    bare: Callable[[str, Script], float]


def run(folder: Path, *, per_block: int, blocks: int) -> Section:
    """Measure blocks of tickets and of their bare statements in turn, after one of each that does not count."""
    rows, remarks, met = [], [], True
    with ExitStack() as stack:
        engines = (_sqlite(folder), _postgresql(stack))
        for engine in engines:
            with engine.copies() as url:
                script = Script()
                _product(url, per_block, script)
            measured = []
            for block in range(blocks + 1):
                with engine.copies() as url:
                    ours = _product(url, per_block)
                with engine.copies() as url:
                    floor = engine.bare(url, script)
                if block:
                    measured.append((per_block / ours, per_block / floor))
            product, bare = median(a for a, _ in measured), median(b for _, b in measured)
            share = median(a / b for a, b in measured)
            met = met and share >= GOAL
            rows.append(
                (
                    engine.name, f"{product:.1f} a second", f"{bare:.1f} a second", f"{share:.2f}", f"{GOAL}",
                    verdict(share >= GOAL), f"{sum(script.statements().values()):.1f}",
                )
            )  # fmt: skip
            said = ", ".join(f"{name} {count:.0f}" for name, count in script.statements().items())
            remarks.append(f"Statements on {engine.name}: {said}.")
    return Section(
        "tickets",
        ("whole tickets", "product", "same statements, bare driver", "share", "goal", "", "statements a ticket"),
        tuple(rows),
        (f"{blocks} blocks of {per_block} tickets in turn with the floor, eight commands and commits each.", *remarks),
        met,
    )


def _product(url: str, count: int, script: Script | None = None) -> float:
    """Seconds that `count` tickets take, one after another; `script` keeps what was said to the driver."""
    database, clock = Database(url), MovableClock()
    now = clock.now().astimezone(LOCAL)
    monday = (now + timedelta(days=7 - now.weekday())).replace(hour=10, minute=5, second=0)
    clock.forward(seconds=(monday - now).total_seconds())
    writer = Writer(database, clock)
    community = str(make_district().homes[0].values["division_code"])[:12]
    try:
        if script is not None:
            _record(database, script)
        tickets = [_until_done(writer, community, number) for number in range(WARMING)]
        began = time.perf_counter()
        tickets += [_until_done(writer, community, number) for number in range(WARMING, WARMING + count)]
        took = time.perf_counter() - began
        clock.forward(days=1)
        with database.read() as session:
            due = select(Deadline.ticket_id, Deadline.id).where(Deadline.state == "open")
            watches = {row.ticket_id: row.id for row in session.execute(due.where(Deadline.kind == "ticket.follow_up"))}
        for number, ticket_id in enumerate(tickets):
            if number == WARMING:
                began = time.perf_counter()
            writer.call(deadlines.fire, watches[ticket_id], actor="clock")
            assert writer.call(follow_up.answer, ticket_id, 5, actor="sms:bench") == "closed"
        return took + time.perf_counter() - began
    finally:
        writer.close()
        database.dispose()


def _until_done(writer: Writer, community: str, number: int) -> int:
    request = service_requests.NewRequest(
        item=ITEM, summary="中午送餐上门", caller=f"139{number:08}", community=community, address="示范路 1 号"
    )
    ticket_id: int = writer.call(service_requests.open_request, request, actor="user:bench")
    first = writer.call(service_requests.begin_offers, ticket_id, actor="user:bench")
    assert first is not None, "no provider of the district can be asked"
    assert writer.call(answers.decline, first, "太远", actor="sms:bench")
    second = first + 1  # tickets go one after another, so their offers do
    assert writer.call(answers.accept, second, 20, actor="sms:bench") is answers.Answer.YOURS
    writer.call(visits.arrived, ticket_id, actor="sms:bench")
    writer.call(visits.done, ticket_id, 80, actor="sms:bench")
    return ticket_id


def _record(database: Database, script: Script) -> None:
    def began(_connection: Any) -> None:
        script.transactions.append([])

    def said(_connection: Any, _cursor: Any, sql: str, told: Any, _context: Any, many: bool) -> None:
        if sql.startswith("BEGIN"):
            script.transactions.append([])
        script.transactions[-1].append((sql, told, many))

    if database.dialect == "postgresql":  # there BEGIN is the driver's own word
        event.listen(database.write_engine, "begin", began)
    event.listen(database.write_engine, "before_cursor_execute", said)


def _handed_over(script: Script, transaction: Callable[[list[tuple[str, Any, bool]]], None]) -> float:
    """Seconds that the transactions take in a thread of their own, each handed over when the last has ended."""
    took = 0.0
    with ThreadPoolExecutor(1) as thread:
        for number, one in enumerate(script.transactions):
            began = time.perf_counter()
            thread.submit(transaction, one).result()
            if not script.warms(number):
                took += time.perf_counter() - began
    return took


def _sqlite(folder: Path) -> Engine:
    template = district_database(folder / "template")

    @contextmanager
    def copies() -> Iterator[str]:
        home = folder / "copy"
        shutil.copytree(template, home)
        try:
            yield f"sqlite:///{home}/callcenter.sqlite3"
        finally:
            shutil.rmtree(home)

    def bare(url: str, script: Script) -> float:
        driver = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        for order in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON"):
            driver.execute(order)

        def transaction(statements: list[tuple[str, Any, bool]]) -> None:
            for sql, told, many in statements:  # the first says BEGIN IMMEDIATE
                if many:
                    driver.executemany(sql, told)
                else:
                    driver.execute(sql, told).fetchall()
            driver.execute("COMMIT")

        try:
            took = _handed_over(script, transaction)
            _same_end(driver.execute("SELECT count(*) FROM tickets WHERE state = 'closed'").fetchone(), script)
            return took
        finally:
            driver.close()

    return Engine("SQLite", copies, bare)


def _postgresql(stack: ExitStack) -> Engine:
    server = stack.enter_context(postgres.running())
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE district")
    migrations.upgrade(server.url("district"))
    database = Database(server.url("district"))
    writer = Writer(database, MovableClock())
    load(database, writer, small_district(everyone=True), NumberPlan())
    writer.close()
    database.dispose()

    @contextmanager
    def copies() -> Iterator[str]:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE copy TEMPLATE district")
            try:
                yield server.url("copy")
            finally:
                connection.execute("DROP DATABASE copy WITH (FORCE)")

    def bare(_url: str, script: Script) -> float:
        with psycopg.connect(server.conninfo("copy"), autocommit=False) as driver:

            def transaction(statements: list[tuple[str, Any, bool]]) -> None:
                with driver.cursor() as cursor:
                    for sql, told, many in statements:
                        if many:
                            cursor.executemany(sql, told)
                            continue
                        cursor.execute(sql, told)
                        if cursor.description is not None:
                            cursor.fetchall()
                driver.commit()

            took = _handed_over(script, transaction)
            closed = driver.execute("SELECT count(*) FROM tickets WHERE state = 'closed'").fetchone()
            _same_end(closed, script)
            return took

    return Engine("PostgreSQL", copies, bare)


def _same_end(closed: tuple[Any, ...] | None, script: Script) -> None:
    """The bare statements must have done the same work, or the floor would be none."""
    assert closed == (script.tickets,), f"the floor closed {closed} of {script.tickets} tickets"
