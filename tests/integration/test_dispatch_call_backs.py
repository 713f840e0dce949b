"""Calling back those who were not served: one call for a number, in its turn, and its end told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatch import arrivals, call_backs, dispositions, queries, staff
from dispatch.call_backs import Desk
from dispatch.tables import Arrival, CallBack, StaffTask
from foundation.database import Database
from tests.integration.dispatch_support import START, Town, steps

FREE = Desk(signed_in=2, free=2)
_STEPS = itertools.count(100)
BUSY = Desk(signed_in=2, free=0)
NOBODY = Desk(signed_in=0, free=0)


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def given_up(town: Town, call_id: str, caller: str, after: float = 0.0, waited: float = 30.0) -> int:
    """Somebody calls `after` seconds and hangs up in the queue; the arrival."""
    told = steps(
        call_id,
        ("arrived", after, {"to": "81890", "from": caller, "kind": "service"}),
        ("queued", after + 5, {"queue": "service"}),
        ("ended", after + 5 + waited, {"cause": "16"}),
    )
    return int(town.call(arrivals.record_steps, told).new[0])


def waiting(town: Town, call_id: str, caller: str, since: float) -> None:
    town.call(
        arrivals.record_steps,
        steps(
            call_id,
            ("arrived", since, {"to": "81890", "from": caller, "kind": "service"}),
            ("queued", since + 1, {"queue": "service"}),
        ),
    )


def made(town: Town, desk: Desk = FREE) -> list[str]:
    return list(town.call(call_backs.make_next, desk))


def numbers(town: Town) -> dict[str, str]:
    return {row.number: row.state for row in town.rows(select(CallBack))}


def arrival(town: Town, arrival_id: int) -> Arrival:
    with town.database.read() as session:
        return session.get_one(Arrival, arrival_id)


def told(town: Town, call_id: str, *what: tuple[str, float, dict[str, str]]) -> Any:
    """The exchange tells more steps of a call, or of a new one."""
    numbered = [replace(step, step=f"{next(_STEPS)}") for step in steps(call_id, *what)]
    return town.call(arrivals.record_steps, numbered)


def test_who_hung_up_in_the_queue_is_called_once_and_the_operator_says_how_it_ended(town: Town) -> None:
    first = given_up(town, "node1-1.1", "13800000101")
    again = given_up(town, "node1-1.2", "13800000101", after=60)
    (call_id,) = made(town)
    assert made(town) == []
    (message,) = town.pump("call")
    assert (message.kind, message.params["number"]) == ("call_back", "13800000101")
    told(town, call_id, ("called", 200, {"to": "13800000101"}), ("queued", 201, {"queue": "service"}))
    told(town, call_id, ("answered", 205, {"who": "seat-op1"}), ("ended", 260, {"cause": "16"}))
    assert numbers(town) == {"+8613800000101": "connected"}
    assert made(town) == []
    assert town.call(lambda w: call_backs.talking(w.session)) == [], "it is over"
    # The talk belongs to the last of the two: a person must say how it ended. The other one is told of it.
    talk = arrival(town, again)
    assert (talk.answered_by, talk.disposition) == ("seat-op1", None)
    town.call(dispositions.dispose, again, "wrong_number", "打错了")
    assert arrival(town, again).disposition == "wrong_number"
    assert "已回电" in (arrival(town, first).disposition_reason or "")
    assert "call.answered" in {h.kind for h in town.happened if h.arrival_id == again}


def test_nobody_is_called_before_his_place(town: Town) -> None:
    waiting(town, "node1-1.1", "13800000111", since=0)
    given_up(town, "node1-1.2", "13800000102", after=10)
    assert made(town) == [], "an earlier caller still waits"
    told(town, "node1-1.1", ("answered", 90, {"who": "seat-op1"}))
    waiting(town, "node1-1.3", "13800000113", since=100)
    assert len(made(town, BUSY)) == 1, "who came later waits behind the call back"


def test_a_promise_goes_before_a_courtesy_and_the_earlier_before_the_later(town: Town) -> None:
    given_up(town, "node1-1.1", "13800000101", after=0)
    given_up(town, "node1-1.2", "13800000102", after=10)
    told(town, "node1-1.3", ("arrived", 20, {"to": "81890", "from": "13800000103", "kind": "service"}),
         ("queued", 21, {"queue": "service"}), ("callback", 40, {"number": "13800000103"}),
         ("ended", 45, {"cause": "16"}))  # fmt: skip
    order = []
    for _ in range(3):
        (call_id,) = made(town, Desk(signed_in=1, free=1))
        order.append(town.pump("call")[0].params["number"])
        told(town, call_id, ("called", 200, {}), ("answered", 201, {"who": "seat-op1"}), ("ended", 210, {}))
    assert order == ["13800000103", "13800000101", "13800000102"]


def test_no_more_are_called_than_can_be_talked_to(town: Town) -> None:
    for place in range(1, 6):
        given_up(town, f"node1-1.{place}", f"1380000010{place}", after=place)
    assert made(town, NOBODY) == []
    assert len(made(town, FREE)) == 2
    assert made(town, FREE) == []
    assert made(town, Desk(signed_in=4, free=3)) != []


def test_who_does_not_answer_is_tried_three_times_and_then_goes_to_a_persons_desk(town: Town) -> None:
    owed = given_up(town, "node1-1.1", "13800000101")
    for attempt in range(3):
        assert len(made(town)) == 1
        assert made(town) == []
        town.pump("call")
        town.forward(seconds=91)
        assert made(town) == [], "not again at once"
        if attempt < 2:
            town.forward(minutes=31)
    assert numbers(town) == {"+8613800000101": "unreached"}
    assert "回电未接通" in (arrival(town, owed).disposition_reason or "")
    (task,) = town.rows(select(StaffTask).where(StaffTask.kind == "call_back"))
    assert task.number == "+8613800000101"


def test_who_calls_again_and_is_answered_is_not_called_any_more(town: Town) -> None:
    first = given_up(town, "node1-1.1", "13800000101")
    told(town, "node1-1.2", ("arrived", 300, {"to": "81890", "from": "13800000101", "kind": "service"}),
         ("queued", 301, {"queue": "service"}), ("answered", 302, {"who": "seat-op1"}))  # fmt: skip
    assert numbers(town) == {"+8613800000101": "cancelled"}
    assert made(town) == []
    assert "已自行来电" in (arrival(town, first).disposition_reason or "")


def test_a_seat_in_a_call_back_is_shown_talking_until_it_is_over_or_the_exchange_lost_it(town: Town) -> None:
    town.call(staff.add_seat, "op1", "8001")
    given_up(town, "node1-1.1", "13800000101")
    (call_id,) = made(town)
    told(town, call_id, ("called", 200, {}), ("answered", 201, {"who": "seat-op1"}))

    def talks() -> list[str]:
        with town.database.read() as session:
            return [seat.name for seat in queries.seats(session) if seat.call is not None]

    assert talks() == ["op1"]
    town.call(arrivals.end_unknown, "node1", [call_id], START + timedelta(minutes=9))
    assert talks() == ["op1"]
    town.call(arrivals.end_unknown, "node1", [], START + timedelta(minutes=9))
    assert talks() == []


def test_a_queued_call_back_that_has_become_untrue_is_not_sent(town: Town) -> None:
    given_up(town, "node1-1.1", "13800000101")
    made(town)
    town.call(lambda w: w.session.execute(update(CallBack).values(state="cancelled")))
    assert town.pump("call") == []


def test_a_step_that_comes_twice_or_late_changes_nothing(town: Town) -> None:
    given_up(town, "node1-1.1", "13800000101")
    (call_id,) = made(town)
    what = steps(call_id, ("called", 200, {}), ("answered", 201, {"who": "seat-op1"}))
    town.call(arrivals.record_steps, what)
    town.call(arrivals.record_steps, what)
    town.forward(seconds=120)
    assert numbers(town) == {"+8613800000101": "connected"}
    told(town, "node1-1.1", ("greeted", 1.0, {}))
    (row,) = town.rows(select(Arrival))
    assert row.disposition is None
    assert row.answered_by == "seat-op1"


def test_at_night_only_those_are_called_who_asked_or_have_just_hung_up(town: Town) -> None:
    town.clock.at = START.replace(hour=14)  # ten in the evening in Ningbo
    at = (town.clock.at - START).total_seconds()
    given_up(town, "node1-1.1", "13800000101", after=at)
    town.clock.at += timedelta(minutes=20)
    assert made(town) == []
    given_up(town, "node1-1.2", "13800000102", after=at + 1200)
    assert len(made(town)) == 1
    town.clock.at = START.replace(hour=1, minute=0) + timedelta(days=1)  # nine in the morning
    assert len(made(town)) == 1


def test_a_number_that_cannot_be_called_is_not_owed_a_call(town: Town) -> None:
    given_up(town, "node1-1.1", "anonymous")
    assert numbers(town) == {}
    assert made(town) == []
