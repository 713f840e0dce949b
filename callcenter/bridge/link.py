"""The supervised connection to one exchange node.

    disconnected -> connecting -> logging_in -> resyncing -> ready
                        (any failure: back-off 1, 2, 4 ... 30 s with jitter; refused login: 60 s and an alarm)

panoramisk reads, writes and matches answers; its own reconnection, ping and replay of unanswered actions are switched
off, because they dial twice and never notice a peer that has fallen silent.

Nothing here uses `asyncio.wait_for`: before Python 3.12 it can swallow a cancellation that meets a result.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from panoramisk.actions import Action

from callcenter.bridge.errors import (
    ActionTimeoutError,
    BridgeError,
    LinkDownError,
    LoginRefusedError,
    NotAnExchangeError,
)
from callcenter.bridge.events import AmiEvent
from callcenter.bridge.headers import check_headers
from callcenter.bridge.protocol import BridgeProtocol, ProtocolCounters
from callcenter.bridge.settings import BridgeSettings
from callcenter.bridge.supervised import SupervisedManager

log = logging.getLogger(__name__)


class LinkState(StrEnum):
    """Where the connection stands. Only `READY` carries the application's actions."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    LOGGING_IN = "logging_in"
    RESYNCING = "resyncing"
    READY = "ready"
    REFUSED = "refused"


@dataclass(slots=True)
class LinkCounters:
    """Figures of the connection, for /metrics."""

    connections: int = 0
    """How many times the exchange was reached; also the generation of what comes from it."""
    refused: int = 0
    lost: int = 0
    pings_missed: int = 0
    ping_seconds: float = 0.0
    protocol: ProtocolCounters = field(default_factory=ProtocolCounters)


