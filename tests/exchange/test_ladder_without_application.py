"""The emergency ladder with no application at all: real exchange, real telephones, nobody on the AMI."""

import re
import time

import pytest

from callcenter.bridge.actions import Leg
from callcenter.town.behaviour import RINGS_OUT, WhenRung
from tests.exchange.ladder_room import LEASE, RUNG, Room, open_room, prompts_gone
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

DUTY_1, DUTY_2 = "13800000001", "13800000002"
AT_ONCE_S = 1.0


def test_a_press_is_journaled_answered_and_taken_by_a_seat_while_the_sentence_plays(room: Room) -> None:
    home = room.home()
    line = home.presses().is_answered()
    assert room.town.seat("op2").waits_to_ring()
    line.hears("calm")

    seat = room.town.seat("op1").answers()
    line.talks_with(seat)
    line.hangs_up()

    ended = room.step(line, s="ended")
    own = [s for s in room.steps(line) if "-" not in s.key]
    assert [s.key for s in own] == [f"{i:03}" for i in range(1, len(own) + 1)]
    assert [s.s for s in own if s.s != "rung"] == ["arrived", "queued", "ended"]
    assert (own[2].s, own[2].rung, own[-1]) == ("rung", "operators", ended)
    arrived = room.step(line, s="arrived")
    assert (arrived.kind, arrived.line, arrived.home) == ("emergency", f"device-{home.number}", home.key)
    assert [s.who for s in room.find(line, s="took")] == ["seat-op1"]
    assert [s.who for s in room.find(line, s="answered")] == ["seat-op1"]
    assert len(room.find(line, s="ended")) == 1


def test_operators_then_duty_then_contacts_in_parallel_and_the_first_who_presses_1_has_it(room: Room) -> None:
    home = room.home(contacts=2)
    duty = room.duty(DUTY_1)[0]
    duty.busy()
    line = home.presses()

    first, second = home.contact(1), home.contact(2)
    second_line = second.waits_to_ring(4 * RUNG)
    first_line = first.answers(presses="1")
    room.joined(line).talks_with(first_line)
    second_line.ends()
    accepted = room.step(line, s="result", result="accepted")
    assert room.step(line, s="took").at - accepted.at < AT_ONCE_S
    line.hangs_up()
    first_line.ends()

    room.step(line, s="ended")
    at = {s.rung: s.at for s in reversed(room.find(line, s="rung"))}
    assert at["duty"] - at["operators"] == pytest.approx(RUNG, abs=1.5)
    assert at["contacts"] - at["duty"] == pytest.approx(RUNG, abs=1.5)
    assert {s.who: s.result for s in room.find(line, s="result")} == {
        "duty-1": "busy",
        f"contact-{home.number}-1": "accepted",
        f"contact-{home.number}-2": "stopped",
    }
    assert [s.who for s in room.find(line, s="took")] == [f"contact-{home.number}-1"]


def test_a_voicemail_never_takes_a_call(room: Room) -> None:
    home = room.home()
    box, person = room.duty(DUTY_1, DUTY_2)
    # It stays longer than the first question with its silence afterwards.
    box.when_rung(WhenRung("voicemail", after=0.1, hangs_up_after=20))
    line = home.presses()
    box_line = box.waits_to_ring(3 * RUNG).is_answered()

    box_line.ends(24)
    assert room.step(line, within=5, s="result", who="duty-1").result == "unconfirmed"
    assert not room.find(line, s="took")
    taken = person.answers(presses="1")
    room.joined(line).talks_with(taken)
    assert [s.who for s in room.find(line, s="took")] == ["duty-2"]


def test_a_person_who_hangs_up_in_the_middle_of_the_question_has_not_taken_it(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1)
    line = home.presses()

    duty.answers(within=3 * RUNG).hangs_up()

    assert room.step(line, s="result", who="duty-1").result == "unconfirmed"
    room.step(line, within=3 * RUNG, s="rung", rung="operators")
    assert not line.call.is_over
    assert not room.find(line, s="took")


def test_two_who_press_together_get_one_winner_and_one_true_answer(room: Room) -> None:
    home = room.home()
    for phone in room.duty(DUTY_1, DUTY_2):
        phone.answers_by_itself(after=0.5, presses="1", press_after=1.0)
    line = home.presses()

    took = room.step(line, within=4 * RUNG, s="took")
    results = {s.who: s.result for s in [room.step(line, s="result", who=f"duty-{i}") for i in (1, 2)]}
    assert sorted(results.values()) == ["accepted", "late"]
    assert results[took.who] == "accepted"
    loser = room.town.phone(DUTY_1 if took.who == "duty-2" else DUTY_2)
    loser.hears("already-taken").ends()
    room.joined(line).talks_with(room.town.phone(DUTY_2 if took.who == "duty-2" else DUTY_1))


