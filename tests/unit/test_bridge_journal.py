"""The journal's way into the database: nothing lost, nothing out of order, nobody kept waiting by another's defect."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from callcenter.bridge.bridge import Bridge, BridgeCallbacks
from callcenter.bridge.calls import Snapshot
from callcenter.bridge.household import HouseholdData
from callcenter.bridge.link import LinkState
from callcenter.bridge.order import Step, in_order, predecessor
from callcenter.bridge.settings import BridgeSettings
from dispatch.journal import CallStep, Malformed, parse
from tests.fake_ami import FakeAmi, event, fake_ami, until


def record(kind: str, t: float, **fields: str) -> str:
    return "&".join([f"s={kind}", f"t={t:.6f}", *(f"{key}={value}" for key, value in fields.items())])


class Domain:
    """A database of steps: what it has accepted, in order, and whom it refuses."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.batches: list[int] = []
        self.urgent: dict[tuple[str, str], bool] = {}
        self.snapshots: list[Snapshot] = []
        self.alarms: list[str] = []
        self.refuses = lambda _step: False
        self.gate = asyncio.Event()
        self.gate.set()
        self.gate_is_for_ordinary_calls = False

    async def on_steps(self, steps, urgent) -> None:
        if not urgent or not self.gate_is_for_ordinary_calls:
            await self.gate.wait()
        self.batches.append(len(steps))
        if any(self.refuses(step) for step in steps):
            raise RuntimeError("the database refuses")
        self.steps += steps
        self.urgent |= {(step.call_id, step.step): urgent for step in steps}

    async def on_resync(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def household(self) -> HouseholdData:
        return HouseholdData(1, {})

    async def seats(self):
        return {}

    def of(self, call_id: str) -> list[str]:
        return [step.step for step in self.steps if step.call_id == call_id]


@asynccontextmanager
async def bridge(peer: FakeAmi, domain: Domain, *, ready: bool = True, **changes):
    quick = {"backoff_first": 0.01, "backoff_cap": 0.05, "journal_backoff": 0.002, "journal_backoff_cap": 0.02}
    settings = BridgeSettings("127.0.0.1", peer.port, "bridge", "s", **{**quick, **changes})
    callbacks = BridgeCallbacks(
        domain.on_steps, domain.on_resync, domain.household, domain.seats, on_alarm=domain.alarms.append
    )
    one = Bridge(settings, callbacks)
    task = asyncio.create_task(one.run())
    try:
        if ready:
            await until(lambda: one.state is LinkState.READY)
        yield one
    finally:
        one.close()
        await asyncio.wait_for(task, 5)


def put(peer: FakeAmi, call_id: str, step: str, text: str, *, tell: bool = True) -> None:
    """What the dialplan does: database first, then the event."""
    peer.astdb[f"/journal/{call_id}/{step}"] = text
    if tell:
        peer.send(event("UserEvent", UserEvent="Journal", Call=call_id, Step=step, Record=text))


def journal_is_empty(peer: FakeAmi) -> bool:
    return not any(key.startswith("/journal/") for key in peer.astdb)


async def test_a_step_is_deleted_from_file_and_database_only_after_its_commit(tmp_path: Path):
    (tmp_path / "journal").mkdir()
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, spool=tmp_path):
        file = tmp_path / "journal" / "c1~001"
        file.write_text("x")
        domain.gate.clear()
        put(peer, "c1", "001", record("arrived", 1.5, to="81891"))
        await until(lambda: not journal_is_empty(peer))
        assert not peer.asked("DBDel")
        assert file.exists()
        domain.gate.set()
        await until(lambda: journal_is_empty(peer))
        assert not file.exists()
        assert domain.of("c1") == ["001"]


async def test_the_file_is_gone_before_the_database_key(tmp_path: Path):
    (tmp_path / "journal").mkdir()
    file = tmp_path / "journal" / "c1~001"
    file.write_text("x")
    there: list[bool] = []
    domain = Domain()
    async with fake_ami() as peer:

        def delete(peer: FakeAmi, action):
            there.append(file.exists())
            return peer._on_dbdel(action)

        peer.answers["DBDel"] = delete
        put(peer, "c1", "001", record("arrived", 1.5), tell=False)
        async with bridge(peer, domain, spool=tmp_path):
            await until(lambda: journal_is_empty(peer))
    assert there, "the key was never deleted"
    assert not any(there)  # it may be asked for twice, when the answer is late


