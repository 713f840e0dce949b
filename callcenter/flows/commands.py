"""``callcenter flows …``: one file of this folder is one sub-command, or a few that belong together.

Exit codes: 0 done, 1 it could not be done (or errors were found), 2 the settings or the command are wrong.
"""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from callcenter.flows import check, draw, publish, simulate, voice
from callcenter.flows.part import FAILED, WRONG, Add, Run
from callcenter.settings import SettingsError
from ivr_flows.model import FlowError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

PARTS: tuple[Callable[[Add], None], ...] = (
    check.register,
    simulate.register,
    draw.register,
    voice.register,
    publish.register,
)
"""``register(add)`` of each file."""


def register(subparsers: "Subparsers") -> None:
    """Add ``flows`` with its sub-commands; each sets ``run``, which takes the arguments and gives the exit code."""
    parser = subparsers.add_parser("flows", help="what the telephone says and asks: check, try, draw, compare, publish")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Run, told: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=told, description=told[0].upper() + told[1:] + ".")
        command.set_defaults(run=lambda arguments: _run(run, arguments))
        return command

    for register_part in PARTS:
        register_part(add)


def _run(run: Run, arguments: argparse.Namespace) -> int:
    try:
        return run(arguments)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return WRONG
    except FlowError as error:
        print(error, file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror}", file=sys.stderr)
        return FAILED
