"""Orders that come back (收回, 退单, 改派): the provider did not come, gives it back, or an operator moves it.

The offer stays in the ledger as withdrawn, with the reason and who it was; the order goes on to others with its whole
history, and the same provider is not asked again in this round.
"""

from __future__ import annotations

from sqlalchemy import bindparam, update

from dispatch import messages, offers, tickets
from dispatch.errors import BadInput
from dispatch.offer_policy import item_name
from dispatch.tables import Offer, Ticket
from foundation import outbox
from foundation.tables import Base
from foundation.text import one_line
from foundation.writer import Work

_OFFERS = Base.metadata.tables[Offer.__tablename__]
_WITHDRAW = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state == "accepted")
    .values(
        state="withdrawn",
        ended_at=bindparam("at"),
        ended_by=bindparam("by"),
        withdrawn_why=bindparam("why"),
        decline_reason=bindparam("said"),
    )
    .returning(_OFFERS.c.provider_id, _OFFERS.c.phone)
)


def take_back(w: Work, ticket_id: int, reason: str) -> int | None:
    """Take an accepted order from a provider that does not come, and ask the next; offer id or None."""
    ticket = tickets.open_one(w.session, ticket_id)
    _end(w, ticket, reason, "offer.taken_back", "no_show")
    return offers.offer_next(w, ticket.id)


def give_back(w: Work, ticket_id: int, reason: str) -> int | None:
    """The provider that holds the order gives it back, with its reason; the next is asked. Offer id or None."""
    ticket = tickets.open_one(w.session, ticket_id)
    reason = one_line(reason, 200)
    _end(w, ticket, "企业退单 / given back by the provider", "offer.given_back", None, said=reason)
    return offers.offer_next(w, ticket.id)


def reassign(w: Work, ticket_id: int, reason: str, provider_id: int | None = None) -> int | None:
    """An operator moves a held order (改派): to this provider, or to the next; offer id or None. A reason is needed."""
    reason = one_line(reason, 200)
    if not reason:
        raise BadInput("改派需要原因", "moving an order needs a reason")
    ticket = tickets.open_one(w.session, ticket_id)
    _end(w, ticket, reason, "offer.taken_back", "withdrawal")
    if provider_id is not None:
        return offers.offer_to(w, ticket.id, provider_id)
    return offers.offer_next(w, ticket.id)


def _end(
    w: Work, ticket: Ticket, reason: str, event: str, template: str | None, said: str | None = None
) -> None:  # fmt: skip
    """The accepted offer ends; its provider is told by `template`, unless it said so itself. BadInput: nobody holds."""
    told = {"offer": ticket.accepted_offer_id or 0, "at": w.now, "by": w.actor, "why": reason[:200], "said": said}
    held = w.connection.execute(_WITHDRAW, told).one_or_none()
    if held is None:
        raise BadInput("该工单没有企业接单", f"nobody holds ticket {ticket.number}")
    offer_id = ticket.accepted_offer_id
    offers.release(w, ticket)
    outbox.withdraw(w.session, reason, ticket_id=ticket.id)
    w.log(event, ticket_id=ticket.id, offer=offer_id, provider=held.provider_id,
          reason=said or reason[:200])  # fmt: skip
    item = item_name(ticket)
    if template is not None and messages.can_text(held.phone):
        w.send(
            messages.sms(
                messages.WITHDRAWAL, held.phone, template, ticket_id=ticket.id, number=ticket.number, item=item,
                valid_until=w.now + messages.WITHDRAWAL_VALID,
            )
        )  # fmt: skip
    offers.tell_resident(w, ticket, "resident_searching", number=ticket.number, item=item)
