"""An exchange without any application, a town around it, and its journal: what the ladder's tests need."""

import asyncio
import itertools
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from callcenter.bridge.actions import Actions
from callcenter.bridge.link import Link, LinkState
from callcenter.bridge.settings import BridgeSettings
from callcenter.exchange import Exchange
from callcenter.exchange.context import ami_secret, seat_secret
from callcenter.town import behaviour
from callcenter.town.network import Trunk
from callcenter.town.telephones import Line, Phone, Town
from foundation.asterisk.process import free_port
from tests.waiting import wait_until

RUNG = 2
LEASE = 4
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Step:
    """One step of the journal, from its file."""

    call: str
    key: str
    at: float
    fields: dict[str, str]

    def __getattr__(self, name: str) -> str:
        return self.fields.get(name, "")


@dataclass
class Home:
    """A household as AstDB knows it, with telephones that nobody else has."""

    room: "Room"
    number: int = field(default_factory=lambda: next(_NUMBERS))

    @property
    def key(self) -> str:
        return f"home-{self.number}"

    @property
    def line(self) -> str:
        return f"0574{87000000 + self.number}"

    def contact(self, place: int) -> Phone:
        return self.room.town.phone(f"137{self.number:04}{place:04}")

    def has_contacts(self, count: int, ring: int = 20) -> "Home":
        rows = {f"{i}": f"contact-{self.number}-{i}:{self.contact(i).number}:{ring}" for i in range(1, count + 1)}
        self.room.put("contacts", {self.key: f"7:{count}"})
        self.room.put(f"contact/{self.key}", rows)
        return self

    def presses(self) -> Line:
        return self.room.town.device(self.line).pressed()


class Room:
    """The exchange, the town and the journal's folder; what the application would tell the exchange, the test does."""

    def __init__(self, exchange: Exchange, town: Town) -> None:
        self.exchange, self.town = exchange, town
        self.journal = exchange.process.directories.journal
        self.seats = exchange.settings.seats.names
        self.manager = Manager(exchange)

    def put(self, family: str, rows: dict[str, str]) -> None:
        """Write to AstDB as the application would."""
        for key, value in rows.items():
            self.manager.does(self.manager.actions.db_put(family, key, value))

    def signs_in(self, seat: str, *, paused: bool = False) -> None:
        """The seat takes service calls from now on, or has a break."""
        wish = self.manager.actions.queue_add("service", f"PJSIP/{seat}", member_name=seat, paused=paused)
        self.manager.does(wish)

    def home(self, contacts: int = 0, kind: str = "dedicated") -> Home:
        home = Home(self)
        self.put("line", {home.line: f"{kind}:device-{home.number}:{home.key}"})
        return home.has_contacts(contacts) if contacts else home

    def duty(self, *phones: str, ring: int = 20) -> list[Phone]:
        """These are on duty from now on."""
        self.put("duty", {"count": str(len(phones))})
        self.put("duty", {str(i): f"duty-{i}:{number}:{ring}" for i, number in enumerate(phones, 1)})
        return [self.town.phone(number) for number in phones]

    def lease(self, age: float | None) -> None:
        """The application's last tick was so many seconds ago; None: there never was one."""
        if age is None:
            self.manager.does(self.manager.actions.db_del("app", "lease"))
        else:
            self.put("app", {"lease": str(int(time.time() - age))})

    def steps(self, line: Line | None = None, call: str = "") -> list[Step]:
        """The journal of one call, or of all, in the order of the exchange's clock."""
        found = []
        for path in self.journal.glob("*~*"):
            name, _, key = path.name.partition("~")
            text = path.read_text().strip()
            if not text:
                continue  # being written
            record = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
            found.append(Step(name, key, float(record.pop("t")), record))
        if line is not None:
            call = next((s.call for s in found if s.s == "arrived" and s.raw == line.call.phone), "nobody")
        return sorted((s for s in found if not call or s.call == call), key=lambda step: step.at)

    def step(self, line: Line, within: float = 10.0, **wanted: str) -> Step:
        """Wait for this step of the line's call."""
        return wait_until(lambda: next(iter(self.find(line, **wanted)), None), within, f"a step with {wanted}")

    def rungs(self, line: Line, count: int, within: float = 10.0) -> list[Step]:
        """Wait until so many rungs of the line's call have begun."""

        def begun() -> list[Step] | None:
            found = self.find(line, s="rung")
            return found if len(found) >= count else None

        return wait_until(begun, within, f"{count} rungs begin") or []

    def joined(self, line: Line, within: float = 20.0) -> Line:
        """Wait until somebody has taken the line's call: before, whoever speaks is not heard."""
        self.step(line, within, s="took")
        return line

    def find(self, line: Line, **wanted: str) -> list[Step]:
        return [s for s in self.steps(line) if all(s.fields.get(k) == v for k, v in wanted.items())]

    def clear(self) -> None:
        """Everybody hangs up, AstDB and journal are empty, all telephones ring and nobody answers."""
        does, actions = self.manager.does, self.manager.actions
        self.town.hang_up_all()
        for member in does(actions.queue_status("service")):
            if member["event"] == "QueueMember":
                does(actions.queue_remove("service", str(member["location"])))
        for phone in {call.phone for call in self.town.diary.calls()} | set(self.seats):
            self.town.phone(phone).when_rung(behaviour.RINGS_OUT)
        wait_until(lambda: not does(actions.core_show_channels()), 10, "all calls are over")
        for family in ("line", "contacts", "contact", "duty", "app", "flows", "trial", "journal"):
            does(actions.db_del_tree(family))
        for path in self.journal.glob("*"):
            path.unlink()


