"""What a provider offers, where, when and at what price: the parts of its record that change while it is there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select

from foundation.text import clean, one_line
from foundation.writer import Work
from providers import documents, ledger, registry, rota, states
from providers.errors import BadProvider, NotYet
from providers.tables import ProviderCoverage, ProviderItem
from providers.taxonomy import ITEMS

MOST_CAPACITY = 200
MOST_RADIUS_KM = 100.0
MOST_YUAN = 999_999
MOST_PREFIXES = 100
_WEEKDAYS = re.compile(r"1?2?3?4?5?6?7?", re.ASCII)

Prices = Mapping[str, tuple[int | None, int | None]]


def set_items(w: Work, provider_id: int, prices: Prices) -> None:
    """What it offers from now on, with a price range in yuan (None: by agreement).

    Raises `NotYet` where an item marked L is new and no permit for it was seen.
    """
    wrong = [code for code, price in prices.items() if code not in ITEMS or not _is_range(*price)]
    if wrong or not prices:
        raise BadProvider(f"项目或价格有误：{wrong}", f"items and prices need known codes and low <= high: {wrong}")
    provider = ledger.locked(w.session, provider_id)
    had = dict(
        w.session.execute(
            select(ProviderItem.item, ProviderItem.licensed_until).where(ProviderItem.provider_id == provider_id)
        ).all()
    )
    day = documents.local_day(w.now)
    permitted = {
        code
        for row in documents.of(w.session, provider_id)
        if row.kind == "permit" and documents.holds(row, day)
        for code in row.items
    }
    new = [code for code in prices if ITEMS[code].licence and code not in had and code not in permitted]
    if new and states.STATES[provider.state].matched:
        names = "、".join(ITEMS[code].zh for code in new)
        raise NotYet(f"缺少许可：{names}", f"no permit was seen for {', '.join(ITEMS[code].en for code in new)}")
    w.session.execute(delete(ProviderItem).where(ProviderItem.provider_id == provider_id))
    rows = [
        {"provider_id": provider_id, "item": code, "price_min": low, "price_max": high, "licensed_until": had.get(code)}
        for code, (low, high) in sorted(prices.items())
    ]
    w.session.execute(insert(ProviderItem), rows)
    documents.licence_items(w, provider_id, [code for code in prices if code in permitted])
    ledger.write(w, provider_id, "items_set", items=dict(prices))


def set_item(w: Work, provider_id: int, code: str, low: int | None, high: int | None) -> None:
    """Offer one item more, or at another price."""
    set_items(w, provider_id, {**_prices(w, provider_id), code: (low, high)})


def drop_item(w: Work, provider_id: int, code: str) -> None:
    """Offer an item no more. The last one stays: a provider that offers nothing leaves."""
    set_items(w, provider_id, {item: price for item, price in _prices(w, provider_id).items() if item != code})


def set_coverage(w: Work, provider_id: int, prefixes: Sequence[str], radius_km: float | None = None) -> None:
    """Where it goes: divisions (2 to 12 digits), a radius in km around its place, or both."""
    chosen = sorted(set(prefixes))
    wrong = [prefix for prefix in chosen if not registry.PREFIX.fullmatch(prefix)]
    if radius_km is not None and not 0 < radius_km <= MOST_RADIUS_KM:
        wrong.append(f"{radius_km} km")
    if wrong or len(chosen) > MOST_PREFIXES or not (chosen or radius_km):
        raise BadProvider(
            f"服务区域有误：{wrong}", f"coverage is division codes, or 0 to {MOST_RADIUS_KM:g} km: {wrong}"
        )
    provider = ledger.locked(w.session, provider_id)
    if not chosen and provider.latitude is None:
        raise NotYet("按半径服务需先登记地点坐标", f"a radius needs the place of {provider.name} to be known")
    w.session.execute(delete(ProviderCoverage).where(ProviderCoverage.provider_id == provider_id))
    if chosen:
        rows = [{"provider_id": provider_id, "prefix": prefix} for prefix in chosen]
        w.session.execute(insert(ProviderCoverage), rows)
    ledger.change(w, provider, "coverage_set", {"radius_km": radius_km}, coverage=chosen)


def set_hours(
    w: Work, provider_id: int, opens_minute: int, closes_minute: int, weekdays: str,
    own: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """When it works: plain hours on these weekdays (`12345`), and a `rota` where they do not say all."""
    in_order = 0 <= opens_minute < 1440 and 0 <= closes_minute <= 1440
    if not in_order or not weekdays or not _WEEKDAYS.fullmatch(weekdays):
        raise BadProvider("营业时间有误", "hours are minutes of the day, weekdays the digits 1 to 7 in order")
    values = {
        "opens_minute": opens_minute, "closes_minute": closes_minute, "weekdays": weekdays, "rota": rota.checked(own),
    }  # fmt: skip
    ledger.change(w, ledger.locked(w.session, provider_id), "hours_set", values)


def set_profile(
    w: Work, provider_id: int, *, contact_name: str, address: str, capacity: int, external_grade: str, note: str
) -> None:
    """Whom to ask for, where it is, how many orders it holds at once, its grade elsewhere, a note of the desk."""
    if not 0 <= capacity <= MOST_CAPACITY:
        raise BadProvider("同时接单数有误", f"a provider holds 0 to {MOST_CAPACITY} orders at once")
    values = {
        "contact_name": one_line(contact_name, 40), "address": one_line(address, 200), "capacity": capacity,
        "external_grade": one_line(external_grade, 80), "note": clean(note, 2000),
    }  # fmt: skip
    provider = ledger.locked(w.session, provider_id)
    changed = {name: value for name, value in values.items() if getattr(provider, name) != value}
    if changed:
        ledger.change(w, provider, "profile_set", changed)


def set_week(w: Work, provider_id: int, week: Sequence[Sequence[Sequence[int]]], holidays: str) -> None:
    """The spans of Monday to Sunday, and whether holidays are kept (`rota.HOLIDAY_RULES`). Single days stay.

    A week that plain hours say as well is stored as such. Raises `BadProvider` for a week without an open hour.
    """
    if len(week) != 7 or not any(week):
        raise BadProvider("一周至少有一天营业", "a week has seven days, and one of them is open")
    provider = ledger.locked(w.session, provider_id)
    rest = {"holidays": holidays, "days": (provider.rota or {}).get("days", {})}
    hours = {tuple(tuple(span) for span in spans) for spans in week if spans}
    values: dict[str, Any] = {}
    if len(hours) == 1 and len(only := next(iter(hours))) == 1:
        values = {
            "opens_minute": only[0][0], "closes_minute": only[0][1],
            "weekdays": "".join(str(n) for n, spans in enumerate(week, 1) if spans), "rota": rota.checked(rest),
        }  # fmt: skip
    else:
        own = {str(n): [list(span) for span in spans] for n, spans in enumerate(week, 1) if spans}
        values = {"rota": rota.checked({**rest, "week": own})}
    ledger.change(w, provider, "hours_set", values)


def set_day(w: Work, provider_id: int, day: date, spans: Sequence[Sequence[int]] | None) -> None:
    """A day of its own: these spans (none: closed), or None: as any other day again. Days that are past go."""
    provider = ledger.locked(w.session, provider_id)
    today = documents.local_day(w.now)
    if day < today:
        raise BadProvider("这一天已经过去", f"{day} is past")
    own = dict(provider.rota or {})
    days = {key: value for key, value in own.get("days", {}).items() if key >= today.isoformat()}
    if spans is None:
        days.pop(day.isoformat(), None)
    else:
        days[day.isoformat()] = [list(span) for span in spans]
    ledger.change(w, provider, "day_set", {"rota": rota.checked({**own, "days": days})}, day=day, spans=spans)


def _prices(w: Work, provider_id: int) -> dict[str, tuple[int | None, int | None]]:
    ledger.locked(w.session, provider_id)
    rows = select(ProviderItem.item, ProviderItem.price_min, ProviderItem.price_max)
    return {row[0]: (row[1], row[2]) for row in w.session.execute(rows.where(ProviderItem.provider_id == provider_id))}


def _is_range(low: int | None, high: int | None) -> bool:
    if low is None or high is None:
        return low is None and high is None
    return 0 <= low <= high <= MOST_YUAN
