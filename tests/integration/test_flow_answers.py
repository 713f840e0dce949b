"""What people press in a flow is carried out as if they had said it, and what they ask is told: on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.bridge.asking import Ask, ask_of
from callcenter.bridge.events import AmiEvent
from callcenter.flows.telling import Teller
from dispatch import answers, arrivals, flow_answers, journal, matching, tellings, visits
from dispatch.journal import CallStep, StepKind
from dispatch.limits import LOCAL
from dispatch.tables import Arrival, StaffTask, Ticket
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import OutboxMessage, TicketEvent
from tests.integration.dispatch_support import PLUMBERS, RESIDENT, START, Town, steps

PLAN = NumberPlan()


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


@pytest.fixture
def here(sqlite_url: str) -> Iterator[Town]:
    """The same on SQLite alone, for what does not depend on the database."""
    database = Database(sqlite_url)
    made = Town(database)
    yield made
    made.writer.close()
    database.dispose()


def national(e164: str) -> str:
    return e164.removeprefix("+86")


def call_in(town: Town, call_id: str, caller: str, *told: tuple[str, float, dict[str, str]]) -> None:
    arrived = {"to": "81890", "from": national(caller), "raw": national(caller), "kind": "service", "chan": "PJSIP/t-1"}
    town.call(arrivals.record_steps, steps(call_id, ("arrived", 0, arrived), *told))


def call_out(town: Town, subject: str, *told: tuple[str, float, dict[str, str]], attempt: int = 1) -> str:
    call_id = flow_answers.name_of(subject, attempt)
    called = ("called", 0, {"flow": "x", "to": "1", "subject": subject})
    town.call(arrivals.record_steps, steps(call_id, called, *told, ("ended", 30, {"cause": "16"})))
    return call_id


def said(answer: str) -> tuple[str, float, dict[str, str]]:
    return ("said", 5, {"flow": "offer", "step": "accept", "answer": answer})


def asker(number: str = RESIDENT, subject: str = "", language: Any = "zh") -> tellings.Asker:
    return tellings.Asker(number, subject, language, START, PLAN)


def tell(town: Town, topic: str, who: tellings.Asker) -> list[str] | None:
    with town.database.read() as session:
        return tellings.tell(session, topic, who)


# --- answers ------------------------------------------------------------------------------------------


def test_a_provider_takes_an_offer_by_its_key_exactly_as_by_text(town: Town) -> None:
    ticket = town.request()
    offer = town.offers(ticket)[0]
    call_out(town, f"offer-{offer.id}", said("accept"))
    assert town.ticket(ticket).state == "accepted"
    assert town.ticket(ticket).accepted_offer_id == offer.id
    sent = town.pump()
    assert [m.template for m in sent if m.recipient == offer.phone] == ["confirmation"]
    assert "call.said" in town.events(ticket)


def test_a_key_that_comes_too_late_is_told_the_truth(town: Town) -> None:
    ticket = town.request()
    first = town.offers(ticket)[0]
    town.sms(first.phone, "2")
    second = town.offers(ticket)[1]
    town.sms(second.phone, "1")
    town.pump()
    call_out(town, f"offer-{first.id}", said("accept"))
    assert town.ticket(ticket).accepted_offer_id == second.id
    assert [m.template for m in town.pump() if m.recipient == first.phone] == ["taken_by_another"]


def test_a_provider_refuses_by_its_key_and_the_next_one_is_asked(town: Town) -> None:
    ticket = town.request()
    call_out(town, f"offer-{town.offers(ticket)[0].id}", said("refuse"))
    assert [offer.state for offer in town.offers(ticket)] == ["declined", "offered"]


def test_a_step_that_comes_twice_is_carried_out_once(town: Town) -> None:
    ticket = town.request()
    offer = town.offers(ticket)[0]
    for _ in range(2):
        call_out(town, f"offer-{offer.id}", said("refuse"))
    assert [o.state for o in town.offers(ticket)] == ["declined", "offered"]
    assert town.events(ticket).count("call.said") == 1
    texts = town.rows(select(OutboxMessage.template).where(OutboxMessage.recipient == offer.phone))
    assert texts.count("declined") == 1


def test_a_follow_up_call_records_the_grade_and_closes(town: Town) -> None:
    ticket = _done(town)
    graded = ("graded", 9, {"flow": "follow_up", "step": "grade", "about": "follow_up", "grade": "5"})
    call_out(town, f"follow-up-{ticket}", graded)
    closed = town.ticket(ticket)
    assert (closed.state, closed.grade) == ("closed", 5)


def test_what_is_no_grade_grades_nothing(town: Town) -> None:
    ticket = _done(town)
    for attempt, grade in enumerate(["0", "6", "", "x", "５"], 1):
        graded = ("graded", 9, {"flow": "follow_up", "step": "grade", "about": "follow_up", "grade": grade})
        call_out(town, f"follow-up-{ticket}", graded, attempt=attempt)
        assert town.ticket(ticket).grade is None, grade


def test_a_provider_that_is_absent_today_gets_no_orders_until_midnight(town: Town) -> None:
    call_in(town, "node1-7.1", PLUMBERS[0], said("absent_today"))
    ticket = town.request()
    with town.database.read() as session:
        ranked = matching.ranked(session, session.get_one(Ticket, ticket), town.clock.now())
    absent = next(r for r in ranked if r.name == "水管师傅1")
    assert not absent.able
    assert ("今天请假", "is absent today by its own word") in absent.reasons
    assert town.offers(ticket)[0].phone == PLUMBERS[1]
    midnight = flow_answers.midnight(START)
    assert midnight.astimezone(LOCAL).hour == 0
    assert timedelta(0) < midnight - START <= timedelta(days=1)
    with town.database.read() as session:
        later = matching.ranked(session, session.get_one(Ticket, ticket), midnight)
    assert next(r for r in later if r.name == "水管师傅1").able


def test_who_is_no_provider_makes_nobody_absent(town: Town) -> None:
    call_in(town, "node1-7.2", RESIDENT, said("absent_today"))
    assert town.offers(town.request())[0].phone == PLUMBERS[0]


def test_the_care_call_that_found_something_wrong_lies_on_the_desk(town: Town) -> None:
    call_out(town, "care-7", said("abnormal"))
    (task,) = town.rows(select(StaffTask).where(StaffTask.subject == "out-care-7-1"))
    assert "情况异常" in task.text


def test_a_voice_message_lies_on_the_desk_with_its_arrival(town: Town) -> None:
    call_in(town, "node1-7.3", RESIDENT, ("message", 20, {"flow": "hotline", "file": "node1-7.3-1.wav", "secs": "12"}))
    (task,) = [t for t in town.rows(select(StaffTask)) if "12 秒" in t.text]
    assert task.number == RESIDENT
    assert task.arrival_id is not None


def test_what_was_pressed_stands_on_the_calls_timeline(town: Town) -> None:
    chose = ("chose", 3, {"flow": "hotline", "step": "wait", "key": "2"})
    call_in(town, "node1-7.4", RESIDENT, ("queued", 1, {"queue": "service"}), chose)
    (event,) = town.rows(select(TicketEvent).where(TicketEvent.kind == "call.chose"))
    assert event.detail["key"] == "2"
    (arrival,) = town.rows(select(Arrival).where(Arrival.external_id == "node1-7.4"))
    assert arrival.steps["003"]["s"] == "chose"


def test_an_answer_about_what_is_not_there_stops_nothing(town: Town) -> None:
    grade = {"flow": "f", "about": "follow_up", "grade": "5"}
    for subject in ("offer-999999", "follow-up-999999", "nothing-1"):
        call_out(town, subject, said("accept"), ("graded", 9, grade))
        town.check_laws()


def test_what_the_person_typed_is_kept_with_what_he_said() -> None:
    record = "s=said&t=1.5&flow=incident&step=home&answer=affected&HOUSE=12&lower=1&other=2"
    step = journal.parse("node1-1.1", "004", record)
    assert isinstance(step, CallStep)
    assert step.kind is StepKind.SAID
    assert dict(step.fields) == {"flow": "incident", "step": "home", "answer": "affected", "HOUSE": "12"}
    assert journal.parse("node1-1.1", "004", journal.render(step)) == step


def test_only_a_subject_that_names_something_makes_a_call_id() -> None:
    assert flow_answers.name_of("offer-12", 1) == "out-offer-12-1"
    for wrong in ("offer", "offer-", "offer-1;x", "OFFER-1", "offer-1-2-3-4"):
        with pytest.raises(ValueError, match="no call is about"):
            flow_answers.name_of(wrong, 1)


# --- tellings -----------------------------------------------------------------------------------------


def test_callers_are_recognised_by_their_number(town: Town) -> None:
    with town.database.read() as session:
        assert tellings.recognise(session, PLUMBERS[0]) == "provider"
        assert tellings.recognise(session, RESIDENT) == "unknown"
        assert tellings.recognise(session, "+8657487000001") == "known"
        assert tellings.recognise(session, "") == "unknown"
    ticket = town.request()
    with town.database.read() as session:
        assert tellings.recognise(session, RESIDENT) == "ticket"
    town.call(answers.accept, town.offers(ticket)[0].id, 20)
    town.call(visits.done, ticket, 80)
    town.sms(RESIDENT, "5")


def test_the_progress_of_my_ticket_is_told_in_both_languages_without_an_address(town: Town) -> None:
    assert tell(town, "my_ticket", asker()) == []
    ticket = town.request()
    (looking,) = tell(town, "my_ticket", asker()) or []
    assert "正在为您联系服务商" in looking
    town.call(answers.accept, town.offers(ticket)[0].id, 20)
    (zh,) = tell(town, "my_ticket", asker()) or []
    (en,) = tell(town, "my_ticket", asker(language="en")) or []
    assert "水管师傅1已接单" in zh
    assert "上门" in zh
    assert "comes by" in en
    for text in (zh, en):
        assert "示范路" not in text
        assert "王阿姨" not in text
    assert en.isascii()


def test_the_provider_on_the_way_is_told_with_its_telephone(town: Town) -> None:
    ticket = town.request()
    assert tell(town, "provider_on_way", asker()) == []
    town.call(answers.accept, town.offers(ticket)[0].id, 20)
    told = tell(town, "provider_on_way", asker()) or []
    assert len(told) == 2
    assert "幺三九" in told[1]
    town.call(visits.arrived, ticket)
    assert "已经到场" in (tell(town, "provider_on_way", asker()) or [""])[0]


def test_a_provider_hears_its_orders_and_nobody_else_does(town: Town) -> None:
    held, _waiting = town.request(), town.request()
    for offer in town.offers(held)[:1]:
        town.call(answers.accept, offer.id, 20)
    provider = next(o.phone for o in town.offers(held) if o.state == "accepted")
    told = tell(town, "my_orders", asker(provider)) or []
    assert "一单" in told[0]
    assert any("前到" in sentence for sentence in told)
    assert not any("示范路" in sentence for sentence in told)
    assert tell(town, "my_orders", asker(RESIDENT)) == []


def test_an_offer_and_a_follow_up_are_told_by_their_subject(town: Town) -> None:
    ticket = town.request()
    offer = town.offers(ticket)[0]
    (told,) = tell(town, "offer", asker("", f"offer-{offer.id}")) or []
    assert told.startswith("新订单：")
    assert tell(town, "offer", asker("", "offer-99999")) == []
    town.call(answers.accept, offer.id, 20)
    assert tell(town, "offer", asker("", f"offer-{offer.id}")) == []
    town.call(visits.done, ticket, 80)
    (asked,) = tell(town, "follow_up", asker("", f"follow-up-{ticket}")) or []
    assert "今天完成的" in asked
    assert tell(town, "no_such_topic", asker()) is None


# --- the answer to the exchange -----------------------------------------------------------------------


def user_event(**fields: str) -> AmiEvent:
    told = {"userevent": "Ask", "call": "node1-1.1", "id": "1", "what": "tell", "topic": "my_ticket", "lang": "zh",
            "from": "13800000101", "channel": "PJSIP/trunk-00000001", **fields}  # fmt: skip
    lines = ["Event: UserEvent", *(f"{name}: {value}" for name, value in told.items())]
    return AmiEvent("UserEvent", "\r\n".join(lines).encode())


def question(**fields: str) -> Ask:
    ask = ask_of(user_event(**fields))
    assert ask is not None
    return ask


class Spoken:
    """Takes down what was to be said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.set: list[tuple[str, str, str]] = []
        self.name = "dyn/" + "a" * 64

    def speak(self, text: str, language: str) -> str:
        self.said.append((text, language))
        return self.name

    async def set_var(self, channel: str, name: str, value: str) -> None:
        self.set.append((channel, name, value))


