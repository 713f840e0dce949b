"""``callcenter exchange render|check|start|stop|status|bundle``; `command_frame` has the exit codes."""

import argparse
import json
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from callcenter.command_frame import DONE, FAILED, NOT_RUNNING, CommandFrame, say, settings_of
from callcenter.exchange.check import CheckReport, check_exchange
from callcenter.exchange.exchange import TEMPLATES, Exchange, ExchangeStatus
from foundation.asterisk.bundle import make_bundle, take_bundle
from foundation.asterisk.errors import AsteriskError

if TYPE_CHECKING:
    from callcenter.command_frame import Subparsers

_FRAME = CommandFrame((AsteriskError,))


def register(subparsers: "Subparsers") -> None:
    """Add ``exchange`` with its sub-commands; each sets ``run``, which takes the arguments and gives the exit code."""
    parser = subparsers.add_parser("exchange", help="the telephone exchange: bring, render, check, start, stop")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    render = _FRAME.add(commands, "render", _render, "write Asterisk's configuration from the settings")
    render.add_argument("--to", type=Path, metavar="FOLDER", help="write it there instead of into the home")

    check = _FRAME.add(
        commands, "check", _check, "load the configuration in a throwaway Asterisk and say what is wrong"
    )
    check.add_argument("--json", action="store_true", help="print problems and warnings as JSON")

    start = _FRAME.add(commands, "start", _start, "start the exchange, bringing Asterisk first where there is none")
    start.add_argument("--watch", action="store_true", help="stay, restart it when it ends, stop it on Ctrl-C")

    _FRAME.add(commands, "stop", _stop, "stop the exchange, ending the calls that are up")

    status = _FRAME.add(commands, "status", _status, "say how the exchange is")
    status.add_argument("--json", action="store_true", help="print it as JSON")

    bundle = commands.add_parser("bundle", help="carry Asterisk and the voice to a machine without a network")
    ways = bundle.add_subparsers(metavar="make|take", required=True)
    for name, run, told in (
        ("make", _bundle_make, "write an archive of the brought packages"),
        ("take", _bundle_take, "unpack such an archive here; take it only from somebody you trust"),
    ):
        _FRAME.add(ways, name, run, told).add_argument("file", type=Path, metavar="FILE")


def _exchange(arguments: argparse.Namespace) -> Exchange:
    return Exchange(settings_of(arguments), say=say)


def _render(arguments: argparse.Namespace) -> int:
    exchange = _exchange(arguments)
    if exchange.settings.exchange.mode == "managed":
        exchange.provision()
    changed = exchange.render(arguments.to)
    for path in changed:
        print(path)
    if not changed:
        say("Nothing has changed.")
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    exchange = _exchange(arguments)
    if exchange.settings.exchange.mode == "existing":
        wrong = exchange.status().ami
        report = CheckReport((wrong,) if wrong else (), ())
    else:
        report = check_exchange(exchange.settings, exchange.provision(), TEMPLATES)
    if arguments.json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        for problem in report.problems:
            print(f"problem: {problem}")
        for warning in report.warnings:
            print(f"warning: {warning}")
        if not report.problems:
            print("The exchange's configuration is fit to run.")
    return FAILED if report.problems else DONE


def _start(arguments: argparse.Namespace) -> int:
    exchange = _exchange(arguments)
    print(f"The exchange {'runs' if exchange.start() else 'ran already'}, process {exchange.pid}.")
    if arguments.watch:
        _watch(exchange)
    return DONE


def _watch(exchange: Exchange) -> None:
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    exchange.watch(stopping)
    exchange.stop()


def _stop(arguments: argparse.Namespace) -> int:
    print("The exchange has ended." if _exchange(arguments).stop() else "The exchange was not running.")
    return DONE


def _status(arguments: argparse.Namespace) -> int:
    status = _exchange(arguments).status()
    print(json.dumps(asdict(status)) if arguments.json else _in_words(status))
    return DONE if status.running else NOT_RUNNING


def _in_words(status: ExchangeStatus) -> str:
    if status.mode == "existing":
        return status.ami or f"The exchange {status.node} lets us in by AMI."
    if not status.running:
        return f"The exchange {status.node} is not running."
    lines = [
        f"The exchange {status.node} runs: Asterisk {status.version}, process {status.pid}, {status.calls} channels."
    ]
    lines += [status.ami] if status.ami else []
    lines += [] if status.configuration_current else ["Its configuration has changed since it was started."]
    return "\n".join(lines)


def _bundle_make(arguments: argparse.Namespace) -> int:
    make_bundle(arguments.file, say=say)
    return DONE


def _bundle_take(arguments: argparse.Namespace) -> int:
    for prefix in take_bundle(arguments.file, say=say):
        print(prefix.root)
    return DONE
