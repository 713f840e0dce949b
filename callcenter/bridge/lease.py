"""The application's sign of life in AstDB: while it is fresh the dialplan lets the application drive alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from callcenter.bridge.actions import Actions
from callcenter.bridge.errors import BridgeError
from callcenter.bridge.link import Link

STALE_AFTER = 10.0
"""Seconds; docs/telephone.md, "AstDB"."""


@dataclass(slots=True)
class LeaseCounters:
    """Figures of the lease."""

    written: int = 0
    skipped: int = 0
    failed: int = 0


class Lease:
    """Writes `app/lease`. A write that cannot go out now is left out, never kept for later."""

    def __init__(
        self, actions: Actions, link: Link, *, is_ready: Callable[[], bool], wall: Callable[[], float]
    ) -> None:
        self.counters = LeaseCounters()
        self._actions = actions
        self._link = link
        self._is_ready = is_ready
        self._wall = wall
        self._busy = False
        self._unanswered_since: float | None = None

    async def renew(self, epoch: float) -> bool:
        """Write the lease of a tick committed at `epoch` (this machine's real clock, seconds since 1970).

        True once the exchange has it. False, and nothing will be written later, when the exchange is not ready, when
        the tick is itself already stale, or when an earlier write is still without an answer. The value is in the
        exchange's own time, for it is the exchange that judges its age.
        """
        silent = self._unanswered_since is not None and self._link.last_rx <= self._unanswered_since
        if self._busy or silent or not self._is_ready() or self._wall() - epoch >= STALE_AFTER:
            self.counters.skipped += 1
            return False
        self._busy = True
        sent = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._link.settings.lease_timeout):
                await self._actions.db_put("app", "lease", str(int(epoch + (self._link.skew or 0.0))))
        except (BridgeError, TimeoutError):
            self._unanswered_since = sent
            self.counters.failed += 1
            return False
        finally:
            self._busy = False
        self._unanswered_since = None
        self.counters.written += 1
        return True
