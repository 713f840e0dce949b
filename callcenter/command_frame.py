"""What the command-line commands of every room have in common: how one is added, run, and what its exit code means.

Exit codes: 0 done (status: running), 1 it could not be done, 2 the settings or the command are wrong, 3 (status) not
running.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callcenter.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, FAILED, WRONG, NOT_RUNNING = 0, 1, 2, 3


@dataclass(frozen=True)
class CommandFrame:
    """Adds commands whose `failures` are told in their own words, without a traceback, and end with `FAILED`."""

    failures: tuple[type[Exception], ...]

    def add(
        self, commands: "Subparsers", name: str, run: Callable[[argparse.Namespace], int], told: str
    ) -> argparse.ArgumentParser:
        """Add the command `name`: `run` takes the arguments and gives the exit code, `told` is its line in the help."""
        parser = commands.add_parser(name, help=told, description=told[0].upper() + told[1:] + ".")
        parser.set_defaults(run=lambda arguments: self._run(run, arguments))
        return parser

    def _run(self, run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except SettingsError as error:
            print(error, file=sys.stderr)
            return WRONG
        except self.failures as error:
            print(error, file=sys.stderr)
            return FAILED
        except OSError as error:
            print(f"{error.filename or 'The system'}: {error.strerror}", file=sys.stderr)
            return FAILED


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings that `--config` and `--home` name. Raises SettingsError."""
    return load_settings(getattr(arguments, "config", None), getattr(arguments, "home", None))


def say(text: str) -> None:
    """Progress goes beside the result, so that a script can read the result alone. Nobody needs to read it."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
