"""The town against itself: its trunk leads back to it, so all that is tested here is the town's own."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.town.behaviour import BUSY, WhenRung
from callcenter.town.errors import NotSeenError, TownError
from callcenter.town.network import Trunk
from callcenter.town.telephones import Town
from foundation.asterisk.provision import Asterisk
from tests.town_fixtures import mirror_town as mirror_town
from tests.town_fixtures import open_town, town_settings
from tests.town_fixtures import town_asterisk as town_asterisk

pytestmark = pytest.mark.exchange

CALLER, CALLED, THIRD = "057487000001", "13900000002", "13900000003"


@pytest.fixture
def town(mirror_town: Town) -> Iterator[Town]:
    yield mirror_town
    mirror_town.hang_up_all()
    for number in (CALLED, THIRD):
        mirror_town.phone(number).rings_out()


def test_a_call_rings_is_answered_talks_both_ways_and_ends(town: Town) -> None:
    line = town.phone(CALLER).dials(CALLED)

    far = town.phone(CALLED).answers()
    line.is_answered().talks_with(far)
    line.hangs_up()
    far.ends()

    assert far.call.other == CALLER
    assert far.call.ended_by == "exchange"
    assert line.call.ended_by == "telephone"
    assert line.call.reached_exchange
    assert line.call.invite_at is not None
    assert line.call.invite_at <= line.call.responses[100] <= line.call.responses[180] <= line.call.responses[200]


def test_every_key_that_is_pressed_arrives_once_in_either_direction(town: Town) -> None:
    line = town.phone(CALLER).dials(CALLED)
    far = town.phone(CALLED).answers(presses="1")
    line.presses("2290*#")

    town.diary.wait_for(lambda: far.call.keys_heard == "2290*#" or None, 5, "the called telephone hears 2290*#")
    assert line.call.keys_heard == "1"


@pytest.mark.parametrize(("does", "status"), [("busy", 486), ("declines", 403), ("unreachable", 480)])
def test_a_telephone_that_does_not_take_calls_says_so(town: Town, does: str, status: int) -> None:
    getattr(town.phone(CALLED), does)()

    line = town.phone(CALLER).dials(CALLED).ends()

    town.diary.wait_for(lambda: line.call.responses.get(status), 2, f"{CALLER} is told {status}")
    assert line.call.answered_at is None


def test_a_telephone_that_nobody_answers_rings_until_the_caller_gives_up(town: Town) -> None:
    line = town.phone(CALLER).dials(CALLED).is_ringing()

    ring = town.phone(CALLED).waits_to_ring()
    line.hangs_up()
    ring.ends()

    assert ring.call.answered_at is None
    assert line.call.answered_at is None


def test_a_voicemail_answers_speaks_and_presses_nothing(town: Town) -> None:
    town.phone(CALLED).voicemail()

    line = town.phone(CALLER).dials(CALLED).is_answered().hears(town.voice_file("voicemail"))

    assert line.call.keys_heard == ""


def test_a_voicemail_is_not_heard_as_another_voice(town: Town) -> None:
    town.phone(CALLED).voicemail()
    line = town.phone(CALLER).dials(CALLED).is_answered().hears(town.voice_file("voicemail"))

    with pytest.raises(NotSeenError, match="does not hear"):
        line.hears(town.voice_file("voice"), within=0.5)


def test_behaviours_are_taken_one_after_another_and_the_last_one_stays(town: Town) -> None:
    town.phone(CALLED).when_rung(BUSY, WhenRung("answer", presses="1"))

    assert town.phone(CALLER).dials(CALLED).ends().call.answered_at is None
    for _ in range(2):
        line = town.phone(CALLER).dials(CALLED).is_answered()
        town.diary.wait_for(lambda line=line: line.call.keys_heard == "1" or None, 5, "1 is pressed")
        line.hangs_up()


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("anonymous", "Anonymous"),
        ("9" * 600, "x" * 300),
        ("../../etc/passwd", "a/b/c"),
        ("138\r\nX-Evil: 1", "王\r\n秀英"),
        ("", "王秀英 \U00020bb7"),
        ("\x01\x02\x7f", '"quoted" <name>; x=1, %0d%0a ${EXTEN}'),
    ],
    ids=["anonymous", "absurdly long", "slashed", "line ends", "empty, Chinese", "control characters"],
)
def test_a_caller_may_show_anything_at_all_and_the_call_gets_through(town: Town, number: str, name: str) -> None:
    line = town.phone(CALLER).dials(CALLED, caller_number=number, caller_name=name)

    town.phone(CALLED).answers()
    line.is_answered().hangs_up()


def test_what_is_waited_for_in_vain_is_told_with_the_diary(town: Town) -> None:
    town.phone(CALLER).dials(CALLED).is_ringing()

    with pytest.raises(NotSeenError, match=rf"is answered: not within 0.2 s(?s:.*){CALLER} dials"):
        town.phone(CALLER).line().is_answered(within=0.2)


def test_what_cannot_be_done_is_told_with_the_diary(town: Town) -> None:
    line = town.phone(CALLER).dials(CALLED).is_ringing()
    ring = town.phone(CALLED).waits_to_ring()
    line.hangs_up()
    ring.ends()

    with pytest.raises(NotSeenError, match=rf"cannot do that(?s:.*){CALLED} ends"):
        ring.answers()


def test_sound_that_does_not_pass_is_noticed(town: Town) -> None:
    one = town.phone(CALLER).dials(CALLED)
    town.phone(CALLED).answers()
    other = town.phone(CALLER).dials(THIRD)
    third = town.phone(THIRD).answers()
    other.is_answered()

    with pytest.raises(NotSeenError, match="does not hear"):
        one.is_answered().talks_with(third, within=1.5)


def test_many_calls_at_once_are_all_in_the_diary(town: Town) -> None:
    began = time.time()
    town.phone(CALLED).answers_by_itself(after=0)
    lines = town.place_calls([(f"0574870001{n:02d}", CALLED) for n in range(40)], rate=10.0, seed=7, talk=(0.5, 1.0))

    town.all_over(lines, within=20)

    assert len({line.call.id for line in lines}) == 40
    assert len(town.arrivals(CALLED, since=began)) == 40
    rings = town.phone(CALLED).rings(since=began)
    assert sorted(call.other for call in rings) == sorted(line.call.phone for line in lines)


def test_a_call_to_a_dead_exchange_is_no_arrival(tmp_path: Path, town_asterisk: Asterisk) -> None:
    from foundation.asterisk.process import free_port

    settings = town_settings(free_port("udp"), rtp_slot=11)
    with open_town(tmp_path, town_asterisk, settings) as lonely:
        line = lonely.phone(CALLER).dials("81891")
        lonely.diary.wait_for(lambda: line.call.invite_at, 5, "the INVITE leaves")
        line.hangs_up()

        assert not line.call.reached_exchange
        assert lonely.arrivals() == []


def test_only_one_controller_is_at_work(town: Town, tmp_path: Path) -> None:
    with pytest.raises(TownError, match="only one"), Town(town.settings, tmp_path):
        pass


def test_a_second_controller_takes_over_the_calls_that_are_up(tmp_path: Path, town_asterisk: Asterisk) -> None:
    from callcenter.town.network import Network
    from foundation.asterisk.process import free_port

    port = free_port("udp")
    settings = town_settings(port, sip_port=port, rtp_slot=12, trunk=Trunk(port=port))
    network = Network(tmp_path, town_asterisk, settings)
    network.start()
    try:
        first = Town(settings, tmp_path)
        with first:
            line = first.phone(CALLER).dials(CALLED)
            first.phone(CALLED).answers()
            line.is_answered()
            first.leaves_calls_up = True
        with Town(settings, tmp_path) as second:
            taken = second.diary.wait_for(
                lambda: second.diary.calls(CALLED) or None, 5, "the new controller sees the call"
            )
            assert taken[0].is_talking
            second.phone(CALLED).hangs_up()
    finally:
        network.stop()
