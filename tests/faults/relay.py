"""A wire between the application and the exchange's AMI that a trial can watch, cut, hold, and set traps on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

END = b"\r\n\r\n"
Forward = Callable[[], None]


@dataclass
class Trap:
    """Waits for one message that `wanted` says yes to, and gives it to `then`, which may pass it on by its second
    argument. Nothing further goes in that direction of that connection until `then` returns.
    """

    wanted: Callable[[bytes], bool]
    then: Callable[[bytes, Forward], None]
    fired: threading.Event = field(default_factory=threading.Event)


class Relay:
    """Listens on `port` and passes everything on to the exchange's AMI on this machine."""

    def __init__(self, exchange_port: int) -> None:
        self._exchange_port = exchange_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.connections = 0
        """How many were made up to now."""
        self.on_message: Callable[[bytes], None] = lambda _message: None
        """Sees every message, in both directions, before it is passed on."""
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._trap: Trap | None = None
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def set_trap(self, trap: Trap | None) -> None:
        """From now on this trap and no other."""
        with self._lock:
            self._trap = trap

    def cut(self) -> None:
        """Break every connection at once."""
        with self._lock:
            broken, self._open = self._open, set()
        for one in broken:
            _close(one)

    def hold(self) -> None:
        """Let nothing through, and break nothing: the half-open line."""
        self._flows.clear()

    def let_go(self) -> None:
        """End `hold`."""
        self._flows.set()

    def close(self) -> None:
        """End it all."""
        _close(self._listening)
        self.let_go()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._exchange_port), timeout=5)
            except OSError:
                _close(near)  # the exchange is down: the application sees what it would see without us
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            self.connections += 1
            for source, goal in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, goal), name="relay", daemon=True).start()

    def _pass_on(self, source: socket.socket, goal: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(source):
                self._flows.wait()
                self.on_message(message)
                trap = self._sprung(message)
                if trap is None:
                    goal.sendall(message)
                else:
                    trap.then(message, _sender(goal, message))
                    trap.fired.set()
        _close(source)
        _close(goal)
        with self._lock:
            self._open -= {source, goal}

    def _sprung(self, message: bytes) -> Trap | None:
        with self._lock:
            trap = self._trap
            if trap is None or not trap.wanted(message):
                return None
            self._trap = None
            return trap


def _messages(source: socket.socket) -> Iterator[bytes]:
    """Whole messages. The exchange's greeting has one line only and is passed on as it comes."""
    buffer, begun = b"", False
    while data := source.recv(65536):
        buffer += data
        if not begun and buffer.startswith(b"Asterisk") and b"\r\n" in buffer:
            line, _, buffer = buffer.partition(b"\r\n")
            yield line + b"\r\n"
        begun = True
        *whole, buffer = buffer.split(END)
        for message in whole:
            yield message + END


def _sender(goal: socket.socket, message: bytes) -> Forward:
    def send() -> None:
        with contextlib.suppress(OSError):
            goal.sendall(message)

    return send


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def field_of(message: bytes, name: str) -> str:
    """A header's value in a message, or the empty string."""
    wanted = name.lower().encode() + b": "
    for line in message.split(b"\r\n"):
        if line.lower().startswith(wanted):
            return line[len(wanted) :].decode("utf-8", "replace")
    return ""
