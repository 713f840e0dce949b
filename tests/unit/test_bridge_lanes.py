"""Ordinary calls are gathered, emergencies go at once: neither may cost the other anything but time."""

from __future__ import annotations

import time

from dispatch.journal import Malformed
from tests.fake_ami import FakeAmi, error, fake_ami, until
from tests.unit.test_bridge_journal import Domain, bridge, journal_is_empty, put, record

FOR_EVER = 60.0


def service(peer: FakeAmi, call_id: str, **told: bool) -> None:
    put(peer, call_id, "001", record("arrived", 1.5, to="81890") + "&kind=service", **told)


def press(peer: FakeAmi, call_id: str) -> None:
    put(peer, call_id, "001", record("arrived", 1.5, to="81891") + "&kind=emergency")


async def test_ordinary_calls_that_come_together_are_committed_together():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.2):
        for number in range(40):
            service(peer, f"c{number}")
            put(peer, f"c{number}", "002", record("greeted", 1.6))
        await until(lambda: len(domain.steps) == 80)
        assert domain.batches == [80]
        assert not any(domain.urgent.values())
        await until(lambda: journal_is_empty(peer))


async def test_an_emergency_does_not_wait_while_ordinary_calls_gather():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=FOR_EVER):
        service(peer, "c1")
        press(peer, "c2")
        put(peer, "c2", "002", record("queued", 1.6, queue="emergency"))
        await until(lambda: domain.of("c2") == ["001", "002"])
        assert domain.of("c1") == []
        assert set(domain.urgent.values()) == {True}


async def test_an_emergency_does_not_wait_for_the_commit_of_ordinary_calls():
    domain = Domain()
    domain.gate_is_for_ordinary_calls = True
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.0) as one:
        domain.gate.clear()
        service(peer, "c1")
        await until(lambda: one.metrics["journal_batches"] == 1)
        press(peer, "c2")
        await until(lambda: domain.of("c2") == ["001"])
        assert domain.of("c1") == []
        domain.gate.set()
        await until(lambda: journal_is_empty(peer))


async def test_a_call_that_turns_into_an_emergency_goes_at_once_with_all_its_steps_in_order():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=FOR_EVER):
        service(peer, "c1")
        put(peer, "c1", "002", record("queued", 1.6, queue="emergency"))
        await until(lambda: domain.of("c1") == ["001", "002"])
        assert domain.batches == [2]
        assert set(domain.urgent.values()) == {True}


async def test_a_call_that_turns_into_an_emergency_during_its_commit_is_never_under_way_twice():
    domain = Domain()
    domain.gate_is_for_ordinary_calls = True
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.0) as one:
        domain.gate.clear()
        service(peer, "c1")
        await until(lambda: one.metrics["journal_batches"] == 1)
        put(peer, "c1", "002", record("queued", 1.6, queue="emergency"))
        press(peer, "c2")
        await until(lambda: domain.of("c2") == ["001"])
        assert domain.of("c1") == []
        domain.gate.set()
        await until(lambda: domain.of("c1") == ["001", "002"])
        assert domain.urgent["c1", "002"]
        await until(lambda: one.metrics["journal_pending"] == 0 and journal_is_empty(peer))


async def test_a_call_of_which_nothing_is_known_counts_as_an_emergency_until_its_first_step_is_heard():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=FOR_EVER) as one:
        put(peer, "c1", "003", record("ended", 2.0))
        await until(lambda: domain.of("c1") == ["003"])
        put(peer, "c2", "001", "no record at all")
        await until(lambda: domain.of("c2") == ["001"])
        assert isinstance(domain.steps[-1], Malformed)
        assert all(domain.urgent.values())
        await until(lambda: one.metrics["journal_pending"] == 0)


async def test_a_first_step_that_comes_late_leaves_nothing_behind_in_either_lane():
    domain = Domain()
    domain.gate.clear()
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.0, audit_interval=0.05) as one:
        put(peer, "c1", "002", record("greeted", 1.6), tell=False)
        one.resync_soon()
        await until(lambda: one.metrics["journal_batches"] == 1)
        service(peer, "c1")
        put(peer, "c1", "003", record("ended", 2.0))
        await until(lambda: one.metrics["journal_pending"] == 3)
        domain.gate.set()
        await until(lambda: domain.of("c1") == ["002", "001", "003"])
        resyncs = one.metrics["resyncs"]
        await until(lambda: one.metrics["resyncs"] > resyncs + 1)
        assert domain.snapshots[-1].live_call_ids == frozenset()  # nothing of it waits any more
        assert journal_is_empty(peer)


async def test_what_was_gathered_when_the_application_died_is_read_again_and_nothing_is_doubled():
    domain = Domain()
    async with fake_ami() as peer:
        async with bridge(peer, domain, journal_gather=FOR_EVER) as one:
            for number in range(10):
                service(peer, f"c{number}")
            await until(lambda: one.metrics["journal_pending"] == 10)
        assert domain.steps == []
        assert not peer.asked("DBDel")
        async with bridge(peer, domain, journal_gather=0.0):
            await until(lambda: journal_is_empty(peer))
        assert sorted(step.call_id for step in domain.steps) == sorted(f"c{number}" for number in range(10))


async def test_one_call_that_is_refused_spoils_none_of_those_gathered_with_it():
    domain = Domain()
    domain.refuses = lambda step: step.call_id == "c7"
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.05):
        for number in range(20):
            service(peer, f"c{number}")
        await until(lambda: len(domain.steps) == 19)
        assert domain.batches[0] == 20
        domain.refuses = lambda _step: False
        await until(lambda: journal_is_empty(peer))
        assert len(domain.steps) == 20


async def test_deletions_wait_while_steps_wait_but_not_for_ever():
    domain = Domain()
    domain.gate_is_for_ordinary_calls = True
    async with fake_ami() as peer, bridge(peer, domain, journal_gather=0.0) as one:
        domain.gate.clear()
        service(peer, "c1")
        await until(lambda: one.metrics["journal_batches"] == 1)
        began = time.monotonic()
        press(peer, "c2")
        await until(lambda: "/journal/c2/001" not in peer.astdb)
        assert time.monotonic() - began > 0.5
        assert "/journal/c1/001" in peer.astdb
        domain.gate.set()
        await until(lambda: journal_is_empty(peer))


async def test_a_key_that_no_action_can_name_spoils_no_other_deletion():
    domain = Domain()
    async with fake_ami() as peer:
        service(peer, "c1", tell=False)
        put(peer, "c2", "x" * 1100, record("arrived", 1.5), tell=False)
        async with bridge(peer, domain, journal_gather=0.0) as one:
            await until(lambda: "/journal/c1/001" not in peer.astdb)
            await until(lambda: one.metrics["journal_delete_failures"] >= 1)
    assert any(key.startswith("/journal/c2/") for key in peer.astdb), "what could not be named is still there"


async def test_of_deletions_that_are_refused_only_keys_still_there_count_as_failures():
    domain = Domain()
    async with fake_ami() as peer:
        peer.answers["DBDel"] = lambda _peer, action: error(action, "Database entry could not be deleted")
        async with bridge(peer, domain, journal_gather=0.0) as one:
            service(peer, "c1")
            await until(lambda: one.metrics["journal_delete_failures"] == 1)
            peer.astdb.clear()
            service(peer, "c1")
            peer.astdb.clear()
            await until(lambda: one.metrics["journal_deleted"] == 1)
