"""A supervisor takes a file in and takes tickets out in a real Chromium, in both languages and every width."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from callcenter.files.room import ImportRoom
from foundation.database import Database
from foundation.migrations import upgrade
from foundation.numbers import NumberPlan
from tests.console_desk import PASSWORD, Desk, served
from tests.integration.dispatch_support import COMMUNITY

pytestmark = pytest.mark.browser
WIDTHS = (1440, 1024, 420)
HEADER = "社区代码,地址,姓名,出生日期\n"


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


def fits(page: Page) -> None:
    """Nothing hangs over the side, in any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} is {wide} wide in {width}"
    page.set_viewport_size({"width": 1440, "height": 900})


def bring(page: Page, file: Path, content: str) -> None:
    file.write_text(HEADER + content, "utf-8")
    page.set_input_files("#file", str(file))
    page.click("#import-form button.btn-primary")


def test_a_file_with_faults_is_put_right_and_taken_in_and_tickets_go_out(
    desk: Desk, page: Page, sign_in: Callable[[Page, str], str], tmp_path: Path
) -> None:
    sign_in(page, "chen")
    page.click("nav.places a[data-place='imports']")
    bring(page, tmp_path / "a.csv", f"{COMMUNITY},示范路 20 号,王示范,2001-02-30\n")
    expect(page.locator("#checked")).to_contain_text("没有这一天")
    fits(page)
    bring(page, tmp_path / "a.csv", f"{COMMUNITY},示范路 20 号,王示范,2001-02-28\n")
    expect(page.locator("#checked")).to_contain_text("可以导入")
    fits(page)
    page.click("#checked .btn-primary")
    listed = page.locator("#imports-list")
    expect(listed).to_contain_text("排队")
    town = desk.town
    room = ImportRoom(town.database, town.writer, town.clock, NumberPlan())
    with ThreadPoolExecutor(1) as service:  # Playwright's own loop holds this thread
        service.submit(asyncio.run, room.look(town.clock.now())).result()
    expect(listed).to_contain_text("完成")
    expect(listed).to_contain_text("新增 1")
    with page.expect_download() as coming:
        page.click("#export-form .btn-primary")
    assert Path(coming.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_page_and_what_each_column_is_stand_in_english_too(page: Page, sign_in: Callable[[Page, str], str]) -> None:
    address = sign_in(page, "chen")
    page.click(".rail form[hx-post='/language'] button")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{address}/imports")
    expect(page.locator("h1")).to_have_text("Files in and out")
    fits(page)
    page.click("a[href='/imports/columns']")
    expect(page.locator("h1")).to_have_text("Templates, and what each column is")
    fits(page)
