"""A call in hand: the caller's card, an answer on the spot, joining a ticket, and the ends that need no ticket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from callcenter.console.house import House, InHouse, Operator
from callcenter.console.sessions import Viewer
from dispatch import cards, dispositions, inquiries, repeats
from dispatch.cards import ENDED
from dispatch.errors import missing
from foundation.text import clean, one_line
from foundation.writer import Priority

router = APIRouter()

ArrivalId = Annotated[int, Path(ge=1, le=2**53)]


@router.get("/calls/{arrival_id}")
def call(request: Request, in_house: InHouse, viewer: Operator, arrival_id: ArrivalId) -> Response:
    """The caller's card, opened by hand or by itself where the call was answered.

    A call for help is dealt with on its alarm's page, where rescue card, steps and grades are: it opens that one.
    """
    with in_house.database.read() as session:
        caller = _found(session, viewer, arrival_id)
        alarm = caller.ticket
        if alarm is not None and alarm.kind == "emergency" and alarm.state not in ENDED:
            return RedirectResponse(f"/tickets/{alarm.id}", status_code=303)
        return in_house.pages.matter(request, "call.html", viewer, "desk", caller=caller)


@router.get("/calls/{arrival_id}/facts")
def call_facts(in_house: InHouse, viewer: Operator, arrival_id: ArrivalId) -> HTMLResponse:
    """The part of the card that changes by itself."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("call_facts.html", viewer, caller=_found(session, viewer, arrival_id))


@router.get("/calls/{arrival_id}/actions")
def call_actions(in_house: InHouse, viewer: Operator, arrival_id: ArrivalId) -> HTMLResponse:
    """The forms of the card."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("call_actions.html", viewer, caller=_found(session, viewer, arrival_id))


@router.post("/calls/{arrival_id}/answer")
def answer(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    arrival_id: ArrivalId,
    summary: Annotated[str, Form(min_length=1, max_length=200)],
    text: Annotated[str, Form(min_length=1, max_length=4000)],
) -> HTMLResponse:
    """Answered on the spot: an inquiry ticket, opened and closed."""
    with in_house.database.read() as session:
        caller = _found(session, viewer, arrival_id)
    people = caller.match.people
    in_house.writer.call(
        inquiries.answer, arrival_id, one_line(summary, 200), clean(text, 4000), caller=caller.number,
        caller_name=people[0].name if len(people) == 1 else "", home_id=caller.home_id,
        person_id=people[0].id if len(people) == 1 else None, plan=in_house.plan, actor=viewer.actor,
        priority=Priority.CALL,
    )  # fmt: skip
    return _card(request, in_house, viewer, arrival_id)


@router.post("/calls/{arrival_id}/dispose")
def dispose(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    arrival_id: ArrivalId,
    disposition: Annotated[str, Form(pattern="^(test|nuisance|wrong_number|abandoned)$")],
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:
    """An end that needs no ticket, with its reason."""
    in_house.writer.call(
        dispositions.dispose, arrival_id, disposition, one_line(reason, 200), actor=viewer.actor, priority=Priority.CALL
    )
    return _card(request, in_house, viewer, arrival_id)


@router.post("/calls/{arrival_id}/join")
def join(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    arrival_id: ArrivalId,
    ticket_id: Annotated[int, Form(ge=1, le=2**53)],
) -> HTMLResponse:
    """The call is about a matter that already has its ticket."""
    in_house.writer.call(repeats.join, arrival_id, ticket_id, actor=viewer.actor, priority=Priority.CALL)
    return _card(request, in_house, viewer, arrival_id)


def _card(request: Request, in_house: House, viewer: Viewer, arrival_id: int) -> HTMLResponse:
    with in_house.database.read() as session:
        return in_house.pages.matter(request, "call.html", viewer, "desk", caller=_found(session, viewer, arrival_id))


def _found(session: Session, viewer: Viewer, arrival_id: int) -> cards.CallerCard:
    card = cards.caller_card(session, arrival_id, viewer.sight)
    if card is None:
        raise missing("来件", "arrival", arrival_id)
    return card
