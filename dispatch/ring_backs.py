"""Calling back (回拨) a line whose emergency call was cut, or whose caller hung up before anyone took it: once each.

The call is named `rb-<alarm>-<attempt>`; its journal comes in like any other call's and is told in the alarm. It is no
arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from dispatch import alarms, call_story, messages, states, tickets
from dispatch.errors import BadInput
from dispatch.tables import Arrival, RingBack, Ticket
from dispatch.tickets import Watch
from foundation.numbers import NumberPlan
from foundation.writer import Work

CALL_ID = call_story.RING_BACK
TRAILING_STEPS = timedelta(seconds=2)
"""Wait so long before ringing, since a step that says who took the call may still be on its way."""
_WANTED = select(RingBack).where(RingBack.arrival_id == bindparam("arrival"), RingBack.state == "wanted")
ANSWER_WITHIN = timedelta(seconds=60)


def want(w: Work, ticket: Ticket, arrival: Arrival, plan: NumberPlan, why: str) -> str | None:
    """Queue the one ring-back of this cut call; returns its call id, None when there is none to make."""
    if not states.is_open(ticket.state):
        return None
    under_way = select(RingBack.id).where(RingBack.ticket_id == ticket.id).where(
        ((RingBack.arrival_id == arrival.id) & ~RingBack.by_hand)
        | (RingBack.state.in_(("wanted", "live")) & (RingBack.number == arrival.caller))
    )  # fmt: skip
    if w.session.scalar(under_way) is not None:
        return None
    if not plan.parse(arrival.caller).callable_back:
        w.log("ring_back.impossible", ticket_id=ticket.id, arrival_id=arrival.id, caller=arrival.caller, why=why)
        return None
    return _queue(w, ticket, arrival.id, arrival.caller, plan, why, by_hand=False)


def by_hand(w: Work, ticket: Ticket, arrival: Arrival, plan: NumberPlan) -> str:
    """An operator has the line of this ended call rung back, as often as need be; the call id.

    While a ring-back of the alarm is under way, that one's. Raises `BadInput` where the number cannot be rung.
    """
    if not plan.parse(arrival.caller).callable_back:
        raise BadInput("没有可以回拨的号码", f"ticket {ticket.number} has no line that can be rung back")
    busy = select(RingBack.call_id).where(RingBack.ticket_id == ticket.id, RingBack.state.in_(("wanted", "live")))
    if (under_way := w.session.scalar(busy)) is not None:
        return under_way
    return _queue(w, ticket, arrival.id, arrival.caller, plan, f"asked for by {w.actor}", by_hand=True)


def not_needed(w: Work, arrival_id: int, why: str) -> None:
    """Word came that somebody did take the call: a ring-back that has not gone out is cancelled.

    Its message is found untrue before it is sent; the ticket's other ring-backs, of another line, still go out.
    """
    row = w.session.scalar(_WANTED, {"arrival": arrival_id})
    if row is None:
        return
    row.state, row.ended_at = "cancelled", w.now
    w.session.flush()
    w.log("ring_back.cancelled", ticket_id=row.ticket_id, call=row.call_id, why=why)


def failed(w: Work, call_id: str, reason: str) -> None:
    """Nobody answered the ring-back, or it could not be made; the alarm's ladder goes on."""
    change = update(RingBack).where(RingBack.call_id == call_id, RingBack.state == "wanted")
    done = w.session.execute(
        change.values(state="ended", ended_at=w.now).execution_options(synchronize_session="fetch")
    )
    if done.rowcount == 1:  # type: ignore[attr-defined]
        ticket_id = w.session.scalar(select(RingBack.ticket_id).where(RingBack.call_id == call_id))
        w.log("ring_back.unanswered", ticket_id=ticket_id, call=call_id, reason=reason[:200])


def record(w: Work, call_id: str, new: Mapping[str, call_story.Record]) -> bool:
    """Merge steps of a ring-back's journal; False when no alarm knows this call."""
    row = w.session.scalar(select(RingBack).where(RingBack.call_id == call_id).with_for_update())
    if row is None:
        return False
    fresh = {name: kept for name, kept in new.items() if name not in row.steps}
    if not fresh:
        return True
    row.steps = {**row.steps, **fresh}
    story = call_story.fold(row.steps)
    row.taken_by = story.taken_by
    row.state, row.ended_at = ("ended", story.ended_at) if story.ended else ("live", None)
    w.session.flush()
    for name, kept in sorted(fresh.items(), key=lambda item: item[1]["t"]):
        w.log(f"call.{kept['s']}", ticket_id=row.ticket_id, call=call_id, step=name, **step_detail(kept))
    if story.taken_by and any(kept["s"] == "took" for kept in fresh.values()):
        ticket = tickets.locked(w.session, row.ticket_id)
        if states.is_open(ticket.state):
            alarms.take(w, row.ticket_id, story.taken_by)
    elif story.taken_by is None and any(kept["s"] == "released" for kept in fresh.values()):
        alarms.hand_back(w, row.ticket_id, call_id, call_story.released_by(row.steps))
    return True


def live_before(session: Session, before: datetime) -> list[str]:
    """Call ids of ring-backs that are up and whose first step is older than `before` (the exchange's time)."""
    rows = session.execute(select(RingBack.call_id, RingBack.steps).where(RingBack.state == "live"))
    return [call_id for call_id, steps in rows if call_story.fold(steps).arrived_at < before]


def step_detail(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A step's fields as an event tells them."""
    return {name: value for name, value in kept.items() if name not in ("s", "step", "call")}


def _queue(
    w: Work, ticket: Ticket, arrival_id: int, number: str, plan: NumberPlan, why: str, *, by_hand: bool
) -> str:  # fmt: skip
    made = w.session.scalar(select(func.count()).select_from(RingBack).where(RingBack.ticket_id == ticket.id)) or 0
    attempt = made + 1
    call_id = f"rb-{ticket.id}-{attempt}"
    w.session.add(
        RingBack(call_id=call_id, ticket_id=ticket.id, arrival_id=arrival_id, attempt=attempt, number=number,
                 state="wanted", by_hand=by_hand, wanted_at=w.now, steps={})
    )  # fmt: skip
    w.session.flush()
    start = w.now if by_hand else w.now + TRAILING_STEPS
    message = messages.ring_back(
        ticket.id, call=call_id, number=plan.dial(number), attempt=attempt, not_before=start
    )  # fmt: skip
    w.send(message)
    reason = "回拨 60 秒内应有人接听 / the ring-back is answered within 60 s"
    watch = Watch("alarm.ring_back", w.now + ANSWER_WITHIN, reason, True, f"call:{call_id}")
    tickets.set_watches(w, ticket, watch)
    w.log("ring_back.wanted", ticket_id=ticket.id, arrival_id=arrival_id, call=call_id, why=why)
    return call_id
