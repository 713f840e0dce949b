"""A new alarm's card goes to every browser before anything else is begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.console import stream as streams
from callcenter.console.stream import AlarmCard, News, Stream
from foundation.clock import SystemClock
from foundation.events import Happened

RAISED = [Happened(streams.RAISED, SystemClock().now(), "exchange", ticket_id=7)]


def cards(_happened: list[Happened]) -> list[AlarmCard]:
    return [AlarmCard("330203001001", {"zh_CN": {"id": 7, "html": "卡片"}})]


@pytest.fixture
async def stream() -> AsyncIterator[Stream]:
    opened = Stream(SystemClock(), cards, lambda _happened: News())
    opened.start()
    yield opened
    opened.stop()


async def test_the_next_command_begins_when_the_card_is_on_its_way(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LEAVES_WITHIN_S", 60.0)
    browser = stream.subscribe("zh_CN", "", lambda: True)
    await anext(browser)
    hearing = asyncio.create_task(asyncio.to_thread(stream.hear, RAISED))
    assert b"event: alarm" in await anext(browser)  # held by its connection, which has not taken it yet
    begun, _ = await asyncio.wait({hearing}, timeout=0.3)
    assert not begun, "the next command began beside the card"
    following = asyncio.ensure_future(anext(browser))
    await asyncio.wait_for(hearing, 5)
    following.cancel()


async def test_a_browser_that_takes_nothing_or_goes_away_keeps_no_command_waiting(stream: Stream) -> None:
    slow = stream.subscribe("zh_CN", "", lambda: True)
    await anext(slow)
    await asyncio.wait_for(asyncio.to_thread(stream.hear, RAISED), 5)
    assert b"event: alarm" in await anext(slow)
    await slow.aclose()  # type: ignore[attr-defined]
    assert stream.browsers == 0


async def test_with_no_browser_open_nothing_is_waited_for(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LEAVES_WITHIN_S", 60.0)
    await asyncio.wait_for(asyncio.to_thread(stream.hear, RAISED), 5)


async def test_a_card_goes_only_to_those_who_see_its_place_also_when_they_come_back(stream: Stream) -> None:
    here = stream.subscribe("zh_CN", "", lambda: True, lambda place: place.startswith("330203"))
    elsewhere = stream.subscribe("zh_CN", "", lambda: True, lambda place: place.startswith("330212"))
    first = await anext(here)
    await anext(elsewhere)
    await asyncio.to_thread(stream.hear, RAISED)
    assert b"event: alarm" in await asyncio.wait_for(anext(here), 5)
    missed = asyncio.ensure_future(anext(elsewhere))
    done, _ = await asyncio.wait({missed}, timeout=0.3)
    assert not done, "the card went to somebody of another district"
    missed.cancel()
    last = first.split(b"id: ")[1].split(b"\n")[0].decode()
    back = stream.subscribe("zh_CN", last, lambda: True, lambda place: place.startswith("330212"))
    await anext(back)
    again = asyncio.ensure_future(anext(back))
    done, _ = await asyncio.wait({again}, timeout=0.3)
    assert not done, "the card went to somebody of another district who came back"
    again.cancel()
