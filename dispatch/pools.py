"""How wide providers are asked (全区, 全市, 邻区): first those of the district, then the city's, then those next door.

A request keeps its number, its history and all that was said; nobody is asked for anything again. When the widest pool
holds nobody either, the operators have it: a request is never refused silently (永不说不).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select

from dispatch import journeys, matching
from dispatch.holding import tell_resident
from dispatch.limits import LOCAL
from dispatch.offer_policy import item_name
from dispatch.places import place
from dispatch.ranking import POOLS
from dispatch.tables import Offer, Ticket
from dispatch.whereabouts import neighbours
from foundation.writer import Work

TOLD = {"city": "resident_city", "neighbours": "resident_neighbours"}
"""Pool -> the template by which the resident hears that it is opened."""


def pool_of(ticket: Ticket) -> str:
    """How wide this ticket's providers are asked now."""
    return str(ticket.policy.get("pool", POOLS[0]))


def widen(w: Work, ticket: Ticket) -> bool:
    """Nobody is left in the ticket's pool: open the next wider one that holds somebody who can serve.

    False: there is none, and the operators must act. Each pool opened is an event with what the round has heard so far;
    the resident is told of the one in which we go on asking.
    """
    for pool in POOLS[POOLS.index(pool_of(ticket)) + 1 :]:
        _open(w, ticket, pool)
        if any(one.able for one in matching.ranked(w.session, ticket, w.now)[:1]):
            tell_resident(w, ticket, TOLD[pool], number=ticket.number, item=item_name(ticket))
            return True
    return False


def _open(w: Work, ticket: Ticket, pool: str) -> None:
    was = pool_of(ticket)
    heard = _heard(w, ticket)
    detail: dict[str, Any] = {"was": was, "pool": pool, "heard": heard}
    if pool == "neighbours":
        day = w.now.astimezone(LOCAL).date()
        detail["districts"] = neighbours(
            w.session, ticket.community[:6], place(ticket.latitude, ticket.longitude), day
        )  # fmt: skip
        ticket.policy = {**ticket.policy, "pool": pool, "neighbours": detail["districts"]}
    else:
        ticket.policy = {**ticket.policy, "pool": pool}
        journeys.go_up(w, ticket, _trigger(heard))
    w.session.flush()
    w.log("ticket.pool_widened", ticket_id=ticket.id, **detail)


def _heard(w: Work, ticket: Ticket) -> dict[str, int]:
    """What became of this round's offers: how many ended how, declines with their reason."""
    rows = w.session.execute(
        select(Offer.state, Offer.decline_reason).where(Offer.ticket_id == ticket.id, Offer.round == ticket.round)
    )
    return dict(Counter(f"{state}: {why}" if state == "declined" and why else state for state, why in rows))


def _trigger(heard: dict[str, int]) -> str:
    if heard.get("expired", 0) >= 2 and set(heard) == {"expired"}:
        return "accept_limit_twice"
    return "all_declined" if heard else "no_able_provider"
