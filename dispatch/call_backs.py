"""Calling back (回电) those we did not serve: who asked for it, hung up in the queue, was cut off, or met a closed or
full line. One call for a number, in its turn, never two.

A call back keeps the place its caller had: it is made when nobody who came before him still waits. The call is named
`cb-<call back>-<attempt>`; once the resident answers he goes into the service queue at the place he had. What happens
is told in the arrivals it answers, whose disposition then is what the operator says of the talk.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, case, func, insert, select, update
from sqlalchemy.orm import Session

from dispatch import call_story, messages
from dispatch.limits import LOCAL
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Arrival, CallBack, CallBackArrival
from foundation import deadlines
from foundation.numbers import NumberPlan
from foundation.writer import Work

_TALKS_AT_MOST = 100
"""More operators than that do not talk at once in a centre of this size; older rows are not looked at."""

CALL_ID = re.compile(r"cb-([0-9]{1,12})-([0-9]{1,3})", re.ASCII)

RANK: Mapping[str, int] = MappingProxyType({"chosen": 0, "abandoned": 1, "cut": 1, "full": 2, "closed": 2})
"""Why a call back is owed, and which goes first: a promise before a courtesy. Within a rank the place counts."""

WHY = MappingProxyType(
    {
        "chosen": "来电人要求回电 / the caller asked for it",
        "abandoned": "排队时挂断 / hung up while waiting",
        "cut": "通话中断 / the call was cut",
        "full": "线路忙未接入 / met a full line",
        "closed": "非服务时间来电 / met a closed line",
    }
)

OWED = ("wanted", "calling")
"""The states in which the call is still to be made or to be answered."""

ANSWER_WITHIN = timedelta(seconds=90)
"""From the request to the first word of the journal: 45 s of ringing, and time for the request itself."""

AGAIN_AFTER = (timedelta(minutes=5), timedelta(minutes=30))
"""How long after each unanswered attempt the next one is made; after the last a person sees to it."""

DAY = (time(8), time(21))
"""By local time: outside it only those are called who asked for it or whose call ended within `FRESH`."""

FRESH = timedelta(minutes=15)

_ORDER = (case(dict(RANK), value=CallBack.why), CallBack.place, CallBack.id)


@dataclass(frozen=True)
class Desk:
    """How the service desk stands: seats signed in and on no break, and how many of them have nobody on the line."""

    signed_in: int
    free: int


@dataclass(frozen=True)
class Owed:
    """An arrival that is owed a call back to `number` (E.164), with the place in the queue it had at `place`."""

    arrival_id: int
    number: str
    why: str
    place: datetime


def want(w: Work, owed: Sequence[Owed]) -> None:
    """Call these back in their turn, by few statements for many.

    A number that is owed one already gets no second: its arrivals share it, with the best rank and place of theirs.
    """
    ids = [one.arrival_id for one in owed]
    known = set(w.session.scalars(select(CallBackArrival.arrival_id).where(CallBackArrival.arrival_id.in_(ids))))
    fresh = [one for one in owed if one.arrival_id not in known]
    if not fresh:
        return
    numbers = {one.number for one in fresh}
    open_rows = select(CallBack).where(CallBack.number.in_(numbers), CallBack.state.in_(OWED))
    rows = {row.number: row for row in w.session.scalars(open_rows.with_for_update())}
    for one in fresh:
        row = rows.get(one.number)
        if row is None:
            rows[one.number] = row = CallBack(
                number=one.number, why=one.why, place=one.place, state="wanted", attempts=0, not_before=w.now,
                wanted_at=w.now, steps={},
            )  # fmt: skip
            w.session.add(row)
            continue
        row.place = min(row.place, one.place)
        if RANK[one.why] < RANK[row.why]:
            row.why = one.why
    w.session.flush()
    w.session.execute(
        insert(CallBackArrival),
        [{"arrival_id": one.arrival_id, "call_back_id": rows[one.number].id} for one in fresh],
    )
    for one in fresh:
        w.log("call_back.wanted", arrival_id=one.arrival_id, call_back=rows[one.number].id, why=WHY[one.why])


def anyone_wanted(session: Session, now: datetime) -> bool:
    """Whether a call back could be made now, were the desk free."""
    return session.scalar(select(CallBack.id).where(*_may_be_called(now)).limit(1)) is not None


def make_next(w: Work, desk: Desk, plan: NumberPlan | None = None) -> list[str]:
    """Begin the calls back whose turn it is, as many as the desk can take; their call ids.

    Nobody is called before his place: while someone who came earlier waits in the queue, that one is served first. No
    more are called than seats are free to talk to them; but one at a time while later callers wait, since then no seat
    is ever seen free, and who hung up would never be called.
    """
    under_way = w.session.scalar(select(func.count()).select_from(CallBack).where(CallBack.state == "calling")) or 0
    waits_since = w.session.scalar(
        select(func.min(Arrival.arrived_at)).where(
            Arrival.state == "live", Arrival.queue == "service", Arrival.answered_at.is_(None)
        )
    )
    where = _may_be_called(w.now)
    room = desk.free
    if waits_since is not None:
        where.append(CallBack.place <= waits_since)
        room = max(desk.free, min(desk.signed_in, 1))
    room -= under_way
    if room <= 0:
        return []
    rows = w.session.scalars(select(CallBack).where(*where).order_by(*_ORDER).limit(room).with_for_update()).all()
    return [_begin(w, row, plan or NumberPlan()) for row in rows]


def served_otherwise(w: Work, numbers: Collection[str]) -> None:
    """These residents have called again and talk to us: what we owed them is owed no more, unless it rings already."""
    change = update(CallBack).where(CallBack.number.in_(numbers), CallBack.state == "wanted")
    done = w.session.execute(
        change.values(state="cancelled", ended_at=w.now)
        .returning(CallBack.id)
        .execution_options(synchronize_session="fetch")
    )
    for call_back_id in done.scalars().all():
        _tell(w, call_back_id, "call_back.cancelled", "已自行来电接通 / called again and was answered")


def live_before(session: Session, before: datetime) -> list[str]:
    """Call ids of calls back that have begun, are not over, and whose last step is older than `before`."""
    calling = session.scalars(select(CallBack).where(CallBack.state == "calling")).all()
    return [
        row.call_id
        for row in [*calling, *talking(session)]
        if row.call_id and (of_call := _steps_of(row, row.call_id))
        and max(kept["t"] for kept in of_call) < before.timestamp()
    ]  # fmt: skip


def talking(session: Session) -> list[CallBack]:
    """Calls back in which an operator talks now, among those begun last."""
    connected = select(CallBack).where(CallBack.state == "connected").order_by(CallBack.id.desc()).limit(_TALKS_AT_MOST)
    return [
        row for row in session.scalars(connected)
        if row.call_id and not {kept["s"] for kept in _steps_of(row, row.call_id)} & {"ended", call_story.GONE}
    ]  # fmt: skip


def record(w: Work, call_id: str, new: Mapping[str, call_story.Record]) -> list[int] | None:
    """Merge steps of a call back's journal; None when nobody knows this call, else the arrivals they also belong to."""
    row = w.session.scalar(select(CallBack).where(CallBack.id == _id_of(call_id)).with_for_update())
    if row is None:
        return None
    fresh = {f"{call_id}:{name}": kept for name, kept in new.items() if f"{call_id}:{name}" not in row.steps}
    row.steps = {**row.steps, **fresh}
    of_call = _steps_of(row, call_id)
    kinds = {kept["s"] for kept in of_call}
    if fresh and call_id == row.call_id:
        if row.state == "calling" and "answered" in kinds:
            answered = min((kept for kept in of_call if kept["s"] == "answered"), key=lambda kept: kept["t"])
            row.state, row.answered_by, row.ended_at = "connected", str(answered.get("who", "")), w.now
            deadlines.withdraw_all(w.session, w.now, subject=_subject(row.id))
            w.session.flush()
            _tell(w, row.id, "call_back.connected", WHY[row.why])
        elif row.state == "calling" and kinds & {"ended", call_story.GONE}:
            _not_reached(w, row, "挂断前未接通坐席 / ended before an operator came")
    w.session.flush()
    return arrivals_of(w.session, row.id)


