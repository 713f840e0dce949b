"""An emergency never waits behind a service call: one seat, many waiting, the seat in every state it can be in.

The exchange has no other seat, and its trunk is one by registration.
"""

import time
from collections.abc import Iterator

import pytest

from callcenter.town.telephones import Line
from tests.exchange.ladder_room import Room, open_room
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

WAITING = 6


@pytest.fixture(scope="module")
def one_seat(make_settings, make_exchange, start_town) -> Room:  # type: ignore[no-untyped-def]
    room = open_room(make_settings, make_exchange, start_town, rung=20, seats=1, registers="a-fictional-password")
    # Without the greeting a service caller waits at once.
    (room.exchange.process.directories.sounds / "zh" / "greeting.wav").unlink()
    return room


@pytest.fixture
def room(one_seat: Room) -> Iterator[Room]:
    one_seat.signs_in("op1")
    yield one_seat
    one_seat.clear()


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
    seat = room.town.seat("op1")
    first = room.town.phone("13900020001").dials("81890")
    first.talks_with(seat.answers())
    waiting = room.town.phone("13900020002").dials("81890")
    room.step(waiting, 30, s="queued")  # with no seat free the keys are told first
    first.hangs_up()
    ended = room.step(first, s="ended").at

    pressed = room.home().presses()
    ring = seat.waits_to_ring(9, after=ended)
    assert ring.call.started_at - room.step(pressed, s="queued").at < 2
    assert ring.call.started_at - ended < 9, "the wrap-up of 10 s was over: this showed nothing"
    pressed.talks_with(ring.answers())
    assert not room.find(waiting, s="answered")


def test_a_break_is_only_for_service_calls(room: Room) -> None:
    room.exchange.ask("queue pause member PJSIP/op1 queue service")
    crowd(room)
    assert not [c for c in room.town.seat("op1").rings() if c.is_ringing]
    next_offer_is_the_press(room, room.home().presses(), 0)


def test_a_seat_that_becomes_free_gets_every_press_before_any_service_call(room: Room) -> None:
    seat = room.town.seat("op1")
    busy = seat.dials("13912345679")
    busy.talks_with(room.town.phone("13912345679").answers())
    crowd(room)
    presses = [room.home().presses() for _ in range(4)]
    for pressed in presses:
        room.step(pressed, s="queued")
    waiting = list(presses)
    while waiting:
        busy.hangs_up()
        seat.answers(within=5)
        busy = wait_until(
            lambda: next((p for p in waiting if list(room.find(p, s="took", who="seat-op1"))), None),
            10,
            "the seat takes a press",
        )
        waiting.remove(busy)
    assert not [s for s in room.steps() if s.s == "answered" and s.call not in {_call(room, p) for p in presses}]


def test_a_free_seat_is_rung_at_once(room: Room) -> None:
    pressed = room.home().presses()
    next_offer_is_the_press(room, pressed, 0)


def test_while_somebody_holds_the_seats_for_a_press_they_get_no_service_call(room: Room) -> None:
    room.exchange.ask("dialplan add extension s,1,Queue(hold,r,,,4) into in-hold")
    began = time.time()
    silent = {"Channel": "Local/s@in-hold/n", "Application": "Wait", "Data": "1", "Async": "true"}
    room.manager.does(room.manager.link.request({"Action": "Originate", **silent}, limit=5))
    wait_until(lambda: "hold has 1 calls" in room.exchange.ask("queue show hold"), 5, "somebody is in there")

    crowd(room)
    ring = room.town.seat("op1").waits_to_ring()
    assert ring.call.started_at - began > 4, "it rang before"
    assert len(room.town.seat("op1").rings(since=began)) == 1, "he himself rings nobody"


def test_over_a_trunk_by_registration_calls_come_in_and_go_out(room: Room) -> None:
    pressed = room.home().presses()
    next_offer_is_the_press(room, pressed, 0)
    pressed.hangs_up()
    out = room.town.seat("op1").dials("13912345678")
    out.talks_with(room.town.phone("13912345678").answers())
