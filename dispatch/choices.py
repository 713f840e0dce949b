"""The resident's choice (自主选择): one of the three that are shown, one by name, or never this one again.

The choice goes before every score, but not before a hard condition: who cannot serve is not offered the order, and the
operator says why. A refusal is remembered for the resident, on later tickets too, until it is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from dispatch import matching, offers, taking_back, tickets
from dispatch.choice_tables import Refusal
from dispatch.errors import BadInput
from dispatch.ranking import Ranked
from dispatch.tables import Offer, Ticket
from dispatch.withdrawing import UNDECIDED, withdraw_undecided
from foundation.text import one_line
from foundation.writer import Work
from providers import queries
from providers.tables import Provider

SHOWN = 3
"""How many a resident chooses among."""
_REASON = "居民不要这家 / the resident refuses this provider"


@dataclass(frozen=True)
class Refused:
    """A provider the resident does not want, and since when."""

    provider_id: int
    name: str
    reason: str
    refused_at: datetime | None


def shown(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Those a resident chooses among."""
    return [one for one in ranked if one.able][:SHOWN]


def choose(w: Work, ticket_id: int, provider_id: int) -> int:
    """The resident takes one of those shown; it is asked at once, the offer's id. What was shown is kept with it."""
    ticket = _free(w, ticket_id)
    three = shown(matching.ranked(w.session, ticket, w.now))
    if all(one.provider_id != provider_id for one in three):
        raise BadInput(
            "名单刚刚变了，请重新选择，或按名称指定", "the three have just changed: choose again, or name the provider"
        )
    among = [{"provider": one.provider_id, "name": one.name, "score": one.score} for one in three]
    w.log("choice.made", ticket_id=ticket.id, audience="resident", provider=provider_id, among=among)
    return _ask(w, ticket, provider_id)


def name(w: Work, ticket_id: int, provider_id: int) -> int:
    """The resident asks for this provider by name, wherever its area lies; it is asked at once, the offer's id.

    Raises `BadInput` with what stands against it.
    """
    ticket = _free(w, ticket_id)
    judged = matching.judge(w.session, ticket, provider_id, w.now)
    if not judged.able:
        zh, en = ("，".join(r[0] for r in judged.reasons), ", ".join(r[1] for r in judged.reasons))
        raise BadInput(f"{judged.name}现在不能派单：{zh}", f"{judged.name} cannot be asked now: {en}")
    w.log("choice.named", ticket_id=ticket.id, audience="resident", provider=provider_id)
    return _ask(w, ticket, provider_id)


def refuse(w: Work, ticket_id: int, provider_id: int, reason: str = "") -> None:
    """The resident does not want this provider, here or later. If it is asked or holds the order, the next one is."""
    ticket = tickets.open_one(w.session, ticket_id)
    queries.find(w.session, provider_id)
    reason = one_line(reason, 200)
    if not _standing(w.session, ticket, provider_id):
        _remember(w, ticket, provider_id, reason)
        w.log("choice.refused", ticket_id=ticket.id, audience="resident", provider=provider_id, reason=reason)
    if ticket.kind != "service_request":
        return
    if ticket.assigned_provider_id == provider_id:
        if ticket.state == "accepted":
            taking_back.take_back(w, ticket_id, reason or _REASON)
        return
    asked = w.session.scalar(
        select(Offer.mode).where(
            Offer.ticket_id == ticket.id, Offer.provider_id == provider_id, Offer.state.in_(UNDECIDED)
        )
    )
    if asked is not None:
        withdraw_undecided(w, ticket, _REASON, provider_id)
        offers.go_on(w, ticket, asked)


def allow_again(w: Work, ticket_id: int, provider_id: int) -> None:
    """The resident takes the refusal back; it counts from the next time anybody is asked."""
    ticket = tickets.locked(w.session, ticket_id)
    lifted = w.session.execute(
        update(Refusal)
        .where(Refusal.provider_id == provider_id, *_of_resident(ticket))
        .values(lifted_at=w.now, lifted_by=w.actor)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    named = ticket.policy.get("refused", ())
    if provider_id in named:
        ticket.policy = {**ticket.policy, "refused": [key for key in named if key != provider_id]}
    if not lifted and provider_id not in named:
        raise BadInput("居民没有拒绝过这家企业", f"this resident has not refused provider {provider_id}")
    w.log("choice.refusal_lifted", ticket_id=ticket.id, audience="resident", provider=provider_id)


def refused(session: Session, ticket: Ticket) -> list[Refused]:
    """Whom this resident does not want, the latest first."""
    rows = session.execute(
        select(Refusal.provider_id, Provider.name, Refusal.reason, Refusal.refused_at)
        .join(Provider, Provider.id == Refusal.provider_id)
        .where(*_of_resident(ticket))
        .order_by(Refusal.id.desc())
        .limit(50)
    )
    found = [Refused(*row) for row in rows]
    known = {one.provider_id for one in found}
    others = [key for key in ticket.policy.get("refused", ()) if key not in known]
    names = session.execute(select(Provider.id, Provider.name).where(Provider.id.in_(others))) if others else ()
    return found + [Refused(key, called, "", None) for key, called in names]


def _of_resident(ticket: Ticket) -> tuple[ColumnElement[bool], ...]:
    """The refusals that stand for the resident of this ticket; as `matching` reads them."""
    rules: list[ColumnElement[bool]] = []
    if ticket.person_id is not None:
        rules.append(Refusal.person_id == ticket.person_id)
        if ticket.caller:
            rules.append(and_(Refusal.line == ticket.caller, Refusal.person_id.is_(None)))
    elif ticket.caller:
        rules.append(Refusal.line == ticket.caller)
    return Refusal.lifted_at.is_(None), or_(False, *rules)


def _standing(session: Session, ticket: Ticket, provider_id: int) -> bool:
    return provider_id in matching.refused_by(session.connection(), ticket)


def _remember(w: Work, ticket: Ticket, provider_id: int, reason: str) -> None:
    """For the person, else for the line; a caller of whom neither is known refuses on this ticket alone."""
    if ticket.person_id is None and not ticket.caller:
        ticket.policy = {**ticket.policy, "refused": [*ticket.policy.get("refused", ()), provider_id]}
    else:
        w.session.add(
            Refusal(
                provider_id=provider_id, person_id=ticket.person_id, line=ticket.caller, ticket_id=ticket.id,
                reason=reason, refused_at=w.now, refused_by=w.actor,
            )
        )  # fmt: skip
    w.session.flush()


def _free(w: Work, ticket_id: int) -> Ticket:
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.kind != "service_request" or ticket.assigned_provider_id is not None:
        raise BadInput(
            "该工单现在不能选企业", f"ticket {ticket.number} is {ticket.kind}/{ticket.state}: nothing to choose"
        )
    return ticket


def _ask(w: Work, ticket: Ticket, provider_id: int) -> int:
    ticket.policy = {**ticket.policy, "preferred": provider_id}
    w.session.flush()
    judged = matching.judge(w.session, ticket, provider_id, w.now)
    return offers.offer_to(w, ticket.id, provider_id, judged)
