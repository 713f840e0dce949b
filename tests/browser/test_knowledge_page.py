"""An operator answers a caller from the guides by the keyboard, in a real Chromium; the pages fit every width."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from dispatch import knowledge, unanswered
from dispatch.knowledge_tables import ArticleUse, UnansweredQuestion
from dispatch.tables import Ticket
from foundation.database import Database
from foundation.migrations import upgrade
from tests.console_desk import PASSWORD, Desk, served
from tests.integration.knowledge_support import ARTICLES, publish_all

pytestmark = pytest.mark.browser
WIDTHS = (1440, 1024, 420)
PICTURES = os.environ.get("CALLCENTER_PICTURES", "")
"""A folder for pictures of the pages, for a person to look at."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/console.sqlite"
    upgrade(url)
    database = Database(url)
    made = Desk(database)
    publish_all(made.town)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def sign_in(desk: Desk) -> Iterator[Callable[[Page, str], str]]:
    with served(desk) as address:

        def do(page: Page, login: str) -> str:
            page.goto(f"{address}/sign-in")
            page.fill("#name", login)
            page.fill("#password", PASSWORD)
            page.click("button.btn-primary")
            expect(page.locator("html")).to_have_attribute("data-live", "yes")
            return address

        yield do


def fits(page: Page, name: str) -> None:
    """Nothing hangs over the side, in any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
        assert wide <= width, f"{page.url} is {wide} wide in {width}"
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def test_a_caller_is_answered_from_a_guide_by_the_keyboard(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str]
) -> None:
    call = desk.rings()
    address = sign_in(page, "li")
    page.goto(f"{address}/calls/{call}")
    page.keyboard.press("k")
    page.keyboard.type("lnyd")
    expect(page.locator("#guides")).to_contain_text("老年优待证办理指南")
    fits(page, "call-found")
    page.keyboard.press("Enter")
    expect(page.locator("#guide")).to_contain_text("一寸照片两张")
    page.keyboard.press("Escape")
    fits(page, "call-guide")
    page.locator("#asked").fill("老年证要什么材料")
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    expect(page.locator("#actions")).to_contain_text("咨询")
    expect(page.locator("#gq")).to_have_count(0)
    (ticket,) = desk.town.rows(select(Ticket))
    assert (ticket.kind, ticket.outcome, ticket.summary) == ("inquiry", "answered", "老年证要什么材料")
    assert len(desk.town.rows(select(ArticleUse))) == 1


def test_what_is_not_found_is_noted_by_one_key_and_promised(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str]
) -> None:
    call = desk.rings()
    address = sign_in(page, "li")
    page.goto(f"{address}/calls/{call}")
    page.locator("#gq").press_sequentially("犬证怎么办")
    expect(page.locator("#guides")).to_contain_text("没有找到")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.locator("#noted")).to_contain_text("已记下")
    page.locator("#promise-drop summary").click()
    fits(page, "call-nothing")
    page.locator("#promise-text").fill("问派出所")
    page.locator("#promise-form .btn-primary").click()
    expect(page.locator("#actions")).to_contain_text("咨询")
    assert [q.asked for q in desk.town.rows(select(UnansweredQuestion))] == [1]
    (ticket,) = desk.town.rows(select(Ticket))
    page.goto(f"{address}/tickets/{ticket.id}")
    expect(page.locator("#ticket-guides")).to_contain_text("回电答复")
    fits(page, "ticket-promised")
    page.locator("#told-text").fill("带狗和免疫证")
    page.locator("#told-form .btn-primary").click()
    expect(page.locator("#facts")).to_contain_text("已办结")


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_every_page_of_knowledge_fits_every_width(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str], locale: str
) -> None:
    text = replace(ARTICLES[0], body="60 周岁以上可以办。\n\n## 带什么\n- 身份证", note="照片免了")
    desk.town.call(knowledge.revise, 1, text, started_from=1, actor="user:wang")
    for words in ("犬证怎么办", "电动车上牌要带什么材料去哪里办周末办不办"):
        question = desk.town.call(unanswered.note, words, None, actor="user:li")
    desk.town.call(unanswered.assign, question, "wang", actor="user:chen")
    address = sign_in(page, "chen")
    if locale == "en":
        page.get_by_role("button", name="English").click()
        expect(page.locator("body")).to_have_attribute("data-locale", "en")
    for name, path in (
        ("home", "/knowledge"), ("found", "/knowledge?q=老年"), ("none", "/knowledge?q=量子"),
        ("article", "/knowledge/articles/1"),
        ("newer", "/knowledge/articles/1?version=2"), ("edit", "/knowledge/articles/1/edit"),
        ("compare", "/knowledge/articles/1/compare?old=1&new=2"), ("due", "/knowledge/due"),
        ("questions", "/knowledge/questions"),
    ):  # fmt: skip
        page.goto(address + path)
        expect(page.locator("#matter article")).to_be_visible()
        fits(page, f"{name}-{locale}")
    page.goto(f"{address}/knowledge")
    page.locator("#kq").press_sequentially("ranqi")
    expect(page.locator("#found")).to_contain_text("燃气安全与报修")
