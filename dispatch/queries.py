"""The lists: what waits, who is in alarm, which tickets there are, today's figures. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, text, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch import call_backs
from dispatch.cards import ENDED, arrivals_of, count_of, tries
from dispatch.names import Names
from dispatch.sight import ALL, Sight
from dispatch.tables import (
    Arrival,
    ArrivalTicket,
    CallBack,
    Seat,
    StaffTask,
    StaffUser,
    Ticket,
)
from dispatch.ticket_list import IS_OPEN, count_up_to
from foundation.tables import Deadline, Heartbeat
from residents import queries as residents

MOST_CALLS = 30
MOST_DEADLINES = 12
MOST_TASKS = 8
MOST_OPEN = 100_000


@dataclass(frozen=True)
class DeadlineView:
    """An open deadline and what it hangs on."""

    kind: str
    due_at: datetime
    reason: str
    urgent: bool
    ticket: Ticket | None
    arrival: Arrival | None


@dataclass(frozen=True)
class CallView:
    """A call as the waiting list shows it."""

    arrival: Arrival
    ticket: Ticket | None
    caller: str
    address: str
    seat: str

    @property
    def state(self) -> str:
        """`waiting`, `talking`, or `unfinished`: over, but without its disposition."""
        if self.arrival.state == "ended":
            return "unfinished"
        return "talking" if self.arrival.answered_by or self.arrival.taken_by else "waiting"


@dataclass(frozen=True)
class AlarmView:
    """An open alarm: who and where, who took it, what is being tried, and whether a line of it is still open.

    `due_at` and `reason` are those of its next deadline.
    """

    ticket: Ticket
    household: residents.Household | None
    live: bool
    presses: int
    due_at: datetime | None
    reason: str
    tries: tuple[dict[str, Any], ...] = ()

    @property
    def taken(self) -> bool:
        return self.ticket.taken_by is not None


@dataclass(frozen=True)
class Waiting:
    """The right-hand side: what waits, and of how many."""

    alarms: list[AlarmView]
    calls: list[CallView]
    calls_total: int
    deadlines: list[DeadlineView]
    deadlines_total: int
    tasks: list[StaffTask]
    tasks_total: int
    names: Names
    call_backs: list[CallBack] = field(default_factory=list)
    call_backs_total: int = 0


def waiting(session: Session, sight: Sight = ALL) -> Waiting:
    """What waits now and is in sight. Calls, call-backs and alarms of every district wait for whoever takes calls."""
    calls, calls_total = _calls(session) if sight.rights.calls else ([], 0)
    deadlines, deadlines_total = _deadlines(session, sight)
    open_tasks = [StaffTask.done_at.is_(None), *_of_seen(sight, StaffTask.ticket_id)]
    tasks = session.scalars(select(StaffTask).where(*open_tasks).order_by(StaffTask.id).limit(MOST_TASKS))
    owed = sight.rights.calls
    return Waiting(
        alarms(session, sight), calls, calls_total, deadlines, deadlines_total, list(tasks),
        count_of(session, StaffTask, *open_tasks), Names(session),
        call_backs=list(call_backs.open_ones(session, MOST_TASKS)) if owed else [],
        call_backs_total=count_of(session, CallBack, CallBack.state.in_(call_backs.OWED)) if owed else 0,
    )  # fmt: skip


def alarms(session: Session, sight: Sight = ALL) -> list[AlarmView]:
    """Every open alarm in sight: those nobody took first, then the oldest."""
    rows = select(Ticket).where(Ticket.kind == "emergency", IS_OPEN, sight.opened())
    return [_alarm(session, t) for t in session.scalars(rows.order_by(Ticket.taken_at.is_not(None), Ticket.opened_at))]


def alarm(session: Session, ticket_id: int) -> AlarmView | None:
    """An alarm while it is open; None when it is closed or no alarm."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None or ticket.kind != "emergency" or ticket.state in ENDED:
        return None
    return _alarm(session, ticket)


@dataclass(frozen=True)
class Today:
    """The calm page's figures, each with what it is of."""

    arrivals: int
    disposed: int
    opened: int
    closed: int
    open_now: int
    seats_present: int
    seats: int
    last_tick: datetime | None


def today(session: Session, since: datetime, sight: Sight = ALL) -> Today:
    """Figures since `since` (local midnight) of what lies in the viewer's area; they name nobody."""
    named = replace(sight, rights=replace(sight.rights, names=True))
    mine, calls = named.tickets(), named.arrivals()
    here = Seat.user_id.is_not(None)
    tick = session.get(Heartbeat, "tick")
    return Today(
        count_of(session, Arrival, Arrival.arrived_at >= since, calls),
        count_of(session, Arrival, Arrival.arrived_at >= since, Arrival.disposition.is_not(None), calls),
        count_of(session, Ticket, Ticket.opened_at >= since, mine),
        count_of(session, Ticket, Ticket.opened_at >= since, Ticket.state.in_(ENDED), mine),
        count_up_to(session, MOST_OPEN, Ticket.id, IS_OPEN, mine),
        count_of(session, Seat, here),
        count_of(session, Seat),
        tick.at if tick else None,
    )


