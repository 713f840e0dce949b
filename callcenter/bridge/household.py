"""What the dialplan must know of homes and duty phones, kept in AstDB equal to the application's own database.

The database decides. Changes are pushed as they are committed; at each resync the whole is compared and repaired.
Neither knows whether the other's last write arrived, so nothing depends on it: a push that fails is followed by a
full compare.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from callcenter.bridge.actions import Actions
from callcenter.bridge.errors import BridgeError

log = logging.getLogger(__name__)

FAMILIES = ("line", "contacts", "contact", "duty")
"""The parts of AstDB that belong to the application; no other key is ever touched here."""
_KEY = re.compile(rf"(?:{'|'.join(FAMILIES)})(?:/[A-Za-z0-9+._-]{{1,60}}){{1,2}}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9+:._-]{1,250}", re.ASCII)
_AT_ONCE = 64
_RETRY = 1.0


@dataclass(frozen=True, slots=True)
class HouseholdData:
    """All that AstDB should hold: `entries` maps `line/87000001` and so on to values; `version` grows with edits."""

    version: int
    entries: Mapping[str, str]


@dataclass(slots=True)
class HouseholdCounters:
    """Figures of the copy in the exchange."""

    version: int = -1
    """Version of the last complete synchronisation; -1 before the first."""
    entries: int = 0
    compares: int = 0
    repaired: int = 0
    """Differences found by a compare; other than after a restart they should be rare."""
    pushed: int = 0
    left_out: int = 0
    """Entries that the dialplan could not read safely, as things stand now; the log names them."""
    failures: int = 0


class Household:
    """Pushes and compares. `desired` is awaited for each full compare and must read the database then."""

    def __init__(
        self,
        actions: Actions,
        desired: Callable[[], Awaitable[HouseholdData]],
        *,
        is_ready: Callable[[], bool],
    ) -> None:
        self.counters = HouseholdCounters()
        self._actions = actions
        self._desired = desired
        self._is_ready = is_ready
        self._left_out: set[str] = set()
        self._pending: dict[str, str | None] = {}
        self._pending_version = -1
        self._full = True
        self._writing = False
        self._wake = asyncio.Event()
        self._agreed_at: float | None = None

    @property
    def agrees(self) -> bool:
        """Nothing is known to be missing in the exchange, and nothing is on its way there."""
        return self._agreed_at is not None and not (self._full or self._pending or self._writing)

    def age(self) -> float | None:
        """Seconds since copy and database were last known to agree; None if never."""
        return None if self._agreed_at is None else asyncio.get_running_loop().time() - self._agreed_at

    def push(self, changes: Mapping[str, str | None], version: int) -> None:
        """Bring committed changes to the exchange soon: key -> new value, or None for a key that is gone."""
        self._pending.update(changes)
        self._pending_version = max(version, self._pending_version)
        self._wake.set()

    def compare_soon(self) -> None:
        """Ask for a full compare: after a resync, or when the caller does not know what has changed."""
        self._full = True
        self._wake.set()

    async def run(self) -> None:
        """Keep the copy equal until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._is_ready() or not (self._full or self._pending):
                continue  # the resync wakes us
            self._writing = True
            try:
                await (self._compare() if self._full else self._push())
            except Exception as error:
                self.counters.failures += 1
                self._full = True
                if not isinstance(error, BridgeError):
                    log.exception("The household data could not be brought to the exchange; it is tried again")
                asyncio.get_running_loop().call_later(_RETRY, self._wake.set)
            else:
                if self._full or self._pending:
                    self._wake.set()
            finally:
                self._writing = False

    async def _push(self) -> None:
        changes, self._pending = self._pending, {}
        version = self._pending_version
        accepted = {key: value for key, value in changes.items() if self._accepts(key, value)}
        await self._write(accepted)
        self.counters.pushed += len(accepted)
        await self._agree(version)

    async def _compare(self) -> None:
        self._full = False
        # What was pushed before now is committed, so the database read below has it.
        self._pending.clear()
        data = await self._desired()
        self._left_out &= data.entries.keys()
        wanted = {key: value for key, value in data.entries.items() if self._accepts(key, value)}
        trees = [await self._actions.db_get_tree(family) for family in FAMILIES]
        present = {key: value for tree in trees for key, value in tree.items()}
        changes: dict[str, str | None] = {k: v for k, v in wanted.items() if present.get(k) != v}
        changes |= dict.fromkeys(present.keys() - wanted.keys())
        self.counters.compares += 1
        if changes:
            self.counters.repaired += len(changes)
            log.info("%d entries of the household data differ in the exchange and are repaired", len(changes))
        await self._write(changes)
        self.counters.entries = len(wanted)
        await self._agree(data.version)

    async def _agree(self, version: int) -> None:
        # Also when we wrote it before: an exchange that died lost its last second, and with it perhaps this key alone.
        await self._actions.db_put("app", "household_version", str(version))
        self.counters.version = version
        self.counters.left_out = len(self._left_out)
        self._agreed_at = asyncio.get_running_loop().time()

    def _accepts(self, key: str, value: str | None) -> bool:
        taken = _KEY.fullmatch(key) is not None and (value is None or _VALUE.fullmatch(value) is not None)
        if taken or value is None:
            self._left_out.discard(key)
        elif key not in self._left_out:
            self._left_out.add(key)
            log.error("An entry of the household data has characters that the dialplan cannot take: key %r", key)
        return taken

    async def _write(self, changes: Mapping[str, str | None]) -> None:
        """Write in an order that never lets the dialplan count on an entry that is not there.

        Telephones first, then their counts, then the lines that lead to them; deletions the other way round.
        """
        puts = {key: value for key, value in changes.items() if value is not None}
        gone = [key for key, value in changes.items() if value is None]
        for rank in (0, 1, 2):
            await self._all(self._put(key, value) for key, value in puts.items() if _rank(key) == rank)
        for rank in (2, 1, 0):
            await self._all(self._del(key) for key in gone if _rank(key) == rank)

    async def _all(self, writes: object) -> None:
        waiting = list(writes)  # type: ignore[call-overload]
        for start in range(0, len(waiting), _AT_ONCE):
            results = await asyncio.gather(*waiting[start : start + _AT_ONCE], return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    for never in waiting[start + _AT_ONCE :]:
                        never.close()
                    raise result

    async def _put(self, key: str, value: str) -> None:
        family, _, rest = key.rpartition("/")
        await self._actions.db_put(family, rest, value)

    async def _del(self, key: str) -> None:
        family, _, rest = key.rpartition("/")
        await self._actions.db_del(family, rest)


def _rank(key: str) -> int:
    if key.startswith("line/"):
        return 2
    return 1 if key.startswith("contacts/") or key == "duty/count" else 0
