"""Matters for a desk (转办): assigned, signed for, handled and answered, or returned with a reason.

The clock of the whole matter begins with the first dispatch and runs on whoever has it, so a matter that bounces is
seen to be late. The second return goes to a supervisor, whose ruling (审定) binds: that desk cannot return it again.
"""

from __future__ import annotations

from sqlalchemy import select

from dispatch import journeys, limits, organisations, states, tickets, work_done
from dispatch.errors import BadInput, NotYours
from dispatch.tables import Ticket
from dispatch.tickets import Watch
from foundation.errors import AppError
from foundation.tables import Deadline
from foundation.text import clean, one_line
from foundation.writer import Work

LIMIT = "ticket.limit"
"""The deadline of the whole matter, where a desk has it."""


def assign(w: Work, ticket_id: int, desk: str, note: str = "") -> None:
    """Give the matter to the desk `org:<id>`, which signs for it within its limit.

    Raises `BadInput` for what is no receiving desk, and for another one than a ruling has named.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state == "ruling":
        raise BadInput("已两次退单，须由班长审定", f"ticket {ticket.number} was returned twice: it needs a ruling")
    if ticket.state == "registered":
        ticket.bound = False
    if ticket.bound and desk != ticket.desk:
        raise BadInput("审定结果有约束力，不得改派他处", f"a ruling gave ticket {ticket.number} to {ticket.desk}")
    give(w, ticket, desk, one_line(note, 200))


def give(w: Work, ticket: Ticket, desk: str, note: str) -> None:
    """The locked ticket is this desk's to sign for."""
    organisation = organisations.receiving_desk(w.session, desk)
    matter = _matter(w, ticket)
    ticket.desk, ticket.assigned_at, ticket.signed_at = desk, w.now, None
    urgent = ticket.urgency != "normal"
    sign = Watch.counted(w, "ticket.sign", limits.sign(ticket.urgency), urgent=urgent)
    tickets.change_state(w, ticket, "assigned", desk, sign, *matter)
    if not matter:  # this was the first dispatch, by which the clock has begun
        tickets.set_watches(w, ticket, *_matter(w, ticket))
    journeys.go_down(w, ticket, organisation.id, note)
    w.log("ticket.assigned", ticket_id=ticket.id, desk=desk, note=note)


def sign(w: Work, ticket_id: int) -> bool:
    """The desk confirms that it has the matter (签收), late or not; False when it had done so already."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state == "handling" and ticket.signed_at is not None:
        return False
    if ticket.state != "assigned" or ticket.desk is None or ticket.assigned_at is None:
        raise BadInput("该工单没有待签收的转办", f"ticket {ticket.number} is {ticket.state}: there is nothing to sign")
    ticket.signed_at = w.now
    tickets.change_state(w, ticket, "handling", ticket.desk, *_matter(w, ticket))
    late = w.now > limits.sign(ticket.urgency).due(w.calendar, ticket.assigned_at)
    w.log("ticket.signed", ticket_id=ticket.id, desk=ticket.desk, late=late)
    return True


def take_on(w: Work, ticket_id: int) -> None:
    """The centre handles the matter itself; whoever says so owns it."""
    ticket = tickets.open_one(w.session, ticket_id)
    matter = _matter(w, ticket)
    ticket.desk = ticket.assigned_at = ticket.signed_at = None
    owner = w.actor if w.actor.startswith("user:") else "desk"
    limit = limits.matter(ticket.kind, ticket.urgency, w.now)
    tickets.change_state(w, ticket, "handling", owner, *(matter or [Watch.counted(w, LIMIT, limit)]))


def send_back(w: Work, ticket_id: int, reason: str) -> str:
    """The desk returns the matter (退单) because it is not for it; `returned`, or `ruling` when it is the second time.

    Raises `BadInput` without a reason, and `NotYours` where the desk may not: a ruling named it, the ticket has come
    back twice already, or its two working days are over.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    reason = clean(reason, 400)
    if not reason:
        raise BadInput("退单需要原因", "returning a matter needs a reason")
    if ticket.state not in ("assigned", "handling") or ticket.desk is None or ticket.assigned_at is None:
        raise BadInput("该工单不在受理单位手中", f"ticket {ticket.number} is {ticket.state}: no desk has it")
    if ticket.bound or ticket.returns >= limits.MOST_RETURNS:
        raise NotYours("已经审定，不得再退单", f"a ruling has settled whose ticket {ticket.number} is")
    if w.now > limits.RETURN.due(w.calendar, ticket.assigned_at):
        raise NotYours("已超过 2 个工作日，不得退单", "the two working days for a return are over")
    ticket.returns += 1
    desk, matter = ticket.desk, _matter(w, ticket)
    journeys.come_back(w, ticket, reason)
    w.log("ticket.returned", ticket_id=ticket.id, desk=desk, reason=reason, total=ticket.returns)
    if ticket.returns >= limits.MOST_RETURNS:
        watch = Watch.counted(w, "ticket.ruling", limits.RULING, urgent=True)
        tickets.change_state(w, ticket, "ruling", "supervisor", watch, *matter)
        return "ruling"
    watch = Watch.counted(w, "ticket.readdress", limits.READDRESS, urgent=True)
    tickets.change_state(w, ticket, "returned", "supervisor", watch, *matter)
    return "returned"


