"""Tickets: the list, a new service request, and each step of its course, also on another's behalf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from callcenter.console import item_search
from callcenter.console.house import Caseworker, House, InHouse, Operator
from callcenter.console.sessions import Viewer
from dispatch import (
    answers,
    cards,
    choices,
    follow_up,
    matching,
    offers,
    queries,
    service_requests,
    staff_tasks,
    ticket_list,
    tickets,
    visits,
)
from dispatch.answers import Answer
from dispatch.errors import missing
from dispatch.ranking import Ranked
from dispatch.service_requests import NewRequest
from dispatch.tables import TICKET_KINDS
from foundation.errors import Conflict, Invalid
from foundation.text import clean, one_line
from foundation.writer import Priority
from providers.taxonomy import ITEMS
from residents import queries as residents

router = APIRouter()

TicketId = Annotated[int, Path(ge=1, le=2**53)]
RowId = Annotated[int, Form(ge=1, le=2**53)]
MaybeId = Annotated[int | None, Form(ge=1, le=2**53)]
Short = Annotated[str, Form(max_length=200)]
SHOWN_PROVIDERS = 3
SHOWN_CANDIDATES = ("registered", "escalated", "offered", "accepted", "arrived")


@router.get("/tickets")
def list_tickets(
    request: Request,
    in_house: InHouse,
    viewer: Caseworker,
    show: Annotated[str, Query(pattern="^(open|closed|all)$")] = "open",
    kind: Annotated[str, Query(pattern=f"^(|{'|'.join(TICKET_KINDS)})$")] = "",
    q: Annotated[str, Query(max_length=60)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    after: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    area: Annotated[str, Query(pattern="^([0-9]{4,15})?$")] = "",
) -> HTMLResponse:
    """Tickets, newest first, by state, kind, words or division."""
    sight = viewer.sight.in_area(area) if area else viewer.sight
    with in_house.database.read() as session:
        found = ticket_list.tickets(
            session, show=show, kind=kind, text=one_line(q, 60), before=before, after=after, sight=sight,
            plan=in_house.plan,
        )  # fmt: skip
    return in_house.pages.matter(request, "tickets.html", viewer, "tickets", found=found, area=area)


@router.get("/tickets/new")
def new_request(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    arrival: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    home: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """The form of a new service request, filled with what is known of the caller."""
    with in_house.database.read() as session:
        caller = None
        if arrival is not None:
            caller = cards.caller_card(session, arrival, viewer.sight)
        elif home is not None:
            caller = cards.home_card(session, home, viewer.sight)
        communities = residents.communities(session, in_house.clock.now().date(), viewer.scope)
        return in_house.pages.matter(
            request, "request_form.html", viewer, "desk", caller=caller, communities=communities,
            items=item_search.search("", viewer.locale),
        )  # fmt: skip


@router.get("/items")
def items(in_house: InHouse, viewer: Caseworker, item_q: Annotated[str, Query(max_length=30)] = "") -> HTMLResponse:
    """Items of the taxonomy, found by characters, pinyin, initials or code."""
    return in_house.pages.fragment("items.html", viewer, items=item_search.search(item_q, viewer.locale), q=item_q)


@router.post("/tickets")
def open_request(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    item: Annotated[str, Form(pattern=r"^\d{4}$")],
    summary: Annotated[str, Form(min_length=1, max_length=500)],
    address: Annotated[str, Form(min_length=1, max_length=200)],
    community: Annotated[str, Form(pattern=r"^\d{12}$")],
    phone: Annotated[str, Form(max_length=40)] = "",
    caller_name: Annotated[str, Form(max_length=80)] = "",
    urgency: Annotated[str, Form(pattern="^(normal|urgent|extra_urgent)$")] = "normal",
    follow_up_by: Annotated[str, Form(pattern="^(|sms|call)$")] = "",
    who: Short = "",
    when: Short = "",
    where: Short = "",
    cause: Short = "",
    course: Annotated[str, Form(max_length=2000)] = "",
    home_id: MaybeId = None,
    person_id: MaybeId = None,
    arrival_id: MaybeId = None,
) -> HTMLResponse:
    """Register a service request; its page then shows who can serve."""
    number = in_house.plan.parse(phone)
    if phone.strip() and not number.known:
        raise Invalid("联系电话不是一个号码", "The telephone is no number", field="phone")
    if item not in ITEMS:
        raise Invalid("请从目录中选择服务项目", "Choose an item of the catalogue", field="item")
    if not viewer.scope.covers(community):
        raise Invalid("这个社区不在您的区域内", "This community is not in your area", field="community")
    told = {"who": who, "when": when, "where": where, "cause": cause, "course": course}
    new = NewRequest(
        item=item, summary=clean(summary, 500), address=one_line(address, 200), community=community,
        caller=number.e164, caller_name=one_line(caller_name, 80), home_id=home_id, person_id=person_id,
        arrival_id=arrival_id, elements={k: clean(v, 2000) for k, v in told.items() if v.strip()}, urgency=urgency,
        follow_up_by=follow_up_by,
    )  # fmt: skip
    ticket_id = in_house.writer.call(
        service_requests.open_request, new, in_house.plan, actor=viewer.actor, priority=Priority.CALL
    )
    answer = page_of(request, in_house, viewer, ticket_id)
    answer.headers["HX-Push-Url"] = f"/tickets/{ticket_id}"
    return answer


@router.get("/tickets/{ticket_id}")
def ticket(request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId) -> HTMLResponse:
    """A ticket, an alarm's too: what it is, what happened, what can be done now."""
    return page_of(request, in_house, viewer, ticket_id)


