"""What the sending of a message means for the matter it is about: gateways report here, in the same transaction."""

from __future__ import annotations

from dispatch import call_backs, limits, offers, ring_backs, tickets
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer
from dispatch.tickets import Watch
from foundation.tables import OutboxMessage
from foundation.writer import Work


def was_sent(w: Work, outbox_id: int) -> None:
    """The gateway took it: an offer's clock starts now, if that is sooner than what was allowed for the sending."""
    row = w.session.get_one(OutboxMessage, outbox_id)
    if row.kind != "offer" or row.offer_id is None:
        return
    offer = w.session.get_one(Offer, row.offer_id)
    ticket = tickets.locked(w.session, offer.ticket_id)
    w.session.refresh(offer)
    limit = limits.accept(offers.work_class(ticket))
    due = w.now + limit.length
    if offer.state == "offered" and due < offer.expires_at:
        offer.expires_at = due
        watch = Watch("offer.expires", due, limit.reason, subject=f"offer:{offer.id}")
        tickets.set_watches(w, ticket, watch)


def has_failed(w: Work, outbox_id: int, reason: str) -> None:
    """It will not go out: an offer goes to the next provider, an emergency's message to a person's desk."""
    row = w.session.get_one(OutboxMessage, outbox_id)
    if row.kind == "offer" and row.offer_id is not None:
        offers.fail(w, row.offer_id, reason)
    elif row.kind == "ring_back":
        ring_backs.failed(w, str(row.params.get("call", "")), reason)
    elif row.kind == "call_back":
        call_backs.failed(w, str(row.params.get("call", "")), reason)
    elif row.kind in ("sos", "confirmation", "resident"):
        subject = f"message:{row.id}"
        words = f"{row.template} → {row.recipient}：{reason}"
        add_tasks(
            w, "message_failed", {subject: words}, numbers={subject: row.recipient[:20]},
            ticket_ids={subject: row.ticket_id} if row.ticket_id is not None else None,
        )  # fmt: skip
    w.log("message.failed", ticket_id=row.ticket_id, kind=row.kind, template=row.template, reason=reason[:200])
