"""A process that has lost a part says so and ends, whatever part it is; a slow one is left alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from callcenter import health
from callcenter.bridge.link import LinkState
from callcenter.bridge.settings import BridgeSettings
from callcenter.clock.ticks import Ticks
from callcenter.flows.room import FlowPlan
from callcenter.messaging.inbound import Inbound
from callcenter.recorder import RecordingPlan
from callcenter.service import Plan, Service
from callcenter.watchdog import Watchdog
from dispatch import deadlines
from dispatch.recordings import Keep
from dispatch.tables import StaffTask
from foundation import deadlines as due
from foundation import inbox
from foundation.calendar import WorkingTime
from foundation.clock import MovableClock, SystemClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import Deadline
from foundation.writer import Work, Writer
from ivr_flows.approvals import approve
from tests.unit.test_sound import tone, wav_of
from tests.waiting import wait_until, wait_until_async


def recording_plan(home: Path) -> RecordingPlan:
    return RecordingPlan(None, home / "recordings", Keep(timedelta(days=180), timedelta(days=1095)))


@pytest_asyncio.fixture
async def started(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Service, list[str]]]:
    """A service whose exchange is not there, and the reasons for which it wanted to end."""
    reasons: list[str] = []
    bridge = BridgeSettings(host="127.0.0.1", port=1, username="bridge", secret="none")
    flows = FlowPlan(tmp_path / "flows")
    service = Service(
        Plan(
            database_url,
            "node1",
            NumberPlan(),
            WorkingTime(),
            bridge,
            None,
            flows,
            tmp_path / "prompts",
            recording_plan(tmp_path),
        ),
        die=reasons.append,
    )
    service.start()
    yield service, reasons
    await service.stop()


async def test_a_process_without_its_bridge_ends(started: tuple[Service, list[str]]) -> None:
    service, reasons = started
    service.bridge.close()
    await wait_until_async(lambda: bool(reasons), 5, "the service wants to end")
    assert "bridge" in reasons[0]


async def test_a_process_without_a_pump_ends(started: tuple[Service, list[str]]) -> None:
    _, reasons = started
    next(task for task in asyncio.all_tasks() if task.get_name() == "call pump").cancel()
    await wait_until_async(lambda: bool(reasons), 5, "the service wants to end")
    assert "call pump" in reasons[0]


async def test_a_chore_that_hangs_holds_up_neither_ticks_nor_other_chores(database: Database) -> None:
    ran: list[str] = []

    async def hangs(_now: datetime) -> None:
        ran.append("hangs")
        await asyncio.Event().wait()

    async def works(_now: datetime) -> None:
        ran.append("works")

    async def alive(_epoch: int) -> None:
        ran.append("alive")

    clock = SystemClock()
    writer = Writer(database, clock)
    ticks = Ticks(database, writer, clock, fire=deadlines.fire, chores={"a": hangs, "b": works}, alive=alive)
    ticks.start()
    await wait_until_async(lambda: ran.count("alive") >= 2 and ran.count("works") >= 2, 10, "two ticks, two chores")
    ticks.stop()
    writer.close()
    assert ran.count("hangs") == 1


async def test_no_two_works_of_the_second_begin_at_the_same_moment(started: tuple[Service, list[str]]) -> None:
    service, _ = started
    moments = sorted(job.next_run_time.timestamp() % 1 for job in service.ticks._scheduler.get_jobs())
    apart = [(later - moment) % 1 for moment, later in zip(moments, [*moments[1:], moments[0]], strict=True)]
    assert len(moments) >= 8
    assert min(apart) > 0.5 / len(moments)


async def test_a_process_that_is_told_to_end_has_lost_nothing(sqlite_url: str, tmp_path: Path) -> None:
    reasons: list[str] = []
    bridge = BridgeSettings(host="127.0.0.1", port=1, username="bridge", secret="none")
    flows = FlowPlan(tmp_path / "flows")
    service = Service(
        Plan(
            sqlite_url,
            "node1",
            NumberPlan(),
            WorkingTime(),
            bridge,
            None,
            flows,
            tmp_path / "prompts",
            recording_plan(tmp_path),
        ),
        die=reasons.append,
    )
    service.start()
    await wait_until_async(lambda: service.ticks.ended > 0, 5, "the first tick")
    await service.stop()
    assert reasons == []


def test_ticks_that_hang_end_the_process_and_slow_ones_do_not() -> None:
    died: list[str] = []
    ticks = itertools.count()
    slow = Watchdog(lambda: next(ticks) // 3, died.append, patience=5, beat_s=0.001)
    slow.start()
    wait_until(lambda: next(ticks) > 300 or None, 5, "a hundred slow ticks")
    slow.stop()
    assert died == []
    hanging = Watchdog(lambda: 7, died.append, patience=5, beat_s=0.001)
    hanging.start()
    wait_until(lambda: died or None, 5, "the watchdog speaks")


async def test_a_text_that_cannot_be_dealt_with_comes_to_a_desk_with_its_words(database: Database) -> None:
    def breaks(_w: Work, _item: int) -> None:
        raise LookupError("a defect")

    clock = MovableClock()
    writer = Writer(database, clock)
    inbound = Inbound(database, writer, breaks)
    await inbound.receive("sandbox_sms", "1", "+8613900000001", "1 20")
    for _ in range(inbox.TRIES):
        clock.forward(minutes=5)
        await inbound.catch_up(("sandbox_sms",), clock.now())
    with database.read() as session:
        tasks = [(task.kind, task.text, task.number) for task in session.scalars(select(StaffTask))]
    writer.close()
    assert tasks == [("inbox_failed", "+8613900000001：1 20", "+8613900000001")]


async def test_a_deadline_that_always_fails_is_said_in_readiness(started: tuple[Service, list[str]]) -> None:
    service, _ = started

    def put(w: Work) -> None:
        row_id = due.put(w.session, "broken", "ticket:1", w.now + timedelta(hours=1), "why", w.now)
        w.session.get_one(Deadline, row_id).attempts = health.FAILING_AFTER

    await service.writer.run(put)
    assert any("deadlines fail" in problem for problem in (await health.look(service)).problems)


async def test_life_safety_prompts_without_an_approved_recording_are_warned_of_and_stop_nothing(
    started: tuple[Service, list[str]],
) -> None:
    service, _ = started
    found = await health.look(service)
    assert not any("life-safety" in problem for problem in found.problems)
    [warning] = found.warnings
    assert "calm (zh)" in warning
    assert "not approved human recordings" in warning
    before = found.figures["prompts_not_approved"]

    folder = service.plan.prompts
    (folder / "zh").mkdir(parents=True)
    (folder / "zh/calm.wav").write_bytes(wav_of(tone(2.0, loud=0.3)))
    approve(folder, "calm", "zh", "张小梅", datetime(2026, 11, 23, tzinfo=UTC))
    found = await health.look(service)
    assert "calm (zh)" not in found.warnings[0]
    assert found.figures["prompts_not_approved"] == before - 1
    assert f"callcenter_prompts_not_approved {before - 1}" in health.as_metrics(found)


async def test_an_alarm_of_the_exchange_ends_with_the_next_good_connection(
    started: tuple[Service, list[str]],
) -> None:
    service, _ = started
    service.bridge._callbacks.on_alarm("The exchange refuses our login")
    assert "The exchange refuses our login" in (await health.look(service)).problems
    service.bridge._state(LinkState.READY)
    assert "The exchange refuses our login" not in (await health.look(service)).problems


async def test_household_data_that_the_dialplan_cannot_take_is_said_until_it_is_mended(
    started: tuple[Service, list[str]],
) -> None:
    service, _ = started
    household = service.bridge.household
    service.bridge._link.state = LinkState.READY
    household._agreed_at = asyncio.get_running_loop().time()

    async def said() -> bool:
        return any("the dialplan cannot take" in problem for problem in (await health.look(service)).problems)

    household.counters.left_out = 2
    assert await said()
    household.counters.left_out = 0
    assert not await said()
