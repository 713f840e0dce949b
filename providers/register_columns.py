"""The register as matching reads it: the providers of one item as numpy columns, kept in this process while they hold.

Only what changes seldom is kept; load, absence and the last offer are read fresh by whoever matches. A column set is
good as long as the item's row in `register_stamps` is unchanged: triggers give it a new random stamp with every change
to a provider that offers the item (`foundation.migrations.stamps`), so that each process, and each reader inside its
own transaction, sees when it must read again. Nothing is ever changed in place, and nothing need be told around.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from providers import rota
from providers.rating_tables import PriceBand, ProviderRating
from providers.stars import Counts
from providers.tables import STATES, Provider, ProviderCoverage, ProviderItem, ProviderPhone, RegisterStamp

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Words = tuple[str, str]

PREFIX_LENGTHS = range(2, 13)
"""Digits a coverage may have: province to community."""
GRADES_OF_OLD = 10
"""Grades that stars without a rating of ours count for: whoever entered them had finished orders in mind."""
NO_END = 10_000_000
"""The day (proleptic ordinal) up to which a licence without a known end holds."""
_MOST_ITEMS = 2000
_kept: OrderedDict[tuple[Any, str], ItemRegister] = OrderedDict()

_STAMP = select(RegisterStamp.stamp).where(RegisterStamp.item == bindparam("item"))
_ROWS = (
    select(
        Provider.id, Provider.name, Provider.state, Provider.latitude, Provider.longitude, Provider.radius_km,
        Provider.opens_minute, Provider.closes_minute, Provider.weekdays, Provider.rota, Provider.capacity,
        Provider.stars, ProviderItem.price_min, ProviderItem.price_max, ProviderItem.licensed_until,
        ProviderRating.counts,
    )
    .join(ProviderItem, ProviderItem.provider_id == Provider.id)
    .outerjoin(ProviderRating, ProviderRating.provider_id == Provider.id)
    .where(ProviderItem.item == bindparam("item"))
    .order_by(Provider.id)
)  # fmt: skip
_AREAS = (
    select(ProviderCoverage.provider_id, ProviderCoverage.prefix)
    .join(ProviderItem, ProviderItem.provider_id == ProviderCoverage.provider_id)
    .where(ProviderItem.item == bindparam("item"))
)
_PHONES = (
    select(ProviderPhone.provider_id, ProviderPhone.number)
    .join(ProviderItem, ProviderItem.provider_id == ProviderPhone.provider_id)
    .where(ProviderItem.item == bindparam("item"), ProviderPhone.verified_at.is_not(None))
)
_BAND = select(PriceBand.low, PriceBand.high).where(PriceBand.item == bindparam("item"))


@dataclass(frozen=True)
class Timetable:
    """The hours of one or more providers, as `rota.why_off` reads them; absence is not among them."""

    opens_minute: int
    closes_minute: int
    weekdays: str
    rota: Mapping[str, Any] | None
    absent_until: datetime | None = None


@dataclass(frozen=True, eq=False)
class ItemRegister:
    """The providers that offer one item, in the order of their ids; unknown numbers are NaN.

    `states` numbers into `providers.tables.STATES`, `timetable` into `timetables`; `licensed_until` is the ordinal of a
    day; `by_prefix` holds the rows that name a division code as their area, `by_district` those that name one in that
    district; `row_of` the row of an id.
    """

    stamp: str
    ids: Codes
    names: Sequence[str]
    states: Codes
    latitude: Numbers
    longitude: Numbers
    radius_km: Numbers
    timetable: Codes
    timetables: Sequence[Timetable]
    capacity: Codes
    stars: Numbers
    counts: Mapping[str, Codes]
    price_low: Numbers
    price_high: Numbers
    band: tuple[float, float] | None
    licensed_until: Codes
    phones: Sequence[tuple[str, ...]]
    has_phone: Flags
    by_prefix: Mapping[str, Codes]
    by_district: Mapping[str, Codes]
    row_of: Mapping[int, int]

    def reach(self, community: str) -> Codes:
        """For each row the digits of the longest code it names that covers `community`; 0 where none does."""
        digits = np.zeros(len(self.ids), dtype=np.int64)
        for length in PREFIX_LENGTHS:
            rows = self.by_prefix.get(community[:length]) if length <= len(community) else None
            if rows is not None:
                digits[rows] = length
        return digits

    def covers_one_of(self, districts: Iterable[str]) -> Flags:
        """Which rows name an area in one of these districts (6 digits each)."""
        found = np.zeros(len(self.ids), dtype=bool)
        for district in districts:
            rows = self.by_district.get(district)
            if rows is not None:
                found[rows] = True
        return found

    def closed(self, at: datetime) -> tuple[Codes, list[Words | None]]:
        """For each row a number into the words why it is closed at `at`; 0, which is None: it is open."""
        words: list[Words | None] = [None]
        codes = []
        for timetable in self.timetables:
            why = rota.why_off(timetable, at)
            if why is not None and why not in words:
                words.append(why)
            codes.append(words.index(why))
        return np.array(codes, dtype=np.int64)[self.timetable], words


def of_item(session: Session, item: str) -> ItemRegister | None:
    """The columns of `item` as this session sees the register; None when nobody offers it."""
    connection = session.connection()
    stamp = connection.scalar(_STAMP, {"item": item})
    if stamp is None:
        return None
    key = (connection.engine.url, item)
    found = _kept.get(key)
    if found is not None and found.stamp == stamp:
        return found
    made = _read(connection, item, stamp)
    _kept[key] = made
    while len(_kept) > _MOST_ITEMS:
        _kept.popitem(last=False)
    return made


def _read(connection: Connection, item: str, stamp: str) -> ItemRegister:
    told = {"item": item}
    rows = connection.execute(_ROWS, told).all()
    row_of = {row.id: place for place, row in enumerate(rows)}
    timetables: dict[tuple[Any, ...], int] = {}
    timetable = [timetables.setdefault(_hours(row), len(timetables)) for row in rows]
    phones: list[list[str]] = [[] for _ in rows]
    for provider_id, number in connection.execute(_PHONES, told):
        phones[row_of[provider_id]].append(number)
    by_prefix, by_district = _areas(connection, told, row_of)
    counts = [Counts.of(row.counts or {}) for row in rows]
    return ItemRegister(
        stamp=stamp,
        ids=_codes(row.id for row in rows),
        names=[row.name for row in rows],
        states=_codes(STATES.index(row.state) for row in rows),
        latitude=_numbers(row.latitude for row in rows),
        longitude=_numbers(row.longitude for row in rows),
        radius_km=_numbers(row.radius_km for row in rows),
        timetable=_codes(timetable),
        timetables=[
            Timetable(opens, closes, weekdays, json.loads(own) if own else None)
            for opens, closes, weekdays, own in timetables
        ],
        capacity=_codes(row.capacity for row in rows),
        stars=_numbers(row.stars for row in rows),
        counts={
            "grades": _codes(
                c.graded if row.counts is not None else GRADES_OF_OLD for c, row in zip(counts, rows, strict=True)
            ),
            "accepted": _codes(c.accepted for c in counts),
            "answered": _codes(c.accepted + c.declined + c.expired for c in counts),
            "on_time": _codes(c.on_time for c in counts),
            "arrivals": _codes(c.arrivals for c in counts),
        },
        price_low=_numbers(row.price_min for row in rows),
        price_high=_numbers(row.price_max if row.price_max is not None else row.price_min for row in rows),
        band=_band(connection, told, rows),
        licensed_until=_codes(row.licensed_until.toordinal() if row.licensed_until else NO_END for row in rows),
        phones=[tuple(numbers) for numbers in phones],
        has_phone=np.array([bool(numbers) for numbers in phones], dtype=bool),
        by_prefix=by_prefix,
        by_district=by_district,
        row_of=row_of,
    )


def _hours(row: Any) -> tuple[Any, ...]:
    plain = json.dumps(row.rota, sort_keys=True) if row.rota else ""
    return row.opens_minute, row.closes_minute, row.weekdays, plain


def _areas(
    connection: Connection, told: Mapping[str, Any], row_of: Mapping[int, int]
) -> tuple[dict[str, Codes], dict[str, Codes]]:
    prefixes: dict[str, list[int]] = {}
    districts: dict[str, set[int]] = {}
    for provider_id, prefix in connection.execute(_AREAS, told):
        row = row_of[provider_id]
        prefixes.setdefault(prefix, []).append(row)
        if len(prefix) >= 6:
            districts.setdefault(prefix[:6], set()).add(row)
    return (
        {prefix: _codes(rows) for prefix, rows in prefixes.items()},
        {district: _codes(sorted(rows)) for district, rows in districts.items()},
    )


def _band(connection: Connection, told: Mapping[str, Any], rows: Sequence[Any]) -> tuple[float, float] | None:
    """The usual prices: the item's reference band, else from the tenth to the ninetieth of a hundred quotes."""
    known = connection.execute(_BAND, told).first()
    if known is not None and known.low is not None and known.high is not None:
        return float(known.low), float(known.high)
    quotes = [(row.price_min + (row.price_max or row.price_min)) / 2 for row in rows if row.price_min is not None]
    if len(quotes) < 2:
        return None
    low, high = np.percentile(quotes, (10, 90))
    return float(low), float(high)


def _codes(values: Iterable[int]) -> Codes:
    return np.fromiter(values, dtype=np.int64)


def _numbers(values: Iterable[float | None]) -> Numbers:
    return np.fromiter((np.nan if value is None else value for value in values), dtype=np.float64)
