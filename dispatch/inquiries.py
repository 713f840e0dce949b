"""Inquiries (咨询): answered on the spot, which is how seven calls of ten end."""

from __future__ import annotations

from dispatch import limits, tickets
from dispatch.errors import BadInput
from dispatch.tickets import Watch
from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work


def answer(
    w: Work, arrival_id: int | None, question: str, reply: str, *, caller: str = "", caller_name: str = "",
    home_id: int | None = None, person_id: int | None = None, item: str | None = None,
    plan: NumberPlan | None = None,
) -> int:  # fmt: skip
    """Write down a question and its answer: an inquiry ticket, opened and closed, and the arrival's end. Ticket id."""
    question, reply = clean(question, 2000), clean(reply, tickets.MOST_NOTE)
    if not question or not reply:
        raise BadInput("需要问题和答复", "an inquiry needs its question and its answer")
    ticket = tickets.open_ticket(
        w, "inquiry", "registered", "desk", Watch.within("ticket.registered", limits.REGISTERED, w.now),
        summary=question, note=reply, caller=(plan or NumberPlan()).parse(caller).e164,
        caller_name=one_line(caller_name, 80), home_id=home_id, person_id=person_id, arrival_id=arrival_id, item=item,
    )  # fmt: skip
    if arrival_id is not None:
        tickets.link(w, arrival_id, ticket, "opened", disposition="inquiry")
    tickets.finish(w, ticket, "answered")
    return ticket.id
