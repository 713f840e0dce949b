"""Every trap of the AMI and of panoramisk that touches us: plain panoramisk falls in, the bridge does not.

The tests named `plain_...` are controls: they show that the trap is real with the library as it comes, so that the
test beside them cannot pass for want of a trap.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import asynccontextmanager, suppress

import pytest
from panoramisk import Manager

from callcenter.bridge.actions import Actions, Leg
from callcenter.bridge.errors import ActionTimeoutError, LinkDownError, UnsafeValueError
from callcenter.bridge.link import Link, LinkState
from callcenter.bridge.settings import BridgeSettings
from tests.fake_ami import FakeAmi, event, fake_ami, message, ok, until

LEG = Leg("node1-1.2", "PJSIP/trunk-00000001", "duty-1", "13800000001", 20, 1795406706)


@asynccontextmanager
async def plain(peer: FakeAmi, *, events: list | None = None, handler=None):
    """panoramisk as it comes; reconnects at once instead of after two seconds, which changes nothing else."""
    manager = Manager(host="127.0.0.1", port=peer.port, username="bridge", secret="s", reconnect_timeout=0)
    manager.log.setLevel(logging.CRITICAL)
    manager.loop = asyncio.get_running_loop()
    # The library's exceptions end in the loop's handler; they are what these controls are about.
    manager.loop.set_exception_handler(lambda _loop, _context: None)
    manager.register_event(
        "*", handler or (lambda _manager, message: events.append(message) if events is not None else None)
    )
    await manager.connect()
    await until(lambda: manager.authenticated)
    try:
        yield manager
    finally:
        manager.connect = lambda *_a, **_k: None  # what its close() leaves scheduled must not outlive the test
        manager.close()


def settings(peer: FakeAmi, **changes) -> BridgeSettings:
    quick = {
        "backoff_first": 0.01,
        "backoff_cap": 0.05,
        "boot_timeout": 0.2,
        "ping_interval": 30.0,
        "action_timeout": 2.0,
        "refused_wait": 0.3,
    }
    return BridgeSettings("127.0.0.1", peer.port, "bridge", "s", **{**quick, **changes})


@asynccontextmanager
async def ours(peer: FakeAmi, *, handler=None, resync=None, wanted=None, ready=True, alarms=None, **changes):
    """Our link to the same peer."""

    async def nothing() -> None:
        return None

    link = Link(
        settings(peer, **changes),
        wanted=wanted,
        on_event=handler or (lambda _event: None),
        resync=resync or nothing,
        on_alarm=(alarms if alarms is not None else []).append,
        rng=random.Random(1),
    )
    task = asyncio.create_task(link.run())
    try:
        if ready:
            await until(lambda: link.state is LinkState.READY)
        yield link
    finally:
        link.close()
        await asyncio.wait_for(task, 5)


NAME = event("Newchannel", CallerIDName="王秀英", Uniqueid="1.1")
CUT = NAME.index("秀".encode()) + 1


async def test_plain_loses_a_chinese_character_that_is_split_over_two_reads():
    events: list = []
    async with fake_ami() as peer, plain(peer, events=events):
        await peer.send_apart(NAME[:CUT], NAME[CUT:])
        await until(lambda: any(one.event == "Newchannel" for one in events))
        assert events[-1]["CallerIDName"] != "王秀英"


async def test_a_chinese_character_split_over_two_reads_is_whole():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append):
        await peer.send_apart(NAME[:CUT], NAME[CUT:])
        await until(lambda: any(one.name == "Newchannel" for one in events))
        assert events[-1].text("calleridname") == "王秀英"


async def test_any_split_of_the_stream_gives_the_same_events():
    stream = NAME + event("Hangup", Uniqueid="1.1", Cause="16") + event("Newchannel", CallerIDName="𠮷", Uniqueid="2")
    async with fake_ami() as peer:
        events: list = []
        async with ours(peer, handler=events.append) as link:
            del events[:]
            for cut in range(len(stream)):
                protocol = link._protocol
                protocol.data_received(stream[:cut])
                protocol.data_received(stream[cut:])
            names = [(one.name, one.text("uniqueid"), one.text("calleridname")) for one in events]
            assert names == [("Newchannel", "1.1", "王秀英"), ("Hangup", "1.1", ""), ("Newchannel", "2", "𠮷")] * len(
                stream
            )


async def test_plain_cuts_the_connection_when_a_handler_raises():
    seen: list = []

    def handler(_manager, one):
        seen.append(one.event)
        if one.event == "Bad":
            raise ValueError("a handler's defect")

    async with fake_ami() as peer, plain(peer, handler=handler):
        peer.send(event("Bad") + event("Good"))
        await until(lambda: "Bad" in seen and peer.connections == 2)
        assert "Good" not in seen


async def test_a_handler_that_raises_costs_only_its_own_event():
    seen: list = []

    def handler(one):
        seen.append(one.name)
        if one.name == "Bad":
            raise ValueError("a handler's defect")

    async with fake_ami() as peer, ours(peer, handler=handler) as link:
        peer.send(event("Bad") + event("Good"))
        await until(lambda: "Good" in seen)
        assert peer.connections == 1
        assert link.counters.protocol.failed == 1


TWICE = [
    pytest.param(message(("Event", "Bad"), ("Event", "Worse")), id="two Event headers"),
    pytest.param(message(("Event", "Bad"), ("ActionID", "a"), ("ActionID", "b")), id="two ActionID headers"),
]


@pytest.mark.parametrize("bad", TWICE)
async def test_plain_cuts_the_connection_at_a_repeated_header(bad):
    events: list = []
    async with fake_ami() as peer, plain(peer, events=events):
        peer.send(bad + event("Good"))
        await until(lambda: peer.connections == 2)
        assert not any(one.event == "Good" for one in events)


@pytest.mark.parametrize("bad", TWICE)
async def test_a_message_with_a_repeated_header_is_dropped_alone(bad):
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append) as link:
        peer.send(bad + event("Good"))
        await until(lambda: any(one.name == "Good" for one in events))
        assert link.counters.protocol.repeated == 1
        assert peer.connections == 1
        assert not any(one.name in ("Bad", "Worse") for one in events)


def queued(peer: FakeAmi, action):
    return ok(action, "Originate successfully queued")


async def test_plain_cuts_the_connection_at_an_originate_without_async():
    async with fake_ami() as peer, plain(peer) as manager:
        peer.answers["Originate"] = queued
        manager.send_action({"Action": "Originate", "Channel": "Local/s@leg"})
        await until(lambda: peer.connections == 2)


async def test_our_originate_always_carries_async_and_resolves_at_its_acknowledgement():
    async with fake_ami() as peer, ours(peer) as link:
        peer.answers["Originate"] = queued
        action_id = await Actions(link).originate_leg(LEG)
        sent = peer.asked("Originate")[0]
        assert sent["async"] == "true"
        assert sent["actionid"] == action_id
        assert sent["channelid"] == "leg-node1-1.2-duty-1-1795406706"
        assert sent["otherchannelid"] == sent["channelid"] + "-b"
        assert sent["variable"].split("\n")[:2] == ["LEG_CALL=node1-1.2", "LEG_CHAN=PJSIP/trunk-00000001"]
        assert peer.connections == 1


def overtaking(peer: FakeAmi, action):
    response = event("OriginateResponse", ActionID=action["actionid"], Response="Success", Uniqueid="1.9")
    return response + queued(peer, action)


async def test_plain_gives_an_originate_response_that_overtakes_its_acknowledgement_to_nobody():
    events: list = []
    async with fake_ami() as peer, plain(peer, events=events) as manager:
        peer.answers["Originate"] = overtaking
        reply = await manager.send_action({"Action": "Originate", "Async": "true"}, as_list=False)
        assert reply.event == "OriginateResponse"
        peer.send(event("Marker"))
        await until(lambda: any(one.event == "Marker" for one in events))
        assert not any(one.event == "OriginateResponse" for one in events)


async def test_an_originate_response_that_overtakes_its_acknowledgement_is_delivered():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append) as link:
        peer.answers["Originate"] = overtaking
        action_id = await Actions(link).originate_leg(LEG)
        await until(lambda: any(one.name == "OriginateResponse" for one in events))
        assert events[-1].text("actionid") == action_id


def unanswered_then_cut(peer: FakeAmi, action):
    peer.cut()
    return


async def test_plain_dials_again_after_a_reconnection():
    async with fake_ami() as peer, plain(peer) as manager:
        peer.answers["Originate"] = unanswered_then_cut
        manager.send_action({"Action": "Originate", "Async": "true"}, as_list=False)
        await until(lambda: len(peer.asked("Originate")) >= 2)


async def test_nothing_is_dialled_again_after_a_reconnection_and_the_caller_is_told():
    async with fake_ami() as peer, ours(peer) as link:
        peer.answers["Originate"] = unanswered_then_cut
        with pytest.raises(LinkDownError):
            await Actions(link).originate_leg(LEG)
        await until(lambda: peer.connections == 2 and link.state is LinkState.READY)
        await link.ping()
        assert len(peer.asked("Originate")) == 1


async def test_plain_never_resolves_what_was_partly_answered_when_the_connection_broke():
    async with fake_ami() as peer, plain(peer) as manager:
        peer.answers["QueueStatus"] = lambda _peer, action: message(
            ("Response", "Success"), ("ActionID", action["actionid"]), ("EventList", "start"), ("Message", "follow")
        )
        future = manager.send_action({"Action": "QueueStatus"})
        await until(lambda: peer.asked("QueueStatus"))
        peer.cut()
        await until(lambda: peer.connections == 2 and manager.authenticated)
        assert not future.done()


async def test_a_list_cut_off_in_the_middle_fails_at_once():
    async with fake_ami() as peer, ours(peer) as link:
        peer.answers["QueueStatus"] = lambda _peer, action: message(
            ("Response", "Success"), ("ActionID", action["actionid"]), ("EventList", "start"), ("Message", "follow")
        )
        task = asyncio.create_task(Actions(link).queue_status())
        await until(lambda: peer.asked("QueueStatus"))
        peer.cut()
        with pytest.raises(LinkDownError):
            await task


INJECTION = "x\r\n\r\nAction: Hangup\r\nChannel: /.*/"


async def test_plain_lets_a_value_carry_a_second_action():
    async with fake_ami() as peer, plain(peer) as manager:
        manager.send_action({"Action": "DBPut", "Family": "f", "Key": "k", "Val": INJECTION}, as_list=False)
        await until(lambda: peer.asked("Hangup"))


@pytest.mark.parametrize("value", [INJECTION, "a\rb", "a\nb", "a\x00b", "字" * 400, "\ud800"])
async def test_a_value_that_is_not_one_line_is_never_sent(value):
    async with fake_ami() as peer, ours(peer) as link:
        before = len(peer.actions)
        with pytest.raises(UnsafeValueError):
            await Actions(link).db_put("f", "k", value)
        with pytest.raises(UnsafeValueError):
            await link.request({"Action": "DBPut", value: "v"}, limit=1)
        await link.ping()
        assert [action["action"] for action in peer.actions[before:]] == ["Ping"]


async def test_more_headers_than_the_exchange_reads_are_not_sent():
    async with fake_ami() as peer, ours(peer) as link:
        with pytest.raises(UnsafeValueError):
            await link.request({"Action": "Originate", "Variable": ["a=b"] * 127}, limit=1)
        assert not peer.asked("Originate")


async def test_a_variable_with_a_comma_would_be_two_variables_and_is_refused():
    async with fake_ami() as peer, ours(peer) as link:
        with pytest.raises(UnsafeValueError):
            await Actions(link).originate_ring_back("7", 1, "1380,EVIL=1")
        with pytest.raises(UnsafeValueError):
            await Actions(link).originate_ring_back("7", 1, "1380@other")
        assert not peer.asked("Originate")


async def test_plain_never_notices_a_peer_that_has_fallen_silent():
    async with fake_ami() as peer, plain(peer) as manager:
        manager.ping_interval = 0.01
        peer.silent = True
        manager.ping()
        await until(lambda: len(peer.asked("Ping")) > 20)
        assert manager.authenticated
        assert peer.connections == 1


async def test_a_peer_that_has_fallen_silent_is_left_and_found_again():
    async with fake_ami() as peer, ours(peer, ping_interval=0.02, ping_timeout=0.05, login_timeout=0.1) as link:
        peer.silent = True
        await until(lambda: link.state is not LinkState.READY)
        assert link.counters.pings_missed >= 2
        peer.silent = False
        await until(lambda: link.state is LinkState.READY)
        assert link.generation >= 2


async def test_plain_tries_a_refused_login_again_and_again_without_a_word():
    async with fake_ami() as peer:
        peer.refuse_login = True
        told: list = []
        manager = Manager(
            host="127.0.0.1", port=peer.port, username="u", secret="s", on_login=told.append, on_disconnect=told.append
        )
        await manager.connect()
        await until(lambda: peer.asked("Login"))
        await manager.authenticated_future if manager.authenticated_future else None
        assert not told
        assert not manager.authenticated
        manager.close()


async def test_a_refused_login_is_said_aloud_and_tried_again_rarely():
    alarms: list[str] = []
    async with fake_ami() as peer:
        peer.refuse_login = True
        async with ours(peer, ready=False, alarms=alarms) as link:
            await until(lambda: link.state is LinkState.REFUSED)
            assert "manager.conf" in alarms[0]
            with pytest.raises(LinkDownError):
                await link.ping()
            peer.refuse_login = False
            await until(lambda: link.state is LinkState.READY)
            assert len(peer.asked("Login")) == 2


async def test_plain_connects_again_after_it_was_closed():
    async with fake_ami() as peer, plain(peer) as manager:
        await peer.stop_listening()
        await until(lambda: not manager._connected)
        manager.close()
        await peer.listen()
        await until(lambda: peer.connections == 2)


async def test_close_during_a_back_off_is_the_end():
    async with fake_ami() as peer, ours(peer, backoff_first=20, backoff_cap=20) as link:
        (runs,) = [task for task in asyncio.all_tasks() if "Link.run" in repr(task)]
        await peer.stop_listening()
        await until(lambda: link.state is LinkState.DISCONNECTED)
        link.close()
        await peer.listen()
        await until(lambda: runs.done())  # nothing is left that could connect
        assert peer.connections == 1


async def test_close_while_a_connection_is_being_made_is_the_end():
    async with fake_ami() as peer, ours(peer, ready=False) as link:
        (runs,) = [task for task in asyncio.all_tasks() if "Link.run" in repr(task)]
        link._on_state = lambda state: link.close() if state is LinkState.CONNECTING else None
        await until(lambda: runs.done())
        await until(lambda: peer.connected == 0)


async def test_plain_forgets_nothing_of_an_action_that_timed_out():
    async with fake_ami() as peer, plain(peer) as manager:
        peer.answers["DBGet"] = lambda *_: None
        with suppress(TimeoutError):
            await asyncio.wait_for(manager.send_action({"Action": "DBGet"}, as_list=False), 0.05)
        assert manager.responses


async def test_an_action_that_timed_out_is_forgotten_and_its_late_answer_goes_to_nobody():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append, action_timeout=0.05) as link:
        peer.answers["DBPut"] = lambda *_: None
        with pytest.raises(ActionTimeoutError):
            await Actions(link).db_put("f", "k", "v")
        assert not link._protocol.responses
        late = peer.asked("DBPut")[0]
        peer.send(ok(late) + event("CoreShowChannel", ActionID=late["actionid"]) + event("Marker"))
        await until(lambda: any(one.name == "Marker" for one in events))
        assert link.counters.protocol.late == 2
        assert not any(one.name == "CoreShowChannel" for one in events)


async def test_actions_before_ready_are_refused_and_nothing_is_written():
    async with fake_ami() as peer:
        peer.say_fully_booted = False
        peer.answers["CoreStatus"] = lambda *_: None
        async with ours(peer, ready=False, boot_timeout=1.0) as link:
            with pytest.raises(LinkDownError):
                await link.ping()
            await until(lambda: link.state is LinkState.RESYNCING)
            peer.send(event("FullyBooted"))
            await until(lambda: link.state is LinkState.READY)


async def test_shutdown_ends_the_connection_and_the_next_one_is_waited_for():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append) as link:
        peer.send(event("Shutdown", Shutdown="Cleanly", Restart="False"))
        await until(lambda: link.generation == 2 and link.state is LinkState.READY)
        assert any(one.name == "Shutdown" for one in events)


async def test_a_message_without_end_is_not_kept_for_ever():
    async with fake_ami() as peer, ours(peer, buffer_cap=100_000) as link:
        peer.send(b"Event: Big\r\n")
        for _ in range(20):
            peer.send(b"Key: " + b"x" * 10_000 + b"\r\n")
        await until(lambda: link.generation == 2 and link.state is LinkState.READY)
        assert link.counters.protocol.overlong == 1


async def test_a_huge_message_below_the_limit_is_read():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append) as link:
        peer.send(b"Event: Big\r\nKey: " + b"x" * 3_000_000 + b"\r\n\r\n")
        await until(lambda: any(one.name == "Big" for one in events))
        assert len(events[-1].text("key")) == 3_000_000
        assert link.generation == 1


async def test_something_else_at_the_address_is_named():
    async with fake_ami() as peer:
        peer.banner = (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n",)
        async with ours(peer, ready=False, backoff_first=5) as link:
            await until(lambda: link.state is LinkState.DISCONNECTED and link.generation == 1)
            assert link._protocol.is_exchange is False


async def test_a_banner_in_pieces_is_a_banner():
    async with fake_ami() as peer:
        peer.banner = (b"Asterisk Call", b" Manager/11", b".0.0\r", b"\n")
        async with ours(peer) as link:
            assert link._protocol.version == "11.0.0"


async def test_events_nobody_wants_are_not_even_decoded():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append, wanted=frozenset((b"Hangup",))) as link:
        peer.send(event("VarSet", Value="x") * 50 + event("Hangup", Uniqueid="1"))
        await until(lambda: events)
        assert [one.name for one in events] == ["Hangup"]
        assert link.counters.protocol.unwanted == 51  # with the login's FullyBooted


async def test_the_exchanges_clock_is_measured():
    async with fake_ami() as peer, ours(peer) as link:
        peer.answers["Ping"] = lambda _peer, action: ok(action, Timestamp="4102444800.0")
        await link.ping()
        assert link.skew > 1e9


async def test_no_telephone_registered_is_an_empty_list_and_not_an_error():
    async with fake_ami() as peer, ours(peer) as link:
        assert await Actions(link).pjsip_show_contacts() == []


async def test_names_come_unescaped_and_unknown_is_none():
    events: list = []
    async with fake_ami() as peer, ours(peer, handler=events.append):
        peer.send(event("Newchannel", CallerIDName='say \\"hi\\"', CallerIDNum="<unknown>", ConnectedLineNum="unknown"))
        await until(lambda: any(one.name == "Newchannel" for one in events))
        one = events[-1]
        assert one.fields["calleridname"] == 'say "hi"'
        assert one.fields["calleridnum"] is None
        assert one.fields["connectedlinenum"] is None
        assert one.text("calleridname") == 'say "hi"'
        assert one.text("calleridnum") == one.text("connectedlinenum") == one.text("exten") == ""
