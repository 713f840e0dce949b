"""Who can serve a request: the three a resident chooses among, one by name, and whom the resident does not want."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import InHouse, Operator
from callcenter.console.routes.tickets import RowId, TicketId, page_of
from dispatch import choices, matching
from dispatch.errors import missing
from dispatch.tables import Ticket
from foundation.text import one_line
from foundation.writer import Priority

router = APIRouter()

NAMES_SHOWN = 8


@router.get("/tickets/{ticket_id}/named")
def named(
    in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_q: Annotated[str, Query(max_length=40)] = ""
) -> HTMLResponse:
    """Providers of the item whose names hold these words, wherever they go, each with what stands against it."""
    with in_house.database.read() as session:
        ticket = session.get(Ticket, ticket_id)
        if ticket is None:
            raise missing("工单", "ticket", ticket_id)
        found = matching.named(session, ticket, one_line(provider_q, 40), in_house.clock.now(), NAMES_SHOWN)
        return in_house.pages.fragment("candidates_named.html", viewer, x=ticket, found=found, q=provider_q)


@router.post("/tickets/{ticket_id}/choose")
def choose(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_id: RowId
) -> HTMLResponse:
    """The resident takes one of the three."""
    in_house.writer.call(choices.choose, ticket_id, provider_id, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/name")
def name(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_id: RowId
) -> HTMLResponse:
    """The resident asks for this one by name."""
    in_house.writer.call(choices.name, ticket_id, provider_id, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/refuse")
def refuse(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_id: RowId,
    reason: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:  # fmt: skip
    """The resident does not want this one, now or later."""
    in_house.writer.call(choices.refuse, ticket_id, provider_id, one_line(reason, 200), actor=viewer.actor,
                         priority=Priority.CALL)  # fmt: skip
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/allow")
def allow(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_id: RowId
) -> HTMLResponse:
    """The resident would have it again."""
    in_house.writer.call(choices.allow_again, ticket_id, provider_id, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)
