"""The unit of work: synchronous commands in the writer's own threads, the urgent ones first.

An edge says `await writer.run(accept_offer, offer_id, minutes=20, actor="sms:+86…", priority=Priority.NORMAL)`.
The command is a plain function whose first argument is a `Work`. It is committed before the edge hears success; on any
exception nothing of it stays. A command cannot await, so it cannot hold a transaction over a network call.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from foundation import outbox
from foundation.calendar import WorkingTime
from foundation.clock import Clock
from foundation.database import Database
from foundation.events import Happened
from foundation.tables import Base, TicketEvent

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

SLOW_COMMAND_S = 0.05
"""A command longer than this is named in the log: bulk work goes in chunks, so that an emergency never waits."""

_EVENTS = insert(Base.metadata.tables[TicketEvent.__tablename__])
CHINA = WorkingTime()
_TRIES = 3
_RETRYABLE_SQLSTATES = {"40001", "40P01"}  # serialization failure, deadlock (PostgreSQL manual, appendix A)


class Priority(IntEnum):
    """Who goes first when several commands wait."""

    EMERGENCY = 0
    CALL = 2
    NORMAL = 5
    BULK = 9


class WriterClosedError(RuntimeError):
    """The writer takes no more commands: the service is stopping."""


@dataclass
class Work:
    """What a command is given: the session, the time it happens at, and who does it.

    `log` writes an event and `send` queues a message, both in this transaction. Messages are written together by one
    statement when the command has returned, and then the events by another.
    """

    session: Session
    now: datetime
    actor: str
    calendar: WorkingTime = CHINA
    """When the desks of this site work."""
    happened: list[Happened] = field(default_factory=list)
    queued: set[str] = field(default_factory=set)
    """The channels for which messages were queued."""

    @property
    def connection(self) -> Connection:
        """For statements that need no mapped objects. Flush the session first if objects of it wait to be written."""
        return self.session.connection()

    def log(
        self,
        kind: str,
        /,
        *,
        ticket_id: int | None = None,
        arrival_id: int | None = None,
        audience: str = "staff",
        seen: object = None,
        **detail: Any,
    ) -> None:
        """Write the event `kind` (dotted, past tense); `detail` must be JSON. `seen` is for the listeners alone."""
        self.happened.append(Happened(kind, self.now, self.actor, audience, ticket_id, arrival_id, detail, seen))

    def tell(self, happened: Iterable[Happened]) -> None:
        """Write events that are made already."""
        self.happened.extend(happened)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail by itself: when it raises, nothing of it stays, neither rows nor messages nor events."""
        heard = len(self.happened)
        unwritten = outbox.unwritten(self.session)
        before = [dict(row) for row in unwritten]
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            del self.happened[heard:]
            unwritten[:] = before
            raise

    def send(self, message: outbox.Message) -> None:
        """Queue `message`; it is sent after this commit, if it is still true then."""
        self.queued.add(message.channel)
        outbox.queue(self.session, message, self.now)

    def finish(self) -> None:
        """Write the messages and the events. The writer calls it, last of all before the commit."""
        outbox.write(self.session)
        if not self.happened:
            return
        self.session.flush()
        rows = [
            {"at": h.at, "kind": h.kind, "actor": h.actor, "audience": h.audience, "ticket_id": h.ticket_id,
             "arrival_id": h.arrival_id, "detail": h.detail}
            for h in self.happened
        ]  # fmt: skip
        self.connection.execute(_EVENTS, rows)


@dataclass(order=True)
class _Order:
    priority: int
    number: int
    run: Callable[[Work], Any] = field(compare=False)
    actor: str = field(compare=False)
    name: str = field(compare=False)
    result: Future[Any] = field(compare=False)


