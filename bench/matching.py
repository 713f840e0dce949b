"""Matching among 1,000, 10,000 and 100,000 providers, with the reasons of everybody who can serve.

What is measured. One request after another, each with its own item, home, line and minute of a working day, is matched
by `dispatch.matching.ranked` in a read of its own; every able provider comes back with its score and points. Reasons
are put into words when they are looked at: those of the first twenty within the time measured, of all others after it.
The columns of the item are there already; what it costs to read them again after a change has its own column.

The floor. One query by the bare driver that finds the same providers by indexes (the sets are compared each time) and
returns what one could rank by. Product and floor, and the sizes, take turns in an order that is shuffled.
"""

from __future__ import annotations

import math
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine

from bench import haishu
from bench.results import Section, median, milliseconds, percentile, verdict
from dispatch import matching
from dispatch.limits import LOCAL
from dispatch.tables import Ticket
from foundation.database import Database
from foundation.migrations import upgrade
from providers import register_columns
from tools import postgres

DATABASES = ("SQLite", "PostgreSQL")
LOOKED_AT = 20
SIZES = (1_000, 10_000, 100_000)
MOST_GROWTH, MOST_OF_FLOOR, LEAST_ABLE = 2.0, 3.0, 500
FLOOR = """
SELECT p.id, p.name, p.stars, p.latitude, p.longitude, p.capacity, p.last_offered_at, i.price_min, i.price_max
FROM provider_items i JOIN providers p ON p.id = i.provider_id
WHERE i.item = :item AND p.state IN ('active', 'warned', 'probation')
  AND (p.absent_until IS NULL OR p.absent_until <= :now)
  AND ((p.opens_minute < p.closes_minute AND :minute >= p.opens_minute AND :minute < p.closes_minute
        AND p.weekdays LIKE :today)
    OR (p.opens_minute >= p.closes_minute AND ((:minute >= p.opens_minute AND p.weekdays LIKE :today)
        OR (:minute < p.closes_minute AND p.weekdays LIKE :yesterday))))
  AND (EXISTS (SELECT 1 FROM provider_coverage c
               WHERE c.provider_id = p.id AND c.prefix IN (:district, :street, :community))
    OR (p.latitude - :latitude) * (p.latitude - :latitude) * 12364.31
       + (p.longitude - :longitude) * (p.longitude - :longitude) * :east <= p.radius_km * p.radius_km)
  AND EXISTS (SELECT 1 FROM provider_phones t WHERE t.provider_id = p.id AND t.verified_at IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM correspondents o WHERE o.number = t.number AND o.opted_out_at IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.line = :line AND r.provider_id = p.id AND r.lifted_at IS NULL)
  AND (SELECT count(*) FROM tickets k WHERE k.assigned_provider_id = p.id
       AND k.assigned_provider_id IS NOT NULL AND k.state IN ('accepted', 'arrived', 'paused')) < p.capacity
"""


@dataclass
class Case:
    """A register on a database, open twice: for the product, and for the bare driver."""

    providers: int
    database: Database
    bare: Callable[[dict[str, Any]], list[Any]]
    match_s: list[float] = field(default_factory=list)
    floor_s: list[float] = field(default_factory=list)
    able: list[int] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)


def run(folder: Path, *, matches: int) -> Section:
    """Measure both databases, every size of register in turn."""
    rows: list[tuple[str, ...]] = []
    met = True
    with postgres.running() as server:
        for name in DATABASES:
            with ExitStack() as stack:
                cases = [stack.enter_context(_case(name, size, folder, server)) for size in SIZES]
                _measure(cases, matches)
                for case in cases:
                    row, fine = _row(name, case, cases[0])
                    rows.append(row)
                    met = met and fine
    return Section(
        "matching",
        ("", "can serve: median (least)", "p50", "p99", "floor p50", "floor p99", "p99 against 1,000",
         "p99 against floor", "read again", "goal"),
        tuple(rows),
        (
            f"{matches} matches of each size in turn with the floor; {len(haishu.CODES)} items, Haishu's shape; "
            f"{haishu.HELD} orders in hand, {haishu.ASKED_TODAY} providers asked within a day. All who can serve "
            f"are returned, {LOOKED_AT} looked at. Goal at 100,000: p99 at most {MOST_GROWTH:g} times that at 1,000, "
            f"at most {MOST_OF_FLOOR:g} times the floor's; at least {LEAST_ABLE} who can serve (median). Read again: "
            "the first match after a change to a provider that offers the item, median.",
        ),
        met,
    )  # fmt: skip


def _measure(cases: list[Case], matches: int) -> None:
    for case in cases:
        _warm(case)
    dice = random.Random(7)
    for n in range(matches):
        ticket, now = _request(dice, n)
        turns = [(case, product) for case in cases for product in (True, False)]
        dice.shuffle(turns)
        found: dict[tuple[int, bool], set[int]] = {}
        for case, product in turns:
            found[case.providers, product] = _product(case, ticket, now) if product else _floor(case, ticket, now)
        for case in cases:
            ours, theirs = found[case.providers, True], found[case.providers, False]
            assert ours == theirs, f"{case.providers}: {len(ours ^ theirs)} found by one of the two alone"
            case.able.append(len(ours))


