"""The console in a real Chromium: domain commands change the state, the page shows it by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatch import alarms, arrivals
from foundation.database import Database
from foundation.migrations import upgrade
from tests.console_desk import PASSWORD, Desk, served
from tests.integration.dispatch_support import service_call

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/console.sqlite"
    upgrade(url)
    database = Database(url)
    made = Desk(database)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with served(desk) as at:
        yield at


@pytest.fixture
def sign_in(address: str) -> Callable[[Page, str], None]:
    def do(page: Page, login: str) -> None:
        page.goto(f"{address}/sign-in")
        page.fill("#name", login)
        page.fill("#password", PASSWORD)
        page.click("button.btn-primary")
        expect(page.locator("#no-alarm")).to_be_attached()
        expect(page.locator("html")).to_have_attribute("data-live", "yes")

    return do


def take_a_seat(page: Page, seat: str) -> None:
    page.keyboard.press("q")
    page.click(f"button[name=seat][value={seat}]")
    expect(page.locator(f'[data-my-seat="{seat}"]')).to_be_visible()


def test_an_alarm_appears_by_itself_is_taken_handled_and_closed_by_keys_and_clicks(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, "li")
    take_a_seat(page, "op1")
    page.evaluate("window.stillHere = true")
    alarm = desk.pressed()
    card = page.locator(f"#alarm-{alarm}")
    expect(card).to_contain_text("紧急求助")
    expect(card).to_contain_text("张爷爷")
    expect(card).to_contain_text("示范路 7 号")
    expect(page).to_have_title(re.compile(r"^\(1!\)"))
    expect(page.locator("html")).to_have_attribute("data-siren", "on")

    expect(page.locator("#facts h1")).to_have_text("张爷爷")
    page.keyboard.press("t")
    expect(page.locator("#facts")).to_contain_text("已接警")
    expect(card).to_contain_text("李坐席")
    expect(page.locator("html")).to_have_attribute("data-siren", "off")
    assert desk.town.ticket(alarm).taken_by == "seat-op1"

    page.get_by_role("button", name="关注").click()
    expect(page.locator("#facts .pill", has_text="关注")).to_be_visible()
    page.locator("#note-drop summary").click()
    page.fill("#note", "说胸口闷，已请邻居上门")
    page.get_by_role("button", name="记下").click()
    expect(page.locator(".timeline")).to_contain_text("已请邻居上门")
    page.locator("#close-drop summary").click()
    page.get_by_label("有人上门帮助").check()
    page.fill("#close-text", "邻居到场，平安")
    page.locator("#close-form").get_by_role("button", name="办结").click()
    expect(page.locator("#facts")).to_contain_text("已办结")
    expect(card).to_have_count(0)
    assert desk.town.ticket(alarm).outcome == "helped_at_door"
    assert page.evaluate("window.stillHere"), "the shell was loaded anew"


def test_the_callers_card_opens_by_itself_only_at_the_seat_that_answered_and_keeps_a_draft(
    desk: Desk, page: Page, browser: Browser, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, "li")
    take_a_seat(page, "op1")
    other_profile = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    other = other_profile.new_page()
    sign_in(other, "wang")
    take_a_seat(other, "op2")

    first = desk.rings("node1-5.1", ("answered", 7, {"who": "seat-op1"}))
    expect(page.locator(f'[data-call="{first}"]')).to_be_visible()
    expect(other.locator(f"#call-{first}")).to_be_visible()
    expect(other.locator("[data-call]")).to_have_count(0)

    page.keyboard.press("a")
    page.fill("#summary", "问医保卡怎么补办")
    second = desk.rings("node1-5.2")
    expect(page.locator(f"#call-{second}")).to_be_visible()
    expect(page.locator("#summary")).to_have_value("问医保卡怎么补办")
    step = service_call("node1-5.2", ("answered", 7, {"who": "seat-op1"}))
    desk.town.call(arrivals.record_steps, step)
    expect(page.locator(f'[data-call="{second}"]')).to_be_visible()
    page.locator(f"#call-{first}").click()
    expect(page.locator("#summary")).to_have_value("问医保卡怎么补办")
    other_profile.close()


def test_what_was_sent_is_no_draft_any_more(desk: Desk, page: Page, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, "chen")
    page.goto(f"{page.url.rstrip('/')}/incidents")
    page.fill("#title", "西门街道停水")
    page.fill("#zh", "西门街道停水，下午六点恢复。")
    page.fill("#en", "No water in Ximen until six.")
    page.locator("#incident-form .btn-primary").click()
    expect(page.locator(".incident")).to_contain_text("西门街道停水")
    expect(page.locator("#title")).to_have_value("")
    page.fill("#title", "半句")
    page.reload()
    expect(page.locator("#title")).to_have_value("半句")
    expect(page.locator("#zh")).to_have_value("")


def test_silencing_the_siren_closes_its_dialog(desk: Desk, page: Page, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, "li")
    desk.pressed()
    expect(page.locator("html")).to_have_attribute("data-siren", "on")
    page.evaluate("document.getElementById('silence').showModal()")
    page.fill("#silence-reason", "在同一间屋里")
    page.locator("#silence .btn-primary").click()
    expect(page.locator("#silence")).not_to_be_visible()


def test_a_request_is_opened_offered_accepted_done_and_closed_by_clicks(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, "li")
    call = desk.rings()
    page.locator(f"#call-{call}").click()
    expect(page.locator("[data-key=r]")).to_be_visible()
    page.keyboard.press("r")
    page.locator("#item_q").press_sequentially("slt")
    page.locator("#items input[value='0302']").check()
    page.fill("#summary", "水龙头关不住")
    page.fill("#address", "示范路 1 号")
    page.select_option("#community", "330203001001")
    page.get_by_role("button", name=re.compile("登记")).click()
    expect(page.locator(".ranked li")).to_have_count(3)
    page.get_by_role("button", name=re.compile("自动派单")).click()
    expect(page.locator(".ledger").first).to_contain_text("等待答复")
    page.get_by_text("代答").first.click()
    page.get_by_role("button", name="代接单").click()
    expect(page.locator("#facts .state")).to_have_text("已接单")
    page.get_by_role("button", name=re.compile("已到场")).click()
    expect(page.locator("#facts .state")).to_have_text("已到场")
    page.locator("#done-drop summary").click()
    page.fill("#yuan", "80")
    page.locator("#done-drop button").click()
    expect(page.locator("#facts .state")).to_have_text("已完工")
    page.get_by_role("button", name=re.compile("非常满意")).first.click()
    expect(page.locator("#facts .state")).to_have_text("已办结")
    desk.town.check_laws()


def test_the_page_says_when_it_is_stale_and_catches_up(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None], address: str
) -> None:
    sign_in(page, "li")
    page.evaluate("window.stillHere = true")
    for browser in list(desk.console.stream._browsers):
        desk.console.stream._loop.call_soon_threadsafe(desk.console.stream._end, browser)
    expect(page.locator("#stale")).to_be_visible()
    alarm = desk.pressed()
    expect(page.locator("#stale")).to_be_hidden()
    expect(page.locator(f"#alarm-{alarm}")).to_be_visible()
    assert page.evaluate("window.stillHere")


def test_an_alarm_taken_by_another_is_told_truthfully_and_the_card_turns_calm(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, "li")
    alarm = desk.pressed()
    page.locator(f"#alarm-{alarm} .alarm-open").click()
    expect(page.locator("#facts h1")).to_have_text("张爷爷")
    desk.town.call(alarms.take, alarm, "duty-3", priority=0)
    expect(page.locator(f"#alarm-{alarm}")).to_contain_text("值班")
    expect(page.locator("#facts")).to_contain_text("已接警")
    assert page.locator(f"#alarm-{alarm} .btn-take").count() == 0


def test_a_key_pressed_in_the_moment_a_part_appears_is_not_lost(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    """Before the buttons of a new part are live there is no moment in which they are only to be seen."""
    sign_in(page, "li")
    page.evaluate("""
        new MutationObserver((_, observer) => {
            if (!document.querySelector("#matter .btn-take")) return;
            observer.disconnect();
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
        }).observe(document.getElementById("matter"), { childList: true, subtree: true });
    """)
    alarm = desk.pressed()
    page.locator(f"#alarm-{alarm} .alarm-open").click()
    expect(page.locator("#facts")).to_contain_text("已接警")
    assert desk.town.ticket(alarm).taken_by


def test_the_desk_speaks_english_when_it_is_told_to_and_stays_so(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, "li")
    desk.pressed()
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Nothing in hand")
    expect(page.locator(".alarm")).to_contain_text("EMERGENCY")
    again = desk.pressed("node1-1.9")
    expect(page.locator(f"#alarm-{again}")).to_contain_text("Take it")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Take it")
