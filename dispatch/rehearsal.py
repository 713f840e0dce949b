"""A press that never was: after a start all on its way is gone through once, so that the first is not the slowest.

Statements are put together, modules loaded and caches filled by their first use, which takes ten times as long as the
second, and a person would wait for it.
"""

from __future__ import annotations

from dispatch import arrivals
from dispatch.journal import CallStep, StepKind
from foundation.events import Happened
from foundation.writer import Priority, Work, Writer

_CALL = "rehearsal"
_NUMBER = "13800000000"
"""A number that could be called back, if what is rehearsed were not undone."""
_FIELDS = {"to": "81891", "from": "rehearsal", "raw": "rehearsal", "kind": "emergency"}


class _OverError(Exception):
    """Undoes the rehearsal, as any exception undoes a command."""

    def __init__(self, happened: list[Happened]) -> None:
        super().__init__("rehearsed")
        self.happened = happened


async def press(writer: Writer) -> list[Happened]:
    """Store a press and undo it; what would have been told. Nobody hears of it, and no row or number of it stays."""
    try:
        await writer.run(_press, priority=Priority.NORMAL)
    except _OverError as over:
        return over.happened
    raise AssertionError("unreachable: a rehearsal ends by its exception")


def _press(w: Work) -> None:
    step = CallStep(_CALL, "001", StepKind.ARRIVED, w.now, _FIELDS)
    arrivals.record_steps(w, [step])
    told = [*w.happened]
    _the_rest(w)
    w.finish()
    raise _OverError(told)


def _the_rest(w: Work) -> None:
    """The press is taken and ends, and ordinary calls come and go, one alone and several together."""
    service = {**_FIELDS, "to": "81890", "kind": "service"}
    resident = {**service, "from": _NUMBER, "raw": _NUMBER}
    one, two, three, four, five = (f"{_CALL}-{number}" for number in range(1, 6))
    for arrived, answered, *calls in (
        (resident, None, five),
        (resident, StepKind.ANSWERED, four),
        (service, StepKind.ANSWERED, one),
        (service, StepKind.ANSWERED, two, three),
        (_FIELDS, StepKind.TOOK, _CALL),
    ):
        ended = [CallStep(call, "004", StepKind.ENDED, w.now, {}) for call in calls]
        taken = [CallStep(call, "003", answered, w.now, {"who": "seat-0"}) for call in calls if answered]
        queued = [CallStep(call, "002", StepKind.QUEUED, w.now, {"queue": arrived["kind"]}) for call in calls]
        arrivals.record_steps(w, [CallStep(call, "001", StepKind.ARRIVED, w.now, arrived) for call in calls])
        arrivals.record_steps(w, queued)
        arrivals.record_steps(w, [*taken, *ended])
