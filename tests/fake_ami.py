"""A scripted AMI peer in the test's own process: for what a real exchange cannot be made to do on demand.

It answers what an idle exchange would (login, ping, empty lists, a small AstDB), keeps all it was asked, and lets a
test replace any answer, fall silent, send raw bytes or cut the connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.waiting import wait_until_async

Action = dict[str, str]
Answer = Callable[["FakeAmi", Action], "bytes | None"]

END = b"\r\n"


def message(*headers: tuple[str, str]) -> bytes:
    """One AMI message."""
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + END


def event(name: str, **headers: str) -> bytes:
    """One event."""
    return message(("Event", name), *headers.items())


async def until(condition: Callable[[], object], limit: float = 5.0) -> None:
    """Wait until something is so; fail when it is not so in time."""
    await wait_until_async(condition, limit, condition.__qualname__)


class FakeAmi:
    """The peer. `answers` maps an action's name to a function; one that returns None answers nothing."""

    def __init__(self) -> None:
        self.port = 0
        self.refuse_login = False
        self.say_fully_booted = True
        self.silent = False
        self.banner: tuple[bytes, ...] = (b"Asterisk Call Manager/11.0.0\r\n",)
        self.actions: list[Action] = []
        self.connections = 0
        self.astdb: dict[str, str] = {}
        self.channels: list[dict[str, str]] = []
        self.members: dict[str, dict[str, str]] = {}
        self.answers: dict[str, Answer] = {}
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    # --- what a test does ------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send bytes to every connected client, as they are."""
        for writer in self._writers:
            writer.write(data)

    async def send_apart(self, *parts: bytes) -> None:
        """Send parts that arrive in different reads."""
        for part in parts:
            self.send(part)
            for writer in self._writers:
                await writer.drain()
            # Both ends share this loop: after so many turns of it, the other end has read what was sent.
            for _ in range(100):
                await asyncio.sleep(0)

    def cut(self) -> None:
        """Cut all connections, as a killed exchange would."""
        for writer in self._writers:
            writer.transport.abort()

    def asked(self, name: str) -> list[Action]:
        """All actions of that name since the start."""
        return [action for action in self.actions if action["action"] == name]

    @property
    def connected(self) -> int:
        """Connections that are open now."""
        return len(self._writers)

    # --- the peer --------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Open the door; again on the same port after `stop_listening`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        """Shut the door and cut all connections: the exchange is gone."""
        assert self._server is not None
        self._server.close()
        self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            await self.send_apart(*self.banner)
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                self._handle(writer, raw.decode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.remove(writer)
            writer.close()

    def _handle(self, writer: asyncio.StreamWriter, raw: str) -> None:
        action: Action = {}
        for line in raw.strip().split("\r\n"):
            key, _, value = line.partition(": ")
            key = key.lower()
            action[key] = f"{action[key]}\n{value}" if key in action else value
        self.actions.append(action)
        if self.silent:
            return
        custom = self.answers.get(action["action"])
        reply = custom(self, action) if custom is not None else self._usual(action)
        if reply:
            writer.write(reply)

    def _usual(self, action: Action) -> bytes:
        handler = getattr(self, "_on_" + action["action"].lower(), None)
        return handler(action) if handler is not None else ok(action)

    def _on_login(self, action: Action) -> bytes:
        if self.refuse_login:
            return error(action, "Authentication failed")
        booted = event("FullyBooted", Status="Fully Booted") if self.say_fully_booted else b""
        return ok(action, "Authentication accepted") + booted

    def _on_ping(self, action: Action) -> bytes:
        return ok(action, Ping="Pong", Timestamp=f"{time.time():.6f}")

    def _on_coreshowchannels(self, action: Action) -> bytes:
        return listing(action, "CoreShowChannel", self.channels)

    def _on_queuestatus(self, action: Action) -> bytes:
        items = [item for item in self.members.values() if action.get("queue", item["Queue"]) == item["Queue"]]
        return listing(action, "QueueMember", items, "QueueStatusComplete")

    def _on_pjsipshowcontacts(self, action: Action) -> bytes:
        return error(action, "No Contacts found")

    def _on_queueadd(self, action: Action) -> bytes:
        self.members[action["interface"]] = {
            "Queue": action["queue"],
            "Location": action["interface"],
            "Membership": "dynamic",
            "Paused": "1" if action.get("paused") == "true" else "0",
            "PausedReason": action.get("reason", ""),
            "Status": "1",
        }
        return ok(action, "Added interface to queue")

    def _on_queueremove(self, action: Action) -> bytes:
        if self.members.pop(action["interface"], None) is None:
            return error(action, "Unable to remove interface: Not there")
        return ok(action)

    def _on_queuepause(self, action: Action) -> bytes:
        member = self.members[action["interface"]]
        member["Paused"] = "1" if action["paused"] == "true" else "0"
        member["PausedReason"] = action.get("reason", "")
        return ok(action)

    def _on_dbput(self, action: Action) -> bytes:
        self.astdb[f"/{action['family']}/{action['key']}"] = action["val"]
        return ok(action)

    def _on_dbdel(self, action: Action) -> bytes:
        if self.astdb.pop(f"/{action['family']}/{action['key']}", None) is None:
            return error(action, "Database entry could not be deleted")
        return ok(action)

    def _on_dbget(self, action: Action) -> bytes:
        value = self.astdb.get(f"/{action['family']}/{action['key']}")
        if value is None:
            return error(action, "Database entry not found")
        return listing(action, "DBGetResponse", [{"Val": value}], "DBGetComplete")

    def _on_dbgettree(self, action: Action) -> bytes:
        prefix = f"/{action['family']}/" + (f"{action['key']}/" if "key" in action else "")
        items = [{"Key": key, "Val": value} for key, value in self.astdb.items() if key.startswith(prefix)]
        return listing(action, "DBGetTreeResponse", items, "DBGetTreeComplete")


def ok(action: Action, text: str = "done", **headers: str) -> bytes:
    """The acknowledgement of an action."""
    return message(("Response", "Success"), ("ActionID", action["actionid"]), ("Message", text), *headers.items())


def error(action: Action, text: str) -> bytes:
    """The refusal of an action."""
    return message(("Response", "Error"), ("ActionID", action["actionid"]), ("Message", text))


def listing(action: Action, name: str, items: list[dict[str, str]], complete: str = "") -> bytes:
    """A whole list: start, items, end."""
    action_id = ("ActionID", action["actionid"])
    parts = [message(("Response", "Success"), action_id, ("EventList", "start"), ("Message", "will follow"))]
    parts += [message(("Event", name), action_id, *item.items()) for item in items]
    end = complete or f"{name}sComplete"
    parts.append(message(("Event", end), action_id, ("EventList", "Complete"), ("ListItems", str(len(items)))))
    return b"".join(parts)


@asynccontextmanager
async def fake_ami() -> AsyncIterator[FakeAmi]:
    """A listening peer for the length of a test."""
    peer = FakeAmi()
    await peer.listen()
    try:
        yield peer
    finally:
        await peer.stop_listening()
        await until(lambda: peer.connected == 0)
