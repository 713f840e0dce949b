"""The list of what nobody could answer: given to somebody, turned into an article, or dropped with a reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from callcenter.console.house import Caseworker, House, InHouse, Operator, Supervisor
from callcenter.console.routes.guides import own_area
from callcenter.console.sessions import Viewer
from dispatch import knowledge_queries, unanswered
from dispatch.errors import missing
from dispatch.names import Names
from foundation.errors import Invalid
from foundation.text import one_line

router = APIRouter()

QuestionId = Annotated[int, Path(ge=1, le=2**53)]
State = Annotated[str, Query(pattern="^(open|answered|dropped)$")]


@router.get("/knowledge/questions")
def questions(request: Request, in_house: InHouse, viewer: Caseworker, show: State = "open") -> HTMLResponse:
    """What nobody could answer, asked most first."""
    return _page(request, in_house, viewer, show)


@router.post("/knowledge/questions")
def note(
    request: Request, in_house: InHouse, viewer: Operator,
    question: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """Asked without a call in hand."""
    in_house.writer.call(unanswered.note, question, None, area=own_area(viewer), actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/knowledge/questions/{question_id}/assign")
def assign(
    request: Request, in_house: InHouse, viewer: Supervisor, question_id: QuestionId,
    login: Annotated[str, Form(max_length=40)] = "",
) -> HTMLResponse:  # fmt: skip
    """Somebody is to find the answer."""
    _own(in_house, viewer, question_id)
    with in_house.database.read() as session:
        if login and login not in knowledge_queries.editors(session):
            raise Invalid("没有这个用户", "There is no such user", field="login")
    in_house.writer.call(unanswered.assign, question_id, login, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/knowledge/questions/{question_id}/write")
def write(in_house: InHouse, viewer: Caseworker, question_id: QuestionId) -> Response:
    """Begin the article for it and open it for writing."""
    _own(in_house, viewer, question_id)
    article_id = in_house.writer.call(unanswered.begin_article, question_id, "（在此写答复）", actor=viewer.actor)
    at = f"/knowledge/articles/{article_id}/edit"
    return Response(status_code=204, headers={"HX-Location": f'{{"path": "{at}", "target": "#matter"}}'})


@router.post("/knowledge/questions/{question_id}/answer")
def answer_with(
    request: Request, in_house: InHouse, viewer: Supervisor, question_id: QuestionId,
    article_id: Annotated[int, Form(ge=1, le=2**53)],
) -> HTMLResponse:  # fmt: skip
    """There is an article for it after all."""
    _own(in_house, viewer, question_id)
    in_house.writer.call(unanswered.answer_with, question_id, article_id, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/knowledge/questions/{question_id}/drop")
def drop(
    request: Request, in_house: InHouse, viewer: Supervisor, question_id: QuestionId,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """Nothing is written for it, and why."""
    _own(in_house, viewer, question_id)
    in_house.writer.call(unanswered.drop, question_id, one_line(reason, 200), actor=viewer.actor)
    return _page(request, in_house, viewer)


def _own(in_house: House, viewer: Viewer, question_id: int) -> None:
    """A question of another district is not there for this one."""
    with in_house.database.read() as session:
        area = knowledge_queries.question(session, question_id).area
    if area and not viewer.scope.covers(area):
        raise missing("问题", "question", question_id)


def _page(request: Request, in_house: House, viewer: Viewer, show: str = "open") -> HTMLResponse:
    with in_house.database.read() as session:
        rows, total = knowledge_queries.questions(session, show, viewer.scope.prefixes)
        return in_house.pages.matter(
            request, "questions.html", viewer, "knowledge", rows=rows, total=total, show=show, names=Names(session),
            editors=knowledge_queries.editors(session),
        )  # fmt: skip
