"""The outbox: messages written with the change that causes them, sent after the commit, recorded after the sending.

Life of a row: pending -> sending (claimed, committed, with a deadline) -> sent -> delivered | failed; pending ->
cancelled (no longer true) | expired (too old); sending -> unknown (the sender died) -> pending again for a kind that
is sent at least once, failed for one that is sent at most once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.tables import Base, OutboxMessage

CLAIM_FOR = timedelta(seconds=10)
RETRY_AFTER = (timedelta(seconds=15), timedelta(seconds=60), timedelta(seconds=240))
"""Waits before the second, third and fourth try after a temporary failure."""


_SUPERSEDED = "superseded by a newer message"
_UNWRITTEN = "outbox"
_ROWS = Base.metadata.tables[OutboxMessage.__tablename__]
_NEWER = (
    "kind", "channel", "recipient", "template", "params", "priority", "ticket_id", "offer_id", "state", "reason",
    "attempts", "created_at", "not_before", "valid_until",
)  # fmt: skip
_INSERT = {
    name: (row := dialect.insert(_ROWS)).on_conflict_do_update(
        index_elements=["dedupe_key"],
        index_where=text("state = 'pending'"),
        set_={column: row.excluded[column] for column in _NEWER},
    )
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
"""A message still waiting under the same key was never sent: the newer truth is written in its place."""


def _withdrawal(of_ticket: bool, of_offers: bool, of_kinds: bool) -> Executable:
    change = update(_ROWS).where(_ROWS.c.state == "pending")
    if of_ticket:
        change = change.where(_ROWS.c.ticket_id == bindparam("of_ticket"))
    if of_offers:
        change = change.where(_ROWS.c.offer_id.in_(bindparam("of_offers", expanding=True)))
    if of_kinds:
        change = change.where(_ROWS.c.kind.in_(bindparam("of_kinds", expanding=True)))
    return change.values(state="cancelled", reason=bindparam("why")).returning(_ROWS.c.offer_id)


_WITHDRAW = {rules: _withdrawal(*rules) for rules in itertools.product((False, True), repeat=3)}
"""Made once: every step of a ticket withdraws what has become untrue by it."""


@dataclass(frozen=True)
class MessageKind:
    """What is promised of a kind of message.

    `at_least_once`: resent when nobody knows whether it went out; otherwise such a row fails and what the message was
    for is covered elsewhere (an offer's expiry, tomorrow's tick). `priority` is the order of sending, smaller first.
    """

    name: str
    at_least_once: bool
    priority: int


@dataclass(frozen=True)
class Message:
    """A message to be: who gets it, on which channel, which template with which values.

    A pending message with the same `dedupe_key` is replaced: a newer truth supersedes the older one.
    """

    kind: MessageKind
    channel: str
    recipient: str
    template: str
    params: dict[str, Any] = field(default_factory=dict)
    ticket_id: int | None = None
    offer_id: int | None = None
    dedupe_key: str | None = None
    not_before: datetime | None = None
    valid_until: datetime | None = None


def queue(session: Session, message: Message, now: datetime) -> None:
    """Put `message` among those that this transaction will write (`write`); it supersedes an older one of its key."""
    waiting = unwritten(session)
    if message.dedupe_key is not None:
        for row in waiting:
            if row["dedupe_key"] == message.dedupe_key and row["state"] == "pending":
                row.update(state="cancelled", reason=_SUPERSEDED)
    waiting.append(
        {
            "kind": message.kind.name, "channel": message.channel, "recipient": message.recipient,
            "template": message.template, "params": message.params, "priority": message.kind.priority,
            "ticket_id": message.ticket_id, "offer_id": message.offer_id, "dedupe_key": message.dedupe_key,
            "state": "pending", "reason": None, "attempts": 0, "created_at": now,
            "not_before": message.not_before or now, "valid_until": message.valid_until,
        }
    )  # fmt: skip


def unwritten(session: Session) -> list[dict[str, Any]]:
    """The rows that `write` will write: this transaction's messages so far."""
    rows: list[dict[str, Any]] = session.info.setdefault(_UNWRITTEN, [])
    return rows


def write(session: Session) -> None:
    """Write what was queued, all by one statement; a pending one with the same `dedupe_key` is superseded."""
    rows = unwritten(session)
    if not rows:
        return
    session.flush()
    connection = session.connection()
    connection.execute(_INSERT[connection.dialect.name], rows)
    rows.clear()


def withdraw(
    session: Session, reason: str, *, ticket_id: int | None = None, offer_ids: Sequence[int] = (),
    kinds: Sequence[str] | None = None,
) -> set[int]:  # fmt: skip
    """Cancel pending messages of a ticket or of offers (one of them is needed): the offers whose messages they were."""
    if ticket_id is None and not offer_ids:
        raise ValueError("withdraw needs a ticket or an offer: an empty rule must match nothing")
    told = {"of_ticket": ticket_id, "of_offers": offer_ids, "of_kinds": kinds, "why": reason}
    change = _WITHDRAW[ticket_id is not None, bool(offer_ids), kinds is not None]
    found = {row[0] for row in session.connection().execute(change, {k: v for k, v in told.items() if v})}
    for row in unwritten(session):
        if (
            row["state"] == "pending"
            and (ticket_id is None or row["ticket_id"] == ticket_id)
            and (not offer_ids or row["offer_id"] in offer_ids)
            and (kinds is None or row["kind"] in kinds)
        ):
            row.update(state="cancelled", reason=reason)
            found.add(row["offer_id"])
    return found - {None}


