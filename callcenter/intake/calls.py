"""The telephone's door: steps of the exchange's journal become arrivals, committed before the journal forgets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatch.journal import CallStep, Malformed, StepKind
from foundation.writer import Priority, Work, Writer

Step = CallStep | Malformed


class CallIntake:
    """Hands batches of steps to `record(work, steps)`, the domain's command, emergencies ahead of everything else."""

    def __init__(self, writer: Writer, record: Callable[[Work, Sequence[Step]], object]) -> None:
        self._writer = writer
        self._record = record

    async def take(self, steps: Sequence[Step]) -> None:
        """Returns after the commit; raises when it did not happen, and the journal keeps the steps."""
        await self._writer.run(self._record, steps, priority=priority_of(steps), actor="exchange")


def priority_of(steps: Sequence[Step]) -> Priority:
    """A batch goes ahead of all else unless every step in it plainly belongs to ordinary calls."""
    ordinary = all(isinstance(s, CallStep) and s.kind is StepKind.ARRIVED and s["kind"] != "emergency" for s in steps)
    return Priority.CALL if ordinary else Priority.EMERGENCY
