"""Records what the exchange says to the bridge's own AMI user, with its event filter, while the town is busy.

Operators sit at two seats whose telephones answer by themselves; callers ring the hotline and hang up after a few
seconds, and now and then somebody presses. The recording is made anew for every run and not kept.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from bench.place import Desk, whole_system
from callcenter.bridge.events import parse_headers
from callcenter.exchange.context import ami_secret
from callcenter.settings import Settings
from tests.waiting import wait_until

RATE = 8.0
"""Calls a second while recording."""
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Recording:
    """The bytes of whole events, how many they are, and the journal's steps in them: (call, step) -> record."""

    stream: bytes
    events: int
    steps: dict[tuple[str, str], str]

    @property
    def calls(self) -> int:
        """Calls that the journal tells of."""
        return len({call for call, _ in self.steps})


class Recorder:
    """A bare AMI client that keeps every byte."""

    def __init__(self, settings: Settings) -> None:
        told = settings.exchange
        self._socket = socket.create_connection((told.ami_host, told.ami_port), 10)
        self._socket.settimeout(None)
        self.kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="recorder")
        self._thread.start()
        login = f"Action: Login\r\nUsername: {told.ami_user}\r\nSecret: {ami_secret(settings)}\r\n\r\n"
        self._socket.sendall(login.encode())
        wait_until(lambda: b"Event: FullyBooted" in self.kept, 10, "the exchange lets the recorder in")

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            self.kept += data

    def stop(self) -> bytes:
        """End the connection; what was heard after the login, whole messages only."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()
        start = self.kept.index(_END, self.kept.index(b"Event: FullyBooted")) + len(_END)
        return bytes(self.kept[start : self.kept.rindex(_END) + len(_END)])


def record(folder: Path, calls: int, presses: int) -> Recording:
    """Run a whole system, let the town make so many calls and presses, and return what was heard."""
    with whole_system(folder) as system:
        desks = [Desk(system, "op1"), Desk(system, "op2")]
        for seat in ("op1", "op2"):
            system.town.seat(seat).answers_by_itself(after=0.3)
        recorder = Recorder(system.settings)
        try:
            ordinary = [(f"1390000{number:04}", "81890") for number in range(calls)]
            every = max(1, calls // max(1, presses))
            wanted: list[tuple[str, str]] = []
            for place, call in enumerate(ordinary):
                wanted.append(call)
                if place % every == 0 and place // every < presses:
                    wanted.append((f"home-{1 + place // every % 30}", "81891"))
            system.town.all_over(system.town.place_calls(wanted, rate=RATE, seed=1, talk=(1.0, 3.0)))
            ended = b"Record: s=ended"
            wait_until(lambda: recorder.kept.count(ended) >= len(wanted), 30, "the journal tells the end of every call")
        finally:
            stream = recorder.stop()
            for desk in desks:
                desk.close()
    return read(stream)


def read(stream: bytes) -> Recording:
    """Count what is in a recorded stream."""
    messages = [parse_headers(raw.decode("utf-8", "replace")) for raw in stream.split(_END) if raw]
    steps = {
        (str(one["call"]), str(one["step"])): str(one["record"])
        for one in messages
        if one.get("event") == "UserEvent" and one.get("userevent") == "Journal"
    }
    return Recording(stream, sum("event" in one for one in messages), steps)
