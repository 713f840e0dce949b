"""Press to screen: from the INVITE of a press to the alarm's card in the DOM of a real Chromium, against a bare path.

What is measured. A device of the town dials the one-touch number. The beginning is the INVITE as it was on the wire
(the town's own capture, microseconds); the end is the moment at which a MutationObserver in the operator's console,
signed in at a seat, first sees the alarm's card (`performance.timeOrigin + performance.now()`: the same machine's
clock). After each press the alarm is taken, closed and its line hung up.

The floor. `bare_alarm`, a program of its own: a bare AMI socket on the same exchange, the same rows committed as
durably by plain `sqlite3`, a bare event stream to a bare page with the same observer in the same Chromium.

Pairs. Each pair is one press for the product and one for the floor, from the same home, the order changing from pair
to pair. While one is measured the other is frozen (SIGSTOP), so neither lends nor takes the other's CPU; what a frozen
one missed it catches up afterwards, and the next press waits until that is done and every process involved is idle.

What stands for the outside world stands back for both: the town's Asterisk, and this program with the town's hands.

Goal: the 99th percentile at most 1.5 times the floor's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.place import Desk, children_of, cpu_seconds, district_database, whole_system
from bench.results import Section, median, milliseconds, percentile, verdict
from callcenter.exchange.context import ami_secret
from callcenter.town.lines import Line
from dispatch.arrivals import record_steps
from dispatch.journal import parse
from dispatch.tables import Arrival, Ticket
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.priority import stand_back
from foundation.writer import Writer
from tests.system import System
from tests.waiting import wait_until
from tools import chromium

GOAL = 1.5
HOMES = 30
"""The dedicated lines of the demo district: home-1 to home-30."""
WARM_UP = 3
IDLE_S = 0.2
IDLE_CPU_S = 0.02
WATCH = """() => {
  const seen = [];
  const known = new Set();
  let waiting = () => undefined;
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    for (const card of document.querySelectorAll("[data-alarm]")) {
      if (known.has(card.dataset.alarm)) continue;
      known.add(card.dataset.alarm);
      seen.push(now);
      waiting();
    }
  };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  window.cardSeen = (place) => new Promise((resolve, reject) => {
    waiting = () => { if (seen.length > place) resolve(seen[place]); };
    waiting();
    setTimeout(() => reject(new Error("no card within 40 s")), 40000);
  });
}"""
"""`cardSeen(n)`: when the card number n (from 0) first stood in the page, milliseconds since 1970."""


@dataclass
class Screen:
    """A page that shows cards, and the process behind it."""

    page: Page
    freeze: Callable[[], None]
    thaw: Callable[[], None]
    shown: int = 0
    times: list[float] = field(default_factory=list)

    def next_card(self) -> float:
        """When the next card stood there, seconds since 1970."""
        at: float = self.page.evaluate("place => window.cardSeen(place)", self.shown)
        self.shown += 1
        return at / 1000


def run(folder: Path, *, presses: int) -> Section:
    """Measure so many presses of each kind, after a few that do not count."""
    with whole_system(folder) as system, sync_playwright() as playwright:
        desk = Desk(system)
        floor = _start_floor(system, folder / "floor")
        try:
            browser = _browser(playwright, folder)
            bench = _Bench(system, desk, _console(browser, system, desk), _bare_page(browser, *floor))
            stand_back(os.getpid())
            bench.measure(presses)
            browser.close()
        finally:
            floor[0].kill()
            floor[0].wait()
            desk.close()
    return _section(bench.product.times, bench.floor.times, bench.stages)


@dataclass
class _Bench:
    system: System
    desk: Desk
    product: Screen
    floor: Screen
    stages: list[tuple[float, float]] = field(default_factory=list)

    def measure(self, presses: int) -> None:
        """Fill the two screens' times, and the product's stages."""
        for place in range(presses + WARM_UP):
            home = 1 + place % HOMES
            kinds = [self._press_for_product, self._press_for_floor]
            for press in kinds if place % 2 else kinds[::-1]:
                press(home)
        for times in (self.product.times, self.floor.times, self.stages):
            del times[:WARM_UP]

    def _press_for_product(self, home: int) -> None:
        line, invited, seen = self._press(home, self.product, self.floor)
        self.stages.append(self._stages(invited))
        self._close_alarm()
        line.hangs_up()
        self.floor.thaw()
        self.floor.next_card()
        self.product.times.append(seen - invited)
        self._settle()

    def _press_for_floor(self, home: int) -> None:
        line, invited, seen = self._press(home, self.floor, self.product)
        self.product.thaw()
        self.product.next_card()
        self._close_alarm()
        line.hangs_up()
        self.floor.times.append(seen - invited)
        self._settle()

    def _press(self, home: int, measured: Screen, other: Screen) -> tuple[Line, float, float]:
        """Press while the page is being waited on already, so that nothing but the press disturbs it."""
        other.freeze()
        with ThreadPoolExecutor(1) as finger:
            pressing = finger.submit(self._press_when_idle, home)
            seen = measured.next_card()
            line = pressing.result()
        line.reaches_exchange()
        invited = line.call.invite_at
        assert invited is not None, "the town did not see the INVITE"
        return line, invited, seen

    def _press_when_idle(self, home: int) -> Line:
        self._idle()
        return self.system.town.device(f"home-{home}").pressed()

    def _close_alarm(self) -> None:
        ticket_id = self.system.wait_for(_open_alarm, 10, "the alarm is in the database")
        self.desk.post(f"/alarms/{ticket_id}/take")
        self.desk.post(f"/alarms/{ticket_id}/close", outcome="served_on_phone", text="benchmark")

    def _settle(self) -> None:
        self.system.wait_for(lambda session: not _live_arrivals(session), 10, "every arrival has ended")

    def _stages(self, invited: float) -> tuple[float, float]:
        """Of the product's latest press: when the dialplan wrote it, and when its command began, after the INVITE."""
        arrival = self.system.look(lambda s: s.scalar(select(Arrival).order_by(Arrival.id.desc()).limit(1)))
        assert arrival is not None
        return arrival.steps["001"]["t"] - invited, arrival.recorded_at.timestamp() - invited

    def _idle(self) -> None:
        """Wait until all that has to do with a press uses next to no CPU for a moment."""
        assert self.system.process
        roots = [os.getpid(), *filter(None, [self.system.exchange.pid])]
        pids = sorted({pid for root in roots for pid in children_of(root)})

        def quiet() -> bool:
            before = _cpu(pids)
            time.sleep(IDLE_S)
            return _cpu(pids) - before <= IDLE_CPU_S

        wait_until(quiet, 30, "the system is idle between two presses")


