"""The card of an alarm: what the command knew of it is what the database says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from callcenter.console.live import Live
from callcenter.console.pages import Pages
from callcenter.console.settings import ConsoleSettings
from dispatch.alarms import _OPEN_ALARM
from dispatch.arrivals import record_steps
from dispatch.journal import CallStep
from foundation.database import Database
from foundation.events import Happened
from foundation.numbers import NumberPlan
from tests.integration.dispatch_support import COMMUNITY, Town, press, steps

UNKNOWN = steps("n-9", ("arrived", 0, {"to": "81891", "from": "88889999", "raw": "88889999", "kind": "emergency"}))


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    opened = Town(database)
    yield opened
    opened.writer.close()


@pytest.fixture
def live(town: Town) -> Live:
    settings = ConsoleSettings(secret="s" * 32)
    return Live(town.database, Pages(settings, town.clock, NumberPlan()))


def cards_of(town: Town, live: Live, told: list[CallStep], *, seen: bool = True) -> list[dict[str, dict[str, Any]]]:
    """The cards after these steps; without `seen` all that they say is read."""
    town.happened.clear()
    town.call(record_steps, told)
    heard: list[Happened] = town.happened
    cards = live.alarm_cards(heard if seen else [dataclasses.replace(h, seen=None) for h in heard])
    return [card.told for card in cards]


@pytest.mark.parametrize("told", [press("n-1"), UNKNOWN], ids=["a home", "an unknown line"])
def test_the_card_of_a_new_alarm_is_the_one_that_would_be_read(town: Town, live: Live, told: list[CallStep]) -> None:
    shown = cards_of(town, live, told)
    read = live.alarm_cards([dataclasses.replace(h, seen=None) for h in town.happened])
    assert shown == [card.told for card in read]
    assert [card.place for card in read] == ["" if told == UNKNOWN else COMMUNITY]
    assert len(shown) == 1
    assert ("张爷爷" if told != UNKNOWN else "不认识的线路") in shown[0]["zh_CN"]["html"]


def test_the_card_of_a_new_alarm_needs_no_reading(town: Town, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> None:
        raise AssertionError("a person waits for this card: everything on it was known")

    monkeypatch.setattr(town.database, "read", read)
    assert "示范路 7 号" in cards_of(town, live, press("n-1"))[0]["zh_CN"]["html"]


def test_an_alarm_that_was_taken_in_the_same_moment_is_shown_as_taken(town: Town, live: Live) -> None:
    told = press("n-1", ("tried", 1, {"who": "seat-op1", "by": "queue"}), ("took", 2, {"who": "seat-op1"}))
    (card,) = cards_of(town, live, told)
    assert card["zh_CN"]["taken"]


def test_whom_the_ladder_rings_already_stands_on_the_card_by_name(town: Town, live: Live) -> None:
    (card,) = cards_of(town, live, press("n-1", ("tried", 1, {"who": "duty-3", "by": "dialplan"})))
    assert "值班" in card["zh_CN"]["html"]


def test_a_second_press_changes_the_card_that_stands_there(town: Town, live: Live) -> None:
    first, second = cards_of(town, live, press("n-1")), cards_of(town, live, press("n-2"))
    assert first[0]["zh_CN"]["id"] == second[0]["zh_CN"]["id"]
    assert "第 2 次按下" in second[0]["zh_CN"]["html"]


def test_the_open_alarm_of_a_household_is_found_by_its_index(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.read() as session:
        asked = str(_OPEN_ALARM.compile(database.read_engine))
        plan = session.execute(text("EXPLAIN QUERY PLAN " + asked.replace("?", ":household")), {"household": "home:7"})
        assert "uq_tickets_open_alarm" in " ".join(str(row) for row in plan)
    database.dispose()
