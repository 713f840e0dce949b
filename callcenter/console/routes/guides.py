"""Knowledge while somebody is on the line: found, read out, answered; or written down as what nobody could answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from callcenter.console.house import Caseworker, House, InHouse, Operator
from callcenter.console.sessions import Viewer
from dispatch import cards, inquiries, knowledge_queries, unanswered
from dispatch.article_search import Found, search
from dispatch.article_text import blocks
from dispatch.errors import missing
from foundation.text import clean, one_line
from foundation.writer import Priority
from residents.tables import Home

router = APIRouter()

ArrivalId = Annotated[int, Path(ge=1, le=2**53)]
TicketId = Annotated[int, Path(ge=1, le=2**53)]
ArticleId = Annotated[int, Path(ge=1, le=2**53)]
MaybeId = Annotated[int | None, Form(ge=1, le=2**53)]
MaybeVersion = Annotated[int | None, Form(ge=1, le=1_000_000)]
Typed = Annotated[str, Query(max_length=120)]
Asked = Annotated[str, Form(min_length=1, max_length=200)]
SHOWN = 8


@router.get("/calls/{arrival_id}/guides")
def found(
    in_house: InHouse, viewer: Operator, arrival_id: ArrivalId, gq: Typed = "",
    best: Annotated[str, Query(pattern="^(|yes)$")] = "",
) -> HTMLResponse:  # fmt: skip
    """What fits what is typed, for where the caller lives; `best` opens the first."""
    with in_house.database.read() as session:
        caller = _caller(session, viewer, arrival_id)
        fits = _search(session, viewer, gq, caller.home_id)
        page = knowledge_queries.page(session, fits.results[0].article.id) if best and fits.results else None
        return in_house.pages.fragment(
            "guides.html", viewer, found=fits, q=gq, at=f"/calls/{arrival_id}", page=page, asked=gq, caller=caller,
            blocks=blocks(page.version.body) if page else (),
        )  # fmt: skip


@router.get("/calls/{arrival_id}/guides/{article_id}")
def read(
    in_house: InHouse, viewer: Operator, arrival_id: ArrivalId, article_id: ArticleId, gq: Typed = ""
) -> HTMLResponse:
    """The article to read out, with the button that ends the call's matter."""
    with in_house.database.read() as session:
        page = knowledge_queries.page(session, article_id)
        return in_house.pages.fragment(
            "guide.html", viewer, page=page, blocks=blocks(page.version.body), asked=gq, at=f"/calls/{arrival_id}",
        )  # fmt: skip


@router.post("/calls/{arrival_id}/guides/answered")
def answered(
    request: Request, in_house: InHouse, viewer: Operator, arrival_id: ArrivalId, summary: Asked,
    article_id: Annotated[int, Form(ge=1, le=2**53)], version: MaybeVersion = None,
    text: Annotated[str, Form(max_length=4000)] = "",
) -> HTMLResponse:  # fmt: skip
    """Answered with an article: the inquiry closes in the same call."""
    told = _told(in_house, viewer, arrival_id)
    in_house.writer.call(
        inquiries.answer, arrival_id, one_line(summary, 200), clean(text, 4000), article_id=article_id, version=version,
        plan=in_house.plan, actor=viewer.actor, priority=Priority.CALL, **told,
    )  # fmt: skip
    return _card(request, in_house, viewer, arrival_id)


@router.post("/calls/{arrival_id}/promise")
def promise(
    request: Request, in_house: InHouse, viewer: Operator, arrival_id: ArrivalId, summary: Asked,
    text: Annotated[str, Form(max_length=4000)] = "",
) -> HTMLResponse:  # fmt: skip
    """Nobody knows it now: rung back within a day. The question goes on the list too."""
    told = _told(in_house, viewer, arrival_id)
    in_house.writer.call(
        inquiries.promise, arrival_id, one_line(summary, 200), note=clean(text, 4000), plan=in_house.plan,
        actor=viewer.actor, priority=Priority.CALL, **told,
    )  # fmt: skip
    return _card(request, in_house, viewer, arrival_id)


@router.post("/calls/{arrival_id}/unanswered")
def note_unanswered(in_house: InHouse, viewer: Operator, arrival_id: ArrivalId, gq: Asked) -> HTMLResponse:
    """One click: what was searched and not found goes on the list to write from. The call goes on."""
    question_id = in_house.writer.call(
        unanswered.note,
        one_line(gq, 200),
        arrival_id,
        area=own_area(viewer),
        actor=viewer.actor,
        priority=Priority.CALL,
    )
    with in_house.database.read() as session:
        question = knowledge_queries.question(session, question_id)
        return in_house.pages.fragment("guide_noted.html", viewer, question=question)


@router.get("/tickets/{ticket_id}/guides")
def of_ticket(in_house: InHouse, viewer: Caseworker, ticket_id: TicketId, gq: Typed = "") -> HTMLResponse:
    """With what an inquiry was answered; and what fits, while its answer is still owed."""
    with in_house.database.read() as session:
        page = cards.ticket_page(session, ticket_id)
        if page is None:
            raise missing("工单", "ticket", ticket_id)
        owed = page.ticket.kind == "inquiry" and page.open
        return in_house.pages.fragment(
            "ticket_guides.html", viewer, ticket=page.ticket, q=gq,
            used=knowledge_queries.article_of(session, ticket_id),
            found=_search(session, viewer, gq or page.ticket.summary[:60], page.ticket.home_id) if owed else None,
        )  # fmt: skip


@router.post("/tickets/{ticket_id}/told")
def told(
    in_house: InHouse, viewer: Caseworker, ticket_id: TicketId, text: Annotated[str, Form(max_length=4000)] = "",
    article_id: MaybeId = None, version: MaybeVersion = None,
) -> HTMLResponse:  # fmt: skip
    """The caller was rung back and has the answer: the promised inquiry closes."""
    in_house.writer.call(
        inquiries.keep_promise, ticket_id, clean(text, 4000), article_id=article_id, version=version,
        actor=viewer.actor, priority=Priority.CALL,
    )  # fmt: skip
    return HTMLResponse("", headers={"HX-Location": f'{{"path": "/tickets/{ticket_id}", "target": "#matter"}}'})


def own_area(viewer: Viewer) -> str:
    """The one division somebody works for; empty when it is all or several."""
    return viewer.scope.prefixes[0] if len(viewer.scope.prefixes) == 1 else ""


def _search(session: Session, viewer: Viewer, typed: str, home_id: int | None) -> Found:
    home = session.get(Home, home_id) if home_id is not None else None
    return search(session, typed, (home.division_code,) if home is not None else viewer.scope.prefixes, SHOWN)


def _told(in_house: House, viewer: Viewer, arrival_id: int) -> dict[str, object]:
    """What is known of the caller, as an inquiry keeps it."""
    with in_house.database.read() as session:
        caller = _caller(session, viewer, arrival_id)
    one = caller.match.people[0] if len(caller.match.people) == 1 else None
    return {
        "caller": caller.number, "home_id": caller.home_id, "caller_name": one.name if one else "",
        "person_id": one.id if one else None,
    }  # fmt: skip


def _card(request: Request, in_house: House, viewer: Viewer, arrival_id: int) -> HTMLResponse:
    with in_house.database.read() as session:
        return in_house.pages.matter(request, "call.html", viewer, "desk", caller=_caller(session, viewer, arrival_id))


def _caller(session: Session, viewer: Viewer, arrival_id: int) -> cards.CallerCard:
    card = cards.caller_card(session, arrival_id, viewer.sight)
    if card is None:
        raise missing("来件", "arrival", arrival_id)
    return card