def test_who_refuses_with_2_is_not_joined_and_the_ladder_goes_on(room: Room) -> None:
    home = room.home(contacts=1)
    room.duty(DUTY_1)[0].answers_by_itself(after=0.2, presses="2", press_after=0.5)
    line = home.presses()

    assert room.step(line, within=3 * RUNG, s="result", who="duty-1").result == "declined"
    person = home.contact(1).answers(presses="1", within=3 * RUNG)
    room.joined(line).talks_with(person)


def test_every_step_works_with_all_prompts_gone(room: Room) -> None:
    home = room.home(contacts=1)
    room.duty(DUTY_1)[0].voicemail()
    with prompts_gone(room.exchange.process.directories.sounds):
        line = home.presses().is_answered()
        contact = home.contact(1).answers(presses="w1", within=4 * RUNG)
        room.joined(line).talks_with(contact)
    assert [s.who for s in room.find(line, s="took")] == [f"contact-{home.number}-1"]


def test_when_the_caller_hangs_up_the_telephones_stop_ringing(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1)
    line = home.presses()
    ring = duty.waits_to_ring(3 * RUNG)

    line.hangs_up()
    ring.ends(2)

    assert room.step(line, s="result", who="duty-1").result == "stopped"
    assert ring.call.answered_at is None
    assert len(room.find(line, s="ended")) == 1


def test_when_a_seat_answers_the_telephones_stop_ringing(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1)
    line = home.presses()
    ring = duty.waits_to_ring(3 * RUNG)

    seat = room.town.seat("op1").answers()
    line.talks_with(seat)
    ring.ends(2)

    assert room.step(line, s="result", who="duty-1").result == "stopped"
    assert [s.who for s in room.find(line, s="took")] == ["seat-op1"]


def test_a_person_who_presses_after_the_caller_has_gone_is_told_so(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1)
    line = home.presses()
    asked = duty.answers(within=3 * RUNG)

    line.hangs_up()
    asked.presses("1").hears("caller-gone").ends()

    assert room.step(line, s="result", who="duty-1").result == "late"
    assert not room.find(line, s="took")


def test_a_seat_that_hangs_up_at_once_has_not_taken_the_call(room: Room) -> None:
    home = room.home()
    # By itself: on a busy machine a test that first looks whether it was answered hangs up too late for a slip.
    room.town.seat("op1").when_rung(WhenRung("answer", hangs_up_after=0.2), RINGS_OUT)
    line = home.presses()

    released = room.step(line, within=2 * RUNG, s="released")
    assert released.who == "seat-op1" == room.step(line, s="took").who
    room.step(line, within=2 * RUNG, s="rung", rung="duty")
    assert not line.call.is_over
    person = room.town.seat("op2").answers()
    room.joined(line).talks_with(person)


def test_the_ladder_goes_round_until_somebody_takes_the_call(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1, ring=5)
    line = home.presses()
    first = duty.waits_to_ring(3 * RUNG)

    again = duty.waits_to_ring(5 * RUNG, after=first.call.started_at + 0.5)
    assert again.call.started_at - first.call.started_at >= 2 * RUNG - 1
    person = again.answers(presses="1")
    room.joined(line).talks_with(person)


@pytest.mark.parametrize("rows", [{"count": "junk", "1": ":::", "2": "duty-2:13800x00002:9"}, {"count": "99999"}])
def test_household_data_that_is_missing_or_broken_skips_a_rung_but_never_ends_the_call(
    room: Room, rows: dict[str, str]
) -> None:
    room.put("duty", rows)
    home = room.home()
    room.put("contacts", {home.key: "x"})
    room.put(f"contact/{home.key}", {"1": "a", "2": f"contact-x:{home.contact(2).number}:20"})
    line = home.presses()

    person = home.contact(2).answers(presses="1", within=4 * RUNG)

    room.joined(line).talks_with(person)
    assert not room.find(line, s="tried", who="duty-2")


def test_a_fresh_lease_leaves_the_ladder_to_the_application(room: Room) -> None:
    home = room.home()
    (duty,) = room.duty(DUTY_1)
    room.lease(age=0)
    began = time.time()
    line = home.presses()
    room.step(line, s="rung", driver="app")

    # The tick is not repeated: it grows stale, and the dialplan takes over where it is.
    ring = duty.waits_to_ring(LEASE + 4 * RUNG)
    assert ring.call.started_at - began > LEASE
    room.step(line, s="rung", rung="duty", driver="dialplan")
    # It comes back: the next rung is the application's again.
    room.lease(age=0)
    back = wait_until(
        lambda: [s for s in room.find(line, s="rung", driver="app") if s.at > ring.call.started_at],
        3 * RUNG,
        "the application drives again",
    )
    assert back


