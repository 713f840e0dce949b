"""Waiting for the resident (挂起): the clock stands, for a reason, until a day that is named; then it goes on.

What was watched is held back with the ticket and moved on by the pause: by the working time in it where working time
is counted, by the clock where the clock is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from dispatch import limits, states, tickets
from dispatch.errors import BadInput
from dispatch.tickets import Watch
from foundation.calendar import WorkingTime
from foundation.tables import Deadline
from foundation.text import one_line
from foundation.writer import Work

REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "away": ("居民不在家", "the resident is away"),
        "later": ("居民要求改期", "the resident asks for a later day"),
        "papers": ("等居民补充材料", "the resident brings papers"),
        "silent": ("联系不上居民", "the resident cannot be reached"),
    }
)
"""Why a matter waits for its resident (zh, en); no other reason stops a clock."""


def pause(w: Work, ticket_id: int, why: str, until: datetime, note: str = "") -> None:
    """Wait for the resident until `until`, at most five working days and three times in all."""
    ticket = tickets.open_one(w.session, ticket_id)
    if why not in REASONS:
        raise BadInput("挂起只因等待居民", f"a pause waits for the resident: {', '.join(REASONS)}")
    if ticket.kind == "emergency" or ticket.state not in states.PAUSABLE:
        raise BadInput("该工单现在不能挂起", f"ticket {ticket.number} is {ticket.kind}/{ticket.state}: no pause")
    if ticket.pauses >= limits.MOST_PAUSES:
        raise BadInput(f"最多挂起 {limits.MOST_PAUSES} 次", f"a ticket is paused {limits.MOST_PAUSES} times at most")
    if not w.now < until <= w.calendar.add_days(w.now, limits.MOST_PAUSE_DAYS):
        days = limits.MOST_PAUSE_DAYS
        raise BadInput(f"挂起最长 {days} 个工作日", f"a pause ends within {days} working days from now")
    rows = w.session.scalars(
        select(Deadline).where(Deadline.ticket_id == ticket.id, Deadline.state == "open").order_by(Deadline.due_at)
    ).all()
    held = [_kept(row) for row in rows]
    ticket.pause = {"state": ticket.state, "owner": ticket.owner, "why": why, "watches": held}
    ticket.paused_at = w.now
    ticket.pauses += 1
    zh, en = REASONS[why]
    reason = f"等待居民（{zh}），到期自动恢复 / waits ({en}), then goes on by itself"
    tickets.change_state(
        w, ticket, "paused", "desk", Watch("ticket.resume", until, reason), pause=why, note=one_line(note, 200),
    )  # fmt: skip


def resume(w: Work, ticket_id: int) -> None:
    """The waiting is over: the ticket is where it was, with its owner, and its deadlines are moved on by the pause."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state != "paused" or ticket.pause is None or ticket.paused_at is None:
        raise BadInput("该工单没有挂起", f"ticket {ticket.number} is not paused")
    held, began = ticket.pause, ticket.paused_at
    watches = [moved(_watch(row), began, w.now, w.calendar) for row in held["watches"]]
    working = ticket.urgency == "normal"  # as `limits.matter` counts
    length = w.now - began
    for name, by_calendar in (("due_at", working), ("arrive_by", False), ("done_by", False)):
        due = getattr(ticket, name)
        if due is not None:
            setattr(ticket, name, _later(due, began, length, w.calendar, by_calendar))
    tickets.change_state(w, ticket, held["state"], held["owner"], *watches)


def moved(watch: Watch, began: datetime, ended: datetime, calendar: WorkingTime) -> Watch:
    """A deadline that a pause held back: as much time is left as was, and its sentence says how long it stood."""
    stood = calendar.between(began, ended) if watch.working else ended - began
    stood = timedelta(seconds=round(stood.total_seconds()))  # as it is stored
    before = timedelta(seconds=watch.paused_s)
    return Watch(
        watch.kind, _later(watch.due_at, began, ended - began, calendar, watch.working),
        limits.with_pause(watch.reason, before, before + stood), watch.urgent, watch.subject, watch.working,
        watch.paused_s + int(stood.total_seconds()),
    )  # fmt: skip


def _later(due: datetime, began: datetime, length: timedelta, calendar: WorkingTime, working: bool) -> datetime:
    if not working or due <= began:
        return due + length
    return calendar.add(began + length, calendar.between(began, due))


def _kept(row: Deadline) -> dict[str, Any]:
    return {
        "kind": row.kind, "due_at": row.due_at.isoformat(), "reason": row.reason, "urgent": row.urgent,
        "subject": row.subject, "working": row.working, "paused_s": row.paused_s,
    }  # fmt: skip


def _watch(kept: Mapping[str, Any]) -> Watch:
    return Watch(**{**kept, "due_at": datetime.fromisoformat(kept["due_at"])})
