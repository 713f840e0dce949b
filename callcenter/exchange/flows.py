"""Published flows on one exchange node: their files, whether the exchange really has them, their calls, their end.

`<etc>/flows/<version>.conf` holds one version. The file ends with a context that names its text, and is believed to be
loaded only when the exchange itself lists every line of it: Asterisk passes over a line that it cannot read, and reads
nothing after a bracket that is not closed, without calling either a failure.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from callcenter.exchange.errors import ExchangeError
from foundation.asterisk.render import write_whole

FAMILY, CURRENT = "flows", "current"
"""The AstDB key that says in which version a new call begins."""

_FILE = re.compile(r"([1-9][0-9]{0,8})\.conf", re.ASCII)
_CONTEXT = re.compile(r"\[([a-z0-9_-]{1,79})\]", re.ASCII)
_LINE = re.compile(r"(?:exten|same) => ")


class FlowsNotLoaded(ExchangeError):
    """The exchange does not have a version as it was compiled; the text says what is missing."""


class Manager(Protocol):
    """What is asked of the exchange; the bridge's actions."""

    async def reload_dialplan(self) -> None:
        """Read the dialplan's files again."""

    async def dialplan_of(self, context: str) -> list[tuple[str, str]]:
        """Extension and data of each priority of a context."""

    async def calls_in_group(self, group: str, category: str) -> int:
        """Channels in a group."""

    async def db_get(self, family: str, key: str) -> str | None:
        """A value of AstDB."""

    async def db_put(self, family: str, key: str, value: str) -> None:
        """Set a value of AstDB."""


def file_text(version: int, dialplan: str, digest: str) -> str:
    """The whole file of a version: what was compiled, and at its end the context that names it."""
    return f"{dialplan.rstrip()}\n\n[{_mark(version)}]\nexten => s,1,NoOp({digest})\n"


class NodeFlows:
    """The versions on one node. `by_hand`: the files are only made here, and a person brings them to the exchange."""

    def __init__(self, folder: Path, manager: Manager, *, by_hand: bool = False) -> None:
        self.folder = folder
        self.by_hand = by_hand
        self._manager = manager

    def write(self, version: int, dialplan: str, digest: str) -> bool:
        """Have the version's file; False when it was there already, the same."""
        path = self._path(version)
        text = file_text(version, dialplan, digest)
        if path.exists() and path.read_text("utf-8", "replace") == text:
            return False
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, text)
        return True

    def versions(self) -> set[int]:
        """The versions whose files are in the folder."""
        if not self.folder.is_dir():
            return set()
        return {int(found[1]) for path in self.folder.iterdir() if (found := _FILE.fullmatch(path.name))}

    def remove(self, version: int) -> None:
        """Take the version's file away; the exchange has it until the next reload."""
        self._path(version).unlink(missing_ok=True)

    async def reload(self) -> None:
        """Let the exchange read the files."""
        await self._manager.reload_dialplan()

    async def has(self, version: int, digest: str) -> bool:
        """Whether the exchange has this version, going by the context that names it; 0 it has always."""
        return version == 0 or await self._manager.dialplan_of(_mark(version)) == [("s", digest)]

    async def check(self, version: int, dialplan: str, digest: str) -> None:
        """Ask the exchange for every context of the version. Raises FlowsNotLoaded naming the first difference."""
        for context, lines in lines_of(dialplan).items():
            found = len(await self._manager.dialplan_of(context))
            if found != lines:
                raise FlowsNotLoaded(
                    f"The exchange read {found} of {lines} lines of the context {context}; "
                    "its log, exchange/log/messages, names the line it stumbled over."
                )
        if not await self.has(version, digest):
            raise FlowsNotLoaded(f"The exchange has no context {_mark(version)} that names this version's text.")

    async def calls(self, versions: Collection[int]) -> dict[int, int]:
        """How many channels began in each version and have not ended."""
        return {version: await self._manager.calls_in_group(f"v{version}", FAMILY) for version in versions}

    async def current(self) -> int:
        """The version in which new calls begin; 0 when nothing sensible is written down."""
        value = await self._manager.db_get(FAMILY, CURRENT)
        return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else 0

    async def begin_in(self, version: int) -> None:
        """Let new calls begin in this version. Read back, for whoever wrote it wants to commit that it is so."""
        await self._manager.db_put(FAMILY, CURRENT, str(version))
        if await self.current() != version:
            raise FlowsNotLoaded(f"The exchange did not keep version {version} as the one that calls begin in.")

    async def settled(self, version: int, dialplan: str, digest: str) -> None:
        """Write, reload, check: the exchange has the version as it was compiled, or FlowsNotLoaded is raised.

        Where a person must bring the file, the exchange is made to look for it once.
        """
        written = await asyncio.to_thread(self.write, version, dialplan, digest)
        if written or not (self.by_hand or await self.has(version, digest)):
            await self.reload()
        await self.check(version, dialplan, digest)

    def told(self, version: int) -> str:
        """What a person must do on the exchange's own machine, in both languages."""
        return (
            f"请把 {self._path(version)} 复制到交换机的 /etc/asterisk/flows/，再运行 asterisk -rx 'dialplan reload' / "
            f"copy {self._path(version)} into /etc/asterisk/flows/ of the exchange, then run "
            "asterisk -rx 'dialplan reload' there"
        )

    def _path(self, version: int) -> Path:
        return self.folder / f"{version}.conf"


def lines_of(dialplan: str) -> Mapping[str, int]:
    """How many priorities each context of a compiled text has."""
    found: Counter[str] = Counter()
    context = ""
    for line in dialplan.splitlines():
        stripped = line.strip()
        if head := _CONTEXT.match(stripped):
            context = head[1]
            found[context] += 0
        elif context and _LINE.match(stripped):
            found[context] += 1
    return found


def _mark(version: int) -> str:
    return f"flow-{version}"
