"""Offers (派单): who is asked, in the mode of the item, and who next when one of them does not take it.

A service request is offered and nothing else: an emergency (紧急求助) never passes through here. Nobody is asked twice
about one order in one round, and when nobody is left to ask, the operators have it with the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dispatch import collecting, limits, matching, offer_policy, pools, tickets
from dispatch.asking import Question, ask, watch_open
from dispatch.errors import BadInput, OfferAlreadyTaken
from dispatch.holding import release as release
from dispatch.holding import tell_resident as tell_resident
from dispatch.offer_policy import COLLECT, MANUAL, PLANNED
from dispatch.offer_policy import item_name as item_name
from dispatch.offer_policy import work_class as work_class
from dispatch.ranking import Ranked
from dispatch.tables import Ticket
from dispatch.tickets import Watch
from dispatch.withdrawing import withdraw_undecided
from foundation.writer import Work
from providers.queries import find as find_provider

_SHOWN = 20
_PLAN_WAITS = limits.Limit(
    timedelta(minutes=15), "等待重新调度，15 分钟后自动派单", "waits for a new plan; after 15 min offered by itself"
)


def begin(
    w: Work, ticket_id: int, mode: str | None = None, width: int | None = None, pick: str = "rule"
) -> int | None:  # fmt: skip
    """Start offering under the policy in force, which is copied into the ticket; the first offer's id.

    `mode`, `width` and `pick` (`dispatch.offer_policy`) are an operator's choice for this ticket. None: nobody can be
    asked, or the item is given by hand, and the operators have it. Raises `BadInput` where nothing can be offered.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.kind != "service_request" or ticket.state not in ("registered", "escalated"):
        raise BadInput("该工单不能派单", f"ticket {ticket.number} is {ticket.kind}/{ticket.state}: nothing to offer")
    if mode is not None or not offer_policy.begun(ticket):
        offer_policy.keep(ticket, offer_policy.new(ticket, mode, width, pick))
    return _ask_more(w, ticket)


def offer_next(w: Work, ticket_id: int) -> int | None:
    """Ask the next able providers, as many as the mode asks at once; the first of the offers. None: nobody is left."""
    return _ask_more(w, _free(w, ticket_id))


def offer_to(w: Work, ticket_id: int, provider_id: int, chosen: Ranked | None = None) -> int:
    """An operator offers the order to this provider, whatever its rank; open offers of others are withdrawn.

    `chosen` is what the ranking said of it, where the resident chose.
    """
    ticket = _free(w, ticket_id)
    view = find_provider(w.session, provider_id)
    withdraw_undecided(w, ticket, "改派给指定企业 / offered to another by an operator")
    chosen = chosen or Ranked(view.id, view.name, True, 100.0, (("人工指派", "chosen by an operator"),))
    return _put(w, ticket, chosen, MANUAL)


def offer_planned(w: Work, ticket_id: int, provider_id: int, reasons: Sequence[tuple[str, str]]) -> int:
    """A plan for many orders puts this one to this provider; when it ends unaccepted, a new plan has 15 minutes.

    Raises `OfferAlreadyTaken` when the order is held, or is being offered to somebody.
    """
    ticket = _free(w, ticket_id)
    if collecting.undecided(w, ticket.id):
        raise OfferAlreadyTaken("该工单正在派单", f"ticket {ticket.number} is being offered to somebody")
    view = find_provider(w.session, provider_id)
    return _put(w, ticket, Ranked(view.id, view.name, True, 100.0, tuple(reasons)), PLANNED)


def offer_again(w: Work, ticket: Ticket, provider_id: int) -> int | None:
    """Ask the provider of the last round first; the others when it may not be asked."""
    view = find_provider(w.session, provider_id)
    refused = provider_id in matching.refused_by(w.session.connection(), ticket)
    if refused or view.state not in ("probation", "active", "warned") or not view.phones:
        return offer_next(w, ticket.id)
    reasons = (("重办，原企业优先", "work to be redone: the same provider first"),)
    return _put(w, ticket, Ranked(view.id, view.name, True, 100.0, reasons), offer_policy.SEQUENTIAL)


