"""What is committed goes away: its step file and its key in the exchange's database, never before the commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from callcenter.bridge.actions import Actions
from callcenter.bridge.errors import BridgeError
from callcenter.bridge.spool import Spool

log = logging.getLogger(__name__)

_AT_ONCE = 100
"""Deletions asked for together. The exchange answers one connection's actions in turn, and an alarm's call must not
stand behind more than some milliseconds of them."""
_WITHIN = 1.0
"""Seconds for which deletions wait while steps are being committed."""


@dataclass(slots=True)
class DeletionCounters:
    """Figures of the tidying up."""

    deleted: int = 0
    delete_failures: int = 0


class Deletions:
    """Deletes steps, `(call id, step)`, in the order in which they were put, when there is nothing to commit.

    A step whose key cannot be deleted now is read again at the next resync and put here once more.
    """

    def __init__(self, actions: Actions, spool: Spool, quiet: Callable[[], Awaitable[object]]) -> None:
        """`quiet` returns when no step waits to be committed."""
        self.counters = DeletionCounters()
        self._actions = actions
        self._spool = spool
        self._quiet = quiet
        self._waiting: dict[tuple[str, str], None] = {}
        self._under_way: set[tuple[str, str]] = set()
        self._wake = asyncio.Event()

    def put(self, call_id: str, step: str) -> None:
        """This step is committed."""
        if (call_id, step) not in self._under_way:
            self._waiting[call_id, step] = None
            self._wake.set()

    async def run(self) -> None:
        """Delete until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            with suppress(TimeoutError):  # what is not committed yet goes before what only has to be tidied away
                async with asyncio.timeout(_WITHIN):
                    await self._quiet()
            while self._waiting:
                some = [*self._waiting][:_AT_ONCE]
                self._under_way.update(some)
                for key in some:
                    del self._waiting[key]
                await self._delete(some)
                self._under_way.clear()

    async def _delete(self, some: list[tuple[str, str]]) -> None:
        self.counters.delete_failures += await asyncio.to_thread(self._spool.remove, some)
        keys = [(f"journal/{call_id}", step) if step else ("journal", call_id) for call_id, step in some]
        try:
            failed = await self._actions.db_del_all(keys)
        except BridgeError as error:
            failed = len(keys)
            log.debug("%d steps stay in the exchange for now: %s", failed, error)
        self.counters.delete_failures += failed
        self.counters.deleted += len(keys) - failed
