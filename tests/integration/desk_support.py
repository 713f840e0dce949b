"""Desks for the tests of matters that are given to one: the district's station and two community desks."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch import organisations
from dispatch.registration import NewMatter, register
from foundation.writer import Work
from tests.integration.dispatch_support import COMMUNITY, RESIDENT, Town


@dataclass(frozen=True)
class Desks:
    """Owner keys."""

    station: str
    first: str
    second: str


def open_desks(town: Town) -> Desks:
    """A street's station with two desks under it."""

    def add(w: Work) -> Desks:
        station = organisations.add(w, name="街道服务站", kind="station", division_code="330203001")
        first = organisations.add(w, name="物业科", kind="desk", division_code=COMMUNITY, parent_id=station)
        second = organisations.add(w, name="城管科", kind="desk", division_code=COMMUNITY, parent_id=station)
        return Desks(f"org:{station}", f"org:{first}", f"org:{second}")

    made: Desks = town.call(add)
    return made


def matter(town: Town, kind: str = "complaint", **more: object) -> int:
    """The resident tells of a matter; its ticket."""
    told: dict[str, object] = {
        "kind": kind, "summary": "楼下烧烤摊油烟扰民", "caller": RESIDENT, "caller_name": "王阿姨",
        "community": COMMUNITY, "elements": {"who": "烧烤摊", "where": "示范路口", "made_up": "x"}, **more,
    }  # fmt: skip
    return int(town.call(register, NewMatter(**told)))  # type: ignore[arg-type]
