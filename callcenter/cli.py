"""`callcenter`: everything one does from the command line. `--help` everywhere.

Exit codes: 0 done, 1 it could not be done, 2 the settings or the command are wrong.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from callcenter import state_commands, user_commands
from callcenter.exchange import commands as exchange_commands
from callcenter.files import commands as file_commands
from callcenter.files import export_commands
from callcenter.flows import commands as flow_commands
from callcenter.settings import SettingsError, load_settings
from callcenter.town import commands as town_commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="callcenter", description="A community call centre and one-touch emergency system."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings, instead of ./callcenter.toml")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="where all state is kept, instead of ./var")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    up = commands.add_parser("up", help="run everything here: exchange, demo district, pages")
    up.add_argument("--no-demo", action="store_true", help="without the demo district and its telephone network")
    up.set_defaults(run=_up)
    serve = commands.add_parser("serve", help="run the application alone, beside an exchange that runs already")
    serve.set_defaults(run=_serve)
    exchange_commands.register(commands)
    file_commands.register(commands)
    export_commands.register(commands)
    flow_commands.register(commands)
    state_commands.register(commands)
    town_commands.register(commands)
    user_commands.register(commands)
    chosen = parser.parse_args(arguments)
    os.umask(0o077)  # database, journal, logs: who called, who lives alone and how to get in is nobody else's business
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return int(chosen.run(chosen))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 1


def _serve(chosen: argparse.Namespace) -> int:
    from callcenter.serve import serve  # the web server is heavy; other commands do not need it

    return serve(load_settings(chosen.config, chosen.home))


def _up(chosen: argparse.Namespace) -> int:
    from callcenter.up import up  # as above

    return up(load_settings(chosen.config, chosen.home), demo=not chosen.no_demo, config=chosen.config)


if __name__ == "__main__":
    sys.exit(main())
