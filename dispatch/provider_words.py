"""What providers say by text beside their orders: absent and back again, and the code of the contact test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatch import messages
from foundation.writer import Work
from providers import absence, contact_test, rota
from providers import replies as grammar

ASKED_AT_ONCE = 20
"""Numbers that one command asks: each is a row, an event and a message."""


def heard(
    w: Work, provider_id: int | None, number: str, command: grammar.Absent | grammar.Back | grammar.ContactCode
) -> str | None:
    """Carry the word out and answer it; the template of the answer, or None when it means nothing from this number."""
    match command:
        case grammar.ContactCode(code):
            return _say(w, number, "contact_proven") if contact_test.answer(w, number, code) else None
        case grammar.Absent(days, until) if provider_id is not None:
            end = rota.end_of_absence(w.now, days, until)
            if end is None:
                return _say(w, number, "absent_unclear")
            absence.absent(w, provider_id, end, "sms")
            return _say(w, number, "absent", day=absence.last_day(end))
        case grammar.Back() if provider_id is not None:
            absence.back(w, provider_id, "sms")
            return _say(w, number, "back")
        case _:
            return None


def ask_contacts(w: Work, limit: int = ASKED_AT_ONCE) -> int:
    """Ask the numbers whose turn it is to send their code back; how many. Landlines are left to a person."""
    due = contact_test.due(w.session, w.now, limit)
    for phone_id, _number in due:
        ask_contact(w, phone_id)
    return len(due)


def ask_contact(w: Work, phone_id: int) -> None:
    """Ask one number for its code, now."""
    asked = contact_test.ask(w, phone_id)
    if asked is not None and messages.can_text(asked.number):
        valid = w.now + contact_test.ANSWER_WITHIN
        w.send(messages.sms(messages.CONTACT_TEST, asked.number, "contact_test", code=asked.code, valid_until=valid,
                            dedupe_key=f"contact_test:{phone_id}"))  # fmt: skip


def anyone_to_ask(session: Session, now: datetime) -> bool:
    """Whether a number's turn has come."""
    return bool(contact_test.due(session, now, 1))


def _say(w: Work, to: str, template: str, /, **params: Any) -> str:
    w.send(messages.sms(messages.ANSWER, to, template, **params))
    return template
