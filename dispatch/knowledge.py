"""Articles (办事指南): written, revised, published, reviewed, withdrawn. Every version is kept, with its writer.

Operators read the version that was published last; a newer one waits as a draft until somebody publishes it. Who
revises says which version they started from: when another was faster, nothing is overwritten.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlalchemy import Select, select, update

from dispatch import article_index
from dispatch.article_search import item_names
from dispatch.article_text import ArticleText, checked
from dispatch.errors import BadInput, missing
from dispatch.knowledge_tables import Article, ArticleUse, ArticleVersion, UnansweredQuestion
from dispatch.limits import LOCAL
from dispatch.search_words import area_words, sound_of, use_word, words_of
from foundation.errors import Conflict
from foundation.text import one_line
from foundation.writer import Work

REVIEW_AFTER = timedelta(days=180)
"""An article is looked at again after half a year unless its writer says otherwise; ours, no norm is known."""
LATEST_REVIEW = timedelta(days=1100)

_OWNER = re.compile(r"desk|supervisor|user:[\w.@-]{1,40}|org:\d{1,9}", re.ASCII)


class EditedMeanwhile(Conflict):
    """Another editor wrote a newer version than the one that was started from."""

    error_id = "edited_meanwhile"


def write(
    w: Work, text: ArticleText, *, owner: str = "", review_on: date | None = None, key: str | None = None
) -> int:  # fmt: skip
    """Write a new article, a draft. `owner` is the writer unless said. Returns its id."""
    text = checked(text)
    owner = _owner(owner or _self_or_desk(w.actor))
    row = Article(
        key=key, state="draft", version=1, owner=owner, review_on=_review_on(w, review_on), uses=0, sound="",
        created_at=w.now, created_by=w.actor,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    w.session.add(_version(w, row.id, 1, text))
    w.session.flush()
    w.log("article.written", article=row.id, version=1, title=text.title)
    return row.id


def revise(w: Work, article_id: int, text: ArticleText, *, started_from: int) -> int:
    """Write the next version, which is shown only once it is published; returns its number.

    `started_from` is the version that the editor had before them. Raises `EditedMeanwhile` when it is not the newest.
    """
    text = checked(text)
    change = update(Article).where(Article.id == article_id, Article.version == started_from)
    changed = w.session.execute(
        change.values(version=started_from + 1).execution_options(synchronize_session=False)
    )  # fmt: skip
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        _refuse(w, article_id, started_from)
    w.session.add(_version(w, article_id, started_from + 1, text))
    w.session.flush()
    w.session.get_one(Article, article_id, populate_existing=True)
    w.log("article.revised", article=article_id, version=started_from + 1, title=text.title, note=text.note)
    return started_from + 1


def publish(w: Work, article_id: int, version: int) -> None:
    """From now on operators find and read this version; questions that waited for the article are answered."""
    row = locked(w, article_id)
    if row.version != version:
        _refuse(w, article_id, version)
    row.state, row.shown_version = "published", version
    w.session.flush()
    show(w, row)
    waiting = update(UnansweredQuestion).where(
        UnansweredQuestion.article_id == article_id, UnansweredQuestion.state == "writing"
    )
    w.session.execute(
        waiting.values(state="answered", closed_at=w.now, closed_by=w.actor).execution_options(
            synchronize_session="fetch"
        )
    )
    w.log("article.published", article=article_id, version=version)


def withdraw(w: Work, article_id: int, reason: str) -> None:
    """It is not true any more: nobody finds it from now on; its versions stay. It may be published again."""
    row = locked(w, article_id)
    reason = one_line(reason, 200)
    if not reason:
        raise BadInput("撤下需要原因", "withdrawing an article needs a reason")
    if row.state == "withdrawn":
        raise Conflict("这篇已经撤下", f"article {article_id} is withdrawn already")
    row.state = "withdrawn"
    w.session.flush()
    article_index.remove(w.session, [article_id])
    w.log("article.withdrawn", article=article_id, reason=reason)


def reviewed(w: Work, article_id: int, next_on: date | None = None) -> None:
    """Somebody has looked at it and it still holds; it is looked at again by `next_on`."""
    row = locked(w, article_id)
    row.review_on = _review_on(w, next_on)
    row.reviewed_at, row.reviewed_by = w.now, w.actor
    w.session.flush()
    w.log("article.reviewed", article=article_id, version=row.shown_version, next_on=row.review_on.isoformat())


def hand_over(w: Work, article_id: int, owner: str, review_on: date | None = None) -> None:
    """Somebody else keeps it right from now on."""
    row = locked(w, article_id)
    row.owner = _owner(owner)
    if review_on is not None:
        row.review_on = _review_on(w, review_on)
    w.session.flush()
    w.log("article.handed_over", article=article_id, owner=row.owner, review_on=row.review_on.isoformat())


def count_use(w: Work, article_id: int, ticket_id: int, version: int | None = None) -> ArticleVersion:
    """An inquiry was answered with it; `version` is what was read out (the shown one unless said). That version."""
    row = locked(w, article_id)
    read = version or row.shown_version
    if row.state == "draft" or read is None:
        raise BadInput(
            "这篇还没有发布，不能用来答复", f"article {article_id} is not published: nobody can answer with it"
        )
    told = w.session.scalar(_of(article_id, read))
    if told is None:
        raise missing("文章版本", "version of the article", read)
    w.session.add(
        ArticleUse(ticket_id=ticket_id, article_id=article_id, version=read, used_at=w.now, used_by=w.actor)
    )  # fmt: skip
    was = use_word(row.uses)
    row.uses += 1
    w.session.flush()
    if row.state == "published" and use_word(row.uses) != was:
        show(w, row)
    w.log("article.used", ticket_id=ticket_id, article=article_id, version=read, title=told.title)
    return told


def show(w: Work, row: Article) -> None:
    """Bring what the article is found by up to date with the version that is shown."""
    version = w.session.scalars(_of(row.id, row.shown_version or 0)).one()
    row.sound = sound_of([version.title, *version.questions])
    w.session.flush()
    article_index.put(w.session, [(row.id, index_words(version, row.uses))])


def index_words(version: ArticleVersion, uses: int) -> set[str]:
    """Everything a version is found by: its text, its area, and how often it was used."""
    head = [version.title, version.title_en, *version.questions, *item_names(version.items)]
    return words_of(head, version.body) | area_words(version.area) | {use_word(uses)}


def locked(w: Work, article_id: int) -> Article:
    """The article, locked until the commit. Raises `NoSuchThing`."""
    row = w.session.get(Article, article_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise missing("文章", "article", article_id)
    return row


def _refuse(w: Work, article_id: int, started_from: int) -> None:
    row = w.session.get(Article, article_id, populate_existing=True)
    if row is None:
        raise missing("文章", "article", article_id)
    newest = w.session.scalars(_of(article_id, row.version)).one()
    at = newest.written_at.astimezone(LOCAL)
    who = newest.written_by.removeprefix("user:")
    raise EditedMeanwhile(
        f"{who} 在 {at:%m-%d %H:%M} 已写了第 {row.version} 版，您改的是第 {started_from} 版，没有保存。"
        "请先看新版，再把您的改动写进去",
        f"{who} wrote version {row.version} at {at:%m-%d %H:%M} while you edited version {started_from}: yours was not "
        "saved. Look at the new one and put your changes into it",
        article=article_id, newest=row.version, written_by=newest.written_by,
    )  # fmt: skip


def _of(article_id: int, version: int) -> Select[ArticleVersion]:
    return select(ArticleVersion).where(ArticleVersion.article_id == article_id, ArticleVersion.version == version)


def _version(w: Work, article_id: int, number: int, text: ArticleText) -> ArticleVersion:
    return ArticleVersion(
        article_id=article_id, version=number, title=text.title, title_en=text.title_en, body=text.body,
        department=text.department, area=text.area, items=list(text.items), questions=list(text.questions),
        note=text.note, written_at=w.now, written_by=w.actor,
    )  # fmt: skip


def _review_on(w: Work, wanted: date | None) -> date:
    today = w.now.astimezone(LOCAL).date()
    on = wanted or today + REVIEW_AFTER
    if not today <= on <= today + LATEST_REVIEW:
        raise BadInput(
            f"复核日期须在今天到 {today + LATEST_REVIEW} 之间",
            f"the review date {on} must lie between today and {today + LATEST_REVIEW}",
        )
    return on


def _self_or_desk(actor: str) -> str:
    return actor if actor.startswith("user:") else "desk"


def _owner(owner: str) -> str:
    if not _OWNER.fullmatch(owner):
        raise BadInput("负责人不对", f"{owner[:40]!r} cannot keep an article: a user, a desk or an organisation can")
    return owner


def publish_new(
    w: Work, text: ArticleText, *, owner: str = "", review_on: date | None = None, key: str | None = None
) -> int:
    """`write` and `publish` in one: how articles come from a file."""
    article_id = write(w, text, owner=owner, review_on=review_on, key=key)
    publish(w, article_id, 1)
    return article_id
