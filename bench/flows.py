"""Flows: what they cost beside a dialplan written by hand, and how long a set takes to compile and to load.

What is measured. SIPp rings the hotline on an exchange with no application and no seat, so that a call is
answered, journaled, greeted, offered its keys for a second, and queued; its caller hangs up three seconds after the
answer. For each call the set-up is the time from its INVITE to its 200 OK; the processor time is the exchange's.

The floor is the same exchange with a hand-written context in place of the flow: the same arrival, the same steps of
the journal, the same prompts, the same queue, and nothing else: no calendar, no version, no counting of seats. The two
take turns, floor first, then twice the flow, then the floor, on one exchange, so that neither gets the quieter half.

Goal. Processor time for 1,000 calls and the 99th percentile of the set-up at most 1.1 times the floor's.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench import load
from bench.place import cpu_seconds, exchange_alone
from bench.results import Section, median, milliseconds, percentile, verdict
from ivr_flows.compiler import compile_flows
from ivr_flows.loading import shipped
from ivr_flows.model import FlowSet
from ivr_flows.simulator import is_open
from tests.system import System

RATE = 20
TALK_S = 3.0
AT_MOST = 1.1
MANY = 200
REPEATS = 7

_ENTRY = " same => n(service),Answer()\n same => n,Gosub(flows,s,1(hotline))\n"
_BY_HAND = """
[by-hand]
exten => s,1,Set(FIELDS=)
 same => n,Gosub(journal,next,1(greeted))
 same => n,Read(KEY,GREETING&wait-choice&english-hint,1,,1,1)
 same => n,Set(FIELDS=&queue=service)
 same => n,Gosub(journal,next,1(queued))
 same => n,Set(CHANNEL(musicclass)=waiting)
 same => n,Queue(service,ci,,,300,,service-answered)
 same => n,Playback(busy-goodbye)
 same => n,Hangup(16)
"""


@dataclass(frozen=True)
class Run:
    """One run: how many of the calls were complete, their set-ups in seconds, the exchange's processor time."""

    calls: int
    setups: Sequence[float]
    cpu: float


def run(folder: Path, *, calls: int) -> Section:
    """Four runs of so many calls each, then compiling and loading."""
    with exchange_alone(folder, application=False) as system:
        own = system.exchange.process.directories
        for path in own.sounds.rglob("*.wav"):
            _silence(path)
        dialplan = own.etc / "extensions.conf"
        # Recording is left out on both sides: it is the same for both, and more than all the rest.
        with_flows = dialplan.read_text("utf-8").replace("RECORD_CALLS = 1", "RECORD_CALLS = 0")
        assert _ENTRY in with_flows, "the dialplan has no such line any more; bring this benchmark up to date"
        instead = " same => n(service),Answer()\n same => n,Goto(by-hand,s,1)\n"
        by_hand = with_flows.replace(_ENTRY, instead) + _BY_HAND.replace("GREETING", _greeting())
        texts = {"by hand": by_hand, "flow": with_flows}
        runs: dict[str, list[Run]] = {name: [] for name in texts}
        for turn, name in enumerate(("by hand", "flow", "flow", "by hand")):
            dialplan.write_text(texts[name], encoding="utf-8")
            system.exchange.ask("dialplan reload")
            runs[name].append(_run(folder / str(turn), system, calls))
        loads = [_loaded(system, flows) for flows in (shipped(), _many(shipped()))]
    return _section(runs, loads, calls)


def _greeting() -> str:
    """What the shipped hotline says first at this hour to who has to wait."""
    day = is_open(shipped().calendars["office"], datetime.now(UTC))
    return "greeting" if day else "greeting&night-busy"


def _run(folder: Path, system: System, calls: int) -> Run:
    folder.mkdir()
    pid = system.exchange.pid or 0
    before = cpu_seconds(pid)
    scenario = load.CALL.replace("MILLISECONDS", str(round(TALK_S * 1000)))
    load.make_calls(folder, system, RATE, calls, scenario)
    cpu = cpu_seconds(pid) - before
    setups, _ = load.messages(next(folder.glob("*_shortmessages.log")))
    return Run(calls, setups, cpu)


def _loaded(system: System, flows: FlowSet) -> tuple[str, int, float, float]:
    """Name, bytes, and seconds (median) to compile and to load: the whole dialplan is read anew at each load."""
    compiling, loading = [], []
    path = system.exchange.process.directories.etc / "flows" / "7.conf"
    path.parent.mkdir(exist_ok=True)
    for _ in range(REPEATS):
        began = time.perf_counter()
        text = compile_flows(flows, 7)
        compiling.append(time.perf_counter() - began)
        path.write_text(text, encoding="utf-8")
        began = time.perf_counter()
        system.exchange.ask("dialplan reload")
        loading.append(time.perf_counter() - began)
    assert "START" in system.exchange.ask(f"dialplan show flow-7-{max(flows.flows)}")
    path.unlink()
    return f"{len(flows.flows)} flows", len(text), median(compiling), median(loading)


def _many(flows: FlowSet) -> FlowSet:
    """The shipped flows, copied under other names until there are MANY."""
    made = dict(flows.flows)
    originals = sorted(flows.flows.values(), key=lambda flow: flow.name)
    while len(made) < MANY:
        copied = originals[len(made) % len(originals)]
        name = f"copy{len(made)}_{copied.name}"
        made[name] = replace(copied, name=name)
    return replace(flows, flows=made)


def _silence(path: Path) -> None:
    """A fifth of a second, so that a call comes as far as the queue."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(3200))


def _section(runs: dict[str, list[Run]], loads: list[tuple[str, int, float, float]], calls: int) -> Section:
    figures = {}
    rows: list[tuple[str, ...]] = []
    for name, both in runs.items():
        cpu = sum(one.cpu for one in both) / sum(one.calls for one in both) * 1000
        setups = [setup for one in both for setup in one.setups]
        figures[name] = (cpu, percentile(setups, 0.99))
        complete = f"{len(setups):,} of {sum(one.calls for one in both):,}"
        each = " / ".join(f"{one.cpu / one.calls * 1000:.2f}" for one in both)
        p50 = milliseconds(percentile(setups, 0.5))
        rows.append((name, complete, p50, milliseconds(figures[name][1]), f"{cpu:.2f} s ({each})", "", ""))
    ratios = [flow / hand for flow, hand in zip(figures["flow"], figures["by hand"], strict=True)]
    met = all(ratio <= AT_MOST for ratio in ratios) and all(len(o.setups) == o.calls for b in runs.values() for o in b)
    cost = f"processor {ratios[0]:.2f} times, p99 {ratios[1]:.2f} times"
    rows[1] = (*rows[1][:5], cost, verdict(met))
    for name, size, compiling, loading in loads:
        took = f"compiled in {milliseconds(compiling)}, loaded in {milliseconds(loading)} ({size / 1000:.0f} kB)"
        rows.append((name, "", "", "", "", took, ""))
    return Section(
        "flows",
        ("", "calls complete", "set-up p50", "set-up p99", "exchange CPU per 1,000", "against by hand", "goal"),
        tuple(rows),
        (
            f"Two runs each of {calls:,} calls at {RATE}/s, {TALK_S:g} s long, no application, no free seat. Goal: "
            f"processor time and set-up p99 at most {AT_MOST:g} times those of a dialplan written by hand with the "
            f"same prompts and journal. Times to compile and load: median of {REPEATS}.",
        ),
        met,
    )
