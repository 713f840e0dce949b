"""Who is rung for an alarm that nobody has taken, and when: seats, duty phones, the household's contacts, and again.

The exchange rings the seats itself; the application adds a leg for each further person while a call of the alarm is up,
and writes to them when none is. Each step is driven by a deadline, so it works on after a restart. The exchange drives
the same ladder when the application is dead; a person is never rung twice for one call within 40 s (the attempt key).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from dispatch import alarms, limits, messages, tickets
from dispatch.errors import BadInput
from dispatch.tables import DutyPhone, StaffUser, Ticket
from dispatch.tickets import Watch, set_watches
from foundation.numbers import NumberPlan
from foundation.tables import OutboxMessage
from foundation.writer import Work
from residents.tables import Contact, HomeMember, Person


@dataclass(frozen=True)
class Rung:
    """A person to ring: the key on the telephone, the number (E.164), seconds to ring."""

    key: str
    number: str
    ring: int = 20


def call_seats(w: Work, ticket: Ticket) -> None:
    """Ten seconds: every seat is called on, whoever's turn it was."""
    w.log("alarm.seats_called", ticket_id=ticket.id, siren="loud")


def call_duty(w: Work, ticket: Ticket, plan: NumberPlan) -> None:
    """Twenty seconds, and every forty after: the duty phones ring, the supervisors are told."""
    duty = duty_phones(w)
    _call(w, ticket, duty, plan)
    supervisors = w.session.scalars(
        select(StaffUser.mobile).where(
            StaffUser.role == "supervisor", StaffUser.disabled_at.is_(None), StaffUser.mobile != ""
        )
    )
    _write(w, ticket, list(supervisors))
    w.log("alarm.duty_called", ticket_id=ticket.id, who=[person.key for person in duty])
    set_watches(w, ticket, Watch.within("alarm.duty", limits.LADDER_AGAIN, w.now, urgent=True))


def call_contacts(w: Work, ticket: Ticket, plan: NumberPlan) -> None:
    """Forty seconds, and every forty after: all of the household's contacts at once."""
    contacts = _contacts(w, ticket)
    _call(w, ticket, contacts, plan)
    w.log("alarm.contacts_called", ticket_id=ticket.id, who=[person.key for person in contacts])
    set_watches(w, ticket, Watch.within("alarm.contacts", limits.LADDER_AGAIN, w.now, urgent=True))


def call_for_waiting(w: Work, ticket: Ticket, call_id: str, plan: NumberPlan) -> None:
    """A further call of an alarm in hand waits: ring duty phones and contacts for it, and go on until it is taken."""
    for call, channel in alarms.waiting_calls(w.session, ticket.id):
        if call == call_id:
            for person in [*duty_phones(w), *_contacts(w, ticket)]:
                _leg(w, ticket, call, channel, person, plan)
            due = w.now + limits.LADDER_AGAIN.length
            watch = Watch("alarm.waiting_call", due, limits.LADDER_AGAIN.reason, True, f"call:{call}"[:60])
            set_watches(w, ticket, watch)
            w.log("alarm.waiting_call_rung", ticket_id=ticket.id, call=call)


def ring_person(w: Work, ticket_id: int, who: str, plan: NumberPlan | None = None) -> int:
    """An operator has one person (`contact-17`, `duty-3`) rung for the alarm's call; how many calls that person joins.

    Raises `BadInput` when no call of the alarm is up or the person is not one of this household's or of the rota.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    person = next((p for p in [*duty_phones(w), *_contacts(w, ticket)] if p.key == who), None)
    if ticket.kind != "emergency" or person is None:
        raise BadInput("没有这个联系人", f"{who} is neither a contact of this household nor on duty")
    calls = alarms.waiting_calls(w.session, ticket.id)
    if not calls:
        raise BadInput(
            "没有等待中的通话，请直接拨打", "no call of this alarm waits: ring that person from your telephone"
        )
    for call, channel in calls:
        _leg(w, ticket, call, channel, person, plan or NumberPlan())
    w.log("alarm.person_rung", ticket_id=ticket.id, who=who)
    return len(calls)


def duty_phones(w: Work) -> list[Rung]:
    """The rota, in its order."""
    rows = w.session.execute(
        select(DutyPhone.id, DutyPhone.number, DutyPhone.ring_seconds).order_by(DutyPhone.position)
    )
    return [Rung(f"duty-{key}", number, ring) for key, number, ring in rows]


def _contacts(w: Work, ticket: Ticket) -> list[Rung]:
    if ticket.home_id is None:
        return []
    rows = w.session.execute(
        select(Contact.id, Contact.phone)
        .where(Contact.home_id == ticket.home_id)
        .order_by(Contact.position, Contact.id)
    )
    return [Rung(f"contact-{key}", number) for key, number in rows]


def _household(w: Work, ticket: Ticket) -> str:
    """Whom to look for: a device's line has no caller's name, but its home has people, the eldest first."""
    people = (
        select(Person.name)
        .join(HomeMember, HomeMember.person_id == Person.id)
        .where(HomeMember.home_id == ticket.home_id)
        .order_by(Person.birth_year, Person.id)
        .limit(3)
    )
    return "、".join(w.session.scalars(people))


def _call(w: Work, ticket: Ticket, people: Iterable[Rung], plan: NumberPlan) -> None:
    calls = alarms.waiting_calls(w.session, ticket.id)
    for call, channel in calls:
        for person in people:
            _leg(w, ticket, call, channel, person, plan)
    if not calls:
        mobiles = [person.number for person in people if plan.parse(person.number).kind == "mobile"]
        _write(w, ticket, mobiles)


def _leg(w: Work, ticket: Ticket, call: str, channel: str, person: Rung, plan: NumberPlan) -> None:
    number = plan.dial(person.number)
    w.send(
        messages.leg(
            ticket.id, call=call, chan=channel, who=person.key, number=number, ring=person.ring, now=w.now
        )
    )  # fmt: skip


def _write(w: Work, ticket: Ticket, numbers: Iterable[str]) -> None:
    """A text to each number that has none about this alarm yet."""
    told = set(
        w.session.scalars(
            select(OutboxMessage.recipient).where(OutboxMessage.ticket_id == ticket.id, OutboxMessage.kind == "sos")
        )
    )
    name = ticket.caller_name or _household(w, ticket)
    for number in dict.fromkeys(numbers):
        if number not in told:
            w.send(
                messages.sms(
                    messages.SOS, number, "sos", ticket_id=ticket.id, number=ticket.number,
                    at=ticket.opened_at.isoformat(), name=name, address=ticket.address,
                    caller=ticket.caller,
                )
            )  # fmt: skip
