"""What the files about homes have in common: division codes that must hold today, and homes found by their address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select

from callcenter.files.cells import code, text
from callcenter.files.cells import decimal as cells_decimal
from callcenter.files.frame import Column, Faults, Ground, Row
from dispatch.limits import LOCAL
from foundation.numbers import NumberPlan
from foundation.text import fold
from residents import fields
from residents.errors import FieldInvalid
from residents.provenance import Source
from residents.tables import Division, Home

T = TypeVar("T")
IMPORTED = Source("import")
BATCH = 500
"""Keys asked for in one statement; SQLite takes 32,766 parameters, older ones 999."""

DIVISION = Column(
    "division_code",
    "社区代码",
    code(
        r"\d{12}(\d{2,3})?",
        "应为 12 位社区代码（网格为 14、15 位）",
        "must be a community's 12 digits (a grid's 14 or 15)",
    ),
    needed=True,
    also=("行政区划代码", "community_code", "community"),
    example="330203001001",
    about_zh="12 位社区代码，须在本系统的区划表中且今天有效",
    about_en="The community's 12 digits, known to this system and valid today",
)
ADDRESS = Column(
    "address",
    "地址",
    text(200),
    needed=True,
    also=("住址", "详细地址"),
    example="示范路 7 号 2 幢 301 室",
    about_zh="这一户的完整地址；同一社区同一地址是同一户",
    about_en="The whole address; the same address in the same community is the same home",
)


def place_columns() -> tuple[Column, ...]:
    """Where something stands on the map, in degrees of WGS-84."""
    return (
        Column("latitude", "纬度", cells_decimal(-90, 90), example="29.8683",
               about_zh="WGS-84 度，小数；与经度一起填", about_en="Degrees of WGS-84, with the longitude"),
        Column("longitude", "经度", cells_decimal(-180, 180), example="121.5440"),
    )  # fmt: skip


def check_places(rows: Sequence[Row], faults: Faults) -> None:
    """A fault for every row with one of the two alone."""
    for row in rows:
        told = [name for name in ("latitude", "longitude") if name in row.values]
        if len(told) == 1:
            faults.add(
                row.number, told[0], row.values[told[0]], "纬度和经度要一起填", "needs latitude and longitude together"
            )


def batches(keys: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """`keys` without doubles, so many at a time."""
    rest = iter(dict.fromkeys(keys))
    while batch := list(islice(rest, size)):
        yield batch


def same_place(address: str) -> str:
    """What two writings of one address have in common: no blanks, plain digits and letters."""
    return "".join(fold(address).lower().split())


def check_divisions(ground: Ground, rows: Sequence[Row], faults: Faults) -> None:
    """A fault for every row whose community does not exist, no longer holds, or is not the importing person's."""
    codes = {str(row.values["division_code"]) for row in rows}
    known: dict[str, Division] = {}
    for batch in batches(sorted(codes)):
        known |= {d.code: d for d in ground.session.scalars(select(Division).where(Division.code.in_(batch)))}
    today = ground.now.astimezone(LOCAL).date()
    wrong = {told: problem for told in codes if (problem := _problem(known.get(told), told, today, ground))}
    for row in rows:
        if problem := wrong.get(str(row.values["division_code"])):
            faults.add(row.number, "division_code", row.values["division_code"], *problem)


def _problem(found: Division | None, told: str, today: date, ground: Ground) -> tuple[str, str] | None:
    if found is None:
        return (
            "区划表中没有这个社区代码，请核对，或先登记该社区",
            "is no known community; check it, or enter the community first",
        )
    if found.valid_to is not None and found.valid_to <= today:
        last = found.valid_to - timedelta(days=1)
        then = f"，已由 {found.replaced_by} 取代" if found.replaced_by else ""
        then_en = f", replaced by {found.replaced_by}" if found.replaced_by else ""
        return f"该社区已于 {last} 撤销{then}", f"ended on {last}{then_en}"
    if found.valid_from > today:
        return f"该社区 {found.valid_from} 起才有效", f"is valid from {found.valid_from} only"
    if not ground.scope.covers(told):
        return "不在您可以导入的区域内", "lies outside the area you may import for"
    return None


def storable(row: Row, key: str, name: str, rules: Mapping[str, fields.Rule], plan: NumberPlan, faults: Faults) -> Any:
    """The cell `key` as the register would store it in the field `name`; a fault when the register would refuse it."""
    value = row.values[key]
    told = list(value) if isinstance(value, tuple) else value
    try:
        return fields.check({name: told}, rules, plan)[name]
    except FieldInvalid as wrong:
        faults.add(row.number, key, value, wrong.zh, wrong.en)
        return told


class Homes:
    """The homes of the communities that a file names, found by community and address."""

    def __init__(self, ground: Ground, rows: Sequence[Row]) -> None:
        self._ids: dict[tuple[str, str], int] = {}
        for batch in batches(str(row.values["division_code"]) for row in rows):
            found = select(Home.id, Home.division_code, Home.address).where(Home.division_code.in_(batch))
            for home_id, division, address in ground.session.execute(found.order_by(Home.id.desc())):
                self._ids[division, same_place(address)] = home_id  # of doubles the oldest
        self._known = set(self._ids.values())

    def has(self, home_id: int) -> bool:
        """Whether a home is in one of the communities that the file names."""
        return home_id in self._known

    def find(self, division: str, address: str) -> int | None:
        """The home's id, or None."""
        return self._ids.get((division, same_place(address)))
