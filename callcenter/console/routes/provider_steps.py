"""What supervisors do with a provider's standing: the steps of its life, papers, visits, and decisions of two."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import InHouse, Supervisor
from callcenter.console.routes.providers import ProviderId, page
from dispatch import sanctions
from foundation.calendar import NINGBO
from foundation.errors import Conflict
from providers import admission, decisions, documents
from providers.admission import VisitNote
from providers.documents import NewDocument

router = APIRouter()

RowId = Annotated[int, Path(ge=1, le=2**53)]
Reason = Annotated[str, Form(min_length=1, max_length=200)]
MaybeDay = Annotated[date | None, Form()]


@router.post("/providers/{provider_id}/begin")
def begin(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    to: Annotated[str, Form(pattern="^(vetting|visiting|probation|active|applied)$")],
) -> HTMLResponse:  # fmt: skip
    """The next step of admission; what is missing is said."""
    steps = {
        "vetting": admission.begin_vetting, "visiting": admission.begin_visiting, "probation": admission.begin_trial,
        "active": admission.admit, "applied": admission.apply_again,
    }  # fmt: skip
    in_house.writer.call(steps[to], provider_id, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/end")
def end(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, reason: Reason,
    to: Annotated[str, Form(pattern="^(rejected|withdrawn)$")],
    move: Annotated[bool, Form()] = False,
) -> HTMLResponse:  # fmt: skip
    """不予加盟, or 主动退出."""
    command = sanctions.reject if to == "rejected" else sanctions.leave
    in_house.writer.call(command, provider_id, reason, move_orders=move, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/warn")
def warn(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, reason: Reason
) -> HTMLResponse:
    """警告, for thirty days."""
    in_house.writer.call(sanctions.warn, provider_id, reason, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/suspend")
def suspend(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, reason: Reason,
    mend_by: MaybeDay = None,
    move: Annotated[bool, Form()] = False,
) -> HTMLResponse:  # fmt: skip
    """停派整改: out of matching at once."""
    in_house.writer.call(
        sanctions.suspend, provider_id, reason, _end_of(mend_by), move_orders=move, actor=viewer.actor
    )  # fmt: skip
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/more-time")
def more_time(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, reason: Reason,
    mend_by: Annotated[date, Form()],
) -> HTMLResponse:  # fmt: skip
    """Another date by which to mend."""
    until = _end_of(mend_by)
    in_house.writer.call(admission.give_more_time, provider_id, until, reason, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/reinstate")
def reinstate(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, proof: Reason
) -> HTMLResponse:
    """恢复派单, with the proof that was filed."""
    in_house.writer.call(sanctions.reinstate, provider_id, proof, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/propose")
def propose(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, reason: Reason,
    decision: Annotated[str, Form(pattern="^(expelled|blacklisted)$")],
    until: MaybeDay = None,
) -> HTMLResponse:  # fmt: skip
    """The first of two: propose to expel or blacklist."""
    last = _end_of(until) if decision == "blacklisted" else None
    in_house.writer.call(decisions.propose, provider_id, decision, reason, last, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/decisions/{decision_id}")
def decide(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, decision_id: RowId,
    carried: Annotated[bool, Form()],
    reason: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:  # fmt: skip
    """The second of two: carry it, or refuse it."""
    with in_house.database.read() as session:
        waiting = decisions.open_decision(session, provider_id)
    if waiting is None or waiting.id != decision_id:
        raise Conflict("这项提议已经决定", "this proposal was decided already")
    in_house.writer.call(sanctions.decide, decision_id, carried=carried, reason=reason, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/documents")
def add_document(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    kind: Annotated[str, Form(pattern="^(licence|permit|identity|agreement)$")],
    number: Annotated[str, Form(min_length=1, max_length=60)],
    issuer: Annotated[str, Form(max_length=80)] = "",
    valid_from: MaybeDay = None,
    valid_to: MaybeDay = None,
    items: Annotated[list[str] | None, Form(max_length=120)] = None,
) -> HTMLResponse:  # fmt: skip
    """A paper that was seen."""
    new = NewDocument(kind, number, issuer, (items or ()) if kind == "permit" else (), valid_from, valid_to)
    in_house.writer.call(documents.add, provider_id, new, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/documents/{document_id}/withdraw")
def withdraw_document(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, document_id: RowId,
    reason: Reason,
) -> HTMLResponse:  # fmt: skip
    """Take a paper out, with the reason."""
    in_house.writer.call(documents.withdraw, document_id, reason, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/visits")
def note_visit(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    visited_on: Annotated[date, Form()],
    note: Annotated[str, Form(min_length=1, max_length=2000)],
    premises: Annotated[bool, Form()] = False,
    staff: Annotated[bool, Form()] = False,
    equipment: Annotated[bool, Form()] = False,
    price_list: Annotated[bool, Form()] = False,
) -> HTMLResponse:  # fmt: skip
    """What two people found; the first writes it."""
    found = VisitNote(visited_on, premises, staff, equipment, price_list, note)
    in_house.writer.call(admission.note_visit, provider_id, found, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/visits/{visit_id}/sign")
def sign_visit(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, visit_id: RowId
) -> HTMLResponse:
    """The second visitor signs."""
    in_house.writer.call(admission.sign_visit, visit_id, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


def _end_of(day: date | None) -> datetime | None:
    """The last minute of a day here."""
    return datetime.combine(day, time(23, 59), NINGBO) if day is not None else None
