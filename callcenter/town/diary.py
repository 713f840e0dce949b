"""The town's diary: for each telephone, what it did and what happened to it. It is the truth that tests count by.

Kept in memory and, when a file is given, as JSON lines that survive a kill (one `write` each).
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from callcenter.town.errors import NotSeenError

Direction = Literal["out", "in"]
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One line: `at` is the wall clock and `mono` the monotonic clock, both in seconds with microseconds."""

    at: float
    mono: float
    phone: str
    what: str
    call: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.at)) + f".{int(self.at % 1 * 1000):03d}"
        detail = " ".join(f"{key}={value}" for key, value in self.detail.items())
        return f"{clock} {self.phone} {self.what} {detail} [{self.call}]"


@dataclass
class Call:
    """One call of one telephone. Times are wall-clock seconds; None: it has not happened.

    `direction` is seen from the telephone: `out` it dialled `other`, `in` it was rung by `other`. For an outgoing
    call `responses` has the time of the exchange's first response of each SIP status.
    """

    id: str
    phone: str
    direction: Direction
    other: str
    started_at: float
    other_name: str = ""
    sip_call_id: str = ""
    invite_at: float | None = None
    responses: dict[int, float] = field(default_factory=dict)
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    ended_by: str = ""
    cause: int = 0
    cause_text: str = ""
    keys_pressed: str = ""
    keys_heard: str = ""
    controlled: bool = False

    @property
    def reached_exchange(self) -> bool:
        """Whether the exchange ever answered the INVITE, if only by 100 Trying: then it counts as an arrival."""
        return bool(self.responses)

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    @property
    def is_ringing(self) -> bool:
        return self.ringing_at is not None and self.answered_at is None and self.ended_at is None

    @property
    def is_talking(self) -> bool:
        return self.answered_at is not None and self.ended_at is None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "reached_exchange": self.reached_exchange}


class Diary:
    """All entries and all calls. Safe to use from any thread; whoever waits is woken by each new entry."""

    def __init__(self, path: Path | None = None, keep: int | None = None) -> None:
        """`keep`: so many lines and ended calls stay in memory (None: all, as tests need); the file keeps all."""
        self._keep = keep
        self._changed = threading.Condition(threading.RLock())
        self._entries: list[Entry] = []
        self._calls: dict[str, Call] = {}
        self._listeners: list[Callable[[Entry], None]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0) if path is not None else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def on_entry(self, listener: Callable[[Entry], None]) -> None:
        """Call `listener` with each new entry, in the thread that wrote it; it must be quick and never raise."""
        self._listeners.append(listener)

    def begin(self, call: Call, **detail: Any) -> Call:
        """A call begins; with its first line."""
        with self._changed:
            self._calls[call.id] = call
            self._forget()
            self.write(call.phone, "dials" if call.direction == "out" else "rung", call, **detail)
        return call

    def write(self, phone: str, what: str, call: Call | None = None, **detail: Any) -> Entry:
        """One more line. Change the call before, under `changing()`, so that whoever is woken sees both."""
        entry = Entry(time.time(), time.monotonic(), phone, what, call.id if call else "", detail)
        with self._changed:
            self._entries.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n")
            self._changed.notify_all()
        for listener in self._listeners:
            listener(entry)
        return entry

    def _forget(self) -> None:
        if self._keep is None or len(self._calls) <= self._keep:
            return
        del self._entries[: -self._keep]
        for call in list(self._calls.values())[: -self._keep]:
            if call.is_over:
                del self._calls[call.id]

    def changing(self) -> threading.Condition:
        """Hold this while a call is changed."""
        return self._changed

    def call(self, call_id: str) -> Call | None:
        with self._changed:
            return self._calls.get(call_id)

    def calls(self, phone: str | None = None) -> list[Call]:
        """The calls (of one telephone), in the order in which they began."""
        with self._changed:
            return [call for call in self._calls.values() if phone is None or call.phone == phone]

    def entries(self, phone: str | None = None) -> list[Entry]:
        with self._changed:
            return [entry for entry in self._entries if phone is None or entry.phone == phone]

    def wait_for(self, find: Callable[[], T | None], deadline: float, what: str, phone: str | None = None) -> T:
        """Wait at most `deadline` seconds until `find` returns something; raises `NotSeenError` with the diary."""
        end = time.monotonic() + deadline
        with self._changed:
            while (found := find()) is None or found is False:
                left = end - time.monotonic()
                if left <= 0:
                    raise NotSeenError(f"{what}: not within {deadline:g} s.\n{self.tell(phone)}")
                self._changed.wait(left)
            return found

    def tell(self, phone: str | None = None, last: int = 25) -> str:
        """The last lines, for an error message."""
        lines = [f"The diary of {phone or 'the town'}:", *_lines(self.entries(phone)[-last:])]
        if phone is not None:
            lines += ["Of the whole town:", *_lines(self.entries()[-last:])]
        return "\n".join(lines)


def _lines(entries: list[Entry]) -> list[str]:
    return [f"  {entry}" for entry in entries] or ["  (nothing)"]
