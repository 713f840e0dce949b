"""Articles (办事指南) with their versions and uses, and the questions to which nobody had an answer."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

ARTICLE_STATES = ("draft", "published", "withdrawn")
QUESTION_STATES = ("open", "writing", "answered", "dropped")

_NOT_DONE = text("state IN ('open', 'writing')")
_PUBLISHED = text("state = 'published'")


class Article(Base):
    """A guide that operators read to callers. Its words stand in `article_versions`; every version is kept.

    `version` is the newest one, `shown_version` the one that is found and read (none while it is a draft). `key` names
    an article that came from a file, so that the same file again changes nothing. `owner` is who keeps it right
    (`user:<login>`, `desk`, `org:<id>`), `review_on` the day by which it is looked at again. `uses` counts the
    inquiries that were answered with it; the rows of `article_uses` say which. `sound` is how its head sounds, for
    finding it by pinyin (`dispatch.search_words.sound_of`).
    """

    __tablename__ = "articles"
    __table_args__ = (
        CheckConstraint(f"state IN {ARTICLE_STATES}", name="state"),
        CheckConstraint("state <> 'published' OR shown_version IS NOT NULL", name="shown"),
        CheckConstraint("shown_version IS NULL OR shown_version BETWEEN 1 AND version", name="version"),
        Index("ix_articles_review", "review_on", sqlite_where=_PUBLISHED, postgresql_where=_PUBLISHED),
        Index("ix_articles_state", "state", "uses"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    shown_version: Mapped[int | None]
    owner: Mapped[str] = mapped_column(String(60))
    review_on: Mapped[date]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None] = mapped_column(String(60))
    uses: Mapped[int] = mapped_column(default=0)
    sound: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(60))


class ArticleVersion(Base):
    """What an article says, as it was written once. `area` is a division code that stands for all below it; empty:
    everywhere. `items` are codes of the taxonomy, `questions` other ways to ask for it, `note` says what was changed.
    """

    __tablename__ = "article_versions"
    __table_args__ = (Index("uq_article_versions_version", "article_id", "version", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    version: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    title_en: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(String(80))
    area: Mapped[str] = mapped_column(String(15))
    items: Mapped[list[str]] = mapped_column(JSON)
    questions: Mapped[list[str]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(60))


class ArticleUse(Base):
    """An inquiry was answered with an article, in the version that was read out."""

    __tablename__ = "article_uses"
    __table_args__ = (Index("ix_article_uses_article_id", "article_id", "used_at"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    version: Mapped[int]
    used_at: Mapped[datetime]
    used_by: Mapped[str] = mapped_column(String(60))


class UnansweredQuestion(Base):
    """What somebody asked and nobody found an answer to; asked again, it is the same row and counts once more.

    `folded` is the question as it is compared; `area` the division code of those who were asked (empty: all of it).
    `article_id` is the article that is being written for it, or that answers it. `reason` says why it was dropped.
    """

    __tablename__ = "unanswered_questions"
    __table_args__ = (
        CheckConstraint(f"state IN {QUESTION_STATES}", name="state"),
        CheckConstraint("state NOT IN ('writing', 'answered') OR article_id IS NOT NULL", name="article"),
        CheckConstraint("(state = 'dropped') = (reason <> '')", name="reason"),
        Index(
            "uq_unanswered_questions_open",
            "area",
            "folded",
            unique=True,
            sqlite_where=_NOT_DONE,
            postgresql_where=_NOT_DONE,
        ),
        Index("ix_unanswered_questions_state", "state", "asked"),
        Index("ix_unanswered_questions_article_id", "article_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folded: Mapped[str] = mapped_column(String(200))
    area: Mapped[str] = mapped_column(String(15), default="")
    question: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    asked: Mapped[int] = mapped_column(default=0)
    assigned_to: Mapped[str] = mapped_column(String(60), default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(60))


class QuestionAsking(Base):
    """One time that it was asked: by whom it was written down, and in which call. A call counts once."""

    __tablename__ = "question_askings"
    __table_args__ = (
        Index("uq_question_askings_arrival", "question_id", "arrival_id", unique=True),
        Index("ix_question_askings_arrival_id", "arrival_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("unanswered_questions.id"))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(60))
