"""panoramisk's protocol, made safe against what an exchange really sends.

Plain panoramisk decodes each read by itself (a Chinese character split over two reads vanishes), lets any exception
close the connection, keeps no clock of the last byte, and gives an `OriginateResponse` that overtakes its
acknowledgement to nobody. Here bytes are kept until a message is whole, a message that cannot be handled costs only
itself, and messages nobody wants are dropped before they are decoded.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from callcenter.bridge.errors import LinkDownError
from callcenter.bridge.events import AmiEvent, Headers, RepeatedHeaderError, parse_headers

log = logging.getLogger(__name__)

_BANNER = b"Asterisk Call Manager/"
_END = b"\r\n\r\n"
_STEERS = re.compile(rb"\r\n(?:event|response|actionid):")
"""A header that steers dispatch, behind the first line of a message in lower case: such a message is read in full."""


@dataclass(slots=True)
class ProtocolCounters:
    """What passed through the connections of this process."""

    bytes_in: int = 0
    events: int = 0
    unwanted: int = 0
    repeated: int = 0
    failed: int = 0
    late: int = 0
    overlong: int = 0


class Answers:
    """The answers to actions that were sent together, one each, by ActionID; `future` has them when all are there."""

    def __init__(self, future: asyncio.Future[dict[str, Message]], count: int) -> None:
        self.future = future
        self._count = count
        self._heard: dict[str, Message] = {}

    def add_message(self, message: Message) -> bool:
        """Take one; True, since its action waits for no other."""
        self._heard[message.actionid] = message
        if len(self._heard) == self._count and not self.future.done():
            self.future.set_result(self._heard)
        return True


class BridgeProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One connection. `wanted` names the events that are delivered; None delivers all.

    `own_prefix` begins every ActionID of ours; a list item that comes after its action has timed out is known by it.
    """

    closed: bool
    factory: Any
    responses: dict[Any, Any]
    transport: asyncio.Transport

    def __init__(
        self,
        wanted: frozenset[bytes] | None,
        own_prefix: str,
        counters: ProtocolCounters,
        *,
        buffer_cap: int = 4 * 1024 * 1024,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._wanted = wanted
        self._own_prefix = own_prefix
        self._cap = buffer_cap
        self._now = now or asyncio.get_running_loop().time
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""
        self._lost_told = False
        self._unsent: list[bytes] = []
        self.counters = counters
        self.last_rx = self._now()
        self.is_exchange: bool | None = None

    # --- bytes ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take one read. Whole messages are handled; the rest waits for the next read."""
        if self.closed:
            return
        self.last_rx = self._now()
        self.counters.bytes_in += len(data)
        self._parts.append(data)
        self._size += len(data)
        if self.is_exchange is None and not self._read_banner():
            return
        data = self._parts[-1] if self._parts else b""
        if _END not in self._tail + data:
            # Nothing complete yet: joining again at each read would be quadratic in a huge message.
            self._tail = (self._tail + data)[-3:]
            self._check_size()
            return
        messages = b"".join(self._parts).split(_END)
        rest = messages.pop()
        self._parts = [rest]
        self._size = len(rest)
        self._tail = rest[-3:]
        for raw in messages:
            self._take(raw.lstrip(b"\r\n"))
            if self.closed:
                return
        self._check_size()

    def _read_banner(self) -> bool:
        whole = b"".join(self._parts)
        self._parts = [whole]
        line, end, rest = whole.partition(b"\r\n")
        if not end:
            if len(whole) > 200 or not _BANNER.startswith(whole[: len(_BANNER)]):
                self._not_an_exchange()
            return False
        if not line.startswith(_BANNER):
            self._not_an_exchange()
            return False
        self.is_exchange = True
        self.version = line[len(_BANNER) :].decode("ascii", "replace").strip()
        self._parts = [rest]
        self._size = len(rest)
        return True

    def _not_an_exchange(self) -> None:
        self.is_exchange = False
        self.transport.abort()

    def _check_size(self) -> None:
        if self._size > self._cap:
            self.counters.overlong += 1
            log.error("The exchange sent a message of more than %d bytes; the connection is dropped", self._cap)
            self.transport.abort()

    # --- messages ---------------------------------------------------------------------------------

    def _take(self, raw: bytes) -> None:
        if not raw:
            return
        try:
            if raw.startswith(b"Event: "):
                end = raw.find(b"\r\n")
                name = raw[7:end] if end >= 0 else raw[7:]
                if self._wanted is not None and name not in self._wanted:
                    if b"\r\nActionID: " not in raw:
                        self.counters.unwanted += 1
                        return
                elif _STEERS.search(lower := raw.lower()) is None:
                    self._deliver(name.decode("utf-8", "replace"), raw, lower)
                    return
            self._handle(raw, parse_headers(raw.decode("utf-8", "replace")))
        except RepeatedHeaderError as error:
            self.counters.repeated += 1
            log.error("A message from the exchange has two %s headers; it is dropped", error)
        except Exception:
            # Whatever one message does, the next one must still be read.
            self.counters.failed += 1
            log.exception("A message from the exchange could not be handled; it is dropped")

    def _handle(self, raw: bytes, headers: Headers) -> None:
        """A message that is not plainly an event: an answer, an item of a list, or an event with an ActionID."""
        name = headers.get("event")
        action_id = headers.get("actionid")
        if action_id is not None and name != "OriginateResponse":
            pending = self.responses.get(action_id)
            if pending is not None:
                if pending.add_message(Message(headers)):
                    self.responses.pop(action_id, None)
                return
            if not isinstance(name, str) or str(action_id).startswith(self._own_prefix):
                self.counters.late += 1
                return
        if not isinstance(name, str):
            self.counters.late += 1
            return
        if self._wanted is not None and name.encode() not in self._wanted:
            self.counters.unwanted += 1
            return
        self._deliver(name, raw, b"")

    def _deliver(self, name: str, raw: bytes, lower: bytes) -> None:
        self.counters.events += 1
        try:
            self.factory.dispatch(AmiEvent(name, raw, lower))
        finally:
            if name == "Shutdown":
                self.transport.close()

    # --- actions and the end ----------------------------------------------------------------------

    def send(self, data: Any, as_list: bool | None = False) -> Any:
        """Send an action; returns the future of its answer. Those of one turn of the loop go out together."""
        action = data if isinstance(data, Action) else Action(data)
        action.as_list = as_list
        self.responses[action.id] = action
        self._write(str(action).encode())
        return action.future

    def send_together(self, actions: Mapping[str, Mapping[str, str]]) -> asyncio.Future[dict[str, Message]]:
        """Send actions that have one answer each, named by their ActionID; returns the future of all answers."""
        answers = Answers(asyncio.get_running_loop().create_future(), len(actions))
        self.responses.update(dict.fromkeys(actions, answers))
        texts = ("".join(f"{key}: {value}\r\n" for key, value in one.items()) for one in actions.values())
        self._write(("\r\n".join(texts) + "\r\n").encode())
        return answers.future

    def _write(self, data: bytes) -> None:
        self._unsent.append(data)
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self._send_all)

    def _send_all(self) -> None:
        unsent, self._unsent = self._unsent, []
        if not self.closed:
            self.transport.write(b"".join(unsent))

    def forget(self, *action_ids: str) -> None:
        """Stop waiting for actions' answers; what still comes of them is dropped."""
        for action_id in action_ids:
            self.responses.pop(action_id, None)

    def close(self) -> None:
        """Close the connection and fail what was under way. Nothing is kept to be sent again."""
        if not self.closed:
            self.closed = True
            self.transport.close()
        waiting, self.responses = self.responses, {}
        for action in waiting.values():
            if not action.future.done():
                action.future.set_exception(LinkDownError("The connection to the exchange broke"))
                action.future.exception()  # seen: nobody may be waiting any more

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, by whoever's hand; tell the owner once."""
        self.close()
        if self.factory is not None and not self._lost_told:
            self._lost_told = True
            self.factory.connection_lost(exc)
