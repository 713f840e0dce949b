"""Bridge, rendered configuration and dialplan together: rights, event filter, names and steps as in the contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from callcenter.bridge import Bridge, BridgeCallbacks, BridgeSettings, HouseholdData, LinkState, SeatWish, Snapshot
from callcenter.exchange import Exchange
from callcenter.exchange.context import ami_secret
from dispatch.journal import CallStep
from tests.waiting import wait_until_async

pytestmark = pytest.mark.exchange


class Application:
    """Commits steps to a list."""

    def __init__(self) -> None:
        self.steps: list[CallStep] = []
        self.snapshots: list[Snapshot] = []
        self.wishes: dict[str, SeatWish] = {}

    async def on_steps(self, steps, urgent) -> None:
        assert all(isinstance(step, CallStep) for step in steps), steps
        self.steps += steps

    async def on_resync(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def household(self) -> HouseholdData:
        return HouseholdData(7, {"duty/count": "0", "line/87000001": "dedicated:home-7:H7"})

    async def seats(self) -> dict[str, SeatWish]:
        return self.wishes

    def of(self, kind: str) -> list[CallStep]:
        return [step for step in self.steps if step.kind == kind]


@asynccontextmanager
async def bridge(exchange: Exchange, app: Application) -> AsyncIterator[Bridge]:
    told = exchange.settings.exchange
    one = Bridge(
        BridgeSettings(
            told.bind,
            told.ami_port,
            told.ami_user,
            ami_secret(exchange.settings),
            spool=exchange.process.directories.spool,
        ),
        BridgeCallbacks(app.on_steps, app.on_resync, app.household, app.seats),
    )
    task = asyncio.create_task(one.run())
    try:
        await wait_until_async(lambda: one.state is LinkState.READY, 20, "the bridge is ready")
        yield one
    finally:
        one.close()
        await asyncio.wait({task})


async def test_the_bridges_user_may_do_all_that_the_bridge_does(exchange: Exchange):
    app = Application()
    app.wishes = {"op1": SeatWish(True, True, "break")}
    async with bridge(exchange, app) as one:
        await wait_until_async(lambda: one.household.agrees, 5, "the household data is there")
        assert await one.actions.db_get("line", "87000001") == "dedicated:home-7:H7"
        assert await one.actions.db_get("app", "household_version") == "7"
        assert await one.renew_lease(time.time())

        async def seat() -> object:
            for item in await one.actions.queue_status("service"):
                if item["event"] == "QueueMember":
                    return item["location"], item["paused"], item["pausedreason"]
            return None

        await wait_until_async(lambda: one.seats.counters.repaired, 5, "the seat is signed in")
        assert await seat() == ("PJSIP/op1", "1", "break")
        app.wishes = {}
        one.seats.reconcile_soon()

        async def gone() -> bool:
            return await seat() is None

        await wait_until_async(gone, 5, "the seat is signed out")
        assert one.metrics["seats_failures"] == 0
        assert one.metrics["household_failures"] == 0


async def test_a_press_is_told_step_by_step_and_its_call_is_among_the_living_until_it_ends(exchange: Exchange):
    app = Application()
    async with bridge(exchange, app) as one:
        headers = {"Channel": "Local/81891@from-trunk/n", "Application": "Wait", "Data": "60"}
        await one._link.request({"Action": "Originate", "Async": "true", **headers}, limit=5)
        await wait_until_async(lambda: app.of("queued"), 10, "the press waits")
        arrived, queued = app.of("arrived")[0], app.of("queued")[0]
        assert arrived["kind"] == "emergency"
        assert queued["queue"] == "emergency"
        assert abs(arrived.at.timestamp() - time.time()) < 10
        del app.snapshots[:]
        one.resync_soon()
        await wait_until_async(lambda: app.snapshots, 5, "a resync")
        assert arrived.call_id in app.snapshots[0].live_call_ids
        await one.actions.hangup(arrived["chan"])
        await wait_until_async(lambda: app.of("ended"), 10, "the end")
        assert app.of("ended")[0].call_id == arrived.call_id

        async def empty() -> bool:
            files = await asyncio.to_thread(lambda: list(exchange.process.directories.journal.iterdir()))
            return not files and not await one.actions.db_get_tree("journal")

        await wait_until_async(empty, 10, "the journal is empty")
        del app.snapshots[:]
        one.resync_soon()
        await wait_until_async(lambda: app.snapshots, 5, "a resync")
        assert arrived.call_id not in app.snapshots[0].live_call_ids
        assert one.metrics["protocol_failed"] == one.metrics["journal_malformed"] == 0
