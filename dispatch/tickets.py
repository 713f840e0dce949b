"""What is true of every ticket: its number, its state, its owner, its deadlines, its notes, its close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch import limits, states
from dispatch.errors import AlreadyDisposed, BadInput, TicketNotOpen, missing
from dispatch.messages import KINDS
from dispatch.tables import Arrival, ArrivalTicket, Complaint, FollowUp, Offer, Ticket, TicketNumber
from dispatch.withdrawing import withdraw_undecided
from foundation import deadlines, outbox
from foundation.tables import Base, Deadline
from foundation.text import clean
from foundation.writer import Work

MOST_NOTE = 4000
URGENCIES = ("normal", "urgent", "extra_urgent")
"""一般, 紧急, 特急."""
_NUMBERS = Base.metadata.tables[TicketNumber.__tablename__]
_COUNT_UP = {
    name: dialect.insert(_NUMBERS)
    .values(day=bindparam("day"), last=1)
    .on_conflict_do_update(index_elements=["day"], set_={"last": _NUMBERS.c.last + 1})
    .returning(_NUMBERS.c.last)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_LOCKED = (
    select(Ticket).where(Ticket.id == bindparam("ticket")).with_for_update().execution_options(populate_existing=True)
)
_ATTACH = insert(Base.metadata.tables[ArrivalTicket.__tablename__])
_SET_DEADLINES = insert(Base.metadata.tables[Deadline.__tablename__])
"""Made once, and for plain tables: a person waits for the ticket of an alarm."""
_ENDS_WITH_TICKET = [kind for kind in KINDS if kind not in ("answer", "withdrawal")]
_OFFERS, _QUESTIONS = Base.metadata.tables[Offer.__tablename__], Base.metadata.tables[FollowUp.__tablename__]
_END_HELD = (
    update(_OFFERS)
    .where(_OFFERS.c.ticket_id == bindparam("of_ticket"), _OFFERS.c.state == "accepted")
    .values(state="withdrawn", ended_at=bindparam("at"), ended_by=bindparam("by"), withdrawn_why=bindparam("why"))
)
_END_QUESTIONS = (
    update(_QUESTIONS)
    .where(_QUESTIONS.c.ticket_id == bindparam("of_ticket"), _QUESTIONS.c.state.in_(("waiting", "open")))
    .values(state="withdrawn")
)


@dataclass(frozen=True)
class Watch:
    """A deadline to set: its kind, when it is due, and why. `subject` is the ticket unless said otherwise.

    `working`: it is counted in working time, so that a pause moves it by the working time in it; `paused_s` is by how
    many seconds pauses have moved it already.
    """

    kind: str
    due_at: datetime
    reason: str
    urgent: bool = False
    subject: str | None = None
    working: bool = False
    paused_s: int = 0

    @classmethod
    def within(cls, kind: str, limit: limits.Limit, start: datetime, *, urgent: bool = False) -> Watch:
        """The deadline that `limit` sets from `start`."""
        return cls(kind, start + limit.length, limit.reason, urgent)

    @classmethod
    def counted(cls, w: Work, kind: str, limit: limits.Limit, *, urgent: bool = False) -> Watch:
        """The deadline that `limit` sets from now, by the site's calendar where it is counted in working time."""
        return cls(kind, limit.due(w.calendar, w.now), limit.reason, urgent, working=limit.working)


def open_ticket(w: Work, kind: str, state: str, owner: str, *watches: Watch, **values: Any) -> Ticket:
    """Make a ticket with its number, owner and first deadlines (at least one); `values` are further columns."""
    ticket = Ticket(**new_row(w, kind, state, owner, *watches, **values))
    w.session.add(ticket)
    w.session.flush()
    begin(w, ticket, *watches)
    return ticket


def new_row(w: Work, kind: str, state: str, owner: str, *watches: Watch, **values: Any) -> dict[str, Any]:
    """The row of a new ticket, with its number. Who stores it says `begin` next."""
    states.check(kind, None, state)
    return {
        "number": _next_number(w.connection, w.now), "kind": kind, "owner": owner, "state": state,
        "next_deadline_at": min(watch.due_at for watch in watches), "opened_at": w.now, "opened_by": w.actor, **values,
    }  # fmt: skip


def begin(w: Work, ticket: Ticket, *watches: Watch) -> None:
    """Set the first deadlines of a ticket stored just now, and tell of it.

    Nothing watches a new ticket yet, so they are written without looking, all by one statement.
    """
    w.connection.execute(_SET_DEADLINES, [_row(w, ticket, watch) for watch in watches])
    w.log(
        "ticket.opened", ticket_id=ticket.id, arrival_id=ticket.arrival_id, kind=ticket.kind, state=ticket.state,
        owner=ticket.owner, urgency=ticket.urgency or "normal",
    )  # fmt: skip


