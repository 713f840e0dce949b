"""Entering providers that the desk knows already. Those that apply come in by `providers.admission`.

Nobody enters stars: they are computed from finished orders alone (`dispatch.ratings`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from foundation.numbers import NumberPlan
from foundation.text import one_line
from foundation.writer import Work
from providers import ledger
from providers.errors import BadProvider
from providers.tables import STATES, Provider, ProviderCoverage, ProviderItem, ProviderPhone
from providers.taxonomy import ITEMS

PREFIX = re.compile(r"\d{2,12}", re.ASCII)
MOST_PHONES = 10


@dataclass(frozen=True)
class NewProvider:
    """A provider to enter. `items` maps item codes to a price range in yuan or None; `phones` are as people write them
    and count as verified, since somebody of the desk has rung them."""

    name: str
    items: Mapping[str, tuple[int, int] | None]
    prefixes: Sequence[str]
    phones: Sequence[str]
    kind: str = "company"
    state: str = "active"
    contact_name: str = ""
    address: str = ""
    opens_minute: int = 0
    closes_minute: int = 1440
    weekdays: str = "1234567"
    capacity: int = 3
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None


def add_provider(w: Work, new: NewProvider, plan: NumberPlan | None = None) -> int:
    """Enter a provider; returns its id. Raises `BadProvider` naming what is wrong."""
    plan = plan or NumberPlan()
    wrong = [code for code in new.items if code not in ITEMS]
    wrong += [prefix for prefix in new.prefixes if not PREFIX.fullmatch(prefix)]
    numbers = [plan.parse(phone) for phone in new.phones]
    wrong += [number.raw for number in numbers if not number.callable_back]
    reaches = new.prefixes or new.radius_km is not None
    if wrong or not new.items or not reaches or not numbers or new.state not in STATES:
        raise BadProvider(
            f"企业 {one_line(new.name, 40)} 的项目、区域或电话有误：{wrong}",
            f"provider {one_line(new.name, 40)} needs known items, division codes and telephones; wrong: {wrong}",
        )
    row = Provider(
        name=one_line(new.name, 80), kind=new.kind, state=new.state, contact_name=one_line(new.contact_name, 40),
        address=one_line(new.address, 200), opens_minute=new.opens_minute, closes_minute=new.closes_minute,
        weekdays=new.weekdays, capacity=new.capacity, latitude=new.latitude, longitude=new.longitude,
        radius_km=new.radius_km, state_since=w.now, created_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    prices = {code: price or (None, None) for code, price in new.items.items()}
    enter_offer(w, row.id, prices, new.prefixes)
    w.session.execute(
        insert(ProviderPhone),
        [
            {"provider_id": row.id, "number": number.e164, "position": place, "verified_at": w.now}
            for place, number in enumerate(numbers, 1)
        ],
    )
    ledger.entered(w, row, "added", items=prices, coverage=list(new.prefixes))
    w.log("provider.added", provider=row.id, name=row.name)
    return row.id


def enter_offer(
    w: Work, provider_id: int, prices: Mapping[str, tuple[int | None, int | None]], prefixes: Sequence[str]
) -> None:
    """The rows of what a new provider offers and where."""
    w.session.execute(
        insert(ProviderItem),
        [
            {"provider_id": provider_id, "item": code, "price_min": low, "price_max": high}
            for code, (low, high) in prices.items()
        ],
    )
    if prefixes:
        rows = [{"provider_id": provider_id, "prefix": prefix} for prefix in dict.fromkeys(prefixes)]
        w.session.execute(insert(ProviderCoverage), rows)