def _cpu(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += cpu_seconds(pid)
        except OSError:
            continue
    return total


def _open_alarm(session: Session) -> int | None:
    return session.scalar(select(Ticket.id).where(Ticket.kind == "emergency", Ticket.closed_at.is_(None)))


def _live_arrivals(session: Session) -> bool:
    return session.scalar(select(Arrival.id).where(Arrival.state == "live").limit(1)) is not None


# --- the two pages ------------------------------------------------------------------------------------------------


def _browser(playwright: Any, folder: Path) -> Browser:
    program = chromium.bring_chromium()
    chromium.bring_cjk_font()
    home = folder / "chromium"
    home.mkdir()
    started: Browser = playwright.chromium.launch(
        executable_path=program.command[0],
        args=chromium.flags(program),
        env=chromium.environment(program, home),
        chromium_sandbox=False,
    )
    return started


def _console(browser: Browser, system: System, desk: Desk) -> Screen:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": name, "value": value, "url": system.base} for name, value in desk.cookies.items()])
    page = context.new_page()
    page.goto(f"{system.base}/")
    page.wait_for_selector("#alarm-list", state="attached")
    page.evaluate(WATCH)
    return Screen(page, system.freeze_application, system.thaw_application)


def _bare_page(browser: Browser, process: subprocess.Popen[str], port: int) -> Screen:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    page.evaluate(WATCH)
    return Screen(page, lambda: process.send_signal(signal.SIGSTOP), lambda: process.send_signal(signal.SIGCONT))


# --- the floor ----------------------------------------------------------------------------------------------------


def _start_floor(system: System, folder: Path) -> tuple[subprocess.Popen[str], int]:
    home = district_database(folder)
    told = system.settings.exchange
    rows = _rows_of_a_press(home / "callcenter.sqlite3", folder / "trial")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.bare_alarm"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as the application: a share of the machine of its own
    )
    assert process.stdin
    assert process.stdout
    orders = {
        "host": told.ami_host,
        "port": told.ami_port,
        "user": told.ami_user,
        "secret": ami_secret(system.settings),
    }
    orders |= {"database": str(home / "callcenter.sqlite3"), "rows": rows}
    process.stdin.write(json.dumps(orders) + "\n")
    process.stdin.flush()
    return process, int(process.stdout.readline())


