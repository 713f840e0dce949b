"""The register as the desk reads it: a list in pages by key, and all that is known of one provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from providers import admission, contact_test, decisions, documents, ledger, prices, rota, stars, states, workers
from providers.errors import UnknownProvider
from providers.tables import (
    FoundedComplaint,
    PriceBand,
    Provider,
    ProviderCoverage,
    ProviderDecision,
    ProviderDocument,
    ProviderEvent,
    ProviderItem,
    ProviderPhone,
    ProviderRating,
    ProviderVisit,
    ProviderWorker,
)

PAGE = 50
SHOWN_EVENTS = 60


@dataclass(frozen=True)
class Filters:
    """What the list shows. `text` is part of a name or the beginning of a number; `after` the id to go on from.

    `need`: `decision` waits for a second person, `paper` ends within thirty days, `mend` should have mended by now.
    """

    state: str = ""
    kind: str = ""
    item: str = ""
    text: str = ""
    need: str = ""
    after: int = 0


@dataclass(frozen=True)
class Line:
    """A provider in the list; `finished` counts the orders of the window of its stars."""

    id: int
    name: str
    kind: str
    state: str
    state_until: datetime | None
    stars: int | None
    finished: int
    absent_until: datetime | None
    items: int


@dataclass(frozen=True)
class Listing:
    """One page of the list, the id to go on from (None: the end), and how many there are in each state."""

    lines: list[Line]
    following: int | None
    by_state: dict[str, int]


@dataclass(frozen=True)
class OfferedItem:
    """An item of a provider with its own price, the band of all, and how the two compare (`prices.outside`)."""

    row: ProviderItem
    band: prices.Band | None
    outside: str | None
    permitted: bool


@dataclass(frozen=True)
class Page:
    """All that is known of one provider. `lacking` is what its next step in admission still needs, in words."""

    provider: Provider
    steps: tuple[states.Step, ...]
    lacking: list[str]
    items: list[OfferedItem]
    prefixes: list[str]
    week: list[tuple[date, str]]
    off: tuple[str, str] | None
    documents: list[ProviderDocument]
    visits: list[ProviderVisit]
    decision: ProviderDecision | None
    workers: list[ProviderWorker]
    phones: list[ProviderPhone]
    unproven: frozenset[int]
    rating: stars.Rating
    counts: stars.Counts
    rated_at: datetime | None
    complaints: list[FoundedComplaint]
    events: list[ProviderEvent]


def listing(session: Session, filters: Filters, now: datetime) -> Listing:
    """A page of the register, oldest entry first."""
    items = select(func.count()).where(ProviderItem.provider_id == Provider.id).scalar_subquery()
    found = (
        select(Provider, items.label("items"), ProviderRating.counts)
        .outerjoin(ProviderRating, ProviderRating.provider_id == Provider.id)
        .where(*_conditions(filters, now), Provider.id > filters.after)
        .order_by(Provider.id)
        .limit(PAGE + 1)
    )
    rows = session.execute(found).all()
    lines = [
        Line(
            p.id, p.name, p.kind, p.state, p.state_until, p.stars, int((counts or {}).get("finished", 0)),
            p.absent_until if p.absent_until and p.absent_until > now else None, count,
        )
        for p, count, counts in rows[:PAGE]
    ]  # fmt: skip
    totals = session.execute(select(Provider.state, func.count()).group_by(Provider.state))
    return Listing(lines, lines[-1].id if len(rows) > PAGE else None, {row[0]: row[1] for row in totals})


def page(session: Session, provider_id: int, now: datetime) -> Page:
    """One provider. Raises `UnknownProvider`."""
    provider = session.get(Provider, provider_id)
    if provider is None:
        raise UnknownProvider(f"没有这家企业：{provider_id}", f"there is no provider {provider_id}")
    day = documents.local_day(now)
    rating = session.get(ProviderRating, provider_id)
    counts = stars.Counts.of(rating.counts) if rating is not None else stars.Counts()
    phones = select(ProviderPhone).where(ProviderPhone.provider_id == provider_id)
    return Page(
        provider=provider,
        steps=states.steps_from(provider.state),
        lacking=_lacking(session, provider, now),
        items=_items(session, provider_id, day),
        prefixes=sorted(
            session.scalars(select(ProviderCoverage.prefix).where(ProviderCoverage.provider_id == provider_id))
        ),
        week=rota.next_week(provider, day),
        off=rota.why_off(provider, now),
        documents=documents.of(session, provider_id),
        visits=list(
            session.scalars(
                select(ProviderVisit).where(ProviderVisit.provider_id == provider_id).order_by(ProviderVisit.id.desc())
            )
        ),
        decision=decisions.open_decision(session, provider_id),
        workers=workers.of(session, provider_id),
        phones=list(session.scalars(phones.order_by(ProviderPhone.position, ProviderPhone.id))),
        unproven=frozenset(row.phone_id for row in contact_test.unproven(session, now, provider_id)),
        rating=stars.rate(counts),
        counts=counts,
        rated_at=rating.computed_at if rating is not None else None,
        complaints=list(
            session.scalars(
                select(FoundedComplaint)
                .where(FoundedComplaint.provider_id == provider_id)
                .order_by(FoundedComplaint.id.desc())
            )
        ),
        events=ledger.events(session, provider_id, limit=SHOWN_EVENTS),
    )


def bands(session: Session) -> dict[str, prices.Band]:
    """The reference prices that were computed last."""
    return {row.item: _band(row) for row in session.scalars(select(PriceBand))}


def _conditions(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    made: list[ColumnElement[bool]] = []
    if filters.state:
        made.append(Provider.state == filters.state)
    if filters.kind:
        made.append(Provider.kind == filters.kind)
    if filters.item:
        offers = ProviderItem.item.startswith(filters.item, autoescape=True)
        made.append(exists().where(ProviderItem.provider_id == Provider.id, offers))
    if filters.text:
        phone = ProviderPhone.number.contains(filters.text, autoescape=True)
        by_number = exists().where(ProviderPhone.provider_id == Provider.id, phone)
        made.append(or_(Provider.name.contains(filters.text, autoescape=True), by_number))
    if filters.need == "decision":
        made.append(exists().where(ProviderDecision.provider_id == Provider.id, ProviderDecision.state == "open"))
    if filters.need == "mend":
        made.append(and_(Provider.state == "suspended", Provider.state_until <= now))
    if filters.need == "paper":
        last = documents.local_day(now) + timedelta(days=states.EXPIRY_NOTICE.days)
        made.append(
            exists().where(
                ProviderDocument.provider_id == Provider.id, ProviderDocument.withdrawn_at.is_(None),
                ProviderDocument.valid_to <= last,
            )
        )  # fmt: skip
    return made


def _lacking(session: Session, provider: Provider, now: datetime) -> list[str]:
    if provider.state in ("applied", "vetting", "visiting"):
        return admission.papers_lacking(session, provider, now)
    return admission.trial_lacking(session, provider, now) if provider.state == "probation" else []


def _items(session: Session, provider_id: int, day: date) -> list[OfferedItem]:
    rows = session.execute(
        select(ProviderItem, PriceBand)
        .outerjoin(PriceBand, PriceBand.item == ProviderItem.item)
        .where(ProviderItem.provider_id == provider_id)
        .order_by(ProviderItem.item)
    )
    made = []
    for row, kept in rows:
        band = _band(kept) if kept is not None else None
        outside = prices.outside(row.price_min, row.price_max, band) if band is not None else None
        permitted = row.licensed_until is None or row.licensed_until >= day
        made.append(OfferedItem(row, band, outside, permitted))
    return made


def _band(row: PriceBand) -> prices.Band:
    return prices.Band(
        row.low, row.high, row.quotes, row.quoted_low, row.quoted_high, row.charges, row.charged_low, row.charged_high
    )
