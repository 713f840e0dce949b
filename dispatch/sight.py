"""What a member of staff sees: whose rights they have, and where. Every list and every single row is asked here.

Out of sight looks like missing. Two things go before the area, because somebody's life or call hangs on them
(docs/decisions/0013): whoever takes calls sees every open alarm, and every call that is up or not yet dealt with,
whichever district it belongs to; and whoever was given a request sees that request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from dispatch.organisation_tables import Organisation, OrganisationMember, TicketJourney
from dispatch.recording_tables import Recording
from dispatch.tables import Arrival, ArrivalTicket, Offer, StaffTask, Ticket
from foundation.scope import EVERYWHERE, NOWHERE, Scope, scope_of
from residents import divisions, proposals
from residents import queries as residents
from residents.narrowing import narrowed
from residents.tables import Home, HomeMember, Person

_ENDED = ("closed", "archived")
_CITY = 4
"""Digits of a city's code."""


@dataclass(frozen=True)
class Rights:
    """What members of a kind of organisation may do.

    `names`: residents and requests by name; `area`: all of its division, not only what was given to it; `calls`: take
    calls and alarms, with all that belongs to a seat; `keeps`: the records of its residents are its own to confirm,
    correct and download; `samples`: hear sampled recordings. Figures are for everybody.
    """

    names: bool = False
    area: bool = False
    calls: bool = False
    keeps: bool = False
    samples: bool = False


RIGHTS: dict[str, Rights] = {
    "owner": Rights(area=True, samples=True),
    "operating_body": Rights(names=True, area=True, calls=True),
    "station": Rights(names=True, area=True, keeps=True),
    "desk": Rights(names=True, area=True, keeps=True),
    "affairs_station": Rights(names=True, area=True, keeps=True),
    "volunteer_group": Rights(names=True),
    "outside": Rights(),
}
"""By kind of organisation: hosts see figures and samples but no names, the operating body calls and tickets, desks and
stations their own area, volunteers what they were given; outside services have no accounts."""

OWN_PEOPLE = Rights(names=True, area=True, calls=True, keeps=True, samples=True)
"""Accounts without an organisation are the installation's own: a small site needs no tree at all."""


@dataclass(frozen=True)
class Sight:
    """One person's rights, and the divisions in which they hold."""

    scope: Scope
    rights: Rights = OWN_PEOPLE
    organisation_id: int | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is out of sight."""
        return self.scope.everywhere and self.rights.names

    @property
    def whole_city(self) -> bool:
        """Whether what concerns every district, such as what the telephone says, is this person's to change."""
        return self.rights.calls and any(len(prefix) <= _CITY for prefix in self.scope.prefixes)

    def tickets(self) -> ColumnElement[bool]:
        """Tickets of the area, and those that were given to the own organisation."""
        if self.everything:
            return true()
        if not self.rights.names:
            return false()
        if self.organisation_id is None:
            return placed(self.scope)
        given = select(TicketJourney.ticket_id).where(TicketJourney.organisation_id == self.organisation_id)
        return or_(placed(self.scope), Ticket.owner == f"org:{self.organisation_id}", Ticket.id.in_(given))

    def opened(self) -> ColumnElement[bool]:
        """Tickets whose page may be opened: `tickets`, and every open alarm for those who take calls."""
        if not self.rights.calls or self.everything:
            return self.tickets()
        return or_(self.tickets(), and_(Ticket.kind == "emergency", Ticket.state.not_in(_ENDED)))

    def arrivals(self) -> ColumnElement[bool]:
        """Arrivals of a home of the area, or of a ticket in sight; for who takes calls also those of no known place."""
        if self.everything:
            return true()
        if not self.rights.names:
            return false()
        homes = select(Home.id).where(self.scope.where(Home.division_code))
        of_tickets = select(ArrivalTicket.arrival_id).join(Ticket, Ticket.id == ArrivalTicket.ticket_id)
        seen: list[ColumnElement[bool]] = [Arrival.home_id.in_(homes), Arrival.id.in_(of_tickets.where(self.tickets()))]
        if self.scope.unplaced:
            ticket = select(ArrivalTicket.ticket_id).where(ArrivalTicket.arrival_id == Arrival.id)
            seen.append(and_(Arrival.home_id.is_(None), ~ticket.exists()))
        return or_(*seen)

    def in_area(self, code: str) -> Sight:
        """As much of it as lies in this division."""
        return replace(self, scope=self.scope.within(scope_of([code])), organisation_id=None)

    def on_duty(self, arrival: Arrival) -> bool:
        """Whether this call is at hand: whoever takes calls must see who is on the line, wherever they live."""
        return self.rights.calls and (arrival.state == "live" or arrival.disposition is None)


