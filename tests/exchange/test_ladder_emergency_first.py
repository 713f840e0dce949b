"""An emergency never waits behind a service call: one seat, many waiting, the seat in every state it can be in."""

import time
from collections.abc import Iterator

import pytest

from callcenter.town.telephones import Line
from tests.exchange.ladder_room import Room, open_room
from tests.town_fixtures import start_town as start_town
from tests.town_fixtures import town_asterisk as town_asterisk
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

WAITING = 6


@pytest.fixture(scope="module")
def whole_room(make_settings, make_exchange, start_town) -> Room:  # type: ignore[no-untyped-def]
    return open_room(make_settings, make_exchange, start_town, rung=20)


@pytest.fixture
def room(whole_room: Room) -> Iterator[Room]:
    # The other seat's telephone is busy with a call of its own: only op1 can take anything.
    whole_room.town.seat("op2").busy()
    whole_room.exchange.ask("queue add member PJSIP/op1 to service")
    yield whole_room
    whole_room.clear()


def crowd(room: Room) -> list[Line]:
    lines = [room.town.phone(f"1390001{i:04}").dials("81890") for i in range(WAITING)]
    wait_until(
        lambda: f"service has {WAITING} calls" in room.exchange.ask("queue show service") or None, 20, "the crowd waits"
    )
    return lines


def next_offer_is_the_press(room: Room, pressed: Line, after: float) -> None:
    """The seat's next ring that began after the press joined is the press; a service call that already rang ends."""
    seat = room.town.seat("op1")
    queued = room.step(pressed, s="queued").at
    ring = seat.waits_to_ring(12, after=max(after, queued))
    pressed.talks_with(ring.answers())
    room.step(pressed, s="took", who="seat-op1")
    assert not [s for s in room.steps() if s.s == "answered" and s.at > queued and s.call != _call(room, pressed)]


def _call(room: Room, line: Line) -> str:
    return room.steps(line)[0].call


def test_while_a_service_call_rings_it_rings_at_most_8_s_and_then_comes_the_press(room: Room) -> None:
    crowd(room)
    ringing = room.town.seat("op1").waits_to_ring()
    pressed = room.home().presses()
    ringing.ends(9)
    next_offer_is_the_press(room, pressed, ringing.call.started_at + 0.01)


def test_after_a_service_call_the_wrap_up_does_not_keep_the_press_waiting(room: Room) -> None:
    crowd(room)
    talk = room.town.seat("op1").answers()
    pressed = room.home().presses()
    room.step(pressed, s="queued")
    ended = time.time()
    talk.hangs_up()
    next_offer_is_the_press(room, pressed, ended)
    assert time.time() - ended < 8


def test_a_break_is_only_for_service_calls(room: Room) -> None:
    room.exchange.ask("queue pause member PJSIP/op1 queue service")
    crowd(room)
    assert not [c for c in room.town.seat("op1").rings() if c.is_ringing]
    next_offer_is_the_press(room, room.home().presses(), 0)


def test_a_free_seat_is_rung_at_once(room: Room) -> None:
    pressed = room.home().presses()
    next_offer_is_the_press(room, pressed, 0)
