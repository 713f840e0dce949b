"""Calls and presses become arrivals and alarms, whatever order their journal comes in and whoever died meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from dispatch import alarms, arrivals, dispositions, inquiries, ladder, ring_backs
from dispatch.errors import AlarmNotConfirmed, AlreadyDisposed, BadInput
from dispatch.journal import CallStep, Malformed
from dispatch.tables import Arrival, CallBack, RingBack, StaffTask, Ticket
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import OutboxMessage, TicketEvent
from foundation.writer import Priority, Work
from tests.integration.dispatch_support import START, Town, press, service_call, steps


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def arrival(town: Town, call_id: str) -> Arrival:
    rows = town.rows(select(Arrival).where(Arrival.external_id == call_id))
    assert len(rows) == 1, f"{call_id} is {len(rows)} arrivals"
    return rows[0]


def open_alarms(town: Town) -> list[Ticket]:
    return town.rows(select(Ticket).where(Ticket.kind == "emergency").order_by(Ticket.id))


SERVED = service_call("node1-1", ("answered", 9, {"who": "seat-op1"}), ("ended", 60, {"cause": "16", "secs": "60"}))
GIVEN_UP = service_call("node1-2", ("ended", 20, {"cause": "16", "qs": "", "secs": "20"}), caller="13800000102")
TAKEN_PRESS = press(
    "node1-3",
    ("rung", 20, {"rung": "duty", "driver": "dialplan"}),
    ("tried", 20.1, {"who": "duty-3", "by": "dialplan"}),
    ("took", 25, {"who": "duty-3"}),
    ("ended", 90, {"cause": "16", "secs": "90"}),
)
NOT_OURS = steps("node1-4", ("arrived", 0, {"to": "999", "from": "87000002", "kind": "other"}), ("ended", 1, {}))
FACTS = (
    "kind", "state", "caller", "dialled", "device_code", "home_id", "answered_by", "taken_by", "arrived_at",
    "answered_at", "ended_at", "disposition", "steps",
)  # fmt: skip


def test_each_call_is_one_arrival_with_its_one_end(town: Town) -> None:
    town.call(arrivals.record_steps, [*SERVED, *GIVEN_UP, *TAKEN_PRESS, *NOT_OURS])
    served = arrival(town, "node1-1")
    assert (served.state, served.answered_by, served.disposition) == ("ended", "seat-op1", None)
    assert served.caller == "+8613800000101"
    assert arrival(town, "node1-2").disposition == "abandoned"
    assert arrival(town, "node1-3").disposition == "ticket"
    assert arrival(town, "node1-4").disposition == "wrong_number"
    assert [owed.number for owed in town.rows(select(CallBack))] == ["+8613800000102"]
    town.forward(minutes=11)  # nobody says how the answered call ended
    assert {task.kind for task in town.rows(select(StaffTask))} == {"undisposed"}
    town.call(inquiries.answer, served.id, "老年卡要什么材料？", "身份证和照片。", caller="13800000101")
    assert arrival(town, "node1-1").disposition == "inquiry"
    with pytest.raises(AlreadyDisposed):
        town.call(dispositions.dispose, served.id, "test", "试机")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_steps_doubled_and_in_any_order_give_the_same_end(town: Town, seed: int) -> None:
    every = [*SERVED, *GIVEN_UP, *TAKEN_PRESS, *NOT_OURS]
    chance = random.Random(seed)
    told = [step for step in every for _ in range(chance.randint(1, 3))]
    chance.shuffle(told)
    while told:
        size = chance.randint(1, 6)
        town.call(arrivals.record_steps, told[:size])
        told = told[size:]
    ended = {call: facts(arrival(town, call)) for call in ("node1-1", "node1-2", "node1-3", "node1-4")}
    renamed = [CallStep(s.call_id.replace("node1", "node2"), s.step, s.kind, s.at, s.fields) for s in every]
    for ticket in open_alarms(town):
        town.call(alarms.close, ticket.id, "served_on_phone", "已安抚")
    town.call(arrivals.record_steps, renamed)
    for call, known in ended.items():
        assert facts(arrival(town, call.replace("node1", "node2"))) == known
    first, second = open_alarms(town)
    assert first.taken_by == second.taken_by == "duty-3"
    assert call_events(town, first.id) == call_events(town, second.id)


def facts(row: Arrival) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


def call_events(town: Town, ticket_id: int) -> list[str]:
    kinds = town.rows(select(TicketEvent.kind).where(TicketEvent.ticket_id == ticket_id))
    return sorted(kind for kind in kinds if kind.startswith("call."))


def test_a_record_nobody_can_read_becomes_a_task_and_still_an_arrival(town: Town) -> None:
    bad = [
        Malformed("node1-9", "001", "s=?&t=x", "no known step in field s"),
        Malformed("x" * 500, "001", "", "?"),
        Malformed("", "", "", "?"),
        Malformed("rb-99-1", "001", "s=?", "?"),
    ]
    result = town.call(arrivals.record_steps, bad)
    assert result.unreadable[0] == ("node1-9", "001")
    assert len(town.rows(select(StaffTask).where(StaffTask.kind == "malformed_step"))) == 4
    row = arrival(town, "node1-9")
    assert (row.kind, row.state) == ("unknown", "live")
    town.forward(minutes=11)
    town.call(dispositions.dispose, row.id, "test", "日志损坏")
    assert arrival(town, "node1-9").state == "ended"


def test_strange_callers_are_kept_and_nothing_breaks(town: Town) -> None:
    strange = ["", "anonymous", "1" * 300, "a/b\\c", "\u202e0001", "'; DROP TABLE arrivals; --", "+86" + "9" * 60]
    for n, raw in enumerate(strange):
        step = {"to": "81890", "from": raw[:40], "raw": raw, "name": raw, "kind": "service", "home": raw, "line": raw}
        town.call(arrivals.record_steps, steps(f"node1-1{n}", ("arrived", 0, step), ("ended", 3, {})))
    assert len(town.rows(select(Arrival))) == len(strange)


def test_a_press_rings_seats_then_duty_then_contacts_until_somebody_takes_it(town: Town) -> None:
    town.call(arrivals.record_steps, press("node1-1"))
    ticket = open_alarms(town)[0]
    assert (ticket.state, ticket.home_id, ticket.address) == ("raised", 7, "示范路 7 号")
    town.forward(seconds=10)
    assert "alarm.seats_called" in town.events(ticket.id)
    assert town.pump("call") == []
    town.forward(seconds=10)
    assert [row.params["who"] for row in town.pump("call")] == ["duty-3"]
    texts = [(row.recipient, row.params["name"], row.params["address"]) for row in town.pump("sms")]
    assert texts == [("+8613500000001", "张爷爷", "示范路 7 号")]  # the supervisor; whom and where to look for
    town.forward(seconds=20)
    legs = town.pump("call")
    assert [row.params["who"] for row in legs] == ["contact-1", "contact-2"]
    assert legs[0].params | {"ring": 0} == {
        "call": "node1-1", "chan": "PJSIP/trunk-node1-1", "who": "contact-1", "number": "13700000001", "ring": 0
    }  # fmt: skip
    town.forward(seconds=20)
    assert [row.params["who"] for row in town.pump("call")] == ["duty-3"]
    town.forward(seconds=20)  # the contacts' second turn is queued, and becomes untrue
    town.call(arrivals.record_steps, press("node1-1", ("took", 81, {"who": "contact-2"})))
    assert town.pump("call") == []
    taken = open_alarms(town)[0]
    assert (taken.state, taken.taken_by, taken.owner) == ("taken", "contact-2", "contact-2")
    town.forward(seconds=45)
    assert town.pump("call") == []


def test_a_leg_queued_before_the_taking_is_stopped_at_the_claim(town: Town) -> None:
    """The same truth with the withdrawal switched off: what is claimed is asked again."""
    town.call(arrivals.record_steps, press("node1-1"))
    town.forward(seconds=20)
    town.call(alarms.take, open_alarms(town)[0].id, "seat-op1")
    town.call(_revive_legs)
    assert town.pump("call") == []


def _revive_legs(w: Any) -> None:
    for row in w.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "leg")):
        assert row.state == "cancelled"
        row.state, row.reason = "pending", None


def test_two_who_take_at_once_get_one_winner_and_one_true_answer(town: Town) -> None:
    town.call(arrivals.record_steps, press("node1-1"))
    ticket_id = open_alarms(town)[0].id
    futures = [
        town.writer.submit(alarms.take, Priority.EMERGENCY, who, ticket_id, who) for who in ("seat-op1", "duty-3")
    ]
    assert sorted(future.result(30) for future in futures) == [False, True]


def test_presses_of_one_home_join_one_alarm_and_after_its_close_a_new_one_opens(town: Town) -> None:
    town.call(arrivals.record_steps, [*press("node1-1"), *press("node1-2")])
    town.call(arrivals.record_steps, press("node1-3"))
    assert len(open_alarms(town)) == 1
    assert [arrival(town, f"node1-{n}").disposition for n in (1, 2, 3)] == ["ticket"] * 3
    ticket_id = open_alarms(town)[0].id
    town.call(alarms.take, ticket_id, "seat-op1")
    town.forward(seconds=21)
    rung = {(row.params["call"], row.params["who"]) for row in town.pump("call")}
    assert ("node1-3", "duty-3") in rung  # a further call that waits is not forgotten
    town.call(arrivals.record_steps, press("node1-5"))  # nor one that comes when the alarm is in hand
    town.forward(seconds=21)
    assert "node1-5" in {row.params["call"] for row in town.pump("call")}
    town.call(alarms.close, ticket_id, "served_on_phone", "已安抚，无碍")
    town.call(arrivals.record_steps, press("node1-4"))
    assert len(open_alarms(town)) == 2


def test_an_alarm_is_not_closed_as_accidental_unless_somebody_was_heard_or_seen(town: Town) -> None:
    town.call(arrivals.record_steps, press("node1-1"))
    ticket_id = open_alarms(town)[0].id
    town.call(alarms.take, ticket_id, "seat-op1")
    town.call(alarms.grade, ticket_id, "accidental")
    for outcome in ("accidental", "test", "no_need"):
        with pytest.raises(AlarmNotConfirmed):
            town.call(alarms.close, ticket_id, outcome, "说是碰到的")
    with pytest.raises(BadInput):
        town.call(alarms.close, ticket_id, "helped_at_door", "")
    town.call(alarms.confirm, ticket_id, "voice")
    town.call(alarms.close, ticket_id, "accidental", "本人接听，确认碰倒")
    assert open_alarms(town)[0].state == "closed"


def test_a_press_cut_by_the_exchange_is_called_back_once(town: Town) -> None:
    town.call(arrivals.record_steps, [*press("node1-1"), *press("node1-3"), *service_call("node1-2")])
    town.call(arrivals.record_steps, [*press("node2-1", home="8"), *service_call("node1-b-4")])
    for _ in range(2):
        town.call(arrivals.end_unknown, "node1", ["node1-77"], START + timedelta(seconds=30))
    assert arrival(town, "node1-2").disposition == "ended_unknown"
    assert arrival(town, "node2-1").state == "live"
    assert arrival(town, "node1-b-4").state == "live"  # the node of that name is another
    town.forward(seconds=3)
    made = [row for row in town.pump("call") if row.kind == "ring_back"]
    assert [row.params["number"] for row in made] == ["87000001"]
    call_id = made[0].params["call"]
    ticket_id = open_alarms(town)[0].id
    assert call_id == f"rb-{ticket_id}-1"
    back = steps(
        call_id, ("rungback", 10, {"alarm": str(ticket_id), "to": "87000001"}), ("queued", 11, {"queue": "emergency"}),
        ("took", 15, {"who": "seat-op1"}), ("ended", 60, {"cause": "16"}),
    )  # fmt: skip
    town.call(arrivals.record_steps, back[:2])
    town.call(arrivals.end_unknown, "node1", [call_id], START + timedelta(minutes=5))
    assert [row.state for row in town.rows(select(RingBack))] == ["live"]
    town.call(arrivals.end_unknown, "node1", [], START + timedelta(minutes=5))
    assert [row.state for row in town.rows(select(RingBack))] == ["ended"]  # the exchange died again
    for step in [*back, *back]:
        town.call(arrivals.record_steps, [step])
    assert town.rows(select(Arrival).where(Arrival.external_id == call_id)) == []
    assert open_alarms(town)[0].taken_by == "seat-op1"
    assert [row.state for row in town.rows(select(RingBack))] == ["ended"]


def test_who_hung_up_before_anyone_took_it_is_called_back_unless_word_comes_that_someone_did(town: Town) -> None:
    told = press("node1-1", ("took", 4, {"who": "seat-op1"}), ("ended", 9, {"cause": "16"}))
    took, rest = told[2], [*told[:2], told[3]]
    town.call(arrivals.record_steps, rest)
    assert [row.state for row in town.rows(select(RingBack))] == ["wanted"]
    town.call(arrivals.record_steps, [took])
    assert [row.state for row in town.rows(select(RingBack))] == ["cancelled"]
    town.forward(seconds=5)
    assert [row for row in town.pump("call") if row.kind == "ring_back"] == []


def rung_back_by_hand(town: Town, ticket_id: int) -> Any:
    def ask(w: Work) -> str:
        ticket = w.session.get_one(Ticket, ticket_id)
        return ring_backs.by_hand(w, ticket, w.session.get_one(Arrival, ticket.arrival_id), NumberPlan())

    return town.call(ask)


def test_a_ring_back_nobody_answers_leaves_the_ladder_writing_to_people_once(town: Town) -> None:
    town.call(arrivals.record_steps, press("node1-1", ("ended", 9, {"cause": "16"})))
    town.forward(seconds=3)
    assert [row.kind for row in town.pump("call")] == ["ring_back"]
    town.forward(seconds=150)
    assert [row.state for row in town.rows(select(RingBack))] == ["ended"]
    told = sorted(row.recipient for row in town.pump("sms"))
    assert told == ["+8613500000001", "+8613600000001", "+8613700000001", "+8613700000002"]
    ticket_id = open_alarms(town)[0].id
    assert rung_back_by_hand(town, ticket_id) == f"rb-{ticket_id}-2"
    with pytest.raises(BadInput):
        town.call(ladder.ring_person, ticket_id, "contact-1")


def test_a_ring_back_that_nobody_answers_after_the_alarm_was_taken_does_not_hold_up_the_next(town: Town) -> None:
    town.call(arrivals.record_steps, press("node1-1", ("ended", 9, {"cause": "16"})))
    town.forward(seconds=3)
    assert [row.kind for row in town.pump("call")] == ["ring_back"]
    ticket_id = open_alarms(town)[0].id
    assert town.call(alarms.take, ticket_id, "user:li")
    town.call(alarms.grade, ticket_id, "urgent")
    town.forward(seconds=90)
    assert [row.state for row in town.rows(select(RingBack))] == ["ended"]
    assert rung_back_by_hand(town, ticket_id) == f"rb-{ticket_id}-2"


def test_word_that_one_line_was_answered_leaves_the_ring_back_of_another_line(town: Town) -> None:
    first = press("node1-1", ("took", 4, {"who": "seat-op1"}), ("ended", 9, {"cause": "16"}))
    second = press("node1-2", ("ended", 9, {"cause": "16"}))
    second[0] = replace(second[0], fields={**second[0].fields, "from": "87000009", "raw": "87000009"})
    town.call(arrivals.record_steps, [*first[:2], first[3], *second])
    town.call(arrivals.record_steps, [first[2]])
    town.forward(seconds=3)
    assert [row.params["number"] for row in town.pump("call") if row.kind == "ring_back"] == ["87000009"]


def test_an_alarm_whose_taker_is_lost_within_moments_is_nobodys_again_and_the_ladder_begins_anew(town: Town) -> None:
    told = press(
        "node1-1", ("took", 5, {"who": "contact-1"}), ("released", 7, {"who": "contact-1"}),
        ("took", 70, {"who": "duty-3"}), ("ended", 90, {"cause": "16"}),
    )  # fmt: skip
    town.call(arrivals.record_steps, told[:3])
    assert open_alarms(town)[0].taken_by == "contact-1"
    town.call(arrivals.record_steps, told[3:4])
    assert (open_alarms(town)[0].state, open_alarms(town)[0].taken_by) == ("raised", None)
    town.forward(seconds=45)
    assert {row.params["who"] for row in town.pump("call")} == {"duty-3", "contact-1", "contact-2"}
    town.call(arrivals.record_steps, told[4:])
    assert (open_alarms(town)[0].state, open_alarms(town)[0].taken_by) == ("taken", "duty-3")
    assert town.rows(select(RingBack)) == []


def test_a_caller_who_hangs_up_after_a_lost_taker_is_called_back(town: Town) -> None:
    slip = press("node1-1", ("took", 5, {"who": "seat-op1"}), ("released", 7, {"who": "seat-op1"}), ("ended", 9, {}))
    for step in slip:
        town.call(arrivals.record_steps, [step])
    town.forward(seconds=3)
    assert [row.kind for row in town.pump("call")] == ["ring_back"]


def test_a_lost_taker_does_not_take_the_alarm_from_the_operator_who_has_it(town: Town) -> None:
    told = press("node1-1", ("took", 5, {"who": "duty-3"}), ("released", 7, {"who": "duty-3"}))
    town.call(arrivals.record_steps, told[:2])
    assert town.call(alarms.take, open_alarms(town)[0].id, "user:li")
    town.call(arrivals.record_steps, told[2:])
    assert open_alarms(town)[0].taken_by == "user:li"
    town.forward(seconds=25)
    assert {row.params["call"] for row in town.pump("call")} == {"node1-1"}  # but the call is not forgotten


def test_a_batch_takes_few_statements_and_little_time(town: Town) -> None:
    batch: list[CallStep] = []
    for n in range(100):
        batch += service_call(f"node1-{n}", ("answered", 9, {"who": "seat-op1"}), ("ended", 60, {"cause": "16"}))
    seen: list[str] = []

    def count(_c: Any, _cur: Any, statement: str, _p: Any, _ctx: Any, _many: bool) -> None:
        seen.append(statement)

    event.listen(town.database.write_engine, "before_cursor_execute", count)
    town.call(arrivals.record_steps, batch)
    event.remove(town.database.write_engine, "before_cursor_execute", count)
    assert len(seen) <= 8, seen


def test_live_calls_and_the_seed_of_chance_meet_the_laws(town: Town) -> None:
    """A random day: presses, calls, takers, texts, deadlines, kills of the exchange; the laws hold after each."""
    chance = random.Random(81890)
    log: list[Sequence[CallStep]] = []
    for n in range(40):
        call_id = f"node1-{n}"
        more = [("ended", 30.0, {"cause": "16"})] if chance.random() < 0.5 else []
        if chance.random() < 0.6:
            more.insert(0, ("took", 5.0, {"who": chance.choice(["seat-op1", "duty-3", "contact-1"])}))
        maker = press if chance.random() < 0.5 else service_call
        log.append(maker(call_id, *more))
        chosen = chance.choice(log)
        town.call(arrivals.record_steps, chosen[: chance.randint(1, len(chosen))])
        if chance.random() < 0.2:
            town.call(arrivals.end_unknown, "node1", [], START + timedelta(days=1))
        for ticket in open_alarms(town):
            if ticket.state != "closed" and chance.random() < 0.1:
                town.call(alarms.close, ticket.id, "helped_at_door", "处理完毕")
        town.forward(seconds=chance.choice([0, 5, 15, 60]))
        town.pump("call")
        town.check_laws()