def placed(scope: Scope) -> ColumnElement[bool]:
    """Tickets of an area: by their community, or where that is not known by their district."""
    return or_(
        and_(Ticket.community != "", scope.where(Ticket.community)),
        and_(Ticket.community == "", scope.where(Ticket.district)),
    )


ALL = Sight(EVERYWHERE)
"""The sight of the installation's own people."""
BLIND = Sight(NOWHERE, Rights())
"""The sight of somebody whose organisation is closed."""


def of_user(session: Session, user_id: int, on: date) -> Sight:
    """What this account sees on that day."""
    row = session.execute(
        select(Organisation)
        .join(OrganisationMember, OrganisationMember.organisation_id == Organisation.id)
        .where(OrganisationMember.user_id == user_id)
    ).first()
    return ALL if row is None else of_organisation(session, row[0], on)


def of_organisation(session: Session, organisation: Organisation, on: date) -> Sight:
    """What members of the organisation see on that day."""
    if organisation.closed_at is not None:
        return BLIND
    rights = RIGHTS[organisation.kind]
    scope = NOWHERE
    if rights.area:
        scope = divisions.area(session, organisation.division_code, on, unplaced=rights.calls)
    return Sight(scope, rights, organisation.id)


def sees_ticket(session: Session, sight: Sight, ticket_id: int) -> bool:
    """Whether this ticket's page may be opened."""
    return session.scalar(select(Ticket.id).where(Ticket.id == ticket_id, sight.opened())) is not None


def sees_arrival(session: Session, sight: Sight, arrival_id: int) -> bool:
    """Whether this call's page may be opened."""
    arrival = session.get(Arrival, arrival_id)
    if arrival is None:
        return False
    if sight.everything or sight.on_duty(arrival):
        return True
    if session.scalar(select(Arrival.id).where(Arrival.id == arrival_id, sight.arrivals())) is None:
        return False
    if arrival.home_id is not None or not arrival.caller:
        return True
    # The line may belong to somebody of another area, though the call itself led to nothing that has a place.
    known = residents.find_by_number(session, arrival.caller)
    return not known.known or narrowed(session, known, sight.scope).known or _has_ticket(session, arrival_id)


def sees_home(session: Session, sight: Sight, home_id: int) -> bool:
    """Whether this home's record may be opened: of the area, or of a call or request at hand."""
    code = session.scalar(select(Home.division_code).where(Home.id == home_id))
    if code is None or not sight.rights.names:
        return False
    if sight.scope.covers(code):
        return True
    open_request = select(Ticket.id).where(Ticket.home_id == home_id, Ticket.state.not_in(_ENDED), sight.opened())
    if session.scalar(open_request.limit(1)) is not None:
        return True
    if not sight.rights.calls:
        return False
    lives = select(HomeMember.person_id).where(HomeMember.home_id == home_id)
    phones = select(Person.phone).where(Person.id.in_(lives))
    up = and_(Arrival.state == "live", or_(Arrival.home_id == home_id, Arrival.caller.in_(phones)))
    return session.scalar(select(Arrival.id).where(up).limit(1)) is not None


def sees_person(session: Session, sight: Sight, person_id: int) -> bool:
    """Whether this resident's record may be opened: by one of their homes."""
    if session.get(Person, person_id) is None or not sight.rights.names:
        return False
    homes = list(session.scalars(select(HomeMember.home_id).where(HomeMember.person_id == person_id)))
    if not homes:
        return sight.scope.covers(None)
    return any(sees_home(session, sight, home_id) for home_id in homes)


def sees_offer(session: Session, sight: Sight, offer_id: int) -> bool:
    """Whether this offer's ticket may be opened."""
    ticket_id = session.scalar(select(Offer.ticket_id).where(Offer.id == offer_id))
    return ticket_id is not None and sees_ticket(session, sight, ticket_id)


def sees_recording(session: Session, sight: Sight, recording_id: int) -> bool:
    """Whether the call that was recorded may be opened."""
    row = session.get(Recording, recording_id)
    if row is None:
        return False
    return sees_arrival(session, sight, row.arrival_id) if row.arrival_id else sight.scope.covers(None)


def sees_task(session: Session, sight: Sight, task_id: int) -> bool:
    """Whether this task of the desk is about something in sight."""
    task = session.get(StaffTask, task_id)
    if task is None:
        return False
    if task.ticket_id is not None:
        return sees_ticket(session, sight, task.ticket_id)
    return sees_arrival(session, sight, task.arrival_id) if task.arrival_id else sight.rights.calls


def sees_proposal(session: Session, sight: Sight, proposal_id: int) -> bool:
    """Whether this correction is about a record of the area."""
    code = proposals.division_of(session, proposal_id)
    return code is not None and sight.rights.names and sight.scope.covers(code)


def _has_ticket(session: Session, arrival_id: int) -> bool:
    return session.get(ArrivalTicket, arrival_id) is not None
