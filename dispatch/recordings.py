"""Recordings (录音): each answered call has one, tied to its arrival, kept for a set time, heard by those who may.

Who listens is written down. A call without its recording is reported to the staff. While a caller says what must not
be kept (a card number, a door code) an operator pauses it; it goes on by itself when that is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch import call_backs, call_story, messages
from dispatch.errors import BadInput, missing
from dispatch.recording_tables import Recording
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Arrival, ArrivalTicket, CallBack, CallBackArrival, RingBack, Ticket
from foundation import deadlines
from foundation.tables import Deadline
from foundation.writer import Work

MISSED_AFTER = timedelta(seconds=60)
"""So long after a call's end its recording may still be on its way to the disk."""

SHORTEST = timedelta(seconds=2)
"""A shorter talk (answered and hung up at once) may be over before there was a sound to record."""

PAUSE = timedelta(minutes=2)
RESUME = "recording.resume"


@dataclass(frozen=True)
class Keep:
    """How long recordings are kept, by the site's settings: of ordinary calls, and of emergencies."""

    ordinary: timedelta
    emergency: timedelta


@dataclass(frozen=True)
class File:
    """What was found on the disk of one call's recording."""

    call_id: str
    seconds: float
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Due:
    """An answered call that has ended and whose recording nobody has looked for yet."""

    call_id: str
    arrival_id: int
    ended_at: datetime


def answered_calls(arrival: Arrival) -> set[str]:
    """The calls of this arrival in which somebody of ours talked: its own, and calls back that belong to it."""
    return set(_talks(arrival.external_id, arrival.steps))


def due(session: Session, since: datetime) -> list[Due]:
    """Calls in which somebody talked, that lasted, ended after `since`, and have no row yet; calls of our own too.

    Not limited: what was too short for a recording never gets a row, and a limit would let it hide the others.
    """
    arrived = select(Arrival.external_id, Arrival.id, Arrival.steps).where(
        Arrival.state == "ended", Arrival.ended_at >= since, Arrival.answered_at.is_not(None),
        ~select(Recording.id).where(Recording.call_id == Arrival.external_id).exists(),
    )  # fmt: skip
    rung_back = select(RingBack.call_id, RingBack.arrival_id, RingBack.steps).where(
        RingBack.state == "ended", RingBack.ended_at >= since, RingBack.taken_by.is_not(None),
        ~select(Recording.id).where(Recording.call_id == RingBack.call_id).exists(),
    )  # fmt: skip
    answers = select(func.max(CallBackArrival.arrival_id)).where(CallBackArrival.call_back_id == CallBack.id)
    called_back = select(CallBack.call_id, answers.scalar_subquery(), CallBack.steps).where(
        CallBack.wanted_at >= since, CallBack.answered_by.is_not(None),
        ~select(Recording.id).where(Recording.call_id == CallBack.call_id).exists(),
    )  # fmt: skip
    return [
        Due(call_id, arrival_id, talk.ended_at)
        for found, row_id in ((arrived, Arrival.id), (rung_back, RingBack.id), (called_back, CallBack.id))
        for own, arrival_id, steps in session.execute(found.order_by(row_id))
        for call_id, talk in _talks(own, steps).items()
        if call_id == own and talk.ended_at is not None and talk.ended_at - talk.began_at >= SHORTEST
    ]


@dataclass(frozen=True)
class _Talk:
    """From the first of ours who answered to the end of the call; None while it has none."""

    began_at: datetime
    ended_at: datetime | None


