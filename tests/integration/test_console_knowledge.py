"""Knowledge in the browser: a call is answered from it, supervisors publish, and every page holds its bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache

import pytest
from sqlalchemy import select

from dispatch import inquiries, knowledge, unanswered
from dispatch.article_text import ArticleText
from dispatch.knowledge_tables import Article, ArticleUse, ArticleVersion, UnansweredQuestion
from dispatch.tables import Arrival, Ticket
from foundation.database import Database
from tests.console_desk import Browser, Desk
from tests.integration.dispatch_support import START
from tests.integration.knowledge_support import publish_all

TEXT = {
    "title": "犬证办理",
    "body": "带狗来。\n\n- 免疫证\n- 身份证",
    "items": "2004、1307",
    "questions": "狗证怎么办\n养狗",
}


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.check_laws()
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    with desk.client():  # the console runs; each person has a browser of their own
        yield cache(lambda login: Browser(desk.client(), login))


def articles(desk: Desk) -> list[Article]:
    return desk.town.rows(select(Article).order_by(Article.id))


def test_a_call_is_answered_from_a_guide_in_three_steps(desk: Desk, browser: Callable[[str], Browser]) -> None:
    guide = publish_all(desk.town)[0]
    li = browser("li")
    call = desk.rings()
    assert 'id="gq"' in li.get(f"/calls/{call}").text
    found = li.get(f"/calls/{call}/guides?gq=lnyd").text
    assert "老年优待证办理指南" in found
    assert f"/calls/{call}/guides/{guide}" in found
    read = li.get(f"/calls/{call}/guides/{guide}?gq=lnyd").text
    assert "<li>一寸照片两张</li>" in read
    page = li.post(f"/calls/{call}/guides/answered", summary="老年证要什么", article_id=guide, version=1).text
    assert "咨询" in page
    assert 'id="gq"' not in page, "the call has its end"
    (ticket,) = desk.town.rows(select(Ticket))
    assert (ticket.outcome, ticket.note) == ("answered", "《老年优待证办理指南》第 1 版")
    assert [use.article_id for use in desk.town.rows(select(ArticleUse))] == [guide]
    assert "老年优待证办理指南" in li.get(f"/tickets/{ticket.id}/guides").text
    rates = li.get("/knowledge").text
    assert "100 %" in rates
    assert "1 / 1" in rates


def test_enter_opens_the_best_one_at_once(desk: Desk, browser: Callable[[str], Browser]) -> None:
    publish_all(desk.town)
    page = browser("li").get(f"/calls/{desk.rings()}/guides?gq=医保&best=yes").text
    assert "每年 9 月到 12 月" in page
    assert "guides/answered" in page


def test_a_search_without_an_answer_becomes_a_question_by_one_click_and_the_answer_may_be_promised(
    desk: Desk, browser: Callable[[str], Browser]
) -> None:
    publish_all(desk.town)
    li = browser("li")
    call = desk.rings()
    nothing = li.get(f"/calls/{call}/guides?gq=犬证").text
    assert "没有找到" in nothing
    assert "已记下" in li.post(f"/calls/{call}/unanswered", gq="犬证").text
    li.post(f"/calls/{call}/unanswered", gq="犬证怎么办")
    (question,) = desk.town.rows(select(UnansweredQuestion))
    assert question.asked == 1
    li.post(f"/calls/{call}/promise", summary="犬证怎么办", text="问派出所")
    (ticket,) = desk.town.rows(select(Ticket))
    assert (ticket.state, ticket.next_deadline_at) == ("handling", START + timedelta(hours=24))
    (arrival,) = desk.town.rows(select(Arrival))
    assert arrival.disposition == "ticket"
    page = li.get(f"/tickets/{ticket.id}").text
    assert f"/tickets/{ticket.id}/guides" in page
    assert "已回电答复" in li.get(f"/tickets/{ticket.id}/guides").text
    reply = li.post(f"/tickets/{ticket.id}/told", text="带狗和免疫证")
    assert reply.headers["HX-Location"].startswith("{")
    (ticket,) = desk.town.rows(select(Ticket))
    assert (ticket.state, ticket.outcome) == ("closed", "answered")
    assert "犬证" in li.get("/knowledge/questions").text


def test_an_operator_drafts_and_a_supervisor_publishes(desk: Desk, browser: Callable[[str], Browser]) -> None:
    li, chen = browser("li"), browser("chen")
    assert "保存并发布" not in li.get("/knowledge/new").text
    assert li.post("/knowledge/articles", **TEXT, publish="yes").status_code == 403
    assert articles(desk) == []
    page = li.post("/knowledge/articles", **TEXT)
    assert "草稿" in page.text
    (article,) = articles(desk)
    (version,) = desk.town.rows(select(ArticleVersion))
    assert (version.items, version.questions) == (["2004", "1307"], ["狗证怎么办", "养狗"])
    assert li.post(f"/knowledge/articles/{article.id}/publish", version=1).status_code == 403
    assert "没有找到" in li.get("/knowledge/found?q=犬证").text
    assert "犬证办理" in li.get("/knowledge/due").text
    assert "正在使用" in chen.post(f"/knowledge/articles/{article.id}/publish", version=1).text
    assert "犬证办理" in li.get("/knowledge/found?q=gzzmb").text
    for step, told in (("withdraw", {"reason": "停办"}), ("owner", {"login": "wang"})):
        assert li.post(f"/knowledge/articles/{article.id}/{step}", **told).status_code == 403
        assert chen.post(f"/knowledge/articles/{article.id}/{step}", **told).status_code == 200
    assert chen.post(f"/knowledge/articles/{article.id}/owner", login="nobody").status_code == 422


def test_the_owner_reviews_and_others_do_not(desk: Desk, browser: Callable[[str], Browser]) -> None:
    guide = desk.town.call(knowledge.publish_new, ArticleText("犬证办理", "带狗来。"), actor="user:li")
    assert browser("wang").post(f"/knowledge/articles/{guide}/reviewed").status_code == 403
    assert browser("li").post(f"/knowledge/articles/{guide}/reviewed", next_on="2027-02-30").status_code == 422
    assert browser("li").post(f"/knowledge/articles/{guide}/reviewed", next_on="2027-02-28").status_code == 200
    assert str(articles(desk)[0].review_on) == "2027-02-28"


def test_of_two_editors_the_second_hears_who_was_faster(desk: Desk, browser: Callable[[str], Browser]) -> None:
    guide = desk.town.call(knowledge.publish_new, ArticleText("犬证办理", "带狗来。"), actor="user:li")
    form = browser("wang").get(f"/knowledge/articles/{guide}/edit").text
    assert 'name="started_from" value="1"' in form
    told = {**TEXT, "article_id": guide, "started_from": 1}
    assert browser("wang").post("/knowledge/articles", **told).status_code == 200
    refused = browser("chen").post("/knowledge/articles", **told)
    assert refused.status_code == 409
    assert "wang 在 11-23 10:00 已写了第 2 版" in refused.text
    page = browser("chen").get(f"/knowledge/articles/{guide}/compare?old=1&new=2").text
    assert "免疫证" in page


def test_questions_are_given_to_somebody_and_written_up(desk: Desk, browser: Callable[[str], Browser]) -> None:
    question = desk.town.call(unanswered.note, "犬证怎么办", None, actor="user:li")
    li, chen = browser("li"), browser("chen")
    assert li.post(f"/knowledge/questions/{question}/assign", login="wang").status_code == 403
    assert "王坐席" in chen.post(f"/knowledge/questions/{question}/assign", login="wang").text
    assert chen.post(f"/knowledge/questions/{question}/assign", login="nobody").status_code == 422
    begun = li.post(f"/knowledge/questions/{question}/write")
    (article,) = articles(desk)
    assert f"/knowledge/articles/{article.id}/edit" in begun.headers["HX-Location"]
    assert article.owner == "user:wang"
    assert "正在写" in li.get("/knowledge/questions").text
    chen.post(f"/knowledge/articles/{article.id}/publish", version=1)
    assert "犬证怎么办" in li.get("/knowledge/questions?show=answered").text
    li.post("/knowledge/questions", question="电动车上牌")
    other = desk.town.rows(select(UnansweredQuestion).where(UnansweredQuestion.state == "open"))[0]
    assert chen.post(f"/knowledge/questions/{other.id}/drop", reason="").status_code == 422
    assert chen.post(f"/knowledge/questions/{other.id}/drop", reason="不归我们").status_code == 200


@pytest.mark.parametrize(
    "bad",
    [{"title": ""}, {"title": "长" * 300}, {"body": " "}, {"body": "长" * 50_000}, {"area": "abc"}, {"area": "33020"},
     {"items": "9999"}, {"review_on": "2026-13-01"}, {"review_on": "1999-01-01"}, {"publish": "maybe"}],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_in_words(
    desk: Desk, browser: Callable[[str], Browser], bad: dict[str, str]
) -> None:
    reply = browser("chen").post("/knowledge/articles", **{**TEXT, **bad})
    assert reply.status_code == 422
    assert "notice" in reply.text
    assert articles(desk) == []


@pytest.mark.parametrize("mark", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{ 7 * 7 }}", '"><u>'])
def test_what_an_editor_or_a_caller_says_is_text_and_not_markup(
    desk: Desk, browser: Callable[[str], Browser], mark: str
) -> None:
    chen = browser("chen")
    told = {"title": f"标题{mark}"[:60], "body": f"## {mark}\n\n- {mark}\n1. {mark}\n{mark}", "questions": mark}
    pages = [chen.post("/knowledge/articles", **told, publish="yes").text]
    guide = articles(desk)[0].id
    call = desk.rings()
    pages += [
        chen.get(f"/knowledge/articles/{guide}/edit").text,
        chen.get(f"/calls/{call}/guides?gq=标题&best=yes").text,
        chen.get(f"/knowledge?q={'标题' + mark}").text,
        chen.post(f"/calls/{call}/unanswered", gq=f"问{mark}").text,
        chen.get("/knowledge/questions").text,
    ]
    for page in pages:
        assert mark not in page or mark == "{{ 7 * 7 }}"
        assert "49" not in page or mark != "{{ 7 * 7 }}"


def test_a_stranger_sees_nothing(desk: Desk) -> None:
    with desk.client() as client:
        for url in (
            "/knowledge",
            "/knowledge/found?q=a",
            "/knowledge/due",
            "/knowledge/questions",
            "/knowledge/articles/1",
        ):
            assert client.get(url).headers.get("location") == "/sign-in", url


def test_what_is_not_there_is_said(desk: Desk, browser: Callable[[str], Browser]) -> None:
    li = browser("li")
    for url in ("/knowledge/articles/99", "/calls/99/guides?gq=a", "/tickets/99/guides"):
        assert li.get(url).status_code == 404, url
    ticket = desk.town.call(inquiries.answer, None, "问", "答", actor="user:li")
    assert li.post(f"/tickets/{ticket}/told", text="又答").status_code == 409
