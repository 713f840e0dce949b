"""What providers answer (接单, 拒单), what silence means, and the truth for whoever comes too late.

The winner is decided by one conditional UPDATE on the ticket's row; a partial unique index stands behind it. Locks are
taken in one order: the ticket, its offers, the outbox.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from dispatch import collecting, offers, states, tickets
from dispatch.errors import OfferAlreadyTaken, missing
from dispatch.holding import Winner, give
from dispatch.offer_policy import COLLECT
from dispatch.tables import Offer, Ticket
from foundation import outbox
from foundation.tables import Base
from foundation.text import one_line
from foundation.writer import Work
from providers.tables import MATCHED_STATES, Provider

_OFFERS, _TICKETS = Base.metadata.tables[Offer.__tablename__], Base.metadata.tables[Ticket.__tablename__]
_PROVIDERS = Base.metadata.tables[Provider.__tablename__]
_BEING_OFFERED = ("offered", "escalated")
_MAY_ACCEPT = ("offered", "proposed", "expired", "declined")
"""An offer that ran out, or was declined, may still be accepted while the order is free."""
_OFFER = (
    select(
        _OFFERS.c.id, _OFFERS.c.ticket_id, _OFFERS.c.provider_id, _OFFERS.c.round, _OFFERS.c.mode, _OFFERS.c.phone,
        _PROVIDERS.c.name,
    )
    .join_from(_OFFERS, _PROVIDERS, _PROVIDERS.c.id == _OFFERS.c.provider_id)
    .where(_OFFERS.c.id == bindparam("offer"))
)  # fmt: skip
_TICKET_OF = (
    select(Ticket)
    .where(Ticket.id == select(_OFFERS.c.ticket_id).where(_OFFERS.c.id == bindparam("offer")).scalar_subquery())
    .with_for_update()
    .execution_options(populate_existing=True)
)
_CLAIM = (
    update(Ticket)
    .where(
        Ticket.id == bindparam("of_ticket"),
        Ticket.assigned_provider_id.is_(None),
        Ticket.state.in_(_BEING_OFFERED),
        Ticket.round == bindparam("of_round"),
        # Who was suspended or left meanwhile gets nothing any more, however early it was asked.
        select(_PROVIDERS.c.id)
        .where(_PROVIDERS.c.id == bindparam("provider"), _PROVIDERS.c.state.in_(MATCHED_STATES))
        .exists(),
    )
    .values(assigned_provider_id=bindparam("provider"), accepted_offer_id=bindparam("offer"))
    .returning(Ticket)
    .execution_options(synchronize_session=False, populate_existing=True)
)
_ACCEPT = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state.in_(_MAY_ACCEPT))
    .values(
        state="accepted", answered_at=bindparam("at"), answered_by=bindparam("by"), eta_minutes=bindparam("minutes"),
        ended_at=None, ended_by=None, decline_reason=None,
    )
)  # fmt: skip
_DECLINE = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state.in_(("offered", "proposed")))
    .values(
        state="declined", answered_at=bindparam("at"), answered_by=bindparam("by"), decline_reason=bindparam("reason"),
        ended_at=bindparam("at"), ended_by=bindparam("by"),
    )
    .returning(_OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.mode)
)  # fmt: skip
_FAIL = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state == "offered")
    .values(state="failed", ended_at=bindparam("at"), ended_by=bindparam("by"), withdrawn_why=bindparam("why"))
    .returning(_OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.mode)
)
_EXPIRE = (
    update(_OFFERS)
    .where(
        _OFFERS.c.ticket_id == bindparam("of_ticket"), _OFFERS.c.state == "offered",
        _OFFERS.c.expires_at <= bindparam("at"),
    )
    .values(state="expired", ended_at=bindparam("at"), ended_by=bindparam("by"))
    .returning(_OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.mode)
)  # fmt: skip
_STANDS = select(
    _TICKETS.c.state, _TICKETS.c.round, _TICKETS.c.accepted_offer_id, _TICKETS.c.assigned_provider_id
).where(_TICKETS.c.id == bindparam("of_ticket"))


class Answer(StrEnum):
    """What an accepting provider hears."""

    YOURS = "yours"
    YOURS_ALREADY = "yours_already"
    NOTED = "noted"
    """Arrival times are collected: its own is noted, and one provider will be picked."""
    TAKEN = "taken"
    CLOSED = "closed"


def accept(w: Work, offer_id: int, minutes: int | None = None) -> Answer:
    """The provider takes the order, or names its time where times are collected.

    Exactly one gets `YOURS`; everybody else gets the truth, never an error. Raises `NoSuchThing` for no offer at all,
    and `OfferAlreadyTaken` should the database itself have to refuse a second winner.
    """
    offer = _read(w, offer_id)
    if offer.mode == COLLECT:
        noted = _propose(w, offer, minutes)
        if noted is not None:
            return noted
    try:
        ticket = _claim(w, offer, minutes)
    except IntegrityError as error:  # the index behind the UPDATE: nobody has ever come here
        raise OfferAlreadyTaken("该工单已由他人承接", "the order is taken by another") from error
    if ticket is None:
        return _truth(w, offer)
    give(w, ticket, Winner(offer.id, offer.provider_id, offer.name, offer.phone, minutes))
    return Answer.YOURS


def decline(w: Work, offer_id: int, reason: str = "") -> bool:
    """The provider does not take it, or takes its named time back; the next is asked. False: it was over already."""
    ticket = _ticket_of(w, offer_id)
    reason = one_line(reason, 200)
    told = {"offer": offer_id, "at": w.now, "by": w.actor, "reason": reason}
    offer = w.connection.execute(_DECLINE, told).one_or_none()
    if offer is None:
        return False
    _ended(w, ticket, offer, "declined", reason=reason)
    return True


def fail(w: Work, offer_id: int, reason: str) -> None:
    """The question could not be sent at all: the next one is asked at once."""
    ticket = _ticket_of(w, offer_id)
    reason = one_line(reason, 200)
    told = {"offer": offer_id, "at": w.now, "by": w.actor, "why": reason}
    offer = w.connection.execute(_FAIL, told).one_or_none()
    if offer is not None:
        _ended(w, ticket, offer, "failed", reason=reason)


def expire_due(w: Work, ticket: Ticket) -> None:
    """The limit passed for those of the locked ticket's offers that are due: others are asked, or somebody decides."""
    told = {"of_ticket": ticket.id, "at": w.now, "by": w.actor}
    w.session.flush()
    ended = sorted(w.connection.execute(_EXPIRE, told).all())
    if ended:
        outbox.withdraw(w.session, "the offer is expired", offer_ids=[row.id for row in ended])
    for row in ended:
        w.log("offer.expired", ticket_id=ticket.id, offer=row.id, provider=row.provider_id)
    offers.go_on(w, ticket, ended[0].mode if ended else "")


