"""Everything about one caller, home or ticket, joined for one page. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.orm import Session

from dispatch import offer_policy, recordings
from dispatch.complaint_tables import Complaint
from dispatch.life_steps import life_steps
from dispatch.names import Names
from dispatch.recording_tables import Recording
from dispatch.sight import ALL, Sight, sees_home
from dispatch.tables import (
    Arrival,
    ArrivalTicket,
    FollowUp,
    Offer,
    RingBack,
    Ticket,
)
from dispatch.ticket_list import count_up_to
from foundation.tables import Deadline, OutboxMessage, TicketEvent
from providers.tables import Provider, ProviderPhone
from residents import queries as residents
from residents.narrowing import narrowed

ENDED = ("closed", "archived")
MOST_OF_ONE = 1_000
"""Tickets and calls of one number or home that its card counts."""


@dataclass(frozen=True)
class OfferView:
    """One line of the offers ledger."""

    offer: Offer
    provider: str
    phone: str


@dataclass(frozen=True)
class TicketPage:
    """All that a ticket's page shows."""

    ticket: Ticket
    names: Names
    card: residents.Card | None
    events: list[TicketEvent]
    offers: list[OfferView]
    messages: list[OutboxMessage]
    deadlines: list[Deadline]
    arrivals: list[Arrival]
    follow_ups: list[FollowUp]
    ring_backs: list[RingBack]
    tries: tuple[dict[str, Any], ...] = ()
    provider_phone: str = ""
    recordings: tuple[Recording, ...] = ()

    complaint: Complaint | None = None

    @property
    def open(self) -> bool:
        return self.ticket.state not in ENDED

    @property
    def may(self) -> dict[str, bool]:
        """Which steps of its life beside offers the ticket may take now; whether somebody may is his rights' matter."""
        return life_steps(self.ticket)

    @property
    def live(self) -> Arrival | None:
        """The caller's line, while it is up."""
        return next((a for a in reversed(self.arrivals) if a.state == "live"), None)

    @property
    def undecided(self) -> list[OfferView]:
        """Who is asked now, or has named its time: the earliest time first, then as ranked."""
        found = [o for o in self.offers if o.offer.state in ("offered", "proposed")]
        return sorted(found, key=lambda o: (o.offer.state == "offered", o.offer.eta_minutes or 0, o.offer.rank))

    @property
    def mode(self) -> str:
        """How the order is offered, or would be."""
        return offer_policy.of(self.ticket).mode

    @property
    def accepted(self) -> OfferView | None:
        return next((o for o in reversed(self.offers) if o.offer.state in ("accepted", "fulfilled")), None)


@dataclass(frozen=True)
class CallerCard:
    """Who is calling: the line's home or person, what they asked before, and the call itself."""

    arrival: Arrival | None
    number: str
    match: residents.LineMatch
    card: residents.Card | None
    open_tickets: list[Ticket]
    past: list[Ticket]
    past_total: int
    ticket: Ticket | None
    names: Names
    calls_before: int = 0
    recordings: tuple[Recording, ...] = ()
    paused: bool = False

    @property
    def home_id(self) -> int | None:
        return self.card.home.id if self.card and self.card.home else None


