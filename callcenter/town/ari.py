"""The Asterisk REST interface (ARI), as far as a town needs it: requests over HTTP, events over a WebSocket."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import websockets

log = logging.getLogger(__name__)

# Yielded each time the events begin to flow: what happened before is unknown and must be read anew.
CONNECTED: dict[str, Any] = {"type": "Connected"}


class AriError(Exception):
    """Asterisk refused a request, or could not be reached (`status` 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"ARI: {status} {message}")
        self.status = status


class Ari:
    """One ARI application of one Asterisk."""

    def __init__(self, host: str, port: int, user: str, secret: str, application: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"http://{host}:{port}/ari/", auth=(user, secret), timeout=10.0, trust_env=False
        )
        query = urlencode({"app": application, "subscribeAll": "true", "api_key": f"{user}:{secret}"})
        self._events_url = f"ws://{host}:{port}/ari/events?{query}"
        self._connected = asyncio.Event()

    async def close(self) -> None:
        await self._http.aclose()

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, **query: str | int | bool
    ) -> Any:
        """One request. Raises `AriError`; a channel that is gone is status 404."""
        params = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
        try:
            reply = await self._http.request(method, path, json=body, params=params)
        except httpx.HTTPError as error:
            raise AriError(0, f"{type(error).__name__}: {error}") from error
        if reply.is_error:
            raise AriError(reply.status_code, reply.text[:300])
        return reply.json() if reply.content else None

    async def on_channel(self, channel: str, method: str, action: str, **query: str | int | bool) -> Any:
        """A request on one channel, whose id may hold any character."""
        return await self.request(method, f"channels/{quote(channel, safe='')}{action}", None, **query)

    async def connected(self) -> None:
        """Wait until events flow."""
        await self._connected.wait()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """All events, for ever; `CONNECTED` at each (re)connection. Cancel the task to end it."""
        pause = 0.1
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                async with websockets.connect(
                    self._events_url, open_timeout=5, max_queue=4096, ping_interval=20, proxy=None
                ) as stream:
                    self._connected.set()
                    pause = 0.1
                    yield CONNECTED
                    async for text in stream:
                        event = json.loads(text)
                        if isinstance(event, dict):
                            yield event
            if self._connected.is_set():
                log.warning("the town's event stream ended; connecting again")
            self._connected.clear()
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)
