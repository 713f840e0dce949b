"""Messages from people: kept first, dealt with next, each in a transaction of its own.

A crash between the two loses nothing: what waits in the inbox is dealt with at the next tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from dispatch.staff_tasks import add_tasks
from foundation import inbox
from foundation.database import Database
from foundation.tables import InboxItem
from foundation.writer import Work, Writer

log = logging.getLogger(__name__)

MOST_TEXT = 2000
"""Longer texts are cut: three hundred characters are an unusually long SMS already."""

_AT_A_TIME = 20


class Inbound:
    """Takes messages in and hands each to `handle(work, inbox_id)`, the domain's command."""

    def __init__(self, database: Database, writer: Writer, handle: Callable[[Work, int], object]) -> None:
        self._database = database
        self._writer = writer
        self._handle = handle

    async def receive(self, source: str, external_id: str, sender: str, text: str) -> None:
        """Keep a message and deal with it; one that came before (same source and id) changes nothing."""
        payload = {"from": sender[:200], "text": text[:MOST_TEXT]}
        item = await self._writer.run(_keep, source, external_id[:120], payload, actor=f"sms:{sender[:40]}")
        if item is not None:
            await self._deal_with(item, sender)

    async def catch_up(self, sources: tuple[str, ...], now: datetime) -> int:
        """Deal with what a crash or an error left waiting; returns how many were tried."""
        waiting = await asyncio.to_thread(self._waiting, sources, now)
        for item, sender in waiting:
            await self._deal_with(item, sender)
        return len(waiting)

    def _waiting(self, sources: tuple[str, ...], now: datetime) -> list[tuple[int, str]]:
        with self._database.read() as session:
            items = [item for source in sources for item in inbox.open_items(session, source, now, _AT_A_TIME)]
        return [(item.id, str(item.payload.get("from", ""))) for item in items]

    async def _deal_with(self, item: int, sender: str) -> None:
        try:
            await self._writer.run(self._handle, item, actor=f"sms:{sender[:40]}")
        except Exception as error:
            log.exception("inbox item %s could not be dealt with", item)
            await self._writer.run(_failed, item, repr(error), sender)


def _keep(w: Work, source: str, external_id: str, payload: dict[str, object]) -> int | None:
    return inbox.receive(w.session, source, external_id, payload, w.now)


def _failed(w: Work, item: int, error: str, sender: str) -> None:
    """After the last try a person gets it on the desk, with its words: somebody wrote to us and waits."""
    if inbox.failed(w.session, item, error, w.now):
        text = str(w.session.get_one(InboxItem, item).payload.get("text", ""))
        words = {f"inbox:{item}": f"{sender}：{text}"}
        add_tasks(w, "inbox_failed", words, numbers={f"inbox:{item}": sender[:20]})
        w.log("inbox.parked", item=item)
