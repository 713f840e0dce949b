"""Flows of a test on a real exchange: published as a version of their own, and what the exchange says it did."""

import itertools
from pathlib import Path
from urllib.parse import parse_qsl

from callcenter.town.lines import Line
from foundation.asterisk.render import write_whole
from ivr_flows.compiler import CompileOptions, compile_flows
from ivr_flows.loading import read_set
from ivr_flows.model import FlowSet
from tests.exchange.ladder_room import Room
from tests.waiting import wait_until

_VERSIONS = itertools.count(1)
_CALLS = itertools.count(1)


def flow_set(*texts: str, transfers: dict[str, str] | None = None, calendars: str = "") -> FlowSet:
    """Flows written out in a test, each beginning with ``flow: name``."""
    named = {f"{text.split(':', 2)[1].split()[0]}.yaml": text for text in texts}
    return read_set({**named, **({"calendars.yaml": calendars} if calendars else {})}, transfers or {})


def publish(room: Room, flows: FlowSet, options: CompileOptions | None = None, *, current: bool = True) -> int:
    """Let new calls begin in these flows; gives their version. `room.put("flows", {"current": "0"})` takes it back."""
    version = next(_VERSIONS)
    write_whole(folder(room) / f"{version}.conf", compile_flows(flows, version, options))
    room.exchange.ask("dialplan reload")
    contexts = [f"flow-{version}-{flow}" for flow in flows.flows]
    for context in contexts:
        wait_until(lambda c=context: "START" in room.exchange.ask(f"dialplan show {c}"), 10, f"{context} is loaded")
    if current:
        room.put("flows", {"current": str(version)})
    return version


def folder(room: Room) -> Path:
    """Where the exchange reads versions from."""
    made = room.exchange.process.directories.etc / "flows"
    made.mkdir(exist_ok=True)
    return made


def rings_out(room: Room, flow: str, number: str, variables: dict[str, str] | None = None) -> str:
    """The application calls this number with a flow; gives the call's id."""
    call = f"out-test-{next(_CALLS)}"
    given = {"OUT_CALL": call, "OUT_FLOW": flow, "OUT_NUMBER": number, "OUT_SUBJECT": "7", **(variables or {})}
    room.manager.does(
        room.manager.actions._originate(
            ChannelId=call,
            Channel=f"PJSIP/{number}@trunk",
            Context="outbound",
            CallerID="81890",
            Timeout="30000",
            Variable=[f"{name}={value}" for name, value in given.items()],
        )
    )
    return call


def steps(room: Room, call: str) -> list[tuple[str, dict[str, str]]]:
    """The journal of one call on its own channel, without the times. Reads that call's files only."""
    found = []
    for path in sorted(room.journal.glob(f"{call}~[0-9]*")):
        record = dict(parse_qsl(path.read_text().strip(), keep_blank_values=True))
        if record:
            found.append((record.pop("s"), {k: v for k, v in record.items() if k != "t"}))
    return found


def trail_folder(room: Room) -> Path:
    """Where a trial's calls write which steps they went through."""
    made = room.journal.parent / "trail"
    made.mkdir(exist_ok=True)
    return made


def lines_of(path: Path) -> list[str]:
    """The whole lines of a file that is being written; none of one that is not there yet."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]


def call_of(room: Room, line: Line) -> str:
    """The call id of a line that has dialled."""
    return room.step(line, s="arrived").call
