"""Follow-up (回访): the day after the work the resident is asked for 1 to 5, at most three times at different hours.

It has three outcomes: the record was wrong (退回重填), the work is done again (退回重办: not solved, or 2 and less), or
the ticket closes with its grade. When nobody answers, it closes as unreached, which counts among those asked and not
among those satisfied.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from dispatch import limits, messages, offer_policy, rounds, tickets
from dispatch.errors import BadInput
from dispatch.staff_tasks import add_tasks, settle
from dispatch.tables import FollowUp, Ticket
from dispatch.tickets import Watch
from foundation import outbox
from foundation.text import one_line
from foundation.writer import Work
from providers.tables import Provider

REDO_AT_MOST = 2
"""This grade or less means that the work is done again."""
_LAST_WAIT = timedelta(days=1)
"""So long the third question may still be answered."""


def ask(w: Work, ticket: Ticket) -> None:
    """Ask, or give up after the third try. The ticket is `done` and locked."""
    row = _row(w, ticket)
    if row.tries >= limits.FOLLOW_UP_TRIES:
        row.state, row.outcome = "unreached", "unreached"
        w.session.flush()
        _settle(w, ticket, row)
        w.log("follow_up.unreached", ticket_id=ticket.id, tries=row.tries)
        tickets.finish(w, ticket, outcome_of(ticket), follow_up="unreached")
        return
    row.tries += 1
    row.state, row.asked_at = "open", w.now
    again = _watch_again(w, row)
    if row.channel == "sms":
        name = w.session.scalar(select(Provider.name).where(Provider.id == ticket.assigned_provider_id)) or ""
        w.send(messages.sms(messages.FOLLOW_UP, row.phone, "follow_up", ticket_id=ticket.id,
                            dedupe_key=f"follow_up:{ticket.id}", valid_until=again.due_at, number=ticket.number,
                            item=offer_policy.item_name(ticket), provider=name))  # fmt: skip
    else:
        words = f"请电话回访工单 {ticket.number} / ask by telephone about ticket {ticket.number}"
        subject = f"follow_up:{ticket.id}"
        add_tasks(w, "call_back", {subject: words}, numbers={subject: row.phone}, ticket_ids={subject: ticket.id})
    tickets.set_watches(w, ticket, again)
    w.log("follow_up.asked", ticket_id=ticket.id, attempt=row.tries, channel=row.channel)


def answer(w: Work, ticket_id: int, grade: int | None, solved: bool | None = None) -> str:
    """The resident's answer, by text or told to an operator: `closed` or `redo`.

    `solved=False` means redo whatever the grade. Raises `BadInput` when there is neither, or no question is due.
    """
    if (grade is None and solved is None) or (grade is not None and not 1 <= grade <= 5):
        raise BadInput("回访评分为 1 到 5", "a follow-up needs a grade of 1 to 5, or that it is not solved")
    ticket, row = _asked(w, ticket_id)
    redo = solved is False or (grade is not None and grade <= REDO_AT_MOST)
    row.state, row.answered_at, row.grade, row.solved = "answered", w.now, grade, solved
    row.outcome = "redo" if redo else "close"
    if grade is not None:
        ticket.grade = grade
    w.session.flush()
    _settle(w, ticket, row)
    w.log("follow_up.answered", ticket_id=ticket.id, audience="resident", grade=grade, solved=solved,
          result=row.outcome)  # fmt: skip
    if redo:
        rounds.redo(w, ticket, "没有解决 / not solved" if solved is False else f"{grade} / 5")
        return "redo"
    tickets.finish(w, ticket, outcome_of(ticket), grade=grade)
    return "closed"


def refill(w: Work, ticket_id: int, why: str) -> None:
    """What was written down is wrong, says the resident: the ticket goes back to registration to be corrected."""
    why = one_line(why, 400)
    if not why:
        raise BadInput("退回重填需要说明哪里不对", "say what is wrong with the record")
    ticket, row = _asked(w, ticket_id)
    row.state, row.answered_at, row.outcome = "answered", w.now, "refill"
    w.session.flush()
    _settle(w, ticket, row)
    w.log("follow_up.answered", ticket_id=ticket.id, audience="resident", result="refill", why=why)
    rounds.refill(w, ticket, why)


def not_reached(w: Work, ticket_id: int) -> int:
    """An operator rang and nobody answered: tried again at another hour, or given up after the third. Tries so far."""
    ticket, row = _asked(w, ticket_id)
    if row.state == "waiting":
        row.tries += 1
        row.state, row.asked_at = "open", w.now
        w.session.flush()
    w.log("follow_up.not_reached", ticket_id=ticket.id, attempt=row.tries)
    if row.tries >= limits.FOLLOW_UP_TRIES:
        ask(w, ticket)
    else:
        tickets.set_watches(w, ticket, _watch_again(w, row))
    return row.tries


def outcome_of(ticket: Ticket) -> str:
    """What the ticket closes as when its work was done."""
    return "served" if ticket.kind == "service_request" else "answered"


def _watch_again(w: Work, row: FollowUp) -> Watch:
    last = row.tries >= limits.FOLLOW_UP_TRIES
    due = w.now + _LAST_WAIT if last else limits.follow_up_at(w.now, row.tries + 1)
    return Watch("ticket.follow_up", due, limits.FOLLOW_UP_AGAIN)


def _settle(w: Work, ticket: Ticket, row: FollowUp) -> None:
    """Nobody needs to ask any more."""
    if row.channel == "call":
        settle(w, "call_back", f"follow_up:{ticket.id}")
    else:
        outbox.withdraw(w.session, "answered", ticket_id=ticket.id, kinds=("follow_up",))


def _asked(w: Work, ticket_id: int) -> tuple[Ticket, FollowUp]:
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state != "done":
        raise BadInput("该工单不在回访阶段", f"ticket {ticket.number} is {ticket.state}: there is nothing to grade")
    return ticket, _row(w, ticket)


def _row(w: Work, ticket: Ticket) -> FollowUp:
    found = select(FollowUp).where(FollowUp.ticket_id == ticket.id, FollowUp.round == ticket.round)
    return w.session.scalars(found.with_for_update()).one()
