"""The bridge as the application sees it: one exchange node, its calls, its journal, and what we ask of it.

exchange --AMI--> Link --events--> Consumer --+--> Calls
                   ^                          +--> JournalReader (on_steps) --> file and key deleted
                   |                          +--> Seats, on_originated
                   +---- Actions <---- Household, Seats, Lease, the alarm's driver
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from callcenter.bridge.actions import Actions
from callcenter.bridge.asking import Ask, ask_of
from callcenter.bridge.calls import WANTED, Calls, Snapshot, snapshot_of, with_live
from callcenter.bridge.consumer import Consumer
from callcenter.bridge.events import AmiEvent
from callcenter.bridge.household import Household, HouseholdData
from callcenter.bridge.journal import JournalReader, OnSteps
from callcenter.bridge.lease import Lease
from callcenter.bridge.link import Link, LinkState
from callcenter.bridge.seats import Seats, SeatWish
from callcenter.bridge.settings import BridgeSettings

log = logging.getLogger(__name__)

_WANTED = frozenset(
    name.encode() for name in (*WANTED, "UserEvent", "OriginateResponse", "FullyBooted", "Reload", "Shutdown")
)


@dataclass(frozen=True, slots=True)
class Originated:
    """How a call of ours began. Match by `action_id`: a refused double carries the live call's `unique_id`.

    `reason` is 3 when it rang and nobody answered. For busy, refused and unreachable alike it is 0 (measured).
    """

    action_id: str
    success: bool
    reason: str
    unique_id: str
    called_back: str
    """The ring-back that was asked for by that action, empty for any other call."""


@dataclass(frozen=True, slots=True)
class BridgeCallbacks:
    """What the application does with what the exchange tells.

    The plain functions are called in the event path: they must not block, and an exception in one is counted and
    logged, never fatal. The coroutines run beside it.
    """

    on_steps: OnSteps
    """Commit these steps; return only then. See `journal` for the order and for what an exception means."""
    on_resync: Callable[[Snapshot], Awaitable[None]]
    """The whole picture, after the steps heard before it are committed: end what is not in `live_call_ids`.

    It comes after each connection and again with every audit, so it must do no harm when told twice.
    """
    desired_household: Callable[[], Awaitable[HouseholdData]]
    desired_seats: Callable[[], Awaitable[Mapping[str, SeatWish]]]
    on_originated: Callable[[Originated], None] = lambda _originated: None
    on_ask: Callable[[Ask], None] = lambda _ask: None
    on_state: Callable[[LinkState], None] = lambda _state: None
    on_alarm: Callable[[str], None] = lambda _text: None
    """Something a person must see to: a refused login, a step that cannot be stored."""


class Bridge:
    """One exchange node. Make it inside a running loop, `await run()` in a task, `close()` to end."""

    def __init__(
        self,
        settings: BridgeSettings,
        callbacks: BridgeCallbacks,
        *,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.calls = Calls()
        self._wall = wall
        self._callbacks = callbacks
        self._consumer = Consumer(settings.queue_limit, self._event, self._overflow)
        self._link = Link(
            settings,
            wanted=_WANTED,
            on_event=self._consumer.put,
            resync=self._resync,
            on_state=self._state,
            on_alarm=callbacks.on_alarm,
            wall=wall,
            rng=rng,
        )
        self.actions = Actions(self._link)
        self._journal = JournalReader(self.actions, callbacks.on_steps, settings, on_alarm=callbacks.on_alarm)
        self.household = Household(self.actions, callbacks.desired_household, is_ready=self._is_ready)
        self.seats = Seats(self.actions, settings.service_queue, callbacks.desired_seats, is_ready=self._is_ready)
        self._lease = Lease(self.actions, self._link, is_ready=self._is_ready, wall=wall)
        self._resync_wanted = asyncio.Event()
        self._resyncs = 0
        self._told: asyncio.Task[None] | None = None

    # --- for the application ----------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """Where the connection stands."""
        return self._link.state

    @property
    def metrics(self) -> dict[str, float]:
        """All figures, flat, for /metrics and /readyz."""
        link = asdict(self._link.counters)
        groups = {
            "protocol": link.pop("protocol"),
            "link": link,
            "events": asdict(self._consumer.counters),
            "journal": self._journal.figures,
            "household": asdict(self.household.counters),
            "seats": asdict(self.seats.counters),
            "lease": asdict(self._lease.counters),
        }
        figures = {f"{group}_{name}": value for group, values in groups.items() for name, value in values.items()}
        figures |= {"resyncs": self._resyncs, "events_waiting": self._consumer.depth}
        figures["ready"] = int(self._is_ready())
        if self._link.skew is not None:
            figures["clock_skew_seconds"] = self._link.skew
        if (age := self.household.age()) is not None:
            figures["household_age_seconds"] = age
        return figures

    async def renew_lease(self, epoch: float) -> bool:
        """Tell the dialplan that a tick was committed at `epoch`; see `Lease.renew`."""
        return await self._lease.renew(epoch)

    def resync_soon(self) -> None:
        """Ask for a full resync beside the regular ones."""
        self._resync_wanted.set()

    def retry_now(self) -> None:
        """The exchange was just started: do not wait for the end of the back-off."""
        self._link.retry_now()

    async def run(self) -> None:
        """Keep the link, the journal, the household data and the seats until `close` or until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(one)
                    for one in (
                        self._consumer.run(),
                        self._journal.run(),
                        self.household.run(),
                        self.seats.run(),
                        self._audit(),
                    )
                ]
                await self._link.run()
                for helper in helpers:
                    helper.cancel()
        finally:
            self._link.close()
            if self._told is not None:
                self._told.cancel()

    def close(self) -> None:
        """End the connection and `run`."""
        self._link.close()

    # --- events -----------------------------------------------------------------------------------

    def _is_ready(self) -> bool:
        return self._link.state is LinkState.READY

    def _state(self, state: LinkState) -> None:
        if state is LinkState.READY:
            self.household.compare_soon()
            self.seats.reconcile_soon()
        try:
            self._callbacks.on_state(state)
        except Exception:
            log.exception("The application failed to take note of the link's state %s", state)

    def _event(self, event: AmiEvent) -> None:
        if event.name == "UserEvent":
            if event.text("userevent") == "Journal":
                self._journal.hear(event.text("call"), event.text("step"), event.text("record"))
            elif event.text("userevent") == "Ask" and (ask := ask_of(event)) is not None:
                self._callbacks.on_ask(ask)
            return
        if event.name == "OriginateResponse":
            self._callbacks.on_originated(
                Originated(
                    event.text("actionid"),
                    event.text("response") == "Success",
                    event.text("reason"),
                    event.text("uniqueid"),
                    self.actions.call_back_of(event.text("actionid")),
                )
            )
            return
        if event.name == "Reload" or (event.name == "FullyBooted" and self._is_ready()):
            self.resync_soon()
            return
        if self.calls.apply(event):
            self.seats.hear(event)

    def _overflow(self) -> None:
        log.error(
            "More than %d events of the exchange wait; the rest is learned by a resync", self.settings.queue_limit
        )
        self.resync_soon()

    # --- resync -----------------------------------------------------------------------------------

    async def _audit(self) -> None:
        """Resync when asked to, and now and then unasked."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.audit_interval):
                    await self._resync_wanted.wait()
            if not self._is_ready():
                self._resync_wanted.clear()
                continue  # the connection's own resync will do it
            try:
                await self._resync()
            except Exception as error:
                log.warning("A resync with the exchange failed and is tried again: %s", error)
                await asyncio.sleep(1.0)
                self.resync_soon()
            else:
                self.household.compare_soon()
                self.seats.reconcile_soon()

    async def _resync(self) -> None:
        """Read what the exchange holds and make it the picture.

        The journal is read before and after the channels. A call that has ended without its last step is one that was
        known before the channels were listed and is not among them; a call first heard of afterwards is alive.
        """
        self._resync_wanted.clear()
        generation = self._link.generation
        await self._link.ping()
        await self._journal.read_tree()
        self._journal.mark()
        taken_at = self._wall() + (self._link.skew or 0.0)
        channels = await self.actions.core_show_channels()
        queues = await self.actions.queue_status()
        contacts = await self.actions.pjsip_show_contacts()
        snapshot = replace(snapshot_of(generation, channels, queues, contacts, set()), taken_at=taken_at)
        self._consumer.put_control(lambda: self.calls.replace(snapshot))
        await self._journal.read_tree()
        self._resyncs += 1
        if self._told is not None:
            self._told.cancel()
        self._told = asyncio.create_task(self._tell(snapshot))

    async def _tell(self, snapshot: Snapshot) -> None:
        """Give the snapshot to the domain once it knows every step that was written before it."""
        with suppress(TimeoutError):  # one step that is refused again and again must not keep all else unsaid
            async with asyncio.timeout(self.settings.journal_timeout):
                await self._journal.drained()
        snapshot = with_live(snapshot, self._journal.fresh | self._journal.unsettled)
        while True:
            try:
                await self._callbacks.on_resync(snapshot)
            except Exception:
                log.exception("The application could not take over a resync; it is tried again")
                await asyncio.sleep(1.0)
            else:
                break
        if self._journal.reread:
            self.resync_soon()
