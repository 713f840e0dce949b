"""Hurrying a matter: nudged (催办), supervised (督办), or given more time (延期) once, by who may approve it."""

from __future__ import annotations

from sqlalchemy import select

from dispatch import limits, tickets, visits
from dispatch.desk_work import LIMIT
from dispatch.errors import BadInput, NotYours
from dispatch.tickets import Watch
from foundation.tables import Deadline
from foundation.text import one_line
from foundation.writer import Work


def nudge(w: Work, ticket_id: int, note: str = "") -> int:
    """The resident or the centre asks where it stays; how often that was done. Whoever has the matter must answer.

    A provider is asked by text. Without any movement by then, it goes to the supervisor.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.kind == "emergency":
        raise BadInput("警情不催办", f"alarm {ticket.number} has its own ladder: nudging it changes nothing")
    ticket.nudges += 1
    w.session.flush()
    late = ticket.due_at is not None and ticket.due_at < w.now
    w.log("ticket.nudged", ticket_id=ticket.id, audience="resident", total=ticket.nudges, owner_then=ticket.owner,
          late=late, note=one_line(note, 200))  # fmt: skip
    if ticket.state != "paused":
        watch = Watch.counted(w, "ticket.nudged", limits.nudged(ticket.urgency), urgent=True)
        tickets.set_watches(w, ticket, watch)
        if ticket.state == "accepted":
            visits.ask_provider(w, ticket, "nudge_arrive", address=ticket.address)
        elif ticket.state == "arrived":
            visits.ask_provider(w, ticket, "nudge_done")
    return ticket.nudges


def supervise(w: Work, ticket_id: int, note: str) -> None:
    """A supervisor takes a hand: it stays whose it is, and is looked at again each working day until it moves."""
    ticket = tickets.open_one(w.session, ticket_id)
    note = one_line(note, 200)
    if not note:
        raise BadInput("督办需要说明", "supervising a matter needs words: what is wanted")
    ticket.supervised_by = w.actor
    w.session.flush()
    w.log("ticket.supervised", ticket_id=ticket.id, by=w.actor, note=note)
    tickets.set_watches(w, ticket, Watch.counted(w, "ticket.supervised", limits.SUPERVISED, urgent=True))


def extend(w: Work, ticket_id: int, days: int, reason: str, asked_by: str = "") -> None:
    """The approver, who is the actor, gives the matter up to ten working days more: once, before its limit, with a
    reason. Nobody approves what he asked for himself (`asked_by`, a login)."""
    ticket = tickets.open_one(w.session, ticket_id)
    reason = one_line(reason, 200)
    if not 1 <= days <= limits.MOST_EXTENSION_DAYS or not reason:
        most = limits.MOST_EXTENSION_DAYS
        raise BadInput(
            f"延期 1 到 {most} 个工作日并写明原因", f"an extension is 1 to {most} working days, with a reason"
        )
    if ticket.extended_at is not None:
        raise NotYours("只能延期一次", f"ticket {ticket.number} was extended already: once is all")
    if asked_by and w.actor == f"user:{asked_by}":
        raise NotYours("不能批准自己的申请", "whoever asks for more time does not approve it")
    if ticket.due_at is None or ticket.due_at <= w.now:
        raise BadInput("没有在走的办理期限，或已超期", f"ticket {ticket.number} has no limit that still runs")
    ticket.extended_at = w.now
    ticket.due_at = w.calendar.add(ticket.due_at, w.calendar.day * days)
    w.session.flush()
    w.log("ticket.extended", ticket_id=ticket.id, days=days, reason=reason, asked_by=asked_by,
          until=ticket.due_at.isoformat())  # fmt: skip
    running = select(Deadline).where(Deadline.ticket_id == ticket.id, Deadline.kind == LIMIT, Deadline.state == "open")
    row = w.session.scalar(running)
    if row is not None:
        words = limits.with_extension(row.reason, days)
        watch = Watch(LIMIT, ticket.due_at, words, row.urgent, working=row.working, paused_s=row.paused_s)
        tickets.set_watches(w, ticket, watch)
