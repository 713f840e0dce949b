"""Deadlines: rows that say what must have happened by when, claimed one at a time when due."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, bindparam, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.tables import Base, Deadline

MOST_ATTEMPTS_BACK_OFF = 6
_ROWS = Base.metadata.tables[Deadline.__tablename__]
_PUT = {
    name: (row := dialect.insert(_ROWS))
    .on_conflict_do_update(
        index_elements=["subject", "kind"],
        index_where=text("state = 'open'"),
        set_={name: row.excluded[name] for name in ("due_at", "reason", "urgent", "working", "paused_s")},
    )
    .returning(_ROWS.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_OF = {
    "of_ticket": _ROWS.c.ticket_id == bindparam("of_ticket"),
    "of_subject": _ROWS.c.subject == bindparam("of_subject"),
}
_WITHDRAW = {
    (of, spares): update(_ROWS)
    .where(_ROWS.c.state == "open", rule)
    .where(func.substr(_ROWS.c.subject, 1, func.length(bindparam("spare", type_=String))) != bindparam("spare"))
    .values(state="withdrawn", ended_at=bindparam("at"))
    if spares
    else update(_ROWS).where(_ROWS.c.state == "open", rule).values(state="withdrawn", ended_at=bindparam("at"))
    for of, rule in _OF.items()
    for spares in (False, True)
}
_NEXT_DUE = select(func.min(_ROWS.c.due_at)).where(_ROWS.c.ticket_id == bindparam("of_ticket"), _ROWS.c.state == "open")
"""Made once, and for the plain table: an alarm that is taken ends and sets several, and a person waits meanwhile."""


def put(
    session: Session, kind: str, subject: str, due_at: datetime, reason: str, now: datetime, *,
    ticket_id: int | None = None, urgent: bool = False, working: bool = False, paused_s: int = 0,
) -> int:  # fmt: skip
    """Set the deadline `kind` of `subject`; an open one of the same kind moves to the new time and reason. Its id.

    `working`: it is counted in working time. `paused_s`: by how much pauses have moved it.
    """
    session.flush()
    connection = session.connection()
    row = {
        "kind": kind, "subject": subject, "ticket_id": ticket_id, "due_at": due_at, "reason": reason, "urgent": urgent,
        "working": working, "paused_s": paused_s, "created_at": now, "state": "open", "attempts": 0,
    }  # fmt: skip
    return int(connection.execute(_PUT[connection.dialect.name], row).scalar_one())


def meet(session: Session, kind: str, subject: str, now: datetime) -> bool:
    """What the deadline watched has happened."""
    return _end(session, now, "met", Deadline.kind == kind, Deadline.subject == subject) > 0


def withdraw_all(
    session: Session, now: datetime, *, ticket_id: int | None = None, subject: str | None = None, spare: str = "",
) -> int:  # fmt: skip
    """The subject needs no watching any more: end its open deadlines, but for subjects that begin with `spare`."""
    if ticket_id is None and subject is None:
        raise ValueError("withdraw_all needs a ticket or a subject: an empty rule must match nothing")
    session.flush()
    of, value = ("of_ticket", ticket_id) if ticket_id is not None else ("of_subject", subject)
    told = {of: value, "at": now, "spare": spare} if spare else {of: value, "at": now}
    return session.connection().execute(_WITHDRAW[of, bool(spare)], told).rowcount


def next_due(session: Session, ticket_id: int) -> datetime | None:
    """When the ticket's next open deadline fires."""
    session.flush()
    due: datetime | None = session.connection().scalar(_NEXT_DUE, {"of_ticket": ticket_id})
    return due


def due_ids(session: Session, now: datetime, limit: int) -> list[int]:
    """Which open deadlines are due, urgent ones first, then the oldest."""
    due = select(Deadline.id).where(Deadline.state == "open", Deadline.due_at <= now)
    return list(session.scalars(due.order_by(Deadline.urgent.desc(), Deadline.due_at).limit(limit)))


def claim(session: Session, deadline_id: int, now: datetime) -> Deadline | None:
    """Take a due deadline to fire it in this transaction; None when it moved, ended or was taken by another."""
    change = update(Deadline).where(Deadline.id == deadline_id, Deadline.state == "open", Deadline.due_at <= now)
    change = change.values(state="fired", ended_at=now).execution_options(synchronize_session=False)
    return session.scalars(change.returning(Deadline), execution_options={"populate_existing": True}).one_or_none()


def push_back(session: Session, deadline_id: int, error: str, now: datetime) -> None:
    """Firing failed: note why and try again a little later, so that one bad row never stops the others."""
    row = session.get_one(Deadline, deadline_id)
    row.attempts += 1
    row.last_error = error[:2000]
    row.due_at = now + timedelta(seconds=2 ** min(row.attempts, MOST_ATTEMPTS_BACK_OFF))
    session.flush()


def _end(session: Session, now: datetime, state: str, *where: ColumnElement[bool]) -> int:
    change = update(Deadline).where(Deadline.state == "open", *where)
    return int(session.execute(change.values(state=state, ended_at=now)).rowcount)  # type: ignore[attr-defined]
