"""The bridge on a real Asterisk: journal, household data, seats, and what happens when either side dies or freezes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from callcenter.bridge import Bridge, BridgeCallbacks, BridgeSettings, HouseholdData, LinkState, SeatWish, Snapshot
from callcenter.bridge.actions import Leg
from callcenter.bridge.calls import Channel
from dispatch.journal import CallStep
from foundation.asterisk.process import AsteriskProcess, Port, free_port
from foundation.asterisk.provision import Asterisk
from tests.waiting import wait_until_async

pytestmark = pytest.mark.exchange

MODULES = """[modules]
autoload = no
load = res_timing_timerfd.so
load = res_sorcery_config.so
load = res_sorcery_memory.so
load = res_sorcery_astdb.so
load = res_pjproject.so
load = res_pjsip.so
load = res_pjsip_session.so
load = chan_pjsip.so
load = pbx_config.so
load = func_db.so
load = func_env.so
load = func_strings.so
load = func_uri.so
load = func_channel.so
load = func_callerid.so
load = app_stack.so
load = app_userevent.so
load = app_queue.so
"""

MANAGER = """[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
timestampevents = yes
[bridge]
secret = fictional
writetimeout = 5000
read = system,call,agent,user
write = system,call,agent,originate,reporting
"""

# The contract's three writes per step; the town's real dialplan is not what is tried here.
DIALPLAN = r"""[general]
[made]
exten => call,1,Set(CALLID=${FILTER(a-zA-Z0-9-.,${UNIQUEID})})
 same => n,Set(CHANNEL(hangup_handler_push)=made,over,1)
 same => n,Gosub(step,1(001,arrived,&to=81891&kind=emergency&name=${URIENCODE(王秀英)}))
 same => n,Gosub(step,1(002,queued,&queue=emergency))
 same => n,Wait(120)
exten => step,1,Set(REC=s=${ARG2}&t=${STRFTIME(,,%s.%6q)}${ARG3})
 same => n,Set(FILE(JOURNAL/${CALLID}~${ARG1},,,,u)=${REC})
 same => n,Set(DB(journal/${CALLID}/${ARG1})=${REC})
 same => n,UserEvent(Journal,Call:${CALLID},Step:${ARG1},Record:${REC})
 same => n,Return()
exten => over,1,Gosub(step,1(003,ended,&cause=16))
 same => n,Return()
[leg]
exten => s,1,Answer()
 same => n,Wait(120)
[leg-join]
exten => s,1,Wait(120)
"""


class Application:
    """What stands behind the bridge: steps committed, snapshots, and what it wants the exchange to hold."""

    def __init__(self) -> None:
        self.steps: list[CallStep] = []
        self.snapshots: list[Snapshot] = []
        self.originated: list = []
        self.entries: dict[str, str] = {}
        self.version = 1
        self.wishes: dict[str, SeatWish] = {}

    async def on_steps(self, steps, urgent) -> None:
        assert all(isinstance(step, CallStep) for step in steps), steps
        self.steps += steps

    async def on_resync(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def household(self) -> HouseholdData:
        return HouseholdData(self.version, dict(self.entries))

    async def seats(self) -> dict[str, SeatWish]:
        return dict(self.wishes)

    def kinds(self, call_id: str) -> list[str]:
        return [str(step.kind) for step in self.steps if step.call_id == call_id]


@pytest.fixture(scope="module")
def pbx(exchange_prefix: Asterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskProcess]:
    """One real Asterisk with a dialplan of a few lines."""
    port = free_port()
    process = AsteriskProcess(
        exchange_prefix, tmp_path_factory.mktemp("bridge"), [Port(port, "tcp", "127.0.0.1", "exchange.ami_port")]
    )
    own = process.directories
    own.make(exchange_prefix.data)
    folders = {
        "astetcdir": own.etc,
        "astmoddir": own.modules,
        "astdatadir": own.data,
        "astvarlibdir": own.varlib,
        "astdbdir": own.db,
        "astspooldir": own.spool,
        "astrundir": own.run,
        "astlogdir": own.log,
        "astkeydir": own.keys,
        "astagidir": own.agi,
    }
    text = "[directories]\n" + "".join(f"{key} => {path}\n" for key, path in folders.items())
    (own.etc / "asterisk.conf").write_text(text + "[options]\nsystemname = node1\nlive_dangerously = yes\n")
    (own.etc / "modules.conf").write_text(MODULES)
    (own.etc / "manager.conf").write_text(MANAGER.format(port=port))
    (own.etc / "logger.conf").write_text("[logfiles]\nmessages => notice,warning,error\n")
    (own.etc / "queues.conf").write_text("[general]\npersistentmembers = no\n[service]\nwrapuptime = 10\n")
    (own.etc / "pjsip.conf").write_text("[global]\ntype = global\n")
    (own.etc / "extensions.conf").write_text(DIALPLAN.replace("JOURNAL", str(own.journal)))
    process.ami_port = port
    yield process
    process.kill9()


@pytest.fixture
def running(pbx: AsteriskProcess) -> AsteriskProcess:
    """The same one, running, whatever the test before did to it."""
    if pbx.pid is not None:
        os.kill(pbx.pid, signal.SIGCONT)
    pbx.start()
    return pbx


@asynccontextmanager
async def bridge(pbx: AsteriskProcess, app: Application, **changes) -> AsyncIterator[Bridge]:
    settings = BridgeSettings(
        "127.0.0.1", pbx.ami_port, "bridge", "fictional", spool=pbx.directories.spool, **{"backoff_cap": 1.0, **changes}
    )
    one = Bridge(
        settings,
        BridgeCallbacks(app.on_steps, app.on_resync, app.household, app.seats, on_originated=app.originated.append),
    )
    task = asyncio.create_task(one.run())
    try:
        await wait_until_async(lambda: one.state is LinkState.READY, 20, "the bridge is ready")
        yield one
    finally:
        task.cancel()  # as a killed application: nothing is said goodbye to
        await asyncio.wait({task})


async def call(one: Bridge) -> str:
    """A caller comes in and waits; returns the call's id."""
    before = set(one.calls.channels)
    headers = {"Channel": "Local/call@made/n", "Context": "leg-join", "Exten": "s", "Priority": "1", "Async": "true"}
    await one._link.request({"Action": "Originate", **headers}, limit=5)

    def callers() -> list[Channel]:
        new = [channel for channel in one.calls.channels.values() if channel.unique_id not in before]
        return [channel for channel in new if channel.name.endswith(";2")]

    (channel,) = await wait_until_async(callers, 10, "the call is up")
    return channel.unique_id


async def keys(one: Bridge) -> dict[str, str]:
    return await one.actions.db_get_tree("journal")


async def test_an_idle_exchange_answers_and_nothing_there_is_nothing(running: AsteriskProcess):
    async with bridge(running, Application()) as one:
        assert await one.actions.pjsip_show_contacts() == []
        assert await one.actions.db_get("line", "none") is None
        assert await one.actions.db_get_tree("none") == {}
        await one.actions.db_del("line", "none")
        await one.actions.db_del_tree("none")
        assert await one.renew_lease(time.time())
        assert abs(one.metrics["clock_skew_seconds"]) < 1


async def test_a_calls_steps_are_committed_and_then_gone_from_file_and_database(running: AsteriskProcess):
    app = Application()
    async with bridge(running, app) as one:
        call_id = await call(one)
        await wait_until_async(lambda: app.kinds(call_id) == ["arrived", "queued"], 10, "two steps")
        assert app.steps[-2]["name"] == "王秀英"
        await one.actions.hangup(one.calls.channels[call_id].name)
        await wait_until_async(lambda: app.kinds(call_id) == ["arrived", "queued", "ended"], 10, "the end")

        async def empty() -> bool:
            return not await keys(one) and not list(running.directories.journal.iterdir())

        await wait_until_async(empty, 10, "the journal is empty")


async def test_steps_written_while_no_bridge_ran_come_when_it_runs_again(running: AsteriskProcess):
    first, second = Application(), Application()
    async with bridge(running, first) as one:
        call_id = await call(one)
        await wait_until_async(lambda: len(first.kinds(call_id)) == 2, 10, "two steps")
        name = one.calls.channels[call_id].name
    await asyncio.to_thread(running.ask, f"channel request hangup {name}")
    async with bridge(running, second) as one:
        await wait_until_async(lambda: second.kinds(call_id)[-1:] == ["ended"], 10, "the end")
        await wait_until_async(lambda: second.snapshots, 10, "the resync")
        assert call_id not in second.snapshots[0].live_call_ids


async def test_two_hundred_edits_with_both_sides_killed_in_between_end_equal_within_five_seconds(
    running: AsteriskProcess,
):
    seed = 20261123
    rng = random.Random(seed)
    app = Application()
    edits = iter(range(200))

    def edit(one: Bridge, number: int) -> None:
        key = rng.choice([f"line/8700{rng.randrange(30):04d}", f"contact/H{rng.randrange(9)}/{rng.randrange(1, 4)}"])
        value = f"contact-{number}:138{number:08d}:20" if rng.random() < 0.75 else None
        app.version += 1
        if value is None:
            app.entries.pop(key, None)
        else:
            app.entries[key] = value
        one.household.push({key: value}, app.version)

    async def held(one: Bridge) -> dict[str, str]:
        families = ("line", "contacts", "contact", "duty")
        trees = [await one.actions.db_get_tree(family) for family in families]
        return {key: value for tree in trees for key, value in tree.items()}

    for life in range(6):
        async with bridge(running, app) as one:
            for number in edits:
                edit(one, number)
                if rng.random() < 0.3:
                    await asyncio.sleep(0)
                if number % 33 == 32:
                    break
            if life in (1, 3):
                running.kill9()  # with writes under way
        await asyncio.to_thread(running.start)
    async with bridge(running, app) as one:
        for number in edits:
            edit(one, number)

        async def equal() -> bool:
            return one.household.agrees and await held(one) == app.entries

        await wait_until_async(equal, 5, f"exchange and database agree (seed {seed})")
        assert await one.actions.db_get("app", "household_version") == str(app.version)
    assert app.version == 201


@pytest.mark.parametrize("end", ["kill9", "stop"])
async def test_a_call_cut_by_the_exchanges_end_is_known_and_not_among_the_living(running: AsteriskProcess, end: str):
    app = Application()
    async with bridge(running, app) as one:
        call_id = await call(one)
        await wait_until_async(lambda: len(app.kinds(call_id)) == 2, 10, "two steps")
        one.resync_soon()
        await wait_until_async(
            lambda: any(call_id in snapshot.live_call_ids for snapshot in app.snapshots), 10, "the call is living"
        )
        del app.snapshots[:]
        await asyncio.to_thread(getattr(running, end))
        await wait_until_async(lambda: one.state is not LinkState.READY, 10, "the link is seen to be down")
        await asyncio.to_thread(running.start)
        one.retry_now()
        await wait_until_async(lambda: one.state is LinkState.READY and app.snapshots, 15, "ready again")
        assert call_id not in app.snapshots[-1].live_call_ids
        assert not one.calls.channels
        again = await call(one)
        await wait_until_async(lambda: app.kinds(again) == ["arrived", "queued"], 10, "the next call is heard")


async def test_a_frozen_exchange_is_noticed_and_no_stale_lease_comes_out_of_it(running: AsteriskProcess):
    app = Application()
    async with bridge(running, app, ping_interval=0.2, ping_timeout=0.3, login_timeout=1, lease_timeout=0.3) as one:
        started = time.time()
        os.kill(running.pid, signal.SIGSTOP)
        renewed = []

        async def noticed() -> bool:
            renewed.append(await one.renew_lease(time.time()))
            return one.state is not LinkState.READY

        await wait_until_async(noticed, 10, "the frozen exchange is noticed")
        assert not any(renewed[1:])
        os.kill(running.pid, signal.SIGCONT)
        await wait_until_async(lambda: one.state is LinkState.READY, 15, "ready again")
        value = await one.actions.db_get("app", "lease")
        assert value is None or int(value) <= started + 1


async def test_the_same_leg_is_not_dialled_twice_and_the_second_is_told_so(running: AsteriskProcess):
    app = Application()
    leg = Leg("node1-1.2", "PJSIP/trunk-00000001", "duty-1", "13800000001", 20, 1795406706)
    async with bridge(running, app) as one:
        first = await one.actions.originate_leg(leg)
        await wait_until_async(lambda: [o for o in app.originated if o.action_id == first], 10, "the first answer")
        second = await one.actions.originate_leg(leg)
        await wait_until_async(lambda: [o for o in app.originated if o.action_id == second], 10, "the second answer")
        outcome = {o.action_id: o.success for o in app.originated}
        assert outcome == {first: True, second: False}
        assert leg.channel_id in one.calls.channels
        await one.actions.hangup(one.calls.channels[leg.channel_id].name)


async def test_seats_are_in_the_service_queue_as_desired_also_after_the_exchange_was_killed(running: AsteriskProcess):
    app = Application()
    app.wishes = {"op1": SeatWish(True), "op2": SeatWish(True, True, "午饭")}

    async with bridge(running, app) as one:

        async def members() -> dict[str, tuple[str, str]]:
            if one.state is not LinkState.READY:
                return {}
            items = await one.actions.queue_status("service")
            return {
                str(item["location"]): (str(item["paused"]), str(item["pausedreason"]))
                for item in items
                if item["event"] == "QueueMember"
            }

        async def as_desired() -> bool:
            return await members() == {"PJSIP/op1": ("0", ""), "PJSIP/op2": ("1", "午饭")}

        await wait_until_async(as_desired, 5, "both seats as desired")
        running.kill9()
        await wait_until_async(lambda: one.state is not LinkState.READY, 10, "the link is seen to be down")
        await asyncio.to_thread(running.start)
        one.retry_now()
        await wait_until_async(lambda: one.state is LinkState.READY, 15, "ready again")
        await wait_until_async(as_desired, 5, "both seats as desired again")
        app.wishes = {"op2": SeatWish(True)}
        one.seats.reconcile_soon()

        async def only_op2() -> bool:
            return await members() == {"PJSIP/op2": ("0", "")}

        await wait_until_async(only_op2, 5, "only the second seat, at work")
