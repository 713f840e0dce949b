"""What a call hears and does in a flow on the real exchange: prompts, keys, questions to the application, messages."""

import re
import wave
from pathlib import Path

import pytest

from callcenter.town.behaviour import WhenRung
from callcenter.town.lines import Line
from ivr_flows.compiler import CompileOptions
from tests.exchange.flow_room import call_of, flow_set, lines_of, publish, rings_out, steps, trail_folder
from tests.exchange.ladder_room import Room, prompts_gone
from tests.exchange.test_dialplan_arrivals import read_until, signed_in
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

HOTLINE = """
flow: hotline
title: {zh: 试, en: trial}
kind: call
operator: wait
start: first
steps:
  first:
    menu: good-bye
    timeout: 4
    tries: 2
    keys: {"1": number, "2": english, "3": message, "4": ask, "5": out, "#": wait}
    otherwise: wait
  number: {digits: one-moment, into: CODE, min: 2, max: 4, timeout: 3, next: said, otherwise: wait}
  said: {say: [thanks-grade, {digits: CODE}, {number: CODE}, good-bye], next: end_of_it}
  english: {language: en, next: hello}
  hello: {say: one-moment, next: end_of_it}
  message: {voice_message: one-moment, next: kept, otherwise: end_of_it}
  kept: {hang_up: thanks-grade}
  ask: {tell: my_ticket, with: CODE, within: 3, next: end_of_it, nothing: nothing_there, otherwise: later}
  nothing_there: {hang_up: no-open-ticket}
  later: {hang_up: one-moment}
  out: {transfer: police, ring: 10, next: kept, otherwise: later}
  wait: {queue: service, limit: 60, keys: {"1": first}, otherwise: end_of_it}
  end_of_it: {hang_up: []}
"""
TRAIL = CompileOptions(trail=True)


@pytest.fixture
def flows(room: Room):  # type: ignore[no-untyped-def]
    """The exchange in the trial's flow."""
    trail_folder(room)
    publish(room, flow_set(HOTLINE, transfers={"police": "13811110110"}), TRAIL)
    return room


def comes_to(room: Room, call: str, step: str, within: float = 10) -> None:
    wait_until(lambda: step in lines_of(trail_folder(room) / call), within, f"{call} comes to {step}")


def asked(room: Room, call: str, times: int = 1) -> None:
    waits = trail_folder(room) / f"{call}~waits"
    wait_until(lambda: len(lines_of(waits)) >= times, 15, f"{call} is asked {times} times")


def dials(room: Room, number: str) -> tuple[Line, str]:
    line = room.town.phone(number).dials("81890").is_answered()
    call = call_of(room, line)
    asked(room, call)
    return line, call


def spoken(room: Room, language: str, name: str) -> Path:
    return room.exchange.process.directories.sounds / language / f"{name}.wav"


def test_prompts_are_heard_and_what_was_typed_is_said_back(flows: Room) -> None:
    line, call = dials(flows, "13900001001")
    line.hears("good-bye").presses("1")
    asked(flows, call, 2)
    line.presses("123")
    line.presses("#").hears("thanks-grade", within=20)
    line.ends(30)
    # 一百二十三, and 幺二三 one by one.
    for piece in ("spell/1", "spell/3", "digits/hundred", "digits/20"):
        assert line.has_heard(spoken(flows, "zh", piece)), piece
    assert lines_of(trail_folder(flows) / call) == [f"hotline.{s}" for s in ("first", "number", "said", "end_of_it")]


def test_after_the_language_step_the_words_are_english(flows: Room) -> None:
    line, _ = dials(flows, "13900001002")
    line.presses("2").hears(spoken(flows, "en", "one-moment")).ends()
    assert not line.has_heard("one-moment")


def test_the_key_hash_is_a_key_of_a_menu(flows: Room) -> None:
    line, call = dials(flows, "13900001003")
    line.presses("#")
    comes_to(flows, call, "hotline.wait")
    assert ("chose", {"flow": "hotline", "step": "first", "key": "#"}) in steps(flows, call)


