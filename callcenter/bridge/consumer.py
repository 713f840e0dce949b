"""The one reader of a node's events: a bounded queue, and behind it one consumer that keeps their order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from callcenter.bridge.events import AmiEvent

log = logging.getLogger(__name__)

_TURN = 200
"""Events handled before other tasks get their turn."""


@dataclass(slots=True)
class ConsumerCounters:
    """Figures of the event path."""

    handled: int = 0
    dropped: int = 0
    overflows: int = 0
    handler_errors: int = 0
    depth_max: int = 0


class Consumer:
    """Takes events without ever blocking the reader of the socket.

    When the queue is full events are dropped and `on_overflow` is called once per overflow: what was lost is then
    learned by a resync. `put_control` queues a call of our own (a resync's snapshot) in the same order as the events
    and is never dropped, so that nothing older than the snapshot is applied after it.
    """

    def __init__(self, limit: int, handle: Callable[[AmiEvent], None], on_overflow: Callable[[], None]) -> None:
        self.counters = ConsumerCounters()
        self._limit = limit
        self._handle = handle
        self._on_overflow = on_overflow
        self._queue: deque[AmiEvent | Callable[[], None]] = deque()
        self._wake = asyncio.Event()
        self._overflowing = False

    @property
    def depth(self) -> int:
        """Events waiting."""
        return len(self._queue)

    def put(self, event: AmiEvent) -> None:
        """Queue an event, or drop it when too many wait."""
        if len(self._queue) >= self._limit:
            self.counters.dropped += 1
            if not self._overflowing:
                self._overflowing = True
                self.counters.overflows += 1
                self._on_overflow()
            return
        self._queue.append(event)
        self._wake.set()

    def put_control(self, call: Callable[[], None]) -> None:
        """Queue a call to be made when all events before it have been handled."""
        self._queue.append(call)
        self._wake.set()

    async def run(self) -> None:
        """Handle events until cancelled. What one handler does never stops the next."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.counters.depth_max = max(self.counters.depth_max, len(self._queue))
            while self._queue:
                for _ in range(min(_TURN, len(self._queue))):
                    self._one(self._queue.popleft())
                await asyncio.sleep(0)
            self._overflowing = False

    def _one(self, item: AmiEvent | Callable[[], None]) -> None:
        try:
            if isinstance(item, AmiEvent):
                self.counters.handled += 1
                self._handle(item)
            else:
                item()
        except Exception:
            self.counters.handler_errors += 1
            name = item.name if isinstance(item, AmiEvent) else "resync"
            log.exception("Handling of %s from the exchange failed", name)
