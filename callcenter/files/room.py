"""Imports, in the running application and at the command line: a file is brought, agreed to, and carried out."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
from datetime import datetime

from callcenter.files.carrying_out import CarryingOut
from callcenter.files.checking import Checked, check
from callcenter.files.frame import ImportKind
from callcenter.files.kinds import KINDS
from dispatch import imports
from dispatch.errors import missing
from dispatch.imports import PART
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Invalid
from foundation.numbers import NumberPlan
from foundation.scope import EVERYWHERE, Scope
from foundation.writer import Priority, Writer

log = logging.getLogger(__name__)


class ImportRoom:
    """Takes files in. `look` belongs among the chores of the clock, `stop` before the writer is closed."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, plan: NumberPlan) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._plan = plan
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        worker = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._carrying = CarryingOut(database, writer, clock, plan, worker)

    def check(self, kind: ImportKind, content: bytes, scope: Scope = EVERYWHERE) -> Checked:
        """Look at a file; nothing is written."""
        return check(kind, content, self._database, self._clock.now(), self._plan, scope)

    def bring(self, found: Checked, file_name: str, content: bytes, actor: str, scope: Scope = EVERYWHERE) -> int:
        """Keep a file without fault until a person says yes (`order`); the import's id."""
        if not found.sound or not found.records:
            raise Invalid("文件有错误，不能导入", "the file has faults and is not imported")
        import_id = self._writer.call(
            imports.begin, found.kind.name, file_name, found.sha256, len(content), scope.prefixes, actor=actor
        )
        for number, start in enumerate(range(0, len(content), PART)):
            part = content[start : start + PART]
            self._writer.call(imports.take_part, import_id, number, part, actor=actor, priority=Priority.BULK)
        self._writer.call(imports.received, import_id, len(found.records), actor=actor)
        return import_id

    def order(self, import_id: int, actor: str) -> None:
        """Say yes."""
        self._writer.call(imports.order, import_id, actor=actor)

    def cancel(self, import_id: int, actor: str) -> None:
        """Say no."""
        self._writer.call(imports.cancel, import_id, actor=actor)

    def carry_out(self, import_id: int) -> bool:
        """Carry this import out here and now, if nobody else does; for where no service runs."""
        if not self._carrying.take(import_id):
            return False
        self._carrying.carry_out(import_id, self._stopping.is_set)
        self._carrying.put_away()
        return True

    async def look(self, now: datetime) -> None:
        """Carry out what waits. One look goes on as long as there is work; the next begins after it."""
        if not self._stopping.is_set() and await asyncio.to_thread(self._anything, now):
            await asyncio.to_thread(self._work)

    def stop(self, timeout: float = 5.0) -> None:
        """Let go after the present step; what is left goes on at the next start."""
        self._stopping.set()
        self._idle.wait(timeout)

    def _anything(self, now: datetime) -> bool:
        with self._database.read() as session:
            return imports.anything_to_do(session, now)

    def _work(self) -> None:
        self._idle.clear()
        try:
            while not self._stopping.is_set() and (import_id := self._carrying.take_next()) is not None:
                self._carrying.carry_out(import_id, self._stopping.is_set)
            if not self._stopping.is_set():
                self._carrying.put_away()
        finally:
            self._idle.set()


def kind_of(name: str) -> ImportKind:
    """The kind `name`. Raises `NoSuchThing`."""
    if name not in KINDS:
        raise missing("导入种类", "kind of import", name[:20])
    return KINDS[name]