async def test_a_question_is_answered_on_its_channel_with_sounds(here: Town) -> None:
    spoken = Spoken()
    teller = Teller(here.database, here.clock, PLAN, spoken.speak, spoken.set_var)
    ask = question(id="3")
    assert teller.answer(ask) == "nothing"
    here.request()
    teller.hear(ask)
    while teller._running:
        await next(iter(teller._running))
    assert spoken.set == [("PJSIP/trunk-00000001", "ANSWER_3", f"told|{spoken.name}")]
    assert spoken.said[0][1] == "zh"
    assert teller.answer(question(what="recognise", topic="")) == "ticket"
    assert teller.answer(question(what="recognise", topic="", **{"from": "96110"})) == "unknown"
    assert teller.answer(question(topic="no_such_topic")) == ""
    assert teller.answer(question(what="nonsense")) == ""


async def test_what_cannot_be_spoken_is_silence_and_never_an_error(here: Town) -> None:
    here.request()
    spoken = Spoken()
    spoken.name = "../../etc/passwd&x"
    teller = Teller(here.database, here.clock, PLAN, spoken.speak, spoken.set_var)
    teller.hear(question())
    while teller._running:
        await next(iter(teller._running))
    assert spoken.set == []
    assert teller.counters.failed == 1


def test_no_answer_is_longer_than_the_dialplan_takes(here: Town) -> None:
    spoken = Spoken()
    teller = Teller(here.database, here.clock, PLAN, spoken.speak, spoken.set_var)
    for _ in range(3):
        here.call(answers.accept, here.offers(here.request())[0].id, 20)
    answer = teller.answer(question(topic="provider_on_way"))
    assert len(answer) <= 400
    assert answer.count("&") == 4


@pytest.mark.parametrize(
    "fields",
    [{"id": "0"}, {"id": "x"}, {"id": "99999"}, {"id": ""}, {"channel": ""}, {"channel": "/x/"}, {"channel": "a b"}],
)
def test_a_question_that_could_not_be_answered_is_none(fields: dict[str, str]) -> None:
    assert ask_of(user_event(**fields)) is None


def test_a_question_that_names_two_channels_is_nobodys() -> None:
    forged = user_event(calleridname="x\r\nChannel: PJSIP/somebody-else-00000009")
    assert ask_of(forged) is None
    assert ask_of(user_event(calleridname="x\r\nId: 7")) is None


def test_what_a_caller_typed_comes_decoded_and_bounded() -> None:
    ask = question(args="HOUSE=%E5%8D%81%0a&bad name=1&LONG=" + "9" * 500, lang="fr")
    assert ask.values == {"HOUSE": "十\n", "LONG": "9" * 120}
    assert ask.language == "zh"


def _done(town: Town) -> int:
    ticket = town.request()
    town.call(answers.accept, town.offers(ticket)[0].id, 20)
    town.call(visits.done, ticket, 80)
    assert town.ticket(ticket).state == "done"
    return ticket