def _talks(own: str, steps: Mapping[str, Mapping[str, Any]]) -> dict[str, _Talk]:
    """The talks of an arrival whose own call is `own`; steps of other calls are named `<call>:<step>`."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for name, kept in steps.items():
        call_id, _, step = name.rpartition(":")
        call_id = call_id or own
        if kept["s"] in ("answered", "took"):
            began[call_id] = min(kept["t"], began.get(call_id, kept["t"]))
        elif kept["s"] == call_story.GONE or (kept["s"] == "ended" and step.isdigit()):
            ended[call_id] = kept["t"]
    return {
        call_id: _Talk(datetime.fromtimestamp(at, UTC), _instant(ended.get(call_id))) for call_id, at in began.items()
    }


def _instant(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def take_in(w: Work, files: Sequence[File], keep: Keep) -> int:
    """These recordings are on the disk and their calls are over: tie each to its arrival. Returns how many are new."""
    names = [file.call_id for file in files]
    rows = {row.call_id: row for row in w.session.scalars(select(Recording).where(Recording.call_id.in_(names)))}
    new = 0
    for file in files:
        row = rows.get(file.call_id)
        if row is not None and row.state != "missing":
            continue
        arrival = _arrival_of(w.session, file.call_id)
        kept_for = keep.emergency if arrival is not None and arrival.kind == "emergency" else keep.ordinary
        if row is None:
            row = Recording(call_id=file.call_id, recorded_at=w.now)
            w.session.add(row)
        row.arrival_id = arrival.id if arrival is not None else None
        row.state, row.keep_until = "kept", w.now + kept_for
        row.seconds, row.bytes, row.sha256 = file.seconds, file.bytes, file.sha256
        w.session.flush()
        new += 1
        w.log("recording.kept", arrival_id=row.arrival_id, recording=row.id, seconds=round(file.seconds, 1))
    return new


def report_missing(w: Work, calls: Sequence[Due]) -> None:
    """These were answered and have no recording: the staff are told, each once."""
    for call in calls:
        if w.session.scalar(select(Recording.id).where(Recording.call_id == call.call_id)) is not None:
            continue
        w.session.add(Recording(call_id=call.call_id, arrival_id=call.arrival_id, state="missing", recorded_at=w.now))
        w.session.flush()
        words = (
            "这通电话已接通，但没有录音，请检查录音盘 / this call was answered and has no recording: look at the disk"
        )
        subject = f"recording:{call.call_id}"[:160]
        add_tasks(w, "recording_missing", {subject: words}, arrival_ids={subject: call.arrival_id})
        w.log("recording.missing", arrival_id=call.arrival_id, call=call.call_id)


def expired(session: Session, now: datetime, limit: int = 100) -> list[Recording]:
    """Recordings whose time is over and about which no ticket is open."""
    open_ticket = (
        select(ArrivalTicket.arrival_id)
        .join(Ticket, Ticket.id == ArrivalTicket.ticket_id)
        .where(ArrivalTicket.arrival_id == Recording.arrival_id, Ticket.state.not_in(("closed", "archived")))
        .exists()
    )
    over = select(Recording).where(Recording.state == "kept", Recording.keep_until <= now, ~open_ticket)
    return list(session.scalars(over.order_by(Recording.keep_until).limit(limit)))


def of_calls(session: Session, call_ids: Sequence[str]) -> list[Recording]:
    """The rows of these calls."""
    return list(session.scalars(select(Recording).where(Recording.call_id.in_(call_ids)))) if call_ids else []


def deleted_since(session: Session, since: datetime) -> list[Recording]:
    """Those whose files should be gone."""
    return list(session.scalars(select(Recording).where(Recording.state == "deleted", Recording.deleted_at >= since)))


def forget(w: Work, recording_ids: Iterable[int]) -> None:
    """Their files are about to be deleted; from now on nobody can open them."""
    change = update(Recording).where(Recording.id.in_(list(recording_ids)), Recording.state == "kept")
    gone = change.values(state="deleted", deleted_at=w.now).returning(Recording.id, Recording.arrival_id)
    for recording_id, arrival_id in w.session.execute(gone.execution_options(synchronize_session=False)).all():
        w.log("recording.deleted", arrival_id=arrival_id, recording=recording_id)


def open_for(w: Work, recording_id: int) -> str:
    """Somebody who may is about to hear it, which is written down first. Returns the call id its file is named by."""
    row = w.session.get(Recording, recording_id)
    if row is None:
        raise missing("录音", "recording", recording_id)
    if row.state != "kept":
        raise BadInput("这段录音已不在", f"recording {recording_id} is {row.state}")
    ticket_id = w.session.scalar(select(ArrivalTicket.ticket_id).where(ArrivalTicket.arrival_id == row.arrival_id))
    w.log("recording.heard", arrival_id=row.arrival_id, ticket_id=ticket_id, recording=row.id)
    return row.call_id


def pause(w: Work, arrival_id: int, *, paused: bool) -> None:
    """Leave the next words of this arrival's live call out of its recording, or record on."""
    arrival = w.session.get(Arrival, arrival_id, with_for_update=True, populate_existing=True)
    if arrival is None:
        raise missing("来件", "arrival", arrival_id)
    call_id = max(answered_calls(arrival), key=len, default="")
    if not call_id or (arrival.state != "live" and call_id == arrival.external_id):
        raise BadInput("通话已结束，没有正在录的音", f"arrival {arrival_id} has no call that is being recorded")
    subject = _subject(arrival_id)
    if paused:
        reason = "暂停录音最长 2 分钟，到时自动恢复 / a pause lasts 2 min at most, then recording goes on"
        deadlines.put(w.session, RESUME, subject, w.now + PAUSE, reason, w.now)
    else:
        deadlines.withdraw_all(w.session, w.now, subject=subject)
    w.send(messages.recording(call_id, paused=paused, now=w.now))
    w.log(f"recording.{'paused' if paused else 'resumed'}", arrival_id=arrival_id)


def resume_forgotten(w: Work, arrival_id: int) -> None:
    """A pause has lasted long enough; when the call is over, so is the pause."""
    try:
        pause(w, arrival_id, paused=False)
    except BadInput:
        return


def is_paused(session: Session, arrival_id: int) -> bool:
    """Whether this arrival's call is not being recorded just now."""
    where = (Deadline.kind == RESUME, Deadline.subject == _subject(arrival_id), Deadline.state == "open")
    return session.scalar(select(Deadline.id).where(*where)) is not None


def of_arrivals(session: Session, arrival_ids: Sequence[int]) -> list[Recording]:
    """The recordings of these arrivals, in the order in which they were made."""
    if not arrival_ids:
        return []
    rows = select(Recording).where(Recording.arrival_id.in_(arrival_ids))
    return list(session.scalars(rows.order_by(Recording.id)))


def _arrival_of(session: Session, call_id: str) -> Arrival | None:
    if found := call_story.RING_BACK.fullmatch(call_id):
        of_alarm = select(RingBack.arrival_id).where(RingBack.call_id == found[0])
        return session.get(Arrival, session.scalar(of_alarm) or 0)
    if found := call_backs.CALL_ID.fullmatch(call_id):
        last = (
            select(CallBackArrival.arrival_id)
            .join(CallBack, CallBack.id == CallBackArrival.call_back_id)
            .where(CallBack.id == int(found[1]))
            .order_by(CallBackArrival.arrival_id.desc())
        )
        return session.get(Arrival, session.scalar(last.limit(1)) or 0)
    return session.scalar(select(Arrival).where(Arrival.source == "call", Arrival.external_id == call_id))


def _subject(arrival_id: int) -> str:
    return f"recording:{arrival_id}"
