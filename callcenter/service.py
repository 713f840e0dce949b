"""One application process: every room made, and wired to the others.

exchange --journal--> bridge --> intake --> writer --> dispatch --> outbox --> pumps --> sandbox, bridge
                         ^                    |
                         +-- lease, household, seats       console, town (pages)
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from callcenter.bridge.actions import Leg
from callcenter.bridge.asking import Ask
from callcenter.bridge.bridge import Bridge, BridgeCallbacks, Originated
from callcenter.bridge.calls import Snapshot
from callcenter.bridge.errors import ActionRefusedError, ActionTimeoutError, BridgeError
from callcenter.bridge.household import HouseholdData
from callcenter.bridge.link import LinkState
from callcenter.bridge.seats import SeatWish
from callcenter.bridge.settings import BridgeSettings
from callcenter.clock.ticks import Ticks
from callcenter.desk import desk_of
from callcenter.files.room import ImportRoom
from callcenter.flows.room import FlowPlan, FlowRoom
from callcenter.intake.calls import CallIntake
from callcenter.messaging import sandbox
from callcenter.messaging.gateways import GatewayError, Outgoing
from callcenter.messaging.inbound import Inbound
from callcenter.messaging.pump import Pump, sweep
from callcenter.messaging.sandbox import SandboxGateway, SandboxHandsets
from callcenter.messaging.templates import render
from callcenter.messaging.voice import VoiceGateway
from callcenter.provider_keeper import ProviderKeeper
from callcenter.recorder import Recorder, RecordingPlan
from callcenter.surge_desk import SurgeDesk
from callcenter.watchdog import Watchdog, end_process
from dispatch import (
    archive,
    arrivals,
    call_backs,
    deadlines,
    incidents,
    messages,
    replies,
    ring_backs,
    sendings,
    staff,
    truth,
)
from dispatch.tables import DutyPhone
from foundation.calendar import WorkingTime
from foundation.clock import Clock, MovableClock, SystemClock
from foundation.database import Database
from foundation.events import Happened
from foundation.numbers import NumberPlan
from foundation.writer import Priority, Writer
from residents import household
from residents import queries as residents

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a process needs to know to run, as plain values: made from the settings by `app.py`.

    `movable_clock` is the file that keeps how far the town has moved the clock; None: it is the machine's own clock.
    """

    database_url: str
    node: str
    numbers: NumberPlan
    calendar: WorkingTime
    bridge: BridgeSettings
    movable_clock: Path | None
    flows: FlowPlan
    # The site's recordings and texts of prompts.
    prompts: Path
    recording: RecordingPlan


REMEMBER_RUNG_BACK_S = 86_400
"""An application that was dead for longer than a day finds its calls back out of date anyway."""


