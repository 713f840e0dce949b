"""Follow-up (回访): the day after the work the resident is asked for 1 to 5, at most three times on different days.

Not solved, or 2 and less: the same ticket is redone, the same provider first. Otherwise it closes with its grade; when
nobody answered, it closes as unreached, which counts among those asked and not among those satisfied.
"""

from __future__ import annotations

from sqlalchemy import select, update

from dispatch import limits, messages, offers, tickets
from dispatch.errors import BadInput
from dispatch.staff_tasks import add_tasks
from dispatch.tables import FollowUp, Ticket
from dispatch.tickets import Watch
from foundation import outbox
from foundation.writer import Work
from providers.tables import Provider

REDO_AT_MOST = 2
"""This grade or less means that the work is done again."""


def ask(w: Work, ticket: Ticket) -> None:
    """Ask, or give up after the third day. The ticket is `done` and locked."""
    row = _row(w, ticket)
    if row.tries >= limits.FOLLOW_UP_TRIES:
        row.state = "unreached"
        w.session.flush()
        w.log("follow_up.unreached", ticket_id=ticket.id, tries=row.tries)
        tickets.finish(w, ticket, "served", follow_up="unreached")
        return
    row.tries += 1
    row.state, row.asked_at = "open", w.now
    due = limits.next_day_at_ten(w.now)
    name = w.session.scalar(select(Provider.name).where(Provider.id == ticket.assigned_provider_id)) or ""
    if messages.can_text(row.phone):
        w.send(messages.sms(messages.FOLLOW_UP, row.phone, "follow_up", ticket_id=ticket.id,
                            dedupe_key=f"follow_up:{ticket.id}", valid_until=due, number=ticket.number,
                            item=offers.item_name(ticket), provider=name))  # fmt: skip
    else:
        words = f"请电话回访工单 {ticket.number} / ask by telephone about ticket {ticket.number}"
        subject = f"follow_up:{ticket.id}"
        add_tasks(w, "call_back", {subject: words}, numbers={subject: row.phone}, ticket_ids={subject: ticket.id})
    tickets.set_watches(w, ticket, Watch("ticket.follow_up", due, limits.FOLLOW_UP.reason))
    w.log("follow_up.asked", ticket_id=ticket.id, attempt=row.tries)


def answer(w: Work, ticket_id: int, grade: int | None, solved: bool | None = None) -> str:
    """The resident's answer, by text or told to an operator: `closed` or `redo`.

    `solved=False` means redo whatever the grade. Raises `BadInput` when there is neither, or no question is due.
    """
    if (grade is None and solved is None) or (grade is not None and not 1 <= grade <= 5):
        raise BadInput("回访评分为 1 到 5", "a follow-up needs a grade of 1 to 5, or that it is not solved")
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state != "done":
        raise BadInput("该工单不在回访阶段", f"ticket {ticket.number} is {ticket.state}: there is nothing to grade")
    row = _row(w, ticket)
    row.state, row.answered_at, row.grade, row.solved = "answered", w.now, grade, solved
    provider_id = ticket.assigned_provider_id
    if grade is not None:
        ticket.grade = grade
        if provider_id is not None:
            _count(w, provider_id, grades=1, grades_sum=grade)
    w.session.flush()
    outbox.withdraw(w.session, "answered", ticket_id=ticket.id, kinds=("follow_up",))
    w.log("follow_up.answered", ticket_id=ticket.id, audience="resident", grade=grade, solved=solved)
    if solved is False or (grade is not None and grade <= REDO_AT_MOST):
        redo(w, ticket, provider_id)
        return "redo"
    tickets.finish(w, ticket, "served", grade=grade)
    return "closed"


def redo(w: Work, ticket: Ticket, provider_id: int | None) -> None:
    """The same ticket again (退回重办): next round, the same provider first."""
    ticket.round += 1
    offers.release(w, ticket)
    ticket.done_at = None
    w.session.flush()
    w.log("ticket.redo", ticket_id=ticket.id, audience="resident", round=ticket.round)
    if provider_id is None:
        offers.offer_next(w, ticket.id)
        return
    _count(w, provider_id, orders_redone=1)
    offers.offer_again(w, ticket, provider_id)


def _row(w: Work, ticket: Ticket) -> FollowUp:
    found = select(FollowUp).where(FollowUp.ticket_id == ticket.id, FollowUp.round == ticket.round)
    return w.session.scalars(found.with_for_update()).one()


def _count(w: Work, provider_id: int, **counts: int) -> None:
    values = {name: getattr(Provider, name) + value for name, value in counts.items()}
    change = update(Provider).where(Provider.id == provider_id).values(**values)
    w.session.execute(change.execution_options(synchronize_session=False))