def ticket_page(session: Session, ticket_id: int) -> TicketPage | None:
    """Everything about one ticket; None when there is none."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None:
        return None
    offers = select(Offer, Provider.name).join(Provider, Provider.id == Offer.provider_id)
    arrivals = arrivals_of(session, ticket_id)
    phone = select(ProviderPhone.number).where(ProviderPhone.provider_id == ticket.assigned_provider_id)
    return TicketPage(
        ticket,
        Names(session),
        card_of(session, ticket, rescue=ticket.kind == "emergency" and ticket.state not in ENDED),
        list(session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id))),
        [
            OfferView(offer, name, offer.phone)
            for offer, name in session.execute(offers.where(Offer.ticket_id == ticket_id).order_by(Offer.id))
        ],
        list(session.scalars(select(OutboxMessage).where(OutboxMessage.ticket_id == ticket_id)
                             .order_by(OutboxMessage.id))),
        list(session.scalars(select(Deadline).where(Deadline.ticket_id == ticket_id, Deadline.state == "open")
                             .order_by(Deadline.due_at))),
        arrivals,
        list(session.scalars(select(FollowUp).where(FollowUp.ticket_id == ticket_id).order_by(FollowUp.round))),
        list(session.scalars(select(RingBack).where(RingBack.ticket_id == ticket_id).order_by(RingBack.attempt))),
        tries(arrivals),
        session.scalar(phone.order_by(ProviderPhone.position).limit(1)) or "" if ticket.assigned_provider_id else "",
        tuple(recordings.of_arrivals(session, [arrival.id for arrival in arrivals])),
        session.get(Complaint, ticket_id) if ticket.kind == "complaint" else None,
    )  # fmt: skip


def caller_card(session: Session, arrival_id: int, sight: Sight = ALL) -> CallerCard | None:
    """The card of a call; None when there is no such arrival.

    While the call is at hand all is shown of whoever is on the line; afterwards as much as lies in sight.
    """
    arrival = session.get(Arrival, arrival_id)
    if arrival is None:
        return None
    return _caller(session, arrival, arrival.caller, arrival.device_code, ALL if sight.on_duty(arrival) else sight)


def number_card(session: Session, number: str, person_id: int | None = None, sight: Sight = ALL) -> CallerCard:
    """The card of a number or a person when nobody is calling."""
    return _caller(session, None, number, None, sight, person_id)


def home_card(session: Session, home_id: int, sight: Sight = ALL) -> CallerCard | None:
    """The card of a home when nobody is calling."""
    card = residents.card(session, home_id=home_id)
    if card is None:
        return None
    return _card(session, None, "", residents.LineMatch(home_id=home_id), card, home_id, sight)


def tries(arrivals: Iterable[Arrival]) -> tuple[dict[str, Any], ...]:
    """Whom the ladder has rung, in order, with the result as far as it is known."""
    seen: dict[str, dict[str, Any]] = {}
    records = [record for arrival in arrivals for record in arrival.steps.values()]
    for record in sorted(records, key=lambda r: float(r["t"])):
        who, kind = str(record.get("who", "")), record.get("s")
        if kind == "tried" and who:
            seen[who] = {"who": who, "result": ""}
        elif kind == "result" and who:
            seen.setdefault(who, {"who": who})["result"] = str(record.get("result", ""))
    return tuple(seen.values())


def _caller(
    session: Session, arrival: Arrival | None, number: str, device_code: str | None, sight: Sight,
    person_id: int | None = None,
) -> CallerCard:  # fmt: skip
    match = narrowed(session, residents.find_by_number(session, number), sight.scope)
    home_id = arrival.home_id if arrival and arrival.home_id else match.home_id
    if home_id is None and device_code:
        device = residents.find_device(session, device_code)
        home_id = device.home_id if device else None
    if home_id is not None and not sees_home(session, sight, home_id):
        home_id = None
    card = None
    if home_id is not None or person_id is not None:
        card = residents.card(session, home_id=home_id, person_id=person_id)
        home_id = card.home.id if card and card.home else home_id
    return _card(session, arrival, number, match, card, home_id, sight)


def _card(
    session: Session, arrival: Arrival | None, number: str, match: residents.LineMatch, card: residents.Card | None,
    home_id: int | None, sight: Sight,
) -> CallerCard:  # fmt: skip
    mine: list[Select[tuple[int]]] = []
    if number:
        mine.append(_newest(Ticket.caller == number))
    if home_id is not None:
        mine.append(_newest(Ticket.home_id == home_id))
    found: Sequence[Ticket] = ()
    total = before = 0
    if mine:
        shown = Ticket.id.in_(union(*mine)), sight.opened()
        found = session.scalars(select(Ticket).where(*shown).order_by(Ticket.id.desc()).limit(20)).all()
        total = count_of(session, Ticket, *shown)
    if number:
        earlier = Arrival.id != (arrival.id if arrival else 0)
        before = count_up_to(session, MOST_OF_ONE, Arrival.id, Arrival.caller == number, earlier)
    ticket = None
    if arrival is not None:
        joined = select(Ticket).join(ArrivalTicket, ArrivalTicket.ticket_id == Ticket.id)
        ticket = session.scalar(joined.where(ArrivalTicket.arrival_id == arrival.id))
    return CallerCard(
        arrival, number, match, card, [t for t in found if t.state not in ENDED],
        [t for t in found if t.state in ENDED], total, ticket, Names(session), before,
        tuple(recordings.of_arrivals(session, [arrival.id])) if arrival else (),
        arrival is not None and recordings.is_paused(session, arrival.id),
    )  # fmt: skip


def _newest(whose: ColumnElement[bool]) -> Select[tuple[int]]:
    """The newest tickets of one number or home: a hospital's switchboard has thousands, and nobody reads them here."""
    newest = select(Ticket.id).where(whose).order_by(Ticket.opened_at.desc()).limit(MOST_OF_ONE).subquery()
    return select(newest.c.id)


def card_of(session: Session, ticket: Ticket, *, rescue: bool) -> residents.Card | None:
    if ticket.home_id is None and ticket.person_id is None:
        return None
    return residents.card(session, home_id=ticket.home_id, person_id=ticket.person_id, include_rescue=rescue)


def arrivals_of(session: Session, ticket_id: int) -> list[Arrival]:
    rows: Select[Any] = select(Arrival).join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    return list(session.scalars(rows.where(ArrivalTicket.ticket_id == ticket_id).order_by(Arrival.arrived_at)))


def count_of(session: Session, table: Any, *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0
