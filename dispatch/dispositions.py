"""How an arrival ended, where a person must say so, and the reminder when nobody does."""

from __future__ import annotations

from dispatch import limits
from dispatch.errors import AlreadyDisposed, BadInput, missing
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Arrival
from foundation import deadlines
from foundation.text import one_line
from foundation.writer import Work

BY_HAND = frozenset({"test", "nuisance", "wrong_number", "abandoned"})
"""What an operator may say of an arrival; a ticket or an inquiry is made by their own commands."""


def dispose(w: Work, arrival_id: int, disposition: str, reason: str) -> None:
    """An operator says how an arrival ended: test, nuisance, wrong number, abandoned. Once; an emergency never.

    A line with an emergency device is never a nuisance.
    """
    reason = one_line(reason, 200)
    if disposition not in BY_HAND or not reason:
        raise BadInput("需要处置结果和原因", f"a disposition is one of {', '.join(sorted(BY_HAND))}, with a reason")
    arrival = w.session.get(Arrival, arrival_id, with_for_update=True, populate_existing=True)
    if arrival is None:
        raise missing("来件", "arrival", arrival_id)
    if disposition == "nuisance" and arrival.device_code:
        raise BadInput("一键通线路不得按骚扰处理", "a call from a device line is never a nuisance")
    if arrival.disposition is not None:
        raise AlreadyDisposed("该来件已有处置结果", f"arrival {arrival_id} ended as {arrival.disposition} already")
    arrival.disposition, arrival.disposition_reason = disposition, reason
    arrival.disposed_at, arrival.disposed_by, arrival.next_deadline_at = w.now, w.actor, None
    if arrival.kind == "unknown" and arrival.state == "live":  # only an unreadable record speaks of it: it has no end
        arrival.state, arrival.ended_at = "ended", w.now
    w.session.flush()
    deadlines.withdraw_all(w.session, w.now, subject=f"arrival:{arrival_id}")
    w.log("arrival.disposed", arrival_id=arrival_id, disposition=disposition, reason=reason)


def remind_dispose(w: Work, arrival_id: int) -> None:
    """Nobody has said how this call ended: a task for the staff, and asked again in an hour."""
    arrival = w.session.get(Arrival, arrival_id, with_for_update=True, populate_existing=True)
    if arrival is None or arrival.disposition is not None:
        return
    if arrival.state == "live" and arrival.kind != "unknown":
        arrival.next_deadline_at = None
        w.session.flush()
        return
    who = arrival.caller or arrival.caller_raw or "?"
    words = f"来电 {who} 已结束，尚无处置结果 / the call from {who} ended and has no outcome yet"
    add_tasks(w, "undisposed", {str(arrival_id): words}, arrival_ids={str(arrival_id): arrival_id})
    due = w.now + limits.DISPOSE_AGAIN
    deadlines.put(w.session, "arrival.dispose", f"arrival:{arrival_id}", due, limits.DISPOSE.reason, w.now)
    arrival.next_deadline_at = due
    w.session.flush()
    w.log("arrival.overdue", arrival_id=arrival_id)