def test_a_lease_that_is_not_to_be_trusted_is_stale(room: Room) -> None:
    """One call, and before each of its rungs another value of that kind."""
    home = room.home()
    room.duty(DUTY_1)
    values = ["", "x", "-5", "99999999999", "1e9", "$[1+1]"]
    room.put("app", {"lease": values.pop()})
    line = home.presses()
    for begun in range(1, len(values) + 1):
        room.rungs(line, begun)
        room.put("app", {"lease": values.pop()})
    assert {s.driver for s in room.rungs(line, 6)} == {"dialplan"}


def test_two_seats_that_answer_at_the_same_moment_get_one_winner_and_one_clear_end(room: Room) -> None:
    seats = [room.town.seat(name).answers_by_itself(after=0.8) for name in room.seats]
    line = room.home().presses()

    took = room.step(line, s="took")
    winner, loser = seats if took.who == "seat-op1" else reversed(seats)
    loser.line().ends(5)
    line.talks_with(winner)
    assert len(room.find(line, s="took")) == 1
    assert not room.find(line, s="released")


def test_the_application_makes_a_leg_and_a_second_one_rings_nobody(room: Room) -> None:
    room.lease(age=0)
    line = room.home().presses()
    arrived = room.step(line, s="arrived")
    person = room.town.phone(DUTY_1)
    leg = Leg(arrived.call, arrived.chan, "duty-1", DUTY_1, 20, int(time.time()))
    room.manager.does(room.manager.actions.originate_leg(leg))
    ring = person.waits_to_ring()
    again = Leg(arrived.call, arrived.chan, "duty-1", DUTY_1, 20, leg.epoch + 1)
    room.manager.does(room.manager.actions.originate_leg(again))

    joined = ring.answers(presses="1")
    room.joined(line).talks_with(joined)

    assert [s.by for s in room.find(line, s="tried")] == ["app"]
    assert len(person.rings(line.call.started_at)) == 1
    accepted = room.step(line, s="result", who="duty-1", result="accepted")
    assert room.step(line, s="took", who="duty-1").at - accepted.at < AT_ONCE_S
    key = next(e.at for e in person.records() if e.call == ring.call.id and e.what.startswith("press"))
    assert room.step(line, s="took").at - key < AT_ONCE_S + 0.5


def test_a_line_that_is_rung_back_comes_in_like_a_press(room: Room) -> None:
    home = room.home()
    phone = room.town.device(home.line)
    room.manager.does(room.manager.actions.originate_ring_back("77", 1, home.line))

    line = phone.answers()
    line.hears("calm")
    line.talks_with(room.town.seat("op1").answers())
    line.hangs_up()

    def steps() -> dict[str, dict[str, str]]:
        return {s.s: s.fields for s in room.steps(call="rb-77-1")}

    wait_until(lambda: "ended" in steps(), 5, "its end is journaled")
    assert list(steps()) == ["rungback", "queued", "rung", "answered", "took", "ended"]
    assert steps()["rungback"] | {"s": ""} == {"s": "", "alarm": "77", "to": home.line}
    assert steps()["took"]["who"] == "seat-op1"


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_the_rungs_last_as_long_as_promised(make_settings, make_exchange, start_town) -> None:  # type: ignore[no-untyped-def]
    room = open_room(make_settings, make_exchange, start_town, rung=20, gap=40)
    home = room.home(contacts=1)
    (duty,) = room.duty(DUTY_1, ring=15)
    line = home.presses().reaches_exchange()
    began = time.time()

    assert duty.waits_to_ring(30).call.started_at - began == pytest.approx(20, abs=2)
    assert home.contact(1).waits_to_ring(30).call.started_at - began == pytest.approx(40, abs=3)
    assert duty.waits_to_ring(60, after=began + 30).call.started_at - began >= 60
    assert not line.call.is_over


def test_the_seats_are_held_for_a_press_while_one_rung_becomes_the_next_and_no_longer(room: Room) -> None:
    def held() -> bool:
        return "hold has 0 calls" not in room.exchange.ask("queue show hold")

    line = room.home().presses()
    for rung in (2, 3):
        room.rungs(line, rung)
        assert held(), f"between rung {rung - 1} and {rung} a service call could come"
    assert held()
    room.town.seat("op1").answers()
    room.joined(line)
    wait_until(lambda: not held(), 2, "the seats are free for service calls again")


def test_whoever_pressed_first_stays_first_at_each_rung(room: Room) -> None:
    older = room.home().presses()
    room.rungs(older, 2)
    newer = room.home().presses()
    room.step(newer, s="queued")

    room.rungs(older, len(room.find(older, s="rung")) + 1)

    def in_order() -> bool:
        """The older call has joined anew since the newer one came, and is listed first all the same."""
        shown = re.findall(r"\((?:wait: [0-9:]+), prio: (-?\d+)\)", room.exchange.ask("queue show emergency"))
        return len(shown) == 2 and int(shown[0]) > int(shown[1])

    wait_until(in_order, 10, "both wait, in the order in which they came")