def rule(w: Work, ticket_id: int, desk: str, reason: str) -> None:
    """The supervisor rules (审定) whose matter it is after two returns; that desk must keep it."""
    ticket = tickets.open_one(w.session, ticket_id)
    reason = clean(reason, 400)
    if ticket.state != "ruling" or not reason:
        raise BadInput(
            "审定须针对两次退单的工单并写明理由", "a ruling is for a matter returned twice, and has a reason"
        )
    ticket.bound = True
    w.log("ticket.ruled", ticket_id=ticket.id, desk=desk, reason=reason)
    give(w, ticket, desk, reason)


def reply(w: Work, ticket_id: int, text: str) -> None:
    """The desk, or the centre, has done its work and says what it did (答复); the caller is asked about it next day.

    A complaint against a provider is decided first (`dispatch.complaints.decide`).
    """
    ticket = tickets.open_one(w.session, ticket_id)
    text = clean(text, tickets.MOST_NOTE)
    if not text:
        raise BadInput("需要答复内容", "a reply needs words")
    if ticket.state != "handling":
        raise BadInput("先签收，再答复", f"ticket {ticket.number} is {ticket.state}: sign for it before replying")
    tickets.must_be_decided(w, ticket)
    ticket.note = text
    w.log("ticket.replied", ticket_id=ticket.id, audience="resident", desk=ticket.desk, text=text)
    work_done.report(w, ticket)


def again(w: Work, ticket: Ticket) -> None:
    """The locked ticket is to be handled once more: by its desk, or by the centre where none has it any more."""
    try:
        if ticket.desk is not None:
            organisations.receiving_desk(w.session, ticket.desk)
    except BadInput:
        ticket.desk = None  # closed meanwhile
    if ticket.desk is not None:
        give(w, ticket, ticket.desk, f"第 {ticket.round} 轮 / round {ticket.round}")
        return
    if ticket.kind == "service_request":
        if ticket.state != "registered":
            tickets.change_state(
                w, ticket, "registered", "desk", Watch.counted(w, "ticket.registered", limits.REGISTERED)
            )
        return
    limit = limits.matter(ticket.kind, ticket.urgency, w.now)
    tickets.change_state(w, ticket, "handling", "desk", *(_matter(w, ticket) or [Watch.counted(w, LIMIT, limit)]))


def not_signed(w: Work, ticket: Ticket) -> None:
    """Nobody has signed: whoever looks after that desk must see to it, and it is asked again after as long."""
    try:
        above = organisations.supervising(w.session, ticket.desk or "")
    except AppError:  # the desk was closed meanwhile
        above = "supervisor"
    if ticket.owner in (above, "supervisor"):
        above = "supervisor"
    limit = limits.sign(ticket.urgency)
    tickets.set_watches(w, ticket, Watch.counted(w, "ticket.sign", limit, urgent=True))
    w.log("ticket.not_signed", ticket_id=ticket.id, desk=ticket.desk)
    tickets.set_owner(w, ticket, above, "not signed in time")


def _matter(w: Work, ticket: Ticket) -> list[Watch]:
    """The deadline of the whole matter as it runs, to go on in the next state; nothing before the first dispatch."""
    running = select(Deadline).where(Deadline.ticket_id == ticket.id, Deadline.kind == LIMIT, Deadline.state == "open")
    row = w.session.scalar(running.execution_options(populate_existing=True))
    if row is not None:
        return [Watch(LIMIT, row.due_at, row.reason, row.urgent, working=row.working, paused_s=row.paused_s)]
    if ticket.due_at is None or ticket.dispatched_at is None or not states.is_open(ticket.state):
        return []
    limit = limits.matter(ticket.kind, ticket.urgency, ticket.dispatched_at)
    return [Watch(LIMIT, ticket.due_at, limit.reason, working=limit.working)]
