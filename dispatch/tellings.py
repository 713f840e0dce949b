"""What the telephone tells a caller by itself: who he is to us, how his ticket stands, who is on the way.

Reads only, and every answer is whole sentences in one language. A number can be forged, so nothing is told that only
the right person may hear: no name of a resident, no address, no telephone but the provider's to whom the caller is
to open the door.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dispatch import incidents
from dispatch.limits import LOCAL
from dispatch.tables import Offer, Ticket
from foundation.numbers import NumberPlan
from ivr_flows import numbers_spoken as spoken
from ivr_flows.numbers_spoken import Language
from providers import queries as providers
from providers.tables import Provider
from providers.taxonomy import ITEMS
from residents import queries as residents
from residents.tables import Division

MOST_TOLD = 3
"""Tickets or orders told in one go: nobody keeps more in mind."""
_ENDED = ("closed", "archived")
_SUBJECT = re.compile(r"([a-z]+(?:-[a-z]+)?)-([0-9]{1,12})", re.ASCII)


@dataclass(frozen=True)
class Asker:
    """Who asks: the caller's number in E.164 or empty, what an outgoing call is about, in which language, and when."""

    number: str
    subject: str
    language: Language
    now: datetime
    plan: NumberPlan

    def says(self, zh: str, en: str) -> str:
        """The one of two texts that he understands."""
        return en if self.language == "en" else zh

    def moment(self, at: datetime) -> str:
        """A time as one says it to him."""
        return spoken.moment(at.astimezone(LOCAL), self.now.astimezone(LOCAL), self.language)


def recognise(session: Session, number: str) -> str:
    """`provider`, `ticket` (has an open one), `known` or `unknown`, by the number in E.164."""
    if not number:
        return "unknown"
    if providers.by_phone(session, number) is not None:
        return "provider"
    if session.scalar(select(Ticket.id).where(*_open_of(number)).limit(1)) is not None:
        return "ticket"
    return "known" if residents.find_by_number(session, number).known else "unknown"


def tell(session: Session, topic: str, asker: Asker) -> list[str] | None:
    """The sentences about `topic`; none when there is nothing to tell, None for a topic that nobody knows."""
    telling = TELLINGS.get(topic)
    return None if telling is None else telling(session, asker)


def subject_of(subject: str) -> tuple[str, int]:
    """What a call is about: `offer-12` is `("offer", 12)`, `follow-up-7` is `("follow-up", 7)`; else `("", 0)`."""
    found = _SUBJECT.fullmatch(subject)
    return (found[1], int(found[2])) if found else ("", 0)


def _my_ticket(session: Session, asker: Asker) -> list[str]:
    return [_progress(session, ticket, asker) for ticket in _tickets(session, asker.number)]


def _provider_on_way(session: Session, asker: Asker) -> list[str]:
    told = []
    for ticket in _tickets(session, asker.number):
        if ticket.state == "accepted":
            told.append(_coming(session, ticket, asker))
            phone = session.scalar(select(Offer.phone).where(Offer.id == ticket.accepted_offer_id)) or ""
            if said := spoken.digits(asker.plan.dial(phone), asker.language):
                told.append(asker.says(f"对方电话：{said}。", f"Their number is {said}."))
        elif ticket.state == "arrived":
            told.append(_progress(session, ticket, asker))
    return told


def _my_orders(session: Session, asker: Asker) -> list[str]:
    provider_id = providers.by_phone(session, asker.number) if asker.number else None
    if provider_id is None:
        return []
    held = select(Ticket).where(Ticket.assigned_provider_id == provider_id, Ticket.state.in_(("accepted", "arrived")))
    orders = session.scalars(held.order_by(Ticket.arrive_by, Ticket.id)).all()
    offered = session.scalars(
        select(Ticket)
        .join(Offer, Offer.ticket_id == Ticket.id)
        .where(Offer.provider_id == provider_id, Offer.state == "offered", Offer.expires_at > asker.now)
        .order_by(Offer.id)
    ).all()
    told = []
    if orders:
        count = len(orders)
        orders_zh, orders_en = spoken.counted(count, "单", "zh"), spoken.counted(count, "order", "en")
        told.append(asker.says(f"您手上有{orders_zh}。", f"You have {orders_en} in hand."))
    for ticket in orders[:MOST_TOLD]:
        until_zh = until_en = ""
        if ticket.arrive_by is not None and ticket.state == "accepted":
            until_zh, until_en = f"，{asker.moment(ticket.arrive_by)}前到", f", due by {asker.moment(ticket.arrive_by)}"
        place = _community(session, ticket)
        told.append(asker.says(f"{_item(ticket, 'zh')}，{place}{until_zh}。", f"{_item(ticket, 'en')}{until_en}."))
    if offered:
        waiting_zh, waiting_en = (
            spoken.counted(len(offered), "单", "zh"),
            spoken.counted(len(offered), "order", "en"),
        )
        told.append(asker.says(f"还有{waiting_zh}等您答复，请看短信。", f"{waiting_en} wait for your answer by text."))
    return told


