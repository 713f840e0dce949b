"""Bridge: a recorded stream of the exchange, through to committed arrivals, against panoramisk's bare parse of it.

What is measured. The recording (see `recording`: the bridge's own AMI user with its event filter, the town under load)
is played by a peer in another process into the product as it is: `Bridge`, `CallIntake`, `Writer`, SQLite with
`synchronous=FULL`, the demo district loaded. The clock runs from the word to play until the last step of the last call
is committed. What is committed is deleted from the journal when nothing waits to be committed, at the latest after a
second, as in life; so in this short burst most of that comes after the clock has stopped, and the time until the last
deletion is told beside the figure. Journal files lie in the spool and its steps in the peer's database beforehand, as
the dialplan would have left them.

The floor. The same bytes, in reads of 64 KiB, through panoramisk's own `AMIProtocol` with one handler that counts: no
socket, no database, nothing kept.

The two alternate, pair by pair, each with a fresh database; the figures are medians, in events a second. Goal: at
least half of the floor. A run in which an event was dropped, or in which not every call of the recording became
exactly one arrival with all its steps, is an error and not a figure.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from sqlalchemy import select

from bench.place import district_database
from bench.recording import Recording, record
from bench.results import Section, median, verdict
from callcenter.bridge.bridge import Bridge, BridgeCallbacks
from callcenter.bridge.household import HouseholdData
from callcenter.bridge.link import LinkState
from callcenter.bridge.settings import BridgeSettings
from callcenter.intake.calls import CallIntake, Step
from callcenter.serve import SWITCH_S
from dispatch import rehearsal
from dispatch.arrivals import record_steps
from dispatch.tables import Arrival
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer
from tests.waiting import wait_until_async

GOAL = 0.5
READ = 64 * 1024
LIMIT_S = 120.0


def run(folder: Path, *, calls: int, presses: int, pairs: int) -> Section:
    """Record, then measure floor and product in turn, after one of each that does not count."""
    recording = record(folder / "recording", calls, presses)
    template = district_database(folder / "district")
    (folder / "stream").write_bytes(recording.stream)
    measured = []
    for pair in range(pairs + 1):
        bare = _bare_parse(recording)
        ours = _product(recording, folder / f"pair{pair}", template, folder / "stream")
        if pair:
            measured.append((*ours, bare))
    floor = median(bare for *_, bare in measured)
    product = median(ours for ours, *_ in measured)
    share = median(bare / ours for ours, _, bare in measured)
    emptied = median(emptied for _, emptied, _ in measured)
    return Section(
        "bridge",
        ("through to committed arrivals", "bare parse (floor)", "share of the floor", "goal", ""),
        (
            (
                f"{recording.events / product:,.0f} events/s, {recording.calls / product:,.0f} calls/s",
                f"{recording.events / floor:,.0f} events/s",
                f"{share:.2f}",
                f"at least {GOAL}",
                verdict(share >= GOAL),
            ),
        ),
        (
            f"{recording.events:,} events of {recording.calls:,} calls, {len(recording.steps):,} journal steps, "
            f"{len(recording.stream) / 1e6:.1f} MB; {pairs} pairs, shares from "
            f"{min(b / o for o, _, b in measured):.2f} to {max(b / o for o, _, b in measured):.2f}.",
            f"Until the last step is deleted from the journal too: {recording.events / emptied:,.0f} events/s.",
        ),
        share >= GOAL,
    )


def _bare_parse(recording: Recording) -> float:
    """Seconds that panoramisk needs to turn the bytes into messages."""
    seen = 0

    def count(_message: Any) -> None:
        nonlocal seen
        seen += 1

    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.encoding = "utf8"  # what its Manager sets
    protocol.factory = SimpleNamespace(dispatch=count, save_stream=None)
    parts = [recording.stream[start : start + READ] for start in range(0, len(recording.stream), READ)]
    gc.collect()
    began = time.perf_counter()
    for part in parts:
        protocol.data_received(part)
    took = time.perf_counter() - began
    assert seen == recording.events, f"panoramisk saw {seen} of {recording.events} events"
    return took


def _product(recording: Recording, home: Path, template: Path, stream: Path) -> tuple[float, float]:
    """Seconds until the last step is committed, and until the last is deleted from the journal."""
    shutil.copytree(template, home)
    spool = home / "spool"
    (spool / "journal").mkdir(parents=True)
    for (call_id, step), text in recording.steps.items():
        (spool / "journal" / f"{call_id}~{step}").write_text(text, encoding="utf-8")
    took = asyncio.run(_play(recording, home, stream))
    gc.unfreeze()
    shutil.rmtree(home)
    return took


async def _play(recording: Recording, home: Path, stream: Path) -> tuple[float, float]:
    sys.setswitchinterval(SWITCH_S)
    database = Database(f"sqlite:///{home}/callcenter.sqlite3")
    writer = Writer(database, SystemClock())
    await rehearsal.press(writer)  # this and the next two lines as at each start of the application
    gc.collect()
    gc.freeze()
    intake = CallIntake(writer, record_steps)
    committed = 0
    all_committed = asyncio.Event()
    ready = asyncio.Event()

    async def take(steps: Sequence[Step], urgent: bool) -> None:
        nonlocal committed
        await intake.take(steps, urgent)
        committed += len(steps)
        if committed >= len(recording.steps):
            all_committed.set()

    async def nothing(*_: object) -> Any:
        return None

    async def no_household() -> HouseholdData:
        return HouseholdData(0, {})

    async def no_seats() -> dict[str, Any]:
        return {}

    def state(now: LinkState) -> None:
        if now is LinkState.READY:
            ready.set()

    peer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.replay", str(stream), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert peer.stdin
    assert peer.stdout
    port = int(await peer.stdout.readline())
    bridge = Bridge(
        BridgeSettings("127.0.0.1", port, "bridge", "secret", spool=home / "spool"),
        BridgeCallbacks(take, nothing, no_household, no_seats, on_state=state),
    )
    running = asyncio.create_task(bridge.run())
    try:
        async with asyncio.timeout(LIMIT_S):
            await ready.wait()
            began = time.perf_counter()
            peer.stdin.write(b"play\n")
            await all_committed.wait()
            took = time.perf_counter() - began
            await wait_until_async(
                lambda: bridge.metrics["journal_deleted"] >= len(recording.steps), LIMIT_S, "the journal is empty"
            )
            emptied = time.perf_counter() - began
        assert bridge.metrics["events_dropped"] == 0, "events were dropped"
    finally:
        bridge.close()
        await running
        peer.stdin.close()
        await peer.wait()
        writer.close()
    _check(recording, database)
    return took, emptied


def _check(recording: Recording, database: Database) -> None:
    """Each call of the recording is one arrival with all its steps."""
    with database.read() as session:
        kept = {call_id: set(steps) for call_id, steps in session.execute(select(Arrival.external_id, Arrival.steps))}
    database.dispose()
    wanted: dict[str, set[str]] = {}
    for call_id, step in recording.steps:
        wanted.setdefault(call_id, set()).add(step)
    assert kept == wanted, "the arrivals are not what was recorded"
