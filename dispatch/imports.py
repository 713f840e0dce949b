"""The course of an import: its file comes in parts, a person says yes, a worker carries it out, and it ends.

An import is told apart from all others by its kind and the SHA-256 of its file. Every command here is short: the file
comes in parts of `PART` bytes, and its records go in by `advance`, a few milliseconds' worth at a time, moving the
position in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from dispatch.errors import BadInput, missing
from dispatch.import_tables import UNDER_WAY, FileImport, ImportPart
from foundation.errors import Conflict
from foundation.text import one_line
from foundation.writer import Work

PART = 256 * 1024
LEASE = timedelta(seconds=20)
"""So long a worker may be silent before another goes on with its import."""
FORGOTTEN = timedelta(days=1)
"""A file that nobody said yes to is put away after so long."""
KEPT_FAULTS = 200
PARTS_AT_ONCE = 8
"""Parts put away by one command."""


class ImportTaken(Conflict):
    """The same file is under way already, or another worker carries this import out now."""

    error_id = "import_taken"


@dataclass
class Progress:
    """What became of the records that one command dealt with."""

    added: int = 0
    changed: int = 0
    same: int = 0
    faults: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def records(self) -> int:
        return self.added + self.changed + self.same + len(self.faults)


def begin(w: Work, kind: str, file_name: str, sha256: str, size: int, scope: Sequence[str]) -> int:
    """A file is coming; returns the import's id. `scope` is how far the person who brings it may write."""
    row = FileImport(
        kind=kind, file_name=one_line(file_name, 120), sha256=sha256, bytes=size, scope=list(scope), state="receiving",
        asked_by=w.actor, asked_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    return row.id


def take_part(w: Work, import_id: int, number: int, content: bytes) -> None:
    """Keep a part of the file; the first is number 0."""
    if len(content) > PART or locked(w.session, import_id).state != "receiving":
        raise BadInput("文件内容未按顺序到达，请重新上传", f"import {import_id} takes no part {number}; begin again")
    w.session.add(ImportPart(import_id=import_id, number=number, content=content))


def received(w: Work, import_id: int, records: int) -> None:
    """The file is whole and without fault, and has so many records: it waits for a person's yes."""
    row = locked(w.session, import_id)
    row.state, row.records = "checked", records
    w.log("import.checked", import_id=row.id, what=row.kind, file=row.file_name, records=records)


def order(w: Work, import_id: int) -> None:
    """The person says yes. Raises `ImportTaken` when the same file is being carried out already."""
    row = locked(w.session, import_id)
    if row.state != "checked":
        raise ImportTaken(f"该文件现在不能导入（{row.state}）", f"import {import_id} is {row.state}, not to be ordered")
    other = under_way(w.session, row.kind, row.sha256)
    if other is not None:
        raise ImportTaken(f"同一个文件正在导入（{other.id}）", f"the same file is being imported already ({other.id})")
    row.state = "waiting"
    w.session.flush()
    w.log("import.ordered", import_id=row.id, what=row.kind, file=row.file_name, records=row.records)


def claim(w: Work, worker: str) -> int | None:
    """Take the oldest import that waits, or whose worker has died; its id, or None."""
    found = w.session.scalar(
        select(FileImport.id).where(_free(w.now)).order_by(FileImport.id).limit(1).with_for_update(skip_locked=True)
    )
    return found if found is not None and claim_one(w, found, worker) else None


def claim_one(w: Work, import_id: int, worker: str) -> bool:
    """Take this import, if nobody else carries it out."""
    taken = w.session.execute(
        update(FileImport)
        .where(FileImport.id == import_id, _free(w.now))
        .values(state="working", worker=worker, lease_until=w.now + LEASE)
        .execution_options(synchronize_session="fetch")
    )
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]


def advance(w: Work, import_id: int, worker: str, position: int, done: Progress) -> None:
    """Move the position by what was `done` in this transaction. Raises `ImportTaken` when it is no longer ours to move:
    the caller's transaction is then given up, and nothing is written twice."""
    row = locked(w.session, import_id)
    if row.state != "working" or row.worker != worker or row.position != position:
        raise ImportTaken(
            f"导入 {import_id} 已由另一个进程继续", f"import {import_id} is carried out by another process now"
        )
    row.position += done.records
    row.added += done.added
    row.changed += done.changed
    row.same += done.same
    row.left_out += len(done.faults)
    row.faults = [*row.faults, *done.faults][:KEPT_FAULTS]
    row.lease_until = w.now + LEASE
    w.session.flush()