@dataclass(frozen=True)
class SeatView:
    """A seat and who sits there."""

    name: str
    number: str
    user_id: int | None
    who: str
    break_reason: str
    break_since: datetime | None
    since: datetime | None
    call: Arrival | None


def seats(session: Session) -> list[SeatView]:
    """Every seat, who sits there, and the call it has."""
    talking: dict[str, Arrival] = {}
    for arrival in session.scalars(select(Arrival).where(Arrival.state == "live").order_by(Arrival.arrived_at)):
        for key in (arrival.answered_by, arrival.taken_by):
            if key and key.startswith("seat-"):
                talking[key.removeprefix("seat-")] = arrival
    for call_back in call_backs.talking(session):
        arrival_id = call_backs.arrivals_of(session, call_back.id)[-1]
        talking[(call_back.answered_by or "").removeprefix("seat-")] = session.get_one(Arrival, arrival_id)
    rows = select(Seat, StaffUser.name).outerjoin(StaffUser, StaffUser.id == Seat.user_id).order_by(Seat.name)
    return [
        SeatView(s.name, s.number, s.user_id, who or "", s.break_reason or "", s.break_since, s.signed_in_at,
                 talking.get(s.name))
        for s, who in session.execute(rows)
    ]  # fmt: skip


def _alarm(session: Session, ticket: Ticket) -> AlarmView:
    arrivals = arrivals_of(session, ticket.id)
    of_ticket = Deadline.ticket_id == ticket.id, Deadline.state == "open"
    due = select(Deadline.due_at, Deadline.reason).where(*of_ticket).order_by(Deadline.due_at).limit(1)
    due_at, reason = session.execute(due).first() or (None, "")
    return AlarmView(
        ticket,
        residents.household(session.connection(), ticket.home_id) if ticket.home_id is not None else None,
        any(arrival.state == "live" for arrival in arrivals),
        len(arrivals),
        due_at,
        reason,
        tries(arrivals),
    )


def _calls(session: Session) -> tuple[list[CallView], int]:
    """Live calls and ended ones without their end, the oldest waiting first."""
    # In plain words, and each by its own: only so are the indexes of the few that are up or undisposed used.
    up = select(Arrival.id).where(text("arrivals.state = 'live'"))
    undisposed = select(Arrival.id).where(text("arrivals.disposition IS NULL"))
    shown = Arrival.id.in_(union(up, undisposed))
    rows = (
        select(Arrival, Ticket)
        .outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
        .outerjoin(Ticket, Ticket.id == ArrivalTicket.ticket_id)
        .where(shown)
        .order_by(Arrival.state == "ended", Arrival.arrived_at)
        .limit(MOST_CALLS)
    )
    views = [_call(session, arrival, ticket) for arrival, ticket in session.execute(rows)]
    return views, count_of(session, Arrival, shown)


def _call(session: Session, arrival: Arrival, ticket: Ticket | None) -> CallView:
    match = residents.find_by_number(session, arrival.caller)
    home_id = arrival.home_id or match.home_id
    card = residents.card(session, home_id=home_id) if home_id else None
    people = match.people or (card.people if card else ())
    name = "、".join(p.name for p in people[:2]) or arrival.caller_name
    return CallView(
        arrival, ticket, name, card.home.address if card and card.home else "",
        (arrival.answered_by or arrival.taken_by or "").removeprefix("seat-"),
    )  # fmt: skip


def _of_seen(sight: Sight, ticket_id: InstrumentedAttribute[int | None]) -> list[ColumnElement[bool]]:
    """Rows about a ticket in sight; those about no ticket are the centre's own work."""
    if sight.everything:
        return []
    seen = ticket_id.in_(select(Ticket.id).where(sight.opened()))
    return [or_(seen, ticket_id.is_(None)) if sight.rights.calls else seen]


def _deadlines(session: Session, sight: Sight) -> tuple[list[DeadlineView], int]:
    is_open = [Deadline.state == "open", *_of_seen(sight, Deadline.ticket_id)]
    rows = select(Deadline).where(*is_open).order_by(Deadline.urgent.desc(), Deadline.due_at).limit(MOST_DEADLINES)
    views = []
    for row in session.scalars(rows):
        kind, _, number = row.subject.partition(":")
        ticket = session.get(Ticket, row.ticket_id) if row.ticket_id else None
        arrival = session.get(Arrival, int(number)) if kind == "arrival" and number.isdigit() else None
        views.append(DeadlineView(row.kind, row.due_at, row.reason, row.urgent, ticket, arrival))
    return views, count_of(session, Deadline, *is_open)


def midnight(now: datetime, zone: Any) -> datetime:
    """The local day's beginning."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