def test_every_step_goes_on_with_all_prompts_gone(flows: Room) -> None:
    with prompts_gone(flows.exchange.process.directories.sounds):
        line, call = dials(flows, "13900001004")
        line.presses("9")
        comes_to(flows, call, "hotline.wait")
        asked(flows, call, 2)
        line.presses("1")
        asked(flows, call, 3)
        line.presses("1")
        asked(flows, call, 4)
        line.presses("55#").ends()
    assert lines_of(trail_folder(flows) / call)[-2:] == ["hotline.said", "hotline.end_of_it"]


def test_the_application_answers_a_question_and_its_words_are_heard(flows: Room) -> None:
    flows.lease(age=0)
    with signed_in(flows) as link:
        line, call = dials(flows, "13900001005")
        line.presses("4")
        event = read_until(link, "UserEvent: Ask")
        told = dict(re.findall(r"^([A-Za-z]+): (.*)\r$", event[event.rindex("Event: UserEvent") :], re.MULTILINE))
        assert (told["Call"], told["Id"], told["What"], told["Topic"]) == (call, "1", "tell", "my_ticket")
        assert (told["From"], told["Lang"], told["Args"]) == ("13900001005", "zh", "CODE=")
        answer = flows.manager.actions.set_var(told["Channel"], "ANSWER_1", "told|thanks-grade&digits/3")
        flows.manager.does(answer)
    line.hears("thanks-grade").ends()


@pytest.mark.parametrize(
    ("answer", "step"),
    [("nothing", "nothing_there"), ("garbage", "later"), ("told|/etc/passwd&${SHELL(id)}&../../x;,)", "end_of_it")],
)
def test_an_answer_is_believed_only_as_far_as_its_form_goes(flows: Room, answer: str, step: str) -> None:
    flows.lease(age=0)
    line, call = dials(flows, f"139000011{len(answer):02}")
    line.presses("4")
    comes_to(flows, call, "hotline.ask")
    chan = flows.step(line, s="arrived").chan
    flows.manager.does(flows.manager.actions.set_var(chan, "ANSWER_1", answer))
    comes_to(flows, call, f"hotline.{step}", within=2.5)


def test_a_question_that_nobody_answers_ends_in_time_and_one_to_a_dead_application_at_once(flows: Room) -> None:
    line, call = dials(flows, "13900001007")
    line.presses("4")
    comes_to(flows, call, "hotline.later", within=1.5)
    flows.lease(age=0)
    line, call = dials(flows, "13900001008")
    line.presses("4")
    comes_to(flows, call, "hotline.ask")
    comes_to(flows, call, "hotline.later", within=5)


def test_a_message_is_kept_when_the_caller_ends_it_by_a_key_or_by_hanging_up(flows: Room) -> None:
    for number, ends in (("13900001009", "key"), ("13900001010", "hangup")):
        line, call = dials(flows, number)
        line.presses("3")
        asked(flows, call, 2)
        line.speaks()
        path = flows.journal.parent / "messages" / f"{call}-1.wav"
        wait_until(lambda p=path: p.exists() and p.stat().st_size > 40_000, 10, "the message grows")
        line.presses("#") if ends == "key" else line.hangs_up()
        flows.step(line, s="ended", within=15)
        found = [fields for s, fields in steps(flows, call) if s == "message"]
        assert [(f["flow"], f["step"], f["file"]) for f in found] == [("hotline", "message", path.name)]
        with wave.open(str(path), "rb") as file:
            seconds = file.getnframes() / file.getframerate()
        assert seconds >= 2
        assert int(found[0]["secs"]) == int(seconds)


def test_who_says_nothing_has_left_no_message(flows: Room) -> None:
    line, call = dials(flows, "13900001011")
    line.presses("3")
    asked(flows, call, 2)
    line.presses("#").ends()
    assert "message" not in [s for s, _ in steps(flows, call)]


def test_a_key_without_a_meaning_costs_nobody_his_place(flows: Room) -> None:
    first, first_call = dials(flows, "13900001012")
    first.presses("#")
    asked(flows, first_call, 2)
    second, second_call = dials(flows, "13900001013")
    second.presses("#")
    asked(flows, second_call, 2)

    first.presses("7")

    asked(flows, first_call, 3)
    shown = flows.exchange.ask("queue show service")
    places = re.findall(r"prio: (\d+)", shown)
    assert len(places) == 2
    assert int(places[0]) > int(places[1]), "the first is still before the second"
    flows.signs_in("op1")
    flows.town.seat("op1").answers().talks_with(first)


