"""The journal's reader: every step that the dialplan wrote reaches the domain, in order, and only then goes away.

What the domain can rely on:

- *At least once.* A step is forgotten by the exchange only after the call back that got it has returned. After a
  crash between the two it comes again; the domain tells it by (call id, step).
- *In order within a call.* Steps of one channel (`001`, `002`, ... or `<leg>-001`, ...) come in the order of their
  numbers, a leg's steps never before the call's `001`; between channels the exchange's own times decide. A step whose
  predecessor has not been seen is held back until the exchange and its step files have been asked for it; it comes
  without its predecessor only when that is in neither: committed earlier, or cut off by a hangup before it was
  written.
- *Whole.* All steps of a call that wait at the moment of a hand-over are in the same batch.
- *Emergencies at once.* Steps of calls that are plainly no emergency are gathered for some milliseconds and handed over
  together; all others go at once, beside them (see `lanes`). `on_steps` is told which it is.
- *No call waits for another.* A batch that is refused is cut into halves down to single steps; a call whose step is
  refused alone waits with growing patience while the others go on. After `journal_tries` refusals, each while other
  calls were accepted, the step is handed over as `Malformed` for a person to see; refused even so, it is set aside:
  left in the exchange until the next start, and said loudly.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from callcenter.bridge.actions import Actions
from callcenter.bridge.deletions import Deletions
from callcenter.bridge.errors import BridgeError
from callcenter.bridge.lanes import Lane, is_ordinary, is_urgent
from callcenter.bridge.order import CallSteps, Step, in_order
from callcenter.bridge.settings import BridgeSettings
from callcenter.bridge.spool import NAME, Spool
from dispatch.journal import CallStep, Malformed, clean, parse

log = logging.getLogger(__name__)

OnSteps = Callable[[Sequence[Step], bool], Awaitable[None]]
"""Commits steps; the flag says whether an emergency is among them, or may be."""

_REMEMBERED = 10_000
"""Calls whose committed steps are remembered. One forgotten costs a question to the exchange, nothing more."""

_GIVE_WAY = 0.25
"""Seconds for which ordinary calls let emergencies pass."""


@dataclass(slots=True)
class JournalCounters:
    """Figures of the journal's way into the database."""

    heard: int = 0
    committed: int = 0
    batches: int = 0
    refusals: int = 0
    malformed: int = 0
    set_aside: int = 0
    gaps: int = 0
    dropped: int = 0
    pending: int = 0