def _rows_of_a_press(path: Path, trial: Path) -> list[tuple[str, dict[str, Any]]]:
    """What the product writes for the first step of a press, found out on a copy of the database, parents first."""
    trial.mkdir()
    copy = trial / path.name
    shutil.copy(path, copy)
    tables = ("arrivals", "ticket_numbers", "tickets", "arrival_tickets", "deadlines", "ticket_events", "outbox")
    reader = sqlite3.connect(copy)
    reader.row_factory = sqlite3.Row
    before = {name: reader.execute(f"SELECT coalesce(max(rowid), 0) FROM {name}").fetchone()[0] for name in tables}
    record = {
        "s": "arrived", "t": f"{time.time():.6f}", "to": "81891", "from": "057487000001", "raw": "057487000001",
        "kind": "emergency", "line": "home-1", "home": "1", "chan": "PJSIP/trunk-00000001",
    }  # fmt: skip
    text = "&".join(f"{name}={quote(value)}" for name, value in record.items())
    database = Database(f"sqlite:///{copy}")
    writer = Writer(database, SystemClock())
    writer.call(record_steps, [parse("node1-1.1", "001", text)])
    writer.close()
    database.dispose()
    found = [
        (name, dict(row))
        for name in tables
        for row in reader.execute(f"SELECT * FROM {name} WHERE rowid > ? ORDER BY rowid", (before[name],))
    ]
    reader.close()
    assert {"arrivals", "tickets", "arrival_tickets", "deadlines", "ticket_events"} <= {name for name, _ in found}
    return found


def _section(product: list[float], floor: list[float], stages: list[tuple[float, float]]) -> Section:
    share = percentile(product, 0.99) / percentile(floor, 0.99)
    rows = tuple(
        (
            label,
            milliseconds(percentile(product, part)),
            milliseconds(percentile(floor, part)),
            f"{percentile(product, part) / percentile(floor, part):.2f}",
            f"at most {GOAL}" if part == 0.99 else "",
            verdict(share <= GOAL) if part == 0.99 else "",
        )
        for label, part in (("p50", 0.5), ("p99", 0.99))
    )
    paired = median(ours / bare for ours, bare in zip(product, floor, strict=True))
    return Section(
        "press",
        ("", "product", "floor", "times the floor", "goal", ""),
        rows,
        (
            f"{len(product)} presses of each kind in interleaved pairs; median of the pairs' ratios {paired:.2f}.",
            f"On the product's way, medians after the INVITE: the dialplan has written the journal "
            f"{milliseconds(median(written for written, _ in stages))}, its command begins "
            f"{milliseconds(median(begun for _, begun in stages))}.",
        ),
        share <= GOAL,
    )