def claim(
    session: Session, channel: str, now: datetime, limit: int,
    untrue: Callable[[Session, OutboxMessage, datetime], str | None],
) -> list[OutboxMessage]:  # fmt: skip
    """Take up to `limit` due messages of `channel` for sending, the most urgent first.

    `untrue` says why a message is no longer true, or None; such a message is cancelled here and never sent. The caller
    commits before it sends.
    """
    due = select(OutboxMessage).where(
        OutboxMessage.state == "pending", OutboxMessage.channel == channel, OutboxMessage.not_before <= now
    )
    due = due.order_by(OutboxMessage.priority, OutboxMessage.id).limit(limit).with_for_update(skip_locked=True)
    claimed = []
    for row in session.scalars(due).all():
        if row.valid_until is not None and row.valid_until < now:
            row.state, row.reason = "expired", "its time was over before it could be sent"
        elif reason := untrue(session, row, now):
            row.state, row.reason = "cancelled", reason
        else:
            row.state, row.claim_deadline, row.attempts = "sending", now + CLAIM_FOR, row.attempts + 1
            claimed.append(row)
    session.flush()
    return claimed


def record_sent(session: Session, outbox_id: int, gateway: str, gateway_id: str, text: str, now: datetime) -> bool:
    """The gateway took it. Also heals a row that was already given up as unknown."""
    change = update(OutboxMessage).where(
        OutboxMessage.id == outbox_id, OutboxMessage.state.in_(("sending", "unknown", "failed"))
    )
    return _rows(
        session,
        change.values(state="sent", sent_at=now, gateway=gateway, gateway_id=gateway_id, text=text,
                      claim_deadline=None, reason=None),
    ) == 1  # fmt: skip


def record_failure(session: Session, outbox_id: int, reason: str, now: datetime, *, permanent: bool) -> str:
    """The gateway did not take it: again later while tries remain and it may pass, else failed. Returns the state."""
    row = session.get_one(OutboxMessage, outbox_id)
    if row.state != "sending":
        return row.state
    row.reason = reason
    if permanent or row.attempts > len(RETRY_AFTER):
        row.claim_deadline, row.state = None, "failed"
    else:
        _wait_again(session, row, now + RETRY_AFTER[row.attempts - 1])
    session.flush()
    return row.state


def record_delivered(session: Session, gateway_id: str, now: datetime) -> bool:
    """The carrier says that it was delivered, which is not yet read; never moves a message backwards."""
    change = update(OutboxMessage).where(OutboxMessage.gateway_id == gateway_id, OutboxMessage.state == "sent")
    return _rows(session, change.values(state="delivered", delivered_at=now)) == 1


def sweep(session: Session, kinds: dict[str, MessageKind], now: datetime) -> list[OutboxMessage]:
    """Settle rows whose sender died: at-least-once kinds wait again, the others fail. Returns those that failed.

    The first repetition goes out at once, the next ones after `RETRY_AFTER`, and then it fails too: a gateway that
    delivers and never answers would otherwise send one message for ever.
    """
    failed = []
    dead = select(OutboxMessage).where(OutboxMessage.state == "sending", OutboxMessage.claim_deadline < now)
    for row in session.scalars(dead.with_for_update(skip_locked=True)).all():
        kind = kinds.get(row.kind)
        if kind is not None and kind.at_least_once and row.attempts <= len(RETRY_AFTER):
            wait = RETRY_AFTER[row.attempts - 2] if row.attempts > 1 else timedelta()
            _wait_again(session, row, now + wait)
        else:
            row.claim_deadline = None
            row.state, row.reason = "failed", f"unknown whether it was sent; it was tried {row.attempts} times"
            failed.append(row)
    session.flush()
    return failed


def _wait_again(session: Session, row: OutboxMessage, when: datetime) -> None:
    """Back into the queue; of two with one `dedupe_key` only the newer stays, as `queue` promises."""
    twin = None
    if row.dedupe_key is not None:
        same_key = (OutboxMessage.dedupe_key == row.dedupe_key) & (OutboxMessage.state == "pending")
        twin = session.scalar(select(OutboxMessage).where(same_key))
    if twin is not None and twin.id > row.id:
        row.claim_deadline, row.state, row.reason = None, "cancelled", _SUPERSEDED
        return
    if twin is not None:
        twin.state, twin.reason = "cancelled", _SUPERSEDED
        session.flush()
    row.claim_deadline, row.state, row.not_before = None, "pending", when
    session.flush()


def _rows(session: Session, change: Any) -> int:
    return int(session.execute(change).rowcount)  # type: ignore[attr-defined]
