"""The event stream: one for each browser, carrying what changed; an alarm's card travels in it whole.

The path of an alarm is kept short, because a person waits at its end: commit -> `hear` in the writer's thread -> one
read and one rendering for all browsers -> every browser's queue. Everything else is only named (`calls`, `ticket:7`),
at most four times a second for each name, and the pages fetch it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from foundation.clock import Clock
from foundation.events import Happened

log = logging.getLogger(__name__)

REST_S = 0.25
"""A region is named at most four times a second."""
BEAT_S = 5.0
"""How often an idle stream says that it is alive."""
KEPT = 400
"""Messages kept for browsers that come back; who was away longer reads everything anew."""
RAISED = "alarm.raised"
"""The event of a new alarm."""
LEAVES_WITHIN_S = 0.02
"""How long the next command waits for an alarm's card to go out, which takes about a millisecond."""
QUEUE = 200
"""Messages a browser may lag behind before it is told to read everything anew."""

Texts = dict[str, bytes]
"""A message as sent, in each language; `*` is for all."""


@dataclass(frozen=True)
class AlarmCard:
    """An alarm's card in each language, and the division it is in: who does not see that place is not sent it."""

    place: str
    told: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Sent:
    """A message that was sent; `place` is None for those that are for all."""

    number: int
    texts: Texts
    place: str | None


@dataclass(frozen=True)
class News:
    """What a commit means for the pages: names of regions that changed, and calls that a seat has answered."""

    regions: frozenset[str] = frozenset()
    answered: tuple[tuple[str, int], ...] = ()


@dataclass(eq=False)
class _Browser:
    locale: str
    sees: Callable[[str], bool]
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    lost: bool = False
    on_left: Callable[[], None] | None = None
    """To be called when all that is queued has gone out."""

    def has_left(self) -> None:
        """The last message was taken by the connection, or the browser is gone."""
        if self.on_left is not None and self.queue.empty():
            told, self.on_left = self.on_left, None
            told()