@router.get("/tickets/{ticket_id}/facts")
def ticket_facts(in_house: InHouse, viewer: Caseworker, ticket_id: TicketId) -> HTMLResponse:
    """The part of the page that changes by itself."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("ticket_facts.html", viewer, page=_found(session, ticket_id))


@router.get("/tickets/{ticket_id}/actions")
def ticket_actions(in_house: InHouse, viewer: Caseworker, ticket_id: TicketId) -> HTMLResponse:
    """What can be done now."""
    with in_house.database.read() as session:
        page = _found(session, ticket_id)
        return in_house.pages.fragment(
            "ticket_actions.html",
            viewer,
            page=page,
            ranked=_ranked(session, in_house, page),
            refused=choices.refused(session, page.ticket),
        )


@router.post("/tickets/{ticket_id}/note")
def note(
    request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId,
    text: Annotated[str, Form(min_length=1, max_length=4000)],
) -> HTMLResponse:  # fmt: skip
    """Write a note into the ticket."""
    in_house.writer.call(tickets.add_note, ticket_id, text, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/offer")
def offer(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, provider_id: MaybeId = None
) -> HTMLResponse:
    """Put the order to the provider the resident chose, or to the best one and on by itself."""
    if provider_id is not None:
        in_house.writer.call(offers.offer_to, ticket_id, provider_id, actor=viewer.actor, priority=Priority.CALL)
    else:
        in_house.writer.call(service_requests.begin_offers, ticket_id, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/accept")
def accept(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, offer_id: RowId,
    minutes: Annotated[int | None, Form(ge=1, le=1440)] = None,
) -> HTMLResponse:  # fmt: skip
    """The provider said yes by telephone: accept on its behalf."""
    told = in_house.writer.call(answers.accept, offer_id, minutes, actor=viewer.actor, priority=Priority.CALL)
    if told not in (Answer.YOURS, Answer.YOURS_ALREADY, Answer.NOTED):
        raise Conflict("这张单已被别家接走或已经结束", "Another provider holds this order, or it is over")
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/decline")
def decline(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, offer_id: RowId, reason: Short = ""
) -> HTMLResponse:
    """The provider said no by telephone."""
    in_house.writer.call(answers.decline, offer_id, one_line(reason, 200), actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/arrived")
def arrived(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """The provider is at the door."""
    in_house.writer.call(visits.arrived, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/done")
def done(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    yuan: Annotated[int | None, Form(ge=0, le=999_999)] = None,
) -> HTMLResponse:  # fmt: skip
    """The work is finished; what it cost, in yuan."""
    in_house.writer.call(visits.done, ticket_id, yuan, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/grade")
def grade(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    grade: Annotated[int | None, Form(ge=1, le=5)] = None,
    solved: Annotated[str, Form(pattern="^(|yes|no)$")] = "",
) -> HTMLResponse:  # fmt: skip
    """What the resident says when asked: a grade of 1 to 5 (5 best), or that it is not solved."""
    told = {"yes": True, "no": False}.get(solved)
    in_house.writer.call(follow_up.answer, ticket_id, grade, told, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/cancel")
def cancel(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """The resident takes the request back."""
    in_house.writer.call(
        service_requests.cancel, ticket_id, one_line(reason, 200), actor=viewer.actor, priority=Priority.CALL
    )
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/close")
def close(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    outcome: Annotated[str, Form(pattern="^(answered|referred|served|unmet)$")],
    text: Annotated[str, Form(min_length=1, max_length=4000)],
) -> HTMLResponse:  # fmt: skip
    """Close with an outcome and a note."""
    in_house.writer.call(tickets.close, ticket_id, outcome, text, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tasks/{task_id}/done")
def task_done(in_house: InHouse, viewer: Operator, task_id: Annotated[int, Path(ge=1, le=2**53)]) -> HTMLResponse:
    """A person looked at it."""
    in_house.writer.call(staff_tasks.finish_task, task_id, actor=viewer.actor)
    with in_house.database.read() as session:
        return in_house.pages.fragment("waiting_deadlines.html", viewer, waiting=queries.waiting(session, viewer.sight))


def page_of(request: Request, in_house: House, viewer: Viewer, ticket_id: int) -> HTMLResponse:
    """The ticket's page as it is now: every step of its course ends with it."""
    with in_house.database.read() as session:
        page = _found(session, ticket_id)
        return in_house.pages.matter(
            request,
            "ticket.html",
            viewer,
            "tickets",
            page=page,
            ranked=_ranked(session, in_house, page),
            refused=choices.refused(session, page.ticket),
        )


def _found(session: Session, ticket_id: int) -> cards.TicketPage:
    page = cards.ticket_page(session, ticket_id)
    if page is None:
        raise missing("工单", "ticket", ticket_id)
    return page


def _ranked(session: Session, in_house: House, page: cards.TicketPage) -> Sequence[Ranked]:
    """Who can serve, best first, while the order may still go to somebody else."""
    if page.ticket.kind != "service_request" or page.ticket.state not in SHOWN_CANDIDATES:
        return []
    return matching.ranked(session, page.ticket, in_house.clock.now())
