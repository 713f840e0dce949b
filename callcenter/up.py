"""`callcenter up`: everything on one machine. Starts, watches and stops the exchange, the town and the application,
each a process of its own, so that the death of one leaves the others at work."""

from __future__ import annotations

import fcntl
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from callcenter.demo import network
from callcenter.demo.book import directory
from callcenter.demo.district import District, make_district
from callcenter.demo.guides import load_guides
from callcenter.demo.load import load
from callcenter.demo.sign_ins import SignIn, sign_ins
from callcenter.exchange import Exchange
from callcenter.exchange.context import seat_secret, secrets_folder
from callcenter.keeper import Keeper
from callcenter.settings import Settings
from callcenter.town.errors import TownError
from callcenter.town.network import Network, NetworkSettings, Trunk
from foundation import migrations
from foundation.asterisk.errors import AsteriskError
from foundation.asterisk.process import Port, check_port_free
from foundation.asterisk.provision import provision_asterisk
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Writer

PATIENCE_S = 60.0
# An application that ends so often before it was ever ready will not become ready by being started once more.
HOPELESS = 3


class UpError(Exception):
    """Something could not be started; the text says what, and what to do."""


class _Stop(BaseException):
    """Ctrl-C or SIGTERM while things are being started."""


def up(settings: Settings, *, demo: bool, config: Path | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code. `config`: the settings file that was named, if one was."""
    stopping = threading.Event()
    signals = _Signals(stopping)
    if demo:
        settings = with_demo(settings)
    keeper = Keeper(settings.home, _environment(settings, config), _say)
    try:
        with ExitStack() as stack:
            stack.enter_context(_only_one(settings.home))
            if keeper.bury_orphan() is not None:
                _say("上次留下的应用已结束 An application that an earlier run left behind was ended.")
            check_port_free(Port(settings.http.port, "tcp", settings.http.host, "http.port"))
            logins = prepare(settings, demo=demo)
            stack.enter_context(_exchange(settings, stopping))
            if settings.town.enabled:
                stack.enter_context(_town(settings, stopping))
            stack.enter_context(_application(keeper, stopping))
            _wait_until_ready(settings, keeper)
            signals.only_note()
            _welcome(settings, logins)
            stopping.wait()
            _say("正在停止 Stopping …")
    except _Stop:
        _say("已停止 Stopped.")
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
    # How long the database took for one home of the demo is of no interest to whoever starts it.
    logging.getLogger("foundation.writer").setLevel(logging.ERROR)
    district = make_district()
    plan = NumberPlan(settings.numbers.country, settings.numbers.area_code)
    database = Database(settings.database_url)
    writer = Writer(database, SystemClock())
    try:
        if load(database, writer, district, plan):
            _say("演示区已就绪 The demo district is in the database: all people and numbers are invented")
        load_guides(database, writer, SystemClock().now(), plan)
        logins = sign_ins(database, writer, district, secrets_folder(settings.home))
        logins += network.settle(database, writer, district, plan, secrets_folder(settings.home))
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
    watching = threading.Thread(target=exchange.watch, args=(stopping,), name="exchange", daemon=True)
    try:
        exchange.start()
        watching.start()
        yield
    finally:
        _join(watching, stopping)
        exchange.stop()


@contextmanager
def _town(settings: Settings, stopping: threading.Event) -> Iterator[None]:
    network = _network(settings)

    def watch() -> None:
        network.process.watch(stopping, lambda text: _say(f"小镇 Town: {text}"))

    watching = threading.Thread(target=watch, name="town", daemon=True)
    try:
        network.start()
        watching.start()
        yield
    finally:
        _join(watching, stopping)
        network.stop()


def _network(settings: Settings) -> Network:
    """The town of this home. One that runs from an earlier start is kept when it is the same one, else it is ended."""
    town, home = settings.town, settings.home / "town"
    made = NetworkSettings(
        trunk=Trunk(port=settings.exchange.sip_port, host=settings.exchange.bind),
        sip_port=town.sip_port,
        ari_port=town.ari_port,
        trace_port=town.sip_port + 1,
        rtp_start=town.rtp_start,
        rtp_end=town.rtp_end,
        seats={name: seat_secret(settings, name) for name in settings.seats.names},
    )
    asterisk = provision_asterisk(say=_say)
    try:
        kept = NetworkSettings.load(home)
    except TownError:
        return Network(home, asterisk, made, stands_back=True)
    # Whoever controls it has read the secret; it stays the same however often the town is started.
    made = replace(made, ari_secret=kept.ari_secret)
    network = Network(home, asterisk, made, stands_back=True)
    if made != kept:
        network.stop()
    return network


@contextmanager
def _application(keeper: Keeper, stopping: threading.Event) -> Iterator[None]:
    keeping = threading.Thread(target=keeper.keep, args=(stopping,), name="application", daemon=True)
    try:
        keeping.start()
        yield
    finally:
        _join(keeping, stopping)


def _join(thread: threading.Thread, stopping: threading.Event) -> None:
    stopping.set()
    if thread.ident is not None:
        thread.join(15)


def _environment(settings: Settings, config: Path | None) -> dict[str, str]:
    """What the application's process must be told beside what it reads for itself."""
    told = {
        "CALLCENTER_TOWN__ENABLED": str(settings.town.enabled).lower(),
        "CALLCENTER_TOWN__MOVABLE_CLOCK": str(settings.town.movable_clock).lower(),
        "CALLCENTER_TRUNK__MODE": settings.trunk.mode,
        "CALLCENTER_TRUNK__HOST": settings.trunk.host,
        "CALLCENTER_TRUNK__PORT": str(settings.trunk.port),
    }
    return told | ({"CALLCENTER_CONFIG": str(config.absolute())} if config is not None else {})


def _wait_until_ready(settings: Settings, keeper: Keeper) -> None:
    end = time.monotonic() + PATIENCE_S
    address = f"http://{settings.http.host}:{settings.http.port}/readyz"
    while True:
        with suppress(URLError, OSError), urlopen(address, timeout=2) as answer:
            if answer.status == 200:
                return
        if keeper.deaths >= HOPELESS or time.monotonic() > end:
            what = (
                f"ended {keeper.deaths} times" if keeper.deaths else f"did not become ready within {PATIENCE_S:.0f} s"
            )
            raise UpError(f"The application {what}. The end of its log, {keeper.log}:\n{keeper.log_end()}")
        time.sleep(0.2)


def _welcome(settings: Settings, logins: list[SignIn]) -> None:
    base = settings.http.base_url
    lines = ["", "一切就绪 Everything is up.", "", f"  坐席 Console   {base}/"]
    if settings.town.enabled:
        lines.append(f"  小镇 Town      {base}/town/    （电话、按钮、短信 telephones, buttons, text messages）")
    if logins:
        lines += ["", "  登录 Sign in with:"]
        lines += [
            f"    {one.login:<12} {one.password or '（已改 changed）'}    {one.name}（{one.role}）" for one in logins
        ]
        lines += [
            "",
            "  先试试 Try first（两个窗口并排 in two windows side by side）:",
            "    1. 坐席工作台：登录，点“选择坐席”，坐下 op1。",
            "       Console: sign in, choose a seat, sit down at op1.",
            "    2. 小镇：让一位居民拨 81890，op1 响铃时点“接听”；工作台弹出来电人。登记一件求助并派单。",
            "       Town: let a resident dial 81890, answer op1 when it rings; the caller's card opens in the console.",
            "       Open a request and offer it.",
            "    3. 小镇的短信栏：服务商回 1 20，居民收到通知；再回 到、完 80；“到明天 10:00”，居民回 5，工单办结。",
            "       Town, texts: the provider replies 1 20, 到, 完 80; to tomorrow 10:00; the resident replies 5.",
            "    4. 小镇：按一位老人的求助键，接听，在工作台定级、办结；不接听，看值班和家属的电话依次响起。",
            "       Town: press an elder's button, answer, grade and close it; or see who is rung next.",
        ]
    lines += ["", "  停止 Stop: Ctrl-C", ""]
    _say("\n".join(lines))


class _Signals:
    """Ctrl-C and SIGTERM: break off what is being started; once all of it runs, only note that it shall stop."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._starting = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def only_note(self) -> None:
        """From now on whoever waits for `stopping` ends the rest in good order."""
        self._starting = False

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()
        if self._starting:
            self._starting = False  # a second one must not break off the tidying up
            raise _Stop


def _say(text: str) -> None:
    """A terminal that was closed or a disk that is full must not end the threads that keep everything running."""
    with suppress(OSError, ValueError):
        print(text, flush=True)
