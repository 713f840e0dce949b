"""Articles over their life, what is answered with them, and what nobody could answer; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from dispatch import arrivals, inquiries, knowledge, knowledge_queries, unanswered
from dispatch.article_text import ArticleText
from dispatch.errors import AlreadyDisposed, BadInput, NoSuchThing
from dispatch.knowledge_queries import Rates
from dispatch.knowledge_tables import Article, ArticleUse, ArticleVersion, QuestionAsking, UnansweredQuestion
from dispatch.tables import Arrival, FollowUp, Offer
from foundation.database import Database
from foundation.errors import Conflict
from tests.integration.dispatch_support import START, Town, service_call
from tests.integration.knowledge_support import titles

TODAY = START.date()
ELDER_CARD = ArticleText(
    "老年优待证办理", "带身份证和一寸照片两张。", department="民政", questions=("老年证要什么材料",), items=("1307",)
)


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    check_uses(made)
    made.writer.close()


def check_uses(town: Town) -> None:
    """An article's counter is the number of its rows."""
    with town.database.read() as session:
        rows = session.execute(select(ArticleUse.article_id, func.count()).group_by(ArticleUse.article_id))
        counted = {article_id: count for article_id, count in rows}  # noqa: C416 - rows, not pairs
        assert {a.id: a.uses for a in session.scalars(select(Article)) if a.uses} == counted


def rings(town: Town, call_id: str = "node1-9.1", caller: str = "13800000101") -> int:
    return int(town.call(arrivals.record_steps, service_call(call_id, caller=caller)).new[0])


def published(town: Town, text: ArticleText = ELDER_CARD) -> int:
    return int(town.call(knowledge.publish_new, text, actor="user:li"))


def article(town: Town, article_id: int) -> Article:
    with town.database.read() as session:
        return session.get_one(Article, article_id)


def rates(town: Town, first: date = TODAY, last: date = TODAY) -> Rates:
    with town.database.read() as session:
        return knowledge_queries.rates(session, first, last)


# --- answered in the call itself (acceptance scenario 12) --------------------------------------------------


def test_a_consultation_is_answered_and_closed_in_the_same_call_with_the_article_it_was_read_from(town: Town) -> None:
    guide = published(town)
    arrival_id = rings(town)
    assert titles(town, "老年证 材料")[0] == "老年优待证办理"
    ticket_id = town.call(
        inquiries.answer, arrival_id, "老年证要带什么材料", "", article_id=guide, version=1, caller="13800000101",
        actor="user:li",
    )  # fmt: skip
    ticket = town.ticket(ticket_id)
    assert (ticket.kind, ticket.state, ticket.outcome) == ("inquiry", "closed", "answered")
    assert ticket.closed_at == ticket.opened_at == START
    assert ticket.note == "《老年优待证办理》第 1 版"
    assert ticket.item == "1307"
    (use,) = town.rows(select(ArticleUse))
    assert (use.ticket_id, use.article_id, use.version, use.used_by) == (ticket_id, guide, 1, "user:li")
    assert article(town, guide).uses == 1
    (arrival,) = town.rows(select(Arrival))
    assert arrival.disposition == "inquiry"
    assert town.rows(select(Offer)) + town.rows(select(FollowUp)) + town.pump() == [], "no offer, no follow-up"
    assert rates(town) == Rates(answered=1, inquiries=1, matters=1)
    assert town.events(ticket_id) == [
        "ticket.opened", "arrival.disposed", "article.used", "inquiry.answered", "ticket.state_changed",
    ]  # fmt: skip


def test_the_version_that_was_read_out_is_the_one_that_is_linked(town: Town) -> None:
    guide = published(town)
    town.call(knowledge.revise, guide, replace(ELDER_CARD, body="只带身份证。"), started_from=1, actor="user:wang")
    town.call(knowledge.publish, guide, 2, actor="user:chen")
    first = town.call(inquiries.answer, None, "老年证", "", article_id=guide, version=1, actor="user:li")
    second = town.call(inquiries.answer, None, "老年证", "另外告知周末不办", article_id=guide, actor="user:li")
    assert [u.version for u in town.rows(select(ArticleUse).order_by(ArticleUse.ticket_id))] == [1, 2]
    assert town.ticket(first).note == "《老年优待证办理》第 1 版"
    assert town.ticket(second).note == "《老年优待证办理》第 2 版\n另外告知周末不办"