async def test_what_was_written_while_nobody_listened_comes_in_order_and_in_one_batch():
    domain = Domain()
    async with fake_ami() as peer:
        put(peer, "c1", "003", record("rung", 3), tell=False)
        put(peer, "c1", "duty-1.99-001", record("tried", 3.5, who="duty-1"), tell=False)
        put(peer, "c1", "004", record("ended", 4), tell=False)
        put(peer, "c1", "001", record("arrived", 1), tell=False)
        put(peer, "c1", "002", record("queued", 2), tell=False)
        async with bridge(peer, domain):
            await until(lambda: journal_is_empty(peer))
    assert domain.of("c1") == ["001", "002", "003", "duty-1.99-001", "004"]
    assert domain.batches == [5]


async def test_a_step_whose_predecessor_was_missed_waits_until_that_was_fetched():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain) as one:
        put(peer, "c1", "001", record("arrived", 1), tell=False)
        put(peer, "c1", "002", record("queued", 2), tell=False)
        put(peer, "c1", "003", record("ended", 3))
        await until(lambda: journal_is_empty(peer))
        assert one.metrics["journal_gaps"] == 1
    assert domain.of("c1") == ["001", "002", "003"]


async def test_a_step_comes_without_its_predecessor_when_the_exchange_has_it_no_longer():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain):
        put(peer, "c1", "007", record("ended", 3))
        await until(lambda: domain.of("c1") == ["007"])


async def test_a_step_that_a_hangup_kept_out_of_the_database_is_taken_from_its_file(tmp_path: Path):
    (tmp_path / "journal").mkdir()
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, spool=tmp_path):
        file = tmp_path / "journal" / "c1~001"
        file.write_text(record("arrived", 1, to="81891") + "\n")
        put(peer, "c1", "002", record("ended", 2))
        await until(lambda: domain.of("c1") == ["001", "002"])
        await until(lambda: not file.exists())


async def test_files_left_behind_are_found_by_a_resync_and_fresh_ones_are_let_be(tmp_path: Path):
    folder = tmp_path / "journal"
    folder.mkdir()
    for name in ("old~001", "fresh~001", "no mark", "bad name~001"):
        (folder / name).write_text(record("arrived", 1))
        if "fresh" not in name:
            os.utime(folder / name, (1, 1))
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, spool=tmp_path):
        await until(lambda: domain.of("old") == ["001"])
        await until(lambda: not (folder / "old~001").exists())
    assert sorted(file.name for file in folder.iterdir()) == ["bad name~001", "fresh~001", "no mark"]
    assert len(domain.steps) == 1


async def test_a_gap_that_cannot_be_asked_for_is_settled_by_the_next_resync():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain):

        def cut_once(peer: FakeAmi, action):
            if "key" not in action:
                return peer._on_dbgettree(action)
            del peer.answers["DBGetTree"]
            peer.cut()
            return None

        peer.answers["DBGetTree"] = cut_once
        put(peer, "c1", "001", record("arrived", 1), tell=False)
        put(peer, "c1", "002", record("ended", 3))
        await until(lambda: journal_is_empty(peer))
    assert domain.of("c1") == ["001", "002"]
    assert peer.connections == 2


async def test_a_step_told_twice_is_handed_over_once():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain):
        domain.gate.clear()
        for _ in range(3):
            put(peer, "c1", "001", record("arrived", 1))
        domain.gate.set()
        await until(lambda: journal_is_empty(peer))
        put(peer, "c1", "001", record("arrived", 1))
        await until(lambda: journal_is_empty(peer))
    assert domain.of("c1") == ["001"]


async def test_a_step_whose_deletion_was_lost_is_deleted_later_and_not_handed_over_again():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain):

        def cut_once(peer: FakeAmi, action):
            del peer.answers["DBDel"]
            peer.cut()
            return

        peer.answers["DBDel"] = cut_once
        put(peer, "c1", "001", record("arrived", 1))
        await until(lambda: journal_is_empty(peer))
    assert domain.of("c1") == ["001"]


