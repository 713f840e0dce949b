"""Archiving (归档): thirty days after its close a ticket is only read. A chore of the clock, a few at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import limits, tickets
from dispatch.tables import Ticket
from foundation.writer import Work

AT_ONCE = 20
"""Bulk work goes in chunks, so that an emergency never waits behind it."""


def any_due(session: Session, now: datetime) -> bool:
    """Whether there is anything to archive; asked without a writer, since it is rare."""
    due = select(Ticket.id).where(Ticket.state == "closed", Ticket.closed_at <= now - limits.ARCHIVE).limit(1)
    return session.scalar(due) is not None


def archive_due(w: Work) -> int:
    """Archive the tickets closed longest ago whose thirty days are over; how many, at most `AT_ONCE`."""
    due = select(Ticket.id).where(Ticket.state == "closed", Ticket.closed_at <= w.now - limits.ARCHIVE)
    ids = list(w.session.scalars(due.order_by(Ticket.closed_at).limit(AT_ONCE)))
    archived = 0
    for ticket_id in ids:
        ticket = tickets.locked(w.session, ticket_id)
        if ticket.state != "closed" or ticket.closed_at is None or ticket.closed_at > w.now - limits.ARCHIVE:
            continue  # reopened meanwhile
        ticket.archived_at = w.now
        tickets.change_state(w, ticket, "archived", "", outcome=ticket.outcome)
        archived += 1
    return archived
