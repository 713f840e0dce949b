"""Twenty service calls wait for one operator, the application is killed, and a button is pressed.

Whatever the operator is doing in that moment, the press is the next call that the operator's telephone is offered after
it joined the queue.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from callcenter.town.diary import Call
from callcenter.town.telephones import Line
from tests.conversations.story import Story
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

WAITING = 20
SPARE = 5
"""So many more, since some rounds serve one and each newcomer has to hear the greeting before he waits."""
OLDEST_S = 200.0
"""The queue lets go whom nobody has served within 300 s: this long before it a caller is replaced. A round is shorter
than what is left."""
RINGS_AT_MOST_S = 8.0
"""How long a service call may ring one seat (docs/telephone.md, "Queues")."""


def test_a_press_goes_before_twenty_who_wait_whatever_the_operator_is_doing(quick_story: Story) -> None:
    a_press_goes_first(quick_story, rounds=1)


@pytest.mark.soak
def test_a_press_goes_first_every_time_in_twenty(quick_story: Story) -> None:
    a_press_goes_first(quick_story, rounds=20)


def a_press_goes_first(story: Story, rounds: int) -> None:
    """Each round once for each thing that the operator may be doing, each time with the application killed."""
    story.knows_tasks("call_back", "undisposed")
    story.restarted = True
    # While a service call rings on, the quick ladder goes to them beside it.
    away = ("duty-1", "duty-2", "duty-3", *(f"contact-2-{n}" for n in (1, 2, 3, 4)))
    story.may_ring(*(story.town.phone(key) for key in away))
    numbers = (f"139{n:08}" for n in range(1, 10_000))
    desk = story.operator("op1")
    desk.takes_a_break()
    crowd = _Crowd(story, numbers)
    for _ in range(rounds):
        for doing in (_is_on_a_break, _is_free, _is_being_rung, _is_rung_by_one_who_gives_up, _is_in_wrap_up):
            crowd.is_full()
            doing(story)
            story.system.kill_application()
            line = story.town.device("home-2").pressed().is_answered()
            assert crowd.waiting() >= WAITING
            if doing is _is_rung_by_one_who_gives_up:
                wait_until(lambda: _waiting(story, "emergency"), 5, "the press waits")
                crowd.gives_up(story.town.seat("op1").line().call.other)
            _is_offered_next(story, line)
            story.system.start_application()
            alarm = story.ticket_is(story.alarm(line).id, "taken")
            desk = story.operator("op1")
            desk.takes_a_break()
            line.hangs_up()
            desk.grades(alarm.id, "concern")
            desk.closes_alarm(alarm.id, "served_on_phone", "已处理")
    story.town.hang_up_all()


class _Crowd:
    """Twenty callers at least who wait in `service`; whoever was served, or has waited for long, is replaced."""

    def __init__(self, story: Story, numbers: Iterator[str]) -> None:
        self._story = story
        self._numbers = numbers
        self._callers: list[Line] = []

    def is_full(self) -> None:
        for line in self._callers:
            if not line.call.is_over and time.time() - line.call.started_at > OLDEST_S:
                line.hangs_up()
        wait_until(self._is_topped_up, 60, f"{WAITING} callers wait")

    def _is_topped_up(self) -> bool:
        self._callers = [line for line in self._callers if not line.call.is_over]
        missing = WAITING + SPARE - len(self._callers)
        if missing:
            calls = [(next(self._numbers), "81890") for _ in range(missing)]
            self._callers += self._story.town.place_calls(calls, rate=20.0, hang_up=False)
        # Somebody who has just hung up may be counted for a moment yet.
        return WAITING <= self.waiting() <= len(self._callers)

    def waiting(self) -> int:
        return _waiting(self._story, "service")

    def gives_up(self, number: str) -> None:
        """The caller of this number hangs up."""
        next(line for line in self._callers if line.call.phone == number).hangs_up()


def _is_offered_next(story: Story, line: Line) -> None:
    """The first call that op1's telephone is offered after the press joined is the press."""
    joined = line.call.answered_at
    assert joined is not None

    def offered() -> Call | None:
        return next((c for c in story.town.seat("op1").rings(since=joined) if c.ringing_at), None)

    first = story.town.diary.wait_for(offered, RINGS_AT_MOST_S + 6, "op1's telephone rings after the press")
    assert first.other.endswith(line.call.phone), f"{first.other} was offered before the press"
    Line(story.town, first).answers().talks_with(line)


def _is_on_a_break(story: Story) -> None:
    wait_until(lambda: "paused" in _member(story), 10, "op1 is on a break")


def _is_free(story: Story) -> None:
    """Free in this very moment: the break ends while the button goes down."""
    story.operator("op1").comes_back()


def _is_being_rung(story: Story) -> None:
    since = story.town.diary.entries()[-1].at
    story.operator("op1").comes_back()
    story.town.seat("op1").waits_to_ring(15, after=since)


def _is_rung_by_one_who_gives_up(story: Story) -> None:
    """He hangs up while the press waits already: now both queues may have the telephone in the same moment."""
    _is_being_rung(story)


def _is_in_wrap_up(story: Story) -> None:
    _is_being_rung(story)
    talk = story.town.seat("op1").line().answers()
    talk.hangs_up()


def _waiting(story: Story, queue: str) -> int:
    told = story.system.exchange.ask(f"queue show {queue}")
    return told.partition("Callers:")[2].count("(wait:")


def _member(story: Story) -> str:
    told = story.system.exchange.ask("queue show service")
    return next((row for row in told.splitlines() if "PJSIP/op1" in row), "")