class JournalReader:
    """Hears steps from events and from the exchange's database, hands them over, and deletes what is committed."""

    def __init__(
        self,
        actions: Actions,
        on_steps: OnSteps,
        settings: BridgeSettings,
        *,
        on_alarm: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.counters = JournalCounters()
        self._actions = actions
        self._on_steps = on_steps
        self._settings = settings
        self._on_alarm = on_alarm
        self._spool = Spool(settings.spool)
        self._calls: OrderedDict[str, CallSteps] = OrderedDict()
        self._urgent = Lane(urgent=True, gather=0.0, most_calls=settings.journal_batch)
        self._ordinary = Lane(urgent=False, gather=settings.journal_gather, most_calls=settings.journal_batch)
        self._lanes = (self._urgent, self._ordinary)
        self._fresh: set[str] = set()
        self._progress = asyncio.Event()
        self._deletions = Deletions(actions, self._spool, self._quiet)
        self._questions: set[asyncio.Task[None]] = set()
        self._accepted = 0
        self._failures = 0
        self.reread = False
        """Steps had to be dropped from memory; the tree must be read again."""

    @property
    def figures(self) -> dict[str, int]:
        """All figures of the journal, for /metrics."""
        return asdict(self.counters) | asdict(self._deletions.counters)

    # --- hearing ---------------------------------------------------------------------------------

    def hear(self, call_id: str, step: str, record: str) -> None:
        """Take note of a step; known ones cost nothing."""
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = CallSteps()
            self._fresh.add(call_id)
            self._forget_old()
        if step in call.done:
            self._deletions.put(call_id, step)  # committed earlier, but the exchange still has it
            return
        if step in call.waiting or step in call.aside:
            return
        if self.counters.pending >= self._settings.journal_pending:
            self.counters.dropped += 1
            self.reread = True
            return
        self.counters.heard += 1
        parsed: Step = parse(call_id, step, record)
        if not (NAME.fullmatch(call_id) and NAME.fullmatch(step)):
            parsed = Malformed(clean(call_id), clean(step), clean(record), "no proper call id or step")
        if isinstance(parsed, Malformed):
            self.counters.malformed += 1
        call.waiting[step] = parsed
        self.counters.pending += 1
        if step == "001":
            call.ordinary = is_ordinary(parsed)
        call.urgent = call.urgent or is_urgent(parsed)
        self._line_up(call_id, call)

    def _lane(self, call: CallSteps) -> Lane:
        return self._ordinary if call.ordinary and not call.urgent else self._urgent

    def _line_up(self, call_id: str, call: CallSteps) -> None:
        own = self._lane(call)
        if call_id in own.ready:
            return  # whatever keeps it from being handed over wakes the lane when it ends
        for lane in self._lanes:
            lane.ready.pop(call_id, None)
        own.put(call_id)

    def _waiting(self) -> list[str]:
        """The calls that have steps waiting, in either lane."""
        return [call_id for lane in self._lanes for call_id in lane.ready]

    def _wake_all(self) -> None:
        for lane in self._lanes:
            lane.wake.set()

    async def _quiet(self) -> None:
        """Return when nothing is being committed and nothing waits that could be."""
        while not all(lane.idle.is_set() for lane in self._lanes):
            for lane in self._lanes:
                await lane.idle.wait()

    async def read_tree(self) -> None:
        """Hear every step that the exchange holds, in its database or only in a file."""
        self.reread = False
        entries = await self._actions.db_get_tree("journal")
        files = await asyncio.to_thread(self._spool.left_behind)
        for path, record in entries.items():
            self._hear_entry(path, record)
        for (call_id, step), record in files.items():
            self.hear(call_id, step, record)
        for call_id in self._waiting():
            call = self._calls[call_id]
            call.gone |= call.missing()
            call.asked = False
        self._wake_all()

    def _hear_entry(self, path: str, record: str) -> None:
        """`journal/<call id>/<step>`; a path of another shape keeps all after the first part as its step."""
        call_id, _, step = path.removeprefix("journal/").partition("/")
        self.hear(call_id, step, record)

    def mark(self) -> None:
        """From now on note the calls first heard of (`fresh`)."""
        self._fresh.clear()

    @property
    def fresh(self) -> set[str]:
        """The calls first heard of since `mark`."""
        return set(self._fresh)

    @property
    def unsettled(self) -> set[str]:
        """The calls that have steps waiting: nothing can be said about their end yet."""
        return set(self._waiting())

    async def drained(self) -> None:
        """Return when every step heard before now is committed or set aside."""
        open_steps = {(call_id, step) for call_id in self._waiting() for step in self._calls[call_id].waiting}
        while True:
            open_steps = {(call_id, step) for call_id, step in open_steps if self._is_open(call_id, step)}
            if not open_steps:
                return
            self._progress.clear()
            await self._progress.wait()

    def _is_open(self, call_id: str, step: str) -> bool:
        call = self._calls.get(call_id)
        return call is not None and step in call.waiting

    def _forget_old(self) -> None:
        while len(self._calls) > _REMEMBERED:
            oldest = next(iter(self._calls))
            if self._calls[oldest].waiting:
                self._calls.move_to_end(oldest)
                return
            del self._calls[oldest]

    # --- handing over ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand over and delete until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._hand_over_all(lane))
            group.create_task(self._deletions.run())

    async def _hand_over_all(self, lane: Lane) -> None:
        next_due: float | None = None
        while True:
            await lane.wait(next_due)
            await lane.gather()
            if lane is self._ordinary:
                await self._after_emergencies()
            lane.wake.clear()
            batch, next_due = self._take(lane)
            if batch:
                await self._hand_over(lane, batch)

    async def _after_emergencies(self) -> None:
        """Let emergencies that wait go first; not for ever, since one that cannot be stored would keep all others."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GIVE_WAY):
                await self._urgent.idle.wait()

    async def _hand_over(self, lane: Lane, batch: list[tuple[str, str]]) -> None:
        calls = {call_id: self._calls[call_id] for call_id, _ in batch}
        steps = [calls[call_id].waiting[step] for call_id, step in batch]
        self.counters.batches += 1
        for call in calls.values():
            call.under_way = True
        try:
            async with asyncio.timeout(self._settings.journal_timeout):
                await self._on_steps(steps, lane.urgent)
        except Exception as error:
            self._refused(lane, batch, error)
        else:
            self._commit(lane, batch)
        finally:
            for call in calls.values():
                call.under_way = False
            self._wake_all()  # more may wait, and a call may belong to the other lane by now

    def _take(self, lane: Lane) -> tuple[list[tuple[str, str]], float | None]:
        """The next batch, or when there is none the time at which a waiting call is due."""
        now = asyncio.get_running_loop().time()
        batch: list[tuple[str, str]] = []
        calls = 0
        next_due: float | None = None
        for call_id in list(lane.ready):
            call = self._calls[call_id]
            if call.due > now:
                next_due = call.due if next_due is None else min(next_due, call.due)
                continue
            if call.asked or call.under_way or (call.alone and batch):
                continue
            if call.missing():
                self._ask(call_id, call)
                continue
            ordered = in_order(call.waiting)
            if call.alone:
                return [(call_id, ordered[0])], None
            batch += [(call_id, step) for step in ordered]
            calls += 1
            if calls >= lane.most_calls:
                break
        return batch, next_due

    def _commit(self, lane: Lane, batch: list[tuple[str, str]]) -> None:
        if self._failures:
            # Those refused while nobody was accepted suffered from the same outage: no need to wait further.
            for call_id in self._waiting():
                if self._calls[call_id].accepted_then == self._accepted:
                    self._calls[call_id].due = 0.0
            self._wake_all()
        self._accepted += 1
        self._failures = 0
        lane.most_calls = min(self._settings.journal_batch, lane.most_calls * 2)
        self.counters.committed += len(batch)
        for call_id, step in batch:
            call = self._calls[call_id]
            call.tries = 0
            call.done.add(step)
            self._settle(call_id, step)
            self._deletions.put(call_id, step)

    def _settle(self, call_id: str, step: str) -> None:
        """A step waits no longer; a call without waiting steps is in step with all others again."""
        call = self._calls[call_id]
        del call.waiting[step]
        self.counters.pending -= 1
        lane = self._lane(call)
        lane.ready.pop(call_id, None)
        if call.waiting:
            lane.ready[call_id] = None
        else:
            call.alone = False
        self._calls.move_to_end(call_id)
        self._progress.set()

    def _refused(self, lane: Lane, batch: list[tuple[str, str]], error: Exception) -> None:
        self.counters.refusals += 1
        self._failures += 1
        calls = {call_id for call_id, _ in batch}
        log.warning("%d journal steps of %d calls were not accepted: %r", len(batch), len(calls), error)
        if len(calls) > 1:
            lane.most_calls = max(1, len(calls) // 2)
            return
        call_id, step = batch[0]
        call = self._calls[call_id]
        call.alone = True
        own = self._lane(call).ready
        own.pop(call_id)
        own[call_id] = None
        if len(batch) == 1:
            self._refused_alone(call_id, step, error)
            patience = self._settings.journal_backoff * 2 ** min(max(call.tries, self._failures), 20)
            patience = min(self._settings.journal_backoff_cap, patience)
            call.due = asyncio.get_running_loop().time() + patience

    def _refused_alone(self, call_id: str, step: str, error: Exception) -> None:
        """Count a refusal against the step only when others were accepted since: else the database may be down."""
        call = self._calls[call_id]
        if self._accepted == call.accepted_then:
            return
        call.accepted_then = self._accepted
        call.tries += 1
        waiting = call.waiting[step]
        if call.tries < self._settings.journal_tries:
            return
        if isinstance(waiting, CallStep):
            call.tries = self._settings.journal_tries - 1
            reason = f"refused {self._settings.journal_tries} times, last with {type(error).__name__}"
            call.waiting[step] = Malformed(call_id, step, repr(dict(waiting.fields)), reason)
            return
        call.tries = 0
        call.aside.add(step)
        self.counters.set_aside += 1
        self._settle(call_id, step)
        text = f"Step {step} of call {call_id} cannot be stored and is set aside in the exchange's journal"
        log.error("%s", text)
        self._on_alarm(text)

    # --- gaps ------------------------------------------------------------------------------------

    def _ask(self, call_id: str, call: CallSteps) -> None:
        self.counters.gaps += 1
        call.asked = True
        task = asyncio.get_running_loop().create_task(self._fill_gap(call_id, call))
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _fill_gap(self, call_id: str, call: CallSteps) -> None:
        missing = call.missing()
        if NAME.fullmatch(call_id):
            try:
                entries = await self._actions.db_get_tree("journal", call_id)
            except BridgeError:
                return  # the next resync reads the whole tree and sets the call free
            for path, record in entries.items():
                self._hear_entry(path, record)
            for step in missing - call.waiting.keys():
                if record := await asyncio.to_thread(self._spool.read, call_id, step):
                    self.hear(call_id, step, record)
        call.gone |= missing - call.waiting.keys()
        call.asked = False
        self._lane(call).wake.set()
