"""The browser that the browser tests lean on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tools.front_end import ROOT

pytestmark = pytest.mark.browser


def test_chinese_is_drawn_as_characters(page: Page) -> None:
    # Boxes for missing characters all look alike; characters do not.
    page.set_content("<meta charset=utf-8><canvas></canvas>")
    draw = """(text) => {
        const canvas = document.createElement('canvas'); canvas.width = canvas.height = 60;
        const pen = canvas.getContext('2d'); pen.font = '40px sans-serif'; pen.fillText(text, 5, 45);
        return canvas.toDataURL();
    }"""
    assert len({page.evaluate(draw, text) for text in "一键通工单派单"}) == 6  # 单 is there twice


def test_the_microphone_is_a_machines(page: Page) -> None:
    page.goto("data:text/html,<p>")
    assert page.evaluate("navigator.mediaDevices === undefined")  # not a secure place: as for a real operator
    page.route("http://localhost:9/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    page.goto("http://localhost:9/")
    tracks = "navigator.mediaDevices.getUserMedia({audio: true}).then(s => s.getAudioTracks()[0].readyState)"
    assert page.evaluate(tracks) == "live"


def test_the_bundle_brings_htmx_and_its_event_stream(page: Page) -> None:
    bundle = (ROOT / "callcenter/console/static/built/console.js").read_text("utf-8")
    page.route("http://localhost:9/", lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    page.route("http://localhost:9/fragment", lambda route: route.fulfill(body="<b>来件</b>", content_type="text/html"))
    page.goto("http://localhost:9/")
    page.set_content('<div id="here" hx-get="/fragment" hx-trigger="load" hx-ext="sse"></div>')
    page.add_script_tag(content=bundle)
    page.wait_for_selector("#here b")
    assert page.inner_text("#here") == "来件"
