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
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from callcenter.town.controller import TownController
from callcenter.town.diary import Diary
from callcenter.town.directory import Directory, Telephone
from callcenter.town.errors import TownError
from callcenter.town.handsets import Handsets, MovableClock
from callcenter.town.network import NetworkSettings
from callcenter.town.routes import create_handset_router, create_router

log = logging.getLogger(__name__)
_AGAIN_S = 2.0
_REMEMBERED = 2000


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
        self.app.include_router(create_handset_router(handsets, clock))
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
            self.app.include_router(create_router(controller, self._handsets, self._clock))
            return

    async def _not_found(self, _request: Request, error: Exception) -> Response:
        if self._controller is None:
            text = f"城镇电话还没有准备好，请稍后刷新。\nThe town is not ready: {self._problem}\n"
            return PlainTextResponse(text, status_code=503)
        return JSONResponse({"detail": getattr(error, "detail", "Not Found")}, status_code=404)
