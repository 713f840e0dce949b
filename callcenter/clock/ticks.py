"""One tick a second, by APScheduler. A tick claims what is due, runs each in a unit of work of its own, and goes on.

The lease is renewed only after a tick was committed: an application that cannot commit does not drive the ladder.
Chores have jobs of their own, since they may wait behind other work, and the lease and the ladder may not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.orm import Session

from foundation import deadlines
from foundation.clock import Clock
from foundation.database import Database
from foundation.tables import Heartbeat
from foundation.writer import Priority, Work, Writer

log = logging.getLogger(__name__)

TICK_S = 1
AT_ONCE = 50
"""How many due deadlines one tick takes on; the rest waits for the next."""


class Ticks:
    """Says that the application is alive, fires deadlines by `fire(work, deadline_id)`; runs `chores` beside it."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        *,
        fire: Callable[[Work, int], object],
        chores: dict[str, Callable[[datetime], Awaitable[object]]],
        alive: Callable[[int], Awaitable[object]],
    ) -> None:
        """`alive` is given the epoch second after each committed tick: it renews the lease."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._fire = fire
        self._chores = chores
        self._alive = alive
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.ended = 0
        """How many ticks have come to their end, well or badly: one that hangs would keep all others from beginning."""

    def start(self) -> None:
        """Begin to tick; call it in the running loop."""
        self._scheduler.add_listener(_complain, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        # Each at its own moment of the second: all at once they would keep a press waiting that comes just then.
        works: list[tuple[Callable[..., Awaitable[None]], tuple[object, ...]]] = [(self.tick, ())]
        works += [(self._run, chore) for chore in self._chores.items()]
        first = datetime.now(UTC) + timedelta(seconds=TICK_S)
        for place, (work, args) in enumerate(works):
            self._each_second(work, args, first + timedelta(seconds=TICK_S * place / len(works)))
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Alive first, since a person may be waiting on the lease; then what is due."""
        try:
            await self._writer.run(_beat, "tick", priority=Priority.EMERGENCY, actor="clock")
            await self._alive(int(time.time()))
            await self.fire_due()
        finally:
            self.ended += 1

    async def fire_due(self) -> int:
        """Fire every due deadline once; returns how many fired."""
        due = await asyncio.to_thread(self._due)
        fired = 0
        for deadline_id in due:
            try:
                await self._writer.run(self._fire, deadline_id, priority=Priority.EMERGENCY, actor="clock")
                fired += 1
            except Exception as error:
                log.exception("deadline %s could not be fired", deadline_id)
                await self._writer.run(_push_back, deadline_id, repr(error), actor="clock")
        return fired

    def _each_second(self, work: Callable[..., Awaitable[None]], args: tuple[object, ...], first: datetime) -> None:
        self._scheduler.add_job(
            work, "interval", args, seconds=TICK_S, start_date=first, coalesce=True, max_instances=1,
            misfire_grace_time=None,
        )  # fmt: skip

    async def _run(self, name: str, chore: Callable[[datetime], Awaitable[object]]) -> None:
        try:
            await chore(self._clock.now())
        except Exception:
            log.exception("the chore %s failed; it runs again in a second", name)

    def _due(self) -> list[int]:
        with self._database.read() as session:
            return deadlines.due_ids(session, self._clock.now(), AT_ONCE)


def last_beat(session: Session, name: str = "tick") -> datetime | None:
    """When `name` last ran to its end."""
    beat = session.get(Heartbeat, name)
    return None if beat is None else beat.at


def _beat(w: Work, name: str) -> None:
    w.session.merge(Heartbeat(name=name, at=w.now))


def _push_back(w: Work, deadline_id: int, error: str) -> None:
    deadlines.push_back(w.session, deadline_id, error, w.now)


def _complain(event: JobEvent) -> None:
    log.error("the tick was missed or failed: %s", getattr(event, "exception", None) or "missed")
