"""The same matter again (重复来电): shown to whoever takes the call, joined when the operator says so, and counted.

Nothing is ever joined by itself: two neighbours share a line, and a home may have two leaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from dispatch import tickets
from dispatch.errors import BadInput
from dispatch.tables import Ticket
from foundation.text import one_line
from foundation.writer import Work

MOST_SHOWN = 5
EXTRA_URGENT_FROM = 3
"""From this many repeats on a matter is extra urgent; the first makes it urgent."""


@dataclass(frozen=True)
class Repeat:
    """An open ticket that the caller may mean, and why."""

    ticket: Ticket
    same_line: bool
    same_home: bool
    same_item: bool


def find(session: Session, caller: str, home_id: int | None, item: str | None = None) -> list[Repeat]:
    """Open tickets of the same line or home, those of the same item first, then the newest.

    With `item` only those of that item. Without line and home there is nothing to compare: nothing is found. Alarms
    are not among them, presses of a household join by themselves.
    """
    same: list[ColumnElement[bool]] = []
    if caller:
        same.append(Ticket.caller == caller)
    if home_id is not None:
        same.append(Ticket.home_id == home_id)
    if not same:
        return []
    rows = select(Ticket).where(or_(*same), Ticket.state.not_in(("closed", "archived")), Ticket.kind != "emergency")
    if item:
        rows = rows.where(Ticket.item == item)
    found = session.scalars(rows.order_by(Ticket.id.desc()).limit(MOST_SHOWN))
    return [
        Repeat(
            ticket, bool(caller) and ticket.caller == caller, home_id is not None and ticket.home_id == home_id,
            item is not None and ticket.item == item,
        )
        for ticket in found
    ]  # fmt: skip


def join(w: Work, arrival_id: int, ticket_id: int, note: str = "") -> int:
    """The call is about this open ticket: attached and counted, it makes the matter more urgent. How often so far."""
    ticket = tickets.open_one(w.session, ticket_id)
    tickets.link(w, arrival_id, ticket, "joined")
    if ticket.kind == "emergency":
        return ticket.repeats
    ticket.repeats += 1
    w.session.flush()
    w.log("ticket.repeated", ticket_id=ticket.id, arrival_id=arrival_id, audience="resident", total=ticket.repeats,
          note=one_line(note, 200))  # fmt: skip
    why = f"第 {ticket.repeats} 次重复来电 / asked again {ticket.repeats}×"
    tickets.set_urgency(w, ticket, urgency_after(ticket.urgency, ticket.repeats), why)
    return ticket.repeats


def join_tickets(w: Work, ticket_id: int, into_id: int, reason: str) -> None:
    """Two tickets are one matter (并单): the first closes as joined to the other, which counts it as a repeat."""
    if ticket_id == into_id:
        raise BadInput("不能并入自己", "a ticket cannot be joined to itself")
    first, second = sorted((ticket_id, into_id))  # locked in one order, or two operators would wait for each other
    tickets.locked(w.session, first)
    tickets.locked(w.session, second)
    ticket, into = tickets.open_one(w.session, ticket_id), tickets.open_one(w.session, into_id)
    reason = one_line(reason, 400)
    if not reason:
        raise BadInput("并单需要原因", "joining tickets needs a reason")
    if "emergency" in (ticket.kind, into.kind):
        raise BadInput("警情不并入其他工单", "an alarm is never joined to another matter")
    if ticket.assigned_provider_id is not None:
        raise BadInput("该工单已有企业接单，请先收回", f"a provider holds ticket {ticket.number}: take it back first")
    ticket.joined_to, ticket.note = into.id, reason
    tickets.finish(w, ticket, "joined", into=into.number)
    into.repeats += 1
    w.session.flush()
    w.log("ticket.repeated", ticket_id=into.id, total=into.repeats, joined=ticket.number, note=reason)
    tickets.set_urgency(
        w, into, urgency_after(into.urgency, into.repeats), f"并入 {ticket.number} / joined by {ticket.number}"
    )


def urgency_after(urgency: str, repeats: int) -> str:
    """How urgent a matter is that was asked about again so often. It never becomes less."""
    raised = "extra_urgent" if repeats >= EXTRA_URGENT_FROM else "urgent" if repeats >= 1 else "normal"
    return max(urgency, raised, key=tickets.URGENCIES.index)
