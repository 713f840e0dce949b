"""Time is passed in: whoever needs `now` is given a clock, and tests move it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day in UTC, always aware."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """The machine's clock plus an offset that only grows; for the town and the tests.

    Never compare its time with the exchange's own timestamps: the exchange does not follow it. With `file` the offset
    is kept there in seconds: a program that starts anew goes on from the same time, never back.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._offset = timedelta(seconds=float(file.read_text("utf-8"))) if file and file.exists() else timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def forward(self, **duration: float) -> datetime:
        """Move ahead by `timedelta(**duration)`; returns the new time. A negative duration is refused."""
        step = timedelta(**duration)
        if step < timedelta():
            raise ValueError(f"the clock only moves forward, not by {step}")
        with self._lock:
            offset = self._offset + step
            if self._file is not None:
                written = self._file.with_suffix(".new")
                written.write_text(str(offset.total_seconds()), "utf-8")
                written.replace(self._file)  # a crash leaves the old one or the new one
            self._offset = offset
        return self.now()
