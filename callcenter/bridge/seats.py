"""Who sits in the service queue. The database owns it; the exchange is read, compared and put right.

The emergency queue has every seat for good (docs/telephone.md, "Queues") and is never touched here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from callcenter.bridge.actions import Actions
from callcenter.bridge.errors import ActionRefusedError, BridgeError
from callcenter.bridge.events import AmiEvent

log = logging.getLogger(__name__)

_SEAT = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_RETRY = 1.0
MEMBER_EVENTS = frozenset(("QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause"))


@dataclass(frozen=True, slots=True)
class SeatWish:
    """What a seat should be in the service queue: signed in, and on a break with its reason or not."""

    present: bool
    paused: bool = False
    reason: str = ""


@dataclass(slots=True)
class SeatCounters:
    """Figures of the service queue's membership."""

    reconciled: int = 0
    repaired: int = 0
    failures: int = 0


class Seats:
    """Reconciles the queue with `desired`, a mapping of seat (`op1`) to its wish; a seat not in it is not signed in."""

    def __init__(
        self,
        actions: Actions,
        queue: str,
        desired: Callable[[], Awaitable[Mapping[str, SeatWish]]],
        *,
        is_ready: Callable[[], bool],
    ) -> None:
        self.counters = SeatCounters()
        self._actions = actions
        self._queue = queue
        self._desired = desired
        self._is_ready = is_ready
        self._wake = asyncio.Event()

    def reconcile_soon(self) -> None:
        """Someone signed in or out, went on a break or came back; or a resync is done."""
        self._wake.set()

    def hear(self, event: AmiEvent) -> None:
        """Look again when the exchange changed a membership, be it by our hand or another's."""
        if event.name in MEMBER_EVENTS and event.text("queue") == self._queue:
            self._wake.set()

    async def run(self) -> None:
        """Keep the queue as desired until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._is_ready():
                continue  # the resync wakes us
            try:
                await self._reconcile()
            except Exception as error:
                self.counters.failures += 1
                if not isinstance(error, BridgeError):
                    log.exception("The seats could not be reconciled with the queue; it is tried again")
                asyncio.get_running_loop().call_later(_RETRY, self._wake.set)

    async def _reconcile(self) -> None:
        wishes = await self._desired()
        for seat in wishes:
            if not _SEAT.fullmatch(seat):
                raise ValueError(f"{seat!r} is no seat's name")
        wanted = {f"PJSIP/{seat}": (seat, wish) for seat, wish in wishes.items() if wish.present}
        items = await self._actions.queue_status(self._queue)
        present = {
            str(item.get("location")): item
            for item in items
            if item.get("event") == "QueueMember" and item.get("membership") == "dynamic"
        }
        members = {str(item.get("location")) for item in items if item.get("event") == "QueueMember"}
        fixed = members - present.keys()
        for interface in present.keys() - wanted.keys():
            await self._act(self._actions.queue_remove(self._queue, interface))
        for interface, (seat, wish) in wanted.items():
            member = present.get(interface)
            if interface in fixed:
                continue
            if member is None:
                await self._act(
                    self._actions.queue_add(
                        self._queue, interface, member_name=seat, paused=wish.paused, reason=wish.reason
                    )
                )
            elif (member.get("paused") == "1") != wish.paused or (
                wish.paused and (member.get("pausedreason") or "") != wish.reason
            ):
                await self._act(
                    self._actions.queue_pause(self._queue, interface, paused=wish.paused, reason=wish.reason)
                )
        self.counters.reconciled += 1

    async def _act(self, action: Awaitable[None]) -> None:
        self.counters.repaired += 1
        try:
            await action
        except ActionRefusedError as error:
            # Someone else was quicker, or the seat does not exist in the exchange; the others get theirs.
            self.counters.failures += 1
            log.warning("The service queue differs from what it should be: %s", error)