def _offer(session: Session, asker: Asker) -> list[str]:
    kind, offer_id = subject_of(asker.subject)
    offer = session.get(Offer, offer_id) if kind == "offer" else None
    ticket = session.get(Ticket, offer.ticket_id) if offer is not None else None
    if offer is None or ticket is None or offer.state != "offered":
        return []
    minutes = max(1, int((offer.expires_at - asker.now).total_seconds() // 60))
    within_zh, within_en = spoken.counted(minutes, "分钟", "zh"), spoken.counted(minutes, "minute", "en")
    return [
        asker.says(
            f"新订单：{_item(ticket, 'zh')}，{_community(session, ticket)}。请在{within_zh}内答复。",
            f"A new order: {_item(ticket, 'en')}. Please answer within {within_en}.",
        )
    ]


def _follow_up(session: Session, asker: Asker) -> list[str]:
    kind, ticket_id = subject_of(asker.subject)
    ticket = session.get(Ticket, ticket_id) if kind == "follow-up" else None
    if ticket is None or ticket.state != "done":
        return []
    when_zh = when_en = ""
    if ticket.done_at is not None:
        day = spoken.day(ticket.done_at.astimezone(LOCAL).date(), asker.now.astimezone(LOCAL).date(), asker.language)
        when_zh, when_en = f"{day}完成的", f" finished {day}"
    return [asker.says(f"这次回访{when_zh}{_item(ticket, 'zh')}。", f"This is about {_item(ticket, 'en')}{when_en}.")]


def _incident(session: Session, asker: Asker) -> list[str]:
    kind, arrival_id = subject_of(asker.subject)
    if kind == "notice":
        over = incidents.over_for(session, arrival_id)
        return [asker.says(over.over_zh, over.over_en)] if over is not None else []
    incident = incidents.covering(session, asker.number, None, asker.now)
    return [asker.says(incident.sentence_zh, incident.sentence_en)] if incident is not None else []


TELLINGS: Mapping[str, Callable[[Session, Asker], list[str]]] = MappingProxyType(
    {
        "my_ticket": _my_ticket,
        "provider_on_way": _provider_on_way,
        "my_orders": _my_orders,
        "offer": _offer,
        "follow_up": _follow_up,
        "incident": _incident,
    }
)
"""Topic -> what is told; a topic more is one function and one line."""


def _open_of(number: str) -> tuple[ColumnElement[bool], ...]:
    return (Ticket.caller == number, Ticket.kind != "emergency", Ticket.state.not_in(_ENDED))


def _tickets(session: Session, number: str) -> list[Ticket]:
    if not number:
        return []
    found = select(Ticket).where(*_open_of(number))
    return list(session.scalars(found.order_by(Ticket.id.desc()).limit(MOST_TOLD)))


def _progress(session: Session, ticket: Ticket, asker: Asker) -> str:
    item = _item(ticket, asker.language)
    match ticket.state:
        case "accepted":
            return _coming(session, ticket, asker)
        case "arrived":
            return asker.says(f"您的{item}，服务人员已经到场。", f"Your {item}: the provider is at your place.")
        case "done":
            return asker.says(f"您的{item}已经完工，我们会回访您。", f"Your {item} is done; we will ask how it went.")
        case "offered" | "escalated" | "registered":
            return asker.says(f"您的{item}，正在为您联系服务商。", f"Your {item}: we are looking for a provider.")
        case "paused":
            return asker.says(f"您的{item}暂时挂起。", f"Your {item} is on hold.")
        case _:
            return asker.says(f"您的{item}正在办理。", f"Your {item} is being dealt with.")


def _coming(session: Session, ticket: Ticket, asker: Asker) -> str:
    item = _item(ticket, asker.language)
    name = session.scalar(select(Provider.name).where(Provider.id == ticket.assigned_provider_id)) or "服务商"
    if ticket.arrive_by is None:
        return asker.says(f"您的{item}，{name}已接单。", f"Your {item}: a provider has taken it.")
    until = asker.moment(ticket.arrive_by)
    return asker.says(f"您的{item}，{name}已接单，{until}前上门。", f"Your {item}: a provider comes by {until}.")


def _item(ticket: Ticket, language: Language) -> str:
    item = ITEMS.get(ticket.item or "")
    if item is None:
        return "工单" if language == "zh" else "ticket"
    return item.zh if language == "zh" else item.en.lower()


def _community(session: Session, ticket: Ticket) -> str:
    return session.scalar(select(Division.name).where(Division.code == ticket.community)) or ""
