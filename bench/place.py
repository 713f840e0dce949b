"""Where the benchmarks take place: the tests' whole system, with the whole demo district and a short greeting."""

from __future__ import annotations

import contextlib
import os
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from callcenter.exchange import Exchange
from callcenter.settings import Settings
from foundation import migrations
from foundation.asterisk.provision import provision_asterisk
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer
from tests.cast import fill, small_district
from tests.system import System, environment_of, free_settings, open_system

GREETING_S = 0.5
"""The greeting of the benchmarks, so that a call of a second and a half is greeted and queued."""
_TICKS = os.sysconf("SC_CLK_TCK")


def settings_in(folder: Path, *, seats: int = 4) -> Settings:
    """Settings of a new home with the short greeting in place."""
    settings = free_settings(folder, seats=seats)
    prompts = settings.home / "prompts"
    prompts.mkdir(parents=True)
    with wave.open(str(prompts / "greeting.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(2 * 8000 * GREETING_S)))
    return settings


@contextlib.contextmanager
def whole_system(folder: Path, *, application: bool = True) -> Iterator[System]:
    """Exchange, town and application, with all of the demo district."""
    folder.mkdir(parents=True, exist_ok=True)
    district = small_district(everyone=True)
    with open_system(
        folder,
        provision_asterisk(),
        district=district,
        settings=settings_in(folder),
        application=application,
        stands_back=True,
    ) as system:
        yield system


@contextlib.contextmanager
def exchange_alone(folder: Path, *, application: bool) -> Iterator[System]:
    """Exchange and, if wanted, application, with an empty trunk: whoever calls takes the trunk's own port."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = settings_in(folder)
    district_database(settings.home)
    database = Database(settings.database_url)
    exchange = Exchange(settings, asterisk=provision_asterisk())
    no_town: Any = None
    system = System(settings, exchange, no_town, database, environment_of(settings), folder / "application.log")
    with contextlib.ExitStack() as stack:
        stack.callback(database.dispose)
        stack.callback(exchange.stop, timeout=2)
        exchange.start()
        if application:
            stack.callback(system.stop_application)
            system.start_application()
        yield system


class Desk:
    """An operator's browser without a screen: signs in, takes a seat, and posts what the page's buttons post."""

    def __init__(self, system: System, seat: str = "op1") -> None:
        self._client = httpx.Client(base_url=system.base, headers={"Origin": system.base}, trust_env=False, timeout=30)
        password = (system.settings.home / "secrets" / f"demo-{seat}").read_text(encoding="utf-8").strip()
        token = re.search(r'name="csrf" value="(\w+)"', self._client.get("/sign-in").text)
        assert token, "the sign-in form has no token"
        told = {"name": seat, "password": password, "csrf": token[1]}
        assert self._client.post("/sign-in", data=told).status_code == 303, f"the operator of {seat} could not sign in"
        found = re.search(r'"X-CSRF-Token": "(\w+)"', self._client.get("/").text)
        assert found, "the desk has no token"
        self._client.headers.update({"HX-Request": "true", "X-CSRF-Token": found[1]})
        self.post("/seats/take", seat=seat)

    @property
    def cookies(self) -> dict[str, str]:
        """The session, for a real browser."""
        return dict(self._client.cookies)

    def post(self, path: str, **data: str) -> None:
        """Press a button. Raises when the answer is not a success."""
        self._client.post(path, data=data).raise_for_status()

    def close(self) -> None:
        """Leave."""
        self._client.close()


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def children_of(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text(encoding="ascii").split()]
    return found


def district_database(home: Path) -> Path:
    """Make a folder with a migrated `callcenter.sqlite3` that holds the demo district, to be copied; returns it."""
    home.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{home}/callcenter.sqlite3"
    migrations.upgrade(url)
    database = Database(url)
    writer = Writer(database, SystemClock())
    fill(database, writer, home, small_district(everyone=True))
    writer.close()
    database.dispose()
    return home
