"""What is read of dispatch: the board, a ticket with everything about it, the caller card, providers by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import limits, matching
from dispatch.errors import missing
from dispatch.ranking import Ranked
from dispatch.tables import Arrival, ArrivalTicket, Offer, RingBack, StaffTask, StaffUser, Ticket
from foundation.tables import Deadline, OutboxMessage, TicketEvent
from providers.tables import Provider
from residents import queries as residents

_ENDED = ("closed", "archived")
MOST_ROWS = 200


@dataclass(frozen=True)
class CallRow:
    """A call that is up, or that ended and waits for its disposition. `ticket_id` is what it opened or joined."""

    id: int
    call_id: str
    kind: str
    state: str
    caller: str
    caller_raw: str
    caller_name: str
    device_code: str | None
    home_id: int | None
    dialled: str
    queue: str
    answered_by: str | None
    taken_by: str | None
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    next_deadline_at: datetime | None
    ticket_id: int | None


@dataclass(frozen=True)
class TicketRow:
    """A ticket as a list shows it; `deadline_reason` is the sentence of its next deadline."""

    id: int
    number: str
    kind: str
    state: str
    urgency: str
    item: str | None
    summary: str
    caller: str
    caller_name: str
    home_id: int | None
    community: str
    address: str
    owner: str
    taken_by: str | None
    alarm_grade: str | None
    assigned_provider_id: int | None
    opened_at: datetime
    next_deadline_at: datetime | None
    deadline_reason: str


@dataclass(frozen=True)
class Board:
    """Everything that waits: alarms first, calls, tickets by deadline, small tasks."""

    alarms: list[TicketRow]
    calls: list[CallRow]
    tickets: list[TicketRow]
    tasks: list[StaffTask]


@dataclass(frozen=True)
class OfferRow:
    """An offer with its provider's name."""

    offer: Offer
    provider: str


@dataclass(frozen=True)
class TicketDetail:
    """A ticket and all that belongs to it; deadlines are the open ones, the next first."""

    ticket: Ticket
    provider: str
    events: list[TicketEvent]
    offers: list[OfferRow]
    messages: list[OutboxMessage]
    deadlines: list[Deadline]
    arrivals: list[Arrival]
    ring_backs: list[RingBack]


@dataclass(frozen=True)
class CallerCard:
    """Who may be calling: the register's match and card, what is open for them, and what was before."""

    match: residents.LineMatch
    card: residents.Card | None
    open_tickets: list[TicketRow]
    recent_tickets: list[TicketRow]
    recent_calls: list[CallRow]


def board(session: Session, limit: int = MOST_ROWS) -> Board:
    """The board as it is now, at most `limit` rows of each kind."""
    waiting = (Arrival.state == "live") | (Arrival.disposition.is_(None))
    calls = select(*_CALL).outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id).where(waiting)
    open_tickets = select(*_TICKET).where(Ticket.state.not_in(_ENDED)).order_by(Ticket.next_deadline_at, Ticket.id)
    tasks = select(StaffTask).where(StaffTask.done_at.is_(None)).order_by(StaffTask.id).limit(limit)
    return Board(
        alarms=_tickets(session, open_tickets.where(Ticket.kind == "emergency").limit(limit)),
        calls=_calls(session.execute(calls.order_by(Arrival.arrived_at, Arrival.id).limit(limit)).all()),
        tickets=_tickets(session, open_tickets.where(Ticket.kind != "emergency").limit(limit)),
        tasks=list(session.scalars(tasks)),
    )


