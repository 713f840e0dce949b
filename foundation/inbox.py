"""The inbox: each thing from outside comes in once, is kept raw, and is handled in a transaction of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.tables import InboxItem

TRIES = 5
"""After so many failures an item is parked for a person."""


def receive(session: Session, source: str, external_id: str, payload: dict[str, Any], now: datetime) -> int | None:
    """Keep what came in; returns its id, or None when it had already come."""
    values = {
        "source": source,
        "external_id": external_id,
        "payload": payload,
        "received_at": now,
        "attempts": 0,
    }
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(InboxItem).values(values).on_conflict_do_nothing(index_elements=["source", "external_id"])
    return session.scalar(statement.returning(InboxItem.id))


def open_items(session: Session, source: str, now: datetime, limit: int) -> list[InboxItem]:
    """What waits to be handled, the oldest first."""
    waiting = select(InboxItem).where(
        InboxItem.source == source,
        InboxItem.handled_at.is_(None),
        InboxItem.attempts < TRIES,
        (InboxItem.next_try_at.is_(None)) | (InboxItem.next_try_at <= now),
    )
    return list(session.scalars(waiting.order_by(InboxItem.id).limit(limit)))


def handled(session: Session, item_id: int, outcome: str, now: datetime) -> bool:
    """Mark as handled, in the transaction that applies its effect; False when another was first."""
    item = session.get_one(InboxItem, item_id, with_for_update=True)
    if item.handled_at is not None:
        return False
    item.handled_at, item.outcome = now, outcome
    session.flush()
    return True


def failed(session: Session, item_id: int, error: str, now: datetime) -> bool:
    """Note a failure and wait longer each time; True when the item is now parked for a person."""
    item = session.get_one(InboxItem, item_id)
    item.attempts += 1
    item.last_error = error[:2000]
    item.next_try_at = now + timedelta(seconds=2**item.attempts)
    session.flush()
    return item.attempts >= TRIES
