"""Inquiries (咨询): answered on the spot, which is how seven calls of ten end; or an answer promised and rung back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dispatch import knowledge, limits, tickets
from dispatch.errors import BadInput
from dispatch.tables import Ticket
from dispatch.tickets import Watch
from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work
from residents.tables import Home

PROMISED = limits.Limit(
    timedelta(hours=24), "答应 24 小时内回电答复", "an answer was promised by telephone within 24 h"
)  # fmt: skip


def answer(
    w: Work, arrival_id: int | None, question: str, reply: str = "", *, article_id: int | None = None,
    version: int | None = None, caller: str = "", caller_name: str = "", home_id: int | None = None,
    person_id: int | None = None, item: str | None = None, plan: NumberPlan | None = None,
) -> int:  # fmt: skip
    """Write down a question and its answer: an inquiry ticket, opened and closed, and the arrival's end. Ticket id.

    The answer is words, or an article in the version that was read out, or both; a use of the article is counted.
    """
    question, reply = clean(question, 2000), clean(reply, tickets.MOST_NOTE)
    if not question or not (reply or article_id):
        raise BadInput("需要问题和答复", "an inquiry needs its question and its answer")
    ticket = _open(
        w, arrival_id, question, Watch.within("ticket.registered", limits.REGISTERED, w.now),
        caller=caller, caller_name=caller_name, home_id=home_id, person_id=person_id, item=item, plan=plan,
    )  # fmt: skip
    if arrival_id is not None:
        tickets.link(w, arrival_id, ticket, "opened", disposition="inquiry")
    _tell(w, ticket, reply, article_id, version)
    w.log("inquiry.answered", ticket_id=ticket.id, arrival_id=arrival_id, article=article_id)
    tickets.finish(w, ticket, "answered")
    return ticket.id


def promise(
    w: Work, arrival_id: int | None, question: str, *, note: str = "", caller: str = "", caller_name: str = "",
    home_id: int | None = None, person_id: int | None = None, item: str | None = None,
    plan: NumberPlan | None = None,
) -> int:  # fmt: skip
    """Nobody knows it now: the caller is rung back within a day. The inquiry stays open, with that deadline. Ticket id.

    Raises `BadInput` when there is no number to ring back: a promise that cannot be kept is none.
    """
    question, note = clean(question, 2000), clean(note, tickets.MOST_NOTE)
    if not question:
        raise BadInput("请写出问的是什么", "an inquiry needs its question")
    if not (plan or NumberPlan()).parse(caller).callable_back:
        raise BadInput(
            "没有可以回电的号码，不能答应回电", "there is no number that can be rung back: nothing can be promised"
        )
    watch = Watch.within("inquiry.promised", PROMISED, w.now)
    ticket = _open(
        w, arrival_id, question, watch, caller=caller, caller_name=caller_name, home_id=home_id, person_id=person_id,
        item=item, plan=plan, note=note,
    )  # fmt: skip
    if arrival_id is not None:
        tickets.link(w, arrival_id, ticket, "opened")
    tickets.change_state(w, ticket, "handling", "desk", watch)
    w.log("inquiry.promised", ticket_id=ticket.id, arrival_id=arrival_id, note=note)
    return ticket.id


def keep_promise(
    w: Work, ticket_id: int, reply: str = "", *, article_id: int | None = None, version: int | None = None
) -> None:  # fmt: skip
    """The caller was rung back and has the answer: the inquiry closes."""
    ticket = tickets.open_one(w.session, ticket_id)
    reply = clean(reply, tickets.MOST_NOTE)
    if ticket.kind != "inquiry" or not (reply or article_id):
        raise BadInput("需要答复内容", f"ticket {ticket.number} needs to be an inquiry, and its answer")
    _tell(w, ticket, reply, article_id, version)
    w.log("inquiry.told", ticket_id=ticket.id, article=article_id)
    tickets.finish(w, ticket, "answered")


def _open(
    w: Work, arrival_id: int | None, question: str, watch: Watch, *, caller: str, caller_name: str,
    home_id: int | None, plan: NumberPlan | None, **values: Any,
) -> Ticket:  # fmt: skip
    home = w.session.get(Home, home_id) if home_id is not None else None
    place = home.division_code if home is not None else ""
    return tickets.open_ticket(
        w, "inquiry", "registered", "desk", watch, summary=question, caller=(plan or NumberPlan()).parse(caller).e164,
        caller_name=one_line(caller_name, 80), home_id=home_id, arrival_id=arrival_id, community=place[:12],
        district=place[:6], **values,
    )  # fmt: skip


def _tell(w: Work, ticket: Ticket, reply: str, article_id: int | None, version: int | None) -> None:
    """What the caller was told, as the ticket's note; with an article, its title and version."""
    told = [ticket.note, reply]
    if article_id is not None:
        read = knowledge.count_use(w, article_id, ticket.id, version)
        told.insert(1, f"《{read.title}》第 {read.version} 版")
        if ticket.item is None and read.items:
            ticket.item = read.items[0]
    ticket.note = clean("\n".join(part for part in told if part), tickets.MOST_NOTE)