def test_an_answer_needs_a_published_article_or_words_and_a_call_is_answered_once(town: Town) -> None:
    draft = town.call(knowledge.write, ELDER_CARD, actor="user:li")
    arrival_id = rings(town)
    for wrong in ({"article_id": draft}, {"article_id": 999}, {}, {"article_id": published(town), "version": 7}):
        with pytest.raises((BadInput, NoSuchThing)):
            town.call(inquiries.answer, arrival_id, "老年证", "", actor="user:li", **wrong)
    assert town.rows(select(ArticleUse)) == [], "nothing half-written"
    assert rates(town).matters == 0
    town.call(inquiries.answer, arrival_id, "老年证", "带身份证", actor="user:li")
    with pytest.raises(AlreadyDisposed):
        town.call(inquiries.answer, arrival_id, "老年证", "带身份证", actor="user:li")


# --- an answer that was promised ---------------------------------------------------------------------------


def test_a_promised_answer_stays_open_with_a_deadline_that_goes_to_the_supervisor(town: Town) -> None:
    arrival_id = rings(town)
    ticket_id = town.call(
        inquiries.promise, arrival_id, "外地医保怎么报销", note="要问医保窗口", caller="13800000101", actor="user:li"
    )
    ticket = town.ticket(ticket_id)
    assert (ticket.state, ticket.owner, ticket.next_deadline_at) == ("handling", "desk", START + timedelta(hours=24))
    (arrival,) = town.rows(select(Arrival))
    assert arrival.disposition == "ticket"
    assert rates(town) == Rates(0, 1, 1)
    assert "fired:inquiry.promised" in town.forward(hours=24, seconds=1)
    assert town.ticket(ticket_id).owner == "supervisor"
    guide = published(town)
    town.call(inquiries.keep_promise, ticket_id, "已回电", article_id=guide, actor="user:chen")
    ticket = town.ticket(ticket_id)
    assert (ticket.state, ticket.outcome) == ("closed", "answered")
    assert ticket.note == "要问医保窗口\n《老年优待证办理》第 1 版\n已回电"
    assert rates(town) == Rates(0, 1, 1), "answered, but not in the call itself"


def test_nothing_is_promised_to_somebody_who_cannot_be_rung_back(town: Town) -> None:
    with pytest.raises(BadInput, match="no number"):
        town.call(inquiries.promise, rings(town), "外地医保怎么报销", caller="anonymous", actor="user:li")
    with pytest.raises(BadInput):
        town.call(inquiries.promise, None, " ", caller="13800000101", actor="user:li")


def test_only_an_inquiry_that_is_open_keeps_a_promise(town: Town) -> None:
    with pytest.raises(BadInput):
        town.call(inquiries.keep_promise, town.request(), "答", actor="user:li")
    done = town.call(inquiries.answer, None, "问", "答", actor="user:li")
    with pytest.raises(Conflict):
        town.call(inquiries.keep_promise, done, "答", actor="user:li")


# --- the rate ----------------------------------------------------------------------------------------------


def test_the_direct_answer_rate_names_its_numerator_and_denominator(town: Town) -> None:
    assert rates(town).direct is None
    for n in range(7):
        town.call(inquiries.answer, None, f"问{n}", "答", actor="user:li")
    for _ in range(3):
        town.request()
    found = rates(town)
    assert (found.answered, found.inquiries, found.matters) == (7, 7, 10)
    assert found.direct == 0.7
    assert found.first_contact == 1.0
    assert rates(town, TODAY + timedelta(days=1), TODAY + timedelta(days=1)).matters == 0


# --- versions and editors ----------------------------------------------------------------------------------


