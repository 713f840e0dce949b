"""Texts that come in: who may say what is decided by the sender's number and its open business; never an exception.

退订 comes before all. A provider's verified telephone answers its offers and orders, a resident's its one open
question. A bare digit answers the one thing that is open; where an offer and a question are open we ask which. What
nobody understands is answered five times at most until a valid word comes, and then lies on a person's desk.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatch import answers, follow_up, messages, provider_words, taking_back, visits
from dispatch.answers import Answer
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Correspondent, FollowUp, Offer, Ticket
from foundation import inbox
from foundation.errors import AppError
from foundation.numbers import NumberPlan
from foundation.tables import InboxItem
from foundation.text import clean, one_line
from foundation.writer import Work
from providers import replies as grammar
from providers.queries import by_phone

MOST_UNKNOWN_ANSWERS = 5
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sender:
    """A number with what is open for it: offers it may answer, the order it holds, questions it may grade."""

    number: str
    provider_id: int | None
    open_offers: list[Offer]
    orders: list[Ticket]
    questions: list[FollowUp]


def handle_sms(w: Work, inbox_id: int, plan: NumberPlan | None = None) -> str:
    """Act on one text of the inbox (`payload` has `from`, `to`, `text`); what was done, as the inbox keeps it.

    Idempotent: an item already handled gives `already_handled`. Never raises because of what a text says or who sent
    it; refused by the rules of the matter, it becomes a task for the staff.
    """
    item = w.session.get_one(InboxItem, inbox_id)
    if not inbox.handled(w.session, inbox_id, "handled", w.now):
        return "already_handled"
    number = (plan or NumberPlan()).parse(str(item.payload.get("from", "")))
    text = clean(str(item.payload.get("text", "")), 1000)
    if not number.e164:
        _task(w, str(item.payload.get("from", ""))[:40], "", text)
        outcome = "unknown_sender"
    else:
        try:
            with w.attempt():
                outcome = _act(w, number.e164, text)
        except AppError as error:
            log.info("a text from %s could not be acted on: %s", number.e164, error)
            _task(w, number.e164, number.e164, text)
            outcome = "refused"
    item.outcome = outcome
    w.session.flush()
    w.log("sms.received", sender=number.e164, text=text[:200], outcome=outcome)
    return outcome


def _act(w: Work, number: str, text: str) -> str:
    command = grammar.parse(text)
    if isinstance(command, grammar.OptOut):
        return _opt_out(w, number)
    sender = _sender(w, number)
    match command:
        case grammar.Accept(code, minutes):
            return _accept(w, sender, code, minutes)
        case grammar.Decline(code, reason):
            return _decline(w, sender, code, reason)
        case grammar.Departed(code):
            return _departed(w, sender, code)
        case grammar.Arrived(code, _):
            return _arrived(w, sender, code)
        case grammar.Done(code, yuan):
            return _done(w, sender, code, yuan)
        case grammar.GiveBack(code, reason):
            return _give_back(w, sender, code, reason)
        case grammar.NotSolved():
            return _grade(w, sender, None, solved=False)
        case grammar.Digit(value, code, minutes):
            return _digit(w, sender, value, code, minutes)
        case grammar.Absent() | grammar.Back() | grammar.ContactCode():
            said = provider_words.heard(w, sender.provider_id, number, command)
            return said or _not_understood(w, number, text)
        case grammar.Help():
            template = "help_provider" if sender.provider_id is not None else "help_resident"
            return _say(w, number, template)
        case _:
            return _not_understood(w, number, text)


def _digit(w: Work, sender: _Sender, value: int, code: str | None, minutes: int | None) -> str:
    """A bare digit answers the one thing that is open; 1 and 2 may answer an offer, 1 to 5 a question."""
    for_offer = value in (1, 2) and (code is not None or minutes is not None or sender.open_offers)
    if for_offer and sender.questions and code is None and minutes is None:
        return _say(w, sender.number, "which_question", code=sender.open_offers[0].code)
    if not for_offer and sender.questions:
        return _grade(w, sender, value)
    if value == 1 and sender.provider_id is not None:
        return _accept(w, sender, code, minutes)
    if value == 2 and sender.provider_id is not None:
        return _decline(w, sender, code, "")
    return _not_understood(w, sender.number, str(value))


def _accept(w: Work, sender: _Sender, code: str | None, minutes: int | None) -> str:
    offer, outcome = _which(w, sender, code)
    if offer is None:
        return outcome
    answer = answers.accept(w, offer.id, minutes)
    number = w.session.scalar(select(Ticket.number).where(Ticket.id == offer.ticket_id)) or ""
    _understood(w, sender.number)
    if answer is Answer.YOURS:
        if offer.phone != sender.number:  # the confirmation goes to the number that was asked
            _say(w, sender.number, "accepted_again", number=number)
        return "accepted"  # the confirmation itself is the answer
    if answer is Answer.NOTED:
        w.session.refresh(offer)
        return _say(w, sender.number, "time_noted", number=number, minutes=offer.eta_minutes)
    template = {Answer.YOURS_ALREADY: "accepted_again", Answer.TAKEN: "taken_by_another"}.get(answer, "no_longer_open")
    return _say(w, sender.number, template, number=number)


def _decline(w: Work, sender: _Sender, code: str | None, reason: str) -> str:
    if code is None and not sender.open_offers:
        return _say(w, sender.number, "no_open_order")
    offer, outcome = _which(w, sender, code)
    if offer is None:
        return outcome
    number = w.session.scalar(select(Ticket.number).where(Ticket.id == offer.ticket_id)) or ""
    _understood(w, sender.number)
    if answers.decline(w, offer.id, reason):
        return _say(w, sender.number, "declined", number=number)
    return _say(w, sender.number, "no_longer_open", number=number)


def _which(w: Work, sender: _Sender, code: str | None) -> tuple[Offer | None, str]:
    """The offer meant: by its code, or the one open one, or for a late word the last one made to this provider."""
    if sender.provider_id is None:
        return None, _not_understood(w, sender.number, "offer")
    if code is not None:
        found = select(Offer).where(Offer.code == code, Offer.provider_id == sender.provider_id)
        own_first = case((Offer.phone == sender.number, 0), else_=1)  # a code is one telephone's: its own goes before
        offer = w.session.scalar(found.order_by(own_first, Offer.id.desc()).limit(1))
        return (offer, "") if offer else (None, _say(w, sender.number, "no_open_order"))
    if len(sender.open_offers) > 1:
        codes = " ".join(offer.code for offer in sender.open_offers)
        return None, _say(w, sender.number, "which_code", codes=codes)
    if sender.open_offers:
        return sender.open_offers[0], ""
    found = select(Offer).where(Offer.provider_id == sender.provider_id)
    last = w.session.scalar(found.order_by(Offer.id.desc()).limit(1))
    return (last, "") if last else (None, _say(w, sender.number, "no_open_order"))


def _departed(w: Work, sender: _Sender, code: str | None) -> str:
    ticket, outcome = _order(w, sender, code)
    if ticket is None:
        return outcome
    visits.departed(w, ticket.id)
    _understood(w, sender.number)
    return _say(w, sender.number, "departed", number=ticket.number)


def _give_back(w: Work, sender: _Sender, code: str | None, reason: str) -> str:
    ticket, outcome = _order(w, sender, code)
    if ticket is None:
        return outcome
    taking_back.give_back(w, ticket.id, reason)
    _understood(w, sender.number)
    return _say(w, sender.number, "given_back", number=ticket.number)


def _arrived(w: Work, sender: _Sender, code: str | None) -> str:
    ticket, outcome = _order(w, sender, code)
    if ticket is None:
        return outcome
    visits.arrived(w, ticket.id)
    _understood(w, sender.number)
    return _say(w, sender.number, "arrived", number=ticket.number)


def _done(w: Work, sender: _Sender, code: str | None, yuan: int | None) -> str:
    ticket, outcome = _order(w, sender, code)
    if ticket is None:
        return outcome
    visits.done(w, ticket.id, yuan)
    _understood(w, sender.number)
    return _say(w, sender.number, "done", number=ticket.number)


def _order(w: Work, sender: _Sender, code: str | None) -> tuple[Ticket | None, str]:
    """The order in hand that is meant; the codes are listed where it could be several."""
    if sender.provider_id is None:
        return None, _not_understood(w, sender.number, "order")
    orders = sender.orders
    codes = {
        ticket.id: w.session.scalar(select(Offer.code).where(Offer.id == ticket.accepted_offer_id)) for ticket in orders
    }
    if code is not None:
        orders = [ticket for ticket in orders if codes[ticket.id] == code]
    if not orders:
        return None, _say(w, sender.number, "no_open_order")
    if len(orders) > 1:
        return None, _say(w, sender.number, "which_code", codes=" ".join(str(codes[t.id]) for t in orders))
    return orders[0], ""


def _grade(w: Work, sender: _Sender, value: int | None, solved: bool | None = None) -> str:
    """The resident's answer belongs to the question that was asked last."""
    if not sender.questions:
        return _not_understood(w, sender.number, str(value or "没"))
    question = sender.questions[0]
    number = w.session.scalar(select(Ticket.number).where(Ticket.id == question.ticket_id)) or ""
    result = follow_up.answer(w, question.ticket_id, value, solved)
    _understood(w, sender.number)
    if result == "redo":
        return _say(w, sender.number, "redo", number=number)
    return _say(w, sender.number, "graded", number=number, grade=value)


