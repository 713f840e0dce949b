"""Work that is reported done (完工, 答复): it waits to be asked about, the next day, by text or by a call."""

from __future__ import annotations

from sqlalchemy import insert

from dispatch import limits, messages, tickets
from dispatch.tables import FollowUp, Ticket
from dispatch.tickets import Watch
from foundation.tables import Base
from foundation.writer import Work

CHANNELS = ("sms", "call")
_ASK_LATER = insert(Base.metadata.tables[FollowUp.__tablename__])


def report(w: Work, ticket: Ticket, **detail: object) -> None:
    """The locked ticket is done: the desk asks its caller about it the day after at ten.

    The caller is asked as he prefers (`policy["follow_up_by"]`), else by text, and by a call where no text arrives.
    """
    wish = ticket.policy.get("follow_up_by")
    by_text = wish != "call" and messages.can_text(ticket.caller)
    due = limits.next_day_at_ten(w.now)
    ticket.done_at = w.now
    watch = Watch("ticket.follow_up", due, limits.FOLLOW_UP.reason)
    tickets.change_state(w, ticket, "done", "desk", watch, **detail)
    row = {
        "ticket_id": ticket.id, "round": ticket.round, "phone": ticket.caller, "state": "waiting", "tries": 0,
        "due_at": due, "channel": "sms" if by_text else "call",
    }  # fmt: skip
    w.connection.execute(_ASK_LATER, row)
