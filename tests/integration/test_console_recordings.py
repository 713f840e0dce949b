"""Recordings in the console: who may listen, and that it is written down; pausing while something private is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch import recordings
from dispatch.recording_tables import Recording
from foundation.database import Database
from foundation.tables import TicketEvent
from tests.console_desk import Browser, Desk

KEEP = recordings.Keep(timedelta(days=1), timedelta(days=1))
TALKED = (("answered", 6.0, {"who": "seat-op1"}), ("ended", 60.0, {"cause": "16"}))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    file = tmp_path / "sound.wav"
    file.write_bytes(b"RIFF and sound")
    return file


@pytest.fixture
def desk(sqlite_url: str, sound: Path) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database, recording_file=lambda _row: sound)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    with desk.client() as client:
        clients = [client]

        def signed_in(login: str) -> Browser:
            clients.append(desk.client())
            return Browser(clients[-1], login)

        yield signed_in
        for other in clients[1:]:
            other.close()


def kept(desk: Desk) -> tuple[int, int]:
    """A call that was recorded; the arrival and the recording."""
    arrival_id = desk.rings("node1-2.1", *TALKED)
    desk.town.call(recordings.take_in, [recordings.File("node1-2.1", 32.4, 500_000, "x")], KEEP)
    (row,) = desk.town.rows(select(Recording))
    return arrival_id, row.id


def test_a_supervisor_listens_and_it_is_written_down(
    desk: Desk, browser: Callable[[str], Browser], sound: Path
) -> None:
    arrival_id, recording_id = kept(desk)
    chen = browser("chen")
    assert "0:32" in chen.get(f"/calls/{arrival_id}").text
    player = chen.post(f"/recordings/{recording_id}/open").text
    source = player.split('src="')[1].split('"')[0]
    answer = chen.get(source)
    assert answer.content == sound.read_bytes()
    assert answer.headers["cache-control"] == "no-store"
    heard = desk.town.rows(select(TicketEvent).where(TicketEvent.kind == "recording.heard"))
    assert [(event.actor, event.arrival_id) for event in heard] == [("user:chen", arrival_id)]


def test_nobody_listens_without_opening_it_first_nor_with_anothers_pass(
    desk: Desk, browser: Callable[[str], Browser]
) -> None:
    _, recording_id = kept(desk)
    chen = browser("chen")
    player = chen.post(f"/recordings/{recording_id}/open").text
    source = player.split('src="')[1].split('"')[0]
    assert chen.get(f"/recordings/{recording_id}/audio").status_code == 404
    assert chen.get(source[:-3]).status_code == 404
    li = browser("li")
    assert li.get(source).status_code == 403
    assert li.post(f"/recordings/{recording_id}/open").status_code == 403
    assert 'hx-post="/recordings' not in li.get("/calls/1").text
    desk.town.call(recordings.forget, [recording_id])
    assert chen.get(source).status_code == 404


def test_an_operator_pauses_the_recording_of_the_call_in_hand(desk: Desk, browser: Callable[[str], Browser]) -> None:
    arrival_id = desk.rings("node1-2.1", TALKED[0])
    li = browser("li")
    assert "暂停录音" in li.get(f"/calls/{arrival_id}/actions").text
    assert "恢复录音" in li.post(f"/calls/{arrival_id}/recording", paused="true").text
    assert "暂停录音" in li.post(f"/calls/{arrival_id}/recording", paused="false").text
    assert [m.params["paused"] for m in desk.town.pump("call")] == [True, False]
    over = desk.rings("node1-2.2", *TALKED, caller="13800000109")
    assert li.post(f"/calls/{over}/recording", paused="true").status_code == 422
