"""A trial: rounds of traffic, each with one kill -9 of the application, and now and then something worse."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from callcenter.town.behaviour import WhenRung
from tests.faults.moments import Kill, Moment, deletes_step, is_committed
from tests.faults.relay import Relay, field_of
from tests.faults.traffic import Placed, Traffic
from tests.system import System
from tests.waiting import NotInTimeError, wait_until

_WEIGHTS = {
    Moment.HEARD: 20,
    Moment.COMMITTED: 20,
    Moment.NEW: 20,
    Moment.DELETING: 12,
    Moment.CALLING: 8,
    Moment.TICKING: 4,
    Moment.LOGIN: 8,
    Moment.READING: 8,
}
"""How often each moment comes; each comes at least once."""


@dataclass(frozen=True)
class Size:
    """How much a trial does. `calls` and `presses` are those of the rounds and of the exchange's deaths together."""

    calls: int
    presses: int
    kills: int
    cuts: int
    holds: int
    freezes: int
    exchange_deaths: int
    cut_presses: int = 4
    """Presses among the ten calls that are up at each death of the exchange."""


@dataclass
class Figures:
    """What happened, to be printed and to be held against what was wanted."""

    kills: int = 0
    unplanned: int = 0
    """Kills whose moment did not come: made at once instead."""
    by_moment: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    """Kills between commit and deletion, by what the journal still held: `file and key`, `key`, `file`."""
    cuts: int = 0
    holds: int = 0
    freezes: int = 0
    exchange_deaths: int = 0


