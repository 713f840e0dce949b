"""Articles: everybody searches and reads, whoever works on cases writes, supervisors publish and withdraw."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.errors import NotYourRole
from callcenter.console.house import Caseworker, House, InHouse, SignedIn, Supervisor
from callcenter.console.sessions import Viewer
from dispatch import article_text, knowledge, knowledge_queries
from dispatch.article_search import search
from dispatch.article_text import ArticleText, blocks
from dispatch.limits import LOCAL
from dispatch.names import Names
from foundation.errors import Invalid
from providers.taxonomy import ITEMS
from residents import queries as residents

router = APIRouter()

ArticleId = Annotated[int, Path(ge=1, le=2**53)]
Version = Annotated[int, Form(ge=1, le=1_000_000)]
MaybeVersion = Annotated[int | None, Query(ge=1, le=1_000_000)]
Typed = Annotated[str, Query(max_length=120)]
Day = Annotated[str, Form(pattern=r"^(|\d{4}-\d{2}-\d{2})$")]
WEEK = timedelta(days=6)


@router.get("/knowledge")
def home(request: Request, in_house: InHouse, viewer: SignedIn, q: Typed = "") -> HTMLResponse:
    """The search, and beside it what is due and how many are answered at once."""
    today = _today(in_house)
    with in_house.database.read() as session:
        areas = viewer.scope.prefixes
        return in_house.pages.matter(
            request, "knowledge.html", viewer, "knowledge", q=q, found=search(session, q, areas),
            due=knowledge_queries.reviews_due(session, today, areas).total,
            drafts=knowledge_queries.drafts(session, areas).total,
            questions=knowledge_queries.questions(session, areas=areas)[1],
            today=knowledge_queries.rates(session, today, today),
            week=knowledge_queries.rates(session, today - WEEK, today),
        )  # fmt: skip


@router.get("/knowledge/found")
def found(in_house: InHouse, viewer: SignedIn, q: Typed = "") -> HTMLResponse:
    """What fits, while it is typed."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("articles.html", viewer, q=q, found=search(session, q, viewer.scope.prefixes))


@router.get("/knowledge/due")
def due(request: Request, in_house: InHouse, viewer: Caseworker) -> HTMLResponse:
    """Reviews that are due, and drafts that wait."""
    today, areas = _today(in_house), viewer.scope.prefixes
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "knowledge_due.html", viewer, "knowledge",
            due=knowledge_queries.reviews_due(session, today, areas),
            drafts=knowledge_queries.drafts(session, areas), names=Names(session), today=today,
        )  # fmt: skip


@router.get("/knowledge/new")
def new(request: Request, in_house: InHouse, viewer: Caseworker, title: Typed = "") -> HTMLResponse:
    """An empty article."""
    return _form(request, in_house, viewer, None, ArticleText(title, ""))


@router.post("/knowledge/articles")
def write(
    request: Request,
    in_house: InHouse,
    viewer: Caseworker,
    title: Annotated[str, Form(max_length=240)],
    body: Annotated[str, Form(max_length=4 * article_text.MOST_BODY)],
    title_en: Annotated[str, Form(max_length=480)] = "",
    department: Annotated[str, Form(max_length=240)] = "",
    area: Annotated[str, Form(pattern=r"^\d{0,15}$")] = "",
    items: Annotated[str, Form(max_length=200)] = "",
    questions: Annotated[str, Form(max_length=4000)] = "",
    note: Annotated[str, Form(max_length=400)] = "",
    review_on: Day = "",
    article_id: Annotated[int | None, Form(ge=1, le=2**53)] = None,
    started_from: Annotated[int | None, Form(ge=1, le=1_000_000)] = None,
    publish: Annotated[str, Form(pattern="^(|yes)$")] = "",
) -> HTMLResponse:
    """Save a new article or the next version of one; a supervisor may publish it in the same step."""
    text = ArticleText(
        title, body, title_en, department, area, tuple(items.replace("，", ",").replace("、", ",").split(",")),
        tuple(questions.splitlines()), note,
    )  # fmt: skip
    _own_area(in_house, viewer, area, article_id)
    if publish and not viewer.may("supervisor"):
        raise NotYourRole
    if article_id is None:
        article_id = in_house.writer.call(
            knowledge.write, text, review_on=_day(review_on), actor=viewer.actor
        )  # fmt: skip
        version = 1
    else:
        version = in_house.writer.call(
            knowledge.revise, article_id, text, started_from=started_from or 0, actor=viewer.actor
        )
    if publish:
        in_house.writer.call(knowledge.publish, article_id, version, actor=viewer.actor)
    return _shown(request, in_house, viewer, article_id, version)


@router.get("/knowledge/articles/{article_id}")
def read(
    request: Request, in_house: InHouse, viewer: SignedIn, article_id: ArticleId, version: MaybeVersion = None
) -> HTMLResponse:  # fmt: skip
    """An article in the version operators read, or in the one that is asked for."""
    return _page(request, in_house, viewer, article_id, version)


@router.get("/knowledge/articles/{article_id}/edit")
def edit(request: Request, in_house: InHouse, viewer: Caseworker, article_id: ArticleId) -> HTMLResponse:
    """The newest version in a form."""
    with in_house.database.read() as session:
        article = knowledge_queries.page(session, article_id).article
        newest = knowledge_queries.page(session, article_id, article.version).version
    text = ArticleText(
        newest.title, newest.body, newest.title_en, newest.department, newest.area, tuple(newest.items),
        tuple(newest.questions),
    )  # fmt: skip
    return _form(request, in_house, viewer, article.id, text, started_from=newest.version)


