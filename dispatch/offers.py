"""Offers (派单): one provider is asked at a time, each within its limit; one holds the order; a late 1 hears the truth.

The winner is decided by one conditional UPDATE on the ticket's row; a partial unique index stands behind it.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from dispatch import limits, matching, messages, states, tickets
from dispatch.errors import BadInput, OfferAlreadyTaken, missing
from dispatch.ranking import Ranked
from dispatch.tables import Correspondent, Offer, Ticket
from dispatch.tickets import Watch
from foundation import outbox
from foundation.text import one_line
from foundation.writer import Work
from providers.queries import find as find_provider
from providers.tables import Provider
from providers.taxonomy import ITEMS
from residents.tables import Division

_MAY_ACCEPT = ("offered", "expired", "declined")
"""An offer that ran out, or was declined, may still be accepted while the order is free."""
_CODE_RESTS = timedelta(days=30)


class Answer(StrEnum):
    """What an accepting provider hears."""

    YOURS = "yours"
    YOURS_ALREADY = "yours_already"
    TAKEN = "taken"
    CLOSED = "closed"


def offer_next(w: Work, ticket_id: int) -> int | None:
    """Ask the next able provider; the offer's id. None: nobody is left, and the operators have it with the reasons."""
    ticket = tickets.open_one(w.session, ticket_id)
    ranked = matching.ranked(w.session, ticket, w.now)
    for place, candidate in enumerate(ranked, 1):
        if candidate.able:
            return _make(w, ticket, candidate, place, "sequential")
    reasons = {r.name: r.reasons[0][0] for r in ranked[:20] if r.reasons}
    escalate(w, ticket, "没有可派的企业 / no provider is left to ask", reasons)
    return None


