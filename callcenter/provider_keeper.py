"""Keeps providers' stars, papers and numbers up to date while the service runs.

Whose orders have just moved is rated within seconds; every night each provider is looked at once. What was forgotten
because a process died is made up for by the next night: all of it is computed anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from sqlalchemy import select

from dispatch import provider_days, provider_words
from foundation.calendar import NINGBO
from foundation.database import Database
from foundation.events import Happened
from foundation.tables import Heartbeat
from foundation.writer import Priority, Work, Writer

T = TypeVar("T")
NIGHT = "providers"
"""The heartbeat of the night's work."""
BEGINS, TEXTS_FROM, TEXTS_UNTIL = time(0, 10), time(9, 0), time(17, 0)
"""Local times: papers end with their last day, so the night begins after midnight; codes are asked for by day."""
ASK_EACH = timedelta(minutes=10)
"""How often it is looked whether a number's turn has come."""
MOST_TICKETS = 50
"""Tickets whose providers one look rates anew."""
_MATTERS = frozenset(
    {
        "offer.accepted", "offer.declined", "offer.expired", "offer.given_back", "offer.taken_back", "visit.arrived",
        "visit.late", "work.done", "follow_up.answered", "ticket.redo",
    }
)  # fmt: skip


class ProviderKeeper:
    """`hear` is told of each commit, `look` runs each second."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._tickets: set[int] = set()
        self._after = 0
        self._ask_next = datetime.min.replace(tzinfo=UTC)

    def hear(self, happened: Iterable[Happened]) -> None:
        """Remember the tickets whose providers' counts have changed. Called in the writer's thread."""
        moved = {h.ticket_id for h in happened if h.ticket_id is not None and _matters(h)}
        self._tickets |= moved

    async def look(self, now: datetime) -> None:
        """Rate whom something happened to; go on with the night's work; ask numbers for their codes by day."""
        await self._rate(now)
        local = now.astimezone(NINGBO)
        if local.time() >= BEGINS and await asyncio.to_thread(self._owes_the_night, local.date()):
            await self._night(now)
        if TEXTS_FROM <= local.time() < TEXTS_UNTIL:
            await self._ask(now)

    async def _rate(self, now: datetime) -> None:
        some = sorted(self._tickets)[:MOST_TICKETS]
        if some:
            self._tickets -= set(some)
            ids = await asyncio.to_thread(self._read, provider_days.providers_of, some)
            await self._each(provider_days.rate, ids, now)

    async def _night(self, now: datetime) -> None:
        ids = await asyncio.to_thread(self._read, provider_days.next_providers, self._after)
        if ids:
            await self._each(provider_days.look, ids, now)
            self._after = ids[-1]
            return
        made = await asyncio.to_thread(self._read, provider_days.bands, now)
        await self._writer.run(provider_days.keep_bands, made, actor="clock", priority=Priority.BULK)
        await self._writer.run(_ended, actor="clock", priority=Priority.BULK)
        self._after = 0

    async def _ask(self, now: datetime) -> None:
        if now < self._ask_next:
            return
        if await asyncio.to_thread(self._read, provider_words.anyone_to_ask, now):
            await self._writer.run(provider_words.ask_contacts, actor="clock", priority=Priority.BULK)
        else:
            self._ask_next = now + ASK_EACH

    async def _each(
        self, command: Callable[[Work, provider_days.Counted], None], ids: list[int], now: datetime
    ) -> None:
        """Count them all beside the writer; then write one after another, so that nobody waits behind them."""
        counted = await asyncio.to_thread(self._read, provider_days.count, ids, now)
        for provider_id, counts in counted.items():
            await self._writer.run(command, {provider_id: counts}, actor="clock", priority=Priority.BULK)

    def _read(self, query: Callable[..., T], *args: object) -> T:
        with self._database.read() as session:
            return query(session, *args)

    def _owes_the_night(self, day: date) -> bool:
        with self._database.read() as session:
            last = session.scalar(select(Heartbeat.at).where(Heartbeat.name == NIGHT))
        return last is None or last.astimezone(NINGBO).date() < day


def _matters(h: Happened) -> bool:
    return h.kind in _MATTERS or (h.kind == "ticket.state_changed" and h.detail.get("state") == "arrived")


def _ended(w: Work) -> None:
    w.session.merge(Heartbeat(name=NIGHT, at=w.now))