class Service:
    """Every room of one process. Make it in the running loop, `start()`, and `stop()` in the end."""

    def __init__(self, plan: Plan, die: Callable[[str], None] = end_process) -> None:
        """`die` is told why this process is of no use any more."""
        self.plan = plan
        self._die = die
        self.database = Database(plan.database_url)
        self.movable_clock = MovableClock(plan.movable_clock) if plan.movable_clock else None
        self.clock: Clock = self.movable_clock or SystemClock()
        self.writer = Writer(self.database, self.clock, plan.calendar)
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._incidents_told: int | None = None
        self._intake = CallIntake(self.writer, partial(arrivals.record_steps, plan=plan.numbers))
        self.inbound = Inbound(self.database, self.writer, partial(replies.handle_sms, plan=plan.numbers))
        self.handsets = SandboxHandsets(self.database, self.inbound.receive, partial(secrets.token_hex, 12))
        self.alarms: dict[str, str] = {}
        self.bridge = Bridge(
            plan.bridge,
            BridgeCallbacks(
                on_steps=self._intake.take,
                on_resync=self._take_resync,
                desired_household=self._desired_household,
                desired_seats=self._desired_seats,
                on_originated=self._note_originated,
                on_ask=self._hear_question,
                on_alarm=self._note_alarm,
                on_state=self._note_state,
            ),
        )
        self.flows = FlowRoom(
            plan.flows, plan.node, plan.numbers, self.bridge.actions, self.database, self.writer, self.clock,
            is_ready=lambda: self.bridge.state is LinkState.READY, on_alarm=self._note_alarm,
        )  # fmt: skip
        self.recorder = Recorder(plan.recording, self.database, self.writer)
        self.provider_keeper = ProviderKeeper(self.database, self.writer)
        self.surge = SurgeDesk(self.database, self.writer)
        self.imports = ImportRoom(self.database, self.writer, self.clock, plan.numbers)
        voice = VoiceGateway(
            {
                messages.LEG.name: self._make_leg,
                messages.RING_BACK.name: self._make_ring_back,
                messages.CALL_BACK.name: self._make_call_back,
                messages.NOTICE_CALL.name: self._make_notice,
                messages.OFFER_CALL.name: self._make_offer_call,
                messages.RECORDING.name: self._mute_recording,
            }
        )
        pump = partial(
            Pump,
            writer=self.writer,
            clock=self.clock,
            text=render,
            untrue=truth.untrue,
            sent=sendings.was_sent,
            failed=sendings.has_failed,
        )
        self.pumps = {"sms": pump("sms", SandboxGateway()), "call": pump("call", voice)}
        self.ticks = Ticks(
            self.database,
            self.writer,
            self.clock,
            fire=partial(deadlines.fire, plan=plan.numbers),
            chores={
                "sweep": lambda _now: self.writer.run(sweep, messages.KINDS, sendings.has_failed, actor="clock"),
                "inbox": lambda now: self.inbound.catch_up((sandbox.SOURCE,), now),
                "household": lambda _now: self._notice_household(),
                "call backs": self._call_back,
                "recordings": self.recorder.look,
                "providers": self.provider_keeper.look,
                "archive": self._archive,
                "incidents": lambda _now: self._tell_exchange_of_incidents(),
                "flows": self.flows.notice,
                "imports": self.imports.look,
                "surge": self.surge.look,
            },
            alive=self.bridge.renew_lease,
        )
        self._watchdog = Watchdog(lambda: self.ticks.ended, die)
        self.writer.on_commit(self._committed)
        self.writer.on_commit(self.provider_keeper.hear)
        self.writer.on_queued(self._queued)

    def start(self) -> None:
        """Begin to work: the bridge, the pumps and the ticks."""
        self._tasks = [asyncio.create_task(self.bridge.run(), name="bridge")]
        self._tasks.append(asyncio.create_task(self.flows.run(), name="flows"))
        self._tasks += [asyncio.create_task(pump.run(), name=f"{name} pump") for name, pump in self.pumps.items()]
        for task in self._tasks:
            task.add_done_callback(self._part_ended)
        self.ticks.start()
        self._watchdog.start()

    async def stop(self) -> None:
        """Take nothing more, finish what was begun, and close."""
        self._stopping = True
        self._watchdog.stop()
        self.ticks.stop()
        self.bridge.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.imports.stop)
        await asyncio.to_thread(self.surge.stop)
        await asyncio.to_thread(self.writer.close)
        self.database.dispose()

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        """No part ends by itself. One that does would leave a process that looks alive and serves nobody."""
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        self._die(f"the {task.get_name()} has ended: {error!r}")

    # --- what a commit sets in motion -------------------------------------------------------------

    def _committed(self, happened: list[Happened]) -> None:
        kinds = {h.kind.split(".", 1)[0] for h in happened}
        self._loop.call_soon_threadsafe(self._wake, kinds)

    def _queued(self, channels: set[str]) -> None:
        for channel in channels & self.pumps.keys():
            self._loop.call_soon_threadsafe(self.pumps[channel].wake)

    def _wake(self, kinds: set[str]) -> None:
        if kinds & {"seat", "break"}:
            self.bridge.seats.reconcile_soon()
        if kinds & {"household", "device", "contact", "home", "duty"}:
            self.bridge.household.compare_soon()
        if "flows" in kinds:
            self.flows.keeper.look_soon()

    # --- what the bridge asks and tells -----------------------------------------------------------

    async def _take_resync(self, snapshot: Snapshot) -> None:
        await self.writer.run(
            arrivals.end_unknown,
            self.plan.node,
            snapshot.live_call_ids,
            datetime.fromtimestamp(snapshot.taken_at, UTC),
            self.plan.numbers,
            priority=Priority.EMERGENCY,
            actor="exchange",
        )
        await self.bridge.actions.forget_rung_back(snapshot.taken_at - REMEMBER_RUNG_BACK_S)

    async def _desired_household(self) -> HouseholdData:
        return await asyncio.to_thread(self._read_household)

    def _read_household(self) -> HouseholdData:
        with self.database.read() as session:
            data = residents.load_household(session)
            rota = session.execute(select(DutyPhone.id, DutyPhone.number, DutyPhone.ring_seconds))
            duty = [household.DutyPhone(*phone) for phone in rota]
        keys = household.desired_keys(data.homes, data.devices, data.contacts, duty, self.plan.numbers)
        return HouseholdData(data.version, keys)

    async def _notice_household(self) -> None:
        """Homes may be changed by another process, whose commits nobody tells us of: it has raised the version."""
        if await asyncio.to_thread(self._household_version) != self.bridge.household.counters.version:
            self.bridge.household.compare_soon()

    def _household_version(self) -> int:
        with self.database.read() as session:
            return residents.household_version(session)

    async def _tell_exchange_of_incidents(self) -> None:
        """The exchange knows how many are open, so that a call asks about them only when there is one."""
        if self.bridge.state is not LinkState.READY:
            return
        count = await asyncio.to_thread(self._open_incidents)
        if count != self._incidents_told:
            await self.bridge.actions.db_put("app", "incidents", str(count))
            self._incidents_told = count

    def _open_incidents(self) -> int:
        with self.database.read() as session:
            return incidents.open_count(session)

    async def _desired_seats(self) -> dict[str, SeatWish]:
        return await asyncio.to_thread(self._read_seats)

    def _read_seats(self) -> dict[str, SeatWish]:
        with self.database.read() as session:
            return {
                seat.name: SeatWish(seat.signed_in, seat.paused, seat.reason) for seat in staff.desired_seats(session)
            }

    def _hear_question(self, ask: Ask) -> None:
        self.flows.hear(ask)

    def _note_alarm(self, text: str) -> None:
        log.error("the exchange needs a person: %s", text)
        self.alarms["bridge"] = text

    def _note_state(self, state: LinkState) -> None:
        """A new connection begins without the old one's alarms; what is still wrong is found and said again."""
        if state is LinkState.READY:
            self.alarms.clear()
            self._incidents_told = None
            self.flows.keeper.look_soon()

    # --- calls that we make -----------------------------------------------------------------------

    def _note_originated(self, call: Originated) -> None:
        """A call back that has failed is known to have failed now, not only when its minute is over."""
        if call.called_back and not call.success:
            reason = "it rang, nobody answered" if call.reason == "3" else "busy, switched off or out of reach"
            failed = call_backs.failed if call_backs.CALL_ID.fullmatch(call.called_back) else ring_backs.failed
            noted = self.writer.submit(failed, Priority.EMERGENCY, "exchange", call.called_back, reason)
            noted.add_done_callback(partial(_say_failure, f"that the call back {call.called_back} failed"))

    async def _make_leg(self, message: Outgoing) -> str:
        p = message.params
        leg = Leg(
            call_id=str(p["call"]),
            channel=str(p["chan"]),
            who=str(p["who"]),
            number=str(p["number"]),
            ring_seconds=int(str(p["ring"])),
            epoch=message.outbox_id,
        )
        return await self._calling(self.bridge.actions.originate_leg(leg))

    async def _make_ring_back(self, message: Outgoing) -> str:
        p = message.params
        call = self.bridge.actions.originate_ring_back(str(p["alarm"]), int(str(p["attempt"])), str(p["number"]))
        return await self._calling(call)

    async def _make_call_back(self, message: Outgoing) -> str:
        p = message.params
        call = self.bridge.actions.originate_flow(
            str(p["call"]), "call_back", str(p["number"]), came=int(str(p["came"]))
        )
        return await self._calling(call)

    async def _make_notice(self, message: Outgoing) -> str:
        p = message.params
        call = self.bridge.actions.originate_flow(
            str(p["call"]), "incident_over", str(p["number"]), subject=str(p["subject"])
        )
        return await self._calling(call)

    async def _make_offer_call(self, message: Outgoing) -> str:
        p = message.params
        number = self.plan.numbers.dial(str(p["number"]))
        call = self.bridge.actions.originate_flow(str(p["call"]), "offer", number, subject=str(p["subject"]))
        return await self._calling(call)

    async def _mute_recording(self, message: Outgoing) -> str:
        p = message.params
        channel = self.bridge.calls.channels.get(str(p["call"]))
        if channel is None:
            raise GatewayError(f"the call {p['call']} is over, there is nothing to pause", permanent=True)
        return await self._calling(self._muted(channel.name, bool(p["paused"]), message.outbox_id))

    async def _muted(self, channel: str, muted: bool, message_id: int) -> str:
        await self.bridge.actions.mute_recording(channel, muted=muted)
        return f"mute-{message_id}"  # each attempt has a name of its own, and a call may be paused twice

    async def _call_back(self, now: datetime) -> None:
        """Call back whom we did not serve, as far as the desk has time for it."""
        if self.bridge.state is not LinkState.READY or not await asyncio.to_thread(self._owes_a_call, now):
            return
        desk = desk_of(await self.bridge.actions.queue_status("service"), time.time())
        if desk.signed_in:
            await self.writer.run(call_backs.make_next, desk, self.plan.numbers, actor="clock")

    def _owes_a_call(self, now: datetime) -> bool:
        with self.database.read() as session:
            return call_backs.anyone_wanted(session, now)

    async def _archive(self, now: datetime) -> None:
        """Tickets whose time to be reopened is over, a few each second."""
        if await asyncio.to_thread(self._archivable, now):
            await self.writer.run(archive.archive_due, priority=Priority.BULK, actor="clock")

    def _archivable(self, now: datetime) -> bool:
        with self.database.read() as session:
            return archive.any_due(session, now)

    async def _calling(self, call: Awaitable[str]) -> str:
        try:
            return await call
        except ActionTimeoutError as error:
            raise TimeoutError(str(error)) from error  # nobody knows: the kind's own promise settles it
        except ActionRefusedError as error:
            raise GatewayError(f"the exchange refuses the call: {error}", permanent=True) from error
        except BridgeError as error:
            raise GatewayError(f"the exchange cannot be asked now: {error}", permanent=False) from error


def _say_failure(what: str, noted: Future[None]) -> None:
    if error := noted.exception():
        log.error("it could not be written down %s; its deadline will: %r", what, error)
