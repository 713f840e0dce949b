"""What the commands on files stand on: the site's database with a writer of their own, and who is at the keyboard."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from callcenter.command_frame import settings_of

if TYPE_CHECKING:
    from callcenter.settings import Settings
    from foundation.clock import Clock
    from foundation.database import Database
    from foundation.writer import Writer


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[tuple[Settings, Database, Writer, Clock]]:
    """The database, brought up to date, with a writer of this command's own."""
    import ivr_flows.tables  # noqa: F401
    from foundation import migrations
    from foundation.clock import SystemClock
    from foundation.database import Database
    from foundation.writer import Writer

    settings = settings_of(arguments)
    settings.home.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    database = Database(settings.database_url)
    clock = SystemClock()
    writer = Writer(database, clock)
    try:
        yield settings, database, writer, clock
    finally:
        writer.close()
        database.dispose()


def actor() -> str:
    """Who is at the keyboard of this machine."""
    try:
        return f"cli:{getpass.getuser()}"[:60]
    except (KeyError, OSError):
        return "cli"
