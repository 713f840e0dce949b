"""Matching (匹配): the facts that ranking judges, read for one ticket."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import ranking
from dispatch.tables import Correspondent, Offer, Ticket
from providers import queries

_HOLDING = ("accepted", "arrived")


def ranked(session: Session, ticket: Ticket, now: datetime, preferred: int | None = None) -> list[ranking.Ranked]:
    """Providers of the ticket's item, the able ones first, each with its reasons."""
    if ticket.item is None:
        return []
    views = queries.of_item(session, ticket.item)
    ids = [view.id for view in views]
    held = (
        select(Ticket.assigned_provider_id, func.count())
        .where(Ticket.assigned_provider_id.in_(ids), Ticket.state.in_(_HOLDING))
        .group_by(Ticket.assigned_provider_id)
    )
    holding = {row[0]: row[1] for row in session.execute(held)}
    numbers = [number for view in views for number in view.phones]
    opted_out = set(
        session.scalars(
            select(Correspondent.number).where(
                Correspondent.number.in_(numbers), Correspondent.opted_out_at.is_not(None)
            )
        )
    )
    asked = session.scalars(select(Offer.provider_id).where(Offer.ticket_id == ticket.id, Offer.round == ticket.round))
    matter = ranking.Matter(
        item=ticket.item,
        community=ticket.community,
        at=now,
        asked=frozenset(asked),
        refused=frozenset(ticket.policy.get("refused", ())),
        preferred=preferred if preferred is not None else ticket.policy.get("preferred"),
    )
    candidates = [
        ranking.Candidate(
            id=view.id, name=view.name, state=view.state, items=view.items, prefixes=view.prefixes,
            opens_minute=view.opens_minute, closes_minute=view.closes_minute, weekdays=view.weekdays,
            capacity=view.capacity, open_orders=holding.get(view.id, 0), stars=view.stars,
            last_offered_at=view.last_offered_at,
            has_phone=any(number not in opted_out for number in view.phones), absent_until=view.absent_until,
        )
        for view in views
    ]  # fmt: skip
    return ranking.rank(matter, candidates)
