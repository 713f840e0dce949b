"""Emergencies (紧急求助): raised by a press, taken by one person, graded, handled, closed with an outcome.

Presses of one household join its one open alarm; where the household is unknown, the line stands for it. Who is rung
when is `dispatch.ladder`; calling back a line that was cut is `dispatch.ring_backs`.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch import limits, states, tickets
from dispatch.cards import tries
from dispatch.errors import AlarmNotConfirmed, BadInput, TicketNotOpen, missing
from dispatch.queries import AlarmView
from dispatch.tables import Arrival, ArrivalTicket, RingBack, Ticket
from dispatch.tickets import Watch
from foundation import deadlines, outbox
from foundation.tables import Base
from foundation.text import clean, one_line
from foundation.writer import Work
from residents import queries as residents
from residents.tables import Device, HomeMember, Person

GRADES = {
    "accidental": "误触",
    "ordinary": "咨询求助",
    "concern": "关注",
    "urgent": "紧急",
    "critical": "危急",
}
OUTCOMES = {
    "served_on_phone": "电话中解决",
    "helped_at_door": "上门处理完毕",
    "handed_to_120": "移交 120",
    "handed_to_110": "移交 110",
    "handed_to_119": "移交 119",
    "no_need": "无需处置",
    "test": "测试",
    "accidental": "误触",
}
NEEDS_CONFIRMATION = frozenset({"accidental", "test", "no_need"})
"""Outcomes that say nothing was wrong: somebody who was heard or seen must have said so. A silent line is danger."""
_TICKETS = Base.metadata.tables[Ticket.__tablename__]
_ARRIVALS = Base.metadata.tables[Arrival.__tablename__]
_OPEN_ALARM = (
    select(_TICKETS.c.id)
    .where(_TICKETS.c.household == bindparam("household"))
    .where(text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"))
    .with_for_update()
)
"""In the very words of the index `uq_tickets_open_alarm`: with bound values SQLite would not use it."""
_STORE = {
    name: dialect.insert(_TICKETS).on_conflict_do_nothing().returning(_TICKETS.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
"""Gives no id where the household has an open alarm already."""
_DISPOSE = (
    update(_ARRIVALS)
    .where(_ARRIVALS.c.id == bindparam("arrival"))
    .values(
        disposition=bindparam("disposition"), disposition_reason=bindparam("reason"), disposed_at=bindparam("at"),
        disposed_by="system", next_deadline_at=None,
    )
)  # fmt: skip
_CLAIM = (
    update(_TICKETS)
    .where(_TICKETS.c.id == bindparam("ticket"), _TICKETS.c.kind == "emergency", _TICKETS.c.state == "raised")
    .where(_TICKETS.c.taken_by.is_(None))
    .values(taken_by=bindparam("by"), taken_at=bindparam("at"))
)
_WAITING_CALLS = (
    select(Arrival.external_id, Arrival.channel)
    .join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    .where(ArrivalTicket.ticket_id == bindparam("ticket"), Arrival.source == "call", Arrival.state == "live")
    .where(Arrival.taken_by.is_(None))
    .order_by(Arrival.id)
)
_WAITING_RING_BACKS = (
    select(RingBack.call_id)
    .where(RingBack.ticket_id == bindparam("ticket"), RingBack.state == "live", RingBack.taken_by.is_(None))
    .order_by(RingBack.id)
)
CONFIRMATIONS = {"voice": "通话确认", "door": "上门确认"}


def raise_alarm(w: Work, arrival: Arrival, *, new: bool = False) -> int:
    """Join the household's open alarm, or open one; link the arrival to it. The arrival must be stored already.

    `new`: it was stored in this very transaction, so nothing can be tied to it yet, and nothing is looked for.
    `arrival` is only read. Few statements, and none made anew: a person waits at the end of this. Returns the alarm's
    ticket id.
    """
    home_id = arrival.home_id or _home_of_line(w.session, arrival)
    key = _household(arrival, home_id)
    w.session.flush()
    ticket_id = w.connection.scalar(_OPEN_ALARM, {"household": key})
    opened = None
    if ticket_id is None:
        opened = _open(w, arrival, home_id, key)
        ticket_id = opened.ticket.id if opened else w.connection.scalar(_OPEN_ALARM, {"household": key})
        if ticket_id is None:
            raise RuntimeError(f"no alarm of {key} could be opened, and none is open")
    how = "opened" if opened else "joined"
    ticket = opened.ticket if opened else tickets.locked(w.session, ticket_id)
    w.connection.execute(
        _DISPOSE, {"arrival": arrival.id, "disposition": "ticket", "reason": f"{how} {ticket.number}", "at": w.now}
    )
    if not new:
        # A call first taken for another matter may turn out to be a press: the alarm is then its ticket.
        w.session.execute(delete(ArrivalTicket).where(ArrivalTicket.arrival_id == arrival.id))
        deadlines.withdraw_all(w.session, w.now, subject=f"arrival:{arrival.id}")
    tickets.attach(w, arrival.id, ticket_id, how)
    if opened:
        w.log("alarm.raised", ticket_id=ticket_id, arrival_id=arrival.id, household=key, siren="on", seen=opened)
    else:
        w.log("alarm.pressed_again", ticket_id=ticket_id, arrival_id=arrival.id, state=ticket.state)
        if ticket.state != "raised":
            watch_waiting_call(w, ticket, arrival.external_id)
    return ticket_id


def take(w: Work, ticket_id: int, by: str) -> bool:
    """`by` (a person key or `user:<login>`) takes the alarm. True: it is theirs; False: another was first.

    One conditional UPDATE decides. The ladder stops: its deadlines end and its queued calls and texts are withdrawn.
    """
    by = one_line(by, 40)
    won = _claim(w, ticket_id, by)
    ticket = tickets.locked(w.session, ticket_id)
    if ticket.kind != "emergency":
        raise BadInput("该工单不是警情", f"ticket {ticket.number} is no alarm")
    if not won:
        if ticket.state == "closed" and ticket.taken_by is None:
            raise TicketNotOpen(f"警情 {ticket.number} 已办结", f"alarm {ticket.number} is closed")
        if ticket.taken_by != by:
            w.log("alarm.take_refused", ticket_id=ticket_id, by=by, holder=ticket.taken_by)
        return ticket.taken_by == by
    tickets.change_state(w, ticket, "taken", by, Watch.within("alarm.grade", limits.TAKEN, w.now, urgent=True))
    outbox.withdraw(w.session, f"taken by {by}", ticket_id=ticket_id, kinds=("leg", "sos"))
    w.log("alarm.taken", ticket_id=ticket_id, by=by, siren="off")
    for call in waiting_calls(w.session, ticket_id):
        watch_waiting_call(w, ticket, call[0])
    return True


def hand_back(w: Work, ticket_id: int, call_id: str, who: str) -> None:
    """`who` took the alarm by telephone and was lost within moments: it is nobody's again, and the ladder begins anew.

    Where somebody else holds it, or it is in hand already, only this call of it waits again.
    """
    ticket = tickets.locked(w.session, ticket_id)
    if not states.is_open(ticket.state) or ticket.state == "raised":
        return
    if ticket.state == "taken" and ticket.taken_by == one_line(who, 40):
        ticket.taken_by = ticket.taken_at = None
        tickets.change_state(w, ticket, "raised", "desk", *_ladder(w))
        w.log("alarm.handed_back", ticket_id=ticket_id, by=who, siren="on")
    else:
        watch_waiting_call(w, ticket, call_id)


def confirm(w: Work, ticket_id: int, how: str) -> None:
    """Somebody heard the person (`voice`) or saw them at the door (`door`)."""
    if how not in CONFIRMATIONS:
        raise BadInput("确认方式只有通话或上门", "an alarm is confirmed by voice or at the door")
    ticket = _alarm(w.session, ticket_id)
    ticket.confirmed_by = how
    w.session.flush()
    w.log("alarm.confirmed", ticket_id=ticket_id, how=how)


def grade(w: Work, ticket_id: int, value: str) -> None:
    """Say how serious it is; a taken alarm is then being handled, and looked at every quarter of an hour."""
    if value not in GRADES:
        raise BadInput("没有这个级别", f"a grade is one of {', '.join(GRADES)}")
    ticket = _alarm(w.session, ticket_id)
    ticket.alarm_grade = value
    if ticket.state != "handling":
        watch = Watch.within("alarm.handling", limits.HANDLING, w.now)
        tickets.change_state(w, ticket, "handling", ticket.owner, watch)
        for call in waiting_calls(w.session, ticket_id):
            watch_waiting_call(w, ticket, call[0])
    w.log("alarm.graded", ticket_id=ticket_id, grade=value)


def close(w: Work, ticket_id: int, outcome: str, note: str) -> None:
    """End the alarm with an outcome code and a note; no call is made for it afterwards.

    Raises `AlarmNotConfirmed` for an outcome that says nothing was wrong while nobody was heard or seen.
    """
    ticket = _alarm(w.session, ticket_id)
    note = clean(note, tickets.MOST_NOTE)
    if outcome not in OUTCOMES or not note:
        raise BadInput("办结需要结果代码和说明", f"closing needs a note and an outcome of {', '.join(OUTCOMES)}")
    if outcome in NEEDS_CONFIRMATION and ticket.confirmed_by is None:
        raise AlarmNotConfirmed(
            "须先通话或上门确认本人平安，才能按误触、测试或无需处置办结",
            f"alarm {ticket.number} needs a voice or somebody at the door before it can close as {outcome}",
        )
    ticket.note = note
    w.session.execute(
        update(RingBack)
        .where(RingBack.ticket_id == ticket_id, RingBack.state == "wanted")
        .values(state="cancelled", ended_at=w.now)
        .execution_options(synchronize_session="fetch")
    )
    tickets.finish(w, ticket, outcome)
    w.log("alarm.closed", ticket_id=ticket_id, outcome=outcome, siren="off")


def waiting_calls(session: Session, ticket_id: int) -> list[tuple[str, str]]:
    """The alarm's calls that are up and that nobody has taken: call id and channel name, the oldest first."""
    session.flush()
    connection = session.connection()
    found = [(call_id, channel) for call_id, channel in connection.execute(_WAITING_CALLS, {"ticket": ticket_id})]
    made = connection.scalars(_WAITING_RING_BACKS, {"ticket": ticket_id})
    # A channel answers to its id as well as to its name, and of a call we made only the id is ours to know.
    return found + [(call_id, call_id) for call_id in made]


