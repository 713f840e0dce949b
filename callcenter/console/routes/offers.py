"""Offers by hand: another mode for a ticket, picking among named times, and moving an order that somebody holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import InHouse, Operator
from callcenter.console.routes.tickets import MaybeId, RowId, TicketId, page_of
from dispatch import collecting, offers, taking_back, visits
from foundation.text import one_line
from foundation.writer import Priority

router = APIRouter()

Reason = Annotated[str, Form(min_length=1, max_length=200)]


@router.post("/tickets/{ticket_id}/offer-by-mode")
def offer_by_mode(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    mode: Annotated[str, Form(pattern="^(sequential|broadcast|collect|manual)$")],
    pick: Annotated[str, Form(pattern="^(rule|operator)$")] = "rule",
) -> HTMLResponse:  # fmt: skip
    """Begin to offer in another mode than the item's; times that are collected are picked by the rule or a person."""
    in_house.writer.call(offers.begin, ticket_id, mode, None, pick, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/pick")
def pick(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, offer_id: RowId
) -> HTMLResponse:  # fmt: skip
    """The order goes to this one of those who named their time."""
    in_house.writer.call(collecting.pick, ticket_id, offer_id, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/departed")
def departed(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """The provider says by telephone that it is on the way."""
    in_house.writer.call(visits.departed, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/give-back")
def give_back(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, reason: Reason
) -> HTMLResponse:  # fmt: skip
    """The provider gives the order back by telephone; the next is asked."""
    in_house.writer.call(
        taking_back.give_back, ticket_id, one_line(reason, 200), actor=viewer.actor, priority=Priority.CALL
    )
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/reassign")
def reassign(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, reason: Reason,
    provider_id: MaybeId = None,
) -> HTMLResponse:  # fmt: skip
    """Take the order from whoever holds it, and put it to this provider, or to the next."""
    in_house.writer.call(
        taking_back.reassign, ticket_id, one_line(reason, 200), provider_id, actor=viewer.actor, priority=Priority.CALL
    )
    return page_of(request, in_house, viewer, ticket_id)
