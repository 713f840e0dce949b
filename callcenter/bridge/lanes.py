"""Two ways into the database for the steps of calls: emergencies go at once, ordinary calls are gathered first.

A commit costs nearly as much for one step as for fifty. So the steps of service calls wait for one another for some
milliseconds; a step that is part of an emergency, or that may be, never waits for anything but its own kind. Each way
hands over one batch at a time, and a call is never under way on both.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from callcenter.bridge.order import Step
from dispatch.journal import CallStep, Malformed, StepKind


class Lane:
    """The calls of one kind that have steps to be handed over, the longest waiting first."""

    def __init__(self, *, urgent: bool, gather: float, most_calls: int) -> None:
        self.urgent = urgent
        self.most_calls = most_calls
        """Calls of the next batch; halved when one is refused."""
        self.ready: dict[str, None] = {}
        self.wake = asyncio.Event()
        self.idle = asyncio.Event()
        """Nothing is under way, and nothing waits that could be."""
        self._gather = gather

    def put(self, call_id: str) -> None:
        """The call has a step to be handed over."""
        self.ready[call_id] = None
        self.idle.clear()
        self.wake.set()

    async def wait(self, next_due: float | None) -> None:
        """Until a step comes, or until the loop's time `next_due`."""
        if self.wake.is_set():
            return
        self.idle.set()
        delay = None if next_due is None else max(0.0, next_due - asyncio.get_running_loop().time())
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self.wake.wait()
        self.idle.clear()

    async def gather(self) -> None:
        """Let more come, unless there is a whole batch already."""
        if self._gather > 0 and 0 < len(self.ready) < self.most_calls:
            await asyncio.sleep(self._gather)


def is_ordinary(step: Step) -> bool:
    """Whether this step shows its call to be no emergency."""
    return isinstance(step, CallStep) and step.kind is StepKind.ARRIVED and step["kind"] in ("service", "other")


def is_urgent(step: Step) -> bool:
    """Whether this step may make an emergency of a call, whatever was known of it before."""
    return isinstance(step, Malformed) or (step.kind is StepKind.QUEUED and step["queue"] == "emergency")