class Stream:
    """`alarm_cards` gives what the pages need of every alarm the events touch, in each language, rendered; and
    `understand` what else they mean. Both run in one thread of their own, never in the loop;
    only a new alarm's card is made where `hear` is called."""

    def __init__(
        self,
        clock: Clock,
        alarm_cards: Callable[[list[Happened]], list[AlarmCard]],
        understand: Callable[[list[Happened]], News],
    ) -> None:
        self._clock = clock
        self._alarm_cards = alarm_cards
        self._understand = understand
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cards = ThreadPoolExecutor(1, thread_name_prefix="alarm-cards")
        self._browsers: set[_Browser] = set()
        self._boot = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._kept: deque[_Sent] = deque(maxlen=KEPT)
        self._last = 0
        self._resting: dict[str, bool] = {}

    def start(self) -> None:
        """Begin to pass on what is heard; call it in the running loop."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """End every open stream."""
        self._loop = None
        for browser in list(self._browsers):
            self._end(browser)
        self._cards.shutdown(wait=False, cancel_futures=True)

    @property
    def browsers(self) -> int:
        """How many streams are open."""
        return len(self._browsers)

    def hear(self, happened: list[Happened]) -> None:
        """A commit's events, in the writer's thread: hands them on and returns at once.

        Only a new alarm's card is made here, and the next command begins when it is on its way to every browser: beside
        one another they would share one interpreter, and a person waits for the card.
        """
        if self._loop is None:
            return
        shown = False
        if any(event.kind == RAISED for event in happened):
            with contextlib.suppress(Exception):  # tried again beside the commands, and told of there
                left = threading.Event()
                self._show_cards(happened, left)
                shown = True
                left.wait(LEAVES_WITHIN_S)  # a slow browser is not waited for
        self._cards.submit(self._digest, happened, shown=shown)

    def rehearse(self, happened: list[Happened]) -> None:
        """Make the cards of these events and send them to nobody."""
        for card in self._alarm_cards(happened):
            for data in card.told.values():
                _message("alarm", data)

    async def subscribe(
        self, locale: str, last_id: str, allowed: Callable[[], bool], sees: Callable[[str], bool] = lambda _place: True
    ) -> AsyncIterator[bytes]:
        """The stream of one browser, from `last_id` on. `allowed` is asked at each beat, in a thread; `sees` of each
        alarm's division, in the loop.
        """
        browser = _Browser(locale, sees)
        # A first visit learns where it stands; who comes back keeps its own place until it has what it missed.
        hello = _message("hello", self._now(), "" if last_id else self._id(self._last))
        for text in self._missed(last_id, browser):
            browser.queue.put_nowait(text)
        self._browsers.add(browser)
        try:
            yield hello
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        queued: bytes | None = await browser.queue.get()
                except TimeoutError:
                    if not await asyncio.to_thread(allowed):
                        yield _message("over", {})
                        return
                    queued = _message("beat", self._now())
                if queued is None:
                    return
                if browser.lost:
                    browser.lost = False
                    queued = _message("reset", {}) + queued
                yield queued
                browser.has_left()
        finally:
            self._browsers.discard(browser)
            _empty(browser.queue)
            browser.has_left()

    def _show_cards(self, happened: list[Happened], left: threading.Event | None = None) -> None:
        """Send the cards to every browser; `left` is set when all of it is with their connections."""
        self._in_loop(partial(self._show_alarms, left=left), self._alarm_cards(happened))

    def _show_alarms(self, cards: list[AlarmCard], left: threading.Event | None) -> None:
        for card in cards:
            self._show_alarm(card)
        if left is not None:
            self._tell_when_left(left)

    def _tell_when_left(self, left: threading.Event) -> None:
        waiting = [browser for browser in self._browsers if not browser.queue.empty()]
        if not waiting:
            left.set()
            return
        still = set(waiting)

        def one(browser: _Browser) -> None:
            still.discard(browser)
            if not still:
                left.set()

        for browser in waiting:
            browser.on_left = partial(one, browser)

    def _digest(self, happened: list[Happened], *, shown: bool) -> None:
        try:
            if not shown:
                self._show_cards(happened)
            news = self._understand(happened)
        except Exception:
            log.exception("committed events could not be shown; every page is told to read everything anew")
            news = News(frozenset({"*"}))
        self._in_loop(self._publish, news)

    def _in_loop(self, what: Callable[[Any], None], value: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed: nobody is listening any more
                loop.call_soon_threadsafe(what, value)

    def _show_alarm(self, card: AlarmCard) -> None:
        number = self._number()
        told = {locale: _message("alarm", data, self._id(number)) for locale, data in card.told.items()}
        self._send(_Sent(number, told, card.place))

    def _publish(self, news: News) -> None:
        for seat, arrival in news.answered:
            number = self._number()
            data = {"seat": seat, "arrival": arrival}
            self._send(_Sent(number, {"*": _message("answered", data, self._id(number))}, None))
        self._name({region for region in news.regions if region not in self._resting})
        for region in news.regions:
            if region in self._resting:
                self._resting[region] = True

    def _name(self, regions: set[str]) -> None:
        loop = self._loop
        if not regions or loop is None:
            return
        number = self._number()
        data = {"regions": sorted(regions), **self._now()}
        self._send(_Sent(number, {"*": _message("changed", data, self._id(number))}, None))
        for region in regions:
            self._resting[region] = False
        loop.call_later(REST_S, self._rested, regions)

    def _rested(self, regions: set[str]) -> None:
        self._name({region for region in regions if self._resting.pop(region, False)})

    def _send(self, sent: _Sent) -> None:
        self._kept.append(sent)
        for browser in self._browsers:
            if sent.place is not None and not browser.sees(sent.place):
                continue
            text = sent.texts.get(browser.locale) or sent.texts.get("*", b"")
            if browser.queue.full():  # too slow: it reads everything anew instead of an ever longer past
                _empty(browser.queue)
                browser.lost = True
            browser.queue.put_nowait(text)

    def _missed(self, last_id: str, browser: _Browser) -> list[bytes]:
        """What was sent after `last_id`; a reset when that is too long ago or was another run of the service."""
        if not last_id:
            return []
        boot, _, number = last_id.partition("-")
        if boot != self._boot or not number.isdigit():
            return [_message("reset", {})]
        seen = int(number)
        if self._kept and self._kept[0].number > seen + 1:
            return [_message("reset", {})]
        texts = [
            sent.texts.get(browser.locale) or sent.texts.get("*", b"")
            for sent in self._kept
            if sent.number > seen and (sent.place is None or browser.sees(sent.place))
        ]
        return texts if len(texts) < QUEUE else [_message("reset", {})]

    def _number(self) -> int:
        self._last = next(self._numbers)
        return self._last

    def _id(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def _now(self) -> dict[str, Any]:
        return {"now": self._clock.now().timestamp()}

    def _end(self, browser: _Browser) -> None:
        _empty(browser.queue)
        browser.queue.put_nowait(None)


def _empty(queue: asyncio.Queue[bytes | None]) -> None:
    while not queue.empty():
        queue.get_nowait()


def _message(event: str, data: dict[str, Any], message_id: str = "") -> bytes:
    """One message of the event stream (WHATWG HTML, 9.2.6); JSON has no line breaks, so one data line is enough."""
    named = f"id: {message_id}\n" if message_id else ""
    return f"{named}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
