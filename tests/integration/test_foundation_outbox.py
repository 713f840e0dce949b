"""Outbox, inbox and deadlines: the rows that remember what must still be done, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation import deadlines, inbox, outbox
from foundation.clock import MovableClock
from foundation.database import Database
from foundation.outbox import Message, MessageKind
from foundation.tables import Deadline, InboxItem, OutboxMessage
from foundation.writer import Work, Writer

ALARM = MessageKind("alarm", at_least_once=True, priority=0)
REMINDER = MessageKind("reminder", at_least_once=False, priority=7)
KINDS = {kind.name: kind for kind in (ALARM, REMINDER)}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def writer(database: Database, clock: MovableClock) -> Iterator[Writer]:
    opened = Writer(database, clock)
    yield opened
    opened.close()


def true(_session: Session, _row: OutboxMessage, _now: object) -> None:
    return None


def sms(kind: MessageKind = REMINDER, to: str = "+8615400030001", **more: object) -> Message:
    return Message(kind, "sms", to, "text", {"n": 1}, **more)  # type: ignore[arg-type]


def send(w: Work, message: Message) -> int:
    w.send(message)
    outbox.write(w.session)
    return w.session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id.desc()).limit(1)).one()


def claim(w: Work, limit: int = 10, untrue: object = true) -> list[tuple[int, str]]:
    return [(m.id, m.kind) for m in outbox.claim(w.session, "sms", w.now, limit, untrue)]  # type: ignore[arg-type]


def state_of(database: Database, outbox_id: int) -> str:
    with database.read() as session:
        return session.get_one(OutboxMessage, outbox_id).state


def test_an_emergency_is_the_next_message_sent_though_many_wait(writer: Writer) -> None:
    def queue_many(w: Work) -> None:
        for n in range(500):
            w.send(sms(to=f"+86154000{n:05}"))

    writer.call(queue_many)
    alarm = writer.call(send, sms(ALARM))
    assert writer.call(claim, 1) == [(alarm, "alarm")]


def test_a_message_is_claimed_once_and_never_before_its_time(writer: Writer, clock: MovableClock) -> None:
    later = writer.call(send, sms(not_before=clock.now() + timedelta(minutes=5)))
    assert writer.call(claim) == []
    clock.forward(minutes=6)
    assert writer.call(claim) == [(later, "reminder")]
    assert writer.call(claim) == []


def test_a_message_that_became_untrue_or_too_old_is_never_sent(
    writer: Writer, clock: MovableClock, database: Database
) -> None:
    untrue = writer.call(send, sms())
    assert writer.call(claim, 10, lambda _s, _row, _now: "the order is taken") == []
    assert state_of(database, untrue) == "cancelled"
    old = writer.call(send, sms(valid_until=clock.now() + timedelta(minutes=1)))
    clock.forward(minutes=2)
    assert writer.call(claim) == []
    assert state_of(database, old) == "expired"


def test_a_newer_truth_supersedes_the_older_one(writer: Writer, clock: MovableClock, database: Database) -> None:
    later = clock.now() + timedelta(minutes=5)
    writer.call(send, sms(dedupe_key="eta:1", to="+8615400030009", not_before=later))
    clock.forward(minutes=1)
    newer = writer.call(send, sms(dedupe_key="eta:1"))
    with database.read() as session:
        row = session.scalars(select(OutboxMessage)).one()
        assert (row.recipient, row.state, row.created_at <= clock.now()) == ("+8615400030001", "pending", True)
    assert writer.call(claim) == [(newer, "reminder")]


def test_in_one_command_the_last_word_stands_and_the_earlier_ones_are_kept_as_superseded(
    writer: Writer, database: Database
) -> None:
    def two_words(w: Work) -> None:
        w.send(sms(dedupe_key="eta:1", to="+8615400030007"))
        w.send(sms(dedupe_key="eta:1"))

    writer.call(two_words)
    with database.read() as session:
        rows = session.execute(select(OutboxMessage.recipient, OutboxMessage.state).order_by(OutboxMessage.id)).all()
    assert [tuple(row) for row in rows] == [("+8615400030007", "cancelled"), ("+8615400030001", "pending")]


def test_a_part_that_fails_takes_its_messages_with_it_and_its_withdrawals(writer: Writer, database: Database) -> None:
    def in_part(w: Work) -> None:
        w.send(sms(to="+8615400030001"))
        with pytest.raises(RuntimeError, match="this part"):
            fails(w)

    def fails(w: Work) -> None:
        with w.attempt():
            w.send(sms(to="+8615400030002"))
            for row in outbox.unwritten(w.session):
                row["state"] = "cancelled"
            raise RuntimeError("this part fails")

    writer.call(in_part)
    with database.read() as session:
        rows = session.execute(select(OutboxMessage.recipient, OutboxMessage.state)).all()
    assert [tuple(row) for row in rows] == [("+8615400030001", "pending")]


def test_of_a_sender_that_died_only_the_at_least_once_message_goes_out_again(
    writer: Writer, clock: MovableClock, database: Database
) -> None:
    alarm, reminder = writer.call(send, sms(ALARM)), writer.call(send, sms(REMINDER))
    assert len(writer.call(claim)) == 2
    clock.forward(seconds=11)
    failed = writer.call(lambda w: [m.id for m in outbox.sweep(w.session, KINDS, w.now)])
    assert failed == [reminder]
    assert state_of(database, reminder) == "failed"
    assert writer.call(claim) == [(alarm, "alarm")]


def test_what_is_never_confirmed_is_sent_a_few_times_and_then_fails(
    writer: Writer, clock: MovableClock, database: Database
) -> None:
    alarm = writer.call(send, sms(ALARM))
    tries = 0
    while state_of(database, alarm) == "pending":
        tries += len(writer.call(claim))
        clock.forward(seconds=11)
        writer.call(lambda w: outbox.sweep(w.session, KINDS, w.now))
        clock.forward(minutes=5)
    assert (tries, state_of(database, alarm)) == (4, "failed")


@pytest.mark.parametrize("end", ["the sender dies", "the gateway refuses"])
def test_a_message_on_its_way_does_not_come_back_beside_the_newer_one_that_replaces_it(
    writer: Writer, clock: MovableClock, database: Database, end: str
) -> None:
    older = writer.call(send, sms(ALARM, dedupe_key="resident:1"))
    other = writer.call(send, sms(ALARM, dedupe_key="resident:2"))
    assert len(writer.call(claim)) == 2
    newer = writer.call(send, sms(ALARM, dedupe_key="resident:1"))
    clock.forward(seconds=11)
    if end == "the sender dies":
        writer.call(lambda w: outbox.sweep(w.session, KINDS, w.now))
    else:
        for message in (older, other):
            writer.call(lambda w, m=message: outbox.record_failure(w.session, m, "busy", w.now, permanent=False))
    assert [state_of(database, m) for m in (older, other, newer)] == ["cancelled", "pending", "pending"]


def test_of_two_on_their_way_with_one_key_only_the_newer_waits_again(
    writer: Writer, clock: MovableClock, database: Database
) -> None:
    older = writer.call(send, sms(ALARM, dedupe_key="resident:1"))
    assert writer.call(claim) == [(older, "alarm")]
    newer = writer.call(send, sms(ALARM, dedupe_key="resident:1"))
    assert writer.call(claim) == [(newer, "alarm")]
    clock.forward(seconds=11)
    writer.call(lambda w: outbox.sweep(w.session, KINDS, w.now))
    assert [state_of(database, m) for m in (older, newer)] == ["cancelled", "pending"]


def test_a_temporary_failure_is_tried_again_three_times_and_a_permanent_one_never(
    writer: Writer, clock: MovableClock, database: Database
) -> None:
    message = writer.call(send, sms(ALARM))
    for expected in ["pending", "pending", "pending", "failed"]:
        clock.forward(minutes=5)
        assert writer.call(claim) == [(message, "alarm")]
        said = writer.call(lambda w: outbox.record_failure(w.session, message, "busy", w.now, permanent=False))
        assert said == expected
    other = writer.call(send, sms(ALARM))
    writer.call(claim)
    assert (
        writer.call(lambda w: outbox.record_failure(w.session, other, "no number", w.now, permanent=True)) == "failed"
    )


def test_a_late_receipt_proves_a_sending_and_nothing_moves_backwards(writer: Writer, database: Database) -> None:
    message = writer.call(send, sms())
    writer.call(claim)
    assert writer.call(lambda w: outbox.record_sent(w.session, message, "sandbox", "g-1", "words", w.now))
    assert writer.call(lambda w: outbox.record_delivered(w.session, "g-1", w.now))
    assert state_of(database, message) == "delivered"
    assert not writer.call(lambda w: outbox.record_sent(w.session, message, "sandbox", "g-1", "words", w.now))
    assert state_of(database, message) == "delivered"


def test_withdrawing_needs_to_say_what(writer: Writer) -> None:
    with pytest.raises(ValueError, match="must match nothing"):
        writer.call(lambda w: outbox.withdraw(w.session, "because"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "sending", "claim_deadline": None},
        {"state": "sent", "sent_at": None},
        {"state": "flying"},
    ],
)
def test_the_database_refuses_a_message_in_a_state_that_cannot_be(writer: Writer, wrong: dict[str, object]) -> None:
    message = writer.call(send, sms())

    def spoil(w: Work) -> None:
        row = w.session.get_one(OutboxMessage, message)
        for name, value in wrong.items():
            setattr(row, name, value)

    with pytest.raises(IntegrityError):
        writer.call(spoil)


def test_what_comes_in_twice_is_kept_once(writer: Writer, database: Database) -> None:
    def receive(w: Work) -> int | None:
        return inbox.receive(w.session, "sms", "id-1", {"text": "1 20"}, w.now)

    assert writer.call(receive) is not None
    assert writer.call(receive) is None
    with database.read() as session:
        assert len(session.scalars(select(InboxItem)).all()) == 1


def test_an_item_that_cannot_be_dealt_with_waits_longer_each_time_and_is_parked_at_last(
    writer: Writer, clock: MovableClock
) -> None:
    item = writer.call(lambda w: inbox.receive(w.session, "sms", "id-1", {}, w.now))
    parked = []
    for _ in range(inbox.TRIES):
        assert writer.call(lambda w: len(inbox.open_items(w.session, "sms", w.now, 10))) == 1
        parked.append(writer.call(lambda w: inbox.failed(w.session, item, "broken", w.now)))
        assert writer.call(lambda w: inbox.open_items(w.session, "sms", w.now, 10)) == []
        clock.forward(minutes=1)
    assert parked == [False] * (inbox.TRIES - 1) + [True]
    assert writer.call(lambda w: inbox.open_items(w.session, "sms", w.now, 10)) == []


def put(w: Work, kind: str, subject: str, after: float, *, urgent: bool = False) -> int:
    due = w.now + timedelta(seconds=after)
    return deadlines.put(w.session, kind, subject, due, "because", w.now, urgent=urgent)


def test_a_deadline_fires_once_and_only_when_due(writer: Writer, clock: MovableClock) -> None:
    row = writer.call(put, "offer.expires", "offer:1", 60.0)
    assert writer.call(lambda w: deadlines.claim(w.session, row, w.now)) is None
    clock.forward(seconds=61)
    assert writer.call(lambda w: deadlines.due_ids(w.session, w.now, 10)) == [row]
    assert writer.call(lambda w: deadlines.claim(w.session, row, w.now)) is not None
    assert writer.call(lambda w: deadlines.claim(w.session, row, w.now)) is None


def test_a_deadline_set_again_moves_and_there_is_one(writer: Writer, clock: MovableClock, database: Database) -> None:
    first = writer.call(put, "offer.expires", "offer:1", 60.0)
    assert writer.call(put, "offer.expires", "offer:1", 600.0) == first
    clock.forward(seconds=61)
    assert writer.call(lambda w: deadlines.due_ids(w.session, w.now, 10)) == []
    with database.read() as session:
        assert len(session.scalars(select(Deadline)).all()) == 1


def test_urgent_deadlines_come_first_and_a_broken_one_steps_back(writer: Writer, clock: MovableClock) -> None:
    calm = writer.call(put, "a", "ticket:1", 1.0)
    urgent = writer.call(put, "b", "ticket:2", 5.0, urgent=True)
    clock.forward(seconds=10)
    assert writer.call(lambda w: deadlines.due_ids(w.session, w.now, 10)) == [urgent, calm]
    writer.call(lambda w: deadlines.push_back(w.session, urgent, "broken", w.now))
    assert writer.call(lambda w: deadlines.due_ids(w.session, w.now, 10)) == [calm]
    clock.forward(seconds=5)
    assert writer.call(lambda w: deadlines.due_ids(w.session, w.now, 10)) == [urgent, calm]
