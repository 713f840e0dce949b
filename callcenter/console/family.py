"""What an operator does by hand in an alarm: ring a contact, write to one, call the line back."""

from __future__ import annotations

import re

from sqlalchemy import select

from dispatch import alarms, messages, ring_backs, tickets
from dispatch.errors import missing
from dispatch.tables import Arrival, ArrivalTicket, DutyPhone, Ticket
from foundation.errors import Conflict
from foundation.numbers import NumberPlan
from foundation.writer import Work
from residents.tables import Contact

RING_S = 30
_KEY = re.compile(r"(contact|duty)-(\d{1,9})", re.ASCII)


def ring(w: Work, ticket_id: int, who: str, plan: NumberPlan) -> None:
    """Ring `who` (`contact-17`, `duty-3`) for the alarm's waiting call; "press 1" makes it theirs.

    Raises Conflict when no untaken call of the alarm is up: there is nobody to join them with.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    name, number = _person(w, ticket, who)
    calls = alarms.waiting_calls(w.session, ticket_id)
    if not calls:
        raise Conflict(
            f"现在没有等待接听的报警电话，无法转接给{name}；请用坐席话机直接拨打",
            f"no untaken call of this alarm is up, so {name} cannot be joined to it; dial from your seat's telephone",
        )
    for call, channel in calls:
        w.send(messages.leg(ticket_id, call=call, chan=channel, who=who, number=plan.dial(number), ring=RING_S,
                            now=w.now))  # fmt: skip
    w.log("contact.rung", ticket_id=ticket_id, who=who)


def write(w: Work, ticket_id: int, who: str, plan: NumberPlan) -> None:
    """Text `who` that this home has raised an alarm. Raises Conflict when the number takes no texts."""
    ticket = tickets.open_one(w.session, ticket_id)
    name, number = _person(w, ticket, who)
    if plan.parse(number).kind != "mobile":
        raise Conflict(f"{name}的号码不是手机，收不到短信", f"{name}'s number is no mobile and takes no texts")
    w.send(
        messages.sms(
            messages.SOS, number, "sos", ticket_id=ticket_id, number=ticket.number, at=ticket.opened_at.isoformat(),
            name=ticket.caller_name, address=ticket.address, caller=ticket.caller,
            dedupe_key=f"sos:{ticket_id}:{who}"[:120],
        )
    )  # fmt: skip
    w.log("contact.written", ticket_id=ticket_id, who=who)


def ring_back(w: Work, ticket_id: int, plan: NumberPlan) -> None:
    """Call the line of the alarm's last ended call back, again if it must be; Conflict when there is none to call."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.kind != "emergency":
        raise missing("警情", "alarm", ticket_id)
    ended = (
        select(Arrival)
        .join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
        .where(ArrivalTicket.ticket_id == ticket_id, Arrival.state == "ended")
        .order_by(Arrival.id.desc())
    )
    arrival = w.session.scalar(ended.limit(1))
    if arrival is None:
        raise Conflict("报警电话还通着，不需要回拨", "the alarm's call is still up: there is nothing to call back")
    ring_backs.by_hand(w, ticket, arrival, plan)


def silence(w: Work, reason: str, minutes: int) -> None:
    """Somebody turned the siren of their page off for a while: say who, why and how long."""
    w.log("siren.silenced", reason=reason, minutes=minutes)


def _person(w: Work, ticket: Ticket, who: str) -> tuple[str, str]:
    """Name and number; a contact must belong to the alarm's home."""
    match = _KEY.fullmatch(who)
    if match is not None and match[1] == "contact":
        contact = w.session.get(Contact, int(match[2]))
        if contact is not None and contact.home_id == ticket.home_id:
            return contact.name, contact.phone
    elif match is not None:
        duty = w.session.get(DutyPhone, int(match[2]))
        if duty is not None:
            return duty.name, duty.number
    raise missing("联系人", "contact of this home", who[:40])
