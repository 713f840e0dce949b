"""Who holds an order: given to the provider that gets it, with all that follows from it, and released again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatch import limits, messages, tickets
from dispatch.offer_policy import item_name, work_class
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Ticket
from dispatch.tickets import Watch
from dispatch.withdrawing import withdraw_undecided
from foundation import outbox
from foundation.writer import Work


@dataclass(frozen=True)
class Winner:
    """The offer that gets the order: its provider, the provider's telephone, and the minutes it promised, if any."""

    offer_id: int
    provider_id: int
    name: str
    phone: str
    minutes: int | None


def give(w: Work, ticket: Ticket, winner: Winner) -> None:
    """The order is this provider's: the others hear that it is gone, the resident who comes, and the visit is watched.

    The ticket is locked and names this provider and offer already; the offer is `accepted`.
    """
    offer_id, provider_id, phone, minutes = winner.offer_id, winner.provider_id, winner.phone, winner.minutes
    withdraw_undecided(w, ticket, "已由他人承接 / taken by another")
    outbox.withdraw(w.session, "accepted", ticket_id=ticket.id, kinds=(*messages.OFFERING, "resident"))
    limit = limits.arrive(work_class(ticket), minutes)
    ticket.arrive_by = w.now + limit.length - limits.ARRIVE_GRACE
    watch = Watch("ticket.arrive", ticket.arrive_by, limit.reason)
    w.log("offer.accepted", ticket_id=ticket.id, audience="resident", offer=offer_id, provider=provider_id,
          minutes=minutes)  # fmt: skip
    tickets.change_state(w, ticket, "accepted", f"provider:{provider_id}", watch, provider=provider_id)
    item, arrive_by = item_name(ticket), ticket.arrive_by.isoformat()
    if messages.can_text(phone):
        w.send(
            messages.sms(
                messages.CONFIRMATION, phone, "confirmation", ticket_id=ticket.id, offer_id=offer_id,
                number=ticket.number, item=item, name=ticket.caller_name, phone=ticket.caller, address=ticket.address,
                summary=ticket.summary[:60], arrive_by=arrive_by,
            )
        )  # fmt: skip
    else:
        subject = f"confirmation:{offer_id}"
        words = f"请电话告知承接方工单 {ticket.number} 的地址和电话 / tell the provider of {ticket.number} by telephone"
        add_tasks(w, "call_back", {subject: words}, numbers={subject: phone}, ticket_ids={subject: ticket.id})
    tell_resident(
        w, ticket, "resident_coming", number=ticket.number, item=item, provider=winner.name, phone=phone,
        arrive_by=arrive_by,
    )  # fmt: skip


def release(w: Work, ticket: Ticket) -> None:
    """Nobody holds the order any more."""
    ticket.assigned_provider_id = ticket.accepted_offer_id = ticket.arrive_by = ticket.done_by = None
    ticket.departed_at = ticket.arrived_at = None
    w.session.flush()


def tell_resident(w: Work, ticket: Ticket, template: str, **params: Any) -> None:
    """Text the resident about the running order; a newer word replaces one still waiting. Landlines get none."""
    if messages.can_text(ticket.caller):
        w.send(messages.sms(messages.RESIDENT, ticket.caller, template, ticket_id=ticket.id,
                            dedupe_key=f"resident:{ticket.id}", **params))  # fmt: skip
    else:
        w.log("resident.not_textable", ticket_id=ticket.id, template=template)