def _opt_out(w: Work, number: str) -> str:
    _correspondent(w, number)
    change = update(Correspondent).where(Correspondent.number == number, Correspondent.opted_out_at.is_(None))
    first = w.session.execute(change.values(opted_out_at=w.now).execution_options(synchronize_session=False))
    if first.rowcount == 1:  # type: ignore[attr-defined]  # confirmed once
        return _say(w, number, "opted_out")
    return "opted_out"


def _not_understood(w: Work, number: str, text: str) -> str:
    _correspondent(w, number)
    count = update(Correspondent).where(
        Correspondent.number == number, Correspondent.unknown_answers < MOST_UNKNOWN_ANSWERS
    )
    change = count.values(unknown_answers=Correspondent.unknown_answers + 1)
    answered = w.session.execute(change.execution_options(synchronize_session=False))
    if answered.rowcount == 1:  # type: ignore[attr-defined]
        return _say(w, number, "not_understood")
    _task(w, number, number, text)
    return "for_staff"


def _understood(w: Work, number: str) -> None:
    change = update(Correspondent).where(Correspondent.number == number, Correspondent.unknown_answers > 0)
    w.session.execute(change.values(unknown_answers=0).execution_options(synchronize_session=False))


def _say(w: Work, to: str, template: str, /, **params: Any) -> str:
    w.send(messages.sms(messages.ANSWER, to, template, **params))
    return template