def locked(session: Session, ticket_id: int) -> Ticket:
    """The ticket, locked until the commit, as it is now. Raises `NoSuchThing`."""
    found = session.scalar(_LOCKED, {"ticket": ticket_id})
    if found is None:
        raise missing("工单", "ticket", ticket_id)
    return found


def open_one(session: Session, ticket_id: int) -> Ticket:
    """`locked`, and raises `TicketNotOpen` when the ticket is closed."""
    ticket = locked(session, ticket_id)
    if not states.is_open(ticket.state):
        raise TicketNotOpen(f"工单 {ticket.number} 已办结", f"ticket {ticket.number} is closed", ticket=ticket.number)
    return ticket


def change_state(w: Work, ticket: Ticket, following: str, owner: str, *watches: Watch, **detail: Any) -> None:
    """The one place that assigns a ticket's state: check, owner, deadlines and event together.

    The old state's deadlines end; an open state needs at least one new one. What watches one call (`call:…`) stays as
    long as the ticket is open: a ring-back still has to be answered, whoever has taken the alarm meanwhile. The first
    dispatch starts the clock of the whole matter (`due_at`). The ticket must be `locked`. The event carries all that
    `states.replay` needs.
    """
    was = ticket.state
    states.check(ticket.kind, was, following)
    if states.is_open(following) and not watches:
        raise ValueError(f"ticket {ticket.number} would be {following} without a deadline")
    if following in states.DISPATCHED and ticket.dispatched_at is None and ticket.kind in limits.MATTER_DAYS:
        ticket.dispatched_at = w.now
        ticket.due_at = limits.matter(ticket.kind, ticket.urgency, w.now).due(w.calendar, w.now)
    if was == "paused" and ticket.paused_at is not None:
        ticket.paused_s += round((w.now - ticket.paused_at).total_seconds())
        w.log("ticket.resumed", ticket_id=ticket.id, total=ticket.paused_s)
        ticket.paused_at = ticket.pause = None
    due = min((watch.due_at for watch in watches), default=None)
    ticket.state = following
    ticket.owner = owner
    ticket.next_deadline_at = due
    w.session.flush()
    deadlines.withdraw_all(w.session, w.now, ticket_id=ticket.id, spare="call:" if states.is_open(following) else "")
    for watch in watches:
        _put(w, ticket, watch)
    if ticket.kind == "emergency":
        refresh_next(w, ticket)
    w.log(
        "ticket.state_changed", ticket_id=ticket.id, was=was, state=following, owner=owner, round=ticket.round,
        held=ticket.assigned_provider_id, due=due.isoformat() if due else None, **detail,
    )  # fmt: skip


def new_round(w: Work, ticket: Ticket) -> None:
    """The matter begins anew, under the same number: nobody holds it, and its clock starts again."""
    ticket.round += 1
    ticket.done_at = ticket.extended_at = None
    if ticket.kind in limits.MATTER_DAYS:
        ticket.due_at = limits.matter(ticket.kind, ticket.urgency, w.now).due(w.calendar, w.now)
    w.session.flush()


def set_owner(w: Work, ticket: Ticket, owner: str, why: str) -> None:
    """Somebody else must act next, in the same state."""
    if ticket.owner != owner:
        ticket.owner = owner
        w.session.flush()
        w.log("ticket.owner_changed", ticket_id=ticket.id, owner=owner, why=why)


def set_urgency(w: Work, ticket: Ticket, urgency: str, why: str) -> None:
    """The matter is more or less urgent than was written down. A clock that runs already runs on."""
    if urgency not in URGENCIES:
        raise BadInput("没有这个紧急程度", f"an urgency is one of {', '.join(URGENCIES)}")
    if ticket.urgency != urgency:
        ticket.urgency = urgency
        w.session.flush()
        w.log("ticket.urgency_changed", ticket_id=ticket.id, urgency=urgency, why=why)


def set_watches(w: Work, ticket: Ticket, *watches: Watch) -> None:
    """Set further deadlines of the ticket in its present state."""
    for watch in watches:
        _put(w, ticket, watch)
    refresh_next(w, ticket)


def refresh_next(w: Work, ticket: Ticket) -> None:
    """Bring `next_deadline_at` up to date; an open ticket left without any is looked at in five minutes."""
    if not states.is_open(ticket.state):
        return
    due = deadlines.next_due(w.session, ticket.id)
    if due is None:
        due = w.now + limits.NAG
        _put(w, ticket, Watch("ticket.look", due, "工单没有下一步期限 / the ticket had no next deadline", urgent=True))
    ticket.next_deadline_at = due
    w.session.flush()


