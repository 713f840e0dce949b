"""What is read of providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from providers.errors import UnknownProvider
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone


@dataclass(frozen=True)
class ProviderView:
    """A provider with what it offers, where, and its verified telephones (E.164); orders go to the first."""

    id: int
    name: str
    kind: str
    state: str
    contact_name: str
    address: str
    opens_minute: int
    closes_minute: int
    weekdays: str
    capacity: int
    stars: int | None
    last_offered_at: datetime | None
    absent_until: datetime | None
    items: frozenset[str]
    prefixes: tuple[str, ...]
    phones: tuple[str, ...]


def find(session: Session, provider_id: int) -> ProviderView:
    """One provider. Raises `UnknownProvider`."""
    found = _views(session, [provider_id])
    if not found:
        raise UnknownProvider(f"没有这家企业：{provider_id}", f"there is no provider {provider_id}")
    return found[0]


def of_item(session: Session, item: str) -> list[ProviderView]:
    """Every provider that offers `item`, whatever its state."""
    return _views(session, list(session.scalars(select(ProviderItem.provider_id).where(ProviderItem.item == item))))


def every(session: Session) -> list[ProviderView]:
    """All providers, by name."""
    return sorted(_views(session, list(session.scalars(select(Provider.id)))), key=lambda view: view.name)


def by_phone(session: Session, number: str) -> int | None:
    """Whose verified telephone this is; None for an unknown or unverified one."""
    return session.scalar(
        select(ProviderPhone.provider_id).where(
            ProviderPhone.number == number, ProviderPhone.verified_at.is_not(None)
        )
    )  # fmt: skip


def _views(session: Session, ids: list[int]) -> list[ProviderView]:
    columns = (
        Provider.id, Provider.name, Provider.kind, Provider.state, Provider.contact_name, Provider.address,
        Provider.opens_minute, Provider.closes_minute, Provider.weekdays, Provider.capacity, Provider.stars,
        Provider.last_offered_at, Provider.absent_until,
    )  # fmt: skip
    items: dict[int, set[str]] = {}
    for provider_id, item in session.execute(
        select(ProviderItem.provider_id, ProviderItem.item).where(ProviderItem.provider_id.in_(ids))
    ):
        items.setdefault(provider_id, set()).add(item)
    prefixes: dict[int, list[str]] = {}
    for provider_id, prefix in session.execute(
        select(ProviderCoverage.provider_id, ProviderCoverage.prefix).where(ProviderCoverage.provider_id.in_(ids))
    ):
        prefixes.setdefault(provider_id, []).append(prefix)
    phones: dict[int, list[str]] = {}
    for provider_id, number in session.execute(
        select(ProviderPhone.provider_id, ProviderPhone.number)
        .where(ProviderPhone.provider_id.in_(ids), ProviderPhone.verified_at.is_not(None))
        .order_by(ProviderPhone.position, ProviderPhone.id)
    ):
        phones.setdefault(provider_id, []).append(number)
    rows = session.execute(select(*columns).where(Provider.id.in_(ids)).order_by(Provider.id)).mappings()
    return [
        ProviderView(
            **row,
            items=frozenset(items.get(row["id"], ())),
            prefixes=tuple(prefixes.get(row["id"], ())),
            phones=tuple(phones.get(row["id"], ())),
        )
        for row in rows
    ]
