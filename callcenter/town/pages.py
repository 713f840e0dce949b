"""The town inside the application: its controller, and the pages mounted at `/town`.

The town's Asterisk is started beside the application and outlives it. While it cannot be reached the pages say so and
the controller goes on trying, so that the application starts without it.
"""

import asyncio
import contextlib
import json
import logging
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.town.controller import TownController
from callcenter.town.diary import Diary
from callcenter.town.directory import Directory, Telephone
from callcenter.town.errors import TownError
from callcenter.town.handsets import Handsets, MovableClock
from callcenter.town.network import NetworkSettings
from callcenter.town.routes import create_page_router, create_telephone_router

log = logging.getLogger(__name__)
_AGAIN_S = 2.0
_REMEMBERED = 2000
# What the page may load and where it may send: itself alone. Nothing inline, so text from outside can never run.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def read_directory(home: Path) -> Directory:
    """The telephones of `directory.json` in the town's folder; none when it is not there. Raises `TownError`."""
    path = home / "directory.json"
    try:
        return Directory(Telephone(**entry) for entry in json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Directory()
    except (ValueError, TypeError) as error:
        raise TownError(f"{path} cannot be read ({error}). Remove it and start again.") from error


class TownPages:
    """`app` is mounted at `/town`; `start` and `stop` in the loop that serves it."""

    def __init__(self, home: Path, handsets: Handsets | None = None, clock: MovableClock | None = None) -> None:
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self._home = home
        self._handsets = handsets
        self._clock = clock
        self._diary = Diary(home / "diary.jsonl", keep=_REMEMBERED)
        self._problem = "The town is starting."
        self._controller: TownController | None = None
        self._connecting: asyncio.Task[None] | None = None
        self.app.add_middleware(_WithHeaders)
        self.app.include_router(create_page_router(handsets, clock))
        self.app.add_exception_handler(404, self._not_found)

    async def start(self) -> None:
        """Begin to take control; returns at once."""
        self._connecting = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """Let go of the telephones; calls that are up stay up."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        if self._controller is not None:
            await self._controller.stop()
        self._diary.close()

    async def _connect(self) -> None:
        while True:
            try:
                settings = NetworkSettings.load(self._home)
                controller = TownController(settings, read_directory(self._home), self._diary)
                await controller.start()
            except TownError as error:
                if str(error) != self._problem:
                    log.warning("%s", error)
                self._problem = str(error)
                await asyncio.sleep(_AGAIN_S)
                continue
            self._controller = controller
            self.app.include_router(create_telephone_router(controller, self._handsets, self._clock))
            return

    async def _not_found(self, _request: Request, error: Exception) -> Response:
        if self._controller is None:
            told = f"小镇的电话还没有接通，正在重试 / The town's telephones are not there yet: {self._problem}"
            return JSONResponse({"detail": told}, status_code=503)
        return JSONResponse({"detail": getattr(error, "detail", "Not Found")}, status_code=404)


class _WithHeaders:
    """Adds `_HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
