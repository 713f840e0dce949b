"""The moments at which the application is killed: each is an event on the wire to the exchange, never a time."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.relay import Forward, Relay, Trap, field_of
from tests.system import System

PATIENCE_S = 5.0


class Moment(StrEnum):
    """When the kill comes."""

    HEARD = "a journal step has just been told to it"
    COMMITTED = "a step has just been committed, before the journal forgets it"
    NEW = "a new arrival has just been committed, before the journal forgets it"
    DELETING = "it asks for the deletion of a committed step, which never reaches the exchange"
    CALLING = "it has just asked for a call"
    TICKING = "it renews its lease"
    LOGIN = "it starts and logs in"
    READING = "it starts and reads the journal"

    @property
    def while_starting(self) -> bool:
        """Whether it comes in the start of the application."""
        return self in (Moment.LOGIN, Moment.READING)


_ON_THE_WIRE: dict[Moment, Callable[[bytes], bool]] = {
    Moment.HEARD: lambda m: b"UserEvent: Journal" in m,
    Moment.COMMITTED: lambda m: b"UserEvent: Journal" in m and b"\r\nCall: rb-" not in m,
    Moment.NEW: lambda m: b"UserEvent: Journal" in m and b"\r\nStep: 001" in m and b"\r\nCall: rb-" not in m,
    Moment.DELETING: lambda m: deletes_step(m),
    Moment.CALLING: lambda m: b"Action: Originate\r\n" in m,
    Moment.TICKING: lambda m: b"Action: DBPut\r\n" in m and b"Key: lease\r\n" in m,
    Moment.LOGIN: lambda m: b"Action: Login\r\n" in m,
    Moment.READING: lambda m: b"Action: DBGetTree\r\n" in m and b"Family: journal\r\n" in m,
}


def deletes_step(message: bytes) -> bool:
    """Whether the application asks the exchange to forget a step of an arrival."""
    family = field_of(message, "Family")
    asks = b"Action: DBDel\r\n" in message and family.startswith("journal/")
    return asks and not family.startswith("journal/rb-")


@dataclass
class Kill:
    """A kill that waits for its moment, and what was seen at it."""

    system: System
    moment: Moment
    trap: Trap = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    """Whom it kills: the process that ran when it was armed, and no later one."""
    call_id: str = ""
    step: str = ""
    committed: bool = False
    """The step of COMMITTED, NEW or DELETING was in the database when the kill came."""

    def __post_init__(self) -> None:
        self.trap = Trap(_ON_THE_WIRE[self.moment], self._strike)

    def arm(self, relay: Relay) -> Kill:
        """From now on it can come. The application has just been started, or runs."""
        self.process = self.system.process
        relay.set_trap(self.trap)
        return self

    @property
    def struck(self) -> bool:
        """It has come."""
        return self.trap.fired.is_set()

    def _strike(self, message: bytes, forward: Forward) -> None:
        assert self.process is not None
        if self.moment is Moment.DELETING:
            self.call_id, self.step = field_of(message, "Family").removeprefix("journal/"), field_of(message, "Key")
            self.process.kill()
            self.committed = self._is_committed()
            return
        forward()
        if self.moment in (Moment.COMMITTED, Moment.NEW):
            self.call_id, self.step = field_of(message, "Call"), field_of(message, "Step")
            end = time.monotonic() + PATIENCE_S
            while not self.committed and time.monotonic() < end:
                self.committed = self._is_committed()
        self.process.kill()

    def _is_committed(self) -> bool:
        return is_committed(self.system, self.call_id, self.step)

    def left_behind(self) -> tuple[bool, bool]:
        """Whether the journal still has the step: its file, its key in AstDB."""
        file = self.system.settings.home / "exchange" / "spool" / "journal" / f"{self.call_id}~{self.step}"
        answer = self.system.exchange.ask(f"database get journal/{self.call_id} {self.step}")
        return file.exists(), "Value:" in answer


def is_committed(system: System, call_id: str, step: str) -> bool:
    """Whether the database has this step, asked on a connection of its own: this is called from any thread."""
    path = system.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        query = "SELECT 1 FROM arrivals WHERE external_id = ? AND instr(steps, ?)"
        return database.execute(query, (call_id, f'"{step}"')).fetchone() is not None
