"""Sanctions and every other way out of matching: what follows from a founded complaint, and the two who decide.

A provider that is not matched any more has no open offer from that moment on; the orders it holds are finished, or
moved to others where the supervisor says so. Its reasons stand in its ledger, and it is told them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dispatch import messages, offers, ratings, taking_back, tickets
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer, Ticket
from dispatch.withdrawing import UNDECIDED, withdraw_undecided
from foundation.calendar import NINGBO
from foundation.text import one_line
from foundation.writer import Work
from providers import admission, decisions, ledger, states
from providers.errors import BadProvider
from providers.rating_tables import CATEGORIES
from providers.tables import FoundedComplaint, Provider, ProviderDecision, ProviderPhone

CATEGORY_WORDS = {
    "quality": "服务质量 / quality of the work", "price": "收费 / the price", "attitude": "态度 / behaviour",
    "lateness": "失约 / being late", "damage": "损坏财物 / damage", "safety": "安全 / safety",
    "price_fraud": "价格欺诈 / price fraud", "other": "其他 / other",
}  # fmt: skip
_HELD = ("accepted", "arrived", "paused")


def complaint_founded(
    w: Work, complaint_id: int, provider_id: int, category: str, order_id: int | None = None
) -> str | None:  # fmt: skip
    """A complaint was found true: the state it led the provider to (`warned`, `suspended`), or None.

    Once for each complaint's ticket: said again it changes nothing. Raises `BadProvider` for an unknown category.
    """
    if category not in CATEGORIES:
        raise BadProvider("没有这种投诉类别", f"there is no kind of complaint {category!r}")
    lock_orders(w, provider_id)
    provider = ledger.locked(w.session, provider_id)
    row = w.session.scalar(select(FoundedComplaint).where(FoundedComplaint.complaint_id == complaint_id))
    if row is not None and row.withdrawn_at is None:
        return None
    since = w.now - states.COMPLAINT_WINDOW
    earlier = len(admission.complaints(w.session, provider_id, since))
    if row is None:
        row = FoundedComplaint(complaint_id=complaint_id)
        w.session.add(row)
    row.provider_id, row.category, row.order_id = provider_id, category, order_id
    row.founded_at, row.founded_by, row.withdrawn_at = w.now, w.actor, None
    w.session.flush()
    ledger.write(w, provider_id, "complaint_founded", complaint=complaint_id, category=category, order=order_id)
    following = states.after_complaint(provider.state, category, earlier)
    zh, _, en = CATEGORY_WORDS[category].partition(" / ")
    nth = "再次" if earlier else ""
    reason = f"{nth}查实投诉：{zh} / complaint found true{' again' if earlier else ''}: {en}"
    if following == "warned":
        admission.warn(w, provider, reason)
        tell(w, provider, "standing_warned", reason=_zh(reason))
    elif following == "suspended":
        _suspend(w, provider, reason, None)
    elif provider.state in ("probation", "warned"):
        words = f"{provider.name}有查实投诉，请决定 / a founded complaint: please decide"
        add_tasks(w, "provider", {f"complaint:{complaint_id}": words})
    ratings.rate(w, provider_id)
    return following


def complaint_withdrawn(w: Work, complaint_id: int) -> None:
    """The finding was reversed (申诉成立): it counts no more; what it led to is put before a supervisor."""
    row = w.session.scalar(select(FoundedComplaint).where(FoundedComplaint.complaint_id == complaint_id))
    if row is None or row.withdrawn_at is not None:
        return
    provider = ledger.locked(w.session, row.provider_id)
    row.withdrawn_at = w.now
    w.session.flush()
    ledger.write(w, provider.id, "complaint_withdrawn", complaint=complaint_id)
    if provider.state in ("warned", "suspended"):
        words = f"{provider.name}的查实投诉已撤销，请复核 / a finding was reversed: review it"
        add_tasks(w, "provider", {f"reversed:{complaint_id}": words})
    ratings.rate(w, provider.id)


def judge_acceptance(w: Work, provider_id: int) -> bool:
    """Warn a full provider that accepts too few of its last offers since it became full; whether it did."""
    provider = w.session.get(Provider, provider_id)
    if provider is None or provider.state != "active":
        return False
    since = provider.state_since or provider.created_at
    accepted, of = ratings.last_offers(w.session, provider_id, since, states.ACCEPTANCE_OFFERS)
    if states.after_offers(provider.state, accepted, of) is None:
        return False
    provider = ledger.locked(w.session, provider_id)
    reason = f"近 {of} 次派单仅接 {accepted} 次 / accepted {accepted} of the last {of} offers"
    admission.warn(w, provider, reason)
    tell(w, provider, "standing_warned", reason=_zh(reason))
    return True


def warn(w: Work, provider_id: int, reason: str) -> None:
    """A supervisor warns (警告)."""
    provider = ledger.locked(w.session, provider_id)
    admission.warn(w, provider, reason)
    tell(w, provider, "standing_warned", reason=one_line(reason, 60))


def suspend(
    w: Work, provider_id: int, reason: str, mend_by: datetime | None = None, *, move_orders: bool = False
) -> None:
    """停派整改: out of matching at once; the orders it holds finish, or move to others."""
    lock_orders(w, provider_id)
    _suspend(w, ledger.locked(w.session, provider_id), reason, mend_by, move_orders=move_orders)


def reinstate(w: Work, provider_id: int, proof: str) -> None:
    """恢复派单: the proof of mending is filed, and what was missing is there."""
    admission.reinstate(w, provider_id, proof)
    tell(w, ledger.locked(w.session, provider_id), "standing_back")


def leave(w: Work, provider_id: int, reason: str, *, move_orders: bool = False) -> None:
    """主动退出, by its own wish."""
    _out(w, provider_id, lambda: admission.leave(w, provider_id, reason), "企业退出 / the provider left", move_orders)


def reject(w: Work, provider_id: int, reason: str, *, move_orders: bool = False) -> None:
    """不予加盟, also at the end of a trial."""
    _out(w, provider_id, lambda: admission.reject(w, provider_id, reason), "不予加盟 / not admitted", move_orders)


def decide(w: Work, decision_id: int, *, carried: bool, reason: str = "") -> None:
    """The second person decides on a proposal; an expelled provider's orders all move to others."""
    row = w.session.get(ProviderDecision, decision_id)
    if row is None:
        raise BadProvider("没有待决定的提议", f"there is no open decision {decision_id}")
    _out(
        w, row.provider_id, lambda: decisions.decide(w, decision_id, carried=carried, reason=reason),
        "企业已解除加盟 / the provider was expelled", move_orders=carried,
    )  # fmt: skip


