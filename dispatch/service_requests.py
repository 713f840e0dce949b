"""Service requests (求助): somebody is to come. Registered with the five elements, then offered to providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatch import limits, offers, tickets
from dispatch.errors import BadInput
from dispatch.messages import WITHDRAWAL, WITHDRAWAL_VALID, sms
from dispatch.registration import five_elements, wish
from dispatch.tables import Offer
from dispatch.tickets import URGENCIES, Watch
from dispatch.whereabouts import place_of
from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work
from providers.taxonomy import ITEMS
from residents.tables import Home, Person


@dataclass(frozen=True)
class NewRequest:
    """What an operator has written down. `community` is a 12-digit code; left empty, the home's is taken.

    `caller` is any form of a telephone number. `preferred` and `refused` are provider ids the resident named;
    `follow_up_by` is how he wants to be asked afterwards (`sms`, `call`, or empty).
    """

    item: str
    summary: str
    caller: str
    caller_name: str = ""
    address: str = ""
    community: str = ""
    home_id: int | None = None
    person_id: int | None = None
    arrival_id: int | None = None
    urgency: str = "normal"
    elements: Mapping[str, str] = field(default_factory=dict)
    follow_up_by: str = ""
    preferred: int | None = None
    refused: tuple[int, ...] = ()


def open_request(w: Work, new: NewRequest, plan: NumberPlan | None = None) -> int:
    """Register a request; returns the ticket's id. Its arrival, when it has one, is disposed of with it."""
    item = ITEMS.get(new.item)
    summary, address = clean(new.summary, 2000), one_line(new.address, 200)
    home = w.session.get(Home, new.home_id) if new.home_id is not None else None
    community = new.community or (home.division_code[:12] if home else "")
    if item is None or not summary or new.urgency not in URGENCIES:
        raise BadInput("需要服务项目、内容和紧急程度", "a request needs a known item, a summary and an urgency")
    if not (community.isascii() and community.isdigit() and 6 <= len(community) <= 12):
        raise BadInput("需要所在社区", "a request needs the community it is in (6 to 12 digits), or a known home")
    if not address and home is None:
        raise BadInput("需要上门地址", "a request needs an address, or a known home")
    if (new.home_id is not None and home is None) or (
        new.person_id is not None and w.session.get(Person, new.person_id) is None
    ):
        raise BadInput("没有这个住户或居民", f"there is no home {new.home_id} or person {new.person_id}")
    number = (plan or NumberPlan()).parse(new.caller)
    work_class = item.work_class
    here = place_of(w.session, home, community)
    ticket = tickets.open_ticket(
        w, "service_request", "registered", "desk", Watch.within("ticket.registered", limits.REGISTERED, w.now),
        urgency=new.urgency, item=item.code, summary=summary, caller=number.e164,
        caller_name=one_line(new.caller_name, 80), home_id=new.home_id, person_id=new.person_id,
        arrival_id=new.arrival_id, community=community, district=community[:6],
        address=address or (home.address if home else ""),
        latitude=here.latitude if here else None, longitude=here.longitude if here else None,
        elements=five_elements(new.elements),
        policy={
            "mode": "sequential", "work_class": work_class, "accept_minutes": limits.ACCEPT[work_class],
            "preferred": new.preferred, "refused": list(new.refused), **wish(new.follow_up_by),
        },
    )  # fmt: skip
    if new.arrival_id is not None:
        tickets.link(w, new.arrival_id, ticket, "opened")
    offers.tell_resident(w, ticket, "resident_registered", number=ticket.number, item=item.zh)
    return ticket.id


def begin_offers(w: Work, ticket_id: int) -> int | None:
    """Start asking providers; the first offer's id, or None when nobody can be asked (the operators have it then)."""
    return offers.begin(w, ticket_id)


def cancel(w: Work, ticket_id: int, reason: str) -> None:
    """The resident does not want it any more (撤销), a request or any other matter; a provider that holds it is told.

    What is done already is not cancelled: it is asked about, and closed.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    reason = clean(reason, 400)
    if not reason:
        raise BadInput("撤销需要原因", "cancelling a request needs a reason")
    if ticket.kind == "emergency" or ticket.state == "done":
        raise BadInput(
            "警情和已完工的工单不能撤销", f"ticket {ticket.number} is an alarm or done: it is closed instead"
        )
    held = w.session.get(Offer, ticket.accepted_offer_id or 0)
    ticket.note = reason
    tickets.finish(w, ticket, "cancelled")
    if ticket.kind != "service_request":
        return
    item = offers.item_name(ticket)
    if held is not None:
        w.send(sms(WITHDRAWAL, held.phone, "withdrawal", ticket_id=ticket.id, offer_id=held.id,
                   valid_until=w.now + WITHDRAWAL_VALID, number=ticket.number, item=item))  # fmt: skip
    offers.tell_resident(w, ticket, "resident_cancelled", number=ticket.number, item=item)
