"""The console as one application of its own, to be mounted at `/`: its routes, headers, errors and live stream."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.console.house import House, own_form
from callcenter.console.in_sight import in_sight
from callcenter.console.live import Live
from callcenter.console.pages import HERE, Pages, language, look, wants_fragment
from callcenter.console.routes import (
    alarms,
    calls,
    candidates,
    desk,
    door,
    figures,
    files,
    flows,
    guides,
    incidents,
    knowledge,
    offers,
    organisations,
    people,
    proposals,
    provider_record,
    provider_steps,
    providers,
    questions,
    recordings,
    staff,
    surge,
    ticket_life,
    tickets,
)
from callcenter.console.sessions import Sessions
from callcenter.console.settings import ConsoleSettings
from callcenter.console.sign_in import TryLimit
from callcenter.console.stream import Stream
from callcenter.flows.desk import FlowDesk
from dispatch.recording_tables import Recording
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import AppError
from foundation.numbers import NumberPlan
from foundation.writer import Writer

__all__ = ["Console", "ConsoleSettings", "create_console"]

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), microphone=(self)",
}


class Console:
    """`app` is mounted by the house; `start` and `stop` belong into its lifespan."""

    def __init__(self, app: FastAPI, house: House) -> None:
        self.app = app
        self.stream = house.stream
        self._writer = house.writer

    async def start(self) -> None:
        """Begin to tell open pages what is committed; call it in the running loop."""
        self.stream.start()
        self._writer.on_commit(self.stream.hear)

    async def stop(self) -> None:
        """End the open streams, so that the server can stop."""
        self.stream.stop()


def create_console(
    database: Database,
    writer: Writer,
    clock: Clock,
    settings: ConsoleSettings,
    flow_desk: FlowDesk,
    plan: NumberPlan | None = None,
    recording_file: Callable[[Recording], Path | None] = lambda _recording: None,
) -> Console:
    """The console of one running service. `recording_file` says where a recording's sound is."""
    plan = plan or NumberPlan()
    pages = Pages(settings, clock, plan)
    live = Live(database, pages)
    stream = Stream(clock, live.alarm_cards, live.understand)
    house = House(
        database, writer, clock, settings, plan, Sessions(settings, clock), pages, stream, TryLimit(), flow_desk,
        recording_file,
    )  # fmt: skip
    asked_first = [Depends(own_form), Depends(in_sight)]
    app = FastAPI(title="console", docs_url=None, redoc_url=None, openapi_url=None, dependencies=asked_first)
    app.state.house = house
    app.mount("/static", StaticFiles(directory=HERE / "static", check_dir=False), name="static")
    parts = (
        door, desk, calls, people, ticket_life, tickets, offers, candidates, alarms, incidents, flows, recordings,
        figures, organisations, proposals, staff, guides, questions, knowledge, providers, provider_steps,
        provider_record, surge, files,
    )  # fmt: skip
    for part in parts:
        app.include_router(part.router)
    app.add_middleware(_Headers)
    app.add_exception_handler(AppError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _broken)
    return Console(app, house)


class _Headers:
    """Puts our headers on every answer. Plain ASGI, since the event stream must pass through unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # Addresses carry the build's version, so what is fetched once may stay.
                kept = "public, max-age=31536000, immutable" if static and scope["query_string"] else "no-cache"
                headers.setdefault("Cache-Control", kept if static else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def _told(request: Request, error: Exception) -> Response:
    """A refusal in the reader's language, beside what they were doing; never a stack trace."""
    assert isinstance(error, AppError)
    return _answer(request, error.status, error.zh, error.en, error.error_id)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = ", ".join(sorted({str(part) for e in error.errors() for part in e["loc"][1:]}))[:200]
    return _answer(request, 422, f"有一项填得不对：{fields}", f"A field is outside its bounds: {fields}", "invalid")


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, 404, "没有这个页面", "There is no such page", "not_found")
    return _answer(request, error.status_code, "这一步不行", str(error.detail), "http")


def _broken(request: Request, _error: Exception) -> Response:
    mark = secrets.token_hex(3)
    log.error("request %s %s failed, mark %s", request.method, request.url.path, mark)  # the server logs the trace
    return _answer(
        request, 500, f"系统出错，这一步没有完成。请再试；仍不行请告诉管理员编号 {mark}",
        f"Something broke and this step was not done. Try again; if it stays, tell the administrator {mark}", "broken",
    )  # fmt: skip


def _answer(request: Request, status: int, zh: str, en: str, error_id: str) -> Response:
    house: House = request.app.state.house
    locale = language(request)
    if status == 401 and error_id == "sign_in_needed":
        if wants_fragment(request):
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse("/sign-in", status_code=303)
    context: dict[str, Any] = {"text": en if locale == "en" else zh, "error_id": error_id, "status": status}
    if wants_fragment(request):
        html = house.pages.render("notice.html", locale, **context)
        return HTMLResponse(html, status, headers={"HX-Retarget": "#notices", "HX-Reswap": "afterbegin"})
    return HTMLResponse(
        house.pages.render("error.html", locale, look=look(request), **context), status, headers=HEADERS
    )
