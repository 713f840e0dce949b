"""The whole system under test: an exchange, the town around it, and the application in a process of its own.

`with open_system(folder, asterisk) as system:` gives all three, running. The application can be killed, frozen, thawed
and started again at any moment; the town's diary is the truth that its database is held against.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
from sqlalchemy.orm import Session

from callcenter.demo.district import District
from callcenter.exchange import Exchange
from callcenter.exchange.context import seat_secret
from callcenter.settings import Settings
from callcenter.town.telephones import Town
from foundation import migrations
from foundation.asterisk.process import free_port
from foundation.asterisk.provision import Asterisk
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer
from tests.cast import fill, small_district
from tests.town_fixtures import open_town, town_settings
from tests.waiting import wait_until

T = TypeVar("T")
READY_S = 40.0


@dataclass
class System:
    """What a story needs: `town` to ring and press, the application to kill, the database to look at."""

    settings: Settings
    exchange: Exchange
    town: Town
    database: Database
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = field(default=None, repr=False)

    @property
    def base(self) -> str:
        """The application's address."""
        return self.settings.http.base_url

    # --- the application's life -------------------------------------------------------------------

    def start_application(self, *, wait: bool = True) -> None:
        """Start it, and wait until it says that it is ready."""
        assert self.process is None, "it runs already"
        self._output = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "callcenter", "--home", str(self.settings.home), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=self.environment,
            start_new_session=True,
        )
        if wait:
            self.wait_ready()

    def wait_ready(self, within: float = READY_S) -> None:
        """Wait until calls, messages and deadlines are dealt with."""
        wait_until(self.is_ready, within, f"the application is ready; its log ends:\n{self.log_end()}")

    def is_ready(self) -> bool:
        """Whether /readyz says so now. A process that has ended by itself is a failure at once."""
        assert self.process is not None
        assert self.process.poll() is None, f"the application ended by itself:\n{self.log_end()}"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.base}/readyz", timeout=2, trust_env=False).status_code == 200
        return False

    def kill_application(self) -> None:
        """kill -9: no warning, no farewell."""
        self._signal(signal.SIGKILL)
        self._bury()

    def stop_application(self) -> None:
        """The orderly end."""
        self._signal(signal.SIGTERM)
        self._bury()

    def freeze_application(self) -> None:
        """Every thread stands still; sockets stay open."""
        self._signal(signal.SIGSTOP)

    def thaw_application(self) -> None:
        """Go on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None, "the application does not run"
        self.process.send_signal(number)

    def _bury(self) -> None:
        assert self.process is not None
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        if self._output is not None:
            self._output.close()

    def log_end(self, lines: int = 40) -> str:
        """The last words of the application."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    # --- looking into the database ----------------------------------------------------------------

    def look(self, query: Callable[[Session], T]) -> T:
        """What `query` finds in the database now."""
        with self.database.read() as session:
            return query(session)

    def wait_for(self, query: Callable[[Session], T], within: float, what: str) -> T:
        """Wait until `query` finds something truthy; returns it."""
        return wait_until(lambda: self.look(query), within, what)


def free_settings(folder: Path, *, seats: int = 4, rtp: int = 30000, **sections: dict[str, Any]) -> Settings:
    """Settings of a new home on ports that are free now, with the town on."""
    values: dict[str, Any] = {
        "home": folder / "home",
        "seats": {"names": seats},
        "http": {"port": free_port()},
        "trunk": {"port": free_port("udp")},
        "town": {"enabled": True, "movable_clock": True},
        **sections,
    }
    values["exchange"] = {
        "sip_port": free_port("udp"),
        "http_port": free_port(),
        "ami_port": free_port(),
        "rtp_start": rtp,
        "rtp_end": rtp + 399,
        **sections.get("exchange", {}),
    }
    return Settings.model_validate(values)


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings as variables, for the application's process."""
    told = dict(os.environ)
    for section, values in settings.model_dump(mode="python", exclude={"home"}).items():
        for key, value in values.items():
            if hasattr(value, "get_secret_value"):
                continue  # made in the home at the first start, like a user's
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            told[f"CALLCENTER_{section.upper()}__{key.upper()}"] = text.lower() if isinstance(value, bool) else text
    return told


@contextlib.contextmanager
def open_system(
    folder: Path,
    asterisk: Asterisk,
    *,
    district: District | None = None,
    seats: int = 4,
    slot: int = 0,
    settings: Settings | None = None,
    application: bool = True,
    stands_back: bool = False,
) -> Iterator[System]:
    """Everything, running, with the people of `district` (the cast's small one if not told).

    `slot` (0 to 4) keeps the audio ports of systems that run side by side apart. With `application=False` exchange and
    town run, and the application waits for `start_application()`. A town that `stands_back` leaves the
    machine to them.
    """
    settings = settings or free_settings(folder, seats=seats, rtp=30000 + 400 * slot)
    settings.home.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    database = Database(settings.database_url)
    writer = Writer(database, SystemClock())
    try:
        telephones = fill(database, writer, settings.home, district or small_district())
    finally:
        writer.close()
    exchange = Exchange(settings, asterisk=asterisk, say=print)
    with contextlib.ExitStack() as stack:
        stack.callback(database.dispose)
        stack.callback(exchange.stop, timeout=2)
        exchange.start()
        secrets = {name: seat_secret(settings, name) for name in settings.seats.names}
        network = town_settings(
            settings.exchange.sip_port, seats=secrets, sip_port=settings.trunk.port, rtp_slot=10 + slot, rtp_timeout=60
        )
        prompts = settings.home / "exchange" / "sounds" / "zh"
        town = stack.enter_context(
            open_town(
                folder / "town",
                asterisk,
                network,
                telephones=telephones,
                prompts=prompts,
                web=settings.http.base_url,
                stands_back=stands_back,
            )
        )
        system = System(settings, exchange, town, database, environment_of(settings), folder / "application.log")
        stack.callback(_end, system)
        wait_until(
            lambda: all(f"{name}/" in exchange.ask("pjsip show contacts") for name in settings.seats.names),
            30,
            "every seat's telephone is registered",
        )
        if application:
            system.start_application()
        yield system


def _end(system: System) -> None:
    if system.process is not None:
        with contextlib.suppress(ProcessLookupError):
            system.thaw_application()
        system.stop_application()
