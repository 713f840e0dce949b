"""Recordings: one for each answered call, tied to it, kept for its time, and heard only with a note of who did."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.recorder import Recorder, RecordingPlan, file_of
from dispatch import alarms, arrivals, call_backs, recordings
from dispatch.call_backs import Desk
from dispatch.errors import BadInput
from dispatch.recording_tables import Recording
from dispatch.recordings import Keep
from dispatch.tables import RingBack, StaffTask
from foundation.database import Database
from tests.integration.dispatch_support import Town, press, service_call, steps

KEEP = Keep(timedelta(days=180), timedelta(days=1095))
SECOND = b"\x01\x00" * 8000


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


@pytest.fixture
def plan(tmp_path: Path) -> RecordingPlan:
    (tmp_path / "spool").mkdir()
    return RecordingPlan(tmp_path / "spool", tmp_path / "kept", KEEP)


@pytest.fixture
def recorder(town: Town, plan: RecordingPlan) -> Recorder:
    return Recorder(plan, town.database, town.writer)


def talked(town: Town, call_id: str, caller: str = "13800000101", ended: bool = True) -> int:
    more = [("answered", 6.0, {"who": "seat-op1"}), *([("ended", 60.0, {"cause": "16"})] if ended else [])]
    return int(town.call(arrivals.record_steps, service_call(call_id, *more, caller=caller)).new[0])


def recorded(plan: RecordingPlan, call_id: str, seconds: int = 3, header: bool = True) -> Path:
    assert plan.spool is not None
    path = plan.spool / f"{call_id}.wav"
    data = SECOND * seconds
    size = len(data) if header else 0
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    path.write_bytes(head + b"data" + struct.pack("<I", size) + data)
    os.utime(path, (0, 0))
    return path


async def look(town: Town, recorder: Recorder, **later: float) -> list[Recording]:
    town.clock.at += timedelta(**later)
    await recorder.look(town.clock.at)
    return town.rows(select(Recording).order_by(Recording.id))


async def test_an_answered_call_has_its_recording_tied_to_its_arrival(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    arrival_id = talked(town, "node1-1.1")
    path = recorded(plan, "node1-1.1")
    (row,) = await look(town, recorder, seconds=70)
    assert (row.arrival_id, row.state, row.seconds) == (arrival_id, "kept", 3.0)
    assert row.keep_until == town.clock.at + KEEP.ordinary
    assert not path.exists(), "the spool stays small"
    assert file_of(plan, row) is not None
    assert len(await look(town, recorder, seconds=70)) == 1


async def test_an_exchange_that_died_leaves_a_recording_that_can_be_played(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    talked(town, "node1-1.1")
    recorded(plan, "node1-1.1", header=False)
    (row,) = await look(town, recorder, seconds=70)
    kept = file_of(plan, row)
    assert kept is not None
    assert struct.unpack("<I", kept.read_bytes()[40:44])[0] == 3 * 16000


async def test_a_call_without_its_recording_is_reported_once(town: Town, recorder: Recorder) -> None:
    arrival_id = talked(town, "node1-1.1")
    talked(town, "node1-1.2", caller="13800000102", ended=False)
    assert await look(town, recorder, seconds=65) == [], "it may still be on its way"
    rows = await look(town, recorder, seconds=60)
    await look(town, recorder, seconds=60)
    assert [(row.call_id, row.state) for row in rows] == [("node1-1.1", "missing")]
    (task,) = town.rows(select(StaffTask).where(StaffTask.kind == "recording_missing"))
    assert task.arrival_id == arrival_id


async def test_a_recording_without_sound_is_missing_too(town: Town, plan: RecordingPlan, recorder: Recorder) -> None:
    talked(town, "node1-1.1")
    recorded(plan, "node1-1.1", seconds=0)
    (row,) = await look(town, recorder, seconds=130)
    assert row.state == "missing"


async def test_a_call_that_was_over_as_soon_as_it_was_answered_needs_no_recording(
    town: Town, recorder: Recorder
) -> None:
    words = ("answered", 6.0, {"who": "seat-op1"}), ("ended", 7.5, {"cause": "16"})
    town.call(arrivals.record_steps, service_call("node1-1.1", *words))
    assert await look(town, recorder, seconds=130) == []


async def test_a_call_back_is_looked_for_when_it_is_over_itself(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    town.call(arrivals.record_steps, service_call("node1-1.1", ("ended", 30, {"cause": "16"})))
    town.clock.at += timedelta(seconds=200)
    (back,) = town.call(call_backs.make_next, Desk(signed_in=2, free=2))
    told = steps(back, ("called", 200, {}), ("answered", 201, {"who": "seat-op1"}), ("ended", 290, {"cause": "16"}))
    town.call(arrivals.record_steps, told[:2])
    assert await look(town, recorder, seconds=60) == [], "they are still talking"
    town.call(arrivals.record_steps, told[2:])
    (row,) = await look(town, recorder, seconds=130)
    assert (row.call_id, row.state) == (back, "missing")


async def test_a_ring_back_has_its_recording_too(town: Town, recorder: Recorder) -> None:
    cut = press("node1-2.1", ("ended", 4, {"cause": "16"}))
    (alarm,) = town.call(arrivals.record_steps, cut, priority=0).alarms
    (back,) = [row.call_id for row in town.rows(select(RingBack))]
    told = steps(back, ("rungback", 10, {"alarm": str(alarm)}), ("took", 15, {"who": "seat-op1"}),
                 ("ended", 60, {"cause": "16"}))  # fmt: skip
    town.call(arrivals.record_steps, told)
    (row,) = await look(town, recorder, seconds=130)
    assert (row.call_id, row.state) == (back, "missing")


async def test_in_a_busy_hour_the_missing_one_among_many_is_found(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    talked(town, "node1-1.1", caller="13800000199")
    for place in range(2, 120):
        talked(town, f"node1-1.{place}")
        recorded(plan, f"node1-1.{place}", seconds=1)
    rows = await look(town, recorder, seconds=130)
    assert [row.call_id for row in rows if row.state == "missing"] == ["node1-1.1"]


async def test_talks_too_short_to_record_hide_no_missing_one(town: Town, recorder: Recorder) -> None:
    words = ("answered", 6.0, {"who": "seat-op1"}), ("ended", 7.0, {"cause": "16"})
    for place in range(101):
        town.call(arrivals.record_steps, service_call(f"node1-1.{place}", *words))
    talked(town, "node1-2.1", caller="13800000199")
    (row,) = await look(town, recorder, seconds=130)
    assert (row.call_id, row.state) == ("node1-2.1", "missing")


async def test_a_recording_that_comes_late_ends_the_search(town: Town, plan: RecordingPlan, recorder: Recorder) -> None:
    talked(town, "node1-1.1")
    await look(town, recorder, seconds=130)
    recorded(plan, "node1-1.1")
    (row,) = await look(town, recorder, seconds=10)
    assert row.state == "kept"


async def test_a_call_nobody_answered_needs_no_recording(town: Town, recorder: Recorder) -> None:
    town.call(arrivals.record_steps, service_call("node1-1.1", ("ended", 30, {"cause": "16"})))
    assert await look(town, recorder, seconds=300) == []


async def test_an_emergency_is_kept_longer_and_none_goes_while_its_ticket_is_open(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    told = press("node1-2.1", ("answered", 3, {"who": "seat-op1"}), ("took", 3.1, {"who": "seat-op1"}),
                 ("ended", 60, {"cause": "16"}))  # fmt: skip
    alarm = next(iter(town.call(arrivals.record_steps, told, priority=0).alarms))
    recorded(plan, "node1-2.1")
    (row,) = await look(town, recorder, seconds=70)
    assert row.keep_until == town.clock.at + KEEP.emergency
    (row,) = await look(town, recorder, days=1100)
    assert row.state == "kept", "its alarm is still open"
    town.call(alarms.grade, alarm, "concern")
    town.call(alarms.confirm, alarm, "voice")
    town.call(alarms.close, alarm, "no_need", "平安")
    kept = file_of(plan, row)
    assert kept is not None
    (row,) = await look(town, recorder, seconds=10)
    assert row.state == "deleted"
    assert not kept.exists()


async def test_what_a_crash_between_database_and_disk_left_is_set_right(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    talked(town, "node1-1.1")
    recorded(plan, "node1-1.1")
    (row,) = await look(town, recorder, seconds=70)
    town.call(recordings.forget, [row.id])
    kept = file_of(plan, row)
    assert kept is not None
    await look(town, recorder, seconds=10)
    assert not kept.exists()


async def test_a_file_that_no_call_can_be_called_is_left_alone(
    town: Town, plan: RecordingPlan, recorder: Recorder
) -> None:
    assert plan.spool is not None
    strange = recorded(plan, "a b")
    assert await look(town, recorder, seconds=300) == []
    assert strange.exists()


def test_who_listens_is_written_down_first(town: Town) -> None:
    arrival_id = talked(town, "node1-1.1")
    town.call(recordings.take_in, [recordings.File("node1-1.1", 3, 48044, "x")], KEEP)
    (row,) = town.rows(select(Recording))
    assert town.call(recordings.open_for, row.id, actor="user:chen") == "node1-1.1"
    heard = [h for h in town.happened if h.kind == "recording.heard"]
    assert [(h.actor, h.arrival_id) for h in heard] == [("user:chen", arrival_id)]
    town.call(recordings.forget, [row.id])
    with pytest.raises(BadInput):
        town.call(recordings.open_for, row.id)


def test_a_pause_is_asked_of_the_exchange_and_ends_by_itself(town: Town) -> None:
    arrival_id = talked(town, "node1-1.1", ended=False)
    town.call(recordings.pause, arrival_id, paused=True)
    (message,) = town.pump("call")
    assert message.params == {"call": "node1-1.1", "paused": True}
    assert town.call(lambda w: recordings.is_paused(w.session, arrival_id))
    town.forward(minutes=2, seconds=1)
    (message,) = town.pump("call")
    assert message.params["paused"] is False
    assert not town.call(lambda w: recordings.is_paused(w.session, arrival_id))


def test_a_pause_by_hand_ends_by_hand_and_a_call_that_is_over_cannot_be_paused(town: Town) -> None:
    arrival_id = talked(town, "node1-1.1", ended=False)
    town.call(recordings.pause, arrival_id, paused=True)
    town.call(recordings.pause, arrival_id, paused=False)
    assert [m.params["paused"] for m in town.pump("call")] == [True, False]
    assert "fired:recording.resume" not in town.forward(minutes=3)
    over = talked(town, "node1-1.2", caller="13800000102")
    with pytest.raises(BadInput):
        town.call(recordings.pause, over, paused=True)