def _task(w: Work, subject: str, number: str, text: str) -> None:
    words = f"看不懂的短信 {one_line(subject, 40)}：{one_line(text, 300)}"
    add_tasks(w, "strange_sms", {one_line(subject, 60): words}, numbers={one_line(subject, 60): number})


def _correspondent(w: Work, number: str) -> None:
    insert = postgresql.insert if w.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Correspondent).values(number=number, unknown_answers=0)
    w.session.execute(row.on_conflict_do_nothing(index_elements=["number"]))


def _sender(w: Work, number: str) -> _Sender:
    provider_id = by_phone(w.session, number)
    open_offers: list[Offer] = []
    orders: list[Ticket] = []
    if provider_id is not None:
        mine = select(Offer).where(
            Offer.provider_id == provider_id,  # a worker may answer from a telephone of its own
            or_(Offer.state == "proposed", and_(Offer.state == "offered", Offer.expires_at > w.now)),
        )  # fmt: skip
        open_offers = list(w.session.scalars(mine.order_by(Offer.id)))
        held = select(Ticket).where(Ticket.assigned_provider_id == provider_id)
        orders = list(w.session.scalars(held.where(Ticket.state.in_(("accepted", "arrived"))).order_by(Ticket.id)))
    asked = select(FollowUp).where(FollowUp.phone == number, FollowUp.state == "open")
    questions = list(w.session.scalars(asked.order_by(FollowUp.asked_at.desc(), FollowUp.id.desc())))
    return _Sender(number, provider_id, open_offers, orders, questions)
