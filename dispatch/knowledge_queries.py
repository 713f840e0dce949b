"""What the pages of knowledge show: an article with its versions, what is due, what nobody could answer, the rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from dispatch.article_search import area_fits
from dispatch.article_text import Change, compare
from dispatch.cards import count_of
from dispatch.errors import missing
from dispatch.knowledge_tables import Article, ArticleUse, ArticleVersion, UnansweredQuestion
from dispatch.tables import StaffUser, Ticket
from residents.tables import Division

MOST_LISTED = 100
MOST_VERSIONS = 50


@dataclass(frozen=True)
class ArticlePage:
    """An article in one of its versions; `versions` are all of them, the newest first."""

    article: Article
    version: ArticleVersion
    versions: Sequence[ArticleVersion]
    area_name: str

    @property
    def shown(self) -> bool:
        """Whether this is the version that operators read out."""
        return self.article.state == "published" and self.version.version == self.article.shown_version

    @property
    def draft_waits(self) -> bool:
        """Whether a newer version than the shown one waits to be published."""
        return self.article.state == "published" and self.article.version != self.article.shown_version


@dataclass(frozen=True)
class Listed:
    """Articles of a list, each with the version that is shown or else the newest, and of how many."""

    rows: Sequence[tuple[Article, ArticleVersion]]
    total: int


@dataclass(frozen=True)
class Rates:
    """How many were answered at once. Each rate has its numerator and its denominator; None when there was nothing.

    `direct` is of everything people asked for (inquiries, requests, complaints, suggestions), `first_contact` of the
    inquiries alone. Emergencies and care calls are no asking and are left out.
    """

    answered: int
    inquiries: int
    matters: int

    @property
    def direct(self) -> float | None:
        """Answered in the call itself / all matters."""
        return self.answered / self.matters if self.matters else None

    @property
    def first_contact(self) -> float | None:
        """Answered in the call itself / inquiries."""
        return self.answered / self.inquiries if self.inquiries else None


ASKED = ("inquiry", "service_request", "complaint", "suggestion")


def page(session: Session, article_id: int, number: int | None = None) -> ArticlePage:
    """An article: version `number`, else the shown one, else the newest. Raises `NoSuchThing`."""
    article = session.get(Article, article_id)
    if article is None:
        raise missing("文章", "article", article_id)
    of_it = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    versions = session.scalars(of_it.order_by(ArticleVersion.version.desc()).limit(MOST_VERSIONS)).all()
    wanted = number or (article.shown_version if article.state != "draft" else None) or article.version
    found = session.scalar(of_it.where(ArticleVersion.version == wanted))
    if found is None:
        raise missing("文章版本", "version of the article", wanted)
    area = session.scalar(select(Division.name).where(Division.code == found.area)) if found.area else None
    return ArticlePage(article, found, versions, area or found.area)


def changes(session: Session, article_id: int, old: int, new: int) -> list[Change]:
    """What version `new` says otherwise than version `old`."""
    of_it = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    found = {v.version: v for v in session.scalars(of_it.where(ArticleVersion.version.in_((old, new))))}
    for number in (old, new):
        if number not in found:
            raise missing("文章版本", "version of the article", number)
    return compare(_values(found[old]), _values(found[new]))


def reviews_due(session: Session, today: date, areas: Sequence[str] = ("",)) -> Listed:
    """Published articles whose day of review has come or is over, the longest overdue first."""
    where = (Article.state == "published", Article.review_on <= today)
    return _listed(session, areas, Article.shown_version, *where, order=(Article.review_on, Article.id))


def drafts(session: Session, areas: Sequence[str] = ("",)) -> Listed:
    """What is written and not published: new articles, and newer versions of published ones; the newest first."""
    unpublished = or_(
        Article.state == "draft", (Article.state == "published") & (Article.version != Article.shown_version)
    )
    return _listed(session, areas, Article.version, unpublished, order=(Article.id.desc(),))


def questions(
    session: Session, state: str = "open", areas: Sequence[str] = ("",)
) -> tuple[Sequence[UnansweredQuestion], int]:  # fmt: skip
    """What nobody could answer, asked most first; `open` holds what is being written too. Rows, and of how many.

    `areas` are division codes; the whole city's questions are seen from everywhere.
    """
    states = ("open", "writing") if state == "open" else (state,)
    where = and_(UnansweredQuestion.state.in_(states), area_fits(UnansweredQuestion.area, areas))
    order = (UnansweredQuestion.asked.desc(), UnansweredQuestion.last_at.desc())
    rows = session.scalars(select(UnansweredQuestion).where(where).order_by(*order).limit(MOST_LISTED)).all()
    return rows, count_of(session, UnansweredQuestion, where)


def question(session: Session, question_id: int) -> UnansweredQuestion:
    """One of them. Raises `NoSuchThing`."""
    row = session.get(UnansweredQuestion, question_id)
    if row is None:
        raise missing("问题", "question", question_id)
    return row


def article_of(session: Session, ticket_id: int) -> Sequence[tuple[ArticleUse, str]]:
    """With which articles, in which version, a ticket was answered; their titles as they were then."""
    rows = (
        select(ArticleUse, ArticleVersion.title)
        .join(
            ArticleVersion,
            (ArticleVersion.article_id == ArticleUse.article_id) & (ArticleVersion.version == ArticleUse.version),
        )
        .where(ArticleUse.ticket_id == ticket_id)
    )
    return [(use, title) for use, title in session.execute(rows)]


def rates(session: Session, first: date, last: date) -> Rates:
    """The rates of the tickets opened on the local days from `first` to `last`.

    Answered at once is what was opened and closed in the same moment, by one command; a promise kept later is not. The
    ticket's number begins with its day, so the days are a range of an index.
    """
    low, high = f"{first:%Y%m%d}", f"{last + timedelta(days=1):%Y%m%d}"
    at_once = (Ticket.outcome == "answered") & (Ticket.closed_at == Ticket.opened_at)
    rows = (
        select(Ticket.kind, at_once, func.count())
        .where(Ticket.number >= low, Ticket.number < high, Ticket.kind.in_(ASKED))
        .group_by(Ticket.kind, at_once)
    )
    counted = [(kind, bool(answered), count) for kind, answered, count in session.execute(rows)]
    return Rates(
        sum(count for kind, answered, count in counted if kind == "inquiry" and answered),
        sum(count for kind, _, count in counted if kind == "inquiry"),
        sum(count for _, _, count in counted),
    )


def editors(session: Session) -> Mapping[str, str]:
    """Who may be given an article or a question: login and name of everybody who signs in."""
    rows = select(StaffUser.login, StaffUser.name).where(StaffUser.disabled_at.is_(None)).order_by(StaffUser.name)
    return {row.login: row.name for row in session.execute(rows)}


def _listed(session: Session, areas: Sequence[str], number: Any, *where: Any, order: tuple[Any, ...]) -> Listed:
    of_it = (ArticleVersion.article_id == Article.id) & (ArticleVersion.version == number)
    fits = (*where, area_fits(ArticleVersion.area, areas))
    rows = select(Article, ArticleVersion).join(ArticleVersion, of_it).where(*fits).order_by(*order).limit(MOST_LISTED)
    total = session.scalar(select(func.count()).select_from(Article).join(ArticleVersion, of_it).where(*fits))
    return Listed([(article, version) for article, version in session.execute(rows)], total or 0)


def _values(version: ArticleVersion) -> dict[str, Any]:
    return {
        "title": version.title, "title_en": version.title_en, "department": version.department, "area": version.area,
        "items": version.items, "questions": version.questions, "body": version.body,
    }  # fmt: skip