def watch_waiting_call(w: Work, ticket: Ticket, call_id: str) -> None:
    """The alarm is in hand, but this further call of it waits: ring the duty phones when it waits for long."""
    due = w.now + limits.DUTY.length
    reason = "警情已接，来电仍在等待 / the alarm is taken, its call still waits"
    tickets.set_watches(w, ticket, Watch("alarm.waiting_call", due, reason, True, f"call:{call_id}"[:60]))


def _claim(w: Work, ticket_id: int, by: str) -> bool:
    w.session.flush()
    return w.connection.execute(_CLAIM, {"ticket": ticket_id, "by": by, "at": w.now}).rowcount == 1


def _alarm(session: Session, ticket_id: int) -> Ticket:
    ticket = tickets.open_one(session, ticket_id)
    if ticket.kind != "emergency":
        raise missing("警情", "alarm", ticket_id)
    return ticket


def _open(w: Work, arrival: Arrival, home_id: int | None, key: str) -> AlarmView | None:
    """Store a new alarm; it as its card shows it, or None when another command has just opened one of this household.

    The view's ticket is a copy of the row that no session knows.
    """
    household = residents.household(w.connection, home_id) if home_id is not None else None
    people = household.people if household else ()
    ladder = _ladder(w)
    row = tickets.new_row(
        w, "emergency", "raised", "desk", *ladder,
        urgency="extra_urgent", summary="一键通求助", caller=arrival.caller, caller_name=arrival.caller_name,
        home_id=home_id, person_id=people[0].id if len(people) == 1 else None, device_code=arrival.device_code,
        arrival_id=arrival.id, community=household.division_code[:12] if household else "",
        district=household.division_code[:6] if household else "", address=household.address if household else "",
        household=key, policy={"seats_s": 10, "duty_s": 20, "contacts_s": 40, "again_s": 40},
    )  # fmt: skip
    ticket_id = w.connection.scalar(_STORE[w.connection.dialect.name], row)
    if ticket_id is None:
        return None
    ticket = Ticket(id=ticket_id, **row)
    tickets.begin(w, ticket, *ladder)
    first = min(ladder, key=lambda watch: watch.due_at)
    return AlarmView(ticket, household, arrival.state == "live", 1, first.due_at, first.reason, tries([arrival]))


