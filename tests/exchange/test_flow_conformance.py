"""Random walks through each shipped flow: the real exchange goes the way the simulator goes, and journals the same.

The caller is a telephone of the town that presses real keys. Prompts are short sounds, time-outs are a fraction of the
real ones, and what is not the caller's to decide is forced, on both sides.
"""

import random
import threading
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from callcenter.town.behaviour import WhenRung
from callcenter.town.telephones import Phone
from ivr_flows.compiler import CompileOptions
from ivr_flows.loading import shipped
from ivr_flows.model import Step
from ivr_flows.random_walks import Coverage, random_walks
from ivr_flows.simulator import walk as simulate
from ivr_flows.walks import Event, HangUp, Inputs, Key, Place, Silence, Walk
from tests.exchange.flow_room import lines_of, publish, rings_out, steps, trail_folder
from tests.exchange.ladder_room import Room, open_room
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

FLOWS = shipped()
AT_ONCE = 16
"""Callers at the same time."""

TRIAL = CompileOptions(time_scale=0.2, wait_scale=0.01, trail=True, forced=True)
"""A key is waited for one second instead of five, a queue's 300 s are three."""


@dataclass(frozen=True)
class Asks:
    """A step that asks the application, met in a call of this flow."""

    flow: str
    place: Place


@dataclass
class Trial:
    """The exchange with its version of the flows, and a line for each caller."""

    room: Room
    lock: threading.Lock = field(default_factory=threading.Lock)
    callers: int = 0

    def caller(self) -> Phone:
        with self.lock:
            self.callers += 1
            return self.room.town.phone(f"1370000{self.callers:04}")


@pytest.fixture(scope="module")
def trial(make_settings, make_exchange, start_town) -> Iterator[Trial]:  # type: ignore[no-untyped-def]
    room = open_room(make_settings, make_exchange, start_town, rung=20)
    own = room.exchange.process.directories
    for path in own.sounds.rglob("*.wav"):
        write_short_sound(path)
    # Its own announcements would swallow keys pressed meanwhile; a step of the flow does not know them.
    queues = own.etc / "queues.conf"
    queues.write_text(queues.read_text().replace("announce-frequency = 45", "announce-frequency = 0"))
    room.exchange.ask("module reload app_queue")
    trail_folder(room)
    publish(room, FLOWS, TRIAL)
    yield Trial(room)
    room.put("flows", {"current": "0"})


def write_short_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 400)


