"""The writer: one transaction a command, the urgent first, and nothing heard that was not committed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from foundation.clock import MovableClock
from foundation.database import Database
from foundation.events import Happened
from foundation.tables import Heartbeat, InboxItem, TicketEvent
from foundation.writer import Priority, Work, Writer, WriterClosedError


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    opened = Writer(database, MovableClock())
    yield opened
    opened.close()


def count_events(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(TicketEvent)) or 0


def note(w: Work, kind: str) -> str:
    w.log(kind, said="王秀英")
    return kind


def note_and_break(w: Work) -> None:
    note(w, "thing.happened")
    w.session.flush()
    raise RuntimeError("broken half-way")


def test_what_a_command_wrote_is_there_when_its_caller_hears_of_success(writer: Writer, database: Database) -> None:
    assert writer.call(note, "thing.happened", actor="user:op1") == "thing.happened"
    with database.read() as session:
        event = session.scalars(select(TicketEvent)).one()
    assert (event.kind, event.actor, event.detail) == ("thing.happened", "user:op1", {"said": "王秀英"})


def test_nothing_stays_of_a_command_that_raises_and_no_listener_hears_of_it(writer: Writer, database: Database) -> None:
    heard: list[Happened] = []
    writer.on_commit(heard.extend)
    with pytest.raises(RuntimeError, match="half-way"):
        writer.call(note_and_break)
    assert count_events(database) == 0
    writer.call(note, "thing.mended")
    assert [h.kind for h in heard] == ["thing.mended"]


def attempt_and_go_on(w: Work) -> None:
    note(w, "first.noted")
    with contextlib.suppress(RuntimeError), w.attempt():
        note_and_break(w)
    note(w, "last.noted")


def test_nothing_is_stored_or_heard_of_a_part_that_failed_by_itself(writer: Writer, database: Database) -> None:
    heard: list[Happened] = []
    writer.on_commit(heard.extend)
    writer.call(attempt_and_go_on)
    assert [h.kind for h in heard] == ["first.noted", "last.noted"]
    with database.read() as session:
        assert list(session.scalars(select(TicketEvent.kind).order_by(TicketEvent.id))) == ["first.noted", "last.noted"]


def test_a_listener_hears_only_what_a_reader_can_already_see(writer: Writer, database: Database) -> None:
    seen: list[int] = []
    writer.on_commit(lambda _happened: seen.append(count_events(database)))
    writer.call(note, "thing.happened")
    assert seen == [1]


def test_a_listener_that_fails_stops_neither_the_command_nor_the_next_listener(writer: Writer) -> None:
    heard: list[Happened] = []

    def fail(_happened: list[Happened]) -> None:
        raise RuntimeError("a page broke")

    writer.on_commit(fail)
    writer.on_commit(heard.extend)
    assert writer.call(note, "thing.happened") == "thing.happened"
    assert len(heard) == 1


def test_an_emergency_goes_before_everything_that_waits(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    writer = Writer(database, MovableClock())
    busy, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def hold(_w: Work) -> None:
        busy.set()
        assert go_on.wait(10)

    def remember(_w: Work, name: str) -> None:
        order.append(name)

    try:
        held = writer.submit(hold, Priority.NORMAL, "test")
        assert busy.wait(10)
        waiting = [writer.submit(remember, Priority.BULK, "test", f"bulk {n}") for n in range(50)]
        waiting += [writer.submit(remember, Priority.NORMAL, "test", f"normal {n}") for n in range(50)]
        waiting.append(writer.submit(remember, Priority.EMERGENCY, "test", "emergency"))
        go_on.set()
        for one in [held, *waiting]:
            one.result(10)
    finally:
        writer.close()
        database.dispose()
    assert order[0] == "emergency"
    assert order[1:51] == [f"normal {n}" for n in range(50)]
    assert order[51:] == [f"bulk {n}" for n in range(50)]


def test_read_modify_write_by_two_processes_at_once_loses_nothing(
    writer: Writer, database: Database, database_url: str
) -> None:
    """A deferred transaction of SQLite's refuses the stale writer; one that begins with the lock never is stale."""
    elsewhere = Database(database_url)
    other = Writer(elsewhere, MovableClock())

    def begin(w: Work) -> None:
        w.session.add(InboxItem(source="test", external_id="1", payload={"n": 0}, received_at=w.now, attempts=0))

    def add_one(w: Work) -> None:
        item = w.session.scalars(select(InboxItem).with_for_update()).one()
        item.payload = {"n": item.payload["n"] + 1}

    writer.call(begin)
    try:
        for one in [either.submit(add_one, Priority.NORMAL, "test") for _ in range(50) for either in (writer, other)]:
            one.result(30)
    finally:
        other.close()
        elsewhere.dispose()
    with database.read() as session:
        assert session.scalars(select(InboxItem)).one().payload == {"n": 100}


def test_a_reader_cannot_write(database: Database) -> None:
    with database.read() as session:
        session.add(Heartbeat(name="x", at=MovableClock().now()))
        with pytest.raises(Exception, match=r"(?i)read.?only"):
            session.flush()


def test_a_closed_writer_finishes_what_waits_and_takes_no_more(database: Database) -> None:
    writer = Writer(database, MovableClock())
    waiting = [writer.submit(note, Priority.BULK, "test", f"thing.n{n}") for n in range(20)]
    writer.close()
    assert all(one.done() for one in waiting)
    assert count_events(database) == 20
    with pytest.raises(WriterClosedError, match="stopping"):
        writer.call(note, "thing.late")
