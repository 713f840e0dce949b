"""Stars from the ledger: what each provider was asked, said and did within ninety days, counted and rated.

Only this file gives stars. It reads offers, the events of their tickets, follow-ups and founded complaints, so that
the same ledger always gives the same stars, and nobody can give or take one by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from dispatch import limits
from dispatch.offer_policy import work_class
from dispatch.tables import FollowUp, Offer, Ticket
from foundation.tables import TicketEvent
from foundation.writer import Work
from providers import admission, ledger, stars
from providers.tables import Provider, ProviderRating

PRICE_CATEGORIES = frozenset({"price", "price_fraud"})
_CHUNK = 400
"""Tickets of which events are read at once: SQLite allows 32,766 variables, and no statement should be long."""
_TOLD = ("ticket.state_changed", "offer.given_back", "offer.accepted")
_HELD = ("accepted", "fulfilled")


@dataclass
class _Order:
    """What the window knows of one ticket, beside the offers."""

    ticket: Ticket
    events: list[Row[Any]] = field(default_factory=list)
    follow_ups: dict[int, FollowUp] = field(default_factory=dict)


def count(session: Session, provider_id: int, now: datetime) -> stars.Counts:
    """What is counted of a provider in the window that ends at `now`."""
    since = now - stars.WINDOW
    offers = session.scalars(
        select(Offer)
        .where(
            Offer.provider_id == provider_id, or_(Offer.offered_at >= since, Offer.ended_at >= since),
            Offer.offered_at <= now,
        )
        .order_by(Offer.id)
    ).all()  # fmt: skip
    orders = _orders(session, {offer.ticket_id for offer in offers})
    asked = [offer for offer in offers if offer.offered_at >= since]
    told = {(event.kind, event.detail.get("offer")): event for order in orders.values() for event in order.events}
    given_back = {offer_id for kind, offer_id in told if kind == "offer.given_back"}
    said_yes = {offer_id: event for (kind, offer_id), event in told.items() if kind == "offer.accepted"}
    accepted = [o for o in asked if o.id in said_yes and o.id not in given_back]
    refused = [o for o in asked if o.state == "declined" or o.id in given_back]
    finished = [o for o in offers if o.state == "fulfilled" and o.ended_at is not None and o.ended_at >= since]
    grades = [
        asked_about.grade
        for offer in finished
        if (asked_about := orders[offer.ticket_id].follow_ups.get(offer.round)) is not None
        and asked_about.grade is not None
    ]
    visits = [
        in_time
        for offer in offers
        if offer.id in said_yes
        and (in_time := _visit(said_yes[offer.id], orders[offer.ticket_id], since, now)) is not None
    ]
    complaints = admission.complaints(session, provider_id, since)
    return stars.Counts(
        finished=len(finished), graded=len(grades), grade_sum=sum(stars.GRADE_WORTH[grade] for grade in grades),
        accepted=len(accepted), declined=len(refused), expired=sum(o.state == "expired" for o in asked),
        accepted_in_time=sum(o.answered_at is not None and o.answered_at <= o.expires_at for o in accepted),
        arrivals=len(visits), on_time=sum(visits), redone=sum(_redone(o, orders[o.ticket_id]) for o in finished),
        complaints=len(complaints), price_complaints=sum(c.category in PRICE_CATEGORIES for c in complaints),
    )  # fmt: skip


def rate(w: Work, provider_id: int, counts: stars.Counts | None = None) -> stars.Rating:
    """Count, rate and keep; a change of stars is an event of the ledger.

    `counts` are what `count` gave just now where somebody counted before, so that the writer need not.
    """
    if counts is None:
        counts = count(w.session, provider_id, w.now)
    rating = stars.rate(counts)
    kept = w.session.get(ProviderRating, provider_id)
    if kept is None:
        kept = ProviderRating(provider_id=provider_id)
        w.session.add(kept)
    if kept.counts != counts.plain():  # else matching would have to read the register again for nothing
        kept.counts, kept.score, kept.stars = counts.plain(), rating.score, rating.stars
        kept.window_from, kept.computed_at = w.now - stars.WINDOW, w.now
    w.session.flush()
    provider = w.session.get_one(Provider, provider_id)
    if provider.stars != rating.stars:
        provider = ledger.locked(w.session, provider_id)
        was = provider.stars
        ledger.change(w, provider, "stars_changed", {"stars": rating.stars}, was=was, counts=counts.plain())
    return rating


def last_offers(session: Session, provider_id: int, since: datetime, most: int) -> tuple[int, int]:
    """How many of the last `most` offers since then were accepted, and of how many; withdrawn ones count for nobody."""
    found = session.execute(
        select(Offer.state, Offer.answered_at)
        .where(
            Offer.provider_id == provider_id, Offer.offered_at >= since,
            Offer.state.in_(("accepted", "fulfilled", "declined", "expired")),
        )
        .order_by(Offer.id.desc())
        .limit(most)
    ).all()  # fmt: skip
    return sum(row.state in _HELD for row in found), len(found)


def _orders(session: Session, ids: Iterable[int]) -> Mapping[int, _Order]:
    orders: dict[int, _Order] = {}
    every = sorted(ids)
    for start in range(0, len(every), _CHUNK):
        some = every[start : start + _CHUNK]
        for ticket in session.scalars(select(Ticket).where(Ticket.id.in_(some))):
            orders[ticket.id] = _Order(ticket)
        told = select(
            TicketEvent.id, TicketEvent.ticket_id, TicketEvent.at, TicketEvent.kind, TicketEvent.detail
        ).where(TicketEvent.ticket_id.in_(some), TicketEvent.kind.in_(_TOLD))
        for event in session.execute(told.order_by(TicketEvent.id)):
            orders[event.ticket_id].events.append(event)
        for row in session.scalars(select(FollowUp).where(FollowUp.ticket_id.in_(some))):
            orders[row.ticket_id].follow_ups[row.round] = row
    return orders


def _visit(accepted: Row[Any], order: _Order, since: datetime, now: datetime) -> bool | None:
    """Whether the visit of an accepted offer came in time; None: not due in the window, or it need not have come.

    One that was moved, cancelled or put aside before its time was not late. One still not there after it was, whatever
    became of the order then.
    """
    due = accepted.at + limits.arrive(work_class(order.ticket), accepted.detail.get("minutes")).length
    if due < since:
        return None
    for event in order.events:
        if event.id <= accepted.id or event.kind != "ticket.state_changed" or event.detail["state"] == "accepted":
            continue
        if event.detail["state"] == "arrived":
            return bool(event.at <= due)
        return False if event.at >= due else None
    return False if now >= due else None


def _redone(offer: Offer, order: _Order) -> bool:
    """Whether the finished work had to be done again. A record filled in anew (退回重填) is no fault of it."""
    if order.ticket.round <= offer.round:
        return False
    asked = order.follow_ups.get(offer.round)
    return asked is None or asked.outcome != "refill"
