"""A supervisor publishes flows in a real Chromium; the page follows the exchange by itself, in every width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from foundation.database import Database
from foundation.migrations import upgrade
from ivr_flows import publishing
from tests.console_desk import PASSWORD, Desk, served

pytestmark = pytest.mark.browser
HOTLINE = resources.files("ivr_flows").joinpath("flows/hotline.yaml").read_text("utf-8")
WIDTHS = (1440, 1024, 420)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/console.sqlite"
    upgrade(url)
    database = Database(url)
    made = Desk(database)
    made.flows.own.mkdir(parents=True)
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


def report(desk: Desk, loaded: list[int], current: int, calls: dict[int, int]) -> None:
    """The exchange tells what it has."""
    desk.town.call(publishing.report, "node1", loaded, current, calls)
    desk.town.call(publishing.settle, 1)


def fits(page: Page) -> None:
    """Nothing hangs over the side, in any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} is {wide} wide in {width}"
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_change_is_seen_published_with_a_reason_and_in_force_without_a_reload(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str]
) -> None:
    (desk.flows.own / "hotline.yaml").write_text(HOTLINE.replace("limit: 300", "limit: 240", 1))
    sign_in(page, "chen")
    page.keyboard.press("f")
    expect(page.locator(".changes")).to_contain_text("limit 由 300 改为 240")
    fits(page)
    page.fill("#publish-reason", "国庆节值班")
    page.click("#publish-form button")
    state = page.locator("#flow-state")
    expect(state).to_contain_text("等待装载")
    expect(state).to_contain_text("陈班长")
    report(desk, [1], 0, {0: 2})
    report(desk, [1], 1, {0: 2, 1: 1})
    expect(state.locator(".flow-coming")).to_have_count(0)
    expect(state).to_contain_text("版本 1")
    expect(state.locator("table .pill-here")).to_have_text("正在使用")
    page.click("#back-drop summary")
    page.fill("#back-reason", "改错了")
    page.click("#back-drop button")
    expect(state.locator(".flow-coming")).to_contain_text("出厂版本")
    fits(page)


def test_errors_are_shown_by_file_line_and_step_and_cannot_be_published(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str]
) -> None:
    (desk.flows.own / "hotline.yaml").write_text(HOTLINE.replace("next: opening}", "next: nowhere}", 1))
    address = sign_in(page, "chen")
    page.goto(f"{address}/flows")
    expect(page.locator(".findings").first).to_contain_text("hotline.yaml:")
    expect(page.locator(".findings code").first).to_have_text("incident")
    expect(page.locator("#publish-form")).to_have_count(0)
    fits(page)


def test_a_flow_is_drawn_in_both_languages(desk: Desk, page: Page, sign_in: Callable[[Page, str], str]) -> None:
    address = sign_in(page, "chen")
    page.goto(f"{address}/flows")
    page.click("a[href='/flows/drawings/hotline']")
    picture = page.locator(".flow-picture img")
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('.flow-picture img').naturalWidth > 300")
    fits(page)
    expect(page.locator("h1")).to_contain_text("热线")
    page.click(".rail form[hx-post='/language'] button")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_contain_text("Hotline")
    page.goto(f"{address}/flows")
    expect(page.locator("h1")).to_have_text("Telephone flows")
    fits(page)
