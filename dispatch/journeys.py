"""Requests that travel: up from a district to the city, down to a desk (转办), and back. The record of where they went.

A ticket keeps its number, its history and its district all the way (首接负责制). Nothing here changes state, owner or
deadlines: who sends a request on does, in the same transaction.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import organisations
from dispatch.errors import BadInput
from dispatch.organisation_tables import TicketJourney
from dispatch.tables import Ticket
from foundation.text import one_line
from foundation.writer import Work

TRIGGERS = {
    "no_able_provider": ("区内没有能服务的单位", "no able provider in the district"),
    "all_declined": ("区内单位都拒绝或超时", "all of the district declined or let it expire"),
    "accept_limit_twice": ("两次超过接单时限", "the accept limit passed twice"),
    "resident_asked": ("居民要求", "the resident asks"),
}
"""Why a request goes up to the city (zh, en)."""


def go_up(w: Work, ticket: Ticket, trigger: str) -> bool:
    """The district hands the request to its city; False when it is there already."""
    if trigger not in TRIGGERS:
        raise BadInput("不是已知的上送原因", f"a request goes up for one of {', '.join(TRIGGERS)}")
    if _under_way(w.session, ticket.id, "up") is not None:
        return False
    home = ticket.district or ticket.community[:6]
    _begin(w, ticket, "up", home[:4], trigger, None)
    w.log("request.went_up", ticket_id=ticket.id, trigger=trigger, division=home[:4], district=home)
    return True


def go_down(w: Work, ticket: Ticket, organisation_id: int, reason: str) -> None:
    """The request is given to an organisation's desk; one it was with before has it no more."""
    organisation = organisations.open_one(w.session, organisation_id)
    before = _under_way(w.session, ticket.id, "down")
    if before is not None:
        if before.organisation_id == organisation_id:
            return
        _end(w, before, "given to another / 改派他处")
    _begin(w, ticket, "down", organisation.division_code, one_line(reason, 200), organisation_id)
    w.log("request.went_down", ticket_id=ticket.id, desk=f"org:{organisation_id}", reason=one_line(reason, 200))


def come_back(w: Work, ticket: Ticket, reason: str, direction: str = "down") -> bool:
    """The request is with its district's desk again; False when it was not away."""
    row = _under_way(w.session, ticket.id, direction)
    if row is None:
        return False
    _end(w, row, reason)
    desk = f"org:{row.organisation_id}" if row.organisation_id is not None else "city"
    w.log("request.came_back", ticket_id=ticket.id, desk=desk, reason=one_line(reason, 200))
    return True


def of_ticket(session: Session, ticket_id: int) -> list[TicketJourney]:
    """Where the request went, in order."""
    rows = select(TicketJourney).where(TicketJourney.ticket_id == ticket_id).order_by(TicketJourney.id)
    return list(session.scalars(rows))


def _under_way(session: Session, ticket_id: int, direction: str) -> TicketJourney | None:
    return session.scalar(
        select(TicketJourney).where(
            TicketJourney.ticket_id == ticket_id, TicketJourney.direction == direction, TicketJourney.ended_at.is_(None)
        )
    )


def _begin(w: Work, ticket: Ticket, direction: str, to: str, reason: str, organisation_id: int | None) -> None:
    w.session.add(
        TicketJourney(
            ticket_id=ticket.id, direction=direction, organisation_id=organisation_id, division_code=to,
            from_division=ticket.community or ticket.district, reason=reason, began_at=w.now, began_by=w.actor,
        )
    )  # fmt: skip
    w.session.flush()


def _end(w: Work, row: TicketJourney, why: str) -> None:
    row.ended_at, row.ended_by, row.ended_why = w.now, w.actor, one_line(why, 200)
    w.session.flush()