def failed(w: Work, call_id: str, reason: str) -> None:
    """Nobody answered, or the call could not be made: again later, and after the last attempt a person's task."""
    row = w.session.scalar(select(CallBack).where(CallBack.id == _id_of(call_id)).with_for_update())
    if row is not None and row.state == "calling" and row.call_id == call_id and not _steps_of(row, call_id):
        _not_reached(w, row, reason)


def not_answered(w: Work, call_back_id: int) -> None:
    """The deadline of an attempt has passed without a word from the exchange."""
    row = w.session.get(CallBack, call_back_id)
    if row is not None and row.call_id:
        failed(w, row.call_id, "90 秒内无人接听 / not answered within 90 s")


def arrivals_of(session: Session, call_back_id: int) -> list[int]:
    """The arrivals that this call back answers, in the order in which they came."""
    of_it = select(CallBackArrival.arrival_id).where(CallBackArrival.call_back_id == call_back_id)
    return list(session.scalars(of_it.order_by(CallBackArrival.arrival_id)))


def open_ones(session: Session, most: int) -> Sequence[CallBack]:
    """Those still owed, in their order."""
    return session.scalars(select(CallBack).where(CallBack.state.in_(OWED)).order_by(*_ORDER).limit(most)).all()


def _may_be_called(now: datetime) -> list[ColumnElement[bool]]:
    where = [CallBack.state == "wanted", CallBack.not_before <= now]
    local = now.astimezone(LOCAL).time()
    if not DAY[0] <= local < DAY[1]:
        where.append((CallBack.why == "chosen") | (CallBack.wanted_at >= now - FRESH))
    return where


