"""What the application says of itself: a failure is said aloud before a resident notices it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from callcenter.clock.ticks import last_beat
from callcenter.service import Service
from foundation import inbox
from foundation.tables import Deadline, InboxItem, OutboxMessage
from ivr_flows import approvals

STALE_TICK = timedelta(seconds=10)
"""As old as this, the dialplan takes the application for dead and drives the ladder itself."""
AGED_OUTBOX = timedelta(seconds=30)
AGED_INBOX = timedelta(seconds=30)
AGED_HOUSEHOLD_S = 600.0
FAILING_AFTER = 3
"""A deadline that failed so often is a defect: each failure moves it on, so that it is never overdue for long."""


@dataclass(frozen=True)
class Health:
    """`problems` are sentences for a person; `figures` are numbers for a machine. `warnings` want a person too, but
    calls are dealt with meanwhile."""

    problems: list[str]
    figures: dict[str, float]
    warnings: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not self.problems


async def look(service: Service) -> Health:
    """Ask the bridge, here in its loop, and the database, in a thread, how things stand."""
    figures = {f"bridge_{name}": value for name, value in service.bridge.metrics.items()}
    figures |= {f"flows_{name}": value for name, value in service.flows.metrics.items()}
    figures["writer_waiting"] = service.writer.waiting
    problems = _of_the_bridge(figures) + list(service.alarms.values())
    return await asyncio.to_thread(_with_disk_and_database, service, problems, figures)


def _with_disk_and_database(service: Service, problems: list[str], figures: dict[str, float]) -> Health:
    """What takes a moment, for a thread."""
    lacking = approvals.lacking(service.plan.prompts)
    figures["prompts_not_approved"] = len(lacking)
    found = _with_the_database(service, problems, figures)
    _, warning = approvals.summary(lacking)
    return Health(found.problems, found.figures, [warning] if warning else [])


def _with_the_database(service: Service, problems: list[str], figures: dict[str, float]) -> Health:
    """Add what the database says. An error of the database is itself the answer."""
    now = service.clock.now()
    try:
        with service.database.read() as session:
            beat = last_beat(session)
            waiting = select(func.count(), func.min(OutboxMessage.not_before)).where(OutboxMessage.state == "pending")
            due, oldest_due = session.execute(waiting.where(OutboxMessage.not_before <= now)).one()
            arrived = select(func.count(), func.min(InboxItem.received_at)).where(
                InboxItem.handled_at.is_(None),
                InboxItem.attempts < inbox.TRIES,  # the others are on the desk
            )
            unread, oldest_unread = session.execute(arrived).one()
            overdue = session.scalar(
                select(func.count()).where(Deadline.state == "open", Deadline.due_at < now - STALE_TICK)
            )
            failing = session.scalar(
                select(func.count()).where(Deadline.state == "open", Deadline.attempts >= FAILING_AFTER)
            )
    except Exception as error:
        return Health([*problems, f"the database does not answer: {type(error).__name__}"], figures)
    figures |= {"outbox_due": due, "inbox_waiting": unread, "deadlines_overdue": overdue or 0}
    figures["deadlines_failing"] = failing or 0
    figures["tick_age_seconds"] = -1.0 if beat is None else (now - beat).total_seconds()
    if beat is None or now - beat > STALE_TICK:
        problems.append("the clock does not tick: deadlines do not fire and the lease is not renewed")
    problems += _if_older("messages wait to be sent", due, oldest_due, now, AGED_OUTBOX)
    problems += _if_older("replies wait to be dealt with", unread, oldest_unread, now, AGED_INBOX)
    if overdue:
        problems.append(f"{overdue} deadlines are overdue and have not fired")
    if failing:
        problems.append(f"{failing} deadlines fail again and again when they fire; the log says why")
    return Health(problems, figures)


def as_metrics(health: Health) -> str:
    """Prometheus' text format, version 0.0.4: a name and a value a line."""
    lines = [f"callcenter_{name} {float(value)}" for name, value in sorted(health.figures.items())]
    return "\n".join([*lines, f"callcenter_ready {int(health.ready)}"]) + "\n"


def _of_the_bridge(figures: dict[str, float]) -> list[str]:
    if not figures.get("bridge_ready"):
        return ["the exchange cannot be reached: calls are served by the exchange alone and told of later"]
    age = figures.get("bridge_household_age_seconds")
    if age is None or age > AGED_HOUSEHOLD_S:
        return ["the exchange's copy of the household data is not known to be current"]
    problems = []
    if aside := figures.get("bridge_journal_set_aside"):
        problems.append(f"{aside:.0f} steps of calls cannot be stored and stay in the exchange's journal")
    if left_out := figures.get("bridge_household_left_out"):
        problems.append(
            f"{left_out:.0f} entries of the household data have characters the dialplan cannot take; the log names them"
        )
    return problems


def _if_older(what: str, count: int, oldest: datetime | None, now: datetime, limit: timedelta) -> list[str]:
    if oldest is None or now - oldest <= limit:
        return []
    return [f"{count} {what}, the oldest for {int((now - oldest).total_seconds())} seconds"]