def add_note(w: Work, ticket_id: int, text: str) -> None:
    """Write a note of the staff into the ticket's events."""
    ticket = locked(w.session, ticket_id)
    text = clean(text, MOST_NOTE)
    if not text:
        raise BadInput("备注不能为空", "a note needs words")
    w.log("ticket.noted", ticket_id=ticket.id, text=text)


def link(w: Work, arrival_id: int, ticket: Ticket, how: str, disposition: str = "ticket") -> None:
    """Say that the arrival `opened` or `joined` the ticket. Raises `AlreadyDisposed` when it has an end already."""
    reason = f"{how} {ticket.number}"
    ended = w.session.execute(
        update(Arrival)
        .where(Arrival.id == arrival_id, Arrival.disposition.is_(None))
        .values(
            disposition=disposition, disposition_reason=reason, disposed_at=w.now, disposed_by=w.actor,
            next_deadline_at=None,
        )
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip
    if ended.rowcount != 1:  # type: ignore[attr-defined]
        if w.session.get(Arrival, arrival_id) is None:
            raise missing("来件", "arrival", arrival_id)
        raise AlreadyDisposed("该来件已有处置结果", f"arrival {arrival_id} already has its disposition")
    attach(w, arrival_id, ticket.id, how)
    deadlines.withdraw_all(w.session, w.now, subject=f"arrival:{arrival_id}")
    w.log("arrival.disposed", arrival_id=arrival_id, ticket_id=ticket.id, disposition=disposition, reason=reason)


def attach(w: Work, arrival_id: int, ticket_id: int, how: str) -> None:
    """Write the link row alone."""
    w.connection.execute(_ATTACH, {"arrival_id": arrival_id, "ticket_id": ticket_id, "how": how})


def close(w: Work, ticket_id: int, outcome: str, note: str) -> None:
    """Close a ticket by hand with an outcome code and a note (service requests and desk matters).

    Offers still open are withdrawn, messages that are no longer true are never sent. Alarms close by `alarms.close`.
    """
    ticket = open_one(w.session, ticket_id)
    if ticket.kind == "emergency":
        raise BadInput("警情须在警情页办结", "an alarm is closed by its own rules (alarms.close)")
    outcome, note = clean(outcome, 20), clean(note, MOST_NOTE)
    if not outcome or not note:
        raise BadInput("办结需要结果代码和说明", "closing needs an outcome code and a note")
    must_be_decided(w, ticket)
    ticket.note = note
    finish(w, ticket, outcome)


def must_be_decided(w: Work, ticket: Ticket) -> None:
    """Raise `BadInput` for a complaint against a provider that nobody has decided: its stars would never hear of it."""
    row = w.session.get(Complaint, ticket.id) if ticket.kind == "complaint" else None
    if row is not None and row.provider_id is not None and row.founded is None:
        raise BadInput(
            "先认定投诉是否属实，再答复或办结",
            f"complaint {ticket.number} names a provider: decide first whether it is founded",
        )


def finish(w: Work, ticket: Ticket, outcome: str, **detail: Any) -> None:
    """End a locked ticket: outcome, no owner, no deadline; its open offers and queued messages are withdrawn."""
    may_be_asked = ticket.kind == "service_request" and ticket.state != "done"
    ticket.outcome, ticket.closed_at = outcome, w.now
    change_state(w, ticket, "closed", "", outcome=outcome, **detail)
    if may_be_asked:
        why = f"工单已办结 / closed: {outcome}"
        withdraw_undecided(w, ticket, why)
        told = {"of_ticket": ticket.id, "at": w.now, "by": w.actor, "why": why}
        w.connection.execute(_END_HELD, told)
    w.connection.execute(_END_QUESTIONS, {"of_ticket": ticket.id})
    outbox.withdraw(w.session, f"ticket {ticket.number} is closed", ticket_id=ticket.id, kinds=_ENDS_WITH_TICKET)


def _row(w: Work, ticket: Ticket, watch: Watch) -> dict[str, Any]:
    return {
        "kind": watch.kind, "subject": watch.subject or f"ticket:{ticket.id}", "ticket_id": ticket.id,
        "due_at": watch.due_at, "reason": watch.reason, "urgent": watch.urgent, "working": watch.working,
        "paused_s": watch.paused_s, "state": "open", "attempts": 0, "created_at": w.now,
    }  # fmt: skip


def _put(w: Work, ticket: Ticket, watch: Watch) -> None:
    deadlines.put(
        w.session, watch.kind, watch.subject or f"ticket:{ticket.id}", watch.due_at, watch.reason, w.now,
        ticket_id=ticket.id, urgent=watch.urgent, working=watch.working, paused_s=watch.paused_s,
    )  # fmt: skip


def _next_number(connection: Connection, now: datetime) -> str:
    day = limits.local_day(now)
    last = connection.scalar(_COUNT_UP[connection.dialect.name], {"day": day})
    return f"{day}-{last:04}"
