"""Time is passed in: whoever needs `now` is given a clock, and tests move it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
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

    Never compare its time with the exchange's own timestamps: the exchange does not follow it.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def forward(self, **duration: float) -> datetime:
        """Move ahead by `timedelta(**duration)`; returns the new time. A negative duration is refused."""
        step = timedelta(**duration)
        if step < timedelta():
            raise ValueError(f"the clock only moves forward, not by {step}")
        with self._lock:
            self._offset += step
        return self.now()
