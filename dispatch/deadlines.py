"""Deadlines that fire: each kind has its function; each firing leaves an open ticket with an owner and a next one."""

from __future__ import annotations

from collections.abc import Callable

from dispatch import (
    answers,
    call_backs,
    care,
    collecting,
    desk_work,
    dispositions,
    follow_up,
    incidents,
    ladder,
    limits,
    offers,
    pauses,
    recordings,
    ring_backs,
    states,
    taking_back,
    tickets,
    visits,
)
from dispatch.tables import Ticket
from dispatch.tickets import Watch, set_watches
from foundation import deadlines
from foundation.numbers import NumberPlan
from foundation.tables import Deadline
from foundation.writer import Work

Firing = Callable[[Work, Ticket, Deadline, NumberPlan], None]


def fire(w: Work, deadline_id: int, plan: NumberPlan | None = None) -> str:
    """Do what is due; `fired:<kind>`, or `moved` when the deadline was met, moved or fired by another meanwhile.

    An exception leaves the deadline open: the caller pushes it back and goes on with the others.
    """
    row = deadlines.claim(w.session, deadline_id, w.now)
    if row is None:
        return "moved"
    plan = plan or NumberPlan()
    if row.kind == "arrival.dispose":
        dispositions.remind_dispose(w, int(row.subject.partition(":")[2]))
    elif row.kind == "call_back.answered":
        call_backs.not_answered(w, int(row.subject.partition(":")[2]))
    elif row.kind == recordings.RESUME:
        recordings.resume_forgotten(w, int(row.subject.partition(":")[2]))
    elif row.kind == "incident.tell":
        incidents.tell_next(w, int(row.subject.partition(":")[2]), plan)
    elif row.ticket_id is not None:
        ticket = tickets.locked(w.session, row.ticket_id)
        if states.is_open(ticket.state):
            _FIRINGS.get(row.kind, _look)(w, ticket, row, plan)
            tickets.refresh_next(w, ticket)
    return f"fired:{row.kind}"


def _look(w: Work, ticket: Ticket, row: Deadline, _plan: NumberPlan) -> None:
    """The general case: say that it is overdue, hand what lay with a desk to the supervisor, ask again soon.

    A provider keeps its order, and whoever took an alarm the alarm. The limit of a whole matter asks each working day.
    """
    ours = ticket.owner.startswith(("org:", "user:")) and ticket.kind != "emergency"
    owner = "supervisor" if ticket.owner in ("desk", "city") or ours else ticket.owner
    ticket.owner = owner
    again = w.now + (limits.NAG if ticket.kind == "emergency" else limits.NAG_ORDINARY)
    if row.kind == desk_work.LIMIT:
        again = w.calendar.add_days(w.now, 1)
    watch = Watch(row.kind, again, row.reason, row.urgent, row.subject, row.working, row.paused_s)
    set_watches(w, ticket, watch)
    w.log("ticket.overdue", ticket_id=ticket.id, deadline=row.kind, reason=row.reason, owner=owner)


def _alarm_seats(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "raised":
        ladder.call_seats(w, ticket)


def _alarm_duty(w: Work, ticket: Ticket, _row: Deadline, plan: NumberPlan) -> None:
    if ticket.state == "raised":
        ladder.call_duty(w, ticket, plan)


def _alarm_contacts(w: Work, ticket: Ticket, _row: Deadline, plan: NumberPlan) -> None:
    if ticket.state == "raised":
        ladder.call_contacts(w, ticket, plan)


def _alarm_waiting_call(w: Work, ticket: Ticket, row: Deadline, plan: NumberPlan) -> None:
    ladder.call_for_waiting(w, ticket, row.subject.partition(":")[2], plan)


def _alarm_ring_back(w: Work, _ticket: Ticket, row: Deadline, _plan: NumberPlan) -> None:
    ring_backs.failed(w, row.subject.partition(":")[2], "not answered within 60 s")


def _offer_expires(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    answers.expire_due(w, ticket)


def _offer_pick(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "offered" and not collecting.pick_by_rule(w, ticket):
        offers.go_on(w, ticket, "")


def _surge_waits(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    offers.plan_is_late(w, ticket)


def _arrive(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "accepted":
        visits.not_there_yet(w, ticket)


def _no_show(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "accepted":
        taking_back.take_back(w, ticket.id, "未按时到场 / did not come in time")


def _work(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "arrived":
        visits.not_done_yet(w, ticket)


def _sign(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "assigned":
        desk_work.not_signed(w, ticket)


def _resume(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "paused":
        pauses.resume(w, ticket.id)


def _care(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "registered":
        care.call_due(w, ticket)


def _follow_up(w: Work, ticket: Ticket, _row: Deadline, _plan: NumberPlan) -> None:
    if ticket.state == "done":
        follow_up.ask(w, ticket)


_FIRINGS: dict[str, Firing] = {
    "alarm.seats": _alarm_seats,
    "alarm.duty": _alarm_duty,
    "alarm.contacts": _alarm_contacts,
    "alarm.waiting_call": _alarm_waiting_call,
    "alarm.ring_back": _alarm_ring_back,
    "offer.expires": _offer_expires,
    "offer.pick": _offer_pick,
    "surge.waits": _surge_waits,
    "ticket.arrive": _arrive,
    "ticket.no_show": _no_show,
    "ticket.work": _work,
    "care.call": _care,
    "ticket.sign": _sign,
    "ticket.resume": _resume,
    "ticket.follow_up": _follow_up,
}
"""Kinds not named here (a ticket registered, escalated, taken, handled too long) are looked at: `_look`."""
