"""How much a request may carry. The largest honest form is a ticket's page of text; files come by one address alone."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.files.bounds import MOST_BYTES

MOST_BODY = 256 * 1024
"""Bytes of a request's body; a form of 4,000 Chinese characters, percent-encoded, has 36,000."""

LARGER = {("POST", "/imports"): MOST_BYTES + 64 * 1024}
"""Where a file is brought: as much as is read of one, and what the form says beside it."""


class BoundedBodies:
    """Refuses (413) a body that is longer than `MOST_BODY`, or `LARGER`, whether it says so before or not: anybody can
    send one, and it would be read into memory before anybody asks who sent it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGER.get((scope["method"], scope["path"]), MOST_BODY)
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not told.isdigit() or len(told) > 12 or int(told) > most:
            await _refuse(scope, receive, send)
            return
        read, too_long, answered = 0, False, False

        async def bounded() -> Message:
            nonlocal read, too_long
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                too_long = True
                return {"type": "http.disconnect"}
            return message

        async def answer(message: Message) -> None:
            nonlocal answered
            if not too_long or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, bounded, answer)
        except Exception:
            if not too_long:
                raise
        if too_long and not answered:
            await _refuse(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("内容太长 The request is too long\n", 413)(scope, receive, send)