class Link:
    """Keeps one connection alive and ready for as long as `run` runs.

    `resync` is awaited after each login and must leave the application's picture true before it returns; it may use
    `request` already. `on_event` is called for each event in the exchange's order and must not block.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        wanted: frozenset[bytes] | None,
        on_event: Callable[[AmiEvent], None],
        resync: Callable[[], Awaitable[None]],
        on_state: Callable[[LinkState], None] = lambda _state: None,
        on_alarm: Callable[[str], None] = lambda _text: None,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        check_headers({"Username": settings.username, "Secret": settings.secret})
        self.settings = settings
        self.state = LinkState.DISCONNECTED
        self.counters = LinkCounters()
        self.skew: float | None = None
        """The exchange's clock minus ours, seconds; None until the first answered ping."""
        self.prefix = f"cc{secrets.token_hex(6)}-"
        self._wanted = wanted
        self._on_event = on_event
        self._resync = resync
        self._on_state = on_state
        self._on_alarm = on_alarm
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311  (spreads reconnections, guards nothing)
        self._protocol: BridgeProtocol | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[None] | None = None
        self._booted = asyncio.Event()
        self._hurry = asyncio.Event()
        self._stopping = False
        self._next_id = 0
        self._ready_since: float | None = None

    @property
    def generation(self) -> int:
        """The number of the present or last connection; 0 before the first."""
        return self.counters.connections

    @property
    def last_rx(self) -> float:
        """Loop time of the last byte from the exchange; minus infinity before the first connection."""
        return self._protocol.last_rx if self._protocol is not None else float("-inf")

    # --- the connection's life --------------------------------------------------------------------

    async def run(self) -> None:
        """Connect again and again until `close`; returns then."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping:
            self._ready_since = None
            refused = False
            try:
                self._attempt = asyncio.create_task(self._one_connection())
                await self._attempt
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
            except LoginRefusedError as error:
                refused = True
                self.counters.refused += 1
                log.error("%s", error)
                self._on_alarm(str(error))
            except (OSError, TimeoutError, BridgeError) as error:
                log.warning("No link to the exchange at %s:%d: %s", self.settings.host, self.settings.port, error)
            except Exception:
                log.exception("The link to the exchange failed")
            if self._stopping:
                break
            if self._ready_since is not None and loop.time() - self._ready_since >= self.settings.stable_after:
                failures = 0
            self._set(LinkState.REFUSED if refused else LinkState.DISCONNECTED)
            await self._pause(self.settings.refused_wait if refused else self._backoff(failures))
            failures += 1
        self._set(LinkState.DISCONNECTED)

    def close(self) -> None:
        """End the connection and `run`, also in the middle of a back-off; no connection follows."""
        self._stopping = True
        self._hurry.set()
        if self._attempt is not None:
            self._attempt.cancel()

    def drop(self) -> None:
        """Cut the present connection, as a broken network would; the supervision then connects anew."""
        if self._protocol is not None and not self._protocol.closed:
            self._protocol.transport.abort()

    def retry_now(self) -> None:
        """End a back-off: whoever started the exchange knows that it is there again."""
        self._hurry.set()

    def _backoff(self, failures: int) -> float:
        delay = min(self.settings.backoff_cap, self.settings.backoff_first * 2 ** min(failures, 30))
        return float(delay * self._rng.uniform(0.75, 1.25))

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        if self._stopping:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    def _set(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            self._on_state(state)

    async def _one_connection(self) -> None:
        loop = asyncio.get_running_loop()
        settings = self.settings
        self._set(LinkState.CONNECTING)
        lost = self._lost = loop.create_future()
        self._booted.clear()
        generation = self.counters.connections + 1

        def factory() -> BridgeProtocol:
            return BridgeProtocol(
                self._wanted,
                self.prefix,
                self.counters.protocol,
                buffer_cap=settings.buffer_cap,
            )

        try:
            async with asyncio.timeout(settings.connect_timeout):
                made = await loop.create_connection(factory, settings.host, settings.port, ssl=settings.ssl)
        except TimeoutError:
            raise TimeoutError(f"no connection within {settings.connect_timeout:g} s") from None
        transport, protocol = made
        if protocol.closed:
            raise LinkDownError("the connection broke as soon as it was made")
        _keep_alive(transport.get_extra_info("socket"))

        def tell_lost(_exc: Exception | None) -> None:
            if not lost.done():
                lost.set_result(None)

        manager = SupervisedManager(
            tell_lost,
            self._event,
            loop=loop,
            username=settings.username,
            secret=settings.secret,
        )
        self._protocol = protocol
        self.counters.connections = generation
        connected = loop.create_future()
        connected.set_result(made)
        heartbeat: asyncio.Task[None] | None = None
        try:
            self._set(LinkState.LOGGING_IN)
            manager.connection_made(connected)
            await self._log_in(manager, protocol)
            self._set(LinkState.RESYNCING)
            heartbeat = asyncio.create_task(self._heartbeat(protocol))
            await self._wait_booted()
            await self._unless_lost(self._resync(), settings.resync_timeout, "The resync")
            self._ready_since = loop.time()
            self._set(LinkState.READY)
            await lost
            raise LinkDownError("the connection broke")
        finally:
            if heartbeat is not None:
                heartbeat.cancel()
            self.counters.lost += 1
            protocol.close()
            transport.abort()
            manager.connection_lost(None)

    async def _log_in(self, manager: SupervisedManager, protocol: BridgeProtocol) -> None:
        answer = manager.authenticated_future
        try:
            reply = await self._unless_lost(answer, self.settings.login_timeout, "The login")
        except LinkDownError:
            if protocol.is_exchange is False:
                where = f"{self.settings.host}:{self.settings.port}"
                raise NotAnExchangeError(f"What answers at {where} is not an Asterisk manager") from None
            raise
        if not reply.success:
            raise LoginRefusedError(
                f"The exchange refuses our login as {self.settings.username!r}: check the user, its secret"
                " and its permitted addresses in manager.conf"
            )

    async def _wait_booted(self) -> None:
        try:
            await self._unless_lost(self._booted.wait(), self.settings.boot_timeout, "FullyBooted")
        except TimeoutError:
            # Without the `system` read right FullyBooted never comes. If it comes later, a resync follows it.
            reply = await self.request({"Action": "CoreStatus"}, limit=self.settings.action_timeout)
            log.warning("No FullyBooted from the exchange, which runs since %s", reply[0].get("corestartuptime"))

    async def _unless_lost(self, what: Awaitable[Any], limit: float, name: str) -> Any:
        """Await something, but no longer than the connection lives and no longer than `limit` seconds."""
        assert self._lost is not None
        task = asyncio.ensure_future(what)
        try:
            await asyncio.wait({task, self._lost}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if self._lost.done():
                raise LinkDownError("the connection broke")
            raise TimeoutError(f"{name} took longer than {limit:g} s")
        finally:
            if not task.done():
                task.cancel()

    def _event(self, event: AmiEvent) -> None:
        if event.name == "FullyBooted":
            self._booted.set()
        self._on_event(event)

    # --- the heartbeat ----------------------------------------------------------------------------

    async def _heartbeat(self, protocol: BridgeProtocol) -> None:
        """Ping; cut the connection after some in a row without any byte from the exchange, or many unanswered."""
        silent = unanswered = 0
        while True:
            seen = protocol.last_rx
            try:
                await self.ping()
                silent = unanswered = 0
            except LinkDownError:
                return
            except BridgeError:
                self.counters.pings_missed += 1
                unanswered += 1
                # During a long list the answer may be late while bytes flow: that peer is alive.
                silent = silent + 1 if protocol.last_rx == seen else 0
                if silent >= self.settings.ping_misses or unanswered >= 3 * self.settings.ping_misses:
                    log.error("The exchange does not answer; the connection is cut")
                    protocol.transport.abort()
                    return
            await asyncio.sleep(self.settings.ping_interval)

    async def ping(self) -> float:
        """Ask for a sign of life; returns the round trip in seconds and notes the exchange's clock."""
        sent, started = self._wall(), asyncio.get_running_loop().time()
        reply = await self.request({"Action": "Ping"}, limit=self.settings.ping_timeout)
        trip = asyncio.get_running_loop().time() - started
        self.counters.ping_seconds = trip
        try:
            self.skew = float(str(reply[0].get("timestamp"))) - (sent + trip / 2)
        except ValueError:
            log.debug("The exchange's ping has no timestamp")
        return trip

    # --- actions ----------------------------------------------------------------------------------

    def new_action_id(self) -> str:
        """A name for one action, never used before by any process."""
        self._next_id += 1
        return f"{self.prefix}{self._next_id}"

    async def request(
        self,
        headers: dict[str, str | list[str]],
        *,
        limit: float,
        listing: bool = False,
        action_id: str | None = None,
    ) -> list[Any]:
        """Send one action and return its messages (panoramisk `Message`s); for a list the items without frame.

        Sent once, whatever happens. Raises `UnsafeValueError` (nothing sent), `LinkDownError`, `ActionTimeoutError`.
        """
        headers = {**headers, "ActionID": action_id or self.new_action_id()}
        check_headers(headers)
        action = Action(headers)
        protocol = self._open(headers["Action"])
        future = protocol.send(action, as_list=None if listing else False)
        try:
            async with asyncio.timeout(limit):
                result = await future
        except TimeoutError:
            raise ActionTimeoutError(f"{headers['Action']} was not answered within {limit:g} s") from None
        finally:
            protocol.forget(action.id)
        return list(result) if isinstance(result, list) else [result]

    async def request_together(self, name: str, actions: Sequence[Mapping[str, str]], *, limit: float) -> list[Any]:
        """Send many actions of one name, each with one answer, in one write; their answers in the same order.

        Each is sent once. Raises like `request`; some may then have been carried out all the same.
        """
        named = {action_id: {"Action": name, **one, "ActionID": action_id} for one in actions
                 for action_id in [self.new_action_id()]}  # fmt: skip
        for one in named.values():
            check_headers(one)
        protocol = self._open(name)
        future = protocol.send_together(named)
        try:
            async with asyncio.timeout(limit):
                answers = await future
        except TimeoutError:
            raise ActionTimeoutError(f"Not all of {len(named)} {name} were answered within {limit:g} s") from None
        finally:
            protocol.forget(*named)
        return [answers[action_id] for action_id in named]

    def _open(self, action: str | list[str]) -> BridgeProtocol:
        """The connection, when it is there for actions."""
        protocol = self._protocol
        if protocol is None or protocol.closed or self.state not in (LinkState.RESYNCING, LinkState.READY):
            raise LinkDownError(f"The exchange is {self.state}; {action} was not sent")
        return protocol


def _keep_alive(sock: socket.socket | None) -> None:
    """Let the kernel notice a peer that is gone, beside our own heartbeat."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 10),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 20_000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