def orders_of(session: Session, provider_id: int, seen: ColumnElement[bool] | None = None) -> list[Ticket]:
    """The orders that a provider holds now, the oldest first; `seen` is what the reader sees of tickets."""
    held = select(Ticket).where(Ticket.assigned_provider_id == provider_id, Ticket.state.in_(_HELD))
    if seen is not None:
        held = held.where(seen)
    return list(session.scalars(held.order_by(Ticket.id)))


def tell(w: Work, provider: Provider, template: str, **params: Any) -> None:
    """Text the provider about its standing, on its first verified number."""
    number = w.session.scalar(
        select(ProviderPhone.number)
        .where(ProviderPhone.provider_id == provider.id, ProviderPhone.verified_at.is_not(None))
        .order_by(ProviderPhone.position, ProviderPhone.id)
        .limit(1)
    )
    if number is not None and messages.can_text(number):
        w.send(messages.sms(messages.STANDING, number, template, provider=provider.name, **params))


def _suspend(w: Work, provider: Provider, reason: str, mend_by: datetime | None, *, move_orders: bool = False) -> None:
    admission.suspend(w, provider, reason, mend_by)
    tell(w, provider, "standing_suspended", reason=_zh(provider.state_reason), day=_day(provider.state_until))
    _clear(w, provider, "企业停派 / the provider was suspended", move_orders)


def _out(w: Work, provider_id: int, step: Callable[[], object], why: str, move_orders: bool) -> None:
    lock_orders(w, provider_id)
    step()
    provider = ledger.locked(w.session, provider_id)
    if provider.state not in states.MATCHED:
        _clear(w, provider, why, move_orders)


def _clear(w: Work, provider: Provider, why: str, move_orders: bool) -> None:
    """Withdraw what it was asked, and take back what it holds and has not begun, if it shall."""
    for ticket_id in _asked(w.session, provider.id):
        ticket = tickets.locked(w.session, ticket_id)
        if withdraw_undecided(w, ticket, why, provider.id):
            offers.go_on(w, ticket, "")
    for ticket in orders_of(w.session, provider.id) if move_orders else ():
        if ticket.state == "accepted":  # who is at the door finishes
            taking_back.reassign(w, ticket.id, why)


def lock_orders(w: Work, provider_id: int) -> None:
    """Tickets are locked before providers, everywhere: so they are here, before the provider itself is."""
    held = [ticket.id for ticket in orders_of(w.session, provider_id)]
    for ticket_id in sorted({*_asked(w.session, provider_id), *held}):
        tickets.locked(w.session, ticket_id)


def _asked(session: Session, provider_id: int) -> list[int]:
    found = select(Offer.ticket_id).where(Offer.provider_id == provider_id, Offer.state.in_(UNDECIDED))
    return sorted(set(session.scalars(found)))


def _zh(reason: str) -> str:
    return reason.partition(" / ")[0]


def _day(at: datetime | None) -> str:
    return f"{at.astimezone(NINGBO):%Y-%m-%d}" if at else ""