def _warm(case: Case) -> None:
    """Match each item once, so that its columns are there; how long that takes is the price of a change."""
    dice = random.Random(8)
    for item in haishu.CODES:
        ticket, now = _request(dice, 0, item)
        began = time.perf_counter()
        _product(case, ticket, now)
        case.cold_s.append(time.perf_counter() - began)
    case.match_s.clear()
    for n in range(20):
        _floor(case, *_request(dice, n))
    case.floor_s.clear()


def _request(dice: random.Random, n: int, item: str = "") -> tuple[Ticket, datetime]:
    community, latitude, longitude = haishu.place(dice)
    ticket = Ticket(
        id=10**9 + n, item=item or dice.choice(haishu.CODES), community=community, latitude=latitude,
        longitude=longitude, caller=f"+86138{dice.randrange(haishu.CALLERS):08}", round=1, policy={}, person_id=None,
    )  # fmt: skip
    return ticket, haishu.NOW + timedelta(minutes=dice.randrange(0, 300))


def _product(case: Case, ticket: Ticket, now: datetime) -> set[int]:
    began = time.perf_counter()
    with case.database.read() as session:
        ranked = matching.ranked(session, ticket, now)
        ranked[:LOOKED_AT]
    case.match_s.append(time.perf_counter() - began)
    able = [one for one in ranked if one.able]
    assert all(len(one.reasons) == len(one.points) for one in able)
    return {one.provider_id for one in able}


def _floor(case: Case, ticket: Ticket, now: datetime) -> set[int]:
    local = now.astimezone(LOCAL)
    assert ticket.latitude is not None
    told = {
        "item": ticket.item, "now": now, "minute": local.hour * 60 + local.minute, "today": f"%{local.isoweekday()}%",
        "yesterday": f"%{(local - timedelta(days=1)).isoweekday()}%", "district": ticket.community[:6],
        "street": ticket.community[:9], "community": ticket.community, "latitude": ticket.latitude,
        "longitude": ticket.longitude, "east": _east(ticket.latitude), "line": ticket.caller,
    }  # fmt: skip
    began = time.perf_counter()
    rows = case.bare(told)
    case.floor_s.append(time.perf_counter() - began)
    return {row[0] for row in rows}


def _east(latitude: float) -> float:
    """Square kilometres of a square degree at this latitude, measured eastwards."""
    return 12364.31 * math.cos(math.radians(latitude)) ** 2


@contextmanager
def _case(name: str, providers: int, folder: Path, server: postgres.PostgresServer) -> Iterator[Case]:
    if name == "SQLite":
        file = folder / f"register-{providers}.sqlite3"
        url = f"sqlite:///{file}"
    else:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE register_{providers}")
        url = server.url(f"register_{providers}")
    upgrade(url)
    database = Database(url)
    haishu.fill(database, providers)
    with ExitStack() as stack:
        if name == "SQLite":
            bare = _bare_sqlite(stack, file)
        else:
            _vacuumed(database.write_engine)
            bare = _bare_postgres(stack, server.conninfo(f"register_{providers}"))
        yield Case(providers, database, bare)
    database.dispose()
    register_columns._kept.clear()


def _bare_sqlite(stack: ExitStack, file: Path) -> Callable[[dict[str, Any]], list[Any]]:
    raw = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    stack.callback(raw.close)

    def ask(told: dict[str, Any]) -> list[Any]:
        return raw.execute(FLOOR, {**told, "now": told["now"].strftime("%Y-%m-%d %H:%M:%S.%f")}).fetchall()

    return ask


def _bare_postgres(stack: ExitStack, conninfo: str) -> Callable[[dict[str, Any]], list[Any]]:
    raw = stack.enter_context(psycopg.connect(conninfo, autocommit=True, prepare_threshold=5))
    query = re.sub(r":(\w+)", r"%(\1)s", FLOOR)

    def ask(told: dict[str, Any]) -> list[Any]:
        return raw.execute(query, told).fetchall()

    return ask


def _vacuumed(engine: Engine) -> None:
    """PostgreSQL's own housekeeping, which a server that runs for a while has done by itself."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _row(name: str, case: Case, smallest: Case) -> tuple[tuple[str, ...], bool]:
    p99, floor = percentile(case.match_s, 0.99), percentile(case.floor_s, 0.99)
    growth, share = p99 / percentile(smallest.match_s, 0.99), p99 / floor
    last = case.providers == SIZES[-1]
    fine = not last or (
        growth <= MOST_GROWTH and share <= MOST_OF_FLOOR and median(case.able) >= LEAST_ABLE
    )  # fmt: skip
    row = (
        f"{name}, {case.providers:,}", f"{median(case.able):.0f} ({min(case.able)})",
        milliseconds(percentile(case.match_s, 0.5)), milliseconds(p99), milliseconds(percentile(case.floor_s, 0.5)),
        milliseconds(floor), f"{growth:.2f}", f"{share:.2f}", milliseconds(median(case.cold_s)),
        verdict(fine) if last else "",
    )  # fmt: skip
    return row, fine
