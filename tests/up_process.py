"""`callcenter up` as a user runs it: a process of its own in a new home, on ports that are free now."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from callcenter.settings import Settings
from foundation.asterisk.process import find_process, free_port
from tests.system import environment_of, free_settings
from tests.waiting import wait_until

READY_S = 90.0
STOPPED_S = 40.0


@dataclass
class Up:
    """One home's `callcenter up`, which can be started, interrupted and killed."""

    settings: Settings
    output: Path
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.settings.http.base_url

    def start(self) -> None:
        """Start it, and wait until it says how to stop it."""
        self.launch()
        wait_until(self._is_up, READY_S, f"callcenter up is up; it said:\n{self.said()}")

    def launch(self) -> None:
        """Start it, and do not wait."""
        self.output.write_bytes(b"")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "callcenter", "--home", str(self.settings.home), "up"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**environment_of(self.settings), **self.environment},
                start_new_session=True,
            )

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended by itself:\n{self.said()}"
        return "Ctrl-C" in self.said()

    def said(self) -> str:
        """All that it has printed since its last start."""
        return self.output.read_text("utf-8", "replace")

    def password(self, login: str) -> str:
        """The password of a sign-in as it was printed."""
        found = re.search(rf"^ +{login} +(\S+)", self.said(), re.MULTILINE)
        assert found, self.said()
        return found[1]

    def send(self, number: signal.Signals) -> int:
        """Send a signal, wait for its end, and give the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(STOPPED_S)
        self.process = None
        return code

    def processes(self) -> dict[str, list[int]]:
        """What runs in this home: the processes of the exchange, of the town and of the application."""
        folders = {"exchange": self.settings.home / "exchange", "town": self.settings.home / "town"}
        found = {name: [pid] for name, folder in folders.items() if (pid := find_process(folder / "etc/asterisk.conf"))}
        served = _running(["-m", "callcenter", "--home", str(self.settings.home), "serve"])
        return found | ({"application": served} if served else {})

    def answers(self, path: str) -> bool:
        """Whether the application answers 200 there now."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.base}{path}", timeout=5, trust_env=False).status_code == 200
        return False


def _running(words: list[str]) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if (entry / "cmdline").read_text().split("\0")[1:-1] == words:
                found.append(int(entry.name))
    return found


def up_settings(folder: Path, slot: int) -> Settings:
    """Settings of a new home with ports for the town too; `slot` keeps the audio ports of several apart."""
    sip = wait_until(_two_free_ports, 10, "two free ports side by side")
    first = 32400 + 200 * slot
    town = {"sip_port": sip, "ari_port": free_port(), "rtp_start": first + 100, "rtp_end": first + 199}
    exchange = {"rtp_start": first, "rtp_end": first + 99}
    return free_settings(folder, town=town, exchange=exchange)


def _two_free_ports() -> int | None:
    port = free_port("udp")
    with contextlib.suppress(OSError), contextlib.ExitStack() as both:
        for number in (port, port + 1):
            probe = both.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            probe.bind(("127.0.0.1", number))
        return port
    return None


@contextlib.contextmanager
def open_up(folder: Path, slot: int) -> Iterator[Up]:
    """A home of its own; whatever still runs there in the end is ended."""
    up = Up(up_settings(folder, slot), folder / "up.log")
    try:
        yield up
    finally:
        if up.process is not None and up.process.poll() is None:
            up.send(signal.SIGTERM)
        for pids in up.processes().values():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
