"""Takes in the recordings that the exchange has made, reports those that are missing, deletes those whose time is over.

The exchange writes `<spool>/<call id>.wav`. What is taken in stands in `<kept>/<year and month>/`, so the spool stays
small. The database is told first and the file moved or deleted after it, and each look sets right what a crash left.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dispatch import recordings
from dispatch.recording_tables import Recording
from dispatch.recordings import Due, File, Keep
from foundation.database import Database
from foundation.writer import Writer

LOOK_EACH = timedelta(seconds=5)
SETTLED = timedelta(seconds=3)
"""So long after the end of its call a file is no longer written to."""

LOOK_BACK = timedelta(days=1)
REPORTED_AT_ONCE = 20
"""So many missing ones in one command, so that it stays short; the next look takes the rest."""

HEADER = 44
BYTES_A_SECOND = 16_000
_NAME = re.compile(r"[-.A-Za-z0-9]{1,100}", re.ASCII)


@dataclass(frozen=True)
class RecordingPlan:
    """Where the exchange writes, where recordings are kept and for how long. `spool` None: not on this machine."""

    spool: Path | None
    kept: Path
    keep: Keep


class Recorder:
    """`look` is to be called often; it does its work each `LOOK_EACH`."""

    def __init__(self, plan: RecordingPlan, database: Database, writer: Writer) -> None:
        self._plan = plan
        self._database = database
        self._writer = writer
        self._next: datetime | None = None

    async def look(self, now: datetime) -> None:
        """Bring disk and database together."""
        if self._plan.spool is None or (self._next is not None and now < self._next):
            return
        self._next = now + LOOK_EACH
        files, missed = await asyncio.to_thread(self._found, now)
        if files:
            await self._writer.run(recordings.take_in, files, self._plan.keep, actor="clock")
        if missed:
            await self._writer.run(recordings.report_missing, missed[:REPORTED_AT_ONCE], actor="clock")
        await asyncio.to_thread(self._put_away)
        over = await asyncio.to_thread(self._over, now)
        if over:
            await self._writer.run(recordings.forget, [row.id for row in over], actor="clock")
            for row in over:
                _paths(self._plan, row)[0].unlink(missing_ok=True)

    def _found(self, now: datetime) -> tuple[list[File], list[Due]]:
        assert self._plan.spool is not None
        with self._database.read() as session:
            due = recordings.due(session, now - LOOK_BACK)
        ended = {one.call_id: one for one in due}
        files = []
        for path in self._plan.spool.glob("*.wav"):
            call_id = path.stem
            written = datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo)
            call = ended.get(call_id)
            # A call of which the journal says nothing more has ended when its file has not grown for a minute.
            rest = SETTLED if call is not None and call.ended_at <= now - SETTLED else recordings.MISSED_AFTER
            if _NAME.fullmatch(call_id) and written <= _wall_clock(now) - rest and path.stat().st_size > HEADER:
                files.append(_file(path))
        late = [one for one in ended.values() if one.ended_at <= now - recordings.MISSED_AFTER]
        return files, [one for one in late if not self._has_sound(one)]

    def _has_sound(self, call: Due) -> bool:
        """Whether there is a file with more than a header in it, though it may be too early to take it in."""
        assert self._plan.spool is not None
        path = self._plan.spool / f"{call.call_id}.wav"
        return bool(_NAME.fullmatch(call.call_id)) and path.exists() and path.stat().st_size > HEADER

    def _put_away(self) -> None:
        assert self._plan.spool is not None
        names = [path.stem for path in self._plan.spool.glob("*.wav")]
        with self._database.read() as session:
            rows = recordings.of_calls(session, names)
        for row in rows:
            kept, spooled = _paths(self._plan, row)
            if row.state == "kept" and spooled is not None and spooled.exists():
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                spooled.replace(kept)

    def _over(self, now: datetime) -> list[Recording]:
        with self._database.read() as session:
            for row in recordings.deleted_since(session, now - LOOK_BACK):
                _paths(self._plan, row)[0].unlink(missing_ok=True)
            return recordings.expired(session, now)


def file_of(plan: RecordingPlan, row: Recording) -> Path | None:
    """Where this recording is now; None when it is not on the disk."""
    return next((path for path in _paths(plan, row) if path is not None and path.is_file()), None)


def _paths(plan: RecordingPlan, row: Recording) -> tuple[Path, Path | None]:
    if not _NAME.fullmatch(row.call_id):
        raise ValueError(f"recording {row.id} has a name that is no call's")
    name = f"{row.call_id}.wav"
    return plan.kept / row.recorded_at.strftime("%Y%m") / name, plan.spool / name if plan.spool else None


def _file(path: Path) -> File:
    """The facts of a finished file. An exchange that died left the lengths in its header empty: they are written."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        head = file.read(HEADER)
        if head[:4] == b"RIFF" and head[36:40] == b"data" and struct.unpack("<I", head[40:44])[0] != size - HEADER:
            file.seek(4)
            file.write(struct.pack("<I", size - 8))
            file.seek(40)
            file.write(struct.pack("<I", size - HEADER))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.stem, (size - HEADER) / BYTES_A_SECOND, size, digest)


def _wall_clock(now: datetime) -> datetime:
    """Files carry the machine's own time, whatever the town's movable clock says."""
    return datetime.now(now.tzinfo)