def _ladder(w: Work) -> list[Watch]:
    """The rungs of an alarm that nobody has taken; what each does is `dispatch.ladder`."""
    rungs = {"alarm.seats": limits.NEXT_SEAT, "alarm.duty": limits.DUTY, "alarm.contacts": limits.CONTACTS}
    return [Watch.within(kind, limit, w.now, urgent=True) for kind, limit in rungs.items()]


def _household(arrival: Arrival, home_id: int | None) -> str:
    if home_id is not None:
        return f"home:{home_id}"
    if arrival.caller:
        return f"line:{arrival.caller}"
    return f"call:{arrival.external_id}"[:120]


def _home_of_line(session: Session, arrival: Arrival) -> int | None:
    """The home of the device or, where exactly one person has this telephone, of that person."""
    if arrival.device_code:
        home_id = session.scalar(select(Device.home_id).where(Device.code == arrival.device_code))
        if home_id is not None:
            return home_id
    if not arrival.caller:
        return None
    by_number = select(Device.home_id).where(Device.number == arrival.caller, Device.status != "retired")
    home_id = session.scalar(by_number)
    if home_id is not None:
        return home_id
    members = select(HomeMember.home_id).join(Person, Person.id == HomeMember.person_id)
    homes = session.scalars(members.where(Person.phone == arrival.caller).distinct().limit(2)).all()
    return homes[0] if len(homes) == 1 else None