def offer_to(w: Work, ticket_id: int, provider_id: int) -> int:
    """An operator offers the order to this provider, whatever its rank; open offers of others are withdrawn."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.assigned_provider_id is not None:
        raise OfferAlreadyTaken("该工单已有企业接单，请先收回", f"ticket {ticket.number} is held; take it back first")
    view = find_provider(w.session, provider_id)
    if not view.phones:
        raise BadInput("该企业没有已验证的电话", f"{view.name} has no verified telephone")
    _withdraw_open(w, ticket, "an operator offered it to another")
    chosen = Ranked(view.id, view.name, True, 100.0, (("人工指派", "chosen by an operator"),))
    return _make(w, ticket, chosen, 1, "manual")


def accept(w: Work, offer_id: int, minutes: int | None = None) -> Answer:
    """The provider takes the order. Exactly one gets `YOURS`; everybody else gets the truth, never an error."""
    offer = _get(w, offer_id)
    try:
        with w.session.begin_nested():
            if not _claim_ticket(w, offer):
                return _truth(w, offer)
            w.session.refresh(offer)
            offer.state, offer.answered_at, offer.answered_by = "accepted", w.now, w.actor
            offer.eta_minutes = minutes
            w.session.flush()
    except IntegrityError:  # the index behind the UPDATE: nobody has ever come here
        return Answer.TAKEN
    ticket = tickets.locked(w.session, offer.ticket_id)
    _settle(w, ticket, offer, minutes)
    return Answer.YOURS


def decline(w: Work, offer_id: int, reason: str = "") -> bool:
    """The provider does not take it; the next one is asked at once. False: it was not open any more."""
    offer = _get(w, offer_id)
    ticket = tickets.locked(w.session, offer.ticket_id)
    w.session.refresh(offer)
    if offer.state != "offered":
        return False
    offer.decline_reason = one_line(reason, 200)
    _end(w, ticket, offer, "declined", reason=offer.decline_reason)
    _count(w, offer.provider_id, offers_declined=1)
    return True


def expire(w: Work, offer_id: int) -> None:
    """The limit passed without an answer: the next one is asked."""
    offer = _get(w, offer_id)
    ticket = tickets.locked(w.session, offer.ticket_id)
    w.session.refresh(offer)
    if offer.state == "offered":
        _end(w, ticket, offer, "expired")
        _count(w, offer.provider_id, offers_expired=1)


def fail(w: Work, offer_id: int, reason: str) -> None:
    """The message could not be sent at all: the next one is asked at once."""
    offer = _get(w, offer_id)
    ticket = tickets.locked(w.session, offer.ticket_id)
    w.session.refresh(offer)
    if offer.state == "offered":
        _end(w, ticket, offer, "failed", reason=one_line(reason, 200))


def take_back(w: Work, ticket_id: int, reason: str) -> int | None:
    """Take an accepted order from its provider (no arrival, given back) and ask the next; offer id or None."""
    ticket = tickets.open_one(w.session, ticket_id)
    offer = w.session.get(Offer, ticket.accepted_offer_id or 0, populate_existing=True)
    if offer is None or offer.state != "accepted":
        raise BadInput("该工单没有企业接单", f"nobody holds ticket {ticket.number}")
    offer.state = "withdrawn"
    release(w, ticket)
    outbox.withdraw(w.session, reason, ticket_id=ticket.id)
    w.log("offer.taken_back", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id, reason=reason[:200])
    item, until = item_name(ticket), w.now + messages.WITHDRAWAL_VALID
    w.send(messages.sms(messages.WITHDRAWAL, offer.phone, "no_show", ticket_id=ticket.id, valid_until=until,
                        number=ticket.number, item=item))  # fmt: skip
    tell_resident(w, ticket, "resident_searching", number=ticket.number, item=item)
    return offer_next(w, ticket_id)


def release(w: Work, ticket: Ticket) -> None:
    """Nobody holds the order any more."""
    ticket.assigned_provider_id = ticket.accepted_offer_id = ticket.arrive_by = ticket.done_by = None
    ticket.arrived_at = None
    w.session.flush()


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


def offer_again(w: Work, ticket: Ticket, provider_id: int) -> int | None:
    """Ask the provider of the last round first; the others when it may not be asked."""
    view = find_provider(w.session, provider_id)
    refused = provider_id in ticket.policy.get("refused", ())
    if refused or view.state not in ("probation", "active", "warned") or not view.phones:
        return offer_next(w, ticket.id)
    same = Ranked(
        view.id, view.name, True, 100.0, (("重办，原企业优先", "work to be redone: the same provider first"),)
    )
    return _make(w, ticket, same, 1, "sequential")


def item_name(ticket: Ticket) -> str:
    """The item in Chinese, for messages."""
    item = ITEMS.get(ticket.item or "")
    return item.zh if item else ticket.summary[:20]


def work_class(ticket: Ticket) -> str:
    """How soon somebody must come; urgency lifts any item to urgent."""
    item = ITEMS.get(ticket.item or "")
    return item.work_class if item and ticket.urgency == "normal" else "urgent"


def tell_resident(w: Work, ticket: Ticket, template: str, **params: Any) -> None:
    """Text the resident about the running order; a newer word replaces one still waiting. Landlines get none."""
    if messages.can_text(ticket.caller):
        w.send(messages.sms(messages.RESIDENT, ticket.caller, template, ticket_id=ticket.id,
                            dedupe_key=f"resident:{ticket.id}", **params))  # fmt: skip
    else:
        w.log("resident.not_textable", ticket_id=ticket.id, template=template)


def _claim_ticket(w: Work, offer: Offer) -> bool:
    """Decide: the order goes to this offer if it is free, in this round, and the offer still stands."""
    claim = (
        update(Ticket)
        .where(
            Ticket.id == offer.ticket_id,
            Ticket.assigned_provider_id.is_(None),
            Ticket.state.in_(("offered", "escalated")),
            Ticket.round == offer.round,
        )
        .values(assigned_provider_id=offer.provider_id, accepted_offer_id=offer.id)
        .execution_options(synchronize_session=False)
    )
    if w.session.execute(claim).rowcount != 1:  # type: ignore[attr-defined]
        return False
    state = w.session.scalar(select(Offer.state).where(Offer.id == offer.id))
    if state in _MAY_ACCEPT:
        return True
    undo = update(Ticket).where(Ticket.id == offer.ticket_id).execution_options(synchronize_session=False)
    w.session.execute(undo.values(assigned_provider_id=None, accepted_offer_id=None))
    return False


def _truth(w: Work, offer: Offer) -> Answer:
    ticket = tickets.locked(w.session, offer.ticket_id)
    if not states.is_open(ticket.state) or ticket.state == "done":
        return Answer.CLOSED
    if ticket.accepted_offer_id == offer.id:
        return Answer.YOURS_ALREADY
    w.log("offer.too_late", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id)
    return Answer.TAKEN if ticket.assigned_provider_id is not None else Answer.CLOSED


def _settle(w: Work, ticket: Ticket, offer: Offer, minutes: int | None) -> None:
    _withdraw_open(w, ticket, "accepted by another")
    outbox.withdraw(w.session, "accepted", ticket_id=ticket.id, kinds=("offer", "resident"))
    limit = limits.arrive(work_class(ticket), minutes)
    ticket.arrive_by = w.now + limit.length - limits.ARRIVE_GRACE
    watch = Watch("ticket.arrive", ticket.arrive_by, limit.reason)
    owner = f"provider:{offer.provider_id}"
    w.log("offer.accepted", ticket_id=ticket.id, audience="resident", offer=offer.id, provider=offer.provider_id,
          minutes=minutes)  # fmt: skip
    tickets.change_state(w, ticket, "accepted", owner, watch, provider=offer.provider_id)
    _count(w, offer.provider_id, offers_accepted=1)
    item, arrive_by = item_name(ticket), ticket.arrive_by.isoformat()
    w.send(
        messages.sms(
            messages.CONFIRMATION, offer.phone, "confirmation", ticket_id=ticket.id, offer_id=offer.id,
            number=ticket.number, item=item, name=ticket.caller_name, phone=ticket.caller, address=ticket.address,
            summary=ticket.summary[:60], arrive_by=arrive_by,
        )
    )  # fmt: skip
    name = w.session.scalar(select(Provider.name).where(Provider.id == offer.provider_id)) or ""
    tell_resident(
        w, ticket, "resident_coming", number=ticket.number, item=item, provider=name, phone=offer.phone,
        arrive_by=arrive_by,
    )  # fmt: skip


def _make(w: Work, ticket: Ticket, candidate: Ranked, place: int, mode: str) -> int:
    phone = _phone(w, candidate.provider_id)
    limit = limits.accept(work_class(ticket))
    offer = Offer(
        ticket_id=ticket.id, provider_id=candidate.provider_id, round=ticket.round, mode=mode, state="offered",
        rank=place, score=candidate.score, reasons=[list(reason) for reason in candidate.reasons], phone=phone,
        code=_code(w, ticket.id, phone), offered_at=w.now,
        expires_at=w.now + limits.SENDING_GRACE + limit.length,
    )  # fmt: skip
    w.session.add(offer)
    w.session.flush()
    message = messages.sms(
        messages.OFFER, phone, "offer", ticket_id=ticket.id, offer_id=offer.id, valid_until=offer.expires_at,
        number=ticket.number, item=item_name(ticket), area=_area(w, ticket), summary=ticket.summary[:40],
        minutes=int(limit.length.total_seconds() // 60), code=offer.code,
    )  # fmt: skip
    offer.outbox_id = w.send(message).id
    change = update(Provider).where(Provider.id == offer.provider_id).values(last_offered_at=w.now)
    w.session.execute(change.execution_options(synchronize_session=False))
    w.log("offer.made", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id, rank=place, mode=mode,
          reasons=offer.reasons)  # fmt: skip
    watch = Watch("offer.expires", offer.expires_at, limit.reason, subject=f"offer:{offer.id}")
    tickets.change_state(w, ticket, "offered", "desk", watch, provider=offer.provider_id)
    return offer.id


def _end(w: Work, ticket: Ticket, offer: Offer, state: str, **detail: Any) -> None:
    """The open offer ends unaccepted; when none is open beside it, the next provider is asked."""
    offer.state, offer.answered_at, offer.answered_by = state, w.now, w.actor
    w.session.flush()
    outbox.withdraw(w.session, f"the offer is {state}", offer_id=offer.id)
    w.log(f"offer.{state}", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id, **detail)
    others = w.session.scalar(
        select(Offer.id).where(Offer.ticket_id == ticket.id, Offer.state == "offered").limit(1)
    )  # fmt: skip
    if ticket.state == "offered" and others is None:
        offer_next(w, ticket.id)
    else:
        tickets.refresh_next(w, ticket)


def _withdraw_open(w: Work, ticket: Ticket, why: str) -> None:
    """Withdraw the offers still open on this ticket; who was already asked is told."""
    rows = w.session.scalars(select(Offer).where(Offer.ticket_id == ticket.id, Offer.state == "offered")).all()
    for offer in rows:
        offer.state, offer.answered_at, offer.answered_by = "withdrawn", w.now, w.actor
        w.session.flush()
        unsent = outbox.withdraw(w.session, why, offer_id=offer.id, kinds=("offer",))
        if not unsent:
            w.send(
                messages.sms(
                    messages.WITHDRAWAL, offer.phone, "withdrawal", ticket_id=ticket.id, offer_id=offer.id,
                    valid_until=w.now + messages.WITHDRAWAL_VALID, number=ticket.number, item=item_name(ticket),
                )
            )  # fmt: skip
        w.log("offer.withdrawn", ticket_id=ticket.id, offer=offer.id, provider=offer.provider_id, why=why)


def _phone(w: Work, provider_id: int) -> str:
    phones = find_provider(w.session, provider_id).phones
    opted_out = set(
        w.session.scalars(
            select(Correspondent.number).where(
                Correspondent.number.in_(phones), Correspondent.opted_out_at.is_not(None)
            )
        )
    )
    return next((number for number in phones if number not in opted_out), phones[0])


def _code(w: Work, ticket_id: int, phone: str) -> str:
    """A code of four digits that this telephone has not had for thirty days; 1000 to 9999."""
    since = w.now - _CODE_RESTS
    recent = set(w.session.scalars(select(Offer.code).where(Offer.phone == phone, Offer.offered_at > since)))
    start = (ticket_id * 7919 + len(recent) * 104_729) % 9000  # spread, so that codes do not look alike
    for step in range(9000):
        code = str(1000 + (start + step) % 9000)
        if code not in recent:
            return code
    raise BadInput("该电话 30 天内的派单号码已用完", f"{phone} has had every code within thirty days")


def _area(w: Work, ticket: Ticket) -> str:
    return w.session.scalar(select(Division.name).where(Division.code == ticket.community)) or ticket.community


def _get(w: Work, offer_id: int) -> Offer:
    offer = w.session.get(Offer, offer_id)
    if offer is None:
        raise missing("派单", "offer", offer_id)
    return offer


def _count(w: Work, provider_id: int, **counts: int) -> None:
    values = {name: getattr(Provider, name) + value for name, value in counts.items()}
    change = update(Provider).where(Provider.id == provider_id).values(**values)
    w.session.execute(change.execution_options(synchronize_session=False))
