"""A real Chromium with a machine's microphone and a Chinese font.

Playwright's synchronous API holds its thread's event loop while it runs: tests that use `browser` are plain functions,
and the browser lives as long as one test file, so that other files may be asynchronous.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tools import chromium

VIEWPORT = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def chromium_launch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Playwright's arguments for `chromium.launch`: which program, its flags and its environment."""
    program = chromium.bring_chromium()
    chromium.bring_cjk_font()
    folder = tmp_path_factory.mktemp("chromium")
    return {
        "executable_path": program.command[0],
        "args": chromium.flags(program),
        "env": chromium.environment(program, folder),
        "chromium_sandbox": False,  # our flags decide; Playwright would add its own
    }


@pytest.fixture(scope="module")
def browser(chromium_launch: dict[str, Any]) -> Iterator[Browser]:
    """A running Chromium, for one test file."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(**chromium_launch)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile: no cookies, Chinese first, allowed to use the microphone."""
    fresh = browser.new_context(
        viewport=VIEWPORT, locale="zh-CN", timezone_id="Asia/Shanghai", permissions=["microphone", "notifications"]
    )
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext, tmp_path: Path) -> Iterator[Page]:
    """A page of that profile. An error in the page's own code fails the test."""
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    assert not errors, f"the page's code failed: {errors}"