def _begin(w: Work, row: CallBack, plan: NumberPlan) -> str:
    row.attempts += 1
    row.state, row.call_id = "calling", f"cb-{row.id}-{row.attempts}"
    w.session.flush()
    w.send(messages.call_back(call=row.call_id, number=plan.dial(row.number), came=row.place))
    deadlines.put(w.session, "call_back.answered", _subject(row.id), w.now + ANSWER_WITHIN,
                  "回电 90 秒内应有结果 / a call back has its result within 90 s", w.now)  # fmt: skip
    _tell(w, row.id, "call_back.made", f"第 {row.attempts} 次 / attempt {row.attempts}")
    return row.call_id


def _not_reached(w: Work, row: CallBack, reason: str) -> None:
    deadlines.withdraw_all(w.session, w.now, subject=_subject(row.id))
    if row.attempts <= len(AGAIN_AFTER):
        row.state, row.not_before = "wanted", w.now + AGAIN_AFTER[row.attempts - 1]
        w.session.flush()
        _tell(w, row.id, "call_back.not_reached", reason)
        return
    row.state, row.ended_at = "unreached", w.now
    w.session.flush()
    _tell(w, row.id, "call_back.unreached", f"{row.attempts} 次未接通 / not reached in {row.attempts} attempts")
    words = f"回电 {row.attempts} 次未接通，请人工联系 {row.number} / not reached in {row.attempts} calls"
    last = arrivals_of(w.session, row.id)[-1]
    add_tasks(w, "call_back", {row.number: words}, numbers={row.number: row.number}, arrival_ids={row.number: last})


def _tell(w: Work, call_back_id: int, kind: str, why: str) -> None:
    """Each arrival it answers has it in its own story, and in the reason of an end that nobody has decided yet."""
    for arrival_id in arrivals_of(w.session, call_back_id):
        w.log(kind, arrival_id=arrival_id, call_back=call_back_id, why=why)
    if kind in ("call_back.cancelled", "call_back.unreached", "call_back.connected"):
        ended = {"cancelled": "已自行来电 / called again", "unreached": "回电未接通 / call back not reached",
                 "connected": "已回电 / called back"}[kind.partition(".")[2]]  # fmt: skip
        of_it = select(CallBackArrival.arrival_id).where(CallBackArrival.call_back_id == call_back_id)
        w.session.execute(
            update(Arrival)
            .where(Arrival.id.in_(of_it), Arrival.disposed_by == "system",
                   Arrival.disposition.in_(("abandoned", "ended_unknown")))
            .values(disposition_reason=func.substr(Arrival.disposition_reason + "；" + ended, 1, 200))
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def _steps_of(row: CallBack, call_id: str) -> list[call_story.Record]:
    return [kept for name, kept in row.steps.items() if name.startswith(f"{call_id}:")]


def _subject(call_back_id: int) -> str:
    return f"call_back:{call_back_id}"


def _id_of(call_id: str) -> int:
    found = CALL_ID.fullmatch(call_id)
    return int(found.group(1)) if found else 0
