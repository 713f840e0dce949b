"""`callcenter up`: everything on one machine. Starts, watches and stops the exchange, the town and the application,
each a process of its own, so that the death of one leaves the others at work."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from callcenter.demo.district import District, directory, make_district
from callcenter.demo.load import load
from callcenter.demo.sign_ins import SignIn, sign_ins
from callcenter.exchange import Exchange
from callcenter.exchange.context import seat_secret, secrets_folder
from callcenter.settings import Settings
from callcenter.town.network import Network, NetworkSettings, Trunk
from foundation import migrations
from foundation.asterisk.errors import AsteriskError
from foundation.asterisk.provision import provision_asterisk
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Writer

PATIENCE_S = 60.0
_BACK_OFF_S = (1, 2, 5, 10)


class UpError(Exception):
    """Something could not be started; the text says what, and what to do."""


def up(settings: Settings, *, demo: bool) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    stopping = threading.Event()
    _stop_on_signals(stopping)
    if demo:
        settings = with_demo(settings)
    try:
        with ExitStack() as stack:
            stack.enter_context(_only_one(settings.home))
            logins = prepare(settings, demo=demo)
            stack.enter_context(_exchange(settings, stopping))
            if settings.town.enabled:
                stack.enter_context(_town(settings))
            stack.enter_context(_application(settings, stopping))
            _wait_until_ready(settings, stopping)
            if not stopping.is_set():
                _welcome(settings, logins)
            stopping.wait()
            _say("正在停止 Stopping …")
    except (UpError, AsteriskError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def with_demo(settings: Settings) -> Settings:
    """The same settings with the town on and the trunk leading to it."""
    town = settings.town.model_copy(update={"enabled": True, "movable_clock": True})
    trunk = settings.trunk.model_copy(update={"mode": "address", "host": "127.0.0.1", "port": town.sip_port})
    return settings.model_copy(update={"town": town, "trunk": trunk})


def prepare(settings: Settings, *, demo: bool) -> list[SignIn]:
    """Bring the database to today's shape; with `demo`, fill it once. Returns the demo's sign-ins."""
    settings.home.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    if not demo:
        return []
    district = make_district()
    plan = NumberPlan(settings.numbers.country, settings.numbers.area_code)
    database = Database(settings.database_url)
    writer = Writer(database, SystemClock())
    try:
        if load(database, writer, district, plan):
            _say("演示区已就绪 The demo district is in the database: all people and numbers are invented")
        logins = sign_ins(database, writer, district, secrets_folder(settings.home))
    finally:
        writer.close()
        database.dispose()
    _write_directory(settings.home / "town", district, plan)
    return logins


def _write_directory(town: Path, district: District, plan: NumberPlan) -> None:
    """Who has which telephone, for the town's page."""
    entries = [
        {
            "number": e.number, "key": e.key, "name": e.zh, "english": e.en, "kind": e.role, "dials": e.dials,
            "place": e.place,
        }
        for e in directory(district, plan)
    ]  # fmt: skip
    town.mkdir(parents=True, exist_ok=True)
    (town / "directory.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1), "utf-8")


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Two of us in one home would fight over the same exchange."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UpError(
                f"{home}: it runs here already. Stop it first, or choose another home with CALLCENTER_HOME "
                "and other ports."
            ) from None
        yield


@contextmanager
def _exchange(settings: Settings, stopping: threading.Event) -> Iterator[None]:
    if settings.exchange.mode == "existing":
        yield
        return
    exchange = Exchange(settings, say=_say)
    exchange.start()
    watching = threading.Thread(target=exchange.watch, args=(stopping,), name="exchange", daemon=True)
    watching.start()
    try:
        yield
    finally:
        stopping.set()
        watching.join(15)
        exchange.stop()


@contextmanager
def _town(settings: Settings) -> Iterator[None]:
    town = settings.town
    network = Network(
        settings.home / "town",
        provision_asterisk(say=_say),
        NetworkSettings(
            trunk=Trunk(port=settings.exchange.sip_port, host=settings.exchange.bind),
            sip_port=town.sip_port,
            ari_port=town.ari_port,
            trace_port=town.sip_port + 1,
            rtp_start=town.rtp_start,
            rtp_end=town.rtp_end,
            seats={name: seat_secret(settings, name) for name in settings.seats.names},
        ),
    )
    network.start()
    try:
        yield
    finally:
        network.stop()