async def test_while_the_database_is_away_steps_wait_and_then_come_in_order():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain) as one:
        domain.refuses = lambda _step: True
        for number in range(1, 4):
            for call in range(5):
                put(peer, f"c{call}", f"{number:03d}", record("tried", number))
        await until(lambda: one.metrics["journal_refusals"] > 150)
        assert not peer.asked("DBDel")
        domain.refuses = lambda _step: False
        await until(lambda: journal_is_empty(peer))
        assert one.metrics["journal_set_aside"] == 0
    assert all(domain.of(f"c{call}") == ["001", "002", "003"] for call in range(5))
    assert not any(isinstance(step, Malformed) for step in domain.steps)


async def test_a_step_that_is_always_refused_stops_neither_other_calls_nor_its_own_for_ever():
    domain = Domain()
    domain.refuses = lambda step: step.call_id == "bad" and step.step == "002"
    async with fake_ami() as peer, bridge(peer, domain, journal_tries=3) as one:
        for number in (1, 2, 3):
            put(peer, "bad", f"{number:03d}", record("tried", number))
        for call in range(2000):
            put(peer, f"good-{call}", "001", record("arrived", 5))
            await until(lambda call=call: domain.of(f"good-{call}") == ["001"])
            if one.metrics["journal_set_aside"]:
                break
        await until(lambda: domain.of("bad") == ["001", "003"])
        await until(lambda: list(peer.astdb) == ["/journal/bad/002", "/app/household_version"] or len(peer.astdb) == 2)
    assert "/journal/bad/002" in peer.astdb
    assert "bad" in domain.alarms[0]


async def test_a_refused_step_is_at_last_offered_as_a_note_for_a_person():
    domain = Domain()
    domain.refuses = lambda step: step.call_id == "bad" and isinstance(step, CallStep)
    async with fake_ami() as peer, bridge(peer, domain, journal_tries=2):
        put(peer, "bad", "001", record("arrived", 1, to="81891"))
        for call in range(2000):
            put(peer, f"good-{call}", "001", record("arrived", 5))
            await until(lambda call=call: domain.of(f"good-{call}") == ["001"])
            if domain.of("bad"):
                break
        await until(lambda: journal_is_empty(peer))
    (note,) = [step for step in domain.steps if step.call_id == "bad"]
    assert isinstance(note, Malformed)
    assert "81891" in note.record


async def test_records_and_keys_nobody_can_read_become_notes_and_go_away():
    domain = Domain()
    async with fake_ami() as peer:
        peer.astdb |= {
            "/journal/c1/001": "rubbish",
            "/journal/a/b/c": record("took", 1),
            "/journal/alone": record("took", 1),
            "/journal/../../etc~x/001": "s=took",
        }
        async with bridge(peer, domain):
            await until(lambda: journal_is_empty(peer))
    assert len(domain.steps) == 4
    assert all(isinstance(step, Malformed) for step in domain.steps)


async def test_a_burst_of_ten_thousand_events_overflows_into_a_resync_and_nothing_is_lost():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, queue_limit=500) as one:
        before = one.metrics["resyncs"]
        for start in range(0, 10_000, 1_000):
            burst = []
            for number in range(start, start + 1_000):
                text = record("arrived", 1)
                peer.astdb[f"/journal/c{number}/001"] = text
                burst.append(event("UserEvent", UserEvent="Journal", Call=f"c{number}", Step="001", Record=text))
            peer.send(b"".join(burst))
        await until(lambda: len(domain.steps) == 10_000 and journal_is_empty(peer), 30)
        assert one.metrics["events_overflows"] >= 1
        assert one.metrics["resyncs"] > before
        assert peer.connections == 1


async def test_steps_beyond_the_memorys_bound_are_read_again_later():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain, journal_pending=10) as one:
        domain.gate.clear()
        for call in range(50):
            put(peer, f"c{call}", "001", record("arrived", 1))
        await until(lambda: one.metrics["journal_dropped"] > 0)
        one.resync_soon()
        domain.gate.set()
        await until(lambda: journal_is_empty(peer), 20)
    assert len(domain.steps) == 50


