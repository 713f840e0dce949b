"""The one place where tests wait: for a condition, with a deadline, never for a length of time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
EVERY_S = 0.02


class NotInTimeError(AssertionError):
    """A condition did not come true before its deadline; says which, and what was seen last."""


def wait_until(condition: Callable[[], T], deadline_s: float, what: str) -> T:
    """Waits until `condition()` is truthy and returns it. Raises NotInTimeError after `deadline_s` seconds.

    `what` completes "not in time: …" and says what was waited for in the reader's words. An error that the condition
    raises is a failure at once: a condition that may fail for a while says so itself by returning something falsy.
    """
    end = time.monotonic() + deadline_s
    while True:
        # Asked once more after the deadline, so that a stalled machine is not taken for a broken program.
        late = time.monotonic() >= end
        seen = condition()
        if seen:
            return seen
        if late:
            raise NotInTimeError(f"not in time: {what} (waited {deadline_s:g} s; last seen: {seen!r})")
        time.sleep(EVERY_S)


async def wait_until_async(condition: Callable[[], T | Awaitable[T]], deadline_s: float, what: str) -> T:
    """`wait_until` for tests that share their loop with what they wait for; the condition may be a coroutine."""
    end = time.monotonic() + deadline_s
    while True:
        late = time.monotonic() >= end
        answer = condition()
        seen: T = await answer if inspect.isawaitable(answer) else answer  # type: ignore[assignment]
        if seen:
            return seen
        if late:
            raise NotInTimeError(f"not in time: {what} (waited {deadline_s:g} s; last seen: {seen!r})")
        await asyncio.sleep(EVERY_S)