class Manager:
    """The application's own connection to the exchange, used by hand; runs in a thread of its own."""

    def __init__(self, exchange: Exchange) -> None:
        told = exchange.settings.exchange
        settings = BridgeSettings("127.0.0.1", told.ami_port, told.ami_user, ami_secret(exchange.settings))
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="manager", daemon=True).start()
        self.link = Link(
            settings, wanted=frozenset({b"FullyBooted"}), on_event=lambda _event: None, resync=self._nothing
        )
        self.actions = Actions(self.link)
        asyncio.run_coroutine_threadsafe(self.link.run(), self._loop)
        wait_until(lambda: self.link.state is LinkState.READY, 15, "the exchange lets the test in")

    async def _nothing(self) -> None:
        pass

    def does(self, action: Coroutine[Any, Any, Any]) -> Any:
        """Carry out one action and wait for the exchange's answer."""
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(10)


@contextmanager
def prompts_gone(folder: Path) -> Iterator[None]:
    """Every prompt file is missing meanwhile."""
    away = folder.with_name("away")
    folder.rename(away)
    folder.mkdir()
    try:
        yield
    finally:
        folder.rmdir()
        away.rename(folder)


def open_room(  # type: ignore[no-untyped-def]
    make_settings, make_exchange, start_town, *, rung: int = RUNG, gap: int = 2 * RUNG, seats: int = 2, registers=""
) -> Room:
    """A room of its own; the fixtures that it is given end what it starts.

    `registers`: the password with which the exchange signs in at the carrier; else the carrier knows its address.
    """
    port = free_port("udp")
    account = {"mode": "registration", "username": "haishu", "password": registers} if registers else {}
    settings = make_settings(
        seats=seats,
        trunk={"port": port, **account},
        ladder={"rung_seconds": rung, "attempt_gap_seconds": gap, "lease_seconds": LEASE, "short_talk_seconds": 2},
    )
    exchange = make_exchange(settings)
    exchange.start()
    sip = settings.exchange.sip_port
    town = start_town(
        sip,
        seats={seat: seat_secret(settings, seat) for seat in settings.seats.names},
        sip_port=port,
        trunk=Trunk(port=sip, **account) if registers else None,
        prompts=exchange.process.directories.sounds / "zh",
    )
    room = Room(exchange, town)
    wait_until(lambda: "Unavailable" not in exchange.ask("queue show emergency") or None, 20, "the seats are there")
    if registers:
        wait_until(lambda: "Registered" in exchange.ask("pjsip show registrations"), 30, "the trunk is registered")
    return room
