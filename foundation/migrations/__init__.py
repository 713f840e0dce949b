"""The database's history. `upgrade(url)` brings a database to today's shape; it is run at each start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest version; a new database is made from nothing."""
    command.upgrade(config(url), "head")
