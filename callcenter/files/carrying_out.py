"""Carrying an import out: record after record, a few milliseconds' worth at a time, behind everything more urgent.

Whoever does it (the running service, or the command line where none runs) holds a lease, renewed by each step. The
position moves in the same transaction as the rows, so a process killed at any instruction leaves whole records, and
the next one goes on exactly there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import IntegrityError, OperationalError

from callcenter.files.checking import check
from callcenter.files.frame import Doing, Record
from callcenter.files.kinds import KINDS
from dispatch import imports
from dispatch.import_tables import FileImport
from dispatch.imports import ImportTaken, Progress
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import AppError
from foundation.numbers import NumberPlan
from foundation.scope import Scope
from foundation.writer import Priority, Work, Writer, WriterClosedError

log = logging.getLogger(__name__)

STEP_S = 0.012
"""A step takes no further record after so long: with the last record and the commit it stays under 50 ms."""
MOST_AT_ONCE = 50


class CarryingOut:
    """Carries imports out in the thread that calls it. `worker` tells it apart from every other process."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, plan: NumberPlan, worker: str) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._plan = plan
        self.worker = worker

    def take_next(self) -> int | None:
        """Take the oldest import that waits or whose worker has died; None when there is none."""
        return self._writer.call(imports.claim, self.worker, actor="imports", priority=Priority.BULK)

    def take(self, import_id: int) -> bool:
        """Take this one."""
        return self._writer.call(imports.claim_one, import_id, self.worker, actor="imports", priority=Priority.BULK)

    def carry_out(self, import_id: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Write what is left of an import that was taken; returns early, and lets it go, when `stop` says so."""
        with self._database.read() as session:
            row = imports.find(session, import_id)
            if row is None:
                return
            content = imports.content(session, row)
        kind = KINDS.get(row.kind)
        if kind is None:
            self._fail(row, f"这个版本不认识“{row.kind}” / this version does not know {row.kind!r}")
            return
        # The same bytes give the same records in the same order, whoever reads them: `position` counts these.
        found = check(kind, content, self._database, self._clock.now(), self._plan, Scope(tuple(row.scope)))
        if (row.position == 0 and not found.sound) or row.records != len(found.records):
            told = "; ".join(f"{f.row}: {f.zh} / {f.en}" for f in found.faults[:3])
            self._fail(row, f"检查之后数据已变，请重新检查 / the data have changed since; check again: {told}")
            return
        try:
            self._write_all(row, found.records, stop)
        except ImportTaken:
            log.warning("import %d is carried out by another process now", import_id)
        except (OperationalError, WriterClosedError):
            raise  # the database is away or this process ends: somebody goes on when the lease is over
        except Exception as error:
            log.exception("import %d cannot go on", import_id)
            self._fail(row, f"程序出错，导入中断 / broken off by an error in the program: {type(error).__name__}")

    def put_away(self) -> None:
        """Throw away files that nobody needs any more."""
        while self._writer.call(imports.put_away, actor="imports", priority=Priority.BULK):
            pass

    def _write_all(self, row: FileImport, records: Sequence[Record], stop: Callable[[], bool]) -> None:
        position = row.position
        while position < len(records):
            if stop():
                self._call(imports.release, row)
                return
            batch = records[position : position + MOST_AT_ONCE]
            position += self._writer.call(
                write_some, row.id, self.worker, position, batch, row.kind, self._plan,
                actor=row.asked_by, priority=Priority.BULK,
            )  # fmt: skip
        self._call(imports.finish, row)

    def _fail(self, row: FileImport, problem: str) -> None:
        self._writer.call(imports.fail, row.id, self.worker, problem, actor=row.asked_by, priority=Priority.BULK)

    def _call(self, command: Callable[[Work, int, str], None], row: FileImport) -> None:
        self._writer.call(command, row.id, self.worker, actor=row.asked_by, priority=Priority.BULK)


def write_some(
    w: Work, import_id: int, worker: str, position: int, records: Sequence[Record], kind: str, plan: NumberPlan
) -> int:
    """Write the first of `records`, as many as fit in `STEP_S`, and move the position; how many were dealt with.

    A record that the database does not take any more is left out whole, and told with its row.
    """
    began = time.perf_counter()
    done = Progress()
    for record in records:
        try:
            with w.attempt():
                fate = KINDS[kind].write(w, record, Doing(plan))
                w.session.flush()
        except AppError as error:
            done.faults.append(_fault(record, error.zh, error.en))
        except IntegrityError as error:
            log.warning("record in row %d of import %d clashes: %s", record.row, import_id, error.orig)
            done.faults.append(_fault(record, "与已有数据冲突，请核对后再导入", "clashes with what is stored"))
        else:
            setattr(done, fate, getattr(done, fate) + 1)
        if time.perf_counter() - began > STEP_S:
            break
    imports.advance(w, import_id, worker, position, done)
    return done.records


def _fault(record: Record, zh: str, en: str) -> dict[str, object]:
    return {"row": record.row, "column": "", "value": record.key[:60], "zh": zh, "en": en}
