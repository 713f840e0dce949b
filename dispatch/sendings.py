"""What the sending of a message means for the matter it is about: gateways report here, in the same transaction."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, func, select, update

from dispatch import answers, asking, call_backs, messages, offer_policy, ring_backs, tickets
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer
from foundation.tables import Base, OutboxMessage
from foundation.writer import Work

_OFFERS = Base.metadata.tables[Offer.__tablename__]
_UNTIL = bindparam("until", type_=_OFFERS.c.expires_at.type)
_SENT = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"))
    .values(
        sent_at=func.coalesce(_OFFERS.c.sent_at, bindparam("at", type_=_OFFERS.c.sent_at.type)),
        expires_at=case(
            (and_(_OFFERS.c.state == "offered", _OFFERS.c.expires_at > _UNTIL), _UNTIL), else_=_OFFERS.c.expires_at
        ),
    )
)


def was_sent(w: Work, outbox_id: int) -> None:
    """The gateway took it: an offer's clock starts now, if that is sooner than what was allowed for the sending."""
    row = w.session.get_one(OutboxMessage, outbox_id)
    if row.kind not in messages.OFFERING or row.offer_id is None or row.ticket_id is None:
        return
    ticket = tickets.locked(w.session, row.ticket_id)
    policy = offer_policy.of(ticket)
    told = {"offer": row.offer_id, "at": w.now, "until": w.now + policy.accept.length}
    w.connection.execute(_SENT, told)
    if ticket.state == "offered":
        asking.watch_open(w, ticket, policy)


def has_failed(w: Work, outbox_id: int, reason: str) -> None:
    """It will not go out: an offer goes to the next provider, an emergency's message to a person's desk."""
    row = w.session.get_one(OutboxMessage, outbox_id)
    if row.kind in messages.OFFERING and row.offer_id is not None:
        if not _goes_another_way(w, row):
            answers.fail(w, row.offer_id, reason)
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


def _goes_another_way(w: Work, failed: OutboxMessage) -> bool:
    """Whether the same question also goes, or went, by another channel."""
    other = select(OutboxMessage.id).where(
        OutboxMessage.offer_id == failed.offer_id,
        OutboxMessage.id != failed.id,
        OutboxMessage.kind.in_(messages.OFFERING),
        OutboxMessage.state.in_(("pending", "sending", "sent", "delivered")),
    )
    return w.session.scalar(other.limit(1)) is not None