@pytest.mark.timeout(300)
def test_the_exchange_goes_the_way_the_simulator_goes(trial: Trial) -> None:
    walk_them(trial, 30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_exchange_goes_the_way_the_simulator_goes_many_times(trial: Trial) -> None:
    walk_them(trial, 300)


@pytest.mark.timeout(300)
def test_with_the_application_dead_or_frozen_in_any_step_the_caller_reaches_a_person_or_a_goodbye(
    trial: Trial,
) -> None:
    """Every step that asks the application, in every flow, asks nobody: once with a stale lease, once with a fresh one
    and nobody who answers. From there on the caller does nothing at all."""
    for frozen in (False, True):
        made = [(flow, *left_alone(*found)) for flow, found in asking_walks().items()]
        assert len(made) >= 8
        with ThreadPoolExecutor(AT_ONCE) as callers, lease_of(trial.room, frozen):
            wrong = [text for text in callers.map(lambda each: compared(trial, each[0].flow, *each[1:]), made) if text]
        assert not wrong, f"{len(wrong)} of {len(made)} walks differ:\n" + "\n".join(wrong[:5])


def asking_walks() -> dict[Asks, tuple[Inputs, Walk, Place]]:
    """For each flow that a call can begin in and each step in it or its sub-flows that asks the application: a walk
    there. Flows that only others call go back to them."""
    found: dict[Asks, tuple[Inputs, Walk, Place]] = {}
    whole = [name for name, flow in FLOWS.flows.items() if all(s.kind != "back" for s in flow.steps.values())]
    for flow in sorted(whole):
        for inputs, walk in random_walks(FLOWS, flow, seed=7, least=30)[0]:
            for place in walk.path:
                if FLOWS.flows[place.flow].steps[place.step].kind in ("recognise", "tell"):
                    found.setdefault(Asks(flow, place), (inputs, walk, place))
    return found


def left_alone(inputs: Inputs, walk: Walk, place: Place) -> tuple[Inputs, Walk]:
    """The same walk up to that step; there nobody answers, and the caller does nothing any more."""
    visit = walk.path.index(place)
    until = [happened.event for happened in walk.happened if happened.visit < visit]
    forced = {name: edge for name, edge in inputs.forced.items() if name != str(place)}
    # Behind it nothing is forced but what only the world could decide: nobody answers there either.
    for name in [name for name in forced if name not in {str(each) for each in walk.path[:visit]}]:
        del forced[name]
    for each, step in Coverage(FLOWS, walk.path[0].flow).steps.items():
        if step.kind in ("hours", "branch", "callback") and str(each) not in forced:
            forced[str(each)] = {"hours": "open", "branch": "no", "callback": "next"}[step.kind]
        if step.kind == "voice_message":
            forced[str(each)] = "otherwise"
    alone = replace(inputs, events=(*until, *[Silence()] * 40), forced=forced)
    silent = {str(p): nobody(s) for p, s in Coverage(FLOWS, walk.path[0].flow).steps.items() if nobody(s)}
    told = replace(alone, forced={**silent, **forced})
    expected = simulate(FLOWS, walk.path[0].flow, told)
    after = [FLOWS.flows[p.flow].steps[p.step] for p in expected.path[visit:]]
    assert any(s.kind == "queue" or (s.kind == "hang_up" and s.options["hang_up"]) for s in after), expected.path
    return alone, expected


def nobody(step: Step) -> str:
    """The way out of a step that asks the application when no answer comes."""
    return {"recognise": "unknown", "tell": "otherwise"}.get(step.kind, "")


@contextmanager
def lease_of(room: Room, frozen: bool) -> Iterator[None]:
    """The application is dead, or alive to all appearances without ever answering."""
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(1):
            room.lease(age=0)

    room.lease(age=0 if frozen else None)
    ticking = threading.Thread(target=tick, daemon=True)
    if frozen:
        ticking.start()
    try:
        yield
    finally:
        stop.set()
        if frozen:
            ticking.join()
        room.lease(age=None)


def walk_them(trial: Trial, least: int) -> None:
    """So many walks through each flow, and as many more as it takes to go over each edge five times."""
    made = []
    for flow in sorted(FLOWS.flows):
        walks, coverage = random_walks(FLOWS, flow, seed=random.Random(flow).randrange(1 << 30), least=least)
        assert not coverage.missing(), f"edges of {flow} that the walks do not go over often enough"
        made += [(flow, inputs, walk) for inputs, walk in walks]
    # The longest first, so that none is left for the end.
    made.sort(key=lambda each: -len(each[2].happened))
    with ThreadPoolExecutor(AT_ONCE) as callers:
        wrong = [text for text in callers.map(lambda each: compared(trial, *each), made) if text]
    assert not wrong, f"{len(wrong)} of {len(made)} walks differ:\n" + "\n".join(wrong[:5])


def compared(trial: Trial, flow: str, inputs: Inputs, expected: Walk) -> str:
    """Walk on the exchange; what is different, or nothing."""
    room, phone = trial.room, trial.caller()
    call = ""
    try:
        call, wrong = difference(trial, phone, flow, inputs, expected)
    finally:
        forget(room, call)
    return wrong


def forget(room: Room, call: str) -> None:
    """A call's files are looked for in their folder again and again: among thousands of others that takes long."""
    for folder in (room.journal, trail_folder(room)):
        for path in folder.glob(f"{call}~*"):
            path.unlink(missing_ok=True)


def difference(trial: Trial, phone: Phone, flow: str, inputs: Inputs, expected: Walk) -> tuple[str, str]:
    """The call's id, and in what it was not as expected."""
    room = trial.room
    room.put(f"trial/{phone.number}", dict(inputs.forced))
    phone.when_rung(WhenRung("answer", after=0.0))
    call = rings_out(room, flow, phone.number, {f"F_{name}": value for name, value in inputs.variables.items()})
    try:
        played(trial, phone, call, expected)
        path, journal = walked(trial, phone, call, expected)
    except AssertionError as error:
        path, journal = lines_of(trail_folder(room) / call), []
        return call, f"{call} of {phone.number}: {error}\n  wanted {tell(expected)}\n  walked {' '.join(path)}"
    if path != [str(place) for place in expected.path]:
        return call, f"{call}: another way\n  wanted {tell(expected)}\n  walked {' '.join(path)}"
    number = {"number": phone.number}
    wanted = [(s, {**fields, **number} if s == "callback" else dict(fields)) for s, fields in expected.journal]
    if flow != "contact" and journal != wanted:
        return call, f"{call}: another journal\n  wanted {wanted}\n  walked {journal}"
    return call, ""


def tell(walk: Walk) -> str:
    events = " ".join(f"[{h.visit}]{h.event}" for h in walk.happened)
    return f"{' '.join(map(str, walk.path))} {walk.end}; {events}"


def played(trial: Trial, phone: Phone, call: str, expected: Walk) -> None:
    """Do what the caller does, each time the exchange waits for him."""
    waits = trail_folder(trial.room) / f"{call}~waits"
    for number, events in enumerate(by_wait(expected), 1):
        wait_until(lambda n=number: len(lines_of(waits)) >= n, 15, f"the exchange waits for the {number}. time")
        keys = "".join(event.key for event in events if isinstance(event, Key))
        if keys:
            phone.presses(keys)
        if isinstance(events[-1], HangUp):
            phone.hangs_up()


def by_wait(walk: Walk) -> list[Sequence[Event]]:
    """The caller's events, those together that belong to one waiting of the exchange."""
    groups: list[list[Event]] = []
    open_digits, typed, visit = False, 0, -1
    for happened in walk.happened:
        place = walk.path[happened.visit]
        step = FLOWS.flows[place.flow].steps[place.step]
        if not (open_digits and happened.visit == visit):
            groups.append([])
            typed = 0
        visit = happened.visit
        groups[-1].append(happened.event)
        typed += 1
        ends = happened.event in (Key("#"), Silence()) or typed >= step.options.get("max", 0)
        open_digits = step.kind == "digits" and not ends
    return groups


def walked(trial: Trial, phone: Phone, call: str, expected: Walk) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """The exchange's own account, once the walk is over."""
    room = trial.room
    if expected.end == "emergency":
        # From here on it is the ladder's; the walk is over.
        wait_until(lambda: journaled(room, call, "queued", queue="emergency"), 15, "the ladder has the call")
        phone.hangs_up()
    wait_until(lambda: journaled(room, call, "ended"), 20, "the call ends")
    between = [
        (s, {k: v for k, v in fields.items() if k not in ("file", "secs", "subject")})
        for s, fields in steps(room, call)
        if s not in ("called", "ended", "rung") and fields.get("queue") != "emergency"
    ]
    return lines_of(trail_folder(room) / call), between


def journaled(room: Room, call: str, step: str, **fields: str) -> bool:
    return any(s == step and fields.items() <= told.items() for s, told in steps(room, call))
