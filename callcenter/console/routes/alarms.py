"""An alarm in hand. Each of these goes before everything that is no emergency."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse

from callcenter.console import family
from callcenter.console.house import House, InHouse, Operator
from callcenter.console.sessions import Viewer
from dispatch import alarms, cards
from dispatch.errors import missing
from dispatch.names import Names
from foundation.errors import Conflict
from foundation.writer import Priority

router = APIRouter()

TicketId = Annotated[int, Path(ge=1, le=2**53)]
Who = Annotated[str, Form(max_length=40, pattern=r"^(contact|duty)-\d{1,9}$")]


@router.post("/alarms/{ticket_id}/take")
def take(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """接警: the alarm is mine, or the truth about whose it is."""
    by = f"seat-{viewer.seat}" if viewer.seat else viewer.actor
    if not _do(in_house, viewer, alarms.take, ticket_id, by):
        with in_house.database.read() as session:
            page = cards.ticket_page(session, ticket_id)
            holder = page.ticket.taken_by if page else None
            names = Names(session)
            zh, en = names.of(holder, "zh_CN"), names.of(holder, "en")
        raise Conflict(f"这起警情已由{zh}接警", f"This alarm was already taken by {en}")
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/confirm")
def confirm(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    how: Annotated[str, Form(pattern="^(voice|door)$")],
) -> HTMLResponse:  # fmt: skip
    """The person was heard, or seen at the door."""
    _do(in_house, viewer, alarms.confirm, ticket_id, how)
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/grade")
def grade(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    grade: Annotated[str, Form(pattern="^(critical|urgent|concern|ordinary|accidental)$")],
) -> HTMLResponse:  # fmt: skip
    """How serious it is."""
    _do(in_house, viewer, alarms.grade, ticket_id, grade)
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/ring")
def ring(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, who: Who) -> HTMLResponse:
    """呼叫家属: ring a contact for the waiting call."""
    _do(in_house, viewer, family.ring, ticket_id, who, in_house.plan)
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/write")
def write(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, who: Who) -> HTMLResponse:
    """Tell a contact by text."""
    _do(in_house, viewer, family.write, ticket_id, who, in_house.plan)
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/ring-back")
def ring_back(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """回拨: call the line back."""
    _do(in_house, viewer, family.ring_back, ticket_id, in_house.plan)
    return _page(request, in_house, viewer, ticket_id)


@router.post("/alarms/{ticket_id}/close")
def close(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    outcome: Annotated[str, Form(max_length=20)],
    text: Annotated[str, Form(min_length=1, max_length=4000)],
) -> HTMLResponse:  # fmt: skip
    """办结: with its outcome and a note."""
    _do(in_house, viewer, alarms.close, ticket_id, outcome, text)
    return _page(request, in_house, viewer, ticket_id)


def _do(in_house: House, viewer: Viewer, command: Any, *args: Any) -> Any:
    return in_house.writer.call(command, *args, actor=viewer.actor, priority=Priority.EMERGENCY)


def _page(request: Request, in_house: House, viewer: Viewer, ticket_id: int) -> HTMLResponse:
    with in_house.database.read() as session:
        page = cards.ticket_page(session, ticket_id)
        if page is None:
            raise missing("警情", "alarm", ticket_id)
        return in_house.pages.matter(request, "ticket.html", viewer, "tickets", page=page, ranked=[])