def test_every_version_stays_with_who_wrote_it_and_when(town: Town) -> None:
    guide = published(town)
    town.forward(hours=1)
    town.call(
        knowledge.revise,
        guide,
        replace(ELDER_CARD, body="只带身份证。", note="照片免了"),
        started_from=1,
        actor="user:wang",
    )
    with town.database.read() as session:
        page = knowledge_queries.page(session, guide)
        assert (page.version.version, page.draft_waits, page.shown) == (1, True, True)
        assert [(v.version, v.written_by, v.note) for v in page.versions] == [
            (2, "user:wang", "照片免了"),
            (1, "user:li", ""),
        ]
        assert page.versions[0].written_at == START + timedelta(hours=1)
        (change,) = knowledge_queries.changes(session, guide, 1, 2)
        assert change.name == "body"
        assert change.lines == (("-", "带身份证和一寸照片两张。"), ("+", "只带身份证。"))
        assert knowledge_queries.drafts(session).total == 1


def test_of_two_editors_of_one_article_the_second_is_told_who_was_faster_and_loses_nothing_of_theirs(
    town: Town,
) -> None:
    guide = published(town)
    town.call(knowledge.revise, guide, replace(ELDER_CARD, body="甲写的。"), started_from=1, actor="user:wang")
    with pytest.raises(knowledge.EditedMeanwhile) as refused:
        town.call(knowledge.revise, guide, replace(ELDER_CARD, body="乙写的。"), started_from=1, actor="user:chen")
    assert "wang 在 11-23 10:00 已写了第 2 版" in refused.value.zh
    assert "wang wrote version 2" in refused.value.en
    with pytest.raises(knowledge.EditedMeanwhile):
        town.call(knowledge.publish, guide, 1, actor="user:chen")
    assert [v.body for v in town.rows(select(ArticleVersion).order_by(ArticleVersion.version))][1:] == ["甲写的。"]


def test_of_editors_who_save_in_the_same_instant_one_wins_and_every_version_has_one_writer(town: Town) -> None:
    guide = published(town)

    def save(n: int) -> bool:
        try:
            text = replace(ELDER_CARD, body=f"第 {n} 人写的。")
            town.call(knowledge.revise, guide, text, started_from=1, actor=f"user:u{n}")
        except knowledge.EditedMeanwhile:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save, range(8))) == 1
    assert sorted(v.version for v in town.rows(select(ArticleVersion))) == [1, 2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": " "}, "缺标题"),
        ({"body": "\u200b"}, "缺正文"),
        ({"title": "长" * 61}, "标题超过 60 字"),
        ({"body": "长" * 12_001}, "正文超过 12000 字"),
        ({"area": "33020"}, "区划代码不对"),
        ({"area": "abc"}, "区划代码不对"),
        ({"items": ("9999",)}, "没有服务项目 9999"),
        ({"questions": tuple(f"问法{n}" for n in range(21))}, "问法超过 20 条"),
    ],
)
def test_an_article_out_of_bounds_is_refused_with_every_fault(town: Town, change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        town.call(knowledge.write, replace(ELDER_CARD, **{"department": "部" * 61, **change}), actor="user:li")
    assert said in refused.value.zh
    assert "责任部门超过 60 字" in refused.value.zh
    assert town.rows(select(Article)) == []


def test_reviews_that_are_due_are_listed_and_move_on_when_somebody_looked(town: Town) -> None:
    guide = published(town)
    assert article(town, guide).review_on == TODAY + knowledge.REVIEW_AFTER
    soon = TODAY + timedelta(days=3)
    town.call(knowledge.hand_over, guide, "user:wang", soon, actor="user:chen")
    with town.database.read() as session:
        assert knowledge_queries.reviews_due(session, soon - timedelta(days=1)).total == 0
        assert [a.id for a, _ in knowledge_queries.reviews_due(session, soon).rows] == [guide]
        assert knowledge_queries.reviews_due(session, soon, ("330203",)).total == 1, (
            "what holds everywhere is everybody's"
        )
    town.forward(days=4)
    town.call(knowledge.reviewed, guide, actor="user:wang")
    with town.database.read() as session:
        assert knowledge_queries.reviews_due(session, soon + timedelta(days=1)).total == 0
    for wrong in (TODAY - timedelta(days=400), TODAY + timedelta(days=4000)):
        with pytest.raises(BadInput):
            town.call(knowledge.reviewed, guide, wrong, actor="user:wang")


# --- what nobody could answer ------------------------------------------------------------------------------


def questions(town: Town) -> list[UnansweredQuestion]:
    return town.rows(select(UnansweredQuestion).order_by(UnansweredQuestion.id))


def test_the_same_question_is_one_row_and_a_call_counts_once(town: Town) -> None:
    first, second = rings(town), rings(town, "node1-9.2", "13800000102")
    for arrival_id, words in ((first, "请问犬证怎么办？"), (first, "犬证怎么办理"), (second, "犬证"), (None, "犬证")):
        town.call(unanswered.note, words, arrival_id, actor="user:li")
    town.call(unanswered.note, "电动车上牌", None, actor="user:li")
    dog, bike = questions(town)
    assert (dog.question, dog.asked, bike.asked) == ("请问犬证怎么办？", 3, 1)
    with town.database.read() as session:
        rows, total = knowledge_queries.questions(session)
        assert ([row.id for row in rows], total) == ([dog.id, bike.id], 2)
    with pytest.raises(BadInput):
        town.call(unanswered.note, "？！", None, actor="user:li")


def test_in_the_same_instant_it_is_still_one_row(town: Town) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: town.call(unanswered.note, "犬证怎么办", None, actor="user:li"), range(16)))
    (dog,) = questions(town)
    assert dog.asked == 16 == len(town.rows(select(QuestionAsking)))


