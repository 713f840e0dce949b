"""What the clock does for providers: each night their papers, warnings and dates to mend; stars; prices; contact tests.

Each step asks what is so now and does what is missing, so a night that was missed is made up for by the next, and a
step that was cut off is done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from dispatch import ratings, sanctions
from dispatch.sanctions import tell
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Offer, Ticket
from foundation.writer import Work
from providers import admission, documents, ledger, prices, stars, states
from providers.tables import PriceBand, Provider, ProviderDocument, ProviderItem
from providers.taxonomy import ITEMS

AT_ONCE = 20
"""Providers that are read at once; each is written by a command of its own."""
Counted = Mapping[int, stars.Counts]
CHARGES_OF = timedelta(days=180)
_LOOKED_AT = tuple(sorted(states.MATCHED | {"suspended"}))
PAPER_WORDS = {
    "licence": "营业执照 / business licence", "permit": "许可证 / permit", "identity": "责任人身份证明 / identity",
    "agreement": "协议 / agreement",
}  # fmt: skip


def next_providers(session: Session, after: int, limit: int = AT_ONCE) -> list[int]:
    """The providers after this id that the night looks at."""
    found = select(Provider.id).where(Provider.id > after, Provider.state.in_(_LOOKED_AT))
    return list(session.scalars(found.order_by(Provider.id).limit(limit)))


def count(session: Session, provider_ids: Iterable[int], now: datetime) -> Counted:
    """What the ledger says of these providers: a long read, for a session of its own."""
    return {provider_id: ratings.count(session, provider_id, now) for provider_id in provider_ids}


def look(w: Work, counted: Counted) -> None:
    """A night's look at some providers: papers, dates, stars."""
    for provider_id in counted:
        _papers(w, provider_id)
        _dates(w, provider_id)
    rate(w, counted)


def rate(w: Work, counted: Counted) -> None:
    """Stars of providers with which something happened."""
    for provider_id, counts in sorted(counted.items()):
        ratings.rate(w, provider_id, counts)
        sanctions.judge_acceptance(w, provider_id)


def bands(session: Session, now: datetime) -> dict[str, prices.Band]:
    """The reference price of every item: a long read, for a session of its own."""
    quoted: dict[str, list[tuple[int, int]]] = {}
    quotes = (
        select(ProviderItem.item, ProviderItem.price_min, ProviderItem.price_max)
        .join(Provider, Provider.id == ProviderItem.provider_id)
        .where(Provider.state.in_(tuple(states.MATCHED)), ProviderItem.price_min.is_not(None))
    )
    for item, low, high in session.execute(quotes):
        quoted.setdefault(item, []).append((low or 0, high or 0))
    charged: dict[str, list[int]] = {}
    charges = select(Ticket.item, Ticket.charge_yuan).where(
        Ticket.charge_yuan.is_not(None), Ticket.done_at >= now - CHARGES_OF, Ticket.done_at <= now
    )
    for charged_for, yuan in session.execute(charges):
        charged.setdefault(str(charged_for), []).append(yuan or 0)
    return {item: prices.band(quoted.get(item, ()), charged.get(item, ())) for item in ITEMS}


def keep_bands(w: Work, made: Mapping[str, prices.Band]) -> None:
    """Write down the reference prices."""
    w.session.execute(delete(PriceBand))
    known = {item: band for item, band in made.items() if band.quotes or band.charges}
    if known:
        rows = [{"item": item, "computed_at": w.now, **asdict(band)} for item, band in known.items()]
        w.session.execute(insert(PriceBand), rows)


def providers_of(session: Session, ticket_ids: Iterable[int]) -> list[int]:
    """Who was asked about these tickets: whose stars may have changed with them."""
    found = select(Offer.provider_id).where(Offer.ticket_id.in_(sorted(ticket_ids))).distinct()
    return sorted(session.scalars(found))


def _papers(w: Work, provider_id: int) -> None:
    """Announce what ends within thirty days; act on what has ended."""
    day = documents.local_day(w.now)
    soon, over = documents.soon_over(w.session, provider_id, day), documents.over(w.session, provider_id, day)
    if not soon and not over:
        return
    sanctions.lock_orders(w, provider_id)
    provider = ledger.locked(w.session, provider_id)
    for row in soon:
        row.warned_at = w.now
        paper, last = PAPER_WORDS[row.kind], f"{row.valid_to}"
        ledger.write(w, provider_id, "document_ends", document=row.id, type=row.kind, valid_to=row.valid_to)
        tell(w, provider, "paper_ends", paper=paper.partition(" / ")[0], day=last)
        words = f"{provider.name}的{paper.partition(' / ')[0]}将于 {last} 到期 / {paper.partition(' / ')[2]} ends"
        add_tasks(w, "provider", {f"document:{row.id}": words})
    for row in over:
        row.ended_at = w.now
        w.session.flush()
        ledger.write(w, provider_id, "document_ended", document=row.id, type=row.kind, valid_to=row.valid_to)
        if _stops(w.session, provider, row, day) and provider.state in states.MATCHED:
            zh, _, en = PAPER_WORDS[row.kind].partition(" / ")
            sanctions.suspend(w, provider_id, f"{zh}于 {row.valid_to} 到期 / {en} ended on {row.valid_to}")


def _stops(session: Session, provider: Provider, row: ProviderDocument, day: object) -> bool:
    """Whether the end of this paper stops the provider: its licence does, a permit when nothing else is left to do."""
    if row.kind == "licence":
        return True
    if row.kind != "permit":
        return False
    rest = select(ProviderItem.item).where(
        ProviderItem.provider_id == provider.id,
        ProviderItem.licensed_until.is_(None) | (ProviderItem.licensed_until >= day),
    )
    return session.scalar(rest.limit(1)) is None


def _dates(w: Work, provider_id: int) -> None:
    """End warnings whose time is over; say aloud who has not mended in time, and whose trial may be judged."""
    provider = w.session.get_one(Provider, provider_id)
    over = provider.state_until is not None and provider.state_until <= w.now
    if provider.state == "warned" and over:
        provider = ledger.locked(w.session, provider_id)
        ledger.step(w, provider, "active", "警告期满 / the warning is over")
        tell(w, provider, "standing_back")
    elif provider.state == "suspended" and over:
        words = f"{provider.name}逾期未整改，请提议解除或延期 / not mended in time: propose to expel, or set a new date"
        add_tasks(w, "provider", {f"mend:{provider_id}:{_stamp(provider.state_until)}": words})
    elif provider.state == "probation" and not admission.trial_lacking(w.session, provider, w.now):
        words = f"{provider.name}试用合格，可以转正 / the trial was passed: admit it"
        add_tasks(w, "provider", {f"trial:{provider_id}": words})


def _stamp(at: datetime | None) -> str:
    return f"{at:%Y%m%d}" if at else ""
