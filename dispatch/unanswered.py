"""Questions nobody had an answer to: one click while the caller waits, and later a list to write articles from.

The same question again is the same row, counted once for each call, so that what is asked most is written first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatch import knowledge
from dispatch.article_text import MOST_QUESTION, MOST_TITLE, ArticleText
from dispatch.errors import BadInput, missing
from dispatch.knowledge_tables import Article, QuestionAsking, UnansweredQuestion
from dispatch.search_words import question_key
from foundation.errors import Conflict
from foundation.tables import Base
from foundation.text import one_line
from foundation.writer import Work

_QUESTIONS = Base.metadata.tables[UnansweredQuestion.__tablename__]
_ASKINGS = Base.metadata.tables[QuestionAsking.__tablename__]
_PUT = {
    name: (row := dialect.insert(_QUESTIONS))
    .on_conflict_do_update(
        index_elements=["area", "folded"],
        index_where=text("state IN ('open', 'writing')"),
        set_={"last_at": row.excluded.last_at},
    )
    .returning(_QUESTIONS.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_ASK = {
    name: dialect.insert(_ASKINGS)
    .on_conflict_do_nothing(index_elements=["question_id", "arrival_id"])
    .returning(_ASKINGS.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_COUNT_UP = update(_QUESTIONS).where(_QUESTIONS.c.id == bindparam("of_question")).values(asked=_QUESTIONS.c.asked + 1)


def note(w: Work, question: str, arrival_id: int | None = None, area: str = "") -> int:
    """Nobody had an answer to this: put it on the list, or count it there once more. Its id.

    A call counts once for a question, however often the button is pressed; without a call each press counts. `area` is
    the division for which whoever was asked works: its own list, since districts have their own rules.
    """
    question = one_line(question, MOST_QUESTION)
    folded = question_key(question)
    if not folded:
        raise BadInput("请写出问的是什么", "a question needs words")
    connection = w.connection
    values: dict[str, Any] = {
        "folded": folded, "area": area, "question": question, "state": "open", "asked": 0, "assigned_to": "",
        "reason": "", "first_at": w.now, "last_at": w.now,
    }  # fmt: skip
    question_id = int(connection.execute(_PUT[connection.dialect.name], values).scalar_one())
    asking = {"question_id": question_id, "arrival_id": arrival_id, "asked_at": w.now, "asked_by": w.actor}
    if connection.execute(_ASK[connection.dialect.name], asking).scalar() is not None:
        connection.execute(_COUNT_UP, {"of_question": question_id})
        w.log("question.unanswered", arrival_id=arrival_id, question=question_id, text=question)
    return question_id


def assign(w: Work, question_id: int, login: str) -> None:
    """Somebody is to find the answer; no login: nobody in particular."""
    row = _open(w, question_id)
    row.assigned_to = f"user:{login}" if login else ""
    w.session.flush()
    w.log("question.assigned", question=question_id, to=row.assigned_to)


def begin_article(w: Work, question_id: int, body: str) -> int:
    """Write the article for it: a draft with the question as title and as a way to ask. The article's id.

    The question is answered when that article is published.
    """
    row = _open(w, question_id)
    if row.state == "writing":
        raise Conflict("这个问题已经有人在写", f"question {question_id} is being written as article {row.article_id}")
    draft = ArticleText(
        title=row.question[:MOST_TITLE], body=body, questions=(row.question,), note="来自未答问题 / from a question"
    )
    article_id = knowledge.write(w, draft, owner=row.assigned_to)
    row.state, row.article_id = "writing", article_id
    w.session.flush()
    w.log("question.begun", question=question_id, article=article_id)
    return article_id


def answer_with(w: Work, question_id: int, article_id: int) -> None:
    """There is an article that answers it after all."""
    row = _open(w, question_id)
    article = w.session.get(Article, article_id)
    if article is None or article.state != "published":
        raise BadInput("没有这篇已发布的文章", f"there is no published article {article_id}")
    row.state, row.article_id, row.closed_at, row.closed_by = "answered", article_id, w.now, w.actor
    w.session.flush()
    w.log("question.answered", question=question_id, article=article_id)


def drop(w: Work, question_id: int, reason: str) -> None:
    """Nothing will be written for it, and why."""
    row = _open(w, question_id)
    reason = one_line(reason, 200)
    if not reason:
        raise BadInput("不写需要原因", "dropping a question needs a reason")
    row.state, row.reason, row.closed_at, row.closed_by = "dropped", reason, w.now, w.actor
    w.session.flush()
    w.log("question.dropped", question=question_id, reason=reason)


def _open(w: Work, question_id: int) -> UnansweredQuestion:
    row = w.session.get(UnansweredQuestion, question_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise missing("问题", "question", question_id)
    if row.state not in ("open", "writing"):
        raise Conflict("这个问题已经处理完了", f"question {question_id} is {row.state} already")
    return row
