"""What the bridge keeps equal on both sides: household data, seats, the lease, and the picture of the calls."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest

from callcenter.bridge.bridge import Bridge, BridgeCallbacks
from callcenter.bridge.calls import Calls, Channel, Snapshot
from callcenter.bridge.errors import ActionRefusedError
from callcenter.bridge.events import AmiEvent
from callcenter.bridge.household import HouseholdData
from callcenter.bridge.link import LinkState
from callcenter.bridge.seats import SeatWish
from callcenter.bridge.settings import BridgeSettings
from tests.fake_ami import FakeAmi, error, event, fake_ami, ok, until

NOW = 1795406706.0


class Application:
    """A database of homes and seats."""

    def __init__(self) -> None:
        self.version = 1
        self.entries: dict[str, str] = {}
        self.wishes: dict[str, SeatWish] = {}
        self.originated: list = []
        self.states: list[LinkState] = []
        self.alarms: list[str] = []
        self.snapshots: list[Snapshot] = []
        self.now = NOW

    async def on_steps(self, steps, urgent) -> None:
        return None

    async def on_resync(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def household(self) -> HouseholdData:
        return HouseholdData(self.version, dict(self.entries))

    async def seats(self) -> dict[str, SeatWish]:
        return dict(self.wishes)


@asynccontextmanager
async def bridge(peer: FakeAmi, app: Application, *, ready: bool = True, **changes):
    quick = {"backoff_first": 0.01, "backoff_cap": 0.05, "action_timeout": 1.0, "lease_timeout": 0.05}
    settings = BridgeSettings("127.0.0.1", peer.port, "bridge", "s", **{**quick, **changes})
    callbacks = BridgeCallbacks(
        app.on_steps,
        app.on_resync,
        app.household,
        app.seats,
        on_originated=app.originated.append,
        on_state=app.states.append,
        on_alarm=app.alarms.append,
    )
    one = Bridge(settings, callbacks, wall=lambda: app.now, rng=random.Random(1))
    task = asyncio.create_task(one.run())
    try:
        if ready:
            await until(lambda: one.state is LinkState.READY)
        yield one
    finally:
        one.close()
        await asyncio.wait_for(task, 5)


def household(peer: FakeAmi) -> dict[str, str]:
    families = ("/line/", "/contacts/", "/contact/", "/duty/")
    return {key[1:]: value for key, value in peer.astdb.items() if key.startswith(families)}


HOME = {
    "line/87000001": "dedicated:home-7:H7",
    "line/+8657487000001": "dedicated:home-7:H7",
    "contacts/H7": "1:1",
    "contact/H7/1": "contact-17:13800000001:20",
    "duty/count": "1",
    "duty/1": "duty-1:13800000002:20",
}


async def test_at_the_start_the_exchange_gets_what_it_lacks_and_loses_what_is_not_ours_any_more():
    app = Application()
    app.entries = dict(HOME)
    async with fake_ami() as peer:
        peer.astdb |= {"/line/1234": "shared:old:H1", "/contacts/H7": "0:9", "/claim/c1": "seat-op1:1", "/x/y": "z"}
        async with bridge(peer, app) as one:
            await until(lambda: one.household.agrees)
            assert household(peer) == HOME
            assert peer.astdb["/claim/c1"] == "seat-op1:1"
            assert peer.astdb["/x/y"] == "z"
            assert peer.astdb["/app/household_version"] == "1"
            assert one.metrics["household_version"] == 1
            assert one.metrics["household_age_seconds"] < 5


async def test_telephones_are_written_before_their_count_and_lines_last():
    app = Application()
    app.entries = dict(HOME)
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        keys = [f"{put['family']}/{put['key']}" for put in peer.asked("DBPut") if put["family"] != "app"]
        rank = {"contact/H7/1": 0, "duty/1": 0, "contacts/H7": 1, "duty/count": 1}
        assert [rank.get(key, 2) for key in keys] == [0, 0, 1, 1, 2, 2]


async def test_edits_are_pushed_alone_and_survive_cuts_in_between():
    app = Application()
    rng = random.Random(7)
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        for number in range(200):
            key = f"line/8700{rng.randrange(40):04d}"
            value = f"shared:home-{number}:H{number}" if rng.random() < 0.8 else None
            if value is None:
                app.entries.pop(key, None)
            else:
                app.entries[key] = value
            app.version += 1
            one.household.push({key: value}, app.version)
            if rng.random() < 0.1:
                peer.cut()
            await asyncio.sleep(0)
        await until(lambda: one.household.agrees and household(peer) == app.entries)
        assert peer.astdb["/app/household_version"] == str(app.version)


async def test_a_push_writes_only_what_changed():
    app = Application()
    app.entries = dict(HOME)
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        before = len(peer.asked("DBPut"))
        app.entries["duty/1"] = "duty-9:13800000009:20"
        one.household.push({"duty/1": "duty-9:13800000009:20"}, 2)
        await until(lambda: peer.astdb["/app/household_version"] == "2")
        assert len(peer.asked("DBPut")) == before + 2


async def test_a_version_that_a_dying_exchange_lost_is_written_again():
    app = Application()
    app.entries = dict(HOME)
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        peer.astdb["/app/household_version"] = "0"
        one.household.compare_soon()
        await until(lambda: peer.astdb["/app/household_version"] == "1")


async def test_a_push_that_the_exchange_refuses_is_made_good_without_a_reconnection():
    app = Application()
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)

        def refuse_once(peer: FakeAmi, action):
            del peer.answers["DBPut"]
            return error(action, "not now")

        peer.answers["DBPut"] = refuse_once
        app.entries["duty/count"] = "1"
        one.household.push({"duty/count": "1"}, 2)
        await until(lambda: household(peer) == app.entries and one.household.agrees)
        assert peer.connections == 1


async def test_what_another_hand_changed_is_repaired_at_the_next_resync():
    app = Application()
    app.entries = dict(HOME)
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        del peer.astdb["/line/87000001"]
        peer.astdb["/duty/count"] = "0"
        one.resync_soon()
        await until(lambda: household(peer) == HOME)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("line/8700;1", "shared:a:b"),
        ("claim/c1", "seat-op1:1"),
        ("journal/c1", "x"),
        ("line/../x/y/z", "shared:a:b"),
        ("line/1", "a b"),
        ("line/1", "a,b"),
        ("line/1", "王"),
        ("line/1", ""),
        ("line/1\r\nAction: Hangup", "x"),
    ],
)
async def test_an_entry_the_dialplan_cannot_take_is_left_out_and_said_and_harms_no_other(key, value):
    app = Application()
    app.entries = {**HOME, key: value}
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.household.agrees)
        assert household(peer) == HOME
        assert one.metrics["household_left_out"] == 1
        assert not peer.asked("Hangup")


async def test_an_entry_that_was_left_out_is_no_longer_told_of_once_it_is_mended_or_gone():
    app = Application()
    app.entries = {**HOME, "line/1": "a b", "line/2": "王"}
    async with fake_ami() as peer, bridge(peer, app) as one:
        await until(lambda: one.metrics["household_left_out"] == 2)
        app.entries["line/1"] = "shared:a:b"
        one.household.push({"line/1": "shared:a:b"}, 2)
        await until(lambda: one.metrics["household_left_out"] == 1)
        del app.entries["line/2"]
        one.household.compare_soon()
        await until(lambda: one.metrics["household_left_out"] == 0 and one.household.agrees)
        assert household(peer) == {**HOME, "line/1": "shared:a:b"}


async def test_seats_are_signed_in_paused_and_signed_out_as_desired():
    app = Application()
    app.wishes = {"op1": SeatWish(True), "op2": SeatWish(True, True, "午饭"), "op3": SeatWish(False)}
    async with fake_ami() as peer:
        for seat, membership in (("op3", "dynamic"), ("op9", "dynamic"), ("op8", "static")):
            peer.members[f"PJSIP/{seat}"] = {
                "Queue": "service",
                "Location": f"PJSIP/{seat}",
                "Membership": membership,
                "Paused": "0",
            }
        async with bridge(peer, app) as one:

            def seats() -> dict[str, tuple[str, str]]:
                return {key[6:]: (item["Paused"], item.get("PausedReason", "")) for key, item in peer.members.items()}

            await until(lambda: seats() == {"op1": ("0", ""), "op2": ("1", "午饭"), "op8": ("0", "")})
            app.wishes = {"op1": SeatWish(True, True, "break"), "op2": SeatWish(True)}
            one.seats.reconcile_soon()
            await until(lambda: seats() == {"op1": ("1", "break"), "op2": ("0", ""), "op8": ("0", "")})
            assert {pause["queue"] for pause in peer.asked("QueuePause")} == {"service"}


async def test_a_pause_by_another_hand_is_taken_back():
    app = Application()
    app.wishes = {"op1": SeatWish(True)}
    async with fake_ami() as peer, bridge(peer, app):
        await until(lambda: peer.members)
        peer.members["PJSIP/op1"]["Paused"] = "1"
        peer.send(event("QueueMemberPause", Queue="service", Interface="PJSIP/op1", Paused="1"))
        await until(lambda: peer.members["PJSIP/op1"]["Paused"] == "0")


async def test_a_lease_is_written_in_the_exchanges_time_and_never_kept_for_later():
    app = Application()
    async with fake_ami() as peer:
        peer.answers["Ping"] = lambda _peer, action: ok(action, Timestamp=str(NOW + 100))
        async with bridge(peer, app, ready=False) as one:
            assert not await one.renew_lease(NOW)
            await until(lambda: one.state is LinkState.READY)
            assert await one.renew_lease(NOW)
            assert peer.astdb["/app/lease"] in (str(int(NOW) + 99), str(int(NOW) + 100))
            assert not await one.renew_lease(NOW - 10)
            peer.silent = True
            assert not await one.renew_lease(NOW + 1)
            sent = len(peer.asked("DBPut"))
            assert not await one.renew_lease(NOW + 2)
            assert len(peer.asked("DBPut")) == sent


async def test_a_failing_listener_is_counted_and_costs_nothing_else():
    app = Application()
    seen: list = []

    def listener(outcome) -> None:
        seen.append(outcome.unique_id)
        if outcome.unique_id == "1":
            raise ValueError("a listener's defect")

    app.originated = type("Listener", (), {"append": staticmethod(listener)})()
    async with fake_ami() as peer, bridge(peer, app) as one:
        peer.send(event("OriginateResponse", Uniqueid="1") + event("OriginateResponse", Uniqueid="2"))
        await until(lambda: seen == ["1", "2"])
        assert one.metrics["events_handler_errors"] == 1
        assert one.state is LinkState.READY


async def test_the_outcome_of_an_originate_reaches_the_application():
    app = Application()
    async with fake_ami() as peer, bridge(peer, app):
        peer.send(event("OriginateResponse", ActionID="x-1", Response="Failure", Reason="5", Uniqueid="<null>"))
        await until(lambda: app.originated)
        assert app.originated[0].action_id == "x-1"
        assert not app.originated[0].success


async def test_the_answer_to_a_second_request_for_a_ring_back_is_not_taken_for_the_first_ones():
    app = Application()
    async with fake_ami() as peer, bridge(peer, app) as one:
        for _ in range(2):
            await one.actions.originate_ring_back("7", 1, "13800000001")
        first, second = (action["actionid"] for action in peer.asked("Originate"))
        for action_id in (second, first, first, "somebody-elses"):
            peer.send(event("OriginateResponse", ActionID=action_id, Response="Failure", Reason="0", Uniqueid="rb-7-1"))
        await until(lambda: len(app.originated) == 4)
        assert [outcome.called_back for outcome in app.originated] == ["", "rb-7-1", "", ""]


async def test_a_ring_back_that_the_exchange_would_not_take_is_known_by_its_next_request():
    app = Application()
    async with fake_ami() as peer, bridge(peer, app) as one:
        peer.answers["Originate"] = lambda _peer, action: error(action, "not now")
        with pytest.raises(ActionRefusedError):
            await one.actions.originate_ring_back("7", 1, "13800000001")
        del peer.answers["Originate"]
        await one.actions.originate_ring_back("7", 1, "13800000001")
        (_, action_id) = (action["actionid"] for action in peer.asked("Originate"))
        assert one.actions.call_back_of(action_id) == "rb-7-1"


async def test_a_failing_resync_callback_is_asked_again_and_a_failing_resync_is_repeated():
    app = Application()
    async with fake_ami() as peer:
        peer.answers["CoreShowChannels"] = lambda _peer, action: error(action, "not now")
        async with bridge(peer, app, ready=False) as one:
            await until(lambda: len(peer.asked("CoreShowChannels")) >= 2)
            assert one.state is not LinkState.READY
            del peer.answers["CoreShowChannels"]
            await until(lambda: one.state is LinkState.READY and app.snapshots)


async def test_states_are_told_in_their_order():
    app = Application()
    async with fake_ami() as peer, bridge(peer, app) as one:
        peer.cut()
        await until(lambda: app.states.count(LinkState.READY) == 2)
        assert one.metrics["link_lost"] == 1
    first = [LinkState.CONNECTING, LinkState.LOGGING_IN, LinkState.RESYNCING, LinkState.READY]
    assert app.states == [*first, LinkState.DISCONNECTED, *first, LinkState.DISCONNECTED]


def told(name: str, **headers: str) -> AmiEvent:
    text = f"Event: {name}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return AmiEvent(name, text.encode())


def test_the_picture_follows_a_call_through_the_queue_and_each_event_tells_at_most_once():
    calls = Calls()
    story = [
        told(
            "Newchannel",
            Uniqueid="1",
            Linkedid="1",
            Channel="PJSIP/trunk-1",
            CallerIDNum="138",
            ChannelStateDesc="Ring",
        ),
        told("QueueCallerJoin", Queue="service", Uniqueid="1", Position="1", Channel="PJSIP/trunk-1"),
        told("AgentCalled", Queue="service", Uniqueid="1", Interface="PJSIP/op1"),
        told("AgentConnect", Queue="service", Uniqueid="1", Interface="PJSIP/op1"),
        told("QueueCallerLeave", Queue="service", Uniqueid="1"),
    ]
    first = [calls.apply(one) for one in story]
    assert first == [True, True, True, False, True]
    assert calls.serving == {"PJSIP/op1": "1"}
    assert calls.apply(told("Hangup", Uniqueid="1"))
    assert not calls.apply(told("Hangup", Uniqueid="1"))
    assert not calls.channels
    assert not calls.entries
    assert not calls.serving


def test_a_snapshot_takes_the_place_of_all_that_was_believed():
    calls = Calls()
    calls.apply(told("Newchannel", Uniqueid="ghost"))
    channel = Channel("2", "2", "PJSIP/trunk-2", "Up", "139", "s")
    calls.replace(Snapshot(2, MappingProxyType({"2": channel}), {}, {}, {}))
    assert list(calls.channels) == ["2"]
    assert not calls.apply(told("Newstate", Uniqueid="ghost", ChannelStateDesc="Up"))