def go_on(w: Work, ticket: Ticket, mode: str) -> None:
    """Offers of this mode ended unaccepted: wait for those still asked, decide, ask further, or leave it to a person.

    The ticket is locked.
    """
    if ticket.state != "offered" or ticket.assigned_provider_id is not None:
        tickets.refresh_next(w, ticket)
        return
    policy = offer_policy.of(ticket)
    # One after another there is nobody beside the one that ended.
    standing = collecting.undecided(w, ticket.id) if policy.width > 1 else []
    asked = [row for row in standing if row.state == "offered"]
    if standing and not asked:
        collecting.close(w, ticket, policy, standing)
    elif asked and (policy.mode == COLLECT or mode in (PLANNED, MANUAL)):
        watch_open(w, ticket, policy)
    elif mode == PLANNED:
        tickets.set_watches(w, ticket, Watch.within("surge.waits", _PLAN_WAITS, w.now))
    else:
        _ask_more(w, ticket, len(standing), min((row.expires_at for row in asked), default=None))


def plan_is_late(w: Work, ticket: Ticket) -> None:
    """No new plan came for a planned order: it is offered by itself, if it is still nobody's and nobody is asked."""
    if ticket.state == "offered" and ticket.assigned_provider_id is None and not collecting.undecided(w, ticket.id):
        _ask_more(w, ticket)


def escalate(w: Work, ticket: Ticket, why: str, reasons: dict[str, Any]) -> None:
    """Nobody is left to ask: the operators must act, and the resident is told that we still search."""
    limit = limits.escalated(work_class(ticket))
    w.log("ticket.escalated", ticket_id=ticket.id, why=why, providers=reasons)
    watch = Watch.within("ticket.escalated", limit, w.now, urgent=True)
    if ticket.state == "escalated":
        tickets.set_watches(w, ticket, watch)
        return
    tickets.change_state(w, ticket, "escalated", "desk", watch, why=why)
    tell_resident(w, ticket, "resident_searching", number=ticket.number, item=item_name(ticket))


def _ask_more(w: Work, ticket: Ticket, standing: int = 0, others: datetime | None = None) -> int | None:
    """Ask as many able providers as the mode has room for beside those `standing`; the first offer, if any."""
    if not offer_policy.begun(ticket):
        offer_policy.keep(ticket, offer_policy.new(ticket))
    policy = offer_policy.of(ticket)
    if policy.mode == MANUAL:
        escalate(w, ticket, "该项目由人工指派 / this order is given by hand", {})
        return None
    room = policy.width - standing
    with w.session.no_autoflush:  # the ticket's row is written once, with its state
        ranked = matching.ranked(w.session, ticket, w.now) if room > 0 else []
    able = [Question(place, one) for place, one in enumerate(ranked, 1) if one.able][:room]
    if able:
        return ask(w, ticket, able, policy.mode, policy, others)[0]
    if standing:
        watch_open(w, ticket, policy)
        return None
    if pools.widen(w, ticket):
        return _ask_more(w, ticket)
    reasons = {one.name: one.reasons[0][0] for one in ranked[:_SHOWN] if one.reasons}
    escalate(w, ticket, "没有可派的企业 / no provider is left to ask", reasons)
    return None


def _free(w: Work, ticket_id: int) -> Ticket:
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.kind != "service_request":
        raise BadInput(
            "只有求助单可以派单", f"ticket {ticket.number} is {ticket.kind}: it is never offered to providers"
        )
    if ticket.assigned_provider_id is not None:
        raise OfferAlreadyTaken("该工单已有企业接单，请先收回", f"ticket {ticket.number} is held; take it back first")
    return ticket


def _put(w: Work, ticket: Ticket, chosen: Ranked, mode: str) -> int:
    """Ask one provider that was chosen already."""
    if not offer_policy.begun(ticket):
        offer_policy.keep(ticket, offer_policy.new(ticket))
    return ask(w, ticket, [Question(1, chosen)], mode, offer_policy.of(ticket))[0]