class Writer:
    """Runs commands one after another (SQLite) or a few at a time (PostgreSQL), always by priority, then by age."""

    def __init__(self, database: Database, clock: Clock, calendar: WorkingTime = CHINA) -> None:
        """`calendar` is the site's: what is counted in working time is counted by it."""
        self._database = database
        self._clock = clock
        self._calendar = calendar
        self._orders: queue.PriorityQueue[_Order] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._listeners: list[Callable[[list[Happened]], None]] = []
        self._queue_listeners: list[Callable[[set[str]], None]] = []
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"writer-{n}", daemon=True) for n in range(database.writers)
        ]
        for thread in self._threads:
            thread.start()

    def on_commit(self, listener: Callable[[list[Happened]], None]) -> None:
        """Call `listener` with the events of each commit, in the writer's thread: it must be short and never raise."""
        self._listeners.append(listener)

    def on_queued(self, listener: Callable[[set[str]], None]) -> None:
        """Call `listener` with the channels for which a commit queued messages; like `on_commit`."""
        self._queue_listeners.append(listener)

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._orders.qsize()

    def submit(
        self,
        command: Callable[Concatenate[Work, P], T],
        priority: Priority,
        actor: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Future[T]:
        """Line up `command`; the future ends after its commit."""
        if self._closed:
            raise WriterClosedError("the service is stopping and takes no more work; try again when it is up")
        result: Future[T] = Future()
        name = getattr(command, "__name__", repr(command))
        order = _Order(int(priority), next(self._numbers), lambda w: command(w, *args, **kwargs), actor, name, result)
        self._orders.put(order)
        return result

    async def run(
        self,
        command: Callable[..., T],
        *args: Any,
        actor: str = "system",
        priority: Priority = Priority.NORMAL,
        **kwargs: Any,
    ) -> T:
        """Run `command(work, *args, **kwargs)` and return what it returned, after its commit.

        Raises what the command raised. Cancelling the caller does not stop a command that has begun.
        """
        return await asyncio.wrap_future(self.submit(command, priority, actor, *args, **kwargs))

    def call(
        self,
        command: Callable[..., T],
        *args: Any,
        actor: str = "system",
        priority: Priority = Priority.NORMAL,
        **kwargs: Any,
    ) -> T:
        """`run` for a plain thread: pages and command-line commands use it."""
        return self.submit(command, priority, actor, *args, **kwargs).result()

    def close(self, timeout: float = 10.0) -> None:
        """Finish what waits, then stop."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            stop: Future[None] = Future()
            self._orders.put(_Order(99, next(self._numbers), lambda _w: None, "", "", stop))
        for thread in self._threads:
            thread.join(timeout)

    def _work(self) -> None:
        while True:
            order = self._orders.get()
            if order.priority == 99:
                return
            if not order.result.set_running_or_notify_cancel():
                continue
            try:
                value, work = self._commit(order)
            except BaseException as error:  # the caller must hear whatever it was, and this thread must go on
                order.result.set_exception(error)
            else:
                self._tell(work)
                order.result.set_result(value)

    def _commit(self, order: _Order) -> tuple[Any, Work]:
        for attempt in range(1, _TRIES + 1):
            began = time.perf_counter()
            try:
                with Session(self._database.write_engine, expire_on_commit=False) as session, session.begin():
                    work = Work(session, self._clock.now(), order.actor, self._calendar)
                    value = order.run(work)
                    work.finish()
                took = time.perf_counter() - began
                if took > SLOW_COMMAND_S:
                    log.warning("command %s took %.0f ms", order.name, took * 1000)
                return value, work
            except (OperationalError, DBAPIError) as error:
                if attempt == _TRIES or not _retryable(error):
                    raise
                log.info("command %s runs again after %s", order.name, error.orig)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _tell(self, work: Work) -> None:
        """Tell the listeners of a commit; one that fails does not keep the others from hearing."""
        told: list[tuple[Callable[[Any], None], Any]] = []
        if work.happened:
            told += [(listener, work.happened) for listener in self._listeners]
        if work.queued:
            told += [(listener, work.queued) for listener in self._queue_listeners]
        for listener, news in told:
            try:
                listener(news)
            except Exception:
                log.exception("a listener failed on %s", [h.kind for h in work.happened])


def _retryable(error: DBAPIError) -> bool:
    """Whether the same command may succeed when run again: the database itself gave it up for another's sake."""
    return getattr(error.orig, "sqlstate", None) in _RETRYABLE_SQLSTATES
