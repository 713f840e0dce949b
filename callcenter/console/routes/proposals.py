"""Corrections heard on a call, and the records they are about: proposed by operators, decided by the community."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from callcenter.console import record_words
from callcenter.console.house import Caseworker, House, InHouse, Keeper
from callcenter.console.sessions import Viewer
from dispatch.errors import missing
from dispatch.names import Names
from foundation.errors import Invalid
from foundation.text import one_line
from residents import consents, proposals, records
from residents import queries as residents
from residents.errors import ProposalStale
from residents.provenance import Source

router = APIRouter()

HomeId = Annotated[int, Path(ge=1, le=2**53)]
ProposalId = Annotated[int, Path(ge=1, le=2**53)]
Subject = Annotated[str, Form(pattern="^(home|person|contact|device)$")]
RowId = Annotated[int, Form(ge=1, le=2**53)]
MaybeId = Annotated[int | None, Form(ge=1, le=2**53)]
Note = Annotated[str, Form(max_length=200)]
MOST_TEXT = 400


@router.get("/proposals")
def proposal_list(
    request: Request, in_house: InHouse, viewer: Caseworker,
    show: Annotated[str, Query(pattern="^(open|decided)$")] = "open",
) -> HTMLResponse:  # fmt: skip
    """What waits for the community, the oldest first; or what was decided."""
    return _list(request, in_house, viewer, show)


@router.post("/proposals/{proposal_id}/confirm")
def confirm(
    request: Request, in_house: InHouse, viewer: Keeper, proposal_id: ProposalId, note: Note = ""
) -> HTMLResponse:
    """It is right: the record changes."""
    if not in_house.writer.call(proposals.confirm, proposal_id, in_house.plan, one_line(note, 200), actor=viewer.actor):
        raise ProposalStale(proposal_id)
    return _list(request, in_house, viewer, "open")


@router.post("/proposals/{proposal_id}/reject")
def reject(
    request: Request, in_house: InHouse, viewer: Keeper, proposal_id: ProposalId,
    note: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """It is not right, and why."""
    in_house.writer.call(proposals.reject, proposal_id, note, actor=viewer.actor)
    return _list(request, in_house, viewer, "open")


@router.post("/homes/{home_id}/proposals")
def propose(
    request: Request,
    in_house: InHouse,
    viewer: Caseworker,
    home_id: HomeId,
    what: Annotated[str, Form(pattern=r"^(home|person|contact|device):\d{1,15}:[a-z_]{1,30}$")],
    value: Annotated[str, Form(max_length=400)],
    said_by: Annotated[str, Form(min_length=1, max_length=60)],
    arrival_id: MaybeId = None,
) -> HTMLResponse:
    """Somebody says on the call that something of this home is otherwise."""
    subject, row, field = what.split(":")
    row_id = int(row)
    _own(in_house, home_id, subject, row_id)
    in_house.writer.call(
        proposals.propose, subject, row_id, field, record_words.value_of(field, value), in_house.plan,
        said_by=said_by, arrival_id=arrival_id, actor=viewer.actor,
    )  # fmt: skip
    return _record(request, in_house, viewer, home_id, arrival_id)


@router.get("/homes/{home_id}/record")
def record(
    request: Request, in_house: InHouse, viewer: Caseworker, home_id: HomeId,
    arrival: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:  # fmt: skip
    """All fields of a home with where each came from; its keeper may change them, others propose a correction.

    `arrival` is the call on which somebody says so.
    """
    return _record(request, in_house, viewer, home_id, arrival)


@router.post("/homes/{home_id}/record")
async def change(
    request: Request,
    in_house: InHouse,
    viewer: Keeper,
    home_id: HomeId,
    subject: Subject,
    row_id: RowId,
    revision: Annotated[int, Form(ge=1, le=2**31)],
) -> HTMLResponse:
    """The keeper writes one record anew, as of the revision that was read; which fields there are depends on it."""
    told = await request.form()
    fields = [name for name in records.EDITED[subject] if isinstance(told.get(name), str)]
    if max((len(str(told[name])) for name in fields), default=0) > MOST_TEXT:
        raise Invalid("内容太长", f"A field has at most {MOST_TEXT} characters")
    values = {name: record_words.value_of(name, str(told[name])) for name in fields}
    return await run_in_threadpool(_change, request, in_house, viewer, home_id, (subject, row_id, revision), values)


def _change(
    request: Request, in_house: House, viewer: Viewer, home_id: int, which: tuple[str, int, int],
    values: dict[str, object],
) -> HTMLResponse:  # fmt: skip
    subject, row_id, revision = which
    _own(in_house, home_id, subject, row_id)
    if "division_code" in values and not viewer.scope.covers(str(values["division_code"])):
        raise Invalid("这个社区不在您的区域内", "This community is not in your area", field="division_code")
    in_house.writer.call(
        records.change, subject, row_id, values, in_house.plan, expected=revision, source=Source("form"),
        actor=viewer.actor,
    )  # fmt: skip
    return _record(request, in_house, viewer, home_id)


@router.post("/homes/{home_id}/consents")
def consent(
    request: Request,
    in_house: InHouse,
    viewer: Caseworker,
    home_id: HomeId,
    person_id: RowId,
    kind: Annotated[str, Form(pattern="^(sms|position|share)$")],
    given: Annotated[str, Form(pattern="^(yes|no)$")],
    said_by: Annotated[str, Form(min_length=1, max_length=60)],
    how: Annotated[str, Form(pattern="^(call|form|visit|sms|web)$")],
    named: Note = "",
) -> HTMLResponse:
    """Somebody gives or takes back a consent: who said it, how, and to whom."""
    _own(in_house, home_id, "person", person_id)
    in_house.writer.call(
        consents.record, person_id, kind, given=given == "yes", said_by=said_by, how=how, named=named,
        actor=viewer.actor,
    )  # fmt: skip
    return _record(request, in_house, viewer, home_id)


def _own(in_house: House, home_id: int, subject: str, row_id: int) -> None:
    """Raises when the record is not of this home, the one whose right was asked."""
    with in_house.database.read() as session:
        if not records.belongs(session, home_id, subject, row_id):
            raise missing("记录", "record of this home", row_id)


def _list(request: Request, in_house: House, viewer: Viewer, show: str) -> HTMLResponse:
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "proposals.html", viewer, "proposals", show=show, names=Names(session), said=record_words,
            shown=proposals.shown(session, viewer.scope, decided=show == "decided"), most=proposals.MOST_SHOWN,
        )  # fmt: skip


def _record(
    request: Request, in_house: House, viewer: Viewer, home_id: int, arrival: int | None = None
) -> HTMLResponse:
    with in_house.database.read() as session:
        card = residents.card(session, home_id=home_id)
        if card is None or card.home is None:
            raise missing("住户", "home", home_id)
        today = in_house.clock.now().astimezone(in_house.settings.zone_info).date()
        return in_house.pages.matter(
            request, "record.html", viewer, "people", home=card.home, records=records.of_home(session, home_id),
            waiting=proposals.of_home(session, home_id), said=record_words, names=Names(session),
            communities=residents.communities(session, today, viewer.scope), arrival=arrival,
        )  # fmt: skip
