"""panoramisk's manager with its own reconnection, ping and replay switched off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from panoramisk import Manager

from callcenter.bridge.events import AmiEvent


class _Everything:
    """panoramisk asks it which actions to forget at a disconnection."""

    def __contains__(self, name: object) -> bool:
        return True


class SupervisedManager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's manager for exactly one connection, without a will of its own."""

    authenticated_future: Any
    pinger: Any

    def __init__(
        self, lost: Callable[[Exception | None], None], sink: Callable[[AmiEvent], None], **config: Any
    ) -> None:
        super().__init__(forgetable_actions=_Everything(), ping_delay=1_000_000, **config)
        self._lost = lost
        self._sink = sink

    def connect(self, *_: Any, **__: Any) -> None:
        """Only the link connects: a second connection would hear every event twice."""
        raise RuntimeError("The link makes the connections")

    def ping(self) -> None:
        """The link's heartbeat does this, and waits for the answer."""

    def login(self, future: asyncio.Future[Any]) -> bool:
        """Note the answer to the login; the link waits for the same future and decides."""
        self.authenticated_future = None
        self.authenticated = not future.cancelled() and future.exception() is None and bool(future.result().success)
        return self.authenticated

    def dispatch(self, event: AmiEvent) -> None:
        """Give an event to its one reader."""
        self._sink(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the link; nothing is scheduled here."""
        self._connected = self.authenticated = False
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None
        self._lost(exc)
