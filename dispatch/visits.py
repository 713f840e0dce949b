"""The provider's visit: on the way (出发), at the door (到), done (完), and what happens when it is silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from dispatch import limits, messages, tickets, work_done
from dispatch.errors import BadInput
from dispatch.holding import tell_resident
from dispatch.offer_policy import item_name, work_class
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer, Ticket
from dispatch.tickets import Watch
from foundation import outbox
from foundation.tables import Base
from foundation.writer import Work
from providers.tables import Provider

_TABLES = Base.metadata.tables
_OFFERS, _PROVIDERS = _TABLES[Offer.__tablename__], _TABLES[Provider.__tablename__]
_HELD = (
    select(_OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.phone, _PROVIDERS.c.name)
    .join_from(_OFFERS, _PROVIDERS, _PROVIDERS.c.id == _OFFERS.c.provider_id)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state == "accepted")
)
_FULFIL = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state == "accepted")
    .values(state="fulfilled", ended_at=bindparam("at"), ended_by=bindparam("by"))
    .returning(_OFFERS.c.provider_id)
)
_COUNT = (
    update(_PROVIDERS)
    .where(_PROVIDERS.c.id == bindparam("provider"))
    .values(orders_done=_PROVIDERS.c.orders_done + 1)
)  # fmt: skip
SILENT = timedelta(hours=2)
"""So long after the work should have been done, without a word, the order lies with the desk."""


def departed(w: Work, ticket_id: int) -> bool:
    """The provider is on the way: an event and a time, told to the resident. False when that was known already."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.departed_at is not None or ticket.state == "arrived":
        return False
    held = _held(w, ticket)
    if ticket.state != "accepted" or held is None:
        raise BadInput("该工单没有企业接单", f"nobody holds ticket {ticket.number}")
    ticket.departed_at = w.now
    w.log("visit.departed", ticket_id=ticket.id, audience="resident", provider=held.provider_id)
    tell_resident(w, ticket, "resident_on_way", number=ticket.number, item=item_name(ticket), provider=held.name,
                  phone=held.phone)  # fmt: skip
    return True


def arrived(w: Work, ticket_id: int) -> bool:
    """The provider is at the door; False when that was known already."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state == "arrived":
        return False
    limit = limits.work(work_class(ticket))
    ticket.arrived_at, ticket.done_by = w.now, w.now + limit.length
    watch = Watch.within("ticket.work", limit, w.now)
    tickets.change_state(w, ticket, "arrived", ticket.owner, watch)
    outbox.withdraw(w.session, "the provider has arrived", ticket_id=ticket.id, kinds=("resident", "nudge"))
    return True


def done(w: Work, ticket_id: int, yuan: int | None = None) -> None:
    """The provider reports the work done, for so much; the resident is asked about it the next day."""
    if yuan is not None and not 0 <= yuan <= 999_999:
        raise BadInput("金额须在 0 到 999999 元之间", "an amount is 0 to 999,999 yuan")
    ticket = tickets.open_one(w.session, ticket_id)
    told = {"offer": ticket.accepted_offer_id or 0, "at": w.now, "by": w.actor}
    provider_id = w.connection.scalar(_FULFIL, told)
    if provider_id is None:
        raise BadInput("该工单没有企业接单", f"nobody holds ticket {ticket.number}")
    ticket.charge_yuan = yuan
    work_done.report(w, ticket)
    outbox.withdraw(w.session, "the work is done", ticket_id=ticket.id, kinds=("resident", "nudge", "confirmation"))
    w.connection.execute(_COUNT, {"provider": provider_id})
    w.log("work.done", ticket_id=ticket.id, audience="resident", provider=provider_id, yuan=yuan)


def not_there_yet(w: Work, ticket: Ticket) -> None:
    """The promised time has come: ask the provider, and take the order back if it does not report in ten minutes."""
    ask_provider(w, ticket, "nudge_arrive", address=ticket.address)
    reason = "已到承诺时间，10 分钟内未到场则改派 / promised time passed: offered to others in 10 min"
    tickets.set_watches(w, ticket, Watch("ticket.no_show", w.now + limits.ARRIVE_GRACE, reason))
    w.log("visit.late", ticket_id=ticket.id, owner=ticket.owner)


def not_done_yet(w: Work, ticket: Ticket) -> None:
    """The work takes longer than usual: ask the provider, show it to the desk, and look again in an hour.

    After two silent hours the order lies with the desk: somebody may be at work inside, so a person rings and decides.
    """
    ask_provider(w, ticket, "nudge_done")
    if ticket.done_by is not None and w.now - ticket.done_by >= SILENT and ticket.owner.startswith("provider:"):
        w.log("work.silent", ticket_id=ticket.id)
        tickets.set_owner(w, ticket, "desk", "two silent hours")
    reason = "完工超时，每小时催办 / overdue: asked about every hour"
    tickets.set_watches(w, ticket, Watch("ticket.work", w.now + limits.DISPOSE_AGAIN, reason))
    w.log("work.overdue", ticket_id=ticket.id, owner=ticket.owner)


def ask_provider(w: Work, ticket: Ticket, template: str, **more: Any) -> None:
    """Ask whoever holds the order; a telephone that takes no texts is rung by the staff."""
    held = _held(w, ticket)
    if held is None:
        return
    if messages.can_text(held.phone):
        w.send(messages.sms(messages.NUDGE, held.phone, template, ticket_id=ticket.id, offer_id=held.id,
                            number=ticket.number, item=item_name(ticket), **more))  # fmt: skip
        return
    words = f"请电话催问 {held.name}：工单 {ticket.number} / ring {held.name} about ticket {ticket.number}"
    subject = f"nudge:{ticket.id}"
    add_tasks(w, "call_back", {subject: words}, numbers={subject: held.phone}, ticket_ids={subject: ticket.id})


def _held(w: Work, ticket: Ticket) -> Row[*tuple[Any, ...]] | None:
    return w.connection.execute(_HELD, {"offer": ticket.accepted_offer_id or 0}).one_or_none()