@contextmanager
def _application(settings: Settings, stopping: threading.Event) -> Iterator[None]:
    """Keep `callcenter serve` running in a process of its own: the telephone goes on while it starts anew."""
    watching = threading.Thread(target=_watch, args=(settings, stopping), name="application", daemon=True)
    watching.start()
    try:
        yield
    finally:
        stopping.set()
        watching.join(15)


def _watch(settings: Settings, stopping: threading.Event) -> None:
    deaths = 0
    while not stopping.is_set():
        began = time.monotonic()
        with (settings.home / "application.log").open("ab") as output:
            process = _serve(settings, output)
            while process.poll() is None and not stopping.wait(0.2):
                pass
            _end(process)
        if stopping.is_set():
            return
        deaths = 0 if time.monotonic() - began > PATIENCE_S else deaths + 1
        wait = _BACK_OFF_S[min(deaths, len(_BACK_OFF_S)) - 1] if deaths else 1
        _say(
            f"应用已退出（{process.returncode}），{wait} 秒后重启，见 {settings.home / 'application.log'}\n"
            f"The application ended ({process.returncode}); it starts again in {wait} s, see its log"
        )
        stopping.wait(wait)


def _serve(settings: Settings, output: IO[bytes]) -> subprocess.Popen[bytes]:
    told = {
        "CALLCENTER_TOWN__ENABLED": str(settings.town.enabled).lower(),
        "CALLCENTER_TOWN__MOVABLE_CLOCK": str(settings.town.movable_clock).lower(),
        "CALLCENTER_TRUNK__MODE": settings.trunk.mode,
        "CALLCENTER_TRUNK__HOST": settings.trunk.host,
        "CALLCENTER_TRUNK__PORT": str(settings.trunk.port),
    }
    command = [sys.executable, "-m", "callcenter", "--home", str(settings.home), "serve"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **told},
        start_new_session=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(settings: Settings, stopping: threading.Event) -> None:
    end = time.monotonic() + PATIENCE_S
    address = f"http://{settings.http.host}:{settings.http.port}/readyz"
    while not stopping.wait(0.2):
        with suppress(URLError, OSError), urlopen(address, timeout=2) as answer:
            if answer.status == 200:
                return
        if time.monotonic() > end:
            log = settings.home / "application.log"
            last = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            raise UpError(f"The application did not become ready within {PATIENCE_S:.0f} s.\n{last}\nSee {log}.")


def _welcome(settings: Settings, logins: list[SignIn]) -> None:
    base = settings.http.base_url
    lines = ["", "一切就绪 Everything is up.", "", f"  坐席 Console   {base}/"]
    if settings.town.enabled:
        lines.append(f"  城镇 Town      {base}/town/    （电话、按钮、短信 telephones, buttons, text messages）")
    if logins:
        lines += ["", "  登录 Sign in with:"]
        lines += [
            f"    {one.login:<12} {one.password or '（已改 changed）'}    {one.name}（{one.role}）" for one in logins
        ]
        lines += [
            "",
            "  先试试 Try first:",
            "    1. 登录坐席，选 op1 席位。Sign in to the console and sit down at op1.",
            "    2. 在城镇页用一位居民的电话拨 81890，再接起坐席电话 op1。",
            "       On the town's page let a resident ring 81890, then answer the desk telephone op1.",
            "    3. 按一位老人的按钮，看坐席上的警报，接警并办结。",
            "       Press an elder's button, watch the alarm in the console, take it and close it.",
            "    4. 登记一件求助并派单，在城镇页读服务商的短信，回 1 20。",
            "       Register a request, offer it, read the provider's text in the town, reply 1 20.",
        ]
    lines += ["", "  停止 Stop: Ctrl-C", ""]
    _say("\n".join(lines))


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _say(text: str) -> None:
    print(text, flush=True)
