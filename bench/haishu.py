"""A register of any size in the shape of Haishu: a compact old town in the east, long valleys in the west.

Streets and their codes are real, shares of people and places are rough; providers are made from a seed. As in the real
register (840 providers, 190 items) nearly every provider offers few items; most go to the whole district.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

import dispatch.tables  # noqa: F401 - foreign keys reach across the folders
import residents.tables  # noqa: F401
from dispatch.tables import Correspondent, Refusal, Ticket
from foundation.database import Database
from foundation.migrations import stamps
from foundation.tables import Base
from providers.rating_tables import ProviderRating
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone
from providers.taxonomy import ITEMS

STREETS = (
    # code, latitude, longitude, share of the people
    ("330203001", 29.866, 121.544, 8), ("330203002", 29.872, 121.556, 7), ("330203003", 29.876, 121.535, 9),
    ("330203004", 29.869, 121.541, 7), ("330203005", 29.877, 121.546, 7), ("330203006", 29.862, 121.520, 11),
    ("330203007", 29.845, 121.535, 10), ("330203008", 29.875, 121.505, 9), ("330203009", 29.800, 121.520, 12),
    ("330203100", 29.900, 121.440, 7), ("330203101", 29.860, 121.360, 3), ("330203102", 29.865, 121.430, 7),
    ("330203103", 29.830, 121.450, 8), ("330203104", 29.770, 121.440, 4), ("330203105", 29.780, 121.350, 3),
    ("330203106", 29.790, 121.260, 2), ("330203200", 29.740, 121.330, 1),
)  # fmt: skip
COMMUNITIES = 12
"""Communities of a street."""
CODES = tuple(sorted([*ITEMS, *(f"{category:02}9{n}" for category in range(1, 21) for n in range(5))][:190]))
"""190 items: those of the catalogue, and the site's own."""
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning."""
HELD, ASKED_TODAY, REFUSALS, OPTED_OUT = 1000, 900, 400, 2000
"""What a district has going on at once, whatever the size of its register: orders in hand, providers asked within a
day, refusals that stand, numbers that opted out."""
CALLERS = 200
KINDS = ("company", "volunteer_group", "desk")
WATCHED: dict[str, tuple[str, ...]] = {
    "providers": (
        "name", "kind", "state", "licence", "opens_minute", "closes_minute", "weekdays", "capacity", "stars",
        "latitude", "longitude", "rota", "radius_km",
    ),
    "provider_items": (), "provider_coverage": (), "provider_phones": (), "provider_ratings": (),
    "correspondents": ("opted_out_at",),
}  # fmt: skip
KEYS = {"providers": "id", "correspondents": "number"}
_CHUNK = 2000


def place(dice: random.Random) -> tuple[str, float, float]:
    """A community and a point in it, as people live."""
    street = dice.choices(STREETS, [s[3] for s in STREETS])[0]
    spread = 0.006 if street[0] < "330203009" else 0.02
    community = f"{street[0]}{dice.randint(1, COMMUNITIES):03}"
    return community, round(dice.gauss(street[1], spread), 6), round(dice.gauss(street[2], spread), 6)


def fill(database: Database, providers: int, seed: int = 81890) -> None:
    """Enter `providers` of them, with what they hold and were asked today."""
    dice = random.Random(seed)
    today = set(dice.sample(range(1, providers + 1), min(ASKED_TODAY, providers)))
    rows = [_provider(dice, key, today) for key in range(1, providers + 1)]
    with database.write_engine.begin() as connection:
        for table in WATCHED:  # a hundred thousand stamps for one load; they are made once at its end
            stamps.unwatch(connection, table)
        _insert(connection, Provider, (row["row"] for row in rows))
        _insert(connection, ProviderItem, (item for row in rows for item in row["items"]))
        _insert(connection, ProviderCoverage, (area for row in rows for area in row["areas"]))
        _insert(connection, ProviderPhone, (row["phone"] for row in rows))
        _insert(connection, ProviderRating, (row["rating"] for row in rows if row["rating"]))
        _insert(connection, Correspondent, _opted_out(dice, providers))
        _insert(connection, Ticket, _held(dice, providers))
        tickets = [row[0] for row in connection.execute(text("SELECT id FROM tickets"))]
        _insert(connection, Refusal, _refusals(dice, providers, tickets))
        for table, columns in WATCHED.items():
            stamps.watch(connection, table, key=KEYS.get(table, "provider_id"), columns=columns)
        stamp = stamps.STAMP[database.dialect]
        made = f"INSERT INTO register_stamps (item, stamp) SELECT item, {stamp} FROM provider_items GROUP BY item"
        connection.execute(text(made))


def _insert(connection: Connection, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    every = list(rows)
    for start in range(0, len(every), _CHUNK):
        connection.execute(insert(model), every[start : start + _CHUNK])


def _provider(dice: random.Random, key: int, today: set[int]) -> dict[str, Any]:
    community, latitude, longitude = place(dice)
    hours = dice.choices(((0, 1440), (480, 1200), (510, 1020), (540, 1080), (1200, 360)), (35, 30, 15, 15, 5))[0]
    row = {
        "id": key, "name": f"服务商{key:06}", "kind": dice.choices(KINDS, (90, 6, 4))[0],
        "state": dice.choices(("active", "probation", "warned", "suspended", "withdrawn"), (84, 6, 3, 2, 5))[0],
        "latitude": latitude if dice.random() < 0.95 else None, "longitude": longitude,
        "radius_km": dice.choice((2.0, 5.0)) if dice.random() < 0.1 else None,
        "opens_minute": hours[0], "closes_minute": hours[1], "capacity": dice.randint(2, 5),
        "weekdays": dice.choices(("1234567", "12345", "123456"), (70, 15, 15))[0],
        "stars": dice.choice((3, 4, 4, 5, 5)) if dice.random() < 0.7 else None,
        "last_offered_at": NOW - timedelta(minutes=dice.randint(1, 1430)) if key in today else None,
        "absent_until": NOW + timedelta(hours=14) if key % 997 == 0 else None, "created_at": NOW,
    }  # fmt: skip
    wide = dice.random()
    areas = ["330203"] if wide < 0.75 else ["3302"] if wide < 0.85 else [community[:9], community]
    rating = None
    if row["stars"] is not None:
        graded, accepted = dice.randint(10, 80), dice.randint(10, 90)
        counts = {
            "finished": graded, "graded": graded, "accepted": accepted, "declined": dice.randint(0, 20),
            "expired": dice.randint(0, 10), "arrivals": accepted, "on_time": dice.randint(accepted // 2, accepted),
        }  # fmt: skip
        rating = {"provider_id": key, "window_from": NOW, "computed_at": NOW, "counts": counts, "stars": row["stars"]}
    return {
        "row": row,
        "items": [
            {"provider_id": key, "item": item, "price_min": (low := dice.randrange(30, 200, 10)), "price_max": low + 60}
            for item in dice.sample(CODES, dice.choice((1, 1, 2, 2, 3, 4)))
        ],
        "areas": [{"provider_id": key, "prefix": prefix} for prefix in areas],
        "phone": {"provider_id": key, "number": f"+86154{key:08}", "position": 1,
                  "verified_at": NOW if dice.random() < 0.97 else None},
        "rating": rating,
    }  # fmt: skip


def _held(dice: random.Random, providers: int) -> Iterable[dict[str, Any]]:
    for n in range(HELD):
        yield {
            "number": f"20261123-{n:04}", "kind": "service_request", "state": dice.choice(("accepted", "arrived")),
            "item": dice.choice(CODES), "owner": "desk", "next_deadline_at": NOW, "opened_at": NOW,
            "opened_by": "bench", "assigned_provider_id": dice.randint(1, providers),
        }  # fmt: skip


def _opted_out(dice: random.Random, providers: int) -> Iterable[dict[str, Any]]:
    firms = {f"+86154{dice.randint(1, providers):08}" for _ in range(30)}
    return [
        {"number": number, "opted_out_at": NOW} for number in (*firms, *(f"+86138{n:08}" for n in range(OPTED_OUT)))
    ]


def _refusals(dice: random.Random, providers: int, tickets: list[int]) -> Iterable[dict[str, Any]]:
    for n in range(REFUSALS):
        yield {
            "provider_id": dice.randint(1, providers), "line": f"+86138{n % CALLERS:08}", "ticket_id": tickets[0],
            "refused_at": NOW, "refused_by": "bench",
        }  # fmt: skip