@router.get("/knowledge/articles/{article_id}/compare")
def compare(
    request: Request, in_house: InHouse, viewer: Caseworker, article_id: ArticleId,
    old: Annotated[int, Query(ge=1, le=1_000_000)], new: Annotated[int, Query(ge=1, le=1_000_000)],
) -> HTMLResponse:  # fmt: skip
    """What one version says otherwise than another."""
    with in_house.database.read() as session:
        page = knowledge_queries.page(session, article_id, new)
        changes = knowledge_queries.changes(session, article_id, old, new)
        return in_house.pages.matter(
            request, "article_compare.html", viewer, "knowledge", page=page, changes=changes, old=old, new=new,
            names=Names(session),
        )  # fmt: skip


@router.post("/knowledge/articles/{article_id}/publish")
def publish(
    request: Request, in_house: InHouse, viewer: Supervisor, article_id: ArticleId, version: Version
) -> HTMLResponse:  # fmt: skip
    """Operators read this version from now on."""
    _own_area(in_house, viewer, None, article_id)
    in_house.writer.call(knowledge.publish, article_id, version, actor=viewer.actor)
    return _page(request, in_house, viewer, article_id)


@router.post("/knowledge/articles/{article_id}/withdraw")
def withdraw(
    request: Request, in_house: InHouse, viewer: Supervisor, article_id: ArticleId,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> HTMLResponse:  # fmt: skip
    """Nobody finds it any more, and why."""
    _own_area(in_house, viewer, None, article_id)
    in_house.writer.call(knowledge.withdraw, article_id, reason, actor=viewer.actor)
    return _page(request, in_house, viewer, article_id)


@router.post("/knowledge/articles/{article_id}/reviewed")
def reviewed(
    request: Request, in_house: InHouse, viewer: Caseworker, article_id: ArticleId, next_on: Day = ""
) -> HTMLResponse:
    """It was looked at and still holds: by its owner or a supervisor."""
    with in_house.database.read() as session:
        owner = knowledge_queries.page(session, article_id).article.owner
    if owner != viewer.actor and not viewer.may("supervisor"):
        raise NotYourRole
    _own_area(in_house, viewer, None, article_id)
    in_house.writer.call(knowledge.reviewed, article_id, _day(next_on), actor=viewer.actor)
    return _page(request, in_house, viewer, article_id)


@router.post("/knowledge/articles/{article_id}/owner")
def hand_over(
    request: Request, in_house: InHouse, viewer: Supervisor, article_id: ArticleId,
    login: Annotated[str, Form(max_length=40)], review_on: Day = "",
) -> HTMLResponse:  # fmt: skip
    """Somebody else keeps it right from now on."""
    _own_area(in_house, viewer, None, article_id)
    with in_house.database.read() as session:
        if login and login not in knowledge_queries.editors(session):
            raise Invalid("没有这个用户", "There is no such user", field="login")
    owner = f"user:{login}" if login else "desk"
    in_house.writer.call(knowledge.hand_over, article_id, owner, _day(review_on), actor=viewer.actor)
    return _page(request, in_house, viewer, article_id)


def _page(
    request: Request, in_house: House, viewer: Viewer, article_id: int, version: int | None = None
) -> HTMLResponse:
    today = _today(in_house)
    with in_house.database.read() as session:
        page = knowledge_queries.page(session, article_id, version)
        return in_house.pages.matter(
            request, "article.html", viewer, "knowledge", page=page, blocks=blocks(page.version.body),
            names=Names(session), today=today, editors=knowledge_queries.editors(session),
            next_review=today + knowledge.REVIEW_AFTER, may_edit=_may_write(viewer, page.version.area),
        )  # fmt: skip


def _shown(request: Request, in_house: House, viewer: Viewer, article_id: int, version: int) -> HTMLResponse:
    answer = _page(request, in_house, viewer, article_id, version)
    answer.headers["HX-Push-Url"] = f"/knowledge/articles/{article_id}?version={version}"
    return answer


def _form(
    request: Request, in_house: House, viewer: Viewer, article_id: int | None, text: ArticleText,
    started_from: int | None = None,
) -> HTMLResponse:  # fmt: skip
    today = _today(in_house)
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "article_form.html", viewer, "knowledge", article_id=article_id, text=text,
            started_from=started_from, areas=residents.areas(session, today, viewer.scope), all_items=ITEMS,
            bounds=article_text, review_on=today + knowledge.REVIEW_AFTER,
        )  # fmt: skip


def _own_area(in_house: House, viewer: Viewer, area: str | None, article_id: int | None) -> None:
    """Who sees one district writes for that one: neither from nor to another area. Raises `NotYourRole`."""
    if viewer.scope.everywhere:
        return
    areas = [area] if area is not None else []
    if article_id is not None:
        with in_house.database.read() as session:
            page = knowledge_queries.page(session, article_id)
            areas += [version.area for version in page.versions if version.version == page.article.version]
            areas.append(page.version.area)
    if not all(_may_write(viewer, one) for one in areas):
        raise NotYourRole


def _may_write(viewer: Viewer, area: str) -> bool:
    return viewer.scope.everywhere or viewer.scope.covers(area)


def _today(in_house: House) -> date:
    return in_house.clock.now().astimezone(LOCAL).date()


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("没有这一天", "There is no such day", field="date") from None