class Trial:
    """Runs `size` on a system whose application speaks to the exchange through `relay`."""

    def __init__(self, system: System, relay: Relay, traffic: Traffic, rng: random.Random, size: Size) -> None:
        self.figures = Figures()
        self.cut_presses: list[tuple[Placed, float]] = []
        """The presses that the exchange's death cut, with the time of that death."""
        self.forgotten: Counter[bool] = Counter()
        """Steps that the application had the exchange forget: whether the database had them then."""
        self._system = system
        self._relay = relay
        relay.on_message = self._watch_deletions
        self._traffic = traffic
        self._rng = rng
        self._size = size

    def run(self, spare_homes: list[int], callers: list[str]) -> None:
        """All rounds. `spare_homes` press only at the exchange's deaths. The application runs before and after."""
        size = self._size
        others = self._others(spare_homes, callers)
        moments = [*_WEIGHTS, *self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=size.kills - len(_WEIGHTS))]
        self._rng.shuffle(moments)
        for number, moment in enumerate(moments):
            share = self._traffic.left // (size.kills - number)
            for other in others.get(number, ()):
                other()
            self._round(moment, max(1, share))
        while self._traffic.left:
            self._traffic.next_call()

    def _others(self, spare_homes: list[int], callers: list[str]) -> dict[int, list[partial[None]]]:
        """In which round, before its kill, what else happens."""
        size = self._size
        what: list[partial[None]] = [partial(self._cut)] * size.cuts
        what += [partial(self._hold)] * size.holds + [partial(self._freeze)] * size.freezes
        homes = iter(spare_homes)
        for death in range(size.exchange_deaths):
            pressed = [next(homes) for _ in range(size.cut_presses)]
            what.append(partial(self._kill_exchange, pressed, callers, application_too=death % 2 == 1))
        planned: dict[int, list[partial[None]]] = {}
        for one in what:
            planned.setdefault(self._rng.randrange(size.kills), []).append(one)
        return planned

    def _watch_deletions(self, message: bytes) -> None:
        if deletes_step(message):
            call_id, step = field_of(message, "Family").removeprefix("journal/"), field_of(message, "Key")
            self.forgotten[is_committed(self._system, call_id, step)] += 1

    # --- a round ----------------------------------------------------------------------------------

    def _round(self, moment: Moment, calls: int) -> None:
        """So many calls, and a kill at its moment; then some of the next calls come before the next start."""
        kill = Kill(self._system, moment)
        late = self._rng.randint(0, calls - 1)  # so many while the application is dead
        if moment.while_starting:
            self._system.kill_application()
            self._system.start_application(wait=False)
            kill.arm(self._relay)  # in time: no Python logs in within moments of its start
            self._call(calls - late)
        else:
            self._system.wait_ready()
            kill.arm(self._relay)
            self._call(calls - late)
        self._wait_for(kill)
        self._bury(kill)
        self._call(late)
        self._system.start_application(wait=False)

    def _call(self, number: int) -> None:
        for _ in range(min(number, self._traffic.left)):
            self._traffic.next_call()

    def _wait_for(self, kill: Kill) -> None:
        """Each end of a call is journalled too: hang up one after another until the moment comes."""
        end = time.monotonic() + 10
        while not kill.struck and time.monotonic() < end:
            try:
                wait_until(lambda: kill.struck, 1, "the moment comes")
            except NotInTimeError:
                if not self._traffic.one_hangs_up():
                    break

    def _bury(self, kill: Kill) -> None:
        self._relay.set_trap(None)
        self._system.kill_application()
        self.figures.kills += 1
        self.figures.by_moment[kill.moment.name] += 1
        if not kill.struck:
            self.figures.unplanned += 1
        elif kill.committed:
            file, key = kill.left_behind()
            self.figures.windows[" and ".join(["file"] * file + ["key"] * key) or "nothing"] += 1

    # --- worse ------------------------------------------------------------------------------------

    def _cut(self) -> None:
        """The AMI connection breaks, with calls coming in before and after."""
        self._system.wait_ready()
        before = self._relay.connections
        self._call(1)
        self._relay.cut()
        self._call(1)
        wait_until(lambda: self._relay.connections > before, 20, "the application connects anew")
        self.figures.cuts += 1

    def _hold(self) -> None:
        """The AMI connection falls silent without breaking, until the application takes it for dead."""
        self._system.wait_ready()
        before = self._relay.connections
        self._relay.hold()
        self._call(2)
        wait_until(lambda: self._relay.connections > before, 60, "the application gives the silent line up")
        self._relay.let_go()
        self._system.wait_ready()
        self.figures.holds += 1

    def _freeze(self) -> None:
        """The application stands still while calls come in and end."""
        self._system.wait_ready()
        self._system.freeze_application()
        self._call(2)
        self._traffic.one_hangs_up()
        self._system.thaw_application()
        self._system.wait_ready()
        self.figures.freezes += 1

    def _kill_exchange(self, pressed: list[int], callers: list[str], *, application_too: bool) -> None:
        """The exchange is killed with ten calls up; every press among them is called back once."""
        self._traffic.all_hang_up()
        self._system.wait_ready()
        lines = [self._traffic.dial(f"home-{home}", "81891", home) for home in pressed]
        lines += [self._traffic.dial(key, "81890", None) for key in self._rng.sample(callers, 10 - len(pressed))]
        if application_too:
            self._system.kill_application()
        for one in lines:
            one.line.is_answered(15)
        assert not any(one.line.call.is_over for one in lines), "ten calls are up"
        killed_at = time.time()
        self._system.exchange.kill9()
        self._traffic.all_hang_up()
        self.cut_presses += [(one, killed_at) for one in lines if one.home is not None]
        self._system.exchange.start()
        if application_too:
            self._system.start_application(wait=False)
        self._system.wait_ready()
        for one, since in self.cut_presses:
            phone = self._system.town.phone(one.number)
            wait_until(lambda p=phone, s=since: p.rings(since=s), 40, f"{one.number} is called back")  # type: ignore[misc]
        self.figures.exchange_deaths += 1


def people_answer(system: System) -> None:
    """Three seats answer by themselves and talk for a while, the fourth never does; a duty phone takes alarms."""
    for seat, after in (("op1", 0.3), ("op2", 1.0), ("op3", 2.0)):
        system.town.seat(seat).when_rung(WhenRung("answer", after=after, hangs_up_after=5.0))
    system.town.phone("duty-2").when_rung(WhenRung("answer", after=1.0, presses="1", hangs_up_after=6.0))
