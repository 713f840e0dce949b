"""What a new user does first, by clicks alone, on the real system that `callcenter up` starts: console and town."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.up_process import Up, open_up

pytestmark = pytest.mark.exchange

RESIDENT = "15400010001"
ELDER = "87000003"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The demo, running."""
    with open_up(tmp_path_factory.mktemp("demo"), slot=2) as opened:
        opened.start()
        yield opened


@dataclass
class Town:
    """The town's page, used as a person uses it."""

    page: Page

    def phone(self, number: str) -> Locator:
        return self.page.locator(f'.phone[data-number="{number}"]:visible').first

    def clicks(self, number: str, button: str) -> None:
        self.phone(number).get_by_role("button", name=button).click()

    def answers(self, number: str) -> None:
        """Lift the receiver once it rings."""
        self.clicks(number, "接听")
        expect(self.phone(number)).to_have_attribute("data-mode", "talking")

    def opens_unread(self, number: str) -> None:
        """Open this handset once it shows that it has something new."""
        self.page.locator(f'#handsets button[data-handset="{number}"]:has(.badge)').click()

    def reads(self, text: str) -> None:
        expect(self.page.locator("#messages")).to_contain_text(text)

    def replies(self, text: str) -> None:
        """One of the quick replies."""
        self.page.locator(f'#quick [data-text="{text}"]').click()
        expect(self.page.locator("#messages li.mine").last).to_contain_text(text)


@pytest.fixture(scope="module")
def windows(up: Up, browser: Browser) -> Iterator[tuple[Page, Town]]:
    """Console and town side by side, op1 signed in and sitting at op1. Errors of the pages fail the test."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", permissions=["microphone"]
    )
    context.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    console, town = context.new_page(), context.new_page()
    console.goto(f"{up.base}/")
    console.fill('input[name="name"]', "op1")
    console.fill('input[type="password"]', up.password("op1"))
    console.press('input[type="password"]', "Enter")
    console.locator("summary", has_text="选择坐席").click()
    console.get_by_role("button", name="坐下").first.click()
    expect(console.locator("[data-my-seat='op1']")).to_be_visible()
    town.goto(f"{up.base}/town/")
    yield console, Town(town)
    context.close()
    expect.set_options(timeout=5_000)
    assert not errors


def test_everything_that_rings_is_in_sight_without_scrolling(windows: tuple[Page, Town]) -> None:
    _console, town = windows
    for number in (RESIDENT, ELDER, "op1", "op2", "op3", "op4", "15400090001"):
        expect(town.phone(number)).to_be_in_viewport(ratio=1)
    town.page.set_viewport_size({"width": 360, "height": 740})
    expect(town.phone("op1")).to_be_in_viewport(ratio=1)
    assert town.page.evaluate("document.documentElement.scrollWidth") == 360
    town.page.set_viewport_size({"width": 1440, "height": 900})


def test_any_telephone_is_found_by_name_number_or_address(windows: tuple[Page, Town]) -> None:
    _console, town = windows
    for wanted, number in (("quanzhou", ""), ("87000017", "87000017"), ("单立群", RESIDENT), ("门岗", "87003001")):
        town.page.fill("#search", wanted)
        if number:
            expect(town.phone(number)).to_be_visible()
        else:
            expect(town.page.locator("#found-count")).to_have_text("0")
    town.page.fill("#search", "")
    expect(town.phone(ELDER)).to_be_visible()


def test_a_question_is_answered_on_the_spot(windows: tuple[Page, Town]) -> None:
    console, town = windows
    town.clicks("15400010002", "拨 81890")
    town.answers("op1")

    expect(console.locator("#matter h1")).to_have_text("潘宝根")
    console.get_by_text("即时答复").click()
    console.fill("#summary", "老年卡在哪里办")
    console.fill("#text", "带身份证到社区服务站办。")
    console.get_by_role("button", name="答复并办结").click()

    expect(console.locator("#matter")).to_contain_text("这个来件已有结果")
    town.clicks("op1", "挂断")
    expect(town.phone("15400010002").get_by_role("button", name="拨 81890")).to_be_visible()


def test_an_elders_button_is_answered_graded_and_closed(windows: tuple[Page, Town]) -> None:
    console, town = windows
    town.clicks(ELDER, "按求助键")
    expect(console.locator("#alarm-list [data-alarm]")).to_contain_text("知春巷66弄")
    town.answers("op1")

    matter = console.locator("#matter")
    matter.get_by_role("button", name=re.compile("误触")).click()
    matter.get_by_role("button", name=re.compile("通话确认")).click()
    matter.locator("#close-drop > summary").click()
    matter.locator('input[name="outcome"][value="accidental"]').check()
    matter.locator("#close-text").fill("老人碰到了按钮，人平安。")
    matter.locator("#close-form").get_by_role("button", name="办结").click()

    expect(matter).to_contain_text("已办结")
    expect(console.locator("#alarm-list [data-alarm]")).to_have_count(0)
    town.clicks("op1", "挂断")


def test_a_press_that_no_operator_answers_is_taken_by_a_contact(windows: tuple[Page, Town]) -> None:
    console, town = windows
    town.clicks("87000001", "按求助键")
    expect(town.phone("op1").get_by_role("button", name="接听")).to_be_visible()
    town.page.get_by_role("button", name="快进 15 分钟").click()

    contact = town.page.locator("#phones-rung .phone[data-mode=rung]").first
    contact.get_by_role("button", name="接听").click(timeout=60_000)
    town.page.locator("#phones-rung .phone[data-mode=talking]").get_by_role("button", name="按 1 接下").click()

    expect(console.locator("#alarm-list [data-alarm]")).to_contain_text("处置中", timeout=20_000)
    expect(town.phone("op1")).to_have_attribute("data-mode", "idle")


def test_a_leaking_pipe_from_the_call_to_the_closed_ticket(windows: tuple[Page, Town]) -> None:
    console, town = windows
    town.clicks(RESIDENT, "拨 81890")
    town.answers("op1")
    matter = console.locator("#matter")
    expect(matter.locator("h1")).to_have_text("单立群")

    matter.get_by_text("开求助单").click()
    console.fill("#item_q", "水管")
    matter.locator("#items label", has_text="水管漏水").click()
    console.fill("#summary", "厨房水管漏水")
    matter.get_by_text("登记，然后派单").click()
    matter.get_by_text("自动派单").click()
    town.clicks("op1", "挂断")

    town.page.locator('#handsets button[data-handset^="1540003"]').click()
    town.reads("厨房水管漏水")
    town.replies("1 20")
    town.reads("归您")
    town.page.locator(f'#handsets button[data-handset="{RESIDENT}"]').click()
    town.reads("上门")
    town.page.locator('#handsets button[data-handset^="1540003"]').click()
    town.replies("到")
    town.reads("已记下您到达")
    town.replies("完 80")
    town.reads("完工，辛苦了")

    town.page.get_by_role("button", name="到明天 10:00").click()
    town.opens_unread(RESIDENT)
    town.reads("满意吗")
    town.replies("5")
    expect(matter).to_contain_text("已办结")
    expect(matter).to_contain_text("5 / 5")
