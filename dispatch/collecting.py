"""Collecting arrival times (报时): several providers say when they could come, and one of them is picked.

A provider's minutes count from the moment it gets the order, so that its word stays true however long the picking
takes. The rule picks the earliest, and of equals the one ranked first; an operator may pick before the rule does, and
where the picking was left to an operator the rule does it when nobody has picked in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from dispatch import limits, offer_policy, tickets
from dispatch.errors import BadInput, OfferAlreadyTaken
from dispatch.holding import Winner, give
from dispatch.limits import Limit
from dispatch.offer_policy import Policy
from dispatch.tables import Offer, Ticket
from dispatch.tickets import Watch
from dispatch.withdrawing import withdraw_undecided
from foundation.tables import Base
from foundation.writer import Work
from providers.tables import MATCHED_STATES, Provider

_OFFERS, _PROVIDERS = Base.metadata.tables[Offer.__tablename__], Base.metadata.tables[Provider.__tablename__]
_UNDECIDED = (
    select(
        _OFFERS.c.id, _OFFERS.c.provider_id, _OFFERS.c.state, _OFFERS.c.mode, _OFFERS.c.expires_at, _OFFERS.c.rank,
        _OFFERS.c.eta_minutes, _OFFERS.c.phone, _PROVIDERS.c.name, _PROVIDERS.c.state.label("standing"),
    )
    .join_from(_OFFERS, _PROVIDERS, _PROVIDERS.c.id == _OFFERS.c.provider_id)
    .where(_OFFERS.c.ticket_id == bindparam("of_ticket"), _OFFERS.c.state.in_(("offered", "proposed")))
    .order_by(_OFFERS.c.id)
)  # fmt: skip
_PROPOSE = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state.in_(("offered", "proposed", "expired", "declined")))
    .values(
        state="proposed", answered_at=bindparam("at"), answered_by=bindparam("by"), eta_minutes=bindparam("minutes"),
        ended_at=None, ended_by=None, decline_reason=None,
    )
)  # fmt: skip
_TAKE = (
    update(_OFFERS)
    .where(_OFFERS.c.id == bindparam("offer"), _OFFERS.c.state == "proposed")
    .values(state="accepted")
)  # fmt: skip
PICK = Limit(
    timedelta(minutes=10), "报时已齐：10 分钟内人工选定，否则取最早", "times are in: pick in 10 min, else the earliest"
)


def undecided(w: Work, ticket_id: int) -> list[Row[*tuple[Any, ...]]]:
    """The ticket's offers that are open or have named their time, in the order they were made."""
    w.session.flush()
    return list(w.connection.execute(_UNDECIDED, {"of_ticket": ticket_id}))


def propose(w: Work, ticket: Ticket, offer_id: int, minutes: int | None) -> bool:
    """Note that this provider can come, in so many minutes from getting the order; a newer word replaces the older.

    The ticket is locked, free and still being offered in this offer's round. False: the offer is over.
    """
    if minutes is None:
        minutes = limits.ON_SITE[offer_policy.work_class(ticket)]
    told = {"offer": offer_id, "at": w.now, "by": w.actor, "minutes": minutes}
    w.session.flush()
    if w.connection.execute(_PROPOSE, told).rowcount != 1:
        return False
    w.log("offer.proposed", ticket_id=ticket.id, offer=offer_id, minutes=minutes)
    standing = undecided(w, ticket.id)
    if all(row.state == "proposed" for row in standing):
        close(w, ticket, offer_policy.of(ticket), standing)
    return True


def close(w: Work, ticket: Ticket, policy: Policy, proposals: Iterable[Row[*tuple[Any, ...]]]) -> None:
    """Nobody is asked any more and times are there: the rule picks, or the desk is asked to."""
    able = _in_standing(proposals)
    if policy.pick == "rule" and able:
        _give_to(w, ticket, best(able), "rule")
        return
    tickets.set_watches(w, ticket, Watch.within("offer.pick", PICK, w.now))
    w.log("offer.times_collected", ticket_id=ticket.id)


def best(proposals: Iterable[Row[*tuple[Any, ...]]]) -> Row[*tuple[Any, ...]]:
    """The rule: who is there earliest; of equals, who was ranked first."""
    return min(proposals, key=lambda row: (row.eta_minutes, row.rank, row.id))


def pick(w: Work, ticket_id: int, offer_id: int) -> None:
    """An operator picks one of those who named their time; the others hear that it is gone.

    Raises `OfferAlreadyTaken` when somebody holds the order, `BadInput` when this one proposes nothing any more.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.assigned_provider_id is not None or ticket.state != "offered":
        raise OfferAlreadyTaken("该工单已不在选定阶段", f"ticket {ticket.number} is {ticket.state}: nothing to pick")
    chosen = next((row for row in _in_standing(undecided(w, ticket.id)) if row.id == offer_id), None)
    if chosen is None:
        raise BadInput("这家没有报时，或已收回", "this provider has named no time, or has taken it back")
    _give_to(w, ticket, chosen, w.actor)


def pick_by_rule(w: Work, ticket: Ticket) -> bool:
    """Nobody picked in time: the rule does. False: nobody is left to pick from, and others must be asked."""
    if ticket.assigned_provider_id is not None:
        return False
    proposals = _in_standing(undecided(w, ticket.id))
    if not proposals:
        withdraw_undecided(w, ticket, "已停派 / gets no orders now")
        return False
    _give_to(w, ticket, best(proposals), "rule")
    return True


def _in_standing(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Row[*tuple[Any, ...]]]:
    """Those who named their time and may still be given orders: who was suspended meanwhile may not."""
    return [row for row in rows if row.state == "proposed" and row.standing in MATCHED_STATES]


def _give_to(w: Work, ticket: Ticket, chosen: Row[*tuple[Any, ...]], by: str) -> None:
    """The ticket's lock decides: it is free, and stays so until this transaction ends."""
    if w.connection.execute(_TAKE, {"offer": chosen.id}).rowcount != 1:
        raise OfferAlreadyTaken("这家的报时已收回", "this provider has taken its word back")
    ticket.assigned_provider_id, ticket.accepted_offer_id = chosen.provider_id, chosen.id
    w.log("offer.picked", ticket_id=ticket.id, offer=chosen.id, provider=chosen.provider_id, by=by,
          minutes=chosen.eta_minutes)  # fmt: skip
    give(w, ticket, Winner(chosen.id, chosen.provider_id, chosen.name, chosen.phone, chosen.eta_minutes))