def ticket_detail(session: Session, ticket_id: int) -> TicketDetail:
    """Everything about one ticket. Raises `NoSuchThing`."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None:
        raise missing("工单", "ticket", ticket_id)
    events = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id)
    offers = select(Offer, Provider.name).join(Provider, Provider.id == Offer.provider_id)
    messages = select(OutboxMessage).where(OutboxMessage.ticket_id == ticket_id).order_by(OutboxMessage.id)
    deadlines = select(Deadline).where(Deadline.ticket_id == ticket_id, Deadline.state == "open")
    arrivals = select(Arrival).join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    ring_backs = select(RingBack).where(RingBack.ticket_id == ticket_id).order_by(RingBack.id)
    name = select(Provider.name).where(Provider.id == ticket.assigned_provider_id)
    return TicketDetail(
        ticket=ticket,
        provider=session.scalar(name) or "",
        events=list(session.scalars(events)),
        offers=[
            OfferRow(offer, provider)
            for offer, provider in session.execute(offers.where(Offer.ticket_id == ticket_id).order_by(Offer.id))
        ],
        messages=list(session.scalars(messages)),
        deadlines=list(session.scalars(deadlines.order_by(Deadline.due_at))),
        arrivals=list(
            session.scalars(arrivals.where(ArrivalTicket.ticket_id == ticket_id).order_by(Arrival.arrived_at))
        ),
        ring_backs=list(session.scalars(ring_backs)),
    )


def caller_card(session: Session, number: str, device_code: str | None = None) -> CallerCard:
    """The card for a caller by E.164 number, or by the device the exchange recognised; empty where nobody is known."""
    match = residents.find_by_number(session, number)
    device = residents.find_device(session, device_code) if device_code else None
    home_id = device.home_id if device else match.home_id
    person_id = match.people[0].id if home_id is None and match.people else None
    card = None
    if home_id is not None or person_id is not None:
        card = residents.card(session, home_id=home_id, person_id=person_id)
    mine = Ticket.home_id == home_id if home_id is not None else Ticket.caller == number
    known = home_id is not None or number != ""
    tickets = select(*_TICKET).where(mine).order_by(Ticket.id.desc()).limit(20)
    calls = select(*_CALL).outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    calls = calls.where(Arrival.caller == number).order_by(Arrival.arrived_at.desc()).limit(10)
    rows = _tickets(session, tickets) if known else []
    return CallerCard(
        match=match,
        card=card,
        open_tickets=[row for row in rows if row.state not in _ENDED],
        recent_tickets=[row for row in rows if row.state in _ENDED],
        recent_calls=_calls(session.execute(calls).all()) if number else [],
    )


def ranked_providers(session: Session, ticket_id: int, now: datetime) -> list[Ranked]:
    """Who could serve this ticket, the best first, each with its reasons; those who cannot come after."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None:
        raise missing("工单", "ticket", ticket_id)
    return matching.ranked(session, ticket, now)


def live_call_of(session: Session, person_key: str) -> CallRow | None:
    """The call that `seat-op1` is on, for the caller card: the newest it answered that is still up."""
    mine = select(*_CALL).outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    mine = mine.where(Arrival.state == "live", Arrival.answered_by == person_key)
    rows = _calls(session.execute(mine.order_by(Arrival.answered_at.desc()).limit(1)).all())
    return rows[0] if rows else None


def arrival(session: Session, arrival_id: int) -> CallRow:
    """One arrival. Raises `NoSuchThing`."""
    found = select(*_CALL).outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    rows = _calls(session.execute(found.where(Arrival.id == arrival_id)).all())
    if not rows:
        raise missing("来件", "arrival", arrival_id)
    return rows[0]


def user_by_login(session: Session, login: str) -> StaffUser | None:
    """The account of that login, disabled or not."""
    return session.scalar(select(StaffUser).where(StaffUser.login == login))


def user(session: Session, user_id: int) -> StaffUser | None:
    """The account of that id, disabled or not."""
    return session.get(StaffUser, user_id)


def item_limits(work_class: str) -> dict[str, str]:
    """The sentences that say how soon somebody answers and comes, for a form."""
    return {"accept": limits.accept(work_class).reason, "arrive": limits.arrive(work_class, None).reason}


_CALL = (
    Arrival.id, Arrival.external_id.label("call_id"), Arrival.kind, Arrival.state, Arrival.caller, Arrival.caller_raw,
    Arrival.caller_name, Arrival.device_code, Arrival.home_id, Arrival.dialled, Arrival.queue, Arrival.answered_by,
    Arrival.taken_by, Arrival.arrived_at, Arrival.answered_at, Arrival.ended_at, Arrival.next_deadline_at,
    ArrivalTicket.ticket_id,
)  # fmt: skip
_TICKET = (
    Ticket.id, Ticket.number, Ticket.kind, Ticket.state, Ticket.urgency, Ticket.item, Ticket.summary, Ticket.caller,
    Ticket.caller_name, Ticket.home_id, Ticket.community, Ticket.address, Ticket.owner, Ticket.taken_by,
    Ticket.alarm_grade, Ticket.assigned_provider_id, Ticket.opened_at, Ticket.next_deadline_at,
)  # fmt: skip


def _calls(rows: Sequence[Any]) -> list[CallRow]:
    return [CallRow(**row._mapping) for row in rows]


def _tickets(session: Session, rows_wanted: Any) -> list[TicketRow]:
    rows = session.execute(rows_wanted).all()
    ids = [row.id for row in rows if row.next_deadline_at is not None]
    watched = select(Deadline.ticket_id, Deadline.reason).where(Deadline.ticket_id.in_(ids), Deadline.state == "open")
    reasons: dict[int, str] = {}
    for ticket_id, reason in session.execute(watched.order_by(Deadline.due_at)):
        reasons.setdefault(ticket_id or 0, reason)
    return [TicketRow(**row._mapping, deadline_reason=reasons.get(row.id, "")) for row in rows]