@pytest.mark.parametrize(("does", "result"), [("busy", "busy"), ("answer", "answer")])
def test_a_transfer_rings_the_number_of_the_settings_and_says_how_it_went(flows: Room, does: str, result: str) -> None:
    police = flows.town.phone("13811110110").when_rung(WhenRung(does, after=0.2, hangs_up_after=3))  # type: ignore[arg-type]
    line, call = dials(flows, f"1390000101{4 + len(does) % 2}")
    line.presses("5")
    if does == "answer":
        wait_until(lambda: police.rings(line.call.started_at), 10, "the police are rung")
        line.talks_with(police.line())
    line.ends(20)
    assert ("transferred", {"flow": "hotline", "step": "out", "to": "police", "result": result}) in steps(flows, call)


def test_a_call_ends_in_the_version_it_began_in(flows: Room) -> None:
    line, _ = dials(flows, "13900001016")
    other = HOTLINE.replace("one-moment, next: end_of_it", "greeting, next: end_of_it")
    publish(flows, flow_set(other, transfers={"police": "13811110110"}), TRAIL)
    line.presses("2").hears(spoken(flows, "en", "one-moment")).ends()
    new, _ = dials(flows, "13900001017")
    new.presses("2").hears(spoken(flows, "en", "greeting")).ends()


@pytest.mark.parametrize("version", ["424242", "x", "-1", "99999999999999999999", "$[1+1]", "1,s,1)"])
def test_a_version_that_is_not_there_or_is_none_leads_into_the_shipped_one(room: Room, version: str) -> None:
    room.put("flows", {"current": version})
    line = room.town.phone(f"139000012{len(version):02}").dials("81890")
    greeted = room.step(line, s="greeted")
    assert "v0" in room.exchange.ask("group show channels")
    assert greeted.call


def test_an_outbound_flow_that_is_not_there_ends_with_a_journal_that_says_so(room: Room) -> None:
    room.town.phone("13900001018").answers_by_itself(after=0)
    call = rings_out(room, "nowhere", "13900001018")
    wait_until(lambda: "ended" in [s for s, _ in steps(room, call)], 10, "the call ends")
    assert steps(room, call)[0] == ("called", {"flow": "", "to": "13900001018", "subject": "7"})


def test_a_talk_is_recorded_after_the_notice_and_an_emergency_without_a_word(flows: Room) -> None:
    flows.signs_in("op1")
    line, call = dials(flows, "13900001019")
    line.presses("#").hears("recording-notice")
    line.talks_with(flows.town.seat("op1").answers())
    line.hangs_up()
    press = flows.town.phone("13900001020").dials("81891")
    flows.joined(press.talks_with(flows.town.seat("op2").answers()))
    press.hangs_up()
    assert not press.has_heard("recording-notice")
    folder = flows.journal.parent / "recordings"
    for name in (call, call_of(flows, press)):
        path = folder / f"{name}.wav"
        wait_until(lambda p=path: p.exists() and p.stat().st_size > 16_000, 10, f"{path.name} holds a second or more")


def test_who_is_unwell_in_a_care_call_comes_before_everybody_who_waits(room: Room) -> None:
    room.signs_in("op1")
    elder = room.town.phone("13900001021")
    call = rings_out(room, "care_call", elder.number)
    line = elder.answers()
    waiting = room.town.phone("13900001022").dials("81890")
    room.step(waiting, s="queued", queue="service")

    def is_an_emergency() -> bool:
        """Somebody in need presses until he is heard: no key counts before the question."""
        line.presses("3")
        return ("queued", {"queue": "emergency"}) in steps(room, call)

    wait_until(is_an_emergency, 60, "the elder is an emergency")
    room.town.seat("op2").answers().talks_with(line)
    wait_until(lambda: any(s.s == "took" and s.who == "seat-op2" for s in room.steps(call=call)), 5, "it is taken")
    assert ("said", {"flow": "care_call", "step": "unwell", "answer": "abnormal"}) in steps(room, call)
    assert not room.find(waiting, s="answered")
