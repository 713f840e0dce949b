"""The fixed cast of the stories: a slice of the demo district, small enough to load in a second.

Homes 1 to 6 have dedicated lines (`home-1` … `home-6`), home 31 a shared one (`home-31`); three duty phones; four
operators at op1 … op4, of whom op4 is the supervisor; `provider-5`, `provider-6` (by day) and `provider-7` do plumbing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from callcenter.demo.book import directory
from callcenter.demo.district import DemoProvider, District, make_district
from callcenter.demo.load import load
from callcenter.demo.sign_ins import sign_ins
from callcenter.town.directory import Telephone
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Writer

PLAN = NumberPlan()
PLUMBING = "0301"
"""水管漏水: the item the stories ask for."""


def small_district(homes: Sequence[int] = (1, 2, 3, 4, 5, 6, 31), *, everyone: bool = False) -> District:
    """The homes of these numbers, and the providers who take plumbing (`everyone`: the whole district)."""
    district = make_district()
    if everyone:
        return district
    return replace(
        district,
        homes=tuple(home for home in district.homes if home.number in homes),
        providers=tuple(p for p in map(_also_plumbs, district.providers) if _does_plumbing(p)),
    )


def _does_plumbing(provider: DemoProvider) -> bool:
    return any(item == PLUMBING for item, _, _ in provider.items)


def _also_plumbs(provider: DemoProvider) -> DemoProvider:
    """A third plumber, so that one may decline, one may sleep, and one may come; all of them in good standing."""
    items = (*provider.items, (PLUMBING, 50, 150)) if provider.number == 7 else provider.items
    return replace(provider, items=items, values={**provider.values, "state": "active"})


def telephones_of(district: District) -> list[Telephone]:
    """The town's telephones, under the keys of the district's book."""
    return [
        Telephone(number=e.number, key=e.key, name=f"{e.zh} {e.en}", kind=e.role, dials=e.dials)
        for e in directory(district, PLAN)
    ]


def fill(database: Database, writer: Writer, home: Path, district: District) -> list[Telephone]:
    """Put the district and its staff into the database; returns the town's telephones."""
    load(database, writer, district, PLAN)
    sign_ins(database, writer, district, home / "secrets")
    return telephones_of(district)
