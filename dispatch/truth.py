"""Whether a queued message is still true, asked again in the moment before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import states
from dispatch.messages import ALWAYS_ALLOWED
from dispatch.tables import Arrival, CallBack, Correspondent, FollowUp, Offer, RingBack, Ticket
from foundation.tables import OutboxMessage
from providers.queries import by_phone
from providers.tables import Provider, ProviderDocument, ProviderPhone

Check = Callable[[Session, OutboxMessage, datetime], str | None]


def untrue(session: Session, row: OutboxMessage, now: datetime) -> str | None:
    """Why `row` must not be sent any more; None when it is true."""
    if row.kind not in ALWAYS_ALLOWED and row.template != "opted_out":
        out = select(Correspondent.opted_out_at).where(Correspondent.number == row.recipient)
        if session.scalar(out) is not None:
            return "this number has opted out"
    check = _CHECKS.get(row.kind)
    return check(session, row, now) if check else None


def _ticket(session: Session, row: OutboxMessage) -> Ticket | None:
    if row.ticket_id is None:
        return None
    return session.get(Ticket, row.ticket_id, populate_existing=True)


def _leg(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is None or not states.is_open(ticket.state):
        return "the alarm is closed"
    if ticket.taken_at is not None and row.created_at <= ticket.taken_at:
        return f"the alarm is taken by {ticket.taken_by}"
    call = str(row.params.get("call", ""))
    arrival = session.execute(
        select(Arrival.state, Arrival.taken_by).where(Arrival.source == "call", Arrival.external_id == call)
    ).first()
    made = session.execute(select(RingBack.state, RingBack.taken_by).where(RingBack.call_id == call)).first()
    state, taken_by = arrival or made or ("ended", None)
    if state != "live":
        return "the call is over"
    return f"the call is taken by {taken_by}" if taken_by is not None else None


def _ring_back(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is None or not states.is_open(ticket.state):
        return "the alarm is closed"
    state = session.scalar(select(RingBack.state).where(RingBack.call_id == row.params.get("call")))
    return None if state == "wanted" else f"the ring-back is {state}"


def _call_back(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    state = session.scalar(select(CallBack.state).where(CallBack.call_id == row.params.get("call")))
    return None if state == "calling" else f"the call back is {state or 'a later attempt'}"


def _sos(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is None or ticket.state != "raised":
        return "the alarm is taken or closed"
    return None


def _offer(session: Session, row: OutboxMessage, now: datetime) -> str | None:
    offer = session.get(Offer, row.offer_id or 0, populate_existing=True)
    if offer is None or offer.state != "offered":
        return f"the offer is {offer.state if offer else 'gone'}"
    if offer.expires_at <= now:
        return "the offer's time is over"
    ticket = _ticket(session, row)
    if ticket is None or ticket.assigned_provider_id is not None or not states.is_open(ticket.state):
        return "the order is taken or over"
    return None


def _confirmation(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is None or ticket.accepted_offer_id != row.offer_id or ticket.state not in ("accepted", "arrived"):
        return "the provider does not hold this order"
    return None


def _withdrawal(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is not None and row.offer_id is not None and ticket.accepted_offer_id == row.offer_id:
        return "the provider holds this order" if states.is_open(ticket.state) else None
    return None


def _resident(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    allowed = {
        "resident_registered": ("registered", "offered", "escalated"),
        "resident_searching": ("offered", "escalated"),
        "resident_city": ("offered", "escalated"),
        "resident_neighbours": ("offered", "escalated"),
        "resident_coming": ("accepted",),
        "resident_on_way": ("accepted",),
        "resident_cancelled": ("closed",),
    }.get(row.template, ())
    if ticket is None or ticket.state not in allowed:
        return f"the ticket is {ticket.state if ticket else 'gone'}"
    return None


def _nudge(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    wanted = "accepted" if row.template == "nudge_arrive" else "arrived"
    if ticket is None or ticket.state != wanted or ticket.accepted_offer_id != row.offer_id:
        return f"the ticket is {ticket.state if ticket else 'gone'}"
    return None


def _follow_up(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    ticket = _ticket(session, row)
    if ticket is None or ticket.state != "done":
        return "the ticket is not waiting for its follow-up"
    state = session.scalar(
        select(FollowUp.state).where(FollowUp.ticket_id == ticket.id, FollowUp.round == ticket.round)
    )
    return None if state == "open" else f"the question is {state}"


def _standing(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    """What a provider is told of its standing must be its standing still."""
    provider = session.get(Provider, by_phone(session, row.recipient) or 0, populate_existing=True)
    if provider is None:
        return "the number is no provider's any more"
    if row.template == "paper_ends":
        ends = select(ProviderDocument.id).where(
            ProviderDocument.provider_id == provider.id, ProviderDocument.withdrawn_at.is_(None),
            ProviderDocument.valid_to == date.fromisoformat(str(row.params.get("day"))),
        )  # fmt: skip
        return None if session.scalar(ends.limit(1)) is not None else "no paper ends on that day"
    wanted = {"standing_warned": ("warned",), "standing_suspended": ("suspended",)}.get(
        row.template, ("active", "probation")
    )
    return None if provider.state in wanted else f"the provider is {provider.state}"


def _contact_test(session: Session, row: OutboxMessage, _now: datetime) -> str | None:
    asked = session.scalar(select(ProviderPhone.asked_code).where(ProviderPhone.number == row.recipient))
    return None if asked == row.params.get("code") else "the code is answered, or another was asked for"


_CHECKS: dict[str, Check] = {
    "leg": _leg,
    "ring_back": _ring_back,
    "call_back": _call_back,
    "sos": _sos,
    "offer": _offer,
    "offer_call": _offer,
    "confirmation": _confirmation,
    "withdrawal": _withdrawal,
    "resident": _resident,
    "nudge": _nudge,
    "follow_up": _follow_up,
    "standing": _standing,
    "contact_test": _contact_test,
}
