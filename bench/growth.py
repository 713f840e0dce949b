"""Growth: whether what an operator waits for takes longer when millions of tickets are stored.

What is measured. Opening a ticket (a command of the writer, to its commit), the caller card, four pages of the list of
tickets (open, closed, one kind, a page deep in the past), what stands beside every page, and a search among articles,
on a database with 10,000 tickets and on one with 5,000,000, each with its homes, arrivals, events and deadlines
(`stored.py`); in turn, small and large, with the files in the machine's memory and after a warm-up of the same kind;
both on SQLite and on PostgreSQL.

The floor. The small database in the same run. Goal: with the large one at most twice as long (median of the pairs'
ratios), better 1.3.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import func, select

from bench import articles, stored
from bench.results import Section, median, milliseconds, percentile, verdict
from dispatch import article_search, cards, queries, service_requests, ticket_list
from dispatch.knowledge_tables import Article
from dispatch.tables import Ticket
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer
from tools import postgres

SMALL = 10_000
LARGE = 5_000_000
MOST_TIMES = 2.0
GOAL_TIMES = 1.3
WARM = 30
ARTICLES = 1_000
"""Published articles, as many in either database; `articles.py` says how a search grows with them."""


@dataclass
class Store:
    """A filled database with its writer, and the random choices of one run: the same for small and large."""

    database: Database
    writer: Writer
    tickets: int
    random: random.Random = field(default_factory=lambda: random.Random(20261123))

    @property
    def home(self) -> int:
        """Some home, any of them."""
        return self.random.randint(1, max(50, self.tickets // stored.PER_HOME))

    def open_ticket(self) -> None:
        home = self.home
        request = service_requests.NewRequest(
            item="0302", summary="厨房水龙头漏水", caller=f"138{home:08}", caller_name="示范居民", home_id=home,
            address="示范路 1 号",
        )  # fmt: skip
        self.writer.call(service_requests.open_request, request, actor="user:op1")

    def caller_card(self) -> None:
        with self.database.read() as session:
            card = cards.number_card(session, f"+86138{self.home:08}")
        assert card.past, "the caller has tickets"

    def list_open(self) -> None:
        self._list(show="open")

    def list_closed(self) -> None:
        self._list(show="closed")

    def list_kind(self) -> None:
        self._list(show="closed", kind="complaint")

    def list_deep(self) -> None:
        self._list(show="all", before=self.random.randint(self.tickets // 4, self.tickets // 2))

    def what_waits(self) -> None:
        with self.database.read() as session:
            waiting = queries.waiting(session)
        assert waiting.deadlines_total >= stored.OPEN, "the open tickets are watched"

    def figures_of_today(self) -> None:
        with self.database.read() as session:
            queries.today(session, datetime.now(UTC) - timedelta(hours=2))

    def search_words(self) -> None:
        with self.database.read() as session:
            article_search.search(session, self.random.choice(articles.TYPED))

    def _list(self, **filters: object) -> None:
        with self.database.read() as session:
            found = ticket_list.tickets(session, **filters)  # type: ignore[arg-type]
        assert len(found.rows) == ticket_list.PAGE, "a full page"

    def close(self) -> None:
        self.writer.close()
        self.database.dispose()


OPERATIONS: tuple[tuple[str, Callable[[Store], None]], ...] = (
    ("opening a ticket", Store.open_ticket),
    ("caller card", Store.caller_card),
    ("list: open", Store.list_open),
    ("list: closed", Store.list_closed),
    ("list: one kind", Store.list_kind),
    ("list: a page deep in the past", Store.list_deep),
    ("what waits, beside every page", Store.what_waits),
    ("figures of today", Store.figures_of_today),
    ("article search", Store.search_words),
)


def run(folder: Path, *, tickets: int = LARGE, pairs: int = 200, keep: Path | None = None) -> Section:
    """Fill and measure. `keep` is a folder in which filled SQLite files stay for the next run."""
    rows: list[tuple[str, ...]] = []
    remarks = [
        f"{pairs} pairs of each after {WARM} of each that do not count; goal: median ratio at most {MOST_TIMES:.0f}, "
        f"better {GOAL_TIMES}."
    ]
    met = True
    for name, open_stores in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with open_stores(folder, tickets, keep) as (small, large, sizes):
            remarks.append(f"{name}: {sizes}.")
            for operation, act in OPERATIONS:
                row, good = _measure(name, operation, act, small, large, pairs)
                rows.append(row)
                met &= good
    heading = (
        "", f"p50 at {SMALL:,}", f"p50 at {tickets:,}", f"p99 at {SMALL:,}", f"p99 at {tickets:,}", "times", "goal"
    )  # fmt: skip
    return Section("growth", heading, tuple(rows), tuple(remarks), met)


def _measure(
    name: str, operation: str, act: Callable[[Store], None], small: Store, large: Store, pairs: int
) -> tuple[tuple[str, ...], bool]:
    for _ in range(WARM):
        act(small)
        act(large)
    measured = [(_timed(act, small), _timed(act, large)) for _ in range(pairs)]
    few, many = [a for a, _ in measured], [b for _, b in measured]
    times = median(many) / median(few)
    row = (
        f"{name}, {operation}", milliseconds(median(few)), milliseconds(median(many)),
        milliseconds(percentile(few, 0.99)), milliseconds(percentile(many, 0.99)), f"{times:.2f}",
        verdict(times <= MOST_TIMES),
    )  # fmt: skip
    return row, times <= MOST_TIMES


def _timed(act: Callable[[Store], None], store: Store) -> float:
    began = time.perf_counter()
    act(store)
    return time.perf_counter() - began


Stores = Iterator[tuple[Store, Store, str]]


@contextmanager
def _sqlite(folder: Path, tickets: int, keep: Path | None) -> Stores:
    files = []
    for count in (SMALL, tickets):
        file = (keep or folder) / f"growth-{count}.sqlite3"
        if not file.exists():
            part = file.with_suffix(".part")
            part.unlink(missing_ok=True)
            stored.fill_sqlite(part, count)
            part.rename(file)
        files.append(file)
    warm(*files)
    sizes = " and ".join(f"{file.stat().st_size / 2**20:,.0f} MiB" for file in files)
    with _opened([f"sqlite:///{file}" for file in files], tickets) as (small, large):
        yield small, large, sizes


@contextmanager
def _postgresql(_folder: Path, tickets: int, _keep: Path | None) -> Stores:
    with postgres.running() as server:
        urls, told = [], []
        for count in (SMALL, tickets):
            name = f"growth_{count}"
            with psycopg.connect(server.conninfo(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
            stored.fill_postgresql(server.conninfo(name), server.url(name), count)
            with psycopg.connect(server.conninfo(name)) as connection:
                size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            told.append(f"{size[0] / 2**20:,.0f} MiB" if size else "")
            urls.append(server.url(name))
        warm(*(server.folder / "data" / "base").glob("*/*"))
        with _opened(urls, tickets) as (small, large):
            yield small, large, " and ".join(told)


def warm(*files: Path) -> None:
    """Have the machine's memory hold these files, as it does with a database that is in use all day."""
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(2**22):
                pass


@contextmanager
def _opened(urls: Sequence[str], tickets: int) -> Iterator[tuple[Store, Store]]:
    with ExitStack() as stack:
        stores = []
        for url, count in zip(urls, (SMALL, tickets), strict=True):
            database = Database(url)
            with database.read() as session:
                known = session.scalar(select(func.count()).select_from(Article)) or 0
            if not known:
                articles.fill(database, ARTICLES)
            store = Store(database, Writer(database, SystemClock()), count)
            stack.callback(store.close)
            with database.read() as session:
                assert session.get(Ticket, count) is not None, "the store is whole"
            stores.append(store)
        yield stores[0], stores[1]
