"""A surge over a real database: planned, pinned and vetoed, let run, answered, planned again, ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from callcenter.surge_desk import AGAIN_AFTER, SurgeDesk, compute
from dispatch import service_requests, surge_plans, surge_reading
from dispatch.errors import PlanStands
from dispatch.surge_tables import SurgePlan, SurgeRow
from dispatch.tables import Offer
from foundation.database import Database
from foundation.writer import Work
from providers.registry import NewProvider, add_provider
from providers.tables import Provider
from tests.integration.dispatch_support import COMMUNITY, Town

TAP = "0302"


class Surge:
    """The town in a surge: its desk, and words for what happens."""

    def __init__(self, database: Database) -> None:
        self.town = Town(database)
        self.desk = SurgeDesk(database, self.town.writer, compute)

    def waits(self, many: int, item: str = TAP) -> list[int]:
        """So many residents register a dripping tap; nobody is asked yet."""
        return [int(self.town.call(service_requests.open_request, _request(n, item))) for n in range(many)]

    def look(self, **forward: float) -> None:
        """The clock moves on, and the desk looks."""
        if forward:
            self.town.forward(**forward)
        self.desk.step(self.town.clock.at)

    def plan(self) -> SurgePlan:
        with self.town.database.read() as session:
            return session.scalars(select(SurgePlan).order_by(SurgePlan.id.desc())).first() or pytest.fail("no plan")

    def rows(self, state: str | None = None) -> list[SurgeRow]:
        plan = self.plan()
        told = select(SurgeRow).where(SurgeRow.plan_id == plan.id).order_by(SurgeRow.at_door, SurgeRow.id)
        return [row for row in self.town.rows(told) if state is None or row.state == state]


def _request(n: int, item: str) -> service_requests.NewRequest:
    return service_requests.NewRequest(
        item=item, summary="水龙头漏水", caller=f"138{n:08}", community=COMMUNITY, address=f"示范路 {n} 号"
    )


@pytest.fixture
def surge(database: Database) -> Iterator[Surge]:
    made = Surge(database)
    yield made
    made.town.check_laws()
    made.town.writer.close()


def test_a_surge_is_planned_looked_at_run_and_ended(surge: Surge) -> None:
    waiting = surge.waits(12)
    surge.town.call(surge_plans.open_plan, actor="user:chen")
    surge.look()
    plan = surge.plan()
    assert (plan.state, plan.version) == ("ready", 1)
    assert plan.figures["waiting"] == 12
    assert plan.figures["at_once"] == 9  # three plumbers with three teams each
    assert plan.figures["bound"] <= plan.figures["planned"]["cost"] <= plan.figures["nearest"]["cost"]
    assert sorted(row.ticket_id for row in surge.rows("planned")) == waiting
    assert surge.town.rows(select(Offer.id)) == []  # nothing goes out before somebody lets it run
    surge.town.call(surge_plans.start, actor="user:chen")
    surge.look()
    assert len(surge.rows("offered")) == 9  # as many as there are free places, and no more
    assert {offer.mode for offer in surge.town.rows(select(Offer))} == {"planned"}
    for row in surge.rows("offered"):
        offer = surge.town.offers(row.ticket_id)[0]
        surge.town.sms(offer.phone, f"{offer.code} 1 20")
    surge.look(seconds=1)
    assert len(surge.rows("planned")) == 3
    surge.town.call(_free_everybody)
    surge.look(seconds=1)
    assert len(surge.rows("offered")) == 12
    for row in surge.rows("offered")[9:]:
        offer = surge.town.offers(row.ticket_id)[0]
        surge.town.sms(offer.phone, f"{offer.code} 1 20")
    surge.look(seconds=1)
    assert surge.plan().state == "ended"


def test_a_no_is_planned_again_and_nobody_is_asked_twice(surge: Surge) -> None:
    (ticket,) = surge.waits(1)
    surge.town.call(surge_plans.open_plan)
    surge.look()
    surge.town.call(surge_plans.start)
    surge.look()
    asked = []
    for _ in range(3):
        offer = surge.town.offers(ticket)[-1]
        assert offer.state == "offered"
        asked.append(offer.provider_id)
        surge.town.sms(offer.phone, "2")
        assert surge.town.ticket(ticket).state == "offered"  # the plan, and not the next in the list, has it now
        surge.look(seconds=1)
        surge.look(seconds=AGAIN_AFTER.total_seconds())
    assert len(set(asked)) == 3
    assert surge.plan().figures["unserved"] == [ticket]
    assert surge.plan().state == "ended"  # nobody is left, so the plan has nothing to do
    surge.town.forward(minutes=16)
    assert surge.town.ticket(ticket).state == "escalated"  # and the request is not forgotten


def test_pins_and_vetoes_are_kept(surge: Surge) -> None:
    waiting = surge.waits(6)
    surge.town.call(surge_plans.open_plan)
    surge.look()
    first, second = surge.rows()[0], surge.rows()[1]
    others = [id_ for id_ in surge.town.rows(select(Provider.id)) if id_ != first.provider_id]
    surge.town.call(surge_plans.choose, first.ticket_id, others[0], "pin")
    surge.town.call(surge_plans.choose, second.ticket_id, second.provider_id, "veto")
    surge.look(seconds=AGAIN_AFTER.total_seconds())
    now = {row.ticket_id: row.provider_id for row in surge.rows("planned")}
    assert sorted(now) == waiting
    assert now[first.ticket_id] == others[0]
    assert now[second.ticket_id] != second.provider_id
    surge.town.call(surge_plans.unchoose, first.ticket_id, others[0])
    surge.look(seconds=AGAIN_AFTER.total_seconds())
    assert surge.plan().version == 3


def test_a_pair_vetoed_after_the_planning_is_not_carried_out(surge: Surge) -> None:
    surge.waits(2)
    surge.town.call(surge_plans.open_plan)
    surge.look()
    row = surge.rows()[0]
    surge.town.call(surge_plans.start)
    surge.town.call(surge_plans.choose, row.ticket_id, row.provider_id, "veto")
    assert surge.town.call(surge_plans.carry_out, row.id) == "untrue"
    assert surge.town.offers(row.ticket_id) == []


@pytest.mark.parametrize("change", ["cancelled", "taken", "suspended", "full", "replanned", "not started"])
def test_a_row_that_has_become_untrue_is_never_carried_out(surge: Surge, change: str) -> None:
    surge.waits(4)
    surge.town.call(surge_plans.open_plan)
    surge.look()
    row = surge.rows()[0]
    if change != "not started":
        surge.town.call(surge_plans.start)
    if change == "cancelled":
        surge.town.call(service_requests.cancel, row.ticket_id, "不需要了")
    elif change == "taken":
        surge.town.call(service_requests.begin_offers, row.ticket_id)
    elif change in ("suspended", "full"):
        surge.town.call(_set, row.provider_id, {"suspended": {"state": "suspended"}, "full": {"capacity": 0}}[change])
    elif change == "replanned":
        surge.waits(1)
        with surge.town.database.read() as session:
            snapshot = surge_reading.snapshot(session, surge.town.clock.at)
        assert surge.town.call(surge_plans.turn, snapshot, *compute(snapshot), 0.0)
    before = len(surge.town.offers(row.ticket_id))
    told = surge.town.call(surge_plans.carry_out, row.id)
    assert told == ("moved" if change in ("replanned", "not started") else "untrue")
    assert len(surge.town.offers(row.ticket_id)) == before


def test_a_planning_that_another_overtook_counts_for_nothing(surge: Surge) -> None:
    surge.waits(3)
    surge.town.call(surge_plans.open_plan)
    with surge.town.database.read() as session:
        snapshot = surge_reading.snapshot(session, surge.town.clock.at)
    found, pressure = compute(snapshot)
    assert surge.town.call(surge_plans.turn, snapshot, found, pressure, 0.1)
    assert not surge.town.call(surge_plans.turn, snapshot, found, pressure, 0.1)
    assert surge.plan().version == 1


def test_own_teams_are_assigned_without_a_question(surge: Surge) -> None:
    own = NewProvider(name="社区维修队", items={"0303": None}, prefixes=["330203"], phones=["13900000077"], kind="desk")
    team = surge.town.call(add_provider, own)
    (ticket,) = surge.waits(1, "0303")
    surge.town.call(surge_plans.open_plan)
    surge.look()
    surge.town.call(surge_plans.start)
    surge.look()
    assert [row.state for row in surge.rows()] == ["assigned"]
    held = surge.town.ticket(ticket)
    assert (held.state, held.assigned_provider_id) == ("accepted", team)
    assert "offer" not in [message.template for message in surge.town.pump()]  # it was not asked, only told


def test_what_was_planned_and_not_asked_for_is_offered_alone_after_the_end(surge: Surge) -> None:
    waiting = surge.waits(12)
    surge.town.call(surge_plans.open_plan)
    surge.look()
    surge.town.call(surge_plans.start)
    surge.look()
    surge.town.call(surge_plans.end, "暴雨已停")
    surge.look()
    assert all(surge.town.ticket(one).state in ("offered", "escalated") for one in waiting)
    assert surge.rows("planned") == []


def test_there_is_one_plan_at_a_time_and_each_step_needs_the_one_before(surge: Surge) -> None:
    for command, told in ((surge_plans.start, ()), (surge_plans.end, ("x",)), (surge_plans.choose, (1, 1, "pin"))):
        with pytest.raises(PlanStands):
            surge.town.call(command, *told)
    surge.town.call(surge_plans.open_plan)
    with pytest.raises(PlanStands):
        surge.town.call(surge_plans.open_plan)
    with pytest.raises(PlanStands):
        surge.town.call(surge_plans.start)  # not planned yet
    surge.town.call(surge_plans.end, "误开")
    surge.town.call(surge_plans.open_plan)


def test_a_large_plan_is_stored_in_parts_that_count_only_together(
    surge: Surge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surge_plans, "ROWS_AT_ONCE", 7)
    surge.waits(20)
    surge.town.call(surge_plans.open_plan)
    with surge.town.database.read() as session:
        snapshot = surge_reading.snapshot(session, surge.town.clock.at)
    found, _pressure = compute(snapshot)
    surge.town.call(surge_plans.store, snapshot.plan_id, 1, snapshot, found.visits[:7])  # and then the process dies
    with surge.town.database.read() as session:
        assert surge_reading.due_rows(session, surge.plan(), 50) == []
    surge.look()
    assert surge.plan().version == 1
    assert len(surge.rows("planned")) == 20


def _set(w: Work, provider_id: int, values: dict[str, object]) -> None:
    w.session.execute(update(Provider).where(Provider.id == provider_id).values(**values))


def _free_everybody(w: Work) -> None:
    """Every provider has room again."""
    w.session.execute(update(Provider).values(capacity=20))