def release(w: Work, import_id: int, worker: str) -> None:
    """This worker stops for now; whoever comes next goes on."""
    row = locked(w.session, import_id)
    if row.state == "working" and row.worker == worker:
        row.state, row.worker, row.lease_until = "waiting", None, None


def finish(w: Work, import_id: int, worker: str) -> None:
    """Every record is dealt with."""
    row = locked(w.session, import_id)
    if row.state == "working" and row.worker == worker:
        _end(w, row, "done")


def fail(w: Work, import_id: int, worker: str, problem: str) -> None:
    """It cannot be carried out at all: what is written stays, the rest of the file is not taken."""
    row = locked(w.session, import_id)
    if row.state == "working" and row.worker == worker:
        row.problem = problem[:2000]
        _end(w, row, "failed")


def cancel(w: Work, import_id: int) -> None:
    """Nobody wants it: before a worker has begun. Raises `ImportTaken` afterwards."""
    row = locked(w.session, import_id)
    if row.state not in ("receiving", "checked", "waiting") or row.position:
        raise ImportTaken("已经开始写入，不能取消", f"import {import_id} has begun and cannot be cancelled")
    _end(w, row, "cancelled")


def put_away(w: Work) -> int:
    """Throw away files that nobody said yes to, and the parts of ended imports; how many parts went."""
    old = select(FileImport).where(
        FileImport.state.in_(("receiving", "checked")), FileImport.asked_at < w.now - FORGOTTEN
    )
    for row in w.session.scalars(old.limit(PARTS_AT_ONCE)):
        _end(w, row, "cancelled")
    w.session.flush()
    ended = (
        select(ImportPart.import_id, ImportPart.number)
        .join(FileImport, FileImport.id == ImportPart.import_id)
        .where(FileImport.state.not_in(UNDER_WAY))
        .limit(PARTS_AT_ONCE)
    )
    parts = w.session.execute(ended).all()
    for import_id, number in parts:
        w.session.execute(delete(ImportPart).where(ImportPart.import_id == import_id, ImportPart.number == number))
    return len(parts)


def locked(session: Session, import_id: int) -> FileImport:
    """The import, locked until the commit. Raises `NoSuchThing`."""
    row = session.scalar(
        select(FileImport).where(FileImport.id == import_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise missing("导入", "import", import_id)
    return row


def find(session: Session, import_id: int) -> FileImport | None:
    """One import."""
    return session.get(FileImport, import_id)


def recent(session: Session, most: int = 30) -> list[FileImport]:
    """The last imports, newest first."""
    return list(session.scalars(select(FileImport).order_by(FileImport.id.desc()).limit(most)))


def under_way(session: Session, kind: str, sha256: str) -> FileImport | None:
    """The import of this very file that is ordered and not ended."""
    return session.scalar(
        select(FileImport).where(
            FileImport.kind == kind, FileImport.sha256 == sha256, FileImport.state.in_(("waiting", "working"))
        )
    )


def anything_to_do(session: Session, now: datetime) -> bool:
    """Whether an import waits for a worker, or something is to be put away."""
    if session.scalar(select(FileImport.id).where(_free(now)).limit(1)) is not None:
        return True
    forgotten = FileImport.state.in_(("receiving", "checked")), FileImport.asked_at < now - FORGOTTEN
    if session.scalar(select(FileImport.id).where(*forgotten).limit(1)) is not None:
        return True
    left = select(ImportPart.import_id).join(FileImport, FileImport.id == ImportPart.import_id)
    return session.scalar(left.where(FileImport.state.not_in(UNDER_WAY)).limit(1)) is not None


def content(session: Session, row: FileImport) -> bytes:
    """The file of an import. Raises `BadInput` when it is not what was brought."""
    parts = session.scalars(
        select(ImportPart.content).where(ImportPart.import_id == row.id).order_by(ImportPart.number)
    )
    whole = b"".join(parts)
    if hashlib.sha256(whole).hexdigest() != row.sha256:
        raise BadInput("保存的文件不完整，请重新导入", f"the kept file of import {row.id} is not whole; begin again")
    return whole


def _end(w: Work, row: FileImport, state: str) -> None:
    row.state, row.ended_at, row.worker, row.lease_until = state, w.now, None, None
    w.session.flush()
    w.log(
        f"import.{state}", import_id=row.id, what=row.kind, file=row.file_name, added=row.added, changed=row.changed,
        same=row.same, left_out=row.left_out,
    )  # fmt: skip


def _free(now: datetime) -> Any:
    return or_(FileImport.state == "waiting", (FileImport.state == "working") & (FileImport.lease_until < now))
