"""Keeps one exchange node at what was published: brings a publication there, repairs what is missing, clears away.

It compares what the database wants with what the exchange has, and does the next thing that is missing. It can be
killed anywhere: it remembers nothing, and each of its steps may be done twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from foundation.clock import Clock
from foundation.database import Database
from foundation.writer import Writer
from ivr_flows import publishing, queries
from ivr_flows.queries import Wanted

log = logging.getLogger(__name__)

EVERY_S = 20.0
"""So often it looks without being asked: calls end, and their version may go."""
_RETRY_S = 2.0


class Node(Protocol):
    """One exchange node's flows; `callcenter.exchange.flows.NodeFlows`."""

    by_hand: bool

    def versions(self) -> set[int]: ...
    def remove(self, version: int) -> None: ...
    async def reload(self) -> None: ...
    async def has(self, version: int, digest: str) -> bool: ...
    async def calls(self, versions: set[int]) -> dict[int, int]: ...
    async def current(self) -> int: ...
    async def begin_in(self, version: int) -> None: ...
    async def settled(self, version: int, dialplan: str, digest: str) -> None: ...
    def told(self, version: int) -> str: ...


class FlowKeeper:
    """One node's keeper. `not_loaded` are the errors that mean: the exchange was asked and has it not. Any other error
    means that it could not be asked, and the same is tried again. `before_loading` blocks; it has what a new version
    needs ready, and what it could not make ready keeps nothing from going on."""

    def __init__(
        self,
        name: str,
        node: Node,
        database: Database,
        writer: Writer,
        clock: Clock,
        *,
        is_ready: Callable[[], bool],
        not_loaded: tuple[type[Exception], ...],
        on_alarm: Callable[[str], None] = lambda _text: None,
        before_loading: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._node = node
        self._database = database
        self._writer = writer
        self._clock = clock
        self._is_ready = is_ready
        self._not_loaded = not_loaded
        self._on_alarm = on_alarm
        self._before_loading = before_loading
        self._wake = asyncio.Event()
        self._told: tuple[object, ...] = ()

    def look_soon(self) -> None:
        """Compare now: something was ordered, or the exchange is there again."""
        self._wake.set()

    async def run(self) -> None:
        """Keep the node until cancelled."""
        wait = EVERY_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()
            wait = EVERY_S
            if not self._is_ready():
                continue  # a ready link wakes us
            try:
                await self.look()
            except Exception as error:
                wait = _RETRY_S
                log.warning("the flows of %s could not be brought to what is published: %s", self._name, error)

    async def look(self) -> None:
        """Compare once, and do what is missing."""
        wanted = await self._wanted()
        waits_for = await self._have(wanted)
        if wanted.under_way is not None:
            await self._report(wanted, waits_for)
            waits_for = await self._bring(wanted) or waits_for
            wanted = await self._wanted()  # it may be in force now, or have failed
        if wanted.under_way is None and await self._node.current() != wanted.current:
            log.warning("new calls of %s did not begin in version %d; they do now", self._name, wanted.current)
            await self._node.begin_in(wanted.current)
        await self._clear(wanted)
        await self._report(wanted, waits_for)

    async def _have(self, wanted: Wanted) -> str:
        """Bring what is in force, and what a step back leads to, where it is missing: a node was empty, or away."""
        under_way = wanted.under_way[1] if wanted.under_way is not None else 0
        waits_for = ""
        for version, digest in wanted.digests.items():
            if version == under_way or await self._node.has(version, digest):
                continue
            try:
                await self._load(version, digest)
            except self._not_loaded as error:
                if self._node.by_hand:
                    waits_for = self._node.told(version)
                    continue
                log.error("version %d is missing on %s: %s", version, self._name, error)
                self._on_alarm(f"流程版本 {version} 未能装载 / flow version {version} is not loaded: {error}")
        return waits_for

    async def _bring(self, wanted: Wanted) -> str:
        """Take the publication under way as far as it goes; what a person must do for it, or empty."""
        assert wanted.under_way is not None
        publication, version, state = wanted.under_way
        if version:
            if state == "prepared":
                await asyncio.to_thread(self._before_loading)
            try:
                await self._load(version, wanted.digests[version])
            except self._not_loaded as error:
                if self._node.by_hand:
                    return self._node.told(version)
                if state == "loaded":
                    raise  # it was there, and new calls may begin in it already: it must come back
                log.error("version %d could not be published: %s", version, error)
                await asyncio.to_thread(self._node.remove, version)
                await self._writer.run(publishing.fail, publication, str(error), actor="exchange")
                await self._node.reload()
                return ""
        await self._report(wanted, "")
        state = await self._writer.run(publishing.settle, publication, actor="exchange")
        if state == "loaded":
            await self._node.begin_in(version)
            await self._report(wanted, "")
            await self._writer.run(publishing.settle, publication, actor="exchange")
        return ""

    async def _clear(self, wanted: Wanted) -> None:
        """Take versions away that nothing needs and no call is in."""
        idle = await asyncio.to_thread(self._node.versions) - wanted.digests.keys()
        if not idle:
            return
        calls = await self._node.calls(idle)
        gone = [version for version in idle if not calls[version]]
        for version in gone:
            await asyncio.to_thread(self._node.remove, version)
        if gone:
            await self._node.reload()
            log.info("flow versions %s had no call any more and are taken away", sorted(gone))

    async def _load(self, version: int, digest: str) -> None:
        text = (await asyncio.to_thread(self._texts, version))[version]
        await self._node.settled(version, text, digest)

    async def _report(self, wanted: Wanted, waits_for: str) -> None:
        there = {version for version, digest in wanted.digests.items() if await self._node.has(version, digest)}
        kept = await asyncio.to_thread(self._node.versions) | there | {0, wanted.current}
        calls = {version: count for version, count in (await self._node.calls(kept)).items() if count}
        current = await self._node.current()
        await self._writer.run(
            publishing.report, self._name, there | calls.keys() - {0}, current, calls, waits_for, actor="exchange"
        )

    async def _wanted(self) -> Wanted:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Wanted:
        with self._database.read() as session:
            return queries.wanted(session, self._clock.now())

    def _texts(self, version: int) -> Mapping[int, str]:
        with self._database.read() as session:
            return queries.dialplans(session, [version])
