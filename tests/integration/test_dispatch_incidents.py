"""Mass incidents: who calls about it hears it, joins its ticket, and is told when it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from dispatch import arrivals, dispositions, incidents, tellings
from dispatch.errors import BadInput, TicketNotOpen
from dispatch.incident_tables import MassIncident
from dispatch.tables import Arrival, ArrivalTicket, CallBack
from foundation.database import Database
from foundation.numbers import NumberPlan
from tests.integration.dispatch_support import COMMUNITY, START, Town, steps

NEIGHBOUR = "+8657487000001"
"""Lives in `COMMUNITY`, 示范路 7 号."""
ZH, EN = "示范路一带自来水管爆裂，正在抢修，预计今天下午六点恢复供水。", "A water main has burst; water is back by six."
OVER_ZH, OVER_EN = "示范路一带已恢复供水。", "The water is back."


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def opened(town: Town, *areas: str) -> int:
    return int(town.call(incidents.open_incident, "示范路停水", ZH, EN, areas, actor="user:ban"))


def calls(town: Town, call_id: str, caller: str, *said: str, answered: bool = False) -> int:
    """Somebody calls, hears of the incident, presses what `said` says, and hangs up; the arrival."""
    told = steps(
        call_id,
        ("arrived", 0, {"to": "81890", "from": caller, "kind": "service"}),
        *[("said", 5.0 + n, {"flow": "incident", "step": "x", "answer": answer}) for n, answer in enumerate(said)],
        *([("queued", 9.0, {"queue": "service"}), ("answered", 10.0, {"who": "seat-op1"})] if answered else []),
        ("ended", 20, {"cause": "16"}),
    )
    return int(town.call(arrivals.record_steps, told).new[0])


def arrival(town: Town, arrival_id: int) -> Arrival:
    with town.database.read() as session:
        return session.get_one(Arrival, arrival_id)


def told(town: Town, number: str, subject: str = "", language: tellings.Language = "zh") -> list[str] | None:
    with town.database.read() as session:
        asker = tellings.Asker(number, subject, language, town.clock.now(), NumberPlan())
        return tellings.tell(session, "incident", asker)


def test_only_callers_from_its_area_hear_it_and_only_while_it_is_open(town: Town) -> None:
    assert told(town, NEIGHBOUR) == []
    incident = opened(town, COMMUNITY)
    assert told(town, NEIGHBOUR) == [ZH]
    assert told(town, NEIGHBOUR, language="en") == [EN]
    assert told(town, "+8613800000999") == [], "nobody knows where this one lives"
    town.call(incidents.end_incident, incident, OVER_ZH, OVER_EN)
    assert told(town, NEIGHBOUR) == []


def test_what_holds_everywhere_is_told_to_everybody_and_the_newest_first(town: Town) -> None:
    opened(town)
    assert told(town, "+8613800000999") == [ZH]
    town.clock.at = town.clock.at.replace(minute=5)
    newer = town.call(incidents.open_incident, "停电", "全市部分地区停电。", "A power cut.", (), actor="user:ban")
    assert told(town, NEIGHBOUR) == ["全市部分地区停电。"]
    with town.database.read() as session:
        assert incidents.open_count(session) == 2
        assert session.get_one(MassIncident, newer).ended_at is None


def test_who_heard_it_and_hung_up_is_informed_and_who_pressed_1_leaves_his_address(town: Town) -> None:
    incident = opened(town)
    town.clock.at = town.clock.at.replace(minute=5)
    informed = calls(town, "node1-1.1", "13800000998", "informed")
    affected = calls(town, "node1-1.2", "87000001", "informed", "affected")
    served = calls(town, "node1-1.3", "13800000997", "informed", answered=True)
    assert [arrival(town, a).disposition for a in (informed, affected, served)] == ["ticket", "ticket", None]
    assert town.rows(select(CallBack)) == [], "an informed caller is owed no call back"
    (shown,) = town.call(lambda w: incidents.shown(w.session))
    assert (shown.incident.id, shown.callers, shown.affected) == (incident, 2, 1)
    joined = town.rows(select(ArrivalTicket.arrival_id).where(ArrivalTicket.ticket_id == shown.ticket.id))
    assert sorted(joined) == [informed, affected]
    left = [h.detail.get("address") for h in town.happened if h.kind == "incident.affected"]
    assert left == ["示范路 7 号"]
    town.call(dispositions.dispose, served, "test", "试")


def test_all_who_joined_are_told_once_when_it_ends(town: Town) -> None:
    incident = opened(town)
    town.clock.at = town.clock.at.replace(minute=5)
    for place in range(3):
        calls(town, f"node1-1.{place}", "13800000101", "informed")
    calls(town, "node1-2.1", "87654321", "informed")
    calls(town, "node1-2.2", "anonymous", "informed")
    town.call(incidents.end_incident, incident, OVER_ZH, OVER_EN)
    town.forward(seconds=5)
    assert [(m.recipient, m.params["text"]) for m in town.pump("sms")] == [("+8613800000101", OVER_ZH)]
    (call,) = town.pump("call")
    assert (call.kind, call.params["number"]) == ("notice_call", "87654321")
    assert told(town, "", subject=str(call.params["subject"])) == [OVER_ZH]
    town.forward(hours=2)
    assert town.pump("sms") + town.pump("call") == []


def test_many_are_told_in_chunks_and_none_is_left_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "AT_ONCE", 2)
    incident = opened(town)
    town.clock.at = town.clock.at.replace(minute=5)
    for place in range(7):
        calls(town, f"node1-1.{place}", f"1380000090{place % 6}", "informed")
    town.call(incidents.end_incident, incident, OVER_ZH, OVER_EN)
    town.forward(seconds=30)
    assert sorted(m.recipient for m in town.pump("sms")) == [f"+861380000090{n}" for n in range(6)]


def test_an_incident_ends_once_and_closes_its_ticket(town: Town) -> None:
    incident = opened(town)
    (shown,) = town.call(lambda w: incidents.shown(w.session))
    assert town.ticket(shown.ticket.id).state == "handling"
    town.call(incidents.end_incident, incident, OVER_ZH, OVER_EN)
    assert town.ticket(shown.ticket.id).outcome == "served"
    with pytest.raises(TicketNotOpen):
        town.call(incidents.end_incident, incident, OVER_ZH, OVER_EN)


@pytest.mark.parametrize(
    ("title", "zh", "en", "areas"),
    [
        ("", ZH, EN, ()),
        ("停水", "", EN, ()),
        ("停水", ZH, " ", ()),
        ("停水", ZH, EN, ("999999",)),
        ("停水", ZH, EN, ("%",)),
    ],
)
def test_an_incident_without_its_words_or_with_an_unknown_area_is_refused(
    town: Town, title: str, zh: str, en: str, areas: tuple[str, ...]
) -> None:
    with pytest.raises(BadInput):
        town.call(incidents.open_incident, title, zh, en, areas)
    assert town.rows(select(MassIncident)) == []


def test_an_open_incident_is_looked_at_each_hour(town: Town) -> None:
    opened(town)
    assert "fired:incident.review" in town.forward(hours=1, seconds=1)
    assert town.clock.at > START