def test_a_question_is_assigned_becomes_an_article_and_is_answered_when_that_is_published(town: Town) -> None:
    dog = town.call(unanswered.note, "犬证怎么办", None, actor="user:li")
    town.call(unanswered.assign, dog, "wang", actor="user:chen")
    guide = town.call(unanswered.begin_article, dog, "带狗和免疫证。", actor="user:wang")
    with pytest.raises(Conflict):
        town.call(unanswered.begin_article, dog, "又写。", actor="user:li")
    (row,) = questions(town)
    assert (row.state, row.article_id, article(town, guide).owner) == ("writing", guide, "user:wang")
    town.call(unanswered.note, "犬证", None, actor="user:li")
    assert questions(town)[0].asked == 2, "asked again while it is being written"
    town.call(knowledge.publish, guide, 1, actor="user:chen")
    (row,) = questions(town)
    assert (row.state, row.closed_by) == ("answered", "user:chen")
    assert titles(town, "犬证") == ["犬证怎么办"]
    town.call(unanswered.note, "犬证", None, actor="user:li")
    assert [q.state for q in questions(town)] == ["answered", "open"], "asked anew: the article did not help"


def test_a_question_is_dropped_with_a_reason_or_answered_by_an_article_there_is(town: Town) -> None:
    dog = town.call(unanswered.note, "犬证", None, actor="user:li")
    with pytest.raises(BadInput):
        town.call(unanswered.drop, dog, "", actor="user:chen")
    town.call(unanswered.drop, dog, "不归我们", actor="user:chen")
    with pytest.raises(Conflict):
        town.call(unanswered.drop, dog, "不归我们", actor="user:chen")
    card = town.call(unanswered.note, "老人卡", None, actor="user:li")
    draft = town.call(knowledge.write, ELDER_CARD, actor="user:li")
    with pytest.raises(BadInput):
        town.call(unanswered.answer_with, card, draft, actor="user:chen")
    town.call(knowledge.publish, draft, 1, actor="user:chen")
    town.call(unanswered.answer_with, card, draft, actor="user:chen")
    assert [q.state for q in questions(town)] == ["dropped", "answered"]


def test_a_request_counts_as_a_matter_and_not_as_answered(town: Town) -> None:
    town.request()
    assert rates(town) == Rates(0, 0, 1)