def _claim(w: Work, offer: Row[*tuple[Any, ...]], minutes: int | None) -> Ticket | None:
    """Decide: the order goes to this offer if it is free, in this round, and the offer still stands; else None."""
    told = {"of_ticket": offer.ticket_id, "of_round": offer.round, "provider": offer.provider_id, "offer": offer.id}
    ticket: Ticket | None = w.session.scalars(_CLAIM, told).one_or_none()
    if ticket is None:
        return None
    answer = {"offer": offer.id, "at": w.now, "by": w.actor, "minutes": minutes}
    if w.connection.execute(_ACCEPT, answer).rowcount == 1:
        return ticket
    ticket.assigned_provider_id = ticket.accepted_offer_id = None
    w.session.flush()
    return None


def _propose(w: Work, offer: Row[*tuple[Any, ...]], minutes: int | None) -> Answer | None:
    """Note the time, while times are collected; None when that is over, and a yes would be a yes."""
    ticket = tickets.locked(w.session, offer.ticket_id)
    if ticket.state != "offered" or ticket.assigned_provider_id is not None or ticket.round != offer.round:
        return None
    if not collecting.undecided(w, ticket.id):
        return None
    if not collecting.propose(w, ticket, offer.id, minutes):
        return None
    if ticket.accepted_offer_id is None:
        return Answer.NOTED
    return Answer.YOURS if ticket.accepted_offer_id == offer.id else Answer.TAKEN  # its word closed the gathering


def _truth(w: Work, offer: Row[*tuple[Any, ...]]) -> Answer:
    ticket = w.connection.execute(_STANDS, {"of_ticket": offer.ticket_id}).one()
    if not states.is_open(ticket.state) or ticket.state == "done":
        return Answer.CLOSED
    if ticket.accepted_offer_id == offer.id:
        return Answer.YOURS_ALREADY
    w.log("offer.too_late", ticket_id=offer.ticket_id, offer=offer.id, provider=offer.provider_id)
    return Answer.TAKEN if ticket.assigned_provider_id is not None else Answer.CLOSED


def _ended(w: Work, ticket: Ticket, offer: Row[*tuple[Any, ...]], state: str, **detail: Any) -> None:
    outbox.withdraw(w.session, f"the offer is {state}", offer_ids=[offer.id])
    w.log(f"offer.{state}", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id, **detail)
    offers.go_on(w, ticket, offer.mode)


def _ticket_of(w: Work, offer_id: int) -> Ticket:
    """The ticket that the offer is about, locked."""
    ticket = w.session.scalar(_TICKET_OF, {"offer": offer_id})
    if ticket is None:
        raise missing("派单", "offer", offer_id)
    return ticket


def _read(w: Work, offer_id: int) -> Row[*tuple[Any, ...]]:
    w.session.flush()
    offer = w.connection.execute(_OFFER, {"offer": offer_id}).one_or_none()
    if offer is None:
        raise missing("派单", "offer", offer_id)
    return offer
