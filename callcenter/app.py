"""The application behind one HTTP address: the rooms of `service.py`, the pages, and what it says of its own health."""

from __future__ import annotations

import gc
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from callcenter import health
from callcenter.bounds import BoundedBodies
from callcenter.bridge.settings import BridgeSettings
from callcenter.console.app import Console, ConsoleSettings, create_console
from callcenter.exchange.context import ami_secret, secrets_folder
from callcenter.flows.desk import FlowDesk
from callcenter.flows.room import FlowPlan
from callcenter.recorder import RecordingPlan, file_of
from callcenter.service import Plan, Service
from callcenter.settings import Settings
from callcenter.town.pages import TownPages
from dispatch import rehearsal
from dispatch.recordings import Keep
from foundation import migrations
from foundation.numbers import NumberPlan
from foundation.secret_files import secret

log = logging.getLogger(__name__)


class Application:
    """An ASGI application that makes its rooms when it starts, in the loop it runs in, and closes them in the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._site = FastAPI(lifespan=self._live, docs_url=None, redoc_url=None, openapi_url=None)
        self._bounded = BoundedBodies(self._site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._bounded(scope, receive, send)

    @asynccontextmanager
    async def _live(self, site: FastAPI) -> AsyncIterator[None]:
        migrations.upgrade(self._settings.database_url)
        service = Service(plan_of(self._settings))
        home = self._settings.home
        flow_desk = FlowDesk(
            home / "flows", home / "prompts", self._settings.transfers, service.database, service.writer
        )
        console = create_console(
            service.database,
            service.writer,
            service.clock,
            _console_settings(self._settings),
            flow_desk,
            recording_file=partial(file_of, service.plan.recording),
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(service.stop)
            _add_health(site, service)
            if self._settings.town.enabled:
                town = TownPages(self._settings.home / "town", service.handsets, service.movable_clock)
                site.mount("/town", town.app)
                await town.start()
                stack.push_async_callback(town.stop)
            await console.start()
            stack.push_async_callback(console.stop)
            site.mount("/", console.app)
            await _rehearse(service, console)
            service.start()
            service.flows.renew_soon(flow_desk.renew)
            yield


async def _rehearse(service: Service, console: Console) -> None:
    """Go once through what a press sets in motion, and spare what is there by now from being looked through for waste:
    a search of the whole memory in the middle of a press would be felt."""
    try:
        console.stream.rehearse(await rehearsal.press(service.writer))
    except Exception:
        log.exception("the rehearsal of a press failed; the application starts all the same")
    gc.collect()
    gc.freeze()


def plan_of(settings: Settings) -> Plan:
    """What the service needs of the settings, as plain values."""
    told, town = settings.exchange, settings.town
    managed = told.mode == "managed"
    return Plan(
        database_url=settings.database_url,
        node=told.node,
        numbers=NumberPlan(settings.numbers.country, settings.numbers.area_code),
        calendar=settings.calendar.working_time,
        bridge=BridgeSettings(
            host=told.bind if managed else told.ami_host,
            port=told.ami_port,
            username=told.ami_user,
            secret=ami_secret(settings),
            ssl=ssl.create_default_context(cafile=told.ami_ca or None) if told.ami_tls else None,
            spool=settings.home / "exchange" / "spool" if managed else None,
            hotline=settings.numbers.hotlines[0],
        ),
        movable_clock=_clock_file(settings) if town.enabled and town.movable_clock else None,
        flows=FlowPlan(
            folder=settings.home / "exchange" / ("etc" if managed else "install") / "flows",
            sounds=settings.home / "exchange" / "sounds" if managed else None,
            recordings=settings.home / "prompts",
            by_hand=not managed,
        ),
        prompts=settings.home / "prompts",
        recording=RecordingPlan(
            spool=settings.home / "exchange" / "spool" / "recordings"
            if managed and settings.recordings.enabled
            else None,
            kept=settings.home / "recordings",
            keep=Keep(
                timedelta(days=settings.recordings.keep_days), timedelta(days=settings.recordings.emergency_keep_days)
            ),
        ),
    )


def _clock_file(settings: Settings) -> Path:
    folder = settings.home / "town"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "clock"


def _console_settings(settings: Settings) -> ConsoleSettings:
    return ConsoleSettings(
        secret=secret(secrets_folder(settings.home), "session"),
        secure=settings.http.base_url.startswith("https://"),
        zone="Asia/Shanghai",
        hotline=settings.numbers.hotlines[0],
    )


def _add_health(site: FastAPI, service: Service) -> None:
    @site.get("/healthz")
    async def healthz() -> PlainTextResponse:
        """The process answers; nothing more."""
        return PlainTextResponse("ok\n")

    @site.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether a call that came now would be dealt with; each failing part says what is wrong."""
        found = await health.look(service)
        body: dict[str, Any] = {
            "ready": found.ready,
            "problems": found.problems,
            "warnings": found.warnings,
            "figures": found.figures,
        }
        return JSONResponse(body, status_code=200 if found.ready else 503)

    @site.get("/metrics")
    async def metrics() -> PlainTextResponse:
        """All figures in Prometheus' text format."""
        return PlainTextResponse(health.as_metrics(await health.look(service)), media_type="text/plain; version=0.0.4")