async def test_a_resync_is_told_after_the_steps_before_it_and_spares_calls_that_came_meanwhile():
    domain = Domain()
    order: list[str] = []
    domain_on_steps = domain.on_steps

    async def on_steps(steps, urgent) -> None:
        await domain_on_steps(steps, urgent)
        order.append("steps")

    async def on_resync(snapshot: Snapshot) -> None:
        order.append("resync")
        domain.snapshots.append(snapshot)

    domain.on_steps, domain.on_resync = on_steps, on_resync
    async with fake_ami() as peer:
        peer.channels = [{"Uniqueid": "live-1.1", "Linkedid": "live-1.1", "Channel": "PJSIP/trunk-1"}]
        put(peer, "dead-1.1", "001", record("arrived", 1), tell=False)
        put(peer, "live-1.1", "001", record("arrived", 1), tell=False)

        def list_queues(peer: FakeAmi, action):
            put(peer, "new-1.1", "001", record("arrived", 2), tell=False)
            return peer._on_queuestatus(action)

        peer.answers["QueueStatus"] = list_queues
        async with bridge(peer, domain):
            await until(lambda: domain.snapshots)
    assert domain.snapshots[0].live_call_ids == {"live-1.1", "new-1.1"}
    assert order[-1] == "resync"
    assert domain.of("dead-1.1") == ["001"]


async def test_a_resync_waits_for_the_commit_of_the_steps_read_with_it():
    domain = Domain()
    domain.gate.clear()
    async with fake_ami() as peer:
        put(peer, "dead-1.1", "001", record("arrived", 1), tell=False)
        async with bridge(peer, domain):
            await peer.send_apart(event("Marker"), event("Marker"))
            assert not domain.snapshots
            domain.gate.set()
            await until(lambda: domain.snapshots)
    assert domain.of("dead-1.1") == ["001"]
    assert not domain.snapshots[0].live_call_ids


async def test_a_step_that_is_refused_for_ever_delays_a_resync_only_for_a_while_and_spares_its_call():
    domain = Domain()
    domain.refuses = lambda step: step.call_id == "bad"
    async with fake_ami() as peer:
        put(peer, "bad", "001", record("arrived", 1), tell=False)
        put(peer, "good", "001", record("arrived", 1), tell=False)
        async with bridge(peer, domain, journal_timeout=0.2):
            await until(lambda: domain.snapshots)
    assert domain.of("good") == ["001"]
    assert domain.snapshots[0].live_call_ids == {"bad"}


async def test_ten_calls_with_a_chinese_name_each_cross_a_cut_connection_exactly_once():
    domain = Domain()
    async with fake_ami() as peer, bridge(peer, domain):
        for call in range(10):
            put(peer, f"c{call}", "001", record("arrived", 1, name="%E7%8E%8B%E7%A7%80%E8%8B%B1"))
            if call % 3 == 0:
                peer.cut()
        await until(lambda: journal_is_empty(peer))
    assert sorted(step.call_id for step in domain.steps) == [f"c{call}" for call in range(10)]
    assert {step["name"] for step in domain.steps} == {"王秀英"}


def test_each_step_knows_the_one_before_it():
    assert predecessor("001") is None
    assert predecessor("010") == "009"
    assert predecessor("duty-1.17-001") == "001"
    assert predecessor("duty-1.17-002") == "duty-1.17-001"
    assert predecessor("anything") is None


STEP_IDS = st.sampled_from(["001", "002", "003", "004", "duty-1.9-001", "duty-1.9-002", "contact-2.9-001", "odd"])


@given(st.dictionaries(STEP_IDS, st.integers(0, 10)))
def test_a_channels_own_steps_keep_their_order_whatever_the_clock_does(times):
    waiting = {step: parse("c", step, record("took", t)) for step, t in times.items()}
    order = in_order(waiting)
    assert sorted(order) == sorted(waiting)
    for step in order:
        before = predecessor(step)
        if before in waiting:
            assert order.index(before) < order.index(step)


def test_between_channels_the_exchanges_time_decides():
    times = {"001": 1, "002": 2, "003": 9, "duty-1.9-001": 3, "duty-1.9-002": 8, "contact-2.9-001": 5}
    waiting = {step: parse("c", step, record("took", t)) for step, t in times.items()}
    assert in_order(waiting) == ["001", "002", "duty-1.9-001", "contact-2.9-001", "duty-1.9-002", "003"]
