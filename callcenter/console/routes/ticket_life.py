"""What can be done with a ticket beside its offers: desks, returns and rulings, pauses, nudges, rounds, complaints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import Caseworker, House, InHouse, Operator, Supervisor
from callcenter.console.routes.tickets import MaybeId, Short, TicketId, page_of
from callcenter.console.sessions import Viewer
from dispatch import (
    cards,
    complaints,
    desk_work,
    follow_up,
    nudges,
    organisations,
    pauses,
    registration,
    repeats,
    rounds,
)
from dispatch.complaint_tables import CATEGORIES
from dispatch.errors import BadInput, missing
from dispatch.registration import NewMatter
from dispatch.tables import Ticket
from foundation.errors import Invalid
from foundation.text import clean, one_line
from foundation.writer import Priority
from residents import queries as residents

router = APIRouter()

Reason = Annotated[str, Form(min_length=1, max_length=400)]
DeskKey = Annotated[str, Form(pattern=r"^org:[0-9]{1,15}$")]
Words = Annotated[str, Form(min_length=1, max_length=4000)]


@router.get("/tickets/{ticket_id}/desks")
def desks(
    in_house: InHouse, viewer: Operator, ticket_id: TicketId, ruling: Annotated[bool, Query()] = False
) -> HTMLResponse:
    """The desks that may be given this matter, the nearest first."""
    with in_house.database.read() as session:
        ticket = session.get(Ticket, ticket_id)
        if ticket is None:
            raise missing("工单", "ticket", ticket_id)
        near = []
        if ticket.community:
            near = organisations.desks_for(session, ticket.community, in_house.clock.now().date())
        known = {desk.id for desk in near}
        others = [row for row in organisations.desks(session, viewer.scope) if row.id not in known]
        return in_house.pages.fragment("desk_choice.html", viewer, ticket=ticket, near=near, others=others,
                                       ruling=ruling)  # fmt: skip


@router.post("/tickets/{ticket_id}/assign")
def assign(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, desk: DeskKey, note: Short = ""
) -> HTMLResponse:
    """Give the matter to a desk."""
    in_house.writer.call(desk_work.assign, ticket_id, desk, one_line(note, 200), actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/rule")
def rule(
    request: Request, in_house: InHouse, viewer: Supervisor, ticket_id: TicketId, desk: DeskKey, reason: Reason
) -> HTMLResponse:
    """Rule, after two returns, whose matter it is."""
    in_house.writer.call(desk_work.rule, ticket_id, desk, reason, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/take-on")
def take_on(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """The centre handles it itself."""
    in_house.writer.call(desk_work.take_on, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/sign")
def sign(request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId) -> HTMLResponse:
    """The desk has it."""
    _own(in_house, viewer, ticket_id)
    in_house.writer.call(desk_work.sign, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/send-back")
def send_back(
    request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId, reason: Reason
) -> HTMLResponse:
    """The desk returns it."""
    _own(in_house, viewer, ticket_id)
    in_house.writer.call(desk_work.send_back, ticket_id, reason, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/reply")
def reply(
    request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId, text: Words
) -> HTMLResponse:  # fmt: skip
    """What was done; the caller is asked about it the next day."""
    _own(in_house, viewer, ticket_id)
    in_house.writer.call(desk_work.reply, ticket_id, clean(text, 4000), actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/pause")
def pause(
    request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId,
    why: Annotated[str, Form(pattern=f"^({'|'.join(pauses.REASONS)})$")],
    until: Annotated[datetime, Form()],
    note: Short = "",
) -> HTMLResponse:  # fmt: skip
    """Wait for the resident until a moment, in the site's time."""
    _own(in_house, viewer, ticket_id)
    moment = until.replace(tzinfo=in_house.settings.zone_info) if until.tzinfo is None else until
    in_house.writer.call(pauses.pause, ticket_id, why, moment, one_line(note, 200), actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/resume")
def resume(request: Request, in_house: InHouse, viewer: Caseworker, ticket_id: TicketId) -> HTMLResponse:
    """The waiting is over."""
    _own(in_house, viewer, ticket_id)
    in_house.writer.call(pauses.resume, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/nudge")
def nudge(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, note: Short = ""
) -> HTMLResponse:  # fmt: skip
    """Ask where it stays."""
    in_house.writer.call(nudges.nudge, ticket_id, one_line(note, 200), actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/supervise")
def supervise(
    request: Request, in_house: InHouse, viewer: Supervisor, ticket_id: TicketId,
    note: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """A supervisor takes a hand."""
    in_house.writer.call(nudges.supervise, ticket_id, one_line(note, 200), actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/extend")
def extend(
    request: Request, in_house: InHouse, viewer: Supervisor, ticket_id: TicketId,
    days: Annotated[int, Form(ge=1, le=10)],
    reason: Annotated[str, Form(min_length=1, max_length=200)],
    asked_by: Annotated[str, Form(max_length=40)] = "",
) -> HTMLResponse:  # fmt: skip
    """Approve more working days, once."""
    in_house.writer.call(
        nudges.extend, ticket_id, days, one_line(reason, 200), one_line(asked_by, 40), actor=viewer.actor
    )
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/refill")
def refill(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, reason: Reason
) -> HTMLResponse:  # fmt: skip
    """The record was wrong, says the resident."""
    in_house.writer.call(follow_up.refill, ticket_id, reason, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/not-reached")
def not_reached(request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """Asked by telephone, and nobody answered."""
    in_house.writer.call(follow_up.not_reached, ticket_id, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/reopen")
def reopen(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId, reason: Reason
) -> HTMLResponse:  # fmt: skip
    """It is not settled after all."""
    in_house.writer.call(rounds.reopen, ticket_id, reason, actor=viewer.actor, priority=Priority.CALL)
    return page_of(request, in_house, viewer, ticket_id)


@router.get("/tickets/{ticket_id}/same")
def same(in_house: InHouse, viewer: Operator, ticket_id: TicketId) -> HTMLResponse:
    """Other open tickets of the same line or home, into which this one may be joined."""
    with in_house.database.read() as session:
        ticket = session.get(Ticket, ticket_id)
        if ticket is None:
            raise missing("工单", "ticket", ticket_id)
        found = [r for r in repeats.find(session, ticket.caller, ticket.home_id) if r.ticket.id != ticket_id]
        return in_house.pages.fragment("same_tickets.html", viewer, ticket=ticket, found=found)


@router.post("/tickets/{ticket_id}/join-into")
def join_into(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: TicketId,
    ticket: Annotated[int, Form(ge=1, le=2**53)], reason: Reason,
) -> HTMLResponse:  # fmt: skip
    """Two tickets are one matter: this one closes, the other goes on."""
    in_house.writer.call(repeats.join_tickets, ticket_id, ticket, reason, actor=viewer.actor)
    return page_of(request, in_house, viewer, ticket_id)


@router.post("/tickets/{ticket_id}/founded")
def founded(
    request: Request, in_house: InHouse, viewer: Supervisor, ticket_id: TicketId,
    verdict: Annotated[str, Form(pattern="^(founded|unfounded)$")],
    category: Annotated[str, Form(pattern=f"^({'|'.join(CATEGORIES)})$")],
    reason: Reason,
) -> HTMLResponse:  # fmt: skip
    """Whether the complaint is true."""
    in_house.writer.call(
        complaints.decide, ticket_id, founded=verdict == "founded", category=category, reason=reason,
        actor=viewer.actor,
    )  # fmt: skip
    return page_of(request, in_house, viewer, ticket_id)


@router.get("/repeats")
def repeat_list(
    in_house: InHouse, viewer: Operator,
    item: Annotated[str, Query(pattern=r"^(\d{4})?$")] = "",
    phone: Annotated[str, Query(max_length=40)] = "",
    home_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    arrival_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:  # fmt: skip
    """The same item, open already, of the same line or home: shown while the request is written down."""
    with in_house.database.read() as session:
        found = repeats.find(session, in_house.plan.parse(phone).e164, home_id, item) if item else []
        return in_house.pages.fragment("repeats.html", viewer, found=found, arrival_id=arrival_id)


@router.get("/matters/new")
def new_matter(
    request: Request, in_house: InHouse, viewer: Operator,
    arrival: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    kind: Annotated[str, Query(pattern="^(complaint|suggestion|inquiry)$")] = "complaint",
) -> HTMLResponse:  # fmt: skip
    """The form of a complaint, a suggestion, or an inquiry that a desk must answer."""
    with in_house.database.read() as session:
        caller = cards.caller_card(session, arrival) if arrival is not None else None
        communities = residents.communities(session, in_house.clock.now().date())
        return in_house.pages.matter(
            request, "matter_form.html", viewer, "desk", caller=caller, communities=communities, kind=kind
        )


@router.post("/matters")
def open_matter(
    request: Request, in_house: InHouse, viewer: Operator,
    kind: Annotated[str, Form(pattern="^(complaint|suggestion|inquiry)$")],
    summary: Annotated[str, Form(min_length=1, max_length=2000)],
    community: Annotated[str, Form(pattern=r"^(\d{12})?$")] = "",
    address: Short = "",
    phone: Annotated[str, Form(max_length=40)] = "",
    caller_name: Annotated[str, Form(max_length=80)] = "",
    urgency: Annotated[str, Form(pattern="^(normal|urgent|extra_urgent)$")] = "normal",
    follow_up_by: Annotated[str, Form(pattern="^(|sms|call)$")] = "",
    who: Short = "", when: Short = "", where: Short = "", cause: Short = "",
    course: Annotated[str, Form(max_length=2000)] = "",
    ticket: MaybeId = None, home_id: MaybeId = None, person_id: MaybeId = None, arrival_id: MaybeId = None,
) -> HTMLResponse:  # fmt: skip
    """Register it; its page then says to whom it may be given. `ticket` is the one that a complaint is about."""
    number = in_house.plan.parse(phone)
    if phone.strip() and not number.known:
        raise Invalid("联系电话不是一个号码", "The telephone is no number", field="phone")
    new = NewMatter(
        kind, clean(summary, 2000), caller=number.e164, caller_name=caller_name, address=address, community=community,
        home_id=home_id, person_id=person_id, arrival_id=arrival_id, urgency=urgency, follow_up_by=follow_up_by,
        elements={"who": who, "when": when, "where": where, "cause": cause, "course": course},
    )  # fmt: skip
    if kind == "complaint":
        ticket_id = in_house.writer.call(
            complaints.open_complaint, new, None, ticket, in_house.plan, actor=viewer.actor, priority=Priority.CALL
        )
    else:
        ticket_id = in_house.writer.call(
            registration.register, new, in_house.plan, actor=viewer.actor, priority=Priority.CALL
        )
    answer = page_of(request, in_house, viewer, ticket_id)
    answer.headers["HX-Push-Url"] = f"/tickets/{ticket_id}"
    return answer


def _own(in_house: House, viewer: Viewer, ticket_id: int) -> None:
    """A desk acts on what it was given; the centre on everything in sight."""
    if viewer.sight.rights.calls:
        return
    with in_house.database.read() as session:
        ticket = session.get(Ticket, ticket_id)
    if ticket is None or ticket.desk != f"org:{viewer.sight.organisation_id}":
        raise BadInput("这张工单没有转给你的单位", "this matter was not given to your desk")
