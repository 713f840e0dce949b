"""Sets of flows by the words one uses for them: ``draft``, ``shipped``, a version's number, or a folder of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callcenter.flows.part import WORDS
from callcenter.settings import Settings, SettingsError
from foundation.database import Database
from ivr_flows import queries
from ivr_flows.loading import read_set, sources
from ivr_flows.model import FlowSet
from ivr_flows.prompts import FILE as PROMPTS_FILE
from ivr_flows.prompts import Prompt, prompts

PROMPTS = "prompts"
"""The folder of the home that has the site's own sentences and recordings."""

DRAFT, SHIPPED = "draft", "shipped"


@dataclass(frozen=True)
class Material:
    """Everything a set of flows is made of. ``folder`` has the site's own files, None where it has none."""

    texts: Mapping[str, str | bytes]
    transfers: Mapping[str, str]
    prompts: list[Prompt]
    folder: Path | None = None

    def flow_set(self) -> FlowSet:
        """The flows; raises FlowError."""
        return read_set(self.texts, self.transfers)

    @property
    def words(self) -> dict[str, tuple[str, str]]:
        """What each prompt says, in Chinese and English."""
        return {prompt.name: (prompt.zh, prompt.en) for prompt in self.prompts}

    def place(self, path: str) -> str:
        """Where the file ``path`` lies, for a message."""
        own = self.folder / path if self.folder else None
        return str(own) if own is not None and own.is_file() else path


def material(settings: Settings, named: str = DRAFT) -> Material:
    """The set that ``named`` says. Raises SettingsError when there is none, FlowError when the site's prompts are
    wrong, OSError when a file cannot be read."""
    if named == SHIPPED or named == "0":
        return Material(sources(), settings.transfers, prompts())
    own_prompts = prompts(settings.home / PROMPTS / PROMPTS_FILE)
    if named == DRAFT:
        folder = settings.home / "flows"
        return Material(sources(folder), settings.transfers, own_prompts, folder)
    if named.isascii() and named.isdigit():
        return _published(settings, int(named), own_prompts)
    if Path(named).is_dir():
        return Material(sources(Path(named)), settings.transfers, own_prompts, Path(named))
    raise SettingsError(f"{named!r} names no flows. Allowed: {WORDS}.")


def in_force(settings: Settings) -> str:
    """The number of the version in force; ``shipped`` while nothing has been published."""
    if not _has_database(settings):
        return SHIPPED
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            return str(queries.current_version(session) or SHIPPED)
    finally:
        database.dispose()


def _published(settings: Settings, number: int, own_prompts: list[Prompt]) -> Material:
    database = Database(settings.database_url) if _has_database(settings) else None
    try:
        if database is not None:
            with database.read() as session:
                found = queries.version(session, number)
                if found is not None:
                    return Material(dict(found.sources), dict(found.transfers), own_prompts)
    finally:
        if database is not None:
            database.dispose()
    raise SettingsError(f"There is no version {number} of the flows; 'callcenter flows versions' lists them.")


def _has_database(settings: Settings) -> bool:
    """Whether there can be versions: opening a SQLite file that is not there would make one."""
    return bool(settings.database.url) or (settings.home / "callcenter.sqlite3").is_file()
