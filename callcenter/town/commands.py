"""``callcenter town start|stop|status|dial|diary``: the demo's telephone network from the command line.

`command_frame` has the exit codes.
"""

import argparse
import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from callcenter.command_frame import DONE, NOT_RUNNING, CommandFrame, say, settings_of
from callcenter.settings import Settings
from callcenter.town.diary import Entry
from callcenter.town.errors import TownError
from callcenter.town.network import Network, NetworkSettings
from foundation.asterisk.errors import AsteriskError
from foundation.asterisk.provision import provision_asterisk

if TYPE_CHECKING:
    from callcenter.command_frame import Subparsers

_FRAME = CommandFrame((TownError, AsteriskError))


def register(subparsers: "Subparsers") -> None:
    """Add ``town`` with its sub-commands; each sets ``run``, which takes the arguments and gives the exit code."""
    parser = subparsers.add_parser("town", help="the demo's telephone network: start, stop, ring somebody")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _FRAME.add(commands, "start", _start, "start the town that 'callcenter up' made in this home")
    _FRAME.add(commands, "stop", _stop, "stop the town, ending its calls")
    _FRAME.add(commands, "status", _status, "say whether the town runs").add_argument("--json", action="store_true")
    dial = _FRAME.add(commands, "dial", _dial, "let a telephone of the town dial, through the running service")
    dial.add_argument("phone", help="the telephone's number")
    dial.add_argument("number", help="what it dials, such as 81890")
    diary = _FRAME.add(commands, "diary", _diary, "show what the town's telephones did last")
    diary.add_argument("--last", type=int, default=40, metavar="LINES")
    diary.add_argument("--json", action="store_true", help="print the lines as they are kept")


def _network(settings: Settings) -> Network:
    home = settings.home / "town"
    return Network(home, provision_asterisk(say=say), NetworkSettings.load(home), stands_back=True)


def _start(arguments: argparse.Namespace) -> int:
    network = _network(settings_of(arguments))
    network.start()
    print(f"The town runs, process {network.process.pid}.")
    return DONE


def _stop(arguments: argparse.Namespace) -> int:
    network = _network(settings_of(arguments))
    was = network.process.pid
    network.stop()
    print("The town has stopped." if was else "The town was not running.")
    return DONE


def _status(arguments: argparse.Namespace) -> int:
    network = _network(settings_of(arguments))
    made, pid = network.settings, network.process.pid
    if arguments.json:
        told = {"running": pid is not None, "pid": pid, "sip_port": made.sip_port, "seats": list(made.seats)}
        print(json.dumps(told | {"trunk": f"{made.trunk.host}:{made.trunk.port}", "home": str(network.home)}))
    elif pid is None:
        print(f"The town of {network.home} does not run.")
    else:
        print(f"The town runs, process {pid}: SIP {made.sip_port}, exchange {made.trunk.host}:{made.trunk.port}.")
    return DONE if pid is not None else NOT_RUNNING


def _dial(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    base = f"http://{settings.http.host}:{settings.http.port}"
    try:
        with httpx.Client(timeout=10.0, trust_env=False) as client:
            path = httpx.URL(base).copy_with(path=f"/town/phones/{arguments.phone}/dial")
            reply = client.post(path, json={"number": arguments.number})
    except httpx.HTTPError as error:
        raise TownError(f"The service does not answer at {base} ({error}): start it with 'callcenter up'.") from error
    if reply.is_error:
        raise TownError(f"{arguments.phone} did not dial: {reply.status_code} {reply.text[:300]}")
    print(f"{arguments.phone} dials {arguments.number}.")
    return DONE


def _diary(arguments: argparse.Namespace) -> int:
    path: Path = settings_of(arguments).home / "town" / "diary.jsonl"
    try:
        with path.open(encoding="utf-8") as file:
            lines = deque(file, max(1, arguments.last))
    except FileNotFoundError:
        raise TownError(f"There is no diary at {path}: the town has not run in this home.") from None
    for line in lines:
        print(line.rstrip("\n") if arguments.json else Entry(**json.loads(line)))
    return DONE
