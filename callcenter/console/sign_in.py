"""Proving who one is: name and password, and a brake on guessing."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.console.errors import ManyAtOnce, SignInRefused, TooManyTries
from dispatch.staff import hash_password, verify_password
from dispatch.tables import StaffUser

_AT_ONCE = threading.BoundedSemaphore(4)
"""Passwords proved at one time: each takes memory and time, and the other pages need their threads."""
_NOBODY = hash_password("nobody has this password")


def proven(session: Session, login: str, password: str) -> StaffUser:
    """The user whom this name and password prove. Raises SignInRefused, or ManyAtOnce while many are at it.

    A name that is unknown costs the same time as a wrong password, so names cannot be found by the clock.
    """
    user = session.scalar(select(StaffUser).where(StaffUser.login == login))
    if not _AT_ONCE.acquire(timeout=0.5):
        raise ManyAtOnce
    try:
        right = verify_password(user.password_hash if user else _NOBODY, password)
    finally:
        _AT_ONCE.release()
    if user is None or not right or user.disabled_at is not None:
        raise SignInRefused
    return user


class TryLimit:
    """Slows down guessing: after `most` failures of one name from one address, or four times that from one address in
    all, within `window_s`, it must wait.

    It never counts by name alone: nobody may lock an operator out of the emergency desk from another machine.
    """

    def __init__(self, most: int = 5, window_s: float = 300, remember: int = 10_000) -> None:
        self._most = most
        self._window_s = window_s
        self._remember = remember
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, login: str, address: str, now: float) -> None:
        """Raises TooManyTries with the seconds to wait. `now` is seconds of any steady clock."""
        with self._lock:
            for key, most in (((address, login), self._most), ((address, ""), 4 * self._most)):
                recent = [t for t in self._failures.get(key, []) if t > now - self._window_s]
                if len(recent) >= most:
                    raise TooManyTries(int(recent[-most] + self._window_s - now) + 1)

    def failed(self, login: str, address: str, now: float) -> None:
        """Count one failure."""
        with self._lock:
            for key in ((address, login), (address, "")):
                recent = [t for t in self._failures.pop(key, []) if t > now - self._window_s]
                self._failures[key] = [*recent, now][-4 * self._most :]
            while len(self._failures) > self._remember:
                self._failures.popitem(last=False)

    def passed(self, login: str, address: str) -> None:
        """The right password was given: forget this name's failures from there."""
        with self._lock:
            self._failures.pop((address, login), None)
