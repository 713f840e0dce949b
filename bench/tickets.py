"""Whole tickets: a service request opened, offered, accepted, done and closed, each step a command of the writer.

What is measured. On SQLite with `synchronous=FULL` and the demo district loaded, one ticket after another goes its
whole way by five commands, each committed before the next is submitted; tickets a second.

The floor. As many durable transactions on the same disk by plain `sqlite3`, each writing one row: what five commits
cost at least. Blocks of both alternate; medians. There is no goal; the figure is for comparison from run to run.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

from bench.place import district_database
from bench.results import Section, median
from callcenter.demo.district import make_district
from dispatch import offers, service_requests, tickets, visits
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer
from tests.cast import PLUMBING

COMMANDS = 5


def run(folder: Path, *, per_block: int, blocks: int) -> Section:
    """Measure blocks of tickets and of bare commits in turn, after one of each that does not count."""
    template = district_database(folder / "template")
    community = str(make_district().homes[0].values["division_code"])[:12]
    home = folder / "product"
    shutil.copytree(template, home)
    database = Database(f"sqlite:///{home}/callcenter.sqlite3")
    writer = Writer(database, SystemClock())
    bare = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    for order in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE step (id INTEGER PRIMARY KEY, t REAL)",
    ):
        bare.execute(order)
    measured = []
    try:
        for block in range(blocks + 1):
            floor = _bare_commits(bare, per_block * COMMANDS)
            product = _tickets(writer, community, per_block)
            if block:
                measured.append((per_block / product, per_block / floor))
    finally:
        writer.close()
        database.dispose()
        bare.close()
    ours, least = median(a for a, _ in measured), median(b for _, b in measured)
    return Section(
        "tickets",
        ("whole tickets", f"{COMMANDS} bare commits (floor)", "share of the floor"),
        ((f"{ours:.1f} a second", f"{least:.1f} a second", f"{ours / least:.2f}"),),
        (f"{blocks} blocks of {per_block} tickets in turn with the floor, five commands and commits each.",),
        True,
    )


def _tickets(writer: Writer, community: str, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        request = service_requests.NewRequest(
            item=PLUMBING,
            summary="厨房水龙头漏水",
            caller=f"139{number:08}",
            community=community,
            address="示范路 1 号",
        )
        ticket_id = writer.call(service_requests.open_request, request, actor="user:bench")
        offer_id = writer.call(service_requests.begin_offers, ticket_id, actor="user:bench")
        assert offer_id is not None, "no provider of the district can be asked"
        assert writer.call(offers.accept, offer_id, 20, actor="sms:bench") is offers.Answer.YOURS
        writer.call(visits.done, ticket_id, 80, actor="sms:bench")
        writer.call(tickets.close, ticket_id, "served", "benchmark", actor="user:bench")
    return time.perf_counter() - began


def _bare_commits(bare: sqlite3.Connection, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO step (t) VALUES (?)", (time.time(),))
        bare.execute("COMMIT")
    return time.perf_counter() - began
