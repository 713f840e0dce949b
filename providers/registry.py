"""Entering providers and changing their standing. Admission as a process of its own decides the state it gives here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert

from foundation.numbers import NumberPlan
from foundation.text import one_line
from foundation.writer import Work
from providers.errors import BadProvider, UnknownProvider
from providers.tables import STATES, Provider, ProviderCoverage, ProviderItem, ProviderPhone
from providers.taxonomy import ITEMS

_PREFIX = re.compile(r"\d{2,12}", re.ASCII)


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
    stars: int | None = field(default=None)


def add_provider(w: Work, new: NewProvider, plan: NumberPlan | None = None) -> int:
    """Enter a provider; returns its id. Raises `BadProvider` naming what is wrong."""
    plan = plan or NumberPlan()
    wrong = [code for code in new.items if code not in ITEMS]
    wrong += [prefix for prefix in new.prefixes if not _PREFIX.fullmatch(prefix)]
    numbers = [plan.parse(phone) for phone in new.phones]
    wrong += [number.raw for number in numbers if not number.callable_back]
    if wrong or not new.items or not new.prefixes or not numbers or new.state not in STATES:
        raise BadProvider(
            f"企业 {one_line(new.name, 40)} 的项目、区域或电话有误：{wrong}",
            f"provider {one_line(new.name, 40)} needs known items, division codes and telephones; wrong: {wrong}",
        )
    row = Provider(
        name=one_line(new.name, 80), kind=new.kind, state=new.state, contact_name=one_line(new.contact_name, 40),
        address=one_line(new.address, 200), opens_minute=new.opens_minute, closes_minute=new.closes_minute,
        weekdays=new.weekdays, capacity=new.capacity, stars=new.stars, created_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    prices = [(code, price or (None, None)) for code, price in new.items.items()]
    w.session.execute(
        insert(ProviderItem),
        [{"provider_id": row.id, "item": code, "price_min": low, "price_max": high} for code, (low, high) in prices],
    )
    w.session.execute(
        insert(ProviderCoverage), [{"provider_id": row.id, "prefix": prefix} for prefix in dict.fromkeys(new.prefixes)]
    )
    w.session.execute(
        insert(ProviderPhone),
        [
            {"provider_id": row.id, "number": number.e164, "position": place, "verified_at": w.now}
            for place, number in enumerate(numbers, 1)
        ],
    )
    w.log("provider.added", provider=row.id, name=row.name)
    return row.id


def set_state(w: Work, provider_id: int, state: str, reason: str) -> None:
    """Give the provider another standing (试用, 警告, 停派 …), with the reason."""
    row = w.session.get(Provider, provider_id)
    if row is None:
        raise UnknownProvider(f"没有这家企业：{provider_id}", f"there is no provider {provider_id}")
    if state not in STATES or not one_line(reason, 200):
        raise BadProvider("需要已知的状态和原因", f"a change needs a reason and a state of {', '.join(STATES)}")
    was, row.state = row.state, state
    w.session.flush()
    w.log("provider.state_changed", provider=provider_id, was=was, state=state, reason=one_line(reason, 200))
