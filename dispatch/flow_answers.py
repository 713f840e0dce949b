"""What people decide by keys in a flow: each answer is carried out as if it had come by text or to an operator.

An answer comes out of the journal, so it is never lost; and what a record says never raises here, since the journal
must go on. An outgoing call is named after what it is about (`out-offer-12-1`, the first call about offer 12), and has
no arrival: its steps are kept in the inbox, each once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from dispatch import answers, follow_up, messages
from dispatch.answers import Answer
from dispatch.call_story import Record
from dispatch.limits import LOCAL
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer, Ticket
from dispatch.tellings import subject_of
from foundation import inbox
from foundation.errors import AppError
from foundation.text import one_line
from foundation.writer import Work
from providers import absence
from providers.queries import by_phone

CALL_ID = re.compile(r"out-([a-z]+(?:-[a-z]+)?-[0-9]{1,12})-([0-9]{1,3})", re.ASCII)
"""The name of a call that we make with a flow: what it is about, and which attempt."""

TOLD = frozenset({"chose", "said", "graded", "callback", "message", "transferred"})
"""Steps of a flow that are told as events of their call."""

_ACTED_ON = frozenset({"said", "graded", "message"})
_SOURCE = "call-step"
log = logging.getLogger(__name__)


def name_of(subject: str, attempt: int) -> str:
    """The call id of the `attempt`-th call about `subject`. ValueError when no call is about such a thing."""
    call_id = f"out-{subject}-{attempt}"
    if not CALL_ID.fullmatch(call_id):
        raise ValueError(f"no call is about {subject!r}")
    return call_id


def heard(w: Work, arrival_id: int, number: str, fresh: Mapping[str, Record]) -> None:
    """Carry out what is new in a call that came in from `number` (E.164 or empty)."""
    for name, kept in sorted(fresh.items(), key=lambda item: (item[1]["t"], item[0])):
        if kept["s"] in _ACTED_ON:
            _act(w, _Caller(number, str(kept.get("subject", "")), arrival_id, f"{arrival_id}:{name}"), kept)


def record(w: Work, call_id: str, new: Mapping[str, Record]) -> None:
    """Take steps of a call that we made with a flow; known ones are passed over."""
    found = CALL_ID.fullmatch(call_id)
    subject = found[1] if found else ""
    ticket_id = _ticket_of(w, subject)
    for name, kept in sorted(new.items(), key=lambda item: (item[1]["t"], item[0])):
        item_id = inbox.receive(w.session, _SOURCE, f"{call_id}~{name}"[:120], dict(kept), w.now)
        if item_id is None:
            continue
        inbox.handled(w.session, item_id, str(kept["s"]), w.now)
        detail = {key: value for key, value in kept.items() if key not in ("s", "step", "call")}
        w.log(f"call.{kept['s']}", ticket_id=ticket_id, call=call_id, step=name, **detail)
        if kept["s"] in _ACTED_ON:
            _act(w, _Caller("", subject, None, call_id), kept)


class _Caller:
    """Who answered: the number he called from, what the call is about, its arrival, and a name for it."""

    def __init__(self, number: str, subject: str, arrival_id: int | None, call: str) -> None:
        self.number, self.subject, self.arrival_id, self.call = number, subject, arrival_id, call


def _act(w: Work, caller: _Caller, kept: Record) -> None:
    try:
        with w.attempt():
            if kept["s"] == "graded":
                _graded(w, caller, kept)
            elif kept["s"] == "message":
                _message(w, caller, kept)
            elif (carry_out := ANSWERS.get(str(kept.get("answer", "")))) is not None:
                carry_out(w, caller)
    except AppError as error:
        log.info("an answer of call %s could not be carried out: %s", caller.call, error)
        words = f"电话中的答复无法执行：{error.zh} / an answer by telephone could not be carried out: {error.en}"
        _task(w, caller, words)


def _graded(w: Work, caller: _Caller, kept: Record) -> None:
    kind, ticket_id = subject_of(caller.subject)
    grade = str(kept.get("grade", ""))
    if kept.get("about") == "follow_up" and kind == "follow-up" and grade in ("1", "2", "3", "4", "5"):
        state = w.session.scalar(select(Ticket.state).where(Ticket.id == ticket_id))
        if state == "done":  # else it was answered by text in the meantime
            follow_up.answer(w, ticket_id, int(grade))


def _message(w: Work, caller: _Caller, kept: Record) -> None:
    seconds = str(kept.get("secs", ""))[:6]
    _task(w, caller, f"来电人留了 {seconds} 秒语音，请听后处理 / a voice message of {seconds} s: listen, and see to it")


def _accept(w: Work, caller: _Caller) -> None:
    offer = _offer(w, caller)
    if offer is None:
        return
    answer = answers.accept(w, offer.id)
    if answer is Answer.NOTED:
        w.session.refresh(offer)
        _say(w, offer, "time_noted", minutes=offer.eta_minutes)
    elif answer is not Answer.YOURS:  # the confirmation itself is the answer to the one who has it
        template = {Answer.YOURS_ALREADY: "accepted_again", Answer.TAKEN: "taken_by_another"}
        _say(w, offer, template.get(answer, "no_longer_open"))


def _refuse(w: Work, caller: _Caller) -> None:
    offer = _offer(w, caller)
    if offer is not None:
        _say(w, offer, "declined" if answers.decline(w, offer.id, "电话 / by telephone") else "no_longer_open")


def _absent_today(w: Work, caller: _Caller) -> None:
    """The provider gets no more orders until midnight; what it holds already stays with it."""
    provider_id = by_phone(w.session, caller.number) if caller.number else None
    if provider_id is None:
        return
    until = midnight(w.now)
    absence.absent(w, provider_id, until, "key")
    w.log("provider.absent", arrival_id=caller.arrival_id, provider=provider_id, until=until.isoformat())


def _care(zh: str, en: str) -> Callable[[Work, _Caller], None]:
    def told(w: Work, caller: _Caller) -> None:
        _task(w, caller, f"关爱电话：{zh} / care call: {en}")

    return told


ANSWERS: Mapping[str, Callable[[Work, _Caller], None]] = MappingProxyType(
    {
        "accept": _accept,
        "refuse": _refuse,
        "absent_today": _absent_today,
        "needs_service": _care("老人需要服务，请回电", "something is needed; call back"),
        "abnormal": _care("情况异常，请马上回电", "something is wrong; call back at once"),
    }
)
"""The answers that have a consequence of their own; every other one is kept and told as an event."""


def midnight(now: datetime) -> datetime:
    """The end of the local day."""
    day = now.astimezone(LOCAL).date() + timedelta(days=1)
    return datetime.combine(day, time(), LOCAL)


def acted_on(fresh: Collection[Record]) -> bool:
    """Whether any of these steps has a consequence; nearly all calls have none."""
    return any(kept["s"] in _ACTED_ON for kept in fresh)


def _offer(w: Work, caller: _Caller) -> Offer | None:
    kind, offer_id = subject_of(caller.subject)
    return w.session.get(Offer, offer_id) if kind == "offer" else None


def _ticket_of(w: Work, subject: str) -> int | None:
    kind, number = subject_of(subject)
    if kind == "offer":
        return w.session.scalar(select(Offer.ticket_id).where(Offer.id == number))
    return w.session.scalar(select(Ticket.id).where(Ticket.id == number)) if kind == "follow-up" else None


def _say(w: Work, offer: Offer, template: str, /, **params: Any) -> None:
    if not messages.can_text(offer.phone):  # it heard the answer on the telephone
        return
    number = w.session.scalar(select(Ticket.number).where(Ticket.id == offer.ticket_id)) or ""
    w.send(messages.sms(messages.ANSWER, offer.phone, template, number=number, **params))


def _task(w: Work, caller: _Caller, words: str) -> None:
    subject = one_line(caller.call, 150)
    arrivals = {subject: caller.arrival_id} if caller.arrival_id is not None else {}
    add_tasks(w, "call_back", {subject: words}, numbers={subject: caller.number}, arrival_ids=arrivals)
