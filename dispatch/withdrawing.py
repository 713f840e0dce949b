"""Withdrawing offers (撤回): who was asked and is not needed any more is told, unless the question never left us."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, update

from dispatch import messages
from dispatch.offer_policy import item_name
from dispatch.tables import Offer, Ticket
from foundation import outbox
from foundation.tables import Base
from foundation.writer import Work

UNDECIDED = ("offered", "proposed")
"""The states in which a provider has been asked, and the order is nobody's yet."""
_OFFERS = Base.metadata.tables[Offer.__tablename__]
_WITHDRAW = (
    update(_OFFERS)
    .where(_OFFERS.c.ticket_id == bindparam("of_ticket"), _OFFERS.c.state.in_(UNDECIDED))
    .values(state="withdrawn", ended_at=bindparam("at"), ended_by=bindparam("by"), withdrawn_why=bindparam("why"))
    .returning(_OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.phone)
)
_WITHDRAW_FROM = _WITHDRAW.where(_OFFERS.c.provider_id == bindparam("provider"))


def withdraw_undecided(w: Work, ticket: Ticket, why: str, provider_id: int | None = None) -> int:
    """Withdraw the offers of a locked ticket that are not decided, those to one provider alone if it is named.

    Returns how many.
    """
    told: dict[str, Any] = {"of_ticket": ticket.id, "at": w.now, "by": w.actor, "why": why[:200]}
    if provider_id is not None:
        told["provider"] = provider_id
    w.session.flush()
    rows = sorted(w.connection.execute(_WITHDRAW if provider_id is None else _WITHDRAW_FROM, told).all())
    if not rows:
        return 0
    unsent = outbox.withdraw(w.session, why, offer_ids=[row.id for row in rows], kinds=messages.OFFERING)
    for row in rows:
        if row.id not in unsent and messages.can_text(row.phone):
            w.send(
                messages.sms(
                    messages.WITHDRAWAL, row.phone, "withdrawal", ticket_id=ticket.id, offer_id=row.id,
                    valid_until=w.now + messages.WITHDRAWAL_VALID, number=ticket.number, item=item_name(ticket),
                )
            )  # fmt: skip
        w.log("offer.withdrawn", ticket_id=ticket.id, offer=row.id, provider=row.provider_id, why=why)
    return len(rows)
