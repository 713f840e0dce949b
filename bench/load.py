"""Load: calls at a steady rate with the application on, against the same with it off.

What is measured. SIPp stands where the trunk points and rings the hotline, every call from a number of its own; the
call is answered, greeted and queued, and its caller hangs up after a second and a half. For each call the set-up is
the time from its INVITE to its 200 OK, by SIPp's own log of messages (microseconds). The floor is the exchange alone:
the same dialplan with the journal it always writes, and no application that reads it.

Runs. At each rate one run with the application off and one with it on, each on an exchange and a database of its own
that begin empty, so that neither inherits the other's journal.

Goals. Every call completes and becomes exactly one ended arrival; at the end the last end of a call is committed
within a second of the last call's end; the 99th percentile of the set-up is at most 10 ms above the other's. The CPU
time of each process is given for 1,000 calls, from the first call to the last commit.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.place import cpu_seconds, exchange_alone
from bench.results import Section, milliseconds, percentile, verdict
from dispatch.tables import Arrival
from tests.system import System
from tools.sipp import bring_sipp

RATES = (5, 40)
TALK_S = 1.5
BACKLOG_S = 1.0
SLOWER_S = 0.010
RTP_PORT = 28_000

CALL = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="a caller who hangs up in the queue">
  <send retrans="500"><![CDATA[
INVITE sip:81890@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:81890@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[field0]@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=bench 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="MILLISECONDS"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""
SCENARIO = CALL.replace("MILLISECONDS", str(round(TALK_S * 1000)))


@dataclass(frozen=True)
class Run:
    """What one run showed. `backlog` is None with the application off; `cpu` is seconds of each process."""

    calls: int
    setups: list[float]
    arrivals: int
    backlog: float | None
    cpu: dict[str, float]

    @property
    def complete(self) -> bool:
        """Every call was set up, and with the application on is one ended arrival."""
        return len(self.setups) == self.calls and (self.backlog is None or self.arrivals == self.calls)

    @property
    def p99(self) -> float:
        """Set-up, seconds."""
        return percentile(self.setups, 0.99)

    def cpu_per_thousand(self, name: str) -> str:
        """CPU seconds of that process for 1,000 calls."""
        return f"{self.cpu[name] / self.calls * 1000:.1f} s" if name in self.cpu else "–"


def run(folder: Path, *, seconds: int) -> Section:
    """Both rates, off and on, each for so many seconds."""
    rows: list[tuple[str, ...]] = []
    met = True
    for rate in RATES:
        off = _run(folder / f"{rate}off", rate, seconds, application=False)
        on = _run(folder / f"{rate}on", rate, seconds, application=True)
        assert on.backlog is not None
        good = off.complete and on.complete and on.backlog <= BACKLOG_S and on.p99 - off.p99 <= SLOWER_S
        met = met and good
        rows.append(_row(f"{rate}/s, application off", off, "floor", ""))
        difference = f"{(on.p99 - off.p99) * 1000:+.1f} ms, backlog {on.backlog:.2f} s"
        rows.append(_row(f"{rate}/s, application on", on, difference, verdict(good)))
    return Section(
        "load",
        ("", "calls complete", "set-up p50", "set-up p99", "p99 against off, backlog at the end",
         "exchange CPU per 1,000", "application CPU per 1,000", "SIPp CPU per 1,000", "goal"),
        tuple(rows),
        (
            f"{seconds} s each; calls of {TALK_S:g} s, greeted and queued. Goal: all complete, backlog at most "
            f"{BACKLOG_S:g} s, p99 at most {SLOWER_S * 1000:.0f} ms above the floor's.",
        ),
        met,
    )  # fmt: skip


def _row(label: str, one: Run, difference: str, goal: str) -> tuple[str, ...]:
    return (
        label, f"{len(one.setups):,} of {one.calls:,}", milliseconds(percentile(one.setups, 0.5)),
        milliseconds(one.p99), difference, *map(one.cpu_per_thousand, ("exchange", "application", "sipp")), goal,
    )  # fmt: skip


def _run(folder: Path, rate: int, seconds: int, *, application: bool) -> Run:
    calls = rate * seconds
    with exchange_alone(folder, application=application) as system:
        processes = {"exchange": system.exchange.pid or 0}
        if system.process is not None:
            processes["application"] = system.process.pid
        before = {name: cpu_seconds(pid) for name, pid in processes.items()}
        sipp_cpu = make_calls(folder, system, rate, calls, SCENARIO)
        backlog = None
        if application:
            with contextlib.suppress(AssertionError):  # what is missing is told by the figures
                system.wait_for(lambda s: _ended(s) >= calls, 120, "every call's end is committed")
            seen_at = time.time()
        cpu = {name: cpu_seconds(pid) - before[name] for name, pid in processes.items()} | {"sipp": sipp_cpu}
        arrivals = system.look(_ended)
    setups, last_bye = messages(next(folder.glob("*_shortmessages.log")))
    if application:
        backlog = max(0.0, seen_at - last_bye)
    return Run(calls, setups, arrivals, backlog, cpu)


def make_calls(folder: Path, system: System, rate: int, calls: int, scenario: str) -> float:
    """Make the calls and wait for their end; the CPU seconds it took."""
    program = bring_sipp()
    if program is None:
        raise RuntimeError("the load benchmark needs sipp (Debian's sip-tester), which could not be brought")
    (folder / "call.xml").write_text(scenario, encoding="utf-8")
    numbers = "\n".join(f"139{number:08}" for number in range(calls))
    (folder / "callers.csv").write_text(f"SEQUENTIAL\n{numbers}\n", encoding="utf-8")
    told = system.settings
    command = [
        *program.command, f"127.0.0.1:{told.exchange.sip_port}", "-sf", "call.xml", "-inf", "callers.csv",
        "-i", "127.0.0.1", "-p", str(told.trunk.port), "-mp", str(RTP_PORT), "-r", str(rate), "-m", str(calls),
        "-l", str(rate * 10), "-aa", "-nostdin", "-trace_shortmsg", "-timeout", f"{calls // rate + 60}s",
    ]  # fmt: skip
    with (folder / "sipp.out").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **program.environment},
        )  # fmt: skip
        _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # waited for here, for the sake of its CPU time
    return usage.ru_utime + usage.ru_stime


def messages(log: Path) -> tuple[list[float], float]:
    """From SIPp's log: INVITE to its 200 OK of every call that also ended well, and when the last BYE went out."""
    invited: dict[str, float] = {}
    answered: dict[str, float] = {}
    setups = []
    last_bye = 0.0
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            _, _, stamp, _, call_id, sequence, message = line.rstrip("\n").split("\t", 6)
            at = float(stamp)
            if sequence == "CSeq:1 INVITE" and message.startswith("INVITE"):
                invited.setdefault(call_id, at)
            elif sequence == "CSeq:1 INVITE" and message.startswith("SIP/2.0 200"):
                answered.setdefault(call_id, at)
            elif sequence == "CSeq:2 BYE" and message.startswith("BYE"):
                last_bye = max(last_bye, at)
            elif sequence == "CSeq:2 BYE" and message.startswith("SIP/2.0 200") and call_id in answered:
                setups.append(answered.pop(call_id) - invited[call_id])
    return setups, last_bye


def _ended(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Arrival).where(Arrival.state == "ended")) or 0
