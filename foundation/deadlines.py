"""Deadlines: rows that say what must have happened by when, claimed one at a time when due."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from foundation.tables import Deadline

MOST_ATTEMPTS_BACK_OFF = 6


def put(
    session: Session, kind: str, subject: str, due_at: datetime, reason: str, now: datetime, *,
    ticket_id: int | None = None, urgent: bool = False,
) -> Deadline:  # fmt: skip
    """Set the deadline `kind` of `subject`; an open one of the same kind moves to the new time and reason."""
    row = session.scalar(_open(kind, subject))
    if row is None:
        row = Deadline(kind=kind, subject=subject, ticket_id=ticket_id, created_at=now, state="open", attempts=0)
        session.add(row)
    row.due_at, row.reason, row.urgent = due_at, reason, urgent
    session.flush()
    return row


def meet(session: Session, kind: str, subject: str, now: datetime) -> bool:
    """What the deadline watched has happened."""
    return _end(session, now, "met", Deadline.kind == kind, Deadline.subject == subject) > 0


def withdraw_all(
    session: Session, now: datetime, *, ticket_id: int | None = None, subject: str | None = None, spare: str = "",
) -> int:  # fmt: skip
    """The subject needs no watching any more: end its open deadlines, but for subjects that begin with `spare`."""
    if ticket_id is None and subject is None:
        raise ValueError("withdraw_all needs a ticket or a subject: an empty rule must match nothing")
    where = [Deadline.ticket_id == ticket_id if ticket_id is not None else Deadline.subject == subject]
    if spare:
        where.append(~Deadline.subject.startswith(spare, autoescape=True))
    return _end(session, now, "withdrawn", *where)


def next_due(session: Session, ticket_id: int) -> datetime | None:
    """When the ticket's next open deadline fires."""
    return session.scalar(
        select(func.min(Deadline.due_at)).where(Deadline.ticket_id == ticket_id, Deadline.state == "open")
    )


def due_ids(session: Session, now: datetime, limit: int) -> list[int]:
    """Which open deadlines are due, urgent ones first, then the oldest."""
    due = select(Deadline.id).where(Deadline.state == "open", Deadline.due_at <= now)
    return list(session.scalars(due.order_by(Deadline.urgent.desc(), Deadline.due_at).limit(limit)))


def claim(session: Session, deadline_id: int, now: datetime) -> Deadline | None:
    """Take a due deadline to fire it in this transaction; None when it moved, ended or was taken by another."""
    change = update(Deadline).where(Deadline.id == deadline_id, Deadline.state == "open", Deadline.due_at <= now)
    taken = session.execute(change.values(state="fired", ended_at=now)).rowcount  # type: ignore[attr-defined]
    return session.get_one(Deadline, deadline_id, populate_existing=True) if taken == 1 else None


def push_back(session: Session, deadline_id: int, error: str, now: datetime) -> None:
    """Firing failed: note why and try again a little later, so that one bad row never stops the others."""
    row = session.get_one(Deadline, deadline_id)
    row.attempts += 1
    row.last_error = error[:2000]
    row.due_at = now + timedelta(seconds=2 ** min(row.attempts, MOST_ATTEMPTS_BACK_OFF))
    session.flush()


def _open(kind: str, subject: str) -> Select[Deadline]:
    return select(Deadline).where(Deadline.kind == kind, Deadline.subject == subject, Deadline.state == "open")


def _end(session: Session, now: datetime, state: str, *where: ColumnElement[bool]) -> int:
    change = update(Deadline).where(Deadline.state == "open", *where)
    return int(session.execute(change.values(state=state, ended_at=now)).rowcount)  # type: ignore[attr-defined]
