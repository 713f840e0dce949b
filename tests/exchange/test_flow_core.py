"""The telephone without a single flow: the core alone answers, queues, rings everybody and asks by itself."""

from collections.abc import Iterator

import pytest

from callcenter.exchange import context
from tests.exchange.ladder_room import RUNG, Room, open_room

pytestmark = pytest.mark.exchange

DUTY = "13800000001"


@pytest.fixture(scope="module")
def bare_room(make_settings, make_exchange, start_town) -> Iterator[Room]:  # type: ignore[no-untyped-def]
    """An exchange whose installation lost its flows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "shipped_flows", lambda *_: "")
        yield open_room(make_settings, make_exchange, start_town)


@pytest.fixture
def room(bare_room: Room) -> Iterator[Room]:
    assert "There is no existence" in bare_room.exchange.ask("dialplan show flow-0-hotline")
    yield bare_room
    bare_room.clear()


def test_a_hotline_call_goes_straight_into_the_queue_and_a_key_keeps_it_there(room: Room) -> None:
    line = room.town.phone("13900002001").dials("81890")
    room.step(line, s="queued", queue="service")
    line.presses("1#")
    room.signs_in("op1")
    line.talks_with(room.town.seat("op1").answers())
    line.hangs_up()
    room.step(line, s="ended")
    assert [s.s for s in room.steps(line) if s.key.isdigit()] == ["arrived", "queued", "ended"]


def test_an_emergency_climbs_the_ladder_and_a_helper_is_asked_by_the_core(room: Room) -> None:
    (duty,) = room.duty(DUTY)
    line = room.home().presses()
    helper = duty.answers(within=4 * RUNG).hears("press-1-to-take").presses("1")
    room.joined(line).talks_with(helper)
    assert [s.who for s in room.find(line, s="took")] == ["duty-1"]
