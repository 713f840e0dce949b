"""An exchange without any application, a town around it, and its journal: what the ladder's tests need."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from callcenter.exchange import Exchange
from callcenter.exchange.context import seat_secret
from callcenter.town.telephones import Line, Phone, Town
from foundation.asterisk.process import free_port
from tests.waiting import wait_until

RUNG = 3
SEATS = ("op1", "op2")
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
    """The exchange, the town and the journal's folder."""

    def __init__(self, exchange: Exchange, town: Town) -> None:
        self.exchange, self.town = exchange, town
        self.journal = exchange.process.directories.journal

    def put(self, family: str, rows: dict[str, str]) -> None:
        """Write to AstDB as the application would."""
        for key, value in rows.items():
            self.exchange.ask(f'database put {family} {key} "{value}"')

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
            self.exchange.ask("database del app lease")
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

    def joined(self, line: Line, within: float = 20.0) -> Line:
        """Wait until somebody has taken the line's call: before, whoever speaks is not heard."""
        self.step(line, within, s="took")
        return line

    def find(self, line: Line, **wanted: str) -> list[Step]:
        return [s for s in self.steps(line) if all(s.fields.get(k) == v for k, v in wanted.items())]

    def clear(self) -> None:
        """Everybody hangs up, AstDB and journal are empty, all telephones ring and nobody answers."""
        self.town.hang_up_all()
        for seat in SEATS:
            self.town.seat(seat).rings_out()
            self.exchange.ask(f"queue remove member PJSIP/{seat} from service")
        wait_until(
            lambda: "0 active calls" in self.exchange.ask("core show channels") or None, 10, "all calls are over"
        )
        for family in ("line", "contacts", "contact", "duty", "app", "journal"):
            self.exchange.ask(f"database deltree {family}")
        for path in self.journal.glob("*"):
            path.unlink()


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


def open_room(make_settings, make_exchange, start_town, *, rung: int = RUNG, gap: int = 2 * RUNG) -> Room:  # type: ignore[no-untyped-def]
    """A room of its own; the fixtures that it is given end what it starts."""
    port = free_port("udp")
    settings = make_settings(
        seats=len(SEATS),
        trunk={"port": port},
        ladder={"rung_seconds": rung, "attempt_gap_seconds": gap, "lease_seconds": 10, "short_talk_seconds": 2},
    )
    exchange = make_exchange(settings)
    exchange.start()
    town = start_town(
        settings.exchange.sip_port,
        seats={seat: seat_secret(settings, seat) for seat in SEATS},
        sip_port=port,
        prompts=exchange.process.directories.sounds / "zh",
    )
    room = Room(exchange, town)
    wait_until(lambda: "Unavailable" not in exchange.ask("queue show emergency") or None, 20, "the seats are there")
    return room
