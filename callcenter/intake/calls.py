"""The telephone's door: steps of the exchange's journal become arrivals, committed before the journal forgets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatch.journal import CallStep, Malformed
from foundation.writer import Priority, Work, Writer

Step = CallStep | Malformed


class CallIntake:
    """Hands batches of steps to `record(work, steps)`, the domain's command to the writer."""

    def __init__(self, writer: Writer, record: Callable[[Work, Sequence[Step]], object]) -> None:
        self._writer = writer
        self._record = record

    async def take(self, steps: Sequence[Step], urgent: bool) -> None:
        """Returns after the commit; raises when it did not happen, and the journal keeps the steps.

        `urgent`: an emergency is among these steps, or may be. They go ahead of all else that waits to be written.
        """
        priority = Priority.EMERGENCY if urgent else Priority.CALL
        await self._writer.run(self._record, steps, priority=priority, actor="exchange")
