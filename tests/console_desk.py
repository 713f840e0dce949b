"""A console on a real database, with a fixed cast: an operator, a second one, a supervisor; and a stranger outside."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from callcenter.console.app import Console, ConsoleSettings, create_console
from callcenter.flows.desk import FlowDesk
from dispatch import arrivals, staff
from dispatch.tables import Seat
from foundation.database import Database
from tests.integration.dispatch_support import Town, press, service_call
from tests.waiting import wait_until

PASSWORD = "eight-or-more-8"
HASH = staff.hash_password(PASSWORD)
ORIGIN = "http://testserver"


class Desk:
    """The town of the dispatch tests with seats, sign-ins and the console."""

    def __init__(self, database: Database, **more: Any) -> None:
        self.town = Town(database)
        self.town.call(_people)
        self._home = tempfile.TemporaryDirectory(prefix="console-desk-")
        home = Path(self._home.name)
        self.flows = FlowDesk(home / "flows", home / "prompts", {}, database, self.town.writer)
        self.console: Console = create_console(
            database, self.town.writer, self.town.clock, ConsoleSettings(secret="s" * 40), self.flows, **more
        )
        self.app = FastAPI(lifespan=self._life)
        self.app.mount("/", self.console.app)

    @asynccontextmanager
    async def _life(self, _app: FastAPI) -> Any:
        await self.console.start()
        yield
        await self.console.stop()

    def pressed(self, call_id: str = "node1-1.1", *more: Any) -> int:
        """The button of home 7 is pressed; the alarm's ticket id."""
        result = self.town.call(arrivals.record_steps, press(call_id, *more), priority=0)
        return int(next(iter(result.alarms)))

    def rings(self, call_id: str = "node1-2.1", *more: Any, caller: str = "13800000101") -> int:
        """Somebody rings the hotline; the arrival's id."""
        result = self.town.call(arrivals.record_steps, service_call(call_id, *more, caller=caller), priority=2)
        return int(result.new[0])

    def client(self) -> TestClient:
        """A browser without a sign-in."""
        return TestClient(self.app, base_url=ORIGIN, follow_redirects=False)


class Browser:
    """A signed-in browser for route tests: sends our own form's headers."""

    def __init__(self, client: TestClient, login: str | None) -> None:
        self.client = client
        self.token = ""
        if login:
            page = client.get("/sign-in").text
            token = re.search(r'name="csrf" value="(\w+)"', page)
            assert token
            told = {"name": login, "password": PASSWORD, "csrf": token[1]}
            assert client.post("/sign-in", data=told, headers={"Origin": ORIGIN}).status_code == 303
            shell = client.get("/").text
            found = re.search(r'"X-CSRF-Token": "(\w+)"', shell)
            assert found
            self.token = found[1]

    def get(self, url: str) -> Any:
        return self.client.get(url, headers={"HX-Request": "true"})

    def post(self, url: str, **data: Any) -> Any:
        headers = {"HX-Request": "true", "Origin": ORIGIN, "X-CSRF-Token": self.token}
        return self.client.post(url, data=data, headers=headers)


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The console on a free port of this machine; its address."""
    config = uvicorn.Config(desk.app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="console")
    thread.start()
    try:
        wait_until(lambda: server.started and server.servers, 20, "the console to be served")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        loop = desk.console.stream._loop
        if loop is not None:  # the open streams first: the server waits for what is open
            loop.call_soon_threadsafe(desk.console.stream.stop)
        server.should_exit = True
        thread.join(20)


def _people(w: Any) -> None:
    for seat in ("op2", "op3", "op4"):
        w.session.add(Seat(name=seat, number=f"800{seat[-1]}"))
    for login, name, role in (
        ("li", "李坐席", "operator"),
        ("wang", "王坐席", "operator"),
        ("chen", "陈班长", "supervisor"),
    ):
        staff.add_user(w, login, name, role, HASH)
